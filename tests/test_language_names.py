"""Which words are names, and which of them another text has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.names import is_acronym, missing_names, names_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("However, Ann Lee met the UN in Bern.", ["Ann", "Lee", "UN", "Bern"]),
        ("Walking is healthy. Recently it rained.", []),
        ("Dr. Ahn Chan-il spoke.", ["Ahn", "Chan"]),
        ("What did Ann say?", ["Ann"]),
        ("the cat sat", []),
    ],
)
def test_a_capital_makes_a_name_unless_the_sentence_asks_for_it(text, names):
    """Words that open sentences, titles and function words are none."""
    assert names == [word.text for word in names_of(text)]


@pytest.mark.parametrize(
    ("claim", "quote", "missing"),
    [
        ("KCNA reported it.", "The Korean Central News Agency reported it.", ()),
        ("The Swedish king left.", "The king of Sweden left.", ("Swedish",)),
        ("The Russian army left.", "Russia's army left.", ()),
        ("They met on 21 March.", "They met.", ()),
        ("Lee left for Bern.", "Lee left.", ("Bern",)),
    ],
)
def test_names_are_missing_that_a_quote_does_not_have(claim, quote, missing):
    """An acronym, its words and a people's country are the same name; a date is none."""
    assert missing == missing_names(claim, [quote])


@pytest.mark.parametrize(
    ("text", "expected"), [("U.S", True), ("A4", True), ("Kim", False), ("a", False)]
)
def test_an_acronym_is_written_in_capitals(text, expected):
    """Dots and digits may stand in it."""
    assert expected == is_acronym(text)


@given(st.text(max_size=80))
def test_a_text_has_its_own_names(text):
    """No text lacks what it says."""
    assert () == missing_names(text, [text])
