"""A model server on loopback that speaks OpenAI's, Anthropic's and Ollama's wire protocols, and fails as it is told.

Raw sockets, so that what no HTTP library would send can be sent. It notes what it was asked and when the asker left.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Protocol = Literal["openai", "anthropic", "ollama"]
Act = Callable[["Wire"], None]
"""Answers one request."""

MODEL = {"openai": "openai:m", "anthropic": "anthropic:m", "ollama": "ollama:m"}
_MEGABYTE = b"x" * 2**20
_PATH = {"openai": "/v1", "anthropic": "", "ollama": ""}


@dataclass
class Asked:
    """One request as it came."""

    head: str
    body: dict
    left: threading.Event = field(default_factory=threading.Event)
    """Set once the asker has closed the connection."""


class Wire:
    """One connection, and how its protocol says things."""

    def __init__(self, sock: socket.socket, protocol: Protocol, asked: Asked) -> None:
        self._sock, self.protocol, self.asked = sock, protocol, asked

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        self._sock.sendall(data)

    def whole(self, status: str, content_type: str, body: bytes, *headers: str) -> None:
        """Send a response that is complete."""
        lines = [
            f"HTTP/1.1 {status}", f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}", "Connection: close", *headers,
        ]  # fmt: skip
        self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    def error(self, status: str, *headers: str) -> None:
        """Send an error as the provider would."""
        body = {"error": {"type": "an_error", "message": "No. sk-CANARY-777"}}
        if self.protocol == "ollama":
            body = {"error": "No. sk-CANARY-777"}
        self.whole(status, "application/json", json.dumps(body).encode(), *headers)

    def begin(self) -> None:
        """Start a stream."""
        kind = "application/x-ndjson" if self.protocol == "ollama" else "text/event-stream"
        self.raw(
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        if self.protocol == "anthropic":
            message = {
                "id": "m1", "type": "message", "role": "assistant", "content": [], "model": "m",
                "stop_reason": None, "stop_sequence": None,
                "usage": {"input_tokens": 7, "output_tokens": 0},
            }  # fmt: skip
            self.event({"type": "message_start", "message": message})
            block = {"type": "text", "text": ""}
            self.event({"type": "content_block_start", "index": 0, "content_block": block})

    def event(self, data: dict | str) -> None:
        """Send one event of a stream."""
        text = data if isinstance(data, str) else json.dumps(data)
        if self.protocol == "ollama":
            self.chunk(f"{text}\n".encode())
        elif self.protocol == "anthropic":
            name = data["type"] if isinstance(data, dict) else "content_block_delta"
            self.chunk(f"event: {name}\ndata: {text}\n\n".encode())
        else:
            self.chunk(f"data: {text}\n\n".encode())

    def chunk(self, data: bytes) -> None:
        """Send a piece of a chunked body; an empty one ends it."""
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def say(self, text: str) -> None:
        """Send some text."""
        if self.protocol == "openai":
            self._openai({"role": "assistant", "content": text})
        elif self.protocol == "anthropic":
            delta = {"type": "text_delta", "text": text}
            self.event({"type": "content_block_delta", "index": 0, "delta": delta})
        else:
            self._ollama(text)

    def finish(self, reason: str = "") -> None:
        """Say that the reply is whole."""
        if self.protocol == "openai":
            self._openai({}, reason or "stop")
            self.event("[DONE]")
        elif self.protocol == "anthropic":
            self.event({"type": "content_block_stop", "index": 0})
            delta = {"stop_reason": reason or "end_turn", "stop_sequence": None}
            self.event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})
            self.event({"type": "message_stop"})
        else:
            self._ollama("", done=True, done_reason=reason or "stop", eval_count=5)

    def end(self) -> None:
        """End the body cleanly."""
        self.chunk(b"")

    def reset(self) -> None:
        """Break the connection off with a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def wait_until_left(self, seconds: float) -> None:
        """Send nothing more until the asker closes the connection."""
        self._sock.settimeout(seconds)
        with suppress(OSError):
            while self._sock.recv(1024):
                pass
            self.asked.left.set()

    def _openai(self, delta: dict, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.event({
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice],
        })  # fmt: skip

    def _ollama(self, text: str, **more: object) -> None:
        message = {"role": "assistant", "content": text}
        about = {"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": False}
        self.event({**about, "message": message, **more})


