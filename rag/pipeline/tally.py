"""Answers that are counted: how many, which, the most and the sum over rows that were parsed, each cited.

Computed is only what one table of the sources that were found knows all words of; where two do, or a word is left, the
question is the reader's. Pure over sources.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.citations import CitablePassage, Draft
from rag.citations.plain import harmless, visible
from rag.citations.writing import Pick, Writer
from rag.language.words import fold, stemmed
from rag.pipeline.matching import Match, match, words_at
from rag.pipeline.records import (
    MOST_CHARS,
    RecordTable,
    TableRow,
    documents_of,
    sentences_in,
    tables_of,
)
from rag.queries.aggregates import MONEY, Aggregate, Superlative, aggregate_of
from rag.schema import BlockKind, Candidate, ShortAnswer, Source, SourceInfo, Span

MOST_QUOTED = 8
"""Rows that are written out."""
MOST_CITED = 32
"""Rows that are cited."""
_MOST_SOURCES = 3
"""Sources whose tables are looked at, those of the best passages first."""
_MOST_DOCUMENTS = 200
"""Documents that are compared for one form."""
_MOST_EXAMPLES = 3
"""Rows that are written out where all were counted."""
_LONGEST_LEAD = 4
"""Words of a sentence that say what its number is of."""
_LONGEST_ROW = 400
"""Characters of a row that is cited as a whole."""
_MOST_NAMED = 12
"""Names in a short answer."""

_MAY_HOLD: dict[str, frozenset[BlockKind]] = {
    "select": frozenset({"row"}),
    "list": frozenset({"row", "item", "field"}),
}
"""Kinds of units, one of which must have been found for a table to be looked for; others are looked for anywhere."""
SURE, UNSURE = 0.9, 0.5
"""Confidence of what is computed, and of what rests on something that was taken for granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A computed answer."""

    draft: Draft
    short: ShortAnswer | None
    doubts: tuple[str, ...]
    """Why it may be otherwise: sentences for people; none where it is sure."""


@dataclass(slots=True, kw_only=True)
class _Result:
    """What was computed of one table."""

    sentence: str
    """Without its last stop."""
    short: str
    rows: list[int]
    """That it rests on."""
    columns: list[int]
    """That are shown of each row."""
    doubts: list[str] = field(default_factory=list)
    most: int = MOST_QUOTED
    """Rows to write out."""


def tally(
    question: str,
    found: Sequence[Candidate],
    source: Callable[[str], Source],
    listed: Callable[[], Sequence[SourceInfo]] | None = None,
) -> Tally | None:
    """Return the answer to a question that is counted; None where it is not one, or no table knows it.

    Args:
        question: one that stands alone.
        found: what the question found, best first; tables are looked for in the first sources.
        source: looks one up.
        listed: what may be searched; None where that is not known, and documents of one form are only those found.
    """
    asked = aggregate_of(question)
    if asked is None:
        return None
    ids = list(dict.fromkeys(one.passage.source_id for one in found))
    if not ids:
        return None
    kinds = {
        one: {
            unit.kind for held in found if held.passage.source_id == one for unit in held.sentences
        }
        for one in ids
    }
    looked_at = [
        one
        for one in ids[:_MOST_SOURCES]
        if _MAY_HOLD.get(asked.operation, kinds[one]) & kinds[one]
    ]
    read = {one: source(one) for one in looked_at}
    tables = [table for one in read.values() for table in tables_of(one)]
    matches = [one for table in tables if (one := match(asked, table)) is not None]
    results = [(one, result) for one in matches if (result := _computed(asked, one)) is not None]
    if not results and asked.operation != "select":
        tables = _documents(ids, read, source, listed)
        matches = [one for table in tables if (one := match(asked, table)) is not None]
        results = [
            (one, result) for one in matches if (result := _computed(asked, one)) is not None
        ]
    chosen = _only(results)
    if chosen is None:
        return None
    about, result = chosen
    if ids[0] not in about.table.source_ids:
        result.doubts.append("Another document was the best match for the question.")
    return _written(about, result)


def _documents(
    ids: Sequence[str],
    read: dict[str, Source],
    source: Callable[[str], Source],
    listed: Callable[[], Sequence[SourceInfo]] | None,
) -> list[RecordTable]:
    """Return the documents of one form, as a table, that the best of those found is among."""
    read = read | {one: source(one) for one in ids if one not in read}
    if len(read[ids[0]].text) > MOST_CHARS:
        return []
    infos = listed() if listed is not None else ()
    others = [
        one.source_id for one in infos if one.n_chars <= MOST_CHARS and one.source_id not in read
    ]
    if len(others) > _MOST_DOCUMENTS:
        return []
    sources = [*read.values(), *(source(one) for one in others)]
    tables = documents_of(
        [one for one in sources if not any(block.kind == "row" for block in one.blocks)]
    )
    return [one for one in tables if ids[0] in one.source_ids]


def _only(results: Sequence[tuple[Match, _Result]]) -> tuple[Match, _Result] | None:
    """Return the result of the table that is called by what is counted, or has more of the words."""
    ranked = sorted(results, key=_rank, reverse=True)
    if not ranked or (len(ranked) > 1 and _rank(ranked[0]) == _rank(ranked[1])):
        return None
    return ranked[0]


def _rank(one: tuple[Match, _Result]) -> tuple[bool, int, int]:
    return one[0].strong, len(one[0].conditions), len(one[0].named)


def _computed(asked: Aggregate, about: Match) -> _Result | None:
    """Return what a question wants computed of a table; None where that is not clear."""
    if asked.bounds and not any(one.bounds for one in about.conditions):
        return None  # a date or number of the question that bounds nothing here is about something else
    compute = {
        "count": _count,
        "share": _share,
        "list": _list,
        "select": _select,
        "sum": _of_numbers,
        "mean": _of_numbers,
        "median": _of_numbers,
    }.get(asked.operation, _extreme)
    result = None if _is_of_one_row(asked, about) else compute(asked, about)
    if result is None or not _is_all_used(asked, about, result):
        return None
    result.doubts += about.unsure
    if about.conditions and not about.rows:
        result.doubts.append("No row is that; it may be called otherwise there.")
    if about.table.goes_on:
        result.doubts.append("The list goes on, or names examples only.")
    return result


def _is_all_used(asked: Aggregate, about: Match, result: _Result) -> bool:
    """Tell whether each column that is named, beside what is asked for, had a part in the result."""
    if about.table.kind != "rows":
        return True
    used = {at for one in result.columns for at in about.named.get(one, ())}
    return all(words & (used | asked.noun | {asked.group}) for words in about.named.values())


def _is_of_one_row(asked: Aggregate, about: Match) -> bool:
    """Tell whether a row is named where rows are asked for: "which plan has an audit log", a row of its own."""
    if asked.operation not in {"count", "share", "list"} or about.table.kind in {"items", "names"}:
        return False
    key = about.columns.key
    named = any(one.column == key and not one.bounds for one in about.conditions)
    wanted = _asked_for(asked, about)
    return named and about.columns.is_key(key) and (wanted is None or wanted == key)


def _called(asked: Aggregate, about: Match, number: int) -> str:
    """Return what so many rows are called."""
    words = words_at(asked.words, about.calls_rows & asked.noun)
    if words and number != 1:
        return words
    return "row" if number == 1 and not words else words or "rows"


def _said(about: Match) -> str:
    """Return the conditions as words."""
    told: dict[tuple[int, int], list[str]] = {}
    for number, one in enumerate(about.conditions):
        told.setdefault((one.column, number if one.bounds else -1), []).append(one.value)
    between = " or " if about.either else ", "
    parts = [_phrase(about, column, between.join(values)) for (column, _), values in told.items()]
    *others, last = parts or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _name(about: Match, column: int) -> str:
    """Return what a column is called: of running text the last words before what differs."""
    lead, _, rest = about.table.columns[column].partition("…")
    return " ".join((lead.split() or rest.split())[-_LONGEST_LEAD:])


def _phrase(about: Match, column: int, value: str) -> str:
    """Return a column and a value as words: of running text what stands before it, with it."""
    name = about.table.columns[column]
    if about.table.kind in {"items", "names"}:
        return f"“{value}”"
    lead = name.partition("…")[0].strip()
    return f"{lead} {value}".strip()


def _shown(about: Match, *more: int | None) -> list[int]:
    """Return the columns to show: what rows are called by, what is asked for, what they were chosen by."""
    columns = [about.columns.key, *more, *(one.column for one in about.conditions)]
    return list(dict.fromkeys(one for one in columns if one is not None))


def _wanted(asked: Aggregate, about: Match) -> int | None:
    """Return the column that is asked for, by the words right behind which, who or how many."""
    conditions = {one.column for one in about.conditions}
    named = [
        one
        for one, words in about.named.items()
        if words & asked.noun & about.exact and one not in conditions
    ]
    if len(named) == 1:
        return named[0]
    return about.columns.person if asked.person else None


def _count(asked: Aggregate, about: Match) -> _Result | None:
    """Count rows, or the different values of a column that is named, or add up numbers that are."""
    if not asked.noun and not about.conditions:
        return None
    total = len(about.table.rows)
    if asked.group is not None:
        return _groups(asked, about)
    wanted = None if about.table.kind in {"items", "names"} else _wanted(asked, about)
    if wanted is not None and wanted != about.columns.key and about.columns.numbers(wanted):
        return _of_numbers(asked, about)
    if (
        wanted is not None
        and not about.columns.is_key(wanted)
        and not _is_called(asked, about, wanted)
    ):
        return _different(asked, about, wanted)
    if not about.conditions and not (about.calls_rows and about.strong):
        return None
    if (
        not about.calls_rows
        and wanted is None
        and not any(one.at in asked.noun for one in about.conditions)
    ):
        return None
    rows = about.rows
    number = len(rows)
    noun = _called(asked, about, total)
    if about.conditions:
        sentence = _of_all(asked, about)
    elif about.table.kind in {"items", "names"}:
        sentence = f"{number} under “{about.table.context[-1].rstrip(':')}”"
    else:
        sentence = f"{number} {noun}"
    kind = about.table.kind
    most = MOST_QUOTED if about.conditions or kind in {"items", "names"} else _MOST_EXAMPLES
    return _Result(
        sentence=sentence, short=str(number), rows=rows, columns=_shown(about), most=most
    )


def _of_all(asked: Aggregate, about: Match) -> str:
    """Return how many of all rows meet the conditions, and these: 12 of 36 orders have status cancelled."""
    number, total = len(about.rows), len(about.table.rows)
    if about.table.kind in {"documents", "sections"}:
        noun = "documents" if about.table.kind == "documents" else "sections"
        return f"{number} of {total} {noun}" + (f": {_said(about)}" if about.conditions else "")
    noun = _called(asked, about, total)
    have = "has" if number == 1 else "have"
    if about.table.kind in {"items", "names"}:
        have = "mentions" if number == 1 else "mention"
    return f"{number} of {total} {noun}" + (f" {have} {_said(about)}" if about.conditions else "")


def _is_called(asked: Aggregate, about: Match, column: int) -> bool:
    """Tell whether rows are called by a column though its values repeat: an order of two lines."""
    return (
        asked.distinct is False
        and column == about.columns.key
        and not about.columns.numbers(column)
    )


def _different(asked: Aggregate, about: Match, column: int) -> _Result | None:
    """Count or list the different values of a column."""
    first: dict[str, int] = {}
    for row in about.rows:
        value = about.table.rows[row].text(column)
        if value:
            first.setdefault(fold(value), row)
    if not first:
        return None
    cells = [about.table.rows[row].text(column) for row in first.values()]
    name = about.table.columns[column]
    among = f" with {_said(about)}" if about.conditions else ""
    sentence = f"{len(first)} different values of {name} in {len(about.rows)} rows{among}"
    short = str(len(first)) if asked.operation == "count" else _names(cells)
    return _Result(
        sentence=sentence if asked.operation == "count" else f"{sentence}: {_names(cells)}",
        short=short,
        rows=list(first.values()),
        columns=[column, *(one.column for one in about.conditions)],
    )


def _names(cells: Sequence[str]) -> str:
    told = list(dict.fromkeys(one for one in cells if one))
    more = len(told) - _MOST_NAMED
    return ", ".join(told[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _groups(asked: Aggregate, about: Match) -> _Result | None:
    """Count or add up for each value of a column."""
    column = next((one for one, words in about.named.items() if asked.group in words), None)
    if (
        column is None
        or asked.operation != "count"
        or len(set(about.table.column(column))) > MOST_QUOTED
    ):
        return None
    groups: dict[str, list[int]] = defaultdict(list)
    for row in about.rows:
        groups[about.table.rows[row].text(column)].append(row)
    told = ", ".join(f"{name or '(empty)'} {len(rows)}" for name, rows in groups.items())
    noun = _called(asked, about, len(about.rows))
    return _Result(
        sentence=f"{len(about.rows)} {noun} by {about.table.columns[column]}: {told}",
        short=told,
        rows=[row for rows in groups.values() for row in rows],
        columns=_shown(about, column),
    )


def _share(asked: Aggregate, about: Match) -> _Result | None:
    """Return which part of the rows meets the conditions."""
    if not about.conditions or not about.calls_rows:
        return None
    total, rows = len(about.table.rows), about.rows
    percent = f"{100 * len(rows) / total:.1f}".removesuffix(".0")
    noun = _called(asked, about, total)
    return _Result(
        sentence=f"{percent} % ({len(rows)} of {total} {noun}) have {_said(about)}",
        short=f"{percent} %",
        rows=rows,
        columns=_shown(about),
    )


def _list(asked: Aggregate, about: Match) -> _Result | None:
    """List rows that meet conditions, or the values of a column in them."""
    kind, rows, total = about.table.kind, about.rows, len(about.table.rows)
    if not about.conditions and (
        kind in {"items", "names"} or not (about.calls_rows or about.named)
    ):
        return None
    if not about.conditions and kind != "documents" and not about.strong:
        return None
    wanted = _asked_for(asked, about)
    if asked.person and wanted is None and kind == "rows":
        return None
    if not rows and asked.person:
        return None  # that it is nobody the reader may know better
    if not rows:
        sentence = f"0 of {total} rows have {_said(about)}"
        return _Result(sentence=sentence, short="0", rows=[], columns=_shown(about))
    repeats = wanted is not None and not about.columns.is_key(wanted)
    if (
        wanted is not None
        and repeats
        and wanted != about.columns.key
        and len(rows) > 1
        and not asked.person
    ):
        return _different(asked, about, wanted)
    key = about.columns.key if wanted is None or about.table.kind == "documents" else wanted
    cells = [about.table.rows[row].text(key) for row in rows]
    columns = _shown(about, wanted, *about.named)
    is_row = len(rows) == 1 and (asked.person or wanted is not None)
    return _Result(
        sentence="" if is_row else _of_all(asked, about),
        short=_names(cells),
        rows=rows,
        columns=columns,
    )


def _asked_for(asked: Aggregate, about: Match) -> int | None:
    """Return the column that a list or a look-up is of."""
    conditions = {one.column for one in about.conditions}
    wanted = _wanted(asked, about)
    free = [one for one in about.named if one not in conditions]
    if asked.person and len(free) == 1 and (wanted is None or wanted in conditions):
        return free[0]
    return wanted


def _select(asked: Aggregate, about: Match) -> _Result | None:
    """Return the cell of one row in the column that is named."""
    conditions = {one.column for one in about.conditions}
    spoken = {stemmed(one.folded) for one in asked.words}
    free = {
        one: len(about.columns.stems[one] & spoken) for one in about.named if one not in conditions
    }
    best = [one for one, shared in free.items() if shared == max(free.values())]
    rows = about.rows
    if about.table.kind != "rows" or len(best) != 1 or not about.conditions or len(rows) != 1:
        return None
    cell = about.table.rows[rows[0]].text(best[0])
    how_much = [one.folded for one in asked.words[:2]] == ["how", "much"]
    says = any(map(str.isalnum, cell))
    if how_much and says and not any(map(str.isdigit, cell)):
        return None  # "how much did they pay to" is no question of the column "Paid to"
    key = about.conditions[0].column
    empty = f"{_phrase(about, key, about.conditions[0].value)} has no entry under {_name(about, best[0])}"
    return _Result(
        sentence="" if cell else empty,
        short=cell,
        rows=rows,
        columns=list(dict.fromkeys((key, best[0], *conditions))),
        doubts=[] if says else ["The table has no entry there."],
    )


def _measure(asked: Aggregate, about: Match) -> int | None:
    """Return the column of numbers that is meant: the named one, else the only one there is."""
    taken = {one.column for one in about.conditions if not one.bounds}
    numeric = [
        at
        for at in range(len(about.table.columns))
        if at not in taken and about.columns.numbers(at)
    ]
    named = [at for at in numeric if at in about.named]
    if len(named) > 1:
        spoken = {stemmed(one.folded) for one in asked.words}
        named = [at for at in named if about.columns.stems[at] <= spoken]
    if len(named) == 1:
        return named[0]
    return numeric[0] if len(numeric) == 1 and not named and about.calls_rows else None


def _of_numbers(asked: Aggregate, about: Match) -> _Result | None:
    """Add up or average a column of numbers."""
    column = _measure(asked, about)
    if column is None or about.table.kind in {"items", "names"} or not _is_of_each(asked, about):
        return None
    numbers = about.columns.numbers(column)
    pairs = [
        (row, value) for row in about.rows if numbers and (value := numbers.values[row]) is not None
    ]
    adds_up = asked.operation in {"sum", "count"}
    if not pairs or numbers is None or (adds_up and numbers.unit == "%"):
        return None
    if adds_up and not about.conditions and about.table.has_totals:
        return None
    values = [value for _, value in pairs]
    value = (
        sum(values)
        if adds_up
        else statistics.median(values)
        if asked.operation == "median"
        else statistics.fmean(values)
    )
    told = numbers.write(value, finer=not adds_up)
    name = {"mean": "average", "median": "median"}.get(asked.operation, "total")
    among = f" with {_said(about)}" if about.conditions else ""
    doubts = ["Not every row has a number there."] if len(pairs) < len(about.rows) else []
    doubts += ["It is not certain how its numbers are written."] if numbers.unsure else []
    doubts += (
        ["The numbers of several rows were added up."]
        if asked.operation == "count" and not asked.summed and len(pairs) > 1
        else []
    )
    over = f"over {len(pairs)} of {len(about.table.rows)} rows{among}"
    return _Result(
        sentence=f"The {name} of {_name(about, column)} is {told}, {over}",
        short=told,
        rows=[row for row, _ in pairs],
        columns=_shown(about, column),
        doubts=doubts,
    )


def _is_of_each(asked: Aggregate, about: Match) -> bool:
    """Tell whether there is one result: none is asked for by group, or each row is one, as in "hours per ticket"."""
    if asked.group is None:
        return True
    columns = [one for one, words in about.named.items() if asked.group in words]
    return all(one == about.columns.key for one in columns)


def _extreme(asked: Aggregate, about: Match) -> _Result | None:
    """Return the rows that have the most or the least, all that tie."""
    if about.table.kind in {"items", "names"} or (asked.person and about.columns.person is None):
        return None
    for kind in asked.superlatives:
        column = _dated(asked, about) if kind.dated else _numeric(asked, about, kind)
        if column is not None and not (
            kind.dated and kind.hints and not _hinted(about, column, kind)
        ):
            return _most(asked, about, kind, column)
    return _most_rows(asked, about)


def _hinted(about: Match, column: int, kind: Superlative) -> bool:
    return bool(about.columns.stems[column] & {stemmed(one) for one in kind.hints})


def _dated(asked: Aggregate, about: Match) -> int | None:
    """Return the column of dates that is meant: a named one, else the only one."""
    dated = [at for at in range(len(about.table.columns)) if about.columns.days(at)]
    named = [at for at in dated if at in about.named]
    if named:
        return named[0] if len(named) == 1 else None
    return (
        dated[0]
        if len(dated) == 1 and (about.calls_rows or _wanted(asked, about) is not None)
        else None
    )


def _numeric(asked: Aggregate, about: Match, kind: Superlative) -> int | None:
    """Return the column of numbers that is meant: a named one, one of the superlative's, else the only one."""
    measured = [at for at in range(len(about.table.columns)) if about.columns.numbers(at)]
    named = [at for at in measured if at in about.named]
    if named:
        return named[0] if len(named) == 1 else _measure(asked, about)
    if kind.hints:
        hinted = [at for at in measured if _hinted(about, at, kind)]
        if kind.hints <= MONEY and not hinted:
            hinted = [
                at
                for at in measured
                if (found := about.columns.numbers(at))
                and found.unit.isupper()
                and len(found.unit) == 3
            ]
        return hinted[0] if len(hinted) == 1 else None
    counts = any(one.folded in {"most", "fewest"} for one in asked.words)
    return measured[0] if len(measured) == 1 and about.calls_rows and not counts else None


