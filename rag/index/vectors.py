"""Vector search: the nearest passages by cosine, by FAISS.

Vectors lie in segments, as words lie in parts: each is one file over a range of passage keys that never changes, so
that a change costs what it changes. In a small segment every vector is compared; in a larger one, a fast-scan
product quantiser (André, Kermarrec and Le Scouarnec 2017, "Accelerated Nearest Neighbor Search with Quick ADC")
picks candidates. Either way the vectors lie in the segment in half precision, exactly as they are stored, and every
score that leaves this module is computed from them: the kind decides what is found, never what it scores.

A file holds the vectors, one row below another, and behind them, as its tail, the keys, a checksum of each row and
the codes of the quantiser. Of a large segment only the tail is read, and checked, when it is opened; a row is read,
and checked, when it is scored.

faiss pads with -1, checks shapes by a bare assert, breaks ties in its own order, and reads damaged files without
noticing: none of this leaves here.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from mmap import mmap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rag.index.files import DamagedFileError, FileRecord, map_checked, read_checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

EXACT_UP_TO = 20_000
"""Passages of an index up to which all are compared: 0.8 ms there, against 0.2 ms and 1.3 s of training a quantiser."""
SEGMENT_PASSAGES = 32_768
"""Most passages of a segment: fewer segments are searched faster, smaller ones are rewritten faster."""

_EXACT_OF_MORE = 8_192
"""Passages of a segment up to which all are compared where there are more than that in all."""
_REFINED = 4
"""Candidates of the quantisers that are compared exactly, for each result wanted."""
_REFINED_AT_LEAST = 1_000
"""Of a million passages, 400 gave a recall@10 of .93 and 800 of 1."""
_ALL_OF = 1_000
"""Passages to choose from up to which each is scored at once."""
_REUSED = 0.25
"""Share of a segment's passages, at least, for which a quantiser must have been trained to be used again."""
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
    tail: str
    """SHA-256 of what stands behind the vectors."""


def kind_for(passages: int, dimension: int, *, of: int, exact_up_to: int) -> str:
    """Return the kind of index for a segment of this many passages, of so many in all."""
    if passages <= min(exact_up_to, _EXACT_OF_MORE) or of <= exact_up_to or dimension % 4:
        return "SQfp16"
    return f"PQ{dimension // 2}x4fs,Refine(SQfp16)"


