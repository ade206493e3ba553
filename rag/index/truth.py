"""What a catalogue is to those who change and read it, whichever database keeps it: one connection, one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from rag.index.kept_vectors import Kept
from rag.index.state import State
from rag.schema import Source, SourceInfo
from rag.store import Absence, Coverage, Failure, IndexEntry, KnownRoot, RootState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Readable(Protocol):
    """A state that can be read."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return all sources without their texts, in order of source_id."""

    def source(self, source_id: str) -> Source:
        """Return a source with its text."""

    def number(self, source_id: str) -> int | None:
        """Return the store's own number of a source, None if it is not there."""

    def keys_of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the keys of these sources' passages, ascending, shape (n,)."""

    def passage_ids(self, keys: Sequence[int]) -> dict[int, str]:
        """Return the passage_id of each key."""

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return what was added by hand, in order of path."""

    def excluded(self) -> dict[str, str]:
        """Return the SHA-256 of each source that was removed by hand, by source_id."""

    def outdated(self) -> frozenset[str]:
        """Return the sources that should be read again."""

    def failures(self) -> dict[str, Failure]:
        """Return what could not be indexed, by source_id."""

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""


class Changeable(Protocol):
    """A state that can be changed, within a transaction."""

    def begin(self, *, write: bool = False) -> None:
        """Start a transaction."""

    def commit(self) -> None:
        """Make the changes last."""

    def rollback(self) -> None:
        """End the transaction, if there is one; its changes are gone."""

    def state(self) -> State:
        """Return the current state."""

    def set_state(self, state: State) -> None:
        """Record what this commit leaves."""

    def number(self, source_id: str) -> int | None:
        """Return the store's own number of a source, None if it is not there."""

    def add_source(self, source: Source, origin: str, n_passages: int) -> int:
        """Add a source and return its number."""

    def set_origin(self, source_id: str, origin: str) -> None:
        """Record that a source comes from another place."""

    def delete_source(self, source_id: str) -> list[int]:
        """Delete a source and everything made from it; return the keys of its passages."""

    def last_key(self) -> int:
        """Return the highest key ever given."""

    def add_passages(self, number: int, first: int, entries: Sequence[IndexEntry]) -> None:
        """Add the passages of a source under keys from `first` on."""

    def count(self, first: int, last: int) -> int:
        """Return how many passages have a key in a range, both ends included."""

    def count_sentences(self, keys: Sequence[int]) -> int:
        """Return how many sentences these passages have together."""

    def keys_of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Return the keys of these sources' passages, ascending, shape (n,)."""

    def words(
        self, first: int, last: int, *, most: int | None = None
    ) -> Iterator[tuple[int, int, str]]:
        """Yield (key, number of the source, path and text) of a range of keys, ascending, at most so many."""

    def put_root(self, root: KnownRoot) -> None:
        """Remember what was added by hand."""

    def put_excluded(self, source_id: str, sha256: str) -> None:
        """Remember that a source was removed by hand."""

    def put_failure(self, failure: Failure) -> None:
        """Remember what could not be indexed."""

    def forget(self, table: str, name: str) -> bool:
        """Delete what a table of what a sync remembers has under a name, if anything."""

    def put_place(self, place: RootState) -> None:
        """Remember how far a root is indexed."""

    def forget_place(self, path: str) -> None:
        """Forget how far a root is indexed, and what of it was absent."""

    def put_absent(self, source_id: str, absence: Absence) -> None:
        """Remember why a source is not where it was found."""

    def keep_source(self, source_id: str, since: int) -> None:
        """Put the vectors of a source aside, without its text or its name."""

    def put_kept(self, source_id: str, origin: str, sha256: str, kept: Kept, since: int) -> None:
        """Put the vectors of one passage aside."""

    def kept(self, digests: Sequence[str], since: int) -> dict[str, Kept]:
        """Return what was put aside of some passages at a time or later, by digest."""

    def drop_kept(
        self, *, source_id: str = "", sha256: str = "", origin: str = "", before: int = 0
    ) -> int:
        """Delete what was put aside of a source, a content, a root, or before a time; return how many rows."""
