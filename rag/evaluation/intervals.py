"""How sure a figure is: percentile bootstrap intervals over questions.

Knows nothing of what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RESAMPLINGS = 2000
"""With these, another seed moves the ends of a 95 % interval by some 2 % of its width."""

_BLOCK = 1_000_000  # resampled values held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate and the interval that holds it at the asked level; NaN where undefined."""

    value: float
    low: float
    high: float
    n: int
    """Questions it rests on."""

    @property
    def excludes_zero(self) -> bool:
        """Say whether it excludes 0: whether a difference is significant at its level."""
        return self.low > 0 or self.high < 0


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, n: int = RESAMPLINGS, seed: int = 0
) -> Interval:
    """Return the mean of the values with its percentile bootstrap interval.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3. Same seed, same
    interval.

    Args:
        values: one number a question, shape (m,).
        level: share of resampled means that the interval holds.
        n: resamplings.
        seed: of the random resampling.
    """
    column = np.asarray(values, float)
    if not column.size:
        return Interval(value=math.nan, low=math.nan, high=math.nan, n=0)
    means = [column[rows].mean(axis=1) for rows in _resamplings(column.size, n=n, seed=seed)]
    return _percentile_interval(float(column.mean()), np.concatenate(means), column.size, level)


def bootstrap_statistic(
    statistic: Callable[..., float],
    *columns: ArrayLike,
    level: float = 0.95,
    n: int = RESAMPLINGS,
    seed: int = 0,
) -> Interval:
    """Return a statistic of several columns with its percentile bootstrap interval.

    Questions are resampled, so rows stay together. Resamplings where the statistic is undefined
    (NaN) are left out.

    Args:
        statistic: called with the columns; `auroc` and `abstention_f1` are such.
        columns: arrays of shape (m,).
        level: as in `bootstrap_interval`.
        n: as in `bootstrap_interval`.
        seed: as in `bootstrap_interval`.
    """
    table = [np.asarray(column) for column in columns]
    size = table[0].size
    if not size:
        return Interval(value=math.nan, low=math.nan, high=math.nan, n=0)
    draws = [
        statistic(*(column[row] for column in table))
        for rows in _resamplings(size, n=n, seed=seed)
        for row in rows
    ]
    return _percentile_interval(float(statistic(*table)), np.asarray(draws), size, level)


def paired_bootstrap(
    ours: ArrayLike, theirs: ArrayLike, *, level: float = 0.95, n: int = RESAMPLINGS, seed: int = 0
) -> Interval:
    """Return the mean difference of two systems on the same questions with its interval.

    Positive where `ours` is higher; the difference is significant where the interval leaves out 0
    (Berg-Kirkpatrick et al., EMNLP 2012, on the paired bootstrap).

    Raises:
        ValueError: the two differ in length.
    """
    first, second = np.asarray(ours, float), np.asarray(theirs, float)
    if first.shape != second.shape:
        raise ValueError(f"Paired values must be as many, got {first.shape} and {second.shape}.")
    return bootstrap_interval(first - second, level=level, n=n, seed=seed)


def _resamplings(size: int, *, n: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Give n rows of `size` indices, in blocks that fit in memory."""
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // size)
    for first in range(0, n, step):
        yield rng.integers(0, size, size=(min(step, n - first), size))


def _percentile_interval(
    value: float, draws: NDArray[np.float64], size: int, level: float
) -> Interval:
    known = draws[~np.isnan(draws)]
    if math.isnan(value) or not known.size:
        return Interval(value=value, low=math.nan, high=math.nan, n=size)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value=value, low=float(low), high=float(high), n=size)
