"""Pages of lines to text and blocks: what each paragraph is, and where it stands in the text."""

from __future__ import annotations

from collections.abc import Sequence

from rag.schema import Block
from rag.sources.document import Document
from rag.sources.pdf_page import Fragment, Line, PdfPage
from rag.sources.pdf_structure import to_document

FULL = "The harbour of the town was enlarged again in the year of the flood and"


def line(
    top: float,
    text: str,
    *,
    left: float = 60,
    em: float = 10,
    bold: bool = False,
    mono: bool = False,
    value: str = "",
) -> Line:
    """A line whose letters are half as wide as its font is high."""
    right = left + 0.5 * em * len(text)
    pieces = (Fragment(text, left, right, top, value),) if value else ()
    return Line(text, left, right, top, top, 1.1 * em, em, bold, mono, pieces=pieces)


def running(top: float, n_lines: int, end: str = "nobody knew why.", **style: float) -> list[Line]:
    """A paragraph of full lines and a short last one."""
    lines = [line(top - 12 * at, FULL, **style) for at in range(n_lines)]
    return [*lines, line(top - 12 * n_lines, end, **style)]


def read(*pages: Sequence[Line]) -> Document:
    """The document of pages with these lines."""
    made = [PdfPage(frozenset({str(at)}), tuple(lines)) for at, lines in enumerate(pages, 1)]
    return to_document("", made)


def outline(document: Document) -> list[tuple[str, int, str]]:
    """Kind, level and first words of each block."""
    text = "".join(document.parts)
    return [(one.kind, one.level, text[one.start : one.end][:22]) for one in document.blocks]


def path(document: Document, words: str) -> list[str]:
    """The words of what the block that begins so hangs from, the innermost first."""
    text = "".join(document.parts)
    block = next(one for one in document.blocks if text[one.start :].startswith(words))
    found = []
    while block.parent is not None:
        block = document.blocks[block.parent]
        found.append(text[block.start : block.end])
    return found


def kinds(document: Document, kind: str) -> list[str]:
    """The words of all blocks of a kind."""
    text = "".join(document.parts)
    return [text[one.start : one.end] for one in document.blocks if one.kind == kind]


def test_larger_and_bold_lines_are_headings():
    """The largest line at the beginning is the title; others rank by size, and by weight at one size."""
    document = read(
        [
            line(780, "Rules of the harbour", em=20),
            *running(750, 2),
            line(690, "Berths", em=14, bold=True),
            line(672, "Not allowed", bold=True),
            *running(658, 2),
            line(610, "Crane", em=14, bold=True),
            *running(596, 2),
        ]
    )

    assert [one[:2] for one in outline(document)] == [
        ("title", 1),
        ("paragraph", 0),
        ("heading", 2),
        ("heading", 3),
        ("paragraph", 0),
        ("heading", 2),
        ("paragraph", 0),
    ]
    assert document.blocks[4].parent == 3
    assert document.blocks[3].parent == 2
    assert document.blocks[6].parent == 5


def test_numbers_deepen_headings_of_one_style():
    """Headings that are set alike rank by their numbers."""
    document = read(
        [
            *running(790, 1),
            line(750, "1 Scope", bold=True),
            *running(738, 1),
            line(700, "1.1 Persons", bold=True),
            *running(688, 1),
        ]
    )

    assert path(document, "1.1 Persons") == ["1 Scope"]


def test_text_set_in_bold_throughout_has_no_bold_headings():
    """Where most of a text is bold, bold type says nothing."""
    document = read(
        [*(line(780 - 30 * at, f"Words in bold, number {at}.", bold=True) for at in range(4))]
    )

    assert {kind for kind, _, _ in outline(document)} == {"paragraph"}


def test_a_bold_sentence_is_no_heading():
    """A long line that ends as a sentence, and bold words in running text, head nothing."""
    warning = "Whoever enters the yard without a helmet is sent away at once."
    document = read([*running(780, 2), line(740, warning, bold=True), *running(716, 2)])

    assert kinds(document, "heading") == []


def test_items_are_nested_by_their_indentation():
    """Items hang from the one that they are indented from, and their further paragraphs from them."""
    document = read(
        [
            *running(780, 1, "It holds for:"),
            line(754, "• boats"),
            line(740, "– with sails", left=80),
            line(726, "– with oars", left=80),
            line(712, "• rafts"),
            line(690, "Rafts are tied to the outer pier.", left=72),
            line(660, "The guard decides in all other cases."),
        ]
    )

    assert path(document, "– with oars")[0] == "• boats"
    assert path(document, "Rafts are tied")[0] == "• rafts"
    assert path(document, "The guard decides") == []
    assert path(document, "• boats")[-1].endswith("It holds for:")


