"""Talks made of sentences, and claims on who said what in them."""

from __future__ import annotations

import random

import pytest

from training.support.dialogues import CHATTER, Fact, Line, first_person, lowered, talk, talked
from training.support.verbs import Verbs

NAMES = ("Ann", "Ben")
VERBS = Verbs.counted(["He wanted to move. She will move, and to work. He moved and worked."] * 9)
FACT = Fact(
    sentence="Shoigu met Kim in July.",
    question="When did Shoigu meet Kim?",
    answer="July",
    wrong="May",
    right="Shoigu met Kim in July.",
    false="Shoigu met Kim in May.",
)
OTHER = Fact(
    sentence="It rained in Oslo.",
    question="Where did it rain?",
    answer="Oslo",
    wrong="May",
    right="It rained in Oslo.",
    false="It rained in May.",
)


def made(*facts: Fact, n: int = 60):
    """The pairs of many talks on the first of these facts."""
    questions = [FACT.question, OTHER.question, "Who met Kim?"]
    return [
        pair
        for seed in range(n)
        for pair in talked(facts, 0, NAMES, questions, random.Random(seed))
    ]


@pytest.mark.parametrize(
    ("sentence", "said", "rest"),
    [
        ("He moved to Oslo in 1831.", "I moved to Oslo in 1831.", "moved to Oslo in 1831."),
        ("She was proud of her son.", "I was proud of my son.", "was proud of her son."),
        ("He is himself a teacher.", "I am myself a teacher.", "is himself a teacher."),
        ("She has two brothers.", "I have two brothers.", "has two brothers."),
        ("He would go to Rome.", "I would go to Rome.", "would go to Rome."),
    ],
)
def test_a_sentence_on_somebody_is_said_by_that_person(sentence, said, rest):
    """The verb and what is his or hers follow the first person."""
    assert (said, rest) == first_person(sentence, VERBS)


@pytest.mark.parametrize(
    "sentence",
    [
        "It moved to Oslo in 1831.",
        "He table to Oslo in 1831.",
        "He moved to Oslo where he stayed.",
        "He slept.",
    ],
)
def test_what_is_not_surely_said_of_one_person_is_left(sentence):
    """Another subject, no verb, a second mention, or hardly anything said."""
    assert first_person(sentence, VERBS) is None


def test_a_talk_can_be_had_by_others_and_go_otherwise():
    """Names and lines are exchanged, and nothing else changes."""
    found = talk([Line(0, "It rained."), Line(1, "No.")], random.Random(1), speakers=2)

    text = found.text(NAMES)

    assert [one for one in found.lines if one.text not in CHATTER] == [
        Line(0, "It rained."),
        Line(1, "No."),
    ]
    exchanged = found.text(NAMES[::-1])
    assert text == exchanged.replace("Ann:", "x").replace("Ben:", "Ann:").replace("x", "Ben:")
    assert text.replace("rained", "snowed") == found.text(NAMES, {"It rained.": "It snowed."})


def test_a_sentence_after_that_keeps_its_names():
    """Only a word that opens sentences loses its capital."""
    assert "the king left." == lowered("The king left.")
    assert "Ada left." == lowered("Ada left.")


def test_what_is_said_is_supported_and_what_is_not_is_not():
    """A talk in which July is said bears July out and not May, unless July is denied; and the other way round."""
    pairs = [one for one in made(FACT) if one.kind == "talk"]

    assert pairs
    for claim, evidence, supported, _ in pairs:
        said = evidence.lower()
        month, other = ("july", "may") if "July" in claim else ("may", "july")
        if supported:
            assert month in said
        elif (
            other not in said
        ):  # then it is only the wrong one of both who is claimed to have said it
            assert claim.split(" ")[0] in NAMES
    assert {True, False} == {one.supported for one in pairs}


def test_who_asks_is_not_who_answers():
    """A question is claimed of who asked it, of who did not, and one that nobody asked."""
    pairs = [one for one in made(FACT) if one.kind == "asked"]

    assert any(one.supported for one in pairs)
    for claim, evidence, supported, _ in pairs:
        speaker = claim.split(" ")[0]
        asked = f"{speaker.lower()}: {FACT.question.lower()}" in evidence.lower()
        assert supported == (asked and "when did Shoigu" in claim)


def test_two_facts_are_claimed_together():
    """Both are true, or the first is not."""
    pairs = [one for one in made(FACT, OTHER) if ", and It rained in Oslo." in one.claim]

    assert {True, False} == {one.supported for one in pairs}
    assert all(one.supported == ("July" in one.claim) for one in pairs)


def test_a_fact_that_cannot_be_said_otherwise_makes_nothing():
    """A sentence without the answer's words stays as it is, and then there is nothing to tell apart."""
    fact = FACT._replace(sentence="They met in summer.")

    assert any(not talked([fact], 0, NAMES, [], random.Random(seed)) for seed in range(9))
