"""Tables as text files (.csv, .tsv): each row becomes one sentence that can be quoted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, repeat

from rag.errors import SourceError
from rag.language.layout import Outline
from rag.sources.characters import clean, decode
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.signatures import check_text

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS, _SAMPLE_ROWS = 65_536, 50
_WORDS_OF_A_NAME = 3
_LONGEST_NAME = 100
_ENDS = (".", "!", "?")
_MOST_COLUMNS = 16_384
"""As many as a spreadsheet takes; a row of more is no sentence that could be quoted."""


def read(data: bytes) -> Document:
    """Read a table as lines `Header: value; Header: value.`, an empty line between; empty cells are left out."""
    check_text(data)
    text, guessed = decode(data)
    text = clean(text)
    rows = _rows(text, _delimiter(text[:_SAMPLE_CHARS]))
    first = next(rows, [])
    second = next(rows, None)
    header = first if second is not None and _is_header(first) else []
    body = [second] if second is not None else []
    if not header:
        body.insert(0, first)
    sentences, length, outline = [], 0, Outline()
    for row in chain(body, rows):
        sentences.append(_sentence(header, row))
        _outline(header, row, length, len(sentences[-1]), outline)
        length += len(sentences[-1]) + 2
        if length > MAX_CHARS:
            raise too_long()
    return Document(
        title="",
        parts=("\n\n".join(sentences),),
        blocks=outline.blocks(),
        guessed_encoding=guessed,
    )


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


def _is_header(row: list[str]) -> bool:
    """Tell whether a row names columns: short, distinct names with letters, and no sentences."""
    names = [name for name in row if name]
    shortest = _WORDS_OF_A_NAME if len(names) > 1 else 0
    return len(set(names)) == len(names) and all(
        len(name) <= _LONGEST_NAME
        and any(map(str.isalpha, name))
        # "Art. no." is a name that is cut short, no sentence.
        and not (name.endswith(_ENDS) and len(name.split()) > shortest)
        for name in names
    )


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
