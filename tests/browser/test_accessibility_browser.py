"""Nothing keeps people out of the page: axe finds no serious fault in any state, at any width, light or dark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib.resources import files
from typing import Any

import pytest

from rag.settings import Settings
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving
from tests.web_fakes import ScriptedRag

pytestmark = IN_CHROMIUM
FULL = os.environ.get("TRIES", "some") != "some"
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
SERIOUS = ("serious", "critical")
LOOKS: Mapping[str, dict[str, Any]] = {
    "desk": {},
    "desk, dark": {"scheme": "dark"},
    "phone": {"width": 390, "height": 844},
    "small phone, dark": {"width": 320, "height": 568, "scheme": "dark"},
    "twice as large": {"width": 640, "height": 400},  # what is left of 1280 by 800
}
MODELS = ("extractive:fake", "openai:gpt-5", "ollama:llama3.2")
QUESTIONS = "question,answers\nWhen was the harbour built?,1871\nHow far is the moon?,\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here, with several models to choose among."""
    folder = tmp_path_factory.mktemp("accessible")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index", urls=True)
    settings.seeds_dir.mkdir()
    with serving(
        ScriptedRag(models=MODELS), settings, examples=("When was the harbour built?",)
    ) as served:
        yield served
        served.rag.go_on.set()


@pytest.fixture
def visit(live: Served, arrive: Callable[..., Visit]) -> Callable[..., Visit]:
    """Open pages of the one server."""
    return partial(arrive, live.address)


def answered(person: Visit) -> None:
    """Sentences of each verdict, and the words that one rests on."""
    marker = person.answer().locator(".fn-ref").first
    person.still()  # the conversation glides to its end
    marker.click()
    person.page.locator("mark.fn-hit").first.wait_for()


def pointed_at(person: Visit) -> None:
    """What a verdict means, what was done about citations, and a judgement."""
    message = person.answer("Is it mended?")
    given = message.locator(".fn-given")
    person.click_for(message.get_by_role("button", name="Wrong citation"), given.is_visible)
    message.locator(".fn-steps summary").click()
    message.locator(".fn-flag").nth(1).focus()
    message.locator(".fn-ref").first.hover()


def unanswered(person: Visit) -> None:
    """Nothing answers, and what comes closest."""
    near = person.answer("How far is the moon?").locator(".fn-near")
    person.click_for(near, person.page.locator("#fn-pane mark").first.is_visible)


def failed(person: Visit) -> None:
    """The model did not answer."""
    person.ask("fail")
    person.page.locator(".fn-trouble").wait_for()


def edited(person: Visit) -> None:
    """A question that is about to be replaced."""
    person.answer()
    person.page.get_by_role("button", name="Edit").last.click()
    person.page.locator(".fn-editing").wait_for()


def explained(person: Visit) -> None:
    """How an answer came about."""
    person.explain(person.answer())


def found(person: Visit) -> None:
    """Words that are looked for in the document."""
    answered(person)
    person.page.get_by_label("Find in this document").fill("boats")
    person.page.locator("mark.fn-here").wait_for()


def menus(kind: str) -> Callable[[Visit], None]:
    """Return what opens a menu."""

    def opened(person: Visit) -> None:
        person.answer()
        person.page.evaluate("localStorage.clear()")
        menu = person.page.locator(f"details.{kind}")
        menu.locator("summary").click()
        if kind == "fn-keeping":
            menu.get_by_role("button", name="Keep conversations in this browser").click()
            menu.locator(".fn-talk").wait_for()

    return opened


def chosen(person: Visit) -> None:
    """The list of models, or where there is no room for it the list of sources."""
    person.page.locator(":is(#fn-model, #fn-scope) input >> visible=true").first.click()
    person.page.get_by_role("option").first.wait_for()


def sources(person: Visit) -> None:
    """Files, one of them open and about to be removed, and what became of others."""
    person.to("Sources")
    person.add(("movie.mp4", b"x"), ("scan.pdf", b"scanned"), ("notes.txt", b"words"))
    person.told("notes.txt Added.")
    person.open("notes")
    remove = person.page.get_by_role("button", name="Remove…")
    person.click_for(remove, person.page.locator("#fn-sure").is_visible)


