"""Which settings files are obeyed: the person's own, a named one, a trusted one; never one among the documents."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from rag.config import (
    distrust,
    find_config,
    own_folder,
    read_config,
    setting_lines,
    trust,
    write_own,
)
from rag.errors import SettingsError

SEEDS = Path("seeds")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project folder with a rag.toml, where the program is run, and an own place without one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "rag.toml").write_text("top_k = 3\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def found(**given):
    """Return the paths of the files that are read, and what is left out."""
    files, left_out = find_config(None, given=given, seeds=SEEDS)
    return [file.path for file in files], left_out


def test_a_project_is_obeyed_once_it_is_trusted_and_until_it_changes(project):
    """Trust is in these words at this place: a change, or a copy elsewhere, is left out."""
    file = project / "rag.toml"
    assert ([], "you have not trusted them") == (found()[0], found()[1].why)

    assert {"top_k": 3} == trust(project, documents=SEEDS).values
    assert ([file], None) == found()

    file.write_text("top_k = 4\n", encoding="utf-8")
    assert ([], "they have changed since you trusted them") == (found()[0], found()[1].why)

    trust(file, documents=SEEDS)
    assert ([file], None) == found()
    assert [True, False] == [distrust(project), distrust(project)]
    assert "you have not trusted them" == found()[1].why


def test_a_copy_of_trusted_words_is_not_trusted(project, monkeypatch):
    """The place belongs to what is trusted."""
    trust(project, documents=SEEDS)
    other = project.parent / "other"
    other.mkdir()
    (other / "rag.toml").write_bytes((project / "rag.toml").read_bytes())
    monkeypatch.chdir(other)

    assert "you have not trusted them" == found()[1].why


@pytest.mark.parametrize("seeds", [".", "..", "../project"])
def test_a_file_among_the_documents_is_never_obeyed(project, seeds):
    """Not even a trusted one: documents come from strangers, and their folder is theirs."""
    trust(project, documents=SEEDS)

    files, left_out = found(seeds_dir=seeds)

    assert [] == files
    assert "among the documents" in left_out.why
    assert "--config" in left_out.remedy
    assert str(own_folder() / "rag.toml") in left_out.remedy


def test_a_file_that_makes_its_own_folder_the_documents_is_not_obeyed(project):
    """Whoever says so: the file itself, or the person's own; and it is refused when it is to be trusted."""
    (project / "rag.toml").write_text('seeds_dir = "."', encoding="utf-8")
    with pytest.raises(SettingsError, match="among the documents"):
        trust(project, documents=SEEDS)
    with pytest.raises(SettingsError, match="among the documents"):
        trust(project, documents=project)

    (project / "rag.toml").write_text("top_k = 3", encoding="utf-8")
    trust(project, documents=SEEDS)
    own = own_folder() / "rag.toml"
    own.write_text(f"seeds_dir = {json.dumps(str(project))}", encoding="utf-8")
    assert [own] == found()[0]
    assert "among the documents" in found()[1].why


def test_a_project_beside_its_documents_wins_over_the_persons_own(project):
    """The usual layout: rag.toml, and seeds/ below it."""
    (project / "seeds").mkdir()
    own = own_folder() / "rag.toml"
    own.parent.mkdir(parents=True)
    own.write_text("top_k = 9", encoding="utf-8")
    trust(project, documents=SEEDS)

    assert ([project / "rag.toml", own], None) == found()


def test_the_persons_own_folder_needs_no_trust(monkeypatch):
    """Run from there, its file is theirs and is read once."""
    own = own_folder() / "rag.toml"
    own.parent.mkdir(parents=True)
    own.write_text("top_k = 9", encoding="utf-8")
    monkeypatch.chdir(own.parent)

    assert ([own], None) == found()


def test_a_home_that_nobody_knows_is_no_folder_beside_the_documents(monkeypatch):
    """A relative place would be one in the current folder: it is none."""
    monkeypatch.setattr(
        "platformdirs.user_config_path", lambda *_, **__: Path("~/.config/footnote")
    )

    assert own_folder() is None
    assert [] == found()[0]
    with pytest.raises(SettingsError, match="home folder"):
        trust(Path(), documents=SEEDS)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
