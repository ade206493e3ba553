"""The web chat as a person meets it: a real headless Chromium against a server on loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.settings import Settings
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving
from tests.web_fakes import BUILT, CARRIED, FERRY, HARBOUR, ScriptedRag

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = IN_CHROMIUM
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


QUESTIONS = "question,answers\nWhen was the harbour built?,1871\nHow far is the moon?,\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here: building its pages takes seconds."""
    folder = tmp_path_factory.mktemp("browser")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
    rag = ScriptedRag(HOSTILE)
    with serving(rag, settings, examples=("When was the harbour built?",)) as served:
        yield served
        rag.go_on.set()


@pytest.fixture
def visit(live: Served, arrive: Callable[..., Visit]) -> Iterator[Callable[..., Visit]]:
    """Open pages of the one server."""
    live.rag.go_on.clear()
    yield partial(arrive, live.address)
    live.rag.go_on.set()


@pytest.fixture
def choice(live: Served) -> Iterator[tuple[str, ...]]:
    """Several models to choose among, while a test runs."""
    alone = live.rag.models
    live.rag.models = ("openai:gpt-5", "ollama:llama3.2", *alone)
    yield live.rag.models
    live.rag.models = alone


def test_a_question_gets_a_streamed_answer_with_its_quotes_beside_it(
    visit: Callable[..., Visit], live: Served
):
    """Words appear before the answer is done; then markers, verdicts and the exact quotes."""
    person = visit()
    person.ask("When, slowly?")
    draft = person.page.locator(".fn-draft")
    draft.wait_for()
    assert "The harbour was built in 1871".startswith(draft.inner_text()[:16])
    label = person.page.locator(".fn-drafting")
    assert label.inner_text().startswith("Draft, not checked yet.")
    assert label.bounding_box()["y"] < draft.bounding_box()["y"]
    assert 0 == person.page.locator(".fn-ref").count()
    live.rag.go_on.set()
    person.page.locator(".fn-foot").wait_for()
    assert 0 == label.count()
    assert ["[1]", "[2]", "[3]", "[2]"] == [
        text.strip() for text in person.page.locator(".fn-ref").all_text_contents()
    ]
    assert "The harbour was built in 1871 [1]." in person.page.locator(".fn-text").inner_text()
    person.hit(BUILT)
    assert [BUILT, FERRY, CARRIED] == person.page.locator(".fn-quote").all_text_contents()
    flags = person.page.locator(".fn-flag").all_text_contents()
    assert ["✓", "weakly supported", "not supported"] == [
        re.split("Supported|The|No ", flag)[0] for flag in flags
    ]


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


def test_a_marker_opens_its_passage_while_the_answer_is_still_written(
    visit: Callable[..., Visit], live: Served
):
    """By mouse and by keyboard; the focus stays although the text is drawn anew."""
    person = visit()
    person.ask("When, halfway?")
    marker = person.page.locator(".fn-draft .fn-ref").first
    marker.click()
    person.hit(BUILT)
    assert "Passages read" == person.page.locator("#fn-pane h2").inner_text()
    marker.focus()
    live.rag.go_on.set()
    person.page.locator(".fn-foot").wait_for()
    person.hit(BUILT)
    assert "Sources" == person.page.locator("#fn-pane h2").inner_text()


def test_who_answers_is_said_and_chosen_by_keyboard(
    visit: Callable[..., Visit], live: Served, choice: tuple[str, ...]
):
    """The first answers until another is chosen; how an answer came about says who wrote it."""
    person = visit()
    box = person.page.get_by_role("combobox", name="Who answers")
    assert choice[0] == box.input_value()
    person.answer()
    box.focus()
    person.page.get_by_role("option", name=choice[1]).wait_for()
    person.page.keyboard.press("ArrowDown")
    person.page.keyboard.press("Enter")
    person.page.wait_for_function(
        "name => document.querySelector('#fn-model input').value === name", arg=choice[1]
    )
    message = person.answer("And now?")
    assert choice[1] == live.rag.chosen[-1][0]
    assert choice[1] not in message.inner_text()
    person.explain(message).get_by_text(choice[1]).wait_for()


def test_with_one_model_there_is_nothing_to_choose(visit: Callable[..., Visit]):
    """And its name stands only where it is told how an answer came about."""
    person = visit()
    assert "2 sources" == person.page.locator("p.fn-ready").inner_text()
    assert 0 == person.page.locator("#fn-model").count()


