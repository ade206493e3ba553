"""Hostile documents, a model that copies what stands in them, and a browser that would act on it.

Two lines of defence are tried apart: with the pipeline's own checks, and as if they had let everything through.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag import Rag, Settings
from rag.citations import lexical_support
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.reader import load_reader
from rag.tokens import TokenCounter
from rag.web import render
from tests.browser.hostile import (
    Canary,
    Hostile,
    ObedientChat,
    Unchecked,
    canary,
    hostile,
)
from tests.browser.people import IN_CHROMIUM, Served, Visit, serving

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = [
    *IN_CHROMIUM,
    pytest.mark.model,
    pytest.mark.slow,  # the shipped encoder and reader are loaded, and dozens of questions asked
]
JUDGE = Path(__file__).with_name("foreign.js").read_text("utf-8")
STEP = 1 if os.environ.get("TRIES", "some") != "some" else 7
"""Every how many documents one is tried: all with TRIES=full; every seventh is of another format and name."""
N_TOGETHER = 10
"""Questions of a conversation."""


@dataclass
class Scene:
    """A server over the hostile documents, and what all of them point to."""

    served: Served
    canary: Canary
    documents: tuple[Hostile, ...]
    unchecked: Unchecked
    violations: int = 0
    struck: dict[str, list[str]] = field(default_factory=dict)
    """What each document achieved."""

    def note(self, kind: str, visit: Visit) -> None:
        """Write down what has happened since the last time."""
        judged = visit.page.evaluate("() => window.__judged()")
        found = judged["found"]
        for what in (visit.foreign, visit.refused, visit.dialogs, visit.errors):
            found += what
            what.clear()
        if self.canary.n:
            found.append(f"{self.canary.n} connections to the canary")
            self.canary.n = 0
        self.violations = max(self.violations, judged["violations"])
        if found:
            self.struck.setdefault(kind, []).extend(found)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """What all tests share that change none of its sources."""
    with staged(tmp_path_factory.mktemp("hostile")) as shared:
        yield shared


@pytest.fixture
def own_scene(tmp_path: Path) -> Iterator[Scene]:
    """The same for one test alone."""
    with staged(tmp_path) as own:
        yield own


@contextmanager
def staged(folder: Path) -> Iterator[Scene]:
    """Serve the real pipeline with the built-in encoder over real files, asked through two obedient models."""
    # The documents hold the canary's port, which is another each time: how surely they answer must not matter.
    settings = Settings(
        seeds_dir=folder / "seeds", index_dir=folder / "index", top_k=2, strictness=0
    )
    settings.seeds_dir.mkdir()
    extractive = ExtractiveAnswerer(load_reader("builtin"))
    chat = ChatAnswerer(
        ObedientChat(),
        support=lexical_support,
        fallback=extractive,
        context=2048,  # who writes down all that is shown writes no more than a few passages
        count_tokens=TokenCounter().count,
    )
    unchecked = Unchecked()
    with ExitStack() as running:
        bird = running.enter_context(canary())
        documents = hostile(bird)[::STEP]
        for one in documents:
            (settings.seeds_dir / one.name).write_bytes(one.data)
        (settings.seeds_dir / "<img src=x onerror=alert(1)>.pdf").write_bytes(b"no PDF at all")
        rag = Rag.open(settings, answerers=[chat, unchecked, extractive])
        served = running.enter_context(serving(rag, settings))
        yield Scene(served, bird, documents, unchecked)
        rag.close()


@pytest.fixture
def judged(scene: Scene, arrive: Callable[..., Visit]) -> Callable[..., Visit]:
    """Open pages of the shared scene that are looked at from their first moment; nothing has been achieved yet."""
    scene.struck.clear()
    scene.violations = 0
    return partial(arrive, scene.served.address, script=JUDGE)


def choose(visit: Visit, model: str) -> None:
    """Let another model answer."""
    visit.page.locator("#fn-model input").click()
    visit.page.get_by_role("option", name=model).click()
    visit.page.wait_for_function(
        "name => document.querySelector('#fn-model input').value === name", arg=model
    )


def seen(text: str) -> str:
    """Return what of a text has a form of its own on a page."""
    return "".join(one for one in text if one.isprintable() and one not in {" ", "\ufffd"})


def look_at_all(visit: Visit, message: Locator) -> None:
    """Open the quotes of an answer, point at them, and have it explained."""
    message.locator(".fn-ref").first.click()
    visit.page.locator("#fn-pane mark.fn-hit").first.wait_for()
    message.locator(".fn-ref").first.hover()
    visit.explain(message)


@pytest.mark.parametrize("model", [ObedientChat.name, Unchecked.name])
def test_no_hostile_document_achieves_anything(
    scene: Scene, judged: Callable[..., Visit], model: str
):
    """While the answer comes and after: no request, no foreign address, no dialog, nothing executed."""
    visit = judged()
    choose(visit, model)
    for number, one in enumerate(scene.documents, start=1):
        message = visit.answer(one.question)
        shown = message.text_content()
        assert one.place in shown
        if model == Unchecked.name:
            assert seen(scene.unchecked.said) in seen(shown)
        look_at_all(visit, message)
        scene.note(one.kind, visit)
        if number % N_TOGETHER == 0:
            visit.page.get_by_role("button", name="New", exact=True).click()
            visit.page.locator(".fn-welcome").wait_for()
    print(  # noqa: T201  (the figure)
        f"\n{model}: {len(scene.struck)} of {len(scene.documents)} hostile documents achieved"
        f" anything; {scene.violations} violations of the policy"
    )
    assert {} == scene.struck


def test_hostile_names_are_only_names(own_scene: Scene, arrive: Callable[..., Visit]):
    """In the list of sources, in what is said of each, in reasons, and where sources are chosen."""
    scene, visit = own_scene, arrive(own_scene.served.address, script=JUDGE)
    visit.to("Sources")
    visit.page.get_by_label("Filter").fill("alert(1)>.pdf")
    visit.page.locator(".fn-bad").filter(has_text="Not indexed.").wait_for()
    visit.page.locator(".fn-bad").click()
    visit.page.locator("#fn-one").filter(has_text="alert(1)>.pdf").wait_for()
    visit.add(*((f"new {one.name}", one.data + b" ") for one in scene.documents[:3]))
    visit.told("Added.")
    visit.page.locator("#fn-again").click()
    visit.page.wait_for_function("() => !document.querySelector('#fn-doing').textContent.trim()")
    for one in scene.documents[:10]:
        visit.page.get_by_label("Filter").fill(one.name[:3])
        visit.page.locator(".fn-entry").filter(has_text=one.name[:3]).first.click()
        visit.page.locator("#fn-one").filter(has_text=one.name[:3]).wait_for()
        visit.page.get_by_role("button", name="Remove…").click()
        visit.page.locator("#fn-sure").wait_for()
        scene.note(one.kind, visit)
    visit.page.get_by_role("button", name="Ask only this").click()
    visit.page.locator("#fn-scope .token").wait_for()
    visit.page.locator("#fn-scope input").click()
    visit.page.get_by_role("option").first.wait_for()
    scene.note("choice", visit)
    assert {} == scene.struck


def test_hostile_questions_and_what_is_saved_of_them(
    scene: Scene, judged: Callable[..., Visit], tmp_path: Path
):
    """A question is text too: in the conversation, in the list of those that are kept, and in a saved page."""
    visit = judged()
    choose(visit, Unchecked.name)
    for one in scene.documents[:6]:
        visit.answer(f"{one.payload} {one.question}")
        scene.note(one.kind, visit)
    visit.page.locator("details.fn-keeping summary").click()
    visit.page.get_by_role("button", name="Keep conversations in this browser").click()
    visit.page.locator("button.fn-talk").wait_for()
    scene.note("kept", visit)
    visit.page.reload()
    visit.page.locator(".fn-foot").first.wait_for()
    scene.note("brought back", visit)
    saving = visit.page.locator("details.fn-saving")
    saving.locator("summary").click()
    with visit.page.expect_download() as download:
        saving.get_by_role("button", name="HTML").click()
    saved = tmp_path / "saved.html"
    saved.write_bytes(Path(download.value.path()).read_bytes())
    visit.page.goto(saved.as_uri())
    visit.page.get_by_role("link", name="[1]").first.click()
    visit.foreign.clear()  # the file itself is not of the server
    scene.note("saved", visit)
    assert {} == scene.struck


def test_hostile_texts_in_an_evaluation_are_only_text(scene: Scene, judged: Callable[..., Visit]):
    """In the tab, and in the report as a page of its own."""
    visit = judged()
    lines = [
        {"question": f"{one.question} {one.payload}", "answers": [one.payload]}
        for one in scene.documents[:6]
    ]
    report = visit.evaluate("\n".join(map(json.dumps, lines)))
    report.wait_for()
    scene.note("report", visit)
    visit.page.goto(
        scene.served.address + report.get_by_role("link", name="HTML").get_attribute("href")
    )
    scene.note("report of its own", visit)
    assert {} == scene.struck


def test_what_a_document_achieves_is_seen(scene: Scene, judged: Callable[..., Visit]):
    """The judge of these tests is awake: as a page without any defence, most documents achieve something."""
    from playwright.sync_api import Error

    visit = judged()
    with canary() as bare:
        visit.server = f"http://{bare.host}"
        for one in scene.documents:
            bare.page = one.payload
            with suppress(Error):  # some leave at once
                visit.page.goto(visit.server)
                visit.drawn()
                scene.note(one.kind, visit)
        with suppress(Error):  # what it still does would be counted as the next one's
            visit.page.goto("about:blank")
    achieved = " ".join(one for found in scene.struck.values() for one in found)
    print(f"\nno defence: {len(scene.struck)} of {len(scene.documents)}")  # noqa: T201  (the figure)
    for what in ("executed", "connections to the canary", "src http", "href "):
        assert what in achieved
    scene.struck.clear()


def test_without_escaping_the_policy_still_holds(
    scene: Scene, judged: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch
):
    """With a defence taken out foreign addresses are on the page, which is seen; still nothing is sent or executed."""
    monkeypatch.setattr(render, "escape", str)
    visit = judged()
    choose(visit, Unchecked.name)
    visit.answer(scene.documents[0].question)
    scene.violations = 0
    while not scene.violations:  # the browser says what it has refused to load
        visit.drawn()
        scene.note("without escaping", visit)
    achieved = scene.struck.pop("without escaping")
    assert [f"src {scene.canary.address}" in one for one in achieved].count(True)
    assert "executed" not in achieved
    assert "connections" not in " ".join(achieved)
