"""The store on a PostgreSQL server: many servers that answer, one writer a collection, whoever dies."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import errors
from psycopg.types import TypeInfo
from psycopg_pool import ConnectionPool

from rag.collections import DEFAULT
from rag.errors import (
    IndexBusyError,
    IndexMismatchError,
    IndexNotFoundError,
    IndexStateError,
    IndexWriteError,
)
from rag.index.readings import Readings
from rag.index.stamps import differing
from rag.index.state import State
from rag.postgres.address import ServerAddress, is_gone
from rag.postgres.catalogue import ServerCatalogue, register
from rag.postgres.schema import LOCK, prepare
from rag.postgres.snapshot import Loaded, PostgresSnapshot
from rag.postgres.words import WordCache
from rag.postgres.writer import PostgresWriter
from rag.store import IndexStamp

if TYPE_CHECKING:
    from rag.postgres.catalogue import Connection

EXACT_UP_TO = 5_000
"""Passages up to which all are compared."""
EF_SEARCH = 200
"""Candidates that a search of the graph keeps; eval/benchmarks/postgres_store.py finds what recall that gives."""

_MOST = 32
"""Connections of one process to one collection at once: each question that is being answered has one."""
_WAIT = 15.0
"""Seconds to wait for a connection, such as while the server starts."""
_TRIES = 3
_PAUSE = 0.05
"""Seconds between two tries to be the writer."""
_PATIENCE = "5s"
"""How long a change of a whole collection waits for questions that are being answered."""
_GRACE = 0.5
"""Seconds until the server has noticed that a writer is dead, and lets go of its lock."""


class PostgresStore(Readings):
    """A collection on a PostgreSQL server, open; safe to share between threads.

    Args:
        address: of the database.
        name: of the collection; "" for the default one.
        number: of the collection.
        stamp: what it was built with.
        cache: folder for words, beside the server that answers.
        exact_up_to: passages up to which vector search compares all.
        clock: says how many seconds it is since 1970.
    """

    def __init__(
        self,
        address: ServerAddress,
        name: str,
        number: int,
        stamp: IndexStamp,
        *,
        cache: Path,
        exact_up_to: int,
        clock: Callable[[], float],
    ) -> None:
        self.address = address
        self.name = name
        self.stamp = stamp
        self._number = number
        self._exact_up_to = exact_up_to
        self._clock = clock
        self._cache = WordCache(cache)
        self._loaded: Loaded | None = None
        self._load_lock = threading.Lock()
        self._closed = False
        self._pool = ConnectionPool(
            address.conninfo,
            min_size=0,
            max_size=_MOST,
            timeout=_WAIT,
            reconnect_timeout=_WAIT,
            max_idle=300.0,
            kwargs={"autocommit": True, "prepare_threshold": 1},
            configure=partial(_configure, number=number),
            open=True,
            name=f"footnote-{number}",
        )

    @classmethod
    def open(
        cls,
        url: str,
        name: str,
        stamp: IndexStamp,
        *,
        cache: Path,
        create: bool = True,
        exact_up_to: int = EXACT_UP_TO,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a collection.

        Args:
            url: of the database, postgresql://...
            name: of the collection; "" for the default one.
            stamp: what new passages will be made with, and old ones must have been made with.
            cache: folder for words, beside the server that answers.
            create: False refuses to make it where it is not there.
            exact_up_to: passages up to which vector search compares all.
            clock: says how many seconds it is since 1970.

        Raises:
            SettingsError: the URL is none.
            IndexNotFoundError: there is no such collection and none may be made.
            IndexMismatchError: it was built with another encoder or other settings.
            IndexFormatError: the tables were made by another version of this program.
            IndexWriteError: it may not be made.
            IndexUnreachableError: the server cannot be reached.
        """
        address, name = ServerAddress(url), name or DEFAULT
        prepare(address, create=create)
        with address.translated(), psycopg.connect(address.conninfo, autocommit=True) as db:
            number = _found(db, name)
            if number is None:
                if not create:
                    raise IndexNotFoundError(
                        f"There is no collection {name!r} in {str(address)!r} yet. Make one with `rag sync`."
                    )
                number = _one(db, "SELECT footnote.claim(%s, %s)", [name, State().to_json()])
        store = cls(address, name, number, stamp, cache=cache, exact_up_to=exact_up_to, clock=clock)
        try:
            store._claim()
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections. Using the store again is an error."""
        self._closed = True
        self._loaded = None
        self._pool.close()

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        """Return one state to search and to read from, for one thread; the same until the block ends.

        Raises:
            IndexUnreachableError: the server cannot be reached.
            IndexMismatchError: it has been built anew with another encoder or other settings.
        """
        with self._state() as (catalogue, stored):
            with self.address.translated():
                loaded = self._current(catalogue, stored)
            yield PostgresSnapshot(catalogue, loaded, self.stamp, address=self.address)

    @contextmanager
    def writer(self, *, wait: float = 0.0) -> Iterator[PostgresWriter]:
        """Return the one writer; what it did is committed at the end, and undone on an exception.

        Args:
            wait: seconds to wait for another writer.

        Raises:
            IndexBusyError: another is writing; names its process.
            IndexWriteError: no space or no permission.
            IndexUnreachableError: the server cannot be reached.
        """
        self._check_open()
        with self.address.translated():
            db = psycopg.connect(self.address.conninfo, autocommit=True, prepare_threshold=1)
        try:
            with self.address.translated():
                db.execute("SELECT set_config('application_name', %s, false)", [_me()])
                _configure(db, number=self._number)
                self._lock(db, wait)
                catalogue = ServerCatalogue(db, self._number)
                self._compare(catalogue.stamp())
            writer = PostgresWriter(
                catalogue,
                self.stamp,
                address=self.address,
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
            with suppress(psycopg.Error):
                db.execute("SELECT pg_advisory_unlock_all()")
            db.close()

    def faults(self) -> tuple[str, ...]:
        """Read everything there is and return what is wrong with it, one sentence each."""
        with self._reading() as catalogue:
            return tuple(catalogue.faults())

    def statistics(self) -> dict[str, object]:
        """Return numbers of sources, passages and sentences, bytes, kinds and settings."""
        with self.snapshot() as snapshot:
            return {**snapshot.statistics(), "store": str(self.address)}

    @contextmanager
    def _reading(self) -> Iterator[ServerCatalogue]:
        """Return a catalogue in a transaction of its own."""
        with self._state() as (catalogue, _), self.address.translated():
            yield catalogue

    @contextmanager
    def _state(self) -> Iterator[tuple[ServerCatalogue, str]]:
        """Begin a transaction on a connection that nobody else uses; return it with the state that it sees."""
        self._check_open()
        catalogue, stored = self._begun()
        try:
            yield catalogue, stored
        finally:
            with suppress(psycopg.Error):
                catalogue.rollback()
            self._pool.putconn(catalogue.db)

    def _begun(self) -> tuple[ServerCatalogue, str]:
        """Return a catalogue in a transaction, and its state; a connection that the server has cut is replaced."""
        for _ in range(_MOST + _TRIES):
            with self.address.translated():
                db = self._pool.getconn()
            try:
                with self.address.translated():
                    return self._read_state(db)
            except IndexStateError as exc:
                with suppress(psycopg.Error):
                    db.rollback()
                self._pool.putconn(db)
                if exc.__cause__ is None or not is_gone(exc.__cause__) or not db.closed:
                    raise
        raise AssertionError("the pool gives a new connection before the tries are over")

    def _read_state(self, db: Connection) -> tuple[ServerCatalogue, str]:
        catalogue = ServerCatalogue(db, self._number)
        with db.pipeline():
            catalogue.begin()
            cursor = catalogue.select_state()
        return catalogue, catalogue.state_of(cursor)

    def _current(self, catalogue: ServerCatalogue, stored: str) -> Loaded:
        """Return what is known of the state that a transaction sees."""
        loaded = self._loaded
        if loaded and loaded.stored == stored:
            return loaded
        with self._load_lock:
            before = self._loaded
            if before and before.stored == stored:
                return before
            self._compare(catalogue.stamp())
            state = State.from_json(json.loads(stored)["state"])
            if before and before.state.parts == state.parts:
                words = before.words
            else:
                words = self._cache.load(catalogue, state.parts, state.passages)
            fresh = Loaded(
                stored=stored,
                state=state,
                words=words,
                sources=catalogue.sources(),
                numbers=catalogue.numbers(),
                coverage=catalogue.coverage(),
                nearest=json.loads(stored)["nearest"],
            )
            if before is None or state.generation >= before.state.generation:
                self._loaded = fresh
            return fresh

    def _claim(self) -> None:
        """Note what an empty collection will be built with, and refuse one that was built with something else."""
        with self._reading() as catalogue:
            found = catalogue.stamp()
            if found is None:
                catalogue.rollback()  # so as to see whether another was first
                catalogue.claim_stamp(self.stamp)
                found = catalogue.stamp()
        self._compare(found)

    def _compare(self, found: IndexStamp | None) -> None:
        """Refuse a collection that was built with something else."""
        place = f"collection {self.name!r} in {str(self.address)!r}"
        if found is None:
            raise IndexMismatchError(f"The {place} has been emptied meanwhile. Open it again.")
        if changes := differing(wanted=self.stamp, found=found):
            raise IndexMismatchError(
                f"The {place} was built with {changes}. Either set this back, or build the index anew with"
                " `rag sync --rebuild`."
            )

    def _lock(self, db: Connection, wait: float) -> None:
        """Become the one writer of the collection."""
        deadline = time.monotonic() + max(wait, _GRACE)
        query = "SELECT pg_try_advisory_lock(%s, %s)"
        while not _one(db, query, [LOCK, self._number]):
            if time.monotonic() >= deadline:
                raise IndexBusyError(
                    f"Another process ({self._holder(db)}) is writing to the collection {self.name!r} in"
                    f" {str(self.address)!r}. Wait until it has finished, or end it, and try again."
                )
            time.sleep(_PAUSE)

    def _holder(self, db: Connection) -> str:
        """Return who writes."""
        query = (
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid = %s AND l.granted"
        )
        return str(_one(db, query, [LOCK, self._number]) or "unknown")

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("this store is closed")


def empty_collection(url: str, name: str) -> None:
    """Empty a collection, whatever it was built with; what was added or removed by hand is kept.

    Raises:
        IndexBusyError: another process is writing.
        IndexWriteError: no permission.
        IndexUnreachableError: the server cannot be reached.
    """
    _change(url, name or DEFAULT, "SELECT footnote.empty(%s, %s)", empties=True)


def remove_collection(url: str, name: str) -> None:
    """Remove a collection with all that was made from its documents, if there is one.

    Raises:
        IndexBusyError: another process is writing.
        IndexWriteError: no permission.
        IndexUnreachableError: the server cannot be reached.
    """
    _change(url, name, "SELECT footnote.remove(%s)", [name])


def rename_collection(url: str, old: str, new: str) -> None:
    """Give a collection another name, if there is one of the old.

    Raises:
        IndexBusyError: another process is writing.
        IndexWriteError: no permission.
        IndexUnreachableError: the server cannot be reached.
    """
    _change(url, old, "SELECT footnote.rename(%s, %s)", [old, new])


def _change(
    url: str, name: str, query: str, given: list[object] | None = None, *, empties: bool = False
) -> None:
    """Change a whole collection, if it is there and nobody writes to it."""
    address = ServerAddress(url)
    try:
        prepare(address, create=False)
    except IndexNotFoundError:
        return
    with address.translated(), psycopg.connect(address.conninfo, autocommit=True) as db:
        number = _found(db, name)
        if number is None:
            return
        # Whoever asks meanwhile waits behind a change that waits.
        _one(db, "SELECT set_config('lock_timeout', %s, false)", [_PATIENCE])
        if not _one(db, "SELECT pg_try_advisory_lock(%s, %s)", [LOCK, number]):
            raise IndexBusyError(
                f"Another process is writing to the collection {name!r} in {str(address)!r}. Wait until it has"
                " finished, or end it, and try again."
            )
        _one(db, "SELECT set_config('footnote.collection', %s, false)", [str(number)])
        if empties:
            state = State.from_json(
                _one(db, "SELECT state FROM footnote.collections WHERE id = %s", [number])
            )
            given = [number, State(generation=state.generation + 1).to_json()]
        _one(db, query, given or [])


def _configure(db: Connection, *, number: int) -> None:
    """Have a connection see one collection only, and search it as is wanted."""
    wanted = {
        "footnote.collection": str(number),
        "search_path": "footnote, public",
        "hnsw.ef_search": str(EF_SEARCH),
        "hnsw.iterative_scan": "relaxed_order",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
    }
    # The library of vectors is loaded before its settings are made.
    info = TypeInfo.fetch(db, "public.halfvec")
    if info is None:
        raise errors.UndefinedFunction("the extension vector is not there")
    info.register(db)
    register(db, info.oid)
    db.execute("SELECT '[1]'::public.halfvec")
    marks = ", ".join(["set_config(%s, %s, false)"] * len(wanted))
    db.execute(f"SELECT {marks}", [one for pair in wanted.items() for one in pair])


def _found(db: psycopg.Connection[Any], name: str) -> int | None:
    """Return the number of a collection; None where there is none that may be seen."""
    try:
        found = _one(db, "SELECT footnote.find(%s)", [name])
    except errors.InsufficientPrivilege as exc:
        raise IndexWriteError(
            "This role may see nothing of the store. Let its owner allow it: see docs/postgres.md."
        ) from exc
    return None if found is None else int(found)


def _one(db: psycopg.Connection[Any], query: str, given: list[object]) -> Any:  # noqa: ANN401  (whatever it returns)
    row = db.execute(query, given).fetchone()
    return row[0] if row else None


def _me() -> str:
    """Return what the server is told of this process, so that others can be told who writes."""
    return f"pid {os.getpid()} on {socket.gethostname()}"[:63]
