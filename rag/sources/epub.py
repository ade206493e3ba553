"""Books (.epub): their chapters in reading order."""

from __future__ import annotations

import posixpath
import zipfile
from urllib.parse import unquote
from xml.etree import ElementTree

from rag.errors import SourceError
from rag.language.layout import refine
from rag.language.outline import shifted
from rag.schema import Block
from rag.sources.archive import open_archive, read_entry, xml_root
from rag.sources.characters import decode
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_zip

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_FONT_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/xml")


def read(data: bytes) -> Document:
    """Read a book: the documents of its spine, in order.

    Raises:
        SourceError: `encrypted`, `too_large` or `unreadable`.
    """
    check_zip(data, ".epub")
    with open_archive(data) as archive:
        names = set(archive.namelist())
        if _ENCRYPTION in names:
            _check_rights(xml_root(read_entry(archive, _ENCRYPTION)))
        package_name = _package_name(archive, names)
        package = xml_root(read_entry(archive, package_name))
        text = ""
        blocks: list[Block] = []
        for name in _spine(package, posixpath.dirname(package_name)):
            chapter, inside = _chapter(archive, name) if name in names else ("", ())
            if chapter:
                text += "\n\n" if text else ""
                blocks += shifted(inside, len(text), len(blocks))
                text += chapter
                if len(text) > MAX_CHARS:
                    raise too_long()
    title = next((node.text for node in package.iter() if _local(node) == "title"), None)
    return Document(title=title or "", parts=(text,), blocks=refine(text, blocks))


def _chapter(archive: zipfile.ZipFile, name: str) -> tuple[str, tuple[Block, ...]]:
    html, _ = decode(read_entry(archive, name))
    return to_text(parse(html, xml=True).body)


def _package_name(archive: zipfile.ZipFile, names: set[str]) -> str:
    """Return the name of the package document, which lists the parts of the book."""
    if _CONTAINER in names:
        for node in xml_root(read_entry(archive, _CONTAINER)).iter():
            if _local(node) == "rootfile" and (name := node.get("full-path", "")) in names:
                return name
    for name in sorted(names):
        if name.endswith(".opf"):
            return name
    raise SourceError("unreadable", "has no list of its chapters; it is no book, or damaged")


def _spine(package: ElementTree.Element, folder: str) -> list[str]:
    """Return the names of the chapters in reading order, without the table of contents."""
    items = {node.get("id"): node for node in package.iter() if _local(node) == "item"}
    order = [items.get(node.get("idref")) for node in package.iter() if _local(node) == "itemref"]
    return [
        posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in order
        if item is not None
        and item.get("media-type") in _CHAPTERS
        and "nav" not in item.get("properties", "").split()
    ]


def _check_rights(encryption: ElementTree.Element) -> None:
    """Refuse a book whose text is encrypted; hidden fonts are common and harmless."""
    for node in encryption.iter():
        if _local(node) == "EncryptionMethod" and node.get("Algorithm") not in _FONT_ONLY:
            raise SourceError("encrypted", "is protected (DRM); add a copy that is not")


def _local(node: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return str(node.tag).rpartition("}")[2]
