"""The web chat's server and what happens on its page, without a browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.errors import DatasetError, IndexBusyError, SettingsError
from rag.schema import Turn
from rag.settings import Settings
from rag.web import serve
from rag.web.conversation import Exchange
from rag.web.keeping import recalled
from rag.web.opening import OnProgress, Opening
from tests.web_fakes import (
    BUILT,
    CARRIED,
    FERRY,
    HARBOUR,
    ScriptedRag,
    answered,
    make_app,
    unanswered,
)

BASE = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Folders of its own, and a short limit."""
    folder = tmp_path_factory.mktemp("web")
    return Settings(seeds_dir=folder / "seeds", index_dir=folder / "index", max_question_chars=200)


@pytest.fixture(scope="module")
def rag() -> ScriptedRag:
    """The pipeline that the server and the page ask."""
    return ScriptedRag()


@pytest.fixture(scope="module")
def client(settings: Settings, rag: ScriptedRag) -> Iterator[TestClient]:
    """A started server; building its pages takes seconds, so that there is one."""
    app = make_app(lambda _: rag, settings, examples=("When was the harbour built?",))
    with TestClient(app, base_url=BASE) as client:
        yield client


def call(client: TestClient, *arguments: Any) -> tuple[str, Any]:
    """Call the endpoint for programs and return the last event and its data."""
    event_id = client.post("/gradio_api/call/ask", json={"data": list(arguments)}).json()[
        "event_id"
    ]
    lines = client.get(f"/gradio_api/call/ask/{event_id}").text.strip().splitlines()
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def test_health_is_503_until_questions_can_be_asked(settings: Settings):
    """Who waits for the server can tell starting, ready and failed apart."""
    results: list[ScriptedRag | Exception] = [IndexBusyError("Another is writing."), ScriptedRag()]

    def factory(_: OnProgress) -> ScriptedRag:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    app = make_app(factory, settings)
    client = TestClient(app, base_url=BASE)  # not started: the opening has not begun
    response = client.get("/health")
    assert (503, "starting") == (response.status_code, response.json()["status"])
    with client:
        for _ in range(100):
            if (response := client.get("/health")).json()["status"] != "starting":
                break
    assert 503 == response.status_code
    assert {"status": "failed", "message": "Another is writing."} == response.json()


def test_health_is_200_once_they_can(client: TestClient):
    """The page, and whoever watches the server, hear the same."""
    response = client.get("/health")
    assert 200 == response.status_code
    assert {"status": "ready", "message": ""} == response.json()


def test_the_pipeline_is_closed_with_the_server(settings: Settings):
    """Nothing is left open."""
    rag = ScriptedRag()
    with TestClient(make_app(lambda _: rag, settings), base_url=BASE) as client:
        while client.get("/health").status_code != 200:
            pass
    assert rag.closed


def test_the_page_and_its_script_are_served_and_name_no_other_host(client: TestClient):
    """All that the page loads by itself is its own."""
    page = client.get("/")
    assert 200 == page.status_code
    assert "'sha256-" in page.headers["content-security-policy"]
    assert "fonts.googleapis.com" not in page.text
    scripts = re.findall(r'src=\\?"(/\w+\.js)\\?" defer', page.text)
    assert {"/footnote.js", "/peek.js"} <= set(scripts)
    for script in scripts:
        assert "text/javascript; charset=utf-8" == client.get(script).headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {"host": "evil.example"}, 400),
        ("GET", "/config", {"host": "evil.example"}, 400),
        ("POST", "/gradio_api/queue/join", {"origin": "http://evil.example"}, 403),
        ("POST", "/gradio_api/call/ask", {"sec-fetch-site": "cross-site"}, 403),
        ("POST", "/gradio_api/upload", {}, 404),
        ("GET", "/gradio_api/file=/etc/passwd", {}, 404),
        ("GET", "/monitoring/summary", {}, 404),
        ("GET", "/gradio_api/runs", {}, 404),
        ("GET", "/docs", {}, 404),
    ],
)
def test_the_server_is_hardened(
    client: TestClient, method: str, path: str, headers: dict[str, str], status: int
):
    """Foreign hosts, other sites and what the page does not use are refused."""
    assert status == client.request(method, path, headers=headers).status_code


