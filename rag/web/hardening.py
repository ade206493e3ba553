"""Which requests are let in, and what every response carries: an ASGI middleware around everything.

A page on another site must not read or ask anything here (Host and Origin are checked), nothing but
what the pages use is served, no body is longer than it need be, and the browser is told to load and
send nothing elsewhere. Gradio 6.31 by itself answers any Host, takes uploads from any origin and
sends no policy.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1_000_000
"""Bytes; a question and the settings of a page are far below."""

# Default deny: what Gradio's pages and the named endpoint use. Uploads, files, proxies, monitoring,
# run history, editing and profiling are not among it.
_OPEN_PATHS = frozenset(
    {
        "/",
        "/health",
        "/config",
        "/favicon.ico",
        "/footnote.js",
        "/manifest.json",
        "/robots.txt",
        "/theme.css",
        "/gradio_api/app_id",
        "/gradio_api/cancel",
        "/gradio_api/info",
        "/gradio_api/queue/data",
        "/gradio_api/queue/join",
        "/gradio_api/reset",
        "/gradio_api/startup-events",
    }
)
_OPEN_FOLDERS = (
    "/assets/",
    "/static/",
    "/svelte/",
    "/gradio_api/call/",
    "/gradio_api/heartbeat/",
    "/gradio_api/run/",
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
_TOO_LONG = (413, f"Requests are limited to {MAX_BODY:,} bytes.")


class Refused(Exception):  # noqa: N818  (a decision, not a fault)
    """A request that is not let in."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Hardened:
    """Wraps an ASGI application.

    Args:
        app: what is protected.
        hosts: names by which the server may be addressed, lower case, without port.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a limit on the body and headers on the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            request = _Request(receive, send)
            try:
                check(scope, self._hosts)
                await self._app(_plain(scope), request.receive, request.send)
            except Refused as refusal:
                await request.refuse(refusal)

    # A websocket is neither: nothing here uses one, and returning closes it.


def check(scope: Scope, hosts: Collection[str]) -> None:
    """Look at a request's head.

    Raises:
        Refused: the host is not ours, the path is not open, the request comes from another site
            or is too long.
    """
    headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
    host = _HOST.fullmatch(headers.get(b"host", ""))
    if host is None or host[1] not in hosts:
        raise Refused(400, "This server does not go by that name.")
    if scope["path"] not in _OPEN_PATHS and not scope["path"].startswith(_OPEN_FOLDERS):
        raise Refused(404, "There is nothing here.")
    if scope["method"] in _SAFE_METHODS:
        return
    # Programs that are no browser send neither header.
    origin = headers.get(b"origin")
    if headers.get(b"sec-fetch-site", "none") not in {"same-origin", "none"} or (
        origin is not None and urlsplit(origin).netloc != host[0]
    ):
        raise Refused(403, "Requests from other sites are not answered.")
    length = headers.get(b"content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise Refused(*_TOO_LONG)


class _Request:
    """One request: counts what arrives, and holds a page back until the scripts in it are known."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._n_received = 0
        self._started = False
        self._page: Message | None = None
        self._body = b""

    async def receive(self) -> Message:
        """Pass on what arrives, and count it: a body sent in pieces tells no length beforehand."""
        message = await self._receive()
        self._n_received += len(message.get("body", b""))
        if self._n_received > MAX_BODY:
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Add the headers and pass on."""
        if self._n_received > MAX_BODY and not self._started:
            # Whatever the application makes of half a body, this is what was wrong.
            raise Refused(*_TOO_LONG)
        if message["type"] == "http.response.start":
            self._started = True
            if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html"):
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
            ],
        }
        await self._send(_with_headers(start, _POLICY.format(scripts="")))
        await self._send({"type": "http.response.body", "body": body})


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


def _plain(scope: Scope) -> Scope:
    """Ask for the page uncompressed, so that the scripts in it can be read."""
    if scope["path"] != "/":
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}
