"""What a store is, to those who use it: the nouns it takes and gives, and the protocol it keeps.

The embedded store (`rag.index`) keeps it with one folder of files. Another one, such as a PostgreSQL server, takes its
place by keeping it too; nobody above knows the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rag.schema import (
    AbsenceReason,
    FateReason,
    FileReport,
    Passage,
    Source,
    SourceInfo,
    SplitPassage,
    Unit,
)

if TYPE_CHECKING:
    from rag.schema import Vectors


KEPT_SECONDS = 7 * 24 * 3600
"""How long vectors of what is gone are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStamp:
    """What an index was built with; vectors and passages of two stamps never mix."""

    encoder: str
    dimension: int
    tokenizer: str
    passage_tokens: int
    overlap_sentences: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexEntry:
    """A passage on its way into the index."""

    split: SplitPassage
    vector: Vectors
    """Unit vector of the passage, shape (d,)."""
    sentence_vectors: Vectors
    """Unit vectors of its sentences, shape (n_sentences, d)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredPassage:
    """A passage as the index gives it back; vectors have been rounded to half precision."""

    key: int
    """The index's own number for it, never given twice."""
    passage: Passage
    sentences: tuple[Unit, ...]
    """In offsets of the source."""
    vector: Vectors
    """Shape (d,)."""
    sentence_vectors: Vectors
    """Shape (n_sentences, d)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRoot:
    """A file or folder that was added by hand, and is looked at in every sync."""

    path: str
    prefix: str
    """What stands before the relative path in the ids of its sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a file's content could not be indexed, so that the same bytes are not tried again."""

    source_id: str
    sha256: str
    reason: FateReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RootState:
    """How far a root was indexed when it was last looked at."""

    path: str
    identity: str
    """What told it from another folder in its place; empty where nobody could say."""
    reached: bool
    """Whether it could be listed."""
    pending: int
    """Files that a sync has begun to index and has not finished, or was broken off before."""
    synced: float
    """When a sync of it last ended, in seconds since 1970; 0 for never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Why a source is not where it was found."""

    origin: str
    why: AbsenceReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the documents an index holds."""

    roots: tuple[KnownRoot, ...] = ()
    places: Mapping[str, RootState] = field(default_factory=dict)
    """By path."""
    absent: Mapping[str, Absence] = field(default_factory=dict)
    """By source_id; sources of a root that was not reached are not listed."""
    kept_since: int | None = None
    """When the oldest of the kept vectors were put aside, in seconds since 1970; None where there are none."""

    def is_everything_there(self) -> bool:
        """Whether every source is where it was found."""
        return not self.absent and all(place.reached for place in self.places.values())

    def absence(self, source_id: str, origin: str) -> AbsenceReason | None:
        """Return why a source is not where it was found; None where it is."""
        if (absent := self.absent.get(source_id)) is not None:
            return absent.why
        place = self.places.get(origin)
        return "unreachable" if place is not None and not place.reached else None

    def held(self) -> frozenset[str]:
        """Return the sources that are missing, and wait for somebody to say that they were removed."""
        return frozenset(name for name, absent in self.absent.items() if absent.why == "held")


class Snapshot(Protocol):
    """One consistent state of a store, whatever is written meanwhile."""

    def dense(
        self, query: Vectors, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, cosine) of the nearest passages, best first."""

    def lexical(
        self, text: str, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, BM25) of the passages that share words with a text, best first."""

    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order."""

    def keys(self, source_id: str) -> list[int]:
        """Return the keys of a source's passages, in order of the text."""

    def analyze(self, text: str) -> list[str]:
        """Return the terms that `lexical` compares."""

    def weights(self, terms: Collection[str]) -> dict[str, float]:
        """Return the BM25 idf of each term."""

    def source(self, source_id: str) -> Source:
        """Return one source with its text."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""

    def statistics(self) -> dict[str, object]:
        """Return counts, sizes and kinds."""

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""


class Transaction(Protocol):
    """Changes that are committed together, or not at all."""

    def put(self, source: Source, origin: str, entries: Sequence[IndexEntry]) -> None:
        """Add a source, or take the place of the one with its id."""

    def remove(self, source_id: str, *, keep: bool = False) -> None:
        """Remove a source and everything made from it; `keep` puts its vectors aside."""

    def keep(self, source: Source, origin: str, entries: Sequence[IndexEntry]) -> None:
        """Put vectors of a source aside, which is yet to be put."""

    def kept(self, splits: Sequence[SplitPassage]) -> dict[str, tuple[Vectors, Vectors]]:
        """Return the vectors of passages and of their sentences that were put aside, by digest."""

    def forget_vectors(self, source_id: str = "", *, sha256: str = "", origin: str = "") -> int:
        """Forget vectors that were put aside; return of how many passages."""

    def forget_old_vectors(self) -> int:
        """Forget vectors that were put aside too long ago; return of how many passages."""

    def note_place(self, place: RootState) -> None:
        """Remember how far a root is indexed."""

    def note_absent(self, source_id: str, absence: Absence | None) -> None:
        """Remember why a source is not where it was found; None for one that is."""

    def adopt(self, source_id: str, origin: str) -> None:
        """Say that an unchanged source now comes from another place."""

    def exclude(self, source_id: str, sha256: str) -> None:
        """Leave a source, and any other of the same content, out of every sync."""

    def include(self, source_id: str) -> None:
        """Take an exclusion back."""

    def remember_root(self, root: KnownRoot) -> None:
        """Look at a file or folder in every sync."""

    def forget_root(self, path: str) -> None:
        """Look at it no more."""

    def remember_failure(self, failure: Failure) -> None:
        """Do not try these bytes again."""

    def forget_failure(self, source_id: str) -> None:
        """Try them again."""

    def flush(self) -> None:
        """Commit what was changed so far and go on; search files follow at the end."""


class Store(Protocol):
    """A store of sources, passages and vectors, safe to share between threads."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Return one state to read from."""

    def writer(self, *, wait: float = 0.0) -> AbstractContextManager[Transaction]:
        """Return the one writer; committed at exit, rolled back on an exception."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""

    def source(self, source_id: str) -> Source:
        """Return one source with its text."""

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of the content of each source, by source_id."""

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return what was added by hand, in order of path."""

    def excluded(self) -> dict[str, str]:
        """Return the SHA-256 of each source that was removed by hand, by source_id."""

    def outdated(self) -> frozenset[str]:
        """Return the sources that an older version read, and that should be read again."""

    def failures(self) -> Mapping[str, Failure]:
        """Return what could not be indexed, by source_id."""

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""

    def statistics(self) -> dict[str, object]:
        """Return counts, sizes and kinds."""

    def faults(self) -> tuple[str, ...]:
        """Read everything there is and return what is wrong with it, one sentence each."""

    def close(self) -> None:
        """Let go of files and connections."""


Progress = Callable[[str, int, int], None]
"""Told (stage, done, of how many): the stages are `read`, in files, and `embed`, in passages."""


class Root(Protocol):
    """A file or folder to look at."""

    @property
    def path(self) -> Path:
        """Where it is."""


class Found(Protocol):
    """A file that was found."""

    @property
    def source_id(self) -> str:
        """The id of the source it makes."""

    @property
    def path(self) -> Path:
        """Where it is."""


class Loaded(Protocol):
    """A file that was read."""

    @property
    def source(self) -> Source:
        """What it says."""

    @property
    def reason(self) -> FateReason:
        """A warning; empty where there is none."""

    @property
    def message(self) -> str:
        """The warning as a sentence."""

    @property
    def parts(self) -> Sequence[Loaded]:
        """The files that lie in it, each with an id below that of its source."""

    @property
    def faults(self) -> Sequence[FileReport]:
        """Why others that lie in it could not be read."""


class Encoded(Protocol):
    """Vectors of n passages."""

    @property
    def passages(self) -> Vectors:
        """Shape (n, d)."""

    @property
    def sentences(self) -> Sequence[Vectors]:
        """For each passage, shape (n_sentences, d)."""
