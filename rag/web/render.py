"""Answers, quotes and documents become HTML in which nothing is alive but what is built here.

Every text that comes from a person, a document or a model goes through `escape`; every link is an
anchor of the page itself. What is returned is one line, so that it is one block of HTML wherever
Markdown is read, and uses only tags and attributes that Gradio's sanitiser lets through.
Pure; knows neither Gradio nor the pipeline.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from rag import outcome
from rag.forms import begun_in, emphasised, forms
from rag.schema import (
    Answer,
    Citation,
    ScoredPassage,
    Source,
    Span,
    Statement,
    StepCode,
    Verdict,
)
from rag.web import menus, remarks
from rag.web.conversation import Conversation, Exchange, Standing, Ways, is_pending
from rag.web.escaping import counted, escape
from rag.web.finding import Found, Looking, find
from rag.web.forming import drawn, set_apart
from rag.web.leaf import leaves
from rag.web.standing import standing_of

WINDOW = 30_000
"""Characters of a document shown on either side of the words that were cited."""
N_NAMED = 3
"""Sources that are named where only some were asked."""

_MARKER = re.compile(r"\[(\d{1,4})\]")
_OPEN: Mapping[StepCode, str] = {"excerpted": "fn-excerpted", "conflict": "fn-differ"}
"""Steps that are told beside the answer, and their classes."""
_CLOSING = re.compile(r"[.,;:!?…)”’»]+")
_REF = re.compile(r"#?([cpne])-(\d{1,6})-(\d{1,6})")
# A line this long was not broken to fit a page: its end is that of a paragraph.
_PARAGRAPH = re.compile(r"(?<=[^\n]{120})\n(?=[^\n])")
_QUOTE_IN_TITLE = 280

_VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    "supported": ("✓", "Supported: the cited words were compared with this sentence, and say it."),
    "weak": (
        "weakly supported",
        "The cited words support this sentence only in part. Read them before you rely on it.",
    ),
    "unsupported": (
        "not supported",
        "No words in your sources were found to support this sentence.",
    ),
    "unchecked": ("not checked", "The checks could not read this sentence with its sources."),
}

UNCHECKED = (
    "Draft, not checked yet. It may say what your sources do not; that will be marked or taken out."
)
NEVER_CHECKED = "Draft, never checked. It may say what your sources do not: rely on nothing in it."
"""What stands above text that comes, and above text that was stopped."""

_READ = ("Passages read", "What was read for this answer, best first.")
_NAMED = (
    "Passages read",
    "A number in an answer that is not checked yet names one of these. The exact words come with the"
    " checked answer.",
)
_NEAR = (
    outcome.CLOSEST,
    "Where your sources come closest to an answer. The marked words may answer the question or not.",
)

BRAND = (
    '<div class="fn-brand"><h1>Footnote</h1>'
    "<p>Answers from your own documents, word for word.</p></div>"
)

WELCOME = (
    '<div class="fn-welcome"><h2>Ask your documents</h2>'
    "<p>Every sentence of an answer carries a number. Choose it to see the exact words it rests on."
    " What is not sure is marked as a guess, and what is not found is said.</p></div>"
)
_BARE = (
    '<div class="fn-welcome fn-bare"><h2>Add your documents</h2>'
    "<p>There are none yet. {how}</p>{act}</div>"
)
_DROP = (
    "Drop files or folders anywhere on this page, or choose them. Then ask: every sentence of an answer opens"
    " the exact words it rests on."
)
_CHOOSE = (
    '<p><button type="button" class="fn-start" value="files">Choose files…</button>'
    ' <button type="button" class="fn-start" value="folder">Choose a folder…</button></p>'
)
_GO = '<p class="fn-acting"><button type="button" class="fn-start" value="tab">Go to the sources</button></p>'
_FOLDER = "Put them into the folder <bdi>{seeds}</bdi> and have everything read again."

EMPTY_PANE = (
    '<div class="fn-pane fn-empty"><div class="fn-head"><h2>Sources</h2></div>'
    '<p class="fn-note">The exact words that an answer rests on appear here,'
    " in their document.</p></div>"
)


RefKind: TypeAlias = Literal["citation", "passage", "near", "explanation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What a link in an answer points to."""

    kind: RefKind
    turn: int
    """0-based place of the exchange in the conversation."""
    number: int
    """A citation's marker, or a passage's place among the evidence or the closest, 1-based; of an explanation 0."""

    @classmethod
    def parse(cls, text: str) -> Ref | None:
        """Read a link target such as `#c-0-2`; None where it is none of ours."""
        match = _REF.fullmatch(text.strip())
        if match is None:
            return None
        for kind in get_args(RefKind):
            if kind[0] == match[1]:
                return cls(kind=kind, turn=int(match[2]), number=int(match[3]))
        return None

    @property
    def href(self) -> str:
        """The link target, a fragment of the page."""
        return f"#{self.kind[0]}-{self.turn}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One entry of the source pane: a citation, or a passage."""

    ref: Ref
    source_id: str
    title: str
    start: int
    end: int
    words: str
    place: str
    sha256: str | None
    path: str
    """What the words hang from, without the source's title."""
    excerpt: outcome.Excerpt | None = None
    """The words in their sentence, where these are shown instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A stretch of a document that stands out."""

    start: int
    end: int
    kind: Literal["hit", "also", "found", "here"]
    """The chosen words, others that are cited, words that were found, the place that is looked at."""


