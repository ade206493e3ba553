"""Data files: records are rows with the names of their fields, all else stands below the names it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.passages import units_of
from rag.schema import Source
from rag.sources import FoundFile, load
from tests.structure_fakes import check_blocks

READ = Callable[[str, str | bytes], Source]


@pytest.fixture
def read(tmp_path: Path) -> READ:
    """Load a text as a file of this name."""

    def read(name: str, text: str | bytes) -> Source:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        source = load(FoundFile(name, path), max_bytes=10**6).source
        check_blocks(source.text, source.blocks)
        return source

    return read


def rows(source: Source) -> list[dict[str, str]]:
    """Return the cells of each row by the names of their columns."""
    text = source.text
    return [
        {cell.name: text[cell.start : cell.end] for cell in unit.cells}
        for unit in units_of(source)
        if unit.kind == "row" and any(cell.name for cell in unit.cells)
    ]


SHEEP = [
    {"name": "Dolly", "born": "1996", "wool": "3.50"},
    {"name": "Ted", "born": "2001", "wool": "-"},
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"sheep": [{"name": "Dolly", "born": 1996, "wool": 3.50}, {"name": "Ted", "born": 2001, "wool": "-"}]}'),
        ("a.jsonl", '{"name": "Dolly", "born": 1996, "wool": 3.50}\n\n{"name": "Ted", "born": 2001, "wool": "-"}\n'),
        ("a.yaml", "sheep:\n- {name: Dolly, born: 1996, wool: 3.50}\n- name: Ted\n  born: 2001\n  wool: '-'\n"),
        ("a.toml", '[[sheep]]\nname = "Dolly"\nborn = 1996\nwool = 3.50\n[[sheep]]\nname = "Ted"\nborn = 2001\nwool = "-"\n'),
        ("a.xml", "<sheep><one name='Dolly'><born>1996</born><wool>3.50</wool></one><one name='Ted'><born>2001</born><wool>-</wool></one></sheep>"),
    ],
)  # fmt: skip
def test_records_are_rows_in_every_format(read: READ, name: str, text: str) -> None:
    """Values stand as they were written: 3.50 is no 3.5."""
    assert SHEEP == rows(read(name, text))


def test_rows_are_called_by_their_number_and_lines(read: READ) -> None:
    """A person finds a record by the name of its list, one of a file of lines by its line."""
    records = read("a.json", '{"sheep": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}')
    lines = read("a.jsonl", '{"a": 1, "b": 2}\n\n{"a": 3, "b": 4}')

    assert ["sheep 1", "sheep 2"] == [one.name for one in records.places]
    assert ["line 1", "line 3"] == [one.name for one in lines.places]
    assert "3 | 4" == lines.text[lines.places[1].start : lines.places[1].end]


def test_what_is_no_record_stands_below_its_name(read: READ) -> None:
    """Fields are lines with their labels as words, lists of sentences items, what a record holds hangs from its name."""
    source = read(
        "a.yaml",
        "title: Farm\nlastVisit: 2025-02-11\nowner: {full_name: Ada, phone: ~}\nsoups:\n"
        "- name: Broth\n  steps: [Boil it., Salt it.]\n- name: Stew\n  steps: [Wait.]\n",
    )
    said = {
        source.text[one.start : one.end]: [part.text for part in one.path if part.start < part.end]
        for one in units_of(source)
    }
    assert "Farm" == source.title
    assert ["Farm"] == said["last visit: 2025-02-11"]
    assert ["Farm", "owner"] == said["full name: Ada"]
    assert ["Farm", "soups", "Broth", "steps"] == said["- Salt it."]


def test_tags_of_yaml_are_never_run(read: READ) -> None:
    """A tag that asks for a Python object is a value like any other."""
    source = read("a.yaml", "a: !!python/object/apply:os.system [touch x]\nb: plain\n")

    assert "a: touch x\nb: plain" == source.text


def test_mixed_elements_of_xml_keep_their_sentences(read: READ) -> None:
    """Text with elements in it is one value; a page that calls itself XML is read as one."""
    mixed = read("a.xml", "<r><note>It is <b>very</b> cold.</note><note>Stay.</note></r>")
    page = read("b.xml", "<html><body><h1>Ice</h1><p>It is cold.</p></body></html>")

    assert "It is very cold." in mixed.text
    assert "Ice" == page.title


# Talks


def test_messages_that_slack_exported_are_a_talk(read: READ) -> None:
    """Who speaks by name, mentions and links as they are shown; who only came in says nothing."""
    source = read(
        "a.json",
        '[{"type": "message", "user": "U1", "ts": "1741600920.1", "text": "<@U2> see <http://x.y|this> &amp; *that*",'
        ' "user_profile": {"real_name": "Ada"}}, {"type": "message", "user": "U2", "ts": "1741601100.2", "text": "I will.",'
        ' "user_profile": {"real_name": "Tom"}}, {"type": "message", "subtype": "channel_join", "user": "U2", "ts": "1741601200.3",'
        ' "text": "joined"}]',
    )
    assert (
        "[2025-03-10 10:02] Ada: @Tom see this & that\n[2025-03-10 10:05] Tom: I will."
        == source.text
    )
    assert ["2025-03-10 10:02", "2025-03-10 10:05"] == [one.name for one in source.places]
    assert ["Ada", "Tom"] == [
        source.text[one.start : one.end] for one in source.blocks if one.kind == "speaker"
    ]


def test_messages_that_teams_and_telegram_exported_are_talks(read: READ) -> None:
    """Pages in messages keep their tables; texts in pieces are joined."""
    teams = read(
        "a.json",
        '{"value": [{"messageType": "message", "createdDateTime": "2025-04-07T05:12:44Z", "from": {"user": {"displayName": "Ada"}},'
        ' "body": {"contentType": "html", "content": "<p>Rota:</p><table><tr><th>Day</th><th>Who</th></tr><tr><td>Mon</td><td>Tom</td>'
        '</tr></table>"}}, {"messageType": "message", "createdDateTime": "2025-04-07T05:20:03Z", "from": {"user": {"displayName":'
        ' "Tom"}}, "body": {"contentType": "text", "content": "Fine."}}]}',
    )
    telegram = read(
        "b.json",
        '{"name": "Hut", "messages": [{"type": "message", "from": "Ada", "date": "2025-04-07T05:12:44", "text": ["See ", {"type":'
        ' "link", "text": "x.y"}]}, {"type": "message", "from": "Tom", "date": "2025-04-07T05:13:44", "text": "Yes."}]}',
    )
    assert [{"Day": "Mon", "Who": "Tom"}] == rows(teams)
    assert "[2025-04-07 05:12] Ada: Rota:" in teams.text
    assert ("Hut", "[2025-04-07 05:12] Ada: See x.y\n[2025-04-07 05:13] Tom: Yes.") == (
        telegram.title,
        telegram.text,
    )


def test_a_chat_of_whatsapp_keeps_its_text_and_names_its_times(read: READ) -> None:
    """Numbers speak as names do; what goes on over lines is one turn; the text is that of the file."""
    text = (
        "08/03/2025, 18:02 - Ada created group\n08/03/2025, 18:04 - Ada: The van is booked\nfor Saturday\n"
        "08/03/2025, 18:20 - +44 7700 900123: Park in our drive\n"
    )
    source = read("chat.txt", text)
    ios = read("b.txt", "[08.03.25, 18:04:11] Ada: One\n[08.03.25, 18:05:11] Tom: Two\n")

    assert text == source.text
    assert ["Ada", "+44 7700 900123"] == [
        source.text[one.start : one.end] for one in source.blocks if one.kind == "speaker"
    ]
    assert "08/03/2025, 18:04" == source.places[1].name
    assert text[source.places[1].start : source.places[1].end].endswith("\nfor Saturday")
    assert ["Ada", "Tom"] == [ios.text[b.start : b.end] for b in ios.blocks if b.kind == "speaker"]


def test_a_diary_is_no_chat(read: READ) -> None:
    """Dated lines without names are read as they were, as is an article below some with names."""
    lines = "08/03/2025, 18:04 - Ada: One\n08/03/2025, 18:05 - Tom: Two\n"
    assert () == read("b.txt", lines + "It rained all day.\n\n" * 600).places
    assert () == read("a.txt", "08/03/2025, 18:04 - rain\n09/03/2025, 18:05 - sun\n").places


def test_subtitles_are_joined_to_turns(read: READ) -> None:
    """Of one voice until it is silent, without one until a sentence ends; the time is the place."""
    vtt = read(
        "a.vtt",
        "WEBVTT - Council\n\nNOTE x\n\n00:03.000 --> 00:05.000\n<v Ada>The <i>bus</i>\nshelter\n\n"
        "00:05.500 --> 00:07.000\n<v Ada>is new.\n\n01:12:05.000 --> 01:12:09.000 align:start\n<v Tom>Good.\n",
    )
    srt = read(
        "b.srt",
        "1\n00:00:01,000 --> 00:00:03,000\nLook for\n\n2\n00:00:03,100 --> 00:00:05,000\neggs first.\n\n"
        "3\n00:04:00,000 --> 00:04:02,000\nWait.\n",
    )
    assert ("Council", "[00:00:03] Ada: The bus shelter is new.\n[01:12:05] Tom: Good.") == (
        vtt.title,
        vtt.text,
    )
    assert "Look for eggs first.\nWait." == srt.text
    assert ["00:00:01", "00:04:00"] == [one.name for one in srt.places]


def test_a_word_before_a_colon_is_nobody_who_speaks_once(read: READ) -> None:
    """One name in a whole film is none; seen to fail: all that followed was said by Water."""
    srt = read(
        "bread.srt",
        "1\n00:00:01,0 --> 00:00:02,0\nFlour first.\n\n"
        "2\n00:00:20,0 --> 00:00:21,0\nWater: two cups.\n\n"
        "3\n00:00:40,0 --> 00:00:41,0\nThen wait.\n",
    )
    assert "Flour first.\nWater: two cups.\nThen wait." == srt.text
    assert "speaker" not in {block.kind for block in srt.blocks}


def test_values_of_one_form_below_their_names_are_records(read: READ) -> None:
    """What stands below a name is that record's; lists of lists are rows as well."""
    keyed = read(
        "a.yaml",
        "dogs:\n  Rex: {age: 3, cost: 12}\n  Ada: {age: 5, cost: 15}\n  Tom: {age: 7, cost: 9}\n",
    )
    grid = read("b.json", '{"dogs": [["Dog", "Age", "Cost"], ["Rex", 3, 12], ["Ada", 5, 15]]}')

    assert {"name": "Ada", "age": "5", "cost": "15"} == rows(keyed)[1]
    assert {"Dog": "Ada", "Age": "5", "Cost": "15"} == rows(grid)[1]


def test_a_feed_reads_as_its_articles(read: READ) -> None:
    """Each stands below its title, without the tags that its text carries."""
    text = (
        "The bridge is shut until the fourth of May, since a lorry drove into it, and all buses go round by Mill Lane. "
        * 2
    )
    item = f"<item><title>%s</title><pubDate>1 May</pubDate><description>&lt;p&gt;{text}&lt;/p&gt;</description></item>"
    source = read(
        "a.xml",
        f"<rss><channel><title>News</title>{item % 'Bridge'}{item % 'Again'}</channel></rss>",
    )
    said = [one for one in units_of(source) if one.kind == "paragraph"]

    assert "Bridge" == said[0].path[-2 if said[0].path[-1].text == "description" else -1].text
    assert "<p>" not in source.text
