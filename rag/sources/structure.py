"""The structure of a document while its text is written: blocks that open, nest and close. Knows no format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rag.language.lines import Line
from rag.language.outline import names_columns
from rag.schema import Block, BlockKind

_CONTAINERS: frozenset[BlockKind] = frozenset({"list", "table", "quote", "definition"})
"""Kinds whose text stands in paragraphs, items or rows of their own."""
_MOST_DEEP = 50
"""Blocks inside each other; what is nested deeper belongs to the last of them."""
_MOST_HEADS = 5
"""Rows that name the columns of one table."""
_MOST_COLUMNS = 1_000
"""Those of a table that are named, or that cells reach down in."""
_MOST_COMPARED = 20
"""Rows, and columns of one cell, that are looked at to tell whether the first row names the columns."""
_MOST_SHARING = 8
"""Terms that share a definition."""
_MOST_REACHING = 8
"""Cells that reach down to one row."""


@dataclass(slots=True)
class _Open:
    """A block that is being written."""

    kind: BlockKind
    key: int
    level: int
    parent: int | None
    start: int | None = None
    end: int = 0
    is_head: bool = False
    spans: tuple[int, int] = (1, 1)
    header: list[int] = field(default_factory=list)


class Structure:
    """Blocks in the order in which they are opened; those that stay without text are dropped."""

    def __init__(self) -> None:
        self._all: list[_Open] = []
        self._stack: list[int] = []
        self._paragraph: int | None = None
        self._terms: dict[int | None, int] = {}
        """The last term in each block."""
        self._sharing = 0
        """Terms behind each other that share what follows."""

    def open(self, kind: BlockKind, key: int, *, level: int = 0) -> bool:
        """Open a block inside the one that is open; `key` tells it when it is closed. Say whether there is room.

        A definition hangs from the term before it, as does a second term that shares it.
        """
        if len(self._stack) >= _MOST_DEEP:
            return False
        holder = self._stack[-1] if self._stack else None
        parent = holder
        if kind in {"term", "definition"} and (term := self._terms.get(holder)) is not None:
            shared = self._all[-1].kind == "term" and self._sharing < _MOST_SHARING
            self._sharing = self._sharing + 1 if shared else 0
            parent = term if kind == "definition" or shared else holder
        if kind == "term":
            self._terms[holder] = len(self._all)
        self._all.append(_Open(kind, key, level, parent))
        self._stack.append(len(self._all) - 1)
        return True

    def open_below(self, key: int) -> None:
        """Open what belongs to the block that was opened last, until `key` is closed, as an unfolded answer does."""
        if self._all and len(self._stack) < _MOST_DEEP:
            self._all.append(_Open("definition", key, 0, len(self._all) - 1))
            self._stack.append(len(self._all) - 1)

    def open_cell(self, key: int, *, is_head: bool, spans: tuple[int, int]) -> None:
        """Open a cell that covers (columns, rows)."""
        if self.open("cell", key):
            self._all[-1].is_head, self._all[-1].spans = is_head, spans

    def close(self, key: int, at: int) -> bool:
        """Close the block with a key, if it is open, with all inside it; say whether it had text."""
        if not any(self._all[one].key == key for one in self._stack):
            return False
        while True:
            one = self._all[self._stack.pop()]
            one.end = at
            if one.key == key:
                return one.start is not None

    def begin(self, outside: int, inside: int) -> None:
        """Say that text follows: what is open starts here, a cell behind its mark; text in no block is a paragraph."""
        for index in self._stack:
            one = self._all[index]
            if one.start is None:
                one.start = inside if one.kind == "cell" else outside
        loose = not self._stack or self._all[self._stack[-1]].kind in _CONTAINERS
        if loose and self._paragraph is None:
            parent = self._stack[-1] if self._stack else None
            self._all.append(_Open("paragraph", 0, 0, parent, start=outside))
            self._paragraph = len(self._all) - 1

    def end_paragraph(self, at: int) -> None:
        """End the paragraph that is in no element of its own."""
        if self._paragraph is not None:
            self._all[self._paragraph].end = at
            self._paragraph = None

    def blocks(self, text: str) -> tuple[Block, ...]:
        """Return the blocks that have text, cells with what names their columns."""
        self.end_paragraph(len(text))
        for index in self._stack:
            self._all[index].end = len(text)
        self._name_columns(text)
        kept = {
            index: number
            for number, index in enumerate(
                at for at, one in enumerate(self._all) if one.start is not None
            )
        }
        keys: dict[int, int] = {}
        for index, one in enumerate(self._all):
            if one.kind == "cell" and one.parent is not None and index in kept:
                keys.setdefault(one.parent, kept[index])
        return tuple(
            Block(
                kind=one.kind,
                start=one.start or 0,
                end=min(one.end, len(text)),
                level=one.level,
                parent=None if one.parent is None else kept.get(one.parent),
                header=tuple(kept[at] for at in one.header if at in kept),
                key=keys.get(index),
            )
            for index, one in enumerate(self._all)
            if index in kept
        )

    def _name_columns(self, text: str) -> None:
        """Give each cell the cells that name its column, and those that reach down to its row from above."""
        rows: dict[int, dict[int, list[int]]] = {}
        for index, one in enumerate(self._all):
            if one.kind == "cell" and one.parent is not None:
                holder = self._all[one.parent].parent
                rows.setdefault(-1 if holder is None else holder, {}).setdefault(
                    one.parent, []
                ).append(index)
        for table in rows.values():
            self._name_table([*table.items()], text)

    def _name_table(self, rows: Sequence[tuple[int, list[int]]], text: str) -> None:
        """Name the columns of a table by its first rows; a cell over all columns heads the rows below it."""
        names: dict[int, list[int]] = {}
        reaching: dict[int, tuple[int, int]] = {}  # column: (cell, rows left)
        above: list[int] = []
        width = max(sum(self._all[cell].spans[0] for cell in cells) for _, cells in rows)
        first = next(
            (at for at, (_, cells) in enumerate(rows) if not self._is_wide(cells, width)), 0
        )
        heads = self._are_names(rows[first:], text)
        for number, (row, cells) in enumerate(rows):
            if self._is_wide(cells, width):
                self._all[row].header += above if number < first else []
                above = [*above, *cells] if number < first else [*cells]
                continue
            placed, down = self._placed(cells, reaching)
            heads = heads and (
                number == first
                or (number < first + _MOST_HEADS and self._are_heads(cells))
                or (number == first + 1 and self._parts_names(rows[first][1], placed))
            )
            for column, cell in placed:
                if heads:
                    names.setdefault(column, []).append(cell)
                elif column in names:
                    known = self._all[cell].header
                    known += [at for at in names[column] if at not in known]
            if not heads:
                from_above = [cell for cell, _ in reaching.values()]
                heads_row = dict.fromkeys([*above, *from_above])
                self._all[row].header += [*heads_row][:_MOST_REACHING]
            reaching = {
                at: (cell, left - 1) for at, (cell, left) in (reaching | down).items() if left > 1
            }

    def _is_wide(self, cells: Sequence[int], width: int) -> bool:
        """Tell whether a row is one cell over all columns."""
        return len(cells) == 1 and width > 1 and self._all[cells[0]].spans[0] >= width

    def _parts_names(self, names: Sequence[int], placed: Sequence[tuple[int, int]]) -> bool:
        """Tell whether a second row parts the wide names of the first: its own first column is empty."""
        keyed = any(column == 0 and self._all[cell].start is not None for column, cell in placed)
        return not keyed and any(self._all[cell].spans[0] > 1 for cell in names)

    def _placed(
        self, cells: Sequence[int], reaching: dict[int, tuple[int, int]]
    ) -> tuple[list[tuple[int, int]], dict[int, tuple[int, int]]]:
        """Return (column, cell) of a row's cells, and those that reach down from it: column to (cell, rows)."""
        placed: list[tuple[int, int]] = []
        down: dict[int, tuple[int, int]] = {}
        column = 0
        for cell in cells:
            while column in reaching:
                column += 1
            wide, deep = self._all[cell].spans
            for covered in range(column, min(column + wide, _MOST_COLUMNS)):
                placed.append((covered, cell))
                if deep > 1:
                    down[covered] = cell, deep
            column += wide
        return placed, down

    def _are_heads(self, cells: Sequence[int]) -> bool:
        return all(self._all[cell].is_head for cell in cells)

    def _are_names(self, rows: Sequence[tuple[int, list[int]]], text: str) -> bool:
        """Tell whether the first row names the columns: by its markup, else by how it reads."""
        if len(rows) < 2:
            return False
        cells = rows[0][1]
        if self._are_heads(cells):
            return not all(self._are_heads(others) for _, others in rows)
        if any(self._all[cell].is_head for cell in cells):
            return False
        lines = [[*self._columns(others)] for _, others in rows[: _MOST_COMPARED + 1]]
        told = sum(self._all[cell].start is not None for cell in cells)
        return told > 1 and names_columns(text, lines[0], lines[1:])

    def _columns(self, cells: Sequence[int]) -> Iterator[Line]:
        """Yield where the cell of each column stands, of a wide one once for each."""
        for cell in cells:
            for _ in range(min(self._all[cell].spans[0], _MOST_COMPARED)):
                yield self._line(cell)

    def _line(self, cell: int) -> Line:
        """Return where a cell stands."""
        one = self._all[cell]
        return (0, 0) if one.start is None else (one.start, one.end)


def clipped(blocks: Sequence[Block], start: int, end: int) -> tuple[Block, ...]:
    """Return the blocks of a stretch of a text, as they stand in that stretch alone."""
    held = [at for at, one in enumerate(blocks) if one.start < end and one.end > start]
    kept = {at: number for number, at in enumerate(held)}
    return tuple(
        replace(
            one,
            start=max(one.start, start) - start,
            end=min(one.end, end) - start,
            parent=None if one.parent is None else kept.get(one.parent),
            header=tuple(kept[at] for at in one.header if at in kept),
            key=None if one.key is None else kept.get(one.key),
        )
        for at, one in ((at, blocks[at]) for at in held)
    )
