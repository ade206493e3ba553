"""Which word pieces of a claim its evidence does not bear out, where that is known of how the pair was made.

A pair that is not supported stands in a group with one that is and differs from it by a change, of the claim or of the
evidence. What differs is what the evidence does not bear out; to be told where, a network learns more of a pair than
from one verdict on all of it (as Goyal and Durrett 2021, "Annotating and modeling fine-grained factuality in
summarization", found of arcs).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

BORNE_OUT, WRONG, UNKNOWN = 0, 1, -1
LEAST_ALIKE = 0.6
"""Share of two claims that is the same, 0..1, below which one is not the other changed."""
COMMON = frozenset((*range(999, 1014), *range(1024, 1064), *range(1996, 2090)))
"""Signs, single letters and the commonest words in BERT's uncased vocabulary: they stand anywhere."""

Pieces = tuple[int, ...]


class PiecePair(NamedTuple):
    """A pair as word pieces."""

    claim: Pieces
    evidence: Pieces
    supported: bool


def marks(group: Sequence[PiecePair]) -> list[list[int]]:
    """Return `BORNE_OUT`, `WRONG` or `UNKNOWN` for each word piece of each claim of a group."""
    supported = [one for one in group if one.supported]
    return [_marked(one, supported) for one in group]


def _marked(pair: PiecePair, supported: Sequence[PiecePair]) -> list[int]:
    if pair.supported:
        return [BORNE_OUT] * len(pair.claim)
    best: tuple[float, list[int]] = (LEAST_ALIKE, [])
    for other in supported:
        if other.evidence == pair.evidence:
            ratio, found = _changed_claim(pair.claim, other.claim)
        elif other.claim == pair.claim:
            ratio, found = _changed_evidence(pair, other.evidence)
        else:
            continue
        if ratio > best[0] and WRONG in found:
            best = ratio, found
    return best[1] or _missing(pair)


def _missing(pair: PiecePair) -> list[int]:
    """Mark what stands nowhere in the evidence; of the rest it is not known which is borne out."""
    present = set(pair.evidence)
    return [UNKNOWN if one in present or one in COMMON else WRONG for one in pair.claim]


def _changed_claim(wrong: Pieces, right: Pieces) -> tuple[float, list[int]]:
    """Mark what stands in the wrong claim only; where words were left out of it, what stood around them."""
    found = [BORNE_OUT] * len(wrong)
    matcher = SequenceMatcher(None, right, wrong, autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind == "delete":
            start, end = max(start - 1, 0), start + 1
        if kind != "equal":
            found[start:end] = [WRONG] * len(found[start:end])
    return matcher.ratio(), found


def _changed_evidence(pair: PiecePair, right: Pieces) -> tuple[float, list[int]]:
    """Mark what the right evidence says and this one no longer does, where the claim says it too."""
    found = [BORNE_OUT] * len(pair.claim)
    matcher = SequenceMatcher(None, right, pair.evidence, autojunk=False)
    for kind, start, end, _, _ in matcher.get_opcodes():
        if kind == "equal":
            continue
        if kind == "insert":
            start, end = max(start - 1, 0), start + 1
        _mark_run(found, pair.claim, right[start:end])
    return matcher.ratio(), found


def _mark_run(found: list[int], claim: Pieces, words: Pieces) -> None:
    """Mark the longest run of these words in the claim."""
    match = SequenceMatcher(None, words, claim, autojunk=False).find_longest_match()
    if match.size:
        found[match.b : match.b + match.size] = [WRONG] * match.size
