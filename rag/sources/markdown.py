"""Markdown, as it reads once rendered.

The markup is dropped: a quote shows `total revenue`, not `**[total revenue](x.md#y)**`, and neither
search nor a reader meets syntax. Rendering and walking the result makes headings, lists, tables and
embedded HTML come out as they do from a web page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from rag.language.layout import refine
from rag.language.marks import is_field
from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_text

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\r?\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL
)
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE)


_CALLOUT = re.compile(
    r"[ >]{0,20}(?:!!!|\?\?\?\+?|(?P<fence>:::+)|>? ?\[!) ?(?P<kind>\w{1,30})\]?"
    r"(?: \"?(?P<title>[^\s\"][^\"\n]{0,100})\"?)?"
)
"""The first line of a note that stands apart, in the writings of MkDocs, Docusaurus and GitHub."""
_INDENT, _FENCE = "    ", ":::"
"""What shows that a line belongs to such a note, and what ends it."""


def read(data: bytes) -> Document:
    """Read a Markdown file; its title is the one of its front matter, else its first heading."""
    check_text(data)
    text, guessed = decode(data)
    title = ""
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        if named := _FRONT_TITLE.search(front[1] or ""):
            title = named[1].strip().strip("\"'")
    tree = parse(rendered(text))
    heading = tree.css_first("h1") or tree.css_first("h2, h3, h4, h5, h6")
    if not title and heading is not None:
        title = heading.text()
    body, blocks = to_text(tree.body)
    return Document(
        title=title, parts=(body,), blocks=refine(body, blocks), guessed_encoding=guessed
    )


def rendered(text: str) -> str:
    """Return Markdown as a piece of a page."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.add_render_rule("softbreak", _soft_break)
    return str(parser.render(_with_callouts(text)))


def _soft_break(
    _renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object
) -> str:
    """Keep a line break of the source where a definition or, below another, a label with its value begins behind it."""
    before, after = _line(tokens[:at][::-1])[::-1], _line(tokens[at + 1 :])
    said, following = "".join(before), "".join(after)
    kept = following.startswith(": ") or (is_field(said) and is_field(following))
    return "<br>\n" if kept else "\n"


def _line(tokens: Sequence[Token]) -> list[str]:
    """Return the texts of the tokens before the next line break."""
    breaks = ("softbreak", "hardbreak")
    return [one.content for one in takewhile(lambda one: one.type not in breaks, tokens)]


def _with_callouts(text: str) -> str:
    """Write notes that stand apart as quotes with a bold title."""
    lines: list[str] = []
    inside = ""
    for line in text.split("\n"):
        if inside == _INDENT and line.strip() and not line.startswith((_INDENT, "\t")):
            inside = ""
            lines.append("")
        if inside == _FENCE and line.lstrip().startswith(_FENCE):
            inside = ""
            lines.append("")
            continue
        callout = None if inside else _CALLOUT.fullmatch(line.rstrip())
        if callout:
            quoted = ">" in callout[0]
            inside = "" if quoted else _FENCE if callout["fence"] else _INDENT
            title = callout["title"] or callout["kind"].capitalize()
            lines += [f"> **{title}**", ">"]
        else:
            lines.append(f"> {line.strip()}" if inside else line)
    return "\n".join(lines)
