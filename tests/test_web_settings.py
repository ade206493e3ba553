"""The form in which a chat model is connected: for whoever runs the server, and no key comes back from it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag import keys
from rag.keys import Keyring
from rag.settings import Settings
from rag.web.connecting import Connecting
from rag.web.opening import Opening
from tests.llm_server import LlmServer, llm_server, saying
from tests.test_chat_trial import answering, models
from tests.web_fakes import ScriptedRag, make_app

KEY = "sk-typed-canary-1"
LISTED = {"/v1/models": models("qwen3", "llama3")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and keys of this machine are out of the way, and there is no keyring."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(keys, "system_keyring", lambda: Keyring(None, "there is none"))


@pytest.fixture
def server() -> Iterator[LlmServer]:
    """A server of OpenAI's protocol with two models, which replies."""
    with llm_server("openai", answering(LISTED, saying("ready"))) as served:
        yield served


def request(host: str = "127.0.0.1", **headers: str) -> Any:
    """Return a request as Gradio hands it on."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=named)


@pytest.fixture
def form() -> Iterator[Any]:
    """What the form's events do, beside a server that answers by script."""
    from rag.web.model_form import Filling

    opening = Opening(lambda _: ScriptedRag())
    does = Connecting(
        opening,
        Settings(),
        without=lambda _: ScriptedRag(),
        environ=os.environ,
        keyring=lambda: Keyring(None, "there is none"),
    )
    filling = Filling(does)
    filling.opening = opening  # type: ignore[attr-defined]
    yield filling
    opening.close()


def last(updates: Any) -> Any:
    """Return the last of what an event yields."""

    async def all_of_it() -> list[Any]:
        return [update async for update in updates]

    return asyncio.run(all_of_it())[-1]


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "is_from_here"),
    [
        (request(), True),
        (request("::1"), True),
        (request("192.168.1.7"), False),
        (request("testclient"), False),
        (request(x_forwarded_for="10.0.0.1"), False),
        (request(Forwarded="for=10.0.0.1"), False),
        (request(via="1.1 proxy"), False),
        (SimpleNamespace(client=None, headers={}), False),
        (None, False),
    ],
)
def test_only_a_request_of_this_machine_is_from_here(asked: Any, is_from_here: bool):
    """What came by way of another, a proxy among them, is anybody's."""
    from rag.web import model_form

    assert is_from_here == model_form.is_from_here(asked)


def test_whoever_comes_by_way_of_a_proxy_connects_nothing(
    form: Any, server: LlmServer, monkeypatch: pytest.MonkeyPatch
):
    """No address is asked, nothing is used, and nothing is said of keys and models."""
    far = request(x_forwarded_for="10.0.0.1")
    filled = ("openai", server.url, "qwen3", KEY, far)
    told = [
        last(form.offer_models(*filled))[1],
        last(form.test(*filled)),
        last(form.use(*filled))[1],
    ]
    assert [] == [one for one in told if "nobody knows whether you run the server" not in one]
    assert ([], []) == (server.asked, form.opening.wait().used)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    key = asyncio.run(form.tell_key("openai", "", far))
    assert "environment" not in key["info"]


@pytest.mark.parametrize("password", ["", "correct horse battery"])
def test_a_server_that_others_reach_has_no_form(password: str):
    """With a password, by which others come, there is nothing to call; the page says where it is done."""
    app = make_app(lambda _: ScriptedRag(), Settings(password=password))
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        page = client.get("/config", auth=("", password) if password else None).json()
    ids = {part["props"].get("elem_id") for part in page["components"]}
    texts = " ".join(str(part["props"].get("value")) for part in page["components"])
    assert (not password) == ("fn-connect-key" in ids)
    assert bool(password) == ("open to others" in texts)
    assert (not password) == ("Connect a language model" in texts)