def status(status: Literal["starting", "failed"], message: str) -> str:
    """Return the line that says why questions cannot be asked yet."""
    return f'<p class="fn-status fn-{status}">{escape(message) or "Getting ready…"}</p>'


def ready(n_sources: int) -> str:
    """Return the line that says that questions can be asked, and of how many sources."""
    return f'<p class="fn-status fn-ready">{counted(n_sources, "source")}</p>'


def welcome(n_sources: int, *, uploads: bool, seeds: str) -> str:
    """Return what stands where nothing has been asked yet: how to ask, or how to add something to ask.

    Args:
        n_sources: how many are indexed.
        uploads: whether files can be added on this page.
        seeds: the folder whose documents are read.
    """
    if n_sources:
        return WELCOME
    how = _DROP if uploads else _FOLDER.format(seeds=escape(seeds))
    act = _CHOOSE if uploads else _GO
    return _BARE.format(how=how, act=act)


def messages(talk: Conversation) -> list[dict[str, str]]:
    """Return the conversation as Gradio's chat messages; the last answer can be judged."""
    shown = []
    for turn, exchange in enumerate(talk):
        # While an answer is written, the conversation is that answer's to change.
        open_to_judge = (exchange.judged or turn == len(talk) - 1) and not is_pending(talk)
        below = menus.actions(exchange, turn)
        below += remarks.feedback(exchange, turn) if open_to_judge else ""
        said = _said(exchange.question)
        if exchange.edited:
            said += menus.being_edited(len(talk) - turn - 1)
        elif not is_pending(talk):
            said += menus.edit(turn)
        shown.append({"role": "user", "content": f'<div class="fn-said">{said}</div>'})
        shown.append({"role": "assistant", "content": message(exchange, turn, below)})
    return shown


def message(exchange: Exchange, turn: int, below: str = "") -> str:
    """Return what stands under a question: the answer, or how far it is.

    Args:
        exchange: the question and what is known of its answer.
        turn: 0-based place of the exchange in the conversation.
        below: HTML to put below the answer.
    """
    parts = []
    query = exchange.answer.query if exchange.answer else exchange.query
    if query and query != exchange.question:
        parts.append(f'<p class="fn-searched">Searched for: <bdi>{escape(query)}</bdi></p>')
    if exchange.collections:
        parts.append(_asked_in(exchange.collections))
    if exchange.sources:
        parts.append(_limited(exchange.sources))
    parts.append(_unusual(exchange.ways))
    if exchange.answer is not None:
        parts.extend(_answer(exchange, exchange.answer, turn))
    else:
        parts.extend(_pending(exchange, turn))
    return f'<div class="fn-message">{"".join(parts)}{below}</div>'


