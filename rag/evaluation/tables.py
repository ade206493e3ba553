"""Files that people make in an editor or a spreadsheet, as text and as rows.

The encoding is found out from the bytes, the separator from the header. What the columns mean is
not known here.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from rag.errors import DatasetError

_SEPARATORS = ",;\t"
_DECLARED = "sep="
_LOOKED_AT = 512


def read_text(path: Path) -> str:
    """Return a file's text: UTF-8, or UTF-16 as spreadsheets write it, without the byte order mark.

    Raises:
        DatasetError: the file cannot be read, or is in another encoding.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DatasetError(f"{path} cannot be read: {exc.strerror or exc}.") from exc
    encoding = _encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise DatasetError(
            f"{path} cannot be read as text: byte {exc.start} is not"
            f" {encoding.removesuffix('-sig').upper()}. Save it as UTF-8; spreadsheets call that"
            " 'CSV UTF-8'."
        ) from exc


def read_rows(
    text: str, path: Path, *, columns: Collection[str], required: str
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row that holds something: the line where it begins, and its cells by column.

    Commas, semicolons and tabs separate, whichever makes the most known columns of the header. A
    first line such as `sep=;`, which spreadsheets write, is obeyed. Names of columns are read
    without case and outer blanks; empty cells are left out.

    Args:
        text: of the table.
        path: named in errors.
        columns: names that a header may have.
        required: the one that it must have.

    Raises:
        DatasetError: the table is malformed; names file and line.
    """
    first, separator = _declared(text)
    lines = text.split("\n", 1)[1] if first else text
    reader = csv.reader(
        io.StringIO(lines, newline=""),
        delimiter=separator or _separator(lines, columns),
        strict=True,
    )
    names: list[str] | None = None
    begins = first + 1
    try:
        for row in reader:
            if names is None:
                names = [name.strip().lower() for name in row]
                _require_names(names, required, path, begins)
            elif any(cell.strip() for cell in row):
                yield begins, _named(row, names, path, begins)
            begins = first + reader.line_num + 1
    except csv.Error as exc:
        raise DatasetError(
            f"{path}, after line {begins}: {exc}. A cell that opens with a quotation mark must"
            " close with one."
        ) from exc


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # The header is ASCII: without a mark, where its zero bytes stand tells the byte order.
    head = data[:_LOOKED_AT]
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8-sig"


def _declared(text: str) -> tuple[int, str]:
    """Return how many lines declare the separator, and the separator."""
    line = text.split("\n", 1)[0].strip().strip('"')
    if line.lower().startswith(_DECLARED) and len(line) <= len(_DECLARED) + 1:
        return 1, line[len(_DECLARED) :] or "\t"
    return 0, ""


def _separator(text: str, columns: Collection[str]) -> str:
    header = text.split("\n", 1)[0]

    def known(separator: str) -> int:
        names = [name.strip(" \"'\r").lower() for name in header.split(separator)]
        return sum(name in columns for name in names)

    return max(_SEPARATORS, key=known)


def _require_names(names: list[str], required: str, path: Path, line: int) -> None:
    if required not in names:
        raise DatasetError(
            f"{path}, line {line}: no column is called {required!r}; the first line names the"
            f" columns, and here it reads {', '.join(names)!r}."
        )
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(f"{path}, line {line}: two columns are called {twice!r}.")


def _named(row: list[str], names: list[str], path: Path, line: int) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(names) :]):
        raise DatasetError(
            f"{path}, line {line}: more cells than columns. Put text that has the separator in it"
            " between quotation marks."
        )
    cells = {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}
    if "" in cells:
        raise DatasetError(f"{path}, line {line}: {cells['']!r} stands in a column without a name.")
    return cells
