"""What is written down: where something went wrong, and nothing of what a person asked or sent."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

_LONGEST = 300
"""Characters of a message that are kept."""
_STEPS = 8
"""Calls of a fault that are kept, the last."""


def trail(error: BaseException) -> str:
    """Return the kind of a fault, where it happened, and what caused it; its words may be a question's."""
    steps = traceback.extract_tb(error.__traceback__)[-_STEPS:]
    where = " > ".join(f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in steps)
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:  # the system's words, not a person's
        kind = f"{kind} ({error.strerror})"
    said = f"{kind} at {where or 'an unknown place'}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{said}; caused by {trail(cause)}" if cause is not None else said


class Discreet(logging.Formatter):
    """One line a record, on which nothing moves a terminal.

    What other libraries put into a message may be from a request: their messages are kept as they wrote them,
    without what they filled in.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        ours = record.name.partition(".")[0] == "rag"
        said = record.getMessage() if ours or not record.args else str(record.msg)
        line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in said)
        line = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
        fault = record.exc_info[1] if record.exc_info else None
        return f"{record.levelname}: {line}" + (f" ({trail(fault)})" if fault else "")


def to_stderr() -> None:
    """Write warnings and errors to stderr, so and not otherwise, in a program that has said nothing of its logs."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(Discreet())
    root.addHandler(handler)
