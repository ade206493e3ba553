"""What can be seen of a question, a sentence and its passage without a neural reader: the features.

Pure. The names of the features are the keys of the shipped weights; `training/reader/linear.py` fits them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.language.dates import MONTH_NAMES, WEEKDAYS
from rag.language.names import names_of
from rag.language.paths import HEADS
from rag.language.words import fold
from rag.reader.layout import units, whole
from rag.schema import Candidate, ScoredSentence

Kind = Literal["person", "time", "place", "number", "reason", "definition", "choice", "other"]
"""What sort of thing a question asks for."""

NAMES = (
    "sentence_dense",
    "sentence_lexical",
    "passage_dense",
    "passage_lexical",
    "fused_gap",
    "best_gap",
    "before_lexical",
    "names_missing_sentence",
    "names_missing_passage",
    "numbers_missing_passage",
    "phrase",
    "typed",
    "mistyped",
    "lead_gap",
    "length",
    "negated",
    "is_question",
)
"""Features of one sentence, in the order of a row."""

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_NUMBER = re.compile(r"\d[\d.,:/]*")
_YEAR = re.compile(r"\b1\d{3}\b|\b20\d{2}\b")
_DAY = re.compile(rf"\b(?:{'|'.join(MONTH_NAMES + WEEKDAYS)})\b", re.IGNORECASE)
_TIME_WORD = re.compile(
    r"\b(?:century|decade|year|month|week|day|today|yesterday|annual|after|before|since|during|until)",
    re.IGNORECASE,
)
_COUNT_WORD = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million"
    r"|billion|half|third|quarter|percent|both|several|single|once|twice)\b",
    re.IGNORECASE,
)
_REASON_WORD = re.compile(
    r"\b(?:because|since|due to|in order to|so that|as a result|therefore|led to|caused?|reason|owing to"
    r"|in response to|aim(?:ed|s)? (?:at|to)|intended|purpose|to (?:enhance|protect|prevent|avoid|support))\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|neither|nor|without|cannot)\b|n['’]t\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a reader sees of a question."""

    kind: Kind
    words: tuple[str, ...]
    names: frozenset[str]
    numbers: frozenset[str]
    negated: bool


def is_yes_no(query: str) -> bool:
    """Tell whether yes or no would answer."""
    return _kind(query) == "choice"


def analyse(query: str) -> Question:
    """Return what the question asks for, and the names and numbers it mentions."""
    return Question(
        kind=_kind(query),
        words=tuple(word.lower() for word in _WORD.findall(query)),
        names=_names(query),
        numbers=frozenset(number.strip(".,:/") for number in _NUMBER.findall(query)),
        negated=bool(_NEGATION.search(query)),
    )


