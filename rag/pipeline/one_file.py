"""One file brought up to date by itself: read, split and embedded before the index is locked, then put in.

What becomes of it a sync of that file alone decides, so that it is told from duplicates, removed ones and failures as
in any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from rag import index as store
from rag.embedding import EncodedPassages
from rag.errors import SourceError
from rag.index.kept_vectors import digest_of
from rag.schema import FileReport, Source, SplitPassage, SyncReport
from rag.sources import Root, find_file, find_files, hash_file, identity
from rag.sources.files import FoundFile
from rag.store import Loaded, Store

if TYPE_CHECKING:
    import numpy as np

    from rag.schema import Vectors
else:
    from rag.late import numpy as np

WAIT = 60.0
"""Seconds to wait for another writer: each writes for a moment only."""


class SplitSource(Protocol):
    """Makes the passages of a source."""

    def __call__(self, source: Source) -> tuple[SplitPassage, ...]:
        """Return them."""


class EncodeSplits(Protocol):
    """Makes vectors."""

    def __call__(
        self, splits: Sequence[SplitPassage], progress: Callable[[int], None] | None = None
    ) -> EncodedPassages:
        """Return those of some passages and of their sentences."""


def sync_file(
    index: Store,
    root: Root,
    source_id: str,
    *,
    load: Callable[[FoundFile], Loaded],
    split: SplitSource,
    encode: EncodeSplits,
    wait: float = WAIT,
) -> SyncReport:
    """Bring the index up to date with one file below a root.

    Args:
        index: a store; it is locked only to put in what is ready.
        root: where the file lies.
        source_id: of the file.
        load: reads it; may raise SourceError.
        split: makes passages.
        encode: makes vectors.
        wait: seconds to wait for another writer.

    Raises:
        IndexBusyError: others were writing all the time.
        IndexWriteError: no space or no permission.
    """
    ready = _Ready(load, split, encode)
    found = find_file(root, source_id)
    if found is not None and not _is_known(index, found):
        ready.prepare(found)
    inside = (one for one in index.hashes() if one.startswith(f"{source_id}/"))
    return store.sync(
        index,
        [root],
        find=lambda where: ([found], []) if found else _left(where, source_id),
        hash_file=hash_file,
        load=ready.load,
        split=ready.split,
        encode=ready.encode,
        only={source_id, *inside},
        identify=identity,
        wait=wait,
    )


def _is_known(index: Store, found: FoundFile) -> bool:
    """Whether a file's content is indexed already, under any name, so that it is not worth reading."""
    try:
        known = hash_file(found.path) in index.hashes().values()
    except SourceError:
        return True
    return known and found.source_id not in index.outdated()


def _left(root: Root, source_id: str) -> tuple[list[FoundFile], list[FileReport]]:
    """Look at a root of which a file is gone, or which is itself out of reach."""
    files, reports = find_files(root)
    return files, [one for one in reports if one.source_id == source_id]


class _Ready:
    """What was read, split and embedded beforehand; what was not is done when it is asked for."""

    def __init__(
        self, load: Callable[[FoundFile], Loaded], split: SplitSource, encode: EncodeSplits
    ) -> None:
        self._load = load
        self._split = split
        self._encode = encode
        self._loaded: Loaded | SourceError | None = None
        self._splits: dict[str, tuple[SplitPassage, ...]] = {}
        self._vectors: dict[str, tuple[Vectors, Vectors]] = {}

    def prepare(self, found: FoundFile) -> None:
        """Read a file and make the vectors of it and of what lies in it."""
        try:
            self._loaded = loaded = self._load(found)
        except SourceError as exc:
            self._loaded = exc
            return
        for one in (loaded, *loaded.parts):
            self._splits[one.source.source_id] = self._split(one.source)
        wanted = {digest_of(one): one for splits in self._splits.values() for one in splits}
        made = self._encode([*wanted.values()])
        rows = zip(wanted, made.passages, made.sentences, strict=True)
        self._vectors = {digest: (vector, sentences) for digest, vector, sentences in rows}

    def load(self, found: FoundFile) -> Loaded:
        """Return what was read."""
        if self._loaded is None:
            return self._load(found)
        if isinstance(self._loaded, SourceError):
            raise self._loaded
        return self._loaded

    def split(self, source: Source) -> tuple[SplitPassage, ...]:
        """Return its passages."""
        known = self._splits.get(source.source_id)
        return self._split(source) if known is None else known

    def encode(
        self, splits: Sequence[SplitPassage], progress: Callable[[int], None] | None = None
    ) -> EncodedPassages:
        """Return the vectors."""
        made = [self._vectors.get(digest_of(one)) for one in splits]
        there = [one for one in made if one is not None]
        if len(there) < len(splits):
            return self._encode(splits, progress)
        return EncodedPassages(
            passages=np.stack([vector for vector, _ in there]),
            sentences=tuple(sentences for _, sentences in there),
        )
