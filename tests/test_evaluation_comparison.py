"""Comparisons: what differs between two runs, what of it is real, and which answers changed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.comparison import Comparison, Difference, compare_runs
from rag.evaluation.intervals import paired_bootstrap
from rag.evaluation.outcomes import outcomes_of
from rag.evaluation.run import Run, evaluate
from rag.schema import Answer
from tests.evaluation_fakes import (
    EXAMPLES,
    ScriptedPipeline,
    abstaining,
    citing,
    passage,
    repeated,
    right,
    shifted,
)

QUESTIONS = repeated(4)


def _run(folder: Path, answer: Callable[[str], Answer] = right, **settings: object) -> Run:
    return evaluate(ScriptedPipeline(answer=answer), QUESTIONS, out_dir=folder, settings=settings)


def _measure(comparison: Comparison, name: str) -> Difference:
    return next(one for one in comparison.differences if one.measure == name)


def test_a_run_does_not_differ_from_itself(tmp_path):
    """The same answers differ in nothing but time, and no question changed."""
    runs = _run(tmp_path / "a"), _run(tmp_path / "b")
    comparison = compare_runs(*runs, resamplings=200)
    assert () == comparison.changes
    for one in comparison.differences:
        if not one.unit:
            assert (0.0, "") == (one.interval.value, one.verdict), one.measure


def test_differences_are_paired_and_after_less_before(tmp_path):
    """A measure's difference is the second run's less the first's, with the paired interval."""
    before, after = _run(tmp_path / "a", abstaining), _run(tmp_path / "b", right)
    difference = _measure(compare_runs(before, after), "right")
    ours, theirs = (
        [one.scores["right"] for one in outcomes_of(run) if one.answerable]
        for run in (after, before)
    )
    assert paired_bootstrap(ours, theirs) == difference.interval
    assert (0.0, 1.0, "better") == (difference.before, difference.after, difference.verdict)
    assert "worse" == _measure(compare_runs(after, before), "right").verdict


@pytest.mark.parametrize(
    ("answer", "fallen"),
    [
        (lambda q: citing(q, 0), {"abstained when due", "right", "abstention F1", "AUROC"}),
        (abstaining, {"answered", "right", "citation recall"}),
        (shifted, {"citation precision", "right", "good"}),
    ],
    ids=["always answers", "never answers", "cites the next sentence"],
)
def test_real_losses_are_called_worse(tmp_path, answer, fallen):
    """What a fault takes away is said to be worse."""
    comparison = compare_runs(_run(tmp_path / "a"), _run(tmp_path / "b", answer), resamplings=500)
    worse = {one.measure for one in comparison.differences if one.verdict == "worse"}
    assert fallen <= worse


def test_statistics_of_all_questions_differ_by_what_they_are(tmp_path):
    """AUROC and ECE of each run are those of its confidences, and less ECE is better."""
    unsure = lambda q: replace(right(q), confidence=0.6)  # noqa: E731
    before, after = _run(tmp_path / "a", unsure), _run(tmp_path / "b")
    comparison = compare_runs(before, after, resamplings=500)
    auroc, ece = _measure(comparison, "AUROC"), _measure(comparison, "ECE")
    assert (0.5, 1.0) == (auroc.before, auroc.after)
    for value, run in ((ece.before, before), (ece.after, after)):
        given = [one for one in outcomes_of(run) if one.given]
        wanted = measures.expected_calibration_error(
            [one.confidence for one in given], [one.right for one in given]
        )
        assert wanted == pytest.approx(value)
    assert "better" == ece.verdict
    assert ece.interval.value < 0


def test_changed_questions_are_told_with_both_answers(tmp_path):
    """Each question that changed is listed once, with its faults and its answers, by what became of it."""
    silent = lambda q: abstaining(q) if "engines" in q else right(q)  # noqa: E731
    before, after = _run(tmp_path / "a", silent), _run(tmp_path / "b", shifted)
    comparison = compare_runs(before, after, resamplings=50)
    worse = [one for one in comparison.changes if one.direction == "worse"]
    others = [one for one in comparison.changes if one.direction == "otherwise"]
    # Those on engines were at fault before as well, though in another way.
    assert [f"{name}-{number}" for number in range(4) for name in ("ada", "both")] == [
        one.query_id for one in worse
    ]
    assert [(f"babbage-{number}", "not answered", "evidence not shown") for number in range(4)] == [
        (one.query_id, one.before, one.after) for one in others
    ]
    first = worse[0]
    assert ("", "evidence not shown") == (first.before, first.after)
    assert first.answer_after.startswith("Ada wrote notes.")
    back = compare_runs(after, before, resamplings=50)
    assert {"better", "otherwise"} == {one.direction for one in back.changes}
    assert len(worse) == sum(one.direction == "better" for one in back.changes)


