"""Text in which nothing is alive: no image, link, HTML, hidden character or stray marker. Pure.

Everything here shortens a text or puts spaces into it, so that what was harmless stays harmless.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from rag.language.characters import without_unseen

OPENERS = "[【［〔〖⟦"
CLOSERS = "]】］〕〗⟧"
BRACKETS = OPENERS + CLOSERS
_OPEN, _CLOSE = re.escape(OPENERS), re.escape(CLOSERS)

LOOKALIKE = re.compile(
    rf"[{_OPEN}]([\s\d,;&^#*†+\-–—−\\]{{0,30}}\d[\s\d,;&^#*†+\-–—−\\]{{0,30}})[{_CLOSE}]"
)
"""What a person takes for a marker: digits alone in brackets of any kind."""

_ADORNMENT = " ^#*†\\\t\n"

_ENTITY = re.compile(r"&(?=#\d|#[xX][0-9a-fA-F]|[a-zA-Z][a-zA-Z0-9]{1,31};)")
_WHOLE_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_ESCAPE = re.compile(r"(?<!\\)\\++(?=[\[\]()<>!`*_#~|])")
_TAG = re.compile(r"<(?=[a-zA-Z/!?])")
_FENCE = re.compile(r"`{3,}|~{3,}")
_URL = re.compile(r"(?i)(?:(?:[a-z][a-z0-9+.\-]{0,15})?://|www\.)(?=\S)[^\s<>\"'\[\]()]*")
_URL_HEAD = re.compile(r"(?i)://|www\.")
_UNNAMED = frozenset(("Co", "Cs", "Cn"))
_MOST_DECODINGS = 3


def visible(text: str) -> str:
    """Return the text without what nobody sees, and without private-use characters.

    Line ends become newlines. Joiners stay between letters of scripts that need them.
    """
    if text.isascii() and text.isprintable():
        return text
    lines = re.sub("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    shown = "".join(char for char in lines if unicodedata.category(char) not in _UNNAMED)
    return without_unseen(shown, joiners=True)


def decoded(text: str) -> str:
    """Return a model's text as it is meant: entities and backslash escapes resolved, nothing invisible left."""
    for _ in range(_MOST_DECODINGS):
        text = visible(_WHOLE_ENTITY.sub(lambda match: unescape(match.group()), text))
    return _ESCAPE.sub("", text)


def unmarked(text: str) -> str:
    """Return the text with everything that could be taken for a marker in round brackets: `[3]` becomes `(3)`."""
    return LOOKALIKE.sub(lambda match: f"({match[1].strip(_ADORNMENT)})", text)


def harmless(text: str, *, markers: bool = False, urls: bool = True) -> str:
    """Return the text with a space where it would otherwise be an image, a link, HTML or a fence.

    Args:
        text: anything.
        markers: whether markers in it are ours and stay.
        urls: whether bare addresses may stay whole; some programs make links of them.
    """
    text = visible(text)
    if not markers:
        text = unmarked(text)
    text = _TAG.sub("< ", text)
    text = _ENTITY.sub("& ", text)
    text = _FENCE.sub("'''", text)
    text = text.replace("](", "] (").replace("]:", "] :").replace("![", "! [")
    return text if urls else without_links(text, known="")


def without_links(text: str, *, known: str) -> str:
    """Return the text with every web address broken by a space, unless it stands in the known text."""

    def broken(match: re.Match[str]) -> str:
        url = match.group()
        if url.rstrip(".,;:!?") in known:
            return url
        return _URL_HEAD.sub(lambda head: f"{head.group()} ", url)

    return _URL.sub(broken, text)
