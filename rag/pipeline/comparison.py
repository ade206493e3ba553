"""Two things side by side: what is asked of each, and which sentences of two documents speak of the same point."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.citations import Draft
from rag.citations.plain import harmless, visible
from rag.language.paths import HEADS
from rag.language.quantities import Quantity, amounts, quantities
from rag.pipeline.excerpts import Quoted, are_one, is_quotable
from rag.pipeline.preference import Retrieve, deduplicated
from rag.pipeline.summary import candidate_of
from rag.queries import Intent
from rag.queries.documents import Document, of_kind, resolved
from rag.queries.intents import direction, of_one
from rag.reader import Reading
from rag.schema import Candidate, ShortAnswer, SourceInfo, Span
from rag.store import Snapshot

MOST_SIDES = 6
"""Documents of one kind that are set side by side."""
MOST_POINTS = 6
"""On which two documents are compared."""
_MEASURED = {"age": "duration"}
"""Months and years are set beside days, though no month has so many of them."""
_MONTH = 30.44 * 86_400
"""Seconds."""
_NAME = r"(?:[A-Z\d][\w.'’-]*)(?: [A-Z\d][\w.'’-]*)*"
_JOINED = re.compile(rf"(?:(?<=\s)both )?\b(?P<A>(?<=\s){_NAME}) and (?:the )?(?P<B>{_NAME})\b")
_SAME_POINT = 0.5
"""Cosine from which the sentences of two documents speak of one point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    sources: frozenset[str]
    """Its documents; empty where it is a subject that any may speak of."""


def sides_of(
    intent: Intent, sources: Sequence[SourceInfo], found: Callable[[], Sequence[Candidate]] = tuple
) -> tuple[Side, ...]:
    """Return the sides of a comparison; none where a kind of documents is meant of which there are not several.

    Args:
        intent: names the sides, or their kind.
        sources: that may be compared.
        found: returns what resembles the question, the likeliest first; of "both flats" the two documents that hold
            the likeliest are meant.
    """
    documents = [Document(source_id=one.source_id, title=one.title) for one in sources]
    if len(intent.sides) == 1:
        kind = of_kind(intent.sides[0], documents)
        if intent.every == "two" and len(kind) != 2:
            kind = _likeliest(intent.sides[0], kind, documents, found())
        kind = kind if 1 < len(kind) <= MOST_SIDES else ()
        return tuple(Side(name=one.title, sources=frozenset((one.source_id,))) for one in kind)
    kind = of_kind(intent.topic, documents)
    if len(kind) > 1 and all(resolved(name, kind) for name in intent.sides):
        documents = list(kind)
    sides = []
    for name in intent.sides:
        held = frozenset(one.source_id for one in resolved(name, documents))
        sides.append(Side(name=name, sources=held if len(held) < len(documents) else frozenset()))
    # Two names of one document are two things that it speaks of.
    if len({one.sources for one in sides}) < len(sides):
        return tuple(replace(one, sources=frozenset()) for one in sides)
    return tuple(sides)


def _likeliest(
    noun: str,
    kind: Sequence[Document],
    documents: Sequence[Document],
    found: Sequence[Candidate],
) -> tuple[Document, ...]:
    """Return the two documents that are called alike and resemble what is asked most, of a kind if there are such.

    None where the likeliest passage speaks of several by this noun: then it is no kind of documents.
    """
    by_id = {one.source_id: one for one in (kind if len(kind) > 1 else documents)}
    ids = dict.fromkeys(one.passage.source_id for one in found)
    ranked = [by_id[one] for one in ids if one in by_id]
    spoken = rf"\b{re.escape(noun)}\b" if noun else r"(?!)"
    if not ranked or (
        len(kind) < 2 and re.search(spoken, found[0].passage.text, re.IGNORECASE) is not None
    ):
        return ()
    alike = [one for one in ranked if one.words & ranked[0].words]
    chosen = ranked if len(alike) < 2 and len(documents) == 2 else alike
    return tuple(sorted(chosen[:2], key=lambda one: one.source_id))


def named_together(question: str, sources: Sequence[SourceInfo]) -> Intent | None:
    """Return the comparison that a question is which asks the same of documents that it joins: "Do Ash and Fir ..."."""
    documents = [Document(source_id=one.source_id, title=one.title) for one in sources]
    for found in _JOINED.finditer(question):
        first, second = found["A"], found["B"]
        ids = [{one.source_id for one in resolved(name, documents)} for name in (first, second)]
        if all(0 < len(one) < len(documents) for one in ids) and not ids[0] & ids[1]:
            head, tail = question[: found.start()], question[found.end() :]
            asked = f"{of_one(head)}{{}}{tail}".replace("both ", "")
            return Intent(kind="comparison", sides=(first, second), asked=asked)
    return None


def is_on_a_point(intent: Intent, sides: Sequence[Side], sources: Sequence[SourceInfo]) -> bool:
    """Tell whether sides are compared on one point: "the rules of 2019 and 2024" are named by "rules"."""
    if not intent.asked or not intent.topic:
        return bool(intent.asked)
    documents = [Document(source_id=one.source_id, title=one.title) for one in sources]
    named = {one.source_id for one in of_kind(intent.topic, documents)}
    return not all(one.sources and one.sources <= named for one in sides)


