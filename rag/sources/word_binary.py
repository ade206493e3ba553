"""Word documents as they were before 2007 (.doc): headings by their styles, paragraphs, lists, tables and notes.

Read by hand, since no library does: [MS-DOC] is cited where it says what stands where. The program that wrote the file
is not needed, and nothing in it is run.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from rag.errors import SourceError
from rag.sources.compound import streams_of
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.markup import Part, PlainCell, TextPart, document_of, gridded, numbered, table_of
from rag.sources.signatures import check_ole

_TEXT = "WordDocument"
_MAGIC = 0xA5EC
_ENCRYPTED, _TABLE_1 = 0x0100, 0x0200
"""Flags of the head of a file (2.5.1)."""
_LENGTHS = 76
"""Offset of the lengths of the text and of its notes, heads, comments and text boxes (2.5.4)."""
_STYLES, _RUNS, _PARAGRAPHS, _PIECES, _LISTS, _OVERRIDES = 1, 12, 13, 33, 73, 74
"""Numbers of the pairs of offset and length in the head (2.5.6)."""
_PAIRS = 154
_PAGE = 512
_COMPRESSED = 0x40000000
_IN_TABLE, _ROW_ENDS, _LEVEL, _LIST, _OUTLINE, _BOLD, _HIDDEN, _DELETED, _ROW, _HUGE = (
    0x2416, 0x2417, 0x260A, 0x460B, 0x2640, 0x0835, 0x083C, 0x0800, 0xD608, 0x6646,
)  # fmt: skip
"""Codes of properties (2.6)."""
_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
"""Bytes of a property's value, by the last three bits of its code."""
_TITLE_STYLE = 62
_HEADINGS = range(1, 10)
_CONTENTS = range(19, 28)
"""Styles of a table of contents: it says what stands elsewhere."""
_BULLETS = frozenset({23, 255})
_MOST_BASES = 10
_MARKS = {0x0B: "\n", 0x1E: "\u2011", 0x1F: "", 0xA0: "\u00a0"}
_UNSEEN = frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x08})
_FIELD_BEGINS, _FIELD_SHOWS, _FIELD_ENDS, _CELL_ENDS = 0x13, 0x14, 0x15, 0x07
_ENDS = frozenset({0x0D, 0x0C, _CELL_ENDS})

Properties = dict[int, bytes]


@dataclass(slots=True)
class _Line:
    """A paragraph as it stands in the text."""

    text: str
    bold: bool
    properties: Properties
    style: int
    ends_cell: bool


@dataclass(slots=True)
class _Rows:
    """The rows of a table that is being read: their cells, and where on the page each ends."""

    rows: list[tuple[list[PlainCell], list[int]]] = field(default_factory=list)
    cells: list[PlainCell] = field(default_factory=list)
    held: list[_Line] = field(default_factory=list)


