"""Every fault of a model server, over every provider's real client, through every door: Python, terminal, web.

Whatever the server does, a person gets the sources' own words, told why, within the deadline, and the next
question works.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from rag.chat import ChatLimits, complete, load_chat_model
from rag.citations import lexical_support
from rag.cli.session import Doors
from rag.errors import (
    ChatConnectionError,
    ChatError,
    ChatOutputError,
    ChatRefusedError,
    ChatSetupError,
    ChatTimeoutError,
)
from rag.pipeline.build import load_answerers
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.settings import Settings
from rag.tokens import TokenCounter
from tests import llm_server as server
from tests.cli_fakes import run
from tests.fakes import OverlapReader, open_rag
from tests.llm_server import MODEL, llm_server, saying

PROTOCOLS = ("openai", "anthropic", "ollama")
LIMITS = ChatLimits(connect=0.5, first=0.7, idle=0.4, total=1.2, backoff=0.02, max_bytes=64 * 1024)
SPARE = 10.0
"""Seconds that a busy machine may take for what takes none."""
ASKED = [{"role": "user", "content": "When did the harbour bridge open?"}]
QUESTION = ASKED[0]["content"]
GOOD = saying("The harbour bridge opened in 1932. [1]")

# What the server does, and which error of ours that is.
FAULTS = {
    "refused": (None, ChatConnectionError),
    "TLS garbage": (server.tls_garbage, ChatConnectionError),
    "401": (lambda wire: wire.error("401 Unauthorized"), ChatRefusedError),
    "404 model": (lambda wire: wire.error("404 Not Found"), ChatSetupError),
    "429 with Retry-After": (
        lambda wire: wire.error("429 Too Many Requests", "Retry-After: 0"),
        ChatRefusedError,
    ),
    "500": (lambda wire: wire.error("500 Internal Server Error"), ChatConnectionError),
    "HTML with 200": (server.html, ChatOutputError),
    "empty body": (server.empty, ChatOutputError),
    "broken JSON event": (server.broken_event, ChatOutputError),
    "reset mid-stream": (server.reset, ChatConnectionError),
    "no finish marker": (server.no_finish, ChatOutputError),
    "stall": (server.stall, ChatTimeoutError),
    "a token for ever": (server.drip, ChatTimeoutError),
    "100 MB": (server.endless, ChatOutputError),
    "error event": (server.error_event, ChatError),
}


pytestmark = pytest.mark.filterwarnings(
    # Seen once, on a busy machine: the library's generator of a stream that was given up cannot be
    # closed when it is collected. Why is not known.
    "ignore:Exception ignored in. <async_generator object AsyncResponseStream"
    ":pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """Every library at work once: loading them takes longer than any deadline here."""
    import_module("rag.web.pages")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OPENAI_API_KEY", "none")
        patched.setenv("ANTHROPIC_API_KEY", "none")
        for protocol in PROTOCOLS:
            with llm_server(protocol, GOOD) as good:
                complete(model_at(protocol, good.url, ChatLimits()), ASKED)


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """Keys as a person would have set them, and no proxy."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "sk-CANARY-777")
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """A document, indexed."""
    folder = tmp_path_factory.mktemp("faults") / "seeds"
    folder.mkdir()
    (folder / "bridge.txt").write_text("The harbour bridge opened in 1932.\n", encoding="utf-8")
    with open_rag(folder) as rag:
        rag.sync()
    return folder


@contextmanager
def failing(protocol, fault):
    """A server that fails so, and its URL; the one that refuses is closed."""
    act, _ = FAULTS[fault]
    with llm_server(protocol, act or GOOD) as failed:
        if act is None:
            failed.close()
        yield failed


def model_at(protocol, url, limits=LIMITS):
    """The real client of a protocol's provider, pointed at a server."""
    return load_chat_model(MODEL[protocol], base_url=url, limits=limits)


@contextmanager
def rag_over(seeds, model):
    """The whole pipeline, with that model and the extractive reader."""
    extractive = ExtractiveAnswerer(OverlapReader())
    chat = ChatAnswerer(
        model,
        support=lexical_support,
        fallback=extractive,
        context=8192,
        count_tokens=lambda text: len(text.split()),
    )
    with open_rag(seeds, answerers=[chat, extractive]) as rag:
        yield rag


def by_python(rag):
    """Ask from Python."""
    return rag.ask(QUESTION).to_dict()


def by_terminal(rag):
    """Ask on the command line."""
    doors = Doors(open_rag=lambda *_, **__: nullcontext(rag))
    outcome = run("ask", QUESTION, "--json", doors=doors)
    assert (0, "") == (outcome.code, outcome.err)
    return json.loads(outcome.out)


def by_web(rag):
    """Ask on the page, as its events do."""
    from rag.web.opening import Opening
    from rag.web.pages import Chat

    opening = Opening(lambda _: rag)
    opening.wait(60)
    page = Chat(opening, max_chars=200)

    async def follow():
        talk, *_ = page.accept(QUESTION, ())
        pictures = [talk async for talk, *_ in page.answer(talk)]
        return pictures[-1][-1]

    exchange = asyncio.run(follow())
    assert "" == exchange.trouble
    return exchange.answer.to_dict()


