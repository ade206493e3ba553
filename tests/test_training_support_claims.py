"""Questions turned into claims, and the changes that make a claim say something else."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.reader.squad import Article, Paragraph, Question
from training.support.claims import Declarer
from training.support.edits import Change, Editor, names_of
from training.support.pairs import PairMaker
from training.support.verbs import Verbs

TEXTS = [
    "He wanted to visit Oslo, to open a school, to destroy it and to play. She will visit him and will open it.",
    "They could visit, open, destroy and play. It would play, and might destroy or visit or open what was built.",
    "They must visit and must open. They should play and should destroy. They can play, open, visit, destroy.",
    "He visited Rome, opened a bank, destroyed a wall and played. It was opened, destroyed, located and based.",
    "She visits, opens, destroys and plays. It is visited. They are located and are used.",
] * 4
VERBS = Verbs.counted(TEXTS)


@pytest.mark.parametrize(
    ("question", "answer", "led_by", "claim"),
    [
        ("Who visited Oslo in May?", "Ada", "", "Ada visited Oslo in May."),
        ("Who was the king of Norway?", "Olav", "", "Olav was the king of Norway."),
        ("Who did Ada visit?", "Ben", "", "Ada visited Ben."),
        ("When did Ada visit Oslo?", "1905", "in", "Ada visited Oslo in 1905."),
        ("When did Ada visit Oslo?", "May 3", "on", "Ada visited Oslo on May 3."),
        ("When was the bank opened?", "after the war", "", "The bank was opened after the war."),
        ("Where is Oslo located?", "Norway", "in", "Oslo is located in Norway."),
        ("What year did Ada open the bank?", "1905", "", "Ada opened the bank in 1905."),
        ("In what city did Ada open a bank?", "Oslo", "", "Ada opened a bank in Oslo."),
        ("What is the capital of Norway?", "Oslo", "", "The capital of Norway is Oslo."),
        ("What did Ada destroy in 1905?", "a wall", "", "Ada destroyed a wall in 1905."),
        ("What did Ada play with in Rome?", "fire", "", "Ada played with fire in Rome."),
        ("What bank was opened in May?", "Alpha", "", "Alpha was opened in May."),
        ("How many people visited Oslo?", "300", "", "300 people visited Oslo."),
        ("How many schools did Ada open?", "two", "", "Ada opened two schools."),
        ("How many schools did Ada open?", "two schools", "", "Ada opened two schools."),
        ("How many banks are there in Oslo?", "six", "", "There are six banks in Oslo."),
        ("The bank was opened in what year?", "1905", "", "The bank was opened in 1905."),
    ],
)
def test_a_question_and_its_answer_make_a_statement(question, answer, led_by, claim):
    """The answer stands where the question asked, the verb in the form that the auxiliary had."""
    template = Declarer(VERBS).declare(question)

    assert template is not None
    assert claim == template.fill(answer, led_by=led_by)


@pytest.mark.parametrize(
    "question",
    [
        "Why did Ada visit Oslo?",
        "How was the bank destroyed?",
        "What did Ada do?",
        "When did the brogle wug fimp?",
        "Who?",
        "",
    ],
)
def test_no_statement_is_made_where_no_rule_is_sure(question):
    """What cannot be put into words by a rule is left out."""
    assert Declarer(VERBS).declare(question) is None


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_question_may_be_asked(question, answer):
    """No text makes the rules fail."""
    for text in (question, f"What {question}", f"When did {question}", f"In which {question}"):
        template = Declarer(VERBS).declare(text)
        if template is not None:
            assert template.fill(answer).endswith(".")


def test_words_are_replaced_all_at_once():
    """Two words can change places; a capital at the head stays."""
    change = Change(kind="roles", words={"Ada": "Ben", "Ben": "Ada"})

    assert "Ben saw Ada; Adam saw Ben." == change.apply("Ada saw Ben; Adam saw Ada.")
    assert "Not all came." == Change(kind="x", words={"all": "not all"}).apply("All came.")


def test_a_change_that_finds_nothing_is_none():
    """A text without one of the words is not changed in part."""
    assert Change(kind="roles", words={"Ada": "Ben", "Ben": "Ada"}).apply("Ada left.") is None


WORDS = st.sampled_from(
    "Ada Ben Oslo Rome 1905 42 3.5 may not was were won before all some north visited , . the of in".split()
)


@given(st.lists(WORDS, min_size=3, max_size=25), st.integers(0, 5))
def test_a_changed_text_says_something_else(words, seed):
    """Every change can be made in the text it was found in, and leaves another text."""
    text = " ".join(words)
    for change in Editor(VERBS).changes(
        text, f"{text} Kim met Dora Fay in Lima in 1234.", random.Random(seed)
    ):
        assert change.apply(text) not in {None, text}


@given(st.lists(WORDS, min_size=3, max_size=25), st.integers(0, 5))
def test_other_words_for_a_text_are_still_a_text(words, seed):
    """Rewording never fails and never leaves nothing."""
    assert Editor(VERBS).rewordings(" ".join(words), random.Random(seed)).strip()


@pytest.mark.parametrize(
    ("text", "kind", "changed"),
    [
        (
            "The bank was opened.",
            "negation",
            {"The bank was not opened.", "The bank was never opened."},
        ),
        ("The bank was not opened.", "negation", {"The bank was opened."}),
        ("Many people won.", "opposite", {"Many people lost."}),
        ("Rome may fall.", "stronger", {"Rome will fall.", "Rome must fall."}),
        ("It was Ada who saw Ben.", "roles", {"It was Ben who saw Ada."}),
    ],
)
def test_each_kind_of_change(text, kind, changed):
    """Negations go in and out, words give way to their opposites, and names change places."""
    editor = Editor(VERBS)

    found = {
        change.apply(text)
        for seed in range(20)
        for change in editor.changes(text, text, random.Random(seed))
        if change.kind == kind
    }

    assert found
    assert found <= changed


def test_a_number_gives_way_to_one_that_looks_alike():
    """A year becomes a year, and a number with a fraction keeps it."""
    for seed in range(20):
        for text in ("It fell in 1905.", "It cost 3.75 crowns."):
            for change in Editor(VERBS).changes(text, text, random.Random(seed)):
                old, new = next(iter(change.words.items()))
                assert [len(one) for one in old.split(".")] == [len(one) for one in new.split(".")]


def test_names_are_found_whole():
    """A name of several words is one; the capital of a sentence's first word is none."""
    assert ["Ada Byron", "King of Norway"] == names_of(
        "Later it was Ada Byron whom the King of Norway met."
    )


