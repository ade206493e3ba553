"""Ways of ranking measured side by side on a collection whose relevant sources are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from eval.benchmarks.collection import Collection
from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.dataset import Example
from rag.evaluation.intervals import Interval, bootstrap_interval, paired_bootstrap
from rag.pipeline import Progress
from rag.reader import Reader, reranked
from rag.retrieval import Method
from rag.schema import Candidate

RETRIEVAL: Mapping[str, Callable[[Sequence[str], Mapping[str, int]], float]] = {
    "Success@1": lambda ranking, qrels: measures.success(ranking, qrels, 1),
    "Success@5": lambda ranking, qrels: measures.success(ranking, qrels, 5),
    "MRR@10": lambda ranking, qrels: measures.reciprocal_rank(ranking, qrels, 10),
    "MAP@10": lambda ranking, qrels: measures.average_precision(ranking, qrels, 10),
    "Recall@5": lambda ranking, qrels: measures.recall(ranking, qrels, 5),
    "Recall@10": lambda ranking, qrels: measures.recall(ranking, qrels, 10),
    "nDCG@5": lambda ranking, qrels: measures.ndcg(ranking, qrels, 5),
    "nDCG@10": lambda ranking, qrels: measures.ndcg(ranking, qrels, 10),
}
"""Measures of one query's ranking of sources. BEIR's official one is nDCG@10; mtRAG's are Recall and
nDCG, of which its authors report those at 5."""

_CUTOFF = 10
_PASSAGES = 3 * _CUTOFF
"""Passages that a way of ranking looks at: several may be of one source."""

Way: TypeAlias = Method | Literal["reader"]
"""How to rank: a method of retrieval, or fusion reranked by the reader."""


class SourceSearch(Protocol):
    """A way of searching that is to be measured."""

    def search_sources(self, query: str, k: int) -> Sequence[str]:
        """Return the ids of the k best sources, best first, each once."""


class Retrieving(Protocol):
    """What searches passages: `rag.Rag`, or anything like it."""

    def retrieve(
        self, query: str, k: int | None = None, *, method: Method = "fusion"
    ) -> tuple[Candidate, ...]:
        """Return the k best passages with the scores of their sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """A way of ranking passages, as something that searches sources."""

    rag: Retrieving
    way: Way
    reader: Reader
    """Asked by the way `reader` only."""
    n_read: int = _PASSAGES
    """Passages that the reader brings into its order; those behind them stay in fusion's."""

    def search_sources(self, query: str, k: int) -> Sequence[str]:
        """Return the sources of the best passages, each once."""
        if self.way == "reader":
            found = self.rag.retrieve(query, _PASSAGES)
            readings = self.reader.read(query, found[: self.n_read])
            first = reranked(readings, threshold=self.reader.threshold)
            order = [*(found[i] for i in first), *found[self.n_read :]]
        else:
            order = list(self.rag.retrieve(query, _PASSAGES, method=self.way))
        return list(dict.fromkeys(one.passage.source_id for one in order))[:k]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalComparison:
    """Ways of searching the same collection, side by side."""

    collection: str
    n: int
    values: Mapping[str, Mapping[str, tuple[float, ...]]]
    """way ─▶ measure ─▶ one value a question, in the same order for every way."""

    def figure(self, way: str, measure: str) -> Interval:
        """Return a way's mean with its interval."""
        return bootstrap_interval(self.values[way][measure])

    def difference(self, way: str, other: str, measure: str) -> Interval:
        """Return how much higher `way` is than `other`, with the paired interval."""
        return paired_bootstrap(self.values[way][measure], self.values[other][measure])


def compare_retrieval(
    collection: Collection,
    ways: Mapping[str, SourceSearch],
    *,
    query_of: Callable[[Example], str] = lambda example: example.question,
    progress: Progress | None = None,
) -> RetrievalComparison:
    """Search every question of a collection in every way and measure the rankings.

    Args:
        collection: its sources are what is searched; questions without qrels are left out.
        ways: by the name to show.
        query_of: makes the query of a question, of a follow-up one that stands alone.
        progress: told after each question of each way.

    Raises:
        DatasetError: no question has a relevant source.
    """
    judged = [e for e in collection.examples if collection.qrels.get(e.query_id)]
    if not judged:
        raise DatasetError(f"{collection.name}: no question has a relevant source.")
    values: dict[str, dict[str, tuple[float, ...]]] = {}
    for way, search in ways.items():
        rows = []
        for done, example in enumerate(judged, start=1):
            ranking = search.search_sources(query_of(example), _CUTOFF)
            qrels = collection.qrels[example.query_id]
            rows.append([measure(ranking, qrels) for measure in RETRIEVAL.values()])
            if progress is not None:
                progress(way, done, len(judged))
        columns = [tuple(column) for column in zip(*rows, strict=True)]
        values[way] = dict(zip(RETRIEVAL, columns, strict=True))
    return RetrievalComparison(collection=collection.name, n=len(judged), values=values)
