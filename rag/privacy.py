"""Files and folders that only their owner may read, whatever the umask says; and texts without secrets.

What is made from documents holds their whole text, and documents may be for their owner only.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600

_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SHORTEST_SECRET = 6
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, that only its owner may enter; one that is there is left as it is.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER, exist_ok=True)


def make_folders(path: Path, *, below: Path) -> None:
    """Make a folder and those between it and another, each for its owner only.

    Raises:
        OSError: one cannot be made.
    """
    for folder in [*reversed(path.parents), path]:
        if folder.is_relative_to(below):
            make_folder(folder)


def make_file(path: Path) -> None:
    """Make an empty file, in place of another, that only its owner may open.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))


def close_to_others(path: Path) -> bool:
    """Take from everybody but its owner what they may do with a file or folder; links are left alone.

    Returns:
        Whether they were allowed anything; False also where that cannot be changed.
    """
    with suppress(OSError):
        found = path.lstat()
        open_to_others = found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if open_to_others and not stat.S_ISLNK(found.st_mode) and _is_ours(found):
            path.chmod(stat.S_IMODE(found.st_mode) & stat.S_IRWXU)
            return True
    return False


def close_tree(top: Path) -> None:
    """Close a folder to others and, where it was open to them, all that lies in it."""
    if close_to_others(top):
        close_all(top.rglob("*"))


def close_all(paths: Iterable[Path]) -> None:
    """Close files and folders to others."""
    for path in paths:
        close_to_others(path)


def _is_ours(found: os.stat_result) -> bool:
    """Tell whether this process's user owns a file; where there are no such users, nothing is to be done."""
    return os.name == "posix" and found.st_uid == os.geteuid()


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """Return a text in which no key, token or password of the environment or of a URL stands."""
    secrets = {
        value
        for name, value in environ.items()
        if name.upper().endswith(_SECRET_NAMES) and len(value) >= _SHORTEST_SECRET
    }
    for secret in sorted(secrets, key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, "***")
        for n in range(
            len(secret) - 1, _SHORTEST_SECRET - 1, -1
        ):  # what was cut off in the midst of it
            text = text.replace(f"{secret[:n]}…", "***…")
    return _LOGIN.sub("***@", text)
