"""Summaries, surveys and disagreements: what is read for them, and which sentences stand for it.

A question is answered from the few passages that resemble it. These are not questions: a summary reads whole
sources, a survey hears every source that speaks on its topic, and a disagreement needs pairs of sentences. What is
gathered here goes to a chat model as passages, or is quoted as it stands; then every sentence is a source's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import TypeVar

import numpy as np

from rag import prompts
from rag.citations import CitablePassage, Conflict, Draft, Pick, compose, find_conflicts
from rag.index import Reading, StoredPassage
from rag.queries import Intent, Query, intent_of
from rag.retrieval import diversify
from rag.schema import (
    Answer,
    Candidate,
    ScoredSentence,
    SourceInfo,
    Span,
    Step,
)

MOST_READ = 512
"""Passages that a summary looks at, spread evenly where there are more."""
MOST_QUOTED = 6
"""Sentences of a summary of one source, and of a survey of few."""
MOST_SOURCES = 12
"""Sources that one list quotes."""
MOST_CONFLICTS = 4
SURVEY_DEPTH = 48
"""Passages that a survey looks at, and then as many again as give every source a word."""
HEARD = 4
"""Passages of a source that the first search has left out."""
MOST_HEARD = 24
"""Sources that are asked one by one."""
RELEVANT = 0.33
"""0..1: how much of a topic a sentence must have to be quoted on it."""
NEAR_BEST = 0.45
"""Share of the relevance of its source's best sentence that another must have."""
DIVERSITY = 0.4
"""Of maximal marginal relevance, see `rag.retrieval.diversify`."""
LEAD = 0.2
"""What the first sentence of a source has over its centrality; it falls with the cube of what is behind it. More
of it is nearer to written summaries, which begin as their texts do, and says less of the rest."""

