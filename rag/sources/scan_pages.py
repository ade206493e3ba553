"""Pages of scans that were read, kept until the sync that read them is done: one that is killed loses one at most."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from rag.privacy import FILE, make_folder

_OURS = re.compile(r"[0-9a-f]{64}\.jsonl")


class KeptPages:
    """A folder with a file for each document, see `Ocr`. What cannot be kept is read again another time.

    Args:
        folder: made when something is kept; for its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, key: str, number: int, read: str) -> None:
        """Keep what was read of a page."""
        with suppress(OSError):
            make_folder(self.folder)
            path = self.folder / f"{key}.jsonl"
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE)
            try:
                os.write(file, f"{number} {read}\n".encode())
            finally:
                os.close(file)

    def clear(self) -> None:
        """Forget all pages: what they say is indexed by now, or its document is gone."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _OURS.fullmatch(path.name):
                    path.unlink()
            self.folder.rmdir()
