"""PDF files: what PDFium finds on each page, where it stands and in which font. `pdf_structure` makes text of it.

PDFium is not thread-safe (four threads: a segmentation fault), so one lock is held from opening to
closing. It reads columns in the right order and marks each line-end hyphen that it took away.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from ctypes import byref, c_double, c_int, create_string_buffer
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rag.errors import SourceError
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.ocr import Ocr
from rag.sources.pdf_objects import find_drawing, find_widgets, scale_of, with_bullets, with_values
from rag.sources.pdf_outline import Bookmarks, find_bookmarks, with_outline
from rag.sources.pdf_page import HYPHEN, Fragment, Line, PdfPage
from rag.sources.pdf_scans import FEWEST_CHARS, Scans
from rag.sources.pdf_structure import to_document
from rag.sources.recognised import find_places
from rag.sources.signatures import check_pdf

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PAGES = 5_000

_USUAL = Ocr()
_PDFIUM = threading.Lock()

_LIGATURES = str.maketrans({
    "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st",
    # Bullets of the fonts Symbol and Wingdings, which have no characters of their own.
    "\uf0b7": "•", "\uf0a7": "▪", "\uf0a8": "◦", "\uf0d8": "►", "\uf0fc": "✓", "\uf076": "❖", "\uf06c": "●",
    "\uf06e": "■", "\uf071": "□", "\uf0e0": "→",
})  # fmt: skip
_NO_TITLE = re.compile(
    r"untitled|anonymous|microsoft \w+ - |\.(?:docx?|tex|dvi|indd|pdf|pptx?|xlsx?)$|^\W*$", re.I
)
_BOLD = re.compile(rb"bold|black|heavy|demi|[-,_ ]b(?:d|i)?$|cmb|sfbx|-medi", re.I)
_MONO = re.compile(rb"mono|courier|consol|menlo|typewriter|cmtt|inconsolata|sourcecode|fixed", re.I)
_FORCED_BOLD = 1 << 18
_FONT_NAME = 128

_BLANKS = " \t\r\n\v\f\xa0\x00\u2002\u2003\u2009\u3000"
_GAP = re.compile(rf"[{_BLANKS}]+")
_NOWHERE = (0.0, 0.0, 0.0, 0.0, 0.0)
_LOOSE = 0.56
"""Of a font's size: a line whose characters are wider on average has gaps in it."""
_NARROW, _WIDE = 0.2, 0.9
"""Of a font's size: the least gap that may part pieces where no blank was written, and where one was."""
_MANY_WORDS, _CLEAR = 6, 0.5
"""A line of many words is looked at for pieces where a gap is clear, in font sizes."""
_MOST_NARROW = 6
"""Narrow gaps of a line; with more, and no blank without one, they only part words."""
_MOST_RECTANGLES = 12


def read(data: bytes, ocr: Ocr = _USUAL) -> Document:
    """Read a PDF file.

    Args:
        data: its bytes.
        ocr: how pages are read that are images.

    Raises:
        SourceError: `encrypted`, `no_text_layer`, `empty`, `too_large` or `unreadable`.
    """
    check_pdf(data)
    with _PDFIUM:
        title, pages, scans = _extract(data, ocr)
    n_chars = sum(len(line.text) for page in pages for line in page.lines)
    if n_chars < FEWEST_CHARS * len(pages) and not any(scans.pages):
        raise scans.why or SourceError(
            "no_text_layer",
            "is a scan without text, and text recognition (OCR) found no words on it; scan it anew",
        )
    document = to_document(title, pages)
    if any(scans.pages):
        document = replace(document, places=find_places(document, scans.pages))
    return replace(document, remark=scans.remark())


def _extract(data: bytes, ocr: Ocr) -> tuple[str, list[PdfPage], Scans]:
    """Return the title, the pages and the scans. The caller holds the lock; nothing of PDFium outlives the call."""
    with closing(_opened(data)) as document:
        if len(document) > MAX_PAGES:
            raise SourceError(
                "too_large", f"has {len(document):,} pages, more than {MAX_PAGES:,}; split it"
            )
        title = document.get_metadata_value("Title").strip()
        document.init_forms()  # does nothing where there is no form
        outline = find_bookmarks(document)
        scans = Scans(ocr, len(document))
        pages: list[PdfPage] = []
        n_chars = 0
        for number in range(len(document)):
            page = _page(document, number, outline, scans)
            pages.append(page)
            n_chars += sum(len(line.text) for line in page.lines)
            if n_chars > MAX_CHARS:
                raise too_long()
    return "" if _NO_TITLE.search(title) else title, pages, scans


