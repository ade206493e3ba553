"""The pages of a PDF file to text and blocks: paragraphs, headings, lists, tables, fields, captions, footnotes. Pure.

Lines are joined to paragraphs by where they stand, so that sentences are whole. What a paragraph is, its font, its
place and its first words tell; what is set in one font throughout is looked at by `language.layout`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from rag.language.layout import TITLE, Outline, find_blocks, nest
from rag.schema import Block, BlockKind
from rag.sources.document import Document
from rag.sources.pdf_page import HYPHEN, Line, PdfPage
from rag.sources.pdf_tables import PageItem, PdfTable, TableCell, find_tables

_EDGE = 2
"""Lines at the top and bottom of a page that may be running heads."""
_REPEATED = 3
_AROUND = 5
_CHAR_WIDTH = 0.45
"""Of an average character, in font sizes."""

_BULLET = re.compile(r"[•‣▪●○◦■□►❖✓→–-]\s")
_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]\s")
_SECTION = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})*\.?|[A-Z]\.|§\s?\d+\S*)\s")
_COMPLETE = re.compile(r"""[.!?:;…]["'”’»)\]]*$""")
_LEADERS = re.compile(r"(?:\. ?){4}")
_WORD = re.compile(r"\w+(?:-\w+)*")
_SPLIT_WORD = re.compile(rf"(?<![\w-])([\w-]{{0,60}}\w){HYPHEN}(\w+)")
_CAPTION = re.compile(
    r"(?:figure|fig\.|table|tab\.|chart|exhibit|plate|abbildung|abb\.|tabelle|schaubild|tableau|figura|tabla|cuadro|gráfico)"
    r"\s*\d+(?:\.\d+)*[a-z]?\s*[.:|–—-]",
    re.IGNORECASE,
)
_NOTE = re.compile(r"\d{1,3}(?=\s|[^\W\d_]|[\"“„«(])|[*†‡§]{1,3}\s?(?=\S)|\[\d{1,3}\]\s?(?=\S)")
_MARK = re.compile(r"[*†‡]{1,3}\s?(?=\S)")
_BLANK = re.compile(r"[\s_.…]{4,}$|_+$|\s*:\s*$")

_LARGER = 1.12
"""Of the usual size of text: what is larger is a heading."""
_SMALLER = 0.93
_LONGEST_LARGE = 200
_LONGEST_BOLD = 120
_LOWEST = 5
_SHORT = 60
_MONO_WIDTH = 0.6
"""Of a character of a font for code, in font sizes."""
_NARROWEST = 20
"""Characters: columns of text are wider."""
_SAME_COLUMNS = 6.0
"""Points by which the columns of a table may lie elsewhere on its next page."""
_FEWEST_TERMS = 2
_GUESSED: tuple[BlockKind, ...] = ("field", "row", "speaker", "question", "answer", "quote")


@dataclass(slots=True)
class _Element:
    """What becomes a block, or a table with its rows."""

    page: int
    lines: list[Line] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    """Its text by page."""
    table: PdfTable | None = None
    kind: BlockKind = "paragraph"
    level: int = 0
    aside: bool = False
    """It stands beside the text, as footnotes and running heads do, and parts no paragraph that goes on."""
    tight: bool = False
    """It follows the one before without a gap, as the lines of an address do."""

    def add(self, page: int, text: str) -> None:
        """Add text of a page."""
        if self.texts and self.texts[-1][0] == page:
            self.texts[-1] = page, self.texts[-1][1] + text
        else:
            self.texts.append((page, text))

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(text for _, text in self.texts)


def to_document(title: str, pages: Sequence[PdfPage]) -> Document:
    """Make the text of a document of its pages, a part for each, and its blocks.

    Args:
        title: what the file calls itself; may be empty.
        pages: all of them, in order.
    """
    kept = _without_running_heads(pages)
    items = [find_tables(page) for page in kept]
    usual = _usual_size(items)
    elements = _elements(items, usual)
    _classify(elements, usual)
    _mend(elements)
    return _Writer(len(pages), elements).document(title)


