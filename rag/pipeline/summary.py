"""A summary: the sentences of whole sources that stand best for the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rag.pipeline.excerpts import (
    MOST_QUOTED,
    MOST_SOURCES,
    Quoted,
    are_one,
    different,
    is_quotable,
)
from rag.retrieval import diversify
from rag.schema import Candidate, ScoredSentence, SourceInfo, Span
from rag.store import Snapshot, StoredPassage

if TYPE_CHECKING:
    from rag.schema import Vectors

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
_DECIDED, _ORDERED, _NUMBERED = 0.25, 0.08, 0.05
"""What a decision or outcome, an order or event, and a figure have over the centrality of their sentence."""
_DECIDES = re.compile(
    r"\b(?:decid\w+|decisions?|agreed|resolv\w+|approv\w+|adopted|elected|appointed|reject\w+|voted|accepted"
    r"|carried unanimously|found that|we find|conclude[sd]?|conclusions?|results?"
    r"|shows? that|in total|therefore|replaces"
    r"|sold|granted|bought)\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:will|must|shall|may not|is to|are to|postponed|deadline|due|costs?|rose|fell|increased?|decreased?|won|lost"
    r"|becomes?|completed|launched|opens?|closes?|starts?|ends?)\b",
    re.IGNORECASE,
)
_SAID_ELSEWHERE, _DIFFERS = 0.4, 0.1
"""What a sentence loses that another source has too, and gains where another has it with other figures."""
_OF_ONE_THING = 0.75
"""Cosine from which the sentences of two sources speak of one thing."""
_MOST_COMPARED = 3_000
"""Sentences that are compared across sources."""
MOST_LINES = 30
"""Sources of which one line each is said."""
_OPENING = 8
"""Telling sentences from the top of a source, one of which says what it is about."""
_EARLY = 0.3
"""What the first of them has over its centrality."""
_ASIDE = re.compile(
    r"\W*(?:present|attend\w+|apologies|version|valid|date[d]?|copyright|page|author|last (?:updated|changed)|published"
    r"|printed|in force|it replaces|this (?:version|page|document) (?:was|is valid|replaces))\b",
    re.IGNORECASE,
)
"""Sentences about a document that do not tell its subject."""


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
    measured = {source_id: _measured(passages) for source_id, passages in read.items()}
    shared = _across(read, measured)
    for source_id, passages in read.items():
        candidates = measured[source_id]
        found.append([candidates[i] for i in _spread(passages, candidates)])
        best.append(_standing(passages, candidates, share, shared))
    best = sorted(best, key=lambda some: -some[0])[:MOST_SOURCES]
    order = {source_id: place for place, source_id in enumerate(read)}
    quoted = [one for _, some in best for one in some]
    return found, sorted(quoted, key=lambda one: (order[one[0].passage.source_id], one[1].start))


def _measured(passages: Sequence[StoredPassage]) -> list[Candidate]:
    """Return passages of a source as candidates: each cosine is with the mean of the source's sentences."""
    mean = np.concatenate([one.sentence_vectors for one in passages]).mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-9)
    return [candidate_of(one, mean) for one in passages]


def candidate_of(stored: StoredPassage, vector: Vectors) -> Candidate:
    """Return a passage as a candidate: each cosine is with a vector, shape (d,)."""
    passage, near = stored.passage, stored.sentence_vectors @ vector
    sentences = tuple(
        ScoredSentence(
            start=unit.start,
            end=unit.end,
            text=passage.text[unit.start - passage.start : unit.end - passage.start],
            dense=float(cosine),
            lexical=0.0,
            kind=unit.kind,
            path=unit.path,
            cells=unit.cells,
        )
        for unit, cosine in zip(stored.sentences, near, strict=True)
    )
    whole = float(stored.vector @ vector)
    return Candidate(passage=passage, dense=whole, lexical=0.0, fused=whole, sentences=sentences)


def subjects(
    store: Snapshot, sources: Sequence[SourceInfo]
) -> tuple[list[list[Candidate]], list[Quoted]]:
    """Return each source's first passages and the sentence that tells what it is about, or else its first words."""
    found, quoted = [], []
    for source in sources[:MOST_LINES]:
        candidates = _measured(list(store.fetch(store.keys(source.source_id)[:2])))
        found.append(candidates)
        quoted += _subject(candidates)
    return found, quoted


