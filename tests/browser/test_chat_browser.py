"""What makes a chat comfortable, in a real headless Chromium: first questions, editing, finding, saving, keeping."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.settings import Settings
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving
from tests.web_fakes import BUILT, FERRY, HARBOUR, ScriptedRag

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = IN_CHROMIUM
ARTICLE = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests that need nothing of their own."""
    folder = tmp_path_factory.mktemp("chat")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
    with serving(ScriptedRag(), settings) as served:
        yield served
        served.rag.go_on.set()


@pytest.fixture
def visit(live: Served, arrive: Callable[..., Visit]) -> Callable[..., Visit]:
    """Open pages of the one server."""
    return partial(arrive, live.address)


def shown(person: Visit) -> list[str]:
    """Return the questions of the conversation."""
    return person.page.locator(".fn-said > :first-child").all_inner_texts()


def kept(person: Visit) -> list[str]:
    """Return what the browser keeps of ours."""
    return person.page.evaluate(
        "() => Object.keys(localStorage).filter(key => key.startsWith('footnote.'))"
    )


def go_on_to(person: Visit, selector: str) -> None:
    """Press Tab until this has the focus."""
    for _ in range(20):
        if person.page.evaluate("what => document.activeElement.matches(what)", selector):
            return
        person.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {selector}")


def counted(person: Visit, words: str) -> None:
    """Wait until this is said of the words that are looked for."""
    person.page.locator(".fn-count").get_by_text(words, exact=True).wait_for()


@pytest.mark.model
@pytest.mark.slow  # the shipped encoder and reader are loaded and asked
def test_the_first_run_offers_questions_that_the_article_answers(
    tmp_path: Path, arrive: Callable[..., Visit]
):
    """Nothing but what is in the box: a suggested question is one click, and its words are opened beside it."""
    settings = Settings(seeds_dir=ARTICLE, index_dir=tmp_path / "index")
    with serving(None, settings) as served:
        person = arrive(served.address)
        person.page.locator("#fn-messages button.example").first.click()
        marks = person.page.locator("mark.fn-hit")
        marks.first.wait_for()
        article = "".join(path.read_text() for path in ARTICLE.glob("*.txt"))
        assert "".join(marks.all_text_contents()) in article
        person.page.close()


def test_a_question_is_edited_and_replaces_what_came_after(visit: Callable[..., Visit]):
    """The page says what will go, and nothing goes before the question is asked."""
    person = visit()
    for question in ("When was the harbour built?", "And the ferry?"):
        person.answer(question)
    person.page.get_by_role("button", name="Edit").first.click()
    said = person.page.locator(".fn-editing")
    said.wait_for()
    assert "This question and the one after it will be replaced" in said.inner_text()
    assert "When was the harbour built?" == person.page.input_value("#fn-box textarea")
    assert 2 == len(shown(person))
    person.ask("Who built it?")
    person.page.wait_for_function("() => document.querySelectorAll('.fn-said').length === 1")
    person.page.locator(".fn-foot").wait_for()
    assert "Who built it?" in shown(person)[0]


def test_an_edit_can_be_left(visit: Callable[..., Visit]):
    """The conversation is as it was."""
    person = visit()
    person.answer("When was the harbour built?")
    person.page.get_by_role("button", name="Edit").click()
    person.page.get_by_role("button", name="Keep as it was").click()
    person.page.locator(".fn-editing").wait_for(state="detached")
    assert "" == person.page.input_value("#fn-box textarea")
    person.answer("And the ferry?")
    assert 2 == len(shown(person))


@pytest.mark.parametrize("form", ["Markdown", "HTML", "JSON"])
def test_an_answer_is_saved_with_its_quotes_and_where_they_stand(
    visit: Callable[..., Visit], form: str
):
    """One file, named after the question, that can be checked without this program."""
    person = visit()
    person.answer("When was the harbour built?")
    person.page.locator(".fn-acts summary").click()
    with person.page.expect_download() as download:
        person.page.locator(".fn-acts").get_by_role("button", name=form).click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename.startswith("when-was-the-harbour-built.")
    assert BUILT in text
    if form == "JSON":
        first = json.loads(text)["citations"][0]
        assert first["quote"] == HARBOUR.text[first["start"] : first["end"]]
    else:
        assert f"characters 0–{len(BUILT)}" in text


