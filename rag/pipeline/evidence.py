"""What a chat model is shown: the paragraphs that bear on a question, with what stands around them. Pure.

Candidates are where to look; what is shown are portions of their sources, widened to their small section or to
`AROUND` characters on either side, joined where they meet, and numbered by paragraph or section, so that a marker
names some sentences and never a book. Sources stand in the order of their best passage, each in its own order.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest

from rag.citations import CitablePassage
from rag.language.dates import dates_in
from rag.passages import units_of
from rag.retrieval import POOL
from rag.schema import Candidate, Depth, Source, Unit

MOST_TOKENS: dict[Depth, int] = {"quick": 4_500, "thorough": 24_000}
"""Of evidence. Of 103 facts that 31 hard questions need, 98 were among the first 3,700 tokens of a few searches with
what stands around, and hardly more among more: each further token costs time and money, and lies in the way."""
PART: dict[Depth, float] = {"quick": 0.75, "thorough": 0.9}
"""Of the room beside rules and history: the rest is for what has to be said when a model is asked again."""
AROUND = 400
"""Characters on either side of a passage."""
NARROW = 150
"""The same, of the sentence that is shown of a passage."""
WIDE: dict[Depth, int] = {"quick": POOL, "thorough": 2}
"""Passages of each search that are shown whole."""
SMALL_SECTION = 1_200
"""Characters up to which a section is shown whole."""
OPENED = 12_000
"""Characters on either side up to which it is where a model wants it; given as `Portion.around`."""
NUMBERED = 900
"""Characters from which a section goes on under a new number, at its next paragraph."""
LONGEST = 1_800
"""Characters from which it does so at the next sentence."""

_GAP = 6
"""Characters between two sentences or items, at the most."""
_HEAD_TOKENS = 50
"""Of the lines around a passage."""
_MOST_MISSES = 24
"""Stretches too long for what is left, after which no other is tried."""
_AT_ONCE = 60_000
"""Characters of a source whose units are found at once."""
_HEADS = frozenset(("title", "heading", "question"))
_LEADER = re.compile(r"(?:\.\s?){4,}\s*\d+\s*$|(?:…|\t|\s{3,})\s*\d{1,4}\s*$")
_WORD = re.compile(r"\w+")
_ALIKE = 0.9
"""Share of words that two passages have in common, from which they may say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A part of a source that is wanted."""

    source_id: str
    start: int
    end: int
    around: int = AROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A passage as it is shown to a model."""

    passage: CitablePassage
    title: str
    """File, title, sections, page and date."""

    @property
    def text(self) -> str:
        """Its words."""
        return self.passage.text


@dataclass(slots=True)
class _Taken:
    """What is shown of a source."""

    source: Source
    units: dict[int, Unit] = field(default_factory=dict)
    """By start."""
    _all: list[Unit] = field(default_factory=list)

    def between(self, start: int, end: int) -> list[Unit]:
        """Return the source's units in a portion; all are found once where it is short, so that none is cut."""
        if len(self.source.text) > _AT_ONCE:
            found = list(units_of(self.source, max(0, start - LONGEST), end))
            return [one for one in found[start > LONGEST :] if one.end > start]
        self._all = self._all or list(units_of(self.source))
        low = bisect_left(self._all, start, key=lambda unit: unit.end)
        return [one for one in self._all[low:] if one.start < end]


def portions_of(
    found: Sequence[Sequence[Candidate]], *, around: int = AROUND, wide: int = POOL
) -> list[Portion]:
    """Return what several searches found: of each in turn the best, then the second; what repeats itself once.

    Tables of contents are left out: what they name is found by itself.

    Args:
        found: of each search, best first.
        around: characters shown on either side of a passage.
        wide: the first of each search that are whole; of the others the sentence that matches best and `NARROW`
            characters on either side come before the whole ones, so that something of more of them is seen.
    """
    seen: dict[str, frozenset[str]] = {}
    left_out: set[str] = set()
    portions: dict[Portion, None] = {}
    whole: dict[Portion, None] = {}
    for rank, row in enumerate(zip_longest(*found)):
        for one in filter(None, row):
            name, text = one.passage.passage_id, one.passage.text
            if name not in seen:
                words = frozenset(_WORD.findall(text))
                if lists_contents(text) or any(_same(words, other) for other in seen.values()):
                    left_out.add(name)
                seen[name] = words
            if name not in left_out:
                portions[_portion(one, around, narrow=rank >= wide)] = None
                whole[_portion(one, around)] = None
    return [*(portions | whole)]


def _portion(candidate: Candidate, around: int, *, narrow: bool = False) -> Portion:
    """Return the part of a source that a candidate is; narrow, its best sentence."""
    best = max(candidate.sentences, key=lambda one: one.dense + one.lexical, default=None)
    part = best if narrow and best is not None else candidate.passage
    return Portion(
        source_id=candidate.passage.source_id,
        start=part.start,
        end=part.end,
        around=min(around, NARROW) if narrow else around,
    )


def lists_contents(text: str) -> bool:
    """Tell whether a text is a table of contents: lines that end in the number of a page."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 2 and sum(map(bool, map(_LEADER.search, lines))) > len(lines) / 2


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two sets of words are nearly one, no number and no name among those that differ."""
    differ = one ^ other
    if not one or len(one & other) < _ALIKE * len(one | other):
        return False
    return not any(word[0].isupper() or any(map(str.isdigit, word)) for word in differ)


