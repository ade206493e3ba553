"""What the reader is trained on: questions, texts to read, and which text answers which question where.

One question gives several views, of which a run draws one an epoch:

    paragraph   the paragraph it was asked of, answered or (SQuAD 2.0's own) not
    passage     a passage as `rag.passages` makes it of the whole article, which holds the answer
    neighbour   the passage before or after that, which does not
    mined       a passage of any article that our own word search ranks high, without the answer in it

The last two teach that scores compare across passages. Everything is cut into word pieces once and kept as flat
arrays in one .npz file, a text's pieces one after another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from training.files import replace_file, sha256
from training.reader.documents import read_out
from training.reader.squad import (
    Article,
    Judged,
    Question,
    hold_out,
    hold_out_documents,
    read_articles,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from rag.index.words import WordIndex
    from rag.schema import Passage

FORMAT = 1
PARAGRAPH, PASSAGE, NEIGHBOUR, MINED = range(4)
PASSAGE_TOKENS = 160
OVERLAP_SENTENCES = 1
SEARCHED = 12
"""Passages that word search gives for a question; those without its answer are hard negatives."""
MINED_KEPT = 4
HELD_OUT = 12
"""Articles kept back for calibrating."""
DOCUMENTS_HELD_OUT = 12
"""One in so many documents is kept back for the same."""
BATCH = 512
"""Texts that are cut into word pieces at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Texts as word pieces without special ones: text `i` is `pieces[starts[i]:starts[i + 1]]`."""

    pieces: NDArray[np.uint16]
    starts: NDArray[np.int64]

    def __getitem__(self, index: int) -> NDArray[np.uint16]:
        return self.pieces[self.starts[index] : self.starts[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Word pieces of each text, shape (n,)."""
        return np.diff(self.starts)


class View(NamedTuple):
    """One way to ask one question."""

    question: int
    kind: int
    text: int
    start: int
    """First word piece of the answer in the text, counted from 0; -1 where the text does not answer."""
    end: int
    """Last word piece of the answer, included; -1 where the text does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All there is to train on."""

    questions: Ragged
    texts: Ragged
    views: NDArray[np.int32]
    """Rows of `View`, ascending by question; shape (n, 5)."""
    made: dict[str, object]
    """How it was made, with the SHA-256 of the data; equal for equal content."""


class _Read(NamedTuple):
    """A text to read: whose it is, where it stands, and its words for comparing."""

    article: int
    start: int
    """In the article's text."""
    text: str


class Documents(NamedTuple):
    """More to train on: documents in the SQuAD 2.0 layout, one paragraph each."""

    path: Path
    times: int
    """How often each of their questions is asked an epoch, its text drawn anew each time."""


def prepare(
    data: Path,
    judged: Sequence[Path],
    tokenizer: Path,
    cache: Path,
    *,
    seed: int,
    documents: Documents | None = None,
) -> Prepared:
    """Return what to train on, from the cache where it was made of the same files, else made and kept there.

    Args:
        data: SQuAD 2.0 layout; nothing of it that is in a judged file is used.
        judged: files that the model will be judged on.
        tokenizer: tokenizer.json.
        cache: .npz file to read or write.
        seed: which articles are held out.
        documents: to train on as well, without anything that is in a judged file.
    """
    made = {
        "format": FORMAT,
        "seed": seed,
        "data": sha256(data),
        "tokenizer": sha256(tokenizer),
        "judged": {path.name: sha256(path) for path in sorted(judged)},
    }
    if documents:
        made["documents"] = {"sha256": sha256(documents.path), "times": documents.times}
    kept = _load(cache)
    if kept and made.items() <= kept.made.items() and ("documents" in kept.made) == bool(documents):
        return kept
    articles, left_out = training_articles(data, judged, seed=seed)
    times = dict.fromkeys(range(len(articles)), 1)
    if documents:
        found = hold_out_documents(read_articles(documents.path), DOCUMENTS_HELD_OUT, seed)[0]
        judge = Judged(article for path in judged for article in read_articles(path))
        more = read_out(judge.remove_from(found))
        times |= dict.fromkeys(range(len(articles), len(articles) + len(more)), documents.times)
        articles += more
    prepared = _make(articles, times, load_tokenizer(tokenizer), made | {"left_out": left_out})
    replace_file(cache, lambda file: _save(file, prepared))
    return prepared


