"""What a worker does: takes jobs from the queue, each one file, until it is told to stop.

A job that fails is tried again, a few times; so is one of a worker that died, seen by its heartbeat. Doing a job
twice does no harm: a file that is indexed as it is costs a hash.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread

from procrastinate import App, JobContext, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job

from rag.errors import IndexBusyError, IndexStateError, RagError, SourceError
from rag.worker.asking import Indexed, enqueue
from rag.worker.queue import INDEX, QUEUE, SETTLE, Queue, connector, make_tables

log = logging.getLogger(__name__)

RETRIES = 3
"""Times that a job is tried again."""
_SETTLING = 2
"""Seconds until it is looked again whether all files are done."""
_HOURS_KEPT = 7 * 24
"""Hours for which jobs that were given up are kept."""
_LOOK = 0.5
"""Seconds between two looks whether the queue is empty."""
_GIVEN_UP = "A file was given up: %d workers died of it."
_FOUND = "A job was done when the database was away; it is tried again, for the %d. time."
_TAKEN = "A worker died; its job is tried again, for the %d. time."
_DEAD = """
FROM (
    SELECT j.id, j.attempts FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing' AND j.queue_name = %(queue)s
        AND (w.id IS NULL OR w.last_heartbeat < now() - %(seconds)s * interval '1 second')
        AND j.attempts {} %(retries)s
    FOR UPDATE OF j SKIP LOCKED
) dead
"""
_TAKE_BACK = (
    "SELECT attempts, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)" + _DEAD.format("<")
)
_LOST = """
SELECT attempts, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)
FROM (
    SELECT j.id, j.attempts FROM procrastinate_jobs j
    WHERE j.status = 'doing' AND j.queue_name = %(queue)s
        AND j.worker_id = ANY(%(mine)s::bigint[]) AND j.id <> ALL(%(doing)s::bigint[])
        AND now() - %(seconds)s * interval '1 second' > (
            SELECT max(at) FROM procrastinate_events e WHERE e.job_id = j.id AND e.type = 'started'
        )
    FOR UPDATE OF j SKIP LOCKED
) lost
"""
_GIVE_UP = "SELECT attempts, procrastinate_finish_job_v1(id, 'failed', false)" + _DEAD.format(">=")
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the database is tried again, the last for all after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How a worker works."""

    jobs: int = 1
    """Files at the same time."""
    watch: float = 0.0
    """Seconds between two looks at the documents of `collections`; 0 leaves looking to others."""
    collections: Callable[[], tuple[str, ...]] = lambda: ("",)
    """Names of those that are looked at; "" for the default one."""
    once: bool = False
    """Stop when the queue is empty."""
    heartbeat: float = 10.0
    """Seconds between two signs of life."""
    dead_after: float = 30.0
    """Seconds without one after which a worker's jobs are another's."""
    patience: int = 2
    """A job that failed for the nth time is tried again after this many seconds to the power of n + 1."""


def work(url: str, open_rag: Callable[[str], Indexed], how: Work) -> None:
    """Do jobs until a signal stops it, or the queue is empty and that is wanted.

    A database that is away is waited for.

    Args:
        url: of the database.
        open_rag: opens a collection by its name, "" for the default one, without bringing it up to date.
        how: how to work.
    """
    make_tables(url)
    with ExitStack() as stack:
        opened = stack.enter_context(_Opened(open_rag))
        if how.watch:
            stack.enter_context(_Watch(url, opened, how))
        log.info("Worker is waiting for jobs.")
        n_failed = 0
        while True:
            try:
                asyncio.run(_run(url, opened, how))
            except (ConnectorException, OSError) as exc:
                if how.once:
                    raise
                pause = _PAUSES[min(n_failed, len(_PAUSES) - 1)]
                n_failed += 1
                log.warning(
                    "The queue cannot be reached (%s); next try in %g s.", type(exc).__name__, pause
                )
                if Event().wait(pause):
                    return
            else:
                if not how.once or _is_empty(url):
                    return
                time.sleep(_LOOK)


def _is_empty(url: str) -> bool:
    with Queue(url) as queue:
        return not queue.n_left()


async def _run(url: str, opened: _Opened, how: Work) -> None:
    doing = _Doing(how.dead_after)
    app = _app(url, opened, how, doing)
    async with app.open_async(), _tended(app, how, doing):
        await app.run_worker_async(
            queues=[QUEUE],
            concurrency=how.jobs,
            wait=not how.once,
            delete_jobs="successful",
            update_heartbeat_interval=how.heartbeat,
            stalled_worker_timeout=how.dead_after,
            fetch_job_polling_interval=2.0,
        )


