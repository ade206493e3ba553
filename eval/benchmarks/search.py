"""How fast the index searches, and which kind of vector index pays from what size on.

    python -m eval.benchmarks.search --data ../shared/data/reading/squad2_dev.json.gz --passages 100000

Texts are made of the sentences of real paragraphs; vectors are drawn around as many random centres as there are topics.
Times are process CPU time of one thread, medians over the queries; the machine's other load does not count in them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import faiss
import numpy as np

from rag.index import Index
from rag.index.vectors import VectorIndex, VectorSegments, checksums_of, half_rows, to_halves
from rag.schema import Passage, Source, SplitPassage, Unit
from rag.store import IndexEntry, IndexStamp

if TYPE_CHECKING:
    from rag.schema import Vectors

DIMENSION = 384
DEPTH = 100
"""Results asked of each search, as retrieval does."""
FETCHED = 60
SENTENCES = 6
PASSAGES_PER_SOURCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is indexed and what is asked."""

    texts: list[str]
    questions: list[str]
    vectors: Vectors
    """Shape (n, d)."""
    queries: Vectors
    """Shape (n_questions, d)."""


def main() -> None:
    """Measure and print two tables."""
    options = _options()
    faiss.omp_set_num_threads(1)
    data = make_data(options.data, options.passages, n_queries=options.queries)
    print(f"{options.passages:,} passages, d = {DIMENSION}, one thread, k = {DEPTH}\n")
    print_kinds(data)
    print()
    print_index(data)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a SQuAD file, .json or .json.gz")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    return parser.parse_args()