_POINTS = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her)\b", re.IGNORECASE)
REPEATED = 0.6
"""Share of the words of the shorter of two sentences that the other has, from which it repeats it."""
_LEANING = 0.85
"""What is left of the centrality of a sentence that leans on the one before it."""
_LEANS = re.compile(
    r"\W*(?:he|she|it|they|his|her|its|their|this|these|that|those|such|but|and|so|or|however|moreover|furthermore"
    r"|meanwhile|therefore|thus|then|also|instead|nevertheless|still|yet|for example|for instance)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"[.!。！…][\"'”’»)\]]*$")
_JOINED = re.compile(r"\s*(?:,|;|\band\b|\bwith\b|\bto\b|\bversus\b|\bvs\b\.?)\s*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset(("the", "a", "an", "of", "on", "in", "for", "and"))
_FEWEST_WORDS, _MOST_WORDS = 5, 60
"""Of a sentence that can stand by itself; fewer are a heading, more a table."""

Retrieve = Callable[[str, int, frozenset[str] | None], tuple[Candidate, ...]]
"""retrieve(topic, k, sources) returns candidates, best first."""
Quoted = tuple[Candidate, Span]
Item = TypeVar("Item")

_NOTES = {
    "summary": "No model wrote this: these are the sentences of {of} that stand best for the rest.",
    "survey": "No model wrote this: these are the sentences of {of} that say most on it.",
    "disagreement": "No model wrote this: these are sentences of {of} that give different numbers or dates for one"
    " thing. Only numbers and dates were compared.",
}
_NOTHING = {
    "summary": "The sources have no sentence that could stand for the rest.",
    "survey": "The sources say nothing on this.",
    "disagreement": "No two sentences were found that give different numbers or dates for one thing. Only numbers"
    " and dates were compared.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What was gathered for a query that is no question."""

    intent: Intent
    candidates: tuple[Candidate, ...]
    """For a chat model, best first, every source in turn. In a summary `dense` is the cosine with the source's
    mean vector instead of the query."""
    quoted: tuple[Quoted, ...]
    """The sentences that are said without one, in the order of saying."""
    conflicts: tuple[Conflict, ...] = ()
    n_sources: int
    """That were read."""
    limit: str = ""
    """A sentence that says what was not read; nothing where all was."""

    @property
    def task(self) -> str:
        """What a chat model is to do with the passages."""
        return prompts.TASKS[self.intent.kind]

    @property
    def nothing(self) -> str:
        """What is said where there is nothing to quote."""
        return f"{_NOTHING[self.intent.kind]} {self.limit}".rstrip()

    def draft(self, citable: Callable[[Candidate], CitablePassage]) -> Draft:
        """Return the quoted sentences as a list, each cited, and steps that say what they are."""
        made = compose(
            [(citable(candidate), span) for candidate, span in self.quoted], as_list=True
        )
        said = len({citation.source_id for citation in made.citations})
        of = f"{said} of {_counted(self.n_sources)}" if said < self.n_sources else _counted(said)
        detail = f"{_NOTES[self.intent.kind].format(of=of)} {self.limit}".rstrip()
        note = Step(code="excerpted", detail=detail)
        return replace(made, steps=(note, *_told(self.conflicts, made)))


def understood(question: str, query: Query) -> tuple[Intent, Query]:
    """Return what a question wants, and the query for it.

    An order that needs no history is taken as it was typed: "summarise this document" is not about what was
    talked of before.
    """
    intent = intent_of(question)
    if intent.kind != "question" and not _POINTS.search(question):
        return intent, Query(text=question, rewritten=False, added=())
    return intent_of(query.text), query


def gather(
    intent: Intent,
    *,
    store: Reading,
    retrieve: Retrieve,
    sources: Sequence[SourceInfo],
    most_tokens: int,
) -> Overview:
    """Read what an overview needs.

    Args:
        intent: no question.
        store: one state of the store; all reads are from it.
        retrieve: searches that state.
        sources: those to look at.
        most_tokens: of the candidates together.
    """
    named = _named(intent.source_hint, sources)
    chosen = named or list(sources)
    # A name that no source has is a topic.
    topic = intent.topic or ("" if named else intent.source_hint)
    if topic:
        found = _heard(topic, retrieve, chosen, everything=len(chosen) == len(sources))
        quoted = _relevant(found)
    else:
        found, quoted = _central(store, chosen)
    conflicts: tuple[Conflict, ...] = ()
    if intent.kind == "disagreement":
        conflicts, quoted = _disagreeing(list(chain.from_iterable(found)))
    return Overview(
        intent=replace(intent, kind="survey") if topic and intent.kind == "summary" else intent,
        candidates=_in_turn(found, first=[one for one, _ in quoted], most_tokens=most_tokens),
        quoted=tuple(quoted),
        conflicts=conflicts,
        n_sources=len(chosen),
        limit="" if topic else _limit(sum(one.n_passages for one in chosen)),
    )


def set_beside(
    answer: Answer,
    candidates: Sequence[Candidate],
    citable: Callable[[Candidate], CitablePassage],
) -> Answer:
    """Return the answer with what other sources among its evidence say otherwise, cited, and steps that say so.

    Only numbers and dates are compared, and only what the answer cites with sentences of other sources.
    """
    if any(step.code == "conflict" for step in answer.steps):
        return answer
    cited = [
        (source, span)
        for source, span in chain.from_iterable(map(_sentences, candidates))
        if any(
            one.source_id == source.source_id and one.start <= span.start and span.end <= one.end
            for one in answer.citations
        )
    ]
    if not cited:
        return answer
    everything = list(chain.from_iterable(map(_sentences, candidates)))
    said = {_place(pick) for pick in cited}
    clashes = [
        conflict
        for conflict in find_conflicts(everything)
        if not conflict.within and said & {_place(conflict.first), _place(conflict.second)}
    ][:MOST_CONFLICTS]
    spoken = {(one.source_id, one.start, one.end) for one in answer.citations}
    for conflict in clashes:
        for passage, span in (conflict.first, conflict.second):
            place = (passage.source_id, span.start, span.end)
            if place not in said and place not in spoken:
                spoken.add(place)
                answer = _with_quote(answer, citable(_holding(candidates, passage)), span)
    return replace(answer, steps=(*answer.steps, *_told(clashes, answer)))


def _with_quote(answer: Answer, passage: CitablePassage, span: Span) -> Answer:
    """Return the answer with one more sentence, quoted."""
    quoted = compose([(passage, span)])
    if not quoted.statements:
        return answer
    marker = len(answer.citations) + 1
    bullet = "\n- " if answer.text.startswith("- ") else "\n\n"
    start = len(answer.text) + len(bullet)
    text = f"{answer.text}{bullet}{quoted.text.removesuffix('[1]')}[{marker}]"
    statement = replace(quoted.statements[0], start=start, end=len(text), markers=(marker,))
    return replace(
        answer,
        text=text,
        statements=(*answer.statements, statement),
        citations=(*answer.citations, replace(quoted.citations[0], marker=marker)),
    )


def _told(conflicts: Iterable[Conflict], draft: Draft | Answer) -> tuple[Step, ...]:
    """Return a step for each conflict whose sentences are both cited."""
    steps = []
    for conflict in conflicts:
        markers = [_marker(pick, draft) for pick in (conflict.first, conflict.second)]
        if all(markers):
            (one, other), (figure, rival) = markers, conflict.printed
            whose = "One source" if conflict.within else "Sources"
            detail = f"{whose} differ{'s' * conflict.within}: {figure} [{one}], {rival} [{other}]."
            steps.append(Step(code="conflict", detail=detail))
    return tuple(steps)


def _marker(pick: Pick, draft: Draft | Answer) -> int:
    """Return the marker whose citation holds a sentence; 0 where none does."""
    passage, span = pick
    return next(
        (
            one.marker
            for one in draft.citations
            if one.source_id == passage.source_id
            and one.start <= span.start
            and span.end <= one.end
        ),
        0,
    )


def _named(hint: str, sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the sources that a hint names: by their whole name, else by words of name or title."""
    parts = [part.strip().lower() for part in _JOINED.split(hint) if part.strip()]
    named: dict[str, SourceInfo] = {}
    for part in parts:
        exact = [one for one in sources if part in _names(one)]
        words = _WORD.findall(part)
        # "The sheep document" need not have "document" in its name.
        found = exact or _holding_words(words, sources) or _holding_words(words[:-1], sources)
        named.update((one.source_id, one) for one in found)
    return list(named.values())


def _holding_words(words: Sequence[str], sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the sources whose names have all of some words, small ones aside; none where there are no words."""
    wanted = set(words) - _SMALL
    return [
        one for one in sources if wanted and wanted <= set(_WORD.findall(" ".join(_names(one))))
    ]


def _names(source: SourceInfo) -> tuple[str, ...]:
    """Return what a source may be called, in lower case."""
    name = source.source_id.lower().rpartition("/")[2]
    return source.source_id.lower(), name, name.rpartition(".")[0] or name, source.title.lower()


def _heard(
    topic: str, retrieve: Retrieve, sources: Sequence[SourceInfo], *, everything: bool
) -> list[list[Candidate]]:
    """Return each source's candidates on a topic, best first; sources in order of their best."""
    ids = frozenset(one.source_id for one in sources)
    found: dict[str, list[Candidate]] = {}
    for one in retrieve(topic, SURVEY_DEPTH, None if everything else ids):
        found.setdefault(one.passage.source_id, []).append(one)
    unheard = sorted(ids - set(found))
    for source_id in unheard if len(ids) <= MOST_HEARD else ():
        held = retrieve(topic, HEARD, frozenset((source_id,)))
        if held:
            found[source_id] = list(held)
    return sorted(found.values(), key=lambda some: (-some[0].fused, some[0].passage.source_id))


def _relevant(found: Sequence[Sequence[Candidate]]) -> list[Quoted]:
    """Return the sentences that say most on the topic, source after source, each source heard in turn."""
    ranked = [_ranked(candidates) for candidates in found]
    kept = [
        _different([one for score, one in some if score >= max(RELEVANT, NEAR_BEST * some[0][0])])
        for some in ranked
    ]
    kept = [some for some in kept if some][:MOST_SOURCES]
    turns = _turns(kept)[: max(MOST_QUOTED, len(kept))]
    chosen = {(one.passage.source_id, span.start) for one, span in turns}
    return [
        quoted
        for some in kept
        for quoted in sorted(some, key=lambda pair: pair[1].start)
        if (quoted[0].passage.source_id, quoted[1].start) in chosen
    ]


def _ranked(candidates: Sequence[Candidate]) -> list[tuple[float, Quoted]]:
    """Return the sentences of one source, each once, with their relevance 0..1, best first."""
    scores: dict[tuple[int, int], tuple[float, Quoted]] = {}
    for candidate in candidates:
        for one in candidate.sentences:
            relevance = 0.7 * max(one.dense, 0.0) + 0.3 * one.lexical
            if _stands_alone(one.text):
                quoted = (candidate, Span(start=one.start, end=one.end))
                scores.setdefault((one.start, one.end), (relevance, quoted))
    return sorted(scores.values(), key=lambda pair: (-pair[0], pair[1][1].start))


def _different(quoted: Sequence[Quoted]) -> list[Quoted]:
    """Return the sentences that do not mostly repeat the words of one before."""
    kept: list[tuple[set[str], Quoted]] = []
    for candidate, span in quoted:
        words = set(_WORD.findall(_text(candidate, span).lower()))
        if all(len(words & held) < REPEATED * min(len(words), len(held)) for held, _ in kept):
            kept.append((words, (candidate, span)))
    return [one for _, one in kept]


def _central(
    store: Reading, sources: Sequence[SourceInfo]
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
            if _stands_alone(one.text):
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
    return scores[0], _different([ranked[i][1] for i in picked])[:share]


def _centrality(one: ScoredSentence, end: int) -> float:
    """Return how well a sentence of a source that ends there stands for it."""
    leaning = _LEANING if _LEANS.match(one.text) else 1.0
    return one.dense * leaning + LEAD * (1 - one.start / max(end, 1)) ** 3


def _stands_alone(text: str) -> bool:
    """Tell whether a text is a whole sentence, no heading and no table."""
    words = text.split()
    return bool(_WHOLE.search(text.rstrip())) and _FEWEST_WORDS <= len(words) <= _MOST_WORDS


def _disagreeing(candidates: Sequence[Candidate]) -> tuple[tuple[Conflict, ...], list[Quoted]]:
    """Return the surest conflicts, each with a sentence not yet shown, and their sentences side by side."""
    kept: list[Conflict] = []
    shown: dict[tuple[str, int, int], Quoted] = {}
    for conflict in find_conflicts(list(chain.from_iterable(map(_sentences, candidates)))):
        sides = (conflict.first, conflict.second)
        if len(kept) < MOST_CONFLICTS and not all(_place(one) in shown for one in sides):
            kept.append(conflict)
            for passage, span in sides:
                shown.setdefault(_place((passage, span)), (_holding(candidates, passage), span))
    return tuple(kept), list(shown.values())


def _sentences(candidate: Candidate) -> Iterator[Pick]:
    """Yield a candidate's sentences as what can be compared, without a look at the source."""
    passage = candidate.passage
    bare = CitablePassage(
        source_id=passage.source_id,
        title="",
        sha256="",
        pages=(),
        start=passage.start,
        text=passage.text,
        sentences=(),
    )
    for one in candidate.sentences:
        yield bare, Span(start=one.start, end=one.end)


def _place(pick: Pick) -> tuple[str, int, int]:
    passage, span = pick
    return passage.source_id, span.start, span.end


def _holding(candidates: Sequence[Candidate], passage: CitablePassage) -> Candidate:
    """Return the candidate that a passage was made from."""
    return next(
        one
        for one in candidates
        if (one.passage.source_id, one.passage.start) == (passage.source_id, passage.start)
    )


def _in_turn(
    found: Sequence[Sequence[Candidate]], *, first: Sequence[Candidate], most_tokens: int
) -> tuple[Candidate, ...]:
    """Return the candidates of all sources, each source in turn, as far as the tokens go."""
    ordered = {one.passage.passage_id: one for one in (*first, *_turns(found))}
    taken: list[Candidate] = []
    left = most_tokens
    for one in ordered.values():
        left -= one.passage.n_tokens
        if left < 0 and taken:
            break
        taken.append(one)
    return tuple(taken)


def _turns(lists: Sequence[Sequence[Item]]) -> list[Item]:
    """Return the first of each list, then the second of each, and so on."""
    return [one for row in zip_longest(*lists) for one in row if one is not None]


def _limit(n_passages: int) -> str:
    """Say how much of so many passages is left out, if any is."""
    if n_passages <= MOST_READ:
        return ""
    return f"At most {MOST_READ} of {n_passages} passages were read, evenly spread: name a document or a topic."


def _text(candidate: Candidate, span: Span) -> str:
    passage = candidate.passage
    return passage.text[span.start - passage.start : span.end - passage.start]


def _counted(n_sources: int) -> str:
    return "1 source" if n_sources == 1 else f"{n_sources} sources"
