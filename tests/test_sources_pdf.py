"""PDF files: pages, whole sentences, and each way in which one cannot be read."""

from __future__ import annotations

import io
import zlib
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from reportlab.lib import colors
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from rag.errors import SourceError
from rag.schema import Source
from rag.sources import FoundFile, load, pdf

STYLES = getSampleStyleSheet()
SENTENCES = [
    f"Sentence number {k} tells of a harbour that was enlarged again and again by the town's own people."
    for k in range(40)
]


def drawn(draw: Callable[[Canvas], None], **options: object) -> bytes:
    """A PDF made by a function that draws on a canvas."""
    data = io.BytesIO()
    canvas = Canvas(data, **options)
    draw(canvas)
    canvas.save()
    return data.getvalue()


def lines_on_pages(*pages: list[str], **options: object) -> bytes:
    """A PDF with these lines on its pages."""

    def draw(canvas: Canvas) -> None:
        for lines in pages:
            for number, line in enumerate(lines):
                canvas.drawString(72, 760 - 14 * number, line)
            canvas.showPage()

    return drawn(draw, **options)


def flowing(story: list[object], **options: object) -> bytes:
    """A PDF set by reportlab's own line and page breaking."""
    data = io.BytesIO()
    SimpleDocTemplate(data, **options).build(story)
    return data.getvalue()


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[bytes], Source]:
    """A function that writes a PDF and loads it."""

    def write_and_load(data: bytes) -> Source:
        path = tmp_path / "harbour-plan.pdf"
        path.write_bytes(data)
        return load(FoundFile("harbour-plan.pdf", path), max_bytes=50_000_000).source

    return write_and_load


def refused(loaded: Callable[[bytes], Source], data: bytes) -> tuple[str, str]:
    """The reason and message with which a PDF is refused."""
    with pytest.raises(SourceError) as caught:
        loaded(data)
    return caught.value.reason, str(caught.value)


def test_pages_start_where_their_text_starts(loaded: Callable[[bytes], Source]) -> None:
    """Offsets ascend from 0, and an offset in the text leads back to its page."""
    source = loaded(lines_on_pages(*[[f"Page {k} speaks of topic {k}."] for k in range(1, 6)]))

    assert source.pages[0] == 0
    for number in range(1, 6):
        at = source.text.index(f"Page {number} speaks")
        assert bisect_right(source.pages, at) == number


def test_empty_pages_count(loaded: Callable[[bytes], Source]) -> None:
    """Pages without text, first, between and last, keep the numbers of the others right."""
    source = loaded(lines_on_pages([], [SENTENCES[0]], [], [SENTENCES[1]], []))

    assert len(source.pages) == 5
    assert list(source.pages) == sorted(source.pages)
    assert source.pages[0] == 0
    assert bisect_right(source.pages, source.text.index("Sentence number 0")) == 2
    assert bisect_right(source.pages, source.text.index("Sentence number 1")) == 4


def test_wrapped_lines_and_pages_do_not_cut_sentences(loaded: Callable[[bytes], Source]) -> None:
    """Sentences that run over lines and over the end of a page are whole; paragraphs stay apart."""
    first, second = " ".join(SENTENCES[:20]), " ".join(SENTENCES[20:])
    story = [
        Paragraph(first, STYLES["BodyText"]),
        Spacer(1, 12),
        Paragraph(second, STYLES["BodyText"]),
    ]

    source = loaded(flowing(story, pagesize=(15 * cm, 15 * cm)))

    paragraphs = source.text.split("\n\n")
    assert len(source.pages) > 2
    assert " ".join(paragraphs) == f"{first} {second}"
    assert all(paragraph.endswith(".") for paragraph in paragraphs)
    assert any(paragraph.startswith(SENTENCES[20]) for paragraph in paragraphs)


def test_two_columns_are_read_one_after_the_other(loaded: Callable[[bytes], Source]) -> None:
    """A sentence that goes on in the next column is whole."""
    data = io.BytesIO()
    document = BaseDocTemplate(data)
    frames = [Frame(cm, cm, 9 * cm, 12 * cm), Frame(11 * cm, cm, 9 * cm, 12 * cm)]
    document.addPageTemplates(PageTemplate(frames=frames))
    document.build([Paragraph(" ".join(SENTENCES[:24]), STYLES["BodyText"])])

    source = loaded(data.getvalue())

    assert source.text == " ".join(SENTENCES[:24])


