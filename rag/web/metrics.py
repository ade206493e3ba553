"""Figures of a running server for Prometheus, and whether it can be asked at this moment.

They count and time; no question, title, name of a source or of a collection is in any of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from rag import errors
from rag.errors import RagError, SettingsError
from rag.schema import Answer, AnswerReady, Event, SyncReport, Turn
from rag.web.hardening import READY

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from prometheus_client import CollectorRegistry, Metric

    from rag.web.opening import Answering, Factory, OnProgress, Opening

METRICS = "/metrics"

_STATES = ("starting", "ready", "failed")
_STATUSES = ("answered", "likely", "partial", "unanswered", "failed", "left")
"""Of questions; `failed` are those without an answer, `left` those that nobody waited for."""
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SYNC_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)


class Metrics:
    """Counts what a pipeline does, and tells it in the text format of Prometheus.

    Args:
        registry: keeps the figures; one of its own by default.

    Raises:
        SettingsError: prometheus-client is not installed.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        try:
            import prometheus_client as prometheus
        except ModuleNotFoundError as exc:
            raise SettingsError(
                "metrics (RAG_METRICS) wants a package that is not installed: pip install 'footnote-rag[metrics]'."
            ) from exc
        self.registry = registry or prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        self.questions = prometheus.Counter(
            "footnote_questions",
            "Questions by what became of them.",
            ["status"],
            registry=self.registry,
        )
        for status in _STATUSES:
            self.questions.labels(status)
        self.asking = prometheus.Gauge(
            "footnote_questions_in_progress",
            "Questions that are being answered.",
            registry=self.registry,
        )
        self.seconds = prometheus.Histogram(
            "footnote_answer_seconds",
            "Seconds from a question to the end of its answer.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.syncs = prometheus.Histogram(
            "footnote_sync_seconds",
            "Seconds of bringing the index up to date.",
            buckets=_SYNC_SECONDS,
            registry=self.registry,
        )
        self.files = prometheus.Counter(
            "footnote_sync_files",
            "Files by what a sync made of them.",
            ["fate"],
            registry=self.registry,
        )
        self.errors = prometheus.Counter(
            "footnote_errors",
            "Failures by the kind of the error.",
            ["kind"],
            registry=self.registry,
        )

    def observed(self, factory: Factory) -> Factory:
        """Return a factory whose pipelines are counted."""

        def open_observed(progress: OnProgress) -> Answering:
            with self.counted_errors():
                opened = factory(progress)
            if opened.last_sync is not None:
                self.note_sync(opened.last_sync)
            return cast("Answering", _Observed(opened, self))

        return open_observed

    def watch(self, opening: Opening) -> None:
        """Tell the state and the sizes of a pipeline, looked at whenever the figures are read."""
        self.registry.register(_Index(opening))

    def text(self) -> tuple[bytes, str]:
        """Return all figures, and their media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def note_sync(self, report: SyncReport) -> None:
        """Count one sync."""
        self.syncs.observe(report.seconds)
        for file in report.files:
            self.files.labels(file.fate).inc()

    @contextmanager
    def counted_errors(self) -> Iterator[None]:
        """Count an error by its kind."""
        try:
            yield
        except Exception as exc:
            known = isinstance(exc, RagError) and hasattr(errors, type(exc).__name__)
            self.errors.labels(type(exc).__name__ if known else "other").inc()
            raise


class _Observed:
    """A pipeline whose answers and syncs are counted; whatever else it can, it does as before."""

    def __init__(self, rag: Answering, metrics: Metrics) -> None:
        self._rag = rag
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the pipeline has)
        return getattr(self._rag, name)

    def ask(self, question: str, history: Sequence[Turn] = (), **options: Any) -> Answer:  # noqa: ANN401
        """Return the answer: what the last event of `stream` carries."""
        events = self.stream(question, history, **options)
        return next(event.answer for event in events if isinstance(event, AnswerReady))

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        **options: Any,  # noqa: ANN401
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer, and count what became of it."""
        status, begun = "left", time.perf_counter()
        self._metrics.asking.inc()
        try:
            with self._metrics.counted_errors():
                for event in self._rag.stream(question, history, **options):
                    if isinstance(event, AnswerReady):
                        status = event.answer.status
                    yield event
        except Exception:
            status = "failed"
            raise
        finally:
            self._metrics.asking.dec()
            self._metrics.questions.labels(status).inc()
            self._metrics.seconds.observe(time.perf_counter() - begun)

    def sync(self, paths: Sequence[str | Path] = (), **options: Any) -> SyncReport:  # noqa: ANN401
        """Index files or folders, and count what became of them."""
        with self._metrics.counted_errors():
            report = self._rag.sync(paths, **options)
        self._metrics.note_sync(report)
        return report


