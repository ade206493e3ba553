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
        ("", ""),
    ],
)
def test_only_the_thinking_at_the_start_is_left_out(reply, answer, size):
    """However the reply is cut into pieces, what comes through is the answer, as it was written."""
    thinking = Thinking()
    pieces = [reply[at : at + size] for at in range(0, len(reply), size)]

    assert answer == "".join(map(thinking.text, pieces)) + thinking.rest()


def test_an_answer_is_not_held_back():
    """The first words of a model that does not think aloud come at once."""
    assert "In" == Thinking().text("In")


def test_endless_white_space_is_not_held_back():
    """It comes through, so that whoever counts what a model writes sees it."""
    thinking = Thinking()

    assert 100 == len("".join(thinking.text(" ") for _ in range(100)))
