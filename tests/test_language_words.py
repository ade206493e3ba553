"""A text as words: as they are printed, and as they are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.words import alike, fold, stemmed, tokens_of, words_of


@pytest.mark.parametrize(
    ("text", "printed", "compared"),
    [
        ("Ahn Chan-il left.", ["Ahn", "Chan-il", "left"], ["ahn", "chan", "il", "left"]),
        ("AT&T paid 10,000 and/or 3.5%.", ["AT&T", "paid", "10,000", "and/or", "3.5"],
         ["at", "t", "paid", "10", "000", "and", "or", "35"]),
        ("The U.S. Army's tanks", ["The", "U.S", "Army", "tanks"], ["the", "us", "army", "tanks"]),
        ("Núñez’s dog doesn't bark", ["Núñez", "dog", "doesn't", "bark"],
         ["nunez", "dog", "doesn't", "bark"]),
        ("它包括防御", ["它包括防御"], ["它包", "包括", "括防", "防御"]),
        ("", [], []),
    ],
)  # fmt: skip
def test_words_are_read_in_two_grains(text, printed, compared):
    """Hyphens and full stops join what is printed as one word and part what is compared."""
    assert printed == [word.text for word in tokens_of(text)]
    assert compared == [word.folded for word in words_of(text)]


@given(st.text(max_size=80))
def test_words_stand_where_they_say(text):
    """Offsets are of the text, in order, and each word is there as it is printed."""
    for words in (tokens_of(text), words_of(text)):
        assert all(text[word.start :].startswith(word.text) for word in words)
        assert sorted(word.start for word in words) == [word.start for word in words]
        assert all(word.folded and word.start < word.end <= len(text) for word in words)


@pytest.mark.parametrize(
    ("text", "opening"),
    [
        ("He left. She stayed.", ["He", "She"]),
        ("Dr. Lee and J. Roe left", ["Dr"]),
        ("One\nTwo", ["One", "Two"]),
    ],
)
def test_the_first_word_of_a_sentence_opens_it(text, opening):
    """A full stop behind an abbreviation or an initial begins nothing."""
    assert opening == [word.text for word in tokens_of(text) if word.opens]


def test_a_possessive_belongs_to_its_word():
    """`'s` is no part of a word, and a plural's apostrophe owns too; `it's` owns nothing."""
    found = tokens_of("Kim's dog, the boys' cat and it's")

    assert ["Kim", "boys"] == [word.text for word in found if word.possessive]


@pytest.mark.parametrize(
    "forms",
    [
        "leave left leaves leaving",
        "go went gone going",
        "woman women",
        "nation nations",
        "deploy deployed deployment",
    ],
)
def test_irregular_forms_have_the_stem_of_their_word(forms):
    """What no ending tells is looked up."""
    assert 1 == len({stemmed(word) for word in forms.split()})


def test_a_word_is_stemmed_in_the_language_of_its_text():
    """German plurals are forms of their singular, in a German text."""
    one = words_of("Der Vertrag ist alt und gilt nicht.")
    other = words_of("Die Verträge sind alt und gelten nicht mehr.")

    assert one[1].stem == other[1].stem


def test_words_of_one_family_are_alike():
    """A long common beginning makes a family; a short one does not."""
    assert alike("national", frozenset({"nation"}))
    assert not alike("note", frozenset({"nation"}))


def test_folding_takes_case_and_accents():
    """Straight and curly apostrophes are one."""
    assert "munchen's" == fold("MÜNCHEN’s")
