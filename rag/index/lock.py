"""One writer at a time: a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import IndexBusyError
from rag.index.files import writing

_PAUSE = 0.05
"""Seconds between two tries."""


@contextmanager
def exclusive(path: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock, against other processes and other threads of this one.

    Args:
        path: the lock file; made if missing and never removed, since removing it would let two in.
        wait: seconds to wait for another holder.

    Raises:
        IndexBusyError: another holder did not let go in time; names its process.
        IndexWriteError: the file cannot be made.
    """
    with writing(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, path, wait)
        holder = str(os.getpid()).encode()
        with writing(path, needed=len(holder)):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder, 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait: float) -> None:
    """Lock an open file within the time given."""
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace") or "unknown"
                raise IndexBusyError(
                    f"Another process (pid {holder}) is writing to the index in"
                    f" {str(path.parent)!r}. Wait until it has finished, or end it, and try again."
                ) from exc
            time.sleep(_PAUSE)
        else:
            return
