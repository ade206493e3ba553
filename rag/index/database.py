"""The SQLite file itself: its tables, how it is made and opened, and what its complaints mean to a person."""

from __future__ import annotations

import errno
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rag.errors import IndexBusyError, IndexCorruptError, IndexFormatError, RagError
from rag.index.files import flush_folder, write_error, writing
from rag.index.state import State
from rag.privacy import make_file

FORMAT = 4
"""Version of the tables and of the search files; another one is refused."""
BUSY_TIMEOUT_MS = 5000
"""How long SQLite waits for its own short locks."""

TABLES = frozenset(
    "facts sources passages vectors sentence_vectors roots excluded failures".split()
)
SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    sha256 TEXT NOT NULL, media_type TEXT NOT NULL, origin TEXT NOT NULL, indexed_at TEXT NOT NULL,
    n_chars INTEGER NOT NULL, n_pages INTEGER NOT NULL, n_passages INTEGER NOT NULL,
    crc INTEGER NOT NULL, body_crc INTEGER NOT NULL, pages TEXT NOT NULL, blocks TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL REFERENCES sources (id),
    start INTEGER NOT NULL, stop INTEGER NOT NULL, n_tokens INTEGER NOT NULL, crc INTEGER NOT NULL,
    sentences BLOB NOT NULL, units TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX passages_of_source ON passages (source);
