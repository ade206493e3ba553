"""The door for other chains: our search as a langchain retriever. The only room beside `chat` that knows langchain."""

from __future__ import annotations

from collections.abc import Callable

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from rag.schema import ScoredPassage


class FootnoteRetriever(BaseRetriever):
    """Returns passages as langchain documents.

    `page_content` is the passage's text; `metadata` holds `source_id`, `start`, `end` (characters of the
    source, half-open), `passage_id`, `score` and `rank`.
    """

    search: Callable[..., tuple[ScoredPassage, ...]]
    k: int | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  (langchain passes it)
    ) -> list[Document]:
        return [_document(found) for found in self.search(query, self.k)]


def as_retriever(
    search: Callable[..., tuple[ScoredPassage, ...]], *, k: int | None
) -> BaseRetriever:
    """Return a retriever that asks `search(query, k)`."""
    return FootnoteRetriever(search=search, k=k)


def _document(found: ScoredPassage) -> Document:
    """Return a passage in langchain's form."""
    passage = found.passage
    return Document(
        id=passage.passage_id,
        page_content=passage.text,
        metadata={
            "passage_id": passage.passage_id,
            "source_id": passage.source_id,
            "start": passage.start,
            "end": passage.end,
            "score": found.score,
            "rank": found.rank,
        },
    )
