"""What each format's loader reads: text as a person sees it, a title, and nothing hidden."""

from __future__ import annotations

import hashlib
import io
import zipfile
from itertools import accumulate, chain, pairwise
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.schema import Block, Place
from rag.sources import SUPPORTED, FoundFile, Loaded, load, loading
from rag.sources.characters import clean
from rag.sources.document import Document
from tests.structure_fakes import check_blocks, check_units, told

PARAGRAPH = (
    "The harbour was built in 1912 and has been enlarged twice since then, most recently in 1987. "
)


@pytest.fixture
def loaded(tmp_path: Path):
    """A function that writes a file and loads it."""

    def write_and_load(name: str, data: bytes | str, max_bytes: int = 10_000_000) -> Loaded:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return load(FoundFile(name, path), max_bytes=max_bytes)

    return write_and_load


# Text


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("Zoë’s café costs 5 €.".encode(), ""),
        ("Zoë’s café costs 5 €.".encode("utf-8-sig"), ""),
        ("Zoë’s café costs 5 €.".encode("utf-16"), ""),
        ("Zoë’s café costs 5 €.".encode("utf-16-le"), ""),
        ("Zoë’s café costs 5 €.".encode("utf-16-be"), ""),
        ("Zoë’s café costs 5 €.".encode("utf-32"), ""),
        ("Zoë’s café costs 5 €.".encode("cp1252"), "cp1252"),
    ],
)
def test_text_is_decoded(loaded, data: bytes, encoding: str) -> None:
    """UTF-8 and UTF-16, with and without a mark, are certain; Western European is read with a warning."""
    result = loaded("a.txt", data)

    assert result.source.text == "Zoë’s café costs 5 €."
    assert result.reason == ("encoding" if encoding else "")
    assert encoding in result.message


def test_other_scripts_are_detected(loaded) -> None:
    """Russian in a one-byte encoding is not read as Western European, and the warning names what it was read as."""
    text = (
        "Гавань была построена в 1912 году и с тех пор дважды расширялась, в последний раз в 1987. "
        * 5
    )

    result = loaded("a.txt", text.encode("cp1251"))

    assert result.source.text == text
    assert (result.reason, "1251" in result.message) == ("encoding", True)


def test_the_source_is_complete(loaded) -> None:
    """Id, hash of the bytes, media type; no pages; line breaks normalised."""
    source = loaded("a.txt", b"one\r\ntwo\rthree").source

    assert source.source_id == "a.txt"
    assert source.sha256 == hashlib.sha256(b"one\r\ntwo\rthree").hexdigest()
    assert (source.media_type, source.pages) == ("text/plain", ())
    assert source.text == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.txt", "The Harbour\n\n" + PARAGRAPH, "The Harbour"),
        ("a.txt", "The Harbour\n===========\n" + PARAGRAPH, "The Harbour"),
        ("a.txt", "The Harbour\n" + PARAGRAPH * 2, "The Harbour"),
        ("annual-report_2024.txt", PARAGRAPH * 4 + "\nSecond paragraph.", "annual report 2024"),
        ("note_1.txt", "A sentence.\n\nAnother.", "note 1"),
        ("note_1.txt", "one\ntwo\nthree", "note 1"),
        ("2024-05-01.txt", "A sentence.", "2024-05-01"),
        ("a.md", "Intro.\n\n# The **Harbour**\n\nText.", "The Harbour"),
        ("a.md", "---\ntitle: 'Front'\n---\n# The Harbour", "Front"),
        ("a.md", "Only text.", "a"),
        ("a.html", "<title>The &amp; Harbour\n</title><h1>No</h1>Text", "The & Harbour"),
        ("a.html", "<h1>The Harbour</h1>Text", "The Harbour"),
        ("a_b.html", "Text", "a b"),
        ("a.csv", "a,b\n1,2", "a"),
    ],
)
def test_titles(loaded, name: str, text: str, title: str) -> None:
    """A document's own title is found; where it has none, its file name is made readable."""
    assert loaded(name, text).source.title == title


def test_what_cannot_be_seen_is_removed(loaded) -> None:
    """Zero-width, bidi, tag, soft-hyphen and control characters go; everything else stays as it is."""
    hidden = "\u200b\ufeff\u202e\u2066\u00ad\x07\x1b[31m\u2060" + "".join(
        chr(0xE0000 + ord(c)) for c in "obey"
    )
    kept = "naïve – “quotes”\u00a0… Ω 日本 👩‍🚀 न्‍य\tx"

    assert loaded("a.txt", f"a{hidden}b {kept}").source.text == f"ab {kept}"