class VectorIndex:
    """Passage vectors of one segment, open for searching; safe to share between threads.

    Args:
        keys: int64, ascending, shape (n,).
        checksums: CRC-32 of each row with its key, as the database has them, shape (n,).
        rows: the vectors in half precision as bytes, shape (n, 2 d), or the mapped file that begins with them.
        dimension: of the vectors.
        quick: a faiss `IndexPQFastScan` of the same vectors; None where all are compared.
    """

    def __init__(
        self,
        keys: NDArray[np.int64],
        checksums: NDArray[np.uint32],
        rows: NDArray[np.uint8] | mmap,
        *,
        dimension: int,
        quick: Any = None,  # noqa: ANN401  (faiss)
    ) -> None:
        self.keys = keys
        self.dimension = dimension
        self.quick = quick
        self.kind = f"PQ{dimension // 2}x4fs,Refine(SQfp16)" if quick else "SQfp16"
        self.checksums = checksums
        self._exact: Any = None
        self._lock = threading.RLock()
        self._rows = None if isinstance(rows, mmap) else rows
        self._file = rows if isinstance(rows, mmap) else None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def is_quantised(self) -> bool:
        """Whether candidates are picked by a quantiser."""
        return self.quick is not None

    @classmethod
    def build(
        cls,
        keys: NDArray[np.int64],
        checksums: NDArray[np.uint32],
        rows: NDArray[np.uint8],
        *,
        kind: str,
        known: Sequence[VectorIndex] = (),
    ) -> VectorIndex:
        """Make an index of vectors.

        Args:
            keys: ascending, shape (n,).
            checksums: of the rows, shape (n,); see `checksums_of`.
            rows: vectors in half precision as bytes, in the order of their keys, shape (n, 2 d).
            kind: of the index.
            known: segments some of whose passages are among these, and no passage between any two of theirs. A
                quantiser that was trained for enough of them is used again, and taken from its segment, which has no
                use afterwards: training takes 1.3 s, and few passages change it little.
        """
        dimension = rows.shape[1] // 2
        quick = None
        if kind != "SQfp16":
            trained = max((one for one in known if one.is_quantised), key=len, default=None)
            if trained is None or len(trained) < _REUSED * len(keys):
                trained = None
            quick = _quantised(keys, rows, dimension, trained)
        return cls(keys, checksums, rows, dimension=dimension, quick=quick)

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        rows: bytes = self.rows(np.arange(len(self))).tobytes()
        return rows + self.tail()

    def tail(self) -> bytes:
        """Return what stands in the file behind the vectors: keys, checksums and what faiss says of its quantiser."""
        codes = _faiss().serialize_index(self.quick).tobytes() if self.quick else b""
        tail: bytes = self.keys.astype("<i8").tobytes() + self.checksums.astype("<u4").tobytes()
        return tail + codes

    @classmethod
    def open(
        cls, path: Path, wanted: VectorFile, *, dimension: int, whole: bool = False
    ) -> VectorIndex:
        """Open a segment's file.

        Args:
            path: of the file.
            wanted: as it was recorded.
            dimension: of the vectors.
            whole: read and check all of it, also of a large segment.

        Raises:
            DamagedFileError: it is not an index of the kind, size and dimension that was recorded.
        """
        behind = 2 * dimension * wanted.passages
        if whole or "PQ" not in wanted.kind:
            data = read_checked(path, wanted.file)
            return cls._of(wanted, half_rows(data[:behind], dimension), data[behind:], dimension)
        file, tail = map_checked(path, wanted.file, behind=behind, sha256=wanted.tail)
        return cls._of(wanted, file, tail, dimension)

    @classmethod
    def _of(
        cls, wanted: VectorFile, rows: NDArray[np.uint8] | mmap, tail: bytes, dimension: int
    ) -> VectorIndex:
        """Return the index that a tail tells of."""
        n = wanted.passages
        quick = None
        if "PQ" in wanted.kind:
            faiss, codes = _faiss(), np.frombuffer(tail, dtype=np.uint8, offset=12 * n)
            # faiss would otherwise allocate whatever a length in the file says, up to 1 TiB.
            faiss.set_deserialization_vector_byte_limit(max(len(tail), 1 << 20))
            try:
                quick = faiss.deserialize_index(codes)
            except RuntimeError as exc:
                raise DamagedFileError(f"{wanted.file.name} is no faiss index: {exc}") from exc
            got = (quick.d, quick.ntotal, quick.metric_type, type(quick).__name__)
            if got != (dimension, n, faiss.METRIC_INNER_PRODUCT, "IndexPQFastScan"):
                raise DamagedFileError(f"{wanted.file.name} holds {got!r}, not what was recorded")
        keys = np.frombuffer(tail, dtype="<i8", count=n).astype(np.int64)
        checksums = np.frombuffer(tail, dtype="<u4", count=n, offset=8 * n).astype(np.uint32)
        return cls(keys, checksums, rows, dimension=dimension, quick=quick)

    def nearest(self, query: Vectors, depth: int) -> tuple[NDArray[np.int64], Vectors]:
        """Return the positions of the nearest vectors, and about how near they are, in no order to rely on."""
        index = self._all() if self.quick is None else self.quick
        near, found = index.search(query[np.newaxis], min(depth, len(self)))
        there = found[0] >= 0
        return found[0][there], near[0][there]

    def nearest_of(
        self, query: Vectors, depth: int, chosen: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the positions of the nearest of some vectors, each of which is compared."""
        if len(chosen) <= _ALL_OF:
            return chosen
        faiss = _faiss()
        wanted = faiss.SearchParameters(sel=faiss.IDSelectorBatch(chosen))
        _, found = self._all().search(query[np.newaxis], min(depth, len(chosen)), params=wanted)
        places: NDArray[np.int64] = found[0][found[0] >= 0]
        return places

    def scores(self, query: Vectors, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return exact cosines: equal vectors score equal, in whatever place and kind of index."""
        vectors = self.vectors(places).astype(np.float64)
        scores: NDArray[np.float64] = np.round(vectors @ query.astype(np.float64), _DIGITS)
        return scores

    def vectors(self, places: NDArray[np.int64]) -> Vectors:
        """Return vectors as they are stored, shape (n, d).

        Raises:
            DamagedFileError: one is not what was written.
        """
        exact = self._exact
        if exact is None:
            return from_half_rows(self.rows(places), self.dimension)
        vectors: Vectors = exact.reconstruct_batch(places)
        return vectors

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return vectors in half precision as bytes, shape (n, 2 d).

        Raises:
            DamagedFileError: one is not what was written.
        """
        held = self._rows
        if held is not None:
            return held[places]
        if self._exact is not None:
            return half_rows(to_halves(self._exact.reconstruct_batch(places)), self.dimension)
        rows = self._mapped()[places]
        self._verify(rows, places)
        return rows

    def check(self) -> None:
        """Read and check every vector.

        Raises:
            DamagedFileError: one is not what was written.
        """
        if self._file is not None:
            self._every_row()

    def positions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where these keys are, without those that are not here."""
        places = np.searchsorted(self.keys, keys)
        known = places < len(self.keys)
        found: NDArray[np.int64] = places[known]
        there: NDArray[np.bool_] = self.keys[found] == keys[known]
        return found[there]

    def _all(self) -> Any:  # noqa: ANN401  (faiss)
        """Return all vectors, in memory from now on."""
        with self._lock:
            if self._exact is None:
                rows = self._every_row() if self._rows is None else self._rows
                self._exact, self._rows = _exact(rows, self.dimension), None
        return self._exact

    def _every_row(self) -> NDArray[np.uint8]:
        """Return every row of the file, checked."""
        rows = self._mapped()
        self._verify(rows, np.arange(len(self)))
        return rows

    def _mapped(self) -> NDArray[np.uint8]:
        """Return the rows as they lie in the file."""
        size = 2 * self.dimension * len(self)
        # What is mapped and not there any more would end the process.
        if self._file is None or self._file.size() < size:
            raise DamagedFileError("a file of vectors has been cut off")
        return np.frombuffer(self._file, dtype=np.uint8, count=size).reshape(-1, 2 * self.dimension)

    def _verify(self, rows: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
        if (checksums_of(rows, self.keys[places]) != self.checksums[places]).any():
            raise DamagedFileError("a vector is not what was written")


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

        Raises:
            DamagedFileError: a vector that was to be compared is not what was written.
        """
        chosen = None if among is None else [one.positions(among) for one in self.segments]
        total = len(self) if chosen is None else sum(map(len, chosen))
        if total == 0:
            return []
        depth = min(k + 8, total)
        while True:
            places = (
                self._candidates(query, depth)
                if chosen is None
                else [
                    one.nearest_of(query, depth, some)
                    for one, some in zip(self.segments, chosen, strict=True)
                ]
            )
            found = list(zip(self.segments, places, strict=True))
            keys = np.concatenate([one.keys[some] for one, some in found])
            scores = np.concatenate([one.scores(query, some) for one, some in found])
            best = np.argsort(-scores, kind="stable")[:depth]
            last = scores[best[min(k, len(best)) - 1]]
            if len(keys) == total or scores[best[-1]] < last:
                break
            depth = min(depth * 8, total)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= last]
        return list(zip(keys[order].tolist(), scores[order].tolist(), strict=True))

    def _candidates(self, query: Vectors, depth: int) -> list[NDArray[np.int64]]:
        """Return positions in each segment, among which are the nearest of all.

        What quantisers say of how near something is can be compared between segments; so no more is read of many
        segments than of one.
        """
        most = max(depth * _REFINED, _REFINED_AT_LEAST)
        places = [one.nearest(query, most if one.is_quantised else depth) for one in self.segments]
        rough = [
            near for one, (_, near) in zip(self.segments, places, strict=True) if one.is_quantised
        ]
        every = np.concatenate(rough) if rough else np.zeros(0, dtype=np.float32)
        least = np.partition(every, -most)[-most] if len(every) > most else -np.inf
        return [
            found[near >= least] if one.is_quantised else found
            for one, (found, near) in zip(self.segments, places, strict=True)
        ]

    def vectors_of(self, keys: Sequence[int]) -> Vectors:
        """Return the vectors of these keys as they are stored, shape (n, d), without those that are unknown."""
        wanted = np.array(keys, dtype=np.int64)
        found = np.zeros((len(wanted), self._dimension), dtype=np.float32)
        known = np.zeros(len(wanted), dtype=np.bool_)
        for part in self.segments:
            here = np.isin(wanted, part.keys)
            if here.any():
                places = part.positions(wanted[here])
                found[here] = part.vectors(places)
                known |= here
        vectors: Vectors = found[known]
        return vectors


def _exact(rows: NDArray[np.uint8], dimension: int) -> Any:  # noqa: ANN401  (faiss)
    """Return a faiss index that compares every one of some vectors in half precision."""
    faiss = _faiss()
    index = faiss.IndexScalarQuantizer(
        dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.is_trained = True
    if len(rows):
        index.add_sa_codes(np.ascontiguousarray(rows))
    return index


def _quantised(
    keys: NDArray[np.int64],
    rows: NDArray[np.uint8],
    dimension: int,
    trained: VectorIndex | None,
) -> Any:  # noqa: ANN401  (faiss)
    """Return a product quantiser with some vectors, as far as they can be taken from another segment."""
    faiss = _faiss()
    if trained is None:
        index = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
        vectors = from_half_rows(rows, dimension)
        index.train(vectors)
        index.add(vectors)
        return index
    held = trained.quick
    gone = np.flatnonzero(~np.isin(trained.keys, keys))
    if len(gone):
        held.remove_ids(gone)
    if held.ntotal == len(keys):
        return held
    index = faiss.clone_index(held)
    index.reset()
    # What is held stands together, and a vector can only be added behind the others.
    first = int(np.searchsorted(keys, trained.keys[0]))
    last = first + int(held.ntotal)
    if first:
        index.add(from_half_rows(rows[:first], dimension))
    index.merge_from(held)
    if last < len(keys):
        index.add(from_half_rows(rows[last:], dimension))
    return index


def checksums_of(rows: NDArray[np.uint8], keys: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the CRC-32 of each row, shape (n,), as the database has it: begun with its key."""
    pairs = zip(rows, keys.tolist(), strict=True)
    return np.array([zlib.crc32(row, key) for row, key in pairs], dtype=np.uint32)


def half_rows(stored: bytes, dimension: int) -> NDArray[np.uint8]:
    """Return stored vectors as rows of bytes, shape (n, 2 d)."""
    rows: NDArray[np.uint8] = np.frombuffer(stored, dtype=np.uint8).reshape(-1, 2 * dimension)
    return rows


def from_half_rows(rows: NDArray[np.uint8], dimension: int) -> Vectors:
    """Return stored vectors in single precision, shape (n, d)."""
    # The same numbers as numpy's own conversion, in half the time.
    vectors: Vectors = _halves(dimension).decode(np.ascontiguousarray(rows))
    return vectors


def to_halves(vectors: Vectors) -> bytes:
    """Return vectors as they are stored: half precision, little-endian."""
    halves: bytes = vectors.astype("<f2").tobytes()
    return halves


def from_halves(stored: Sequence[bytes], dimension: int) -> Vectors:
    """Return stored vectors in single precision, one below another, shape (n, d)."""
    return from_half_rows(half_rows(b"".join(stored), dimension), dimension)


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