def test_headings_and_lists_have_lines_of_their_own(loaded: Callable[[bytes], Source]) -> None:
    """A heading is not glued to its text, and each list item is its own line."""
    story = [
        Paragraph("The Harbour", STYLES["Heading1"]),
        Paragraph(" ".join(SENTENCES[:3]), STYLES["BodyText"]),
        Paragraph("• first item", STYLES["BodyText"]),
        Paragraph("• second item", STYLES["BodyText"]),
    ]

    assert loaded(flowing(story)).text.split("\n\n") == [
        "The Harbour",
        " ".join(SENTENCES[:3]),
        "• first item",
        "• second item",
    ]


def test_running_heads_and_page_numbers_go(loaded: Callable[[bytes], Source]) -> None:
    """What repeats at the same place of each page is kept once, and page numbers not at all."""
    pages = [
        ["Harbour Report 2024", "", f"{SENTENCES[k]}", *[""] * 10, f"- {k + 1} -"] for k in range(5)
    ]

    text = loaded(lines_on_pages(*pages)).text

    assert text.count("Harbour Report 2024") == 1
    assert text.split("\n\n")[1:] == SENTENCES[:5]


def test_words_cut_at_line_ends_are_mended(loaded: Callable[[bytes], Source]) -> None:
    """A hyphen that only cut a word goes; one that the word is written with elsewhere stays."""
    text = loaded(
        lines_on_pages(
            [
                "The well-known harbour authority met again to discuss the enlarge-",
                "ment of the piers. It is a well-",
                "known fact that the enlargement is costly.",
            ]
        )
    ).text

    assert text == (
        "The well-known harbour authority met again to discuss the enlargement of the piers."
        " It is a well-known fact that the enlargement is costly."
    )


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("The Plan", "The Plan"),
        ("untitled", "harbour plan"),
        ("Microsoft Word - x.doc", "harbour plan"),
    ],
)
def test_the_title_is_the_documents_own(
    loaded: Callable[[bytes], Source], title: str, expected: str
) -> None:
    """The title in the metadata is used, unless a program put it there."""

    def draw(canvas: Canvas) -> None:
        canvas.setTitle(title)
        canvas.drawString(72, 700, SENTENCES[0])

    assert loaded(drawn(draw)).title == expected


def test_what_the_outline_names_is_a_heading(loaded: Callable[[bytes], Source]) -> None:
    """Lines that bookmarks name are headings as deep as these, also in the font of the text and just above it."""

    def draw(canvas: Canvas) -> None:
        lines = [
            "Care",
            "The chain",
            SENTENCES[0],
            "The rail",
            SENTENCES[1],
            "Guarantee",
            SENTENCES[2],
        ]
        for number, line in enumerate(lines):
            canvas.drawString(72, 760 - 15 * number, line)
        for title, level in (("Care", 0), ("The chain", 1), ("The rail", 1), ("Guarantee", 0)):
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title, level)

    source = loaded(drawn(draw))

    named = [
        (source.text[one.start : one.end], one.level)
        for one in source.blocks
        if one.kind == "heading"
    ]
    assert named == [("Care", 2), ("The chain", 3), ("The rail", 3), ("Guarantee", 2)]


def test_a_scan_is_no_empty_success(loaded: Callable[[bytes], Source]) -> None:
    """Pages with no text, or a stamp only, are `no_text_layer`, and the message names text recognition."""
    reason, message = refused(loaded, lines_on_pages(["scan 1"], [], []))

    assert reason == "no_text_layer"
    assert "'harbour-plan.pdf' is a scan" in message
    assert "OCR" in message


def test_a_password_is_asked_away(loaded: Callable[[bytes], Source]) -> None:
    """A file that opens only with a password is `encrypted`; one with an owner's password alone is read."""
    closed = lines_on_pages(
        SENTENCES[:2], encrypt=StandardEncryption("secret", ownerPassword="owner")
    )
    open_to_read = lines_on_pages(
        SENTENCES[:2], encrypt=StandardEncryption("", ownerPassword="owner")
    )

    assert refused(loaded, closed)[0] == "encrypted"
    assert loaded(open_to_read).text.startswith("Sentence number 0")


