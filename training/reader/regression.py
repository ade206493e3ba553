"""What both readers' probabilities are fitted and judged with: logistic regression, evidence, calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from rag.evaluation.dataset import Example
from rag.schema import Candidate, ScoredSentence

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def holds(example: Example, candidate: Candidate, sentence: ScoredSentence) -> bool:
    """Say whether a sentence holds the evidence of a question."""
    return bool(example.answerable) and any(
        one.source_id == candidate.passage.source_id
        and sentence.start <= one.start
        and one.end <= sentence.end + 1
        for one in example.evidence
    )


def unscaled(x: Array, y: Flags, weights: Array | None = None) -> tuple[Array, float]:
    """Fit on standardised values; return weights and bias for plain ones.

    Args:
        x: a row an observation, shape (n, m).
        y: which are positive, shape (n,).
        weights: of the observations, shape (n,); all alike by default.
    """
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=2000)
    model.fit((x - mean) / scale, y, sample_weight=weights)
    fitted = model.coef_[0] / scale
    return fitted, float(model.intercept_[0] - fitted @ mean)


def ordered(x: Array, weights: Array) -> NDArray[np.int64]:
    """Return the rows of x in falling order of their log-odds; equal ones in their own."""
    return np.argsort(-(x @ weights), kind="stable")


def calibration_error(probability: Array, right: Flags, weights: Array) -> float:
    """Return the expected calibration error over ten bins of equal width (Guo et al. 2017), weighted."""
    bins = np.minimum((probability * 10).astype(int), 9)
    gaps = [abs(float(((probability - right) * weights)[bins == b].sum())) for b in range(10)]
    return sum(gaps) / float(weights.sum())
