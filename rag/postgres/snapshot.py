"""One consistent state of a collection in the database: a transaction that reads one snapshot from begin to end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.index.snapshot import StateSnapshot
from rag.index.state import State
from rag.index.words import WordIndex
from rag.postgres.address import ServerAddress
from rag.postgres.catalogue import Halves, ServerCatalogue, from_wire
from rag.schema import SourceInfo
from rag.store import Coverage, IndexStamp, StoredPassage

if TYPE_CHECKING:
    import numpy as np

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

_SPARE = 28
"""Results compared exactly beyond those wanted: the server ranks by a query in half precision."""
_NEAR = 1e-3
"""By how much the server's cosine may differ from the exact one."""
_DIGITS = 7
"""Of a cosine: what is equal to so many decimals is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What is read of a state once, however many questions are asked of it."""

    stored: str
    """The state as it is stored; this answers for no other."""
    state: State
    words: WordIndex
    sources: tuple[SourceInfo, ...]
    numbers: dict[str, int]
    coverage: Coverage
    nearest: bool
    """Whether there is a graph to search vectors by."""


class PostgresSnapshot(StateSnapshot[ServerCatalogue]):
    """One state, for one thread, until its `with` block ends.

    Args:
        catalogue: in a transaction.
        loaded: what is known of the state that the transaction sees.
        stamp: what the collection was built with.
        address: of the database, for messages.
    """

    def __init__(
        self,
        catalogue: ServerCatalogue,
        loaded: Loaded,
        stamp: IndexStamp,
        *,
        address: ServerAddress,
    ) -> None:
        super().__init__(catalogue, loaded.state, loaded.words, stamp)
        self._loaded = loaded
        self._address = address

    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order, with their sentences and vectors.

        Raises:
            IndexCorruptError: one is missing.
        """
        with self._translated():
            return self._catalogue.fetch(keys)

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        return self._loaded.sources

    def coverage(self) -> Coverage:
        """Return how much of the documents this state holds."""
        return self._loaded.coverage

    def _numbers(self, sources: frozenset[str]) -> list[int]:
        known = self._loaded.numbers
        return [known[source_id] for source_id in sorted(sources) if source_id in known]

    def _nearest(
        self, query: Vectors, k: int, sources: frozenset[str] | None
    ) -> list[tuple[int, float]]:
        among = None if sources is None else self._numbers(sources)
        total = self._state.passages
        if not total or among == []:
            return []
        depth = min(k + _SPARE, total)
        while True:
            keys, sent = self._catalogue.nearest(
                Halves.of(query),
                depth,
                dimension=self._stamp.dimension,
                exact=among is not None or not self._loaded.nearest,
                among=among,
            )
            vectors = from_wire(sent).astype(np.float64) if keys else np.zeros((0, len(query)))
            scores = np.round(vectors @ query.astype(np.float64), _DIGITS)
            best = np.sort(scores)[::-1]
            last = best[min(k, len(best)) - 1] if keys else 0.0
            # What was left out is no nearer than the last that was sent, by the server's reckoning.
            if len(keys) < depth or depth == total or best[-1] < last - _NEAR:
                break
            depth = min(depth * 4, total)
        keep = scores >= last
        found = sorted(
            zip(np.array(keys)[keep].tolist(), scores[keep].tolist(), strict=True),
            key=lambda one: -one[1],
        )
        return [(int(key), float(score)) for key, score in found]

    def _translated(self) -> AbstractContextManager[None]:
        return self._address.translated()

    def _vectors_kind(self) -> str:
        return "pgvector, HNSW" if self._loaded.nearest else "pgvector, exact"

    def _bytes(self) -> int:
        with self._translated():
            return self._catalogue.size()
