"""Hard faults: what of a model's sentence may be asked for again or left out. Pure.

Four, and no other: a number that neither stands in the evidence nor follows from it, a name that stands nowhere in
evidence or question, a living link, an order obeyed (the instructions told, the model itself spoken of, or a sentence
on nothing that was read or asked). Everything else is flagged, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.language.languages import language_of
from rag.language.names import missing_names
from rag.language.quantities import Quantity, distinct, quantities
from rag.language.words import alike, words_of

FaultKind = Literal["number", "name", "link", "order"]

_LINK = re.compile(r"(?i)(?:(?:[a-z][a-z0-9+.\-]{0,15}:// |www\. )|\bjavascript:)\S*")
"""An address; the reading of markers broke those that the evidence does not have."""
_SPEAKER = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]yself)\b")
_ROLE = re.compile(
    r"<\s?\|[^|\n]{0,40}\|>|\[/?INST\]|^\W*(?:system|assistant|user)\s*:", re.IGNORECASE
)
"""What parts the turns of a conversation in a prompt."""
_RUN = 6
"""Words in a row that sentence and instructions share for the one to tell the other."""
_MOST_COUNTED = 12
"""A bare number up to it counts what a writer looks over: no fact of the documents by itself."""
_FOLLOWS_NO_NAME = re.compile(
    r"(?:\s*[:(]|\s+(?:the|an?|of|on|in|to|for|from|with|at|by|between|your|his|her|its|their|this|that|these|those|it"
    r"|he|she|they|you|we|there|as|into|no|not|one|both|all|each|any|some|only)\b|\s*$)",
    re.IGNORECASE,
)
_HEAD = re.compile(r"(?:^|[.!?:;|]\s|\b(?:yes|no),?\s)[\s\"'“”‘’(*_\-–—]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HardFault:
    """What is wrong with a sentence beyond a flag."""

    kind: FaultKind
    why: str
    """A phrase."""


class Known:
    """All that was read, asked and told, as far as a sentence can be held to it.

    Args:
        texts: the evidence, its titles and paths.
        asked: the question, and what was said before it.
        instructions: what the model was told besides.
    """

    def __init__(self, texts: Iterable[str], asked: Iterable[str], instructions: str) -> None:
        read = list(texts)
        self.texts = [*read, *asked]
        self.numbers = distinct(one for text in self.texts for one in quantities(text))
        self.read = _stems_of(read)
        self.stems = self.read | _stems_of(self.texts[len(read) :])
        self.language = language_of(" ".join(read))
        self.asked = language_of(" ".join(self.texts[len(read) :]))
        theirs = [run for text in self.texts for run in _runs(text)]
        self.told = frozenset(_runs(instructions)) - frozenset(theirs)
        self._letters = [_letters(text) for text in self.texts]
        self._words = _spaced(instructions)
        self._said = [_spaced(text) for text in self.texts]

    def is_told(self, claim: str) -> bool:
        """Tell whether a short sentence stands in the instructions as it is, and nowhere in what was read or asked."""
        words = _spaced(claim)
        return words in self._words and not any(words in said for said in self._said)

    def is_linked(self, claim: str) -> bool:
        """Tell whether a claim has an address that stands in nothing that was read or asked, markup aside."""
        links = (_letters(match.group()) for match in _LINK.finditer(claim))
        return any(not any(link in text for text in self._letters) for link in links)

    def says(self, wanted: Quantity) -> bool:
        """Tell whether a number stands somewhere."""
        return any(one.says(wanted) for one in self.numbers)

    def is_foreign(self, claim: str) -> bool:
        """Tell whether a sentence is in another language than what was read."""
        language = language_of(claim) or self.asked
        if not language or not self.language or language == self.language:
            return False
        stems = [word.stem for word in words_of(claim) if word.content]
        return 2 * sum(alike(stem, self.read) for stem in stems) <= len(stems)


def unknown_numbers(claim: str, known: Known) -> tuple[Quantity, ...]:
    """Return the numbers of a claim that stand nowhere."""
    return tuple(
        one for one in distinct(quantities(claim)) if not one.vague and not known.says(one)
    )


def weighty(number: Quantity) -> bool:
    """Tell whether a number is a fact by itself, and no small count or ordinal."""
    if number.kind == "ordinal":
        return False
    small = number.value is not None and 0 <= number.value <= _MOST_COUNTED
    return bool(number.unit) or number.kind != "number" or number.year or not small


def unknown_names(claim: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a claim that no text has; a capital that only opens a sentence makes none.

    None in German, which writes every noun so.
    """
    if language_of(claim) == "de":
        return ()
    missing = missing_names(claim, texts)
    return tuple(name for name in missing if not _only_opens(claim, name))


