"""Files that hold files, such as a zip archive: their members are found and read as the files of a folder are.

A member's path is its container's with its name behind it, and leads nowhere on the disk. Nothing is unpacked to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from rag.errors import SourceError
from rag.sources import archive

MOST_MEMBERS = 500
_DEEPEST = 2
"""Containers inside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A format whose files hold others; what it calls may raise SourceError."""

    names: Callable[[BinaryIO], Collection[str]]
    """The members' relative posix paths."""
    read: Callable[[BinaryIO, str], bytes]
    """The bytes of one of them; KeyError where there is none."""
    is_source: bool = False
    """The file itself is a source too, as a mail is."""


CONTAINERS: Mapping[str, Container] = MappingProxyType(
    {".zip": Container(names=archive.names, read=archive.read_named)}
)
"""By extension, lower case and with its dot."""


def container_of(name: str) -> Container | None:
    """Return how the members of a file are found; None where it holds none."""
    return CONTAINERS.get(PurePosixPath(name).suffix.lower())


def is_source(name: str) -> bool:
    """Tell whether a file is a source itself, beside what it holds."""
    container = container_of(name)
    return container is None or container.is_source


def members(name: str, file: BinaryIO) -> Iterator[tuple[str, SourceError | None]]:
    """Yield the name of each member below a file's, those of containers inside it included, or why there are none.

    Raises:
        SourceError: the file itself cannot be opened, or holds too many.
    """
    left = MOST_MEMBERS
    for found in _members(name, file, 1):
        left -= 1
        if left < 0:
            raise SourceError(
                "too_large", f"holds more than {MOST_MEMBERS} files; unpack it into a folder"
            )
        yield found


def _members(name: str, file: BinaryIO, depth: int) -> Iterator[tuple[str, SourceError | None]]:
    container = container_of(name)
    assert container is not None
    for member in container.names(file):
        if is_source(member):
            yield member, None
        if container_of(member) is None:
            continue
        try:
            if depth >= _DEEPEST:
                raise SourceError("too_large", "lies too deep in other archives; unpack them")
            held = BytesIO(container.read(file, member))
            for below, fault in [*_members(member, held, depth + 1)]:
                yield f"{member}/{below}", fault
        except SourceError as exc:
            yield member, exc


def holder_of(path: Path) -> tuple[Path, str] | None:
    """Return the container on the disk that a path leads into, and the member's name; None where it leads into none."""
    for parent in path.parents:
        if container_of(parent.name) is not None and parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return None


def read_member(holder: str, file: BinaryIO, name: str) -> bytes:
    """Return the bytes of a member, which may lie in a container inside.

    Raises:
        KeyError: there is none of that name any more.
        SourceError: it cannot be read.
    """
    container = container_of(holder)
    if container is None:
        raise KeyError(name)
    try:
        return container.read(file, name)
    except KeyError:
        pieces = PurePosixPath(name).parts
    for at in range(1, len(pieces)):
        inner = "/".join(pieces[:at])
        if container_of(inner) is not None and inner in container.names(file):
            held = BytesIO(container.read(file, inner))
            return read_member(inner, held, "/".join(pieces[at:]))
    raise KeyError(name)
