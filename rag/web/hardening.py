"""Which requests are let in, and what every response carries: an ASGI middleware around everything.

A page on another site must not read or ask anything here (Host and Origin are checked). Nothing is served
without the password where there is one, and nothing but what the pages use; no body is longer than it need
be; and the browser is told to load and send nothing elsewhere. Gradio 6.31 by itself answers any Host, takes
uploads from any origin and sends no policy.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Header: TypeAlias = tuple[bytes, bytes]
    Guard: TypeAlias = Callable[[Scope], Sequence[Header] | None]
    """Raises `Refused` for a request that does not say who may ask; returns what the response is to carry."""

Wording: TypeAlias = Callable[[int, str], Mapping[str, object]]
"""Says what is refused as data: from the status and a sentence."""

HEALTH = "/health"
"""Open to everybody; it must not say more than how the server is."""
READY = "/ready"
"""Says only whether questions can be asked; as open."""
MAX_BODY = 1_000_000
"""Bytes, unless a path has a limit of its own; a question and the settings of a page are far below."""

# Default deny: what Gradio's pages and the named endpoint use. Gradio's own uploads, files, proxies,
# monitoring, run history, editing and profiling are not among it.
OPEN_PATHS = frozenset(
    {
        "/",
        HEALTH,
        READY,
        "/config",
        "/favicon.ico",
        "/footnote.js",
        "/kept.js",
        "/keys.js",
        "/manifest.json",
        "/peek.js",
        "/robots.txt",
        "/sources.js",
        "/theme.css",
        "/uploads",
        "/gradio_api/app_id",
        "/gradio_api/cancel",
        "/gradio_api/info",
        "/gradio_api/queue/data",
        "/gradio_api/queue/join",
        "/gradio_api/reset",
        "/gradio_api/startup-events",
    }
)
OPEN_FOLDERS = (
    "/assets/",
    "/static/",
    "/svelte/",
    "/gradio_api/call/",
    "/gradio_api/heartbeat/",
    "/gradio_api/run/",
    "/pages/",
    "/reports/",
)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SCRIPT = re.compile(rb"<script(?:\s[^>]*)?>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; media-src 'none'; font-src 'self' data:; connect-src 'self';"
    " frame-src 'none'; worker-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_CLOSE = (b"connection", b"close")
_TOO_SLOW = "This request came too slowly, and was not waited for. Try again."
_MOST_LATER = 16
"""Requests that wait for the guard at the same time."""
_REPLACED = frozenset({name for name, _ in _HEADERS}) | {b"content-security-policy", b"server"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the body of a request has to come: a byte now and then would hold a place for ever."""

    grace: float = 30.0
    """Seconds that every body is given."""
    rate: float = 16_384.0
    """Bytes a second, of what comes later."""
    longest: float = 900.0
    """Seconds after which a body has to be there, however long it is."""

    def due(self, n_received: int) -> float:
        """Return the seconds, from its beginning, until which more of a body has to come."""
        return min(self.grace + n_received / self.rate, self.longest)


class Refused(Exception):  # noqa: N818  (a decision, not a fault)
    """A request that is not let in.

    Attributes:
        status: of HTTP.
        headers: what the answer carries beside its message.
        later: seconds after which the same request may be let in; 0 where that is not worth waiting for.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Sequence[Header] = (),
        *,
        later: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)
        self.later = later


_PACE = Pace()


class Hardened:
    """Wraps an ASGI application.

    Args:
        app: what is protected.
        hosts: names by which the server may be addressed, lower case, without port; None for any,
            which wants a guard.
        guard: asks for the password, of everything but `HEALTH` and `READY`.
        paths: open beside those that the pages use; one with a slash at its end, with all below it.
        bodies: most bytes of a request to a path, where that is not `MAX_BODY`.
        wordings: by the beginning of a path, how a refusal is told there, from its status and its sentence.
        pace: of every body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] | None,
        guard: Guard | None = None,
        paths: Collection[str] = (),
        bodies: Mapping[str, int] | None = None,
        wordings: Mapping[str, Wording] | None = None,
        pace: Pace = _PACE,
    ) -> None:
        if hosts is None and guard is None:
            raise ValueError("a server that goes by any name wants a guard")
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)
        self._guard = guard
        self._paths = OPEN_PATHS.union(paths)
        self._folders = (*OPEN_FOLDERS, *(path for path in paths if path.endswith("/")))
        self._bodies = bodies or {}
        self._wordings = wordings or {}
        self._pace = pace
        self._n_later = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with limits on the body and headers on the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            limit = self._bodies.get(scope["path"], MAX_BODY)
            is_page = scope["path"] == "/"
            request = _Request(receive, send, is_page=is_page, limit=limit, pace=self._pace)
            try:
                host = self._check_host(scope)
                request.headers = await self._let_in(scope)
                self._check(scope, host, limit)
                await self._app(_passed_on(scope), request.receive, request.send)
                request.check()
            except Refused as refusal:
                words = (
                    word for at, word in self._wordings.items() if scope["path"].startswith(at)
                )
                await request.refuse(refusal, next(words, _worded))

    # A websocket is neither: nothing here uses one, and returning closes it.

    def _check_host(self, scope: Scope) -> str:
        """Return the name by which the server is addressed.

        Raises:
            Refused: it is not ours.
        """
        said = [value for name, value in scope["headers"] if name == b"host"]
        host = _HOST.fullmatch(said[0].decode("latin-1").lower()) if len(said) == 1 else None
        # With a password the name may be any. A page whose own name was made to point here (DNS
        # rebinding) is one origin with us then, but the browser gives what was typed at our name to our
        # name alone: that page hears 401, as everybody does.
        if host is None or (self._hosts is not None and host[1] not in self._hosts):
            raise Refused(400, "This server does not go by that name.")
        return host[0]

    async def _let_in(self, scope: Scope) -> tuple[Header, ...]:
        """Ask the guard, once more where waiting a little helps; return what the response is to carry.

        Raises:
            Refused: it lets nobody in.
        """
        if self._guard is None or scope["path"] in {HEALTH, READY}:
            return ()
        try:
            return tuple(self._guard(scope) or ())
        except Refused as refusal:
            if not refusal.later or self._n_later >= _MOST_LATER:
                raise
            later = refusal.later
        self._n_later += 1
        try:
            await asyncio.sleep(later)
        finally:
            self._n_later -= 1
        return tuple(self._guard(scope) or ())

    def _check(self, scope: Scope, host: str, limit: int) -> None:
        """Look at the rest of a request's head.

        Raises:
            Refused: the path is not open, the request comes from another site or is too long.
        """
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        if scope["path"] not in self._paths and not scope["path"].startswith(self._folders):
            raise Refused(404, "There is nothing here.")
        if scope["method"] not in _SAFE_METHODS:
            _check_sender(headers, host)
            length = headers.get(b"content-length", "0")
            if not length.isdecimal() or int(length) > limit:
                raise _too_long(limit)


