"""Editing, looking up, taking away and bringing back, without a browser."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from rag.settings import Settings
from rag.web.conversation import Exchange, Ways
from rag.web.keeping import to_text
from rag.web.opening import Opening
from tests.web_fakes import BUILT, FERRY, HARBOUR, ScriptedRag, answered, guessed

SKIP = {"__type__": "update"}


@pytest.fixture
def rag() -> ScriptedRag:
    """The pipeline that is asked."""
    return ScriptedRag()


@pytest.fixture
def opening(rag: ScriptedRag) -> Opening:
    """It is open."""
    opening = Opening(lambda _: rag)
    opening.wait(60)
    return opening


@pytest.fixture
def chat(opening: Opening) -> Any:
    """The events of a page."""
    from rag.web.talking import Chat

    return Chat(opening, max_chars=200)


@pytest.fixture
def carrying(opening: Opening) -> Any:
    """The events of what is taken away and brought back."""
    from rag.web.carrying import Carrying

    return Carrying(opening)


def talked(*questions: str) -> tuple[Exchange, ...]:
    """A conversation of answered questions."""
    return tuple(Exchange(question=one, answer=answered(one)) for one in questions)


def test_an_edited_question_takes_the_place_of_the_old_and_of_what_came_after(chat: Any):
    """It is said before, and nothing is dropped until it is asked."""
    talk = talked("first", "second", "third")
    editing, messages, box = chat.edit("e-1 1", talk)
    assert "second" == box.value
    assert "This question and the one after it will be replaced" in messages[2]["content"]
    assert ["first", "second", "third"] == [exchange.question for exchange in editing]
    again, *_ = chat.accept("second, please", editing)
    assert (talk[0], Exchange(question="second, please")) == again


@pytest.mark.parametrize("chosen", ["e-none 2", "e-9 2", "", "e-1'--"])
def test_an_edit_that_is_given_up_leaves_all_as_it_was(chat: Any, chosen: str):
    """The next question comes last."""
    talk = talked("first", "second")
    editing, *_ = chat.edit("e-0 1", talk)
    left, messages, box = chat.edit(chosen, editing)
    assert (talk, "") == (left, box.value)
    assert "fn-editing" not in str(messages)
    assert 3 == len(chat.accept("third", left)[0])


def test_retry_and_undo_end_an_edit(chat: Any):
    """They drop what they always did, and nothing more."""
    editing, *_ = chat.edit("e-0 1", talked("first", "second"))
    again, *_ = chat.retry(editing, None, None, SimpleNamespace(index=2))
    assert ["first", "second"] == [exchange.question for exchange in again]
    kept, *_ = chat.undo(editing, SimpleNamespace(index=2))
    assert talked("first") == kept


def test_nothing_is_edited_while_an_answer_is_written(chat: Any):
    """Two writers of one conversation would mix it up."""
    talk = (*talked("first"), Exchange(question="second"))
    assert (SKIP,) * 3 == chat.edit("e-0 1", talk)


def test_the_chosen_ways_go_along_and_are_said(chat: Any, rag: ScriptedRag):
    """Passages to read and strictness, of this question."""

    async def last(talk: Any, *ways: Ways) -> tuple[Any, ...]:
        return [update async for update in chat.answer(talk, *ways)][-1]

    talk, *_ = chat.accept("When?", ())
    talk, messages, *_ = asyncio.run(last(talk, Ways(top_k=3, strictness=0.9)))
    assert (3, 0.9) == rag.ways[-1]
    assert "Asked with reading 3 passages, strictness 0.90" in messages[-1]["content"]
    ways = Ways(verify="off", depth="thorough")
    _, messages, *_ = asyncio.run(last(chat.accept("When?", ())[0], ways))
    assert ("off", "thorough") == rag.looks[-1]
    assert "Asked with verify off, depth thorough" in messages[-1]["content"]
    talk, messages, *_ = asyncio.run(last(chat.accept("When?", ())[0]))
    assert (None, None) == rag.ways[-1]
    assert "Asked with" not in messages[-1]["content"]


def test_the_settings_are_those_of_the_program_until_others_are_chosen(opening: Opening):
    """Only what differs goes along with a question."""
    from rag.web.settings_tab import Choosing

    does = Choosing(Settings(top_k=7, strictness=0.4, verify="builtin"), opening)
    assert Ways() == does.choose(7, 0.4, "builtin", "quick")
    assert Ways(top_k=12) == does.choose(12, 0.4, "builtin", "quick")
    assert Ways(strictness=0.0) == does.choose(7, 0, "builtin", "quick")
    assert Ways(verify="off") == does.choose(7, 0.4, "off", "quick")
    assert Ways(depth="thorough") == does.choose(7, 0.4, "builtin", "thorough")
    assert (7, 0.4, "builtin", "quick") == does.as_usual()


@pytest.mark.parametrize("models", [("extractive:fake",), ("openai:m", "extractive:fake")])
def test_who_can_answer_is_offered_in_the_settings(
    opening: Opening, rag: ScriptedRag, models: tuple[str, ...]
):
    """What is chosen of a chat model is offered where there is one."""
    from rag.web.settings_tab import Choosing

    rag.models = models

    async def offered() -> Any:
        return [update async for update in Choosing(Settings(), opening).who()]

    ((radio, alone, verify, depth),) = asyncio.run(offered())
    assert (models[0], len(models) == 1) == (radio.value, alone.visible)
    assert [len(models) > 1] * 2 == [verify.visible, depth.visible]


def test_questions_are_offered_once_the_sources_can_be_read(chat: Any):
    """Drafted from what is indexed; again only where that has changed."""
    offered, state = asyncio.run(chat.offer())
    assert (SKIP, SKIP) == asyncio.run(chat.offer(state))
    assert 1 <= len(offered.examples) <= 4
    assert all(example["text"].endswith("?") for example in offered.examples)


def test_words_are_found_in_the_document_that_is_shown(chat: Any):
    """The place that is looked at stands out, the cited words stay marked."""
    talk = talked("q")
    pane = chat.find("#c-0-1 - ferry", talk)
    assert '<p class="fn-tally">1 of 1</p>' in pane
    assert '<mark class="fn-also fn-found fn-here">ferry</mark>' in pane
    assert "12 of 60" in chat.find("#c-0-1 11 fishing boats", talk)
    assert "Nowhere" in chat.find("#c-0-1 - zebra", talk)
    assert "fn-tally" not in chat.find("#c-0-1 - ", talk)


@pytest.mark.parametrize("sought", ["", "x", "#c-9-9 - a", "#c-0-1 -5 (", "#c-0-1 ² ferry"])
def test_what_is_sought_is_read_strictly(chat: Any, sought: str):
    """Whatever a page sends, there is a pane."""
    assert chat.find(sought, talked("q")).startswith('<div class="fn-pane')


def test_an_answer_is_explained_when_it_is_asked_for(chat: Any, rag: ScriptedRag):
    """And nothing is searched before."""
    talk = (*talked("q"), Exchange(question="stopped", trouble="Stopped."))
    assert [] == rag.retrieved
    assert "How this answer came about" in chat.show("#e-0-0 1", talk)
    assert [("q", ())] == rag.retrieved
    assert "fn-empty" in chat.show("#e-1-0 2", talk)
    assert "fn-empty" in chat.show("#e-7-0 3", talk)


def test_a_passage_that_was_read_opens_from_the_explanation(chat: Any):
    """As what it is."""
    pane = chat.show("#p-0-2 1", talked("q"))
    assert "Passages read" in pane
    assert f'<mark class="fn-hit">{FERRY}</mark>' in pane


def test_with_no_sources_it_is_said_how_to_add_some(chat: Any, rag: ScriptedRag):
    """On that very page, and no questions are offered."""
    rag.known.clear()
    offered, _ = asyncio.run(chat.offer())
    assert "Drop files" in offered.placeholder
    assert offered.examples is None


def test_a_closest_passage_opens_beside_the_chat(chat: Any):
    """As what it is, its decisive words marked."""
    talk = (Exchange(question="q", answer=guessed("q")),)
    pane = chat.show("#n-0-1 1", talk)
    assert "Closest passages" in pane
    assert '<mark class="fn-hit">ferry</mark>' in pane


@pytest.mark.parametrize(
    ("form", "kind"), [("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")]
)
def test_an_answer_is_handed_out_as_a_file(carrying: Any, form: str, kind: str):
    """With the number it was wanted by."""
    made = json.loads(carrying.take(f"x-1-{form} 5", talked("first", "second")))
    assert ("5", f"second.{form}", kind) == (made["number"], made["name"], made["type"])
    assert "first" not in made["text"]
    whole = json.loads(carrying.take(f"x-all-{form} 6", talked("first", "second")))
    assert "first" in whole["text"]
    assert "second" in whole["text"]


@pytest.mark.parametrize("wanted", ["", "x-0-exe 1", "x-../-md 1", "c-0-1 1"])
def test_nothing_else_is_handed_out(carrying: Any, wanted: str):
    """What a page sends is read strictly."""
    assert {"number"} == set(json.loads(carrying.take(wanted, talked("q"))))


def test_a_conversation_is_kept_and_brought_back(carrying: Any):
    """By the browser, which gets it as text."""
    talk = talked("first", "second")
    made = json.loads(carrying.take("x-all-keep 1", talk))
    assert "first" == made["name"]
    brought, messages, pane = carrying.bring(f"2 {made['text']}", ())
    assert talk == brought
    assert 4 == len(messages)
    assert "fn-empty" in pane
    assert () == carrying.bring("3 []", talk)[0]


def test_what_is_brought_back_says_what_has_become_of_its_sources(carrying: Any, rag: ScriptedRag):
    """Words of a removed source are gone from it."""
    del rag.known[HARBOUR.source_id]
    brought, messages, _ = carrying.bring(f"1 {to_text(talked('q'))}", ())
    assert ("removed", "removed", "current") == brought[0].standing
    assert BUILT not in str(messages)
    assert "has been removed since" in messages[-1]["content"]
    assert BUILT not in carrying.take("x-all-json 2", talked("q"))


def test_nothing_is_brought_back_while_an_answer_is_written(carrying: Any):
    """Nor before the pipeline is open."""
    assert (SKIP,) * 3 == carrying.bring("1 []", (Exchange(question="q"),))
    from rag.web.carrying import Carrying

    closed = Carrying(Opening(lambda _: ScriptedRag()))
    assert (SKIP,) * 3 == closed.bring("1 []", ())
    assert '{"number": "1"}' == closed.take("x-all-md 1", talked("q"))


def test_what_the_server_has_forgotten_the_page_has_carried(chat: Any, carrying: Any):
    """Whatever is done with a conversation is done with the one that the page shows."""
    talk = talked("first", "second")
    carried = carrying.carry(talk)
    again, *_ = chat.accept("third", (), None, None, carried)
    assert (*talk, Exchange(question="third")) == again
    again, *_ = chat.accept_example((), None, None, SimpleNamespace(value={"text": "x"}), carried)
    assert 3 == len(again)
    again, *_ = chat.retry((), None, None, SimpleNamespace(index=2), carried)
    assert (talk[0], Exchange(question="second")) == again
    kept, _, _, box = chat.undo((), SimpleNamespace(index=2), carried)
    assert (talk[:1], "second") == (kept, box.value)
    editing, *_ = chat.edit("e-1 1", (), carried)
    assert [False, True] == [one.edited for one in editing]
    assert f'<mark class="fn-hit">{FERRY}</mark>' in chat.show("#c-1-2 1", (), carried)
    assert "1 of" in chat.find("#c-0-1 - harbour", (), carried)
    taken = json.loads(carrying.take("x-all-json 1", (), carried))
    assert ["first", "second"] == [one["question"] for one in json.loads(taken["text"])["turns"]]


def test_what_the_server_remembers_is_what_holds(chat: Any, carrying: Any):
    """The page carries what was said last; what has been asked since is known here."""
    carried = carrying.carry(talked("first"))
    again, *_ = chat.accept("third", talked("first", "second"), None, None, carried)
    assert ["first", "second", "third"] == [one.question for one in again]
    for nothing in ("", None, "[]", "{", "x" * 999_999, '[{"question": 5}]'):
        assert ["new"] == [one.question for one in chat.accept("new", (), carried=nothing)[0]]
    assert "" == carrying.carry(())
