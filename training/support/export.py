"""Make the files of the support model from a trained checkpoint, and measure what int8 loses.

    python -m training.support.export --checkpoint FOLDER/cooled-STEP --data FILES --out FOLDER

1. Export the network by `torch.onnx.export`: ids, mask and types in, one logit out.
2. Quantise it as the encoder is, and store it in float16.
3. Calibrate on pairs of articles that were never trained on, and `--dev`, each evidence read at once: the sets have the
   same weight.
4. Judge on some of these pairs amid other texts, and on `--judge`, sentences read closely. int8 is taken where it loses
   less than `MAX_LOSS` points of AUROC on fp32 over the sets it was calibrated on, float16 otherwise.
5. Write model.onnx, tokenizer.json and manifest.json with sizes, SHA-256 sums, calibration and figures.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from eval.benchmarks.collection import SupportPair
from rag.evaluation.measures import auroc
from rag.weights import open_session
from training.encoder.export import INPUTS, SOURCE_SHA256, quantise, write_json
from training.files import sha256
from training.reader.batches import Batch
from training.reader.data import load_tokenizer
from training.reader.export import MAX_BYTES, PACKAGES, halve
from training.reader.model import ReaderNetwork, about, recipe_of
from training.reader.train import CHECKPOINT, official_weights
from training.support.data import LONGEST
from training.support.evaluation import (
    ClaimJudging,
    SupportScorer,
    figures,
    judging,
    read_pairs,
    scores,
)
from training.support.model import SupportOnly, new_network
from training.support.train import add_thesaurus, dev_pairs
from training.support.wordnet import thesaurus_sha256

if TYPE_CHECKING:
    from tokenizers import Tokenizer

OUTPUT = "support"
MAX_LOSS = 0.01
"""AUROC, 0..1, that int8 may lose."""
LEAST_SLOPE = 0.05
"""Of the logistic curve; below it a logit means nothing, or the opposite."""
OWN_SAMPLE, LONG_SAMPLE = 2000, 500
"""Pairs of held-out articles to calibrate on, and to judge on amid others."""
AMID = 8
"""Evidences of other pairs that a pair is put amid."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Export, choose, calibrate and write."""
    args = read_arguments(arguments)
    torch.set_num_threads(args.threads)
    checkpoint = args.checkpoint / CHECKPOINT
    weights = args.weights or official_weights()
    tokenizer = load_tokenizer(weights / "tokenizer.json")
    own = own_sets(args, tokenizer)
    apart = judged_sets(args, tokenizer)
    with tempfile.TemporaryDirectory() as scratch:
        network = new_network(weights, recipe_of(checkpoint), begin=checkpoint)
        forms = export_forms(network, Path(scratch))
        form = choose(own, forms, args.threads)
        model = onnx_model(forms[form], args.threads)
        said = {name: scores(model, one) for name, one in (own | apart).items()}
        calibration = calibrate({name: said[name] for name in own}, own)
        threshold = -calibration["bias"] / calibration["slope"]
        measured = {
            name: figures(said[name], one.true, threshold=threshold)
            for name, one in (own | apart).items()
        }
        args.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(forms[form], args.out / "model.onnx")
        shutil.copyfile(weights / "tokenizer.json", args.out / "tokenizer.json")
        data = [*args.data, *([args.written] if args.written else [])]
        manifest = describe(args.out, form, checkpoint, data, args.thesaurus)
        manifest |= {"calibration": calibration, "figures": measured}
        write_json(args.out / "manifest.json", manifest)
    print(json.dumps(measured, indent=2))
    print(f"written to {args.out}")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says, or these words in its place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="folder of a run, best of a cooled one"
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="what it was trained on"
    )
    add_thesaurus(parser)
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="claims to calibrate on")
    parser.add_argument("--judge", type=Path, nargs="*", default=[], help="claims to judge by")
    parser.add_argument("--weights", type=Path, help="folder of a BERT; default: the official one")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of the run")
    parser.add_argument("--sample", type=int, help="pairs of each set; default: all")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def own_sets(args: argparse.Namespace, tokenizer: Tokenizer) -> dict[str, ClaimJudging]:
    """Return what is calibrated on: pairs of held-out articles, and `--dev`."""
    named = dev_pairs(args)
    named["made"] = _sample(named["made"], args.seed)
    return {name: judging(pairs, tokenizer, n=args.sample) for name, pairs in named.items()}


def judged_sets(args: argparse.Namespace, tokenizer: Tokenizer) -> dict[str, ClaimJudging]:
    """Return what nothing is fitted on: some of the same pairs amid other texts, and `--judge`."""
    made = _sample(dev_pairs(args)["made"], args.seed)[:LONG_SAMPLE]
    named = {"made_long": amid_others(made)}
    for path in args.judge:
        named |= read_pairs(path)
    return {
        name: judging(pairs, tokenizer, n=args.sample, closely=True)
        for name, pairs in named.items()
    }


