"""From prepared views to batches: which ones a step sees is a function of the seed and the step alone.

Texts of like length share a batch, so that next to nothing is computed for padding. Knows numpy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from training.reader.data import MINED, NEIGHBOUR, PARAGRAPH, PASSAGE, Prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLS, SEP, PAD = 101, 102, 0
"""Word pieces of BERT's uncased vocabulary."""
SPECIAL = 3
"""Word pieces that frame a question and a text."""
LONGEST_QUESTION = 48
POOL = 2048
"""Views among which those of like length are brought together."""
SHARES = {PARAGRAPH: 0.55, PASSAGE: 0.25, NEIGHBOUR: 0.07, MINED: 0.13}
"""How often each kind of view is drawn where a question has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Questions and texts, framed and padded; arrays of shape (n, length) or (n,)."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    """1 where there is a word piece, 0 where padding."""
    types: NDArray[np.int64]
    """1 in the text and at the mark that closes it, 0 elsewhere."""
    start: NDArray[np.int64]
    """Of the answer; 0, where [CLS] stands, for none."""
    end: NDArray[np.int64]
    """Of the answer's last word piece; 0 for none."""

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.ids)


def batches(
    prepared: Prepared, *, seed: int, pieces: int, longest: int, seen: int = 0
) -> Iterator[Batch]:
    """Yield the batches of a run from the first on that is not seen yet, without end.

    Args:
        prepared: what to draw from; each epoch draws one view of every question.
        seed: of the run.
        pieces: word pieces in a batch at most, padding included.
        longest: word pieces of one example at most; of a longer text a window is read.
        seen: examples to leave out. The order of an epoch's views, but for those near each other, does not depend
            on `longest`.
    """
    begun = 0
    for epoch in count():
        rng = np.random.default_rng((seed, epoch))
        for number, rows in enumerate(_plan(prepared, rng, pieces=pieces, longest=longest)):
            if begun >= seen:
                own = np.random.default_rng((seed, epoch, number))
                yield _collate(prepared, rows, own, longest=longest)
            begun += len(rows)


def frame(
    rows: list[tuple[NDArray[np.uint16], NDArray[np.uint16]]], spans: list[tuple[int, int]]
) -> Batch:
    """Frame questions and texts as the model reads them: [CLS] question [SEP] text [SEP].

    Args:
        rows: word pieces of question and text.
        spans: first and last word piece of the answer in the text; -1 for none.
    """
    length = max(len(question) + len(text) for question, text in rows) + SPECIAL
    ids = np.full((len(rows), length), PAD, dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    start, end = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    for i, ((question, text), (first, last)) in enumerate(zip(rows, spans, strict=True)):
        opens = len(question) + 2
        closes = opens + len(text)
        ids[i, 0], ids[i, opens - 1], ids[i, closes] = CLS, SEP, SEP
        ids[i, 1 : opens - 1], ids[i, opens:closes] = question, text
        mask[i, : closes + 1] = 1
        types[i, opens : closes + 1] = 1
        if first >= 0:
            start[i], end[i] = opens + first, opens + last
    return Batch(ids=ids, mask=mask, types=types, start=start, end=end)


def _plan(
    prepared: Prepared, rng: np.random.Generator, *, pieces: int, longest: int
) -> list[NDArray[np.int64]]:
    """Draw one view of each question and group them; return the rows of `views` of each batch."""
    drawn = rng.permutation(_draw(prepared.views, rng))
    views = prepared.views[drawn]
    lengths = SPECIAL + np.minimum(prepared.questions.lengths[views[:, 0]], LONGEST_QUESTION)
    lengths = np.minimum(lengths + prepared.texts.lengths[views[:, 2]], longest)
    planned = []
    for begin in range(0, len(drawn), POOL):
        pool = np.arange(begin, min(begin + POOL, len(drawn)))
        groups = _grouped(pool[np.argsort(lengths[pool], kind="stable")], lengths, pieces)
        planned += [drawn[groups[i]] for i in rng.permutation(len(groups))]
    return planned


def _draw(views: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one row of each question, its kind drawn by `SHARES` among those that it has.

    By the Gumbel-max trick: the largest of log weight plus noise is a draw by weight.
    """
    question, kind = views[:, 0], views[:, 1]
    same = np.bincount(question.astype(np.int64) * len(SHARES) + kind)
    weight = np.array([SHARES[one] for one in range(len(SHARES))])[kind]
    weight = weight / same[question.astype(np.int64) * len(SHARES) + kind]
    keys = np.log(weight) + rng.gumbel(size=len(views))
    order = np.lexsort((-keys, question))
    opens = np.flatnonzero(np.diff(question[order], prepend=-1))
    return order[opens]


def _grouped(
    ordered: NDArray[np.int64], lengths: NDArray[np.int64], pieces: int
) -> list[NDArray[np.int64]]:
    """Cut views, ascending by length, into groups that have so many pieces at most once padded."""
    groups, begin = [], 0
    for i in range(len(ordered)):
        if i > begin and (i + 1 - begin) * lengths[ordered[i]] > pieces:
            groups.append(ordered[begin:i])
            begin = i
    return [*groups, ordered[begin:]]


def _collate(
    prepared: Prepared, rows: NDArray[np.int64], rng: np.random.Generator, *, longest: int
) -> Batch:
    """Read the views' word pieces; of a text that is too long, a window drawn at random that keeps the answer."""
    pairs, spans = [], []
    for question_number, _, text_number, first, last in prepared.views[rows].tolist():
        question = prepared.questions[question_number][:LONGEST_QUESTION]
        text = prepared.texts[text_number]
        room = longest - SPECIAL - len(question)
        if len(text) > room:
            low, high = 0, len(text) - room
            if first >= 0:
                low, high = min(max(0, last + 1 - room), first), min(first, high)
            begin = int(rng.integers(low, max(low, high) + 1))
            text, first, last = text[begin : begin + room], first - begin, last - begin
            last = min(last, len(text) - 1)
        pairs.append((question, text))
        spans.append((first, last))
    return frame(pairs, [span if span[0] >= 0 else (-1, -1) for span in spans])