def _most(asked: Aggregate, about: Match, kind: Superlative, column: int) -> _Result | None:
    wanted = _wanted(asked, about)
    if wanted == column:
        wanted = about.columns.person if asked.person else None
    values = _comparable(about, kind, column)
    if not values:
        return None
    if asked.summed and wanted is not None and not about.columns.is_key(wanted) and not kind.dated:
        return _most_of_sums(asked, about, wanted, column, values)
    order = sorted(values, key=lambda row: values[row], reverse=kind.operation == "max")
    last = values[order[min(asked.limit, len(order)) - 1]]
    rows = [
        row
        for row in order
        if (values[row] >= last if kind.operation == "max" else values[row] <= last)
    ]
    key = about.columns.key if wanted is None or about.table.kind == "documents" else wanted
    names = [about.table.rows[row].text(key) for row in rows]
    cells = dict.fromkeys(about.table.rows[row].text(column) for row in rows)
    least, most = ("earliest", "latest") if kind.dated else ("lowest", "highest")
    which = most if kind.operation == "max" else least
    have = "has" if len(rows) == 1 else "have"
    among = f" with {_said(about)}" if about.conditions else ""
    name = _name(about, column)
    noun = "documents" if about.table.kind == "documents" else "rows"
    doubts = ["Not every row says it."] if len(values) < len(about.rows) else []
    numbers = None if kind.dated else about.columns.numbers(column)
    doubts += (
        ["It is not certain how its numbers are written."] if numbers and numbers.unsure else []
    )
    told = f"{_names(names)} ({', '.join(cells)})"
    if asked.limit > 1:
        told = ", ".join(
            f"{who} ({about.table.rows[row].text(column)})"
            for who, row in zip(names, rows, strict=True)
        )
    sentence = f"{_names(names)} {have} the {which} {name} of {len(values)} {noun}{among}: {', '.join(cells)}"
    if about.table.kind in {"documents", "sections"} or asked.limit > 1:
        sentence = f"{told}: the {which} of {len(values)} {noun}{among}"
    return _Result(
        sentence=sentence,
        short=told,
        rows=rows,
        columns=_shown(about, wanted, column),
        doubts=doubts,
    )


