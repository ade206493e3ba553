"""Retrieval over a small store in memory."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval import Retriever, Weights, diversify
from rag.schema import Passage, Unit
from tests.fakes import HashEncoder

TEXTS = (
    "The bridge opened in 1932. It crosses the harbour. Six lanes carry cars.",
    "The tunnel opened in 1992. It runs below the harbour.",
    "Sheep graze on the hills. Wool is sold in autumn.",
    "A committee of engineers praised the bridge. They met in Paris.",
)


@dataclass(frozen=True)
class Stored:
    """What a store gives back."""

    key: int
    passage: Passage
    sentences: tuple[Unit, ...]
    vector: object
    sentence_vectors: object


class MemoryStore:
    """A store of a few texts: brute force, and word counts for BM25."""

    def __init__(self, texts=TEXTS):
        self.encoder, self.items = HashEncoder(), []
        for key, text in enumerate(texts):
            spans, start = [], 0
            for piece in text.split(". "):
                end = min(start + len(piece) + 1, len(text))
                spans.append(Unit(start=start, end=end))
                start = end + 1
            source = f"{key}.txt"
            passage = Passage(
                passage_id=f"{source}#0-{len(text)}",
                source_id=source,
                start=0,
                end=len(text),
                text=text,
                n_tokens=len(text.split()),
            )
            made = self.encoder.encode_passages([text], [spans])
            self.items.append(
                Stored(key, passage, tuple(spans), made.passages[0], made.sentences[0])
            )

    def analyze(self, text):
        return [word.strip(".?!,").lower() for word in text.split() if word.strip(".?!,")]

    def weights(self, terms):
        held = Counter(t for item in self.items for t in set(self.analyze(item.passage.text)))
        n = len(self.items)
        return {t: math.log(1 + (n - held[t] + 0.5) / (held[t] + 0.5)) for t in terms}

    def _within(self, sources):
        return [i for i in self.items if sources is None or i.passage.source_id in sources]

    def dense(self, query, k, *, sources=None):
        found = [(i.key, float(i.vector @ query)) for i in self._within(sources)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def lexical(self, text, k, *, sources=None):
        idf = self.weights(set(self.analyze(text)))
        found = [
            (i.key, sum(idf[t] for t in set(self.analyze(i.passage.text)) if t in idf))
            for i in self._within(sources)
        ]
        return sorted((f for f in found if f[1] > 0), key=lambda pair: (-pair[1], pair[0]))[:k]

    def fetch(self, keys):
        return [self.items[key] for key in keys]


@pytest.fixture
def store():
    """The four texts."""
    return MemoryStore()


@pytest.fixture
def retriever(store):
    """Retrieves with the store's own encoder."""
    return Retriever(lambda query: store.encoder.encode_queries([query])[0])


def test_the_passage_that_shares_meaning_and_words_is_first(store, retriever):
    """Dense and lexical agreement wins, and the candidates are in falling order of their score."""
    found = retriever.retrieve(store, "When was the bridge opened?", k=4)

    assert found[0].passage.source_id == "0.txt"
    assert [c.fused for c in found] == sorted((c.fused for c in found), reverse=True)


def test_scores_are_what_their_names_say(store, retriever):
    """Every candidate shows the cosine, the BM25 and, for each sentence, cosine and covered share."""
    query = "harbour bridge"
    vector = store.encoder.encode_queries([query])[0]

    top = retriever.retrieve(store, query, k=1)[0]

    stored = store.items[int(top.passage.source_id[0])]
    assert top.dense == pytest.approx(float(stored.vector @ vector), abs=1e-6)
    assert top.lexical == pytest.approx(dict(store.lexical(query, 9))[stored.key])
    assert [one.text for one in top.sentences] == [
        stored.passage.text[s.start : s.end] for s in stored.sentences
    ]
    assert all(0 <= one.lexical <= 1 for one in top.sentences)


def test_fused_is_the_documented_combination(store, retriever):
    """The ranking score can be worked out by hand from the parts that a candidate shows."""
    weights = Weights()
    for one in retriever.retrieve(store, "bridge harbour sheep", k=4):
        best = max(
            weights.sentence_dense * max(s.dense, 0) + weights.sentence_lexical * s.lexical
            for s in one.sentences
        )
        rest = one.fused - best - weights.passage_dense * max(one.dense, 0)
        assert -1e-6 <= rest <= weights.passage_lexical + 1e-6


def test_weights_are_convex():
    """The parts add up to 1, so that a fused score stays within 0..1."""
    weights = Weights()

    assert (
        pytest.approx(
            weights.sentence_dense
            + weights.sentence_lexical
            + weights.passage_dense
            + weights.passage_lexical
        )
        == 1.0
    )


def test_sources_filter(store, retriever):
    """Only the chosen sources are searched."""
    found = retriever.retrieve(store, "bridge", k=4, sources=frozenset({"1.txt", "2.txt"}))

    assert {"1.txt", "2.txt"} == {c.passage.source_id for c in found}


@pytest.mark.parametrize("method", ["dense", "lexical", "rrf", "convex", "fusion"])
def test_every_method_ranks(store, retriever, method):
    """Each way of ranking that can be compared finds the passage that holds all the words."""
    found = retriever.retrieve(store, "sheep graze hills", k=2, method=method)

    assert found[0].passage.source_id == "2.txt"


def test_question_words_do_not_count_as_content(store, retriever):
    """A text that only shares "what is the" with a question covers nothing of it."""
    found = retriever.retrieve(store, "What is the wool?", k=4)

    covered = {c.passage.source_id: max(s.lexical for s in c.sentences) for c in found}
    assert covered["2.txt"] == pytest.approx(1.0)
    assert covered["0.txt"] == 0.0


def test_a_query_of_question_words_alone_still_works(store, retriever):
    """When nothing but function words is asked, they are what is searched."""
    assert retriever.retrieve(store, "it in the", k=2)


def test_an_empty_store_gives_nothing(retriever):
    """No passages, no candidates, no error."""
    assert retriever.retrieve(MemoryStore(()), "bridge", k=3) == ()


@given(st.text(max_size=60))
def test_any_query_is_safe_and_deterministic(query):
    """Whatever is asked, the same candidates come twice, all within range."""
    store = MemoryStore()
    retriever = Retriever(lambda text: store.encoder.encode_queries([text])[0])

    first, second = (retriever.retrieve(store, query, k=4) for _ in range(2))

    assert first == second
    assert all(-1e-6 <= c.fused <= 1 + 1e-6 for c in first)


def test_diversity_skips_the_copy():
    """MMR takes the second-best that is new before the second-best that repeats the best."""
    similar = np.array([[1, 0.99, 0.1], [0.99, 1, 0.1], [0.1, 0.1, 1]], dtype=np.float32)

    assert diversify([0.9, 0.89, 0.6], similar, k=3, diversity=0.0) == [0, 1, 2]
    assert diversify([0.9, 0.89, 0.6], similar, k=3, diversity=0.5) == [0, 2, 1]


def test_diversity_of_a_search(store, retriever):
    """A search with diversity returns as many candidates, none twice."""
    found = retriever.retrieve(store, "harbour bridge opened", k=3, diversity=0.5)

    assert len({c.passage.passage_id for c in found}) == 3
