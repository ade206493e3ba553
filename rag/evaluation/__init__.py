"""How good the answers are, measured offline: a question set and a pipeline in, figures out.

dataset ─▶ run ─▶ outcomes ─▶ report
           measures, intervals: the definitions
           benchmarks: public collections by path
           audit: what a shipped question set promises
"""

from __future__ import annotations

import time
from pathlib import Path

from rag.errors import DatasetError
from rag.evaluation.dataset import Example, load_dataset, locate_quotes, select, validate
from rag.evaluation.report import EvaluationReport, report_of
from rag.evaluation.run import Pipeline, Progress, evaluate
from rag.schema import Source

__all__ = ["EvaluationReport", "run_evaluation"]

_ARTICLE = Path("eval/data/article.jsonl")
_RUNS = Path("eval/runs")


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
        split: `dev` or `test`; None for both. Questions without a split belong to any.
        out: folder of the run, completed if it holds part of the same run; None for a fresh one
            below `eval/runs`.
        limit: ask only so many, spread over the set.
        progress: told after each question.

    Raises:
        DatasetError: the questions cannot be read, do not fit what is indexed, or the run cannot be
            written.
    """
    path = dataset_path or _ARTICLE
    if dataset_path is None and not path.exists():
        raise DatasetError(
            f"There is no {path} below {Path.cwd()}. Run this in the project's folder, or name a"
            " file of questions with --dataset."
        )
    examples = _grounded(rag, select(load_dataset(path), split=split, limit=limit))
    name = "-".join(filter(None, [time.strftime("%Y%m%d-%H%M%S"), path.stem, split]))
    settings = getattr(rag, "settings", None)
    run = evaluate(
        rag,
        examples,
        out_dir=out or _RUNS / name,
        settings=settings.model_dump(mode="json") if settings is not None else {},
        progress=progress,
    )
    report = report_of(run)
    report.write(run.folder)
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
