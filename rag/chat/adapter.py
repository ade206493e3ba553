"""Holds a chat model of langchain to deadlines, a size and a whole reply.

The libraries' own limits bound a read, not a reply; not all have one; and a stream that ends early passes for a
whole answer. So replies are awaited in one event loop of this process, where giving one up closes its connection
at once, and whoever asked waits on a queue for no longer than allowed.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.chat.faults import Fault, judged, too_long
from rag.chat.model import ChatDelta, ChatLimits, Document, Message
from rag.chat.native import Marking, with_documents
from rag.chat.thinking import Thinking
from rag.chat.trial import ChatServer
from rag.chat.wire import ALIVE
from rag.errors import ChatError, ChatOutputError, ChatTimeoutError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessageChunk

    from rag.chat.local import LocalModel

MOST_RETRIES = 2
"""Of a request that failed before its first piece, for a reason that may pass."""
LONGEST_WAIT = 20.0
"""Seconds that a server may ask to wait before a retry; one that asks for more is believed and given up."""
PULSE = 0.25
"""Seconds after which a silent model is passed on as an empty piece, so that whoever reads can leave."""

_FINISH_KEYS = ("finish_reason", "stop_reason", "done_reason")
_REFUSED = frozenset(("content_filter", "refusal", "safety"))
_END = object()

Call: TypeAlias = Mapping[str, Any]
"""Options of one call to a model."""


class LangchainChatModel:
    """A chat model of langchain, held to limits.

    Args:
        model: does the talking.
        name: provider and model.
        limits: deadlines and size.
        says_finish: whether a reply without a finish marker is one that was cut off.
        call: options passed with each request, such as a provider's own timeout.
        cites: whether it takes documents and cites them as Anthropic's do.
        server: where it is asked; None for a model in this process.
        window: asks its provider what it can take in, once; 0 where that is not known.
    """

    def __init__(
        self,
        model: BaseChatModel | LocalModel,
        *,
        name: str,
        limits: ChatLimits | None = None,
        says_finish: bool = True,
        call: Call | None = None,
        cites: bool = False,
        server: ChatServer | None = None,
        window: Callable[[], int] | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._limits = limits or ChatLimits()
        self._says_finish = says_finish
        self._call = dict(call or {})
        self._cites = cites
        self.server = server
        self._ask_window = window or (lambda: 0)
        self._unmarked = False
        """Whether it was seen to end thoughts whose beginning it does not send."""

    @property
    def name(self) -> str:
        """Provider and model."""
        return self._name

    @property
    def cites(self) -> bool:
        """Whether it takes documents and cites them by itself."""
        return self._cites

    @cached_property
    def window(self) -> int:
        """Tokens that it can take in and write together; 0 where its provider does not tell."""
        profile = getattr(self._model, "profile", None) or {}
        return int(profile.get("max_input_tokens") or 0) or self._ask_window()

    def stream(
        self, messages: Sequence[Message], documents: Sequence[Document] = ()
    ) -> Generator[ChatDelta]:
        """Yield the reply as it comes; an empty piece says that the model is silent.

        Raises:
            ChatError: see `ChatModel.stream`.
        """
        return self._replied(messages, documents, streamed=True)

    def whole(
        self, messages: Sequence[Message], documents: Sequence[Document] = ()
    ) -> Generator[ChatDelta]:
        """Yield the reply in one piece, without a stream; an empty piece says that the model is silent.

        Raises:
            ChatError: see `ChatModel.stream`.
        """
        return self._replied(messages, documents, streamed=False)

    def _replied(
        self, messages: Sequence[Message], documents: Sequence[Document], *, streamed: bool
    ) -> Generator[ChatDelta]:
        """Yield the reply, within its size, and refuse one that is not whole."""
        size, finish, said = 0, "", False
        usage: dict[str, int] = {}
        asked = with_documents(messages, documents) if documents else list(map(dict, messages))
        for delta in self._in_time(asked, documents, streamed=streamed):
            size += len(delta.text.encode("utf-8", "replace"))
            if size > self._limits.max_bytes:
                raise too_long(self._name, self._limits.max_bytes)
            finish = delta.finish or finish
            said = bool(delta.text.strip()) or (said and not delta.anew)
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

    def _in_time(
        self, messages: list[Any], documents: Sequence[Document], *, streamed: bool
    ) -> Generator[ChatDelta]:
        """Yield pieces while they come in time; leaving ends the request and its connection."""
        pieces: queue.Queue[object] = queue.Queue()
        request = _in_loop(self._produce(messages, documents, pieces, streamed=streamed))
        started = time.monotonic()
        total, due = started + self._limits.total, started + self._limits.first
        said = False
        try:
            while True:
                try:
                    piece = pieces.get(timeout=max(0.0, min(PULSE, due - time.monotonic())))
                except queue.Empty:
                    if time.monotonic() >= min(due, total):
                        raise self._late(total) from None
                    yield ChatDelta(text="")
                    continue
                if piece is _END:
                    return
                if isinstance(piece, ChatError):
                    raise piece
                if isinstance(piece, ChatDelta):
                    said = said or bool(piece.text)
                    yield piece
                if time.monotonic() >= total:
                    raise self._late(total)
                # A piece without a word says that the server lives, not that the model is done reading.
                idle = time.monotonic() + self._limits.idle
                due = min(idle if said else max(due, idle), total)
        finally:
            request.cancel()

    def _late(self, total: float) -> ChatTimeoutError:
        """Return the error for a model that is silent for too long, or talks for too long."""
        if time.monotonic() >= total:
            return ChatTimeoutError(
                f"{self._name} took longer than {self._limits.total:g} s for one answer and was stopped."
                " Ask a narrower question, or choose a faster model (RAG_LLM)."
            )
        return ChatTimeoutError(
            f"{self._name} did not answer in time. Ask again, or choose a faster model (RAG_LLM)."
        )

    async def _produce(
        self,
        messages: list[Any],
        documents: Sequence[Document],
        pieces: queue.Queue[object],
        *,
        streamed: bool,
    ) -> None:
        """Put the reply's pieces into the queue, and at last its end or why there is none."""
        started, size, attempt = time.monotonic(), 0, 0
        ALIVE.set(lambda: pieces.put(ChatDelta(text="")))
        while True:
            model, thinking = self._model, Thinking(unmarked=self._unmarked)
            try:
                asking = (model.astream if streamed else _at_once(model))(messages, **self._call)
                async with aclosing(_deltas(asking, documents, thinking)) as deltas:
                    async for delta in deltas:
                        self._unmarked = thinking.unmarked
                        pieces.put(delta)
                        size += len(delta.text)
                        if size > self._limits.max_bytes:
                            break
            except Exception as exc:  # noqa: BLE001  (the providers' libraries share no base class)
                if not size and self._without_temperature(model, exc):
                    continue
                fault = judged(exc, self._name)
                wait = self._wait(fault, attempt)
                if size or wait is None or time.monotonic() - started + wait > self._limits.first:
                    pieces.put(fault.error)
                    return
                attempt += 1
                await asyncio.sleep(wait)
            else:
                pieces.put(_END)
                return

    def _without_temperature(self, model: Any, exc: Exception) -> bool:  # noqa: ANN401  (any of langchain)
        """Leave the temperature to a model that refuses ours, from now on; tell whether that is why it failed."""
        ours = getattr(model, "temperature", None) is not None
        if not ours or "temperature" not in str(exc).lower():
            return False
        self._model = model.model_copy(update={"temperature": None})
        return True

    def _wait(self, fault: Fault, attempt: int) -> float | None:
        """Return the seconds to wait before asking again; None where that makes no sense."""
        if not fault.passing or attempt >= MOST_RETRIES:
            return None
        if fault.retry_after is not None:
            return fault.retry_after if fault.retry_after <= LONGEST_WAIT else None
        spread = random.uniform(0.75, 1.25)  # noqa: S311  (so that not all come back at once)
        return float(self._limits.backoff * 2**attempt * spread)


