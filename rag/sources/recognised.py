"""Words that were read from the image of a page, to lines of a page as `pdf_structure` takes them, and their places."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from rag.schema import HARD_TO_READ, Place
from rag.sources.document import Document
from rag.sources.ocr import Ocr, ScannedWord, chosen_languages, find_turn, find_words
from rag.sources.page_image import LEAST_SIDE, PageGeometry, make_ready
from rag.sources.pdf_page import Fragment, Line, PdfPage, Stroke

if TYPE_CHECKING:
    from PIL.Image import Image

_EMS_HIGH = 1.15
_EM = 11.0
"""Points that the usual text of an image is taken to be set in."""
_ASCENDS = frozenset("bdfhklt0123456789£$€%/()[]|!?ß&")
_DESCENDS = frozenset("gjpqy,;()[]|/Q")
_UPPER, _LOWER, _BELOW = 0.70, 0.48, 0.21
"""Heights of letters, and how far some reach below the line, in font sizes."""
_ALIKE = 0.22
"""Sizes of lines that differ by less than this share are one."""
_DPI = 300
"""Of an image that does not say."""
_GAP, _TIMES = (1.0, 1.8), 2.2
"""Of the font's size, and of the usual gap between words: wider ones part the cells of a row."""
_POOR = 70.0
"""A page of which Tesseract is less sure is said to be poor."""
_PALEST = 180
"""Grey of an image that shows nothing, at its darkest."""
_SURE = 60.0
"""Of a word that was passed over at first."""
_MARGIN, _INKED = 0.15, 0.12
"""Of the font's size: what is left white around a word; and of a square of half of it, the ink that may be a figure."""
_SHORTEST_LONG = 3
_NOISE = 45.0
"""Where it is less sure than this there was no text."""
_MOST_SAID = 5
_NO_TEXT = frozenset("|_~'`.,:;“”‘’\"=<>\\/[](){}«»")
_BOLD = 1.24
"""Of the usual thickness of strokes, by the size of the font."""
_SHORT_LINE = 22
"""Characters: columns of shorter lines beside each other are a table's."""
_FEW = 2
_NEAREST_BLOCKS = 4
_ALIGNED = 0.6
_RISE = 0.5
"""Of the font's size, that the words of one box rise or fall on the page as it lies."""
_LEVEL = 0.4
"""Of the font's size: baselines of one row differ by less."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was read from the image of a page."""

    page: PdfPage
    places: tuple[tuple[str, tuple[float, float, float, float]], ...]
    """Words that stand together, in reading order, with their box as `schema.Place` has it."""
    sure: float
    """0..100: how sure Tesseract is of the words, on average by their length; 0 where there are none."""

    @property
    def is_poor(self) -> bool:
        """Whether it should be said that the page is hard to read."""
        return self.sure < _POOR


def recognise(
    draw: Callable[[], Image],
    ocr: Ocr,
    *,
    number: int,
    n_pages: int,
    width: float = 0.0,
) -> Recognised | None:
    """Read the image of a page; None where there are no words.

    Args:
        draw: gives the image, grey, unless the page is known.
        ocr: how this document is read.
        number: of the page, from 0.
        n_pages: of the document.
        width: of the page in points; 0 where its text tells the scale.

    Raises:
        SourceError: `no_text_layer` where nothing reads scans, or `unreadable`.
    """
    known = ocr.known.get(number)
    if known is not None:
        sheet, words = _of_json(known)
    else:
        languages = chosen_languages(ocr.languages)
        image = draw()
        if min(image.size) < LEAST_SIDE:
            return None
        sheet, words = _read(image, languages, width)
    ocr.told(number, n_pages, _as_json(sheet, words))
    return _recognised(sheet, words, number=number, width=width)


def _read(image: Image, languages: str, width: float) -> tuple[PageGeometry, list[ScannedWord]]:
    """Return the words of an image, which is turned where it does not read well as it is."""
    ready, sheet = make_ready(image)
    if float(np.asarray(ready).min()) > _PALEST:
        return sheet, []
    words = _words_of(ready, languages, width)
    sideways = _are_sideways(words)
    if (_sureness(words) >= _POOR and not sideways) or not (turn := find_turn(ready)):
        return sheet, words
    ready, turned = make_ready(image, turn=turn)
    others = _words_of(ready, languages, width)
    better = _sureness(others) > (_POOR if sideways else _sureness(words))
    return (turned, others) if better else (sheet, words)


