"""Which of several documents is read: the one that is named, and the newest where readings answer equally. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.language.dates import Date, dates_in
from rag.language.languages import stem_of
from rag.language.paths import HEADS
from rag.queries.documents import (
    Document,
    Named,
    are_versions,
    is_outdated,
    named,
    order_wanted,
)
from rag.reader import Reading
from rag.schema import Candidate, ScoredSentence, Source, SourceInfo

Retrieve = Callable[[str, int, frozenset[str] | None], tuple[Candidate, ...]]
"""retrieve(part, k, sources) returns candidates, best first."""

_SURELY, _MAYBE = 0.1, 0.3
"""Share of the best probability from which a reading of a named document is preferred, by how clearly it is named."""
_BESIDE = 0.2
"""What is left of the probability of other documents' readings where a clearly named one answers."""
_NOT_SURE = 0.98
"""Of the border of what is sure: the most of an answer that the clearly named document does not give."""
_EQUAL = 0.25
"""Share of the best probability from which another reading answers equally."""
_ALIKE = 0.6
"""Share of words, numbers aside, from which two sentences say one thing."""
_LEAST = 0.04
"""Probability of a reading that is asked for as the newest and is worded as an older one is."""
_NEARLY = 0.9
"""Share of words from which two passages with the same numbers and names are one."""
_OPENING = 300
"""Characters of a document in which its date is looked for."""
_LEADING = 24
"""Characters of an entry in which its date is looked for."""
_GUESS = 0.15
"""Least probability of what has the words of the point on which two sides are compared."""
_REST = 3
"""Passages of other documents that are read beside those of a named one."""
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a question wants of documents."""

    named: Named = field(default_factory=Named)
    order: int = 0
    """1 for the newest, -1 for the oldest, 0 where nothing is said."""
    dated: bool = False
    """Whether it gives a date itself: then what is newer is no better."""
    documents: Mapping[str, Document] = field(default_factory=dict)
    """By source_id: all that are searched."""
    topic: str = ""
    """On which sides are compared: what has its words is preferred."""

    @property
    def is_of_one(self) -> bool:
        """Whether what other documents say is not asked for."""
        by_date = self.dated and len(self.named.sources) == 1
        return self.named.surely or by_date or self.order != 0


def preference_of(question: str, sources: Sequence[SourceInfo]) -> Preference:
    """Return what a question wants of the sources that are searched."""
    documents = [Document(source_id=one.source_id, title=one.title) for one in sources]
    return Preference(
        named=named(question, documents),
        order=order_wanted(question),
        dated=bool(dates_in(question)),
        documents={one.source_id: one for one in documents},
    )


def find_preferred(
    retrieve: Retrieve, part: str, k: int, only: frozenset[str] | None, wanted: Preference
) -> tuple[Candidate, ...]:
    """Return the candidates of a part of a query: of what it names first, and of passages nearly equal one."""
    everywhere = deduplicated(retrieve(part, 2 * k, only))[:k]
    ids = wanted.named.sources
    if not ids:
        return everywhere
    first = deduplicated(retrieve(part, 2 * k, ids))[:k]
    rest = [one for one in everywhere if one.passage.source_id not in ids]
    return (*first, *rest[: max(_REST, k - len(first))])


def deduplicated(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates, those left out that say in the same words, numbers and names what one before says."""
    kept: list[tuple[Candidate, tuple[frozenset[str], frozenset[str]]]] = []
    for one in candidates:
        told = _words(one.passage.text)
        if not any(_are_equal(told, held) for _, held in kept):
            kept.append((one, told))
    return tuple(one for one, _ in kept)


