"""Vector search: the nearest passages by cosine, by FAISS.

Vectors lie in segments, as words lie in parts: each is one file over a range of passage keys that never changes, so
that a change costs what it changes. In a small segment every vector is compared; in a larger one, a fast-scan
product quantiser (André, Kermarrec and Le Scouarnec 2017, "Accelerated Nearest Neighbor Search with Quick ADC")
picks candidates. Either way the vectors lie in the segment in half precision, exactly as they are stored, and every
score that leaves this module is computed from them: the kind decides what is found, never what it scores.

faiss pads with -1, checks shapes by a bare assert, breaks ties in its own order, and reads damaged files without
noticing: none of this leaves here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rag.index.files import DamagedFileError, FileRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

EXACT_UP_TO = 20_000
"""Passages up to which all are compared: 0.8 ms there, against 0.4 ms and 2 s of building for the quantiser."""

_REFINED = 4
"""Candidates of the quantiser that are compared exactly, for each result wanted."""
_REFINED_AT_LEAST = 400
_ALL_OF = 1_000
"""Passages to choose from up to which each is scored at once."""
_DIGITS = 7
"""Of a cosine: what is equal to so many decimals is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFile:
    """The file of a segment, and what is in it: all passages whose key is in a range, both ends included."""

    first: int
    last: int
    file: FileRecord
    kind: str
    """As faiss's `index_factory` spells it."""
    passages: int


def kind_for(passages: int, dimension: int, *, exact_up_to: int) -> str:
    """Return the kind of index for a segment of this many passages."""
    if passages <= exact_up_to or dimension % 4:
        return "SQfp16"
    return f"PQ{dimension // 2}x4fs,Refine(SQfp16)"


