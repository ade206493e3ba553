"""Says what to do where a model does not answer, by what its server has and says.

For whoever sets a model up: it asks the server, in little time, and nothing here is on the way of an answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal

from rag.chat.model import ChatModel, complete
from rag.chat.window import told_json, told_window
from rag.errors import ChatConnectionError, ChatError, ChatSetupError, ChatTimeoutError

_OWN = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434",
}
"""Where each provider is asked by itself."""
_ANTHROPIC_VERSION = "2023-06-01"
_MOST_NAMES = 8
_TOO_LONG = re.compile(
    r"context|too (?:long|large|many tokens)|maximum.{0,40}tokens|exceed", re.IGNORECASE
)
_NO_MODEL = re.compile(r"\bmodel\b.*\b(?:not|no|unknown|exist|found|invalid)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatServer:
    """Where a model is asked."""

    provider: str
    model: str
    base_url: str
    """Empty for the provider's own."""
    key: str = field(default="", repr=False)
    """Empty where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of asking a model for one word."""

    state: Literal["ok", "warn", "fail"]
    message: str
    """May hold the server's own words, and with them a key."""
    remedy: str = ""
    """What to do; empty where nothing needs doing, or nobody knows."""


def tried(model: ChatModel) -> Trial:
    """Ask a model for one word, and say what is wrong where there is none."""
    start = time.monotonic()
    try:
        reply = complete(model, [{"role": "user", "content": "Reply with one word: ready"}])
    except ChatError as exc:
        words = f" Its server said: “{exc.said}”." if exc.said else ""
        server: ChatServer | None = getattr(model, "server", None)
        return Trial(
            state="fail",
            message=f"{exc}{words}",
            remedy="\n".join(_advice(server, exc)) if server is not None else "",
        )
    if not reply.text.strip():
        message = f"{model.name} replied with nothing"
        return Trial(state="warn", message=message, remedy="Try another model (RAG_LLM).")
    seconds = time.monotonic() - start
    return Trial(state="ok", message=f"{model.name} replied in {seconds:.1f} s")


def listed_models(server: ChatServer) -> tuple[str, ...] | None:
    """Return the names of the models that a server has, as it lists them; None where it does not tell."""
    rows, name = ("models", "name") if server.provider == "ollama" else ("data", "id")
    try:
        return tuple(str(row[name]) for row in _list(server)[rows] or ())
    except Exception:  # noqa: BLE001  (the libraries share no base class, and nothing depends on it)
        return None


def unlisted(server: ChatServer) -> str:
    """Say why a server lists no models, as far as can be told, and what to do."""
    url = _url(server)
    status = _status(server)
    if status in {401, 403}:
        return f"The server at {url} refuses the key (status {status}). Check it, or type it anew."
    if server.provider == "openai" and _has_v1(server):
        return f"The URL lacks /v1: write {url}/v1"
    if server.provider == "ollama" and url.endswith("/v1"):
        return f"Ollama's own URL has no /v1: write {url.removesuffix('/v1')}"
    if not status:
        start = " Start it: ollama serve" if server.provider == "ollama" else ""
        return f"Nothing answers at {url}.{start or ' Start the server, or mend the address.'}"
    return f"The server at {url} lists no models. Write the model's name, and test it."


def _advice(server: ChatServer, error: ChatError) -> Iterator[str]:
    """Yield what to do about an error, a line each."""
    known = {"openai": _of_openai, "ollama": _of_ollama, "anthropic": _of_anthropic}.get(
        server.provider
    )
    if known is not None and not isinstance(error, ChatTimeoutError):
        yield from known(server, error)


def _of_openai(server: ChatServer, error: ChatError) -> Iterator[str]:
    """Advise on a server of OpenAI's protocol."""
    url, names = _url(server), listed_models(server)
    if names is None and _has_v1(server):
        yield f"The URL lacks /v1: write {url}/v1"
    elif names is None and isinstance(error, ChatConnectionError):
        yield f"Nothing answers at {url}: start the server, or mend the address (RAG_LLM_BASE_URL)."
    elif names is not None and server.model not in names and _is_missing(error):
        yield f"{_listed(names, server.model)} Name one of them (RAG_LLM={server.provider}:NAME)."
    elif _TOO_LONG.search(error.said):
        length = told_window("openai", server.model, server.base_url, key=server.key)
        yield _shorter(length, "-c, --max-model-len")


def _of_anthropic(server: ChatServer, error: ChatError) -> Iterator[str]:
    """Advise on Anthropic."""
    names = listed_models(server) if _is_missing(error) else None
    if names and server.model not in names:
        yield f"{_listed(names, server.model)} Name one of them (RAG_LLM=anthropic:NAME)."


def _of_ollama(server: ChatServer, error: ChatError) -> Iterator[str]:
    """Advise on Ollama."""
    url, names = _url(server), listed_models(server)
    if names is None and url.endswith("/v1"):
        yield f"Ollama's own URL has no /v1: write {url.removesuffix('/v1')}"
    elif names is None and isinstance(error, ChatConnectionError):
        yield f"No Ollama answers at {url}. Start it: ollama serve"
    elif _is_missing(error) and not {server.model, f"{server.model}:latest"} & set(names or ()):
        yield f"Fetch the model: ollama pull {server.model}"
        if names:
            yield _listed(names, server.model)
    elif _TOO_LONG.search(error.said):
        yield _shorter(0, "num_ctx")


def _list(server: ChatServer) -> Any:  # noqa: ANN401  (as JSON gives it)
    """Return what a server says of its models."""
    url = _url(server)
    if server.provider == "ollama":
        return told_json("httpx", f"{url}/api/tags", server.key)
    if server.provider == "anthropic":
        head = {"x-api-key": server.key, "anthropic-version": _ANTHROPIC_VERSION}
        return told_json("httpx2", f"{url}/v1/models?limit=1000", head=head)
    return told_json("httpx2", f"{url}/models", server.key)


def _status(server: ChatServer) -> int:
    """Return the HTTP status of a server that is asked for its models; 0 where nothing answers."""
    try:
        _list(server)
    except Exception as exc:  # noqa: BLE001  (the libraries share no base class)
        is_answer = isinstance(exc, ValueError)  # which is no JSON
        return int(getattr(getattr(exc, "response", None), "status_code", 200 * is_answer))
    return 200


def _url(server: ChatServer) -> str:
    """Return where a server is asked."""
    return server.base_url.rstrip("/") or _OWN.get(server.provider, "")


def _has_v1(server: ChatServer) -> bool:
    """Tell whether a server of OpenAI's protocol lists models one step below its URL."""
    below = replace(server, base_url=f"{_url(server)}/v1")
    return listed_models(below) is not None


def _is_missing(error: ChatError) -> bool:
    return isinstance(error, ChatSetupError) or bool(_NO_MODEL.search(error.said))


def _shorter(length: int, option: str) -> str:
    if length:
        return f"It takes in {length} tokens: set RAG_LLM_TOKENS={length}"
    return f"Lower RAG_LLM_TOKENS to what the server was started with ({option})."


def _listed(names: Sequence[str], wanted: str) -> str:
    """Name the models of a server, those first that are spelt nearly as the one that is wanted."""
    if not names:
        return "The server has no models."
    near = get_close_matches(wanted, names, n=_MOST_NAMES, cutoff=0.5)
    shown = [*near, *(name for name in names if name not in near)][:_MOST_NAMES]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"The server has {', '.join(shown)}{more}."
