"""Accounts: who may do what, kept for their owner only, and changed whole or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from rag.errors import ArgumentError, SettingsError
from rag.pipeline import users as accounts
from rag.pipeline.users import AuditLog, Users

PASSWORD = "a password of words"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    """Anna reads one collection, and edits another."""
    made = Users(tmp_path / "users.json")
    made.add("anna", PASSWORD, {"farm": "reader"})
    made.set_role("anna", "legal", "editor")
    return made


def test_a_role_holds_in_its_collection(users: Users):
    """`*` is every one; what is taken away is gone at once."""
    [anna] = users.all()
    assert [True, True, False] == [anna.may_read(one) for one in ("farm", "legal", "default")]
    assert [False, True, False] == [anna.may_edit(one) for one in ("farm", "legal", "default")]
    assert users.set_role("anna", "*", "admin").may_edit("default")
    users.set_role("anna", "*", None)
    assert not users.all()[0].may_read("default")
    with pytest.raises(ArgumentError, match="wanted one of reader, editor, admin"):
        users.set_role("anna", "farm", "king")


def test_only_the_right_password_lets_in(users: Users):
    """Another process that changes it is heeded at once; the second time it is known without hashing."""
    assert "anna" == users.recognised(b"anna", PASSWORD.encode()).name
    assert "anna" == users.recognised(b"anna", PASSWORD.encode()).name
    for name, said in (
        (b"anna", b"wrong"),
        (b"bert", PASSWORD.encode()),
        (b"", b""),
        (b"\xff", b"\xff"),
    ):
        assert users.recognised(name, said) is None
    Users(users._path).add("anna", "another password", {})
    assert users.recognised(b"anna", PASSWORD.encode()) is None
    assert "legal" in users.recognised(b"anna", b"another password").roles
    with pytest.raises(ArgumentError, match="at least 12 characters"):
        users.add("bert", "short", {})
    with pytest.raises(ArgumentError, match="small letters"):
        users.add("Bert:", PASSWORD, {})


def test_a_token_is_somebody_until_it_is_revoked(users: Users):
    """It is kept as a hash only."""
    token = users.make_token("anna")
    assert token.split("_")[2] not in users._path.read_text(encoding="utf-8")
    assert "anna" == users.recognised(b"", token.encode()).name
    assert users.recognised(b"", (token[:-1] + "#").encode()) is None
    users.revoke("anna", token.split("_")[1])
    assert users.recognised(b"", token.encode()) is None
    with pytest.raises(ArgumentError, match="no token"):
        users.revoke("anna", token.split("_")[1])
    users.remove("anna")
    with pytest.raises(ArgumentError, match="no user 'anna'"):
        users.make_token("anna")


def test_the_file_is_its_owners_and_a_damaged_one_lets_nobody_in(users: Users):
    """Nor is it taken for one without accounts."""
    assert 0o600 == users._path.stat().st_mode & 0o777
    assert PASSWORD not in users._path.read_text(encoding="utf-8")
    users._path.write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        users.recognised(b"anna", PASSWORD.encode())


def test_accounts_without_their_package_say_what_to_install(users: Users, monkeypatch):
    """The program without accounts does without it."""
    accounts._hasher.cache_clear()
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(SettingsError, match=r"footnote-rag\[users\]"):
        users.add("bert", PASSWORD, {})
    accounts._hasher.cache_clear()


def test_what_was_done_is_a_line_for_its_owner(tmp_path: Path):
    """In any letters, and a line break in a question begins no line."""
    log = AuditLog(tmp_path / "log" / "audit.jsonl")
    log.note("anna", "asked", ("farm",), "Wo\nweiden Schafe? 羊")
    log.note("anna", "removed", ("farm",), "a.txt")
    first, second = (tmp_path / "log" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert ("Wo\nweiden Schafe? 羊", ["farm"]) == (
        json.loads(first)["what"],
        json.loads(first)["collections"],
    )
    assert "removed" == json.loads(second)["did"]
