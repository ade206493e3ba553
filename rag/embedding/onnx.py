"""The encoder in the package: all-MiniLM-L6-v2 with int8 weights, run by ONNX Runtime.

One text a run and one thread a run; several texts run beside each other. Measured, that is faster
than any batch (padding and larger activations cost more than they save), and since int8 activations
are scaled by the largest value in a run, it is also what makes a text's vector independent of the
texts encoded with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.embedding.pooling import pool, well_formed
from rag.embedding.protocol import EncodedPassages
from rag.errors import ModelError
from rag.weights import available_cores, read_weights

if TYPE_CHECKING:
    import numpy as np
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from rag.schema import Span, Vectors
else:
    from rag.late import numpy as np

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "minilm"
"""The folder of the model in the package, as `training/encoder/export.py` wrote it."""

_FRAME = 2
"""Special pieces around a text."""
_REMEMBERED = 1 << 16
"""Words whose pieces are remembered."""
_UNUSUAL = re.compile(r"[^\S \t\n\r\xa0]|[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What Python and BERT do not both take for a space, and what cannot be encoded."""
_REMEDY = "Install the package again, or choose another model with RAG_ENCODER."


class OnnxEncoder:
    """Encodes by mean pooling what a BERT-like ONNX model gives out, the state of each word piece.

    Safe to use from several threads at once. The same text gets bitwise the same vector on one
    machine, whatever it is encoded with and on however many threads.

    Args:
        session: takes input_ids, attention_mask and token_type_ids.
        tokenizer: with a special piece at either end, neither padding nor truncating.
        name: stamped in the index.
        dimension: length of a vector.
        max_tokens: word pieces that are read of a text.
        threads: texts encoded at the same time.
    """

    def __init__(
        self,
        *,
        session: InferenceSession,
        tokenizer: Tokenizer,
        name: str,
        dimension: int,
        max_tokens: int,
        threads: int,
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._name = name
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._threads = threads
        self._count_pieces = lru_cache(maxsize=_REMEMBERED)(
            lambda word: len(tokenizer.encode(word, add_special_tokens=False))
        )

    @classmethod
    def open(cls, folder: Path = SHIPPED, *, threads: int | None = None) -> OnnxEncoder:
        """Load a folder that `training/encoder/export.py` wrote.

        Args:
            folder: holds manifest.json and the files it lists.
            threads: texts encoded at the same time; by default as many as this process has cores.

        Raises:
            ModelError: a file is missing, differs from its SHA-256 in the manifest, or cannot be
                loaded.
        """
        weights = read_weights(folder, remedy=_REMEDY)
        manifest = weights.manifest
        try:
            return cls(
                session=weights.session(),
                tokenizer=weights.tokenizer(),
                name=manifest["name"],
                dimension=manifest["dimension"],
                max_tokens=manifest["max_tokens"],
                threads=threads or available_cores(),
            )
        except Exception as exc:  # both libraries raise classes without a base of their own
            raise ModelError(
                f"The encoder in {str(folder)!r} cannot be loaded: {exc}. {_REMEDY}"
            ) from exc

    @property
    def name(self) -> str:
        """Name and version of the exported model."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Most word pieces that are read of a text."""
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        """Return how many word pieces `text` has, special ones included.

        No piece reaches across a space, so that those of its words are added up, each counted once.
        """
        if _UNUSUAL.search(text):
            return len(self._tokenizer.encode(well_formed(text)))
        return _FRAME + sum(map(self._count_pieces, text.split()))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per query, shape (n, dimension)."""
        return self.encode_passages(texts, [()] * len(texts)).passages

    def encode_passages(
        self,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> EncodedPassages:
        """Return the vectors of passages and of the sentences in them; see `Encoder`."""
        work = list(zip(texts, sentences, strict=True))
        passages = np.empty((len(work), self._dimension), dtype=np.float32)
        pooled: list[Vectors] = [passages] * len(work)
        with closing(self._encode_all(work)) as encoded:
            for done, (index, (passage, spans)) in enumerate(encoded, start=1):
                passages[index], pooled[index] = passage, spans
                if progress is not None:
                    progress(done)
        return EncodedPassages(passages=passages, sentences=tuple(pooled))

    def _encode_all(
        self, work: Sequence[tuple[str, Sequence[Span]]]
    ) -> Generator[tuple[int, tuple[Vectors, Vectors]]]:
        """Yield each text's index and vectors, the longest first, so that no thread ends late."""
        order = sorted(range(len(work)), key=lambda index: -len(work[index][0]))
        if self._threads == 1 or len(work) <= 1:
            yield from ((index, self._encode(*work[index])) for index in order)
            return
        executor = ThreadPoolExecutor(min(self._threads, len(work)))
        try:
            yield from zip(
                order, executor.map(lambda i: self._encode(*work[i]), order), strict=True
            )
        finally:
            executor.shutdown(cancel_futures=True)

    def _encode(self, text: str, spans: Sequence[Span]) -> tuple[Vectors, Vectors]:
        """Return the vector of one text and those of spans in it."""
        pieces = self._tokenizer.encode(well_formed(text))
        kept = list(range(len(pieces)))
        if len(kept) > self._max_tokens:
            kept = [
                *kept[: self._max_tokens - 1],
                kept[-1],
            ]  # the last one is the closing special piece
        ids = np.array([pieces.ids], dtype=np.int64)[:, kept]
        starts = np.array([start for start, _ in pieces.offsets], dtype=np.int64)
        starts[np.array(pieces.special_tokens_mask, dtype=bool)] = -1
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        states: Vectors = self._session.run(None, feed)[0][0]
        return pool(states, starts[kept], spans)
