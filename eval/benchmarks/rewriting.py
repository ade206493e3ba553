"""How close the query made of a follow-up comes to a person's rewrite of it.

BLEU is what CANARD reports (Elgohary, Peskov and Boyd-Graber, EMNLP 2019).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ORDER = 4
_TOKEN = re.compile(r"\w+|[^\w\s]")


def bleu(made: Sequence[str], wanted: Sequence[str]) -> float:
    """Return BLEU-4 of a whole set with one reference each, 0..1.

    Papineni et al., ACL 2002: the geometric mean of the clipped precisions of 1- to 4-grams, counted
    over all sentences together, times the brevity penalty. Without case; words and punctuation marks
    are tokens. 0 where no 4-gram agrees.

    Raises:
        ValueError: the two differ in length.
    """
    return bleu_of_counts(bleu_counts(made, wanted).sum(axis=0))


def bleu_counts(made: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """Return what BLEU counts of each sentence, shape (n, 10).

    A row holds the lengths of both, then of each order from 1 to 4 the n-grams that agree and those
    that were made. BLEU of any part of the set is made of the sum of its rows.
    """
    rows = []
    for one, other in zip(made, wanted, strict=True):
        said, right = _TOKEN.findall(one.lower()), _TOKEN.findall(other.lower())
        row = [len(said), len(right)]
        for order in range(1, _ORDER + 1):
            ours, theirs = _ngrams(said, order), _ngrams(right, order)
            row += [(ours & theirs).total(), ours.total()]
        rows.append(row)
    return np.array(rows, dtype=np.int64).reshape(-1, 2 + 2 * _ORDER)


def bleu_of_counts(counts: NDArray[np.int64]) -> float:
    """Return BLEU of summed counts, shape (10,)."""
    n_made, n_wanted = counts[:2]
    agreed, made = counts[2::2], counts[3::2]
    if not agreed.all():
        return 0.0
    brevity = min(0.0, 1 - n_wanted / n_made)
    return float(np.exp(brevity + np.log(agreed / made).mean()))


def _ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))
