"""The border of the web API: what a caller gets wrong is told in a sentence with a status of its own.

Gradio by itself calls all of it a fault of the server, most often without a word, and prints what was sent. An ASGI
middleware: it looks at calls before Gradio does, and at what Gradio says of those that fail.
"""

from __future__ import annotations

import json
import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from rag.errors import (
    ChatError,
    ChatTimeoutError,
    CollectionNotFoundError,
    IndexStateError,
    QuestionError,
    RagError,
    SourceNotFoundError,
)
from rag.web.asking import BUSY, OUR_FAULT, Places, TooManyError
from rag.web.hardening import Refused
from rag.web.logs import trail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Note = Callable[[bytes], None]
    """Is given the body of a response that grants."""

log = logging.getLogger(__name__)

ENDPOINT = "ask"
"""The one function for programs."""

_API = "/gradio_api/"
_PAGE = "predict"
"""What the page's own calls name, beside the number of a function."""
_CALL = re.compile(r"/gradio_api/(?P<way>run|call/v2|call)/(?P<name>[^/]*)/?")
_READ = re.compile(r"/gradio_api/call/(?:v2/)?(?P<name>[^/]*)/(?P<event>[^/]*)")
_JOIN = "/gradio_api/queue/join"
_SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)
_ARGUMENTS = ("question", "history", "model", "sources", "collection")
_MOST_EVENTS = 4096
"""Answers that may wait to be read; the one that was asked for first is forgotten first."""

_NO_NAME = f"There is no endpoint of that name; there is {ENDPOINT!r}."
_NO_EVENT = "There is no such answer: it was never asked for, or it has been read."
_NO_JSON = "The body of this request is to be JSON, and cannot be read as that."
_NO_DATA = 'The body is to be an object with "data", a list: the question, then what goes with it.'
_NO_TEXT = 'The question, which comes first in "data", is to be a text.'
_SAID: Mapping[int, str] = {
    404: "There is nothing here.",
    405: "This path is not to be asked in that way.",
    413: "This request is too long.",
    415: "This kind of content cannot be read here.",
    422: "This request has not the form that this path wants.",
    503: BUSY,
}
_WRONG = "This request cannot be answered as it is."


class Border:
    """Wraps the application that serves the API.

    Args:
        app: what is behind the border.
        functions: the API's name of each function by its number; "" for those that only the page calls.
    """

    def __init__(self, app: ASGIApp, *, functions: Mapping[int, str]) -> None:
        self._app = app
        self._functions = functions
        self._unread: OrderedDict[str, None] = OrderedDict()
        self._places = Places()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless it is wrong.

        Raises:
            Refused: it is, or something went wrong here.
        """
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        calling = _CALL.fullmatch(scope["path"])
        is_call = calling is not None and calling["way"] != "run"
        response = _Response(send, self._note if is_call else None)
        try:
            await self._passed_on(scope, receive, response)
        except Refused:
            raise
        except Exception as exc:  # noqa: BLE001  (whatever it was)
            if not _is_refusal(exc):
                log.error("A request could not be answered: %s", trail(exc))  # noqa: TRY400
            if not response.started:
                raise Refused(500, OUR_FAULT) from None

    async def _passed_on(self, scope: Scope, receive: Receive, response: _Response) -> None:
        """Check what the path wants to be checked, and pass it on."""
        path = scope["path"]
        reading = _READ.fullmatch(path)
        if scope["method"] == "GET" and reading is not None:
            self._read(reading["name"], reading["event"])
        calling = _CALL.fullmatch(path)
        if scope["method"] != "POST" or not (calling or path.rstrip("/") == _JOIN):
            await self._app(scope, receive, response.send)
            return
        way, name = (calling["way"], calling["name"]) if calling else ("join", _PAGE)
        body = await _whole(receive)
        if body is None:
            return
        self._check(way, name, body)
        work = partial(self._app, scope, _again(body, receive), response.send)
        await (self._in_turn(work) if (way, name) == ("run", ENDPOINT) else work())

    def _check(self, way: str, name: str, body: bytes) -> None:
        """Refuse a call that cannot be meant."""
        if name != ENDPOINT and (name != _PAGE or way not in {"run", "join"}):
            raise Refused(404, _NO_NAME)
        try:
            call = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, _NO_JSON) from None
        if way == "call/v2":
            _check_named(call)
            return
        if not isinstance(call, dict) or not isinstance(call.get("data"), list):
            raise Refused(400, _NO_DATA)
        session = call.get("session_hash")
        if session is not None and not (isinstance(session, str) and _SESSION.fullmatch(session)):
            raise Refused(400, '"session_hash" is to be a short word of letters and digits.')
        if way == "join" and session is None:
            raise Refused(400, '"session_hash" is missing from the call.')
        self._check_function(name, call)

    def _check_function(self, name: str, call: Mapping[str, Any]) -> None:
        number = call.get("fn_index")
        if number is None and name == _PAGE:
            raise Refused(404, _NO_NAME)
        if number is not None and (type(number) is not int or number not in self._functions):
            raise Refused(404, '"fn_index" names no function here.')
        if (name if number is None else self._functions[number]) == ENDPOINT:
            _check_question(next(iter(call["data"]), None))

    def _read(self, name: str, event: str) -> None:
        """Let an answer be read once: what has been read would be waited for without an end."""
        if name != ENDPOINT or event not in self._unread:
            raise Refused(404, _NO_EVENT)
        del self._unread[event]

    def _note(self, body: bytes) -> None:
        """Remember the event that a call was given."""
        try:
            event = json.loads(body)["event_id"]
        except (ValueError, TypeError, LookupError):
            return
        self._unread[event] = None
        if len(self._unread) > _MOST_EVENTS:
            self._unread.popitem(last=False)

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Keep the limits of the queue for what goes past it."""
        try:
            async with self._places.taken():
                await work()
        except TooManyError as exc:
            raise Refused(503, str(exc)) from None


