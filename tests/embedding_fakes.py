"""A sentence-transformers model small enough to make in a test; its vectors mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rag.embedding.onnx import SHIPPED

Kind = Literal["mean", "cls", "prompted"]
PROMPTS = {"query": "question: ", "document": "passage: "}


def save_tiny_model(folder: Path, kind: Kind, *, seed: int = 0) -> Path:
    """Save a random BERT of two layers as safetensors, with the pooling or prompts of its kind."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    bert, model = folder / "bert", folder / f"tiny-{kind}"
    BertModel(config).save_pretrained(bert)
    PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED / "tokenizer.json"),
        **{f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")},
    ).save_pretrained(bert)
    modules = [
        Transformer(str(bert), max_seq_length=64),
        Pooling(32, pooling_mode="cls" if kind == "cls" else "mean"),
        Normalize(),
    ]
    prompts = PROMPTS if kind == "prompted" else None
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(model))
    return model
