"""Presentations (.pptx): each slide with its title, texts, tables, the figures of its charts, and its notes."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from rag.errors import SourceError
from rag.sources.archive import check_tags, open_archive, read_entry, xml_root
from rag.sources.document import Document
from rag.sources.markup import Part, PartCell, TablePart, TextPart, numbered, paged
from rag.sources.number_format import as_shown
from rag.sources.packages import local, main_part, package_title, relations
from rag.sources.signatures import check_zip

_PRESENTATION = "ppt/presentation.xml"
_SLIDE_TITLE, _NOTES = 2, 4
"""Levels of the headings that a slide's title is, and the word above its notes."""
_TITLES = frozenset({"title", "ctrTitle"})
_BODIES = frozenset({"body", "obj", "subTitle", ""})
_UNSAID = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
"""Kinds of places on a slide that say the same on each: date, foot, head, number, picture."""
_MOST_POINTS = 10_000


def read(data: bytes) -> Document:
    """Read a presentation: a slide is a page.

    Its title is the one of its properties, else that of its first slide.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    check_zip(data, ".pptx")
    with open_archive(data) as archive:
        check_tags(archive)
        names = set(archive.namelist())
        main = main_part(archive, _PRESENTATION)
        if main not in names:
            raise SourceError(
                "unreadable", "holds no slides, or not where they lie; save it anew as .pptx"
            )
        targets = relations(archive, main)
        slides = [
            targets.get(_relation(one), "")
            for one in xml_root(read_entry(archive, main)).iter()
            if local(one) == "sldId"
        ]
        pages = [
            (f"slide {number}", [*_Slide(archive, entry).parts()])
            for number, entry in enumerate(dict.fromkeys(slides), start=1)
            if entry in names
        ]
        first = next((one for _, parts in pages[:1] for one in parts), None)
        said = first.text if isinstance(first, TextPart) and first.heading else ""
        return paged(pages, package_title(archive) or said)


class _Slide:
    """One slide and the parts that it names."""

    def __init__(self, archive: zipfile.ZipFile, entry: str) -> None:
        self._archive = archive
        self._targets = relations(archive, entry)
        self._root = xml_root(read_entry(archive, entry))

    def parts(self) -> Iterator[Part]:
        """Yield what is on the slide: its title first, its notes last."""
        shapes = [*_shapes(self._root)]
        titles = [one for one in shapes if _kind(one) in _TITLES]
        for one in titles:
            text = " ".join(part.text for part in _texts(one)).strip()
            yield TextPart(text=" ".join(text.split()), heading=_SLIDE_TITLE)
        for one in shapes:
            if _kind(one) not in _TITLES | _UNSAID:
                yield from numbered(self._shown(one))
        notes = [*self._notes()]
        if notes:
            yield TextPart(text="Notes", heading=_NOTES)
            yield from notes

    def _shown(self, shape: ElementTree.Element) -> Iterator[Part]:
        """Yield the texts, the table, the chart or the diagram of a shape."""
        if local(shape) == "sp":
            yield from _texts(shape, listed=_kind(shape) in _BODIES)
            return
        for node in shape.iter():
            kind = local(node)
            if kind == "tbl":
                yield _table(node)
            elif kind == "chart" and (entry := self._entry(_relation(node))):
                yield from _chart(xml_root(read_entry(self._archive, entry)))
            elif kind == "relIds" and (entry := self._entry(_relation(node, "dm"))):
                yield from _diagram(xml_root(read_entry(self._archive, entry)))

    def _entry(self, number: str) -> str:
        """Return the entry that the slide has a name for; empty where there is none."""
        entry = self._targets.get(number, "")
        return entry if entry in self._archive.namelist() else ""

    def _notes(self) -> Iterator[Part]:
        for entry in self._targets.values():
            is_notes = posixpath.dirname(entry).endswith("notesSlides")
            if is_notes and entry in self._archive.namelist():
                for one in _shapes(xml_root(read_entry(self._archive, entry))):
                    if _kind(one) == "body":
                        yield from _texts(one)


def _relation(node: ElementTree.Element, name: str = "id") -> str:
    """Return what a node calls another part."""
    return next((text for key, text in node.items() if key.endswith(f"}}{name}")), "")


def _shapes(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the shapes and frames of a slide in their order, those in groups among them; of alternatives the first."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if local(node) in {"sp", "graphicFrame"}:
            yield node
        elif local(node) != "Fallback":
            waiting += reversed(node)


def _kind(shape: ElementTree.Element) -> str | None:
    """Return which place of the slide's layout a shape fills; None for one of its own."""
    place = next((one for one in shape.iter() if local(one) == "ph"), None)
    return None if place is None else place.get("type", "")


