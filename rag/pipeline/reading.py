"""An answer laid out as plain text, for assistants and other programs that read it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rag import outcome
from rag.pipeline.reasons import NOT_SEARCHED
from rag.schema import Answer, Citation, ScoredPassage

_FLAGS = {"weak": "Weakly supported", "unsupported": "Not supported"}


def as_text(answer: Answer) -> str:
    """Return what an answer comes to, what is to be said of it, and the words it rests on."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    """Lay an answer out to be read: its text, what is to be said of it, the words it rests on."""
    if answer.reason is not None and answer.reason.code in NOT_SEARCHED:
        yield answer.text
        return
    if answer.status == "unanswered":
        yield f"{outcome.headline(answer)}."
    else:
        yield from _stated(answer)
    if answer.reason is not None:
        yield answer.reason.message
    if answer.caveat and answer.status != "unanswered":
        yield answer.caveat
    for statement in answer.statements:
        if statement.verdict in _FLAGS:
            why = f" ({statement.why})" if statement.why else ""
            said = answer.text[statement.start : statement.end]
            yield f"{_FLAGS[statement.verdict]}{why}: “{said}”"
    for citation in answer.citations:
        path = outcome.path_of(citation, titled=False)
        led = f"{path}\n" if path else ""
        yield f"\n[{citation.marker}] {_place(citation)}\n{led}“{citation.quote}”"
    if near := outcome.closest(answer):
        yield f"\n{outcome.CLOSEST}:"
        for one in near:
            yield f"\n{_near(one)}"


def _stated(answer: Answer) -> Iterator[str]:
    """Give the words that answer, then the sentences that hold them, under their paths; of a guess that it is one."""
    guess = f"{outcome.headline(answer)}: " if answer.status == "likely" else ""
    if answer.short is not None:
        markers = "".join(f"[{marker}]" for marker in answer.short.markers)
        yield f"{guess}{answer.short.text} {markers}\n"
        guess = ""
    for piece in outcome.pieces(answer):
        said = [guess.strip(), piece.path] if piece.path else [guess.strip()]
        guess = ""
        if outcome.says_more(answer):
            said.append(answer.text[piece.start : piece.end])
        yield "\n".join(filter(None, said))


def _near(found: ScoredPassage) -> str:
    passage, near = found.passage, outcome.excerpt(found)
    path = outcome.path_to(found)
    led = f"{path}\n" if path else ""
    words = f"»{near.words}«" if near.words else ""
    place = f"{passage.source_id}, characters {passage.start} to {passage.end}"
    return f"{found.rank}. {place}\n{led}“{near.before}{words}{near.after}”"


def _place(citation: Citation) -> str:
    where = outcome.where(citation)
    page = f", {where}" if where else ""
    span = f"characters {citation.start} to {citation.end}"
    return f"{citation.title} ({citation.source_id}){page}, {span}"
