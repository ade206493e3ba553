"""Small changes of a text: those after which it says something else, and those after which it does not.

The first are replacements, so that the same one can be made in a claim and in its evidence. Made in both, the
claim stays true; made in one, it is not, and neither text alone tells which of them was changed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from training.support.verbs import Verbs
from training.support.words import STRONGER, TABLES, Words

LIKELY = 0.7
"""How often a word is said otherwise that can be."""

_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-]|[.,]\d)")
_CAPITAL = r"(?:[A-Z][\w’'-]*[a-z0-9]|[A-Z]{2,})"
_NAME = re.compile(rf"(?<!\w){_CAPITAL}(?: (?:(?:of|the|de|von) )?{_CAPITAL})*(?!\w)")
_AUXILIARIES = "is|are|was|were|has|have|had|can|could|will|would|should|must|may|might|did|does|do"
_NOT_BEFORE_PAST = f"{_AUXILIARIES}|the|a|an|and|been|be|not"
"""Words after which a form in -ed is a participle."""
_AFFIRMED = re.compile(rf"\b({_AUXILIARIES}) (?!not\b|no\b|never\b)([a-z]\w+)")
_NEGATED = re.compile(rf"\b({_AUXILIARIES})(?: not|n't) ([a-z]\w+)")
_WORD = re.compile(r"[A-Za-z]\w+")
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_STARTERS = frozenset(
    """The A An In On At By For From Its It This That These Those He She They His Her Their After Before During While
    When Although However As With Since Many Most Some All Both Each There Other One Two Three First I We You If But
    And Or To Of Not Also According Under Until Because Despite Such Another Several""".split()
)
_LEADING = re.compile(
    r"^(?:In|On|At|During|After|Before|By|From|Since|Until|Following|Throughout|Within|Today|Later|However|Moreover|"
    r"Furthermore|Additionally|Meanwhile|Currently|Originally|Historically|For example|For instance|Also|As a result|"
    r"Consequently|Finally|Eventually|Traditionally|Initially)\b[^,;:()]{0,60}, "
)
_ASIDE = re.compile(r" \([^()]*\)")
_RELATIVE = re.compile(
    r", (?:which|who|whose|where|including|such as|especially|particularly)\b[^,;.()]*(?:,(?= )|(?=\.$))"
)
_TAIL = re.compile(
    r", (?:\w+ing|with|while|as well as|although|though|making|and|but|when|after) [^;.]{8,}(?=\.$)"
)
_CLAUSES = re.compile(
    r"(?:;|, (?:and|but|while|whereas)) (?=[A-Z]|it |he |she |they |the |this |there |in )"
)
_ADVERB = re.compile(r" (?:also|however|then|thus|therefore|\w{4,}ly)(?= )")
_THOUSANDS = re.compile(r"\b(\d{1,3}),000,000\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Words and what is put in their place, all at once."""

    kind: str
    words: Mapping[str, str]
    stronger: bool = False
    """What was true before is true after it too."""

    def apply(self, text: str) -> str | None:
        """Return the text with the words replaced wherever they stand, None where one does not."""
        if any(not _finds(old, text) for old in self.words):
            return None
        anyone = "|".join(re.escape(old) for old in sorted(self.words, key=len, reverse=True))
        lowered = {old.lower(): new for old, new in self.words.items()}

        def replaced(match: re.Match[str]) -> str:
            new = lowered[match.group().lower()]
            return new[:1].upper() + new[1:] if match.group()[:1].isupper() else new

        return re.sub(rf"(?<!\w)(?:{anyone})(?!\w)", replaced, text, flags=re.IGNORECASE)


