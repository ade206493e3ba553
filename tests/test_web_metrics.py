"""A server tells whether it can be asked and what it has done, and nothing of what was asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from starlette.testclient import TestClient

from rag.errors import IndexBusyError, QuestionError, SettingsError
from rag.schema import FileReport, SyncReport
from rag.settings import Settings
from rag.web.metrics import Metrics, Readiness
from rag.web.opening import Opening
from rag.web.talking import Chat
from tests.web_fakes import HARBOUR, REPORT, ScriptedRag, make_app

BASE = "http://127.0.0.1:7860"


class Measured:
    """A pipeline that was opened under the eyes of `Metrics`."""

    def __init__(self, rag: ScriptedRag) -> None:
        self.metrics = Metrics()
        self.opening = Opening(self.metrics.observed(lambda _: rag))
        self.metrics.watch(self.opening)
        self.rag = self.opening.wait(10)

    def value(self, line: str) -> float:
        """Return a figure by its name and labels as they are written."""
        [found] = re.findall(rf"^{re.escape(line)} (\S+)$", self.metrics.text()[0].decode(), re.M)
        return float(found)


@pytest.fixture
def measured() -> Iterator[Measured]:
    """Two sources, and figures that begin at 0."""
    made = Measured(ScriptedRag())
    yield made
    made.opening.close()


@pytest.mark.parametrize(
    ("question", "status"),
    [("When was it built?", "answered"), ("What of the moon?", "unanswered")],
)
def test_questions_are_counted_by_status_and_timed(measured, question, status):
    """Each once, whoever asked."""
    assert status == measured.rag.ask(question).status
    assert 1 == measured.value(f'footnote_questions_total{{status="{status}"}}')
    assert 1 == measured.value("footnote_answer_seconds_count")
    assert 0 == measured.value("footnote_questions_in_progress")


def test_questions_that_are_only_tried_are_not_counted(measured):
    """A page tries some before it offers them; nobody has asked these."""
    offered, _ = asyncio.run(
        Chat(measured.opening, max_chars=200, examples=["When was it built?"]).offer()
    )
    assert offered.examples
    assert 0 == measured.value("footnote_answer_seconds_count")


def test_a_question_that_nobody_waits_for_is_counted_as_left(measured):
    """It is no failure."""
    events = measured.rag.stream("When was it built?")
    next(events)
    assert 1 == measured.value("footnote_questions_in_progress")
    events.close()
    assert 1 == measured.value('footnote_questions_total{status="left"}')
    assert 0 == measured.value("footnote_questions_in_progress")


def test_failures_are_counted_by_their_kind(measured, monkeypatch):
    """An error of ours by its name, any other as such: its name may be anything."""
    for error in (QuestionError("secret words"), ZeroDivisionError("secret words")):
        monkeypatch.setattr(ScriptedRag, "stream", lambda *_, error=error: raising(error))
        with pytest.raises(type(error)):
            measured.rag.ask("secret words")
    assert 2 == measured.value('footnote_questions_total{status="failed"}')
    assert 1 == measured.value('footnote_errors_total{kind="QuestionError"}')
    assert 1 == measured.value('footnote_errors_total{kind="other"}')


def raising(error: Exception):
    """Raise from within an iteration."""
    raise error
    yield


def test_syncs_are_counted_by_fate(measured, monkeypatch):
    """Seconds, and files by what became of them."""
    files = tuple(FileReport(source_id=str(n), fate="added") for n in range(3))
    report = SyncReport(files=files, n_embedded=9, seconds=2.5)
    monkeypatch.setattr(ScriptedRag, "sync", lambda *_, **__: report)
    assert report is measured.rag.sync()
    assert 3 == measured.value('footnote_sync_files_total{fate="added"}')
    assert 2.5 == measured.value("footnote_sync_seconds_sum")


def test_sizes_and_state_are_told_as_they_are(measured):
    """They are looked at when they are read."""
    assert 2 == measured.value("footnote_sources")
    assert 1 == measured.value("footnote_index_complete")
    assert 1 == measured.value('footnote_index_state{state="ready"}')
    assert 0 == measured.value('footnote_index_state{state="failed"}')
    closed = Metrics()
    closed.watch(Opening(lambda _: ScriptedRag()))
    assert 'footnote_index_state{state="starting"} 1.0' in closed.text()[0].decode()
    assert "footnote_sources" not in closed.text()[0].decode()


def test_no_word_of_a_question_or_a_title_is_in_the_figures(measured):
    """Whoever reads the figures learns how much was asked, and not what."""
    measured.rag.ask("When was the canary built?")
    said = measured.metrics.text()[0].decode()
    for word in ("canary", HARBOUR.title, HARBOUR.source_id, REPORT.title, REPORT.source_id):
        assert word not in said


def test_without_the_package_it_says_what_to_install(monkeypatch):
    """A setting that needs a package names it."""
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(SettingsError, match=r"footnote-rag\[metrics\]"):
        Metrics()


def test_ready_is_no_longer_said_when_the_store_cannot_be_read():
    """`/health` says that it was opened; `/ready` that it can be asked now."""
    rag = ScriptedRag()
    opening = Opening(lambda _: rag)
    readiness = Readiness(opening, timeout=5, fresh=0)
    assert not readiness.is_ready()
    opening.wait(10)
    assert readiness.is_ready()

    def gone() -> tuple[str, ...]:
        raise IndexBusyError("away")

    rag.gaps = gone
    assert not readiness.is_ready()
    readiness.close()
    opening.close()


def test_a_store_that_does_not_answer_is_not_ready_and_asked_once():
    """Whoever asks meanwhile waits for the same look, and starts no other."""
    rag, go_on, looks = ScriptedRag(), Event(), []
    rag.gaps = lambda: (looks.append(1), go_on.wait(30), ())[2]
    opening = Opening(lambda _: rag)
    opening.wait(10)
    readiness = Readiness(opening, timeout=0.05, fresh=0)
    assert [False, False] == [readiness.is_ready(), readiness.is_ready()]
    assert [1] == looks
    go_on.set()
    readiness.close()
    opening.close()


@pytest.mark.parametrize("on", [True, False])
def test_the_routes_are_there_as_the_settings_say(tmp_path: Path, on: bool):
    """Figures are off unless they are wanted, and with a password they want it; readiness is open to everybody."""
    password = "a long password"
    settings = Settings(
        seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index", metrics=on, password=password
    )
    with TestClient(make_app(lambda _: ScriptedRag(), settings), base_url=BASE) as client:
        while client.get("/ready").status_code != 200:
            pass
        assert {"ready": True} == client.get("/ready").json()
        assert 401 == client.get("/metrics").status_code
        figures = client.get("/metrics", auth=("me", password))
        assert (200 if on else 404) == figures.status_code
        assert on == ("footnote_questions_total" in figures.text)
