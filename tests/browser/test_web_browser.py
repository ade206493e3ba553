"""The web chat as a person meets it: a real headless Chromium against a server on loopback."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from rag.settings import Settings
from rag.web import build_app
from tests.web_fakes import BUILT, CARRIED, FERRY, HARBOUR, ScriptedRag

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"
    ),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    "<img src=http://canary.example/a onerror=alert(1)>",
    "![x](http://canary.example/b)",
    "![x][r]\n\n[r]: http://canary.example/c",
    "[click](javascript:alert(2))",
    "[1](http://canary.example/d) [99] [[1]1]",
    "</p></div><script>alert(3)</script>",
    '<svg onload="alert(4)"><image href="http://canary.example/e"/></svg>',
    "<iframe srcdoc='<script>parent.alert(5)</script>'></iframe>",
    "<style>@import url(http://canary.example/f)</style>",
    '<p style="background:url(http://canary.example/g)">x</p>',
    "```mermaid\ngraph TD\nA[<img src=http://canary.example/h>]\n```",
    "$$\\href{javascript:alert(6)}{x}$$ \\(\\url{http://canary.example/i}\\)",
    "&lt;img src=http://canary.example/j onerror=alert(7)&gt;",
    '" onmouseover="alert(8)" autofocus onfocus="alert(9)',
    "<form action=http://canary.example/k><button autofocus>go</button></form>",
    "<link rel=stylesheet href=http://canary.example/l><base href=http://canary.example/>",
    "<video poster=http://canary.example/m src=http://canary.example/n autoplay></video>",
    "http://canary.example/o <http://canary.example/p>",
    "\u202e<script>alert(10)</script>\u2066\x00\x1b]8;;http://canary.example/q\x07",
    "${alert(11)} {{alert(12)}} {%raw%} %%%LATEX_BLOCK_0%%%",
)


@dataclass
class Live:
    """A server that runs in this process, and what it answers with."""

    address: str
    rag: ScriptedRag


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all tests here: building its pages takes seconds."""
    import uvicorn

    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
    rag = ScriptedRag(HOSTILE)

    def make() -> Any:
        return build_app(lambda _: rag, settings, examples=("When was the harbour built?",))

    config = uvicorn.Config(
        make, factory=True, port=0, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Live(f"http://127.0.0.1:{port}", rag)
    rag.go_on.set()
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """One browser for all tests here, so that it loads the scripts once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_context()
        browser.close()


@dataclass
class Visit:
    """One person's page, and everything that went wrong on it."""

    page: Page
    server: str
    foreign: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note requests elsewhere, refusals, errors and dialogs."""
        self.page.on("request", lambda request: self._note_request(request.url))
        self.page.on(
            "response",
            lambda response: self.refused.append(response.url) if response.status > 399 else None,
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        self.page.on("dialog", self._note_dialog)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.server + "/", "data:", "blob:")):
            self.foreign.append(url)

    def _note_dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def check(self) -> None:
        """Fail if anything went wrong."""
        assert ([], [], [], []) == (self.foreign, self.refused, self.errors, self.dialogs)

    def ask(self, question: str) -> None:
        """Type a question and press Enter."""
        self.page.fill("#fn-box textarea", question)
        self.page.press("#fn-box textarea", "Enter")

    def answer(self, question: str = "When was the harbour built?") -> Locator:
        """Ask and wait for the answer that was checked."""
        n_before = self.page.locator(".fn-foot").count()
        self.ask(question)
        foot = self.page.locator(".fn-foot").nth(n_before)
        foot.wait_for()
        self.page.get_by_role("button", name="Ask", exact=True).wait_for()
        return self.page.locator(".fn-message").last

    def hit(self, words: str) -> None:
        """Wait until these words, and no others, are highlighted in the document."""
        self.page.wait_for_function(
            "words => [...document.querySelectorAll('mark.fn-hit')]"
            ".map(mark => mark.textContent).join('') === words",
            arg=words,
        )


@pytest.fixture
def visit(live: Live, context: BrowserContext) -> Iterator[Callable[..., Visit]]:
    """Open pages of the chat, each a person of its own, and check them all at the end."""
    visits: list[Visit] = []

    def open_page(
        *, width: int = 1280, height: int = 800, scheme: Literal["light", "dark"] = "light"
    ) -> Visit:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        visit = Visit(page, live.address)
        visit.watch()
        visits.append(visit)
        page.goto(live.address)
        page.locator("p.fn-ready").wait_for()
        return visit

    live.rag.go_on.clear()
    yield open_page
    live.rag.go_on.set()
    for visit in visits:
        visit.page.close()
    for visit in visits:
        visit.check()


def test_a_question_gets_a_streamed_answer_with_its_quotes_beside_it(
    visit: Callable[..., Visit], live: Live
):
    """Words appear before the answer is done; then markers, verdicts and the exact quotes."""
    person = visit()
    person.ask("When, slowly?")
    draft = person.page.locator(".fn-draft")
    draft.wait_for()
    assert "The harbour was built in 1871".startswith(draft.inner_text()[:16])
    assert 0 == person.page.locator(".fn-ref").count()
    live.rag.go_on.set()
    person.page.locator(".fn-foot").wait_for()
    assert ["[1]", "[2]", "[3]", "[2]"] == [
        text.strip() for text in person.page.locator(".fn-ref").all_text_contents()
    ]
    assert "The harbour was built in 1871 [1]." in person.page.locator(".fn-text").inner_text()
    person.hit(BUILT)
    assert [BUILT, FERRY, CARRIED] == person.page.locator(".fn-quote").all_text_contents()
    flags = person.page.locator(".fn-flag").all_text_contents()
    assert ["weakly supported", "not supported"] == [re.split("The|No ", flag)[0] for flag in flags]


def test_clicking_a_marker_highlights_exactly_the_cited_words(visit: Callable[..., Visit]):
    """In the document, scrolled into view, with its card marked; also across documents."""
    person = visit()
    answer = person.answer()
    for number, words in ((2, FERRY), (3, CARRIED), (1, BUILT), (2, FERRY)):
        answer.locator(f".fn-ref[href='#c-0-{number}']").first.click()
        person.hit(words)
        card = person.page.locator(".fn-card[aria-current=true]")
        assert str(number) == card.locator(".fn-number").text_content()
        person.page.wait_for_function(
            """() => {
                const mark = document.querySelector('mark.fn-hit').getBoundingClientRect();
                const box = document.querySelector('.fn-reading').getBoundingClientRect();
                return mark.top >= box.top && mark.bottom <= box.bottom;
            }"""
        )


def test_a_marker_works_by_keyboard_and_gives_the_focus_back(visit: Callable[..., Visit]):
    """Enter opens the quote and goes there; Escape comes back to the marker."""
    person = visit()
    marker = person.answer().locator(".fn-ref").nth(1)
    marker.focus()
    person.page.keyboard.press("Enter")
    person.hit(FERRY)
    person.page.wait_for_function("() => document.activeElement.matches('.fn-card.fn-chosen')")
    person.page.keyboard.press("Tab")
    person.page.keyboard.press("Tab")
    assert person.page.evaluate("document.activeElement.matches('.fn-reading')")
    person.page.keyboard.press("Escape")
    assert "#c-0-2" == person.page.evaluate("document.activeElement.getAttribute('href')")


def test_an_unanswered_question_says_so_and_shows_near_misses_as_such(
    visit: Callable[..., Visit],
):
    """Nothing looks like an answer; the closest passages are a link away."""
    person = visit()
    message = person.answer("How far is the moon?")
    assert "Not in your sources. Nothing is said about the moon." in message.inner_text()
    assert 0 == message.locator(".fn-ref").count()
    message.locator(".fn-near").click()
    person.hit(FERRY)
    assert "Near misses" == person.page.locator("#fn-pane h2").inner_text()


def test_a_follow_up_shows_what_was_searched(visit: Callable[..., Visit], live: Live):
    """The second question is rewritten, and earlier markers still open their own quotes."""
    person = visit()
    first = person.page.locator(".fn-message").first
    person.answer()
    second = person.answer("And the ferry?")
    assert "Searched for: When does the ferry sail?" in second.inner_text()
    assert "[1]" not in live.rag.asked[-1][1][-1].text
    first.locator(".fn-ref").nth(1).click()
    person.hit(FERRY)
    assert "#c-0-2" == person.page.locator(".fn-chosen").get_attribute("href")


def test_stop_ends_an_answer_and_the_next_question_works(visit: Callable[..., Visit], live: Live):
    """What was written so far stays and is said to be unchecked."""
    person = visit()
    person.ask("When, slowly?")
    person.page.locator(".fn-draft").wait_for()
    person.page.get_by_role("button", name="Stop").click()
    trouble = person.page.locator(".fn-trouble")
    trouble.wait_for()
    assert "Stopped. What was written so far has not been checked." == trouble.inner_text()
    live.rag.go_on.set()
    person.answer()
    assert "Stopped." in trouble.inner_text()
    assert 4 == person.page.locator(".fn-ref").count()


def test_retry_undo_and_clear(visit: Callable[..., Visit]):
    """Each is one click under the answer or above the conversation."""
    person = visit()
    person.answer("first")
    person.answer("second")
    person.page.get_by_role("button", name="Retry").last.click()
    person.page.get_by_role("button", name="Ask", exact=True).wait_for()
    person.page.locator(".fn-ref").nth(7).wait_for()
    assert ["first", "second"] == person.page.locator(".fn-question").all_text_contents()
    person.page.get_by_role("button", name="Undo").last.click()
    person.page.wait_for_function("() => document.querySelector('#fn-box textarea').value")
    assert "second" == person.page.input_value("#fn-box textarea")
    assert ["first"] == person.page.locator(".fn-question").all_text_contents()
    person.page.get_by_role("button", name="Clear").click()
    person.page.locator(".fn-welcome").wait_for()
    person.page.wait_for_function("() => !document.querySelector('.fn-card')")


def test_clearing_while_an_answer_is_written_stays_clear(visit: Callable[..., Visit], live: Live):
    """Nothing of it comes back."""
    person = visit()
    person.ask("When, slowly?")
    person.page.locator(".fn-draft").wait_for()
    person.page.get_by_role("button", name="Clear").click()
    person.page.locator(".fn-welcome").wait_for()
    live.rag.go_on.set()
    person.page.get_by_role("button", name="Ask", exact=True).wait_for()
    person.page.wait_for_timeout(500)
    assert 0 == person.page.locator(".fn-question").count()


def test_an_example_is_asked_by_one_click(visit: Callable[..., Visit]):
    """The first page offers questions."""
    person = visit()
    person.page.get_by_role("button", name="When was the harbour built?").click()
    person.hit(BUILT)


def test_a_failure_is_a_sentence_and_the_chat_goes_on(visit: Callable[..., Visit]):
    """After a model did not answer, the next question is."""
    person = visit()
    person.ask("fail")
    person.page.locator(".fn-trouble").wait_for()
    assert "did not answer within 60 s" in person.page.locator(".fn-trouble").inner_text()
    person.answer()


def test_two_people_do_not_share_a_conversation(visit: Callable[..., Visit]):
    """Each page sees its own questions, and its links open its own answers."""
    one, two = visit(), visit()
    one.answer("mine?")
    two.answer("How far is the moon?")
    assert ["mine?"] == one.page.locator(".fn-question").all_text_contents()
    assert ["How far is the moon?"] == two.page.locator(".fn-question").all_text_contents()
    one.page.locator(".fn-ref").nth(2).click()
    one.hit(CARRIED)


def test_the_page_never_scrolls_sideways(visit: Callable[..., Visit]):
    """From a small phone to a wide screen, with an answer and the source pane."""
    person = visit()
    person.answer().locator(".fn-ref").first.click()
    person.hit(BUILT)
    for width in (320, 390, 768, 1280, 3840):
        person.page.set_viewport_size({"width": width, "height": 800})
        assert width == person.page.evaluate("document.documentElement.scrollWidth")
        assert 800 == person.page.evaluate("document.documentElement.scrollHeight")


def test_on_a_phone_the_sources_slide_over_the_chat_and_close(visit: Callable[..., Visit]):
    """A marker opens them, Close brings the answer back."""
    person = visit(width=390, height=844)
    answer = person.answer()
    card = person.page.locator(".fn-card").first
    assert not card.is_visible()
    answer.locator(".fn-ref").nth(2).click()
    person.hit(CARRIED)
    card.wait_for()
    person.page.get_by_text("Close", exact=True).click()
    card.wait_for(state="hidden")
    assert "#c-0-3" == person.page.evaluate("document.activeElement.getAttribute('href')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_light_and_dark(visit: Callable[..., Visit], scheme: str):
    """Every text has at least 4.5:1 against what is behind it (WCAG AA)."""
    person = visit(scheme=scheme)
    person.answer()
    person.answer("How far is the moon?")
    faint = person.page.evaluate(Path(__file__).with_name("contrast.js").read_text("utf-8"))
    assert [] == faint
    dark = person.page.evaluate("document.body.classList.contains('dark')")
    assert dark == (scheme == "dark")


def test_controls_have_names(visit: Callable[..., Visit]):
    """A screen reader has a word for everything that can be used."""
    person = visit()
    person.answer()
    nameless = person.page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], textarea, input')]
            .filter(e => e.checkVisibility())
            .filter(e => !(e.getAttribute('aria-label') || e.title || e.textContent.trim()
                || [...(e.labels || [])].some(label => label.textContent.trim())))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert [] == nameless


def test_hostile_texts_are_only_text(visit: Callable[..., Visit]):
    """An obedient model and hostile documents: no dialog, no request, no foreign link or markup."""
    person = visit()
    for number, text in enumerate(HOSTILE):
        message = person.answer(f"hostile {number}")
        shown = message.locator(".fn-text").text_content()
        assert (
            text.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\x07", "\ufffd")[:20]
            == (shown or "")[:20]
        )
        message.locator(".fn-ref").first.hover()
    person.answer(HOSTILE[0])
    person.page.wait_for_timeout(300)
    living = person.page.evaluate(
        """() => [...document.querySelectorAll('.fn-message *, .fn-question *, .fn-pane *')]
            .filter(e => !/^(A|BDI|DIV|H2|H3|LI|MARK|OL|P|SPAN|STRONG)$/.test(e.tagName)
                || [...e.attributes].some(a =>
                    !/^(aria-.*|class|href|role|tabindex|title)$/.test(a.name))
                || e.matches('[href]')
                    && !/^#([cp]-\\d+-\\d+|fn-close)$/.test(e.getAttribute('href')))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert [] == living


def test_markup_that_got_through_would_still_do_nothing(visit: Callable[..., Visit]):
    """The policy holds by itself: injected markup runs no script and sends nothing."""
    person = visit()
    ran = person.page.evaluate(
        """async () => {
            const box = document.createElement('div');
            box.innerHTML = '<img src="/nowhere.png" onerror="window.ran = 1">'
                + '<img src="http://canary.example/x">';
            document.body.append(box);
            const script = document.createElement('script');
            script.textContent = 'window.ran = 2';
            document.body.append(script);
            const sent = await fetch('http://canary.example/y').then(() => 'sent', () => 'blocked');
            await new Promise(done => setTimeout(done, 300));
            return [window.ran ?? null, sent];
        }"""
    )
    assert [None, "blocked"] == ran
    assert any("Content Security Policy" in error for error in person.errors)
    # All of this was meant to fail; what matters is that nothing left.
    person.errors.clear()
    person.refused.clear()
    person.foreign.clear()


def test_a_removed_source_is_said_to_be_removed(visit: Callable[..., Visit], live: Live):
    """An old answer's marker then opens a notice, not the words."""
    person = visit()
    marker = person.answer().locator(".fn-ref").first
    removed = live.rag.known.pop(HARBOUR.source_id)
    try:
        marker.click()
        person.page.locator(".fn-gone").wait_for()
        assert BUILT not in person.page.locator("#fn-pane").inner_text()
    finally:
        live.rag.known[removed.source_id] = removed


def test_nothing_is_kept_in_the_browser(visit: Callable[..., Visit]):
    """No question or answer stays behind when the page is closed."""
    person = visit()
    person.answer("a secret question")
    kept = person.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "secret" not in kept
    assert "harbour" not in kept
