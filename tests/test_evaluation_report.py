"""Reports: what each fault does to the figures, and that the figures are shown as they are."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rag.errors import ChatTimeoutError, DatasetError
from rag.evaluation.dataset import Example
from rag.evaluation.measures import Region
from rag.evaluation.outcomes import DEGREES, judge_passages
from rag.evaluation.report import EvaluationReport, joined, report_of
from rag.evaluation.run import evaluate
from rag.schema import Answer, Context
from tests.evaluation_fakes import (
    EXAMPLES,
    SOURCE,
    ScriptedPipeline,
    abstaining,
    citing,
    evidence,
    guessed,
    guessing,
    passage,
    right,
    shifted,
    span,
)


def _report(folder: Path, pipeline: ScriptedPipeline, examples=EXAMPLES) -> EvaluationReport:
    return report_of(evaluate(pipeline, examples, out_dir=folder), resamplings=50)


def _figures(report: EvaluationReport, row: str = "all") -> dict[str, float]:
    """Return the figures of a row of every table that has it."""
    rows = [r for table in report.tables for r in table.rows if r.label == row]
    return {name: figure.value for r in rows for name, figure in r.figures.items()}


def test_a_perfect_pipeline_is_perfect(tmp_path):
    """Right answers, right citations and due abstentions score 1 everywhere."""
    figures = _figures(_report(tmp_path, ScriptedPipeline()))
    for name in (
        "Success@1", "RR@10", "containment", "right", "citation precision", "citation recall",
        "evidence recall", "citation focus", "quote exactness", "precision", "recall", "AUROC",
    ):  # fmt: skip
        assert figures[name] == 1.0, name
    assert figures["ECE"] == pytest.approx(0.1)
    report = _report(tmp_path, ScriptedPipeline())
    assert _figures(report, "fact")["answered"] == 1.0
    assert _figures(report, "unanswerable")["abstained when due"] == 1.0


@pytest.mark.parametrize(
    ("answer", "fallen"),
    [
        (lambda q: citing(q, 0), {"containment", "precision", "recall", "AUROC", "right"}),
        (abstaining, {"containment", "citation recall", "evidence recall", "precision", "right"}),
        (shifted, {"citation precision", "right"}),
        (lambda q: replace(right(q), confidence=0.5), {"AUROC"}),
    ],
    ids=["always answers", "never answers", "cites the next sentence", "knows no doubt"],
)
def test_each_fault_shows(tmp_path, answer: Callable[[str], Answer], fallen):
    """A pipeline that is broken in one way loses the measures that are about it."""
    good = _figures(_report(tmp_path / "good", ScriptedPipeline()))
    bad = _figures(_report(tmp_path / "bad", ScriptedPipeline(answer=answer)))
    for name in fallen:
        # A figure that is gone from the table is a loss as well.
        assert bad.get(name, 0.0) < good[name], name


def test_a_broken_retriever_shows(tmp_path):
    """Passages in the wrong order lose rank, and missing ones lose recall."""
    upside_down = ScriptedPipeline(found=lambda _: [passage(1, rank=1), passage(0, rank=2)])
    figures = _figures(_report(tmp_path, upside_down, EXAMPLES[:1]), "dev")
    assert (figures["Success@1"], figures["Success@5"], figures["RR@10"]) == (0.0, 1.0, 0.5)
    nothing = ScriptedPipeline(found=lambda _: [])
    figures = _figures(_report(tmp_path / "none", nothing, EXAMPLES[:1]), "dev")
    assert (figures["R@10"], figures["nDCG@10"]) == (0.0, 0.0)


def test_silence_is_not_rewarded(tmp_path):
    """A pipeline that answers only what it is sure of does not gain on those it leaves out."""
    shy = ScriptedPipeline(answer=lambda q: right(q) if "notes" in q else abstaining(q))
    figures = _figures(_report(tmp_path, shy))
    assert figures["containment"] == pytest.approx(2 / 3)
    assert figures["citation precision"] == pytest.approx(2 / 3)


def test_near_misses_are_no_answer(tmp_path):
    """The text and the citations of an abstention are not taken for an answer."""
    told = citing(EXAMPLES[0].question, 0)
    near = replace(told, status="unanswered", reason=abstaining("").reason)
    figures = _figures(
        _report(tmp_path, ScriptedPipeline(answer=lambda _: near), EXAMPLES[:1]), "dev"
    )
    assert (figures["containment"], figures["citation precision"]) == (0.0, 0.0)


@pytest.mark.parametrize("status", ["answered", "likely", "partial"])
def test_whatever_is_not_an_abstention_is_measured_as_an_answer(tmp_path, status):
    """An answer that is only likely, or only of a part, is measured by its words and citations like a sure one."""
    said = replace(citing(EXAMPLES[0].question, 0), status=status)
    figures = _figures(
        _report(tmp_path, ScriptedPipeline(answer=lambda _: said), EXAMPLES[:1]), "dev"
    )
    assert (figures["containment"], figures["citation precision"]) == (1.0, 1.0)


def test_markers_are_no_words_of_the_answer(tmp_path):
    """An answer that equals the expected one but for its marker is an exact match."""
    exact = replace(citing("", 0), text="Ada [1]")
    figures = _figures(
        _report(tmp_path, ScriptedPipeline(answer=lambda _: exact), EXAMPLES[:1]), "dev"
    )
    assert (figures["EM"], figures["F1"]) == (1.0, 1.0)


def test_half_of_a_two_part_answer_is_half(tmp_path):
    """Naming one of two people is half contained, half shown, and not right."""
    half = ScriptedPipeline(answer=lambda q: citing(q, 0))
    figures = _figures(_report(tmp_path, half, EXAMPLES[2:3]), "dev")
    assert (figures["containment"], figures["evidence recall"]) == (0.5, 0.5)
    assert figures["right"] == 0.0


def test_the_judgement_does_not_hang_on_the_passages():
    """Larger or smaller passages around the same evidence are judged alike."""
    whole = [Region(SOURCE.source_id, 0, len(SOURCE.text))]
    start, end = span(0)
    small = [Region(SOURCE.source_id, start, end)]
    for retrieved in (whole, small):
        ranking, qrels = judge_passages(retrieved, [evidence(0)])
        assert qrels == {ranking[0]: 1}


def test_what_no_passage_shows_is_missing():
    """Each part of the answer that nothing shows counts as one relevant passage more."""
    start, end = span(0)
    ranking, qrels = judge_passages(
        [Region(SOURCE.source_id, start, end)], [evidence(0, 1), evidence(2, 2), evidence(1, 2)]
    )
    assert qrels == {ranking[0]: 1, "part 2, not retrieved": 1}


def test_questions_without_answers_are_only_timed(tmp_path):
    """Bare questions give latency and no figure that nobody could know."""
    bare = [Example(query_id="q", question="Who wrote notes?")]
    report = _report(tmp_path, ScriptedPipeline(), bare)
    # Its quotes can be checked without knowing the answer.
    assert [table.title for table in report.tables] == ["Citations", "Latency"]
    assert "quote exactness" in _figures(report)


def test_the_same_run_gives_the_same_report(tmp_path):
    """A report is a function of its run."""
    run = evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path)
    assert report_of(run) == report_of(run)


def test_groups_are_whole_and_halves(tmp_path):
    """Both halves are shown beside the whole, each with the questions it rests on."""
    report = _report(tmp_path, ScriptedPipeline())
    answers = next(table for table in report.tables if table.title == "Answers")
    counts = {row.label: row.figures["containment"].n for row in answers.rows}
    assert counts == {"all": 3, "dev": 2, "test": 1}
    kinds = next(table for table in report.tables if table.title.startswith("By kind"))
    assert [row.label for row in kinds.rows] == ["fact", "two_part", "unanswerable"]


def test_markdown_shows_figures_with_intervals(tmp_path):
    """A figure reads as per cent with its interval; what is undefined is a dash."""
    text = _report(tmp_path, ScriptedPipeline()).to_markdown()
    assert "| all | 100.0 [100.0, 100.0] |" in text
    assert "| fact | 100.0 [100.0, 100.0] |" in text
    assert "| – |" in text
    assert "nan," not in text
    assert "nan]" not in text


def test_json_is_strict_and_complete(tmp_path):
    """The JSON form has no NaN, every table, and every question's values."""
    report = _report(tmp_path, ScriptedPipeline())
    text = json.dumps(report.to_dict(), allow_nan=False)
    assert len(json.loads(text)["questions"]) == len(EXAMPLES)
    undefined = [
        figure
        for table in report.tables
        for row in table.rows
        for figure in row.figures.values()
        if math.isnan(figure.value)
    ]
    assert undefined
    assert '"value": null' in text


