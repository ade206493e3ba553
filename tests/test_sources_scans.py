"""Scans and images: what Tesseract reads becomes pages with structure and places, and nothing else breaks."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A5
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from rag.errors import SourceError
from rag.schema import Source
from rag.sources import FoundFile, KeptPages, Worker, image, load, ocr, page_image, pdf
from rag.sources.ocr import Ocr
from rag.sources.page_image import Frames, PageGeometry, make_ready

NEEDED = pytest.mark.skipif(not ocr.installed_languages(), reason="Tesseract is not installed")
PROSE = "The ferry to Vardal leaves at noon and takes forty minutes."
TABLE = [
    ("Boat", "Seats", "Price"),
    ("Rowing boat", "4", "18.50"),
    ("Sailing boat", "6", "42.00"),
    ("Pedal boat", "2", "15.00"),
]


def drawn(draw: Callable[[Canvas], None]) -> bytes:
    """A PDF of one page."""
    data = io.BytesIO()
    canvas = Canvas(data, pagesize=A5, invariant=1)
    canvas.setFont("Helvetica", 13)
    draw(canvas)
    canvas.save()
    return data.getvalue()


def page(canvas: Canvas) -> None:
    """A heading, a sentence and a table without rules."""
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(40, 540, "Boats for hire")
    canvas.setFont("Helvetica", 13)
    canvas.drawString(40, 505, PROSE)
    for at, row in enumerate(TABLE):
        for x, cell in zip((40, 190, 300), row, strict=True):
            canvas.drawString(x, 460 - 24 * at, cell)


def scan(angle: float = 0.0, draw: Callable[[Canvas], None] = page) -> Image.Image:
    """A page as a scanner sees it, at 150 dpi."""
    import pypdfium2

    shown = pypdfium2.PdfDocument(drawn(draw))[0].render(scale=150 / 72).to_pil().convert("L")
    return shown.rotate(angle, Image.Resampling.BICUBIC, expand=angle % 90 == 0, fillcolor=255)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image as the bytes of a file."""
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def put(folder: Path, name: str, data: bytes) -> FoundFile:
    """A file of a folder."""
    (folder / name).write_bytes(data)
    return FoundFile(name, folder / name)


def rows(source: Source) -> list[list[str]]:
    """The cells of each row of a source."""
    found: dict[int | None, list[str]] = {}
    for block in source.blocks:
        if block.kind == "cell":
            found.setdefault(block.parent, []).append(source.text[block.start : block.end])
    return [*found.values()]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_each_kind_of_image_is_decoded(kind):
    """What is drawn of a file is the picture that it was made of, whatever it says of itself."""
    picture = Image.new("L", (60, 40), 200)

    frames = Frames(saved(picture.convert("RGB"), kind))

    assert (60, 40) == page_image._webp_size(saved(picture, "WEBP", lossless=kind == "PNG"))
    assert 1 == frames.count
    assert (picture.size, 200) == ((drawn := frames.draw(0)).size, drawn.getpixel((30, 20)))


@NEEDED
def test_an_image_reads_as_the_page_it_shows(tmp_path):
    """Title, sentence and table come out of an image, with the columns' names at each cell."""
    source = load(put(tmp_path, "boats.png", saved(scan())), max_bytes=10**7).source

    assert PROSE in source.text
    assert [list(row) for row in TABLE] == rows(source)
    kinds = [block.kind for block in source.blocks]
    assert kinds[0] == "title"
    price = next(
        block for block in source.blocks if source.text[block.start : block.end] == "42.00"
    )
    assert ["Price"] == [
        source.text[source.blocks[at].start : source.blocks[at].end] for at in price.header
    ]


