"""Small talk, requests about the last answer, and which reading of a turn is searched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.citations import lexical_support
from rag.pipeline.dialogue import reading
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.queries import Query
from rag.schema import EvidenceReady, QueryReady, Turn
from tests.fakes import OverlapReader, ScriptedChat, open_rag

RULES = """# Rules

## Rent

The yearly rent is 84 euros. It is due on 1 March.

## Animals

Hens may be kept. Cockerels are not allowed. Bees need the consent of both neighbours.
"""
FARES = "# Ferry\n\n## Fares\n\n| Ticket | Price |\n| --- | --- |\n| Adult | 7 euros |\n| Child | 3 euros |\n"


@pytest.fixture
def rag(tmp_path):
    """Two documents, indexed."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "rules.md").write_text(RULES, encoding="utf-8")
    (seeds / "ferry.md").write_text(FARES, encoding="utf-8")
    with open_rag(seeds) as opened:
        opened.sync()
        yield opened


@pytest.fixture
def talk(rag):
    """A conversation in which the rent was asked for."""
    talk = rag.conversation()
    assert "The yearly rent is 84 euros. [1]" == talk.ask("What is the yearly rent?").text
    return talk


def _cited(rag, *quotes: str) -> Turn:
    """An answer of these quotes from the rules."""
    text = rag.source("rules.md").text
    [one] = rag.ask("What is the yearly rent?").citations
    cited = tuple(
        replace(
            one, marker=n, start=text.index(quote), end=text.index(quote) + len(quote), quote=quote
        )
        for n, quote in enumerate(quotes, start=1)
    )
    said = " ".join(f"{quote} [{n}]" for n, quote in enumerate(quotes, start=1))
    return Turn(role="assistant", text=said, citations=cited)


def test_small_talk_is_answered_without_a_search(rag):
    """A fitting line, no near misses, nothing cited; and nothing is claimed of the documents."""
    events = list(rag.stream("Hello! What can you do?"))
    answer = events[-1].answer

    assert [
        QueryReady(query="Hello! What can you do?", rewritten=False),
        EvidenceReady(evidence=()),
    ] == events[:2]
    assert ("unanswered", "small_talk") == (answer.status, answer.reason.code)
    assert "your 2 documents" in answer.text
    assert ((), (), ()) == (answer.evidence, answer.closest, answer.citations)


def test_small_talk_is_no_turn_that_a_follow_up_means(talk):
    """After thanks, "And when is it due?" is still about the rent."""
    talk.ask("Thanks!")

    assert "When is the yearly rent due?" == talk.ask("And when is it due?").query


def test_a_request_without_an_answer_says_so(rag):
    """There is nothing to shorten at the beginning."""
    assert "no_last_answer" == rag.ask("Shorter, please.").reason.code


def test_where_it_says_so_is_told_with_the_words(talk):
    """Document, heading and quote."""
    answer = talk.ask("Where does it say that?")

    assert "In “Rules”, under “Rent”: The yearly rent is 84 euros. [1]" == answer.text
    assert "What is the yearly rent?" == answer.query


def test_an_answer_that_is_doubted_is_looked_up_again(talk):
    """It is said again with how sure it is now, and that the words still stand there."""
    answer = talk.ask("Are you sure?")

    assert ("answered", "The yearly rent is 84 euros. [1]") == (answer.status, answer.text)
    assert ["checked_again"] == [step.code for step in answer.steps]
    assert answer.confidence > 0


def test_more_goes_on_where_the_answer_was_found_and_says_nothing_twice(talk):
    """What follows in the section; then nothing is left, and that is said."""
    assert "It is due on 1 March. [1]" == talk.ask("Tell me more").text

    last = talk.ask("More")
    assert ("unanswered", ()) == (last.status, last.evidence)


def test_a_point_a_list_and_a_shorter_version_are_made_of_the_last_answer(rag):
    """By its statements, each with the citation that it had."""
    said = [
        Turn(role="user", text="Which animals are allowed?"),
        _cited(
            rag,
            "Hens may be kept.",
            "Cockerels are not allowed.",
            "Bees need the consent of both neighbours.",
        ),
    ]

    assert rag.ask("the second point", said).text.startswith("Cockerels are not allowed. [1]")
    assert 3 == rag.ask("as a list", said).text.count("\n- ") + 1
    assert 1 == len(rag.ask("Shorter", said).statements)
    assert "no such point" in rag.ask("point 9", said).text
    for answer in (rag.ask("as a list", said), rag.ask("the last one", said)):
        assert all(
            one.quote == rag.source(one.source_id).text[one.start : one.end]
            for one in answer.citations
        )


