"""Train the reader that ships in the package: find, in a passage, the words that answer a question.

    python -m training.reader.train --data squad2_train.json.gz --out FOLDER

A run has no planned end. After a short warm-up the learning rate stays (WSD: Hu et al. 2024, "MiniCPM"), a
checkpoint is kept every few minutes, and the same command goes on from it after any stop. At any time

    python -m training.reader.train --data squad2_train.json.gz --out FOLDER --cooldown 1000

brings a copy of the latest checkpoint to rest, at FOLDER/cooled-STEP, and leaves the run itself alone. See
training/README.md.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from training.encoder.export import check_weights, find_weights
from training.files import replace_file
from training.reader.batches import Batch, batches
from training.reader.data import Documents, load_tokenizer, prepare
from training.reader.evaluation import Judging, Logits, figures, guess, judging
from training.reader.model import (
    Losses,
    ReaderNetwork,
    Recipe,
    Trainer,
    about,
    recipe_of,
    take_weights,
    to_tensors,
)
from training.reader.squad import read_articles

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
SPOKEN = 20
"""Steps from one line on the losses to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When to do what besides learning; has no influence on the weights."""

    evaluate_every: int
    """Steps from one judging to the next."""
    save_every: float
    """Seconds from one checkpoint to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of a run: with the rate and the texts of one."""

    folder: Path
    last: int
    """Step to stop after."""
    rate: Callable[[int], float]
    """Learning rate by step."""
    longest: int
    """Word pieces of one example at most."""


class Taken(NamedTuple):
    """A step that was taken."""

    n: int
    """Examples."""
    seconds: float
    losses: Losses


def main(arguments: Sequence[str] | None = None) -> None:
    """Train until stopped, or cool down."""
    args = read_arguments(arguments)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    weights = args.weights or official_weights()
    recipe = recipe_from(args)
    stage = stage_of(args, recipe)
    with locked(stage.folder):
        prepared = prepare(
            args.data,
            judged_files(args),
            weights / "tokenizer.json",
            args.out / "data.npz",
            seed=args.seed,
            documents=Documents(args.documents, args.times) if args.documents else None,
        )
        network = ReaderNetwork.from_encoder(weights, seed=recipe.seed, dropout=recipe.dropout)
        seen = follow(network, recipe, args.begin) if args.begin else 0
        trainer = Trainer(network, recipe, torch.device(args.device))
        trainer.examples = seen
        go_on(trainer, stage.folder / CHECKPOINT)
        stream = batches(
            prepared,
            seed=recipe.seed,
            pieces=recipe.pieces,
            longest=stage.longest,
            seen=trainer.examples,
        )
        sample = dev_sample(args, weights, recipe)
        train(
            trainer,
            stream,
            stage,
            pace=Pace(evaluate_every=args.evaluate_every, save_every=args.save_every),
            means=means,
            judge=lambda: figures(sample, guess(as_model(trainer), sample)),
        )


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says, or these words in its place."""
    usual = Recipe()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="SQuAD 2.0 train, .json or .gz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--dev", type=Path, help="SQuAD 2.0 dev; default: beside --data")
    parser.add_argument(
        "--judged", type=Path, nargs="*", help="never trained on; default: all files beside --data"
    )
    parser.add_argument("--documents", type=Path, help="more to train on, in the same layout")
    parser.add_argument(
        "--times", type=int, default=6, help="how often their questions are asked an epoch"
    )
    add_run_options(parser, usual)
    parser.add_argument(
        "--short", type=int, default=usual.short, help="word pieces an example until cooling down"
    )
    parser.add_argument("--sample", type=int, default=1000, help="dev questions to judge by")
    parser.add_argument("--evaluate-every", type=int, default=500, help="steps")
    parser.add_argument("--save-every", type=float, default=300, help="seconds")
    return parser.parse_args(arguments)


