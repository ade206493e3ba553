"""Numbers as facts: digits or words, dates, times, percentages, units, and what is counted.

Two texts say the same number when value and kind agree, units and bounds do not contradict each
other, and the thing counted is not counted otherwise. Nothing is rounded: a number that differs is
another number. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from rag.language.words import words_of

Kind = Literal["number", "percent", "ordinal", "date", "time", "version"]

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
_NTHS = (
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth", "twentieth",
)  # fmt: skip
_ORDINALS = {word: value for value, word in enumerate(_NTHS, start=2)}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sept sep", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_UNITS = {
    name: unit
    for unit, names in {
        "$": "$ us$ usd dollar dollars", "€": "€ eur euro euros", "£": "£ gbp", "¥": "¥ yen", "₹": "₹ rupee rupees",
        "km": "km kilometre kilometres kilometer kilometers", "mile": "mile miles", "mm": "mm millimetre millimeters",
        "m": "metre metres meter meters", "cm": "cm centimetre centimetres centimeter centimeters",
        "ft": "ft foot feet", "in": "inch inches", "kg": "kg kilogram kilograms", "g": "gram grams",
        "t": "ton tons tonne tonnes", "l": "litre litres liter liters", "hour": "hour hours hr hrs",
        "minute": "minute minutes min mins", "second": "seconds sec secs", "day": "day days",
        "week": "week weeks", "month": "month months", "year": "year years yr yrs", "decade": "decade decades",
        "century": "century centuries", "mph": "mph", "km/h": "kmh km/h", "gb": "gb gigabyte gigabytes",
        "mb": "mb megabyte megabytes",
    }.items()
    for name in names.split()
}  # fmt: skip

_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NUMERAL = (
    r"\d{1,3}(?:[,'’\u00a0\u2009\u202f ]\d{3})+(?![\d])(?:\.\d+)?"  # 10,000.5 and 10 000
    r"|\d{1,3}(?:\.\d{3}){2,}(?!\d)|\d{1,3}\.000(?!\d)"  # 1.000.000, as much of Europe writes it
    r"|\d+(?:[.,]\d+)?"
)
_WORDED = "|".join(sorted((*_SMALL, "a", "an"), key=len, reverse=True))
_SCALES = "hundred|dozen|thousand|million|billion|trillion"
_TOKEN = re.compile(
    rf"""
      (?P<iso>(?<!\d)(?P<iso_y>\d{{4}})-(?P<iso_m>\d{{1,2}})-(?P<iso_d>\d{{1,2}})(?!\d))
    | (?P<slash>(?<![\d/])(?P<sl_a>\d{{1,2}})[/.](?P<sl_b>\d{{1,2}})[/.](?P<sl_y>\d{{4}})(?!\d))
    | (?P<mdy>\b(?P<md_m>{_MONTH})\.?\s+(?P<md_d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w]|[.,:]\d))
    | (?P<dmy>(?<![\w.,])(?P<dm_d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<dm_m>{_MONTH})\b)
    | (?P<month>\b(?-i:January|February|March|April|June|July|August|September|October|November|December)\b
        |(?:(?<=\bin\s)|(?<=since\s)|(?<=until\s)|(?<=\bby\s)|(?<=\bof\s)|(?<=last\s)|(?<=next\s)|(?<=early\s)
        |(?<=late\s)|(?<=from\s)|(?<=mid-))(?-i:May)\b|\b(?-i:May)(?=,?\s\d{{4}}\b))
    | (?P<time>(?<![\w.,:])(?P<t_h>\d{{1,2}})(?::(?P<t_m>[0-5]\d))?\s?(?P<t_x>[ap]\.?m\b\.?))
    | (?P<clock>(?<![\w.,:])(?P<c_h>\d{{1,2}}):(?P<c_m>[0-5]\d)(?![\d:]))
    | (?P<version>(?<![\w.,])(?!\d{{1,3}}(?:\.\d{{3}}){{2,}}(?!\d))v?\d+(?:\.\d+){{2,}}(?![\d]))
    | (?P<digits>(?<![\w])(?<!\d[.,])(?P<sign>(?<![^\s(])[-−–])?(?:(?P<cash>(?:us)?\$|[€£¥₹])\s?)?(?P<value>{_NUMERAL})
        (?P<suffix>(?:st|nd|rd|th|s|k|m|mn|bn|tn)(?![^\W\d_]))?)
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
    rf"|autumn|fall|winter|circa|around|{_MONTH})|\d|[(\-–/,.])\s*$",
    re.IGNORECASE,
)
_COUNTED = 3
_LOOK_BACK = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One number of a text."""

    kind: Kind
    values: frozenset[float | str]
    """What it may mean: one value, or several where the writing is ambiguous (`5m`, `03/04/2024`)."""
    printed: str
    start: int
    end: int
    also: frozenset[float | str] = frozenset()
    """What it says besides: a day says its month."""
    unit: str = ""
    bound: int = 0
    """1 for "over", -1 for "under", 0 for neither."""
    counted: frozenset[str] = frozenset()
    """Stems of the words that follow: what there are so many of."""
    year: bool = False
    """Whether it stands as a year does: 1000 to 2199, plain, behind "in" or the like."""
    vague: bool = False
    """`one` in words: hardly a fact by itself, though it may contradict one."""

    def says(self, other: Quantity) -> bool:
        """Tell whether this can be the other number, or says it besides."""
        return (
            self.kind == other.kind
            and bool((self.values | self.also) & other.values)
            and (not self.unit or not other.unit or self.unit == other.unit)
            and self.bound * other.bound >= 0
        )


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Return every number of the text, in order."""
    found: list[Quantity] = []
    for match in _TOKEN.finditer(text):
        found.extend(_read(match))
    return tuple(
        _in_context(one, text, found[i + 1].start if i + 1 < len(found) else len(text))
        for i, one in enumerate(found)
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
        days, year = [_day(match["iso_m"], match["iso_d"])], match["iso_y"]
    elif match["slash"]:
        first, second = match["sl_a"], match["sl_b"]
        days, year = [_day(first, second), _day(second, first)], match["sl_y"]
    elif match["mdy"]:
        days, year = [_day(_MONTHS[match["md_m"].lower()], match["md_d"])], ""
    elif match["dmy"]:
        days, year = [_day(_MONTHS[match["dm_m"].lower()], match["dm_d"])], ""
    else:
        days, year = [str(_MONTHS[match.group().lower()])], ""
    known = [day for day in days if day]
    if known:
        months = frozenset(day.partition("/")[0] for day in known)
        yield replace(_plain(match, "date", *known), also=months)
    if year:
        yield replace(_plain(match, "number", float(year)), year=True)


def _day(month: int | str, day: int | str) -> str:
    """Return month and day as one value; the empty string where there is no such day."""
    return f"{int(month)}/{int(day)}" if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else ""


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
    unit = _UNITS.get((match["cash"] or "").lower(), "")
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
    """Yield a number written in words, unless it is only an article."""
    words = [word for word in re.split(r"[\s-]+", match.group().lower()) if word != "and"]
    if words[0] in {"a", "an"} and len(words) == 1:
        return
    total, part = 0.0, 0.0
    for word in words:
        if word in _SMALL:
            part += _SMALL[word]
        elif word in {"a", "an"}:
            part += 1
        elif _SCALE[word] <= 100:
            part = max(part, 1) * _SCALE[word]
        else:
            total, part = total + max(part, 1) * _SCALE[word], 0.0
    yield replace(_plain(match, "number", total + part), vague=words == ["one"])


def _in_context(one: Quantity, text: str, stop: int) -> Quantity:
    """Add what stands around a number: its scale, unit, percent sign, bound, and what is counted."""
    if one.kind not in {"number", "ordinal"}:
        return one
    before = text[max(0, one.start - _LOOK_BACK) : one.start]
    bound = 1 if _ABOVE.search(before) else -1 if _BELOW.search(before) else 0
    after = _AFTER.match(text, one.end)
    if after is None or one.kind == "ordinal":
        return replace(one, bound=bound, counted=_counted(text[one.end : stop]))
    if _YEAR.fullmatch(one.printed) and _YEARLY.search(before) and not after["scale"]:
        return replace(one, year=True)
    scale = _SCALE.get((after["scale"] or "").lower(), 1)
    unit = one.unit or _UNITS.get((after["unit"] or "").lower(), "")
    return replace(
        one,
        kind="percent" if after["percent"] else one.kind,
        values=frozenset(v * scale if isinstance(v, float) else v for v in one.values),
        printed=text[one.start : max(after.end("scale"), after.end("percent"), one.end)].strip(),
        unit=unit,
        bound=bound,
        counted=_counted(text[max(after.end("scale"), after.end("percent"), one.end) : stop]),
    )


def _counted(after: str) -> frozenset[str]:
    """Return the stems of the next few content words, as far as the phrase goes."""
    stop = _BREAK.search(after)
    phrase = after[: stop.start()] if stop else after
    stems = [word.stem for word in words_of(phrase) if word.content]
    return frozenset(stems[:_COUNTED])
