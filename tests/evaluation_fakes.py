"""A pipeline that says what it is told, over sources that fit on a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rag.evaluation.dataset import Evidence, Example
from rag.schema import (
    Answer,
    Citation,
    Passage,
    Reason,
    ScoredPassage,
    Source,
    SourceInfo,
    Statement,
    Turn,
)

SENTENCES = ("Ada wrote notes.", "Babbage built engines.", "Turing broke ciphers.")
SOURCE = Source(
    source_id="people.txt",
    title="People",
    text=" ".join(SENTENCES),
    sha256="0" * 64,
    media_type="text/plain",
)


def span(sentence: int) -> tuple[int, int]:
    """Return where the sentence of that number, from 0, stands in `SOURCE`."""
    start = SOURCE.text.index(SENTENCES[sentence])
    return start, start + len(SENTENCES[sentence])


def evidence(sentence: int, *parts: int) -> Evidence:
    """Return a sentence as evidence for those parts, or for the first."""
    start, end = span(sentence)
    return Evidence(source_id=SOURCE.source_id, start=start, end=end, parts=parts or (1,))


def passage(sentence: int, *, rank: int = 1) -> ScoredPassage:
    """Return a sentence as a retrieved passage."""
    start, end = span(sentence)
    return ScoredPassage(
        passage=Passage(
            passage_id=f"{SOURCE.source_id}#{start}-{end}",
            source_id=SOURCE.source_id,
            start=start,
            end=end,
            text=SENTENCES[sentence],
            n_tokens=4,
        ),
        score=1 / rank,
        rank=rank,
        scorer="fusion",
    )


def citing(question: str, *sentences: int, confidence: float = 0.9) -> Answer:
    """Return an answer that quotes these sentences, each with its marker."""
    text, statements, citations = "", [], []
    for marker, sentence in enumerate(sentences, start=1):
        start, end = span(sentence)
        said = f"{SENTENCES[sentence]} [{marker}] "
        statements.append(
            Statement(
                start=len(text),
                end=len(text) + len(said) - 1,
                markers=(marker,),
                verdict="supported",
                support=1.0,
            )
        )
        text += said
        citations.append(
            Citation(
                marker=marker,
                source_id=SOURCE.source_id,
                title=SOURCE.title,
                start=start,
                end=end,
                quote=SENTENCES[sentence],
                page=None,
                sha256=SOURCE.sha256,
            )
        )
    return Answer(
        question=question,
        query=question,
        status="answered",
        reason=None,
        text=text.rstrip(),
        statements=tuple(statements),
        citations=tuple(citations),
        evidence=(),
        confidence=confidence,
        model="scripted",
        timings={"search": 0.001},
    )


def abstaining(question: str, *, confidence: float = 0.1) -> Answer:
    """Return an answer that says that there is none."""
    return replace(
        citing(question, confidence=confidence),
        status="unanswered",
        reason=Reason(code="not_supported", message="The sources do not say."),
        text="The sources do not say.",
    )


def guessing(question: str, *sentences: int, confidence: float = 0.4) -> Answer:
    """Return an answer that quotes these sentences and calls itself a guess."""
    return replace(
        citing(question, *sentences, confidence=confidence),
        status="likely",
        reason=Reason(code="unsure", message="This is the best that was found."),
    )


EXAMPLES = (
    Example(
        query_id="ada",
        question="Who wrote notes?",
        split="dev",
        kind="fact",
        answerable=True,
        answers=("Ada",),
        evidence=(evidence(0),),
    ),
    Example(
        query_id="babbage",
        question="Who built engines?",
        split="test",
        kind="fact",
        answerable=True,
        answers=("Babbage",),
        evidence=(evidence(1),),
    ),
    Example(
        query_id="both",
        question="Who wrote notes and who broke ciphers?",
        split="dev",
        kind="two_part",
        answerable=True,
        answers=("Ada and Turing",),
        answer_parts=(("Ada",), ("Turing",)),
        evidence=(evidence(0, 1), evidence(2, 2)),
    ),
    Example(
        query_id="engine",
        question="Who sold engines?",
        split="test",
        kind="unanswerable",
        answerable=False,
    ),
    Example(
        query_id="cipher",
        question="Who sold ciphers?",
        split="dev",
        kind="unanswerable",
        answerable=False,
    ),
)
_RIGHT = {"ada": (0,), "babbage": (1,), "both": (0, 2)}


def right(question: str) -> Answer:
    """Answer the questions of `EXAMPLES` as a perfect pipeline does."""
    name = next((e.query_id for e in EXAMPLES if e.question == question), "")
    return citing(question, *_RIGHT[name]) if name in _RIGHT else abstaining(question)


def guessed(question: str) -> Answer:
    """Answer as `right` does, and call it a guess."""
    answer = right(question)
    if answer.status == "unanswered":
        return answer
    return guessing(question, *_RIGHT[next(e.query_id for e in EXAMPLES if e.question == question)])


def shifted(question: str) -> Answer:
    """Say what is right and cite the next sentence for it, or the one before where none is next."""
    answer = right(question)
    citations = []
    for citation in answer.citations:
        sentence = SENTENCES.index(citation.quote)
        start, end = span(sentence + 1 if sentence + 1 < len(SENTENCES) else sentence - 1)
        quote = SOURCE.text[start:end]
        citations.append(replace(citation, start=start, end=end, quote=quote))
    return replace(answer, citations=tuple(citations))


def repeated(n: int) -> tuple[Example, ...]:
    """Return the examples n times over, so that there are enough of them to tell from chance."""
    return tuple(replace(e, query_id=f"{e.query_id}-{i}") for i in range(n) for e in EXAMPLES)


@dataclass
class ScriptedPipeline:
    """Answers by a function, retrieves the passages that it is given, and remembers questions."""

    answer: Callable[[str], Answer] = right
    found: Callable[[str], Sequence[ScoredPassage]] = lambda query: [
        passage(sentence, rank=rank) for rank, sentence in enumerate(_order(query), start=1)
    ]
    source_text: str = SOURCE.text
    asked: list[tuple[str, tuple[Turn, ...]]] = field(default_factory=list)

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer as scripted."""
        self.asked.append((question, tuple(history)))
        return self.answer(question)

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        """Return the scripted passages."""
        return tuple(self.found(query))[:k]

    def source(self, source_id: str) -> Source:
        """Return the only source."""
        assert source_id == SOURCE.source_id
        return replace(SOURCE, text=self.source_text)

    def sources(self) -> tuple[SourceInfo, ...]:
        """Tell of the only source."""
        return (
            SourceInfo(
                source_id=SOURCE.source_id,
                title=SOURCE.title,
                sha256=SOURCE.sha256,
                media_type=SOURCE.media_type,
                n_chars=len(SOURCE.text),
                n_pages=0,
                n_passages=3,
                indexed_at="2026-01-01T00:00:00+00:00",
                origin="",
            ),
        )


def _order(query: str) -> list[int]:
    """Order the sentences by the words that they share with a query."""
    words = set(query.lower().rstrip("?").split())
    shared = [len(words & set(text.lower().rstrip(".").split())) for text in SENTENCES]
    return sorted(range(len(SENTENCES)), key=lambda i: -shared[i])
