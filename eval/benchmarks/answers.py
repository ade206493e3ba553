"""The whole program on a collection: every question asked of all its sources, as a person would ask it.

An answer counts where an accepted wording stands in it, stated or guessed; saying nothing counts as saying
nothing right. How well confidence tells answerable questions from others is the AUROC of abstaining.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.benchmarks.collection import Collection
from rag.evaluation import measures
from rag.evaluation.dataset import Example
from rag.evaluation.measures import Degree
from rag.evaluation.outcomes import degree_of
from rag.pipeline import Progress
from rag.schema import Answer, Turn

_MARKER = re.compile(r"\s*\[\d+\]")


class Asking(Protocol):
    """What answers: `rag.Rag`, or anything like it."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return the answer to a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came back to one question."""

    answerable: bool
    degree: Degree
    """How surely it was answered, if at all."""
    contained: float
    """1 where an accepted wording stands in the answer, else 0; 0 where nothing was answered."""
    confidence: float
    """0..1, answered or not."""

    @property
    def reliability(self) -> float:
        """What it is worth; see `rag.evaluation.measures.effective_reliability`."""
        return measures.effective_reliability(self.contained, self.degree)


def ask_all(
    collection: Collection, rag: Asking, *, progress: Progress | None = None
) -> tuple[Asked, ...]:
    """Ask every question of a collection whose sources are indexed, and judge what comes back."""
    asked = []
    for done, example in enumerate(collection.examples, start=1):
        asked.append(_judged(example, rag.ask(example.question, example.history)))
        if progress is not None:
            progress("asking", done, len(collection.examples))
    return tuple(asked)


def _judged(example: Example, answer: Answer) -> Asked:
    degree = degree_of(answer.status)
    said = "" if degree == "silent" else _MARKER.sub("", answer.text)
    return Asked(
        answerable=bool(example.answerable),
        degree=degree,
        contained=measures.containment(said, example.answers),
        confidence=answer.confidence,
    )