def read(data: bytes) -> Document:
    """Read a document; its title is the paragraph in the style for titles, else its first heading.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    check_ole(data, ".doc")
    streams = streams_of(data, _TEXT, "0Table", "1Table", "Data")
    if _TEXT not in streams:
        raise SourceError("unreadable", "is no .doc file, or a damaged one; save it anew")
    try:
        return document_of(numbered(_Binary(streams).parts()), "")
    except struct.error as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc


class _Binary:
    """The streams of a document, and what its text is and has for properties."""

    def __init__(self, streams: Mapping[str, bytes]) -> None:
        self._main = streams[_TEXT]
        magic, _ = struct.unpack_from("<HH", self._main)
        (flags,) = struct.unpack_from("<H", self._main, 10)
        if flags & _ENCRYPTED:
            raise SourceError("encrypted", "needs a password; save a copy without one and add that")
        table = "1Table" if flags & _TABLE_1 else "0Table"
        if magic != _MAGIC or table not in streams:
            raise SourceError(
                "unreadable",
                "was written by a Word before 1997, or is damaged; save it anew as .docx",
            )
        self._table = streams[table]
        self._more = streams.get("Data", b"")
        self._outline = _Properties(self._main, self._pair(_PARAGRAPHS), entry=13)
        self._looks = _Properties(self._main, self._pair(_RUNS), entry=1)

    def parts(self) -> Iterator[Part]:
        """Yield the paragraphs and tables of the text, then notes, comments and text boxes."""
        lengths = struct.unpack_from("<7i", self._main, _LENGTHS)
        at = 0
        for number, length in enumerate(lengths):
            if length < 0 or length > MAX_CHARS:
                raise too_long()
            if number not in {2, 3}:  # heads and feet, and macros
                yield from self._joined(self._lines(at, at + length))
            at += length

    def _pair(self, number: int) -> bytes:
        """Return what the table stream holds at a pair of offset and length of the head."""
        start, length = struct.unpack_from("<2I", self._main, _PAIRS + 8 * number)
        return self._table[start : start + length]

    # Text

    @cached_property
    def _pieces(self) -> list[tuple[int, int, int, int]]:
        """First and last position of each piece of the text, its offset in the file, and the bytes of a character."""
        clx, at = self._pair(_PIECES), 0
        while clx[at : at + 1] == b"\x01":
            at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
        (length,) = struct.unpack_from("<I", clx, at + 1)
        table = clx[at + 5 : at + 5 + length]
        count = (len(table) - 4) // 12
        bounds = struct.unpack_from(f"<{count + 1}I", table)
        found = []
        for number, (first, last) in enumerate(pairwise(bounds)):
            (offset,) = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * number + 2)
            narrow = bool(offset & _COMPRESSED)
            place = (offset & ~_COMPRESSED) // 2 if narrow else offset
            found.append((first, last, place, 1 if narrow else 2))
        return found

    def _characters(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Yield the offset in the file and the text of each character between two positions."""
        for first, last, place, size in self._pieces:
            low, high = max(first, start), min(last, end)
            if low >= high:
                continue
            begin = place + (low - first) * size
            data = self._main[begin : begin + (high - low) * size]
            text = (
                data.decode("cp1252", "replace")
                if size == 1
                else data.decode("utf-16-le", "replace")
            )
            for number, char in enumerate(text[: high - low]):
                yield begin + number * size, char

    def _lines(self, start: int, end: int) -> Iterator[_Line]:
        """Yield the paragraphs between two positions, without what is hidden, deleted, or orders a field."""
        pieces: list[str] = []
        bold = True
        orders: list[
            bool
        ] = []  # of each field that is open, whether what it orders is still being read
        for offset, char in self._characters(start, end):
            code = ord(char)
            if code in _ENDS:
                style, properties = self._outline.at(offset)
                yield _Line(
                    text="".join(pieces).strip(),
                    bold=bold,
                    properties=self._whole(style, properties),
                    style=style,
                    ends_cell=code == _CELL_ENDS,
                )
                pieces, bold = [], True
            elif code == _FIELD_BEGINS:
                orders.append(True)
            elif code == _FIELD_SHOWS and orders:
                orders[-1] = False
            elif code == _FIELD_ENDS and orders:
                orders.pop()
            elif not any(orders) and code not in _UNSEEN:
                _, look = self._looks.at(offset)
                if not (_is_on(look, _HIDDEN) or _is_on(look, _DELETED)):
                    pieces.append(_MARKS.get(code, char))
                    bold = bold and (char.isspace() or _is_on(look, _BOLD))

    # Properties

    def _whole(self, style: int, own: Properties) -> Properties:
        """Return the properties of a paragraph with those of its style."""
        if _HUGE in own:
            (offset,) = struct.unpack_from("<I", own[_HUGE])
            (length,) = struct.unpack_from("<H", self._more.ljust(offset + 2, b"\0"), offset)
            own = {**own, **_parsed(self._more[offset + 2 : offset + 2 + length])}
        return {**self._of_style(style), **own}

    def _of_style(self, style: int, depth: int = 0) -> Properties:
        if style not in self._styles or depth > _MOST_BASES:
            return {}
        _, base, own = self._styles[style]
        return {**self._of_style(base, depth + 1), **own}

    @cached_property
    def _styles(self) -> dict[int, tuple[int, int, Properties]]:
        """By number: what the style is built into Word as, its base, and its properties of paragraphs (2.9.271)."""
        data = self._pair(_STYLES)
        head, count, base_size = struct.unpack_from("<3H", data)
        at, found = 2 + head, {}
        for number in range(count):
            (size,) = struct.unpack_from("<H", data, at)
            one = data[at + 2 : at + 2 + size]
            at += 2 + size + size % 2
            if len(one) >= base_size + 2:
                known, base = struct.unpack_from("<2H", one)
                (length,) = struct.unpack_from("<H", one, base_size)
                behind = base_size + 2 * (length + 2)
                own = (
                    _parsed(one[behind + 4 : behind + 2 + _word(one, behind)])
                    if base & 15 == 1
                    else {}
                )
                found[number] = known & 0xFFF, base >> 4, own
        return found

    @cached_property
    def _counted(self) -> dict[tuple[int, int], bool]:
        """By list and level, both from 0: whether its items are counted (2.9.134, 2.9.147, 2.9.150)."""
        start, length = struct.unpack_from("<2I", self._main, _PAIRS + 8 * _LISTS)
        data, at = self._table, start + length
        counted: dict[tuple[int, int], bool] = {}
        for number in range(_word(data, start)):
            one = start + 2 + 28 * number
            (name,) = struct.unpack_from("<i", data, one)
            for level in range(1 if data[one + 26] & 1 else 9):
                counted[name, level] = data[at + 4] not in _BULLETS
                at += 28 + data[at + 24] + data[at + 25]
                at += 2 + 2 * _word(data, at)
        overrides = self._pair(_OVERRIDES)
        names = [
            struct.unpack_from("<i", overrides, 4 + 16 * number)[0]
            for number in range(min(_word(overrides, 0), len(overrides) // 16))
        ]
        return {
            (number, level): counted.get((name, level), False)
            for number, name in enumerate(names)
            for level in range(9)
        }

    # Paragraphs

    def _joined(self, lines: Iterator[_Line]) -> Iterator[Part]:
        """Yield paragraphs, and the rows of each table as one."""
        table = _Rows()
        for line in lines:
            if not _is_on(line.properties, _IN_TABLE):
                yield from self._ended(table)
                if line.text and self._known(line) not in _CONTENTS:
                    yield self._made(line)
            elif _is_on(line.properties, _ROW_ENDS):
                edges, joins = _edges(line.properties.get(_ROW, b""))
                cells = [
                    PlainCell(
                        text=one.text, is_head=one.is_head, joins="above" if at in joins else ""
                    )
                    for at, one in enumerate(table.cells)
                ]
                table.rows.append((cells, edges))
                table.cells, table.held = [], []
            else:
                table.held.append(line)
                if line.ends_cell:
                    told = [one for one in table.held if one.text]
                    bold = bool(told) and not table.rows and all(one.bold for one in told)
                    table.cells.append(
                        PlainCell(text=" ".join(one.text for one in told), is_head=bold)
                    )
                    table.held = []
        yield from self._ended(table)

    def _ended(self, table: _Rows) -> Iterator[Part]:
        if table.rows:
            yield table_of(gridded(table.rows))
            table.rows = []

    def _known(self, line: _Line) -> int:
        """Return which of Word's own styles a paragraph has."""
        return self._styles[line.style][0] if line.style in self._styles else 0

    def _made(self, line: _Line) -> TextPart:
        """Return a paragraph as what its style and its list show it to be."""
        known = self._known(line)
        outline = line.properties.get(_OUTLINE, b"\x09")[0]
        if known == _TITLE_STYLE:
            return TextPart(text=line.text, heading=1, is_title=True)
        if known in _HEADINGS or outline < 6:
            return TextPart(text=line.text, heading=known if known in _HEADINGS else outline + 1)
        listed = _word(line.properties.get(_LIST, b"\0\0"), 0)
        if 0 < listed < 0x07FF:
            level = min(line.properties.get(_LEVEL, b"\0")[0], 8)
            counted = self._counted.get((listed - 1, level), False)
            return TextPart(text=line.text, depth=level + 1, number="#" if counted else "")
        return TextPart(text=line.text, is_bold=line.bold)


class _Properties:
    """Which properties hold where in the file: pages of 512 bytes, found over a table of offsets (2.8.5, 2.8.6).

    Args:
        main: the stream of the text.
        table: offsets and numbers of pages.
        entry: bytes of an entry of a page: 13 for paragraphs, 1 for characters.
    """

    def __init__(self, main: bytes, table: bytes, *, entry: int) -> None:
        self._main = main
        self._entry = entry
        count = max(0, (len(table) - 4) // 8)
        self._starts = struct.unpack_from(f"<{count + 1}I", table) if count else ()
        self._pages = struct.unpack_from(f"<{count}I", table, 4 * (count + 1)) if count else ()
        self._last: tuple[int, int, tuple[int, Properties]] = (0, 0, (0, {}))
        self._known: dict[int, tuple[tuple[int, ...], list[tuple[int, Properties]]]] = {}

    def at(self, offset: int) -> tuple[int, Properties]:
        """Return the style and the properties that hold at an offset."""
        low, high, held = self._last
        if not low <= offset < high:
            low, high, held = self._last = self._found(offset)
        return held

    def _found(self, offset: int) -> tuple[int, int, tuple[int, Properties]]:
        """Return a stretch around an offset, and what holds in it."""
        number = bisect_right(self._starts, offset) - 1
        if not 0 <= number < len(self._pages):
            return offset, offset + 1, (0, {})
        page = self._pages[number] & 0x3FFFFF
        if page not in self._known:
            self._known[page] = self._read(page)
        starts, held = self._known[page]
        at = bisect_right(starts, offset) - 1
        if not 0 <= at < len(held):
            return offset, offset + 1, (0, {})
        return starts[at], starts[at + 1], held[at]

    def _read(self, page: int) -> tuple[tuple[int, ...], list[tuple[int, Properties]]]:
        data = self._main[page * _PAGE : (page + 1) * _PAGE]
        if len(data) < _PAGE:
            return (), []
        count = data[-1]
        starts = struct.unpack_from(f"<{count + 1}I", data)
        places = [data[4 * (count + 1) + self._entry * at] * 2 for at in range(count)]
        return starts, [self._held(data, place) if place else (0, {}) for place in places]

    def _held(self, data: bytes, at: int) -> tuple[int, Properties]:
        size = data[at]
        if self._entry == 1:
            return 0, _parsed(data[at + 1 : at + 1 + size])
        begin, size = (at + 1, 2 * size - 1) if size else (at + 2, 2 * data[at + 1])
        return _word(data, begin), _parsed(data[begin + 2 : begin + size])


def _parsed(data: bytes) -> Properties:
    """Return properties by their codes (2.6.1); what is cut off is left out."""
    found: Properties = {}
    at = 0
    while at + 2 < len(data):
        code = _word(data, at)
        at += 2
        size = _SIZES.get(code >> 13)
        if size is None and code == _ROW:
            size = 1 + _word(data, at)
        elif size is None:
            size = 1 + data[at]
        found[code] = data[at : at + size]
        at += size
    return {code: value for code, value in found.items() if value}


def _edges(row: bytes) -> tuple[list[int], set[int]]:
    """Return where the cells of a row end on the page, and which go on from the row above (2.9.325)."""
    if len(row) < 3:
        return [], set()
    count = row[2]
    if len(row) < 3 + 2 * (count + 1):
        return [], set()
    edges = struct.unpack_from(f"<{count + 1}h", row, 3)
    behind = 3 + 2 * (count + 1)
    flags = [_word(row, behind + 20 * at) for at in range(count)]
    return [*edges], {at for at, one in enumerate(flags) if one >> 5 & 3 == 1}


def _is_on(properties: Properties, code: int) -> bool:
    return properties.get(code, b"\0")[0] == 1


def _word(data: bytes, at: int) -> int:
    """Return the number in two bytes; 0 behind the end."""
    return int.from_bytes(data[at : at + 2], "little")
