"""How a passage is read out: what belongs together, and what stands before each unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.reader.layout import MOST_ITEMS, announcing, spoken, units, whole
from rag.schema import Candidate
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


def leads(candidate: Candidate) -> dict[str, str | None]:
    """What each sentence is said with."""
    said = {one.text: announcing(one) for one in candidate.sentences}
    return {text: lead and lead.text for text, lead in said.items()}


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("It has:\n\n- a\n- b\n\nAnd so on.", ("It has:", "- a", "- b")),
        ("It has:\n1. Ice. And tea.\n2. b", ("It has:", "1. Ice.", "And tea.", "2. b")),
        ("It has:\n(a) one\n(b) two", ("It has:", "(a) one", "(b) two")),
        ("Us\n\nIt is.\n\nPrices\n\nroom | 80\nbed | 20", ("Prices", "room | 80", "bed | 20")),
        ("You need the following.\n\n* a\n* b", ("You need the following.", "* a", "* b")),
        ("A: For sending:\n1. Weigh it.\n2. Go.", ("A: For sending:", "1. Weigh it.", "2. Go.")),
    ],
    ids=["colon", "numbers", "letters", "rows", "following", "label"],
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
        "It is.\n\nBy us\n\nJ. Ek wrote.",
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


def test_a_unit_that_is_no_list_is_its_sentence():
    """Nothing about it changes."""
    one = laid_out(KETTLE)

    assert [whole((each,), one) for each in one.sentences] == list(one.sentences)


def test_an_item_knows_what_announces_it():
    """All that an item says is said with the sentence before the list; what stands elsewhere has none."""
    found = leads(laid_out(KETTLE))

    assert (
        found["- this manual"]
        == found["- a base."]
        == found["It has a cable."]
        == "The box contains:"
    )
    assert found["Keep the box."] is found["The box contains:"] is found["Kettle manual"] is None


def test_an_item_without_a_lead_is_said_under_its_heading():
    """Where nothing else announces a list, its heading does."""
    assert leads(laid_out("To bring\n\n- a pen\n- a cap")) == {
        "To bring": None,
        "- a pen": "To bring",
        "- a cap": "To bring",
    }


def test_a_row_is_named_by_the_first():
    """A table's first row says what stands in the others, and is said under what announces the table."""
    found = leads(laid_out("Rooms:\n\nname | price\nsea | 80\nhill | 60\n\nBook early."))

    assert found == {
        "Rooms:": None,
        "name | price": "Rooms:",
        "sea | 80": "name | price",
        "hill | 60": "name | price",
        "Book early.": None,
    }


def test_a_row_keeps_its_columns_names_where_a_passage_is_cut():
    """What names a column was read in the source, not in the passage."""
    text = "name | price\nsea | 80\nhill | 60"
    one = laid_out(text)
    cut = text.index("hill")
    rest = Candidate(
        passage=one.passage.__class__(
            passage_id="", source_id="", start=cut, end=len(text), text=text[cut:], n_tokens=3
        ),
        dense=0.0,
        lexical=0.0,
        fused=0.0,
        sentences=one.sentences[2:],
    )

    assert "name: hill | price: 60" == spoken(rest)[0]
    assert "name | price" == announcing(rest.sentences[0]).text


def test_a_table_is_read_out_with_the_names_of_its_columns():
    """What is put in is said with its place, so that offsets can be told; an empty name or cell has none."""
    text = "Rooms:\n\n | price\nsea | 80\nhill | \n\nBook early."

    read, put_in = spoken(laid_out(text, begin=7))

    assert "Rooms:\n\n | price\nsea | price: 80\nhill | \n\nBook early." == read
    assert ((text.index("80"), "price: "),) == put_in


@pytest.mark.parametrize("text", ["sea | 80\nhill | 60", "One sentence.", "name | price"])
def test_a_table_without_names_is_read_as_it_is(text):
    """Its first row is a row like the others."""
    assert (text, ()) == spoken(laid_out(text))


def test_what_a_passage_says_itself_is_not_put_in():
    """Its headings and what announces its lists stand before what hangs from them."""
    assert (KETTLE, ()) == spoken(laid_out(KETTLE))


def test_what_a_cut_passage_hangs_from_is_read_once():
    """It stands before the first unit that hangs from it, the three innermost parts at most."""
    whole_text = laid_out(KETTLE)
    cut = KETTLE.index("- a base")
    rest = Candidate(
        passage=replace(whole_text.passage, start=cut, text=KETTLE[cut:]),
        dense=0.0,
        lexical=0.0,
        fused=0.0,
        sentences=tuple(one for one in whole_text.sentences if one.start >= cut),
    )

    assert spoken(rest)[0] == (
        "Kettle manual › In the box › The box contains: - a base. It has a cable.\n- this manual\n\nKeep the box."
    )


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


@given(LINES, st.integers(0, 9))
def test_what_is_put_in_can_be_taken_out(text, begin):
    """Without what was put in, in order of its place, the text that is read out is the passage."""
    read, put_in = spoken(laid_out(text, begin=begin))

    assert sorted(at for at, _ in put_in) == [at for at, _ in put_in]
    for at, words in put_in:
        assert words == read[at : at + len(words)]
        read = read[:at] + read[at + len(words) :]
    assert text == read
