"""Make a reader's logits probabilities that compare across passages, where it reads: behind our own retrieval.

    python -m training.reader.calibrate --reader FOLDER --data squad2_train.json.gz [--documents FILE]

The paragraphs of the articles that were never trained on become one corpus in a temporary index; each question is
retrieved from it as a person's question would be, and all candidates are read. Two fits on what the model says of a
sentence, and on what retrieval and words show (`rag.reader.features`): a softmax over a question's sentences learns
which of them holds the answer; a logistic regression on the three that lead, which are what is ever said, learns
whether one does. The latter weighs questions as if `--answerable` of them had an answer: half of SQuAD's have none, on
purpose, while people ask mostly what they expect to find. Documents that were kept back are read in the same way, in an
index of their own; each kind of them counts as much as the articles. Each kind is measured by a fit on all the others,
as a person's documents are of a kind that nobody fitted on, and then all fit what is written into FOLDER/manifest.json.
Deterministic by the seed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score

from eval.benchmarks import Collection, read_squad
from rag import Rag, Settings
from rag.evaluation.dataset import Example
from rag.reader.neural import SEEN, NeuralReader
from rag.reader.onnx import open_folder
from rag.schema import Candidate
from rag.weights import MANIFEST
from training.encoder.export import write_json
from training.reader.data import DOCUMENTS_HELD_OUT, HELD_OUT
from training.reader.regression import Array, Flags, calibration_error, holds, ordered, unscaled
from training.reader.squad import Article, hold_out, hold_out_documents, read_articles

TOP = 3
"""Sentences of each question that the second fit sees."""
SURE = ("margin", "best_gap", "fused_gap")
"""What the second fit weighs: with more it judges by words, which unanswerable questions share too."""
DECAY = 1e-3
"""Weight of the squared weights in the first fit."""
THRESHOLD = 0.45
"""Probability from which a balanced reader answers: there a wrong quotation costs what a right one gains, on documents
that are no encyclopaedia, of which it is less sure than it may be (the development halves in `eval/data`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One question: what is seen of its sentences, shape (n, len(SEEN)), and which of them answer, shape (n,)."""

    x: Array
    right: Flags
    candidate: NDArray[np.int64]
    """Index of the candidate that holds each sentence, shape (n,)."""
    evidence: Flags
    """Which candidates hold the answer, in the order of the search."""
    answerable: bool
    title: str
    """Of the article."""
    kind: str
    """Which of the collections it is of, or which kind of document its question is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Weights of plain values, in the order of `SEEN`, shape (len(SEEN),)."""

    rank: Array
    sure: Array
    bias: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        return {
            "rank": named(self.rank),
            "sure": named(self.sure),
            "sure_bias": round(self.bias, 5),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit, measure, and write the calibration."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--reader", type=Path, required=True, help="what `training.reader.export` wrote"
    )
    parser.add_argument("--data", type=Path, required=True, help="the file it was trained on")
    parser.add_argument("--documents", type=Path, help="those that it was trained on as well")
    parser.add_argument("--questions", type=int, default=3000)
    parser.add_argument("--answerable", type=float, default=0.8, help="assumed share, 0..1")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    manifest = json.loads((args.reader / MANIFEST).read_text(encoding="utf-8"))
    seed = manifest["made"]["recipe"]["seed"]
    collections = {
        "articles": kept_back(
            args.data, hold_out(read_articles(args.data), HELD_OUT, seed)[1]
        ).sample(args.questions, seed=args.seed)
    }
    kinds: dict[str, str] = {}
    if args.documents:
        kept = hold_out_documents(read_articles(args.documents), DOCUMENTS_HELD_OUT, seed)[1]
        collections["documents"] = kept_back(args.documents, kept)
        kinds = {one.title: one.kind for one in kept}
    reader = open_folder(args.reader)
    reads = [one for kind, each in collections.items() for one in read_all(reader, each, kind=kind)]
    reads = [replace(one, kind=kinds.get(one.title) or one.kind) for one in reads]
    manifest["calibration"] = {
        **fit(reads, share=args.answerable).to_dict(),
        "threshold": THRESHOLD,
        "questions": len(reads),
        "answerable": args.answerable,
        "left out": left_out(reads, share=args.answerable),
    }
    write_json(args.reader / MANIFEST, manifest)
    print(json.dumps(manifest["calibration"], indent=2))


def left_out(reads: Sequence[Read], *, share: float) -> dict[str, dict[str, float]]:
    """Return the figures of each kind by a fit on all the others, and their mean."""
    found = {}
    for kind in sorted({one.kind for one in reads}):
        mine = [one for one in reads if one.kind == kind]
        others = [one for one in reads if one.kind != kind] or mine
        found[kind] = report(mine, fit(others, share=share), share=share)
    names = next(iter(found.values()))
    found["mean"] = {
        name: round(float(np.mean([one[name] for one in found.values()])), 4) for name in names
    }
    return found


def kept_back(data: Path, articles: Sequence[Article]) -> Collection:
    """Return the part of a file's questions that is on the articles that were not trained on."""
    titles = {one.title for one in articles}
    collection = read_squad(data)
    sources = tuple(source for source in collection.sources if source.title in titles)
    ids = {source.source_id for source in sources}
    examples = tuple(
        one for one in collection.examples if ids & set(collection.qrels[one.query_id])
    )
    return replace(collection, sources=sources, examples=examples)


def read_all(reader: NeuralReader, collection: Collection, *, kind: str) -> list[Read]:
    """Index the sources, and read what is retrieved for each question."""
    titles = {source.source_id: source.title for source in collection.sources}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False, answerers=()) as rag:
            rag.add_sources(collection.sources)
            return [
                read(
                    reader,
                    example,
                    rag.retrieve(example.question),
                    title=titles[min(collection.qrels[example.query_id])],
                    kind=kind,
                )
                for example in collection.examples
            ]