def test_what_was_done_about_citations_unfolds_and_verdicts_explain_themselves(
    visit: Callable[..., Visit],
):
    """By keyboard: small until it is wanted."""
    person = visit()
    message = person.answer("Is it mended?")
    assert "openai:gpt-5 did not answer in time" in message.locator(".fn-fell").inner_text()
    steps = message.locator(".fn-steps li")
    assert not steps.first.is_visible()
    message.locator(".fn-steps summary").focus()
    person.page.keyboard.press("Enter")
    steps.first.wait_for()
    assert "Asked again." in message.locator(".fn-steps").inner_text()
    for number, words in enumerate(("say it", "only in part", "No words in your sources")):
        why = message.locator(".fn-why").nth(number)
        assert not why.is_visible()
        message.locator(".fn-flag").nth(number).focus()
        why.wait_for()
        assert words in why.inner_text()


def test_an_answer_is_judged_by_keyboard_and_the_judgement_stays_on_this_machine(
    visit: Callable[..., Visit], live: Served
):
    """A line in a file below the index folder; another judgement counts instead."""
    person = visit()
    message = person.answer("judged?")
    message.get_by_role("button", name="Wrong citation").focus()
    person.page.keyboard.press("Enter")
    given = message.locator(".fn-given")
    given.wait_for()
    assert "Noted on this machine only." == message.locator(".fn-asked").inner_text()
    assert "true" == given.get_attribute("aria-pressed")
    assert person.page.evaluate("document.activeElement.matches('.fn-given')")
    message.get_by_role("button", name="Right", exact=True).click()
    message.get_by_role("button", name="✓ Right").wait_for()
    path = live.settings.index_dir / "feedback.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert ["wrong_citation", "right"] == [line["feedback"]["kind"] for line in lines]
    assert {"judged?"} == {line["question"] for line in lines}


def test_questions_are_evaluated_while_the_chat_goes_on(visit: Callable[..., Visit], live: Served):
    """Progress, a report with its files, and answers meanwhile."""
    person = visit()
    report = person.evaluate(QUESTIONS + "Is it slowly?,\n")
    person.page.get_by_text("2 of 3 questions").wait_for()
    person.page.get_by_role("tab", name="Chat").click()
    person.answer()
    live.rag.go_on.set()
    person.page.get_by_role("tab", name="Evaluate").click()
    report.wait_for()
    assert "3 questions asked" in report.inner_text()
    address = report.get_by_role("link", name="JSON").get_attribute("href")
    made = person.page.request.get(live.address + address).json()
    assert 3 == made["n"]


def test_an_evaluation_is_stopped_at_once_and_can_be_run_again(
    visit: Callable[..., Visit], live: Served
):
    """However long its question takes."""
    person = visit()
    report = person.evaluate("question\nIs it slowly?\nWhen?\n")
    person.page.locator("#fn-halt").click()
    person.page.get_by_text("Stopped. There is no report.").wait_for()
    live.rag.go_on.set()
    person.page.get_by_role("button", name="Run", exact=True).click()
    report.wait_for()
    assert "2 questions asked" in report.inner_text()


def test_a_file_of_questions_is_read_into_the_box(visit: Callable[..., Visit], tmp_path: Path):
    """As spreadsheets write it; nothing is uploaded."""
    path = tmp_path / "questions.csv"
    path.write_bytes("question\nWann fährt die Fähre?\n".encode("utf-16"))
    person = visit()
    person.page.get_by_role("tab", name="Evaluate").click()
    person.page.get_by_text("My own").click()
    with person.page.expect_file_chooser() as chooser:
        person.page.get_by_role("button", name="Open a file…").click()
    chooser.value.set_files(path)
    person.page.wait_for_function("document.querySelector('#fn-questions textarea').value")
    box = person.page.locator("#fn-questions textarea")
    assert "question\nWann fährt die Fähre?\n" == box.input_value()


def test_questions_that_cannot_be_read_are_a_sentence(visit: Callable[..., Visit]):
    """In place of the report."""
    person = visit()
    person.evaluate("frage\nWann?\n")
    trouble = person.page.locator("#fn-progress .fn-trouble")
    trouble.wait_for()
    assert "Your questions, line 1: no column is called 'question'" in trouble.inner_text()


