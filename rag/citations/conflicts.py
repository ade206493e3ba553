"""Sentences that give different numbers or dates for one thing.

Made for few false alarms: two figures are a conflict only where their sentences otherwise say the same (names,
words, kind and unit of the figure, what is counted), are of the same time and are as sure, and the figures differ
by more than rounding, a bound, a range or a conversion leaves open. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from rag.citations.evidence import CitablePassage
from rag.citations.polarity import polarity
from rag.citations.writing import Pick
from rag.language.names import missing_names
from rag.language.quantities import Quantity, amounts, names_with_numbers
from rag.language.words import Word, word_set, words_of

LEAST_SHARED = 0.8
"""Share of the content words of the sentence with fewer that the other has too."""
LEAST_ALIKE = 0.4
"""Share of the content words of both that both have; a long sentence has room for anything."""

_MARKS = word_set("""may might could would should will shall if whether unless likely possibly perhaps
    expects expected planned plans forecast forecasts projected targets targeted proposes proposed aims aimed hopes
    hoped predicts predicted supposedly claims claimed alleges alleged allegedly rumoured rumored
    today yesterday tomorrow now currently recently formerly previously originally initially later earlier annually
    yearly monthly weekly daily spring summer autumn winter next previous former current ago again once monday
    tuesday wednesday thursday friday saturday sunday initial original earliest latest new old last
    each every per total combined additional another more further extra average maximum minimum highest lowest only
    net gross least most both half other first""")
"""How surely, when, and of what: sentences of which only one has such a word do not contradict each other."""
_POINTING = word_set("he she it they his her its their we our us i my this these")
_NAMED = re.compile(r"(?<=[a-z,] )[A-Z]\w+")
"""A name inside a sentence; at its head any word has a capital."""
_LETTER = re.compile(r"(?<=\w )[A-Z](?![\w.'’])")
_LEAST_NAMED, _LEAST_NAMELESS = 2, 3
"""Content words that two sentences must share, with a name in both and without."""
_NEAR = 3
"""Content words on either side of a figure that say what it is of."""
_CHANGE = re.compile(r"\b(to|from|at)\s+(?:\w+\s+)?(?:us)?[$€£¥₹]?\s*$", re.IGNORECASE)
_RATE = re.compile(r"\W*(?:\w+\W+){0,2}?(?:per|an?|each|every)\s+(\w+)|\W*\w*/(\w+)", re.IGNORECASE)
_MOST_FIGURES = 8
"""A sentence with more is a table."""
_MOST_ALIKE = 64
"""Sentences that may share a word for it to tell which are about the same; a word of more is of a template."""
_MOST_PAIRS = 2000
"""Pairs that are looked at closely, about a millisecond each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two sentences, and the figures in which they differ."""

    first: Pick
    second: Pick
    printed: tuple[str, str]
    """The figure of the first and of the second sentence."""
    shared: float
    """0..1: share of their content words that both have; higher is surer."""

    @property
    def within(self) -> bool:
        """Whether both are of one source, where it is less likely to be a contradiction."""
        return self.first[0].source_id == self.second[0].source_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A quantity with what its sentence says it is of."""

    amount: Quantity
    before: tuple[str, ...]
    """Stems of the content words before it, nearest first."""
    after: tuple[str, ...]
    change: str
    """`to` or `from` before it, or nothing."""
    rate: str
    """Per what."""

    def comparable(self, other: _Figure) -> bool:
        """Tell whether the two can be figures of one thing, by themselves."""
        kinds = {
            (one.amount.kind, one.amount.measure, one.change, one.rate) for one in (self, other)
        }
        return len(kinds) == 1

    def agrees(self, other: _Figure) -> bool:
        """Tell whether both can be true of one thing."""
        return self.comparable(other) and self.amount.agrees(other.amount)

    def bond(self, other: _Figure) -> int:
        """Return how much speaks for both being figures of one thing; 0 where it is not clear that they are."""
        if not self.comparable(other):
            return 0
        if (
            self.amount.counted
            and other.amount.counted
            and not self.amount.counted & other.amount.counted
        ):
            return 0
        near = set(self.before + self.after) & set(other.before + other.after)
        if self.amount.kind in {"date", "time"}:
            heads = self.before[:1] or self.after[:1], other.before[:1] or other.after[:1]
            return len(near) + 1 if heads[0] == heads[1] and near else 0
        same = len(self.amount.counted & other.amount.counted)
        beside = len(set(self.before) & set(other.before))
        return 2 * same + beside if same or self._follows(other) else 0

    def _follows(self, other: _Figure) -> bool:
        """Tell whether the words right before two figures, most of all the nearest, are the same."""
        ours, theirs = self.before, other.before
        if ours[:1] != theirs[:1] or not ours:
            return False
        return not ours[1:] or not theirs[1:] or ours[1] in theirs or theirs[1] in ours


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    """What is compared of a sentence."""

    text: str
    figures: tuple[_Figure, ...]
    stems: frozenset[str]
    """Of the content words that belong to no figure."""
    marks: frozenset[str]
    """Qualifiers and labels; equal in sentences that can conflict."""
    names: tuple[str, ...]


