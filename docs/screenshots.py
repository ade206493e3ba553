"""Take the pictures of the web chat that the README shows: `python docs/screenshots.py`.

Serves the chat over `seeds/` with an index of its own, does what a person would, and needs Debian's Chromium.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvicorn
from playwright.sync_api import sync_playwright

from rag import Rag, Settings
from rag.web import build_app

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Page, ViewportSize

IMAGES = Path(__file__).parent / "images"
ANSWERED = ("What is Freedom Shield?", "What did North Korea announce on March 21?")
SIZE: ViewportSize = {"width": 1280, "height": 800}
UNANSWERED = "How much does the new missile system cost?"


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve the chat and give its address."""

    def make() -> FastAPI:
        return build_app(lambda progress: Rag.open(settings, progress=progress), settings)

    server = uvicorn.Server(
        uvicorn.Config(make, factory=True, port=0, log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.1)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def ask(page: Page, question: str) -> None:
    """Ask and wait until the answer and its source are there."""
    n_before = page.locator(".fn-foot").count()
    page.fill("#fn-box textarea", question)
    page.press("#fn-box textarea", "Enter")
    page.locator(".fn-foot").nth(n_before).wait_for()
    page.get_by_role("button", name="Ask", exact=True).wait_for()
    page.wait_for_timeout(800)  # scrolling is smooth


def look(page: Page, name: str) -> None:
    """Take a picture once everything has come to rest."""
    page.wait_for_timeout(800)  # scrolling is smooth
    page.screenshot(path=IMAGES / f"{name}.png")


def chat(page: Page) -> None:
    """Ask, open the quoted words, and see how the answer came about."""
    for question in ANSWERED:
        ask(page, question)
    look(page, "chat")
    page.get_by_role("link", name="Explain").last.click()
    page.locator(".fn-account").wait_for()
    look(page, "explain")


def phone(page: Page) -> None:
    """Ask on a phone, and open the source over the chat."""
    page.set_viewport_size({"width": 390, "height": 800})
    reload(page)
    ask(page, ANSWERED[-1])
    look(page, "phone")
    page.locator(".fn-ref").last.click()
    page.locator("mark.fn-hit").first.wait_for()
    look(page, "phone-source")
    page.get_by_role("link", name="Close").click()
    page.set_viewport_size(SIZE)


def dark(page: Page) -> None:
    """Ask what the sources do not answer, on a dark screen."""
    page.emulate_media(color_scheme="dark")
    reload(page)
    ask(page, UNANSWERED)
    look(page, "chat-dark")
    page.emulate_media(color_scheme="light")
    reload(page)


def sources(page: Page) -> None:
    """Take a PDF and a text in."""
    page.get_by_role("tab", name="Sources").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    files = [*sorted((IMAGES.parent).glob("*.md")), *sorted(IMAGES.parents[1].glob("S*.md"))]
    chooser.value.set_files(files)
    page.locator("#fn-add .fn-outcomes li").nth(len(files) - 1).wait_for(timeout=60_000)
    look(page, "sources")


def evaluate(page: Page) -> None:
    """Run the questions on the article."""
    page.get_by_role("tab", name="Evaluate").click()
    page.get_by_text("All of them").click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator(".fn-report").wait_for(timeout=300_000)
    look(page, "evaluate")


def settings(page: Page) -> None:
    """Look at what can be chosen."""
    page.get_by_role("tab", name="Settings").click()
    look(page, "settings")


def reload(page: Page) -> None:
    """Begin anew."""
    page.reload()
    page.locator("p.fn-ready").wait_for(timeout=60_000)


def main() -> None:
    """Take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium. On Debian: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serving(Settings(index_dir=Path(folder))) as address:
            page = browser.new_page(viewport=SIZE)
            page.goto(address)
            page.locator("p.fn-ready").wait_for(timeout=60_000)
            look(page, "start")
            for take in (chat, phone, dark, evaluate, sources, settings):
                take(page)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
