"""How an answer came about: what was searched, what was found with every score, and what was read of it.

Computed when a person asks for it; holds no HTML, which `account` makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.queries import standalone
from rag.reader.parts import split_parts
from rag.schema import Candidate, Passage, ScoredPassage, Turn

if TYPE_CHECKING:
    from rag.schema import Answer
    from rag.web.conversation import Exchange

LEAST = 10
"""Candidates that are shown of each part, at least; those that were not read are worth a look too."""


class Retrieving(Protocol):
    """What is needed of the pipeline."""

    def retrieve(
        self, query: str, k: int | None = None, *, sources: Sequence[str] | None = None
    ) -> tuple[Candidate, ...]:
        """Return the k passages that resemble a query most, with every score."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A passage that was found or read."""

    passage: Passage
    candidate: Candidate | None
    """Its scores now; None where this search does not find it."""
    read: ScoredPassage | None
    """What was read, with the score and scorer that put it in its place."""
    place: int | None
    """1-based among what was read."""
    markers: tuple[int, ...]
    """Of the quotes of the answer that lie in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the questions that a question consists of."""

    query: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How one answer came about."""

    exchange: Exchange
    answer: Answer
    parts: tuple[Part, ...]
    others: tuple[Row, ...]
    """What was read though the search of today does not find it."""
    titles: Mapping[str, str]


def explain(rag: Retrieving, exchange: Exchange, *, titles: Mapping[str, str]) -> Explanation:
    """Search once more what was searched for an answer, and set beside it what was read.

    Args:
        rag: searches the sources as they are now.
        exchange: a question and its answer.
        titles: of the sources, by source_id.

    Raises:
        RagError: it cannot be searched any more, since a chosen source was removed for example.
    """
    answer = exchange.answer
    assert answer is not None
    k = max(LEAST, len(answer.evidence))
    parts = tuple(
        Part(
            query=query,
            rows=tuple(
                _row(answer, candidate.passage, candidate)
                for candidate in rag.retrieve(query, k, sources=exchange.sources or None)
            ),
        )
        for query in parts_of(answer.query)
    )
    found = {row.passage.passage_id for part in parts for row in part.rows}
    others = tuple(
        _row(answer, one.passage, None)
        for one in answer.evidence
        if one.passage.passage_id not in found
    )
    return Explanation(exchange=exchange, answer=answer, parts=parts, others=others, titles=titles)


def parts_of(query: str) -> tuple[str, ...]:
    """Return the questions that were searched, later ones with what they refer to in the first."""
    first, *others = split_parts(query)
    said = [Turn(role="user", text=first)]
    return (first, *(standalone(part, said).text for part in others))


def _row(answer: Answer, passage: Passage, candidate: Candidate | None) -> Row:
    places = [
        place
        for place, one in enumerate(answer.evidence, start=1)
        if one.passage.passage_id == passage.passage_id
    ]
    return Row(
        passage=passage,
        candidate=candidate,
        read=answer.evidence[places[0] - 1] if places else None,
        place=places[0] if places else None,
        markers=tuple(
            citation.marker
            for citation in answer.citations
            if citation.source_id == passage.source_id
            and passage.start <= citation.start
            and citation.end <= passage.end
        ),
    )
