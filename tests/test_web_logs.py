"""What is written down says where, and nothing of what was asked."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from rag.web.logs import Discreet, JsonLines, to_stderr, trail


def fault(words: str) -> Exception:
    """Return an error as one meets it: raised, with a cause, and with somebody's words in both."""
    try:
        try:
            raise OSError(28, "No space left on device", words)
        except OSError as exc:
            raise ValueError(words) from exc
    except ValueError as exc:
        return exc


def record(name: str, message: str, *args: object, error: Exception | None = None) -> str:
    """Return the line of a record."""
    told = (type(error), error, None) if error else None
    return Discreet().format(logging.LogRecord(name, logging.ERROR, "", 0, message, args, told))


def test_a_fault_is_its_kind_and_its_places():
    """What the system says is kept, what a person said is not."""
    said = trail(fault("what I asked in private"))
    assert said.startswith("ValueError at test_web_logs.py:")
    assert "caused by OSError (No space left on device) at test_web_logs.py:" in said
    assert "private" not in said


def test_a_fault_that_was_never_raised_has_no_place():
    """And is told all the same."""
    assert "KeyError at an unknown place" == trail(KeyError("private"))


@pytest.mark.parametrize("name", ["rag.web.talking", "uvicorn.error", "asyncio"])
def test_a_line_moves_no_terminal_and_is_one(name: str):
    """Whoever reads a log in a terminal is not at the mercy of whoever asked."""
    line = record(name, "begun\x1b[31m\nERROR: forged\u202e" + "x" * 999)
    assert line.isprintable()
    assert len(line) < 400


def test_what_a_library_filled_in_is_left_out():
    """It may be from a request; our own messages name what matters."""
    assert "ERROR: dropped …: malformed" == record("mcp", "dropped %r: malformed", "a question")
    assert "ERROR: 10 came" == record("rag.web.access", "%d came", 10)
    said = record("mcp", "Error in %s", "x", error=fault("what I asked in private"))
    assert "ValueError at" in said
    assert "private" not in said


def test_a_program_that_has_logs_of_its_own_keeps_them():
    """The handler is for the script that only serves."""
    before = list(logging.getLogger().handlers)
    assert before  # pytest's
    to_stderr()
    assert before == logging.getLogger().handlers
    code = (
        "import logging; from rag.web.logs import to_stderr; to_stderr();"
        "logging.getLogger('mcp').warning('bad %s', 'private'); logging.getLogger('rag').info('x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "WARNING: bad …\n" == done.stderr


def test_json_logs_are_an_object_a_line_and_hold_no_secret():
    """For whoever gathers logs by machine; passwords are not in them, whoever says them."""
    code = (
        "import logging; from rag.settings import Settings; from rag.web.logs import tell, to_stderr;"
        "logging.getLogger().addHandler(logging.StreamHandler());"
        "to_stderr(Settings(log_format='json', password='canary-0123456789'));"
        "tell('Footnote is at http://127.0.0.1:1');"
        "logging.getLogger('rag.x').error('with %s\\n', 'canary-0123456789');"
        "logging.getLogger('mcp').info('too much'); logging.getLogger('mcp').error('bad %s', 'private')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    said = [(line["level"], line["logger"], line["message"]) for line in lines]
    assert [
        ("info", "rag.server", "Footnote is at http://127.0.0.1:1"),
        ("error", "rag.x", "with ***\\n"),
        ("error", "mcp", "bad …"),
    ] == said
    assert {"time", "level", "logger", "message", "process"} == set(lines[0])


def test_a_fault_is_in_json_as_in_text():
    """Its kind and its places, none of its words."""
    error = fault("what I asked in private")
    told = (type(error), error, None)
    line = JsonLines().format(logging.LogRecord("rag", logging.ERROR, "", 0, "failed", (), told))
    assert json.loads(line)["fault"].startswith("ValueError at")
    assert "private" not in line
