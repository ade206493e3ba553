"""Turned meanings."""

from __future__ import annotations

import pytest

from rag.citations.distortion import distorted


@pytest.mark.parametrize(
    ("claim", "quote", "expected"),
    [
        ("The tenant has paid.", "The tenant may pay.", True),
        ("All members voted for it.", "Some members voted for it.", True),
        ("The tenant pays the rent.", "The tenant pays the rent.", False),
    ],
)
def test_a_turned_meaning_is_named(claim, quote, expected):
    """A phrase where the claim says more or other than its quote, nothing where it does not."""
    assert expected is bool(distorted(claim, [quote]))
