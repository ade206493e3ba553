"""Excel workbooks as they were before 2007 (.xls): the sheets that are shown, each cell as it shows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rag.errors import SourceError
from rag.sources.compound import streams_of
from rag.sources.document import Document
from rag.sources.grid import MOST_CELLS, Sheet, document_of_sheets
from rag.sources.number_format import as_shown
from rag.sources.signatures import check_ole

if TYPE_CHECKING:
    from xlrd.book import Book
    from xlrd.sheet import Sheet as BinarySheet

_BOLD = 600
"""Weight of a font from which on it is bold."""


def read(data: bytes) -> Document:
    """Read a workbook: hidden and empty sheets are left out.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    import xlrd

    check_ole(data, ".xls")
    streams = streams_of(data, "Workbook", "Book")
    if not streams:
        raise SourceError("unreadable", "is no .xls file, or a damaged one; save it anew")
    try:
        # The stream alone: xlrd's own reader of containers follows chains that end nowhere for ever.
        book = xlrd.open_workbook(
            file_contents=next(iter(streams.values())),
            formatting_info=True,
            on_demand=True,
            logfile=io.StringIO(),
        )
        sheets, left = [], MOST_CELLS
        for number in range(book.nsheets):
            sheet = book.sheet_by_index(number)
            if sheet.visibility == 0:
                sheets.append(_sheet(sheet, book, left))
                left -= len(sheets[-1].cells)
            book.unload_sheet(number)
    except xlrd.XLRDError as exc:
        if "encrypted" in str(exc):
            raise SourceError(
                "encrypted", "needs a password; save a copy without one and add that"
            ) from exc
        raise SourceError("unreadable", "is damaged, or no .xls file; save it anew") from exc
    return document_of_sheets(sheets, "")


def _sheet(sheet: BinarySheet, book: Book, most: int) -> Sheet:
    cells: dict[tuple[int, int], str] = {}
    strong: set[tuple[int, int]] = set()
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            text = _shown(sheet, row, column, book)
            if text:
                cells[row, column] = text
                style = book.xf_list[sheet.cell_xf_index(row, column)]
                if book.font_list[style.font_index].weight >= _BOLD:
                    strong.add((row, column))
                if len(cells) > most:
                    raise SourceError(
                        "too_large", f"holds more than {MOST_CELLS:,} cells; split it"
                    )
    merged = [(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells]
    return Sheet(name=sheet.name, cells=cells, merged=merged, strong=frozenset(strong))


def _shown(sheet: BinarySheet, row: int, column: int, book: Book) -> str:
    """Return what a cell shows, on one line; empty where that is nothing."""
    import xlrd

    kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
    if kind in {xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE}:
        style = book.xf_list[sheet.cell_xf_index(row, column)]
        code = book.format_map[style.format_key].format_str
        return as_shown(float(value), code, since_1904=book.datemode == 1)
    if kind == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if value else "FALSE"
    if kind == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(value, ""))
    return " ".join(str(value).split())
