"""Zip containers (.docx, .epub, .zip), opened only as far as their directory promises to be harmless.

Sizes in the directory may lie, so every entry is read through a bound of its own, and parsers are
given verified bytes, never the archive.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection
from pathlib import PurePosixPath
from typing import BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat

from rag.errors import SourceError

MAX_ENTRIES = 5_000
MAX_ENTRY = 100_000_000
MAX_TOTAL = 200_000_000
MAX_RATIO = 200
_SMALL = 1_000_000
"""An archive may expand to this many bytes at any ratio: blank forms compress well."""
_SKIPPED = frozenset({"__MACOSX", "__pycache__"})
MAX_TAGS = 2_000_000
"""Each becomes an object of about a kilobyte in a parser."""


def open_archive(data: bytes | BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive, its bytes or an open file, after checking its directory; nothing is decompressed.

    Raises:
        SourceError: `too_large`, `encrypted` or `unreadable`.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    size = file.seek(0, io.SEEK_END)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if (
        len(entries) > MAX_ENTRIES
        or total > MAX_TOTAL
        or total > max(MAX_RATIO * size, _SMALL)
        or any(entry.file_size > MAX_ENTRY for entry in entries)
    ):
        raise _expands()
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
            raise SourceError(
                "unreadable",
                "holds a file that points outside of it; do not trust where it comes from",
            )
        if entry.flag_bits & 0x1:
            raise SourceError("encrypted", "needs a password; save a copy without one and add that")
    return archive


def names(file: BinaryIO) -> Collection[str]:
    """Return the relative path of each file in an archive that people put there, in its order.

    Raises:
        SourceError: as `open_archive` raises it.
    """
    with open_archive(file) as archive:
        return _named(archive)


def read_named(file: BinaryIO, name: str) -> bytes:
    """Return the bytes of one of the `names` of an archive.

    Raises:
        KeyError: there is no such file.
        SourceError: as `open_archive` and `read_entry` raise it.
    """
    with open_archive(file) as archive:
        return read_entry(archive, _named(archive)[name])


def _named(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the entries that are files to a person, by their path in its usual form; the first of a name counts."""
    found: dict[str, str] = {}
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        hidden = any(part.startswith((".", "~$")) or part in _SKIPPED for part in path.parts)
        if path.name and not hidden and not entry.is_dir():
            found.setdefault(str(path), entry.filename)
    return found


def read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return one entry, at most as many bytes as the directory says.

    Raises:
        KeyError: there is no such entry.
        SourceError: `too_large` where the directory lied, `unreadable` where the entry is damaged.
    """
    entry = archive.getinfo(name)
    try:
        with archive.open(entry) as file:
            data = file.read(entry.file_size + 1)
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc
    if len(data) > entry.file_size:
        raise _expands()
    return data


def verified(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> io.BytesIO:
    """Return a new archive of the wanted XML entries: read within bounds, and free of entities.

    Raises:
        SourceError: as `read_entry` and `check_xml` raise it.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as kept:
        tags = 0
        for entry in archive.infolist():
            if wanted(entry.filename):
                data = read_entry(archive, entry.filename)
                check_xml(data)
                tags += data.count(b"<")
                kept.writestr(entry.filename, data)
        if tags > MAX_TAGS:
            raise SourceError("too_large", f"holds more than {MAX_TAGS:,} tags; split it")
    copy.seek(0)
    return copy


def check_tags(archive: zipfile.ZipFile, most: int = MAX_TAGS) -> None:
    """Refuse an archive whose XML holds more than `most` tags: trees are built of them.

    Raises:
        SourceError: `too_large`; as `read_entry` raises it.
    """
    tags = 0
    for entry in archive.infolist():
        if entry.filename.endswith((".xml", ".rels")):
            tags += read_entry(archive, entry.filename).count(b"<")
        if tags > most:
            raise SourceError("too_large", f"holds more than {most:,} tags; split it")


def check_xml(data: bytes) -> None:
    """Refuse XML that declares entities, before a parser expands or fetches one.

    Only what stands before the root element is parsed: no declaration can come later.

    Raises:
        SourceError: `unreadable`.
    """
    parser = expat.ParserCreate()

    def refuse(*_declaration: object) -> None:
        raise SourceError(
            "unreadable", "declares XML entities, which no such document needs; refused"
        )

    def stop(*_element: object) -> None:
        raise _RootReachedError

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        for start in range(0, len(data), 1 << 16):
            parser.Parse(data[start : start + (1 << 16)], False)
    except _RootReachedError:
        return
    except expat.ExpatError as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc


def xml_root(data: bytes) -> ElementTree.Element:
    """Parse a small XML file that declares no entities.

    Raises:
        SourceError: `unreadable`.
    """
    check_xml(data)
    try:
        return ElementTree.fromstring(data)  # noqa: S314  (entities are refused above)
    except ElementTree.ParseError as exc:
        raise SourceError("unreadable", "is damaged; save it anew") from exc


class _RootReachedError(Exception):
    """The root element has begun."""


def _expands() -> SourceError:
    return SourceError(
        "too_large", "expands to more than a document of its size should; check where it comes from"
    )
