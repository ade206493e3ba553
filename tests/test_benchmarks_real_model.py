"""What is counted of a small real model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.benchmarks.real_model import chosen, is_right, is_seen
from rag.schema import Statement
from tests.web_fakes import HARBOUR, saying


def test_one_question_in_three_has_no_answer():
    """They are of the development half, each once."""
    rows = chosen(30)
    assert (30, 10) == (
        len({row["query_id"] for row in rows}),
        sum(not row["answerable"] for row in rows),
    )
    assert {"dev"} == {row["split"] for row in rows}


@pytest.mark.parametrize(
    ("verdict", "kind", "expected", "right", "seen"),
    [
        ("supported", "stated", ["1871"], True, False),
        ("weak", "stated", ["1871"], True, True),
        ("supported", "stated", ["1872"], False, False),
        ("supported", "stated", [], False, False),
        ("supported", "absent", [], True, False),
    ],
)
def test_an_answer_is_right_or_seen_to_be_wrong(verdict, kind, expected, right, seen):
    """By the expected words; where none are expected, by stating nothing."""
    text = "Built in 1871."
    one = Statement(start=0, end=14, markers=(1,), verdict=verdict, support=0.5, kind=kind)
    answer = replace(saying(text, HARBOUR), status="answered", reason=None, statements=(one,))
    assert (right, seen) == (is_right(answer, expected), is_seen(answer))
