"""OpenDocument (.odt, .odp, .ods): the package, its styles, and its paragraphs, lists and tables."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from rag.errors import SourceError
from rag.sources.archive import check_tags, open_archive, read_entry, xml_root
from rag.sources.markup import Part, PartCell, TablePart, TextPart, numbered
from rag.sources.packages import local
from rag.sources.signatures import check_zip

CONTENT, _STYLES, _META, _MANIFEST = (
    "content.xml",
    "styles.xml",
    "meta.xml",
    "META-INF/manifest.xml",
)
_UNSEEN = frozenset(
    "tracked-changes table-of-content alphabetical-index bibliography annotation annotation-end note ruby-text"
    " forms sequence-decls title desc".split()
)
"""What shows elsewhere, says what stands elsewhere, or does not show."""
_MOST_REPEATED = 1_000
"""Times that a row or cell may stand for others like it."""
_BOLD = frozenset({"bold", "600", "700", "800", "900"})


class OpenDocument:
    """An OpenDocument file that is open, and what its styles say.

    Args:
        data: the file.
        kind: its extension.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """

    def __init__(self, data: bytes, kind: str, *, most_tags: int | None = None) -> None:
        check_zip(data, kind)
        self._archive = open_archive(data)
        self._names = set(self._archive.namelist())
        if CONTENT not in self._names:
            raise SourceError("unreadable", f"is no {kind} file, or a damaged one; save it anew")
        if _MANIFEST in self._names and b"encryption-data" in read_entry(self._archive, _MANIFEST):
            raise SourceError("encrypted", "needs a password; save a copy without one and add that")
        if most_tags is None:
            check_tags(self._archive)
        else:
            check_tags(self._archive, most_tags)
        self._embedded: set[str] = set()
        self.root = self.part(CONTENT)
        styles = [self.root, *([self.part(_STYLES)] if _STYLES in self._names else [])]
        self.styles = {
            (attribute(one, "family"), attribute(one, "name")): one
            for root in reversed(styles)
            for one in root.iter()
            if local(one) == "style"
        }
        self._lists = {
            attribute(one, "name"): [local(level).endswith("number") for level in one]
            for root in reversed(styles)
            for one in root.iter()
            if local(one) == "list-style"
        }

    def part(self, name: str) -> ElementTree.Element:
        """Parse a part of the package."""
        try:
            return xml_root(read_entry(self._archive, name))
        except KeyError as exc:
            raise SourceError(
                "unreadable", "names a part that it does not hold; save it anew"
            ) from exc

    @property
    def title(self) -> str:
        """The title of its properties; empty where they give none."""
        if _META not in self._names:
            return ""
        named = (one.text for one in self.part(_META).iter() if local(one) == "title")
        return " ".join((next(named, "") or "").split())

    def body(self) -> ElementTree.Element:
        """Return what holds the text, the sheets or the pages."""
        body = next((one for one in self.root if local(one) == "body"), None)
        return self.root if body is None or not len(body) else body[0]

    def parts(self, holder: Iterable[ElementTree.Element], depth: int = 0) -> list[Part]:
        """Return the paragraphs, items and tables of an element's children, in their order."""
        return numbered(self._parts(holder, depth, []))

    def _parts(
        self, holder: Iterable[ElementTree.Element], depth: int, counts: list[bool]
    ) -> Iterator[Part]:
        for node in holder:
            kind = local(node)
            if kind in {"p", "h"}:
                yield from self._paragraph(node, depth, counts)
            elif kind == "list":
                known = self._lists.get(attribute(node, "style-name"), counts)
                for item in node:
                    yield from self._item(item, depth + 1, known)
            elif kind == "table":
                yield self.table(node)
            elif kind == "object":
                yield from self._object(node)
            elif kind not in _UNSEEN:
                yield from self._parts(node, depth, counts)

    def _item(self, item: ElementTree.Element, depth: int, counts: list[bool]) -> Iterator[Part]:
        """Yield an item: its first paragraph has the mark, and a list in it is one deeper."""
        parts = [*self._parts(item, depth, counts)]
        for at, part in enumerate(parts):
            if at and isinstance(part, TextPart) and part.depth == depth:
                yield TextPart(text=part.text)
            else:
                yield part

    def _paragraph(
        self, node: ElementTree.Element, depth: int, counts: list[bool]
    ) -> Iterator[Part]:
        """Yield a paragraph, the notes and comments in it, and what is anchored to it."""
        level, named = self._heading(node)
        text = line_of(node)
        if text.strip():
            number = "#" if 0 < depth <= len(counts) and counts[depth - 1] else ""
            item = 0 if level else depth
            bold = not item and not level and self._is_bold(node)
            yield TextPart(
                text=text, heading=level, is_title=named, depth=item, number=number, is_bold=bold
            )
        for one in _anchored(node):
            kind = local(one)
            if kind == "note":
                yield TextPart(
                    text=" ".join(line_of(part) for part in one if local(part) != "note-class")
                )
            elif kind == "annotation":
                yield TextPart(text=_comment(one))
            elif kind == "text-box":
                yield from self._parts(one, 0, [])
            elif kind == "object":
                yield from self._object(one)

    def _heading(self, node: ElementTree.Element) -> tuple[int, bool]:
        """Return the level of a heading, by its element or its style, and whether it is the title of the whole."""
        level = attribute(node, "outline-level")
        if local(node) == "h":
            return int(level) if level.isdecimal() and len(level) < 3 else 1, False
        name = attribute(node, "style-name")
        for _ in range(5):
            style = self.styles.get(("paragraph", name))
            told = name.replace("_20_", " ").casefold()
            if told == "title":
                return 1, True
            if style is None:
                break
            name = attribute(style, "parent-style-name")
        return 0, False

    def _is_bold(self, node: ElementTree.Element) -> bool:
        """Tell whether all of a paragraph is in bold: by its own style, or by that of the only stretch in it."""
        spans = [one for one in node if local(one) == "span"]
        only = (
            len(spans) == 1 and not (node.text or "").strip() and not (spans[0].tail or "").strip()
        )
        named = [("paragraph", attribute(node, "style-name"))]
        named += [("text", attribute(spans[0], "style-name"))] if only else []
        return any(self.is_bold(*one) for one in named)

    def is_bold(self, family: str, name: str) -> bool:
        """Tell whether a style is in bold."""
        style = self.styles.get((family, name))
        properties = () if style is None else style
        return any(attribute(one, "font-weight") in _BOLD for one in properties)

    def table(self, node: ElementTree.Element) -> TablePart:
        """Return a table; the rows that its markup says are its head name the columns."""
        rows = [
            [
                PartCell(
                    text=cell_text(cell),
                    columns=amount(cell, "number-columns-spanned"),
                    rows=amount(cell, "number-rows-spanned"),
                    is_head=is_head,
                )
                for cell in row
                if local(cell) == "table-cell"
                for _ in range(min(amount(cell, "number-columns-repeated"), _MOST_REPEATED))
            ]
            for row, is_head in rows_of(node)
        ]
        return TablePart(rows=rows)

    def _object(self, node: ElementTree.Element) -> Iterator[Part]:
        """Yield the title and the figures of a chart that is embedded."""
        folder = posixpath.normpath(attribute(node, "href") or ".")
        entry = f"{folder}/{CONTENT}"
        if folder.startswith(".") or entry not in self._names or entry in self._embedded:
            return
        self._embedded.add(entry)
        root = self.part(entry)
        for one in root.iter():
            if local(one) == "title":
                yield TextPart(text=line_of(one), is_bold=True)
            elif local(one) == "table":
                yield self.table(one)