def _asked_in(names: Sequence[str]) -> str:
    """Say which collections were asked."""
    shown = ", ".join(f"<bdi>{escape(name)}</bdi>" for name in names)
    return f'<p class="fn-searched">Asked in {shown}</p>'


def _limited(sources: Sequence[str]) -> str:
    """Say which sources alone were asked."""
    shown = ", ".join(f"<bdi>{escape(name)}</bdi>" for name in sources[:N_NAMED])
    more = f" and {len(sources) - N_NAMED:,} more" if len(sources) > N_NAMED else ""
    return f'<p class="fn-searched">Asked only of {shown}{more}</p>'


def _unusual(ways: Ways) -> str:
    """Say how it was asked, where that is not as usual."""
    said = []
    if ways.top_k is not None:
        said.append(f"reading {counted(ways.top_k, 'passage')}")
    if ways.strictness is not None:
        said.append(f"strictness {ways.strictness:.2f}")
    if ways.verify is not None:
        said.append(f"verify {ways.verify}")
    if ways.depth is not None:
        said.append(f"depth {ways.depth}")
    return f'<p class="fn-searched">Asked with {", ".join(said)}</p>' if said else ""


def _said(question: str) -> str:
    return f'<div class="fn-question"><bdi>{escape(question)}</bdi></div>'


def _pending(exchange: Exchange, turn: int) -> Iterator[str]:
    if exchange.draft:
        yield f'<p class="fn-drafting">{NEVER_CHECKED if exchange.trouble else UNCHECKED}</p>'
        yield f'<p class="fn-text fn-draft">{_draft(exchange, turn)}</p>'
    if exchange.trouble:
        yield f'<p class="fn-state fn-trouble">{escape(exchange.trouble)}</p>'
    elif not exchange.draft:
        yield f'<p class="fn-wait">{escape(exchange.notice) or _progress(exchange)}</p>'


def _progress(exchange: Exchange) -> str:
    if exchange.evidence is None:
        return "Searching your sources…"
    return f"Reading {counted(len(exchange.evidence), 'passage')}…"


def _draft(exchange: Exchange, turn: int) -> str:
    """Escape provisional text, its markers made into links to the passages that they name."""
    named = exchange.evidence or ()
    links = [
        _link(Ref(kind="passage", turn=turn, number=number), scored.passage.text)
        for number, scored in enumerate(named, start=1)
    ]
    return _marked(exchange.draft, links)


def _answer(exchange: Exchange, answer: Answer, turn: int) -> Iterator[str]:
    reason = escape(answer.reason.message) if answer.reason else ""
    label = outcome.headline(answer)
    yield remarks.replaced(answer)
    if answer.status == "unanswered" and not label:
        yield f'<p class="fn-text">{reason}</p>'
        return
    if answer.reason and answer.reason.code == "no_sources":
        reason = f"Drop files or folders anywhere on this page, or add them there: {_GO}"
    if answer.status == "unanswered":
        yield f'<div class="fn-state fn-none"><strong>{label}.</strong> {reason}</div>'
    else:
        said = "".join(_stated(exchange, answer, turn))
        if answer.status == "likely":
            said = (
                f'<div class="fn-guess"><p class="fn-label">{label}</p>{said}'
                f'<p class="fn-unsure">{reason}</p></div>'
            )
        yield said
        if answer.status == "partial":
            yield f'<p class="fn-state fn-partial"><strong>{label}.</strong> {reason}</p>'
        if answer.caveat:
            yield f'<p class="fn-state fn-partial">{escape(answer.caveat)}</p>'
        yield from _told_openly(exchange, answer, turn)
        yield remarks.outdated(exchange)
    yield _closest(answer, turn)
    yield remarks.footer(answer)
    yield remarks.steps(answer)


