"""What comes over the wire is read to a size: whichever library reads it, and however it is packed."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import httpx2
import pytest

from rag.chat.wire import BodyTooLongError, bounds

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda one: one.__name__)


def read(library, pieces, most_bytes, **headers):
    """What a client with our bounds reads of a body, and what it asked and left behind."""
    seen = {}

    class Stream(library.AsyncByteStream):
        async def __aiter__(self):
            for n, piece in enumerate(pieces, start=1):
                seen["pieces"] = n
                yield piece

        async def aclose(self):
            seen["closed"] = True

    async def answer(request):
        seen["asked"] = request.headers["accept-encoding"]
        return library.Response(200, headers=headers, stream=Stream())

    async def ask():
        transport = library.MockTransport(answer)
        hooks = bounds(library, most_bytes)
        async with (
            library.AsyncClient(transport=transport, event_hooks=hooks) as client,
            client.stream("GET", "http://model.example/") as response,
        ):
            return await response.aread()

    try:
        seen["body"] = asyncio.run(ask())
    except BodyTooLongError as exc:
        seen["most"] = exc.most_bytes
    return seen


@LIBRARIES
def test_a_body_that_is_not_too_long_is_read_whole(library):
    """Up to the last byte that it may have."""
    seen = read(library, [b"12345", b"67890"], 10)

    assert b"1234567890" == seen["body"]
    assert seen["closed"]


@LIBRARIES
def test_a_body_that_is_too_long_is_given_up(library):
    """At the piece that makes it so, and its connection is let go."""
    seen = read(library, [b"12345", b"67890", b"x", b"y", b"z"], 10)

    assert 10 == seen["most"]
    assert 3 == seen["pieces"]
    assert seen["closed"]


@LIBRARIES
def test_nothing_is_unpacked(library):
    """A few bytes could be any number: plain ones are asked for, and others are left as they are."""
    packed = gzip.compress(bytes(1000))
    seen = read(library, [packed], 100, **{"content-encoding": "gzip"})

    assert "identity" == seen["asked"]
    assert packed == seen["body"]
