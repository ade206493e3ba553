"""A text as words with their offsets, and what the signs between them say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.english import ABBREVIATIONS, FOREIGN, FUNCTION_WORDS

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:[’'.\-‐‑&/+][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’][sS]$")
_CLITIC = re.compile(r"^(?:who|what|where|when|how|it|that|there|he|she|here|let)$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?!\()|\n+")
_ENDING = re.compile(r"[.!?…。！？\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word; offsets are characters of the text it was read from, half-open."""

    text: str
    """Without a possessive `'s`."""
    lower: str
    start: int
    end: int
    """With the possessive."""
    possessive: bool
    opens: bool
    """Whether it is the first of its sentence."""
    apart: bool
    """Whether more than white space stands before it."""

    @property
    def capital(self) -> bool:
        """Whether it is written as a name is."""
        return self.text[0].isupper()

    @property
    def content(self) -> bool:
        """Whether it says something by itself."""
        return self.lower not in FUNCTION_WORDS

    @property
    def number(self) -> bool:
        """Whether it begins with a digit."""
        return self.text[0].isdecimal()

    @property
    def year(self) -> bool:
        """Whether it is written as a year or a decade."""
        digits = self.lower.removesuffix("s")
        return len(digits) == 4 and digits.isdecimal() and digits[0] in "12"


def read_words(text: str) -> tuple[Word, ...]:
    """Return the words of a text, in order."""
    words: list[Word] = []
    end = 0
    for match in _WORD.finditer(text):
        token = match.group()
        bare = _POSSESSIVE.sub("", token)
        owns = bare != token and not _CLITIC.match(bare)
        if not owns:
            bare = token
        gap = text[end : match.start()]
        follows_plural = bool(words) and gap.startswith(("' ", "’ ")) and words[-1].lower[-1] == "s"
        if follows_plural:
            words[-1] = _owning(words[-1])
        abbreviated = bool(words) and gap == ". " and _abbreviated(words[-1])
        words.append(
            Word(
                text=bare,
                lower=bare.lower().replace("’", "'"),
                start=match.start(),
                end=match.end(),
                possessive=owns,
                opens=not words or (not abbreviated and bool(_ENDING.search(gap))),
                apart=gap.strip() not in {"", "&"} and not abbreviated and not follows_plural,
            )
        )
        end = match.end()
    return tuple(words)


def _abbreviated(word: Word) -> bool:
    initial = len(word.text) == 1 and word.capital and word.lower != "i"
    return initial or word.lower in ABBREVIATIONS


def _owning(word: Word) -> Word:
    """Return the plural word with the apostrophe after it."""
    return Word(
        text=word.text,
        lower=word.lower,
        start=word.start,
        end=word.end + 1,
        possessive=True,
        opens=word.opens,
        apart=word.apart,
    )


def is_foreign(words: Sequence[Word]) -> bool:
    """Tell whether a text is likely not in English."""
    ours = sum(word.lower in FUNCTION_WORDS for word in words)
    theirs = sum(word.lower in FOREIGN for word in words)
    return theirs > ours or not any(word.text.isascii() for word in words)


def stem(word: str) -> str:
    """Return what the singular and the plural of a noun have in common."""
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") else word


def last_question(text: str) -> str:
    """Return the last question of a text, or its last sentence where it asks none."""
    sentences = [one for one in _SENTENCE_END.split(text.strip()) if one]
    return next(
        (one for one in reversed(sentences) if "?" in one), sentences[-1] if sentences else ""
    )