def test_rows_become_a_table_with_their_own_columns(rag):
    """Where the answer is rows of one table; its head is no row."""
    text = rag.source("ferry.md").text
    [one] = rag.ask("What is the yearly rent?").citations
    rows = [line for line in text.splitlines() if "euros" in line]
    cited = tuple(
        replace(
            one,
            source_id="ferry.md",
            title="Ferry",
            marker=n,
            quote=row,
            start=text.index(row),
            end=text.index(row) + len(row),
        )
        for n, row in enumerate(rows, start=1)
    )
    said = "\n".join(f"- {row} [{n}]" for n, row in enumerate(rows, start=1))
    answer = rag.ask(
        "in a table",
        [
            Turn(role="user", text="What are the fares?"),
            Turn(role="assistant", text=said, citations=cited),
        ],
    )

    assert [
        "| Ticket | Price |",
        "| --- | --- |",
        "| Adult | 7 euros [1] |",
        "| Child | 3 euros [2] |",
    ] == answer.text.splitlines()


def test_an_answer_keeps_its_lines_when_it_is_said_again(rag):
    """Bullets stay bullets, and what says where a quote stands is no part of it."""
    cited = _cited(rag, "Hens may be kept.", "Cockerels are not allowed.").citations
    text = "- Hens may be kept. [1]\n- Cockerels are not allowed. [2]"
    asked = Turn(role="user", text="Which animals are allowed?")

    said = [asked, Turn(role="assistant", text=text, citations=cited)]
    assert text == rag.ask("Say that again", said).text
    placed = replace(said[1], text="In “Rules”, under “Animals”: Hens may be kept. [1]")
    assert "Hens may be kept. [1]" == rag.ask("Say that again", [asked, placed]).text


def test_without_citations_the_question_is_answered_again(rag):
    """Who keeps only the text of a conversation can still go on from it."""
    said = [
        Turn(role="user", text="What is the yearly rent?"),
        Turn(role="assistant", text="The yearly rent is 84 euros."),
    ]

    assert (
        "In “Rules”, under “Rent”: The yearly rent is 84 euros. [1]"
        == rag.ask("Where does it say that?", said).text
    )


def test_words_that_are_gone_are_not_said_again(rag):
    """A quote that its source no longer has, or that may not be shown, is not repeated."""
    turn = _cited(rag, "Hens may be kept.")
    [citation] = turn.citations
    gone = replace(
        turn,
        text="Geese may be kept. [1]",
        citations=(replace(citation, quote="Geese may be kept."),),
    )
    asked = Turn(role="user", text="Which volcano erupted yesterday?")

    assert "Geese" not in rag.ask("Say that again", [asked, gone]).text
    assert () == rag.ask("Say that again", [asked, turn], sources=["ferry.md"]).citations


def test_what_takes_a_model_is_said_and_the_answer_stays(talk):
    """Translating is no work of the reader's."""
    answer = talk.ask("Translate that into German.")

    assert ("partial", "needs_model") == (answer.status, answer.reason.code)
    assert "The yearly rent is 84 euros. [1]" == answer.text


RESOLVED = Query(text="Who is the captain? (the Sula)", rewritten=True, added=("the Sula",))


@pytest.mark.parametrize(
    ("typed", "resolved", "expected"),
    [
        (0, 2, RESOLVED.text),
        (0, 1, "Who is the captain?"),
        (1, 2, "Who is the captain?"),
        (2, 2, "Who is the captain?"),
    ],
)
def test_a_whole_question_is_searched_as_typed_unless_the_other_reading_is_clearly_better(
    typed, resolved, expected
):
    """In doubt the words as typed win."""
    grades = {"Who is the captain?": typed, RESOLVED.text: resolved}

    assert expected == reading("Who is the captain?", RESOLVED, (), grades.__getitem__).text


def test_a_follow_up_is_not_searched_as_typed():
    """What "How many took part in it?" finds by itself is about something else."""
    resolved = Query(text="How many took part in the march?", rewritten=True, added=("the march",))

    assert resolved == reading("How many took part in it?", resolved, (), lambda _: 2)


def test_a_model_is_asked_with_the_question_before_and_never_for_small_talk(tmp_path):
    """It gets the request, the answer's question and its evidence; thanks and "where" are the program's."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "rules.md").write_text(RULES, encoding="utf-8")
    model = ScriptedChat("84 euros a year. [1]", "84 euros. [1]")
    reader = ExtractiveAnswerer(OverlapReader())
    chat = ChatAnswerer(
        model,
        support=lexical_support,
        fallback=reader,
        context=8000,
        count_tokens=lambda text: len(text.split()),
    )
    with open_rag(tmp_path / "seeds", answerers=[chat, reader]) as rag:
        rag.sync()
        talk = rag.conversation()
        talk.ask("What is the yearly rent?")
        shorter = talk.ask("Shorter, please.")
        thanks, where = talk.ask("Thanks!"), talk.ask("Where does it say that?")

    assert "84 euros. [1]" == shorter.text
    assert "Shorter, please." in model.asked[1][-1]["content"]
    assert "What is the yearly rent?" in model.asked[1][-1]["content"]
    assert ("small_talk", 2) == (thanks.reason.code, len(model.asked))
    assert where.text.startswith("In “Rules”")
