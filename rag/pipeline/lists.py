"""Of a list, what is said: all of it, or the item that a question is about. Pure.

"What must I bring?" wants every item, though a reader points at the likeliest; "What do I do with the fridge?" wants
the one that speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.language.words import words_of
from rag.passages import units_of
from rag.pipeline.quotes import FURTHER, including, said, unit_of
from rag.queries.enumeration import position, wants_several
from rag.reader import Reading
from rag.reader.layout import announcing
from rag.schema import Candidate, Context, Source, Span, Unit

_BESIDE = 0.25
"""Share of a reading's probability from which an item beside it, or the list, answers too."""
_LIGHT = frozenset(
    "do does need have get take put use make bring go must thing step item rule".split()
)
"""Words that tell no item from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """What is said of one reading."""

    reading: Reading
    """The one that was chosen, or the whole list as one."""
    candidate: Candidate
    """Holds the spans."""
    spans: tuple[Span, ...]
    """To quote, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """The items that stand together under what announces them."""

    lead: Context
    items: tuple[Unit, ...]


def chosen(
    question: str,
    reading: Reading,
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    source: Source,
) -> Quotation:
    """Return what is said of a reading: it, the item of its list that is asked for, or all of them.

    Args:
        question: that was read for.
        reading: to be said.
        readings: all of them, it among them.
        candidates: that they are of.
        source: of the reading.
    """
    candidate = candidates[reading.candidate]
    found = _list_of(reading, candidate, source)
    if found is not None:
        item = _asked(question, reading, found, source)
        rival = item and _reading_of(item, readings, candidates, source)
        if rival:
            reading = replace(rival, probability=max(reading.probability, rival.probability))
            candidate = candidates[reading.candidate]
        elif item is None and _wants_all(question, reading, found, readings, candidates, source):
            return _whole(reading, found, candidate, source)
    wide, spans = said(reading, candidate, source)
    return Quotation(reading=reading, candidate=wide, spans=tuple(spans))


def _list_of(reading: Reading, candidate: Candidate, source: Source) -> _List | None:
    """Return the list that a reading is an item of, or that it is with what announces it; None for anything else."""
    unit = unit_of(reading, candidate)
    first = unit[0] if len(unit) == 1 or unit[0].kind == "item" else unit[1]
    lead = announcing(first)
    if first.kind != "item" or lead is None or not 0 <= first.start - lead.end <= FURTHER:
        return None
    run: list[Unit] = []
    for one in units_of(source, lead.start, first.end + FURTHER):
        if one.kind == "item" and lead in one.path:
            run.append(one)
        elif run and run[-1].start >= first.start:
            break
        else:
            run = []
    return _List(lead=lead, items=tuple(run)) if len(run) > 1 else None


def _asked(question: str, reading: Reading, found: _List, source: Source) -> Unit | None:
    """Return the item that a question names by its place, or by words that few of them have; None for none."""
    nth = position(question)
    own = [one for one in found.items if one.path[-1] == found.lead]
    if nth:
        return own[min(nth, len(own)) - (nth > 0)] if nth <= len(own) else None
    above = _stems(" ".join(one.text for one in found.items[0].path)) | _LIGHT
    held = [(_stems(source.text[one.start : one.end]), one) for one in found.items]
    telling = [
        stem
        for stem in _stems(question) - above
        if 0 < sum(stem in stems for stems, _ in held) <= len(held) / 2
    ]
    best = max(held, key=lambda one: sum(stem in one[0] for stem in telling))
    mine = next((stems for stems, one in held if one.start == reading.start), None)
    if not telling or mine is None:
        return None
    if sum(stem in mine for stem in telling) >= sum(stem in best[0] for stem in telling) / 2:
        return next(one for stems, one in held if stems is mine)
    return best[1]


def _stems(text: str) -> frozenset[str]:
    return frozenset(one.stem for one in words_of(text) if one.content or one.number)


def _reading_of(
    item: Unit, readings: Sequence[Reading], candidates: Sequence[Candidate], source: Source
) -> Reading | None:
    """Return the likeliest reading of an item alone."""
    found = _of_source(readings, candidates, source)
    return next((one for one in found if one.start == item.start), None)


def _of_source(
    readings: Sequence[Reading], candidates: Sequence[Candidate], source: Source
) -> Iterator[Reading]:
    return (
        one for one in readings if candidates[one.candidate].passage.source_id == source.source_id
    )


def _wants_all(
    question: str,
    reading: Reading,
    found: _List,
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    source: Source,
) -> bool:
    """Tell whether a question wants several things, and items beside the reading, or the list, answer it as well."""
    starts = {one.start for one in found.items}
    if reading.start not in starts or not wants_several(question):
        return False
    beside = starts - {reading.start} | {found.lead.start}
    return any(
        one.start in beside and one.probability >= _BESIDE * reading.probability
        for one in _of_source(readings, candidates, source)
    )


def _whole(reading: Reading, found: _List, candidate: Candidate, source: Source) -> Quotation:
    """Return all items of a list behind what announces it."""
    spans = [Span(start=one.start, end=one.end) for one in (found.lead, *found.items)]
    return Quotation(
        reading=replace(reading, start=spans[1].start, end=spans[-1].end, words=None),
        candidate=including(found.items, found.lead.start, candidate, source),
        spans=tuple(spans),
    )
