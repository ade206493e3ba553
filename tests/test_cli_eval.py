"""`rag eval` and its sub-commands: what they ask, what they compare, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from rag.cli.session import Doors
from rag.errors import DatasetError
from rag.evaluation import EvaluationReport, run_evaluation
from rag.evaluation.dataset import example_to_dict
from rag.evaluation.run import evaluate
from rag.evaluation.sweep import cells_of
from rag.schema import Answer
from tests.cli_fakes import Outcome, ScriptedRag, run
from tests.evaluation_fakes import ScriptedPipeline, abstaining, repeated, right
from tests.fakes import open_rag

QUESTIONS = repeated(5)


@pytest.fixture(name="questions")
def _questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a file of questions, in a folder of its own that is the current one."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "questions.jsonl"
    lines = [json.dumps(example_to_dict(example)) for example in QUESTIONS]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _doors(answer: Callable[[str], Answer] = right) -> Doors:
    """Return doors to the real evaluation of a scripted pipeline."""

    def evaluate(_: object, *args: object, **options: object) -> object:
        return run_evaluation(ScriptedPipeline(answer=answer), *args, **options)

    return Doors(open_rag=lambda *_args, **_options: ScriptedRag(), evaluate=evaluate)


def _asked(questions: Path, *argv: str, answer: Callable[[str], Answer] = right) -> Outcome:
    return run("eval", "--dataset", str(questions), *argv, doors=_doors(answer))


def _made(folder: Path, answer: Callable[[str], Answer] = right) -> str:
    return str(evaluate(ScriptedPipeline(answer=answer), QUESTIONS, out_dir=folder).folder)


def test_eval_leaves_every_report(questions):
    """A run's folder holds the page, the Markdown that is printed, and the JSON of --json."""
    outcome = _asked(questions, "--split", "all", "--out", "run")
    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.strip() == Path("run/report.md").read_text(encoding="utf-8").strip()
    assert Path("run/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    again = json.loads(_asked(questions, "--split", "all", "--out", "run", "--json").out)
    assert again == json.loads(Path("run/report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("split", "n"), [("dev", 15), ("test", 10), ("all", 25)])
def test_a_split_is_a_half_or_all(questions, split, n):
    """A half is asked where one is named, and both by `all`."""
    assert n == json.loads(_asked(questions, "--split", split, "--json").out)["n"]


@pytest.mark.usefixtures("questions")
def test_reports_are_made_again(tmp_path):
    """--report asks nothing and makes all three from the run."""
    folder = _made(tmp_path / "run")
    outcome = run("eval", "--report", folder)
    assert (0, ()) == (outcome.code, outcome.opened)
    assert "# Evaluation of 25 questions" in outcome.out
    names = {path.name for path in Path(folder).iterdir()}
    assert {"report.html", "report.md", "report.json"} <= names


@pytest.mark.usefixtures("questions")
def test_two_runs_are_compared(tmp_path):
    """--compare shows the second run against the first, as a table or as JSON, and asks nothing."""
    folders = _made(tmp_path / "a"), _made(tmp_path / "b", abstaining)
    outcome = run("eval", "--compare", *folders)
    assert (0, ()) == (outcome.code, outcome.opened)
    assert "| right | 100.0 | 0.0 | -100.0 [-100.0, -100.0] | worse | 15 |" in outcome.out
    plain = json.loads(run("eval", "--compare", *folders, "--json").out)
    assert 15 == len(plain["worse"])


@pytest.mark.usefixtures("questions")
def test_what_cannot_be_compared_is_one_sentence(tmp_path):
    """Other questions, or a folder that is no run, end with 1 and say why."""
    other = evaluate(ScriptedPipeline(), QUESTIONS[:5], out_dir=tmp_path / "other").folder
    outcome = run("eval", "--compare", _made(tmp_path / "a"), str(other))
    assert (1, "") == (outcome.code, outcome.out)
    assert "different questions (25 and 5)" in outcome.err
    outcome = run("eval", "--compare", str(tmp_path / "a"), str(tmp_path / "none"))
    assert (1, 1) == (outcome.code, outcome.err.count("\n"))


def test_the_gate_ends_with_1_on_a_loss_only(questions):
    """The same answers pass with 0, worse ones end with 1 and a table; a new baseline is a choice."""
    made = _asked(questions, "--update-baseline", "--baseline", "b.json")
    assert (0, "") == (made.code, made.out)
    assert "is the baseline now: b.json, 25 questions" in made.err
    gate = ("--gate", "--baseline", "b.json")
    passed = _asked(questions, *gate)
    assert (0, True) == (passed.code, "# The gate is open" in passed.out)
    failed = _asked(questions, *gate, answer=abstaining)
    assert (1, True) == (failed.code, "# The gate is shut: right" in failed.out)
    assert not json.loads(_asked(questions, *gate, "--json", answer=abstaining).out)["open"]
    accepted = _asked(questions, *gate, "--update-baseline", answer=abstaining)
    assert (0, 0) == (accepted.code, _asked(questions, *gate, answer=abstaining).code)


def test_the_gate_judges_a_run_that_is_there(questions, tmp_path):
    """--gate with --report asks nothing."""
    _asked(questions, "--update-baseline", "--baseline", "b.json")
    folder = _made(tmp_path / "bad", abstaining)
    outcome = run("eval", "--report", folder, "--gate", "--baseline", "b.json")
    assert (1, ()) == (outcome.code, outcome.opened)


def test_a_gate_without_its_baseline_says_so(questions):
    """A missing baseline, or one of other questions, ends with 1 and a sentence, not with a pass."""
    outcome = _asked(questions, "--gate")
    assert (1, "") == (outcome.code, outcome.out)
    assert "eval/baseline.json cannot be read" in outcome.err
    _asked(questions, "--update-baseline")
    outcome = _asked(questions, "--gate", "--limit", "10")
    assert 1 == outcome.code
    assert "was made from other questions" in outcome.err


@pytest.mark.usefixtures("questions")
@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--compare", "a", "b", "--gate"), "--compare asks nothing, so --gate has no meaning"),
        (("--report", ".", "--limit", "3"), "--report asks nothing, so --limit has no meaning"),
        (("--split", "dev", "sweep"), "--split must stand behind sweep: rag eval sweep --split"),
        (("--compare", "a"), "--compare"),
        (("sweep", "--grid", "top_k"), "Wanted each name once, as in top_k=5,8, got 'top_k'"),
        (("sweep", "--grid", "top_k=5", "--grid", "top_k=6"), "Wanted each name once"),
        (("nothing",), "nothing"),
    ],
)
def test_what_has_no_meaning_is_refused(argv, message):
    """Options that would be ignored, and commands that do not exist, end with 2 before anything opens."""
    outcome = run("eval", *argv)
    assert (2, "", ()) == (outcome.code, outcome.out, outcome.opened)
    assert message in outcome.err
    assert 1 == outcome.err.count("\n")


def test_a_sweep_gets_its_grid_and_its_questions(questions):
    """What is typed reaches the sweep; its report is shown like any other."""
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

    doors = Doors(open_rag=lambda *_args, **_options: ScriptedRag(), sweep=sweep)
    argv = ("eval", "sweep", "--grid", "top_k=5, 8", "--grid", "method=fusion,dense", "--dataset",
            str(questions), "--split", "dev", "--limit", "9", "--out", "o", "--measure", "right")  # fmt: skip
    assert "| cell |\n" == run(*argv, doors=doors).out
    assert {"cell": 1} == json.loads(run(*argv, "--json", doors=doors).out)
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

    def sweep(*args: object, **options: object) -> EvaluationReport:
        calls.append((args, options))
        raise DatasetError("enough")

    run("eval", "sweep", doors=Doors(open_rag=lambda *_, **__: ScriptedRag(), sweep=sweep))
    ((_, settings, grid), options) = calls[0]
    wanted = {"passage_tokens", "overlap_sentences", "top_k", "lexical_weight", "method"}
    assert (wanted, False) == (set(grid), options["combined"])
    assert 8 == len(cells_of(settings, grid, combined=False))


def test_a_draft_can_be_asked(tmp_path, monkeypatch):
    """`rag eval draft` writes a table of one's own documents that `rag eval --dataset` takes, and keeps to itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "bridge.txt").write_text(
        "The harbour bridge was opened in 1932. It was designed by Ada Holm. Ada Holm is an engineer.",
        encoding="utf-8",
    )
    with open_rag(tmp_path / "seeds") as rag:
        rag.sync()
        drafted = run(
            "eval",
            "draft",
            "--out",
            "own.csv",
            doors=Doors(open_rag=lambda *_, **__: nullcontext(rag)),
        )
        assert 0 == drafted.code
        assert "rag eval --dataset own.csv" in drafted.err
        assert 0 < run_evaluation(rag, Path("own.csv"), out=tmp_path / "run").n
        again = run(
            "eval",
            "draft",
            "--out",
            "own.csv",
            doors=Doors(open_rag=lambda *_, **__: nullcontext(rag)),
        )

    assert 1 == again.code


def test_a_public_collection_is_measured(tmp_path):
    """`rag eval benchmark` recognises a file by its layout and prints its measures."""
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

    outcome = run("eval", "benchmark", str(path))

    assert (0, "") == (outcome.code, outcome.err)
    assert "balanced accuracy" in outcome.out


def test_help_names_the_sub_commands():
    """`rag eval --help` shows its own options and what is below it, and opens nothing."""
    outcome = run("eval", "--help")
    assert (0, ()) == (outcome.code, outcome.opened)
    for wanted in ("--compare", "--gate", "--report", "\n  sweep "):
        assert wanted in outcome.out
    assert "--grid" in run("eval", "sweep", "-h").out
