"""Which line breaks of a text are meant.

A line break may be the end of a paragraph, of a list item, or only where an editor wrapped the line. It knows
nothing of sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]")
"""Number or letter of a list's item."""
_BULLET = re.compile(r"(?:[-*+•‣▪●○◦–—·|>]|#{1,6})\s")
_NUMBER = re.compile(rf"(?:{ENUMERATOR.pattern})\s")
_LABEL = re.compile(r"[^\W\d_][^\n.,;:!?]{0,30}:\s")
_COMPLETE = re.compile(r"""[.!?…:;。！？।؟]["'”’»)\]]*$""")
_WIDEST_WRAP = 120
"""A longer line was not wrapped by an editor: it is a paragraph of its own."""


Line = tuple[int, int]
"""Start and end of a line without outer white space."""


@dataclass(frozen=True, slots=True)
class Run:
    """Running text without a deliberate line break: a paragraph, a heading, a list item, a row."""

    start: int
    end: int
    apart: bool
    """Nothing but an empty line, or the start of the text, stands before it."""


def find_runs(text: str) -> Iterator[Run]:
    """Yield the runs of `text` in order; together they hold every non-blank character."""
    for paragraph in find_paragraphs(text):
        yield from _runs_of(text, paragraph)


def find_paragraphs(text: str) -> Iterator[list[Line]]:
    """Yield the lines of each paragraph: those without an empty one between."""
    paragraph: list[Line] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        if body:
            start = offset + len(line) - len(line.lstrip())
            paragraph.append((start, start + len(body)))
        elif paragraph:
            yield paragraph
            paragraph = []
        offset += len(line)
    if paragraph:
        yield paragraph


def unwrapped(text: str, lines: list[Line]) -> Iterator[Line]:
    """Yield the lines of a paragraph, those that an editor wrapped joined to one."""
    for run in _runs_of(text, lines):
        yield run.start, run.end


def _runs_of(text: str, lines: list[Line]) -> Iterator[Run]:
    """Cut a paragraph (lines without an empty one between) at its deliberate line breaks."""
    width = max(end - start for start, end in lines)
    block_start, last_end = lines[0]
    last_start, apart = block_start, True
    for start, end in lines[1:]:
        if _is_deliberate(text[last_start:last_end], text[start:end], width):
            yield Run(block_start, last_end, apart)
            block_start, apart = start, False
        last_start, last_end = start, end
    yield Run(block_start, last_end, apart)


def _is_deliberate(line: str, following: str, width: int) -> bool:
    """Tell whether a person, not an editor that wraps lines at `width`, broke the line here.

    An editor wraps where the next word would not fit. A break that left room for it was made on
    purpose, unless the sentence plainly runs on.
    """
    if _BULLET.match(following) or (" | " in f" {line} " and " | " in f" {following} "):
        return True
    if _LABEL.match(line) and _LABEL.match(following) and following[0].isupper():
        return True  # "From: Ann", "To: Ben"
    complete = _COMPLETE.search(line)
    if _NUMBER.match(following) and (complete or _NUMBER.match(line)):
        return True  # else it may be a number or an initial in running text
    if following[0].islower() and not complete:
        return False
    if width > _WIDEST_WRAP:
        return True
    word = following.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) <= width
