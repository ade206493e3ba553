"""Files of a training run, which a kill at any moment leaves old or new, never half written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside `path`, bring it to the disk, and put it in the place of `path` at once."""
    beside = path.with_name(f"{path.name}.part")
    write(beside)
    _to_disk(beside)
    beside.replace(path)
    _to_disk(path.parent)


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
