"""The outline of a PDF file, its bookmarks: lines that it names are headings, whatever font they are set in.

The caller holds PDFium's lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rag.sources.pdf_page import Line

_MOST_ENTRIES = 5_000
_DEEPEST = 5
_LONGEST = 200
_MOST_LINES = 3
"""Of one heading."""
_NOT_WORDS = re.compile(r"\W+")

Bookmarks = Mapping[int, Sequence[tuple[str, int]]]
"""By page, from 0: titles, and how deep each is nested, from 1."""


def find_bookmarks(document: Any) -> Bookmarks:  # noqa: ANN401  (pypdfium2 has no types)
    """Return the outline of an open document; empty where it has none."""
    found: dict[int, list[tuple[str, int]]] = {}
    for count, entry in enumerate(document.get_toc(max_depth=_DEEPEST)):
        if count >= _MOST_ENTRIES:
            break
        place = entry.get_dest()
        page = None if place is None else place.get_index()
        title = _words(entry.get_title()[:_LONGEST])
        if page is not None and title:
            found.setdefault(page, []).append((title, entry.level + 1))
    return found


def with_outline(lines: Sequence[Line], entries: Sequence[tuple[str, int]]) -> list[Line]:
    """Mark the lines of a page that an outline names."""
    marked = list(lines)
    said = [_words(line.text) for line in lines]
    for title, level in entries:
        for at, count in _places(said, title):
            if not marked[at].heading:
                marked[at : at + count] = [
                    replace(line, heading=level) for line in marked[at : at + count]
                ]
                break
    return marked


def _places(said: Sequence[str], title: str) -> list[tuple[int, int]]:
    """Return where lines say a title and nothing else, and how many of them do."""
    return [
        (at, count)
        for at in range(len(said))
        if said[at] and title.startswith(said[at])
        for count in range(1, _MOST_LINES + 1)
        if "".join(said[at : at + count]) == title
    ][:_MOST_LINES]


def _words(text: str) -> str:
    return _NOT_WORDS.sub("", text).casefold()
