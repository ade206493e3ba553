"""A conversation in a pipe; on a terminal it is tried in test_cli_process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.errors import ChatTimeoutError, IndexBusyError
from tests.cli_fakes import ANSWERED, QUOTE, UNANSWERED, ScriptedRag, run


@pytest.fixture(autouse=True)
def _own_place(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's rag.toml out of the tests."""
    monkeypatch.chdir(tmp_path)


def asked(rag: ScriptedRag) -> list[str]:
    """Return the questions that reached the pipeline."""
    return [call[1] for call in rag.calls if call[0] == "stream"]


def test_each_line_is_a_question() -> None:
    """Piped lines are asked in turn in one conversation; blank ones are not."""
    rag = ScriptedRag()
    outcome = run("chat", stdin="\ufeffWho came?\r\n\n  When?  \nlast", rag=rag)
    assert ["Who came?", "When?", "last"] == asked(rag)
    assert 1 == rag.calls.count(("conversation",))
    assert 0 == outcome.code
    assert 3 == outcome.out.count(QUOTE)
    assert 1 == rag.n_closed


def test_a_follow_up_shows_what_was_searched() -> None:
    """The rewritten query is told."""
    rag = ScriptedRag(answers=[ANSWERED, replace(ANSWERED, query="When did Shoigu come?")])
    outcome = run("chat", stdin="Who came?\nWhen?\n", rag=rag)
    assert 1 == outcome.err.count("Searched for: When did Shoigu come?\n")


def test_commands_are_not_asked() -> None:
    """/sources, /new and /help do as they say, /nonsense says what there is, /quit ends."""
    rag = ScriptedRag()
    outcome = run("chat", stdin="/help\n/sources\n/new\n/nonsense\x1b\n/quit\nWho?\n", rag=rag)
    assert [] == asked(rag)
    assert 2 == rag.calls.count(("conversation",))
    assert "/sources       what can be cited" in outcome.out
    assert "news/article.txt" in outcome.out
    assert "There is no /nonsense␛; /help lists what there is.\n" in outcome.err
    assert 0 == outcome.code


def test_the_model_can_be_chosen() -> None:
    """/model lists who can answer, and names who is to; another name changes nothing."""
    rag = ScriptedRag(models=("ollama:small", "extractive:scripted"))
    outcome = run("chat", stdin="/model extractive:scripted\n/model gpt\nWho?\n", rag=rag)
    assert "  ollama:small\n* extractive:scripted\n" in outcome.out
    assert "There is no model gpt" in outcome.err
    assert "extractive:scripted" == rag.asked_model


def test_no_answer_does_not_end_it() -> None:
    """Abstaining is part of a conversation."""
    rag = ScriptedRag(answers=[UNANSWERED, ANSWERED])
    outcome = run("chat", stdin="Who paid?\nWho came?\n", rag=rag)
    assert "The documents do not say who paid." in outcome.out
    assert QUOTE in outcome.out
    assert 0 == outcome.code


def test_a_failure_costs_one_answer() -> None:
    """A failed answer is told and the next one comes; a pipe learns of it by the exit code."""
    rag = ScriptedRag(
        answers=[ChatTimeoutError("Too slow\x1b."), IndexBusyError("Busy."), ANSWERED]
    )
    outcome = run("chat", stdin="a\nb\nc\n", rag=rag)
    assert "Too slow␛.\nBusy.\n" in outcome.err
    assert QUOTE in outcome.out
    assert 1 == outcome.code


def test_an_interruption_ends_a_pipe() -> None:
    """Ctrl-C while a pipe is answered ends the program: nobody is there to ask on."""
    rag = ScriptedRag(answers=[KeyboardInterrupt()])
    assert 130 == run("chat", stdin="a\nb\n", rag=rag).code
    assert ["a"] == asked(rag)
