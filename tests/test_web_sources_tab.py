"""The tab of the sources: what it shows, and what its parts do, without a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.schema import SourceInfo
from rag.sources.formats import SUPPORTED
from rag.web import shelf
from rag.web.opening import Opening
from rag.web.taking_in import Activity, Doing, Entry, Outcome, TakingIn, key_of
from rag.web.uploads import Uploads
from tests.deferred import Deferred
from tests.web_fakes import HARBOUR, REPORT, ScriptedRag

sources_tab = Deferred("rag.web.sources_tab")

HOSTILE = '"><img src=x onerror=alert(1)>\n\u202e`${x}`</bdi><script>.txt'
LIVE = re.compile(
    r"<(?!/?(?:ol|ul|li|p|bdi|span|div|button|table|tr|t[hd]|h2|h3|strong|progress|br)\b)"
)


def info(number: int, **changes: Any) -> SourceInfo:
    """Return what is known of some source."""
    known: dict[str, Any] = {
        "source_id": f"library/{number:04d}.pdf",
        "title": f"Book {number}",
        "sha256": f"{number:064d}",
        "media_type": "application/pdf",
        "n_chars": 12_345,
        "n_pages": 7,
        "n_passages": 42,
        "indexed_at": "2026-02-03T14:05:06+00:00",
        "origin": "/books",
    }
    return SourceInfo(**(known | changes))


def entry(number: int, **changes: Any) -> Entry:
    """Return one of many sources."""
    known: dict[str, Any] = {
        "source_id": f"library/{number:04d}.pdf",
        "title": f"Book {number}",
        "info": info(number),
    }
    return Entry(**(known | changes))


MANY = [entry(number) for number in range(2000)]
BAD = Entry(source_id="scan.pdf", title="scan.pdf", info=None, note="'scan.pdf' holds no text.")


def test_many_sources_are_shown_page_by_page():
    """Two thousand are forty pages; a page that is not there is the last."""
    page = shelf.page_of(MANY, "", troubled=False, number=39)
    assert (50, 40, 2000) == (len(page.entries), page.n_pages, page.n_found)
    assert "1,951 to 2,000 of 2,000 sources" in shelf.place(page)
    assert page == shelf.page_of(MANY, "", troubled=False, number=400)
    assert 0 == shelf.page_of(MANY, "", troubled=False, number=-1).number


@pytest.mark.parametrize(
    ("words", "n_found"),
    [
        ("book 1999", 1),
        ("BOOK 199", 12),
        ("0007.PDF", 1),
        ("pdf", 2000),
        ("pdf boat", 0),
        (" ", 2000),
    ],
)
def test_the_filter_wants_every_word_somewhere(words: str, n_found: int):
    """In title, name or kind, whatever the case."""
    assert n_found == shelf.page_of(MANY, words, troubled=False, number=0).n_found


def test_what_is_not_indexed_can_be_shown_alone():
    """With its reason on the list."""
    page = shelf.page_of([*MANY, BAD], "", troubled=True, number=0)
    assert (BAD,) == page.entries
    shown = shelf.shelf(page, n_all=2001, chosen="")
    assert "<strong>Not indexed.</strong> &#x27;scan.pdf&#x27; holds no text." in shown


def test_nothing_and_no_match_are_told_apart():
    """One says what to do."""
    none = shelf.page_of([], "", troubled=False, number=0)
    assert "Nothing is indexed yet." in shelf.shelf(none, n_all=0, chosen="")
    assert "No source matches." in shelf.shelf(none, n_all=3, chosen="")


def test_a_source_is_told_in_full():
    """Title, id, type, sizes, when it was indexed and where it comes from."""
    told = re.sub(r"<[^>]+>", "|", shelf.about(entry(3)))
    for fact in (
        "Book 3", "library/0003.pdf", "PDF (application/pdf)", "7", "12,345", "42",
        "3 February 2026, 14:05 UTC", "/books",
    ):  # fmt: skip
        assert f"|{fact}|" in told
    ours = entry(3, upload="0003.pdf", url="https://site.example/3")
    assert "Taken in on this page" in shelf.about(ours)
    assert "https://site.example/3" in shelf.about(ours)


def test_every_format_has_a_name_for_people():
    """No media type is shown in its place; of an archive only what it holds is listed."""
    for one in set(SUPPORTED.values()) - {"application/zip"}:
        assert f">{one}" not in shelf.about(entry(1, info=info(1, media_type=one)))


def test_numbers_and_settings_of_the_index_are_told():
    """And that it is not open yet."""
    told = shelf.built_with(ScriptedRag().statistics())
    assert "2 sources · 2 passages" in told
    assert "passages of at most 160 tokens (cl100k_base)" in told
    assert "encoder fake" in told
    assert "Getting ready" in shelf.built_with({})


def test_names_are_only_text_wherever_they_are_shown():
    """Markup, line breaks and what turns writing around stay what they are: characters."""
    bad = Entry(
        source_id=HOSTILE, title=HOSTILE, info=None, note=HOSTILE, upload=HOSTILE, url=HOSTILE
    )
    good = entry(1, source_id=HOSTILE, title=HOSTILE, info=info(1, title=HOSTILE, origin=HOSTILE))
    page = shelf.page_of([bad, good], "", troubled=False, number=0)
    now = Activity(
        doing=Doing(label=HOSTILE, stage="read", done=1, total=2),
        waiting=(HOSTILE,),
        outcomes=(Outcome(name=HOSTILE, kind="bad", said="Not added", message=HOSTILE),),
    )
    for made in (
        shelf.shelf(page, n_all=2, chosen=bad.key),
        shelf.about(bad),
        shelf.about(good),
        shelf.warning(good),
        shelf.doing(now),
        shelf.outcomes(now),
        shelf.trouble(HOSTILE),
    ):
        assert "&lt;img" in made
        assert None is LIVE.search(made)
        assert "\n" not in made
        assert made.count("<bdi>") == made.count("</bdi>")


def test_a_key_says_nothing_and_is_always_the_same():
    """It goes through the page and back."""
    assert re.fullmatch("[0-9a-f]{16}", key_of(HOSTILE))
    assert key_of("a") != key_of("b")
    assert key_of("\udcff") == key_of("\udcff")


def test_sources_of_one_title_are_told_apart_in_the_choice():
    """By their names; what is not indexed cannot be asked."""
    twins = [entry(1, title="Report"), entry(2, title="Report"), entry(3), BAD]
    assert [
        ("Report (library/0001.pdf)", "library/0001.pdf"),
        ("Report (library/0002.pdf)", "library/0002.pdf"),
        ("Book 3", "library/0003.pdf"),
    ] == shelf.choices(twins)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator:
    """The events of a tab over two sources and one upload."""
    opening = Opening(lambda _: ScriptedRag())
    opening.wait(60)
    uploads = Uploads(tmp_path / "uploads", max_file=1_000_000)
    taking_in = TakingIn(opening, uploads, seeds=tmp_path)
    taking_in.start()
    yield sources_tab.Tab(taking_in, opening)
    taking_in.close()


def settle(tab) -> list[tuple[Any, ...]]:
    """Follow until nothing is under way; returns what was shown."""

    async def shown() -> list[tuple[Any, ...]]:
        return [update async for update in tab.follow()]

    return asyncio.run(asyncio.wait_for(shown(), 10))


def test_a_pasted_text_is_taken_in_and_the_boxes_are_emptied(tab):
    """What became of it is shown at the end of following."""
    assert ("", "", "") == tab.add_text("Ferry", "It sails at eight.")
    _, stop, outcomes, dismiss, seen, meanwhile = settle(tab)[-1]
    assert "" == meanwhile
    assert "uploads/Ferry.txt" in outcomes
    assert (False, True) == (stop.visible, dismiss.visible)
    assert seen.endswith(" ready")


def test_what_cannot_be_pasted_stays_in_the_box(tab):
    """With the reason beside it."""
    for text, words in (
        ("", "no text"),
        ("x" * (sources_tab.MOST_CHARS + 1), "At most 200,000 characters"),
    ):
        trouble, *kept = tab.add_text("t", text)
        assert words in trouble
        assert all(update == {"__type__": "update"} for update in kept)


def test_an_address_that_is_not_taken_stays_in_the_box(tab):
    """Here since reading addresses is turned off."""
    trouble, kept = tab.add_address("https://site.example/")
    assert "RAG_URLS=true" in trouble
    assert {"__type__": "update"} == kept


def test_a_source_is_opened_asked_alone_and_closed(tab):
    """What can be done with it depends on what it is."""
    view, *_, about, facts, naming, name, only, _, sure = tab.act(
        f"{key_of(HARBOUR.source_id)} 1", "", "all", sources_tab.View()
    )
    assert key_of(HARBOUR.source_id) == view.chosen
    assert (True, False, "", True, False) == (
        about.visible, naming.visible, name, only.visible, sure.visible,
    )  # fmt: skip
    assert HARBOUR.title in facts
    chosen, tabs = tab.only(view)
    assert ([HARBOUR.source_id], "chat") == (chosen, tabs.selected)
    view, *_, about, _, _, _, _, _, _ = tab.close("", "all", view)
    assert ("", False) == (view.chosen, about.visible)


def test_an_upload_can_be_renamed_and_removed(tab):
    """After a question whether it is meant."""
    tab.add_text("Ferry", "It sails at eight.")
    settle(tab)
    view, *_, naming, name, _, _, _ = tab.act(
        f"{key_of('uploads/Ferry.txt')} 1", "", "all", sources_tab.View()
    )
    assert (True, "Ferry.txt") == (naming.visible, name)
    assert "" == tab.rename(view, "Boat")
    settle(tab)
    assert "is not there any more" in tab.rename(view, "Boat")
    view = sources_tab.View(chosen=key_of("uploads/Boat.txt"))
    sure, warning = tab.ask_whether(view)
    assert (True, True) == (sure.visible, "is deleted" in warning)
    assert "" == tab.remove(view)[0]
    settle(tab)
    assert [] == tab._taking_in.uploads.names()


def test_a_source_that_is_gone_changes_nothing(tab):
    """Whoever else has removed it."""
    view = sources_tab.View(chosen="0" * 16)
    assert all(update == {"__type__": "update"} for update in tab.act("follow 1", "", "all", view))
    assert all(update == {"__type__": "update"} for update in tab.ask_whether(view))
    assert all(update == {"__type__": "update"} for update in tab.only(view))
    for told in (tab.remove(view)[0], tab.reread(view)):
        assert "is not there any more" in told


def test_the_choice_of_sources_forgets_what_is_gone(tab):
    """And keeps the rest of what was chosen."""
    *_, built, scope, status = tab.refresh(
        "", "all", sources_tab.View(chosen="0" * 16), [REPORT.source_id, "gone.txt"]
    )
    assert [REPORT.source_id] == scope.value
    assert [(HARBOUR.title, HARBOUR.source_id), (REPORT.title, REPORT.source_id)] == scope.choices
    assert "2 sources" in status
    assert "2 passages" in built


def test_pages_are_turned_and_a_filter_begins_at_the_first(tab):
    """The list has no page before its first and none after its last."""
    view, _, place, before, after = tab.onward("", "all", sources_tab.View())
    assert (0, False, False) == (view.number, before.visible, after.visible)
    assert "2 sources" in place
    assert 0 == tab.back("", "all", view)[0].number
    view, shown, *_ = tab.find("report", "all", sources_tab.View(number=3))
    assert (0, True, False) == (view.number, REPORT.title in shown, HARBOUR.title in shown)
