"""What a reader is: anything that turns a query and candidates into readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.schema import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One sentence as an answer to one query."""

    candidate: int
    """Index of the candidate that holds the sentence."""
    start: int
    """Of the whole sentence, in its source's text."""
    end: int
    text: str
    probability: float
    """0..1, calibrated: the share of sentences at this value that do answer their question."""


class Reader(Protocol):
    """Reads candidates for the answer to a query."""

    @property
    def name(self) -> str:
        """Name and version, as `Answer.model` shows it."""

    @property
    def threshold(self) -> float:
        """The probability below which a balanced reader abstains, 0..1."""

    def read(self, query: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Return every sentence of the candidates once, the likeliest answer first.

        A sentence that stands in two overlapping candidates is read in the better one only. Equal
        probabilities are in order of candidate, then of start.
        """
