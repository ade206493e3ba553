"""Two things side by side: what is asked of each, and which sentences of two documents speak of the same point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.citations import Draft
from rag.citations.plain import harmless, visible
from rag.pipeline.excerpts import Quoted, are_one, is_quotable
from rag.pipeline.preference import Retrieve, deduplicated
from rag.pipeline.summary import candidate_of
from rag.queries import Intent
from rag.queries.documents import Document, of_kind, resolved
from rag.schema import Candidate, SourceInfo, Span
from rag.store import Snapshot

MOST_SIDES = 6
"""Documents of one kind that are set side by side."""
MOST_POINTS = 6
"""On which two documents are compared."""
_SAME_POINT = 0.5
"""Cosine from which the sentences of two documents speak of one point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a comparison."""

    name: str
    sources: frozenset[str]
    """Its documents; empty where it is a subject that any may speak of."""


def sides_of(intent: Intent, sources: Sequence[SourceInfo]) -> tuple[Side, ...]:
    """Return the sides of a comparison; none where a kind of documents is meant of which there are not several."""
    documents = [Document(source_id=one.source_id, title=one.title) for one in sources]
    if len(intent.sides) == 1:
        kind = of_kind(intent.sides[0], documents)
        found = kind if 1 < len(kind) <= MOST_SIDES else ()
        return tuple(Side(name=one.title, sources=frozenset((one.source_id,))) for one in found)
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


def labelled(draft: Draft) -> Draft:
    """Return a draft that cites several sources with the title of its source before each sentence.

    Where titles are the same, the file's name tells them apart. What follows another sentence of its source has none.
    """
    by_marker = {one.marker: one for one in draft.citations}
    titles = {one.source_id: one.title for one in draft.citations}
    if len(titles) < 2:
        return draft
    called = Counter(titles.values())
    text, done, before, statements = "", 0, "", []
    for one in draft.statements:
        cited = by_marker[one.markers[0]]
        name = cited.title if called[cited.title] < 2 else cited.source_id.rpartition("/")[2]
        name = " ".join(harmless(visible(name)).split())
        lead = f"{name}: " if name and cited.source_id != before else ""
        text += draft.text[done : one.start]
        start = len(text)
        text += lead + draft.text[one.start : one.end]
        statements.append(replace(one, start=start, end=len(text)))
        done, before = one.end, cited.source_id
    return replace(draft, text=text + draft.text[done:], statements=tuple(statements))
