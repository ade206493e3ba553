"""An index of an older format becomes one of this: in place, in one transaction, and no text is lost.

Formats 2 and 3 had other files of vectors, which are made anew of the database when they are first needed. Format 1
had no blocks. Sources keep their text, passages and vectors, and get the blocks that their text alone shows; each is
noted to be read again, which the next sync does with what it can reach. Until then they are searched as before.
"""

from __future__ import annotations

import logging
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from rag.index.database import (
    FORMAT,
    LATER,
    checksum,
    corrupt,
    passage_checksum,
    translated,
)
from rag.language.blocks import blocks_as_json, units_as_json
from rag.schema import Unit

log = logging.getLogger(__name__)

_WITHOUT_BLOCKS = 1
_OLDER = (_WITHOUT_BLOCKS, 2, 3)
_SPAN = 16
"""Bytes of a sentence's start and end."""


def is_of_older_format(path: Path) -> bool:
    """Tell whether a database can be upgraded."""
    with (
        translated(path),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db,
    ):
        return db.execute("PRAGMA user_version").fetchone()[0] in _OLDER


def upgrade(path: Path) -> None:
    """Bring a database of an older format to this one; the caller holds the index's lock.

    Raises:
        IndexCorruptError: a text in it is damaged.
        IndexWriteError: no space or no permission.
    """
    with translated(path), closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in _OLDER:
                return  # another process was first
            n_sources = _add_blocks(db, path) if version == _WITHOUT_BLOCKS else 0
            db.execute(f"PRAGMA user_version = {FORMAT}")
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
    if n_sources:
        log.warning(
            "The index in %r is of an older version; its %d documents are read again, which takes as long as at first.",
            str(path.parent),
            n_sources,
        )


def _add_blocks(db: sqlite3.Connection, path: Path) -> int:
    """Give the sources and passages of format 1 blocks and units; return how many sources there are."""
    db.execute("ALTER TABLE sources ADD COLUMN blocks TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE passages ADD COLUMN units TEXT NOT NULL DEFAULT ''")
    for statement in LATER.split(";"):
        db.execute(statement)
    n_sources = _upgrade_sources(db, path)
    _upgrade_passages(db, path)
    return n_sources


def _upgrade_sources(db: sqlite3.Connection, path: Path) -> int:
    """Give each source its blocks, and note that it is to be read again; return how many there are."""
    from rag.language.layout import find_blocks

    ids = [row[0] for row in db.execute("SELECT id FROM sources")]
    for number in ids:
        source_id, pages, text, crc = db.execute(
            "SELECT source_id, pages, text, body_crc FROM sources WHERE id = ?", [number]
        ).fetchone()
        if crc != checksum(source_id, pages, text):
            raise corrupt(path, f"the text of {source_id!r} is damaged")
        blocks = blocks_as_json(find_blocks(text))
        db.execute(
            "UPDATE sources SET blocks = ?, body_crc = ? WHERE id = ?",
            [blocks, checksum(source_id, pages, blocks, text), number],
        )
        db.execute("INSERT INTO outdated VALUES (?, ?)", [source_id, checksum(source_id)])
    return len(ids)


def _upgrade_passages(db: sqlite3.Connection, path: Path) -> None:
    """Give each passage units without a path."""
    for key in [row[0] for row in db.execute("SELECT key FROM passages")]:
        *facts, sentences, text, crc = db.execute(
            "SELECT key, source, start, stop, n_tokens, sentences, text, crc FROM passages WHERE key = ?",
            [key],
        ).fetchone()
        if crc != zlib.crc32(
            text.encode(), zlib.crc32(sentences, zlib.crc32(repr(facts).encode()))
        ):
            raise corrupt(path, f"passage {key} is damaged")
        units = units_as_json((), [Unit(start=0, end=0)] * (len(sentences) // _SPAN))
        db.execute(
            "UPDATE passages SET units = ?, crc = ? WHERE key = ?",
            [units, passage_checksum(*facts, sentences, units, text), key],
        )