def _without_running_heads(pages: Sequence[PdfPage]) -> list[PdfPage]:
    """Return each page without its number and the lines that stand at the same place of three pages or more.

    These would cut a sentence that runs over the end of a page. Their first occurrence stays, so that no word is lost.
    """
    edges = [_edge_lines(page.lines) for page in pages]
    heads = Counter(
        head
        for page, edge in zip(pages, edges, strict=True)
        for head in {_head(page.lines[index], page) for index in edge}
    )
    seen: set[tuple[str, int]] = set()
    left = []
    for page, edge in zip(pages, edges, strict=True):
        kept = []
        for index, line in enumerate(page.lines):
            head = _head(line, page) if index in edge else ("", 0)
            if index in edge and (head in seen or line.text.strip("-–— ") in page.names):
                continue
            if index in edge and heads[head] >= min(_REPEATED, max(2, len(pages))):
                seen.add(head)
                line = replace(line, repeated=True)
            kept.append(line)
        left.append(replace(page, lines=tuple(kept)))
    return left


def _edge_lines(lines: Sequence[Line]) -> set[int]:
    """Return the indexes of lines at the top and bottom of a page that a gap parts from the others."""
    pitch, last = _pitch(lines), len(lines) - 1
    edge: set[int] = set()

    def gap(at: int) -> bool:
        return abs(lines[at].bottom - lines[at + 1].top) > 1.35 * pitch

    for depth in range(1, min(_EDGE, last) + 1):
        if gap(depth - 1):
            edge.update(range(depth))
        if gap(last - depth):
            edge.update(range(last - depth + 1, last + 1))
    return edge


def _head(line: Line, page: PdfPage) -> tuple[str, int]:
    """Return what running heads have in common: all but the page's number and, nearly, their height."""
    words = ("#" if word in page.names else word for word in line.text.split())
    return " ".join(words), round(line.top / 4)


# Lines to elements.


def _elements(pages: Sequence[Sequence[PageItem]], usual: float) -> list[_Element]:
    """Join the lines of each page to elements; a paragraph that goes on over the page's end is one.

    Footnotes and captions below it stand before it then, so that it is in one piece.
    """
    elements: list[_Element] = []
    code = _is_rarely_mono(pages)
    for number, items in enumerate(pages):
        made = _Joiner(number, items, code).elements()
        _find_notes(made, usual)
        made = [one for element in made for one in _apart(element)]
        aside = _notes_behind(elements)
        if made and elements[: len(elements) - aside]:
            last = elements[-1 - aside]
            over = _goes_on_over(last, made[0])
            if aside and (over or _may_head(last)):
                elements[-1 - aside :] = [*elements[len(elements) - aside :], last]
            if over:
                _append(last, made.pop(0))
        elements += made
    return elements


def _usual_size(pages: Sequence[Sequence[PageItem]]) -> float:
    """Return the size of the font that most text of a document is set in."""
    sizes: Counter[float] = Counter()
    for items in pages:
        for item in items:
            said = len(item.text) if isinstance(item, Line) else _length(item)
            sizes[_rounded(item.em)] += said
    return max(sizes, key=lambda size: sizes[size], default=0.0)


def _is_rarely_mono(pages: Sequence[Sequence[PageItem]]) -> bool:
    """Tell whether less than half of a document is set as code is; a document that was typed is no code."""
    n_chars: Counter[bool] = Counter()
    for items in pages:
        for item in items:
            if isinstance(item, Line):
                n_chars[item.mono] += len(item.text)
    return n_chars[True] < n_chars[False]


def _length(table: PdfTable) -> int:
    return sum(len(cell.text) for row in table.rows for cell in row)


def _rounded(size: float) -> float:
    return round(2 * size) / 2


