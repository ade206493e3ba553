"""Summaries, surveys, disagreements, and conflicts beside an ordinary answer, from files to cited sentences."""

from __future__ import annotations

import json

import jsonschema
import pytest

from rag import prompts
from rag.citations import lexical_support
from rag.pipeline import Rag
from rag.pipeline.disagreement import MOST_CONFLICTS
from rag.pipeline.excerpts import MOST_QUOTED
from rag.pipeline.generative import ChatAnswerer
from rag.pipeline.overview import understood
from rag.pipeline.summary import MOST_READ
from rag.queries import Query
from rag.schema import Answer, AnswerReady, Turn
from tests.fakes import ScriptedChat, open_rag
from tests.test_schema import SCHEMA

GUIDE = """Guide to the harbour

The harbour bridge opened in 1932. Crossing the harbour bridge costs 40 crowns for each car.
The harbour has two lighthouses and a market. Ferries leave the harbour for the island every hour.
Visitors of the harbour like the fish market best. The market of the harbour is open until noon.
"""
REPORT = """Report of the road authority

The harbour bridge opened in 1930. The authority looks after eleven bridges and many miles of road.
Corrosion was found in nine cables last spring. Engineers of the authority want new cables soon.
"""
LONG = """The castle stands on a steep hill. Its oldest tower burned down in a storm.

A mill by the river grinds corn for bread. Bakers buy flour from that mill each week.

Children learn to swim at the school. Teachers there speak three foreign languages.

Trains stop twice daily at our station. Travellers wait under a glass roof for them.

Gardens were planted behind both churches. Roses and lilies flower there until October.

Every Saturday farmers sell cheese and honey. Musicians from nearby villages play dances.
"""
SHEEP = """Sheep of the hills

Sheep graze on the northern hills all summer. Wool of the sheep is sold in autumn markets.
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with three documents, two of which disagree."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name, text in (("guide.txt", GUIDE), ("report.txt", REPORT), ("sheep.txt", SHEEP)):
        (seeds / name).write_text(text, encoding="utf-8")
    return seeds


@pytest.fixture
def rag(folder):
    """The documents, indexed in short passages, of which a question sees one."""
    with open_rag(folder, passage_tokens=40, top_k=1) as opened:
        opened.sync()
        yield opened


def cited(answer: Answer) -> list[str]:
    """Return the sources of an answer's citations, in order, each once."""
    return list(dict.fromkeys(one.source_id for one in answer.citations))


def codes(answer: Answer) -> list[str]:
    """Return the steps of an answer."""
    return [step.code for step in answer.steps]


def check(rag: Rag, answer: Answer) -> None:
    """Every sentence of the text is a statement with a citation that quotes its source, as the schema says."""
    rest = answer.text
    for one in reversed(answer.statements):
        assert one.markers
        rest = rest[: one.start] + rest[one.end :]
    assert "" == rest.replace("-", "").strip()
    for one in answer.citations:
        assert one.quote == rag.source(one.source_id).text[one.start : one.end]
    assert list(range(1, len(answer.citations) + 1)) == [one.marker for one in answer.citations]
    jsonschema.validate(json.loads(json.dumps(answer.to_dict())), SCHEMA)


