"""Answers, quotes and documents become HTML in which nothing is alive but what is built here.

Every text that comes from a person, a document or a model goes through `escape`; every link is an
anchor of the page itself. What is returned is one line, so that it is one block of HTML wherever
Markdown is read, and uses only tags and attributes that Gradio's sanitiser lets through.
Pure; knows neither Gradio nor the pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape as escape_html
from itertools import pairwise
from typing import Literal

from rag.schema import Answer, Citation, ScoredPassage, Source, Statement, Verdict
from rag.web.conversation import Conversation, Exchange

WINDOW = 30_000
"""Characters of a document shown on either side of the words that were cited."""
N_NEAR_MISSES = 3
"""Passages shown when nothing answers."""

_MARKER = re.compile(r"\[(\d{1,4})\]")
_REF = re.compile(r"#?([cp])-(\d{1,6})-(\d{1,6})")
# A line this long was not broken to fit a page: its end is that of a paragraph.
_PARAGRAPH = re.compile(r"(?<=[^\n]{120})\n(?=[^\n])")
_QUOTE_IN_TITLE = 280

# Control characters and halves of surrogate pairs have no form on a page, and JSON may refuse them.
_UNSEEN = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), "\ufffd")
_BREAKS = dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), " ")
# Written as references they are text to every reader of Markdown and to `inspect.cleandoc`.
_INERT = _UNSEEN | _BREAKS | {0x0A: "&#10;", 0x09: "&#9;"}

_VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    "weak": (
        "weakly supported",
        "The cited words support this sentence only in part. Read them before you rely on it.",
    ),
    "unsupported": (
        "not supported",
        "No words in your sources were found to support this sentence.",
    ),
}

BRAND = (
    '<div class="fn-brand"><h1>Footnote</h1>'
    "<p>Answers from your own documents, word for word.</p></div>"
)

WELCOME = (
    '<div class="fn-welcome"><h2>Ask your documents</h2>'
    "<p>Every sentence of an answer carries a number. Choose it to see the exact words it rests on."
    " When your documents do not answer, you are told so.</p></div>"
)

EMPTY_PANE = (
    '<div class="fn-pane fn-empty"><div class="fn-head"><h2>Sources</h2></div>'
    '<p class="fn-note">The exact words that an answer rests on appear here,'
    " in their document.</p></div>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What a link in an answer points to."""

    kind: Literal["citation", "passage"]
    turn: int
    """0-based place of the exchange in the conversation."""
    number: int
    """A citation's marker, or a passage's place among the evidence; 1-based."""

    @classmethod
    def parse(cls, text: str) -> Ref | None:
        """Read a link target such as `#c-0-2`; None where it is none of ours."""
        match = _REF.fullmatch(text.strip())
        if match is None:
            return None
        kind: Literal["citation", "passage"] = "citation" if match[1] == "c" else "passage"
        return cls(kind=kind, turn=int(match[2]), number=int(match[3]))

    @property
    def href(self) -> str:
        """The link target, a fragment of the page."""
        return f"#{self.kind[0]}-{self.turn}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One entry of the source pane: a citation, or a near miss."""

    ref: Ref
    source_id: str
    title: str
    start: int
    end: int
    words: str
    page: int | None
    sha256: str | None


def escape(text: str) -> str:
    """Return HTML that shows exactly this text: nothing in it is a tag, a reference or Markdown."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return escape_html(lines).translate(_INERT)


def status(status: Literal["starting", "ready", "failed"], message: str) -> str:
    """Return the line that says whether questions can be asked."""
    return f'<p class="fn-status fn-{status}">{escape(message) or "Getting ready…"}</p>'


def messages(talk: Conversation) -> list[dict[str, str]]:
    """Return the conversation as Gradio's chat messages."""
    shown = []
    for turn, exchange in enumerate(talk):
        shown.append({"role": "user", "content": _said(exchange.question)})
        shown.append({"role": "assistant", "content": message(exchange, turn)})
    return shown


def message(exchange: Exchange, turn: int) -> str:
    """Return what stands under a question: the answer, or how far it is."""
    parts = []
    query = exchange.answer.query if exchange.answer else exchange.query
    if query and query != exchange.question:
        parts.append(f'<p class="fn-searched">Searched for: <bdi>{escape(query)}</bdi></p>')
    if exchange.answer is not None:
        parts.extend(_answer(exchange.answer, turn))
    else:
        parts.extend(_pending(exchange))
    return f'<div class="fn-message">{"".join(parts)}</div>'


def _said(question: str) -> str:
    return f'<div class="fn-question"><bdi>{escape(question)}</bdi></div>'


def _pending(exchange: Exchange) -> Iterator[str]:
    if exchange.draft:
        yield f'<p class="fn-text fn-draft">{escape(exchange.draft)}</p>'
    if exchange.trouble:
        yield f'<p class="fn-state fn-trouble">{escape(exchange.trouble)}</p>'
    elif not exchange.draft:
        yield f'<p class="fn-wait">{escape(exchange.notice) or _progress(exchange.n_found)}</p>'


