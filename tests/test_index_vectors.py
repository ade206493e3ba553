"""Segments of vectors: what is found and scored, how they change, and what of a file is checked when."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from rag.index.files import DamagedFileError, write_durably
from rag.index.vectors import (
    VectorFile,
    VectorIndex,
    VectorSegments,
    checksums_of,
    half_rows,
    kind_for,
    to_halves,
)

D = 32
KIND = "PQ16x4fs,Refine(SQfp16)"


def made(
    n: int, *, first: int = 1, kind: str = KIND, known: tuple[VectorIndex, ...] = ()
) -> VectorIndex:
    """Return a segment of n vectors that depend on their keys alone."""
    keys = np.arange(first, first + n)
    vectors = np.stack([np.random.default_rng(int(key)).standard_normal(D) for key in keys])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = half_rows(to_halves(vectors.astype(np.float32)), D)
    return VectorIndex.build(keys, checksums_of(rows, keys), rows, kind=kind, known=known)


def written(path: Path, index: VectorIndex) -> VectorFile:
    """Write a segment and return its record."""
    return VectorFile(
        first=int(index.keys[0]),
        last=int(index.keys[-1]),
        file=write_durably(path, index.to_bytes()),
        kind=index.kind,
        passages=len(index),
        tail=hashlib.sha256(index.tail()).hexdigest(),
    )


def query(seed: int = 9) -> np.ndarray:
    """Return a unit vector."""
    vector = np.random.default_rng(seed).standard_normal(D).astype(np.float32)
    return vector / np.linalg.norm(vector)


def test_segments_are_searched_as_one() -> None:
    """Many segments, quantised or not, find and score what one that compares all does."""
    whole = VectorSegments([made(3000, kind="SQfp16")], D)
    parts = VectorSegments(
        [made(1000), made(500, first=1001, kind="SQfp16"), made(1500, first=1501)], D
    )
    some = np.arange(5, 2900, 2)

    for seed in range(5):
        assert whole.search(query(seed), 10) == parts.search(query(seed), 10)
        assert whole.search(query(seed), 10, among=some) == parts.search(
            query(seed), 10, among=some
        )
    assert (whole.vectors_of([7, 1100, 2999, 5000]) == parts.vectors_of([7, 1100, 2999])).all()


def test_a_quantiser_is_used_again() -> None:
    """A segment of some passages of another one's has its quantiser; what was before and behind them is added."""
    for first in (1, 101, 901):
        old = made(1000, first=501)
        centroid = old.quick.pq.centroids.at(5)

        new = made(1000, first=first, known=(old,))

        assert centroid == new.quick.pq.centroids.at(5)
        assert 1000 == new.quick.ntotal == len(new)
        exact = VectorSegments([made(1000, first=first, kind="SQfp16")], D)
        for seed in range(5):
            assert exact.search(query(seed), 10) == VectorSegments([new], D).search(query(seed), 10)
    old = made(1000)
    assert old.quick.pq.centroids.at(5) != made(9_000, known=(old,)).quick.pq.centroids.at(5)


def test_a_large_segment_is_not_read_when_it_is_opened(tmp_path: Path) -> None:
    """Only its end is checked then; a vector that was damaged is refused when it is compared, and no other."""
    wanted = written(tmp_path / "a", made(1000))
    data = bytearray((tmp_path / "a").read_bytes())
    data[2 * D * 7 + 3] ^= 1
    (tmp_path / "a").write_bytes(data)

    index = VectorIndex.open(tmp_path / "a", wanted, dimension=D)

    assert 1 == len(index.rows(np.array([8])))
    with pytest.raises(DamagedFileError):
        index.rows(np.array([7]))
    with pytest.raises(DamagedFileError):
        index.check()
    with pytest.raises(DamagedFileError):
        VectorIndex.open(tmp_path / "a", wanted, dimension=D, whole=True)


@pytest.mark.parametrize("at", [2 * D * 1000 + 5, 2 * D * 1000 + 8 * 1000 + 5, -5])
def test_a_damaged_end_is_refused_at_once(tmp_path: Path, at: int) -> None:
    """Keys, checksums and codes are checked when a segment is opened."""
    wanted = written(tmp_path / "a", made(1000))
    data = bytearray((tmp_path / "a").read_bytes())
    data[at] ^= 1
    (tmp_path / "a").write_bytes(data)

    with pytest.raises(DamagedFileError):
        VectorIndex.open(tmp_path / "a", wanted, dimension=D)


def test_a_file_that_is_cut_off_while_it_is_open_is_refused(tmp_path: Path) -> None:
    """A vector that is not there any more is no answer, and the process lives."""
    wanted = written(tmp_path / "a", made(1000))
    index = VectorIndex.open(tmp_path / "a", wanted, dimension=D)
    with (tmp_path / "a").open("r+b") as file:
        file.truncate(100)

    with pytest.raises(DamagedFileError):
        index.rows(np.array([500]))


def test_it_says_as_it_was_written(tmp_path: Path) -> None:
    """A segment that was written and opened finds what it found before, kept open or read in memory."""
    index = made(1000)
    wanted = written(tmp_path / "a", index)
    opened = VectorIndex.open(tmp_path / "a", wanted, dimension=D)
    (tmp_path / "a").unlink()

    some = np.arange(1, 1000)
    one, other = VectorSegments([index], D), VectorSegments([opened], D)
    assert one.search(query(), 9) == other.search(query(), 9)
    assert one.search(query(), 9, among=np.arange(1, 1001)) == other.search(query(), 9, among=some)
    assert index.to_bytes() == opened.to_bytes()


@pytest.mark.parametrize(
    ("passages", "of", "kind"),
    [(20_000, 20_000, "SQfp16"), (8_192, 90_000, "SQfp16"), (8_193, 90_000, KIND)],
)
def test_a_quantiser_is_trained_where_it_pays(passages: int, of: int, kind: str) -> None:
    """In a small index all are compared, in a larger one those of its small segments."""
    assert kind == kind_for(passages, D, of=of, exact_up_to=20_000)
