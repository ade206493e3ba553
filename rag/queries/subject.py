"""What a question is about and an answer must bear: names, years, codes and numbered parts. Pure.

"When is invoice 2035 payable?" is answered by nothing that says when invoice 2031 is. What stands in the quote, in its
path, or in prose shortly before it, is there; of the rest the answer says that it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.dates import MONTH_NAMES, WEEKDAYS, Date, agree, dates_in
from rag.language.english import FUNCTION_WORDS
from rag.language.languages import language_of
from rag.language.names import missing_names
from rag.language.words import stemmed

_CODE = re.compile(
    r"(?<![\w/.-])(?:(?=[\w/.-]*\d)(?=[\w/.-]*[A-Za-z/-]|\d{4}|\d+(?:\.\d+){2})[A-Za-z\d]+(?:[-/.][A-Za-z\d]+)*"
    r"|[A-Z]{1,4} \d{2,}|--?[A-Za-z][\w-]*)(?![\w/])"
)
_YEAR = re.compile(r"(?:1\d|20)\d\d")
_AMOUNT = re.compile(
    r"\d+(?:(?i:st|nd|rd|th|s|k|m|km|kg|g|cm|mm|ml|l|h|am|pm|%|°?c)|(?:-[a-z]{3,})+)"
)
"""A number with its unit, or with the words that it measures: a 10-year-old, a 3-day course."""
_NUMBERED = re.compile(
    r"\b(?P<noun>[^\W\d_]{3,}|§)\s*(?:no\.?|number|nr\.?|#)?\s*(?P<number>\d{1,4}(?:\.\d{1,3})*[a-z]?)\b(?!\s*[-–%:/]\s*\d|[.,]\d)"
    r"(?=\s*(?P<next>[^\W\d_]+)?)",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"\b(?P<noun>[^\W\d_]{3,}) (?P<letter>[A-HJ-Z])(?![\w.'’&-])")
_RANGE = re.compile(
    r"(?P<label>[^\d\n]{3,60}?)\s(?P<low>\d{1,4})\s?(?:-|–|to)\s?(?P<high>\d{1,4})(?!\d)"
)
_NOT_NUMBERED = (
    FUNCTION_WORDS
    | set(MONTH_NAMES)
    | frozenset(
        "top first last next past"
        " than under over least most about around between year age version".split()
    )
)
_OPENERS = frozenset(
    "is are was were do does did has have had can could may must shall should will would who what when"
    " where which why how list".split()
)
_CALENDAR = frozenset((*MONTH_NAMES, *WEEKDAYS))
_AFTER_PART = FUNCTION_WORDS | {
    "say",
    "says",
    "mean",
    "means",
    "state",
    "states",
    "cost",
    "costs",
    "regulate",
    "contain",
}
_MEANING = re.compile(
    r"\W*(?:what(?:'s| is| are| does| do)|define|meaning of|explain)\s+"
    r"(?:is |meant by |the (?:meaning|definition) of )?"
    r"(?P<term>[^?]{1,60}?)(?:\s+(?:mean|means|stand for|do)\b[^?]{0,40})?\s*\??$",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"\b(?:say|says|state|states|mean|means|regulate|regulates|contain|contains|read|reads|about)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a question names."""

    names: tuple[str, ...]
    codes: tuple[str, ...]
    """Identifiers, years, options: as typed."""
    numbered: tuple[tuple[str, str], ...]
    """(noun, number) of a numbered part: ("clause", "4.2")."""
    says: bool
    """It asks what a numbered part says."""
    term: str
    """Whose meaning it asks for, in lower case; empty where it asks for none."""
    dates: tuple[Date, ...] = ()
    """Of a day of a year."""
    months: tuple[Date, ...] = ()
    """Every date that names a month, with a day or a year or neither."""
    lettered: tuple[tuple[str, str], ...] = ()
    """(noun, letter) of one of several that are told apart by letters: ("Shed", "C")."""

    def __bool__(self) -> bool:
        named = self.names or self.codes or self.numbered or self.lettered
        return bool(named or self.months or self.term)


