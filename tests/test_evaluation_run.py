"""Runs: kept as they go, completed after a stop, and never mixed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import ChatTimeoutError, DatasetError, IndexCorruptError
from rag.evaluation import html_report, load_questions, run_evaluation
from rag.evaluation import run as runs
from rag.evaluation.dataset import Example, example_to_dict
from rag.evaluation.report import report_of
from rag.evaluation.run import evaluate, load_run
from rag.schema import Turn
from tests.evaluation_fakes import EXAMPLES, SOURCE, ScriptedPipeline, citing, right

ROOT = Path(__file__).parent.parent


def _lasting(folder: Path) -> list[dict]:
    """Return the records without what a second run may have otherwise."""
    lines = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    for record in records:
        del record["cost"]
    return records


def test_a_run_keeps_everything_that_came_back(tmp_path):
    """Each question's answer, passages and quote checks are in the run, in the set's order."""
    run = evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path / "run")
    records = list(run.records())
    assert [r["query_id"] for r in records] == [e.query_id for e in EXAMPLES]
    first = records[0]
    assert first["answer"] == json.loads(json.dumps(right(EXAMPLES[0].question).to_dict()))
    assert first["example"] == json.loads(json.dumps(example_to_dict(EXAMPLES[0])))
    assert first["quotes_exact"] == [True]
    assert (first["retrieved"][0]["start"], len(first["retrieved"])) == (0, 3)
    assert load_run(tmp_path / "run").manifest == run.manifest


def test_history_goes_to_the_pipeline(tmp_path):
    """A follow-up is asked with the turns before it."""
    history = (Turn(role="user", text="Who?"), Turn(role="assistant", text="Ada."))
    pipeline = ScriptedPipeline()
    evaluate(pipeline, [replace(EXAMPLES[0], history=history)], out_dir=tmp_path)
    assert pipeline.asked == [(EXAMPLES[0].question, history)]


def test_two_runs_are_the_same(tmp_path):
    """Apart from times, the same pipeline and questions make the same files."""
    for name in ("a", "b"):
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path / name)
    assert _lasting(tmp_path / "a") == _lasting(tmp_path / "b")
    manifests = [(tmp_path / name / "manifest.json").read_bytes() for name in ("a", "b")]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize("written", [50, -1], ids=["half a line", "all but its end"])
def test_a_stopped_run_goes_on(tmp_path, written):
    """After a stop in the middle of a line, only what is missing is asked."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    evaluate(ScriptedPipeline(), EXAMPLES, out_dir=whole)
    evaluate(ScriptedPipeline(), EXAMPLES, out_dir=stopped)
    answers = stopped / "answers.jsonl"
    lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    answers.write_text("".join(lines[:2]) + lines[2][:written], encoding="utf-8")

    pipeline = ScriptedPipeline()
    told = []
    evaluate(pipeline, EXAMPLES, out_dir=stopped, progress=lambda *heard: told.append(heard))
    assert [question for question, _ in pipeline.asked] == [e.question for e in EXAMPLES[2:]]
    assert _lasting(stopped) == _lasting(whole)
    assert told[-1] == ("questions", 5, 5)


