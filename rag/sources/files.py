"""Files below a root: which there are, what each is called, and their bytes.

It knows of formats nothing but their extensions.
Only regular files are ever opened, and no link is followed out of its root.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from rag.errors import SourceError, SourceNotFoundError
from rag.schema import Fate, FateReason, FileReport
from rag.sources.containers import container_of, holder_of, is_source, members, read_member
from rag.sources.formats import SUPPORTED

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
_BLOCK = 1 << 20
_KNOWN = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, None}
)
"""Errors of a place that is as the system says; any other may pass: a drive that is away, a server that is down."""


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

    The fate of a file or folder that cannot be looked at is `unreachable`, and the reason tells whether it may not
    (`unreadable`) or something is out of order at the moment (`unreachable`).
    Hidden files and folders, folders of installed packages and the lock files of office programs are passed over in
    silence.

    Returns:
        Files and reports, each in order of source_id: the same for the same tree.

    Raises:
        SourceNotFoundError: there is nothing at `root.path`.
        SourceError: `unreachable`: whether anything is there cannot be told, or it is a folder that cannot be listed.
    """
    try:
        top, entries = _listed(root.path)
    except OSError as exc:
        raise SourceError(
            "unreachable",
            f"{printable(str(root.path))!r} cannot be reached ({exc.strerror or exc}); check that its drive or"
            " server is there, and that it may be read.",
        ) from exc
    found: list[FoundFile] = []
    reports: list[FileReport] = []

    def report(source_id: str, fate: Fate, reason: FateReason, message: str) -> None:
        message = f"{source_id!r} {message}."
        reports.append(FileReport(source_id=source_id, fate=fate, reason=reason, message=message))

    for path, name in entries:
        source_id = root.prefix + printable(name)
        fault = _fault(path, top)
        if fault is not None:
            report(source_id, *fault)
            continue
        if is_source(path.name):
            found.append(FoundFile(source_id, path))
        for member, trouble in _held(path) if container_of(path.name) else ():
            inner = f"{source_id}/{printable(member)}" if member else source_id
            if trouble is None:
                found.append(FoundFile(inner, path / member))
            else:
                report(inner, *trouble)
    found.sort(key=lambda file: file.source_id)
    reports.sort(key=lambda report: report.source_id)
    return found, reports


def find_file(root: Root, source_id: str) -> FoundFile | None:
    """Return the file of a source below a root by the rules of `find_files`; None where there is none any more."""
    name = source_id.removeprefix(root.prefix)
    pieces = PurePosixPath(name).parts
    if not source_id.startswith(root.prefix) or not pieces or ".." in pieces or "\\" in name:
        return None  # a name that had to be escaped is not looked for
    try:
        top = root.path.resolve()
        path = (root.path if root.path.is_dir() else root.path.parent) / name
        held = holder_of(path)
        on_disk = path if held is None else held[0]
        if not on_disk.is_relative_to(root.path) or _fault(on_disk, top) is not None:
            return None
    except (OSError, RuntimeError, ValueError):
        return None
    return FoundFile(source_id, path)


def identity(root: Root) -> str:
    """Return what tells the folder of a root from another in its place, such as the folder that a drive is mounted on.

    Of a root that is a file, or of which there is nothing, it is the folder above. Empty where nobody can say.
    """
    try:
        folder = root.path if root.path.is_dir() else root.path.parent
        found = folder.stat()
    except OSError:
        return ""
    kind = "folder" if folder == root.path else "file"
    return f"{kind}:{found.st_dev}:{found.st_ino}"


