"""The structure of text without markup: kinds, and what hangs from what."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language.layout import find_blocks, names_columns
from rag.passages.structure import units_of
from rag.schema import Source, Unit


def units(text: str) -> list[Unit]:
    """The units of a text whose file's name says nothing."""
    return [*units_of(source(text))]


def source(text: str) -> Source:
    """A source of plain text."""
    return Source(source_id=".txt", title="", text=text, sha256="", media_type="text/plain")


def shown(text: str) -> list[str]:
    """Each unit as `kind: words ‹ what it hangs from`, the innermost part alone."""
    return [
        f"{unit.kind}: {' '.join(text[unit.start : unit.end].split())}"
        + (f" ‹ {unit.path[-1].text}" if unit.path else "")
        for unit in units(text)
    ]


def hangs(text: str, words: str) -> list[str]:
    """What the unit that holds some words hangs from, the outermost first."""
    [unit] = [unit for unit in units(text) if words in text[unit.start : unit.end]]
    return [one.text for one in unit.path]


def cells(text: str, words: str) -> dict[str, str]:
    """The cells of the row that holds some words, by the names of their columns."""
    [unit] = [
        unit for unit in units(text) if unit.kind == "row" and words in text[unit.start : unit.end]
    ]
    return {cell.name: text[cell.start : cell.end] for cell in unit.cells}


FAQ = {
    "numbers": "1. When do you open?\nAt nine.\n\n2. Is it free?\nYes.",
    "numbers and brackets": "1) When do you open?\n\n   At nine.\n\n2) Is it free?\n\n   Yes.",
    "Q and A": "Q: When do you open?\nA: At nine.\n\nQ: Is it free?\nA: Yes.",
    "words": "Question 1. When do you open?\nAnswer. At nine.\n\nQuestion 2. Is it free?\nAnswer. Yes.",
    "lines": "When do you open?\n\nAt nine.\n\nIs it free?\n\nYes.",
    "no empty line": "Questions\nWhen do you open?\nAt nine.\nIs it free?\nYes.",
    "German": "Frage 1: When do you open?\nAntwort: At nine.\n\nFrage 2: Is it free?\nAntwort: Yes.",
}


@pytest.mark.parametrize("style", FAQ)
def test_answers_hang_from_their_questions(style: str) -> None:
    """However the questions of an FAQ are written, each answer hangs from its own."""
    text = FAQ[style]

    assert "When do you open?" in hangs(text, "At nine.")[-1]
    assert "Is it free?" in hangs(text, "Yes.")[-1]
    asked = [one for one in shown(text) if "?" in one.partition(" ‹ ")[0]]
    assert ["question", "question"] == [one.partition(":")[0] for one in asked]


PROSE = (
    "The lamp was lit for the first time on 3 May 1871, by a keeper whose name we do\n"
    "not know. He had come from the south, people said, and had brought a dog. Who was\n"
    "he? Nobody could say. The register has only wages: four pounds a quarter, and in\n"
    "1874. Then nothing more. He left in the year\n"
    "1880. What became of him is not known.\n\n"
    '"Are you coming?" she asked.\n\n"Then when?"\n\n"Not yet," he said.\n\n'
    "– And you?\n\n– No, said the other.\n\n"
    "A. Berg founded the firm with two brothers and a horse, and sold it in the spring.\n\n"
    "The river takes the morning in,\nAnd keeps it till the noon,\n"
    "A heron stands as still as tin\nBeneath a paper moon."
)


def test_prose_stays_prose() -> None:
    """Wrapped lines, rhetoric, speech, initials and verses make no headings, records or lists."""
    assert {"paragraph"} == {unit.kind for unit in units(PROSE)}