@NEEDED
@pytest.mark.parametrize("angle", [2, 90])
def test_words_have_their_place_on_the_image_as_it_lies(angle):
    """A scan that is turned a little or a lot reads the same, and boxes are those of the image that was given."""
    document = image.read(saved(scan(angle)), Ocr())

    text = "".join(document.parts)
    assert PROSE in text
    place = next(one for one in document.places if text[one.start : one.end] == "42.00")
    at_x, at_y = (300 + 16) / A5[0], 1 - (460 - 2 * 24 + 4) / A5[1]
    x, y = (at_y, 1 - at_x) if angle == 90 else (at_x, at_y)
    left, top, right, bottom = place.box
    reach = 0.02 if angle == 2 else 0
    assert left - reach <= x <= right + reach
    assert top - reach <= y <= bottom + reach


@NEEDED
def test_light_words_on_a_dark_band_name_the_columns(tmp_path):
    """A row of heads in white on blue is read, and heads the table below it."""

    def banded(canvas: Canvas) -> None:
        page(canvas)
        canvas.setFillColorRGB(0.1, 0.2, 0.4)
        canvas.rect(34, 453, 330, 20, fill=1, stroke=0)
        canvas.setFillColorRGB(1, 1, 1)
        for x, cell in zip((40, 190, 300), TABLE[0], strict=True):
            canvas.drawString(x, 460, cell)

    source = load(put(tmp_path, "boats.png", saved(scan(draw=banded))), max_bytes=10**7).source

    assert [list(row) for row in TABLE] == rows(source)


@NEEDED
def test_a_page_of_a_pdf_that_is_an_image_is_read_among_the_others(tmp_path):
    """A scanned page keeps its number, and only its words have boxes."""

    def two_pages(canvas: Canvas) -> None:
        canvas.drawString(40, 500, "The annex is a scan; this page is not one at all.")
        canvas.showPage()
        canvas.drawImage(ImageReader(scan()), 0, 0, *A5)

    source = load(put(tmp_path, "report.pdf", drawn(two_pages)), max_bytes=10**7).source

    assert len(source.pages) == 2
    assert source.text.index(PROSE) >= source.pages[1]
    assert [list(row) for row in TABLE] == rows(source)
    assert {"page 2"} == {place.name for place in source.places}
    assert all(place.start >= source.pages[1] for place in source.places)


@pytest.fixture(name="_bare")
def without_tesseract(monkeypatch):
    """A machine without Tesseract."""
    monkeypatch.setattr(ocr, "_program", lambda: None)
    ocr.installed_languages.cache_clear()
    yield
    ocr.installed_languages.cache_clear()


@pytest.mark.usefixtures("_bare")
def test_without_tesseract_a_scan_names_the_command(tmp_path):
    """The reason is `no_text_layer`, and the message says what installs it."""
    with pytest.raises(SourceError) as caught:
        load(put(tmp_path, "boats.png", saved(scan())), max_bytes=10**7)

    assert caught.value.reason == "no_text_layer"
    assert ocr.install_command() in str(caught.value)


@pytest.mark.usefixtures("_bare")
def test_without_tesseract_the_other_pages_are_read(tmp_path):
    """A PDF file with one scanned page is indexed without it, and its fate says so."""

    def two_pages(canvas: Canvas) -> None:
        for at in range(4):
            canvas.drawString(40, 500 - 20 * at, f"Sentence {at} of the first page is text.")
        canvas.showPage()
        canvas.drawImage(ImageReader(scan()), 0, 0, *A5)

    loaded = load(put(tmp_path, "report.pdf", drawn(two_pages)), max_bytes=10**7)

    assert "Sentence 3" in loaded.source.text
    assert loaded.reason == "poorly_read"
    assert "without page 2" in loaded.message
    assert ocr.install_command() in loaded.message


@pytest.mark.parametrize(("setting", "said"), [("off", "turned off"), ("xyz", "xyz")])
def test_a_setting_says_how_scans_are_read(monkeypatch, setting, said):
    """Turned off, or in a language that is not there: the message says so."""
    monkeypatch.setattr(ocr, "installed_languages", lambda: ("deu", "eng"))

    with pytest.raises(SourceError, match=said):
        image.read(saved(scan()), Ocr(languages=setting))
    assert ocr.chosen_languages("auto") == "deu+eng"
    assert ocr.chosen_languages("eng") == "eng"


