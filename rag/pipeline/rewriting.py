"""A chat model makes a follow-up stand alone, where the settings want one to; the rules do where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from rag import prompts
from rag.chat import ChatModel, Message
from rag.errors import ChatError
from rag.queries import Query, standalone
from rag.schema import Turn


def standalone_by_model(model: ChatModel, question: str, history: Sequence[Turn]) -> Query:
    """Return the question as one that needs no history, in the model's words.

    What the model says is searched and shown, never believed: the answer is held to the sources as ever.
    By the rules where there is no history, no reply, or one that is no rewriting (`prompts.read_rewrite`).
    """
    by_rules = standalone(question, history)
    if not history:
        return by_rules
    try:
        reply = _reply(model, prompts.rewrite_messages(question, history), question)
    except ChatError:
        return by_rules
    text = prompts.read_rewrite(reply, question)
    if not text:
        return by_rules
    said = set(question.lower().split())
    added = tuple(word for word in text.split() if word.lower() not in said)
    return Query(text=text, rewritten=text != question, added=added)


def _reply(model: ChatModel, messages: Sequence[Message], question: str) -> str:
    """Return what the model says, of a long reply no more than shows that it is no rewriting."""
    reply = ""
    with closing(model.stream(messages)) as deltas:
        for delta in deltas:
            reply += delta.text
            if not prompts.may_be_rewrite(reply, question):
                break
    return reply
