"""Calendars and address cards (.ics, .vcf): events, tasks and people as records, by RFC 5545 and 6350."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.errors import SourceError
from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.records import Value, document_of_values
from rag.sources.signatures import check_text

_LINE = re.compile(
    r"(?:[\w-]+\.)?(?P<name>[A-Za-z][\w-]*)(?P<params>(?:;(?:[^\":;]|\"[^\"]*\")*)*):(?P<value>.*)"
)
_FOLD = re.compile(r"\r?\n[ \t]")
_WHEN = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?:\d\d)?(Z?))?")
_ESCAPED = re.compile(r"\\([nN,;\\:])")
_RECORDS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VCARD"})
_NAMES = {
    "FN": "name", "SUMMARY": "name", "N": "", "DTSTART": "starts", "DTEND": "ends", "DUE": "due",
    "DURATION": "duration", "LOCATION": "place", "DESCRIPTION": "description", "ORGANIZER": "organizer",
    "ATTENDEE": "with", "RRULE": "repeats", "EXDATE": "except", "STATUS": "status", "CATEGORIES": "categories",
    "COMMENT": "comment", "CONTACT": "contact", "COMPLETED": "completed", "PRIORITY": "priority",
    "URL": "url", "TEL": "phone", "EMAIL": "email", "ADR": "address", "ORG": "organisation",
    "TITLE": "title of work", "ROLE": "role", "BDAY": "birthday", "ANNIVERSARY": "anniversary", "NOTE": "note",
    "NICKNAME": "nickname",
}  # fmt: skip
"""Of the properties that people read, what they are called."""


def read(data: bytes) -> Document:
    """Read a calendar or a file of address cards.

    Raises:
        SourceError: `unreadable`: it holds no event, task or card.
    """
    check_text(data)
    text, guessed = decode(data)
    records: list[Value] = [*_records(_FOLD.sub("", text))]
    if not records:
        raise SourceError(
            "unreadable", "holds no event, task or address card, or is damaged; export it anew"
        )
    return document_of_values(records[0] if len(records) == 1 else records, guessed)


def _records(text: str) -> Iterator[dict[str, Value]]:
    """Yield the fields of each record; what lies inside one, such as an alarm, is left out."""
    open_: list[str] = []
    held: dict[str, list[str]] = {}
    for found in map(_LINE.match, text.splitlines()):
        if found is None:
            continue
        name, value = found["name"].upper(), found["value"].strip()
        if name == "BEGIN":
            open_.append(value.upper())
            held = {} if value.upper() in _RECORDS else held
        elif name == "END":
            ended = open_.pop() if open_ else ""
            if ended in _RECORDS and held:
                yield {one: ", ".join(dict.fromkeys(said)) for one, said in held.items()}
        elif open_ and open_[-1] in _RECORDS and (said := _said(name, value, found["params"])):
            held.setdefault(_called(name, found["params"]), []).append(said)


def _called(name: str, params: str) -> str:
    """Return what a field is called: a phone also by its kind."""
    kinds = re.findall(r"(?:TYPE=|;)\"?(cell|work|home|fax)\b", params, re.IGNORECASE)
    return " ".join((*dict.fromkeys(map(str.lower, kinds)), _NAMES[name]))


def _said(name: str, value: str, params: str) -> str:
    """Return a value as a person reads it: dates in ISO 8601, people by name; nothing where it is not for people."""
    if not _NAMES.get(name):
        return ""
    if called := re.search(r"CN=\"?([^\";]+)", params):
        return called[1].strip()
    if name == "RRULE":
        return ", ".join(one.replace("=", " ").lower() for one in value.split(";"))
    if when := _WHEN.fullmatch(value):
        year, month, day, hour, minute, utc = when.groups()
        clock = f" {hour}:{minute}{' UTC' if utc else ''}" if hour else ""
        return f"{year}-{month}-{day}{clock}"
    if name in {"ADR", "ORG"}:
        return ", ".join(filter(None, (one.strip() for one in re.split(r"(?<!\\);", value))))
    said = _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value)
    return said.strip().removeprefix("mailto:")
