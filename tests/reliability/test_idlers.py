"""R18: a server that others connect to and do not ask goes on answering those who do."""

from __future__ import annotations

import os
import resource
import socket

import pytest

from tests.reliability.serving import heed_interrupts, serving
from tests.reliability.world import documents, write

N_FILES = 256
"""Descriptors of the server, fewer than the connections."""
N_IDLE = 300
HALF = b"GET / HTTP/1.1\r\nHost: 127"

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow(reason="starts the server with the shipped models"),
]


def with_few_files():
    """Take from a process what a small machine does not have."""
    heed_interrupts()
    resource.setrlimit(resource.RLIMIT_NOFILE, (N_FILES, N_FILES))


def test_hundreds_that_are_silent_fill_no_server(tmp_path, figure):
    """R18: 300 connections, half of them with half of a head, to a server of 256 descriptors: it answers throughout.

    Seen to fail without a time for heads: /health was silent for as long as they were held.
    """
    write(tmp_path / "seeds", documents(5))
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    env |= {"RAG_SEEDS_DIR": str(tmp_path / "seeds"), "RAG_INDEX_DIR": str(tmp_path / "index")}
    with serving(env, tmp_path, prepare=with_few_files) as server:
        held, n_answered = [], 0
        for number in range(N_IDLE):
            made = socket.create_connection(("127.0.0.1", server.port), 60)
            made.sendall(HALF * (number % 2))
            held.append(made)
        while held:  # each is ended by the server, whatever it was sent
            assert 200 == server.send("GET", "/health")[0]
            n_answered += 1
            with held.pop() as one:
                assert ended(one)
        assert "complete" == server.ask("For how many coins is item1 sold?")[0]
    figure(f"R18: {N_IDLE} silent connections were ended, {n_answered} questions between answered")


def ended(connection):
    """Wait for the end of a connection."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
