"""Which settings files are read: the person's own, one that is named, and one of a project that was made trusted.

A file in the current folder may lie among a stranger's documents, and settings name who is sent passages and keys.
So it is read only where the person has trusted just this content at just this place, and never from the folder of
the documents. What is trusted is remembered beside the person's own file. This room knows no setting but by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rag.errors import SettingsError

NAME = "rag.toml"
_APP = "footnote"
_TRUSTED = "trusted.json"
_LOGIN = re.compile(r"\w+://[^/@\s]*:[^/@\s]*@|.*[?&]\w*password=", re.DOTALL)
"""A URL with a password."""
_MOST_BYTES = 1 << 20
"""A larger file is none of settings."""


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """A settings file as it was read, once: what is checked is what is used."""

    path: Path
    content: bytes

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """Return the settings by name.

        Raises:
            SettingsError: it is not TOML, or holds a password.
        """
        try:
            values = tomllib.loads(self.content.decode("utf-8-sig"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise SettingsError(f"{str(self.path)!r} is not valid TOML: {exc}.") from exc
        if _LOGIN.match(str(values.get("store", ""))):
            raise SettingsError(
                f"A password does not belong into {self.path.name}. Take that of `store` out of {str(self.path)!r},"
                " and put it into PGPASSWORD, a .pgpass file, or RAG_STORE."
            )
        if "password" in values:
            raise SettingsError(
                f"A password does not belong into {self.path.name}. Take it out of {str(self.path)!r},"
                " choose another, and set RAG_PASSWORD."
            )
        return values

    @property
    def sha256(self) -> str:
        """Return the digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A settings file that is there and not obeyed; the same whatever the reason."""

    path: Path
    why: str = field(compare=False)
    """A phrase."""
    remedy: str = field(compare=False)
    """What to do to have it obeyed."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"Settings in {str(self.path)!r} are left out: {self.why}. {self.remedy}"


def own_folder() -> Path | None:
    """Return the person's own folder of settings, which need not exist; None where nobody knows their home."""
    from platformdirs import user_config_path

    folder = user_config_path(_APP, appauthor=False)
    return folder if folder.is_absolute() else None


def read_config(path: Path) -> ConfigFile:
    """Read a settings file that was named.

    Raises:
        SettingsError: it is not there, is no regular file, is too large, or cannot be read.
    """
    try:
        content = _content(path)
    except OSError as exc:
        raise SettingsError(
            f"The settings file {str(path)!r} cannot be read ({exc.strerror or exc}); check the path."
        ) from exc
    return ConfigFile(path=path, content=content)


def find_config(
    named: Path | None, *, given: Mapping[str, Any], seeds: Path
) -> tuple[tuple[ConfigFile, ...], LeftOut | None]:
    """Return the files whose settings hold, first the one that wins, and what is left out.

    Args:
        named: the only file to read; None for that of the current folder, where it is trusted, and the person's own.
        given: settings that win over any file, such as those of the environment.
        seeds: the folder of the documents, where no setting names it.

    Raises:
        SettingsError: a file that is to be read cannot be.
    """
    if named is not None:
        return (read_config(named.absolute()),), None
    own = _own_config()
    project, left_out = _project_config(own, given=given, seeds=seeds)
    return tuple(file for file in (project, own) if file is not None), left_out


def trust(folder: Path, *, documents: Path) -> ConfigFile:
    """Have the settings file of a project folder obeyed as it is now, and return it.

    Args:
        folder: where it lies, or the file itself.
        documents: the folder of the documents, as settings name it; in it no file is obeyed.

    Raises:
        SettingsError: there is none, it cannot be used, lies among the documents, or trust cannot be remembered.
    """
    file, own = read_config(_project_path(folder)), _own_config()
    named = (each.values.get("seeds_dir") for each in (file, own) if each is not None)
    seeds = (_as_folder(value, file.path.parent) for value in named)
    if left_out := _among_documents(file.path, [documents, *filter(None, seeds)]):
        raise SettingsError(str(left_out))
    _remember(_trusted() | {str(file.path): file.sha256})
    return file


def distrust(folder: Path) -> bool:
    """Obey the settings file of a project folder no more; return whether it was trusted."""
    known = _trusted()
    kept = known.keys() - {str(folder.resolve() / NAME), str(folder.parent.resolve() / folder.name)}
    if len(kept) == len(known):
        return False
    _remember({name: known[name] for name in sorted(kept)})
    return True


def _own_config() -> ConfigFile | None:
    """Return the person's own file, if there is one."""
    folder = own_folder()
    if folder is None or not (folder / NAME).exists():
        return None
    return read_config(folder / NAME)


def _project_config(
    own: ConfigFile | None, *, given: Mapping[str, Any], seeds: Path
) -> tuple[ConfigFile | None, LeftOut | None]:
    """Return the file of the current folder if it is to be obeyed, or why not."""
    try:
        path = _project_path(Path())
        if not stat.S_ISREG(path.stat().st_mode):
            return None, None
        if own is not None and path.samefile(own.path):
            return None, None
    except OSError:  # there is none, or the current folder itself is gone
        return None, None
    named = given.get("seeds_dir") or (own.values.get("seeds_dir") if own else None)
    documents = _as_folder(named, Path()) or seeds
    if left_out := _among_documents(path, (documents,)):
        return None, left_out
    digest = _trusted().get(str(path))
    if digest is None:
        return None, _untrusted(path, "you have not trusted them")
    file = read_config(path)
    if file.sha256 != digest:
        return None, _untrusted(path, "they have changed since you trusted them")
    said = None if "seeds_dir" in given else _as_folder(file.values.get("seeds_dir"), Path())
    if said is not None and (left_out := _among_documents(path, (said,))):
        return None, left_out
    return file, None


