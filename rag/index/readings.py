"""What is read of a store in one go, whichever database keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from rag.index.truth import Readable
from rag.schema import Source, SourceInfo
from rag.store import Coverage, Failure, KnownRoot, Snapshot, Transaction


class Readings(ABC):
    """The part of a store that only reads, over a catalogue in a transaction of its own."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Readable]:
        """Return a catalogue in a transaction of its own."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Return one state to read from."""

    @abstractmethod
    def writer(self, *, wait: float = 0.0) -> AbstractContextManager[Transaction]:
        """Return the one writer."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        with self._reading() as catalogue:
            return catalogue.sources()

    def source(self, source_id: str) -> Source:
        """Return one source with its text.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        with self._reading() as catalogue:
            return catalogue.source(source_id)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of the content of each source, by source_id."""
        return {info.source_id: info.sha256 for info in self.sources()}

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return the files and folders that were added by hand, in order of path."""
        with self._reading() as catalogue:
            return catalogue.roots()

    def excluded(self) -> dict[str, str]:
        """Return the SHA-256 of each source that was removed by hand, by source_id."""
        with self._reading() as catalogue:
            return catalogue.excluded()

    def outdated(self) -> frozenset[str]:
        """Return the sources that an older version read, and that should be read again."""
        with self._reading() as catalogue:
            return catalogue.outdated()

    def failures(self) -> dict[str, Failure]:
        """Return what could not be indexed, by source_id."""
        with self._reading() as catalogue:
            return catalogue.failures()

    def remember_root(self, path: str, prefix: str) -> None:
        """Look at a file or folder in every sync."""
        with self.writer() as writer:
            writer.remember_root(KnownRoot(path=path, prefix=prefix))

    def forget_root(self, path: str) -> None:
        """Look at it no more."""
        with self.writer() as writer:
            writer.forget_root(path)

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""
        with self._reading() as catalogue:
            return catalogue.coverage()

    def statistics(self) -> dict[str, object]:
        """Return numbers of sources, passages and sentences, bytes, kinds and settings."""
        with self.snapshot() as snapshot:
            return snapshot.statistics()
