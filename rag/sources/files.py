"""Files below a root: which there are, what each is called, and their bytes.

It knows of formats nothing but their extensions.
Only regular files are ever opened, and no link is followed out of its root.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag.errors import SourceError, SourceNotFoundError
from rag.schema import FateReason, FileReport
from rag.sources.formats import SUPPORTED

_SKIPPED_FOLDERS = frozenset({"__pycache__"})
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that a person gave."""

    path: Path
    """Absolute."""
    prefix: str
    """Stands before the relative path in a source_id: "" for the seeds, "name/" for an added folder."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that can be loaded."""

    source_id: str
    """Printable: the root's prefix and the posix path below the root; for a root that is a file, its name."""
    path: Path


def find_files(root: Root) -> tuple[list[FoundFile], list[FileReport]]:
    """List what can be loaded below `root`, and say of everything else why it cannot.

    Hidden files and folders, `__pycache__` and the lock files of office programs are passed over in
    silence.

    Returns:
        Files and reports, each in order of source_id: the same for the same tree.

    Raises:
        SourceNotFoundError: there is nothing at `root.path`.
    """
    if not root.path.exists():
        raise SourceNotFoundError(
            f"There is no file or folder {printable(str(root.path))!r}."
            " Check the path, or make the folder and put documents into it."
        )
    found: list[FoundFile] = []
    reports: list[FileReport] = []
    top = root.path.resolve()
    entries = _walk(root.path) if root.path.is_dir() else iter([(root.path, root.path.name)])
    for path, name in entries:
        source_id = root.prefix + printable(name)
        fault = _fault(path, top)
        if fault is None:
            found.append(FoundFile(source_id, path))
        else:
            reason, message = fault
            message = f"{source_id!r} {message}."
            reports.append(
                FileReport(source_id=source_id, fate="failed", reason=reason, message=message)
            )
    found.sort(key=lambda file: file.source_id)
    reports.sort(key=lambda report: report.source_id)
    return found, reports


def hash_file(path: Path) -> str:
    """Return the SHA-256 hex digest of a file's bytes.

    Raises:
        SourceError: it cannot be read (`unreadable`).
    """
    digest = hashlib.sha256()
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as exc:
        raise _unreadable(exc) from exc
    return digest.hexdigest()


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return a file's bytes.

    Raises:
        SourceError: it is `too_large` or `unreadable`.
    """
    try:
        with open_regular(path) as file:
            data = file.read(max_bytes + 1)
    except OSError as exc:
        raise _unreadable(exc) from exc
    if len(data) > max_bytes:
        raise SourceError(
            "too_large",
            f"is larger than {max_bytes / 1e6:g} MB; split it, or raise max_file_mb",
        )
    return data


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, and nothing else: a FIFO would wait for ever, a device never end.

    Raises:
        OSError: it cannot be opened or is not a regular file.
    """
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return os.fdopen(descriptor, "rb")


def printable(name: str) -> str:
    r"""Escape what does not print in a name, so that it can be stored, shown and told from every other name.

    Invalid UTF-8, line breaks, bidi and control characters become `\x..`, `\u....`; a backslash is
    doubled, so that two names never look the same.
    """
    return "".join(char if char.isprintable() and char != "\\" else _escaped(char) for char in name)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8, as os.fsdecode keeps it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return "\\\\" if char == "\\" else char.encode("unicode_escape", "backslashreplace").decode()


def _walk(top: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and relative name of all that is not a folder, and of folders that cannot be listed."""
    folders = [(top, "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with os.scandir(folder) as listed:
                entries = list(listed)
        except OSError:
            yield folder, prefix.rstrip("/") or folder.name
            continue
        for entry in entries:
            if entry.name.startswith((".", "~$")) or entry.name in _SKIPPED_FOLDERS:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), f"{prefix}{entry.name}/"))
            else:
                yield Path(entry.path), prefix + entry.name


def _fault(path: Path, top: Path) -> tuple[FateReason, str] | None:
    """Say why a path cannot be loaded, without opening it: a reason and a phrase; None where it can."""
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return "unreadable", "is a link that leads nowhere; mend or remove it"
    if not target.is_relative_to(top):
        return (
            "unsupported",
            "is a link that leads out of its folder; add what it points to instead",
        )
    if stat.S_ISDIR(mode):
        if path.is_symlink():
            return "unsupported", "is a link to a folder, whose files are listed at their own place"
        return "unreadable", "cannot be listed; check its permissions"
    if not stat.S_ISREG(mode):
        return "unsupported", "is no regular file but a pipe, socket or device; remove it"
    if path.suffix.lower() not in SUPPORTED:
        known = " ".join(SUPPORTED)
        return "unsupported", f"is of no supported format ({known}); convert it to one of them"
    return None


def _unreadable(exc: OSError) -> SourceError:
    return SourceError(
        "unreadable",
        f"cannot be opened ({exc.strerror or exc}); check that it exists and may be read",
    )