def uncounted(rag: Answering) -> Answering:
    """Return the pipeline for questions that no person asks, such as those that are tried to be offered."""
    return rag._rag if isinstance(rag, _Observed) else rag


class _Index:
    """Collects how the pipeline is: its state, and the sizes of its index."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges; those of the index only while it can be read."""
        from prometheus_client.core import GaugeMetricFamily

        status = self._opening.state.status
        state = GaugeMetricFamily(
            "footnote_index_state", "1 for the state that the index is in.", labels=["state"]
        )
        for name in _STATES:
            state.add_metric([name], float(name == status))
        yield state
        if status != "ready":
            return
        with suppress(RagError):
            rag = self._opening.wait(0)
            known = rag.statistics()
            for name in ("sources", "passages"):
                size = GaugeMetricFamily(f"footnote_{name}", f"Number of {name} in the index.")
                size.add_metric([], float(str(known.get(name, 0))))
                yield size
            complete = GaugeMetricFamily(
                "footnote_index_complete", "1 while the index holds all documents, else 0."
            )
            complete.add_metric([], float(not rag.gaps()))
            yield complete


class Readiness:
    """Says whether questions can be asked: the pipeline is open, and its store can be read at this moment.

    One look at a time, and one a second: whoever asks often costs no more.

    Args:
        opening: hands out the pipeline.
        timeout: seconds after which a store that does not answer counts as away.
        fresh: seconds that a look holds.
    """

    def __init__(self, opening: Opening, *, timeout: float = 2.0, fresh: float = 1.0) -> None:
        self._opening = opening
        self._timeout = timeout
        self._fresh = fresh
        self._lock = Lock()
        self._looks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ready")
        self._look: Future[bool] | None = None
        self._until = 0.0

    def is_ready(self) -> bool:
        """Tell whether questions can be asked now."""
        if self._opening.state.status != "ready":
            return False
        with self._lock:
            now = time.monotonic()
            if self._look is None or (self._look.done() and now >= self._until):
                self._look = self._looks.submit(self._reads)
                self._until = now + self._fresh
            look = self._look
        with suppress(TimeoutError):
            return look.result(self._timeout)
        return False

    def close(self) -> None:
        """Look no more."""
        self._looks.shutdown(wait=False, cancel_futures=True)

    def _reads(self) -> bool:
        try:
            self._opening.wait(0).gaps()
        except Exception:  # noqa: BLE001  (whatever it is, nothing can be asked)
            return False
        return True


def add_figures(
    app: FastAPI,
    opening: Opening,
    metrics: Metrics | None,
    *,
    may_see: Callable[[Request], bool] = lambda _: True,
) -> Readiness:
    """Serve `/ready`, and `/metrics` where figures are kept, to those who may see how much there is."""
    from fastapi import Response
    from fastapi.responses import JSONResponse
    from starlette.routing import Route

    readiness = Readiness(opening)

    @app.get(READY)
    def ready() -> JSONResponse:
        can = readiness.is_ready()
        return JSONResponse({"ready": can}, status_code=200 if can else 503)

    if metrics is not None:
        metrics.watch(opening)

        def figures(request: Request) -> Response:
            if not may_see(request):
                return Response("These figures are not for you.", status_code=403)
            body, media_type = metrics.text()
            return Response(body, headers={"content-type": media_type})

        # Not by its decorator: that one would look for `Request` among the names of this module.
        app.router.routes.append(Route(METRICS, endpoint=figures))

    return readiness
