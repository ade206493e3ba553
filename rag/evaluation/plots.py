"""Plots as inline SVG, coloured by the page they stand on, each with its figures in words.

Knows numbers and labels, and nothing of what is measured. All shares are 0..1; a plot is 360 units
wide, so that its words can be read on a telephone and are not huge on a desk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.evaluation.intervals import Interval
from rag.evaluation.markup import escape

_WIDTH = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 112, 24, 22, 34
_ROW = 24
_SQUARE = 262
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LABEL_CHARS = 16
_ROUND = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place in a square of shares, with how many questions it rests on."""

    x: float
    y: float
    n: int


def intervals(name: str, rows: Sequence[tuple[str, Interval]]) -> str:
    """Draw each row's share as a dot on the line that is its interval."""
    plot = _Frame(left=_LEFT, height=_TOP + _ROW * len(rows) + _BOTTOM)
    parts = list(_x_axis(plot, [(tick, f"{100 * tick:.0f} %") for tick in _TICKS], 1.0))
    for place, (label, share) in enumerate(rows):
        y = _TOP + _ROW * (place + 0.5)
        parts.append(_row_label(label, y, f"{label}: {_words(share)}"))
        if not math.isnan(share.low):
            parts.append(_line(plot.x(share.low), y, plot.x(share.high), y, "interval"))
        parts.append(_dot(plot.x(share.value), y, 4.5))
    said = "; ".join(f"{label} {_words(share)}" for label, share in rows)
    return _svg(name, said, plot.height, parts)


def spans(name: str, rows: Sequence[tuple[str, float, float]], *, unit: str) -> str:
    """Draw each row's median as a bar and its high percentile as a whisker with a tick.

    Args:
        name: what is shown.
        rows: label, usual value and rare value, neither below 0.
        unit: of the values.
    """
    top = _round_up(max((rare for *_, rare in rows), default=1.0))
    plot = _Frame(left=_LEFT, height=_TOP + _ROW * len(rows) + _BOTTOM)
    ticks = [(top * tick, f"{top * tick:g}") for tick in (0.0, 0.5)]
    parts = list(_x_axis(plot, [*ticks, (top, f"{top:g} {unit}")], top))
    for place, (label, usual, rare) in enumerate(rows):
        y = _TOP + _ROW * (place + 0.5)
        start, end, far = plot.x(0), plot.x(usual / top), plot.x(rare / top)
        parts += [
            _row_label(label, y, f"{label}: {usual:.1f}, {rare:.1f} {unit}"),
            f'<rect class="bar" x="{start:.1f}" y="{y - 6:.1f}"'
            f' width="{max(end - start, 0.5):.1f}" height="12"/>',
            _line(end, y, far, y, "interval"),
            _line(far, y - 5, far, y + 5, "interval"),
        ]
    said = "; ".join(f"{label} {usual:.1f} and {rare:.1f} {unit}" for label, usual, rare in rows)
    return _svg(name, said, plot.height, parts)


def curve(name: str, points: Sequence[tuple[float, float]], *, x: str, y: str) -> str:
    """Draw a line through points of shares.

    Args:
        name: what is shown.
        points: x ascending.
        x: name of the horizontal axis.
        y: name of the vertical axis.
    """
    plot = _Frame(left=44, height=_SQUARE)
    path = " ".join(f"{plot.x(a):.1f},{plot.y(b):.1f}" for a, b in points)
    parts = [*_square_axes(plot, x, y), f'<polyline class="curve" points="{path}"/>']
    if len(points) == 1:
        parts.append(_dot(plot.x(points[0][0]), plot.y(points[0][1]), 4.5))
    said = "; ".join(f"{100 * a:.0f} %: {100 * b:.1f} %" for a, b in _some(points))
    return _svg(name, f"{y} by {x}: {said}", plot.height, parts)


def agreement(name: str, points: Sequence[Point], *, x: str, y: str) -> str:
    """Draw points about the diagonal where both shares agree; a larger dot rests on more questions."""
    plot = _Frame(left=44, height=_SQUARE)
    parts = [*_square_axes(plot, x, y), _line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "ideal")]
    most = max((point.n for point in points), default=1)
    for point in points:
        label = f"{x} {100 * point.x:.0f} %, {y} {100 * point.y:.0f} %, {point.n} questions"
        a, b = plot.x(point.x), plot.y(point.y)
        parts += [
            _line(a, plot.y(point.x), a, b, "gap"),
            f"<g><title>{escape(label)}</title>{_dot(a, b, 3 + 6 * math.sqrt(point.n / most))}</g>",
        ]
    said = "; ".join(f"{100 * p.x:.0f} %: {100 * p.y:.0f} % of {p.n}" for p in points)
    return _svg(name, f"{y} by {x}: {said}", plot.height, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where shares stand on the drawing; y grows downwards there."""

    left: int
    height: int

    @property
    def bottom(self) -> int:
        return self.height - _BOTTOM

    def x(self, share: float) -> float:
        return self.left + share * (_WIDTH - _RIGHT - self.left)

    def y(self, share: float) -> float:
        return self.bottom - share * (self.bottom - _TOP)


def _svg(name: str, said: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(name)}">'
        f"<desc>{escape(said)}</desc>{''.join(parts)}</svg>"
    )


def _x_axis(plot: _Frame, ticks: Sequence[tuple[float, str]], top: float) -> Iterator[str]:
    for value, label in ticks:
        x = plot.x(value / top)
        yield _line(x, _TOP, x, plot.bottom, "grid")
        yield _words_at(x, plot.bottom + 15, label, "middle")


def _square_axes(plot: _Frame, x: str, y: str) -> Iterator[str]:
    yield from _x_axis(plot, [(tick, f"{100 * tick:.0f} %") for tick in _TICKS], 1.0)
    for tick in _TICKS:
        height = plot.y(tick)
        yield _line(plot.x(0), height, plot.x(1), height, "grid")
        yield _words_at(plot.left - 6, height + 4, f"{100 * tick:.0f} %", "end")
    yield _words_at((plot.x(0) + plot.x(1)) / 2, plot.height - 4, x, "middle")
    yield _words_at(plot.left - 40, _TOP - 10, y, "start")


def _row_label(label: str, y: float, full: str) -> str:
    short = label if len(label) <= _LABEL_CHARS else label[: _LABEL_CHARS - 1] + "…"
    return f"<g><title>{escape(full)}</title>{_words_at(_LEFT - 10, y + 4, short, 'end')}</g>"


def _words_at(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'


def _words(share: Interval) -> str:
    if math.isnan(share.low):
        return f"{100 * share.value:.0f} %"
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f}), n = {share.n}"


def _some(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return ten of the points, or all of fewer, with the last."""
    step = max(1, len(points) // 10)
    return [*points[: len(points) - 1 : step], *points[-1:]]


def _round_up(value: float) -> float:
    """Return the next number of one digit 1, 2 or 5, at least as large."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step * magnitude for step in _ROUND if step * magnitude >= value)