def test_an_answer_and_the_conversation_are_copied(
    visit: Callable[..., Visit], context: BrowserContext
):
    """With their quotes and where they stand."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    person = visit()
    for question in ("When was the harbour built?", "And the ferry?"):
        person.answer(question)
    told, said = person.page.locator(".fn-told"), "Copied, with quotes and where they stand."
    copied = "() => navigator.clipboard.readText()"
    person.page.get_by_role("button", name="Copy").last.click()
    told.get_by_text(said).wait_for()
    answer = person.page.evaluate(copied)
    assert "And the ferry?" in answer
    assert "harbour built?" not in answer
    assert f"characters 0–{len(BUILT)}" in answer
    person.page.locator("details.fn-saving summary").click()
    person.page.locator("details.fn-saving").get_by_role("button", name="Copy").click()
    person.page.wait_for_function(
        "() => navigator.clipboard.readText().then(text => text.includes('harbour built?'))"
    )
    assert "And the ferry?" in person.page.evaluate(copied)


def test_a_saved_page_opens_by_itself_and_asks_for_nothing(
    visit: Callable[..., Visit], tmp_path: Path
):
    """What was saved as HTML needs no network, and its numbers lead to the quotes."""
    person = visit()
    person.answer("When was the harbour built?")
    person.page.locator("details.fn-saving summary").click()
    with person.page.expect_download() as download:
        person.page.locator("details.fn-saving").get_by_role("button", name="HTML").click()
    saved = tmp_path / "saved.html"
    saved.write_bytes(Path(download.value.path()).read_bytes())
    page = person.page.context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(saved.as_uri())
    page.get_by_role("link", name="[1]").first.click()
    assert BUILT in page.locator(":target").inner_text()
    assert {saved.as_uri()} == {url.split("#")[0] for url in requests}
    page.close()


def test_words_are_found_in_the_document(visit: Callable[..., Visit]):
    """Counted, shown one after the other with Enter, and gone with Escape."""
    person = visit()
    person.answer()
    person.page.locator(".fn-ref").first.click()
    person.hit(BUILT)
    field = person.page.get_by_label("Find in this document")
    field.fill("FERRY")
    counted(person, "1 of 1")
    field.fill("boats")
    counted(person, "1 of 60")
    field.press("Enter")
    counted(person, "2 of 60")
    field.press("Shift+Enter")
    field.press("Shift+Enter")
    counted(person, "60 of 60")
    assert "boats" == person.page.locator("mark.fn-here").inner_text()
    field.fill("submarine")
    counted(person, "Nowhere")
    field.press("Escape")
    assert "" == field.input_value()


def test_the_quotes_of_an_answer_are_stepped_through(visit: Callable[..., Visit]):
    """The pane leads from one citation to the next and back, across documents."""
    person = visit()
    person.answer()
    person.page.locator(".fn-ref").first.click()
    person.hit(BUILT)
    person.page.locator(".fn-step.fn-after").click()
    person.hit(FERRY)
    person.page.locator(".fn-step.fn-before").click()
    person.hit(BUILT)


def test_how_an_answer_came_about_is_explained(visit: Callable[..., Visit]):
    """What was searched, every candidate with its scores, every verdict, and what each took."""
    person = visit()
    told = person.explain(person.answer()).inner_text()
    for words in (
        "\tsupported",
        "weakly supported",
        "not supported",
        "Meaning",
        "Words",
        "Both",
        "Reader",
    ):
        assert words in told, words
    assert FERRY[:30] in told


def test_the_explanation_leads_back_to_the_words(visit: Callable[..., Visit]):
    """On a desk nothing closes the pane: one link shows the document again."""
    person = visit()
    person.explain(person.answer())
    person.page.get_by_role("link", name="Back to the sources").click()
    person.hit(BUILT)


def test_what_can_be_saved_is_all_in_sight(visit: Callable[..., Visit]):
    """Also below the last answer, where the conversation ends."""
    person = visit(height=560)
    for question in ("When was the harbour built?", "And the ferry?"):
        person.answer(question)
    person.still()  # the conversation glides to its end
    menu = person.page.locator(".fn-acts details").last
    menu.locator("summary").click()
    person.page.wait_for_function(
        """() => {
            const list = document.querySelector('.fn-acts details[open] .fn-list').getBoundingClientRect();
            const box = document.querySelector('#fn-messages .bubble-wrap').getBoundingClientRect();
            return list.top >= box.top && list.bottom <= box.bottom + 1;
        }"""
    )


def test_on_a_phone_nothing_of_the_chat_lies_over_the_sources(visit: Callable[..., Visit]):
    """Neither the button that scrolls down nor anything else."""
    person = visit(width=320, height=568)
    for question in ("When was the harbour built?", "And the ferry?"):
        person.answer(question)
    person.page.locator(".fn-ref").first.click()
    person.hit(BUILT)
    person.still()  # it slides
    over = person.page.evaluate(
        """() => {
            const side = document.getElementById('fn-side'), box = side.getBoundingClientRect();
            const over = [];
            for (let y = box.top + 2; y < box.bottom; y += 8) {
                const top = document.elementFromPoint(box.left + box.width / 2, y);
                if (!side.contains(top)) over.push(top?.outerHTML.slice(0, 100));
            }
            return over;
        }"""
    )
    assert [] == over


def test_the_page_says_that_its_words_are_english(context: BrowserContext, live: Served):
    """Whatever the browser speaks, so that it is read aloud, and offered to be translated, as what it is."""
    browser = context.browser
    assert browser is not None
    page = browser.new_page(locale="de-DE")
    page.goto(live.address)
    page.locator("p.fn-ready").wait_for()
    page.wait_for_function("() => document.documentElement.lang === 'en'")
    page.close()


def test_settings_hold_for_the_questions_of_this_page(visit: Callable[..., Visit], live: Served):
    """Passages and strictness go along with each question; another person's page knows nothing of it."""
    person, other = visit(), visit()
    person.page.get_by_role("tab", name="Settings").click()
    number = person.page.locator("#fn-set-strictness input[type=number]")
    with person.page.expect_response(lambda response: "0.8" in (response.request.post_data or "")):
        number.fill("0.8")
        number.press("Enter")
    person.page.get_by_role("tab", name="Chat").click()
    person.answer()
    assert (None, 0.8) == live.rag.ways[-1]
    other.answer()
    assert (None, None) == live.rag.ways[-1]


