"""Having workers index: what changed is put into the queue, and waited for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rag.errors import IndexBusyError
from rag.index import Unread
from rag.schema import FileReport, SourceInfo, SyncReport
from rag.store import Progress, RootState
from rag.worker.queue import Queue


class Indexed(Protocol):
    """What a worker needs of `rag.Rag`."""

    def unread(
        self,
        paths: Sequence[str | Path] = (),
        *,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> Unread:
        """Return which files a sync would read."""

    def note_waiting(
        self, n_waiting: Mapping[str, int], found: Mapping[str, RootState] | None = None
    ) -> None:
        """Have answers say that the index is not finished."""

    def sync_file(self, origin: str, source_id: str) -> SyncReport:
        """Bring the index up to date with one file."""

    def sync(
        self, paths: Sequence[str | Path] = (), *, progress: Progress | None = None
    ) -> SyncReport:
        """Bring the index up to date."""

    def sources(self) -> Sequence[SourceInfo]:
        """Return what is indexed."""

    def close(self) -> None:
        """Let go of it."""


def enqueue(
    queue: Queue,
    rag: Indexed,
    collection: str,
    paths: Sequence[str | Path] = (),
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> Unread:
    """Put a job for each file that has changed into the queue, where it does not wait there yet.

    Args:
        queue: of jobs.
        rag: the collection, open.
        collection: its name; "" for the default one.
        paths: files or folders to look at, and at every later sync; none for all.
        verify: read every file to see whether it has changed.
        progress: told about long work.

    Returns:
        What has changed.
    """
    found = rag.unread(paths, verify=verify, progress=progress)
    if found.is_changed:
        queue.put(collection, found.files)
        with suppress(IndexBusyError):  # who writes is a worker, and answers say so
            rag.note_waiting(queue.waiting(collection), found.places)
    return found


def sync_by_workers(
    queue: Queue,
    rag: Indexed,
    collection: str,
    paths: Sequence[str | Path] = (),
    *,
    verify: bool = False,
    progress: Progress | None = None,
) -> SyncReport:
    """Have workers bring the index up to date, wait for them, and tell every file's fate.

    The arguments are those of `enqueue`.

    Raises:
        IndexBusyError: there is no worker.
    """
    before = {info.source_id for info in rag.sources()}
    found = enqueue(queue, rag, collection, paths, verify=verify, progress=progress)
    queue.wait(collection, progress=progress)
    report = rag.sync(paths, progress=progress)
    read = {source_id for _, source_id in found.files}
    files = [_by_workers(file, read, before) for file in report.files]
    gone = before - {info.source_id for info in rag.sources()} - {file.source_id for file in files}
    files += [
        FileReport(
            source_id=name, fate="removed", reason="gone", message=f"{name!r} is no longer there."
        )
        for name in gone
    ]
    return replace(report, files=tuple(sorted(files, key=lambda file: file.source_id)))


def _by_workers(file: FileReport, read: Collection[str], before: Collection[str]) -> FileReport:
    """Tell of a file what workers made of it: the last look finds it as it is."""
    if file.fate != "unchanged" or file.source_id not in read or file.reason == "duplicate":
        return file
    return replace(file, fate="updated" if file.source_id in before else "added")
