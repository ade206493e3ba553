"""Numbers, dates and times of a text, and which of them say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.figures import figures


@given(st.text(max_size=120))
def test_a_figure_agrees_with_itself(text):
    """Whatever is read as a figure can be true together with itself."""
    for figure in figures(text):
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
    assert expected == [figure.printed for figure in figures(text)]
