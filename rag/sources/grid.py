"""Sheets of cells to text: the tables in the grid are found, and each row is a line with bars between its cells.

It knows no file format: .xlsx, .xls and .ods all pass here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from types import MappingProxyType

from rag.errors import SourceError
from rag.language.nesting import nest
from rag.language.outline import Outline
from rag.schema import Place
from rag.sources.column_names import LONGEST_NAME, are_names
from rag.sources.document import MAX_CHARS, Document, too_long

MOST_CELLS = 2_000_000
"""Those of a workbook that hold something."""

_SHEET, _TITLE = 2, 5
"""Levels of the headings that a sheet's name and the title of a table are."""
_PLAIN_NAME = re.compile(
    r"(?:sheet|tabelle|feuil\w*|hoja|foglio|blatt|planilha)\s?\d*", re.IGNORECASE
)
_OPENING_ROWS = 8
"""In which the names of the columns are looked for."""
_MOSTLY = 0.6
_BLANK_KEYS = 0.4
"""Share of rows without a key from which on a blank key means the one above."""
_LONGEST_TITLE = 120
_WIDE_GAP = 2
"""More empty columns than one fewer than that part what stands on their sides, whatever it is."""
_MOST_GAPS = 50
"""Empty columns at which a sheet is parted at most."""
_TEXT_WORDS = 4
_TOTAL = re.compile(
    r"(?:grand |overall )?(?:total|sum)s?\b.{0,20}|summe.{0,20}|gesamt.{0,20}", re.IGNORECASE
)
_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
"""A digit, of a year none."""
_QUANTITY = re.compile(r"\W{0,3}\d[\d.,:/' %-]*\D{0,12}")

_BAR = " | "
_NONE: Mapping[int, int] = MappingProxyType({})

GridRow = dict[int, str]
"""Column, from 0, to what is shown there."""
GridCells = dict[int, int]
"""Column, from 0, to the index of the block of its cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one sheet shows."""

    name: str
    cells: Mapping[tuple[int, int], str]
    """(row, column), both from 0, to text on one line; none is empty."""
    merged: Sequence[tuple[int, int, int, int]] = ()
    """First row, first column, last row and last column of each group of cells that is one."""
    strong: frozenset[tuple[int, int]] = field(default=frozenset())
    """Cells in bold."""
    unreckoned: int = 0
    """Cells with a formula that no result is stored of."""


def document_of_sheets(sheets: Sequence[Sheet], title: str) -> Document:
    """Write sheets one after the other; those without text are left out."""
    told = [one for one in sheets if one.cells]
    writer = _Writer()
    for sheet in told:
        if len(told) > 1 or not _PLAIN_NAME.fullmatch(sheet.name):
            writer.name(sheet)
        last: _Table | None = None
        wide = {(top, left): right for top, left, _, right in sheet.merged if right > left}
        regions = [*_regions(sheet)]
        for region, following in zip(regions, [*regions[1:], None], strict=True):
            table = _Table(sheet, region, wide, last)
            writer.write(table, heads=following is not None and _heads(sheet, region, following))
            last = table if table.names else last
    return writer.document(title)


