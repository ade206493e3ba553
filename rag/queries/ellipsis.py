"""Questions that leave out what the one before said: "And in 2024?", "What about Japan?", "Why?"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from rag.language.english import (
    ADJUNCTS,
    ARTICLES,
    AUXILIARIES,
    BASE_VERBS,
    BE,
    DO,
    HAVE,
    MODALS,
    NOT_NOUNS,
    OPENERS,
    ORDINALS,
    POSSESSIVES,
    PREPOSITIONS,
    TIMES,
    WH,
)
from rag.language.words import Word, tokens_of
from rag.queries.noun_phrases import Mention, find_mentions

MOST_WORDS = 8
"""Of a question that leaves something out."""
_ASKING_ABOUT = frozenset({("what", "about"), ("how", "about"), ("what", "of")})
_SMALL = (
    WH | PREPOSITIONS | TIMES | {"many", "much", "long", "often", "far", "exactly", "not", "come"}
)
_CONTINUING = frozenset(
    """please and ok okay yes can could would will you i want to like tell me us
    say know give go on continue elaborate explain expand more any anything what is there a bit little some
    else further detail details information info that this it them about""".split()
)
_GOING_ON = frozenset("more continue elaborate explain expand further details else go".split())
_LINKS = {
    **dict.fromkeys(("about", "on", "explain"), ""),
    **dict.fromkeys(("elaborate", "expand"), "on "),
    **dict.fromkeys("more else information info detail details".split(), "about "),
}
"""What joins the topic to the last word of such a request."""
_OPEN = frozenset("anything something nothing any more".split())
_DEGREES = frozenset({"many", "much"})
_CORRECTING = re.compile(
    r"(?:(?:no|sorry|oh|well|actually|wait|oops)[,.! ]+)*(?:(?:i|we) (?:meant?|was asking about|am asking about"
    r"|asked about)"
    r"|make that|not (?:that|this)(?: one)?,?(?: but)?|(?:and )?(?:the )?same (?:question )?(?:for|with|about))"
    r" (?P<new>[^?!,]{1,60}?)(?:,? (?:please|not [^?!]{1,60}))?[ .?!]*",
    re.IGNORECASE,
)
"""A correction keeps the question before and exchanges what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A question without a verb."""

    kind: Literal["asking", "naming"]
    """`asking` has a question word ("On what date?"), `naming` has none ("And in 2024?")."""
    question: str
    """As it was asked."""
    text: str
    """Without the words that lead in and the sign at the end."""
    bare: bool
    """Whether it is made of small words only."""
    led: bool
    """Whether words such as "and" or "what about" lead in."""
    words: tuple[Word, ...]
    """Of `text`."""

    def renamed(self, text: str) -> Fragment:
        """Return the fragment with names for its pronouns."""
        if text == self.text:
            return self
        question = self.question.replace(self.text, text, 1)
        return replace(self, question=question, text=text, words=tokens_of(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The question before, standing alone, and what its answer mentioned."""

    text: str
    answered: tuple[Mention, ...]


def continued(question: str, words: Sequence[Word], topic: str) -> str | None:
    """Return "tell me more" as "tell me more about" the topic; None for any other question."""
    lowers = [word.folded for word in words]
    if not set(lowers) <= _CONTINUING or not set(lowers) & _GOING_ON:
        return None
    kept = len(words)
    while kept and lowers[kept - 1] in {"it", "that", "this", "them", "please"}:
        kept -= 1
    going_on = lowers[max(kept - 2, 0) : kept] == ["go", "on"]
    link = _LINKS.get(lowers[kept - 1]) if kept and not going_on else None
    if link is None:
        return f"{question.strip()} ({topic})"
    sign = "?" if question.rstrip().endswith("?") else ""
    return f"{question[: words[kept - 1].end]} {link}{topic}{sign}"


def corrected(text: str) -> str:
    """Return "No, I meant rowing." as "What about rowing?"; empty for anything else."""
    match = _CORRECTING.fullmatch(" ".join(text.split()))
    return f"What about {match['new']}?" if match else ""


def find_fragment(text: str) -> Fragment | None:
    """Return the question as a fragment, if it is one."""
    words = tokens_of(text)
    start, led = _lead(words)
    rest = words[start:]
    if (
        not rest
        or len(rest) > MOST_WORDS
        or "(" in text
        or rest[0].folded in _OPEN
        or _has_verb(rest)
    ):
        return None
    asking = (
        rest[0].folded in WH
        or rest[-1].folded in WH
        or (len(rest) > 1 and rest[0].folded in PREPOSITIONS and rest[1].folded in WH)
    )
    if not asking and not led and not text.rstrip().endswith("?"):
        return None
    body = text[rest[0].start : rest[-1].end]
    return Fragment(
        kind="asking" if asking else "naming",
        question=text,
        text=body,
        bare=all(word.folded in _SMALL for word in rest),
        led=led,
        words=tokens_of(body),
    )