def test_the_look_is_chosen(visit: Callable[..., Visit]):
    """Dark on a light system, and light again."""
    person = visit()
    person.page.get_by_role("tab", name="Settings").click()
    page = "getComputedStyle(document.body).backgroundColor"
    light = person.page.evaluate(f"() => {page}")
    for look, then in (("Dark", f"c => {page} !== c"), ("Light", f"c => {page} === c")):
        person.page.locator("#fn-set-look").get_by_text(look, exact=True).click()
        person.page.wait_for_function(then, arg=light)


def test_conversations_are_kept_only_when_told_so(visit: Callable[..., Visit]):
    """Turned on, a reload brings the conversation back, also across a restart; turned off, nothing is left."""
    person = visit()
    person.answer("When was the harbour built?")
    assert [] == kept(person)
    menu = person.page.locator("details.fn-keeping")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Keep conversations in this browser").click()
    menu.get_by_role("button", name="When was the harbour built?", exact=True).wait_for()
    assert 3 == len(kept(person))
    person.page.reload()
    person.page.locator(".fn-foot").wait_for()
    assert ["When was the harbour built?"] == [text.split("\n")[0] for text in shown(person)]
    person.page.locator(".fn-ref").first.click()
    person.hit(BUILT)
    menu.locator("summary").click()
    stop = menu.get_by_role("button", name=re.compile("^Stop"))
    stop.click()
    stop.click()
    menu.get_by_text("Nothing is kept").wait_for()
    assert [] == kept(person)


