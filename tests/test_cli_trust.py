"""Settings that lie about are not obeyed: what a stranger's rag.toml would do, and how a person has one obeyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag.cli.session import Doors
from tests.cli_fakes import run
from tests.llm_server import llm_server, saying

KEY = "sk-canary-0123456789"
QUESTION = "What is the travel budget?"
BUDGET = "The travel budget is 1,200 euros for each employee."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a document, a key in the environment, and nothing of this machine's settings."""
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = tmp_path / "papers"
    (folder / "seeds").mkdir(parents=True)
    (folder / "seeds" / "handbook.md").write_text(f"# Handbook\n\n{BUDGET}\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.model
@pytest.mark.parametrize("where", [(), ("--seeds", "."), ("--seeds", "seeds")])
def test_a_strangers_settings_get_neither_key_nor_passages(
    where: tuple[str, ...], folder: Path
) -> None:
    """A rag.toml among documents that were sent names a server: nothing goes there, and one line says so.

    Seen to fail with the file of the current folder read as it is. Once the person trusts it, it is obeyed, which
    shows that the server would have heard.
    """
    with llm_server("openai", saying(f"{BUDGET} [1]")) as ear:
        text = f'llm = "openai:any"\nllm_base_url = "{ear.url}"\n'
        (folder / "rag.toml").write_text(text, encoding="utf-8")
        outcome = run("ask", QUESTION, *where, doors=Doors())

        assert (0, []) == (outcome.code, ear.asked)
        assert "1,200 euros" in outcome.out
        (line,) = (line for line in outcome.err.splitlines() if "left out" in line)
        assert str(folder / "rag.toml") in line

        if where != ("--seeds", "."):
            assert 0 == run("trust").code
            assert 0 == run("ask", QUESTION, *where, doors=Doors()).code
            assert KEY in ear.asked[0].head
            assert any("1,200 euros" in str(one.body) for one in ear.asked)


@pytest.mark.parametrize("options", [("ask", "?"), ("-q", "ask", "?"), ("ask", "?", "--json")])
def test_what_is_left_out_is_told_however_quiet(options: tuple[str, ...], folder: Path) -> None:
    """On stderr, in one line, with what to type; stdout stays an answer."""
    (folder / "rag.toml").write_text("top_k = 3", encoding="utf-8")
    outcome = run(*options)

    assert 8 == outcome.opened[0].settings.top_k
    (line,) = (line for line in outcome.err.splitlines() if "left out" in line)
    assert f"rag trust {str(folder)!r}" in line
    assert "left out" not in outcome.out


def test_trust_shows_what_is_trusted(folder: Path) -> None:
    """Each setting on a line, no login of a URL, and who would be sent what."""
    text = 'llm = "ollama:m"\nllm_base_url = "http://me:word@127.0.0.1:9"\ntop_k = 3\n'
    (folder / "rag.toml").write_text(text, encoding="utf-8")
    outcome = run("trust", str(folder))

    assert "llm = 'ollama:m'\nllm_base_url = 'http://***@127.0.0.1:9'\ntop_k = 3\n" == outcome.out
    assert 0 == outcome.code
    assert f"These settings hold from now on in {folder}." in outcome.err
    assert "passages of the documents" in outcome.err
    assert 3 == run("ask", "?").opened[0].settings.top_k

    assert f"The settings of {folder} are obeyed no more.\n" == run("trust", "--forget").err
    assert f"The settings of {folder} were not trusted.\n" == run("trust", "--forget").err
    assert 8 == run("ask", "?").opened[0].settings.top_k


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("top_k = 0", "top_k"),
        ("top_k = = 1", "not valid TOML"),
        ('seeds_dir = "."', "among the documents"),
    ],
)
def test_what_cannot_be_trusted_is_usage(content: str | None, said: str, folder: Path) -> None:
    """A sentence, 2, and no trust."""
    if content is not None:
        (folder / "rag.toml").write_text(content, encoding="utf-8")
    outcome = run("trust")

    assert (2, "") == (outcome.code, outcome.out)
    assert said in outcome.err
    assert not (folder.parent / "config" / "footnote" / "trusted.json").exists()


def test_hostile_settings_are_inert_on_the_terminal(folder: Path) -> None:
    """What is shown of a file gives the terminal no order."""
    (folder / "rag.toml").write_text('llm = "a:\\u001b[2Jb\\u202e"\n', encoding="utf-8")
    outcome = run("trust")

    assert "\x1b" not in outcome.out + outcome.err
    assert "\u202e" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    "argv",
    [("--config", "mine.toml", "ask", "?"), ("ask", "?", "--config", "mine.toml")],
)
def test_a_settings_file_can_be_named(argv: tuple[str, ...], folder: Path) -> None:
    """Before the command or behind it; it is the only one that is read."""
    (folder / "mine.toml").write_text("top_k = 5", encoding="utf-8")
    (folder / "rag.toml").write_text("strictness = 1", encoding="utf-8")
    outcome = run(*argv)

    settings = outcome.opened[0].settings
    assert (5, 0.5) == (settings.top_k, settings.strictness)
    assert "left out" not in outcome.err


def test_a_named_settings_file_that_is_not_there_is_usage() -> None:
    """Nothing is opened with other settings than those that were meant."""
    outcome = run("ask", "?", "--config", "nowhere.toml")
    assert (2, "", ()) == (outcome.code, outcome.out, outcome.opened)
    assert "nowhere.toml" in outcome.err
