"""Jobs wait in a queue of PostgreSQL; workers do them, again where one failed or died, and not for ever."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from uuid import uuid4

import pytest

from rag.errors import IndexBusyError, SettingsError
from rag.pipeline import Rag
from rag.schema import FileReport, SyncReport
from rag.worker import Queue, Work, enqueue, sync_by_workers, work
from rag.worker.queue import conninfo
from tests.fakes import open_rag

pytestmark = pytest.mark.process

ONCE = Work(once=True, patience=0)


@pytest.fixture
def url(postgres) -> str:
    """A database with nothing in it."""
    name = f"queue_{uuid4().hex[:12]}"
    postgres.sql(f"CREATE DATABASE {name}")
    return postgres.url(name)


class Scripted:
    """A collection whose files are done as a script says.

    Args:
        fails: how often each file fails before it is done.
    """

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.tried: list[str] = []
        self.waited: list[int] = []
        self.syncs = 0
        self._lock = Lock()

    def sync_file(self, _origin: str, source_id: str) -> SyncReport:
        """Fail as often as is wanted."""
        with self._lock:
            self.tried.append(source_id)
            n_tried = self.tried.count(source_id)
        if n_tried <= self.fails:
            report = FileReport(source_id=source_id, fate="unreachable", message="It is away.")
            return SyncReport(files=(report,), n_embedded=0, seconds=0)
        return SyncReport(files=(), n_embedded=1, seconds=0)

    def note_waiting(self, n_waiting, _found=None) -> None:
        """Keep how many wait."""
        self.waited.append(sum(n_waiting.values()))

    def sync(self, *_: object, **__: object) -> SyncReport:
        """Count how often all is looked at."""
        self.syncs += 1
        return SyncReport(files=(), n_embedded=0, seconds=0)

    def close(self) -> None:
        """Hold nothing."""


def run(url: str, rag: object, how: Work = ONCE) -> None:
    """Work until the queue is empty."""
    work(url, lambda _: rag, how)


def test_a_file_waits_once_and_is_done_once(url):
    """However often somebody sees that it has changed; the closing look comes after all of them."""
    rag = Scripted()
    with Queue(url) as queue:
        assert 2 == queue.put("", [("/documents", "a.txt"), ("/documents", "b.txt")])
        assert 1 == queue.put("", [("/documents", "b.txt"), ("/documents", "c.txt")])
        assert {"/documents": 3} == queue.waiting("")
        assert {} == queue.waiting("other")
        assert not queue.is_done("")
        run(url, rag)
        assert queue.is_done("")
    assert ["a.txt", "b.txt", "c.txt"] == sorted(rag.tried)
    assert 1 == rag.syncs


def test_a_job_that_failed_is_tried_again(url):
    """A folder that was away for a moment costs no document."""
    rag = Scripted(fails=2)
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        run(url, rag)
        assert ["a.txt"] * 3 == rag.tried
        assert (True, 0) == (queue.is_done(""), queue.n_failed(""))


def test_a_job_that_always_fails_is_given_up(url):
    """After a limit; others are done, and the closing look comes all the same."""
    rag = Scripted(fails=99)
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        run(url, rag)
        assert ["a.txt"] * 4 == rag.tried
        assert (True, 1) == (queue.is_done(""), queue.n_failed(""))
    assert 1 == rag.syncs


DYING = """
import sys, time
from pathlib import Path
from rag.worker import Work, work

class Dying:
    def sync_file(self, origin, source_id):
        Path(sys.argv[2]).write_text(source_id)
        time.sleep(600)

work(sys.argv[1], lambda _: Dying(), Work(heartbeat=0.2, dead_after=1.0))
"""


@contextmanager
def dying(url: str, sign: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker that takes a job and never ends it; wait until it has."""
    process = subprocess.Popen([sys.executable, "-c", DYING, url, str(sign)])
    try:
        for _ in range(600):
            if sign.exists():
                break
            time.sleep(0.05)
        assert sign.exists()
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_job_of_a_killed_worker_is_taken_again(url, tmp_path):
    """Kill -9 in the middle of a file: another worker does it."""
    rag = Scripted()
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        with dying(url, tmp_path / "sign") as process:
            process.kill()
            process.wait()
            assert {"/documents": 1} == queue.waiting("")
            run(url, rag, Work(once=True, dead_after=1.0))
        assert queue.is_done("")
    assert ["a.txt"] == rag.tried


