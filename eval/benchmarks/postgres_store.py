"""The store on a server beside the embedded one: growth, recall and speed of searching, over the same passages.

    python -m eval.benchmarks.postgres_store --store postgresql://... --data ../shared/data/reading/squad2_dev.json.gz \
        --passages 20000 --work /tmp/postgres-store

Paragraphs of a SQuAD file are indexed with the shipped encoder, once, and kept in the folder `--work`; their vectors
are then copied into a collection of the database that is named after the size, and removed at the end. `--store` names
a database that may be written to. Searches are those of `Rag.search` over both stores in turn, question by question, so
that the machine's other load falls on both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from rag.embedding import load_encoder
from rag.index import Index
from rag.pipeline import Rag
from rag.pipeline.build import load_answerers
from rag.postgres import PostgresStore, remove_collection
from rag.schema import Source, SplitPassage
from rag.settings import Settings
from rag.store import IndexEntry, IndexStamp, Snapshot, Store
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from rag.schema import Vectors

AT_ONCE = 1_000
"""Passages of one commit."""
DEPTH = 100
"""Results of a dense search, as retrieval asks for."""
EF_SEARCH = (40, 100, 200, 400, 800)


def main() -> None:
    """Fill both stores, and print what they cost."""
    options = _options()
    encoder, tokens = load_encoder("builtin"), TokenCounter()
    settings = Settings(
        seeds_dir=options.work / "none", index_dir=options.work / str(options.passages)
    )
    stamp = IndexStamp(
        encoder=encoder.name,
        dimension=encoder.dimension,
        tokenizer=tokens.name,
        passage_tokens=settings.passage_tokens,
        overlap_sentences=settings.overlap_sentences,
    )
    paragraphs, questions = read(options.data)
    name = f"benchmark-{options.passages}"

    def rag_over(store: Store) -> Rag:
        answerers = load_answerers(settings, tokens)
        return Rag(settings, index=store, encoder=encoder, answerers=answerers, tokens=tokens)

    with Index.open(settings.index_dir, stamp) as embedded:
        embed(rag_over(embedded), embedded, paragraphs, options.passages)
        remove_collection(options.store, name)
        with PostgresStore.open(
            options.store,
            name,
            stamp,
            cache=options.work / "segments",
            exact_up_to=options.exact_up_to,
        ) as server:
            try:
                grow(embedded, server)
                chosen = questions[:: max(1, len(questions) // options.queries)][: options.queries]
                vectors = encoder.encode_queries(chosen)
                measure_recall(server, vectors, options.store)
                measure_search(rag_over(embedded), rag_over(server), chosen)
                measure_parts(embedded, server, chosen, vectors)
                measure_addition(server, options.store, stamp, options.work)
            finally:
                server.close()
                remove_collection(options.store, name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--store", required=True, help="postgresql://..., a database that may be written to"
    )
    parser.add_argument("--data", type=Path, required=True, help="a SQuAD file, .json or .json.gz")
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder that keeps the embedded index"
    )
    parser.add_argument(
        "--exact-up-to", type=int, default=5_000, help="passages that are all compared"
    )
    return parser.parse_args()


def read(path: Path) -> tuple[list[str], list[str]]:
    """Return the paragraphs and the questions of a SQuAD file."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        articles: list[dict[str, Any]] = json.load(file)["data"]
    paragraphs = [one for article in articles for one in article["paragraphs"]]
    questions = [qa["question"] for one in paragraphs for qa in one["qas"]]
    return [one["context"] for one in paragraphs], questions


def embed(rag: Rag, index: Index, paragraphs: Sequence[str], wanted: int) -> None:
    """Index paragraphs, ten a source, until there are so many passages."""
    made = (
        Source(
            source_id=f"{start:06}.txt",
            title=f"{start:06}",
            text="\n\n".join(paragraphs[start : start + 10]),
            sha256=f"{start}",
            media_type="text/plain",
        )
        for start in range(len(index.sources()) * 10, len(paragraphs), 10)
    )
    while int(str(index.statistics()["passages"])) < wanted and (some := list(islice(made, 50))):
        rag.add_sources(some)
        print(f"embedded {index.statistics()['passages']} passages", flush=True)


def grow(embedded: Index, server: PostgresStore) -> None:
    """Copy one store into the other, and print what that takes."""
    began, spent = time.perf_counter(), 0.0
    n = 0
    with server.writer() as writer:
        pending = 0
        for source, entries in copied(embedded):
            at = time.perf_counter()
            writer.put(source, "benchmark", entries)
            pending += len(entries)
            if pending >= AT_ONCE:
                writer.flush()
                pending = 0
            spent += time.perf_counter() - at
            n += len(entries)
        at = time.perf_counter()
        writer.flush()
        spent += time.perf_counter() - at
        at = time.perf_counter()
    built = time.perf_counter() - at
    print(
        f"{n:,} passages; COPY with words and commits {spent:.1f} s; graph (HNSW) {built:.1f} s",
        flush=True,
    )
    print(f"all with reading the other store {time.perf_counter() - began:.1f} s")
    for store in (embedded, server):
        told = store.statistics()
        print(f"{told['vectors']}: {int(str(told['bytes'])) / 1e6:.0f} MB")