@pytest.mark.parametrize(
    "data",
    [
        b"no PDF at all, only text that says so",
        b"%PDF-1.7\n" + bytes(range(256)) * 20,
        lines_on_pages(SENTENCES[:2])[:300],
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
    ],
    ids=["text", "garbage", "truncated", "image"],
)
def test_broken_files_are_unreadable(loaded: Callable[[bytes], Source], data: bytes) -> None:
    """What is no PDF, or a damaged one, is `unreadable` with its name."""
    reason, message = refused(loaded, data)

    assert reason == "unreadable"
    assert "'harbour-plan.pdf'" in message


def minimal_pdf(content: bytes, *, n_pages: int = 1, filters: str = "/FlateDecode") -> bytes:
    """A PDF written by hand, whose pages share one content stream."""
    kids = " ".join("4 0 R" for _ in range(n_pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {n_pages}/Kids[{kids}]>>".encode(),
        f"<</Length {len(content)}/Filter[{filters}]>>stream\n".encode() + content + b"\nendstream",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 3 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", b""
    for number, item in enumerate(objects, 1):
        places += f"{len(body):010} 00000 n \n".encode()
        body += f"{number} 0 obj\n".encode() + item + b"\nendobj\n"
    end = f"trailer<</Root 1 0 R/Size 6>>\nstartxref\n{len(body)}\n%%EOF".encode()
    return body + b"xref\n0 6\n0000000000 65535 f \n" + places + end


def test_too_many_pages_are_refused(
    loaded: Callable[[bytes], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page cap is told before the pages are read."""
    monkeypatch.setattr(pdf, "MAX_PAGES", 50)
    content = zlib.compress(b"BT /F 12 Tf 72 700 Td (Hello there) Tj ET")

    assert refused(loaded, minimal_pdf(content, n_pages=60))[0] == "too_large"


def test_too_much_text_is_refused_while_reading(
    loaded: Callable[[bytes], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file whose pages repeat a long text is given up at the character cap."""
    monkeypatch.setattr(pdf, "MAX_CHARS", 20_000)
    content = zlib.compress(b"BT /F 9 Tf 10 TL 72 790 Td %s ET" % (b"(many words) ' " * 60))

    assert refused(loaded, minimal_pdf(content, n_pages=100))[0] == "too_large"


def test_threads_share_the_lock(tmp_path: Path) -> None:
    """PDFium crashes when threads use it at once; here they read the same text each time.

    Without the lock this test ended in a segmentation fault or another text.
    """
    path = tmp_path / "a.pdf"
    path.write_bytes(lines_on_pages(*[SENTENCES[:4]] * 3))
    file = FoundFile("a.pdf", path)

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: load(file, max_bytes=10**7).source.text, range(300)))

    assert len(texts) == 1


@pytest.mark.timeout(60)
def test_a_page_of_endless_words_is_read(loaded: Callable[[bytes], Source]) -> None:
    """A page whose 100,000 letters have no space between takes a moment, not the square of it."""
    content = zlib.compress(b"BT /F 1 Tf 72 700 Td " + b"(x) Tj " * 100_000 + b"ET")

    assert len(loaded(minimal_pdf(content)).text) == 100_000


def blocks(source: Source, kind: str) -> list[str]:
    """The words of all blocks of a kind."""
    return [source.text[one.start : one.end] for one in source.blocks if one.kind == kind]


def test_fonts_tell_headings_and_the_title(loaded: Callable[[bytes], Source]) -> None:
    """Size and weight are read from the page, and what follows hangs from its heading."""
    story = [
        Paragraph("Rules of the harbour", STYLES["Title"]),
        Paragraph(" ".join(SENTENCES[:4]), STYLES["BodyText"]),
        Paragraph("Not allowed", STYLES["Heading2"]),
        Paragraph("Fires on board.", STYLES["BodyText"]),
    ]

    source = loaded(flowing(story))

    assert blocks(source, "title") == ["Rules of the harbour"]
    assert blocks(source, "heading") == ["Not allowed"]
    heading = next(at for at, one in enumerate(source.blocks) if one.kind == "heading")
    assert [source.blocks[-1].parent, source.blocks[heading].parent] == [heading, 0]


def test_a_mark_above_the_line_parts_no_paragraph(loaded: Callable[[bytes], Source]) -> None:
    """A footnote's number at the end of a line is set higher; the next line still belongs to the sentence."""
    words = "The keeper of the weir read the gauge each morning at six and wrote it down in a book"
    story = [
        Paragraph(f"{words}<super>1</super> {words}<super>2</super> {words}.", STYLES["BodyText"]),
        Paragraph(" ".join(SENTENCES[:3]), STYLES["BodyText"]),
    ]

    assert len(blocks(loaded(flowing(story)), "paragraph")) == 2


@pytest.mark.parametrize("ruled", [True, False])
def test_tables_are_read_row_by_row(loaded: Callable[[bytes], Source], ruled: bool) -> None:
    """A table with rules and one without come out alike, its cells named by their columns."""
    rows = [
        ["Course", "Lesson", "Fee"],
        ["Piano", "30 min", "540 EUR"],
        ["Harp", "45 min", "690 EUR"],
    ]
    style = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)] if ruled else []
    source = loaded(
        flowing([Table(rows, style=style), Paragraph(SENTENCES[0], STYLES["BodyText"])])
    )

    assert source.text.startswith(
        "Course | Lesson | Fee\nPiano | 30 min | 540 EUR\nHarp | 45 min | 690 EUR\n\n"
    )
    assert blocks(source, "row") == source.text.split("\n\n")[0].split("\n")
    fee = source.blocks[-2]
    assert source.text[fee.start : fee.end] == "690 EUR"
    assert [source.text[source.blocks[at].start : source.blocks[at].end] for at in fee.header] == [
        "Fee"
    ]


