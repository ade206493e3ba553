"""The structure that loaders give: what hangs from what in pages, Markdown, Word documents and tables."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from rag.passages.structure import units_of
from rag.schema import Source
from rag.sources import FoundFile, load


@pytest.fixture
def read(tmp_path: Path):
    """A function that loads a file of some name."""

    def write_and_load(name: str, data: bytes | str) -> Source:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return load(FoundFile(name, path), max_bytes=10_000_000).source

    return write_and_load


def hangs(source: Source, words: str) -> list[str]:
    """What the unit that holds some words hangs from, from the document's own words, the outermost first."""
    [unit] = [one for one in units_of(source) if words in source.text[one.start : one.end]]
    return [one.text for one in unit.path if one.start < one.end]


def cells(source: Source, words: str) -> dict[str, str]:
    """The cells of the row that holds some words, by the names of their columns."""
    [row] = [
        one
        for one in units_of(source)
        if one.kind == "row" and words in source.text[one.start : one.end]
    ]
    return {cell.name: source.text[cell.start : cell.end] for cell in row.cells}


# Pages and Markdown


def test_what_unfolds_ends_with_its_answer(read) -> None:
    """What stands behind the last unfolded answer, a definition or a note does not hang from it."""
    page = (
        "<h1>Help</h1><details><summary>How do I pay?</summary><p>By card.</p><ul><li>Visa</li></ul></details>"
        "<p>We answer within a day.</p><dl><dt>Zone</dt><dd><p>Where bikes park.</p></dd></dl><p>Thank you all.</p>"
        "<div class='admonition'><p class='admonition-title'>Warning</p><p>Do not open.</p></div><p>Bye for now.</p>"
    )
    source = read("a.html", page)

    assert ["Help", "How do I pay?"] == hangs(source, "Visa")
    assert ["Help"] == hangs(source, "within a day")
    assert ["Help", "Zone"] == hangs(source, "bikes park")
    assert ["Help"] == hangs(source, "Thank you")
    assert ["Help", "Warning"] == hangs(source, "not open")
    assert ["Help"] == hangs(source, "Bye")


def test_headings_are_known_by_role_class_and_button(read) -> None:
    """A page made of boxes has headings too; the part that a heading's button unfolds is read though it is hidden."""
    page = (
        "<div class=title>Tours</div><p>From May on.</p><div role=heading aria-level=2>Half a day</div><p>65 euros.</p>"
        "<h3><button aria-expanded=false aria-controls=a>Who guides?</button></h3><div id=a hidden>Tor Vik.</div>"
        "<div id=b hidden>Secret.</div><h2>Bring <a href=#x>¶</a></h2><p>Swimwear.</p>"
    )
    source = read("a.html", page)

    assert ["Half a day"] == hangs(source, "65")[-1:]
    assert ["Who guides?"] == hangs(source, "Tor Vik")[-1:]
    assert "Secret" not in source.text
    assert ["Bring"] == hangs(source, "Swimwear")[-1:]


def test_tables_know_their_names(read) -> None:
    """Two rows of names, a cell over all columns, a caption, labels with values, a second row that parts the first."""
    page = (
        "<h1>Fees</h1><table><caption>In 2024</caption><tr><th rowspan=2>Course<th colspan=2>Guests</tr>"
        "<tr><th>Adult<th>Child</tr><tr><td>Rowing<td>60<td>30</tr></table>"
        "<table><tr><th>Item<th>Price</tr><tr><th colspan=2>Food</tr><tr><td>Soup<td>5.90</tr></table>"
        "<table><tr><th>Name<td>Nora</tr><tr><th>Phone<td>22 33</tr></table>"
        "<table><tr><td colspan=3>Loads in kg</tr><tr><td>Model<td>Front<td>Rear</tr>"
        "<tr><td>F10<td>1000<td>800</tr></table>"
        "<table><tr><td>Part<td colspan=2>2024</tr><tr><td><td>Q1<td>Q2</tr><tr><td>Bolts<td>12<td>13</tr></table>"
    )
    source = read("a.html", page)

    assert {"Course": "Rowing", "Guests Adult": "60", "Guests Child": "30"} == cells(
        source, "Rowing"
    )
    assert ["Fees", "In 2024"] == hangs(source, "Rowing")[:2]
    assert "Food" in hangs(source, "Soup")
    assert {"Item": "Soup", "Price": "5.90"} == cells(source, "Soup")
    assert {"": "22 33"} == cells(source, "Phone")
    assert "Loads in kg" in hangs(source, "F10")
    assert {"Model": "F10", "Front": "1000", "Rear": "800"} == cells(source, "F10")
    assert {"Part": "Bolts", "2024 Q1": "12", "2024 Q2": "13"} == cells(source, "Bolts")


