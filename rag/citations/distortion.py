"""Ways to turn a true sentence into a false one that its words hardly show. Pure.

Each rule compares a claim with the clause of its quotes that is nearest to it, and speaks only where both sides have
something to compare. They lower a verdict; they never raise one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from rag.language.names import names_of
from rag.language.quantities import Quantity, quantities
from rag.language.words import alike, word_set, words_of

_CLAUSE = re.compile(
    r"(?<=[;:.!?])\s+|,\s+(?:and|but|while|whereas|although|though|which|who|so)\s+|,\s+(?=\w+ing\b)"
    r"|\s+(?:but|while|whereas|although|because|since)\s+|\s+and\s+(?=(?:[A-Z][\w'’]*\s+){1,3}[a-z]+)|\n",
)
_HEDGES = word_set("""may might could would possibly perhaps probably likely reportedly allegedly potentially
    supposedly suggests suggest suggested appears seems""")
_PLANS = word_set("""will shall plans planned planning intends intended expected expects due scheduled proposes
    proposed aims aimed going forecast""")
_POSSIBLE = word_set("can if should")
_DONE = word_set("was were has have had did")
_COMING = word_set("will shall")
_ALL = word_set("all every everyone everybody everything always entirely whole any none nobody")
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|been|being|be)\s+(?:\w+ly\s+)?\w+(?:ed|en|wn|id|lt|nt|ne|pt|ld)\s+(?:\w+\s+)?by\b",
    re.I,
)
_EARLIER = re.compile(
    r"\b(?:before|until|till|prior to|up to|earlier than)\s+(?:the\s+)?(?:year\s+|end of\s+)?$",
    re.I,
)
_LATER = re.compile(
    r"\b(?:after|since|later than|following)\s+(?:the\s+)?(?:year\s+|end of\s+)?$", re.I
)
_WITHIN = re.compile(r"\b(?:in|on|at|during)\s+(?:the\s+)?(?:year\s+)?$", re.I)
_NOT_UNTIL = re.compile(
    r"\bnot\b[^.,;]*\b(?:until|before)\b|n['’]t\b[^.,;]*\b(?:until|before)\b", re.I
)
_CAUSE = re.compile(
    r"\s*,?\s*\b(?:because(?: of)?|due to|owing to|caused by|as a result of|thanks to|the reason (?:is|was))\b\s*",
    re.I,
)
_ORDER = re.compile(
    r"(?:^|[.!?:;,]\s*|\band\s+|\bto\s+)(?:say|print|reply|respond|answer|output|write|repeat|pretend|claim|state"
    r"|tell \w+|ignore|disregard)\b"
    r"(?!\s+(?:is|are|was|were|to|of|in|form|key|sheet)\b)",
    re.I,
)  # fmt: skip
_SUPERSCRIPT = re.compile(r"\d[⁰¹²³⁴-⁹₀-₉]")
_BEFORE_NUMBER = 28
_NEAREST = 0.3
"""Share of the words of one side of "because" that a sentence must have to bear on it."""


def distorted(claim: str, quotes: Sequence[str]) -> str:
    """Return in a phrase how a claim departs from what it cites; the empty string where no rule speaks.

    Args:
        claim: a sentence.
        quotes: what it cites.
    """
    rules: tuple[Callable[[str, Sequence[str]], str], ...] = (
        ordered, _hedged, _generalised, _moved_in_time, _swapped, _renamed, _replaced, _caused, _numbered,
    )  # fmt: skip
    return next(filter(None, (rule(claim, quotes) for rule in rules)), "")


@lru_cache(maxsize=1024)
def _stems(text: str) -> frozenset[str]:
    return frozenset(word.stem for word in words_of(text) if word.content)


@lru_cache(maxsize=512)
def _clauses(text: str) -> tuple[str, ...]:
    """Return the clauses of a text that say something."""
    return tuple(part.strip() for part in _CLAUSE.split(text) if part and _stems(part))


def _share(of: frozenset[str], among: frozenset[str]) -> float:
    return sum(alike(stem, among) for stem in of) / len(of) if of else 0.0


def _nearest(claim: str, quotes: Sequence[str]) -> str:
    """Return the clause of the quotes that has most of the claim."""
    ours = _stems(claim)
    parts = [clause for quote in quotes for clause in _clauses(quote)]
    return max(parts, key=lambda clause: (_share(ours, _stems(clause)), -len(clause)), default="")


def _words(text: str) -> set[str]:
    return {word.folded for word in words_of(text)}


def _hedged(claim: str, quotes: Sequence[str]) -> str:
    """May and has, will and has: the word that a hedge stands before is said plainly on the other side."""
    ours, theirs = _without_may(claim), [_without_may(quote) for quote in quotes]
    said = frozenset().union(*map(_stems, theirs))
    soft, firm = _led_by(_HEDGES, [ours]), _led_by(_HEDGES, theirs)
    if firm & _stems(ours) - soft and not _words(ours) & (_HEDGES | _PLANS | _POSSIBLE):
        return "what it cites says it less surely"
    if soft & said - firm and not set().union(*map(_words, theirs)) & (
        _HEDGES | _PLANS | _POSSIBLE
    ):
        return "what it cites says it without reserve"
    soon, late = _led_by(_COMING, [ours]), _led_by(_COMING, theirs)
    if any(_is_past(ours, stem) for stem in late - soon) and not _words(ours) & (_PLANS | _HEDGES):
        return "what it cites speaks of what is to come"
    if soon & said - late and not set().union(*map(_words, theirs)) & (_PLANS | _HEDGES):
        return "what it cites speaks of what has been"
    return ""


def _led_by(marks: frozenset[str], texts: Sequence[str]) -> frozenset[str]:
    """Return the stems of the content words next behind one of these."""
    found = set()
    for text in texts:
        words = words_of(text)
        for i, word in enumerate(words):
            if word.folded in marks:
                found.update(
                    [
                        one.stem
                        for one in words[i + 1 : i + 5]
                        if one.content and one.folded not in marks
                    ][:1]
                )
    return frozenset(found)


def _without_may(text: str) -> str:
    """Return a text without the month of May."""
    return re.sub(r"\bMay\b(?=\s+\d|,)|(?<=\d\s)May\b|(?<=in\s)May\b", "", text)


def _is_past(text: str, stem: str) -> bool:
    """Tell whether a text says a verb as done: in the past, or behind "has" or "was"."""
    words = words_of(text)
    return any(
        word.stem == stem
        and (word.folded.endswith("ed") or {one.folded for one in words[max(0, i - 3) : i]} & _DONE)
        for i, word in enumerate(words)
    )


def _generalised(claim: str, quotes: Sequence[str]) -> str:
    theirs = set().union(*(_words(quote) for quote in quotes)) if quotes else set()
    if _words(claim) & _ALL - {"any"} and not theirs & (
        _ALL | {"each", "both", "no", "never", "entire", "full", "only", "throughout"}
    ):
        return "what it cites does not say it of all"
    return ""


def _moved_in_time(claim: str, quotes: Sequence[str]) -> str:
    """Before, in and after a date."""
    known = [(one, quote) for quote in quotes for one in quantities(quote)]
    for wanted in quantities(claim):
        if not (wanted.year or wanted.kind in {"date", "time"}) or _NOT_UNTIL.search(claim):
            continue
        ours = _relation(wanted, claim)
        theirs = {_relation(one, quote) for one, quote in known if one.says(wanted)}
        if ours in {"before", "after"} and theirs and not theirs & {ours, ""}:
            return f"what it cites does not say {ours} {wanted.printed}"
    return ""


def _relation(one: Quantity, text: str) -> str:
    before = text[max(0, one.start - _BEFORE_NUMBER) : one.start]
    if one.year:  # its day stands before it
        before = re.sub(
            r"(?:\d{1,2}(?:st|nd|rd|th)?\s+)?[A-Z][a-z]+\s*(?:\d{1,2})?,?\s*$", "", before
        )
    if _EARLIER.search(before):
        return "before"
    return "after" if _LATER.search(before) else "in" if _WITHIN.search(before) else ""


def _swapped(claim: str, quotes: Sequence[str]) -> str:
    """Who did it to whom."""
    everywhere = {word.folded for quote in quotes for word in words_of(quote)}
    for clause in _clauses(claim):
        ours = [word for word in names_of(clause) if word.folded in everywhere]
        acts = frozenset(
            word.stem
            for word in words_of(clause)
            if word.content and not word.capital and not word.number
        )
        if not ours or len(acts) < 1:
            continue
        near = _nearest(" ".join(sorted(acts)), quotes) if len(acts) > 1 else _holding(acts, quotes)
        if not near or _share(acts, _stems(near)) < 0.6:
            continue
        here = _words(near)
        doers, others = _doers(clause, acts), _doers(near, acts)
        lost = [
            word
            for word in doers
            if word in everywhere and word not in here and not _places(word, here)
        ]
        if lost and others and not others & doers:
            return (
                f"what it cites says it of {min(others).title()}, not of {sorted(lost)[0].title()}"
            )
        if _reversed(clause, near, acts):
            return "what it cites says it the other way round"
    return ""


def _doers(text: str, acts: frozenset[str]) -> set[str]:
    """Return the names that stand before the first word for what is done, behind "by" in the passive."""
    words = words_of(text)
    names = {word.start for word in names_of(text)}
    verbs = [word.start for word in words if word.stem in acts and not word.capital]
    passive = _PASSIVE.search(text)
    if passive:
        return {
            word.folded for word in words if word.start in names and word.start >= passive.end()
        }
    return {
        word.folded for word in words if word.start in names and verbs and word.start < verbs[0]
    }


def _holding(acts: frozenset[str], quotes: Sequence[str]) -> str:
    parts = [
        clause
        for quote in quotes
        for clause in _clauses(quote)
        if _share(acts, _stems(clause)) == 1
    ]
    return parts[0] if len(parts) == 1 else ""


def _places(name: str, here: set[str]) -> bool:
    """Tell whether a name stands in another form: Russia and Russian."""
    return len(name) > 3 and any(other[:4] == name[:4] for other in here)


def _reversed(clause: str, near: str, acts: frozenset[str]) -> bool:
    """Tell whether two names stand round one verb in the other order, the passive taken into account."""
    orders = []
    for text in (clause, near):
        words = words_of(text)
        verbs = [i for i, word in enumerate(words) if word.stem in acts and not word.capital]
        names = {word.start for word in names_of(text)}
        before = {
            word.folded
            for i, word in enumerate(words)
            if word.start in names and verbs and i < verbs[0]
        }
        after = {
            word.folded
            for i, word in enumerate(words)
            if word.start in names and verbs and i > verbs[0]
        }
        orders.append((before, after) if not _PASSIVE.search(text) else (after, before))
    (ours_before, ours_after), (before, after) = orders
    return bool(ours_before & after and ours_after & before) and not (ours_before & before)


def _renamed(claim: str, quotes: Sequence[str]) -> str:
    """Whose it is: "Russian intelligence" where the quotes have "South Korean intelligence" only."""
    ours = list(_owned(claim))
    theirs = [pair for quote in quotes for pair in _owned(quote)]
    for name, noun in ours:
        others = {other for other, thing in theirs if thing == noun}
        if others and not any(other[:4] == name[:4] for other in others):
            return f"what it cites speaks of another {noun}"
    return ""


def _owned(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name that stands right before a noun in lower case, with the noun's stem."""
    words = words_of(text)
    names = {word.start for word in names_of(text)}
    for word, following in pairwise(words):
        near = text[word.end : following.start] in {" ", "’s ", "'s "}
        adjective = word.possessive or word.folded.endswith(("an", "ese", "ish", "ic"))
        if (
            word.start in names
            and near
            and adjective
            and following.content
            and not following.capital
        ):
            yield word.folded, following.stem