def test_clauses_hang_from_each_other_by_how_they_are_counted() -> None:
    """A letter lies in its clause, with and without an indent; the next clause does not lie in the letter."""
    text = (
        "LEASE\n\n1. Rent\n\n1.1 The rent is 900 euros.\n\n1.2 The deposit is\n(a) one rent, if limited;\n"
        "(b) two rents otherwise.\n\n1.3 It is due in March.\n\n2. Term\n\n2.1 The lease ends if\n"
        "    (a) the rent is unpaid;\n    (b) the flat is sold."
    )

    assert ["LEASE", "1. Rent", "1.2 The deposit is"] == hangs(text, "(b) two rents")
    assert ["LEASE", "1. Rent"] == hangs(text, "1.3")
    assert ["LEASE", "2. Term", "2.1 The lease ends if"] == hangs(text, "(a) the rent")


@pytest.mark.parametrize(
    ("text", "words", "path"),
    [
        ("Law\n\nArticle 1\nPurpose\n\nDogs are meant.", "Dogs", ["Law", "Article 1 Purpose"]),
        ("Satzung\n\n§ 2 Anmeldung\n(1) Mit Ausweis.\n(2) Ab 14.", "Ab 14", ["Satzung", "§ 2 Anmeldung"]),
        ("STATUTS\n\nArticle 1er - Nom\nElle s'appelle Canal.", "Canal", ["STATUTS", "Article 1er - Nom"]),
        ("CONTRATO\n\nPRIMERA. Objeto\nEs.\n\nSEGUNDA. Precio\nSon 600.", "600", ["CONTRATO", "SEGUNDA. Precio"]),
        ("Report\n\n2 Members\n\n2.1 Number\n\nThere are 412.", "412", ["Report", "2 Members", "2.1 Number"]),
        ("Manual\n======\n\nFull\n----\n\nOn Sunday.\n\nPart\n----\n\nDaily.", "Daily", ["Manual", "Part"]),
    ],
)  # fmt: skip
def test_sections_are_known_by_how_they_are_headed(text: str, words: str, path: list[str]) -> None:
    """Articles, paragraphs, numbers, ordinals and rules head what follows, in several languages."""
    assert path == hangs(text, words)


def test_a_title_is_told_from_the_first_section() -> None:
    """What is written otherwise than the sections names the whole; a name above an address does too."""
    assert "title: MINUTES" == shown("MINUTES\n\n1. Budget\n\nIt is fine.")[0]
    assert (
        "title: Ingrid Solberg"
        == shown("Ingrid Solberg\n12 Quay Street\n\nSKILLS\n\nNorwegian, fluent.")[0]
    )
    assert "heading: NAME" == shown("NAME\n    snap copies.\n\nOPTIONS\n    None.")[0]


def test_a_glossary_is_terms_with_their_meanings() -> None:
    """An indented meaning, one behind a colon, and one behind a dash belong to their term."""
    indented = (
        "Terms\n\nEscrow\n    Money held by others.\n\nLien\n    A right to keep.\n    It ends."
    )
    dashes = "Terms\n\nBow - the front\nPort - the left, looking forward\nStern - the rear"

    assert "Lien" == hangs(indented, "It ends.")[-1]
    assert "term: Escrow ‹ Terms" in shown(indented)
    assert "Escrow" == hangs("Escrow\n: Money held.", "Money")[-1]
    assert ["field: Port - the left, looking forward ‹ Terms"] == [
        one for one in shown(dashes) if "Port" in one
    ]


def test_a_form_is_labels_with_values() -> None:
    """Labels, dotted lines and boxes; a line above some of them heads these alone."""
    text = (
        "FORM\n\nName: Paul\nBorn: 1980\n\nBlood ........ A+\nDoctor ........ Nguyen\n\n"
        "Shots:\n[x] Tetanus\n[ ] Measles\n\n"
        "Emergency contact\nName: Lea\nPhone: 222\n\nSigned in May."
    )

    assert ["FORM"] == hangs(text, "Paul")
    assert ["FORM", "Emergency contact"] == hangs(text, "Lea")
    assert ["FORM", "Shots:"] == hangs(text, "Measles")
    assert ["FORM"] == hangs(text, "Signed")
    assert "field: Blood ........ A+ ‹ FORM" in shown(text)


