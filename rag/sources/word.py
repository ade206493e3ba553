"""Word documents (.docx)."""

from __future__ import annotations

from typing import Any

from rag.language.layout import refine
from rag.sources.archive import open_archive, read_entry, verified, xml_root
from rag.sources.document import Document
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_zip

_CORE = "docProps/core.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def read(data: bytes) -> Document:
    """Read a Word document: headings, paragraphs, lists, tables and notes; no pictures.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    import mammoth

    check_zip(data, ".docx")
    with open_archive(data) as archive:
        names = set(archive.namelist())
        title = xml_root(read_entry(archive, _CORE)).findtext(_TITLE) if _CORE in names else None
        content = verified(archive, lambda name: name.endswith((".xml", ".rels")))
    html = mammoth.convert_to_html(
        content, convert_image=_no_image, include_embedded_style_map=False
    ).value
    tree = parse(html)
    heading = tree.css_first("h1")
    if not title and heading is not None:
        title = heading.text()
    body, blocks = to_text(tree.body)
    return Document(title=title or "", parts=(body,), blocks=refine(body, blocks))


def _no_image(_image: Any) -> list[Any]:  # noqa: ANN401  (mammoth has no types)
    """Leave pictures out: mammoth would write them into the text as base64."""
    return []