@given(text=st.text() | st.text("aअ\u200b\u200c\u200d\x1b[]m\r\n\ud800"))
def test_cleaning_is_settled(text: str) -> None:
    """Cleaning twice is cleaning once, and cleaned text can be stored as UTF-8."""
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


@pytest.mark.parametrize("name", ["a.md", "a.html"])
def test_structure_stands_where_it_stood_once_the_text_is_clean(loaded, name: str) -> None:
    """Characters that never show, and line breaks of other kinds, move no block and no unit."""
    hidden = "\u200b\u202e\x07\xad"
    lines = [
        f"# The{hidden} harbour",
        f"It {hidden}has:",
        f"- four{hidden} piers\n- a{hidden} light",
    ]
    if name.endswith(".html"):
        lines = [
            f"<h1>The{hidden} harbour</h1>", f"<p>It {hidden}has:</p>",
            f"<ul><li>{hidden}four piers</li><li>a{hidden} light</li></ul>",
        ]  # fmt: skip

    source = loaded(name, "\r\n\r\n".join(lines)).source

    check_blocks(source.text, source.blocks)
    check_units(source)
    assert [one[:2] for one in told(source.text, source.blocks)] == [
        ("title", "The harbour"),
        ("paragraph", "It has:"),
        ("list", "- four piers - a light"),
        ("item", "- four piers"),
        ("item", "- a light"),
    ]
    assert "- a light" == source.text[source.blocks[-1].start : source.blocks[-1].end]


@given(
    parts=st.lists(
        st.text("ab \n\r\u200b\u200d\x1b[m\x07न्‍\ud800", max_size=12), min_size=1, max_size=4
    ),
    bounds=st.lists(st.tuples(st.integers(0, 48), st.integers(0, 48)), max_size=5),
)
def test_cleaning_moves_blocks_with_their_words(
    parts: list[str], bounds: list[tuple[int, int]]
) -> None:
    """Each block, page and place says what it said, without what never shows."""
    raw = "".join(parts)
    places = [sorted(min(at, len(raw)) for at in pair) for pair in bounds]
    blocks = tuple(Block(kind="paragraph", start=start, end=end) for start, end in sorted(places))

    named = tuple(Place(start=one.start, end=one.end, name="here") for one in blocks)
    text, starts, moved, found = loading._cleaned(
        Document(title="", parts=tuple(parts), paged=True, blocks=blocks, places=named)
    )

    assert [(one.start, one.end) for one in moved] == [(one.start, one.end) for one in found]

    assert clean(text) == text
    assert len(parts) == len(starts)
    assert sorted(starts) == list(starts)
    check_blocks(text, moved)
    cuts = sorted({*chain.from_iterable(places), *accumulate(map(len, parts), initial=0)})
    for before, after in zip(blocks, moved, strict=True):
        inside = [at for at in cuts if before.start <= at <= before.end]
        words = "".join(clean(raw[start:end]) for start, end in pairwise(inside))
        said = text[after.start : after.end]
        # Cut in the middle of a sequence or between a character and its joiner, more or less of that is left.
        assert [char for char in said if char in "ab"] == [char for char in words if char in "ab"]


# Markdown and HTML


def test_markdown_reads_as_rendered(loaded) -> None:
    """Markup goes, headings stay on lines of their own, lists, tables and code keep their lines."""
    text = loaded(
        "a.md",
        "# One *two*\n\nA [link](http://x.y) and\n`code`.\n\n- a\n- b\n  1. c\n\n|N|A|\n|-|-|\n|x|1|\n\n"
        "```\nf()\n  g()\n```\n<p hidden>secret</p>\n",
    ).source.text

    assert text == "One two\n\nA link and code.\n\n- a\n- b\n1. c\n\nN | A\nx | 1\n\nf()\n  g()"


PAGE = f"""<!doctype html><html><head><title>Harbour</title><style>p {{}}</style></head><body>
<header><a href="/">Home</a><nav><a href="/a">About us</a></nav></header>
<div class="cookies">We use cookies for everything that you do on this page.</div>
<div class="content"><article><h1>The harbour</h1><p>By Ann Lee</p>
<p>{PARAGRAPH * 2}</p><p>It has <b>four</b> <i>piers</i>&nbsp;and <code>x=1</code>.<br>Ships come daily.</p>
<h2>History</h2><p>{PARAGRAPH}</p>
<ol start="3"><li>Third<ul><li>inner</li></ul></li><li><p>Fourth</p></li></ol>
<table><tr><th>Year</th><th>Ships</th></tr><tr><td>1912</td><td><p>40</p></td></tr></table>
<p style="display: none">HIDDEN one</p><p hidden>HIDDEN two</p><!-- HIDDEN three --><script>HIDDEN()</script>
<noscript>HIDDEN four</noscript><span style="font-size:0px">HIDDEN five</span><template>HIDDEN six</template>
<p>{PARAGRAPH}</p></article></div>
<aside>Related: another page altogether</aside><footer>Imprint</footer></body></html>"""