def test_a_killed_process_loses_no_answer(tmp_path):
    """A run whose process is killed keeps every answer before, and is completed by another."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from rag.evaluation.run import evaluate\n"
        "from tests.evaluation_fakes import EXAMPLES, ScriptedPipeline, right\n"
        "def answer(question):\n"
        "    if question == EXAMPLES[3].question:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return right(question)\n"
        "evaluate(ScriptedPipeline(answer=answer), EXAMPLES, out_dir=Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(_lasting(tmp_path)) == 3
    pipeline = ScriptedPipeline()
    evaluate(pipeline, EXAMPLES, out_dir=tmp_path)
    assert len(pipeline.asked) == 2
    assert [r["query_id"] for r in _lasting(tmp_path)] == [e.query_id for e in EXAMPLES]


def test_a_run_is_never_mixed(tmp_path):
    """Other questions or settings in the same folder are refused, and nothing is overwritten."""
    evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path, settings={"top_k": 8})
    before = (tmp_path / "answers.jsonl").read_bytes()
    with pytest.raises(DatasetError, match="other questions made"):
        evaluate(ScriptedPipeline(), EXAMPLES[:2], out_dir=tmp_path, settings={"top_k": 8})
    with pytest.raises(DatasetError, match="other settings made"):
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path, settings={"top_k": 9})
    assert (tmp_path / "answers.jsonl").read_bytes() == before


def test_a_failed_question_is_recorded_and_asked_again(tmp_path):
    """A chat model that fails once costs that question only, until the run is completed."""

    def failing(question: str):
        if question == EXAMPLES[1].question:
            raise ChatTimeoutError("no answer within 60 s")
        return right(question)

    run = evaluate(ScriptedPipeline(answer=failing), EXAMPLES, out_dir=tmp_path)
    report = report_of(run, resamplings=50)
    assert report.errors == ("babbage: ChatTimeoutError: no answer within 60 s",)
    failed = next(o for o in report.outcomes if o.query_id == "babbage")
    assert (failed.abstained, failed.right, failed.scores["RR@10"]) == (False, 0.0, 0.0)
    assert (failed.fault, failed.scores["answered"]) == ("could not be asked", 0.0)

    pipeline = ScriptedPipeline()
    report = report_of(evaluate(pipeline, EXAMPLES, out_dir=tmp_path), resamplings=50)
    assert [question for question, _ in pipeline.asked] == [EXAMPLES[1].question]
    assert report.errors == ()
    # Asked again last, and still in its place.
    assert [o.query_id for o in report.outcomes] == [e.query_id for e in EXAMPLES]


def test_a_fault_of_the_index_is_not_a_wrong_answer(tmp_path):
    """What would fail every question stops the run instead of being counted."""

    def broken(_: str):
        raise IndexCorruptError("vectors.faiss is damaged")

    with pytest.raises(IndexCorruptError):
        evaluate(ScriptedPipeline(answer=broken), EXAMPLES, out_dir=tmp_path)


def test_a_misquote_is_seen(tmp_path):
    """A quote that is not what stands at its offsets is recorded as inexact."""
    changed = SOURCE.text.replace("notes", "Notes")
    run = evaluate(ScriptedPipeline(source_text=changed), EXAMPLES[:1], out_dir=tmp_path)
    assert next(run.records())["quotes_exact"] == [False]


_LASTING = """
import sys, time
from dataclasses import replace
from pathlib import Path
from rag.evaluation.run import evaluate
from tests.evaluation_fakes import EXAMPLES, ScriptedPipeline, right
examples = [replace(EXAMPLES[n % 5], query_id=str(n)) for n in range(1000)]
def answer(question):
    time.sleep(0.001)
    return right(question)
evaluate(ScriptedPipeline(answer=answer), examples, out_dir=Path(sys.argv[1]))
"""


def test_a_thousand_questions_survive_kill_after_kill(tmp_path):
    """Killed from outside at any moment, a run loses no answer before it, and ends as if unbroken."""
    command = [sys.executable, "-c", _LASTING, str(tmp_path / "killed")]
    answers = tmp_path / "killed" / "answers.jsonl"
    kept = [0]
    for n_wanted in (100, 350, 700):
        process = subprocess.Popen(command, cwd=ROOT)
        while process.poll() is None and _n_lines(answers) < n_wanted:
            time.sleep(0.003)
        process.kill()
        assert -signal.SIGKILL == process.wait()
        kept.append(_n_lines(answers))
    assert kept == sorted(kept)
    assert kept[-1] < 1000
    subprocess.run(command, cwd=ROOT, check=True)
    examples = [replace(EXAMPLES[n % 5], query_id=str(n)) for n in range(1000)]
    evaluate(ScriptedPipeline(), examples, out_dir=tmp_path / "whole")
    assert _lasting(tmp_path / "killed") == _lasting(tmp_path / "whole")


def _n_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_memory_does_not_grow_with_the_questions(tmp_path):
    """1,000 questions with long answers hold no more than a few at once, resumed or not."""
    long = "word " * 4000
    pipeline = ScriptedPipeline(answer=lambda q: replace(citing(q, 0), text=long))
    examples = [replace(EXAMPLES[0], query_id=str(number)) for number in range(1000)]
    for _ in ("fresh", "resumed"):
        tracemalloc.start()
        evaluate(pipeline, examples, out_dir=tmp_path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000
    assert (tmp_path / "answers.jsonl").stat().st_size > 20_000_000


def test_memory_is_that_of_this_process():
    """What a process says it held grows by what it takes, and its parent's memory is not in it."""
    script = (
        "from rag.evaluation.run import peak_megabytes\n"
        "before = peak_megabytes()\n"
        "held = bytearray(100_000_000)\n"
        "print(before, peak_megabytes())\n"
    )
    held = bytearray(200_000_000)
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    before, after = map(float, ran.stdout.split())
    assert before < len(held) / 1e6
    assert pytest.approx(100, abs=10) == after - before


