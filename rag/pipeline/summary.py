"""A summary: the sentences of whole sources that stand best for the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rag.pipeline.excerpts import MOST_QUOTED, MOST_SOURCES, Quoted, different, stands_alone
from rag.retrieval import diversify
from rag.schema import Candidate, ScoredSentence, SourceInfo, Span
from rag.store import Snapshot, StoredPassage

MOST_READ = 512
"""Passages that a summary looks at, spread evenly where there are more."""
DIVERSITY = 0.4
"""Of maximal marginal relevance, see `rag.retrieval.diversify`."""
LEAD = 0.2
"""What the first sentence of a source has over its centrality; it falls with the cube of what is behind it. More
of it is nearer to written summaries, which begin as their texts do, and says less of the rest."""
_LEANING = 0.85
"""What is left of the centrality of a sentence that leans on the one before it."""
_LEANS = re.compile(
    r"\W*(?:he|she|it|they|his|her|its|their|this|these|that|those|such|but|and|so|or|however|moreover|furthermore"
    r"|meanwhile|therefore|thus|then|also|instead|nevertheless|still|yet|for example|for instance)\b",
    re.IGNORECASE,
)


def central(
    store: Snapshot, sources: Sequence[SourceInfo]
) -> tuple[list[list[Candidate]], list[Quoted]]:
    """Return each source's passages and the sentences that stand best for all of them, in order of the text."""
    keys = [key for one in sources for key in store.keys(one.source_id)]
    keys = keys[:: -(-len(keys) // MOST_READ) or 1]
    read: dict[str, list[StoredPassage]] = {}
    for stored in store.fetch(keys):
        read.setdefault(stored.passage.source_id, []).append(stored)
    found, best = [], []
    share = max(1, min(MOST_QUOTED, MOST_SOURCES // max(len(read), 1)))
    for passages in read.values():
        candidates = _measured(passages)
        found.append([candidates[i] for i in _spread(passages, candidates)])
        best.append(_standing(passages, candidates, share))
    best = sorted(best, key=lambda some: -some[0])[:MOST_SOURCES]
    order = {source_id: place for place, source_id in enumerate(read)}
    quoted = [one for _, some in best for one in some]
    return found, sorted(quoted, key=lambda one: (order[one[0].passage.source_id], one[1].start))


def _measured(passages: Sequence[StoredPassage]) -> list[Candidate]:
    """Return passages of a source as candidates: each cosine is with the mean of the source's sentences."""
    mean = np.concatenate([one.sentence_vectors for one in passages]).mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-9)
    candidates = []
    for one in passages:
        passage, near = one.passage, one.sentence_vectors @ mean
        sentences = tuple(
            ScoredSentence(
                start=span.start,
                end=span.end,
                text=passage.text[span.start - passage.start : span.end - passage.start],
                dense=float(cosine),
                lexical=0.0,
            )
            for span, cosine in zip(one.sentences, near, strict=True)
        )
        whole = float(one.vector @ mean)
        candidates.append(
            Candidate(passage=passage, dense=whole, lexical=0.0, fused=whole, sentences=sentences)
        )
    return candidates


def _spread(passages: Sequence[StoredPassage], candidates: Sequence[Candidate]) -> list[int]:
    """Return all passages, the central and different ones first."""
    order = sorted(range(len(passages)), key=lambda i: -candidates[i].fused)
    vectors = np.stack([passages[i].vector for i in order])
    scores = [candidates[i].fused for i in order]
    picked = diversify(scores, vectors @ vectors.T, k=len(order), diversity=DIVERSITY)
    return [order[i] for i in picked]


def _standing(
    passages: Sequence[StoredPassage], candidates: Sequence[Candidate], share: int
) -> tuple[float, list[Quoted]]:
    """Return the sentences of a source that stand best for the rest, and the best one's centrality."""
    rows: dict[tuple[int, int], tuple[float, Quoted, np.ndarray]] = {}
    for stored, candidate in zip(passages, candidates, strict=True):
        for one, vector in zip(candidate.sentences, stored.sentence_vectors, strict=True):
            if stands_alone(one.text):
                score = _centrality(one, passages[-1].passage.end)
                quoted = (candidate, Span(start=one.start, end=one.end))
                rows.setdefault((one.start, one.end), (score, quoted, vector))
    ranked = sorted(rows.values(), key=lambda row: (-row[0], row[1][1].start))
    if not ranked:
        return 0.0, []
    share = min(share, max(3, len(ranked) // 4))
    vectors = np.stack([vector for _, _, vector in ranked])
    scores = [score for score, _, _ in ranked]
    picked = diversify(scores, vectors @ vectors.T, k=4 * share, diversity=DIVERSITY)
    return scores[0], different([ranked[i][1] for i in picked])[:share]


def _centrality(one: ScoredSentence, end: int) -> float:
    """Return how well a sentence of a source that ends there stands for it."""
    leaning = _LEANING if _LEANS.match(one.text) else 1.0
    return one.dense * leaning + LEAD * (1 - one.start / max(end, 1)) ** 3
