"""The command line as a process: terminals, pipes, encodings, signals, and what it loads."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")

SCRIPTED = """
import fcntl, sys, termios, time
from dataclasses import replace
from tests.cli_fakes import *
from rag.cli import main
from rag.cli.session import Doors
if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches this process
class Slow(ScriptedRag):
    def stream(self, question, history=(), *, sources=None, model=None):
        if "slow" in question:
            yield TextDelta(text="not checked yet")
            for _ in range(3000):  # a signal just before one long sleep would wait for its end
                time.sleep(0.01)
        yield from super().stream(question, history, sources=sources, model=model)
hostile = "\\x1b]0;owned\\x07\\x9b2J\\u202e\\r[red]x[/] \\u2019"
many = tuple(replace(SOURCE, source_id=f"{i}.txt") for i in range(10_000))
answer = replace(ANSWERED, citations=(replace(CITATION, title=hostile, quote=hostile),))
rag = Slow(answers=[answer], known=many if "many" in sys.argv else (SOURCE,))
sys.exit(main(sys.argv[1].split("|"), doors=Doors(open_rag=lambda *args, **options: rag)))
"""
STYLES = re.compile(r"\x1b\[[\d;]*m")


def environment(**changes: str) -> dict[str, str]:
    """Return an environment without this machine's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    root = str(Path(__file__).parents[1])
    return {**kept, "PYTHONPATH": root, "PYTHONUTF8": "0", "COLUMNS": "80", **changes}


