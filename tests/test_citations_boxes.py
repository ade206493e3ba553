"""Words are found again on the images of their pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.citations.boxes import boxes_of, page_at
from rag.schema import Place, Source
from tests.scan_fakes import LINES, scan


def of(source: Source, words: str) -> dict[int, tuple[tuple[float, ...], ...]]:
    """The boxes of some words, rounded."""
    start = source.text.index(words)
    found = boxes_of(source, start, start + len(words))
    return {
        page: tuple(tuple(round(x, 2) for x in box) for box in boxes)
        for page, boxes in found.items()
    }


def test_a_line_has_its_box_and_page():
    """A whole line is marked as it was read, on the page that it stands on."""
    assert {2: ((0.1, 0.29, 0.7, 0.32),)} == of(scan(), LINES[2][0])
    assert [1, 1, 2] == [page_at(scan(), scan().text.index(line)) for line, _ in LINES]


def test_part_of_a_line_takes_part_of_its_box():
    """Words in the middle of a line begin and end where they would in even letters."""
    ((left, top, right, bottom),) = of(scan(), "Vardal")[1]

    assert (0.18, 0.21) == (top, bottom)
    assert 0.1 < left < right < 0.7
    assert 0.1 + 0.6 * 13 / 35 == pytest.approx(left, abs=0.01)


def test_words_over_two_pages_have_boxes_on_both():
    """Each page has those that stand on it."""
    start = scan().text.index("It takes")
    assert [(1, 1), (2, 1)] == [(n, len(b)) for n, b in boxes_of(scan(), start, 999).items()]


@pytest.mark.parametrize(
    "boxes",
    [
        ((0.6, 0.1, 0.63, 0.9), (0.5, 0.1, 0.53, 0.9)),
        ((0.1, 0.9, 0.8, 0.93), (0.1, 0.5, 0.8, 0.53)),
    ],
)
def test_on_a_page_that_lies_on_its_side_or_head_the_whole_line_is_marked(boxes):
    """Where letters run another way than to the right, no part of a box is theirs."""
    places = tuple(
        Place(start=10 * at, end=10 * at + 9, name="", box=box) for at, box in enumerate(boxes)
    )
    source = replace(scan(), pages=(), places=places)

    assert {1: boxes[:1]} == dict(boxes_of(source, 3, 6))


def test_words_that_were_not_read_from_an_image_have_none():
    """A slide or a row has a place without a box."""
    source = replace(scan(), places=(Place(start=0, end=50, name="slide 1"),))

    assert {} == dict(boxes_of(source, 0, 50))
