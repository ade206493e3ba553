"""What can be cited, and what comes of citing it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.language.paths import context_of
from rag.schema import Citation, Context, Span, Statement, Step, Unit


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
    )


def _context(passage: CitablePassage, span: Span) -> tuple[Context, ...]:
    """Return what the unit that a span begins in hangs from, where that is known."""
    for unit in passage.sentences:
        if unit.start <= span.start < unit.end and isinstance(unit, Unit):
            return context_of(unit, span.start, span.end)
    return ()


def join_neighbours(
    passages: Sequence[CitablePassage], text_of: Callable[[str], str]
) -> tuple[CitablePassage, ...]:
    """Join passages of one source that overlap or touch, white space between them aside.

    Args:
        passages: best first; a joined one stands where the best of its parts stood.
        text_of: the text of a source, by its id.
    """
    places = {(one.source_id, one.start): place for place, one in reversed([*enumerate(passages)])}
    joined: list[tuple[int, CitablePassage]] = []
    for one in sorted(passages, key=lambda passage: (passage.source_id, passage.start)):
        place = places[one.source_id, one.start]
        if joined and _touch(joined[-1][1], one, text_of):
            before, last = joined[-1]
            joined[-1] = (min(before, place), _union(last, one, text_of))
        else:
            joined.append((place, one))
    return tuple(passage for _, passage in sorted(joined, key=lambda pair: pair[0]))


def _touch(first: CitablePassage, second: CitablePassage, text_of: Callable[[str], str]) -> bool:
    """Tell whether nothing but white space parts two passages."""
    if first.source_id != second.source_id:
        return False
    return not text_of(first.source_id)[first.end : max(first.end, second.start)].strip()


def _union(
    first: CitablePassage, second: CitablePassage, text_of: Callable[[str], str]
) -> CitablePassage:
    """Return the stretch of two passages that touch, with the sentences of both, each once."""
    end = max(first.end, second.end)
    spans = {(span.start, span.end): span for span in (*first.sentences, *second.sentences)}
    return replace(
        first,
        text=text_of(first.source_id)[first.start : end],
        sentences=tuple(spans[place] for place in sorted(spans)),
    )
