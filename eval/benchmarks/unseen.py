"""How well a reader reads kinds of documents that nothing was trained or calibrated on.

    python -m eval.benchmarks.unseen FOLDER [--questions 150] [--reader FOLDER]

FOLDER holds `qamr_dev.json.gz` (its half of Wikinews is asked), `policyqa_dev.json.gz` (each question asked of its
policy alone), `covid_qa_200423.json.gz` and `mtrag_human_reference.jsonl.gz` (questions that open a conversation).
Passages are searched as the program searches, and the sentence that the reader puts first counts as right where an
accepted wording stands in it; of mtRAG, whose answers are free, where it is of a relevant passage.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval.benchmarks.collection import Collection
from eval.benchmarks.readers import read_mtrag, read_squad
from rag import Rag, Settings
from rag.evaluation.dataset import Example
from rag.evaluation.grid import shown
from rag.evaluation.intervals import bootstrap_interval
from rag.evaluation.measures import auroc, containment
from rag.reader import Reader, Reading, load_reader
from rag.schema import Candidate

DOCUMENTS = 12
"""Of COVID-QA, whose articles are long."""


class Guess(NamedTuple):
    """The reader's best guess at one question."""

    right: bool
    probability: float
    """0..1, as the reader gives it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the four files are, or their folders")
    parser.add_argument("--questions", type=int, default=150, help="of each")
    parser.add_argument("--reader", default="builtin")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    reader = load_reader(args.reader)
    print(
        f"{reader.name}, best guess right; AUROC of its probability\n\n| | n | right, % | AUROC |\n|---|---|---|---|"
    )
    means = []
    for collection, of_one in collections(args.folder):
        asked = collection.answerable().sample(args.questions, seed=args.seed)
        guesses = list(guess(reader, collection, asked.examples, of_one=of_one))
        right = np.array([one.right for one in guesses], dtype=float)
        area = auroc([one.probability for one in guesses], right > 0)
        means.append((right.mean(), area))
        print(
            f"| {collection.name} | {len(right)} | {shown(bootstrap_interval(right))} | {area:.3f} |"
        )
    share, area = np.mean(means, axis=0)
    print(f"| mean | | {100 * share:.1f} | {area:.3f} |")


def collections(folder: Path) -> Iterator[tuple[Collection, bool]]:
    """Yield each collection, and whether a question is asked of its own document alone."""

    def file(name: str) -> Path:
        return next(iter(sorted(folder.rglob(name))))

    qamr = read_squad(file("qamr_dev.json.gz"))
    news = [one for one in qamr.sources if one.title.startswith("wikinews")]
    yield _with_sources(qamr, {one.source_id for one in news}, "QAMR, Wikinews"), False
    yield replace(read_squad(file("policyqa_dev.json.gz")), name="PolicyQA"), True
    covid = read_squad(file("covid_qa_200423.json.gz"))
    yield (
        _with_sources(covid, {one.source_id for one in covid.sources[:DOCUMENTS]}, "COVID-QA"),
        False,
    )
    mtrag = read_mtrag(file("mtrag_human_reference.jsonl.gz"))
    opening = tuple(one for one in mtrag.examples if not one.history)
    yield replace(mtrag, name="mtRAG", examples=opening), False


def _with_sources(collection: Collection, ids: set[str], name: str) -> Collection:
    """Return a collection with some of its sources, and the questions on these."""
    return replace(
        collection,
        name=name,
        sources=tuple(one for one in collection.sources if one.source_id in ids),
        examples=tuple(
            one for one in collection.examples if ids & set(collection.qrels[one.query_id])
        ),
    )


def guess(
    reader: Reader, collection: Collection, examples: Sequence[Example], *, of_one: bool
) -> Iterator[Guess]:
    """Yield the reader's best guess at each question."""
    titles = {one.source_id: one.title for one in collection.sources}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False, answerers=()) as rag:
            rag.add_sources(collection.sources)
            for example in examples:
                relevant = set(collection.qrels[example.query_id])
                mine = {titles[one] for one in relevant}
                only = [one for one, title in titles.items() if title in mine] if of_one else None
                candidates = rag.retrieve(example.question, sources=only)
                readings = reader.read(example.question, candidates)
                if readings:
                    yield judged(readings[0], candidates, example, relevant)


def judged(
    best: Reading, candidates: Sequence[Candidate], example: Example, relevant: set[str]
) -> Guess:
    """Return whether a reading answers."""
    if example.answers:
        right = containment(best.text, example.answers) > 0
    else:
        right = candidates[best.candidate].passage.source_id in relevant
    return Guess(right=right, probability=best.probability)


if __name__ == "__main__":
    main()
