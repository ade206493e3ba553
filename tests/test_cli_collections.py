"""`rag collections` and `--collection`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_fakes import run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder of their own."""
    (tmp_path / "seeds").mkdir()
    monkeypatch.chdir(tmp_path)


def test_collections_are_made_listed_and_removed():
    """Removing wants a word where there is nobody to ask, and then deletes the documents."""
    assert 0 == run("collections", "create", "Legal").code
    (Path("collections/legal/seeds") / "a.txt").write_text("A.", encoding="utf-8")

    assert "default\tseeds\nlegal\tcollections/legal/seeds\n" == run("collections").out
    refused = run("collections", "remove", "legal")
    assert (2, True) == (refused.code, "1 file in" in refused.err)
    assert 0 == run("collections", "remove", "legal", "--yes").code
    assert "default\tseeds\n" == run("collections").out


def test_a_command_works_on_the_collection_that_is_named(monkeypatch):
    """By option or variable; folders that are named win over the variable."""
    run("collections", "create", "legal")
    own = Path("collections/legal/index")

    assert own == run("sources", "--collection", "LEGAL").opened[0].settings.index_dir
    assert own == run("--collection", "legal", "ask", "?").opened[0].settings.index_dir
    monkeypatch.setenv("RAG_COLLECTION", "legal")
    assert own == run("ask", "?").opened[0].settings.index_dir
    assert Path("seeds") == run("ask", "?", "--seeds", "seeds").opened[0].settings.seeds_dir


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("ask", "?", "--collection", "none"), "no collection 'none'"),
        (("ask", "?", "--collection", "../x"), "letters, digits"),
        (("sources", "--collection", "a", "--collection", "b"), "takes one"),
        (("ask", "?", "--collection", "default", "--seeds", "seeds"), "no --seeds"),
        (("collections", "create", "default"), "it stays"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_use(options, said):
    """Exit code 2 and a sentence."""
    outcome = run(*options)

    assert (2, True) == (outcome.code, said in outcome.err)
