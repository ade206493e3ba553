"""Programs (.py, .js, .c, ...), line by line as they stand: what is defined heads its lines, comments are its prose.

It is told by how lines begin, not by a grammar: languages differ little in that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from rag.language.nesting import nest
from rag.language.outline import Outline
from rag.schema import Place
from rag.sources.characters import clean, decode
from rag.sources.document import Document
from rag.sources.signatures import check_text

_DEFINES = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|internal|static|abstract|final|async|pub(?:\(\w+\))?|override|open"
    r"|sealed|partial|extern|inline|unsafe|virtual|suspend|data|local|CREATE|create)\s+(?:OR REPLACE\s+)?)*"
    r"(?:def|class|function|func|fn|fun|interface|struct|enum|trait|impl|module|namespace|object|record|type|sub|TABLE"
    r"|table|VIEW|view|PROCEDURE|procedure|FUNCTION)\b[ *&]+[\w:.$<\"`]"
)
_C_FUNCTION = re.compile(
    r"(?:[A-Za-z_][\w<>:,*&\[\] ]*[ *&]~?[A-Za-z_]\w*\s*\([^;{}]*\)[^;{}]*"
    r"|\s+[\w<>:,*&\[\] ]+[ *&]\w+\([^;{}]*\)[^;{}=]*\{)\s*$"
)
_CONTROL = re.compile(
    r"\s*(?:if|else|for|while|switch|return|catch|do|try|elif|except|with|case|await|yield|import|from|new|throw|raise|assert|del|go|defer)\b"
)
_COMMENT = re.compile(
    r"\s*(?:#(?!!|include|define|if|endif|pragma)|//|--(?= )|;;|%|\*(?= |$)|/\*|'''|\"\"\")"
)
_OPENS = re.compile(r"\s*[rRuUfFbB]{0,2}(?P<mark>\"\"\"|'''|/\*)")
_MARKS = re.compile(r"^[\s#/*;%!'\"-]+|[\s*/'\"]+$")
_NO_TITLE = re.compile(r"copyright|licen[sc]e|©|-\*-|spdx|eslint|pylint|usr/bin", re.IGNORECASE)
_MOST_OPENING, _FEWEST_WORDS = 12, 3
_CLOSES = {'"""': '"""', "'''": "'''", "/*": "*/"}
_MOST_NAMED = 50_000
"""Lines of a file that are named as places; a longer one is made by a machine."""

Sort = Literal["define", "prose", "code", "empty"]


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    sort: Sort
    indent: int


def read(data: bytes) -> Document:
    """Read a program; its text is that of the file, its places are lines."""
    check_text(data)
    text, guessed = decode(data)
    text = clean(text)
    lines = [*_lines(text)]
    outline = Outline()
    at = 0
    while at < len(lines):
        end = _end(lines, at, text)
        line = lines[at]
        if line.sort == "define":
            outline.add(
                "heading", line.start, lines[end - 1].end, level=min(2 + line.indent // 2, 9)
            )
        elif line.sort == "prose":
            outline.add("paragraph", line.start, lines[end - 1].end)
        elif line.sort == "code":
            outline.add("code", line.start, lines[end - 1].end)
        at = end
    named = lines if len(lines) <= _MOST_NAMED else []
    return Document(
        title=_opening(text, lines),
        parts=(text,),
        blocks=nest(text, outline.blocks()),
        places=tuple(
            Place(start=one.start, end=one.end, name=f"line {number}")
            for number, one in enumerate(named, start=1)
            if one.start < one.end
        ),
        guessed_encoding=guessed,
    )


def _opening(text: str, lines: list[_Line]) -> str:
    """Return the first sentence of the prose that a program begins with; nothing where it begins otherwise."""
    told = [*takewhile(lambda one: one.sort in {"prose", "empty"}, lines)]
    for line in told[:_MOST_OPENING]:
        said = _MARKS.sub("", text[line.start : line.end]).strip()
        if len(said.split()) >= _FEWEST_WORDS and not _NO_TITLE.search(said):
            return said.rstrip(".")
    return ""


def _lines(text: str) -> Iterator[_Line]:
    """Yield each line and what it is; between the marks of a long comment all is prose."""
    at, until = 0, ""
    for said in text.split("\n"):
        begin, end = at + len(said) - len(said.lstrip()), at + len(said.rstrip())
        sort: Sort = "code"
        if until:
            sort = "prose" if said.strip() else "empty"
            until = "" if until in said else until
        elif not said.strip():
            sort = "empty"
        elif opened := _OPENS.match(said):
            sort = "prose"
            closes = _CLOSES[opened["mark"]]
            until = "" if closes in said[opened.end() :] else closes
        elif _COMMENT.match(said):
            sort = "prose"
        elif _DEFINES.match(said) or (_C_FUNCTION.match(said) and not _CONTROL.match(said)):
            sort = "define"
        yield _Line(min(begin, end), end, sort, begin - at)
        at += len(said) + 1


def _end(lines: list[_Line], at: int, text: str) -> int:
    """Return where the part ends that begins at a line: a definition with its brackets, else lines of one sort."""
    line = lines[at]
    end = at + 1
    if line.sort == "define":
        said = text[line.start : line.end]
        while said.count("(") > said.count(")") and end < min(at + 30, len(lines)):
            said += text[lines[end].start : lines[end].end]
            end += 1
        return end
    while end < len(lines) and lines[end].sort == line.sort:
        end += 1
    return end
