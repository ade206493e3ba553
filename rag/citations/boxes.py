"""Where words stand on the image of their page, as rectangles to mark. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

from rag.schema import Place, Source

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom, each a share 0..1 of the page from its top left corner."""


def boxes_of(source: Source, start: int, end: int) -> Mapping[int, tuple[Box, ...]]:
    """Return where a stretch of a source stands on the images of its pages.

    Args:
        source: of which pages may be scans.
        start: offset of the stretch.
        end: behind its last character.

    Returns:
        Boxes by the number of their page, from 1; nothing where its words were not read from an image.
    """
    found: dict[int, tuple[Box, ...]] = {}
    for page, places in _pages(source).items():
        quoted = [one for one in places if one.start < end and one.end > start]
        if quoted:
            upright = _is_upright(places)
            boxes = (_box(place, start, end, upright) for place in quoted)
            found[page] = tuple(box for box in boxes if box is not None)
    return found


def _pages(source: Source) -> dict[int, list[Place]]:
    """Return what stands on the images of pages, by their number."""
    found: dict[int, list[Place]] = {}
    for place in source.places:
        if place.box is not None:
            found.setdefault(page_at(source, place.start), []).append(place)
    return found


def page_at(source: Source, at: int) -> int:
    """Return the number of the page that an offset is on, from 1; 1 where there are no pages."""
    return bisect_right(source.pages, at) or 1


def _is_upright(places: Sequence[Place]) -> bool:
    """Tell whether the second half of what is read on a page stands lower than the first."""
    tops = [place.box[1] for place in places if place.box is not None]
    half = len(tops) // 2
    return half == 0 or fmean(tops[:half]) <= fmean(tops[half:])


def _box(place: Place, start: int, end: int, upright: bool) -> Box | None:
    """Return the part of a place's box that a stretch takes, of a line on an upright page; else all of it."""
    if place.box is None:
        return None
    left, top, right, bottom = place.box
    if not upright or bottom - top > right - left:
        return place.box
    wide, length = right - left, place.end - place.start
    begin = left + wide * (max(start, place.start) - place.start) / length
    return begin, top, left + wide * (min(end, place.end) - place.start) / length, bottom
