"""One web address to bytes: over http or https, from a public address only, within limits of size and time.

The address that was checked is the one that is connected to, at every redirect anew: a name that is
resolved twice can lead somewhere else the second time (DNS rebinding). No cookies, no passwords, no
compression, which could hide a bomb. Nothing here is called unless a person has turned it on.
"""

from __future__ import annotations

import codecs
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from html import unescape
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeAlias
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from rag.errors import SourceError
from rag.sources.formats import KNOWN, SUPPORTED

SECONDS = 30.0
"""For all of it, redirects included; only the look-up of a name is left to the system's own limit."""
MOST_REDIRECTS = 3

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Host and port to addresses; may raise OSError."""

_BLOCK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUFFIXES = {media_type: suffix for suffix, media_type in reversed([*SUPPORTED.items()])} | {
    "text/x-markdown": ".md"
}
_VAGUE = frozenset({"", "application/octet-stream", "binary/octet-stream", "text/plain"})
"""Types that servers give what they do not know: the name in the address knows better."""
# Addresses of IPv6 that lead on to one of IPv4, which may be any.
_TUNNELS = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")))
MOST_LISTED = 200
"""Addresses of a site map that are read."""
_HEAD = 4_000
_SITE_MAP = re.compile(r"<(?:urlset|sitemapindex)\b")
_LISTED = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?\s*([^<>\s\]]{1,2000})")
_IN_PATH = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What stands at a web address."""

    url: str
    """Where it was found, after redirects."""
    name: str
    """A relative path for a file of it: host and path, with the extension of its type."""
    data: bytes


def fetch(
    url: str,
    *,
    max_bytes: int,
    seconds: float = SECONDS,
    resolve: Resolve | None = None,
    allows: Callable[[Address], bool] | None = None,
) -> Fetched:
    """Read a web address.

    Args:
        url: http or https.
        max_bytes: longer bodies are refused while they arrive.
        seconds: for all of it.
        resolve: finds the addresses of a host; None asks the system.
        allows: tells which addresses may be connected to; None for `is_public`.

    Raises:
        SourceError: `too_large`, `unsupported` (what is there is of no supported format) or
            `unreadable` (anything else, such as a private address or a page that is not there).
    """
    deadline = time.monotonic() + seconds
    at = url
    for _ in range(MOST_REDIRECTS + 1):
        parts = check_address(at)
        addresses = _checked(parts, resolve or _resolve, allows or is_public)
        with _asked(parts, addresses, deadline) as response:
            target = response.getheader("location")
            if response.status not in _REDIRECTS or target is None:
                return _fetched(parts, response, max_bytes)
            at = urljoin(at, target)
    raise _unreadable(f"{url!r} leads on to other addresses more than {MOST_REDIRECTS} times")


def listed_in(found: Fetched) -> tuple[str, ...]:
    """Return the addresses that a site map lists, of its own host, `MOST_LISTED` at most; none of what is no site map.

    The format is that of https://www.sitemaps.org/protocol.html; a map of maps lists these.
    """
    text = found.data.decode("utf-8", "replace")
    if not _SITE_MAP.search(text[:_HEAD]):
        return ()
    host = urlsplit(found.url).hostname
    listed = dict.fromkeys(unescape(match[1]) for match in _LISTED.finditer(text))
    own = (one for one in listed if _host_of(one) == host)
    return tuple(islice(own, MOST_LISTED))


def is_map(url: str) -> bool:
    """Tell whether an address that a site map lists is that of another one, by its name."""
    return urlsplit(url).path.lower().endswith(".xml")


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def check_address(url: str) -> SplitResult:
    """Return the parts of a web address that may be read, before anything is looked up.

    Raises:
        SourceError: `unreadable`.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise _unreadable(f"{url!r} is no web address; give one that begins with https://")
    if parts.username is not None or parts.password is not None:
        raise _unreadable(f"{url!r} carries a name or a password; leave them out")
    return parts


def is_public(address: Address) -> bool:
    """Tell whether an address is of the public internet: not of this machine, its network or a tunnel."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TUNNELS):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


class _Connection(http.client.HTTPConnection):
    """Connects to addresses that were checked, whatever the name resolves to by now."""

    def __init__(self, parts: SplitResult, addresses: Sequence[Address], deadline: float) -> None:
        self._tls = parts.scheme == "https"
        # Read when the port to name in the request is decided.
        self.default_port = 443 if self._tls else 80
        super().__init__(_ascii_host(parts), parts.port or self.default_port)
        self._addresses = addresses
        self._deadline = deadline
        self.wire: socket.socket | None = None
        """The socket, also once only the response still reads from it."""

    def connect(self) -> None:
        """Connect to the first checked address that answers."""
        error: OSError | None = None
        for address in self._addresses:
            left = max(0.001, self._deadline - time.monotonic())
            try:
                sock = socket.create_connection((str(address), self.port), left)
                break
            except OSError as exc:
                error = exc
        else:
            raise error or OSError("no address")
        if self._tls:
            sock = ssl.create_default_context().wrap_socket(
                sock, server_hostname=self.host, do_handshake_on_connect=False
            )
        self.sock = self.wire = sock
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()

    def cut(self) -> None:
        """End what is being read, from another thread."""
        if self.wire is not None:
            with suppress(OSError):
                # Of the plain socket: its TLS layer must not be taken apart under whoever reads.
                socket.socket.shutdown(self.wire, socket.SHUT_RDWR)


