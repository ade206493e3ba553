"""Take the pictures of the web chat that the README shows: `python docs/screenshots.py`.

Serves the chat over `seeds/` with an index of its own, asks what a person would, and needs Debian's
Chromium.
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
    from playwright.sync_api import Page

IMAGES = Path(__file__).parent / "images"
ANSWERED = ("What is Freedom Shield?", "What did North Korea announce on March 21?")
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


def main() -> None:
    """Take the pictures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium. On Debian: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serving(Settings(index_dir=Path(folder))) as address:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            page.locator("p.fn-ready").wait_for(timeout=60_000)
            for question in ANSWERED:
                ask(page, question)
            page.screenshot(path=IMAGES / "chat.png")
            page.emulate_media(color_scheme="dark")
            page.reload()
            page.locator("p.fn-ready").wait_for()
            ask(page, UNANSWERED)
            page.screenshot(path=IMAGES / "chat-dark.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
