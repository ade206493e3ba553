"""Keys of providers in the system's keyring: kept there, found there, and written into no file of ours.

A key is kept for one provider at one address, and found for just that one: whoever changes the address gets no key with
it. The `keyring` library is an extra; without it, or where the system offers no keyring, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from threading import Thread
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

SERVICE = "footnote"
"""Under which name the system lists what is kept."""

KeyFrom: TypeAlias = Literal["environment", "kept"]
"""Whose key a server at an address of its own is sent."""

_RECOMMENDED = 1
"""Priority of a backend of `keyring` from which on it is safe by its own judgement; below are plain files, or none."""
_PATIENCE = 30.0
"""Seconds that a keyring may take, which may ask the person whether to open."""
_T = TypeVar("_T")


class Vault(Protocol):
    """What is needed of a backend of `keyring`."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that are kept.

    Args:
        vault: keeps them; None where there is nothing that could.
        why_not: a phrase on why there is nothing.
    """

    vault: Vault | None
    why_not: str = ""

    @property
    def name(self) -> str:
        """What the system calls it; empty where there is none."""
        return "" if self.vault is None else str(getattr(self.vault, "name", "") or "keyring")

    def find(self, provider: str, address: str = "") -> str:
        """Return the key of a provider at an address; empty where none is kept, or it cannot be read.

        Args:
            provider: such as openai.
            address: a URL; empty for the provider's own.
        """
        vault = self.vault
        if vault is None:
            return ""
        return _in_time(lambda: vault.get_password(SERVICE, _entry(provider, address))) or ""

    def keep(self, provider: str, address: str, key: str) -> bool:
        """Keep a key in place of another, and return whether that is done: whether it can be read again."""
        vault = self.vault
        if vault is None:
            return False
        _in_time(lambda: vault.set_password(SERVICE, _entry(provider, address), key))
        return self.find(provider, address) == key

    def given(self, provider: str, address: str, key_from: KeyFrom) -> str | None:
        """Return what a server is sent: the kept key before that of the environment.

        Args:
            provider: such as openai.
            address: empty for the provider's own.
            key_from: `kept` lets the environment's go to the provider's own address alone.

        Returns:
            A key; '' for none at all; None for that of the environment.
        """
        kept = self.find(provider, address)
        return kept or ("" if address and key_from == "kept" else None)


@cache
def system_keyring() -> Keyring:
    """Return the keyring of this system, looked for once."""
    try:
        library = import_module("keyring")
    except ImportError:
        return Keyring(None, "the package keyring is not installed")
    backend = _in_time(library.get_keyring)
    if backend is None or not _in_time(lambda: _is_safe(backend)):
        return Keyring(None, "this system offers no keyring")
    return Keyring(backend)


def _is_safe(backend: Any) -> bool:  # noqa: ANN401  (of a library that is imported when used)
    """Tell whether a backend keeps keys for their owner only; of several in one, the first is written to."""
    first = next(iter(getattr(backend, "backends", ())), backend)
    return float(first.priority) >= _RECOMMENDED


def _entry(provider: str, address: str) -> str:
    """Return under which name a key is kept."""
    return f"{provider}@{address.rstrip('/')}" if address else provider


def _in_time(call: Callable[[], _T]) -> _T | None:
    """Return what a call gives; None where it fails, or waits for somebody who is not there.

    Backends raise what they like, and some wait for ever for a person to unlock them.
    """
    given: list[Any] = []

    def run() -> None:
        try:
            given.append(call())
        except Exception:  # noqa: BLE001  (each backend has its own, and its words may hold the key)
            given.append(None)

    thread = Thread(target=run, name="rag-keyring", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return given[0] if given else None