def _sample(pairs: Sequence[SupportPair], seed: int) -> list[SupportPair]:
    return random.Random(seed).sample(pairs, min(OWN_SAMPLE, len(pairs)))


def amid_others(pairs: Sequence[SupportPair]) -> list[SupportPair]:
    """Return the pairs with evidence of other pairs before and behind their own."""
    long = []
    for at, pair in enumerate(pairs):
        others = [pairs[(at + step) % len(pairs)].evidence for step in range(1, 1 + AMID)]
        whole = "\n".join([*others[::2], pair.evidence, *others[1::2]])
        long.append(replace(pair, evidence=whole))
    return long


def export_forms(network: ReaderNetwork, folder: Path) -> dict[str, Path]:
    """Write the network in each form; return their files by name."""
    forms = {name: folder / f"{name}.onnx" for name in ("fp32", "int8", "fp16")}
    example = torch.ones(2, 9, dtype=torch.long)
    with warnings.catch_warnings():
        # As for the encoder: deprecated, but the graph that quantising was measured on.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            SupportOnly(network.eval()),
            (example,) * len(INPUTS),
            forms["fp32"],
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in INPUTS}
            | {OUTPUT: {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
    quantise(forms["fp32"], forms["int8"])
    halve(forms["fp32"], forms["fp16"])
    return forms


def onnx_model(path: Path, threads: int) -> SupportScorer:
    """Return the file's answers, one pair a run, as the program reads; so many runs at the same time."""
    session = open_session(path, threads=1)

    def model(batch: Batch) -> NDArray[np.float32]:
        def run(i: int) -> float:
            length = int(batch.mask[i].sum())
            feed = zip(INPUTS, (batch.ids, batch.mask, batch.types), strict=True)
            said = session.run([OUTPUT], {name: one[i : i + 1, :length] for name, one in feed})
            return float(said[0][0])

        with ThreadPoolExecutor(threads) as executor:
            return np.array(list(executor.map(run, range(batch.n))), dtype=np.float32)

    return model


def choose(own: Mapping[str, ClaimJudging], forms: Mapping[str, Path], threads: int) -> str:
    """Return the form that ships; stop where it is too large to."""
    means = {}
    for form in ("fp32", "int8"):
        model = onnx_model(forms[form], threads)
        found = [auroc(scores(model, one), one.true) for one in own.values()]
        means[form] = float(np.mean(found))
    print(json.dumps({form: round(value, 4) for form, value in means.items()}), flush=True)
    form = "int8" if means["fp32"] - means["int8"] < MAX_LOSS else "fp16"
    if (size := forms[form].stat().st_size) > MAX_BYTES:
        raise SystemExit(f"{form} has {size} bytes, more than {MAX_BYTES}; nothing was written.")
    return form


def calibrate(
    said: Mapping[str, NDArray[np.float64]], own: Mapping[str, ClaimJudging]
) -> dict[str, float]:
    """Fit the probability of support (Platt 1999); all sets, and in each both classes, weigh the same."""
    x = np.concatenate([said[name] for name in own])
    y = np.concatenate([np.array(one.true) for one in own.values()])
    weight = np.concatenate(
        [
            np.where(one.true, 0.5 / np.mean(one.true), 0.5 / (1 - np.mean(one.true)))
            / len(one.true)
            for one in own.values()
        ]
    )
    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(
        x[:, None], y, sample_weight=weight * len(x) / len(own)
    )
    if (slope := float(fitted.coef_[0][0])) < LEAST_SLOPE:
        raise SystemExit(
            f"The model does not tell support on held-out pairs (slope {slope:.4f}); nothing was"
            " written. Train it longer."
        )
    return {
        "slope": round(slope, 5),
        "bias": round(float(fitted.intercept_[0]), 5),
    }


def describe(
    made: Path, form: str, checkpoint: Path, data: Sequence[Path], thesaurus: Path | None
) -> dict[str, Any]:
    """Return the manifest but for what is measured."""
    run = about(checkpoint)
    return {
        "name": f"minilm-support-{form}/3",
        "max_tokens": LONGEST,
        "files": {
            name: {"sha256": sha256(made / name), "bytes": (made / name).stat().st_size}
            for name in ("model.onnx", "tokenizer.json")
        },
        "made": {
            "encoder": "sentence-transformers/all-MiniLM-L6-v2, Apache-2.0",
            "model.safetensors": SOURCE_SHA256,
            "data": {path.name: sha256(path) for path in data},
            "credits": "SQuAD 2.0 (Rajpurkar, Jia and Liang 2018), CC BY-SA 4.0; QAMR (Michael et al."
            " 2018), MIT; PolicyQA (Ahmad et al. 2020), MIT"
            + ("; WordNet 3.0 (Princeton University 2006), WordNet licence" if thesaurus else ""),
            "thesaurus": thesaurus_sha256(thesaurus) if thesaurus else None,
            "steps": run["step"],
            "examples": run["examples"],
            "recipe": run["recipe"],
        },
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    main()
