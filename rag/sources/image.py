"""Images of pages (.png, .jpg, .tiff, .webp): what Tesseract reads on them, as a page each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rag.errors import SourceError
from rag.sources.document import Document
from rag.sources.ocr import Ocr
from rag.sources.page_image import Frames
from rag.sources.pdf_page import PdfPage
from rag.sources.pdf_structure import to_document
from rag.sources.recognised import Recognised, find_places, poor_pages, recognise


def read(data: bytes, ocr: Ocr) -> Document:
    """Read an image file.

    Raises:
        SourceError: `no_text_layer` where nothing reads it, `empty`, `too_large` or `unreadable`.
    """
    frames = Frames(data)
    ocr.check(frames.count)
    found: list[Recognised | None] = [
        recognise(partial(frames.draw, number), ocr, number=number, n_pages=frames.count)
        for number in range(frames.count)
    ]
    if not any(found):
        raise SourceError("empty", "is an image, and no words were found on it; remove it")
    pages = [PdfPage(frozenset(), ()) if one is None else one.page for one in found]
    document = to_document("", pages)
    return replace(
        document,
        paged=frames.count > 1,
        places=find_places(document, found),
        remark=poor_pages(found),
    )
