"""The structure of a document while its text is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.language.layout import find_blocks
from rag.language.outline import shifted
from rag.schema import Block
from rag.sources.structure import Structure, clipped
from tests.structure_fakes import ANY_TEXT, check_blocks, told


def written(*steps: tuple[object, ...]) -> tuple[str, tuple[Block, ...]]:
    """The text and the blocks of steps: an element or a cell begins, a text is written, an element with a key ends."""
    text, structure = "", Structure()
    for step, *rest in steps:
        if step == "open":
            structure.open(*rest)
        elif step == "cell":
            structure.open_cell(rest[0], is_head=rest[1], spans=rest[2])
        elif step == "text":
            structure.begin(len(text), len(text))
            text += f"{rest[0]}\n"
        else:
            structure.close(rest[0], len(text) - 1)
    return text, structure.blocks(text)


def row(key: int, *cells: tuple[str, bool, tuple[int, int]]) -> list[tuple[object, ...]]:
    """The steps of a row of a table."""
    steps: list[tuple[object, ...]] = [("open", "row", key)]
    for at, (words, is_head, spans) in enumerate(cells, key + 1):
        steps += [("cell", at, is_head, spans), ("text", words), ("close", at)]
    return [*steps, ("close", key)]


def names(text: str, blocks: tuple[Block, ...], kind: str) -> dict[str, list[str]]:
    """The words of each block of a kind, with those of what names it."""
    return {
        text[one.start : one.end].strip(): [
            text[blocks[at].start : blocks[at].end] for at in one.header
        ]
        for one in blocks
        if one.kind == kind
    }


def test_blocks_nest_as_they_are_opened():
    """What is opened inside another hangs from it."""
    text, blocks = written(
        ("open", "list", 1), ("open", "item", 2), ("text", "- a"), ("close", 2), ("open", "item", 3),
        ("text", "- b"), ("close", 3), ("close", 1),
    )  # fmt: skip

    assert told(text, blocks) == [
        ("list", "- a - b", None),
        ("item", "- a", "- a - b"),
        ("item", "- b", "- a - b"),
    ]


def test_what_stays_without_text_is_no_block():
    """An empty element leaves nothing, and what hung from it hangs from nothing."""
    text, blocks = written(("open", "heading", 1), ("close", 1), ("text", "Words."))

    assert [("paragraph", "Words.", None)] == told(text, blocks)


def test_closing_a_block_closes_what_is_open_inside():
    """Markup that forgets to close an item ends it with its list."""
    text, blocks = written(
        ("open", "list", 1), ("open", "item", 2), ("text", "- a"), ("close", 1), ("text", "b"),
        ("close", 7),
    )  # fmt: skip

    assert told(text, blocks) == [
        ("list", "- a", None),
        ("item", "- a", "- a"),
        ("paragraph", "b", None),
    ]


def test_terms_share_the_definition_behind_them():
    """A definition hangs from the term before it, a second term from the first."""
    text, blocks = written(
        ("open", "term", 1), ("text", "a"), ("close", 1), ("open", "term", 2), ("text", "b"), ("close", 2),
        ("open", "definition", 3), ("text", "both"), ("close", 3), ("open", "term", 4), ("text", "c"), ("close", 4),
    )  # fmt: skip

    assert [one for one in told(text, blocks) if one[0] != "paragraph"] == [
        ("term", "a", None),
        ("term", "b", "a"),
        ("definition", "both", "b"),
        ("term", "c", None),
    ]


def test_cells_are_named_by_the_heads_of_their_columns():
    """A head over two columns names both, a second row of heads names them too."""
    text, blocks = written(
        ("open", "table", 1),
        *row(10, ("Zone", True, (1, 2)), ("Price", True, (2, 1))),
        *row(20, ("2024", True, (1, 1)), ("2025", True, (1, 1))),
        *row(30, ("North", False, (1, 1)), ("4", False, (1, 1)), ("5", False, (1, 1))),
        ("close", 1),
    )

    assert {"North": ["Zone"], "4": ["Price", "2024"], "5": ["Price", "2025"]} == {
        cell: heads for cell, heads in names(text, blocks, "cell").items() if heads
    }


def test_a_cell_that_reaches_down_heads_the_rows_below():
    """They stand in its columns, and hang from it."""
    text, blocks = written(
        ("open", "table", 1),
        *row(10, ("Zone", True, (1, 1)), ("Kind", True, (1, 1)), ("Price", True, (1, 1))),
        *row(20, ("North", False, (1, 2)), ("child", False, (1, 1)), ("4", False, (1, 1))),
        *row(30, ("adult", False, (1, 1)), ("5", False, (1, 1))),
        ("close", 1),
    )

    assert ["North"] == names(text, blocks, "row")["adult\n5"]
    assert ["Price"] == names(text, blocks, "cell")["5"]


def test_a_row_has_its_first_cell_for_a_key():
    """It tells the row from the others."""
    text, blocks = written(
        ("open", "table", 1), *row(10, ("North", False, (1, 1)), ("4", False, (1, 1)))
    )
    (one,) = (block for block in blocks if block.kind == "row")

    assert "North" == text[blocks[one.key].start : blocks[one.key].end]


def test_nesting_has_an_end():
    """Blocks inside each other without end belong to the fiftieth, and a cell without room is none."""
    steps = [("open", "quote", key) for key in range(200)]

    text, blocks = written(*steps, ("cell", 900, True, (1, 1)), ("text", "deep"))

    assert 51 == len(blocks)
    check_blocks(text, blocks)


def test_what_a_table_can_name_has_an_end():
    """Rows of heads without end name no column without end, nor do cells that reach down."""
    heads = [step for at in range(40) for step in row(1000 * at, (f"h{at}", True, (1, 1)))]
    cells = row(90_000, *((f"c{at}", False, (1, 9)) for at in range(40)))

    text, blocks = written(
        ("open", "table", 1), *heads, *cells, *row(95_000, ("last", False, (1, 1))), ("close", 1)
    )

    assert 5 >= max(len(heads) for heads in names(text, blocks, "cell").values())
    assert 8 >= len(names(text, blocks, "row")["last"])


KINDS = st.sampled_from(["list", "item", "table", "row", "quote", "heading", "term", "definition"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), KINDS, st.integers(0, 9)),
        st.tuples(
            st.just("cell"),
            st.integers(0, 9),
            st.booleans(),
            st.tuples(st.integers(1, 3), st.integers(1, 3)),
        ),
        st.tuples(st.just("text"), st.sampled_from(["a", "Two words", "7"])),
        st.tuples(st.just("close"), st.integers(0, 9)),
    ),
    max_size=30,
)


@given(STEPS)
def test_any_markup_has_a_structure(steps):
    """Whatever is opened, closed or forgotten, blocks lie in the text, in order, without circles."""
    text, blocks = written(*steps)

    check_blocks(text, blocks)


@given(ANY_TEXT, st.integers(0, 300), st.integers(0, 300))
def test_a_stretch_keeps_its_blocks(text, one, other):
    """What is clipped stands where it stood, names only what is left, and none is empty that was not."""
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    blocks = find_blocks(text)

    held = clipped(blocks, start, end)

    check_blocks(text[start:end], held)
    inside = [
        block
        for block in blocks
        if start <= block.start and block.end <= end and block.start < block.end
    ]
    told_inside = {(block.kind, text[block.start : block.end]) for block in inside}
    assert told_inside <= {(block.kind, text[start:end][block.start : block.end]) for block in held}


@given(ANY_TEXT, ANY_TEXT)
def test_shifted_blocks_stand_in_the_longer_text(before, text):
    """Behind other text and other blocks each says the same, and hangs from the same."""
    first, second = find_blocks(before), find_blocks(text)

    moved = shifted(second, len(before), len(first))

    check_blocks(before + text, (*first, *moved))
    assert told(before + text, (*first, *moved))[len(first) :] == told(text, second)
