"""`rag eval` and its sub-commands: what they ask, what they compare, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from rag.cli.session import Doors
from rag.evaluation import run_evaluation
from rag.evaluation.dataset import example_to_dict
from rag.evaluation.run import evaluate
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


def _shipped(root: Path, *names: str) -> None:
    """Lay out question sets as the project ships them: the article's, and others on their own documents."""
    for name in ("article", *names):
        folder = root / "eval/data" / ("" if name == "article" else name)
        file = folder / ("article.jsonl" if name == "article" else "questions.jsonl")
        (folder / "sources").mkdir(parents=True)
        lines = [
            json.dumps(example_to_dict(replace(example, query_id=f"{name}-{example.query_id}")))
            for example in QUESTIONS
        ]
        file.write_text("\n".join(lines), encoding="utf-8")


def test_without_a_dataset_every_set_of_the_project_is_asked(tmp_path, monkeypatch):
    """The article on the documents of the settings, the others on theirs: three runs, one report, one gate."""
    monkeypatch.chdir(tmp_path)
    _shipped(tmp_path, "everyday", "kinds")
    outcome = run("eval", "--out", "run", "--json", doors=_doors())
    plain = json.loads(outcome.out)
    assert (0, 45) == (outcome.code, plain["n"])
    rows = next(table["rows"] for table in plain["tables"] if table["title"] == "Answers")
    assert ["article", "everyday", "kinds"] == [row["label"] for row in rows]
    for name in ("article", "everyday", "kinds"):
        assert Path("run", name, "report.html").exists()
    assert 0 == run("eval", "--update-baseline", doors=_doors()).code
    assert 0 == run("eval", "--gate", doors=_doors()).code
    assert 1 == run("eval", "--gate", doors=_doors(abstaining)).code


def test_where_only_the_article_is_shipped_it_is_asked_alone(tmp_path, monkeypatch):
    """A set that is not there is left out, and the run is then the article's as ever."""
    monkeypatch.chdir(tmp_path)
    _shipped(tmp_path)
    outcome = run("eval", "--out", "run", "--json", doors=_doors())
    assert (0, 15) == (outcome.code, json.loads(outcome.out)["n"])
    assert Path("run/report.html").exists()


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
        (("--split", "dev", "draft"), "--split must stand behind draft: rag eval draft --split"),
        (("--compare", "a"), "--compare"),
        (("sweep", "--grid", "top_k=5"), "python -m eval.benchmarks sweep"),
        (("benchmark", "squad.json", "--mode", "corpus"), "python -m eval.benchmarks run"),
        (("nothing",), "nothing"),
    ],
)
def test_what_has_no_meaning_is_refused(argv, message):
    """Options that would be ignored, and commands that do not exist, end with 2 before anything opens."""
    outcome = run("eval", *argv)
    assert (2, "", ()) == (outcome.code, outcome.out, outcome.opened)
    assert message in outcome.err
    assert 1 == outcome.err.count("\n")


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


def test_help_names_the_sub_commands():
    """`rag eval --help` shows its own options and what is below it, and opens nothing."""
    outcome = run("eval", "--help")
    assert (0, ()) == (outcome.code, outcome.opened)
    for wanted in ("--compare", "--gate", "--report", "\n  draft "):
        assert wanted in outcome.out
    assert "sweep" not in outcome.out
    assert "--out" in run("eval", "draft", "-h").out
