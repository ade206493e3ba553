"""Claims that were written about passages, as pairs to train on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.support.written import Claim, Passage, read_passages, written_groups

TEXT = "The pool opens at nine. Children swim free. Adults pay 4 euros. Dogs stay outside. The café closes at five."
BOTH = Claim(
    "A child pays nothing and an adult 4 euros.",
    True,
    (
        (TEXT.index("Children"), TEXT.index("Adults")),
        (TEXT.index("Adults"), TEXT.index("Dogs") - 1),
    ),
)
WRONG = Claim("A child pays nothing and an adult 5 euros.", False, ())


def passage(*claims: Claim) -> Passage:
    """A passage with these claims."""
    return Passage(title="Pool", text=TEXT, claims=claims)


def test_a_true_claim_needs_each_of_its_sentences():
    """With all of them it is supported, with one less it is not; the false one like it never is."""
    needed = next(written_groups(passage(BOTH, WRONG), seed=0))

    assert ("Children swim free. Adults pay 4 euros.", True) == needed[0][1:3]
    assert [(BOTH.text, True), (WRONG.text, False), (BOTH.text, False)] == [
        (one.claim, one.supported) for one in needed
    ]
    assert needed[2].evidence in {"Children swim free.", "Adults pay 4 euros."}


def test_the_same_claims_are_read_amid_other_sentences():
    """Sentences around the needed ones are the passage's own, in its order; at last the whole passage is read."""
    _, around, whole = written_groups(passage(BOTH, WRONG), seed=1)

    assert around[0].evidence in TEXT
    assert len(around[0].evidence) > len("Children swim free. Adults pay 4 euros.")
    assert {TEXT} == {one.evidence for one in whole}
    assert [True, False] == [one.supported for one in whole]


@pytest.mark.parametrize("claims", [(), (WRONG,)])
def test_a_passage_without_a_true_claim_gives_nothing(claims):
    """Which sentences a false claim is read with is known by the true one that is most like it."""
    assert [] == list(written_groups(passage(*claims), seed=0))


def test_a_file_of_claims_is_read(tmp_path: Path):
    """Its stretches are characters of the text."""
    held = {"title": "Pool", "kind": "home", "text": TEXT, "claims": [
        {"claim": BOTH.text, "supported": True, "needs": [list(one) for one in BOTH.needs]},
        {"claim": WRONG.text, "supported": False, "needs": [], "error": "number"},
    ]}  # fmt: skip
    path = tmp_path / "claims.json"
    path.write_text(json.dumps({"version": "claims", "data": [held]}), encoding="utf-8")

    assert [passage(BOTH, WRONG)] == read_passages(path)