class _Joiner:
    """Joins the lines of one page to elements."""

    def __init__(self, number: int, items: Sequence[PageItem], code: bool) -> None:
        self._number, self._items, self._code = number, items, code
        self._lines = [item for item in items if isinstance(item, Line)]
        self._pitch = _pitch(self._lines)
        self._elements: list[_Element] = []
        self._before: tuple[Line, float] | None = None
        """The line before, and how far it might have reached; none where it stands apart."""

    def elements(self) -> list[_Element]:
        """Return the elements in reading order."""
        at = -1
        for item in self._items:
            if isinstance(item, PdfTable):
                self._set_apart(_records(self._number, item))
                continue
            at += 1
            if any(piece.value for piece in item.pieces):
                self._set_apart(_fields(self._number, item))
            elif item.repeated:
                self._set_apart(
                    [_Element(self._number, [item], [(self._number, item.text)], aside=True)]
                )
            elif self._code and item.mono:
                self._add_code(item)
            else:
                self._add(item, _right_edge(self._lines, at))
        return self._elements

    def _set_apart(self, elements: Iterable[_Element]) -> None:
        self._elements += elements
        self._before = None

    def _add(self, line: Line, edge: float) -> None:
        """Add a line to the paragraph of the one before, or begin another."""
        if self._before is not None and _joins(*self._before, line, self._pitch):
            element = self._elements[-1]
            element.add(self._number, _between(element.text) + line.text)
            element.lines.append(line)
        else:
            tight = self._before is not None and _is_tight(*self._before, line, self._pitch)
            text = [(self._number, line.text)]
            self._elements.append(_Element(self._number, [line], text, tight=tight))
        self._before = line, edge

    def _add_code(self, line: Line) -> None:
        """Add a line of code below the one before, indented as it is, or begin another block."""
        element = self._elements[-1] if self._elements else None
        self._before = None
        if element is None or element.kind != "code" or not _is_below(element.lines[-1], line):
            text = [(self._number, line.text)]
            self._elements.append(_Element(self._number, [line], text, kind="code"))
            return
        indent = round(max(0.0, line.left - element.lines[0].left) / (_MONO_WIDTH * line.em or 1))
        element.add(self._number, "\n" + " " * indent + line.text)
        element.lines.append(line)


def _is_below(line: Line, following: Line) -> bool:
    return 0 < line.bottom - following.top < 2 * line.size


def _records(number: int, table: PdfTable) -> Iterator[_Element]:
    """Yield a table, or a field for each label and its value where it holds nothing else."""
    labelled = [
        len(row) % 2 == 0 and all(cell.text.endswith(":") for cell in row[::2])
        for row in table.rows
    ]
    if not all(labelled):
        yield _Element(number, table=table)
        return
    for row in table.rows:
        for label, value in zip(row[::2], row[1::2], strict=True):
            said = f"{label.text} {value.text}"
            yield _Element(number, texts=[(number, said)], kind="field")


def _fields(number: int, line: Line) -> Iterator[_Element]:
    """Yield a field for each label of a form that has a value, and a paragraph for other words between them."""
    for piece in line.pieces:
        if piece.value:
            label = _BLANK.sub("", piece.text)
            said = f"{label}: {piece.value}" if label else piece.value
        else:
            said = piece.text
        place = replace(line, text=said, pieces=())
        yield _Element(
            number, [place], [(number, said)], kind="field" if piece.value else "paragraph"
        )


def _is_tight(line: Line, edge: float, following: Line, pitch: float) -> bool:
    """Tell whether two short lines stand below each other as those of an address do."""
    return (
        0 < line.bottom - following.top <= 1.35 * pitch
        and abs(line.left - following.left) < 0.3 * line.size
        and max(len(line.text), len(following.text)) <= _SHORT
        and not _is_full(line, edge, following)
        and line.bold == following.bold
        and _same_size(line, following)
    )


def _between(text: str) -> str:
    """Return what stands between two lines of a paragraph."""
    return "" if text.endswith(HYPHEN) else " "


def _append(element: _Element, rest: _Element) -> None:
    """Add what goes on on the next page."""
    if element.table is not None and rest.table is not None:
        heads = element.table.rows[: element.table.n_heads]
        rows = list(rest.table.rows)
        said = [_said(row) for row in heads]
        while rows and heads and _said(rows[0]) in said:
            rows.pop(0)  # heads that are written anew on each page
        above = list(element.table.rows)
        if rows and above and _is_rest(rows[0], above[-1]):
            above[-1] = _with_rest(above[-1], rows.pop(0))
        element.table = replace(element.table, rows=(*above, *rows))
        element.texts.append((rest.page, str(len(rows))))
        return
    element.add(element.texts[-1][0], _between(element.text))
    element.lines += rest.lines
    for page, text in rest.texts:
        element.add(page, text)


def _is_rest(row: Sequence[TableCell], above: Sequence[TableCell]) -> bool:
    """Tell whether a row is what a page's end cut off the one above."""
    return len(row) < len(above) and row[0].text[:1].islower()


def _with_rest(row: Sequence[TableCell], rest: Sequence[TableCell]) -> tuple[TableCell, ...]:
    more = {cell.first: cell.text for cell in rest}
    return tuple(
        replace(cell, text=cell.text + _between(cell.text) + more[cell.first])
        if cell.first in more
        else cell
        for cell in row
    )


