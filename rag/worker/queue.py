"""The queue of indexing jobs: procrastinate's tables in a schema of their own, beside what is indexed.

Knows nothing of how a file is indexed. A job is one file of one collection; the same file waits in the queue once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from rag.errors import IndexBusyError, IndexStateError, SettingsError

try:
    import psycopg
    from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.jobs import Job
    from psycopg.conninfo import make_conninfo
except ImportError as exc:
    raise SettingsError(
        f"Workers and their queue want packages that are not installed ({exc.name}). Install them:"
        " pip install 'footnote-rag[worker]'"
    ) from exc

SCHEMA = "footnote_jobs"
QUEUE = "index"
INDEX, SETTLE = "index_file", "settle"
"""Tasks: one file; what is left once all files are done."""
_LOCK = 1181708149
_BATCH = 500
_PAUSE = 0.5
"""Seconds between two looks at how far the workers are."""
_NOBODY = 30.0
"""Seconds without a living worker after which waiting is given up."""
_ALIVE = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"
_WAITING = """
SELECT task_name, args->>'origin' AS origin, count(*) AS n FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status IN ('todo', 'doing') AND args->>'collection' = %(collection)s
GROUP BY 1, 2
"""
_LEFT = """
SELECT count(*) AS n FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status IN ('todo', 'doing')
"""
_LOCKED = "SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock IS NOT NULL"
_FAILED = """
SELECT count(*) AS n FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status = 'failed' AND args->>'collection' = %(collection)s
"""


class Queue:
    """Puts jobs into the queue and tells how many are left; use it in a `with`.

    Args:
        url: of the database.

    Raises:
        SettingsError: the URL is none.
        IndexStateError: the server cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        make_tables(url)
        self.app = App(
            connector=SyncPsycopgConnector(conninfo=conninfo(url), min_size=0, max_size=4)
        )

    def __enter__(self) -> Self:
        self.app.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.app.close()

    def put(self, collection: str, files: Sequence[tuple[str, str]]) -> int:
        """Put a job for each file into the queue, unless it waits there already; return how many are new.

        Args:
            collection: that they are of; "" for the default one.
            files: path of the root and source_id of each.
        """
        with reached():
            waiting = {row["queueing_lock"] for row in self._rows(_LOCKED)}
            jobs = [_job(collection, origin, source_id) for origin, source_id in files]
            new = [job for job in jobs if job.queueing_lock not in waiting]
            n_new = sum(self._defer(new[at : at + _BATCH]) for at in range(0, len(new), _BATCH))
            self.settle(collection)
        return n_new

    def settle(self, collection: str) -> None:
        """Have what is left done once all files of a collection are."""
        with reached():
            self._defer([_settling(collection)])

    def waiting(self, collection: str) -> Counter[str]:
        """Return how many files are yet to be done, by the path of their root; those that are worked on count."""
        return Counter(
            {
                row["origin"]: row["n"]
                for row in self._waiting(collection)
                if row["task_name"] == INDEX
            }
        )

    def is_done(self, collection: str) -> bool:
        """Whether no job of a collection is left, the last one not either."""
        return not self._waiting(collection)

    def n_left(self) -> int:
        """Return how many jobs of all collections wait or are worked on."""
        with reached():
            [row] = self._rows(_LEFT, queue=QUEUE)
        return int(row["n"])

    def n_failed(self, collection: str) -> int:
        """Return how many jobs of a collection were given up."""
        with reached():
            [row] = self._rows(_FAILED, queue=QUEUE, collection=collection)
        return int(row["n"])

    def n_workers(self) -> int:
        """Return how many workers have said lately that they live."""
        with reached():
            [row] = self._rows(_ALIVE)
        return int(row["count"])

    def wait(
        self,
        collection: str,
        *,
        progress: Callable[[str, int, int], None] | None = None,
        patience: float = _NOBODY,
    ) -> None:
        """Wait until all jobs of a collection are done.

        Args:
            collection: of the jobs; "" for the default one.
            progress: told how many files are behind us.
            patience: seconds to wait for a worker where there is none.

        Raises:
            IndexBusyError: there is no worker.
        """
        total = 0
        seen = time.monotonic()
        while not self.is_done(collection):
            left = sum(self.waiting(collection).values())
            total = max(total, left)
            if progress is not None and total:
                progress("read", total - left, total)
            if self.n_workers():
                seen = time.monotonic()
            elif time.monotonic() - seen > patience:
                raise IndexBusyError(
                    f"{left:,} files wait in the queue, and no worker is running. Start one with `rag worker`, on any"
                    " machine that reaches the documents by the same paths."
                )
            time.sleep(_PAUSE)

    def _waiting(self, collection: str) -> list[dict[str, Any]]:
        with reached():
            return self._rows(_WAITING, queue=QUEUE, collection=collection)

    def _rows(self, query: str, **given: object) -> list[dict[str, Any]]:
        connector = self.app.connector.get_sync_connector()
        return connector.execute_query_all(query=query, **given)

    def _defer(self, jobs: list[Job]) -> int:
        """Put jobs into the queue, one by one where another has just put in one of them."""
        try:
            return len(self.app.job_manager.batch_defer_jobs(jobs))
        except AlreadyEnqueued:
            return sum(self._defer([job]) for job in jobs) if len(jobs) > 1 else 0


