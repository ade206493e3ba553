"""Words as checks compare them: folded, lightly stemmed, split where a script writes no spaces. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache


def word_set(words: str) -> frozenset[str]:
    """Return the words of a list written with white space between them."""
    return frozenset(words.split())


FUNCTION_WORDS = word_set("""a about after again all also although am an and any are as at be
because been before being both but by
    can could did do does doing done during each either for from further had has have having he her
    here hers herself him himself his how however i if in into is it its itself just may me might
    more most much must my nor not of off on once only or other our ours out over own per rather
    same shall she should since so some such than that the their theirs them themselves then there
    these they this those though through thus to too toward towards under until up upon us very was
    we were what when where whereas whether which while who whom whose why will with within would
    yet you your yours said say says according including never none nothing nobody neither cannot
    without hardly yes yeah indeed ok okay oh well""")
"""English words that say nothing by themselves; in other languages every word counts."""

_WORD = re.compile(r"[^\W_]+(?:[’'.\-‐‑][^\W_]+)*")
_PART = re.compile(r"[.\-‐‑]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: compared by pairs of letters."""
_DOTTED = re.compile(r"(?:\w\.)+\w")
_POSSESSIVE = re.compile(r"(?:['’]s|['’])$", re.IGNORECASE)
_ENDINGS = (
    "ments",
    "ment",
    "ings",
    "ing",
    "ions",
    "ion",
    "edly",
    "ly",
    "ies",
    "ied",
    "ed",
    "es",
    "s",
    "y",
)
_IRREGULAR = {
    pair.partition("/")[2]: pair.partition("/")[0]
    for pair in word_set("""
    leave/left go/went go/gone come/came send/sent meet/met hold/held make/made take/took
    take/taken give/gave give/given win/won lose/lost buy/bought sell/sold fall/fell fall/fallen
    rise/rose rise/risen grow/grew grow/grown begin/began begin/begun become/became lead/led
    pay/paid tell/told keep/kept build/built write/wrote write/written speak/spoke speak/spoken
    break/broke break/broken choose/chose choose/chosen drive/drove drive/driven fly/flew fly/flown
    know/knew know/known see/saw see/seen shoot/shot stand/stood strike/struck teach/taught
    think/thought bring/brought catch/caught fight/fought man/men woman/women child/children
    life/lives steal/stole steal/stolen wear/wore wear/worn sing/sang sing/sung run/ran get/got
    eat/ate bear/bore bear/born seek/sought spend/spent feel/felt deal/dealt mean/meant""")
}
_LEAST_STEM = 3
_FAMILY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a text."""

    text: str
    start: int
    end: int
    folded: str
    """Lower case, without accents and possessive `'s`."""

    @property
    def stem(self) -> str:
        """What inflections of the word have in common."""
        return stem_of(self.folded)

    @property
    def tells(self) -> bool:
        """Whether it is a content word."""
        return self.folded not in FUNCTION_WORDS


def fold(text: str) -> str:
    """Return the text in lower case and without accents."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in split if not unicodedata.combining(char)).replace("’", "'")


def words_of(text: str) -> Iterator[Word]:
    """Yield the words in order: `Chan-il` is two, `U.S.` is one, unspaced scripts come in pairs."""
    for match in _WORD.finditer(text):
        whole, start = _POSSESSIVE.sub("", match.group()), match.start()
        if _DOTTED.fullmatch(whole):
            yield Word(
                text=whole, start=start, end=start + len(whole), folded=fold(whole.replace(".", ""))
            )
            continue
        at = 0
        for part in _PART.split(whole):
            yield from _parts(part, start + at)
            at += len(part) + 1


def _parts(text: str, start: int) -> Iterator[Word]:
    """Yield one word, or the pairs of letters of a run in an unspaced script."""
    at = 0
    for run in _UNSPACED.finditer(text):
        yield from _one(text[at : run.start()], start + at)
        letters = run.group()
        for i in range(max(len(letters) - 1, 1)):
            yield from _one(letters[i : i + 2], start + run.start() + i)
        at = run.end()
    yield from _one(text[at:], start + at)


def _one(text: str, start: int) -> Iterator[Word]:
    folded = fold(text)
    if folded:
        yield Word(text=text, start=start, end=start + len(text), folded=folded)


@lru_cache(maxsize=65536)
def stem_of(folded: str) -> str:
    """Return the word without its inflection, roughly; made for English, harmless elsewhere."""
    stem = _IRREGULAR.get(folded, folded)
    for ending in _ENDINGS:
        if stem.endswith(ending) and len(stem) - len(ending) >= _LEAST_STEM:
            stem = stem[: -len(ending)]
            break
    if len(stem) > _LEAST_STEM and stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
        stem = stem[:-1]
    while len(stem) > _LEAST_STEM and stem[-1] in "eiy":
        stem = stem[:-1]
    return stem


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