def test_lines_with_figures_are_a_list() -> None:
    """Ingredients are items under their line, and the price list's groups head their prices."""
    recipe = "Cake\n\nIngredients\n225 g butter\n4 eggs\n2 lemons\n\nMethod\n1. Beat.\n2. Bake."
    prices = "SALON\n\nWomen\nCut ........ 42\nColour ........ 65\nMen\nCut ........ 24"

    assert ["Cake", "Ingredients"] == hangs(recipe, "4 eggs")
    assert ["item: 1. Beat. ‹ Method", "item: 2. Bake. ‹ Method"] == shown(recipe)[-2:]
    assert ["SALON", "Men"] == hangs(prices, "24")


def test_columns_keep_their_names() -> None:
    """A first row that lacks the corner, tabs, boxes of signs, and an option whose meaning goes on."""
    gaps = (
        "          Low season   High season\n"
        "Tent          9 €          14 €\n"
        "Dog           2 €           3 €"
    )
    tabs = "Leaves\tArrives\tDays\n06:30\t07:15\tdaily\n09:00\t\tSunday"
    boxes = "+----+----+\n| Size | Chest |\n+====+====+\n| S | 92 |\n+----+----+\n| M | 98 |\n+----+----+"
    options = "-n, --dry-run   Only show\n-k, --keep=N    Keep the last; the\n                default is 5"

    assert {"": "Dog", "Low season": "2 €", "High season": "3 €"} == cells(gaps, "Dog")
    assert {"Leaves": "09:00", "Arrives": "", "Days": "Sunday"} == cells(tabs, "09:00")
    assert {"Size": "M", "Chest": "98"} == cells(boxes, "98")
    assert ["row", "row"] == [unit.kind for unit in units(options)]
    assert "default is 5" in options[units(options)[1].start : units(options)[1].end]


def test_a_row_of_values_names_no_columns() -> None:
    """Years of a life, labels with values and a first pair of values are no names; a series of years is."""

    def are_names(first: list[str], *below: list[str]) -> bool:
        text, rows = "", []
        for row in (first, *below):
            rows.append([])
            for cell in row:
                rows[-1].append((len(text), len(text) + len(cell)))
                text += f"{cell} "
        return names_columns(text, rows[0], rows[1:])

    assert are_names(["Room", "Seats"], ["Aula", "220"], ["Lab", "16"])
    assert are_names(["Region", "2022", "2023"], ["North", "12", "14"])
    assert are_names(["Term", "Meaning"], ["Bow", "the front of a boat"])
    assert not are_names(["2009–2014", "Biology"], ["2006–2009", "Chemistry"])
    assert not are_names(["Founded", "1931"], ["Members", "412"])
    assert not are_names(["Chair", "Ann Berg"], ["Treasurer", "Ben Dahl"])
    assert not are_names(["Name:", "Ann"], ["Age:", "40"])


TALKS = {
    "colons": "ANN: When is it?\n\nBO: In June. It is far.\n\nANN: Thank you, that helps a lot.",
    "stamps": "[00:03] Ann: When is it?\n[00:09] Bo: In June. It is far.\n[00:12] Ann: Thanks!",
    "messenger": "12/03/24, 18:02 - Ann: When is it?\n12/03/24, 18:05 - Bo: In June\n12/03/24, 18:06 - Ann: Thanks!",
    "heads": "ann  9:14 AM\nWhen is it?\n\nbo  9:16 AM\nIn June.\n\nann  9:17 AM\nThanks!",
    "heads with time first": "[10:02] Ann Lee\nWhen is it?\n\n[10:03] Bo Ek\nIn June.\n\n[10:05] Ann Lee\nThanks!",
    "nicks": "[21:03] <ann> When is it?\n[21:04] <bo> In June.\n[21:05] <ann> Thanks!",
}


