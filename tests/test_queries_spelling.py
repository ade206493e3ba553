"""Misspelt words of a question become those of the documents; everything else stays as it was typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.queries import respelled

TEXT = "Ada Byron's harbour bridge opened in Oslo in 1931, and the engineers confirmed which firms would maintain it."
NO_WORD = re.compile(r"[\W\d_]+(?<!['’])")
KNOWN = frozenset(
    f"{TEXT} who is the where was harbour confirm engineer does it say about"
    " opened with for how many may they byron".lower()
    .replace(",", "")
    .replace(".", "")
    .split()
)


def _respelled(question: str, text: str = TEXT) -> str:
    return respelled(question, is_known=lambda word: word.lower() in KNOWN, found=lambda: [text])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("where was the habour bridge opend", "where was the harbour bridge opened"),
        ("where was the harbour brigde opened", "where was the harbour bridge opened"),
        ("who maintians it", "who maintains it"),
        ("wich enginers?", "which engineers?"),
        ("hwo many engineers", "how many engineers"),
        ("did the engineers comfirm it", "did the engineers confirm it"),
        ("Where was Bryon?", "Where was Byron?"),
        ("do they maitain it", "do they maintain it"),
    ],
)
def test_slips_of_the_pen_are_put_right(typed, meant):
    """A letter too many, too few, wrong or out of its place, and two in a long word."""
    text = f"{TEXT} He maintains it."
    assert meant == _respelled(typed, text)


def test_of_two_words_the_one_that_stands_beside_the_same_words_is_meant():
    """The "notise period" is the notice period, though there is more noise in the documents."""
    text = "Notice. The notice period is a month. Noise is not allowed; noise is loud, and noise is heard."

    assert "what is the notice period" == _respelled("what is the notise period", text)


@pytest.mark.parametrize(
    "typed",
    [
        "Where was the harbour bridge opened?",
        "Where was the harbour tunnel dug?",
        "Who is Adah?",
        "Who is Olso?",
        "Was it BRIGDE or Oslo2, the 2oth or brigde3?",
        "who opened it in 1932 or 19311",
        "où est le pont de la brigde et qui est il",
        "who is xq",
        "",
        " ?! ",
    ],
)
def test_what_may_be_meant_stays(typed):
    """Known words, words like none, short names, abbreviations, numbers and other languages are left alone."""
    assert typed == _respelled(typed)


def test_two_slips_are_one_word_only_with_its_letters():
    """A long word with its letters in another order is meant; another name or word spelt much alike is not."""
    text = "Slovakia joined. The quantitative constitution changed."
    assert "what is the constitution" == _respelled("what is the consitutoin", text)
    for other in ("when did Slovenia join", "what is the Consitutoin", "how qualitative is it"):
        assert other == _respelled(other, text)


def test_nothing_is_searched_for_a_question_of_known_words():
    """The search for what might be meant is spared where nothing is strange."""

    def found() -> list[str]:
        raise AssertionError("searched")

    assert "where is it" == respelled("where is it", is_known=lambda _: True, found=found)


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_words_change(question, text):
    """No text fails; numbers and all signs between words stay, and so does a question that stands in what was found."""
    once = respelled(question, is_known=lambda _: False, found=lambda: [text])
    assert NO_WORD.findall(question) == NO_WORD.findall(once)
    assert question == respelled(question, is_known=lambda _: False, found=lambda: [question])