def test_a_terminal_shows_the_tables(tmp_path):
    """The terminal's tables hold the same figures, and a kind's name cannot act as markup."""
    odd = [replace(EXAMPLES[0], kind="[red]a|b")]
    report = _report(tmp_path, ScriptedPipeline(), odd)
    out = io.StringIO()
    report.print(Console(file=out, width=200))
    assert "100.0 [100.0, 100.0]" in out.getvalue()
    assert "[red]a|b" in out.getvalue()
    assert "| [red]a\\|b |" in report.to_markdown()


def test_good_is_right_or_rightly_silent(tmp_path):
    """Each question is good or has a fault that is named, and the faults are told apart."""
    wrong = replace(citing("", 2), confidence=0.4)
    cases = {
        "": right,
        "not answered": abstaining,
        "wrong": lambda _: wrong,
        "evidence not shown": shifted,
        "should not be answered": lambda q: citing(q, 0),
        "should not be guessed": lambda q: guessing(q, 0),
    }
    for fault, answer in cases.items():
        example = EXAMPLES[3] if fault.startswith("should not") else EXAMPLES[0]
        folder = tmp_path / (fault or "none")
        (outcome,) = _report(folder, ScriptedPipeline(answer=answer), [example]).outcomes
        assert (fault, float(not fault)) == (outcome.fault, outcome.scores["good"])


