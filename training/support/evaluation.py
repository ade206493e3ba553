"""How well a support model tells supported claims from others: AUROC and balanced accuracy, as the program reads.

A claim of several sentences is as well supported as its worst; an evidence supports as well as its best window.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eval.benchmarks.collection import SupportPair
from eval.benchmarks.files import json_lines
from eval.benchmarks.support import balanced_accuracy
from rag.citations import lexical_support
from rag.evaluation.measures import auroc
from rag.language.sentences import split_sentences
from training.reader.batches import SPECIAL, Batch, frame
from training.reader.evaluation import TOGETHER
from training.support.data import LONGEST, LONGEST_CLAIM, ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

SupportScorer = Callable[[Batch], "NDArray[np.float32]"]
"""Returns the logit of support of each pair, shape (n,)."""

STRIDE = 96
"""Word pieces by which the windows of a long evidence are apart, at most."""
CLOSELY = 5
"""Sentences of an evidence that are read by themselves too, those with most of a claim's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWindow:
    """One sentence of a claim, and as much of its evidence as is read at once."""

    pair: int
    sentence: int
    claim: NDArray[np.uint16]
    evidence: NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimJudging:
    """Pairs to judge by, cut into windows."""

    true: tuple[bool, ...]
    windows: tuple[ClaimWindow, ...]


def judging(
    pairs: Sequence[SupportPair],
    tokenizer: Tokenizer,
    *,
    n: int | None = None,
    seed: int = 0,
    closely: bool = False,
) -> ClaimJudging:
    """Cut pairs into what is read of them.

    Args:
        pairs: claims and evidence.
        tokenizer: of the model.
        n: pairs of a sample, drawn by the seed; None for all.
        seed: of the sample.
        closely: whether single sentences of an evidence are read too, alone and amid those beside them.
    """
    if n is not None and n < len(pairs):
        pairs = random.Random(seed).sample(list(pairs), n)
    windows: list[ClaimWindow] = []
    for number, pair in enumerate(pairs):
        windows += _windows(number, pair, tokenizer, CLOSELY if closely else 0)
    return ClaimJudging(
        true=tuple(one.label == "supported" for one in pairs), windows=tuple(windows)
    )


def scores(model: SupportScorer, judged: ClaimJudging) -> NDArray[np.float64]:
    """Return the logit of each pair, shape (n,)."""
    best: dict[tuple[int, int], float] = {}
    sizes = [len(one.claim) + len(one.evidence) for one in judged.windows]
    order = np.argsort(sizes, kind="stable")
    for begin in range(0, len(order), TOGETHER):
        windows = [judged.windows[i] for i in order[begin : begin + TOGETHER]]
        rows = [(one.claim, one.evidence) for one in windows]
        said = model(frame(rows, [(-1, -1)] * len(rows)))
        for window, logit in zip(windows, said.tolist(), strict=True):
            place = window.pair, window.sentence
            best[place] = max(best.get(place, -np.inf), logit)
    found = np.full(len(judged.true), np.inf)
    for (pair, _), logit in best.items():
        found[pair] = min(found[pair], logit)
    return np.where(np.isfinite(found), found, -50.0)


def figures(
    said: NDArray[np.float64], true: Sequence[bool], *, threshold: float
) -> dict[str, float]:
    """Return AUROC and balanced accuracy, 0..1."""
    return {
        "n": len(true),
        "auroc": round(auroc(said, true), 4),
        "balanced_accuracy": round(balanced_accuracy((said >= threshold).tolist(), true), 4),
    }


def best_threshold(said: NDArray[np.float64], true: Sequence[bool]) -> float:
    """Return the logit from which calling a pair supported gives the best balanced accuracy."""
    tried = np.unique(np.quantile(said, np.linspace(0, 1, 101)))
    return float(max(tried, key=lambda one: balanced_accuracy((said >= one).tolist(), true)))


def read_pairs(path: Path) -> dict[str, list[SupportPair]]:
    """Read claims and evidence by set: the file's, and what of it is news by itself.

    News are apart in SummEdits. The brackets of the Penn Treebank are written as everyone writes them.
    """
    sets: dict[str, list[SupportPair]] = {}
    for _, record in json_lines(path):
        claim, evidence, label = (str(record[name]) for name in ("claim", "evidence", "label"))
        name = path.name.split(".")[0] + ("_news" if record.get("domain") == "news" else "")
        pair = SupportPair(claim=_plain(claim), evidence=_plain(evidence), label=label)
        sets.setdefault(name, []).append(pair)
    return sets


def _plain(text: str) -> str:
    for code, sign in (("-LRB-", "("), ("-RRB-", ")"), ("-LSB-", "["), ("-RSB-", "]")):
        text = text.replace(code, sign)
    return text


def _windows(
    number: int, pair: SupportPair, tokenizer: Tokenizer, n_closely: int
) -> Iterator[ClaimWindow]:
    """Yield windows for each sentence of a claim: of all its evidence, overlapping, and of so many sentences of it."""
    sentences = _sentences(pair.evidence)
    for at, asked in enumerate(_sentences(pair.claim)):
        texts = [pair.evidence, *_close(asked, sentences, n_closely)]
        whole, *pieces = _pieces([asked, *dict.fromkeys(texts)], tokenizer)
        claim = whole[:LONGEST_CLAIM]
        room = LONGEST - SPECIAL - len(claim)
        for evidence in pieces:
            last = max(len(evidence) - room, 0)
            for begin in sorted({*range(0, last, STRIDE), last}):
                read = evidence[begin : begin + room]
                yield ClaimWindow(pair=number, sentence=at, claim=claim, evidence=read)


def _close(claim: str, sentences: Sequence[str], n: int) -> Iterator[str]:
    """Yield the sentences with most of the claim's words, each alone and amid those beside it."""
    worth = lexical_support(claim, sentences)
    for at in sorted(range(len(sentences)), key=lambda i: (-worth[i], i))[:n]:
        yield sentences[at]
        yield " ".join(sentences[max(at - 1, 0) : at + 2])


def _sentences(text: str) -> list[str]:
    return [text[one.start : one.end] for one in split_sentences(text)] or [text]


def _pieces(texts: Sequence[str], tokenizer: Tokenizer) -> list[NDArray[np.uint16]]:
    cut = ragged(texts, tokenizer)
    return [cut[i] for i in range(len(texts))]