class _Writer:
    """Text, blocks and places, sheet by sheet."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._outline = Outline()
        self._places: list[Place] = []
        self._names: GridCells = {}
        """Blocks of the names of the columns that were written last."""

    def document(self, title: str) -> Document:
        """Return what was written."""
        text = "".join(self._pieces)
        return Document(
            title=title,
            parts=(text,),
            blocks=nest(text, self._outline.blocks()),
            places=tuple(self._places),
        )

    def name(self, sheet: Sheet) -> None:
        """Head what follows with a sheet's name."""
        start = self._put(sheet.name, f"sheet {sheet.name}")
        self._outline.add("heading", start, self._length, level=_SHEET)

    def write(self, table: _Table, *, heads: bool) -> None:
        """Write what stands above a table, and its rows; where it has none, it may head the next one."""
        for at, (number, text) in enumerate(table.above):
            start = self._put(text, table.place(number))
            named = heads or bool(table.rows)
            named = named and len(text) <= _LONGEST_TITLE and not text.endswith(".")
            level = _TITLE - 2 * heads + (at > 0) if named else 0  # a subtitle hangs from the title
            self._outline.add("heading" if named else "paragraph", start, self._length, level=level)
        if table.is_labels:
            self._write_labels(table)
        elif table.rows:
            self._write_rows(table)

    def _write_labels(self, table: _Table) -> None:
        for number, row in table.rows:
            label, *values = row.values()
            told = [label if label.endswith(":") or not values else f"{label}:", *values]
            text = "".join(f"{one} " if one.endswith(":") else f"{one}; " for one in told)
            start = self._put(text.rstrip("; "), table.place(number))
            self._outline.add("field" if values else "paragraph", start, self._length)

    def _write_rows(self, table: _Table) -> None:
        columns = sorted({at for _, row in table.rows for at in row} | set(table.names))
        holder = self._outline.add("table", self._length, self._length)
        first, section = None, None
        if table.head is not None:
            self._names = {}
            first = self._put(_line(table.names, columns), table.place(table.head))
            self._names = self._add_row(table.names, columns, first, holder)
        for at, (number, row) in enumerate(table.rows, start=1):
            alone = table.is_section(number)
            if at == len(table.rows) and _TOTAL.fullmatch(row[min(row)]):
                section = None  # it adds up all sections
            text = "".join(row.values()) if alone else _line(row, columns)
            start = self._put(text, table.place(number), apart=first is None)
            first = start if first is None else first
            if alone:
                (section,) = self._add_row(row, [*row], start, holder).values()
            else:
                names = self._names if table.names else {}
                self._add_row(row, columns, start, holder, names=names, section=section)
        self._outline.update(holder, start=first, end=self._length)

    def _add_row(
        self,
        row: GridRow,
        columns: Sequence[int],
        start: int,
        holder: int,
        *,
        names: Mapping[int, int] = _NONE,
        section: int | None = None,
    ) -> GridCells:
        """Add a row that was written at an offset, and its cells; return these by their columns."""
        above = () if section is None else (section,)
        index = self._outline.add("row", start, self._length, parent=holder, header=above)
        made: GridCells = {}
        at = start
        for column in columns:
            value = row.get(column, "")
            if value:
                header = (names[column],) if column in names else ()
                made[column] = self._outline.add(
                    "cell", at, at + len(value), parent=index, header=header
                )
            at += len(value) + len(_BAR)
        self._outline.update(index, key=next(iter(made.values()), None))
        return made

    def _put(self, text: str, place: str, *, apart: bool = True) -> int:
        """Write a line, an empty one before it where it stands apart; return where it starts."""
        if self._pieces:
            self._pieces.append("\n\n" if apart else "\n")
            self._length += len(self._pieces[-1])
        start = self._length
        self._pieces.append(text)
        self._length += len(text)
        if self._length > MAX_CHARS:
            raise too_long()
        self._places.append(Place(start=start, end=self._length, name=place))
        return start


def _line(row: GridRow, columns: Sequence[int]) -> str:
    """Write a row with bars between its cells; those behind the last that holds something are left out."""
    last = max(row)
    return _BAR.join(row.get(at, "") for at in columns if at <= last)


