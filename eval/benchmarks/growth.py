"""What a change costs as an index grows: `python -m eval.benchmarks.growth [--passages 1000 100000 1000000]`.

Nothing is encoded: the vectors of lines of this project's own documents are perturbed, so that recall means
something, and each passage has one sentence vector. CPU seconds are those of the process, user and system; the first
search is a process of its own, the second of two, so that byte code is compiled as it is where a program is installed.
A million passages take some five minutes of CPU and 3 GB.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding import load_encoder
from rag.index import Index
from rag.index.writer import Writer
from rag.schema import Passage, Source, SplitPassage, Unit
from rag.store import IndexEntry, IndexStamp

if TYPE_CHECKING:
    from rag.schema import Vectors

ROOT = Path(__file__).resolve().parents[2]
A_SOURCE = 20
"""Passages of a source."""
BATCH = 800
"""Sources of one commit while the index is built: the words of so many nearly fill a part, as they do in time."""
QUERIES = 50
NOISE = 0.5
"""Length of what is added to a real vector."""
FIRST_SEARCH = """
import pathlib, sys, time
import numpy as np
from eval.benchmarks.growth import stamp
from rag.index import Index
began = time.process_time()
with Index.open(pathlib.Path(sys.argv[1]), stamp(384)) as index, index.snapshot() as snapshot:
    query = np.ones(384, dtype=np.float32) / 384**0.5
    snapshot.fetch([key for key, _ in snapshot.dense(query, 10)])
    snapshot.lexical("soldiers of Russia", 10)
status = pathlib.Path("/proc/self/status").read_text()  # getrusage would count the process that started this one
print(time.process_time() - began, int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def main() -> None:
    """Build indexes of growing sizes and print what changing and opening them costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000, 100_000])
    print("| passages | add a source, s | remove one, s | open and search, s | MB | recall@10 |")
    print("|---|---|---|---|---|---|")
    for passages in parser.parse_args().passages:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(Path(folder), passages), flush=True)


def measure(folder: Path, passages: int) -> str:
    """Return the row of an index of so many passages."""
    rng = np.random.default_rng(1)
    texts, real = real_lines()
    n_sources = passages // A_SOURCE
    with Index.open(folder, stamp(real.shape[1])) as index:
        for first in range(0, n_sources, BATCH):
            with index.writer() as writer:
                for number in range(first, min(first + BATCH, n_sources)):
                    put(writer, f"{number}.txt", texts, perturbed(real, A_SOURCE, rng))
        recall = recall_of(index, perturbed(real, QUERIES, rng))
        compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(2):
            took = subprocess.run(  # noqa: S603  (this interpreter)
                [sys.executable, "-c", FIRST_SEARCH, str(folder)],
                cwd=ROOT, env={**os.environ, **compiled}, check=True, capture_output=True, text=True,
            ).stdout.split()  # fmt: skip
        new = perturbed(real, A_SOURCE, rng)
        added = cpu(index, lambda writer: put(writer, "new.txt", texts, new))
        removed = cpu(index, lambda writer: writer.remove(f"{n_sources // 3}.txt"))
    seconds, memory = map(float, took)
    return f"| {passages:,} | {added:.2f} | {removed:.2f} | {seconds:.2f} | {memory:.0f} | {recall:.3f} |"


def stamp(dimension: int) -> IndexStamp:
    """Return what these indexes say they are built with."""
    return IndexStamp(
        encoder="perturbed",
        dimension=dimension,
        tokenizer="none",
        passage_tokens=200,
        overlap_sentences=0,
    )


def real_lines() -> tuple[list[str], Vectors]:
    """Return lines of this project's documents and their vectors."""
    lines = [
        line.strip()
        for path in sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line.split()) > 5
    ][:1_000]
    return lines, load_encoder("builtin").encode_queries(lines)


def perturbed(real: Vectors, n: int, rng: np.random.Generator) -> Vectors:
    """Return unit vectors near real ones, shape (n, d)."""
    chosen = real[rng.integers(0, len(real), n)]
    noise = rng.standard_normal(chosen.shape, dtype=np.float32) / np.sqrt(real.shape[1])
    moved = chosen + NOISE * noise
    unit: Vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return unit


def put(writer: Writer, source_id: str, texts: list[str], vectors: Vectors) -> None:
    """Put a source whose passages are lines of text with these vectors."""
    at = int(hashlib.sha256(source_id.encode()).hexdigest()[:8], 16)
    lines = [texts[(at + n * 7) % len(texts)] for n in range(len(vectors))]
    source = Source(
        source_id=source_id,
        title=source_id,
        text="\n".join(lines),
        sha256=hashlib.sha256(source_id.encode()).hexdigest(),
        media_type="text/plain",
    )
    writer.put(source, "benchmark", list(entries(source, lines, vectors)))


def entries(source: Source, lines: list[str], vectors: Vectors) -> Iterator[IndexEntry]:
    """Yield a passage a line, each one sentence."""
    start = 0
    for line, vector in zip(lines, vectors, strict=True):
        end = start + len(line)
        passage = Passage(
            passage_id=f"{source.source_id}#{start}-{end}",
            source_id=source.source_id,
            start=start,
            end=end,
            text=line,
            n_tokens=len(line.split()),
        )
        split = SplitPassage(passage=passage, sentences=(Unit(start=start, end=end),))
        yield IndexEntry(split=split, vector=vector, sentence_vectors=vector[np.newaxis])
        start = end + 1


def recall_of(index: Index, queries: Vectors) -> float:
    """Return the share of the ten nearest that are found."""
    with index.snapshot() as snapshot:
        found = [snapshot.dense(query, 10) for query in queries]
        every = frozenset(info.source_id for info in snapshot.sources())
        exact = [snapshot.dense(query, 10, sources=every) for query in queries]
    shares = [
        len({key for key, _ in some} & {key for key, _ in all_}) / 10
        for some, all_ in zip(found, exact, strict=True)
    ]
    return float(np.mean(shares))


def cpu(index: Index, change: Callable[[Writer], object]) -> float:
    """Return the CPU seconds of one change and its commit."""
    began = time.process_time()
    with index.writer() as writer:
        change(writer)
    return time.process_time() - began


if __name__ == "__main__":
    main()
