"""Turns that ask nothing of the sources are told from those that do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.queries import exchanges, request_of, small_talk_of
from rag.queries.requests import is_about_sources
from rag.schema import Turn


@pytest.mark.parametrize(
    ("turn", "kind"),
    [
        ("Thanks, that helps!", "thanks"),
        ("OK, thank you very much.", "thanks"),
        ("Hello", "greeting"),
        ("Hi there, how are you?", "greeting"),
        ("What can you do?", "abilities"),
        ("Hello! What can you do for me?", "abilities"),
        ("help", "abilities"),
        ("ok", "assent"),
        ("Great answer.", "assent"),
        ("That is exactly what I needed", "assent"),
        ("bye for now", "farewell"),
    ],
)
def test_small_talk_is_known(turn, kind):
    """By what it means; of several things the one that wants most of an answer."""
    assert kind == small_talk_of(turn)


@pytest.mark.parametrize(
    ("turn", "kind", "number"),
    [
        ("Shorter, please.", "shorter", 0),
        ("Can you make that shorter?", "shorter", 0),
        ("in one sentence", "shorter", 0),
        ("the second point", "point", 2),
        ("What about the last one?", "point", -1),
        ("Explain point 3 please", "point", 3),
        ("In a table", "table", 0),
        ("Could you put that in a table?", "table", 0),
        ("as bullet points", "list", 0),
        ("Are you sure?", "sure", 0),
        ("Really?", "sure", 0),
        ("Is that correct?", "sure", 0),
        ("more", "more", 0),
        ("Tell me more about it", "more", 0),
        ("Anything else?", "more", 0),
        ("Where does it say that?", "where", 0),
        ("Which page is that on?", "where", 0),
        ("What is the source?", "where", 0),
        ("Say that again", "again", 0),
        ("Translate that into German.", "rewording", 0),
        ("Explain it in simple words", "rewording", 0),
    ],
)
def test_a_request_about_the_last_answer_is_known(turn, kind, number):
    """With or without courtesies, as an order or a question."""
    request = request_of(turn)

    assert request is not None
    assert (kind, number) == (request.kind, request.number)
    assert not is_about_sources(turn)


@pytest.mark.parametrize(
    "turn",
    ["Thanks! Who teaches yoga?", "What can I do if the pump leaks?", "Where does it take place?", "How does it work?",
     "What is the second step?", "Where can I find it?", "Which page numbers are printed in red?", "Why?", "How many?",
     "Is it true that glass is allowed?", "More about the fee", "And in winter?", "Who wrote that?", "March", "",
     "Translate the contract of 2019 for the tenant who asked for it, and send it to the office before Monday, please"],
)  # fmt: skip
def test_a_question_of_the_sources_is_neither(turn):
    """Whatever courtesies stand before it, and however much it looks like one."""
    assert small_talk_of(turn) is None
    assert request_of(turn) is None


@given(st.text(max_size=200))
def test_any_text_is_one_thing_at_most(text):
    """No text is small talk and a request, and none fails."""
    assert small_talk_of(text) is None or request_of(text) is None


def test_a_history_is_cut_at_its_questions():
    """A question and what was said to it are one exchange."""
    first, reply, second = (
        Turn(role="user", text="a"),
        Turn(role="assistant", text="b"),
        Turn(role="user", text="c"),
    )

    assert [(first, reply), (second,)] == exchanges([first, reply, second])
    assert [] == exchanges([])
