"""An evaluation on a page: figures with their intervals, and nothing alive in any text."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest
from hypothesis import given

from rag.evaluation.intervals import Interval
from rag.evaluation.report import EvaluationReport, FigureRow, FigureTable
from rag.web import figures
from tests.test_web_render import TEXT

SHARE = Interval(value=0.8125, low=0.7, high=0.9, n=16)
NONE = Interval(value=math.nan, low=math.nan, high=math.nan, n=0)


def report_of(*tables: FigureTable, errors: tuple[str, ...] = ()) -> EvaluationReport:
    """A report of these tables."""
    return EvaluationReport(
        run="runs/x",
        n=16,
        errors=errors,
        peak_megabytes=None,
        manifest={},
        tables=tables,
        outcomes=(),
    )


def table(text: str = "x", unit: str = "", **figures_: Interval) -> FigureTable:
    """A table of one row."""
    row = FigureRow(label=text, figures=figures_)
    return FigureTable(title=text, note=text, columns=tuple(figures_), rows=(row,), unit=unit)


class Reader(HTMLParser):
    """Collects the tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.text += data


@given(TEXT)
def test_nothing_in_a_report_is_alive(text: str):
    """Kinds of questions, faults and labels are anybody's words."""
    made = report_of(table(text, text, share=SHARE), errors=(text,))
    html = figures.report(made, [("HTML", "/reports/x/report.html")]) + figures.trouble(text)
    assert "\n" not in html
    reader = Reader(html)
    assert reader.tags <= set("a bdi div h2 h3 p small strong table tbody td th thead tr".split())
    assert reader.attributes <= {"class", "href", "role", "tabindex", "target"}


def test_a_figure_is_shown_with_its_interval_and_an_undefined_one_as_a_dash():
    """Shares in per cent, times as they are."""
    assert "81.2 [70.0, 90.0]16" in Reader(figures.report(report_of(table(a=SHARE)), [])).text
    shown = Reader(figures.report(report_of(table(a=SHARE, b=NONE)), [])).text
    assert "81.2 [70.0, 90.0]–16" in shown
    time = Interval(value=12.34, low=math.nan, high=math.nan, n=3)
    assert "a (ms)nx12.33" in Reader(figures.report(report_of(table(unit="ms", a=time)), [])).text


def test_questions_that_could_not_be_asked_are_said():
    """A report over fewer questions than it seems must say so."""
    made = report_of(errors=("q7: ChatTimeoutError: silent", "q9: again"))
    assert "2 questions could not be asked. The first: q7" in Reader(figures.report(made, [])).text


@pytest.mark.parametrize(
    ("done", "seconds", "words"),
    [
        (0, 0.0, "Getting the questions ready…"),
        (5, 10.0, " 5 of 20 questions, about 30 s left"),
        (1, 20.0, " 1 of 20 questions, about 7 min left"),
        (20, 9.0, " 20 of 20 questions"),
    ],
)
def test_a_run_says_how_far_it_is(done: int, seconds: float, words: str):
    """And how long it will take, at the pace so far."""
    assert words == Reader(figures.progress(done, 20, seconds)).text
