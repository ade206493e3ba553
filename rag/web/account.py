"""How an answer came about, as HTML for the pane beside the chat. Pure.

Every text that comes from a person, a document or a model goes through `escape`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rag import outcome
from rag.schema import Answer, Statement
from rag.web.conversation import Exchange
from rag.web.escaping import counted, escape
from rag.web.explaining import Explanation, Part, Row
from rag.web.render import Ref

_VERDICTS = {
    "supported": "supported",
    "weak": "weakly supported",
    "unsupported": "not supported",
    "unchecked": "not checked",
}
_EXCERPT = 110  # characters of a passage in the list of candidates
_STAGES: Mapping[str, str] = {
    "query": "Understanding the question",
    "search": "Searching",
    "answer": "Reading and answering",
    "total": "In all",
}
_TOKENS: Mapping[str, str] = {"prompt": "read by the model", "completion": "written by the model"}
_LEGEND = (
    "<strong>Meaning</strong>: likeness of meaning, −1 to 1. <strong>Words</strong>: words in common (BM25)."
    " <strong>Both</strong>: the two combined, 0 to 1, the order of the search. <strong>Reader</strong>: how likely"
    " the passage answers, 0 to 1. Higher is better."
)
_AS_NOW = "Searched again just now, in your sources as they are."


def account(explanation: Explanation, turn: int) -> str:
    """Return the pane that explains an answer.

    Args:
        explanation: of the answer.
        turn: 0-based place of the exchange in the conversation.
    """
    exchange, answer = explanation.exchange, explanation.answer
    parts = (
        _section("The question", _question(exchange, answer)),
        _section("What the answer says", _statements(answer)),
        _section("What was done about it", _steps(answer)),
        _section("What was found", _found(explanation, turn)),
        _section("Time and tokens", _costs(answer)),
    )
    return (
        '<div class="fn-pane fn-account"><div class="fn-head"><h2>How this answer came about</h2>'
        f'{_back(answer, turn)}<a class="fn-close" href="#fn-close" title="Close">Close</a></div>'
        f'<div class="fn-reading" tabindex="0" role="region">{"".join(parts)}</div></div>'
    )


def _back(answer: Answer, turn: int) -> str:
    """Return the link back to the words beside the chat; nothing where there are none."""
    if not answer.citations and not answer.evidence:
        return ""
    ref = Ref(kind="citation" if answer.citations else "passage", turn=turn, number=1)
    return f'<a class="fn-back" href="{ref.href}">Back to the sources</a>'


def trouble(message: str) -> str:
    """Return the pane that says why nothing can be explained."""
    return (
        '<div class="fn-pane fn-account"><div class="fn-head"><h2>How this answer came about</h2>'
        '<a class="fn-close" href="#fn-close" title="Close">Close</a></div>'
        f'<p class="fn-state fn-gone">{escape(message)}</p></div>'
    )


def _section(title: str, content: str) -> str:
    return f"<h3>{title}</h3>{content}" if content else ""


def _question(exchange: Exchange, answer: Answer) -> str:
    rows = [("Asked", answer.question)]
    if answer.query != answer.question:
        rows.append(("Searched for", answer.query))
    if exchange.collections:
        rows.append(("Asked in", ", ".join(exchange.collections)))
    if exchange.sources:
        rows.append(("Only in", ", ".join(exchange.sources)))
    rows.append(("Answered by", answer.model))
    if exchange.ways.top_k is not None:
        rows.append(("Passages to read", f"{exchange.ways.top_k}"))
    if exchange.ways.strictness is not None:
        rows.append(("Strictness", f"{exchange.ways.strictness:.2f}"))
    rows += [
        (name, way)
        for name, way in (("Checked by", exchange.ways.verify), ("Depth", exchange.ways.depth))
        if way is not None
    ]
    if outcome.is_weighed(answer):
        sure = outcome.sureness(answer)
        rows.append(("Confidence", f"{round(answer.confidence * 100)} %{sure and f' ({sure})'}"))
    if answer.reason:
        rows.append(("Why", answer.reason.message))
    return _table(rows)


def _table(rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td><bdi>{escape(value)}</bdi></td></tr>"
        for name, value in rows
    )
    return f'<table class="fn-facts"><tbody>{lines}</tbody></table>'


def _statements(answer: Answer) -> str:
    rows = "".join(_statement(answer, one) for one in answer.statements)
    if not rows:
        return ""
    head = "<tr><th>Sentence</th><th>Verdict</th><th>Support</th><th>Why</th></tr>"
    return _scores(head, rows)


def _statement(answer: Answer, one: Statement) -> str:
    return (
        f"<tr><th><bdi>{escape(answer.text[one.start : one.end].strip())}</bdi></th>"
        f'<td><span class="fn-{one.verdict}">{_VERDICTS[one.verdict]}</span></td>'
        f"<td>{one.support:.2f}</td><td>{escape(one.why)}</td></tr>"
    )


def _scores(head: str, rows: str) -> str:
    return (
        f'<div class="fn-scroll"><table class="fn-table"><thead>{head}</thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _steps(answer: Answer) -> str:
    items = "".join(f"<li>{escape(step.detail)}</li>" for step in answer.steps)
    return f"<ul>{items}</ul>" if items else ""


def _found(explanation: Explanation, turn: int) -> str:
    parts = "".join(_part(part, explanation, turn) for part in explanation.parts)
    if explanation.others:
        parts += f"<p>Also read:</p>{_candidates(explanation.others, explanation, turn)}"
    return f'<p class="fn-note">{_AS_NOW} {_LEGEND}</p>{parts}'


def _part(part: Part, explanation: Explanation, turn: int) -> str:
    said = f"<p>Searched: <bdi>{escape(part.query)}</bdi></p>"
    if not part.rows:
        return f"{said}<p>Nothing was found.</p>"
    return said + _candidates(part.rows, explanation, turn)


def _candidates(rows: tuple[Row, ...], explanation: Explanation, turn: int) -> str:
    head = "<tr><th>Passage</th><th>Meaning</th><th>Words</th><th>Both</th><th>Reader</th></tr>"
    return _scores(head, "".join(_candidate(row, explanation, turn) for row in rows))


def _candidate(row: Row, explanation: Explanation, turn: int) -> str:
    words = " ".join(row.passage.text.split())
    cut = words if len(words) <= _EXCERPT else words[:_EXCERPT] + "…"
    title = explanation.titles.get(row.passage.source_id, "") or row.passage.source_id
    said = f"<bdi>{escape(cut)}</bdi>"
    if row.place is not None:
        href = Ref(kind="passage", turn=turn, number=row.place).href
        said = f'<a href="{href}">{said}</a>'
    return (
        f"<tr><th>{said}<small>{_fate(row)} · <bdi>{escape(title)}</bdi>,"
        f" characters {row.passage.start:,}–{row.passage.end:,}</small></th>"
        f"{''.join(_numbers(row))}</tr>"
    )


def _numbers(row: Row) -> Iterator[str]:
    found = row.candidate
    scores = (found.dense, found.lexical, found.fused) if found else (None,) * 3
    reader = row.read.score if row.read and row.read.scorer == "reader" else None
    for score in (*scores, reader):
        yield "<td>–</td>" if score is None else f"<td>{score:.2f}</td>"


def _fate(row: Row) -> str:
    if row.markers:
        return "Cited " + " ".join(f"[{marker}]" for marker in row.markers)
    return "Read" if row.read else "Not read"


def _costs(answer: Answer) -> str:
    rows = [
        (_STAGES.get(stage, stage), f"{seconds * 1000:,.0f} ms")
        for stage, seconds in answer.timings.items()
    ]
    rows += [(f"Tokens {_TOKENS.get(kind, kind)}", f"{n:,}") for kind, n in answer.usage.items()]
    return _table([*rows, ("Passages read", counted(len(answer.evidence), "passage"))])
