"""AsciiDoc (.adoc), as it reads once rendered; nothing is included or run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.sources.document import Document
from rag.sources.rendering import Markup, csv_rows, lines_of

_HEADING = re.compile(r"(?P<mark>={1,6}|#{1,6}) +(?P<text>\S.*)$")
_ATTRIBUTE = re.compile(r":!?(?P<name>[\w-]+)!?:(?: +(?P<value>.*))?$")
_REFERENCE = re.compile(r"\{([\w-]{1,80})\}")
_ITEM = re.compile(r"(?P<mark>\*{1,5}|\.{1,5}|-|\d{1,3}\.) +(?P<text>\S.*)$")
_TERM = re.compile(r"(?P<term>\S.{0,200}?):{2,4}(?: +(?P<text>.*))?$")
_NOTE = re.compile(r"(?P<label>NOTE|TIP|IMPORTANT|WARNING|CAUTION): +(?P<text>.*)$")
_ATTRIBUTES = re.compile(r"\[[^\]\n]*\]$")
_MOST_DEEP = 12
"""Parts inside each other that are told apart."""
_FENCE = re.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|`{3,}\w*|--)$")
_TABLE = re.compile(r"[|,:!]={3,}$")
_UNSEEN = re.compile(
    r"//(?!//)|(?:image|include|video|audio|toc|ifdef|ifndef|endif)::?\S*\[[^\]]*\]$|<<<$|'{3,}$"
)
_CELL = re.compile(r"(?:(?<=\s)|^)(?:\d{0,3}(?:\.\d{1,3})?\+)?[<^>.]{0,3}[adehlmsv]?\|")
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<<[^,>\n]{1,200}, {0,9}([^>\n]{1,200})>>"), r"\1"),
    (re.compile(r"<<([^>\n]{1,200})>>"), r"\1"),
    (re.compile(r"(?:link:|xref:|mailto:)[^\s\[]{0,300}\[([^\]\n]{1,300})\]"), r"\1"),
    (re.compile(r"https?://[^\s\[\]]{1,300}\[([^\]\n]{1,300}?)\^?\]"), r"\1"),
    (re.compile(r"footnote:\w{0,40}\[([^\]\n]{0,500})\]"), r" (\1)"),
    (re.compile(r"(?:kbd|btn|menu):?\w{0,40}\[([^\]\n]{0,100})\]"), r"\1"),
    (re.compile(r"(\*\*|__|``|\+\+)(\S.{0,300}?)\1"), r"\2"),
    (re.compile(r"(?<!\w)([*_`+])(\S(?:[^*_`+\n]{0,300}\S)?)\1(?!\w)"), r"\2"),
    (re.compile(r"\[\[[^\]\n]{0,100}\]\]|\[#[^\]\n]{0,100}\]"), ""),
    (re.compile(r" \+$"), ""),
)


def read(data: bytes) -> Document:
    """Read a file: sections, lists, tables, terms, notes and code; its title is its first heading."""
    lines, guessed = lines_of(data)
    reader = _Reader()
    reader.read(lines)
    return reader.page.document(guessed)


class _Reader:
    """Reads lines part by part."""

    def __init__(self) -> None:
        self.page = Markup()
        self._named: dict[str, str] = {}
        """Attributes and their values."""
        self._options = ""
        self._caption = ""
        self._deep = 0
        self._unended: set[str] = set()
        """Fences of which one has no end, so that no other has."""

    def read(self, lines: Sequence[str]) -> None:
        """Read lines."""
        at = 0
        while at < len(lines):
            line = lines[at].rstrip()
            at += 1
            if not line.strip() or line in self._unended:
                self.page.end_paragraph()
            elif not _UNSEEN.match(line) and not self._is_told(line):
                at = self._part(lines, at, line)

    def _is_told(self, line: str) -> bool:
        """Take what a line says of others: an attribute, options, a caption."""
        attribute = _ATTRIBUTE.match(line)
        if attribute:
            self._named[attribute["name"]] = attribute["value"] or ""
        elif _ATTRIBUTES.match(line):
            self._options = line
        elif line[0] == "." and line[1:2].isalnum():
            self._caption = self._plain(line[1:])
        else:
            return False
        return True

    def _part(self, lines: Sequence[str], at: int, line: str) -> int:
        """Read what begins with a line; return where it ends."""
        if line.startswith("////"):
            return self._past(lines, at, line)
        if heading := _HEADING.match(line):
            self._head(heading)
            return self._byline(lines, at) if len(heading["mark"]) == 1 else at
        if _TABLE.match(line):
            return self._table(lines, at, line)
        if _FENCE.match(line):
            return self._fenced(lines, at, line)
        self._text(line)
        return at

    def _past(self, lines: Sequence[str], at: int, fence: str) -> int:
        """Return where what a fence opens has ended."""
        while at < len(lines) and lines[at].rstrip() != fence:
            at += 1
        return at + 1

    def _head(self, heading: re.Match[str]) -> None:
        self.page.head(len(heading["mark"]), self._plain(heading["text"]))
        self._caption = self._options = ""

    def _byline(self, lines: Sequence[str], at: int) -> int:
        """Read who wrote it and when, which stand below the title."""
        said: list[str] = []
        while at < len(lines) and lines[at].strip() and not lines[at].startswith((":", "//")):
            said.append(("Author", "Version")[min(len(said), 1)])
            self.page.fields([(said[-1], self._plain(lines[at].strip()))])
            at += 1
        return at

    def _table(self, lines: Sequence[str], at: int, fence: str) -> int:
        end = self._past(lines, at, fence) - 1
        body = [one for one in lines[at:end] if not one.startswith("//")]
        if fence[0] == "|" and "format=csv" not in self._options:
            rows = self._cells(body)
        else:
            rows = csv_rows([one for one in body if one.strip()], ":" if fence[0] == ":" else ",")
        blank = len(body) > 1 and bool(body[0].strip()) and not body[1].strip()
        heads = int("header" in self._options or blank)
        cells = [[self._plain(cell) for cell in row] for row in rows]
        self.page.table(cells, heads=heads, caption=self._caption)
        self._caption = self._options = ""
        return end + 1

    def _cells(self, body: Sequence[str]) -> list[list[str]]:
        """Return the rows of a table; how many columns it has, its options or its first line say."""
        per_line = [_CELL.split(one.strip())[1:] for one in body]
        columns = re.search(r'cols="?([^"\]]*)"?', self._options)
        first = next((len(one) for one in per_line if one), 1)
        wide = first
        if columns:
            parts = [one.strip() for one in re.split(r"[,;]", columns[1]) if one.strip()]
            times = re.match(r"(\d{1,3})\*", parts[0]) if parts else None
            wide = int(times[1]) if times else len(parts) or first
        flat: list[str] = []
        for line, cells in zip(body, per_line, strict=True):
            if cells:
                lead = _CELL.split(line.strip())[0].strip()
                if lead and flat:
                    flat[-1] = f"{flat[-1]} {lead}".strip()
                flat += [one.strip() for one in cells]
            elif line.strip() and flat:
                flat[-1] = f"{flat[-1]} {line.strip()}".strip()
        wide = max(wide, 1)
        return [flat[at : at + wide] for at in range(0, len(flat), wide)]

    def _fenced(self, lines: Sequence[str], at: int, fence: str) -> int:
        """Read what stands between two fences: code as code, quotes as quotes, all else as text."""
        end = self._past(lines, at, "```" if fence.startswith("```") else fence) - 1
        if end == len(lines) or self._deep >= _MOST_DEEP:
            self._unended.add(fence)
            return at
        body = lines[at:end]
        self._options = ""
        if fence[0] in "-.`" and fence != "--":
            self.page.code("\n".join(body))
        elif fence[0] == "_":
            self.page.quote(self._plain(" ".join(one.strip() for one in body)))
        else:
            self.page.end_paragraph()
            self._deep += 1
            self.read(body)
            self._deep -= 1
        return end + 1

    def _text(self, line: str) -> None:
        """Read a line of a list, a term, a note or a paragraph."""
        said = line.strip()
        if item := _ITEM.match(said):
            mark = item["mark"]
            number = mark.rstrip(".") if mark[0].isdecimal() else "1" if mark[0] == "." else ""
            depth = len(mark) if mark[0] in "*." else 1
            self.page.item(depth, self._plain(item["text"]), number=number)
        elif (term := _TERM.match(said)) and "http" not in term["term"]:
            self.page.definition(self._plain(term["term"]), self._plain(term["text"] or ""))
        elif note := _NOTE.match(said):
            self.page.end_list()
            self.page.line(f"{note['label'].capitalize()}: {self._plain(note['text'])}")
        elif said == "+":
            self.page.end_paragraph()
        elif said:
            self.page.line(self._plain(said))

    def _plain(self, text: str) -> str:
        """Return a text with its attributes put in, and without marks."""
        text = _REFERENCE.sub(lambda one: self._named.get(one[1], one[0]), text)
        for pattern, said in _INLINE:
            text = pattern.sub(said, text)
        return text.strip()
