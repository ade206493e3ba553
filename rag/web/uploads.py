"""The folder of what was taken in through the page: files whole or not at all, harmless names, limits kept.

Knows neither the web nor the index. A file is written under a hidden name and gets its own when all of it
is there; hidden files are never indexed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.errors import SourceError
from rag.privacy import make_file, make_folder, make_folders
from rag.sources import KNOWN, SUPPORTED

MOST_BYTES = 4 * 2**30
"""Of all files together."""
MOST_FILES = 10_000
LEFT_FREE = 256 * 2**20
"""Bytes that are left on the disk for everything else."""

_ARRIVING = ".arriving"
_ADDRESSES = ".addresses.json"
_FORGOTTEN = 3600.0  # seconds after which what is still arriving comes no more
_LONGEST = 120  # bytes of one name
_DEEPEST = 8  # folders and file
_AWKWARD = re.compile(r'[<>:"|?*]')
_HIDING = re.compile(r"^(?:[. ]|~\$)+")
"""What hides a file, or marks it as an office program's own."""
_HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that was taken in."""

    name: str
    """Relative posix path in the folder."""
    replaced: bool
    """Whether another file had the name."""


class Uploads:
    """Files below one folder.

    Args:
        folder: made when the first file arrives, for its owner only.
        max_file: bytes of one file.
        most_bytes: of all files together.
        left_free: bytes of the disk that are not used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_file: int,
        most_bytes: int = MOST_BYTES,
        left_free: int = LEFT_FREE,
    ) -> None:
        self.folder = folder.resolve()
        self.max_file = max_file
        self._most_bytes = most_bytes
        self._left_free = left_free
        self._lock = threading.Lock()
        self._coming: dict[str, int] = {}
        """Bytes so far of each file on its way."""

    @contextmanager
    def arriving(self, name: str) -> Iterator[Arrival]:
        """Take in a file piece by piece; unless it is kept, nothing stays of it.

        Args:
            name: what its owner calls it, folders included.

        Raises:
            SourceError: `unsupported`, `too_large` (also: all files together are), or `unreadable` (it
                cannot be written).
        """
        path = safe_path(name)
        part = self.folder / _ARRIVING / secrets.token_hex(8)
        with _written(path):
            make_folders(part.parent, below=self.folder)
            self._sweep()
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield Arrival(path, file.write, file.flush, self._claims(part.name), part, self)
        finally:
            part.unlink(missing_ok=True)
            with self._lock:
                self._coming.pop(part.name, None)

    def add(self, name: str, data: bytes) -> Kept:
        """Take in a whole file; raises as `arriving` does."""
        with self.arriving(name) as arrival:
            arrival.write(data)
            return arrival.keep()

    def add_text(self, title: str, text: str) -> Kept:
        """Take in text that was pasted, under its title and beside others of that title.

        Raises:
            SourceError: `empty`, `too_large` or `unreadable`.
        """
        if not text.strip():
            raise SourceError("empty", "There is no text: paste some into the box.")
        title = " ".join(title.split())
        markdown = _HEADING.search(text) is not None
        if title:
            text = f"{'# ' * markdown}{title}\n\n{text}"
        stem = title or " ".join(text.split()[:8])
        name = f"{stem.replace('/', ' ')[:80]}{'.md' if markdown else '.txt'}"
        free = self._free_name(safe_path(name))
        return self.add(str(free), text.encode("utf-8", "replace"))

    def rename(self, old: str, new: str) -> str:
        """Give a file another name in its folder, with its extension; return the new path.

        Raises:
            SourceError: another file has the name, or the file is gone.
        """
        before = PurePosixPath(old)
        wanted = new.replace("/", " ").strip()
        if not wanted.lower().endswith(before.suffix.lower()):
            wanted += before.suffix
        after = safe_path(str(before.parent / wanted))
        source, target = self.folder / before, self.folder / after
        if before == after:
            return str(after)
        if target.exists():
            raise SourceError("unreadable", f"There is a file {str(after)!r} already.")
        with _written(after):
            source.rename(target)
        self.note_address(str(after), self.addresses().get(old, ""))
        self.note_address(old, "")
        return str(after)

    def delete(self, name: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        path = self.folder / name
        with _written(PurePosixPath(name)):
            path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.folder:
                break
            with suppress(OSError):
                folder.rmdir()
        self.note_address(name, "")

    def names(self) -> list[str]:
        """Return the path of every file."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self._files())

    def addresses(self) -> dict[str, str]:
        """Return the web address of each file that was read from one, by its path."""
        try:
            known = json.loads((self.folder / _ADDRESSES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): str(url) for name, url in known.items()}

    def note_address(self, name: str, url: str) -> None:
        """Remember the web address of a file; empty forgets it."""
        with self._lock:
            known = self.addresses()
            if known.get(name, "") == url:
                return
            known = {**known, name: url} if url else {k: v for k, v in known.items() if k != name}
            unfinished = self.folder / f"{_ADDRESSES}.part"
            with _written(PurePosixPath(_ADDRESSES)):
                make_folder(self.folder)
                make_file(unfinished)
                unfinished.write_text(json.dumps(known), encoding="utf-8")
                unfinished.replace(self.folder / _ADDRESSES)

    def _files(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from (Path(folder) / name for name in files if not name.startswith("."))

    def _claims(self, key: str) -> Callable[[int], None]:
        """Return what checks that so many bytes of a file still fit beside all others."""
        sizes = [path.stat().st_size for path in self._files()]
        if len(sizes) >= MOST_FILES:
            raise SourceError(
                "too_large", f"At most {MOST_FILES:,} files are kept here; remove some first."
            )
        held = sum(sizes)
        free = shutil.disk_usage(self.folder).free - self._left_free

        def claim(size: int) -> None:
            with self._lock:
                self._coming[key] = size
                coming = sum(self._coming.values())
            if held + coming > self._most_bytes:
                raise SourceError(
                    "too_large",
                    f"All files taken in here may have {_size(self._most_bytes)} together;"
                    " remove some first.",
                )
            if coming > free:
                raise SourceError("too_large", "The disk is nearly full; free some space first.")

        return claim

    def _free_name(self, path: PurePosixPath) -> PurePosixPath:
        """Return the path, with a number where another file has it."""
        number, free = 2, path
        while (self.folder / free).exists():
            free = path.with_name(f"{path.stem} ({number}){path.suffix}")
            number += 1
        return free

    def _sweep(self) -> None:
        """Remove what an ended program left half written."""
        for part in (self.folder / _ARRIVING).iterdir():
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _FORGOTTEN:
                    part.unlink()


class Arrival:
    """One file on its way; made by `Uploads.arriving`."""

    def __init__(
        self,
        path: PurePosixPath,
        write: Callable[[bytes], int],
        flush: Callable[[], None],
        claim: Callable[[int], None],
        part: Path,
        uploads: Uploads,
    ) -> None:
        self._path = path
        self._write = write
        self._flush = flush
        self._claim = claim
        self._part = part
        self._uploads = uploads
        self._digest = hashlib.sha256()
        self._size = 0

    @property
    def sha256(self) -> str:
        """Of what has arrived, a hex digest."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Take in the next bytes.

        Raises:
            SourceError: it is `too_large`, or cannot be written (`unreadable`).
        """
        self._size += len(block)
        if self._size > self._uploads.max_file:
            limit = _size(self._uploads.max_file)
            raise SourceError(
                "too_large",
                f"{str(self._path)!r} is larger than {limit}; split it, or raise max_file_mb.",
            )
        self._claim(self._size)
        self._digest.update(block)
        with _written(self._path):
            self._write(block)

    def keep(self) -> Kept:
        """Give the file its name, in place of another that had it.

        Raises:
            SourceError: it is `empty`, or cannot be written (`unreadable`).
        """
        if not self._size:
            raise SourceError("empty", f"{str(self._path)!r} is empty.")
        target = self._uploads.folder / self._path
        with _written(self._path):
            self._flush()
            replaced = target.exists()
            make_folders(target.parent, below=self._uploads.folder)
            self._part.replace(target)
        self._uploads.note_address(str(self._path), "")
        return Kept(name=str(self._path), replaced=replaced)


def safe_path(name: str) -> PurePosixPath:
    r"""Return a relative path that stays in its folder, is not hidden, and shows as what it is.

    Raises:
        SourceError: `unsupported`, where the name has no extension that can be read.
    """
    pieces = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    safe = [piece for piece in map(_safe_name, pieces) if piece][-_DEEPEST:]
    path = PurePosixPath(*safe)
    if path.suffix.lower() not in SUPPORTED:
        shown = safe[-1] if safe else "A file without a name"
        raise SourceError("unsupported", f"{shown!r} is of no format that can be read ({KNOWN}).")
    return path


def _safe_name(piece: str) -> str:
    """Return one name without what does not print, is reserved somewhere, or hides it."""
    shown = "".join(char for char in " ".join(piece.split()) if char.isprintable())
    shown = _HIDING.sub("", _AWKWARD.sub("_", shown)).rstrip(". ")
    if shown == "__pycache__":
        return "pycache"
    stem, dot, suffix = shown.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = shown, "", ""
    room = _LONGEST - len(f"{dot}{suffix}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore").strip(". ") + dot + suffix


@contextmanager
def _written(path: PurePosixPath) -> Iterator[None]:
    """Say in a sentence what the system says about a failed write."""
    try:
        yield
    except OSError as exc:
        raise SourceError(
            "unreadable", f"{str(path)!r} cannot be written ({exc.strerror or exc})."
        ) from exc


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:g} GB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:g} MB"
