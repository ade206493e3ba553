"""Tests of differences: Fisher's randomization test, and Holm's correction for several of them.

Knows nothing of what is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_BLOCK = 1_000_000  # random signs held at once


def randomization_p(differences: ArrayLike, *, n: int = 20_000, seed: int = 0) -> float:
    """Return the two-sided p-value of a mean difference under Fisher's randomization test.

    If two systems were alike, each question's difference could as well have the other sign: p is the
    share of random signs that give a mean at least as far from 0 (the test that Smucker, Allan and
    Carterette, CIKM 2007, recommend for retrieval). The one observed counts as one of them, so p is
    never below 1 / (n + 1).

    Args:
        differences: one number a question, shape (m,).
        n: random assignments of signs.
        seed: of the random signs.
    """
    column = np.asarray(differences, float)
    column = column[column != 0]  # a sign changes nothing there
    if not column.size:
        return 1.0
    # What is as far but for rounding is as far.
    observed = abs(float(column.sum())) - 1e-9
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // column.size)
    as_far = 0
    for first in range(0, n, step):
        signs = rng.integers(0, 2, size=(min(step, n - first), column.size)) * 2 - 1
        as_far += int((np.abs(signs @ column) >= observed).sum())
    return (as_far + 1) / (n + 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for being several, in their order.

    Controls the family-wise error rate under any dependence (Holm, Scandinavian Journal of
    Statistics 1979).
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return tuple(corrected)