def find_conflicts(sentences: Sequence[Pick]) -> tuple[Conflict, ...]:
    """Return the pairs of sentences that give different figures for one thing.

    Args:
        sentences: each a span of its passage; a span that comes twice counts once.

    Returns:
        The surest first; those of two sources before those within one.
    """
    places = {(one.source_id, span.start, span.end): (one, span) for one, span in sentences}
    picks = list(places.values())
    profiles = [_profile(" ".join(passage.words(span).split())) for passage, span in picks]
    found = []
    for i, j in islice(_alike(profiles), _MOST_PAIRS):
        one, other = profiles[i], profiles[j]
        if one is None or other is None or not _same_thing(one, other):
            continue
        if not (one.names or other.names) and not _same_place(picks[i][0], picks[j][0]):
            continue
        pair = _rival_figures(one, other)
        if pair is not None:
            found.append(
                Conflict(
                    first=picks[i],
                    second=picks[j],
                    printed=(pair[0].amount.printed, pair[1].amount.printed),
                    shared=_jaccard(one.stems, other.stems),
                )
            )
    return tuple(sorted(found, key=lambda conflict: (conflict.within, -conflict.shared)))


@lru_cache(maxsize=512)
def _profile(text: str) -> _Profile | None:
    """Return what is compared of a sentence; None for one that cannot conflict with another."""
    found = _figures(text)
    if not 0 < len(found) <= _MOST_FIGURES or text.endswith(("?", "？")) or polarity(text).negated:
        return None
    names = missing_names(text, [])
    if _points(text, names):
        return None
    taken = [(one.amount.start, one.amount.end) for one in found]
    words = [
        word
        for word in words_of(text)
        if not any(start <= word.start < end for start, end in taken)
    ]
    # A capital makes a name of a qualifier: New Zealand.
    marks = {word.folded for word in words if word.folded in _MARKS and word.text not in names}
    marks.update(match.group() for match in _LETTER.finditer(text))
    return _Profile(
        text=text,
        figures=found,
        stems=frozenset(word.stem for word in words if word.content),
        marks=frozenset(marks) | names_with_numbers(text),
        names=names,
    )


def _figures(text: str) -> tuple[_Figure, ...]:
    """Return the quantities of a sentence with the words beside them."""
    words = [one for one in words_of(text) if one.content and one.text[0].isalpha()]
    return tuple(_figure(text, one, words) for one in amounts(text))


def _figure(text: str, one: Quantity, words: Sequence[Word]) -> _Figure:
    change = _CHANGE.search(text[: one.start]) if one.kind != "date" else None
    rate = _RATE.match(text[one.end :]) if one.kind in {"number", "percent"} else None
    return _Figure(
        amount=one,
        before=tuple(word.stem for word in reversed(words) if word.end <= one.start)[:_NEAR],
        after=tuple(word.stem for word in words if word.start >= one.end)[:_NEAR],
        change=change[1].lower() if change else "",
        rate=(rate[1] or rate[2]).lower() if rate else "",
    )


def _points(text: str, names: Sequence[str]) -> bool:
    """Tell whether a sentence speaks of something that an earlier one names."""
    named = min((text.find(name) for name in names), default=len(text))
    return any(word.folded in _POINTING and word.start < named for word in words_of(text))


