"""The report of a run as one self-contained HTML page: figures, plots, failures.

No script, no font, no image and no address: the page forbids itself to load anything. Documents,
questions and answers are hostile until escaped, and everything is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, get_args

from rag.evaluation import measures, plots
from rag.evaluation.dataset import Evidence, Example, example_from_dict
from rag.evaluation.grid import Grid, shown
from rag.evaluation.intervals import Interval, bootstrap_interval
from rag.evaluation.markup import escape
from rag.evaluation.measures import Region
from rag.evaluation.outcomes import AnswerFault, QuestionOutcome
from rag.evaluation.report import EvaluationReport, report_of
from rag.evaluation.run import Record, Run

MOST_FAILURES = 300
"""Failures that are written out; the rest can be read in the run."""

_MOST_PASSAGES = 5
_NO_KIND = "no kind"
_FAULTS: tuple[AnswerFault, ...] = tuple(fault for fault in get_args(AnswerFault) if fault)
_HEADS = {
    "good": ("Good", "right where the sources answer, abstained from where they do not"),
    "right": (
        "Right answers",
        "stated or guessed, every part given and evidence cited; of answerable questions",
    ),
    "right surely": ("Right and stated", "not called a guess; of answerable questions"),
    "not stated as sure": (
        "Not stated as sure",
        "at most guessed at; of the questions that the sources do not answer",
    ),
    "abstained when due": ("Abstained when due", "of the same questions, not even guessed at"),
    "effective reliability": (
        "Effective reliability",
        "a guess counts half, a wrong statement -200, a wrong guess -50",
    ),
    "citation precision": ("Citation precision", "of its citations, those that show evidence"),
    "evidence recall": ("Evidence shown", "of the answer's parts, those whose evidence is cited"),
    "Success@5": ("Found", "a passage with evidence is among the first five"),
    "quote exactness": ("Exact quotes", "stand in the source as they are quoted"),
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_report(run: Run, report: EvaluationReport | None = None) -> str:
    """Return the page of a run; the same run gives the same page.

    Args:
        run: a finished run.
        report: of this run, if it was made already.

    Raises:
        DatasetError: a record of the run is damaged, or the run was stopped before its end.
    """
    report = report or report_of(run)
    by_id = {one.query_id: one for one in report.outcomes}
    style = (files("rag.evaluation") / "report.css").read_text(encoding="utf-8")
    body = "".join(
        (
            _header(report),
            "<main>",
            _heads(report.outcomes),
            _plots(report),
            _failures(run, by_id),
            _tables(report),
            _making(run),
            "</main>",
        )
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(report.title)}</title><style>{style}{_filter_style()}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _header(report: EvaluationReport) -> str:
    return (
        f'<header><h1>{escape(report.title)}</h1><p class="note">{escape(report.summary)}</p>'
        '<nav aria-label="Parts of this page"><a href="#figures">Figures</a>'
        '<a href="#failures">Answers to read</a><a href="#tables">Tables</a>'
        '<a href="#making">How it was made</a></nav></header>'
    )


# --- Figures -------------------------------------------------------------------------------------


def _heads(measured: Sequence[QuestionOutcome]) -> str:
    cards = []
    for name, (label, meaning) in _HEADS.items():
        figure = _mean(measured, name)
        if figure.n:
            value, _, interval = shown(figure).partition(" ")
            cards.append(
                f'<div class="card"><dt>{label}</dt><dd><strong>{value} %</strong>'
                f' <span class="interval">{interval}</span>'
                f'<span class="note">{meaning}; n&nbsp;=&nbsp;{figure.n:,}</span></dd></div>'
            )
    heads = f"<dl>{''.join(cards)}</dl>" if cards else "<p>No expected answers are known.</p>"
    return f'<section id="figures"><h2>Figures</h2>{heads}</section>'


def _mean(measured: Iterable[QuestionOutcome], name: str) -> Interval:
    return bootstrap_interval([one.scores[name] for one in measured if name in one.scores])


def _plots(report: EvaluationReport) -> str:
    drawn = "".join(
        f'<figure>{svg}<figcaption><strong>{name}.</strong> <span class="note">{note}</span>'
        "</figcaption></figure>"
        for name, note, svg in _each_plot(report)
    )
    return f'<section class="plots" aria-label="Plots">{drawn}</section>'


def _each_plot(report: EvaluationReport) -> Iterator[tuple[str, str, str]]:
    """Give name, note and drawing of each plot that there is something to show of."""
    kinds = [(kind, _mean(group, "good")) for kind, group in _by_kind(report.outcomes).items()]
    if kinds := [(kind, figure) for kind, figure in kinds if figure.n]:
        name = "Good by kind of question"
        yield name, "The line is the 95 % interval.", plots.intervals(name, kinds)
    given = [one for one in report.outcomes if one.given]
    if given:
        yield from _confidence_plots([o.confidence for o in given], [o.right for o in given])
    latency = [table for table in report.tables if table.title == "Latency"]
    if stages := [(row.label, row.figures) for table in latency for row in table.rows]:
        name = "Latency by stage"
        rows = [(label, figures["p50"].value, figures["p95"].value) for label, figures in stages]
        note = "The bar is p50, the tick p95."
        yield name, note, plots.spans(name, rows, unit="ms")


def _confidence_plots(
    confidence: Sequence[float], right: Sequence[float]
) -> Iterator[tuple[str, str, str]]:
    coverage, risk = measures.risk_coverage(confidence, right)
    yield (
        "Risk and coverage",
        "The share of wrong among the answers with the highest confidence, the more of them are"
        " given. A useful confidence makes the line rise from the left.",
        plots.curve(
            "Risk and coverage",
            list(zip(coverage.tolist(), risk.tolist(), strict=True)),
            x="answers given",
            y="wrong",
        ),
    )
    points = [
        plots.Point(x=float(x), y=float(y), n=int(n))
        for x, y, n in zip(*measures.calibration_bins(confidence, right), strict=True)
    ]
    yield (
        "Calibration",
        "On the diagonal, confidence is the share of right. Larger dots rest on more answers.",
        plots.agreement("Calibration", points, x="confidence", y="right"),
    )


def _by_kind(measured: Iterable[QuestionOutcome]) -> dict[str, list[QuestionOutcome]]:
    kinds: dict[str, list[QuestionOutcome]] = {}
    for one in measured:
        kinds.setdefault(one.kind or _NO_KIND, []).append(one)
    return kinds


# --- Answers to read -----------------------------------------------------------------------------


def _failures(run: Run, by_id: Mapping[str, QuestionOutcome]) -> str:
    failed = sorted((o for o in by_id.values() if o.fault), key=lambda one: one.number)
    written = {one.query_id for one in failed[:MOST_FAILURES]}
    bodies = {
        query_id: _failure(record, by_id[query_id])
        for record in run.records()
        if (query_id := str(record["query_id"])) in written
    }
    if not bodies:
        return '<section id="failures"><h2>Answers to read</h2><p>None is at fault.</p></section>'
    kinds = _by_kind(one for one in failed if one.query_id in written)
    more = len(failed) - len(written)
    left_out = f'<p class="note">{more:,} more stand in the run.</p>' if more else ""
    sections = "".join(
        f'<section class="kind" id="kind-{place}"><h3>{escape(kind)}</h3>'
        f"{''.join(bodies[one.query_id] for one in group)}</section>"
        for place, (kind, group) in enumerate(kinds.items(), start=1)
    )
    return (
        f'<section id="failures"><h2>{len(failed):,} answers to read</h2>{left_out}'
        f"{_faults_filter(failed)}{_kinds_nav(kinds)}{sections}</section>"
    )


def _faults_filter(failed: Sequence[QuestionOutcome]) -> str:
    counts = Counter(one.fault for one in failed)
    choices = [("all", "all", len(failed))]
    choices += [(str(_FAULTS.index(f)), f, counts[f]) for f in _FAULTS if counts[f]]
    shown_choices = "".join(
        f'<input type="radio" name="fault" id="show-{key}"{" checked" if key == "all" else ""}>'
        f'<label for="show-{key}">{label} <b>{n:,}</b></label>'
        for key, label, n in choices
    )
    return f'<fieldset class="faults"><legend>What is at fault</legend>{shown_choices}</fieldset>'


def _filter_style() -> str:
    """Return the rules by which choosing a fault hides the others, without any script."""
    return "".join(
        f"#failures:has(#show-{place}:checked) .failure:not(.fault-{place}),"
        f"#failures:has(#show-{place}:checked) .kind:not(:has(.fault-{place})){{display:none}}"
        for place in range(len(_FAULTS))
    )


def _kinds_nav(kinds: Mapping[str, Sequence[QuestionOutcome]]) -> str:
    links = "".join(
        f'<a href="#kind-{place}">{escape(kind)} <b>{len(group):,}</b></a>'
        for place, (kind, group) in enumerate(kinds.items(), start=1)
    )
    return f'<nav aria-label="Kinds of question">{links}</nav>'


def _failure(record: Record, outcome: QuestionOutcome) -> str:
    example = example_from_dict(_mapping(record["example"]), query_id=outcome.query_id)
    answer = _mapping(record["answer"] or {})
    query = answer.get("query", "")
    searched = (
        f'<p class="note">Searched for: <bdi>{escape(query)}</bdi></p>'
        if query not in {"", example.question}
        else ""
    )
    return (
        f'<details class="failure fault-{_FAULTS.index(outcome.fault)}"'
        f' id="q-{outcome.number}"><summary><span class="fault">{outcome.fault}</span>'
        f' <bdi class="question">{escape(example.question)}</bdi></summary>'
        f"{_history(example)}{searched}"
        f"{_answer(answer, outcome, example.evidence, _listed(record['quotes_exact']))}"
        f"{_expected(example, _listed(record['expected']))}"
        f"{_retrieved(_listed(record['retrieved']), example.evidence)}"
        f'<p class="note">{escape(outcome.query_id)}, question {outcome.number:,}</p></details>'
    )


def _history(example: Example) -> str:
    turns = "".join(
        f'<li><span class="note">{escape(turn.role)}:</span> <bdi>{escape(turn.text)}</bdi></li>'
        for turn in example.history
    )
    return f'<ul class="history">{turns}</ul>' if turns else ""


def _answer(
    answer: Mapping[str, Any],
    outcome: QuestionOutcome,
    evidence: Sequence[Evidence],
    exact: Sequence[bool],
) -> str:
    if outcome.error:
        return f'<h4>Answer</h4><p class="text"><bdi>{escape(outcome.error)}</bdi></p>'
    cited = "".join(
        _cited(citation, is_exact=is_exact, evidence=evidence)
        for citation, is_exact in zip(answer.get("citations", ()), exact, strict=True)
    )
    citations = f'<ul class="cited">{cited}</ul>' if cited else ""
    return (
        f'<h4>Answer <span class="note">{escape(answer.get("status", ""))}, confidence'
        f" {100 * outcome.confidence:.0f} %, {escape(answer.get('model', ''))}</span></h4>"
        f'<p class="text"><bdi>{escape(answer.get("text", ""))}</bdi></p>{citations}'
    )


def _cited(citation: Mapping[str, Any], *, is_exact: bool, evidence: Sequence[Evidence]) -> str:
    flags = [] if is_exact else ['<b class="bad">not as in the source</b>']
    if evidence:
        flags.append(_flag(citation, evidence, yes="evidence", no="not evidence"))
    return (
        f"<li><b>[{escape(citation['marker'])}]</b> <q>{escape(citation['quote'])}</q>"
        f" {_where(citation)} {' '.join(flags)}</li>"
    )


def _expected(example: Example, texts: Sequence[str]) -> str:
    if example.answerable is False:
        return '<h4>Expected</h4><p class="text">To abstain: the sources do not answer this.</p>'
    said = "".join(
        f'<p class="text"><bdi>{escape(" / ".join(wordings))}</bdi></p>'
        for wordings in example.parts
    )
    quoted = "".join(
        f"<li><q>{escape(text)}</q> {_where(_place(one.region))}</li>"
        for one, text in zip(example.evidence, texts, strict=True)
    )
    note = f'<p class="note">{escape(example.note)}</p>' if example.note else ""
    return f'<h4>Expected</h4>{said}<ul class="cited">{quoted}</ul>{note}'


def _retrieved(found: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence]) -> str:
    if not found:
        return '<h4>Retrieved</h4><p class="text">Nothing.</p>'
    rows = "".join(
        f"<li><details><summary>{_where(one)} <span class='note'>score {one['score']:.3f}</span>"
        f" {_flag(one, evidence, yes='evidence') if evidence else ''}</summary>"
        f'<p class="passage"><bdi>{escape(one["text"])}</bdi></p></details></li>'
        for one in found[:_MOST_PASSAGES]
    )
    return f'<h4>Retrieved</h4><ol class="found">{rows}</ol>'


def _flag(place: Mapping[str, Any], evidence: Sequence[Evidence], *, yes: str, no: str = "") -> str:
    region = Region(place["source_id"], place["start"], place["end"])
    if any(measures.covers(region, one.region) for one in evidence):
        return f'<b class="right">{yes}</b>'
    return f'<b class="bad">{no}</b>' if no else ""


def _where(place: Mapping[str, Any]) -> str:
    return (
        f'<span class="where"><bdi>{escape(place["source_id"])}</bdi>,'
        f" {escape(place['start'])}–{escape(place['end'])}</span>"
    )


def _place(region: Region) -> Mapping[str, Any]:
    return region._asdict()


# --- Tables --------------------------------------------------------------------------------------


def _tables(report: EvaluationReport) -> str:
    tables = "".join(_table(table.grid()) for table in report.tables)
    return f'<section id="tables"><h2>Tables</h2>{tables}</section>'


def _table(grid: Grid) -> str:
    heads = "".join(f'<th scope="col">{escape(header)}</th>' for header in grid.headers)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in grid.rows
    )
    return (
        f'<h3>{escape(grid.title)}</h3><p class="note">{escape(grid.note)}</p>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(grid.title)}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _making(run: Run) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in _flat(run.manifest)
    )
    return (
        '<section id="making"><h2>How it was made</h2><div class="scroll" role="region" tabindex="0"'
        f' aria-label="How it was made"><table class="making"><tbody>{rows}</tbody></table></div>'
        "</section>"
    )


def _flat(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in manifest.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}: {inner}", _plain(held)) for inner, held in value.items())
        else:
            yield name, _plain(value)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping), value
    return value


def _listed(value: object) -> Sequence[Any]:
    assert isinstance(value, Sequence), value
    return value
