"""Fit the first reader: two logistic regressions, on questions of SQuAD 2.0 train through our own retrieval.

    python -m training.reader.linear --data squad2_train.json.gz [--dev squad2_dev.json.gz]

The paragraphs of some articles become one corpus in a temporary index; each question is retrieved from it
as a person's question would be. The first regression learns which sentence of the candidates holds the
answer; the second, on the three best sentences of each question, how surely it does. Half of SQuAD's
questions have no answer, on purpose; people ask mostly what they expect to find. So the second regression
weighs questions as if `--answerable` of them had an answer, and its probabilities are calibrated for that
share. Everything is deterministic by the seed.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from eval.benchmarks import Collection, read_squad
from rag import Rag, Settings
from rag.evaluation.dataset import Example
from rag.reader.features import NAMES, analyse, rows
from rag.reader.linear import WEIGHTS_FILE
from rag.schema import Candidate
from training.reader.regression import Array, Flags, calibration_error, holds, ordered, unscaled

TOP = 3
"""Sentences of each question that the second regression sees."""
THRESHOLD = 0.4
"""Probability from which a balanced reader answers: a wrong quotation, which its reader can see through, costs two
thirds of what a right one gains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRead:
    """One question with its sentences' features, shape (n, features), and which of them answer, shape (n,)."""

    x: Array
    right: Flags
    answerable: bool


def main() -> None:
    """Fit, measure and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="SQuAD 2.0 train, JSON or JSON.gz")
    parser.add_argument("--dev", type=Path, help="SQuAD 2.0 dev, only to report figures")
    parser.add_argument("--paragraphs", type=int, default=1500, help="of train, whole articles")
    parser.add_argument("--questions", type=int, default=6000)
    parser.add_argument("--answerable", type=float, default=0.8, help="assumed share, 0..1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS_FILE)
    args = parser.parse_args()

    train = read_questions(args.data, args.paragraphs, args.questions, args.seed)
    rank = fit_rank(train)
    sure, bias = fit_sure(train, rank, share=args.answerable)
    figures = {"train": figures_of(train, rank, sure, bias, share=args.answerable)}
    if args.dev:
        dev = read_questions(args.dev, 10**9, args.questions, args.seed)
        figures["dev"] = figures_of(dev, rank, sure, bias, share=args.answerable)
    weights = {
        "name": "linear/1",
        "rank": dict(zip(NAMES, np.round(rank, 5).tolist(), strict=True)),
        "sure": dict(zip(NAMES, np.round(sure, 5).tolist(), strict=True)),
        "sure_bias": round(bias, 5),
        "threshold": THRESHOLD,
        "made": {
            "command": "python -m training.reader.linear --data <train> --dev <dev>",
            "data": "SQuAD 2.0 (Rajpurkar, Jia and Liang 2018), CC BY-SA 4.0",
            "questions": args.questions,
            "paragraphs": args.paragraphs,
            "answerable": args.answerable,
            "seed": args.seed,
            "figures": figures,
        },
    }
    args.out.write_text(json.dumps(weights, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def read_questions(path: Path, n_paragraphs: int, n_questions: int, seed: int) -> list[FeatureRead]:
    """Index the paragraphs of whole articles, and read a sample of their questions."""
    collection = some_articles(read_squad(path), n_paragraphs, seed).sample(n_questions, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False, answerers=()) as rag:
            rag.add_sources(collection.sources)
            return [
                read_features(example, rag.retrieve(example.question))
                for example in collection.examples
            ]


def some_articles(collection: Collection, n_paragraphs: int, seed: int) -> Collection:
    """Return whole articles, drawn by the seed, until they have so many paragraphs."""
    titles = sorted({source.title for source in collection.sources})
    random.Random(seed).shuffle(titles)
    sizes = dict.fromkeys(titles, 0)
    for source in collection.sources:
        sizes[source.title] += 1
    chosen: set[str] = set()
    for title in titles:
        if sum(sizes[one] for one in chosen) < n_paragraphs:
            chosen.add(title)
    sources = tuple(source for source in collection.sources if source.title in chosen)
    ids = {source.source_id for source in sources}
    examples = tuple(
        one for one in collection.examples if ids & set(collection.qrels[one.query_id])
    )
    return replace(collection, sources=sources, examples=examples)


def read_features(example: Example, candidates: Sequence[Candidate]) -> FeatureRead:
    """Return the features of every sentence and whether the answer stands in it."""
    found = rows(analyse(example.question), candidates)
    return FeatureRead(
        x=np.array([row for _, _, row in found], dtype=np.float64).reshape(-1, len(NAMES)),
        right=np.array(
            [holds(example, candidates[index], unit[0]) for index, unit, _ in found],
            dtype=bool,
        ),
        answerable=bool(example.answerable),
    )


def fit_rank(reads: Sequence[FeatureRead]) -> Array:
    """Return the log-odds a unit of each feature that a sentence is the one that answers."""
    x = np.concatenate([one.x for one in reads])
    y = np.concatenate([one.right for one in reads])
    return unscaled(x, y)[0]


def fit_sure(reads: Sequence[FeatureRead], rank: Array, *, share: float) -> tuple[Array, float]:
    """Return weights and bias of the probability that one of the best sentences answers."""
    x, y, of = [], [], []
    for number, one in enumerate(reads):
        for i in ordered(one.x, rank)[:TOP]:
            x.append(one.x[i])
            y.append(one.right[i])
            of.append(number)
    return unscaled(np.array(x), np.array(y), answerable_weights(reads, share)[of])


def answerable_weights(reads: Sequence[FeatureRead], share: float) -> Array:
    """Return a weight for each question, with which `share` of them would have an answer; the mean is 1."""
    answerable = np.array([one.answerable for one in reads])
    part = answerable.mean()
    return np.asarray(np.where(answerable, share / part, (1 - share) / (1 - part)))


def judge(
    reads: Sequence[FeatureRead], rank: Array, sure: Array, bias: float
) -> tuple[Array, Flags, Flags]:
    """Return of each question the best sentence's probability, whether it is right, and answerability."""
    best = [(one, ordered(one.x, rank)[0]) for one in reads]
    odds = np.array([one.x[i] @ sure + bias for one, i in best])
    right = np.array([one.right[i] for one, i in best])
    return 1 / (1 + np.exp(-odds)), right, np.array([one.answerable for one in reads])


def figures_of(
    reads: Sequence[FeatureRead], rank: Array, sure: Array, bias: float, *, share: float
) -> dict[str, float]:
    """Return the figures that the weights' file records."""
    probability, right, answerable = judge(reads, rank, sure, bias)
    said = probability >= THRESHOLD
    weights = answerable_weights(reads, share)
    return {
        "questions": len(reads),
        "right sentence, answerable": round(float(right[answerable].mean()), 4),
        "AUROC right": round(float(roc_auc_score(right, probability)), 4),
        "AUROC answerable": round(float(roc_auc_score(answerable, probability)), 4),
        "expected calibration error": round(calibration_error(probability, right, weights), 4),
        "answered, answerable": round(float(said[answerable].mean()), 4),
        "abstained, unanswerable": round(float((~said)[~answerable].mean()), 4),
    }


if __name__ == "__main__":
    main()