def connector(url: str, *, most: int) -> PsycopgConnector:
    """Return what a worker reaches the queue with."""
    return PsycopgConnector(conninfo=conninfo(url), min_size=1, max_size=most)


def conninfo(url: str) -> str:
    """Return the address of the queue in a database.

    Raises:
        SettingsError: the URL is none; the message does not repeat it, since a password may stand in it.
    """
    try:
        return make_conninfo(
            url, options=f"-c search_path={SCHEMA}", application_name="footnote worker"
        )
    except psycopg.ProgrammingError:
        raise SettingsError(
            "store (RAG_STORE): it is no URL of a database; it wants postgresql://USER@HOST:PORT/DATABASE."
        ) from None


def make_tables(url: str) -> None:
    """See that the tables of the queue are there; make them where they are not, one process at a time."""
    known = conninfo(url)
    with reached(), psycopg.connect(known, autocommit=True) as db:
        if _is_there(db):
            return
        db.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if not _is_there(db):
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            app = App(connector=SyncPsycopgConnector(conninfo=known, min_size=0, max_size=1))
            with app.open():
                app.schema_manager.apply_schema()


@contextmanager
def reached() -> Iterator[None]:
    """Translate that the database cannot be reached, or does not let us.

    Raises:
        IndexStateError: with what the server says.
    """
    try:
        yield
    except (psycopg.Error, ConnectorException) as exc:
        cause = exc.__cause__ or exc
        raise IndexStateError(
            f"The queue of indexing jobs cannot be used ({' '.join(str(cause).split())}). Check that the database of"
            " RAG_STORE runs, and that its role may use the schema footnote_jobs. What is indexed is whole."
        ) from exc


def _is_there(db: psycopg.Connection[Any]) -> bool:
    row = db.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.procrastinate_jobs"]).fetchone()
    return row is not None and row[0] is not None


def _job(collection: str, origin: str, source_id: str) -> Job:
    name = f"{collection}/{origin}/{source_id}"
    given = {"collection": collection, "origin": origin, "source_id": source_id}
    return _made(INDEX, given, lock=name)


def _settling(collection: str) -> Job:
    return _made(SETTLE, {"collection": collection}, lock=f"settle/{collection}")


def _made(task: str, given: Mapping[str, str], *, lock: str) -> Job:
    return Job(
        id=None,
        queue=QUEUE,
        lock=lock,
        queueing_lock=lock,
        task_name=task,
        task_kwargs=dict(given),
    )
