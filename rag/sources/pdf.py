"""PDF files, page by page. Lines are joined to paragraphs by where they stand, so that sentences are whole.

PDFium is not thread-safe (four threads: a segmentation fault), so one lock is held from opening to
closing. It reads columns in the right order and marks each line-end hyphen that it took away.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from ctypes import byref
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from rag.errors import SourceError
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.signatures import check_pdf

MAX_PAGES = 5_000
_LEAST_CHARS_PER_PAGE = 20
"""Pages with fewer on average were scanned: what text they have is a stamp or a page number."""

_PDFIUM = threading.Lock()
_HYPHEN = "\ufffe"
"""Where PDFium took a hyphen away to join two lines."""
_EDGE = 2
"""Lines at the top and bottom of a page that may be running heads."""
_REPEATED = 3
_AROUND = 5
_CHAR_WIDTH = 0.45
"""Of an average character, in font sizes."""

_LIGATURES = str.maketrans({
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
})  # fmt: skip
_BULLET = re.compile(r"[•‣▪●○◦■–-]\s")
_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]\s")
_COMPLETE = re.compile(r"""[.!?:;…]["'”’»)\]]*$""")
_LEADERS = re.compile(r"(?:\. ?){4}")
_WORD = re.compile(r"\w+(?:-\w+)*")
_SPLIT_WORD = re.compile(rf"(?<![\w-])([\w-]{{0,60}}\w){_HYPHEN}(\w+)")
_NO_TITLE = re.compile(
    r"untitled|anonymous|microsoft \w+ - |\.(?:docx?|tex|dvi|indd|pdf|pptx?|xlsx?)$|^\W*$", re.I
)