def training_articles(
    data: Path, judged: Sequence[Path], *, seed: int, held_out: int = HELD_OUT
) -> tuple[tuple[Article, ...], dict[str, int]]:
    """Return the articles to train on, none judged or held out, and how much was left out as judged."""
    judge = Judged(article for path in judged for article in read_articles(path))
    found = hold_out(read_articles(data), held_out, seed)[0]
    overlap = judge.overlap(found)
    counts = {
        "titles": overlap.titles,
        "paragraphs": overlap.paragraphs,
        "questions": overlap.questions,
    }
    return judge.remove_from(found), counts


def load_tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer without padding and truncation."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def span_of(encoding: Encoding, start: int, end: int) -> tuple[int, int] | None:
    """Return the first and last word piece that touch the characters, None where there is none."""
    inside = [i for i, (a, b) in enumerate(encoding.offsets) if a < end and b > start and b > a]
    return (inside[0], inside[-1]) if inside else None


def _make(
    articles: Sequence[Article],
    times: Mapping[int, int],
    tokenizer: Tokenizer,
    made: dict[str, object],
) -> Prepared:
    """Split, search and cut into word pieces; an article's questions count so many times."""
    texts: list[_Read] = []
    owned = [_texts_of(i, article, texts) for i, article in enumerate(articles)]
    encoded: list[Encoding] = []
    for batch in _batches([one.text for one in texts]):
        encoded += tokenizer.encode_batch(batch, add_special_tokens=False)
    passages = [i for own in owned for i in own[1]]
    search = _word_index([texts[i].text for i in passages])
    views: list[View] = []
    questions: list[str] = []
    for number, (article, (paragraphs, own)) in enumerate(zip(articles, owned, strict=True)):
        for at, paragraph in zip(paragraphs, article.paragraphs, strict=True):
            for question in paragraph.questions:
                maker = _Views(question, texts, encoded)
                maker.add_own(at, own)
                if question.answers:
                    maker.add_mined(_found(search, question.text, passages))
                for _ in range(times[number] if maker.views else 0):
                    views += [one._replace(question=len(questions)) for one in maker.views]
                    questions.append(question.text)
    asked: list[Encoding] = []
    for batch in _batches(questions):
        asked += tokenizer.encode_batch(batch, add_special_tokens=False)
    return Prepared(
        questions=_ragged(asked),
        texts=_ragged(encoded),
        views=np.array(views, dtype=np.int32).reshape(-1, len(View._fields)),
        made=made,
    )


def _texts_of(number: int, article: Article, texts: list[_Read]) -> tuple[list[int], list[int]]:
    """Add an article's paragraphs and passages to the texts; return the numbers of both."""
    paragraphs, start = [], 0
    for paragraph in article.paragraphs:
        paragraphs.append(len(texts))
        texts.append(_Read(number, start, paragraph.text))
        start += len(paragraph.text) + 2
    own = []
    for passage in _passages("\n\n".join(one.text for one in article.paragraphs)):
        own.append(len(texts))
        texts.append(_Read(number, passage.start, passage.text))
    return paragraphs, own


def _passages(text: str) -> Iterator[Passage]:
    """Yield the passages of a text as the program makes them."""
    from rag.passages import split
    from rag.schema import Source
    from rag.tokens import TokenCounter

    source = Source(source_id="article", title="", text=text, sha256="", media_type="text/plain")
    for one in split(
        source,
        max_tokens=PASSAGE_TOKENS,
        overlap_sentences=OVERLAP_SENTENCES,
        count_tokens=TokenCounter().count,
        fits=lambda _: True,
    ):
        yield one.passage


