"""What can be cited, and what comes of citing it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rag.citations.faults import HardFault
from rag.language.paths import context_of
from rag.schema import Citation, Context, Place, Span, Statement, Step, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class CitablePassage:
    """A passage with what a citation of it says; marker k in a model's text names the k-th of them."""

    source_id: str
    title: str
    sha256: str
    """Of the source."""
    pages: tuple[int, ...]
    """Start offset of each page of the source, ascending; empty where there are no pages."""
    start: int
    """Offset of `text` in the source."""
    text: str
    sentences: tuple[Span, ...]
    """Ascending, inside the passage; offsets of the source. Units, where it is known what they hang from."""
    places: tuple[Place, ...] = ()
    """Of the source."""

    @property
    def end(self) -> int:
        """Offset in the source where the passage ends."""
        return self.start + len(self.text)

    def words(self, span: Span) -> str:
        """Return the source's text at a span of this passage."""
        return self.text[span.start - self.start : span.end - self.start]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text of an answer whose every sentence is a checked statement."""

    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    """Marker k is `citations[k - 1]`; numbered in order of appearance."""
    steps: tuple[Step, ...]
    faults: tuple[tuple[str, HardFault], ...] = ()
    """Sentences with a hard fault, whether or not they are in the text."""


def quote(passage: CitablePassage, span: Span, marker: int) -> Citation:
    """Cite a span of a passage.

    Raises:
        ValueError: the span is empty or not inside the passage.
    """
    if not passage.start <= span.start < span.end <= passage.end:
        raise ValueError(
            f"Cannot quote {span.start}-{span.end} of {passage.source_id!r}: the passage is"
            f" {passage.start}-{passage.end}. Spans are offsets of the source."
        )
    return Citation(
        marker=marker,
        source_id=passage.source_id,
        title=passage.title,
        start=span.start,
        end=span.end,
        quote=passage.words(span),
        page=bisect_right(passage.pages, span.start) or None,
        sha256=passage.sha256,
        context=_context(passage, span),
        place=place_at(passage.places, span.start),
    )


def place_at(places: Sequence[Place], at: int) -> str:
    """Return what a person calls the place of an offset; empty where that has no name."""
    number = bisect_right(places, at, key=lambda one: one.start) - 1
    return places[number].name if number >= 0 and at < places[number].end else ""


def _context(passage: CitablePassage, span: Span) -> tuple[Context, ...]:
    """Return what the unit that a span begins in hangs from, where that is known."""
    for unit in passage.sentences:
        if unit.start <= span.start < unit.end and isinstance(unit, Unit):
            return context_of(unit, span.start, span.end)
    return ()