def _stated(exchange: Exchange, answer: Answer, turn: int) -> Iterator[str]:
    """Yield the words that answer, then the sentences that hold them, each stretch under its path."""
    links = _links(exchange, answer, turn)
    if answer.short is not None:
        numbers = "".join(links[marker - 1] for marker in answer.short.markers)
        words = " ".join(answer.short.text.split())
        yield f'<p class="fn-short"><strong><bdi>{escape(words)}</bdi></strong> {numbers}</p>'
    for piece in outcome.pieces(answer):
        if piece.path:
            yield f'<p class="fn-led"><bdi>{escape(piece.path)}</bdi></p>'
        if outcome.says_more(answer):
            yield _formed(answer, piece, links)


def _closest(answer: Answer, turn: int) -> str:
    """Return the closest passages as links, each in the sentence of its decisive words, under its path."""
    items = "".join(
        f"<li>{_origin(one)}"
        f'<a class="fn-near" href="{Ref(kind="near", turn=turn, number=number).href}">'
        f"<bdi>{_excerpted(outcome.excerpt(one))}</bdi></a></li>"
        for number, one in enumerate(outcome.closest(answer), start=1)
    )
    if not items:
        return ""
    return f'<p class="fn-also-near">{outcome.CLOSEST}</p><ol class="fn-nears">{items}</ol>'


def _origin(found: ScoredPassage) -> str:
    """Return where a passage is from: its file, and what its words hang from."""
    path = outcome.path_to(found)
    said = f" · <bdi>{escape(path)}</bdi>" if path else ""
    return f'<span class="fn-from"><bdi>{escape(found.passage.source_id)}</bdi>{said}</span>'


def _excerpted(near: outcome.Excerpt) -> str:
    words = f'<mark class="fn-words">{escape(near.words)}</mark>' if near.words else ""
    return f"{escape(near.before)}{words}{escape(near.after)}"


def _told_openly(exchange: Exchange, answer: Answer, turn: int) -> Iterator[str]:
    """Yield what nobody should have to unfold: whose words these are, and where sources differ."""
    links = _links(exchange, answer, turn)
    for step in answer.steps:
        if step.code in _OPEN:
            yield f'<p class="fn-state {_OPEN[step.code]}">{_marked(step.detail, links)}</p>'


def _links(exchange: Exchange, answer: Answer, turn: int) -> list[str]:
    return [
        _link(
            Ref(kind="citation", turn=turn, number=citation.marker),
            citation.quote,
            standing_of(exchange, citation.marker),
        )
        for citation in answer.citations
    ]


def _formed(answer: Answer, piece: outcome.Stretch, links: Sequence[str]) -> str:
    """Return a stretch of an answer as paragraphs, lists and tables, each with its verdicts."""
    parts = tuple(forms(answer, piece.start, piece.end))
    if [one.kind for one in parts] == ["paragraph"]:
        whole = "".join(_sentences(answer, piece.start, piece.end, links))
        return f'<p class="fn-text">{whole}</p>'

    def said(span: Span) -> str:
        return "".join(_sentences(answer, span.start, span.end, links))

    def behind(span: Span) -> str:
        return "".join(map(_flag, begun_in(answer, span)))

    whole = "".join(drawn(one, said, behind) for one in parts)
    return f'<div class="fn-text fn-formed">{whole}</div>'


def _sentences(answer: Answer, low: int, high: int, links: Sequence[str]) -> Iterator[str]:
    """Yield a stretch of an answer's text, sentence by sentence with its verdict."""
    at = low
    for statement in sorted(answer.statements, key=lambda statement: statement.start):
        if not low <= statement.start < high:
            continue
        start = max(at, statement.start)
        end = max(start, statement.end)
        start += len(answer.text[start:end]) - len(answer.text[start:end].lstrip())
        yield _set(answer, at, start, links)
        sentence = _set(answer, start, end, links)
        # A guess is in the words of its source too: a tick would make it look sure.
        quiet = answer.status == "likely" and statement.verdict == "supported"
        flag = "" if quiet else _flag(statement)
        yield f'<span class="fn-{statement.verdict}">{sentence}</span>{flag}'
        at = end
    yield _set(answer, at, high, links)


def _set(answer: Answer, start: int, end: int, links: Sequence[str]) -> str:
    """Return a stretch of an answer's text, bold and code as such."""
    return "".join(
        set_apart(_marked(text, links), kind) for text, kind in emphasised(answer, start, end)
    )