@contextmanager
def _asked(
    parts: SplitResult, addresses: Sequence[Address], deadline: float
) -> Iterator[http.client.HTTPResponse]:
    """Send the request; whatever is slow is cut off at the deadline, also what drips."""
    connection = _Connection(parts, addresses, deadline)
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        connection.cut()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), expire)
    timer.daemon = True
    timer.start()
    try:
        connection.request("GET", _target(parts), headers=_headers())
        with connection.getresponse() as response:
            yield response
        if expired.is_set():
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise _unreachable(parts, exc, timed_out=expired.is_set()) from exc
    finally:
        timer.cancel()
        connection.close()


def _headers() -> dict[str, str]:
    kinds = ", ".join(dict.fromkeys(SUPPORTED.values()))
    return {
        "User-Agent": "Footnote",
        "Accept": f"{kinds}, */*;q=0.1",
        "Accept-Encoding": "identity",
    }


def _fetched(parts: SplitResult, response: http.client.HTTPResponse, max_bytes: int) -> Fetched:
    url = parts._replace(fragment="").geturl()
    if response.status != 200:
        raise _unreadable(f"{url!r} answered {response.status} {response.reason}".rstrip())
    if response.getheader("content-encoding", "identity").lower() != "identity":
        raise _unreadable(f"{url!r} answered in a form that was not asked for (compressed)")
    media_type = response.headers.get_content_type()
    suffix = _suffix(media_type if "content-type" in response.headers else "", parts)
    if not suffix:
        raise SourceError(
            "unsupported", f"{url!r} is of no supported format ({KNOWN}) but {media_type!r}."
        )
    data = _body(url, response, max_bytes)
    if suffix in {".txt", ".md", ".html", ".xhtml", ".csv", ".tsv"}:
        data = _as_utf8(data, response.headers.get_content_charset(""))
    return Fetched(url=url, name=_name(parts, suffix), data=data)


def _body(url: str, response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    data = bytearray()
    while block := response.read1(_BLOCK):
        data += block
        if len(data) > max_bytes:
            raise SourceError(
                "too_large", f"{url!r} is larger than {max_bytes / 1e6:g} MB; raise max_file_mb."
            )
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(data)


def _as_utf8(data: bytes, charset: str) -> bytes:
    """Write text in UTF-8 where the server said that it is in something else: a file has no headers."""
    with suppress(LookupError, UnicodeDecodeError):
        if charset and codecs.lookup(charset).name != "utf-8":
            return codecs.BOM_UTF8 + data.decode(charset).encode("utf-8")
    return data


def _checked(
    parts: SplitResult, resolve: Resolve, allows: Callable[[Address], bool]
) -> tuple[Address, ...]:
    """Return the addresses of a host, all of which may be connected to."""
    host = _ascii_host(parts)
    try:
        found = resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    except (OSError, UnicodeError) as exc:
        raise _unreadable(f"{host!r} cannot be found; check the address") from exc
    addresses = tuple(dict.fromkeys(ip_address(one) for one in found))
    if not addresses or not all(map(allows, addresses)):
        raise _unreadable(
            f"{host!r} is an address of this machine or its network, which is not read from here;"
            " save the page and add the file"
        )
    return addresses


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise _unreadable(f"{host!r} is no name of a server") from exc


def _target(parts: SplitResult) -> str:
    query = f"?{quote(parts.query, safe=_IN_PATH + '?[]')}" if parts.query else ""
    return quote(parts.path or "/", safe=_IN_PATH) + query


def _suffix(media_type: str, parts: SplitResult) -> str:
    """Return the extension of what a server sends; empty where it is of no supported format."""
    named = PurePosixPath(unquote(parts.path)).suffix.lower()
    if media_type in _VAGUE and named in SUPPORTED:
        return named
    return _SUFFIXES.get(media_type, "")


def _name(parts: SplitResult, suffix: str) -> str:
    path = unquote(parts.path)
    path = f"{path}index" if path.endswith("/") else path or "/index"
    stem = path[: -len(PurePosixPath(path).suffix)] if PurePosixPath(path).suffix else path
    query = f" {unquote(parts.query)[:60]}" if parts.query else ""
    return f"{parts.hostname}{stem}{query.replace('/', ' ')}{suffix}"


def _unreadable(sentence: str) -> SourceError:
    return SourceError("unreadable", f"{sentence}.")


def _unreachable(parts: SplitResult, exc: Exception, *, timed_out: bool) -> SourceError:
    host = parts.hostname
    if timed_out or isinstance(exc, TimeoutError):
        return _unreadable(f"{host!r} did not send the page in time; try again later")
    if isinstance(exc, ssl.SSLError):
        return _unreadable(f"{host!r} cannot prove who it is ({exc.reason or exc})")
    return _unreadable(
        f"{host!r} cannot be read ({str(exc) or type(exc).__name__}); try again later"
    )
