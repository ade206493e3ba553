"""A few questions that a person's own documents answer, to begin with. No language model is asked."""

from __future__ import annotations

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


def suggest(library: Library, n: int = N_SUGGESTED) -> tuple[str, ...]:
    """Return at most n short questions over as many sources as can be; the same for the same sources.

    Args:
        library: the sources; of many, some spread over all are read.
        n: how many are wanted.
    """
    infos = library.sources()
    step = max(1, -(-len(infos) // N_READ))
    by_source = [_drafted(library, info.source_id) for info in infos[::step]]
    rounds = (
        questions[turn]
        for turn in range(max(map(len, by_source), default=0))
        for questions in by_source
        if turn < len(questions)
    )
    tried = islice(dict.fromkeys(rounds), N_TRIED)
    return tuple(islice((one for one in tried if _is_answered(library, one)), n))


def _is_answered(library: Library, question: str) -> bool:
    """Tell whether the reader answers a question, so that nobody's first one is in vain."""
    try:
        return library.ask(question, model="extractive").status == "answered"
    except RagError:  # whoever asks it will be told
        return False


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
