"""Rows of a catalogue and the nouns that they stand for, whichever database keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rag.errors import SourceNotFoundError
from rag.index.kept_vectors import Kept, digest
from rag.index.vectors import from_halves
from rag.language.blocks import (
    blocks_as_json,
    blocks_of,
    pages_as_json,
    pages_of,
    path_of,
    units_of,
)
from rag.language.paths import led
from rag.schema import Passage, Source, SourceInfo
from rag.store import Absence, Coverage, Failure, KnownRoot, RootState, StoredPassage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Vectors
    from rag.store import IndexEntry
else:
    from rag.late import numpy as np

INFO = "source_id, title, sha256, media_type, origin, indexed_at, n_chars, n_pages, n_passages"
"""Columns of what is known of a source without its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """A passage as it is stored."""

    key: int
    source_id: str
    start: int
    stop: int
    n_tokens: int
    spans: bytes
    """Of its sentences, in offsets of the source, as little-endian int64 pairs."""
    units: str
    text: str
    vectors: bytes
    """Of its sentences, in half precision."""

    def kept(self, vector: bytes) -> Kept:
        """Return what is put aside of it when it goes."""
        inside = np.frombuffer(self.spans, dtype="<i8") - self.start
        text = led(path_of(self.units), self.text, self.start)
        return Kept(digest=digest(text, inside), vector=vector, vectors=self.vectors)


def info_row(source: Source, origin: str, n_passages: int) -> tuple[str | int, ...]:
    """Return what is stored of a source without its text, in the order of `INFO`."""
    return (
        source.source_id,
        source.title,
        source.sha256,
        source.media_type,
        origin,
        datetime.now(UTC).isoformat(timespec="seconds"),
        len(source.text),
        len(source.pages),
        n_passages,
    )


def info_of(row: Sequence[Any]) -> SourceInfo:
    """Return what a row of `INFO` says."""
    return SourceInfo(
        source_id=row[0],
        title=row[1],
        sha256=row[2],
        media_type=row[3],
        origin=row[4],
        indexed_at=row[5],
        n_chars=row[6],
        n_pages=row[7],
        n_passages=row[8],
    )


def body_row(source: Source) -> tuple[str, str, str]:
    """Return the rest of what is stored of a source: pages, blocks, text."""
    pages = pages_as_json(source.pages, source.places)
    return pages, blocks_as_json(source.blocks), source.text


def source_of(info: SourceInfo, pages: str, blocks: str, text: str) -> Source:
    """Return a source from its rows."""
    starts, places = pages_of(pages)
    return Source(
        source_id=info.source_id,
        title=info.title,
        text=text,
        sha256=info.sha256,
        media_type=info.media_type,
        pages=starts,
        places=places,
        blocks=blocks_of(blocks),
    )


def not_found(source_id: str) -> SourceNotFoundError:
    """Return the error for a source that is not there."""
    return SourceNotFoundError(f"No source {source_id!r} is indexed. `rag sources` lists what is.")


def with_absence(found: Iterable[SourceInfo], coverage: Coverage) -> tuple[SourceInfo, ...]:
    """Return sources, each with why it is not where it was found."""
    if coverage.is_everything_there():
        return tuple(found)
    return tuple(
        replace(info, absence=coverage.absence(info.source_id, info.origin)) for info in found
    )


def spans_of(entry: IndexEntry) -> bytes:
    """Return where the sentences of a passage stand, as it is stored."""
    spans: bytes = np.array(
        [(s.start, s.end) for s in entry.split.sentences], dtype="<i8"
    ).tobytes()
    return spans


def searched_words(units: str, text: str, start: int) -> str:
    """Return what is searched of a passage: its path and its text."""
    return led(path_of(units), text, start)


def stored_passages(rows: Sequence[PassageRow], vectors: Vectors) -> list[StoredPassage]:
    """Return passages from their rows, with these vectors of theirs, shape (n, d)."""
    sentences = from_halves([row.vectors for row in rows], vectors.shape[1])
    offsets: NDArray[np.int64] = np.frombuffer(b"".join(row.spans for row in rows), dtype="<i8")
    spans = offsets.reshape(-1, 2).tolist()
    stored, at = [], 0
    for vector, row in zip(vectors, rows, strict=True):
        after = at + len(row.spans) // 16
        path, made = units_of(row.units, spans[at:after])
        passage = Passage(
            passage_id=passage_id(row.source_id, row.start, row.stop),
            source_id=row.source_id,
            start=row.start,
            end=row.stop,
            text=row.text,
            n_tokens=row.n_tokens,
            path=path,
        )
        stored.append(
            StoredPassage(
                key=row.key,
                passage=passage,
                sentences=made,
                vector=vector,
                sentence_vectors=sentences[at:after],
            )
        )
        at = after
    return stored


def passage_id(source_id: str, start: int, end: int) -> str:
    """Return a passage's name."""
    return f"{source_id}#{start}-{end}"


def failures_of(rows: Iterable[Sequence[Any]]) -> dict[str, Failure]:
    """Return what could not be indexed, from (source_id, sha256, reason, message)."""
    return {
        source_id: Failure(source_id=source_id, sha256=sha256, reason=reason, message=message)
        for source_id, sha256, reason, message in rows
    }


def coverage_of(
    roots: tuple[KnownRoot, ...],
    places: Iterable[Sequence[Any]],
    absent: Iterable[Sequence[Any]],
    since: int | None,
) -> Coverage:
    """Return how much of the documents is indexed.

    Args:
        roots: what was added by hand.
        places: (path, identity, reached, pending, synced).
        absent: (source_id, origin, why).
        since: when the oldest of the kept vectors were put aside.
    """
    return Coverage(
        roots=roots,
        places={
            path: RootState(
                path=path, identity=identity, reached=bool(reached), pending=pending, synced=synced
            )
            for path, identity, reached, pending, synced in places
        },
        absent={source_id: Absence(origin=origin, why=why) for source_id, origin, why in absent},
        kept_since=since,
    )
