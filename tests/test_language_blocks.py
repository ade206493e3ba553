"""Blocks and units as JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from rag.language.blocks import (
    blocks_as_json,
    blocks_of,
    pages_as_json,
    pages_of,
    path_of,
    units_as_json,
    units_of,
)
from rag.language.layout import find_blocks
from rag.passages import units_of as split_units
from rag.schema import Block, Cell, Context, Place, Unit
from tests.structure_fakes import ANY_TEXT, source_of

KINDS = st.sampled_from(["title", "heading", "item", "row", "question", "term"])
PLACES = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted)
CONTEXTS = st.builds(
    lambda kind, place, text: Context(kind=kind, start=place[0], end=place[1], text=text),
    KINDS,
    PLACES,
    st.text(max_size=20),
)
CELLS = st.builds(
    lambda place, name: Cell(start=place[0], end=place[1], name=name), PLACES, st.text(max_size=9)
)
UNITS = st.builds(
    lambda kind, place, path, cells: Unit(
        start=place[0], end=place[1], kind=kind, path=tuple(path), cells=tuple(cells)
    ),
    KINDS,
    PLACES,
    st.lists(CONTEXTS, max_size=3),
    st.lists(CELLS, max_size=3),
)
BLOCKS = st.builds(
    lambda kind, place, level, parent, header, key: Block(
        kind=kind,
        start=place[0],
        end=place[1],
        level=level,
        parent=parent,
        header=tuple(header),
        key=key,
    ),
    KINDS,
    PLACES,
    st.integers(0, 20),
    st.none() | st.integers(0, 9),
    st.lists(st.integers(0, 9), max_size=3),
    st.none() | st.integers(0, 9),
)


@given(st.lists(BLOCKS, max_size=6))
def test_blocks_come_back_as_they_were(blocks):
    """Every field of every block, in order."""
    assert tuple(blocks) == blocks_of(blocks_as_json(blocks))


@given(
    st.lists(st.integers(0, 9)),
    st.lists(
        st.builds(
            Place,
            start=st.integers(0, 9),
            end=st.integers(0, 9),
            name=st.text(),
            box=st.none() | st.tuples(*[st.floats(0, 1)] * 4),
        )
    ),
)
def test_pages_and_places_come_back_as_they_were(pages, places):
    """In order, names and rectangles among them."""
    assert (tuple(pages), tuple(places)) == pages_of(pages_as_json(pages, places))


@given(st.lists(CONTEXTS, max_size=3), st.lists(UNITS, max_size=5))
def test_units_come_back_as_they_were(path, units):
    """The path of a passage, and every field of its units; where they stand is kept beside."""
    written = units_as_json(path, units)
    places = [(one.start, one.end) for one in units]

    assert (tuple(path), tuple(units)) == units_of(written, places)
    assert tuple(path) == path_of(written)


@given(ANY_TEXT)
def test_the_structure_of_any_text_comes_back(text):
    """What is found in a text survives being stored."""
    blocks = find_blocks(text)
    units = tuple(split_units(source_of(text, blocks)))

    assert blocks == blocks_of(blocks_as_json(blocks))
    assert ((), units) == units_of(
        units_as_json((), units), [(one.start, one.end) for one in units]
    )


def test_what_many_units_hang_from_is_written_once():
    """A heading above a hundred items takes no more room than above one."""
    heading = Context(kind="heading", start=0, end=5, text="Rates")
    units = [Unit(start=at, end=at + 1, kind="item", path=(heading,)) for at in range(9, 109)]

    written = units_as_json((heading,), units)

    assert 1 == written.count("Rates")
    assert [0] == json.loads(written)["path"]
