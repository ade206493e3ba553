"""Settings: arguments, then environment, then rag.toml, then defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import SettingsError
from rag.settings import Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """No rag.toml and no RAG_ variable but those a test sets."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAG_{name.upper()}", raising=False)
    return tmp_path


def test_defaults_need_nothing():
    """Without any setting the program reads seeds/ and builds index/."""
    assert Path("seeds") == Settings().seeds_dir
    assert Path("index") == Settings().index_dir
    assert Settings().llm == ""


def test_precedence(empty_folder, monkeypatch):
    """An argument beats the environment, which beats rag.toml, which beats the default."""
    (empty_folder / "rag.toml").write_text("top_k = 3\nstrictness = 0.9\n", encoding="utf-8")
    monkeypatch.setenv("RAG_TOP_K", "4")

    assert Settings(top_k=5).top_k == 5
    assert Settings().top_k == 4
    assert Settings().strictness == 0.9
    assert Settings().passage_tokens == 160


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"top_k": 0}, "top_k"),
        ({"strictness": 2}, "strictness"),
        ({"passage_tokens": "many"}, "passage_tokens"),
        ({"no_such_thing": 1}, "no_such_thing"),
    ],
)
def test_bad_values_are_named(given, said):
    """A value that cannot work is refused with the setting's name."""
    with pytest.raises(SettingsError, match=said):
        Settings(**given)


def test_bad_environment_names_the_variable(monkeypatch):
    """A bad variable is named as the person wrote it, with what was given."""
    monkeypatch.setenv("RAG_TOP_K", "plenty")

    with pytest.raises(SettingsError, match=r"RAG_TOP_K.*'plenty'"):
        Settings()


def test_broken_toml_is_an_error_with_its_name(empty_folder):
    """A rag.toml that is no TOML is named in the error."""
    (empty_folder / "rag.toml").write_text("top_k = = 3", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"rag\.toml"):
        Settings()
