"""Who speaks: turns of talks and chats, heads of mails, cues of subtitles. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.language.lines import Line
from rag.language.marks import SAID, label_of

_FEWEST_TURNS = 3
_LEAST_SHARE = 0.4
_LONG = 30
"""Characters of what is said rather than filled in."""

_STAMP = r"(?:\[?\(?\d[\d.:/, -]{3,22}(?:[AaPp][Mm])?\)?\]?\s?[-–]?\s?)"
_NAME = r"[^\W\d_][\w.'’-]*(?: [\w.'’()-]+){0,3}"
_TURN = re.compile(
    rf"(?:<v\s(?P<voice>[^>\n]{{1,40}})>|(?P<stamp>{_STAMP})?(?:(?P<name>{_NAME}):|<(?P<nick>[^<>\s]{{1,30}})>))\s*(?=\S)"
)
_HEAD = re.compile(
    rf"(?=.{{0,60}}\d:\d\d)(?:{_STAMP}(?P<late>{_NAME})|(?P<early>{_NAME})[ ,\t]{{1,8}}{_STAMP})$"
)
"""Who speaks and when, on a line of their own."""
_CUE = re.compile(r"\d{1,2}:\d\d(?::\d\d)?[.,]?\d{0,3}\s*-->\s*\d[\d:.,]*.*$")
_WROTE = re.compile(r"\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto)\s*:$")
_PARTS_OF_FAQ = frozenset({"q", "a", "question", "answer", "frage", "antwort"})

FROM = frozenset({"from:", "von:", "de:"})
SUBJECT = frozenset({"subject:", "betreff:", "objet:", "asunto:"})
_HEADS_OF_MAIL = (
    FROM | SUBJECT | {"to:", "an:", "date:", "sent:", "cc:", "datum:", "gesendet:", "fecha:", "à:"}
)


class Talk:
    """Who speaks in a text, and how a line shows it."""

    def __init__(self, text: str, lines: Sequence[Line]) -> None:
        self._text = text
        self._names = _speakers(text, lines)
        self._heads = _headers(text, lines)

    def __bool__(self) -> bool:
        return bool(self._names or self._heads)

    def turn(self, line: Line) -> Line | None:
        """Return where the name of who speaks stands in a line that begins a turn."""
        match = _TURN.match(self._text, *line)
        name = _named(match) if match else ""
        return match.span(name) if match and match[name] in self._names else None

    def head(self, line: Line) -> bool:
        """Tell whether a line says who speaks, and nothing else."""
        return line in self._heads


def _named(match: re.Match[str]) -> str:
    """Return the group of a turn that holds the name."""
    return next(group for group in ("voice", "name", "nick") if match[group])


def _speakers(text: str, lines: Sequence[Line]) -> frozenset[str]:
    """Return the names of those who speak: they begin many lines and come back, and say more than mere values."""
    turns = [match for line in lines if (match := _TURN.match(text, *line))]
    turns = [one for one in turns if one[_named(one)].lower() not in _PARTS_OF_FAQ]
    names = Counter(one[_named(one)] for one in turns)
    voices = [one["voice"] for one in turns if one["voice"]]
    if voices:
        return frozenset(voices)
    stamped = any(one["stamp"] for one in turns)
    many = len(turns) >= max(_FEWEST_TURNS, _LEAST_SHARE * len(lines))
    back = len(names) > 1 and max(names.values(), default=0) > 1
    said = [text[one.end() : line[1]] for line in lines if (one := _TURN.match(text, *line))]
    told = sum(bool(SAID.search(one)) or len(one) > _LONG for one in said)
    return (
        frozenset(names) if many and (stamped or (back and 2 * told >= len(said))) else frozenset()
    )


def _headers(text: str, lines: Sequence[Line]) -> frozenset[Line]:
    """Return the lines that say who speaks and when, if two people or more do, and one comes back."""
    found: dict[Line, str] = {}
    for line, following in zip(lines, [*lines[1:], None], strict=False):
        match = _HEAD.match(text, *line)
        if match and following:
            found[line] = match["late"] or match["early"]
    names = Counter(found.values())
    back = len(names) > 1 and max(names.values()) > 1
    return frozenset(found) if back and len(found) >= _FEWEST_TURNS else frozenset()


def mail_labels(text: str, lines: Iterable[Line]) -> list[str]:
    """Return the label of each line of a mail's head, in lower case; nothing where the lines are none."""
    labels = [label_of(text[slice(*line)]).lower() for line in lines]
    is_mail = sum(label in _HEADS_OF_MAIL for label in labels) > 1 and not FROM.isdisjoint(labels)
    return labels if is_mail else []


def says_who_wrote(said: str) -> bool:
    """Tell whether a line says who wrote what is quoted below it."""
    return bool(_WROTE.search(said))


def cue_of(text: str, lines: Sequence[Line]) -> int:
    """Return how many lines say when a subtitle is shown; 0 where none does."""
    return next((at + 1 for at in range(min(2, len(lines))) if _CUE.match(text, *lines[at])), 0)