class LlmServer:
    """Answers each request with an act, until it is told another one."""

    def __init__(self, protocol: Protocol, act: Act) -> None:
        self.protocol, self.act = protocol, act
        self.asked: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """What a client calls the base URL."""
        return f"http://127.0.0.1:{self.port}{_PATH[self.protocol]}"

    def close(self) -> None:
        """Take no more connections: they are refused from now on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=[sock], daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), sock:
            head, body = _request(sock)
            asked = Asked(head=head, body=json.loads(body or b"{}"))
            self.asked.append(asked)
            try:
                self.act(Wire(sock, self.protocol, asked))
            except OSError:  # it left while something was sent
                asked.left.set()
            with suppress(OSError):
                sock.shutdown(socket.SHUT_WR)


@contextmanager
def llm_server(protocol: Protocol, act: Act) -> Iterator[LlmServer]:
    """Serve until the block ends."""
    server = LlmServer(protocol, act)
    try:
        yield server
    finally:
        server.close()


def _request(sock: socket.socket) -> tuple[str, bytes]:
    """Read one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise OSError("nothing was asked")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next((int(one.split(":")[1]) for one in lines if one.startswith("content-length")), 0)
    while len(body) < length:
        body += sock.recv(65536)
    return head.decode("latin-1"), body


def saying(text: str, finish: str = "") -> Act:
    """Answer with a text, word by word."""

    def act(wire: Wire) -> None:
        wire.begin()
        for word in text.split(" "):
            wire.say(f"{word} ")
        wire.finish(finish)
        wire.end()

    return act


def tls_garbage(wire: Wire) -> None:
    """Bytes of another protocol."""
    wire.raw(b"\x15\x03\x01\x00\x02\x02\x46" + bytes(range(200)))


def html(wire: Wire) -> None:
    """A page of a proxy, as if all were well."""
    wire.whole("200 OK", "text/html", b"<html><body>Please log in.</body></html>")


def empty(wire: Wire) -> None:
    """Nothing, as if all were well."""
    wire.whole("200 OK", "application/json", b"")


def broken_event(wire: Wire) -> None:
    """An event that is no JSON, in the middle."""
    wire.begin()
    wire.say("The harbour ")
    wire.event('{"choices": [{"delta": {"content": "bri')
    wire.say("bridge opened in 1932. [1]")
    wire.end()


def reset(wire: Wire) -> None:
    """A connection that breaks in the middle."""
    wire.begin()
    wire.say("The harbour ")
    time.sleep(0.05)
    wire.reset()


def no_finish(wire: Wire) -> None:
    """A body that ends cleanly in the middle of the reply."""
    wire.begin()
    wire.say("The harbour bridge opened in 1932. [1] It ")
    wire.end()


def stall(wire: Wire) -> None:
    """Silence after the first words."""
    wire.begin()
    wire.say("The harbour ")
    wire.wait_until_left(30)


def silence(wire: Wire) -> None:
    """Not a byte."""
    wire.wait_until_left(30)


def drip(wire: Wire) -> None:
    """A word now and then, for ever."""
    wire.begin()
    for _ in range(600):
        wire.say("bridge ")
        time.sleep(0.05)


def endless(wire: Wire) -> None:
    """A hundred megabytes."""
    wire.begin()
    for _ in range(100 * 16):
        wire.say("bridge " * 9362)
    wire.finish()
    wire.end()


def one_event(wire: Wire) -> None:
    """A hundred megabytes before the first event, or line, has come to its end."""
    wire.begin()
    wire.chunk(b'data: {"')
    for _ in range(100):
        wire.chunk(_MEGABYTE)
    wire.end()


def error_page(wire: Wire) -> None:
    """An error that is told in a hundred megabytes."""
    wire.raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n\r\n" % (100 * len(_MEGABYTE)))
    for _ in range(100):
        wire.raw(_MEGABYTE)


def error_event(wire: Wire) -> None:
    """An error that is told in the middle of a stream."""
    wire.begin()
    wire.say("The harbour ")
    if wire.protocol == "ollama":
        wire.event({"error": "No. sk-CANARY-777"})
    else:
        error = {"type": "overloaded_error", "message": "No. sk-CANARY-777"}
        wire.event({"type": "error", "error": error})
    wire.end()
