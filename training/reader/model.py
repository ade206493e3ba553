"""The reader's network and one step of training it.

A BERT encoder reads question and text together. Of every word piece it says how likely the answer starts and ends
there, [CLS] standing for "not in this text", and from [CLS] alone whether the text answers at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from training.files import replace_file
from training.onnx_weights import onnx_weights
from training.reader.batches import SEP, Batch

if TYPE_CHECKING:
    from transformers import BertModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides the weights that come out, besides the data; fixed for the whole of a run."""

    seed: int = 0
    rate: float = 1.5e-4
    """Learning rate of the encoder after warming up."""
    head_factor: float = 10.0
    """The heads start from nothing and learn so many times faster."""
    warmup: int = 100
    """Steps over which the rate rises."""
    decay: float = 0.01
    """Weight decay."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    dropout: float = 0.0
    pieces: int = 3072
    """Word pieces in a batch at most."""
    longest: int = 256
    """Word pieces of one example at most, while the run cools down and in use."""
    short: int = 128
    """The same until it cools down: half the text teaches more in the same time."""
    freeze_embeddings: bool = True
    freeze_layers: int = 0
    """Layers above the embeddings that stay as they are too."""
    bf16: bool = True
    """Compute in bfloat16; the optimiser keeps the weights in float32 either way."""
    answerability: float = 0.5
    """Weight of the loss of the no-answer decision, beside that of the span."""


class Output(NamedTuple):
    """What the network says of each example."""

    start: Tensor
    """Logits, shape (n, length)."""
    end: Tensor
    """Logits, shape (n, length)."""
    answer: Tensor
    """Logit that the text answers, shape (n,)."""


class Losses(NamedTuple):
    """Means over a batch."""

    span: Tensor
    answerable: Tensor


class ReaderNetwork(nn.Module):
    """The encoder and its two heads."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.span = nn.Linear(width, 2)
        self.answer = nn.Linear(width, 1)
        for head in (self.span, self.answer):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    @classmethod
    def from_encoder(cls, weights: Path, *, seed: int, dropout: float) -> ReaderNetwork:
        """Take a folder's BERT encoder; the heads are drawn by the seed."""
        from transformers import BertModel
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        encoder = BertModel.from_pretrained(
            weights,
            use_safetensors=True,
            # Forward and backward together, eager attention is the fastest on a CPU.
            attn_implementation="eager",
            add_pooling_layer=False,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        torch.manual_seed(seed)
        return cls(encoder)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Output:
        """Read questions and texts framed as `training.reader.batches.frame` does; all of shape (n, length)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        start, end = self.span(states).unbind(-1)
        return Output(start=start, end=end, answer=self.answer(states[:, 0]).squeeze(-1))


class Trainer:
    """A network, its optimiser and how many steps both have seen.

    The optimiser works on float32 copies of the weights, since bfloat16 would lose small changes.
    """

    def __init__(self, network: ReaderNetwork, recipe: Recipe, device: torch.device) -> None:
        self.step = 0
        self.examples = 0
        self.network = network.to(device).train()
        self.recipe = recipe
        self._device = device
        if recipe.freeze_embeddings:
            network.encoder.embeddings.requires_grad_(False)
        for layer in network.encoder.encoder.layer[: recipe.freeze_layers]:
            layer.requires_grad_(False)
        trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        self._names = [name for name, _ in trained]
        self._exact = [p.detach().float().clone() for _, p in trained]
        self._frozen = {
            name: p.detach().float().clone()
            for name, p in network.named_parameters()
            if not p.requires_grad and ".embeddings." not in name  # those are the encoder's
        }
        if recipe.bf16:
            network.bfloat16()
        self._weights = [dict(network.named_parameters())[name] for name in self._names]
        self._optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.98), eps=1e-7, fused=True)

    def _groups(self) -> list[dict[str, object]]:
        """Return the optimiser's groups: heads learn faster, vectors do not decay."""
        groups: dict[tuple[bool, bool], list[Tensor]] = {}
        for name, exact in zip(self._names, self._exact, strict=True):
            key = (not name.startswith("encoder."), exact.ndim > 1)
            groups.setdefault(key, []).append(exact)
        return [
            {
                "params": members,
                "factor": self.recipe.head_factor if head else 1.0,
                "weight_decay": self.recipe.decay if decays else 0.0,
            }
            for (head, decays), members in groups.items()
        ]

    def learn(self, batch: Batch, *, rate: float) -> Losses:
        """Take one step at this learning rate; return the losses before it."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)  # for dropout
        losses = self._losses(batch)
        loss = losses.span + self.recipe.answerability * losses.answerable
        loss.backward()  # type: ignore[no-untyped-call]
        for exact, weight in zip(self._exact, self._weights, strict=True):
            exact.grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self._exact, self.recipe.clip)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.step()
        with torch.no_grad():
            for exact, weight in zip(self._exact, self._weights, strict=True):
                weight.copy_(exact)
        self.step += 1
        self.examples += batch.n
        return Losses(span=losses.span.detach(), answerable=losses.answerable.detach())

    def _losses(self, batch: Batch) -> Losses:
        """Return how wrong the network is about spans and about answerability."""
        ids, mask, types = to_tensors(batch, self._device)
        start = torch.from_numpy(batch.start).to(self._device)
        end = torch.from_numpy(batch.end).to(self._device)
        said = self.network(ids, mask, types)
        barred = ~readable(ids, types)
        spans = [
            cross_entropy(logits.float().masked_fill(barred, -1e4), wanted)
            for logits, wanted in ((said.start, start), (said.end, end))
        ]
        answered = binary_cross_entropy_with_logits(said.answer.float(), (start > 0).float())
        return Losses(span=(spans[0] + spans[1]) / 2, answerable=answered)

    def save(self, path: Path) -> None:
        """Write weights, optimiser and counts into one file, in place of the one before."""
        from safetensors.torch import save_file

        tensors = {}
        for name, exact in zip(self._names, self._exact, strict=True):
            state = self._optimizer.state[exact]
            tensors[f"weight/{name}"] = exact
            tensors[f"mean/{name}"] = state["exp_avg"]
            tensors[f"square/{name}"] = state["exp_avg_sq"]
        tensors |= {f"weight/{name}": frozen for name, frozen in self._frozen.items()}
        run = {"step": self.step, "examples": self.examples, "recipe": asdict(self.recipe)}
        replace_file(path, lambda file: save_file(tensors, file, {"run": json.dumps(run)}))

    def load(self, path: Path) -> None:
        """Go on from a file that `save` wrote."""
        run, tensors = about(path), read_tensors(path)
        self.step, self.examples = run["step"], run["examples"]
        with torch.no_grad():
            for name, exact, weight in zip(self._names, self._exact, self._weights, strict=True):
                exact.copy_(tensors[f"weight/{name}"])
                weight.copy_(exact)
                self._optimizer.state[exact] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": tensors[f"mean/{name}"].to(self._device),
                    "exp_avg_sq": tensors[f"square/{name}"].to(self._device),
                }


def about(path: Path) -> dict[str, Any]:
    """Return what a checkpoint, or the manifest of an ONNX file, tells of its run: `examples`, `recipe` and more."""
    from safetensors import safe_open

    if path.suffix == ".onnx":
        made: dict[str, Any] = json.loads(path.with_name("manifest.json").read_text())["made"]
        return made
    with safe_open(path, framework="pt") as file:
        found: dict[str, Any] = json.loads(file.metadata()["run"])
    return found


def recipe_of(path: Path) -> Recipe:
    """Return the recipe that a checkpoint was trained by."""
    return Recipe(**about(path)["recipe"])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, as `Trainer.save` names them."""
    from safetensors.torch import load_file

    return load_file(path)


def to_tensors(batch: Batch, device: torch.device) -> Iterator[Tensor]:
    """Yield ids, mask and types."""
    return (torch.from_numpy(one).to(device) for one in (batch.ids, batch.mask, batch.types))


def weights_of(path: Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint by the names of the network's parameters."""
    return {
        name.removeprefix("weight/"): tensor
        for name, tensor in read_tensors(path).items()
        if name.startswith("weight/")
    }


def take_weights(
    network: ReaderNetwork, trained_in: Path, *, without: str = ".embeddings."
) -> None:
    """Put the weights of another run in; word embeddings, frozen as a rule, stay as they are where it has none.

    Args:
        network: takes them.
        trained_in: a checkpoint, or the ONNX file of what shipped, whose int8 weights come back to within half a step.
        without: part of the names of what it may lack besides.

    Raises:
        SystemExit: it lacks others.
    """
    trained = onnx_weights(trained_in) if trained_in.suffix == ".onnx" else weights_of(trained_in)
    missing = network.load_state_dict(trained, strict=False).missing_keys
    kept = (".embeddings.", without)
    if strange := [name for name in missing if not any(part in name for part in kept)]:
        raise SystemExit(f"{trained_in} lacks {', '.join(strange)}.")


def readable(ids: Tensor, types: Tensor) -> Tensor:
    """Return where an answer may stand, shape (n, length): in the text, or at [CLS] for none."""
    places = (types == 1) & (ids != SEP)
    places[:, 0] = True
    return places