def test_kept_conversations_are_changed_between(visit: Callable[..., Visit]):
    """Each by its name, a new one beside it, and one can be deleted."""
    person = visit()
    person.answer("When was the harbour built?")
    menu = person.page.locator("details.fn-keeping")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Keep conversations in this browser").click()
    menu.get_by_role("button", name="When was the harbour built?", exact=True).wait_for()
    menu.get_by_role("button", name="New conversation").click()
    person.page.wait_for_function("() => !document.querySelector('.fn-message')")
    person.answer("And the ferry?")
    menu.locator("summary").click()
    menu.get_by_role("button", name="And the ferry?", exact=True).wait_for()
    menu.get_by_role("button", name="When was the harbour built?", exact=True).click()
    person.page.wait_for_function(
        "() => document.querySelector('#fn-messages')?.textContent.includes('harbour built?')"
    )
    menu.locator("summary").click()
    gone = menu.get_by_role("button", name="Delete And the ferry?")
    gone.click()
    gone.click()
    gone.wait_for(state="detached")
    stop = menu.get_by_role("button", name=re.compile("^Stop"))
    stop.click()
    stop.click()
    menu.get_by_text("Nothing is kept").wait_for()


def test_a_changed_source_is_said_to_have_changed(tmp_path: Path, arrive: Callable[..., Visit]):
    """Instead of a quote that would now be a misquotation."""
    rag = ScriptedRag()
    with serving(rag, Settings(seeds_dir=tmp_path, index_dir=tmp_path / "index")) as served:
        person = arrive(served.address)
        person.answer()
        rag.known[HARBOUR.source_id] = replace(HARBOUR, text="All new.", sha256="d" * 64)
        person.page.locator(".fn-ref").first.click()
        person.page.locator("#fn-pane .fn-gone").first.wait_for()
        assert "changed" in person.page.locator("#fn-pane .fn-gone").first.inner_text()
        assert 0 == person.page.locator("mark.fn-hit").count()
        rag.go_on.set()
        person.page.close()


def test_everything_is_done_without_a_mouse(visit: Callable[..., Visit]):
    """Ask, open the words, step on, find, explain, save and edit: with keys alone."""
    person = visit()
    keys = person.page.keyboard
    person.page.wait_for_function("() => document.activeElement.matches('#fn-box textarea')")
    keys.type("When was the harbour built?")
    keys.press("Enter")
    person.page.locator(".fn-foot").wait_for()
    person.page.get_by_role("button", name="Ask", exact=True).wait_for()
    for _ in range(40):
        keys.press("Shift+Tab")
        if person.page.evaluate("() => document.activeElement.matches('.fn-ref')"):
            break
    keys.press("Enter")
    person.page.wait_for_function("() => document.activeElement.matches('#fn-pane .fn-card')")
    keys.press("p")
    person.hit(BUILT)
    keys.press("f")
    person.page.wait_for_function("() => document.activeElement.closest('#fn-seek-words')")
    keys.type("boats")
    counted(person, "1 of 60")
    keys.press("Escape")
    keys.press("Escape")
    go_on_to(person, ".fn-acts summary")
    keys.press("Enter")
    keys.press("Tab")
    with person.page.expect_download() as download:
        keys.press("Enter")
    assert "when-was-the-harbour-built.md" == download.value.suggested_filename
    go_on_to(person, ".fn-acts a")
    keys.press("Enter")
    person.page.wait_for_function("() => document.activeElement.matches('.fn-account .fn-reading')")
    keys.press("Escape")
    keys.press("e")
    person.page.locator(".fn-editing").wait_for()
    person.page.wait_for_function("() => document.activeElement.matches('#fn-box textarea')")


@pytest.mark.model
@pytest.mark.slow  # the shipped encoder and reader are loaded twice
def test_a_restart_of_the_server_loses_no_source(tmp_path: Path, arrive: Callable[..., Visit]):
    """What was taken in is there again, and the page of before asks on after a reload."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The old bridge of Ostby was opened in 1932 by Marit Dahl.\n")
    settings = Settings(seeds_dir=seeds, index_dir=tmp_path / "index")
    for _ in range(2):
        with serving(None, settings) as served:
            person = arrive(served.address)
            person.answer("When was the old bridge of Ostby opened?")
            person.hit("The old bridge of Ostby was opened in 1932 by Marit Dahl.")
            person.page.close()
