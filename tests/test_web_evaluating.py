"""Question sets asked from the page: in a thread, to be stopped at any moment, kept as runs."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rag.errors import DatasetError, IndexBusyError
from rag.evaluation.feedback import record_feedback
from rag.evaluation.report import EvaluationReport
from rag.settings import Settings
from rag.web.evaluating import Asked, Evaluating, feedback_file, runs_folder
from rag.web.opening import Opening
from tests.web_fakes import ScriptedRag, answered

CSV = "question,answers,answerable\nWhen was it built?,1871,yes\nHow far is the moon?,,no\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Folders of its own."""
    return Settings(seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index")


@pytest.fixture
def rag() -> ScriptedRag:
    """A pipeline with a choice of models."""
    return ScriptedRag(models=("openai:gpt-5", "extractive:fake"))


def run(rag: ScriptedRag, settings: Settings, **options: Any) -> list[Asked | EvaluationReport]:
    """All events of one evaluation."""
    evaluating = Evaluating(Opening(lambda _: rag), settings)
    options = {"name": "own", "text": CSV, "limit": None, "model": None} | options

    async def events() -> list[Asked | EvaluationReport]:
        name = options.pop("name")
        return [event async for event in evaluating.run(name, **options)]

    return asyncio.run(events())


def test_own_questions_are_asked_and_measured(rag: ScriptedRag, settings: Settings):
    """Progress after each, then the report; the run is kept below the index folder."""
    *asked, report = run(rag, settings)
    assert [Asked(done=1, total=2), Asked(done=2, total=2)] == asked
    assert 2 == report.n
    assert runs_folder(settings) == Path(report.run).parent
    assert (Path(report.run) / "report.md").is_file()


def test_json_lines_are_read_too(rag: ScriptedRag, settings: Settings):
    """What was pasted says by itself what it is."""
    text = "\n".join(json.dumps({"question": question}) for question in ("a", "b", "c"))
    assert 3 == run(rag, settings, text=f"\n{text}")[-1].n


def test_who_is_chosen_answers_and_few_can_be_asked(rag: ScriptedRag, settings: Settings):
    """A quick look asks so many; the model of the chat is the one that is measured."""
    run(rag, settings, model="extractive:fake", limit=1)
    assert [("extractive:fake", None)] == rag.chosen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" ", "paste some"),
        ("frage\nWann?", "Your questions, line 1: no column is called 'question'"),
        ('{"question": 5}', "Your questions, line 1"),
    ],
)
def test_questions_that_cannot_be_read_are_a_sentence(
    rag: ScriptedRag, settings: Settings, text: str, words: str
):
    """Which line and what to do, with no path of a file that nobody made."""
    with pytest.raises(DatasetError, match=r"^[^/]*$") as caught:
        run(rag, settings, text=text)
    assert words in str(caught.value)
    assert not runs_folder(settings).exists()


def test_a_pipeline_that_could_not_be_opened_is_said(settings: Settings):
    """The reason, not a fault of the evaluation."""

    def factory(_: object) -> ScriptedRag:
        raise IndexBusyError("Another is writing.")

    evaluating = Evaluating(Opening(factory), settings)

    async def events() -> None:
        async for _ in evaluating.run("own", text=CSV, limit=None, model=None):
            pass

    with pytest.raises(IndexBusyError, match="Another is writing"):
        asyncio.run(events())


def test_what_was_said_of_answers_is_a_question_set(rag: ScriptedRag, settings: Settings):
    """As soon as something was said."""
    evaluating = Evaluating(Opening(lambda _: rag), settings)
    assert "feedback" not in evaluating.sets()
    record_feedback(feedback_file(settings), answered("When?"), "right")
    assert "feedback" in evaluating.sets()
    assert 1 == run(rag, settings, name="feedback", text="")[-1].n


def test_the_article_s_questions_are_offered_where_they_are(
    rag: ScriptedRag, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """An installed program is not in the project's folder."""
    evaluating = Evaluating(Opening(lambda _: rag), settings)
    monkeypatch.chdir(Path(__file__).parent.parent)
    assert ("article", "own") == evaluating.sets()
    monkeypatch.chdir(tmp_path)
    assert ("own",) == evaluating.sets()


def test_a_run_that_is_left_asks_no_more_questions(rag: ScriptedRag, settings: Settings):
    """Stopping is at once, and the thread ends with the question that it is at."""
    text = "question\n" + "\n".join(f"slowly {n}" for n in range(50))
    evaluating = Evaluating(Opening(lambda _: rag), settings)

    async def leave() -> float:
        events = evaluating.run("own", text=text, limit=None, model=None)
        reading = asyncio.create_task(anext(events))
        while not rag.asked:
            await asyncio.sleep(0.01)
        start = time.monotonic()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await events.aclose()
        took = time.monotonic() - start
        rag.go_on.set()
        return took

    before = threading.active_count()
    assert asyncio.run(leave()) < 10
    while threading.active_count() > before:  # the thread that asks comes to its end
        time.sleep(0.01)
    assert 1 == len(rag.asked)
