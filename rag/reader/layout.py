"""What a passage's layout says: which sentences announce a list, which are its items, which are headings. Pure.

A list is read together with the sentence that announces it, since neither answers alone: "The box contains:" says
nothing without "- the kettle", nor that without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from rag.schema import Candidate, ScoredSentence

MOST_ITEMS = 30
"""Sentences of one list, at most."""
_LONGEST_HEADING = 100
"""Characters."""

_ITEM = re.compile(r"(?:[-*+•‣▪●○◦–—·]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s+\S")
_ROW = " | "
_BLANK = re.compile(r"\n\s*\n")
_COMPLETE = re.compile(r"[.!?…,;:]['\"”’)\]]*$")
_ENDS = re.compile(r"[.!?…]['\"”’)\]]*$")
_POINTS_ON = re.compile(r"\b(?:following|follows|these|below)\b", re.IGNORECASE)


def units(candidate: Candidate) -> tuple[tuple[ScoredSentence, ...], ...]:
    """Return what is read as one: each sentence, and with a sentence that announces a list the list's.

    An item of a list is a unit of its own too. A colon before anything else than a list announces the next sentence.
    """
    sentences = candidate.sentences
    joints = [_joint(candidate, one, other) for one, other in pairwise(sentences)]
    return tuple(
        sentences[at : at + 1 + _announced(sentences, joints, at)] for at in range(len(sentences))
    )


def whole(unit: Sequence[ScoredSentence], candidate: Candidate) -> ScoredSentence:
    """Return a unit of a candidate as one sentence, scored as the one that it begins with."""
    start, end = unit[0].start, unit[-1].end
    begin = candidate.passage.start
    return replace(unit[0], end=end, text=candidate.passage.text[start - begin : end - begin])


def announcing(candidate: Candidate, start: int) -> ScoredSentence | None:
    """Return what an item of a list needs beside it: the sentence with a colon that announces it; of a row, the first.

    Args:
        candidate: holds both.
        start: of the item, in the source's text; of what is none, nothing is returned.
    """
    sentences = candidate.sentences
    at = next(i for i, one in enumerate(sentences) if one.start == start)
    first = at
    while first and _ROW in sentences[first].text and _ROW in sentences[first - 1].text:
        first -= 1
    if first < at:
        return sentences[first]
    for lead, *listed in units(candidate):
        if sentences[at] in listed and is_item(sentences[at].text) and lead.text.endswith(":"):
            return lead
    return None


def headings(candidate: Candidate) -> frozenset[int]:
    """Return where the candidate's headings start, in the source's text: short lines, set apart, that end no sentence.

    A heading names what follows it, often in the question's own words, and hardly ever answers.
    """
    text, begin = candidate.passage.text, candidate.passage.start
    bounds = [begin, *(one.end for one in candidate.sentences)]
    afterwards = [*(one.start for one in candidate.sentences[1:]), None]
    return frozenset(
        one.start
        for one, before, after in zip(candidate.sentences, bounds, afterwards, strict=False)
        if len(one.text) <= _LONGEST_HEADING
        and not is_said(one.text)
        and not is_item(one.text)
        and (before == begin or _BLANK.search(text[before - begin : one.start - begin]))
        and after is not None
        and _BLANK.search(text[one.end - begin : after - begin])
    )


def is_said(text: str) -> bool:
    """Tell whether a sentence ends as one, or announces something; a heading, a subject or a name alone does not."""
    return bool(_COMPLETE.search(text))


def is_item(text: str) -> bool:
    """Tell whether a sentence is written as an item of a list, or as a row of a table."""
    return bool(_ITEM.match(text)) or _ROW in text


def _announced(sentences: Sequence[ScoredSentence], joints: Sequence[str], at: int) -> int:
    """Return how many of the sentences behind one it announces."""
    lead = sentences[at].text
    if is_item(lead) or at + 1 == len(sentences) or "\n" not in joints[at]:
        return 0
    if not is_item(sentences[at + 1].text):
        return int(lead.endswith(":"))
    if _ENDS.search(lead) and not _POINTS_ON.search(lead):
        return 0
    return sum(1 for _ in _items(sentences, joints, at + 1))


def _items(
    sentences: Sequence[ScoredSentence], joints: Sequence[str], first: int
) -> Iterator[ScoredSentence]:
    """Yield the sentences of a list's items: those that begin one, and what else an item says."""
    for at in range(first, min(len(sentences), first + MOST_ITEMS)):
        if not is_item(sentences[at].text) and "\n" in joints[at - 1]:
            return
        yield sentences[at]


def _joint(candidate: Candidate, one: ScoredSentence, other: ScoredSentence) -> str:
    """Return what stands between two sentences."""
    begin = candidate.passage.start
    return candidate.passage.text[one.end - begin : other.start - begin]
