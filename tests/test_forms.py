"""The form of an answer's text."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rag.citations import emphases
from rag.cli.layout import answer_lines
from rag.forms import forms
from rag.schema import Statement
from rag.web.conversation import Exchange
from rag.web.export import exported
from rag.web.render import message
from tests.web_fakes import HARBOUR, saying

TABLE = "Costs:\n\n| Room | Price |\n|---|---|\n| North | 40 [1] |\n| South | 55 |"


def answer(text, model="openai:x", *, statements=()):
    """Return an answer of a model with this text."""
    return replace(saying("x", HARBOUR), text=text, model=model, statements=statements)


def read(text, model="openai:x"):
    """Return kind and words of each part of a text."""
    one = answer(text, model)
    return [
        (form.kind, [[text[cell.start : cell.end] for cell in row] for row in form.rows])
        for form in forms(one, 0, len(text))
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. [1]\nTwo.", [("paragraph", [["One. [1]\nTwo."]])]),
        ("One.\n\nTwo.", [("paragraph", [["One."]]), ("paragraph", [["Two."]])]),
        ("## Costs\n- a [1]\n\n- b", [("heading", [["Costs"]]), ("bullets", [["a [1]"], ["b"]])]),
        ("3. c\n4. d", [("numbers", [["c"], ["d"]])]),
        (
            TABLE,
            [
                ("paragraph", [["Costs:"]]),
                ("table", [["Room", "Price"], ["North", "40 [1]"], ["South", "55"]]),
            ],
        ),
        ("| a | b |\n| c | d |", [("paragraph", [["| a | b |\n| c | d |"]])]),
        ("5 | 6\n#7 is out", [("paragraph", [["5 | 6\n#7 is out"]])]),
        ("", []),
    ],
)
def test_a_text_is_read_as_its_parts(text, parts):
    """Paragraphs, headings, lists and tables; rows without a rule under a head are none."""
    assert parts == read(text)


def test_the_words_of_a_source_head_nothing():
    """A comment of a script that is quoted is no heading, and its bars make no table."""
    assert [("paragraph", [["# restart it\n| a |\n|---|\n| b |"]])] == read(
        "# restart it\n| a |\n|---|\n| b |", "extractive:reader"
    )


def test_a_flag_stands_behind_its_row():
    """In a terminal and in what is saved, and the columns stand below each other."""
    start = TABLE.index("| South")
    flagged = Statement(start=start, end=len(TABLE), markers=(), verdict="unsupported", support=0.0)
    one = answer(TABLE, statements=(flagged,))
    lines = ["".join(piece.text for piece in line.pieces) for line in answer_lines(one)]
    assert ["Costs:", "", "Room  | Price", "North | 40 [1]", "South | 55 (not supported)"] == lines[
        :5
    ]
    exchange = Exchange(question="q", answer=one)
    assert "| South | 55 *\\(not supported\\)* |" in exported([exchange], "md", saved_at="now").text
    html = exported([exchange], "html", saved_at="now").text
    assert '<td>55 <span class="flag">not supported</span></td>' in html


@pytest.mark.parametrize(
    ("written", "text", "expected"),
    [
        ("The fee is **20 euros** [1].", "The fee is 20 euros [1].", [("strong", "20 euros")]),
        (
            "Run `rag sync` or __wait__.",
            "Run rag sync or wait.",
            [("code", "rag sync"), ("strong", "wait")],
        ),
        ("A fee: **the fee [2]** is due.", "A fee: the fee [1] is due.", [("strong", "the fee")]),
        ("Of 20 people **20** paid.", "Of 20 people 20 paid.", [("strong", "20")]),
        ("It is **gone**. It stays.", "It stays.", []),
        ("2 ** 3 ** 4 and snake__case__name", "2 ** 3 ** 4 and snake__case__name", []),
        ("**<b>**", "< b>", []),
    ],
)
def test_what_a_model_set_apart_is_found_in_its_answer(written, text, expected):
    """Bold and code, also where sentences went and markers moved; the same words elsewhere are not taken for it."""
    found = emphases(written, text)

    assert expected == [(one.kind, text[one.start : one.end]) for one in found]


def test_the_second_of_two_equal_words_is_the_one_set_apart():
    """By what stands before it."""
    (found,) = emphases("Of 20 people **20** paid.", "Of 20 people 20 paid.")

    assert 13 == found.start


@pytest.mark.parametrize("written", ["**a ", "**a** ", "`a` ", "__a ", "[1]**", "** ** "])
def test_marks_without_end_cost_no_time(written):
    """A model that only sets marks is read in a moment."""
    written *= 20_000
    began = time.process_time()
    emphases(written, written.replace("*", ""))

    assert time.process_time() - began < 2


def test_bold_and_code_are_drawn_as_such_everywhere():
    """In the page, the terminal and saved files, with nothing alive in them."""
    written = "Set **<i>all</i> [1]** by `rm *_x_*` now."
    text = "Set <i>all</i> [1] by rm *_x_* now."
    one = replace(answer(text), emphases=emphases(written, text))

    page = message(Exchange(question="x", answer=one), 0)
    assert "<strong>&lt;i&gt;all&lt;/i&gt;</strong>" in page
    assert "<code>rm *_x_*</code>" in page
    styles = {piece.text: piece.style for line in answer_lines(one) for piece in line.pieces}
    assert ("bold", "green") == (styles["<i>all</i>"], styles["rm *_x_*"])
    saved = exported([Exchange(question="x", answer=one)], "md", saved_at="now").text
    assert "`rm *_x_*`" in saved
    assert r"**\<i\>all\</i\>**" in saved
