"""Pages of a PDF file that are images: told from others, and read by text recognition.

The caller holds PDFium's lock. Nothing of PDFium outlives a call.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rag.errors import SourceError
from rag.sources.ocr import Ocr
from rag.sources.page_image import WORKED_ON
from rag.sources.pdf_page import PdfPage
from rag.sources.recognised import Recognised, poor_pages, recognise

if TYPE_CHECKING:
    from PIL.Image import Image

FEWEST_CHARS = 20
"""Of a page that is text: what stands on a scan is a stamp or a page's number."""
_LEAST_SHARE = 0.15
"""Of a page that images cover where it is one."""
_MOST_PATHS = 400
"""Paths of a page without text from which on its letters may be drawn."""
_DPI = (200, 300)
"""Least and greatest that a page is drawn at; that of its own image between them."""
_MOST_SAID = 8


class Scans:
    """What was read of the pages of one file that are images.

    Args:
        ocr: how they are read.
        n_pages: of the file.
    """

    def __init__(self, ocr: Ocr, n_pages: int) -> None:
        self._ocr = ocr
        self._n_pages = n_pages
        self.pages: list[Recognised | None] = [None] * n_pages
        self.unread: list[int] = []
        """Pages, from 1, that are images and could not be read."""
        self.why: SourceError | None = None
        """Why not."""
        self._n_read = 0

    def read(self, page: Any, number: int, shown: PdfPage) -> PdfPage:  # noqa: ANN401  (pypdfium2 has no types)
        """Return what a page shows, from its image where it has hardly any text.

        Raises:
            SourceError: `too_large` or `unreadable`.
        """
        n_chars = sum(len(line.text) for line in shown.lines)
        if n_chars >= FEWEST_CHARS or not _is_image(page):
            return shown
        self._n_read += 1
        self._ocr.check(self._n_read)
        try:
            found = recognise(
                partial(_drawn, page),
                self._ocr,
                number=number,
                n_pages=self._n_pages,
                width=page.get_size()[0],
            )
        except SourceError as exc:
            if exc.reason != "no_text_layer":
                raise
            self.unread.append(number + 1)
            self.why = exc
            return shown
        if found is None or sum(len(line.text) for line in found.page.lines) <= n_chars:
            return shown
        self.pages[number] = found
        return replace(found.page, names=shown.names)

    def remark(self) -> str:
        """Return what to say of pages that could not be read, or only poorly; empty where there are none."""
        if not self.unread:
            return poor_pages(self.pages)
        said = ", ".join(map(str, self.unread[:_MOST_SAID]))
        more = (
            "" if len(self.unread) <= _MOST_SAID else f" and {len(self.unread) - _MOST_SAID} others"
        )
        return f"is indexed without page {said}{more}: each {self.why}"


def _drawn(page: Any) -> Image:  # noqa: ANN401
    """Return the image of a page, grey."""
    width, height = page.get_size()
    dpi = min(max(_DPI[0], _own_dpi(page)), _DPI[1])
    scale = min(dpi / 72, math.sqrt(WORKED_ON / (width * height)))
    bitmap = page.render(scale=scale, grayscale=True)
    with closing(bitmap):
        return cast("Image", bitmap.to_pil().convert("L"))


def _own_dpi(page: Any) -> float:  # noqa: ANN401
    """Return the resolution of the finest image of a page that is not small; 0 where there is none."""
    from pypdfium2 import raw

    finest = 0.0
    for item in page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=3):
        left, _, right, _ = item.get_bounds()
        if right - left > page.get_width() / 3:
            finest = max(finest, 72 * item.get_px_size()[0] / (right - left))
    return finest


def _is_image(page: Any) -> bool:  # noqa: ANN401
    """Tell whether a page is an image, or drawn."""
    from pypdfium2 import raw

    width, height = page.get_size()
    covered = 0.0
    n_paths = 0
    if not width * height:
        return False
    for item in page.get_objects(
        filter=(raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH), max_depth=3
    ):
        if item.type == raw.FPDF_PAGEOBJ_PATH:
            n_paths += 1
            if n_paths > _MOST_PATHS:
                return True
            continue
        left, bottom, right, top = item.get_bounds()
        covered += max(0.0, right - left) * max(0.0, top - bottom)
    return bool(covered >= _LEAST_SHARE * width * height)
