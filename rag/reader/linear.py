"""The first reader: two logistic regressions over hand-made features, one to rank and one to say how surely.

It is small, fast and calibrated, and reads no more than what retrieval measured and what words show. The
weights are `rag/data/linear.json`, fitted by `training/reader/linear.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError
from rag.reader.features import NAMES, analyse, rows
from rag.reader.layout import whole
from rag.reader.protocol import Reading
from rag.schema import Candidate

WEIGHTS_FILE = Path(__file__).parent.parent / "data" / "linear.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWeights:
    """What was fitted; each list is in the order of `features.NAMES`."""

    name: str
    rank: tuple[float, ...]
    """Log-odds a unit of each feature: does this sentence rather than another answer?"""
    sure: tuple[float, ...]
    """Log-odds a unit of each feature: does this sentence answer at all?"""
    sure_bias: float
    threshold: float
    """Probability from which a balanced reader answers, 0..1."""

    @classmethod
    def from_file(cls, path: Path) -> LinearWeights:
        """Read weights.

        Raises:
            ModelError: the file is missing or does not fit these features.
        """
        try:
            read: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
            weights = cls(
                name=str(read["name"]),
                rank=_floats(read["rank"], NAMES),
                sure=_floats(read["sure"], NAMES),
                sure_bias=float(str(read["sure_bias"])),
                threshold=float(str(read["threshold"])),
            )
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise ModelError(
                f"The reader's weights {path.name} cannot be used ({exc}). Install the package again,"
                " or make them anew with `python -m training.reader.linear`."
            ) from exc
        return weights


def _floats(value: object, names: Sequence[str]) -> tuple[float, ...]:
    """Return the numbers of a {feature: weight} mapping in the order of the names."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"wanted the features {', '.join(names)}")
    return tuple(float(value[name]) for name in names)


class LinearReader:
    """Reads by what retrieval measured and by what words show; needs no model file but its weights."""

    def __init__(self, weights: LinearWeights) -> None:
        self._weights = weights

    @property
    def name(self) -> str:
        """Name and version of the weights."""
        return self._weights.name

    @property
    def threshold(self) -> float:
        """The probability below which a balanced reader abstains, 0..1."""
        return self._weights.threshold

    def read(self, query: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Return every sentence of the candidates once, the likeliest answer first."""
        found = rows(analyse(query), candidates)
        ranks = [_dot(self._weights.rank, row) for _, _, row in found]
        order = sorted(
            range(len(found)), key=lambda i: (-ranks[i], found[i][0], found[i][1][0].start)
        )
        readings = []
        for i in order:
            index, unit, row = found[i]
            sentence = whole(unit, candidates[index])
            odds = _dot(self._weights.sure, row) + self._weights.sure_bias
            readings.append(
                Reading(
                    candidate=index,
                    start=sentence.start,
                    end=sentence.end,
                    text=sentence.text,
                    probability=1 / (1 + math.exp(-max(min(odds, 50.0), -50.0))),
                )
            )
        return tuple(readings)


def _dot(weights: Sequence[float], row: Sequence[float]) -> float:
    """Return the weighted sum."""
    return sum(weight * value for weight, value in zip(weights, row, strict=True))
