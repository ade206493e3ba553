"""A pipeline that is being opened in the background, so that the page is there before it is.

Knows nothing of the web. A failed opening can be tried again: what was wrong may have been mended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Literal, Protocol, TypeAlias

from rag.errors import RagError
from rag.schema import (
    Answer,
    Candidate,
    Citation,
    Event,
    ScoredPassage,
    Source,
    SourceInfo,
    SyncReport,
    Turn,
)

log = logging.getLogger(__name__)

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is in all (0 where unknown)."""


class Answering(Protocol):
    """What the pages need of `rag.Rag`; safe to call from several threads."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of what can answer; the first does unless another is chosen."""
        ...

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        sources: Sequence[str] | None = None,
        model: str | None = None,
        top_k: int | None = None,
        strictness: float | None = None,
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer, `AnswerReady` last."""
        ...

    def ask(
        self, question: str, history: Sequence[Turn] = (), *, model: str | None = None
    ) -> Answer:
        """Return the answer: what the last event of `stream` carries."""
        ...

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        """Return the k passages that resemble a query most, best first."""
        ...

    def retrieve(
        self, query: str, k: int | None = None, *, sources: Sequence[str] | None = None
    ) -> tuple[Candidate, ...]:
        """Return the k passages that resemble a query most, with every score."""
        ...

    def source(self, source_id: str) -> Source:
        """Return one source, or raise SourceNotFoundError."""
        ...

    def check(self, citation: Citation) -> Literal["current", "changed", "removed"]:
        """Say whether the source of an old citation is still what was cited."""
        ...

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed."""
        ...

    def sync(
        self, paths: Sequence[str | Path] = (), *, progress: OnProgress | None = None
    ) -> SyncReport:
        """Index files or folders, now and at every later sync; without any, all that is known."""
        ...

    def remove(self, source_id: str) -> SyncReport:
        """Remove a source, or raise SourceNotFoundError."""
        ...

    @property
    def last_sync(self) -> SyncReport | None:
        """What the latest sync said of each file; None before any."""
        ...

    def gaps(self) -> tuple[str, ...]:
        """Return what the index lacks, a sentence each."""
        ...

    def statistics(self) -> dict[str, object]:
        """Return counts and settings of the index."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


Factory: TypeAlias = Callable[[OnProgress], Answering]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far the opening is."""

    status: Literal["starting", "ready", "failed"]
    message: str
    """A sentence for people; empty when ready."""


class Opening:
    """Opens a pipeline in a thread of its own; `wait` hands it out."""

    def __init__(self, factory: Factory, *, on_failure: Callable[[str], None] = log.error) -> None:
        self._factory = factory
        self._on_failure = on_failure
        self._lock = Lock()
        self._future: Future[Answering] | None = None
        self._stage = ""

    def start(self) -> None:
        """Begin, unless it has begun; begin anew where it has failed."""
        with self._lock:
            if self._future is not None and self.state.status != "failed":
                return
            self._future = Future()
            self._stage = ""
            # A daemon: leaving the program must not wait for models to load.
            Thread(target=self._run, args=(self._future,), name="opening", daemon=True).start()

    @property
    def state(self) -> State:
        """Tell how far the opening is, at once."""
        future = self._future
        if future is None or not future.done():
            stage = f" ({self._stage})" if self._stage else ""
            return State(status="starting", message=f"Getting ready{stage}…")
        error = future.exception()
        if error is None:
            return State(status="ready", message="")
        return State(status="failed", message=str(error))

    def wait(self, timeout: float | None = None) -> Answering:
        """Return the opened pipeline.

        Raises:
            RagError: the opening failed; the message says why.
            TimeoutError: it is still going on after `timeout` seconds.
        """
        self.start()
        assert self._future is not None
        return self._future.result(timeout)

    def close(self) -> None:
        """Close the pipeline, if it was opened."""
        future = self._future
        if future is not None and future.done() and future.exception() is None:
            future.result().close()

    def _run(self, future: Future[Answering]) -> None:
        try:
            future.set_result(self._factory(self._on_progress))
        except RagError as exc:
            future.set_exception(exc)
            self._on_failure(str(exc))
        except BaseException as exc:  # whoever waits must hear of it, whatever it was
            log.exception("The pipeline could not be opened")
            future.set_exception(
                RagError(f"The program could not start ({type(exc).__name__}); see its log.")
            )

    def _on_progress(self, stage: str, done: int, total: int) -> None:
        self._stage = f"{stage}, {done} of {total}" if total else stage