def test_a_hollow_bullet_is_a_letter_with_a_gap():
    """Word writes the bullets of its second level as the letter o; an o in running text is none."""
    pieces = (Fragment("o", 80, 85, 740), Fragment("rafts", 98, 123, 740))
    item = Line("o rafts", 80, 123, 740, 740, 11, 10, pieces=pieces)
    document = read([line(754, "• boats"), item, *running(700, 1, "o que ninguém sabia.")])

    assert kinds(document, "item") == ["• boats", "o rafts"]


def test_a_paragraph_goes_on_behind_the_notes_of_its_page():
    """A sentence that runs over a page is one block; the footnotes of its first page stand before it."""
    first = [
        *running(780, 1),
        line(740, FULL),
        line(728, FULL),
        line(60, "1 Measured by the keeper.", em=7),
        line(51, "2 See the log.", em=7),
    ]
    document = read(first, [line(780, "then it was sold."), *running(750, 1)])

    assert kinds(document, "footnote") == ["1 Measured by the keeper.", "2 See the log."]
    assert f"{FULL} {FULL} then it was sold." in kinds(document, "paragraph")
    assert document.parts[1].startswith("then it was sold.")


def test_a_starred_note_needs_no_small_type():
    """A mark that stands behind a word above makes a footnote of the paragraph that it begins."""
    document = read(
        [*running(780, 1, "three per building.*"), line(740, "* Decision 7 of the city.")]
    )

    assert kinds(document, "footnote") == ["* Decision 7 of the city."]


def test_captions_name_figures_and_tables():
    """What begins with a figure's or table's number is its caption; a sentence that speaks of one is none."""
    document = read(
        [
            line(780, "Figure 3: The crane in the year 1912"),
            *running(750, 1),
            line(700, "Table 2 shows what the crane lifted each year."),
        ]
    )

    assert kinds(document, "caption") == ["Figure 3: The crane in the year 1912"]


def test_running_heads_part_nothing_and_head_nothing():
    """The first of the heads that each page repeats stays beside the text."""
    pages = [
        [line(810, "HARBOUR REPORT", em=8), line(780, FULL), line(768, FULL), line(756, FULL)],
        [line(810, "HARBOUR REPORT", em=8), line(780, "until it was closed."), *running(750, 1)],
        [line(810, "HARBOUR REPORT", em=8), *running(780, 1)],
    ]

    document = read(*pages)

    assert "".join(document.parts).count("HARBOUR REPORT") == 1
    assert kinds(document, "heading") == kinds(document, "title") == []
    assert any(
        one.endswith("until it was closed.") and FULL in one for one in kinds(document, "paragraph")
    )


def test_terms_with_indented_meanings():
    """Two or more short lines with an indented paragraph below each are terms; one alone is not."""
    pairs = [
        ("Lane hour", "An hour in which one lane is kept."),
        ("Token", "A coin that opens one locker."),
    ]
    lines = [
        one
        for at, (term, meaning) in enumerate(pairs)
        for one in (line(780 - 40 * at, term), line(767 - 40 * at, meaning, left=80))
    ]

    assert kinds(read(lines), "term") == ["Lane hour", "Token"]
    assert path(read(lines), "A coin") == ["Token"]
    assert kinds(read([*lines[:2], *running(700, 1)]), "term") == []


def test_fields_of_a_form():
    """A label with a value is a field; other words of its line stay."""
    pieces = (Fragment("Name:", 60, 85, 780, "Ada"), Fragment("Town ____", 200, 240, 780, "York"))
    form = Line("Name: Town ____", 60, 240, 780, 780, 11, 10, pieces=pieces)

    document = read([form, *running(740, 1)])

    assert kinds(document, "field") == ["Name: Ada", "Town: York"]


def test_labels_with_a_gap_before_their_values_are_fields():
    """Rows of labels that end with a colon are fields, not a table."""
    rows = [("Date:", "3 May"), ("Number:", "17"), ("Customer:", "Ada")]
    lines = [
        Line(f"{a} {b}", 60, 330, top, top, 11, 10, pieces=(Fragment(a, 60, 100, top), Fragment(b, 300, 330, top)))
        for top, (a, b) in zip((780, 765, 750), rows, strict=True)
    ]  # fmt: skip

    assert kinds(read(lines), "field") == ["Date: 3 May", "Number: 17", "Customer: Ada"]


def table(top: float, rows: Sequence[Sequence[str]]) -> list[Line]:
    """Lines whose pieces stand in columns."""
    return [
        Line(
            " ".join(row),
            60,
            500,
            top - 16 * at,
            top - 16 * at,
            11,
            10,
            pieces=tuple(
                Fragment(text, 60 + 150 * column, 60 + 150 * column + 5 * len(text), top - 16 * at)
                for column, text in enumerate(row)
            ),
        )
        for at, row in enumerate(rows)
    ]


