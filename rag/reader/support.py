"""The trained support model: how well sentences bear out a claim, read together by a network of ONNX Runtime.

`training/support/export.py` writes its folder. A logistic curve over the network's logit, fitted on claims that it was
not trained on, makes it a probability (Platt 1999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ModelError
from rag.reader.framing import SPECIAL, cut, framed
from rag.weights import available_cores, read_weights

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

LONGEST_CLAIM = 96
"""Word pieces that are read of a claim; training reads no more."""
STRIDE = 96
"""Word pieces by which the windows of a long text are apart, at most."""
REMEMBERED = 4096
"""Claims and texts whose score is kept: the checks ask for many of them several times."""
_REMEDY = "Check RAG_SUPPORT, or leave it unset."


class SupportModel:
    """Reads a claim with one text at a time; safe to share between threads.

    Several texts are not read in one run: int8 activations are scaled by the largest value in a run, and a score must
    not depend on what else is read.

    Args:
        session: takes input_ids, attention_mask and token_type_ids; gives support, one logit a row.
        tokenizer: BERT's, neither padding nor truncating.
        name: with its version.
        max_tokens: word pieces of claim, text and frame that are read at once.
        slope: of the logistic curve over the logit.
        bias: of the curve.
        threads: texts read at the same time.
    """

    def __init__(
        self,
        session: InferenceSession,
        tokenizer: Tokenizer,
        *,
        name: str,
        max_tokens: int,
        slope: float,
        bias: float,
        threads: int,
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._name = name
        self._max_tokens = max_tokens
        self._slope, self._bias = slope, bias
        self._threads = threads
        self._score = lru_cache(maxsize=REMEMBERED)(self._read)

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return self._name

    def support(self, claim: str, sentences: Sequence[str]) -> list[float]:
        """Return how likely each sentence supports the claim, 0..1; a `rag.citations.Support`.

        A text too long to be read at once supports as well as its best window.
        """
        if self._threads == 1 or len(sentences) <= 1:
            return [self._score(claim, one) for one in sentences]
        with ThreadPoolExecutor(min(self._threads, len(sentences))) as executor:
            return list(executor.map(lambda one: self._score(claim, one), sentences))

    def _read(self, claim: str, text: str) -> float:
        """Return how likely a text supports the claim."""
        said = cut(self._tokenizer, claim).ids[:LONGEST_CLAIM]
        pieces = cut(self._tokenizer, text).ids
        if not said or not pieces:
            return 0.0
        room = self._max_tokens - SPECIAL - len(said)
        last = max(len(pieces) - room, 0)
        begins = sorted({*range(0, last, STRIDE), last})
        logit = max(self._run(said, pieces[begin : begin + room]) for begin in begins)
        odds = self._slope * logit + self._bias
        return 1 / (1 + math.exp(-max(min(odds, 50.0), -50.0)))

    def _run(self, claim: list[int], pieces: list[int]) -> float:
        """Return the network's logit for one window."""
        feed = framed(self._tokenizer, claim, pieces)
        return float(self._session.run(["support"], feed)[0][0])


def open_support(folder: Path, *, threads: int | None = None) -> SupportModel:
    """Load the support model in a folder that `training/support/export.py` wrote.

    Args:
        folder: holds manifest.json and the files it lists.
        threads: texts read at the same time; by default as many as this process has cores.

    Raises:
        ModelError: a file is missing, differs from its SHA-256 in the manifest, or cannot be loaded.
    """
    weights = read_weights(folder, remedy=_REMEDY)
    manifest = weights.manifest
    try:
        return SupportModel(
            weights.session(),
            weights.tokenizer(),
            name=manifest["name"],
            max_tokens=manifest["max_tokens"],
            slope=manifest["calibration"]["slope"],
            bias=manifest["calibration"]["bias"],
            threads=threads or available_cores(),
        )
    except Exception as exc:  # both libraries raise classes without a base of their own
        raise ModelError(
            f"The support model in {str(folder)!r} cannot be loaded: {exc}. {_REMEDY}"
        ) from exc
