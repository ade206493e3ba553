"""Hashes of files that are as they were, known without reading them: by size, times and place on disk, as git does.

A file is taken for unchanged where its size, its time of change (mtime), the time of change of what the system keeps
of it (ctime), its inode and its device are those that it was hashed with. No program can set a ctime, so that an edit
of the same length with its mtime put back is seen; on Windows, where it is the time of making, only `verify` sees
that. A file that changed less than `GRAIN_NS` before it was hashed is not kept: within the grain of a disk's clock it
could change again and look the same (git's "racy" entries). What is kept can be lost at any time; then files are
read.
"""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from rag.privacy import make_file
from rag.sources.containers import holder_of
from rag.sources.files import hash_file

GRAIN_NS = 10_000_000_000
"""Nanoseconds: FAT tells times by 2 s, and the clock of a server may be some seconds off."""

_TABLE = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
    inode INTEGER NOT NULL, device INTEGER NOT NULL, sha256 TEXT NOT NULL, crc INTEGER NOT NULL
) WITHOUT ROWID
"""

_Facts = tuple[int, int, int, int, int]
"""Size, mtime and ctime in nanoseconds, inode and device."""


class KnownFiles:
    """Hashes files, and remembers in a file of its own what they hold; use it in a `with`.

    Args:
        path: where it is kept; made when something is, for its owner only.
        verify: read every file, whatever is known.
        complete: whether all files are asked for: others are forgotten.
        clock: nanoseconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        *,
        verify: bool = False,
        complete: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._verify = verify
        self._complete = complete
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._asked: set[str] = set()
        self._n_found = 0
        self._new: list[tuple[str, *_Facts, str, int]] = []

    def __enter__(self) -> Self:
        with suppress(sqlite3.Error):
            if self._path.exists():
                self._db = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._complete = (
            self._complete and kind is None
        )  # what was broken off has not asked for all
        with suppress(OSError):
            try:
                if self._new or self._has_more():
                    self._save()
            except sqlite3.OperationalError:
                pass  # it may not be written, or another process writes it
            except sqlite3.DatabaseError:  # damaged: everything is read, and kept anew
                self._path.unlink(missing_ok=True)
            finally:
                if self._db is not None:
                    self._db.close()

    def hash_file(self, path: Path) -> str:
        """Return the SHA-256 hex digest of a file's bytes, read only where the file is not as it is known.

        Raises:
            SourceError: as `rag.sources.hash_file`.
        """
        name = os.fsdecode(path).encode("utf-8", "backslashreplace").decode()
        self._asked.add(name)
        facts = _facts(path)
        known = None if self._verify or facts is None else self._known(name, facts)
        if known is not None:
            return known
        began = self._clock()
        sha256 = hash_file(path)
        if facts is not None and facts == _facts(path) and max(facts[1:3]) < began - GRAIN_NS:
            self._new.append((name, *facts, sha256, _checksum(name, facts, sha256)))
        return sha256

    def _known(self, name: str, facts: _Facts) -> str | None:
        """Return what a file with these facts was found to hold; None where that is not known for sure."""
        row = None
        if self._db is not None:
            with suppress(sqlite3.Error):
                row = self._db.execute("SELECT * FROM files WHERE path = ?", [name]).fetchone()
        if row is None:
            return None
        self._n_found += 1
        same = row[1:6] == facts and row[7] == _checksum(name, facts, row[6])
        return str(row[6]) if same else None

    def _has_more(self) -> bool:
        """Tell whether files are known that were not asked for, where all were."""
        if not self._complete or self._db is None:
            return False
        (n_kept,) = self._db.execute("SELECT count(*) FROM files").fetchone()
        return bool(n_kept > self._n_found)

    def _save(self) -> None:
        """Keep what was found out, and forget files that were not asked for where all were."""
        if not self._path.exists():
            make_file(self._path)
        with closing(sqlite3.connect(self._path, timeout=1.0)) as db, db:
            db.execute("PRAGMA secure_delete = ON")
            db.execute(_TABLE)
            kept = db.execute("SELECT path FROM files").fetchall() if self._complete else []
            gone = [one for one in kept if one[0] not in self._asked]
            db.executemany("DELETE FROM files WHERE path = ?", gone)
            db.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?)", self._new)


def _facts(path: Path) -> _Facts | None:
    """Return what tells whether a file, or the one that holds it, has changed; None where that cannot be told."""
    held = None
    try:
        found = path.stat()
    except OSError:
        held = holder_of(path)
        if held is None:
            return None
    with suppress(OSError):
        found = found if held is None else held[0].stat()
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
    return None


def _checksum(name: str, facts: _Facts, sha256: str) -> int:
    return zlib.crc32(repr((name, facts, sha256)).encode())
