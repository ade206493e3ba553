"""A pipeline is opened behind the page, and what went wrong is told and can be tried again."""

from __future__ import annotations

from threading import Event as Flag

import pytest

from rag.errors import IndexBusyError, RagError
from rag.web.opening import OnProgress, Opening, State
from tests.web_fakes import ScriptedRag


def test_an_opening_is_starting_until_it_is_ready():
    """Its state names the stage, and `wait` hands out what was opened."""
    go_on, said, rag = Flag(), Flag(), ScriptedRag()

    def factory(progress: OnProgress) -> ScriptedRag:
        progress("Reading documents", 2, 7)
        said.set()
        go_on.wait(60)
        return rag

    opening = Opening(factory)
    assert State(status="starting", message="Getting ready…") == opening.state
    opening.start()
    assert said.wait(60)
    assert State(status="starting", message="Getting ready (Reading documents, 2 of 7)…") == (
        opening.state
    )
    with pytest.raises(TimeoutError):
        opening.wait(0.01)
    go_on.set()
    assert rag is opening.wait(60)
    assert State(status="ready", message="") == opening.state
    opening.close()
    assert rag.closed


def test_a_failure_is_a_sentence_and_can_be_tried_again():
    """Whoever waits hears why; once it is mended, the next start succeeds."""
    told: list[str] = []
    results: list[ScriptedRag | Exception] = [IndexBusyError("Another is writing."), ScriptedRag()]

    def factory(_: OnProgress) -> ScriptedRag:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    opening = Opening(factory, on_failure=told.append)
    with pytest.raises(IndexBusyError, match="Another is writing"):
        opening.wait(60)
    assert State(status="failed", message="Another is writing.") == opening.state
    assert ["Another is writing."] == told
    opening.close()
    assert opening.wait(60) is not None


def test_a_fault_of_ours_is_told_without_its_traceback():
    """Anything that is no RagError becomes one, and the log keeps the rest."""

    def factory(_: OnProgress) -> ScriptedRag:
        raise ZeroDivisionError("internal words")

    opening = Opening(factory)
    with pytest.raises(RagError, match="ZeroDivisionError") as caught:
        opening.wait(60)
    assert "internal words" not in str(caught.value)


def test_starting_twice_opens_once():
    """Every page that is loaded starts the opening; there is one."""
    n_opened = []

    def factory(_: OnProgress) -> ScriptedRag:
        n_opened.append(1)
        return ScriptedRag()

    opening = Opening(factory)
    for _ in range(3):
        opening.start()
    opening.wait(60)
    opening.start()
    assert 1 == len(n_opened)


def test_a_failed_opening_is_tried_again_by_itself():
    """Nobody has to come by: whoever watches `/health` sees it recover; a reason is told once."""
    told: list[str] = []
    results: list[ScriptedRag | Exception] = [
        IndexBusyError("Another is writing."),
        IndexBusyError("Another is writing."),
        ZeroDivisionError("internal words"),
        ScriptedRag(),
    ]
    opened = Flag()

    def factory(_: OnProgress) -> ScriptedRag:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        opened.set()
        return result

    opening = Opening(factory, on_failure=told.append, pauses=(0.01, 0.02))
    opening.start()
    assert opened.wait(60)
    assert opening.wait(60) is not None
    assert "ready" == opening.state.status
    assert ["Another is writing.", told[1]] == told
    assert "ZeroDivisionError" in told[1]


def test_a_closed_opening_is_tried_no_more_by_itself():
    """A server that stops leaves nothing behind that starts."""
    n_tried = []

    def factory(_: OnProgress) -> ScriptedRag:
        n_tried.append(1)
        raise IndexBusyError("Another is writing.")

    opening = Opening(factory, on_failure=lambda _: None, pauses=(3600,))
    with pytest.raises(IndexBusyError):
        opening.wait(60)
    with opening._lock:  # whoever fails has said so before it looks whether to try again
        pass
    opening.close()
    again = opening._again
    assert again is None or again.finished.is_set()
    assert 1 == len(n_tried)


def test_an_opening_that_failed_is_begun_anew_otherwise():
    """What was wrong has been chosen away."""

    def failing(_: OnProgress) -> ScriptedRag:
        raise RagError("There is no such model.")

    opening, rag = Opening(failing, on_failure=lambda _: None, pauses=(60.0,)), ScriptedRag()
    with pytest.raises(RagError):
        opening.wait(10)
    opening.restart(lambda _: rag)
    assert rag is opening.wait(10)
    opening.restart(failing)
    assert rag is opening.wait(10), "it has been opened: there is nothing to begin anew"
    opening.close()
