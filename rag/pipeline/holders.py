"""In which document something stands: the sentence that says it, and what its document is called. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag.citations import Draft
from rag.citations.plain import harmless, visible
from rag.language.dates import dates_in
from rag.language.paths import HEADS
from rag.language.words import alike, words_of
from rag.queries.documents import Document, Sought
from rag.reader import Reading
from rag.schema import Candidate, ScoredSentence, ShortAnswer, SourceInfo

MOST_HOLDERS = 6
"""Documents that are named."""
_MOSTLY = 0.6
"""Share of the words that are looked for, from which a sentence is shown as the best guess."""
_DECIDING = frozenset("decid agre approv resolv discuss mention adopt pass vote".split())
"""Stems of what is done with a thing at a meeting, and seldom said of it in its minutes."""
_DENIED = frozenset("not no never nothing neither nor without".split())


def holding(
    held: Sought,
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    *,
    sure: float,
    likely: float,
) -> tuple[Reading, ...]:
    """Return the reading of each document that holds what is looked for, likeliest first; one where one is asked for.

    A sentence that has all of the words says it surely, one that has most of them maybe.

    Args:
        held: what is looked for.
        readings: of the question for it.
        candidates: that they are of.
        sure: probability from which an answer is stated.
        likely: probability from which it is shown as a guess.
    """
    best: dict[str, tuple[float, Reading]] = {}
    for one in readings:
        candidate = candidates[one.candidate]
        sentence = next(each for each in candidate.sentences if each.start == one.start)
        if sentence.kind in HEADS:
            continue
        share = _share(held.words, one.text, sentence)
        floor = sure if share == 1 else likely if share >= _MOSTLY else 0.0
        weighed = max(one.probability, floor)
        source_id = candidate.passage.source_id
        before = best.get(source_id)
        if before is None or (share, weighed) > (before[0], before[1].probability):
            best[source_id] = share, replace(one, probability=weighed)
    ranked = sorted(best.values(), key=lambda one: (-one[0], -one[1].probability))
    found = [one for share, one in ranked if share == ranked[0][0]]
    if held.several and ranked and ranked[0][0] == 1:
        return tuple(found[:MOST_HOLDERS])
    return tuple(found[:1])


def _share(looked_for: str, text: str, sentence: ScoredSentence) -> float:
    """Return the share of words that a sentence, or a heading above it, has, 0..1; 0 where there are none."""
    wanted = {one.stem for one in words_of(looked_for) if one.content} - _DECIDING
    above = " ".join(one.text for one in sentence.path if one.kind != "title")
    told = frozenset(one.stem for one in words_of(f"{text} {above}"))
    share = sum(alike(one, told) for one in wanted) / len(wanted) if wanted else 0.0
    return share if _denies(text) == _denies(looked_for) else share / 2


def _denies(text: str) -> bool:
    return any(word.folded in _DENIED for word in words_of(text))


def titles_of(sources: Sequence[SourceInfo]) -> dict[str, str]:
    """Return what documents are called by source_id: with the name of the file where only that gives the date."""
    names = {}
    for one in sources:
        stem = Document(source_id=one.source_id, title=one.title).stem
        title = one.title or stem
        dated = dates_in(stem) and not dates_in(title)
        names[one.source_id] = f"{title} ({stem})" if dated else title
    return names


def holders(draft: Draft, names: Mapping[str, str]) -> ShortAnswer:
    """Return the names of the documents that a draft cites, as a short answer."""
    cited = dict.fromkeys(names[one.source_id] for one in draft.citations)
    text = " ".join(harmless(visible("; ".join(cited))).split())
    return ShortAnswer(text=text, markers=tuple(one.marker for one in draft.citations))