def _texts(shape: ElementTree.Element, *, listed: bool = False) -> Iterator[TextPart]:
    """Yield the paragraphs of a shape; several in a place for text are items, unless they have no bullet."""
    body = next((one for one in shape if local(one) == "txBody"), None)
    paragraphs = [] if body is None else [one for one in body if local(one) == "p"]
    told = [(one, text) for one in paragraphs if (text := _text(one)).strip()]
    for one, text in told:
        level, number = _item(one, listed=listed and len(told) > 1)
        yield TextPart(text=text, depth=level, number=number)


def _item(paragraph: ElementTree.Element, *, listed: bool) -> tuple[int, str]:
    """Return how deep an item is nested, 0 for what is none, and `#` where it is counted."""
    set_by = next((one for one in paragraph if local(one) == "pPr"), None)
    level = "" if set_by is None else set_by.get("lvl", "")
    depth = 1 + (int(level) if level.isdecimal() and len(level) < 3 else 0)
    marks = set() if set_by is None else {local(one) for one in set_by}
    if "buNone" in marks or not (listed or marks & {"buChar", "buAutoNum", "buBlip"}):
        return 0, ""
    return depth, "#" if "buAutoNum" in marks else ""


def _text(node: ElementTree.Element) -> str:
    """Return the text of a paragraph; a line break in it stays one."""
    pieces = (
        "\n" if local(one) == "br" else one.text or ""
        for one in node.iter()
        if local(one) in {"t", "br"}
    )
    return "".join(pieces).replace("\x0b", "\n")


def _table(node: ElementTree.Element) -> TablePart:
    first = next((one for one in node if local(one) == "tblPr"), None)
    named = first is not None and first.get("firstRow") in {"1", "true"}
    rows = [one for one in node if local(one) == "tr"]
    return TablePart(
        rows=[
            [
                PartCell(
                    text=" ".join(_text(p) for p in cell.iter() if local(p) == "p"),
                    columns=_span(cell.get("gridSpan")),
                    rows=_span(cell.get("rowSpan")),
                    is_head=named and not number and len(rows) > 1,
                )
                for cell in row
                if local(cell) == "tc" and "1" not in {cell.get("hMerge"), cell.get("vMerge")}
            ]
            for number, row in enumerate(rows)
        ]
    )


def _span(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 4 else 1


def _chart(root: ElementTree.Element) -> Iterator[Part]:
    """Yield the title of a chart and its figures: a row a category, a column a series."""
    title = next((one for one in root.iter() if local(one) == "title"), None)
    said = "" if title is None else " ".join(_text(title).split())
    if said:
        yield TextPart(text=said, is_bold=True)
    series = [{local(part): part for part in one} for one in root.iter() if local(one) == "ser"]
    names = [" ".join(_points(one.get("tx")).values()) for one in series]
    categories: dict[int, str] = {}
    for one in series:
        categories |= _points(one.get("cat", one.get("xVal")))
    values = [_points(one.get("val", one.get("yVal"))) for one in series]
    rows = [
        [label, *(held.get(at, "") for held in values)]
        for at, label in sorted(categories.items())[:_MOST_POINTS]
    ]
    yield from _figures(["", *names], rows)


def _figures(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[TablePart]:
    """Yield a table with these names of its columns, where it has rows."""
    if rows:
        heads = [PartCell(text=one, is_head=True) for one in names]
        yield TablePart(rows=[heads, *([PartCell(text=one) for one in row] for row in rows)])


def _points(node: ElementTree.Element | None) -> dict[int, str]:
    """Return the points that a chart keeps of its data, by their number."""
    found: dict[int, str] = {}
    code = ""
    for one in () if node is None else node.iter():
        number = one.get("idx", "")
        if local(one) == "formatCode":
            code = one.text or ""
        elif local(one) == "pt" and number.isdecimal():
            said = " ".join(" ".join(part.text or "" for part in one).split())
            found[int(number)] = _figure(said, code)
        elif local(one) == "v" and not found:
            found[0] = " ".join((one.text or "").split())
    return found


def _figure(said: str, code: str) -> str:
    """Return a figure of a chart as its format shows it."""
    try:
        return as_shown(float(said), code)
    except (ValueError, OverflowError):
        return said


def _diagram(root: ElementTree.Element) -> Iterator[TextPart]:
    """Yield the texts of a diagram as items."""
    for one in root.iter():
        if local(one) == "pt" and (text := _text(one).strip()):
            yield TextPart(text=text, depth=1)