def _comparable(about: Match, kind: Superlative, column: int) -> dict[int, float]:
    """Return what is compared by row, of the rows that say it."""
    if kind.dated:
        days = about.columns.days(column) or ()
        return {row: day[0] for row in about.rows if (day := days[row]) is not None}
    numbers = about.columns.numbers(column)
    return {
        row: value for row in about.rows if numbers and (value := numbers.values[row]) is not None
    }


def _most_of_sums(
    asked: Aggregate, about: Match, group: int, column: int, values: dict[int, float]
) -> _Result | None:
    sums: dict[str, float] = defaultdict(float)
    for row, value in values.items():
        sums[about.table.rows[row].text(group)] += value
    numbers = about.columns.numbers(column)
    told = {name: numbers.write(value) if numbers else f"{value:g}" for name, value in sums.items()}
    return _best_group(
        asked, about, group, sums, told, f"total of {about.table.columns[column]}", column
    )


def _most_rows(asked: Aggregate, about: Match) -> _Result | None:
    """Return the value of a column that most or fewest rows have: the customer with the most orders."""
    column = _wanted(asked, about)
    counted = any(one.folded in {"most", "fewest", "least"} for one in asked.words)
    others = [at for at, words in about.named.items() if at != column and not words & asked.noun]
    rows_named = bool(about.calls_rows) or about.strong
    if column is None or not counted or about.columns.is_key(column) or not rows_named:
        return None
    if any(about.columns.numbers(at) for at in others):
        return None
    counts: dict[str, float] = defaultdict(float)
    for row in about.rows:
        counts[about.table.rows[row].text(column)] += 1
    told = {name: f"{number:.0f}" for name, number in counts.items()}
    return _best_group(asked, about, column, counts, told, "number of rows", None)


