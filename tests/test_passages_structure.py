"""From a source's blocks to its units, each with its path."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.passages.structure import find_units, units_of
from rag.schema import Block, BlockKind, Cell, Source
from rag.sources import rows
from tests.structure_fakes import ANY_TEXT, check_blocks, check_units, paths, source_of

POLICY = """Homeguard policy

What is covered

Fire. Water, if it comes from a pipe.

What is not covered

We do not pay for:

- floods. Not from rivers either.
- wear

Rates

zone | price
north | 4
south | 5"""


def laid(text: str, *blocks: tuple[BlockKind, str, int | None]) -> Source:
    """A source of this text whose blocks are these words, each with the index of what it hangs from."""
    return source_of(
        text,
        [
            Block(kind=kind, start=text.index(words), end=text.index(words) + len(words), parent=parent)
            for kind, words, parent in blocks
        ],
    )  # fmt: skip


def of_file(source_id: str, title: str, text: str) -> Source:
    """A source of this name."""
    return Source(source_id=source_id, title=title, text=text, sha256="0", media_type="text/plain")


def test_every_unit_knows_what_it_hangs_from():
    """Title, headings, what announces a list, the names of a table's columns; an item is one, its sentences are two."""
    title, covered, excluded = "Homeguard policy", "What is covered", "What is not covered"

    assert paths(source_of(POLICY)) == [
        ("title", title, ()),
        ("heading", covered, (title,)),
        ("paragraph", "Fire.", (title, covered)),
        ("paragraph", "Water, if it comes from a pipe.", (title, covered)),
        ("heading", excluded, (title,)),
        ("paragraph", "We do not pay for:", (title, excluded)),
        ("item", "- floods.", (title, excluded, "We do not pay for:")),
        ("item", "Not from rivers either.", (title, excluded, "We do not pay for:")),
        ("item", "- wear", (title, excluded, "We do not pay for:")),
        ("heading", "Rates", (title,)),
        ("row", "zone | price", (title, "Rates")),
        ("row", "north | 4", (title, "Rates", "zone | price")),
        ("row", "south | 5", (title, "Rates", "zone | price")),
    ]


def test_a_cell_has_the_name_of_its_column():
    """In offsets of the source; a row that names others has cells without names."""
    first, *_, last = [one for one in units_of(source_of(POLICY)) if one.kind == "row"]
    at = POLICY.index("south")

    assert ["", ""] == [one.name for one in first.cells]
    assert last.cells == (
        Cell(start=at, end=at + 5, name="zone"),
        Cell(start=at + 8, end=at + 9, name="price"),
    )


def test_a_name_that_the_row_says_itself_is_not_said_again():
    """The row of a CSV file has its columns' names before their cells."""
    document = rows.read(b"Name,Age\nAnn,34\nBen,35")
    (text,) = document.parts

    units = [*units_of(source_of(text, document.blocks))]

    assert ["Name: Ann; Age: 34.", "Name: Ben; Age: 35."] == [
        text[one.start : one.end] for one in units
    ]
    assert [["", ""], ["", ""]] == [[cell.name for cell in one.cells] for one in units]
    assert ["Ann", "34"] == [text[cell.start : cell.end] for cell in units[0].cells]


def test_only_the_sentence_that_announces_is_said_with_what_hangs_from_it():
    """Of a paragraph of two sentences before a list it is the last."""
    text = "It is short. It has:\n\n- a"
    lead = ("paragraph", "It is short. It has:", None)
    source = laid(text, lead, ("list", "- a", 0), ("item", "- a", 1))

    assert [("item", "- a", ("It has:",))] == paths(source)[-1:]


def test_an_item_that_holds_a_list_announces_it_by_its_own_words():
    """What stands behind the inner list is the item's too."""
    text = "- one\n- two:\n- deep\nand more"
    source = laid(
        text, ("list", text, None), ("item", "- one", 0), ("item", "- two:\n- deep\nand more", 0),
        ("list", "- deep", 2), ("item", "- deep", 3),
    )  # fmt: skip

    assert paths(source) == [
        ("item", "- one", ()),
        ("item", "- two:", ()),
        ("item", "- deep", ("two:",)),
        ("paragraph", "and more", ("two:",)),
    ]


def test_text_in_no_block_is_read_too():
    """It is a paragraph that hangs from what it stands in, or from the document."""
    text = "Head\n\nBefore. And after."
    source = laid(text, ("heading", "Head", None))

    assert [
        ("heading", "Head", ()),
        ("paragraph", "Before.", ()),
        ("paragraph", "And after.", ()),
    ] == paths(source)


def test_a_source_without_blocks_is_looked_at():
    """What nothing has looked at yet has the structure of its text."""
    text = "Rates\n\nIt is so.\n\nzone | price\nnorth | 4"

    assert ("row", "north | 4", ("Rates", "zone | price")) == paths(source_of(text))[-1]


