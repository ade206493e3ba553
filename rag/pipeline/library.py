"""The documents of an index: synced, added, removed, forgotten, and how much of them is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from rag import index as store
from rag.embedding import EncodedPassages, Encoder
from rag.errors import IndexBusyError, IndexWriteError, SourceNotFoundError
from rag.language.paths import led
from rag.pipeline.completeness import Lag, gaps
from rag.pipeline.one_file import WAIT, sync_file
from rag.pipeline.roots import added_roots, forget
from rag.schema import Citation, Source, Span, SplitPassage, SyncReport
from rag.settings import Settings
from rag.sources import Root, find_files, hash_file, identity
from rag.store import Coverage, KnownRoot, Progress, RootState, Store
from rag.tokens import TokenCounter

log = logging.getLogger(__name__)

_BUSY = (
    "Another process is changing the index, so that what has changed in the documents may be missing from it."
    " Ask again when that has ended."
)
_UNWRITTEN = (
    "The index could not be brought up to date: what has changed in the documents may be missing."
)


class Library:
    """Keeps an index in step with the documents.

    Args:
        settings: folders and limits.
        index: the open store.
        encoder: makes vectors; the one that the store was built with.
        tokens: counts tokens for passages.
    """

    def __init__(
        self, settings: Settings, *, index: Store, encoder: Encoder, tokens: TokenCounter
    ) -> None:
        self._settings = settings
        self._index = index
        self._encoder = encoder
        self._tokens = tokens
        self.last_sync: SyncReport | None = None
        """Report of the latest sync through this object."""
        self._lag: Lag | None = None

    def sync(
        self,
        named: Sequence[Path] = (),
        *,
        confirmed: bool = False,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index up to date with some files or folders, none for all; see `Rag.sync`."""
        begun = time.time()
        try:
            self.last_sync = self._synced(named, confirmed, verify, progress)
        except IndexBusyError:
            self._lag = Lag(since=begun, why=_BUSY)
            raise
        except IndexWriteError:
            self._lag = Lag(since=begun, why=_UNWRITTEN)
            raise
        if not named:
            self._lag = None
        return self.last_sync

    def _synced(
        self, named: Sequence[Path], confirmed: bool, verify: bool, progress: Progress | None
    ) -> SyncReport:
        """Bring the index up to date; see `sync`."""
        roots = [self._adopt(path) for path in named] if named else self.roots()
        from rag.sources import KeptPages, KnownFiles, Worker

        pages = KeptPages(self._settings.index_dir / "pages")
        known = KnownFiles(
            self._settings.index_dir / "files.sqlite", verify=verify, complete=not named
        )
        with (
            known,
            Worker(
                languages=self._settings.ocr,
                pages=pages,
                on_page=None if progress is None else partial(progress, "scan"),
            ) as worker,
        ):
            report = store.sync(
                self._index,
                roots,
                find=find_files,
                hash_file=known.hash_file,
                identify=identity,
                confirmed=confirmed,
                load=partial(worker.load, max_bytes=int(self._settings.max_file_mb * 2**20)),
                split=self._split,
                encode=self._encode,
                progress=progress,
            )
        if not named:
            pages.clear()
        return report

    def unread(
        self,
        named: Sequence[Path] = (),
        *,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> store.Unread:
        """Return what a sync of some files or folders would read, none for all; see `Rag.unread`."""
        roots = [self._adopt(path) for path in named] if named else self.roots()
        from rag.sources import KnownFiles

        known = KnownFiles(
            self._settings.index_dir / "files.sqlite", verify=verify, complete=not named
        )
        with known:
            return store.unread(
                self._index,
                roots,
                find=find_files,
                hash_file=known.hash_file,
                identify=identity,
                progress=progress,
            )

    def note_waiting(
        self, n_waiting: Mapping[str, int], found: Mapping[str, RootState] | None = None
    ) -> None:
        """Remember of each root how many of its files are yet to be read; see `Rag.note_waiting`."""
        known = self._index.coverage().places
        changed = [
            replace(place, pending=n_waiting.get(path, 0), synced=known.get(path, place).synced)
            for path, place in (found or known).items()
            if path not in known or known[path].pending != n_waiting.get(path, 0)
        ]
        if changed:
            with self._index.writer(wait=WAIT) as writer:
                for place in changed:
                    writer.note_place(place)

    def sync_file(self, origin: str, source_id: str) -> SyncReport:
        """Bring the index up to date with one file below a root; see `Rag.sync_file`."""
        root = next((one for one in self.roots() if str(one.path) == origin), None)
        if root is None:
            return SyncReport(files=(), n_embedded=0, seconds=0.0)
        from rag.sources import KeptPages, Worker

        pages = KeptPages(self._settings.index_dir / "pages")
        with Worker(languages=self._settings.ocr, pages=pages) as worker:
            return sync_file(
                self._index,
                root,
                source_id,
                load=partial(worker.load, max_bytes=int(self._settings.max_file_mb * 2**20)),
                split=self._split,
                encode=self._encode,
            )

    def sync_where_it_can(self, progress: Progress | None) -> None:
        """Bring the index up to date, or say on the log why what was indexed before is asked as it is."""
        try:
            self.sync(progress=progress)
        except IndexWriteError as exc:
            if not self._index.sources():
                raise
            log.warning("Answers come from what was indexed before. %s", exc)

    def forget(self, root: Path) -> SyncReport:
        """Look at a root no more, and take out every source that it brought; see `Rag.forget`."""
        return forget(self._index, root, seeds=self._seeds().path)

    def put(self, made: Iterable[Source], *, progress: Progress | None = None) -> int:
        """Index sources that are already text; return how many passages were embedded."""
        return store.put(
            self._index, made, split=self._split, encode=self._encode, progress=progress
        )

    def gaps(self, coverage: Coverage) -> tuple[str, ...]:
        """Return what the index lacks in a state, a sentence each."""
        roots = {str(self._seeds().path), *(root.path for root in coverage.roots)}
        return gaps(coverage, roots, self._lag)

    def lags_like(self, others: Iterable[Library]) -> None:
        """Say of what is asked through this what one of some others could not bring up to date."""
        self._lag = next((one._lag for one in others if one._lag), None)

    def check(self, citation: Citation) -> Literal["current", "changed", "removed"]:
        """Say whether the source of an old citation is still what was cited."""
        held = self._index.hashes().get(citation.source_id)
        if held is None or citation.source_id in self._index.coverage().held():
            return "removed"
        return "current" if held == citation.sha256 else "changed"

    def searchable(self, chosen: Sequence[str] | None, coverage: Coverage) -> frozenset[str] | None:
        """Return the sources to search, None for all; each must be there, and what may have been removed is not."""
        held = coverage.held()
        if chosen is None:
            return frozenset(self._index.hashes()) - held if held else None
        for source_id in sorted(set(chosen) - (set(self._index.hashes()) - held)):
            raise SourceNotFoundError(
                f"No source {source_id!r} is indexed; `rag sources` lists those that are."
                if source_id not in held
                else f"The source {source_id!r} is missing from its folder, and left out until it is back."
            )
        return frozenset(chosen)

    def roots(self) -> list[Root]:
        """Return where files lie: the seeds folder and what was added."""
        return [self._seeds(), *self._added()]

    def _seeds(self) -> Root:
        return Root(path=self._settings.seeds_dir.resolve(), prefix="")

    def _added(self) -> list[Root]:
        """Return what was ever added and is not forgotten."""
        return added_roots(self._index)

    def _adopt(self, path: Path) -> Root:
        """Return the root that a path belongs to, remembered, with what was left out below it let in again."""
        seeds = self._seeds()
        inside = path.is_relative_to(seeds.path)
        root = seeds if inside else Root(path=path, prefix=f"{path.name}/" if path.is_dir() else "")
        excluded = self._index.excluded()
        back = self._let_in(root, path) if excluded else frozenset()
        with self._index.writer() as writer:
            if not inside:
                writer.remember_root(KnownRoot(path=str(root.path), prefix=root.prefix))
            for source_id, sha256 in sorted(excluded.items()):
                lies_in = (f"{source_id}/".startswith(f"{one}/") for one in back)
                if sha256 in back or any(lies_in):
                    writer.include(source_id)
        return root

    def _let_in(self, root: Root, path: Path) -> frozenset[str]:
        """Return the names and the hashes of what lies at or below a path: a renamed file is known by its hash."""
        found = [one for one in find_files(root)[0] if one.path.is_relative_to(path)]
        names = {one.source_id for one in found}
        return frozenset(names | {hash_file(one.path) for one in found})

    def _split(self, source: Source) -> tuple[SplitPassage, ...]:
        """Split a source so that neither the token budget nor the encoder's own limit is passed."""
        from rag import passages

        limit = self._encoder.max_tokens
        return passages.split(
            source,
            max_tokens=self._settings.passage_tokens,
            overlap_sentences=self._settings.overlap_sentences,
            count_tokens=self._tokens.count,
            fits=lambda text: self._encoder.count_tokens(text) <= limit,
        )

    def _encode(
        self, splits: Sequence[SplitPassage], progress: Callable[[int], None] | None = None
    ) -> EncodedPassages:
        """Return the vectors of passages and of their sentences."""
        texts = [led(one.passage.path, one.passage.text, one.passage.start) for one in splits]
        ahead = [
            len(text) - len(one.passage.text) - one.passage.start
            for text, one in zip(texts, splits, strict=True)
        ]
        return self._encoder.encode_passages(
            texts,
            [
                [Span(start=s.start + more, end=s.end + more) for s in one.sentences]
                for one, more in zip(splits, ahead, strict=True)
            ],
            progress=progress,
        )
