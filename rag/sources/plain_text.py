"""Plain text."""

from __future__ import annotations

import re

from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.signatures import check_text
from rag.sources.talk import chat_blocks

_LONGEST_TITLE = 80
_SENTENCE_END = re.compile(r"""[.!?,;:…。！？]["'”’»)\]]*$""")


def read(data: bytes) -> Document:
    """Read a text file; its title is its first line if that reads like one. A chat keeps who said what when."""
    check_text(data)
    text, guessed = decode(data)
    blocks, places = chat_blocks(text)
    return Document(
        title="" if places else _heading(text),
        parts=(text,),
        blocks=blocks,
        places=places,
        guessed_encoding=guessed,
    )


def _heading(text: str) -> str:
    """Return the first line if it is short, no sentence, and more follows: an article's first paragraph is no title."""
    first, _, rest = text.lstrip("\ufeff \t\r\n").partition("\n")
    first = first.strip(" \t\r#=*-")
    is_title = (
        0 < len(first) <= _LONGEST_TITLE
        and any(map(str.isalpha, first))
        and not _SENTENCE_END.search(first)
        and _stands_apart(first, rest)
    )
    return first if is_title else ""


def _stands_apart(first: str, rest: str) -> bool:
    """Tell whether the line is followed by an empty line, an underline, or a line that starts anew."""
    following = rest.partition("\n")[0].strip()
    if not rest.strip():
        return False
    return (
        not following
        or not following[0].isalnum()
        or (not following[0].islower() and len(first) < 0.75 * len(following))
    )
