"""What a model set in bold or as code, found again in the text of its answer, whatever was done to that. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from rag.citations.plain import BRACKETS, decoded
from rag.schema import Emphasis, EmphasisKind

MOST = 200
"""Stretches of an answer; more is no emphasis."""
_BEFORE = 12
"""Characters before a stretch by which it is told from the same words elsewhere."""

_LOOKED_AT = 80
"""Characters that these are taken from, marks and markers among them."""
_MOST_PLACES = 50
"""Places of the same words that are looked at."""

_SET = re.compile(
    r"(?P<ticks>`{1,2})(?P<code>[^`\n]+)(?P=ticks)"
    r"|(?<!\w)(?P<stars>\*{2,3}|__)(?=\S)(?P<strong>[^\n]{1,300}?)(?<=\S)(?P=stars)(?!\w)"
)
_MARKS = re.compile(r"[*_`]{1,3}|\s*\[[^\[\]\n]*\]")
_BRACKETED = re.compile(f"[{re.escape(BRACKETS)}]")


def emphases(written: str, text: str) -> tuple[Emphasis, ...]:
    """Return the stretches of an answer's text that its model set in bold or as code, in order.

    Args:
        written: what the model wrote, in Markdown.
        text: the answer made of it: sentences may be gone, markers moved.
    """
    at = 0
    found: list[Emphasis] = []
    for kind, words, before in islice(_emphasised(decoded(written)), MOST):
        matches = islice(re.compile(re.escape(words)).finditer(text, at), _MOST_PLACES)
        places = [match.start() for match in matches]
        if places:
            alike = (one for one in places if _ahead(text, one) == before)
            start = next(alike, places[0])
            at = start + len(words)
            found.append(Emphasis(kind=kind, start=start, end=at))
    return tuple(found)


def _emphasised(written: str) -> Iterator[tuple[EmphasisKind, str, str]]:
    """Yield what is set in bold or as code, without a marker in it, and what stands before it."""
    for match in _SET.finditer(written):
        kind: EmphasisKind = "code" if match["code"] else "strong"
        words = _BRACKETED.split(match["code"] or match["strong"].strip("*_`"))[0].strip()
        if any(map(str.isalnum, words)):
            yield kind, words, _ahead(written, match.start())


def _ahead(text: str, place: int) -> str:
    """Return what stands before a place in its line, without marks and markers."""
    line = text[max(0, place - _LOOKED_AT) : place].rpartition("\n")[2]
    return _MARKS.sub("", line)[-_BEFORE:]
