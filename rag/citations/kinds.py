"""What kind of sentence a model wrote: a claim, a lead-in, or that something is not said. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rag.citations.polarity import polarity
from rag.language.quantities import quantities
from rag.language.words import stemmed, word_set, words_of

_TALK = frozenset(
    stemmed(word)
    for word in word_set("""sure certainly course question good great here answer source passage
    text document article context provide information following follow summary summarize overview
    conclusion short brief base accord state mention find found below above key point note hope
    help let know ask feel free happy thank details response""")
)
"""What models say about answering; a sentence of nothing else claims nothing."""
_PAPER = word_set("""document documents source sources passage passages text texts article articles report reports page
    pages minutes handbook contract lease manual paper papers file files table list notes leaflet bylaws excerpt
    excerpts information context material materials guide policy letter email agreement records faq they it both
    neither none nothing""")
"""What may be silent: writings, beside the words of their titles."""
_SAYING = (
    r"(?:say|state|mention|specif|give|name|list|contain|provide|include|tell|address|answer|explain|indicate|show"
    r"|cover|record|note|disclose|describe|discuss|report)\w*"
)
_SILENT = (
    re.compile(
        rf"(?P<who>[^.,;:]*?)\b(?:(?:do|does|did)(?:\s+not|n['’]t)|never|nowhere)\s+"
        rf"(?:\w+ly\s+)?{_SAYING}\b(?P<what>.*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<who>[^.,;:]*?)\b(?:gives?|gave|contains?|has|have|offers?|provides?|includes?)\s+no\b(?P<what>.*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?P<what>[^;:]*?)\b(?:is|are|was|were)(?:\s+not|n['’]t)\s+(?:\w+ly\s+)?(?:given|stated|mentioned|specified|named|said|listed|recorded"
        r"|disclosed|documented|explained|answered|described|covered|addressed)\b(?P<more>.*)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:there is|i (?:can|could)(?:not|n['’]t| not)? ?(?:find|found)|i found)\s*(?:no|any)?\s*"
        r"(?:information|mention|statement|detail\w*|word)\b(?P<what>.*)",
        re.IGNORECASE,
    ),
)  # fmt: skip
_SILENT_ELSEWHERE = re.compile(
    r"\b(?:nicht|kein\w*|nirgends)\b.*\b(?:genannt|erwähn\w*|angegeben|gesagt|beantwort\w*|steh[te]n?"
    r"|enth(?:alten|ält)|hervor\w*|angaben?)\b"
    r"|\b(?:genannt|erwähn\w*|beantwort\w*|steh[te]n?|enth(?:alten|ält)|sag(?:t|en)|nenn(?:t|en)|mach(?:t|en))\b"
    r".*\b(?:nicht|kein\w*|nichts)\b"
    r"|\bne\s+(?:dis|dit|précis|mentionn|contien|répond|indiqu|donn|parl|figur)\w*\s+(?:pas|rien|aucun\w*|nulle)\b"
    r"|\bn['’](?:indiqu|évoqu|expliqu)\w*\s+(?:pas|rien|aucun\w*)\b"
    r"|\bno\s+(?:dice|mencion|especific|indica|contien|respond|da\b|dan\b|consta)\w*"
    r"|\bnon\s+(?:dic|menzion|specific|indica|contien|contengon|rispond)\w*"
    r"|\bnão\s+(?:diz|mencion|especific|indica|cont|respond|inform)\w*"
    r"|\b(?:niet|geen)\b.*\b(?:vermeld\w*|genoemd|gezegd|beantwoord\w*|staat)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:question|frage|pregunta|domanda|pergunta|vraag)\w*\b|вопрос|问题|質問", re.I
)
_MOST_ABSTAINING = 12
"""Words of a sentence that says only that the question is not answered."""
_APART = re.compile(r",\s*(?:but|and|though|although|while|yet)\s+|;\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A sentence that says that something is not said."""

    said: str
    """The part that claims something all the same, or nothing."""
    missing: str
    """What the sources are said not to say."""


def silence(claim: str, titles: Collection[str]) -> Silence | None:
    """Return what a sentence says is missing; None where it says no such thing.

    Args:
        claim: the sentence.
        titles: folded words of the titles of what was read: they may be silent, persons may not.
    """
    parts = _APART.split(claim)
    for at, part in enumerate(parts):
        missing = _missing(part, titles)
        if missing is not None:
            rest = "; ".join([*parts[:at], *parts[at + 1 :]])
            return Silence(said=rest if _claims(rest) else "", missing=missing)
    if _SILENT_ELSEWHERE.search(claim):
        return Silence(said="", missing="")
    return None


def abstains(sentence: str) -> bool:
    """Tell whether a sentence says no more than that the question is not answered, in whatever language."""
    short = len(sentence.split()) <= _MOST_ABSTAINING
    return short and bool(_ASKED.search(sentence)) and silence(sentence, ()) is not None


def _missing(part: str, titles: Collection[str]) -> str | None:
    for pattern in _SILENT:
        match = pattern.search(part)
        if match is None:
            continue
        groups = match.groupdict()
        who = groups.get("who")
        if who is None or _is_paper(who, titles):
            return " ".join(filter(None, (groups.get("what"), groups.get("more"))))
    return None


def _is_paper(who: str, titles: Collection[str]) -> bool:
    """Tell whether the subject of a sentence is a writing."""
    words = [word.folded for word in words_of(who)]
    return any(word in _PAPER or word in titles for word in words)


def _claims(text: str) -> bool:
    """Tell whether the rest of a sentence says something by itself."""
    told = [word for word in words_of(text) if word.content]
    return len(told) > 2 and not re.match(r"\W*this follows\b", text, re.IGNORECASE)


def connects(sentence: str) -> bool:
    """Tell whether a sentence claims nothing: a lead-in, or talk about answering."""
    words = list(words_of(sentence))
    if not words or sentence.rstrip().endswith((":", "：")):
        return True
    if quantities(sentence) or polarity(sentence).negated:
        return False
    return not any(word.content for word in words) or talks(sentence)


def talks(sentence: str) -> bool:
    """Tell whether a sentence only speaks about answering, and has words for it."""
    stems = {word.stem for word in words_of(sentence) if word.content}
    return bool(stems) and stems <= _TALK and not quantities(sentence)
