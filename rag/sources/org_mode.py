"""Org files (.org), as they read once exported; nothing is included or run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.sources.document import Document
from rag.sources.rendering import Markup, lines_of, margin_of

_HEADING = re.compile(r"(?P<stars>\*+) +(?P<text>\S.*)$")
_KEYWORD = re.compile(r"#\+(?P<name>\w+):\s*(?P<value>.*)$", re.IGNORECASE)
_BEGIN = re.compile(r"#\+begin_(?P<kind>\w+)", re.IGNORECASE)
_ITEM = re.compile(r"(?P<mark>[-+]|\d{1,3}[.)]|(?<=\s)\*) +(?:\[[ xX-]\] +)?(?P<text>\S.*)$")
_DRAWER = re.compile(r":[\w-]+:$")
_TAGS = re.compile(r"[ \t]{1,80}:[\w@#%:]{1,200}:$")
_PLAN = re.compile(r"(DEADLINE|SCHEDULED|CLOSED): *[<\[]([^>\]\n]{1,80})[>\]]")
_LONGEST_DRAWER = 200
"""Lines."""
_SPOKEN = {"title", "author", "date", "subtitle", "caption"}
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\[\[[^\[\]\n]{1,500}\]\[([^\[\]\n]{1,300})\]\]"), r"\1"),
    (re.compile(r"\[\[([^\[\]\n]{1,300})\]\]"), r"\1"),
    (re.compile(r"(?<![\w*/_=~+])([*/_=~+])(\S(?:[^\n]{0,300}?\S)?)\1(?![\w*/_=~+])"), r"\2"),
    (re.compile(r"\[fn:[^\]\n]{0,80}\]|<<[^>\n]{1,80}>>"), ""),
)


def read(data: bytes) -> Document:
    """Read a file: sections, lists, tables, dates and code; its title is the one it names, else its first heading."""
    lines, guessed = lines_of(data)
    reader = _Reader()
    reader.read(lines)
    return reader.page.document(guessed)


class _Reader:
    """Reads lines part by part."""

    def __init__(self) -> None:
        self.page = Markup()
        self._caption = ""
        self._below = 0
        """1 where the file names its title, which stands above all headings."""
        self._unended: set[str] = set()
        """Kinds of parts of which one has no end, so that no other has."""

    def read(self, lines: Sequence[str]) -> None:
        """Read lines."""
        at = 0
        while at < len(lines):
            line = lines[at].rstrip()
            said = line.strip()
            at += 1
            if not said:
                self.page.end_paragraph()
            elif heading := _HEADING.match(line):
                said = _TAGS.sub("", heading["text"])
                self.page.head(len(heading["stars"]) + self._below, _plain(said))
            elif (begin := _BEGIN.match(said)) and begin["kind"].lower() not in self._unended:
                at = self._fenced(lines, at, begin["kind"].lower())
            elif keyword := _KEYWORD.match(said):
                self._keyword(keyword["name"].lower(), keyword["value"])
            elif said.startswith("# ") or said == "#":
                continue
            elif _DRAWER.match(said):
                at = self._past_drawer(lines, at)
            elif said.startswith("|"):
                at = self._table(lines, at - 1)
            elif said.startswith(": ") or said == ":":
                at = self._verbatim(lines, at - 1)
            else:
                self._text(line, said)

    def _keyword(self, name: str, value: str) -> None:
        if name == "title":
            self.page.head(1, _plain(value))
            self._below = 1
        elif name == "caption":
            self._caption = _plain(value)
        elif name in _SPOKEN and value:
            self.page.fields([(name.capitalize(), _plain(value))])

    def _fenced(self, lines: Sequence[str], at: int, kind: str) -> int:
        end = at
        while end < len(lines) and lines[end].strip().lower() != f"#+end_{kind}":
            end += 1
        if end == len(lines):
            self._unended.add(kind)
            return at
        body = lines[at:end]
        if kind in {"src", "example", "export"}:
            self.page.code("\n".join(body))
        elif kind == "quote":
            self.page.quote(_plain(" ".join(one.strip() for one in body)))
        elif kind != "comment":
            self.page.end_paragraph()
            self.read(body)
        return end + 1

    def _past_drawer(self, lines: Sequence[str], at: int) -> int:
        last = min(at + _LONGEST_DRAWER, len(lines))
        end = next((n for n in range(at, last) if lines[n].strip().upper() == ":END:"), at - 1)
        return end + 1

    def _table(self, lines: Sequence[str], at: int) -> int:
        rows: list[list[str]] = []
        heads = 0
        while at < len(lines) and (said := lines[at].strip()).startswith("|"):
            if said.startswith("|-"):
                heads = heads or len(rows)
            else:
                rows.append([_plain(cell.strip()) for cell in said.strip("|").split("|")])
            at += 1
        self.page.table(rows, heads=heads if heads < len(rows) else 0, caption=self._caption)
        self._caption = ""
        return at

    def _verbatim(self, lines: Sequence[str], at: int) -> int:
        body = []
        while at < len(lines) and lines[at].strip().startswith(":"):
            body.append(lines[at].strip()[2:])
            at += 1
        self.page.code("\n".join(body))
        return at

    def _text(self, line: str, said: str) -> None:
        """Read a line of a list or a paragraph; planning dates are fields."""
        if dates := _PLAN.findall(said):
            self.page.fields([(name.capitalize(), when) for name, when in dates])
        elif item := _ITEM.match(said):
            term, _, meaning = item["text"].partition(" :: ")
            text = f"{term}: {meaning}" if meaning else term
            number = item["mark"].rstrip(".)") if item["mark"][0].isdecimal() else ""
            self.page.item(1 + margin_of(line) // 2, _plain(text), number=number)
        else:
            self.page.line(_plain(said))


def _plain(text: str) -> str:
    """Return a text without marks."""
    for pattern, said in _INLINE:
        text = pattern.sub(said, text)
    return text.strip()
