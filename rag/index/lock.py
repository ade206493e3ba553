"""One writer at a time: a lock that the system takes back when its holder dies, however it dies.

POSIX's `flock` where there is one. Elsewhere the lock of filelock: on Windows one of the system's too, on what has
neither a file beside the index, which names its holder and is taken over when that process is gone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rag.errors import IndexBusyError, IndexWriteError
from rag.index.files import writing

try:
    import fcntl
except ImportError:  # Windows, for one
    _FLOCK = False
else:
    _FLOCK = True

LockKind = Literal["flock", "Windows", "lock file", "none"]
"""What a disk and a system offer; "none" keeps an index from being written."""

_PAUSE = 0.05
"""Seconds between two tries."""
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HELD = ".held"
"""Behind the lock file's name: what filelock locks, since on Windows nobody could read the holder in it."""


@contextmanager
def exclusive(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock, against other processes and other threads of this one.

    Args:
        path: the lock file; made if missing and never removed, since removing it would let two in.
        wait: seconds to wait for another holder.

    Raises:
        IndexBusyError: another holder did not let go in time; names its process.
        IndexWriteError: the file cannot be made, or the disk supports no locks.
    """
    with writing(path):
        descriptor = os.open(path, _FLAGS, 0o600)
    held = _flocked if _FLOCK else _marked
    try:
        with held(descriptor, path, wait):
            holder = str(os.getpid()).encode()
            with writing(path, needed=len(holder)):
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, holder)
            yield
    finally:
        os.close(descriptor)


def lock_kind(folder: Path) -> LockKind:
    """Try which lock works in a folder, with a file of a moment."""
    with tempfile.TemporaryDirectory(prefix=".lock-", dir=folder) as trial:
        try:
            with exclusive(Path(trial) / "trial"):
                pass
        except IndexWriteError:
            return "none"
    if _FLOCK:
        return "flock"
    return "Windows" if sys.platform == "win32" else "lock file"


@contextmanager
def _flocked(descriptor: int, path: Path, wait: float) -> Iterator[None]:
    """Lock an open file within the time given; closing it lets go."""
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() >= deadline:
                raise _busy(descriptor, path) from exc
            time.sleep(_PAUSE)
        except OSError as exc:
            raise _unsupported(path, exc) from exc
        else:
            break
    yield


@contextmanager
def _marked(descriptor: int, path: Path, wait: float) -> Iterator[None]:
    """Hold filelock's lock beside an open file, within the time given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no better lock, which the doctor says
        import filelock
    kind = filelock.WindowsFileLock if sys.platform == "win32" else filelock.SoftFileLock
    lock = kind(path.with_name(path.name + _HELD), mode=0o600)
    try:
        lock.acquire(timeout=wait, poll_interval=_PAUSE)
    except filelock.Timeout as exc:
        raise _busy(descriptor, path) from exc
    except (OSError, NotImplementedError) as exc:
        raise _unsupported(path, exc) from exc
    try:
        yield
    finally:
        lock.release()


def _busy(descriptor: int, path: Path) -> IndexBusyError:
    os.lseek(descriptor, 0, os.SEEK_SET)
    holder = os.read(descriptor, 32).decode("ascii", "replace") or "unknown"
    return IndexBusyError(
        f"Another process (pid {holder}) is writing to the index in"
        f" {str(path.parent)!r}. Wait until it has finished, or end it, and try again."
    )


def _unsupported(path: Path, exc: Exception) -> IndexWriteError:
    detail = getattr(exc, "strerror", None) or str(exc)
    return IndexWriteError(
        f"The index in {str(path.parent)!r} cannot be locked for writing ({detail}), as on some network"
        " drives. Put it on a disk of this machine with --index or RAG_INDEX_DIR; the documents may stay."
    )
