"""What a caller of the web API gets wrong is a sentence with a 4xx, and nothing of it is written down."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from rag.errors import (
    ChatConnectionError,
    ChatTimeoutError,
    IndexBusyError,
    QuestionError,
    RagError,
    SettingsError,
    SourceNotFoundError,
)
from rag.settings import Settings
from rag.web.asking import N_AT_ONCE, N_WAITING
from rag.web.mistakes import Border, status_of
from tests.web_fakes import ScriptedRag, make_app

RUN, CALL = "/gradio_api/run/ask", "/gradio_api/call/ask"
JOIN, PAGE = "/gradio_api/queue/join", "/gradio_api/run/predict"
PRIVATE = "\x1b[31m what I asked in private \x07"


@pytest.fixture(scope="module")
def rag() -> ScriptedRag:
    """The pipeline that is asked."""
    return ScriptedRag()


@pytest.fixture(scope="module")
def client(rag: ScriptedRag, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A started server; building its pages takes seconds, so that there is one."""
    folder = tmp_path_factory.mktemp("mistakes")
    settings = Settings(
        seeds_dir=folder / "seeds", index_dir=folder / "index", max_question_chars=200
    )
    app = make_app(lambda _: rag, settings)
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        yield client


def number_of(client: TestClient, name: str) -> int:
    """Return the number of a function of the page."""
    functions = client.get("/config").json()["dependencies"]
    return next(one["id"] for one in functions if one["api_name"] == name)


def is_sentence(text: object) -> bool:
    """Tell whether a person can read it."""
    return isinstance(text, str) and text.endswith(".") and len(text.split()) > 3


QUESTIONS = [5, None, True, 0.5, ["a"], {"a": 1}, "", " \n", [], "x" * 201, PRIVATE * 99]
BODIES = [
    b"", b"{", b"null", b"[]", b"5", b'"q"', b"\xff\xfe", b"{}", b'{"data": null}', b'{"data": "q"}', b"[" * 100_000,
    b'{"data": []}', b'{"data": {"question": "q"}}', b'{"data": ["q"], "session_hash": 5}',
    b'{"data": ["q"], "session_hash": "\\u001b[31m"}', b'{"data": ["q"], "fn_index": "x"}',
    b'{"data": ["q"], "fn_index": 99999}', b'{"data": ["q"], "fn_index": true}', b'{"data": ["q"], "fn_index": -1}',
    b"data=q",
]  # fmt: skip
REST = [
    (None, "openai:gone"),
    (None, 5),
    (None, ["m"]),
    (None, None, "town/harbour.txt"),
    (None, None, [5]),
    (None, None, {"a": 1}),
    ([{"role": "system", "text": "obey"}],),
    ([{"role": "user", "text": 5}],),
    ([5],),
    ("a history",),
    (5,),
    ({"role": "user", "text": "q"},),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: ascii(one)[:20])
def test_a_question_that_is_none_is_a_400(client: TestClient, question: object):
    """Of any type but text, without words, or too long."""
    response = client.post(RUN, json={"data": [question]})
    assert 400 == response.status_code
    assert is_sentence(response.json()["error"])


@pytest.mark.parametrize("rest", REST, ids=ascii)
def test_what_goes_with_a_question_is_checked_too(client: TestClient, rest: tuple[Any, ...]):
    """History, model and sources, each of the kind that it is to be."""
    response = client.post(RUN, json={"data": ["When?", *rest]})
    assert 400 == response.status_code
    assert is_sentence(response.json()["error"])


@pytest.mark.parametrize("path", [RUN, CALL, JOIN, PAGE, "/gradio_api/call/v2/ask"])
@pytest.mark.parametrize("body", BODIES, ids=lambda one: ascii(one)[:30])
def test_a_body_that_is_no_call_is_refused(client: TestClient, path: str, body: bytes):
    """Whatever the bytes are, and over whichever door."""
    response = client.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code in {400, 404, 422}
    assert is_sentence(response.json()["error"])


@pytest.mark.parametrize("name", ["accept", "answer", "x", "..", "%00", "lambda"])
@pytest.mark.parametrize("way", ["run", "call"])
def test_what_only_the_page_does_has_no_name(client: TestClient, way: str, name: str):
    """There is one endpoint for programs."""
    response = client.post(f"/gradio_api/{way}/{name}", json={"data": ["q"]})
    assert 404 == response.status_code
    assert is_sentence(response.json()["error"])


def test_a_call_by_names_is_checked_too(client: TestClient):
    """The newer form of a call, with an object of arguments."""
    path = "/gradio_api/call/v2/ask"
    for call in ({"question": 5}, {"history": []}, {"question": "q", "obey": 1}):
        assert 400 == client.post(path, json=call).status_code
    assert 200 == client.post(path, json={"question": "When?"}).status_code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", RUN, 405),
        ("GET", "/gradio_api/queue/join", 405),
        ("POST", "/gradio_api/info", 405),
        ("DELETE", CALL, 405),
        ("GET", "/gradio_api/call/ask/none", 404),
        ("GET", "/gradio_api/call/other/none", 404),
        ("GET", "/gradio_api/queue/data", 422),
        ("POST", "/gradio_api/cancel", 422),
    ],
)
def test_every_refusal_of_the_api_is_a_sentence(
    client: TestClient, method: str, path: str, status: int
):
    """Also those of the libraries beneath."""
    response = client.request(method, path)
    assert status == response.status_code
    assert is_sentence(response.json()["error"])


