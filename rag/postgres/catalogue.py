"""The truth in tables: the rows of one collection, read and written over one connection.

What `rag.index.catalogue` is to the embedded store. Passages come in by COPY, a batch at a time, by way of a temporary
table: COPY itself knows no row-level security.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from rag.errors import IndexCorruptError
from rag.index.files import DamagedFileError, FileRecord
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
from rag.index.vectors import to_halves
from rag.language.blocks import units_as_json
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

    Connection = psycopg.Connection[tuple[Any, ...]]
else:
    from rag.late import numpy as np

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    key bigint, source bigint, start integer, stop integer, n_tokens integer, sentences bytea, units text, body bytea,
    vectors bytea, vector public.halfvec
) ON COMMIT DELETE ROWS
"""
_PASSAGE = "key, source, start, stop, n_tokens, sentences, units, body, vectors"
_KEYS = {"roots": "path", "places": "path", "kept": "source, digest"}
"""What names a row of a table, where that is not a source_id."""
_DROP_KEPT = "DELETE FROM kept WHERE collection = {c} AND {column} %s"
_MADE = 1_000
"""Passages that are held in memory before they are written."""
_HEAD = 4
"""Bytes before the numbers of a halfvec."""


class Halves(bytes):
    """A vector in half precision, as the server takes it in: dimension, two bytes of nothing, big-endian numbers."""

    __slots__ = ()

    @classmethod
    def of(cls, vector: Vectors) -> Halves:
        """Return the vector, shape (d,), as it is sent."""
        return cls(len(vector).to_bytes(2, "big") + b"\0\0" + vector.astype(">f2").tobytes())


class _HalvesDumper(Dumper):
    """Sends a vector as it is."""

    format = Format.BINARY

    def dump(self, obj: Halves) -> bytes:
        return obj