def test_a_pipe_is_no_settings_file(project):
    """It would be waited for as long as nobody writes."""
    os.mkfifo(project / "pipe")
    with pytest.raises(SettingsError, match="no regular file"):
        read_config(project / "pipe")

    (project / "rag.toml").unlink()
    os.mkfifo(project / "rag.toml")
    assert ([], None) == found()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"top_k = = 3", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        (b'password = "canary-0123456789"', "RAG_PASSWORD"),
        (b"# " + b"x" * (1 << 20), "too large"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_trusted(project, content, said):
    """The sentence names the file, and a password is not repeated."""
    (project / "rag.toml").write_bytes(content)

    with pytest.raises(SettingsError, match=said) as caught:
        trust(project, documents=SEEDS)
    assert "rag.toml" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert [] == found()[0]


def test_only_a_rag_toml_can_be_trusted(project):
    """Another file is not looked for, so trust in it would be for nothing."""
    (project / "mine.toml").touch()
    with pytest.raises(SettingsError, match="--config"):
        trust(project / "mine.toml", documents=SEEDS)


def test_what_is_trusted_is_the_owners_alone(project):
    """Whoever could write there could have anything trusted; a damaged list trusts nothing."""
    trust(project, documents=SEEDS)
    known = own_folder() / "trusted.json"
    assert [str(project / "rag.toml")] == list(json.loads(known.read_text(encoding="utf-8")))
    if os.name == "posix":
        assert (0o700, 0o600) == (own_folder().stat().st_mode & 0o777, known.stat().st_mode & 0o777)

    for content in ("[]", "{", '{"a": 1}', ""):
        known.write_text(content, encoding="utf-8")
        assert "you have not trusted them" == found()[1].why
    trust(project, documents=SEEDS)
    assert [project / "rag.toml"] == found()[0]


def test_where_trust_cannot_be_kept_that_is_told(project, tmp_path):
    """A file in the place of the folder: the sentence says what else to do."""
    (tmp_path / "own").touch()
    with pytest.raises(SettingsError, match="--config"):
        trust(project, documents=SEEDS)


def own(text):
    """Write the person's own file."""
    own_folder().mkdir(parents=True, exist_ok=True)
    path = own_folder() / "rag.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_changes_no_other_line():
    """Comments and other settings stay; what is empty goes."""
    path = own('# mine\ntop_k = 3 # a few\nllm = "openai:a"\nllm_base_url = "http://x/v1"\n')

    assert path == write_own({"llm": "ollama:b@http://h:1", "llm_base_url": ""})

    assert 'llm = "ollama:b@http://h:1"\n# mine\ntop_k = 3 # a few\n' == path.read_text("utf-8")


def test_a_file_that_is_not_there_is_made_for_its_owner_only():
    """With the folder that it lies in."""
    path = write_own({"llm": "openai:a", "llm_key": ""})

    assert 'llm = "openai:a"\n' == path.read_text("utf-8")
    assert os.name != "posix" or 0o600 == path.stat().st_mode & 0o777


def test_a_file_that_is_kept_elsewhere_stays_a_link(tmp_path):
    """Many keep their settings in a folder of their own, with links to it."""
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("top_k = 3\n", encoding="utf-8")
    own_folder().mkdir(parents=True)
    (own_folder() / "rag.toml").symlink_to(kept)

    write_own({"llm": "openai:a"})

    assert (own_folder() / "rag.toml").is_symlink()
    assert {"llm": "openai:a", "top_k": 3} == tomllib.loads(kept.read_text("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        'encoder = """\nllm = "openai:a"\n"""\n',
        'llm = """\nopenai:a"""\n',
        "[llm]\na = 1\n",
        "llm = \n=\n",
        'password = "secret-secret"\n',
    ],
)
def test_a_file_that_only_a_person_can_change_is_left_as_it_is(text):
    """What is written is read again first, and must say just what was to be said."""
    path = own(text)

    with pytest.raises(SettingsError):
        write_own({"llm": "openai:b"})

    assert text == path.read_text("utf-8")


def test_a_file_that_may_not_be_written_is_said_to_be(monkeypatch):
    """Nor is it put away for another one."""
    path = own("top_k = 3\n")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be root

    with pytest.raises(SettingsError, match="may not be written"):
        write_own({"llm": "openai:b"})

    assert "top_k = 3\n" == path.read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path, monkeypatch):
    """There is no file of one's own then."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))

    with pytest.raises(SettingsError, match="cannot be written"):
        write_own({"llm": "openai:b"})


@pytest.mark.parametrize("value", ['a"b\\c', "ä\u2028\x7f", "a\nb\tc", "x'''y"])
def test_lines_say_what_they_are_made_of(value):
    """Whatever a value holds."""
    assert {"llm": value} == tomllib.loads(setting_lines({"llm": value, "llm_key": ""}))