def _at_once(model: Any) -> Callable[..., AsyncIterator[Any]]:  # noqa: ANN401  (any of langchain)
    """Return what asks a model for its reply in one piece; one that cannot do so is asked for a stream."""
    if not hasattr(model, "ainvoke"):
        return model.astream  # type: ignore[no-any-return]

    async def asking(messages: Sequence[Any], **call: Any) -> AsyncIterator[Any]:  # noqa: ANN401
        yield await model.ainvoke(messages, **call)

    return asking


async def _deltas(
    chunks: AsyncIterator[BaseMessageChunk], documents: Sequence[Document], thinking: Thinking
) -> AsyncGenerator[ChatDelta]:
    """Yield a model's chunks as ours, citations of documents as markers and without what it thinks aloud."""
    marking = Marking(documents) if documents else None
    try:
        async for chunk in chunks:
            text = str(chunk.text) if marking is None else marking.text(chunk)
            said = thinking.text(text)
            yield replace(_delta(chunk, said), anew=thinking.anew())
        yield ChatDelta(text=thinking.rest() + (marking.rest() if marking is not None else ""))
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def _delta(chunk: BaseMessageChunk, text: str) -> ChatDelta:
    """Return a chunk of langchain with these words, its tokens for itself."""
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
    return ChatDelta(text=text, usage=usage, finish=finish)


def _in_loop(work: Coroutine[Any, Any, None]) -> Future[None]:
    """Run a coroutine in the loop of all chat models; cancelling the future ends it."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the one loop, in a thread of its own: the libraries share connections between models."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="rag-chat", daemon=True).start()
    return loop