def added(person: Visit) -> None:
    """Text and addresses are about to be added."""
    person.to("Sources")
    person.page.get_by_role("button", name="Paste text").click()
    person.page.get_by_role("button", name="Add a web address").click()
    person.page.get_by_label("Address").wait_for()


def evaluated(person: Visit) -> None:
    """A report."""
    person.evaluate(QUESTIONS).wait_for()


def settings(person: Visit) -> None:
    """The settings."""
    person.to("Settings")
    person.page.locator("#fn-set-look").wait_for()


STATES: Mapping[str, Callable[[Visit], None]] = {
    "first page": lambda _: None,
    "answered": answered,
    "pointed at": pointed_at,
    "unanswered": unanswered,
    "failed": failed,
    "edited": edited,
    "explained": explained,
    "found": found,
    "conversations": menus("fn-keeping"),
    "help": menus("fn-helping"),
    "save": menus("fn-saving"),
    "choice": chosen,
    "sources": sources,
    "adding": added,
    "evaluation": evaluated,
    "settings": settings,
}

AT_REST = """() => new Promise(done => {
    const moves = one => one.playState === "running" && one.effect.getTiming().iterations !== Infinity;
    let calm = 0;
    const look = () => {
        calm = document.getAnimations().some(moves) ? 0 : calm + 1;
        calm < 5 ? requestAnimationFrame(look) : done();
    };
    look();
})"""
"""Waits until nothing has moved for some frames: what fades in is pale until it is there, and begins a frame late."""


def judged(person: Visit) -> list[str]:
    """Return what axe finds, its impact first."""
    person.page.evaluate(AT_REST)
    # Through the debugger: the page's own policy lets no script in.
    person.page.evaluate(AXE)
    found: dict[str, Any] = person.page.evaluate("() => axe.run({ resultTypes: ['violations'] })")
    return [
        f"{one['impact']} {one['id']}: {' '.join(map(str, node['target']))}, {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def afresh(person: Visit) -> None:
    """Go back to the page as it was at first."""
    from playwright.sync_api import TimeoutError as TooLate

    person.page.keyboard.press("Escape")
    person.to("Chat")
    for way in ("#fn-pane .fn-close", ".fn-editing .fn-do", "#fn-new"):
        button = person.page.locator(way)
        if button.is_visible():
            with suppress(TooLate):  # what is closing already cannot be clicked any more
                button.click(timeout=5_000)
    person.page.locator(".fn-welcome").wait_for()


@pytest.mark.slow  # axe looks at sixteen states of the page
@pytest.mark.parametrize("look", LOOKS if FULL else ["desk", "small phone, dark"])
def test_axe_finds_no_serious_fault(visit: Callable[..., Visit], look: str):
    """In no state: light and dark, from a small phone to a desk, and at twice the size."""
    person = visit(**LOOKS[look])
    faults: dict[str, list[str]] = {}
    for state, reach in STATES.items():
        afresh(person)
        reach(person)
        faults[state] = judged(person)
    slight = [one for found in faults.values() for one in found if not one.startswith(SERIOUS)]
    print(f"\n{look}: slight faults in {len(STATES)} states:", *set(slight), sep="\n")  # noqa: T201
    assert {} == {
        state: bad
        for state, found in faults.items()
        if (bad := [one for one in found if one.startswith(SERIOUS)])
    }


def test_what_axe_finds_is_seen(visit: Callable[..., Visit]):
    """The judge is awake: a field without a name and pale words are found."""
    person = visit()
    person.page.evaluate(
        """() => document.querySelector('.fn-welcome').insertAdjacentHTML(
            'beforeend', '<input type="text"><p style="color: #ddd; background: #fff">pale</p>')"""
    )
    found = [one.partition(":")[0] for one in judged(person)]
    assert {"critical label", "serious color-contrast"} <= set(found)