class _Table:
    """A region of a sheet: lines above a table, the names of its columns, its rows."""

    def __init__(
        self,
        sheet: Sheet,
        region: list[tuple[int, GridRow]],
        wide: Mapping[tuple[int, int], int],
        before: _Table | None,
    ) -> None:
        self._sheet = sheet
        self._wide = wide
        self.names: GridRow = {}
        self.head: int | None = None
        """The row of the names, where the table has them itself."""
        self.above: list[tuple[int, str]] = []
        self.rows = region
        self.width = max(len(row) for _, row in region)
        if self.width == 1:
            self.above = [(number, "".join(row.values())) for number, row in region]
            self.rows = []
            return
        self._head()
        if not self.names and before is not None and self._goes_on(before):
            self.names = before.names
        self._sections = self._find_sections()
        self._fill_keys()

    def place(self, number: int) -> str:
        """Return what a person calls a row."""
        return f"sheet {self._sheet.name}, row {number + 1}"

    def is_section(self, number: int) -> bool:
        """Tell whether a row heads those below it."""
        return number in self._sections

    @cached_property
    def is_labels(self) -> bool:
        """Tell whether the rows are labels with their values, and no column has a name."""
        firsts = [row[min(row)] for _, row in self.rows if len(row) > 1]
        return (
            not self.names
            and bool(firsts)
            and all(any(map(str.isalpha, one)) for one in firsts)
            and all(len(row) <= 2 or row[min(row)].endswith(":") for _, row in self.rows)
        )

    def _head(self) -> None:
        """Part the rows into the lines above, the names of the columns, and the rest."""
        at = next(
            (at for at in range(min(len(self.rows) - 1, _OPENING_ROWS)) if self._names_at(at)), None
        )
        if at is None:
            at = next(at for at, (_, row) in enumerate(self.rows) if len(row) > 1)
            self._put_above(at)
            return
        deep = 1 + (len(self.rows) > at + 2 and self._parts_names(at))
        self.names = self._joined(at, deep)
        self.head = self.rows[at + deep - 1][0]
        body = self.rows[at + deep :]
        self._put_above(at)
        self.rows = body

    def _put_above(self, count: int) -> None:
        """Take the first rows for lines above the table."""
        self.above = [(number, " ".join(row.values())) for number, row in self.rows[:count]]
        self.rows = self.rows[count:]

    def _names_at(self, at: int) -> bool:
        """Tell whether a row names the columns: as wide as most rows below it, in bold or by its words."""
        number, row = self.rows[at]
        below = self.rows[at + 1 : at + 1 + 5 * _OPENING_ROWS]
        usual = Counter(len(one) for _, one in below).most_common(1)[0][0]
        covered = sum(len(self._across(number, column)) for column in row)
        if len(row) < 2 or max(covered, len(row)) < _MOSTLY * max(usual, self._reach(below)):
            return False
        values = [row[column] for column in sorted(row)]
        if self._are_strong(number, row) and any(any(map(str.isalpha, one)) for one in values):
            first = next((one for one in below if len(one[1]) > 1), below[0])
            return not self._are_strong(*first) or self._parts_names(at)
        if not are_names(values) or any(_QUANTITY.fullmatch(one) for one in values[:1]):
            return False
        if len(row) == 2 or usual == 2:
            return self._tells_two(row, [one for _, one in below])
        return True

    def _reach(self, rows: Iterable[tuple[int, GridRow]]) -> int:
        """Return how many columns most rows have something in."""
        counted = Counter(column for _, row in rows for column in row)
        most = max(counted.values(), default=0)
        return sum(count >= most / 2 for count in counted.values())

    def _tells_two(self, row: GridRow, below: Sequence[GridRow]) -> bool:
        """Tell whether of two columns the first row names both: all below in the second is of one kind, or a text."""
        label, name = row[min(row)], row[max(row)]
        values = [one[max(row)] for one in below if max(row) in one]
        if (
            label.endswith(":")
            or not values
            or _FIGURE.search(name)
            or len(name.split()) >= _TEXT_WORDS
        ):
            return False
        keys = [one[min(row)] for one in below if min(row) in one]
        kinds = {re.sub(r"[\d.,' -]+", "0", one) for one in values}
        words = sum(len(one.split()) for one in values)
        return (
            (len(values) > 2 and len(kinds) == 1 and bool(_QUANTITY.fullmatch(values[0])))
            or words >= _TEXT_WORDS * len(values)
            or (len(keys) > 1 and all(one.endswith("?") for one in keys) and "?" not in label)
            or len(below) >= 2 * _TEXT_WORDS
        )

    def _parts_names(self, at: int) -> bool:
        """Tell whether the next row goes on with the names: it parts wide ones, or has no key and no figures."""
        (number, row), (_, following) = self.rows[at : at + 2]
        wide = any(len(self._across(number, column)) > 1 for column in row)
        told = [*following.values()]
        texts = not any(char.isdigit() for one in told for char in one) or all(
            re.fullmatch(r"(?:19|20)\d\d|[QHqh]\d", one)
            for one in told
            if any(map(str.isdigit, one))
        )
        short = all(len(one) <= LONGEST_NAME for one in told)
        keyless = min(row) not in following or self._is_filled(following, row)
        return short and texts and (wide or (keyless and len(told) > 1))

    def _is_filled(self, following: GridRow, row: GridRow) -> bool:
        """Tell whether a row's first cell is the one above, which reaches down."""
        first = min(row)
        return following.get(first) == row[first]

    def _joined(self, at: int, deep: int) -> GridRow:
        """Return the names of the columns of one or two rows."""
        number, row = self.rows[at]
        if deep == 1:
            return dict(row)
        parts = self.rows[at + 1][1]
        above = {
            over: text for column, text in row.items() for over in self._across(number, column)
        }
        bare = not any(len(self._across(number, column)) > 1 for column in row)
        names: GridRow = {}
        last = ""
        for column in sorted({*above, *parts}):
            last = above.get(column, last if bare else "")
            part = parts.get(column, "")
            names[column] = last if part in {last, ""} else f"{last} {part}".strip()
        return names

    def _across(self, number: int, column: int) -> range:
        """Return the columns that a cell covers."""
        return range(column, self._wide.get((number, column), column) + 1)

    def _are_strong(self, number: int, row: GridRow) -> bool:
        return all((number, column) in self._sheet.strong for column in row)

    def _goes_on(self, before: _Table) -> bool:
        """Tell whether rows belong to the table above them: they stand in its columns, numbers where it has numbers."""
        if not before.rows or any(row[min(row)].endswith(":") for _, row in self.rows):
            return False
        told = max(len(row) for _, row in self.rows) >= _MOSTLY * len(before.names)
        if not told and not any(
            _QUANTITY.fullmatch(text) for _, row in self.rows for text in row.values()
        ):
            return False  # too little to tell that it is no note
        for _, row in self.rows:
            for column, text in row.items():
                if column == min(row) and _TOTAL.fullmatch(text):
                    continue
                held = [one[column] for _, one in before.rows if column in one]
                if not held or column not in before.names:
                    return False
                numeric = sum(bool(_QUANTITY.fullmatch(one)) for one in held) > _MOSTLY * len(held)
                if numeric != bool(_QUANTITY.fullmatch(text)):
                    return False
        return True

    def _find_sections(self) -> frozenset[int]:
        """Return the rows of one cell that head those below: in bold, over several columns, or one of several."""
        column = min(min(row) for _, row in self.rows)
        alone = {
            number
            for (number, row), (_, after) in pairwise(self.rows)
            if len(row) == 1 and len(after) > 1 and column in row
        }
        full = sum(len(row) > 1 for _, row in self.rows)
        if not self.names or self.width < 3:
            alone = {one for one in alone if self._stands_out(one, column)}
        regular = len(alone) > 1 and full >= 2 * len(alone)
        return frozenset(one for one in alone if regular or self._stands_out(one, column))

    def _stands_out(self, number: int, column: int) -> bool:
        return (number, column) in self._sheet.strong or len(self._across(number, column)) > 1

    def _fill_keys(self) -> None:
        """Give rows without a key the one above, where so many have none that it is meant."""
        if not self.names:
            return
        first = min(self.names)
        body = [(number, row) for number, row in self.rows if not self.is_section(number)]
        blank = [row for _, row in body if first not in row]
        held = [row[first] for _, row in body if first in row]
        if len(blank) < _BLANK_KEYS * len(body) or len(set(held)) < max(2, len(held)):
            return
        key = ""
        for _, row in body:
            key = row.get(first, key)
            if key and len(row) > 1:
                row.setdefault(first, key)