def _are_sideways(words: Sequence[ScannedWord]) -> bool:
    """Tell whether words run up or down the page."""
    long = [word for word in words if len(word.text) > _SHORTEST_LONG]
    return 2 * sum(word.bottom - word.top > word.right - word.left for word in long) > len(long)


def _words_of(ready: Image, languages: str, width: float) -> list[ScannedWord]:
    """Return the words of an image; figures that were passed over, as in cells of a table, in a second look."""
    dpi = max(70, min(round(ready.size[0] * 72 / width) if width else _DPI, 600))
    words = [*_legible(find_words(ready, languages, dpi=dpi))]
    if not words or _sureness(words) < _POOR:
        return words
    em = median(_em([word]) for word in words)
    rows = [*_rows(words)]
    left = _left_over(ready, rows, em)
    if left is not None:
        for one in _legible(find_words(left, languages, dpi=dpi, sparse=True)):
            row = min(rows, key=lambda row: abs(_height(row) - _height([one])))
            if one.sure >= _SURE and abs(_height(row) - _height([one])) < _LEVEL * em:
                row.append(replace(one, line=row[0].line))
    return [word for row in rows for word in sorted(row, key=lambda word: word.left)]


def _legible(words: Iterable[ScannedWord]) -> Iterator[ScannedWord]:
    """Yield the words that are more than a dot or a bar, as which Tesseract reads dirt."""
    return (word for word in words if not _NO_TEXT.issuperset(word.text))