def _said(row: Sequence[TableCell]) -> tuple[str, ...]:
    return tuple(cell.text for cell in row)


def _goes_on_over(element: _Element, rest: _Element) -> bool:
    """Tell whether an element goes on on the next page."""
    if element.table is not None and rest.table is not None:
        return len(element.table.edges) == len(rest.table.edges) and all(
            abs(one - other) < _SAME_COLUMNS
            for one, other in zip(element.table.edges, rest.table.edges, strict=True)
        )
    if element.table is not None or rest.table is not None:
        return False
    if element.kind != "paragraph" or rest.kind != "paragraph":
        return False
    line = element.lines[-1]
    edge = max((one.right for one in element.lines[-_AROUND:]), default=line.right)
    return line.bold == rest.lines[0].bold and _goes_on(line, edge, rest.lines[0])


def _find_notes(elements: Sequence[_Element], usual: float) -> None:
    """Make footnotes of small paragraphs with a mark at the end of a page or column, and captions."""
    for at, element in enumerate(elements):
        if element.table is not None or element.kind != "paragraph" or element.aside:
            continue
        line = element.lines[0]
        below = elements[at + 1].lines[:1] if at + 1 < len(elements) else []
        last = not below or below[0].top > line.top or elements[at + 1].kind == "footnote"
        small = 0 < max(one.em for one in element.lines) < _SMALLER * usual
        if _CAPTION.match(element.text) and len(element.text) <= _LONGEST_LARGE:
            element.kind, element.aside = "caption", True
        elif (small and _NOTE.match(element.text) and _is_at_end(elements, at)) or (
            last and _is_noted(element.text, elements[:at])
        ):
            element.kind, element.aside = "footnote", True


def _apart(element: _Element) -> Iterator[_Element]:
    """Yield an element; footnotes that were taken for one, each."""
    if element.kind != "footnote":
        yield element
        return
    note = replace(element, lines=[], texts=[])
    for line in element.lines:
        if note.lines and _NOTE.match(line.text) and _is_complete(note.lines[-1].text):
            yield note
            note = replace(element, lines=[], texts=[])
        note.add(element.page, (_between(note.text) if note.lines else "") + line.text)
        note.lines.append(line)
    yield note


def _is_at_end(elements: Sequence[_Element], at: int) -> bool:
    """Tell whether nothing of a larger size stands below a paragraph in its column."""
    line = elements[at].lines[0]
    for following in elements[at + 1 :]:
        if not following.lines:
            return False
        one = following.lines[0]
        if one.top > line.top:
            return True  # the next column
        if one.em > 1.05 * line.em:
            return False
    return True


def _is_noted(text: str, elements: Sequence[_Element]) -> bool:
    """Tell whether the mark that a text begins with stands behind a word of one of these."""
    mark = _MARK.match(text)
    if mark is None:
        return False
    pattern = re.compile(rf"[\w.,;:)]{re.escape(mark[0].strip())}(?:\W|$)")
    return any(pattern.search(element.text) for element in elements)


def _may_head(element: _Element) -> bool:
    """Tell whether an element may be a heading of what follows on the next page."""
    return len(element.lines) == 1 and not _is_complete(element.text)


def _notes_behind(elements: Sequence[_Element]) -> int:
    """Return how many of the last elements stand beside the text."""
    count = 0
    while count < len(elements) and elements[-1 - count].aside:
        count += 1
    return count


def _joins(line: Line, edge: float, following: Line, pitch: float) -> bool:
    """Tell whether a line belongs to the one before: to its paragraph, or to the heading that an outline names."""
    if line.heading or following.heading:
        return line.heading == following.heading and 0 < line.bottom - following.top < 2 * line.size
    return _belongs(line, edge, following, pitch)


