"""Any extractive question-answering model of Hugging Face, by folder or by hub name; on a GPU where there is one.

Weights are read from safetensors only and no code of a model is run (`rag.hub`). Its probabilities are the model's
own, not calibrated: how much likelier it holds the best span of a sentence than no answer.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import ModelError
from rag.hub import first_line, model_folder
from rag.reader.neural import Calibration, NeuralReader, SpanLogits

_OWN_ODDS = Calibration(rank={"margin": 1.0}, sure={"margin": 1.0}, sure_bias=0.0, threshold=0.5)
_LONGEST = 384
"""Word pieces that are read at once, at most; what such models are mostly trained on."""
_STRIDE = 128
"""Word pieces that the windows of a long passage share."""
_REMEDY = "Check RAG_READER, or use the reader in the package: RAG_READER=builtin."


class HuggingFaceSpanModel:
    """Runs a `transformers` model over one question and one passage at a time; threads wait for each other.

    Args:
        model: an `AutoModelForQuestionAnswering`.
        tokenizer: its fast tokenizer.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:  # noqa: ANN401  (imported only when used)
        self._model = model
        self._tokenizer = tokenizer
        self._longest = min(
            _LONGEST,
            tokenizer.model_max_length,
            getattr(model.config, "max_position_embeddings", _LONGEST),
        )
        self._lock = threading.Lock()  # a fast tokenizer must not be used by two threads at once

    def read(self, question: str, text: str) -> Sequence[SpanLogits]:
        """Return the logits of a passage, window by window."""
        import torch

        question, text = (one.encode("utf-8", "replace").decode() for one in (question, text))
        with self._lock, torch.inference_mode():
            asked = self._tokenizer(question, add_special_tokens=False)["input_ids"]
            if len(asked) > self._longest // 4:  # most of what is read is to be the passage
                question = self._tokenizer.decode(asked[: self._longest // 4])
            framed = self._tokenizer(
                question,
                text,
                truncation="only_second",
                max_length=self._longest,
                stride=min(_STRIDE, self._longest // 4),
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
                return_tensors="pt",
                padding=True,
            )
            parts = [framed.sequence_ids(i) for i in range(len(framed["input_ids"]))]
            offsets = framed.pop("offset_mapping").numpy()
            framed.pop("overflow_to_sample_mapping")
            said = self._model(**framed.to(self._model.device))
            start, end = (one.float().cpu().numpy() for one in (said.start_logits, said.end_logits))
        return [
            _window(start[i], end[i], offsets[i], [part == 1 for part in parts[i]])
            for i in range(len(parts))
        ]


def open_model(name: str) -> NeuralReader:
    """Load a model.

    Args:
        name: a folder, or a name on the Hugging Face hub.

    Raises:
        ModelError: there is no such model, it cannot be fetched, or its files cannot be used.
    """
    folder = model_folder(name, what="reader", remedy=_REMEDY)
    return NeuralReader(_load(folder), name=name, calibration=_OWN_ODDS, threads=1)


def _window(start: Any, end: Any, offsets: Any, inside: Sequence[bool]) -> SpanLogits:  # noqa: ANN401
    """Keep the passage's own pieces; the model's first one stands for no answer."""
    kept = np.flatnonzero(np.array(inside) & (offsets[:, 1] > offsets[:, 0]))
    return SpanLogits(
        start=start[kept],
        end=end[kept],
        offsets=offsets[kept].astype(np.int64),
        null=float(start[0] + end[0]),
    )


def _load(folder: Path) -> HuggingFaceSpanModel:
    """Load a model from a folder, with nothing fetched, unpickled or executed."""
    try:
        import torch
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        safe = {"local_files_only": True, "trust_remote_code": False}
        model = AutoModelForQuestionAnswering.from_pretrained(folder, use_safetensors=True, **safe)
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, **safe)
        if not tokenizer.is_fast:
            raise ValueError("its tokenizer does not say which characters a piece stands for")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return HuggingFaceSpanModel(model.eval().to(device), tokenizer)
    except Exception as exc:  # a foreign model's files can fail in any way
        raise ModelError(
            f"The reader in {str(folder)!r} cannot be loaded: {first_line(exc)}. {_REMEDY}"
        ) from exc