class TestSummary:
    """A summary of all sources or of one."""

    def test_every_source_is_in_a_summary_of_all(self, rag):
        """More than the passages of a question are read, and the steps say whose sentences these are."""
        answer = rag.ask("Summarise everything")

        assert "answered" == answer.status
        assert ["guide.txt", "report.txt", "sheep.txt"] == cited(answer)
        assert "No model wrote this" in answer.steps[0].detail
        assert "3 sources" in answer.steps[0].detail
        check(rag, answer)

    @pytest.mark.parametrize("name", ["sheep.txt", "the sheep document", '"Sheep.txt"'])
    def test_a_named_source_is_summarised_alone(self, rag, name):
        """By its file name, or a word of it."""
        answer = rag.ask(f"Summarise {name}")

        assert ["sheep.txt"] == cited(answer)

    def test_a_chosen_source_is_summarised_alone(self, rag):
        """What the caller restricts the question to is all that is read."""
        answer = rag.ask("What is this document about?", sources=["report.txt"])

        assert ["report.txt"] == cited(answer)

    def test_a_summary_is_short_in_the_order_of_the_text_and_without_headings(self, folder):
        """Of a long document a few whole sentences are quoted, in the order in which they stand there."""
        (folder / "long.txt").write_text(f"A heading\n\n{LONG}", encoding="utf-8")
        with open_rag(folder, passage_tokens=40) as rag:
            rag.sync()
            answer = rag.ask("Summarise long.txt")

        starts = [one.start for one in answer.citations]
        assert 3 <= len(starts) <= MOST_QUOTED
        assert sorted(starts) == starts
        assert "A heading" not in answer.text

    def test_what_was_not_read_is_said(self, tmp_path):
        """Of very many passages some are read, and a person is told so."""
        seeds = tmp_path / "seeds"
        seeds.mkdir()
        lines = [f"Boat {n} of the harbour of the old town sails at noon." for n in range(1300)]
        (seeds / "long.txt").write_text("\n\n".join(lines), encoding="utf-8")
        with open_rag(seeds, passage_tokens=32, overlap_sentences=0) as rag:
            rag.sync()
            summary = rag.ask("Summarise everything")
            nothing = rag.ask("Are there contradictions?")

        assert f"At most {MOST_READ} of" in summary.steps[0].detail
        assert f"At most {MOST_READ} of" in nothing.text

    def test_what_no_source_is_called_is_a_topic(self, rag):
        """There is no document of the name: what is said on it is quoted."""
        answer = rag.ask("Summarise corrosion")

        assert "report.txt" in cited(answer)

    def test_an_order_does_not_take_up_what_was_talked_of(self, rag):
        """History gives "it" a meaning and takes none from "this document"."""
        history = [
            Turn(role="user", text="When was the harbour bridge opened?"),
            Turn(role="assistant", text="The harbour bridge opened in 1932. [1]"),
        ]

        assert "Summarise this document" == rag.ask("Summarise this document", history).query
        assert "bridge" in rag.ask("What do the sources say about it?", history).query

    def test_without_sources_it_says_so(self, tmp_path):
        """Nothing can be summarised where there is nothing."""
        (tmp_path / "seeds").mkdir()
        with open_rag(tmp_path / "seeds") as empty:
            empty.sync()

            assert "no_sources" == empty.ask("Summarise everything").reason.code


MINUTES = """# Minutes of the rowing club

## Present

Anna, Bo and Carl were there all evening long.

## Boats

The chair spoke about the weather of the past weeks. It was agreed to sell the old boat for 900 crowns.

## Rejected

- A higher fee for members of 500 crowns
- A bar in the boat house

| boat | length |
| ---- | ------ |
| Gull | 7 m |
"""


class TestWhatASummarySays:
    """Decisions and figures, with what would be read otherwise without its heading."""

    @pytest.fixture
    def minutes(self, folder):
        """The documents with minutes among them."""
        (folder / "minutes.md").write_text(MINUTES, encoding="utf-8")
        with open_rag(folder) as opened:
            opened.sync()
            yield opened

    @pytest.mark.parametrize(
        "question",
        ["Summarise minutes.md", "What was decided in the minutes of the rowing club?"],
    )
    def test_minutes_say_what_was_decided(self, minutes, question):
        """An item under what denies it stands behind that heading; no heading, row or list of names is said alone."""
        answer = minutes.ask(question)
        lines = [line.removeprefix("- ").partition(" [")[0] for line in answer.text.splitlines()]

        assert ["minutes.md"] == cited(answer)
        assert "It was agreed to sell the old boat for 900 crowns." in lines
        assert not {"Boats", "Present"} & set(lines)
        assert "Gull" not in answer.text
        items = [line for line in lines if "higher fee" in line or "bar in" in line]
        assert not items or lines.index("Rejected") == lines.index(items[0]) - 1
        check(minutes, answer)

    def test_what_documents_are_about_is_a_line_of_each(self, minutes):
        """Its title, and a sentence that tells its subject."""
        answer = minutes.ask("What are these documents about?")

        assert ["guide.txt", "minutes.md", "report.txt", "sheep.txt"] == cited(answer)
        assert 4 == len(answer.text.splitlines())
        assert answer.text.startswith("- Guide to the harbour: The harbour bridge opened in 1932.")
        check(minutes, answer)


