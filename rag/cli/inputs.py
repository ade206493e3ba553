"""Arguments, checked at the border: question, history, settings from options."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from rag.errors import IndexWriteError
from rag.privacy import close_to_others, make_folder
from rag.schema import Turn

if TYPE_CHECKING:
    from rag.cli.session import Session
    from rag.schema import SyncReport
    from rag.settings import Settings

_MANY_CHARS = 1_000_000
_ROLES = ("user", "assistant")


def question_from(argument: str, stdin: TextIO) -> str:
    """Return the question; `-` reads it from standard input.

    More than any setting allows is not read: `yes | rag ask -` ends.

    Raises:
        typer.BadParameter: nothing is asked.
    """
    question = argument if argument != "-" else stdin.read(_MANY_CHARS).lstrip("\ufeff").strip()
    if not question.strip():
        raise typer.BadParameter("it is empty: ask something about your sources.")
    return question


def can_be_asked(session: Session) -> bool:
    """Tell whether there is a person who sees a question and can answer it."""
    return session.stdin.isatty() and session.screen.on_terminal


def may_remove(report: SyncReport, session: Session) -> bool:
    """Ask a person whether sources that are missing were removed; where there is nobody to ask, say no."""
    if not can_be_asked(session):
        return False
    n_held = len(report.held)
    documents = "document is" if n_held == 1 else "documents are"
    session.screen.note(
        f"{n_held:,} indexed {documents} missing. Were they removed? With y they are taken out of the index; with"
        " anything else they are kept, and not cited until they are back. [y/N]"
    )
    return session.stdin.readline().strip().lower() in {"y", "yes"}


def history_from(path: Path | None) -> tuple[Turn, ...]:
    """Read the turns before the question: a JSON list of objects with role and text, or JSON lines.

    Raises:
        typer.BadParameter: the file cannot be read, or an item of it is no turn.
    """
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith("["):
            items = json.loads(text)
        else:
            items = [json.loads(row) for row in text.splitlines() if row.strip()]
    except OSError as exc:
        raise _bad_history(f"{path}: {exc.strerror or exc}.") from exc
    except UnicodeDecodeError as exc:
        raise _bad_history(f"{path}: this is not UTF-8 text.") from exc
    except (ValueError, RecursionError) as exc:
        raise _bad_history(f"{path}: this is not JSON ({exc}).") from exc
    return tuple(_turn(item, f"{path}, item {number}") for number, item in enumerate(items, 1))


def _turn(item: object, place: str) -> Turn:
    if not isinstance(item, dict) or set(item) != {"role", "text"}:
        raise _bad_history(f"{place}: wanted an object with role and text, got {item!r:.80}.")
    if item["role"] not in _ROLES:
        raise _bad_history(f"{place}: role must be user or assistant, got {item['role']!r:.80}.")
    if not isinstance(item["text"], str):
        raise _bad_history(f"{place}: text must be a string, got {item['text']!r:.80}.")
    return Turn(role=item["role"], text=item["text"])


def _bad_history(message: str) -> typer.BadParameter:
    return typer.BadParameter(
        f'{message} It holds a JSON list such as [{{"role": "user", "text": "Who is he?"}}].',
        param_hint="--history",
    )


def settings_from(
    *,
    seeds: Path | None = None,
    index: Path | None = None,
    environ: Mapping[str, str],
    config: Path | None = None,
    **others: Any,  # noqa: ANN401  (each value is checked by Settings)
) -> Settings:
    """Make the settings of a command; an option that is None leaves environment and settings files.

    `--seeds` names a folder that no index was chosen for. Its index then goes into the person's
    cache: into a folder of documents nothing is ever written, and the index of other documents is
    not the place for these.

    Raises:
        SettingsError: a value cannot work.
        IndexWriteError: the cache folder cannot be made.
    """
    from pydantic import SecretStr

    from rag.settings import Settings

    given = {"seeds_dir": seeds, "index_dir": index, **others}
    settings = Settings(
        config=config, **{name: value for name, value in given.items() if value is not None}
    )
    chosen = index is not None or any(name.upper() == "RAG_INDEX_DIR" for name in environ)
    if seeds is None or chosen:
        return settings
    if seeds.resolve() == Settings(config=config).seeds_dir.resolve():
        return settings
    return settings.changed("--seeds", index_dir=_cached_index(seeds, environ), store=SecretStr(""))


def _cached_index(seeds: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder for the index of `seeds`, below a cache that only its owner can read."""
    folder = seeds.resolve()
    name = re.sub(r"[^\w.-]+", "-", folder.name, flags=re.ASCII).strip("-.")[:40] or "documents"
    key = sha256(os.fsencode(folder)).hexdigest()[:12]
    try:
        cache = _cache(environ) / "footnote"
        make_folder(cache)
        close_to_others(cache)
    except (OSError, RuntimeError) as exc:  # RuntimeError: nobody knows where home is
        raise IndexWriteError(
            f"No cache folder can be made for the index of {folder} ({exc});"
            " say where it may go with --index."
        ) from exc
    return cache / f"{name}-{key}"


def _cache(environ: Mapping[str, str]) -> Path:
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        value = environ.get(variable, "")
        if Path(value).is_absolute():  # the XDG specification: a relative one is ignored
            return Path(value)
    return Path.home() / ".cache"
