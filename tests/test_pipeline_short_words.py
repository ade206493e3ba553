"""The words that answer are cut where a person would cut them."""

from __future__ import annotations

import pytest

from rag.pipeline.short_words import whole_words
from rag.schema import Block, Span


def cut(text, words, question="How much?", blocks=()):
    """Return the words that are shown for those that a reader found."""
    start = text.index(words)
    span = Span(start=start, end=start + len(words))
    found = whole_words(span, text, blocks, Span(start=0, end=len(text)), question)
    return found and text[found.start : found.end]


@pytest.mark.parametrize(
    ("text", "words", "whole"),
    [
        (
            "Bake at two hundred and fifty degrees.",
            "fifty degrees",
            "two hundred and fifty degrees",
        ),
        ("It holds two hundred litres.", "two", "two hundred"),
        ("Paid on 17.02.2026, in cash.", "17.02", "17.02.2026"),
        ("Of 1,350 m² in all", "350 m²", "1,350 m²"),
        ("It weighs twenty kilos.", "twenty kilos", "twenty kilos"),
        ("From one and the same", "the same", "the same"),
        ("A room for 12, 30 euros.", "30 euros", "30 euros"),
    ],
)
def test_a_number_is_shown_whole(text, words, whole):
    """Seen to fail: "fifty degrees" of two hundred and fifty, and "17.02" of 17.02.2026."""
    assert whole == cut(text, words)


def test_words_over_two_cells_are_no_short_answer():
    """The row is stated; which cell is meant nobody knows."""
    text = "Teeth cleaning | 175.00"
    cells = (Block(kind="cell", start=0, end=14), Block(kind="cell", start=17, end=23))
    assert cut(text, text, blocks=cells) is None
    assert "175.00" == cut(text, "175.00", blocks=cells)


def test_the_time_of_a_message_answers_only_when():
    """Seen to fail: "How much cheese?" was answered by the day of a message."""
    text = "02/01/2026, 18:15 - Piet: fine with me"
    blocks = (
        Block(kind="speaker", start=20, end=24),
        Block(kind="paragraph", start=0, end=len(text)),
    )
    assert cut(text, "02/01/2026", blocks=blocks) is None
    assert "02/01/2026" == cut(text, "02/01/2026", "When did Piet agree?", blocks)
    assert "fine" == cut(text, "fine", blocks=blocks)
