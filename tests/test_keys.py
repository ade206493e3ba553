"""Keys in the system's keyring: each for one provider at one address, and never a failure of the program."""

from __future__ import annotations

import sys
from threading import Event
from types import SimpleNamespace

import pytest

from rag import keys
from rag.keys import Keyring, system_keyring
from tests.keyring_fakes import Drawer, Stuck

URL = "http://127.0.0.1:8080/v1"


@pytest.fixture
def installed(monkeypatch):
    """Install a `keyring` library with one backend, looked for anew."""

    def install(backend):
        library = None if backend is None else SimpleNamespace(get_keyring=lambda: backend)
        monkeypatch.setitem(sys.modules, "keyring", library)
        system_keyring.cache_clear()
        return system_keyring()

    yield install
    system_keyring.cache_clear()


def test_a_key_is_found_at_its_own_address_alone():
    """Whoever changes the address gets no key with it; a slash at its end is no other address."""
    keyring = Keyring(Drawer())
    assert keyring.keep("openai", URL, "sk-one")

    assert "sk-one" == keyring.find("openai", f"{URL}/")
    others = [("openai", ""), ("openai", "http://127.0.0.1:8080"), ("anthropic", URL)]
    assert ["", "", ""] == [keyring.find(*place) for place in others]


@pytest.mark.parametrize(
    ("kept", "address", "key_from", "given"),
    [
        ({"openai": "sk-kept"}, "", "environment", "sk-kept"),
        ({}, "", "environment", None),
        ({}, "", "kept", None),
        ({f"openai@{URL}": "sk-kept"}, URL, "environment", "sk-kept"),
        ({}, URL, "environment", None),
        ({"openai": "sk-kept"}, URL, "kept", ""),
        ({f"openai@{URL}": "sk-kept"}, URL, "kept", "sk-kept"),
    ],
)
def test_the_kept_key_goes_before_that_of_the_environment(kept, address, key_from, given):
    """Which goes to an address of its own only where settings let it."""
    assert given == Keyring(Drawer(kept)).given("openai", address, key_from)


def test_without_a_keyring_nothing_is_kept_and_nothing_found():
    """And nothing fails."""
    keyring = Keyring(None, "why")
    assert (False, "", "") == (
        keyring.keep("openai", "", "k"),
        keyring.find("openai"),
        keyring.name,
    )


def test_a_keyring_that_cannot_be_opened_fails_nobody():
    """It keeps nothing, and its words, which may hold the key, are told to nobody."""
    keyring = Keyring(Stuck())
    assert (False, "") == (keyring.keep("openai", "", "sk-secret"), keyring.find("openai"))


def test_a_keyring_that_waits_for_somebody_is_not_waited_for(monkeypatch):
    """A system may ask a person who is not there."""
    monkeypatch.setattr(keys, "_PATIENCE", 0.05)
    there = Event()

    asking = SimpleNamespace(get_password=lambda *_: there.wait(20))

    assert "" == Keyring(asking).find("openai")
    there.set()


def test_a_key_that_cannot_be_read_again_is_not_kept():
    """Whoever is told that it is kept finds it in the next start."""
    drawer = Drawer()
    drawer.set_password = lambda *_: None

    assert not Keyring(drawer).keep("openai", "", "sk-one")


def test_the_library_is_an_extra(installed):
    """Without it there is no keyring, and a phrase says so."""
    keyring = installed(None)
    assert ("", "the package keyring is not installed") == (keyring.name, keyring.why_not)


def test_the_backend_of_the_system_is_used(installed):
    """By its own name."""
    assert "Drawer" == installed(Drawer()).name


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("priority", [0, 0.5])
def test_a_backend_that_is_a_plain_file_or_none_is_not_used(installed, priority, chained):
    """Nor behind one that only passes on to others."""
    backend = Drawer()
    backend.priority = priority
    keyring = installed(SimpleNamespace(priority=10, backends=[backend]) if chained else backend)
    assert ("", "this system offers no keyring") == (keyring.name, keyring.why_not)


def test_a_library_that_fails_is_none(installed, monkeypatch):
    """Backends are looked for by plugins of anybody."""
    installed(None)
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_keyring=lambda: 1 / 0))
    system_keyring.cache_clear()
    assert "this system offers no keyring" == system_keyring().why_not
