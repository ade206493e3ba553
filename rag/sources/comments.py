"""Comments of data files (.yaml, .toml, .ini): which field each is about, by where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

NAME = "comment"
"""Ends the name of a field that holds comments: `comment`, `limit comment`."""

_COMMENT = re.compile(r"(?:^|(?<=\s))[#;]+[ \t]?(?P<said>[^\n]*)", re.MULTILINE)
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|(?P<mark>(?:^|(?<=\s))[#;])")
_SECTION = re.compile(r"\s*\[{1,2}\s*(?P<path>[^\[\]]+?)\s*\]{1,2}\s*$")
_FIELD = re.compile(r"\s*(?P<name>[\w.\"' -]+?)\s*[=:]")
_FENCES = ('"""', "'''")


def said_in(said: str) -> str:
    """Return what a comment says, without a frame of signs around it; empty where it has no words."""
    bare = said.strip(" \t#;-=*_~")
    return bare if any(map(str.isalpha, bare)) else ""


def in_gap(gap: str) -> Iterator[tuple[bool, bool, str]]:
    """Yield for each comment between two values: whether it ends a line, whether an empty one follows, its words."""
    for found in _COMMENT.finditer(gap):
        if said := said_in(found["said"]):
            is_end = "\n" not in gap[: found.start()]
            yield is_end, bool(re.match(r"\n[ \t]*\n", gap[found.end() :])), said


def by_field(text: str, marks: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield section, field and words of the comments of a file of lines; of one above a section, or alone, no field.

    Args:
        text: of a file with `[section]` and `name = value`.
        marks: the signs that begin comments.
    """
    section: tuple[str, ...] = ()
    waiting: list[str] = []
    for line in _outside(text.splitlines()):
        at = next((one.start() for one in _TOKEN.finditer(line) if one["mark"] in {*marks}), None)
        said = "" if at is None else said_in(line[at:])
        code = line[:at].strip()
        if not code and said:
            waiting.append(said)
            continue
        field = _FIELD.match(code)
        if head := _SECTION.match(code):
            section = tuple(one.strip(" \"'") for one in head["path"].split("."))
        told = [*waiting, said] if code else waiting
        waiting = []
        name = field["name"].strip("\"'") if field and not head else ""
        yield from ((section, name, one) for one in told if one)
    yield from ((section, "", one) for one in waiting)


def _outside(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that stand in no text of several lines."""
    fence = ""
    for line in lines:
        if not fence:
            yield line
            fence = next((one for one in _FENCES if line.count(one) == 1), "")
        elif fence in line:
            fence = ""
