"""The picture of a page with the words marked that are quoted from it, as HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rag.citations.boxes import Box, boxes_of, page_at
from rag.schema import HARD_TO_READ, Source
from rag.web.escaping import escape
from rag.web.taking_in import key_of

PATH = "/pages/"
MOST_PAGES = 3
"""That are shown of words that run over pages."""

_POOR = (
    '<p class="fn-state fn-gone">This page is hard to read, and its text may be wrong: compare the'
    " words with the picture.</p>"
)
_READ = '<p class="fn-note fn-read">The text that was read from it:</p>'


def leaves(source: Source, start: int, end: int, *, is_open: bool) -> str:
    """Return the pictures of the pages that words stand on; nothing where they were not read from an image.

    Args:
        source: the document.
        start: offset of the words.
        end: behind their last character.
        is_open: False shows the text first.
    """
    found = sorted(boxes_of(source, start, end).items())[:MOST_PAGES]
    shown = [_leaf(source, page, boxes, is_open=is_open) for page, boxes in found]
    return "".join(shown) + _READ * bool(shown)


def _leaf(source: Source, page: int, boxes: Sequence[Box], *, is_open: bool) -> str:
    at = f"{PATH}{key_of(source.source_id)}/{source.sha256}/{page}"
    alt = escape(f"Page {page} of {source.title or source.source_id}, with the words marked")
    is_poor = any(
        one.name.endswith(HARD_TO_READ)
        for one in source.places
        if page_at(source, one.start) == page
    )
    return (
        f'<details class="fn-sheet"{" open" * is_open}><summary>'
        f'<strong class="fn-to-text">Page {page:,}</strong><span class="fn-to-text">Show the text</span>'
        f'<span class="fn-to-sheet">Show page {page:,} as a picture</span></summary>{_POOR * is_poor}'
        f'<div class="fn-frame"><div class="fn-paper"><img src="{escape(at)}" alt="{alt}">'
        f'<svg width="100%" height="100%">{"".join(map(_mark, boxes))}</svg></div></div></details>'
    )


def _mark(box: Box) -> str:
    """Return a rectangle a little larger than the words; it grows and shrinks with the picture."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    margin = min(wide, high) / 6
    x, y = max(0.0, left - margin), max(0.0, top - margin)
    return (
        f'<rect x="{x:.2%}" y="{y:.2%}" width="{wide + 2 * margin:.2%}"'
        f' height="{high + 2 * margin:.2%}" rx="2"></rect>'
    )
