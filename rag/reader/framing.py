"""Two texts as BERT reads them together: [CLS] first [SEP] second [SEP]. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

SPECIAL = 3
"""Word pieces that frame two texts."""


def cut(tokenizer: Tokenizer, text: str) -> Encoding:
    """Cut a text into word pieces; what is no character of Unicode becomes a question mark."""
    whole = text.encode("utf-8", "replace").decode()
    return tokenizer.encode(whole, add_special_tokens=False)


def framed(
    tokenizer: Tokenizer, first: Sequence[int], second: Sequence[int]
) -> dict[str, NDArray[np.int64]]:
    """Return what a network takes in of two texts in word pieces, by the names of its inputs; shape (1, length)."""
    opens, closes = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    ids = np.array([[opens, *first, closes, *second, closes]], dtype=np.int64)
    types = np.zeros_like(ids)
    types[:, len(first) + 2 :] = 1
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
