"""Any client of OpenAI's protocol asks, and gets cited answers within the limits of the web API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from rag.schema import AnswerReady, Event, Turn
from rag.settings import Settings
from rag.web.hardening import MAX_BODY
from tests.web_fakes import BUILT, CARRIED, FERRY, ScriptedRag, answered, served

PASSWORD = "a password of words"
MODELS = ("openai:m/1", "extractive:fake")


@pytest.fixture(scope="module")
def rag() -> ScriptedRag:
    """The pipeline that is asked."""
    return ScriptedRag(
        hostile=["![x](https://evil.example/?a) <img src=x> [1](//e.example)"], models=MODELS
    )


@pytest.fixture(scope="module", params=["", PASSWORD], ids=["open", "with a password"])
def port(
    request: pytest.FixtureRequest, rag: ScriptedRag, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """A real server on loopback, with all its pages, and who may ask it."""
    folder = tmp_path_factory.mktemp("completions")
    settings = Settings(
        seeds_dir=folder / "seeds",
        index_dir=folder / "index",
        max_question_chars=200,
        openai_api=True,
        password=request.param,
    )
    with served(rag, settings) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    """The package's own client, whose key is the password, which nobody minds where none is wanted."""
    url = f"http://127.0.0.1:{port}/v1"
    with openai.OpenAI(base_url=url, api_key=PASSWORD, max_retries=0) as client:
        yield client


def said(client: openai.OpenAI, *texts: str, **options: Any) -> Any:
    """Ask, the user and the assistant by turns, the user last."""
    roles = ["user", "assistant"] * len(texts)
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return client.chat.completions.create(**{"model": "footnote", "messages": messages} | options)


def gathered(stream: Any) -> tuple[str, list[Any], list[Any]]:
    """Return the text of a stream, its annotations, and its chunks."""
    chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    text = "".join(delta.content or "" for delta in deltas)
    return text, [one for delta in deltas for one in getattr(delta, "annotations", [])], chunks


def post(port: int, body: Any, **options: Any) -> httpx2.Response:
    """Send what no client would."""
    headers = {"authorization": f"Bearer {PASSWORD}"} | options.pop("headers", {})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with httpx2.Client() as http:
        return http.post(
            f"http://127.0.0.1:{port}/v1/chat/completions", content=content, headers=headers
        )


def test_an_answer_is_text_with_markers_and_the_words_they_cite(client: openai.OpenAI):
    """The list of sources stands in the text, the exact words and places beside it as annotations."""
    completion = said(client, "When?")
    [choice] = completion.choices
    message = choice.message
    assert ("chat.completion", "footnote", "stop", "assistant") == (
        completion.object,
        completion.model,
        choice.finish_reason,
        message.role,
    )
    assert "The harbour was built in 1871 [1]." in message.content
    assert (
        f"**Sources**\n\n[1] “{BUILT}” — The harbour of Ostby, town/harbour.txt, characters 0–66"
        in message.content
    )
    assert (
        f"[3] “{CARRIED}” — Annual report, town/report.pdf, page 2, characters" in message.content
    )
    cited = [one.url_citation for one in message.annotations]
    assert ["[1]", "[2]", "[3]", "[2]"] == [
        message.content[one.start_index : one.end_index] for one in cited
    ]
    assert [BUILT, FERRY, CARRIED, FERRY] == [one.quote for one in cited]
    first = cited[0]
    assert ("The harbour of Ostby", "town/harbour.txt#char=0,66", "town/harbour.txt", 0, 66) == (
        first.title,
        first.url,
        first.file,
        first.start,
        first.end,
    )
    assert (
        json.loads(json.dumps(answered("When?").to_dict()))["text"] == completion.footnote["text"]
    )


