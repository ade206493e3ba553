"""The sentence that is shown of a near miss."""

from __future__ import annotations

from rag.pipeline.nearest import nearest_sentence


def test_the_nearest_sentence_has_most_of_the_question():
    """On one line; of equals the first."""
    passage = "Boats leave at dawn. The ferry to Lund\nleaves at eight. It is white."
    assert "The ferry to Lund leaves at eight." == nearest_sentence(
        passage, "Who owns the ferry to Lund?"
    )
    assert "Boats leave at dawn." == nearest_sentence(passage, "How far is the moon?")
    assert "" == nearest_sentence("", "x")


def test_a_sentence_that_is_shown_already_is_not_the_nearest():
    """Unless the passage has no other."""
    passage = "Boats leave at dawn. The ferry to Lund leaves at eight."
    shown = ["The ferry to Lund leaves at eight."]
    assert "Boats leave at dawn." == nearest_sentence(passage, "the ferry to Lund?", shown=shown)
    assert shown[0] == nearest_sentence(shown[0], "the ferry to Lund?", shown=shown)
