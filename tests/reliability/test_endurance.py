"""R10 and R11: no connection leaves this machine, and thousands of questions leave nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.serving import RAG, serving
from tests.reliability.world import LONGEST, documents, times, write

N_QUESTIONS = max(times(400, 2000), 200)
MOST_KB = 5 if N_QUESTIONS > 200 else 15
"""Of memory, that one question may leave on average; what the allocator keeps once weighs more on few of them."""

# Refuses and notes every connection to another machine, and every look-up of a name.
WATCH = """
import os, socket, sys
def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        address = args[1] if event in {"socket.connect", "socket.sendto"} else args[0]
        host = address[0] if isinstance(address, tuple) else address
        if str(host) not in {"127.0.0.1", "::1", "localhost"} and not str(host).startswith("/"):
            # An empty file: the worker that parses documents may write no byte.
            name = f"{event} {address!r}".replace("/", "_")[:200]
            open(os.path.join("ATTEMPTS", name), "a").close()
            raise OSError("refused")
sys.addaudithook(refuse)
"""

ASK_ON = """
import os, sys
from pathlib import Path
from rag import Rag, Settings
def held():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1024, len(os.listdir("/proc/self/fd"))
n = int(sys.argv[1])
with Rag.open(Settings()) as rag:
    for i in range(n // 4):
        rag.ask(f"For how many coins is item{i % 50} sold?")
        rag.ask(f"Who makes item{i % 50}, and where? Tell me about number {n + i}.")
    before = held()
    for i in range(n):
        rag.ask(f"Who makes item{i % 50}, and where? Tell me about number {i}.")
    after = held()
print((after[0] - before[0]) / n, after[1] - before[1])
"""


def environment(tmp_path: Path, **changes: object) -> dict[str, str]:
    """An environment in which every Python watches its connections, and the home may not be written."""
    for name in ("watch", "attempts"):
        (tmp_path / name).mkdir()
    watch = WATCH.replace("ATTEMPTS", str(tmp_path / "attempts"))
    (tmp_path / "watch" / "sitecustomize.py").write_text(watch, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    values = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "watch"),
        "HOME": str(home),
        "TMPDIR": str(tmp_path / "tmp"),
        "RAG_SEEDS_DIR": str(tmp_path / "seeds"),
        "RAG_INDEX_DIR": str(tmp_path / "index"),
        **changes,
    }
    (tmp_path / "tmp").mkdir()
    return {name: str(value) for name, value in values.items()}


@pytest.mark.model
@pytest.mark.slow(reason="starts every command with the shipped models")
@pytest.mark.timeout(LONGEST)
def test_nothing_leaves_this_machine(tmp_path, figure):
    """R10: every command, the server too, works without a network and a home, tries no connection, writes nowhere else.

    Seen to fail with one look-up of a name at the end of a command, and with the reports of ONNX Runtime left on, which
    keep a device id in the home.
    """
    write(tmp_path / "seeds", documents(4))
    (tmp_path / "seeds" / "page.html").write_text("<h1>Wool</h1><p>It is sold.</p>", "utf-8")
    question = "For how many coins is item1 sold?"
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"question": question, "answers": ["1 coins"]}), "utf-8")
    env = environment(tmp_path)
    commands = [
        ["sync"],
        ["ask", question],
        ["chat"],
        ["search", "town"],
        ["sources"],
        ["eval", "--dataset", questions, "--out", tmp_path / "run"],
        ["doctor"],
    ]
    for command in commands:
        done = subprocess.run(
            [RAG, *command], env=env, cwd=tmp_path, input=f"{question}\nAnd item2?\n".encode(),
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 3}, done.stderr
    with serving(env, tmp_path) as server:
        event, (answer,) = server.ask(question)
        assert "complete" == event
        assert (
            "1 coins" in answer["text"]
        )  # stated or as a guess: how sure it is, is no matter here
    tried = [path.name for path in (tmp_path / "attempts").iterdir()]
    figure(f"R10: {len(commands) + 1} commands, {len(tried)} connections tried")
    assert [] == tried
    assert [] == list((tmp_path / "home").iterdir())
    assert [] == list((tmp_path / "tmp").iterdir())
    made = {"watch", "attempts", "home", "tmp", "seeds", "index", "questions.jsonl", "run"}
    assert made == {path.name for path in tmp_path.iterdir()}


@pytest.mark.model
@pytest.mark.slow(reason="hundreds of questions to the shipped models")
@pytest.mark.timeout(LONGEST)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_many_questions_leave_nothing_behind(tmp_path, figure):
    """R11: memory, open files and temporary files are as after the first quarter.

    Seen to fail with every answer kept in a list.
    """
    write(tmp_path / "seeds", documents(50))
    env = environment(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", ASK_ON, str(N_QUESTIONS)],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    kilobytes, files = map(float, done.stdout.split())
    figure(f"R11: {N_QUESTIONS} questions, {kilobytes:+.2f} KB each, {files:+.0f} open files")
    assert kilobytes < MOST_KB
    assert 0 == files
    assert [] == list((tmp_path / "tmp").iterdir())
