"""Parts that fit the protocols, for tests: deterministic, quick, and with no model behind them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedding import EncodedPassages
from rag.pipeline import Rag
from rag.pipeline.build import open_store
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.inquiry import Answerer
from rag.reader import Reading
from rag.schema import Candidate, Span
from rag.settings import Settings
from rag.store import IndexStamp
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from rag.schema import Vectors


class HashEncoder:
    """Texts that share words have near vectors: each word is a direction made from its hash."""

    name = "hash/1"
    dimension = 48
    max_tokens = 256

    def __init__(self) -> None:
        self.n_passages = 0

    def count_tokens(self, text: str) -> int:
        """Words and the two specials that real encoders add."""
        return len(text.split()) + 2

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text."""
        return np.stack([self._vector(text) for text in texts])

    def encode_passages(
        self,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> EncodedPassages:
        """One unit row a passage and a sentence, and a count of how many were asked for."""
        self.n_passages += len(texts)
        if progress:
            progress(len(texts))
        return EncodedPassages(
            passages=np.stack([self._vector(text) for text in texts]),
            sentences=tuple(
                np.stack([self._vector(text[span.start : span.end]) for span in spans])
                for text, spans in zip(texts, sentences, strict=True)
            ),
        )

    def _vector(self, text: str) -> Vectors:
        total = np.full(self.dimension, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return (total / np.linalg.norm(total)).astype(np.float32)


class OverlapReader:
    """Believes the sentence that shares the most words with the query; the share is its probability."""

    name = "overlap/1"
    threshold = 0.5

    def read(self, query: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Every sentence, the one with the most shared words first."""
        asked = set(re.findall(r"\w{4,}", query.lower()))
        found = [
            Reading(
                candidate=index,
                start=one.start,
                end=one.end,
                text=one.text,
                probability=len(asked & set(re.findall(r"\w{4,}", one.text.lower())))
                / max(len(asked), 1),
            )
            for index, candidate in enumerate(candidates)
            for one in candidate.sentences
        ]
        return tuple(sorted(found, key=lambda r: (-r.probability, r.candidate, r.start)))


def open_rag(
    folder: Path,
    encoder: HashEncoder | None = None,
    answerers: Sequence[Answerer] | None = None,
    **settings: object,
) -> Rag:
    """A Rag over a folder with fakes for encoder and reader; its index lies beside the folder."""
    values = Settings(**{"seeds_dir": folder, "index_dir": folder.parent / "index", **settings})
    encoder, tokens = encoder or HashEncoder(), TokenCounter()
    stamp = IndexStamp(
        encoder=encoder.name,
        dimension=encoder.dimension,
        tokenizer=tokens.name,
        passage_tokens=values.passage_tokens,
        overlap_sentences=values.overlap_sentences,
    )
    return Rag(
        values,
        index=open_store(values, stamp),
        encoder=encoder,
        answerers=answerers or [ExtractiveAnswerer(OverlapReader())],
        tokens=tokens,
    )


class ScriptedChat:
    """Says what it was told to say, piece by piece, and remembers what it was asked."""

    name = "scripted"
    cites = False

    def __init__(self, *replies: str | Exception, finish: str = "stop") -> None:
        self.replies = list(replies)
        self.finish = finish
        self.asked: list[object] = []
        self.documents: object = ()

    def stream(self, messages: object, documents: object = ()) -> Iterator[object]:
        """Yield the next reply in pieces of seven characters, or raise it."""
        from rag.chat import ChatDelta

        self.asked.append(messages)
        self.documents = documents
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        for start in range(0, len(reply), 7):
            yield ChatDelta(text=reply[start : start + 7])
        yield ChatDelta(text="", finish=self.finish)


class PlanningChat(ScriptedChat):
    """Says what it was told to say also where its reply is wanted in one piece, and fails where there is nothing left."""

    def __init__(self, *replies: str | Exception, plans: Sequence[str] = ()) -> None:
        super().__init__(*replies)
        self.plans = list(plans)
        self.asked_whole: list[object] = []

    def whole(self, messages: object, documents: object = ()) -> Iterator[object]:
        """Yield the next plan."""
        from rag.chat import ChatDelta
        from rag.errors import ChatError

        self.asked_whole.append(messages)
        self.documents = documents
        if not self.plans:
            raise ChatError("refused")
        yield ChatDelta(text=self.plans.pop(0), usage={"prompt": 5, "completion": 1}, finish="stop")