DOORS = {"python": by_python, "terminal": by_terminal, "web": by_web}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_an_error_of_ours(protocol, fault):
    """The adapter gives up in time with our own error, a sentence that holds no word of the library or server."""
    with failing(protocol, fault) as failed:
        model = model_at(protocol, failed.url)
        started = time.monotonic()
        with pytest.raises(FAULTS[fault][1]) as caught:
            complete(model, ASKED)
        assert time.monotonic() - started < LIMITS.total + SPARE
    told = caught.value
    assert str(told).endswith(".")
    while told is not None:
        assert "CANARY" not in str(told)
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)


@pytest.mark.slow(reason="135 failures, some of which last as long as they may")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_sources_own_words(seeds, protocol, fault, door):
    """The labelled extractive answer comes in time, nothing of the failed reply is in it, and the next works."""
    with failing(protocol, fault) as failed, rag_over(seeds, model_at(protocol, failed.url)) as rag:
        started = time.monotonic()
        answer = DOORS[door](rag)
        seconds = time.monotonic() - started
        assert "extractive:overlap/1" == answer["model"]
        assert "The harbour bridge opened in 1932. [1]" == answer["text"]
        [step] = [step for step in answer["steps"] if step["code"] == "fell_back"]
        assert MODEL[protocol] in step["detail"]
        assert "CANARY" not in str(answer)
        assert "Traceback" not in str(answer)
        assert seconds < LIMITS.total + SPARE

        failed.act = GOOD
        wanted = "extractive:overlap/1" if fault == "refused" else MODEL[protocol]
        # A busy machine may miss a deadline of half a second once.
        assert wanted in (DOORS[door](rag)["model"] for _ in range(3))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_whole_reply_is_the_answer(seeds, protocol):
    """Where nothing fails, the provider's reply is checked and given, with its tokens."""
    with llm_server(protocol, GOOD) as good, rag_over(seeds, model_at(protocol, good.url)) as rag:
        answer = rag.ask(QUESTION)

    assert MODEL[protocol] == answer.model
    assert ["supported"] == [one.verdict for one in answer.statements]
    assert not [step for step in answer.steps if step.code == "fell_back"]


@pytest.mark.parametrize("before", ["", "The harbour "])
def test_comments_of_a_stream_are_signs_of_life(before):
    """A server that says that it is at work is waited for, before the first word and between two, up to the whole."""

    def act(wire):
        wire.begin()
        if before:
            wire.say(before)
        for _ in range(12):
            wire.chunk(b": PROCESSING\n\n")
            time.sleep(0.1)
        wire.say("opened.")
        wire.finish()
        wire.end()

    limits = ChatLimits(connect=0.5, first=0.7, idle=0.6, total=20.0, backoff=0.02)
    with llm_server("openai", act) as slow:
        assert f"{before}opened." == complete(model_at("openai", slow.url, limits), ASKED).text
        shorter = replace(limits, total=0.8)
        with pytest.raises(ChatTimeoutError, match="longer than"):
            complete(model_at("openai", slow.url, shorter), ASKED)


def test_how_long_the_first_word_may_take_is_a_setting():
    """And a silent server is given up after it."""
    with llm_server("openai", server.silence) as silent:
        settings = Settings(llm="openai:m", llm_base_url=silent.url, llm_first_token=1)
        answerer, _ = load_answerers(settings, TokenCounter())
        started = time.monotonic()
        with pytest.raises(ChatTimeoutError):
            complete(answerer._model, ASKED)
    assert 0.9 < time.monotonic() - started < 1 + SPARE


@pytest.mark.parametrize(
    ("protocol", "word"),
    [("openai", "length"), ("anthropic", "max_tokens"), ("ollama", "length")],
)
def test_a_reply_that_reached_its_limit_is_partial(seeds, protocol, word):
    """Each provider's word for it is known, and the person is told."""
    act = saying("The harbour bridge opened in 1932. [1]", word)
    with llm_server(protocol, act) as cut, rag_over(seeds, model_at(protocol, cut.url)) as rag:
        answer = rag.ask(QUESTION)

    assert "partial" == answer.status
    assert "cut_off" in [step.code for step in answer.steps]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Internal Server Error"])
def test_what_may_pass_is_asked_again(protocol, status):
    """Two refusals are survived, by our own retries alone: the server is asked three times."""
    acts = [lambda wire: wire.error(status, "Retry-After: 0")] * 2 + [GOOD]
    with llm_server(protocol, lambda wire: acts.pop(0)(wire)) as flaky:
        reply = complete(model_at(protocol, flaky.url, ChatLimits(backoff=0.02)), ASKED)

    assert "1932" in reply.text
    assert 3 == len(flaky.asked)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found"])
