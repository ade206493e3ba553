"""Does a number follow from others in one step? Sums, differences, products, shares, dates, times, counts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, permutations
from math import isclose

from rag.language.dates import Date, agree, dates_in
from rag.language.quantities import Quantity, quantities

MOST_OPERANDS = 24
"""Numbers that are tried with each other; with more of them anything can be hit by chance."""
_MOST_COUNTED = 20
_TWICE = re.compile(
    r"\b(?:each way|round[- ]trip|both ways|twice|double|there and back|return|half|halv\w+)\b",
    re.I,
)
_SHARED = re.compile(
    r"\b(?:average|mean|per|each|every|times|ratio|margin|share|rate|half|third|quarter)\b|%|percent",
    re.I,
)
_LIST = re.compile(
    r"[^\W\d_][\w'’.()\- ]*(?:,\s+(?:and\s+|or\s+)?[^\W\d_][\w'’.()\- ]*)+(?:,?\s+(?:and|or)\s+[^\W\d_][\w'’.()\- ]*)?"
)
_BETWEEN = re.compile(r",\s+(?:and\s+|or\s+)?|\s+(?:and|or)\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text whose numbers may be reckoned with."""

    text: str
    place: int
    """Of a sentence of the evidence; below 0 for the question and for the answer itself."""
    only: frozenset[str] | None = None
    """Numbers that count, as printed; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operand:
    number: Quantity
    place: int

    @property
    def amount(self) -> float:
        """In the smallest unit of its measure."""
        return (self.number.value or 0.0) * self.number.size


_Result = tuple[float, tuple[_Operand, ...], bool]
"""A value, what it came from, and whether it is exact."""


def derived(
    claim: str, wanted: Sequence[Quantity], texts: Sequence[Text]
) -> dict[str, frozenset[int]]:
    """Return which of the wanted numbers of a claim follow, and from which texts, by number as printed."""
    operands = _operands(texts)
    around = " ".join([claim, *(one.text for one in texts if one.place < 0)])
    found: dict[str, frozenset[int]] = {}
    days = _followed_dates(claim, [one for one in texts if one.only is None])
    for one in wanted:
        places = _reckoned(one, operands, around)
        if places is None and (one.kind == "date" or one.year):
            places = days
        if places is None:
            places = _spanned(one, claim, texts)
        if places is None:
            places = _counted(one, claim, texts)
        if places is not None:
            found[one.printed] = places
    return found


def _operands(texts: Sequence[Text]) -> list[_Operand]:
    found: list[_Operand] = []
    for text in texts:
        for one in quantities(text.text):
            if one.value is None or one.kind not in {"number", "percent", "time"} or one.year:
                continue
            if text.only is not None and one.printed not in text.only:
                continue
            if not any(
                one.value == other.number.value
                and one.unit == other.number.unit
                and one.kind == other.number.kind
                for other in found
            ):
                found.append(_Operand(number=one, place=text.place))
    return found[:MOST_OPERANDS]


def _reckoned(wanted: Quantity, operands: Sequence[_Operand], around: str) -> frozenset[int] | None:
    """Return the places of the numbers that a number follows from."""
    if wanted.value is None or wanted.year or wanted.kind not in {"number", "percent", "time"}:
        return None
    target, slack = wanted.value * wanted.size, _slack(wanted)
    for results in (_pairs(wanted, operands, around), _sums(wanted, operands)):
        for value, used, exact in results:
            if isclose(value, target, rel_tol=1e-9, abs_tol=1e-9 if exact else slack):
                return frozenset(one.place for one in used if one.place >= 0)
    return None


def _slack(wanted: Quantity) -> float:
    """Return by how much a number may be off that was rounded to the digits it is printed with."""
    digits = re.search(r"[.,](\d{1,2})(?!\d)", wanted.printed)
    place = 10.0 ** -len(digits[1]) if digits else 1.0
    scale = next(
        (
            size
            for word, size in (("thousand", 1e3), ("million", 1e6), ("billion", 1e9))
            if word in wanted.printed.lower()
        ),
        1.0,
    )
    return 0.5001 * place * scale * wanted.size


def _pairs(wanted: Quantity, operands: Sequence[_Operand], around: str) -> Iterator[_Result]:
    """Yield what two numbers come to: value, what was used, whether it is exact."""
    for one, other in permutations(operands, 2):
        kinds = {one.number.kind, other.number.kind}
        if "time" in {*kinds, wanted.kind}:
            yield from _clocked(wanted, one, other)
        elif wanted.kind == "percent":
            yield from _shares(one, other)
        elif other.number.kind == "percent":
            yield from _portions(wanted, one, other)
        elif kinds == {"number"}:
            yield from _plain(wanted, one, other, around)
    if _TWICE.search(around):
        for one in operands:
            if _alike(wanted, one.number):
                yield 2 * one.amount, (one,), True
                yield one.amount / 2, (one,), True


def _clocked(wanted: Quantity, one: _Operand, other: _Operand) -> Iterator[_Result]:
    """Yield a time moved by a duration, or the duration between two times."""
    first, second, used = one.number, other.number, (one, other)
    if first.kind != "time":
        return
    if wanted.kind == "time" and second.measure == "duration":
        minutes = other.amount / 60
        yield one.amount + minutes, used, True
        yield one.amount - minutes, used, True
    elif second.kind == "time" and wanted.measure == "duration":
        yield (one.amount - other.amount) * 60, used, True


def _shares(one: _Operand, other: _Operand) -> Iterator[_Result]:
    """Yield how many percent one number is of another, or differs from it."""
    a, b, used = one.amount, other.amount, (one, other)
    if one.number.kind != other.number.kind or not b:
        return
    yield 100 * a / b, used, False
    yield 100 * abs(a - b) / b, used, False
    if one.number.kind == "percent":
        yield a - b, used, True
        yield a + b, used, True


def _portions(wanted: Quantity, one: _Operand, other: _Operand) -> Iterator[_Result]:
    """Yield a number's share of some percent, and the number less and more by it."""
    if one.number.kind == "number" and _alike(wanted, one.number):
        share = other.amount / 100
        for factor in (share, 1 - share, 1 + share):
            yield one.amount * factor, (one, other), False


