"""`rag users`."""

from __future__ import annotations

import json

import pytest

from tests.cli_fakes import run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder of their own, with a collection."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "collections" / "farm" / "seeds").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_USERS_FILE", "users.json")


def test_accounts_are_made_changed_and_removed():
    """A password comes from stdin where there is nobody to ask; a token is shown once."""
    added = run("users", "add", "anna", "--collection", "farm", stdin="a password of words\n")
    assert (0, "anna can come in.\n") == (added.code, added.err)
    assert "anna\treader of farm\n" == run("users").out
    assert 0 == run("users", "role", "anna", "editor").code
    token = run("users", "token", "anna").out.strip()
    listed = json.loads(run("users", "--json").out)["users"][0]
    assert {"farm": "reader", "*": "editor"} == listed["roles"]
    assert [token.split("_")[1]] == [one["id"] for one in listed["tokens"]]
    assert 0 == run("users", "revoke", "anna", token.split("_")[1]).code
    run("users", "role", "anna", "none")
    assert "anna may do nothing.\n" == (
        run("users", "role", "anna", "none", "--collection", "farm").err
    )
    assert 0 == run("users", "remove", "anna").code
    assert "" == run("users").out


@pytest.mark.parametrize("wrong", [("--role", "king"), ("--collection", "barn")])
def test_an_account_is_made_whole_or_not_at_all(wrong):
    """A role or collection that is none makes no account and changes no password."""
    assert 2 == run("users", "add", "anna", *wrong, stdin="a password of words\n").code
    assert "" == run("users").out
    run("users", "add", "anna", stdin="a password of words\n")
    assert 2 == run("users", "add", "anna", *wrong, stdin="other words to say\n").code
    again = run("users", "add", "anna", "--role", "admin", stdin="other words to say\n")
    assert "roles stay as they were" in again.err
    assert "anna\treader of *\n" == run("users").out


def test_what_cannot_be_meant_is_said(monkeypatch):
    """A role or a collection that is none, a short password, and no file."""
    assert 2 == run("users", "add", "anna", stdin="short\n").code
    run("users", "add", "anna", stdin="a password of words\n")
    assert "wanted one of reader" in run("users", "role", "anna", "king").err
    assert (
        "no collection 'barn'" in run("users", "role", "anna", "admin", "--collection", "barn").err
    )
    monkeypatch.delenv("RAG_USERS_FILE")
    refused = run("users")
    assert (2, True) == (refused.code, "RAG_USERS_FILE" in refused.err)