def test_a_forms_values_stand_behind_their_labels(loaded: Callable[[bytes], Source]) -> None:
    """What was filled in is read with the label beside or above it, else with the field's name; passwords are not."""

    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 780, "Application for a berth in the harbour of the town")
        canvas.drawString(60, 750, "Name of boat")
        canvas.acroForm.textfield(name="a", value="Albatross", x=200, y=745, width=150, height=18)
        canvas.drawString(60, 720, "Remarks")
        canvas.acroForm.textfield(
            name="b", value="Near the crane", x=60, y=695, width=300, height=18
        )
        canvas.acroForm.checkbox(name="c", checked=True, x=60, y=660, size=12)
        canvas.drawString(80, 662, "Shore power")
        canvas.acroForm.checkbox(name="d", checked=False, x=200, y=660, size=12)
        canvas.drawString(220, 662, "Water")
        canvas.acroForm.textfield(
            name="member_number", value="M-2231", x=300, y=600, width=100, height=18
        )
        canvas.acroForm.textfield(
            name="pin", value="0815", fieldFlags="password", x=60, y=560, width=100, height=18
        )

    source = loaded(drawn(draw))

    assert blocks(source, "field") == [
        "Name of boat: Albatross",
        "Remarks: Near the crane",
        "Shore power: Yes",
        "Water: No",
        "member number: M-2231",
    ]
    assert "0815" not in source.text


def test_bullets_that_are_drawn_are_bullets(loaded: Callable[[bytes], Source]) -> None:
    """A browser draws the bullets of a printed list as circles; the lines behind them are items."""

    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 780, "What is not covered by the insurance of the harbour:")
        for at, text in enumerate(["Storm damage to fences", "Theft by guests"]):
            canvas.circle(70, 755 - 16 * at, 2, fill=1)
            canvas.drawString(80, 751 - 16 * at, text)

    assert blocks(loaded(drawn(draw)), "item") == ["• Storm damage to fences", "• Theft by guests"]


def test_symbols_without_a_character_are_bullets() -> None:
    """Word's bullets are characters of the font Symbol, which other fonts do not show."""
    assert "\uf0b7 boats".translate(pdf._LIGATURES) == "• boats"


@pytest.mark.timeout(60)
def test_a_page_of_countless_lines_is_no_table(loaded: Callable[[bytes], Source]) -> None:
    """A drawing of many thousand strokes, and many pieces of text on it, cost no more than to be read."""
    strokes = b"".join(
        b"%d %d m %d %d l S " % (k % 600, k % 800, (k * 7) % 600, k % 800) for k in range(12_000)
    )
    pieces = (
        b"BT /F 6 Tf "
        + b"".join(
            b"1 0 0 1 %d %d Tm (ab%d) Tj " % (10 + 60 * (k % 9), 790 - 1.5 * (k // 9), k)
            for k in range(4_000)
        )
        + b"ET"
    )

    assert "ab3999" in loaded(minimal_pdf(zlib.compress(strokes + pieces))).text
