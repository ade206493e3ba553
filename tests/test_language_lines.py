"""Which line breaks of a text are meant."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given

from rag.language.lines import find_paragraphs, find_runs, unwrapped
from tests.structure_fakes import ANY_TEXT

WRAPPED = "The committee met in the old hall and it\ntalked until late, since nobody wanted to be\nthe first to leave."


def runs(text: str) -> list[str]:
    """The runs of a text."""
    return [text[run.start : run.end] for run in find_runs(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WRAPPED, [WRAPPED]),
        ("To bring:\n- a pen\n- a cap", ["To bring:", "- a pen", "- a cap"]),
        ("Ann Lee\nStreet 5\nA town by the sea", ["Ann Lee", "Street 5", "A town by the sea"]),
        ("From: Ann\nTo: Ben", ["From: Ann", "To: Ben"]),
        ("a | b\nc | d", ["a | b", "c | d"]),
        ("It is over.\n1. Go.\n2. Stay.", ["It is over.", "1. Go.", "2. Stay."]),
        ("first\n\nsecond", ["first", "second"]),
        (f"{'x ' * 70}end\nNext line.", [f"{'x ' * 70}end", "Next line."]),
    ],
    ids=[
        "wrapped",
        "bullets",
        "short lines",
        "labels",
        "bars",
        "numbers",
        "empty line",
        "long line",
    ],
)
def test_a_break_is_meant_or_an_editor_made_it(text, expected):
    """A line ends where a person ended it; what an editor wrapped is one."""
    assert expected == runs(text)


def test_a_run_knows_whether_it_stands_apart():
    """Behind an empty line, or at the start, nothing stands right before it."""
    assert [True, False, True] == [run.apart for run in find_runs("a:\n- b\n\nc")]


def test_the_lines_of_a_paragraph_have_no_white_space_around_them():
    """An empty line, also one of spaces, ends a paragraph."""
    text = "  one \n\ttwo\n \u00a0\nthree"

    assert [["one", "two"], ["three"]] == [
        [text[start:end] for start, end in lines] for lines in find_paragraphs(text)
    ]


@given(ANY_TEXT)
def test_runs_hold_every_character_once(text):
    """Of any text they are ascending and disjoint, and hold all that is not blank."""
    found = list(find_runs(text))

    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    bounds = [0, *(at for run in found for at in (run.start, run.end)), len(text)]
    between = zip(bounds[::2], bounds[1::2], strict=True)
    assert not "".join(text[start:end] for start, end in between).strip()


@given(ANY_TEXT)
def test_a_paragraph_joined_is_its_runs(text):
    """Line by line or by the whole text, the same breaks are meant."""
    assert [(run.start, run.end) for run in find_runs(text)] == [
        line for lines in find_paragraphs(text) for line in unwrapped(text, lines)
    ]
