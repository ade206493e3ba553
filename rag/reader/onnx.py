"""The trained reader's network, run by ONNX Runtime: `training/reader/export.py` writes its folder.

One passage and one thread a run, as in the encoder: int8 activations are scaled by the largest value in a run, so
that only so a passage's logits do not depend on what it is read with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelError
from rag.reader.framing import SPECIAL, cut, framed
from rag.reader.neural import Calibration, NeuralReader, SpanLogits
from rag.weights import available_cores, read_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

LONGEST_QUESTION = 48
"""Word pieces that are read of a question; training reads no more."""
STRIDE = 128
"""Word pieces by which the windows of a long passage are apart, at most."""
_REMEDY = "Install the package again, or choose another reader with RAG_READER."


class OnnxSpanModel:
    """Runs the network over one question and one passage at a time; safe to share between threads.

    Args:
        session: takes input_ids, attention_mask and token_type_ids; gives start, end and answer.
        tokenizer: BERT's, neither padding nor truncating.
        max_tokens: word pieces of question, passage and frame that are read at once.
    """

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer, *, max_tokens: int) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens

    def read(self, question: str, text: str) -> Sequence[SpanLogits]:
        """Return the logits of a passage, window by window."""
        asked = cut(self._tokenizer, question).ids[:LONGEST_QUESTION]
        pieces = cut(self._tokenizer, text)
        offsets = inked(text, np.array(pieces.offsets, dtype=np.int64).reshape(-1, 2))
        room = self._max_tokens - SPECIAL - len(asked)
        last = max(len(pieces) - room, 0)
        return [
            self._run(asked, pieces.ids[begin : begin + room], offsets[begin : begin + room])
            for begin in sorted({*range(0, last, STRIDE), last})
        ]

    def _run(self, asked: list[int], pieces: list[int], offsets: Any) -> SpanLogits:  # noqa: ANN401
        """Run the network over one window."""
        opens = len(asked) + 2
        closes = opens + len(pieces)
        feed = framed(self._tokenizer, asked, pieces)
        start, end, answer = self._session.run(["start", "end", "answer"], feed)
        return SpanLogits(
            start=start[0, opens:closes],
            end=end[0, opens:closes],
            offsets=offsets,
            null=float(start[0, 0] + end[0, 0]),
            answer=float(answer[0]),
        )


def inked(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the characters of word pieces, shape (n, 2), without the space that some tokenizers put before a word."""
    inks = np.array([not one.isspace() for one in text] + [True], dtype=bool)
    following = np.flatnonzero(inks)
    starts = following[np.searchsorted(following, offsets[:, 0])]
    return np.stack([np.minimum(starts, offsets[:, 1]), offsets[:, 1]], axis=1)


def open_folder(folder: Path, *, threads: int | None = None) -> NeuralReader:
    """Load the reader in a folder that `training/reader/export.py` wrote.

    Args:
        folder: holds manifest.json and the files it lists.
        threads: passages read at the same time; by default as many as this process has cores.

    Raises:
        ModelError: a file is missing, differs from its SHA-256 in the manifest, or cannot be loaded.
    """
    weights = read_weights(folder, remedy=_REMEDY)
    manifest = weights.manifest
    try:
        fitted: Mapping[str, Any] = manifest["calibration"]
        return NeuralReader(
            OnnxSpanModel(
                weights.session(),
                weights.tokenizer(),
                max_tokens=manifest["max_tokens"],
            ),
            name=manifest["name"],
            calibration=Calibration(
                rank=fitted["rank"],
                sure=fitted["sure"],
                sure_bias=fitted["sure_bias"],
                threshold=fitted["threshold"],
            ),
            threads=threads or available_cores(),
        )
    except Exception as exc:  # both libraries raise classes without a base of their own
        raise ModelError(
            f"The reader in {str(folder)!r} cannot be loaded: {exc}. {_REMEDY}"
        ) from exc