def add_run_options(parser: argparse.ArgumentParser, usual: Recipe) -> None:
    """Add the options that every run has, whatever it trains."""
    parser.add_argument("--weights", type=Path, help="folder of a BERT; default: the official one")
    parser.add_argument(
        "--begin", type=Path, help="another run's checkpoint, or a model.onnx, to go on from"
    )
    parser.add_argument("--steps", type=int, default=10**9, help="stop after so many")
    parser.add_argument("--cooldown", type=int, default=0, help="bring a copy to rest in N steps")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--rate", type=float, default=usual.rate, help="default: %(default)s")
    parser.add_argument("--dropout", type=float, default=usual.dropout)
    parser.add_argument("--pieces", type=int, default=usual.pieces, help="word pieces a batch")
    parser.add_argument(
        "--freeze-embeddings",
        action=argparse.BooleanOptionalAction,
        default=not torch.cuda.is_available(),
        help="default: where there is no GPU",
    )
    parser.add_argument(
        "--freeze-layers", type=int, default=0, help="lowest layers that stay as they are"
    )
    parser.add_argument(
        "--bf16",
        action=argparse.BooleanOptionalAction,
        default=computes_bfloat16(),
        help="default: where the machine computes with it",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))


def computes_bfloat16() -> bool:
    """Tell whether bfloat16 saves time here; a processor without AVX-512 takes many times longer."""
    return torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() != "AVX2"


def recipe_from(args: argparse.Namespace) -> Recipe:
    """Return what the command line says of the weights to come."""
    return Recipe(
        seed=args.seed,
        rate=args.rate,
        dropout=args.dropout,
        pieces=args.pieces,
        short=args.short,
        freeze_embeddings=args.freeze_embeddings,
        freeze_layers=args.freeze_layers,
        bf16=args.bf16,
    )


def judged_files(args: argparse.Namespace) -> list[Path]:
    """Return the files of which nothing is trained on."""
    beside = sorted(args.data.parent.glob("*.json*"))
    return args.judged or [one for one in beside if one != args.data]


def dev_sample(args: argparse.Namespace, weights: Path, recipe: Recipe) -> Judging:
    """Return the questions to judge by, the same for a seed."""
    return judging(
        read_articles(args.dev or args.data.with_name("squad2_dev.json.gz")),
        load_tokenizer(weights / "tokenizer.json"),
        n=args.sample,
        seed=args.seed,
        longest=recipe.longest,
    )


def official_weights() -> Path:
    """Return the folder of the official encoder, its SHA-256 checked."""
    weights = find_weights()
    check_weights(weights)
    return weights


def follow(network: ReaderNetwork, recipe: Recipe, trained_in: Path) -> int:
    """Put the weights of another run in; return how many examples it has seen, for the order to go on there.

    Args:
        network: takes the weights.
        recipe: of the run to come.
        trained_in: the other run's checkpoint, or the ONNX file of one that shipped, its manifest beside it.

    Raises:
        SystemExit: the seeds differ, by which the articles are chosen that are kept back for calibrating.
    """
    run = about(trained_in)
    if run["recipe"]["seed"] != recipe.seed:
        raise SystemExit(
            f"{trained_in} was trained with seed {run['recipe']['seed']}, which decides the articles"
            " that are kept back: give the same."
        )
    take_weights(network, trained_in)
    return int(run["examples"])


def go_on(trainer: Trainer, checkpoint: Path) -> None:
    """Go on from the checkpoint where there is one."""
    if not checkpoint.is_file():
        return
    if (other := recipe_of(checkpoint)) != trainer.recipe:
        raise SystemExit(
            f"{checkpoint} was trained as {other}, not as {trainer.recipe}: give the same options,"
            " or another --out."
        )
    trainer.load(checkpoint)


def stage_of(args: argparse.Namespace, recipe: Recipe) -> Stage:
    """Return what the command line asks for: to go on, or to bring a copy to rest."""
    if not args.cooldown:
        rate = constant(recipe)
        return Stage(folder=args.out, last=args.steps, rate=rate, longest=recipe.short)
    folder, first, last = cooling_folder(args.out, args.cooldown)
    rate = cooling(recipe, first, last)
    return Stage(folder=folder, last=last, rate=rate, longest=recipe.longest)


def constant(recipe: Recipe) -> Callable[[int], float]:
    """Return the learning rate by step: up to `recipe.rate`, and there it stays."""
    return lambda step: recipe.rate * min(1.0, (step + 1) / recipe.warmup)


