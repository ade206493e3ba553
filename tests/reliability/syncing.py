"""Syncs in processes of their own, as many at once as wanted, and killed when wanted.

`python -m tests.reliability.syncing SEEDS STORE` is the server: it forks a child for each sync, which costs no
imports, so hundreds of kills take a minute.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FOR_EVER = 60.0
BUSY = 17
"""Exit code of a sync that found another one writing."""


class Syncs:
    """The test's side: starts the server once, and asks it for syncs."""

    def __init__(self, seeds: Path, store: str = "") -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.syncing", str(seeds), store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready\n" == self._server.stdout.readline()

    def __enter__(self) -> Syncs:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate(timeout=60)

    def run(self, n: int = 1, *, seconds: float = FOR_EVER) -> list[str]:
        """Sync in so many processes at once, each killed after so many seconds.

        Returns:
            What became of each: done, busy or killed.
        """
        self._server.stdin.write(f"{n} {seconds}\n")
        self._server.stdin.flush()
        said = self._server.stdout.readline().split()
        assert n == len(said)
        assert {"done", "busy", "killed"} >= set(said), said
        return said


def main() -> None:
    """Serve."""
    seeds, store = Path(sys.argv[1]), sys.argv[2]
    sync(seeds, store)  # all that is imported late is imported now
    print("ready", flush=True)
    for line in sys.stdin:
        n, seconds = line.split()
        children = [fork(seeds, store) for _ in range(int(n))]
        deadline = time.monotonic() + float(seconds)
        print(*[end(child, deadline) for child in children], flush=True)


def sync(seeds: Path, store: str) -> int:
    """Bring the index up to date; return the exit code."""
    from rag.errors import IndexBusyError
    from tests.fakes import open_rag

    try:
        with open_rag(seeds, store=store) as rag:
            rag.sync()
    except IndexBusyError:
        return BUSY
    return 0


def fork(seeds: Path, store: str) -> int:
    """Start a sync and return its process."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = sync(seeds, store)
        finally:
            os._exit(code)
    return child


def end(child: int, deadline: float) -> str:
    """Wait for a sync until the deadline, kill it then, and say what became of it."""
    ended = 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.0005)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else "crashed"
    return {0: "done", BUSY: "busy"}.get(os.WEXITSTATUS(status), "failed")


if __name__ == "__main__":
    main()