def _app(url: str, opened: _Opened, how: Work, doing: _Doing) -> App:
    """Return the tasks of a worker."""
    app = App(connector=connector(url, most=how.jobs + 4))
    retry = RetryStrategy(max_attempts=RETRIES, exponential_wait=how.patience)

    @app.task(name=INDEX, queue=QUEUE, retry=retry, pass_context=True)
    async def index_file(context: JobContext, collection: str, origin: str, source_id: str) -> None:
        with doing.noted(context.job):
            await asyncio.to_thread(_index, opened, collection, origin, source_id)

    @app.task(name=SETTLE, queue=QUEUE, retry=retry, pass_context=True)
    async def settle(context: JobContext, collection: str) -> None:
        with doing.noted(context.job):
            is_done = await asyncio.to_thread(_settle, url, opened, collection)
        if not is_done:
            with suppress(AlreadyEnqueued):
                lock = f"settle/{collection}"
                later = settle.configure(
                    lock=lock, queueing_lock=lock, schedule_in={"seconds": _SETTLING}
                )
                await later.defer_async(collection=collection)

    return app


def _index(opened: _Opened, collection: str, origin: str, source_id: str) -> None:
    """Index one file; what could not be reached is worth another try."""
    report = opened.rag(collection).sync_file(origin, source_id)
    for file in report.files:
        if file.fate in {"failed", "unreachable"}:
            log.warning("%s", file.message)
        if file.source_id == source_id and file.fate == "unreachable":
            raise SourceError("unreachable", file.message)
    log.info("Indexed a file: %d passages embedded in %.1f s.", report.n_embedded, report.seconds)


def _settle(url: str, opened: _Opened, collection: str) -> bool:
    """Have answers say how many files are left; once none is, do what is left. Return whether that was done."""
    rag = opened.rag(collection)
    with Queue(url) as queue:
        waiting = queue.waiting(collection)
    if not waiting:
        with suppress(IndexBusyError):
            rag.sync()
            return True
        return False
    with suppress(IndexBusyError):
        rag.note_waiting(waiting)
    return False


@asynccontextmanager
async def _tended(app: App, how: Work, doing: _Doing) -> AsyncIterator[None]:
    """Look after jobs of which nobody will say that they are done, now and again, until the block ends."""

    async def look() -> None:
        while True:
            await asyncio.sleep(how.dead_after / 3)
            await _tend(app, how.dead_after, doing)

    await _tend(app, how.dead_after, doing)
    await app.job_manager.delete_old_jobs(
        nb_hours=_HOURS_KEPT, queue=QUEUE, include_failed=True, include_cancelled=True
    )
    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


async def _tend(app: App, dead_after: float, doing: _Doing) -> None:
    """Give jobs of dead workers back to the queue, unless they were tried too often; own ones that it lost, too."""
    try:
        for query, said in ((_GIVE_UP, _GIVEN_UP), (_TAKE_BACK, _TAKEN), (_LOST, _FOUND)):
            found = await app.connector.execute_query_all_async(
                query=query,
                queue=QUEUE,
                retries=RETRIES,
                seconds=dead_after,
                mine=list(doing.workers),
                doing=doing.jobs(),
            )
            for row in found:
                log.warning(said, row["attempts"] + 1)
    except ConnectorException as exc:
        log.warning("Jobs of dead workers could not be looked for (%s).", type(exc).__name__)


class _Doing:
    """The jobs that this worker does, so that it knows those of which the database did not hear that they are done.

    Args:
        keep: seconds for which a job counts after its end.
    """

    def __init__(self, keep: float) -> None:
        self.workers: set[int] = set()
        """What the database calls this worker."""
        self._keep = keep
        self._ends: dict[int, float] = {}

    @contextmanager
    def noted(self, job: Job) -> Iterator[None]:
        """Count a job until the block ends, and a little longer."""
        assert job.id is not None, "a job that is done was in the queue"
        if job.worker_id is not None:
            self.workers.add(job.worker_id)
        self._ends[job.id] = math.inf
        try:
            yield
        finally:
            self._ends[job.id] = time.monotonic() + self._keep

    def jobs(self) -> list[int]:
        """Return the ids of those that are done now, or were a moment ago."""
        now = time.monotonic()
        self._ends = {job: end for job, end in self._ends.items() if end > now}
        return list(self._ends)


class _Opened:
    """Collections that were opened, each once."""

    def __init__(self, open_rag: Callable[[str], Indexed]) -> None:
        self._open = open_rag
        self._lock = Lock()
        self._rags: dict[str, Indexed] = {}

    def __enter__(self) -> _Opened:
        return self

    def __exit__(self, *_: object) -> None:
        for rag in self._rags.values():
            with suppress(IndexStateError):
                rag.close()

    def rag(self, collection: str) -> Indexed:
        """Return a collection."""
        with self._lock:
            if collection not in self._rags:
                self._rags[collection] = self._open(collection)
            return self._rags[collection]


class _Watch:
    """Looks at the documents now and then, in a thread of its own, and puts what has changed into the queue."""

    def __init__(self, url: str, opened: _Opened, how: Work) -> None:
        self._url = url
        self._opened = opened
        self._how = how
        self._stop = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            for collection in self._how.collections():
                try:
                    self._look(collection)
                except RagError as exc:
                    log.warning("The documents could not be looked at. %s", exc)
            self._stop.wait(self._how.watch)

    def _look(self, collection: str) -> None:
        with Queue(self._url) as queue:
            enqueue(queue, self._opened.rag(collection), collection)
