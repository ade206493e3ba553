"""Tables on a page: which pieces of lines are cells of one, in which row and column, and what is none."""

from __future__ import annotations

from rag.sources.pdf_cells import with_rows
from rag.sources.pdf_page import Fragment, Line, PdfPage, Stroke
from rag.sources.pdf_tables import PdfTable, find_tables


def line(top: float, *pieces: tuple[float, str], bold: bool = False) -> Line:
    """A line of 10 points whose pieces begin at these places; a letter is 5 points wide."""
    made = tuple(Fragment(text, left, left + 5 * len(text), top) for left, text in pieces)
    return Line(
        " ".join(piece.text for piece in made),
        made[0].left,
        made[-1].right,
        top,
        top,
        size=11.0,
        em=10.0,
        bold=bold,
        pieces=made if len(made) > 1 else (),
    )


def page(*lines: Line, rules: tuple[Stroke, ...] = ()) -> PdfPage:
    """A page with these lines and rules."""
    return PdfPage(frozenset({"1"}), lines, rules)


def grid(xs: list[float], ys: list[float]) -> tuple[Stroke, ...]:
    """The rules of a full grid."""
    along = [Stroke(xs[0], y, xs[-1], y) for y in ys]
    return (*along, *(Stroke(x, min(ys), x, max(ys)) for x in xs))


def texts(table: object) -> list[list[str]]:
    """The words of each row's cells."""
    assert isinstance(table, PdfTable)
    return [[cell.text for cell in row] for row in table.rows]


def test_pieces_below_each_other_are_a_table():
    """Rows whose pieces stand in columns are a table; its first row names the columns, and text around it stays."""
    before, after = line(780, (60, "Prices hold from May.")), line(700, (60, "Dogs travel free."))
    rows = [
        line(760, (60, "Zone"), (160, "Day"), (260, "Month")),
        line(740, (60, "Inner"), (160, "3.20"), (260, "61.00")),
        line(720, (60, "Outer"), (160, "4.80"), (260, "82.00")),
    ]

    found = find_tables(page(before, *rows, after))

    assert found[0] == before
    assert found[2:] == [after]
    assert texts(found[1]) == [
        ["Zone", "Day", "Month"],
        ["Inner", "3.20", "61.00"],
        ["Outer", "4.80", "82.00"],
    ]
    assert found[1].n_heads == 1


def test_labels_and_values_name_no_columns():
    """In two columns the first row is a record as the others are, unless its type says otherwise."""
    pairs = [("Boat", "Albatross"), ("Owner", "Mira Stone"), ("Length", "8.40 m")]
    rows = [line(760 - 20 * at, (60, a), (300, b)) for at, (a, b) in enumerate(pairs)]
    styled = [line(780, (60, "What"), (300, "Which"), bold=True), *rows]

    assert find_tables(page(*rows))[0].n_heads == 0
    assert find_tables(page(*styled))[0].n_heads == 1


def test_a_cell_of_several_lines_is_one():
    """What goes on below a cell, near to it, belongs to its row, in the first column and in another."""
    rows = [
        line(760, (60, "Task"), (260, "Who"), (460, "When")),
        line(740, (60, "Open the water"), (260, "Groundskeeper"), (460, "March")),
        line(720, (60, "Check fences"), (260, "All members of the"), (460, "May")),
        line(708, (260, "northern row")),
        line(688, (60, "Prune the hedge"), (260, "Neighbours"), (460, "July")),
        line(676, (60, "at the gate")),
    ]

    assert texts(find_tables(page(*rows))[0])[2:] == [
        ["Check fences", "All members of the northern row", "May"],
        ["Prune the hedge at the gate", "Neighbours", "July"],
    ]


def test_a_cell_of_several_lines_may_stand_before_its_neighbours():
    """A word processor writes all lines of a cell before the next cell at the height of the first."""
    rows = [
        line(760, (60, "Plot"), (260, "Rent"), (400, "Deposit")),
        line(740, (60, "Medium, up to")),
        line(728, (60, "two hundred metres")),
        line(740, (260, "130 EUR"), (400, "80 EUR")),
        line(700, (60, "Large"), (260, "190 EUR"), (400, "120 EUR")),
    ]

    assert texts(find_tables(page(*rows))[0])[1:] == [
        ["Medium, up to two hundred metres", "130 EUR", "80 EUR"],
        ["Large", "190 EUR", "120 EUR"],
    ]


def test_narrow_gaps_part_columns_where_they_stand_below_each_other():
    """A browser leaves hardly more than a blank between the columns of a plain table."""
    rows = [
        line(760, (60, "Kind"), (92, "Days"), (120, "Renewals")),
        line(742, (60, "Books"), (92, "28"), (120, "2")),
        line(724, (60, "Films"), (92, "7"), (120, "1")),
        line(706, (60, "Tools"), (92, "3"), (120, "none")),
    ]

    assert texts(find_tables(page(*rows))[0])[1] == ["Books", "28", "2"]


