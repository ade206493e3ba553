"""Ways of making a query of a follow-up: by the words they bring in and by what is found with them.

    python -m eval.benchmarks.followups CANARD.json.gz [--mtrag TASKS.jsonl.gz] [--dev] [--llm SPEC --sample N]

Words: precision, recall and F1 (over all questions together) of the content words that a way adds
to the question, against those that a person's rewrite adds; then F1 of all the query's words; then
how many of the questions that a person left as they were are left alone.

Finding: Success@1 and MRR@10 with BM25, with the builtin encoder and with the mean of both after
min-max. CANARD: every answer of every conversation, with the article's title before it, is a passage,
and the one that answers the question is to be found among them; so the answers already given are in the way.
mtRAG: the passages of all tasks are one corpus, and those marked for the task are to be found; nearly
all others are about something else, so words of the topic are enough.

CANARD gives the article's title and section before the first question; they are read as turns of the user, so
its figures flatter whatever adds the topic. Its halves are split by article; `--dev` shows the one that rules
and weights were made on.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.benchmarks import FollowUp, read_canard, read_mtrag
from rag.chat import load_chat_model
from rag.embedding import Encoder, load_encoder
from rag.index.words import analyzer
from rag.language.english import FUNCTION_WORDS
from rag.pipeline.generative import standalone_by_model
from rag.queries import Tuning, standalone
from rag.schema import Turn

Way = Callable[[FollowUp], str]
Scores = NDArray[np.float64]
_K1, _B = 1.2, 0.75
_TOPIC_LINES = 2
"""Title and section of the article, which CANARD puts before the first question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Follow-ups, a corpus, and which of its passages are wanted for each."""

    name: str
    follow_ups: tuple[FollowUp, ...]
    passages: tuple[str, ...]
    wanted: tuple[frozenset[int], ...]


class Bm25:
    """Plain BM25 (Robertson and Zaragoza 2009)."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(analyzer()(text)) for text in texts]
        self._n = len(counts)
        lengths = np.array([count.total() for count in counts], dtype=np.float64)
        norms = _K1 * (1 - _B + _B * lengths / lengths.mean())
        listed: dict[str, list[tuple[int, int]]] = {}
        for i, count in enumerate(counts):
            for term, n in count.items():
                listed.setdefault(term, []).append((i, n))
        self._weights: dict[str, tuple[NDArray[np.int64], Scores]] = {}
        for term, postings in listed.items():
            at, times = (np.array(column) for column in zip(*postings, strict=True))
            idf = math.log(1 + (self._n - len(at) + 0.5) / (len(at) + 0.5))
            self._weights[term] = at, idf * times * (_K1 + 1) / (times + norms[at])

    def scores(self, query: str) -> Scores:
        """Return the score of every text."""
        scores = np.zeros(self._n)
        for term in set(analyzer()(query)):
            at, weights = self._weights.get(term, (np.zeros(0, dtype=np.int64), np.zeros(0)))
            scores[at] += weights
        return scores


def ways(*, with_rewrites: bool, llm: str = "") -> dict[str, Way]:
    """Return what is compared, by name; with a chat model's rewriting where one is named."""
    listed: dict[str, Way] = {
        "question alone": lambda one: one.question,
        "with the question before": lambda one: _joined(one, _last(one, "user")),
        "with the last turn": lambda one: _joined(one, one.history[-2:]),
        "with the whole history": lambda one: _joined(one, one.history),
        "pronouns and ellipsis": _standalone(Tuning(describing=False, lacking=False, beside=False)),
        "and descriptions": _standalone(Tuning(lacking=False, beside=False)),
        "and questions without a noun": _standalone(Tuning(beside=False)),
        "and a name beside phrases (standalone)": _standalone(Tuning()),
    }
    if llm:
        model = load_chat_model(llm)
        listed[f"by {llm}"] = lambda one: standalone_by_model(model, one.question, one.history).text
    return listed | ({"a person's rewrite": lambda one: one.rewrite} if with_rewrites else {})


