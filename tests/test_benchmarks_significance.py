"""Tests of differences against SciPy's and the textbook's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks.significance import holm, randomization_p
from tests.deferred import Deferred

stats = Deferred("scipy.stats")


@pytest.mark.parametrize("seed", range(3))
def test_randomization_p_is_scipys(seed):
    """Few enough questions that SciPy tries all signs: the sampled p is close to that exact one."""
    rng = np.random.default_rng(seed)
    differences = rng.integers(-1, 3, size=12) * rng.random(12)
    exact = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert randomization_p(differences) == pytest.approx(exact.pvalue, abs=0.01)


def test_runs_that_do_not_differ_are_alike():
    """Without any difference p is 1, and a large difference is never impossible by chance."""
    assert 1.0 == randomization_p(np.zeros(50))
    assert 1 / 20_001 == randomization_p(np.ones(100))


def test_randomization_p_is_honest():
    """Where nothing differs, p is below 0.05 in about one case of twenty."""
    rng = np.random.default_rng(1)
    p = [randomization_p(rng.normal(size=30), n=999, seed=k) for k in range(400)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.08


def test_holm_is_the_textbooks():
    """Four p-values, multiplied by 4, 3, 2, 1 in order of size and never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert () == holm([])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_never_helps(p_values):
    """Corrected values are not below the plain ones, not above Bonferroni's, and keep the order."""
    corrected = holm(p_values)
    for plain, holms in zip(p_values, corrected, strict=True):
        assert plain <= holms <= min(1.0, len(p_values) * plain) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert list(np.array(corrected)[order]) == sorted(corrected)