def test_a_quote_is_shown_to_who_points_at_its_number_or_reaches_it_by_keys(
    visit: Callable[..., Visit],
):
    """One at a time, within the window; gone with Escape, and when the answer is left."""
    person = visit(width=390, height=844)
    markers = person.answer().locator(".fn-ref")
    peek = person.page.get_by_role("tooltip").locator("p")
    markers.nth(0).hover()
    assert f"“{BUILT}”" == peek.inner_text()
    markers.nth(2).hover()
    assert f"“{CARRIED}”" == peek.inner_text()
    assert f"“{BUILT}”" == markers.nth(0).get_attribute("title")
    person.page.mouse.move(1, 1)
    peek.wait_for(state="detached")
    person.page.keyboard.press("Shift+Tab")
    markers.nth(1).focus()
    assert f"“{FERRY}”" == peek.inner_text()
    shown = peek.bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= 390
    person.page.keyboard.press("Escape")
    peek.wait_for(state="detached")


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


def test_the_page_stays_at_the_question_and_the_start_of_its_answer(
    visit: Callable[..., Visit], live: Served
):
    """However long the conversation is, and while the answer grows; until the person scrolls."""
    person = visit(height=500)
    top = """() => document.querySelectorAll('.fn-said')[%d].getBoundingClientRect().top
        - document.querySelector('#fn-messages .bubble-wrap').getBoundingClientRect().top"""
    for number in range(3):
        person.answer(f"perhaps {number}?")
        person.page.wait_for_timeout(600)
        assert 0 <= person.page.evaluate(top % number) <= 40
    person.ask("When, halfway?")
    person.page.locator(".fn-draft").wait_for()
    person.page.locator("#fn-messages .bubble-wrap").hover()
    person.page.mouse.wheel(0, -300)
    person.page.wait_for_timeout(300)
    live.rag.go_on.set()
    person.page.locator(".fn-foot").nth(3).wait_for()
    person.page.wait_for_timeout(600)
    assert person.page.evaluate(top % 3) > 200


def test_a_guess_is_told_from_a_sure_answer_at_a_glance(visit: Callable[..., Visit]):
    """A frame, a label, another colour; the words first and bold, the sentence under its path."""
    person = visit()
    message = person.answer("perhaps?")
    frame = message.locator(".fn-guess")
    assert "dashed" == frame.evaluate("e => getComputedStyle(e).borderTopStyle")
    said = frame.inner_text()
    order = ["Best guess", "1871", "The harbour of Ostby › Not yet built", BUILT, "may not answer"]
    assert sorted(map(said.index, order)) == [said.index(words) for words in order]
    weight = frame.locator(".fn-short strong").evaluate("e => getComputedStyle(e).fontWeight")
    assert int(weight) >= 600
    message.locator(".fn-near").click()
    person.hit("ferry")
    sure = person.answer("When?")
    assert 0 == sure.locator(".fn-guess").count()


def test_an_unanswered_question_says_so_and_shows_what_comes_closest(
    visit: Callable[..., Visit],
):
    """Nothing looks like an answer; the closest passages are a link away."""
    person = visit()
    message = person.answer("How far is the moon?")
    assert "No answer found. Nothing is said about the moon." in message.inner_text()
    assert 0 == message.locator(".fn-ref").count()
    message.locator(".fn-near").click()
    person.hit(FERRY)
    assert "Closest passages" == person.page.locator("#fn-pane h2").inner_text()


def test_a_follow_up_shows_what_was_searched(visit: Callable[..., Visit], live: Served):
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


def test_stop_ends_an_answer_and_the_next_question_works(visit: Callable[..., Visit], live: Served):
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


def test_retry_undo_and_clear(visit: Callable[..., Visit], live: Served):
    """Each is one click under the answer or above the conversation."""
    person = visit()
    person.answer("first")
    person.answer("second")
    n_ended = live.rag.streams_ended
    person.page.get_by_role("button", name="Retry").last.click()
    while live.rag.streams_ended == n_ended:
        person.drawn()
    person.page.locator(".fn-foot").nth(1).wait_for()
    person.page.get_by_role("button", name="Ask", exact=True).wait_for()
    assert ["first", "second"] == person.page.locator(".fn-question").all_text_contents()
    person.click_for(
        person.page.get_by_role("button", name="Undo").last,
        lambda: person.page.input_value("#fn-box textarea") != "",
    )
    assert "second" == person.page.input_value("#fn-box textarea")
    assert ["first"] == person.page.locator(".fn-question").all_text_contents()
    person.page.get_by_role("button", name="New", exact=True).click()
    person.page.locator(".fn-welcome").wait_for()
    person.page.wait_for_function("() => !document.querySelector('.fn-card')")


