"""Opposites, kin and synonyms of the words at hand, out of a copy of WordNet (Miller 1995), in the form of each.

The texts themselves decide what is used: a word is changed only into one that is common in them, so nothing rare
tells that a text was changed. A word is taken for what it mostly is, a noun or a verb, and rare senses are left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from training.support.verbs import Verbs
from training.support.words import TABLES, Words

PARTS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
"""Parts of speech, as WordNet's files are called."""
LEAST = 25
"""Times that a word must stand in the texts to be changed, or to be put in."""
SHORTEST = 4
"""Letters of such a word; shorter ones are mostly abbreviations and numerals."""
MAIN = 0.5
"""Of a word's uses in WordNet's counted texts, the share of one sense that makes it what the word means."""
USUAL = 0.2
"""The share that makes a sense one that a word's opposite or kin may be sought of."""
LARGEST_FAMILY = 150
"""Kinds of one thing at most; the kinds of anything wider have little to do with each other."""

_ANTONYM, _HYPERNYM, _HYPONYM, _SIMILAR = "!", "@", "~", "&"
_KINDS = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_SUFFIXES = {
    "third": (("s", ""), ("es", ""), ("ies", "y")),
    "past": (("ed", ""), ("ed", "e"), ("ied", "y")),
    "ing": (("ing", ""), ("ing", "e")),
}
_HISSING = ("s", "x", "z", "ch", "sh", "o")

Place = tuple[str, int]
"""A set of synonyms: part of speech and offset in its file."""


class _Pointer(NamedTuple):
    symbol: str
    place: Place
    source: int
    """Which of the set's words points, from 1; 0 for all of them."""
    target: int


@dataclass(frozen=True, slots=True)
class _Synset:
    words: tuple[str, ...]
    pointers: tuple[_Pointer, ...]


class _Form(NamedTuple):
    """A word as the inflection of another."""

    lemma: str
    part: str
    inflection: str
    """"", "plural", "third", "past" or "ing"."""


@dataclass(slots=True)
class WordNet:
    """The database of WordNet 3.0 or 3.1, as far as it is used here."""

    synsets: dict[Place, _Synset] = field(default_factory=dict)
    senses: dict[tuple[str, str], tuple[Place, ...]] = field(default_factory=dict)
    """Lemma and part of speech ─▶ its sets of synonyms, the commonest first."""
    counts: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """Lemma, part of speech and number of the sense, from 1 ─▶ times that it was met in counted texts."""

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        """Read `index.*`, `data.*` and `cntlist.rev`; their form is in WordNet's wndb(5WN) and cntlist(5WN).

        Raises:
            SystemExit: a file is missing; names it.
        """
        net = cls()
        with _explained(folder):
            for part, name in PARTS.items():
                for line in _lines(folder / f"index.{name}"):
                    lemma, _, n_senses, n_pointers, *rest = line.split()
                    places = rest[int(n_pointers) + 2 :][: int(n_senses)]
                    net.senses[lemma, part] = tuple((part, int(place)) for place in places)
                for line in _lines(folder / f"data.{name}"):
                    place, synset = _synset(line, part)
                    net.synsets[place] = synset
            for line in _lines(folder / "cntlist.rev"):
                key, sense, count = line.split()
                lemma, _, kind = key.partition("%")
                net.counts[lemma, _KINDS[kind[0]], int(sense)] = int(count)
        return net

    def uses(self, lemma: str, part: str) -> list[int]:
        """Return how often each sense was met, one more than counted, so that uncounted ones weigh something."""
        senses = self.senses.get((lemma, part), ())
        return [
            self.counts.get((lemma, part, number), 0) + 1 for number in range(1, len(senses) + 1)
        ]

    def meanings(self, lemma: str, part: str, share: float) -> tuple[Place, ...]:
        """Return the senses that make up at least such a share of a word's uses."""
        uses = self.uses(lemma, part)
        senses = self.senses.get((lemma, part), ())
        found = zip(senses, uses, strict=True)
        return tuple(place for place, count in found if count >= share * sum(uses))

    def opposites(self, lemma: str, part: str) -> Iterator[str]:
        """Yield a word's antonyms; of an adjective without one, those of the one that it is near to."""
        places = self.meanings(lemma, part, USUAL)
        direct = [word for place in places for word in self._antonyms(place, lemma)]
        heads = [head for place in places for head in self._pointed(place, _SIMILAR)]
        yield from direct or (word for head in heads for word in self._antonyms(head, ""))

    def kin(self, lemma: str, part: str) -> Iterator[str]:
        """Yield other kinds of the same thing, of nouns only."""
        if part != "n":
            return
        places = self.meanings(lemma, part, USUAL)
        for above in (above for place in places for above in self._pointed(place, _HYPERNYM)):
            family = self._pointed(above, _HYPONYM)
            for other in family if len(family) <= LARGEST_FAMILY else ():
                word = self.synsets[other].words[0]
                if other in self.meanings(word, part, MAIN) and other not in places:
                    yield word

    def alike(self, lemma: str, part: str) -> Iterator[str]:
        """Yield the words that mostly mean what this one mostly means."""
        for place in self.meanings(lemma, part, MAIN):
            for word in self.synsets[place].words:
                if word != lemma and place in self.meanings(word, part, MAIN):
                    yield word

    def _antonyms(self, place: Place, lemma: str) -> Iterator[str]:
        """Yield the antonyms of one word of a set, or of any where none is named."""
        synset = self.synsets[place]
        for pointer in synset.pointers:
            if pointer.symbol == _ANTONYM and lemma in {"", synset.words[pointer.source - 1]}:
                yield self.synsets[pointer.place].words[pointer.target - 1]

    def _pointed(self, place: Place, symbol: str) -> tuple[Place, ...]:
        return tuple(one.place for one in self.synsets[place].pointers if one.symbol == symbol)


