"""The embedded store: one folder, many readers, one writer at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from rag.errors import (
    IndexBusyError,
    IndexCorruptError,
    IndexFormatError,
    IndexMismatchError,
    IndexNotFoundError,
    IndexStateError,
    IndexWriteError,
)
from rag.index import database
from rag.index.catalogue import Catalogue
from rag.index.database import translated
from rag.index.files import DamagedFileError, Layout, read_checked, writing
from rag.index.lock import exclusive
from rag.index.readings import Readings
from rag.index.search import Structures, load
from rag.index.snapshot import EmbeddedSnapshot
from rag.index.stamps import differing
from rag.index.upgrade import is_of_older_format, upgrade
from rag.index.vectors import EXACT_UP_TO
from rag.index.writer import Writer, remove
from rag.store import IndexStamp

_CREATING = 10.0
"""Seconds to wait for another process that is making the same index, or noting what it is built with."""
_IDLE = 8
"""Connections that are kept open for the next questions."""
_TRIES = 5


class Index(Readings):
    """An index folder, open; safe to share between threads.

    Snapshot needs no lock and no permission to write. A folder is trusted as much as a program: do not open
    one from a stranger.

    Args:
        layout: of a folder that has a database.
        stamp: what it was built with.
        exact_up_to: passages up to which vector search compares all.
        clock: says how many seconds it is since 1970.
    """

    def __init__(
        self,
        layout: Layout,
        stamp: IndexStamp,
        *,
        exact_up_to: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.layout = layout
        self.stamp = stamp
        self._exact_up_to = exact_up_to
        self._clock = clock
        self._idle: list[Catalogue] = []
        self._in_use = 0
        self._closed = False
        self._pool_lock = threading.Lock()
        self._load_lock = threading.Lock()
        self._loaded: Structures | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        stamp: IndexStamp,
        *,
        create: bool = True,
        exact_up_to: int = EXACT_UP_TO,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the index in a folder.

        Args:
            folder: made if missing.
            stamp: what new passages will be made with, and old ones must have been made with.
            create: False refuses to make an index where there is none.
            exact_up_to: passages up to which vector search compares all.
            clock: says how many seconds it is since 1970.

        Raises:
            IndexNotFoundError: there is none and none may be made.
            IndexMismatchError: it was built with another encoder or other settings.
            IndexFormatError: it was written by another version of this program.
            IndexCorruptError: it is damaged.
            IndexWriteError: it cannot be made or opened.
        """
        layout = Layout(folder=Path(folder))
        with writing(layout.database):
            there = layout.database.exists()
        if not there:
            if not create:
                raise IndexNotFoundError(
                    f"There is no index in {str(folder)!r} yet. Make one with `rag sync`."
                )
            _create(layout)
        layout.close_to_others()
        found = _current_stamp(layout)
        if found is None:
            found = _claim(layout, stamp)
        _compare(layout, wanted=stamp, found=found)
        return cls(layout, stamp, exact_up_to=exact_up_to, clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all files. Using the index again is an error."""
        with self._pool_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        self._loaded = None
        for catalogue in idle:
            catalogue.close()

    @contextmanager
    def snapshot(self) -> Iterator[EmbeddedSnapshot]:
        """Return one state to search and to read from, for one thread; the same until the block ends.

        Search files that are missing, stale or damaged are written anew, or built in memory where nothing
        may be written or another process is writing.

        Raises:
            IndexCorruptError: the database is damaged.
            IndexMismatchError: it has been built anew with another encoder or other settings.
        """
        with self._connection() as catalogue:
            snapshot = EmbeddedSnapshot(catalogue, self._current(catalogue), self.stamp)
            try:
                yield snapshot
            finally:
                better = snapshot.repaired
                if better and self._loaded and self._loaded.stored == better.stored:
                    self._loaded = better
        if better:
            with suppress(IndexBusyError, IndexWriteError), self.writer() as writer:
                writer.mend()

    @contextmanager
    def writer(self, *, wait: float = 0.0) -> Iterator[Writer]:
        """Return the one writer; what it did is committed at the end, and undone on an exception.

        Args:
            wait: seconds to wait for another writer.

        Raises:
            IndexBusyError: another is writing; names its process.
            IndexWriteError: no space or no permission.
        """
        with exclusive(self.layout.lock, wait=wait):
            catalogue = Catalogue(self.layout.database, writable=True)
            try:
                with translated(self.layout.database):
                    _compare(self.layout, wanted=self.stamp, found=catalogue.stamp())
                writer = Writer(
                    catalogue,
                    self.layout,
                    self.stamp,
                    exact_up_to=self._exact_up_to,
                    clock=self._clock,
                )
                try:
                    yield writer
                    writer.finish()
                except BaseException:
                    # What went wrong first is what a person should hear about.
                    with suppress(IndexStateError):
                        writer.abandon()
                    raise
            finally:
                catalogue.close()

    def faults(self) -> tuple[str, ...]:
        """Read everything there is and return what is wrong with it, one sentence each."""
        with self._reading() as catalogue:
            state = catalogue.state()
            found = list(catalogue.faults(self.stamp.dimension))
        for wanted in state.records():
            try:
                read_checked(self.layout.folder / wanted.name, wanted)
            except DamagedFileError as exc:
                found.append(f"{exc}; it is built anew when it is needed.")
        return tuple(found)

    @contextmanager
    def _reading(self) -> Iterator[Catalogue]:
        """Return a connection in a transaction of its own."""
        with self._connection() as catalogue, translated(self.layout.database):
            catalogue.begin()
            yield catalogue

    @contextmanager
    def _connection(self) -> Iterator[Catalogue]:
        """Return a connection that nobody else uses; its transaction ends with the block."""
        with self._pool_lock:
            if self._closed:
                raise ValueError("this index is closed")
            catalogue = self._idle.pop() if self._idle else None
            self._in_use += 1
        try:
            catalogue = catalogue or Catalogue(self.layout.database)
            yield catalogue
        finally:
            self._give_back(catalogue)

    def _give_back(self, catalogue: Catalogue | None) -> None:
        """End a connection's transaction and keep it for the next question."""
        if catalogue:
            with suppress(IndexStateError), translated(self.layout.database):
                catalogue.rollback()
                if self._in_use == 1 and self._log_is_left():
                    catalogue.purge()
        with self._pool_lock:
            self._in_use -= 1
            keep = not self._closed and len(self._idle) < _IDLE
            # A frozen one sees no later state.
            if catalogue and keep and not catalogue.frozen:
                self._idle.append(catalogue)
                return
        if catalogue:
            catalogue.close()

    def _log_is_left(self) -> bool:
        """Whether a commit could not cut off its log of changes while someone was reading."""
        log = f"{self.layout.database}-wal"
        with suppress(OSError):
            return os.stat(log).st_size > 0  # noqa: PTH116  (half the time of Path.stat, at each question)
        return False

    def _current(self, catalogue: Catalogue) -> Structures:
        """Begin a transaction and return the structures of the state it sees."""
        for tries_left in reversed(range(_TRIES)):
            with translated(self.layout.database):
                catalogue.begin()
                loaded, stored = self._loaded, catalogue.state_json()
                if loaded and loaded.stored == stored:
                    return loaded
                with self._load_lock:
                    found = self._refreshed(catalogue, stored, patient=tries_left > 0)
                if found:
                    return found
                catalogue.rollback()
        raise AssertionError("the last try builds in memory")

    def _refreshed(self, catalogue: Catalogue, stored: str, *, patient: bool) -> Structures | None:
        """Return structures that fit a stored state; None if it is worth looking for a newer one."""
        before = self._loaded
        if before and before.stored == stored:
            return before
        _compare(self.layout, wanted=self.stamp, found=catalogue.stamp())
        try:
            fresh = load(catalogue, self.layout, dimension=self.stamp.dimension, before=before)
        except DamagedFileError:
            if patient and self._moved_on(catalogue, stored):
                return None
            fresh = load(
                catalogue,
                self.layout,
                dimension=self.stamp.dimension,
                before=before,
                trust_files=False,
            )
        if before is None or fresh.state.generation >= before.state.generation:
            self._loaded = fresh
        return fresh

    def _moved_on(self, catalogue: Catalogue, stored: str) -> bool:
        """See that another state has come, or mend the search files; False if this state has to do."""
        catalogue.rollback()
        catalogue.begin()
        if catalogue.state_json() == stored:
            catalogue.rollback()
            with suppress(IndexBusyError, IndexWriteError), self.writer() as writer:
                writer.mend()
            catalogue.begin()
        return catalogue.state_json() != stored


def discard(folder: Path) -> None:
    """Empty the index in a folder, whatever it was built with; what was added or removed by hand is kept.

    A database that cannot be read is removed, and then nothing is kept.

    Raises:
        IndexBusyError: another process is writing.
        IndexWriteError: no permission.
    """
    layout = Layout(folder=Path(folder))
    if not layout.database.exists():
        return
    with exclusive(layout.lock):
        try:
            with translated(layout.database):
                catalogue = Catalogue(layout.database, writable=True)
                try:
                    catalogue.clear()
                    catalogue.purge(wait=1.0)
                finally:
                    catalogue.close()
        except (IndexCorruptError, IndexFormatError):
            for ending in ("", "-wal", "-shm"):
                remove(Path(f"{layout.database}{ending}"))
        for path in layout.search_files():
            remove(path)


def _create(layout: Layout) -> None:
    with writing(layout.folder):
        layout.make()
    with exclusive(layout.lock, wait=_CREATING):
        if not layout.database.exists():
            database.create(layout.database)


def _current_stamp(layout: Layout) -> IndexStamp | None:
    """Return what an index was built with; one of an older format is upgraded first."""
    try:
        return _stamp(layout)
    except IndexFormatError:
        if is_of_older_format(layout.database):
            with exclusive(layout.lock, wait=_CREATING):
                upgrade(layout.database)
    return _stamp(layout)  # another process may have upgraded it meanwhile


def _stamp(layout: Layout) -> IndexStamp | None:
    catalogue = Catalogue(layout.database)
    try:
        with translated(layout.database):
            catalogue.state()
            return catalogue.stamp()
    finally:
        catalogue.close()


def _claim(layout: Layout, stamp: IndexStamp) -> IndexStamp:
    """Note what an empty index will be built with, unless another process was first."""
    with exclusive(layout.lock, wait=_CREATING), translated(layout.database):
        catalogue = Catalogue(layout.database, writable=True)
        try:
            found = catalogue.stamp()
            if found is None:
                catalogue.set_stamp(stamp)
            return found or stamp
        finally:
            catalogue.close()


def _compare(layout: Layout, *, wanted: IndexStamp, found: IndexStamp | None) -> None:
    """Refuse an index that was built with something else."""
    if found == wanted:
        return
    if found is None:
        raise IndexMismatchError(
            f"The index in {str(layout.folder)!r} has been emptied meanwhile. Open it again."
        )
    changes = differing(wanted=wanted, found=found)
    raise IndexMismatchError(
        f"The index in {str(layout.folder)!r} was built with {changes}. Either set this back,"
        " or build the index anew with `rag sync --rebuild`."
    )
