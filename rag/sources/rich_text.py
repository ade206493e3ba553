r"""Rich Text Format (.rtf): headings by their styles, paragraphs, lists and tables; no pictures.

A file is groups in braces, control words such as `\par`, and text in a code page or as `\u8364?`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from rag.errors import SourceError
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.markup import Part, PlainCell, TextPart, document_of, gridded, table_of

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>[^a-zA-Z'])"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_UNSEEN = frozenset(
    "colortbl pict object header footer headerl headerr headerf footerl footerr footerf themedata"
    " colorschememapping latentstyles datastore xmlnstbl listtable listoverridetable rsidtbl generator fldinst"
    " bkmkstart bkmkend nonshppict filetbl revtbl userprops mmathPr pgptbl datafield"
    " template shpinst sp nonesttables".split()
)
"""Groups whose text is not shown."""
_TARGETS = frozenset("listtext pntext title stylesheet footnote fonttbl info".split())
"""Groups that say something other than the text."""
_SIGNS = {b"~": "\u00a0", b"_": "\u2011", b"-": "", b"\n": "\n", b"\r": "\n"}
_CHARACTERS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_CODE_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Of fonts."""
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s?(\d)", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d", re.IGNORECASE)
"""Styles of a table of contents: it says what stands elsewhere."""
_DEEPEST_GROUP = 500
_MOST_COLUMNS = 1_000
_OF_BODY = frozenset(
    "par sect page pard intbl cell nestcell row nestrow ilvl outlinelevel trowd trleft cellx clmrg clvmrg".split()
)
"""Words that mean nothing in the number of an item, in a note or among the styles."""
_NUMBER = re.compile(r"\(?\w{1,6}[.)]|\w{1,3}(?:\.\w{1,3})+\.?")


@dataclass(slots=True)
class _State:
    """What holds for the text of a group."""

    hidden: bool = False
    target: str = ""
    """The group's own purpose where its text is no part of the body."""
    bold: bool = False
    skip: int = 1
    """Characters behind one written as a number, for those who cannot read it."""
    encoding: str = ""


@dataclass(slots=True)
class _Line:
    """The paragraph that is being read."""

    pieces: list[str] = field(default_factory=list)
    bold: bool = True
    """So far all of it is."""
    style: int = 0
    outline: int | None = None
    depth: int = 0
    mark: str = ""
    """What is shown before an item."""
    in_table: bool = False


def read(data: bytes) -> Document:
    """Read a text; its title is the one of its properties, else its first heading.

    Raises:
        SourceError: `too_large` or `unreadable`.
    """
    if not data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf"):
        raise SourceError("unreadable", "is no .rtf file, or a damaged one; save it anew")
    reader = _Reader()
    reader.read(data)
    return document_of(reader.parts, reader.title)


