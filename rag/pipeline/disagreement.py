"""Where sources give different numbers or dates for one thing, side by side. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from rag.citations import CitablePassage, Conflict, Draft, Pick, compose, find_conflicts
from rag.pipeline.excerpts import Quoted
from rag.schema import Answer, Candidate, Span, Step

MOST_CONFLICTS = 4


def set_beside(
    answer: Answer,
    candidates: Sequence[Candidate],
    citable: Callable[[Candidate], CitablePassage],
) -> Answer:
    """Return the answer with what other sources among its evidence say otherwise, cited, and steps that say so.

    Only numbers and dates are compared, and only what the answer cites with sentences of other sources.
    """
    if any(step.code == "conflict" for step in answer.steps):
        return answer
    cited = [
        (source, span)
        for source, span in chain.from_iterable(map(_sentences, candidates))
        if any(
            one.source_id == source.source_id and one.start <= span.start and span.end <= one.end
            for one in answer.citations
        )
    ]
    if not cited:
        return answer
    everything = list(chain.from_iterable(map(_sentences, candidates)))
    said = {_place(pick) for pick in cited}
    clashes = [
        conflict
        for conflict in find_conflicts(everything)
        if not conflict.within and said & {_place(conflict.first), _place(conflict.second)}
    ][:MOST_CONFLICTS]
    spoken = {(one.source_id, one.start, one.end) for one in answer.citations}
    for conflict in clashes:
        for passage, span in (conflict.first, conflict.second):
            place = (passage.source_id, span.start, span.end)
            if place not in said and place not in spoken:
                spoken.add(place)
                answer = _with_quote(answer, citable(_holding(candidates, passage)), span)
    return replace(answer, steps=(*answer.steps, *told(clashes, answer)))


def _with_quote(answer: Answer, passage: CitablePassage, span: Span) -> Answer:
    """Return the answer with one more sentence, quoted."""
    quoted = compose([(passage, span)])
    if not quoted.statements:
        return answer
    marker = len(answer.citations) + 1
    bullet = "\n- " if answer.text.startswith("- ") else "\n\n"
    start = len(answer.text) + len(bullet)
    text = f"{answer.text}{bullet}{quoted.text.removesuffix('[1]')}[{marker}]"
    statement = replace(quoted.statements[0], start=start, end=len(text), markers=(marker,))
    return replace(
        answer,
        text=text,
        statements=(*answer.statements, statement),
        citations=(*answer.citations, replace(quoted.citations[0], marker=marker)),
    )


def told(conflicts: Iterable[Conflict], draft: Draft | Answer) -> tuple[Step, ...]:
    """Return a step for each conflict whose sentences are both cited."""
    steps = []
    for conflict in conflicts:
        markers = [_marker(pick, draft) for pick in (conflict.first, conflict.second)]
        if all(markers):
            (one, other), (figure, rival) = markers, conflict.printed
            whose = "One source" if conflict.within else "Sources"
            detail = f"{whose} differ{'s' * conflict.within}: {figure} [{one}], {rival} [{other}]."
            steps.append(Step(code="conflict", detail=detail))
    return tuple(steps)


def _marker(pick: Pick, draft: Draft | Answer) -> int:
    """Return the marker whose citation holds a sentence; 0 where none does."""
    passage, span = pick
    return next(
        (
            one.marker
            for one in draft.citations
            if one.source_id == passage.source_id
            and one.start <= span.start
            and span.end <= one.end
        ),
        0,
    )


def disagreeing(candidates: Sequence[Candidate]) -> tuple[tuple[Conflict, ...], list[Quoted]]:
    """Return the surest conflicts, each with a sentence not yet shown, and their sentences side by side."""
    kept: list[Conflict] = []
    shown: dict[tuple[str, int, int], Quoted] = {}
    for conflict in find_conflicts(list(chain.from_iterable(map(_sentences, candidates)))):
        sides = (conflict.first, conflict.second)
        if len(kept) < MOST_CONFLICTS and not all(_place(one) in shown for one in sides):
            kept.append(conflict)
            for passage, span in sides:
                shown.setdefault(_place((passage, span)), (_holding(candidates, passage), span))
    return tuple(kept), list(shown.values())


def _sentences(candidate: Candidate) -> Iterator[Pick]:
    """Yield a candidate's sentences as what can be compared, without a look at the source."""
    passage = candidate.passage
    bare = CitablePassage(
        source_id=passage.source_id,
        title="",
        sha256="",
        pages=(),
        start=passage.start,
        text=passage.text,
        sentences=(),
    )
    for one in candidate.sentences:
        yield bare, Span(start=one.start, end=one.end)


def _place(pick: Pick) -> tuple[str, int, int]:
    passage, span = pick
    return passage.source_id, span.start, span.end


def _holding(candidates: Sequence[Candidate], passage: CitablePassage) -> Candidate:
    """Return the candidate that a passage was made from."""
    return next(
        one
        for one in candidates
        if (one.passage.source_id, one.passage.start) == (passage.source_id, passage.start)
    )