def _belongs(line: Line, edge: float, following: Line, pitch: float) -> bool:
    """Tell whether a line belongs to the paragraph of the one before, which might have reached to `edge`."""
    if not line.size or not following.size:
        return not _is_complete(line.text) and not _begins_item(line, following)
    drop = line.bottom - following.top
    if abs(drop) < 0.3 * line.size:
        return True  # the same line, with a gap in it
    if line.bold != following.bold and not (
        drop <= 1.2 * pitch and _is_full(line, edge, following) and not _is_complete(line.text)
    ):
        return False
    runs_on = following.text[0].islower() and not _is_complete(line.text)
    if drop < 0:
        return _goes_on(line, edge, following)  # another column
    if _begins_item(line, following) or _has_leaders(line.text):
        return False
    if drop > 1.35 * pitch:
        return runs_on and drop < 1.7 * pitch and _same_size(line, following)
    if not _same_size(line, following):
        return runs_on
    moved = abs(following.left - line.left) > 0.8 * line.size
    in_item = _BULLET.match(line.text) or _NUMBER.match(line.text)
    if moved and _is_complete(line.text) and not in_item:
        return False
    return runs_on or _is_full(line, edge, following)


def _is_complete(text: str) -> bool:
    """Tell whether a sentence ends with a text, or something is announced; its end alone is looked at."""
    return bool(_COMPLETE.search(text, max(0, len(text) - 6)))


def _has_leaders(text: str) -> bool:
    """Tell whether dots lead from one end of a line to the other."""
    return (".." in text or ". ." in text) and bool(_LEADERS.search(text))


def _goes_on(line: Line, edge: float, following: Line) -> bool:
    """Tell whether a sentence goes on in the next column or on the next page."""
    if _is_complete(line.text) or _begins_item(line, following) or not _same_size(line, following):
        return False
    return following.text[0].islower() or (bool(line.size) and _is_full(line, edge, following))


def _begins_item(line: Line, following: Line) -> bool:
    """Tell whether a line begins a list item; a number or initial may also stand in running text."""
    if _BULLET.match(following.text) or _is_hollow(following):
        return True
    ended = _is_complete(line.text) or _NUMBER.match(line.text)
    return bool(ended and _NUMBER.match(following.text)) or _is_numbered(following)


def _is_hollow(line: Line) -> bool:
    """Tell whether an o stands for a bullet, as in lists of word processors: a wide gap follows it."""
    return bool(line.pieces) and line.pieces[0].text == "o"


def _is_numbered(line: Line) -> bool:
    """Tell whether a number with a wide gap behind it begins a line."""
    return bool(line.pieces) and bool(_NUMBER.match(f"{line.pieces[0].text} "))


def _is_full(line: Line, edge: float, following: Line) -> bool:
    """Tell whether the first word of the next line would not have fitted on this one, which is not narrow itself."""
    if len(line.text) < _NARROWEST:
        return False
    word = following.text.partition(" ")[0]
    return line.right + (len(word) + 1) * _CHAR_WIDTH * line.size > edge


def _same_size(line: Line, following: Line) -> bool:
    return abs(line.size - following.size) <= 0.15 * max(line.size, following.size)


def _pitch(lines: Sequence[Line]) -> float:
    """Return the usual distance between two lines of a page."""
    drops = [
        drop
        for before, line in pairwise(lines)
        if 0.3 * before.size < (drop := before.bottom - line.top) < 3 * before.size
    ]
    return median(drops) if drops else 1.4 * max((line.size for line in lines), default=0.0)


def _right_edge(lines: Sequence[Line], index: int) -> float:
    """Return where the longest line around this one ends, among those that begin near it."""
    here = lines[index]
    around = lines[max(0, index - _AROUND) : index + _AROUND + 1]
    return max(line.right for line in around if abs(line.left - here.left) <= 3 * here.size)


# What the elements are.


def _classify(elements: Sequence[_Element], usual: float) -> None:
    """Tell headings, the title and items from paragraphs."""
    bold = _is_mostly_bold(elements)
    styles: Counter[tuple[float, bool]] = Counter()
    for at, element in enumerate(elements):
        if element.table is None and element.kind == "paragraph" and not element.aside:
            if element.lines and element.lines[0].heading:
                element.kind = "heading"
                element.level = min(element.lines[0].heading + 1, _LOWEST)
            elif _is_heading(element, usual, bold) and _heads_something(elements, at):
                element.kind = "heading"
                styles[_style(element)] += 1
            elif _is_item(element):
                element.kind = "item"
    _find_terms(elements)
    _set_levels(elements, styles)


