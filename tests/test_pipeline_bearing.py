"""Who says how well sentences bear out a claim: words, or the shipped model pooled with them."""

from __future__ import annotations

import pytest

from rag.citations import lexical_support, verdict
from rag.errors import ModelError
from rag.pipeline.build import load_pooled_support

SAID = "The library was built by Marit Dahl and opened for the sailors of the town in the spring."
BURNT = "The library was burnt by Marit Dahl and opened for the sailors of the town in the spring."


def test_words_alone_are_asked_for_by_name():
    """Without a model, and without loading one."""
    assert load_pooled_support("words") is lexical_support


@pytest.mark.model
def test_the_shipped_model_tells_what_contradicts():
    """One word of many is another: by words alone that is borne out."""
    assert "supported" == verdict(BURNT, [SAID], load_pooled_support("words"))[0]
    assert "unsupported" == verdict(BURNT, [SAID], load_pooled_support("builtin"))[0]


@pytest.mark.model
@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Marit Dahl built the library, which opened in the spring.", "supported"),
        ("It rained on the harbour all day.", "unsupported"),
    ],
)
def test_the_shipped_model_agrees_where_words_are_right(claim, expected):
    """What is said in another order stays supported; what is about something else is not."""
    assert expected == verdict(claim, [SAID], load_pooled_support("builtin"))[0]


def test_a_folder_without_a_model_is_told(tmp_path):
    """With what to do."""
    with pytest.raises(ModelError, match="RAG_SUPPORT"):
        load_pooled_support(str(tmp_path))
