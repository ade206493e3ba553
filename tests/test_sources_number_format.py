"""Numbers and dates of a sheet as their cells show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.sources.number_format import as_shown


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1234.5, "", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (3.0, "General", "3"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, "0", "1234"),
        (0.125, "0.0%", "12.5%"),
        (0.19, "0%", "19%"),
        (650000, '"£"#,##0', "£650,000"),
        (650000, "[$£-809]#,##0.00", "£650,000.00"),
        (12.5, "#,##0.00\\ [$€-407]", "12.50 €"),
        (-12.5, "#,##0.00;(#,##0.00)", "(12.50)"),
        (-12.5, "0.00", "-12.50"),
        (-0.001, "0.00", "0.00"),
        (0, '#,##0;-#,##0;"-"', "-"),
        (7, '0 "kg"', "7 kg"),
        (7, '_-"£"* #,##0.00_-', "£7.00"),
        (7, "000", "007"),
        (1500000, '#,##0.0,,"m"', "1.5m"),
        (2.5, "0.##", "2.5"),
        (2.0, "0.##", "2"),
        (12345, "0.00E+00", "1.23E+04"),
        (0.5, "# ?/?", "0.5"),
        (46095, "dd/mm/yyyy", "14/03/2026"),
        (46095, "d mmmm yyyy", "14 March 2026"),
        (46095, "ddd d mmm", "Sat 14 Mar"),
        (46095, "[$-809]dddd\\,\\ d\\ mmmm\\ yyyy;@", "Saturday, 14 March 2026"),
        (46095.75, "yyyy-mm-dd hh:mm", "2026-03-14 18:00"),
        (0.75, "h:mm AM/PM", "6:00 PM"),
        (0.3125, "hh:mm", "07:30"),
        (1.5, "[h]:mm", "36:00"),
        (0.0520833333, "mm:ss", "15:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (5e9, "yyyy", "5000000000"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_its_cell_shows_it(value, code, text):
    """Currency, percent, decimals, thousands, dates and times stand as a person sees them."""
    assert text == as_shown(value, code)


def test_days_are_counted_from_1904_where_the_workbook_says_so():
    """Old workbooks of the Mac begin four years later."""
    assert "1904-01-02" == as_shown(1, "yyyy-mm-dd", since_1904=True)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet='0#?.,%E+-ymdhs[]"\\/ ;AP@$€_*', max_size=30),
)
def test_any_number_in_any_format_is_written(value, code):
    """Whatever a file says of a cell, there is a text on one line."""
    assert "\n" not in as_shown(value, code)