def _alike(profiles: Sequence[_Profile | None]) -> Iterator[tuple[int, int]]:
    """Yield pairs, in order, that share enough words.

    Who shares 4 of 5 words with a sentence has at least one of any fifth of its words and one more; so each is
    compared with those that have one of its rarest words.
    """
    holding: dict[str, list[int]] = {}
    for i, profile in enumerate(profiles):
        for stem in profile.stems if profile else ():
            holding.setdefault(stem, []).append(i)
    pairs: set[tuple[int, int]] = set()
    for i, profile in enumerate(profiles):
        rarest = sorted(profile.stems if profile else (), key=lambda stem: len(holding[stem]))
        for stem in rarest[: len(rarest) - int(LEAST_SHARED * len(rarest)) + 1]:
            if len(holding[stem]) <= _MOST_ALIKE:
                pairs.update((min(i, j), max(i, j)) for j in holding[stem] if i != j)
    for i, j in sorted(pairs):
        one, other = profiles[i], profiles[j]
        if one and other and one.marks == other.marks and _overlap(one, other):
            yield i, j


def _overlap(one: _Profile, other: _Profile) -> bool:
    """Tell whether two sentences share most of the words of the shorter one."""
    fewer = min(len(one.stems), len(other.stems))
    return len(one.stems & other.stems) >= max(LEAST_SHARED * fewer, _LEAST_NAMED)


def _same_thing(one: _Profile, other: _Profile) -> bool:
    """Tell whether what two sentences name is the same; without a name they share more words."""
    lacking, spare = missing_names(one.text, [other.text]), missing_names(other.text, [one.text])
    if lacking and spare:
        return False
    if set(one.names) - set(lacking) or set(other.names) - set(spare):
        return True
    shared = len(one.stems & other.stems)
    return not lacking and not spare and (shared >= _LEAST_NAMELESS or one.stems == other.stems)


def _same_place(one: CitablePassage, other: CitablePassage) -> bool:
    """Tell whether what two passages name leaves open that sentences without a name are about the same."""
    ours, theirs = (
        set(missing_names(passage.text, [])) & set(_NAMED.findall(passage.text))
        for passage in (one, other)
    )
    return not (ours or theirs) or bool(ours & theirs)


def _rival_figures(one: _Profile, other: _Profile) -> tuple[_Figure, _Figure] | None:
    """Return the figures in which two sentences about the same differ, if that is clear."""
    ours = [a for a in one.figures if not any(a.agrees(b) for b in other.figures)]
    theirs = [b for b in other.figures if not any(b.agrees(a) for a in one.figures)]
    scores = {
        (i, j): a.bond(b) for i, a in enumerate(ours) for j, b in enumerate(theirs) if a.bond(b) > 0
    }
    if not scores:
        return None
    (i, j), best = max(scores.items(), key=lambda item: item[1])
    rivals = [key for key, score in scores.items() if score == best]
    a, b = ours[i], theirs[j]
    # Where a number differs beside a date, it is another occasion.
    apart = a.amount.kind == "date" and len(ours) > 1 and len(theirs) > 1
    if len(rivals) > 1 or apart or not _same_time(one, other, a, b):
        return None
    whole = one.stems <= other.stems or other.stems <= one.stems
    if _jaccard(one.stems, other.stems) < LEAST_ALIKE and not (whole and a.amount.kind == "date"):
        return None
    return a, b


def _same_time(one: _Profile, other: _Profile, a: _Figure, b: _Figure) -> bool:
    """Tell whether what the sentences say of time besides two figures can be the same.

    Two dates of one event leave room for the date of another in one of the sentences; a number has the time that
    stands with it.
    """
    ours = [x for x in one.figures if x.amount.kind == "date" and x is not a]
    theirs = [x for x in other.figures if x.amount.kind == "date" and x is not b]
    if a.amount.kind == "date" and not (ours and theirs):
        return True
    return all(any(x.agrees(y) for y in theirs) for x in ours) and all(
        any(y.agrees(x) for x in ours) for y in theirs
    )


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of all words that both have."""
    return len(one & other) / len(one | other)
