"""What a turn of a conversation is about: something new, something left to the last turn, or the last answer itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.pipeline.reasons import MESSAGES
from rag.pipeline.replies import answered, reply_to, said_of, small_talk_line
from rag.queries import (
    Query,
    Request,
    exchanges,
    is_follow_up,
    recent,
    small_talk_of,
    standalone,
)
from rag.queries.requests import is_about_sources
from rag.schema import Answer, Reason, ReasonCode, Source, Turn

SURE = 2
"""Grade of evidence that holds a sure answer."""
_NO_MORE = "Your documents say no more on this where the answer was found."
_NO_POINT = "The answer before this has no such point."
_POINT = re.compile(r"\b(?:point|sentence|bullet|item|statement)\b", re.IGNORECASE)
"""Names what only an answer has; "the second one" may be of the documents."""
_BY_PROGRAM = frozenset({"where", "again"})
"""Requests that a chat model is not asked about: the program knows better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAnswer:
    """What a request is about."""

    request: Request
    query: str
    """The question that was answered, standing alone."""
    turn: Turn | None
    """The answer; None where the history has none."""
    shown: tuple[tuple[str, int, int], ...]
    """(source, start, end) of what was quoted in the conversation."""


def small_talk(question: str, *, n_sources: int, model: str) -> Answer | None:
    """Return what is said to small talk; None for anything else."""
    kind = small_talk_of(question)
    if kind is None:
        return None
    return _without_search(question, "small_talk", small_talk_line(kind, n_sources), model)


def nothing_before(question: str, *, model: str) -> Answer:
    """Return what is said to a request where nothing was answered before."""
    return _without_search(question, "no_last_answer", MESSAGES["no_last_answer"], model)


def _without_search(question: str, code: ReasonCode, line: str, model: str) -> Answer:
    return Answer(
        question=question,
        query=question,
        status="unanswered",
        reason=Reason(code=code, message=line),
        text=line,
        statements=(),
        citations=(),
        evidence=(),
        confidence=0.0,
        model=model,
    )


def last_answer(request: Request, history: Sequence[Turn]) -> LastAnswer | None:
    """Return the answer that a request is about; None where nothing was asked before."""
    talked = [one for one in exchanges(history) if small_talk_of(one[0].text) is None]
    asked = [one for one in talked if is_about_sources(one[0].text)]
    if not asked or asked[-1][0].role != "user":
        return None
    *earlier, last = asked
    query = last[0].text
    if is_follow_up(query):
        query = standalone(query, recent([turn for one in earlier for turn in one])).text
    told = [turn for one in talked for turn in one if turn.role == "assistant" and turn.citations]
    in_last = {id(turn) for one in talked[talked.index(last) :] for turn in one}
    return LastAnswer(
        request=request,
        query=query,
        turn=told[-1] if told and id(told[-1]) in in_last else None,
        shown=tuple((one.source_id, one.start, one.end) for turn in told for one in turn.citations),
    )


def by_program(request: Request) -> bool:
    """Tell whether the program does what a request wants, whoever answers."""
    return request.kind in _BY_PROGRAM


def done(
    last: LastAnswer,
    *,
    question: str,
    model: str,
    source: Callable[[str], Source | None],
    ask_again: Callable[[], Answer],
) -> Answer | None:
    """Return what a request makes of the last answer; None where it is rather a question.

    Args:
        last: what it is about.
        question: the request, as typed.
        model: who answers.
        source: looks up a source that may be shown; None for any other.
        ask_again: answers the question once more, in the words of the sources.
    """
    request = last.request
    said = said_of(last.turn, source) if last.turn is not None else ()
    again = ask_again() if not said or request.kind not in {"where", "more"} else None
    if not said and again is not None:
        said = said_of(Turn(role="assistant", text=again.text, citations=again.citations), source)
        if not said:
            return replace(again, question=question)
    places = tuple((p.source_id, s.start, s.end) for one in said for p, s in one.picks)
    reply = reply_to(
        request,
        said,
        question=last.query,
        short=again.short.text if again is not None and again.short is not None else "",
        source=source,
        shown=(*last.shown, *places),
    )
    if reply is not None:
        return answered(
            reply,
            question=question,
            query=last.query,
            model=model,
            again=again,
            doubted=request.kind == "sure",
        )
    line = _NO_MORE if request.kind == "more" else _NO_POINT if _POINT.search(question) else ""
    gone = _without_search(question, "not_supported", line, model)
    return replace(gone, query=last.query) if line else None


def reading(
    typed: str, resolved: Query, before: Sequence[Turn], grade: Callable[[str], int]
) -> Query:
    """Return the reading of a question that is searched: as typed, or as a follow-up of the last turn.

    One that is no whole question by its form is a follow-up: what its words alone find is about something else, however
    well it fits. For any other both are searched, and the better evidence wins, in doubt that of the words as typed.

    Args:
        typed: the question, its misspelt words put right.
        resolved: the same as a follow-up.
        before: the last turn, and those that it is understood by.
        grade: what of an answer is found for a query: 2 a sure one, 1 a likely one, 0 none.
    """
    if resolved.text == typed or is_follow_up(typed, before[-1].text if before else ""):
        return resolved
    if not grade(typed) and grade(resolved.text) == SURE:
        return resolved
    return Query(text=typed, rewritten=False, added=())
