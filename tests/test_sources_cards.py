"""Calendars, address cards and settings files: records and fields as people call them, comments among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import SourceError
from rag.sources import FoundFile, load
from tests.test_sources_records import read as read
from tests.test_sources_records import rows

EVENTS = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;TZID=Europe/Berlin:20260312T143000\r
SUMMARY:Dentist\\, Dr. Ada\r
  Mint\r
ORGANIZER;CN="Petra Vogel":mailto:p@x.example\r
BEGIN:VALARM\r
DESCRIPTION:ring\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20260401\r
SUMMARY:Bins\r
RRULE:FREQ=WEEKLY;BYDAY=MO\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_events_are_rows(read):
    """Of an event its fields by name, days as ISO 8601 has them; folded lines are one, alarms left out."""
    first, second = rows(read("a.ics", EVENTS))
    assert first == {
        "name": "Dentist, Dr. Ada Mint",
        "starts": "2026-03-12 14:30",
        "organizer": "Petra Vogel",
    }
    assert second == {"name": "Bins", "starts": "2026-04-01", "repeats": "freq weekly, byday mo"}


def test_a_card_is_what_it_says_of_a_person(read):
    """One card is a document called by the name."""
    card = "BEGIN:VCARD\nFN:Ada Mint\nTEL;TYPE=CELL:+49 170\nADR:;;Weg 3;Ulm;;89073;DE\nEND:VCARD\n"
    source = read("ada.vcf", card)
    assert source.title == "Ada Mint"
    assert "cell phone: +49 170\naddress: Weg 3, Ulm, 89073, DE" in source.text


def test_what_holds_no_record_is_refused(tmp_path: Path):
    """Seen to be said, and not an empty document."""
    path = tmp_path / "a.ics"
    path.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    with pytest.raises(SourceError, match="holds no event"):
        load(FoundFile("a.ics", path), max_bytes=10**6)


def test_sections_of_settings_head_their_fields_with_what_comments_say(read):
    """A comment behind or above a field is beside it, and no part of its value."""
    text = "[backup]\nhour = 03:30\n; twice the law\nkeep_days = 45\ndisk = 85 ; per cent\n"
    source = read("nas.ini", text)
    for line in ("hour: 03:30", "keep days: 45", "keep days comment: twice the law", "disk: 85"):
        assert line in source.text.split("\n")
    assert "disk comment: per cent" in source.text
    assert source.text.startswith("backup")


def test_other_settings_are_read_as_text(read):
    """What has no sections stays as it is written."""
    assert "listen 80;" in read("web.conf", "server {\n  listen 80;\n}\n").text


YAML = """# do not edit while the pump runs

limit: 7  # below this the pipes freeze
rooms:
  bedroom: {day: 17}  # Els likes it cold
  kitchen: {day: 20}
  bath: {day: "23 # no"}
"""
TOML = """[server]
port = 80 # not 8080
# in seconds
wait = "5 # no"
"""


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", YAML, "limit comment: below this the pipes freeze"),
        ("a.yaml", YAML, "comment: do not edit while the pump runs"),
        ("a.toml", TOML, "port comment: not 8080"),
        ("a.toml", TOML, "wait comment: in seconds"),
    ],
)
def test_comments_are_fields_beside_what_they_are_about(read, name, text, told):
    """Seen to fail: what a configuration says in words was dropped. A sign within a text begins none."""
    source = read(name, text)
    assert told in source.text.split("\n")
    assert "no comment" not in source.text
    assert "# no" in source.text


def test_a_comment_on_a_record_is_a_cell_of_its_row(read):
    """Records stay a table where one of them has a comment."""
    first, second, _ = rows(read("a.yaml", YAML))
    assert first == {"name": "bedroom", "day": "17", "comment": "Els likes it cold"}
    assert second == {"name": "kitchen", "day": "20"}