def _replaced(claim: str, quotes: Sequence[str]) -> str:
    """A thing put in the place of another: "on the motor lapses" where the quotes have "on the frame lapses"."""
    ours = _slots(claim)
    theirs = [(slot, word) for quote in quotes for slot, word in _slots(quote)]
    known = frozenset().union(*map(_stems, quotes))
    for slot, word in ours:
        others = {other for place, other in theirs if place == slot}
        if others and word in known and not alike(word, frozenset(others)):
            return "what it cites says it of something else"
    return ""


def _slots(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return each content word in lower case with the two words before it and the content word behind it."""
    words = words_of(text)
    return [
        ((words[i - 2].stem, words[i - 1].stem, words[i + 1].stem), words[i].stem)
        for i in range(2, len(words) - 1)
        if words[i].content
        and words[i + 1].content
        and not words[i].capital
        and not words[i].number
    ]


def _caused(claim: str, quotes: Sequence[str]) -> str:
    """A cause that the quotes give of something else, or of nothing."""
    match = _CAUSE.search(claim)
    if match is None or match.start() < 8:
        return ""
    effect, cause = _stems(claim[: match.start()]), _stems(claim[match.end() :])
    if not effect or not cause or (len(effect) < 2 and "by" not in match[0].split()):
        return ""
    for joined in quotes:
        if _share(effect, _stems(joined)) >= _NEAREST and _share(cause, _stems(joined)) >= _NEAREST:
            return ""
    return "what it cites does not give it as the cause"


def _numbered(claim: str, quotes: Sequence[str]) -> str:
    """A number that the quotes give of something else which they give another number of."""
    parts = [part for quote in quotes for part in _parts(quote)]
    for clause in _parts(claim):
        for wanted in quantities(clause):
            if wanted.vague or wanted.year or wanted.kind not in {"number", "percent"}:
                continue
            holders = [part for part in parts if any(one.says(wanted) for one in quantities(part))]
            others = [
                part
                for part in parts
                if part not in holders
                and any(
                    one.kind == wanted.kind and one.unit == wanted.unit for one in quantities(part)
                )
            ]
            if not holders or not others:
                continue
            ours = _things(clause)
            here = frozenset().union(*map(_stems, holders))
            there = frozenset().union(*map(_stems, others))
            apart = {stem for stem in ours if alike(stem, there) and not alike(stem, here)}
            shared = {stem for stem in ours if alike(stem, here) and not alike(stem, there)}
            if apart and not shared:
                return f"what it cites gives {wanted.printed} of something else"
    return ""


def _parts(text: str) -> list[str]:
    """Return the parts of a text that have a number of their own, as far as commas and "and" tell them apart."""
    return [
        part for clause in _clauses(text) for part in re.split(r",\s+|\s+and\s+(?=[^,]*\d)", clause)
    ]


def _things(clause: str) -> frozenset[str]:
    """Return the content words of a clause that are no part of its numbers."""
    taken = {at for one in quantities(clause) for at in range(one.start, one.end)}
    units = {
        word.stem
        for one in quantities(clause)
        for word in words_of(clause[one.end : one.end + 14])[:1]
    }
    return frozenset(
        word.stem
        for word in words_of(clause)
        if word.content and word.start not in taken and word.stem not in units
    )


def ordered(claim: str, quotes: Sequence[str]) -> str:
    """A thing that a document only orders to be said; a number with a digit raised or lowered."""
    if _SUPERSCRIPT.search(claim) and not any(_SUPERSCRIPT.search(quote) for quote in quotes):
        return "it has a raised digit that what it cites has not"
    if _ORDER.search(claim):
        return ""
    near = [quote for quote in quotes if _ORDER.search(quote)]
    plain = [quote for quote in quotes if not _ORDER.search(quote)]
    if (
        near
        and _share(_stems(claim), frozenset().union(*map(_stems, plain)) if plain else frozenset())
        < 0.8
    ):
        return "what it cites orders something to be said, and does not say it"
    return ""
