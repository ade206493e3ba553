"""What a model thinks aloud in its text is no part of the answer."""

from __future__ import annotations

import pytest

from rag.chat.thinking import Thinking


@pytest.mark.parametrize("size", range(1, 10))
@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<think>\nIs it 1932?\n</think>\n\nIn 1932. [1]", "In 1932. [1]"),
        (" \n<think></think>In 1932.", "In 1932."),
        ("In 1932. [1]", "In 1932. [1]"),
        ("\n In 1932.", "\n In 1932."),
        ("The tag <think>x</think> is one.", "The tag <think>x</think> is one."),
        ("<table>", "<table>"),
        ("<thi", "<thi"),
        ("<think>It never ends", ""),
        ("<think>Done.</think>\n", ""),
        ("<thinking>a</thinking>b", "b"),
        ("<THOUGHT>a</thought> b", "b"),
        ("<reasoning>\na </think> b\n</reasoning>\n\nc", "c"),
        ("<think>a</think>\n<think>b</think>\nc", "c"),
        ("The tag\n<think>\nx\n</think>\nis one.", "The tag\n<think>\nx\n</think>\nis one."),
        ("It ends with </think>.", "It ends with </think>."),
        ("a\n  < b", "a\n  < b"),
        ("a\n</th", "a\n</th"),
        (
            "<|channel|>analysis<|message|>Is it?<|end|><|start|>assistant<|channel|>final<|message|>In 1932.",
            "In 1932.",
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b <| c<|return|>",
            "b <| c",
        ),
        ("<|channel|>final <|constrain|>json<|message|>{}<|end|>more", "{}"),
        ("<|channel|>analysis<|message|>It never ends", ""),
        ("", ""),
    ],
)
def test_only_the_thinking_at_the_start_is_left_out(reply, answer, size):
    """However the reply is cut into pieces, what comes through is the answer, as it was written."""
    thinking = Thinking()
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]

    assert answer == "".join(map(thinking.text, pieces)) + thinking.rest()


@pytest.mark.parametrize("size", range(1, 10))
@pytest.mark.parametrize(
    "reply", ["Is it?\n</think>\n\nIn 1932.", "</think>In 1932.", "a\nb\n \n  </Thought>\nIn 1932."]
)
def test_a_thought_whose_beginning_was_not_sent_is_taken_back(reply, size):
    """Its prompt began it. The next reply of such a model is held back until it is known what of it is answer."""
    thinking, kept = Thinking(), ""
    for at in range(0, len(reply), size):
        text = thinking.text(reply[at : at + size])
        kept = text if thinking.anew() else kept + text

    assert "In 1932." == kept + thinking.rest()
    assert thinking.unmarked
    again = Thinking(unmarked=True)
    pieces = [again.text(reply[at : at + size]) for at in range(0, len(reply), size)]
    assert "In 1932." == "".join(pieces) + again.rest()
    assert not again.anew()


@pytest.mark.parametrize("reply", ["In 1932.", " \nIn\n1932. <", ""])
def test_a_reply_without_a_thought_of_such_a_model_is_its_answer(reply):
    """It comes at its end."""
    thinking = Thinking(unmarked=True)

    assert reply == "".join(map(thinking.text, reply)) + thinking.rest()


def test_a_long_thought_is_not_kept():
    """Nor looked through again and again."""
    thinking = Thinking()
    thinking.text("<think>")
    for _ in range(1000):
        thinking.text("x" * 1000)

    assert "b" == thinking.text("</think>b")


def test_an_answer_is_not_held_back():
    """The first words of a model that does not think aloud come at once."""
    assert "In" == Thinking().text("In")


def test_endless_white_space_is_not_held_back():
    """It comes through, so that whoever counts what a model writes sees it."""
    thinking = Thinking()

    assert 100 == len("".join(thinking.text(" ") for _ in range(100)))