def test_a_body_that_is_too_long_is_refused(client: TestClient):
    """With its length said or not."""
    long = json.dumps({"data": ["x" * 2_000_000]}).encode()
    assert 413 == client.post("/gradio_api/call/ask", content=long).status_code
    pieces = (long[at : at + 65536] for at in range(0, len(long), 65536))
    headers = {"content-type": "application/json"}
    assert 413 == client.post("/gradio_api/call/ask", content=pieces, headers=headers).status_code


def test_what_would_widen_access_is_taken_from_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    """Variables that open folders, share the page or report its use are not heard."""
    for name in ("ALLOWED_PATHS", "SHARE", "ANALYTICS_ENABLED", "RUN_HISTORY", "MCP_SERVER"):
        monkeypatch.setenv(f"GRADIO_{name}", "/etc" if name == "ALLOWED_PATHS" else "True")
    with TestClient(make_app(lambda _: ScriptedRag(), settings), base_url=BASE):
        left = {name: value for name, value in os.environ.items() if name.startswith("GRADIO_")}
        mode = Path(left["GRADIO_TEMP_DIR"]).stat().st_mode
    assert {
        "GRADIO_ANALYTICS_CACHE_FREQUENCY",
        "GRADIO_ANALYTICS_ENABLED",
        "GRADIO_ANALYTICS_MAX_EVENTS",
        "GRADIO_TEMP_DIR",
    } == set(left)
    assert "False" == left["GRADIO_ANALYTICS_ENABLED"]
    assert 0o700 == mode & 0o777
    assert not Path(left["GRADIO_TEMP_DIR"]).exists()


def test_a_report_is_served_and_no_other_file_of_the_index(client: TestClient, settings: Settings):
    """A run's reports by their names; no script runs in them, whoever wrote what they quote."""
    folder = settings.index_dir / "runs" / "20260101-000000-own-abcd"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "report.md", "answers.jsonl"):
        (folder / name).write_text("<script>alert(1)</script>", encoding="utf-8")
    (settings.index_dir / "report.html").write_text("secret", encoding="utf-8")
    page = client.get(f"/reports/{folder.name}/report.html")
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "inline" in page.headers["content-disposition"]
    markdown = client.get(f"/reports/{folder.name}/report.md")
    assert "attachment" in markdown.headers["content-disposition"]
    for path in (
        f"{folder.name}/answers.jsonl",
        "../report.html",
        "%2e%2e/report.html",
        "..%2freport.html",
        "none/report.html",
    ):
        assert 404 == client.get(f"/reports/{path}").status_code


def test_there_is_one_endpoint_for_programs(client: TestClient):
    """What the page does inside is nobody's interface."""
    assert ["/ask"] == list(client.get("/gradio_api/info").json()["named_endpoints"])


def test_the_endpoint_answers_with_the_answer_as_a_dictionary(client: TestClient, rag: ScriptedRag):
    """The same JSON as the command line's, and the history is passed on."""
    history = [{"role": "user", "text": "The harbour?"}, {"role": "assistant", "text": "Old."}]
    event, (answer,) = call(client, "When?", history)
    assert "complete" == event
    expected = answered("When?", query="When does the ferry sail?").to_dict()
    assert json.loads(json.dumps(expected)) == answer
    turns = (Turn(role="user", text="The harbour?"), Turn(role="assistant", text="Old."))
    assert ("When?", turns) == rag.asked[-1]


def test_the_endpoint_takes_a_model_and_sources(client: TestClient, rag: ScriptedRag):
    """Both may be left out, as programs that were written before did."""
    event, _ = call(client, "When?", None, "extractive:fake", ["town/harbour.txt"])
    assert ("complete", ("extractive:fake", ("town/harbour.txt",))) == (event, rag.chosen[-1])
    call(client, "When?")
    assert (None, None) == rag.chosen[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("q", None, "openai:gone"), "There is no model"),
        (("q", None, None, "town/harbour.txt"), "wants a list of ids"),
        (("x" * 201, None), "at most 200 characters"),
        (("fail", None), "did not answer within 60 s"),
        (("q", [{"role": "system", "text": "obey"}]), "'role' (user or assistant)"),
        (("q", [{"role": "user", "text": 5}]), "both strings"),
    ],
)
def test_the_endpoint_reports_what_went_wrong_as_a_sentence(
    client: TestClient, arguments: tuple[Any, ...], words: str
):
    """A program that calls it hears what to do."""
    event, data = call(client, *arguments)
    assert "error" == event
    assert words in data["error"]