ROWS = [["Zone", "Day", "Month"], ["Inner", "3.20", "61.00"], ["Outer", "4.80", "82.00"]]


def test_tables_are_lines_of_cells():
    """A row is a line with bars; each cell knows its column's head, each row its key."""
    document = read([*running(780, 1), *table(740, ROWS), *running(680, 1)])
    text = "".join(document.parts)

    assert "\n\nZone | Day | Month\nInner | 3.20 | 61.00\nOuter | 4.80 | 82.00\n\n" in text
    cell = next(one for one in document.blocks if text[one.start : one.end] == "82.00")
    row = document.blocks[cell.parent or 0]
    assert [text[document.blocks[at].start : document.blocks[at].end] for at in cell.header] == [
        "Month"
    ]
    assert row.key is not None
    assert text[document.blocks[row.key].start : document.blocks[row.key].end] == "Outer"


def test_an_empty_cell_keeps_the_others_in_their_columns():
    """A missing cell leaves its bar."""
    rows = [*table(740, ROWS), *table(692, [["Far", "", "99.00"]])]
    pieces = tuple(piece for piece in rows[-1].pieces if piece.text)
    rows[-1] = Line("Far 99.00", 60, 500, 692, 692, 11, 10, pieces=pieces)

    assert "Far | | 99.00" in "".join(read(rows).parts)


def test_a_table_goes_on_on_the_next_page():
    """Its heads are not repeated, name the columns there too, and what was cut off a row is put back."""
    second = [*table(780, [ROWS[0], ["Far", "6.10", "99.00"], ["Sea", "7.30", "120.00"]])]
    document = read([*running(780, 1), *table(740, ROWS)], [*second, *running(700, 1)])
    text = "".join(document.parts)

    assert len(kinds(document, "table")) == 1
    assert text.count("Zone | Day | Month") == 1
    assert document.parts[1].startswith("Far | 6.10 | 99.00")
    cell = next(one for one in document.blocks if text[one.start : one.end] == "120.00")
    assert [text[document.blocks[at].start : document.blocks[at].end] for at in cell.header] == [
        "Month"
    ]


def test_code_keeps_its_lines():
    """Lines in a font of one width are code, indented as they stand; a typed document is no code."""
    code = [
        line(740, "if ready {", mono=True),
        line(728, "start", left=78, mono=True),
        line(716, "}", mono=True),
    ]

    assert kinds(read([*running(780, 2), *code]), "code") == ["if ready {\n   start\n}"]
    assert kinds(read(code), "code") == []


def test_what_words_alone_show_is_taken_from_the_layout_of_text():
    """Records, fields and who speaks are found as in text without markup; headings only where no font shows any."""
    address = [
        line(top, text)
        for top, text in zip(
            (780, 768, 756), ("Harbour Office", "Dock Street 5", "Phone 555 2031"), strict=True
        )
    ]
    other = [
        line(top, text)
        for top, text in zip(
            (720, 708, 696), ("Customs House", "Quay 1", "Phone 555 4400"), strict=True
        )
    ]
    plain = read([line(780, "Berths"), *running(750, 1), line(700, "Crane"), *running(670, 1)])
    styled = read([line(780, "Rules", em=16), line(750, "Berths"), *running(720, 1)])

    assert kinds(read([*address, *other]), "row") == [
        "Harbour Office\nDock Street 5\nPhone 555 2031",
        "Customs House\nQuay 1\nPhone 555 4400",
    ]
    assert "Crane" in kinds(plain, "heading")
    assert kinds(styled, "heading") == []


def test_lines_without_places_are_joined_by_their_words():
    """Where PDFium knows no places, sentences are whole and nothing is claimed of fonts."""
    lines = [Line(text, 0, 0, 0, 0, 0) for text in ("The harbour was", "closed.", "Nobody came.")]

    assert read(lines).parts == ("The harbour was closed.\n\nNobody came.",)


def test_every_word_is_in_a_block():
    """Blocks ascend, lie in the text, and leave nothing but blanks and bars between them."""
    document = read(
        [line(790, "Rules", em=16), *running(760, 2), *table(700, ROWS), line(600, "• one")]
    )
    text = "".join(document.parts)
    leaves = [one for one in document.blocks if one.kind not in {"table", "list", "row"}]

    assert [one.start for one in document.blocks] == sorted(one.start for one in document.blocks)
    assert "".join(_between(text, leaves)).strip(" |\n") == ""


def _between(text: str, blocks: Sequence[Block]) -> list[str]:
    """What stands between blocks."""
    ends = [0, *(one.end for one in blocks)]
    starts = [*(one.start for one in blocks), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]
