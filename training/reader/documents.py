"""Documents of every day in the form in which the program reads them.

Each sentence stands behind what it hangs from, each cell behind the name of its column.

They are in the SQuAD 2.0 layout, one paragraph a document; those of `training/documents.json.gz` were written for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.passages import units_of
from rag.reader.layout import spoken
from rag.schema import Candidate, Passage, ScoredSentence, Source
from training.reader.squad import Article, Paragraph


def read_out(articles: Sequence[Article]) -> tuple[Article, ...]:
    """Return the articles with their texts as they are read out, the answers where they stand then."""
    return tuple(
        replace(
            one, paragraphs=tuple(_spoken(paragraph, one.title) for paragraph in one.paragraphs)
        )
        for one in articles
    )


def _spoken(paragraph: Paragraph, title: str) -> Paragraph:
    text, put_in = spoken(_candidate(paragraph.text, title))

    def moved(at: int, *, end: bool) -> int:
        """Return where a character stands then; what is put in at an answer's end is not part of it."""
        return at + sum(
            len(words) for place, words in put_in if place < at or (place == at and not end)
        )

    questions = []
    for question in paragraph.questions:
        answers = []
        for start, wording in question.answers:
            first, last = moved(start, end=False), moved(start + len(wording), end=True)
            answers.append((first, text[first:last]))
        questions.append(replace(question, answers=tuple(answers)))
    return replace(paragraph, text=text, questions=tuple(questions))


def _candidate(text: str, title: str) -> Candidate:
    """Return a text as one passage; no score of it means anything."""
    source = Source(source_id="", title=title, text=text, sha256="", media_type="text/plain")
    sentences = tuple(
        ScoredSentence(
            start=one.start,
            end=one.end,
            text=text[one.start : one.end],
            dense=0.0,
            lexical=0.0,
            kind=one.kind,
            path=one.path,
            cells=one.cells,
        )
        for one in units_of(source)
    )
    passage = Passage(
        passage_id="", source_id="", start=0, end=len(text), text=text, n_tokens=len(text)
    )
    return Candidate(passage=passage, dense=0.0, lexical=0.0, fused=0.0, sentences=sentences)


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Return where each sentence, item and row of a document stands, half-open, in order."""
    return [(one.start, one.end) for one in _candidate(text, "").sentences]