def _find_terms(elements: Sequence[_Element]) -> None:
    """Make terms and definitions of short lines that an indented paragraph follows, where there are two or more."""
    pairs = [
        (term, meaning)
        for term, meaning in pairwise(elements)
        if _is_plain(term) and _is_plain(meaning) and _defines(term, meaning)
    ]
    if len(pairs) < _FEWEST_TERMS:
        return
    for term, meaning in pairs:
        if term.kind == "paragraph":
            term.kind, meaning.kind = "term", "definition"


def _is_plain(element: _Element) -> bool:
    return element.kind == "paragraph" and bool(element.lines) and not element.aside


def _defines(term: _Element, meaning: _Element) -> bool:
    """Tell whether a short line has a paragraph below it that is indented."""
    line, below = term.lines[0], meaning.lines[0]
    indent = below.left - line.left
    return (
        len(term.lines) == 1
        and len(line.text) <= _SHORT
        and not _is_complete(line.text)
        and line.em < indent < 8 * line.em
        and 0 < line.bottom - below.top < 2 * line.size
        and min(one.left for one in meaning.lines) > line.left + line.em
    )


def _is_mostly_bold(elements: Sequence[_Element]) -> bool:
    n_chars: Counter[bool] = Counter()
    for element in elements:
        for line in element.lines:
            n_chars[line.bold] += len(line.text)
    return n_chars[True] > n_chars[False]


def _is_heading(element: _Element, usual: float, bold: bool) -> bool:
    """Tell whether a paragraph is set as a heading: larger than the text, or bold where the text is not."""
    text, lines = element.text, element.lines
    if not any(map(str.isalpha, text)) or _BULLET.match(text) or not lines[0].em:
        return False
    if _has_leaders(text):
        return False  # it stands in a table of contents
    em = min(line.em for line in lines)
    if em > _LARGER * usual:
        return len(text) <= _LONGEST_LARGE and not (len(text) > _SHORT and text.endswith("."))
    heavy = not bold and all(line.bold for line in lines) and em > _SMALLER * usual
    return (
        heavy
        and len(text) <= _LONGEST_BOLD
        and len(lines) <= 2
        and not (len(text) > _SHORT and text.endswith("."))
    )


def _heads_something(elements: Sequence[_Element], at: int) -> bool:
    """Tell whether anything follows that a heading could head."""
    return at + 1 < len(elements)


def _style(element: _Element) -> tuple[float, bool]:
    line = element.lines[0]
    return _rounded(line.em), line.bold


def _set_levels(elements: Sequence[_Element], styles: Counter[tuple[float, bool]]) -> None:
    """Give headings their level by their style, the largest first, and find the title."""
    ranked = sorted(styles, reverse=True)
    titled = bool(ranked) and styles[ranked[0]] == 1 and _opens(elements, ranked[0])
    levels = {style: min(at + 2 - titled, _LOWEST) for at, style in enumerate(ranked)}
    for element in elements:
        if element.kind != "heading" or element.level:
            continue
        element.level = levels[_style(element)]
        if titled and _style(element) == ranked[0]:
            element.kind, element.level = "title", TITLE
        elif number := _SECTION.match(element.text):
            element.level = max(element.level, min(2 + number[0].strip(" .").count("."), _LOWEST))


def _opens(elements: Sequence[_Element], style: tuple[float, bool]) -> bool:
    """Tell whether the first heading of all, near the beginning, is set in this style."""
    for element in elements[:4]:
        if element.kind == "heading":
            return _style(element) == style
    return False


def _is_item(element: _Element) -> bool:
    text, line = element.text, element.lines[0]
    return bool(_BULLET.match(text) or _NUMBER.match(text)) or _is_hollow(line)


# Words that line ends cut.


def _mend(elements: Sequence[_Element]) -> None:
    """Put words together where PDFium took a line-end hyphen away; keep the hyphen of what is written with one."""
    texts = [text for element in elements for _, text in element.texts]
    cells = [
        cell.text
        for element in elements
        if element.table is not None
        for row in element.table.rows
        for cell in row
    ]
    if not any(HYPHEN in text for text in (*texts, *cells)):
        return
    known = Counter(word.lower() for text in (*texts, *cells) for word in _WORD.findall(text))

    def mended(text: str) -> str:
        return _SPLIT_WORD.sub(lambda match: _put_together(match[1], match[2], known), text)

    for element in elements:
        element.texts = [(page, mended(text)) for page, text in element.texts]
        if element.table is not None:
            rows = tuple(
                tuple(replace(cell, text=mended(cell.text)) for cell in row)
                for row in element.table.rows
            )
            element.table = replace(element.table, rows=rows)


