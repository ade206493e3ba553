"""Chat models: a protocol, and any provider of langchain behind it, held to deadlines and a size.

Whatever a provider's library raises comes out as one of our errors, a sentence without the
library's own words, since those may hold a key. Knows no prompt and no citation.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from rag.errors import (
    ChatConnectionError,
    ChatError,
    ChatOutputError,
    ChatRefusedError,
    ChatSetupError,
    ChatTimeoutError,
    SettingsError,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessageChunk

Message: TypeAlias = Mapping[str, str]
"""`role` (system, user, assistant) and `content`."""

EXTRAS = ("openai", "anthropic", "ollama")
"""Providers that are extras of this package; each says how its answers end."""

_FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason")
_REFUSED = frozenset(("content_filter", "refusal", "safety"))
_SPEC = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(\S(?:.*\S)?)\s*")
_END = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDelta:
    """A piece of a reply as it comes."""

    text: str
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens, `prompt` and `completion`, of the reply so far; most providers tell them at the end."""
    finish: str = ""
    """Why the reply ended, in the provider's word; empty until it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A whole reply."""

    text: str
    usage: Mapping[str, int]
    finish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLimits:
    """How long and how much a model may write; seconds and UTF-8 bytes."""

    first: float = 60.0
    """Until the first piece."""
    idle: float = 30.0
    """Between two pieces."""
    total: float = 180.0
    """For the whole reply."""
    max_bytes: int = 256 * 1024


class ChatModel(Protocol):
    """Anything that replies to messages."""

    @property
    def name(self) -> str:
        """Provider and model, as `Answer.model` shows it."""

    def stream(self, messages: Sequence[Message]) -> Iterator[ChatDelta]:
        """Yield the reply as it comes. Closing the iterator stops the model.

        Raises:
            ChatError: there is no whole reply; what was yielded is not to be trusted.
        """


def complete(model: ChatModel, messages: Sequence[Message]) -> ChatReply:
    """Return the whole reply.

    Raises:
        ChatError: there is none.
    """
    texts: list[str] = []
    usage: dict[str, int] = {}
    finish = ""
    for delta in model.stream(messages):
        texts.append(delta.text)
        usage.update(delta.usage)
        finish = delta.finish or finish
    return ChatReply(text="".join(texts), usage=usage, finish=finish)


