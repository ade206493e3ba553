"""Embedding: texts become vectors of unit length, passages and their sentences in one pass.

Knows nothing about what is done with vectors. Importing this room loads neither torch nor
onnxruntime.
"""

from __future__ import annotations

from rag.embedding.protocol import EncodedPassages, Encoder

__all__ = ["EncodedPassages", "Encoder", "load_encoder"]


def load_encoder(name: str) -> Encoder:
    """Load an encoder.

    Args:
        name: `builtin` for the one in the package, or a sentence-transformers model by its folder
            or by its name on the Hugging Face hub.

    Raises:
        ModelError: there is no such model, or its files cannot be used.
    """
    if name == "builtin":
        from rag.embedding.onnx import OnnxEncoder

        return OnnxEncoder.open()
    from rag.embedding.sentence_transformers import SentenceTransformerEncoder

    return SentenceTransformerEncoder.open(name)
