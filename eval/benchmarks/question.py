"""A question at 100,000 passages: `Rag.search` whole, with encoding, both searches and fusion.

    python -m eval.benchmarks.question --data squad2_dev.json.gz [--passages 100000] [--questions 300]

The passages are made as in `eval.benchmarks.search`: paragraphs of the file, mixed until there are enough. Prints
p50 and p95 of CPU milliseconds (all threads) and of wall time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from eval.benchmarks.search import make_data, sources
from rag import Rag, Settings
from rag.embedding import load_encoder
from rag.index import Index
from rag.store import IndexStamp
from rag.tokens import TokenCounter


def main() -> None:
    """Build the index, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=300)
    args = parser.parse_args()
    data = make_data(args.data, args.passages, n_queries=args.questions)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        encoder, tokens = load_encoder(settings.encoder), TokenCounter()
        stamp = IndexStamp(
            encoder=encoder.name,
            dimension=encoder.dimension,
            tokenizer=tokens.name,
            passage_tokens=settings.passage_tokens,
            overlap_sentences=settings.overlap_sentences,
        )
        with Index.open(settings.index_dir, stamp) as index, index.writer() as writer:
            for source, entries in sources(data):
                writer.put(source, "bench", entries)
        with Rag.open(settings, sync=False) as rag:
            print_times(rag, list(data.questions))


def print_times(rag: Rag, questions: list[str]) -> None:
    """Ask each question and print the percentiles."""
    for question in questions[:20]:
        rag.search(question)
    cpu, wall = [], []
    for question in questions:
        begun, start = time.process_time(), time.perf_counter()
        rag.search(question)
        cpu.append(1000 * (time.process_time() - begun))
        wall.append(1000 * (time.perf_counter() - start))
    print("| `Rag.search`, ms | p50 | p95 |")
    print("|---|---|---|")
    for name, times in (("CPU", cpu), ("wall", wall)):
        print(f"| {name} | {np.percentile(times, 50):.1f} | {np.percentile(times, 95):.1f} |")


if __name__ == "__main__":
    main()
