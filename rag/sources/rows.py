"""Tables as text files (.csv, .tsv): each row becomes one sentence that can be quoted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, repeat, zip_longest

from rag.errors import SourceError
from rag.language.nesting import PLAIN, TITLE, nest
from rag.language.outline import Outline
from rag.sources.characters import clean, decode
from rag.sources.column_names import LONGEST_NAME, are_names
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.signatures import check_text

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS, _SAMPLE_ROWS = 65_536, 50
_OPENING_ROWS = 8
_ENDS = (".", "!", "?")
_MOST_COLUMNS = 16_384
"""As many as a spreadsheet takes; a row of more is no sentence that could be quoted."""


def read(data: bytes) -> Document:
    """Read a table as lines `Header: value; Header: value.`, an empty line between; empty cells are left out."""
    check_text(data)
    text, guessed = decode(data)
    text = clean(text)
    rows = _rows(text, _delimiter(text[:_SAMPLE_CHARS]))
    opening = [*islice(rows, _OPENING_ROWS)]
    titles, header, body = _headed(opening)
    pieces, length, outline = [], 0, Outline()
    for title in titles:
        level = TITLE if not length else PLAIN
        outline.add(
            "title" if not length else "paragraph", length, length + len(title), level=level
        )
        pieces.append(title)
        length += len(title) + 2
    for row in chain(body, rows):
        pieces.append(_sentence(header, row))
        _outline(header, row, length, len(pieces[-1]), outline)
        length += len(pieces[-1]) + 2
        if length > MAX_CHARS:
            raise too_long()
    whole = "\n\n".join(pieces)
    return Document(
        title=titles[0] if titles else "",
        parts=(whole,),
        blocks=nest(whole, outline.blocks()),
        guessed_encoding=guessed,
    )


def _headed(rows: list[list[str]]) -> tuple[list[str], list[str], list[list[str]]]:
    """Part the first rows of a table into the lines above it, the names of its columns, and its first rows.

    A line above has one cell where the table has several; a second row of names has no key, and tells units or parts
    what stands above it.
    """
    width = max((_width(row) for row in rows), default=0)
    first = next((at for at, row in enumerate(rows) if _width(row) > 1 or width < 2), 0)
    titles = [" ".join(filter(None, row)).lstrip("# ") for row in rows[:first]]
    rows = rows[first:]
    if len(rows) < 2 or not are_names(rows[0]):
        return titles, [], rows
    header, body = rows[0], rows[1:]
    if len(body) > 1 and _parts_names(header, body[0]):
        header, body = _joined(header, body[0]), body[1:]
    return titles, header, body


def _width(row: list[str]) -> int:
    """Return how many cells of a row hold something."""
    return sum(map(bool, row))


def _parts_names(header: list[str], row: list[str]) -> bool:
    """Tell whether a row goes on with the names of the columns: no key, and no figures where the others have some."""
    told = [cell for cell in row if cell]
    return (
        header[0] != ""
        and not row[0]
        and not any(char.isdigit() for cell in told for char in cell)
        and all(len(cell) <= LONGEST_NAME for cell in told)
    )


def _joined(header: list[str], parts: list[str]) -> list[str]:
    """Join two rows of names; one that stands over several columns names each of them."""
    names, above = [], ""
    for name, part in zip_longest(header, parts, fillvalue=""):
        above = name or above
        names.append(f"{above} {part}".strip() if part else name)
    return names


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows that hold a value, each cell on one line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if len(row) > _MOST_COLUMNS:
                raise SourceError(
                    "too_large",
                    f"has more than {_MOST_COLUMNS:,} columns in line {reader.line_num:,}; split the table",
                )
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                yield cells
    except csv.Error as exc:
        raise SourceError(
            "unreadable",
            f"cannot be read as a table from line {reader.line_num:,} on ({exc}); look for a quote that is not closed",
        ) from exc


def _delimiter(sample: str) -> str:
    """Tell the delimiter: the one by which most rows have the same number of cells, and more than one.

    csv.Sniffer takes a minute for some samples of 64 kB, and misses doubled quotes in others.
    """

    def agreement(delimiter: str) -> tuple[float, int]:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(row) for row in islice(reader, _SAMPLE_ROWS) if row)
        except csv.Error:
            return 0.0, 0
        width, rows = max(widths.items(), key=lambda item: item[1], default=(1, 0))
        return (rows / widths.total(), width) if width > 1 else (0.0, 0)

    return max(_DELIMITERS, key=agreement)


def _outline(header: list[str], row: list[str], start: int, length: int, outline: Outline) -> None:
    """Add a row and its cells, each value behind the name of its column."""
    holder = outline.add("row", start, start + length)
    at, first = start, None
    for name, value in _cells(header, row):
        begin = at
        if name:
            begin = at + len(name) + 2
            named = outline.add("field", at, at + len(name) + 1, parent=holder)
        cell = outline.add(
            "cell", begin, begin + len(value), parent=holder, header=(named,) if name else ()
        )
        first = cell if first is None else first
        at = begin + len(value) + 2
    outline.update(holder, key=first)


def _cells(header: list[str], row: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of the column and the value of each cell that has one."""
    named = zip(chain(header, repeat("")), row, strict=False)
    return ((name, value) for name, value in named if value)


def _sentence(header: list[str], row: list[str]) -> str:
    """Write one row as a sentence."""
    cells = (f"{name}: {value}" if name else value for name, value in _cells(header, row))
    sentence = "; ".join(cells)
    return sentence if sentence.endswith(_ENDS) else f"{sentence}."