def _best_group(
    asked: Aggregate,
    about: Match,
    group: int,
    sizes: dict[str, float],
    told: dict[str, str],
    measure: str,
    column: int | None,
) -> _Result | None:
    sizes = {name: size for name, size in sizes.items() if name}
    if len(sizes) < 2 or asked.limit > 1:
        return None
    best = (max if asked.operation == "max" else min)(sizes.values())
    names = [name for name, size in sizes.items() if size == best]
    which = "highest" if asked.operation == "max" else "lowest"
    have = "has" if len(names) == 1 else "have"
    among = f" with {_said(about)}" if about.conditions else ""
    rows = [row for row in about.rows if about.table.rows[row].text(group) in names]
    return _Result(
        sentence=f"{_names(names)} {have} the {which} {measure}, {told[names[0]]}, of {len(sizes)}{among}",
        short=f"{_names(names)} ({told[names[0]]})",
        rows=rows,
        columns=_shown(about, group, column),
    )


def _written(about: Match, result: _Result) -> Tally:
    """Write a result: a sentence, then the rows it rests on, each cited."""
    rows = [about.table.rows[at] for at in result.rows]
    writer = Writer()
    quoted = [
        (_line(about, row, result.columns), _cited(about, row, result.columns))
        for row in rows[: result.most]
    ]
    first = [
        pick
        for row in about.table.rows[:_MOST_EXAMPLES]
        for pick in _cited(about, row, result.columns)
    ]
    if result.sentence:
        writer.state(
            _plain(f"{result.sentence}."),
            [pick for _, picks in quoted for pick in picks] or first,
            "supported",
            1.0,
        )
    for line, picks in quoted:
        writer.say("\n- " if result.sentence else "")
        writer.state(_plain(line), picks, "supported", 1.0)
    further = rows[result.most : MOST_CITED]
    if further:
        writer.say("\n- ")
        picks = [pick for row in further for pick in _cited(about, row, result.columns)]
        writer.state(f"and {len(rows) - result.most:,} more", picks, "supported", 1.0)
    draft = writer.draft()
    markers = tuple(one.marker for one in draft.citations)
    return Tally(
        draft=draft,
        short=ShortAnswer(text=_plain(result.short), markers=markers)
        if result.short and markers
        else None,
        doubts=tuple(dict.fromkeys(result.doubts)),
    )


