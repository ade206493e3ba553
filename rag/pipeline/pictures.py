"""Pictures of the pages of scans, drawn from the person's own file as long as that is what was indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.errors import SourceError, SourceNotFoundError
from rag.schema import Source
from rag.sources import FoundFile, Root, find_file, hash_file
from rag.store import Store


class Pictures:
    """Draws pages.

    Args:
        index: the open store.
        roots: where files lie.
        max_bytes: of a file.
    """

    def __init__(
        self, index: Store, roots: Callable[[], Sequence[Root]], *, max_bytes: int
    ) -> None:
        self._index = index
        self._roots = roots
        self._max_bytes = max_bytes

    def can_draw(self, source_id: str) -> bool:
        """Tell whether a source was read from images, and its file is there as it was then.

        Raises:
            SourceNotFoundError: no source of that name is indexed.
        """
        source = self._index.source(source_id)
        file = self._file(source) if any(one.box for one in source.places) else None
        try:
            return file is not None and hash_file(file.path) == source.sha256
        except SourceError:
            return False

    def draw(self, source_id: str, page: int) -> bytes:
        """Return a page as a JPEG file, see `Rag.picture`."""
        from rag.citations.boxes import boxes_of
        from rag.sources import Worker

        source = self._index.source(source_id)
        if page not in boxes_of(source, 0, len(source.text)):
            raise SourceNotFoundError(f"Page {page} of {source_id!r} was not read from an image.")
        file = self._file(source)
        if file is None:
            raise SourceError("gone", f"The file of {source_id!r} is not there any more.")
        with Worker() as worker:
            picture = worker.draw(file, page - 1, max_bytes=self._max_bytes)
        if picture.sha256 != source.sha256:
            raise SourceError("gone", f"The file of {source_id!r} has changed since it was read.")
        return picture.data

    def _file(self, source: Source) -> FoundFile | None:
        """Return the file of a source; None where it is no more, or lies in a file such as a mail."""
        origins = {one.source_id: one.origin for one in self._index.sources()}
        origin = origins.get(source.source_id)
        roots = (root for root in self._roots() if str(root.path) == origin)
        return next(filter(None, (find_file(root, source.source_id) for root in roots)), None)
