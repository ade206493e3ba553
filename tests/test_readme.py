"""The README is kept true: its commands exist, its code runs, its settings are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rag.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_named():
    """A setting that exists is one that a person can find."""
    missing = [name for name in Settings.model_fields if f"`{name}`" not in README]

    assert [] == missing


def test_make_targets_exist():
    """Every `make` command of the README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))

    assert set(re.findall(r"(?:`|^ {4})make ([a-z-]+)\b", README, re.M)) <= targets


def test_commands_exist():
    """Every `rag` command of the README is one, and every command is in the README."""
    from typer.main import get_command

    from rag.cli import app

    named = set(re.findall(r"(?:^|[/\s])rag ([a-z]+)\b", README, re.M))

    assert set(get_command(app).commands) == named - {"import"}


def test_linked_files_exist():
    """No link within the project leads nowhere."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]

    assert [] == [link for link in links if not (ROOT / link).exists()]


@pytest.mark.model
def test_the_python_example_runs(tmp_path, monkeypatch):
    """The example does what it says, on the article, with the shipped models."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAG_INDEX_DIR", str(tmp_path / "index"))
    [example] = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {}

    exec(compile(example, "README.md", "exec"), names)

    assert "10,000" in names["answer"].text
    assert names["answer"].citations
    names["rag"].close()
