"""Markdown, as it reads once rendered.

The markup is dropped: a quote shows `total revenue`, not `**[total revenue](x.md#y)**`, and neither
search nor a reader meets syntax. Rendering and walking the result makes headings, lists, tables and
embedded HTML come out as they do from a web page.
"""

from __future__ import annotations

import re

from rag.language.layout import refine
from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_text

_FRONT_MATTER = re.compile(
    r"\ufeff?---[ \t]*\r?\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL
)
_FRONT_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE)


def read(data: bytes) -> Document:
    """Read a Markdown file; its title is the one of its front matter, else its first heading."""
    from markdown_it import MarkdownIt

    check_text(data)
    text, guessed = decode(data)
    title = ""
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        if named := _FRONT_TITLE.search(front[1] or ""):
            title = named[1].strip().strip("\"'")
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    tree = parse(html)
    heading = tree.css_first("h1") or tree.css_first("h2, h3, h4, h5, h6")
    if not title and heading is not None:
        title = heading.text()
    body, blocks = to_text(tree.body)
    return Document(
        title=title, parts=(body,), blocks=refine(body, blocks), guessed_encoding=guessed
    )
