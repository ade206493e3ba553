"""What is wrong with a model's set-up is said by what its server has and says."""

from __future__ import annotations

import json
import re

import pytest

from rag.chat import ChatLimits, ChatServer, listed_models, load_chat_model, tried, unlisted
from tests.llm_server import MODEL, llm_server, saying

LIMITS = ChatLimits(connect=1.0, first=5.0, idle=2.0, total=10.0, backoff=0.01)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """As a person would have set it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")


def answering(pages, otherwise):
    """Answer the paths that are given with JSON, and others so."""

    def act(wire):
        path = wire.asked.head.split(" ", 2)[1]
        if path in pages:
            wire.whole("200 OK", "application/json", json.dumps(pages[path]).encode())
        else:
            otherwise(wire)

    return act


def refusing(status, said):
    """Refuse in the provider's form."""

    def act(wire):
        error = said if wire.protocol == "ollama" else {"message": said}
        wire.whole(status, "application/json", json.dumps({"error": error}).encode())

    return act


def trial_at(protocol, url, name=None):
    """Try the real client of a provider."""
    return tried(load_chat_model(name or MODEL[protocol], base_url=url, limits=LIMITS))


def models(*names, **more):
    """A list of models as OpenAI's protocol has it."""
    return {"data": [{"id": name, **more} for name in names]}


def test_a_model_that_replies_is_well():
    """Nothing need be done."""
    with llm_server("openai", saying("ready")) as server:
        trial = trial_at("openai", server.url)

    assert ("ok", "") == (trial.state, trial.remedy)


def test_a_server_that_has_other_models_lists_them():
    """Those first that are spelt nearly so."""
    pages = {"/v1/models": models("a", "b", "c", "d", "e", "f", "g", "h", "qwen3-8b")}
    missing = refusing("404 Not Found", "The model `qwen3` does not exist.")
    with llm_server("openai", answering(pages, missing)) as server:
        trial = trial_at("openai", server.url, "openai:qwen3")

    assert "fail" == trial.state
    assert trial.message.endswith("Its server said: “The model `qwen3` does not exist.”.")
    listed = "The server has qwen3-8b, a, b, c, d, e, f, g and 1 more."
    assert f"{listed} Name one of them (RAG_LLM=openai:NAME)." == trial.remedy


@pytest.mark.parametrize("status", ["404 Not Found", "200 OK"])
def test_a_url_without_v1_is_told(status):
    """Also where the server answers anything with a page, as some do."""
    act = answering({"/v1/models": models("m")}, refusing(status, "Unexpected endpoint"))
    with llm_server("openai", act) as server:
        url = server.url.removesuffix("/v1")
        trial = trial_at("openai", url)

    assert f"The URL lacks /v1: write {url}/v1" == trial.remedy


@pytest.mark.parametrize("told", [{"max_model_len": 4096}, {}])
def test_a_prompt_that_is_too_long_says_what_fits(told):
    """As far as the server tells."""
    said = "This model's maximum context length is 4096 tokens."
    act = answering({"/v1/models": models("m", **told)}, refusing("400 Bad Request", said))
    with llm_server("openai", act) as server:
        trial = trial_at("openai", server.url)

    assert said in trial.message
    wanted = "RAG_LLM_TOKENS=4096" if told else "Lower RAG_LLM_TOKENS"
    assert wanted in trial.remedy


@pytest.mark.parametrize(
    ("protocol", "advice"),
    [("openai", "Nothing answers at URL: start the server"), ("ollama", "Start it: ollama serve")],
)
def test_a_server_that_is_not_there_is_to_be_started(protocol, advice):
    """At the address that was tried."""
    with llm_server(protocol, saying("ready")) as server:
        server.close()
        trial = trial_at(protocol, server.url)

    assert advice in re.sub(r"http://[\w.:/]+?(?=[:.] )", "URL", trial.remedy)
    assert server.url in trial.remedy


