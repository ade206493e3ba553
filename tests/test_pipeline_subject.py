"""Readings weighed by what was asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.passages import units_of
from rag.pipeline.subject import judge
from rag.reader import Reading
from tests.test_pipeline_tally import candidate_of, source_of

SURE = 0.5
TEXT = "date,meter,reading\n31.01.2026,W-2,412\n31.03.2026,W-2,425\n"


def judged(question, name, text, *, at=0):
    """Return how likely the rows answer, the reader having found each of them sure, that one most."""
    source = source_of(name, text)
    rows = [unit for unit in units_of(source) if unit.kind == "row"]
    read = [
        Reading(
            candidate=0,
            start=row.start,
            end=row.end,
            text=source.text[row.start : row.end],
            probability=0.8,
        )
        for row in rows
    ]
    read[at] = replace(read[at], probability=0.9)
    return judge(question, read, [candidate_of(source)], sure=SURE)


def test_the_row_of_the_day_that_is_asked_for_leads():
    """However a date is written; seen to fail: 31 March was answered with what was read on 31.01., surely."""
    (first, *_) = judged("What was the reading on 31 March 2026?", "meter.csv", TEXT).readings
    assert "425" in first.text
    assert 0.8 == first.probability


def test_a_day_that_stands_nowhere_is_said_and_no_other_answers():
    """A row of another day does not answer for this one."""
    found = judged("What was the reading on 31 May 2026?", "meter.csv", TEXT)
    assert ("2026-05-31",) == found.absent
    assert 0 == found.readings[0].probability


def test_a_month_that_is_asked_for_by_name_is_held_against_rows():
    """Seen to fail: what was read in March was told for January, which a row gives in figures."""
    first, second = judged("What was the reading in March?", "meter.csv", TEXT).readings
    assert ("425", 0.8) == (first.text.rpartition(" ")[2][:3], first.probability)
    assert second.probability < SURE


def test_a_letter_that_no_row_has_is_answered_by_no_other():
    """Seen to fail: Shed A's rakes were told for Shed C's; what stands nowhere with a letter is not held against any."""
    text = "place,rakes\nShed A,3\nShed B,5\n"
    found = judged("How many rakes are in Shed C?", "tools.csv", text)
    assert (("Shed C",), 0) == (found.absent, found.readings[0].probability)
    assert 0.8 <= judged("How many rakes are in Shed A?", "tools.csv", text).readings[0].probability
    assert "Vitamin C" not in judged("How much Vitamin C is in it?", "tools.csv", text).absent


@pytest.mark.parametrize(
    ("question", "absent"),
    [
        ("What share does plot 9 have?", ()),
        ("What share does plot 8 have?", ("plot 8",)),
        ("What share is for somebody aged 45?", ()),
        ("What share is for somebody aged 70?", ("aged 70",)),
    ],
)
def test_a_number_stands_below_the_column_of_its_noun(question, absent):
    """It is the value of a row, or lies in its range; seen to fail: "plot 9" was said to be mentioned nowhere."""
    text = "Plot,Age,Share\n7,35–44,15 %\n9,45–54,20 %\n"
    assert absent == judged(question, "plots.csv", text).absent


@pytest.mark.parametrize(
    ("question", "sure"),
    [
        ("How many keys were handed over in total?", False),
        ("How many keys for the front door were handed over?", True),
    ],
)
def test_one_row_of_several_is_not_all_of_them(question, sure):
    """A row that is no total answers surely only where it alone is asked for."""
    text = "door,keys\nfront door,3\ncellar,6\n"
    assert sure == (judged(question, "keys.csv", text).readings[0].probability >= SURE)


def test_a_total_is_all_of_them():
    """Seen in its row."""
    text = "door,keys\nfront door,3\ncellar,6\ntotal,9\n"
    found = judged("How many keys were handed over in total?", "keys.csv", text, at=2)
    assert "9" in found.readings[0].text
    assert found.readings[0].probability >= SURE


@pytest.mark.parametrize("said", ["a 10-year-old", "a 3-day course", "the 24-hour notice"])
def test_a_measure_is_no_identifier_that_has_to_stand_there(said):
    """Seen to fail: whether a 10-year-old may take it was refused, since only "under 12" stands there."""
    assert () == judged(f"Is {said} allowed?", "meter.csv", TEXT).absent


def test_an_identifier_of_digits_and_letters_has_to_stand_there():
    """It is told from a measure by its capitals or its short words."""
    assert ("12-XB",) == judged("What is the reading of 12-XB?", "meter.csv", TEXT).absent
