"""What is said of a reading: its sentence, and of the list that it announces or belongs to each by itself. Pure."""

from __future__ import annotations

from dataclasses import replace

from rag.language.sentences import split_sentences
from rag.reader import Reading
from rag.reader.layout import announcing, is_item, units
from rag.schema import Candidate, ScoredSentence, Source, Span

_FURTHER = 6_000
"""Characters behind a passage in which the rest of a list is looked for."""
_LINE = 300
"""Characters in which it shows whether what follows is an item."""


def said(reading: Reading, candidate: Candidate, source: Source) -> tuple[Candidate, list[Span]]:
    """Return the sentences to quote, in order, and the candidate that holds them.

    The candidate is the same, or reaches as far as a list in which its passage ends. An item of a list is said with the
    sentence that announces it.
    """
    wider = _widened(reading, candidate, source)
    quoted = _unit(reading, wider)
    lead = announcing(candidate, reading.start)
    return wider, [
        Span(start=one.start, end=one.end) for one in ((lead, *quoted) if lead else quoted)
    ]


def _unit(reading: Reading, candidate: Candidate) -> tuple[ScoredSentence, ...]:
    """Return the sentence that a reading begins with, and the list that it announces."""
    return next(one for one in units(candidate) if one[0].start == reading.start)


def _widened(reading: Reading, candidate: Candidate, source: Source) -> Candidate:
    """Return the candidate, with the rest of the reading's list where its passage ends in the midst of it."""
    passage = candidate.passage
    if reading.end < candidate.sentences[-1].end:
        return candidate
    following = source.text[passage.end : passage.end + _LINE].lstrip().partition("\n")[0]
    listing = len(_unit(reading, candidate)) > 1 or reading.text.endswith(":")
    if not (listing or is_item(following)):
        return candidate
    text = source.text[passage.start : passage.end + _FURTHER]
    spans = split_sentences(text)
    if passage.start + len(text) < len(source.text):
        spans = spans[:-1]  # which is cut, or may be
    further = [
        ScoredSentence(
            start=passage.start + one.start,
            end=passage.start + one.end,
            text=text[one.start : one.end],
            dense=0.0,
            lexical=0.0,
        )
        for one in spans
        if passage.start + one.start >= candidate.sentences[-1].end
    ]
    if not further:
        return candidate
    wide = _up_to(candidate, further, text)
    last = _unit(reading, wide)[-1].end
    held = [one for one in further if one.end <= last]
    return _up_to(candidate, held, text) if held else candidate


def _up_to(candidate: Candidate, further: list[ScoredSentence], text: str) -> Candidate:
    """Return the candidate with more sentences; the text is the source's from where its passage starts."""
    passage = candidate.passage
    end = further[-1].end
    wide = replace(passage, end=end, text=text[: end - passage.start])
    return replace(candidate, passage=wide, sentences=(*candidate.sentences, *further))