PARAGRAPH = Paragraph(
    text="Ada Byron visited Oslo in 1905. Ben Kim opened a bank in Rome in 1931, which was destroyed by rain.",
    questions=tuple(
        Question(question_id=str(i), text=text, answers=answers)
        for i, (text, answers) in enumerate(
            [
                ("When did Ada Byron visit Oslo?", ((26, "1905"),)),
                ("When did Ben Kim open a bank?", ((65, "1931"),)),
                ("What city did Ada Byron visit?", ((18, "Oslo"),)),
                ("When did Ben Kim visit Oslo?", ()),
            ]
        )
    ),
)


def test_a_wrong_answer_makes_a_claim_false_and_another_evidence_true():
    """A claim is supported by its evidence with its own answer, and not with the other one."""
    claims = {
        (pair.claim, pair.evidence, pair.supported)
        for seed in range(20)
        for group in PairMaker(VERBS).groups(Article(title="x", paragraphs=(PARAGRAPH,)), seed=seed)
        for pair in group
    }

    said = "Ada Byron visited Oslo in 1905."
    assert (said, said, True) in claims
    assert ("Ada Byron visited Oslo in 1931.", said, False) in claims
    assert ("Ada Byron visited Oslo in 1931.", "Ada Byron visited Oslo in 1931.", True) in claims
    assert (said, "Ada Byron visited Oslo in 1931.", False) in claims
    assert not any((claim, text, not truth) in claims for claim, text, truth in claims)


def test_a_question_without_an_answer_makes_a_claim_that_is_not_supported():
    """What people asked so that the text does not answer is filled with what might be taken for an answer."""
    found = Counter(
        pair.supported
        for seed in range(20)
        for group in PairMaker(VERBS).groups(Article(title="x", paragraphs=(PARAGRAPH,)), seed=seed)
        for pair in group
        if pair.kind == "plausible" and pair.claim.startswith("Ben Kim visited Oslo")
    )

    assert found[False]
    assert not found[True]