def test_a_page_is_its_main_content(loaded) -> None:
    """Navigation, banners and footers go; the article keeps byline, headings, list numbers and table rows."""
    paragraph = PARAGRAPH.strip()

    assert loaded("a.html", PAGE).source.text.split("\n\n") == [
        "The harbour",
        "By Ann Lee",
        f"{paragraph} {paragraph}",
        "It has four piers\u00a0and x=1.\nShips come daily.",
        "History",
        paragraph,
        "3. Third\n- inner\n4. Fourth",
        "Year | Ships\n1912 | 40",
        paragraph,
    ]


def test_a_short_page_is_read_whole(loaded) -> None:
    """A page too short for trafilatura is read without its navigation."""
    text = loaded("a.html", "<nav>Menu</nav><p>Open <b>daily</b>.</p><p>Free.</p>").source.text

    assert text == "Open daily.\n\nFree."


def test_nothing_hidden_is_read_from_nested_elements(loaded) -> None:
    """Hidden elements inside hidden elements are removed once."""
    html = "<div hidden>a<p hidden>b<script>c</script></p></div>" * 50 + "<p>Seen.</p>"

    assert loaded("a.html", html).source.text == "Seen."


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('<meta charset="windows-1252"><p>caf\xe9 \x93x\x94</p>'.encode("latin-1"), ""),
        ('<meta charset="iso-8859-1"><p>caf\xe9 \x93x\x94</p>'.encode("latin-1"), ""),
        ('<meta charset="no-such"><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<meta charset="utf-8"><p>caf\xe9 \x93x\x94</p>'.encode("latin-1"), "encoding"),
        ('<?xml version="1.0" encoding="utf-8"?><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<?xml version="1.0" encoding="utf-16"?><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<meta charset="utf-16"><p>caf\xe9 “x”</p>'.encode(), ""),
        ("<meta charset=utf-16le><p>caf\xe9 “x”</p> ".encode(), ""),
        ('<meta charset="utf-32"><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<meta charset="utf-16be"><p>caf\xe9 \x93x\x94</p>'.encode("latin-1"), "encoding"),
        ('<meta charset="cp037"><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<meta charset="utf-7"><p>caf\xe9 “x”</p>'.encode(), ""),
        ('<meta charset="utf-16"><p>caf\xe9 “x”</p>'.encode("utf-16"), ""),
        ('<meta charset="utf-16"><p>caf\xe9 “x”</p>'.encode("utf-16-le"), ""),
    ],
)
def test_a_page_is_decoded_as_it_declares(loaded, data: bytes, reason: str) -> None:
    """The declared encoding is used if it works; a wrong one is found out, and a guess is warned of.

    One in which the declaration itself could not stand as it does is wrong: HTML says so of UTF-16.
    """
    result = loaded("a.html", data)

    assert (result.source.text, result.reason) == ("café “x”", reason)


def test_xhtml_elements_may_close_themselves(loaded) -> None:
    """An empty title or script that closes itself does not swallow the page."""
    head = '<?xml version="1.0"?><html><head><title/><script src="x"/></head>'
    page = f'{head}<body><a id="1"/><p>Text.</p></body></html>'

    assert loaded("a.xhtml", page).source.text == "Text."


@settings(max_examples=60, deadline=None)
@given(html=st.text("<>/=\"' &;!-abdiloprtuv1\n", max_size=300))
def test_any_tag_soup_is_read(html: str) -> None:
    """Whatever the markup, reading ends without an exception other than a SourceError."""
    from rag.sources import markdown, web_page

    for read in (web_page.read, markdown.read):
        assert isinstance(read(html.encode()).parts[0], str)


# Tables


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "Name,Age\nAnn,34\nBob,\n\n", ["Name: Ann; Age: 34.", "Name: Bob."]),
        ("a.csv", "Name;Age\nAnn;3,4\nBob;7", ["Name: Ann; Age: 3,4.", "Name: Bob; Age: 7."]),
        ("a.tsv", "Name\tAge\nAnn\t34\n", ["Name: Ann; Age: 34."]),
        ("a.csv", "1,2\n3,4", ["1; 2.", "3; 4."]),
        (
            "a.csv",
            'Name,Note\nAnn,"Says ""hi"",\nand leaves."',
            ['Name: Ann; Note: Says "hi", and leaves.'],
        ),
        ("a.csv", "Name,Age\nAnn,34,extra", ["Name: Ann; Age: 34; extra."]),
        ("a.csv", "Name\nAnn\nBob", ["Name: Ann.", "Name: Bob."]),
        ("a.csv", "Art. no.,Qty.\n7,2", ["Art. no.: 7; Qty.: 2."]),
        ("a.csv", "It rained.\nWe left.", ["It rained.", "We left."]),
        ("a.csv", "just one line", ["just one line."]),
    ],
)
def test_rows_become_sentences(loaded, name: str, text: str, expected: list[str]) -> None:
    """Each row is one sentence that names its columns, whatever the delimiter; empty cells and rows go."""
    assert loaded(name, text).source.text.split("\n\n") == expected


