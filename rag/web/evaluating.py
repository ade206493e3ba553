"""A set of questions is asked in a thread of its own, over the sources as they are, and can be stopped.

Knows nothing of the page. What is measured, and how, is decided in `rag.evaluation`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.errors import ArgumentError, DatasetError
from rag.evaluation import run_evaluation
from rag.evaluation.report import EvaluationReport
from rag.schema import Answer, ScoredPassage, Source, SourceInfo, Turn
from rag.web.streaming import Tell, told

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag.web.opening import Answering, Opening

SetName: TypeAlias = Literal["article", "own", "feedback"]

ARTICLE = Path("eval/data/article.jsonl")
"""The project's own questions, where the program runs in the project's folder."""

REPORTS: Mapping[str, str] = {
    "report.html": "text/html",
    "report.md": "text/markdown",
    "report.json": "application/json",
}
"""Files of a run that hold all of its report, and their media types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How far a run is."""

    done: int
    total: int


class Evaluating:
    """Asks question sets.

    Args:
        opening: hands out the pipeline once it is open.
        settings: recorded with a run; runs and feedback are kept below its index folder.
        refusal: why nothing can be run; '' where it can.
    """

    def __init__(self, opening: Opening, settings: Settings, *, refusal: str = "") -> None:
        self._opening = opening
        self._refusal = refusal
        self._settings = settings
        self._runs = runs_folder(settings)
        self._feedback = feedback_file(settings)

    def sets(self) -> tuple[SetName, ...]:
        """Return which question sets there are."""
        there: Mapping[SetName, bool] = {
            "article": ARTICLE.is_file(),
            "own": True,
            "feedback": self._feedback.is_file(),
        }
        return tuple(name for name, is_there in there.items() if is_there)

    async def run(
        self, name: SetName, *, text: str, limit: int | None, model: str | None
    ) -> AsyncGenerator[Asked | EvaluationReport]:
        """Yield how far it is after each question, then the report.

        Args:
            name: of the question set.
            text: the questions, for `own`: CSV, or JSON lines.
            limit: ask only so many, spread over the set; None for all.
            model: who answers; None for whoever does unless another is chosen.

        Raises:
            RagError: the pipeline is not open, or the questions cannot be asked; says why.
        """

        def work(tell: Tell[Asked | EvaluationReport]) -> None:
            if self._refusal:
                raise ArgumentError(self._refusal)
            with self._questions(name, text) as path:
                made = run_evaluation(
                    _Asking(rag=self._opening.wait(), model=model, settings=self._settings),
                    path,
                    out=self._runs / _run_name(path),
                    limit=limit,
                    progress=lambda _, done, total: tell(Asked(done=done, total=total)),
                )
            tell(made)

        async with aclosing(told(work)) as events:
            async for event in events:
                yield event

    @contextmanager
    def _questions(self, name: SetName, text: str) -> Iterator[Path]:
        """Give the file of a question set."""
        if name != "own":
            yield ARTICLE if name == "article" else self._feedback
            return
        if not text.strip():
            raise DatasetError("There are no questions yet: paste some, or open a file of them.")
        with TemporaryDirectory(prefix="footnote-") as folder:
            path = Path(folder) / f"own.{'jsonl' if text.lstrip().startswith('{') else 'csv'}"
            path.write_text(text, encoding="utf-8", errors="replace")
            try:
                yield path
            except DatasetError as exc:
                raise DatasetError(str(exc).replace(str(path), "Your questions")) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """A pipeline for which one model answers."""

    rag: Answering
    model: str | None
    settings: Settings

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        return self.rag.ask(question, history, model=self.model)

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        return self.rag.search(query, k)

    def source(self, source_id: str) -> Source:
        return self.rag.source(source_id)

    def sources(self) -> tuple[SourceInfo, ...]:
        return self.rag.sources()


def runs_folder(settings: Settings) -> Path:
    """Return where the runs are kept that were started on the page."""
    return settings.index_dir / "runs"


def feedback_file(settings: Settings) -> Path:
    """Return where what people said of answers is kept."""
    return settings.index_dir / "feedback.jsonl"


def _run_name(questions: Path) -> str:
    """Return a name that no other run has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{questions.stem}-{secrets.token_hex(2)}"
