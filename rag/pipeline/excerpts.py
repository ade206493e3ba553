"""Sentences that stand for others: whole, different from each other, taken in turn. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

from rag.schema import Candidate, Span

MOST_QUOTED = 6
"""Sentences of a summary of one source, and of a survey of few."""
MOST_SOURCES = 12
"""Sources that one list quotes."""
REPEATED = 0.6
"""Share of the words of the shorter of two sentences that the other has, from which it repeats it."""
_WHOLE = re.compile(r"[.!。！…][\"'”’»)\]]*$")
WORD = re.compile(r"[^\W_]+")
_FEWEST_WORDS, _MOST_WORDS = 5, 60
"""Of a sentence that can stand by itself; fewer are a heading, more a table."""
Quoted = tuple[Candidate, Span]
Item = TypeVar("Item")


def different(quoted: Sequence[Quoted]) -> list[Quoted]:
    """Return the sentences that do not mostly repeat the words of one before."""
    kept: list[tuple[set[str], Quoted]] = []
    for candidate, span in quoted:
        words = set(WORD.findall(text_of(candidate, span).lower()))
        if all(len(words & held) < REPEATED * min(len(words), len(held)) for held, _ in kept):
            kept.append((words, (candidate, span)))
    return [one for _, one in kept]


def stands_alone(text: str) -> bool:
    """Tell whether a text is a whole sentence, no heading and no table."""
    words = text.split()
    return bool(_WHOLE.search(text.rstrip())) and _FEWEST_WORDS <= len(words) <= _MOST_WORDS


def turns(lists: Sequence[Sequence[Item]]) -> list[Item]:
    """Return the first of each list, then the second of each, and so on."""
    return [one for row in zip_longest(*lists) for one in row if one is not None]


def text_of(candidate: Candidate, span: Span) -> str:
    """Return the words of a candidate at a span of its source."""
    passage = candidate.passage
    return passage.text[span.start - passage.start : span.end - passage.start]
