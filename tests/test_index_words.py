"""Parts of the words: packed, merged without analysing again, and rid of what is gone."""

from __future__ import annotations

import pytest

from rag.index import words
from rag.index.words import WordIndex, pack, repack

Row = tuple[int, int, str]


def rows(first: int, last: int) -> list[Row]:
    """Return passages, each with a word of its own and words of many."""
    return [
        (key, key // 3, f"ferries sail number{key} on line{key % 5} at {key % 7} o'clock")
        for key in range(first, last + 1)
    ]


def answers(packed: bytes) -> list[list[tuple[int, float]]]:
    """Return what a part is asked."""
    index = WordIndex([packed])
    return [
        sorted(index.search(words.analyzer()(text), 50))
        for text in ("number7", "ferry line3", "sailing at 6", "o'clock number90")
    ]


@pytest.mark.parametrize(
    ("gone", "fresh"),
    [
        ([2, 3, 4, 30], []),
        ([], rows(121, 122)),
        (list(range(10, 50)), rows(121, 150)),
        ([1, 120], rows(121, 400)),
    ],
)
def test_what_is_merged_is_what_would_be_made_anew(gone: list[int], fresh: list[Row]) -> None:
    """Two parts, with passages taken out and added, find and score as a part of what is left."""
    left = [row for row in rows(1, 120) if row[0] not in gone]

    got = repack([pack(rows(1, 100)), pack(rows(101, 120))], gone=gone, fresh=fresh, again=left[:8])

    assert got is not None
    assert answers(pack([*left, *fresh])) == answers(got)


def test_nothing_of_a_removed_passage_is_in_the_dictionary() -> None:
    """No term is left that only a removed passage holds, and the counts are those of what is there."""
    got = repack([pack(rows(1, 100))], gone=[7, 8], fresh=[], again=rows(20, 30))

    assert got is not None
    index = WordIndex([got])
    assert 98 == len(index)
    weights = index.weights(["number6", "number7", "never"])
    assert weights["number6"] < weights["number7"] == weights["never"]
    assert 98 == len(index.search(["ferri"], 200))


def test_parts_that_tantivy_does_not_merge_into_one_are_left_to_be_analysed() -> None:
    """Too few passages to make it merge, or none left, and there is no part."""
    assert repack([pack(rows(1, 4))], gone=[1], fresh=[], again=rows(2, 4)) is None
    assert repack([pack(rows(1, 4))], gone=[1, 2, 3, 4], fresh=[], again=[]) is None


def test_many_parts_become_one() -> None:
    """Ten parts of a passage each are merged without a passage more."""
    got = repack([pack(rows(n, n)) for n in range(1, 11)], gone=[], fresh=[], again=rows(1, 8))

    assert got is not None
    assert answers(pack(rows(1, 10))) == answers(got)
