"""The session of one command: its doors to the rest of the program, its screen, its exit codes.

The doors load what is behind them only when opened, so that `rag --help` costs nothing; tests put
scripted ones in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rag.cli.doctor import Finding
    from rag.cli.render import Screen
    from rag.pipeline import Rag


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    ANSWERED = 0
    FAILURE = 1
    USAGE = 2
    UNANSWERED = 3
    """The program worked; the sources hold nothing."""
    INTERRUPTED = 130


def _open_rag(*args: Any, **options: Any) -> Rag:  # noqa: ANN401  (passed on)
    from rag.pipeline import Rag

    return Rag.open(*args, **options)


def _serve(*args: Any, **options: Any) -> None:  # noqa: ANN401  (passed on)
    from rag.web import serve

    serve(*args, **options)


def _evaluate(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (passed on)
    from rag.evaluation import run_evaluation

    return run_evaluation(*args, **options)


def _examine(*args: Any, **options: Any) -> Iterator[Finding]:  # noqa: ANN401  (passed on)
    from rag.cli.doctor import examine

    return examine(*args, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The functions that commands call, imported when called."""

    open_rag: Callable[..., Rag] = _open_rag
    serve: Callable[..., None] = _serve
    evaluate: Callable[..., Any] = _evaluate
    examine: Callable[..., Iterator[Finding]] = _examine


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the command line."""

    doors: Doors
    screen: Screen
    stdin: TextIO
    environ: Mapping[str, str]
    config: Path | None = None
    """The only settings file to read, where `--config` names one."""
    collections: tuple[str, ...] = ()
    """The collections that are meant, where `--collection` names some."""
