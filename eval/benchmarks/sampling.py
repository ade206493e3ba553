"""Samples for a quick look: the same each time, and even over what matters."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")


def stratified(
    items: Sequence[T], n: int, *, seed: int = 0, stratum: Callable[[T], Hashable] = lambda _: None
) -> tuple[T, ...]:
    """Return n of the items in their order, each stratum with its share of them.

    What is left over by rounding goes to the strata with the largest remainders (Hamilton's method), the
    first seen first. All items if there are not more than n.

    Args:
        items: what to choose from.
        n: how many, at least 1.
        seed: of the choice; same seed, same sample.
        stratum: to which stratum an item belongs; all to one by default.

    Raises:
        ValueError: n is less than 1.
    """
    if n < 1:
        raise ValueError(f"A sample wants at least 1, got {n!r}.")
    if n >= len(items):
        return tuple(items)
    strata: dict[Hashable, list[int]] = {}
    for index, item in enumerate(items):
        strata.setdefault(stratum(item), []).append(index)
    quotas = {name: divmod(len(indices) * n, len(items)) for name, indices in strata.items()}
    left = n - sum(whole for whole, _ in quotas.values())
    rounded_up = sorted(quotas, key=lambda name: -quotas[name][1])[:left]
    source = random.Random(seed)
    chosen = [
        index
        for name, indices in strata.items()
        for index in source.sample(indices, quotas[name][0] + (name in rounded_up))
    ]
    return tuple(items[index] for index in sorted(chosen))
