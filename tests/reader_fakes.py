"""Readers small enough to make in a test."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rag.embedding.onnx import SHIPPED
from rag.passages import units_of
from rag.reader.neural import SpanLogits
from rag.schema import Candidate, Passage, ScoredSentence, Source, Unit

TOKENIZER = SHIPPED / "tokenizer.json"


def candidate(*sentences: str, source: str = "a.txt", begin: int = 0) -> Candidate:
    """A candidate of these sentences, whose passage starts at character `begin` of its source."""
    made, start = [], begin
    for one in sentences:
        made.append(Unit(start=start, end=start + len(one)))
        start += len(one) + 1
    return _candidate(" ".join(sentences), made, source, begin)


def laid_out(text: str, *, source: str = "a.txt", begin: int = 0) -> Candidate:
    """A candidate whose passage is this text, its units as the program finds them; nothing stands before it."""
    made = Source(
        source_id="", title="", text="\n" * begin + text, sha256="", media_type="text/plain"
    )
    return _candidate(text, units_of(made), source, begin)


def _candidate(text: str, units: Iterable[Unit], source: str, begin: int) -> Candidate:
    """A candidate whose sentences are these units of its source."""
    scored = tuple(
        ScoredSentence(
            start=one.start,
            end=one.end,
            text=text[one.start - begin : one.end - begin],
            dense=0.5,
            lexical=0.5,
            kind=one.kind,
            path=one.path,
            cells=one.cells,
        )
        for one in units
    )
    passage = Passage(
        passage_id=f"{source}#{begin}-{begin + len(text)}",
        source_id=source,
        start=begin,
        end=begin + len(text),
        text=text,
        n_tokens=9,
    )
    return Candidate(passage=passage, dense=0.5, lexical=1.0, fused=0.5, sentences=scored)


class WordModel:
    """A span model to which a word is worth what the test says; each word is a piece."""

    def __init__(self, worth: dict[str, float], *, null: float = 0.0) -> None:
        self.worth = worth
        self.null = null

    def read(self, question: str, text: str) -> list[SpanLogits]:  # noqa: ARG002  (knows words only)
        """Return the worth of every word, as start and as end."""
        offsets, at = [], 0
        for word in text.split(" "):
            offsets.append((at, at + len(word)))
            at += len(word) + 1
        logits = np.array([self.worth.get(word, -5.0) for word in text.split(" ")], np.float32)
        return [
            SpanLogits(
                start=logits,
                end=logits,
                offsets=np.array(offsets, np.int64),
                null=self.null,
                answer=float(logits.max()),
            )
        ]


class FixedModel:
    """A span model that says the same of every passage."""

    def __init__(self, *windows: SpanLogits) -> None:
        self.windows = windows

    def read(self, question: str, text: str) -> tuple[SpanLogits, ...]:  # noqa: ARG002  (says the same)
        """Return what the test gave."""
        return self.windows


def save_word_reader(folder: Path, worth: dict[str, float], *, max_tokens: int = 64) -> Path:
    """Save an ONNX reader to which a word piece is worth what the test says; needs the package onnx."""
    from onnx import TensorProto, helper, numpy_helper, save
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    table = np.full(tokenizer.get_vocab_size(), -5.0, dtype=np.float32)
    for word, value in worth.items():
        table[tokenizer.token_to_id(word)] = value
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["start"]),
            helper.make_node("Identity", ["start"], ["end"]),
            helper.make_node("ReduceMax", ["start"], ["answer"], axes=[1], keepdims=0),
        ],
        "words",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "length"]) for n in names],
        [
            helper.make_tensor_value_info("start", TensorProto.FLOAT, ["n", "length"]),
            helper.make_tensor_value_info("end", TensorProto.FLOAT, ["n", "length"]),
            helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n"]),
        ],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    folder.mkdir(parents=True, exist_ok=True)
    save(model, folder / "model.onnx")
    shutil.copyfile(TOKENIZER, folder / "tokenizer.json")
    manifest = {
        "name": "words/1",
        "max_tokens": max_tokens,
        "calibration": {
            "rank": {"margin": 1.0},
            "sure": {"margin": 1.0},
            "sure_bias": 0.0,
            "threshold": 0.4,
        },
        "files": {
            name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
            for name in ("model.onnx", "tokenizer.json")
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def save_tiny_reader(folder: Path, *, seed: int = 0) -> Path:
    """Save a random BERT for question answering as safetensors, with its tokenizer."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(TOKENIZER),
        model_max_length=64,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")},
    ).save_pretrained(folder)
    return folder