def _progress(n_found: int | None) -> str:
    if n_found is None:
        return "Searching your sources…"
    return f"Reading {n_found} passage{'' if n_found == 1 else 's'}…"


def _answer(answer: Answer, turn: int) -> Iterator[str]:
    reason = escape(answer.reason.message) if answer.reason else ""
    if answer.status == "unanswered":
        yield f'<p class="fn-state fn-none"><strong>Not in your sources.</strong> {reason}</p>'
        if answer.evidence:
            href = Ref(kind="passage", turn=turn, number=1).href
            yield (
                f'<p class="fn-foot"><a class="fn-near" href="{href}">'
                "Show the closest passages</a>, which do not answer the question.</p>"
            )
        return
    yield f'<p class="fn-text">{"".join(_sentences(answer, turn))}</p>'
    if answer.status == "partial":
        yield f'<p class="fn-state fn-partial"><strong>Answered in part.</strong> {reason}</p>'
    yield f'<p class="fn-foot">{_footer(answer)}</p>'


def _footer(answer: Answer) -> str:
    n_quotes = len(answer.citations)
    return " · ".join(
        (
            f"{n_quotes} quote{'' if n_quotes == 1 else 's'}",
            f"confidence {round(answer.confidence * 100)} %",
            escape(answer.model),
        )
    )


def _sentences(answer: Answer, turn: int) -> Iterator[str]:
    at = 0
    for statement in sorted(answer.statements, key=lambda statement: statement.start):
        start = max(at, statement.start)
        end = max(start, statement.end)
        start += len(answer.text[start:end]) - len(answer.text[start:end].lstrip())
        yield _marked(answer.text[at:start], answer, turn)
        sentence = _marked(answer.text[start:end], answer, turn)
        yield f'<span class="fn-{statement.verdict}">{sentence}</span>{_flag(statement)}'
        at = end
    yield _marked(answer.text[at:], answer, turn)


def _flag(statement: Statement) -> str:
    if statement.verdict not in _VERDICTS:
        return ""
    label, why = _VERDICTS[statement.verdict]
    return (
        f' <span class="fn-flag" role="note" tabindex="0">{label}'
        f'<span class="fn-why" role="tooltip">{why}</span></span>'
    )


def _marked(text: str, answer: Answer, turn: int) -> str:
    """Escape a stretch of an answer, its markers made into links to what they cite."""
    parts, at = [], 0
    for match in _MARKER.finditer(text):
        number = int(match[1])
        if 1 <= number <= len(answer.citations):
            parts.append(escape(text[at : match.start()]))
            parts.append(_link(answer.citations[number - 1], number, turn))
            at = match.end()
    parts.append(escape(text[at:]))
    return "".join(parts)


def _link(citation: Citation, number: int, turn: int) -> str:
    href = Ref(kind="citation", turn=turn, number=number).href
    words = " ".join(citation.quote.split())
    cut = words if len(words) <= _QUOTE_IN_TITLE else words[:_QUOTE_IN_TITLE] + "…"
    return (
        f'<a class="fn-ref" href="{href}" title="{escape(f"“{cut}”")}">'
        f"<span>[</span>{number}<span>]</span></a>"
    )


def pane(talk: Conversation, selected: Ref | None, documents: Mapping[str, Source | None]) -> str:
    """Return the source pane: the quotes of an answer, then the document of the chosen one.

    Args:
        talk: the conversation.
        selected: what was chosen; None, or one that does not exist, shows that nothing is.
        documents: every cited source as it is now; None, or missing, where it is indexed no more.
    """
    items = items_of(talk, selected)
    if selected is None or not items:
        return EMPTY_PANE
    chosen = next((item for item in items if item.ref == selected), items[0])
    cards = "".join(_card(item, item is chosen, documents.get(item.source_id)) for item in items)
    document = _document(chosen, items, documents.get(chosen.source_id))
    return (
        f'<div class="fn-pane">{_heading(selected)}<ol class="fn-cards">{cards}</ol>'
        f"{document}</div>"
    )


def items_of(talk: Conversation, selected: Ref | None) -> tuple[_Item, ...]:
    """Return what the pane lists: the citations of an answer, or its near misses."""
    if selected is None or selected.turn >= len(talk):
        return ()
    answer = talk[selected.turn].answer
    if answer is None:
        return ()
    if selected.kind == "citation":
        return tuple(_cited(citation, selected.turn) for citation in answer.citations)
    return tuple(
        _near(scored, selected.turn, number)
        for number, scored in enumerate(answer.evidence[:N_NEAR_MISSES], start=1)
    )


def first_ref(talk: Conversation) -> Ref | None:
    """Return what the pane shows unasked: the last answer's first quote, or first near miss."""
    if not talk or talk[-1].answer is None:
        return None
    answer, turn = talk[-1].answer, len(talk) - 1
    if answer.citations:
        return Ref(kind="citation", turn=turn, number=1)
    return Ref(kind="passage", turn=turn, number=1) if answer.evidence else None


