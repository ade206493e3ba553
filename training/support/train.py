"""Train the support model that ships in the package: does this evidence say what this claim says?

    python -m training.support.train --data squad2_train.json.gz qamr.json.gz policyqa.json.gz --out FOLDER

As the reader's training it has no planned end, keeps a checkpoint every few minutes, and goes on from it by the same
command. At any time the same command with `--cooldown 500` brings a copy of the latest checkpoint to rest, at
FOLDER/cooled-STEP. See training/README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from eval.benchmarks.collection import SupportPair
from training.reader.data import load_tokenizer
from training.reader.model import Recipe, Trainer
from training.reader.train import (
    CHECKPOINT,
    Pace,
    add_run_options,
    as_model,
    go_on,
    locked,
    mean_answerable,
    mean_span,
    official_weights,
    stage_of,
    train,
)
from training.support.crossed import Pair
from training.support.data import Written, batches, held_out_groups, held_out_written, prepare
from training.support.evaluation import (
    ClaimJudging,
    best_threshold,
    figures,
    judging,
    read_pairs,
    scores,
)
from training.support.model import SupportTrainer, new_network


def main(arguments: Sequence[str] | None = None) -> None:
    """Train until stopped, or cool down."""
    args = read_arguments(arguments)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    weights = args.weights or official_weights()
    recipe = recipe_from(args)
    stage = stage_of(args, recipe)
    with locked(stage.folder):
        pairs = prepare(
            args.data,
            judged_files(args),
            weights / "tokenizer.json",
            args.out / "data.npz",
            seed=args.seed,
            thesaurus=args.thesaurus,
            written=Written(args.written, args.times, args.share) if args.written else None,
        )
        network = new_network(weights, recipe, begin=args.begin)
        trainer = SupportTrainer(network, recipe, torch.device(args.device))
        go_on(trainer, stage.folder / CHECKPOINT)
        stream = batches(
            pairs,
            seed=recipe.seed,
            pieces=recipe.pieces,
            longest=stage.longest,
            first=trainer.step,
        )
        sets = dev_sets(args, weights)
        train(
            trainer,
            stream,
            stage,
            pace=Pace(evaluate_every=args.evaluate_every, save_every=args.save_every),
            means=lambda recent: {"loss": mean_answerable(recent), "word_loss": mean_span(recent)},
            judge=lambda: judge(trainer, sets),
        )


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says, or these words in its place."""
    usual = Recipe(rate=1e-4)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="SQuAD 2.0 layout")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="claims to judge by")
    parser.add_argument(
        "--judged",
        type=Path,
        nargs="*",
        help="never trained on; default: all other files beside the data, and of ../support",
    )
    add_thesaurus(parser)
    parser.add_argument("--times", type=int, default=2, help="written claims, an epoch")
    parser.add_argument(
        "--share", type=float, default=0.25, help="of pairs made by rules, beside written ones"
    )
    add_run_options(parser, usual)
    parser.add_argument(
        "--short", type=int, default=usual.short, help="word pieces a pair until cooling down"
    )
    parser.add_argument("--sample", type=int, default=400, help="pairs of each set to judge by")
    parser.add_argument("--evaluate-every", type=int, default=250, help="steps")
    parser.add_argument("--save-every", type=float, default=300, help="seconds")
    return parser.parse_args(arguments)


def add_thesaurus(parser: argparse.ArgumentParser) -> None:
    """Add the option for more words to change."""
    parser.add_argument(
        "--thesaurus",
        type=Path,
        help="folder of WordNet's files, as Debian's wordnet-base has at /usr/share/wordnet",
    )
    parser.add_argument("--written", type=Path, help="claims that were written to train on")


def recipe_from(args: argparse.Namespace) -> Recipe:
    """Return what the command line says of the weights to come."""
    return Recipe(
        seed=args.seed,
        rate=args.rate,
        dropout=args.dropout,
        pieces=args.pieces,
        freeze_embeddings=args.freeze_embeddings,
        freeze_layers=args.freeze_layers,
        short=args.short,
        bf16=args.bf16,
        answerability=1.0,
    )


def judged_files(args: argparse.Namespace) -> list[Path]:
    """Return the files of which nothing is trained on."""
    if args.judged is not None:
        return list(args.judged)
    folder = args.data[0].parent
    beside = sorted(folder.glob("*.json*"))
    claims = sorted((folder.parent / "support").glob("*.jsonl*"))
    return [one for one in beside if one not in args.data] + claims


def dev_sets(args: argparse.Namespace, weights: Path) -> dict[str, ClaimJudging]:
    """Return what to judge by while training: pairs of held-out articles, and files of claims."""
    tokenizer = load_tokenizer(weights / "tokenizer.json")
    return {
        name: judging(pairs, tokenizer, n=args.sample, seed=args.seed)
        for name, pairs in dev_pairs(args).items()
    }


def dev_pairs(args: argparse.Namespace) -> dict[str, list[SupportPair]]:
    """Return the same pairs as text, by the name of their set."""
    named = {
        "made": [
            _as_judged(one)
            for group in held_out_groups(args.data, seed=args.seed, thesaurus=args.thesaurus)
            for one in group
        ]
    }
    if written := held_out_written(args.written, seed=args.seed):
        named["written"] = [_as_judged(one) for one in written]
    for path in args.dev:
        named |= read_pairs(path)
    return named


def _as_judged(pair: Pair) -> SupportPair:
    """Return a pair as one to judge by."""
    return SupportPair(
        claim=pair.claim,
        evidence=pair.evidence,
        label="supported" if pair.supported else "not_supported",
    )


def judge(trainer: Trainer, sets: dict[str, ClaimJudging]) -> dict[str, float]:
    """Return AUROC and best balanced accuracy on each set."""
    found = {}
    model = as_model(trainer)
    for name, judged in sets.items():
        said = scores(lambda batch: model(batch).answer, judged)
        measured = figures(said, judged.true, threshold=best_threshold(said, judged.true))
        found[f"{name}_auroc"] = measured["auroc"]
        found[f"{name}_best_balanced"] = measured["balanced_accuracy"]
    return found


if __name__ == "__main__":
    main()