def _subject(candidates: Sequence[Candidate]) -> list[Quoted]:
    """Return the sentence that tells what a source is about; nothing where it is empty."""
    units = [(candidate, one) for candidate in candidates for one in candidate.sentences]
    whole = [pair for pair in units if is_quotable(pair[1])]
    plain = [pair for pair in whole if not _ASIDE.match(pair[1].text)] or whole
    opening = (
        [pair for pair in plain if pair[1].kind != "item"][:_OPENING] or plain[:1] or units[:1]
    )
    ranked = sorted(
        enumerate(opening),
        key=lambda row: -_centrality(row[1][1], 0) - _EARLY * (1 - row[0] / _OPENING),
    )
    return [(candidate, Span(start=one.start, end=one.end)) for _, (candidate, one) in ranked[:1]]


def _across(
    read: dict[str, list[StoredPassage]], measured: dict[str, list[Candidate]]
) -> dict[tuple[str, int], float]:
    """Return what sentences, by source and start, lose or gain by what other sources say on the same thing."""
    rows = [
        (source_id, (candidate, Span(start=one.start, end=one.end)), vector)
        for source_id, passages in read.items()
        for stored, candidate in zip(passages, measured[source_id], strict=True)
        for one, vector in zip(candidate.sentences, stored.sentence_vectors, strict=True)
        if is_quotable(one)
    ]
    if len(read) < 2 or not 1 < len(rows) <= _MOST_COMPARED:
        return {}
    vectors = np.stack([vector for _, _, vector in rows])
    owners = np.array([list(read).index(source_id) for source_id, _, _ in rows])
    near = vectors @ vectors.T
    near[owners[:, None] == owners[None, :]] = -1.0
    shared = {}
    for at, (source_id, quoted, _) in enumerate(rows):
        other = int(near[at].argmax())
        if near[at, other] >= _OF_ONE_THING:
            same = are_one(quoted, rows[other][1])
            shared[(source_id, quoted[1].start)] = -_SAID_ELSEWHERE if same else _DIFFERS
    return shared


def _spread(passages: Sequence[StoredPassage], candidates: Sequence[Candidate]) -> list[int]:
    """Return all passages, the central and different ones first."""
    order = sorted(range(len(passages)), key=lambda i: -candidates[i].fused)
    vectors = np.stack([passages[i].vector for i in order])
    scores = [candidates[i].fused for i in order]
    picked = diversify(scores, vectors @ vectors.T, k=len(order), diversity=DIVERSITY)
    return [order[i] for i in picked]


def _standing(
    passages: Sequence[StoredPassage],
    candidates: Sequence[Candidate],
    share: int,
    shared: dict[tuple[str, int], float],
) -> tuple[float, list[Quoted]]:
    """Return the sentences of a source that stand best for the rest, and the best one's centrality."""
    rows: dict[tuple[int, int], tuple[float, Quoted, np.ndarray]] = {}
    for stored, candidate in zip(passages, candidates, strict=True):
        for one, vector in zip(candidate.sentences, stored.sentence_vectors, strict=True):
            if is_quotable(one):
                score = _centrality(one, passages[-1].passage.end)
                score += shared.get((candidate.passage.source_id, one.start), 0.0)
                quoted = (candidate, Span(start=one.start, end=one.end))
                rows.setdefault((one.start, one.end), (score, quoted, vector))
    ranked = sorted(rows.values(), key=lambda row: (-row[0], row[1][1].start))
    if not ranked:
        return 0.0, []
    share = min(share, max(4, len(ranked) // 4))
    vectors = np.stack([vector for _, _, vector in ranked])
    scores = [score for score, _, _ in ranked]
    picked = diversify(scores, vectors @ vectors.T, k=4 * share, diversity=DIVERSITY)
    return scores[0], different([ranked[i][1] for i in picked])[:share]


def _centrality(one: ScoredSentence, end: int) -> float:
    """Return how well a sentence of a source that ends there stands for it."""
    leaning = _LEANING if _LEANS.match(one.text) else 1.0
    weight = _NUMBERED * any(map(str.isdigit, one.text))
    weight += _DECIDED * bool(_DECIDES.search(one.text)) or _ORDERED * bool(
        _ORDERS.search(one.text)
    )
    return weight + one.dense * leaning + LEAD * (1 - one.start / max(end, 1)) ** 3