class _Views:
    """Collects the views of one question, its number left at 0."""

    def __init__(
        self, question: Question, texts: Sequence[_Read], encoded: Sequence[Encoding]
    ) -> None:
        self.views: list[View] = []
        self._question = question
        self._texts = texts
        self._encoded = encoded
        wordings = {re.escape(_folded(text)) for _, text in question.answers if text.strip()}
        self._wording = re.compile("|".join(sorted(wordings))) if wordings else None

    def add_own(self, paragraph: int, passages: Sequence[int]) -> None:
        """Add the paragraph it was asked of, the article's passages that answer it, and their neighbours."""
        at = self._texts[paragraph]
        spans = [
            (at.start + start, at.start + start + len(text))
            for start, text in self._question.answers
        ]
        if not spans:
            over = (at.start, at.start + len(at.text))
            self._add(PARAGRAPH, paragraph)
            for one in passages:
                if _shared(self._texts[one], *over) > len(self._texts[one].text) // 2:
                    self._add(PASSAGE, one)
            return
        self._add(PARAGRAPH, paragraph, spans[0])
        wording = self._question.answers[0][1]
        # Of a list, half will do: what a passage cuts off is found beside it.
        least = len(wording) / 2 if "\n" in wording else len(wording)
        holding = [
            i for i, one in enumerate(passages) if _shared(self._texts[one], *spans[0]) >= least
        ]
        for i in holding:
            self._add(PASSAGE, passages[i], spans[0])
        beside = {place for i in holding for place in (i - 1, i + 1)}
        for i in sorted(beside - set(holding)):
            if 0 <= i < len(passages) and not self._says(passages[i]):
                self._add(NEIGHBOUR, passages[i])

    def add_mined(self, found: Iterable[int]) -> None:
        """Add the best of the passages that were found without an answer in them."""
        taken = {view.text for view in self.views}
        good = [one for one in found if one not in taken and not self._says(one)]
        for one in good[:MINED_KEPT]:
            self._add(MINED, one)

    def _says(self, text: int) -> bool:
        """Tell whether a text holds the wording of an answer, whatever it says with it."""
        return bool(self._wording and self._wording.search(_folded(self._texts[text].text)))

    def _add(self, kind: int, text: int, span: tuple[int, int] | None = None) -> None:
        """Add a view; one whose answer has no word piece of its own is left out."""
        start = end = -1
        if span is not None:
            shift = self._texts[text].start
            found = span_of(self._encoded[text], span[0] - shift, span[1] - shift)
            if found is None:
                return
            start, end = found
        self.views.append(View(0, kind, text, start, end))


def _shared(text: _Read, start: int, end: int) -> int:
    """Return how many characters of the article, start to end, are in the text."""
    return max(0, min(text.start + len(text.text), end) - max(text.start, start))


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _word_index(texts: Sequence[str]) -> WordIndex:
    """Return our own word search over the texts, by their place."""
    from rag.index.files import FileRecord
    from rag.index.words import WordIndex, build

    packed: list[bytes] = []

    def keep(content: bytes) -> FileRecord:
        packed.append(content)
        return FileRecord(name=str(len(packed)), size=len(content), sha256="")

    rows = ((key, 0, text) for key, text in enumerate(texts))
    build(rows, keep, first=0, last=max(len(texts) - 1, 0))
    return WordIndex(packed)


def _found(search: WordIndex, question: str, passages: Sequence[int]) -> list[int]:
    """Return the numbers of the texts that word search finds, best first."""
    from rag.index.words import analyzer

    return [passages[key] for key, _ in search.search(analyzer()(question), SEARCHED)[:SEARCHED]]


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    bounds = [*range(0, len(texts), BATCH), len(texts)]
    return (texts[start:end] for start, end in pairwise(bounds))


def _ragged(encoded: Sequence[Encoding]) -> Ragged:
    lengths = np.array([len(one.ids) for one in encoded], dtype=np.int64)
    pieces = np.concatenate([np.array(one.ids, dtype=np.uint16) for one in encoded])
    return Ragged(pieces=pieces, starts=np.concatenate([[0], np.cumsum(lengths)]))


def _save(path: Path, prepared: Prepared) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            question_pieces=prepared.questions.pieces,
            question_starts=prepared.questions.starts,
            text_pieces=prepared.texts.pieces,
            text_starts=prepared.texts.starts,
            views=prepared.views,
            made=np.frombuffer(json.dumps(prepared.made).encode(), dtype=np.uint8),
        )


def _load(path: Path) -> Prepared | None:
    """Return what the cache holds, None where there is none."""
    if not path.is_file():
        return None
    with np.load(path) as kept:
        return Prepared(
            questions=Ragged(pieces=kept["question_pieces"], starts=kept["question_starts"]),
            texts=Ragged(pieces=kept["text_pieces"], starts=kept["text_starts"]),
            views=kept["views"],
            made=json.loads(kept["made"].tobytes()),
        )
