"""The command line: answers go to stdout, all else to stderr, failures are sentences and codes."""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from rag.cli.commands import app
from rag.cli.options import share_config
from rag.cli.render import OutputClosedError, Screen, in_line
from rag.cli.session import Doors, Exit, Session
from rag.errors import ArgumentError, PathNotFoundError, RagError, SettingsError

__all__ = ["app", "main"]

_USAGE = (SettingsError, ArgumentError, PathNotFoundError)
"""What was typed cannot be meant."""


def main(
    argv: Sequence[str] | None = None,
    *,
    doors: Doors | None = None,
    command: typer.Typer = app,
    name: str = "rag",
) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; those of this process by default.
        doors: what the commands call; the real things by default.
        command: the commands; those of `rag` by default.
        name: how they are called.

    Returns:
        The exit code, one of `rag.cli.session.Exit`.
    """
    _accept_everything()
    screen = Screen(out=sys.stdout, err=sys.stderr)
    session = Session(doors=doors or Doors(), screen=screen, stdin=sys.stdin, environ=os.environ)
    debug = os.environ.get("RAG_DEBUG", "") not in {"", "0"}
    with _libraries_hushed(screen, debug=debug):
        try:
            return _run(command, name, sys.argv[1:] if argv is None else argv, session)
        except OutputClosedError:
            return Exit.FAILURE
        except Exception as exc:  # noqa: BLE001  (the last border: nothing may reach a person raw)
            if debug:
                screen.fail(traceback.format_exc())
            return _tell(exc, screen, name)


def _run(commands: typer.Typer, name: str, argv: Sequence[str], session: Session) -> int:
    command = typer.main.get_group(commands)
    share_config(command)
    try:
        code = command.main(args=list(argv), prog_name=name, standalone_mode=False, obj=session)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except SystemExit as exc:  # how typer ends when the reader of its help has gone
        code = exc.code
    if code == Exit.INTERRUPTED:
        session.screen.fail("Interrupted.")
    return code if isinstance(code, int) else Exit.FAILURE


def _tell(exc: Exception, screen: Screen, name: str) -> int:
    """Print a failure as one sentence and return its exit code."""
    if isinstance(exc, typer.TyperException):
        context = getattr(exc, "ctx", None)
        command = name if context is None else context.command_path
        screen.fail(f"{in_line(exc.format_message())} Try: {command} --help")
        return exc.exit_code
    if isinstance(exc, RagError):
        screen.fail(in_line(str(exc)))
        return Exit.USAGE if isinstance(exc, _USAGE) else Exit.FAILURE
    # The type only: what an unforeseen error holds may be a secret or half a document.
    screen.fail(
        f"Footnote failed in a way that it should not ({type(exc).__name__})."
        " Run it again with RAG_DEBUG=1 and report what it prints."
    )
    return Exit.FAILURE


def _accept_everything() -> None:
    """Let the streams take any text: characters that an encoding lacks are written as escapes.

    What cannot be read becomes surrogates, as in arguments, and is refused where questions are.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")


class _Notes(logging.Handler):
    """A log handler that shows this program's records, those of libraries only for debugging."""

    def __init__(self, screen: Screen, *, debug: bool) -> None:
        super().__init__(logging.DEBUG if debug else logging.WARNING)
        self._screen = screen
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record as a note."""
        if self._debug or record.name.partition(".")[0] == "rag":
            self._screen.note(in_line(self.format(record)))


@contextmanager
def _libraries_hushed(screen: Screen, *, debug: bool) -> Iterator[None]:
    """Keep warnings and logs of libraries off the screen."""
    notes = _Notes(screen, debug=debug)
    logging.getLogger().addHandler(notes)
    try:
        with warnings.catch_warnings():
            if not debug:
                warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeHandler(notes)