def attribute(node: ElementTree.Element, name: str) -> str:
    """Return an attribute, whatever its namespace; empty where there is none."""
    return next((text for key, text in node.items() if key.rpartition("}")[2] == name), "")


def amount(node: ElementTree.Element, name: str) -> int:
    """Return a count that an attribute gives; 1 where it gives none."""
    text = attribute(node, name)
    return max(1, int(text)) if text.isdecimal() and len(text) < 9 else 1


def rows_of(table: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, bool]]:
    """Yield the rows of a table, and whether each names the columns."""
    waiting = [(one, False) for one in reversed(table)]
    while waiting:
        node, is_head = waiting.pop()
        kind = local(node)
        if kind == "table-row":
            yield node, is_head
        elif kind in {"table-header-rows", "table-rows", "table-row-group"}:
            waiting += [(one, kind == "table-header-rows") for one in reversed(node)]


def cell_text(cell: ElementTree.Element) -> str:
    """Return the text of a cell on one line, without comments on it."""
    said: list[str] = []
    waiting = [*reversed(cell)]
    while waiting:
        one = waiting.pop()
        if local(one) in {"p", "h"}:
            said.append(line_of(one))
        elif local(one) not in _UNSEEN:
            waiting += reversed(one)
    return " ".join(" ".join(said).split())


def line_of(node: ElementTree.Element) -> str:
    """Return the text of a paragraph without its notes and comments; a line break in it stays one."""
    pieces = [_flat(node.text)]
    for one in node:
        kind = local(one)
        if kind == "s":
            pieces.append(" ")
        elif kind in {"tab", "line-break"}:
            pieces.append("\n" if kind == "line-break" else "\t")
        elif kind not in _UNSEEN and kind not in {"text-box", "object", "image", "list", "table"}:
            pieces.append(line_of(one))
        pieces.append(_flat(one.tail))
    return "".join(pieces)


def _anchored(node: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the notes, comments, text boxes and objects in a paragraph, not those inside each other."""
    waiting = [*reversed(node)]
    while waiting:
        one = waiting.pop()
        if local(one) in {"note", "annotation", "text-box", "object"}:
            yield one
        else:
            waiting += reversed(one)


def _flat(text: str | None) -> str:
    """Return a text of the markup, in which a line break is a blank."""
    return (text or "").replace("\n", " ")


def _comment(node: ElementTree.Element) -> str:
    author = next((one.text or "" for one in node if local(one) == "creator"), "")
    said = " ".join(line_of(one) for one in node if local(one) in {"p", "list"})
    return f"Comment by {author}: {said}" if author else said