def draw(data: bytes, number: int, *, widest: int, highest: int) -> Image:
    """Return the picture of a page.

    Args:
        data: bytes of the file.
        number: of the page, from 0.
        widest: pixels, at most.
        highest: pixels, at most.

    Raises:
        SourceError: `encrypted` or `unreadable`.
    """
    check_pdf(data)
    with _PDFIUM, closing(_opened(data)) as document:
        document.init_forms()
        with closing(document[number]) as page:
            width, height = page.get_size()
            bitmap = page.render(scale=min(widest / width, highest / height))
            with closing(bitmap):
                shown: Image = bitmap.to_pil().convert("RGB")
                shown.thumbnail((widest, highest))  # PDFium rounds up
                return shown


def _opened(data: bytes) -> Any:  # noqa: ANN401  (pypdfium2 has no types)
    """Open a file.

    Raises:
        SourceError: `encrypted` or `unreadable`.
    """
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        raise _refused(exc) from exc


def _refused(exc: Exception) -> SourceError:
    text = str(exc)
    if "password" in text.lower() or "security" in text.lower():
        return SourceError("encrypted", "needs a password; save a copy without one and add that")
    return SourceError("unreadable", "is damaged; open it in a PDF reader and save it anew")


def _page(document: Any, number: int, outline: Bookmarks, scans: Scans) -> PdfPage:  # noqa: ANN401  (pypdfium2 has no types)
    """Return what one page shows; nothing where it cannot be opened."""
    import pypdfium2

    names = frozenset(
        {document.get_page_label(number), str(number + 1), f"{number + 1}/{len(document)}"}
    )
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return PdfPage(names, ())  # a broken page does not take the others with it
    with closing(page), closing(page.get_textpage()) as textpage:
        lines = list(_Text(textpage).lines())
        drawing = find_drawing(page)
        if drawing.bullets:
            lines = with_bullets(lines, drawing.bullets)
        if document.formenv is not None:
            lines = with_values(lines, find_widgets(page, document.formenv))
        if number in outline:
            lines = with_outline(lines, outline[number])
        shown = PdfPage(names, tuple(lines), tuple(drawing.rules), tuple(drawing.shades))
        return scans.read(page, number, shown)


