"""Any sentence-transformers model by folder or by hub name; on a GPU where there is one.

Weights are read from safetensors only and no code of a model is run. The network is used only for a
name that is neither a folder nor in the hub's cache on this machine.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rag.embedding.pooling import pool, unit, well_formed
from rag.embedding.protocol import EncodedPassages
from rag.errors import ModelError

if TYPE_CHECKING:
    from rag.schema import Span, Vectors

    _Encoded: TypeAlias = tuple[Vectors, Vectors]
    """Of one passage: its vector, shape (d,), and those of its sentences, shape (n, d)."""

_BATCH = 32
_UNBOUNDED = 1_000_000
"""Word pieces that a model reads which sets no bound; such models state infinity or 10^30."""
_PROMPTS = ("document", "passage", "corpus")
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What is fetched from the hub: weights, vocabularies and configuration; no pickles, no code."""


class SentenceTransformerEncoder:
    """Encodes with a sentence-transformers model, and its prompts for queries and passages.

    Where the model's vector is the mean of its word pieces, sentences are pooled from their passage
    (late chunking); elsewhere each is encoded by itself. Calls from several threads wait for each
    other. Vectors may differ in their last bits with the texts they are encoded with.

    Args:
        model: a `sentence_transformers.SentenceTransformer`.
        name: stamped in the index.
    """

    def __init__(self, *, model: Any, name: str) -> None:  # noqa: ANN401  (imported only when used)
        self._model = model
        self._name = name
        self._prompt = next((model.prompts[key] for key in _PROMPTS if model.prompts.get(key)), "")
        self._lock = threading.Lock()  # its tokenizer must not be used by two threads at once
        self._dimension = int(model.get_embedding_dimension())
        self._max_tokens = _max_tokens(model)
        self._pools_late = _pools_late(model, self._prompt)

    @classmethod
    def open(cls, name: str, *, device: str | None = None) -> SentenceTransformerEncoder:
        """Load a model.

        Args:
            name: a folder, or a name on the Hugging Face hub; one without an owner is taken to be
                of `sentence-transformers`.
            device: such as `cpu` or `cuda:1`; by default a GPU where there is one.

        Raises:
            ModelError: there is no such model, it cannot be fetched, or its files cannot be used.
        """
        base = name.rpartition("/")[2]
        if _is_path(name):
            folder = Path(name).expanduser().resolve()
            base, model = folder.name, _load(folder, device)
        else:
            try:
                model = _load(_fetch(name, offline=True), device)
            except ModelError:  # not in the cache, or not all of it
                model = _load(_fetch(name, offline=False), device)
        return cls(model=model, name=f"{base}/{_fingerprint(model)}")

    @property
    def name(self) -> str:
        """The model's name, and a fingerprint of its weights and of how they are used."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Most word pieces that are read, those of the model's prompt and special ones included."""
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        """Return how many word pieces `text` has as a passage, with prompt and special pieces."""
        text = self._prompt + well_formed(text)
        tokenizer = self._model.tokenizer
        with self._lock:
            if not callable(tokenizer):  # static models have a plain one
                return len(tokenizer.encode(text))
            return len(tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per query, shape (n, dimension)."""
        return self._encode(self._model.encode_query, [well_formed(text) for text in texts])

    def encode_passages(
        self,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> EncodedPassages:
        """Return the vectors of passages and of the sentences in them; see `Encoder`."""
        work = [(well_formed(text), spans) for text, spans in zip(texts, sentences, strict=True)]
        passages = np.empty((len(work), self._dimension), dtype=np.float32)
        pooled: list[Vectors] = [passages] * len(work)
        order = sorted(range(len(work)), key=lambda index: -len(work[index][0]))
        encode = self._batch_late if self._pools_late else self._batch_apart
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            for index, found in zip(batch, encode([work[i] for i in batch]), strict=True):
                passages[index], pooled[index] = found
            if progress is not None:
                progress(start + len(batch))
        return EncodedPassages(passages=passages, sentences=tuple(pooled))

    def _batch_late(self, work: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[_Encoded]:
        """Yield the vectors of passages, and those of sentences pooled from their word pieces."""
        with self._lock:
            pieces = self._model.tokenizer(
                [self._prompt + text for text, _ in work],
                truncation=True,
                max_length=self._max_tokens,
                return_offsets_mapping=True,
            )
            encoded = self._model.encode_document(
                [text for text, _ in work],
                prompt=self._prompt,
                output_value=None,
                batch_size=_BATCH,
                show_progress_bar=False,
            )
        for row, (found, one) in enumerate(zip(encoded, work, strict=True)):
            mask = found["attention_mask"].bool()
            if found["input_ids"][mask].tolist() != pieces["input_ids"][row]:
                yield from self._batch_apart([one])  # the model changes a text before it reads it
                continue
            offsets = np.array(pieces["offset_mapping"][row], dtype=np.int64) - len(self._prompt)
            # Without a character are special pieces; the prompt's, which start before 0, count so.
            starts = np.where(offsets[:, 1] > offsets[:, 0], offsets[:, 0], -1)
            yield pool(found["token_embeddings"][mask].float().cpu().numpy(), starts, one[1])

    def _batch_apart(self, work: Sequence[tuple[str, Sequence[Span]]]) -> Iterator[_Encoded]:
        """Yield the vectors of passages, and those of sentences encoded each by itself."""
        encode = partial(self._model.encode_document, prompt=self._prompt)
        wholes = self._encode(encode, [text for text, _ in work])
        vectors = self._encode(
            encode, [text[s.start : s.end] for text, spans in work for s in spans]
        )
        first = 0
        for whole, (text, spans) in zip(wholes, work, strict=True):
            own = vectors[first : first + len(spans)]
            own[[not text[span.start : span.end].strip() for span in spans]] = whole
            yield whole, own
            first += len(spans)

    def _encode(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        """Encode texts by one of the model's methods."""
        if not texts:
            return np.empty((0, self._dimension), dtype=np.float32)
        with self._lock:
            return unit(encode(list(texts), batch_size=_BATCH, show_progress_bar=False))


def _is_path(name: str) -> bool:
    """Tell a folder from a name on the hub, which has at most one slash and no dot before it."""
    return Path(name).exists() or name.startswith((".", "~", "/")) or name.count("/") > 1


def _fetch(name: str, *, offline: bool) -> Path:
    """Return the folder of a model of the hub, in the cache on this machine."""
    from huggingface_hub import snapshot_download

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(
            snapshot_download(repository, allow_patterns=list(_FILES), local_files_only=offline)
        )
    except Exception as exc:  # the hub raises errors of several libraries
        raise ModelError(
            f"The encoder {name!r} is no folder, and cannot be fetched from the Hugging Face hub"
            f" ({_first_line(exc)}). Check RAG_ENCODER and the connection, or give a folder's path."
        ) from exc


def _load(folder: Path, device: str | None) -> Any:  # noqa: ANN401  (imported only when used)
    """Load a model from a folder, with nothing fetched, unpickled or executed."""
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise ModelError(
            f"There is no sentence-transformers model in {str(folder)!r}: neither modules.json nor"
            " config.json is there. Check RAG_ENCODER."
        )
    for pickle in [*folder.glob("pytorch_model.bin"), *folder.glob("*/pytorch_model.bin")]:
        if not any(pickle.parent.glob("*.safetensors")):
            raise ModelError(
                f"{str(pickle)!r} is a pickle, which can run code when it is read. Save the model"
                " as safetensors (model.save_pretrained), or choose another with RAG_ENCODER."
            )
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        return SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        ).eval()
    except Exception as exc:  # a foreign model's files can fail in any way
        raise ModelError(
            f"The encoder in {str(folder)!r} cannot be loaded: {_first_line(exc)}. Check that it is"
            " a complete sentence-transformers model, or choose another with RAG_ENCODER."
        ) from exc