class LangchainChatModel:
    """A chat model of langchain, held to limits.

    Args:
        model: does the talking.
        name: provider and model.
        limits: deadlines and size.
        says_finish: whether a reply without a finish marker is one that was cut off.
    """

    def __init__(
        self,
        model: BaseChatModel,
        *,
        name: str,
        limits: ChatLimits | None = None,
        says_finish: bool = True,
    ) -> None:
        self._model = model
        self._name = name
        self._limits = limits or ChatLimits()
        self._says_finish = says_finish

    @property
    def name(self) -> str:
        """Provider and model."""
        return self._name

    def stream(self, messages: Sequence[Message]) -> Iterator[ChatDelta]:
        """Yield the reply as it comes.

        Raises:
            ChatError: see `ChatModel.stream`.
        """
        size, finish, said = 0, "", False
        usage: dict[str, int] = {}
        for delta in self._in_time(messages):
            size += len(delta.text.encode("utf-8", "replace"))
            if size > self._limits.max_bytes:
                raise ChatOutputError(
                    f"{self._name} wrote more than {self._limits.max_bytes // 1024} KB for one answer and was"
                    " stopped. Ask again, or choose another model (RAG_LLM)."
                )
            finish = delta.finish or finish
            said = said or bool(delta.text.strip())
            for kind, n_tokens in delta.usage.items():
                usage[kind] = usage.get(kind, 0) + n_tokens
            yield replace(delta, usage=dict(usage))
        self._check_end(finish, said=said)

    def _check_end(self, finish: str, *, said: bool) -> None:
        """Refuse a reply that is cut off, withheld or empty."""
        if finish.lower() in _REFUSED:
            raise ChatOutputError(
                f"{self._name} withheld its answer ({finish}). Ask in other words, or choose another model (RAG_LLM)."
            )
        if self._says_finish and not finish:
            raise ChatOutputError(
                f"The answer of {self._name} was cut off. Ask again; if it happens again, look at the model's server."
            )
        if not said:
            raise ChatOutputError(
                f"{self._name} answered with nothing. Check that it is a chat model and that the base URL is right."
            )

    def _in_time(self, messages: Sequence[Message]) -> Iterator[ChatDelta]:
        """Yield pieces while they come in time; a thread of its own waits for the provider.

        The libraries' own timeouts bound a read, not a reply, and not all of them have one.
        """
        pieces: queue.Queue[object] = queue.Queue()
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._produce,
            args=(list(messages), pieces, stopped),
            daemon=True,
            name="rag-chat",
        )
        thread.start()
        deadline = time.monotonic() + self._limits.total
        wait = self._limits.first
        try:
            while True:
                try:
                    piece = pieces.get(timeout=max(0.0, min(wait, deadline - time.monotonic())))
                except queue.Empty:
                    raise ChatTimeoutError(
                        f"{self._name} did not answer in time. Ask again, or choose a faster model (RAG_LLM)."
                    ) from None
                if piece is _END:
                    return
                if isinstance(piece, ChatError):
                    raise piece
                if isinstance(piece, ChatDelta):
                    yield piece
                if time.monotonic() >= deadline:
                    raise ChatTimeoutError(
                        f"{self._name} took longer than {self._limits.total:g} s for one answer and was stopped."
                        " Ask a narrower question, or choose a faster model (RAG_LLM)."
                    )
                wait = self._limits.idle
        finally:
            stopped.set()

    def _produce(
        self, messages: list[Message], pieces: queue.Queue[object], stopped: threading.Event
    ) -> None:
        """Read the provider's stream into the queue until it ends, fails or nobody listens."""
        size = 0
        try:
            chunks = self._model.stream([dict(message) for message in messages])
            try:
                for chunk in chunks:
                    delta = _delta(chunk)
                    size += len(delta.text)
                    pieces.put(delta)
                    if stopped.is_set() or size > self._limits.max_bytes:
                        break
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except Exception as exc:  # noqa: BLE001  (the providers' libraries share no base class)
            pieces.put(translated(exc, self._name))
        else:
            pieces.put(_END)


def _delta(chunk: BaseMessageChunk) -> ChatDelta:
    """Return what a chunk of langchain says, its tokens for itself; reasoning is no part of it."""
    counted: Mapping[str, Any] = getattr(chunk, "usage_metadata", None) or {}
    usage = {
        ours: int(counted[theirs])
        for ours, theirs in (("prompt", "input_tokens"), ("completion", "output_tokens"))
        if theirs in counted
    }
    about = chunk.response_metadata or {}
    finish = next((str(about[key]) for key in _FINISH_KEYS if about.get(key)), "")
    if not finish and about.get("done"):
        finish = "done"
    return ChatDelta(text=str(chunk.text), usage=usage, finish=finish)


def translated(exc: BaseException, name: str) -> ChatError:
    """Return the error of ours that a foreign one is.

    Its message names the foreign class and status, never its text. It is told by status, then by
    the names of its classes: the libraries need not be installed for it.
    """
    if isinstance(exc, ChatError):
        return exc
    status = _status(exc)
    what = f"({type(exc).__name__}{f', status {status}' if status else ''})"
    if status:
        return _of_status(status, name, what)
    kinds = " ".join(kind.__name__ for kind in type(exc).__mro__)
    if re.search(r"Timeout", kinds):
        return ChatTimeoutError(f"{name} did not answer in time {what}. Ask again later.")
    if re.search(r"api.?key|credential", str(exc), re.IGNORECASE):
        return _no_key(name, what)
    if re.search(r"Connect|Network|Protocol|SSL|ReadError|OSError|RemoteError", kinds):
        return ChatConnectionError(
            f"{name} cannot be reached {what}. Check that its server runs and that RAG_LLM_BASE_URL is right."
        )
    return ChatOutputError(
        f"The answer of {name} was not understood {what}. Check that its server speaks the provider's protocol."
    )