@pytest.mark.slow  # a thousand long answers are scored word by word
def test_reports_do_not_hold_the_answers(tmp_path):
    """From questions to all three reports, a process with 1,000 long answers is as small as with 100."""
    script = (
        "import json, sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from rag.evaluation import run_evaluation\n"
        "from rag.evaluation.dataset import example_to_dict\n"
        "from rag.evaluation.run import peak_megabytes\n"
        "from tests.evaluation_fakes import EXAMPLES, ScriptedPipeline, citing\n"
        "folder, n = Path(sys.argv[1]), int(sys.argv[2])\n"
        "examples = [replace(EXAMPLES[0], query_id=str(number)) for number in range(n)]\n"
        "lines = [json.dumps(example_to_dict(example)) for example in examples]\n"
        "(folder / 'q.jsonl').write_text('\\n'.join(lines))\n"
        "answer = lambda q: replace(citing(q, 0), text='Ada ' + 'word ' * 8_000)\n"
        "run_evaluation(ScriptedPipeline(answer=answer), folder / 'q.jsonl', out=folder / 'run')\n"
        "print(peak_megabytes())\n"
    )
    peaks = []
    for n in (100, 1000):
        (tmp_path / str(n)).mkdir()
        command = [sys.executable, "-c", script, str(tmp_path / str(n)), str(n)]
        ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        peaks.append(float(ran.stdout))
    assert (tmp_path / "1000/run/answers.jsonl").stat().st_size > 40_000_000
    assert peaks[1] - peaks[0] < 25


def test_any_text_is_kept(tmp_path):
    """Half of a surrogate pair, which UTF-8 cannot hold, comes back as it was."""
    odd = replace(EXAMPLES[0], question="Who wrote \ud800 notes?", kind="\udfff")
    pipeline = ScriptedPipeline(answer=lambda q: citing(q, 0))
    report = run_evaluation(pipeline, _questions(tmp_path, (odd,)), out=tmp_path / "run")
    (record,) = load_run(tmp_path / "run").records()
    assert (odd.question, odd.question) == (
        record["example"]["question"],
        record["answer"]["question"],
    )
    assert "\udfff" == report.outcomes[0].kind


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("manifest.json", "{", "holds no run"),
        ("manifest.json", '{"format": 99}', "another format than 2"),
    ],
)
def test_what_is_no_run_is_told(tmp_path, name, text, message):
    """A damaged or foreign manifest is refused in a sentence."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        load_run(tmp_path)
    with pytest.raises(DatasetError, match="holds no run"):
        load_run(tmp_path / "none")


def test_a_damaged_record_is_told_with_its_line(tmp_path):
    """Reading a run that was cut off says where, and what to do."""
    run = evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path)
    with (tmp_path / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"query_id": ')
    with pytest.raises(DatasetError, match=r"line 6: the record is damaged\. Run the evaluation"):
        list(run.records())


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """A file in the folder's place is told as a sentence."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DatasetError, match="cannot be written"):
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path / "file" / "run")


def test_answers_without_a_manifest_are_left_alone(tmp_path):
    """A folder whose making is unknown is not completed."""
    (tmp_path / "answers.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DatasetError, match="answers without a manifest"):
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path)


def test_the_program_is_part_of_what_makes_a_run(monkeypatch, tmp_path):
    """A changed program does not complete an old run: its files are hashed."""
    for version in ("old", "same", "new"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "weights.bin").write_text(version[-1], encoding="utf-8")
    (tmp_path / "same" / "weights.bin").write_text("d", encoding="utf-8")
    for version in ("old", "same"):
        monkeypatch.setattr(runs.rag, "__file__", str(tmp_path / version / "__init__.py"))
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path / "run")
    monkeypatch.setattr(runs.rag, "__file__", str(tmp_path / "new" / "__init__.py"))
    with pytest.raises(DatasetError, match="other program made"):
        evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path / "run")


# --- The front door ------------------------------------------------------------------------------


