"""A chat model is connected in a real browser: its server's list, what is wrong, and who answers from then on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rag import keys
from rag.keys import Keyring
from tests.browser.people import IN_CHROMIUM, Served, Visit
from tests.keyring_fakes import Drawer
from tests.llm_server import llm_server, saying
from tests.test_chat_trial import answering, models
from tests.web_fakes import ScriptedRag

pytestmark = IN_CHROMIUM

KEY = "sk-typed-canary-1"
LISTED = {"/v1/models": models("qwen3", "llama3")}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_chat_model_is_connected(
    serve: Callable[..., Served],
    arrive: Callable[..., Visit],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    width: int,
    scheme: str,
):
    """From an address that lacks /v1 to answers of the model, also on a page opened later; the key goes one way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    drawer = Drawer()
    monkeypatch.setattr(keys, "system_keyring", lambda: Keyring(drawer))
    rag = ScriptedRag()
    with llm_server("openai", answering(LISTED, saying("ready"))) as server:
        served = serve(rag)
        person = arrive(served.address, width=width, scheme=scheme)
        page, heard = person.page, []
        page.on("response", lambda response: heard.append(response.text()) if ok(response) else 0)
        person.to("Settings")
        trial = page.locator("#fn-connect-said .fn-trial")
        page.fill("#fn-connect-address :is(input, textarea)", server.url.removesuffix("/v1"))
        page.fill("#fn-connect-key input", KEY)
        page.get_by_role("button", name="List its models").click()
        trial.filter(has_text=f"The URL lacks /v1: write {server.url}").wait_for()

        page.fill("#fn-connect-address :is(input, textarea)", server.url)
        page.get_by_role("button", name="List its models").click()
        trial.filter(has_text="The server has 2 models.").wait_for()
        page.locator("#fn-connect-model input").click()
        page.get_by_role("option", name="qwen3").click()
        page.get_by_role("button", name="Test", exact=True).click()
        trial.filter(has_text="openai:qwen3 replied in").wait_for()

        page.get_by_role("button", name="Use it").click()
        trial.filter(has_text="openai:qwen3 answers from now on, also after a restart").wait_for()
        page.wait_for_function(
            "() => document.querySelector('.fn-trial').getBoundingClientRect().top < innerHeight"
        )
        page.locator("#fn-set-model label.selected").filter(has_text="openai:qwen3").wait_for()
        page.locator("#fn-set-depth").get_by_text("Thorough", exact=True).click()
        assert "" == page.input_value("#fn-connect-key input")
        over = "() => document.documentElement.scrollWidth > innerWidth"
        assert not page.evaluate(over)
        person.to("Chat")
        person.answer()
        assert ("openai:qwen3", ("openai:qwen3", None), (None, "thorough")) == (
            rag.models[0],
            rag.chosen[-1],
            rag.looks[-1],
        )
        later = arrive(served.address, width=width, scheme=scheme)
        later.to("Settings")
        address = "#fn-connect-address :is(input, textarea)"
        later.page.wait_for_function(
            "([at, url]) => document.querySelector(at)?.value === url", arg=[address, server.url]
        )
        assert "" == later.page.input_value("#fn-connect-key input")
        assert [KEY] == list(drawer.kept.values())
        assert KEY not in page.content() + later.page.content() + "".join(heard)


def ok(response: object) -> bool:
    """Tell whether a response has a text that has come whole."""
    return "/queue/data" not in response.url and response.status == 200  # type: ignore[attr-defined]
