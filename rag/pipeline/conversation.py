"""Questions that follow one another: the turns so far, and nothing of how they are answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rag.schema import Answer, AnswerReady, Event, Turn

if TYPE_CHECKING:
    from rag.pipeline import Rag


class Conversation:
    """Questions that follow one another; not to be shared between threads."""

    def __init__(self, rag: Rag) -> None:
        self._rag = rag
        self._history: list[Turn] = []

    @property
    def history(self) -> tuple[Turn, ...]:
        """Every turn so far, oldest first."""
        return tuple(self._history)

    def ask(
        self, question: str, *, sources: Iterable[str] | None = None, model: str | None = None
    ) -> Answer:
        """Return the answer to a question that may refer to what was said before."""
        for event in self.stream(question, sources=sources, model=model):
            if isinstance(event, AnswerReady):
                return event.answer
        raise AssertionError("a stream ends with an answer")

    def stream(
        self, question: str, *, sources: Iterable[str] | None = None, model: str | None = None
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer; it is remembered once it is there."""
        for event in self._rag.stream(question, self.history, sources=sources, model=model):
            if isinstance(event, AnswerReady):
                self._history += [
                    Turn(role="user", text=question),
                    Turn(
                        role="assistant",
                        text=event.answer.text,
                        citations=event.answer.citations,
                    ),
                ]
            yield event