def test_no_key_and_no_address_stands_in_what_every_page_is_sent(
    server: LlmServer, monkeypatch: pytest.MonkeyPatch
):
    """`/config` is the same before and after a model was connected."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment-canary-2")
    settings = Settings(llm="openai:qwen3", llm_base_url=server.url)
    app = make_app(lambda _: ScriptedRag(), settings)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        page = client.get("/config").text
        endpoints = client.get("/gradio_api/info").json()["named_endpoints"]
    assert "canary" not in page
    assert server.url not in page
    assert ["/ask"] == list(endpoints)


# --- what it does --------------------------------------------------------------------------------


def test_the_form_lists_tests_and_uses(form: Any, server: LlmServer):
    """The key is taken out of the page once it is used, and is in nothing that the page is told."""
    filled = ("openai", server.url, "", KEY, request())
    choices, said = last(form.offer_models(*filled))
    assert ["qwen3", "llama3"] == choices["choices"]
    assert "2 models" in said
    filled = ("openai", server.url, "qwen3", KEY, request())
    trial = last(form.test(*filled))
    assert "replied in" in trial
    key, told, used = last(form.use(*filled))
    assert ("", "openai:qwen3") == (key["value"], used)
    assert "until this server stops" in told
    assert "<code>llm = " in told
    assert KEY not in json.dumps([choices, said, trial, key, told, used])
    assert ["openai:qwen3"] == [model.name for model in form.opening.wait().used]


def test_what_fails_leaves_the_key_where_it_is(form: Any, server: LlmServer):
    """So that the rest can be mended."""
    server.close()
    key, told, used = last(form.use("openai", server.url, "qwen3", KEY, request()))
    assert ("update", "update") == (key["__type__"], used["__type__"])
    assert "value" not in key
    assert "fn-bad" in told
    assert "Start the server" in told or "start the server" in told


def test_the_only_model_of_a_server_is_chosen(form: Any):
    """There is nothing to choose."""
    with llm_server("openai", answering({"/v1/models": models("m")}, saying("x"))) as served:
        choices, _ = last(form.offer_models("openai", served.url, "", "", request()))
    assert "m" == choices["value"]


@pytest.mark.parametrize(
    ("provider", "asks"),
    [
        ("openai", (True, True, "Model")),
        ("anthropic", (False, True, "Model")),
        ("ollama", (True, False, "Model")),
        ("huggingface", (False, False, "Folder")),
    ],
)
def test_another_provider_wants_other_things(
    form: Any, provider: str, asks: tuple[bool, bool, str]
):
    """And what was typed for the one before is gone: a key goes to nobody else."""
    address, key, model, said = asyncio.run(form.provide(provider, request()))
    assert asks == (address["visible"], key["visible"], model["label"])
    assert ("", "", None, "") == (address["value"], key["value"], model["value"], said)


def test_what_answers_now_is_filled_in(server: LlmServer):
    """With where it is asked, and no key."""
    from rag.web.model_form import Filling

    def filled(settings: Settings) -> Any:
        opening = Opening(lambda _: ScriptedRag())
        does = Connecting(
            opening,
            settings,
            without=lambda _: ScriptedRag(),
            environ={},
            keyring=keys.system_keyring,
        )
        return asyncio.run(Filling(does).fill(request()))

    provider, address, key, model, _ = filled(Settings(llm=f"openai:qwen3@{server.url}"))
    assert ("openai", server.url) == (provider["value"], address["value"])
    assert ("", "qwen3") == (key["value"], model["value"])
    provider, address, *_ = filled(Settings())
    assert ("value" in provider, "") == (False, address["value"])
    assert "value" not in filled(Settings(llm="mistralai:m"))[0], "which cannot be chosen here"


def test_what_a_server_says_is_text(form: Any):
    """No tag of it lives."""
    evil = "<img src=x onerror=alert(1)>"

    def act(wire: Any) -> None:
        body = {"error": {"message": evil}}
        wire.whole("400 Bad Request", "application/json", json.dumps(body).encode())

    with llm_server("openai", act) as served:
        told = last(form.test("openai", served.url, "m", "", request()))
    assert "<img" not in told
    assert "&lt;img" in told


def test_who_is_connected_is_chosen_on_the_page(form: Any, server: LlmServer):
    """Above the chat as in the settings, with what can be chosen of a chat model."""
    from rag.web.settings_tab import Choosing

    *_, used = last(form.use("openai", server.url, "qwen3", "", request()))
    above, radio, alone, verify, depth = Choosing(Settings(), form.opening).who_now(used)
    assert ["openai:qwen3"] * 2 == [above.value, radio.value]
    assert (False, True, True, True) == (
        alone.visible,
        above.visible,
        verify.visible,
        depth.visible,
    )
