"""`rag serve` in a process of its own: started, asked over HTTP, and stopped as by Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

READY = 60.0
"""Seconds until questions can be asked."""
CALL = "/gradio_api/call/ask"
RAG = Path(sys.executable).with_name("rag")


def heed_interrupts() -> None:
    """Take Ctrl-C as a program on a terminal does; one whose tests run in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """A server that answers, seen from the outside."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        **headers: str,
    ) -> tuple[int, str]:
        """Send a request and return status and text; one that is refused in the middle is read all the same."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            try:
                for piece in [body] if isinstance(body, bytes) else body or ():
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough, and has answered
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def ask(self, question: str) -> tuple[str, Any]:
        """Ask over the endpoint for programs; return the last event and what came with it."""
        body = json.dumps({"data": [question]}).encode()
        length = {"content_length": str(len(body)), "content_type": "application/json"}
        status, text = self.send("POST", CALL, body, **length)
        assert 200 == status, text
        _, text = self.send("GET", f"{CALL}/{json.loads(text)['event_id']}")
        *_, event, data = text.strip().splitlines()
        return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def forget_peak(self) -> None:
        """Count from what it holds now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak(self) -> float:
        """Return the most megabytes that it held since."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (held,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(held) / 1024


@contextmanager
def serving(
    env: Mapping[str, str],
    cwd: Path,
    *,
    prepare: Callable[[], None] = heed_interrupts,
    is_killed: bool = False,
) -> Iterator[Server]:
    """Start a server, wait until it can be asked, and stop it at the end, which it does at once and cleanly.

    Args:
        env: its environment.
        cwd: its folder.
        prepare: called in its process before it begins.
        is_killed: whether it is killed with -9 meanwhile.
    """
    process = subprocess.Popen(
        [RAG, "serve", "--port", "0"],
        env=env,
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )
    try:
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+) ", said)
        assert found, said
        server = Server(process, int(found[1]))
        deadline = time.monotonic() + READY
        while server.send("GET", "/health")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield server
        process.send_signal(signal.SIGINT)
        ended = -signal.SIGKILL if is_killed else 0
        assert ended == process.wait(30), process.stderr.read()
    finally:
        process.kill()
        process.communicate()