def test_gaps_of_running_text_are_no_columns():
    """Words that are set one by one, with a gap after each, are text as long as the gaps do not align."""
    words = "the harbour was enlarged again and again by the people of the town who wanted".split()
    lines = []
    for at in range(5):
        pieces, left = [], 60.0
        for word in words[at:] + words[:at]:
            pieces.append((left, word))
            left += 5 * len(word) + 3
        lines.append(line(760 - 12 * at, *pieces))

    assert find_tables(page(*lines)) == lines


def test_a_numbered_list_is_no_table():
    """The gap behind an item's number or bullet parts no columns."""
    lines = [line(760 - 14 * at, (60, f"{at}."), (80, "Keep the gate shut")) for at in range(1, 5)]
    bullets = [line(660 - 14 * at, (60, "•"), (80, "Keep the gate shut")) for at in range(1, 5)]

    assert find_tables(page(*lines, *bullets)) == [*lines, *bullets]


def test_columns_of_text_are_read_one_after_the_other():
    """Lines that go across two columns of running text are parted, the left column first."""
    left = [f"the left column says its part {at} of the tale" for at in range(6)]
    right = [f"the right column says another part {at} of it" for at in range(5)]
    lines = [
        line(760 - 12 * at, (60, a), (320, b))
        for at, (a, b) in enumerate(zip(left, right, strict=False))
    ]
    lines.append(line(760 - 60, (60, left[5])))

    assert [one.text for one in find_tables(page(*lines))] == [*left, *right]


def test_columns_written_one_after_the_other_are_a_table():
    """Short lines that go down the page again at the same heights are the columns of a table."""
    columns = [
        (60, ["Stop", "Station", "Market", "Harbour"]),
        (200, ["Line 4", "06:10", "06:18", "06:40"]),
        (300, ["Line 9", "06:25", "06:33", "06:52"]),
    ]
    lines = [line(760 - 16 * at, (x, text)) for x, said in columns for at, text in enumerate(said)]
    title, note = line(790, (60, "Buses")), line(690, (60, "No buses run on 25 December."))

    found = find_tables(page(title, *lines, note))

    assert [found[0], found[2]] == [title, note]
    assert texts(found[1])[:2] == [["Stop", "Line 4", "Line 9"], ["Station", "06:10", "06:25"]]
    assert found[1].n_heads == 1


def test_rules_make_cells():
    """In a grid each cell's lines are joined wherever they stand in the order of the page."""
    rules = grid([50, 150, 350, 450], [780, 750, 700, 670])
    lines = [
        line(760, (60, "Room"), (160, "Equipment"), (360, "Price")),
        line(730, (60, "Hall")),
        line(738, (160, "Stage, piano and")),
        line(726, (160, "two projectors")),
        line(730, (360, "120 EUR")),
        line(680, (60, "Studio"), (160, "Mirrors"), (360, "45 EUR")),
    ]

    found = find_tables(page(*lines, rules=rules))

    assert texts(found[0]) == [
        ["Room", "Equipment", "Price"],
        ["Hall", "Stage, piano and two projectors", "120 EUR"],
        ["Studio", "Mirrors", "45 EUR"],
    ]
    assert len(found) == 1


def test_cells_over_several_columns_and_rows():
    """Where no rule parts two cells they are one, and say over what they go."""
    rules = (
        *(Stroke(50, y, 450, y) for y in (780, 720, 660)),
        Stroke(150, 750, 450, 750),
        Stroke(150, 690, 450, 690),
        *(Stroke(x, 660, x, 780) for x in (50, 150, 450)),
        Stroke(300, 660, 300, 750),
    )
    lines = [
        line(745, (60, "Flat")),
        line(760, (260, "Charges")),
        line(730, (160, "Heating"), (310, "Water")),
        line(700, (60, "Large"), (160, "80 EUR"), (310, "35 EUR")),
        line(670, (160, "71 EUR"), (310, "35 EUR")),
    ]

    table = find_tables(page(*lines, rules=rules))[0]

    assert texts(table) == [
        ["Flat", "Charges"],
        ["Heating", "Water"],
        ["Large", "80 EUR", "35 EUR"],
        ["71 EUR", "35 EUR"],
    ]
    assert [(cell.first, cell.last, cell.rows) for cell in table.rows[0]] == [(0, 1, 2), (1, 3, 1)]
    assert table.rows[2][0].rows == 2
    assert table.n_heads == 2


def test_a_frame_is_no_table():
    """One box around text, and a page laid out in boxes of running text, leave the lines as they are."""
    lines = [line(760 - 12 * at, (60, "Words in a box that is drawn")) for at in range(3)]
    long = [line(760, (60, "x" * 90)), *(line(748 - at, (60, "word " * 18)) for at in range(14))]

    assert find_tables(page(*lines, rules=grid([50, 300], [780, 720]))) == lines
    assert find_tables(page(*long, rules=grid([50, 600, 700], [790, 700, 650]))) == long