class TestSurvey:
    """What the sources say about a topic."""

    def test_every_source_that_speaks_on_the_topic_is_heard(self, rag):
        """Two sources know the bridge; the one on sheep is left out."""
        answer = rag.ask("What do the sources say about the harbour bridge?")

        assert {"guide.txt", "report.txt"} == set(cited(answer))
        assert "2 of 3 sources" in answer.steps[0].detail
        check(rag, answer)

    def test_a_source_is_heard_that_a_search_crowds_out(self, folder):
        """Many passages of one source do not silence another."""
        (folder / "loud.txt").write_text(
            "\n\n".join(
                f"Corrosion, corrosion and corrosion again in case {n}." for n in range(240)
            ),
            encoding="utf-8",
        )
        with open_rag(folder, passage_tokens=32) as rag:
            rag.sync()
            answer = rag.ask("What do the sources say about corrosion?")

        assert {"loud.txt", "report.txt"} == set(cited(answer))

    def test_of_an_unknown_topic_nothing_is_said(self, rag):
        """No sentence is near enough: abstained, in words of its own, with the near misses."""
        answer = rag.ask("What do the sources say about volcanoes?")

        assert ("unanswered", "not_supported") == (answer.status, answer.reason.code)
        assert "The sources say nothing on this." == answer.text == answer.reason.message
        assert answer.evidence
        assert () == answer.citations


class TestDisagreement:
    """Where the sources disagree."""

    def test_both_sides_are_shown(self, rag):
        """The sentences stand side by side, both cited, and a step tells the figures."""
        answer = rag.ask("Where do the sources disagree?")

        assert ["guide.txt", "report.txt"] == cited(answer)
        assert "1932 [1]" in answer.steps[-1].detail
        assert "1930 [2]" in answer.steps[-1].detail
        assert ["excerpted", "conflict"] == codes(answer)
        check(rag, answer)

    def test_only_on_the_topic(self, folder):
        """A conflict about something else is not told."""
        for name, price in (("a.txt", "12"), ("b.txt", "15")):
            text = f"A guided tour of the old castle costs {price} crowns."
            (folder / name).write_text(text, encoding="utf-8")
        with open_rag(folder, top_k=1) as rag:
            rag.sync()
            everything = rag.ask("Where do the sources disagree?")
            castle = rag.ask("Where do sources disagree?", sources=["a.txt", "b.txt"])

        assert {"guide.txt", "report.txt", "a.txt", "b.txt"} == set(cited(everything))
        assert {"a.txt", "b.txt"} == set(cited(castle))

    def test_no_disagreement_is_said_so(self, rag):
        """And what was compared."""
        answer = rag.ask("Where do the sources disagree?", sources=["guide.txt", "sheep.txt"])

        assert "unanswered" == answer.status
        assert "Only numbers and dates were compared." in answer.text

    def test_the_list_is_bounded(self, tmp_path):
        """Twenty conflicts are not all told."""
        seeds = tmp_path / "seeds"
        seeds.mkdir()
        for name, more in (("a.txt", 0), ("b.txt", 7)):
            lines = [
                f"The {letter * 4} tower of the town has {n + 40 + more} steps."
                for n, letter in enumerate("bcdfghjklmnpqrstvwxz")
            ]
            (seeds / name).write_text("\n\n".join(lines), encoding="utf-8")
        with open_rag(seeds) as rag:
            rag.sync()
            answer = rag.ask("Are there contradictions?")

        assert MOST_CONFLICTS == codes(answer).count("conflict")


