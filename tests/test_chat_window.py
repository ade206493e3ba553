"""How much a model can take in is asked of its provider, and never an error."""

from __future__ import annotations

import json

import pytest

from rag.chat import load_chat_model, window_of
from rag.settings import Settings
from tests.fakes import ScriptedChat
from tests.llm_server import MODEL, llm_server


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """As a person would have set it."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")


def window_at(protocol, said, status="200 OK", context=0):
    """The window of a model whose server says this."""

    def act(wire):
        wire.whole(status, "application/json", json.dumps(said).encode())

    with llm_server(protocol, act) as server:
        model = load_chat_model(MODEL[protocol], base_url=server.url, context=context)
        return window_of(model), len(server.asked)


@pytest.mark.parametrize(
    "row",
    [
        {"max_model_len": 4096},  # vLLM
        {"meta": {"n_ctx": 4096}},  # llama.cpp
        {"context_length": 4096},  # routers
    ],
)
def test_a_server_of_openais_protocol_tells(row):
    """In its list of models, whatever it calls it; it is asked once."""
    name = MODEL["openai"].partition(":")[2]

    assert (4096, 1) == window_at("openai", {"data": [{"id": "other"}, {"id": name, **row}]})


def test_ollama_is_never_told_to_make_room_for_more_than_is_set():
    """A model's full length may take all of the memory."""
    told = {"model_info": {"llama.context_length": 131072}}

    assert 4096 == window_at("ollama", told, context=4096)[0]
    assert 8192 == window_at("ollama", told)[0]


@pytest.mark.parametrize("said", [{}, {"data": 7}, {"data": [{"id": "any"}]}, []])
def test_who_does_not_tell_is_no_fault(said):
    """Nor is a server that refuses, or a model that cannot be asked."""
    assert 0 == window_at("openai", said)[0]
    assert 0 == window_at("openai", said, status="401 Unauthorized")[0]
    assert 0 == window_of(ScriptedChat())


def test_what_is_set_counts_before_what_is_told():
    """`context` first, then `llm_tokens` where it is set; 0 leaves it to the provider."""
    assert [2048, 4096, 0] == [
        settings.window
        for settings in (
            Settings(context=2048, llm_tokens=4096),
            Settings(llm_tokens=4096),
            Settings(),
        )
    ]
