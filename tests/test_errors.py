"""The error tree."""

from __future__ import annotations

import re

import pytest

from rag import errors


def tree() -> list[type[errors.RagError]]:
    """Return every error of the room."""
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.RagError)
    ]


def test_the_docstring_draws_the_whole_tree():
    """A reader learns every failure from the room's first lines, and none that does not exist."""
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__))

    assert {error.__name__ for error in tree()} == drawn


@pytest.mark.parametrize("error", tree(), ids=lambda error: error.__name__)
def test_every_error_says_when_it_happens(error):
    """Each class has a sentence of its own."""
    assert error.__doc__.strip()
    assert error is errors.RagError or error.__doc__ != errors.RagError.__doc__


def test_a_source_error_carries_its_reason():
    """The report of a sync needs a code beside the sentence."""
    error = errors.SourceError("encrypted", "report.pdf is encrypted.")

    assert ("encrypted", "report.pdf is encrypted.") == (error.reason, str(error))