def _plain(wanted: Quantity, one: _Operand, other: _Operand, around: str) -> Iterator[_Result]:
    """Yield sum, difference, product and quotient of two amounts where their units allow it."""
    first, second, used = one.number, other.number, (one, other)
    a, b = one.amount, other.amount
    if _alike(wanted, first) and _alike(wanted, second) and _alike(first, second):
        yield a + b, used, True
        yield a - b, used, True
    if _alike(wanted, first) and not second.unit:
        yield a * b, used, True
        if b and _SHARED.search(around):
            yield a / b, used, False
    elif not wanted.unit and b and first.measure == second.measure and _SHARED.search(around):
        yield a / b, used, False


def _sums(wanted: Quantity, operands: Sequence[_Operand]) -> Iterator[_Result]:
    """Yield sums of three to six numbers of one unit."""
    addends = [
        one
        for one in operands
        if one.number.kind == wanted.kind and one.place >= 0 and _alike(one.number, wanted)
    ]
    if 3 <= len(addends) <= 8:
        for n in range(3, len(addends) + 1):
            for used in combinations(addends, n):
                yield sum(one.amount for one in used), used, True


def _alike(one: Quantity, other: Quantity) -> bool:
    """Tell whether two numbers are of one measure, as far as it is said."""
    return one.measure == other.measure or not one.unit or not other.unit


def _followed_dates(claim: str, texts: Sequence[Text]) -> frozenset[int] | None:
    """Return the places that a date of the claim follows from: another date and a span of time."""
    known = [(day, text.place) for text in texts for day in _whole_days(text.text)]
    spans = [(one, text.place) for text in texts for one in quantities(text.text) if _is_span(one)]
    for wanted in _whole_days(claim):
        if any(day == wanted for day, _ in known):
            continue
        for day, place in known:
            for span, other in spans:
                if any(_same_day(_moved(day, span, sign), wanted) for sign in (1, -1)):
                    return frozenset(at for at in (place, other) if at >= 0)
    return None