class TestConflictBesideAnAnswer:
    """An ordinary question on which the sources differ."""

    QUESTION = "When was the harbour bridge opened?"

    def test_what_another_source_says_is_shown(self, folder):
        """The answer stands first, the other source's sentence below it, both cited."""
        with open_rag(folder) as rag:
            rag.sync()
            answer = rag.ask(self.QUESTION)

            assert {"guide.txt", "report.txt"} == set(cited(answer))
            assert "\n\nThe harbour bridge opened in" in answer.text
            assert ["conflict"] == codes(answer)
            check(rag, answer)

    def test_without_a_conflict_nothing_is_added(self, folder):
        """A source that agrees, or speaks of something else, is no conflict."""
        (folder / "report.txt").write_text(REPORT.replace("1930", "1932"), encoding="utf-8")
        with open_rag(folder) as rag:
            rag.sync()
            answer = rag.ask(self.QUESTION)

        assert 1 == len(answer.statements)
        assert () == answer.steps

    def test_a_source_is_not_set_against_itself(self, folder):
        """What one source says twice is no conflict between sources."""
        (folder / "report.txt").unlink()
        again = "\n\nThe harbour bridge opened in 1930.\n"
        (folder / "guide.txt").write_text(GUIDE + again, encoding="utf-8")
        with open_rag(folder) as rag:
            rag.sync()
            answer = rag.ask(self.QUESTION)

        assert () == answer.steps

    def test_beside_a_model_s_answer_too(self, folder):
        """A model that reads only one side is held against the other."""
        answer, _ = ask_model(folder, self.QUESTION, "The harbour bridge opened in 1932. [{guide}]")

        assert {"guide.txt", "report.txt"} == set(cited(answer))
        assert "conflict" == codes(answer)[-1]
        assert ["supported"] * 2 == [one.verdict for one in answer.statements]

    def test_a_model_that_tells_both_sides_is_not_repeated(self, folder):
        """Then only the step is added."""
        reply = "The harbour bridge opened in 1932. [{guide}]\nThe harbour bridge opened in 1930. [{report}]"
        answer, _ = ask_model(folder, self.QUESTION, reply)

        assert 2 == len(answer.statements)
        assert "conflict" == codes(answer)[-1]


def ask_model(folder, question: str, reply: str) -> tuple[Answer, str]:
    """Return a scripted model's answer, and the prompt; `{guide}` in the reply is that source's passage."""
    with open_rag(folder, top_k=4) as plain:
        plain.sync()
        places = {
            one.passage.source_id.partition(".")[0]: one.rank for one in plain.search(question, k=4)
        }
        chat = ScriptedChat(reply.format(**places), reply.format(**places))
        model = ChatAnswerer(
            chat,
            support=lexical_support,
            fallback=plain._answerers[plain.models[0]],
            context=8192,
            count_tokens=lambda text: len(text.split()),
        )
        with Rag(
            plain.settings,
            index=plain._index,
            encoder=plain._asker._encoder,
            answerers=[model],
            tokens=plain._asker._tokens,
        ) as rag:
            *_, last = rag.stream(question)
    assert isinstance(last, AnswerReady)
    return last.answer, str(chat.asked)


def test_a_model_is_given_more_than_a_question_is(folder):
    """A summary shows it passages of every source, whatever `top_k` is."""
    _, prompt = ask_model(folder, "Summarise everything", "Sheep graze on the hills. [1]")

    for told in ("two lighthouses", "nine cables", "autumn markets"):
        assert told in prompt


def test_a_model_that_fails_is_replaced_by_the_sources_sentences(folder):
    """The fallback of a summary is a summary, and says so."""
    answer, _ = ask_model(folder, "Summarise everything", "Pigs fly to Mars. [1]")

    assert {"fell_back", "excerpted"} <= set(codes(answer))
    assert ["guide.txt", "report.txt", "sheep.txt"] == cited(answer)


def test_every_kind_has_a_task():
    """A chat model is told what to do with the passages of each kind of overview."""
    kinds = {"summary", "contents", "survey", "comparison", "disagreement"}

    assert kinds == set(prompts.TASKS)


def test_understood_takes_the_question_as_typed_where_it_points_nowhere():
    """A rewritten order is used only where the typed one points to the history."""
    rewritten = Query(text="Summarise the harbour bridge", rewritten=True, added=("bridge",))

    assert "Summarise this text" == understood("Summarise this text", rewritten)[1].text
    assert rewritten == understood("Summarise it", rewritten)[1]
    assert ("question", rewritten) == (
        understood("Who built it?", replace_text(rewritten))[0].kind,
        rewritten,
    )


def replace_text(query: Query) -> Query:
    """Return a question in place of an order."""
    return Query(text="Who built the harbour bridge?", rewritten=query.rewritten, added=query.added)
