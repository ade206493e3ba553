"""Several support scores as one. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rag.citations.checks import Support

SUREST = 0.98
"""Probability that no score is held to exceed, nor to fall short of the opposite of: one that is certain would decide
alone."""


def pooled(*supports: Support) -> Support:
    """Return one score of several: the mean of their log-odds.

    The logarithmic opinion pool with equal weights (Genest and Zidek, "Combining probability distributions",
    Statistical Science 1986).

    Args:
        supports: at least one.
    """

    def support(claim: str, sentences: Sequence[str]) -> list[float]:
        scores = zip(*(one(claim, sentences) for one in supports), strict=True)
        return [_mean_in_log_odds(each) for each in scores]

    return support


def _mean_in_log_odds(scores: Sequence[float]) -> float:
    held = [min(max(score, 1 - SUREST), SUREST) for score in scores]
    log_odds = sum(math.log(score / (1 - score)) for score in held) / len(held)
    return 1 / (1 + math.exp(-log_odds))