def _cited(citation: Citation, turn: int) -> _Item:
    return _Item(
        ref=Ref(kind="citation", turn=turn, number=citation.marker),
        source_id=citation.source_id,
        title=citation.title,
        start=citation.start,
        end=citation.end,
        words=citation.quote,
        page=citation.page,
        sha256=citation.sha256,
    )


def _near(scored: ScoredPassage, turn: int, number: int) -> _Item:
    passage = scored.passage
    return _Item(
        ref=Ref(kind="passage", turn=turn, number=number),
        source_id=passage.source_id,
        title="",
        start=passage.start,
        end=passage.end,
        words=passage.text,
        page=None,
        sha256=None,
    )


def _heading(selected: Ref) -> str:
    close = '<a class="fn-close" href="#fn-close" title="Close">Close</a>'
    if selected.kind == "citation":
        return f'<div class="fn-head"><h2>Sources</h2>{close}</div>'
    return (
        f'<div class="fn-head"><h2>Near misses</h2>{close}</div>'
        '<p class="fn-note">The closest passages in your sources.'
        " They do not answer the question.</p>"
    )


def _card(item: _Item, chosen: bool, source: Source | None) -> str:
    classes = "fn-card fn-chosen" if chosen else "fn-card"
    kind = "fn-cited" if item.ref.kind == "citation" else "fn-missed"
    words = _words(item, source)
    return (
        f'<li><a class="{classes} {kind}" href="{item.ref.href}">'
        f'<span class="fn-number">{item.ref.number}</span>'
        f'<span class="fn-title"><bdi>{_title(item, source)}</bdi>{_page(item)}</span>'
        f'<span class="fn-quote"><bdi>{words}</bdi></span></a></li>'
    )


def _title(item: _Item, source: Source | None) -> str:
    return escape(item.title or (source.title if source else "") or item.source_id)


def _page(item: _Item) -> str:
    return f' <span class="fn-page">page {item.page}</span>' if item.page else ""


def _words(item: _Item, source: Source | None) -> str:
    """Return the words, unless their source is gone: then no page shows them any more."""
    return escape(item.words) if source else "No longer in your sources."


def _document(chosen: _Item, items: Sequence[_Item], source: Source | None) -> str:
    if source is None:
        return (
            '<p class="fn-state fn-gone">This document has been removed from your sources since.'
            " Its words are no longer shown.</p>"
        )
    title = f"<h3><bdi>{escape(source.title or source.source_id)}</bdi></h3>"
    place = f'<p class="fn-note"><bdi>{escape(source.source_id)}</bdi>{_page(chosen)}</p>'
    if chosen.sha256 not in {None, source.sha256} or (
        source.text[chosen.start : chosen.end] != chosen.words
    ):
        return (
            f'<div class="fn-doc">{title}{place}<p class="fn-state fn-gone">This document has'
            " changed since it was cited: the quoted words may stand elsewhere in it, or nowhere."
            " Ask again to cite it as it is.</p></div>"
        )
    cited = [
        item for item in items if item.source_id == source.source_id and item.ref.kind == "citation"
    ]
    return (
        f'<div class="fn-doc fn-{chosen.ref.kind}">{title}{place}'
        f'<div class="fn-reading" tabindex="0" role="region">'
        f"{_excerpt(source, chosen, [chosen, *cited])}</div></div>"
    )


def _excerpt(source: Source, chosen: _Item, items: Sequence[_Item]) -> str:
    """Return the text about the chosen words, with all cited words and the pages marked."""
    low, high = max(0, chosen.start - WINDOW), min(len(source.text), chosen.end + WINDOW)
    pages = {start: number for number, start in enumerate(source.pages, start=1)}
    gaps = {match.end() for match in _PARAGRAPH.finditer(source.text, low, high)} - {high}
    cuts = {low, high} | gaps
    cuts.update(at for item in items for at in (item.start, item.end) if low < at < high)
    cuts.update(at for at in pages if low <= at < high)
    points = sorted(cuts)
    parts = ['<p class="fn-cut">The document begins before this.</p>'] if low else []
    for start, end in pairwise(points):
        if start in pages:
            parts.append(f'<span class="fn-leaf">Page {pages[start]}</span>')
        if start in gaps:
            parts.append('<span class="fn-gap"></span>')
        parts.append(_stretch(source.text[start:end], start, end, chosen, items))
    if high < len(source.text):
        parts.append('<p class="fn-cut">The document goes on after this.</p>')
    return "".join(parts)


def _stretch(text: str, start: int, end: int, chosen: _Item, items: Sequence[_Item]) -> str:
    """Mark one stretch that no cited span begins or ends inside."""
    if chosen.start <= start and end <= chosen.end:
        return f'<mark class="fn-hit">{escape(text)}</mark>'
    if any(item.start <= start and end <= item.end for item in items):
        return f'<mark class="fn-also">{escape(text)}</mark>'
    return escape(text)
