"""Nobody holds a server by connecting to it: neither by silence nor by many, and before any password."""

from __future__ import annotations

import asyncio
import builtins
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn

from rag.web import connections
from rag.web.connections import Limits, limits_here, options

SOON = Limits(head=0.3, unread=0.3, look=0.02, most=12, most_each=6)
PATIENT = Limits(head=60, unread=60, look=0.02, most=12, most_each=6)
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class App:
    """Answers at once, when it is let, without an end, or never reads what it is sent."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.n_waiting = threading.Semaphore(0)
        self.left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Do what the path says."""
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/wait":
            self.n_waiting.release()
            await asyncio.to_thread(self.go_on.wait, 60)
        if scope["path"] == "/endless":
            await self._pour(receive, send)
        await send({"type": "http.response.body", "body": b"done"})

    async def _pour(self, receive: Any, send: Any) -> None:
        async def until_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()

        leaving = asyncio.create_task(until_left())
        while not self.left.is_set():
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
        await leaving


@contextmanager
def serving(limits: Limits) -> Iterator[tuple[App, int]]:
    """Run a real server in a thread; yield what answers, and the port."""
    app = App()
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", **options(limits))
    server = uvicorn.Server(config)
    running = threading.Event()
    startup = server.startup

    async def started(*args: Any, **kwargs: Any) -> None:
        await startup(*args, **kwargs)
        running.set()

    server.startup = started
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    assert running.wait(60)
    try:
        yield app, server.servers[0].sockets[0].getsockname()[1]
    finally:
        app.go_on.set()
        server.should_exit = True
        thread.join()


def connect(port: int, sent: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    """Connect from an address of this machine, and send something."""
    made = socket.create_connection(("127.0.0.1", port), 60, source_address=(address, 0))
    made.sendall(sent)
    return made


def rest(connection: socket.socket) -> bytes:
    """Return all that comes until the other side ends it."""
    said = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            said += piece
    return said


def answered(port: int, **options: str) -> bool:
    """Tell whether a request is answered."""
    with connect(
        port, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") % b"", **options
    ) as one:
        return rest(one).startswith(b"HTTP/1.1 200")


def is_open(connection: socket.socket) -> bool:
    """Tell whether the other side still holds it."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        connection.setblocking(True)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", GET % b""])
def test_who_does_not_ask_is_left(sent: bytes):
    """One that sends nothing, half of a head, or nothing more after an answer."""
    with serving(SOON) as (_, port), connect(port, sent) as connection:
        said = rest(connection)
    assert (b"done" in said) == sent.endswith(b"\r\n\r\n")


def test_who_drips_is_left():
    """A byte now and then is no head."""
    with serving(SOON) as (_, port), connect(port) as connection:
        n_sent = 0
        with suppress(ConnectionError):
            while is_open(connection):
                connection.sendall((b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000)[n_sent : n_sent + 1])
                n_sent += 1
        assert 0 < n_sent < 60_000


def test_who_drips_behind_a_request_that_was_answered_is_left():
    """Neither is what follows an answer: the rest of a body that nobody wanted, or half of the next head."""
    posted = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
    for begun in (posted, GET % b"" + b"GET / HTTP/1.1\r\nX: "):
        with serving(SOON) as (_, port), connect(port, begun) as connection:
            said = b""
            with suppress(ConnectionError):
                while True:
                    connection.sendall(b"x")
                    connection.settimeout(0.01)
                    with suppress(TimeoutError):
                        piece = connection.recv(65536)
                        if not piece:
                            break
                        said += piece
            assert b"done" in said


def test_who_waits_for_an_answer_is_not_left():
    """A model may think for as long as it likes."""
    with serving(SOON) as (app, port), connect(port, GET % b"wait") as connection:
        assert app.n_waiting.acquire(timeout=60)
        with connect(port) as silent:  # is left, so that more than the time has gone by
            assert b"" == rest(silent)
        app.go_on.set()
        assert rest(connection).endswith(b"done\r\n0\r\n\r\n")


def test_who_reads_nothing_is_left():
    """A stream that is opened and not read gives back what it holds, and what makes it hears so."""
    with serving(SOON) as (app, port), connect(port, GET % b"endless") as connection:
        assert connection.recv(10)
        assert app.left.wait(60)
        assert not app.go_on.is_set()
        assert answered(port)


def test_nobody_takes_all_by_being_silent():
    """The one that has waited longest makes room; what is being answered stays."""
    with serving(PATIENT) as (app, port), connect(port, GET % b"wait") as asking:
        assert app.n_waiting.acquire(timeout=60)
        idle = [connect(port) for _ in range(5)]
        assert answered(port)
        assert b"" == rest(idle[0])
        assert [True] * 4 == [is_open(one) for one in idle[1:]]
        app.go_on.set()
        assert rest_of_answer(asking).endswith(b"done\r\n0\r\n\r\n")
        for one in idle:
            one.close()


def rest_of_answer(connection: socket.socket) -> bytes:
    """Return an answer in pieces, whole."""
    said = b""
    while not said.endswith(b"0\r\n\r\n"):
        said += connection.recv(65536)
    return said


def test_where_all_are_being_answered_one_more_is_refused():
    """With a sentence, whatever it asks; others are not concerned, and one that ends makes room."""
    with serving(PATIENT) as (app, port):
        asking = [connect(port, GET % b"wait") for _ in range(6)]
        for _ in asking:
            assert app.n_waiting.acquire(timeout=60)
        with connect(port) as refused:
            head, _, body = rest(refused).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert json.loads(body)["error"].startswith("There are too many connections from there")
        if sys.platform == "linux":  # where all of 127/8 is this machine
            assert answered(port, address="127.0.0.9")
        app.go_on.set()
        for one in asking:
            assert rest_of_answer(one).endswith(b"done\r\n0\r\n\r\n")
            one.close()
        assert answered(port)


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127/8 is this machine on Linux only")
def test_many_addresses_together_have_a_limit_too():
    """Whoever comes next is still heard."""
    with serving(PATIENT) as (_, port):
        idle = [connect(port, address=f"127.0.1.{number // 5}") for number in range(40)]
        assert answered(port, address="127.0.2.1")
        assert sum(map(is_open, idle)) < PATIENT.most
        for one in idle:
            one.close()


def test_the_limits_leave_descriptors_for_everything_else(monkeypatch: pytest.MonkeyPatch):
    """Half of what a process may have; it asks for more where it may."""
    resource = pytest.importorskip("resource")
    known = {"limit": (256, 256)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: known["limit"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: known.update(limit=both))
    assert (128, 64) == (limits_here().most, limits_here().most_each)
    known["limit"] = (1024, 4096)
    assert Limits() == limits_here()
    assert (2048, 4096) == known["limit"]
    known["limit"] = (256, resource.RLIM_INFINITY)
    assert Limits() == limits_here()
    known["limit"] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert Limits() == limits_here()


def test_there_are_limits_where_a_system_has_no_such_number(monkeypatch: pytest.MonkeyPatch):
    """Windows."""
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "resource":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert Limits() == connections.limits_here()
