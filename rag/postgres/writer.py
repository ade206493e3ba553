"""Changes to a collection in the database: rows, words and the row that publishes them, in one transaction."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from rag.index.changes import Changes
from rag.index.files import FileRecord
from rag.index.state import State
from rag.index.vectors import VectorFile
from rag.postgres.address import ServerAddress
from rag.postgres.catalogue import ServerCatalogue
from rag.store import IndexStamp

_MANY = 0.2
"""Share of the passages that must have changed for the server to look at them anew at once."""


class PostgresWriter(Changes[ServerCatalogue]):
    """The one writer, for one thread, until its `with` block ends.

    Args:
        catalogue: over a connection that holds the collection's lock.
        stamp: what the collection is built with.
        address: of the database, for messages.
        exact_up_to: passages up to which vector search compares all.
        clock: says how many seconds it is since 1970.
    """

    def __init__(
        self,
        catalogue: ServerCatalogue,
        stamp: IndexStamp,
        *,
        address: ServerAddress,
        exact_up_to: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(catalogue, stamp, clock=clock)
        self._address = address
        self._exact_up_to = exact_up_to
        self._changed = 0

    def finish(self) -> None:
        """Commit the rest; then have vectors that have become many searched by a graph, while questions go on."""
        self.flush()
        with self._translated():
            total = self._catalogue.state().passages
            wants = total > self._exact_up_to and not self._catalogue.has_nearest()
            if wants or self._changed > _MANY * total:
                self._catalogue.settle(self._stamp.dimension, nearest=wants)

    def _translated(self) -> AbstractContextManager[None]:
        return self._address.translated()

    def _read_words(self, file: FileRecord) -> bytes:
        """Return the content of a part of the words."""
        return self._catalogue.words_file(file)

    def _write_words(self, content: bytes) -> FileRecord:
        """Keep the content of a part of the words under a name that no other ever had."""
        name = uuid.uuid4().hex[:16]
        self._catalogue.put_words(name, content)
        return FileRecord.of(name, content)

    def _segments(self, before: State) -> tuple[VectorFile, ...]:  # noqa: ARG002  (the server searches vectors)
        """Return nothing: the server searches the vectors."""
        return ()

    def _commit(self) -> None:
        """Make everything current at once."""
        with self._changing():
            before = self._catalogue.state()
            state = self._new_state(before)
            self._catalogue.keep_words([part.file.name for part in state.parts])
            self._catalogue.set_state(state)
            self._catalogue.commit()
            self._changed += abs(self._passages) + len(self._removed)
            self._start_over()
