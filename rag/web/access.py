"""The password of the web chat: HTTP Basic authentication (RFC 7617), with any user name.

Knows nothing of what is asked for. How often one may guess is limited.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.web.hardening import Refused

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.types import Scope

log = logging.getLogger(__name__)

N_GUESSES = 10
"""Different wrong passwords that an address may send in a time; then it is not heard until one is forgotten."""
FORGOTTEN = 60.0
"""Seconds after which a wrong password is forgotten."""
N_ADDRESSES = 4096
"""Addresses whose wrong passwords are remembered; the one that came first is forgotten first."""

_CHALLENGE = (b"www-authenticate", b'Basic realm="Footnote", charset="UTF-8"')
_NETWORK = 64  # bits of an IPv6 address that are one customer's


class Password:
    """Lets in whoever says the password.

    A delay for wrong ones would tell them from the right one and hold nobody back who asks in parallel. So a
    password is not even looked at once too many have come from its address. An open page that repeats an old
    one does not guess: the same one counts once.

    Args:
        password: not empty.
        clock: seconds, never going back.
    """

    def __init__(self, password: SecretStr, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Digests under a key of this process: of one length whatever was said, so that comparing them
        # takes one time, and no use to whoever reads the memory; a wrong password may be one of another place.
        self._key = secrets.token_bytes(32)
        self._right = self._digest(password.get_secret_value().encode("utf-8", "surrogateescape"))
        self._wrong: OrderedDict[str, dict[bytes, float]] = OrderedDict()

    def __call__(self, scope: Scope) -> None:
        """Let a request pass.

        Raises:
            Refused: it does not say the password, or its address may not guess at the moment.
        """
        said = _said(scope)
        if said is None:
            raise Refused(401, "This server wants a password.", [_CHALLENGE])
        address = _address(scope)
        wrong = self._recent(address)
        if len(wrong) >= N_GUESSES:
            wait = int(min(wrong.values()) + FORGOTTEN - self._clock()) + 1
            raise Refused(
                429,
                f"Too many wrong passwords came from here. Try again in {wait} s.",
                [(b"retry-after", str(wait).encode())],
            )
        digest = self._digest(said)
        if not hmac.compare_digest(digest, self._right):
            self._remember(address, wrong, digest)
            raise Refused(401, "The password is wrong.", [_CHALLENGE])

    def _digest(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")

    def _recent(self, address: str) -> dict[bytes, float]:
        """Return the wrong passwords of an address, with when each came first."""
        now = self._clock()
        wrong = self._wrong.get(address, {})
        return {digest: at for digest, at in wrong.items() if now - at < FORGOTTEN}

    def _remember(self, address: str, wrong: dict[bytes, float], digest: bytes) -> None:
        known = len(wrong)
        wrong.setdefault(digest, self._clock())
        self._wrong[address] = wrong
        if len(self._wrong) > N_ADDRESSES:
            self._wrong.popitem(last=False)
        if known < len(wrong) == N_GUESSES:
            log.warning("%d wrong passwords came from %s; it has to wait.", N_GUESSES, address)


def _said(scope: Scope) -> bytes | None:
    """Return the password that a request says; None where it says none in a form that can be read."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, credentials = given[0].partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except binascii.Error:
        return None
    _, colon, password = decoded.partition(b":")
    return password if colon else None


def _address(scope: Scope) -> str:
    """Return who counts as one: an IPv4 address, or an IPv6 network, in which anybody has many addresses."""
    name: str = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:  # how a socket for both sees IPv4
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))