def test_what_will_not_pass_is_asked_once(protocol, status):
    """A wrong key or name is not tried again."""
    with llm_server(protocol, lambda wire: wire.error(status)) as firm, pytest.raises(ChatError):
        complete(model_at(protocol, firm.url), ASKED)

    assert 1 == len(firm.asked)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_after_the_first_words_nothing_is_asked_again(protocol):
    """A reply that breaks is not begun anew behind the reader's back."""
    with llm_server(protocol, server.reset) as broken, pytest.raises(ChatConnectionError):
        complete(model_at(protocol, broken.url), ASKED)

    assert 1 == len(broken.asked)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_wait_a_server_asks_for_is_kept(protocol):
    """Retry-After is honoured where there is time for it, in seconds."""
    acts = [lambda wire: wire.error("429 Too Many Requests", "Retry-After: 0.3"), GOOD]
    limits = ChatLimits(first=5, backoff=0.01)
    started = time.monotonic()
    with llm_server(protocol, lambda wire: acts.pop(0)(wire)) as busy:
        complete(model_at(protocol, busy.url, limits), ASKED)

    assert 0.3 <= time.monotonic() - started < 3


@pytest.mark.parametrize("seconds", ["3", "3600"])
def test_a_wait_that_is_too_long_is_not_begun(seconds):
    """One that would pass the deadline, or is longer than anybody waits, ends the question at once."""

    def act(wire):
        wire.error("429 Too Many Requests", f"Retry-After: {seconds}")

    started = time.monotonic()
    with llm_server("openai", act) as busy, pytest.raises(ChatRefusedError, match="quota"):
        complete(model_at("openai", busy.url), ASKED)

    assert time.monotonic() - started < 2.5 + SPARE
    assert 1 == len(busy.asked)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "act", [server.stall, server.silence, server.drip], ids=lambda act: act.__name__
)
def test_stop_reaches_the_provider_at_once(protocol, act):
    """Leaving a stream closes its connection, while the model talks and while it is silent."""
    patient = ChatLimits(first=60, idle=60, total=60)
    with llm_server(protocol, act) as slow:
        stream = model_at(protocol, slow.url, patient).stream(ASKED)
        next(stream)
        deadline = time.monotonic() + 60
        while not slow.asked and time.monotonic() < deadline:
            next(stream)
        started = time.monotonic()
        stream.close()
        assert time.monotonic() - started < SPARE
        assert slow.asked[0].left.wait(60)


def test_a_server_that_takes_no_connection_is_given_up():
    """A connection that is not taken within the limit is an error, not a wait for the first word."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(3)]
        for one in crowd:  # what the queue of a listener that never accepts has room for
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        limits = ChatLimits(connect=0.2, first=20, total=20, backoff=0.01)
        started = time.monotonic()
        for protocol in PROTOCOLS:
            with pytest.raises(ChatError):
                complete(model_at(protocol, f"http://127.0.0.1:{port}", limits), ASKED)
        for one in crowd:
            one.close()

    assert time.monotonic() - started < 6 + SPARE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_left_behind(protocol):
    """Fifty failures leave one thread, and as many open files as the first did."""
    with llm_server(protocol, server.reset) as broken:
        model = model_at(protocol, broken.url)
        counts = []
        for _ in range(50):
            with pytest.raises(ChatError):
                complete(model, ASKED)
            counts.append(n_open_files())
        settled = time.monotonic() + 60
        while n_open_files() > counts[0] and time.monotonic() < settled:
            time.sleep(0.05)

    assert n_open_files() <= counts[0]
    assert 1 == [one.name for one in threading.enumerate()].count("rag-chat")


def n_open_files():
    """How many files and sockets this process holds; 0 where nobody says."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_hundred_megabytes_are_not_kept(protocol):
    """What an endless reply takes of memory does not grow with it."""
    with llm_server(protocol, server.endless) as long, pytest.raises(ChatOutputError, match="KB"):
        complete(model_at(protocol, long.url, ChatLimits()), ASKED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with llm_server(protocol, server.endless) as long, pytest.raises(ChatOutputError, match="KB"):
        complete(model_at(protocol, long.url, ChatLimits()), ASKED)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


@pytest.mark.parametrize("protocol", ["openai", "ollama"])
@pytest.mark.parametrize("act", [server.one_event, server.error_page], ids=lambda act: act.__name__)
def test_a_hundred_megabytes_at_once_are_not_read(protocol, act):
    """One event, one line, the page of an error: bytes are counted before a library has seen its end."""
    # Patient, for what is bounded here is the size: a first request loads its library, traced.
    patient = replace(LIMITS, first=20, idle=20, total=20)
    with llm_server(protocol, act) as long:
        model = model_at(protocol, long.url, patient)
        tracemalloc.start()
        try:
            with pytest.raises(ChatOutputError, match="sent more than 4096 KB"):
                complete(model, ASKED)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 30 * 2**20
    assert 1 == len(long.asked)
