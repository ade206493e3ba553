"""Answers as files to keep: Markdown, HTML and JSON, every quote with its place.

A file says what the page said and stays as inert: no text of a person, a document or a model is markup in it,
and the HTML allows itself neither scripts nor requests. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from typing import Literal, TypeAlias

from rag import outcome
from rag.forms import Form, begun_in, emphasised, forms
from rag.schema import Answer, Citation, ScoredPassage, Span, Statement
from rag.web.conversation import Exchange, Standing
from rag.web.escaping import escape
from rag.web.forming import Show, drawn, marked_down, set_apart
from rag.web.standing import standing_of

FileForm: TypeAlias = Literal["md", "html", "json"]
Lettering: TypeAlias = Callable[[str, str], str]
"""Words as they are written, by how their model set them, with nothing alive in them."""

MEDIA_TYPES: Mapping[FileForm, str] = {
    "md": "text/markdown",
    "html": "text/html",
    "json": "application/json",
}

_MARKER = re.compile(r"\\?\[(\d{1,4})\\?\](?P<tied>[(:]?)")
"""And what would make a link or a footnote's text of it in Markdown."""
# What begins something in Markdown, wherever it stands or in an address; and at the start of a line.
_ALIVE = re.compile(r"([\\`*_\[\]<>~|$&@#]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_LINE = re.compile(r"^([ \t]*(?:\d+(?=[.)]))?)([+=.)-])", re.MULTILINE)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 48
_NOW: Mapping[Standing, str] = {
    "current": "",
    "changed": "the source has changed since",
    "removed": "no longer in the sources",
}
_VERDICTS = {"weak": "weakly supported", "unsupported": "not supported"}
_STYLE = (
    "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 Georgia,serif;color:#1e2226;"
    "background:#fff}h1{font-size:1.25rem}h2{font-size:1.125rem;margin-top:2rem}"
    ".text p{white-space:pre-wrap}table{border-collapse:collapse}"
    "td,th{border:1px solid;padding:.25rem .5rem;text-align:left}"
    ".short{font-size:1.25rem}.guess{padding:0 .75rem;border:1.5px dashed #7a4a00}"
    ".guess .short,.guess .text{font-style:italic}mark{background:#e0eff0;color:inherit;font-weight:bold}"
    ".note,.place{color:#565d64;font:.875rem/1.5 sans-serif}"
    ".place{overflow-wrap:anywhere}blockquote{margin:.25rem 0;white-space:pre-wrap}.flag{color:#7a4a00;"
    "font:.75rem sans-serif}:target{background:#ffe29a}"
    "@media(prefers-color-scheme:dark){body{color:#e9e7e2;background:#14171a}.note,.place{color:#a9afb5}"
    "a{color:#7fd0d3}.flag{color:#f0c27a}.guess{border-color:#f0c27a}mark{background:#1c3639}:target{background:#6a5212}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Something to save."""

    name: str
    media_type: str
    text: str


def exported(talk: Sequence[Exchange], form: FileForm, *, saved_at: str) -> File:
    """Return answered questions as a file; one alone in JSON is `Answer.to_dict`.

    Args:
        talk: a conversation or a part of it; questions without an answer are left out.
        form: of the file.
        saved_at: when, in words for people.
    """
    answered = [(exchange, exchange.answer) for exchange in talk if exchange.answer is not None]
    write = {"md": _markdown, "html": _html, "json": _json}[form]
    first = answered[0][1].question if answered else ""
    slug = _SLUG.sub("-", first.lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    return File(
        name=f"{slug or 'conversation'}.{form}",
        media_type=MEDIA_TYPES[form],
        text=write(answered, saved_at),
    )


_Answered: TypeAlias = Sequence[tuple[Exchange, Answer]]


def _json(talk: _Answered, saved_at: str) -> str:
    turns = [answer.to_dict() for _, answer in talk]
    whole = turns[0] if len(turns) == 1 else {"saved_at": saved_at, "turns": turns}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _markdown(talk: _Answered, saved_at: str) -> str:
    parts: list[str] = []
    for number, (exchange, answer) in enumerate(talk, start=1):
        label = f"{number}-" if len(talk) > 1 else ""
        link = partial(_footnote, label)
        parts += [f"## {plain(answer.question)}", *markdown_parts(answer, link)]
        parts += [
            f"[^{label}{citation.marker}]: {_markdown_quote(exchange, citation)}"
            for citation in answer.citations
        ]
    return "\n\n".join([*parts, f"*Saved from Footnote, {plain(saved_at)}*"]) + "\n"


def _footnote(label: str, number: int) -> str:
    return f"[^{label}{number}]"


def markdown_parts(answer: Answer, link: Callable[[int], str]) -> Iterator[str]:
    """Yield what an answer comes to as blocks of Markdown, without the list of what it cites.

    Args:
        answer: what is told; no text of it is markup.
        link: what stands in the place of a marker.
    """
    if answer.collections:
        yield f"*Asked in:* {plain(', '.join(answer.collections))}"
    if answer.query != answer.question:
        yield f"*Searched for:* {plain(answer.query)}"
    if answer.status == "unanswered":
        yield f"{_headed(answer, '**{}.** ')}{plain(_why(answer))}".rstrip()
    else:
        yield from _markdown_stated(answer, link)
    if answer.status == "partial":
        yield f"**{outcome.headline(answer)}.** {plain(_why(answer))}"
    if answer.caveat and answer.status != "unanswered":
        yield plain(answer.caveat)
    if near := outcome.closest(answer):
        items = "\n".join(f"- {_markdown_near(one)}" for one in near)
        yield f"**{outcome.CLOSEST}**\n\n{items}"
    yield f"*{plain(_byline(answer))}*"


def _markdown_stated(answer: Answer, link: Callable[[int], str]) -> Iterator[str]:
    """Yield the words that answer, then the sentences that hold them, under their paths; of a guess that it is one."""

    def marked(text: str, kind: str = "plain") -> str:
        if kind == "code":
            return f"`{text}`"  # as it is, and nothing in it is alive
        said = _linked(answer, _escaped(text), link, tie="\\")
        return f"**{said}**" if kind == "strong" else said

    guess = f"{outcome.headline(answer)}: " if answer.status == "likely" else ""
    if answer.short is not None:
        numbers = "".join(map(link, answer.short.markers))
        yield f"**{guess}{plain(answer.short.text)}** {numbers}"
    elif guess:
        yield f"**{guess.strip()}**"
    for piece in outcome.pieces(answer):
        if piece.path:
            yield f"*{plain(piece.path)}*"
        if outcome.says_more(answer):
            yield from _formed(answer, piece, marked_down, marked, " *\\({}\\)*")
    if guess:
        yield plain(_why(answer))


def _markdown_near(found: ScoredPassage) -> str:
    near = outcome.excerpt(found)
    words = f"**{plain(near.words)}**" if near.words else ""
    return f"“{_escaped(near.before)}{words}{_escaped(near.after)}”: {plain(_origin(found))}"


def _markdown_quote(exchange: Exchange, citation: Citation) -> str:
    said = f"“{plain(citation.quote)}” — " if citation.quote else ""
    path = outcome.path_of(citation, titled=False)
    led = f"{plain(path)}: " if path and said else ""
    return f"{led}{said}{plain(_place(exchange, citation))}"


def plain(text: str) -> str:
    """Return one line of Markdown that shows this text."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    seen = _ALIVE.sub(r"\\\1", _UNSEEN.sub("\ufffd", text))
    return _LINE.sub(r"\1\\\2", seen)


def _html(talk: _Answered, saved_at: str) -> str:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "".join(
        _html_answer(exchange, answer, turn)
        for turn, (exchange, answer) in enumerate(talk, start=1)
    )
    title = escape(talk[0][1].question if talk else "Footnote")
    return (
        f'<!doctype html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="referrer" content="no-referrer">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>Footnote</h1>{body}"
        f'<p class="note">Saved from Footnote, {escape(saved_at)}</p></body></html>\n'
    )


def _html_answer(exchange: Exchange, answer: Answer, turn: int) -> str:
    parts = [f"<h2><bdi>{escape(answer.question)}</bdi></h2>"]
    if answer.collections:
        names = escape(", ".join(answer.collections))
        parts.append(f'<p class="note">Asked in: <bdi>{names}</bdi></p>')
    if answer.query != answer.question:
        parts.append(f'<p class="note">Searched for: <bdi>{escape(answer.query)}</bdi></p>')
    if answer.status == "unanswered":
        none = _headed(answer, "<strong>{}.</strong> ")
        parts.append(f"<p>{none}{escape(_why(answer))}</p>")
    elif answer.status == "likely":
        said = "".join(_html_stated(answer, turn))
        why = f'<p class="note">{escape(_why(answer))}</p>'
        label = f"<p><strong>{outcome.headline(answer)}</strong></p>"
        parts.append(f'<div class="guess">{label}{said}{why}</div>')
    else:
        parts.extend(_html_stated(answer, turn))
    if answer.caveat and answer.status != "unanswered":
        parts.append(f'<p class="note">{escape(answer.caveat)}</p>')
    if answer.status == "partial":
        parts.append(f"<p><strong>{outcome.headline(answer)}.</strong> {escape(_why(answer))}</p>")
    if near := outcome.closest(answer):
        items = "".join(map(_html_near, near))
        parts.append(f"<p><strong>{outcome.CLOSEST}</strong></p><ul>{items}</ul>")
    parts.append(f'<p class="note">{escape(_byline(answer))}</p>')
    quotes = "".join(_html_quote(exchange, citation, turn) for citation in answer.citations)
    return "".join(parts) + (f"<ol>{quotes}</ol>" if quotes else "")


def _html_stated(answer: Answer, turn: int) -> Iterator[str]:
    """Yield the words that answer, then the sentences that hold them, under their paths."""

    def link(number: int) -> str:
        return f'<a href="#c-{turn}-{number}">[{number}]</a>'

    def marked(text: str, kind: str = "plain") -> str:
        return set_apart(_linked(answer, escape(text), link), kind)

    if answer.short is not None:
        numbers = "".join(map(link, answer.short.markers))
        words = f"<strong><bdi>{escape(answer.short.text)}</bdi></strong>"
        yield f'<p class="short">{words} {numbers}</p>'
    for piece in outcome.pieces(answer):
        if piece.path:
            yield f'<p class="note"><bdi>{escape(piece.path)}</bdi></p>'
        if outcome.says_more(answer):
            said = _formed(answer, piece, drawn, marked, ' <span class="flag">{}</span>')
            yield f'<div class="text">{"".join(said)}</div>'


def _html_near(found: ScoredPassage) -> str:
    near = outcome.excerpt(found)
    words = f"<mark>{escape(near.words)}</mark>" if near.words else ""
    return (
        f"<li><bdi>{escape(near.before)}{words}{escape(near.after)}</bdi>"
        f'<div class="place"><bdi>{escape(_origin(found))}</bdi></div></li>'
    )


def _html_quote(exchange: Exchange, citation: Citation, turn: int) -> str:
    quote = (
        f"<blockquote><bdi>{escape(citation.quote)}</bdi></blockquote>" if citation.quote else ""
    )
    place = f'<div class="place"><bdi>{escape(_place(exchange, citation))}</bdi></div>'
    path = outcome.path_of(citation, titled=False)
    led = f'<div class="place"><bdi>{escape(path)}</bdi></div>' if path and quote else ""
    return f'<li id="c-{turn}-{citation.marker}">{led}{quote}{place}</li>'


def _formed(
    answer: Answer,
    piece: outcome.Stretch,
    write: Callable[[Form, Show, Show], str],
    marked: Lettering,
    flag: str,
) -> Iterator[str]:
    """Yield the parts of a stretch of an answer, a flag after what is not supported."""

    def said(span: Span) -> str:
        return "".join(_flagged(answer, span, marked, flag))

    def behind(span: Span) -> str:
        begun = begun_in(answer, span)
        return "".join(
            flag.format(_VERDICTS[one.verdict]) for one in begun if one.verdict in _VERDICTS
        )

    for form in forms(answer, piece.start, piece.end):
        yield write(form, said, behind)


def _flagged(answer: Answer, piece: Span, marked: Lettering, flag: str) -> Iterator[str]:
    """Yield a stretch of an answer sentence by sentence, with a flag after what is not supported."""
    at = piece.start
    for statement in sorted(answer.statements, key=_start):
        within = piece.start <= statement.start < piece.end
        if statement.verdict in _VERDICTS and within and statement.end >= at:
            yield from starmap(marked, emphasised(answer, at, statement.end))
            yield flag.format(_VERDICTS[statement.verdict])
            at = statement.end
    yield from starmap(marked, emphasised(answer, at, piece.end))


def _linked(answer: Answer, text: str, link: Callable[[int], str], *, tie: str = "") -> str:
    """Return escaped text with a link in the place of each marker of a citation of the answer."""
    known = {citation.marker for citation in answer.citations}

    def linked(match: re.Match[str]) -> str:
        number, tied = int(match[1]), match["tied"]
        return link(number) + (tied and tie + tied) if number in known else match[0]

    return _MARKER.sub(linked, text)


def _start(statement: Statement) -> int:
    return statement.start


def _headed(answer: Answer, form: str) -> str:
    """Return what an answer comes to; empty where nothing was looked for."""
    head = outcome.headline(answer)
    return form.format(head) if head else ""


def _why(answer: Answer) -> str:
    return answer.reason.message if answer.reason else ""


def _byline(answer: Answer) -> str:
    return ", ".join(filter(None, (answer.model, outcome.sureness(answer))))


def _origin(found: ScoredPassage) -> str:
    """Return where a passage is from, and what its words hang from."""
    passage = found.passage
    where = f"{passage.source_id}, characters {passage.start}–{passage.end}"
    return ", ".join(filter(None, (outcome.path_to(found), where)))


def _place(exchange: Exchange, citation: Citation) -> str:
    """Return where a quote stands, so that anybody can look it up and check that it is the same."""
    now = _NOW[standing_of(exchange, citation.marker)]
    facts = (
        citation.title,
        citation.source_id,
        outcome.where(citation),
        f"characters {citation.start}–{citation.end}",
        f"sha256 {citation.sha256}",
        now,
    )
    return ", ".join(fact for fact in facts if fact)
