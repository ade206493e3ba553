"""Summaries, surveys and disagreements: what is read for them, and which sentences stand for it.

A question is answered from the few passages that resemble it. These are not questions: a summary reads whole
sources, a survey hears every source that speaks on its topic, and a disagreement needs pairs of sentences. What is
gathered here goes to a chat model as passages, or is quoted as it stands; then every sentence is a source's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rag import prompts
from rag.citations import CitablePassage, Conflict, Draft, compose
from rag.language.dates import dates_in
from rag.pipeline.comparison import Side, labelled, shared_points
from rag.pipeline.disagreement import disagreeing, told
from rag.pipeline.excerpts import WORD, Quoted, lead_of, turns
from rag.pipeline.preference import Retrieve
from rag.pipeline.quotes import reaching
from rag.pipeline.summary import MOST_READ, central, subjects
from rag.pipeline.survey import heard, relevant
from rag.queries import Intent, Query, intent_of
from rag.queries.documents import Document, resolved
from rag.schema import Candidate, ScoredSentence, Source, SourceInfo, Span, Step
from rag.store import Snapshot

_POINTS = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her)\b", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,|;|\band\b|\bwith\b|\bto\b|\bversus\b|\bvs\b\.?)\s*", re.IGNORECASE)
_SMALL = frozenset(("the", "a", "an", "of", "on", "in", "for", "and"))
_NOTES = {
    "summary": "No model wrote this: these are the sentences of {of} that stand best for the rest.",
    "survey": "No model wrote this: these are the sentences of {of} that say most on it.",
    "disagreement": "No model wrote this: these are sentences of {of} that give different numbers or dates for one"
    " thing. Only numbers and dates were compared.",
}
_NOTES |= {
    "contents": "No model wrote this: it is a sentence of each of {of} that tells what it is about.",
    "comparison": "No model wrote this: these are sentences of {of} on the same points.",
}
_NOTHING = {
    "summary": "The sources have no sentence that could stand for the rest.",
    "contents": "The sources have no sentence that tells what they are about.",
    "survey": "The sources say nothing on this.",
    "comparison": "No two sentences were found that speak of the same point in both.",
    "disagreement": "No two sentences were found that give different numbers or dates for one thing. Only numbers"
    " and dates were compared.",
}


MOST_LISTED = 6
"""Items of a list that is quoted whole."""


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
        if self.intent.kind != "disagreement":
            made = labelled(made)
        said = len({citation.source_id for citation in made.citations})
        of = f"{said} of {_counted(self.n_sources)}" if said < self.n_sources else _counted(said)
        detail = f"{_NOTES[self.intent.kind].format(of=of)} {self.limit}".rstrip()
        note = Step(code="excerpted", detail=detail)
        return replace(made, steps=(note, *told(self.conflicts, made)))


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
    store: Snapshot,
    retrieve: Retrieve,
    sources: Sequence[SourceInfo],
    most_tokens: int,
    sides: Sequence[Side] = (),
) -> Overview:
    """Read what an overview needs.

    Args:
        intent: no question.
        store: one state of the store; all reads are from it.
        retrieve: searches that state.
        sources: those to look at.
        most_tokens: of the candidates together.
        sides: two, of a comparison on all points.
    """
    named = _named(intent.source_hint, sources)
    chosen = named or list(sources)
    # A name that no source has is a topic.
    topic = intent.topic or ("" if named else intent.source_hint)
    if intent.kind == "comparison":
        found, quoted = shared_points(store, sides)
        chosen = _held_by(sides, chosen)
        if not quoted:
            found, quoted = central(store, chosen)
    elif intent.kind == "contents" and len(chosen) > 1:
        found, quoted = subjects(store, chosen)
    elif topic:
        found = heard(topic, retrieve, chosen, everything=len(chosen) == len(sources))
        quoted = relevant(found)
    else:
        found, quoted = central(store, chosen)
    if intent.kind == "contents" and len(chosen) < 2:
        intent = replace(intent, kind="summary")
    conflicts: tuple[Conflict, ...] = ()
    if intent.kind == "disagreement":
        conflicts, quoted = disagreeing(list(chain.from_iterable(found)))
    return Overview(
        intent=replace(intent, kind="survey") if topic and intent.kind == "summary" else intent,
        candidates=_in_turn(found, first=[one for one, _ in quoted], most_tokens=most_tokens),
        quoted=tuple(_led(quoted, store.source)),
        conflicts=conflicts,
        n_sources=len(chosen),
        limit=""
        if topic or intent.kind in ("contents", "comparison")
        else _limit(sum(one.n_passages for one in chosen)),
    )


def _led(quoted: Sequence[Quoted], source: Callable[[str], Source]) -> list[Quoted]:
    """Return sentences, those that read otherwise without what they hang from behind it, where it stands near."""
    said: list[Quoted] = []
    for candidate, span in quoted:
        sentence = next((one for one in candidate.sentences if one.start == span.start), None)
        lead = lead_of(sentence) if sentence is not None else None
        if sentence is not None and lead is not None and lead.start < span.start:
            wide = reaching(lead, candidate, source(candidate.passage.source_id))
            said.append((wide, Span(start=lead.start, end=lead.end)))
            said += [(candidate, one) for one in _listed(sentence, candidate)]
        else:
            said.append((candidate, span))
    return said


def _listed(sentence: ScoredSentence, candidate: Candidate) -> list[Span]:
    """Return the items of a sentence's list, where they are few, since some alone say less than the list."""
    items = [one for one in candidate.sentences if one.kind == "item" and one.path == sentence.path]
    whole = sentence.kind == "item" and len(items) <= MOST_LISTED
    return [Span(start=one.start, end=one.end) for one in (items if whole else [sentence])]