class _Response:
    """Passes a response on; one that refuses is held until it is whole, and put into words.

    Args:
        send: takes what is passed on.
        note: is given the body of a response that grants; None where nobody wants it.
    """

    def __init__(self, send: Send, note: Note | None) -> None:
        self._send = send
        self._note = note
        self._held: Message | None = None
        self._body = b""
        self.started = False

    async def send(self, message: Message) -> None:
        """Take the next part."""
        if message["type"] == "http.response.start":
            is_wrong = message["status"] >= HTTPStatus.BAD_REQUEST
            self._held = message if is_wrong or self._note is not None else None
        if self._held is None:
            self.started = True
            await self._send(message)
            return
        if message["type"] == "http.response.start":
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._finish(self._held)

    async def _finish(self, start: Message) -> None:
        """Pass on what was held."""
        self._held = None
        status, body = start["status"], self._body
        if status >= HTTPStatus.BAD_REQUEST:
            status, body = _worded(status, body)
            start = {
                **start,
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                ],
            }
        elif self._note is not None:
            self._note(body)
        self.started = True
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def status_of(exc: RagError) -> HTTPStatus:
    """Return the status of an answer that there is not: whose mistake it is, and what can be done."""
    kinds: tuple[tuple[type[RagError], HTTPStatus], ...] = (
        (QuestionError, HTTPStatus.BAD_REQUEST),
        (SourceNotFoundError, HTTPStatus.NOT_FOUND),
        (CollectionNotFoundError, HTTPStatus.NOT_FOUND),
        (ChatTimeoutError, HTTPStatus.GATEWAY_TIMEOUT),
        (ChatError, HTTPStatus.BAD_GATEWAY),
        (IndexStateError, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    found = (status for kind, status in kinds if isinstance(exc, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def _worded(status: int, body: bytes) -> tuple[int, bytes]:
    """Return the status that was meant, and a sentence."""
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    # A fault that Gradio reports has no status of its own: the title says which.
    meant = {one.phrase: one.value for one in HTTPStatus}.get(str(told.get("title")), status)
    sentence = told.get("error")
    if not isinstance(sentence, str) or not sentence:
        sentence = _SAID.get(meant, _WRONG if meant < 500 else OUR_FAULT)
    kept = {"detail": sentence} if "detail" in told else {}
    return meant, json.dumps({**told, **kept, "error": sentence}).encode()


def _check_named(call: object) -> None:
    """Check a call that gives its arguments by their names."""
    if not isinstance(call, dict):
        raise Refused(400, "The body is to be an object that names the arguments.")
    if not call.keys() <= set(_ARGUMENTS):
        raise Refused(400, f"The arguments are {', '.join(_ARGUMENTS)}, and no others.")
    _check_question(call.get("question"))


def _check_question(question: object) -> None:
    """Refuse what is no text; what is wrong with a text is told with the answer, in the way of the call."""
    if not isinstance(question, str):
        raise Refused(400, _NO_TEXT)


def _is_refusal(exc: Exception) -> bool:
    """Tell whether an error of a framework only says no."""
    return getattr(exc, "status_code", 500) < 500


async def _whole(receive: Receive) -> bytes | None:
    """Return the body; None where the caller has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what hands out a body that was read, and then whatever comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
