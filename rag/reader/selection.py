"""From readings to what is said: how many sentences, for which part of the question, and whether at all.

Pure; knows only probabilities and texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.reader.protocol import Reading

MOST_LISTED = 4
"""Sentences that a list may have."""
LIKELY = 0.12
"""Probability from which a balanced reader shows its best guess as one."""
LISTED = 0.5
"""A further sentence of a list has at least this share of the best one's probability."""

_LIST = re.compile(
    r"\b(?:list|enumerate|name (?:the|all|some)|(?:what|which|who) (?:are|were)\b|what (?:\w+ )?(?:reasons|ways"
    r"|kinds|types|examples|effects|factors|steps|measures)|(?:which|what) \w+s (?:are|were|have|did|do|has))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The sentences that answer, best first for each part of the question."""

    picks: tuple[tuple[int, Reading], ...]
    """(index of the part, reading)."""
    confidence: float
    """0..1: of the least sure part that is answered; of the best reading where none is."""
    missing: tuple[str, ...]
    """The parts of the question that nothing answers."""
    sure: bool
    """Whether every part that is answered is answered surely."""


def threshold_at(balanced: float, strictness: float) -> float:
    """Return the probability from which to answer.

    Args:
        balanced: the reader's own threshold, used at strictness 0.5.
        strictness: 0 answers whenever there is anything to read, 1 only at 0.95 and above.
    """
    if strictness <= 0.5:
        return balanced * strictness * 2
    return balanced + (0.95 - balanced) * (strictness - 0.5) * 2


def reranked(readings: Sequence[Reading], *, threshold: float) -> tuple[int, ...]:
    """Return the candidates that were read, by index, in the order in which they answer.

    Where the first reading is no answer, retrieval's order stands: what was searched for may be no question.

    Args:
        readings: the likeliest answer first.
        threshold: probability from which a reading counts as an answer.
    """
    order = tuple(dict.fromkeys(one.candidate for one in readings))
    return order if readings and readings[0].probability >= threshold else tuple(sorted(order))


def select(
    parts: Sequence[tuple[str, Sequence[Reading]]], *, sure: float, likely: float
) -> Selection:
    """Choose the sentences that are said.

    Args:
        parts: each part of the question with its readings, likeliest first.
        sure: probability from which a reading is stated.
        likely: probability from which it is shown as the best guess.
    """
    picks: list[tuple[int, Reading]] = []
    missing: list[str] = []
    best: list[float] = []
    for index, (part, readings) in enumerate(parts):
        if not readings or readings[0].probability < likely:
            missing.append(part)
            continue
        first = readings[0].probability
        best.append(first)
        picks.extend(
            (index, one) for one in _of_part(part, readings, sure if first >= sure else likely)
        )
    highest = max((readings[0].probability for _, readings in parts if readings), default=0.0)
    return Selection(
        picks=tuple(picks),
        confidence=min(best) if best else highest,
        missing=tuple(missing),
        sure=min(best, default=0.0) >= sure,
    )


def asks_for_several(part: str) -> bool:
    """Tell whether more than one sentence may answer a part of a question."""
    return bool(_LIST.search(part))


def _of_part(part: str, readings: Sequence[Reading], threshold: float) -> list[Reading]:
    """Return one sentence, or several where a list is asked for."""
    if not asks_for_several(part):
        return [readings[0]]
    floor = max(threshold, LISTED * readings[0].probability)
    listed = [one for one in readings[:MOST_LISTED] if one.probability >= floor]
    return [one for one in listed if not any(_within(one, other) for other in listed)]


def _within(one: Reading, other: Reading) -> bool:
    """Tell whether a reading is a part of another: an item of a list that is said whole."""
    return (
        one.candidate == other.candidate
        and other.start <= one.start
        and one.end <= other.end
        and (one.start, one.end) != (other.start, other.end)
    )