def _only_opens(claim: str, name: str) -> bool:
    return all(
        _HEAD.search(claim[: match.start()]) and _FOLLOWS_NO_NAME.match(claim, match.end())
        for match in re.finditer(rf"\b{re.escape(name)}\b", claim)
    )


def hard_fault(
    claim: str,
    known: Known,
    *,
    computed: Sequence[str] = (),
    borne: bool,
    foreign: bool,
    talk: bool = False,
) -> HardFault | None:
    """Return the hard fault of a sentence; None where it has none.

    Args:
        claim: the sentence.
        known: what it is held to.
        computed: numbers of it, as printed, that follow from the evidence.
        borne: whether words of the evidence bear on it.
        foreign: whether it is in another language than the evidence, where names are written otherwise.
        talk: whether it only speaks about answering.
    """
    if known.is_linked(claim):
        return HardFault(kind="link", why="it holds an address that no document has")
    if _ROLE.search(claim):
        return HardFault(kind="order", why="it plays a turn of the conversation")
    if known.told & frozenset(_runs(claim)) or (not borne and known.is_told(claim)):
        return HardFault(kind="order", why="it tells what the model was instructed")
    unknown = [
        one.printed
        for one in unknown_numbers(claim, known)
        if weighty(one) and one.printed not in computed
    ]
    if unknown:
        why = f"{_listed(unknown)} stands nowhere in the documents and follows from nothing there"
        return HardFault(kind="number", why=why)
    names = () if foreign else _surely(unknown_names(claim, known.texts), claim)
    if names:
        return HardFault(kind="name", why=f"{_listed(names)} stands nowhere in the documents")
    return None if borne or talk else _astray(claim, known, foreign=foreign)


def _astray(claim: str, known: Known, *, foreign: bool) -> HardFault | None:
    """Return the fault of a sentence that is about the model, or about nothing that was read or asked."""
    if _SPEAKER.search(claim):
        return HardFault(kind="order", why="it speaks of the model, not of the documents")
    if not foreign and _is_elsewhere(claim, known):
        return HardFault(kind="order", why="it is about nothing that was read or asked")
    return None


def _surely(names: Sequence[str], claim: str) -> tuple[str, ...]:
    """Return the names whose capital is not that of a sentence's head."""
    return tuple(
        name
        for name in names
        if any(
            not _HEAD.search(claim[: match.start()])
            or re.match(r"[ \u00a0-][A-Z]", claim[match.end() : match.end() + 2])
            for match in re.finditer(rf"\b{re.escape(name)}\b", claim)
        )
    )


def _is_elsewhere(claim: str, known: Known) -> bool:
    stems = [word.stem for word in words_of(claim) if word.content]
    return len(stems) > 1 and not any(alike(stem, known.stems) for stem in stems)


def _stems_of(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word.stem for text in texts for word in words_of(text) if word.content)


def _spaced(text: str) -> str:
    """Return the words of a text, a space before, between and behind them."""
    return f" {' '.join(word.folded for word in words_of(text))} "


def _letters(text: str) -> str:
    """Return the letters and digits of a text, folded and without anything between them."""
    return "".join(filter(str.isalnum, text.casefold()))


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:3])


def _runs(text: str) -> list[tuple[str, ...]]:
    """Return the runs of so many words of a text."""
    words = [word.folded for word in words_of(text)]
    return [tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)]
