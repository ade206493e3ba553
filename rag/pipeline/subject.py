"""Readings weighed by what was asked about: what answers for another subject comes behind, and is never sure. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.language.paths import HEADS
from rag.queries.subject import (
    Subject,
    defines,
    has_code,
    heads,
    is_exact,
    missing,
    names_day,
    numbered_parts,
    other_month,
    subject_of,
)
from rag.reader import Reading
from rag.schema import BlockKind, Candidate, ScoredSentence

_PROSE = frozenset({"paragraph", "quote", "answer", "definition"})
"""Kinds whose subject may stand in a sentence before."""
_IN_ALL = re.compile(r"\b(?:in (?:total|all|sum)|altogether|all together)\b", re.IGNORECASE)
_SUMMED = re.compile(r"\b(?:(?:sub)?totals?|sum|all|altogether|overall|balance)\b", re.IGNORECASE)
_INSTEAD = 0.2
"""Share of the leading probability from which a reading that has the subject is preferred to one that has not."""
_BY_NUMBER = 0.9
"""Probability of a part that was asked for by its number."""
_BY_CODE = 0.15
"""Least probability of what has the very code that is asked for."""
_NOT_SURE = 0.98
"""Of the border of what is sure: the most that what lacks the subject reaches."""
_OTHER_ROW = 0.2
"""What is left of the probability of a row that is another subject's."""
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
    if _IN_ALL.search(question):
        alone = (_alone(one, candidates[one.candidate], sure=sure) for one in readings)
        readings = sorted(alone, key=lambda one: -one.probability)
    if not readings or not subject:
        return Judged(readings=tuple(readings), absent=(), unmatched=())
    told = [_told(one, candidates[one.candidate]) for one in readings]
    gone = [_lacking(subject, one) for one in told]
    everything = [text for one in candidates for text in _all(one)]
    absent = missing(subject, everything)
    named = frozenset(at for at in range(len(told)) if _is_asked(subject, told[at]))
    if subject.says and subject.numbered and not named:
        absent = absent or numbered_parts(subject)
    order = _order(readings, gone, named, lower=_is_of_other_day(subject, told[0], gone[0]))
    weighed = tuple(
        replace(
            readings[at],
            probability=_BY_NUMBER
            if at in named
            else _weighed(subject, readings[at].probability, gone[at], absent, told[at], sure=sure)
            * (not _is_of_no_day(subject, gone[at], candidates[readings[at].candidate])),
        )
        for at in order
    )
    return Judged(readings=weighed, absent=absent, unmatched=gone[order[0]])


def _is_of_other_day(subject: Subject, told: _Told, gone: Sequence[str]) -> bool:
    """Tell whether a reading is a row of another day than is asked for."""
    return told.kind == "row" and bool(gone) and bool(subject.months)


def _is_of_no_day(subject: Subject, gone: Sequence[str], candidate: Candidate) -> bool:
    """Tell whether the day that is asked for stands neither with a reading nor in its passage, which has others."""
    return bool(gone) and names_day(subject, gone, missing(subject, _all(candidate)))


def _lacking(subject: Subject, told: _Told) -> tuple[str, ...]:
    """Return what of the subject does not stand with a reading, or is of another day in its row."""
    gone = missing(subject, told.texts)
    return gone if gone or told.kind != "row" else other_month(subject, told.text)


def _alone(reading: Reading, candidate: Candidate, *, sure: float) -> Reading:
    """Return a reading that is one row of several as not sure: all of them are asked for."""
    told = _told(reading, candidate)
    if told.kind not in {"row", "item"} or _SUMMED.search(" ".join((told.text, *told.path))):
        return reading
    return replace(reading, probability=min(reading.probability, sure * _NOT_SURE))


def _weighed(
    subject: Subject,
    probability: float,
    gone: tuple[str, ...],
    absent: tuple[str, ...],
    told: _Told,
    *,
    sure: float,
) -> float:
    """Return how likely a reading answers, now that it is known what of the subject it lacks."""
    if absent and (is_exact(subject, absent) or probability < _UNNAMED):
        return 0.0
    if gone and told.kind == "row":
        return probability * _OTHER_ROW
    if gone:
        return min(probability, sure * _NOT_SURE)
    return max(probability, _BY_CODE) if has_code(subject) else probability


def _is_asked(subject: Subject, told: _Told) -> bool:
    """Tell whether a reading is the numbered part, or the meaning of the term, that is asked for."""
    if told.kind in HEADS:
        return False
    return (subject.says and heads(subject, told.text, told.path)) or defines(subject, told.terms)


def _order(
    readings: Sequence[Reading],
    gone: Sequence[tuple[str, ...]],
    named: Collection[int],
    *,
    lower: bool,
) -> list[int]:
    """Return the readings by index: what is asked for by its name, what has the subject, the others."""
    order = list(range(len(readings)))
    fewest = min(len(one) for one in gone)
    floor = _INSTEAD * readings[0].probability
    if lower:
        floor *= _OTHER_ROW
    whole = [at for at in order if len(gone[at]) == fewest and readings[at].probability >= floor]
    front = list(dict.fromkeys((*(at for at in order if at in named), *whole[:1])))
    return [*front, *(at for at in order if at not in front)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What stands with a reading."""

    text: str
    kind: BlockKind
    path: tuple[str, ...]
    terms: tuple[str, ...]
    """The terms among its path."""
    before: str
    """What prose may take its subject from."""

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it."""
        return (self.text, *self.path, self.before)


def _told(reading: Reading, candidate: Candidate) -> _Told:
    """Return what stands with a reading."""
    sentence = next(one for one in candidate.sentences if one.start == reading.start)
    prose = sentence.kind in _PROSE
    return _Told(
        text=reading.text,
        kind=sentence.kind,
        path=(*(one.text for one in sentence.path), *_cells(sentence)),
        terms=tuple(one.text for one in sentence.path if one.kind == "term"),
        before=candidate.passage.text[: reading.start - candidate.passage.start] if prose else "",
    )


def _all(candidate: Candidate) -> list[str]:
    """Return all that a candidate says, with what it hangs from."""
    path = {one.text: None for sentence in candidate.sentences for one in sentence.path}
    cells = (cell for sentence in candidate.sentences for cell in _cells(sentence))
    return [candidate.passage.text, *path, *cells]


def _cells(sentence: ScoredSentence) -> Iterator[str]:
    """Yield the cells of a row behind the names of their columns: `Plot 9`."""
    for cell in sentence.cells:
        if cell.name:
            said = sentence.text[cell.start - sentence.start : cell.end - sentence.start]
            yield f"{cell.name} {said}"