def test_a_guess_counts_less_than_what_is_stated(tmp_path):
    """Right as a guess is right, apart from right surely; wrong costs more where it was stated."""
    sure, guess, wrong, wrong_guess, silent = (
        _report(tmp_path / str(i), ScriptedPipeline(answer=answer), EXAMPLES[:1]).outcomes[0].scores
        for i, answer in enumerate(
            (right, guessed, lambda q: citing(q, 2), lambda q: guessing(q, 2), abstaining)
        )
    )
    worths = [one["effective reliability"] for one in (sure, guess, silent, wrong_guess, wrong)]
    assert [1.0, 0.5, 0.0, -0.5, -2.0] == worths
    assert (1.0, 0.0, 1.0) == (guess["right"], guess["right surely"], guess["right as guess"])
    assert (1.0, 0.0) == (wrong_guess["wrong as guess"], wrong_guess["wrong surely"])
    for scores in (sure, guess, wrong, wrong_guess, silent):
        assert 1.0 - scores["answered"] == 1.0 - sum(scores[name] for name in DEGREES)


def test_a_guess_at_what_is_not_there_is_no_statement(tmp_path):
    """Of questions without an answer the stated ones are counted apart from those guessed at."""
    for answer, scores in {
        abstaining: (1.0, 1.0, 0.0),
        (lambda q: guessing(q, 0)): (1.0, 0.0, -0.5),
        (lambda q: citing(q, 0)): (0.0, 0.0, -2.0),
    }.items():
        folder = tmp_path / str(scores)
        (one,) = _report(folder, ScriptedPipeline(answer=answer), EXAMPLES[3:4]).outcomes
        names = ("not stated as sure", "abstained when due", "effective reliability")
        assert scores == tuple(one.scores[name] for name in names)


def test_what_is_called_sure_and_likely_is_counted_by_word(tmp_path):
    """Of each word the report says how much of what it was said of is right."""
    answer = lambda q: guessed(q) if "engines" in q else right(q)  # noqa: E731
    figures = _figures(_report(tmp_path, ScriptedPipeline(answer=answer)))
    assert (1.0, 1.0) == (figures["right of stated"], figures["right of guesses"])
    assert pytest.approx(2 / 3) == figures["right surely"]
    always = _figures(_report(tmp_path / "a", ScriptedPipeline(answer=lambda q: citing(q, 0))))
    assert 0.2 == always["right of stated"]
    assert math.isnan(always["right of guesses"])


def test_a_quotes_context_is_shown_with_it(tmp_path):
    """A heading that a quote carries is evidence that is shown; citing it is not asked for."""
    start, end = span(2)
    context = (Context(kind="heading", start=start, end=end, text="Turing broke ciphers."),)

    def answer(question: str) -> Answer:
        answered = citing(question, 0)
        (citation,) = answered.citations
        return replace(answered, citations=(replace(citation, context=context),))

    for name, shown in (("with", 1.0), ("without", 0.5)):
        said = answer if name == "with" else lambda q: citing(q, 0)
        (one,) = _report(tmp_path / name, ScriptedPipeline(answer=said), EXAMPLES[2:3]).outcomes
        assert (shown, 1.0) == (one.scores["evidence recall"], one.scores["citation precision"])


def test_runs_on_several_sets_are_one_report(tmp_path):
    """A row a set, kinds by set, questions in one list; a name that occurs twice is refused."""
    others = [replace(one, query_id=f"other-{one.query_id}") for one in EXAMPLES]
    reports = {
        "one": _report(tmp_path / "one", ScriptedPipeline()),
        "other": _report(tmp_path / "other", ScriptedPipeline(answer=abstaining), others),
    }
    report = joined(reports, resamplings=50)
    assert (10, 10) == (report.n, len(report.outcomes))
    assert (1.0, 0.0) == tuple(_figures(report, name)["right"] for name in reports)
    assert 1.0 == _figures(report, "one: fact")["right"]
    with pytest.raises(DatasetError, match="occurs in two of the sets one, again"):
        joined({"one": reports["one"], "again": reports["one"]})


def test_a_failure_is_no_abstention(tmp_path):
    """A question that could not be asked is not good, also where silence would have been."""

    def failing(_: str) -> Answer:
        raise ChatTimeoutError("no answer within 60 s")

    report = _report(tmp_path, ScriptedPipeline(answer=failing), EXAMPLES[3:4])
    scores = report.outcomes[0].scores
    assert 0.0 == scores["abstained when due"] == scores["not stated as sure"] == scores["good"]
    assert 0.0 == _figures(report, "unanswerable")["abstained when due"]


def test_a_stopped_run_is_not_reported(tmp_path):
    """Figures of half a run are not given for those of all of it."""
    run = evaluate(ScriptedPipeline(), EXAMPLES, out_dir=tmp_path)
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "answers.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"holds 3 of 5 answers.*Complete it"):
        report_of(run)
