"""A pipeline that is being opened in the background, so that the page is there before it is.

Knows nothing of the web. A failed opening is tried again after a while, and by whoever wants the pipeline: what was
wrong may have been mended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from rag.errors import RagError
from rag.schema import (
    Answer,
    Candidate,
    Citation,
    Depth,
    Event,
    ScoredPassage,
    Source,
    SourceInfo,
    SyncReport,
    Turn,
    Verify,
)

if TYPE_CHECKING:
    from rag.chat import ChatModel

log = logging.getLogger(__name__)

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is in all (0 where unknown)."""


STAGES: Mapping[str, str] = {
    "read": "files looked at",
    "scan": "pages of a scan read",
    "embed": "passages embedded",
}
"""What is counted in each stage of reading documents."""
PAUSES = (5.0, 15.0, 60.0)
"""Seconds before an opening that failed is tried again, the last for all after it."""


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
        verify: Verify | None = None,
        depth: Depth | None = None,
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer, `AnswerReady` last."""
        ...

    def in_collection(
        self, collection: str | Sequence[str], *, progress: OnProgress | None = None
    ) -> Answering:
        """Return the pipeline of another collection, or of several as one, with the models of this one."""
        ...

    def use(self, model: ChatModel) -> None:
        """Have a chat model answer from now on, before the others."""
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

    def picture(self, source_id: str, page: int) -> bytes:
        """Return the picture of a page that was read from an image as a JPEG file, or raise RagError."""
        ...

    def can_picture(self, source_id: str) -> bool:
        """Tell whether a source was read from images and its file is as it was, or raise SourceNotFoundError."""
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
    """Opens a pipeline in a thread of its own; `wait` hands it out.

    Args:
        factory: opens it.
        on_failure: told why it failed, each reason once as long as it stays the same.
        pauses: seconds before each new try; the last holds for all after it.
    """

    def __init__(
        self,
        factory: Factory,
        *,
        on_failure: Callable[[str], None] = log.error,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._factory = factory
        self._on_failure = on_failure
        self._pauses = pauses
        self._lock = Lock()
        self._future: Future[Answering] | None = None
        self._stage = ""
        self._n_failed = 0
        self._told = ""
        self._again: Timer | None = None
        self._is_closed = False

    def start(self) -> None:
        """Begin, unless it has begun; begin anew where it has failed."""
        with self._lock:
            if self._future is not None and self.state.status != "failed":
                return
            if self._again is not None:
                self._again.cancel()
            self._future = Future()
            self._stage = ""
            # A daemon: leaving the program must not wait for models to load.
            Thread(target=self._run, args=(self._future,), name="opening", daemon=True).start()

    def restart(self, factory: Factory) -> None:
        """Open otherwise from now on, and begin anew, unless it has been opened."""
        with self._lock:
            if self.state.status == "ready":
                return
            self._factory = factory
        self.start()

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
        """Close the pipeline, if it was opened, and try no more by itself."""
        with self._lock:
            self._is_closed = True
            if self._again is not None:
                self._again.cancel()
        future = self._future
        if future is not None and future.done() and future.exception() is None:
            future.result().close()

    def _run(self, future: Future[Answering]) -> None:
        try:
            opened = self._factory(self._on_progress)
        except RagError as exc:
            self._fail(future, exc)
        except BaseException as exc:  # whoever waits must hear of it, whatever it was
            log.exception("The pipeline could not be opened")
            said = f"The program could not start ({type(exc).__name__}); see its log."
            self._fail(future, RagError(said))
        else:
            self._told = ""
            self._n_failed = 0
            future.set_result(opened)

    def _fail(self, future: Future[Answering], error: RagError) -> None:
        """Say why, and try again later."""
        if str(error) != self._told:
            self._told = str(error)
            self._on_failure(self._told)
        pause = self._pauses[min(self._n_failed, len(self._pauses) - 1)]
        self._n_failed += 1
        future.set_exception(error)
        with self._lock:
            if not self._is_closed and self._future is future:
                self._again = Timer(pause, self.start)
                self._again.daemon = True
                self._again.start()

    def _on_progress(self, stage: str, done: int, total: int) -> None:
        far = f"{done:,} of {total:,}" if total else ""
        unit = STAGES.get(stage)
        self._stage = f"{far} {unit}" if far and unit else ", ".join(filter(None, (stage, far)))