def subject_of(question: str) -> Subject:
    """Return what a question names."""
    numbered = tuple(
        (found["noun"].lower(), found["number"])
        for found in _NUMBERED.finditer(question)
        if _is_part(found, question)
    )
    numbers = {number for _, number in numbered}
    codes = tuple(
        code
        for code in dict.fromkeys(match[0] for match in _CODE.finditer(question))
        if code not in numbers and not _AMOUNT.fullmatch(code)
    )
    return Subject(
        names=_names(question, codes),
        codes=codes,
        numbered=numbered,
        says=bool(numbered) and bool(_SAYS.search(question.lower())),
        term=_bare(asked["term"]) if (asked := _MEANING.match(question)) else "",
        dates=tuple(one for one in dates_in(question) if all(one)),
        months=tuple(one for one in dates_in(question) if one[1]),
        lettered=tuple(
            (found["noun"], found["letter"])
            for found in _LETTERED.finditer(question)
            if found["noun"].lower() not in _NOT_NUMBERED
        ),
    )


def _is_part(found: re.Match[str], question: str) -> bool:
    """Tell whether a noun and a number name a part, as no amount and no verb does."""
    if found["noun"].lower() in _NOT_NUMBERED:
        return False
    following = (found["next"] or "").lower()
    return (
        not following
        or following in _AFTER_PART
        or _NUMBERED.match(question[found.end() :].lstrip()) is not None
    )


