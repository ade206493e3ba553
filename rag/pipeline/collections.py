"""Collections made, renamed, removed, and sources moved between them, in the embedded store.

Each change is one renaming on the disk: whoever is killed in the middle leaves the state before it or the one after.
What is half made or half removed has a name that begins with a dot, is no collection, and goes with the next change.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.collections import DEFAULT, check_visible, collection_name, folders, visible_collections
from rag.errors import ArgumentError, SourceError, SourceNotFoundError
from rag.index.files import Layout, flush_folder, writing
from rag.index.lock import exclusive
from rag.pipeline.build import load_postgres
from rag.privacy import make_folder, make_folders
from rag.sources import hash_file

if TYPE_CHECKING:
    from rag.pipeline.rag import Rag
    from rag.schema import SourceInfo
    from rag.settings import Settings

_LOCK = ".lock"
_WAIT = 10.0
"""Seconds to wait for another change."""


class Collections:
    """The collections of some settings.

    Args:
        settings: where they lie.
        open_rag: opens the pipeline of one, brought up to date; only searched, not asked.
    """

    def __init__(self, settings: Settings, open_rag: Callable[[Settings], Rag]) -> None:
        self._settings = settings
        self._top = settings.collections_dir
        self._open = open_rag

    def names(self) -> tuple[str, ...]:
        """Return the names of those that may be seen, the default one first."""
        return visible_collections(self._top)

    def folder(self, name: str) -> Path:
        """Return where the documents of one lie.

        Raises:
            CollectionNotFoundError: there is none of that name.
        """
        return self._of(name).seeds_dir

    def create(self, name: str) -> str:
        """Make one, empty; return its name as it is spelt from now on.

        Raises:
            ArgumentError: it is no name, or there is such a one.
            IndexWriteError: no space or no permission.
        """
        name = _named(name)
        with self._changing():
            self._free(name)
            fresh = Path(tempfile.mkdtemp(prefix=".", dir=self._top))
            for folder in folders(fresh, ""):
                make_folder(folder)
            _rename(fresh, self._top / name)
        return name

    def rename(self, old: str, new: str) -> str:
        """Give one another name; return that as it is spelt. Nothing of it is read again.

        Raises:
            ArgumentError: one is no name, or there is none of the old, or already one of the new.
            IndexBusyError: it is being written.
            IndexWriteError: no space or no permission.
        """
        old, new = _named(old), _named(new)
        with self._changing():
            check_visible(self._top, old)
            if new != old:
                self._free(new)
                self._idle(old)
                if url := self._settings.store.get_secret_value():
                    load_postgres().rename_collection(url, old, new)
                _rename(self._top / old, self._top / new)
        with self._open(self._of(new)):  # notes where its documents lie now
            return new

    def remove(self, name: str) -> None:
        """Remove one with its documents and all that was made from them.

        Raises:
            ArgumentError: there is none of that name, or it is the default one.
            IndexBusyError: it is being written.
            IndexWriteError: no permission.
        """
        name = _named(name)
        with self._changing():
            check_visible(self._top, name)
            self._idle(name)
            if url := self._settings.store.get_secret_value():
                load_postgres().remove_collection(url, name)
            gone = Path(tempfile.mkdtemp(prefix=".", dir=self._top))
            _rename(self._top / name, gone / name)

    def move(self, source_id: str, target: str, *, origin: str = DEFAULT) -> Path:
        """Move a source into another collection; return where its file lies now.

        A file that lies in the collection's own folders goes there; one that was added from elsewhere stays, and is
        looked at by the other collection from now on.

        Args:
            source_id: of the source.
            target: the collection that gets it.
            origin: the one that has it.

        Raises:
            ArgumentError: there is no such collection, or both are the same.
            SourceNotFoundError: it is not there, or no file of its own.
            SourceError: the other collection has another file of that name.
        """
        before, after = self._of(origin), self._of(target)
        if before.index_dir == after.index_dir:
            raise ArgumentError(
                f"target: wanted another collection than the source's, got {target!r}."
            )
        with self._changing():
            with self._open(before) as rag:
                path = _file_of(rag, source_id, before)
            within = _below(path, (before.seeds_dir, before.index_dir / "uploads"))
            if within is None:
                with self._open(after) as rag:
                    rag.add(path)
                with self._open(before) as rag:
                    known = any(path == root for root in rag.roots())
                    rag.forget(path) if known else rag.remove(source_id)
                return path
            place = after.seeds_dir / within
            _carry(path, place, below=after.seeds_dir)
        for one in (before, after):
            self._open(one).close()
        return place

    def _of(self, name: str) -> Settings:
        settings = self._settings.of_collection(name)
        check_visible(self._top, settings.collection)
        return settings

    def _free(self, name: str) -> None:
        if name in visible_collections(self._top) or (self._top / name).exists():
            raise ArgumentError(f"There is a collection {name!r} already; choose another name.")

    def _idle(self, name: str) -> None:
        """Wait until nobody writes to the index of one."""
        lock = Layout(folder=folders(self._top, name)[1]).lock
        if lock.exists():
            with exclusive(lock, wait=_WAIT):
                pass

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one who changes which there are; take away what earlier changes left."""
        with writing(self._top):
            make_folder(self._top)
        with exclusive(self._top / _LOCK, wait=_WAIT), writing(self._top):
            try:
                yield
            finally:
                for path in self._top.glob(".*"):
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path, ignore_errors=True)


