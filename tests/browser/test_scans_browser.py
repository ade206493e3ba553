"""A quote from a scan is marked on the picture of its page, in a real browser."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest

from rag.schema import AnswerReady, Event, Turn
from rag.settings import Settings
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving
from tests.scan_fakes import LINES, picture, scan
from tests.web_fakes import ScriptedRag, cite, saying

pytestmark = IN_CHROMIUM
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
SCAN = scan("scan.pdf", b"scan")
SHOTS = os.environ.get("FOOTNOTE_SHOTS", "")


class Scanned(ScriptedRag):
    """Answers with words of both pages of a scan."""

    def __init__(self) -> None:
        super().__init__()
        self.known[SCAN.source_id] = SCAN
        for number in (0, 1):
            data = io.BytesIO()
            picture(number).save(data, "JPEG")
            self.pictures[SCAN.source_id, number + 1] = data.getvalue()

    def _events(self, question: str, _: Sequence[Turn]) -> Iterator[Event]:
        answer = saying("So it is.", SCAN, question)
        quotes = [cite(at, SCAN, text) for at, (text, _) in enumerate((LINES[1], LINES[2]), 1)]
        yield AnswerReady(answer=replace(answer, text="So it is [1][2].", citations=tuple(quotes)))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here."""
    folder = tmp_path_factory.mktemp("scans")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
    with serving(Scanned(), settings) as served:
        yield served


@pytest.mark.parametrize(
    "look", [{}, {"width": 390, "height": 844, "scheme": "dark"}], ids=["desk", "phone, dark"]
)
def test_the_words_are_marked_on_the_page_and_the_text_is_a_key_away(
    arrive: Callable[..., Visit], live: Served, look: dict[str, Any]
):
    """The mark lies on the words however wide the picture is; a poor page is said to be; axe finds nothing."""
    person = arrive(live.address, script=AXE, **look)
    page = person.page
    person.answer().locator(".fn-ref[href='#c-0-1']").first.click()
    mark = page.locator(".fn-sheet rect")
    page.wait_for_function("document.querySelector('.fn-paper img')?.naturalWidth > 0")
    person.still()
    whole, marked = page.locator(".fn-paper img").bounding_box(), mark.bounding_box()
    shares = [(marked[a] - whole[a]) / whole[b] for a, b in (("x", "width"), ("y", "height"))]
    assert [0.1, 0.236] == pytest.approx(shares, abs=0.01)
    assert page.evaluate(
        """() => {
            const box = document.querySelector('.fn-reading').getBoundingClientRect();
            const mark = document.querySelector('.fn-sheet rect').getBoundingClientRect();
            return mark.top >= box.top && mark.bottom <= box.bottom && mark.left >= box.left;
        }"""
    )
    alt = page.locator(".fn-paper img").get_attribute("alt")
    assert "Page 1 of Boats & <b>ferries</b>, with the words marked" == alt
    found = page.evaluate("() => axe.run('#fn-pane')")["violations"]
    assert [] == [one["id"] for one in found if one["impact"] in {"serious", "critical"}]

    page.locator(".fn-sheet summary").press("Enter")
    page.locator(".fn-paper").wait_for(state="hidden")
    person.hit(LINES[1][0])
    assert "Show page 1 as a picture" == page.locator(".fn-sheet summary").inner_text()
    page.locator(".fn-sheet summary").press("Enter")
    page.locator(".fn-step.fn-after").click()
    page.locator(".fn-sheet .fn-state").wait_for()
    assert "Page 2" == page.locator(".fn-sheet summary strong").inner_text()


def test_a_picture_that_cannot_be_shown_leaves_the_text(arrive: Callable[..., Visit], live: Served):
    """Its file went between two looks: nothing broken is left."""
    person = arrive(live.address)
    held = dict(live.rag.pictures)
    del live.rag.pictures[SCAN.source_id, 1]
    try:
        person.answer().locator(".fn-ref[href='#c-0-1']").first.click()
        person.page.wait_for_function("!document.querySelector('.fn-sheet, .fn-read')")
        person.hit(LINES[1][0])
    finally:
        live.rag.pictures.update(held)
    assert 1 == len(set(person.refused))
    person.refused.clear()
    person.errors.clear()