def make_data(path: Path, n: int, *, n_queries: int) -> Data:
    """Mix the sentences of real paragraphs into n passages, and draw vectors for them."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    contexts = [paragraph["context"].split(". ") for paragraph in paragraphs]
    questions = [qa["question"] for paragraph in paragraphs for qa in paragraph["qas"]]
    draw, rng = random.Random(1), np.random.default_rng(1)
    texts = [". ".join(one) for one in contexts[:n]]
    while len(texts) < n:
        one, other = draw.choices(contexts, k=2)
        texts.append(". ".join(one[: len(one) // 2] + other[len(other) // 2 :]))
    centres = rng.standard_normal((max(n // PASSAGES_PER_SOURCE, 1), DIMENSION), dtype=np.float32)
    vectors = np.empty((n, DIMENSION), dtype=np.float32)
    for start in range(0, n, 10_000):
        block = vectors[start : start + 10_000]
        noise = rng.standard_normal(block.shape, dtype=np.float32)
        block[:] = unit(0.6 * centres[rng.integers(0, len(centres), len(block))] + 0.8 * noise)
    near = vectors[rng.integers(0, n, n_queries)]
    noise = rng.standard_normal(near.shape, dtype=np.float32) / np.sqrt(DIMENSION)
    # As the index stores them.
    vectors = vectors.astype(np.float16).astype(np.float32)
    return Data(
        texts=texts,
        questions=draw.choices(questions, k=n_queries),
        vectors=vectors,
        queries=unit(near + noise),
    )


def unit(vectors: Vectors) -> Vectors:
    """Return rows of length 1."""
    lengths: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def cpu_ms(call: Callable[[int], object], n: int) -> float:
    """Return the median CPU milliseconds of `call(i)` for i below n."""
    times = []
    for i in range(n):
        started = time.process_time()
        call(i)
        times.append(time.process_time() - started)
    return float(np.median(times)) * 1000


def print_kinds(data: Data) -> None:
    """Compare kinds of vector index."""
    n = len(data.vectors)
    best = np.argsort(-(data.queries @ data.vectors.T), axis=1)[:, :DEPTH]
    keys = np.arange(n, dtype=np.int64)
    print("| vector index | build s | MB | p50 ms | recall@10 | recall@100 |")
    print("|---|---|---|---|---|---|")
    for kind in ("SQfp16", f"PQ{DIMENSION // 2}x4fs,Refine(SQfp16)"):
        started = time.process_time()
        rows = half_rows(to_halves(data.vectors), DIMENSION)
        segment = VectorIndex.build(keys, checksums_of(rows, keys), rows, kind=kind)
        index = VectorSegments([segment], DIMENSION)
        built = time.process_time() - started
        size = len(index.segments[0].to_bytes()) / 1e6
        found = [[key for key, _ in index.search(query, DEPTH)] for query in data.queries]
        # Of the ten (hundred) best by brute force, the share among the first hundred found.
        recalls = [
            np.mean(
                [len(set(f) & set(b[:k].tolist())) / k for f, b in zip(found, best, strict=True)]
            )
            for k in (10, DEPTH)
        ]

        def search(i: int, index: VectorSegments = index) -> None:
            index.search(data.queries[i], DEPTH)

        p50 = cpu_ms(search, len(data.queries))
        print(
            f"| {kind} | {built:.2f} | {size:.0f} | {p50:.2f} | {recalls[0]:.4f} | {recalls[1]:.4f} |"
        )


def print_index(data: Data) -> None:
    """Measure a whole index on the disk: building, changing it, and what one question needs of it."""
    stamp = IndexStamp(
        encoder="random",
        dimension=DIMENSION,
        tokenizer="none",
        passage_tokens=0,
        overlap_sentences=0,
    )
    print("| whole index | |")
    print("|---|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder) / "index", stamp) as index,
    ):
        _measure_changes(index, data)
        _measure_question(index, data)


def _measure_changes(index: Index, data: Data) -> None:
    started = time.process_time()
    with index.writer() as writer:
        for number, (source, entries) in enumerate(sources(data), start=1):
            writer.put(source, "bench", entries)
            if number % 40 == 0:  # as a sync does every 2,000 passages
                writer.flush()
    print(f"| build, without embedding | {time.process_time() - started:.1f} s |")
    print(f"| size | {int(str(index.statistics()['bytes'])) / 1e6:.0f} MB |")
    started = time.process_time()
    with index.writer() as writer:
        writer.remove("source-1")
    print(f"| remove one source | {time.process_time() - started:.2f} s |")
    started = time.process_time()
    with index.snapshot():
        print(f"| first question after a change, loading | {time.process_time() - started:.2f} s |")


def _measure_question(index: Index, data: Data) -> None:
    n = len(data.questions)
    rng = np.random.default_rng(2)
    some = frozenset(f"source-{i}" for i in range(2, 22))

    def opened(_: int) -> None:
        with index.snapshot():
            pass

    print(f"| snapshot | {cpu_ms(opened, n):.3f} ms |")
    with index.snapshot() as snapshot:
        keys = np.array([key for key, _ in snapshot.lexical("the", len(data.texts))])
        terms = [set(snapshot.analyze(question)) for question in data.questions]
        calls: Sequence[tuple[str, Callable[[int], object]]] = (
            ("dense", lambda i: snapshot.dense(data.queries[i], DEPTH)),
            (
                "dense among 20 sources",
                lambda i: snapshot.dense(data.queries[i], DEPTH, sources=some),
            ),
            ("lexical", lambda i: snapshot.lexical(data.questions[i], DEPTH)),
            (
                "lexical among 20 sources",
                lambda i: snapshot.lexical(data.questions[i], DEPTH, sources=some),
            ),
            ("weights", lambda i: snapshot.weights(terms[i])),
            (f"fetch {FETCHED}", lambda _: snapshot.fetch(rng.choice(keys, FETCHED).tolist())),
        )
        for name, call in calls:
            print(f"| {name} | {cpu_ms(call, n):.3f} ms |", flush=True)


def sources(data: Data) -> Iterator[tuple[Source, list[IndexEntry]]]:
    """Yield sources of many passages, with sentences of equal length and vectors near their passage's."""
    rng = np.random.default_rng(3)
    for number, start in enumerate(range(0, len(data.texts), PASSAGES_PER_SOURCE), start=1):
        texts = data.texts[start : start + PASSAGES_PER_SOURCE]
        name = f"source-{number}"
        source = Source(
            source_id=name, title=name, text="\n".join(texts), sha256=name, media_type="text/plain"
        )
        entries, at = [], 0
        for text, vector in zip(texts, data.vectors[start:], strict=False):
            noise = rng.standard_normal((SENTENCES, DIMENSION), dtype=np.float32) / 20
            entries.append(
                IndexEntry(
                    split=_split(name, text, at),
                    vector=vector,
                    sentence_vectors=unit(vector + noise),
                )
            )
            at += len(text) + 1
        yield source, entries


def _split(source_id: str, text: str, at: int) -> SplitPassage:
    cuts = np.linspace(at, at + len(text), SENTENCES + 1).astype(int).tolist()
    return SplitPassage(
        passage=Passage(
            passage_id=f"{source_id}#{at}-{at + len(text)}",
            source_id=source_id,
            start=at,
            end=at + len(text),
            text=text,
            n_tokens=0,
        ),
        sentences=tuple(Unit(start=a, end=b) for a, b in pairwise(cuts)),
    )


if __name__ == "__main__":
    main()