def hash_file(path: Path) -> str:
    """Return the SHA-256 hex digest of a file's bytes.

    Raises:
        SourceError: it cannot be read (`unreadable`), or not at the moment (`unreachable`).
    """
    digest = hashlib.sha256()
    try:
        with _opened(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as exc:
        raise _unreadable(exc) from exc
    return digest.hexdigest()


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return a file's bytes.

    Raises:
        SourceError: it is `too_large`, `unreadable` or `unreachable`.
    """
    try:
        with _opened(path) as file:
            data = file.read(max_bytes + 1)
    except OSError as exc:
        raise _unreadable(exc) from exc
    if len(data) > max_bytes:
        raise SourceError(
            "too_large",
            f"is larger than {max_bytes / 1e6:g} MB; split it, or raise max_file_mb",
        )
    return data


def _opened(path: Path) -> BinaryIO:
    """Open a regular file, or a member of one that holds files.

    Raises:
        OSError: it cannot be opened, or is not there.
        SourceError: what holds it cannot be read.
    """
    try:
        return open_regular(path)
    except OSError as exc:
        held = holder_of(path) if exc.errno in {errno.ENOTDIR, errno.ENOENT} else None
        if held is None:
            raise
    holder, name = held
    with open_regular(holder) as file:
        try:
            return BytesIO(read_member(holder.name, file, name))
        except KeyError as exc:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from exc


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


def _held(path: Path) -> Iterator[tuple[str, tuple[Fate, FateReason, str] | None]]:
    """Yield the name of each member of a file that holds files, and why it cannot be loaded, if so.

    Of a file whose members cannot be told the name is empty.
    """
    try:
        with open_regular(path) as file:
            listed = [*members(path.name, file)]
    except SourceError as exc:
        yield "", ("failed", cast("FateReason", exc.reason), str(exc))
        return
    except OSError as exc:
        trouble = _unreadable(exc)
        yield "", ("unreachable", cast("FateReason", trouble.reason), str(trouble))
        return
    if not listed and not is_source(path.name):
        yield "", ("failed", "empty", "holds no files; put some into it or remove it")
    for name, fault in listed:
        if fault is not None:
            yield name, ("failed", cast("FateReason", fault.reason), str(fault))
        elif PurePosixPath(name).suffix.lower() not in SUPPORTED:
            yield name, ("failed", "unsupported", _unsupported())
        else:
            yield name, None


def _unsupported() -> str:
    return "is of no supported format; convert it to one that is read"


def _listed(path: Path) -> tuple[Path, Iterator[tuple[Path, str]]]:
    """Return where a root really lies, and what is at or below it; its own folder is listed at once.

    Raises:
        OSError: it cannot be looked at.
    """
    try:
        path.stat()
    except OSError as exc:
        if exc.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise
        raise SourceNotFoundError(
            f"There is no file or folder {printable(str(path))!r}."
            " Check the path, or make the folder and put documents into it."
        ) from exc
    if not path.is_dir():
        return path.resolve(), iter([(path, path.name)])
    os.scandir(path).close()
    return path.resolve(), _walk(path)


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
            if _is_folder(entry):
                folders.append((Path(entry.path), f"{prefix}{entry.name}/"))
            else:
                yield Path(entry.path), prefix + entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # `_fault` says why


def _fault(path: Path, top: Path) -> tuple[Fate, FateReason, str] | None:
    """Say why a path cannot be loaded, without opening it: fate, reason and a phrase; None where it can."""
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError) as exc:  # RuntimeError: a loop of links, before Python 3.13
        if getattr(exc, "errno", None) not in _KNOWN:
            return "unreachable", "unreachable", f"cannot be reached ({exc}); try again"
        if getattr(exc, "errno", None) in {errno.EACCES, errno.EPERM}:
            return "unreachable", "unreadable", "cannot be looked at; check its permissions"
        return "failed", "unreadable", "is a link that leads nowhere; mend or remove it"
    if not target.is_relative_to(top):
        return (
            "failed",
            "unsupported",
            "is a link that leads out of its folder; add what it points to instead",
        )
    if stat.S_ISDIR(mode):
        if path.is_symlink():
            what = "is a link to a folder, whose files are listed at their own place"
            return "failed", "unsupported", what
        return "unreachable", "unreadable", "cannot be listed; check its permissions"
    if not stat.S_ISREG(mode):
        what = "is no regular file but a pipe, socket or device; remove it"
        return "failed", "unsupported", what
    if path.suffix.lower() not in SUPPORTED:
        return "failed", "unsupported", _unsupported()
    return None


def _unreadable(exc: OSError) -> SourceError:
    return SourceError(
        "unreadable" if exc.errno in _KNOWN else "unreachable",
        f"cannot be opened ({exc.strerror or exc}); check that it exists and may be read",
    )
