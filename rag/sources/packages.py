"""The packages that Office Open XML lies in: which part names which, and what the whole is called."""

from __future__ import annotations

import posixpath
import zipfile
from xml.etree import ElementTree

from rag.sources.archive import read_entry, xml_root

_RELATIONS = "_rels/.rels"
_CORE = "docProps/core.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def local(node: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return str(node.tag).rpartition("}")[2]


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Return the parts that a part names, by the names it has for them; nothing outside the archive."""
    folder, name = posixpath.split(part)
    entry = f"{folder}/_rels/{name}.rels"
    if entry not in archive.namelist():
        return {}
    return {
        one.get("Id", ""): posixpath.normpath(
            posixpath.join(f"/{folder}", one.get("Target", ""))
        ).lstrip("/")
        for one in xml_root(read_entry(archive, entry))
        if one.get("TargetMode") != "External"
    }


def main_part(archive: zipfile.ZipFile, usual: str) -> str:
    """Return the part that the package is about; `usual` is where it mostly lies."""
    if usual in archive.namelist() or _RELATIONS not in archive.namelist():
        return usual
    named = (
        one.get("Target", "").lstrip("/")
        for one in xml_root(read_entry(archive, _RELATIONS))
        if one.get("Type", "").endswith("/officeDocument")
    )
    return next(named, usual)


def package_title(archive: zipfile.ZipFile) -> str:
    """Return the title that the properties give; empty where they give none."""
    if _CORE not in archive.namelist():
        return ""
    return " ".join((xml_root(read_entry(archive, _CORE)).findtext(_TITLE) or "").split())