def test_a_model_that_ollama_does_not_have_is_to_be_pulled():
    """And what it has is listed."""
    pages = {"/api/tags": {"models": [{"name": "llama3.2:latest"}]}}
    missing = refusing("404 Not Found", "model 'm' not found, try pulling it first")
    with llm_server("ollama", answering(pages, missing)) as server:
        trial = trial_at("ollama", server.url)

    assert "try pulling it first" in trial.message
    assert trial.remedy.startswith("Fetch the model: ollama pull m\n")
    assert trial.remedy.endswith("The server has llama3.2:latest.")


def test_ollamas_own_url_has_no_v1():
    """Which is that of its other protocol."""
    missing = refusing("404 Not Found", "404 page not found")
    with llm_server("ollama", answering({}, missing)) as server:
        trial = trial_at("ollama", f"{server.url}/v1")

    assert f"Ollama's own URL has no /v1: write {server.url}" == trial.remedy


def test_what_a_server_says_cannot_be_told_without_end():
    """Nor in several lines, nor with what moves a terminal."""
    with llm_server("openai", refusing("400 Bad Request", "a\nb\x1b[2J" + "x" * 9999)) as server:
        trial = trial_at("openai", server.url)

    said = trial.message.partition("Its server said: “")[2]
    assert said.startswith("a b�[2Jx")
    assert len(said) < 310


ROWS = {
    "openai": ("/v1/models", models("b", "a"), "authorization: bearer sk-one"),
    "anthropic": ("/v1/models?limit=1000", models("b", "a"), "x-api-key: sk-one"),
    "ollama": ("/api/tags", {"models": [{"name": "b"}, {"name": "a"}]}, ""),
}


def at(protocol, url, key="sk-one"):
    """Return a server without a model."""
    return ChatServer(provider=protocol, model="", base_url=url, key=key)


@pytest.mark.parametrize("protocol", ROWS)
def test_a_server_lists_its_models(protocol):
    """In its own order, asked with the key as its protocol has it."""
    path, page, head = ROWS[protocol]
    act = answering({path: page}, refusing("404 Not Found", "no"))
    with llm_server(protocol, act) as server:
        assert ("b", "a") == listed_models(at(protocol, server.url))
    assert head in server.asked[0].head.lower()


@pytest.mark.parametrize(
    ("protocol", "status", "said"),
    [
        ("openai", "401 Unauthorized", "refuses the key (status 401). Check it"),
        ("anthropic", "403 Forbidden", "refuses the key (status 403). Check it"),
        ("openai", "404 Not Found", "lists no models. Write the model's name"),
        ("openai", "200 OK", "lists no models. Write the model's name"),
        ("ollama", "", "Start it: ollama serve"),
        ("openai", "", "Start the server, or mend the address."),
    ],
)
def test_why_there_is_no_list_is_told(protocol, status, said):
    """By what the server says, or that there is none."""
    with llm_server(protocol, refusing(status, "sk-one is wrong")) as server:
        if not status:
            server.close()
        where = at(protocol, server.url)
        assert (None, True) == (listed_models(where), said in unlisted(where))
    assert "sk-one" not in unlisted(where)


def test_a_list_below_the_url_says_that_v1_is_missing():
    """And that Ollama's own has none."""
    act = answering({"/v1/models": models("m")}, refusing("404 Not Found", "no"))
    with llm_server("openai", act) as server:
        url = server.url.removesuffix("/v1")
        assert f"The URL lacks /v1: write {url}/v1" == unlisted(at("openai", url))
        assert "has no /v1: write" in unlisted(at("ollama", f"{url}/v1"))


def test_a_model_that_anthropic_does_not_have_is_named_beside_those_it_has(monkeypatch):
    """As its server lists them."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    pages = {"/v1/models?limit=1000": models("claude-a")}
    missing = refusing("404 Not Found", "model: m")
    with llm_server("anthropic", answering(pages, missing)) as server:
        trial = trial_at("anthropic", server.url)

    assert "The server has claude-a. Name one of them (RAG_LLM=anthropic:NAME)." == trial.remedy