CREATE TABLE vectors (key INTEGER PRIMARY KEY, crc INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE TABLE sentence_vectors (
    key INTEGER PRIMARY KEY, crc INTEGER NOT NULL, vectors BLOB NOT NULL
);
CREATE TABLE roots (path TEXT PRIMARY KEY, prefix TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE excluded (source_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE failures (
    source_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    crc INTEGER NOT NULL
);
"""
LATER = """
CREATE TABLE IF NOT EXISTS places (
    path TEXT PRIMARY KEY, identity TEXT NOT NULL, reached INTEGER NOT NULL, pending INTEGER NOT NULL,
    synced REAL NOT NULL, crc INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS absent (
    source_id TEXT PRIMARY KEY, origin TEXT NOT NULL, why TEXT NOT NULL, crc INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS kept (
    source TEXT NOT NULL, digest TEXT NOT NULL, origin TEXT NOT NULL, sha256 TEXT NOT NULL,
    since INTEGER NOT NULL, crc INTEGER NOT NULL, vector BLOB NOT NULL, vectors BLOB NOT NULL,
    PRIMARY KEY (source, digest)
);
CREATE TABLE IF NOT EXISTS outdated (source_id TEXT PRIMARY KEY, crc INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS kept_by_digest ON kept (digest);
CREATE INDEX IF NOT EXISTS kept_by_sha256 ON kept (sha256);
CREATE INDEX IF NOT EXISTS kept_by_since ON kept (since);
"""
"""Tables that an index of an older version lacks until it is written to; without them nothing is absent or kept."""
LATER_TABLES = ("places", "absent", "kept", "outdated")

_APPLICATION = 0x466F6F74
"""SQLite's application id: "Foot"."""
_LOG_INDEX = 32_768
"""Bytes of the file that SQLite keeps beside its log of changes."""
_IMMUTABLE = "?immutable=1"
_REMEDY = "Build it anew with `rag sync --rebuild`; the documents themselves are not touched."


def create(path: Path) -> None:
    """Make an empty database; it is there whole or not at all.

    Raises:
        IndexWriteError: no space or no permission.
    """
    unfinished = path.with_name(path.name + ".new")
    with writing(path), translated(path):
        make_file(unfinished)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as db:
            # Sentence vectors take some 5 KB a row: larger pages are read no faster and waste a third more space.
            db.execute("PRAGMA page_size = 4096")
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(f"BEGIN; {SCHEMA} {LATER} PRAGMA user_version = {FORMAT}; COMMIT;")
            put_fact(db, "state", State().to_json())
        unfinished.replace(path)
        flush_folder(path.parent)


def connect(path: Path, *, writable: bool = False) -> tuple[sqlite3.Connection, bool]:
    """Open a database that is there, for one thread at a time.

    Where nothing may be written, neither to the file nor beside it, or the disk is full to the last byte, it is
    read as a file that does not change.

    Returns:
        A connection, and whether it takes the file for one that does not change: use it for one question.

    Raises:
        IndexCorruptError: it is damaged.
        IndexFormatError: it is of another program or version.
        IndexWriteError: it cannot be opened.
    """
    _check_size(path)
    with translated(path, needed=_LOG_INDEX):
        if not writable and not _may_be_written(path):
            return _opened(path, _frozen(path)), True
        try:
            return _opened(path, "?mode=rw"), False
        except sqlite3.OperationalError as exc:
            # On a full disk there is no room for the index of the log; without a log none is needed.
            full = exc.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL}
            if writable or not full or _frozen(path) != _IMMUTABLE:
                raise
            return _opened(path, _IMMUTABLE), True


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database in a mode, and refuse it if it is none of ours."""
    db = sqlite3.connect(
        path.resolve().as_uri() + mode, uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        if mode == "?mode=rw" and _may_be_written(path):
            # The mode stays with the file; setting it again costs nothing.
            db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA cache_size = -16384")
        _check_content(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _may_be_written(path: Path) -> bool:
    """Whether the file and the folder it lies in may be written."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _frozen(path: Path) -> str:
    """Return how SQLite is told that it may not write: a log of recent changes has to be read, though."""
    log = path.with_name(path.name + "-wal")
    return "?mode=ro" if log.exists() and log.stat().st_size else _IMMUTABLE


def _check_size(path: Path) -> None:
    """Refuse an empty file, which SQLite takes for a new database.

    The file itself is not opened here: closing it would give up the locks that this process's other connections
    hold on it, and another process would then delete the log of changes from under them.
    """
    with writing(path):
        size = path.stat().st_size
    if not size:
        raise corrupt(path, "it is empty")


def _check_content(db: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not ours, or lacks a table; costs a fraction of a millisecond."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if (application, version) != (_APPLICATION, FORMAT):
        raise IndexFormatError(
            f"The index {str(path)!r} was written by another version of this program (format"
            f" {version!r}, this one reads {FORMAT!r}). {_REMEDY}"
        )
    if not {name for (name,) in db.execute("SELECT name FROM sqlite_master")} >= TABLES:
        raise corrupt(path, "a table is missing")


def checksum(*values: object) -> int:
    """Return a CRC-32 over values and where each ends: against accidents, not against people."""
    crc = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        crc = zlib.crc32(data, zlib.crc32(b"%d:" % len(data), crc))
    return crc


def passage_checksum(*values: object) -> int:
    """Return the checksum of (key, source, start, stop, n_tokens, sentences, units, text)."""
    *numbers, spans, units, text = values
    if not (isinstance(spans, bytes) and isinstance(units, str) and isinstance(text, str)):
        return -1
    head = zlib.crc32(units.encode(), zlib.crc32(spans, zlib.crc32(repr(numbers).encode())))
    return zlib.crc32(text.encode(), head)


def put_fact(db: sqlite3.Connection, name: str, value: str) -> None:
    """Store one fact about the whole index."""
    db.execute(
        "INSERT OR REPLACE INTO facts (name, value, crc) VALUES (?, ?, ?)",
        [name, value, checksum(name, value)],
    )


def corrupt(path: Path, detail: str) -> IndexCorruptError:
    """Return the error for a damaged file."""
    return IndexCorruptError(f"The index file {str(path)!r} is damaged: {detail}. {_REMEDY}")


@contextmanager
def translated(path: Path, *, needed: int = 0) -> Iterator[None]:
    """Translate what SQLite says into what a person can do about it.

    Args:
        path: the database, for the message.
        needed: bytes that were to be written, if known.
    """
    try:
        yield
    except sqlite3.Error as exc:
        raise _translation(exc, path, needed) from exc
    except UnicodeDecodeError as exc:
        # Python's own, where SQLite's message quotes the damage.
        raise corrupt(path, str(exc)) from exc


def _translation(exc: sqlite3.Error, path: Path, needed: int) -> RagError:
    # Without a code the complaint is Python's: text that is not UTF-8.
    code: int = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    kind = sqlite3.SQLITE_CORRUPT if code == sqlite3.SQLITE_IOERR_SHORT_READ else code & 0xFF
    if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return IndexBusyError(
            f"Another process keeps {str(path)!r} busy. Wait until it has finished and try again."
        )
    if kind == sqlite3.SQLITE_FULL:
        return write_error(path, errno.ENOSPC, str(exc), needed=needed)
    if kind in {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }:
        return write_error(path, None, str(exc), needed=needed)
    return corrupt(path, str(exc))
