"""Anthropic's own citations: passages go in as documents, and what comes back is text with our markers.

Each sentence is a block of a document, so that a citation names sentences (content_block_location, in
https://docs.claude.com/en/docs/build-with-claude/citations). Whatever does not fit that is ignored; the text is
held to the sources afterwards like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from rag.chat.model import Document, Message

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk

LONGEST_TITLE = 500
"""Characters of a document's title that the provider takes; it refuses an empty one too."""

_ROUND = str.maketrans(dict.fromkeys("[【［〔〖⟦", "(") | dict.fromkeys("]】］〕〗⟧", ")"))


def with_documents(messages: Sequence[Message], documents: Sequence[Document]) -> list[Any]:
    """Return the messages with the documents before the words of the last one."""
    *earlier, last = (dict(message) for message in messages)
    content = [*map(_document, documents), {"type": "text", "text": last["content"]}]
    return [*earlier, {**last, "content": content}]


class Marking:
    """Turns a stream's citations into markers: [k] names the k-th block, counted through all documents.

    Args:
        documents: what was sent.
    """

    def __init__(self, documents: Sequence[Document]) -> None:
        self._sizes = [len(document.blocks) for document in documents]
        self._first = list(accumulate(self._sizes, initial=1))
        self._index: object = None
        self._cited: set[int] = set()
        self._space = ""

    def text(self, chunk: BaseMessageChunk) -> str:
        """Return a chunk's words, behind the markers of the stretch that ended before it.

        Space at the end is held back, so that a marker stands at the words it is for. Brackets become round: the
        model is told no numbers, so that a number in brackets of its own names nothing.
        """
        if isinstance(chunk.content, str):
            return self._said(chunk.content)
        text = ""
        for block in chunk.content:
            if isinstance(block, Mapping) and block.get("type") == "text":
                if block.get("index") != self._index:
                    text += self.rest()
                    self._index = block.get("index")
                text += self._said(str(block.get("text") or ""))
                self._cited.update(self._named(block.get("citations")))
        return text

    def rest(self) -> str:
        """Return the markers of the last stretch."""
        markers = "".join(f"[{number}]" for number in sorted(self._cited))
        self._cited.clear()
        return f" {markers}" if markers else ""

    def _said(self, words: str) -> str:
        words = self._space + words.translate(_ROUND)
        kept = words.rstrip()
        self._space = words[len(kept) :]
        return kept

    def _named(self, citations: object) -> Iterator[int]:
        """Yield the numbers of the blocks that citations name."""
        for one in citations if isinstance(citations, list) else ():
            match one:
                case {
                    "type": "content_block_location",
                    "document_index": int(document),
                    "start_block_index": int(start),
                    "end_block_index": int(end),
                } if 0 <= document < len(self._sizes) and 0 <= start < end <= self._sizes[document]:
                    yield from range(self._first[document] + start, self._first[document] + end)


def _document(document: Document) -> dict[str, object]:
    blocks = [{"type": "text", "text": block} for block in document.blocks]
    return {
        "type": "document",
        "source": {"type": "content", "content": blocks},
        "title": document.title[:LONGEST_TITLE] or None,
        "citations": {"enabled": True},
    }
