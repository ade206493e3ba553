"""Rows of a table whose cells of several lines were written one after the other, as lines across the row. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rag.sources.pdf_page import Fragment, Line

_LEVEL = 0.4
"""Of a line's height: lines of one row differ by less."""
_TIGHT = 1.45
"""Of a line's height: lines of one cell stand nearer to each other."""
_SAME = 3.0
"""Points between the left edges of a column in two rows."""
_MOST_LINES = 40
_LONGEST = 45
"""Characters of a cell's line: longer ones are running text."""
_FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True)
class _Row:
    """Lines that are one row, from one on to before another."""

    first: int
    end: int
    lefts: tuple[float, ...]
    """Of the columns that begin anew at its height."""


def with_rows(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a page, with those of each row that was written cell by cell from top to bottom across it.

    Only where two rows or more have their columns at the same places: two columns of text do that once.
    """
    lines = _joined(lines)
    rows = [*_rows(lines)]
    rows = [row for row in rows if sum(_are_alike(row, one) for one in rows) >= _FEWEST_ROWS]
    made: list[Line] = []
    at = 0
    for row in rows:
        made += [*lines[at : row.first], *_across(lines[row.first : row.end])]
        at = row.end
    return [*made, *lines[at:]]


def _joined(lines: Sequence[Line]) -> Sequence[Line]:
    """Join lines that follow each other at one height behind a wide gap, where two rows or more are so written."""
    level = [at for at in range(1, len(lines)) if _is_beside(lines[at - 1], lines[at])]
    if len(level) < _FEWEST_ROWS:
        return lines
    made = [*lines[:1]]
    for at, line in enumerate(lines[1:], start=1):
        made[-1:] = [*_across([made[-1], line])] if at in level else [made[-1], line]
    return made


def _is_beside(line: Line, following: Line) -> bool:
    """Tell whether a short line goes on behind a gap with another."""
    return (
        abs(line.top - following.top) < _LEVEL * line.height
        and following.left - line.right > line.em > 0
        and max(len(line.text), len(following.text)) <= _LONGEST
        and line.heading == following.heading
    )


def _rows(lines: Sequence[Line]) -> Iterator[_Row]:
    """Yield what may be rows, none over another."""
    at = 0
    while at < len(lines) - 1:
        row = _row(lines, at)
        if row is not None:
            yield row
        at = at + 1 if row is None else row.end


def _row(lines: Sequence[Line], at: int) -> _Row | None:
    """Return the row that begins with a line; None where no other column begins at its height."""
    first = lines[at]
    column, reach, lefts, deep = [first], first.right, list[float](), False
    end = at + 1
    for line in lines[at + 1 : at + _MOST_LINES]:
        drop = column[-1].bottom - line.top
        if len(line.text) > _LONGEST or not line.size:
            break
        if abs(line.top - first.top) < _LEVEL * line.height and line.left > reach:
            lefts.append(line.left)
            column = [line]
        elif 0 < drop <= _TIGHT * line.height and _is_below(line, column[0].parts[-1], line.em):
            column.append(line)
            deep = True
        else:
            break
        reach = max(reach, line.right)
        end += 1
    if not lefts or not deep or len(first.text) > _LONGEST or not first.size:
        return None
    return _Row(at, end, tuple(lefts))


def _is_below(line: Line, piece: Fragment, em: float) -> bool:
    """Tell whether a line stands in the column of a piece above: it begins, ends or has its middle where that has."""
    return (
        abs(line.left - piece.left) < em
        or abs(line.right - piece.right) < em
        or abs(line.left + line.right - piece.left - piece.right) < 2 * em
    )


def _are_alike(one: _Row, other: _Row) -> bool:
    """Tell whether the columns of two rows begin at the same places."""
    fewer, more = sorted((one.lefts, other.lefts), key=len)
    return all(any(abs(left - at) < _SAME for at in more) for left in fewer)


def _across(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines of a row, those of one height as one."""
    strips: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: -one.top):
        if strips and strips[-1][0].top - line.top < _LEVEL * line.height:
            strips[-1].append(line)
        else:
            strips.append([line])
    for strip in strips:
        strip.sort(key=lambda one: one.left)
        pieces = tuple(piece for line in strip for piece in line.parts)
        yield replace(
            strip[0],
            text=" ".join(line.text for line in strip),
            right=strip[-1].right,
            bold=all(line.bold for line in strip),
            pieces=pieces if len(pieces) > 1 else strip[0].pieces,
        )
