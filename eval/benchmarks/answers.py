"""The whole program on a collection: every question asked of all its sources, as a person would ask it.

An answer counts where an accepted wording stands in it; saying nothing counts as saying nothing right. How well
confidence tells answerable questions from others is the AUROC of abstaining.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.benchmarks.collection import Collection
from rag.evaluation import measures
from rag.evaluation.dataset import Example
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
    answered: bool
    contained: float
    """1 where an accepted wording stands in the answer, else 0; 0 where nothing was answered."""
    confidence: float
    """0..1, answered or not."""


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
    answered = answer.status != "unanswered"
    said = _MARKER.sub("", answer.text) if answered else ""
    return Asked(
        answerable=bool(example.answerable),
        answered=answered,
        contained=measures.containment(said, example.answers),
        confidence=answer.confidence,
    )
