"""What the tests in a real browser share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from rag.settings import Settings
from tests.browser.people import CHROMIUM, FLAGS, Served, Visit, serving

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """One browser for all tests of a module, so that it loads the scripts once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_context()
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers over folders of a test's own; they end with it."""
    with ExitStack() as running:

        def start(rag: Any = None, **changes: Any) -> Served:
            settings = Settings(
                seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index", **changes
            )
            settings.seeds_dir.mkdir(exist_ok=True)
            return running.enter_context(serving(rag, settings))

        yield start


@pytest.fixture
def arrive(context: BrowserContext) -> Iterator[Callable[..., Visit]]:
    """Open pages, each a person of its own, and check at the end that nothing went wrong on any."""
    visits: list[Visit] = []

    def open_page(
        address: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
        script: str = "",
    ) -> Visit:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        visit = Visit(page, address)
        visit.watch()
        if script:
            page.add_init_script(script)
        visits.append(visit)
        page.goto(address)
        page.locator("p.fn-ready").wait_for()
        return visit

    yield open_page
    for visit in visits:
        visit.page.close()
    for visit in visits:
        visit.check()