def complete(fragment: Fragment, before: Before) -> tuple[str, tuple[str, ...]]:
    """Return the fragment with what the question before says, and what was added to it."""
    core = before.text.strip().rstrip("?!. ")
    whole = _as_question(fragment, core, before) if fragment.kind == "asking" else None
    whole = whole or (_exchanged(fragment, core) if fragment.kind == "naming" else None)
    if whole:
        return f"{whole}?", (core,)
    tail = [core]
    known = {word.folded for word in tokens_of(core)}
    if fragment.kind == "asking" and before.answered and not _says_no_more(before, known):
        tail.append(before.answered[0].text)
    return f"{fragment.question.strip()} ({': '.join(tail)})", tuple(tail)


def _says_no_more(before: Before, known: set[str]) -> bool:
    return all(word.folded in known for word in tokens_of(before.answered[0].text))


def _lead(words: Sequence[Word]) -> tuple[int, bool]:
    """Return the index after the words that lead in, and whether there are any."""
    i = 0
    while i < len(words) and words[i].folded in OPENERS:
        i += 1
    led = i > 0
    if tuple(word.folded for word in words[i : i + 2]) in _ASKING_ABOUT:
        return i + 2, True
    return i, led


def _has_verb(words: Sequence[Word]) -> bool:
    for i, word in enumerate(words):
        if word.folded in AUXILIARIES or word.folded.endswith("'s"):
            return True
        before = words[i - 1].folded if i else ""
        if word.capital and i:
            continue
        if before == "who" and word.content:
            return True
        if word.folded in BASE_VERBS and word is words[-1] and _opens_phrase(words[:i]):
            continue
        if word.folded in BASE_VERBS | NOT_NOUNS and before not in ARTICLES | POSSESSIVES:
            return True
        if i and word.folded.endswith("ed") and before not in ARTICLES:
            return True
        if word.content and _has_object(words, i):
            return True
    return False


def _opens_phrase(words: Sequence[Word]) -> bool:
    """Tell whether words wait for a noun: "the premium" of "the premium plan"."""
    return bool(words) and words[0].folded in ARTICLES | POSSESSIVES | PREPOSITIONS


def _has_object(words: Sequence[Word], i: int) -> bool:
    """Tell whether a word is a verb by the article behind it and the subject before it: "documents mention a fee"."""
    after = words[i + 1] if i + 1 < len(words) and not words[i + 1].apart else None
    return (
        i > 1
        and words[i - 1].content
        and not words[i].apart
        and after is not None
        and after.folded in ARTICLES | POSSESSIVES
    )


def _as_question(fragment: Fragment, core: str, before: Before) -> str | None:
    """Return "Why?" as "Why did they sign?" where the question before allows it."""
    lowers = {word.folded for word in fragment.words}
    if (
        not fragment.bare
        or not lowers & (ADJUNCTS | {"what", "which", "whom"})
        or lowers & _DEGREES
    ):
        return None
    if fragment.words[0].folded in {"what", "which", "who", "whom"} or "not" in lowers:
        return None
    words = tokens_of(core)
    at = next((i for i, word in enumerate(words) if word.folded in AUXILIARIES), None)
    if at is None or at > MOST_WORDS:
        return None
    asked, rest = words[:at], core[words[at].start :]
    first = _capitalised(fragment.text)
    if not asked or (asked[0].folded in ADJUNCTS and not {w.folded for w in asked} & _DEGREES):
        return f"{first} {rest[0].lower()}{rest[1:]}"
    return _with_gap(first, core, words, at, before)


def _with_gap(first: str, core: str, words: Sequence[Word], at: int, before: Before) -> str | None:
    """Fill the place of "what", "who" or "how many soldiers" in the question before."""
    asked = words[:at]
    if any(word.folded in PREPOSITIONS for word in asked[:1]):
        return f"{first} {core[words[at].start :]}"
    if at + 1 >= len(words) or asked[0].folded not in WH:
        return None
    filler = _filler(core, asked, before)
    after = core[words[at + 1].start :]
    if {word.folded for word in tokens_of(filler)} <= {word.folded for word in words[at:]}:
        filler = ""
    auxiliary = words[at].folded
    if auxiliary in DO or (auxiliary in MODALS | HAVE and words[at + 1].capital):
        start, end = _around_gap(after)
        return " ".join(part for part in (first, auxiliary, start, filler, end) if part)
    if auxiliary in BE | HAVE | MODALS and filler:
        return f"{first} {auxiliary} {filler} {after}"
    return None


