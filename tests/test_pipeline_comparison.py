"""Two things side by side, from files to cited sentences."""

from __future__ import annotations

import pytest

from rag.citations import Draft
from rag.pipeline.comparison import winner
from rag.reader import Reading
from tests.fakes import open_rag
from tests.test_pipeline_overview import check, cited

ASH = """# Contract Ash House

The yearly fee is 1,200 crowns. The deposit is 400 crowns. The notice period is two months.

## What is not allowed

- Bicycles in the hall
"""
FIR = """# Contract Fir Court

The yearly fee is 1,900 crowns. The deposit is 250 crowns. The notice period is six weeks.
"""
OTHER = """# Bees

A bee visits many flowers a day. The yearly harvest of honey is small in the hills.
"""


@pytest.fixture(scope="module")
def rag(tmp_path_factory):
    """Two contracts, and a document on something else."""
    seeds = tmp_path_factory.mktemp("seeds")
    for name, text in (("ash.md", ASH), ("fir.md", FIR), ("bees.md", OTHER)):
        (seeds / name).write_text(text, encoding="utf-8")
    with open_rag(seeds) as opened:
        opened.sync()
        yield opened


@pytest.mark.parametrize(
    "question",
    [
        "Compare the deposits of Ash House and Fir Court",
        "Which contract has the higher deposit?",
        "What is the difference in the deposit between the Ash contract and the Fir contract?",
    ],
)
def test_each_side_has_its_sentence_on_the_point(rag, question):
    """One cited sentence for each side, behind its document's title."""
    answer = rag.ask(question)

    assert (
        "- Contract Ash House: The deposit is 400 crowns. [1]\n"
        "- Contract Fir Court: The deposit is 250 crowns. [2]"
    ) == answer.text
    assert ["ash.md", "fir.md"] == cited(answer)
    check(rag, answer)


@pytest.mark.parametrize("question", ["Compare ash.md and fir.md", "Compare the two contracts"])
def test_documents_are_compared_on_the_points_on_which_they_differ(rag, question):
    """Pairs of sentences on one thing, side by side, and of no third document."""
    answer = rag.ask(question)

    assert {"ash.md", "fir.md"} == set(cited(answer))
    assert "1,200" in answer.text
    assert answer.text.index("1,200") < answer.text.index("1,900") < answer.text.index("400 crowns")
    check(rag, answer)


def test_a_question_about_one_side_stays_one(rag):
    """It is no comparison."""
    assert ["ash.md"] == cited(rag.ask("What is the deposit of Ash House?"))


@pytest.mark.parametrize(
    "question",
    [
        "What is the deposit of both contracts?",
        "What is the deposit of both houses?",
        "What is the deposit of each contract?",
        "What is the deposit of Ash House and Fir Court?",
    ],
)
def test_what_is_asked_of_both_is_answered_for_each(rag, question):
    """By their kind, by what they are, or by name; two documents that are called alike are meant."""
    answer = rag.ask(question)

    assert ["ash.md", "fir.md"] == cited(answer)
    assert "400 crowns" in answer.text
    assert "250 crowns" in answer.text
    check(rag, answer)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Which contract has the higher deposit?", "Contract Ash House"),
        ("Which contract has the lower deposit?", "Contract Fir Court"),
        ("Which contract has the longer notice period?", "Contract Ash House"),
        ("Which has the lower yearly fee, Ash House or Fir Court?", "Ash House"),
    ],
)
def test_the_side_that_has_more_is_named(rag, question, name):
    """In the short answer, where both amounts were read; it rests on both sentences."""
    answer = rag.ask(question)

    assert answer.short is not None
    assert (name, (1, 2)) == (answer.short.text, answer.short.markers)


def test_no_side_is_named_where_amounts_cannot_be_compared():
    """Of two measures, of several numbers, of none, or equal ones."""
    draft = Draft(text="", statements=(), citations=(), steps=())
    for one, other in (
        ("It costs 3 euros.", "It costs 4 dollars."),
        ("It costs 3 or 5 euros.", "It costs 4 euros."),
        ("It is dear.", "It costs 4 euros."),
        ("It lasts two weeks.", "It lasts 14 days."),
    ):
        picks = [
            Reading(candidate=0, start=0, end=len(text), text=text, probability=1.0)
            for text in (one, other)
        ]
        assert winner("higher", ("A", "B"), picks, draft) is None
