"""Changes to a store, committed together or not at all, whichever database keeps it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.index.files import DamagedFileError, FileRecord
from rag.index.kept_vectors import digest_of, kept_of
from rag.index.state import State
from rag.index.truth import Changeable
from rag.index.vectors import VectorFile, from_halves
from rag.index.words import PART_PASSAGES, Part, build, repack
from rag.schema import Source, SplitPassage
from rag.store import (
    KEPT_SECONDS,
    Absence,
    Failure,
    IndexEntry,
    IndexStamp,
    KnownRoot,
    RootState,
)

if TYPE_CHECKING:
    import numpy as np

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

_UNIT = 0.01
"""By how much a vector's length may differ from 1."""
_AGAIN = 8
"""Passages of an old part that are at hand to be analysed again."""

C = TypeVar("C", bound=Changeable)
P = TypeVar("P", Part, VectorFile)


@dataclass(frozen=True, slots=True)
class KeyRange(Generic[P]):
    """A range of keys that belong into one file; `part` is None where that has yet to be written."""

    first: int
    last: int
    passages: int
    part: P | None


class Changes(ABC, Generic[C]):
    """The one writer, for one thread, until its `with` block ends.

    Args:
        catalogue: where the rows go.
        stamp: what the store is built with.
        clock: says how many seconds it is since 1970.
    """

    def __init__(
        self, catalogue: C, stamp: IndexStamp, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._catalogue = catalogue
        self._stamp = stamp
        self._clock = clock
        self._start_over()

    def put(self, source: Source, origin: str, entries: Sequence[IndexEntry]) -> None:
        """Add a source, or take the place of the one with its id.

        Args:
            source: with its text.
            origin: the file, or the folder it was found below.
            entries: its passages, in order.

        Raises:
            ValueError: passages or vectors do not fit the source or the index.
            IndexWriteError: no space or no permission.
        """
        _check(source, entries, self._stamp.dimension)
        with self._changing(_size(source, entries)):
            if self._catalogue.number(source.source_id) is not None:
                self._delete(source.source_id)
            self._catalogue.drop_kept(source_id=source.source_id, sha256=source.sha256)
            number = self._catalogue.add_source(source, origin, len(entries))
            self._catalogue.add_passages(number, self._catalogue.last_key() + 1, entries)
            self._sources += 1
            self._passages += len(entries)
            self._sentences += sum(len(entry.split.sentences) for entry in entries)

    def remove(self, source_id: str, *, keep: bool = False) -> None:
        """Remove a source and everything made from it.

        Args:
            source_id: of the source.
            keep: put its vectors aside for a week, under the hash of what they were made from: what comes back is
                then not embedded again.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        with self._changing():
            if keep:
                self._catalogue.keep_source(source_id, int(self._clock()))
            self._delete(source_id)

    def keep(self, source: Source, origin: str, entries: Sequence[IndexEntry]) -> None:
        """Put vectors of a source aside, which is yet to be put: embedding it may be broken off."""
        with self._changing(_size(source, entries)):
            for entry in entries:
                self._catalogue.put_kept(
                    source.source_id, origin, source.sha256, kept_of(entry), int(self._clock())
                )

    def kept(self, splits: Sequence[SplitPassage]) -> dict[str, tuple[Vectors, Vectors]]:
        """Return what was put aside of passages in the last week: vector and sentence vectors, by digest."""
        dimension = self._stamp.dimension
        with self._translated():
            found = self._catalogue.kept(
                [digest_of(split) for split in splits], int(self._clock()) - KEPT_SECONDS
            )
        return {
            one.digest: (
                from_halves([one.vector], dimension)[0],
                from_halves([one.vectors], dimension),
            )
            for one in found.values()
        }

    def forget_vectors(self, source_id: str = "", *, sha256: str = "", origin: str = "") -> int:
        """Forget at once what was put aside of a source, of a content under any name, or of a root.

        Returns:
            Of how many passages.
        """
        with self._changing():
            return self._catalogue.drop_kept(source_id=source_id, sha256=sha256, origin=origin)

    def forget_old_vectors(self) -> int:
        """Forget what was put aside more than a week ago; return of how many passages."""
        with self._changing():
            return self._catalogue.drop_kept(before=int(self._clock()) - KEPT_SECONDS)

    def note_place(self, place: RootState) -> None:
        """Remember how far a root is indexed."""
        with self._changing():
            self._catalogue.put_place(place)

    def note_absent(self, source_id: str, absence: Absence | None) -> None:
        """Remember why a source is not where it was found; None for one that is."""
        with self._changing():
            if absence is None:
                self._catalogue.forget("absent", source_id)
            else:
                self._catalogue.put_absent(source_id, absence)

    def adopt(self, source_id: str, origin: str) -> None:
        """Say that an unchanged source now comes from another place.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        with self._changing():
            self._catalogue.set_origin(source_id, origin)

    def exclude(self, source_id: str, sha256: str) -> None:
        """Leave a source, and any other of the same content, out of every sync."""
        with self._changing():
            self._catalogue.put_excluded(source_id, sha256)

    def include(self, source_id: str) -> None:
        """Take an exclusion back."""
        with self._changing():
            self._catalogue.forget("excluded", source_id)

    def remember_root(self, root: KnownRoot) -> None:
        """Look at a file or folder in every sync."""
        with self._changing():
            self._catalogue.put_root(root)

    def forget_root(self, path: str) -> None:
        """Look at it no more, and forget the vectors that were put aside of what lay there."""
        with self._changing():
            self._catalogue.forget("roots", path)
            self._catalogue.forget_place(path)
            self._catalogue.drop_kept(origin=path)

    def remember_failure(self, failure: Failure) -> None:
        """Do not try these bytes again."""
        with self._changing():
            self._catalogue.put_failure(failure)

    def forget_failure(self, source_id: str) -> None:
        """Try them again."""
        with self._changing():
            self._catalogue.forget("failures", source_id)

    def flush(self) -> None:
        """Commit what was changed so far, with its search files, and go on."""
        if self._begun:
            self._commit()

    def finish(self) -> None:
        """Commit the rest, with all search files."""
        self.flush()

    def abandon(self) -> None:
        """Forget what was not committed."""
        with self._translated():
            self._catalogue.rollback()

    def _start_over(self) -> None:
        self._begun = False
        self._bytes = 0
        self._sources = self._passages = self._sentences = 0
        self._removed: list[int] = []  # keys whose part and segment are to be written anew
        self._damaged: set[str] = set()  # names of files that are to be written anew

    @contextmanager
    def _changing(self, size: int = 0) -> Iterator[None]:
        """Begin a transaction with the first change; `size` bytes are about to be written."""
        self._bytes += size
        with self._translated():
            if not self._begun:
                self._catalogue.begin(write=True)
                self._begun = True
            yield

    @abstractmethod
    def _translated(self) -> AbstractContextManager[None]:
        """Translate what the database says into what a person can do about it."""

    @abstractmethod
    def _read_words(self, file: FileRecord) -> bytes:
        """Return the content of a part of the words.

        Raises:
            DamagedFileError: it is missing or not what was recorded.
        """

    @abstractmethod
    def _write_words(self, content: bytes) -> FileRecord:
        """Keep the content of a part of the words under a name that no other ever had."""

    @abstractmethod
    def _segments(self, before: State) -> tuple[VectorFile, ...]:
        """Return the files of the vectors of the new state; none where the database searches them."""

    @abstractmethod
    def _commit(self) -> None:
        """Make everything current at once, and remove what is left over."""

    def _delete(self, source_id: str) -> None:
        """Delete a source, and note which parts hold its words."""
        before = self._catalogue.keys_of(_known(self._catalogue.number(source_id)))
        self._sentences -= self._catalogue.count_sentences(before.tolist())
        keys = self._catalogue.delete_source(source_id)
        self._removed += keys
        self._sources -= 1
        self._passages -= len(keys)

    def _new_state(self, before: State) -> State:
        """Return the state that follows another, with its search files written."""
        return State(
            generation=before.generation + 1,
            sources=before.sources + self._sources,
            passages=before.passages + self._passages,
            sentences=before.sentences + self._sentences,
            parts=self._parts(before.parts),
            vectors=self._segments(before),
        )

    def _parts(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Return the parts of the words of the new state, writing those that differ from the old one's."""
        made: list[Part] = []
        for one in self._ranges(parts, PART_PASSAGES):
            made += [one.part] if one.part else self._made_parts(one, parts)
        return tuple(made)

    def _made_parts(self, one: KeyRange[Part], parts: Sequence[Part]) -> list[Part]:
        """Write the words of a range: merged of old parts where these can be read, else analysed."""
        content = self._merged_words(one, parts) if one.passages <= PART_PASSAGES else None
        if content is None:
            rows = self._catalogue.words(one.first, one.last)
            return build(rows, self._write_words, first=one.first, last=one.last)
        file = self._write_words(content)
        return [Part(first=one.first, last=one.last, passages=one.passages, file=file)]

    def _merged_words(self, one: KeyRange[Part], parts: Sequence[Part]) -> bytes | None:
        """Return the words of a range made of old parts' and new passages'; None where that cannot be."""
        old = self._within(one, parts)
        if not old:
            return None
        fresh = [
            row for first, last in between(one, old) for row in self._catalogue.words(first, last)
        ]
        again = (
            row for part in old for row in self._catalogue.words(part.first, part.last, most=_AGAIN)
        )
        try:
            return repack(
                (self._read_words(part.file) for part in old),
                gone=[key for part in old for key in self._gone(part)],
                fresh=fresh,
                again=list(islice(again, _AGAIN)),
            )
        except DamagedFileError:
            return None

    def _ranges(self, parts: Sequence[P], most: int) -> list[KeyRange[P]]:
        """Return the ranges of keys of the new state's files, of which some are as they were."""
        ranges = [self._range(part) for part in parts]
        after = parts[-1].last + 1 if parts else 1
        last = self._catalogue.last_key()
        ranges.append(KeyRange(after, last, self._catalogue.count(after, last), None))
        return merged(ranges, most)

    def _range(self, part: P) -> KeyRange[P]:
        """Return the range of a file, which lacks it if that has to be written anew."""
        gone = len(self._gone(part))
        if not gone and part.file.name not in self._damaged:
            return KeyRange(part.first, part.last, part.passages, part)
        return KeyRange(part.first, part.last, part.passages - gone, None)

    def _gone(self, part: Part | VectorFile) -> list[int]:
        """Return the keys of a file whose passages are removed, ascending."""
        removed = self._removed
        removed.sort()
        return removed[bisect_left(removed, part.first) : bisect_right(removed, part.last)]

    def _within(self, one: KeyRange[P], parts: Sequence[P]) -> list[P]:
        """Return the old files of a range that are not known to be damaged."""
        return [
            part
            for part in parts
            if one.first <= part.first
            and part.last <= one.last
            and part.file.name not in self._damaged
        ]


def merged(ranges: Iterable[KeyRange[P]], most: int) -> list[KeyRange[P]]:
    """Return ranges with small neighbours merged, and empty ones gone.

    Two are merged if they have together no more than so many passages and the left has at most twice the passages of
    the right: so a passage is rewritten a logarithmic number of times while an index grows, and files stay few.
    """
    stack: list[KeyRange[P]] = []
    for one in ranges:
        stack += [one] if one.passages else []
        while len(stack) > 1 and _belong(stack[-2], stack[-1], most):
            right, left = stack.pop(), stack.pop()
            stack.append(KeyRange(left.first, right.last, left.passages + right.passages, None))
    return stack


def between(one: KeyRange[P], parts: Sequence[P]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of keys, both ends included, that no file of a range has."""
    first = one.first
    for part in parts:
        if first < part.first:
            yield first, part.first - 1
        first = part.last + 1
    if first <= one.last:
        yield first, one.last


def _belong(left: KeyRange[P], right: KeyRange[P], most: int) -> bool:
    return left.passages <= 2 * right.passages and left.passages + right.passages <= most


def _known(number: int | None) -> list[int]:
    return [] if number is None else [number]


def _size(source: Source, entries: Sequence[IndexEntry]) -> int:
    """Return about how many bytes a source takes."""
    vectors = sum(entry.vector.size + entry.sentence_vectors.size for entry in entries)
    texts = sum(len(entry.split.passage.text) for entry in entries)
    return 2 * vectors + texts + len(source.text)


def _check(source: Source, entries: Sequence[IndexEntry], dimension: int) -> None:
    """Refuse what would make quotes wrong or searches silently bad."""
    for entry in entries:
        passage, n = entry.split.passage, len(entry.split.sentences)
        if (passage.source_id, passage.text) != (
            source.source_id,
            source.text[passage.start : passage.end],
        ):
            raise ValueError(f"{passage.passage_id!r} is no passage of {source.source_id!r}")
        _check_vectors("vector", entry.vector, (dimension,))
        _check_vectors("sentence_vectors", entry.sentence_vectors, (n, dimension))


def _check_vectors(name: str, vectors: Vectors, wanted: tuple[int, ...]) -> None:
    if np.shape(vectors) != wanted:
        raise ValueError(f"{name} must have the shape {wanted!r}, got {np.shape(vectors)!r}")
    lengths = np.linalg.norm(np.asarray(vectors, dtype=np.float64), axis=-1)
    # Written so that a NaN is refused too.
    if not (np.abs(lengths - 1) <= _UNIT).all():
        raise ValueError(f"{name} must be unit vectors, got lengths {lengths!r}")
