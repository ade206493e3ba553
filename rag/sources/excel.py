"""Excel workbooks (.xlsx, .xlsm): the sheets that are shown, each cell as it shows.

The XML is read directly: the format of a number, without which 0.2 is not 20 % and 46095 no day, is given by no library
that reads cells fast.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from rag.errors import SourceError
from rag.sources.archive import check_xml, open_archive, read_entry, xml_root
from rag.sources.document import Document
from rag.sources.grid import MOST_CELLS, Sheet, document_of_sheets
from rag.sources.number_format import BUILT_IN, as_shown
from rag.sources.packages import local, main_part, package_title, relations
from rag.sources.signatures import check_zip

_WORKBOOK = "xl/workbook.xml"
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_MOST_TAGS = 5 * MOST_CELLS
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class _Style:
    """How a cell is shown."""

    code: str
    is_bold: bool


@dataclass(frozen=True, slots=True)
class _Book:
    """What all sheets of a workbook share."""

    strings: list[str]
    styles: list[_Style]
    since_1904: bool


def read(data: bytes) -> Document:
    """Read a workbook: hidden and empty sheets are left out.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    check_zip(data, ".xlsx")
    with open_archive(data) as archive:
        names = set(archive.namelist())
        main = main_part(archive, _WORKBOOK)
        if main not in names:
            raise SourceError(
                "unreadable", "holds no workbook, or not where one lies; save it anew as .xlsx"
            )
        workbook = xml_root(read_entry(archive, main))
        targets = relations(archive, main)
        others = {posixpath.basename(name): name for name in targets.values() if name in names}
        settings = next((one for one in workbook if local(one) == "workbookPr"), None)
        book = _Book(
            strings=[*_strings(archive, others.get("sharedStrings.xml"))],
            styles=[*_styles(archive, others.get("styles.xml"))],
            since_1904=settings is not None and settings.get("date1904") in {"1", "true"},
        )
        sheets, left = [], MOST_CELLS
        shown = {entry: name for name, entry in _shown_sheets(workbook, targets)}
        for entry, name in shown.items():
            if entry in names:
                sheets.append(_sheet(name, read_entry(archive, entry), book, left))
                left -= len(sheets[-1].cells)
        document = document_of_sheets(sheets, package_title(archive))
        return replace(document, remark=_unreckoned(sum(one.unreckoned for one in sheets)))


def _unreckoned(count: int) -> str:
    """Return what to say of formulas without results, as programs write them; empty where there are none."""
    if not count:
        return ""
    of = "a formula" if count == 1 else f"{count:,} formulas"
    return (
        f"holds {of} without a result, read as empty; open and save it with a spreadsheet program"
    )


def _shown_sheets(
    workbook: ElementTree.Element, targets: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield name and entry of the sheets that are not hidden, in their order."""
    for one in workbook.iter():
        if local(one) == "sheet" and one.get("state", "visible") == "visible":
            number = next((text for key, text in one.items() if key.endswith("}id")), "")
            yield " ".join(one.get("name", "").split()), targets.get(number, "")


def _strings(archive: zipfile.ZipFile, name: str | None) -> Iterator[str]:
    """Yield the texts that cells name by their number."""
    if name:
        for one in _elements(read_entry(archive, name), "si"):
            yield _text(one)


def _styles(archive: zipfile.ZipFile, name: str | None) -> Iterator[_Style]:
    """Yield how cells are shown, in the order of the numbers that they name."""
    if not name:
        return
    root = xml_root(read_entry(archive, name))
    parts = {local(part): [*part] for part in root}
    codes = BUILT_IN | {
        _number(one.get("numFmtId")): one.get("formatCode", "") for one in parts.get("numFmts", ())
    }
    bold = [
        any(local(one) == "b" and one.get("val", "1") not in {"0", "false"} for one in font)
        for font in parts.get("fonts", ())
    ]
    for one in parts.get("cellXfs", ()):
        font = _number(one.get("fontId"))
        yield _Style(codes.get(_number(one.get("numFmtId")), ""), font < len(bold) and bold[font])


def _sheet(name: str, data: bytes, book: _Book, most: int) -> Sheet:
    """Read the cells of one sheet.

    Raises:
        SourceError: `too_large`: there are more than `most`; `unreadable`.
    """
    cells: dict[tuple[int, int], str] = {}
    strong: set[tuple[int, int]] = set()
    merged: list[tuple[int, int, int, int]] = []
    styles, plain = book.styles, _Style("", False)
    row = unreckoned = 0
    for one in _elements(data, "row", "mergeCell"):
        if local(one) == "mergeCell":
            first, _, last = one.get("ref", "").partition(":")
            merged.append((*(_place(first) or (0, 0)), *(_place(last) or (0, 0))))
            continue
        row, column = (_number(one.get("r")) or row + 1), -1
        for cell in one:  # one that says no place stands behind the one before
            at = _place(cell.get("r", "")) or (row - 1, column + 1)
            column = at[1]
            style = styles[number] if (number := _number(cell.get("s"))) < len(styles) else plain
            text = _shown(cell, style.code, book)
            unreckoned += not text and _is_unreckoned(cell)
            if text:
                cells[at] = text
                if style.is_bold:
                    strong.add(at)
        if len(cells) > most:
            raise SourceError("too_large", f"holds more than {MOST_CELLS:,} cells; split it")
    return Sheet(
        name=name, cells=cells, merged=merged, strong=frozenset(strong), unreckoned=unreckoned
    )


def _is_unreckoned(cell: ElementTree.Element) -> bool:
    """Tell whether a cell has a formula and no result, not even an empty text."""
    names = {local(one) for one in cell}
    return "f" in names and cell.get("t") != "str"


def _shown(cell: ElementTree.Element, code: str, book: _Book) -> str:
    """Return what a cell shows, on one line; empty where that is nothing."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = next((one.text for one in cell if local(one) == "v"), None)
    if not value:
        return ""
    if kind == "s":
        return book.strings[at] if (at := _number(value)) < len(book.strings) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    if kind in {"str", "e", "d"}:
        return _line(value)
    try:
        return as_shown(float(value), code, since_1904=book.since_1904)
    except (ValueError, OverflowError):
        return _line(value)


def _elements(data: bytes, *wanted: str) -> Iterator[ElementTree.Element]:
    """Yield the elements of these names as they end, and keep no more of the tree than they need."""
    check_xml(data)
    if data.count(b"<") > _MOST_TAGS:
        raise SourceError("too_large", f"holds more than {_MOST_TAGS:,} tags; split it")
    try:
        for _, one in ElementTree.iterparse(io.BytesIO(data)):  # noqa: S314  (entities are refused above)
            if local(one) in wanted:
                yield one
                one.clear()
    except ElementTree.ParseError as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc


def _text(one: ElementTree.Element) -> str:
    """Return the text of a string, without how it is pronounced."""
    pieces: list[str] = []
    waiting = [one]
    while waiting:
        node = waiting.pop()
        if local(node) == "t":
            pieces.append(node.text or "")
        elif local(node) != "rPh":
            waiting += reversed(node)
    return _line("".join(pieces))


def _line(text: str) -> str:
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return " ".join(text.split())


def _place(reference: str) -> tuple[int, int] | None:
    """Return row and column, both from 0, of a reference such as `B12`."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(match[2]) - 1, column - 1


def _number(text: str | None) -> int:
    """Return a number of the file's own; 0 where there is none."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0
