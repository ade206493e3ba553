"""Word documents (.docx): what a reader of the printed pages sees, the numbers that Word counts included."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from xml.etree import ElementTree

from rag.language.layout import refine
from rag.sources.archive import open_archive, verified, xml_root
from rag.sources.document import Document
from rag.sources.html import parse, to_text
from rag.sources.numbering import Numbering, W
from rag.sources.packages import package_title
from rag.sources.signatures import check_zip

_DOCUMENT, _STYLES, _NUMBERING, _COMMENTS = (
    f"word/{name}.xml" for name in ("document", "styles", "numbering", "comments")
)
_RUNNING = re.compile(r"word/(?:header|footer)\d*\.xml")
_PAGE = re.compile(r"\b(?:page|seite|página|of|von|sur|de)\b", re.IGNORECASE)
_NUMBER_STYLE = "CountedNumber"
_TITLED = "h1.title"
_STYLE_MAP = f"""
r.{_NUMBER_STYLE} => span.number
p[style-name='Title'] => {_TITLED}:fresh
p[style-name='caption'] => figcaption:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
"""
_BELOW_TITLE = "\n".join(
    f"p[style-name='{name} {level}'] => h{min(level + 1, 6)}:fresh"
    for name in ("Heading", "heading")
    for level in range(1, 7)
)
"""Headings of a document with a title are below it."""


def read(data: bytes) -> Document:
    """Read a Word document: headings, paragraphs, lists, tables, notes, comments and running heads; no pictures.

    Its title is the paragraph in Word's style for titles, else the one of its properties, else its first heading.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    import mammoth

    check_zip(data, ".docx")
    with open_archive(data) as archive:
        named = package_title(archive)
        content = verified(archive, lambda name: name.endswith((".xml", ".rels")))
    seen, titled = _as_seen(content)
    html = mammoth.convert_to_html(
        seen,
        convert_image=_no_image,
        include_embedded_style_map=False,
        style_map=_STYLE_MAP + (_BELOW_TITLE if titled else ""),
    ).value
    tree = parse(html)
    heading = tree.css_first(_TITLED)
    title = heading.text() if heading is not None else named
    heading = tree.css_first("h1")
    if not title and heading is not None:
        title = heading.text()
    body, blocks = to_text(tree.body)
    return Document(title=title or "", parts=(body,), blocks=refine(body, blocks))


def _as_seen(content: io.BytesIO) -> tuple[io.BytesIO, bool]:
    """Write into a document what a reader sees and its text does not hold; say whether its title is marked."""
    with zipfile.ZipFile(content) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if _DOCUMENT not in entries:
        content.seek(0)
        return content, False
    document = xml_root(entries[_DOCUMENT])
    styles = xml_root(entries[_STYLES]) if _STYLES in entries else None
    if _NUMBERING in entries:
        for paragraph, number in [
            *Numbering(xml_root(entries[_NUMBERING]), styles).numbers(document)
        ]:
            _put_before(paragraph, number)
    if _COMMENTS in entries:
        _put_comments(document, xml_root(entries[_COMMENTS]))
    running = (xml_root(entries[name]) for name in sorted(entries) if _RUNNING.fullmatch(name))
    titles = {"Title"} | _ids_of_titles(styles)
    _put_running_heads(document, dict.fromkeys(chain.from_iterable(map(_lines, running))), titles)
    entries[_DOCUMENT] = ElementTree.tostring(document)
    seen = io.BytesIO()
    with zipfile.ZipFile(seen, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    seen.seek(0)
    return seen, any(one.get(f"{W}val") in titles for one in document.iter(f"{W}pStyle"))


def _ids_of_titles(styles: ElementTree.Element | None) -> set[str]:
    """Return how a document calls Word's style for titles, in whatever language it was written."""
    return {
        one.get(f"{W}styleId", "")
        for one in (() if styles is None else styles.iter(f"{W}style"))
        for name in one.findall(f"{W}name")
        if name.get(f"{W}val") == "Title"
    }


def _put_before(paragraph: ElementTree.Element, number: str) -> None:
    """Write a number before a paragraph's text."""
    run = ElementTree.Element(f"{W}r")
    properties = ElementTree.SubElement(run, f"{W}rPr")
    ElementTree.SubElement(properties, f"{W}rStyle", {f"{W}val": _NUMBER_STYLE})
    ElementTree.SubElement(run, f"{W}t").text = f"{number} "
    at = 1 if len(paragraph) and paragraph[0].tag == f"{W}pPr" else 0
    paragraph.insert(at, run)


def _put_comments(document: ElementTree.Element, comments: ElementTree.Element) -> None:
    """Write each comment below the paragraph that it is on."""
    said = {
        one.get(f"{W}id"): (one.get(f"{W}author", ""), " ".join(_lines(one)))
        for one in comments.iter(f"{W}comment")
    }
    for parent in [*document.iter()]:
        for at in range(len(parent) - 1, -1, -1):
            if parent[at].tag != f"{W}p":
                continue
            for reference in reversed([*parent[at].iter(f"{W}commentReference")]):
                author, text = said.pop(reference.get(f"{W}id"), ("", ""))
                if text:
                    parent.insert(
                        at + 1, _paragraph(f"Comment by {author}: {text}" if author else text)
                    )


def _put_running_heads(
    document: ElementTree.Element, lines: Iterable[str], titles: set[str]
) -> None:
    """Write what stands at the head and foot of the pages behind the title, or first."""
    body = document.find(f"{W}body")
    if body is None:
        return
    first = next((one for one in body if one.tag == f"{W}p" and any(_lines(one))), None)
    style = None if first is None else first.find(f"{W}pPr/{W}pStyle")
    headed = style is not None and (
        style.get(f"{W}val") in titles or "eading" in style.get(f"{W}val", "")
    )
    at = [*body].index(first) + 1 if headed and first is not None else 0
    said = " ".join(_lines(document))
    for line in lines:
        told = _PAGE.sub("", line)
        if any(map(str.isalpha, told)) and line not in said:
            body.insert(at, _paragraph(line))
            at += 1


def _lines(element: ElementTree.Element) -> Iterator[str]:
    """Yield the text of each paragraph that has any."""
    for paragraph in element.iter(f"{W}p"):
        pieces = (
            " " if one.tag == f"{W}tab" else one.text or ""
            for one in paragraph.iter()
            if one.tag in {f"{W}t", f"{W}tab"}
        )
        text = " ".join("".join(pieces).split())
        if text:
            yield text


def _paragraph(text: str) -> ElementTree.Element:
    paragraph = ElementTree.Element(f"{W}p")
    run = ElementTree.SubElement(paragraph, f"{W}r")
    ElementTree.SubElement(run, f"{W}t").text = text
    return paragraph


def _no_image(_image: Any) -> list[Any]:  # noqa: ANN401  (mammoth has no types)
    """Leave pictures out: mammoth would write them into the text as base64."""
    return []