def _words(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return all words of a text, and its numbers and what has a capital letter."""
    words = _TOKEN.findall(text)
    telling = frozenset(one for one in words if not one.islower())
    return frozenset(one.lower() for one in words), telling


def _are_equal(
    one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]
) -> bool:
    """Tell whether two texts have the same numbers and names, and nearly the same words."""
    shared, every = len(one[0] & other[0]), len(one[0] | other[0])
    return one[1] == other[1] and shared >= _NEARLY * every


def preferred(
    readings: Sequence[Reading],
    candidates: Sequence[Candidate],
    wanted: Preference,
    source: Callable[[str], Source],
    *,
    sure: float,
) -> tuple[Reading, ...]:
    """Return readings with what the question wants of documents in front.

    Args:
        readings: the one that answers first.
        candidates: that they are of.
        wanted: of the documents.
        source: looks one up.
        sure: probability from which an answer is stated.
    """
    if not readings:
        return ()
    ordered = _on_topic(tuple(readings), candidates, wanted.topic)
    ordered = _named_first(ordered, candidates, wanted.named, sure=sure)
    lead = ordered[0]
    rivals = list(_rivals(ordered, candidates, wanted))
    dates = {id(one): _date(one, candidates, wanted, source) for one in (lead, *rivals)}
    best = lead
    for one in rivals:
        mine, held = dates[id(one)], dates[id(best)]
        if _is_better(mine, held, wanted.order or 1):
            best = one
    return (best, *(one for one in ordered if one is not best))


def _on_topic(
    readings: tuple[Reading, ...], candidates: Sequence[Candidate], topic: str
) -> tuple[Reading, ...]:
    """Return the readings that have the words of a topic, or hang from what has, in front, and as guesses at least."""
    wanted = frozenset(stem_of(one.lower()) for one in _TOKEN.findall(topic))
    mine = [one for one in readings if wanted and wanted <= _stems(one, candidates)]
    if not mine:
        return readings
    said = [replace(one, probability=max(one.probability, _GUESS)) for one in mine]
    return (*said, *(one for one in readings if one not in mine))


def _stems(reading: Reading, candidates: Sequence[Candidate]) -> frozenset[str]:
    """Return the stems of a reading's words and of the headings and columns that it hangs from."""
    sentence = _sentence(reading, candidates[reading.candidate])
    if sentence.kind in HEADS:
        return frozenset()
    names = [one.text for one in sentence.path if one.kind != "title"]
    told = " ".join((reading.text, *names, *(cell.name for cell in sentence.cells)))
    return frozenset(stem_of(one.lower()) for one in _TOKEN.findall(told))


def _sentence(reading: Reading, candidate: Candidate) -> ScoredSentence:
    return next(one for one in candidate.sentences if one.start == reading.start)


def _named_first(
    readings: tuple[Reading, ...], candidates: Sequence[Candidate], asked: Named, *, sure: float
) -> tuple[Reading, ...]:
    """Return the readings of named documents in front, where one of them answers."""
    if not asked.sources:
        return readings
    mine = [one for one in readings if _source_id(one, candidates) in asked.sources]
    others = [one for one in readings if _source_id(one, candidates) not in asked.sources]
    floor = (_SURELY if asked.surely else _MAYBE) * max(one.probability for one in readings)
    if not mine or max(one.probability for one in mine) < floor:
        if asked.surely:
            return tuple(
                replace(one, probability=min(one.probability, sure * _NOT_SURE)) for one in readings
            )
        return readings
    if asked.surely:
        others = [replace(one, probability=one.probability * _BESIDE) for one in others]
    return (*mine, *others)


def _rivals(
    readings: Sequence[Reading], candidates: Sequence[Candidate], wanted: Preference
) -> Iterator[Reading]:
    """Yield the readings that answer as well as the leading one, and may be of another time."""
    lead, ids = readings[0], wanted.named.sources
    lead_id = _source_id(lead, candidates)
    for one in readings[1:]:
        other_id = _source_id(one, candidates)
        if ids and (lead_id in ids) != (other_id in ids):
            continue
        alike = _are_alike(lead.text, one.text)
        equal = one.probability >= _EQUAL * lead.probability
        if wanted.order:
            if equal or (alike and one.probability >= _LEAST):
                yield one
        elif alike and equal and not wanted.dated and _are_rivals(lead_id, other_id, wanted):
            yield one


def _are_rivals(one: str, other: str, wanted: Preference) -> bool:
    """Tell whether two documents are versions of one."""
    mine, theirs = wanted.documents.get(one), wanted.documents.get(other)
    return one != other and mine is not None and theirs is not None and are_versions(mine, theirs)


def has_versions(one: Candidate, others: Sequence[Candidate], wanted: Preference) -> bool:
    """Tell whether any of the other candidates is of a version of a candidate's document."""
    mine = one.passage.source_id
    return any(_are_rivals(mine, other.passage.source_id, wanted) for other in others)


def _is_better(mine: tuple[bool, Date], held: tuple[bool, Date], order: int) -> bool:
    """Tell whether a date is wanted rather than another; what is outdated is not where the newest is wanted."""
    if mine[0] != held[0]:
        return mine[0] == (order < 0)
    one, other = mine[1], held[1]
    if bool(one[0]) != bool(other[0]) or not any(one) or not any(other):
        return False
    return one > other if order > 0 else one < other


def _date(
    reading: Reading,
    candidates: Sequence[Candidate],
    wanted: Preference,
    source: Callable[[str], Source],
) -> tuple[bool, Date]:
    """Return whether a reading is outdated by its document's name, and of when it is."""
    source_id = _source_id(reading, candidates)
    document = wanted.documents.get(source_id)
    outdated = document is not None and is_outdated(document)
    for found in _dates(reading, candidates[reading.candidate]):
        return outdated, found
    if document is not None and document.dates:
        return outdated, document.dates[0]
    opening = dates_in(source(source_id).text[:_OPENING])
    return outdated, opening[0] if opening else (0, 0, 0)


def _dates(reading: Reading, candidate: Candidate) -> Iterator[Date]:
    """Yield the dates of an entry: of a row or what begins with one, and of the headings above it, innermost first."""
    sentence = _sentence(reading, candidate)
    if sentence.kind == "row":
        yield from dates_in(sentence.text)
    yield from dates_in(sentence.text[:_LEADING]) if sentence.kind == "item" else ()
    for one in reversed(sentence.path):
        yield from dates_in(one.text)


def _are_alike(one: str, other: str) -> bool:
    """Tell whether two sentences say one thing, whatever the numbers."""
    mine, theirs = ({word.lower() for word in _WORD.findall(text)} for text in (one, other))
    return len(mine & theirs) >= _ALIKE * min(len(mine), len(theirs)) > 0


def _source_id(reading: Reading, candidates: Sequence[Candidate]) -> str:
    return candidates[reading.candidate].passage.source_id
