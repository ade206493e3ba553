"""reStructuredText (.rst), as it reads once rendered; nothing is included or run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rag.sources.document import Document
from rag.sources.rendering import Markup, csv_rows, indented, lines_of, margin_of

_RULE = re.compile(r"([=\-`:.'\"~^_*+#<>])\1{2,}")
_GRID, _SIMPLE = re.compile(r"\+(?:[-=]+\+)+"), re.compile(r"=+(?: +=+)+")
_DIRECTIVE = re.compile(r"\.\. +(?:\|[^|]+\| +)?(?P<name>[\w:-]+)::(?: +(?P<rest>.*))?$")
_FIELD = re.compile(r":(?P<name>[^:\n]+):(?: +(?P<value>.*))?$")
_ITEM = re.compile(r"(?P<mark>[-*+•]|\(?(?:\d{1,3}|[a-zA-Z]|#)[.)])(?P<space> +)(?P<text>.*)$")
_CODE = frozenset({"code", "code-block", "sourcecode", "literalinclude", "parsed-literal", "math"})
_UNREAD = frozenset("image figure include raw contents toctree index meta highlight only".split())
_MOST_DEEP = 12
"""Parts inside each other that are told apart."""
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r":[\w:.+-]{1,40}:`([^`<]{1,300}?)(?: {0,9}<[^`>]{0,300}>)?`"), r"\1"),
    (re.compile(r"`([^`<]{1,300}?) {0,9}<[^`>]{0,300}>`__?"), r"\1"),
    (re.compile(r"``(.{1,300}?)``"), r"\1"),
    (re.compile(r"\*\*(\S.{0,300}?)\*\*"), r"\1"),
    (re.compile(r"(?<!\w)\*(\S[^*]{0,300}?)\*(?!\w)"), r"\1"),
    (re.compile(r"`([^`]{1,300})`(?:__?)?"), r"\1"),
    (re.compile(r"\|([\w -]{1,80})\|_?"), r"\1"),
    (re.compile(r"(?<=\w)_(?=\s|$|[.,;:])"), ""),
    (re.compile(r" ?\[#?\w{0,40}\]_"), ""),
    (re.compile(r"\\(.)"), r"\1"),
)


def read(data: bytes) -> Document:
    """Read a file: sections, lists, tables, fields, notes and code; its title is its first heading."""
    lines, guessed = lines_of(data)
    page = Markup()
    _Reader(page).read(lines)
    return page.document(guessed)


class _Reader:
    """Reads lines part by part."""

    def __init__(self, page: Markup) -> None:
        self._page = page
        self._rules: list[str] = []
        """How headings are ruled, the outermost first."""
        self._deep = 0

    def read(self, lines: Sequence[str], depth: int = 0) -> None:
        """Read lines; `depth` is that of the list around them."""
        if self._deep >= _MOST_DEEP:
            for line in lines:
                self._page.line(_plain(line.strip()))
            return
        self._deep += 1
        self._read(lines, depth)
        self._deep -= 1

    def _read(self, lines: Sequence[str], depth: int) -> None:
        at = 0
        parts: tuple[Callable[[Sequence[str], int], int], ...] = (
            self._heading, self._grid, self._simple, self._directive, self._fields,
        )  # fmt: skip
        while at < len(lines):
            if not lines[at].strip():
                self._page.end_paragraph()
                at += 1
                continue
            at = (
                next((end for part in parts if (end := part(lines, at))), 0)
                or self._item(lines, at, depth)
                or self._definition(lines, at)
                or self._text(lines, at)
            )
        self._page.end_paragraph()

    def _heading(self, lines: Sequence[str], at: int) -> int:
        over = _RULE.fullmatch(lines[at].rstrip())
        title = at + 1 if over else at
        under = lines[title + 1].rstrip() if title + 1 < len(lines) else ""
        said = lines[title].strip() if title < len(lines) else ""
        if over and not (said and under == lines[at].rstrip()):
            return at + 1 if len(lines[at].strip()) > 3 and not said else 0
        if (
            not _RULE.fullmatch(under)
            or not said
            or len(under) < len(said)
            or _RULE.fullmatch(said)
        ):
            return 0
        rule = under[0] + ("/" if over else "")
        if rule not in self._rules:
            self._rules.append(rule)
        self._page.head(self._rules.index(rule) + 1, _plain(said))
        return title + 2

    def _grid(self, lines: Sequence[str], at: int) -> int:
        """Read a table that is drawn with lines; a cell over several columns is the first of them."""
        width = margin_of(lines[at])
        if not _GRID.fullmatch(lines[at].strip()):
            return 0
        end = at
        while end < len(lines) and lines[end].strip()[:1] in {"+", "|"}:
            end += 1
        rows: list[list[str]] = []
        heads, row = 0, None
        for line in (one[width:].rstrip() for one in lines[at:end]):
            if line.startswith("+"):
                heads = len(rows) + (row is not None) if "=" in line else heads
                rows += [row] if row else []
                row = None
            else:
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                row = (
                    [f"{a} {b}".strip() for a, b in zip(row, cells, strict=False)] if row else cells
                )
        self._page.table([[_plain(cell) for cell in one] for one in rows], heads=heads)
        return end

    def _simple(self, lines: Sequence[str], at: int) -> int:
        """Read a table between rules of `=`; a line whose first cell is empty goes on with the row above."""
        rule = lines[at].rstrip()
        if not _SIMPLE.fullmatch(rule.strip()):
            return 0
        starts = [one.start() for one in re.finditer(r"(?:(?<= )|^)=", rule)]
        cuts = [*zip(starts, [*starts[1:], None], strict=True)]
        rows: list[list[str]] = []
        heads, rules, end = 0, 1, at + 1
        while end < len(lines):
            line = lines[end].rstrip()
            end += 1
            if _SIMPLE.fullmatch(line.strip()):
                rules += 1
                heads = len(rows) if rules == 2 else heads
                if rules == 3 or end >= len(lines) or not lines[end].strip():
                    break
            elif line.strip() and not set(line) <= {"-", " "}:
                cells = [line[a:b].strip() for a, b in cuts]
                if cells[0] or not rows:
                    rows.append(cells)
                else:
                    rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        heads = heads if rules > 2 else 0
        self._page.table([[_plain(cell) for cell in one] for one in rows], heads=heads)
        return end

    def _directive(self, lines: Sequence[str], at: int) -> int:
        """Read what begins with two dots: notes as text, code as code, tables; comments and pictures not at all."""
        line = lines[at]
        if not line.lstrip().startswith(".. ") and line.strip() != "..":
            return 0
        end = indented(lines, at + 1, margin_of(line))
        found = _DIRECTIVE.match(line.strip())
        options: dict[str, str] = {}
        first = at + 1
        while first < end and (option := _FIELD.match(lines[first].strip())):
            options[option["name"]] = option["value"] or ""
            first += 1
        body = lines[first:end]
        if found and found["name"] not in _UNREAD:
            self._directed(found["name"], (found["rest"] or "").strip(), options, body)
        return max(end, at + 1)

    def _directed(self, name: str, rest: str, options: dict[str, str], body: Sequence[str]) -> None:
        body = _dedented(body)
        if name in _CODE:
            self._page.code("\n".join(body))
        elif name in {"list-table", "csv-table"}:
            rows = _listed(body) if name == "list-table" else csv_rows(body)
            header = options.get("header", "")
            rows = [*csv_rows([header] if header else []), *rows]
            heads = bool(header) or int(options.get("header-rows", "0") or 0)
            cells = [[_plain(cell) for cell in row] for row in rows]
            self._page.table(cells, heads=int(heads), caption=_plain(rest))
        else:
            self._page.end_list()
            label = (
                f"{name.capitalize()}: "
                if name in {"warning", "note", "tip", "important", "caution"}
                else ""
            )
            first = next((at for at, one in enumerate(body) if one), 0)
            body = [
                f"{label}{rest or (body[first].strip() if body else '')}",
                *body[first + (not rest) :],
            ]
            self.read(body)

    def _fields(self, lines: Sequence[str], at: int) -> int:
        found: list[tuple[str, str]] = []
        while at < len(lines) and (field := _FIELD.match(lines[at].strip())):
            end = indented(lines, at + 1, margin_of(lines[at]))
            value = " ".join([field["value"] or "", *(one.strip() for one in lines[at + 1 : end])])
            found.append((field["name"], _plain(value.strip())))
            at = max(end, at + 1)
        if found:
            self._page.fields(found)
        return at if found else 0

    def _item(self, lines: Sequence[str], at: int, depth: int) -> int:
        item = _ITEM.match(lines[at].strip())
        if not item or (at and lines[at - 1].strip() and not _ITEM.match(lines[at - 1].strip())):
            return 0
        end = indented(lines, at + 1, margin_of(lines[at]))
        mark = item["mark"].strip("().")
        number = mark if mark.isdecimal() else "1" if mark == "#" else ""
        self._page.item(depth + 1, _plain(item["text"]), number=number)
        self.read([*_dedented(lines[at + 1 : end])], depth + 1)
        following = next((one for one in lines[end:] if one.strip()), "")
        if not depth and not (
            _ITEM.match(following.strip()) and margin_of(following) <= margin_of(lines[at])
        ):
            self._page.end_list()
        return max(end, at + 1)

    def _definition(self, lines: Sequence[str], at: int) -> int:
        """Read a term and the lines indented below it."""
        end = indented(lines, at + 1, margin_of(lines[at]))
        if (
            at + 1 >= len(lines)
            or not lines[at + 1].strip()
            or end == at + 1
            or lines[at].endswith("::")
        ):
            return 0
        said = " ".join(one.strip() for one in lines[at + 1 : end] if one.strip())
        self._page.definition(_plain(lines[at].strip()), _plain(said))
        return end

    def _text(self, lines: Sequence[str], at: int) -> int:
        """Read a line; one that ends in two colons announces code."""
        line = lines[at].strip()
        is_lead = line.endswith("::")
        self._page.line(
            _plain(
                line.removesuffix("::") + ":"
                if is_lead and line != "::"
                else line.removesuffix("::")
            )
        )
        following = at + 1
        if is_lead and (end := indented(lines, following, margin_of(lines[at]))) > following:
            self._page.code("\n".join(_dedented(lines[following:end])))
            return end
        return following


def _dedented(lines: Sequence[str]) -> list[str]:
    least = min((margin_of(one) for one in lines if one.strip()), default=0)
    return [one[least:] for one in lines]


def _listed(lines: Sequence[str]) -> list[list[str]]:
    """Return the rows of a table that is written as a list of lists."""
    rows: list[list[str]] = []
    for line in lines:
        said = line.strip()
        if said.startswith("* -"):
            rows.append([said[3:].strip()])
        elif said.startswith("-") and rows and margin_of(line) <= 2:
            rows[-1].append(said[1:].strip())
        elif said and rows:
            rows[-1][-1] = f"{rows[-1][-1]} {said}".strip()
    return rows


def _plain(text: str) -> str:
    """Return a text without the marks of roles, links and emphasis."""
    for pattern, said in _INLINE:
        text = pattern.sub(said, text)
    return text
