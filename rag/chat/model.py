"""What a chat model is to the program: messages in, a reply in pieces out."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

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
    """Until the first piece, retries included."""
    idle: float = 30.0
    """Between two pieces."""
    total: float = 180.0
    """For the whole reply."""
    backoff: float = 0.5
    """Before the first retry, where the server does not say; doubled for the next."""
    max_bytes: int = 256 * 1024


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
        texts.append(delta.text)
        usage.update(delta.usage)
        finish = delta.finish or finish
    return ChatReply(text="".join(texts), usage=usage, finish=finish)
