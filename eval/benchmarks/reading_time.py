"""How long the reader takes for one question and eight passages of about 150 word pieces each.

    python -m eval.benchmarks.reading_time squad2_dev.json.gz [--turns 100]

Says also what it takes where int8 products are summed in 16 bits, as processors without VNNI instructions need it: both
in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from unittest.mock import patch

from eval.benchmarks.encode import read_paragraphs
from rag import Rag, Settings
from rag.embedding.onnx import SHIPPED
from rag.reader import Reader, load_reader
from rag.schema import Candidate, Source
from rag.weights import available_cores, open_tokenizer

PASSAGES = 8
PIECES = range(147, 154)
"""Word pieces of a passage."""
QUESTION = "In what country is Normandy located, and who gave it its name, {}?"
WARM_UP = 5


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("squad", type=Path, help="SQuAD JSON, may be .gz")
    parser.add_argument("--turns", type=int, default=100)
    args = parser.parse_args()
    candidates = found(list(islice(paragraphs(args.squad), 2 * PASSAGES)))
    as_it_is = load_reader("builtin")
    with patch("rag.weights.sums_exactly", return_value=False):
        widened = load_reader("builtin")
    readers = {"this processor": as_it_is, "products of int8 in 16 bits": widened}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for turn in range(WARM_UP + args.turns):
        question = QUESTION.format(turn)  # another each time: a reader remembers what it read last
        for name, reader in readers.items():
            times[name].append(cost_of(reader, question, candidates))
    print(
        f"{PASSAGES} passages of {PIECES[0]} to {PIECES[-1]} word pieces, {available_cores()} cores\n"
    )
    print("| | wall, ms: p50 | p5 | p95 | CPU, ms: p50 |")
    print("|---|---|---|---|---|")
    for name, pairs in times.items():
        wall, cpu = zip(*pairs[WARM_UP:], strict=True)
        ranked = statistics.quantiles(wall, n=20)
        print(
            f"| {name} | {ranked[9]:.0f} | {ranked[0]:.0f} | {ranked[-1]:.0f} | {statistics.median(cpu):.0f} |"
        )


def paragraphs(squad: Path) -> Iterator[str]:
    """Yield the paragraphs that are as long as they are to be."""
    tokenizer = open_tokenizer(SHIPPED / "tokenizer.json")
    for text in read_paragraphs(squad):
        if len(tokenizer.encode(text, add_special_tokens=False)) in PIECES:
            yield text


def found(texts: Sequence[str]) -> tuple[Candidate, ...]:
    """Return texts that are one passage each, as they are found for the question."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False, answerers=()) as rag:
            rag.add_sources(
                Source(
                    source_id=f"{i}.txt", title="", text=text, sha256="", media_type="text/plain"
                )
                for i, text in enumerate(texts)
            )
            whole = [one for one in rag.retrieve(QUESTION, len(texts)) if one.passage.text in texts]
    return tuple(whole[:PASSAGES])


def cost_of(reader: Reader, question: str, candidates: Sequence[Candidate]) -> tuple[float, float]:
    """Return the milliseconds that reading takes: by the clock, and of the processor in all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    reader.read(question, candidates)
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)


if __name__ == "__main__":
    main()
