"""Web pages: their main content, without navigation, scripts and what is hidden from a reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.language.layout import refine
from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.html import parse, remove, title_of, to_text
from rag.sources.signatures import check_text
from rag.sources.structure import clipped

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{2,40})|<\?xml[^>]{0,100}?encoding=["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEAD_BYTES = 4096
_AS_BROWSERS_DO = dict.fromkeys(("iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"), "cp1252")
_ESCAPES = (
    "utf-7",
    "utf_7",
    "utf7",
    "unicode_escape",
    "raw_unicode_escape",
    "unicode-escape",
    "punycode",
    "idna",
)
"""Encodings of Python's that browsers do not know; markup could hide in them."""
_AROUND = (
    "nav, footer, aside, form, [role=navigation], [role=banner], [role=contentinfo], [role=search],"
    " [role=complementary], [role=dialog], [role=alertdialog]"
)
_TELLING = 25
"""Letters from which on a paragraph is known again: shorter ones (`Share`, `Read more`) stand anywhere."""
_ENOUGH = 200
_SEARCHED = 1_000
"""Paragraphs looked at from either end of a page."""
_LEAST_SHARE = 0.25
"""Less than this of a page is not believed to be its main content."""


def read(data: bytes) -> Document:
    """Read a page: from the first to the last paragraph of what trafilatura takes for its main content.

    trafilatura says where the content begins and ends, but drops bylines, list numbers and
    definitions on its way, so its own text is not used. All but the navigation is read where it
    finds little, as on short pages.

    Raises:
        SourceError: `binary`, or `unreadable` where the page is nested too deeply.
    """
    check_text(data)
    html, guessed = _decode(data)
    tree = parse(html, xml=html.lstrip("\ufeff \t\r\n").startswith("<?xml"))
    remove([*tree.css(_AROUND), *filter(_is_banner, tree.css("header"))])
    first_heading = tree.css_first("h1")
    heading = first_heading.text() if first_heading is not None else ""
    whole, blocks = to_text(_container(tree))
    start, end = _main_part(whole, tree.html or "", heading)
    text = whole[start:end]
    inside = refine(text, clipped(blocks, start, end))
    return Document(title=title_of(html), parts=(text,), blocks=inside, guessed_encoding=guessed)


def _main_part(text: str, html: str, heading: str) -> tuple[int, int]:
    """Return where in `text` the main content of its page starts and ends."""
    from trafilatura import extract

    main = _letters(extract(html, include_comments=False, favor_recall=True) or "")
    paragraphs = text.split("\n\n")
    letters = [_letters(paragraph) for paragraph in paragraphs]
    count = len(paragraphs)
    from_top = range(min(count, _SEARCHED))
    first = next((k for k in from_top if _is_told(letters[k], main)), None)
    if first is None:
        return 0, len(text)
    from_bottom = range(count - 1, max(first, count - _SEARCHED) - 1, -1)
    last = next((k for k in from_bottom if _is_told(letters[k], main)), count - 1)
    while last + 1 < count and letters[last + 1] in main:
        last += 1
    # The heading, and a byline between it and the text, belong to the content.
    start = (
        letters.index(_letters(heading), 0, first)
        if _letters(heading) in letters[:first]
        else first
    )
    while start > 0 and letters[start - 1] in main:
        start -= 1
    begin = sum(len(one) + 2 for one in paragraphs[:start])
    length = len("\n\n".join(paragraphs[start : last + 1]))
    return (begin, begin + length) if length >= _LEAST_SHARE * len(text) else (0, len(text))


def _is_told(letters: str, main: str) -> bool:
    """Tell whether a paragraph, or the beginning of a long one, is part of the main content."""
    return len(letters) >= _TELLING and letters[:_ENOUGH] in main


def _letters(text: str) -> str:
    """Return only letters and digits, by which a paragraph is known again however it is spaced."""
    return "".join(filter(str.isalnum, text)).lower()


def _is_banner(header: LexborNode) -> bool:
    """Tell the head of a site from the head of an article."""
    return header.css_first("nav") is not None or header.css_first("h1, h2") is None


def _container(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the one `main` element, else the one `article`, else the body."""
    for name in ("main", "article"):
        nodes = tree.css(name)
        if len(nodes) == 1 and nodes[0].text(strip=True):
            return nodes[0]
    return tree.body


def _decode(data: bytes) -> tuple[str, str]:
    """Decode a page in the encoding that it declares, if that works."""
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    if declared and not data.startswith(_BOMS):
        name = (declared[1] or declared[2]).decode("ascii", "replace").lower()
        name = _AS_BROWSERS_DO.get(name, name)
        try:
            if _is_written_in(declared[0], name):
                return data.decode(name), ""
        except (LookupError, ValueError):
            pass  # it is not what it says
    return decode(data)


def _is_written_in(declaration: bytes, name: str) -> bool:
    """Tell whether a declaration, read as ASCII, can stand in the encoding that it names: in UTF-16 it could not."""
    return name not in _ESCAPES and declaration.decode(name) == declaration.decode("ascii")
