"""The official scoring of SQuAD 1.1 and 2.0, of predictions however they were made.

The rules are those of `evaluate-v2.0.py` (Rajpurkar, Jia and Liang, ACL 2018), which on questions
that all have answers are those of `evaluate-v1.1.py`. The names of the figures are the official
ones, and so is their unit: per cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rag.evaluation.dataset import Example
from rag.evaluation.intervals import Interval, bootstrap_interval
from rag.evaluation.measures import auroc, exact_match, normalize_answer, token_f1


class Prediction(NamedTuple):
    """What a reader says to one question."""

    text: str
    """The answer, empty for none."""
    no_answer: float
    """How likely there is none, 0..1."""


NOTHING = Prediction(text="", no_answer=1.0)
"""What counts where a question has no prediction, so that leaving questions out gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingScores:
    """Each question's scores at the threshold, and the figures made of them."""

    answerable: tuple[bool, ...]
    exact: tuple[float, ...]
    """1 where the prediction equals an answer after normalisation, else 0; a value a question."""
    f1: tuple[float, ...]
    """0..1; a value a question."""
    best_exact: float
    """Per cent, had the threshold been the best for it."""
    best_exact_threshold: float
    best_f1: float
    best_f1_threshold: float
    no_answer_auroc: float
    """Of `no_answer`, with unanswerable as positive; NaN where all questions are of one sort."""

    def figure(self, measure: str, *, answerable: bool | None = None) -> Interval:
        """Return a mean in per cent with its 95 % bootstrap interval.

        Args:
            measure: `exact` or `f1`.
            answerable: only the questions that have answers (True) or none (False); None for all.
        """
        values = {"exact": self.exact, "f1": self.f1}[measure]
        chosen = [
            100 * value
            for value, has_answer in zip(values, self.answerable, strict=True)
            if answerable is None or has_answer is answerable
        ]
        return bootstrap_interval(chosen)

    def to_dict(self) -> dict[str, float]:
        """Return the figures under the official script's names; a sort without questions is absent."""
        named: dict[str, float] = {}
        for prefix, answerable in (("", None), ("HasAns_", True), ("NoAns_", False)):
            exact, f1 = (self.figure(name, answerable=answerable) for name in ("exact", "f1"))
            if exact.n:
                named[f"{prefix}exact"] = exact.value
                named[f"{prefix}f1"] = f1.value
                named[f"{prefix}total"] = exact.n
        return named | {
            "best_exact": self.best_exact,
            "best_exact_thresh": self.best_exact_threshold,
            "best_f1": self.best_f1,
            "best_f1_thresh": self.best_f1_threshold,
        }


def score_reading(
    predictions: Mapping[str, Prediction], examples: Sequence[Example], *, threshold: float = 1.0
) -> ReadingScores:
    """Score predictions by the official rules.

    Args:
        predictions: by query_id; what is missing counts as no answer.
        examples: the questions, with all their accepted answers.
        threshold: a prediction whose `no_answer` is above it counts as none, whatever its text; 1
            leaves the texts as they are.
    """
    said = [predictions.get(example.query_id, NOTHING) for example in examples]
    wanted = [_answers(example) for example in examples]
    answerable = tuple(bool(example.answers) for example in examples)
    exact = [exact_match(one.text, answers) for one, answers in zip(said, wanted, strict=True)]
    f1 = [token_f1(one.text, answers) for one, answers in zip(said, wanted, strict=True)]
    best_exact, best_exact_threshold = _best(said, exact, answerable)
    best_f1, best_f1_threshold = _best(said, f1, answerable)
    withheld = [one.no_answer > threshold for one in said]
    return ReadingScores(
        answerable=answerable,
        exact=_held(exact, withheld, answerable),
        f1=_held(f1, withheld, answerable),
        best_exact=best_exact,
        best_exact_threshold=best_exact_threshold,
        best_f1=best_f1,
        best_f1_threshold=best_f1_threshold,
        no_answer_auroc=auroc([one.no_answer for one in said], ~np.array(answerable, bool)),
    )


def _answers(example: Example) -> tuple[str, ...]:
    """Return the answers that are left after normalisation; none mean that the empty one is right."""
    return tuple(answer for answer in example.answers if normalize_answer(answer))


def _held(
    scores: Sequence[float], withheld: Sequence[bool], answerable: Sequence[bool]
) -> tuple[float, ...]:
    """Return the scores with those of withheld predictions replaced by what saying nothing earns."""
    return tuple(
        float(not has_answer) if silent else score
        for score, silent, has_answer in zip(scores, withheld, answerable, strict=True)
    )


def _best(
    said: Sequence[Prediction], scores: Sequence[float], answerable: tuple[bool, ...]
) -> tuple[float, float]:
    """Return the best mean score in per cent that any threshold gives, and that threshold.

    As officially, questions are let in one by one, surest first, and those that are equally sure in
    their given order.
    """
    if not said:
        return 0.0, 0.0
    order = sorted(range(len(said)), key=lambda i: said[i].no_answer)
    gains = [scores[i] if answerable[i] else -float(bool(said[i].text)) for i in order]
    totals = np.concatenate([[0.0], np.cumsum(gains)]) + answerable.count(False)
    at = int(np.argmax(totals))
    return 100 * float(totals[at]) / len(said), said[order[at - 1]].no_answer if at else 0.0