def test_markdown_as_people_write_it(read) -> None:
    """Definitions, labels line by line, questions in bold or in items, notes that stand apart."""
    source = read(
        "a.md",
        "# Help\n\nTimeout\n: Seconds to wait.\n\n**Berth**\n\n: Where a ship lies.\n\nAdults: 12 €\nChildren: 6 €\n\n"
        "**Is it safe?** Yes, always.\n\n- **Is there a plan?** Yes, a free one.\n- **By invoice?** Only yearly.\n\n"
        '!!! tip "Speed it up"\n    Add nettles.\n\n::: danger\nNo lime.\n:::\n\n'
        "> [!NOTE]\n> Heaps burn.\n\nThe end is here.\n",
    )

    assert "Timeout" == hangs(source, "Seconds")[-1]
    assert "Berth" == hangs(source, "ship lies")[-1]
    assert "Children: 6 €" in [source.text[one.start : one.end] for one in units_of(source)]
    assert "Is it safe?" == hangs(source, "Yes, always")[-1]
    assert "Is there a plan?" == hangs(source, "a free one")[-1]
    assert ["Speed it up", "Danger", "Note"] == [
        hangs(source, words)[-1] for words in ("nettles", "lime", "Heaps")
    ]
    assert "Note" not in hangs(source, "The end")


def test_paragraphs_that_only_look_like_a_list_are_one(read) -> None:
    """Lines that were typed with bullets, labels and numbers are seen in a page too."""
    source = read(
        "a.html",
        "<h1>Trip</h1><p>Age: 12 years<br>Group: up to 8</p><p>Bring:</p><p>• boots<br>• tea</p>",
    )

    units = {source.text[one.start : one.end]: one.kind for one in units_of(source)}
    assert {
        "Age: 12 years": "field",
        "Group: up to 8": "field",
        "• boots": "item",
        "• tea": "item",
    } == {words: kind for words, kind in units.items() if kind in {"field", "item"}}
    assert ["Trip", "Bring:"] == hangs(source, "boots")


# Word


def saved(document: WordDocument) -> bytes:
    """A document as the bytes of its file."""
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def numbered() -> WordDocument:
    """A contract whose numbers Word counts: sections in headings, clauses, letters, and a list that begins with 5."""
    document = docx.Document()
    numbering = document.part.numbering_part.element
    levels = enumerate([("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)")])
    inner = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{style}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (style, text) in levels
    )
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{inner}</w:abstractNum>')
    )
    again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    for number, override in (("77", ""), ("78", again)):
        numbering.append(
            parse_xml(
                f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="77"/>{override}</w:num>'
            )
        )
    document.add_paragraph("Agreement", "Title")
    for text, level, heading, number in (
        ("Scope", 0, True, "77"), ("Repairs are made within", 1, False, "77"), ("two days in cities", 2, False, "77"),
        ("four days elsewhere", 2, False, "77"), ("Fees", 0, True, "77"), ("The fee is due.", 1, False, "77"),
        ("Rule five", 0, False, "78"),
    ):  # fmt: skip
        paragraph = document.add_heading(text, 1) if heading else document.add_paragraph(text)
        paragraph._p.get_or_add_pPr().append(
            parse_xml(
                f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
            )
        )
    return document


def test_the_numbers_that_word_counts_stand_in_the_text(read) -> None:
    """Sections, clauses, letters and lists that begin elsewhere show the number that Word shows."""
    source = read("a.docx", saved(numbered()))

    assert "Agreement" == source.title
    assert ["Agreement", "1. Scope", "1.1 Repairs are made within"] == hangs(
        source, "(b) four days elsewhere"
    )
    assert ["Agreement", "2. Fees"] == hangs(source, "2.1 The fee is due.")
    assert "5. Rule five" in source.text


def test_comments_and_running_heads_are_read(read) -> None:
    """A comment stands below what it is on, what the head of the pages says below the title; page numbers nowhere."""
    document = docx.Document()
    document.add_paragraph("House rules", "Title")
    document.add_heading("Waste", 1)
    paragraph = document.add_paragraph("Glass goes into the green bin.")
    document.add_comment(paragraph.runs, text="Ask the council.", author="Rosa", initials="R")
    section = document.sections[0]
    section.header.paragraphs[0].text = "Edition of May 2024"
    section.footer.paragraphs[0].text = "Page 3 of 9"
    source = read("a.docx", saved(document))

    assert ["House rules"] == hangs(source, "May 2024")
    assert ["House rules", "Waste"] == hangs(source, "Comment by Rosa: Ask the council.")
    assert "Page" not in source.text


# Tables as text


def test_a_table_is_named_by_what_stands_above_it(read) -> None:
    """A line above the names is the title; a row of units, or one that parts wide names, goes on with the names."""
    prices = read(
        "a.csv", "Prices 2024;;\n;;\nNo.;Article;Price\n;;EUR\nA-1;Screw;6,90\nB-2;Nut;1,20\n"
    )
    years = read(
        "b.csv",
        "Region,2022,,2023,\n,Units,Sales,Units,Sales\nNorth,12,44,14,52\nSouth,8,31,9,36\n",
    )

    assert "Prices 2024" == prices.title
    assert ["Prices 2024"] == hangs(prices, "No.: A-1; Article: Screw; Price EUR: 6,90.")
    assert (
        "Region: South; 2022 Units: 8; 2022 Sales: 31; 2023 Units: 9; 2023 Sales: 36." in years.text
    )
