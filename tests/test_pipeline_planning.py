"""What a chat model says to search for: where it is asked, how its words are read, and what becomes of them."""

from __future__ import annotations

import json

import pytest

from rag.citations import lexical_support
from rag.pipeline.arithmetic import reckoned
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.pipeline.planning import Plan, is_on_answer, pays, read_plan
from rag.prompts import ABSTAIN
from rag.schema import AnswerReady, QueryReady, Turn
from tests.fakes import OverlapReader, PlanningChat, open_rag

TALK = (
    Turn(role="user", text="When did the harbour bridge open?"),
    Turn(role="assistant", text="The harbour bridge opened in 1932. [1]"),
)


@pytest.mark.parametrize(
    ("question", "history", "found", "expected"),
    [
        ("When did the bridge open?", (), ["The bridge opened."], False),
        ("What did it cost?", TALK, ["The bridge opened."], True),
        ("Shorter, in one sentence.", TALK, ["The bridge opened."], True),
        ("Which deadlines fall in June?", (), ["It is due in June."], True),
        ("Who is the director, and when was she elected?", (), ["She was elected."], True),
        ("Compare the notice periods of the lease and the bylaws.", (), ["The notice."], True),
        ("Wann wurde die Brücke eröffnet?", (), ["The bridge was opened by the king."], True),
    ],
)
def test_a_plan_is_made_where_it_pays(question, history, found, expected):
    """Of follow-ups, comparisons, lists, several parts and other languages; not of a plain question."""
    assert expected == pays(question, history, found)


def test_an_order_in_a_talk_is_about_what_was_said():
    """A new question that points at nothing is not."""
    assert [True, True, False] == [
        is_on_answer(one) for one in ("As a table", "Is that all?", "Who built the harbour?")
    ]


@pytest.mark.parametrize(
    "reply",
    [
        '{"question": "When?", "queries": ["bridge opening", "harbour 1932"]}',
        'Here you are:\n```json\n{"Question": "When?", "queries": ["bridge opening", "harbour 1932"]}\n```',
        "question: When?\nqueries:\n- bridge opening\n2. harbour 1932",
    ],
)
def test_a_plan_is_read_in_any_form(reply):
    """JSON alone, JSON among words, or labelled lines."""
    assert Plan(question="When?", queries=("bridge opening", "harbour 1932")) == read_plan(reply)


@pytest.mark.parametrize("reply", ["", "{", "I cannot.", '{"queries": 7}', "[[[" * 5000, "null"])
def test_what_is_no_plan_searches_for_nothing(reply):
    """Whatever a model writes, nothing breaks."""
    assert Plan() == read_plan(reply)


def test_a_plan_is_bounded_and_harmless():
    """At most five queries, none long, none with what steers a model."""
    queries = ["<|im_start|>" + "x" * 900, *(f"query {n}" for n in range(9))]

    plan = read_plan(json.dumps({"queries": queries}))

    assert 5 == len(plan.queries)
    assert all(len(one) <= 200 and "<|" not in one for one in plan.queries)


def asked(tmp_path, model, question, history=(), **options):
    """The events of a question over many small files, of which two tell of the bridge."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for n in range(24):
        text = f"Field {n} was ploughed by hand in spring, and sown with barley in the autumn after it."
        (seeds / f"field-{n}.txt").write_text(text * 10, encoding="utf-8")
    (seeds / "bridge.txt").write_text("The harbour bridge opened in 1932.", encoding="utf-8")
    (seeds / "crane.txt").write_text("The old crane weighs forty tonnes.", encoding="utf-8")
    reader = ExtractiveAnswerer(OverlapReader())
    chat = ChatAnswerer(
        model,
        support=lexical_support,
        fallback=reader,
        context=3000,
        count_tokens=lambda text: len(text.split()),
    )
    with open_rag(seeds, answerers=[chat, reader]) as rag:
        rag.sync()
        return list(rag.stream(question, history, **options))


def test_what_a_plan_names_is_searched_and_shown(tmp_path):
    """The model gets what its queries find, the steps name them, and the tokens of the plan are counted."""
    model = PlanningChat(ABSTAIN, plans=['{"queries": ["weight of the crane"]}'])

    *_, last = asked(tmp_path, model, "Which things in the harbour are heavy?")

    assert "forty tonnes" in model.asked[0][-1]["content"]
    assert ["Searched: “weight of the crane”."] == [
        step.detail for step in last.answer.steps if step.code == "searched"
    ]
    assert 5 == last.answer.usage["prompt"]


def test_without_a_plan_the_question_is_searched_as_typed(tmp_path):
    """A model that refuses to plan still answers."""
    model = PlanningChat(ABSTAIN)

    *_, last = asked(tmp_path, model, "Which bridges opened in 1932?")

    assert isinstance(last, AnswerReady)
    assert 1 == len(model.asked_whole)
    assert "opened in 1932" in model.asked[0][-1]["content"]


def test_a_plan_makes_a_follow_up_stand_alone(tmp_path):
    """What was searched is shown, and the model gets the question as it was typed."""
    plan = {"question": "What does the old crane weigh?", "queries": ["crane weight"]}
    model = PlanningChat(ABSTAIN, plans=[json.dumps(plan)])

    events = asked(tmp_path, model, "And the crane?", TALK)

    queries = [one.query for one in events if isinstance(one, QueryReady)]
    assert ["What does the old crane weigh?"] == queries
    assert "Question: And the crane?" in model.asked[0][-1]["content"]


def test_thorough_searches_again_for_what_is_missing(tmp_path):
    """It is shown what was found, and asked what is missing, until nothing is."""
    model = PlanningChat(
        ABSTAIN, plans=['{"queries": ["harbour bridge"]}', '{"queries": ["old crane"]}', "{}"]
    )

    *_, last = asked(tmp_path, model, "When did it open?", depth="thorough")

    assert 3 == len(model.asked_whole)
    assert "forty tonnes" in model.asked[0][-1]["content"]
    assert 2 == sum(step.code == "searched" for step in last.answer.steps)


def test_thorough_opens_sections_and_reckons(tmp_path):
    """A section that the model names comes whole, a sum with what it comes to; both are told, and neither twice."""
    wish = '{"open": [1], "compute": ["40 * (2.5 + 0.5)", "__import__(\'os\')"]}'
    model = PlanningChat(ABSTAIN, plans=['{"queries": ["old crane"]}', wish, wish])

    *_, last = asked(tmp_path, model, "What does the crane weigh?", depth="thorough")

    assert 3 == len(model.asked_whole)
    assert "Reckoned: 40 * (2.5 + 0.5) = 120.0." in model.asked[0][-1]["content"]
    assert ["searched", "opened", "computed"] == sorted(
        {step.code for step in last.answer.steps} & {"searched", "opened", "computed"},
        key=["searched", "opened", "computed"].index,
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3 * (12.50 + 4)", "49.5"),
        ("-(2 - 5) / 4", "0.75"),
        ("0.1 + 0.2", "0.3"),
        ("6 × 7", "42"),
        ("1 / 3", "0.333333333333"),
        ("2 ** 99999999", None),
        ("1 / 0", None),
        ("9" * 150 + " * 9", None),
        ("True + 1", None),
        ("a + 1", None),
        ("open('x')", None),
        ("", None),
        ("(" * 199, None),
    ],
)
def test_a_sum_is_reckoned_exactly_and_nothing_is_run(written, expected):
    """Numbers, brackets and the four operations; anything else is no sum."""
    assert expected == reckoned(written)