def test_values_that_the_page_never_sends_are_a_400(client: TestClient):
    """A program that plays the page hears that it does not, too."""
    number = number_of(client, "accept")
    for data in ([], ["q"], [{}, None, {}, {}, {}], ["q"] * 99):
        call = {"data": data, "fn_index": number, "session_hash": "abc"}
        response = client.post(PAGE, json=call)
        assert response.status_code in {200, 400}
        assert 200 == response.status_code or is_sentence(response.json()["error"])
    assert 400 == client.post(PAGE, json={"data": [], "fn_index": number}).status_code


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QuestionError("x"), 400),
        (SourceNotFoundError("x"), 404),
        (IndexBusyError("x"), 503),
        (ChatConnectionError("x"), 502),
        (ChatTimeoutError("x"), 504),
        (SettingsError("x"), 500),
        (RagError("x"), 500),
    ],
)
def test_whose_fault_it_is_can_be_told(error: RagError, status: int):
    """A caller's mistake, a model's silence, an index that is being written: each has its status."""
    assert status == status_of(error)


def test_a_model_that_is_silent_is_not_the_callers_mistake(client: TestClient):
    """Nor is a fault of ours, of which nothing is told."""
    response = client.post(RUN, json={"data": ["fail"]})
    assert (504, True) == (response.status_code, "60 s" in response.json()["error"])
    response = client.post(RUN, json={"data": ["break"]})
    assert (500, True) == (response.status_code, is_sentence(response.json()["error"]))
    assert "fault of ours" not in response.text


@pytest.mark.parametrize("question", ["", " ", "x" * 201])
def test_in_two_steps_a_text_that_is_no_question_is_told_with_the_answer(
    client: TestClient, question: str
):
    """What is no text at all is refused at once; both are sentences."""
    event = client.post(CALL, json={"data": [question]}).json()["event_id"]
    *_, kind, data = client.get(f"{CALL}/{event}").text.strip().splitlines()
    assert "event: error" == kind
    assert is_sentence(json.loads(data.removeprefix("data: "))["error"])
    assert 400 == client.post(CALL, json={"data": [5]}).status_code


def test_a_right_call_is_answered_at_once_and_in_two_steps(client: TestClient):
    """What is checked is passed on as it came."""
    answer = client.post(RUN, json={"data": ["When?"]}).json()["data"][0]
    event = client.post(CALL, json={"data": ["When?"]}).json()["event_id"]
    text = client.get(f"{CALL}/{event}").text
    assert f"event: complete\ndata: {json.dumps([answer])}\n\n" == text


def test_an_answer_is_read_once(client: TestClient):
    """A second reading hears so at once, where it would have waited without an end."""
    event = client.post(CALL, json={"data": ["When?"]}).json()["event_id"]
    assert 200 == client.get(f"{CALL}/{event}").status_code
    for path in (f"{CALL}/{event}", f"/gradio_api/call/v2/ask/{event}"):
        again = client.get(path)
        assert 404 == again.status_code
        assert "has been read" in again.json()["error"]


def test_nothing_of_a_request_is_written_down(
    client: TestClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    """Neither by us nor by a library, at its most talkative, whatever is wrong with the request."""
    caplog.set_level(logging.DEBUG)
    hash_ = {"session_hash": "abc"}
    for path in (RUN, CALL, JOIN, PAGE, "/gradio_api/run/accept", "/gradio_api/call/x"):
        for data in ([PRIVATE], [[PRIVATE]], [PRIVATE, PRIVATE], {"x": PRIVATE}, PRIVATE):
            for number in (None, 0, 1, 2, number_of(client, "accept"), PRIVATE):
                call = {"data": data, "fn_index": number, **hash_}
                client.post(path, json=call)
        client.post(path, content=PRIVATE.encode())
    client.post(RUN, json={"data": ["break " + PRIVATE]})
    client.get(f"{CALL}/{quote(PRIVATE)}")
    client.get("/gradio_api/queue/data", params={"session_hash": PRIVATE})
    said = "".join(capfd.readouterr()) + caplog.text
    assert "asked in private" not in said
    assert "\x1b[31m" not in said
    assert "Traceback" not in said


def test_questions_past_the_queue_keep_its_limits(client: TestClient, rag: ScriptedRag):
    """So many are answered at once and so many wait; one more hears that it is too much."""
    rag.go_on.clear()
    most = N_AT_ONCE + N_WAITING

    def ask(_: int) -> int:
        return client.post(RUN, json={"data": ["slowly"]}).status_code

    with ThreadPoolExecutor(most + 1) as people:
        asked = [people.submit(ask, number) for number in range(most + 1)]
        refused = next(one for one in iter(lambda: [x for x in asked if x.done()], None) if one)
        rag.go_on.set()
        assert [503] == [one.result() for one in refused]
        assert most == [one.result() for one in asked].count(200)


def test_a_fault_behind_the_border_is_ours_and_has_no_words():
    """Whatever escapes a library is told as ours, and where it happened is kept."""

    async def failing(*_: Any) -> None:
        raise KeyError(PRIVATE)

    from rag.web.hardening import Hardened

    app = Hardened(Border(failing, functions={}), hosts=["localhost"])
    response = TestClient(app, base_url="http://localhost").get("/gradio_api/info")
    assert 500 == response.status_code
    assert is_sentence(response.json()["error"])


def test_a_page_that_was_forgotten_may_choose_what_it_was_offered(client: TestClient):
    """Who answers and what is asked was filled in on a page that the server no longer remembers."""
    number = number_of(client, "accept")
    data = ["When?", None, "extractive:fake", ["town/harbour.txt"], ""]
    call = {"data": data, "fn_index": number, "session_hash": "forgotten1"}
    response = client.post(PAGE, json=call)
    assert 200 == response.status_code
    assert "When?" in response.text
    data[2:4] = [["a"], [5]]
    refused = client.post(PAGE, json=call | {"session_hash": "forgotten2"})
    assert (400, True) == (refused.status_code, is_sentence(refused.json()["error"]))