def _around_gap(clause: str) -> tuple[str, str]:
    """Return what of a clause stands before its missing object, and what after it."""
    words = tokens_of(clause)
    for word, following in pairwise(words):
        if word.folded in PREPOSITIONS and following.folded not in PREPOSITIONS:
            return clause[: word.start].rstrip(), clause[word.start :]
    return clause, ""


def _filler(core: str, asked: Sequence[Word], before: Before) -> str:
    own = [word for word in asked if word.content]
    if own and {word.folded for word in asked} & _DEGREES:
        return core[own[0].start : own[-1].end]
    if before.answered:
        return before.answered[0].text
    return f"the {core[own[0].start : own[-1].end]}" if own else ""


def _exchanged(fragment: Fragment, core: str) -> str | None:
    """Return the question before with the fragment in the place of what it answers to."""
    words = tokens_of(core)
    mentions = [one for one in find_mentions(core, words) if " and " not in one.text]
    ordinal = _ordinal(fragment.words)
    if ordinal:
        other = next((word for word in words if word.folded in ORDINALS), None)
        return _put(core, other.start, other.end, ordinal.text) if other else None
    led_by = fragment.words[0] if fragment.words[0].folded in PREPOSITIONS else None
    inner = fragment.words[1:] if led_by else fragment.words
    if not inner:
        return None
    body = fragment.text[inner[0].start : inner[-1].end]
    new = next(iter(find_mentions(body, tokens_of(body))), None)
    old = _counterpart(new, mentions, led_by, words) if new else None
    if old is not None and new is not None:
        owner = core[old.start : old.end].endswith(("'s", "’s")) and not body.endswith("s")
        return _put(core, old.start, old.end, f"{body}'s" if owner else body)
    if led_by:
        return f"{core} {fragment.text}"
    if new is not None and new.kind == "time":
        return f"{core} in {body}"
    return None


def _counterpart(
    new: Mention, mentions: Sequence[Mention], led_by: Word | None, words: Sequence[Word]
) -> Mention | None:
    """Return the one mention that the new one can only be meant to replace."""
    alike = [one for one in mentions if one.kind == new.kind]
    if new.kind == "time":
        return alike[-1] if alike else None
    if led_by:
        return next((one for one in reversed(alike) if _after(one, words) == led_by.folded), None)
    owning = [one for one in mentions if one.kind == "name" and one.words < new.words]
    related = owning or [one for one in alike if one.words & new.words or one.head == new.head]
    if related:
        return related[0]
    names = [one for one in alike if one.kind == "name"]
    if names or new.kind != "phrase":
        return names[0] if len(names) == 1 else None
    behind = [one for one in mentions if _after(one, words) in {"of", "for"}]
    behind += _behind_of(alike)
    for others, counted in ((behind, True), (alike, True), (behind, False), (alike, False)):
        phrases = [one for one in others if _is_such(one, new, counted=counted)]
        if phrases:
            return phrases[0] if len(phrases) == 1 else None
    return None


def _behind_of(mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Yield what stands behind "of" in phrases: "yellow pea protein" of "the footprint of yellow pea protein"."""
    for one in mentions:
        whole, of, part = one.text.rpartition(" of ")
        for found in find_mentions(f"{of.strip()} {part}", tokens_of(f"{of.strip()} {part}"))[:1]:
            shift = one.end - len(part) - len("of ")
            if whole:
                yield replace(found, start=shift + found.start, end=shift + found.end)


def _is_such(one: Mention, new: Mention, *, counted: bool) -> bool:
    """Tell whether two phrases are alike in that they mean something particular, and `counted` in number."""
    general = {"", "a", "an"}
    if counted and (one.nature == "many") != (new.nature == "many"):
        return False
    return (one.article in general) == (new.article in general)


def _after(mention: Mention, words: Sequence[Word]) -> str:
    before = [word for word in words if word.end <= mention.start]
    return before[-1].folded if before else ""


def _ordinal(words: Sequence[Word]) -> Word | None:
    kept = [word for word in words if word.folded not in ARTICLES | {"one", "ones"}]
    return kept[0] if len(kept) == 1 and kept[0].folded in ORDINALS else None


def _put(text: str, start: int, end: int, new: str) -> str:
    return f"{text[:start]}{new}{text[end:]}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
