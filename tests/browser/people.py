"""Real headless Chromium, servers on loopback, and people who visit them."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from rag.pipeline import Rag
from rag.web import build_app

_LOOKS = 600
"""Times that the page is drawn before a click counts as lost."""

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from rag.settings import Settings

CHROMIUM = shutil.which("chromium")
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="there is no chromium (Debian: apt-get install chromium)"
    ),
]
"""Marks of a module whose tests need a browser."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Served:
    """A server that runs in this process, and what it answers with."""

    address: str
    rag: Any
    settings: Settings


@contextmanager
def serving(rag: Any, settings: Settings, *, port: int = 0, **options: Any) -> Iterator[Served]:
    """Serve the web chat; without a `rag`, the real one over the folders of the settings, and on any free port."""
    import uvicorn

    def make() -> Any:
        return build_app(
            lambda progress: rag or Rag.open(settings, progress=progress), settings, **options
        )

    server = uvicorn.Server(
        uvicorn.Config(make, factory=True, port=port, log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Served(f"http://127.0.0.1:{port}", rag, settings)
    finally:
        server.should_exit = True
        thread.join()


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

    def click_for(self, button: Locator, happened: Callable[[], bool]) -> None:
        """Click until something has happened: a page that is drawn anew under a click loses it."""
        while not happened():
            button.click()
            for _ in range(_LOOKS):
                if happened():
                    break
                self.drawn()

    def explain(self, message: Locator) -> Locator:
        """Have it told how an answer came about; returns the pane that tells it."""
        account = self.page.locator(".fn-account")
        self.still()  # a conversation that glides moves between a press and its release
        self.click_for(message.get_by_role("link", name="Explain"), account.is_visible)
        return account

    def evaluate(self, questions: str) -> Locator:
        """Paste questions in the other tab and run them; returns the report, there or to come."""
        self.page.get_by_role("tab", name="Evaluate").click()
        self.page.get_by_text("My own").click()
        self.page.fill("#fn-questions textarea", questions)
        self.page.get_by_text("All of them").click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        return self.page.locator(".fn-report")

    def hit(self, words: str) -> None:
        """Wait until these words, and no others, are highlighted in the document."""
        self.page.wait_for_function(
            "words => [...document.querySelectorAll('mark.fn-hit')]"
            ".map(mark => mark.textContent).join('') === words",
            arg=words,
        )

    def to(self, tab: str) -> None:
        """Open a tab."""
        self.page.get_by_role("tab", name=tab).click()

    def add(self, *files: tuple[str, bytes]) -> None:
        """Choose files to be taken in."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Choose files…").click()
        chooser.value.set_files(
            [{"name": name, "mimeType": "", "buffer": data} for name, data in files]
        )

    def still(self) -> None:
        """Wait until nothing on the page moves any more."""
        self.page.wait_for_function(
            """() => {
                const parts = document.querySelectorAll('#fn-side, .fn-message, .fn-reading > *, .fn-list');
                const now = [...parts].map(one => one.getBoundingClientRect().toJSON());
                const moved = JSON.stringify(now) !== window.stood;
                window.nStood = moved ? 0 : window.nStood + 1;
                window.stood = JSON.stringify(now);
                return window.nStood >= 3;
            }""",
            polling=60,
        )

    def drawn(self) -> None:
        """Wait until the page has drawn what it has been told, and begun to load what is on it."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
        )

    def told(self, words: str) -> None:
        """Wait until something is said of what was taken in."""
        self.page.locator("#fn-add .fn-outcomes li").filter(has_text=words).first.wait_for()

    def open(self, title: str) -> None:
        """Open a source of the list."""
        entry = self.page.locator(".fn-entry").filter(has_text=title).first
        self.click_for(entry, self.page.locator("#fn-one").filter(has_text=title).is_visible)
