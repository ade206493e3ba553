"""A claim and its evidence, and both changed: what supports what."""

from __future__ import annotations

import random
from typing import NamedTuple

from training.support.edits import Change


class Pair(NamedTuple):
    """A claim, what it is read with, and whether that supports it."""

    claim: str
    evidence: str
    supported: bool
    kind: str
    """How it was made."""


def crossed(
    claim: str, other_claim: str, evidence: str, other: str, change: Change, rng: random.Random
) -> list[Pair]:
    """Return pairs of two claims and two evidences, as many supported as not."""
    kind = change.kind
    pairs = [
        Pair(claim, evidence, True, kind),
        Pair(other_claim, evidence, False, kind),
        Pair(other_claim, other, True, kind),
        Pair(claim, other, change.stronger, kind),
    ]
    if change.stronger:
        return pairs[:3]
    if rng.random() < 0.5:
        return pairs
    first = rng.choice((0, 2))
    return [pairs[first], pairs[rng.choice((1, 3))]]
