"""An evaluation's tables as HTML: every figure with its interval, nothing alive in it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rag.evaluation.intervals import Interval
from rag.evaluation.report import EvaluationReport, FigureRow, FigureTable
from rag.web.escaping import counted, escape


def progress(done: int, total: int, seconds: float) -> str:
    """Return how far a run is.

    Args:
        done: questions asked.
        total: of how many.
        seconds: since the run began.
    """
    if not done:
        return '<p class="fn-wait">Getting the questions ready…</p>'
    left = _about(seconds / done * (total - done))
    return (
        f'<p class="fn-run"><progress value="{done}" max="{total}"></progress>'
        f" {done:,} of {counted(total, 'question')}{left}</p>"
    )


def trouble(message: str) -> str:
    """Return why there is no report."""
    return f'<p class="fn-state fn-trouble">{escape(message)}</p>'


def report(made: EvaluationReport, links: Sequence[tuple[str, str]]) -> str:
    """Return a report.

    Args:
        made: the report.
        links: label and address of each file that holds all of it.
    """
    return (
        f'<div class="fn-report"><h2>{counted(made.n, "question")} asked</h2>'
        f'<p class="fn-note">Shares in per cent; in brackets the interval that holds them at 95 %.'
        f"{_links(links)}</p>{_errors(made.errors)}{''.join(map(_table, made.tables))}</div>"
    )


def _about(seconds: float) -> str:
    if seconds < 1:
        return ""
    return (
        f", about {math.ceil(seconds)} s left"
        if seconds < 90
        else (f", about {math.ceil(seconds / 60)} min left")
    )


def _links(links: Sequence[tuple[str, str]]) -> str:
    if not links:
        return ""
    shown = " · ".join(
        f'<a href="{address}" target="_blank">{escape(label)}</a>' for label, address in links
    )
    return f" The whole report: {shown}"


def _errors(errors: Sequence[str]) -> str:
    if not errors:
        return ""
    return (
        f'<p class="fn-state fn-partial"><strong>{counted(len(errors), "question")} could not be'
        f" asked.</strong> The first: {escape(errors[0])}</p>"
    )


def _table(table: FigureTable) -> str:
    unit = f" ({escape(table.unit)})" if table.unit else ""
    heads = "".join(f"<th>{escape(column)}{unit}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(_cells(row, table))}</tr>" for row in table.rows)
    return (
        f'<h3>{escape(table.title)}</h3><p class="fn-note">{escape(table.note)}</p>'
        f'<div class="fn-scroll" role="region" tabindex="0"><table class="fn-table">'
        f"<thead><tr><td></td>{heads}<th>n</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(row: FigureRow, table: FigureTable) -> Iterator[str]:
    yield f"<th><bdi>{escape(row.label)}</bdi></th>"
    for column in table.columns:
        yield f"<td>{_figure(row.figures[column], 1 if table.unit else 100)}</td>"
    counts = sorted({figure.n for figure in row.figures.values() if figure.n})
    yield f"<td>{'–'.join(f'{n:,}' for n in dict.fromkeys((counts[0], counts[-1])))}</td>"


def _figure(figure: Interval, scale: int) -> str:
    if not figure.n or math.isnan(figure.value):
        return "–"
    value = f"{scale * figure.value:.1f}"
    if math.isnan(figure.low):
        return value
    return f"{value} <small>[{scale * figure.low:.1f}, {scale * figure.high:.1f}]</small>"