def _flag(statement: Statement) -> str:
    if statement.kind == "connective" or (
        statement.verdict == "supported" and not statement.markers
    ):
        return ""  # its mark would speak of cited words
    label, why = _VERDICTS[statement.verdict]
    if statement.why:
        why = f"{why} {escape(statement.why[:1].upper() + statement.why[1:])}."
    return (
        f' <span class="fn-flag fn-is-{statement.verdict}" role="note" tabindex="0">{label}'
        f'<span class="fn-why" role="tooltip">{why}</span></span>'
    )


def _marked(text: str, links: Sequence[str]) -> str:
    """Escape a text, marker k in it made into the k-th link, on one line with the full stop behind it."""
    parts, at = [], 0
    for match in _MARKER.finditer(text):
        number = int(match[1])
        if 1 <= number <= len(links):
            link, closing = links[number - 1], _CLOSING.match(text, match.end())
            if closing:
                link = f'<span class="fn-tied">{link}{escape(closing[0])}</span>'
            parts += [escape(text[at : match.start()]), link]
            at = (closing or match).end()
    return "".join([*parts, escape(text[at:])])


def _link(ref: Ref, quote: str, standing: Standing = "current") -> str:
    title = {
        "current": f"“{_cut(quote)}”",
        "changed": f"The source has changed since this was cited: “{_cut(quote)}”",
        "removed": "No longer in your sources",
    }[standing]
    stale = "" if standing == "current" else " fn-stale"
    return (
        f'<a class="fn-ref{stale}" href="{ref.href}" title="{escape(title)}">'
        f"<span>[</span>{ref.number}<span>]</span></a>"
    )


def _cut(text: str) -> str:
    """Return a text on one line, and not too long."""
    words = " ".join(text.split())
    return words if len(words) <= _QUOTE_IN_TITLE else words[:_QUOTE_IN_TITLE] + "…"


def pane(
    talk: Conversation,
    selected: Ref | None,
    documents: Mapping[str, Source | None],
    looking: Looking | None = None,
    pictured: Collection[str] = (),
) -> str:
    """Return the source pane: the quotes of an answer, then the document of the chosen one.

    Args:
        talk: the conversation.
        selected: what was chosen; None, or one that does not exist, shows that nothing is.
        documents: every cited source as it is now; None, or missing, where it is indexed no more.
        looking: what is looked for in the document; None for nothing.
        pictured: ids of the documents whose pages can be shown as pictures.
    """
    items = items_of(talk, selected)
    if selected is None or not items:
        return EMPTY_PANE
    chosen = chosen_of(items, selected)
    cards = "".join(_card(item, item is chosen, documents.get(item.source_id)) for item in items)
    source = documents.get(chosen.source_id)
    document = _document(chosen, items, source, looking, chosen.source_id in pictured)
    return (
        f'<div class="fn-pane">{_heading(talk, chosen, items)}<ol class="fn-cards">{cards}</ol>'
        f"{document}</div>"
    )


def chosen_of(items: Sequence[_Item], selected: Ref) -> _Item:
    """Return the item of a link, or the first where there is none."""
    return next((item for item in items if item.ref == selected), items[0])


def items_of(talk: Conversation, selected: Ref | None) -> tuple[_Item, ...]:
    """Return what the pane lists: the citations of an answer, the closest passages, or those that were read."""
    if selected is None or selected.turn >= len(talk):
        return ()
    exchange = talk[selected.turn]
    answer = exchange.answer
    if answer is not None and selected.kind == "citation":
        return tuple(_cited(citation, selected.turn) for citation in answer.citations)
    if answer is not None and selected.kind == "near":
        nears = enumerate(outcome.closest(answer), start=1)
        return tuple(_near(scored, selected.turn, number) for number, scored in nears)
    if selected.kind != "passage":
        return ()
    shown = (exchange.evidence or ()) if answer is None else answer.evidence
    return tuple(
        _read(scored, selected.turn, number) for number, scored in enumerate(shown, start=1)
    )


