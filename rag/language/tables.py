"""Tables in text without markup: cells between bars, or in columns that wide gaps part. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.lines import Line
from rag.language.marks import RULE, mark_of

_BAR = re.compile(r"(?<!\S)\|(?!\S)")
_GAP = re.compile(r"\t+| {2,}")
_TAB = re.compile(r"\t")
_MOST_COLUMNS = 200
"""Of a table that somebody typed."""
_MOST_ALIKE = 0.8
"""Of the rows of a table at least so many have the same number of cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table, as they stand in a text."""

    places: list[Line]
    """Start and end of each row."""
    rows: list[list[Line]]
    """Start and end of each row's cells; a cell may be empty."""
    named: bool | None
    """Whether the first row names the columns; None where nothing shows it."""


def barred(text: str, lines: Sequence[Line]) -> Table | None:
    """Return the table that lines with bars between their cells are."""
    rules = [bool(RULE.match(text[slice(*line)])) for line in lines]
    places = [line for line, rule in zip(lines, rules, strict=True) if not rule]
    if not places or len(lines) < 2:
        return None
    if not all(_BAR.search(text[slice(*line)]) for line in places):
        return None
    below = rules.index(False) + 1
    named = True if below < len(rules) and rules[below] and len(places) > 1 else None
    opened = all(text[start] == "|" for start, _ in places)
    closed = all(text[end - 1] == "|" for _, end in places)
    rows = [_between_bars(text, place, opened=opened, closed=closed) for place in places]
    return Table(places, rows, named)


def _between_bars(text: str, line: Line, *, opened: bool, closed: bool) -> list[Line]:
    """Return the cells of a row; bars that open or close every row part nothing."""
    start, end = line
    if opened:
        start += 1
    if closed and end - 1 > start:
        end -= 1
    cells = []
    for match in _BAR.finditer(text, *line):
        if start <= match.start() < end:
            cells.append((start, match.start()))
            start = match.end()
    return [_trimmed(text, cell) for cell in (*cells, (start, end))]


def _trimmed(text: str, cell: Line) -> Line:
    """Return a cell without the white space around its words."""
    words = text[slice(*cell)]
    start = min(cell[0] + len(words) - len(words.lstrip()), cell[1])
    return start, start + len(words.strip())


def columned(text: str, lines: Sequence[Line]) -> Table | None:
    """Return the table that lines are which wide gaps part alike; a line of one cell goes on with the row above."""
    gap = _TAB if _are_even(text, lines) else _GAP
    places: list[Line] = []
    rows: list[list[Line]] = []
    for line in lines:
        if RULE.match(text[slice(*line)]):
            continue
        cells = _cells(text, line, gap)
        if len(cells) > 1:
            places.append(line)
            rows.append(cells)
        elif rows and _column(text, line[0]) >= _column(text, rows[-1][-1][0]):
            places[-1] = places[-1][0], line[1]
            rows[-1][-1] = rows[-1][-1][0], line[1]
        else:
            return None
    widths = Counter(map(len, rows))
    if len(rows) < 2:
        return None
    width, _ = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width > _MOST_COLUMNS:
        return None
    if sum(count for cells, count in widths.items() if cells <= width) < _MOST_ALIKE * len(rows):
        return None
    if widths[width] < min(2, len(rows)) or any(mark_of(text[slice(*place)]) for place in places):
        return None
    return Table(places, _aligned(text, rows, width), None)


def _are_even(text: str, lines: Sequence[Line]) -> bool:
    """Tell whether every line has the same number of tabs: each parts two cells, of which one may be empty."""
    counts = {text.count("\t", *line) for line in lines}
    return len(counts) == 1 and 0 not in counts


def _aligned(text: str, rows: list[list[Line]], width: int) -> list[list[Line]]:
    """Put empty cells into the rows that have too few, so that each cell stands in its column."""
    whole = [row for row in rows if len(row) == width]
    bounds = [
        (
            min(_column(text, row[at][0]) for row in whole),
            max(_column(text, row[at][0]) + row[at][1] - row[at][0] for row in whole),
        )
        for at in range(width)
    ]
    return [row if len(row) >= width else _spread(text, row, bounds) for row in rows]


def _spread(text: str, row: list[Line], bounds: list[tuple[int, int]]) -> list[Line]:
    """Return a row with a cell for each column: each of its own in the column that it overlaps most."""
    spread: list[Line] = []
    left = len(row)
    for cell in row:
        left -= 1
        start = _column(text, cell[0])
        end = start + cell[1] - cell[0]
        free = range(len(spread), len(bounds) - left)
        best = max(free, key=lambda at: min(end, bounds[at][1]) - max(start, bounds[at][0]))
        spread += [(cell[0], cell[0])] * (best - len(spread))
        spread.append(cell)
    return spread


def _cells(text: str, line: Line, gap: re.Pattern[str]) -> list[Line]:
    """Return the cells of a row that a pattern parts; one may be empty."""
    cells, at = [], line[0]
    for match in gap.finditer(text, *line):
        cells.append((at, match.start()))
        at = match.end()
    return [*cells, (at, line[1])]


def _column(text: str, at: int) -> int:
    """Return how many columns from the left a character stands."""
    return len(text[text.rfind("\n", 0, at) + 1 : at].expandtabs())
