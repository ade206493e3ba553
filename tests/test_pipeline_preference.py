"""The named document and the newest one among readings that answer."""

from __future__ import annotations

import pytest

from rag.pipeline.preference import deduplicated, find_preferred, preference_of, preferred
from rag.queries.documents import Named
from rag.reader import Reading
from rag.schema import Candidate, Source, SourceInfo
from tests.fakes import open_rag
from tests.reader_fakes import candidate, laid_out

SURE = 0.45


def info(name: str, title: str) -> SourceInfo:
    """What an index knows of a file."""
    return SourceInfo(
        source_id=name,
        title=title,
        sha256="",
        media_type="",
        n_chars=9,
        n_pages=0,
        n_passages=1,
        indexed_at="",
        origin="",
    )


RULES = [info("rules_2019.md", "Pool rules"), info("rules_2024.md", "Pool rules")]
OLD = candidate("A ticket costs 18 crowns.", source="rules_2019.md")
NEW = candidate("A ticket costs 26 crowns.", source="rules_2024.md")


def source(name: str) -> Source:
    """A source that says nothing of its date."""
    return Source(source_id=name, title="", text="Nothing.", sha256="", media_type="")


def read(candidates: list[Candidate], *probabilities: float) -> list[Reading]:
    """A reading of the last sentence of each candidate."""
    return [
        Reading(candidate=at, start=one.start, end=one.end, text=one.text, probability=probability)
        for at, probability in enumerate(probabilities)
        for one in [candidates[at].sentences[-1]]
    ]


def leading(question: str, candidates: list[Candidate], *probabilities: float, sources=RULES):
    """Return the text and probability of the reading that is said."""
    readings = read(candidates, *probabilities)
    wanted = preference_of(question, sources)
    first = preferred(readings, candidates, wanted, source, sure=SURE)[0]
    return first.text, first.probability


def test_of_versions_the_newest_answers():
    """Where they answer alike and the question gives no date."""
    assert ("A ticket costs 26 crowns.", 0.5) == leading(
        "What does a ticket cost?", [OLD, NEW], 0.8, 0.5
    )
    assert (
        "A ticket costs 18 crowns."
        == leading("What did a ticket cost in 2019?", [OLD, NEW], 0.5, 0.8)[0]
    )


def test_the_named_document_answers():
    """Though another answers better; where it hardly answers, the other does, and not surely."""
    question = "What does a ticket cost in the 2019 pool rules?"

    assert ("A ticket costs 18 crowns.", 0.2) == leading(question, [NEW, OLD], 0.8, 0.2)
    assert ("A ticket costs 26 crowns.", SURE * 0.98) == leading(question, [NEW, OLD], 0.8, 0.01)


def test_documents_that_are_no_versions_are_not_weighed_by_date():
    """The better answer stays first, unless the newest is asked for."""
    sources = [info("rules_2019.md", "Pool rules"), info("prices_2024.md", "Park prices")]
    new = candidate("A ticket costs 26 crowns.", source="prices_2024.md")

    assert (
        "A ticket costs 18 crowns."
        == leading("What does a ticket cost?", [OLD, new], 0.8, 0.5, sources=sources)[0]
    )
    assert (
        "A ticket costs 26 crowns."
        == leading("What does a ticket cost now?", [OLD, new], 0.8, 0.5, sources=sources)[0]
    )


def test_what_is_outdated_by_its_name_comes_behind():
    """Whatever is said of dates."""
    sources = [info("fees.md", "Fees"), info("fees_old.md", "Fees")]
    old = candidate("A ticket costs 18 crowns.", source="fees_old.md")
    new = candidate("A ticket costs 26 crowns.", source="fees.md")

    assert (
        "A ticket costs 26 crowns."
        == leading("What does a ticket cost?", [old, new], 0.8, 0.5, sources=sources)[0]
    )


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When is it delivered now?", "It is delivered on 9 April."),
        ("When was it delivered in the original plan?", "It is delivered on 3 March."),
        ("When is it delivered?", "It is delivered on 9 March."),
    ],
)
def test_entries_of_a_log_are_dated_by_their_headings(question, text):
    """The newest or the oldest is said where it is asked for, else what answers best."""
    log = laid_out(
        "# Log\n\n## 2024-02-01\n\nIt is delivered on 3 March.\n\n## 2024-02-09\n\nIt is delivered on 9 March.\n\n"
        "## 2024-02-20\n\nIt is delivered on 9 April.",
        source="log.md",
    )
    readings = [
        Reading(
            candidate=0,
            start=one.start,
            end=one.end,
            text=one.text,
            probability=0.9 if "9 March" in one.text else 0.2,
        )
        for one in log.sentences
        if "delivered" in one.text
    ]
    readings.sort(key=lambda one: -one.probability)
    wanted = preference_of(question, [info("log.md", "Log")])

    assert text == preferred(readings, [log], wanted, source, sure=SURE)[0].text


def test_candidates_of_a_named_document_come_first():
    """A few of others are read beside them."""
    wanted = preference_of("What is in rules_2019.md on tickets?", RULES)
    searches = []

    def retrieve(_part, _k, sources):
        searches.append(sources)
        return (NEW, OLD) if sources is None else (OLD,)

    assert Named(sources=frozenset({"rules_2019.md"}), surely=True) == wanted.named
    assert (OLD, NEW) == find_preferred(retrieve, "tickets", 8, None, wanted)
    assert [None, frozenset({"rules_2019.md"})] == searches


def test_passages_that_say_the_same_count_once():
    """Other numbers or names are another passage."""
    same = candidate("A ticket costs 18 crowns.", source="copy.txt")

    assert (OLD, NEW) == deduplicated([OLD, same, NEW])


def test_the_newest_version_answers_from_files_on(tmp_path):
    """Its date stands in the name of the file."""
    for year, price in ((2019, 18), (2024, 26)):
        text = f"# Pool rules\n\nA ticket for the pool costs {price} crowns."
        (tmp_path / f"rules_{year}.md").write_text(text, encoding="utf-8")
    with open_rag(tmp_path) as rag:
        rag.sync()
        answer = rag.ask("What does a ticket for the pool cost?")

    assert "rules_2024.md" == answer.citations[0].source_id
