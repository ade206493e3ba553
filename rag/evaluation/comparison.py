"""Paired comparison of two runs: differences with intervals, significance, changed answers.

Differences are the second run less the first, question by question, so that what is hard about a
question cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.grid import (
    UNKNOWN,
    Grid,
    figure_to_dict,
    number,
    page,
    print_page,
    shown,
)
from rag.evaluation.intervals import (
    RESAMPLINGS,
    Interval,
    bootstrap_statistic,
    paired_bootstrap,
)
from rag.evaluation.measures import Region
from rag.evaluation.outcomes import (
    ANSWERS,
    CITATIONS,
    RETRIEVAL,
    WHOLE,
    QuestionOutcome,
    outcomes_of,
)
from rag.evaluation.run import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    Statistic = Callable[..., float]

_LOWER_IS_BETTER = frozenset(
    {"wrong surely", "wrong as guess", "ECE", "AURC", "ms, p50", "ms, p95"}
)
_TEXT_CHARS = 200

Direction: TypeAlias = Literal["better", "worse", "otherwise"]
_TITLES: Mapping[Direction, tuple[str, str]] = {
    "better": ("Became good", ""),
    "worse": ("Became bad", ""),
    "otherwise": ("Changed otherwise", "At fault in both runs, or in neither as far as is known."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of one measure between two runs."""

    measure: str
    before: float
    after: float
    interval: Interval
    """Of `after` less `before`, paired, at 95 %."""
    unit: str = ""
    """`ms`, or empty for shares."""

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves out 0, otherwise empty."""
        if not self.interval.excludes_zero:
            return ""
        return "better" if (self.interval.low > 0) == (not self.lower_is_better) else "worse"

    @property
    def lower_is_better(self) -> bool:
        """Which way it points."""
        return self.measure in _LOWER_IS_BETTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A question that the runs answered otherwise: with another fault, other words or other citations."""

    query_id: str
    kind: str
    question: str
    before: str
    """What was at fault in the first run; empty if nothing was."""
    after: str
    """The same of the second."""
    answer_before: str
    answer_after: str

    @property
    def direction(self) -> Direction:
        """Return which run is right: `better`, `worse`, or `otherwise` if both are or neither is."""
        if bool(self.before) == bool(self.after):
            return "otherwise"
        return "better" if self.before else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The second run compared with the first."""

    before: str
    after: str
    """The runs' folders."""
    n: int
    made_otherwise: Mapping[str, tuple[object, object]]
    """What made the runs and differs between them, before and after."""
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """Return the report's heading."""
        return f"Two runs on {self.n} questions"

    @property
    def summary(self) -> str:
        """Name the runs, their differing settings, and how to read the figures."""
        made = "; ".join(
            f"{name}: {before} before, {after} after" if before is not None else name
            for name, (before, after) in self.made_otherwise.items()
        )
        return (
            f"Before: {self.before}. After: {self.after}. Made otherwise: {made or 'nothing'}."
            " Differences are after less before, with paired 95 % bootstrap intervals; better or worse"
            " is said where the interval leaves out 0. Of twenty measures that do not differ, one is"
            " expected to look as if it did."
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; figures that are undefined are null."""
        return {
            "before": self.before,
            "after": self.after,
            "n": self.n,
            "made_otherwise": {name: list(pair) for name, pair in self.made_otherwise.items()},
            "differences": [
                {
                    "measure": one.measure,
                    "unit": one.unit,
                    "before": number(one.before),
                    "after": number(one.after),
                    "difference": figure_to_dict(one.interval),
                    "verdict": one.verdict,
                }
                for one in self.differences
            ],
            **{
                direction: [
                    _change_to_dict(one) for one in self.changes if one.direction == direction
                ]
                for direction in get_args(Direction)
            },
        }

    def to_markdown(self) -> str:
        """Return the comparison as Markdown."""
        return page(self.title, self.summary, self._grids())

    def print(self, console: Console) -> None:
        """Show the comparison on a terminal."""
        print_page(console, self.title, self.summary, self._grids())

    def _grids(self) -> Iterator[Grid]:
        yield Grid(
            title="Measures",
            note="Shares in per cent. Lower is better: "
            + ", ".join(sorted(_LOWER_IS_BETTER))
            + ".",
            headers=("", "before", "after", "difference", "", "n"),
            rows=tuple(map(_difference_row, self.differences)),
        )
        for direction, (title, note) in _TITLES.items():
            changed = [one for one in self.changes if one.direction == direction]
            if changed:
                yield Grid(
                    title=f"{title}: {len(changed)}",
                    note=note,
                    headers=(
                        "question",
                        "fault before",
                        "fault after",
                        "answer before",
                        "answer after",
                    ),
                    rows=tuple(map(_change_row, changed)),
                )


def compare_runs(before: Run, after: Run, *, resamplings: int = RESAMPLINGS) -> Comparison:
    """Compare two runs, measure by measure and question by question.

    Args:
        before: a finished run.
        after: a finished run on the same questions.
        resamplings: of every interval's bootstrap.

    Raises:
        DatasetError: the questions differ, or a run is damaged or was stopped before its end.
    """
    _require_same_questions(before, after)
    ours, theirs = outcomes_of(after), outcomes_of(before)
    return Comparison(
        before=before.folder.as_posix(),
        after=after.folder.as_posix(),
        n=len(ours),
        made_otherwise=dict(_made_otherwise(before.manifest, after.manifest)),
        differences=(
            *_mean_differences(theirs, ours, resamplings),
            *_statistic_differences(theirs, ours, resamplings),
            *_time_differences(theirs, ours, resamplings),
        ),
        changes=tuple(_changes(before, after, theirs, ours)),
    )


def _require_same_questions(before: Run, after: Run) -> None:
    asked = [_mapping(run.manifest["questions"]) for run in (before, after)]
    if asked[0]["sha256"] != asked[1]["sha256"]:
        raise DatasetError(
            f"{before.folder} and {after.folder} asked different questions ({asked[0]['n']} and"
            f" {asked[1]['n']}), and cannot be compared. Ask the same ones: same --dataset, --split and"
            " --limit."
        )


def _made_otherwise(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[tuple[str, tuple[object, object]]]:
    """Yield the manifest entries that differ; of hashes only their names."""
    for group in ("settings", "versions"):
        first, second = _mapping(before[group]), _mapping(after[group])
        for name in dict.fromkeys([*first, *second]):
            if first.get(name) != second.get(name):
                yield name, (first.get(name), second.get(name))
    for name in ("sources", "program"):
        if before[name] != after[name]:
            yield name, (None, None)


def _mean_differences(
    before: Sequence[QuestionOutcome], after: Sequence[QuestionOutcome], n: int
) -> Iterator[Difference]:
    """Yield the differences of means over questions, each over the questions that both runs scored."""
    for name in (*WHOLE, *RETRIEVAL, *ANSWERS, *CITATIONS):
        pairs = [
            (first.scores[name], second.scores[name])
            for first, second in zip(before, after, strict=True)
            if name in first.scores and name in second.scores
        ]
        if pairs:
            first, second = np.array(pairs).T
            yield Difference(
                measure=name,
                before=float(first.mean()),
                after=float(second.mean()),
                interval=paired_bootstrap(second, first, n=n),
            )


def _statistic_differences(
    before: Sequence[QuestionOutcome], after: Sequence[QuestionOutcome], n: int
) -> Iterator[Difference]:
    """Give the measures that are of all questions at once."""
    known = [place for place, one in enumerate(after) if one.answerable is not None]
    table = [[_columns(run[place]) for place in known] for run in (before, after)]
    statistics: Mapping[str, Statistic] = {
        "abstention precision": lambda rows: measures.abstention_precision(rows[:, 0], rows[:, 1]),
        "abstention F1": lambda rows: measures.abstention_f1(rows[:, 0], rows[:, 1]),
        "AUROC": lambda rows: measures.auroc(rows[:, 2], rows[:, 1] == 0),
        "right of stated": partial(_right_of, column=5),
        "right of guesses": partial(_right_of, column=6),
        "ECE": partial(_of_given, measures.expected_calibration_error),
        "AURC": partial(_of_given, measures.aurc),
    }
    if known:
        first, second = np.array(table, float)
        for name, statistic in statistics.items():
            made = _difference(name, statistic, first, second, n)
            if not (math.isnan(made.before) and math.isnan(made.after)):
                yield made


def _columns(one: QuestionOutcome) -> tuple[float, ...]:
    """Return abstained, unanswerable, confidence, given, right, stated and guessed."""
    stated, guessed = (one.given and one.degree == degree for degree in ("stated", "guessed"))
    known = (one.abstained, not one.answerable, one.confidence, one.given, one.right)
    return (*known, stated, guessed)


def _right_of(rows: NDArray[np.float64], *, column: int) -> float:
    """Return the share of right ones among the answers of a degree; NaN without any."""
    right = rows[rows[:, column] == 1, 4]
    return float(right.mean()) if right.size else math.nan


def _of_given(statistic: Statistic, rows: NDArray[np.float64]) -> float:
    """Compute a statistic of confidence and correctness over the answered questions."""
    given = rows[rows[:, 3] == 1]
    return statistic(given[:, 2], given[:, 4])


def _time_differences(
    before: Sequence[QuestionOutcome], after: Sequence[QuestionOutcome], n: int
) -> Iterator[Difference]:
    first, second = (
        np.array([1000 * one.seconds["all"] for one in run]) for run in (before, after)
    )
    for percent in (50, 95):
        statistic = partial(measures.percentile, percent=percent)
        yield _difference(f"ms, p{percent}", statistic, first, second, n, unit="ms")


def _difference(
    name: str,
    statistic: Statistic,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    n: int,
    *,
    unit: str = "",
) -> Difference:
    """Compare a statistic of whole columns; the same questions are drawn for both."""
    rows = np.arange(len(before))
    interval = bootstrap_statistic(
        lambda drawn: statistic(after[drawn]) - statistic(before[drawn]), rows, n=n
    )
    return Difference(
        measure=name,
        before=float(statistic(before)),
        after=float(statistic(after)),
        interval=interval,
        unit=unit,
    )


def _changes(
    before: Run, after: Run, theirs: Sequence[QuestionOutcome], ours: Sequence[QuestionOutcome]
) -> Iterator[Change]:
    """Give the questions that the runs answered otherwise, in their order."""
    said_before, said_after = _said(before), _said(after)
    for first, second in zip(theirs, ours, strict=True):
        was, now = said_before[first.query_id], said_after[second.query_id]
        if (first.fault, was) != (second.fault, now):
            yield Change(
                query_id=second.query_id,
                kind=second.kind,
                question=now.question,
                before=first.fault,
                after=second.fault,
                answer_before=was.text,
                answer_after=now.text,
            )


class _Said(NamedTuple):
    """The visible part of an answer: equal for a reader if equal here."""

    question: str
    text: str
    cited: tuple[Region, ...]


def _said(run: Run) -> dict[str, _Said]:
    """Return the visible answer to each question."""
    said = {}
    for record in run.records():
        answer = _mapping(record["answer"] or {})
        said[str(record["query_id"])] = _Said(
            question=str(_mapping(record["example"])["question"]),
            text=str(answer.get("text", "")),
            cited=tuple(
                Region(one["source_id"], one["start"], one["end"])
                for one in answer.get("citations", ())
            ),
        )
    return said


def _difference_row(one: Difference) -> tuple[str, ...]:
    scale = 1 if one.unit else 100
    before, after = (
        UNKNOWN if math.isnan(value) else f"{scale * value:.1f}"
        for value in (one.before, one.after)
    )
    interval = shown(one.interval, scale=scale, signed=True)
    return (one.measure, before, after, interval, one.verdict, str(one.interval.n))


def _change_row(one: Change) -> tuple[str, ...]:
    return (
        one.question,
        one.before or "none",
        one.after or "none",
        _short(one.answer_before),
        _short(one.answer_after),
    )


def _change_to_dict(one: Change) -> dict[str, object]:
    return {
        "query_id": one.query_id,
        "kind": one.kind,
        "question": one.question,
        "fault_before": one.before,
        "fault_after": one.after,
        "answer_before": one.answer_before,
        "answer_after": one.answer_after,
    }


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_CHARS else text[:_TEXT_CHARS].rsplit(" ", 1)[0] + " …"


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping), value
    return value
