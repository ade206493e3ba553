"""Chat models: a protocol, and any provider or a model in this process behind it, held to deadlines and a size.

    model      the protocol and its nouns
    adapter    one model of langchain, its replies in time, whole and not too long
    native     Anthropic's own citations as our markers
    thinking   what a model thinks aloud, left out
    trial      what to do where a model does not answer, by what its server has
    window     what a server says that its model can take in
    wire       the bodies of responses, bounded
    faults     what its library raises, as one of our errors
    local      models of Hugging Face in this process
    providers  the models that a setting names

Knows no prompt and no citation.
"""

from rag.chat.adapter import LangchainChatModel
from rag.chat.faults import translated
from rag.chat.model import (
    ChatDelta,
    ChatLimits,
    ChatModel,
    ChatReply,
    Document,
    Message,
    asked_at_once,
    complete,
    limits_for,
    window_of,
)
from rag.chat.providers import ChatSpec, chat_specs, load_chat_model, load_chat_models
from rag.chat.trial import ChatServer, Trial, listed_models, tried, unlisted

__all__ = [
    "ChatDelta",
    "ChatLimits",
    "ChatModel",
    "ChatReply",
    "ChatServer",
    "ChatSpec",
    "Document",
    "LangchainChatModel",
    "Message",
    "Trial",
    "asked_at_once",
    "chat_specs",
    "complete",
    "limits_for",
    "listed_models",
    "load_chat_model",
    "load_chat_models",
    "translated",
    "tried",
    "unlisted",
    "window_of",
]