def _regions(sheet: Sheet) -> Iterator[list[tuple[int, GridRow]]]:
    """Yield the rows of each part of a sheet that empty rows and columns part from others, in reading order."""
    rows: dict[int, GridRow] = {}
    for (number, column), text in sorted(sheet.cells.items()):
        rows.setdefault(number, {})[column] = text
    _fill_down(sheet, rows)
    waiting = [[*rows.items()]] if rows else []
    while waiting:
        region = waiting.pop()
        parts = _sides(region)
        if len(parts) == 1:
            parts = _bands(region)
        if len(parts) == 1:
            yield region
        else:
            waiting += reversed(parts)


def _heads(
    sheet: Sheet, region: list[tuple[int, GridRow]], following: list[tuple[int, GridRow]]
) -> bool:
    """Tell whether one or two lines of one cell are the title of what follows: above it, or in bold."""
    firsts = {min(row) for _, row in region}
    above = firsts == {min(min(row) for _, row in following)}
    strong = all((number, column) in sheet.strong for number, row in region for column in row)
    return (
        max(len(row) for _, row in following) > 1
        and len(region) < 3
        and all(len(row) == 1 for _, row in region)
        and (above or strong)
    )


def _fill_down(sheet: Sheet, rows: dict[int, GridRow]) -> None:
    """Write a cell that reaches down over several rows into each of them that has others."""
    numbers = sorted(rows)
    left_over = MOST_CELLS
    for top, left, bottom, right in sheet.merged:
        text = rows.get(top, {}).get(left)
        if text is None or right > left:
            continue
        covered = numbers[bisect_left(numbers, top + 1) : bisect_left(numbers, bottom + 1)]
        left_over -= sum(len(rows[number]) for number in covered)
        if left_over < 0:
            raise SourceError("too_large", "merges more cells than a sheet can have; save it anew")
        for number in covered:
            rows[number] = dict(sorted({**rows[number], left: text}.items()))


