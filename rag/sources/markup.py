"""Paragraphs, items and tables of office documents as HTML, which `html` turns into text and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Literal, TypeAlias

from rag.language.layout import refine
from rag.language.outline import shifted
from rag.schema import Block, Place
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.html import parse, to_text

_DEEPEST_HEADING = 6
_DEEPEST_ITEM = 9
_PAGE_HEADING, _LONGEST_LINE = 2, 80
"""The level of the heading of a page, and its characters where it is only the first line."""
_NEAR = 30
"""Twentieths of a point within which two edges are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A paragraph, heading or item."""

    text: str
    """Line breaks in it are meant."""
    heading: int = 0
    """Level, 1 the outermost; 0 of what is none."""
    is_title: bool = False
    """It is the heading that names the whole; all others are below it."""
    depth: int = 0
    """Of an item: 1 is the outermost; 0 of what is none."""
    number: str = ""
    """What is shown before an item; empty for a bullet."""
    is_bold: bool = False
    """All of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCell:
    """A cell of a table."""

    text: str
    columns: int = 1
    """That it covers."""
    rows: int = 1
    is_head: bool = False
    """It names its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainCell:
    """A cell of a table whose rows all have as many: what is merged says so."""

    text: str
    joins: Literal["", "left", "above"] = ""
    """The cell that it is one with."""
    is_head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePart:
    """A table, row by row."""

    rows: Sequence[Sequence[PartCell]]


Part: TypeAlias = TextPart | TablePart


def document_of(parts: Sequence[Part], title: str) -> Document:
    """Return a document of one stretch; it is called by its own title, else by `title`, else by its first heading."""
    headings = [one for one in parts if isinstance(one, TextPart) and one.heading]
    titles = [one for one in headings if one.is_title]
    if titles:
        title = titles[0].text
        parts = [_below_title(one) for one in parts]
    title = title or next((one.text for one in headings if one.heading == 1), "")
    text, blocks = to_text(parse(html_of(parts)).body)
    return Document(title=title, parts=(text,), blocks=refine(text, blocks))


def _below_title(part: Part) -> Part:
    """Return a heading one level deeper, but for a title."""
    if isinstance(part, TextPart) and part.heading:
        return replace(part, heading=1 if part.is_title else part.heading + 1)
    return part


def paged(pages: Iterable[tuple[str, Sequence[Part]]], title: str) -> Document:
    """Return a document of pages, each with its name and a structure of its own; empty ones are left out."""
    parts: list[str] = []
    blocks: list[Block] = []
    places: list[Place] = []
    length = 0
    for name, held in pages:
        text, found = to_text(parse(html_of(_headed(held))).body)
        if not text:
            continue
        blocks += shifted(refine(text, found), length, len(blocks))
        places.append(Place(start=length, end=length + len(text), name=name))
        parts.append(f"{text}\n\n")
        length += len(text) + 2
        if length > MAX_CHARS:
            raise too_long()
    return Document(
        title=title, parts=tuple(parts), paged=True, blocks=tuple(blocks), places=tuple(places)
    )


def html_of(parts: Iterable[Part]) -> str:
    """Return paragraphs, items and tables as HTML; items behind each other are one list."""
    pieces: list[str] = []
    depth = 0
    for part in parts:
        deep = min(part.depth, _DEEPEST_ITEM) if isinstance(part, TextPart) else 0
        pieces.append("<ul>" * (deep - depth) + "</ul>" * (depth - deep))
        depth = deep
        pieces.append(_table(part) if isinstance(part, TablePart) else _paragraph(part))
    return "".join([*pieces, "</ul>" * depth])


def _headed(parts: Sequence[Part]) -> Sequence[Part]:
    """Make a heading of the first line of a page that has none: short, no sentence, and more follows."""
    heads = (isinstance(one, TextPart) and 0 < one.heading <= _PAGE_HEADING for one in parts)
    if any(heads) or len(parts) < 2:
        return parts
    first, *rest = parts
    if not isinstance(first, TextPart) or first.depth or len(first.text) > _LONGEST_LINE:
        return parts
    if "\n" in first.text or first.text.rstrip().endswith((".", ":", ";", ",")):
        return parts
    return [replace(first, heading=_PAGE_HEADING), *rest]


def gridded(
    rows: Sequence[tuple[Sequence[PlainCell], Sequence[int]]],
) -> list[list[PlainCell]]:
    """Return rows with a cell in each column, where of some rows a cell covers several.

    Args:
        rows: the cells of each row, and where on the page they part: from the left edge of the first to the right edge
            of the last, one more than cells; where there are not as many, the cells are taken as they come.
    """
    lines = sorted({edge for _, edges in rows for edge in edges})
    columns: dict[int, int] = {}
    for before, edge in zip([None, *lines], lines, strict=False):
        near = before is not None and edge - before < _NEAR
        columns[edge] = (
            columns[before] if near and before is not None else len(set(columns.values()))
        )
    found = []
    for cells, edges in rows:
        if len(edges) != len(cells) + 1:
            found.append([*cells])
            continue
        placed: list[PlainCell] = [PlainCell(text="")] * columns[edges[0]]
        for cell, (left, right) in zip(cells, pairwise(edges), strict=True):
            wide = columns[right] - columns[left]
            joined = PlainCell(text="", joins="left")
            placed += [cell, *[joined] * (wide - 1)] if wide > 0 else [cell]
        found.append(placed)
    return found


def table_of(rows: Sequence[Sequence[PlainCell]]) -> TablePart:
    """Return a table in which merged cells are one that covers several columns and rows."""
    made: list[list[PartCell]] = []
    standing: dict[
        int, tuple[int, int]
    ] = {}  # column: row and number of the cell that stands in it
    for row in rows:
        made.append([])
        last: tuple[int, int] | None = None
        for column, cell in enumerate(row):
            above = standing.get(column)
            if cell.joins == "left" and last is not None:
                at, number = last
                if (
                    at == len(made) - 1
                ):  # else it is as wide as the one above, which is counted already
                    made[at][number] = replace(
                        made[at][number], columns=made[at][number].columns + 1
                    )
            elif cell.joins == "above" and above is not None:
                last = at, number = above
                made[at][number] = replace(made[at][number], rows=made[at][number].rows + 1)
            else:
                made[-1].append(PartCell(text=cell.text, is_head=cell.is_head))
                last = len(made) - 1, len(made[-1]) - 1
            standing[column] = last
    return TablePart(rows=made)


def numbered(parts: Iterable[Part]) -> list[Part]:
    """Count the items whose number is `#`: those behind each other of one depth, anew below each one further out."""
    counts: dict[int, int] = {}
    found: list[Part] = []
    for part in parts:
        depth = part.depth if isinstance(part, TextPart) else 0
        counts = {at: count for at, count in counts.items() if at <= depth}
        if isinstance(part, TextPart) and part.number == "#":
            counts[depth] = counts.get(depth, 0) + 1
            part = replace(part, number=f"{counts[depth]}.")
        found.append(part)
    return found


def _paragraph(part: TextPart) -> str:
    text = escape(part.text, quote=False).replace("\n", "<br>")
    if not text.strip():
        return ""
    if part.depth:
        number = f'<span class="number">{escape(part.number)}</span> ' if part.number else ""
        return f"<li>{number}{text}"  # a list inside it may follow
    if part.heading:
        level = min(part.heading, _DEEPEST_HEADING)
        return f"<h{level}>{' '.join(text.split())}</h{level}>"
    return f"<p><b>{text}</b></p>" if part.is_bold else f"<p>{text}</p>"


def _table(table: TablePart) -> str:
    rows = ("".join(map(_cell, row)) for row in table.rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _cell(cell: PartCell) -> str:
    tag = "th" if cell.is_head else "td"
    spans = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    spans += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    return f"<{tag}{spans}>{escape(cell.text, quote=False)}</{tag}>"
