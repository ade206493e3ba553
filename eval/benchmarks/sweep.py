"""A small grid over settings, each cell asked the same questions: which choices make a real difference.

    grid ─▶ cells ─▶ a run each ─▶ differences from the present settings

Cells are all combinations of the grid, or, far fewer, the present settings with one of its values each.

Every cell is a run in a folder of its own, so a sweep that was stopped goes on where it was. Cells have
indexes of their own, made from what is indexed now; the person's index is only read.

One measure decides, named before anything is asked. A difference is real if its p-value, by Fisher's
randomization test on the questions and corrected by Holm for the number of cells, is below 0.05; the
interval beside it is the uncorrected paired bootstrap's.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, get_args

import numpy as np
from pydantic import SecretStr

from eval.benchmarks.significance import holm, randomization_p
from rag.errors import DatasetError
from rag.evaluation import RUNS, load_questions
from rag.evaluation.dataset import Example, example_to_dict
from rag.evaluation.grid import (
    UNKNOWN,
    Grid,
    figure_to_dict,
    number,
    page,
    print_page,
    share,
    shown,
)
from rag.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
)
from rag.evaluation.outcomes import (
    ANSWERS,
    CITATIONS,
    RETRIEVAL,
    WHOLE,
    QuestionOutcome,
    outcomes_of,
)
from rag.evaluation.run import Pipeline, Run, evaluate, finished, program_sha256
from rag.pipeline import Progress, Rag
from rag.retrieval import Method, Retriever, Weights
from rag.settings import Settings
from rag.store import Snapshot

if TYPE_CHECKING:
    from rich.console import Console

    from rag.schema import Candidate, Vectors

AXES = (
    "passage_tokens",
    "overlap_sentences",
    "top_k",
    "strictness",
    "encoder",
    "reader",
    "method",
    "lexical_weight",
)
"""What can be varied: settings, the method of retrieval, and the part that words have in its score."""

MEASURES = tuple(
    name for name in (*WHOLE, *RETRIEVAL, *ANSWERS, *CITATIONS) if name != "quote exactness"
)
"""What can decide: measures that apply to the same questions whatever the answers are."""

LEVEL = 0.05
MOST_CELLS = 200

GridOf: TypeAlias = Mapping[str, Sequence[str]]
"""Axis ─▶ the values to try, as they are typed."""

_UNFIT = re.compile(r"[^\w.=,-]+")  # for the name of a folder
_SHOWN = (
    "good",
    "effective reliability",
    "right",
    "not stated as sure",
    "citation precision",
    "RR@10",
)
_WEIGHTS = Weights()
_LEXICAL = _WEIGHTS.sentence_lexical + _WEIGHTS.passage_lexical


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One choice of everything that is varied."""

    choice: Mapping[str, str]
    """Axis ─▶ value, as it is shown; empty for the present settings."""
    settings: Settings
    method: Method = "fusion"
    lexical_weight: float = _LEXICAL
    """0..1; how much of the score of a passage is the words that it shares with the query."""

    @property
    def name(self) -> str:
        """What it is called."""
        return ",".join(f"{axis}={value}" for axis, value in self.choice.items()) or "present"

    @property
    def making(self) -> dict[str, object]:
        """What makes its run, without where things are kept."""
        plain = self.settings.model_dump(mode="json", exclude={"seeds_dir", "index_dir"})
        return {**plain, "method": self.method, "lexical_weight": self.lexical_weight}