def cooling(recipe: Recipe, first: int, last: int) -> Callable[[int], float]:
    """Return the learning rate by step: in a straight line from `recipe.rate` at `first` to nothing."""
    return lambda step: recipe.rate * max(0.0, (last - step) / (last - first))


def cooling_folder(out: Path, steps: int) -> tuple[Path, int, int]:
    """Return the folder to cool down in, its first step and its last.

    A cooling of so many steps that was stopped goes on; otherwise the run's checkpoint is copied to a new one.
    """
    for folder in sorted(out.glob(f"cooled-*-{steps}")):
        first = int(folder.name.split("-")[1])
        if (folder / CHECKPOINT).is_file() and about(folder / CHECKPOINT)["step"] < first + steps:
            return folder, first, first + steps
    if not (out / CHECKPOINT).is_file():
        raise SystemExit(f"There is nothing to cool down: {out} has no {CHECKPOINT}.")
    first = about(out / CHECKPOINT)["step"]
    folder = out / f"cooled-{first:07}-{steps}"
    folder.mkdir(exist_ok=True)
    content = (out / CHECKPOINT).read_bytes()
    replace_file(folder / CHECKPOINT, lambda beside: beside.write_bytes(content))
    return folder, first, first + steps


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second run out of the folder; a killed run's lock is gone with it."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"Another run is at work in {folder}.") from None
        yield


def train(
    trainer: Trainer,
    stream: Iterator[Batch],
    stage: Stage,
    *,
    pace: Pace,
    means: Callable[[list[Taken]], dict[str, float]],
    judge: Callable[[], dict[str, float]],
) -> None:
    """Take steps until the last, speak of them, judge and save.

    Args:
        trainer: what learns.
        stream: its batches, from its step on.
        stage: its folder, its last step, and the rate on the way.
        pace: when to judge and to save.
        means: what is told of the steps since the last line.
        judge: what is told of the network as it stands.
    """
    saved = time.monotonic()
    recent: list[Taken] = []
    while trainer.step < stage.last:
        batch, began = next(stream), time.monotonic()
        losses = trainer.learn(batch, rate=stage.rate(trainer.step))
        recent.append(Taken(n=batch.n, seconds=time.monotonic() - began, losses=losses))
        done = trainer.step >= stage.last
        if trainer.step % SPOKEN == 0 or done:
            speed = round(sum(one.n for one in recent) / sum(one.seconds for one in recent), 2)
            said = means(recent) | {
                "examples_per_second": speed,
                "rate": stage.rate(trainer.step - 1),
            }
            tell(stage.folder, trainer, said)
            recent = []
        if trainer.step % pace.evaluate_every == 0 or done:
            tell(stage.folder, trainer, judge())
        if done or time.monotonic() - saved > pace.save_every:
            trainer.save(stage.folder / CHECKPOINT)
            saved = time.monotonic()


def means(recent: list[Taken]) -> dict[str, float]:
    """Return the mean losses of some steps."""
    return {"span_loss": mean_span(recent), "answerable_loss": mean_answerable(recent)}


def mean_span(recent: list[Taken]) -> float:
    """Return the mean loss of the decisions that are made from each word piece."""
    return round(float(np.mean([float(one.losses.span) for one in recent])), 4)


def mean_answerable(recent: list[Taken]) -> float:
    """Return the mean loss of the decision that is made from [CLS]."""
    return round(float(np.mean([float(one.losses.answerable) for one in recent])), 4)


def as_model(trainer: Trainer) -> Callable[[Batch], Logits]:
    """Return the network as it stands, to be judged."""
    device = next(trainer.network.parameters()).device

    def model(batch: Batch) -> Logits:
        trainer.network.eval()
        with torch.inference_mode():
            said = trainer.network(*to_tensors(batch, device))
        trainer.network.train()
        return Logits(*(one.float().cpu().numpy() for one in said))

    return model


def tell(folder: Path, trainer: Trainer, said: dict[str, float]) -> None:
    """Print a line and append it to the run's log."""
    line = json.dumps(
        {"step": trainer.step, "examples": trainer.examples, "time": round(time.time())} | said
    )
    print(line, flush=True)
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main()
