"""The neural reader: a model that reads question and passage together and points at the words that answer.

Knows logits of word pieces and the characters they stand for; it does not know what computes them. A sentence's
score is that of the best span inside it, against the model's "no answer in this passage":

    margin = max over i <= j in the sentence of (start_i + end_j) - (start_null + end_null)

as BERT decides on SQuAD 2.0 (Devlin et al. 2019, section 4.3). The margin, the model's own answer logit and what
retrieval and words show (`features`) are weighed twice, on articles that the model was not trained on: to say which of
a question's sentences answers rather than the others (a softmax over them, as ListNet's of Cao et al. 2007), and to say
how likely the one that leads does answer (a logistic curve, Platt 1999).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rag.language.dates import names_month
from rag.language.paths import HEADS
from rag.reader.features import NAMES, analyse, rows
from rag.reader.layout import spoken, whole
from rag.reader.protocol import Reading
from rag.schema import Candidate, ScoredSentence, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_ANSWER = 30
"""Word pieces of an answer in one sentence, at most."""
LONGEST_LIST = 200
"""Word pieces of an answer that a list gives, at most."""
_REMEMBERED = 32
"""Passages whose logits are kept, so that what was read first is not read again with the rest."""
_UNREAD = -50.0
"""Margin of a sentence in which the model has no word piece; as good as impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLogits:
    """What a model says of one passage, or of a window of it."""

    start: NDArray[np.float32]
    """That the answer starts at a word piece of the passage, shape (n,)."""
    end: NDArray[np.float32]
    """That it ends there, shape (n,)."""
    offsets: NDArray[np.int64]
    """Characters of the passage that each word piece stands for, half-open, shape (n, 2)."""
    null: float
    """Start and end logit of "no answer in this passage", added."""
    answer: float = 0.0
    """Of the whole passage: that it answers. 0 where a model does not say."""


class SpanModel(Protocol):
    """A model for extractive question answering; safe to use from several threads at once."""

    def read(self, question: str, text: str) -> Sequence[SpanLogits]:
        """Return the logits of a passage; of several windows that overlap where it is too long for one."""


SEEN = ("margin", "answer", *NAMES)
"""What a sentence's place and probability are made of, in the order of `Seen.values`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What weighs how much, by names of `SEEN`; those left out weigh nothing."""

    rank: Mapping[str, float]
    """Log-odds a unit: does this sentence rather than another answer?"""
    sure: Mapping[str, float]
    """Log-odds a unit: does this sentence answer at all?"""
    sure_bias: float
    threshold: float
    """Probability from which a balanced reader answers, 0..1."""

    def place(self, values: Sequence[float]) -> float:
        """Return a number that is higher for a sentence that comes first; values in the order of `SEEN`."""
        return _weighed(self.rank, values)

    def probability(self, values: Sequence[float]) -> float:
        """Return how likely a sentence answers, 0..1; values in the order of `SEEN`."""
        odds = _weighed(self.sure, values) + self.sure_bias
        return 1 / (1 + math.exp(-max(min(odds, 50.0), -50.0)))