def _check_sender(headers: Mapping[bytes, str], host: str) -> None:
    """Refuse what a page of another site has sent: a browser adds the password to that too."""
    # Programs that are no browser send neither header.
    origin = headers.get(b"origin")
    if headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"} or (
        origin is not None and origin.partition("://")[2] != host
    ):
        raise Refused(403, "Requests from other sites are not answered.")


class _Request:
    """One request: counts what arrives, and holds the page back until the scripts in it are known.

    Scripts run in the page only: in a report of an evaluation stand texts of anybody.
    """

    def __init__(
        self, receive: Receive, send: Send, *, is_page: bool, limit: int, pace: Pace
    ) -> None:
        self.headers: tuple[Header, ...] = ()
        """What the response is to carry besides."""
        self._receive = receive
        self._send = send
        self._is_page = is_page
        self._limit = limit
        self._pace = pace
        self._began = asyncio.get_running_loop().time()
        self._n_received = 0
        self._is_whole = False
        self._is_late = False
        self._started = False
        self._page: Message | None = None
        self._body = b""

    async def receive(self) -> Message:
        """Pass on what arrives in time, and count it: a body sent in pieces tells no length beforehand."""
        if self._is_late:
            return {"type": "http.disconnect"}
        due = None if self._is_whole else self._began + self._pace.due(self._n_received)
        try:
            async with asyncio.timeout_at(due):
                message = await self._receive()
        except TimeoutError:
            self._is_late = True
            return {"type": "http.disconnect"}
        self._n_received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._n_received > self._limit:
            return {"type": "http.disconnect"}
        return message

    def check(self) -> None:
        """Refuse a request whose body was not taken, whatever the application makes of half of it."""
        if self._started:
            return
        if self._n_received > self._limit:
            raise _too_long(self._limit)
        if self._is_late:
            raise Refused(408, _TOO_SLOW, [_CLOSE])

    async def send(self, message: Message) -> None:
        """Add the headers and pass on."""
        self.check()
        if message["type"] == "http.response.start":
            self._started = True
            if self._is_page:
                self._page = message
            else:
                await self._pass_on(message, _POLICY.format(scripts=""))
        elif self._page is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._pass_on(self._page, page_policy(self._body))
                await self._send({"type": "http.response.body", "body": self._body})

    async def _pass_on(self, message: Message, policy: str) -> None:
        message = {**message, "headers": [*message["headers"], *self.headers]}
        await self._send(_with_headers(message, policy))

    async def refuse(self, refusal: Refused, worded: Wording) -> None:
        """Answer with a status and a sentence, unless an answer is already under way."""
        if self._started:
            return
        body = json.dumps(worded(refusal.status, str(refusal))).encode()
        start = {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                *refusal.headers,
            ],
        }
        await self._send(_with_headers(start, _POLICY.format(scripts="")))
        await self._send({"type": "http.response.body", "body": body})


def _worded(_: int, sentence: str) -> dict[str, object]:
    return {"error": sentence}


def _too_long(limit: int) -> Refused:
    return Refused(413, f"Requests are limited to {limit:,} bytes.", [_CLOSE])


def page_policy(page: bytes) -> str:
    """Return a page's content security policy: no inline script runs that it did not come with."""
    digests = (hashlib.sha256(script).digest() for script in _SCRIPT.findall(page) if script)
    sources = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return _POLICY.format(scripts=sources)


def _with_headers(message: Message, policy: str) -> Message:
    kept = [
        (name, value)
        for name, value in message["headers"]
        if name.lower() not in _REPLACED and not name.lower().startswith(b"access-control-")
    ]
    kept += [*_HEADERS, (b"content-security-policy", policy.encode())]
    return {**message, "headers": kept}


def _passed_on(scope: Scope) -> Scope:
    """Keep the password from the application, and ask for the page uncompressed: its scripts are read."""
    dropped = {b"authorization"}
    if scope["path"] == "/":
        dropped.add(b"accept-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    return {**scope, "headers": headers}
