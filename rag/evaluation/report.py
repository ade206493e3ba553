"""Tables of a run's figures, each with its interval and the number of questions it rests on.

One set of tables becomes Markdown, JSON and a terminal's tables; what a figure means is defined in
`measures`, and nothing is asked here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import DatasetError
from rag.evaluation import measures, outcomes
from rag.evaluation.grid import Grid, figure_to_dict, page, print_page, shown
from rag.evaluation.intervals import (
    RESAMPLINGS,
    Interval,
    bootstrap_interval,
    bootstrap_statistic,
)
from rag.evaluation.outcomes import QuestionOutcome
from rag.evaluation.run import Run

if TYPE_CHECKING:
    from rich.console import Console

_SPLITS = ("dev", "test")
_ALL = "all"
_BY_KIND = (
    "Success@1",
    "containment",
    "right",
    "right surely",
    "answered",
    *outcomes.UNANSWERABLE,
    "effective reliability",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One row of a table: the figures of a group of questions or of a stage."""

    label: str
    figures: Mapping[str, Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """Figures with the same columns."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    unit: str = ""
    """`ms`, or empty for shares."""

    def grid(self) -> Grid:
        """Return the table in words."""
        return Grid(
            title=self.title,
            note=self.note,
            headers=tuple(_headers(self)),
            rows=tuple(map(tuple, _cells(self))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """The report of a run, as tables, Markdown or JSON."""

    run: str
    """The run's folder."""
    n: int
    """Questions asked."""
    errors: tuple[str, ...]
    """Questions that could not be answered for a fault, each with the fault."""
    peak_megabytes: float | None
    manifest: Mapping[str, object]
    tables: tuple[FigureTable, ...]
    outcomes: tuple[QuestionOutcome, ...]
    """By question; what comparisons are made from."""

    @property
    def title(self) -> str:
        """Return the report's heading."""
        return f"Evaluation of {self.n} questions"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; figures that are undefined are null."""
        return {
            "run": self.run,
            "n": self.n,
            "errors": list(self.errors),
            "peak_megabytes": self.peak_megabytes,
            "manifest": dict(self.manifest),
            "tables": [_table_to_dict(table) for table in self.tables],
            "questions": [asdict(outcome) for outcome in self.outcomes],
        }

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        return page(self.title, self.summary, [table.grid() for table in self.tables])

    def print(self, console: Console) -> None:
        """Show the report on a terminal."""
        print_page(console, self.title, self.summary, [table.grid() for table in self.tables])

    def write(self, folder: Path) -> None:
        """Write `report.md` and `report.json` into a folder.

        Raises:
            DatasetError: they cannot be written.
        """
        try:
            text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1)
            for name, content in (("report.md", self.to_markdown()), ("report.json", text + "\n")):
                (folder / name).write_text(content, encoding="utf-8", errors="backslashreplace")
        except OSError as exc:
            raise DatasetError(f"The report cannot be written to {folder}: {exc}.") from exc

    @property
    def summary(self) -> str:
        """Name the run's folder and say how to read its figures."""
        lines = [f"Run: {self.run}. Intervals hold 95 % (percentile bootstrap over questions)."]
        if self.peak_megabytes is not None:
            lines.append(f"Most memory held: {self.peak_megabytes:.0f} MB.")
        if self.errors:
            lines.append(f"{len(self.errors)} could not be asked; the first: {self.errors[0]}")
        return " ".join(lines)


def report_of(run: Run, *, resamplings: int = RESAMPLINGS) -> EvaluationReport:
    """Make the report of a run; the same run gives the same report.

    Args:
        run: a finished run.
        resamplings: of every interval's bootstrap.

    Raises:
        DatasetError: a record of the run is damaged, or the run was stopped before its end.
    """
    measured = outcomes.outcomes_of(run)
    tables = _tables(measured, _by_split(measured), _by_kind(measured), resamplings)
    peaks = [o.peak_megabytes for o in measured if o.peak_megabytes is not None]
    return EvaluationReport(
        run=run.folder.as_posix(),
        n=len(measured),
        errors=tuple(f"{o.query_id}: {o.error}" for o in measured if o.error),
        peak_megabytes=max(peaks, default=None),
        manifest=run.manifest,
        tables=tuple(table for table in tables if table.rows),
        outcomes=measured,
    )


def joined(
    reports: Mapping[str, EvaluationReport], *, resamplings: int = RESAMPLINGS
) -> EvaluationReport:
    """Make one report of the runs on several sets of questions, a row a set.

    Args:
        reports: by the name of the set.
        resamplings: as in `report_of`.

    Raises:
        DatasetError: a question's name occurs in two sets.
    """
    measured = tuple(one for report in reports.values() for one in report.outcomes)
    if len({one.query_id for one in measured}) < len(measured):
        raise DatasetError(f"A query_id occurs in two of the sets {', '.join(reports)}.")
    asked = [report.manifest["questions"] for report in reports.values()]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    by_set = {name: report.outcomes for name, report in reports.items()}
    by_kind = {
        f"{name}: {kind}": group
        for name, report in reports.items()
        for kind, group in _by_kind(report.outcomes).items()
    }
    tables = _tables(measured, by_set, by_kind, resamplings)
    peaks = [one.peak_megabytes for one in reports.values() if one.peak_megabytes is not None]
    return EvaluationReport(
        run=", ".join(report.run for report in reports.values()),
        n=len(measured),
        errors=tuple(error for report in reports.values() for error in report.errors),
        peak_megabytes=max(peaks, default=None),
        manifest={"questions": {"n": len(measured), "sha256": digest}},
        tables=tuple(table for table in tables if table.rows),
        outcomes=measured,
    )


def _tables(
    measured: Sequence[QuestionOutcome],
    by_split: Mapping[str, Sequence[QuestionOutcome]],
    by_kind: Mapping[str, Sequence[QuestionOutcome]],
    n: int,
) -> Iterable[FigureTable]:
    yield _means(
        "Retrieval",
        "Of passages that hold evidence, among the first 10.",
        outcomes.RETRIEVAL,
        by_split,
        n,
    )
    yield _means(
        "Answers",
        "Of answerable questions, stated or guessed. Containment: the share of the answer's parts that"
        " stand in the text. Right: all of them do, and evidence is cited. EM and F1 are SQuAD's and"
        " punish whole sentences. Not answering counts 0.",
        outcomes.ANSWERS,
        by_split,
        n,
    )
    yield _means(
        "Citations",
        "Judged by evidence spans. Precision and recall are ALCE's; evidence recall is the share of"
        " the answer's parts that are shown; focus, of the cited characters that are evidence.",
        outcomes.CITATIONS,
        by_split,
        n,
    )
    yield _means(
        "How surely",
        "Of answerable questions. A guess calls itself likely; wrong is all that is not right. What is"
        " missing to 100 was not answered.",
        (*outcomes.DEGREES, "answered"),
        by_split,
        n,
    )
    yield _sureness(by_split, n)
    yield _abstention(by_split, n)
    yield _calibration(by_split, n)
    yield _kinds(by_kind, n)
    yield _latency(measured, n)


def _by_split(measured: Sequence[QuestionOutcome]) -> dict[str, Sequence[QuestionOutcome]]:
    """Group by split, with all of them first where there is more than one."""
    present: dict[str, Sequence[QuestionOutcome]] = {
        split: group for split in _SPLITS if (group := [o for o in measured if o.split == split])
    }
    one = any(len(group) == len(measured) for group in present.values())
    return present if one else {_ALL: measured, **present}


def _by_kind(measured: Sequence[QuestionOutcome]) -> dict[str, Sequence[QuestionOutcome]]:
    kinds = dict.fromkeys(o.kind for o in measured if o.kind)
    return {kind: [o for o in measured if o.kind == kind] for kind in kinds}


def _means(
    title: str,
    note: str,
    names: Sequence[str],
    groups: Mapping[str, Sequence[QuestionOutcome]],
    n: int,
) -> FigureTable:
    rows = [
        FigureRow(label=label, figures={name: _mean(group, name, n) for name in names})
        for label, group in groups.items()
    ]
    return _table(title, note, rows)


def _mean(group: Sequence[QuestionOutcome], name: str, n: int) -> Interval:
    return bootstrap_interval([o.scores[name] for o in group if name in o.scores], n=n)


def _sureness(groups: Mapping[str, Sequence[QuestionOutcome]], n: int) -> FigureTable:
    rows = []
    for label, group in groups.items():
        given = {
            degree: [o.right for o in group if o.given and o.degree == degree]
            for degree in ("stated", "guessed")
        }
        figures = {
            "right of stated": bootstrap_interval(given["stated"], n=n),
            "right of guesses": bootstrap_interval(given["guessed"], n=n),
            **{name: _mean(group, name, n) for name in outcomes.UNANSWERABLE},
            "effective reliability": _mean(group, "effective reliability", n),
        }
        rows.append(FigureRow(label=label, figures=figures))
    note = (
        "Right of stated and of guesses: an answer to what the sources do not answer is wrong. Not stated"
        " as sure: of questions that they do not answer, those at most guessed at; abstained when due: not"
        " even that. Effective reliability: right and stated 100, right as a guess 50, nothing said 0,"
        " a wrong guess -50, wrong and stated -200; at most the share of questions that can be answered."
    )
    return _table("What sureness is worth", note, rows)


def _abstention(groups: Mapping[str, Sequence[QuestionOutcome]], n: int) -> FigureTable:
    statistics: Mapping[str, Callable[..., float]] = {
        "precision": measures.abstention_precision,
        "recall": measures.abstention_recall,
        "F1": measures.abstention_f1,
    }
    rows = []
    for label, group in groups.items():
        known = [o for o in group if o.answerable is not None]
        unanswerable = np.array([not o.answerable for o in known], bool)
        if not unanswerable.any() or unanswerable.all():
            continue
        abstained = np.array([o.abstained for o in known], bool)
        confidence = np.array([o.confidence for o in known])
        figures = {
            name: bootstrap_statistic(statistic, abstained, unanswerable, n=n)
            for name, statistic in statistics.items()
        }
        figures["AUROC"] = bootstrap_statistic(measures.auroc, confidence, ~unanswerable, n=n)
        rows.append(FigureRow(label=label, figures=figures))
    note = (
        "Positive is: the sources do not answer it. AUROC: whether confidence tells answerable"
        " questions from the others."
    )
    return _table("Abstention", note, rows)


def _calibration(groups: Mapping[str, Sequence[QuestionOutcome]], n: int) -> FigureTable:
    rows = []
    for label, group in groups.items():
        given = [o for o in group if o.given]
        if not given:
            continue
        confidence = np.array([o.confidence for o in given])
        right = np.array([o.right for o in given])
        figures = {
            "right of answered": bootstrap_interval(right, n=n),
            "mean confidence": bootstrap_interval(confidence, n=n),
            "ECE": bootstrap_statistic(measures.expected_calibration_error, confidence, right, n=n),
            "AURC": bootstrap_statistic(measures.aurc, confidence, right, n=n),
        }
        rows.append(FigureRow(label=label, figures=figures))
    note = (
        "Of questions that were answered, answerable or not. ECE (10 bins) and AURC are better when"
        " lower; ECE counts noise as well, so the interval may lie above it."
    )
    return _table("Calibration", note, rows)


def _kinds(groups: Mapping[str, Sequence[QuestionOutcome]], n: int) -> FigureTable:
    note = "Answered: of those that can be; abstained: of those that cannot."
    return _means("By kind of question", note, _BY_KIND, groups, n)


def _latency(measured: Sequence[QuestionOutcome], n: int) -> FigureTable:
    stages = dict.fromkeys(stage for o in measured for stage in o.seconds)
    rows = []
    for stage in stages:
        took = np.array([1000 * o.seconds[stage] for o in measured if stage in o.seconds])
        figures = {
            f"p{percent}": bootstrap_statistic(
                partial(measures.percentile, percent=percent), took, n=n
            )
            for percent in (50, 95)
        }
        rows.append(FigureRow(label=stage, figures=figures))
    note = "Wall time of a question by stage, one question at a time."
    return _table("Latency", note, rows, unit="ms")


def _table(title: str, note: str, rows: Sequence[FigureRow], *, unit: str = "") -> FigureTable:
    """Make a table of the rows that have a figure, and of the columns that have one."""
    names = dict.fromkeys(name for row in rows for name in row.figures)
    columns = tuple(n for n in names if any(row.figures[n].n for row in rows))
    kept = tuple(row for row in rows if any(row.figures[name].n for name in columns))
    return FigureTable(title=title, note=note, columns=columns, rows=kept, unit=unit)


def _headers(table: FigureTable) -> list[str]:
    suffix = f" ({table.unit})" if table.unit else ""
    return ["", *(column + suffix for column in table.columns), "n"]


def _cells(table: FigureTable) -> Iterable[list[str]]:
    for row in table.rows:
        counts = sorted({figure.n for figure in row.figures.values() if figure.n})
        n = f"{counts[0]}–{counts[-1]}" if len(counts) > 1 else str(counts[0])
        scale = 1 if table.unit else 100
        figures = (shown(row.figures[name], scale=scale) for name in table.columns)
        yield [row.label, *figures, n]


def _table_to_dict(table: FigureTable) -> dict[str, object]:
    return {
        "title": table.title,
        "note": table.note,
        "unit": table.unit,
        "rows": [
            {
                "label": row.label,
                **{name: figure_to_dict(row.figures[name]) for name in table.columns},
            }
            for row in table.rows
        ],
    }
