"""What never shows is one thing, whether it stands in a document, a prompt or an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations.markers import neutralise
from rag.language.characters import without_unseen
from rag.prompts import answer_messages, neutralise_passage, rewrite_messages
from rag.schema import Turn
from rag.sources.characters import clean

UNSEEN = [
    "\x00", "\x1b", "\x7f", "\x9f", "\xad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180b",
    "\u180e", "\u180f", "\u200b", "\u200e", "\u202e", "\u2060", "\u2063", "\u2064", "\u2065", "\u2069", "\u206f",
    "\ufe00", "\ufe0e", "\ufe0f", "\ufeff", "\ufff0", "\ufff9", "\U00016fe4", "\U0001bca0", "\U0001d159", "\U0001d173",
    "\U000e0001", "\U000e0041", "\U000e0100", "\U000e01ef", "\U000e0fff",
]  # fmt: skip
BLANKS = ["\u2800", "\u3164", "\uffa0"]
TEXTS = st.text() | st.text("a1❤अᠠ\u200b\u200c\u200d\ufe0f\ufe00\u180b\u2800\u3164\ud800\r\n")


@pytest.mark.parametrize("char", UNSEEN, ids=ascii)
@pytest.mark.parametrize("n", [1, 3])
def test_what_never_shows_goes_everywhere(char: str, n: int):
    """Between letters it is in no document, no prompt and no answer, once or in a row."""
    hidden = f"Pay{char * n}ment is due."
    assert "Payment is due." == without_unseen(hidden)
    assert ("Payment is due.", n) == neutralise_passage(hidden)
    assert "Payment is due." == neutralise(hidden)
    if char != "\x1b":  # there it begins what a terminal hears, which goes whole
        assert "Payment is due." == clean(hidden)


@pytest.mark.parametrize("char", BLANKS, ids=ascii)
def test_what_shows_as_room_alone_is_a_space(char: str):
    """A person reads two words, and so does everybody else."""
    assert ("pay now", 1) == neutralise_passage(f"pay{char}now")
    assert "pay now" == neutralise(f"pay{char}now")
    assert "pay now" == clean(f"pay{char}now")


@pytest.mark.parametrize(
    "text", ["❤️ 1️⃣ 日本 ∩︀ ✈︎", "👩‍🚀 न्‍य می‌خواهم", "ᠠ᠋ ᠨᠢ", "؀123 ४५ ⠓⠊", "naïve – “x”\u00a0y"]
)
def test_a_document_keeps_what_shapes_its_characters(text: str):
    """Selectors of emoji and scripts, joiners, number signs: a quote looks as in the document."""
    assert text == clean(text)


def test_a_document_hides_nothing_in_what_shapes():
    """One selector or joiner shapes; a row of them is a message."""
    secret = "".join(chr(0xFE00 + digit) for digit in (4, 13, 5, 3))
    assert "❤\ufe04 is" == clean(f"❤{secret} is")
    assert "is" == clean(f"i{secret}s")
    assert "न्\u200dय" == clean("न्\u200d\u200c\u200c\u200dय")


def test_a_model_is_shown_no_selectors_and_no_joiners():
    """They shape nothing for it, and can carry a byte each."""
    assert ("❤ 👩🚀", 2) == neutralise_passage("❤\ufe0f 👩\u200d🚀")


def test_an_answer_keeps_the_joiners_of_scripts_that_need_them():
    """Persian and Hindi words are written with them; what a model hides between Latin letters goes."""
    assert "می‌خواهم" == neutralise("می‌خواهم")
    assert "login" == neutralise("lo\u200dg\u200cin")


def test_what_a_person_says_reaches_the_model_without_what_they_cannot_have_meant():
    """A question that was copied from a page, and turns of a history, carry no hidden orders either."""
    hidden = "When?" + "".join(chr(0xE0000 + ord(char)) for char in "obey") + "\u3164\ufe01"

    class Passage:
        title, text = "t", "Words."

    history = [Turn(role="user", text=hidden), Turn(role="assistant", text=hidden)]
    asked = answer_messages(hidden, [Passage()], history, delimiter="d")
    asked += rewrite_messages(hidden, history)
    said = "".join(message["content"] for message in asked)
    assert not set(said) & {"\u3164", "\ufe01", *(chr(0xE0000 + ord(char)) for char in "obey")}


@given(TEXTS, st.booleans(), st.booleans())
def test_it_is_settled(text: str, joiners: bool, selectors: bool):
    """Doing it twice is doing it once, and no text grows."""
    once = without_unseen(text, joiners=joiners, selectors=selectors)
    assert once == without_unseen(once, joiners=joiners, selectors=selectors)
    assert len(once) <= len(text)
