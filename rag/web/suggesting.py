"""A few questions that a person's own documents answer, to begin with. No language model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from rag.errors import DatasetError, RagError, SourceNotFoundError
from rag.evaluation.draft import draft_questions

if TYPE_CHECKING:
    from rag.schema import Answer, Source, SourceInfo

N_SUGGESTED = 4
"""Questions that are offered."""
N_READ = 12
"""Sources that are read for them."""
N_TRIED = 12
"""Questions that are asked, to see which are answered."""
FIRST_CHARS = 6_000
"""Characters of each that are read: about two pages."""

_LONGEST = 90  # characters of a question that fits a button
_N_DRAFTED = 6  # of one source: those that read best


class Library(Protocol):
    """What is needed of the pipeline."""

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed."""
        ...

    def source(self, source_id: str) -> Source:
        """Return one source, or raise SourceNotFoundError."""
        ...

    def ask(self, question: str, *, model: str | None = None) -> Answer:
        """Return the answer to a question."""
        ...


def suggest(
    library: Library, n: int = N_SUGGESTED, *, examples: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return at most n short questions over as many sources as can be; the same for the same sources.

    Each is answered by what is indexed now.

    Args:
        library: the sources; of many, some spread over all are read.
        n: how many are wanted.
        examples: questions to prefer to others on the sources that they cite.
    """
    answers = {one: answer for one in examples if (answer := _answered(library, one))}
    told = {cited.source_id for answer in answers.values() for cited in answer.citations}
    infos = [info for info in library.sources() if info.source_id not in told]
    step = max(1, -(-len(infos) // N_READ))
    by_source = [list(answers), *(_drafted(library, info.source_id) for info in infos[::step])]
    rounds = (
        questions[turn]
        for turn in range(max(map(len, by_source), default=0))
        for questions in by_source
        if turn < len(questions)
    )
    tried = islice(dict.fromkeys(rounds), N_TRIED)
    return tuple(islice((one for one in tried if one in answers or _answered(library, one)), n))


def _answered(library: Library, question: str) -> Answer | None:
    """Return the reader's answer where it is a sure one, so that nobody's first question is in vain."""
    try:
        answer = library.ask(question, model="extractive")
    except RagError:  # whoever asks it will be told
        return None
    return answer if answer.status == "answered" else None


def _drafted(library: Library, source_id: str) -> list[str]:
    """Return short questions on the beginning of a source, the shortest first."""
    try:
        source = library.source(source_id)
        opening = replace(source, text=source.text[:FIRST_CHARS], pages=())
        drafted = draft_questions([opening], n=_N_DRAFTED)
    except (SourceNotFoundError, DatasetError):  # removed since, or nothing reads well
        return []
    fit = [one.question for one in drafted if one.answerable and len(one.question) <= _LONGEST]
    return sorted(fit, key=len)