def _questions(folder: Path, examples: tuple[Example, ...]) -> Path:
    path = folder / "questions.jsonl"
    lines = [json.dumps(example_to_dict(example)) for example in examples]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_front_door_asks_and_reports(tmp_path):
    """A file of questions and a pipeline become a run and a report in one folder."""
    path, out = _questions(tmp_path, EXAMPLES), tmp_path / "run"
    report = run_evaluation(ScriptedPipeline(), path, split="dev", out=out, progress=None)
    assert [o.query_id for o in report.outcomes] == ["ada", "both", "cipher"]
    assert (out / "report.md").read_text(encoding="utf-8") == report.to_markdown()
    assert (out / "report.html").read_text(encoding="utf-8") == html_report(load_run(out))
    written = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(report.to_dict()))


def test_the_front_door_finds_quotes(tmp_path):
    """Evidence that a person gave as words is judged as spans."""
    (tmp_path / "q.csv").write_text(
        "question,answers,evidence\nWho wrote notes?,Ada,Ada wrote notes.\n", encoding="utf-8"
    )
    report = run_evaluation(ScriptedPipeline(), tmp_path / "q.csv", out=tmp_path / "run")
    assert report.outcomes[0].scores["citation precision"] == 1.0
    assert report.outcomes[0].right == 1.0


def test_evidence_must_fit_what_is_indexed(tmp_path):
    """Questions on other sources than the indexed ones are refused before anything is asked."""
    far = replace(EXAMPLES[0].evidence[0], source_id="other.txt")
    path = _questions(tmp_path, (replace(EXAMPLES[0], evidence=(far,)),))
    pipeline = ScriptedPipeline()
    with pytest.raises(DatasetError, match=r"no source is called 'other\.txt'"):
        run_evaluation(pipeline, path, out=tmp_path / "run")
    assert pipeline.asked == []


def test_without_a_project_a_data_set_must_be_named(tmp_path, monkeypatch):
    """Outside of the project's folder the message says where the questions were looked for."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=r"There is no eval/data/article\.jsonl below"):
        run_evaluation(ScriptedPipeline())


def test_a_run_without_a_folder_gets_one_of_its_own(tmp_path, monkeypatch):
    """By default a run goes below eval/runs under its time, the folder of its questions and its split."""
    monkeypatch.chdir(tmp_path)
    report = run_evaluation(ScriptedPipeline(), _questions(tmp_path, EXAMPLES), split="test")
    assert Path(report.run).parent == Path("eval/runs")
    assert report.run.endswith(f"-{tmp_path.name}-test")


def test_runs_begun_in_one_second_are_not_mixed(tmp_path, monkeypatch):
    """A run that names no folder asks anew, even where an equal one has just been made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda _: "20260102-030405")
    questions = _questions(tmp_path, EXAMPLES)
    pipelines = [ScriptedPipeline(), ScriptedPipeline(), ScriptedPipeline()]
    named = [Path(run_evaluation(pipeline, questions).run).name for pipeline in pipelines]
    begun = f"20260102-030405-{tmp_path.name}"
    assert [begun, f"{begun}-2", f"{begun}-3"] == named
    assert [len(EXAMPLES)] * 3 == [len(pipeline.asked) for pipeline in pipelines]


def test_a_place_for_runs_that_cannot_be_written_is_a_clear_error(tmp_path, monkeypatch):
    """A file where the runs belong is named, before anything is asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eval").write_text("", encoding="utf-8")
    pipeline = ScriptedPipeline()
    with pytest.raises(DatasetError, match="A run below eval/runs cannot be written"):
        run_evaluation(pipeline, _questions(tmp_path, EXAMPLES))
    assert [] == pipeline.asked


def test_the_article_is_asked_by_halves(tmp_path, monkeypatch):
    """Without a split only the article's development half is asked; `all` asks both, as files do."""
    (tmp_path / "eval/data").mkdir(parents=True)
    path = _questions(tmp_path, EXAMPLES).rename(tmp_path / "eval/data/article.jsonl")
    monkeypatch.chdir(tmp_path)

    def asked(*dataset: Path, split: str | None = None) -> int:
        return len(load_questions(ScriptedPipeline(), *dataset, split=split)[1])

    assert [3, 3, 2, 5] == [asked(split=split) for split in (None, "dev", "test", "all")]
    assert [5, 3, 2, 5] == [asked(path, split=split) for split in (None, "dev", "test", "all")]
