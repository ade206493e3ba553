"""The password of the web chat: HTTP Basic authentication (RFC 7617), with any user name, or a bearer token.

Knows nothing of what is asked for. How often one may guess is limited.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import logging
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.web.collections import EVERYBODY, let_in
from rag.web.hardening import Refused

if TYPE_CHECKING:
    from typing import TypeAlias

    from pydantic import SecretStr
    from starlette.types import Scope

    from rag.web.collections import Person

    Recognise: TypeAlias = Callable[[bytes, bytes], Person | None]
    """Returns whose name and password it is; the name is empty with a token."""

log = logging.getLogger(__name__)

N_GUESSES = 10
"""Different wrong passwords that an address may send in a time; then looks at more have pauses between them."""
FORGOTTEN = 60.0
"""Seconds after which a wrong password is forgotten."""
N_LOOKS = 10
"""Wrong passwords of such an address that are looked at at once."""
PAUSE = 3.0
"""Seconds between two looks after that."""
N_ADDRESSES = 4096
"""Addresses whose wrong passwords are remembered by themselves; all others are one together."""

_CHALLENGE = (b"www-authenticate", b'Basic realm="Footnote", charset="UTF-8"')
_ONE_PASSWORD = "This server wants a password.", "The password is wrong."
_ACCOUNTS = (
    "This server wants a name and a password, or a token.",
    "The name, the password or the token is wrong.",
)
_COOKIE = b"footnote-been-in"
_ALL_OTHERS = "all other addresses together"
_NETWORK = 64  # bits of an IPv6 address that are one customer's


@dataclass(slots=True)
class _Guesses:
    """What is known of one address."""

    wrong: dict[bytes, float]
    """Digest of each wrong password, with when it came first."""
    looks_from: float = 0.0
    """When the next look at a password would be due if looks were taken one after another."""


class Password:
    """Lets in whoever says the password.

    A page that is open and repeats an old one does not guess: the same one counts once. From an address that has
    said too many wrong ones, passwords are looked at one by one, with a pause between two: guessing stays slow, and
    whoever knows the right one gets in, also where all people come from the address of one proxy. A browser that has
    been in carries a cookie, which only says so: with it, and the right password, there is no pause.

    Args:
        password: not empty; None where there are accounts.
        recognise: tells whose name and password, or token, was said.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        password: SecretStr | None = None,
        *,
        recognise: Recognise | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if (password is None) == (recognise is None):
            raise ValueError("there is either one password or accounts")
        self._clock = clock
        self._recognise = recognise
        self._wanted, self._wrong = _ONE_PASSWORD if recognise is None else _ACCOUNTS
        # Digests under a key of this process: of one length whatever was said, so that comparing them
        # takes one time, and no use to whoever reads the memory; a wrong password may be one of another place.
        self._key = secrets.token_bytes(32)
        right = password.get_secret_value() if password else secrets.token_hex()
        self._right = self._digest(right.encode("utf-8", "surrogateescape"))
        self._been_in = secrets.token_urlsafe(32).encode()
        self._known: OrderedDict[str, _Guesses] = OrderedDict()
        """By address; the one that has guessed last comes last."""

    def __call__(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """Let a request pass, and return what its response is to carry.

        Raises:
            Refused: it does not say the password, or none from its address is looked at at the moment.
        """
        given = _said(scope)
        if given is None:
            raise Refused(401, self._wanted, [_CHALLENGE])
        name, said = given
        has_been_in = self._has_been_in(scope)
        guesses = self._guesses(self._name(scope))
        is_locked = len(guesses.wrong) >= N_GUESSES and not has_been_in
        if is_locked and (later := self._later(guesses)):
            raise _locked(later, later)
        digest = self._digest(said if self._recognise is None else name + b"\0" + said)
        person = self._person(name, said, digest)
        if person is not None:
            let_in(scope, person)
            return () if has_been_in else (self._cookie(),)
        self._remember(self._name(scope), guesses, digest)
        if is_locked:
            guesses.looks_from = max(guesses.looks_from, self._clock()) + PAUSE
            raise _locked(min(guesses.wrong.values()) + FORGOTTEN - self._clock(), 0)
        raise Refused(401, self._wrong, [_CHALLENGE])

    def _person(self, name: bytes, said: bytes, digest: bytes) -> Person | None:
        """Return who says this; None for nobody who is known."""
        if self._recognise is not None:
            return self._recognise(name, said)
        return EVERYBODY if hmac.compare_digest(digest, self._right) else None

    def _digest(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")

    def _cookie(self) -> tuple[bytes, bytes]:
        said = b"=".join((_COOKIE, self._been_in))
        return b"set-cookie", said + b"; Path=/; HttpOnly; SameSite=Strict"

    def _has_been_in(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"cookie"]
        pairs = (pair.strip().partition(b"=") for value in given for pair in value.split(b";"))
        return any(
            name == _COOKIE and hmac.compare_digest(value, self._been_in)
            for name, _, value in pairs
        )

    def _name(self, scope: Scope) -> str:
        """Return under which name an address is remembered: where there are too many, all new ones share one."""
        name = who((scope.get("client") or ("",))[0])
        self._forget()
        return name if name in self._known or len(self._known) < N_ADDRESSES else _ALL_OTHERS

    def _guesses(self, name: str) -> _Guesses:
        """Return what is known of an address, without what has been forgotten."""
        now = self._clock()
        guesses = self._known.get(name) or _Guesses({})
        guesses.wrong = {one: at for one, at in guesses.wrong.items() if now - at < FORGOTTEN}
        return guesses

    def _later(self, guesses: _Guesses) -> float:
        """Return after how many seconds a password of a locked address is looked at; 0 for at once."""
        return max(0.0, guesses.looks_from - self._clock() - (N_LOOKS - 1) * PAUSE)

    def _remember(self, name: str, guesses: _Guesses, digest: bytes) -> None:
        known = len(guesses.wrong)
        if known < N_GUESSES:
            guesses.wrong.setdefault(digest, self._clock())
        self._known[name] = guesses
        self._known.move_to_end(name)
        if known < len(guesses.wrong) == N_GUESSES:
            log.warning("%d wrong passwords came from %s; it has to wait.", N_GUESSES, name)

    def _forget(self) -> None:
        """Forget addresses whose time is over, and no others: nobody is pushed out by others' guesses."""
        long_ago = self._clock() - FORGOTTEN
        while self._known:
            name, guesses = next(iter(self._known.items()))
            if max([*guesses.wrong.values(), guesses.looks_from]) > long_ago:
                break
            del self._known[name]


def _locked(wait: float, later: float) -> Refused:
    seconds = math.ceil(wait)
    return Refused(
        429,
        f"Too many wrong passwords came from here. Try again in {seconds} s.",
        [(b"retry-after", str(seconds).encode())],
        later=later,
    )


def _said(scope: Scope) -> tuple[bytes, bytes] | None:
    """Return the name and password that a request says, no name with a token; None where none can be read."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, credentials = given[0].partition(b" ")
    if scheme.lower() == b"bearer":  # what clients of OpenAI's protocol send as their key
        return (b"", credentials.strip()) if credentials.strip() else None
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except binascii.Error:
        return None
    name, colon, password = decoded.partition(b":")
    return (name, password) if colon else None


def who(name: str) -> str:
    """Return who counts as one: an IPv4 address, or an IPv6 network, in which anybody has many addresses.

    Args:
        name: the address of a client; one that is no IP address counts as itself.
    """
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:  # how a socket for both sees IPv4
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK), strict=False))
