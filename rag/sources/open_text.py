"""Texts of OpenDocument (.odt): headings, paragraphs, lists, tables, notes and comments; no pictures."""

from __future__ import annotations

from rag.sources.document import Document
from rag.sources.markup import document_of
from rag.sources.opendocument import OpenDocument


def read(data: bytes) -> Document:
    """Read a text; its title is the one of its properties, else its first heading.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    opened = OpenDocument(data, ".odt")
    return document_of(opened.parts(opened.body()), opened.title)