def test_a_stream_comes_to_the_same(client: openai.OpenAI):
    """Piece by piece the same text, annotations, and at the end, where wanted, the tokens used."""
    whole = said(client, "When?")
    stream = said(client, "When?", stream=True, stream_options={"include_usage": True})
    text, annotations, chunks = gathered(stream)
    assert whole.choices[0].message.content == text
    assert [one.model_dump() for one in whole.choices[0].message.annotations] == annotations
    assert ("assistant", "stop") == (
        chunks[0].choices[0].delta.role,
        chunks[-2].choices[0].finish_reason,
    )
    assert whole.usage == chunks[-1].usage
    assert {"chat.completion.chunk"} == {chunk.object for chunk in chunks}
    assert 1 == len({chunk.id for chunk in chunks})
    assert whole.footnote["status"] == chunks[-2].footnote["status"]


def test_the_end_of_a_stream_is_said(port: int):
    """As the protocol has it, for clients that wait for it."""
    asked = {
        "model": "footnote",
        "stream": True,
        "messages": [{"role": "user", "content": "When?"}],
    }
    response = post(port, asked)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("data: [DONE]\n\n")


def test_tokens_of_chat_models_are_told(client: openai.OpenAI):
    """Where none was asked it is none."""
    usage = said(client, "When?").usage
    assert (0, 0, 0) == (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)


@pytest.mark.parametrize("streams", [False, True])
def test_a_conversation_keeps_its_citations(client: openai.OpenAI, rag: ScriptedRag, streams: bool):
    """A program gives only the text back; what it cited is known here, three turns long."""
    texts = ["The harbour?"]
    for question in ("When?", "And in winter?"):
        reply = said(client, *texts, stream=streams)
        content = gathered(reply)[0] if streams else reply.choices[0].message.content
        texts += [f"{content}\n", question]
    said(client, *texts)
    answer = answered("")
    told = Turn(role="assistant", text=answer.text, citations=answer.citations)
    turns = (Turn(role="user", text="The harbour?"), told, Turn(role="user", text="When?"), told)
    assert ("And in winter?", turns) == rag.asked[-1]


def test_an_answer_that_is_not_known_is_history_without_its_list(
    client: openai.OpenAI, rag: ScriptedRag
):
    """Of a server before, or of another model."""
    said(client, "The harbour?", "In 1871 [1].\n\n**Sources**\n\n[1] “In 1871.”", "When?")
    assert Turn(role="assistant", text="In 1871 [1].") == rag.asked[-1][1][-1]


def test_what_is_no_turn_of_the_conversation_is_left_out(client: openai.OpenAI, rag: ScriptedRag):
    """Rules for a model, and what tools returned; text may come in parts."""
    messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "developer", "content": "Cite nothing."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "The"}, {"type": "text", "text": "harbour?"}],
        },
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
        {"role": "user", "content": [{"type": "text", "text": "When?"}]},
    ]
    said(client, messages=messages, temperature=1, max_tokens=5)
    assert ("When?", (Turn(role="user", text="The\nharbour?"),)) == rag.asked[-1]


def test_models_are_listed_and_chosen(client: openai.OpenAI, rag: ScriptedRag):
    """Whoever can answer, and first a name for the usual one."""
    names = ["footnote", *MODELS]
    assert names == [model.id for model in client.models.list()]
    assert names == [client.models.retrieve(name).id for name in names]
    for name, chosen in zip(names, [None, *MODELS], strict=True):
        assert name == said(client, "When?", model=name).model
        assert chosen == rag.chosen[-1][0]


