"""The mean of the weights of several runs that began with the same ones: one network, often better than each.

    python -m training.support.average --checkpoints FOLDER/cooled-STEP-700 OTHER/cooled-STEP-400 --out MEAN

Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time", ICML 2022.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.files import replace_file
from training.onnx_weights import onnx_weights
from training.reader.model import about, recipe_of, weights_of
from training.reader.train import CHECKPOINT


def main(arguments: Sequence[str] | None = None) -> None:
    """Average and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--checkpoints",
        type=Path,
        nargs="+",
        required=True,
        help="folders; behind them, model.onnx of what shipped",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the mean")
    args = parser.parse_args(arguments)
    files = [one if one.suffix == ".onnx" else one / CHECKPOINT for one in args.checkpoints]
    average(files, args.out / CHECKPOINT)


def average(checkpoints: Sequence[Path], out: Path) -> None:
    """Write the mean of the weights as a checkpoint without an optimiser: to be exported, not to be trained on.

    A weight that a file lacks, as what shipped lacks heads that only teach, is the mean of the others.

    Raises:
        SystemExit: the runs do not have the same recipe.
    """
    recipe = recipe_of(checkpoints[0])
    if any(recipe_of(one) != recipe for one in checkpoints if one.suffix != ".onnx"):
        raise SystemExit("Only runs of the same recipe are averaged.")
    runs = [about(one) for one in checkpoints if one.suffix != ".onnx"]
    weights = [
        onnx_weights(one) if one.suffix == ".onnx" else weights_of(one) for one in checkpoints
    ]
    mean = {
        f"weight/{name}": torch.stack(
            [each[name].float() for each in weights if name in each]
        ).mean(0)
        for name in weights[0]
    }
    run = {
        "step": sum(one["step"] for one in runs),
        "examples": sum(one["examples"] for one in runs),
        "recipe": asdict(recipe),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, lambda file: save_file(mean, file, {"run": json.dumps(run)}))


if __name__ == "__main__":
    main()