def _standalone(tuning: Tuning) -> Way:
    return lambda one: standalone(one.question, one.history, tuning=tuning).text


def _joined(one: FollowUp, turns: Sequence[Turn]) -> str:
    return " ".join([*(turn.text for turn in turns), one.question])


def _last(one: FollowUp, role: str) -> list[Turn]:
    return [turn for turn in one.history if turn.role == role][-1:]


def half(follow_ups: Sequence[FollowUp], *, dev: bool) -> tuple[FollowUp, ...]:
    """Return one half, by article: several conversations may be about the same."""

    def is_dev(one: FollowUp) -> bool:
        return hashlib.sha256(one.history[0].text.encode()).digest()[0] % 2 == 0

    return tuple(one for one in follow_ups if is_dev(one) == dev)


def terms(text: str) -> Counter[str]:
    """Return the content words of a text, stemmed."""
    small = {term for word in FUNCTION_WORDS for term in analyzer()(word)} | {"s"}
    return Counter(term for term in analyzer()(text) if term not in small)


def word_table(follow_ups: Sequence[FollowUp], *, llm: str = "") -> str:
    """Return precision, recall and F1 of the words, a line a way."""
    lines = ["| words | precision | recall | F1 | F1, all words | left alone rightly | ms each |"]
    lines.append("|---" * 7 + "|")
    small = [(terms(one.question), terms(one.rewrite)) for one in follow_ups]
    for name, way in ways(with_rewrites=True, llm=llm).items():
        start = time.process_time()
        queries = [way(one) for one in follow_ups]
        milliseconds = (time.process_time() - start) / len(follow_ups) * 1000
        counts = np.zeros(3)
        whole = np.zeros(3)
        alone: list[bool] = []
        for query, (bare, gold) in zip(queries, small, strict=True):
            made = terms(query)
            counts += _overlap(_new(made, bare), _new(gold, bare))
            whole += _overlap(set(made), set(gold))
            if set(gold) == set(bare):
                alone.append(set(made) == set(bare))
        precision, recall, f1 = _f1(counts)
        lines.append(
            f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {_f1(whole)[2]:.3f}"
            f" | {np.mean(alone):.3f} of {len(alone)} | {milliseconds:.2f} |"
        )
    return "\n".join(lines)


def _new(made: Counter[str], bare: Counter[str]) -> set[str]:
    return set(made) - set(bare)


def _overlap(made: set[str], gold: set[str]) -> NDArray[np.float64]:
    return np.array([len(made & gold), len(made), len(gold)], dtype=np.float64)


def _f1(counts: NDArray[np.float64]) -> tuple[float, float, float]:
    both, made, gold = counts
    precision, recall = both / max(made, 1), both / max(gold, 1)
    return precision, recall, 2 * both / max(made + gold, 1)


def canard_search(everything: Sequence[FollowUp], half_of_it: Sequence[FollowUp]) -> Search:
    """Make the search for the answer that was given."""
    passages: dict[str, int] = {}
    answers: dict[str, str] = {}
    for one in everything:
        spoken = one.history[_TOPIC_LINES:]
        dialog = one.query_id.rsplit("#", 1)[0]
        for number in range(0, len(spoken) - 1, 2):
            if spoken[number + 1].text.strip().lower() != "i don't know.":
                text = f"{one.history[0].text}. {spoken[number + 1].text}"
                answers[f"{dialog}#{number // 2 + 1}"] = text
                passages.setdefault(text, len(passages))
    asked = [one for one in half_of_it if one.query_id in answers]
    return Search(
        name="CANARD answers",
        follow_ups=tuple(asked),
        passages=tuple(passages),
        wanted=tuple(frozenset({passages[answers[one.query_id]]}) for one in asked),
    )