def taken(
    wanted: Iterable[Portion],
    source: Callable[[str], Source],
    *,
    budget: int,
    count: Callable[[str], int],
) -> tuple[Numbered, ...]:
    """Return the portions that fit a budget, the first ones first, as numbered passages in the order of reading.

    Args:
        wanted: most wanted first; one that is too long is shown without what stands around it, or not at all.
        source: looks a source up.
        budget: tokens, about; the passages are to be packed afterwards.
        count: counts tokens.
    """
    shown: dict[str, _Taken] = {}
    misses = 0
    for one in wanted:
        held = shown.get(one.source_id) or _Taken(source(one.source_id))
        for around in (one.around, 0) if one.around else (0,):
            new = [unit for unit in _around(held, one, around) if unit.start not in held.units]
            words = "\n".join(held.source.text[unit.start : unit.end] for unit in new)
            headed = bool(shown) and bool(new) and not _adjoins(held, new)
            heads = headed + len(words) // NUMBERED
            cost = count(words) + _HEAD_TOKENS * heads if new else 0
            if cost <= budget:
                budget -= cost
                held.units.update((unit.start, unit) for unit in new)
                shown[one.source_id] = held
                break
        else:
            misses += 1
        if misses > _MOST_MISSES or budget < _HEAD_TOKENS:
            break
    return tuple(chain.from_iterable(map(_numbered, shown.values())))


def _adjoins(held: _Taken, new: Sequence[Unit]) -> bool:
    """Tell whether some units go on where shown ones end, or end where those begin: they need no head of their own."""
    return any(
        0 <= new[0].start - one.end <= _GAP or 0 <= one.start - new[-1].end <= _GAP
        for one in held.units.values()
    )


def _around(held: _Taken, wanted: Portion, around: int) -> list[Unit]:
    """Return the units of a portion, and of its small section or so many characters on either side."""
    whole = OPENED if around >= OPENED else SMALL_SECTION
    reach = whole if around >= AROUND else around
    units = held.between(wanted.start - reach, wanted.end + reach)
    inside = [
        i for i, unit in enumerate(units) if unit.start < wanted.end and unit.end > wanted.start
    ]
    if not inside:
        return []
    first, last = inside[0], inside[-1]
    low, high = _section(units, first, last)
    if around >= OPENED or (around >= AROUND and units[high].end - units[low].start <= whole):
        return units[low : high + 1]
    while around and first > 0 and units[first - 1].start >= wanted.start - around:
        first -= 1
    while around and last + 1 < len(units) and units[last + 1].end <= wanted.end + around:
        last += 1
    return units[first : last + 1]


def _section(units: Sequence[Unit], first: int, last: int) -> tuple[int, int]:
    """Return the first and last unit around some that stand in the same section as the first and last of them."""
    low, high = first, last
    while low > 0 and section_of(units[low - 1]) == section_of(units[first]):
        low -= 1
    while high + 1 < len(units) and section_of(units[high + 1]) == section_of(units[last]):
        high += 1
    return low, high


def section_of(unit: Unit) -> tuple[str, ...]:
    """Return the titles and headings that a unit stands below, the outermost first."""
    return tuple(one.text for one in unit.path if one.kind in _HEADS)


def _numbered(held: _Taken) -> Iterator[Numbered]:
    """Yield the passages of a source in their order."""
    for units in _paragraphs(held):
        source, start, end = held.source, units[0].start, max(one.end for one in units)
        passage = CitablePassage(
            source_id=source.source_id,
            title=source.title,
            sha256=source.sha256,
            pages=source.pages,
            start=start,
            text=source.text[start:end],
            sentences=tuple(units),
        )
        yield Numbered(passage=passage, title=head_of(source, start, units[-1]))


def _paragraphs(held: _Taken) -> Iterator[list[Unit]]:
    """Yield the units of each passage: of one section, with nothing left out between, and not long."""
    text = held.source.text
    run: list[Unit] = []
    for start in sorted(held.units):
        unit = held.units[start]
        if run and start < run[-1].end:
            continue
        if run:
            between = text[run[-1].end : start]
            size = start - run[0].start
            long = size > LONGEST or (size > NUMBERED and "\n" in between)
            if long or between.strip(" \t\r\n-*•·|#>0123456789.)") or _apart(run[-1], unit):
                yield run
                run = []
        run.append(unit)
    if run:
        yield run


def _apart(one: Unit, other: Unit) -> bool:
    """Tell whether another section begins with a unit."""
    if other.kind in _HEADS and one.kind not in _HEADS:
        return True
    mine, theirs = section_of(one), section_of(other)
    return mine != theirs and theirs[: len(mine)] != mine


def head_of(source: Source, start: int, unit: Unit) -> str:
    """Return where a passage stands that begins there and holds a unit: file, title, sections, page and date."""
    name = (
        source.source_id.rpartition("/")[2] if "://" not in source.source_id else source.source_id
    )
    told = [name] if source.title in (name, name.rpartition(".")[0]) else [name, source.title]
    path = [text for text in section_of(unit) if text not in (*told, name.rpartition(".")[0])]
    places = [" > ".join([": ".join(told), *path])]
    if source.pages:
        places.append(f"page {sum(page <= start for page in source.pages)}")
    dates = [date for date in dates_in(f"{source.title} {name}") if date[0]]
    places += ["-".join(f"{n:02d}" for n in date if n) for date in dates[:1]]
    return ", ".join(places)
