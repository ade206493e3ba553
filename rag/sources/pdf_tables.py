"""Tables on a page of a PDF file: those that rules part into cells, and those whose cells only stand in columns. Pure.

Knows pieces of lines and rules by their places; nothing of PDFium, and nothing of headings or paragraphs.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import TypeAlias

from rag.language.layout import names_columns
from rag.sources.pdf_cells import with_rows
from rag.sources.pdf_page import HYPHEN, Fragment, Line, PdfPage, Stroke

_NEAR = 4.0
"""Points between rules that are drawn as one, or that touch."""
_MOST_RULES = 400
_LONGEST_CELL = 1_000
_STRONG = 0.95
"""Of a font's size: a gap that parts columns by itself."""
_FARTHEST_ROW = 3.6
"""Of a line's size: rows stand nearer to each other."""
_TIGHT = 1.45
"""Of a line's size: lines of one cell stand nearer to each other."""
_LEAST_ALIGNED = 0.8
_FEWEST_BANDS = 3
_LONGEST_LINE = 60
"""Of a cell that others stand beside, in characters."""
_LONGEST_RUN = 300
"""Lines; a page has fewer."""
_MOST_HEADS = 3
_MOST_ALONE = 0.34
"""Of a table's rows, those that have one cell."""
_TEXT_CHARS = 25
"""Cells longer than this in most rows are columns of running text."""
_SHORTEST_COLUMNS = 4
_MARKER = re.compile(
    r"(?:[•‣▪●○◦■□►❖✓→*–o-]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z]|[ivxIVX]{1,5})[.)]?)$"
)


@dataclass(frozen=True, slots=True)
class TableCell:
    """What stands in a column of a row."""

    text: str
    first: int
    """Its column."""
    last: int
    """The column behind it; more than the next where it goes over several."""
    rows: int = 1
    """Over how many it goes."""
    bold: bool = False


@dataclass(frozen=True, slots=True)
class PdfTable:
    """Rows of cells, each row from left to right; a cell without text is left out."""

    rows: tuple[tuple[TableCell, ...], ...]
    n_heads: int
    """How many rows name columns."""
    edges: tuple[float, ...]
    """Where its columns begin."""
    em: float
    """Of the font of most of its lines."""


@dataclass(slots=True)
class _Row:
    """A row while its cells are put together."""

    top: float
    bottom: float
    cells: dict[tuple[int, int], list[Line | Fragment]]
    bold: bool
    ruled: bool = False


PageItem: TypeAlias = Line | PdfTable


def find_tables(page: PdfPage) -> list[PageItem]:
    """Return a page's lines in reading order, with each table in the place of its lines."""
    items: list[PageItem] = list(page.lines)
    if page.rules:
        for grid in _grids(page.rules):
            items = _with_grid(items, grid)
    items = _by_lines(items, with_rows)
    items = _by_lines(items, _with_descents)
    if any(isinstance(item, Line) and item.pieces for item in items):
        items = _by_lines(items, lambda run: _with_columns(run, page))
    return items


def _by_lines(
    items: Sequence[PageItem], change: Callable[[list[Line]], Iterable[PageItem]]
) -> list[PageItem]:
    """Return the items; each run of lines between tables as it was changed."""
    changed: list[PageItem] = []
    run: list[Line] = []
    for item in items:
        if isinstance(item, Line):
            run.append(item)
        else:
            changed += [*change(run), item]
            run = []
    return [*changed, *change(run)]


# Ruled tables.


@dataclass(frozen=True, slots=True)
class _Grid:
    """Rules that part an area into cells."""

    xs: tuple[float, ...]
    """Ascending edges of its columns."""
    ys: tuple[float, ...]
    """Descending edges of its rows."""
    levels: tuple[tuple[float, float, float], ...]
    """Height, begin and end of each rule along the page."""
    uprights: tuple[tuple[float, float, float], ...]

    def parts_columns(self, column: int, row: int) -> bool:
        """Tell whether a rule stands behind a column in a row."""
        middle = (self.ys[row] + self.ys[row + 1]) / 2
        return _has_rule(self.uprights, self.xs[column + 1], middle)

    def parts_rows(self, row: int, column: int) -> bool:
        """Tell whether a rule lies below a row in a column."""
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        return _has_rule(self.levels, self.ys[row + 1], middle)

    def holds(self, line: Line) -> bool:
        """Tell whether a line stands in it."""
        return (
            self.xs[0] - _NEAR <= line.left
            and line.right <= self.xs[-1] + _NEAR
            and self.ys[-1] - _NEAR / 2 <= line.top <= self.ys[0]
        )