def test_clearing_while_an_answer_is_written_stays_clear(visit: Callable[..., Visit], live: Served):
    """Nothing of it comes back."""
    person = visit()
    person.ask("When, slowly?")
    person.page.locator(".fn-draft").wait_for()
    person.page.get_by_role("button", name="New", exact=True).click()
    person.page.locator(".fn-welcome").wait_for()
    n_ended = live.rag.streams_ended
    live.rag.go_on.set()
    person.page.get_by_role("button", name="Ask", exact=True).wait_for()
    while live.rag.streams_ended == n_ended:
        person.drawn()
    person.answer("And now?")  # whatever was to come has come before this
    assert ["And now?"] == person.page.locator(".fn-question").all_text_contents()


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


def test_two_people_do_not_share_a_conversation(
    visit: Callable[..., Visit], context: BrowserContext, live: Served
):
    """Each browser sees its own questions, asked at once, and its links open its own answers."""
    one, browser = visit(), context.browser
    assert browser is not None
    two = Visit(browser.new_page(), live.address)
    two.watch()
    two.page.goto(live.address)
    two.page.locator("p.fn-ready").wait_for()
    one.ask("mine?")
    two.ask("How far is the moon?")
    for person, question in ((one, "mine?"), (two, "How far is the moon?")):
        person.page.locator(".fn-foot").last.wait_for()
        assert [question] == person.page.locator(".fn-question").all_text_contents()
    assert 0 == two.page.locator(".fn-ref").count()
    one.page.locator(".fn-ref").nth(2).click()
    one.hit(CARRIED)
    two.page.close()
    two.check()


def test_the_page_never_scrolls_sideways(visit: Callable[..., Visit]):
    """From a small phone to a wide screen, with an answer, the source pane, and an evaluation."""
    person = visit()
    person.answer().locator(".fn-ref").first.click()
    person.hit(BUILT)
    sizes = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    for width in (320, 390, 768, 1280, 3840):
        person.page.set_viewport_size({"width": width, "height": 800})
        assert [width, 800] == person.page.evaluate(sizes)
    person.evaluate(QUESTIONS).wait_for()
    for width in (320, 390, 768, 1280):
        person.page.set_viewport_size({"width": width, "height": 800})
        assert [width, 800] == person.page.evaluate(sizes)


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
def test_text_is_legible_in_light_and_dark(
    visit: Callable[..., Visit], choice: tuple[str, ...], scheme: str
):
    """Every text has at least 4.5:1 against what is behind it (WCAG AA), in chat and evaluation."""
    contrast = Path(__file__).with_name("contrast.js").read_text("utf-8")
    person = visit(scheme=scheme)
    person.answer("Is it mended?").locator(".fn-steps summary").click()
    assert [] == person.page.evaluate(contrast)
    person.answer("How far is the moon?")
    person.page.locator("#fn-model input").click()
    person.page.get_by_role("option", name=choice[1]).wait_for()
    assert [] == person.page.evaluate(contrast)
    person.page.keyboard.press("Escape")
    person.evaluate(QUESTIONS).wait_for()
    assert [] == person.page.evaluate(contrast)
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
    person.drawn()
    living = person.page.evaluate(
        """() => [...document.querySelectorAll('.fn-message *, .fn-question *, .fn-pane *')]
            .filter(e => !/^(A|BDI|BUTTON|DETAILS|DIV|H2|H3|H4|LI|MARK|OL|P|SPAN|STRONG|SUMMARY)$/.test(e.tagName)
                || [...e.attributes].some(a =>
                    !/^(aria-.*|class|href|role|tabindex|title|type|value)$/.test(a.name))
                || e.matches('[href]')
                    && !/^#([cpne]-\\d+-\\d+|fn-close)$/.test(e.getAttribute('href')))
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


def test_a_removed_source_is_said_to_be_removed(visit: Callable[..., Visit], live: Served):
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


@pytest.mark.parametrize("width", [1280, 390])
def test_why_nothing_can_be_asked_covers_no_tab(
    context: BrowserContext, tmp_path: Path, width: int
):
    """A sentence of any length stands below them, and all of it can be read."""
    (tmp_path / ("long " * 45)).write_text("no folder")
    settings = Settings(seeds_dir=tmp_path, index_dir=tmp_path / ("long " * 45))
    with serving(None, settings) as served:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(served.address)
        failed = page.locator("p.fn-failed")
        failed.wait_for()
        said, tab = failed.bounding_box(), page.get_by_role("tab", name="Chat").bounding_box()
        assert said
        assert tab
        assert tab["y"] + tab["height"] <= said["y"]
        assert failed.evaluate("one => one.scrollHeight <= one.clientHeight")
        assert (0, width) == (said["x"], said["width"])
        page.close()
