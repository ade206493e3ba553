"""Retrieval on every paragraph of a SQuAD file, or a BEIR folder, as one corpus: each way of ranking side by side.

    python -m eval.bench.retrieval --data squad2_dev.json.gz [--data FOLDER ...] [--questions N]

A question's relevant source is the paragraph it was asked of. Prints Success@1, MRR@10, Recall@10 and nDCG@10 with
bootstrap 95 % intervals, and how far `fusion`, which the program uses, is above the others, paired by question.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag import Rag, Settings
from rag.evaluation.benchmarks import Collection, compare_retrieval, read_beir, read_squad
from rag.retrieval import Method

METHODS: tuple[Method, ...] = ("dense", "lexical", "rrf", "convex", "fusion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One way of ranking, as something that searches sources."""

    rag: Rag
    method: Method

    def search_sources(self, query: str, k: int) -> Sequence[str]:
        """Return the sources of the best passages, each once."""
        found = self.rag.retrieve(query, 3 * k, method=self.method)
        return list(dict.fromkeys(one.passage.source_id for one in found))[:k]


def main() -> None:
    """Measure each collection and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--questions", type=int, default=10**9, help="only a sample of so many")
    args = parser.parse_args()
    for path in args.data:
        collection = read_beir(path) if path.is_dir() else read_squad(path).answerable()
        print(table(collection.sample(args.questions)), flush=True)


def table(collection: Collection) -> str:
    """Index a collection for the time being and return the figures as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False) as rag:
            rag.add_sources(collection.sources)
            methods = {method: Ranking(rag=rag, method=method) for method in METHODS}
            compared = compare_retrieval(collection, methods)
    lines = [compared.to_markdown()]
    for other in METHODS[:-1]:
        gain = compared.difference("fusion", other, "Success@1")
        lines.append(
            f"fusion - {other}, Success@1: {100 * gain.value:+.1f} points"
            f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
