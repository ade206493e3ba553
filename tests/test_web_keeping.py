"""What the browser keeps comes back as data, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.web.conversation import Exchange, Ways
from rag.web.keeping import MOST_BYTES, MOST_TURNS, from_text, to_text
from tests.web_fakes import answered, mended, unanswered


def test_a_conversation_comes_back_as_it_was():
    """Every answer, verdict, quote and judgement."""
    talk = (
        Exchange(question="one", answer=answered("one"), judged="right", sources=("a.txt",)),
        Exchange(question="two", answer=mended("two"), ways=Ways(top_k=3, strictness=0.9)),
        Exchange(question="moon", answer=unanswered("moon"), standing=("removed",)),
        Exchange(question="stopped", draft="So f", trouble="Stopped."),
    )
    assert talk == from_text(to_text(talk))


def test_nothing_that_is_kept_waits_for_an_answer():
    """A question that was under way is said to be unanswered, so that the next can be asked."""
    (back,) = from_text(to_text((Exchange(question="one", notice="Getting ready…"),)))
    assert ("", "This question was not answered.") == (back.notice, back.trouble)


def test_of_a_very_long_conversation_the_first_questions_are_left_out():
    """What is left fits a request, and its last question is the last that was asked."""
    long = replace(answered("q"), model="x" * 20_000)
    talk = tuple(Exchange(question=str(n), answer=long) for n in range(40))
    text = to_text(talk)
    assert len(text.encode()) <= MOST_BYTES
    assert "39" == from_text(text)[-1].question
    assert MOST_TURNS == len(from_text(to_text((Exchange(question="q"),) * (MOST_TURNS + 5))))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("question",), 3),
        (("sources",), "a"),
        (("ways", "top_k"), "many"),
        (("answer", "status"), "certain"),
        (("answer", "confidence"), 7),
        (("answer", "confidence"), float("nan")),
        (("answer", "citations", 0, "marker"), 9),
        (("answer", "citations", 0, "start"), -1),
        (("answer", "statements", 0, "end"), 10_000),
        (("answer", "statements", 0, "verdict"), "fine"),
        (("answer", "statements", 0, "support"), 2),
        (("answer", "evidence", 0, "passage", "start"), 10_000),
        (("standing",), ["lost"]),
    ],
)
def test_what_was_tampered_with_is_not_taken_back(path: tuple[str | int, ...], value: object):
    """Types, ranges, and numbers that fit each other."""
    kept = json.loads(to_text((Exchange(question="q", answer=answered("q")),)))
    at = kept[0]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert () == from_text(json.dumps(kept))


@given(
    st.one_of(
        st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
def test_any_text_is_a_conversation_or_nothing(text: str):
    """Nothing raises, whatever a browser sends."""
    assert all(isinstance(exchange, Exchange) for exchange in from_text(text))


def test_a_text_that_is_too_long_is_not_read():
    """However it came about."""
    assert () == from_text("[" + " " * MOST_BYTES + "]")
