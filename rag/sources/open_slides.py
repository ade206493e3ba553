"""Presentations of OpenDocument (.odp): each slide with its title, texts, tables, figures of charts, and notes."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from rag.sources.document import Document
from rag.sources.markup import Part, TextPart, paged
from rag.sources.opendocument import OpenDocument, attribute, line_of
from rag.sources.packages import local

_SLIDE_TITLE, _NOTES = 2, 4
_UNSAID = frozenset({"date-time", "footer", "header", "page-number", "page"})
"""Classes of frames that say the same on each slide."""


def read(data: bytes) -> Document:
    """Read a presentation: a slide is a page.

    Its title is the one of its properties, else that of its first slide.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    opened = OpenDocument(data, ".odp")
    slides = [one for one in opened.body() if local(one) == "page"]
    pages = [
        (f"slide {number}", [*_parts(opened, slide)])
        for number, slide in enumerate(slides, start=1)
    ]
    first = next((one for _, parts in pages[:1] for one in parts), None)
    said = first.text if isinstance(first, TextPart) and first.heading else ""
    return paged(pages, opened.title or said)


def _parts(opened: OpenDocument, slide: ElementTree.Element) -> Iterator[Part]:
    """Yield what is on a slide: its title first, its notes last."""
    frames = [one for one in slide if local(one) != "notes"]
    for one in frames:
        if attribute(one, "class") == "title":
            text = " ".join(line_of(part) for part in one.iter() if local(part) == "p")
            yield TextPart(text=" ".join(text.split()), heading=_SLIDE_TITLE)
    for one in frames:
        if attribute(one, "class") not in _UNSAID | {"title"}:
            yield from opened.parts([one])
    for notes in slide:
        if local(notes) == "notes":
            told = [
                part
                for one in notes
                if attribute(one, "class") == "notes"
                for part in opened.parts([one])
            ]
            if told:
                yield TextPart(text="Notes", heading=_NOTES)
                yield from told
