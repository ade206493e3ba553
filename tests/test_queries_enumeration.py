"""What the form of a question wants: all there is, one thing, or the one at some place."""

from __future__ import annotations

import pytest

from rag.queries.enumeration import position, wants_several


@pytest.mark.parametrize(
    "question",
    [
        "What must I not put in the kiln?",
        "What can't I flush?",
        "How do I claim back expenses?",
        "How is the bread made?",
        "What should I bring on my first day?",
        "Which documents do I need?",
        "What is forbidden in the reading room?",
        "What are the side effects?",
        "What is in the box?",
        "Who can apply?",
        "Was darf ich nicht in den Ofen tun?",
    ],
)
def test_a_form_that_leaves_open_how_many_wants_all(question):
    """A plural noun, a modal verb behind "what", or "how do I"."""
    assert wants_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "What does the red lamp mean?",
        "What is the deposit?",
        "How much is the seal?",
        "How long does it rest?",
        "Which form do I need?",
        "Which part costs 8 euros?",
        "Where do I put the linen?",
        "What do I do first if it leaks?",
        "What are the costs of the cheapest one of them?",
        "What must I do in step 3?",
        "Can I eat here?",
        "Wie lange dauert es?",
    ],
)
def test_a_form_that_wants_one_thing_does_not(question):
    """A singular noun, an amount, a place in a list, yes or no."""
    assert not wants_several(question)


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("What is step 3 of the claim?", 3),
        ("What is the second step?", 2),
        ("What is the last item?", -1),
        ("What is the deposit?", 0),
    ],
)
def test_a_place_in_a_list_is_read(question, place):
    """From 1; -1 is the last; 0 is none."""
    assert place == position(question)