def from_wire(vectors: Sequence[bytes]) -> Vectors:
    """Return vectors that the server sent, in single precision, shape (n, d)."""
    whole = np.frombuffer(b"".join(vectors), dtype=">f2").reshape(len(vectors), -1)
    found: Vectors = whole[:, _HEAD // 2 :].astype(np.float32)
    return found


def register(db: Connection, oid: int) -> None:
    """Let a connection send vectors; `oid` is that of their type."""
    made = type("HalvesDumper", (_HalvesDumper,), {"oid": oid})
    db.adapters.register_dumper(Halves, made)


class ServerCatalogue:
    """The rows of one collection over one connection, for one thread at a time.

    Its methods raise what the server's library raises; whoever calls them translates (`ServerAddress.translated`).

    Args:
        db: open, set to the collection.
        collection: its number.
    """

    def __init__(self, db: Connection, collection: int) -> None:
        self.db = db
        self._of = int(collection)
        self._incoming: list[tuple[Any, ...]] = []
        self._last: int | None = None

    def begin(self, *, write: bool = False) -> None:  # noqa: ARG002  (one kind of transaction)
        """Start a transaction: reads from now on are of one state."""
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ")

    def commit(self) -> None:
        """Make the changes last, on the server's disk."""
        self._drain()
        self._run("COMMIT")
        self._last = None

    def rollback(self) -> None:
        """End the transaction, if there is one; its changes are gone."""
        self._incoming.clear()
        self._last = None
        if not self.db.closed:
            self.db.rollback()

    # Facts about the whole.

    def select_state(self) -> psycopg.Cursor[tuple[Any, ...]]:
        """Ask for the current state; what `state_of` makes of the reply names one of everything that is read."""
        return self._run(
            "SELECT json_build_object('state', state, 'stamp', stamp,"
            " 'nearest', to_regclass('footnote.nearest_{c}') IS NOT NULL)::text FROM collections WHERE id = {c}"
        )

    def state_of(self, reply: psycopg.Cursor[tuple[Any, ...]]) -> str:
        """Return the current state as it is stored, with what belongs to it."""
        row = reply.fetchone()
        if row is None:
            raise IndexCorruptError(
                "The collection is gone from the database, or this role may not read it any more. Open it again."
            )
        found: str = row[0]
        return found

    def state(self) -> State:
        """Return the current state."""
        return State.from_json(json.loads(self.state_of(self.select_state()))["state"])

    def set_state(self, state: State) -> None:
        """Record what this commit leaves."""
        self._run(
            "UPDATE collections SET state = %s, last_key = %s WHERE id = {c}",
            [state.to_json(), self.last_key()],
        )

    def stamp(self) -> IndexStamp | None:
        """Return what the collection was built with; None before anything was."""
        row = self._run("SELECT stamp FROM collections WHERE id = {c}").fetchone()
        return IndexStamp(**json.loads(row[0])) if row and row[0] else None

    def claim_stamp(self, stamp: IndexStamp) -> None:
        """Record what the collection is built with, unless that is known."""
        said = json.dumps(asdict(stamp))
        self._run("UPDATE collections SET stamp = %s WHERE id = {c} AND stamp IS NULL", [said])

    def has_nearest(self) -> bool:
        """Tell whether there is a graph to search vectors by."""
        return bool(self._value("SELECT to_regclass('footnote.nearest_{c}') IS NOT NULL"))

    def settle(self, dimension: int, *, nearest: bool) -> None:
        """Have the server look at what is there anew, and make the graph to search vectors by where it is wanted."""
        self._run("SELECT settle({c}, %s, %s)", [dimension, nearest])

    def size(self) -> int:
        """Return how many bytes passages, vectors and words take."""
        query = (
            "SELECT pg_total_relation_size('footnote.passages_{c}') +"
            " pg_total_relation_size('footnote.vectors_{c}') +"
            " (SELECT coalesce(sum(length(content)), 0) FROM words WHERE collection = {c})"
        )
        return int(self._value(query))

    # Sources.

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return all sources without their texts, in order of source_id."""
        # The order of bytes, which is that of code points.
        query = (
            f'SELECT {INFO} FROM sources WHERE collection = {{c}} ORDER BY source_id COLLATE "C"'  # noqa: S608  (a constant)
        )
        return with_absence(map(info_of, self._run(query)), self.coverage())

    def numbers(self) -> dict[str, int]:
        """Return the store's own number of each source, by source_id."""
        return dict(self._run("SELECT source_id, id FROM sources WHERE collection = {c}"))

    def source(self, source_id: str) -> Source:
        """Return a source with its text.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, (pages, blocks, body) = self._row(source_id, ", pages, blocks, body")
        return source_of(info, pages, blocks, body.decode())

    def _row(self, source_id: str, more: str = "") -> tuple[SourceInfo, Sequence[Any]]:
        """Return what is known of a source, and further columns of its row."""
        query = f"SELECT {INFO}{more} FROM sources WHERE collection = {{c}} AND source_id = %s"  # noqa: S608  (constants)
        row = self._run(query, [source_id]).fetchone()
        if row is None:
            raise not_found(source_id)
        return info_of(row), row[9:]

    def add_source(self, source: Source, origin: str, n_passages: int) -> int:
        """Add a source and return its number."""
        pages, blocks, text = body_row(source)
        info = [
            one.replace("\0", "") if isinstance(one, str) else one
            for one in info_row(source, origin, n_passages)
        ]
        query = (
            f"INSERT INTO sources (collection, {INFO}, pages, blocks, body)"  # noqa: S608  (a constant)
            " VALUES ({c}, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"
        )
        return int(self._value(query, [*info, pages, blocks, text.encode()]))

    def set_origin(self, source_id: str, origin: str) -> None:
        """Record that a source comes from another place.

        Raises:
            SourceNotFoundError: it is not there.
        """
        query = "UPDATE sources SET origin = %s WHERE collection = {c} AND source_id = %s"
        if not self._run(query, [origin, source_id]).rowcount:
            raise not_found(source_id)

    def number(self, source_id: str) -> int | None:
        """Return the store's own number of a source, None if it is not there."""
        query = "SELECT id FROM sources WHERE collection = {c} AND source_id = %s"
        row = self._run(query, [source_id]).fetchone()
        return None if row is None else int(row[0])

    def delete_source(self, source_id: str) -> list[int]:
        """Delete a source and everything made from it; return the keys of its passages.

        Raises:
            SourceNotFoundError: it is not there.
        """
        number = self.number(source_id)
        if number is None:
            raise not_found(source_id)
        keys: list[int] = self.keys_of([number]).tolist()
        for table in ("vectors", "passages"):
            self._run(f"DELETE FROM {table} WHERE collection = {{c}} AND key = ANY(%s)", [keys])  # noqa: S608  (constants)
        self._run("DELETE FROM sources WHERE collection = {c} AND id = %s", [number])
        for table in ("absent", "outdated"):
            self.forget(table, source_id)
        return keys

    # Passages.

    def last_key(self) -> int:
        """Return the highest key ever given."""
        if self._last is None:
            self._last = int(self._value("SELECT last_key FROM collections WHERE id = {c}"))
        return self._last

    def add_passages(self, number: int, first: int, entries: Sequence[IndexEntry]) -> None:
        """Add the passages of the source with this number under keys from `first` on, which is above the last."""
        for key, entry in enumerate(entries, first):
            passage = entry.split.passage
            self._incoming.append(
                (
                    key,
                    number,
                    passage.start,
                    passage.end,
                    passage.n_tokens,
                    spans_of(entry),
                    units_as_json(passage.path, entry.split.sentences),
                    passage.text.encode(),
                    to_halves(entry.sentence_vectors),
                    Halves.of(entry.vector),
                )
            )
            self._last = key
        if len(self._incoming) >= _MADE:
            self._drain()

    def _drain(self) -> None:
        """Write what is held in memory."""
        if not self._incoming:
            return
        rows, self._incoming = self._incoming, []
        self._run(_INCOMING)
        with (
            self.db.cursor() as cursor,
            cursor.copy("COPY pg_temp.incoming FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(
                [*("int8 int8 int4 int4 int4 bytea text bytea bytea".split()), "halfvec"]
            )
            for row in rows:
                copy.write_row(row)
        self._run(
            f"INSERT INTO passages (collection, {_PASSAGE}) SELECT {{c}}, {_PASSAGE} FROM pg_temp.incoming"  # noqa: S608  (constants)
        )
        self._run(
            "INSERT INTO vectors (collection, key, vector) SELECT {c}, key, vector FROM pg_temp.incoming"
        )
        self._run("TRUNCATE pg_temp.incoming")

    def count(self, first: int, last: int) -> int:
        """Return how many passages have a key in a range, both ends included."""
        self._drain()
        query = "SELECT count(*) FROM passages WHERE collection = {c} AND key BETWEEN %s AND %s"
        return int(self._value(query, [first, last]))

    def count_sentences(self, keys: Sequence[int]) -> int:
        """Return how many sentences these passages have together."""
        self._drain()
        query = (
            "SELECT coalesce(sum(length(sentences) / 16), 0) FROM passages"
            " WHERE collection = {c} AND key = ANY(%s)"
        )
        return int(self._value(query, [list(keys)]))

    def keys_of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the keys of these sources' passages, ascending, shape (n,)."""
        self._drain()
        query = "SELECT key FROM passages WHERE collection = {c} AND source = ANY(%s) ORDER BY key"
        return np.array([key for (key,) in self._run(query, [list(numbers)])], dtype=np.int64)

    def passage_ids(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the passage_id of each key."""
        if not keys:
            return {}
        query = (
            "SELECT p.key, s.source_id, p.start, p.stop FROM passages p"
            " JOIN sources s ON s.collection = {c} AND s.id = p.source"
            " WHERE p.collection = {c} AND p.key = ANY(%s)"
        )
        return {key: passage_id(*name) for key, *name in self._run(query, [list(keys)])}

    def words(
        self, first: int, last: int, *, most: int | None = None
    ) -> Iterator[tuple[int, int, str]]:
        """Yield (key, number of the source, path and text) of a range of keys, ascending, at most so many."""
        self._drain()
        query = (
            "SELECT key, source, units, body, start FROM passages"
            " WHERE collection = {c} AND key BETWEEN %s AND %s ORDER BY key LIMIT %s"
        )
        for key, source, units, body, start in self._run(query, [first, last, most]):
            yield key, source, searched_words(units, body.decode(), start)

    def nearest(
        self, query: Halves, k: int, *, dimension: int, exact: bool, among: Sequence[int] | None
    ) -> tuple[list[int], list[bytes]]:
        """Return the keys and vectors of passages near a query, best first.

        Args:
            query: vector.
            k: so many.
            dimension: of it.
            exact: compares all; otherwise the graph is followed.
            among: numbers of the only sources to look at, all of whose passages are compared.
        """
        order = "v.vector <#> %b" if exact else f"(v.vector::halfvec({int(dimension)})) <#> %b"
        only = ""
        given: list[object] = [query]
        if among is not None:
            only = " JOIN passages p ON p.collection = {c} AND p.key = v.key AND p.source = ANY(%b)"
            given.insert(0, list(among))
        found = self._run(
            f"SELECT v.key, v.vector FROM vectors v{only} WHERE v.collection = {{c}} ORDER BY {order} LIMIT {int(k)}",  # noqa: S608
            given,
        ).fetchall()
        return [row[0] for row in found], [row[1] for row in found]

    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order.

        Raises:
            IndexCorruptError: one is missing.
        """
        if not keys:
            return []
        found = dict(self._passages(keys))
        lost = [key for key in keys if key not in found]
        if lost:
            raise IndexCorruptError(
                f"The passage {lost[0]} is missing from the database. Build the index anew with"
                " `rag sync --rebuild`; the documents themselves are not touched."
            )
        rows = [found[key] for key in keys]
        return stored_passages([row for row, _ in rows], from_wire([vector for _, vector in rows]))

    def _passages(self, keys: Sequence[int]) -> Iterator[tuple[int, tuple[PassageRow, bytes]]]:
        """Yield (key, all that is stored of a passage and its vector)."""
        self._drain()
        query = (
            "SELECT p.key, s.source_id, p.start, p.stop, p.n_tokens, p.sentences, p.units, p.body, p.vectors, v.vector"
            " FROM passages p JOIN sources s ON s.collection = {c} AND s.id = p.source"
            " JOIN vectors v ON v.collection = {c} AND v.key = p.key"
            " WHERE p.collection = {c} AND p.key = ANY(%b)"
        )
        for key, source_id, start, stop, n_tokens, spans, units, body, own, vector in self._run(
            query, [list(keys)]
        ):
            row = PassageRow(
                key=key,
                source_id=source_id,
                start=start,
                stop=stop,
                n_tokens=n_tokens,
                spans=spans,
                units=units,
                text=body.decode(),
                vectors=own,
            )
            yield key, (row, vector)

    # Words.

    def put_words(self, name: str, content: bytes) -> None:
        """Keep a part of the words."""
        self._run("INSERT INTO words VALUES ({c}, %s, %b)", [name, content])

    def words_file(self, wanted: FileRecord) -> bytes:
        """Return a part of the words.

        Raises:
            DamagedFileError: it is not there, or not what was recorded.
        """
        query = "SELECT content FROM words WHERE collection = {c} AND name = %s"
        row = self._run(query, [wanted.name]).fetchone()
        if row is None or FileRecord.of(wanted.name, row[0]) != wanted:
            raise DamagedFileError(f"the words {wanted.name} are missing or not as recorded")
        return bytes(row[0])

    def keep_words(self, names: Sequence[str]) -> None:
        """Delete all parts of the words but these."""
        self._run("DELETE FROM words WHERE collection = {c} AND name <> ALL(%s)", [list(names)])

    # What a sync remembers.

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return what was added by hand, in order of path."""
        query = 'SELECT path, prefix FROM roots WHERE collection = {c} ORDER BY path COLLATE "C"'
        return tuple(KnownRoot(path=path, prefix=prefix) for path, prefix in self._run(query))

    def put_root(self, root: KnownRoot) -> None:
        """Remember what was added by hand."""
        self._put("roots", path=root.path, prefix=root.prefix)

    def excluded(self) -> dict[str, str]:
        """Return the SHA-256 of each source that was removed by hand, by source_id."""
        return dict(self._run("SELECT source_id, sha256 FROM excluded WHERE collection = {c}"))

    def put_excluded(self, source_id: str, sha256: str) -> None:
        """Remember that a source was removed by hand."""
        self._put("excluded", source_id=source_id, sha256=sha256)

    def outdated(self) -> frozenset[str]:
        """Return the sources that an older version read, and that should be read again."""
        rows = self._run("SELECT source_id FROM outdated WHERE collection = {c}")
        return frozenset(name for (name,) in rows)

    def failures(self) -> dict[str, Failure]:
        """Return what could not be indexed, by source_id."""
        return failures_of(
            self._run(
                "SELECT source_id, sha256, reason, message FROM failures WHERE collection = {c}"
            )
        )

    def put_failure(self, failure: Failure) -> None:
        """Remember what could not be indexed."""
        self._put(
            "failures",
            source_id=failure.source_id,
            sha256=failure.sha256,
            reason=failure.reason,
            message=failure.message.replace("\0", ""),
        )

    def forget(self, table: str, name: str) -> bool:
        """Delete what a table of what a sync remembers has under a name, if anything."""
        column = _KEYS.get(table, "source_id")
        query = f"DELETE FROM {table} WHERE collection = {{c}} AND {column} = %s"  # noqa: S608  (constants)
        return self._run(query, [name]).rowcount > 0

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""
        return coverage_of(
            self.roots(),
            self._run(
                "SELECT path, identity, reached, pending, synced FROM places WHERE collection = {c}"
            ),
            self._run("SELECT source_id, origin, why FROM absent WHERE collection = {c}"),
            self._value("SELECT min(since) FROM kept WHERE collection = {c}"),
        )

    def put_place(self, place: RootState) -> None:
        """Remember how far a root is indexed."""
        self._put("places", **asdict(place))

    def forget_place(self, path: str) -> None:
        """Forget how far a root is indexed, and what of it was absent."""
        self.forget("places", path)
        self._run("DELETE FROM absent WHERE collection = {c} AND origin = %s", [path])

    def put_absent(self, source_id: str, absence: Absence) -> None:
        """Remember why a source is not where it was found."""
        self._put("absent", source_id=source_id, **asdict(absence))

    def keep_source(self, source_id: str, since: int) -> None:
        """Put the vectors of a source aside, without its text or its name.

        Raises:
            SourceNotFoundError: it is not there.
        """
        info, (number,) = self._row(source_id, ", id")
        keys: list[int] = self.keys_of([number]).tolist()
        for _, (row, vector) in list(self._passages(keys)):
            kept = row.kept(to_halves(from_wire([vector])))
            self.put_kept(source_id, info.origin, info.sha256, kept, since)

    def put_kept(self, source_id: str, origin: str, sha256: str, kept: Kept, since: int) -> None:
        """Put the vectors of one passage aside."""
        self._put(
            "kept",
            source=name_of(source_id),
            digest=kept.digest,
            origin=name_of(origin),
            sha256=sha256,
            since=since,
            vector=kept.vector,
            vectors=kept.vectors,
        )

    def kept(self, digests: Sequence[str], since: int) -> dict[str, Kept]:
        """Return what was put aside of some passages at a time or later, by digest."""
        rows = self._run(
            "SELECT digest, vector, vectors FROM kept"
            " WHERE collection = {c} AND digest = ANY(%s) AND since >= %s",
            [list(digests), since],
        )
        return {name: Kept(digest=name, vector=one, vectors=own) for name, one, own in rows}

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
            self._run(_DROP_KEPT.replace("{column}", column), [value]).rowcount
            for column, value in wanted.items()
            if value
        )

    def _put(self, table: str, **values: object) -> None:
        """Write a row of what a sync remembers, in place of the one of its name."""
        names = ", ".join(values)
        key = _KEYS.get(table, "source_id")
        new = ", ".join(f"{name} = excluded.{name}" for name in values)
        marks = ", ".join(["%s"] * len(values))
        self._run(
            f"INSERT INTO {table} AS held (collection, {names}) VALUES ({{c}}, {marks})"  # noqa: S608  (constants)
            f" ON CONFLICT (collection, {key}) DO UPDATE SET {new}",
            list(values.values()),
        )

    # The whole.

    def faults(self) -> Iterator[str]:
        """Yield what is wrong, reading everything there is."""
        state = self.state()
        for what, query, wanted in (
            ("sources", "SELECT count(*) FROM sources WHERE collection = {c}", state.sources),
            ("passages", "SELECT count(*) FROM passages WHERE collection = {c}", state.passages),
            ("vectors", "SELECT count(*) FROM vectors WHERE collection = {c}", state.passages),
        ):
            found = int(self._value(query))
            if found != wanted:
                yield f"There are {found:,} {what} where {wanted:,} were recorded; build the index anew."
        for info in self.sources():
            self.source(info.source_id)

    def _run(self, query: str, given: Sequence[object] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a query on the rows of the collection, whose number stands for {c}."""
        text = query.replace("{c}", str(self._of))
        return self.db.cursor(binary=True).execute(text, given or None)

    def _value(self, query: str, given: Sequence[object] = ()) -> Any:  # noqa: ANN401  (whatever the column holds)
        row = self._run(query, given).fetchone()
        return row[0] if row else None
