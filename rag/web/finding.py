"""Words in a document: where they stand, whatever their case and however their lines are broken. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from rag.schema import Span

MOST_CHARS = 200
"""Characters that can be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What a person looks for in a document."""

    words: str
    at: int | None
    """0-based place to look at; None for the first from where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Every place of some words in a document, one of which is looked at."""

    words: str
    places: tuple[Span, ...]
    """Ascending and disjoint."""
    at: int
    """0-based, of the place that is looked at; 0 where there is none."""

    @property
    def here(self) -> Span | None:
        """The place that is looked at."""
        return self.places[self.at] if self.places else None

    def within(self, low: int, high: int) -> tuple[Span, ...]:
        """Return the places that begin in a stretch of the document."""
        first = bisect_left(self.places, low, key=lambda place: place.start)
        last = bisect_left(self.places, high, key=lambda place: place.start)
        return self.places[first:last]


def find(text: str, looking: Looking, *, near: int = 0) -> Found:
    """Return where words stand in a text.

    Args:
        text: of the document.
        looking: white space between its words stands for any other, line breaks too; its place is
            counted on from the last to the first.
        near: offset where the person is.
    """
    parts = looking.words[:MOST_CHARS].split()
    if not parts:
        return Found(words="", places=(), at=0)
    pattern = re.compile(r"\s+".join(map(re.escape, parts)), re.IGNORECASE)
    places = tuple(Span(start=m.start(), end=m.end()) for m in pattern.finditer(text))
    at = looking.at
    if at is None:
        at = bisect_left(places, near, key=lambda place: place.start)
    return Found(words=" ".join(parts), places=places, at=at % len(places) if places else 0)
