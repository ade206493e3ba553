"""Bounds what comes over the wire: the body of a response is read to a size, and no further.

A library shows what a model says once it has read an event, a line, or the page of an error to its end, and a server
can make each of these as long as it likes. So bytes are counted where they come in. Knows no provider.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeAlias

PER_BYTE = 64
"""Bytes on the wire for one byte of text: a short word is an event of its own, with names and numbers around it."""

ALIVE: ContextVar[Callable[[], None] | None] = ContextVar("ALIVE", default=None)
"""Told of every comment that a stream brings, by which a server says that it is at work; libraries drop them."""

Hooks: TypeAlias = Mapping[str, list[Callable[[Any], Awaitable[None]]]]
"""`event_hooks` of an asynchronous client."""


class BodyTooLongError(Exception):
    """A server sent more than it may.

    Attributes:
        most_bytes: what it may.
    """

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"the body has more than {most_bytes} bytes")
        self.most_bytes = most_bytes


def bounds(library: ModuleType, most_bytes: int) -> Hooks:
    """Return the hooks that bound every response of a client.

    Hooks and no transport: a client that is given one heeds no proxy of the environment.

    Args:
        library: httpx or httpx2, whose client it is.
        most_bytes: of one body; reading more raises BodyTooLongError.
    """
    body = type("Body", (_Body, library.AsyncByteStream), {})

    async def ask_plain(request: Any) -> None:  # noqa: ANN401  (of either library)
        request.headers["accept-encoding"] = "identity"

    async def bound(response: Any) -> None:  # noqa: ANN401
        # Packed, a few bytes could be any number; what was not asked for is not unpacked.
        response.headers.pop("content-encoding", None)
        response.stream = body(response.stream, most_bytes)

    return {"request": [ask_plain], "response": [bound]}


class _Body:
    """A body that ends in an error where it is too long.

    Args:
        stream: the body as it comes.
        most_bytes: of it that are passed on.
    """

    def __init__(self, stream: Any, most_bytes: int) -> None:  # noqa: ANN401
        self._stream = stream
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        n_bytes, alive = 0, ALIVE.get()
        async with aclosing(aiter(self._stream)) as pieces:
            async for piece in pieces:
                n_bytes += len(piece)
                if n_bytes > self._most_bytes:
                    raise BodyTooLongError(self._most_bytes)
                if alive is not None and (piece.startswith(b":") or b"\n:" in piece):
                    alive()
                yield piece

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._stream.aclose()