class _Reader:
    """Tokens to paragraphs and tables."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.title = ""
        self._state = _State()
        self._stack: list[_State] = []
        self._line = _Line()
        self._rows: list[tuple[list[PlainCell], list[int]]] = []
        self._edges: list[int] = []
        self._left = 0
        self._cells: list[PlainCell] = []
        self._joins: list[Literal["", "left", "above"]] = []
        self._join: Literal["", "left", "above"] = ""
        self._notes: list[str] = []
        self._cell: list[str] = []
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._styles: dict[int, str] = {}
        self._style = 0
        self._named: list[str] = []
        self._encoding = "cp1252"
        self._bytes = bytearray()
        self._to_skip = 0
        self._length = 0
        self._words: dict[str, Callable[[int | None], None]] = {
            "par": self._end_paragraph, "sect": self._end_paragraph, "page": self._end_paragraph,
            "pard": self._plain_paragraph, "plain": self._plain, "intbl": self._in_table, "cell": self._end_cell,
            "nestcell": self._part_nested, "row": self._end_row, "nestrow": self._part_nested, "b": self._set_bold,
            "v": self._set_hidden, "deleted": self._set_hidden, "u": self._unicode,
            "uc": self._set_skip, "ansicpg": self._set_code_page,
            "f": self._set_font, "fcharset": self._set_charset, "s": self._set_style, "ilvl": self._set_depth,
            "outlinelevel": self._set_outline,
            "trowd": self._begin_row, "cellx": self._define_cell, "trleft": self._set_left,
            "clmrg": self._join_left, "clvmrg": self._join_above,
        }  # fmt: skip

    def read(self, data: bytes) -> None:
        """Read all tokens."""
        at = 0
        while match := _TOKEN.search(data, at):
            at = match.end()
            if match["word"]:
                if match["word"] == b"bin":
                    at += max(0, int(match["number"] or 0))
                self._control(match["word"].decode(), match["number"])
            elif match["hex"]:
                self._add_bytes(bytes.fromhex(match["hex"].decode()))
            elif match["sign"]:
                self._sign(match["sign"])
            elif match["brace"]:
                self._brace(match["brace"])
            else:
                self._add_bytes(match["text"])
        self._end_paragraph(None)
        self._end_table()

    # Tokens

    def _brace(self, brace: bytes) -> None:
        self._flush()
        if brace == b"{":
            if len(self._stack) >= _DEEPEST_GROUP:
                raise SourceError("unreadable", "is nested too deeply to be read; simplify it")
            self._stack.append(replace(self._state))
            self._to_skip = 0
        elif self._stack:
            ended = self._state
            self._state = self._stack.pop()
            if ended.target in {"title", "stylesheet", "footnote"}:
                self._end_group(ended.target)

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._state.target = self._state.target or "*"
        elif sign in {b"\\", b"{", b"}"}:
            self._add_bytes(sign)
        else:
            self._add(_SIGNS.get(sign, ""))

    def _control(self, word: str, number: bytes | None) -> None:
        self._flush()
        if word in _CHARACTERS:
            self._add(_CHARACTERS[word])
        elif word in self._words and (not self._state.target or word not in _OF_BODY):
            self._words[word](None if number is None else int(number))
        elif word in _TARGETS:
            self._state.target = word
        elif word in _UNSEEN:
            self._state.target = "*"
        elif word in _CODE_PAGES and not self._stack[1:]:
            self._encoding = _CODE_PAGES[word]
        elif self._state.target == "*" and word in {"shppict", "shptxt", "annotation"}:
            self._state.target = "" if word != "shppict" else "*"

    # Text

    def _add_bytes(self, data: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        self._bytes += data

    def _flush(self) -> None:
        """Decode the bytes that were read."""
        if self._bytes:
            held, self._bytes = bytes(self._bytes), bytearray()
            encoding = self._state.encoding or self._encoding
            self._add(held.decode(encoding, "replace"))

    def _add(self, text: str) -> None:
        """Write a text where its group wants it."""
        self._flush()
        target = self._state.target
        if not text or self._state.hidden:
            return
        if target in {"listtext", "pntext"}:
            self._line.mark += text
        elif target in {"title", "stylesheet", "footnote"}:
            self._named.append(text)
        elif not target:
            self._length += len(text)
            if self._length > MAX_CHARS:
                raise too_long()
            self._line.pieces.append(text)
            self._line.bold = self._line.bold and (self._state.bold or not text.strip())

    def _unicode(self, number: int | None) -> None:
        code = (number or 0) % 0x10000
        self._add(chr(code))
        self._to_skip = self._state.skip

    # What words set

    def _set_skip(self, number: int | None) -> None:
        self._state.skip = min(max(number or 0, 0), 100)

    def _set_bold(self, number: int | None) -> None:
        self._state.bold = number != 0

    def _set_hidden(self, number: int | None) -> None:
        self._state.hidden = number != 0

    def _set_code_page(self, number: int | None) -> None:
        self._encoding = _known(f"cp{number}") or self._encoding

    def _set_font(self, number: int | None) -> None:
        self._font = number or 0
        if self._state.target != "fonttbl":
            self._state.encoding = self._fonts.get(self._font, "")

    def _set_charset(self, number: int | None) -> None:
        if encoding := _CHARSETS.get(number or 0):
            self._fonts[self._font] = encoding

    def _set_style(self, number: int | None) -> None:
        if self._state.target == "stylesheet":
            self._style = number or 0
        else:
            self._line.style = number or 0

    def _set_depth(self, number: int | None) -> None:
        self._line.depth = 1 + min(max(number or 0, 0), 8)

    def _set_outline(self, number: int | None) -> None:
        if self._state.target != "stylesheet":
            self._line.outline = number

    def _plain(self, _: int | None) -> None:
        self._state.bold = self._state.hidden = False

    def _plain_paragraph(self, _: int | None) -> None:
        self._line.style, self._line.outline, self._line.depth = 0, None, 0
        self._line.in_table = False

    def _in_table(self, _: int | None) -> None:
        self._line.in_table = True

    # What ends

    def _end_group(self, target: str) -> None:
        """Take what a group gave that is no part of the body."""
        told = " ".join("".join(self._named).split())
        if target == "title":
            self.title = told
        elif target == "footnote":
            self._notes += [told] if told else []
        else:
            self._styles.setdefault(self._style, told.rstrip(";"))
        self._named, self._style = [], 0

    def _end_paragraph(self, _: int | None) -> None:
        line, text = self._line, _text(self._line.pieces)
        self._line = _Line(
            style=line.style, outline=line.outline, depth=line.depth, in_table=line.in_table
        )
        if line.in_table:
            self._cell.append(text)
            return
        if text and not _CONTENTS.match(self._styles.get(line.style, "")):
            self._end_table()
            self.parts.append(self._made(line, text))
            self.parts += [TextPart(text=note) for note in self._notes]
            self._notes = []

    def _made(self, line: _Line, text: str) -> TextPart:
        """Return a paragraph as what its style and its mark show it to be."""
        named = self._styles.get(line.style, "").casefold()
        level = _HEADING.match(named)
        mark = line.mark.strip()
        if named == "title" or level or (line.outline is not None and 0 <= line.outline < 6):
            heading = int(level[1]) if level else (line.outline or 0) + 1
            counted = f"{mark} " if _NUMBER.fullmatch(mark) else ""
            return TextPart(text=counted + text, heading=heading, is_title=named == "title")
        depth = (line.depth or 1) if mark else 0
        number = mark if _NUMBER.fullmatch(mark) else ""
        return TextPart(text=text, depth=depth, number=number, is_bold=line.bold and not depth)

    def _begin_row(self, _: int | None) -> None:
        self._joins, self._join, self._edges, self._left = [], "", [], 0

    def _set_left(self, number: int | None) -> None:
        self._left = number or 0

    def _join_left(self, _: int | None) -> None:
        self._join = "left"

    def _join_above(self, _: int | None) -> None:
        self._join = self._join or "above"

    def _define_cell(self, number: int | None) -> None:
        """Note where a cell of the row ends, and how it is merged."""
        if len(self._joins) < _MOST_COLUMNS:
            self._joins.append(self._join)
            self._edges.append(number or 0)
        self._join = ""

    def _end_cell(self, _: int | None) -> None:
        held = [*self._cell, _text(self._line.pieces)]
        bold = self._line.bold and any(held)
        self._cells.append(
            PlainCell(text=" ".join(filter(None, held)), is_head=bold and not self._rows)
        )
        self._cell = []
        self._line = _Line(in_table=True)

    def _part_nested(self, _: int | None) -> None:
        """Part the cells of a table inside a cell."""
        self._add("; ")

    def _end_row(self, _: int | None) -> None:
        if self._cells:
            cells = [
                replace(cell, joins=self._joins[at] if at < len(self._joins) else "")
                for at, cell in enumerate(self._cells)
            ]
            self._rows.append((cells, [self._left, *self._edges]))
            self._cells = []
        self._line.in_table = False

    def _end_table(self) -> None:
        """Write the rows that were read as a table."""
        self._end_row(None)
        if self._rows:
            self.parts.append(table_of(gridded(self._rows)))
            self._rows = []


def _text(pieces: list[str]) -> str:
    """Return a text whose characters beyond 16 bits were written in two halves."""
    text = "".join(pieces).strip()
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _known(encoding: str) -> str:
    """Return the name of a code page that there is; else nothing."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