LOSING = """
import sys
from procrastinate.manager import JobManager
from rag.schema import SyncReport
from rag.worker import Work, work

class Quick:
    def sync_file(self, origin, source_id):
        return SyncReport(files=(), n_embedded=0, seconds=0)
    sync = note_waiting = lambda *_, **__: SyncReport(files=(), n_embedded=0, seconds=0)

async def lose(*_, **__):
    JobManager.finish_job_by_id_async = real

real, JobManager.finish_job_by_id_async = JobManager.finish_job_by_id_async, lose
work(sys.argv[1], lambda _: Quick(), Work(heartbeat=0.2, dead_after=1.0))
"""


def test_a_job_of_which_the_database_did_not_hear_is_done_again(url):
    """It was away at the end of it; the worker lives on, and would count as busy with it for ever."""
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        process = subprocess.Popen([sys.executable, "-c", LOSING, url])
        try:
            for _ in range(120):
                if queue.is_done(""):
                    break
                time.sleep(0.25)
            assert queue.is_done("")
        finally:
            process.kill()
            process.wait()


def test_a_file_that_kills_its_workers_is_given_up(url, postgres, tmp_path):
    """Else it would take one after the other."""
    rag = Scripted()
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        with dying(url, tmp_path / "sign"):
            pass
        postgres.sql(
            "UPDATE footnote_jobs.procrastinate_jobs SET attempts = 3 WHERE status = 'doing'",
            database=url.partition("?")[0].rsplit("/", 1)[1],
        )
        run(url, rag, Work(once=True, dead_after=1.0))
        assert (True, 1) == (queue.is_done(""), queue.n_failed(""))
    assert [] == rag.tried


def test_who_waits_without_a_worker_is_told(url):
    """Rather than waiting for ever."""
    with Queue(url) as queue:
        queue.put("", [("/documents", "a.txt")])
        with pytest.raises(IndexBusyError, match="Start one with `rag worker`"):
            queue.wait("", patience=0)


def test_an_address_that_is_none_is_not_repeated():
    """A password may stand in it."""
    with pytest.raises(SettingsError) as told:
        conninfo("postgresql://me:secret@[")
    assert "secret" not in str(told.value)


@pytest.fixture
def rag(tmp_path: Path) -> Iterator[Rag]:
    """Three documents that are not indexed, and the embedded store."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for n in range(3):
        (seeds / f"note-{n}.txt").write_text(f"Note {n} on cranes.", encoding="utf-8")
    with open_rag(seeds) as opened:
        yield opened


class Open:
    """The same pipeline for all, which a worker is not to close."""

    def __init__(self, rag: Rag) -> None:
        self._rag = rag

    def __getattr__(self, name: str) -> object:
        return getattr(self._rag, name)

    def close(self) -> None:
        """Leave it open."""


def test_workers_index_what_changed_and_answers_say_how_far_they_are(url, rag):
    """New, changed and gone files alike."""
    seeds = rag.settings.seeds_dir
    with Queue(url) as queue:
        enqueue(queue, rag, "")
        assert "3 documents are yet to be read" in " ".join(rag.gaps())
        run(url, Open(rag))
        assert ["note-0.txt", "note-1.txt", "note-2.txt"] == [
            one.source_id for one in rag.sources()
        ]
        assert () == rag.gaps()
        (seeds / "note-0.txt").unlink()
        (seeds / "note-1.txt").write_text("Note 1 on winches.", encoding="utf-8")
        assert ("note-1.txt",) == tuple(name for _, name in enqueue(queue, rag, "").files)
        run(url, Open(rag))
        assert ["note-1.txt", "note-2.txt"] == [one.source_id for one in rag.sources()]
        assert "winches" in rag.source("note-1.txt").text
        assert not enqueue(queue, rag, "").is_changed


def test_whoever_waits_hears_every_fate(url, rag, monkeypatch):
    """As of a sync that one does oneself."""
    seeds = rag.settings.seeds_dir
    with Queue(url) as queue:
        monkeypatch.setattr(Queue, "wait", lambda *_, **__: run(url, Open(rag)))
        assert {"added": 3} == fates(sync_by_workers(queue, rag, ""))
        (seeds / "note-0.txt").unlink()
        (seeds / "note-1.txt").write_text("Note 1 on winches.", encoding="utf-8")
        (seeds / "empty.txt").write_text("", encoding="utf-8")
        assert {"failed": 1, "removed": 1, "unchanged": 1, "updated": 1} == fates(
            sync_by_workers(queue, rag, "")
        )


def fates(report: SyncReport) -> dict[str, int]:
    """Count what became of files."""
    found = [file.fate for file in report.files]
    return {fate: found.count(fate) for fate in sorted(set(found))}