_KINDS: tuple[tuple[Kind, str], ...] = (
    ("number", r"how (?:many|much|long|old|far|tall|large|big|high|fast|often)|(?:what|which) "
     r"(?:number|percentage|percent|amount|proportion|share|size|age|population)\b"),
    ("time", r"when\b|since when|(?:what|which) (?:year|date|day|month|time|century|decade|era)\b"),
    ("place", r"where\b|(?:what|which) (?:country|countries|city|cities|place|state|region|town|area)\b"),
    ("person", r"who\b|whom\b|whose\b|(?:what|which) (?:person|people|man|woman|president|leader|king)\b"),
    ("reason", r"why\b|what (?:caused|is the reason|was the reason|were the reasons)|for what (?:reason|purpose)"),
    ("definition", r"what (?:is|are) (?:a |an |the )?\w+(?: \w+)?\??$|what does \w+ (?:mean|stand)|define\b"),
    ("choice", r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b"),
)  # fmt: skip
_KIND_PATTERNS = tuple(
    (kind, re.compile(rf"^\W*(?:{pattern})", re.IGNORECASE)) for kind, pattern in _KINDS
)
_KIND_INSIDE = tuple(
    (kind, re.compile(rf"\b(?:{pattern})", re.IGNORECASE)) for kind, pattern in _KINDS[:5]
)


def _kind(query: str) -> Kind:
    """Classify by the question's opening words, else by a question word inside it."""
    for patterns in (_KIND_PATTERNS, _KIND_INSIDE):
        for kind, pattern in patterns:
            if pattern.search(query):
                return kind
    return "other"


def _names(text: str) -> frozenset[str]:
    return frozenset(word.folded for word in names_of(text))


def _typed(question: Question, sentence: str) -> tuple[float, float]:
    """Say whether the sentence holds something of the kind asked for: (it does, it does not)."""
    if question.kind in ("person", "place"):
        holds = bool(_names(sentence) - question.names - frozenset(question.words))
    elif question.kind == "time":
        new = {n.strip(".,:/") for n in _NUMBER.findall(sentence)} - question.numbers
        holds = bool(new) or bool(_DAY.search(sentence)) or bool(_YEAR.search(sentence))
        if not holds and _TIME_WORD.search(sentence):
            return 0.5, 0.5
    elif question.kind == "number":
        new = {n.strip(".,:/") for n in _NUMBER.findall(sentence)} - question.numbers
        holds = bool(new) or bool(_COUNT_WORD.search(sentence))
    elif question.kind == "reason":
        holds = bool(_REASON_WORD.search(sentence))
    else:
        return 0.0, 0.0
    return float(holds), float(not holds)


def _phrase(words: Sequence[str], sentence: str) -> float:
    """Return the longest run of the question's words that the sentence has, as a share, 0..1."""
    text = " " + " ".join(word.lower() for word in _WORD.findall(sentence)) + " "
    longest = 0
    for start in range(len(words)):
        while (
            start + longest < len(words)
            and f" {' '.join(words[start : start + longest + 1])} " in text
        ):
            longest += 1
    return longest / max(len(words), 1)


def _missing(wanted: frozenset[str], text: str) -> float:
    """Return the share of the wanted words that the text does not hold, 0..1."""
    if not wanted:
        return 0.0
    folded = fold(text)
    return sum(word not in folded for word in wanted) / len(wanted)


def rows(
    question: Question, candidates: Sequence[Candidate]
) -> list[tuple[int, tuple[ScoredSentence, ...], list[float]]]:
    """Return (candidate index, unit, features in the order of `NAMES`) for each unit once.

    A unit is a sentence, or one with the list that it announces (see `layout`), which is seen as one sentence.
    """
    best_fused = max((candidate.fused for candidate in candidates), default=0.0)
    leads = [_lead(candidate) for candidate in candidates]
    best = max(leads, default=0.0)
    seen: set[tuple[str, int, int]] = set()
    found = []
    for index, candidate in enumerate(candidates):
        of_passage = _passage_features(question, candidate) | {
            "fused_gap": candidate.fused - best_fused
        }
        lead = leads[index]
        before = 0.0
        for unit in units(candidate):
            sentence = whole(unit, candidate)
            place = (candidate.passage.source_id, sentence.start, sentence.end)
            if place not in seen:
                seen.add(place)
                values = of_passage | _sentence_features(question, sentence)
                values["before_lexical"] = before
                values["lead_gap"] = min(_match(sentence) - lead, 0.0)
                values["best_gap"] = min(_match(sentence) - best, 0.0)
                found.append((index, unit, [values[name] for name in NAMES]))
            before = unit[0].lexical
    return found


def _lead(candidate: Candidate) -> float:
    """Return how well the best sentence of a passage matches; headings and labels only where it has nothing else."""
    said = [one for one in candidate.sentences if one.kind not in HEADS] or candidate.sentences
    return max((_match(one) for one in said), default=0.0)


def _match(sentence: ScoredSentence) -> float:
    """Return how well the sentence alone matches the query: retrieval's sentence score."""
    return 0.55 * max(sentence.dense, 0.0) + 0.2 * sentence.lexical


def _passage_features(question: Question, candidate: Candidate) -> dict[str, float]:
    """Return what all sentences of a passage share."""
    text = candidate.passage.text
    return {
        "passage_dense": candidate.dense,
        "passage_lexical": max((one.lexical for one in candidate.sentences), default=0.0),
        "names_missing_passage": _missing(question.names, text),
        "numbers_missing_passage": _missing(question.numbers, text),
    }


def _sentence_features(question: Question, sentence: ScoredSentence) -> dict[str, float]:
    """Return what can be said of one sentence alone."""
    typed, mistyped = _typed(question, sentence.text)
    return {
        "sentence_dense": sentence.dense,
        "sentence_lexical": sentence.lexical,
        "names_missing_sentence": _missing(question.names, sentence.text),
        "phrase": _phrase(question.words, sentence.text),
        "typed": typed,
        "mistyped": mistyped,
        "length": math.log1p(len(sentence.text)) / 5,
        "negated": float(question.negated != bool(_NEGATION.search(sentence.text))),
        "is_question": float(sentence.text.rstrip().endswith("?")),
    }
