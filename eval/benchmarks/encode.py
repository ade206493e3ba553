"""Throughput of encoding: the builtin encoder beside sentence-transformers' default `encode`.

    python -m eval.benchmarks.encode [PASSAGES] [--n 2000] [--threads T] [--weights DIR]

Both encode the same passages with the same number of threads, in turns, so that a busy machine
slows both. Ours also makes the vectors of the sentences; sentence-transformers only those of the
passages.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rag.embedding.onnx import SHIPPED, OnnxEncoder
from rag.schema import Span
from rag.weights import available_cores

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
TURNS = 5
CHARS = 700
"""Of a generated passage: about 150 word pieces."""
TEXT = """
The library lends books, maps and recordings to anyone who lives in the county. A reader may keep a
book for three weeks and renew it twice, unless somebody else has asked for it. Fines are charged by
the day, but children pay none. The reading room on the second floor is open until nine in the
evening from Monday to Thursday. Old newspapers are kept on microfilm; the oldest of them was
printed in 1821. Visitors with heavy bags are asked to leave them at the desk.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it took to encode some passages."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all threads of the process."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(wall=self.wall + other.wall, cpu=self.cpu + other.cpu)


def main() -> None:
    """Measure and print one line an encoder, and the ratio."""
    parser = argparse.ArgumentParser(description="Throughput of encoding passages.")
    parser.add_argument("passages", nargs="?", type=Path, help="SQuAD JSON, may be .gz")
    parser.add_argument("--n", type=int, default=2000, help="passages (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument(
        "--weights",
        type=Path,
        help="folder of the official fp32 weights (default: untrained ones, which are as fast)",
    )
    args = parser.parse_args()
    texts = read_paragraphs(args.passages) if args.passages else make_passages()
    texts = list(itertools.islice(itertools.cycle(texts), args.n))
    ours, theirs = measure(texts, args.threads, args.weights)
    print(f"{args.n} passages, {args.threads} threads, {TURNS} turns each")
    for name, cost in (("builtin, int8", ours), ("sentence-transformers", theirs)):
        rate, cpu = args.n / cost.wall, 1000 * cost.cpu / args.n
        print(f"{name:<24}{rate:>8.1f} passages/s{cpu:>8.1f} ms of cpu each")
    wall, cpu = theirs.wall / ours.wall, theirs.cpu / ours.cpu
    print(f"{'ratio':<24}{wall:>8.2f} by the clock{cpu:>6.2f} by cpu")


def measure(texts: Sequence[str], threads: int, weights: Path | None) -> tuple[Cost, Cost]:
    """Return what our encoder and sentence-transformers take for all of the texts."""
    import torch

    torch.set_num_threads(threads)
    model = peer(weights)
    encoder = OnnxEncoder.open(threads=threads)
    spans = {text: split(text) for text in texts}
    ours = theirs = Cost(wall=0, cpu=0)
    encoder.encode_queries(texts[:8])
    model.encode(list(texts[:8]))
    for turn in range(TURNS):
        part = list(texts[turn::TURNS])
        ours += cost_of(partial(encoder.encode_passages, part, [spans[text] for text in part]))
        theirs += cost_of(partial(model.encode, part))
    return ours, theirs


def cost_of(work: Callable[[], object]) -> Cost:
    """Run `work` once and return what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def read_paragraphs(path: Path) -> list[str]:
    """Read the paragraphs of a SQuAD file."""
    raw = path.read_bytes()
    data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)["data"]
    return [paragraph["context"] for article in data for paragraph in article["paragraphs"]]


def make_passages(n: int = 500, *, seed: int = 0) -> list[str]:
    """Make passages of real sentences, those of the seeds and of `TEXT`, in random order."""
    chance = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt"))]
    sentences = [s for text in [*texts, TEXT] for s in re.split(r"(?<=[.!?])\s+", text.strip())]
    passages = []
    for _ in range(n):
        drawn = chance.sample(sentences, k=len(sentences))
        lengths = itertools.accumulate(len(sentence) for sentence in drawn)
        kept = [s for s, length in zip(drawn, lengths, strict=True) if length <= CHARS]
        passages.append(" ".join(kept))
    return passages


def split(text: str) -> list[Span]:
    """Return the spans of sentences, roughly: enough to measure what pooling them costs."""
    ends = [match.end() for match in re.finditer(r"[.!?]\s+", text)]
    return [Span(start=a, end=b) for a, b in itertools.pairwise([0, *ends, len(text)]) if a < b]


def peer(weights: Path | None) -> SentenceTransformer:
    """Load all-MiniLM-L6-v2 in fp32, or make an untrained model of its shape, which is as fast."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    if weights is not None:
        return SentenceTransformer(str(weights), device="cpu", local_files_only=True)
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(SHIPPED / "tokenizer.json"), **names
    )
    with tempfile.TemporaryDirectory() as folder:
        BertModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        reads = Transformer(folder, max_seq_length=256)
    return SentenceTransformer(modules=[reads, Pooling(384), Normalize()], device="cpu")


if __name__ == "__main__":
    main()
