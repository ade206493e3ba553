"""What was added beside the seeds folder and is looked at in every sync: listed, and forgotten with all it brought."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from rag.errors import ArgumentError, SourceNotFoundError
from rag.pipeline.border import is_whole_disk
from rag.schema import FileReport, SyncReport
from rag.sources import Root
from rag.store import KnownRoot, Store

log = logging.getLogger(__name__)


def added_roots(index: Store) -> list[Root]:
    """Return what was ever added and is not forgotten.

    A whole disk, which older versions took in by mistake, is passed over and said on the log.
    """
    roots = []
    for known in index.roots():
        root = Root(path=Path(known.path), prefix=known.prefix)
        if is_whole_disk(root.path):
            log.warning(
                "%r was once added as a folder of documents, and is passed over since it is a whole disk."
                " To forget it: rag sync --forget %s",
                known.path,
                known.path,
            )
        else:
            roots.append(root)
    return roots


def forget(index: Store, root: Path, *, seeds: Path) -> SyncReport:
    """Look at a file or folder no more, and take every source out that it brought; its files are left alone.

    What was removed by hand stays out.

    Args:
        index: the open store.
        root: as `index.roots()` has it, or any path that leads there.
        seeds: the folder of the settings, which is no root that was added.

    Raises:
        ArgumentError: it is the seeds folder, or lies in it.
        SourceNotFoundError: nothing of that path was added.
        IndexBusyError: another process is writing.
        IndexWriteError: no space or no permission.
    """
    started = time.monotonic()
    with index.writer() as writer:
        known = _known(index, root, seeds)
        gone = [info.source_id for info in index.sources() if info.origin == known.path]
        for source_id in gone:
            writer.remove(source_id)
        for source_id in index.failures():
            if known.prefix and source_id.startswith(known.prefix):
                writer.forget_failure(source_id)
        writer.forget_root(known.path)
    reports = tuple(_report(source_id, known.path) for source_id in gone)
    return SyncReport(files=reports, n_embedded=0, seconds=time.monotonic() - started)


def _known(index: Store, root: Path, seeds: Path) -> KnownRoot:
    """Return what is remembered of a root: by the path that was written, or where that leads."""
    resolved = _where(root)
    known = {one.path: one for one in index.roots()}
    found = known.get(str(root)) or known.get(str(resolved))
    if found is not None:
        return found
    if resolved.is_relative_to(seeds):
        raise ArgumentError(
            f"root: wanted what was added, got {str(root)!r}, which is in the seeds folder; it is"
            " named by the setting seeds_dir. To take out a source of it: rag remove ID"
        )
    there = ", ".join(repr(path) for path in known) or "none"
    raise SourceNotFoundError(f"No folder or file {str(root)!r} was added; there are: {there}.")


def _where(root: Path) -> Path:
    try:
        return root.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return root.absolute()


def _report(source_id: str, root: str) -> FileReport:
    message = f"{source_id!r} was forgotten with {root!r}."
    return FileReport(source_id=source_id, fate="removed", reason="by_hand", message=message)