@pytest.mark.parametrize("kind", ["heading", "row", "code", "field", "question"])
def test_some_blocks_are_one_unit(kind):
    """A heading, row or field of two sentences is not cut, unless it is longer than any is."""
    short, long = "It is so. It was so.", "It is so. " * 200

    assert 1 == len([*units_of(laid(short, (kind, short, None)))])
    assert 200 == len([*units_of(laid(long, (kind, long, None)))])


@pytest.mark.parametrize(
    ("source_id", "title", "text", "expected"),
    [
        ("a/notes.txt", "The harbour", "It was built in 1912.", ("The harbour", "notes")),
        ("harbour.txt", "The harbour", "It was built in 1912.", ("The harbour",)),
        ("harbour_plan-2024.pdf", "The harbour", "It was built.", ("The harbour", "harbour plan-2024")),
        ("notes.txt", "It was built in 1912.", "It was built in 1912. And so on.", ("notes",)),
        ("3f2a9c00d1e2b3a4.txt", "It was built …", "It was built. And so on.", ()),
        ("", "", "It was built.", ()),
    ],
    ids=["both", "told by the title", "file adds", "title is the text", "hash", "no name"],
)  # fmt: skip
def test_a_unit_hangs_from_the_documents_name(source_id, title, text, expected):
    """Its title where the text does not begin with it, and its file's name where that adds words; a hash adds none."""
    source = of_file(source_id, title, text)
    first, *_ = units_of(source)

    assert expected == tuple(one.text for one in first.path)
    assert all(one.start == one.end for one in first.path)


def test_a_path_is_on_one_line_and_without_decoration():
    """Marks, rules beneath and line breaks go; what is long is cut."""
    text = f"## A heading\nof two lines\n=====\n\n{'Long ' * 60}\n\nWords."
    first = ("heading", "## A heading\nof two lines\n=====", None)
    source = laid(text, first, ("heading", ("Long " * 60).strip(), 0), ("paragraph", "Words.", 1))

    heading, long = paths(source)[-1][2]

    assert "A heading of two lines" == heading
    assert "Long Long" == long[:9]
    assert 161 >= len(long)
    assert "…" == long[-1]


def test_units_of_a_stretch_are_those_that_start_in_it():
    """In order, with the same paths as in the whole."""
    source = source_of(POLICY)
    start, end = POLICY.index("Water"), POLICY.index("zone")

    assert [one for one in units_of(source) if start <= one.start < end] == [
        *units_of(source, start, end)
    ]


def test_the_first_unit_of_a_block_is_told():
    """Packing breaks rather before it than before the others."""
    found = [(POLICY[one.start : one.end], opens) for one, opens in find_units(source_of(POLICY))]

    assert [False] == [opens for text, opens in found if text.startswith("Water")]
    assert [True] == [opens for text, opens in found if text.startswith("- floods")]


@settings(deadline=None)
@given(ANY_TEXT, st.integers(0, 300), st.integers(0, 300))
def test_any_stretch_has_its_units(text, one, other):
    """Every character that is not blank is in exactly one unit; those of a stretch start in it."""
    source = source_of(text, title="A name")
    start, end = sorted((one, other))

    check_units(source)
    assert all(start <= unit.start < end for unit in units_of(source, start, end))


BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(
            ["title", "heading", "paragraph", "list", "item", "row", "cell", "quote", "speaker", "field", "definition"]
        ),
        st.integers(0, 60),
        st.integers(0, 30),
        st.integers(-1, 9),
    ),
    max_size=9,
)  # fmt: skip


@settings(deadline=None)
@given(st.text("ab. \n-:", max_size=60), BLOCKS)
def test_any_blocks_have_their_units(text, drawn):
    """Whatever a loader says of a text, blocks that overlap among it, no character is lost or read twice."""
    blocks = []
    for at, (kind, start, width, parent) in enumerate(sorted(drawn, key=lambda one: one[1])):
        begin = min(start, len(text))
        blocks.append(
            Block(
                kind=kind,
                start=begin,
                end=min(begin + width, len(text)),
                parent=parent if 0 <= parent < at else None,
            )
        )

    check_blocks(text, blocks)
    check_units(source_of(text, blocks))


@pytest.mark.parametrize(
    "table",
    [
        b",".join(b"name %d" % at for at in range(10_000)) + b"\n" + b"7," * 10_000,
        b",".join(b"c%d" % at for at in range(2_000)) + b"\n" + b"1\n" * 10_000,
        b"a,b\n" + b"1,2\n" * 10_000,
    ],
    ids=["wide", "narrow below wide", "long"],
)
def test_time_grows_with_length_not_its_square(table):
    """A table of ten thousand columns or rows takes seconds at most."""
    start = time.process_time()
    document = rows.read(table)
    (text,) = document.parts
    check_units(source_of(text, document.blocks))

    assert time.process_time() - start < 6
