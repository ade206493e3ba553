"""The blocks of text without markup: kinds, parents, names of columns; for any text, in time that grows with it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.layout import find_blocks, refine
from rag.schema import Block
from tests.structure_fakes import ANY_TEXT, check_blocks, check_units, source_of, told

REPORT = """The yearly report

It is short. It has two parts.

1. Scope

It covers the house.

2. Limits

It leaves out:

- the garden
- the shed
  - its roof

That is all."""


def found(text: str) -> list[tuple[str, str, str | None]]:
    """The blocks of a text: kind, words, and the words of what each hangs from; cells and rows as they stand."""
    return told(text, find_blocks(text))


def named(text: str) -> dict[str, list[str]]:
    """The cells of a text's tables, each with the words of what names its column."""
    blocks = find_blocks(text)
    return {
        text[one.start : one.end]: [text[blocks[at].start : blocks[at].end] for at in one.header]
        for one in blocks
        if one.kind == "cell"
    }


def test_a_report_has_a_title_sections_and_lists():
    """Each paragraph hangs from its section, a list from what announces it, an item from the one above."""
    listed = "- the garden - the shed - its roof"

    assert found(REPORT) == [
        ("title", "The yearly report", None),
        ("paragraph", "It is short. It has two parts.", "The yearly report"),
        ("heading", "1. Scope", "The yearly report"),
        ("paragraph", "It covers the house.", "1. Scope"),
        ("heading", "2. Limits", "The yearly report"),
        ("paragraph", "It leaves out:", "2. Limits"),
        ("list", listed, "It leaves out:"),
        ("item", "- the garden", listed),
        ("item", "- the shed", listed),
        ("item", "- its roof", "- the shed"),
        ("paragraph", "That is all.", "2. Limits"),
    ]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Only a sentence.", ["paragraph"]),
        ("By us\n\nJ. Ek wrote.", ["title", "paragraph"]),
        ("Term\n====\n\nText.\n\nOther\n-----\n\nMore.", ["title", "paragraph", "heading", "paragraph"]),
        ("Article 3\n\nNo entry.\n\nArticle 4\n\nGo.", ["heading", "paragraph"] * 2),
        ("# One\n\nIt is.\n\n## Two\n\nIt was.", ["title", "paragraph", "heading", "paragraph"]),
        ("word\n: its meaning", ["term", "definition", "paragraph"]),
        ("Rent ..... 80\nHeat ..... 20", ["field", "field"]),
        ("It said:\n\n> We stay.\n> All of us.", ["paragraph", "quote"]),
        ("", []),
        ("\n \n", []),
    ],
)  # fmt: skip
def test_a_block_is_what_its_lines_show(text, kinds):
    """Headings by rules, numbers and marks; an initial is no number of an item."""
    assert kinds == [one.kind for one in find_blocks(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Why is it so?\n\nBecause of this.\n\nWho pays?\n\nWe do, and gladly.",
        "Why is it so?\nBecause of this.\n\nWho pays?\nWe do, and gladly.",
        "1. Why is it so?\nBecause of this.\n\n2. Who pays?\nWe do, and gladly.",
        "Q: Why is it so?\nA: Because of this.\nQ: Who pays?\nA: We do, and gladly.",
    ],
    ids=["apart", "together", "numbered", "marked"],
)
def test_an_answer_hangs_from_its_question(text):
    """Two questions or more with what follows each are an FAQ."""
    pairs = [(kind, parent) for kind, _, parent in found(text)]

    assert ["question", "question"] == [kind for kind, _ in pairs[::2]]
    assert all(parent.endswith("?") for _, parent in pairs[1::2])


def test_a_question_in_running_text_is_rhetoric():
    """One alone that a paragraph follows heads nothing."""
    text = "We went home. Why did we? Nobody knows.\n\nIt rained."

    assert ["paragraph", "paragraph"] == [one.kind for one in find_blocks(text)]


def test_what_is_said_hangs_from_who_says_it():
    """In a talk an answer hangs from the question and its speaker, up to the asker's next turn."""
    talk = "Ann: Why is it so?\nBen: It is so because.\nAnn: I see.\nBen: Yes."

    assert found(talk) == [
        ("speaker", "Ann", None),
        ("question", "Ann: Why is it so?", None),
        ("speaker", "Ben", "Ann: Why is it so?"),
        ("paragraph", "Ben: It is so because.", "Ben"),
        ("speaker", "Ann", None),
        ("paragraph", "Ann: I see.", "Ann"),
        ("speaker", "Ben", None),
        ("paragraph", "Ben: Yes.", "Ben"),
    ]


def test_a_mail_hangs_from_its_head():
    """From whom and on what: the fields of its head."""
    assert found("From: Ann\nTo: Ben\nSubject: Tea\n\nPlease bring some.") == [
        ("field", "From: Ann", None),
        ("field", "To: Ben", "From: Ann"),
        ("field", "Subject: Tea", "From: Ann"),
        ("paragraph", "Please bring some.", "Subject: Tea"),
    ]


