"""Changes to the index, committed together or not at all, and the search files that go with them.

Order of a commit: search files are written, flushed and renamed into place; then one SQLite transaction
makes the rows and the record of these files current; then what nothing refers to any more is removed. A crash
before the transaction leaves the old state and a few stray files, one after it the new state.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.index.catalogue import Catalogue
from rag.index.changes import Changes, KeyRange, between
from rag.index.database import translated
from rag.index.files import DamagedFileError, FileRecord, Layout, read_checked, write_durably
from rag.index.search import is_whole
from rag.index.state import State
from rag.index.vectors import SEGMENT_PASSAGES, VectorFile, VectorIndex, kind_for
from rag.index.words import Part
from rag.store import IndexStamp

if TYPE_CHECKING:
    import numpy as np
else:
    from rag.late import numpy as np

_PURGE_WAIT = 0.1
"""Seconds that a commit waits for readers of older states, to cut off the log of changes."""


class Writer(Changes[Catalogue]):
    """The one writer, for one thread, until its `with` block ends.

    Args:
        catalogue: writable.
        layout: where files go.
        stamp: what the index is built with.
        exact_up_to: passages up to which vector search compares all.
        clock: says how many seconds it is since 1970.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        layout: Layout,
        stamp: IndexStamp,
        *,
        exact_up_to: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(catalogue, stamp, clock=clock)
        self._layout = layout
        self._exact_up_to = exact_up_to

    def mend(self) -> None:
        """Have search files that are missing or damaged written anew; change nothing if none is."""
        with self._translated():
            state = self._catalogue.state()
        parts: list[Part | VectorFile] = [*state.parts, *state.vectors]
        damaged = {part.file.name for part in parts if not is_whole(part, self._layout)}
        if damaged or not state.has_all_vectors():
            with self._changing():
                self._damaged |= damaged

    def finish(self) -> None:
        """Commit the rest, with all search files."""
        with self._translated():
            unpublished = not self._catalogue.state().has_all_vectors()
        if self._begun or unpublished:
            self._commit()

    def abandon(self) -> None:
        """Forget what was not committed, and the files already written for it."""
        with self._translated():
            self._catalogue.rollback()
            self._collect(self._catalogue.state())

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._catalogue.path, needed=self._bytes)

    def _commit(self) -> None:
        """Write the search files, make everything current at once, and remove what is left over."""
        with self._changing():
            state = self._new_state(self._catalogue.state())
            self._catalogue.set_state(state)
            self._catalogue.commit()
            self._start_over()
            self._collect(state)
            self._catalogue.purge(wait=_PURGE_WAIT)

    def _segments(self, before: State) -> tuple[VectorFile, ...]:
        """Return the segments of the vectors of the new state, writing those that differ from the old one's."""
        old = before.vectors if before.has_all_vectors() else ()
        total = before.passages + self._passages
        made: list[VectorFile] = []
        for one in self._ranges(old, SEGMENT_PASSAGES):
            if one.part:
                made.append(one.part)
            else:
                first = one.first
                is_large = one.passages > SEGMENT_PASSAGES
                cuts = self._catalogue.cuts(first, one.last, SEGMENT_PASSAGES) if is_large else []
                for last in (*cuts, one.last):
                    made.append(self._write_vectors(KeyRange(first, last, 0, None), old, of=total))
                    first = last + 1
        return tuple(made)

    def _read_words(self, file: FileRecord) -> bytes:
        """Return the content of a part of the words."""
        return read_checked(self._layout.folder / file.name, file)

    def _write_words(self, content: bytes) -> FileRecord:
        """Write the file of a part under a name that no other ever had."""
        return write_durably(self._layout.words(uuid.uuid4().hex[:16]), content)

    def _write_vectors(
        self, one: KeyRange[VectorFile], parts: Sequence[VectorFile], *, of: int
    ) -> VectorFile:
        """Write a segment of a range of keys, of old segments where these can be read, and of so many in all."""
        dimension = self._stamp.dimension
        old: list[VectorFile] = []
        known: list[VectorIndex] = []
        for part in self._within(one, parts):
            path = self._layout.folder / part.file.name
            with suppress(DamagedFileError):
                known.append(VectorIndex.open(path, part, dimension=dimension, whole=True))
                old.append(part)
        found = [
            self._catalogue.vectors(dimension, first, last) for first, last in between(one, old)
        ]
        for part, index in zip(old, known, strict=True):
            kept = np.flatnonzero(~np.isin(index.keys, self._gone(part)))
            found.append((index.keys[kept], index.checksums[kept], index.rows(kept)))
        found.sort(key=lambda some: some[0][0] if len(some[0]) else 0)
        keys, checksums, rows = found[0]
        if len(found) > 1:
            keys = np.concatenate([some[0] for some in found])
            checksums = np.concatenate([some[1] for some in found])
            rows = np.concatenate([some[2] for some in found])
        kind = kind_for(len(keys), dimension, of=of, exact_up_to=self._exact_up_to)
        index = VectorIndex.build(keys, checksums, rows, kind=kind, known=known)
        tail = index.tail()
        name = self._layout.vectors(uuid.uuid4().hex[:16])
        return VectorFile(
            first=one.first,
            last=one.last,
            file=write_durably(name, rows.tobytes() + tail),
            kind=index.kind,
            passages=len(index),
            tail=hashlib.sha256(tail).hexdigest(),
        )

    def _collect(self, state: State) -> None:
        """Remove search files that a state does not refer to; readers keep those that they have open."""
        wanted = state.files()
        for path in self._layout.search_files():
            if path.name not in wanted:
                remove(path)


def remove(path: Path) -> None:
    """Remove a file that nothing refers to; another time if it cannot be done now."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
