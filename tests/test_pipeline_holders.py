"""In which document something stands, and what one document says where another says otherwise."""

from __future__ import annotations

import pytest

from rag.pipeline.preference import preference_of
from rag.queries.documents import held
from tests.fakes import open_rag
from tests.test_pipeline_overview import check, cited

FEBRUARY = """# Council meeting of 12 February

The bridge is repaired in June. The repair costs 40 crowns. Eva resigned as clerk.
"""
APRIL = """# Council meeting of 15 April

The bridge is repaired in October. The repair costs 52 crowns. The fence is painted green.
"""
BEES = """# Bees

A bee visits many flowers a day. The fence of a hive is not painted.
"""


@pytest.fixture(scope="module")
def rag(tmp_path_factory):
    """Two meetings that say otherwise, and a document on something else."""
    seeds = tmp_path_factory.mktemp("seeds")
    files = {"c-2024-02-12.md": FEBRUARY, "c-2024-04-15.md": APRIL, "2020-bees.md": BEES}
    for name, text in files.items():
        (seeds / name).write_text(text, encoding="utf-8")
    with open_rag(seeds) as opened:
        opened.sync()
        yield opened


@pytest.mark.parametrize(
    ("question", "name", "sentence"),
    [
        (
            "At which meeting did Eva resign as clerk?",
            "Council meeting of 12 February",
            "Eva resigned as clerk.",
        ),
        (
            "In which meeting was it decided that the fence is painted?",
            "Council meeting of 15 April",
            "The fence is painted green.",
        ),
        ("Which file mentions flowers?", "Bees (2020-bees)", "A bee visits many flowers a day."),
    ],
)
def test_the_document_that_holds_it_is_named(rag, question, name, sentence):
    """In the short answer and before the sentence, which is cited; by the date of its file where it has one."""
    answer = rag.ask(question)

    assert answer.short is not None
    assert (name, (1,)) == (answer.short.text, answer.short.markers)
    assert f"{name}: {sentence} [1]" == answer.text
    check(rag, answer)


def test_several_are_named_where_several_are_asked_for(rag):
    """Each with its sentence."""
    answer = rag.ask("Which files mention a repair?")

    assert ["c-2024-02-12.md", "c-2024-04-15.md"] == sorted(cited(answer))
    assert {"Council meeting of 12 February", "Council meeting of 15 April"} == set(
        answer.short.text.split("; ")
    )


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("What does the repair cost according to the February minutes?", True),
        ("What does the repair cost according to the April meeting?", True),
        ("What does the repair cost?", False),
        ("What does the repair cost according to the minutes of March?", False),
    ],
)
def test_of_a_document_named_by_its_date_nothing_is_set_beside_another(rag, question, alone):
    """What the other version says is not asked for."""
    assert alone == preference_of(question, rag.sources()).is_of_one


@pytest.mark.parametrize(
    "question",
    [
        "Which documents do I need?",
        "In which year was it built?",
        "Which policy is still valid?",
        "Which report is the newest?",
        "What documents are there?",
    ],
)
def test_other_questions_with_the_word_look_for_no_document(question):
    """They ask for papers, years or versions."""
    assert held(question) is None


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("In which meeting was the roof approved?", "Was the roof approved?"),
        ("Which file mentions ropes?", "What is said about ropes?"),
        ("Which document says who is treasurer?", "Who is treasurer?"),
    ],
)
def test_what_is_looked_for_is_asked_by_itself(question, asked):
    """The reader is asked for the thing, not for its document."""
    found = held(question)

    assert found is not None
    assert asked == found.asked