def words(*lines: str, sure: float = 90.0) -> str:
    """What is kept of a page with these words, 20 pixels high, a line below the other."""
    found = [
        [word, 10 + 100 * at, 40 * line, 100 + 100 * at, 40 * line + 20, sure, [1, 1, line], 3.0]
        for line, text in enumerate(lines)
        for at, word in enumerate(text.split())
    ]
    return json.dumps([[[1000, 1400], 0.0, [], 0], found])


def test_columns_that_tesseract_reads_one_by_one_are_rows():
    """Blocks of short lines beside others are their cells, also where one stands beside two."""
    cells = {
        (1, 0): "Meter", (1, 1): "Water", (1, 2): "Gas", (2, 3): "Power",
        (3, 0): "January", (3, 1): "1,204", (3, 2): "48,310", (3, 3): "9,452",
    }  # fmt: skip
    found = [
        [
            text,
            400 * (block == 3),
            40 * row,
            400 * (block == 3) + 90,
            40 * row + 20,
            90.0,
            [block, 1, row],
            3.0,
        ]
        for (block, row), text in cells.items()
    ]
    known = {0: json.dumps([[[1000, 1400], 0.0, [], 0], found])}

    document = image.read(saved(Image.new("L", (60, 60), 255)), Ocr(known=known))

    assert "".join(document.parts).split("\n") == [
        "Meter | January", "Water | 1,204", "Gas | 48,310", "Power | 9,452",
    ]  # fmt: skip


def test_a_poor_page_is_said_to_be_poor():
    """The fate of a document names pages of which Tesseract is not sure."""
    known = {0: words("The water is off.", sure=55.0)}

    document = image.read(saved(Image.new("L", (60, 60), 255)), Ocr(known=known))

    assert "".join(document.parts) == "The water is off."
    assert "page 1 (55 %)" in document.remark
    assert ["hard to read"] == [place.name for place in document.places]


@pytest.mark.parametrize(("skew", "runs"), [(0.0, 1), (0.1, 1), (-4.0, 2), (4.0, 2), (6.0, 3)])
def test_words_of_a_tilted_line_have_boxes_of_their_own(skew, runs):
    """One box would hold the lines above and below it too."""
    sheet, found = json.loads(words("Boats leave today"))
    sheet[1] = skew

    document = image.read(
        saved(Image.new("L", (60, 60), 255)), Ocr(known={0: json.dumps([sheet, found])})
    )

    assert runs == len(document.places)
    text = "".join(document.parts)
    assert "Boats leave today" == " ".join(text[one.start : one.end] for one in document.places)


def test_words_that_nobody_is_sure_of_are_none():
    """What Tesseract sees in a picture without text is no document."""
    known = {0: words("lh ;k rrr", sure=30.0)}

    with pytest.raises(SourceError) as caught:
        image.read(saved(Image.new("L", (60, 60), 255)), Ocr(known=known))
    assert caught.value.reason == "empty"


def png(width: int, height: int, *, n_lines: int = 1) -> bytes:
    """A white image of one bit a pixel, as small as it can be, with no more lines than are named."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    line = b"\0" + b"\xff" * ((width + 7) // 8)
    body = b"".join(packer.compress(line) for _ in range(n_lines)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """An image whose head promises more than it holds."""
    data = saved(Image.new("L", (16, 16), 255), "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp(width: int, height: int) -> bytes:
    """An image that is no more than its head."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