_BLANKS = " \t\r\n\v\f\xa0\x00\u2002\u2003\u2009\u3000"
_NOWHERE = (0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page and where it stands, in points from the lower left corner."""

    text: str
    left: float
    """Of its first character; lines that PDFium joined at a hyphen count as one."""
    right: float
    """Of its last character."""
    top: float
    """Baseline of its first character."""
    bottom: float
    """Baseline of its last character."""
    size: float
    """Of the font, about; 0 where the place of the line is unknown."""


@dataclass(frozen=True, slots=True)
class _Page:
    names: set[str]
    """What may be printed as its number."""
    lines: list[_Line]


def read(data: bytes) -> Document:
    """Read a PDF file.

    Raises:
        SourceError: `encrypted`, `no_text_layer`, `too_large` or `unreadable`.
    """
    check_pdf(data)
    with _PDFIUM:
        title, pages = _extract(data)
    n_chars = sum(len(line.text) for page in pages for line in page.lines)
    if n_chars < _LEAST_CHARS_PER_PAGE * len(pages):
        raise SourceError(
            "no_text_layer",
            "is a scan without text; run it through text recognition (OCR) and add the result",
        )
    parts = _joined(list(_without_running_heads(pages)))
    return Document(title=title, parts=tuple(_dehyphenated(parts)), paged=True)


def _extract(data: bytes) -> tuple[str, list[_Page]]:
    """Return the title and the pages. The caller holds the lock; nothing of PDFium outlives the call."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise _refused(exc) from exc
    with closing(document):
        if len(document) > MAX_PAGES:
            raise SourceError(
                "too_large", f"has {len(document):,} pages, more than {MAX_PAGES:,}; split it"
            )
        title = document.get_metadata_value("Title").strip()
        pages: list[_Page] = []
        n_chars = 0
        for number in range(len(document)):
            lines = _lines_of(document, number)
            pages.append(_Page({document.get_page_label(number), str(number + 1)}, lines))
            n_chars += sum(len(line.text) for line in lines)
            if n_chars > MAX_CHARS:
                raise too_long()
    return "" if _NO_TITLE.search(title) else title, pages


def _refused(exc: Exception) -> SourceError:
    text = str(exc)
    if "password" in text.lower() or "security" in text.lower():
        return SourceError("encrypted", "needs a password; save a copy without one and add that")
    return SourceError("unreadable", "is damaged; open it in a PDF reader and save it anew")


def _lines_of(document: Any, number: int) -> list[_Line]:  # noqa: ANN401  (pypdfium2 has no types)
    """Return the lines of one page in reading order; none where the page cannot be opened."""
    import pypdfium2

    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return []  # a broken page does not take the others with it
    with closing(page), closing(page.get_textpage()) as textpage:
        text = textpage.get_text_range()
        placed = len(text) == textpage.count_chars()
        lines, start = [], 0
        for piece in text.split("\r\n"):
            body = piece.strip(_BLANKS)
            if body:
                first = start + piece.index(body[0])
                box = _boxes(textpage, first, first + len(body) - 1) if placed else _NOWHERE
                lines.append(_Line(body.translate(_LIGATURES), *box))
            start += len(piece) + 2
    return lines


def _boxes(textpage: Any, first: int, last: int) -> tuple[float, float, float, float, float]:  # noqa: ANN401
    """Return left, right, top, bottom and size of a line from the boxes of some of its characters."""
    from pypdfium2 import raw

    begin, _, end = boxes = raw.FS_RECTF(), raw.FS_RECTF(), raw.FS_RECTF()
    for index, box in zip((first, (first + last) // 2, last), boxes, strict=True):
        raw.FPDFText_GetLooseCharBox(textpage.raw, index, byref(box))
    size = max(box.top - box.bottom for box in boxes)
    return begin.left, end.right, begin.bottom, end.bottom, size


def _without_running_heads(pages: list[_Page]) -> Iterator[list[_Line]]:
    """Yield the lines of each page without its number and what stands at the same place of three pages or more.

    These would cut a sentence that runs over the end of a page. Their first occurrence stays, so that no word is lost.
    """
    edges = [_edge_lines(page.lines) for page in pages]
    heads = Counter(
        head
        for page, edge in zip(pages, edges, strict=True)
        for head in {_head(page.lines[index], page) for index in edge}
    )
    seen: set[tuple[str, int]] = set()
    for page, edge in zip(pages, edges, strict=True):
        kept = []
        for index, line in enumerate(page.lines):
            head = _head(line, page)
            if index in edge and (head in seen or line.text.strip("-–— ") in page.names):
                continue
            if index in edge and heads[head] >= _REPEATED:
                seen.add(head)
            kept.append(line)
        yield kept


def _edge_lines(lines: list[_Line]) -> set[int]:
    """Return the indexes of lines at the top and bottom of a page that a gap parts from the others."""
    pitch, last = _pitch(lines), len(lines) - 1
    gaps = [abs(before.bottom - line.top) > 1.35 * pitch for before, line in pairwise(lines)]
    edge: set[int] = set()
    for depth in range(1, min(_EDGE, last) + 1):
        if gaps[depth - 1]:
            edge.update(range(depth))
        if gaps[last - depth]:
            edge.update(range(last - depth + 1, last + 1))
    return edge


def _head(line: _Line, page: _Page) -> tuple[str, int]:
    """Return what running heads have in common: all but the page's number and, nearly, their height."""
    words = ("#" if word in page.names else word for word in line.text.split())
    return " ".join(words), round(line.top / 4)


def _joined(pages: list[list[_Line]]) -> list[str]:
    """Join the lines of each page to paragraphs; a paragraph that goes on over the page's end is not broken there."""
    parts: list[str] = []
    open_end: tuple[_Line, float] | None = None
    for lines in pages:
        pieces: list[str] = []
        if lines and open_end is not None:
            parts[-1] += _between(open_end[0].text, _goes_on(*open_end, lines[0]))
        pitch = _pitch(lines)
        for index, line in enumerate(lines):
            if index and open_end is not None:
                pieces.append(_between(open_end[0].text, _belongs(*open_end, line, pitch)))
            pieces.append(line.text)
            open_end = line, _right_edge(lines, index)
        parts.append("".join(pieces))
    return parts


def _between(text: str, together: bool) -> str:
    """Return what stands between two lines."""
    if not together:
        return "\n\n"
    return "" if text.endswith(_HYPHEN) else " "


def _belongs(line: _Line, edge: float, following: _Line, pitch: float) -> bool:
    """Tell whether a line belongs to the paragraph of the one before, which might have reached to `edge`."""
    if not line.size or not following.size:
        return not _COMPLETE.search(line.text) and not _begins_item(line, following)
    drop = line.bottom - following.top
    if abs(drop) < 0.3 * line.size:
        return True  # the same line, with a gap in it
    runs_on = following.text[0].islower() and not _COMPLETE.search(line.text)
    if drop < 0:
        return _goes_on(line, edge, following)  # another column
    if _begins_item(line, following) or _LEADERS.search(line.text):
        return False
    if drop > 1.35 * pitch:
        return runs_on and drop < 1.7 * pitch and _same_size(line, following)
    if not _same_size(line, following):
        return runs_on
    moved = abs(following.left - line.left) > 0.8 * line.size
    in_item = _BULLET.match(line.text) or _NUMBER.match(line.text)
    if moved and _COMPLETE.search(line.text) and not in_item:
        return False
    return runs_on or _is_full(line, edge, following)


def _goes_on(line: _Line, edge: float, following: _Line) -> bool:
    """Tell whether a sentence goes on in the next column or on the next page."""
    if (
        _COMPLETE.search(line.text)
        or _begins_item(line, following)
        or not _same_size(line, following)
    ):
        return False
    return following.text[0].islower() or (bool(line.size) and _is_full(line, edge, following))


def _begins_item(line: _Line, following: _Line) -> bool:
    """Tell whether a line begins a list item; a number or initial may also stand in running text."""
    if _BULLET.match(following.text):
        return True
    ended = _COMPLETE.search(line.text) or _NUMBER.match(line.text)
    return bool(ended and _NUMBER.match(following.text))


def _is_full(line: _Line, edge: float, following: _Line) -> bool:
    """Tell whether the first word of the next line would not have fitted on this one."""
    word = following.text.partition(" ")[0]
    return line.right + (len(word) + 1) * _CHAR_WIDTH * line.size > edge


def _same_size(line: _Line, following: _Line) -> bool:
    return abs(line.size - following.size) <= 0.15 * max(line.size, following.size)


def _pitch(lines: list[_Line]) -> float:
    """Return the usual distance between two lines of a page."""
    drops = [before.bottom - line.top for before, line in pairwise(lines)]
    drops = [
        drop
        for drop, line in zip(drops, lines, strict=False)
        if 0.3 * line.size < drop < 3 * line.size
    ]
    return median(drops) if drops else 1.4 * max((line.size for line in lines), default=0.0)


def _right_edge(lines: list[_Line], index: int) -> float:
    """Return where the longest line around this one ends, among those that begin near it."""
    here = lines[index]
    around = lines[max(0, index - _AROUND) : index + _AROUND + 1]
    return max(line.right for line in around if abs(line.left - here.left) <= 3 * here.size)


def _dehyphenated(parts: list[str]) -> Iterator[str]:
    """Put words together where PDFium took a line-end hyphen away; keep the hyphen of what is written with one."""
    known = Counter(word.lower() for part in parts for word in _WORD.findall(part))

    def mend(match: re.Match[str]) -> str:
        first, second = match[1], match[2]
        together, hyphened = f"{first}{second}", f"{first}-{second}"
        if known[together.lower()] or known[hyphened.lower()]:
            return hyphened if known[hyphened.lower()] > known[together.lower()] else together
        last = first.rpartition("-")[2]
        is_name = second[0].isupper() or first[-1].isdigit()
        is_compound = (
            "-" in first and known[second.lower()] and not known[f"{last}{second}".lower()]
        )
        return hyphened if is_name or is_compound else together

    return (_SPLIT_WORD.sub(mend, part) for part in parts)
