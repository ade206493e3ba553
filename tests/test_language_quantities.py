"""Numbers, dates and times of a text, and which of them say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.quantities import amounts, missing_numbers, quantities

SAME = [
    ("The trip is 4,000 m long.", "The trip is 4 km long."),
    ("It lasts two weeks.", "It lasts 14 days."),
    ("About 10,000 men came.", "10,012 men came."),
    ("It weighs 3 to 5 kg.", "It weighs 3-5 kg."),
    ("It weighs between 3 kg and 5 kg.", "Weight: 3 – 5 kg"),
    ("The fee is $3 million to $5 million.", "The fee is $3–5 million."),
    ("It takes 90 minutes.", "It takes 1.5 hours."),
    ("It takes 24 hours.", "It takes a day."),
    ("It takes an hour.", "It takes 60 minutes."),
    ("The notice period is 12 months.", "The notice period is one year."),
    ("The file may have 2,000 MB.", "The file may have 2 GB."),
    ("He walked roughly 40 km.", "He walked 41 km."),
    ("Over 10,000 men came.", "10,012 men came."),
    ("It is 2 m high.", "It is 200 cm high."),
    ("It costs half a million euros.", "It costs 500,000 euros."),
    ("It rose 10% to 20%.", "It rose 10–20 percent."),
    ("Marathons are 26.2 miles.", "Marathons are 42.2 km."),
    ("It holds 1.5 l.", "It holds 1,500 ml."),
    ("A fortnight's notice is due.", "Two weeks notice is due."),
    ("It is 5 ft tall.", "It is 60 inches tall."),
    ("Nearly 10,000 men came.", "9,800 men came."),
    ("It closes at 17:00.", "It closes at 5 pm."),
    ("Under 10 men came.", "8 men came."),
    ("It weighs 2.5 kg.", "It weighs 2500 g."),
    ("It lasted one and a half hours.", "It lasted 90 minutes."),
    ("The break is half an hour.", "The break is 30 minutes."),
]
DIFFERENT = [
    ("It lasts two weeks.", "It lasts 15 days."),
    ("About 10,000 men came.", "10,800 men came."),
    ("10,000 men came.", "10,012 men came."),
    ("It weighs 4 kg.", "It weighs 3-5 kg."),
    ("It weighs 3 to 5 kg.", "It weighs 3-6 kg."),
    ("Over 10,000 men came.", "9,990 men came."),
    ("More than 10 men came.", "10,000 men came."),
    ("Roughly 40 km.", "45 km."),
    ("It weighs 2.5 kg.", "It weighs 250 g."),
    ("Under 10 men came.", "12 men came."),
    ("It costs 3 dollars.", "It costs 3 cents."),
    ("It takes 12 days.", "It takes 12 months."),
    ("It takes two hours.", "It takes half an hour."),
    ("It takes one week.", "It takes 14 days."),
]


@pytest.mark.parametrize(("claim", "quote"), SAME)
def test_a_number_may_be_said_in_another_unit_or_as_a_range_or_rounded(claim, quote):
    """Strictly the same: converted, in words, as a range; and rounded where the claim says so."""
    assert () == missing_numbers(claim, [quote])


@pytest.mark.parametrize(("claim", "quote"), DIFFERENT)
def test_another_number_in_another_unit_is_another_number(claim, quote):
    """Strictly different: beyond what the claim's own rounding or bound leaves open."""
    assert missing_numbers(claim, [quote])


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("The walk is 10 km long.", "The walk is 6.2 miles long.", True),
        ("It took two weeks.", "It took 14 days.", True),
        ("About 10,000 came.", "9,600 came.", True),
        ("It weighs 3-5 kg.", "It weighs 4,200 g.", True),
        ("It weighs 3-5 kg.", "It weighs 6 kg.", False),
        ("It opened on 19 March 1932.", "It opened in March 1932.", True),
        ("It opened on 19 March 1932.", "It opened on 20 March 1932.", False),
        ("It opened on 19 March.", "It opened on 19 March 1932.", True),
    ],
)
def test_two_numbers_agree_where_both_can_be_true(one, other, agree):
    """Approximately the same: within a bound, a range, a rounding or a conversion."""
    (first,), (second,) = amounts(one), amounts(other)

    assert agree == first.agrees(second)
    assert agree == second.agrees(first)


def test_the_ends_of_a_range_share_unit_and_scale():
    """`$3-5 million` is three million and five million dollars."""
    low, high = quantities("The fee is $3-5 million.")

    assert (3e6, "$") == (low.value, low.unit)
    assert (5e6, "$") == (high.value, high.unit)


@given(st.text(max_size=120))
def test_a_figure_agrees_with_itself(text):
    """Whatever is read as a figure can be true together with itself."""
    for figure in amounts(text):
        assert figure.agrees(figure)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It opened on 19 March 1932.", ["19 March 1932"]),
        ("Between 10 and 20 people came.", ["10 and 20"]),
        ("The walk is 12 km long.", ["12 km"]),
        ("It is 300 m high.", ["300 m"]),
        ("See chapter 3 of Apollo 11 and the 2010 Census.", []),
        ("In the 1930s, one of them left.", []),
    ],
)
def test_a_figure_is_read_as_a_whole(text, expected):
    """A date with its year, a range with both ends, a number with its unit; labels and decades are none."""
    assert expected == [figure.printed for figure in amounts(text)]