def _put_together(first: str, second: str, known: Counter[str]) -> str:
    """Return a word that a line end cut, with a hyphen or without."""
    together, hyphened = f"{first}{second}", f"{first}-{second}"
    if known[together.lower()] or known[hyphened.lower()]:
        return hyphened if known[hyphened.lower()] > known[together.lower()] else together
    last = first.rpartition("-")[2]
    is_name = second[0].isupper() or first[-1].isdigit()
    is_compound = "-" in first and known[second.lower()] and not known[f"{last}{second}".lower()]
    return hyphened if is_name or is_compound else together


# Elements to text and blocks.


class _Writer:
    """The text of each page as it is written, and the blocks in offsets of all of it."""

    def __init__(self, n_pages: int, elements: Sequence[_Element]) -> None:
        self._parts: list[list[str]] = [[] for _ in range(n_pages)]
        self._elements = elements
        self._outline = Outline()
        self._length = 0
        self._page = 0
        self._list: int | None = None
        self._items: list[tuple[float, int]] = []
        self._aside: set[int] = set()

    def document(self, title: str) -> Document:
        """Write the elements; return the document."""
        for at, element in enumerate(self._elements):
            if at:
                tight = element.tight and element.kind == self._elements[at - 1].kind == "paragraph"
                self._write(self._page, "\n" if tight else "\n\n")
            if element.table is not None:
                self._list = None
                self._write_table(element, element.table)
            else:
                self._write_words(element)
        parts = tuple("".join(part) for part in self._parts)
        text = "".join(parts)
        blocks = self._outline.blocks()
        if blocks:
            blocks = nest(text, _with_guesses(text, blocks, frozenset(self._aside)))
        return Document(title=title, parts=parts, paged=True, blocks=blocks)

    def _write(self, page: int, text: str) -> tuple[int, int]:
        self._page = page
        self._parts[page].append(text)
        start, self._length = self._length, self._length + len(text)
        return start, self._length

    def _write_words(self, element: _Element) -> None:
        """Write a paragraph, heading, item, field, caption or footnote."""
        start = self._length
        for page, text in element.texts:
            self._write(page, text)
        end = self._length
        if element.kind == "item":
            self._add_item(element, start, end)
            return
        if self._list is not None and element.kind == "paragraph" and self._is_in_item(element):
            self._outline.add("paragraph", start, end, parent=self._items[-1][1])
            self._outline.update(self._list, end=end)
            return
        self._list = None
        block = self._outline.add(element.kind, start, end, level=element.level)
        if element.aside:
            self._aside.add(block)

    def _add_item(self, element: _Element, start: int, end: int) -> None:
        """Add an item to the list that is open, below the one that it is indented from."""
        line = element.lines[0]
        if self._list is None:
            self._list = self._outline.add("list", start, end)
            self._items = []
        while self._items and line.left < self._items[-1][0] + 0.5 * line.size:
            self._items.pop()
        parent = self._items[-1][1] if self._items else self._list
        item = self._outline.add("item", start, end, level=len(self._items), parent=parent)
        self._items.append((line.left, item))
        self._outline.update(self._list, end=end)

    def _is_in_item(self, element: _Element) -> bool:
        """Tell whether a paragraph is indented as the text of the last item is."""
        line = element.lines[0]
        return bool(self._items) and line.left > self._items[-1][0] + 0.7 * line.size

    def _write_table(self, element: _Element, table: PdfTable) -> None:
        """Write a row on a line, its cells between bars, and add their blocks."""
        holder = self._outline.add("table", self._length, self._length)
        heads: list[tuple[TableCell, int]] = []
        keys: list[tuple[int, int]] = []
        pages = _pages_of_rows(element, table)
        for number, (row, page) in enumerate(zip(table.rows, pages, strict=True)):
            if number:
                self._write(self._page, "\n")
            start = self._length
            at = self._outline.add("row", start, start, parent=holder)
            made = self._write_cells(row, page, at, heads if number >= table.n_heads else [])
            if number < table.n_heads:
                heads += zip(row, made, strict=True)
            keys = [(column, rows - 1) for column, rows in keys if rows > 1]
            key = made[0] if not row[0].first or not keys else keys[0][0]
            keys += [(made[0], row[0].rows)] if not row[0].first else []
            self._outline.update(at, end=self._length, key=key)
        self._outline.update(holder, end=self._length)

    def _write_cells(
        self,
        row: Sequence[TableCell],
        page: int,
        parent: int,
        heads: Sequence[tuple[TableCell, int]],
    ) -> list[int]:
        """Write the cells of a row; return their blocks."""
        made: list[int] = []
        at = 0
        for cell in row:
            bars = " |" * (cell.first - at)
            self._write(page, f"{bars} " if made else f"{bars.strip()} " if bars else "")
            start, end = self._write(page, cell.text)
            header = tuple(
                index for head, index in heads if head.first < cell.last and cell.first < head.last
            )
            made.append(self._outline.add("cell", start, end, parent=parent, header=header))
            at = max(at, cell.first)
        return made


