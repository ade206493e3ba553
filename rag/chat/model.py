"""What a chat model is to the program: messages in, a reply in pieces out."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, runtime_checkable

Message: TypeAlias = Mapping[str, str]
"""`role` (system, user, assistant) and `content`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A passage for a model that cites by itself."""

    title: str
    blocks: tuple[str, ...]
    """The passage's sentences: what can be cited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDelta:
    """A piece of a reply as it comes."""

    text: str
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens, `prompt` and `completion`, of the reply so far; most providers tell them at the end."""
    finish: str = ""
    """Why the reply ended, in the provider's word; empty until it does."""
    anew: bool = False
    """All that was said before this piece was thought aloud: the reply begins with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """A whole reply."""

    text: str
    usage: Mapping[str, int]
    finish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLimits:
    """How long and how much a model may write; seconds and UTF-8 bytes."""

    connect: float = 5.0
    """Until the server takes the connection."""
    first: float = 60.0
    """Until the first piece, retries included; a server that sends signs of life is waited for, up to `total`."""
    idle: float = 30.0
    """Between two pieces."""
    total: float = 180.0
    """For the whole reply."""
    backoff: float = 0.5
    """Before the first retry, where the server does not say; doubled for the next."""
    max_bytes: int = 256 * 1024


def limits_for(first: float) -> ChatLimits:
    """Return the limits of a model that may take so many seconds until its first word; for the rest it has two minutes.

    Args:
        first: seconds.
    """
    usual = ChatLimits()
    return replace(usual, first=first, total=max(usual.total, first + usual.total - usual.first))


class ChatModel(Protocol):
    """Anything that replies to messages."""

    @property
    def name(self) -> str:
        """Provider and model, as `Answer.model` shows it."""

    @property
    def cites(self) -> bool:
        """Whether it takes documents and cites them by itself."""

    def stream(
        self, messages: Sequence[Message], documents: Sequence[Document] = ()
    ) -> Generator[ChatDelta]:
        """Yield the reply as it comes. Closing the generator stops the model.

        Args:
            messages: what is asked.
            documents: for a model that cites, what it may cite; marker [k] in the text that comes back
                names the k-th block, counted from 1 through all documents. Empty for others.

        Raises:
            ChatError: there is no whole reply; what was yielded is not to be trusted.
        """


@runtime_checkable
class AtOnce(Protocol):
    """A model that can be asked for a reply in one piece, as one is that nobody reads while it comes."""

    def whole(
        self, messages: Sequence[Message], documents: Sequence[Document] = ()
    ) -> Generator[ChatDelta]:
        """Yield the reply in one piece, empty ones before it while the model is silent; see `ChatModel.stream`."""


def asked_at_once(
    model: ChatModel, messages: Sequence[Message], documents: Sequence[Document] = ()
) -> Generator[ChatDelta]:
    """Yield a reply that nobody reads while it comes: in one piece from a model that has `whole`.

    Raises:
        ChatError: see `ChatModel.stream`.
    """
    if isinstance(model, AtOnce):
        return model.whole(messages, documents)
    return model.stream(messages, documents)


@runtime_checkable
class Windowed(Protocol):
    """A model that may know how much it can take in."""

    @property
    def window(self) -> int:
        """Tokens that it can take in and write together, as far as its provider tells; 0 where it does not."""


def window_of(model: ChatModel) -> int:
    """Return the tokens that a model can take in and write together; 0 where that is not known."""
    return model.window if isinstance(model, Windowed) else 0


def complete(
    model: ChatModel, messages: Sequence[Message], documents: Sequence[Document] = ()
) -> ChatReply:
    """Return the whole reply; the arguments are those of `ChatModel.stream`.

    Raises:
        ChatError: there is none.
    """
    texts: list[str] = []
    usage: dict[str, int] = {}
    finish = ""
    for delta in model.stream(messages, documents):
        if delta.anew:
            texts.clear()
        texts.append(delta.text)
        usage.update(delta.usage)
        finish = delta.finish or finish
    return ChatReply(text="".join(texts), usage=usage, finish=finish)
