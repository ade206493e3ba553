"""The words of a collection beside the server that answers: parts pulled from the database once, by their checksum."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from rag.errors import IndexCorruptError, IndexWriteError
from rag.index.files import DamagedFileError, FileRecord, read_checked, write_durably
from rag.index.words import Part, WordIndex, pack
from rag.postgres.catalogue import ServerCatalogue
from rag.privacy import close_tree, make_folder

_OURS = re.compile(r"[0-9a-f]{64}\.tantivy(\.part)?")


class WordCache:
    """A folder of parts, for its owner only; what is in it can be pulled again at any time.

    Args:
        folder: made with the first part; without leave to write there, parts are pulled each time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, catalogue: ServerCatalogue, parts: Collection[Part], passages: int) -> WordIndex:
        """Return the words of a state, pulling those parts that are not here or are damaged.

        Args:
            catalogue: in a transaction that sees the state.
            parts: of the state.
            passages: that the state has.

        Raises:
            IndexCorruptError: what the database holds is not what was recorded.
        """
        words = WordIndex([self._part(catalogue, part) for part in parts])
        if len(words) != passages:
            raise IndexCorruptError(
                f"The database has words of {len(words):,} passages, not of {passages:,}. Build the index anew with"
                " `rag sync --rebuild`."
            )
        self._clear({self._path(part.file).name for part in parts})
        return words

    def _part(self, catalogue: ServerCatalogue, part: Part) -> bytes:
        path = self._path(part.file)
        here = FileRecord(name=path.name, size=part.file.size, sha256=part.file.sha256)
        with suppress(DamagedFileError):
            return read_checked(path, here)
        try:
            content = catalogue.words_file(part.file)
        except DamagedFileError:
            # As the embedded store does: words can be made from passages at any time.
            return pack(catalogue.words(part.first, part.last))
        with suppress(IndexWriteError, OSError):
            make_folder(self._folder)
            close_tree(self._folder)
            write_durably(path, content)
        return content

    def _path(self, file: FileRecord) -> Path:
        return self._folder / f"{file.sha256}.tantivy"

    def _clear(self, wanted: Collection[str]) -> None:
        """Remove parts that the state does not have; whoever else needs one pulls it again."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                if _OURS.fullmatch(path.name) and path.name not in wanted:
                    path.unlink(missing_ok=True)