def test_rules_between_rows_part_them():
    """Rows of several lines, centred beside each other, are parted by the rules between them."""
    rules = tuple(Stroke(50, y, 560, y) for y in (745, 700, 655))
    lines = [
        line(760, (60, "Damage"), (300, "Whom to call"), (460, "How soon"), bold=True),
        line(730, (60, "Broken window on the"), (460, "within two")),
        line(724, (300, "Housing office")),
        line(718, (60, "ground floor"), (460, "days")),
        line(680, (60, "Dripping tap"), (300, "Caretaker"), (460, "in a week")),
    ]

    assert texts(find_tables(page(*lines, rules=rules))[0]) == [
        ["Damage", "Whom to call", "How soon"],
        ["Broken window on the ground floor", "Housing office", "within two days"],
        ["Dripping tap", "Caretaker", "in a week"],
    ]


def test_a_head_over_two_columns_names_both():
    """A head that stands above two others goes over both of their columns."""
    rows = [
        line(780, (60, "Tariff"), (200, "Adults"), (400, "Children"), bold=True),
        line(760, (200, "Day"), (300, "Month"), (400, "Day"), (500, "Month"), bold=True),
        *(
            line(740 - 20 * at, (60, f"Zone {at}"), (200, "1.50"), (300, "30.00"), (400, "1.10"), (500, "18.00"))
            for at in range(3)
        ),
    ]  # fmt: skip

    table = find_tables(page(*rows))[0]

    assert table.n_heads == 2
    assert [(cell.text, cell.first, cell.last) for cell in table.rows[0]] == [
        ("Tariff", 0, 1),
        ("Adults", 1, 3),
        ("Children", 3, 5),
    ]


def test_totals_below_the_last_columns_are_rows():
    """Labels and sums below the values, as far from each other as rows are, are rows of their own."""
    rows = [
        line(760, (60, "Part"), (200, "Number"), (300, "Price"), (400, "Sum"), bold=True),
        line(744, (60, "Chain"), (200, "2"), (300, "31.00"), (400, "62.00")),
        line(728, (60, "Brake"), (200, "4"), (300, "12.50"), (400, "50.00")),
        line(712, (300, "Tax"), (400, "22.40")),
        line(696, (300, "Total"), (400, "134.40")),
    ]

    assert texts(find_tables(page(*rows))[0])[3:] == [["Tax", "22.40"], ["Total", "134.40"]]


def test_cells_that_were_written_from_top_to_bottom_are_rows():
    """A row whose cells of two lines follow each other is one row, as long as two rows have their columns there."""
    lines = []
    for top, day in ((740, "Friday"), (700, "Saturday")):
        lines += [line(top, (60, day), (160, "Rafts and")), line(top - 12, (160, "kayaks"))]
        lines += [line(top, (300, "Stew by")), line(top - 12, (300, "the oak"))]

    found = find_tables(page(line(760, (60, "Day"), (160, "Morning"), (300, "Evening")), *lines))

    assert [texts(one) for one in found] == [
        [
            ["Day", "Morning", "Evening"],
            ["Friday", "Rafts and kayaks", "Stew by the oak"],
            ["Saturday", "Rafts and kayaks", "Stew by the oak"],
        ]
    ]


def test_two_columns_of_text_are_no_row():
    """Columns that begin at one height once are read one after the other."""
    left = [line(740 - 12 * at, (60, f"left {at} of the text")) for at in range(4)]
    right = [line(740 - 12 * at, (300, f"right {at} of the text")) for at in range(4)]

    assert with_rows([*left, *right]) == [*left, *right]


def test_a_row_in_two_lines_at_one_height_is_one():
    """A first cell that was written by itself belongs to the cells beside it, where that is so of several rows."""
    rows = [line(760, (60, "Room"), (200, "Beds"), (300, "A night"), bold=True)]
    for top, room in ((740, "Gull"), (720, "Puffin"), (700, "Tern")):
        rows += [line(top, (60, room)), line(top, (200, "2"), (300, "54.00"))]

    found = find_tables(page(*rows))

    assert [texts(one) for one in found] == [
        [
            ["Room", "Beds", "A night"],
            *([room, "2", "54.00"] for room in ("Gull", "Puffin", "Tern")),
        ]
    ]


def test_empty_cells_leave_the_columns_that_the_first_row_names():
    """A table of which most rows lack a cell has as many columns as its heads."""
    rows = [
        line(760, (60, "Name"), (160, "Mon"), (260, "Tue"), (360, "Wed")),
        line(740, (60, "Ada"), (160, "early"), (360, "late")),
        line(720, (60, "Bo"), (260, "late")),
        line(700, (60, "Cy"), (160, "late"), (260, "early")),
    ]

    (found,) = find_tables(page(*rows))

    assert [[cell.first for cell in row] for row in found.rows] == [
        [0, 1, 2, 3],
        [0, 1, 3],
        [0, 2],
        [0, 1, 2],
    ]
