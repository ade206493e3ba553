"""What a passage's layout says: lists and what announces them, headings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.reader.layout import (
    MOST_ITEMS,
    announcing,
    headings,
    spoken,
    tables,
    units,
    whole,
)
from tests.reader_fakes import laid_out

KETTLE = """Kettle manual

In the box

The box contains:

- the kettle
- a base. It has a cable.
- this manual

Keep the box."""

LINES = st.lists(
    st.sampled_from(
        ["- one", "2. two. And more.", "It has:", "A heading", "Said in full.", "a | b", ""]
    )
).map("\n".join)


def lists(text: str) -> list[tuple[str, ...]]:
    """The units of more than one sentence."""
    return [tuple(one.text for one in unit) for unit in units(laid_out(text)) if len(unit) > 1]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("It has:\n\n- a\n- b\n\nAnd so on.", ("It has:", "- a", "- b")),
        ("It has:\n1. Ice. And tea.\n2. b", ("It has:", "1. Ice.", "And tea.", "2. b")),
        ("It has:\n(a) one\n(b) two", ("It has:", "(a) one", "(b) two")),
        ("Prices\n\nroom | 80\nbed | 20", ("Prices", "room | 80", "bed | 20")),
        ("You need the following.\n\n* a\n* b", ("You need the following.", "* a", "* b")),
        ("A: For sending:\n1. Weigh it.\n2. Go.", ("A: For sending:", "1. Weigh it.", "2. Go.")),
        ("She put it so:\n\nWe stay.\n\nNobody spoke.", ("She put it so:", "We stay.")),
    ],
    ids=["colon", "numbers", "letters", "rows", "following", "label", "no list"],
)
def test_a_list_belongs_to_the_sentence_that_announces_it(text, listed):
    """It is read from that sentence to the end of its last item."""
    assert [listed] == lists(text)


@pytest.mark.parametrize(
    "text",
    [
        "It rained. We left.",
        "It rained.\n\n- Anna\n- Ben",
        "Only this:",
        "One | two",
        "By us\n\nJ. Ek wrote.",
    ],
)
def test_what_announces_nothing_stands_alone(text):
    """A sentence that is said in full has no list, even where one comes after it."""
    assert not lists(text)


def test_a_unit_is_one_stretch_of_the_source():
    """Its text is what stands there, with whatever is between its sentences."""
    one = laid_out(KETTLE, begin=50)
    (unit,) = [each for each in units(one) if len(each) > 1]

    joined = whole(unit, one)

    assert (
        "The box contains:\n\n- the kettle\n- a base. It has a cable.\n- this manual" == joined.text
    )
    assert joined.text == KETTLE[joined.start - 50 : joined.end - 50]


def test_an_item_knows_what_announces_it():
    """It is the sentence with the colon; what only goes on with an item, or stands elsewhere, has none."""
    one = laid_out(KETTLE)
    lead = {each.text: announcing(one, each.start) for each in one.sentences}

    assert "The box contains:" == lead["- this manual"].text
    assert lead["It has a cable."] is lead["Keep the box."] is lead["The box contains:"] is None


def test_a_row_is_named_by_the_first():
    """A table's first row says what stands in the others."""
    one = laid_out("Rooms:\n\nname | price\nsea | 80\nhill | 60\n\nBook early.")
    lead = {each.text: announcing(one, each.start) for each in one.sentences}

    assert lead["hill | 60"] == lead["sea | 80"] == one.sentences[1]
    assert "Rooms:" == lead["name | price"].text


def test_a_table_is_read_out_with_the_names_of_its_columns():
    """What is put in is said with its place, so that offsets can be told."""
    text = "Rooms:\n\n | price 2025\nsea | 80\nhill | \n\nBook early."

    read, put_in = spoken(laid_out(text, begin=7))

    assert "Rooms:\n\n | price 2025\nsea | price 2025: 80\nhill | \n\nBook early." == read
    assert ((text.index("80"), "price 2025: "),) == put_in


@pytest.mark.parametrize("text", ["sea | 80\nhill | 60", "One sentence.", "name | price"])
def test_a_table_without_names_is_read_as_it_is(text):
    """Its first row is a row like the others."""
    assert (text, ()) == spoken(laid_out(text))


def test_a_table_that_a_passage_cuts_has_no_names():
    """Its first row may be any."""
    assert not list(tables(laid_out("sea | yes\nhill | no", begin=50)))


def test_headings_are_short_lines_set_apart():
    """What ends a sentence or announces is none, nor is an item or the last line."""
    one = laid_out(KETTLE)

    named = headings(one)

    assert ["Kettle manual", "In the box"] == [
        each.text for each in one.sentences if each.start in named
    ]


def test_a_list_has_an_end():
    """Of a list without end so many items are read."""
    text = "All of them:\n" + "\n".join(f"- number {i}" for i in range(3 * MOST_ITEMS))

    assert [1 + MOST_ITEMS] == [len(one) for one in lists(text)]


@given(LINES)
def test_every_sentence_begins_one_unit(text):
    """Units begin with each sentence in turn, and go on without a gap."""
    one = laid_out(text)
    found = units(one)

    assert [unit[0] for unit in found] == list(one.sentences)
    for at, unit in enumerate(found):
        assert unit == one.sentences[at : at + len(unit)]