def _held_by(sides: Sequence[Side], sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the sources of the sides."""
    ids = frozenset[str]().union(*(one.sources for one in sides))
    return [one for one in sources if one.source_id in ids]


def _named(hint: str, sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the sources that a hint names: by their whole name, else by words of name or title."""
    parts = [part.strip() for part in _JOINED.split(hint) if part.strip()]
    named: dict[str, SourceInfo] = {}
    for written in parts:
        part = written.lower()
        exact = [one for one in sources if part in _names(one)]
        words = WORD.findall(part)
        # "The sheep document" need not have "document" in its name.
        dated = dates_in(written) and resolved(written, [_document(one) for one in sources])
        ids = {one.source_id for one in dated or ()}
        if ids:
            named.update((one.source_id, one) for one in sources if one.source_id in ids)
            continue
        found = exact or _holding_words(words, sources) or _holding_words(words[:-1], sources)
        named.update((one.source_id, one) for one in found)
    return list(named.values())


def _document(source: SourceInfo) -> Document:
    return Document(source_id=source.source_id, title=source.title)


def names_any(hint: str, sources: Sequence[SourceInfo]) -> bool:
    """Tell whether a hint names some of the sources, and not all."""
    return 0 < len(_named(hint, sources)) < max(len(sources), 2)


def _holding_words(words: Sequence[str], sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the sources whose names have all of some words, small ones aside; none where there are no words."""
    wanted = set(words) - _SMALL
    return [one for one in sources if wanted and wanted <= set(WORD.findall(" ".join(_names(one))))]


def _names(source: SourceInfo) -> tuple[str, ...]:
    """Return what a source may be called, in lower case."""
    name = source.source_id.lower().rpartition("/")[2]
    return source.source_id.lower(), name, name.rpartition(".")[0] or name, source.title.lower()


def _in_turn(
    found: Sequence[Sequence[Candidate]], *, first: Sequence[Candidate], most_tokens: int
) -> tuple[Candidate, ...]:
    """Return the candidates of all sources, each source in turn, as far as the tokens go."""
    ordered = {one.passage.passage_id: one for one in (*first, *turns(found))}
    taken: list[Candidate] = []
    left = most_tokens
    for one in ordered.values():
        left -= one.passage.n_tokens
        if left < 0 and taken:
            break
        taken.append(one)
    return tuple(taken)


def _limit(n_passages: int) -> str:
    """Say how much of so many passages is left out, if any is."""
    if n_passages <= MOST_READ:
        return ""
    return f"At most {MOST_READ} of {n_passages} passages were read, evenly spread: name a document or a topic."


def _counted(n_sources: int) -> str:
    return "1 source" if n_sources == 1 else f"{n_sources} sources"
