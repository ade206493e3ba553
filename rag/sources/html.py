"""HTML to text as a person reads it: a line for each paragraph, heading, list item and table row.

Web pages, Markdown, Word documents and books all pass here. The tree is walked without recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING

from rag.errors import SourceError
from rag.language.layout import LONGEST_HEADING, PLAIN, TERM
from rag.sources.structure import Structure

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

    from rag.schema import Block, BlockKind

MAX_DEPTH = 1_000
"""A page nested deeper is refused: the parser's time grows with the square of the depth."""

_UNSEEN = (
    "script, style, noscript, template, head, iframe, object, svg, annotation, select, textarea,"
    " dialog:not([open])"
)
_UNFOLDS = "[aria-expanded][aria-controls]"
"""What shows a hidden part of the page when it is clicked."""
_HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_CLOSED_BY_NEXT = frozenset(
    "p li dt dd tr td th thead tbody tfoot option optgroup colgroup rb rt rp".split()
)
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
_NOT_NESTING = _VOID | _CLOSED_BY_NEXT | _FORMATTING
_SELF_CLOSED = re.compile(r"<([a-zA-Z][\w:-]*)((?:\s[^<>]*)?)/>")

_PARAGRAPHS = frozenset(
    "address article aside blockquote body caption center details dialog dir div dl fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend main menu nav ol p pre search"
    " section summary table ul".split()
)
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_LINES = frozenset({"li", "dt", "dd", "tr", "br"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_STRONG = frozenset({"strong", "b"})
_KINDS: dict[str, BlockKind] = {
    "ul": "list", "ol": "list", "menu": "list", "dir": "list", "table": "table", "dt": "term", "dd": "definition",
    "pre": "code", "caption": "caption", "figcaption": "caption", "blockquote": "quote",
}  # fmt: skip
_ASIDE = re.compile(
    r"(?:^|\s)(?:admonition|callout|alert|infobox|note|tip|warning)(?:$|[\s_-])", re.IGNORECASE
)
"""How the classes of what stands apart begin: what it holds hangs from no heading in it once it ends."""
_TITLED = re.compile(
    r"(?:^|[\s_-])(?:title|subtitle|heading|headline|question)(?:$|\s)", re.IGNORECASE
)
"""How the classes of headings end that are written as paragraphs."""
_MOST_SPANNED = 100
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, pre"
_LONGEST_ROW = 1_000
_SPACES = re.compile(r"[ \t\n\r\f]+")
_MANY_BREAKS = re.compile(r"\n{3,}")


def parse(html: str, *, xml: bool = False) -> LexborHTMLParser:
    """Parse HTML and remove what a browser does not show, `head` included.

    Args:
        html: a page or a part of one.
        xml: it is XHTML, where any element may close itself.

    Raises:
        SourceError: `unreadable`, nested deeper than 1,000 levels.
    """
    from selectolax.lexbor import LexborHTMLParser

    if xml:
        html = _SELF_CLOSED.sub(_closed, html)
    if _depth(html) > MAX_DEPTH:
        raise SourceError(
            "unreadable",
            f"is nested more than {MAX_DEPTH:,} levels deep, as no page is that was written to be read",
        )
    tree = LexborHTMLParser(html)
    links = tree.css(", ".join(f"{one} a" for one in sorted(_HEADINGS)))
    remove(
        [
            *tree.css(_UNSEEN),
            *_hidden(tree),
            *filter(_is_button, tree.css("button")),
            *filter(_is_link_to_itself, links),
        ]
    )
    return tree


def _hidden(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    """Yield what a page hides, but for what a reader can unfold."""
    unfolded = {
        one
        for node in tree.css(_UNFOLDS)
        for one in (node.attributes.get("aria-controls") or "").split()
    }
    for node in tree.css("[style], [hidden]"):
        hides = "hidden" in node.attributes or _HIDING_STYLE.search(
            node.attributes.get("style") or ""
        )
        if hides and (node.attributes.get("id") or "") not in unfolded:
            yield node


def _is_button(node: LexborNode) -> bool:
    """Tell a button that does something from a heading that unfolds its text."""
    parent = node.parent
    heads = parent is not None and parent.tag in _HEADINGS
    asks = (node.text() or "").rstrip().endswith("?")
    return not heads and not asks and "aria-expanded" not in node.attributes


def _is_link_to_itself(node: LexborNode) -> bool:
    """Tell the sign behind a heading that links to it from a word of the heading."""
    return not any(map(str.isalnum, node.text() or ""))


def title_of(html: str) -> str:
    """Return what a page calls itself: its `title`, else its first `h1`, else nothing."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    for node in (tree.css_first("title"), tree.css_first("h1")):
        if node is not None and (title := node.text().strip()):
            return str(title)
    return ""


def remove(nodes: Iterable[LexborNode]) -> None:
    """Remove nodes with all below them; a node below another is not touched, since its memory is gone by then."""
    nodes = list(nodes)
    doomed = {node.mem_id for node in nodes}
    outermost = {}
    for node in nodes:
        above = node.parent
        while above is not None and above.mem_id not in doomed:
            above = above.parent
        if above is None:
            outermost[node.mem_id] = node
    for node in outermost.values():
        node.decompose()


def to_text(top: LexborNode | None) -> tuple[str, tuple[Block, ...]]:
    """Return the text below a node and its structure.

    Each list item and table row has a line; between all else stands an empty one.

    The blocks hang from each other as the markup nests them; `language.layout.refine` hangs the others.
    """
    if top is None:
        return "", ()
    writer = _Writer()
    node: LexborNode | None = top
    while node is not None:
        writer.enter(node)
        child = node.child
        node = child if child is not None else _after(node, top, writer)
    return writer.text(), writer.blocks()


def _after(node: LexborNode, top: LexborNode, writer: _Writer) -> LexborNode | None:
    """Return what is read next after a node without children, and end what ends before it."""
    current: LexborNode | None = node
    while current is not None:
        writer.leave(current)
        if current.mem_id == top.mem_id:
            return None
        following = current.next
        if following is not None:
            return following
        current = current.parent
    return None


class _Writer:
    """Text, piece by piece, with the breaks that elements ask for; of several breaks the strongest counts."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._breaks = 0
        self._space = False
        self._marker = ""
        self._verbatim = 0
        self._row: int | None = None
        self._cells = 0
        self._lists: list[_Numbers | None] = []
        self._structure = Structure()

    def text(self) -> str:
        """Return what was written."""
        return "".join(self._pieces).rstrip("\n")

    def blocks(self) -> tuple[Block, ...]:
        """Return the structure of what was written."""
        return self._structure.blocks(self.text())

    def enter(self, node: LexborNode) -> None:
        """Begin an element, or write a text."""
        tag = node.tag
        if tag == "-text":
            self._write(node.text_content or "")
            return
        if tag in _PARAGRAPHS:
            self._break(2)
            if tag == "pre":
                self._verbatim += 1
            elif tag in _LISTS:
                self._lists.append(_numbers(node) if tag == "ol" else None)
        elif tag in _LINES:
            self._break(1)
            if tag == "li":
                self._begin_item(node)
            elif tag == "tr":
                self._begin_row(node)
        elif tag in {"td", "th"}:
            self._begin_cell()
        elif tag in _STRONG and self._row is None and _heads_lines(node):
            self._structure.open("heading", node.mem_id, level=PLAIN)
        self._open(node)

    def leave(self, node: LexborNode) -> None:
        """End an element."""
        tag = node.tag
        if tag == "-text":
            return
        in_data = self._row is not None
        if tag == "tr" and self._row == node.mem_id:
            self._row, self._marker = None, ""
        if tag == "pre":
            self._verbatim -= 1
        elif tag in _LISTS:
            self._lists.pop()
        if self._structure.close(node.mem_id, self._length) and tag in _STRONG:
            self._break(1)
        if tag in _PARAGRAPHS:
            self._break(2)
        elif tag in _LINES and tag != "br":
            self._break(1)
        if not in_data and (tag in _PARAGRAPHS or tag in _LINES - {"br"}):
            self._structure.end_paragraph(self._length)
        if tag == "summary" and node.parent is not None and node.parent.tag == "details":
            self._structure.open_below(node.parent.mem_id)

    def _open(self, node: LexborNode) -> None:
        """Begin the block that an element is."""
        tag, structure = node.tag, self._structure
        if self._row is not None and tag not in {"tr", "td", "th"}:
            return  # inside a row of data there are cells only
        if tag in _PARAGRAPHS or tag in _LINES - {"br"}:
            structure.end_paragraph(self._length)
        level = _heading_level(node)
        if level:
            structure.open("heading", node.mem_id, level=level)
        elif tag in {"div", "aside", "section"} and _ASIDE.search(
            node.attributes.get("class") or ""
        ):
            structure.open("quote", node.mem_id)
        elif tag in _KINDS:
            structure.open(_KINDS[tag], node.mem_id, level=TERM if tag == "dt" else 0)
        elif tag == "li" and not _holds_list(node):
            structure.open("item", node.mem_id, level=len(self._lists))
        elif tag == "tr" and self._row == node.mem_id:
            structure.open("row", node.mem_id)
        elif tag in {"td", "th"} and self._row is not None:
            structure.open_cell(node.mem_id, is_head=tag == "th", spans=_spans(node))

    def _begin_item(self, node: LexborNode) -> None:
        """Set the mark of an item; an item that only holds a list has none."""
        first = _first_child(node)
        if first is not None and (first.tag in _LISTS or _is_number(first)):
            return
        listed = self._lists[-1] if self._lists else None
        if listed is None:
            self._marker = "- "
            return
        told = node.attributes.get("value") or ""
        listed.number = int(told) if told.isdecimal() and len(told) < 7 else listed.number
        self._marker = f"{listed.spelled()}. "
        listed.number += 1

    def _begin_row(self, node: LexborNode) -> None:
        """Keep a row of data on one line; a row that lays out a page is no row to a reader."""
        is_data = node.css_first(_LAYOUT) is None and len(node.text()) <= _LONGEST_ROW
        if self._row is None and is_data:
            self._row = node.mem_id
            self._cells = 0

    def _begin_cell(self) -> None:
        if self._row is None:
            self._break(1)
            return
        self._cells += 1
        if self._cells > 1:
            self._marker += " | "
            self._space = False

    def _break(self, lines: int) -> None:
        if self._row is not None and self._cells:
            self._space = True  # inside a row of data everything stays on its line
        else:
            self._breaks = max(self._breaks, 1 if self._lists else lines)

    def _write(self, text: str) -> None:
        if self._verbatim:
            text = _MANY_BREAKS.sub("\n\n", text)
            text = text if self._length and not self._breaks else text.lstrip("\n")
            if text:
                self._flush()
                self._put(text)
            return
        body = _SPACES.sub(" ", text).strip(" ")
        if not body:
            self._space = self._space or bool(text)
            return
        self._space = self._space or text[0] in " \t\n\r\f"
        self._flush()
        self._put(body)
        self._space = text[-1] in " \t\n\r\f"

    def _flush(self) -> None:
        """Write what stands before the next text."""
        if self._pieces and self._breaks:
            ends = self._pieces[-1]
            self._put("\n" * max(0, self._breaks - (len(ends) - len(ends.rstrip("\n")))))
        elif self._pieces and self._space and not self._marker:
            self._put(" ")
        before = self._length
        self._put(self._marker)
        self._structure.begin(before, self._length)
        self._breaks, self._space, self._marker = 0, False, ""

    def _put(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._length += len(text)


def _heading_level(node: LexborNode) -> int:
    """Return the level of a heading: by its tag, its role, or since its class calls it one; 0 of what is none."""
    tag = node.tag or ""
    if tag in _HEADINGS:
        return int(tag[1])
    if tag in {"summary", "button"}:
        return PLAIN
    if tag not in {"div", "p", "span"}:
        return 0
    told = node.attributes.get("aria-level") or ""
    if node.attributes.get("role") == "heading":
        return int(told) if told in {"1", "2", "3", "4", "5", "6"} else PLAIN
    named = tag != "span" and _TITLED.search(node.attributes.get("class") or "")
    return PLAIN if named and _is_line(node) else 0


def _is_line(node: LexborNode) -> bool:
    """Tell whether an element holds one short line of text, and no block of its own."""
    text = " ".join((node.text() or "").split())
    inner = node.css("p, div, ul, ol, table, h1, h2, h3, h4, h5, h6, b, strong, button")
    alone = all(one.mem_id == node.mem_id for one in inner)
    return 0 < len(text) <= LONGEST_HEADING and alone


def _heads_lines(node: LexborNode) -> bool:
    """Tell whether bold words are a heading: short, alone on the first line of their paragraph."""
    parent = node.parent
    if parent is None or parent.tag not in {"p", "div", "section", "body"}:
        return False
    text = " ".join((node.text() or "").split())
    if not text or len(text) > LONGEST_HEADING or text.endswith((".", ",", ";")):
        return False
    before, after = node.prev, node.next
    while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
        before = before.prev
    if before is not None and before.tag not in _PARAGRAPHS:
        return False
    if after is None or after.tag == "br" or text.endswith("?"):
        return True
    return after.tag == "-text" and (after.text_content or "").lstrip(" \t").startswith("\n")


def _spans(node: LexborNode) -> tuple[int, int]:
    """Return how many columns and rows a cell covers."""
    columns, rows = (node.attributes.get(name) or "1" for name in ("colspan", "rowspan"))
    return tuple(
        int(one) if one.isdecimal() and 0 < int(one[:5]) <= _MOST_SPANNED else 1
        for one in (columns, rows)
    )  # type: ignore[return-value]  # two


def _first_child(node: LexborNode) -> LexborNode | None:
    """Return what stands first in an element, blank text left out."""
    first = node.child
    while first is not None and first.tag == "-text" and not (first.text_content or "").strip():
        first = first.next
    return first


def _holds_list(item: LexborNode) -> bool:
    """Tell whether an item has no text of its own before the list in it."""
    first = _first_child(item)
    return first is not None and first.tag in _LISTS


def _is_number(node: LexborNode) -> bool:
    """Tell whether an element is the number of its item, as it is shown."""
    return node.tag == "span" and node.attributes.get("class") == "number"


@dataclass(slots=True)
class _Numbers:
    """How the items of a list are counted."""

    number: int
    style: str

    def spelled(self) -> str:
        """Return the number of the next item as a browser shows it; letters as far as the alphabet goes."""
        if self.style in {"a", "A"} and 0 < self.number <= len(ascii_lowercase):
            letter = ascii_lowercase[self.number - 1]
            return letter if self.style == "a" else letter.upper()
        return str(self.number)


def _numbers(node: LexborNode) -> _Numbers:
    start = node.attributes.get("start") or "1"
    first = int(start) if start.isdecimal() and len(start) < 7 else 1
    return _Numbers(first, node.attributes.get("type") or "1")


def _closed(match: re.Match[str]) -> str:
    name = match[1]
    return match[0] if name.lower() in _VOID else f"<{name}{match[2]}></{name}>"


def _depth(html: str) -> int:
    """Estimate how deep elements are nested, in linear time and before any parser sees them."""
    depth = deepest = 0
    for match in _TAG.finditer(html):
        if match[2].lower() in _NOT_NESTING:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest
