"""English verbs as far as turning questions into statements needs them, counted off the texts at hand.

A word's neighbours tell what it is: `to ...` and `will ...` stand before a verb's plain form, `the ...` before a
noun. Forms that no text has are not made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*|[0-9][\w.,]*|[^\w\s]")
_BEFORE_VERB = frozenset("to will would can could should must may might cannot".split())
_BEFORE_NOUN = frozenset("the a an of his her its their this these those".split())
_BE = frozenset("is are was were be been being".split())
_LEAST = 4
"""Times that a word must stand where a verb stands."""
_SHARE = 0.6
"""Of the places that tell, those that must say verb."""

_FORMS = """arise arose arisen|awake awoke awoken|be was been|bear bore born|beat beat beaten|become became become
begin began begun|bend bent bent|bid bid bid|bind bound bound|bite bit bitten|blow blew blown|break broke broken
breed bred bred|bring brought brought|broadcast broadcast broadcast|build built built|burn burned burned
burst burst burst|buy bought bought|cast cast cast|catch caught caught|choose chose chosen|cling clung clung
come came come|cost cost cost|creep crept crept|cut cut cut|deal dealt dealt|dig dug dug|do did done|draw drew drawn
drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought
find found found|flee fled fled|fly flew flown|forbid forbade forbidden|forget forgot forgotten
forgive forgave forgiven|freeze froze frozen|get got gotten|give gave given|go went gone|grow grew grown
hang hung hung|have had had|hear heard heard|hide hid hidden|hit hit hit|hold held held|hurt hurt hurt|keep kept kept
know knew known|lay laid laid|lead led led|leave left left|lend lent lent|let let let|lie lay lain|lose lost lost
make made made|mean meant meant|meet met met|pay paid paid|put put put|quit quit quit|read read read|ride rode ridden
ring rang rung|rise rose risen|run ran run|say said said|see saw seen|seek sought sought|sell sold sold|send sent sent
set set set|shake shook shaken|shine shone shone|shoot shot shot|show showed shown|shrink shrank shrunk|shut shut shut
sing sang sung|sink sank sunk|sit sat sat|sleep slept slept|slide slid slid|speak spoke spoken|spend spent spent
spin spun spun|split split split|spread spread spread|stand stood stood|steal stole stolen|stick stuck stuck
strike struck struck|strive strove striven|swear swore sworn|sweep swept swept|swim swam swum|swing swung swung
take took taken|teach taught taught|tear tore torn|tell told told|think thought thought|throw threw thrown
understand understood understood|wear wore worn|weave wove woven|win won won|wind wound wound
withdraw withdrew withdrawn|write wrote written"""
_IRREGULAR = {
    plain: (past, participle)
    for plain, past, participle in (row.split() for row in re.split(r"[|\n]", _FORMS))
}
_IRREGULAR_PASTS = {past: plain for plain, (past, _) in _IRREGULAR.items()}
_IRREGULAR_PARTICIPLES = {participle for _, participle in _IRREGULAR.values()} - {"come", "read"}


def tokens_of(text: str) -> list[str]:
    """Return words, numbers and signs."""
    return _WORD.findall(text)


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the texts at hand tell of words; every word in lower case."""

    counts: Counter[str]
    as_verb: Counter[str]
    as_noun: Counter[str]
    as_participle: Counter[str]

    @classmethod
    def counted(cls, texts: Iterable[str]) -> Verbs:
        """Count the neighbours of all words."""
        verbs = cls(Counter(), Counter(), Counter(), Counter())
        for text in texts:
            before = ""
            for word in tokens_of(text.lower()):
                verbs.counts[word] += 1
                if before in _BEFORE_VERB:
                    verbs.as_verb[word] += 1
                elif before in _BEFORE_NOUN:
                    verbs.as_noun[word] += 1
                elif before in _BE:
                    verbs.as_participle[word] += 1
                before = word
        return verbs

    def is_plain(self, word: str) -> bool:
        """Tell whether a word is a verb's plain form, as after `did`; one with a capital is a name."""
        if word in _IRREGULAR:
            return True
        seen, against = self.as_verb[word], self.as_noun[word]
        return word.islower() and seen >= _LEAST and seen >= _SHARE * (seen + against / 3)

    def is_participle(self, word: str) -> bool:
        """Tell whether a word is a past participle or ends in -ing, as after `was`."""
        if word in _IRREGULAR_PARTICIPLES:
            return True
        return (
            word.islower()
            and word.endswith(("ed", "ing"))
            and self.as_participle[word] >= max(1, self.as_noun[word] / 8)
        )

    def is_finite(self, word: str) -> bool:
        """Tell whether a word is a verb in the past or in the third person."""
        if word in _IRREGULAR_PASTS or word in {"has", "does"}:
            return True
        if word.endswith("ed") and word.islower():
            return any(self.as_verb[plain] for plain in (word[:-1], word[:-2], word[:-3]))
        for ending in ("s", "es"):
            if word.endswith(ending) and self.is_plain(word.removesuffix(ending)):
                return self.as_noun[word] * 4 < self.counts[word]
        return False

    @staticmethod
    def is_irregular(word: str) -> bool:
        """Tell whether a word is a past or a participle that is not formed by rule."""
        return word in _IRREGULAR_PASTS or word in _IRREGULAR_PARTICIPLES

    def plain(self, past: str) -> str | None:
        """Return the plain form of a past tense in -ed, None where no text has it."""
        made = [
            past[:-1],
            past[:-2],
            past[:-3] if past[-3:-2] == past[-4:-3] else "",
            f"{past[:-3]}y",
        ]
        made = [form for form in made if self.is_plain(form) and self.past(form) == past]
        return made[0] if made else None

    def past(self, plain: str) -> str | None:
        """Return the past tense, None where no text has it."""
        if plain in _IRREGULAR:
            return _IRREGULAR[plain][0]
        made = [f"{plain}ed", f"{plain}d", f"{plain}{plain[-1]}ed", f"{plain[:-1]}ied"]
        if plain.endswith("e"):
            made = made[1:2]
        return self._commonest(made)

    def third(self, plain: str) -> str | None:
        """Return the third person singular, None where no text has it."""
        known = {"be": "is", "have": "has", "do": "does"}
        if plain in known:
            return known[plain]
        return self._commonest([f"{plain}s", f"{plain}es", f"{plain[:-1]}ies"])

    def ing(self, plain: str) -> str | None:
        """Return the present participle, None where no text has it."""
        made = [f"{plain}ing", f"{plain[:-1]}ing", f"{plain}{plain[-1]}ing"]
        return self._commonest(made[1:2] if plain.endswith("e") else made[::2])

    def _commonest(self, made: Iterable[str]) -> str | None:
        best = max(made, key=lambda form: self.counts[form])
        return best if self.counts[best] else None
