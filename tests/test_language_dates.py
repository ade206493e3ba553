"""Dates in names, headings and questions."""

from __future__ import annotations

import pytest

from rag.language.dates import agree, dates_in, in_words, names_month


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("2024-03-05_minutes", ((2024, 3, 5),)),
        ("20250101 report", ((2025, 1, 1),)),
        ("on 5 March 2024", ((2024, 3, 5),)),
        ("March 5, 2024", ((2024, 3, 5),)),
        ("the 2nd of May", ((0, 5, 2),)),
        ("01.03.2024", ((2024, 3, 1),)),
        ("March 2024", ((2024, 3, 0),)),
        ("policy_2022", ((2022, 0, 0),)),
        ("the April minutes", ((0, 4, 0),)),
        ("from 2011 to 2012", ((2011, 0, 0), (2012, 0, 0))),
        ("May I eat in May?", ((0, 5, 0),)),
        ("version 2.2024 of 12,2022", ()),
    ],
)
def test_dates_are_read_as_far_as_they_are_given(text, dates):
    """Year, month and day, each 0 where it is not said; "may" the verb is no month."""
    assert dates == dates_in(text)


def test_dates_agree_in_what_both_say():
    """A month of any year is one of a year; a year and a month alone say nothing of each other."""
    assert agree((0, 3, 0), (2024, 3, 5))
    assert not agree((2023, 3, 0), (2024, 3, 5))
    assert not agree((2024, 0, 0), (0, 3, 0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30.04.2026", "30 April 2026, "),
        ("2026-04-30", "30 April 2026, "),
        ("04/30/2026", "30 April 2026, "),
        ("30/04/2026", "30 April 2026, "),
        ("03/04/2026", ""),
        ("30 April 2026", ""),
        ("1.2.3", ""),
    ],
)
def test_a_date_in_figures_is_told_in_words_where_it_is_sure_which(text, words):
    """Of two numbers that may each be the month nobody knows which is."""
    assert words == in_words(text)


def test_a_question_names_a_month_or_does_not():
    """The verb "may" names none."""
    assert [True, True, False, False] == [
        *map(names_month, ("Who paid in May?", "The 3rd of April?", "May I go?", "On 03.04.2026?"))
    ]
