"""How well a reader reads: official EM and F1, and how well it tells that there is no answer.

Works on logits, whoever computed them, so that the network in training and the exported file are judged alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eval.benchmarks.squad import Prediction, score_reading
from rag.evaluation.dataset import Example
from rag.evaluation.measures import auroc
from training.reader.batches import LONGEST_QUESTION, SPECIAL, Batch, frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from training.reader.squad import Article

STRIDE = 128
"""Word pieces by which the windows of a long text are apart, at most."""
LONGEST_ANSWER = 30
"""Word pieces of an answer, at most."""
TOGETHER = 32
"""Windows that are read at once."""


class Logits(NamedTuple):
    """What a model says of a batch; float32."""

    start: NDArray[np.float32]
    """Shape (n, length)."""
    end: NDArray[np.float32]
    """Shape (n, length)."""
    answer: NDArray[np.float32]
    """Shape (n,)."""


Model = Callable[[Batch], Logits]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A question and as much of its text as is read at once."""

    example: int
    question: NDArray[np.uint16]
    pieces: NDArray[np.uint16]
    offsets: tuple[tuple[int, int], ...]
    """Characters of the text that each piece stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Questions to judge by, cut into windows."""

    examples: tuple[Example, ...]
    texts: tuple[str, ...]
    """What each example is asked of."""
    windows: tuple[Window, ...]


class Guess(NamedTuple):
    """The best that was read for an example, over its windows."""

    text: str
    margin: float
    """How far the best span's logits are above those of no answer."""
    answer: float
    """Logit that the text answers."""


def judging(
    articles: Sequence[Article], tokenizer: Tokenizer, *, n: int | None, seed: int, longest: int
) -> Judging:
    """Return a sample of `n` questions, drawn by the seed; all for None."""
    asked = [
        (question, paragraph.text)
        for article in articles
        for paragraph in article.paragraphs
        for question in paragraph.questions
    ]
    if n is not None and n < len(asked):
        asked = random.Random(seed).sample(asked, n)
    windows: list[Window] = []
    for i, (question, text) in enumerate(asked):
        windows += _windows(i, question.text, text, tokenizer, longest)
    return Judging(
        examples=tuple(
            Example(
                query_id=question.question_id,
                question=question.text,
                answers=tuple(wording for _, wording in question.answers),
            )
            for question, _ in asked
        ),
        texts=tuple(text for _, text in asked),
        windows=tuple(windows),
    )


def guess(model: Model, judged: Judging) -> list[Guess]:
    """Return the model's best answer to each example."""
    best: list[Guess | None] = [None] * len(judged.examples)
    order = sorted(
        range(len(judged.windows)),
        key=lambda i: len(judged.windows[i].pieces) + len(judged.windows[i].question),
    )
    for begin in range(0, len(order), TOGETHER):
        windows = [judged.windows[i] for i in order[begin : begin + TOGETHER]]
        logits = model(frame([(w.question, w.pieces) for w in windows], [(-1, -1)] * len(windows)))
        for row, window in enumerate(windows):
            found = _guess(logits, row, window, judged.texts[window.example])
            held = best[window.example]
            if held is None or found.margin > held.margin:
                answer = found.answer if held is None else max(found.answer, held.answer)
                best[window.example] = found._replace(answer=answer)
    return [one or Guess("", -np.inf, -np.inf) for one in best]


def figures(judged: Judging, guesses: Sequence[Guess]) -> dict[str, float]:
    """Return official figures in per cent and AUROCs in 0..1.

    A question counts as unanswered where margin and answer logit together speak against an answer.
    """
    doubts = [doubt(one) for one in guesses]
    predictions = {
        example.query_id: Prediction(text=one.text, no_answer=value)
        for example, one, value in zip(judged.examples, guesses, doubts, strict=True)
    }
    scores = score_reading(predictions, judged.examples, threshold=0.5)
    unanswerable = [not example.answers for example in judged.examples]
    named = scores.to_dict() | {
        "auroc": scores.no_answer_auroc,
        "auroc_margin": auroc([-one.margin for one in guesses], unanswerable),
        "auroc_answer": auroc([-one.answer for one in guesses], unanswerable),
        "span_f1": _span_f1(judged, guesses),
    }
    return {name: round(value, 4) for name, value in named.items()}


def doubt(one: Guess) -> float:
    """Return how likely there is no answer, 0..1, as far as the two logits say; not calibrated."""
    return float(1 / (1 + np.exp(np.clip(one.margin / 2 + one.answer, -50, 50))))


def _span_f1(judged: Judging, guesses: Sequence[Guess]) -> float:
    """Return F1 in per cent over the answerable questions, were each answered."""
    asked = [(e, g) for e, g in zip(judged.examples, guesses, strict=True) if e.answers]
    predictions = {e.query_id: Prediction(text=g.text, no_answer=0.0) for e, g in asked}
    return score_reading(predictions, [e for e, _ in asked]).to_dict().get("f1", 0.0)


def _windows(
    number: int, question: str, text: str, tokenizer: Tokenizer, longest: int
) -> list[Window]:
    """Cut a text into windows that overlap, one where it fits."""
    asked = np.array(tokenizer.encode(question, add_special_tokens=False).ids, dtype=np.uint16)
    asked = asked[:LONGEST_QUESTION]
    encoding = tokenizer.encode(text, add_special_tokens=False)
    pieces = np.array(encoding.ids, dtype=np.uint16)
    room = longest - SPECIAL - len(asked)
    last = max(len(pieces) - room, 0)
    begins = sorted({*range(0, last, STRIDE), last})
    return [
        Window(
            example=number,
            question=asked,
            pieces=pieces[begin : begin + room],
            offsets=tuple(encoding.offsets[begin : begin + room]),
        )
        for begin in begins
    ]


def _guess(logits: Logits, row: int, window: Window, text: str) -> Guess:
    """Return the best span of one window."""
    opens = len(window.question) + 2
    closes = opens + len(window.pieces)
    start, end = logits.start[row], logits.end[row]
    first, last = best_span(start[opens:closes], end[opens:closes])
    if first < 0:
        return Guess("", -np.inf, float(logits.answer[row]))
    best = start[opens + first] + end[opens + last]
    said = text[window.offsets[first][0] : window.offsets[last][1]]
    return Guess(said, float(best - start[0] - end[0]), float(logits.answer[row]))


def best_span(start: NDArray[np.float32], end: NDArray[np.float32]) -> tuple[int, int]:
    """Return first and last piece of the span with the highest sum of logits; (-1, -1) where there are no pieces."""
    if not len(start):
        return -1, -1
    sums = start[:, None] + end[None, :]
    places = np.arange(len(start))
    length = places[None, :] - places[:, None]
    allowed = (length >= 0) & (length < LONGEST_ANSWER)
    place = int(np.argmax(np.where(allowed, sums, -np.inf)))
    return place // len(start), place % len(start)
