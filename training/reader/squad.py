"""Reading data in the SQuAD 2.0 layout, and the proof that what trains is not what is judged.

Text counts as the same when its words are, whatever their case and punctuation: a paragraph also when it shares
any 13 words in a row, the measure by which GPT-3's training data was cleaned (Brown et al. 2020, appendix C).

    python -m training.reader.squad --data squad2_train.json.gz --judged FILE ...

shows what each judged file has in common with the data, and that nothing of it is left to train on.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SHINGLE = 13
"""Words in a row that two texts share by copying, hardly by chance."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question asked of one paragraph."""

    question_id: str
    text: str
    answers: tuple[tuple[int, str], ...]
    """(start in the paragraph, wording); empty where the paragraph does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A text and the questions asked of it."""

    text: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Paragraphs of one document, in order."""

    title: str
    paragraphs: tuple[Paragraph, ...]
    kind: str = ""
    """What sort of document it is, where its file says it."""

    @property
    def questions(self) -> Iterator[Question]:
        """All questions asked of its paragraphs."""
        return (question for paragraph in self.paragraphs for question in paragraph.questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How much of some articles is also in what is judged."""

    titles: int
    paragraphs: int
    questions: int

    def __bool__(self) -> bool:
        return bool(self.titles or self.paragraphs or self.questions)


class Judged:
    """Everything that a model is going to be judged on, to look texts up in."""

    def __init__(self, articles: Iterable[Article]) -> None:
        self._titles: set[str] = set()
        self._shingles: set[int] = set()
        self._questions: set[str] = set()
        for article in articles:
            self._titles.add(_even(article.title))
            self._questions.update(_even(question.text) for question in article.questions)
            for paragraph in article.paragraphs:
                self._shingles |= _shingles(paragraph.text)
        self._titles.discard("")  # of documents that have none

    def overlap(self, articles: Iterable[Article]) -> Overlap:
        """Count the titles, paragraphs and questions of the articles that are judged too."""
        titles = paragraphs = questions = 0
        for article in articles:
            titles += _even(article.title) in self._titles
            paragraphs += sum(self._has_paragraph(one) for one in article.paragraphs)
            questions += sum(self._has_question(one) for one in article.questions)
        return Overlap(titles=titles, paragraphs=paragraphs, questions=questions)

    def remove_from(self, articles: Iterable[Article]) -> tuple[Article, ...]:
        """Return the articles without anything that is judged too."""
        return tuple(
            replace(
                article,
                paragraphs=tuple(
                    replace(
                        paragraph,
                        questions=tuple(
                            one for one in paragraph.questions if not self._has_question(one)
                        ),
                    )
                    for paragraph in article.paragraphs
                    if not self._has_paragraph(paragraph)
                ),
            )
            for article in articles
            if _even(article.title) not in self._titles
        )

    def _has_paragraph(self, paragraph: Paragraph) -> bool:
        return not self._shingles.isdisjoint(_shingles(paragraph.text))

    def _has_question(self, question: Question) -> bool:
        return _even(question.text) in self._questions


def main() -> None:
    """Show the overlap with each judged file, before and after what is shared is removed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--judged", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    found = read_articles(args.data)
    for path in args.judged:
        judge = Judged(read_articles(path))
        print(f"{path.name}: shared {judge.overlap(found)}")
        if left := judge.overlap(judge.remove_from(found)):
            raise SystemExit(f"{path.name}: {left} would be trained on.")
    print("Nothing of these files is trained on.")


def read_articles(path: Path) -> tuple[Article, ...]:
    """Read a file in the SQuAD 1.1 or 2.0 layout, packed by gzip or not."""
    raw = path.read_bytes()
    content = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    return tuple(
        Article(
            title=str(article.get("title", "")),
            paragraphs=tuple(_paragraph(one) for one in article["paragraphs"]),
            kind=str(article.get("kind", "")),
        )
        for article in content["data"]
    )


def hold_out(
    articles: Sequence[Article], n: int, seed: int
) -> tuple[tuple[Article, ...], tuple[Article, ...]]:
    """Return the articles to train on and the `n` that are kept back for calibrating, drawn by the seed."""
    kept = set(random.Random(seed).sample(range(len(articles)), min(n, len(articles) - 1)))
    return (
        tuple(one for i, one in enumerate(articles) if i not in kept),
        tuple(one for i, one in enumerate(articles) if i in kept),
    )


def hold_out_documents(
    documents: Sequence[Article], one_in: int, seed: int
) -> tuple[tuple[Article, ...], tuple[Article, ...]]:
    """Return the documents to train on and those kept back, drawn by their titles: a document stays where it was drawn.

    Args:
        documents: may grow from one run to the next.
        one_in: about one of so many is kept back.
        seed: of the draw.
    """

    def is_kept(one: Article) -> bool:
        digest = hashlib.sha256(f"{seed} {one.title}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % one_in == 0

    return (
        tuple(one for one in documents if not is_kept(one)),
        tuple(one for one in documents if is_kept(one)),
    )


def _paragraph(record: dict[str, object]) -> Paragraph:
    """Return one paragraph of the layout."""
    asked = record["qas"]
    assert isinstance(asked, list)
    return Paragraph(
        text=str(record["context"]),
        questions=tuple(
            Question(
                question_id=str(one["id"]),
                text=str(one["question"]).strip(),
                answers=()
                if one.get("is_impossible", False)
                else tuple((int(a["answer_start"]), str(a["text"])) for a in one["answers"]),
            )
            for one in asked
        ),
    )


def _even(text: str) -> str:
    """Return the words of a text, lower-cased."""
    return " ".join(_WORD.findall(text.lower()))


def _shingles(text: str) -> set[int]:
    """Return a hash of every 13 words in a row; of all words where there are fewer."""
    words = _WORD.findall(text.lower())
    if not words:
        return set()
    ends = range(min(SHINGLE, len(words)), len(words) + 1)
    return {hash(tuple(words[max(end - SHINGLE, 0) : end])) for end in ends}


if __name__ == "__main__":
    main()
