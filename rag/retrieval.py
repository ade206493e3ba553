"""A query becomes ranked candidates: dense and lexical search, fused, then looked at sentence by sentence.

Knows a store only as one `Snapshot` of it, and an encoder only as a function that makes a
query's vector. It does not know what an answer is.

Two searches each bring `DEPTH` passages; a first convex combination of their min-max scores (Bruch,
Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval") keeps `POOL` of them. These are
ranked by scores whose range does not depend on the query, so that a bad best candidate looks bad:

    fused = max over sentences s of (0.55 cos(q, s) + 0.20 cover(q, s)) + 0.05 cos(q, p) + 0.20 cover(q, p)

where `cover` is the share of the query's idf weight that the text holds (weighted term overlap) and `s` runs
over the late-chunked sentence vectors of passage p. How the weights were found stands in `eval/LOG.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Literal

import numpy as np

from rag.language.english import LIGHT_WORDS
from rag.language.languages import small_words, stem_of
from rag.language.paths import led
from rag.schema import Candidate, ScoredPassage, ScoredSentence
from rag.store import Snapshot, StoredPassage

if TYPE_CHECKING:
    from rag.schema import Vectors

DEPTH = 100
"""Passages that each search contributes before the first fusion."""
POOL = 24
"""Passages whose sentences are looked at."""

_SAYING_NOTHING = frozenset(map(stem_of, LIGHT_WORDS)) | {"s", "t"}
"""Stems of words that say nothing of what a text is about; `s` and `t` of "it's" and "don't"."""

Method = Literal["dense", "lexical", "rrf", "convex", "fusion"]
"""How to rank: the two searches alone, two ways of combining only them, and what the program uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Parts of the convex combination; they add up to 1."""

    sentence_dense: float = 0.55
    sentence_lexical: float = 0.20
    passage_dense: float = 0.05
    passage_lexical: float = 0.20


class Retriever:
    """Finds the passages of a store that may answer a query.

    Args:
        encode: makes the unit vector, shape (d,), of a query.
        weights: of the convex combination.
    """

    def __init__(self, encode: Callable[[str], Vectors], *, weights: Weights | None = None) -> None:
        self.encode = encode
        self._weights = weights or Weights()

    def retrieve(
        self,
        store: Snapshot,
        query: str,
        *,
        k: int,
        sources: frozenset[str] | None = None,
        method: Method = "fusion",
        diversity: float = 0.0,
    ) -> tuple[Candidate, ...]:
        """Return at most `k` candidates, best first; equal scores in order of passage_id.

        Args:
            store: one state of a store; all reads are from it.
            query: a question or words that stand alone.
            k: at least 1.
            sources: only passages of these; None for all.
            method: "fusion" unless another is to be compared with it.
            diversity: 0..1; above 0, maximal marginal relevance picks among the pool.
        """
        vector = self.encode(query)
        depth = max(DEPTH, k)
        dense = dict(store.dense(vector, depth, sources=sources)) if method != "lexical" else {}
        lexical = dict(store.lexical(query, depth, sources=sources)) if method != "dense" else {}
        first = _first_scores(dense, lexical, rrf=method == "rrf")
        keys = sorted(first, key=lambda key: (-first[key], key))[: max(POOL, k)]
        stored = store.fetch(keys)
        cover = _Cover(store, query)
        found = [
            (self._look(one, vector, cover, bm25=lexical.get(one.key, 0.0)), one) for one in stored
        ]
        score = {one.key: c.fused if method == "fusion" else first[one.key] for c, one in found}
        found.sort(key=lambda pair: (-score[pair[1].key], pair[0].passage.passage_id))
        if diversity > 0 and found:
            similar = np.stack([one.vector for _, one in found])
            order = diversify(
                [score[one.key] for _, one in found], similar @ similar.T, k=k, diversity=diversity
            )
            found = [found[i] for i in order]
        return tuple(candidate for candidate, _ in found[:k])

    def _look(
        self, stored: StoredPassage, vector: Vectors, cover: _Cover, *, bm25: float
    ) -> Candidate:
        """Score one passage and each of its sentences."""
        passage, weights = stored.passage, self._weights
        texts = [
            passage.text[span.start - passage.start : span.end - passage.start]
            for span in stored.sentences
        ]
        cosines = stored.sentence_vectors @ vector
        covered = [
            cover.terms(led(unit.path, text, unit.start))
            for unit, text in zip(stored.sentences, texts, strict=True)
        ]
        sentences = tuple(
            ScoredSentence(
                start=unit.start,
                end=unit.end,
                text=text,
                dense=float(cosine),
                lexical=cover.share(terms),
                kind=unit.kind,
                path=unit.path,
                cells=unit.cells,
            )
            for unit, text, cosine, terms in zip(
                stored.sentences, texts, cosines, covered, strict=True
            )
        )
        whole = float(stored.vector @ vector)
        best = max(
            (
                weights.sentence_dense * max(one.dense, 0.0)
                + weights.sentence_lexical * one.lexical
                for one in sentences
            ),
            default=0.0,
        )
        fused = (
            best
            + weights.passage_dense * max(whole, 0.0)
            + weights.passage_lexical * cover.share(frozenset[str]().union(*covered))
        )
        return Candidate(
            passage=passage, dense=whole, lexical=bm25, fused=fused, sentences=sentences
        )


class _Cover:
    """The share of a query's idf weight that a text holds."""

    def __init__(self, store: Snapshot, query: str) -> None:
        self._analyze = store.analyze
        terms = frozenset(store.analyze(query))
        small = frozenset(store.analyze(" ".join(small_words(query))))
        content = terms - _SAYING_NOTHING - small or terms
        self._weights = store.weights(content) if content else {}
        # fsum: the order in which a set yields its members changes from process to process.
        self._total = fsum(self._weights.values()) or 1.0

    def terms(self, text: str) -> frozenset[str]:
        """Return the query's terms that the text holds."""
        return frozenset(term for term in self._analyze(text) if term in self._weights)

    def share(self, terms: Collection[str]) -> float:
        """Return the terms' part of the query's weight, 0..1."""
        return fsum(self._weights[term] for term in terms) / self._total


