"""Several support scores as one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import pooled

SCORES = st.lists(st.floats(0, 1), max_size=4)


def saying(*scores):
    """A support score that has made up its mind."""
    return lambda _, sentences: list(scores[: len(sentences)])


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (0.5, 0.5, 0.5),
        (0.8, 0.8, 0.8),
        (0.9, 0.1, 0.5),
        # log-odds of 3 / 2 and of 0, their mean, and back
        (0.6, 0.5, 1 / (1 + math.sqrt(2 / 3))),
    ],
)
def test_log_odds_are_averaged(one, other, both):
    """Two that agree are as sure together; two that contradict each other cancel out."""
    assert [both] == pytest.approx(pooled(saying(one), saying(other))("claim", ["text"]))


def test_no_score_decides_alone():
    """Certainty weighs as much as 98 to 2: a doubtful score still counts beside it."""
    (certain,) = pooled(saying(1.0), saying(0.1))("claim", ["text"])
    assert [certain] == pooled(saying(0.98), saying(0.1))("claim", ["text"])
    assert certain < 0.75


@given(scores=SCORES, others=SCORES)
def test_a_pool_lies_between(scores, others):
    """One score a sentence, between the lowest and the highest but for the bounds; in whichever order."""
    n = min(len(scores), len(others))
    texts = ["text"] * n
    found = pooled(saying(*scores), saying(*others))("claim", texts)

    assert found == pytest.approx(pooled(saying(*others), saying(*scores))("claim", texts))
    for one, other, both in zip(scores, others, found, strict=False):
        assert min(max(min(one, other), 0.02), 0.98) - 1e-9 <= both
        assert both <= max(min(max(one, other), 0.98), 0.02) + 1e-9


def test_one_alone_keeps_its_order():
    """A single score is only held within the bounds."""
    assert [0.02, 0.3, 0.98] == pytest.approx(pooled(saying(0, 0.3, 1))("claim", ["a", "b", "c"]))
