"""Questions turned into statements with a place for the answer, by rules; where no rule is sure, none is made.

    When did Shoigu meet Kim?      Shoigu met Kim in ___.
    How many people live in Oslo?  ___ people live in Oslo.

After Demszky, Guu and Liang 2018, "Transforming question answering datasets into natural language inference
datasets", without a parser: verbs are told by `Verbs`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.support.verbs import Verbs

_PREPOSITIONS = frozenset(
    """about above across after against along among around as at before behind below beneath
    between beyond by during for from in inside into near of off on onto out outside over past since through
    throughout to toward towards under until up upon via with within without""".split()
)
_DO = frozenset("do does did".split())
_BE = frozenset("is are was were".split())
_MODAL = frozenset("can could will would should must may might has have had".split())
_AUXILIARY = _DO | _BE | _MODAL
_DETERMINERS = frozenset(
    "the a an his her its their this that these those some any each every all most many".split()
)
_PRONOUNS = frozenset("he she it they we you there this that these those people".split())
_CONJUNCTIONS = frozenset("when while because if as after before".split())
_NEVER_AFTER_BE = frozenset("been become come gone had".split())
_EMPTY = frozenset("do described discussed mentioned".split())
"""Verbs of questions about a text or about any deed; their statements say nothing."""
_TIMES = frozenset("year years month day date decade century time season week era".split())
_LONGEST = 32
"""Words of a question."""
_MOST_NOUNS = 5
"""Words between `what` and the verb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A statement but for the answer."""

    before: str
    after: str
    asks: str
    """`who`, `when`, `where`, `many` or `what`: answers to the same are alike."""
    unit: str = ""
    """Noun that is counted; left out where the answer says it."""
    preposition: str = ""
    """Stands before the answer where the answer brings none of its own."""

    def fill(self, answer: str, *, led_by: str = "") -> str:
        """Return the statement for an answer.

        Args:
            answer: words of a text.
            led_by: the word before them in that text; a preposition there is the right one here.
        """
        said = answer.strip().rstrip(".,;:")
        if self.preposition and said.split(" ")[0].lower() not in _PREPOSITIONS:
            own = led_by.lower() if led_by.lower() in _LEADS.get(self.asks, ()) else ""
            said = f"{own or self.preposition} {said}"
        if self.unit and self.unit.split(" ")[-1].lower() not in said.lower().split(" "):
            said = f"{said} {self.unit}"
        text = " ".join(f"{self.before} {said} {self.after}".split())
        text = re.sub(r" ([,.;:!?)]|'s\b)", r"\1", text)
        return f"{text[:1].upper()}{text[1:]}."


_LEADS = {
    "when": frozenset("in on at during by since before after until around from".split()),
    "where": frozenset("in on at near to from outside within across throughout into under".split()),
    "many": frozenset("for over about around within".split()),
}


class Declarer:
    """Turns questions into templates.

    Args:
        verbs: of the texts that the questions are about.
    """

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def declare(self, question: str) -> Template | None:
        """Return the statement of a question, None where no rule is sure."""
        text = question.strip().strip('"').replace('""', '"').rstrip("?. ").strip()
        words = text.split()
        if not 4 <= len(words) <= _LONGEST or "?" in text or _EMPTY & set(words[-2:]):
            return None
        first = words[0].lower()
        if first in _PREPOSITIONS and len(words) > 3 and words[1].lower() in _ASKING:
            return self._led(words)
        if first in _RULES:
            return _RULES[first](self, words[1:])
        return _asked_last(words)

    def _led(self, words: list[str]) -> Template | None:
        """In what year did NP V ...: NP V-ed ... in ___."""
        lead, rest = words[0].lower(), words[2:]
        at = _first_auxiliary(rest)
        if at is None or (words[1].lower() in {"whom", "who"} and at > 0):
            return None
        said = self._inverted(rest[at].lower(), rest[at + 1 :])
        if said is None or (said[1] in _BE and not _opens_noun(rest[at + 1])):
            return None
        asks = "when" if rest[0].lower() in _TIMES else "where" if lead in {"in", "at"} else "what"
        asks = "who" if words[1].lower() == "whom" else asks
        return Template(before=f"{said[0]} {said[1]} {lead}", after="", asks=asks)

    def _who(self, rest: list[str]) -> Template | None:
        first = rest[0].lower()
        if first in _DO:
            return self._object(rest, "who")
        if first in _BE and len(rest) > 1:
            if rest[1].lower() in _PRONOUNS or rest[-1].lower() in _PREPOSITIONS:
                return self._object(rest, "who")
            if _named(rest[1:]):
                return Template(before=f"{' '.join(rest[1:])} {first}", after="", asks="who")
            if self._inverted(first, rest[1:], strict=True) and _opens_noun(rest[1]):
                return None
            return Template(before="", after=" ".join(rest), asks="who")
        if first in _MODAL:
            return None if _opens_noun(rest[1]) else _subject(rest, "who")
        return _subject(rest, "who") if self._verbs.is_finite(first) else None

    def _what(self, rest: list[str]) -> Template | None:
        first = rest[0].lower()
        if first in _DO | _MODAL:
            return self._object(rest, "what")
        if first in _BE:
            return self._what_is(rest)
        if self._verbs.is_finite(first):
            return _subject(rest, "what")
        at = _first_auxiliary(rest[: _MOST_NOUNS + 1])
        if at is None:
            return self._what_noun_does(rest)
        return self._what_noun(" ".join(rest[:at]), rest[at:])

    def _what_is(self, rest: list[str]) -> Template | None:
        """What is the capital of France: The capital of France is ___."""
        be, named = rest[0].lower(), rest[1:]
        if not named or named[0].lower() in _PREPOSITIONS:
            return None
        if self._verbs.is_participle(named[0]):
            return _subject(rest, "what")
        if (said := self._inverted(be, named, strict=True)) and said[1]:
            return Template(before=f"{said[0]} {said[1]}", after="", asks="what")
        if named[-1].lower() in _PREPOSITIONS or not _opens_noun(named[0]):
            return None
        return Template(before=f"{' '.join(named)} {be}", after="", asks="what")

    def _what_noun(self, noun: str, rest: list[str]) -> Template | None:
        """What company did NP buy; what year was NP founded; what city is in the north."""
        be = rest[0].lower()
        last = noun.split(" ")[-1].lower()
        asks = "when" if last in _TIMES else "many" if last in {"percentage", "percent"} else "what"
        if len(rest) < 2:
            return None
        following = rest[1].lower()
        if be in _BE and (
            following in _PREPOSITIONS
            or self._verbs.is_participle(following)
            or (
                following in {"the", "a", "an", "not", "also", "considered"}
                and not (self._inverted(be, rest[1:], strict=True) or [""])[0]
            )
        ):
            return _subject(rest, asks)
        return self._object(rest, asks, preposition="in" if asks == "when" else "")

    def _what_noun_does(self, rest: list[str]) -> Template | None:
        """What company owns NP: ___ owns NP."""
        for at in range(1, min(len(rest) - 1, _MOST_NOUNS)):
            if self._verbs.is_finite(rest[at]) and rest[at - 1].lower() not in _DETERMINERS:
                return _subject(rest[at:], "what")
        return None

    def _when(self, rest: list[str]) -> Template | None:
        return self._at_the_end(rest, "when", "in")

    def _where(self, rest: list[str]) -> Template | None:
        return self._at_the_end(rest, "where", "in")

    def _at_the_end(self, rest: list[str], asks: str, preposition: str) -> Template | None:
        """When was NP built: NP was built in ___."""
        first = rest[0].lower()
        if first not in _AUXILIARY or len(rest) < 2:
            return None
        if rest[-1].lower() in _PREPOSITIONS:
            rest, preposition = rest[:-1], rest[-1].lower()
        said = self._inverted(first, rest[1:])
        if said is None:
            return None
        return Template(before=" ".join(said), after="", asks=asks, preposition=preposition)

    def _how(self, rest: list[str]) -> Template | None:
        first = rest[0].lower()
        if first in {"many", "much"} and len(rest) > 2:
            return self._how_many(rest[1:])
        if first == "long" and rest[1].lower() in _AUXILIARY:
            return self._at_the_end(rest[1:], "many", "for")
        if first in {"old", "tall", "high", "large", "far", "deep", "wide", "big", "fast"}:
            if rest[1].lower() not in _BE:
                return None
            named = rest[2:]
            cut = next(
                (i for i, w in enumerate(named) if w.lower() in {"when", "in", "at"}), len(named)
            )
            after = f"{first if first != 'old' else ''} {' '.join(named[cut:])}"
            before = f"{' '.join(named[:cut])} {rest[1].lower()}"
            return Template(before=before, after=after, asks="many") if cut else None
        return None

    def _how_many(self, rest: list[str]) -> Template | None:
        at = _first_auxiliary(rest[: _MOST_NOUNS + 1])
        if at is None:
            for verb in range(1, min(len(rest), _MOST_NOUNS)):
                if self._verbs.is_finite(rest[verb]) or self._verbs.is_plain(rest[verb]):
                    noun, after = " ".join(rest[:verb]), " ".join(rest[verb:])
                    return Template(before="", after=after, asks="many", unit=noun)
            return None
        noun, be, following = " ".join(rest[:at]), rest[at].lower(), rest[at + 1 :]
        if not following:
            return None
        if following[0].lower() == "there":
            after = " ".join(following[1:])
            return Template(before=f"There {be}", after=after, asks="many", unit=noun)
        plain = be in _BE and not _opens_noun(following[0])
        if plain or (be in _MODAL and not _opens_noun(following[0])):
            return Template(before="", after=" ".join(rest[at:]), asks="many", unit=noun)
        return self._object(rest[at:], "many", unit=noun)

    def _object(
        self, rest: list[str], asks: str, *, preposition: str = "", unit: str = ""
    ) -> Template | None:
        """Did NP V rest: NP V-ed ___ rest."""
        said = self._inverted(rest[0].lower(), rest[1:])
        if said is None or not said[1]:
            return None
        subject, predicate = said
        words = predicate.split(" ")
        at = 1 if rest[0].lower() in _DO else 3 if words[1:2] in (["be"], ["been"]) else 2
        prepositions = [word.lower() in _PREPOSITIONS for word in words]
        if prepositions[-1]:
            at, preposition = len(words), ""
        elif at < len(words) - 1 and prepositions[at] and prepositions[at + 1]:
            at += 1
        elif preposition:
            at = len(words)
        elif at < len(words) and not (prepositions[at] or words[at] in _CONJUNCTIONS):
            return None
        before = f"{subject} {' '.join(words[:at])}"
        after = " ".join(words[at:])
        return Template(before=before, after=after, asks=asks, preposition=preposition, unit=unit)

    def _inverted(
        self, auxiliary: str, words: list[str], *, strict: bool = False
    ) -> tuple[str, str] | None:
        """Return subject and predicate of words that follow an auxiliary, None where they are not told apart.

        Args:
            auxiliary: in lower case.
            words: subject and predicate without it.
            strict: whether a subject alone does not do.
        """
        for at in range(1, len(words)):
            if words[at - 1].lower() in _DETERMINERS | _PREPOSITIONS | {"and", "or", "to"}:
                continue
            if words[at - 1].endswith("ly") and at < 3:
                continue
            if predicate := self._predicate(auxiliary, words[at], words[at + 1 :]):
                if not _opens_noun(words[0]) and at > 3:
                    return None
                return " ".join(words[:at]), predicate
        if strict or auxiliary not in _BE or words[-1].lower() in _PREPOSITIONS:
            return None
        return " ".join(words), auxiliary

    def _predicate(self, auxiliary: str, verb: str, rest: list[str]) -> str | None:
        """Return what is said with this verb, None where it is none."""
        if auxiliary in _BE:
            fits = self._verbs.is_participle(verb) and verb not in _NEVER_AFTER_BE | _PREPOSITIONS
            return " ".join([auxiliary, verb, *rest]) if fits else None
        if auxiliary in {"has", "have", "had"}:
            fits = (self._verbs.is_participle(verb) and not verb.endswith("ing")) or verb == "been"
            return " ".join([auxiliary, verb, *rest]) if fits else None
        if not self._verbs.is_plain(verb) or verb in _EMPTY | _PREPOSITIONS:
            return None
        if auxiliary in _MODAL:
            return " ".join([auxiliary, verb, *rest])
        if auxiliary == "do":
            return " ".join([verb, *rest])
        form = self._verbs.past(verb) if auxiliary == "did" else self._verbs.third(verb)
        return " ".join([form, *rest]) if form else None


_ASKING = frozenset("what which whom who".split())
_RULES = {
    "who": Declarer._who,
    "what": Declarer._what,
    "which": Declarer._what,
    "when": Declarer._when,
    "where": Declarer._where,
    "how": Declarer._how,
}


def _subject(rest: list[str], asks: str) -> Template:
    """Who wrote NP: ___ wrote NP."""
    return Template(before="", after=" ".join(rest), asks=asks)


def _asked_last(words: list[str]) -> Template | None:
    """NP was founded in what year: NP was founded in ___."""
    for at in range(max(len(words) - 3, 2), len(words)):
        if words[at].lower() in {"what", "which", "whom", "who"}:
            last = words[-1].lower()
            asks = "when" if last in _TIMES else "who" if last in {"who", "whom"} else "what"
            if words[at - 1].lower() in _PREPOSITIONS | _BE | {"called", "named"}:
                return Template(before=" ".join(words[:at]), after="", asks=asks)
    return None


def _first_auxiliary(words: list[str]) -> int | None:
    return next((i for i, word in enumerate(words) if word.lower() in _AUXILIARY), None)


def _opens_noun(word: str) -> bool:
    """Tell whether a word may open what a verb is said of."""
    return (
        word[:1].isupper()
        or word[:1] in "\"'“‘"
        or word.lower() in _DETERMINERS | _PRONOUNS
        or word.endswith("s")
    )


def _named(words: list[str]) -> bool:
    """Tell whether all words are one name."""
    return bool(words) and all(word[:1].isupper() or word in {"of", "the", "de"} for word in words)
