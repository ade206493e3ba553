"""What kind of sentence a model wrote."""

from __future__ import annotations

import pytest

from rag.citations.kinds import abstains, connects, silence, talks


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Here is the answer based on the passages:", True),
        ("I hope this helps!", True),
        ("The tenants are:", True),
        ("The rent is 900 euros.", False),
        ("It is I.", False),
    ],
)
def test_a_lead_in_claims_nothing(sentence, expected):
    """Lead-ins and talk about answering connect; claims do not."""
    assert expected is (connects(sentence) and (talks(sentence) or sentence.endswith(":")))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The documents do not say who built the bridge.", True),
        ("The date is not mentioned.", True),
        ("Die Dokumente nennen das Datum nicht.", True),
        ("Maria Lopez did not say who built it.", False),
        ("The bridge opened in 1932.", False),
    ],
)
def test_silence_is_that_of_a_writing(sentence, expected):
    """Documents are silent, persons are not."""
    assert expected is (silence(sentence, ()) is not None)


def test_abstaining_says_no_more_than_that():
    """A sentence on the question alone abstains; one that says something does not."""
    assert abstains("Les documents ne répondent pas à la question.")
    assert not abstains("The bridge opened in 1932.")
