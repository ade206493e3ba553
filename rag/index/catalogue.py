"""The truth: sources, passages, sentences, vectors and what they were built with, read and written row by row.

Every row carries a checksum that is verified when it is read, since SQLite notices a damaged page only where its own
bookkeeping breaks. What is deleted is overwritten with zeros.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import IndexCorruptError
from rag.index.database import (
    BUSY_TIMEOUT_MS,
    LATER,
    LATER_TABLES,
    SCHEMA,
    TABLES,
    checksum,
    connect,
    corrupt,
    passage_checksum,
    put_fact,
    translated,
)
from rag.index.kept_vectors import Kept, name_of
from rag.index.rows import (
    INFO,
    PassageRow,
    body_row,
    coverage_of,
    failures_of,
    info_of,
    info_row,
    not_found,
    passage_id,
    searched_words,
    source_of,
    spans_of,
    stored_passages,
    with_absence,
)
from rag.index.state import State
from rag.index.vectors import half_rows, to_halves
from rag.language.blocks import (
    units_as_json,
)
from rag.schema import Source, SourceInfo
from rag.store import (
    Absence,
    Coverage,
    Failure,
    IndexEntry,
    IndexStamp,
    KnownRoot,
    RootState,
    StoredPassage,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

_PASSAGE = (
    "SELECT p.key, p.source, p.start, p.stop, p.n_tokens, p.sentences, p.units, p.text, p.crc,"
    " s.source_id, w.vectors, w.crc FROM passages p JOIN sources s ON s.id = p.source"
    " JOIN sentence_vectors w ON w.key = p.key WHERE p.key"
)
_NAME = (
    "SELECT key, source_id, start, stop FROM passages JOIN sources ON sources.id = source WHERE key"
)
_AT_ONCE = 200
"""Passages asked for in one query; SQLite before 3.32 takes at most 999."""


class Catalogue:
    """One connection to the database, for one thread at a time.

    Its methods raise what SQLite raises; whoever calls them translates (`database.translated`).

    Args:
        path: the database, which exists.
        writable: False opens it for reading, also where nothing can be written beside it.

    Raises:
        IndexStateError: it is damaged, of another version, or cannot be opened.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.path = path
        # Frozen: the file is taken for one that does not change, and no later state is seen.
        self._db, self.frozen = connect(path, writable=writable)
        self._has_later = False
        if writable and not self._knows_absent():
            with translated(path):
                self._db.executescript(f"BEGIN; {LATER} COMMIT;")

    def close(self) -> None:
        """Let go of the file; the last to close leaves no log of changes behind."""
        self._db.close()

    def begin(self, *, write: bool = False) -> None:
        """Start a transaction: reads from now on are of one state."""
        self._db.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def commit(self) -> None:
        """Make the changes last, on the disk."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction, if there is one; its changes are gone."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def purge(self, *, wait: float = 0.0) -> None:
        """Cut off the log of recent changes, which holds what was deleted since.

        While a reader needs an older state it stays; the next to finish cuts it off.
        """
        self._db.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
        # What was committed stays committed; a full disk only keeps the log.
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")

    # Facts about the whole.

    def state_json(self) -> str:
        """Return the current state as it is stored."""
        text = self._fact("state")
        if text is None:
            raise corrupt(self.path, "its state is missing")
        return text

    def state(self) -> State:
        """Return the current state."""
        return State.from_json(self.state_json())

    def set_state(self, state: State) -> None:
        """Record what this commit leaves."""
        put_fact(self._db, "state", state.to_json())

    def stamp(self) -> IndexStamp | None:
        """Return what the index was built with; None before anything was."""
        text = self._fact("stamp")
        return None if text is None else IndexStamp(**json.loads(text))

    def set_stamp(self, stamp: IndexStamp) -> None:
        """Record what the index is built with."""
        put_fact(self._db, "stamp", json.dumps(asdict(stamp)))

    def _fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value, crc FROM facts WHERE name = ?", [name]).fetchone()
        if row is None:
            return None
        self._verify(row[1] == checksum(name, row[0]), f"the fact {name!r}")
        return str(row[0])

    # Sources.

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return all sources without their texts, in order of source_id."""
        rows = self._db.execute(f"SELECT {INFO}, crc FROM sources ORDER BY source_id")  # noqa: S608  (a constant)
        found = tuple(self._info(row) for row in rows)
        self._verify(len(found) == self.state().sources, "the list of sources")
        return with_absence(found, self.coverage())

    def source(self, source_id: str) -> Source:
        """Return a source with its text.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, (crc, pages, blocks, text) = self._row(source_id, ", body_crc, pages, blocks, text")
        self._verify(crc == checksum(source_id, pages, blocks, text), f"the text of {source_id!r}")
        return source_of(info, pages, blocks, text)

    def _row(self, source_id: str, more: str) -> tuple[SourceInfo, Sequence[Any]]:
        """Return what is known of a source, and further columns of its row."""
        row = self._db.execute(
            f"SELECT {INFO}, crc{more} FROM sources WHERE source_id = ?",  # noqa: S608  (constants)
            [source_id],
        ).fetchone()
        if row is None:
            raise not_found(source_id)
        return self._info(row), row[10:]

    def _info(self, row: Sequence[Any]) -> SourceInfo:
        self._verify(row[9] == checksum(*row[:9]), f"the source {row[0]!r}")
        return info_of(row)

    def add_source(self, source: Source, origin: str, n_passages: int) -> int:
        """Add a source and return its number."""
        info = info_row(source, origin, n_passages)
        body = body_row(source)
        cursor = self._db.execute(
            f"INSERT INTO sources ({INFO}, crc, body_crc, pages, blocks, text)"  # noqa: S608  (a constant)
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*info, checksum(*info), checksum(source.source_id, *body), *body],
        )
        return int(cursor.lastrowid or 0)

    def set_origin(self, source_id: str, origin: str) -> None:
        """Record that a source comes from another place.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, _ = self._row(source_id, "")
        crc = checksum(
            info.source_id,
            info.title,
            info.sha256,
            info.media_type,
            origin,
            info.indexed_at,
            info.n_chars,
            info.n_pages,
            info.n_passages,
        )
        self._db.execute(
            "UPDATE sources SET origin = ?, crc = ? WHERE source_id = ?", [origin, crc, source_id]
        )

    def number(self, source_id: str) -> int | None:
        """Return the index's own number of a source, None if it is not there."""
        found = self._db.execute("SELECT id FROM sources WHERE source_id = ?", [source_id])
        row = found.fetchone()
        if row is None:
            return None
        # The number came from SQLite's index of names; a damaged one must not point at another source.
        there = self._db.execute("SELECT source_id FROM sources WHERE id = ?", row).fetchone()
        self._verify(there == (source_id,), f"the entry of {source_id!r}")
        return int(row[0])

    def delete_source(self, source_id: str) -> list[int]:
        """Delete a source and everything made from it; return the keys of its passages.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, _ = self._row(source_id, "")
        number = self.number(source_id)
        keys: list[int] = self.keys_of([number] if number is not None else []).tolist()
        self._verify(len(keys) == info.n_passages, f"the list of passages of {source_id!r}")
        for table in ("vectors", "sentence_vectors", "passages"):
            self._db.executemany(
                f"DELETE FROM {table} WHERE key = ?",  # noqa: S608  (a constant)
                [(key,) for key in keys],
            )
        self._db.execute("DELETE FROM sources WHERE id = ?", [number])
        for table in ("absent", "outdated"):
            self._db.execute(f"DELETE FROM {table} WHERE source_id = ?", [source_id])  # noqa: S608  (constants)
        return keys

    # Passages.

    def last_key(self) -> int:
        """Return the highest key ever given."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
        return int(row[0]) if row else 0

    def add_passages(self, number: int, first: int, entries: Sequence[IndexEntry]) -> None:
        """Add the passages of the source with this number under keys from `first` on, which is above the last."""
        for key, entry in enumerate(entries, first):
            passage = entry.split.passage
            spans = spans_of(entry)
            units = units_as_json(passage.path, entry.split.sentences)
            facts = (key, number, passage.start, passage.end, passage.n_tokens)
            crc = passage_checksum(*facts, spans, units, passage.text)
            self._db.execute(
                "INSERT INTO passages (key, source, start, stop, n_tokens, crc, sentences, units, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [*facts, crc, spans, units, passage.text],
            )
            vector = to_halves(entry.vector)
            self._db.execute(
                "INSERT INTO vectors VALUES (?, ?, ?)", [key, _crc(vector, key), vector]
            )
            vectors = to_halves(entry.sentence_vectors)
            self._db.execute(
                "INSERT INTO sentence_vectors VALUES (?, ?, ?)",
                [key, _crc(vectors, key), vectors],
            )

    def count(self, first: int, last: int) -> int:
        """Return how many passages have a key in a range, both ends included."""
        row = self._db.execute(
            "SELECT count(*) FROM passages WHERE key BETWEEN ? AND ?", [first, last]
        ).fetchone()
        return int(row[0])

    def cuts(self, first: int, last: int, most: int) -> list[int]:
        """Return the keys behind which a range is cut, so that no piece has more than so many passages."""
        query = "SELECT key FROM passages WHERE key BETWEEN ? AND ? ORDER BY key"
        keys = [key for (key,) in self._db.execute(query, [first, last])]
        return keys[most - 1 : -1 : most]

    def count_sentences(self, keys: Sequence[int]) -> int:
        """Return how many sentences these passages have together."""
        return sum(
            int(row[0]) // 16
            for key in keys
            for row in self._db.execute(
                "SELECT length(sentences) FROM passages WHERE key = ?", [key]
            )
        )

    def keys_of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the keys of these sources' passages, ascending, shape (n,)."""
        query = "SELECT key FROM passages WHERE source = ?"
        keys = [key for number in numbers for (key,) in self._db.execute(query, [number])]
        return np.array(sorted(keys), dtype=np.int64)

    def passage_ids(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the passage_id of each key."""
        found: dict[int, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            query = f"{_NAME} IN ({_marks(some)})"
            found.update((key, passage_id(*name)) for key, *name in self._db.execute(query, some))
        self._verify(len(found) == len(set(keys)), "the list of passages")
        return found

    def words(
        self, first: int, last: int, *, most: int | None = None
    ) -> Iterator[tuple[int, int, str]]:
        """Yield (key, number of the source, path and text) of a range of keys, ascending, at most so many."""
        rows = self._db.execute(
            "SELECT key, source, start, stop, n_tokens, sentences, units, text, crc FROM passages"
            " WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
            [first, last, -1 if most is None else most],
        )
        for *facts, crc in rows:
            self._verify(crc == passage_checksum(*facts), f"passage {facts[0]}")
            yield facts[0], facts[1], searched_words(facts[6], facts[7], facts[2])

    def vectors(
        self, dimension: int, first: int, last: int
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint8]]:
        """Return the keys in a range, ascending, shape (n,), and of each passage the vector and its checksum.

        The checksums have the shape (n,), the vectors are in half precision as bytes, shape (n, 2 d).
        """
        keys, checksums, blobs = [], [], []
        query = "SELECT key, crc, vector FROM vectors WHERE key BETWEEN ? AND ? ORDER BY key"
        for key, crc, blob in self._db.execute(query, [first, last]):
            self._verify(crc == _crc(blob, key), f"the vector of passage {key}")
            keys.append(key)
            checksums.append(crc)
            blobs.append(blob)
        return (
            np.array(keys, dtype=np.int64),
            np.array(checksums, dtype=np.uint32),
            half_rows(b"".join(blobs), dimension),
        )

    def fetch(self, keys: Sequence[int], vectors: Vectors) -> list[StoredPassage]:
        """Return the passages of these keys, in their order, with these vectors of theirs, shape (n, d)."""
        found = self._passages(keys)
        return stored_passages([found[key] for key in keys], vectors)

    def _passages(self, keys: Sequence[int]) -> dict[int, PassageRow]:
        """Return all that is stored of some passages, verified, by key."""
        found: dict[int, PassageRow] = {}
        named: set[tuple[int, str]] = set()
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            query = f"{_PASSAGE} IN ({_marks(some)})"
            for row in self._db.execute(query, some):
                good = row[8] == passage_checksum(*row[:8]) and row[11] == _crc(row[10], row[0])
                self._verify(good, f"passage {row[0]}")
                key, number, start_at, stop, n_tokens, spans, units, text, _, source_id, own, _ = (
                    row
                )
                named.add((number, source_id))
                found[key] = PassageRow(
                    key=key,
                    source_id=source_id,
                    start=start_at,
                    stop=stop,
                    n_tokens=n_tokens,
                    spans=spans,
                    units=units,
                    text=text,
                    vectors=own,
                )
        for key in keys:
            self._verify(key in found, f"passage {key}")
        for number, source_id in named:
            # The name came from a join, which SQLite may have made by its index of names.
            self._verify(self.number(source_id) == number, f"the entry of {source_id!r}")
        return found

    # What a sync remembers.

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return what was added by hand, in order of path."""
        rows = self._listed("SELECT path, prefix, crc FROM roots ORDER BY path")
        return tuple(KnownRoot(path=path, prefix=prefix) for path, prefix in rows)

    def put_root(self, root: KnownRoot) -> None:
        """Remember what was added by hand."""
        self._put("roots", root.path, root.prefix)

    def excluded(self) -> dict[str, str]:
        """Return the SHA-256 of each source that was removed by hand, by source_id."""
        return dict(self._listed("SELECT source_id, sha256, crc FROM excluded"))

    def outdated(self) -> frozenset[str]:
        """Return the sources that an older version read, and that should be read again."""
        if not self._knows_absent():
            return frozenset()
        return frozenset(name for (name,) in self._listed("SELECT source_id, crc FROM outdated"))

    def put_excluded(self, source_id: str, sha256: str) -> None:
        """Remember that a source was removed by hand."""
        self._put("excluded", source_id, sha256)

    def failures(self) -> dict[str, Failure]:
        """Return what could not be indexed, by source_id."""
        rows = self._listed("SELECT source_id, sha256, reason, message, crc FROM failures")
        return failures_of(rows)

    def put_failure(self, failure: Failure) -> None:
        """Remember what could not be indexed."""
        self._put("failures", failure.source_id, failure.sha256, failure.reason, failure.message)

    def forget(self, table: str, name: str) -> bool:
        """Delete what a table of what a sync remembers has under a name, if anything."""
        column = "path" if table in {"roots", "places"} else "source_id"
        query = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608  (constants)
        return self._db.execute(query, [name]).rowcount > 0

    def _put(self, table: str, *values: str | float) -> None:
        row = [*values, checksum(*values)]
        query = f"INSERT OR REPLACE INTO {table} VALUES ({_marks(row)})"  # noqa: S608  (a constant)
        self._db.execute(query, row)

    def _listed(self, query: str, given: Sequence[object] = ()) -> Iterator[Any]:
        """Yield the rows of a query without their last column, their checksum."""
        for *values, crc in self._db.execute(query, given):
            self._verify(crc == checksum(*values), f"the entry {values[0]!r}")
            yield values

    # How much of the documents there is, and vectors that are kept for what comes back.

    def _knows_absent(self) -> bool:
        """Whether the tables that came later are there."""
        if not self._has_later:
            names = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
            self._has_later = names >= set(LATER_TABLES)
        return self._has_later

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""
        if not self._knows_absent():
            return Coverage(roots=self.roots())
        places = self._listed("SELECT path, identity, reached, pending, synced, crc FROM places")
        absent = self._listed("SELECT source_id, origin, why, crc FROM absent")
        (since,) = self._db.execute("SELECT min(since) FROM kept").fetchone()
        return coverage_of(self.roots(), places, absent, since)

    def put_place(self, place: RootState) -> None:
        """Remember how far a root is indexed."""
        self._put(
            "places",
            place.path,
            place.identity,
            int(place.reached),
            place.pending,
            float(place.synced),
        )

    def forget_place(self, path: str) -> None:
        """Forget how far a root is indexed, and what of it was absent."""
        self.forget("places", path)
        self._db.execute("DELETE FROM absent WHERE origin = ?", [path])

    def put_absent(self, source_id: str, absence: Absence) -> None:
        """Remember why a source is not where it was found."""
        self._put("absent", source_id, absence.origin, absence.why)

    def keep_source(self, source_id: str, since: int) -> None:
        """Put the vectors of a source aside, without its text or its name.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, _ = self._row(source_id, "")
        number = self.number(source_id)
        keys: list[int] = self.keys_of([number] if number is not None else []).tolist()
        for key in keys:
            row = self._passages([key])[key]
            stored = self._db.execute("SELECT crc, vector FROM vectors WHERE key = ?", [key])
            crc, vector = stored.fetchone() or (0, b"")
            self._verify(bool(vector) and crc == _crc(vector, key), f"the vector of passage {key}")
            self.put_kept(source_id, info.origin, info.sha256, row.kept(vector), since)

    def put_kept(self, source_id: str, origin: str, sha256: str, kept: Kept, since: int) -> None:
        """Put the vectors of one passage aside."""
        facts = (name_of(source_id), kept.digest, name_of(origin), sha256, since)
        crc = checksum(*facts, kept.vector, kept.vectors)
        self._db.execute(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [*facts, crc, kept.vector, kept.vectors],
        )

    def kept(self, digests: Sequence[str], since: int) -> dict[str, Kept]:
        """Return what was put aside of some passages at a time or later, by digest."""
        found: dict[str, Kept] = {}
        if self._db.execute("SELECT 1 FROM kept LIMIT 1").fetchone() is None:
            return found
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            query = (
                "SELECT source, digest, origin, sha256, since, vector, vectors, crc FROM kept"  # noqa: S608  (marks)
                f" WHERE digest IN ({_marks(some)}) AND since >= ?"
            )
            for row in self._listed(query, [*some, since]):
                found[row[1]] = Kept(digest=row[1], vector=row[5], vectors=row[6])
        return found

    def drop_kept(
        self, *, source_id: str = "", sha256: str = "", origin: str = "", before: int = 0
    ) -> int:
        """Delete what was put aside of a source, a content, a root, or before a time; return how many rows."""
        wanted: dict[str, str | int] = {
            "source =": source_id and name_of(source_id),
            "sha256 =": sha256,
            "origin =": origin and name_of(origin),
            "since <": before,
        }
        return sum(
            self._db.execute(f"DELETE FROM kept WHERE {column} ?", [value]).rowcount  # noqa: S608  (constants)
            for column, value in wanted.items()
            if value
        )

    # The whole.

    def clear(self) -> None:
        """Empty the index, but keep what was added or removed by hand; give the space back."""
        generation, roots, excluded = self.state().generation, self.roots(), self.excluded()
        # Dropped tables only go to the list of free pages, and VACUUM leaves none of these.
        self._db.execute("PRAGMA secure_delete = OFF")
        self.begin(write=True)
        for table in (*TABLES, *LATER_TABLES):
            self._db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in (SCHEMA + LATER).split(";"):
            self._db.execute(statement)
        for root in roots:
            self.put_root(root)
        for source_id, sha256 in excluded.items():
            self.put_excluded(source_id, sha256)
        self.set_state(State(generation=generation + 1))
        self.commit()
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA secure_delete = ON")

    def faults(self, dimension: int) -> Iterator[str]:
        """Yield what is wrong, reading everything there is."""
        for (line,) in self._db.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield f"{self.path}: {line}"
        for (source_id,) in self._db.execute("SELECT source_id FROM sources").fetchall():
            try:
                self.source(source_id)
            except IndexCorruptError as exc:
                yield str(exc)
        try:
            self.coverage()
            self.vectors(dimension, 1, self.last_key())
        except IndexCorruptError as exc:
            yield str(exc)
        for (key,) in self._db.execute("SELECT key FROM passages").fetchall():
            try:
                self._passages([key])
            except IndexCorruptError as exc:
                yield str(exc)

    def _verify(self, good: bool, what: str) -> None:
        if not good:
            raise corrupt(self.path, f"{what} is not what was written")


def _marks(values: Sequence[object]) -> str:
    """Return a parameter mark for each value."""
    return ", ".join("?" * len(values))


def _crc(blob: object, key: int) -> int:
    """Return the checksum of a row's vectors; -1 where they are none, so that nothing equals it."""
    return zlib.crc32(blob, key) if isinstance(blob, bytes) else -1
