"""A conversation grows by events, and its turns are what was said and checked."""

from __future__ import annotations

from rag.schema import AnswerReady, EvidenceReady, QueryReady, TextDelta, Turn
from rag.web.conversation import Exchange, turns, with_last
from tests.web_fakes import BUILT, FERRY, HARBOUR, answered, passage, unanswered


def test_an_exchange_is_the_sum_of_its_events():
    """Query, evidence, text and answer are kept as they come; the answer replaces the draft."""
    exchange = Exchange(question="When?", notice="Getting ready…")
    exchange = exchange.after(QueryReady(query="When does it sail?", rewritten=True))
    assert Exchange(question="When?", query="When does it sail?") == exchange
    evidence = (passage(HARBOUR, FERRY),)
    exchange = exchange.after(EvidenceReady(evidence=evidence))
    exchange = exchange.after(TextDelta(text="At ei")).after(TextDelta(text="ght"))
    assert ("At eight", evidence) == (exchange.draft, exchange.evidence)
    answer = answered("When?")
    exchange = exchange.after(AnswerReady(answer=answer))
    assert (answer, "") == (exchange.answer, exchange.draft)


def test_text_is_kept_with_the_evidence_that_its_markers_name():
    """New evidence begins a new text: markers of the old one named other passages."""
    exchange = Exchange(question="q").after(EvidenceReady(evidence=(passage(HARBOUR, FERRY),)))
    exchange = exchange.after(TextDelta(text="At eight [1]."))
    other = (passage(HARBOUR, BUILT),)
    exchange = exchange.after(EvidenceReady(evidence=other))
    assert ("", other) == (exchange.draft, exchange.evidence)


def test_a_query_that_is_the_question_is_not_kept_as_another():
    """Only a rewritten query is worth showing."""
    assert "" == Exchange(question="q").after(QueryReady(query="q", rewritten=False)).query


def test_turns_are_plain_text_without_markers():
    """A pipeline gets what was said, not how it was marked up, and what it rests on."""
    answer = answered("When?")
    talk = (Exchange(question="When?", answer=answer),)
    assert (
        Turn(role="user", text="When?"),
        Turn(
            role="assistant",
            text="The harbour was built in 1871. The ferry leaves at eight."
            " It never sails at night.",
            citations=answer.citations,
        ),
    ) == turns(talk)


def test_what_was_not_answered_leaves_only_its_question():
    """An abstention adds no words, and a question that was stopped or failed adds nothing."""
    talk = (
        Exchange(question="The moon?", answer=unanswered("The moon?")),
        Exchange(question="Stopped?", draft="never checked", trouble="Stopped."),
    )
    assert (Turn(role="user", text="The moon?"),) == turns(talk)


def test_the_last_exchange_is_replaced_and_earlier_ones_stay():
    """A conversation is changed by making another."""
    first, second, third = (Exchange(question=q) for q in "abc")
    assert (first, third) == with_last((first, second), third)
