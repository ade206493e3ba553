"""What is said of a reading: its sentence, and of the list that it announces or belongs to each by itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.passages import units_of
from rag.reader import Reading
from rag.reader.layout import announcing, units
from rag.schema import Candidate, Context, ScoredSentence, Source, Span, Unit

FURTHER = 6_000
"""Characters before or behind a passage in which the rest of a list, or what announces it, is looked for."""


def said(reading: Reading, candidate: Candidate, source: Source) -> tuple[Candidate, list[Span]]:
    """Return the spans to quote, in order, and the candidate that holds them.

    The candidate is the same, or reaches as far as a list in which its passage ends, or as what announces it. An item
    of a list is said with the sentence or the heading that announces it.
    """
    wider = _behind(reading, candidate, source)
    quoted = [Span(start=one.start, end=one.end) for one in unit_of(reading, wider)]
    lead = announcing(unit_of(reading, wider)[0])
    if lead is None or not 0 <= reading.start - lead.end <= FURTHER:
        return wider, quoted
    return reaching(lead, wider, source), [Span(start=lead.start, end=lead.end), *quoted]


def unit_of(reading: Reading, candidate: Candidate) -> tuple[ScoredSentence, ...]:
    """Return the sentence that a reading begins with, and the list that it announces."""
    return next(one for one in units(candidate) if one[0].start == reading.start)


def _behind(reading: Reading, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, with the rest of the reading's list where its passage ends in the midst of it."""
    passage = candidate.passage
    lead = unit_of(reading, candidate)[0]
    if reading.end < candidate.sentences[-1].end:
        return candidate
    further = []
    for unit in units_of(source, passage.end, passage.end + FURTHER):
        if not any((one.start, one.end) == (lead.start, lead.end) for one in unit.path):
            break
        further.append(unit)
    return including(further, passage.start, candidate, source)


def including(units: Sequence[Unit], start: int, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, reaching from `start` or before over these units of its source."""
    passage = candidate.passage
    held = {one.start: one for one in candidate.sentences}
    for unit in units:
        if unit.start not in held:
            text = source.text[unit.start : unit.end]
            told = {name: getattr(unit, name) for name in ("start", "end", "kind", "path", "cells")}
            held[unit.start] = ScoredSentence(text=text, dense=0.0, lexical=0.0, **told)
    start = min(start, passage.start)
    end = max((passage.end, *(one.end for one in units)))
    wide = replace(passage, start=start, end=end, text=source.text[start:end])
    return replace(candidate, passage=wide, sentences=tuple(held[at] for at in sorted(held)))


def reaching(lead: Context, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, reaching back to what announces its first list."""
    return including((), lead.start, candidate, source)