def mtrag_search(path: Path) -> Search:
    """Make the search for the passages of mtRAG tasks (Katsis et al. 2025) that have a history."""
    collection = read_mtrag(path)
    # Some passages are there twice, under two names; either is the one that is wanted.
    texts = dict.fromkeys(source.text for source in collection.sources)
    passages = {text: i for i, text in enumerate(texts)}
    place = {source.source_id: passages[source.text] for source in collection.sources}
    asked = [one for one in collection.examples if one.history and collection.qrels[one.query_id]]
    return Search(
        name="mtRAG passages",
        follow_ups=tuple(
            FollowUp(query_id=one.query_id, history=one.history, question=one.question, rewrite="")
            for one in asked
        ),
        passages=tuple(texts),
        wanted=tuple(
            frozenset(place[name] for name in collection.qrels[one.query_id]) for one in asked
        ),
    )


def search_table(search: Search, encoder: Encoder, *, with_rewrites: bool, llm: str = "") -> str:
    """Return how well each way's queries find, a line a way."""
    lexical = Bm25(search.passages)
    vectors = encoder.encode_queries(search.passages)
    lines = [
        f"| {search.name}, {len(search.follow_ups)} of {len(search.passages)}"
        " | BM25 S@1 | MRR@10 | dense S@1 | MRR@10 | both S@1 | MRR@10 |",
        "|---" * 7 + "|",
    ]
    for name, way in ways(with_rewrites=with_rewrites, llm=llm).items():
        queries = [way(one) for one in search.follow_ups]
        cosines = (encoder.encode_queries(queries) @ vectors.T).astype(np.float64)
        ranks = np.array(
            [
                _ranks(lexical.scores(query), cosine, wanted)
                for query, cosine, wanted in zip(queries, cosines, search.wanted, strict=True)
            ]
        )
        cells = []
        for column in ranks.T:
            mrr = np.where(column <= 10, 1 / column, 0).mean()
            cells += [f"{(column == 1).mean():.3f}", f"{mrr:.3f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ranks(lexical: Scores, cosine: Scores, wanted: frozenset[int]) -> tuple[int, int, int]:
    both = _min_max(lexical) + _min_max(cosine)
    return _rank(lexical, wanted), _rank(cosine, wanted), _rank(both, wanted)


def _min_max(scores: Scores) -> Scores:
    spread = scores.max() - scores.min()
    scaled: Scores = (scores - scores.min()) / (spread or 1)
    return scaled


def _rank(scores: Scores, wanted: frozenset[int]) -> int:
    """Return the rank of the best wanted passage; what ties with it counts as before it."""
    best = max(scores[i] for i in wanted)
    others = np.delete(scores, list(wanted))
    return 1 + int((others >= best).sum())


def show_examples(follow_ups: Sequence[FollowUp], n: int) -> None:
    """Print some rewrites beside a person's."""
    for one in random.Random(0).sample(list(follow_ups), n):
        said = " / ".join(turn.text for turn in one.history[-2:])
        print(f"  {one.history[0].text} … {said}\n- {one.question}")
        print(f"+ {standalone(one.question, one.history).text}\n= {one.rewrite}\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("canard", type=Path)
    parser.add_argument("--mtrag", type=Path)
    parser.add_argument("--dev", action="store_true", help="the half that was looked at")
    parser.add_argument("--words-only", action="store_true", help="no searching")
    parser.add_argument("--examples", type=int, default=0, metavar="N", help="print N rewrites")
    parser.add_argument(
        "--llm", default="", help="rewrite with this model too, as RAG_LLM names it"
    )
    parser.add_argument("--sample", type=int, help="only so many: a model takes its time")
    options = parser.parse_args()
    everything = read_canard(options.canard)
    chosen = half(everything, dev=options.dev)
    if options.sample:
        chosen = tuple(random.Random(0).sample(chosen, min(options.sample, len(chosen))))
    print(word_table(chosen, llm=options.llm), "\n")
    show_examples(chosen, options.examples)
    if options.words_only:
        return
    encoder = load_encoder("builtin")
    searched = canard_search(everything, chosen)
    print(search_table(searched, encoder, with_rewrites=True, llm=options.llm), "\n")
    if options.mtrag:
        searched = mtrag_search(options.mtrag)
        print(search_table(searched, encoder, with_rewrites=False, llm=options.llm))


if __name__ == "__main__":
    main()