def _plain(text: str) -> str:
    return harmless(" ".join(visible(text).split()))


def _line(about: Match, row: TableRow, columns: Sequence[int]) -> str:
    """Return a row in the words of its cells, names of columns before them; of running text the sentences."""
    if about.table.kind in {"documents", "sections"}:
        spans = _sentences(row, columns)
        title = row.text(0)
        text = " ".join(row.source.text[one.start : one.end] for one in spans)
        if not spans:
            return title
        return text if fold(title) in fold(text) else f"{title}: {text}"
    named = ((about.table.columns[at], row.text(at)) for at in columns)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _sentences(row: TableRow, columns: Sequence[int]) -> list[Span]:
    """Return the sentences that hold the cells of a document, apart from its title."""
    cells = [
        span
        for at in columns
        if at < len(row.cells) and (span := row.cells[at]) and span.start >= row.end
    ]
    found = []
    for one in sentences_in(row.source):
        if any(one.start <= cell.start and cell.end <= one.end for cell in cells):
            found.append(one)
    return found


def _cited(about: Match, row: TableRow, columns: Sequence[int]) -> list[Pick]:
    """Return what to cite of a row: all of it, of a long one the cells that were read, with the names before them."""
    if about.table.kind in {"documents", "sections"}:
        spans = _sentences(row, columns) or [Span(start=row.start, end=row.end)]
    elif row.end - row.start <= _LONGEST_ROW:
        spans = [Span(start=row.start, end=row.end)]
    else:
        spans = [*_cells(about, row, columns)]
    return [(_citable(row.source, span), span) for span in spans]


def _cells(about: Match, row: TableRow, columns: Sequence[int]) -> Iterator[Span]:
    for at in columns:
        span = row.cells[at] if at < len(row.cells) else None
        if span is not None:
            lead = f"{about.table.columns[at]}: "
            named = row.source.text.startswith(lead, span.start - len(lead))
            yield Span(start=span.start - len(lead) if named else span.start, end=span.end)


def _citable(source: Source, span: Span) -> CitablePassage:
    return CitablePassage(
        source_id=source.source_id,
        title=source.title,
        sha256=source.sha256,
        pages=source.pages,
        places=source.places,
        start=span.start,
        text=source.text[span.start : span.end],
        sentences=(span,),
    )
