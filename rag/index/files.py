"""What lies in an index folder, and how a file gets there so that a power failure cannot halve it.

A file is written beside its place, flushed to the disk, renamed into its place, and then the folder is
flushed: whoever opens it sees all of it or none. Each search file is recorded with size and SHA-256, and
read only if it still is what was recorded.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from rag.errors import IndexWriteError
from rag.privacy import close_all, close_to_others, close_tree, make_file, make_folder

_UNFINISHED = ".part"
_OURS = re.compile(
    r"index\.(sqlite(-wal|-shm|-journal|\.new)?|lock)|files\.sqlite(-journal)?|(words|vectors)-.*|uploads|runs|pages|feedback\.jsonl"
)
"""What this program keeps in an index folder."""
_BESIDE = frozenset({"README.md", ".gitignore"})
"""What may lie there beside it, as in this program's own project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things lie in an index folder."""

    folder: Path

    @property
    def database(self) -> Path:
        """The one file that is the truth; SQLite keeps `-wal` and `-shm` beside it while it is open."""
        return self.folder / "index.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the one writer; its content is the writer's process id."""
        return self.folder / "index.lock"

    def words(self, name: str) -> Path:
        """Return the file of a part of the words."""
        return self.folder / f"words-{name}.tantivy"

    def vectors(self, name: str) -> Path:
        """Return the file of a segment of passage vectors."""
        return self.folder / f"vectors-{name}.faiss"

    def search_files(self) -> Iterator[Path]:
        """Yield every derived file that is there, wanted or left over, finished or not."""
        for pattern in ("words-*.tantivy*", "vectors-*.faiss*"):
            yield from self.folder.glob(pattern)

    def make(self) -> None:
        """Make the folder and the lock's file, for their owner only.

        Raises:
            OSError: one cannot be made.
        """
        make_folder(self.folder)
        if not self.lock.exists():
            make_file(self.lock)

    def close_to_others(self) -> None:
        """Mend what an older version, or a copy, has left open to others.

        A folder that holds other things too may be meant to be open, and stays so.
        """
        entries = list(self.folder.iterdir()) if os.access(self.folder, os.R_OK) else []
        ours = [path for path in entries if _OURS.fullmatch(path.name)]
        if len(ours) == sum(path.name not in _BESIDE for path in entries):
            close_to_others(self.folder)
        close_all(path for path in ours if not path.is_dir())
        for path in ours:
            if path.is_dir():
                close_tree(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file as it was written."""

    name: str
    """Without a folder."""
    size: int
    sha256: str

    @classmethod
    def of(cls, name: str, data: bytes | memoryview) -> FileRecord:
        """Return the record of a file of this name with this content."""
        return cls(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


class DamagedFileError(Exception):
    """A search file is missing or not what was recorded; it is rebuilt, and nobody outside sees this."""


def record(path: Path, data: bytes | memoryview) -> FileRecord:
    """Return the record of a file with this content."""
    return FileRecord.of(path.name, data)


def read_checked(path: Path, wanted: FileRecord) -> bytes:
    """Return the content of a file that still is what was recorded.

    Raises:
        DamagedFileError: it is missing, cannot be read, or differs.
    """
    try:
        # Size first: a file that grew must not be read whole to find that out.
        if path.stat().st_size != wanted.size:
            raise DamagedFileError(f"{path} has another size than recorded")
        data = path.read_bytes()
    except OSError as exc:
        raise DamagedFileError(f"{path} cannot be read: {exc}") from exc
    if record(path, data) != wanted:
        raise DamagedFileError(f"{path} has another content than recorded")
    return data


def map_checked(path: Path, wanted: FileRecord, *, behind: int, sha256: str) -> tuple[mmap, bytes]:
    """Return a file of the recorded size, mapped into memory, and its end, which still is what was recorded.

    Args:
        path: of the file.
        wanted: the record of the whole.
        behind: bytes in front of the end, which are not read.
        sha256: of the end.

    Raises:
        DamagedFileError: it is missing, cannot be read, or its size or its end differs.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != wanted.size:
                raise DamagedFileError(f"{path} has another size than recorded")
            file.seek(behind)
            end = file.read()
            if hashlib.sha256(end).hexdigest() != sha256:
                raise DamagedFileError(f"{path} has another content than recorded")
            return mmap(file.fileno(), 0, access=ACCESS_READ), end
    except (OSError, ValueError) as exc:
        raise DamagedFileError(f"{path} cannot be read: {exc}") from exc


def write_durably(path: Path, data: bytes) -> FileRecord:
    """Write a file so that it is there whole, or not at all, after a power failure.

    Raises:
        IndexWriteError: no space, no permission, or the disk gave back something else.
    """
    unfinished = path.with_name(path.name + _UNFINISHED)
    with writing(path, needed=len(data)):
        try:
            make_file(unfinished)
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
        if path.read_bytes() != data:
            raise IndexWriteError(f"The disk did not keep what was written to {str(path)!r}.")
    return record(path, data)


def flush_folder(path: Path) -> None:
    """Have the disk keep the names in a folder; Windows opens no folder, and keeps them by itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path, *, needed: int = 0) -> Iterator[None]:
    """Translate what the operating system says about a failed write.

    Args:
        path: what is being written, for the message.
        needed: bytes that had to fit, if known.
    """
    try:
        yield
    except OSError as exc:
        raise write_error(path, exc.errno, str(exc), needed=needed) from exc


def write_error(path: Path, code: int | None, detail: str, *, needed: int = 0) -> IndexWriteError:
    """Return the error for a write that failed, with what is needed and what is free; SQLite has no code for why."""
    free = _free(path)
    if code in {errno.ENOSPC, errno.EFBIG, errno.EDQUOT} or (code is None and free < needed):
        return IndexWriteError(
            f"No space to write {str(path)!r}: {needed:,} bytes are needed, {free:,} are free."
            " The index is whole, and as of its last commit; free some space and run `rag sync` again."
        )
    return IndexWriteError(
        f"Cannot write {str(path)!r} ({detail}; {needed:,} bytes were needed, {free:,} are"
        " free). The index is whole, and as of its last commit; check its folder's permissions and the disk."
    )


def _free(path: Path) -> int:
    """Return the free bytes of the disk that holds a path, 0 if it will not say."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 0