def _has_rule(rules: Iterable[tuple[float, float, float]], at: float, middle: float) -> bool:
    return any(abs(place - at) <= _NEAR and begin < middle < end for place, begin, end in rules)


def _grids(rules: Sequence[Stroke]) -> Iterator[_Grid]:
    """Yield the grids that rules make which touch."""
    levels = _drawn_as_one((rule.bottom, rule.left, rule.right) for rule in rules if rule.is_level)
    uprights = _drawn_as_one(
        (rule.left, rule.bottom, rule.top) for rule in rules if not rule.is_level
    )
    if len(levels) + len(uprights) > _MOST_RULES or len(levels) < 2 or len(uprights) < 2:
        return
    for along, down in _touching(levels, uprights):
        xs = _edges([x for x, _, _ in down], [end for _, *ends in along for end in ends])
        ys = _edges([y for y, _, _ in along], [end for _, *ends in down for end in ends])
        if len(xs) > 2 and len(ys) > 2:
            yield _Grid(xs, ys[::-1], tuple(along), tuple(down))


def _drawn_as_one(rules: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Join rules at nearly the same height or place that touch."""
    bands: list[list[tuple[float, float, float]]] = []
    for rule in sorted(rules):
        if bands and rule[0] - bands[-1][-1][0] <= _NEAR:
            bands[-1].append(rule)
        else:
            bands.append([rule])
    joined = []
    for band in bands:
        place = median(rule[0] for rule in band)
        begin = end = None
        for _, left, right in sorted(band, key=lambda rule: rule[1]):
            if begin is None or end is None:
                begin, end = left, right
            elif left <= end + _NEAR:
                end = max(end, right)
            else:
                joined.append((place, begin, end))
                begin, end = left, right
        if begin is not None and end is not None:
            joined.append((place, begin, end))
    return joined


def _touching(
    levels: Sequence[tuple[float, float, float]], uprights: Sequence[tuple[float, float, float]]
) -> Iterator[tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]]:
    """Yield groups of rules along and down that touch each other."""
    along, down = set(range(len(levels))), set(range(len(uprights)))
    while along:
        group_along, group_down = {along.pop()}, set[int]()
        waiting = [("along", at) for at in group_along]
        while waiting:
            way, at = waiting.pop()
            if way == "along":
                found = {one for one in down if _touch(levels[at], uprights[one])}
                down -= found
                group_down |= found
                waiting += [("down", one) for one in found]
            else:
                found = {one for one in along if _touch(levels[one], uprights[at])}
                along -= found
                group_along |= found
                waiting += [("along", one) for one in found]
        yield (
            [levels[at] for at in sorted(group_along)],
            [uprights[at] for at in sorted(group_down)],
        )


def _touch(level: tuple[float, float, float], upright: tuple[float, float, float]) -> bool:
    y, left, right = level
    x, bottom, top = upright
    return left - _NEAR <= x <= right + _NEAR and bottom - _NEAR <= y <= top + _NEAR


def _edges(places: Iterable[float], ends: Sequence[float]) -> tuple[float, ...]:
    """Return the edges of columns or rows: where rules stand, and where those across them end beyond."""
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > _NEAR:
            edges.append(place)
    if edges and ends:
        if min(ends) < edges[0] - 3 * _NEAR:
            edges.insert(0, min(ends))
        if max(ends) > edges[-1] + 3 * _NEAR:
            edges.append(max(ends))
    return tuple(edges)


def _with_grid(items: list[PageItem], grid: _Grid) -> list[PageItem]:
    """Put a grid's table in the place of its lines; leave them where it is none."""
    inside = [at for at, item in enumerate(items) if isinstance(item, Line) and grid.holds(item)]
    table = _ruled(grid, [items[at] for at in inside]) if inside else None  # type: ignore[misc]  # lines
    if table is None:
        return items
    taken = set(inside)
    return [
        table if at == inside[0] else item
        for at, item in enumerate(items)
        if at not in taken or at == inside[0]
    ]


def _ruled(grid: _Grid, lines: Sequence[Line]) -> PdfTable | None:
    """Return the table that lines make in a grid; none where they hold running text or fill too little of it."""
    owners = _owners(grid)
    places: dict[tuple[int, int], list[tuple[str, bool]]] = {}
    for line in lines:
        for piece in _split(line, grid):
            row = _slot([-y for y in grid.ys], -(piece.top + 0.3 * line.em))
            column = _slot(grid.xs, (piece.left + piece.right) / 2)
            places.setdefault(owners[row, column][:2], []).append((piece.text, line.bold))
    rows = []
    for row in range(len(grid.ys) - 1):
        cells = []
        for (at, column), said in sorted(places.items()):
            if at == row:
                _, _, wide, high = owners[at, column]
                text = _joined(words for words, _ in said)
                bold = all(heavy for _, heavy in said)
                cells.append(TableCell(text, column, column + wide, high, bold))
        if cells:
            rows.append(tuple(cells))
    used = {cell.first for row in rows for cell in row}
    if len(rows) < 2 or len(used) < 2:
        return None
    if any(len(cell.text) > _LONGEST_CELL for row in rows for cell in row):
        return None
    return _table(rows, _count_heads(rows), grid.xs[:-1], lines)


def _owners(grid: _Grid) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    """Return for each row and column the cell that covers it: its row and column, and how wide and high it is."""
    n_rows, n_columns = len(grid.ys) - 1, len(grid.xs) - 1
    owners: dict[tuple[int, int], tuple[int, int, int, int]] = {}
    for row in range(n_rows):
        for column in range(n_columns):
            if (row, column) in owners:
                continue
            wide = high = 1
            while column + wide < n_columns and not grid.parts_columns(column + wide - 1, row):
                wide += 1
            while row + high < n_rows and not any(
                grid.parts_rows(row + high - 1, one) for one in range(column, column + wide)
            ):
                high += 1
            for down in range(high):
                for across in range(wide):
                    owners.setdefault((row + down, column + across), (row, column, wide, high))
    return owners


def _slot(edges: Sequence[float], place: float) -> int:
    """Return between which two edges a place is."""
    return max(0, min(bisect_right(edges, place) - 1, len(edges) - 2))


def _split(line: Line, grid: _Grid) -> Iterator[Fragment]:
    """Yield a line's pieces; those that stand in one column together."""
    for _, group in groupby(line.parts, lambda one: _slot(grid.xs, (one.left + one.right) / 2)):
        pieces = [*group]
        text = " ".join(f"{one.text} {one.value}".strip() for one in pieces)
        yield replace(pieces[0], text=text, right=pieces[-1].right, value="")


def _joined(texts: Iterable[str]) -> str:
    """Join the lines of a cell."""
    whole = ""
    for text in texts:
        whole += text if not whole or whole.endswith(HYPHEN) else f" {text}"
    return whole


# Tables whose columns were written one after the other.


def _with_descents(lines: list[Line]) -> list[PageItem]:
    """Put tables in the place of short lines that go down the page several times at the same heights."""
    starts = [
        at for at in range(1, len(lines)) if lines[at].top > lines[at - 1].top + lines[at].height
    ]
    if not starts:
        return [*lines]
    items: list[PageItem] = []
    done = 0
    bounds = [*starts, len(lines)]
    for at, start in enumerate(starts):
        if start < done:
            continue
        begin = _begin(lines, starts[at - 1] if at else 0, start)
        descents = [lines[max(begin, done) : start]]
        for here, after in pairwise(bounds[at:]):
            if not _is_beside(lines[here], descents):
                break
            descents.append(lines[here:after])
        columns = _even(descents)
        table = _written_down(columns) if len(columns) > 1 else None
        if table is not None:
            items += [*lines[done : max(begin, done)], table]
            done = max(begin, done) + sum(map(len, columns))
    return [*items, *lines[done:]]


def _begin(lines: Sequence[Line], first: int, start: int) -> int:
    """Return where the column begins whose neighbour starts at a line: at its height."""
    at = start
    while at > first and lines[at - 1].top < lines[start].top + 0.3 * lines[start].height:
        at -= 1
    return at


def _is_beside(line: Line, descents: Sequence[Sequence[Line]]) -> bool:
    """Tell whether a line begins a column at the height of the one before and to its right."""
    before = descents[-1]
    if not before or line.pieces:
        return False
    return (
        abs(before[0].top - line.top) < 0.3 * line.height and line.left > before[0].left + line.em
    )


def _even(descents: Sequence[Sequence[Line]]) -> list[Sequence[Line]]:
    """Cut what follows the last column, which ends no lower than the others."""
    if len(descents) < 2:
        return []
    lowest = min(column[-1].top for column in descents[:-1])
    last = [line for line in descents[-1] if line.top > lowest - 0.3 * line.height]
    return [*descents[:-1], last]


def _written_down(columns: Sequence[Sequence[Line]]) -> PdfTable | None:
    """Return the table of columns of short lines at the same heights; none where they are running text."""
    lines = [line for column in columns for line in column]
    if any(line.pieces for line in lines) or min(map(len, columns)) < 3:
        return None
    size = lines[0].height
    heights = Counter(round(line.top / (0.4 * size)) for line in lines)
    shared = sum(heights[round(line.top / (0.4 * size))] > 1 for line in lines)
    if (
        shared < _LEAST_ALIGNED * len(lines)
        or median(len(line.text) for line in lines) > _TEXT_CHARS
    ):
        return None
    for before, after in pairwise(columns):
        if max(line.right for line in before) > min(line.left for line in after):
            return None
    placed: list[_Placed] = [
        (line, [(at, at + 1, line.parts[0])])
        for at, column in enumerate(columns)
        for line in column
    ]
    rows = [
        tuple(
            TableCell(line.text, pieces[0][0], pieces[0][1], bold=line.bold)
            for line, pieces in sorted(strip, key=lambda one: one[1][0][0])
        )
        for strip in _strips(placed)
    ]
    edges = [min(line.left for line in column) for column in columns]
    return _table(rows, _count_heads(rows), edges, lines)


# Tables without rules between their columns.


@dataclass(slots=True)
class _Column:
    left: float
    right: float


def _with_columns(lines: list[Line], page: PdfPage) -> list[PageItem]:
    """Put tables in the place of lines whose pieces stand in columns, and columns of text one after the other."""
    items: list[PageItem] = []
    at = 0
    while at < len(lines):
        made, length = _longest(lines, at, page)
        items += made or [lines[at]]
        at += length or 1
    return items


def _longest(lines: Sequence[Line], at: int, page: PdfPage) -> tuple[list[PageItem], int]:
    """Return what the lines from one on are, by wide gaps or narrow ones: what takes most lines and columns."""
    best: tuple[list[PageItem], int] = ([], 0)
    most = (0, 0)
    for strong in (True, False):
        if not _may_begin(lines, at, strong):
            continue
        made, length = _made(_run(lines, at, strong), lines[at:], page, strong)
        width = len(made[0].edges) if made and isinstance(made[0], PdfTable) else 0
        if made and (length, width) > most:
            best, most = (made, length), (length, width)
    return best


def _may_begin(lines: Sequence[Line], at: int, strong: bool) -> bool:
    """Tell whether a table may begin with a line; where gaps are narrow, two of the next rows have as many pieces."""
    if strong:
        return _n_pieces(lines[at], strong) > 1 or _opens_cell(lines, at, strong)
    if _n_pieces(lines[at], strong) < 2:
        return False
    counts = [len(line.pieces) for line in lines[at : at + 4] if line.pieces]
    return len(set(counts)) < len(counts)


def _n_pieces(line: Line, strong: bool) -> int:
    """Return how many pieces of a line gaps part, its item's mark not counted."""
    if not line.pieces:
        return 1
    if any(piece.value for piece in line.pieces):
        return 1
    if not strong and len(line.pieces) > 2:
        return len(line.pieces)
    least = _STRONG * line.em if strong else 0.0
    count = 1 + sum(after.left - before.right >= least for before, after in pairwise(line.pieces))
    if count == 2 and _MARKER.match(line.pieces[0].text):
        return 1
    return count


def _opens_cell(lines: Sequence[Line], at: int, strong: bool) -> bool:
    """Tell whether a line opens a cell of several lines, whose neighbours begin at its height."""
    line = lines[at]
    if len(line.text) > _LONGEST_LINE:
        return False
    for following in lines[at + 1 : at + 8]:
        if following.top > line.top + 0.4 * line.height or following.left > line.left + line.height:
            return (
                abs(following.top - line.top) < 0.4 * line.height
                and following.left > line.right
                and _n_pieces(following, strong) > 1
            )
    return False


def _run(lines: Sequence[Line], at: int, strong: bool) -> list[Line]:
    """Return the lines from one on that may be the rows of one table by their height and size."""
    run = [lines[at]]
    first = low = lines[at]
    for line in lines[at + 1 : at + _LONGEST_RUN]:
        apart = low.bottom - line.top
        if apart > _FARTHEST_ROW * line.height or line.top > first.top + 0.4 * line.height:
            break
        if _is_larger(line, first, strong) or first.em > 1.3 * line.em:
            break
        run.append(line)
        low = line if line.bottom < low.bottom else low
    while run and _n_pieces(run[-1], strong) < 2 and not _may_continue(run, strong):
        run.pop()
    return run


def _is_larger(line: Line, first: Line, strong: bool) -> bool:
    """Tell whether a line is larger than a table's first, as a heading behind it is."""
    return line.em > (1.3 if _n_pieces(line, strong) > 1 else 1.1) * first.em


def _may_continue(run: Sequence[Line], strong: bool) -> bool:
    """Tell whether the last line may belong to a cell of the row above: near to it, as rows are not to each other."""
    rows = [line for line in run if _n_pieces(line, strong) > 1]
    last = run[-1]
    apart = run[-2].bottom - last.top if len(run) > 1 else 1e9
    if not rows or apart > _TIGHT * last.height:
        return False
    starts = [piece.left for line in rows for piece in line.parts[1:]]
    if any(abs(last.left - start) < last.em for start in starts):
        return True
    pitches = [before.bottom - after.top for before, after in pairwise(rows)]
    loose = bool(pitches) and median(pitches) > 1.25 * apart
    return loose and abs(last.left - rows[-1].left) < 0.5 * last.em and _is_full(rows[-1], rows)


def _is_full(line: Line, rows: Sequence[Line]) -> bool:
    """Tell whether the first cell of a line is about as wide as there is."""
    return line.parts[0].right > max(row.parts[0].right for row in rows) - 4 * line.em


def _made(
    run: list[Line], lines: Sequence[Line], page: PdfPage, strong: bool
) -> tuple[list[PageItem], int]:
    """Return what the first lines of a run are, a table or columns of text, and how many they are; none else."""
    counts = Counter(count for line in run if (count := _n_pieces(line, strong)) > 1)
    if not counts or (counts.total() < 2 if strong else counts.total() < 3):
        return [], 0
    width = _width(run, counts, strong)
    for wanted in dict.fromkeys((width, *sorted(counts, reverse=True))) if strong else (width,):
        placed, columns = _placed(run, wanted, strong)
        rows = [row for row in placed if len({piece[0] for piece in row[1]}) > 1]
        if len(rows) < (2 if wanted > 2 or _are_far_apart(rows) else 3):
            continue
        if _is_text(rows, columns):
            placed += _rest(lines[len(placed) :], placed[-1][0], columns)
            return [*_columns_of_text(placed, len(columns))], len(placed)
        if strong or _is_aligned(rows, columns):
            table = _unruled(placed, columns, page)
            alone = sum(len(row) == 1 for row in table.rows)
            if alone <= max(1, _MOST_ALONE * len(table.rows)):
                return [table], len(placed)
    return [], 0


def _width(run: Sequence[Line], counts: Counter[int], strong: bool) -> int:
    """Return how many columns a run of lines most likely has: as many as most of them have pieces.

    Where gaps are clear it has more where the first line names more, and others have empty cells, or where a few lines
    have one more: those that go on with a row lack its first cell.
    """
    width = max(counts, key=lambda count: (counts[count], count))
    first = _n_pieces(run[0], strong)
    if strong and width < first == max(counts):
        return first
    return width + 1 if strong and counts[width + 1] > 1 else width


_Placed: TypeAlias = tuple[Line, list[tuple[int, int, Fragment]]]
"""A line, and its pieces each with its first column and the one behind its last."""


def _are_far_apart(rows: Sequence[_Placed]) -> bool:
    """Tell whether gaps of two letters or more part the cells of each row."""
    return all(
        after.left - before.right > 2 * line.em
        for line, pieces in rows
        for (_, _, before), (_, _, after) in pairwise(pieces)
    )


def _rest(run: Sequence[Line], last: Line, columns: Sequence[_Column]) -> Iterator[_Placed]:
    """Yield the lines of a column of text that is longer than the others."""
    for line in run:
        pieces = _places(line, columns)
        if not pieces or len(pieces) > 1 or pieces[0][1] - pieces[0][0] > 1:
            return
        if last.bottom - line.top > _TIGHT * line.height or line.em < 0.95 * last.em:
            return
        yield line, pieces
        last = line


def _placed(run: Sequence[Line], width: int, strong: bool) -> tuple[list[_Placed], list[_Column]]:
    """Place the pieces of a run's first lines in columns, as far as they fit into as many as `width`."""
    models = [line for line in run if _n_pieces(line, strong) == width]
    columns = [_Column(piece.left, piece.right) for piece in _coarse(models[0], strong)]
    for line in models[1:]:
        pieces = _coarse(line, strong)
        if not _fits(columns, pieces):
            break
        for column, piece in zip(columns, pieces, strict=True):
            column.left, column.right = min(column.left, piece.left), max(column.right, piece.right)
    placed: list[_Placed] = []
    firm = 0
    for line in run:
        places = _places(line, columns)
        if places is None or (len(places) == 1 and not _is_cell(line, places[0], columns)):
            break
        placed.append((line, places))
        ends = len(placed) == len(run) and bool(firm)
        if len({first for first, _, _ in places}) > 1 or (places[0][0] and firm) or ends:
            firm = len(placed)
    return placed[:firm], columns


def _coarse(line: Line, strong: bool) -> list[Fragment]:
    """Return a line's pieces, joined over gaps that part no columns."""
    least = _STRONG * line.em if strong else 0.0
    pieces: list[Fragment] = []
    for piece in line.parts:
        if pieces and piece.left - pieces[-1].right < least:
            pieces[-1] = replace(
                pieces[-1], text=f"{pieces[-1].text} {piece.text}", right=piece.right
            )
        else:
            pieces.append(piece)
    return pieces


def _fits(columns: Sequence[_Column], pieces: Sequence[Fragment]) -> bool:
    """Tell whether columns that hold these pieces too stay apart."""
    wide = [
        (min(column.left, piece.left), max(column.right, piece.right))
        for column, piece in zip(columns, pieces, strict=True)
    ]
    return all(right < left for (_, right), (left, _) in pairwise(wide))


def _places(line: Line, columns: Sequence[_Column]) -> list[tuple[int, int, Fragment]] | None:
    """Return a line's pieces with their columns, those of one column joined; none where they fit none."""
    placed: list[tuple[int, int, Fragment]] = []
    for piece in line.parts:
        over = [
            number
            for number, column in enumerate(columns)
            if piece.left < column.right and piece.right > column.left
        ]
        first = over[0] if over else _nearest(columns, piece)
        last = over[-1] + 1 if over else first + 1
        if placed and placed[-1][1] > first:
            if last > placed[-1][1] or placed[-1][1] - placed[-1][0] > 1:
                return None
            before = placed[-1][2]
            placed[-1] = (
                placed[-1][0], last, replace(before, text=f"{before.text} {piece.text}", right=piece.right),
            )  # fmt: skip
        else:
            placed.append((first, last, piece))
    return placed


def _nearest(columns: Sequence[_Column], piece: Fragment) -> int:
    return min(
        range(len(columns)),
        key=lambda at: max(columns[at].left - piece.right, piece.left - columns[at].right),
    )


def _is_cell(line: Line, place: tuple[int, int, Fragment], columns: Sequence[_Column]) -> bool:
    """Tell whether a line of one piece may be a cell's, or head a part of a table."""
    first, last, _ = place
    if last - first == 1 and first:
        return line.left > columns[first].left - line.em
    whole = last - first == len(columns)
    return line.left > columns[0].left - line.em and not whole and len(line.text) <= 2 * _TEXT_CHARS


def _is_text(rows: Sequence[_Placed], columns: Sequence[_Column]) -> bool:
    """Tell whether columns hold running text: long lines that fill them."""
    if len(rows) < _SHORTEST_COLUMNS or len(columns) > 3:
        return False
    full = [0] * len(columns)
    for _, pieces in rows:
        for first, last, piece in pieces:
            wide = columns[first].right - columns[first].left
            if (
                last - first == 1
                and piece.right - piece.left > 0.75 * wide
                and len(piece.text) > _TEXT_CHARS
            ):
                full[first] += 1
    return min(full) > 0.6 * len(rows)


def _columns_of_text(placed: Sequence[_Placed], n_columns: int) -> Iterator[Line]:
    """Yield the lines of the first column, then those of the next."""
    for column in range(n_columns):
        for line, pieces in placed:
            for first, _, piece in pieces:
                if first == column:
                    yield replace(
                        line, text=piece.text, left=piece.left, right=piece.right, pieces=()
                    )


def _is_aligned(rows: Sequence[_Placed], columns: Sequence[_Column]) -> bool:
    """Tell whether the pieces of each column begin, end or are centred at one place, unlike running text's."""
    whole = [pieces for _, pieces in rows if len(pieces) == len(columns)]
    if len(whole) < max(3, _LEAST_ALIGNED * len(rows)):
        return False
    for number in range(1, len(columns)):
        cells = [pieces[number][2] for pieces in (whole[1:] if len(whole) > 3 else whole)]
        ways = (
            [cell.left for cell in cells],
            [cell.right for cell in cells],
            [(cell.left + cell.right) / 2 for cell in cells],
        )
        if not any(_at_one_place(places) for places in ways):
            return False
    # In running text most gaps lead to no column.
    return all(len(line.parts) <= len(columns) for line, _ in rows)


def _at_one_place(places: Sequence[float]) -> bool:
    usual = median(places)
    return sum(abs(place - usual) < 2.5 for place in places) >= _LEAST_ALIGNED * len(places)


def _unruled(placed: Sequence[_Placed], columns: Sequence[_Column], page: PdfPage) -> PdfTable:
    """Return the table of lines whose pieces were placed in columns."""
    strips = _strips([part for one in placed for part in _levels(one)])
    rows = _banded(strips, columns, page.rules) or _rows(strips, columns, page.rules)
    cells = [_cells(row) for row in rows]
    heads = _count_heads(cells) or _ruled_heads(rows, page.rules)
    edges = [column.left for column in columns]
    return _table(cells, heads, edges, [line for line, _ in placed])


def _levels(one: _Placed) -> Iterator[_Placed]:
    """Yield a line's pieces by their heights, which differ where cells are centred beside longer ones."""
    line, pieces = one
    for top, group in groupby(
        pieces,
        lambda place: (
            line.top if abs(place[2].top - line.top) < 0.3 * line.height else place[2].top
        ),
    ):
        here = [*group]
        yield replace(line, top=top, bottom=top) if top != line.top else line, here


def _banded(
    strips: Sequence[list[_Placed]], columns: Sequence[_Column], rules: Sequence[Stroke]
) -> list[list[list[_Placed]]]:
    """Return the rows that rules part from each other; none where they do not part each."""
    bands: list[list[list[_Placed]]] = []
    for at, strip in enumerate(strips):
        if not at or _is_parted(strips, at, rules):
            bands.append([strip])
        else:
            bands[-1].append(strip)
    whole = [sum(len(_firsts(strip)) == len(columns) for strip in band) for band in bands]
    return bands if len(bands) >= _FEWEST_BANDS and max(whole) < 2 else []


def _rows(
    strips: Sequence[list[_Placed]], columns: Sequence[_Column], rules: Sequence[Stroke]
) -> list[list[list[_Placed]]]:
    """Return the rows that strips make by how near to each other they are."""
    size = median(strip[0][0].height for strip in strips)
    usual = _usual_drop(strips)
    rows: list[list[list[_Placed]]] = []
    waiting: list[list[_Placed]] = []
    for at, strip in enumerate(strips):
        below = _apart(strip, strips[at + 1]) if at + 1 < len(strips) else 1e9
        above = _apart(strips[at - 1], strip) if at else 1e9
        if _is_parted(strips, at, rules):
            above = 1e9
        if len(_firsts(strip)) > 1 and min(above, below) > 0.85 * usual:
            above = below = 1e9  # as far away as rows are
        if _continues(strip, rows, columns, above, below, size) and not waiting:
            rows[-1].append(strip)
        elif not _begins_row(strip) and below < min(above, _TIGHT * size):
            waiting.append(strip)  # its row stands lower: the cells are centred
        else:
            rows.append([*waiting, strip])
            waiting = []
    return rows


def _usual_drop(strips: Sequence[list[_Placed]]) -> float:
    """Return the usual distance between strips that begin rows and follow each other; a great one where none do."""
    drops = [_apart(a, b) for a, b in pairwise(strips) if _begins_row(a) and _begins_row(b)]
    return median(drops) if drops else 1e9


def _firsts(strip: Sequence[_Placed]) -> set[int]:
    """Return the columns that a strip's pieces stand in."""
    return {first for _, pieces in strip for first, _, _ in pieces}


def _strips(placed: Sequence[_Placed]) -> list[list[_Placed]]:
    """Return the lines from top to bottom, those of one height together."""
    strips: list[list[_Placed]] = []
    for one in sorted(placed, key=lambda one: -one[0].top):
        if strips and strips[-1][0][0].top - one[0].top < 0.4 * one[0].height:
            strips[-1].append(one)
        else:
            strips.append([one])
    return strips


def _apart(upper: Sequence[_Placed], lower: Sequence[_Placed]) -> float:
    return upper[0][0].bottom - lower[0][0].top


def _is_parted(strips: Sequence[list[_Placed]], at: int, rules: Sequence[Stroke]) -> bool:
    """Tell whether a rule lies between a strip and the one above."""
    if not at:
        return False
    upper, lower = strips[at - 1][0][0], strips[at][0][0]
    return any(
        rule.is_level
        and lower.top + 0.3 * lower.height < rule.top < upper.bottom
        and rule.left < lower.right
        and rule.right > lower.left
        and rule.right - rule.left > 3 * lower.em
        for rule in rules
    )


def _begins_row(strip: Sequence[_Placed]) -> bool:
    firsts = _firsts(strip)
    return 0 in firsts and len(firsts) > 1


def _continues(
    strip: Sequence[_Placed],
    rows: Sequence[list[list[_Placed]]],
    columns: Sequence[_Column],
    above: float,
    below: float,
    size: float,
) -> bool:
    """Tell whether a strip goes on with the cells of the row above."""
    if not rows or _begins_row(strip) or above > min(_TIGHT * size, below + 0.1 * size):
        return False
    if _firsts(strip) != {0}:
        return True
    before = [piece for line in rows[-1][-1] for first, _, piece in line[1] if first == 0]
    bold = strip[0][0].bold and not rows[-1][-1][0][0].bold
    full = any(piece.right > columns[0].right - 4 * strip[0][0].em for piece in before)
    return full and not bold


def _cells(row: Sequence[list[_Placed]]) -> tuple[TableCell, ...]:
    """Return the cells of a row."""
    said: dict[int, list[tuple[str, bool, int]]] = {}
    for strip in row:
        for line, pieces in strip:
            for first, last, piece in pieces:
                said.setdefault(first, []).append((piece.text, line.bold, last))
    return tuple(
        TableCell(
            _joined(text for text, _, _ in lines),
            first,
            max(last for _, _, last in lines),
            bold=all(bold for _, bold, _ in lines),
        )
        for first, lines in sorted(said.items())
    )


def _table(
    rows: Sequence[tuple[TableCell, ...]],
    n_heads: int,
    edges: Sequence[float],
    lines: Sequence[Line],
) -> PdfTable:
    """Return a table; a head above others goes over the columns to its right that have none in its row."""
    spread = list(rows)
    for at in range(n_heads - 1):
        row, below = rows[at], {cell.first for cell in rows[at + 1]}
        ends = [cell.first for cell in row[1:]] + [len(edges)]
        spread[at] = tuple(
            replace(cell, last=max(cell.last, end))
            if cell.first and all(one in below for one in range(cell.first, end))
            else cell
            for cell, end in zip(row, ends, strict=True)
        )
    return PdfTable(tuple(spread), n_heads, tuple(edges), median(line.em for line in lines))


def _count_heads(rows: Sequence[tuple[TableCell, ...]]) -> int:
    """Return how many of the first rows name columns: by bold type, by going over several, else by what they say."""
    n_bold = 0
    for row in rows[:_MOST_HEADS]:
        if not all(cell.bold for cell in row):
            break
        n_bold += 1
    if 0 < n_bold < len(rows) and not all(cell.bold for row in rows for cell in row):
        return n_bold
    spanning = 0
    while spanning < min(_MOST_HEADS, len(rows) - 1) and any(
        cell.last - cell.first > 1 for cell in rows[spanning]
    ):
        spanning += 1
    if spanning and spanning + 1 < len(rows) and len(rows[spanning]) > 1:
        return spanning + _names(rows[spanning:])
    return int(_names(rows))


def _names(rows: Sequence[tuple[TableCell, ...]]) -> bool:
    """Tell whether the first row of three columns or more names them: of two the first may hold labels."""
    first, *others = rows
    width = max(len(row) for row in rows)
    names = [cell.text for cell in first]
    if not others or width < 3 or len(first) < width - 1 or len(set(names)) < len(names):
        return False
    text = " | ".join(cell.text for cell in first)
    spans, at = [], 0
    for cell in first:
        spans.append((at, at + len(cell.text)))
        at += len(cell.text) + 3
    return names_columns(text, spans) or _stand_above_figures(first, others)


def _stand_above_figures(first: Sequence[TableCell], others: Sequence[Sequence[TableCell]]) -> bool:
    """Tell whether a row's cells begin with letters, and those below but the first of each row with figures."""
    values = [cell.text for row in others for cell in row if cell.first]
    figures = sum(not value[0].isalpha() for value in values)
    return all(cell.text[0].isalpha() for cell in first if cell.first) and figures > (
        _LEAST_ALIGNED * len(values)
    )


def _ruled_heads(rows: Sequence[list[list[_Placed]]], rules: Sequence[Stroke]) -> int:
    """Return 1 where a rule lies below the first row and none below the others but the last."""
    strips = [row[0] for row in rows]
    if len(rows) < 3 or not _is_parted(strips, 1, rules):
        return 0
    return int(not any(_is_parted(strips, at, rules) for at in range(2, len(strips))))
