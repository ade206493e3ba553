"""Which requests are let in, and what every response carries: an ASGI middleware around everything.

A page on another site must not read or ask anything here (Host and Origin are checked). Nothing is served
without the password where there is one, and nothing but what the pages use; no body is longer than it need
be; and the browser is told to load and send nothing elsewhere. Gradio 6.31 by itself answers any Host, takes
uploads from any origin and sends no policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Guard: TypeAlias = Callable[[Scope], None]
    """Raises `Refused` for a request that does not say who may ask."""

HEALTH = "/health"
"""The only path that is open to everybody; it must not say more than how the server is."""
MAX_BODY = 1_000_000
"""Bytes, unless a path has a limit of its own; a question and the settings of a page are far below."""

# Default deny: what Gradio's pages and the named endpoint use. Gradio's own uploads, files, proxies,
# monitoring, run history, editing and profiling are not among it.
OPEN_PATHS = frozenset(
    {
        "/",
        HEALTH,
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
_REPLACED = frozenset({name for name, _ in _HEADERS}) | {b"content-security-policy", b"server"}


class Refused(Exception):  # noqa: N818  (a decision, not a fault)
    """A request that is not let in.

    Attributes:
        status: of HTTP.
        headers: what the answer carries beside its message.
    """

    def __init__(
        self, status: int, message: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)


class Hardened:
    """Wraps an ASGI application.

    Args:
        app: what is protected.
        hosts: names by which the server may be addressed, lower case, without port; None for any,
            which wants a guard.
        guard: asks for the password, of everything but `HEALTH`.
        paths: open beside those that the pages use.
        bodies: most bytes of a request to a path, where that is not `MAX_BODY`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] | None,
        guard: Guard | None = None,
        paths: Collection[str] = (),
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        if hosts is None and guard is None:
            raise ValueError("a server that goes by any name wants a guard")
        self._app = app
        self._hosts = None if hosts is None else frozenset(hosts)
        self._guard = guard
        self._paths = OPEN_PATHS.union(paths)
        self._bodies = bodies or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a limit on the body and headers on the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            limit = self._bodies.get(scope["path"], MAX_BODY)
            request = _Request(receive, send, is_page=scope["path"] == "/", limit=limit)
            try:
                self._check(scope, limit)
                await self._app(_passed_on(scope), request.receive, request.send)
                request.check()
            except Refused as refusal:
                await request.refuse(refusal)

    # A websocket is neither: nothing here uses one, and returning closes it.

    def _check(self, scope: Scope, limit: int) -> None:
        """Look at a request's head.

        Raises:
            Refused: the host is not ours, the password is not said, the path is not open, the request
                comes from another site or is too long.
        """
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        host = _HOST.fullmatch(headers.get(b"host", ""))
        # With a password the name may be any. A page whose own name was made to point here (DNS
        # rebinding) is one origin with us then, but the browser gives what was typed at our name to our
        # name alone: that page hears 401, as everybody does.
        if host is None or (self._hosts is not None and host[1] not in self._hosts):
            raise Refused(400, "This server does not go by that name.")
        if self._guard is not None and scope["path"] != HEALTH:
            self._guard(scope)
        if scope["path"] not in self._paths and not scope["path"].startswith(OPEN_FOLDERS):
            raise Refused(404, "There is nothing here.")
        if scope["method"] not in _SAFE_METHODS:
            _check_sender(headers, host[0])
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

    def __init__(self, receive: Receive, send: Send, *, is_page: bool, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._is_page = is_page
        self._limit = limit
        self._n_received = 0
        self._started = False
        self._page: Message | None = None
        self._body = b""

    async def receive(self) -> Message:
        """Pass on what arrives, and count it: a body sent in pieces tells no length beforehand."""
        message = await self._receive()
        self._n_received += len(message.get("body", b""))
        if self._n_received > self._limit:
            return {"type": "http.disconnect"}
        return message

    def check(self) -> None:
        """Refuse a request whose body was not taken, whatever the application makes of half of it."""
        if self._n_received > self._limit and not self._started:
            raise _too_long(self._limit)

    async def send(self, message: Message) -> None:
        """Add the headers and pass on."""
        self.check()
        if message["type"] == "http.response.start":
            self._started = True
            if self._is_page:
                self._page = message
            else:
                await self._send(_with_headers(message, _POLICY.format(scripts="")))
        elif self._page is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send(_with_headers(self._page, page_policy(self._body)))
                await self._send({"type": "http.response.body", "body": self._body})

    async def refuse(self, refusal: Refused) -> None:
        """Answer with a status and a sentence, unless an answer is already under way."""
        if self._started:
            return
        body = json.dumps({"error": str(refusal)}).encode()
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


def _too_long(limit: int) -> Refused:
    return Refused(413, f"Requests are limited to {limit:,} bytes.")


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
