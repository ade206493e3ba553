"""Questions over whichever door: how many at once, one answer each, and what is said where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rag.errors import QuestionError
from rag.schema import Answer, AnswerReady, Turn

if TYPE_CHECKING:
    from rag.web.opening import Opening

N_AT_ONCE = 8
"""Questions that are answered at the same time; others wait."""
N_WAITING = 64
"""Questions that may wait; more are refused."""

BUSY = "Too many questions are being asked at the moment. Try again in a while."
OUR_FAULT = "Something went wrong here. The program's log says what."


class TooManyError(QuestionError):
    """So many questions wait already that one more is refused."""


class Places:
    """The places at one door: some questions are worked on at the same time, some wait, more are refused."""

    def __init__(self, *, at_once: int = N_AT_ONCE, waiting: int = N_WAITING) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._n_taken = 0

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None]:
        """Hold a place, once it is free.

        Raises:
            TooManyError: too many wait for one.
        """
        if self._n_taken >= self._most:
            raise TooManyError(BUSY)
        self._n_taken += 1
        try:
            async with self._slots:
                yield
        finally:
            self._n_taken -= 1


def ask(
    opening: Opening,
    question: str,
    history: Sequence[Turn] = (),
    *,
    sources: Sequence[str] | None = None,
    model: str | None = None,
    max_chars: int,
) -> Answer:
    """Wait for the pipeline, and for its answer.

    Args:
        opening: hands out the pipeline once it is open.
        question: the question.
        history: earlier turns, oldest first.
        sources: ids of the only sources to search; None for all.
        model: who is to answer; None or '' for whoever does unless another is chosen.
        max_chars: characters that a question may have.

    Raises:
        RagError: the pipeline could not be opened, or the question not asked or answered.
    """
    if len(question) > max_chars:
        raise QuestionError(too_long(question, max_chars))
    events = opening.wait().stream(question, history, sources=sources, model=model or None)
    return next(event.answer for event in events if isinstance(event, AnswerReady))


def too_long(question: str, max_chars: int) -> str:
    """Return what is said of a question that is too long."""
    return (
        f"A question may have at most {max_chars:,} characters; this one has {len(question):,}."
        " Please shorten it."
    )