def test_a_subtitle_hangs_from_its_time():
    """Its lines are one paragraph."""
    cues = "1\n00:00:01,000 --> 00:00:02,000\nHello there,\nall.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye."

    assert found(cues)[:2] == [
        ("heading", "1 00:00:01,000 --> 00:00:02,000", None),
        ("paragraph", "Hello there, all.", "1 00:00:01,000 --> 00:00:02,000"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name | price\nsea | 80\nhill | 60",
        "| name | price |\n|------|-------|\n| sea  | 80 |\n| hill | 60 |",
        "name\tprice\nsea\t80\nhill\t60",
        "name    price\nsea        80\nhill       60",
    ],
    ids=["bars", "ruled", "tabs", "columns"],
)
def test_a_cell_is_named_by_its_column(text):
    """Whatever parts the columns, the first row names them."""
    assert {"name": [], "price": [], "sea": ["name"], "80": ["price"], "hill": ["name"], "60": ["price"]} == {
        cell.strip(): [head.strip() for head in heads] for cell, heads in named(text).items()
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "| | child | adult |\n|---|---|---|\n| sea | 8 | 9 |\n| hill | | 7 |",
        " | child | adult\nsea | 8 | 9\nhill | | 7",
        "sea | child | adult |\nhill | 8 | |\ndale | 9 | 7 |",
    ],
    ids=["framed", "corner", "closed"],
)
def test_an_empty_cell_keeps_its_column(text):
    """A bar with nothing before or behind it parts a cell as any other does."""
    blocks = find_blocks(text)
    widths = [
        sum(cell.kind == "cell" and cell.parent == at for cell in blocks)
        for at, one in enumerate(blocks)
        if one.kind == "row"
    ]

    assert [3, 3, 3] == widths
    assert ["adult"] == named(text)["7"]


def test_a_table_of_figures_alone_has_no_names():
    """Its first row is a row like the others."""
    assert {"sea": [], "80": [], "hill": [], "60": []} == named("sea | 80\nhill | 60")


def test_a_row_has_its_first_cell_for_a_key():
    """A record, as in a list of addresses, is a row too."""
    text = "Ann Lee\nStreet 5\nTown 10\n\nBen Ek\nRoad 7\nTown 11"
    blocks = find_blocks(text)
    keys = [blocks[one.key] for one in blocks if one.kind == "row"]

    assert ["Ann Lee", "Ben Ek"] == [text[one.start : one.end] for one in keys]


def test_markup_is_not_guessed_again():
    """What a loader knows stays; only loose paragraphs are looked at, and headings only where the markup has none."""
    text = "Rules\n\nIt has:\n\n- one\n- two\n\nA heading\n\nAnd text."
    places = [("heading", 0, 5), ("paragraph", 7, 14), ("paragraph", 16, 27), ("paragraph", 29, 38), ("paragraph", 40, 49)]  # fmt: skip

    refined = refine(text, [Block(kind=kind, start=start, end=end) for kind, start, end in places])

    assert told(text, refined) == [
        ("title", "Rules", None),
        ("paragraph", "It has:", "Rules"),
        ("list", "- one - two", "It has:"),
        ("item", "- one", "- one - two"),
        ("item", "- two", "- one - two"),
        ("paragraph", "A heading", "Rules"),
        ("paragraph", "And text.", "Rules"),
    ]


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_text_has_a_structure(text):
    """Blocks lie in it, in order and without circles; every character that is not blank is in exactly one unit."""
    blocks = find_blocks(text)

    check_blocks(text, blocks)
    check_units(source_of(text, blocks))


@settings(deadline=None)
@given(ANY_TEXT, st.lists(st.integers(0, 200), max_size=8))
def test_any_paragraphs_have_a_structure(text, cuts):
    """However a loader cuts a text into paragraphs, what is found in them stands where it says."""
    bounds = sorted({0, len(text), *(at for at in cuts if at < len(text))})
    loose = [
        Block(kind="paragraph", start=start, end=end)
        for start, end in zip(bounds, bounds[1:], strict=False)
    ]

    refined = refine(text, loose)

    check_blocks(text, refined)
    check_units(source_of(text, refined))


HOSTILE = {
    "one line": "word " * 20_000,
    "one word": "a" * 100_000,
    "short lines": "ab c\n" * 20_000,
    "short paragraphs": "Ab c\n\n" * 16_000,
    "bullets": "- ab\n" * 20_000,
    "lists with leads": "It has:\n- ab\n\n" * 7_000,
    "deep lists": "".join(f"{' ' * min(at, 300)}- a\n" for at in range(600)),
    "numbers": "1. Ab c\n" * 12_000,
    "numbered headings": "1. Ab c\n\nSome text.\n\n" * 5_000,
    "bars": "|" * 100_000,
    "bars and spaces": "| " * 50_000,
    "rows": "a | b\n" * 16_000,
    "wide rows": ("x | " * 12_000 + "\n") * 2,
    "wide gaps": ("a\t" * 25_000 + "\n") * 2,
    "dashes": "-" * 100_000 + "x",
    "ruled rows": ("| " + "-" * 50_000 + "x |\n") * 2,
    "dots": ". " * 50_000,
    "leaders": "ab ..... c\n" * 9_000,
    "closing marks": "." + ")" * 100_000 + "x",
    "spaces": "a" + " " * 100_000 + "b",
    "quote marks": ">" * 100_000,
    "deeper quotes": "".join(f"{'>' * (at % 300)} ab\n" for at in range(600)),
    "questions": "Why?\n\nSo.\n\n" * 9_000,
    "questions alone": "Why?\n" * 20_000,
    "talk": "Ann: Why is it?\nBen: It is so.\n" * 3_000,
    "many speakers": "".join(f"N{at}: it is so and\n" for at in range(5_000)),
    "labels": "Ab: c\n" * 16_000,
    "mails": "From: a\nTo: b\nSubject: c\n\nHi there\n\n" * 2_500,
    "cues": "00:00:01,000 --> 00:00:02,000\nHi there\n\n" * 2_500,
    "records": "Ann B\nStreet 5\nTown\n\n" * 5_000,
    "terms": "term\n: meaning\n\n" * 6_000,
    "stamps": "12:30 " * 16_000,
    "rules": "---\n" * 25_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_with_length_not_its_square(text):
    """50,000 characters of anything take seconds at most, with what hangs from what."""
    text = text[:50_000]
    start = time.process_time()
    check_units(source_of(text, find_blocks(text)))

    assert time.process_time() - start < 6