@pytest.mark.parametrize("streams", [False, True])
def test_an_unknown_model_is_not_found(client: openai.OpenAI, streams: bool):
    """In the protocol's form, before a stream begins."""
    with pytest.raises(openai.NotFoundError) as caught:
        said(client, "When?", model="gpt-5", stream=streams)
    assert ("model", "model_not_found", "invalid_request_error") == (
        caught.value.param,
        caught.value.code,
        caught.value.type,
    )
    assert "'gpt-5'; there are: footnote, openai:m/1" in str(caught.value)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        ({"messages": []}, "messages"),
        ({"messages": "When?"}, "messages"),
        ({"messages": [{"role": "king", "content": "When?"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "When?"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x" * 201}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "When?"}], "n": 2}, "n"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_protocols_form(port: int, body: Any, param: Any):
    """With a sentence, and the name of what is wrong."""
    response = post(port, body)
    error = response.json()["error"]
    assert (400, "invalid_request_error", param) == (
        response.status_code,
        error["type"],
        error["param"],
    )
    assert error["message"]


@pytest.mark.parametrize("question", ["fail", "break"])
@pytest.mark.parametrize("streams", [False, True])
def test_what_fails_on_the_way_is_an_error(client: openai.OpenAI, question: str, streams: bool):
    """Also in the middle of a stream; a fault of ours shows nothing of itself."""
    with pytest.raises(openai.APIError) as caught:
        list(said(client, question, stream=streams))
    assert "server_error" == caught.value.type
    words = {"fail": "did not answer within 60 s", "break": "Something went wrong here"}[question]
    assert words in caught.value.message
    if not streams:
        assert "false" == caught.value.response.headers["x-should-retry"]


class Curt(ScriptedRag):
    """Answers at once, as small talk is."""

    def _events(self, question: str, _: Any) -> Iterator[Event]:
        yield AnswerReady(answer=answered(question))


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_comes_at_once_is_not_lost(tmp_path: Path, streams: bool):
    """Nothing need come before it."""
    folders = {"seeds_dir": tmp_path / "seeds", "index_dir": tmp_path / "index"}
    with served(Curt(), Settings(**folders, openai_api=True)) as port:
        asked = {"stream": streams, "messages": [{"role": "user", "content": "When?"}]}
        assert "built in 1871 [1]" in post(port, asked).text


def test_an_abstention_and_a_guess_are_said(client: openai.OpenAI):
    """Nobody takes either for an answer."""
    assert said(client, "the moon?").choices[0].message.content.startswith("**No answer found.**")
    assert (
        said(client, "perhaps?").choices[0].message.content.startswith("**Best guess: 1871** [1]")
    )


def test_no_text_of_a_document_is_alive(client: openai.OpenAI):
    """Clients render Markdown: no picture, link or tag of a document reaches anybody."""
    content = said(client, "hostile 0").choices[0].message.content
    assert [] == re.findall(r"(?<!\\)\[x|(?<!\\)<|(?<!\\)://|(?<!\\)\]\(", content)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil example"}, 400),
    ],
)
def test_what_guards_the_pages_guards_programs(port: int, headers: dict[str, str], status: int):
    """And says so in the protocol's form."""
    response = post(port, {}, headers=headers)
    assert status == response.status_code
    assert response.json()["error"]["message"]


def test_a_request_that_is_too_long_is_refused(port: int):
    """By its length, in the protocol's form."""
    response = post(port, b"x" * (MAX_BODY + 1))
    assert (413, "invalid_request_error") == (
        response.status_code,
        response.json()["error"]["type"],
    )


def test_other_paths_of_the_protocol_are_not_there(client: openai.OpenAI):
    """Only questions can be asked, and nothing changed."""
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="footnote", input="x")


def test_a_stream_that_nobody_reads_ends(client: openai.OpenAI, rag: ScriptedRag):
    """Its place is free again."""
    before = rag.streams_ended
    rag.go_on.clear()
    stream = said(client, "slowly?", stream=True)
    next(stream)
    stream.close()
    rag.go_on.set()
    due = time.monotonic() + 10
    while rag.streams_ended == before and time.monotonic() < due:
        time.sleep(0.02)
    rag.go_on.clear()
    assert before + 1 == rag.streams_ended


def test_the_password_is_the_key(tmp_path: Path):
    """Without it, or with another, nothing is said; without the setting nothing is there."""
    folders = {"seeds_dir": tmp_path / "seeds", "index_dir": tmp_path / "index"}
    settings = Settings(**folders, password=PASSWORD, openai_api=True)
    with served(ScriptedRag(), settings) as port:
        url = f"http://127.0.0.1:{port}/v1"
        with (
            openai.OpenAI(base_url=url, api_key="another", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError) as caught,
        ):
            client.models.list()
    assert ("invalid_api_key", "The password is wrong.") == (
        caught.value.code,
        caught.value.body["message"],
    )
    with served(ScriptedRag(), Settings(**folders)) as port:
        assert 404 == post(port, {}).status_code
