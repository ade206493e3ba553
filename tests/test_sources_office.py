"""Office files: what a person sees of slides, sheets and texts is read, with what it hangs from and where it stands."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citations.evidence import place_at
from rag.errors import SourceError
from rag.passages import units_of
from rag.schema import Source
from rag.sources import FoundFile, load
from rag.sources.grid import Sheet, document_of_sheets
from tests.office_fakes import lying_pieces, open_document, related, slides, workbook, zipped
from tests.structure_fakes import check_blocks

FILES = Path(__file__).parents[1] / "eval/data/files/office"
SOURCES = FILES / "sources"
MOST = 10_000_000


@cache
def source(name: str) -> Source:
    """One of the documents of the evaluation."""
    return load(FoundFile(name, SOURCES / name), max_bytes=MOST).source


def loaded(tmp_path: Path, name: str, data: bytes) -> Source:
    """A document of these bytes."""
    (tmp_path / name).write_bytes(data)
    return load(FoundFile(name, tmp_path / name), max_bytes=MOST).source


def read_out(of: Source) -> list[tuple[str, str, str]]:
    """The path without the document's name, the words and the place of each unit; a cell behind its column's name."""
    told = []
    for unit in units_of(of):
        path = " › ".join(
            one.text for one in unit.path if one.start < one.end and one.kind != "row"
        )
        words = of.text[unit.start : unit.end]
        if any(cell.name for cell in unit.cells):
            words = "; ".join(f"{one.name}: {of.text[one.start : one.end]}" for one in unit.cells)
        told.append((path, words, place_at(of.places, unit.start)))
    return told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wedding-budget.xlsx", (
            "Budget › Wedding of Mira and Joss – budget › Venue and food",
            "Item: Barn hire; Supplier: Hollow Farm; Quoted: £2,400.00; Deposit paid: £600.00; Balance due: 1 June 2026",
            "sheet Budget, row 6",
        )),
        ("wedding-budget.xlsx", ("Contacts", "Rain plan: move the ceremony to the hayloft", "sheet Contacts, row 4")),
        ("school-timetable-7b.xlsx", (
            "Class 7b › Timetable of class 7b, autumn term",
            "Time: 09:00–09:45; Monday: German; Tuesday: English; Wednesday: Biology lab, double lesson; "
            "Thursday: History; Friday: Music, room 204",
            "sheet Class 7b, row 4",
        )),
        ("household-bills-2026.xlsx", (
            "Bills › Contracts", "Provider: Skynet Broadband; Ends on: 30/11/2026; Notice: 3 months", "sheet Bills, row 5",
        )),
        ("car-service-log.xls", (
            "Services › Škoda Fabia, registration KT-RW 417",
            "Date: 07/11/2025; Mileage: 69,315 km; Garage: Werkstatt Kolb; Work done: timing belt and water pump; "
            "Cost: €874.50",
            "sheet Services, row 7",
        )),
        ("allotment-accounts.xls", (
            "2025 › Green Lane Allotments: accounts 2025 › Spending",
            "Purpose: Water; Paid to: Vale Water; Amount: £622.40; Share: 41%",
            "sheet 2025, row 11",
        )),
        ("hill-league.ods", (
            "Fixtures",
            "When Day: Saturday 11 April; When Kick-off: 16:30; Teams Home: Brook End; Teams Away: Old Priory; "
            "Pitch: School field",
            "sheet Fixtures, row 4",
        )),
        ("camping-checklist.ods", (
            "Packing", "Box: Blue box; Thing: tick remover; Who brings it: Priya; Packed: no", "sheet Packing, row 6",
        )),
        ("garden-annual-meeting.pptx", (
            "What we did in 2025 › New compost bays", "- three bays of larch", "slide 2",
        )),
        ("garden-annual-meeting.pptx", (
            "What we did in 2025 › Notes", "Thank the scouts: they rebuilt the fence in two weekends.", "slide 2",
        )),
        ("garden-annual-meeting.pptx", (
            "Rain water collected", ": June; Litres 2024: 960; Litres 2025: 1,175", "slide 4",
        )),
        ("first-aid-refresher.pptx", ("Recovery position", "2. Place the near arm at a right angle.", "slide 2")),
        ("first-aid-refresher.pptx", (
            "Where the equipment is",
            "Equipment: Defibrillator; Main pool Place: wall by the showers; Main pool Checked by: Tamsin, weekly; "
            "Teaching pool Place: reception",
            "slide 3",
        )),
        ("danube-bike-tour.odp", ("Stages", "Day: 3; From: Linz; To: Grein; Distance: 61 km", "slide 2")),
        ("danube-bike-tour.odp", ("What to bring › Lights", "- a dynamo is enough", "slide 3")),
        ("danube-bike-tour.odp", ("What to bring › Notes", "Ulla has the pump and the chain tool.", "slide 3")),
        ("holiday-flat.odt", (
            "Agreement on the holiday flat at Seeblick 4 › House rules › Pets:", "- one dog up to 15 kg", "",
        )),
        ("thursday-kitchen.odt", (
            "Recipes of the Thursday kitchen › Plum crumble", "3. Bake at 190 °C until the top is golden.", "",
        )),
        ("flat-inventory.rtf", (
            "Inventory at moving in › Rooms › Kitchen", "Thing: Fridge; State: new", "",
        )),
        ("choir-minutes.rtf", (
            "Minutes of the choir committee › Decisions", "- New folders are ordered from Notenhaus Klang.", "",
        )),
        ("choir-minutes.rtf", (
            "Minutes of the choir committee › Money › State of the accounts on 31 December:",
            "Account: Cash box; Balance Held by: €48.25, kept by Zoë",
            "",
        )),
        ("care-plan-elsie.doc", (
            "Care plan for Grandma Elsie › Visits › Wednesday: physiotherapy at home", "- exercises for the left hip", "",
        )),
        ("driving-school.doc", (
            "Terms of the driving school Kurve › Prices",
            "Lesson: Night; Car 45 minutes: €72; Car 90 minutes: €140; Motorbike 45 minutes: €78",
            "",
        )),
        ("driving-school.doc", (
            "Terms of the driving school Kurve › Booking and cancelling",
            "2. A lesson cancelled less than 24 hours before is charged in full.",
            "",
        )),
    ],
)  # fmt: skip
def test_what_a_person_sees_is_read_with_its_path_and_place(name, told):
    """A row has its columns' names and its section, an item what it is nested in, and each its slide or sheet and row.

    Seen to fail without merged cells, number formats, levels of bullets, styles of headings and codes of lists.
    """
    assert told in read_out(source(name))


@pytest.mark.parametrize("name", sorted(path.name for path in SOURCES.iterdir()))
def test_blocks_and_places_lie_in_the_text(name):
    """Blocks are sound, places ascend and do not overlap, and nothing hidden is said."""
    held = source(name)

    check_blocks(held.text, held.blocks)
    ends = [0, *(one.end for one in held.places)]
    assert all(end <= one.start < one.end for end, one in zip(ends, held.places, strict=False))
    assert "secret" not in held.text
    assert "Fire-eater" not in held.text


def test_a_slide_is_a_page():
    """Pages and places of a presentation begin together."""
    held = source("danube-bike-tour.odp")

    assert held.pages == tuple(one.start for one in held.places)
    assert [f"slide {number}" for number in range(1, 6)] == [one.name for one in held.places]


def test_every_evidence_of_the_questions_stands_in_its_source():
    """Each question that is answered has words of its file for it, and a third and more ask for cells of tables."""
    lines = (FILES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]

    for one in asked:
        for found in one.get("evidence", ()):
            text = source(found["source_id"]).text
            assert text[found["start"] : found["end"]].strip()
        assert one["answerable"] == bool(one.get("evidence"))
    assert {path.name for path in SOURCES.iterdir()} == {
        found["source_id"] for one in asked for found in one.get("evidence", ())
    }
    assert 3 * sum(one["kind"] == "table_cell" for one in asked) >= len(asked)


def sheet(rows: list[list[str]], **more: object) -> list[tuple[str, str, str]]:
    """What is read of a sheet of these rows; an empty text is an empty cell."""
    cells = {(r, c): text for r, row in enumerate(rows) for c, text in enumerate(row) if text}
    document = document_of_sheets([Sheet(name="Sheet1", cells=cells, **more)], "")
    text = "".join(document.parts)
    return read_out(
        Source(
            source_id="a.xlsx", title="", text=text, sha256="", media_type="",
            blocks=document.blocks, places=document.places,
        )
    )  # fmt: skip


def test_labels_with_values_are_no_table():
    """Two columns without names are fields."""
    told = sheet([["Tenant", "Ann Lee"], ["Rent", "€900"], ["Pets", "none"]])

    assert ["Tenant: Ann Lee", "Rent: €900", "Pets: none"] == [words for _, words, _ in told]


def test_a_total_below_an_empty_row_belongs_to_its_table():
    """It has the names of the columns above; a note below has none."""
    told = sheet([
        ["Item", "Qty", "Price"], ["Paint", "2", "€30"], ["Brush", "1", "€4"], [],
        ["Total", "", "€64"], [], ["Paid by:", "Ann"],
    ])  # fmt: skip

    assert ("", "Item: Total; Price: €64", "sheet Sheet1, row 5") in told
    assert ("", "Paid by: Ann", "sheet Sheet1, row 7") in told


def test_a_total_stands_in_the_columns_of_numbered_rows_too():
    """Its blank cells keep their places; seen to fail: the area stood below the tenants."""
    rows = [
        ["Plot", "Tenant", "Area"],
        ["3", "Marsh", "210"],
        ["7", "Osei", "300"],
        [],
        ["Total", "", "510"],
    ]
    assert ("", "Plot: Total; Area: 510", "sheet Sheet1, row 5") in sheet(rows)


def test_tables_beside_each_other_are_two():
    """An empty column parts them; a column that is only left empty in one table does not."""
    told = sheet([
        ["Name", "Age", "", "Town", "Zip"], ["Ann", "31", "", "Kiel", "24103"], ["Bob", "40", "", "Jena", "07743"],
        ["Cem", "27", "", "Bonn", "53111"],
    ])  # fmt: skip

    assert ("", "Name: Ann; Age: 31", "sheet Sheet1, row 2") in told
    assert ("", "Town: Jena; Zip: 07743", "sheet Sheet1, row 3") in told


def test_one_cell_in_bold_heads_the_rows_below():
    """A section of a table is a part of the path of its rows."""
    rows = [["Dish", "Price", "Size"], ["Soups"], ["Leek", "€5", "S"], ["Beet", "€6", "L"]]

    told = sheet(rows, strong=frozenset({(1, 0)}))

    assert ("Soups", "Dish: Beet; Price: €6; Size: L", "sheet Sheet1, row 4") in told


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 12), st.integers(0, 8)),
        st.sampled_from(["a", "Name", "Two words.", "7", "€12.50", "Total", "Ends:", "2024"]),
        max_size=40,
    ),
    st.lists(st.tuples(*[st.integers(0, 12)] * 4), max_size=3),
    st.frozensets(st.tuples(st.integers(0, 12), st.integers(0, 8)), max_size=6),
)
def test_any_grid_is_read_whole(cells, merged, strong):
    """Whatever stands where, each cell is written, and blocks are sound."""
    document = document_of_sheets(
        [Sheet(name="One", cells=cells, merged=merged, strong=strong)], ""
    )
    text = "".join(document.parts)

    check_blocks(text, document.blocks)
    for said in set(cells.values()):
        assert said.rstrip(":") in text


def test_cells_without_places_stand_behind_each_other(tmp_path):
    """Some writers leave the references out; texts may be inline, and dates and percents have formats."""
    held = loaded(tmp_path, "a.xlsx", workbook(
        '<worksheet><sheetData><row><c t="inlineStr"><is><r><t>Day</t></r><r><t>s</t></r></is></c>'
        '<c t="str"><v>Share</v></c><c t="inlineStr"><is><t>Note</t></is></c></row><row><c s="1"><v>46095</v></c><c s="2"><v>0.25</v></c>'
        '<c t="b"><v>1</v></c></row></sheetData></worksheet>',
        styles='<s><numFmts><numFmt numFmtId="170" formatCode="d\\. mmm yyyy"/></numFmts><cellXfs><xf/>'
        '<xf numFmtId="170"/><xf numFmtId="9"/></cellXfs></s>',
    ))  # fmt: skip

    assert ("One", "Days: 14. Mar 2026; Share: 25%; Note: TRUE", "sheet One, row 2") in read_out(
        held
    )


def test_shapes_in_groups_are_on_the_slide_and_its_number_is_not(tmp_path):
    """What is grouped is read, what says the same on each slide is not, and a chart that is nowhere is none."""
    held = loaded(tmp_path, "a.pptx", slides(
        '<sld xmlns:r="r"><grpSp><sp><txBody><p><r><t>In a group</t></r></p></txBody></sp></grpSp>'
        '<sp><nvPr><ph type="sldNum"/></nvPr><txBody><p><r><t>17</t></r></p></txBody></sp>'
        '<graphicFrame><chart r:id="../../etc/passwd"/></graphicFrame></sld>',
    ))  # fmt: skip

    assert "In a group" == held.text.strip()


def test_text_boxes_notes_and_comments_of_a_text_are_read_once(tmp_path):
    """What hangs from a paragraph follows it; a text box in a text box is no reason to say it twice."""
    data = open_document(
        "<content><body><text><p>Before<note><note-body><p>A note.</p></note-body></note> after"
        "<frame><text-box><p>Box<frame><text-box><p>Inner</p></text-box></frame></p></text-box></frame>"
        "<annotation><creator>Ann</creator><p>Check this.</p></annotation></p></text></body></content>"
    )

    text = loaded(tmp_path, "a.odt", data).text

    assert ["Before after", "A note.", "Box", "Inner", "Comment by Ann: Check this."] == text.split(
        "\n\n"
    )


def test_a_text_whose_length_is_a_lie_is_refused(tmp_path):
    """A .doc that says to be longer than any document is never allocated."""
    with pytest.raises(SourceError) as caught:
        loaded(tmp_path, "a.doc", lying_pieces((SOURCES / "driving-school.doc").read_bytes()))

    assert "too_large" == caught.value.reason


@pytest.mark.parametrize("name", sorted(path.name for path in SOURCES.iterdir()))
def test_a_file_that_is_cut_or_overwritten_is_read_or_refused(tmp_path, name):
    """Damage anywhere gives a document or a reason, nothing else."""
    data = (SOURCES / name).read_bytes()
    for at in range(0, len(data), max(1, len(data) // 7)):
        for harmed in (data[:at], data[:at] + b"\xff" * 40 + data[at + 40 :]):
            with suppress(SourceError):
                assert loaded(tmp_path, name, harmed).text.strip()


def test_rich_text_is_read_as_it_shows(tmp_path):
    """Deleted and hidden words, tables of contents and what is only for old readers are left out; a smile is one."""
    data = (
        rb"{\rtf1\ansi{\stylesheet{\s0 Normal;}{\s9 toc 1;}}\pard\s9 Sunshine\tab 3\par\pard\plain Kept {\deleted gone }"
        rb"{\v unseen }words \u-10179?\u-8704?.\par{\upr{plain}{\*\ud{\u26085?}}}\par"
        rb"\trowd\cellx900\cellx1800\pard\intbl A\cell{\pard\intbl\itap2 b\nestcell{\*\nesttableprops\nestrow}}"
        rb"{\nonesttables\par}c\cell\row\pard end\par}"
    )

    text = loaded(tmp_path, "a.rtf", data).text

    assert ["Kept words \U0001f600.", "plain", "A | b; c", "end"] == text.split("\n\n")


def test_a_comment_on_a_cell_is_no_part_of_it(tmp_path):
    """The cell says what it shows."""
    data = open_document(
        "<content><body><spreadsheet><table name='Sheet1'><table-row><table-cell><annotation><p>Really?</p></annotation>"
        "<p>12</p></table-cell></table-row></table></spreadsheet></body></content>"
    )

    assert "12" == loaded(tmp_path, "a.ods", data).text


def test_a_workbook_may_lie_anywhere_in_its_package(tmp_path):
    """The package says where, and a link from the root is as good as a relative one."""
    data = zipped({
        "_rels/.rels": '<r><Relationship Type="http://x/officeDocument" Target="/data/book.xml"/></r>',
        "data/book.xml": '<workbook xmlns:r="r"><sheets><sheet name="One" r:id="a"/></sheets></workbook>',
        "data/_rels/book.xml.rels": related(a="/data/sheet.xml"),
        "data/sheet.xml": '<worksheet><row r="1"><c r="B1" t="str"><v>here</v></c></row></worksheet>',
    })  # fmt: skip

    assert "here" in loaded(tmp_path, "a.xlsx", data).text


def test_a_slide_without_a_title_is_headed_by_its_first_line(tmp_path):
    """Many write the title into a box of its own; a sentence is none."""
    told = [
        f"<sp><txBody><p><r><t>{text}</t></r></p></txBody></sp>"
        for text in ("Opening hours", "We open at nine.")
    ]

    headed = loaded(tmp_path, "a.pptx", slides(f"<sld>{told[0]}{told[1]}</sld>"))
    bare = loaded(tmp_path, "b.pptx", slides(f"<sld>{told[1]}{told[1]}</sld>"))

    assert ("Opening hours", "We open at nine.", "slide 1") in read_out(headed)
    assert ("", "We open at nine.", "slide 1") in read_out(bare)


def test_what_adds_up_all_sections_is_in_none():
    """The last row of a table, where it is a total, hangs from no section."""
    rows = [
        ["Dish", "Price", "Size"],
        ["Soups"],
        ["Leek", "€5", "S"],
        ["Cakes"],
        ["Plum", "€4", "M"],
        ["Total", "€9"],
    ]

    told = sheet(rows, strong=frozenset({(1, 0), (3, 0)}))

    assert ("Cakes", "Dish: Plum; Price: €4; Size: M", "sheet Sheet1, row 5") in told
    assert ("", "Dish: Total; Price: €9", "sheet Sheet1, row 6") in told


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "stream", "table"),
    [("allotment-accounts.xls", "Workbook", 60), ("driving-school.doc", "WordDocument", 76)],
)
def test_a_stream_whose_chain_never_ends_costs_no_time(tmp_path, name, stream, table):
    """A sector that is followed by itself gives a document or a reason: streams have lengths.

    `table` is where the head names the table of sectors, that of short streams or that of long ones. Seen to fail with
    xlrd's own reader of containers, which goes round for ever.
    """
    import olefile

    data = bytearray((SOURCES / name).read_bytes())
    with olefile.OleFileIO(bytes(data)) as file:
        first = next(one.isectStart for one in file.direntries if one and one.name == stream)
    at = 512 * (1 + int.from_bytes(data[table : table + 4], "little")) + 4 * first
    data[at : at + 4] = first.to_bytes(4, "little")

    with suppress(SourceError):
        loaded(tmp_path, name, bytes(data))