OpenCell: TypeAlias = Callable[[Cell, Progress | None], AbstractContextManager[Pipeline]]
"""Opens the pipeline of a cell over the same sources as the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What a cell is worth, and whether that differs from the present settings."""

    cell: Cell
    folder: Path
    figures: Mapping[str, Interval]
    """By measure; those that apply to the questions."""
    difference: Interval
    """Of the deciding measure, from the present settings; paired, at 95 %."""
    p: float
    """Of no difference, corrected for the number of cells."""

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `same` where no question differs, or empty where nothing is certain."""
        if not self.cell.choice:
            return "present"
        if self.p < LEVEL:
            return "better" if self.difference.value > 0 else "worse"
        return "same" if self.difference.low == self.difference.high == 0 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """All cells, the best first."""

    folder: str
    measure: str
    n: int
    """Questions asked of each."""
    results: tuple[CellResult, ...]

    @property
    def title(self) -> str:
        """What it is of."""
        return f"{len(self.results)} choices of settings on {self.n} questions"

    @property
    def summary(self) -> str:
        """What is real, and how to read the table."""
        real = [one for one in self.results if one.verdict in {"better", "worse"}]
        better = [one.cell.name for one in real if one.verdict == "better"]
        found = (
            f"Really better than the present settings: {'; '.join(better)}."
            if better
            else "None is really better than the present settings."
        )
        worse = sum(one.verdict == "worse" for one in real)
        return (
            f"{self.folder}. {found} Really worse: {worse}. What decides is {self.measure!r}: difference"
            " from the present settings with its paired 95 % interval, and p by the randomization test,"
            f" corrected for {len(self.results) - 1} comparisons (Holm); below {LEVEL} it is real."
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; figures that are undefined are null."""
        return {
            "folder": self.folder,
            "measure": self.measure,
            "n": self.n,
            "cells": [
                {
                    "choice": dict(one.cell.choice),
                    "run": one.folder.as_posix(),
                    "figures": {
                        name: figure_to_dict(figure) for name, figure in one.figures.items()
                    },
                    "difference": figure_to_dict(one.difference),
                    "p": number(one.p),
                    "verdict": one.verdict,
                }
                for one in self.results
            ],
        }

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return page(self.title, self.summary, [self._grid()])

    def print(self, console: Console) -> None:
        """Show the table on a terminal."""
        print_page(console, self.title, self.summary, [self._grid()])

    def _grid(self) -> Grid:
        names = [
            name
            for name in dict.fromkeys((self.measure, *_SHOWN))
            if any(name in one.figures for one in self.results)
        ]
        return Grid(
            title="Cells",
            note="Shares in per cent, the best first.",
            headers=("", *names, f"difference in {self.measure}", "p", ""),
            rows=tuple(
                (
                    one.cell.name.replace(",", ", "),
                    *(share(one.figures[n].value) if n in one.figures else UNKNOWN for n in names),
                    shown(one.difference, signed=True) if one.cell.choice else UNKNOWN,
                    f"{one.p:.3f}" if one.cell.choice else UNKNOWN,
                    one.verdict,
                )
                for one in self.results
            ),
        )


def run_sweep(
    rag: Pipeline,
    settings: Settings,
    grid: GridOf,
    *,
    dataset_path: Path | None = None,
    split: str | None = None,
    limit: int | None = None,
    out: Path | None = None,
    measure: str = "good",
    combined: bool = True,
    open_cell: OpenCell | None = None,
    progress: Progress | None = None,
) -> SweepReport:
    """Ask the same questions with every choice of the grid, and with the present settings.

    Args:
        rag: the present pipeline; its sources are what is asked about.
        settings: the present ones, which every cell changes in what the grid varies.
        grid: what to vary.
        dataset_path: as in `run_evaluation`, like `split` and `limit`.
        split: as there.
        limit: as there.
        out: folder of the sweep; None for one below `eval/runs` that the same call finds again.
        measure: what decides, one of `MEASURES`.
        combined: every combination of the grid; else one of its values at a time.
        open_cell: opens a cell's pipeline; the real one by default.
        progress: told of questions asked, over all cells.

    Raises:
        DatasetError: the grid or the measure is unknown, the questions cannot be read, or the folder
            cannot be written.
        SettingsError: a value of the grid cannot work.
    """
    cells = cells_of(settings, grid, combined=combined)
    _require_measure(measure)
    name, examples = load_questions(rag, dataset_path, split=split, limit=limit)
    folder = out or RUNS / f"sweep-{name}-{_key(cells, examples)}"
    open_cell = open_cell or partial(_opened, rag, folder)
    runs = []
    for place, cell in enumerate(cells):
        told = _told(progress, before=place * len(examples), total=len(cells) * len(examples))
        runs.append(_run(rag, cell, examples, folder, open_cell=open_cell, progress=told))
    report = _reported(folder, cells, runs, measure)
    _write(report, folder)
    return report


