"""How good the answers are, measured offline: a question set and a pipeline in, figures out.

dataset ─▶ run ─▶ outcomes ─▶ report, report_html
           measures, intervals: the definitions
           comparison, gate: two runs, a run and a baseline
           grid, plots, markup: how figures are written and drawn
           draft, feedback: where a person's own questions come from
           tables: files that spreadsheets write

Public collections and sweeps of settings are for developers: `eval/benchmarks/`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DatasetError
from rag.evaluation.dataset import Example, load_dataset, locate_quotes, select_examples, validate
from rag.evaluation.report import EvaluationReport, joined, report_of
from rag.evaluation.report_html import html_report
from rag.evaluation.run import Pipeline, Run, evaluate, load_run
from rag.schema import Source

if TYPE_CHECKING:
    from rag.pipeline import Progress

__all__ = [
    "RUNS",
    "SHIPPED",
    "EvaluationReport",
    "ShippedSet",
    "html_report",
    "joined",
    "load_questions",
    "remake_reports",
    "run_evaluation",
]

_ARTICLE = Path("eval/data/article.jsonl")
RUNS = Path("eval/runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSet:
    """Questions of the project's own on documents of their own."""

    name: str
    questions: Path
    sources: Path


_FILES = ("mail", "markup", "office", "pdf", "records", "talks")
"""Below `eval/data/files`; what needs Tesseract is asked by name only."""
SHIPPED = tuple(
    ShippedSet(name=folder.name, questions=folder / "questions.jsonl", sources=folder / "sources")
    for folder in map(
        Path("eval/data").joinpath, ("everyday", "kinds", *(f"files/{x}" for x in _FILES))
    )
)
"""Asked beside those on the article where no others are named."""


def run_evaluation(
    rag: Pipeline,
    dataset_path: Path | None = None,
    *,
    split: str | None = None,
    out: Path | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Ask a question set and report; the run and its report stay in a folder.

    Args:
        rag: what is evaluated.
        dataset_path: .jsonl or .csv; None for the project's own questions on the article.
        split: see `load_questions`.
        out: folder of the run, completed if it holds part of the same run; None for a fresh one
            below `eval/runs`.
        limit: ask only so many, spread over the set.
        progress: told after each question.

    Raises:
        DatasetError: the questions cannot be read, do not fit what is indexed, or the run cannot be
            written.
    """
    name, examples = load_questions(rag, dataset_path, split=split, limit=limit)
    run = evaluate(
        rag,
        examples,
        out_dir=out or _fresh_folder(name),
        settings=settings_of(rag),
        progress=progress,
    )
    return _reported(run)


def remake_reports(folder: Path) -> EvaluationReport:
    """Rebuild the reports of a finished run in its folder.

    Raises:
        DatasetError: the folder holds no whole run, or cannot be written.
    """
    return _reported(load_run(folder))


def load_questions(
    rag: Pipeline,
    dataset_path: Path | None = None,
    *,
    split: str | None = None,
    limit: int | None = None,
) -> tuple[str, tuple[Example, ...]]:
    """Load a question set and resolve its evidence to spans of the indexed sources; return (name, examples).

    Args:
        rag: holds the sources.
        dataset_path: .jsonl or .csv; None for the project's own questions on the article.
        split: `dev`, `test`, or `all` for both; None for the development half of the project's own
            questions, on which choices are made, and for all of any others. Questions without a split
            belong to any.
        limit: only so many, spread over the set.

    Raises:
        DatasetError: the questions cannot be read, or do not fit what is indexed.
    """
    path = dataset_path or _ARTICLE
    if dataset_path is None:
        split = split or "dev"
        if not path.exists():
            raise DatasetError(
                f"There is no {path} below {Path.cwd()}. Run this in the project's folder, or name a"
                " file of questions with --dataset."
            )
    half = None if split == "all" else split
    examples = select_examples(load_dataset(path), split=half, limit=limit)
    name = path.parent.name if path.name == "questions.jsonl" else path.stem
    return "-".join(filter(None, [name, half])), _grounded(rag, examples)


def settings_of(rag: Pipeline) -> dict[str, object]:
    """Return the settings that made a pipeline, as they stand in a run; nothing where it has none."""
    settings = getattr(rag, "settings", None)
    return settings.model_dump(mode="json") if settings is not None else {}


def _fresh_folder(name: str) -> Path:
    """Create a folder for a new run under a name that is not taken."""
    begun = folder = RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    number = 1
    while True:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            folder = begun.with_name(f"{begun.name}-{number}")
        except OSError as exc:
            raise DatasetError(f"A run below {RUNS} cannot be written: {exc}.") from exc
        else:
            return folder


def _reported(run: Run) -> EvaluationReport:
    """Write the report beside the run, in each of its forms."""
    report = report_of(run)
    report.write(run.folder)
    try:
        (run.folder / "report.html").write_text(html_report(run, report), encoding="utf-8")
    except OSError as exc:
        raise DatasetError(f"The report cannot be written to {run.folder}: {exc}.") from exc
    return report


def _grounded(rag: Pipeline, examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """Find evidence that is given as words, and check evidence that is given as spans."""
    indexed = {info.source_id for info in rag.sources()}
    if any(example.quotes for example in examples):
        examples = locate_quotes(examples, map(rag.source, sorted(indexed)))
    named = {evidence.source_id for example in examples for evidence in example.evidence}
    sources: dict[str, Source] = {name: rag.source(name) for name in sorted(named & indexed)}
    validate(examples, sources)
    return examples
