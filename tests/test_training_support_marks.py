"""Which words of a claim its evidence does not bear out, as told by how the pair was made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.support.marks import BORNE_OUT, COMMON, UNKNOWN, WRONG, PiecePair, marks

LEFT, MET, ADA, ROME, OSLO, RAIN, NOT, JULY = range(5000, 5008)
THE = 1996
SAID = (ADA, MET, THE, RAIN, LEFT, ROME, JULY)
PIECES = st.lists(st.integers(1990, 2110), min_size=1, max_size=12).map(tuple)


def with_instead(pieces: tuple[int, ...], old: int, *new: int) -> tuple[int, ...]:
    """The same pieces, but for one that others stand for."""
    at = pieces.index(old)
    return (*pieces[:at], *new, *pieces[at + 1 :])


def wrong_of(group: list[PiecePair], number: int) -> set[int]:
    """The pieces of a claim that are marked as wrong."""
    marked = marks(group)[number]
    return {piece for piece, one in zip(group[number].claim, marked, strict=True) if one == WRONG}


def test_all_of_a_supported_claim_is_borne_out():
    """Also of what its evidence says in other words."""
    assert [[BORNE_OUT] * 7] == marks([PiecePair(SAID, (RAIN,), True)])


def test_the_changed_word_of_a_claim_is_wrong():
    """What the true claim on the same evidence has too is borne out."""
    false = with_instead(SAID, ROME, OSLO)
    group = [PiecePair(SAID, SAID, True), PiecePair(false, SAID, False)]

    assert {OSLO} == wrong_of(group, 1)
    assert marks(group)[1].count(BORNE_OUT) == 6


def test_what_the_changed_evidence_no_longer_says_is_wrong():
    """The claim is as it was; the word that its evidence lost tells against it."""
    group = [PiecePair(SAID, SAID, True), PiecePair(SAID, with_instead(SAID, ROME, OSLO), False)]

    assert {ROME} == wrong_of(group, 1)


def test_where_a_word_was_left_out_those_beside_it_are_wrong():
    """`Met` is not borne out by `not met`, nor is what stands before it."""
    denied = with_instead(SAID, MET, NOT, MET)
    group = [PiecePair(denied, denied, True), PiecePair(SAID, denied, False)]

    assert {ADA, MET} == wrong_of(group, 1)


def test_where_a_word_came_into_the_evidence_those_beside_it_are_wrong():
    """The same, told by the evidence alone."""
    denied = with_instead(SAID, MET, NOT, MET)
    group = [PiecePair(SAID, SAID, True), PiecePair(SAID, denied, False)]

    assert {ADA, MET} == wrong_of(group, 1)


def test_without_a_supported_twin_only_what_is_missing_is_wrong():
    """Nobody knows of the others; common words stand anywhere."""
    group = [PiecePair((THE, ADA, ROME), (ADA, RAIN), False)]

    assert [[UNKNOWN, UNKNOWN, WRONG]] == marks(group)
    assert THE in COMMON


def test_a_claim_with_little_in_common_is_no_twin():
    """Of a claim on something else it is not known where it differs."""
    other = (ADA, OSLO, NOT, JULY, LEFT)
    group = [PiecePair(SAID, SAID, True), PiecePair(other, SAID, False)]

    assert {OSLO, NOT} == wrong_of(group, 1)
    assert BORNE_OUT not in marks(group)[1]


@given(st.lists(st.builds(PiecePair, PIECES, PIECES, st.booleans()), max_size=5))
def test_each_word_piece_has_its_mark(group):
    """As many marks as pieces; what is supported has nothing wrong."""
    found = marks(group)

    assert [len(one.claim) for one in group] == [len(one) for one in found]
    assert all(set(one) <= {BORNE_OUT, WRONG, UNKNOWN} for one in found)
    assert all(
        set(one) == {BORNE_OUT} for pair, one in zip(group, found, strict=True) if pair.supported
    )
