"""Numbers and dates as figures that can be set against each other: how far they reach, and what they are of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, isclose
from typing import Literal

from rag.language.english import FUNCTION_WORDS
from rag.language.quantities import Quantity, quantities
from rag.language.words import Word, fold, word_set, words_of

MOST_ROUNDED = 0.05
"""Part of a figure by which it may be off where another is less round."""
ABOUT = 0.1
"""Part of a figure by which it may be off where it is called approximate."""
CONVERTED = 0.02
"""Part of a figure that may be lost where it was converted into another unit."""
_ROUND_FROM = 1000
"""From here on zeros at the end may be a rounding; 40 is not 41."""

FigureKind = Literal["number", "percent", "date", "time"]

_MEASURES: dict[str, tuple[str, float]] = {
    unit: (dimension, size)
    for dimension, sizes in {
        "length": {
            "mm": 1.0, "cm": 10.0, "in": 25.4, "ft": 304.8, "m": 1e3, "km": 1e6, "mile": 1609344.0,
        },
        "mass": {"g": 1.0, "kg": 1e3, "t": 1e6},
        "duration": {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0},
        "age": {"month": 1.0, "year": 12.0, "decade": 120.0, "century": 1200.0},
        "speed": {"km/h": 1.0, "mph": 1.609344},
        "data": {"mb": 1.0, "gb": 1e3},
    }.items()
    for unit, size in sizes.items()
}  # fmt: skip
"""Each unit's dimension, and its size in the smallest of them."""
_CASH = r"(?:us)?[$€£¥₹]?\s*$"
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|some|circa|ca\.|nearly|almost|close to|an? estimated"
    rf"|estimated at|an average of)|[~≈±])\s*{_CASH}",
    re.IGNORECASE,
)
_OR_MORE = re.compile(r"\W*(?:or (?:more|so)\b|plus\b|\+|and (?:more|above)\b)", re.IGNORECASE)
_OR_LESS = re.compile(r"\W*or (?:less|fewer)\b", re.IGNORECASE)
_CHANGE = re.compile(rf"\b(to|from|at)\s+(?:\w+\s+)?{_CASH}", re.IGNORECASE)
_RATE = re.compile(r"\W*(?:\w+\W+){0,2}?(?:per|an?|each|every)\s+(\w+)|\W*\w*/(\w+)", re.IGNORECASE)
_REACH = re.compile(r"\s*([-–—]|to|and|or)\s*(?:us)?[$€£¥₹]?\s*", re.IGNORECASE)
_PARTS = re.compile(r"[\s,]*(?:of\s+|in\s+)?", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:\b(?i:tables?|chapters?|sections?|pages?|figures?|fig\.|versions?|rooms?|steps?|parts?|articles?|phases?"
    r"|numbers?|no\.|items?|grades?|levels?|seasons?|episodes?|volumes?|vol\.|issues?|paragraphs?|annex|appendix|units?"
    r"|types?|models?|routes?|lines?|group|zone|class|option|question|note)|(?<=\w\s)[A-Z][\w'’]*|\#|§)\s*$"
)
"""What stands before a number that is a name, not an amount: table 3, Apollo 11."""
_FIRST = re.compile(r"\W*([A-Z]\w+)\s")
_AMOUNTS = word_set("between approximately around roughly nearly almost exactly fully another")
"""What may stand before an amount at the head of a sentence, besides function words: Nearly 40."""
_YEAR_OF_NAME = re.compile(r"[12]\d{3} (?=[A-Z])")
"""The 2010 Census."""
_BARE_UNITS = {"m": "m", "g": "g", "h": "hour"}
_BARE = re.compile(r"[ \u00a0\u202f](m|g|h)(?![\w'’²³/])")
"""Units too short to be known by themselves: behind a space and no currency they are."""
_NEAR = 3
"""Content words on either side of a figure that say what it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with what it may stand for, or a date with as much as is said of it."""

    kind: FigureKind
    measure: str
    """What it is measured in: a dimension, a currency, or nothing."""
    low: float
    """In the smallest unit of the dimension, or minutes of the day; with `high`, the reach of a vague figure."""
    high: float
    grain: float
    """The unit of its last digit that may be more than filling; 0 where another need not be less round."""
    unit: str
    year: float | None
    days: frozenset[str]
    """`month/day`, or `month`; several where the writing is ambiguous."""
    printed: str
    spans: tuple[tuple[int, int], ...]
    """Where it and its unit stand in the sentence."""
    counted: frozenset[str]
    """Stems of what there are so many of."""
    before: tuple[str, ...]
    """Stems of the content words before it, nearest first."""
    after: tuple[str, ...]
    change: str
    """`to` or `from` before it, or nothing."""
    rate: str
    """Per what."""

    def comparable(self, other: Figure) -> bool:
        """Tell whether the two can be figures of one thing, by themselves."""
        return (self.kind, self.measure, self.change, self.rate) == (
            other.kind,
            other.measure,
            other.change,
            other.rate,
        )

    def agrees(self, other: Figure) -> bool:
        """Tell whether both can be true of one thing."""
        if not self.comparable(other):
            return False
        if self.kind == "date":
            return self._same_date(other)
        if self.kind == "time" and isclose(abs(self.low - other.low), 720):
            return True
        slack = CONVERTED * min(self.high, other.high) if self.unit != other.unit else 0.0
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low <= high + slack or self._rounds(other)

    def bond(self, other: Figure) -> int:
        """Return how much speaks for both being figures of one thing; 0 where it is not clear that they are."""
        if not self.comparable(other):
            return 0
        if self.counted and other.counted and not self.counted & other.counted:
            return 0
        near = set(self.before + self.after) & set(other.before + other.after)
        if self.kind in {"date", "time"}:
            heads = self.before[:1] or self.after[:1], other.before[:1] or other.after[:1]
            return len(near) + 1 if heads[0] == heads[1] and near else 0
        same = len(self.counted & other.counted)
        beside = len(set(self.before) & set(other.before))
        return 2 * same + beside if same or self._follows(other) else 0

    def _follows(self, other: Figure) -> bool:
        """Tell whether the words right before two figures, most of all the nearest, are the same."""
        ours, theirs = self.before, other.before
        if ours[:1] != theirs[:1] or not ours:
            return False
        return not ours[1:] or not theirs[1:] or ours[1] in theirs or theirs[1] in ours

    def _same_date(self, other: Figure) -> bool:
        if self.year is not None and other.year is not None and self.year != other.year:
            return False
        if not self.days or not other.days:
            return (self.year is None) == (other.year is None) or self.year == other.year
        months = {day.partition("/")[0] for day in self.days | other.days}
        whole = all("/" in day for day in self.days | other.days)
        return bool(self.days & other.days) if whole else len(months) == 1

    def _rounds(self, other: Figure) -> bool:
        """Tell whether the rounder of two exact figures is the other one, rounded."""
        rough, fine = sorted((self, other), key=lambda one: -one.grain)
        if rough.grain == fine.grain:
            return False
        reach = min(rough.grain / 2, MOST_ROUNDED * abs(rough.low))
        return rough.low - reach <= fine.high and fine.low <= rough.high + reach


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """Return the figures of a sentence, in order; those that may mean several things are left out."""
    groups = list(_grouped(text, [one for one in _read(text) if not one.vague]))
    words = (
        [one for one in words_of(text) if one.content and one.text[0].isalpha()] if groups else []
    )
    found = [_figure(text, group, words) for group in groups]
    return tuple(one for one in found if one is not None)


def labels(text: str) -> frozenset[str]:
    """Return the numbers of a sentence that name something, as printed, and its ordinals."""
    return frozenset(
        one.printed.lower()
        for one in quantities(text)
        if one.kind == "ordinal" or _labels(text, one)
    )


def _labels(text: str, one: Quantity) -> bool:
    """Tell whether a number is part of a name; a month before it makes it a date."""
    if one.kind == "version":
        return True
    if one.kind != "number" or one.year or one.unit or not one.printed[0].isdigit():
        return False
    first = _FIRST.fullmatch(text[: one.start])
    if first and fold(first[1]) not in FUNCTION_WORDS | _AMOUNTS:
        return True
    return bool(_LABEL.search(text[: one.start]) or _YEAR_OF_NAME.match(text, one.start))


def _read(text: str) -> Iterator[Quantity]:
    """Yield the numbers that are amounts or dates, with short units."""
    for one in quantities(text):
        if _labels(text, one):
            continue
        bare = _BARE.match(text, one.end)
        if bare and one.kind == "number" and not one.unit and not one.year:
            yield replace(one, unit=_BARE_UNITS[bare[1]])
        else:
            yield one


def _grouped(text: str, found: Sequence[Quantity]) -> Iterator[list[Quantity]]:
    """Yield the quantities, those that are parts of one date or the ends of one range together."""
    group: list[Quantity] = []
    for one in found:
        if group and not (_completes(text, group, one) or _spans(text, group, one)):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _completes(text: str, group: Sequence[Quantity], one: Quantity) -> bool:
    """Tell whether a quantity is the day or the year of a date that has none."""
    last = group[-1]
    if len(group) > 1 or {last.kind == "date" or last.year, one.kind == "date" or one.year} != {
        True
    }:
        return False
    return last.year != one.year and bool(_PARTS.fullmatch(text[last.end : one.start]))


def _spans(text: str, group: Sequence[Quantity], one: Quantity) -> bool:
    """Tell whether two numbers are the ends of a range: 10-20, 10 to 20, between 10 and 20."""
    last = group[-1]
    if len(group) > 1 or last.year or one.year or last.kind != one.kind or last.kind == "date":
        return False
    joint = _REACH.fullmatch(text[last.end : one.start])
    before = text[: last.start]
    if joint is None or re.search(rf"\bfrom\s+{_CASH}", before, re.IGNORECASE):
        return False
    return joint[1].lower() != "and" or bool(re.search(rf"\bbetween\s+{_CASH}", before, re.I))


def _figure(text: str, group: Sequence[Quantity], words: Sequence[Word]) -> Figure | None:
    """Return what a group says; None where it is an ordinal, a version, a decade, or ambiguous."""
    first, last = group[0], group[-1]
    kind: FigureKind
    if first.kind == "date" or first.year:
        kind = "date"
    elif first.kind in {"number", "percent", "time"}:
        kind = "time" if first.kind == "time" else "percent" if last.kind == "percent" else "number"
    else:
        return None
    reach = (0.0, 0.0) if kind == "date" else _reach(text, group)
    if reach is None:
        return None
    measure, size = _MEASURES.get(last.unit, (last.unit, 1.0))
    end = _end(text, last)
    change = _CHANGE.search(text[: first.start])
    rate = _RATE.match(text[end:])
    return Figure(
        kind=kind,
        measure=measure,
        low=reach[0] * size,
        high=reach[1] * size,
        grain=size * _grain(first) if kind in {"number", "percent"} and len(group) == 1 else 0.0,
        unit=last.unit,
        year=next((_value(one) for one in group if one.year), None),
        days=frozenset(str(v) for one in group if one.kind == "date" for v in one.values),
        printed=text[first.start : max(end, last.start + len(last.printed))].strip(),
        spans=((first.start, end),),
        counted=last.counted - {word.stem for word in words if first.start <= word.start < end},
        before=tuple(w.stem for w in reversed(words) if w.end <= first.start)[:_NEAR],
        after=tuple(w.stem for w in words if w.start >= end)[:_NEAR],
        change=change[1].lower() if change and kind != "date" else "",
        rate=(rate[1] or rate[2]).lower() if rate and kind in {"number", "percent"} else "",
    )


def _value(one: Quantity) -> float | None:
    """Return what a number says, if that is one thing."""
    value = next(iter(one.values)) if len(one.values) == 1 else None
    return value if isinstance(value, float) else None


def _reach(text: str, group: Sequence[Quantity]) -> tuple[float, float] | None:
    """Return the least and the most that a number or a range may stand for; None where it is ambiguous."""
    values = [value for one in group if (value := _value(one)) is not None]
    if len(values) < len(group):
        return None
    low, high = min(values), max(values)
    first, last = group[0], group[-1]
    before, after = text[: first.start], text[last.start + len(last.printed) :]
    if _ABOUT.search(before):
        return low - ABOUT * abs(low), high + ABOUT * abs(high)
    if first.bound > 0 or _OR_MORE.match(after):
        return low, inf
    if first.bound < 0 or _OR_LESS.match(after):
        return -inf, high
    return low, high


def _grain(one: Quantity) -> float:
    """Return the unit of a number's last digit that may be more than filling."""
    value = abs(_value(one) or 0.0)
    decimals = re.search(r"[.,](\d{1,2})(?!\d)", one.printed)
    if value % 1 or (decimals and value < _ROUND_FROM):
        return 10.0 ** -len(f"{value:.10g}".partition(".")[2])
    if value < _ROUND_FROM:
        return 1.0
    digits = f"{value:.0f}"
    return 10.0 ** (len(digits) - len(digits.rstrip("0")))


def _end(text: str, last: Quantity) -> int:
    """Return where a figure with its unit ends."""
    end = last.start + len(last.printed)
    if last.unit and not last.printed.startswith(last.unit):
        unit = re.compile(r"[\s-]*[^\W\d_]+(?:/[^\W\d_]+)?").match(text, end)
        return unit.end() if unit else end
    return end
