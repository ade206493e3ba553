"""The menu of the collections, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rag.pipeline.collections import Collections
from rag.settings import Settings
from tests.browser.people import IN_CHROMIUM, Served, Visit
from tests.test_web_collections import opener

pytestmark = IN_CHROMIUM


def test_a_collection_is_chosen_asked_and_given_files(
    tmp_path: Path, serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """The page of each has its own sources and conversations; several together are only asked."""
    places = {"seeds_dir": tmp_path / "seeds", "index_dir": tmp_path / "index"}
    settings = Settings(**places, collections_dir=tmp_path / "collections")
    settings.seeds_dir.mkdir()
    made = Collections(settings, opener)
    made.create("farm")
    (made.folder("farm") / "sheep.txt").write_text("Sheep graze on hills.\n", encoding="utf-8")
    visit = arrive(serve(opener(settings), collections_dir=tmp_path / "collections").address)
    page = visit.page

    page.get_by_text("Keep conversations in this browser").evaluate("one => one.click()")
    page.locator(".fn-picking summary").click()
    page.get_by_role("link", name="farm", exact=True).click()
    page.wait_for_url("**/?collection=farm")
    page.locator("p.fn-ready").filter(has_text="1 source").wait_for()
    answer = visit.answer("Where do sheep graze?")
    assert "Asked in farm" in answer.inner_text()
    page.wait_for_function("() => localStorage.getItem('footnote.list')?.includes('farm')")
    visit.to("Sources")
    visit.add(("goat.txt", b"Goats climb."))
    visit.told("Added")
    assert (made.folder("farm").parent / "index" / "uploads" / "goat.txt").is_file()

    visit.to("Chat")
    page.locator(".fn-picking summary").click()
    page.get_by_role("link", name="default", exact=True).click()
    page.locator(".fn-bare").wait_for()
    assert 0 == page.locator(".fn-kept li").count()
    page.locator(".fn-picking summary").click()
    page.get_by_role("link", name="All together").click()
    page.locator("p.fn-ready").filter(has_text="2 sources").wait_for()
    page.set_viewport_size({"width": 390, "height": 800})
    cut = page.locator("#fn-picker .fn-do > span").evaluate(
        "one => getComputedStyle(one).overflowX"
    )
    assert "hidden" == cut, "long names would reach under the arrow"
    page.set_viewport_size({"width": 1280, "height": 800})
    visit.to("Sources")
    page.locator(".fn-entry").filter(has_text="farm/uploads/goat.txt").wait_for()
    assert not page.get_by_role("button", name="Choose files…").is_visible()