def first_ref(talk: Conversation) -> Ref | None:
    """Return what the pane shows unasked: the last answer's first quote, or its closest passage."""
    if not talk or talk[-1].answer is None:
        return None
    answer, turn = talk[-1].answer, len(talk) - 1
    if answer.citations:
        return Ref(kind="citation", turn=turn, number=1)
    return Ref(kind="near", turn=turn, number=1) if outcome.closest(answer) else None


def _cited(citation: Citation, turn: int) -> _Item:
    return _Item(
        ref=Ref(kind="citation", turn=turn, number=citation.marker),
        source_id=citation.source_id,
        title=citation.title,
        start=citation.start,
        end=citation.end,
        words=citation.quote,
        place=outcome.where(citation),
        sha256=citation.sha256,
        path=outcome.path_of(citation, titled=False),
    )


def _near(scored: ScoredPassage, turn: int, number: int) -> _Item:
    """Return a passage by its decisive words."""
    passage, words = scored.passage, scored.decisive or scored.passage
    return replace(
        _read(scored, turn, number),
        ref=Ref(kind="near", turn=turn, number=number),
        start=words.start,
        end=words.end,
        words=passage.text[words.start - passage.start : words.end - passage.start],
        path=outcome.path_to(scored),
        excerpt=outcome.excerpt(scored),
    )


def _read(scored: ScoredPassage, turn: int, number: int) -> _Item:
    passage = scored.passage
    return _Item(
        ref=Ref(kind="passage", turn=turn, number=number),
        source_id=passage.source_id,
        title="",
        start=passage.start,
        end=passage.end,
        words=passage.text,
        place="",
        sha256=None,
        path="",
    )


def _heading(talk: Conversation, chosen: _Item, items: Sequence[_Item]) -> str:
    close = '<a class="fn-close" href="#fn-close" title="Close">Close</a>'
    title, note = "Sources", ""
    if chosen.ref.kind in {"passage", "near"}:
        read = _READ if talk[chosen.ref.turn].answer else _NAMED
        title, note = _NEAR if chosen.ref.kind == "near" else read
        note = f'<p class="fn-note">{note}</p>'
    return f'<div class="fn-head"><h2>{title}</h2>{_steps(chosen, items)}{close}</div>{note}'


def _steps(chosen: _Item, items: Sequence[_Item]) -> str:
    """Return links to the quotes before and after the chosen one; nothing where it is alone."""
    if len(items) == 1:
        return ""
    at = items.index(chosen)
    before, after = items[at - 1], items[(at + 1) % len(items)]
    return (
        f'<span class="fn-steer"><a class="fn-step fn-before" href="{before.ref.href}"'
        f' title="Previous quote">‹</a> {at + 1} of {len(items)}'
        f' <a class="fn-step fn-after" href="{after.ref.href}" title="Next quote">›</a></span>'
    )


def _card(item: _Item, chosen: bool, source: Source | None) -> str:
    classes = "fn-card fn-chosen" if chosen else "fn-card"
    kind = "fn-cited" if item.ref.kind == "citation" else "fn-missed"
    words = _words(item, source)
    path = f'<span class="fn-led"><bdi>{escape(item.path)}</bdi></span>' if item.path else ""
    path = path if source else ""
    return (
        f'<li><a class="{classes} {kind}" href="{item.ref.href}">'
        f'<span class="fn-number">{item.ref.number}</span>'
        f'<span class="fn-title"><bdi>{_title(item, source)}</bdi>{_place(item)}</span>{path}'
        f'<span class="fn-quote"><bdi>{words}</bdi></span></a></li>'
    )


def _title(item: _Item, source: Source | None) -> str:
    return escape(item.title or (source.title if source else "") or item.source_id)


def _place(item: _Item) -> str:
    return f' <span class="fn-page">{escape(item.place)}</span>' if item.place else ""


def _words(item: _Item, source: Source | None) -> str:
    """Return the words, unless their source is gone: then no page shows them any more."""
    if source is None:
        return "No longer in your sources."
    return _excerpted(item.excerpt) if item.excerpt else escape(item.words)