def _whole_days(text: str) -> list[Date]:
    return [day for day in dates_in(text) if day[1] and day[2]]


def _is_span(one: Quantity) -> bool:
    return one.kind == "number" and one.measure in {"duration", "age"} and one.value is not None


def _moved(day: Date, span: Quantity, sign: int) -> Date | None:
    """Return the day that is a span of time later or earlier; the last of its month where there is none such."""
    year, month, of_month = day
    if span.measure == "age":
        months = round((span.value or 0) * span.size) * sign
        at = (year or 2001) * 12 + month - 1 + months
        last = (date(at // 12 + (at % 12 == 11), (at + 1) % 12 + 1, 1) - timedelta(days=1)).day
        was = date(year or 2001, month, min(of_month, 28))
        ends = (was.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        to = last if of_month >= ends.day else min(of_month, last)
        return (at // 12 if year else 0, at % 12 + 1, to)
    days = (span.value or 0) * span.size / 86400
    if days % 1 or not 1 <= month <= 12 or (not of_month <= 28 and not _exists(day)):
        return None
    moved = date(year or 2001, month, of_month) + timedelta(days=sign * days)
    return (moved.year if year else 0, moved.month, moved.day)


def _exists(day: Date) -> bool:
    try:
        date(day[0] or 2001, day[1], day[2])
    except ValueError:
        return False
    return True


def _same_day(one: Date | None, other: Date) -> bool:
    return one is not None and agree(one, other)


def _spanned(wanted: Quantity, claim: str, texts: Sequence[Text]) -> frozenset[int] | None:
    """Return the places of the two dates, years or times that a span of time lies between."""
    if wanted.value is None or wanted.measure not in {"duration", "age"}:
        return None
    days = [
        (day, text.place)
        for text in (*texts, Text(text=claim, place=-1))
        for day in dates_in(text.text)
    ]
    for (one, here), (other, there) in permutations(days, 2):
        if one != other and _lies_between(wanted, one, other):
            return frozenset(at for at in (here, there) if at >= 0)
    clocks = [
        (one.value or 0.0, text.place)
        for text in texts
        for one in quantities(text.text)
        if one.kind == "time"
    ]
    for (start, here), (end, there) in permutations(clocks, 2):
        hours, minutes = divmod(end - start, 60)
        if (
            wanted.value
            == (hours if wanted.unit == "hour" else minutes if wanted.unit == "minute" else -1)
            and end > start
        ):
            return frozenset(at for at in (here, there) if at >= 0)
    return None


def _lies_between(wanted: Quantity, one: Date, other: Date) -> bool:
    months = (
        (one[0] - other[0]) * 12 + (one[1] - other[1]) if bool(one[0]) == bool(other[0]) else None
    )
    if wanted.measure == "age" and months is not None and (one[1] or wanted.unit == "year"):
        exact = wanted.value * wanted.size if wanted.value else 0
        return months == exact if one[1] and other[1] else (one[0] - other[0]) * 12 == exact
    if not (one[1] and one[2] and other[1] and other[2] and _exists(one) and _exists(other)):
        return False
    apart = date(one[0] or 2001, one[1], one[2]) - date(other[0] or 2001, other[1], other[2])
    return apart.days * 86400 == (wanted.value or 0) * wanted.size


def _counted(wanted: Quantity, claim: str, texts: Sequence[Text]) -> frozenset[int] | None:
    """Return the places of a list with as many items as a number says, or none where the claim itself lists them."""
    if wanted.kind != "number" or wanted.unit or not 2 <= (wanted.value or 0) <= _MOST_COUNTED:
        return None
    if wanted.value in _lengths(claim):
        return frozenset()
    return next(
        (
            frozenset({text.place})
            for text in texts
            if text.place >= 0 and wanted.value in _lengths(text.text)
        ),
        None,
    )


def _lengths(text: str) -> set[float]:
    """Return how many items the lists of a text have."""
    return {
        float(sum(bool(item.strip()) for item in _BETWEEN.split(match.group())))
        for match in _LIST.finditer(re.sub(r"^[^:]*:\s", "", text))
    }
