"""Words in a document are found, all of them, and counted round."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.web.finding import Found, Looking, find

TEXT = "The ferry leaves.\nA FERRY\n  boat came; the ferry boat went."


def places(words: str) -> list[str]:
    """Return what was found, as it stands in the text."""
    return [TEXT[p.start : p.end] for p in find(TEXT, Looking(words=words, at=None)).places]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ferry", ["ferry", "FERRY", "ferry"]),
        ("ferry boat", ["FERRY\n  boat", "ferry boat"]),
        ("  ferry  ", ["ferry", "FERRY", "ferry"]),
        (".", [".", "."]),
        ("(", []),
        ("", []),
    ],
)
def test_words_are_found_whatever_their_case_and_line_breaks(words: str, found: list[str]):
    """Signs mean themselves."""
    assert found == places(words)


@pytest.mark.parametrize(("at", "shown"), [(0, 0), (2, 2), (3, 0), (-1, 2)])
def test_after_the_last_place_comes_the_first(at: int, shown: int):
    """And before the first the last."""
    assert shown == find(TEXT, Looking(words="ferry", at=at)).at


def test_the_first_place_is_the_next_from_where_one_is():
    """Then round to the beginning."""
    assert 1 == find(TEXT, Looking(words="ferry", at=None), near=10).at
    assert 0 == find(TEXT, Looking(words="ferry", at=None), near=len(TEXT)).at


@given(
    st.text("ab \n", max_size=60),
    st.text("ab ", max_size=4),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_every_place_is_where_a_plain_search_finds_it(text: str, words: str, low: int, high: int):
    """And those of a stretch are those that begin in it."""
    found = find(text, Looking(words=words, at=None))
    expected = (
        [m.span() for m in re.finditer(r"\s+".join(words.split()), text)] if words.split() else []
    )
    assert expected == [(p.start, p.end) for p in found.places]
    within = [p for p in found.places if low <= p.start < high]
    assert within == list(found.within(low, max(low, high)))


def test_where_nothing_is_found_nothing_is_looked_at():
    """No place is invented."""
    assert Found(words="x y", places=(), at=0) == find("abc", Looking(words=" x  y", at=4))
    assert find("abc", Looking(words="x", at=4)).here is None


def test_a_long_document_is_searched_quickly():
    """Ten million characters in less than a second."""
    import time

    text = "The ferry leaves at eight. " * 400_000
    start = time.process_time()
    assert 400_000 == len(find(text, Looking(words="ferry leaves", at=None), near=5_000_000).places)
    assert time.process_time() - start < 5
