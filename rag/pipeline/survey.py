"""A survey: what every source that speaks on a topic says of it."""

from __future__ import annotations

from collections.abc import Sequence

from rag.pipeline.excerpts import MOST_QUOTED, MOST_SOURCES, Quoted, different, is_quotable, turns
from rag.pipeline.preference import Retrieve
from rag.schema import Candidate, SourceInfo, Span

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


def heard(
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


def relevant(found: Sequence[Sequence[Candidate]]) -> list[Quoted]:
    """Return the sentences that say most on the topic, source after source, each source heard in turn."""
    ranked = [_ranked(candidates) for candidates in found]
    kept = [
        different([one for score, one in some if score >= max(RELEVANT, NEAR_BEST * some[0][0])])
        for some in ranked
    ]
    kept = [some for some in kept if some][:MOST_SOURCES]
    heard_in_turn = turns(kept)[: max(MOST_QUOTED, len(kept))]
    chosen = {(one.passage.source_id, span.start) for one, span in heard_in_turn}
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
            if is_quotable(one):
                quoted = (candidate, Span(start=one.start, end=one.end))
                scores.setdefault((one.start, one.end), (relevance, quoted))
    return sorted(scores.values(), key=lambda pair: (-pair[0], pair[1][1].start))