class _Text:
    """The text of one page, and the memory that PDFium writes places to."""

    def __init__(self, textpage: Any) -> None:  # noqa: ANN401
        from pypdfium2 import raw

        self._raw = raw
        self._page = textpage.raw
        self._text = textpage.get_text_range()
        self._placed = len(self._text) == textpage.count_chars()
        self._boxes = raw.FS_RECTF(), raw.FS_RECTF(), raw.FS_RECTF()
        self._places = [byref(box) for box in self._boxes]
        self._get_box = raw.FPDFText_GetLooseCharBox
        self._matrix, self._flags = raw.FS_MATRIX(), c_int()
        self._sides = [c_double() for _ in range(4)]
        self._name = create_string_buffer(_FONT_NAME)
        self._weights: dict[bytes, tuple[bool, bool]] = {}
        """Whether a font is bold, and whether its characters are all of one width."""

    def lines(self) -> Iterator[Line]:
        """Yield the lines in the order of the page's content."""
        start = 0
        for piece in self._text.split("\r\n"):
            body = piece.strip(_BLANKS)
            if body:
                yield self._line(body, start + piece.index(body[0]))
            start += len(piece) + 2

    def _line(self, body: str, first: int) -> Line:
        text = body.translate(_LIGATURES)
        if not self._placed:
            return Line(text, *_NOWHERE)
        last = first + len(body) - 1
        middle = (first + last) // 2
        while self._text[middle] in _BLANKS or self._text[middle] == HYPHEN:
            middle += 1
        begin, between, end = self._boxes
        for index, place in zip((first, middle, last), self._places, strict=True):
            self._get_box(self._page, index, place)
        left, right, top, bottom = begin.left, end.right, begin.bottom, end.bottom
        size = max(box.top - box.bottom for box in self._boxes)
        if HYPHEN not in body:  # a mark that is set higher neither begins nor ends a line
            top, bottom = (_lower(at, between.bottom, size) for at in (top, bottom))
        em = self._em(middle) or size
        bold, mono = self._weights[self._font(middle)]
        if bold or mono:
            ends = [self._weights[self._font(index)] for index in (first, last)]
            bold, mono = bold and ends[0][0] and ends[1][0], mono and ends[0][1] and ends[1][1]
        pieces = tuple(self._pieces(body, first, right - left, em))
        return Line(text, left, right, top, bottom, size, em, bold, mono, pieces=pieces)

    def _em(self, index: int) -> float:
        """Return the size of the font of a character, in points of the page."""
        size = float(self._raw.FPDFText_GetFontSize(self._page, index))
        self._raw.FPDFText_GetMatrix(self._page, index, byref(self._matrix))
        return size * scale_of(self._matrix)

    def _font(self, index: int) -> bytes:
        """Return the name of a character's font, behind a mark where it is bold without saying so."""
        self._raw.FPDFText_GetFontInfo(
            self._page, index, self._name, _FONT_NAME, byref(self._flags)
        )
        forced = self._flags.value & _FORCED_BOLD
        name: bytes = (b"bold " if forced else b"") + self._name.value
        if name not in self._weights:
            self._weights[name] = bool(_BOLD.search(name)), bool(_MONO.search(name))
        return name

    def _pieces(self, body: str, first: int, width: float, em: float) -> Iterator[Fragment]:
        """Yield the pieces of a line that gaps part; none where nothing does."""
        least = em * (_NARROW if body.count(" ") <= _MANY_WORDS else _CLEAR)
        if width <= _LOOSE * em * len(body) and not self._is_parted(first, len(body), least):
            return
        gaps = [*self._gaps(body, first, em)]
        narrow = [width for _, _, _, width in gaps if width < _WIDE * em]
        if len(narrow) > _MOST_NARROW and len(gaps) == len(_GAP.findall(body)):
            gaps = [gap for gap in gaps if gap[3] >= _WIDE * em]  # each blank is a gap
        begin, left, top = 0, self._box(first).left, self._box(first).bottom
        for match, right, following, _ in gaps:
            yield Fragment(body[begin : match.start()].translate(_LIGATURES), left, right, top)
            begin, (left, top) = match.end(), following
        if begin:
            right = self._box(first + len(body) - 1).right
            yield Fragment(body[begin:].translate(_LIGATURES), left, right, top)

    def _gaps(
        self, body: str, first: int, em: float
    ) -> Iterator[tuple[re.Match[str], float, tuple[float, float], float]]:
        """Yield the gaps that may part a line: its blanks, where it begins, what is behind it, and how wide it is."""
        page, get, (before, following, _), places = (
            self._page,
            self._get_box,
            self._boxes,
            self._places,
        )
        for match in _GAP.finditer(body):
            get(page, first + match.start() - 1, places[0])
            get(page, first + match.end(), places[1])
            width = following.left - before.right
            if width >= _NARROW * em and self._parts(match, first, width, em):
                yield match, before.right, (following.left, following.bottom), width

    def _parts(self, gap: re.Match[str], first: int, width: float, em: float) -> bool:
        """Tell whether a gap parts a line: it is wide, or no blank was written there."""
        if width >= _WIDE * em:
            return True
        generated = self._raw.FPDFText_IsGenerated(self._page, first + gap.start()) == 1
        return generated or gap.end() - gap.start() > 1

    def _is_parted(self, first: int, length: int, least: float) -> bool:
        """Tell whether a line is set in several goes with a gap between two of them."""
        count = self._raw.FPDFText_CountRects(self._page, first, length)
        if not 1 < count <= _MOST_RECTANGLES:
            return bool(count > 1)
        before = None
        for number in range(count):
            self._raw.FPDFText_GetRect(self._page, number, *map(byref, self._sides))
            left, _, right, _ = (side.value for side in self._sides)
            if before is not None and left - before >= least:
                return True
            before = right
        return False

    def _box(self, index: int) -> Any:  # noqa: ANN401
        """Return the place of a character; valid until the next call."""
        self._get_box(self._page, index, self._places[2])
        return self._boxes[2]


def _lower(height: float, other: float, size: float) -> float:
    """Return the lower of two heights of one line."""
    return min(height, other) if abs(height - other) < 0.6 * size else height
