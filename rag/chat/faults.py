"""Whatever a provider's library raises, as one of our errors.

A message never repeats the library's or the server's own words, since those may hold a key; the latter stand beside
it, for whoever sets the model up.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rag.chat.wire import BodyTooLongError
from rag.errors import (
    ChatConnectionError,
    ChatError,
    ChatOutputError,
    ChatRefusedError,
    ChatSetupError,
    ChatTimeoutError,
)

_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
"""Statuses of what may be over a moment later."""
_MOST_WORDS = 300
"""Characters of a server's words that are kept."""
_NO_KEY = re.compile(r"api.?key|auth.?token|credential|authentication method", re.IGNORECASE)
_NO_CONNECTION = re.compile(
    r"Connect|Network|Protocol|SSL|ReadError|WriteError|OSError|RemoteError"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What went wrong, and whether asking again may help."""

    error: ChatError
    passing: bool
    """It may be over a moment later."""
    retry_after: float | None = None
    """Seconds that the server asks to wait, at least 0; None where it does not say."""


def judged(exc: BaseException, name: str) -> Fault:
    """Return the fault that a foreign error is.

    Args:
        exc: whatever was raised.
        name: of the model.
    """
    error = translated(exc, name)
    error.said = error.said or _words(exc)
    status = _status(exc)
    passing = status in _PASSING if status else isinstance(error, ChatConnectionError)
    return Fault(error=error, passing=passing, retry_after=_retry_after(exc))


def translated(exc: BaseException, name: str) -> ChatError:
    """Return the error of ours that a foreign one is.

    Its message names the foreign class and status, never its text. It is told by status, then by
    the names of its classes: the libraries need not be installed for it.
    """
    if isinstance(exc, ChatError):
        return exc
    if isinstance(exc, BodyTooLongError):
        return too_long(name, exc.most_bytes)
    status = _status(exc)
    what = f"({type(exc).__name__}{f', status {status}' if status else ''})"
    if status:
        return _of_status(status, name, what)
    kinds = " ".join(kind.__name__ for kind in type(exc).__mro__)
    if "Timeout" in kinds:
        return ChatTimeoutError(f"{name} did not answer in time {what}. Ask again later.")
    if _NO_KEY.search(str(exc)):
        return no_key(name, what)
    if _NO_CONNECTION.search(kinds):
        return ChatConnectionError(
            f"{name} cannot be reached {what}. Check that its server runs and that its address (RAG_LLM_BASE_URL)"
            " is right."
        )
    return ChatOutputError(
        f"The answer of {name} was not understood {what}. Check that its server speaks the provider's protocol."
    )


def _status(exc: BaseException) -> int | None:
    """Return the HTTP status of an error; of one that a stream reports after a good start, none."""
    for holder in (exc, getattr(exc, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and status >= 400:
            return status
    return None


def _words(exc: BaseException) -> str:
    """Return what a server says of an error, on one line; '' where it says nothing that is known how to read."""
    said: object = getattr(exc, "body", None) or getattr(exc, "error", None)
    while isinstance(said, Mapping):
        said = said.get("message") or said.get("error")
    line = " ".join(said.split()) if isinstance(said, str) else ""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return shown if len(shown) <= _MOST_WORDS else f"{shown[:_MOST_WORDS]}…"


def _retry_after(exc: BaseException) -> float | None:
    """Return the seconds that the server asks to wait (RFC 9110, section 10.2.3), as seconds or a date."""
    # ollama's own error drops the response; the one that it was made of has it.
    for one in (exc, exc.__cause__, exc.__context__):
        headers = getattr(getattr(one, "response", None), "headers", None)
        if headers is not None:
            return _seconds(str(headers.get("retry-after", "")).strip())
    return None


def _seconds(value: str) -> float | None:
    """Read the value of a Retry-After header."""
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", value):
        return float(value)
    date = email.utils.parsedate_tz(value)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def _of_status(status: int, name: str, what: str) -> ChatError:
    if status in {401, 403}:
        return ChatRefusedError(
            f"{name} refused the request {what}: its key is wrong or lacks permission."
            f" Check {_variable(name)}, or the key that is kept in the system's keyring."
        )
    if status == 404:
        return ChatSetupError(
            f"{name} is not there {what}. Check the model's name (RAG_LLM) and its address (RAG_LLM_BASE_URL)."
        )
    if status == 408:
        return ChatTimeoutError(f"{name} did not answer in time {what}. Ask again later.")
    if status == 429:
        return ChatRefusedError(
            f"{name} has had too many requests, or its quota is spent {what}. Wait, then ask again."
        )
    if status >= 500:
        return ChatConnectionError(f"{name} has trouble of its own {what}. Ask again later.")
    return ChatRefusedError(
        f"{name} did not accept the request {what}. It may be longer than the model takes in: lower RAG_LLM_TOKENS,"
        " or try another model (RAG_LLM)."
    )


def too_long(name: str, most_bytes: int) -> ChatOutputError:
    """Return the error for a model that writes, or whose server sends, more bytes than it may."""
    return ChatOutputError(
        f"{name} sent more than {most_bytes // 1024} KB for one answer and was stopped. Ask again, or choose"
        " another model (RAG_LLM)."
    )


def no_key(name: str, what: str = "") -> ChatSetupError:
    """Return the error for a model whose key is not set; `what` is in parentheses."""
    return ChatSetupError(
        f"{name} needs a key{what and f' {what}'}: set {_variable(name)} in the environment, or type it into the"
        " settings of the page."
    )


def _variable(name: str) -> str:
    """Return the variable that a provider's key is in, by the custom that they share."""
    return f"{name.partition(':')[0].upper().replace('-', '_')}_API_KEY"