class VectorIndex:
    """Passage vectors of one segment, open for searching; safe to share between threads.

    Args:
        index: a faiss index of inner products whose i-th vector is that of the i-th key.
        keys: int64, ascending, shape (n,).
        kind: of the index.
    """

    def __init__(self, index: Any, keys: NDArray[np.int64], *, kind: str) -> None:  # noqa: ANN401  (faiss)
        faiss = _faiss()
        self.kind = kind
        self.keys = keys
        self._index = index
        self._refines = isinstance(index, faiss.IndexRefine)
        self._exact = faiss.downcast_index(index.refine_index) if self._refines else index

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def build(
        cls,
        keys: NDArray[np.int64],
        vectors: Vectors,
        *,
        kind: str,
        trained: VectorIndex | None = None,
    ) -> VectorIndex:
        """Make an index of vectors, shape (n, d), in the order of their keys.

        Args:
            keys: ascending, shape (n,).
            vectors: shape (n, d).
            kind: of the index.
            trained: an index whose quantiser may be used again: training takes 2 s, and few passages change it little.
        """
        if trained is not None and trained.kind == kind:
            index = _faiss().clone_index(trained._index)
            index.reset()
        else:
            index = _faiss().index_factory(vectors.shape[1], kind, _faiss().METRIC_INNER_PRODUCT)
        if len(keys):
            if not index.is_trained:
                index.train(vectors)
            index.add(vectors)
        return cls(index, keys, kind=kind)

    def to_bytes(self) -> bytes:
        """Return the file's content: the keys, little-endian, and faiss's own bytes behind them."""
        keys: bytes = self.keys.astype("<i8").tobytes()
        body: bytes = _faiss().serialize_index(self._index).tobytes()
        return keys + body

    @classmethod
    def from_bytes(cls, data: bytes, wanted: VectorFile, *, dimension: int) -> VectorIndex:
        """Open a file's content, which has been checked against its record.

        Raises:
            DamagedFileError: it is not an index of the kind, size and dimension that was recorded.
        """
        faiss, split = _faiss(), 8 * wanted.passages
        keys = np.frombuffer(data[:split], dtype="<i8").astype(np.int64)
        # faiss would otherwise allocate whatever a length in the file says, up to 1 TiB.
        faiss.set_deserialization_vector_byte_limit(max(len(data), 1 << 20))
        try:
            index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8, offset=split))
        except RuntimeError as exc:
            raise DamagedFileError(f"{wanted.file.name} is no faiss index: {exc}") from exc
        got = (index.d, index.ntotal, index.metric_type, type(index).__name__)
        kind = "IndexRefine" if "Refine" in wanted.kind else "IndexScalarQuantizer"
        if got != (dimension, wanted.passages, faiss.METRIC_INNER_PRODUCT, kind):
            raise DamagedFileError(f"{wanted.file.name} holds {got!r}, not what was recorded")
        return cls(index, keys, kind=wanted.kind)

    def search(
        self, query: Vectors, k: int, *, among: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, cosine) of the nearest, best first, and all found that tie with the last.

        Args:
            query: unit vector, shape (d,).
            k: at least 1; fewer are returned where there are fewer.
            among: keys to choose from, every one of which is compared; None for all.
        """
        chosen = None if among is None else self._positions(among)
        total = len(self) if chosen is None else len(chosen)
        if total == 0:
            return []
        depth = min(k + 8, total)
        while True:
            places = self._nearest(query, depth, chosen)
            scores = self._scores(query, places)
            order = np.argsort(-scores, kind="stable")
            places, scores = places[order], scores[order]
            last = scores[min(k, len(scores)) - 1]
            if len(places) == total or scores[-1] < last:
                break
            depth = min(depth * 8, total)
        keep = scores >= last
        return list(zip(self.keys[places[keep]].tolist(), scores[keep].tolist(), strict=True))

    def vectors_of(self, keys: Sequence[int]) -> Vectors:
        """Return the vectors of these keys as they are stored, shape (n, d); empty if one is unknown."""
        places = self._positions(np.array(keys, dtype=np.int64))
        vectors: Vectors = self._exact.reconstruct_batch(places)
        return vectors

    def _nearest(
        self, query: Vectors, depth: int, chosen: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """Return the positions of the nearest vectors, in no order to rely on."""
        faiss = _faiss()
        if chosen is not None and len(chosen) <= _ALL_OF:
            return chosen
        if chosen is not None:
            wanted = faiss.SearchParameters(sel=faiss.IDSelectorBatch(chosen))
            _, found = self._exact.search(query[np.newaxis], depth, params=wanted)
        elif self._refines:
            factor = max(_REFINED, _REFINED_AT_LEAST / depth)
            wanted = faiss.IndexRefineSearchParameters(k_factor=factor)
            _, found = self._index.search(query[np.newaxis], depth, params=wanted)
        else:
            _, found = self._index.search(query[np.newaxis], depth)
        places: NDArray[np.int64] = found[0][found[0] >= 0]
        return places

    def _scores(self, query: Vectors, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return exact cosines: equal vectors score equal, in whatever place and kind of index."""
        vectors = self._exact.reconstruct_batch(places).astype(np.float64)
        scores: NDArray[np.float64] = np.round(vectors @ query.astype(np.float64), _DIGITS)
        return scores

    def _positions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where these keys are, all of which must be there."""
        places = np.searchsorted(self.keys, keys)
        known = places < len(self.keys)
        found: NDArray[np.int64] = places[known]
        there: NDArray[np.bool_] = self.keys[found] == keys[known]
        return found[there]


class VectorSegments:
    """The segments of one state, searched together; safe to share between threads.

    Args:
        segments: ascending by their keys.
        dimension: of the vectors.
    """

    def __init__(self, segments: Sequence[VectorIndex], dimension: int) -> None:
        self.segments = tuple(segments)
        self._dimension = dimension

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    @property
    def kind(self) -> str:
        """The kind of the largest segment."""
        return max(self.segments, key=len).kind if self.segments else "SQfp16"

    def search(
        self, query: Vectors, k: int, *, among: NDArray[np.int64] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, cosine) of the nearest, best first, and all found that tie with the last.

        Args:
            query: unit vector, shape (d,).
            k: at least 1; fewer are returned where there are fewer.
            among: keys to choose from, every one of which is compared; None for all.
        """
        found = [one for part in self.segments for one in part.search(query, k, among=among)]
        found.sort(key=lambda one: -one[1])
        return [one for one in found if one[1] >= found[min(k, len(found)) - 1][1]]

    def vectors_of(self, keys: Sequence[int]) -> Vectors:
        """Return the vectors of these keys as they are stored, shape (n, d), without those that are unknown."""
        wanted = np.array(keys, dtype=np.int64)
        found = np.zeros((len(wanted), self._dimension), dtype=np.float32)
        known = np.zeros(len(wanted), dtype=np.bool_)
        for part in self.segments:
            here = np.isin(wanted, part.keys)
            if here.any():
                found[here] = part.vectors_of(wanted[here].tolist())
                known |= here
        vectors: Vectors = found[known]
        return vectors


def to_halves(vectors: Vectors) -> bytes:
    """Return vectors as they are stored: half precision, little-endian."""
    halves: bytes = vectors.astype("<f2").tobytes()
    return halves


def from_halves(stored: Sequence[bytes], dimension: int) -> Vectors:
    """Return stored vectors in single precision, one below another, shape (n, d)."""
    codes = np.frombuffer(b"".join(stored), dtype=np.uint8).reshape(-1, 2 * dimension)
    # The same numbers as numpy's own conversion, in half the time.
    vectors: Vectors = _halves(dimension).decode(codes)
    return vectors


@cache
def _halves(dimension: int) -> Any:  # noqa: ANN401  (faiss)
    return _faiss().ScalarQuantizer(dimension, _faiss().ScalarQuantizer.QT_fp16)


@cache
def _faiss() -> ModuleType:
    """Load faiss when it is first needed: 0.2 s."""
    import faiss

    # One question is one vector, and training is thousands of small steps: several threads would spend most of
    # their time, and of the CPU's, on waiting for each other.
    faiss.omp_set_num_threads(1)
    module: ModuleType = faiss
    return module
