"""Below an answer: who wrote it, what was done about its citations, what a person says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given

from rag.evaluation.feedback import FeedbackKind
from rag.schema import Step, StepCode
from rag.web import remarks, render
from rag.web.conversation import Exchange
from rag.web.remarks import Saying
from tests.test_web_render import TEXT, checked
from tests.web_fakes import answered, guessed, mended, unanswered


@given(TEXT)
def test_what_a_model_or_a_person_wrote_is_only_text(text: str):
    """Names of models and details of steps make no tag, attribute or link."""
    steps = tuple(Step(code=code, detail=text) for code in get_args(StepCode))
    for answer in (answered("q"), unanswered("q")):
        answer = replace(answer, steps=steps, model=text)
        exchange = Exchange(question="q", answer=answer, judged=text)
        for message in render.messages((exchange,)):
            checked(message["content"])


def test_how_sure_an_answer_is_stands_below_it_in_words():
    """No percentage, and no name of a model; of a summary, which nobody weighed, nothing."""
    step = Step(code="excerpted", detail="No model wrote this.")
    for answer, said in (
        (answered("q"), "3 quotes · sure"),
        (guessed("q"), "1 quote · likely, not sure"),
        (replace(answered("q"), status="partial"), "3 quotes"),
        (replace(answered("q"), steps=(step,)), "3 quotes"),
        (replace(answered("q"), model="openai:gpt-5"), "3 quotes · 1 of 3 sentences supported"),
        (unanswered("q"), "1 passage read"),
        (replace(unanswered("q"), evidence=()), "nothing read"),
    ):
        page = checked(render.message(Exchange(question="q", answer=answer), 0))
        assert said == page.text("fn-foot")
        assert answer.model not in page.text()


def test_a_model_that_could_not_be_used_is_said_with_the_reason():
    """Whose words these are then is plain, in front of them."""
    page = checked(render.message(Exchange(question="q", answer=mended("q")), 0))
    assert (
        "The model could not be used. openai:gpt-5 did not answer in time."
        " These are the sources’ own words."
    ) == page.text("fn-fell")
    answer = replace(unanswered("q"), steps=mended("q").steps)
    page = checked(render.message(Exchange(question="q", answer=answer), 0))
    assert page.text("fn-fell").endswith("The sources were read without it.")
    assert "" == checked(remarks.replaced(answered("q"))).text()


def test_what_was_done_about_citations_is_told_in_a_line_and_in_full():
    """The line counts; unfolded, every step has its detail as a sentence."""
    steps = (
        *mended("q").steps,
        Step(code="repointed", detail="another"),
        Step(code="left_out", detail="one"),
    )
    told = checked(remarks.steps(replace(answered("q"), steps=steps))).text("fn-steps")
    assert told.startswith(
        "Checked: 2 citations moved, 1 citation added, the model asked once more,"
        " the model replaced, 1 sentence left out"
    )
    assert "Moved. a marker was moved from passage 2 to passage 1." in told
    assert "Left out. one." in told
    assert "" == remarks.steps(answered("q"))


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (answered("q"), ["right", "wrong_citation", "should_not_have_answered"]),
        (
            replace(answered("q"), status="partial"),
            ["right", "wrong_citation", "should_have_answered", "should_not_have_answered"],
        ),
        (unanswered("q"), ["right", "should_have_answered"]),
    ],
)
def test_only_what_can_be_said_of_an_answer_is_offered(answer, kinds: list[str]):
    """Nobody should have answered what was answered."""
    html = remarks.feedback(Exchange(question="q", answer=answer), 3)
    checked(html)
    assert kinds == [kind for kind in get_args(FeedbackKind) if f'value="f-3-{kind}"' in html]


def test_the_last_answer_can_be_judged_and_a_judged_one_stays_so():
    """Earlier answers are not in the way, and nothing can be said while one is written."""
    talk = tuple(Exchange(question=q, answer=answered(q)) for q in "abc")
    shown = ["fn-say" in message["content"] for message in render.messages(talk)[1::2]]
    assert [False, False, True] == shown
    talk = (replace(talk[0], judged="right"), *talk[1:])
    messages = render.messages(talk)
    assert "✓ Right" == checked(messages[1]["content"]).text("fn-given")
    assert "on this machine only" in checked(messages[1]["content"]).text("fn-asked")
    pending = render.messages((*talk, Exchange(question="d")))
    assert not any("fn-say" in message["content"] for message in pending)


@pytest.mark.parametrize("kind", get_args(FeedbackKind))
def test_a_button_s_value_is_read_back(kind: FeedbackKind):
    """What a button says arrives as it was meant."""
    saying = Saying(turn=12, kind=kind)
    assert saying == Saying.parse(saying.value)


@pytest.mark.parametrize("text", ["", "f-0-", "f-0-fine", "f--right", "c-0-1", "f-9999999-right"])
def test_what_is_no_button_s_value_says_nothing(text: str):
    """What a page sends is read strictly."""
    assert Saying.parse(text) is None