def scripted(
    command: str, *words: str, cwd: Path, **options: object
) -> subprocess.CompletedProcess:
    """Run a command, its arguments separated by `|`, on the scripted pipeline."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPTED, command, *words],
        cwd=cwd,
        capture_output=True,
        timeout=60,
        **{"env": environment(), **options},
    )


def heed_interrupts() -> None:
    """Take Ctrl-C as a program on a terminal does; one whose tests run in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def on_terminal(command: str, cwd: Path, **changes: str) -> Iterator[Terminal]:
    """Run a command on a pseudo-terminal."""
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPTED, command],
        cwd=cwd,
        env=environment(**{"TERM": "xterm", **changes}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    os.close(follower)
    try:
        yield Terminal(leader, process)
    finally:
        process.kill()
        process.wait()
        os.close(leader)


class Terminal:
    """The person's side of a pseudo-terminal."""

    def __init__(self, leader: int, process: subprocess.Popen) -> None:
        self._leader = leader
        self.process = process
        self.seen = ""
        self._position = 0

    def wait_for(self, text: str) -> None:
        """Read until a text was shown after the one that was waited for last."""
        deadline = time.monotonic() + 60
        while (found := self.seen.find(text, self._position)) < 0:
            ready, _, _ = select.select([self._leader], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come; there was {self.seen[self._position :]!r}"
            self.seen += os.read(self._leader, 65536).decode()
        self._position = found + len(text)

    def until_it_waits(self) -> None:
        """Return once the command has slept whenever it was looked at for a while; at once where nobody tells."""
        stat, n_asleep = Path(f"/proc/{self.process.pid}/stat"), 0
        while stat.exists() and n_asleep < 10:
            state = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
            n_asleep = n_asleep + 1 if state == "S" else 0
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._leader, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while True:
            try:
                part = os.read(self._leader, 65536)
            except OSError:
                break
            if not part:
                break
            self.seen += part.decode()
        return self.process.wait(60)


def test_a_terminal_gets_styles_and_nothing_hostile(tmp_path: Path) -> None:
    """On a real terminal there are rich's own escapes and none of a document's."""
    with on_terminal("ask|Who?", tmp_path) as terminal:
        assert 0 == terminal.end()
    assert "\x1b[1;36m[1]\x1b[0m" in terminal.seen
    assert "␛]0;owned␇�2J�␍[red]x[/]" in terminal.seen
    rest = STYLES.sub("", terminal.seen).replace("\r\n", "\n")
    # What is left are the ways in which rich wipes the provisional text.
    rest = re.sub(r"\r?\x1b\[(\?25[hl]|2K|1A)", "", rest)
    assert not set("\x1b\x07\x9b\u202e\r") & set(rest)


def test_a_plain_terminal_gets_no_escape_at_all(tmp_path: Path) -> None:
    """A terminal that is dumb gets plain text."""
    with on_terminal("ask|Who?", tmp_path, TERM="dumb") as terminal:
        assert 0 == terminal.end()
    assert not set("\x1b\x07\x9b\u202e") & set(terminal.seen)


def test_a_conversation_on_a_terminal(tmp_path: Path) -> None:
    """Ctrl-C stops an answer or a line but not the program; Ctrl-D ends it with 0."""
    with on_terminal("chat", tmp_path) as terminal:
        terminal.wait_for("> ")
        terminal.type("a slow one\n")
        terminal.wait_for("not checked yet")
        terminal.type("\x03")
        terminal.wait_for("Stopped.")
        terminal.wait_for("> ")
        terminal.type("half a line")
        terminal.wait_for("half a line")
        terminal.until_it_waits()  # a signal just before the wait for a key would wait for that key
        terminal.type("\x03")
        terminal.wait_for("/quit or Ctrl-D leaves.")
        terminal.wait_for("> ")
        terminal.type("Who came?\n")
        terminal.wait_for("sure")
        terminal.wait_for("> ")
        terminal.type("\x04")
        assert 0 == terminal.end()
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_a_command(tmp_path: Path) -> None:
    """A single question is ended by Ctrl-C with 130 and one word."""
    with on_terminal("ask|slow", tmp_path) as terminal:
        terminal.wait_for("not checked yet")
        terminal.process.send_signal(signal.SIGINT)
        assert 130 == terminal.end()
    assert "Interrupted." in terminal.seen
    assert "Traceback" not in terminal.seen


@pytest.mark.parametrize(
    "changes",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_an_encoding_that_lacks_a_letter_does_not_stop_it(
    changes: dict[str, str], tmp_path: Path
) -> None:
    """What cannot be written is written as an escape; the rest and the exit code are the same."""
    done = scripted("ask|Who?", cwd=tmp_path, env=environment(**changes))
    assert 0 == done.returncode
    assert b"Sergei Shoigu came. [1]" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_event(tmp_path: Path) -> None:
    """`rag sources | head -1` complains about nothing."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPTED, "sources", "many"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline().startswith(b"0.txt\t")
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert (1, b"") == (process.wait(60), complaints)


def test_questions_that_are_no_text_do_not_stop_it(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, in an argument or piped in, reach the pipeline and its check."""
    for argument, stdin in ((b"ask|\xff\xfe", b""), (b"ask|-", b"\xff\xfe"), (b"chat", b"\xff\n")):
        done = scripted(argument, cwd=tmp_path, input=stdin)
        assert (0, False) == (done.returncode, b"Traceback" in done.stderr)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """Help and version load neither settings nor rich, let alone what answers."""
    heavy = "torch gradio langchain_core faiss onnxruntime tantivy numpy pydantic_settings rich"
    for argument in ("--help", "--version", "ask --help"):
        check = (
            "import sys; from rag.cli import main; code = main(sys.argv[2:]);"
            "sys.exit(code or ' '.join(set(sys.argv[1].split()) & set(sys.modules)) or 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", check, heavy, *argument.split()],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            timeout=60,
        )
        assert (0, b"") == (done.returncode, done.stderr)


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    """`python -m rag` is `rag`, and passes the exit code on."""
    done = subprocess.run(
        [sys.executable, "-m", "rag", "nonsense"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert (2, b"") == (done.returncode, done.stdout)
    assert b"No such command 'nonsense'" in done.stderr


@pytest.mark.model
def test_the_whole_way_from_a_folder_to_a_quote(tmp_path: Path) -> None:
    """`rag ask --seeds` on any folder answers with the folder's own words, and leaves it as it is."""
    docs = tmp_path / "docs"
    docs.mkdir()
    text = "The old bridge was opened in 1911. It was built by Anna Berg.\n"
    (docs / "bridge.txt").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "rag",
            "ask",
            "Who built the old bridge?",
            "--json",
            "--seeds",
            docs,
        ],
        cwd=tmp_path,
        env=environment(XDG_CACHE_HOME=str(tmp_path / "cache")),
        capture_output=True,
        timeout=100,
    )
    assert b"" == done.stderr
    answer = json.loads(done.stdout)
    assert (3 if answer["status"] == "unanswered" else 0) == done.returncode
    assert "bridge.txt" == answer["evidence"][0]["passage"]["source_id"]
    for citation in answer["citations"]:
        assert citation["quote"] == text[citation["start"] : citation["end"]]
    assert ["bridge.txt"] == [path.name for path in docs.iterdir()]
