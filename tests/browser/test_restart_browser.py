"""What was said on a page outlives the server's memory of it: many other pages, and a server that is started again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from rag.settings import Settings
from rag.web import pages
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving
from tests.web_fakes import FERRY, ScriptedRag

pytestmark = IN_CHROMIUM


N_REMEMBERED = 5


@pytest.fixture(autouse=True)
def few_sessions(monkeypatch: pytest.MonkeyPatch):
    """The server remembers fewer pages than it does, so that fewer push one out."""
    assert N_REMEMBERED < pages.N_SESSIONS
    monkeypatch.setattr(pages, "N_SESSIONS", N_REMEMBERED)


class Restarting:
    """A server that can be stopped and started again where it was."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
        self._running = running
        self._now = ExitStack()
        self.rag = ScriptedRag()
        self.served = self.start(port=0)

    def start(self, *, port: int) -> Served:
        """Start it, with nothing remembered."""
        self.rag = ScriptedRag()
        self._now = self._running.enter_context(ExitStack())
        return self._now.enter_context(serving(self.rag, self._settings, port=port))

    def stop(self) -> None:
        """Stop it."""
        self._now.close()
        self.rag.go_on.set()  # whoever still waits in it may end

    def again(self) -> None:
        """Start it again."""
        self.start(port=int(self.served.address.rpartition(":")[2]))


@pytest.fixture
def server(tmp_path: Path):
    """It runs."""
    with ExitStack() as running:
        yield Restarting(tmp_path, running)


def questions(person: Visit) -> list[str]:
    """Return what was asked, as the page shows it."""
    return person.page.locator("#fn-messages .fn-question").all_inner_texts()


def told(person: Visit, words: str) -> None:
    """Wait until the page says something that stays, and take it away."""
    note = person.page.locator(".fn-told.fn-stays").filter(has_text=words)
    note.wait_for()
    note.click()


def forgive(person: Visit) -> None:
    """Expect that the browser has written that the server was gone."""
    person.errors.clear()
    person.refused.clear()


def open_others(served: Served, n: int) -> None:
    """Open so many other pages, as far as the server sees it."""
    for number in range(n):
        call = {"data": [], "fn_index": 0, "session_hash": f"other{number}"}
        request = urllib.request.Request(
            f"{served.address}/gradio_api/run/predict",
            json.dumps(call).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            assert 200 == response.status


def test_other_pages_push_no_conversation_out(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """The page carries it along: the next question is a follow-up, links open, and an answer can be undone."""
    rag = ScriptedRag()
    served = serve(rag)
    person = arrive(served.address)
    person.answer("When was the harbour built?")
    open_others(served, N_REMEMBERED + 1)
    person.page.locator("#fn-messages a.fn-ref").nth(1).click()
    person.hit(FERRY)
    open_others(served, N_REMEMBERED + 1)
    person.answer("And the ferry?")
    assert ["When was the harbour built?", "And the ferry?"] == questions(person)
    assert "When was the harbour built?" == rag.asked[-1][1][0].text
    open_others(served, N_REMEMBERED + 1)
    person.page.get_by_role("button", name="Undo").last.click()
    person.page.wait_for_function(
        "() => document.querySelectorAll('#fn-messages .fn-question').length === 1"
    )
    assert "And the ferry?" == person.page.input_value("#fn-box textarea")


def test_new_stays_new(serve: Callable[..., Served], arrive: Callable[..., Visit]):
    """What was cleared does not come back with the next question."""
    rag = ScriptedRag()
    served = serve(rag)
    person = arrive(served.address)
    person.answer("When was the harbour built?")
    carried = person.page.locator("#fn-carried textarea")
    person.page.wait_for_function(
        "() => document.querySelector('#fn-carried textarea').value.includes('harbour')"
    )
    person.page.get_by_role("button", name="New", exact=True).click()
    person.page.wait_for_function(
        "() => document.querySelector('#fn-carried textarea').value === ''"
    )
    assert "" == carried.input_value()
    open_others(served, N_REMEMBERED + 1)
    person.answer("And the ferry?")
    assert ["And the ferry?"] == questions(person)
    assert () == rag.asked[-1][1]


def test_a_server_that_was_started_again_goes_on_with_the_page(
    server: Restarting, arrive: Callable[..., Visit]
):
    """Nobody has noticed: the next question is asked with what was said before."""
    person = arrive(server.served.address)
    person.answer("When was the harbour built?")
    server.stop()
    server.again()
    person.answer("And the ferry?")
    assert ["When was the harbour built?", "And the ferry?"] == questions(person)
    assert "When was the harbour built?" == server.rag.asked[-1][1][0].text
    forgive(person)


def test_what_is_typed_while_the_server_is_away_is_kept(
    server: Restarting, arrive: Callable[..., Visit]
):
    """The page says that the server is away, and afterwards that all is back; then it goes on."""
    person = arrive(server.served.address)
    person.answer("When was the harbour built?")
    server.stop()
    person.ask("And the ferry?")
    told(person, "The server cannot be reached. What is on this page stays")
    server.again()
    told(person, "Your conversation is back. What you had typed is in the box.")
    person.page.locator("#fn-messages .fn-foot").wait_for()
    assert ["When was the harbour built?"] == questions(person)
    assert "And the ferry?" == person.page.input_value("#fn-box textarea")
    person.answer("And the ferry?")
    assert "When was the harbour built?" == server.rag.asked[-1][1][0].text
    person.page.reload()
    person.page.locator("p.fn-ready").wait_for()
    assert [] == questions(person)  # nothing is held over a reload that a person wants
    forgive(person)


def test_a_question_that_was_being_answered_is_not_lost(
    server: Restarting, arrive: Callable[..., Visit]
):
    """It is back in the box, and the page says that it has no answer."""
    person = arrive(server.served.address)
    person.answer("When was the harbour built?")
    person.ask("Tell me slowly of the ferry.")
    person.page.locator(".fn-draft").wait_for()
    server.stop()
    told(person, "The server cannot be reached.")
    server.again()
    told(person, "Your last question has lost its answer: ask it again.")
    assert "Tell me slowly of the ferry." == person.page.input_value("#fn-box textarea")
    person.page.locator("#fn-messages .fn-foot").wait_for()
    assert ["When was the harbour built?"] == questions(person)
    forgive(person)
