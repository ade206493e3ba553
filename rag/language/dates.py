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
        rf"(?<![\d/])(?P<day>1[3-9]|2\d|3[01])/(?P<month>0?[1-9]|1[0-2])/{_YEAR}(?![\d/])",
        rf"(?<![\d/])(?P<month>0?[1-9]|1[0-2])/(?P<day>1[3-9]|2\d|3[01])/{_YEAR}(?![\d/])",
        rf"(?<!\d){_YEAR}[-_/.](?P<month>0[1-9]|1[0-2])(?![\d])",
        rf"(?<![a-z]){_NAMED_MONTH}[\s_-]+(?:of[\s_]+)?{_YEAR}(?!\d)",
        rf"(?<!\d){_YEAR}[\s_-]+{_NAMED_MONTH}(?![a-z])",
        rf"(?<![\d.,/]){_YEAR}(?![\d]|[.,]\d)",
    )
)  # fmt: skip
_FIGURES = re.compile(r"\d{1,4}[-./]\s?\d{1,2}[-./]\s?\d{1,4}(?:[T ]\d\d:\d\d(?::\d\d)?)?")
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


def in_words(text: str) -> str:
    """Return a text that is a date in figures as it is in words, with a comma and a blank behind; else nothing."""
    told = text.strip()
    if not _FIGURES.fullmatch(told):
        return ""
    found = [one for one in dates_in(told) if all(one)]
    if len(found) != 1:
        return ""
    year, month, day = found[0]
    return f"{day} {MONTH_NAMES[month - 1].title()} {year}, "


def names_month(question: str) -> bool:
    """Tell whether a question gives a month by its name."""
    return any(month for _, month, _ in dates_in(_FIGURES.sub(" ", question)))


def agree(one: Date, other: Date) -> bool:
    """Tell whether two dates may be one: what both say of year, month and day is the same, and is something."""
    both = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    return bool(both) and all(mine == theirs for mine, theirs in both)
