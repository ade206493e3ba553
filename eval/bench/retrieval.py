"""Retrieval on every paragraph of a SQuAD file, or a BEIR folder, as one corpus: each way of ranking side by side.

    python -m eval.bench.retrieval --data squad2_dev.json.gz [--data FOLDER ...] [--questions N]

A question's relevant source is the paragraph it was asked of. Prints Success@1 and @5, MRR@10, Recall@10 and nDCG@10
with bootstrap 95 % intervals, and how far every way is from `fusion`, which the program uses, paired by question. Two
ways of combining the two searches that the program does not use are among them; `rag eval benchmark` leaves them out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rag import Settings
from rag.evaluation.benchmarks import read_beir, read_squad
from rag.evaluation.benchmarks.retrieval import Way
from rag.evaluation.benchmarks.running import corpus

WAYS: tuple[Way, ...] = ("dense", "lexical", "rrf", "convex", "fusion", "reader")


def main() -> None:
    """Measure each collection and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=int, default=10**9, help="only a sample of so many")
    args = parser.parse_args()
    for path in args.data:
        collection = read_beir(path) if path.is_dir() else read_squad(path).answerable()
        report = corpus(collection.sample(args.questions), Settings(), ways=WAYS)
        print(report.to_markdown(), flush=True)


if __name__ == "__main__":
    main()
