"""The numbers that Word gives to paragraphs by itself: they stand nowhere in the text, but a reader sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase
from xml.etree import ElementTree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
"""The namespace of Word's elements."""
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_LEVELS = 9
_MOST_ROMAN = 4_000
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_UNSEEN = frozenset({"bullet", "none"})


@dataclass(slots=True)
class _Level:
    """How one level of a list is counted."""

    style: str = "decimal"
    text: str = ""
    """What is shown, with `%1` for the number of the first level."""
    start: int = 1


@dataclass(slots=True)
class _List:
    """A definition of numbers, and how far it has counted; lists that share it go on from each other."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def count(self, level: int) -> None:
        """Count one more paragraph of a level; the levels below begin anew."""
        for above in range(level):
            self.counts.setdefault(above, self._start(above))
        now = self.counts.get(level)
        self.counts[level] = self._start(level) if now is None else now + 1
        for below in [at for at in self.counts if at > level]:
            del self.counts[below]

    def shown(self, level: int) -> str:
        """Return what Word shows before a paragraph of a level; nothing for a bullet."""
        own = self.levels.get(level, _Level())
        if own.style in _UNSEEN:
            return ""
        text = own.text
        for at in range(level, -1, -1):
            style = self.levels.get(at, _Level()).style
            text = text.replace(f"%{at + 1}", spelled(self.counts.get(at, 1), style))
        return text.strip()

    def _start(self, level: int) -> int:
        return self.levels.get(level, _Level()).start


class Numbering:
    """The lists of a document, counted while its paragraphs are walked in order."""

    def __init__(self, numbering: ElementTree.Element, styles: ElementTree.Element | None) -> None:
        self._lists: dict[str, _List] = {}
        self._starts: dict[str, dict[int, int]] = {}
        self._styles = {} if styles is None else dict(_numbered_styles(styles))
        known = {
            one.get(f"{W}abstractNumId", ""): _List(dict(_levels(one)))
            for one in numbering.iter(f"{W}abstractNum")
        }
        for one in numbering.iter(f"{W}num"):
            number = one.get(f"{W}numId", "")
            self._lists[number] = known.get(_value(one, "abstractNumId"), _List())
            self._starts[number] = dict(_overrides(one))

    def numbers(self, document: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, str]]:
        """Yield each paragraph that Word numbers, and its number."""
        for paragraph in _paragraphs(document):
            number, level = self._place(paragraph)
            counted = self._lists.get(number)
            if counted is None:
                continue
            for at, start in self._starts.pop(number, {}).items():
                counted.levels.setdefault(at, _Level()).start = start
                counted.counts = {one: now for one, now in counted.counts.items() if one < at}
            counted.count(level)
            shown = counted.shown(level)
            if shown:
                yield paragraph, shown

    def _place(self, paragraph: ElementTree.Element) -> tuple[str, int]:
        """Return the list and the level of a paragraph, by itself or by its style; no list is the empty string."""
        properties = paragraph.find(f"{W}pPr")
        if properties is None:
            return "", 0
        number, level = self._styles.get(_value(properties, "pStyle"), ("", 0))
        own = properties.find(f"{W}numPr")
        if own is not None:
            number = _value(own, "numId") or number
            level = _whole(_value(own, "ilvl"), level)
        return number, min(level, _LEVELS - 1)


def _paragraphs(document: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the paragraphs in order; of two writings of the same text only the first."""
    stack = [document]
    while stack:
        one = stack.pop()
        if one.tag == f"{W}p":
            yield one
        stack += [inner for inner in reversed(one) if inner.tag != _FALLBACK]


def _levels(abstract: ElementTree.Element) -> Iterator[tuple[int, _Level]]:
    for one in abstract.iter(f"{W}lvl"):
        style = _value(one, "numFmt") or "decimal"
        start = _whole(_value(one, "start"), 1)
        yield _whole(one.get(f"{W}ilvl", ""), 0), _Level(style, _value(one, "lvlText"), start)


def _overrides(number: ElementTree.Element) -> Iterator[tuple[int, int]]:
    """Yield the levels at which a list begins anew, and with which number."""
    for one in number.iter(f"{W}lvlOverride"):
        start = _value(one, "startOverride")
        if start:
            yield _whole(one.get(f"{W}ilvl", ""), 0), _whole(start, 1)


def _numbered_styles(styles: ElementTree.Element) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the styles whose paragraphs are numbered, with their list and level; a style inherits both."""
    based: dict[str, str] = {}
    own: dict[str, tuple[str, int]] = {}
    for one in styles.iter(f"{W}style"):
        name = one.get(f"{W}styleId", "")
        based[name] = _value(one, "basedOn")
        numbered = one.find(f"{W}pPr/{W}numPr")
        if numbered is not None:
            own[name] = _value(numbered, "numId"), _whole(_value(numbered, "ilvl"), 0)
    for name in based:
        above, seen = name, {""}
        while above not in own and above not in seen:
            seen.add(above)
            above = based.get(above, "")
        if above in own:
            yield name, own[above]


def spelled(number: int, style: str) -> str:
    """Write a number as a style of Word does; in figures where the style is not known."""
    if style in {"lowerLetter", "upperLetter"} and number > 0:
        times, letter = divmod(number - 1, len(ascii_lowercase))
        word = ascii_lowercase[letter] * min(times + 1, _LEVELS)
    elif style in {"lowerRoman", "upperRoman"} and 0 < number < _MOST_ROMAN:
        word = ""
        for value, letters in _ROMAN:
            word += letters * (number // value)
            number %= value
    elif style == "decimalZero":
        word = f"{number:02d}"
    else:
        word = str(number)
    return word.upper() if style.startswith("upper") else word


def _value(element: ElementTree.Element, name: str) -> str:
    """Return the value of an element inside another; the empty string where it is not there."""
    found = element.find(f"{W}{name}")
    return "" if found is None else found.get(f"{W}val", "")


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else otherwise
