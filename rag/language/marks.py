"""What a line's writing shows: the mark of an item, a label, a question, who speaks, a division of the text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.language.lines import Line

LONGEST_HEADING = 100
"""Characters."""
LONGEST_QUESTION = 160
SHORT = 60
"""Characters of a line that is plainly no running text."""

_ENDING = r"""["'”’»)\]]*$"""
CLOSED = re.compile(rf"[.!?…,;:。！？।؟]{_ENDING}")
"""What ends a sentence or announces more."""
SAID = re.compile(rf"[.!?…。！？।؟]{_ENDING}")
"""What ends a sentence."""
ASKED = re.compile(r"""[?？؟]["'”’»)\]*_]*$""")
"""What ends a question."""
_INNER_END = re.compile(r"[.!?。！？]\s+(?=[^\W\d_])(?![a-zà-ÿ])")
OWN_QUESTION = re.compile(r"""[^.!?\n]{0,6}[^!?\n]{0,160}[?？؟]['"’”»)]?(?=\s+\S)""")
"""A question that begins a text and that more follows."""
_OPENING_QUOTE = re.compile(r"""["'“”„«»‘‚—–]""")

HASHES = re.compile(r"#{1,6}\s+(?=\S)")
"""The mark of a heading."""
QUOTED = re.compile(r"(?:> ?)+")
"""The mark of a quote."""
RULE = re.compile(r"(?=.*?[=~*_+-]{3})[|:+=~*_\s-]+$")
"""A line that only parts others."""
_UNDERLINE = re.compile(r"([=\-~*_^#+])\1{2,}$")
_LEAST_UNDERLINED = 0.7
_GAP = re.compile(r"\t| {2,}|(?:^|\s)\|(?:\s|$)")

_BULLET = re.compile(r"(?:[-*+•‣▪●○◦■□☐☑☒✓✔–—·]|\[[ xX✓]?\])\s+(?=\S)")
_NUMBER = re.compile(
    r"\(?(?:§\s?)?(?:(?P<dotted>\d{1,3}(?:\.\d{1,3})+)\.?|(?P<one>\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{2,5})[.)])\s+(?=\S)"
)
_SECTION = re.compile(r"\d{1,3}(?:\.\d{1,3})*\.?\s+")
_DAY = re.compile(
    r"\d{1,2}\.\s+(?:jan|f[eé]v|feb|m[aä]r|avr|apr|ma[ijy]|ju[nil]|ao[uû]|aug|sep|o[ck]t|nov|d[eé][cz])", re.IGNORECASE
)  # fmt: skip
"""A date such as `3. Oktober`."""

_DIVISION = re.compile(
    r"(?:articles?|sections?|chapter|clause|part|annex|appendix|schedule|rule|title|book|artikel|abschnitt|kapitel|anhang"
    r"|teil|chapitre|annexe|partie|artículo|capítulo|sección|cláusula|anexo|titre|§)\s*(?:\d+\w{0,2}|[IVXLC]+|[A-Z])\b\.?",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"[^\W\d_]{4,12}\.\s(?=\S)")
_LABEL = re.compile(r"[^\W\d_][^\n.,;:!?|]{0,40}:(?=\s|$)")
_EQUATED = re.compile(r"[^\W_][^\n.;:!?|]{0,40}?\s[-–—=]\s+(?=\S)")
_MOST_LABEL_WORDS = 5
LEADERS = re.compile(r"\s?(?:\. ?){4,}\s*|\s?…{2,}\s*|\s?_{4,}\s*")
"""What leads the eye from a label to its value."""
STAMP = re.compile(r"\[?\(?\d{1,4}[./:-]\d{1,2}(?:[./:-]\d{1,4})?(?!\w)")
"""A date or time of day that begins a line."""

ASKS = re.compile(
    r"(?:(?:Question|Frage|Pregunta|FAQ)\s?\d{0,3}\s?[.:)：]|Q\d{1,3}\s?[.:)]|[Q问]\s?[:：])\s*", re.IGNORECASE
)  # fmt: skip
"""How a question is marked."""
ANSWERS = re.compile(
    r"(?:(?:Answer|Antwort|Réponse|Respuesta)\s?\d{0,3}\s?[.:)：]|[AR]\d{1,3}\s?[.:)]|[AR答]\s?[:：])\s*"
)
"""How an answer is marked."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before an item."""

    style: str
    """How it is written, whatever its number: `-`, `1.`, `(a)`, `1.1`."""
    dots: int = 0
    """How many numbers a number of a section has: `2.` has one, `2.1` two; 0 for all others."""
    label: str = ""
    """Its number or letter."""

    @property
    def is_bullet(self) -> bool:
        """Whether it counts nothing."""
        return self.style == "-"


def mark_of(said: str) -> Mark | None:
    """Return the mark of an item that begins with one."""
    bullet = _BULLET.match(said)
    if bullet and any(map(str.isalnum, said)):
        return Mark("-", label=bullet[0].strip())
    number = _NUMBER.match(said)
    if number is None or _DAY.match(said):
        return None
    if number["dotted"]:
        if said[number.end()].islower():
            return None  # "2.5 kg of flour"
        return Mark("1.", number["dotted"].count(".") + 1, number["dotted"])
    one = number["one"]
    kind = "1" if one.isdigit() else ("I" if one.isupper() else "i") if len(one) > 1 else one[0]
    if len(one) == 1 and one.isalpha():
        kind = "A" if one.isupper() else "a"
    style = number[0].strip().replace("§", "").strip().replace(one, kind)
    return Mark(style, int(style == "1."), one)


def is_said(text: str) -> bool:
    """Tell whether a sentence ends as one, or announces something; a heading, a subject or a name alone does not."""
    return bool(CLOSED.search(text))


def is_item(text: str) -> bool:
    """Tell whether a line is written as an item of a list."""
    return mark_of(text) is not None


def is_question(said: str) -> bool:
    """Tell whether a text is one question that somebody might look up: no speech in quotes, nothing before it."""
    if len(said) > LONGEST_QUESTION or not ASKED.search(said) or _OPENING_QUOTE.match(said):
        return False
    body = said[_after_mark(said) :]
    return not _INNER_END.search(body)


def is_numbered_question(said: str) -> bool:
    """Tell whether a line begins a question with a number or a mark such as `Q:`."""
    mark = mark_of(said)
    return bool(ASKS.match(said)) or (mark is not None and not mark.is_bullet)


def _after_mark(said: str) -> int:
    for pattern in (ASKS, HASHES, _NUMBER, _BULLET):
        match = pattern.match(said)
        if match:
            return match.end()
    return 0


def division_of(said: str) -> str:
    """Return the words by which a line names a division of the text, such as `Article 3`; else nothing."""
    division = _DIVISION.match(said)
    if division is None:
        return ""
    rest = said[division.end() :].lstrip(" .:–—-")
    return (
        ""
        if rest[:1].islower() or len(said) > LONGEST_HEADING or SAID.search(rest)
        else division[0]
    )


def is_loud(said: str) -> bool:
    """Tell whether a line is written in capitals and ends no sentence."""
    letters = [char for char in said if char.isalpha()]
    return (
        len(said) <= SHORT
        and not CLOSED.search(said)
        and len(letters) > 3
        and all(char.isupper() for char in letters)
    )


def is_counted(said: str) -> bool:
    """Tell whether a line begins with a word in capitals that counts it, as in `PRIMERA. Objeto`."""
    counted = _ORDINAL.match(said)
    return counted is not None and counted[0].isupper() and is_headline(said)


def is_headline(said: str) -> bool:
    """Tell whether a line may head others: short, with letters, ending no sentence and beginning none in the middle."""
    return (
        len(said) <= LONGEST_HEADING
        and any(map(str.isalpha, said))
        and not CLOSED.search(said)
        and not said[0].islower()
        and not _OPENING_QUOTE.match(said)
    )


def has_gap(said: str) -> bool:
    """Tell whether a line falls into columns; a wide gap behind its number makes none."""
    number = _SECTION.match(said)
    return bool(_GAP.search(said, number.end() if number else 0))


def is_underlined(said: str, following: str) -> bool:
    """Tell whether a line is a heading with a rule beneath it."""
    return (
        bool(_UNDERLINE.match(following))
        and any(map(str.isalnum, said))
        and len(said) <= LONGEST_HEADING
        and len(following) >= _LEAST_UNDERLINED * len(said)
        and not has_gap(said)
    )


def label_of(said: str) -> str:
    """Return the label that a line begins with, its colon included; else nothing."""
    label = _LABEL.match(said)
    if label is None or len(label[0].split()) > _MOST_LABEL_WORDS:
        return ""
    return "" if ASKS.match(said) or ANSWERS.match(said) else label[0]


def is_sentence(said: str) -> bool:
    """Tell whether a text is no more than one sentence."""
    return not _INNER_END.search(said)


def is_field(said: str) -> bool:
    """Tell whether a line gives a label and its value, or a term and its meaning."""
    label = label_of(said)
    return bool(label and len(said) > len(label)) or bool(_EQUATED.match(said))


def indent_of(text: str, line: Line) -> int:
    """Return how many columns a line is indented."""
    before = text[max(0, line[0] - 80) : line[0]].rpartition("\n")[2]
    return len(before.expandtabs(4)) if not before.strip() else 0