class Thesaurus:
    """WordNet for the texts at hand.

    Args:
        net: the database.
        verbs: of the texts.
    """

    def __init__(self, net: WordNet, verbs: Verbs) -> None:
        self._net = net
        self._verbs = verbs

    def words(self) -> Words:
        """Return what the words of the texts may be changed into, the tables of `training.support.words` first."""
        opposites: dict[str, tuple[str, ...]] = {}
        kin: dict[str, tuple[str, ...]] = {}
        alike: dict[str, tuple[str, ...]] = {}
        parts: dict[str, str] = {}
        for word in sorted(self._verbs.counts):
            if self._usable(word) and (form := self._form(word)):
                net, lemma, part = self._net, form.lemma, form.part
                parts[word] = f"{part} {form.inflection}"
                opposites[word] = self._common(word, form, net.opposites(lemma, part))
                kin[word] = self._common(word, form, net.kin(lemma, part))
                alike[word] = self._common(word, form, net.alike(lemma, part))
        return Words(
            opposites={**_filled(opposites), **TABLES.opposites},
            kin={**_filled(kin), **TABLES.kin},
            alike={**_filled(alike), **TABLES.alike},
            parts=parts,
        )

    def _usable(self, word: str) -> bool:
        common = self._verbs.counts[word] >= LEAST and len(word) >= SHORTEST
        return common and word.isalpha() and not self._verbs.is_irregular(word)

    def _form(self, word: str) -> _Form | None:
        """Return what a word is a form of, None where it may well be more than one thing."""
        found = {form: sum(self._net.uses(form.lemma, form.part)) for form in self._forms(word)}
        best = max(found, key=lambda form: found[form], default=None)
        return best if best and found[best] >= MAIN * sum(found.values()) else None

    def _forms(self, word: str) -> Iterator[_Form]:
        senses = self._net.senses
        for part in PARTS:
            if (word, part) in senses:
                yield _Form(word, part, "")
        for ending, plain in _SUFFIXES["third"]:
            lemma = word.removesuffix(ending) + plain
            if word.endswith(ending) and (lemma, "n") in senses:
                yield _Form(lemma, "n", "plural")
        for inflection, suffixes in _SUFFIXES.items():
            for ending, plain in suffixes:
                stem = word.removesuffix(ending)
                doubled = stem[:-1] if not plain and stem[-1:] == stem[-2:-1] else stem
                for lemma in dict.fromkeys((stem + plain, doubled)) if stem != word else ():
                    form = _Form(lemma, "v", inflection)
                    if (lemma, "v") in senses and self._inflected(form) == word:
                        yield form

    def _common(self, word: str, form: _Form, lemmas: Iterator[str]) -> tuple[str, ...]:
        """Return the words in the form of this one that are common in the texts."""
        made = (self._inflected(form._replace(lemma=lemma)) for lemma in dict.fromkeys(lemmas))
        return tuple(one for one in made if one and one != word and self._usable(one))

    def _inflected(self, form: _Form) -> str | None:
        """Return the form, None where the texts do not have it or a verb's two pasts differ."""
        if not form.inflection:
            return form.lemma
        if form.inflection == "past":
            past = self._verbs.past(form.lemma)
            return past if past and past.endswith("ed") else None
        if form.inflection == "ing":
            return self._verbs.ing(form.lemma)
        made = self._verbs.third(form.lemma)
        return None if made == f"{form.lemma}es" and not form.lemma.endswith(_HISSING) else made


def read_words(folder: Path | None, verbs: Verbs) -> Words:
    """Return what the words of texts may be changed into, by the tables alone or by a copy of WordNet too."""
    return Thesaurus(WordNet.read(folder), verbs).words() if folder else TABLES


def thesaurus_sha256(folder: Path) -> str:
    """Return one sum for all that is read of a copy of WordNet.

    Raises:
        SystemExit: a file is missing; names it.
    """
    digest = hashlib.sha256()
    with _explained(folder):
        for path in _files(folder):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    data = [folder / f"{kind}.{name}" for kind in ("index", "data") for name in PARTS.values()]
    return [*data, folder / "cntlist.rev"]


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise SystemExit(
            f"{folder} is no copy of WordNet ({exc}). Debian has one in the package wordnet-base, at"
            " /usr/share/wordnet."
        ) from exc


def _filled(words: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {word: others for word, others in words.items() if others}


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines that hold data; the licence stands before them, indented."""
    with path.open(encoding="utf-8") as file:
        yield from (line for line in file if not line.startswith(" "))


def _synset(line: str, part: str) -> tuple[Place, _Synset]:
    offset, _, _, n_words, *rest = line.partition(" | ")[0].split()
    size = 2 * int(n_words, 16)
    words = tuple(word.partition("(")[0].lower() for word in rest[:size:2])
    following = rest[size + 1 :]
    pointers = []
    for at in range(0, 4 * int(rest[size]), 4):
        symbol, place, kind, ends = following[at : at + 4]
        other = "a" if kind == "s" else kind
        found = _Pointer(symbol, (other, int(place)), int(ends[:2], 16), int(ends[2:], 16))
        pointers.append(found)
    return (part, int(offset)), _Synset(words, tuple(pointers))
