"""Programs that speak OpenAI's protocol ask: chat completions and the list of models, within the web API's limits.

Only the checked answer is sent, also in a stream: the protocol can take nothing back. Holds no logic of answering.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from rag import outcome
from rag.errors import QuestionError, RagError
from rag.schema import Answer, AnswerReady, Citation, Event, Turn
from rag.web.asking import OUR_FAULT, Places, TooManyError, too_long
from rag.web.collections import named_in, person_of
from rag.web.export import markdown_parts, plain
from rag.web.logs import trail
from rag.web.mistakes import status_of
from rag.web.streaming import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request

    from rag.web.collections import OpenCollections
    from rag.web.opening import Answering, Opening

log = logging.getLogger(__name__)

ROOT = "/v1/"
"""All paths of the protocol begin so."""
USUAL = "footnote"
"""Name of whoever answers unless another is chosen."""

_PATHS = ("/v1/chat/completions", "/v1/models")
_SOURCES = "**Sources**"
_MARKER = re.compile(r"(?<!\\)\[(\d{1,4})\]")
_SIGN_OF_LIFE = 5.0
"""Seconds without a word after which a comment says that the answer is on its way."""
_MOST_TOLD = 256
"""Answers that are remembered with their citations: a program gives only their text back."""
_CODES = {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}
_AGAIN = frozenset((429, 503))
"""Statuses after which a client may ask again by itself; elsewhere it would have everything done anew."""
_NO_QUESTION = "The last message is to be the user's, with a question in it."


class _WrongError(QuestionError):
    """A request that cannot be meant."""

    def __init__(
        self, message: str, param: str | None = None, *, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part] | None = None


class _StreamOptions(BaseModel):
    include_usage: bool | None = None


class _Wanted(BaseModel):
    """What is read of a request; what else it holds is for models and is left alone."""

    model: str = USUAL
    messages: list[_Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: int | None = None
    collection: str | list[str] = ""
    """The collection that is asked, or several; beside the protocol's own fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request, understood."""

    model: str
    names: tuple[str, ...]
    """The collections that are asked."""
    question: str
    history: tuple[Turn, ...]
    streams: bool
    tells_usage: bool
    """At the end of a stream."""


