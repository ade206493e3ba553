"""`python -m eval.benchmarks`: what it passes on, what it prints, and with which code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.__main__ import NAME, BenchmarkDoors, app
from eval.benchmarks.sweep import cells_of
from rag.errors import DatasetError
from tests.cli_fakes import Outcome, ScriptedRag, run


def measured(*argv: str, doors: BenchmarkDoors | None = None) -> Outcome:
    """Run the commands on a scripted pipeline."""
    return run(*argv, doors=doors, command=app, name=NAME)


def test_a_sweep_gets_its_grid_and_its_questions(tmp_path):
    """What is typed reaches the sweep; its report is shown like any other."""
    questions = tmp_path / "questions.jsonl"
    questions.touch()
    calls = []

    class Report:
        """One figure."""

        def to_markdown(self) -> str:
            """Return a table."""
            return "| cell |"

        def to_dict(self) -> dict[str, object]:
            """Return the same as JSON."""
            return {"cell": 1}

    def sweep(*args: object, **options: object) -> Report:
        calls.append((args, options))
        return Report()

    doors = BenchmarkDoors(open_rag=lambda *_args, **_options: ScriptedRag(), sweep=sweep)
    argv = ("sweep", "--grid", "top_k=5, 8", "--grid", "method=fusion,dense", "--dataset",
            str(questions), "--split", "dev", "--limit", "9", "--out", "o", "--measure", "right")  # fmt: skip
    assert "| cell |\n" == measured(*argv, doors=doors).out
    assert {"cell": 1} == json.loads(measured(*argv, "--json", doors=doors).out)
    (_, settings, grid), options = calls[0]
    assert {"top_k": ("5", "8"), "method": ("fusion", "dense")} == grid
    assert 8 == settings.top_k
    assert {
        "dataset_path": questions, "split": "dev", "limit": 9, "out": Path("o"), "measure": "right",
        "combined": True, "progress": None,
    } == options  # fmt: skip


def test_a_sweep_of_nothing_named_tries_one_setting_at_a_time():
    """By default passage size, overlap, k, fusion weight and reranking are varied, each alone."""
    calls = []

    def sweep(*args: object, **options: object) -> None:
        calls.append((args, options))
        raise DatasetError("enough")

    measured("sweep", doors=BenchmarkDoors(open_rag=lambda *_, **__: ScriptedRag(), sweep=sweep))
    ((_, settings, grid), options) = calls[0]
    wanted = {"passage_tokens", "overlap_sentences", "top_k", "lexical_weight", "method"}
    assert (wanted, False) == (set(grid), options["combined"])
    assert 8 == len(cells_of(settings, grid, combined=False))


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("sweep", "--grid", "top_k"), 2, "Wanted each name once, as in top_k=5,8, got 'top_k'"),
        (("sweep", "--grid", "top_k=5", "--grid", "top_k=6"), 2, "Wanted each name once"),
        (("run", "missing.json"), 2, "Try: python -m eval.benchmarks run --help"),
        (("nothing",), 2, "nothing"),
    ],
)
def test_what_has_no_meaning_is_refused(argv, code, message):
    """What cannot be meant ends with 2 and one sentence before anything opens."""
    outcome = measured(*argv)
    assert (code, "", ()) == (outcome.code, outcome.out, outcome.opened)
    assert message in outcome.err
    assert 1 == outcome.err.count("\n")


def test_a_public_collection_is_measured(tmp_path):
    """`run` recognises a file by its layout and prints its measures."""
    path = tmp_path / "support.jsonl"
    pairs = [
        ("Sheep graze here.", "Sheep graze here.", "supported"),
        ("It is 7 m.", "It is 9 m.", "unsupported"),
    ]
    lines = [
        json.dumps({"evidence": evidence, "claim": claim, "label": label})
        for evidence, claim, label in pairs * 5
    ]
    path.write_text("\n".join(lines), encoding="utf-8")

    outcome = measured("run", str(path))

    assert (0, "") == (outcome.code, outcome.err)
    assert "balanced accuracy" in outcome.out


def test_an_unknown_way_of_ranking_is_named(tmp_path):
    """`--ways` takes methods of retrieval and the reader; what else is typed ends with 1 and the list."""
    path = tmp_path / "squad.json"
    question = {"id": "q", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    paragraph = {"context": "Ada wrote notes.", "qas": [question]}
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [paragraph]}]}), "utf-8")

    outcome = measured("run", str(path), "--mode", "corpus", "--ways", "dense,guess")

    assert 1 == outcome.code
    assert "There is no way 'guess' of ranking; there are: dense" in outcome.err


def test_missing_data_is_left_out_and_said(tmp_path, monkeypatch):
    """`all` runs what needs no data and names each file that is not there."""
    ran = []
    monkeypatch.setattr("subprocess.run", lambda command, **_: ran.append(command[2]))

    assert 0 == measured("all", "--data", str(tmp_path)).code
    without_data = ("process", "growth", "page", "crowd")
    assert {f"eval.benchmarks.{name}" for name in without_data} == set(ran)