def read(
    reader: NeuralReader,
    example: Example,
    candidates: Sequence[Candidate],
    *,
    title: str,
    kind: str,
) -> Read:
    """Return what is seen of every sentence, and whether the answer stands in it."""
    seen = reader.look(example.question, candidates)
    return Read(
        x=np.array([one.values for one in seen], dtype=np.float64).reshape(-1, len(SEEN)),
        right=np.array(
            [holds(example, candidates[one.candidate], one.sentence) for one in seen], dtype=bool
        ),
        candidate=np.array([one.candidate for one in seen], dtype=np.int64),
        evidence=np.array(
            [any(holds(example, one, each) for each in one.sentences) for one in candidates],
            dtype=bool,
        ),
        answerable=bool(example.answerable),
        title=title,
        kind=kind,
    )


def fit(reads: Sequence[Read], *, share: float) -> Fit:
    """Fit which sentence leads, and how likely one that leads answers."""
    rank = listwise(reads)
    best = [ordered(one.x, rank)[:TOP] for one in reads]
    x = np.concatenate([one.x[chosen] for one, chosen in zip(reads, best, strict=True)])
    y = np.concatenate([one.right[chosen] for one, chosen in zip(reads, best, strict=True)])
    of = np.repeat(np.arange(len(best)), [len(chosen) for chosen in best])
    columns = [SEEN.index(name) for name in SURE]
    fitted, bias = unscaled(x[:, columns], y, importance(reads, share)[of])
    sure = np.zeros(len(SEEN))
    sure[columns] = fitted
    return Fit(rank=rank, sure=sure, bias=bias)


def listwise(reads: Sequence[Read]) -> Array:
    """Return the weights under which a softmax over a question's sentences gives the right ones most.

    The top-one loss of ListNet (Cao et al. 2007), over questions that were found an answer.
    """
    every = np.concatenate([one.x for one in reads])
    mean, scale = every.mean(axis=0), every.std(axis=0) + 1e-9
    lists = [
        ((one.x - mean) / scale, one.right, weight)
        for one, weight in zip(reads, evenly(reads), strict=True)
        if one.right.any() and not one.right.all()
    ]
    n = sum(weight for *_, weight in lists) or 1.0

    def loss(weights: Array) -> tuple[float, Array]:
        total, slope = 0.0, np.zeros_like(weights)
        for x, right, weight in lists:
            odds = x @ weights
            total += weight * (logsumexp(odds) - logsumexp(odds[right]))
            slope += weight * (softmax(odds) @ x - softmax(odds[right]) @ x[right])
        penalty = float(DECAY * weights @ weights)
        return total / n + penalty, slope / n + 2 * DECAY * weights

    found = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B")
    return np.asarray(found.x / scale)


def evenly(reads: Sequence[Read]) -> Array:
    """Return a weight for each question, with which the collections count alike; the mean is 1."""
    counts = Counter(one.kind for one in reads)
    return np.array([len(reads) / (len(counts) * counts[one.kind]) for one in reads])


def importance(reads: Sequence[Read], share: float) -> Array:
    """Return a weight for each question, with which `share` of them would have an answer too; the mean is 1."""
    weights = evenly(reads)
    answerable = np.array([one.answerable for one in reads])
    part = (weights * answerable).mean()
    return np.asarray(weights * np.where(answerable, share / part, (1 - share) / (1 - part)))


def named(weights: Array) -> dict[str, float]:
    """Return the weights that are not 0, by name."""
    return {
        name: weight
        for name, weight in zip(SEEN, np.round(weights, 5).tolist(), strict=True)
        if weight
    }


def report(reads: Sequence[Read], fitted: Fit, *, share: float) -> dict[str, float]:
    """Return what the manifest records of questions that were not fitted on."""
    best = [(one, ordered(one.x, fitted.rank)[0]) for one in reads if len(one.x)]
    odds = np.array([one.x[i] @ fitted.sure + fitted.bias for one, i in best])
    probability = 1 / (1 + np.exp(-odds))
    right = np.array([one.right[i] for one, i in best])
    answerable = np.array([one.answerable for one, _ in best])
    found = [(one, i) for one, i in best if one.evidence.any()]
    said = probability >= THRESHOLD
    figures = {
        "right sentence, answerable": right[answerable].mean(),
        "passage first by fusion, where found": np.mean([one.evidence[0] for one, _ in found]),
        "passage first by reader, where found": np.mean(
            [one.evidence[one.candidate[i]] for one, i in found]
        ),
        "AUROC right": roc_auc_score(right, probability),
        "AUROC answerable": roc_auc_score(answerable, probability),
        "expected calibration error": calibration_error(
            probability, right, importance([one for one, _ in best], share)
        ),
        "answered, answerable": said[answerable].mean(),
        "abstained, unanswerable": (~said)[~answerable].mean(),
    }
    return {"questions": len(reads)} | {
        name: round(float(value), 4) for name, value in figures.items()
    }


if __name__ == "__main__":
    main()