def _first_scores(
    dense: Mapping[int, float], lexical: Mapping[int, float], *, rrf: bool
) -> dict[int, float]:
    """Combine two result lists, each best first, into one score a key, higher is better.

    Either the mean of min-max normalised scores, or reciprocal rank fusion with k = 60 (Cormack,
    Clarke and Büttcher 2009).
    """
    combined: dict[int, float] = {}
    for scores in (dense, lexical):
        low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
        for rank, (key, score) in enumerate(scores.items(), start=1):
            # A lone result is the best there is, not the worst.
            scaled = (score - low) / (high - low) if high > low else 1.0
            combined[key] = combined.get(key, 0.0) + (1 / (60 + rank) if rrf else scaled / 2)
    return combined


def diversify(scores: Sequence[float], similar: Vectors, *, k: int, diversity: float) -> list[int]:
    """Pick by maximal marginal relevance (Carbonell and Goldstein 1998).

    Args:
        scores: of n candidates, best first.
        similar: cosine of each pair, shape (n, n).
        k: how many to pick.
        diversity: 0 keeps the ranking, 1 looks only for what is unlike what was picked.

    Returns:
        Indices of the picked, in the order of picking.
    """
    left = list(range(len(scores)))
    picked: list[int] = []
    while left and len(picked) < k:
        closest = similar[:, picked].max(axis=1) if picked else np.zeros(len(scores))
        gain = [(1 - diversity) * scores[i] - diversity * float(closest[i]) for i in left]
        picked.append(left.pop(int(np.argmax(gain))))
    return picked


def scored(candidates: Sequence[Candidate]) -> tuple[ScoredPassage, ...]:
    """Return candidates in their order with their fused scores."""
    return tuple(
        ScoredPassage(passage=one.passage, score=one.fused, rank=rank, scorer="fusion")
        for rank, one in enumerate(candidates, start=1)
    )