def test_other_words_and_other_citations_are_changes(tmp_path):
    """Where nobody knows what is right, an answer with other words or citations is still shown."""
    bare = tuple(
        replace(e, answerable=None, answers=(), answer_parts=(), evidence=()) for e in EXAMPLES
    )
    runs = [
        evaluate(ScriptedPipeline(answer=answer), bare, out_dir=tmp_path / name)
        for name, answer in (("a", right), ("b", shifted), ("c", abstaining))
    ]
    cited = compare_runs(runs[0], runs[1], resamplings=50)
    assert ["ada", "babbage", "both"] == [one.query_id for one in cited.changes]
    said = compare_runs(runs[0], runs[2], resamplings=50)
    assert {"otherwise"} == {one.direction for one in said.changes}
    assert "Changed otherwise: 3" in said.to_markdown()
    assert 3 == len(said.to_dict()["otherwise"])


def test_runs_on_other_questions_are_refused(tmp_path):
    """Different question sets cannot be paired, and the message says what to do."""
    other = evaluate(ScriptedPipeline(), QUESTIONS[:10], out_dir=tmp_path / "b")
    with pytest.raises(DatasetError, match=r"different questions \(20 and 10\).*same --dataset"):
        compare_runs(_run(tmp_path / "a"), other)


def test_a_stopped_run_is_refused(tmp_path):
    """Half a run would be compared on the easy half only."""
    before, after = _run(tmp_path / "a"), _run(tmp_path / "b")
    answers = after.folder / "answers.jsonl"
    lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    answers.write_text("".join(lines[:7]), encoding="utf-8")
    with pytest.raises(DatasetError, match="holds 7 of 20 answers"):
        compare_runs(before, after)


def test_order_of_answering_does_not_matter(tmp_path):
    """A run that was completed in another order is paired by question."""
    before, after = _run(tmp_path / "a"), _run(tmp_path / "b")
    answers = after.folder / "answers.jsonl"
    lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    answers.write_text("".join(np.random.default_rng(0).permutation(lines)), encoding="utf-8")
    assert () == compare_runs(before, after, resamplings=50).changes


def test_it_says_what_made_the_runs_differ(tmp_path):
    """Settings that differ are named with both values; those that do not are left out."""
    before = _run(tmp_path / "a", top_k=5, strictness=0.5)
    after = _run(tmp_path / "b", top_k=8, strictness=0.5)
    comparison = compare_runs(before, after, resamplings=50)
    assert {"top_k": (5, 8)} == comparison.made_otherwise
    assert "top_k: 5 before, 8 after" in comparison.summary


def test_every_form_shows_the_same(tmp_path):
    """Terminal, Markdown and JSON hold the same figures and questions."""
    found = lambda _: [passage(2), passage(1, rank=2)]  # noqa: E731
    after = evaluate(ScriptedPipeline(found=found), QUESTIONS, out_dir=tmp_path / "b")
    bad = _run(tmp_path / "c", abstaining)
    for comparison, name in (
        (compare_runs(_run(tmp_path / "a"), after, resamplings=500), "Success@1"),
        (compare_runs(after, bad, resamplings=500), "right"),
    ):
        out = io.StringIO()
        comparison.print(Console(file=out, width=300))
        plain = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
        held = next(one for one in plain["differences"] if one["measure"] == name)
        shown = f"{100 * held['difference']['value']:+.1f} ["
        assert "worse" == held["verdict"]
        for text in (out.getvalue(), comparison.to_markdown()):
            assert shown in text
            assert f"Became bad: {len(plain['worse'])}" in text or not plain["worse"]


def test_hostile_text_stays_in_its_cell(tmp_path):
    """A question with bars, newlines and markup breaks no table and acts on no terminal."""
    odd = [replace(e, question=f"[red]a|b\n# c {e.question}") for e in QUESTIONS]
    runs = [
        evaluate(ScriptedPipeline(answer=answer), odd, out_dir=tmp_path / name)
        for name, answer in (("a", lambda _: right(QUESTIONS[0].question)), ("b", abstaining))
    ]
    comparison = compare_runs(*runs, resamplings=50)
    assert "[red]a\\|b # c" in comparison.to_markdown()
    assert "\n# c" not in comparison.to_markdown()
    out = io.StringIO()
    comparison.print(Console(file=out, width=300))
    assert "[red]a|b" in out.getvalue()
