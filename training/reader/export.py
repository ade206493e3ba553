"""Make the files of a reader from a trained checkpoint, and measure what each form of them loses.

    python -m training.reader.export --checkpoint FOLDER/cooled-STEP --data squad2_train.json.gz [--out FOLDER]

1. Export the network by `torch.onnx.export`: ids, mask and types in, start, end and answer logits out.
2. Quantise it as the encoder is (int8, one scale a channel, MatMul and Gather), and store it in float16.
3. Judge the forms on all of SQuAD 2.0 dev. int8 is taken where it loses less than `MAX_LOSS` points of F1 on
   fp32, float16 otherwise.
4. Write model.onnx, tokenizer.json and manifest.json with sizes, SHA-256 sums and figures.

Its probabilities mean nothing before `training.reader.calibrate` was run on the folder.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rag.weights import open_session
from training.encoder.export import INPUTS, SOURCE_SHA256, quantise, write_json
from training.files import sha256
from training.reader.batches import Batch
from training.reader.data import load_tokenizer
from training.reader.evaluation import Logits, figures, guess, judging
from training.reader.model import ReaderNetwork, about, recipe_of, take_weights
from training.reader.squad import read_articles
from training.reader.train import CHECKPOINT, official_weights

OUTPUTS = ("start", "end", "answer")
FORMS = ("fp32", "int8", "fp16")
"""In the order in which they are judged, until one ships."""
MAX_LOSS = 1.0
"""Points of F1 that int8 may lose."""
MAX_BYTES = 30_000_000
PACKAGES = ("torch", "transformers", "onnx", "onnxruntime", "tokenizers")


def main(arguments: Sequence[str] | None = None) -> None:
    """Export, choose and write."""
    args = read_arguments(arguments)
    torch.set_num_threads(args.threads)
    checkpoint = args.checkpoint / CHECKPOINT
    weights = args.weights or official_weights()
    recipe = recipe_of(checkpoint)
    tokenizer = load_tokenizer(weights / "tokenizer.json")
    dev = judging(
        read_articles(args.dev or args.data.with_name("squad2_dev.json.gz")),
        tokenizer,
        n=args.sample,
        seed=0,
        longest=recipe.longest,
    )
    with tempfile.TemporaryDirectory() as scratch:
        forms = export_forms(load_network(checkpoint, weights), Path(scratch))
        measured: dict[str, dict[str, float]] = {}
        for form, path in forms.items():
            measured[form] = figures(dev, guess(onnx_model(path, args.threads), dev))
            print(form, json.dumps(measured[form]), flush=True)
            if ships(form, measured, path):
                break
        else:
            raise SystemExit(
                f"No form ships: int8 loses too much, fp16 has over {MAX_BYTES} bytes."
            )
        made = args.out
        made.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(forms[form], made / "model.onnx")
        shutil.copyfile(weights / "tokenizer.json", made / "tokenizer.json")
        manifest = describe(made, form, checkpoint, documents=args.documents) | {
            "calibration": {
                "rank": {"margin": 1.0},
                "sure": {"margin": 1.0},
                "sure_bias": 0.0,
                "threshold": 0.5,
            },
            "figures": measured,
        }
        write_json(made / "manifest.json", manifest)
    print(f"written to {args.out}")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says, or these words in its place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="folder of a run, best of a cooled one"
    )
    parser.add_argument("--data", type=Path, required=True, help="the file it was trained on")
    parser.add_argument("--documents", type=Path, help="those that it was trained on as well")
    parser.add_argument("--dev", type=Path, help="SQuAD 2.0 dev; default: beside --data")
    parser.add_argument("--weights", type=Path, help="folder of a BERT; default: the official one")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--sample", type=int, help="dev questions to judge by; default: all")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def load_network(checkpoint: Path, weights: Path) -> ReaderNetwork:
    """Return the trained network in float32."""
    network = ReaderNetwork.from_encoder(weights, seed=0, dropout=0.0)
    take_weights(network, checkpoint)
    return network.eval()


def export_forms(network: ReaderNetwork, folder: Path) -> dict[str, Path]:
    """Write the network in each form; return their files by name."""
    forms = {name: folder / f"{name}.onnx" for name in FORMS}
    export_fp32(network, forms["fp32"])
    quantise(forms["fp32"], forms["int8"])
    halve(forms["fp32"], forms["fp16"])
    return forms


def export_fp32(network: ReaderNetwork, out: Path) -> None:
    """Write the network as an ONNX graph with any number and length of texts."""
    example = torch.ones(2, 9, dtype=torch.long)
    axes: dict[str, dict[int, str]] = {
        name: {0: "batch", 1: "length"} for name in (*INPUTS, "start", "end")
    }
    with warnings.catch_warnings():
        # As for the encoder: deprecated, but the graph that quantising was measured on.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,) * len(INPUTS),
            out,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=axes | {"answer": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def halve(fp32: Path, out: Path) -> None:
    """Write the model with float16 weights and arithmetic; what goes in and comes out stays as it is."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(fp32), keep_io_types=True), out)


def onnx_model(path: Path, threads: int) -> Callable[[Batch], Logits]:
    """Return the file's answers, one example a run, as the program reads."""
    session = open_session(path, threads=threads)

    def model(batch: Batch) -> Logits:
        start = np.zeros(batch.ids.shape, dtype=np.float32)
        end, answer = np.zeros_like(start), np.zeros(batch.n, dtype=np.float32)
        for i in range(batch.n):
            length = int(batch.mask[i].sum())
            feed = zip(INPUTS, (batch.ids, batch.mask, batch.types), strict=True)
            said = session.run(OUTPUTS, {name: one[i : i + 1, :length] for name, one in feed})
            start[i, :length], end[i, :length], answer[i] = said[0][0], said[1][0], said[2][0]
        return Logits(start=start, end=end, answer=answer)

    return model


def ships(form: str, measured: Mapping[str, Mapping[str, float]], path: Path) -> bool:
    """Tell whether a form is small enough, and in int8 as good as fp32."""
    if form == "int8" and measured["fp32"]["best_f1"] - measured["int8"]["best_f1"] >= MAX_LOSS:
        return False
    return form != "fp32" and path.stat().st_size <= MAX_BYTES


def describe(made: Path, form: str, checkpoint: Path, *, documents: Path | None) -> dict[str, Any]:
    """Return the manifest but for what is measured."""
    run = about(checkpoint)
    more = {documents.name: sha256(documents)} if documents else {}
    return {
        "name": f"minilm-reader-{form}/4",
        "max_tokens": run["recipe"]["longest"],
        "files": {
            name: {"sha256": sha256(made / name), "bytes": (made / name).stat().st_size}
            for name in ("model.onnx", "tokenizer.json")
        },
        "made": {
            "encoder": "sentence-transformers/all-MiniLM-L6-v2, Apache-2.0",
            "model.safetensors": SOURCE_SHA256,
            "data": "SQuAD 2.0 (Rajpurkar, Jia and Liang 2018), CC BY-SA 4.0",
            **more,
            "steps": run["step"],
            "examples": run["examples"],
            "recipe": run["recipe"],
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    main()
