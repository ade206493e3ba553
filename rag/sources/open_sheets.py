"""Workbooks of OpenDocument (.ods): the sheets that are shown, each cell as it shows."""

from __future__ import annotations

from xml.etree import ElementTree

from rag.errors import SourceError
from rag.sources.document import Document
from rag.sources.grid import MOST_CELLS, Sheet, document_of_sheets
from rag.sources.opendocument import OpenDocument, amount, attribute, cell_text, rows_of
from rag.sources.packages import local

_MOST_TAGS = 4_000_000
_MOST_REPEATED = 1_000
"""Times that a cell with text may stand for others like it."""


def read(data: bytes) -> Document:
    """Read a workbook: hidden and empty sheets are left out.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    opened = OpenDocument(data, ".ods", most_tags=_MOST_TAGS)
    sheets, left = [], MOST_CELLS
    for table in opened.body():
        if local(table) == "table" and not _is_hidden(opened, table):
            sheets.append(_sheet(opened, table, left))
            left -= len(sheets[-1].cells)
    return document_of_sheets(sheets, opened.title)


def _is_hidden(opened: OpenDocument, table: ElementTree.Element) -> bool:
    style = opened.styles.get(("table", attribute(table, "style-name")))
    return any(attribute(one, "display") == "false" for one in (() if style is None else style))


def _sheet(opened: OpenDocument, table: ElementTree.Element, most: int) -> Sheet:
    """Read the cells of one sheet.

    Raises:
        SourceError: `too_large`: there are more than `most`.
    """
    cells: dict[tuple[int, int], str] = {}
    merged: list[tuple[int, int, int, int]] = []
    strong: set[tuple[int, int]] = set()
    row = 0
    for line, _ in rows_of(table):
        column = 0
        again = amount(line, "number-rows-repeated")
        for cell in line:
            across = amount(cell, "number-columns-repeated")
            text = cell_text(cell) if local(cell) == "table-cell" else ""
            if text:
                spans = amount(cell, "number-rows-spanned"), amount(cell, "number-columns-spanned")
                if spans != (1, 1):
                    merged.append((row, column, row + spans[0] - 1, column + spans[1] - 1))
                places = [
                    (down, over)
                    for down in range(row, row + min(again, _MOST_REPEATED))
                    for over in range(column, column + min(across, _MOST_REPEATED))
                ]
                cells |= dict.fromkeys(places, text)
                if opened.is_bold("table-cell", attribute(cell, "style-name")):
                    strong.update(places)
                if len(cells) > most:
                    raise SourceError(
                        "too_large", f"holds more than {MOST_CELLS:,} cells; split it"
                    )
            column += across
        row += again
    name = " ".join(attribute(table, "name").split())
    return Sheet(name=name, cells=cells, merged=merged, strong=frozenset(strong))