@pytest.mark.parametrize("style", TALKS)
def test_who_answers_is_known(style: str) -> None:
    """What is said hangs from who says it, an answer from its question, and thanks no longer from that."""
    text = TALKS[style]
    answer, thanks = " ".join(hangs(text, "In June")), " ".join(hangs(text, "Than"))

    assert "When is it?" in answer
    assert "bo" in answer.casefold()
    assert "When is it?" not in thanks
    assert "ann" in thanks.casefold()


def test_labels_that_come_back_are_no_speakers() -> None:
    """Contacts with the same labels are records, each as a whole."""
    text = "Name: Ann\nRoom: 4\nPhone: 12\n\nName: Bo\nRoom: 5\nPhone: 13"

    assert ["row: Name: Ann Room: 4 Phone: 12", "row: Name: Bo Room: 5 Phone: 13"] == shown(text)


def test_a_reply_below_a_quoted_question_hangs_from_it() -> None:
    """Replies between the lines belong to what they reply to; a forwarded mail begins anew."""
    text = (
        "From: Ken\nTo: Devs\nSubject: Release\n\n> When do we release?\n\nOn 12 May.\n\n"
        "> Who writes?\n\nI do.\n\n"
        "-----Original Message-----\nFrom: Eve\nSubject: Test\n\nIt costs 430."
    )

    assert ["From: Ken", "Subject: Release", "When do we release?"] == hangs(text, "12 May")
    assert ["From: Ken", "Subject: Release", "Who writes?"] == hangs(text, "I do")
    assert ["From: Eve", "Subject: Test"] == hangs(text, "430")


def test_deeper_lines_behind_a_colon_are_code() -> None:
    """A command below its sentence is announced by it."""
    text = "Backups\n\nTo run it by hand:\n\n    backupctl run --now\n\nIt takes an hour."

    assert "code: backupctl run --now ‹ To run it by hand:" in shown(text)
    assert ["Backups"] == hangs(text, "an hour")


def test_dated_lines_stand_alone() -> None:
    """Each entry of a log is a unit."""
    text = "2024-06-01 03:12 INFO Started\n2024-06-01 03:13 WARN Disk full\n2024-06-01 03:15 ERROR Failed"

    assert 3 == len(units(text))


BITS = [
    "Name: Ann\n", "Q: why?\n", "A: so\n", "- item\n", "1. one\n", "(a) x\n", "\n", "> q\n", ">\n", "Title\n",
    "=====\n", "a | b\n", "| b\n", "|---|---|\n", "x   y   z\n", "Price .... 4\n", "From: a@b\nTo: c\n",
    "00:00:01 --> 00:00:02\n", ": def\n", "    indented\n", "TERM\n    def. here\n", "Article 3\n", "# head\n",
    "Is it so?\n", "2024-01-02 x\n", "a\tb\n", "* * *\n", "Term - meaning\n", "+---+\n", "Tel 12\nX\nY\n",
    "[10:02] Bob Ray: hi there.\n", "ann  9:14 AM\n", "word " * 9,
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(BITS), max_size=14).map("".join))
def test_no_text_is_lost(text: str) -> None:
    """Parents stand before what hangs from them, and every character that is not blank is in a unit."""
    blocks = find_blocks(text)

    assert [] == [
        at for at, one in enumerate(blocks) if one.parent is not None and one.parent >= at
    ]
    assert [] == [
        one for one in blocks if not 0 <= one.start <= one.end <= len(text) or one.key == 0
    ]
    held = {at for unit in units(text) for at in range(unit.start, unit.end)}
    assert [] == [at for at, char in enumerate(text) if not char.isspace() and at not in held]


@pytest.mark.parametrize(
    "piece", ["Name: a\n", "- a\n", "1. a b\n\n", "a   b\n", "Why?\nso\n", "> a\n>\n", "(a) x\n", "T\n    d e f.\n\n"]
)  # fmt: skip
def test_time_grows_with_the_text(piece: str) -> None:
    """Thousands of lines of one kind take seconds, not minutes."""
    start = time.perf_counter()
    find_blocks(piece * 6_000)

    assert time.perf_counter() - start < 10
