"""Chat models: a protocol, and any provider or a model in this process behind it, held to deadlines and a size.

    model      the protocol and its nouns
    adapter    one model of langchain, its replies in time, whole and not too long
    native     Anthropic's own citations as our markers
    thinking   what a model thinks aloud, left out
    wire       the bodies of responses, bounded
    faults     what its library raises, as one of our errors
    local      models of Hugging Face in this process
    providers  the models that a setting names

Knows no prompt and no citation.
"""

from rag.chat.adapter import LangchainChatModel
from rag.chat.faults import translated
from rag.chat.model import ChatDelta, ChatLimits, ChatModel, ChatReply, Document, Message, complete
from rag.chat.providers import ChatSpec, chat_specs, load_chat_model, load_chat_models

__all__ = [
    "ChatDelta",
    "ChatLimits",
    "ChatModel",
    "ChatReply",
    "ChatSpec",
    "Document",
    "LangchainChatModel",
    "Message",
    "chat_specs",
    "complete",
    "load_chat_model",
    "load_chat_models",
    "translated",
]