def _bands(region: list[tuple[int, GridRow]]) -> list[list[tuple[int, GridRow]]]:
    """Part rows where there is an empty one between them."""
    numbered = enumerate(region)
    return [
        [row for _, row in band]
        for _, band in groupby(numbered, key=lambda one: one[1][0] - one[0])
    ]


def _sides(region: list[tuple[int, GridRow]]) -> list[list[tuple[int, GridRow]]]:
    """Part rows at a wide gap, or at an empty column with a table on both sides: two columns and rows, and a key."""
    columns = sorted({column for _, row in region for column in row})
    gaps = [(after, after - before) for before, after in pairwise(columns) if after > before + 1]
    for after, wide in gaps[:_MOST_GAPS]:
        left, right = (
            [
                (number, part)
                for number, row in region
                if (part := {c: text for c, text in row.items() if (c >= after) == is_right})
            ]
            for is_right in (False, True)
        )
        if wide > _WIDE_GAP or (_is_table(left) and _is_table(right)):
            return [left, right]
    return [region]


def _is_table(rows: list[tuple[int, GridRow]]) -> bool:
    """Tell whether the columns on one side of an empty one can be a table of their own: their first says no numbers."""
    columns = {column for _, row in rows for column in row}
    first = min(columns, default=0)
    keys = [row[first] for _, row in rows if first in row]
    numbers = sum(bool(_QUANTITY.fullmatch(one)) for one in keys)
    return len(rows) > 1 and len(columns) > 1 and numbers < _MOSTLY * len(keys)