class Completions:
    """The two endpoints.

    Args:
        collections: what can be asked.
        max_chars: characters that a question may have.
        places: how many may ask.
    """

    paths = (*_PATHS, f"{_PATHS[1]}/")
    """What is open for them; the last with what is below it."""

    def __init__(
        self, collections: OpenCollections, *, max_chars: int, places: Places | None = None
    ) -> None:
        self._collections = collections
        self._max_chars = max_chars
        self._places = places or Places()
        self._told: OrderedDict[tuple[tuple[str, ...], str], Turn] = OrderedDict()
        self._since = int(time.time())

    def routes(self) -> list[Route]:
        """Return what serves them."""
        chat, models = _PATHS
        return [
            Route(chat, self._complete, methods=["POST"]),
            Route(models, self._models, methods=["GET"]),
            Route(f"{models}/{{name:path}}", self._models, methods=["GET"]),
        ]

    async def _models(self, request: Request) -> Response:
        """List who can answer, or tell one of them."""
        try:
            one = self._collections.chosen(named_in(request.scope), person_of(request.scope))
            rag = await asyncio.to_thread(one.opening.wait)
            name = request.path_params.get("name")
            if name is None:
                listed = [self._model(one) for one in (USUAL, *rag.models)]
                return JSONResponse({"object": "list", "data": listed})
            _check_model(rag, name)
            return JSONResponse(self._model(name))
        except RagError as exc:
            return _refusal(exc)

    def _model(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._since, "owned_by": "footnote"}

    async def _complete(self, request: Request) -> Response:
        """Answer the last message of a conversation."""
        try:
            wanted, person = _wanted(await request.body()), person_of(request.scope)
            one = self._collections.chosen(wanted.collection or named_in(request.scope), person)
            asked = self._asked(wanted, one.names)
            self._collections.note(person, "asked", one, asked.question)
            # What cannot be asked is refused before a stream begins.
            events = await _begun(self._events(asked, one.opening))
            if asked.streams:
                chunks = self._chunks(asked, events)
                return StreamingResponse(
                    chunks, media_type="text/event-stream", headers={"cache-control": "no-cache"}
                )
            async with aclosing(events):
                said = [event async for event in events if isinstance(event, AnswerReady)]
            return JSONResponse(self._whole(asked, said[-1].answer))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except RagError as exc:
            return _refusal(exc)
        except Exception as exc:  # noqa: BLE001  (whatever it was)
            # The border to a stranger: no internal word reaches it, whatever it was; the log keeps where.
            log.error("A completion could not be given: %s", trail(exc))  # noqa: TRY400
            return _refusal(RagError(OUR_FAULT))

    def _asked(self, wanted: _Wanted, names: tuple[str, ...]) -> _Asked:
        """Understand a request to some collections.

        Raises:
            QuestionError: it cannot be asked.
        """
        if wanted.n not in (None, 1):
            raise _WrongError("One answer is given to a question; got n other than 1.", "n")
        *before, last = wanted.messages
        question = _text(last).strip()
        if last.role != "user" or not question:
            raise _WrongError(_NO_QUESTION, "messages")
        if len(question) > self._max_chars:
            raise _WrongError(too_long(question, self._max_chars), "messages")
        options = wanted.stream_options
        return _Asked(
            model=wanted.model,
            names=names,
            question=question,
            history=tuple(self._turns(before, names)),
            streams=bool(wanted.stream),
            tells_usage=bool(options and options.include_usage),
        )

    def _turns(self, messages: Sequence[_Message], names: tuple[str, ...]) -> Iterator[Turn]:
        """Yield what was said before; rules for a model are none for this program."""
        for message in messages:
            text = _text(message)
            if message.role == "user" and text.strip():
                yield Turn(role="user", text=text)
            elif message.role == "assistant" and text.strip():
                known = self._told.get((names, _key(text)))
                bare = text.rpartition(f"\n\n{_SOURCES}\n")[0] or text
                yield known or Turn(role="assistant", text=bare)

    async def _events(self, asked: _Asked, opening: Opening) -> AsyncGenerator[Event]:
        """Yield what happens on the way to the answer, in a place of its own."""

        def begun() -> Iterator[Event]:
            rag = opening.wait()
            _check_model(rag, asked.model)
            model = None if asked.model == USUAL else asked.model
            return rag.stream(asked.question, asked.history, model=model)

        async with self._places.taken(), aclosing(in_thread(begun)) as events:
            async for event in events:
                yield event

    def _whole(self, asked: _Asked, answer: Answer) -> dict[str, object]:
        content = self._content(asked, answer)
        message = {
            "role": "assistant",
            "content": content,
            "refusal": None,
            "annotations": _annotations(answer, content),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _end(answer)}
        about = {"usage": _usage(answer), "footnote": answer.to_dict()}
        return {**_about(asked, "chat.completion"), "choices": [choice], **about}

    async def _chunks(self, asked: _Asked, events: AsyncGenerator[Event]) -> AsyncGenerator[str]:
        """Yield the events of a stream: signs of life, then the answer."""
        about = _about(asked, "chat.completion.chunk")
        yield _sent(_chunk(about, {"role": "assistant", "content": ""}))
        clock = asyncio.get_running_loop().time
        at = clock()
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, AnswerReady):
                        for piece in self._answer_chunks(asked, about, event.answer):
                            yield _sent(piece)
                    elif clock() - at >= _SIGN_OF_LIFE:
                        at = clock()
                        yield ": the answer is on its way\n\n"
            yield "data: [DONE]\n\n"
        except RagError as exc:
            yield _sent(_error_of(exc)[1])
        except Exception as exc:  # noqa: BLE001  (as above)
            log.error("A completion could not be finished: %s", trail(exc))  # noqa: TRY400
            yield _sent(error(500, OUR_FAULT))

    def _answer_chunks(
        self, asked: _Asked, about: dict[str, object], answer: Answer
    ) -> Iterator[dict[str, object]]:
        content = self._content(asked, answer)
        for line in content.splitlines(keepends=True):
            yield _chunk(about, {"content": line})
        yield _chunk(about, {"annotations": _annotations(answer, content)})
        yield {**_chunk(about, {}, _end(answer)), "footnote": answer.to_dict()}
        if asked.tells_usage:
            yield {**about, "choices": [], "usage": _usage(answer)}

    def _content(self, asked: _Asked, answer: Answer) -> str:
        """Return an answer as Markdown, and remember what it cites, for when it is asked about."""
        parts = list(markdown_parts(answer, lambda number: f"[{number}]"))
        if answer.citations:
            parts += [_SOURCES, *map(_source_line, answer.citations)]
        content = "\n\n".join(parts)
        turn = Turn(role="assistant", text=answer.text, citations=answer.citations)
        self._told[asked.names, _key(content)] = turn
        if len(self._told) > _MOST_TOLD:
            self._told.popitem(last=False)
        return content