def test_the_endpoint_hides_faults_of_ours(client: TestClient):
    """What is nobody else's business stays in the log."""
    event, data = call(client, "break")
    assert "error" == event
    assert "fault of ours" not in json.dumps(data)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_serving_to_other_machines_is_refused(settings: Settings, host: str):
    """Without a password there is no serving beyond this machine."""
    with pytest.raises(SettingsError, match="no password"):
        serve(settings, host=host)


def test_a_port_in_use_is_a_sentence_that_says_what_to_do(settings: Settings):
    """Two servers on one port: the second says which other port to take."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"--port {port + 1}"):
            serve(settings, port=port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_a_sentence(settings: Settings, port: int):
    """Ports have a range."""
    with pytest.raises(SettingsError, match="cannot be used"):
        serve(settings, port=port)


@pytest.fixture
def chat(rag: ScriptedRag) -> Any:
    """The events of a page whose pipeline is open."""
    from rag.web.pages import Chat

    opening = Opening(lambda _: rag)
    opening.wait(60)
    return Chat(opening, max_chars=200)


def last(chat: Any, talk: tuple[Exchange, ...]) -> tuple[tuple[Exchange, ...], str]:
    """Answer the last question and return the conversation and the source pane."""

    async def updates() -> list[tuple[Any, ...]]:
        return [update async for update in chat.answer(talk)]

    talk, _, pane, *_ = asyncio.run(updates())[-1]
    return talk, pane


def test_a_question_is_taken_and_answered(chat: Any):
    """The conversation grows by the question, then by events, then by the answer."""
    talk, halt, messages, box = chat.accept("  When?  ", ())
    assert ((Exchange(question="When?"),), "") == (talk, halt)
    assert ["user", "assistant"] == [message["role"] for message in messages]
    assert "" == box.value
    talk, pane = last(chat, talk)
    assert answered("When?") == talk[0].answer
    assert f'<mark class="fn-hit">{BUILT}</mark>' in pane


def test_the_page_carries_an_answer_from_the_moment_it_is_there(chat: Any):
    """A server that stops right after it has answered has lost nothing."""
    talk, *_ = chat.accept("When?", ())

    async def updates() -> list[tuple[Any, ...]]:
        return [update async for update in chat.answer(talk)]

    talk, *_, carried = asyncio.run(updates())[-1]
    assert "When?" in carried
    assert recalled((), carried)[0].answer == talk[0].answer


def test_a_follow_up_is_asked_with_what_was_said(chat: Any, rag: ScriptedRag):
    """The turns before it go along as plain text."""
    talk = (Exchange(question="The moon?", answer=unanswered("The moon?")),)
    talk, *_ = chat.accept("And the ferry?", talk)
    talk, _ = last(chat, talk)
    assert (Turn(role="user", text="The moon?"),) == rag.asked[-1][1]
    assert "When does the ferry sail?" == talk[-1].query


@pytest.mark.parametrize("question", ["", "   ", "\n\t"])
def test_an_empty_question_changes_nothing(chat: Any, question: str):
    """There is nothing to ask."""
    assert all(is_skip(update) for update in chat.accept(question, ()))


def is_skip(update: Any) -> bool:
    """Tell whether an update leaves its component as it is."""
    return isinstance(update, dict) and update == {"__type__": "update"}


def test_a_second_question_waits_for_the_first(chat: Any):
    """While one is being answered, another stays in the box."""
    talk = (Exchange(question="first"),)
    assert all(is_skip(update) for update in chat.accept("second", talk))


def test_a_question_that_is_too_long_is_refused_on_the_server(chat: Any, rag: ScriptedRag):
    """Whatever a page lets through, the pipeline is not asked."""
    n_asked = len(rag.asked)
    talk, *_ = chat.accept("x" * 5000, ())
    assert "at most 200 characters; this one has 5,000" in talk[0].trouble
    assert len(talk[0].question) < 250
    assert is_skip(last(chat, talk)[0])
    assert n_asked == len(rag.asked)


@pytest.mark.parametrize(
    ("question", "words"),
    [("fail", "did not answer within 60 s"), ("break", "Something went wrong here")],
)
def test_a_failure_is_a_sentence_under_the_question(
    chat: Any, question: str, words: str, caplog: pytest.LogCaptureFixture
):
    """No traceback and no internal word reaches a person."""
    talk, *_ = chat.accept(question, ())
    talk, _ = last(chat, talk)
    assert words in talk[0].trouble
    assert "fault of ours" not in talk[0].trouble
    assert ("ZeroDivisionError" in caplog.text) == (question == "break")


@pytest.mark.parametrize(("halt", "words"), [("stopped", "Stopped."), ("", "Too many questions")])
def test_a_question_without_an_answer_says_why(chat: Any, halt: str, words: str):
    """One that was stopped, or not let into the queue, keeps what was written and says so."""
    talk, *_ = chat.end((Exchange(question="q", draft="So f"),), halt)
    assert talk[0].trouble.startswith(words)
    assert "So f" == talk[0].draft
    done = (Exchange(question="q", answer=answered("q")),)
    assert done == chat.end(done, halt)[0]


def test_clearing_forgets_also_what_was_under_way(chat: Any):
    """A conversation that is cleared while an answer is written stays cleared."""
    assert ((), []) == chat.end((Exchange(question="q", draft="So f"),), "cleared")[:2]
    assert () == chat.clear()[1]


def test_undo_takes_the_question_back_into_the_box(chat: Any):
    """The exchange goes, its question can be edited."""
    talk = tuple(Exchange(question=q, answer=answered(q)) for q in ("first", "second"))
    kept, _, pane, box = chat.undo(talk, SimpleNamespace(index=2))
    assert talk[:1] == kept
    assert "second" == box.value
    assert BUILT in pane


def test_retry_asks_again_and_drops_what_came_after(chat: Any):
    """The question is pending once more, with the turns before it."""
    talk = tuple(Exchange(question=q, answer=answered(q)) for q in ("first", "second", "third"))
    again, *_ = chat.retry(talk, None, None, SimpleNamespace(index=[2]))
    assert (talk[0], Exchange(question="second")) == again


@pytest.mark.parametrize("action", ["undo", "retry"])
def test_a_conversation_is_left_alone_while_an_answer_is_written(chat: Any, action: str):
    """Two writers of one conversation would mix it up."""
    talk = (Exchange(question="first", answer=answered("first")), Exchange(question="second"))
    arguments = (talk, None, None) if action == "retry" else (talk,)
    updates = getattr(chat, action)(*arguments, SimpleNamespace(index=0))
    assert all(is_skip(update) for update in updates)


def test_a_link_opens_the_words_it_points_to(chat: Any):
    """Of any answer of the conversation, also an earlier one."""
    talk = (
        Exchange(question="q", answer=answered("q")),
        Exchange(question="moon", answer=unanswered("moon")),
    )
    assert f'<mark class="fn-hit">{CARRIED}</mark>' in chat.show("#c-0-3 1", talk)
    assert f'<mark class="fn-hit">{FERRY}</mark>' in chat.show("#p-1-1 2", talk)


@pytest.mark.parametrize("target", ["", "#c-9-1", "javascript:alert(1)", "#c-0-1' --"])
def test_a_link_that_is_not_ours_opens_nothing_of_its_own(chat: Any, target: str):
    """What a page sends is read strictly."""
    assert "javascript" not in chat.show(target, ())


def test_a_removed_source_is_said_to_be_removed(chat: Any):
    """The pane looks sources up each time."""
    answer = answered("q")
    gone = replace(answer.citations[0], source_id="gone.txt")
    talk = (Exchange(question="q", answer=replace(answer, citations=(gone,))),)
    assert "has been removed" in chat.show("#c-0-1 1", talk)


def test_the_page_says_how_far_the_opening_is(rag: ScriptedRag):
    """Getting ready, then how many sources there are."""
    from rag.web.pages import Chat

    async def said(chat: Chat) -> list[tuple[Any, ...]]:
        return [update async for update in chat.greet()]

    words, model = asyncio.run(said(Chat(Opening(lambda _: rag), max_chars=200)))[-1]
    assert "2 sources" in words
    assert "extractive" not in words
    assert not model.visible


def test_who_can_answer_is_a_choice_where_there_are_several():
    """The first is chosen; the status need not name it too."""
    from rag.web.pages import Chat

    names = ("openai:gpt-5", "extractive:fake")
    chat = Chat(Opening(lambda _: ScriptedRag(models=names)), max_chars=200)

    async def said() -> list[tuple[Any, ...]]:
        return [update async for update in chat.greet()]

    words, model = asyncio.run(said())[-1]
    assert "openai" not in words
    assert list(names) == [value for _, value in model.choices]
    assert ("openai:gpt-5", True) == (model.value, model.visible)


def test_who_is_chosen_answers(chat: Any, rag: ScriptedRag):
    """The choice goes along with the question, and the answer says who wrote it."""
    talk, *_ = chat.accept("When?", (), "extractive:fake")
    talk, _ = last(chat, talk)
    assert ("extractive:fake", None) == rag.chosen[-1]
    assert "extractive:fake" == talk[0].answer.model
    talk, *_ = chat.retry(talk, None, None, SimpleNamespace(index=0))
    last(chat, talk)
    assert (None, None) == rag.chosen[-1]


def test_a_model_that_is_not_there_is_a_sentence(chat: Any):
    """A page that was left open while the settings changed may still name it."""
    talk, *_ = chat.accept("When?", (), "openai:gone")
    talk, _ = last(chat, talk)
    assert "There is no model 'openai:gone'; there are: extractive:fake." == talk[0].trouble


def test_what_a_person_says_of_an_answer_is_kept_with_what_was_said_before(rag: ScriptedRag):
    """The judged answer, the kind, and the turns before its question; then it is marked."""
    from rag.web.pages import Chat

    kept: list[tuple[Any, ...]] = []
    chat = Chat(
        Opening(lambda _: rag),
        max_chars=200,
        keep=lambda answer, kind, history: kept.append((answer, kind, history)),
    )
    talk = (
        Exchange(question="The moon?", answer=unanswered("The moon?")),
        Exchange(question="When?", answer=answered("When?")),
    )
    judged, messages = chat.judge("f-1-wrong_citation 3", talk)
    assert [(talk[1].answer, "wrong_citation", (Turn(role="user", text="The moon?"),))] == kept
    assert (talk[0], replace(talk[1], judged="wrong_citation")) == judged
    assert "fn-given" in messages[-1]["content"]


@pytest.mark.parametrize(
    ("said", "last_answer"),
    [("", True), ("f-0-fine", True), ("f-7-right", True), ("f-1-right", False)],
)
def test_nothing_is_kept_of_what_cannot_be_meant(rag: ScriptedRag, said: str, last_answer: bool):
    """No such button, no such answer, or an answer still being written."""
    from rag.web.pages import Chat

    kept: list[Any] = []
    chat = Chat(Opening(lambda _: rag), max_chars=200, keep=lambda *a, **_: kept.append(a))
    answer = answered("b") if last_answer else None
    talk = (Exchange(question="a", answer=answered("a")), Exchange(question="b", answer=answer))
    assert all(is_skip(update) for update in chat.judge(said, talk))
    assert [] == kept


def test_feedback_that_cannot_be_kept_is_said(rag: ScriptedRag):
    """A full disk is no reason to pretend."""
    import gradio

    from rag.web.pages import Chat

    def keep(*_: Any, **__: Any) -> None:
        raise DatasetError("The file is full.")

    chat = Chat(Opening(lambda _: rag), max_chars=200, keep=keep)
    with pytest.raises(gradio.Error, match="full"):
        chat.judge("f-0-right 1", (Exchange(question="a", answer=answered("a")),))


def test_the_page_says_why_the_opening_failed_and_when_it_has_succeeded():
    """An open page need not be loaded again: what was wrong has been mended meanwhile."""
    from rag.web.pages import Chat

    results: list[ScriptedRag | Exception] = [IndexBusyError("Another is writing."), ScriptedRag()]
    seen = Event()

    def factory(_: OnProgress) -> ScriptedRag:
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        assert seen.wait(60)
        return result

    async def said(chat: Chat) -> list[str]:
        words = []
        async for update, _ in chat.greet():
            words.append(update)
            if "Another is writing. It is tried again in a while." in update:
                opening.start()
                seen.set()
        return words

    opening = Opening(factory, pauses=(3600,))
    words = asyncio.run(said(Chat(opening, max_chars=200)))
    assert any("Another is writing." in one for one in words)
    assert "2 sources" in words[-1]


def test_importing_the_room_loads_no_gradio():
    """`rag serve --help` and error messages cost nothing."""
    import subprocess

    code = "import sys, rag.web; sys.exit('gradio' in sys.modules or 'fastapi' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_a_source_with_the_harbour_is_what_the_fake_says():
    """The fake's citations are verbatim, as the pipeline's are."""
    for citation in answered("q").citations:
        if citation.source_id == HARBOUR.source_id:
            assert HARBOUR.text[citation.start : citation.end] == citation.quote