def asked_of(
    sides: Sequence[Side],
    asked: str,
    retrieve: Retrieve,
    k: int,
    only: frozenset[str] | None,
) -> tuple[tuple[str, tuple[Candidate, ...]], ...]:
    """Return the question for each side with its candidates.

    Args:
        sides: at least two.
        asked: the question, `{}` in the side's place.
        retrieve: searches.
        k: candidates of a side.
        only: sources to search for a side that has none.
    """
    parts = []
    for one in sides:
        part = asked.format(one.name)
        parts.append((part, deduplicated(retrieve(part, 2 * k, one.sources or only))[:k]))
    return tuple(parts)


def shared_points(
    store: Snapshot, sides: Sequence[Side]
) -> tuple[list[list[Candidate]], list[Quoted]]:
    """Return the candidates of two sides, and their sentences on the same points, side by side, where they differ."""
    read = [_read(store, one.sources) for one in sides[:2]]
    found = [candidates for candidates, _, _ in read]
    (_, first, one_vectors), (_, second, other_vectors) = read
    if not first or not second:
        return found, []
    near = one_vectors @ other_vectors.T
    pairs = [
        (at, int(near[at].argmax()))
        for at in range(len(first))
        if near[at].max() >= _SAME_POINT and int(near[:, near[at].argmax()].argmax()) == at
    ]
    differing = [pair for pair in pairs if not are_one(first[pair[0]], second[pair[1]])]
    best = sorted(differing, key=lambda pair: -near[pair])[:MOST_POINTS]
    return found, [quoted for at, to in sorted(best) for quoted in (first[at], second[to])]


def _read(
    store: Snapshot, sources: frozenset[str]
) -> tuple[list[Candidate], list[Quoted], np.ndarray]:
    """Return the candidates of documents, each of their telling sentences, and the sentences' vectors, shape (n, d)."""
    rows: dict[tuple[str, int], tuple[Quoted, np.ndarray]] = {}
    candidates = []
    for stored in store.fetch([key for one in sorted(sources) for key in store.keys(one)]):
        candidate = candidate_of(stored, stored.vector)
        candidates.append(candidate)
        for one, vector in zip(candidate.sentences, stored.sentence_vectors, strict=True):
            if is_quotable(one):
                quoted = (candidate, Span(start=one.start, end=one.end))
                rows.setdefault((candidate.passage.source_id, one.start), (quoted, vector))
    vectors = np.stack([vector for _, vector in rows.values()]) if rows else np.zeros((0, 1))
    return candidates, [quoted for quoted, _ in rows.values()], vectors


def labelled(draft: Draft, names: Mapping[str, str] | None = None) -> Draft:
    """Return a draft with the name of its source before each sentence; what follows another of its source has none.

    Args:
        draft: cites sources.
        names: what sources are called, by source_id. By default a draft that cites several is labelled with their
            titles; where these are the same, with the names of their files.
    """
    by_marker = {one.marker: one for one in draft.citations}
    titles = {one.source_id: one.title for one in draft.citations}
    if names is None and len(titles) < 2:
        return draft
    called = Counter(titles.values())
    text, done, before, statements = "", 0, "", []
    for one in draft.statements:
        cited = by_marker[one.markers[0]]
        title = cited.title if called[cited.title] < 2 else cited.source_id.rpartition("/")[2]
        name = " ".join(harmless(visible((names or {}).get(cited.source_id, title))).split())
        lead = f"{name}: " if name and cited.source_id != before else ""
        text += draft.text[done : one.start]
        start = len(text)
        text += lead + draft.text[one.start : one.end]
        statements.append(replace(one, start=start, end=len(text)))
        done, before = one.end, cited.source_id
    return replace(draft, text=text + draft.text[done:], statements=tuple(statements))


def winner(
    more: str, sides: Sequence[str], picks: Sequence[Reading], draft: Draft
) -> ShortAnswer | None:
    """Return the side that is or has more, where one amount of one measure is read of each, and they are not equal.

    Args:
        more: what the side is more than the others: "higher", "cheaper", "closer".
        sides: their names.
        picks: what is said of each.
        draft: cites them.
    """
    way = direction(more)
    found = [_amount(one) for one in picks]
    known = [one for one in found if one is not None]
    kinds = {
        (_MEASURED.get(one.measure, one.measure), one.counted if not one.unit else None)
        for one in known
    }
    if not way or len(known) < len(sides) or len(kinds) != 1:
        return None
    mixed = len({one.measure for one in known}) > 1
    values = [
        way * (one.value or 0.0) * one.size * (_MONTH if mixed and one.measure == "age" else 1.0)
        for one in known
    ]
    if values.count(max(values)) > 1:
        return None
    name = " ".join(harmless(visible(sides[values.index(max(values))])).split())
    return ShortAnswer(text=name, markers=tuple(one.marker for one in draft.citations))


def without_heads(
    readings: Sequence[Reading], candidates: Sequence[Candidate]
) -> tuple[Reading, ...]:
    """Return readings without those of headings: which say nothing of a side but its name."""
    heads = {
        (at, sentence.start)
        for at, one in enumerate(candidates)
        for sentence in one.sentences
        if sentence.kind in HEADS
    }
    return tuple(one for one in readings if (one.candidate, one.start) not in heads)


def _amount(reading: Reading) -> Quantity | None:
    """Return the one amount of a sentence: of the words that answer, if they have one, else of all of it."""
    words, start = reading.words, reading.start
    texts = [reading.text]
    if words is not None:
        texts.insert(0, reading.text[words.start - start : words.end - start])
    for text in texts:
        found = [one for one in amounts(text) if one.kind == "number" and one.value is not None]
        if found:
            return found[0] if len(found) == len(quantities(found[0].printed)) == 1 else None
    return None