def _pages_of_rows(element: _Element, table: PdfTable) -> list[int]:
    """Return on which page each row stands."""
    rest = [(page, int(count)) for page, count in element.texts]
    pages = [element.page] * (len(table.rows) - sum(count for _, count in rest))
    for page, count in rest:
        pages += [page] * count
    return pages


def _with_guesses(text: str, blocks: Sequence[Block], settled: frozenset[int]) -> list[Block]:
    """Put what words alone show in the place of paragraphs: fields, records, speakers, and headings where no font does.

    Args:
        text: the whole text.
        blocks: what is known of it.
        settled: indices of paragraphs that stay.
    """
    styled = any(block.kind in {"heading", "title"} for block in blocks)
    wanted = {*_GUESSED, *(() if styled else ("heading", "title"))}
    guessed = find_blocks(text)
    starts = _outer_starts(guessed)
    chosen: list[tuple[bool, int]] = []
    end = -1
    for at, block in enumerate(blocks):
        if block.start < end:
            continue
        guesses = [] if at in settled else _guesses(block, guessed, starts)
        if any(guessed[one].kind in wanted for one in guesses):
            reach = max(guessed[one].end for one in guesses)
            if _ends_a_paragraph(blocks, at, reach):
                chosen += [(True, one) for one in guesses]
                end = reach
                continue
        chosen.append((False, at))
    return _renumbered(blocks, guessed, chosen)


def _outer_starts(guessed: Sequence[Block]) -> dict[int, list[int]]:
    """Return the guesses that begin at a place of the text, with the cells inside them."""
    starts: dict[int, list[int]] = {}
    outer: dict[int, int] = {}
    for at, guess in enumerate(guessed):
        inside = guess.kind == "cell" and guess.parent in outer
        outer[at] = outer[guess.parent] if inside and guess.parent is not None else guess.start
        if inside or guess.kind not in {"cell", "item"}:
            starts.setdefault(outer[at], []).append(at)
    return starts


def _guesses(block: Block, guessed: Sequence[Block], starts: dict[int, list[int]]) -> list[int]:
    """Return the guesses about a paragraph."""
    if block.kind != "paragraph" or block.parent is not None:
        return []
    found = [*starts.get(block.start, ())]
    while found and (reach := max(guessed[one].end for one in found)) < block.end:
        following = starts.get(reach) or starts.get(reach + 1)
        if not following:
            break
        found += following
    return found


def _ends_a_paragraph(blocks: Sequence[Block], at: int, end: int) -> bool:
    """Tell whether whole paragraphs, from one on, end there."""
    for block in blocks[at:]:
        if block.kind != "paragraph" or block.parent is not None or block.end > end:
            return False
        if block.end == end:
            return True
    return False


def _renumbered(
    blocks: Sequence[Block], guessed: Sequence[Block], chosen: Sequence[tuple[bool, int]]
) -> list[Block]:
    """Return chosen blocks of two kinds, whose indices are those of the new order."""
    places = {one: at for at, one in enumerate(chosen)}
    made: list[Block] = []
    for is_guess, at in chosen:
        block = (guessed if is_guess else blocks)[at]
        inner = not is_guess or block.kind == "cell"
        made.append(
            replace(
                block,
                parent=places[is_guess, block.parent]
                if inner and block.parent is not None
                else None,
                header=tuple(places[is_guess, one] for one in block.header),
                key=None if block.key is None else places[is_guess, block.key],
            )
        )
    return made
