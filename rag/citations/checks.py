"""Does what is cited say what is claimed? Numbers, names, negation; then a support score. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.citations.distortion import distorted, ordered
from rag.citations.faults import unknown_names
from rag.citations.polarity import opposed, polarity
from rag.language.names import missing_names
from rag.language.quantities import missing_numbers
from rag.language.words import words_of
from rag.schema import Verdict

Support: TypeAlias = Callable[[str, Sequence[str]], Sequence[float]]
"""support(claim, source_sentences) returns how well each sentence supports the claim: one 0..1 a
sentence, where 0.5 is even odds."""

SUPPORTED = 0.6
"""Support from which a claim that passes every check counts as supported. Somewhat more than even odds: a sentence
wrongly flagged costs a glance at its quote, one wrongly passed is believed."""
WEAK = 0.3
"""Support from which the quote at least bears on the claim; below it the claim might as well not be cited."""
_BELOW_SUPPORTED = SUPPORTED - 0.01
_BELOW_WEAK = WEAK - 0.01

NOTHING_FOUND = "nothing was found that says so"
IN_PART = "what it cites says so only in part"
_SAME_WORDS = 0.9
"""Share of the words of an answer that stand in its question, from which it says what was asked and nothing else."""
_ANSWER = re.compile(r"(?:[^:.,;]{1,40}:\s+)?(yes|no)\b\s*[,.:;–—-]", re.IGNORECASE)
_HEAD = re.compile(
    r"^(?:[^:.,;!?]{1,40}:\s+)?(?:(?:yes|no)\b\s*[,.:;–—-]+\s*|(?:so|thus|therefore)\b,?\s+)?",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|[Ww]e|[Oo]urs?)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the rules found; True is good."""

    numbers: bool
    names: bool
    negation: bool
    missing: tuple[str, ...]
    """Numbers and names of the claim that the quotes do not have, as the claim prints them."""

    @property
    def passed(self) -> bool:
        """Whether no rule objects."""
        return self.numbers and self.names and self.negation


def check(claim: str, quotes: Sequence[str]) -> Check:
    """Compare the numbers, names and negation of a claim with what it cites.

    A number that differs never passes. A name passes if all its words are in the quotes, as an
    acronym or in full, accents and endings aside. Negation passes unless claim and quotes say the
    opposite of one word.
    """
    numbers = missing_numbers(claim, quotes)
    names = missing_names(claim, quotes)
    return Check(
        numbers=not numbers,
        names=not names,
        negation=not opposed(claim, quotes),
        missing=numbers + names,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of a claim by what it cites."""

    verdict: Verdict
    support: float
    why: str
    """A phrase: what speaks against it; empty where it is supported."""


def verdict(claim: str, quotes: Sequence[str], support: Support) -> tuple[Verdict, float]:
    """Judge a claim by what it cites: `judge_claim` without its reason."""
    found = judge_claim(claim, quotes, support)
    return found.verdict, found.support


def judge_claim(
    claim: str,
    quotes: Sequence[str],
    support: Support,
    *,
    context: Sequence[str] = (),
    question: str = "",
) -> Judgement:
    """Judge a claim by what it cites.

    Words that stand in a quote as they are, white space aside, are supported with 1.0 unless a
    word before or behind them turns them round. Otherwise a wrong number or negation makes a claim
    unsupported whatever its score; a missing name, a question, words about the speaker, or a turn of the meaning
    (`distortion`) make it weak at most; and the score decides the rest.

    Args:
        claim: a sentence.
        quotes: what it cites.
        support: scores it.
        context: what the quotes hang from, such as titles and the names of columns; they may hold names and numbers.
        question: what was asked, where it is known: a "Yes" or "No" at the head of the claim answers it.

    Returns:
        The verdict, the support lowered to what the verdict allows, and why.
    """
    if not quotes:
        return Judgement(verdict="unsupported", support=0.0, why=NOTHING_FOUND)
    body = _body(claim) if question else claim
    numbers = missing_numbers(body, [*quotes, *context]) if body else ()
    names = unknown_names(claim, [*quotes, *context, question])
    turned = opposed(body, quotes)
    if not numbers and not turned and any(contains(quote, body) for quote in quotes):
        if not (why := ordered(body, quotes)):
            return Judgement(verdict="supported", support=1.0, why="")
        return Judgement(verdict="weak", support=_BELOW_SUPPORTED, why=why)
    score = _scored({claim, body}, quotes, context, support)
    if numbers or turned or score < WEAK:
        why = f"what it cites does not say {', '.join(numbers[:3])}" if numbers else ""
        why = why or ("what it cites says the opposite" if turned else NOTHING_FOUND)
        return Judgement(verdict="unsupported", support=min(score, _BELOW_WEAK), why=why)
    why = f"what it cites does not name {', '.join(names[:3])}" if names else ""
    why = why or _not_asserted(claim, quotes) or ("" if score >= SUPPORTED else IN_PART)
    why = why or _answers_otherwise(claim, body, question) or distorted(body, quotes)
    if why:
        return Judgement(verdict="weak", support=min(score, _BELOW_SUPPORTED), why=why)
    return Judgement(verdict="supported", support=score, why="")


def _scored(
    claims: Collection[str], quotes: Sequence[str], context: Sequence[str], support: Support
) -> float:
    """Return the best support of the claim, as a whole or without its head, by the quotes, with what they hang from."""
    texts = list(quotes) if len(quotes) == 1 else [*quotes, " ".join(quotes)]
    score = max(max(0.0, *support(claim, texts)) for claim in claims)
    if WEAK / 2 <= score < SUPPORTED and any(context):
        led = " ".join(filter(None, [*context, *quotes]))
        score = max([score, *(support(claim, [led])[0] for claim in claims)])
    return min(score, 1.0)


def _body(claim: str) -> str:
    """Return a claim without its label and its yes or no."""
    return _HEAD.sub("", claim, count=1) or claim


def _answers_otherwise(claim: str, body: str, question: str) -> str:
    """Tell in a phrase where a "no" stands before what the question asks for."""
    said = _ANSWER.match(claim)
    if said is None or not question or said[1].lower() != "no" or polarity(body).negated:
        return ""
    asked = {word.stem for word in words_of(question) if word.content}
    told = {word.stem for word in words_of(body) if word.content}
    plain = asked and len(asked & told) >= _SAME_WORDS * len(told)
    return "what it cites does not say no" if plain else ""


def _not_asserted(claim: str, quotes: Sequence[str]) -> str:
    """Tell in a phrase what makes a claim nothing that sources can bear out: a question, words about its speaker."""
    if claim.rstrip(" \"'”’)").endswith(("?", "？")):
        return "it is a question"
    if _FIRST_PERSON.search(claim) and not any(_FIRST_PERSON.search(one) for one in quotes):
        return "it speaks of its writer"
    return ""


def contains(quote: str, claim: str) -> bool:
    """Tell whether the claim stands in the quote word for word, white space and its own full stop aside."""
    words = re.escape(" ".join(claim.split()).rstrip(".!?。！？").strip())
    return bool(words) and bool(re.search(rf"(?<!\w){words}(?!\w)", " ".join(quote.split())))
