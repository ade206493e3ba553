"""What a reader is: anything that turns a query and candidates into readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rag.schema import Candidate, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One sentence, with the list that it announces, as an answer to one query."""

    candidate: int
    """Index of the candidate that holds the sentence."""
    start: int
    """Of the whole sentence, or of it and the list, in its source's text."""
    end: int
    text: str
    probability: float
    """0..1, calibrated: the share of sentences at this value that do answer their question."""
    words: Span | None = None
    """The words of the sentence that answer, in its source's text; None where a reader does not say."""


class Reader(Protocol):
    """Reads candidates for the answer to a query."""

    @property
    def name(self) -> str:
        """Name and version, as `Answer.model` shows it."""

    @property
    def threshold(self) -> float:
        """The probability below which a balanced reader abstains, 0..1."""

    def read(self, query: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Return every sentence of the candidates once, the one that answers rather than the others first.

        A sentence that stands in two overlapping candidates is read in the better one only. Equals are in order
        of candidate, then of start. Behind the first, a probability may be higher than the one before it.
        """


@runtime_checkable
class StagedReader(Reader, Protocol):
    """A reader that can read the first candidates before the others."""

    def read_first(
        self, query: str, candidates: Sequence[Candidate], n: int
    ) -> tuple[Reading, ...]:
        """Return the sentences of the first n candidates, weighed by all candidates as `read` weighs them."""
