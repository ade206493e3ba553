"""What one person has asked on one page, and what came back.

Knows neither the page nor the pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from rag.schema import Answer, AnswerReady, Event, EvidenceReady, QueryReady, TextDelta, Turn

_MARKER = re.compile(r"\s?\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question with everything known so far about its answer."""

    question: str
    notice: str = ""
    """What it waits for before the search can begin."""
    query: str = ""
    """What is searched, where that is not the question itself."""
    n_found: int | None = None
    """Passages that are read; None until the search is done."""
    draft: str = ""
    """Provisional text; `answer` replaces it."""
    answer: Answer | None = None
    trouble: str = ""
    """A sentence on why there is no answer and none is coming."""

    def after(self, event: Event) -> Exchange:
        """Return the exchange as it is once this event has happened."""
        match event:
            case QueryReady(query=query, rewritten=rewritten):
                return replace(self, query=query if rewritten else "", notice="")
            case EvidenceReady(evidence=evidence):
                return replace(self, n_found=len(evidence))
            case TextDelta(text=text):
                return replace(self, draft=self.draft + text)
            case AnswerReady(answer=answer):
                return replace(self, answer=answer, draft="")


Conversation: TypeAlias = tuple[Exchange, ...]
"""Oldest first."""


def with_last(talk: Conversation, exchange: Exchange) -> Conversation:
    """Return the conversation with its last exchange replaced."""
    return (*talk[:-1], exchange)


def turns(talk: Sequence[Exchange]) -> tuple[Turn, ...]:
    """Return what was said as plain text: no markers, and nothing that was never checked."""
    said = []
    for exchange in talk:
        if exchange.answer is None:
            continue
        said.append(Turn(role="user", text=exchange.question))
        text = _MARKER.sub("", exchange.answer.text).strip()
        if text:
            said.append(Turn(role="assistant", text=text))
    return tuple(said)
