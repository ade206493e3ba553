"""What is written down: where something went wrong, and nothing of what a person asked or sent."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from rag.settings import Settings

log = logging.getLogger("rag.server")

_LONGEST = 300
"""Characters of a message that are kept."""
_FILLED_IN = re.compile(r"%(?:\(\w+\))?[-#0+]*[\d.*]*[diouxXeEfFgGcrsa]")
"""Where a message has something filled in."""
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

    Args:
        secrets: words that are never written, whoever says them.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fault = self._fault(record)
        return f"{record.levelname}: {self._said(record)}" + (f" ({fault})" if fault else "")

    def _said(self, record: logging.LogRecord) -> str:
        """Return the message, printable and not too long."""
        ours = record.name.partition(".")[0] == "rag"
        said = (
            record.getMessage() if ours or not record.args else _FILLED_IN.sub("…", str(record.msg))
        )
        for secret in self._secrets:
            said = said.replace(secret, "***")
        line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in said)
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

    @staticmethod
    def _fault(record: logging.LogRecord) -> str:
        """Return what went wrong; '' where nothing did."""
        fault = record.exc_info[1] if record.exc_info else None
        return trail(fault) if fault else ""


class JsonLines(Discreet):
    """The same as a JSON object a line: time (ISO 8601, UTC), level, logger, message, process, and fault if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._said(record),
            "process": record.process,
        }
        if fault := self._fault(record):
            fields["fault"] = fault
        return json.dumps(fields, ensure_ascii=False)


def to_stderr(settings: Settings | None = None) -> None:
    """Write logs to stderr, so and not otherwise: warnings and errors as text, or all of ours as JSON if so set.

    As text only in a program that has said nothing of its logs; JSON takes the place of what writes them.
    """
    root = logging.getLogger()
    as_json = settings is not None and settings.log_format == "json"
    if root.handlers and not as_json:
        return
    secrets = _secrets(settings) if settings else ()
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.INFO if as_json else logging.WARNING)
    handler.setFormatter(JsonLines(secrets) if as_json else Discreet(secrets))
    if as_json:
        for other in root.handlers[:]:
            root.removeHandler(other)
        logging.getLogger("rag").setLevel(logging.INFO)
    root.addHandler(handler)


def tell(message: str) -> None:
    """Say something to whoever started the server: as a line of the log where that is JSON, else as it is."""
    if any(isinstance(one.formatter, JsonLines) for one in logging.getLogger().handlers):
        log.info("%s", message)
        return
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Return the words of the settings that nobody may read."""
    given = (getattr(settings, name) for name in type(settings).model_fields)
    words = [one.get_secret_value() for one in given if isinstance(one, SecretStr)]
    return (*words, *filter(None, map(_password_in, words)))


def _password_in(url: str) -> str:
    """Return the password that stands in a URL; '' where there is none."""
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