def _finds(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


class _Seen(NamedTuple):
    """What a change is sought in."""

    text: str
    around: str
    rng: random.Random


class Editor:
    """Finds what can be changed in a text.

    Args:
        verbs: of the texts at hand.
        words: what their words are changed into.
    """

    def __init__(self, verbs: Verbs, words: Words = TABLES) -> None:
        self._verbs = verbs
        self._words = words
        self._phrases = tuple(old for old in words.opposites if " " in old)

    def changes(self, text: str, around: str, rng: random.Random) -> list[Change]:
        """Return one change of each kind that the text allows, after which it says something else.

        Args:
            text: one or a few sentences.
            around: where other names and numbers of its topic are found.
            rng: draws among several.
        """
        found = []
        for kind, maker in _MAKERS.items():
            made = list(maker(self, _Seen(text, around, rng)))
            if made:
                words = rng.choice(made)
                found.append(Change(kind=kind, words=words, stronger=kind == "stronger"))
        return found

    def _numbers(self, seen: _Seen) -> Iterator[dict[str, str]]:
        known = {one.group() for one in _NUMBER.finditer(seen.around)}
        for match in _NUMBER.finditer(seen.text):
            old = match.group()
            like = sorted(one for one in known - {old} if _shape(one) == _shape(old))
            near = _nearby(old, seen.rng)
            new = seen.rng.choice(like) if like and seen.rng.random() < 0.5 else near
            if new != old and not _finds(new, seen.text):
                yield {old: new}
        for word in _UNITS[2:]:
            if _finds(word, seen.text):
                yield {word: seen.rng.choice([one for one in _UNITS[2:] if one != word])}

    def _names(self, seen: _Seen) -> Iterator[dict[str, str]]:
        others = [one for one in names_of(seen.around) if not _finds(one, seen.text)]
        for old in names_of(seen.text):
            like = [one for one in others if abs(one.count(" ") - old.count(" ")) <= 1]
            like = [one for one in like if not set(one.split()) & set(old.split())]
            if like:
                yield {old: seen.rng.choice(like)}

    def _roles(self, seen: _Seen) -> Iterator[dict[str, str]]:
        found = names_of(seen.text)
        for one in found:
            for other in found:
                between = seen.text.partition(one)[2].partition(other)[0]
                near = 2 <= len(between.split()) <= 8 and "," not in between
                if one < other and near and between.strip() != "as well as":
                    yield {one: other, other: one}

    def _negations(self, seen: _Seen) -> Iterator[dict[str, str]]:
        for match in _AFFIRMED.finditer(seen.text):
            auxiliary, word = match.groups()
            negation = "not" if seen.rng.random() < 0.8 else "never"
            yield {match.group(): f"{auxiliary} {negation} {word}"}
        for match in _NEGATED.finditer(seen.text):
            yield {match.group(): f"{match.group(1)} {match.group(2)}"}
        for match in _WORD.finditer(seen.text):
            word = match.group()
            plain = self._verbs.plain(word) if word.endswith("ed") else None
            if plain and not re.search(rf"\b(?:{_NOT_BEFORE_PAST}) {word}\b", seen.text):
                way = seen.rng.choice([f"did not {plain}", f"failed to {plain}", f"never {word}"])
                yield {word: way}

    def _opposites(self, seen: _Seen) -> Iterator[dict[str, str]]:
        opposites = self._words.opposites
        present = set(seen.text.replace(",", "").rstrip(".").split(" "))
        phrases = {old for old in self._phrases if old in seen.text}
        for old in sorted(present & opposites.keys() | phrases):
            yield {old: seen.rng.choice(opposites[old])}

    def _kin(self, seen: _Seen) -> Iterator[dict[str, str]]:
        present = set(_WORD.findall(seen.text))
        lowered = {word.lower() for word in present}
        for old in sorted(present & self._words.kin.keys()):
            like = [one for one in self._words.kin[old] if one not in lowered]
            if like and old.lower() not in {"may", "march", "second"}:
                yield {old: seen.rng.choice(like)}

    def _fellows(self, seen: _Seen) -> Iterator[dict[str, str]]:
        parts, alike = self._words.parts, self._words.alike
        present = set(_WORD.findall(seen.text))
        around = sorted(set(_WORD.findall(seen.around)) - present)
        for old in sorted(present & parts.keys()):
            like = [one for one in around if parts.get(one) == parts[old]]
            like = [one for one in like if one not in alike.get(old, ())]
            if like:
                yield {old: seen.rng.choice(like)}

    def _stronger(self, seen: _Seen) -> Iterator[dict[str, str]]:
        present = set(seen.text.replace(",", "").split(" "))
        for old, new in STRONGER:
            if old in present:
                yield {old: new}

    def rewordings(self, text: str, rng: random.Random) -> str:
        """Return a text that says no more than this one: shorter, in another order, or in other words."""
        ways = [*_WAYS, self._in_like_words, self._in_like_words]
        rng.shuffle(ways)
        for way in ways[: rng.randint(1, 3)]:
            shorter = way(text, rng)
            if len(shorter.split()) >= 5:
                text = shorter
        return text[:1].upper() + text[1:]

    def contrast(self, text: str, rng: random.Random) -> tuple[Change, Change] | None:
        """Return two changes of one word, the first to one that means the same, the second to one that does not.

        Args:
            text: as in `changes`.
            rng: draws among several.

        Returns:
            None where no word has both.
        """
        same, kinds = self._words.alike, (self._words.kin, self._words.opposites)
        found = [word for word in dict.fromkeys(_WORD.findall(text)) if word in same]
        found = [word for word in found if any(word in kind for kind in kinds)]
        if not found:
            return None
        word = rng.choice(found)
        others = rng.choice([kind[word] for kind in kinds if word in kind])
        alike = rng.choice(same[word])
        others = tuple(one for one in others if one not in same[word])
        if not others:
            return None
        changed = [{word: alike}, {word: rng.choice(others)}]
        first, second = (Change(kind="alike", words=words) for words in changed)
        return first, second

    def _in_like_words(self, text: str, rng: random.Random) -> str:
        """Put words that mean the same in the place of most that have such."""
        alike = self._words.alike
        phrases = [old for old in alike if " " in old and f" {old} " in text]
        found = [word for word in dict.fromkeys(text.split(" ")[1:]) if word in alike]
        for old in phrases + found:
            if rng.random() < LIKELY:
                text = re.sub(rf"(?<= ){re.escape(old)}\b", rng.choice(alike[old]), text, count=1)
        return text


_Maker = Callable[[Editor, _Seen], Iterator[dict[str, str]]]
_MAKERS: dict[str, _Maker] = {
    "number": Editor._numbers,
    "name": Editor._names,
    "roles": Editor._roles,
    "negation": Editor._negations,
    "opposite": Editor._opposites,
    "kin": Editor._kin,
    "fellow": Editor._fellows,
    "stronger": Editor._stronger,
}


def names_of(text: str) -> list[str]:
    """Return the names in a text, each once, in order."""
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        words = match.group().split(" ")
        while words and words[0] in _STARTERS:
            words = words[1:]
        at_head = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".!?:"
        if words and not (at_head and len(words) == 1 and len(match.group().split()) == 1):
            found[" ".join(words)] = None
    return list(found)


def _shape(number: str) -> tuple[int, bool]:
    return len(number.split(".")[0]), "." in number


def _nearby(number: str, rng: random.Random) -> str:
    """Return another number that looks alike."""
    places = [i for i, sign in enumerate(number) if sign.isdigit()]
    place = rng.choice(places[-3:] if len(places) == 4 else places)
    digits = "123456789" if place == places[0] else "0123456789"
    new = rng.choice([one for one in digits if one != number[place]])
    return number[:place] + new + number[place + 1 :]


def _without_asides(text: str, rng: random.Random) -> str:  # noqa: ARG001  (all ways are called alike)
    return _ASIDE.sub("", text)


def _without_lead(text: str, rng: random.Random) -> str:
    match = _LEADING.match(text)
    if not match:
        return text
    rest = text[match.end() :]
    lead = match.group().rstrip(", ")
    if rng.random() < 0.5 and " " in lead:
        return f"{rest.rstrip('.')} {lead[:1].lower()}{lead[1:]}."
    return rest


def _without_relative(text: str, rng: random.Random) -> str:
    found = list(_RELATIVE.finditer(text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + text[one.end() :]


def _without_tail(text: str, rng: random.Random) -> str:
    found = list(_TAIL.finditer(text))
    if not found:
        return text
    return text[: rng.choice(found).start()] + "."


def _one_clause(text: str, rng: random.Random) -> str:
    clauses = _CLAUSES.split(text.rstrip("."))
    first = clauses[0] if rng.random() < 0.6 else rng.choice(clauses)
    return f"{first}."


def _without_adverbs(text: str, rng: random.Random) -> str:  # noqa: ARG001
    kept = {"only", "nearly", "hardly", "barely", "rarely", "family", "early", "allegedly"}
    return _ADVERB.sub(lambda m: m.group() if m.group().strip() in kept else "", text)


def _with_other_numbers(text: str, rng: random.Random) -> str:
    text = _THOUSANDS.sub(r"\1 million", text).replace("%", " percent")
    if rng.random() < 0.5:
        for value, word in enumerate(_UNITS[2:], start=2):
            text = re.sub(rf"\b{word}\b", str(value), text)
    else:
        text = re.sub(r"(?<![\w.,-])([2-9])(?= [a-z])", lambda one: _UNITS[int(one.group(1))], text)
    return text


_WAYS: Sequence[Callable[[str, random.Random], str]] = (
    _without_asides,
    _without_lead,
    _without_relative,
    _without_tail,
    _one_clause,
    _without_adverbs,
    _with_other_numbers,
)