def cells_of(settings: Settings, grid: GridOf, *, combined: bool = True) -> tuple[Cell, ...]:
    """Return the present settings, and every choice of the grid that is not them.

    Args:
        settings: the present ones.
        grid: what to vary.
        combined: as in `run_sweep`.

    Raises:
        DatasetError: an axis is unknown or has no value, or there are too many cells.
        SettingsError: a value cannot work.
    """
    for axis, values in grid.items():
        if axis not in AXES:
            raise DatasetError(f"{axis!r} cannot be varied; there are: {', '.join(AXES)}.")
        if not values:
            raise DatasetError(f"{axis!r} has no values; write {axis}=one,other.")
    sizes = [len(values) for values in grid.values()]
    n = math.prod(sizes) if combined else sum(sizes)
    if not grid or n > MOST_CELLS:
        raise DatasetError(f"A sweep wants 1 to {MOST_CELLS} cells, and this grid has {n}.")
    present = Cell(choice={}, settings=settings)
    made = {json.dumps(present.making): present}
    for choice in _choices(grid, combined=combined):
        cell = _cell(settings, choice)
        made.setdefault(json.dumps(cell.making), cell)
    if len(made) == 1:
        raise DatasetError("This grid holds nothing but the present settings.")
    return tuple(made.values())


def _choices(grid: GridOf, *, combined: bool) -> Iterator[Mapping[str, str]]:
    if combined:
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))
    else:
        yield from ({axis: value} for axis, values in grid.items() for value in values)


def _cell(settings: Settings, choice: Mapping[str, str]) -> Cell:
    varied = {axis: value for axis, value in choice.items() if axis in Settings.model_fields}
    # Through the constructor, which checks and converts what was typed.
    cell = Cell(choice=choice, settings=Settings(**(settings.model_dump() | varied)))
    if "method" in choice:
        cell = replace(cell, method=_method(choice["method"]))
    if "lexical_weight" in choice:
        cell = replace(cell, lexical_weight=_weight(choice["lexical_weight"]))
    return cell


def _method(value: str) -> Method:
    for method in get_args(Method):
        if method == value:
            return method  # type: ignore[no-any-return]
    raise DatasetError(f"'method' wants one of {', '.join(get_args(Method))}, got {value!r}.")


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = -1.0
    if not 0 <= weight <= 1:
        raise DatasetError(f"'lexical_weight' wants a number from 0 to 1, got {value!r}.")
    return weight


def _require_measure(measure: str) -> None:
    if measure not in MEASURES:
        raise DatasetError(f"There is no measure {measure!r}; there are: {', '.join(MEASURES)}.")


def _key(cells: Iterable[Cell], examples: Iterable[Example]) -> str:
    """Return what the same sweep by the same program has in common and no other has."""
    made = [cell.making for cell in cells], [example_to_dict(one) for one in examples]
    text = json.dumps([*made, program_sha256()])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _told(progress: Progress | None, *, before: int, total: int) -> Progress | None:
    """Make the progress of one cell that of the whole sweep; other stages are told as they are."""
    if progress is None:
        return None

    def tell(stage: str, done: int, of: int, /) -> None:
        if stage == "questions":
            progress("questions of all choices", before + done, total)
        else:
            progress(stage, done, of)

    return tell


def _run(
    rag: Pipeline,
    cell: Cell,
    examples: Sequence[Example],
    folder: Path,
    *,
    open_cell: OpenCell,
    progress: Progress | None,
) -> Run:
    """Return the run of a cell; one that is there is not made again."""
    out = folder / _UNFIT.sub("-", cell.name)
    if done := finished(rag, examples, out_dir=out, settings=cell.making):
        if progress is not None:
            progress("questions", len(examples), len(examples))
        return done
    with open_cell(cell, progress) as pipeline:
        return evaluate(pipeline, examples, out_dir=out, settings=cell.making, progress=progress)


