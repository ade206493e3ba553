"""Marked-up texts read as they do once rendered, notebooks cell by cell, programs line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.passages import units_of
from rag.schema import Source
from rag.sources import FoundFile, load
from tests.structure_fakes import check_blocks


def read(folder: Path, name: str, text: str) -> Source:
    """Load a text as a file of this name."""
    (folder / name).write_text(text, encoding="utf-8")
    source = load(FoundFile(name, folder / name), max_bytes=10**6).source
    check_blocks(source.text, source.blocks)
    return source


TEXTS = {
    "a.rst": (
        "======\nSheep\n======\n\nThey eat **grass** and :ref:`hay <h>`.\n\nCare\n----\n\n- Comb ``it``\n  well.\n\n  - Daily.\n\n"
        ".. _label:\n\n.. note:: Be kind.\n\n.. raw:: html\n\n   <b>no</b>\n\n::\n\n   f()\n\n"
        "+------+------+\n| Name | Born |\n+======+======+\n| Ted  | 2001 |\n+------+------+\n"
    ),
    "a.adoc": (
        "= Sheep\n:food: grass\n\nThey eat *{food}* and <<h,hay>>.\n\n== Care\n\n* Comb `it`\nwell.\n** Daily.\n\n"
        "NOTE: Be kind.\n\n// no\ninclude::no[]\n\n----\nf()\n----\n\n|===\n|Name |Born\n\n|Ted\n|2001\n|===\n"
    ),
    "a.org": (
        "#+TITLE: Sheep\n\nThey eat *grass* and [[h][hay]].\n\n* Care :tag:\n- Comb ~it~\n  well.\n  - Daily.\n\nNote: Be kind.\n\n"
        "# no\n:PROPERTIES:\n:a: no\n:END:\n#+BEGIN_SRC c\nf()\n#+END_SRC\n\n| Name | Born |\n|------+------|\n| Ted  | 2001 |\n"
    ),
    "a.tex": (
        "\\documentclass{article}\\newcommand{\\food}{grass}\n\\title{Sheep}\n\\begin{document}\\maketitle\n"
        "They eat \\textbf{\\food} and \\emph{hay}.\n\n\\section{Care}\\label{c}\n\\begin{itemize}\\item Comb \\texttt{it}\nwell.\n"
        "\\begin{itemize}\\item Daily.\\end{itemize}\\end{itemize}\n\nNote: Be kind.\n% no\n\\input{no}\n\\begin{verbatim}\nf()\n\\end{verbatim}\n"
        "\\begin{tabular}{ll}\\hline Name & Born \\\\ \\hline Ted & 2001 \\\\ \\end{tabular}\n\\end{document}\nno\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_marked_up_text_reads_as_rendered(tmp_path: Path, name: str) -> None:
    """Marks go; headings, nested items, notes, code and tables with named columns are told apart; nothing is included."""
    source = read(tmp_path, name, TEXTS[name])
    said = {source.text[one.start : one.end]: one for one in units_of(source)}

    assert "Sheep" == source.title
    assert "They eat grass and hay." in said
    assert "heading" == said["Care"].kind
    assert "item" == said["- Comb it well."].kind
    assert "Comb it well." == said["- Daily."].path[-1].text
    assert any(words.endswith("Be kind.") for words in said)
    assert "code" == said["f()"].kind
    assert ["Name", "Born"] == [cell.name for cell in said["Ted | 2001"].cells]
    assert "no" not in source.text.split()


def test_tables_of_rst_are_read_in_all_their_writings(tmp_path: Path) -> None:
    """Between rules, as a list of lists, as CSV; a cell that goes on over lines is one."""
    source = read(
        tmp_path,
        "a.rst",
        "=====  =========\nBin    Put it\n       out\n=====  =========\nBlack  Monday\n=====  =========\n\n"
        ".. list-table:: Boats\n   :header-rows: 1\n\n   * - Day\n     - First\n   * - Sunday\n     - 10:30\n\n"
        ".. csv-table::\n   :header: Card,Price\n\n   Blue,£25\n",
    )
    cells = [
        {cell.name: source.text[cell.start : cell.end] for cell in one.cells}
        for one in units_of(source)
        if one.cells and one.cells[0].name
    ]
    assert [
        {"Bin": "Black", "Put it out": "Monday"},
        {"Day": "Sunday", "First": "10:30"},
        {"Card": "Blue", "Price": "£25"},
    ] == cells


def test_latex_is_written_in_letters(tmp_path: Path) -> None:
    """Accents, signs, quotes, footnotes and formulas as a reader sees them."""
    source = read(
        tmp_path,
        "a.tex",
        "Caf\\'e \\c{c}a 20\\,\\% at 21$^\\circ$C, ``so''\\footnote{Once.} \\& $a \\leq b$~\\cite{x}.",
    )

    assert "Café ça 20 % at 21°C, “so” (Once.) & a ≤ b." == source.text


def test_cells_of_latex_over_several_columns_keep_their_words(tmp_path: Path) -> None:
    """A cell over two columns is one, and what only colours or measures is left out."""
    source = read(
        tmp_path,
        "a.tex",
        "\\begin{tabular}{lll} Firm & Van & Men \\\\ \\hline \\textcolor{red}{Swift} & \\SI{3}{t} & \\frac{1}{2} \\\\"
        " \\multicolumn{2}{c}{None} & 4 \\\\ \\end{tabular}",
    )
    assert ["Firm | Van | Men", "Swift | 3 t | 1/2"] == source.text.split("\n")[:2]
    assert "None" in source.text
    assert "2" not in source.text.split("\n")[2]


def test_a_notebook_is_read_cell_by_cell(tmp_path: Path) -> None:
    """Notes as Markdown, code and what it printed; tables keep their columns, pictures say nothing."""
    cells = [
        {"cell_type": "markdown", "source": ["# Budget\n", "For *2024*."]},
        {
            "cell_type": "code",
            "source": "show()",
            "outputs": [
                {"output_type": "stream", "text": ["1822\n"]},
                {"data": {"text/html": "<table><tr><th>Q1</th></tr><tr><td>96</td></tr></table>"}},
                {"data": {"image/png": "iVBO", "text/plain": "<Figure>"}},
            ],
        },
    ]
    source = read(tmp_path, "a.ipynb", json.dumps({"cells": cells}))

    assert ("Budget", "Budget\n\nFor 2024.\n\nshow()\n\n1822\n\nQ1\n96") == (
        source.title,
        source.text,
    )
    assert ["cell 1"] + ["cell 2"] * 3 == [one.name for one in source.places]


CODE = '"""Prices of the shop."""\n\nVAT = 20\n\n\nclass Shop:\n    def price(\n        self, net\n    ):\n        # with VAT\n        return net\n'


def test_a_program_keeps_its_lines_and_says_what_is_defined(tmp_path: Path) -> None:
    """Definitions head their lines, comments are prose, and a place is a line."""
    source = read(tmp_path, "a.py", CODE)
    said = {source.text[one.start : one.end]: one for one in units_of(source)}

    assert ("Prices of the shop", CODE) == (source.title, source.text)
    assert ["class Shop:", "def price( self, net ):"] == [
        one.text for one in said["return net"].path if one.kind == "heading"
    ]
    assert ("paragraph", "code") == (said['"""Prices of the shop."""'].kind, said["VAT = 20"].kind)
    at = source.text.index("return")
    assert ["line 11"] == [one.name for one in source.places if one.start <= at < one.end]


@pytest.mark.parametrize(
    ("name", "text", "head"),
    [
        ("a.js", "// add\nexport async function add(a, b) {\n  return a + b;\n}\n", "export async function add(a, b) {"),
        ("a.c", "/* add\n */\nstatic int add(int a, int b)\n{\n  if (a) return b;\n}\n", "static int add(int a, int b)"),
        ("a.go", "// add\nfunc Add(a int) int {\n  return a\n}\n", "func Add(a int) int {"),
        ("a.rs", "/// add\npub fn add(a: i32) -> i32 {\n  a\n}\n", "pub fn add(a: i32) -> i32 {"),
        ("a.sql", "-- add\nCREATE TABLE sheep (\n  name text\n);\n", "CREATE TABLE sheep (\n  name text\n);"),
        ("a.java", "class A {\n  public static void main(String[] a) {\n    run();\n  }\n}\n", "public static void main(String[] a) {"),
    ],
)  # fmt: skip
def test_definitions_are_found_in_many_languages(
    tmp_path: Path, name: str, text: str, head: str
) -> None:
    """By how their lines begin."""
    source = read(tmp_path, name, text)

    assert head in [
        source.text[one.start : one.end] for one in source.blocks if one.kind == "heading"
    ]
