"""Which documents a question names."""

from __future__ import annotations

import pytest

from rag.queries.documents import (
    Document,
    Named,
    are_versions,
    is_outdated,
    named,
    of_kind,
    order_wanted,
    resolved,
)

CALLED = {
    "2024-02-12_board_minutes.md": "Board minutes",
    "2024-03-11_board_minutes.md": "Board minutes",
    "garden_minutes.md": "Minutes of the garden committee",
    "tent-faq.html": "Tent FAQ",
    "stove_faq.html": "Stove FAQ",
    "bus_rules_2022.md": "Bus rules",
    "bus_rules_2025.md": "Bus rules",
    "Meyer2020.txt": "Bees in towns",
    "handbook.pdf": "Staff handbook",
}
DOCUMENTS = [Document(source_id=name, title=title) for name, title in CALLED.items()]


@pytest.mark.parametrize(
    ("question", "names", "surely"),
    [
        ("What does Meyer2020 conclude?", {"Meyer2020.txt"}, True),
        ("What is in tent-faq.html about poles?", {"tent-faq.html"}, True),
        ("What does the tent FAQ say about poles?", {"tent-faq.html"}, True),
        ("According to the handbook, how many days of leave are there?", {"handbook.pdf"}, True),
        ("How much is a ticket according to the 2022 bus rules?", {"bus_rules_2022.md"}, True),
        (
            "What did the board minutes say about bulbs?",
            {"2024-02-12_board_minutes.md", "2024-03-11_board_minutes.md"},
            True,
        ),
        ("Who came to the board in March 2024?", {"2024-03-11_board_minutes.md"}, False),
    ],
)
def test_a_document_is_named_by_file_title_description_or_date(question, names, surely):
    """Words that tell the names of documents apart say which is meant; a date alone is less sure."""
    assert Named(sources=frozenset(names), surely=surely) == named(question, DOCUMENTS)


def test_a_month_names_the_minutes_of_that_month():
    """Whatever the year."""
    found = named("What was decided in the February minutes?", DOCUMENTS)

    assert {"2024-02-12_board_minutes.md"} == found.sources


@pytest.mark.parametrize(
    "question",
    [
        "What does a ticket cost?",
        "Are the bus rules of 2022 still valid?",
        "Who booked the tent?",
        "May I order a form?",
        "Which rules are there?",
    ],
)
def test_in_doubt_no_document_is_named(question):
    """A word of a name alone names none, and what is asked about documents another may answer."""
    assert Named() == named(question, DOCUMENTS)


def test_one_document_needs_no_name():
    """Of one document all questions are."""
    assert Named() == named("What does the tent FAQ say?", DOCUMENTS[3:4])


@pytest.mark.parametrize(
    ("phrase", "names"),
    [
        ("the tent FAQ", ["tent-faq.html"]),
        ("Meyer2020.txt", ["Meyer2020.txt"]),
        ("the 2025 bus rules", ["bus_rules_2025.md"]),
        ("Russia", []),
    ],
)
def test_a_phrase_is_resolved_to_documents(phrase, names):
    """By all its words, those for any document aside."""
    assert names == [one.source_id for one in resolved(phrase, DOCUMENTS)]


def test_documents_are_of_a_kind_by_their_names():
    """In singular and plural."""
    assert 2 == len(of_kind("FAQs", DOCUMENTS))
    assert () == of_kind("month", DOCUMENTS)


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("When is it planned now?", 1),
        ("What do the latest rules say?", 1),
        ("What was the original plan?", -1),
        ("What does it cost?", 0),
    ],
)
def test_words_of_time_say_whether_the_newest_is_wanted(question, order):
    """Or the oldest, or neither."""
    assert order == order_wanted(question)


def test_versions_and_what_is_outdated_are_told_by_names():
    """The same name with another date; a name that says that it holds no more."""
    assert are_versions(DOCUMENTS[5], DOCUMENTS[6])
    assert not are_versions(DOCUMENTS[3], DOCUMENTS[4])
    assert is_outdated(Document(source_id="a.md", title="Fees (no longer valid)"))
    assert is_outdated(Document(source_id="fees_old.md", title="Fees"))
    assert not is_outdated(DOCUMENTS[0])
