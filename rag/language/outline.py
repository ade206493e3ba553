"""Blocks as they are found, in order, and the tables among them. Knows nothing of how a text is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from rag.language.lines import Line
from rag.schema import Block, BlockKind

_LONGEST_NAME = 40
_MOST_CELLS = 64
_MOST_COMPARED = 20
_WORDS_OF_A_TEXT = 4
_TWO = 2

_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
"""A digit, of a year none."""
_QUANTITY = re.compile(r"\W{0,3}\d[\d.,']*(?: \d{3})*\D{0,20}$")
"""One number, and at most its unit."""


class Outline:
    """Blocks as they are found, in order."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> Block:
        return self._blocks[index]

    def add(
        self,
        kind: BlockKind,
        start: int,
        end: int,
        *,
        level: int = 0,
        parent: int | None = None,
        header: tuple[int, ...] = (),
    ) -> int:
        """Add a block; return its index."""
        self._blocks.append(
            Block(kind=kind, start=start, end=end, level=level, parent=parent, header=header)
        )
        return len(self._blocks) - 1

    def update(self, index: int, **changes: object) -> None:
        """Replace fields of a block."""
        self._blocks[index] = replace(self._blocks[index], **changes)  # type: ignore[arg-type]  # fields of Block

    def blocks(self) -> tuple[Block, ...]:
        """Return what was found."""
        return tuple(self._blocks)


def shifted(blocks: Iterable[Block], by: int, first: int) -> tuple[Block, ...]:
    """Return blocks as they stand in a longer text: `by` characters later, behind `first` other blocks."""
    return tuple(
        replace(
            one,
            start=one.start + by,
            end=one.end + by,
            parent=None if one.parent is None else one.parent + first,
            header=tuple(at + first for at in one.header),
            key=None if one.key is None else one.key + first,
        )
        for one in blocks
    )


def add_table(
    outline: Outline,
    rows: Sequence[Sequence[Line]],
    places: Sequence[Line],
    *,
    named: bool,
    parent: int | None = None,
) -> None:
    """Add a table, its rows and their cells; the first cell that is not empty is a row's key.

    Args:
        outline: receives them.
        rows: start and end of each row's cells.
        places: start and end of each row.
        named: whether the first row names the columns.
        parent: what the table hangs from.
    """
    table = outline.add("table", places[0][0], places[-1][1], parent=parent)
    names: list[tuple[int, ...]] = []
    for number, (cells, place) in enumerate(zip(rows, places, strict=True)):
        row = outline.add("row", *place, parent=table)
        made = [
            outline.add("cell", *cell, parent=row, header=names[at] if at < len(names) else ())
            for at, cell in enumerate(cells[:_MOST_CELLS])
        ]
        told = [at for at in made if outline[at].start < outline[at].end]
        outline.update(row, key=next(iter(told), None))
        if named and not number and len(rows) > 1:
            names = [(index,) if index in told else () for index in made]


def names_columns(text: str, cells: Sequence[Line], below: Sequence[Sequence[Line]] = ()) -> bool:
    """Tell whether a row's cells are names: short, and without figures other than a series of years.

    Of two columns the first row may as well be a label with its value, as the others are: it is taken for names only
    where all that stands below in the second column is a quantity, or a text.
    """
    names = [text[slice(*cell)].strip() for cell in cells]
    if not all(len(name) <= _LONGEST_NAME and not _FIGURE.search(name) for name in names):
        return False
    dated = [any(map(str.isdigit, name)) and not any(map(str.isalpha, name)) for name in names]
    if not names or dated[0] or names[0].endswith(":") or names[0].startswith("-"):
        return False
    if len(names) != _TWO or not names[0]:
        return True
    return not any(dated) and (not below or _are_told(text, below))


def _are_told(text: str, rows: Sequence[Sequence[Line]]) -> bool:
    """Tell whether the second of two columns holds quantities throughout, or texts."""
    below = [text[slice(*row[1])].strip() for row in islice(rows, _MOST_COMPARED) if len(row) > 1]
    values = [*filter(None, below)]
    words = [len(value.split()) for value in values]
    return bool(values) and (
        all(_QUANTITY.match(value) for value in values)
        or sum(words) >= _WORDS_OF_A_TEXT * len(words)
    )
