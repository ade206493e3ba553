"""The picture of one page of a scan or an image, as a person sees it: small, and in its own colours."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from rag.errors import SourceError
from rag.sources.files import FoundFile, read_bytes
from rag.sources.page_image import HIGHEST, WIDEST, Frames

MEDIA_TYPE = "image/jpeg"
_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a JPEG file, and of which bytes."""

    data: bytes
    """At most `WIDEST` by `HIGHEST` pixels."""
    sha256: str
    """Hex digest of the file that it was drawn from."""


def draw_page(file: FoundFile, number: int, *, max_bytes: int) -> Picture:
    """Draw a page of a PDF file or an image. Its bytes are read once, so hash and picture belong together.

    Args:
        file: what is drawn.
        number: of the page, from 0.
        max_bytes: a longer file is refused.

    Raises:
        SourceError: `too_large`, `encrypted` or `unreadable`; nothing else escapes.
    """
    data = read_bytes(file.path, max_bytes)
    try:
        if file.path.suffix.lower() == ".pdf":
            from rag.sources import pdf

            shown = pdf.draw(data, number, widest=WIDEST, highest=HIGHEST)
        else:
            shown = Frames(data).show(number)
        written = io.BytesIO()
        shown.save(written, "JPEG", quality=_QUALITY)
    except SourceError:
        raise
    except Exception as exc:  # a parser throws whatever it likes at hostile input
        raise SourceError("unreadable", f"cannot be drawn ({type(exc).__name__})") from exc
    return Picture(written.getvalue(), hashlib.sha256(data).hexdigest())
