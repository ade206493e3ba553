"""Turns that are answered without looking for something new: small talk, and requests about the last answer. Pure.

What is said again of an answer is read from the sources as they are now: what they no longer say is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.citations import CitablePassage, Draft, lexical_support
from rag.citations.evidence import place_at
from rag.citations.plain import harmless, visible
from rag.citations.writing import Pick, Writer
from rag.language.sentences import split_sentences
from rag.passages import units_of
from rag.pipeline.reasons import MESSAGES
from rag.queries import Request, SmallTalk
from rag.schema import (
    Answer,
    Citation,
    Context,
    Reason,
    ReasonCode,
    Source,
    Span,
    Step,
    Turn,
    Unit,
    Verdict,
)

MOST_MORE = 4
"""Sentences that are said beside an answer."""
_FURTHER = 3_000
"""Characters before and behind a quote in which these are looked for."""
_SUPPORTED = 0.5
"""Support from which a sentence that is no quote counts as supported."""

_MARKED = re.compile(r"(?P<said>[^\n]*?\S)(?P<markers>(?:\s?\[\d{1,4}\])+)[.]?|(?P<bare>[^\n]+)")
_MARKER = re.compile(r"\[(\d{1,4})\]")
_BULLET = re.compile(r"^(?:[-*•]\s+|\|\s*|\d{1,2}[.)]\s+)+")
_PLACE = re.compile(r"^In “[^”]*”(?:, (?:page \d+|under “[^”]*”))*: ")
"""What `_places` writes before a quote."""
_RULE = re.compile(r"[\s|:-]*")

LINES: dict[SmallTalk, str] = {
    "greeting": "Hello. Ask something about {documents}.",
    "thanks": "You are welcome.",
    "farewell": "Goodbye.",
    "assent": "All right.",
    "abilities": "Ask about {documents}: every answer shows the exact words it rests on. You can go on from an"
    " answer (“And in"
    " winter?”), have it “shorter” or “in a table”, ask “where does it say that?” or “are you sure?”, and ask"
    " for a summary of a"
    " document, a comparison, or where documents disagree.",
}
"""What is said to small talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence of an answer, and what it cites in the sources as they are now."""

    text: str
    picks: tuple[Pick, ...]
    item: bool = False
    """Whether it stands behind a bullet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said to a request, and what is to be told about it."""

    draft: Draft
    code: ReasonCode | None = None


def small_talk_line(kind: SmallTalk, n_sources: int) -> str:
    """Return what is said to small talk."""
    documents = {0: "your documents", 1: "your document"}.get(
        n_sources, f"your {n_sources:,} documents"
    )
    return LINES[kind].format(documents=documents)


def said_of(turn: Turn, source: Callable[[str], Source | None]) -> tuple[Said, ...]:
    """Return the sentences of an assistant's turn whose words still stand in the sources.

    Args:
        turn: its text with or without markers.
        source: looks up a source that may be shown; None for any other.
    """
    found = {one.marker: pick for one in turn.citations if (pick := _pick(one, source)) is not None}
    quotes = {one.marker: one.quote for one in turn.citations}
    said = []
    for text, markers, item in _sentences(turn.text):
        named = markers or _nearest(text, quotes)
        picks = tuple(found[marker] for marker in named if marker in found)
        if picks:
            said.append(Said(text=text, picks=picks, item=item))
    return tuple(said)


def _sentences(text: str) -> Iterator[tuple[str, tuple[int, ...], bool]]:
    """Yield the sentences of an answer without bullets and markers, the markers, and whether a bullet stood there."""
    for line in text.splitlines():
        if _RULE.fullmatch(line):
            continue
        for match in _MARKED.finditer(_PLACE.sub("", line)):
            whole = match["said"] or match["bare"]
            markers = tuple(int(one) for one in _MARKER.findall(match["markers"] or ""))
            spans = [] if markers else split_sentences(whole)
            for part in [whole[one.start : one.end] for one in spans] or [whole]:
                bare = _BULLET.sub("", part.strip()).strip(" |")
                if any(letter.isalnum() for letter in bare):
                    yield bare, markers, line.startswith("- ")


def _nearest(text: str, quotes: dict[int, str]) -> tuple[int, ...]:
    """Return the marker of the quote that a sentence without markers most likely rests on."""
    markers = list(quotes)
    supports = lexical_support(text, [quotes[marker] for marker in markers])
    best = max(range(len(markers)), key=supports.__getitem__, default=None)
    return () if best is None or supports[best] < _SUPPORTED else (markers[best],)


def _pick(citation: Citation, source: Callable[[str], Source | None]) -> Pick | None:
    """Return where the words of a citation stand now; None where they do not."""
    now = source(citation.source_id)
    if now is None or not citation.quote:
        return None
    start = citation.start
    if now.text[start : citation.end] != citation.quote:
        start = now.text.find(citation.quote)
    if start < 0:
        return None
    return whole_source(now), Span(start=start, end=start + len(citation.quote))


def whole_source(source: Source) -> CitablePassage:
    """Return a source as one passage to cite."""
    return CitablePassage(
        source_id=source.source_id,
        title=source.title,
        sha256=source.sha256,
        pages=source.pages,
        places=source.places,
        start=0,
        text=source.text,
        sentences=(),
    )


def points(said: Sequence[Said], source: Callable[[str], Source | None]) -> tuple[Said, ...]:
    """Return the sentences that count as points: no heading of another one, and not what announces a list."""
    heads = {
        (passage.source_id, one.start)
        for unit, passage in ((_unit(one, source), one.picks[0][0]) for one in said)
        for one in (unit.path if unit is not None else ())
    }
    counted = tuple(
        one
        for one in said
        if not one.text.endswith(":")
        and (one.picks[0][0].source_id, one.picks[0][1].start) not in heads
    )
    return counted or tuple(said)


def _unit(one: Said, source: Callable[[str], Source | None]) -> Unit | None:
    """Return the sentence, item or row that a quote begins with."""
    passage, span = one.picks[0]
    units = units_of(_there(source, passage), max(0, span.start - 8), span.end)
    return next((unit for unit in units if unit.end > span.start), None)


def reply_to(
    request: Request,
    said: Sequence[Said],
    *,
    question: str,
    short: str,
    source: Callable[[str], Source | None],
    shown: Collection[tuple[str, int, int]],
) -> Reply | None:
    """Return what a request makes of an answer; None where it has no such point, or nothing more is to be said.

    Args:
        request: what is wanted.
        said: the answer; at least one sentence.
        question: that it answers.
        short: the words of its first sentence that answer; empty where nobody knows.
        source: looks up a source that is cited.
        shown: (source, start, end) of what was quoted in the conversation.
    """
    match request.kind:
        case "shorter":
            return Reply(draft=_written(_shorter(points(said, source), said, question, short)))
        case "point":
            return _point(request.number, said, source)
        case "table":
            return Reply(draft=_table(points(said, source), source))
        case "list":
            return Reply(draft=_written(points(said, source), as_list=True))
        case "where":
            return Reply(draft=_places(said, source))
        case "more":
            more = _more(said, source, shown)
            return Reply(draft=_written(more)) if more else None
        case "rewording":
            return Reply(draft=_written(said), code="needs_model")
        case "sure" | "again":
            return Reply(draft=_written(said))


def _shorter(
    counted: Sequence[Said], said: Sequence[Said], question: str, short: str
) -> Sequence[Said]:
    """Return the words that answer, else the sentence nearest to the question; an announced list stays whole."""
    if len(counted) > 1:
        if said[0].text.endswith(":"):
            return said
        supports = lexical_support(question, [one.text for one in counted])
        return [counted[max(range(len(counted)), key=supports.__getitem__)]]
    first = counted[0]
    return [replace(first, text=short)] if short and short in first.text else counted


def _point(
    number: int, said: Sequence[Said], source: Callable[[str], Source | None]
) -> Reply | None:
    """Return a point with what its source goes on to say of it."""
    counted = points(said, source)
    if not 0 < abs(number) <= len(counted) or len(counted) < 2:
        return None
    one = counted[number - 1 if number > 0 else number]
    others = {(p.source_id, s.start, s.end) for other in said for p, s in other.picks}
    passage, span = one.picks[0]
    after = [
        unit
        for unit in _beside(_there(source, passage), span)
        if unit.start >= span.end
        and unit.kind == "paragraph"
        and "\n\n" not in passage.text[span.end : unit.start]
        and (passage.source_id, unit.start, unit.end) not in others
    ]
    return Reply(draft=_written([one, *(_unit_said(passage, unit) for unit in after[:1])]))


def _more(
    said: Sequence[Said],
    source: Callable[[str], Source | None],
    shown: Collection[tuple[str, int, int]],
) -> list[Said]:
    """Return what the sources say behind, else before, the quotes in the same section, and was not shown yet."""
    more: dict[tuple[str, int], Said] = {}
    for passage, span in (pick for one in said for pick in one.picks):
        units = [
            unit
            for unit in _beside(_there(source, passage), span)
            if not any(
                name == passage.source_id and start < unit.end and unit.start < end
                for name, start, end in shown
            )
        ]
        behind = [unit for unit in units if unit.start >= span.end]
        for unit in behind or units[-MOST_MORE:]:
            more.setdefault((passage.source_id, unit.start), _unit_said(passage, unit))
    return list(more.values())[:MOST_MORE]


def _there(source: Callable[[str], Source | None], passage: CitablePassage) -> Source:
    """Return the source of a passage, which was looked up before."""
    found = source(passage.source_id)
    assert found is not None
    return found


def _beside(source: Source, span: Span) -> list[Unit]:
    """Return the sentences, items and rows of the section that a quote stands in."""
    start, end = max(0, span.start - _FURTHER), span.end + _FURTHER
    units = [one for one in units_of(source, start, end) if one.kind not in {"heading", "title"}]
    own = next((one for one in units if one.start < span.end and span.start < one.end), None)
    section = _section(own.path) if own is not None else ()
    if any(one.kind == "heading" for one in (own.path if own is not None else ())):
        return [one for one in units if _section(one.path) == section]
    # Without a heading only the paragraph is known to go on.
    first = source.text.rfind("\n\n", 0, span.start) + 1
    last = source.text.find("\n\n", span.end)
    return [one for one in units if first <= one.start and (last < 0 or one.start < last)]


def _section(path: Sequence[Context]) -> tuple[str, ...]:
    return tuple(one.text for one in path if one.kind in {"heading", "title", "question"})


def _unit_said(passage: CitablePassage, unit: Unit) -> Said:
    span = Span(start=unit.start, end=unit.end)
    text = harmless(" ".join(visible(passage.words(span)).split()))
    return Said(text=text, picks=((passage, span),))


def _written(said: Sequence[Said], *, as_list: bool = False) -> Draft:
    """Write sentences: in a line, or each on its own where they are a list."""
    listing = as_list or (len(said) > 1 and said[0].text.endswith(":"))
    writer = Writer()
    for number, one in enumerate(said):
        item = (listing or (one.item and len(said) > 1)) and not one.text.endswith(":")
        if number:
            writer.say("\n" if item or said[number - 1].item else " ")
        if item:
            writer.say("- ")
        _state(writer, one)
    return writer.draft()


def _state(writer: Writer, one: Said, text: str = "") -> None:
    """Write a sentence with the verdict that its words alone give."""
    quotes = [passage.words(span) for passage, span in one.picks]
    exact = any(one.text in " ".join(visible(quote).split()) for quote in quotes)
    support = 1.0 if exact else max(lexical_support(one.text, quotes))
    verdict: Verdict = "supported" if support >= _SUPPORTED else "weak"
    writer.state(text or one.text, one.picks, verdict, support)


def _table(said: Sequence[Said], source: Callable[[str], Source | None]) -> Draft:
    """Write sentences as rows of a table: by the columns of their own table, where they are rows of one."""
    rows = [_cells(one, source) for one in said]
    names = tuple(rows[0]) if all(rows) and len({tuple(row) for row in rows}) == 1 else ()
    head = names or ("What it says", "Document")
    writer = Writer()
    writer.say(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n")
    for one, row in zip(said, rows, strict=True):
        writer.say("| ")
        text = " | ".join(row.values()) if names else one.text.replace("|", "/")
        _state(writer, one, text)
        title = one.picks[0][0].title.replace("|", "/")
        writer.say(" |\n" if names else f" | {harmless(' '.join(title.split()))} |\n")
    return writer.draft()


def _cells(one: Said, source: Callable[[str], Source | None]) -> dict[str, str]:
    """Return the cells of a row by the names of their columns; none for what is no row, or has nameless columns."""
    text = _there(source, one.picks[0][0])
    unit = _unit(one, source)
    cells = unit.cells if unit is not None else ()
    named = {harmless(cell.name): _plain(text.text[cell.start : cell.end]) for cell in cells}
    return named if len(named) == len(cells) and all(named) else {}


def _plain(text: str) -> str:
    return harmless(" ".join(visible(text).replace("|", "/").split()))


def _places(said: Sequence[Said], source: Callable[[str], Source | None]) -> Draft:
    """Write where the quotes of an answer stand, each with its words."""
    writer = Writer()
    picks = {(p.source_id, s.start): (p, s) for one in said for p, s in one.picks}
    for number, (passage, span) in enumerate(picks.values()):
        unit = _unit(Said(text="", picks=((passage, span),)), source)
        page = sum(start <= span.start for start in passage.pages)
        where = place_at(passage.places, span.start) or (f"page {page}" if page else "")
        under = [one for one in _section(unit.path if unit else ()) if one != passage.title]
        place = [f"“{_plain(passage.title)}”", *([_plain(where)] if where else [])]
        place += [f"under “{_plain(under[-1])}”"] if under else []
        writer.say(f"{chr(10) if number else ''}In {', '.join(place)}: ")
        _state(writer, Said(text=_plain(passage.words(span)), picks=((passage, span),)))
    return writer.draft()


def answered(
    reply: Reply, *, question: str, query: str, model: str, again: Answer | None, doubted: bool
) -> Answer:
    """Return the answer to a request.

    Args:
        reply: what is said.
        question: the request, as typed.
        query: the question that was answered before.
        model: who answers.
        again: the answer to that question now, which tells how sure it is; None where that does not matter.
        doubted: whether the person asks how sure it is.
    """
    reason = Reason(code=reply.code, message=MESSAGES[reply.code]) if reply.code else None
    made = Answer(
        question=question,
        query=query,
        status="partial" if reason else "answered",
        reason=reason,
        text=reply.draft.text.rstrip(),
        statements=reply.draft.statements,
        citations=reply.draft.citations,
        evidence=(),
        confidence=0.0,  # nobody weighed it anew
        model=model,
    )
    if again is None:
        return made
    return _doubted(made, again) if doubted else _as_sure(made, again)


def _same(made: Answer, again: Answer) -> bool:
    """Tell whether two answers quote the same words."""
    return any(
        one.source_id == other.source_id and one.start < other.end and other.start < one.end
        for one in made.citations
        for other in again.citations
    )


def _as_sure(made: Answer, again: Answer) -> Answer:
    """Return what is said again, no surer than it was."""
    if again.status != "likely" or not _same(made, again) or made.reason is not None:
        return made
    return replace(
        made,
        status="likely",
        reason=again.reason,
        confidence=again.confidence,
        closest=again.closest,
    )


def _doubted(made: Answer, again: Answer) -> Answer:
    """Return an answer that was doubted, as sure as its question is answered now."""
    same = _same(made, again)
    titles = list(dict.fromkeys(f"“{one.title}”" for one in made.citations))
    detail = f"{', '.join(titles)} {'has' if len(titles) == 1 else 'have'} these words now."
    sure = same and again.status == "answered"
    unsure = Reason(code="unsure", message=MESSAGES["unsure"])
    return replace(
        made,
        status="answered" if sure else "likely",
        reason=None if sure else (again.reason if same and again.reason else unsure),
        confidence=again.confidence if same else 0.0,
        evidence=again.evidence,
        short=again.short if same and again.text == made.text else None,
        closest=again.closest,
        steps=(Step(code="checked_again", detail=detail),),
    )