def error(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> dict[str, object]:
    """Return an error in the protocol's form.

    Args:
        status: of HTTP.
        message: a sentence.
        param: what of the request is wrong.
        code: a word for programs; by default that of the status.
    """
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        kind = "rate_limit_error"
    told = {"message": message, "type": kind, "param": param, "code": code or _CODES.get(status)}
    return {"error": told}


async def _begun(events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """Return the events once the first is there; raises what is raised in its place."""
    first = await anext(events)

    async def resumed() -> AsyncGenerator[Event]:
        async with aclosing(events):
            yield first
            async for event in events:
                yield event

    return resumed()


def _wanted(body: bytes) -> _Wanted:
    """Read a request.

    Raises:
        QuestionError: it cannot be meant.
    """
    try:
        return _Wanted.model_validate_json(body)
    except ValidationError as exc:
        fault = exc.errors()[0]
        param = ".".join(map(str, fault["loc"])) or None
        raise _WrongError(f"The request cannot be used: {fault['msg']}.", param) from exc


def _check_model(rag: Answering, name: str) -> None:
    known = (USUAL, "extractive", *rag.models)
    if name not in known:
        said = f"There is no model {name!r}; there are: {', '.join((USUAL, *rag.models))}."
        raise _WrongError(said, "model", code="model_not_found", status=404)


def _refusal(exc: RagError) -> Response:
    status, told = _error_of(exc)
    headers = {} if status in _AGAIN else {"x-should-retry": "false"}
    return JSONResponse(told, status_code=status, headers=headers)


def _error_of(exc: RagError) -> tuple[int, dict[str, object]]:
    """Return an error's status, and what is sent of it."""
    if isinstance(exc, _WrongError):
        return exc.status, error(exc.status, str(exc), param=exc.param, code=exc.code)
    status = 429 if isinstance(exc, TooManyError) else int(status_of(exc))
    return status, error(status, str(exc))


def _text(message: _Message) -> str:
    """Return the text of a message.

    Raises:
        QuestionError: it has another part than text.
    """
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    other = [part.type for part in message.content if part.type not in {"text", "refusal"}]
    if other:
        raise _WrongError(f"Only parts of type text can be read; got {other[0]!r}.", "messages")
    return "\n".join(part.text for part in message.content)


def _key(content: str) -> str:
    """Return what tells one answer from others, however white space was changed."""
    return " ".join(content.split())


def _source_line(citation: Citation) -> str:
    where = outcome.where(citation)
    place = f"{citation.title}, {citation.source_id}{f', {where}' if where else ''}"
    span = f"characters {citation.start}–{citation.end}"
    return f"[{citation.marker}] “{plain(citation.quote)}” — {plain(place)}, {span}"


def _annotations(answer: Answer, content: str) -> list[dict[str, object]]:
    """Return for each marker of the answer, where it stands in the content, what it cites."""
    cited = {citation.marker: citation for citation in answer.citations}
    told = content.rpartition(f"\n\n{_SOURCES}\n")[0]
    return [
        {"type": "url_citation", "url_citation": _cited(cited[int(match[1])], match)}
        for match in _MARKER.finditer(told)
        if int(match[1]) in cited
    ]


def _cited(citation: Citation, match: re.Match[str]) -> dict[str, object]:
    """Return a citation; beside the protocol's own fields the exact words and their place."""
    url = citation.source_id
    if not url.startswith(("http://", "https://")):
        url = f"{quote(url)}#char={citation.start},{citation.end}"
    return {
        "start_index": match.start(),
        "end_index": match.end(),
        "title": citation.title,
        "url": url,
        "file": citation.source_id,
        "page": citation.page,
        "place": citation.place,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
        "sha256": citation.sha256,
    }


def _end(answer: Answer) -> str:
    return "length" if any(step.code == "cut_off" for step in answer.steps) else "stop"


def _usage(answer: Answer) -> dict[str, int]:
    """Return the tokens of the chat models that were asked; 0 where none was."""
    asked, said = answer.usage.get("prompt", 0), answer.usage.get("completion", 0)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _about(asked: _Asked, kind: str) -> dict[str, object]:
    name = f"chatcmpl-{uuid4().hex}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": asked.model}


def _chunk(
    about: dict[str, object], delta: dict[str, object], end: str | None = None
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
    return {**about, "choices": [choice]}


def _sent(data: dict[str, object]) -> str:
    return f"data: {json.dumps(data)}\n\n"