def _untrusted(path: Path, why: str) -> LeftOut:
    return LeftOut(
        path=path, why=why, remedy=f"To see and obey them: rag trust {str(path.parent)!r}"
    )


def _among_documents(path: Path, folders: Iterable[Path]) -> LeftOut | None:
    """Say of a file in or below a folder of documents that it is not obeyed."""
    for folder in folders:
        if path.is_relative_to(folder.resolve()):
            own = own_folder()
            place = f"Put them into {str(own / NAME)!r}, or name" if own else "Name"
            return LeftOut(
                path=path,
                why="they lie among the documents, which may be a stranger's",
                remedy=f"{place} the file with --config or RAG_CONFIG.",
            )
    return None


def _project_path(folder: Path) -> Path:
    """Return where the settings file of a folder lies; the folder's links are followed, the file's are not.

    Raises:
        SettingsError: a file of another name is given, which nobody would look for.
    """
    if folder.is_dir():
        return folder.resolve() / NAME
    if folder.name != NAME:
        raise SettingsError(
            f"Only a {NAME} in the current folder is looked for, got {str(folder)!r}."
            " Name another file with --config or RAG_CONFIG."
        )
    return folder.parent.resolve() / NAME


def _as_folder(value: object, base: Path) -> Path | None:
    """Return a value of `seeds_dir` as a folder; None where it is none, which is told by whoever checks settings."""
    return base / value if isinstance(value, str | os.PathLike) else None


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file: a pipe would wait for ever, a device never end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  (of a descriptor)
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is no regular file")
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError("it is too large for a file of settings")
    return content


def _trusted() -> dict[str, str]:
    """Return the digests of what is trusted, by path; nothing where that cannot be read or understood."""
    folder = own_folder()
    if folder is None:
        return {}
    try:
        known = json.loads(_content(folder / _TRUSTED))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {path: digest for path, digest in known.items() if isinstance(digest, str)}


def _remember(known: Mapping[str, str]) -> None:
    """Write what is trusted, for its owner only.

    Raises:
        SettingsError: it cannot be written.
    """
    folder = own_folder()
    if folder is None:
        raise SettingsError(
            "Nobody knows your home folder, so trust cannot be remembered; use --config."
        )
    try:
        _write(folder / _TRUSTED, json.dumps(known, indent=1).encode())
    except OSError as exc:
        raise SettingsError(
            f"What is trusted cannot be written to {str(folder)!r} ({exc.strerror or exc});"
            " name the file with --config instead."
        ) from exc


def write_own(changes: Mapping[str, str]) -> Path:
    """Write settings into the person's own file, every other line of it left as it is, and return where it lies.

    Args:
        changes: by name; where a value is empty, its line goes.

    Raises:
        SettingsError: it cannot be written, or not without touching more than these lines.
    """
    folder = own_folder()
    if folder is None:
        raise SettingsError("Nobody knows your home folder, so there is no file of your own.")
    path = (folder / NAME).resolve()  # one that is kept elsewhere stays a link
    file = read_config(path) if path.exists() else ConfigFile(path=path, content=b"")
    if path.exists() and not os.access(path, os.W_OK):
        raise SettingsError(f"{str(path)!r} may not be written to.")
    content = _amended(file, changes)
    try:
        _write(path, content)
    except OSError as exc:
        raise SettingsError(f"{str(path)!r} cannot be written ({exc.strerror or exc}).") from exc
    return folder / NAME


def setting_lines(changes: Mapping[str, str]) -> str:
    """Return settings as lines of a file, those that are empty left out."""
    # JSON's strings are TOML's, but for what TOML wants escaped besides.
    said = {name: json.dumps(value, ensure_ascii=False) for name, value in changes.items() if value}
    return "".join(f"{name} = {value}\n" for name, value in said.items()).replace("\x7f", "\\u007f")


def _amended(file: ConfigFile, changes: Mapping[str, str]) -> bytes:
    """Return a settings file with other values of some settings.

    Raises:
        SettingsError: it is no TOML, or written in a way that is not understood here.
    """
    wanted = {**file.values, **changes}
    wanted = {name: value for name, value in wanted.items() if value or name not in changes}
    line = re.compile(rf"[ \t]*[\"']?({'|'.join(map(re.escape, changes))})[\"']?[ \t]*=")
    text = file.content.decode("utf-8-sig")
    kept = [one for one in text.splitlines(keepends=True) if not line.match(one)]
    content = (setting_lines(changes) + "".join(kept)).encode()
    try:
        found: object = dict(ConfigFile(path=file.path, content=content).values)
    except SettingsError:
        found = None
    if found != wanted:
        raise SettingsError(
            f"{str(file.path)!r} is written in a way that only a person can change."
        )
    return content


def _write(path: Path, content: bytes) -> None:
    """Write a file of the person's own folder, whole or not at all, for its owner only.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            unfinished = file.name
            file.write(content)
        Path(unfinished).replace(path)
    except OSError:
        if unfinished:
            with suppress(OSError):
                Path(unfinished).unlink()
        raise
