"""A text as words: as they are printed (`tokens_of`), and in the parts that are compared (`words_of`).

Compared are stems: folded (lower case, no accents), irregular forms made regular, and without inflection in the
text's own language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from rag.language.english import ABBREVIATIONS, FUNCTION_WORDS, IRREGULAR
from rag.language.languages import STEMMED, language_of, stem_of

_TOKEN = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:[’'.\-‐‑&/+][^\W_]+)*")
_PART = re.compile(r"[.,\-‐‑&/+]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: compared by pairs of letters."""
_DOTTED = re.compile(r"(?:\w\.)+\w")
_POSSESSIVE = re.compile(r"(?:['’][sS]|['’])$")
_CLITIC = re.compile(r"^(?:who|what|where|when|how|it|that|there|he|she|here|let)$", re.IGNORECASE)
_ENDING = re.compile(r"[.!?…。！？\n]")
_FAMILY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word; offsets are characters of the text it was read from, half-open."""

    text: str
    """Without a possessive `'s`."""
    start: int
    end: int
    """With the possessive."""
    folded: str
    """Lower case, without accents and possessive `'s`."""
    language: str = "en"
    """Of the text."""
    possessive: bool = False
    opens: bool = False
    """Whether it is the first of its sentence."""
    apart: bool = False
    """Whether more than white space stands before it."""

    @property
    def stem(self) -> str:
        """What inflections of the word have in common."""
        return stemmed(self.folded, self.language)

    @property
    def capital(self) -> bool:
        """Whether it is written as a name is."""
        return self.text[0].isupper()

    @property
    def content(self) -> bool:
        """Whether it says something by itself."""
        return self.folded not in FUNCTION_WORDS

    @property
    def number(self) -> bool:
        """Whether it begins with a digit."""
        return self.text[0].isdecimal()

    @property
    def year(self) -> bool:
        """Whether it is written as a year or a decade."""
        digits = self.folded.removesuffix("s")
        return len(digits) == 4 and digits.isdecimal() and digits[0] in "12"


def word_set(words: str) -> frozenset[str]:
    """Return the words of a list written with white space between them."""
    return frozenset(words.split())


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    if text.isascii():
        return text.lower()
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in split if not unicodedata.combining(char)).replace("’", "'")


def stemmed(folded: str, language: str = "en") -> str:
    """Return what all forms of a folded word have in common; English where the language is not known."""
    return stem_of(IRREGULAR.get(folded, folded), language if language in STEMMED else "en")


@lru_cache(maxsize=128)
def tokens_of(text: str) -> tuple[Word, ...]:
    """Return the words in order as they are printed: `Chan-il`, `AT&T`, `U.S` and `10,000` are one each."""
    language = language_of(text)
    words: list[Word] = []
    end = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        bare = _POSSESSIVE.sub("", token)
        owns = bare != token and not _CLITIC.match(bare)
        bare = bare if owns else token
        gap = text[end : match.start()]
        follows_plural = bool(words) and gap.startswith(("' ", "’ ")) and words[-1].text[-1] == "s"
        if follows_plural:
            words[-1] = replace(words[-1], end=end + 1, possessive=True)
        abbreviated = bool(words) and gap == ". " and _abbreviated(words[-1])
        words.append(
            Word(
                text=bare,
                start=match.start(),
                end=match.end(),
                folded=fold(bare),
                language=language,
                possessive=owns,
                opens=not words or (not abbreviated and bool(_ENDING.search(gap))),
                apart=gap.strip() not in {"", "&"} and not abbreviated and not follows_plural,
            )
        )
        end = match.end()
    return tuple(words)


@lru_cache(maxsize=128)
def words_of(text: str) -> tuple[Word, ...]:
    """Return the words in order as they are compared: `Chan-il` is two, `U.S` one; unspaced scripts come in pairs."""
    return tuple(part for token in tokens_of(text) for part in _parts(token))


def _abbreviated(word: Word) -> bool:
    initial = len(word.text) == 1 and word.capital and word.folded != "i"
    return initial or word.folded in ABBREVIATIONS


def _parts(token: Word) -> Iterator[Word]:
    """Yield the parts of a printed word that are compared."""
    bare = _POSSESSIVE.sub("", token.text)
    if _DOTTED.fullmatch(bare):
        yield replace(token, text=bare, folded=fold(bare.replace(".", "")))
        return
    at = 0
    for part in _PART.split(bare):
        yield from _runs(token, at, part)
        at += len(part) + 1


def _runs(token: Word, start: int, text: str) -> Iterator[Word]:
    """Yield one word, or the pairs of letters of a run in an unspaced script."""
    at = 0
    for run in _UNSPACED.finditer(text):
        yield from _part(token, start + at, text[at : run.start()])
        letters = run.group()
        for i in range(max(len(letters) - 1, 1)):
            yield from _part(token, start + run.start() + i, letters[i : i + 2])
        at = run.end()
    yield from _part(token, start + at, text[at:])


def _part(token: Word, at: int, text: str) -> Iterator[Word]:
    folded = fold(text)
    if folded:
        start = token.start + at
        yield replace(token, text=text, start=start, end=start + len(text), folded=folded)


def alike(stem: str, others: frozenset[str]) -> bool:
    """Tell whether this word is among the others, or one of its family: nation and national."""
    if stem in others:
        return True
    if len(stem) < _FAMILY:
        return False
    return any(
        other[:_FAMILY] == stem[:_FAMILY]
        and _common(stem, other) >= max(_FAMILY, min(len(stem), len(other)) - 1)
        for other in others
    )


def _common(one: str, other: str) -> int:
    """Return the length of the beginning that two words share."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