HOSTILE_IMAGES = {
    "huge.png": (png(60_000, 60_000), "too_large"),
    "wide.jpg": (jpeg(60_000, 60_000), "too_large"),
    "long.webp": (webp(60_000, 60_000), "too_large"),
    "many.tiff": (
        saved(
            Image.new("1", (64, 64), 1),
            "TIFF",
            save_all=True,
            append_images=[Image.new("1", (64, 64), 1)] * 60,
            compression="group4",
        ),
        "too_large",
    ),
    "cut.png": (saved(Image.effect_noise((400, 400), 90))[:2_000], "unreadable"),
    "none.jpg": (b"no image at all", "unreadable"),
    "blank.png": (saved(Image.new("L", (800, 800), 255)), "empty"),
    "dot.png": (saved(Image.new("L", (1, 1), 0)), "empty"),
}  # fmt: skip
"""Name to bytes and reason; that of images with nothing on them where Tesseract is installed."""


@pytest.mark.parametrize("name", HOSTILE_IMAGES)
def test_a_hostile_image_costs_itself_alone(tmp_path, name):
    """It is refused with its reason, before it takes memory or time."""
    data, reason = HOSTILE_IMAGES[name]
    if name == "blank.png" and not ocr.installed_languages():
        reason = "no_text_layer"

    with pytest.raises(SourceError) as caught:
        load(put(tmp_path, name, data), max_bytes=10**7)
    assert caught.value.reason == reason


@NEEDED
def test_a_pdf_with_more_images_than_its_size_explains_is_refused():
    """A file of a few KB cannot ask for hours by showing one image on every page."""

    def three_pages(canvas: Canvas) -> None:
        for _ in range(3):
            canvas.drawImage(ImageReader(Image.new("1", (8, 8), 1)), 0, 0, *A5)
            canvas.showPage()

    data = drawn(three_pages)

    with pytest.raises(SourceError) as caught:
        pdf.read(data, Ocr(most=2))
    assert 3 <= Ocr().of(data).most < 30
    assert caught.value.reason == "too_large"


class CountedPages(KeptPages):
    """Counts the pages that are kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.n_added = 0

    def add(self, key: str, number: int, read: str) -> None:
        """Count it."""
        self.n_added += 1
        super().add(key, number, read)


@NEEDED
def test_a_sync_that_is_stopped_reads_no_page_again(tmp_path):
    """Each page is kept as soon as it is read, and told; the next time the others are read, and the text is whole."""
    pages = [
        scan(draw=lambda canvas, n=n: canvas.drawString(40, 500, f"Page {n} tells of goats."))
        for n in range(3)
    ]
    file = put(
        tmp_path, "goats.tiff", saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    )
    kept = CountedPages(tmp_path / "pages")
    seen: list[tuple[int, int]] = []

    def stop_at_one(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            raise KeyboardInterrupt

    with Worker(pages=kept, on_page=stop_at_one) as worker, pytest.raises(KeyboardInterrupt):
        worker.load(file, max_bytes=10**8)
    with Worker(pages=kept) as worker:
        source = worker.load(file, max_bytes=10**8).source
    left = sorted(path.stat().st_mode & 0o777 for path in kept.folder.iterdir())
    kept.clear()

    assert [(1, 3)] == seen
    assert 3 == kept.n_added
    assert all(f"Page {n} tells of goats." in source.text for n in range(3))
    assert [0o600] == left
    assert not kept.folder.exists()


def test_a_point_of_an_image_is_found_on_the_original():
    """Shares of the page do not change where nothing was turned, and turn with it."""
    assert PageGeometry((200, 100), 0.0, ()).original(50, 50) == (0.25, 0.5)
    assert PageGeometry((200, 100), 0.0, (), 180).original(50, 25) == (0.75, 0.75)
    assert PageGeometry((100, 200), 0.0, (), 90).original(50, 50) == pytest.approx((0.25, 0.5))


def test_rules_are_taken_out_and_told():
    """The lines of a table do not stay as strokes of letters."""
    picture = Image.new("L", (1700, 800), 255)
    for box in ((100, 100, 1500, 104), (100, 300, 1500, 304), (100, 100, 104, 303)):
        picture.paste(0, box)

    ready, sheet = make_ready(picture)

    assert 3 == len(sheet.rules)
    assert 250 < ready.getextrema()[0]
