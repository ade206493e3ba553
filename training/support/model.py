"""The support model: the reader's network, which reads claim and evidence together as it reads question and text.

What it said of an answer it learns to say of support: the logit that a text answers becomes the logit that it supports
the claim, and the logit that an answer starts at a word piece the logit that the evidence does not bear that piece out.
Only the first is shipped; to be told which pieces are wrong teaches it too.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from training.reader.batches import Batch
from training.reader.model import (
    Losses,
    ReaderNetwork,
    Recipe,
    Trainer,
    take_weights,
    to_tensors,
)
from training.support.data import Marked
from training.support.marks import UNKNOWN, WRONG

WRONG_WEIGHT = 3.0
"""Weight of a word piece that is not borne out; there are some ten times as many others."""


def new_network(weights: Path, recipe: Recipe, *, begin: Path | None = None) -> ReaderNetwork:
    """Return the network to begin with.

    Args:
        weights: folder of the encoder.
        recipe: its seed draws the head, its dropout is the network's.
        begin: checkpoint of a reader or of a support model, or the ONNX file of a shipped one, to take the weights of.
    """
    network = ReaderNetwork.from_encoder(weights, seed=recipe.seed, dropout=recipe.dropout)
    if begin is not None:
        take_weights(network, begin, without="span.")
    return network


class SupportTrainer(Trainer):
    """A trainer to whom a pair framed as answered is a supported one, and the start of an answer what is wrong."""

    def __init__(self, network: ReaderNetwork, recipe: Recipe, device: torch.device) -> None:
        super().__init__(network, recipe, device)
        self._on = device

    def _losses(self, batch: Batch) -> Losses:
        """Return how wrong the network is about word pieces, in the place of spans, and about support."""
        if not isinstance(batch, Marked):
            raise TypeError("A support model learns from batches of training.support.data.")
        said = self.network(*to_tensors(batch, self._on))
        supported = torch.from_numpy(batch.start > 0).to(self._on).float()
        loss = binary_cross_entropy_with_logits(said.answer.float(), supported)
        wrong = torch.from_numpy(batch.wrong).to(self._on)
        known = wrong != UNKNOWN
        weight = torch.where(wrong == WRONG, WRONG_WEIGHT, 1.0)[known]
        words = binary_cross_entropy_with_logits(
            said.start.float()[known], wrong[known].float(), weight=weight
        )
        return Losses(span=words, answerable=loss)


class SupportOnly(nn.Module):
    """The network with ids, mask and types in, and the logit of support out."""

    def __init__(self, network: ReaderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the logits, shape (n,)."""
        found: Tensor = self.network(input_ids, attention_mask, token_type_ids).answer
        return found
