"""Readings weighed by what was asked about: who answers another subject's question comes behind, and is never sure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.queries import Subject, heads, is_exact, missing, subject_of
from rag.reader import Reading
from rag.schema import Candidate, ScoredSentence

_PROSE = frozenset({"paragraph", "quote", "answer", "definition"})
"""Kinds whose subject may stand in a sentence before."""
_INSTEAD = 0.2
"""Share of the leading probability from which a reading that has the subject is preferred to one that has not."""
_BY_NUMBER = 0.9
"""Probability of a part that was asked for by its number."""
_UNNAMED = 0.3
"""Probability from which an answer is shown though the names that were asked about stand nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was read for one part of a question, in the order in which it answers."""

    readings: tuple[Reading, ...]
    """The likeliest first; one that lacks the subject is below the border of what is sure."""
    absent: tuple[str, ...]
    """What was asked about and stands in nothing that was read."""
    unmatched: tuple[str, ...]
    """What was asked about and does not stand with the leading reading."""


def judge(
    question: str, readings: Sequence[Reading], candidates: Sequence[Candidate], *, sure: float
) -> Judged:
    """Weigh readings by whether the subject of the question stands in them.

    Args:
        question: one part of the query.
        readings: the likeliest answer first.
        candidates: that they are of.
        sure: probability from which an answer is stated.
    """
    subject = subject_of(question)
    if not readings or not (subject.names or subject.codes or subject.numbered):
        return Judged(readings=tuple(readings), absent=(), unmatched=())
    told = [_told(one, candidates[one.candidate]) for one in readings]
    gone = [missing(subject, texts) for texts in told]
    everything = [text for one in candidates for text in _all(one)]
    absent = missing(subject, everything)
    order = _order(subject, readings, told, gone)
    lead = order[0]
    weighed = []
    for at in order:
        probability = readings[at].probability
        if subject.says and heads(subject, told[at][0], told[at][1:-1]):
            probability = max(probability, _BY_NUMBER)
        elif gone[at]:
            probability = min(probability, sure * 0.98)
            if absent and (is_exact(subject, absent) or probability < _UNNAMED):
                probability = 0.0
        weighed.append(replace(readings[at], probability=probability))
    return Judged(readings=tuple(weighed), absent=absent, unmatched=gone[lead])


def _order(
    subject: Subject,
    readings: Sequence[Reading],
    told: Sequence[Sequence[str]],
    gone: Sequence[tuple[str, ...]],
) -> list[int]:
    """Return the readings by index: the part that was asked for by number, what has the subject, the others."""
    order = list(range(len(readings)))
    named = [at for at in order if subject.says and heads(subject, told[at][0], told[at][1:-1])]
    fewest = min(len(one) for one in gone)
    floor = _INSTEAD * readings[0].probability
    whole = [
        at
        for at in order
        if len(gone[at]) == fewest and (readings[at].probability >= floor or at == 0)
    ]
    front = list(dict.fromkeys((*named, *whole[:1])))
    return [*front, *(at for at in order if at not in front)]


def _told(reading: Reading, candidate: Candidate) -> list[str]:
    """Return a reading's text, each part of its path, and what prose may take its subject from."""
    sentence = _sentence(reading, candidate)
    before = ""
    if sentence.kind in _PROSE:
        before = candidate.passage.text[: reading.start - candidate.passage.start]
    return [
        reading.text,
        *(one.text for one in sentence.path),
        *(c.name for c in sentence.cells),
        before,
    ]


def _all(candidate: Candidate) -> list[str]:
    """Return all that a candidate says, with what it hangs from."""
    path = {one.text: None for sentence in candidate.sentences for one in sentence.path}
    return [candidate.passage.text, *path]


def _sentence(reading: Reading, candidate: Candidate) -> ScoredSentence:
    return next(one for one in candidate.sentences if one.start == reading.start)
