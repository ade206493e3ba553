"""What a program hands to `Rag` is checked here, once; an error names the argument, what was wanted and what it got.

Iterables are taken whole, so that a generator is as good as a list, and text where a list is wanted is never
taken for the letters that it consists of.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from operator import index
from pathlib import Path
from reprlib import repr as short
from typing import NoReturn, SupportsFloat, SupportsIndex, TypeVar, get_args

from rag.errors import ArgumentError, PathNotFoundError, QuestionError
from rag.schema import Role, Turn
from rag.sources.files import printable

T = TypeVar("T")

_ROLES = get_args(Role)


def text_of(name: str, value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        _refuse(name, "a text (str)", value)
    return value


def question_of(value: object) -> str:
    """Return a question that is text.

    Raises:
        QuestionError: it is something else.
    """
    if not isinstance(value, str):
        raise QuestionError(f"question: wanted a text (str), got {short(value)}.")
    return value


def turns_of(value: object) -> tuple[Turn, ...]:
    """Return the turns before a question."""
    wanted = 'Turns, such as [Turn(role="user", text="Who came?")]'
    return tuple(_turn_of(wanted, one) for one in _listed("history", wanted, value))


def source_ids_of(value: object) -> tuple[str, ...] | None:
    """Return ids of sources; None for all."""
    if value is None:
        return None
    ids = _listed("sources", "source_ids (a list of str), or None", value)
    return tuple(text_of("sources, each", one) for one in ids)


def collections_of(value: object) -> tuple[str, ...]:
    """Return the names of collections, each once; one may be given by itself, None is none."""
    names = (
        (value,)
        if isinstance(value, str)
        else _listed("collection", "a name or names", value or ())
    )
    return tuple(dict.fromkeys(text_of("collection", name) for name in names))


def model_of(value: object) -> str | None:
    """Return the name of a model; None for the first."""
    return None if value is None else text_of("model", value)


def known_keywords(given: Mapping[str, object], known: Iterable[str]) -> None:
    """Refuse a keyword that `Rag.ask` does not have, as Python does.

    Raises:
        TypeError: one is not known.
    """
    for name in sorted(set(given) - set(known)):
        raise TypeError(
            f"got an unexpected keyword argument {name!r}; there are: {', '.join(known)}"
        )


def count_of(name: str, value: object) -> int:
    """Return a number of things, at least one."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or index(value) < 1:
        _refuse(name, "a whole number from 1", value)
    return index(value)


def share_of(name: str, value: object) -> float:
    """Return a number from 0 to 1."""
    if (
        isinstance(value, bool)
        or not isinstance(value, SupportsFloat)
        or not 0 <= float(value) <= 1
    ):
        _refuse(name, "a number from 0 to 1", value)
    return float(value)


def one_of(name: str, value: T, choices: Iterable[object]) -> T:
    """Return what is one of some choices."""
    if not isinstance(value, str) or value not in choices:
        _refuse(name, f"one of {', '.join(map(str, choices))}", value)
    return value


def kind_of(name: str, value: T, kind: type) -> T:
    """Return what is of a kind."""
    if not isinstance(value, kind):
        _refuse(name, f"{_article(kind.__name__)} {kind.__name__}", value)
    return value


def each_of(name: str, values: Iterable[T], kind: type) -> Iterator[T]:
    """Yield things of a kind, each checked when it comes.

    Raises:
        ArgumentError: at once where there is nothing to go through.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        _refuse(name, f"{kind.__name__}s", values)
    return (kind_of(f"{name}, each", value, kind) for value in values)


def path_of(name: str, value: object) -> Path:
    """Return a path as it was written."""
    if not isinstance(value, str | os.PathLike):
        _refuse(name, "a path (str or Path)", value)
    written = os.fspath(value)
    if not isinstance(written, str) or not written or "\0" in written:
        _refuse(name, "a path (str or Path) that is not empty", value)
    return Path(written)


def paths_of(value: object) -> tuple[Path, ...]:
    """Return paths that lead to files or folders, absolute and without links; a text or a Path is one.

    Raises:
        ArgumentError: one is no path, is empty, or is a whole disk, a pipe or a device.
        PathNotFoundError: there is nothing at one.
    """
    single = isinstance(value, str | os.PathLike)
    listed = (value,) if single else _listed("paths", "paths (str or Path)", value)
    return tuple(existing(path_of("path" if single else "paths, each", one)) for one in listed)


def existing(path: Path) -> Path:
    """Return the path of a file or folder that is there, absolute and without links."""
    shown = repr(printable(str(path)))
    try:
        resolved = path.resolve(strict=True)
        mode = resolved.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise PathNotFoundError(
            f"There is no file or folder {shown}. Check the path; nothing was changed."
        ) from exc
    except (OSError, RuntimeError) as exc:  # RuntimeError: links in a circle
        detail = getattr(exc, "strerror", None) or exc
        raise PathNotFoundError(
            f"{shown} cannot be reached ({detail}). Check the path and its permissions;"
            " nothing was changed."
        ) from exc
    if is_whole_disk(resolved):
        raise ArgumentError(
            f"path: wanted a file or a folder of documents, got {shown}, which is a whole disk."
            " Name the folder that the documents are in."
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ArgumentError(
            f"path: wanted a file or a folder, got {shown}, which is a pipe, a socket or a device."
        )
    return resolved


def is_whole_disk(path: Path) -> bool:
    """Return whether nothing lies above a path: nobody's documents are all that a machine holds."""
    return path == path.parent


def _turn_of(wanted: str, value: object) -> Turn:
    if not isinstance(value, Turn) or not isinstance(value.text, str):
        _refuse("history", wanted, value)
    if value.role not in _ROLES:
        _refuse("role of a turn", f"one of {', '.join(_ROLES)}", value.role)
    return value


def _listed(name: str, wanted: str, value: object) -> tuple[object, ...]:
    """Return the things that are in something to go through, which a text is not."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        _refuse(name, wanted, value)
    return tuple(value)


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _refuse(name: str, wanted: str, got: object) -> NoReturn:
    raise ArgumentError(f"{name}: wanted {wanted}, got {short(got)}.")