def _max_tokens(model: Any) -> int:  # noqa: ANN401  (imported only when used)
    """Return how many word pieces the model reads; its tokenizer's bound where it states none."""
    bound = model.max_seq_length or getattr(model.tokenizer, "model_max_length", _UNBOUNDED)
    return int(min(bound, _UNBOUNDED))


def _pools_late(model: Any, prompt: str) -> bool:  # noqa: ANN401  (imported only when used)
    """Say whether the model's vector is the mean of the states of all of its word pieces."""
    from sentence_transformers.sentence_transformer.modules import (
        Normalize,
        Pooling,
        Transformer,
    )

    reads, *rest = model
    if not isinstance(reads, Transformer) or not getattr(model.tokenizer, "is_fast", False):
        return False
    if not rest or not isinstance(rest[0], Pooling) or rest[0].pooling_mode != "mean":
        return False
    return (rest[0].include_prompt or not prompt) and all(
        isinstance(m, Normalize) for m in rest[1:]
    )


def _fingerprint(model: Any) -> str:  # noqa: ANN401  (imported only when used)
    """Return 12 hex digits that change with the weights, the modules, the prompts and the bound.

    A few values of every tensor tell one training of a model from another; reading all would cost
    seconds with a large one.
    """
    digest = hashlib.sha256()
    settings = [[type(module).__name__, getattr(module, "pooling_mode", "")] for module in model]
    digest.update(repr((settings, sorted(model.prompts.items()), _max_tokens(model))).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten()[:16].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def _first_line(exc: Exception) -> str:
    """Return what is wrong without the advice that libraries append to it."""
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0].rstrip(".")