def copied(index: Index) -> Iterator[tuple[Source, list[IndexEntry]]]:
    """Yield each source with its passages."""
    with index.snapshot() as snapshot:
        for info in snapshot.sources():
            stored = snapshot.fetch(snapshot.keys(info.source_id))
            yield (
                snapshot.source(info.source_id),
                [
                    IndexEntry(
                        split=SplitPassage(passage=one.passage, sentences=one.sentences),
                        vector=one.vector,
                        sentence_vectors=one.sentence_vectors,
                    )
                    for one in stored
                ],
            )


def measure_recall(server: PostgresStore, vectors: Vectors, url: str) -> None:
    """Print the share of the nearest that are found, and how long that takes, by candidates that are kept."""
    with server.snapshot() as snapshot:
        every = frozenset(info.source_id for info in snapshot.sources())
        exact = [snapshot.dense(query, DEPTH, sources=every) for query in vectors]
        print(
            f"| ef_search ({snapshot.statistics()['vectors']}) | recall@10 | recall@{DEPTH} | p50 ms |"
        )
        print("|---|---|---|---|")
        for candidates in EF_SEARCH:
            snapshot._catalogue.db.execute(f"SET hnsw.ef_search = {candidates}".encode())
            found, times = [], []
            for query in vectors:
                at = time.perf_counter()
                found.append(snapshot.dense(query, DEPTH))
                times.append(time.perf_counter() - at)
            shares = [
                np.mean(
                    [len(keys(a, k) & keys(b, k)) / k for a, b in zip(found, exact, strict=True)]
                )
                for k in (10, DEPTH)
            ]
            print(
                f"| {candidates} | {shares[0]:.4f} | {shares[1]:.4f} | {p50(times):.2f} |",
                flush=True,
            )
        snapshot._catalogue.db.execute("RESET hnsw.ef_search")
    with psycopg.connect(url) as db:
        print("server", db.info.server_version)


def keys(found: Sequence[tuple[int, float]], k: int) -> set[int]:
    """Return the first keys of a result."""
    return {key for key, _ in found[:k]}


def measure_search(embedded: Rag, server: Rag, questions: Sequence[str]) -> None:
    """Print how long `Rag.search` takes over each store, and whether both find the same."""
    times: dict[str, list[float]] = {"embedded": [], "server": []}
    same = 0
    for question in questions:
        found = []
        for name, rag in (("embedded", embedded), ("server", server)):
            at = time.perf_counter()
            found.append(rag.search(question))
            times[name].append(time.perf_counter() - at)
        same += [one.passage for one in found[0]] == [one.passage for one in found[1]]
    ratio = p50(times["server"]) / p50(times["embedded"])
    print(
        f"Rag.search p50: embedded {p50(times['embedded']):.2f} ms, server {p50(times['server']):.2f} ms,"
        f" {ratio:.2f} times; the same passages for {same} of {len(questions)} questions"
    )


def measure_parts(
    embedded: Index, server: PostgresStore, questions: Sequence[str], vectors: Vectors
) -> None:
    """Print how long each part of a search takes over each store."""
    parts: dict[str, Callable[[Snapshot, int], object]] = {
        "dense": lambda state, i: state.dense(vectors[i], DEPTH),
        "lexical": lambda state, i: state.lexical(questions[i], DEPTH),
        "fetch 24": lambda state, i: state.fetch(
            [key for key, _ in state.lexical("the of", 24)] or [i + 1]
        ),
    }
    print("| part | embedded p50 ms | server p50 ms |")
    print("|---|---|---|")
    stores: tuple[Store, ...] = (embedded, server)
    for name, call in parts.items():
        medians = []
        for store in stores:
            with store.snapshot() as state:
                medians.append(p50([timed(call, state, i) for i in range(len(questions))]))
        print(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} |")
    medians = [p50([timed(_opened, store, i) for i in range(len(questions))]) for store in stores]
    print(f"| snapshot | {medians[0]:.2f} | {medians[1]:.2f} |", flush=True)


def _opened(store: Store, _: int) -> None:
    with store.snapshot() as state:
        state.coverage()


def timed(call: Callable[[Any, int], object], given: object, i: int) -> float:
    """Return the seconds of one call."""
    at = time.perf_counter()
    call(given, i)
    return time.perf_counter() - at


def p50(seconds: Sequence[float]) -> float:
    """Return the median in milliseconds."""
    return float(np.median(seconds)) * 1000


def measure_addition(server: PostgresStore, url: str, stamp: IndexStamp, work: Path) -> None:
    """Print how long one more source takes until another server finds it."""
    with server.snapshot() as snapshot:
        (like,) = snapshot.fetch([1])
    passage = replace(
        like.passage,
        source_id="new.txt",
        passage_id="new.txt#0-1",
        start=0,
        end=len(like.passage.text),
    )
    split = SplitPassage(passage=passage, sentences=like.sentences)
    with PostgresStore.open(url, server.name, stamp, cache=work / "other") as other:
        with other.snapshot():
            pass
        source = Source(
            source_id="new.txt",
            title="new",
            text=passage.text,
            sha256="new",
            media_type="text/plain",
        )
        entry = IndexEntry(split=split, vector=like.vector, sentence_vectors=like.sentence_vectors)
        at = time.perf_counter()
        with server.writer() as writer:
            writer.put(source, "benchmark", [entry])
        with other.snapshot() as state:
            (found,) = state.lexical(passage.text, 1, sources=frozenset({"new.txt"}))
            assert [found[0]] == state.keys("new.txt")
        print(f"one source added, found by another server after {time.perf_counter() - at:.2f} s")


if __name__ == "__main__":
    main()
