"""A benchmark's figures as a table: what it is of, a row a system or sort of question, and remarks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rag.evaluation.intervals import Interval

Figures: TypeAlias = Mapping[str, Interval]
"""By name of the measure, in per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkReport:
    """What came out of one benchmark."""

    name: str
    """Of the collection."""
    what: str
    """A sentence: what was asked of what."""
    rows: Mapping[str, Figures]
    """By name of the row; all have the same measures."""
    remarks: tuple[str, ...] = ()
    """Sentences on how to read the figures."""

    def to_markdown(self) -> str:
        """Return the table, in per cent with 95 % intervals where there are any."""
        measures = list(next(iter(self.rows.values())))
        lines = [
            self.what,
            "",
            f"| {self.name} | n | " + " | ".join(measures) + " |",
            "|---" * (len(measures) + 2) + "|",
        ]
        for name, figures in self.rows.items():
            n = next(iter(figures.values())).n
            cells = " | ".join(_shown(figures[measure]) for measure in measures)
            lines.append(f"| {name} | {n} | {cells} |")
        return "\n".join([*lines, *(f"\n{remark}" for remark in self.remarks)]) + "\n"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; an undefined number is null."""
        return {
            "name": self.name,
            "what": self.what,
            "rows": {
                name: {
                    measure: {
                        "value": _number(figure.value),
                        "low": _number(figure.low),
                        "high": _number(figure.high),
                        "n": figure.n,
                    }
                    for measure, figure in figures.items()
                }
                for name, figures in self.rows.items()
            },
            "remarks": list(self.remarks),
        }


def _shown(figure: Interval) -> str:
    if math.isnan(figure.value):
        return "–"
    ends = "" if math.isnan(figure.low) else f" [{figure.low:.1f}, {figure.high:.1f}]"
    return f"{figure.value:.1f}{ends}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