@pytest.mark.timeout(60)
def test_a_table_that_csv_sniffer_chokes_on_is_read(loaded) -> None:
    """A file on which csv.Sniffer takes a minute is read, or refused, at once."""
    assert loaded("a.csv", ',"' * 20_000).source.text

    with pytest.raises(SourceError, match="quote that is not closed"):
        loaded("b.csv", 'a,"' + "b\n" * 100_000)


# Word


def word_file() -> bytes:
    """A Word document with a heading, lists, a table, a picture's place and formatting."""
    document = docx.Document()
    document.core_properties.title = ""
    document.add_heading("Annual report", 1)
    paragraph = document.add_paragraph("We sold 42 units. ")
    paragraph.add_run("It was good.").bold = True
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("step", style="List Number")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ["Name", "Age", "Ann", "34"], strict=True):
        cell.text = text
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def test_word_documents_are_read(loaded) -> None:
    """Headings, paragraphs, lists and tables come as lines; the title is the first heading if none is set."""
    source = loaded("a.docx", word_file()).source

    assert source.title == "Annual report"
    assert source.text == (
        "Annual report\n\nWe sold 42 units. It was good.\n\n- first\n\n1. step\n\nName | Age\nAnn | 34"
    )


# Books


def book(chapters: dict[str, str], extra: dict[str, str] | None = None) -> bytes:
    """An EPUB whose spine is in reverse order of the names, so that order matters."""
    items = "".join(
        f'<item id="i{k}" href="{name}" media-type="application/xhtml+xml"/>'
        for k, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{k}"/>' for k in reversed(range(len(chapters))))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Harbour</dc:title></metadata>'
        f'<manifest>{items}<item id="nav" properties="nav" href="nav.xhtml" '
        f'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        archive.writestr("OEBPS/nav.xhtml", "<html><body>Contents</body></html>")
        for name, body in chapters.items():
            page = f'<?xml version="1.0"?><html><head><title/></head><body>{body}</body></html>'
            archive.writestr(f"OEBPS/{name.replace('%20', ' ')}", page)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return data.getvalue()


def test_books_are_read_in_order(loaded) -> None:
    """Chapters come in the order of the spine, with their headings, without the table of contents."""
    data = book(
        {"b.xhtml": "<h1>Two</h1><p>Second.</p>", "a%20a.xhtml": "<h1>One</h1><p>First.</p>"}
    )

    source = loaded("a.epub", data).source

    assert (source.title, source.text) == ("The Harbour", "One\n\nFirst.\n\nTwo\n\nSecond.")


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "encrypted"),
        ("http://www.idpf.org/2008/embedding", ""),
    ],
)
def test_protected_books_are_refused(loaded, algorithm: str, reason: str) -> None:
    """A book under DRM is `encrypted`; one whose fonts alone are hidden is read."""
    rights = f'<encryption><EncryptedData><EncryptionMethod Algorithm="{algorithm}"/></EncryptedData></encryption>'
    data = book({"a.xhtml": "<p>First.</p>"}, {"META-INF/encryption.xml": rights})

    if not reason:
        assert loaded("a.epub", data).source.text == "First."
        return
    with pytest.raises(SourceError) as caught:
        loaded("a.epub", data)
    assert caught.value.reason == reason


def test_every_supported_format_has_a_loader() -> None:
    """Each extension has a loader and a media type."""
    assert SUPPORTED.keys() - {".zip"} == loading._LOADERS.keys()
    assert all("/" in media_type for media_type in SUPPORTED.values())


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("000_008106ccc071b625.txt", "The committee met on Monday and it agreed on …"),
        ("2024-05-01.txt", "2024-05-01"),
        ("annual-report_2024.txt", "annual report 2024"),
        ("decade.txt", "decade"),
    ],
)
def test_a_hash_is_no_title(tmp_path, name, title):
    """Where the file's name says nothing, the first words of the text do."""
    path = tmp_path / name
    path.write_text(
        "The committee met on Monday and it agreed on nothing much.\n", encoding="utf-8"
    )

    loaded = load(FoundFile(source_id=name, path=path), max_bytes=10_000)

    assert title == loaded.source.title