def _left_over(ready: Image, rows: Sequence[Sequence[ScannedWord]], em: float) -> Image | None:
    """Return what an image shows beside the words of its rows; None where that could be no figure."""
    from PIL import Image as Pillow

    pixels = np.asarray(ready)
    left = np.full_like(pixels, 255)
    for row in rows:
        band = slice(max(0, round(_height(row) - em)), round(_height(row) + _BELOW * em))
        left[band] = pixels[band]
    reach = round(_MARGIN * em)
    for word in (word for row in rows for word in row):
        top, begin = max(0, word.top - reach), max(0, word.left - reach)
        left[top : word.bottom + reach, begin : word.right + reach] = 255
    size = max(1, round(em / 2))
    height, width = (side // size * size for side in left.shape)
    ink = left[:height, :width] < _PALEST
    cells = ink.reshape(height // size, size, width // size, size).mean(axis=(1, 3))
    return Pillow.fromarray(left) if (cells > _INKED).any() else None


def _sureness(words: Sequence[ScannedWord]) -> float:
    """Return how sure Tesseract is of words, 0..100, on average by their length; 0 where there are none."""
    letters = sum(len(word.text) for word in words)
    return sum(word.sure * len(word.text) for word in words) / letters if letters else 0.0


def _as_json(sheet: PageGeometry, words: Sequence[ScannedWord]) -> str:
    return json.dumps([astuple(sheet), [astuple(word) for word in words]], separators=(",", ":"))


def _of_json(text: str) -> tuple[PageGeometry, list[ScannedWord]]:
    (shape, skew, rules, turned), words = json.loads(text)
    sheet = PageGeometry(tuple(shape), skew, tuple(tuple(rule) for rule in rules), turned)
    return sheet, [
        ScannedWord(text, left, top, right, bottom, sure, tuple(line), stroke)
        for text, left, top, right, bottom, sure, line, stroke in words
    ]


def _recognised(
    sheet: PageGeometry, words: Sequence[ScannedWord], *, number: int, width: float
) -> Recognised | None:
    rows = [row for row in _rows(words) if fmean(word.sure for word in row) >= _NOISE]
    weights = [sum(len(word.text) for word in row) for row in rows]
    sure = _sureness([word for row in rows for word in row])
    if sure < _NOISE:
        return None
    usual = median(em for row, n in zip(rows, weights, strict=True) for em in [_em(row)] * n)
    page = _Page(
        height=sheet.shape[1],
        scale=width / sheet.shape[0] if width else _EM / usual,
        em=usual,
        stroke=median(_stroke(row) for row, n in zip(rows, weights, strict=True) for _ in range(n)),
    )
    joined = _joined(rows, usual)
    least = _least_gap(joined, usual)
    pieces = [[*_parted(row, least)] for row in joined]
    places = tuple(
        (" ".join(word.text for word in run), _box(sheet, run))
        for row in pieces
        for piece in row
        for run in _level_runs(piece, sheet.skew, usual)
    )
    lines = tuple(page.line(row) for row in pieces)
    rules = tuple(page.rule(*box) for box in sheet.rules)
    return Recognised(PdfPage(frozenset({str(number + 1)}), lines, rules), places, sure)


def _rows(words: Iterable[ScannedWord]) -> Iterator[list[ScannedWord]]:
    """Yield the words of each line as Tesseract found it."""
    for _, group in groupby(words, lambda word: word.line):
        yield [*group]


def _joined(rows: Sequence[list[ScannedWord]], em: float) -> list[list[ScannedWord]]:
    """Join the rows of columns that stand beside each other as a table's do, and the parts of a line with a hole."""
    blocks = [[*group] for _, group in groupby(rows, lambda row: row[0].line[0])]
    joined: list[list[list[ScannedWord]]] = []
    for block in blocks:
        near = joined[-_NEAREST_BLOCKS:]
        found = [_beside(row, near, em) for row in block]
        beside = [one for one in found if one is not None]
        n_rows = sum(map(len, {id(one): one for _, one in beside}.values()))
        if not _are_rows(block, [row for row, _ in beside], n_rows):
            joined.append(block)
            continue
        home = beside[-1][1]
        for row, other in zip(block, found, strict=True):
            if other is None:
                home.append(row)
            else:
                other[0][:] = sorted(other[0] + row, key=lambda word: word.left)
        home.sort(key=_height)
    return [row for block in joined for row in block]


def _beside(
    row: Sequence[ScannedWord], blocks: Sequence[list[list[ScannedWord]]], em: float
) -> tuple[list[ScannedWord], list[list[ScannedWord]]] | None:
    """Return a row of these blocks that stands beside another, and its block; None where none does."""
    for block in reversed(blocks):
        for one in block:
            apart = one[0].left > row[-1].right or one[-1].right < row[0].left
            if apart and abs(_height(one) - _height(row)) < _LEVEL * em:
                return one, block
    return None


def _are_rows(
    block: Sequence[list[ScannedWord]], beside: Sequence[list[ScannedWord]], n_rows: int
) -> bool:
    """Tell whether the lines of a block are parts of the rows that stand beside it, of blocks with so many rows."""
    if not beside or len(beside) < _ALIGNED * min(len(block), n_rows):
        return False
    lengths = [
        median(len(" ".join(w.text for w in row)) for row in rows) for rows in (block, beside)
    ]
    return min(lengths) <= _SHORT_LINE or max(len(block), n_rows) <= _FEW


def _height(row: Sequence[ScannedWord]) -> float:
    """Return how far down the image a line stands, in pixels."""
    return median(
        word.bottom - (_BELOW * _em([word]) if _DESCENDS.intersection(word.text) else 0)
        for word in row
    )


def _stroke(row: Sequence[ScannedWord]) -> float:
    """Return how thick the strokes of a line are, by the size of its font."""
    return median(word.stroke for word in row) / _em(row)


def _em(row: Sequence[ScannedWord]) -> float:
    """Return the size of the font of a line, in pixels, by the letters of its words."""
    sizes = []
    for word in row:
        up = any(char in _ASCENDS or char.isupper() for char in word.text)
        low = any(char in _DESCENDS for char in word.text)
        share = (_UPPER if up else _LOWER) + (_BELOW if low else 0)
        sizes += [(word.bottom - word.top) / share] * len(word.text)
    return max(1.0, median(sizes))


def _least_gap(rows: Sequence[Sequence[ScannedWord]], em: float) -> float:
    """Return how wide a gap is, in pixels, that parts cells: wider than those between words, as of a typewriter."""
    gaps = sorted(after.left - word.right for row in rows for word, after in pairwise(row))
    usual = gaps[len(gaps) // 4] if gaps else 0.0
    return max(_GAP[0] * em, min(_TIMES * usual, _GAP[1] * em))


def _parted(row: Sequence[ScannedWord], least: float) -> Iterator[list[ScannedWord]]:
    """Yield the words of a row between wide gaps."""
    piece = [row[0]]
    for before, word in pairwise(row):
        if word.left - before.right > least:
            yield piece
            piece = []
        piece.append(word)
    yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Makes lines of rows, in points from the lower left corner."""

    height: int
    scale: float
    """Points of a pixel."""
    em: float
    """Of most of its text, in pixels."""
    stroke: float
    """Of most of its text, by the size of the font."""

    def line(self, pieces: Sequence[Sequence[ScannedWord]]) -> Line:
        """Return the line of the pieces of a row."""
        row = [word for piece in pieces for word in piece]
        em = _em(row)
        em = (self.em if abs(em - self.em) < _ALIKE * self.em else em) * self.scale
        fragments = [
            Fragment(
                " ".join(word.text for word in piece),
                piece[0].left * self.scale,
                piece[-1].right * self.scale,
                (self.height - _height(piece)) * self.scale,
            )
            for piece in pieces
        ]
        base = (self.height - _height(row)) * self.scale
        return Line(
            " ".join(fragment.text for fragment in fragments),
            fragments[0].left,
            fragments[-1].right,
            base,
            base,
            size=_EMS_HIGH * em,
            em=em,
            bold=_stroke(row) > _BOLD * self.stroke > 0,
            pieces=tuple(fragments) if len(fragments) > 1 else (),
        )

    def rule(self, left: int, top: int, right: int, bottom: int) -> Stroke:
        """Return a rule."""
        return Stroke(
            left * self.scale,
            (self.height - bottom) * self.scale,
            right * self.scale,
            (self.height - top) * self.scale,
        )


def _level_runs(
    piece: Sequence[ScannedWord], skew: float, em: float
) -> Iterator[list[ScannedWord]]:
    """Yield the words of a piece as so many runs that the box of none holds another line, on a page that is tilted."""
    longest = _RISE * em / math.tan(math.radians(abs(skew))) if skew else math.inf
    run = [piece[0]]
    for word in piece[1:]:
        if word.right - run[0].left > longest:
            yield run
            run = []
        run.append(word)
    yield run


def _box(sheet: PageGeometry, piece: Sequence[ScannedWord]) -> tuple[float, float, float, float]:
    """Return the box of a piece on the original image."""
    left, right = piece[0].left, piece[-1].right
    top, bottom = min(word.top for word in piece), max(word.bottom for word in piece)
    corners = [sheet.original(x, y) for x in (left, right) for y in (top, bottom)]
    xs, ys = zip(*corners, strict=True)
    return (round(min(xs), 4), round(min(ys), 4), round(max(xs), 4), round(max(ys), 4))


def find_places(document: Document, pages: Sequence[Recognised | None]) -> tuple[Place, ...]:
    """Return where the words of recognised pages stand in a document's text, by their boxes.

    Args:
        document: one part a page.
        pages: of each what was read from its image; None where it was not.
    """
    found: list[Place] = []
    start = 0
    for number, (part, page) in enumerate(zip(document.parts, pages, strict=True), start=1):
        poor = HARD_TO_READ if page is not None and page.is_poor else ""
        name = ", ".join(filter(None, (f"page {number}" if len(pages) > 1 else "", poor)))
        taken: list[tuple[int, int]] = []
        for words, box in page.places if page is not None else ():
            at = _find(part, words, taken)
            if at >= 0:
                taken.append((at, at + len(words)))
                found.append(
                    Place(start=start + at, end=start + at + len(words), name=name, box=box)
                )
        start += len(part)
    return tuple(sorted(found, key=lambda place: place.start))


def _find(part: str, words: str, taken: Sequence[tuple[int, int]]) -> int:
    """Return where words stand that nothing else has taken, first behind what was found last; -1 where nowhere."""
    after = taken[-1][1] if taken else 0
    for begin in (after, 0):
        at = part.find(words, begin)
        while at >= 0:
            if all(end <= at or at + len(words) <= start for start, end in taken):
                return at
            at = part.find(words, at + 1)
    return -1


def poor_pages(pages: Sequence[Recognised | None]) -> str:
    """Return what to say of pages that are hard to read; empty where there are none."""
    poor = [(number, one.sure) for number, one in enumerate(pages, start=1) if one and one.is_poor]
    if not poor:
        return ""
    said = ", ".join(f"{number} ({sure:.0f} %)" for number, sure in poor[:_MOST_SAID])
    more = f" and {len(poor) - _MOST_SAID} others" if len(poor) > _MOST_SAID else ""
    return f"was read from an image, and is not quite sure on page {said}{more}; compare what is quoted with it"
