"""The tab that evaluates, without a browser: what its events show."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rag.settings import Settings
from rag.web.opening import Opening
from tests.web_fakes import ScriptedRag

CSV = "question,answers\nWhen was it built?,1871\nWhen does it sail?,eight\n"


@pytest.fixture
def tab(tmp_path: Path) -> Any:
    """The events of a page whose pipeline is open."""
    from rag.web.evaluating import Evaluating
    from rag.web.evaluation_tab import Tab

    settings = Settings(seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index")
    return Tab(Evaluating(Opening(lambda _: ScriptedRag()), settings))


def updates(tab: Any, text: str) -> list[tuple[Any, ...]]:
    """Everything that one run shows: progress, report, both buttons."""

    async def shown() -> list[tuple[Any, ...]]:
        return [update async for update in tab.run("own", text, 0, None)]

    return asyncio.run(shown())


def test_a_run_shows_how_far_it_is_and_then_its_report(tab: Any):
    """While it runs it can be stopped, afterwards run again."""
    first, *_, last = updates(tab, CSV)
    assert "Getting the questions ready…" in first[0]
    assert (False, True) == (first[2].visible, first[3].visible)
    assert "2 questions asked" in last[1]
    assert (True, False) == (last[2].visible, last[3].visible)


def test_a_report_names_the_files_that_hold_all_of_it(tab: Any):
    """By addresses that the server serves."""
    report = updates(tab, CSV)[-1][1]
    assert 'href="/reports/' in report
    assert '/report.json" target="_blank">JSON</a>' in report


def test_questions_that_cannot_be_read_are_a_sentence(tab: Any):
    """In the place of the progress; the run can be tried again."""
    *_, last = updates(tab, "frage\nWann?")
    assert "no column is called" in last[0]
    assert (True, False) == (last[2].visible, last[3].visible)


def test_a_fault_of_ours_is_a_sentence_and_in_the_log(caplog: pytest.LogCaptureFixture):
    """No traceback reaches a person."""
    from rag.web.evaluation_tab import Tab

    class Broken:
        def run(self, *_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("a fault of ours")

    *_, last = updates(Tab(Broken()), CSV)
    assert "Something went wrong here" in last[0]
    assert "fault of ours" not in last[0]
    assert "ZeroDivisionError" in caplog.text


def test_a_stopped_run_says_so(tab: Any):
    """And leaves no report."""
    progress, report, run, stop = tab.stop()
    assert "Stopped." in progress
    assert ("", True, False) == (report, run.visible, stop.visible)


def test_the_box_for_one_s_own_questions_is_open_where_there_are_no_others(
    tab: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Otherwise the article's are chosen."""
    monkeypatch.chdir(tmp_path)
    radio, own = tab.offer()
    assert ("own", True) == (radio.value, own.visible)
    monkeypatch.chdir(Path(__file__).parent.parent)
    radio, own = tab.offer()
    assert ("article", False) == (radio.value, own.visible)