def _document(
    chosen: _Item,
    items: Sequence[_Item],
    source: Source | None,
    looking: Looking | None,
    is_pictured: bool,
) -> str:
    if source is None:
        return (
            '<p class="fn-state fn-gone">This document has been removed from your sources since.'
            " Its words are no longer shown.</p>"
        )
    title = f"<h3><bdi>{escape(source.title or source.source_id)}</bdi></h3>"
    place = f'<p class="fn-note"><bdi>{escape(source.source_id)}</bdi>{_place(chosen)}</p>'
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
    found = find(source.text, looking, near=chosen.start) if looking else None
    is_open = found is None or not found.words
    sheets = leaves(source, chosen.start, chosen.end, is_open=is_open) if is_pictured else ""
    return (
        f'<div class="fn-doc fn-{chosen.ref.kind}">{title}{place}{_tally(found)}'
        f'<div class="fn-reading" tabindex="0" role="region">'
        f"{sheets}{_excerpt(source, chosen, [chosen, *cited], found)}</div></div>"
    )


def _tally(found: Found | None) -> str:
    """Say how often the words stand in the document, and which place is shown."""
    if found is None or not found.words:
        return ""
    n = len(found.places)
    said = f"{found.at + 1:,} of {n:,}" if n else "Nowhere"
    return f'<p class="fn-tally">{said}</p>'


def _excerpt(source: Source, chosen: _Item, items: Sequence[_Item], found: Found | None) -> str:
    """Return the text about what is looked at, with all that is marked in it, and the pages."""
    here = found.here if found and found.here else chosen
    low, high = max(0, here.start - WINDOW), min(len(source.text), here.end + WINDOW)
    marks = _marks(chosen, items, found, low, high)
    pages = {start: f"page {number}" for number, start in enumerate(source.pages, start=1)}
    pages |= {one.start: one.name for one in source.places if one.start in pages}
    gaps = {match.end() for match in _PARAGRAPH.finditer(source.text, low, high)} - {high}
    cuts = {low, high} | gaps
    cuts.update(at for mark in marks for at in (mark.start, mark.end) if low < at < high)
    cuts.update(at for at in pages if low <= at < high)
    points = sorted(cuts)
    parts = ['<p class="fn-cut">The document begins before this.</p>'] if low else []
    waiting = deque(sorted(marks, key=lambda mark: mark.start))
    open_marks: list[_Mark] = []
    for start, end in pairwise(points):
        if name := pages.get(start):
            parts.append(f'<h4 class="fn-leaf">{escape(name[:1].upper() + name[1:])}</h4>')
        if start in gaps:
            parts.append('<span class="fn-gap"></span>')
        while waiting and waiting[0].start <= start:
            open_marks.append(waiting.popleft())
        open_marks = [mark for mark in open_marks if mark.end > start]
        parts.append(_stretch(source.text[start:end], open_marks))
    if high < len(source.text):
        parts.append('<p class="fn-cut">The document goes on after this.</p>')
    return "".join(parts)


def _marks(
    chosen: _Item, items: Sequence[_Item], found: Found | None, low: int, high: int
) -> list[_Mark]:
    """Return what is marked in a stretch of the document."""
    marks = [_Mark(start=one.start, end=one.end, kind="also") for one in items if one != chosen]
    marks.append(_Mark(start=chosen.start, end=chosen.end, kind="hit"))
    if found is not None:
        marks += [_Mark(start=p.start, end=p.end, kind="found") for p in found.within(low, high)]
        if found.here is not None:
            marks.append(_Mark(start=found.here.start, end=found.here.end, kind="here"))
    return [mark for mark in marks if mark.start < high and mark.end > low]


def _stretch(text: str, marks: Sequence[_Mark]) -> str:
    """Mark one stretch that no mark begins or ends inside."""
    kinds = sorted({mark.kind for mark in marks})
    if not kinds:
        return escape(text)
    return f'<mark class="{" ".join(f"fn-{kind}" for kind in kinds)}">{escape(text)}</mark>'
