"""May a second sentence fill what the first leaves open of a claim? Pure.

Words of a second sentence prove nothing by standing there: "Lee came in 2024" is not borne out by one sentence
on his visit and another on a treaty of 2024.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.citations.checks import Support, check, verdict
from rag.language.names import missing_names
from rag.language.quantities import Quantity, quantities, rivals
from rag.language.words import words_of

_CLAUSE = re.compile(r"[,;]\s|\s(?:and|but|while|whereas)\s")
_LEAST_TOLD = 3
"""Content words of a clause that can be supported by itself; fewer say nothing about what they are said of."""
_NEAR = 2
"""Content words before a number that say what it is about."""


def may_fill(claim: str, quotes: Sequence[str], extra: str, support: Support) -> bool:
    """Tell whether another sentence may be cited together with the quotes for one claim.

    Every number and name of the claim that only the other sentence has must be bound to the claim: the sentence
    supports alone the clause that it is in, or spells out a name that the quotes have in part, or says the number
    of the same thing. Where the quotes give another figure instead, nothing is filled.
    """
    if any(rivals(claim, quote) for quote in quotes):
        return False
    for clause in _CLAUSE.split(claim):
        filled = set(check(clause, quotes).missing) - set(check(clause, [extra]).missing)
        if filled and not (
            _supports_alone(clause, extra, support)
            or all(
                _spells_out(item, claim, quotes, extra) or _numbers_same(item, clause, extra)
                for item in filled
            )
        ):
            return False
    return True


def _supports_alone(clause: str, extra: str, support: Support) -> bool:
    """Tell whether a sentence supports a clause that says enough to be supported."""
    told = sum(word.content and not word.text[0].isdigit() for word in words_of(clause))
    return told >= _LEAST_TOLD and verdict(clause, [extra], support)[0] == "supported"


def _spells_out(name: str, claim: str, quotes: Sequence[str], extra: str) -> bool:
    """Tell whether a name stands, in claim and sentence alike, next to one that the quotes have."""
    known = {word.folded for text in quotes for word in words_of(text) if word.text[0].isupper()}
    return bool(_neighbours(name, claim) & _neighbours(name, extra) & known)


def _neighbours(name: str, text: str) -> set[str]:
    """Return the capitalised words directly before and behind a name."""
    words = list(words_of(text))
    found: set[str] = set()
    for i, word in enumerate(words):
        if word.text == name:
            around = [*words[max(i - 1, 0) : i], *words[i + 1 : i + 2]]
            found.update(one.folded for one in around if one.text[0].isupper())
    return found


def _numbers_same(printed: str, clause: str, extra: str) -> bool:
    """Tell whether a sentence says a number of what the clause says it of, and has all of the clause's names."""
    wanted = [one for one in quantities(clause) if one.printed == printed]
    if not wanted or missing_names(clause, [extra]):
        return False
    stems = {word.stem for word in words_of(extra)}
    return all(_bound(one, clause, extra, stems) for one in wanted)


def _bound(wanted: Quantity, clause: str, extra: str, stems: set[str]) -> bool:
    """Tell whether the words before a number, and those it counts, are the sentence's too."""
    before = [word.stem for word in words_of(clause[: wanted.start]) if word.content][-_NEAR:]
    if len(before) < _NEAR or not stems.issuperset(before):
        return False
    return any(
        known.says(wanted)
        and (wanted.year or not wanted.counted or bool(known.counted & wanted.counted))
        for known in quantities(extra)
    )