def _status(exc: BaseException) -> int | None:
    """Return the HTTP status that an error carries."""
    for holder in (exc, getattr(exc, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and status >= 100:
            return status
    return None


def _of_status(status: int, name: str, what: str) -> ChatError:
    if status in {401, 403}:
        return ChatRefusedError(
            f"{name} refused the request {what}: the key in the environment is wrong or lacks permission."
        )
    if status == 404:
        return ChatSetupError(
            f"{name} is not there {what}. Check the model's name in RAG_LLM, and RAG_LLM_BASE_URL."
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
        f"{name} did not accept the request {what}. Try another model (RAG_LLM)."
    )


def _no_key(name: str, what: str) -> ChatSetupError:
    provider = name.partition(":")[0]
    variable = f"{provider.upper().replace('-', '_')}_API_KEY"
    return ChatSetupError(
        f"{name} needs a key {what}: set {variable} in the environment. Keys are read from nowhere else."
    )


def load_chat_model(
    spec: str, *, base_url: str = "", limits: ChatLimits | None = None
) -> ChatModel:
    """Return the chat model of that name.

    Args:
        spec: `provider:model`, such as `openai:gpt-5`, `anthropic:claude-sonnet-4-5` or
        `ollama:llama3.2`.
        base_url: of a server that speaks the provider's protocol, such as llama.cpp's or vLLM's
        with `openai:`;
            such a server may do without a key.
        limits: deadlines and size.

    Raises:
        SettingsError: the spec is no `provider:model`, or there is no such provider.
        ChatSetupError: the provider's package or key is missing.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SettingsError(
            f"RAG_LLM is {spec!r}, which names no model. Write provider:model, such as openai:gpt-5 or"
            " ollama:llama3.2; leave it empty to answer without one."
        )
    provider, model_name = match[1].lower().replace("-", "_"), match[2]
    limits = limits or ChatLimits()
    options = _options(provider, base_url, limits)
    name = f"{provider}:{model_name}"
    try:
        model = _initialised(provider, model_name, options, name)
    except ChatSetupError:
        # Servers on one's own machine want no key; the library wants some text in its place.
        if not base_url or provider != "openai":
            raise
        model = _initialised(provider, model_name, options | {"api_key": "none"}, name)
    return LangchainChatModel(model, name=name, limits=limits, says_finish=provider in EXTRAS)


def _options(provider: str, base_url: str, limits: ChatLimits) -> dict[str, Any]:
    """Return what a provider's langchain class is made with."""
    options: dict[str, Any] = {}
    if base_url:
        options["base_url"] = base_url
    if provider in {"openai", "anthropic"}:
        options |= {"timeout": limits.idle, "max_retries": 2}
    elif provider == "ollama":
        options["client_kwargs"] = {"timeout": limits.first}
    return options


def _initialised(
    provider: str, model_name: str, options: Mapping[str, Any], name: str
) -> BaseChatModel:
    """Make a langchain model, with its faults as ours."""
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(model_name, model_provider=provider, **options)
    except ImportError:
        package = f"langchain-{provider.replace('_', '-')}"
        wanted = f"'footnote-rag[{provider}]'" if provider in EXTRAS else package
        raise ChatSetupError(
            f"{name} needs a package that is not installed. Install it: pip install {wanted}"
        ) from None
    except ValueError as exc:
        if "provider" not in str(exc).lower():
            raise translated(exc, name) from None
        raise SettingsError(
            f"RAG_LLM names the provider {provider!r}, which is not known. Known are {', '.join(EXTRAS)} and"
            " those of langchain's init_chat_model; for a server that speaks OpenAI's protocol write openai:"
            " and set RAG_LLM_BASE_URL."
        ) from None
    except Exception as exc:  # noqa: BLE001  (the providers' libraries share no base class)
        raise translated(exc, name) from None
    return model
