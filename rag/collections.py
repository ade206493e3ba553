"""Collections: named sets of sources, each with a folder of documents and an index of its own.

Says how a collection is named, where it lies, and which a caller may see; what changes one is in
`rag.pipeline.collections`. The documents and the index that the settings themselves name are the default one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from rag.errors import CollectionNotFoundError

DEFAULT = "default"
"""How the collection of `seeds_dir` and `index_dir` is called."""

_MOST_CHARS = 48
_NAME = re.compile(r"[^\W_][\w.-]*(?<![.])")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""What Windows takes for a device."""


def collection_name(text: str) -> str:
    """Return the name that a text stands for: one for all its spellings, since many disks know no case.

    Raises:
        ValueError: it is none; the message is a phrase.
    """
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    name = unicodedata.normalize("NFC", folded)
    if len(name) > _MOST_CHARS or not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise ValueError(
            f"it wants at most {_MOST_CHARS} letters, digits, '.', '-' and '_', beginning with a letter or digit"
        )
    return name


def folders(top: Path, name: str) -> tuple[Path, Path]:
    """Return where the documents and the index of a named collection lie, below the folder of all."""
    return top / name / "seeds", top / name / "index"


def visible_collections(
    top: Path, may_see: Callable[[str], bool] = lambda _: True
) -> tuple[str, ...]:
    """Return the names of the collections that whoever asks may see, the default one first.

    The one place that decides it: no other may tell a caller that a collection is there.

    Args:
        top: the folder of all.
        may_see: tells of a name whether the caller may; by default all.
    """
    named = sorted(name for path in _entries(top) if (name := _name_in(path)))
    return tuple(name for name in (DEFAULT, *named) if may_see(name))


def check_visible(top: Path, name: str) -> None:
    """Refuse a collection that is not there, and one that may not be seen, in the same words.

    Raises:
        CollectionNotFoundError: it cannot be asked.
    """
    check_known(name, visible_collections(top))


def check_known(name: str, known: Iterable[str]) -> None:
    """Refuse a collection that is not among those that a caller may see.

    Raises:
        CollectionNotFoundError: it is not; the message names those that are.
    """
    known = tuple(known)
    if (name or DEFAULT) not in known:
        raise CollectionNotFoundError(
            f"There is no collection {name!r}; there are: {', '.join(known) or 'none'}."
        )


def stamp_of(top: Path, name: str) -> tuple[int, int]:
    """Return what tells a named collection from a later one of the same name; zeros for the default one."""
    if not name or name == DEFAULT:
        return 0, 0
    try:
        told = (top / name).stat()
    except OSError:
        return 0, 0
    return told.st_ino, told.st_mtime_ns


def _entries(top: Path) -> list[Path]:
    return list(top.iterdir()) if top.is_dir() else []


def _name_in(path: Path) -> str:
    """Return the name of the collection in a folder; '' where it is none."""
    name = unicodedata.normalize("NFC", path.name)
    try:
        fits = collection_name(name) == name and name != DEFAULT
    except ValueError:
        return ""
    return name if fits and not path.is_symlink() and (path / "seeds").is_dir() else ""
