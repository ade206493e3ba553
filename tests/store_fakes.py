"""Both stores, opened in the same way: what one is tested for, the other is too."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rag.index import Index, discard
from rag.store import IndexStamp
from tests.index_fakes import STAMP, bytes_of
from tests.postgres_fakes import Server

CHILD = """
import sys, time
from pathlib import Path
from tests.index_fakes import *
kind, *where = sys.argv[1:]
if kind == "postgres":
    from rag.postgres import PostgresStore
    index = PostgresStore.open(where[0], where[1], STAMP, cache=Path(where[2]))
else:
    from rag.index import Index
    index = Index.open(Path(where[0]), STAMP)
"""
"""How a test's child process opens the store."""


class Stores(Protocol):
    """One kind of store."""

    kind: str

    def open(
        self,
        name: str = "index",
        stamp: IndexStamp = STAMP,
        *,
        clock: Callable[[], float] = ...,
        **options: Any,
    ) -> Any:
        """Open one, made if it is not there."""

    def discard(self, name: str = "index") -> None:
        """Empty one."""

    def child(self, script: str, name: str = "index") -> subprocess.Popen[str]:
        """Start another process that has it open as `index`."""

    def held(self, name: str = "index") -> bytes:
        """Return everything that it holds, as bytes."""

    def kept(self, name: str = "index") -> int:
        """Return how many vectors are put aside."""


class EmbeddedStores:
    """Folders."""

    kind = "embedded"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name="index", stamp=STAMP, *, clock=time.time, **options):
        return Index.open(self._folder / name, stamp, clock=clock, **options)

    def discard(self, name="index"):
        discard(self._folder / name)

    def child(self, script, name="index"):
        return _child(script, "embedded", self._folder / name)

    def held(self, name="index"):
        return bytes_of(self._folder / name)

    def kept(self, name="index"):
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self._folder / name / "index.sqlite")) as db:
            return db.execute("SELECT count(*) FROM kept").fetchone()[0]


class PostgresStores:
    """Collections of one database, each test with names of its own."""

    kind = "postgres"

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._of = uuid.uuid4().hex

    def open(self, name="index", stamp=STAMP, *, clock=time.time, **options):
        from rag.postgres import PostgresStore

        return PostgresStore.open(
            self._server.url(),
            self.name(name),
            stamp,
            cache=self.cache(name),
            clock=clock,
            **options,
        )

    def name(self, name="index"):
        """Return what the collection is called in the database."""
        return f"{name}-{self._of}"

    def cache(self, name="index"):
        return self._folder / f"{name}-words"

    def discard(self, name="index"):
        from rag.postgres import empty_collection

        empty_collection(self._server.url(), self.name(name))

    def child(self, script, name="index"):
        return _child(script, "postgres", self._server.url(), self.name(name), self.cache(name))

    def held(self, name="index"):
        import psycopg

        rows = []
        with psycopg.connect(self._server.url()) as db:
            (number,) = db.execute("SELECT footnote.find(%s)", [self.name(name)]).fetchone()
            for table in (
                "sources passages vectors words roots excluded failures places absent kept".split()
            ):
                query = f"COPY (SELECT * FROM footnote.{table} WHERE collection = {number}) TO STDOUT (FORMAT BINARY)"
                with db.cursor().copy(query) as copy:
                    rows += map(bytes, copy)
        cache = self.cache(name)
        return b"".join(rows) + (bytes_of(cache) if cache.exists() else b"")

    def kept(self, name="index"):
        query = f"SELECT count(*) FROM footnote.kept WHERE collection = footnote.find('{self.name(name)}')"
        return self._server.sql(query)[0][0]


def _child(script, *args):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + script, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
