"""The gate: equal runs pass, real losses do not, and a baseline is only held against its questions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from rag.errors import DatasetError
from rag.evaluation import SHIPPED, load_questions
from rag.evaluation.gate import GATED, Baseline, baseline_of, check_gate, load_baseline
from rag.evaluation.intervals import paired_bootstrap
from rag.evaluation.report import EvaluationReport, report_of
from rag.evaluation.run import Pipeline, evaluate
from rag.language.sentences import split_sentences
from rag.schema import Answer, ScoredPassage, Source, SourceInfo, Turn
from tests.evaluation_fakes import (
    EXAMPLES,
    ScriptedPipeline,
    abstaining,
    citing,
    guessed,
    guessing,
    passage,
    repeated,
    right,
    shifted,
)

if TYPE_CHECKING:
    from rag.pipeline import Rag

ROOT = Path(__file__).parent.parent
QUESTIONS = repeated(5)


def _report(folder: Path, pipeline: Pipeline | None = None, questions=QUESTIONS):
    run = evaluate(pipeline or ScriptedPipeline(), questions, out_dir=folder)
    return report_of(run, resamplings=20)


@pytest.fixture(name="baseline")
def _baseline(tmp_path: Path) -> Baseline:
    """What a perfect pipeline is worth, read back from its file."""
    baseline_of(_report(tmp_path / "perfect")).write(tmp_path / "baseline.json")
    return load_baseline(tmp_path / "baseline.json")


def _lost(report: EvaluationReport, baseline: Baseline) -> set[str]:
    return set(check_gate(report, baseline, name="baseline.json").lost)


def test_an_equal_run_passes(tmp_path, baseline):
    """The same program on the same questions loses nothing, to the last digit."""
    decision = check_gate(_report(tmp_path / "again"), baseline, name="baseline.json")
    assert ((), ()) == (decision.lost, decision.fallen)
    assert {"same"} == {one.verdict for one in decision.watched}


@pytest.mark.parametrize(
    ("pipeline", "lost"),
    [
        (ScriptedPipeline(found=lambda _: [passage(2), passage(2, rank=2)]), {"RR@10"}),
        (ScriptedPipeline(found=lambda _: []), {"RR@10"}),
        (
            ScriptedPipeline(answer=lambda q: citing(q, 1)),
            {"not stated as sure", "abstained when due", "right", "effective reliability"},
        ),
        (ScriptedPipeline(answer=guessed), {"right surely", "effective reliability"}),
        (
            ScriptedPipeline(answer=lambda q: guessing(q, 1)),
            {"abstained when due", "right", "effective reliability"},
        ),
        (ScriptedPipeline(answer=abstaining), {"right", "evidence recall", "citation precision"}),
        (ScriptedPipeline(answer=shifted), {"right", "evidence recall", "citation precision"}),
    ],
    ids=[
        "finds others",
        "finds nothing",
        "always answers",
        "is never sure",
        "always guesses",
        "never answers",
        "cites the next",
    ],
)
def test_each_breakage_is_caught(tmp_path, baseline, pipeline, lost):
    """A pipeline broken in one way does not pass, and the gate says in what."""
    assert lost <= _lost(_report(tmp_path / "broken", pipeline), baseline)


@pytest.mark.parametrize(("n_worse", "is_lost"), [(3, False), (4, True)])
def test_a_loss_must_be_more_than_chance(tmp_path, n_worse, is_lost):
    """Of a hundred answers, three worse may be chance, and four are a loss."""
    questions = [replace(EXAMPLES[0], query_id=str(number)) for number in range(100)]
    baseline = baseline_of(_report(tmp_path / "perfect", questions=questions))
    answers = iter([abstaining] * n_worse + [right] * 100)
    worse = ScriptedPipeline(answer=lambda q: next(answers)(q))
    decision = check_gate(_report(tmp_path / "worse", worse, questions), baseline, name="b")
    assert is_lost == ("right" in decision.lost)
    # Told in either case.
    assert tuple(str(number) for number in range(n_worse)) == decision.fallen


def test_one_misquote_is_enough(tmp_path, baseline):
    """Quotes are exact or wrong: the first that is not shuts the gate."""
    asked = iter(range(100))

    def once(question: str) -> Answer:
        answer = right(question)
        if next(asked):
            return answer
        first, *others = answer.citations
        return replace(answer, citations=(replace(first, quote="Ada wrote."), *others))

    assert {"quote exactness"} == _lost(_report(tmp_path / "b", ScriptedPipeline(once)), baseline)


def test_gains_pass(tmp_path):
    """A run that is better than its baseline passes, and the table says so."""
    baseline = baseline_of(_report(tmp_path / "bad", ScriptedPipeline(answer=abstaining)))
    decision = check_gate(_report(tmp_path / "good"), baseline, name="b")
    assert () == decision.lost
    assert "gained" in {one.verdict for one in decision.watched}


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 400), st.integers(4, 400), st.integers(0, 1000))
def test_four_losses_and_no_gain_are_always_seen(n, n_lost, seed):
    """Whatever the number of questions, the interval of four losses without a gain leaves out 0."""
    losses = np.zeros(n)
    losses[: min(n, n_lost)] = -1.0
    assert paired_bootstrap(losses, np.zeros(n), seed=seed, n=4000).high < 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_equal_values_never_lose(values):
    """Whatever a run is worth, it is not worse than itself."""
    interval = paired_bootstrap(values, values)
    assert (0.0, 0.0, 0.0) == (interval.value, interval.low, interval.high)


def test_a_baseline_of_other_questions_is_refused(tmp_path, baseline):
    """More, fewer or changed questions are not held against it; the message says what to do."""
    changed = [replace(QUESTIONS[0], question="Who wrote them?"), *QUESTIONS[1:]]
    for questions in (QUESTIONS[:10], changed):
        report = _report(tmp_path / str(len(questions)), questions=questions)
        with pytest.raises(DatasetError, match=r"other questions.*--update-baseline"):
            check_gate(report, baseline, name="baseline.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": 9, "questions": {}, "values": {}}',
     '{"format": 1, "questions": {}, "values": {"q": {"right": "x"}}}',
     '{"format": 1, "questions": {}, "values": {"q": 1}}'],
)  # fmt: skip
def test_what_is_no_baseline_is_told(tmp_path, text):
    """A missing or damaged file is a sentence that says how to make one."""
    with pytest.raises(DatasetError, match=r"cannot be read.*--update-baseline"):
        load_baseline(tmp_path / "none.json")
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="--update-baseline"):
        load_baseline(tmp_path / "b.json")


def test_a_baseline_is_small_and_reads_by_line(tmp_path, baseline):
    """One line a question, some hundred characters each, and the same file from the same run."""
    text = (tmp_path / "baseline.json").read_text(encoding="utf-8")
    assert len(text) < 200 * len(QUESTIONS)
    assert len(QUESTIONS) == sum(line.startswith(f'"{e.query_id}":') for e in QUESTIONS
                                 for line in text.splitlines())  # fmt: skip
    baseline.write(tmp_path / "again.json")
    assert text == (tmp_path / "again.json").read_text(encoding="utf-8")
    with pytest.raises(DatasetError, match="cannot be written"):
        baseline.write(tmp_path)


def test_every_form_shows_the_decision(tmp_path, baseline):
    """Terminal, Markdown and JSON say the same, and what to do about it."""
    decision = check_gate(
        _report(tmp_path / "b", ScriptedPipeline(answer=abstaining)), baseline, name="b.json"
    )
    out = io.StringIO()
    decision.print(Console(file=out, width=200))
    for text in (out.getvalue(), decision.to_markdown()):
        assert (
            "The gate is shut: right, right surely, effective reliability, citation precision,"
            " evidence recall"
        ) in text
        assert "LOST" in text
        assert "--update-baseline" in text
    plain = json.loads(json.dumps(decision.to_dict(), allow_nan=False))
    assert (False, len(QUESTIONS)) == (plain["open"], plain["n"])


# --- The article, with the real pipeline ---------------------------------------------------------


class _Wrapped:
    """The real pipeline with one thing broken."""

    def __init__(
        self,
        rag: Rag,
        *,
        answer: Callable[[Answer, Source], Answer] = lambda answer, _: answer,
        found: Callable[[Sequence[ScoredPassage]], Sequence[ScoredPassage]] = lambda found: found,
        reads: bool = True,
    ) -> None:
        self._rag, self._answer, self._found, self._reads = rag, answer, found, reads
        (self._only,) = rag.sources()

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        return self._answer(self._rag.ask(question, history), self.source(self._only.source_id))

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        return tuple(self._found(self._rag.search(query, 50)))[:k]

    def source(self, source_id: str) -> Source:
        return self._rag.source(source_id)

    def sources(self) -> tuple[SourceInfo, ...]:
        return self._rag.sources()


def _cites_next(answer: Answer, source: Source) -> Answer:
    """Cite for every statement the sentence behind the one that it cites, behind the last the first."""
    sentences = split_sentences(source.text)
    moved = []
    for citation in answer.citations:
        behind = [one for one in sentences if one.start >= citation.end] or sentences
        start, end = behind[0].start, behind[0].end
        moved.append(replace(citation, start=start, end=end, quote=source.text[start:end]))
    return replace(answer, citations=tuple(moved))


def _answers_always(answer: Answer, _: Source) -> Answer:
    """Say the best passage where nothing is known."""
    if answer.status != "unanswered":
        return answer
    return replace(answer, status="answered", reason=None, text=answer.evidence[0].passage.text)


def _answers_never(answer: Answer, _: Source) -> Answer:
    reason = abstaining("").reason
    return replace(answer, status="unanswered", reason=reason, statements=(), citations=())


@pytest.fixture(name="article", scope="module")
def _article(tmp_path_factory) -> Iterator[Rag]:
    from rag.pipeline import Rag
    from rag.settings import Settings

    folder = tmp_path_factory.mktemp("index")
    with Rag.open(Settings(seeds_dir=ROOT / "seeds", index_dir=folder)) as rag:
        yield rag


@pytest.mark.slow
@pytest.mark.model
def test_each_breakage_of_the_real_pipeline_is_caught(tmp_path, article, monkeypatch):
    """On the article a broken retriever or reader and shifted citations are caught, a repetition passes."""
    monkeypatch.chdir(ROOT)
    _, questions = load_questions(article)
    baseline = baseline_of(_report(tmp_path / "sound", article, questions))
    broken: dict[str, tuple[Pipeline, set[str]]] = {
        "again": (article, set()),
        "upside down": (_Wrapped(article, found=lambda found: found[::-1]), {"RR@10"}),
        "always": (_Wrapped(article, answer=_answers_always), {"abstained when due"}),
        "never": (_Wrapped(article, answer=_answers_never), {"right", "evidence recall"}),
        "shifted": (_Wrapped(article, answer=_cites_next), {"right", "citation precision"}),
    }
    for name, (pipeline, lost) in broken.items():
        decision = check_gate(_report(tmp_path / name, pipeline, questions), baseline, name="b")
        assert lost <= set(decision.lost), name
        assert bool(lost) == bool(decision.lost), name


def test_a_guess_in_place_of_nothing_is_a_loss_of_strictness_alone(tmp_path, baseline):
    """Guessing where nothing is said costs the stricter number and reliability, never the other."""
    answer = lambda q: right(q) if right(q).status == "answered" else guessing(q, 1)  # noqa: E731
    lost = _lost(_report(tmp_path / "g", ScriptedPipeline(answer=answer)), baseline)
    assert {"abstained when due", "effective reliability"} == lost


def test_the_shipped_baseline_is_of_the_development_halves():
    """What is kept as the baseline was made from the development halves of all sets as they are now."""
    baseline = load_baseline(ROOT / "eval/baseline.json")
    files = (ROOT / "eval/data/article.jsonl", *(ROOT / one.questions for one in SHIPPED))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    records = [json.loads(line) for line in lines]
    assert len({r["query_id"] for r in records}) == len(records)
    assert {r["query_id"] for r in records if r["split"] == "dev"} == set(baseline.values)
    assert all(set(values) <= set(GATED) for values in baseline.values.values())
    assert set(GATED) == {name for values in baseline.values.values() for name in values}