def _weighed(weights: Mapping[str, float], values: Sequence[float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in zip(SEEN, values, strict=True))


class Seen(NamedTuple):
    """What is seen of one sentence, or of one and the list that it announces."""

    candidate: int
    """Index of the candidate that holds it."""
    sentence: ScoredSentence
    """With the list that it announces, as one."""
    words: Span | None
    """Its words that answer best, in its source's text."""
    values: tuple[float, ...]
    """In the order of `SEEN`."""

    @property
    def margin(self) -> float:
        """How much likelier its best words are than no answer, in log-odds."""
        return self.values[SEEN.index("margin")]


class _Found(NamedTuple):
    """The best span of one sentence."""

    margin: float
    answer: float
    words: Span | None


class NeuralReader:
    """Reads each candidate with a span model, several at the same time.

    Args:
        model: computes the logits.
        name: as `Answer.model` shows it.
        calibration: makes them probabilities.
        threads: candidates read at the same time.
    """

    def __init__(
        self, model: SpanModel, *, name: str, calibration: Calibration, threads: int
    ) -> None:
        self._read = lru_cache(_REMEMBERED)(model.read)
        self._name = name
        self._calibration = calibration
        self._threads = threads

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self._name

    @property
    def threshold(self) -> float:
        """The probability below which a balanced reader abstains, 0..1."""
        return self._calibration.threshold

    def read(self, query: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Return every sentence of the candidates once, the likeliest answer first; see `Reader`.

        A heading is left for last, unless it is where the model points.
        """
        return self.read_first(query, candidates, len(candidates))

    def read_first(
        self, query: str, candidates: Sequence[Candidate], n: int
    ) -> tuple[Reading, ...]:
        """Return the sentences of the first n candidates as `read` gives them; see `StagedReader`."""
        looked = self.look(query, candidates, n)
        pointed = max(
            (one.margin for one in looked if one.sentence.kind not in HEADS), default=_UNREAD
        )
        seen = sorted(
            looked,
            key=lambda one: (
                one.sentence.kind in HEADS
                and (one.margin < pointed or one.sentence.kind == "question"),
                -self._calibration.place(one.values),
                one.candidate,
                one.sentence.start,
            ),
        )
        return tuple(
            Reading(
                candidate=one.candidate,
                start=one.sentence.start,
                end=one.sentence.end,
                text=one.sentence.text,
                probability=self._calibration.probability(one.values),
                words=one.words,
            )
            for one in seen
        )

    def look(
        self, query: str, candidates: Sequence[Candidate], n: int | None = None
    ) -> tuple[Seen, ...]:
        """Return what is seen of every sentence of the candidates, or of the first n, each once, in their order."""
        dated = names_month(query)
        read_out = [spoken(one, dated=dated) for one in candidates[:n]]
        logits = [
            [_as_written(window, put_in) for window in windows]
            for windows, (_, put_in) in zip(
                self._logits(query, [text for text, _ in read_out]), read_out, strict=True
            )
        ]
        seen = []
        for index, unit, row in rows(analyse(query), candidates):
            if index >= len(logits):
                break
            begin = candidates[index].passage.start
            starts = [one.start - begin for one in unit]
            sentence = whole(unit, candidates[index])
            # Of several windows, the one that is surest of the sentence.
            found = max(
                (_best(one, starts, sentence.end - begin) for one in logits[index]),
                key=lambda one: one.margin,
                default=_Found(_UNREAD, 0.0, None),
            )
            words = found.words and Span(
                start=begin + found.words.start, end=begin + found.words.end
            )
            seen.append(Seen(index, sentence, words, (found.margin, found.answer, *row)))
        return tuple(seen)

    def _logits(self, query: str, texts: Sequence[str]) -> Iterator[Sequence[SpanLogits]]:
        """Yield what the model says of each text."""
        if self._threads == 1 or len(texts) <= 1:
            yield from (self._read(query, text) for text in texts)
            return
        with ThreadPoolExecutor(min(self._threads, len(texts))) as executor:
            yield from executor.map(lambda text: self._read(query, text), texts)


def _as_written(window: SpanLogits, put_in: Sequence[tuple[int, str]]) -> SpanLogits:
    """Return logits with the offsets of the passage, where it was read with more words than it has."""
    if not put_in:
        return window
    offsets, added = window.offsets.copy(), 0
    for at, words in put_in:
        offsets -= np.clip(window.offsets - (at + added), 0, len(words))
        added += len(words)
    return replace(window, offsets=offsets)


def _best(logits: SpanLogits, starts: Sequence[int], end: int) -> _Found:
    """Return the best span of a sentence, or of one and the list that it announces.

    What lies within one item is that item's answer, not the list's.

    Args:
        logits: of the passage.
        starts: where the sentence starts, and each one of its list; characters of the passage.
        end: where the last one ends.
    """
    offsets = logits.offsets
    inside = np.flatnonzero((offsets[:, 0] >= starts[0]) & (offsets[:, 1] <= end))
    if not len(inside):
        return _Found(_UNREAD, logits.answer, None)
    sums = logits.start[inside][:, None] + logits.end[inside][None, :]
    places = np.arange(len(inside))
    length = places[None, :] - places[:, None]
    longest = LONGEST_ANSWER if len(starts) == 1 else LONGEST_LIST
    sentence = np.searchsorted(starts[1:], offsets[inside, 0], side="right")
    apart = (sentence[:, None] == 0) | (sentence[:, None] != sentence[None, :])
    sums = np.where((length >= 0) & (length < longest) & apart, sums, -np.inf)
    first, last = divmod(int(np.argmax(sums)), len(inside))
    if not np.isfinite(sums[first, last]):
        return _Found(_UNREAD, logits.answer, None)
    margin = float(sums[first, last]) - logits.null
    start, end = int(offsets[inside[first], 0]), int(offsets[inside[last], 1])
    # What was put in for the passage is found at a place without width.
    return _Found(margin, logits.answer, Span(start=start, end=end) if start < end else None)
