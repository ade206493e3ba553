"""Numbers, dates and times of a sheet as they are shown: by the format code of their cell. Pure.

The codes are those of ECMA-376, 18.8.31; colours, conditions, padding and scripts of digits are left out.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss",
    46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
"""Codes that files name by a number. A date by the reader's own custom (14, 22) is written year first."""

_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"|\\(?P<escaped>.)|[_*].|\[\$(?P<money>[^\]-]*)[^\]]*\]|\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]'
    r"|(?P<half>AM/PM|A/P)|(?P<date>y+|m+|d+|h+|s+(?:\.0+)?)"
    r"|(?P<number>[0#?][0#?,]*(?:\.[0#?]*)?,*(?:E[+-]?[0#?]+)?(?P<fraction> ?\?*/[?\d]+)?|\.[0#?]+)|(?P<other>.)",
    re.IGNORECASE,
)
_SECTION = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*')
_DATE = re.compile(r'"[^"]*"|\\.|\[[^\]hms]*\]|[_*].|(AM/PM|A/P|[ymdhs])', re.IGNORECASE)
_GENERAL = re.compile(r"general|standard", re.IGNORECASE)
_DAYS_BEFORE_1904 = 1462
_LAST_DAY = 2_958_466
"""The serial number of the first day of the year 10,000."""
_LEAP_BUG = 60
"""The serial number of 29 February 1900, which there was not."""
_WHOLE = 1e15


def as_shown(value: float, code: str, *, since_1904: bool = False) -> str:
    """Return a number as a cell with a format code shows it.

    Args:
        value: what the cell holds; of a date the days since the end of 1899.
        code: its format; empty for none.
        since_1904: days are counted from 1904.
    """
    if not code or _GENERAL.fullmatch(code):
        return general(value)
    section, value = _section(code, value)
    if is_date(section):
        return _date(value + _DAYS_BEFORE_1904 * since_1904, section)
    return _number(value, section)


def general(value: float) -> str:
    """Return a number as it is shown without a format: without a rest that only binary fractions leave."""
    if value == int(value) and abs(value) < _WHOLE:
        return str(int(value))
    return f"{value:.10g}"


def is_date(code: str) -> bool:
    """Tell whether a format shows dates or times."""
    return any(match[1] for match in _DATE.finditer(code))


def _section(code: str, value: float) -> tuple[str, float]:
    """Return the part of a code that is for a value, and the value; the part for negative ones has its own sign."""
    sections = _SECTION.findall(code)[::2] if ";" in code else [code]
    if value < 0 and len(sections) > 1:
        return sections[1], -value
    if value == 0 and len(sections) > 2:
        return sections[2], value
    return sections[0], value


def _number(value: float, code: str) -> str:
    """Fill a number into the words of its code."""
    pieces: list[str] = []
    filled = False
    value *= 100 ** _bare(code).count("%")
    for match in _TOKEN.finditer(code):
        if match["number"] and not filled:
            filled = True
            pieces.append(_digits(abs(value), match["number"]))
        else:
            pieces.append(_word(match))
    text = " ".join("".join(pieces).split())
    negative = value < 0 and any(char in "123456789" for char in text)
    return f"-{text}" if negative else text


def _bare(code: str) -> str:
    """Return a code without the words in it."""
    return re.sub(r'"[^"]*"|\\.', "", code)


def _word(match: re.Match[str]) -> str:
    """Return what a token that is no number shows."""
    for name in ("text", "escaped", "money"):
        if match[name] is not None:
            return match[name]
    other = match["other"] or match["half"] or match["date"] or ""
    return "" if other == "@" else other


def _digits(value: float, places: str) -> str:
    """Return the digits of a number that is not negative, as placeholders want them."""
    if "/" in places:
        return general(value)
    if "e" in places.lower():
        decimals = places.lower().partition("e")[0].partition(".")[2]
        return f"{value:.{len(decimals)}E}"
    whole, _, decimals = places.rstrip(",").partition(".")
    value /= 1000 ** (len(places) - len(places.rstrip(",")))
    grouped = "," if "," in whole else ""
    text = f"{value:{grouped}.{len(decimals)}f}"
    optional = len(decimals) - len(decimals.rstrip("#?"))
    if optional:
        kept = text.rstrip("0")
        text = kept if len(text) - len(kept) < optional else text[: len(text) - optional]
        text = text.rstrip(".")
    least = whole.count("0")
    return text.zfill(least + len(text) - len(text.partition(".")[0])) if not grouped else text


def _date(value: float, code: str) -> str:
    """Return a day and a time as a code writes them."""
    if not 0 <= value < _LAST_DAY:
        return general(value)
    days = int(value)
    moment = datetime(1899, 12, 30 + (days < _LEAP_BUG)) + timedelta(  # noqa: DTZ001  (no zone)
        days=days, seconds=round((value - days) * 86_400, 3)
    )
    half = re.search(r"AM/PM|A/P", code, re.IGNORECASE) is not None
    tokens = [*_TOKEN.finditer(code)]
    pieces = [
        _elapsed(value, match["elapsed"])
        if match["elapsed"]
        else moment.strftime("%p")
        if match["half"]
        else _dated(moment, match["date"].lower(), half=half, minutes=_is_minutes(tokens, at))
        if match["date"]
        else match["number"] or _word(match)
        for at, match in enumerate(tokens)
    ]
    return " ".join("".join(pieces).split())


def _is_minutes(tokens: list[re.Match[str]], at: int) -> bool:
    """Tell whether an `m` means minutes: behind hours, or before seconds."""
    told = [
        (one["date"] or one["elapsed"] or "").lower()
        for one in (*tokens[:at][::-1], *tokens[at + 1 :])
        if one["date"] or one["elapsed"]
    ]
    before = sum(bool(one["date"] or one["elapsed"]) for one in tokens[:at])
    behind = told[before] if before < len(told) else ""
    return (before > 0 and told[0].startswith("h")) or behind.startswith("s")


def _elapsed(value: float, unit: str) -> str:
    """Return all the hours, minutes or seconds of a time."""
    per_day = {"h": 24, "m": 1440, "s": 86_400}[unit[0].lower()]
    return str(int(round(value * 86_400) * per_day / 86_400)).zfill(len(unit))


def _dated(moment: datetime, token: str, *, half: bool, minutes: bool) -> str:
    """Return one part of a date or time."""
    kind, length = token[0], len(token)
    if kind == "y":
        return f"{moment.year % 100:02}" if length < 3 else str(moment.year)
    if kind == "m" and not minutes:
        return _named(moment, length, moment.month, "%b", "%B")
    if kind == "d":
        return _named(moment, length, moment.day, "%a", "%A")
    if kind == "s" and "." in token:
        return (
            f"{moment.second + moment.microsecond / 1e6:0{length}.{length - token.index('.') - 1}f}"
        )
    hour = (moment.hour + 11) % 12 + 1 if half else moment.hour
    number = {"h": hour, "m": moment.minute, "s": moment.second}[kind]
    return f"{number:0{min(length, 2)}}"


def _named(moment: datetime, length: int, number: int, short: str, long: str) -> str:
    """Return a month or a day by its number, or by its name where the code has three letters or more."""
    if length < 3:
        return f"{number:0{length}}"
    return moment.strftime(short if length == 3 else long)