def _names(question: str, codes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a question; its first word is none, and of German nouns capital letters do not tell."""
    if language_of(question) == "de":
        return ()
    first, _, rest = question.lstrip(" ¿¡\"'“(").partition(" ")
    leading = (
        first
        if first[:1].isupper() and rest[:1].isupper() and first.lower() not in _OPENERS
        else "What"
    )
    return tuple(
        name
        for name in missing_names(f"{leading} {rest}", ())
        if not any(name.lower() in code.lower() for code in codes) and name.lower() not in _CALENDAR
    )


def missing(subject: Subject, texts: Sequence[str]) -> tuple[str, ...]:
    """Return what the subject names and no text has, as typed; names behind codes and numbered parts."""
    told = "\n".join(texts)
    gone = [code for code in subject.codes if not _stands(code, told)]
    gone += [
        f"{noun} {number}"
        for noun, number in subject.numbered
        if not _is_numbered(noun, number, texts)
    ]
    gone += [*_other_days(subject, told), *_other_letters(subject, told)]
    return (
        (*gone, *missing_names(" ".join(("What", *subject.names)), texts))
        if subject.names
        else tuple(gone)
    )


def _other_days(subject: Subject, told: str) -> list[str]:
    """Return the dates of a subject that a text contradicts: it is of other days, and of none of these."""
    days = [one for one in dates_in(told) if one[1] and one[2]]
    return [
        _written(date)
        for date in subject.dates
        if days and not any(agree(date, one) for one in days)
    ]


def _other_letters(subject: Subject, told: str) -> list[str]:
    """Return what is told apart by a letter where a text has others of its kind, and not this one."""
    gone = []
    for noun, letter in subject.lettered:
        kind = rf"\b(?i:{re.escape(noun)}s?)\b"
        others = re.search(rf"{kind} (?!{letter}\b)[A-HJ-Z]\b", told)
        if others and not re.search(rf"{kind}[^.\n]{{0,40}}(?<!\w){letter}\b", told):
            gone.append(f"{noun} {letter}")
    return gone


def other_month(subject: Subject, row: str) -> tuple[str, ...]:
    """Return the dates of a subject that a row is not of, which has one day of a year alone."""
    days = [one for one in dates_in(row) if all(one)]
    if len(days) != 1 or not subject.months or any(agree(one, days[0]) for one in subject.months):
        return ()
    return tuple(map(_written, subject.months))


def names_day(subject: Subject, gone: Sequence[str], absent: Sequence[str]) -> bool:
    """Tell whether a day that is asked for stands neither with a reading nor anywhere."""
    days = set(map(_written, subject.dates))
    return not days.isdisjoint(set(gone) & set(absent))


def _written(date: Date) -> str:
    """Return a date as ISO 8601 has it where it is of a day of a year, else the name of its month with what is told."""
    year, month, day = date
    if all(date):
        return f"{year}-{month:02d}-{day:02d}"
    return " ".join(filter(None, (str(day or ""), MONTH_NAMES[month - 1].title(), str(year or ""))))


def is_exact(subject: Subject, gone: Sequence[str]) -> bool:
    """Tell whether a code or a numbered part is among what is missing: these have no other name, as dates have."""
    dates = set(map(_written, subject.dates))
    letters = {" ".join(one) for one in subject.lettered}
    return any(
        one in letters or one in subject.codes or (one[-1:].isdigit() and one not in dates)
        for one in gone
    )


def numbered_parts(subject: Subject) -> tuple[str, ...]:
    """Return the numbered parts as they are called."""
    return tuple(f"{noun} {number}" for noun, number in subject.numbered)


def has_code(subject: Subject) -> bool:
    """Tell whether an identifier other than a year is asked for."""
    return any(not _YEAR.fullmatch(code) for code in subject.codes)


def defines(subject: Subject, terms: Sequence[str]) -> bool:
    """Tell whether one of the terms is the one whose meaning is asked for."""
    return bool(subject.term) and any(_bare(one) == subject.term for one in terms)


def _bare(term: str) -> str:
    """Return a term in lower case without what stands around it."""
    return re.sub(
        r"^(?:an?|the)\s+|^[\s\"'“”‘’(:]+|[\s\"'“”‘’):.,?]+$", "", " ".join(term.lower().split())
    )


def heads(subject: Subject, text: str, path: Sequence[str]) -> bool:
    """Tell whether a unit, or what it hangs from, is the numbered part that is asked for."""
    lines = [text, *path]
    return bool(subject.numbered) and all(
        any(_opens(noun, number, line) for line in lines) for noun, number in subject.numbered
    )


def _stands(code: str, text: str) -> bool:
    if _YEAR.fullmatch(code):
        return bool(re.search(rf"(?<!\d){code}(?!\d)", text))
    pattern = re.escape(code).replace(r"\ ", r"[ -]?")
    return bool(re.search(rf"(?<![\w/.-]){pattern}(?![\w/]|[.-]\w)", text, re.IGNORECASE))


def _is_numbered(noun: str, number: str, texts: Sequence[str]) -> bool:
    """Tell whether a numbered part is mentioned, or begins one of the texts; a long number needs no noun beside it."""
    named = rf"\b{re.escape(noun)}s?\s*(?:no\.?|number|nr\.?|\#|:)?\s*"
    alone = r"|(?<![\w.])" if len(number) > 2 else ""
    pattern = rf"(?:{named}{alone}){re.escape(number)}(?![\w]|[.]\d)"
    return any(
        re.search(pattern, text, re.IGNORECASE)
        or _opens(noun, number, text)
        or _is_within(noun, number, text)
        for text in texts
    )


def _is_within(noun: str, number: str, text: str) -> bool:
    """Tell whether a number lies in a range behind a label of its noun: "aged 45" in "Age 45–54"."""
    return number.isdecimal() and any(
        stemmed(noun) in map(stemmed, re.findall(r"\w+", found["label"].lower()))
        and int(found["low"]) <= int(number) <= int(found["high"])
        for found in _RANGE.finditer(text)
    )


def _opens(noun: str, number: str, text: str) -> bool:
    """Tell whether a text begins with a number of a part."""
    named = rf"\W{{0,3}}(?:{re.escape(noun)}\s*(?:no\.?|number|nr\.?|#)?\s*)?"
    begins = rf"{named}\(?{re.escape(number)}(?:[.):]|\b)(?!\d|\.\d)"
    return bool(re.match(begins, text, re.IGNORECASE))
