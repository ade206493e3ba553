"""Settings: arguments, then environment, then settings files, then defaults; each knows where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.config import own_folder, trust
from rag.errors import SettingsError
from rag.settings import Settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """No rag.toml and no RAG_ variable but those a test sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path.parent / f"{tmp_path.name}-own"))
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAG_{name.upper()}", raising=False)
    return tmp_path


def test_defaults_need_nothing():
    """Without any setting the program reads seeds/ and builds index/."""
    assert Path("seeds") == Settings().seeds_dir
    assert Path("index") == Settings().index_dir
    assert Settings().llm == ""


def test_precedence(empty_folder, monkeypatch):
    """An argument beats the environment, which beats a trusted rag.toml, the person's own, and the default."""
    own = own_file()
    own.write_text("strictness = 0.1\noverlap_sentences = 2\n", encoding="utf-8")
    project = empty_folder / "rag.toml"
    project.write_text("top_k = 3\nstrictness = 0.9\n", encoding="utf-8")
    trust(empty_folder, documents=Path("seeds"))
    monkeypatch.setenv("RAG_TOP_K", "4")

    assert Settings(top_k=5).top_k == 5
    assert Settings().top_k == 4
    assert Settings().strictness == 0.9
    assert Settings().overlap_sentences == 2
    assert Settings().passage_tokens == 160

    origins = Settings(llm_tokens=2048).origins
    assert {
        "llm_tokens": "an argument",
        "top_k": "RAG_TOP_K",
        "strictness": str(project),
        "overlap_sentences": str(own),
    } == dict(origins)


def own_file():
    """Return where the person's own settings lie, in a folder that is there."""
    folder = own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "rag.toml"


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


def test_broken_toml_is_an_error_with_its_name():
    """A file that is no TOML is named in the error."""
    own_file().write_text("top_k = = 3", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"footnote/rag\.toml' is not valid TOML"):
        Settings()


@pytest.mark.parametrize(("line", "said"), [("top_k = 0", "top_k"), ("no_such = 1", "no_such")])
def test_a_bad_value_of_a_file_is_named_with_the_file(line, said):
    """Whoever has several files sees which one to mend."""
    own_file().write_text(line, encoding="utf-8")

    with pytest.raises(SettingsError, match=rf"{said}.*footnote/rag\.toml"):
        Settings()


def test_a_file_of_the_current_folder_is_left_out_and_told_once(empty_folder, caplog):
    """What lies about is not obeyed, whatever it says; one line on the log says so and how to trust it."""
    (empty_folder / "rag.toml").write_text('llm = "openai:any"\nnonsense = = 1', encoding="utf-8")

    assert ["", ""] == [Settings().llm for _ in range(2)]

    (line,) = caplog.messages
    assert str(empty_folder / "rag.toml") in line
    assert f"rag trust {str(empty_folder)!r}" in line
    assert line == str(Settings().left_out)


def test_a_named_file_is_the_only_one(empty_folder, monkeypatch, caplog):
    """`config`, or RAG_CONFIG, is read wherever it lies, in place of the person's own and of any in this folder."""
    own_file().write_text("top_k = 3", encoding="utf-8")
    (empty_folder / "rag.toml").write_text("top_k = 4", encoding="utf-8")
    named, other = empty_folder / "named.toml", empty_folder / "other.toml"
    named.write_text("strictness = 0.2", encoding="utf-8")
    other.write_text("strictness = 0.3", encoding="utf-8")
    monkeypatch.setenv("RAG_CONFIG", "named.toml")

    assert (8, 0.2) == (Settings().top_k, Settings().strictness)
    assert 0.3 == Settings(config=other).strictness
    assert {"strictness": str(other)} == dict(Settings(config="other.toml").origins)
    assert [] == caplog.messages

    monkeypatch.setenv("RAG_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml.*cannot be read"):
        Settings()


def test_equal_settings_may_come_from_anywhere(monkeypatch):
    """Where a value came from is no part of it."""
    monkeypatch.setenv("RAG_TOP_K", "4")

    assert Settings() == Settings(top_k=4)
    assert hash(Settings()) == hash(Settings(top_k=4))
    assert Settings() != Settings(top_k=5)


@pytest.mark.parametrize("name", ["seeds_dir", "index_dir"])
def test_an_empty_folder_name_is_refused(name, monkeypatch):
    """`RAG_SEEDS_DIR=` is a slip, not the current folder."""
    monkeypatch.setenv(f"RAG_{name.upper()}", "")

    with pytest.raises(SettingsError, match=name):
        Settings()


def test_a_change_keeps_the_origins_and_adds_its_own():
    """Settings that are derived say so."""
    changed = Settings(top_k=4).changed("--seeds", index_dir=Path("other"))

    assert Path("other") == changed.index_dir
    assert {"top_k": "an argument", "index_dir": "--seeds"} == dict(changed.origins)


def test_what_wins_over_the_persons_own_file_is_told(empty_folder, monkeypatch):
    """A variable, an argument, a trusted file or one that is named; nothing where their own would hold."""
    own_file().write_text('llm = "openai:a"\n', encoding="utf-8")
    assert ["", ""] == [Settings(top_k=3).overruling("llm"), Settings().overruling("verify")]
    assert "an argument" == Settings(llm="").overruling("verify", "llm")
    monkeypatch.setenv("RAG_LLM", "openai:b")
    assert ["RAG_LLM", ""] == [Settings().overruling("llm"), Settings().overruling("verify")]
    (empty_folder / "named.toml").touch()
    assert "named.toml" == Settings(config="named.toml").overruling("verify")
