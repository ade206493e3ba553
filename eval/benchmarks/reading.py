"""A reader on one passage at a time: the question's own, found beforehand.

The passage goes the way of every source (split, encoded, searched), and only the search for it is left
out. What a reader makes of it is judged by `eval.benchmarks.squad`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from eval.benchmarks.collection import Collection
from eval.benchmarks.squad import NOTHING, Prediction
from rag.pipeline import Progress
from rag.reader import Reader, Reading
from rag.schema import Candidate, Span

_PASSAGES = 50
"""More than a paragraph is split into."""


class Opening(Protocol):
    """What finds the passages of given sources: `rag.Rag`, or anything like it."""

    def retrieve(
        self, query: str, k: int | None = None, *, sources: Sequence[str] | None = None
    ) -> tuple[Candidate, ...]:
        """Return the k best passages of these sources with the scores of their sentences."""


def read_one_passage_each(
    collection: Collection, rag: Opening, reader: Reader, *, progress: Progress | None = None
) -> Mapping[str, Prediction]:
    """Return what the reader says to each question, shown the sources that it was asked of.

    Args:
        collection: its sources must be indexed in `rag`.
        rag: opens the sources.
        reader: reads them.
        progress: told after each question.
    """
    predictions = {}
    for done, example in enumerate(collection.examples, start=1):
        asked_of = sorted(collection.qrels[example.query_id])
        candidates = rag.retrieve(example.question, _PASSAGES, sources=asked_of)
        readings = reader.read(example.question, candidates)
        predictions[example.query_id] = _prediction(readings[0]) if readings else NOTHING
        if progress is not None:
            progress("reading", done, len(collection.examples))
    return predictions


def _prediction(reading: Reading) -> Prediction:
    """Return the words that answer; the whole sentence where the reader names none."""
    words = reading.words or Span(start=reading.start, end=reading.end)
    text = reading.text[words.start - reading.start : words.end - reading.start]
    return Prediction(text=text, no_answer=1 - reading.probability)
