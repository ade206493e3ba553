"""Who says how well sentences bear out a claim: words, or the shipped model pooled with them."""

from __future__ import annotations

import pytest

from rag.citations import lexical_support, verdict
from rag.errors import ModelError
from rag.pipeline.bearing import support_of

SAID = "Shearing begins in May, when the nights are warm."


def test_words_alone_are_asked_for_by_name():
    """Without a model, and without loading one."""
    assert support_of("words") is lexical_support


@pytest.mark.model
@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Shearing starts in May, when nights are warm.", "supported"),
        ("Shearing ends in May, when the nights are cold.", "unsupported"),
        ("It rained on the harbour all day.", "unsupported"),
    ],
)
def test_the_shipped_model_tells_what_contradicts(claim, expected):
    """Most words of a contradiction stand in the quote; it is not borne out."""
    assert expected == verdict(claim, [SAID], support_of("builtin"))[0]


def test_a_folder_without_a_model_is_told(tmp_path):
    """With what to do."""
    with pytest.raises(ModelError, match="RAG_SUPPORT"):
        support_of(str(tmp_path))
