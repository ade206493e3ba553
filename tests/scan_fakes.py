"""A scan of two pages, with the rectangles of its words: as Tesseract would have read it, without it."""

from __future__ import annotations

import hashlib
import io

from PIL import Image, ImageDraw, ImageFont

from rag.schema import HARD_TO_READ, Place, Source

SIZE = (800, 1100)
LINES = (
    ("The ferry to Vardal leaves at noon.", 0),
    ("It takes forty minutes, and longer in wind.", 0),
    ("The boat house is closed in March.", 1),
)


def picture(number: int) -> Image.Image:
    """A page as it was scanned, with a red stamp."""
    page = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(page)
    for at, (text, on) in enumerate(LINES):
        if on == number:
            draw.text((80, 200 + 60 * at), text, "black", ImageFont.load_default(30))
    draw.ellipse((560, 900, 700, 1040), "red")
    return page


def written(kind: str = "PDF", *, first: int = 0) -> bytes:
    """The scan as a file of two pages, or an image of one."""
    data = io.BytesIO()
    rest = {"save_all": True, "append_images": [picture(1)]} if kind in {"PDF", "TIFF"} else {}
    picture(first).save(data, kind, **rest)
    return data.getvalue()


def scan(source_id: str = "scan.pdf", data: bytes = b"") -> Source:
    """What was read of it; its second page is hard to read."""
    text, places = "", []
    for at, (line, on) in enumerate(LINES):
        top = (200 + 60 * at) / SIZE[1]
        name = f"page {on + 1}" + f", {HARD_TO_READ}" * on
        box = (0.1, round(top, 3), 0.7, round(top + 0.03, 3))
        places.append(Place(start=len(text), end=len(text) + len(line), name=name, box=box))
        text += line + "\n"
    return Source(
        source_id=source_id,
        title="Boats & <b>ferries</b>",
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="application/pdf",
        pages=(0, text.index("The boat house")),
        places=tuple(places),
    )
