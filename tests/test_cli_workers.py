"""`rag worker`, and `rag sync` that leaves the work to workers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import uuid4

import pytest

from rag.cli.session import Doors
from tests.cli_fakes import Outcome, run
from tests.fakes import open_rag


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's settings out of the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("argv", [("worker",), ("worker", "--check"), ("sync", "--wait")])
def test_without_a_database_it_says_which_setting_is_wanted(argv: tuple[str, ...]):
    """There is no queue beside files in a folder."""
    outcome = run(*argv)
    assert 2 == outcome.code
    assert "RAG_STORE" in outcome.err


@pytest.mark.parametrize("option", ["--rebuild", "--yes", "--forget=notes"])
def test_what_workers_cannot_do_is_a_fault_of_usage(option: str):
    """Rather than done half."""
    outcome = run("sync", "--wait", option)
    assert 2 == outcome.code


@pytest.mark.process
def test_what_is_put_into_the_queue_a_worker_indexes(postgres, tmp_path: Path):
    """One command says what changed, another does it, a third waits and tells."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for name in ("crane", "winch"):
        (seeds / f"{name}.txt").write_text(f"The {name} lifts ten tonnes.", encoding="utf-8")
    database = f"cli_{uuid4().hex[:12]}"
    postgres.sql(f"CREATE DATABASE {database}")
    doors = Doors(open_rag=lambda *_, **__: open_rag(seeds))

    def rag(*argv: str) -> Outcome:
        return run(*argv, doors=doors, env={"RAG_STORE": postgres.url(database)})

    assert "2 changed files wait for workers." in rag("sync", "--enqueue").err
    assert (1, "Workers that live: 0.\n") == (
        (checked := rag("worker", "--check")).code,
        checked.out,
    )
    assert 0 == rag("worker", "--once").code
    told = json.loads(rag("sync", "--wait", "--json").out)
    assert [("crane.txt", "unchanged"), ("winch.txt", "unchanged")] == [
        (file["source_id"], file["fate"]) for file in told["files"]
    ]
