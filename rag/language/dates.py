"""Months, weekdays and days of the year, as names and as patterns."""

from __future__ import annotations

import re

MONTHS: dict[str, int] = {
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
"""Names and abbreviations in lower case, and the number of the month."""
MONTH_NAMES = tuple(name for name in MONTHS if len(name) > 4 or name in {"may", "june", "july"})
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ANY_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
"""A month or its abbreviation, in lower case."""
MONTH = f"(?:{'|'.join(name.title() for name in MONTH_NAMES)})"
"""A month with its capital."""
WEEKDAY = f"(?:{'|'.join(name.title() for name in WEEKDAYS)})"
"""A weekday with its capital."""


def day_of_year(month: int | str, day: int | str) -> str:
    """Return month and day as `month/day`; the empty string where there is no such day."""
    return f"{int(month)}/{int(day)}" if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else ""


Date = tuple[int, int, int]
"""Year, month and day; 0 for what is not said."""
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_NAMED_MONTH = rf"(?P<name>{ANY_MONTH})\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d){_YEAR}(?P<sign>[-_./]?)(?P<month>0[1-9]|1[0-2])(?P=sign)(?P<day>0[1-9]|[12]\d|3[01])(?!\d)",
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?[\s_-]+(?:of[\s_]+)?{_NAMED_MONTH}(?:,?[\s_-]+{_YEAR}(?!\d))?(?![a-z])",
        rf"(?<![a-z]){_NAMED_MONTH}[\s_-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?[\s_-]+{_YEAR}(?!\d))?",
        rf"(?<!\d)(?P<day>0?[1-9]|[12]\d|3[01])\.\s?(?P<month>0?[1-9]|1[0-2])\.\s?{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[-_/.](?P<month>0[1-9]|1[0-2])(?![\d])",
        rf"(?<![a-z]){_NAMED_MONTH}[\s_-]+(?:of[\s_]+)?{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[\s_-]+{_NAMED_MONTH}(?![a-z])",
        rf"(?<![\d.,/]){_YEAR}(?![\d]|[.,]\d)",
    )
)  # fmt: skip
_MONTH_ALONE = re.compile(
    rf"\b(?:(?:in|of|since|for|during|from|by|until|the|last|this|early|late|mid)[ -](?P<in>{MONTH})"
    rf"|(?P<name>{MONTH}))\b"
)


def dates_in(text: str) -> tuple[Date, ...]:
    """Return the dates that a text gives, in their order; a month alone only where "may" is not the verb."""
    found: list[tuple[int, int, Date]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end, _ in found):
                found.append((*match.span(), _date(match)))
    for match in _MONTH_ALONE.finditer(text):
        name = (match["in"] or match["name"]).lower()
        taken = any(start < match.end() and match.start() < end for start, end, _ in found)
        if not taken and (match["in"] or name != "may"):
            found.append((*match.span(), (0, MONTHS[name], 0)))
    return tuple(date for _, _, date in sorted(found))


def _date(match: re.Match[str]) -> Date:
    groups = match.groupdict()
    month = MONTHS[groups["name"].lower()] if groups.get("name") else int(groups.get("month") or 0)
    return int(groups.get("year") or 0), month, int(groups.get("day") or 0)


def agree(one: Date, other: Date) -> bool:
    """Tell whether two dates may be one: what both say of year, month and day is the same, and is something."""
    both = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    return bool(both) and all(mine == theirs for mine, theirs in both)
