"""What is said of a reading: its sentence, and of the list that it announces or belongs to each by itself. Pure."""

from __future__ import annotations

from dataclasses import replace

from rag.passages import units_of
from rag.reader import Reading
from rag.reader.layout import announcing, units
from rag.schema import Candidate, Context, ScoredSentence, Source, Span

_FURTHER = 6_000
"""Characters before or behind a passage in which the rest of a list, or what announces it, is looked for."""


def said(reading: Reading, candidate: Candidate, source: Source) -> tuple[Candidate, list[Span]]:
    """Return the spans to quote, in order, and the candidate that holds them.

    The candidate is the same, or reaches as far as a list in which its passage ends, or as what announces it. An item
    of a list is said with the sentence or the heading that announces it.
    """
    wider = _behind(reading, candidate, source)
    quoted = [Span(start=one.start, end=one.end) for one in _unit(reading, wider)]
    lead = announcing(_unit(reading, wider)[0])
    if lead is None or not 0 <= reading.start - lead.end <= _FURTHER:
        return wider, quoted
    return reaching(lead, wider, source), [Span(start=lead.start, end=lead.end), *quoted]


def _unit(reading: Reading, candidate: Candidate) -> tuple[ScoredSentence, ...]:
    """Return the sentence that a reading begins with, and the list that it announces."""
    return next(one for one in units(candidate) if one[0].start == reading.start)


def _behind(reading: Reading, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, with the rest of the reading's list where its passage ends in the midst of it."""
    passage = candidate.passage
    lead = _unit(reading, candidate)[0]
    if reading.end < candidate.sentences[-1].end:
        return candidate
    further = []
    for unit in units_of(source, passage.end, passage.end + _FURTHER):
        if not any((one.start, one.end) == (lead.start, lead.end) for one in unit.path):
            break
        further.append(
            ScoredSentence(
                start=unit.start,
                end=unit.end,
                text=source.text[unit.start : unit.end],
                dense=0.0,
                lexical=0.0,
                kind=unit.kind,
                path=unit.path,
                cells=unit.cells,
            )
        )
    if not further:
        return candidate
    end = further[-1].end
    wide = replace(passage, end=end, text=source.text[passage.start : end])
    return replace(candidate, passage=wide, sentences=(*candidate.sentences, *further))


def reaching(lead: Context, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, reaching back to what announces its first list."""
    passage = candidate.passage
    if passage.start <= lead.start:
        return candidate
    wide = replace(passage, start=lead.start, text=source.text[lead.start : passage.end])
    return replace(candidate, passage=wide)
