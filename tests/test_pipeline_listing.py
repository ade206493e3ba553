"""An answer that is a list, or an item of one."""

from __future__ import annotations

import pytest

from rag import Rag, Settings
from rag.pipeline.lists import Quotation, chosen
from rag.pipeline.quotes import said
from rag.reader import Reading
from rag.schema import Candidate, Source
from tests.index_fakes import source
from tests.reader_fakes import laid_out

RULES = "We pay for:\n\n1. trains\n2. hotels. No bar.\n3. meals\n\nHand in the bills.\n\nAsk Anna."


def quoted(begins: str, ends: str, *, passage: str = RULES) -> tuple[list[str], Candidate]:
    """What is said of a reading that begins and ends with these words, and the candidate that holds it."""
    one = laid_out(passage)
    start, end = passage.index(begins), passage.index(ends) + len(ends)
    reading = Reading(candidate=0, start=start, end=end, text=passage[start:end], probability=0.9)
    held, spans = said(reading, one, source_of(RULES))
    return [RULES[span.start : span.end] for span in spans], held


def source_of(text: str) -> Source:
    """The source of a passage."""
    return source("a.txt", text)


def test_a_list_is_said_sentence_by_sentence():
    """Each has a citation of its own."""
    assert ["We pay for:", "1. trains", "2. hotels.", "No bar.", "3. meals"] == quoted(
        "We pay", "meals"
    )[0]


def test_an_item_is_said_with_what_announces_it():
    """By itself it says nothing."""
    assert ["We pay for:", "3. meals"] == quoted("3. meals", "meals")[0]


def test_a_sentence_is_said_by_itself():
    """Outside of lists nothing changes."""
    assert ["Hand in the bills."] == quoted("Hand", "bills.")[0]


@pytest.mark.parametrize("cut", ["We pay for:", "1. trains", "hotels."])
def test_a_list_that_its_passage_cuts_is_said_to_its_end(cut):
    """The candidate then reaches as far as the list, and no further."""
    passage = RULES[: RULES.index(cut) + len(cut)]

    found, held = quoted("We pay", cut, passage=passage)

    assert ["We pay for:", "1. trains", "2. hotels.", "No bar.", "3. meals"] == found
    assert RULES[: RULES.index("\n\nHand")] == held.passage.text
    assert len(held.passage.text) == held.passage.end


@pytest.mark.model
def test_a_question_that_a_list_answers(tmp_path):
    """With the shipped reader: announced, item by item, each quote exact, also where passages cut it."""
    (tmp_path / "kettle.md").write_text(
        "# Kettle K200\n\nRead this manual before you use the kettle.\n\n## In the box\n\nThe box contains:\n\n"
        + "".join(
            f"- {one}\n" for one in ("the kettle", "a base with a cable", "a filter", "this manual")
        )
        + "\nThe guarantee is two years from the day you bought it.\n",
        encoding="utf-8",
    )
    for tokens in (32, 160):
        rag = Rag.open(
            Settings(seeds_dir=tmp_path, index_dir=tmp_path / str(tokens), passage_tokens=tokens)
        )

        answer = rag.ask("What is in the box?")

        assert (
            "The box contains: [1]\n- the kettle [2]\n- a base with a cable [3]\n- a filter [4]\n- this manual [5]"
            == answer.text
        )
        text = rag.source("kettle.md").text
        assert all(text[one.start : one.end] == one.quote for one in answer.citations)


@pytest.mark.model
def test_quotes_and_closest_passages_bring_the_headings_they_stand_under(tmp_path):
    """A bullet under what is not covered is never shown as if it were."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "policy.md").write_text(
        "# Homeguard policy\n\n## What is covered\n\n- Fire and smoke damage to the house.\n"
        "- Theft of garden furniture.\n\n## What is not covered\n\n"
        "- Storm damage to fences, gates and hedges.\n- Frost damage to plants.\n",
        encoding="utf-8",
    )
    with Rag.open(Settings(seeds_dir=seeds, index_dir=tmp_path / "index")) as rag:
        answer = rag.ask("Is storm damage to my fence covered?")

    shown = {
        (quoted.strip("- \n"), tuple(one.text for one in path))
        for quoted, path in (
            *((one.quote, one.context) for one in answer.citations),
            *(
                (
                    one.passage.text[one.decisive.start - one.passage.start :].split("\n")[0],
                    one.context,
                )
                for one in answer.closest
            ),
        )
    }
    under = {path for quoted, path in shown if quoted.startswith("Storm damage")}
    assert {("Homeguard policy", "What is not covered")} == under


BOAT = """# The club's rowing boat

## Booking

You can book the boat up to a month in advance.

1. Look at the calendar of the club.
2. Write your name into the list at the pier.
3. Pay 20 crowns to the warden.
4. Fetch the oars from Mrs Adler.

## Leaving

The boat is back by sunset.

- Bail out the water
- Lock the chain
- Hang up the vests in the shed
"""


def told(question: str, **probabilities: float) -> Quotation:
    """What is said where the reader finds items so likely, by their first words, the likeliest of them first."""
    one = laid_out(BOAT)
    readings = sorted(
        (
            Reading(
                candidate=0,
                start=sentence.start,
                end=sentence.end,
                text=sentence.text,
                probability=probabilities.get(sentence.text.strip("1234. -").split()[0], 0.0),
            )
            for sentence in one.sentences
        ),
        key=lambda reading: -reading.probability,
    )
    return chosen(question, readings[0], readings, [one], source_of(BOAT))


def items(found: Quotation) -> list[str]:
    """What is quoted, without what announces it."""
    return [found.candidate.passage.text[one.start : one.end] for one in found.spans[1:]]


def test_who_asks_for_steps_gets_all_of_them():
    """Though the reader points at one, where it finds another as likely."""
    found = told("How do I book the boat?", Write=0.8, Pay=0.4)

    assert [line for line in BOAT.splitlines() if line[:1].isdigit()] == items(found)
    assert found.reading.words is None


def test_who_asks_for_all_that_must_be_done_gets_it():
    """Under the heading that says when, and nothing from another list."""
    found = told("What do I have to do before leaving the boat?", Lock=0.9, Bail=0.5)

    assert ["- Bail out the water", "- Lock the chain", "- Hang up the vests in the shed"] == items(
        found
    )


@pytest.mark.parametrize(
    ("question", "first", "second", "item"),
    [
        ("Who has the oars?", "Fetch", "Pay", "4. Fetch the oars from Mrs Adler."),
        (
            "What is the second step of booking?",
            "Fetch",
            "Pay",
            "2. Write your name into the list at the pier.",
        ),
        ("What is the last step of booking?", "Look", "Pay", "4. Fetch the oars from Mrs Adler."),
        ("What must I do with the vests?", "Lock", "Hang", "- Hang up the vests in the shed"),
        ("Which step costs 20 crowns?", "Fetch", "Write", "3. Pay 20 crowns to the warden."),
    ],
)
def test_who_asks_for_one_item_gets_that_one(question, first, second, item):
    """By its place, or by the words that only it has, whatever the reader points at."""
    assert [item] == items(told(question, **{first: 0.6, second: 0.5}))


def test_an_item_that_alone_answers_stays_alone():
    """Where no other is likely, the reader knows which."""
    assert ["3. Pay 20 crowns to the warden."] == items(
        told("What must I give?", Pay=0.8, Look=0.1)
    )
