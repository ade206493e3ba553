"""The support model: the reader's network, of which only what it says from [CLS] is trained and shipped.

Claim and evidence are read together, as the reader reads question and text; the logit that a text answers becomes
the logit that it supports.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from training.onnx_weights import onnx_weights
from training.reader_batches import Batch
from training.reader_model import Losses, ReaderNetwork, Recipe, Trainer, to_tensors, weights_of


def new_network(weights: Path, recipe: Recipe, *, begin: Path | None = None) -> ReaderNetwork:
    """Return the network to begin with.

    Args:
        weights: folder of the encoder.
        recipe: its seed draws the head, its dropout is the network's.
        begin: checkpoint of a reader or of a support model, or the ONNX file of a shipped one, to take the weights of.
    """
    network = ReaderNetwork.from_encoder(weights, seed=recipe.seed, dropout=recipe.dropout)
    network.span.requires_grad_(False)
    if begin is not None:
        take_weights(network, begin)
    return network


def take_weights(network: ReaderNetwork, trained_in: Path) -> None:
    """Put the weights of a file in; what was frozen while they were trained stays as it is."""
    trained = onnx_weights(trained_in) if trained_in.suffix == ".onnx" else weights_of(trained_in)
    missing = network.load_state_dict(trained, strict=False).missing_keys
    kept = (".embeddings.", "span.")
    if strange := [name for name in missing if not any(part in name for part in kept)]:
        raise SystemExit(f"{trained_in} lacks {', '.join(strange)}.")


class SupportTrainer(Trainer):
    """A trainer to whom a pair framed as answered is a supported one, and spans are nothing."""

    def __init__(self, network: ReaderNetwork, recipe: Recipe, device: torch.device) -> None:
        super().__init__(network, recipe, device)
        self._on = device

    def _losses(self, batch: Batch) -> Losses:
        """Return how wrong the network is about support."""
        said = self.network(*to_tensors(batch, self._on)).answer.float()
        supported = torch.from_numpy(batch.start > 0).to(self._on).float()
        loss = binary_cross_entropy_with_logits(said, supported)
        return Losses(span=torch.zeros((), device=self._on), answerable=loss)


class SupportOnly(nn.Module):
    """The network with ids, mask and types in, and the logit of support out."""

    def __init__(self, network: ReaderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the logits, shape (n,)."""
        found: Tensor = self.network(input_ids, attention_mask, token_type_ids).answer
        return found
