"""The lock of the one writer, where the system has flock, where it has none, and where the disk refuses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rag.errors import IndexBusyError, IndexWriteError
from rag.index import lock
from rag.index.lock import exclusive, lock_kind
from tests.fakes import open_rag

ROOT = Path(__file__).parent.parent
HIDING = """
import sys
class Windows:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "pwd", "grp"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Windows())
"""
"""Hides from a process what Windows does not have."""
ASKING = """
from pathlib import Path
from rag.index.lock import lock_kind
from rag.sources.worker import limits_supported
from tests.fakes import open_rag
with open_rag(Path(sys.argv[1])) as rag:
    rag.sync()
    print(rag.ask("When was the harbour bridge opened?").text)
    print(lock_kind(Path(sys.argv[1])), limits_supported())
"""
HOLDING = """
import time
from pathlib import Path
from rag.index.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=[True, False], ids=["flock", "without flock"])
def system(request, monkeypatch):
    """Both kinds of systems."""
    if request.param and not lock._FLOCK:
        pytest.skip("this system has no flock")
    monkeypatch.setattr(lock, "_FLOCK", request.param)
    return request.param


def child(code, *arguments):
    """Start a process that runs some code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.usefixtures("system")
def test_one_thread_holds_it_and_lets_go(tmp_path):
    """A second holder of this process is told who holds it; afterwards it can be held again, by any thread."""
    path = tmp_path / "index.lock"
    with exclusive(path):
        with pytest.raises(IndexBusyError, match=f"pid {os.getpid()}"), exclusive(path):
            pass
        with pytest.raises(IndexBusyError), exclusive(path, wait=0.1):
            pass
    held = []

    def hold():
        with exclusive(path):
            held.append(True)

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert [True] == held


def test_a_holder_that_was_killed_holds_nothing(system, tmp_path):
    """Another process is named as the holder, and when it dies of a signal the lock is free."""
    path = tmp_path / "index.lock"
    hidden = "import sys" if system else HIDING
    with child(hidden + HOLDING, path) as holder:
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(IndexBusyError, match=f"pid {holder.pid}"), exclusive(path):
            pass
        holder.kill()
        holder.wait()
    with exclusive(path, wait=5):
        pass


def test_everything_works_where_posix_is_missing(tmp_path):
    """Without fcntl, resource, termios, pwd and grp, as on Windows, documents are indexed and asked.

    Seen to fail with `import fcntl` at the head of the module.
    """
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The harbour bridge was opened in 1932.\n", encoding="utf-8")
    with child(HIDING + ASKING, seeds) as asked:
        out, err = asked.communicate(timeout=100)

    assert "The harbour bridge was opened in 1932. [1]\nlock file False\n" == out, err


@pytest.mark.skipif(not lock._FLOCK, reason="this system has no flock")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_disk_without_locks_is_an_error_that_says_what_to_do(number, tmp_path, monkeypatch):
    """Some network drives refuse: an IndexWriteError names another place, and what is indexed still answers."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The harbour bridge was opened in 1932.\n", encoding="utf-8")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    with open_rag(seeds) as rag:
        rag.sync()
        (seeds / "more.txt").write_text("Sheep graze.\n", encoding="utf-8")
        monkeypatch.setattr(lock.fcntl, "flock", refuse)

        with pytest.raises(IndexWriteError, match=r"RAG_INDEX_DIR") as caught:
            rag.sync()
        assert os.strerror(number) in str(caught.value)
        assert "none" == lock_kind(tmp_path)
        assert "1932" in rag.ask("When was the harbour bridge opened?").text


def test_a_trial_leaves_nothing_behind(system, tmp_path):
    """What kind of lock works is found out with a file of a moment."""
    assert ("flock" if system else "lock file") == lock_kind(tmp_path)
    assert [] == list(tmp_path.iterdir())
