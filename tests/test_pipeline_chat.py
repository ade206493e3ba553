"""A chat model held to the sources: each step of the policy on bad citations, with a scripted model."""

from __future__ import annotations

import pytest

from rag.citations import lexical_support
from rag.errors import ChatTimeoutError
from rag.pipeline.answering import ChatAnswerer, ExtractiveAnswerer, Inquiry
from rag.prompts import ABSTAIN
from rag.schema import Answer, Candidate, Passage, ScoredSentence, Source, TextDelta
from tests.fakes import OverlapReader, ScriptedChat

SENTENCES = (
    "The harbour bridge opened in 1932.",
    "Engineers from Paris praised the bridge.",
    "Sheep graze on the northern hills.",
)
TEXT = " ".join(SENTENCES)
SOURCE = Source(
    source_id="a.txt", title="Notes", text=TEXT, sha256="0" * 64, media_type="text/plain"
)


def inquiry(question="When was the harbour bridge opened?"):
    """The question with one candidate that holds the three sentences."""
    scored = tuple(
        ScoredSentence(
            start=TEXT.index(one), end=TEXT.index(one) + len(one), text=one, dense=0.5, lexical=0.5
        )
        for one in SENTENCES
    )
    passage = Passage(
        passage_id=f"a.txt#0-{len(TEXT)}",
        source_id="a.txt",
        start=0,
        end=len(TEXT),
        text=TEXT,
        n_tokens=20,
    )
    candidate = Candidate(passage=passage, dense=0.5, lexical=1.0, fused=0.6, sentences=scored)
    return Inquiry(
        question=question,
        query=question,
        history=(),
        parts=((question, (candidate,)),),
        source=lambda _: SOURCE,
    )


def ask(model, question="When was the harbour bridge opened?", budget=3000):
    """All events of one answer, the answer last."""
    answerer = ChatAnswerer(
        model,
        support=lexical_support,
        fallback=ExtractiveAnswerer(OverlapReader(), strictness=0.5),
        budget=budget,
        count_tokens=lambda text: len(text.split()),
    )
    return list(answerer.answer(inquiry(question)))


def steps(answer):
    """The codes of what was done."""
    return [step.code for step in answer.steps]


def test_a_supported_reply_is_the_answer():
    """What the model says and the passage bears out is given with the exact words it rests on."""
    *deltas, answer = ask(ScriptedChat("The harbour bridge opened in 1932. [1]"))

    assert "answered" == answer.status
    assert "scripted" == answer.model
    assert ["supported"] == [one.verdict for one in answer.statements]
    assert SENTENCES[0] == answer.citations[0].quote
    assert "The harbour bridge opened in 1932." in "".join(delta.text for delta in deltas)


def test_a_changed_number_never_passes():
    """The model is told what was wrong; when it insists, the extractive reader answers in its place."""
    model = ScriptedChat(
        "The harbour bridge opened in 1942. [1]", "The harbour bridge opened in 1952. [1]"
    )

    answer = ask(model)[-1]

    assert ["asked_again", "fell_back"] == [c for c in steps(answer) if c != "repointed"]
    assert "extractive:overlap/1" == answer.model
    assert "1932" in answer.text
    assert "1942" in str(model.asked[1])


def test_a_mended_reply_is_taken():
    """When the second reply holds, it is the answer, and the step is recorded."""
    model = ScriptedChat(
        "The harbour bridge opened in 1942. [1]", "The harbour bridge opened in 1932. [1]"
    )

    answer = ask(model)[-1]

    assert "scripted" == answer.model
    assert "asked_again" in steps(answer)
    assert ["supported"] == [one.verdict for one in answer.statements]


def test_not_in_the_sources_from_the_model_is_an_abstention():
    """The agreed sentence becomes the result that says why, with near misses and no fallback."""
    answer = ask(ScriptedChat(ABSTAIN))[-1]

    assert "unanswered" == answer.status
    assert "not_supported" == answer.reason.code
    assert answer.evidence
    assert () == answer.citations


def test_an_invented_marker_never_reaches_a_person():
    """A number that names no passage is dropped, on the way and in the end."""
    *deltas, answer = ask(ScriptedChat("The harbour bridge opened in 1932. [99]"))

    shown = "".join(delta.text for delta in deltas)
    assert "99" not in shown
    assert "99" not in answer.text
    assert "marker_dropped" in steps(answer)


def test_a_failing_model_leaves_the_extractive_answer():
    """When the model cannot be reached, the sources still answer, labelled as such, with the reason."""
    answer = ask(ScriptedChat(ChatTimeoutError("The model did not answer within 60 seconds.")))[-1]

    assert "1932" in answer.text
    assert ["fell_back"] == steps(answer)
    assert "60 seconds" in answer.steps[0].detail


def test_a_model_is_never_asked_without_evidence():
    """When no passage fits the prompt, the model is not called at all."""
    model = ScriptedChat()

    answer = ask(model, budget=1)[-1]

    assert [] == model.asked
    assert ["fell_back"] == steps(answer)


def test_knowledge_of_its_own_is_not_an_answer():
    """A sentence that the passages do not bear out is not passed off as theirs."""
    reply = "Mount Fuji is the highest mountain of Japan. [1]"

    answer = ask(ScriptedChat(reply, reply), "What is the highest mountain of Japan?")[-1]

    assert "unanswered" == answer.status
    assert "Fuji" not in answer.text


@pytest.mark.parametrize("reply", ["", "[1]", "[1][1][1]", "```\n[1]\n```"])
def test_a_reply_without_a_sentence_falls_back(reply):
    """Nothing, or markers only, is not an answer."""
    answer = ask(ScriptedChat(reply, reply))[-1]

    assert "extractive:overlap/1" == answer.model


def test_only_the_last_event_is_an_answer():
    """Provisional text comes first; the answer comes once, last."""
    events = ask(ScriptedChat("The harbour bridge opened in 1932. [1]"))

    assert [TextDelta] * (len(events) - 1) == [type(event) for event in events[:-1]]
    assert isinstance(events[-1], Answer)


def test_the_prompt_is_the_same_for_the_same_request():
    """A model at temperature 0 can repeat itself, because the prompt does."""
    first, second = (ScriptedChat("The harbour bridge opened in 1932. [1]") for _ in range(2))
    ask(first)
    ask(second)

    assert first.asked == second.asked
