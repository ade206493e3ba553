"""Connections that are not waited for without an end, and of which nobody has all.

Uvicorn by itself keeps a connection that sends nothing, half of a head, or reads nothing, for as long as the other
side likes, and any number of them. Whoever only connects has said no password: this is looked at before anything else.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from rag.web.access import who

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

_BACKLOG = 64
_REFUSAL = (
    "There are too many connections from there at the moment. Close some, or try again in a while."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a connection is waited for, and how many there may be."""

    head: float = 10.0
    """Seconds, from its beginning or its last response, until the head of a request is there."""
    unread: float = 30.0
    """Seconds without anything of a response being read."""
    look: float = 1.0
    """Seconds between two looks at a connection."""
    most: int = 1024
    """Connections in all."""
    most_each: int = 256
    """Of one address; behind a proxy all people are one."""


def limits_here() -> Limits:
    """Return the limits that this process can keep: files and the index need descriptors too."""
    try:
        import resource
    except ImportError:  # not on Windows, where sockets are no descriptors of this kind
        return Limits()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = Limits()
    wanted = 2 * usual.most
    if soft < wanted and (hard == resource.RLIM_INFINITY or hard > soft):
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return usual
    most = max(16, min(usual.most, soft // 2))
    return Limits(most=most, most_each=min(usual.most_each, most // 2))


def options(limits: Limits) -> dict[str, Any]:
    """Return what uvicorn is to be told so that it keeps them.

    Args:
        limits: of one server.
    """
    protocol = cast(type[asyncio.Protocol], partial(Connection, Held(limits)))
    # As many as are accepted at a stretch, before any of them can be looked at.
    return {"http": protocol, "ws": "none", "backlog": min(_BACKLOG, limits.most // 2)}


class Held:
    """The connections of one server."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._held: dict[Connection, str] = {}
        """Each with whose it is, oldest first."""
        self._n: Counter[str] = Counter()

    def admit(self, connection: Connection, whose: str) -> bool:
        """Hold one more, in the place of the one that has waited longest; False where none waits.

        Args:
            connection: that has just been made.
            whose: address, or network, that counts as one.
        """
        for n, most, others in (
            (self._n[whose], self.limits.most_each, self._waiting(whose)),
            (len(self._held), self.limits.most, self._waiting()),
        ):
            if n < most:
                continue
            longest = min(others, key=lambda one: one.waits_since, default=None)
            if longest is None:
                return False
            longest.leave()
        self._held[connection] = whose
        self._n[whose] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """Count one less, if it was held."""
        whose = self._held.pop(connection, None)
        if whose is not None:
            self._n[whose] -= 1
            if not self._n[whose]:
                del self._n[whose]

    def _waiting(self, whose: str | None = None) -> Iterator[Connection]:
        """Yield those on which nothing is being answered, of one address or of all."""
        return (
            one
            for one, owner in self._held.items()
            if whose in {None, owner} and not one.is_answering
        )


class Connection(H11Protocol):
    """One connection; leaves when it has been waited for too long."""

    def __init__(self, held: Held, *args: Any, **options: Any) -> None:  # noqa: ANN401  (uvicorn's)
        super().__init__(*args, **options)
        self._all = held
        self._refused = False
        self._next_look: asyncio.TimerHandle | None = None
        self._unread = 0
        self._stalled_since = self.waits_since = self.loop.time()

    @property
    def is_answering(self) -> bool:
        """Tell whether a request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, unless there are too many."""
        super().connection_made(transport)
        self.waits_since = self.loop.time()
        if self._all.admit(self, who((self.client or ("",))[0])):
            self._look_later()
        else:
            self._refuse()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        if self._next_look is not None:
            self._next_look.cancel()
        self._all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; what comes after a refusal is not looked at."""
        if not self._refused:
            super().data_received(data)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def leave(self) -> None:
        """End the connection at once, whatever was not read."""
        self._all.forget(self)
        self.transport.abort()

    def _refuse(self) -> None:
        self._refused = True
        body = json.dumps({"error": _REFUSAL}).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nRetry-After: 10\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(self._all.limits.look, self._look)

    def _look(self) -> None:
        """Leave if it has been waited for too long."""
        now, limits = self.loop.time(), self._all.limits
        unread = self.transport.get_write_buffer_size()
        if unread < self._unread or not unread:
            self._stalled_since = now
        self._unread = unread
        is_silent = not self.is_answering and now - self.waits_since > limits.head
        if now - self._stalled_since > limits.unread or (is_silent and not unread):
            self.leave()
        else:
            self._look_later()
