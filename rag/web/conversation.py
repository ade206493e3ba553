"""What one person has asked on one page, and what came back.

Knows neither the page nor the pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from rag.schema import (
    Answer,
    AnswerReady,
    Depth,
    Event,
    EvidenceReady,
    QueryReady,
    ScoredPassage,
    TextDelta,
    Turn,
    Verify,
)

_MARKER = re.compile(r"\s?\[\d+\]")

Standing: TypeAlias = Literal["current", "changed", "removed"]
"""Whether the source of a citation is still what was cited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a question is answered where that is not as usual."""

    top_k: int | None = None
    """Passages that are read; None for as many as usual."""
    strictness: float | None = None
    """0..1, how sure an answer must be; None for as sure as usual."""
    verify: Verify | None = None
    """Who checks a chat model's sentences; None for who usually does."""
    depth: Depth | None = None
    """How long a chat model looks; None for as long as usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question with everything known so far about its answer."""

    question: str
    model: str = ""
    """Who was chosen to answer; empty for whoever answers unless another is."""
    sources: tuple[str, ...] = ()
    """Ids of the only sources that are asked; none for all."""
    collections: tuple[str, ...] = ()
    """Names of the collections that are asked; none where there is only the default one."""
    ways: Ways = Ways()
    notice: str = ""
    """What it waits for before the search can begin."""
    query: str = ""
    """What is searched, where that is not the question itself."""
    evidence: tuple[ScoredPassage, ...] | None = None
    """Passages that are read, the k-th named by marker k of the draft; None until there are any."""
    draft: str = ""
    """Provisional text; `answer` replaces it."""
    answer: Answer | None = None
    standing: tuple[Standing, ...] = ()
    """Of each citation of the answer, in order; none where all were current when last looked at."""
    edited: bool = False
    """Whether the next question is to take its place, and that of all after it."""
    judged: str = ""
    """What the person said of the answer: a kind of feedback, or nothing yet."""
    trouble: str = ""
    """A sentence on why there is no answer and none is coming."""

    def after(self, event: Event) -> Exchange:
        """Return the exchange as it is once this event has happened."""
        match event:
            case QueryReady(query=query, rewritten=rewritten):
                return replace(self, query=query if rewritten else "", notice="")
            case EvidenceReady(evidence=evidence):
                # Text that came before named other passages by its markers.
                return replace(self, evidence=evidence, draft="")
            case TextDelta(text=text):
                return replace(self, draft=self.draft + text)
            case AnswerReady(answer=answer):
                told = replace(answer, collections=self.collections or answer.collections)
                return replace(self, answer=told, draft="")


Conversation: TypeAlias = tuple[Exchange, ...]
"""Oldest first."""


def with_last(talk: Conversation, exchange: Exchange) -> Conversation:
    """Return the conversation with its last exchange replaced."""
    return (*talk[:-1], exchange)


def is_pending(talk: Conversation) -> bool:
    """Tell whether the last question still waits for its answer."""
    return bool(talk) and talk[-1].answer is None and not talk[-1].trouble


def turns(talk: Sequence[Exchange]) -> tuple[Turn, ...]:
    """Return what was said as plain text: no markers, and nothing that was never checked."""
    said = []
    for exchange in talk:
        if exchange.answer is None:
            continue
        said.append(Turn(role="user", text=exchange.question))
        text = _MARKER.sub("", exchange.answer.text).strip()
        if text:
            said.append(Turn(role="assistant", text=text, citations=exchange.answer.citations))
    return tuple(said)
