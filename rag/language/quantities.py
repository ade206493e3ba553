"""Numbers of a text as facts: digits or words, dates, times, percentages, units, ranges, and what is counted.

One reader, and two policies. Strictly (`Quantity.says`, for what a claim rests on) two numbers are the same where value
and kind are, in whatever unit, and units, bounds and what is counted do not contradict each other; nothing is rounded
but what calls itself rounded. Approximately (`Quantity.agrees`, for what contradicts) two are the same where both can
be true of one thing: bounds, ranges, rounding and conversion leave that open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import inf, isclose
from typing import Literal

from rag.language.dates import ANY_MONTH, MONTH, MONTHS, day_of_year
from rag.language.english import FUNCTION_WORDS
from rag.language.units import MEASURES, METRIC, SHORT_UNITS, UNITS
from rag.language.words import fold, word_set, words_of

Kind = Literal["number", "percent", "ordinal", "date", "time", "version"]

MOST_ROUNDED = 0.05
"""Part of a number by which it may be off where another is less round."""
ABOUT = 0.1
"""Part of a number by which it may be off where it is called approximate."""
CONVERTED = 0.02
"""Part of a number that may be lost where it was converted into another unit."""
_ROUND_FROM = 1000
"""From here on zeros at the end may be a rounding; 40 is not 41."""
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SCALE = {
    "hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "mn": 10**6, "bn": 10**9, "tn": 10**12, "k": 10**3,
}  # fmt: skip
NUMBER_WORDS = tuple(sorted((*_SMALL, *_SCALE), key=len, reverse=True))
"""Of which numbers in words are made."""
_NTHS = (
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth", "twentieth",
)  # fmt: skip
_ORDINALS = {word: value for value, word in enumerate(_NTHS, start=2)}
_NUMERAL = (
    r"\d{1,3}(?:[,'’\u00a0\u2009\u202f ]\d{3})+(?![\d])(?:\.\d+)?"  # 10,000.5 and 10 000
    r"|\d{1,3}(?:\.\d{3}){2,}(?!\d)|\d{1,3}\.000(?!\d)"  # 1.000.000, as much of Europe writes it
    r"|\d+(?:[.,]\d+)?"
)
_CAPITAL = MONTH.removeprefix("(?:").removesuffix(")").replace("May|", "")
_WORDED = "|".join(sorted((*_SMALL, "a", "an", "half"), key=len, reverse=True))
_SCALES = "hundred|dozen|thousand|million|billion|trillion"
_TOKEN = re.compile(
    rf"""
      (?P<iso>(?<!\d)(?P<iso_y>\d{{4}})-(?P<iso_m>\d{{1,2}})-(?P<iso_d>\d{{1,2}})(?!\d))
    | (?P<slash>(?<![\d/])(?P<sl_a>\d{{1,2}})[/.](?P<sl_b>\d{{1,2}})[/.](?P<sl_y>\d{{4}})(?!\d))
    | (?P<mdy>\b(?P<md_m>{ANY_MONTH})\.?\s+(?P<md_d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w]|[.,:]\d))
    | (?P<dmy>(?<![\w.,])(?P<dm_d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<dm_m>{ANY_MONTH})\b)
    | (?P<month>\b(?-i:{_CAPITAL})\b
        |(?:(?<=\bin\s)|(?<=since\s)|(?<=until\s)|(?<=\bby\s)|(?<=\bof\s)|(?<=last\s)|(?<=next\s)|(?<=early\s)
        |(?<=late\s)|(?<=from\s)|(?<=mid-))(?-i:May)\b|\b(?-i:May)(?=,?\s\d{{4}}\b))
    | (?P<time>(?<![\w.,:])(?P<t_h>\d{{1,2}})(?::(?P<t_m>[0-5]\d))?\s?(?P<t_x>[ap]\.?m\b\.?))
    | (?P<clock>(?<![\w.,:])(?P<c_h>\d{{1,2}}):(?P<c_m>[0-5]\d)(?![\d:]))
    | (?P<version>(?<![\w.,])(?!\d{{1,3}}(?:\.\d{{3}}){{2,}}(?!\d))v?\d+(?:\.\d+){{2,}}(?![\d]))
    | (?P<digits>(?<![\w])(?<!\d[.,])(?P<sign>(?<![^\s(])(?<!\d\s)[-−–])?(?:(?P<cash>(?:us)?\$|[€£¥₹])\s?)?
        (?P<value>{_NUMERAL})(?P<suffix>(?:st|nd|rd|th|s|k|m|mn|bn|tn)(?![^\W\d_]))?)
    | (?P<worded>\b(?:{_WORDED})\b(?:(?:\s+|-)(?:and\s+)?(?:{_WORDED}|{_SCALES})\b)*)
    | (?P<nth>\b(?:{"|".join(_ORDINALS)})\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_AFTER = re.compile(
    rf"[\s-]*(?P<scale>(?:{_SCALES})\b)?[\s-]*(?P<percent>%|٪|percent(?:age)?\b|per\s+cent\b|pct\b)?[\s-]*"
    r"(?P<unit>[a-zé/]+\b|[€£¥$])?",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    r"(?:(?<!no )more than|over|above|at least|exceed(?:s|ed|ing)?|upwards? of|no (?:fewer|less) than"
    r"|greater than|beyond)\s*$",
    re.IGNORECASE,
)
_BELOW = re.compile(
    r"(?:(?<!no )(?:fewer|less) than|under|below|at most|nearly|almost|up to|no more than|not more than"
    r"|short of)\s*$",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"[,;:()\[\].!?]|\b(?:and|or|but|in|on|of|from|to|by|with|at|for)\b", re.IGNORECASE
)
_YEAR = re.compile(r"1\d{3}|2[01]\d{2}")
_YEARLY = re.compile(
    rf"(?:\b(?:in|since|by|until|till|from|of|before|after|during|to|and|early|late|mid|year|spring|summer"
    rf"|autumn|fall|winter|circa|around|{ANY_MONTH})|\d|[(\-–/,.])\s*$",
    re.IGNORECASE,
)
_COUNTED = 3
_LOOK_BACK = 24
_CASH = r"(?:us)?[$€£¥₹]?\s*$"
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|some|circa|ca\.|nearly|almost|close to|an? estimated"
    rf"|estimated at|an average of)|[~≈±])\s*{_CASH}",
    re.IGNORECASE,
)
_OR_MORE = re.compile(r"\W*(?:or (?:more|so)\b|plus\b|\+|and (?:more|above)\b)", re.IGNORECASE)
_OR_LESS = re.compile(r"\W*or (?:less|fewer)\b", re.IGNORECASE)
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
_SHORT = re.compile(rf"[ \u00a0\u202f]({'|'.join(SHORT_UNITS)})(?![\w'’²³/])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number of a text, a range, or a date."""

    kind: Kind
    values: frozenset[float | str]
    """What it may mean, in its unit: one value, or several where the writing is ambiguous (`5m`, `03/04/2024`)."""
    printed: str
    start: int
    end: int
    also: frozenset[float | str] = frozenset()
    """What it says besides: a day says its month."""
    unit: str = ""
    bound: int = 0
    """1 for "over", -1 for "under", 0 for neither."""
    about: bool = False
    """Whether it calls itself approximate."""
    counted: frozenset[str] = frozenset()
    """Stems of the words that follow: what there are so many of."""
    year: bool = False
    """Whether it stands as a year does: 1000 to 2199, plain, behind "in" or the like."""
    vague: bool = False
    """`one` without a unit, `an hour`: hardly a fact by itself, though it may contradict one."""
    low: float = 0.0
    """In the smallest unit of its measure; with `high`, what it may stand for approximately."""
    high: float = 0.0
    grain: float = 0.0
    """The unit of its last digit that may be more than filling, likewise; 0 where another need not be less round."""
    dated: float | None = None
    """The year of a date that has one."""

    @property
    def measure(self) -> str:
        """What it is measured in: a dimension, a currency, or nothing."""
        return MEASURES.get(self.unit, ("", 1.0))[0]

    @property
    def size(self) -> float:
        """How many of the smallest unit its unit is."""
        return MEASURES.get(self.unit, ("", 1.0))[1]

    @property
    def value(self) -> float | None:
        """What it says, in its unit, if that is one number."""
        value = next(iter(self.values)) if len(self.values) == 1 else None
        return value if isinstance(value, float) else None

    def says(self, claimed: Quantity) -> bool:
        """Tell whether this is what is claimed, or says it besides: the strict policy."""
        if self.kind != claimed.kind or self.bound * claimed.bound < 0:
            return False
        if self.unit and claimed.unit and self.measure != claimed.measure:
            return False
        converted = self.unit != claimed.unit and bool(self.unit and claimed.unit)
        if not converted and (self.values | self.also) & claimed.values:
            return True
        return self._comes_to(claimed, converted=converted)

    def agrees(self, other: Quantity) -> bool:
        """Tell whether both can be true of one thing: the approximate policy."""
        if (self.kind, self.measure) != (other.kind, other.measure):
            return False
        if self.kind == "date":
            return self._same_date(other)
        if self.kind == "time" and isclose(abs(self.low - other.low), 720):
            return True
        slack = CONVERTED * min(self.high, other.high) if self.unit != other.unit else 0.0
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low <= high + slack or self._rounds(other)

    def _comes_to(self, claimed: Quantity, *, converted: bool) -> bool:
        """Tell whether this is the claimed number in another unit, or one that it is the rounding or the bound of."""
        if self.value is None or claimed.value is None or self.year or claimed.year:
            return False
        size = claimed.size if self.unit else self.size or 1.0
        ours, theirs = self.value * (self.size if self.unit else size), claimed.value * size
        if converted:
            exact = {self.unit, claimed.unit} <= METRIC or self.measure in {
                "duration",
                "age",
                "data",
            }
            if isclose(ours, theirs) or (
                not exact and abs(ours - theirs) <= size * _last_place(claimed) / 2
            ):
                return True
        round_to = size * _last_place(claimed, zeros=True)
        if claimed.about and not claimed.bound:
            return abs(ours - theirs) <= min(round_to / 2, MOST_ROUNDED * abs(theirs))
        return (
            bool(claimed.bound)
            and not self.bound
            and 0 <= claimed.bound * (ours - theirs) < round_to
        )

    def _same_date(self, other: Quantity) -> bool:
        if self.dated is not None and other.dated is not None and self.dated != other.dated:
            return False
        ours, theirs = _days(self), _days(other)
        if not ours or not theirs:
            return (self.dated is None) == (other.dated is None) or self.dated == other.dated
        months = {day.partition("/")[0] for day in ours | theirs}
        whole = all("/" in day for day in ours | theirs)
        return bool(ours & theirs) if whole else len(months) == 1

    def _rounds(self, other: Quantity) -> bool:
        """Tell whether the rounder of two exact numbers is the other one, rounded."""
        rough, fine = sorted((self, other), key=lambda one: -one.grain)
        if rough.grain == fine.grain:
            return False
        reach = min(rough.grain / 2, MOST_ROUNDED * abs(rough.low))
        return rough.low - reach <= fine.high and fine.low <= rough.high + reach


@lru_cache(maxsize=128)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Return every number of the text by itself, in order; the ends of a range share unit and scale."""
    found: list[Quantity] = []
    for match in _TOKEN.finditer(text):
        found.extend(_read(match))
    placed = [
        _in_context(one, text, found[i + 1].start if i + 1 < len(found) else len(text))
        for i, one in enumerate(found)
    ]
    for i, (first, last) in enumerate(pairwise(placed)):
        if _spans(text, first, last):
            placed[i] = _as_the_other_end(first, last)
            placed[i + 1] = replace(last, unit=last.unit or first.unit)
    return tuple(one for one in placed if one.unit or one.printed.lower() not in {"a", "an"})


@lru_cache(maxsize=128)
def amounts(text: str) -> tuple[Quantity, ...]:
    """Return dates, ranges and amounts as wholes, in order, with what they may stand for.

    Names with numbers, ordinals, versions, decades, and what may mean several things are left out.
    """
    found = [one for one in quantities(text) if not one.vague and not _names(text, one)]
    groups: list[list[Quantity]] = []
    for one in found:
        if groups and len(groups[-1]) == 1 and _belongs(text, groups[-1][0], one):
            groups[-1].append(one)
        else:
            groups.append([one])
    whole = (_whole(text, group) for group in groups)
    return tuple(one for one in whole if one is not None)


def names_with_numbers(text: str) -> frozenset[str]:
    """Return the numbers of a sentence that name something, as printed, and its ordinals."""
    return frozenset(
        one.printed.lower()
        for one in quantities(text)
        if one.kind == "ordinal" or _names(text, one)
    )


def missing_numbers(claim: str, quotes: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers of the claim, as printed, that the quotes do not say or say otherwise."""
    known = distinct(one for quote in quotes for one in quantities(quote))
    return tuple(
        wanted.printed
        for wanted in distinct(quantities(claim))
        if _counted_otherwise(wanted, known)
        or not (wanted.vague or any(one.says(wanted) for one in known))
    )


def rivals(claim: str, quote: str) -> bool:
    """Tell whether the quote gives a figure of the same kind in place of one that it lacks."""
    theirs, ours = distinct(quantities(quote)), distinct(quantities(claim))
    lacking = {_sort(one) for one in ours if not any(other.says(one) for other in theirs)}
    spare = {_sort(one) for one in theirs if not any(one.says(other) for other in ours)}
    return bool(lacking & spare - {None})


def distinct(found: Iterable[Quantity]) -> tuple[Quantity, ...]:
    """Return the first of all numbers that say the same of the same."""
    first: dict[object, Quantity] = {}
    for one in found:
        first.setdefault((one.kind, one.values, one.unit, one.bound, one.counted), one)
    return tuple(first.values())


def _sort(one: Quantity) -> tuple[Kind, bool] | None:
    """Return what a number competes with: its kind, years apart; None where it is hardly one."""
    return None if one.vague else (one.kind, one.year)


def _counted_otherwise(wanted: Quantity, known: Sequence[Quantity]) -> bool:
    """Tell whether what the claim counts is counted in the quotes, but never so many."""
    rival = False
    if wanted.year:
        return False
    for one in known:
        if one.kind == wanted.kind and not one.year and one.counted & wanted.counted:
            if one.says(wanted):
                return False
            rival = True
    return rival


def _read(match: re.Match[str]) -> Iterator[Quantity]:
    """Yield what one match of `_TOKEN` says."""
    if match["iso"] or match["slash"] or match["mdy"] or match["dmy"] or match["month"]:
        yield from _dated(match)
    elif match["time"] or match["clock"]:
        yield _time(match)
    elif match["version"]:
        yield _plain(match, "version", match.group().lower().removeprefix("v"))
    elif match["nth"]:
        yield _plain(match, "ordinal", float(_ORDINALS[match.group().lower()]))
    elif match["digits"]:
        yield _digits(match)
    else:
        yield from _worded(match)


def _plain(match: re.Match[str], kind: Kind, *values: float | str) -> Quantity:
    """Return what a match says, with nothing about its context."""
    return Quantity(
        kind=kind,
        values=frozenset(values),
        printed=match.group(),
        start=match.start(),
        end=match.end(),
    )


def _dated(match: re.Match[str]) -> Iterator[Quantity]:
    """Yield a day, and the year where it stands with it; or a month."""
    if match["iso"]:
        days, year = [day_of_year(match["iso_m"], match["iso_d"])], match["iso_y"]
    elif match["slash"]:
        first, second = match["sl_a"], match["sl_b"]
        days, year = [day_of_year(first, second), day_of_year(second, first)], match["sl_y"]
    elif match["mdy"]:
        days, year = [day_of_year(MONTHS[match["md_m"].lower()], match["md_d"])], ""
    elif match["dmy"]:
        days, year = [day_of_year(MONTHS[match["dm_m"].lower()], match["dm_d"])], ""
    else:
        days, year = [str(MONTHS[match.group().lower()])], ""
    known = [day for day in days if day]
    if known:
        months = frozenset(day.partition("/")[0] for day in known)
        yield replace(_plain(match, "date", *known), also=months)
    if year:
        yield replace(_plain(match, "number", float(year)), year=True)


def _time(match: re.Match[str]) -> Quantity:
    """Return a time of day, in minutes."""
    if match["time"]:
        afternoon = match["t_x"].lower().startswith("p")
        hour, minute = int(match["t_h"]) % 12 + 12 * afternoon, int(match["t_m"] or 0)
    else:
        hour, minute = int(match["c_h"]), int(match["c_m"])
    return _plain(match, "time", float(60 * hour + minute))


def _digits(match: re.Match[str]) -> Quantity:
    value = _float(match["value"])
    if match["sign"]:
        value = -value
    suffix = (match["suffix"] or "").lower()
    kind: Kind = "number"
    values: set[float | str] = {value}
    unit = UNITS.get((match["cash"] or "").lower(), "")
    if suffix in {"st", "nd", "rd", "th"}:
        kind = "ordinal"
    elif suffix == "s":
        values = {f"{value:g}s"}
    elif suffix == "m":
        values = {value, value * 10**6}
    elif suffix:
        values = {value * _SCALE[suffix]}
    return replace(_plain(match, kind, *values), printed=match.group().strip(), unit=unit)


def _float(numeral: str) -> float:
    """Read digits with separators: groups of three are thousands, what else follows a mark are decimals."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}|\d{1,3}\.000", numeral):
        return float(numeral.replace(".", ""))
    if re.match(r"\d{1,3}(?:[,'’\u00a0\u2009\u202f ]\d{3})+(?!\d)", numeral):
        return float(re.sub(r"[,'’\u00a0\u2009\u202f ]", "", numeral))
    return float(numeral.replace(",", "."))


def _worded(match: re.Match[str]) -> Iterator[Quantity]:
    """Yield a number written in words: an article too, which is a number before a unit."""
    words = [word for word in re.split(r"[\s-]+", match.group().lower()) if word != "and"]
    if words in (["half"], ["a", "half"]):
        return
    total, part = 0.0, 0.0
    for i, word in enumerate(words):
        if word in _SMALL:
            part += _SMALL[word]
        elif word in {"a", "an"}:
            part += "half" not in words[max(i - 1, 0) : i + 2]
        elif word == "half":
            part += 0.5
        elif _SCALE[word] <= 100:
            part = (part or 1) * _SCALE[word]
        else:
            total, part = total + (part or 1) * _SCALE[word], 0.0
    yield replace(
        _plain(match, "number", total + part), vague=len(words) == 1 and total + part == 1
    )


def _in_context(one: Quantity, text: str, stop: int) -> Quantity:
    """Add what stands around a number: its scale, unit, percent sign, bound, and what is counted."""
    if one.kind not in {"number", "ordinal"}:
        return one
    before = text[max(0, one.start - _LOOK_BACK) : one.start]
    about = bool(_ABOUT.search(before))
    bound = 1 if _ABOVE.search(before) else -1 if _BELOW.search(before) else 0
    after = _AFTER.match(text, one.end)
    if after is None or one.kind == "ordinal":
        return replace(one, bound=bound, about=about, counted=_counted(text[one.end : stop]))
    if _YEAR.fullmatch(one.printed) and _YEARLY.search(before) and not after["scale"]:
        return replace(one, year=True)
    scale = _SCALE.get((after["scale"] or "").lower(), 1)
    unit = one.unit or UNITS.get((after["unit"] or "").lower(), "") or _short_unit(text, one)
    return replace(
        one,
        kind="percent" if after["percent"] else one.kind,
        values=frozenset(v * scale if isinstance(v, float) else v for v in one.values),
        printed=text[one.start : max(after.end("scale"), after.end("percent"), one.end)].strip(),
        unit=unit,
        vague=one.vague and (unit in {"", "day"} or one.printed.lower() != "one"),
        bound=bound,
        about=about,
        counted=_counted(text[max(after.end("scale"), after.end("percent"), one.end) : stop]),
    )


def _counted(after: str) -> frozenset[str]:
    """Return the stems of the next few content words, as far as the phrase goes."""
    stop = _BREAK.search(after)
    phrase = after[: stop.start()] if stop else after
    stems = [word.stem for word in words_of(phrase) if word.content]
    return frozenset(stems[:_COUNTED])


def _short_unit(text: str, one: Quantity) -> str:
    """Return the unit of one letter behind a number and a space."""
    short = _SHORT.match(text, one.end)
    return SHORT_UNITS[short[1]] if short and one.kind == "number" else ""


def _spans(text: str, first: Quantity, last: Quantity) -> bool:
    """Tell whether two numbers are the ends of a range: 10-20, 10 to 20, between 10 and 20."""
    kinds = {first.kind, last.kind}
    if first.year or last.year or not (len(kinds) == 1 or kinds == {"number", "percent"}):
        return False
    joint = _REACH.fullmatch(
        text, first.start + len(first.printed), last.start
    ) or _REACH.fullmatch(text, _end(text, first), last.start)
    before = text[: first.start]
    if joint is None or "date" in kinds or re.search(rf"\bfrom\s+{_CASH}", before, re.IGNORECASE):
        return False
    return joint[1].lower() != "and" or bool(re.search(rf"\bbetween\s+{_CASH}", before, re.I))


def _as_the_other_end(first: Quantity, last: Quantity) -> Quantity:
    """Return the lower end of a range with unit, scale and percent sign of the upper: $3-5 million."""
    if first.kind == "number" and last.kind == "percent":
        first = replace(first, kind="percent")
    scale = re.search(rf"\b(?:{_SCALES})$", last.printed, re.IGNORECASE)
    if scale and not re.search(rf"(?:{_SCALES})$", first.printed, re.IGNORECASE):
        factor = _SCALE[scale[0].lower()]
        first = replace(
            first, values=frozenset(v * factor if isinstance(v, float) else v for v in first.values)
        )
    return replace(first, unit=first.unit or last.unit, counted=first.counted or last.counted)


def _belongs(text: str, one: Quantity, other: Quantity) -> bool:
    """Tell whether two quantities are one: day and year of a date, the ends of a range."""
    if {one.kind == "date" or one.year, other.kind == "date" or other.year} == {True}:
        return one.year != other.year and bool(_PARTS.fullmatch(text, one.end, other.start))
    return _spans(text, one, other)


def _names(text: str, one: Quantity) -> bool:
    """Tell whether a number is part of a name; a month before it makes it a date."""
    if one.kind == "version":
        return True
    if one.kind != "number" or one.year or one.unit or not one.printed[0].isdigit():
        return False
    first = _FIRST.fullmatch(text, 0, one.start)
    if first and fold(first[1]) not in FUNCTION_WORDS | _AMOUNTS:
        return True
    return bool(_LABEL.search(text[: one.start]) or _YEAR_OF_NAME.match(text, one.start))


def _whole(text: str, group: Sequence[Quantity]) -> Quantity | None:
    """Return a group as one; None where it is an ordinal, a decade, or ambiguous."""
    first, last = group[0], group[-1]
    end = _end(text, last)
    inside = {word.stem for word in words_of(text) if first.start <= word.start < end}
    placed = replace(
        last,
        start=first.start,
        end=end,
        counted=last.counted - inside,
        printed=text[first.start : max(end, last.start + len(last.printed))].strip(),
    )
    if first.kind == "date" or first.year:
        days = frozenset(str(v) for one in group if one.kind == "date" for v in one.values)
        year = next((one.value for one in group if one.year), None)
        return replace(placed, kind="date", values=days, dated=year, year=False, unit="")
    reach = _reach(text, group)
    if first.kind not in {"number", "percent", "time"} or reach is None:
        return None
    size = last.size
    grain = size * _last_place(first) if len(group) == 1 and first.kind != "time" else 0.0
    return replace(placed, low=reach[0] * size, high=reach[1] * size, grain=grain)


def _days(one: Quantity) -> set[str]:
    return {str(value) for value in one.values}


def _reach(text: str, group: Sequence[Quantity]) -> tuple[float, float] | None:
    """Return the least and the most that a number or a range may stand for; None where it is ambiguous."""
    values = [one.value for one in group if one.value is not None]
    if len(values) < len(group):
        return None
    low, high = min(values), max(values)
    first, last = group[0], group[-1]
    after = text[last.start + len(last.printed) :]
    if first.about:
        return low - ABOUT * abs(low), high + ABOUT * abs(high)
    if first.bound > 0 or _OR_MORE.match(after):
        return low, inf
    if first.bound < 0 or _OR_LESS.match(after):
        return -inf, high
    return low, high


def _last_place(one: Quantity, *, zeros: bool = False) -> float:
    """Return the unit of a number's last digit that may be more than filling; `zeros` also below a thousand."""
    value = abs(one.value or 0.0)
    decimals = re.search(r"[.,](\d{1,2})(?!\d)", one.printed)
    if value % 1 or (decimals and value < _ROUND_FROM):
        return 10.0 ** -len(f"{value:.10g}".partition(".")[2])
    if not value or (value < _ROUND_FROM and not zeros):
        return 1.0
    digits = f"{value:.0f}"
    return 10.0 ** (len(digits) - len(digits.rstrip("0")))


def _end(text: str, one: Quantity) -> int:
    """Return where a number with its unit ends."""
    end = one.start + len(one.printed)
    if one.unit and not one.printed.lower().startswith((one.unit, "us")):
        unit = re.compile(r"[\s-]*[^\W\d_]+(?:/[^\W\d_]+)?").match(text, end)
        return unit.end() if unit else end
    return end
