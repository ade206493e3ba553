"""A key is sent to its provider, and stands nowhere else: canary keys, with every library telling all it does."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from rag.chat import ChatLimits, complete, load_chat_model
from rag.citations import lexical_support
from rag.cli import doctor
from rag.cli.session import Doors
from rag.errors import ChatError
from rag.evaluation import run_evaluation
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.settings import Settings
from tests import llm_server as server
from tests.cli_fakes import run
from tests.fakes import OverlapReader, open_rag
from tests.llm_server import MODEL, llm_server, saying

PROTOCOLS = ("openai", "anthropic", "ollama")
CANARIES = {
    f"{name}_API_KEY": f"sk-canary-{name.lower()}-0123456789"
    for name in ("OPENAI", "ANTHROPIC", "OLLAMA")
}
QUESTION = "When did the harbour bridge open?"
ANSWER = "The harbour bridge opened in 1932. [1]"
LIMITS = ChatLimits(first=5, idle=5, total=5, backoff=0.01)


def echoing(wire):
    """Refuse the key, and say it, as some servers do."""
    said = {"message": f"Incorrect API key provided: {list(CANARIES.values())}", "type": "auth"}
    body = {"error": said["message"] if wire.protocol == "ollama" else said}
    wire.whole("401 Unauthorized", "application/json", json.dumps(body).encode())


def page(wire):
    """A proxy's page that shows the request's headers."""
    wire.whole("200 OK", "text/html", f"<html>{wire.asked.head}</html>".encode())


ACTS = {
    "answered": saying(ANSWER),
    "401": echoing,
    "500": lambda wire: wire.error("500 Internal Server Error"),
    "a page": page,
    "broken event": server.broken_event,
    "reset": server.reset,
    "cut off": server.no_finish,
}


@pytest.fixture(autouse=True)
def _told(monkeypatch, tmp_path, caplog):
    """Canary keys in the environment, every logger at its most talkative, and nothing of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name, key in CANARIES.items():
        monkeypatch.setenv(name, key)
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.fixture
def nothing_told(caplog, capfd, tmp_path):
    """What is said and written so far holds no canary; what the test adds is looked at too."""

    def check(*said: object) -> None:
        out, err = capfd.readouterr()
        logged = [f"{record.getMessage()} {record.args}" for record in caplog.records]
        assert logged, "the libraries said nothing, so that this proves nothing"
        errors = [str(record.exc_info) for record in caplog.records]
        files = [
            path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()
        ]
        for text in (
            out,
            err,
            *logged,
            *errors,
            caplog.text,
            *files,
            *map(str, said),
            *map(repr, said),
        ):
            assert "canary" not in text.lower()

    return check


@pytest.fixture
def seeds(tmp_path):
    """A document."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "bridge.txt").write_text("The harbour bridge opened in 1932.\n", encoding="utf-8")
    return folder


def opened(seeds, protocol, url):
    """The whole pipeline over a provider's real client."""
    extractive = ExtractiveAnswerer(OverlapReader())
    chat = ChatAnswerer(
        load_chat_model(MODEL[protocol], base_url=url, limits=LIMITS),
        support=lexical_support,
        fallback=extractive,
        context=8192,
        count_tokens=lambda text: len(text.split()),
    )
    rag = open_rag(seeds, answerers=[chat, extractive], llm=MODEL[protocol], llm_base_url=url)
    rag.sync()
    return rag


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_key_is_sent(protocol):
    """The canary does fly: without that, its absence elsewhere would prove nothing."""
    with llm_server(protocol, ACTS["answered"]) as good:
        complete(
            load_chat_model(MODEL[protocol], base_url=good.url), [{"role": "user", "content": "x"}]
        )

    assert CANARIES[f"{protocol.upper()}_API_KEY"] in good.asked[0].head


@pytest.mark.parametrize("key", ["", "sk-other"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_key_of_the_environment_is_not_sent_where_another_or_none_is_given(protocol, key):
    """Not even by a library that looks there by itself."""
    with llm_server(protocol, ACTS["answered"]) as other:
        model = load_chat_model(MODEL[protocol], base_url=other.url, key=key)
        complete(model, [{"role": "user", "content": "x"}])
        assert 0 <= model.window  # asks the server for it

    heads = [one.head for one in other.asked]
    assert [] == [head for head in heads if "canary" in head]
    assert key in heads[0]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_key_is_told_whatever_happens(protocol, act, seeds, nothing_told):
    """Answers, errors, logs, output and the index, of questions that go well and that do not."""
    with llm_server(protocol, ACTS[act]) as told, opened(seeds, protocol, told.url) as rag:
        answer = rag.ask(QUESTION)
        outcome = run(
            "ask", QUESTION, "--json", doors=Doors(open_rag=lambda *_, **__: nullcontext(rag))
        )

        assert (MODEL[protocol] == answer.model) == (act == "answered")
        nothing_told(answer, answer.to_dict(), outcome, rag, vars(rag), rag.settings)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_error_holds_a_key(protocol, nothing_told):
    """Neither an error of ours nor what it was made of, as far as a traceback shows it; nor a model's repr."""
    with llm_server(protocol, echoing) as firm:
        model = load_chat_model(MODEL[protocol], base_url=firm.url)
        with pytest.raises(ChatError) as caught:
            complete(model, [{"role": "user", "content": "x"}])

    nothing_told(caught.value, str(caught.getrepr(style="short")), model, vars(model))


@pytest.mark.parametrize("act", ["answered", "401", "a page"])
def test_the_doctor_tells_no_key(act, nothing_told):
    """What it finds of each provider is told without the key that it tried."""
    findings = []
    for protocol in PROTOCOLS:
        with llm_server(protocol, ACTS[act]) as told:
            settings = Settings(llm=MODEL[protocol], llm_base_url=told.url)
            examine = partial(doctor.examine, checks={"Model": doctor.check_model})
            outcome = run(
                "doctor", doors=Doors(examine=lambda _, e=examine, s=settings, **o: e(s, **o))
            )
            findings.append(outcome)

    assert [0 if act == "answered" else 1] * 3 == [one.code for one in findings]
    nothing_told(*findings)


@pytest.mark.parametrize("act", ["answered", "401"])
def test_no_run_of_an_evaluation_holds_a_key(act, seeds, tmp_path, nothing_told):
    """Its manifest, answers and reports stand in the folder that is looked through."""
    question = {"query_id": "1", "question": QUESTION, "answerable": True, "answers": ["1932"]}
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps(question), encoding="utf-8")
    with llm_server("openai", ACTS[act]) as told, opened(seeds, "openai", told.url) as rag:
        doors = Doors(open_rag=lambda *_, **__: nullcontext(rag), evaluate=run_evaluation)
        outcome = run(
            "eval", "--dataset", str(questions), "--split", "all", "--out", "run", doors=doors
        )

        assert (0, "") == (outcome.code, outcome.err)
        assert Path("run/manifest.json").is_file()
        nothing_told(outcome)
