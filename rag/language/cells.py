"""What the cells of a column say: numbers, dates, yes or no, as the whole column writes them. Pure.

One cell does not tell whether "1.234" is a thousand or a little over one; the others of its column do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.dates import MONTHS
from rag.language.words import fold, word_set

MISSING = frozenset({"", "-", "–", "—", "n/a", "na", "n.a.", "null", "none", "?", "tbd"})
"""What stands in a cell that says nothing."""
YES = word_set("yes y true x ✓ ✔ ☑ ja j oui sí si")
NO = word_set("no n false ✗ ✘ ☐ nein non")

_CODES = "eur usd gbp chf sek nok dkk pln czk jpy cad aud inr".split()
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CASH = rf"(?:us)?[€$£¥₹]|(?:{'|'.join(_CODES)})\b|rs\.?"
NUMERAL = r"\d(?:[\d.,'’\u00a0\u202f ]*\d)?"
_NUMBER = re.compile(
    rf"(?P<sign>[-−–+(])?\s?(?P<before>{_CASH})?\s?(?P<minus>[-−–])?(?P<digits>{NUMERAL})\s?"
    r"(?P<after>%|[€$£¥₹]|[^\W\d_][^\W\d_/²³.]{0,11}\.?)?\)?",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\d{1,3}(?:([.,'’\u00a0\u202f ])\d{3})(?:\1\d{3})*|\d+")
_FURTHER_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januar janner janvier enero", "februar fevrier febrero", "marz mars marzo", "avril abril", "mai mayo",
            "juni juin junio", "juli juillet julio", "aout agosto", "septembre septiembre",
            "oktober octobre octubre", "novembre noviembre", "dezember decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTHS = {**_FURTHER_MONTHS, **MONTHS}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?"
_YEAR = r"(?P<year>[12]\d{3})"
DATE = (
    r"[12]\d{3}-\d{1,2}(?:-\d{1,2})?|\d{1,2}[./]\d{1,2}[./]\d{4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of| de)? (?:{_MONTH})\b(?:,?(?: de)? [12]\d{{3}})?"
    rf"|(?:{_MONTH})\b\.?(?: \d{{1,2}}(?:st|nd|rd|th)?\b(?!\d))?(?:,? [12]\d{{3}})?|\b[12]\d{{3}}\b"
)
"""A date, month or year in folded text."""
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}}))?(?:[t ]\d.*)?",
        rf"{_DAY}(?: of| de)?[ -](?P<name>{_MONTH})\.?,?(?: de)?(?:[ -]{_YEAR})?",
        rf"(?P<name>{_MONTH})\.? {_DAY}(?:,? {_YEAR})?",
        rf"(?P<name>{_MONTH})\.?(?:[ -]{_YEAR})?",
        _YEAR,
    )
)
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2([12]\d{3})(?: \d.*)?")
_MOST_MISREAD = 0.1
"""Share of cells that may be no number in a column of numbers."""
_PLAIN = 10_000
"""Numbers below are written without marks between thousands where the column does so."""

Days = tuple[int, int]
"""First and last day as yyyymmdd; the year is 0 where none is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A column of numbers."""

    values: tuple[float | None, ...]
    """None where the cell has no number."""
    unit: str
    """What all are measured in; empty where nothing is said."""
    decimals: int
    mark: str
    """Before the decimals: `.` or `,`."""
    grouped: bool
    """Whether thousands are set apart."""
    unsure: bool
    """Whether "1.234" may be meant otherwise."""

    def write(self, value: float, *, finer: bool = False) -> str:
        """Return a number as the column writes them; `finer` for one that was divided."""
        digits = max(self.decimals, 2) if finer else self.decimals
        text = (
            f"{value:,.{digits}f}"
            if self.grouped or abs(value) >= _PLAIN
            else f"{value:.{digits}f}"
        )
        if finer and "." in text:
            whole, _, rest = text.partition(".")
            rest = rest.rstrip("0").ljust(self.decimals, "0")
            text = f"{whole}.{rest}" if rest else whole
        if self.mark == ",":
            text = text.translate(str.maketrans(",.", ".,"))
        return f"{text}{'' if self.unit == '%' else ' '}{self.unit}".strip()


def numbers_of(cells: Sequence[str], *, european: bool = False) -> Numbers | None:
    """Return the numbers of a column; None where it holds something else, or several units.

    Args:
        cells: as printed.
        european: whether "1.234" is rather a thousand.
    """
    read = [
        None if one.strip().lower() in MISSING else _NUMBER.fullmatch(one.strip()) for one in cells
    ]
    filled = sum(one.strip().lower() not in MISSING for one in cells)
    found = [one for one in read if one]
    if not found or len(found) < (1 - _MOST_MISREAD) * filled:
        return None
    units = {unit for one in found if (unit := _unit(one))}
    mark, unsure = _mark([one["digits"] for one in found], european=european)
    if len(units) > 1 or not mark:
        return None
    values = [None if one is None else _value(one, mark) for one in read]
    if any(value is None for value, one in zip(values, read, strict=True) if one):
        return None
    tails = [one["digits"].rpartition(mark)[2] for one in found if mark in one["digits"]]
    return Numbers(
        values=tuple(values),
        unit=next(iter(units), ""),
        decimals=max(map(len, tails), default=0),
        mark=mark,
        grouped=any(re.search(r"\d[.,'’\u00a0\u202f ]\d{3}(?!\d)", one["digits"]) for one in found),
        unsure=unsure,
    )


def number_of(text: str) -> float | None:
    """Return the number that a text is; None where it is none."""
    found = numbers_of([text])
    return found.values[0] if found else None


def _unit(found: re.Match[str]) -> str:
    unit = (found["before"] or found["after"] or "").strip(".")
    return _SIGNS.get(unit[-1:], unit.upper() if unit.lower() in _CODES else unit)


def _mark(numerals: Sequence[str], *, european: bool) -> tuple[str, bool]:
    """Return the mark before decimals, and whether it is a guess; empty where the column is at odds with itself."""
    votes, open_ones = set(), set()
    for numeral in numerals:
        marks = re.findall(r"[.,]", numeral)
        if not marks:
            continue
        head, _, tail = numeral.rpartition(marks[-1])
        other = "," if marks[-1] == "." else "."
        if (
            len(set(marks)) > 1
            or len(tail) != 3
            or head in {"", "0"}
            or (len(marks) == 1 and len(head) > 3)
        ):
            votes.add(marks[-1] if marks.count(marks[-1]) == 1 else "")
        elif len(marks) > 1:
            votes.add(other)
        else:
            open_ones.add(marks[-1])
    if votes:
        return (votes.pop(), False) if len(votes) == 1 else ("", False)
    if open_ones == {"."}:
        return (",", False) if european else (".", True)
    return ("", False) if len(open_ones) > 1 else (".", False)


def _value(found: re.Match[str], mark: str) -> float | None:
    whole, _, rest = found["digits"].partition(mark)
    if not _GROUPED.fullmatch(whole) or not (rest.isdecimal() or not rest):
        return None
    value = float(f"{re.sub(r'[^0-9]', '', whole)}.{rest or 0}")
    negative = found["minus"] or (found["sign"] or "+") != "+"
    return -value if negative else value


def dates_of(cells: Sequence[str]) -> tuple[Days | None, ...] | None:
    """Return the dates of a column, None for an empty cell; None where it holds something else."""
    texts = [" ".join(fold(one).split()) for one in cells]
    told = [(one in MISSING, _NUMERIC.fullmatch(one)) for one in texts]
    first = {int(found[1]) for _, found in told if found}
    second = {int(found[3]) for _, found in told if found}
    slashed = any(found and found[2] == "/" for _, found in told)
    month_first = max(second, default=0) > 12
    if (month_first and max(first) > 12) or (slashed and max(first | second) <= 12):
        return None  # at odds, or either way round
    days: list[Days | None] = []
    for text, (missing, found) in zip(texts, told, strict=True):
        if found:
            day, month = (found[3], found[1]) if month_first else (found[1], found[3])
            days.append(_days(int(found[4]), int(month), int(day)))
        else:
            days.append(days_of(text))
        if days[-1] is None and not missing:
            return None
    known = [one for one in days if one]
    return tuple(days) if known and len({one[0] < 10_000 for one in known}) == 1 else None


def days_of(text: str) -> Days | None:
    """Return the days of a date, month or year; None where the text is none of these."""
    folded = " ".join(fold(text).split())
    for form in _FORMS:
        if found := form.fullmatch(folded):
            parts = found.groupdict()
            month = parts.get("month") or _MONTHS.get(parts.get("name") or "", 0)
            return _days(int(parts.get("year") or 0), int(month), int(parts.get("day") or 0))
    numeric = _NUMERIC.fullmatch(folded)
    return _days(int(numeric[4]), int(numeric[3]), int(numeric[1])) if numeric else None


def _days(year: int, month: int, day: int) -> Days | None:
    if month > 12 or day > 31:
        return None
    low = year * 10_000 + (month or 1) * 100 + (day or 1)
    high = year * 10_000 + (month or 12) * 100 + (day or 31)
    return low, high


def is_yes_or_no(cells: Sequence[str]) -> bool:
    """Tell whether a column says yes or no in each cell that says something."""
    told = {fold(one.strip()) for one in cells} - {"", "-", "–", "—"}
    return bool(told & YES) and told <= YES | NO
