"""Spans of OpenTelemetry by the names of OpenInference, where the program around us has loaded its SDK.

A question is a chain, with a retriever and, where a chat model wrote, a model below it. The spans hold the words of
question, passages and answer: who loads an SDK and tells it where to send them decides that.
Names: https://github.com/Arize-ai/openinference, semantic conventions, spec/semantic_conventions.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING

from rag.schema import Answer, AnswerReady, Event, EvidenceReady, QueryReady, ScoredPassage

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Attributes = dict[str, str | int | float]

_KIND = "openinference.span.kind"
_WORDS = ("prompt", "completion")


def traced(question: str, events: Iterator[Event]) -> Iterator[Event]:
    """Yield the events of one question, and make its spans.

    Args:
        question: as it was asked.
        events: what happens on the way to its answer.
    """
    if "opentelemetry.sdk.trace" not in sys.modules:
        yield from events
        return
    from opentelemetry.trace import get_tracer

    trace = _Trace(get_tracer("rag"), question)
    try:
        for event in events:
            trace.take(event)
            yield event
    except Exception as exc:
        trace.fail(exc)
        raise
    finally:
        trace.end()
        if isinstance(events, Generator):
            events.close()


class _Trace:
    """The spans of one question, made while its events pass; none is current, since whoever takes them may stop."""

    def __init__(self, tracer: Tracer, question: str) -> None:
        self._tracer = tracer
        self._root = tracer.start_span(
            "rag.ask", attributes={_KIND: "CHAIN", "input.value": question}
        )
        self._query = question
        self._since = time.time_ns()
        self._found = False

    def take(self, event: Event) -> None:
        """Note an event: what was searched and found, and the answer."""
        if isinstance(event, QueryReady):
            self._query, self._since = event.query, time.time_ns()
        elif isinstance(event, EvidenceReady) and not self._found:
            self._found = True
            self._below("rag.search", "RETRIEVER", _documents(event.evidence), self._query)
        elif isinstance(event, AnswerReady):
            answer = event.answer
            if answer.usage:
                self._below(answer.model, "LLM", _written(answer), answer.query)
            self._root.set_attributes(_outcome(answer))

    def fail(self, fault: Exception) -> None:
        """Note that the question was not answered."""
        from opentelemetry.trace import StatusCode

        self._root.record_exception(fault)
        self._root.set_status(StatusCode.ERROR, type(fault).__name__)

    def end(self) -> None:
        """End the question's span."""
        self._root.end()

    def _below(self, name: str, kind: str, attributes: Attributes, asked: str) -> None:
        """Make the span of what has just ended."""
        from opentelemetry.trace import set_span_in_context

        span: Span = self._tracer.start_span(
            name,
            context=set_span_in_context(self._root),
            start_time=self._since,
            attributes={_KIND: kind, "input.value": asked, **attributes},
        )
        self._since = time.time_ns()
        span.end(self._since)


def _documents(evidence: tuple[ScoredPassage, ...]) -> Attributes:
    """Return passages as the documents of a retriever."""
    found: Attributes = {}
    for number, one in enumerate(evidence):
        prefix = f"retrieval.documents.{number}.document"
        found[f"{prefix}.id"] = one.passage.passage_id
        found[f"{prefix}.content"] = one.passage.text
        found[f"{prefix}.score"] = one.score
    return found


def _written(answer: Answer) -> Attributes:
    """Return what a chat model wrote, and its tokens; planning and verifying are among them."""
    tokens = {word: _spent(answer.usage, word) for word in _WORDS}
    return {
        "llm.model_name": answer.model,
        "output.value": answer.text,
        **{f"llm.token_count.{word}": n for word, n in tokens.items()},
        "llm.token_count.total": sum(tokens.values()),
    }


def _spent(usage: Mapping[str, int], word: str) -> int:
    return sum(n for kind, n in usage.items() if kind == word or kind.endswith(f"_{word}"))


def _outcome(answer: Answer) -> Attributes:
    """Return what an answer came to."""
    return {
        "output.value": answer.text,
        "rag.status": answer.status,
        "rag.confidence": answer.confidence,
        "rag.citations": len(answer.citations),
    }
