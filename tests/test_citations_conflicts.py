"""Which sentences contradict each other in a number or a date, and which only look so."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rag.citations import CitablePassage, Pick, find_conflicts
from rag.schema import Span

CONFLICTS = [
    ("The harbour bridge opened in 1932.", "The harbour bridge opened in 1930."),
    ("The bridge opened on 19 March 1932.", "The bridge opened on 20 March 1932."),
    ("The union has 40 members.", "The union has 45 members."),
    ("Acme had 40 employees at its Berlin site.", "Acme had 55 employees at its Berlin site."),
    ("The earthquake in Lisbon killed 120 people.", "In Lisbon, the earthquake killed 95 people."),
    ("The tower is 324 metres tall.", "The tower is 300 m tall."),
    (
        "Kim Jong Un sent over 10,000 soldiers to Russia.",
        "Kim Jong Un sent 3,000 soldiers to Russia.",
    ),
    ("Inflation in France rose to 5%.", "Inflation in France rose to 7.5 percent."),
    ("The project cost $5 million.", "The project cost $6 million."),
    ("The meeting of the board starts at 9 am.", "The meeting of the board starts at 10:00 am."),
    ("The treaty was signed in March 2024.", "The treaty was signed in June 2024."),
    ("The river Po is 652 km long.", "The river Po is 300 miles long."),
    ("Einstein was born in Ulm on 14 March 1879.", "Einstein was born in Ulm in 1880."),
    ("120 people died in the Lyon fire.", "95 people died in the Lyon fire."),
    ("The warranty lasts two years.", "The warranty lasts three years."),
    (
        "The Eiffel Tower was completed in 1889.",
        "The Eiffel Tower, designed by Koechlin, was completed in 1887.",
    ),
    ("Marie Curie won two Nobel Prizes.", "Marie Curie won three Nobel Prizes."),
    ("About 10,000 people attended the concert.", "About 15,000 people attended the concert."),
    (
        "Between 10 and 20 people attended the concert in Ghent.",
        "Forty people attended the concert in Ghent.",
    ),
    ("The population of Utrecht is 361,000.", "The population of Utrecht is 290,000."),
]
NO_CONFLICTS = [
    (
        "The Ghent library of the Bosch university has 500 reading seats.",
        "The Lille library of the Bosch university has 300 reading seats.",
    ),
    ("In 2019 it had 40 members.", "In 2021 it had 45 members."),
    ("In 2019 the union had 40 members.", "In 2021 the union had 45 members."),
    ("The union had 40 members in 2019.", "The union has 45 members."),
    ("About 10,000 people attended the concert.", "10,000 people attended the concert."),
    ("About 10,000 people attended the concert.", "Some 9,600 people attended the concert."),
    ("The walk is 10 km long.", "The walk is 10,000 m long."),
    ("The walk is 10 km long.", "The walk is 6.2 miles long."),
    ("Germany has 40 members.", "France has 45 members."),
    ("Between 10 and 20 people attended the concert.", "15 people attended the concert."),
    ("10-20 people attended the concert.", "12 people attended the concert."),
    ("More than 10,000 soldiers were sent to Russia.", "12,000 soldiers were sent to Russia."),
    ("Net income of Acme was $5 million.", "Operating income of Acme was $8 million."),
    ("Acme sold 500 cars in Germany.", "Acme sold 300 trucks in Germany."),
    ("12 ministers attended the summit.", "5 ministers resigned from the summit."),
    ("He was born in 1950 in Paris.", "He was born in 1960 in Paris."),
    ("Prices rose by 5 percent in Ghent.", "Prices rose to 5.5 percent in Ghent."),
    ("The union does not have 40 members.", "The union has 45 members."),
    ("The union is expected to have 50 members.", "The union has 45 members."),
    ("Does the union have 40 members?", "The union has 45 members."),
    ("The treaty was signed in 2024.", "The treaty was signed on 19 June 2024."),
    ("The deal is worth $1.5 million.", "The deal is worth $1,480,000."),
    ("The deal is worth $5 million.", "The deal is worth €5.4 million."),
    ("The plant makes 40 cars per day.", "The plant makes 280 cars per week."),
    ("The first test killed 5 people in Ghent.", "The second test killed 7 people in Ghent."),
    ("The bridge opened in 1932.", "The bridge closed in 1972."),
    ("Of 120 people, 45 were injured in Lyon.", "45 of 120 people were injured in Lyon."),
    ("Einstein was born in 1879 and died in 1955.", "Einstein died in 1955 in Princeton."),
    ("The museum opens at 9:00 on Monday.", "The museum opens at 10:00 on Sunday."),
    ("The average salary at Acme is $50,000.", "The maximum salary at Acme is $90,000."),
    ("See table 3 of the annual report.", "See table 4 of the annual report."),
    ("Chapter 3 describes the index.", "Chapter 4 describes the index."),
    (
        "Version 3.10 of Python added match statements.",
        "Version 3.11 of Python added match statements.",
    ),
    ("The bill passed by 52 votes to 48.", "The bill passed with 52 votes."),
    ("Paul paid $30 to Anna on 3 May.", "Paul paid $45 to Anna on 9 May."),
    ("Bridge A is 500 m long.", "Bridge B is 600 m long."),
    ("The store in Ghent opened in 1990.", "The store in Lille opened in 1995."),
    ("Room 12 of the hotel costs 80 euros.", "Room 14 of the hotel costs 95 euros."),
    ("Adults pay 12 euros at the museum.", "Children pay 6 euros at the museum."),
]


def sentence(text: str, source_id: str, start: int = 0) -> Pick:
    """A passage of one sentence."""
    span = Span(start=start, end=start + len(text))
    passage = CitablePassage(
        source_id=source_id,
        title=source_id,
        sha256="0" * 64,
        pages=(),
        start=start,
        text=text,
        sentences=(span,),
    )
    return passage, span


def printed(one: str, other: str) -> list[tuple[str, str]]:
    """Return the figures in which sentences of two sources conflict."""
    found = find_conflicts([sentence(one, "a"), sentence(other, "b")])
    return [conflict.printed for conflict in found]


@pytest.mark.parametrize(("one", "other"), CONFLICTS)
def test_different_figures_of_one_thing_are_a_conflict(one, other):
    """Numbers, units, percentages, money, dates and times that differ beside the same words, either way round."""
    (pair,) = printed(one, other)

    assert pair[0] in one
    assert pair[1] in other
    assert [pair[::-1]] == printed(other, one)


@pytest.mark.parametrize(("one", "other"), NO_CONFLICTS)
def test_what_can_both_be_true_is_no_conflict(one, other):
    """Another time, thing or name, a rounding, a range, a bound, a conversion, a doubt, a negation."""
    assert [] == printed(one, other)
    assert [] == printed(other, one)


def test_the_figures_that_differ_are_named():
    """Where a sentence has several numbers, those that conflict are told, not those that agree."""
    one = "The fire in Lyon killed 120 people and destroyed 14 houses."
    other = "The fire in Lyon killed 95 people and destroyed 14 houses."

    assert [("120", "95")] == printed(one, other)


def test_a_conflict_within_one_source_comes_last():
    """A source that contradicts itself is found, behind two sources that contradict each other."""
    found = find_conflicts(
        [
            sentence("The union has 40 members.", "a"),
            sentence("The union has 45 members.", "a", 100),
            sentence("The king opened the harbour bridge in 1932.", "a", 200),
            sentence("The king opened the harbour bridge in 1930.", "b"),
        ]
    )

    assert [False, True] == [conflict.within for conflict in found]


def test_a_sentence_that_comes_twice_is_one():
    """Passages overlap; their common sentences conflict once."""
    twice = [sentence("The union has 40 members.", "a")] * 2

    assert 1 == len(find_conflicts([*twice, sentence("The union has 45 members.", "b")]))


def test_sentences_without_a_name_need_passages_about_the_same():
    """A median age of women in one city does not contradict that in another."""
    texts = ["Mesa lies in Arizona. ", "Ghent lies in Belgium. "]
    picks = []
    for text, age in zip(texts, ("28", "36"), strict=True):
        told = f"The median age of women was {age}."
        passage, _ = sentence(text + told, text)
        picks.append((passage, Span(start=len(text), end=len(text + told))))

    assert () == find_conflicts(picks)


@given(st.integers(2, 10**6), st.integers(2, 10**6))
def test_numbers_conflict_exactly_where_they_differ_by_more_than_rounding(one, other):
    """Equal numbers never conflict; numbers more than a tenth apart always do."""
    pair = printed(
        f"The union of Ghent has {one:,} members.", f"The union of Ghent has {other} members."
    )

    if one == other:
        assert [] == pair
    assume(abs(one - other) > 0.1 * max(one, other))
    # Four digits between 1000 and 2199 may be a year.
    assume(not 1000 <= one < 2200 and not 1000 <= other < 2200)
    assert 1 == len(pair)


def test_a_thousand_sentences_of_one_template_cost_little_time():
    """A long list of like lines is not compared line with line."""
    picks = [sentence(f"Anna paid {n} crowns to the harbour office.", str(n)) for n in range(1000)]
    started = time.process_time()

    find_conflicts(picks)

    assert time.process_time() - started < 10.0


@given(st.lists(st.text(max_size=80), max_size=6))
def test_any_sentences_can_be_compared(texts):
    """No text raises, and nothing conflicts with itself."""
    picks = [sentence(text, str(i)) for i, text in enumerate(texts) if text]

    for conflict in find_conflicts(picks):
        assert conflict.first != conflict.second
        assert 0 < conflict.shared <= 1