def _reported(
    folder: Path, cells: Sequence[Cell], runs: Sequence[Run], measure: str
) -> SweepReport:
    """Measure every cell against the first, which is the present one."""
    measured = [outcomes_of(run) for run in runs]
    columns = [_column(outcomes, measure) for outcomes in measured]
    if not columns[0]:
        raise DatasetError(
            f"{measure!r} applies to none of these questions: what is expected is not known."
        )
    p_values = holm([randomization_p(np.subtract(column, columns[0])) for column in columns[1:]])
    results = [
        CellResult(
            cell=cell,
            folder=run.folder,
            figures={name: figure for name in MEASURES if (figure := _figure(outcomes, name)).n},
            difference=paired_bootstrap(column, columns[0]),
            p=p,
        )
        for cell, run, outcomes, column, p in zip(
            cells, runs, measured, columns, (1.0, *p_values), strict=True
        )
    ]
    results.sort(key=lambda one: -one.figures[measure].value)
    return SweepReport(
        folder=folder.as_posix(), measure=measure, n=len(measured[0]), results=tuple(results)
    )


def _column(outcomes: Iterable[QuestionOutcome], measure: str) -> list[float]:
    """Return a measure's value of each question that it applies to."""
    return [one.scores[measure] for one in outcomes if measure in one.scores]


def _figure(outcomes: Iterable[QuestionOutcome], measure: str) -> Interval:
    return bootstrap_interval(_column(outcomes, measure))


def _write(report: SweepReport, folder: Path) -> None:
    text = json.dumps(report.to_dict(), ensure_ascii=False, allow_nan=False, indent=1)
    try:
        (folder / "sweep.md").write_text(report.to_markdown(), encoding="utf-8")
        (folder / "sweep.json").write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise DatasetError(f"The report cannot be written to {folder}: {exc}.") from exc


# --- The pipeline of a cell ----------------------------------------------------------------------


class _Ranker(Retriever):
    """A retriever whose usual method is another than `fusion`."""

    def __init__(
        self, encode: Callable[[str], Vectors], *, weights: Weights, method: Method
    ) -> None:
        super().__init__(encode, weights=weights)
        self._method = method

    def retrieve(
        self,
        store: Snapshot,
        query: str,
        *,
        k: int,
        sources: frozenset[str] | None = None,
        method: Method = "fusion",
        diversity: float = 0.0,
    ) -> tuple[Candidate, ...]:
        """Return candidates as a retriever does."""
        return super().retrieve(
            store,
            query,
            k=k,
            sources=sources,
            method=self._method if method == "fusion" else method,
            diversity=diversity,
        )


class _Varied(Rag):
    """The pipeline of a cell."""

    def rank(self, method: Method, weights: Weights) -> None:
        """Rank so from now on."""
        ranker = _Ranker(self._retriever.encode, weights=weights, method=method)
        self._retriever = self._asker.retriever = ranker


@contextmanager
def _opened(
    present: Pipeline, folder: Path, cell: Cell, progress: Progress | None
) -> Iterator[Pipeline]:
    """Open a cell over the sources of the present pipeline, in an index that cells may share."""
    kept_apart = [cell.making[name] for name in ("passage_tokens", "overlap_sentences", "encoder")]
    key = hashlib.sha256(json.dumps(kept_apart).encode()).hexdigest()[:8]
    settings = cell.settings.model_copy(
        update={
            "seeds_dir": folder / "none",
            "index_dir": folder / "indexes" / key,
            "store": SecretStr(""),
        }
    )
    wanted = {one.source_id: one.sha256 for one in present.sources()}
    rag = _Varied.open(settings, sync=False)
    whole = {one.source_id: one.sha256 for one in rag.sources()} == wanted
    if not whole:  # fresh, of other sources, or stopped while it was made
        rag.close()
        rag = _Varied.open(settings, sync=False, rebuild=True)
    with rag:
        if not whole:
            rag.add_sources(map(present.source, sorted(wanted)), progress=progress)
        rag.rank(cell.method, weights_of(cell.lexical_weight))
        yield rag


def weights_of(lexical: float) -> Weights:
    """Return weights of which words have this part, and vectors the rest, in their usual proportions.

    Args:
        lexical: 0..1.
    """
    words, vectors = lexical / _LEXICAL, (1 - lexical) / (1 - _LEXICAL)
    return Weights(
        sentence_dense=vectors * _WEIGHTS.sentence_dense,
        sentence_lexical=words * _WEIGHTS.sentence_lexical,
        passage_dense=vectors * _WEIGHTS.passage_dense,
        passage_lexical=words * _WEIGHTS.passage_lexical,
    )
