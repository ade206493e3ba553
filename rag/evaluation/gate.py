"""The gate: measures lost against a baseline fail a change.

A baseline is a small file of what each question was worth, so that runs are compared question by
question. A measure is lost where the paired 95 % bootstrap interval of its difference lies below 0.
So equal runs always pass, all their differences being 0. Where answers only get worse, four of them are
enough whatever the number of questions, since a resampling without any of the four is rarer than 2.5 %;
of many questions, fewer cannot be told from chance. That is not corrected for there being several
measures: they are of the same answers, and a false alarm costs a look at the table, while a loss that
passes stays. Quotes are no matter of chance: they are exact, and one that is not fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import DatasetError
from rag.evaluation.grid import Grid, figure_to_dict, page, print_page, share, shown
from rag.evaluation.intervals import Interval, paired_bootstrap
from rag.evaluation.outcomes import QuestionOutcome
from rag.evaluation.report import EvaluationReport

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = 1
GATED = (
    "RR@10",
    "right",
    "right surely",
    "effective reliability",
    "not stated as sure",
    "abstained when due",
    "citation precision",
    "evidence recall",
    "quote exactness",
)
"""What is watched: finding, answering, how surely, keeping silent, citing, showing and quoting."""

_EXACT = "quote exactness"
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The scores of each question of a run."""

    questions: Mapping[str, object]
    """Number and hash of the questions."""
    values: Mapping[str, Mapping[str, float]]
    """Question ─▶ measure ─▶ value to four digits; measures that do not apply are absent."""

    def write(self, path: Path) -> None:
        """Write the file, a question a line, so that a change of it can be read.

        Raises:
            DatasetError: it cannot be written.
        """
        lines = ",\n".join(
            f"{json.dumps(query_id)}: {json.dumps(values)}"
            for query_id, values in self.values.items()
        )
        head = f'"format": {FORMAT},\n"questions": {json.dumps(self.questions)}'
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'{{\n{head},\n"values": {{\n{lines}\n}}\n}}\n', encoding="utf-8")
        except OSError as exc:
            raise DatasetError(f"The baseline {path} cannot be written: {exc}.") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One measure, compared with the baseline."""

    measure: str
    before: float
    """Mean of the baseline."""
    now: float
    """Mean of the run."""
    interval: Interval
    """Of `now` less `before`, paired, at 95 %."""

    @property
    def is_lost(self) -> bool:
        """Whether the gate stays shut for it; see this module's first words."""
        return self.interval.high < 0 or (self.measure == _EXACT and self.interval.value < 0)

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        if self.is_lost:
            return "LOST"
        if self.interval.low > 0:
            return "gained"
        return "same" if self.interval.value == 0 else "within chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """A run compared with a baseline: losses and gains."""

    run: str
    baseline: str
    n: int
    watched: tuple[Watched, ...]
    fallen: tuple[str, ...]
    """Questions that are worth less in a watched measure."""

    @property
    def lost(self) -> tuple[str, ...]:
        """Measures that are lost; the gate is open if there are none."""
        return tuple(one.measure for one in self.watched if one.is_lost)

    @property
    def title(self) -> str:
        """The decision."""
        return f"The gate is shut: {', '.join(self.lost)}" if self.lost else "The gate is open"

    @property
    def summary(self) -> str:
        """Say which runs were compared and what to do next."""
        fallen = f" Worth less than before: {', '.join(self.fallen)}." if self.fallen else ""
        way_on = (
            " Mend what was lost, or, if the loss is wanted, accept it with --update-baseline."
            if self.lost
            else ""
        )
        return f"{self.n} questions of {self.run} against {self.baseline}.{fallen}{way_on}"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "open": not self.lost,
            "run": self.run,
            "baseline": self.baseline,
            "n": self.n,
            "measures": [
                {
                    "measure": one.measure,
                    "before": one.before,
                    "now": one.now,
                    "difference": figure_to_dict(one.interval),
                    "verdict": one.verdict,
                }
                for one in self.watched
            ],
            "fallen": list(self.fallen),
        }

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return page(self.title, self.summary, [self._grid()])

    def print(self, console: Console) -> None:
        """Show the table on a terminal."""
        print_page(console, self.title, self.summary, [self._grid()])

    def _grid(self) -> Grid:
        return Grid(
            title="Watched measures",
            note="In per cent; differences with paired 95 % bootstrap intervals.",
            headers=("", "baseline", "now", "difference", "", "n"),
            rows=tuple(
                (
                    one.measure,
                    share(one.before),
                    share(one.now),
                    shown(one.interval, signed=True),
                    one.verdict,
                    str(one.interval.n),
                )
                for one in self.watched
            ),
        )


def baseline_of(report: EvaluationReport) -> Baseline:
    """Make the baseline of a run from the scores of its questions."""
    return Baseline(
        questions=_mapping(report.manifest["questions"]),
        values={one.query_id: _values(one) for one in report.outcomes},
    )


def load_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        DatasetError: there is none, or it cannot be understood.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DatasetError(
            f"The baseline {path} cannot be read ({exc}). Make one with --update-baseline."
        ) from exc
    match held:
        case {"format": int(form), "questions": dict(questions), "values": dict(values)}:
            if form == FORMAT and _are_values(values.values()):
                return Baseline(questions=questions, values=values)
    raise DatasetError(
        f"{path} is no baseline of format {FORMAT}. Make one with --update-baseline."
    )


def check_gate(report: EvaluationReport, baseline: Baseline, *, name: str) -> GateReport:
    """Compare a run with a baseline.

    Args:
        report: of the run.
        baseline: made from the same questions.
        name: of the baseline, as it is shown.

    Raises:
        DatasetError: the baseline was made from other questions.
    """
    now = {one.query_id: _values(one) for one in report.outcomes}
    asked = _mapping(report.manifest["questions"])
    if asked["sha256"] != baseline.questions.get("sha256") or now.keys() != baseline.values.keys():
        raise DatasetError(
            f"The baseline {name} was made from other questions ({len(baseline.values)}, not"
            f" {report.n}). Ask the same --dataset, --split and --limit, or make a baseline of these"
            " with --update-baseline."
        )
    watched = [_watched(measure, baseline.values, now) for measure in GATED]
    return GateReport(
        run=report.run,
        baseline=name,
        n=report.n,
        watched=tuple(one for one in watched if one is not None),
        fallen=tuple(
            query_id
            for query_id, before in baseline.values.items()
            if any(now[query_id].get(measure, 0.0) < value for measure, value in before.items())
        ),
    )


def _watched(
    measure: str,
    before: Mapping[str, Mapping[str, float]],
    now: Mapping[str, Mapping[str, float]],
) -> Watched | None:
    """Compare one measure over the questions that it applies to; None if there are none."""
    pairs = [
        (held[measure], now[query_id].get(measure, 0.0))
        for query_id, held in before.items()
        if measure in held
    ]
    if not pairs:
        return None
    first, second = np.array(pairs).T
    return Watched(
        measure=measure,
        before=float(first.mean()),
        now=float(second.mean()),
        interval=paired_bootstrap(second, first),
    )


def _values(one: QuestionOutcome) -> dict[str, float]:
    """Return the watched measures of a question; quotes count everywhere, exact if there are none."""
    scores = {_EXACT: 1.0, **one.scores}
    return {name: round(scores[name], _DIGITS) for name in GATED if name in scores}


def _are_values(values: Iterable[object]) -> bool:
    return all(
        isinstance(row, dict) and all(isinstance(value, int | float) for value in row.values())
        for row in values
    )


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping), value
    return value
