"""Months, weekdays and days of the year, as names and as patterns."""

from __future__ import annotations

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