def _named(text: str) -> str:
    """Return the name of a collection that can be changed."""
    try:
        name = collection_name(text)
    except ValueError as exc:
        raise ArgumentError(f"collection: {exc}, got {text!r}.") from exc
    if name == DEFAULT:
        raise ArgumentError(
            f"The collection {DEFAULT!r} is that of the settings seeds_dir and index_dir; it stays."
        )
    return name


def _rename(old: Path, new: Path) -> None:
    old.rename(new)
    for folder in {old.parent, new.parent}:
        flush_folder(folder)


def _file_of(rag: Rag, source_id: str, settings: Settings) -> Path:
    """Return the file of a source."""
    info: SourceInfo | None = next((s for s in rag.sources() if s.source_id == source_id), None)
    if info is None:
        raise SourceNotFoundError(
            f"No source {source_id!r} is indexed; `rag sources` lists those that are."
        )
    origin = Path(info.origin)
    if origin.is_file() and origin.name == source_id:
        return origin
    own = origin == settings.seeds_dir.resolve()
    path = origin / (source_id if own else source_id.removeprefix(f"{origin.name}/"))
    if not path.is_file():
        raise SourceNotFoundError(
            f"The source {source_id!r} is no file of its own; move the file that it lies in."
        )
    return path


def _below(path: Path, tops: tuple[Path, ...]) -> Path | None:
    """Return a path from the folder it lies in; None where it lies in none of these."""
    for top in tops:
        if path.is_relative_to(top.resolve()):
            return path.relative_to(top.resolve())
    return None


def _carry(path: Path, place: Path, *, below: Path) -> None:
    """Move a file, so that it is whole in one of the two places, or in both, at any time."""
    if place.exists() and hash_file(place) != hash_file(path):
        raise SourceError(
            "duplicate", f"There is another file at {str(place)!r}; rename one of the two."
        )
    make_folders(place.parent, below=below)
    with suppress(OSError):  # on another disk
        path.replace(place)
        flush_folder(place.parent)
        return
    with tempfile.NamedTemporaryFile(prefix=".", dir=place.parent, delete=False) as made:
        try:
            with path.open("rb") as held:
                shutil.copyfileobj(held, made)
            made.flush()
            os.fsync(made.fileno())
            Path(made.name).replace(place)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
    flush_folder(place.parent)
    path.unlink()
