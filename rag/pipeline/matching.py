"""What the words of a question are beside a table: its columns, values in it, the name of its rows. Pure.

Every word that says something must be one of these: a question with a word that a table does not know is not about it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from rag.language.cells import NO, Days, Numbers, dates_of, is_yes_or_no, numbers_of
from rag.language.english import BASE_VERBS, FUNCTION_WORDS, MOTION, PEOPLE
from rag.language.languages import language_of
from rag.language.words import Word, alike, fold, stemmed, word_set
from rag.pipeline.records import RecordTable
from rag.queries.aggregates import MONEY, Aggregate, Bound

_LONGEST_VALUE = 7
"""Words of a value that is looked for in a question."""
_FEW_VALUES = 12
"""Different values of a column that sorts its rows."""
_LONGEST_CELL = 80
"""Characters of a cell that can be a value, not a text."""
_AMONG = re.compile(r"\s*[,;/|]\s*")
_PLAIN = re.compile(r"#?\d{1,6}")
_MEASURED = re.compile(r"[-−+]?\d[\d.,']*\s?[^\W\d_]{1,4}[²³]?$")
_NAME = re.compile(r"\b[cdk]?m[23]\b|[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+")
_UNITS = word_set(
    "eur euro usd dollar gbp chf kg g km m cm mm m2 m3 km2 cm2 sqm l ml h hr hour min day pct percent in"
)
_YEARLY = word_set(
    "year since founded joined born built established opened from until in jahr annee ano"
    " started published released release edition season date"
)
_IDENTIFIES = word_set(
    "id no nr number code key phone telephone fax zip postcode postal extension serial room isbn ean sku account iban"
)
_ROWS = word_set("row record entry entries line item case thing point step document file")
_PEOPLE = (PEOPLE - {"president", "minister"}) | word_set(
    "people person persons employee staff member colleague worker participant attendee somebody"
)
_NEUTRAL = word_set(
    "report mention note place list register record contain include show give count exist appear table file sheet"
    " csv document take reach score listed recorded registered column value field"
)
_ATTRIBUTES = word_set("number code name value column field kind type date level size amount id")
_SENSES = {
    "speak": "language", "live": "city home residence address location country",
    "work": "department team office", "earn": "salary wage pay income", "paid": "salary wage pay",
    "cost": "price cost amount fee rent rate charge premium", "price": "price cost",
    "pay": "paid rent fee price cost amount",
    "space": "size area surface", "big": "size area", "large": "size area",
    "weigh": "weight", "born": "birth born",
    "join": "start joined join hired entry since", "hire": "start hired", "start": "start begin",
    "deliver": "delivery delivered", "due": "due payable", "expire": "expiry expires until valid",
    "call": "name", "locate": "city location office country site", "base": "city location office country",
    "spend": "amount cost price total", "value": "value amount", "sell": "sold sales units", "old": "age",
    "long": "length duration", "heavy": "weight", "tall": "height", "use": "used",
    "attend": "present attendees attended participants attendance",
    "attendee": "present attendees participants", "participant": "present attendees participants",
    "absent": "absent excused apologies", "excuse": "absent excused apologies",
    "come": "origin country nationality city", "worth": "value amount price",
}  # fmt: skip
"""Verbs and nouns of questions, and the words by which columns and labels say the same."""
_PERSONAL = word_set(
    "name employee person people staff member participant attendee surname customer contact"
    " holder owner tenant guest client buyer seller author driver teacher trainer player winner speaker"
    " patient student pupil child volunteer donor applicant candidate responsible assignee"
)
_OF_PEOPLE = word_set(
    "employee person people staff member colleague worker team participant attendee"
    " surname email birth birthday born age salary department manager role position joined hired gender"
)
"""Names of columns and tables that only people have."""
_FULL_NAME = re.compile(r"[A-Z][\w'’-]+(?: [A-Z][\w'’.-]*){1,3}")
_COUNTRIES = {
    "germany": "de ger deu", "france": "fr fra", "italy": "it ita", "spain": "es esp", "austria": "at aut",
    "switzerland": "ch che sui", "sweden": "se swe", "norway": "no nor", "denmark": "dk dnk",
    "finland": "fi fin", "poland": "pl pol", "netherlands": "nl nld", "belgium": "be bel",
    "portugal": "pt prt", "ireland": "ie irl", "united kingdom": "uk gb gbr", "great britain": "uk gb gbr",
    "britain": "uk gb gbr", "united states": "us usa", "usa": "us usa", "canada": "ca can", "mexico": "mx mex",
    "brazil": "br bra", "japan": "jp jpn", "china": "cn chn", "india": "in ind", "australia": "au aus",
    "czechia": "cz cze", "hungary": "hu hun", "greece": "gr grc", "turkey": "tr tur", "ukraine": "ua ukr",
    "estonia": "ee est", "latvia": "lv lva", "lithuania": "lt ltu", "romania": "ro rou", "bulgaria": "bg bgr",
    "croatia": "hr hrv", "slovenia": "si svn", "slovakia": "sk svk",
}  # fmt: skip
_CODED = re.compile(r"[A-Z]{2,3}")
_COUNTRY_COLUMNS = word_set("country land pays pais nation nationality state market origin")
_EURO = frozenset(
    {"de", "fr", "es", "it", "nl", "pt", "da", "no", "sv", "pl", "cs", "tr", "ro", "fi"}
)


class Columns:
    """What a table's columns hold, each looked at once."""

    def __init__(self, table: RecordTable) -> None:
        self.table = table
        self._numbers: dict[int, Numbers | None] = {}
        self._days: dict[int, tuple[Days | None, ...] | None] = {}

    @cached_property
    def _european(self) -> bool:
        return bool(self.table.rows) and language_of(self.table.rows[0].source.text) in _EURO

    @cached_property
    def stems(self) -> tuple[frozenset[str], ...]:
        """Stems of each column's name, without its unit."""
        return tuple(
            frozenset(
                stemmed(fold(word))
                for word in _NAME.findall(name)
                if (fold(word) not in FUNCTION_WORDS or word == "since")
                and (fold(word) not in _UNITS or len(name) == len(word))
            )
            for name in self.table.columns
        )

    def numbers(self, at: int) -> Numbers | None:
        """Return the numbers of a column that can be added or compared; None where there are none, or they identify."""
        if at not in self._numbers:
            words = {fold(one) for one in _NAME.findall(self.table.columns[at])}
            identifies = bool(words & _IDENTIFIES) or self._is_in_title(at) or self._names_rows(at)
            found = (
                None if identifies else numbers_of(self.table.column(at), european=self._european)
            )
            self._numbers[at] = (
                None if found and (self.days(at) or self._is_order(found)) else found
            )
        return self._numbers[at]

    def _names_rows(self, at: int) -> bool:
        """Tell whether a column is the first, and has a whole number without a unit of its own for each row: plot 7."""
        others = len(self.table.columns) > 1 and "(" not in self.table.columns[at]
        cells = self.table.column(at)
        return at == 0 and others and self.is_key(at) and all(map(_PLAIN.fullmatch, cells))

    def _is_in_title(self, at: int) -> bool:
        """Tell whether a column is a part of what documents or sections are called."""
        cells = [row.cells[at] for row in self.table.rows if at < len(row.cells)]
        return self.table.kind in {"documents", "sections"} and any(
            cell is not None and cell.end <= row.end
            for cell, row in zip(cells, self.table.rows, strict=False)
        )

    def _is_order(self, numbers: Numbers) -> bool:
        """Tell whether numbers only number the rows: 1, 2, 3."""
        values = [one for one in numbers.values if one is not None]
        steps = {b - a for a, b in pairwise(values)}
        return len(values) > 2 and steps == {1.0} and not numbers.unit

    def days(self, at: int) -> tuple[Days | None, ...] | None:
        """Return the dates of a column; years alone only where its name speaks of years."""
        if at not in self._days:
            found = dates_of(self.table.column(at))
            if found and all(one is None or one[1] - one[0] > 1000 for one in found):
                words = {fold(one) for one in _NAME.findall(self.table.columns[at])}
                years = [one[0] // 10_000 for one in found if one]
                found = (
                    found if words & _YEARLY and 1700 <= min(years) <= max(years) <= 2100 else None
                )
            self._days[at] = found
        return self._days[at]

    def is_yes_or_no(self, at: int) -> bool:
        """Tell whether a column says yes or no."""
        return is_yes_or_no(self.table.column(at))

    def is_key(self, at: int) -> bool:
        """Tell whether each row has a value of its own in a column."""
        told = [fold(one) for one in self.table.column(at)]
        return len(told) > 1 and "" not in told and len(set(told)) == len(told)

    @cached_property
    def key(self) -> int:
        """The column by which rows are called: the first whose values differ, and are neither dates nor measured.

        Where there is none, the first that is neither; else the first.
        """
        count = len(self.table.columns)
        names = [at for at in range(count) if self.days(at) is None and not self._is_measured(at)]
        return next((at for at in names if self.is_key(at)), next(iter(names), 0))

    def _is_measured(self, at: int) -> bool:
        """Tell whether a column is of numbers, be it of several units."""
        cells = [one for one in self.table.column(at) if one]
        return self.numbers(at) is not None or (bool(cells) and all(map(_MEASURED.match, cells)))

    @cached_property
    def person(self) -> int | None:
        """The column of the names of people; None where there is none."""
        if self.table.kind in {"names", "documents", "sections"}:
            return self.key
        exact = [at for at, name in enumerate(self.table.columns) if fold(name) in _PERSONAL]
        return exact[0] if exact else None

    @cached_property
    def are_people(self) -> bool:
        """Tell whether the rows are people: by what stands above them, by their columns, by their names."""
        if self.table.kind in {"items", "rows"}:
            about = (one for text in self.table.context for one in _NAME.findall(text))
            told = frozenset().union(*self.stems) | {stemmed(fold(one)) for one in about}
            return self.person is not None and bool(told & {stemmed(one) for one in _OF_PEOPLE})
        if self.table.kind == "names":
            return True
        names = self.table.column(self.key)
        return all(map(_FULL_NAME.fullmatch, names)) and len({one.split()[0] for one in names}) > 1

    @cached_property
    def values(self) -> dict[str, dict[int, list[int]]]:
        """Rows by folded value and column; a cell of several values, parted by commas, has each of them."""
        found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for at in range(len(self.table.columns)):
            for row, cell in enumerate(self.table.column(at)):
                if not cell or len(cell) > _LONGEST_CELL:
                    continue
                whole = fold(cell)
                parts = {whole, *_AMONG.split(whole)} if _AMONG.search(whole) else (whole,)
                for part in parts:
                    if part:
                        found[part][at].append(row)
        return found

    @cached_property
    def forms(self) -> dict[str, set[str]]:
        """Values of one word by their stems."""
        found: dict[str, set[str]] = defaultdict(set)
        for value in self.values:
            if value.isalpha():
                found[stemmed(value)].add(value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What rows have to have in a column."""

    column: int
    rows: frozenset[int]
    value: str
    """For people: `cancelled`, `over 500`."""
    at: int
    """Where it stands in the question: the index of its first word."""
    bounds: bool = False
    """Whether it is a bound, which holds besides others on its column."""


@dataclass(slots=True, kw_only=True)
class Match:
    """A question beside a table that knows all its words."""

    columns: Columns
    conditions: list[Condition] = field(default_factory=list)
    named: dict[int, set[int]] = field(default_factory=dict)
    """Columns by the words that name them."""
    exact: set[int] = field(default_factory=set)
    """Words that stand in the name of a column as they are, not in another sense."""
    calls_rows: set[int] = field(default_factory=set)
    """Words that are a name of the rows."""
    strong: bool = False
    """Whether the table itself, not only its document, is called by what is counted."""
    either: bool = False
    """Whether the question says "or"."""
    unsure: list[str] = field(default_factory=list)
    """What was taken for granted: sentences for people."""

    @property
    def table(self) -> RecordTable:
        """The table."""
        return self.columns.table

    @property
    def rows(self) -> list[int]:
        """Rows that meet all conditions; values of one column are alternatives where no row has both, or by "or"."""
        left = set(range(len(self.table.rows)))
        by_column: dict[int, set[int]] = {}
        for number, one in enumerate(self.conditions):
            key = -1 - number if one.bounds else one.column
            before = by_column.get(key, set())
            alternative = self.either or not before & one.rows
            by_column[key] = before | one.rows if alternative else before & one.rows
        for rows in by_column.values():
            left &= rows
        return sorted(left)


def match(aggregate: Aggregate, table: RecordTable) -> Match | None:
    """Return what the words of a question are beside a table; None where it does not know them all."""
    return _Matching(aggregate, Columns(table)).found()


class _Matching:
    """Words of one question, taken one after the other."""

    def __init__(self, aggregate: Aggregate, columns: Columns) -> None:
        self._asked = aggregate
        self._columns = columns
        self._table = columns.table
        self._words = aggregate.words
        self._todo = set(aggregate.open)
        self._match = Match(
            columns=columns, either=any(one.folded == "or" for one in aggregate.words)
        )
        self._inner = self._stems(self._table.context[-1:]) if self._table.context else frozenset()
        # A list is called by what announces it; its document's names hold for all lists in it.
        self._outer = self._stems(self._table.context[2 if self._table.kind == "items" else 0 :])

    def _stems(self, texts: Sequence[str]) -> frozenset[str]:
        return frozenset(
            stemmed(fold(one))
            for text in texts
            for one in _NAME.findall(text)
            if fold(one) not in FUNCTION_WORDS
        )

    def found(self) -> Match | None:
        """Return the match."""
        self._name_columns()
        if not self._take_values():
            return None
        self._take_names()
        if not self._take_bounds():
            return None
        self._take_rows()
        self._take_flags()
        self._take_quiet()
        self._take_unknown_value()
        told = self._negations_are_told()
        return self._match if not self._todo and told else None

    def _stem(self, at: int) -> str:
        return stemmed(self._words[at].folded)

    def _name_columns(self) -> None:
        """Find the words that name columns; of several with a word those of which the question says most."""
        spoken = {self._stem(at) for at in range(len(self._words))}
        named: dict[int, list[int]] = {}
        for at in self._todo | {
            one for one in self._asked.used if self._words[one].folded in {"total", "sum"}
        }:
            own = {self._stem(at)}
            found = [one for one, stems in enumerate(self._columns.stems) if own & stems]
            self._match.exact |= {at} if found else set()
            if not found and at in self._todo:
                senses = frozenset(stemmed(one) for one in _SENSES.get(self._stem(at), "").split())
                found = [
                    one for one, stems in enumerate(self._columns.stems) if senses & stems
                ] or [
                    one
                    for one, stems in enumerate(self._columns.stems)
                    if alike(self._stem(at), stems) and self._table.kind == "rows"
                ]
            if found:
                best = max(
                    len(spoken & self._columns.stems[one]) / len(self._columns.stems[one])
                    for one in found
                )
                named[at] = [
                    one
                    for one in found
                    if len(spoken & self._columns.stems[one]) / len(self._columns.stems[one])
                    == best
                ]
        for at, found in named.items():
            for one in found:
                self._match.named.setdefault(one, set()).add(at)

    def _take_values(self) -> bool:
        """Take the longest stretches of the question that are values; say whether each is of one column."""
        for length in range(_LONGEST_VALUE, 0, -1):
            for first in range(len(self._words) - length + 1):
                stretch = range(first, first + length)
                if any(at in self._asked.used for at in stretch) or not self._todo & set(stretch):
                    continue
                if not {stretch[0], stretch[-1]} <= self._todo:
                    continue
                found = self._valued(stretch)
                if found and not self._condition(stretch, found):
                    return False
        return True

    def _valued(self, stretch: range) -> dict[int, tuple[str, list[int]]]:
        """Return (value, rows) by column that a stretch of words is a value of."""
        text = self._spoken(stretch)
        if len(stretch) == 1 and stretch[0] in self._match.exact:
            return {}
        values = self._columns.values
        known = [text] if text in values else []
        if not known and len(stretch) == 1:
            known = sorted(self._columns.forms.get(self._stem(stretch[0]), ()))
        found: dict[int, tuple[str, list[int]]] = {}
        for value in known:
            for column, rows in values[value].items():
                if self._is_meant(stretch, column, value, rows[0]):
                    before = found.get(column, (value, []))
                    found[column] = (before[0], [*before[1], *rows])
        return found or self._in_country(text)

    def _spoken(self, stretch: range) -> str:
        first, last = self._words[stretch[0]], self._words[stretch[-1]]
        gaps = [", " if self._words[at].apart else " " for at in stretch[1:]]
        words = [self._words[at].folded for at in stretch]
        text = "".join(one for pair in zip(["", *gaps], words, strict=True) for one in pair)
        return text if first.start < last.end else ""

    def _is_meant(self, stretch: range, column: int, value: str, row: int) -> bool:
        """Tell whether a value is what is said: a code in capitals, a number of a named column or the key."""
        printed = self._table.column(column)[row]
        if len(value) <= 3 and value.isalpha() and printed.isupper():
            return printed == self._words[stretch[0]].text
        if re.fullmatch(r"[\d.,]+", value):
            return column in self._match.named or self._columns.is_key(column)
        return True

    def _in_country(self, text: str) -> dict[int, tuple[str, list[int]]]:
        """Return the rows of a country that a column writes by its code."""
        codes = _COUNTRIES.get(text, "").split()
        found = {}
        for column, stems in enumerate(self._columns.stems):
            told = {one for one in self._table.column(column) if one}
            if (
                codes
                and stems & {stemmed(one) for one in _COUNTRY_COLUMNS}
                and all(map(_CODED.fullmatch, told))
            ):
                rows = [
                    row
                    for code in codes
                    for row in self._columns.values.get(code, {}).get(column, ())
                ]
                if rows:
                    found[column] = (codes[0], rows)
        return found

    def _condition(self, stretch: range, found: dict[int, tuple[str, list[int]]]) -> bool:
        """Take a stretch as a value of one column; say whether it is of one."""
        column = self._column_of(found)
        if column is None:
            return False
        rows = frozenset(found[column][1])
        cell = self._table.column(column)[min(rows)]
        value = cell if fold(cell) == found[column][0] else self._text(stretch)
        if fold(cell) != found[column][0] and _CODED.fullmatch(cell):
            value = cell
        self._add(column, rows, value, stretch[0])
        self._todo -= set(stretch)
        return True

    def _text(self, stretch: Sequence[int]) -> str:
        return " ".join(self._words[at].text for at in stretch)

    def _add(self, column: int, rows: frozenset[int], value: str, at: int) -> None:
        negated = at in self._asked.negated
        others = frozenset(range(len(self._table.rows))) - rows
        self._match.conditions.append(
            Condition(
                column=column,
                rows=others if negated else rows,
                value=f"other than {value}" if negated else value,
                at=at,
            )
        )

    def _column_of(self, found: Collection[int]) -> int | None:
        """Return the column that a value is meant of: the named one, the only one, the one that calls the rows."""
        targets = {one for one in found if self._is_target(one)}
        left = set(found) - targets or set(found)
        named = left & set(self._match.named)
        if len(named) == 1 and self._asked.operation != "select":
            return next(iter(named))
        if len(left) == 1:
            return next(iter(left))
        return next((one for one in (self._columns.person, self._columns.key) if one in left), None)

    def _is_target(self, column: int) -> bool:
        """Tell whether a column is asked for, not a condition: "the manager of Zoe"."""
        words = self._match.named.get(column, set())
        if self._asked.operation == "select":
            return bool(words)
        after = {self._words[at + 1].folded for at in words if at + 1 < len(self._words)}
        return self._asked.operation == "list" and bool(after & {"of", "for"})

    def _take_names(self) -> None:
        """Take names that are a part of cells of one column, or stand in items."""
        at = 0
        while at < len(self._words):
            run = [at]
            while (
                at in self._todo
                and self._is_name(at)
                and at + 1 in self._todo
                and self._is_name(at + 1)
                and not self._words[at + 1].apart
            ):
                at += 1
                run.append(at)
            if run[0] in self._todo and self._is_name(run[0]):
                self._take_name(run)
            at += 1

    def _is_name(self, at: int) -> bool:
        word = self._words[at]
        return (
            word.capital
            and not word.opens
            and not any(at in words for words in self._match.named.values())
        )

    def _take_name(self, run: list[int]) -> None:
        spelled = r"\W+".join(re.escape(self._words[at].text) for at in run)
        pattern = re.compile(rf"(?<!\w){spelled}(?!\w)")
        found: dict[int, list[int]] = {}
        for column in range(len(self._table.columns)):
            rows = [
                row for row, cell in enumerate(self._table.column(column)) if pattern.search(cell)
            ]
            if rows:
                found[column] = rows
        chosen = self._column_of(found) if found else None
        if chosen is None:
            return
        cells = {fold(self._table.column(chosen)[row]) for row in found[chosen]}
        if len(cells) > 1 and self._table.kind != "items":
            self._match.unsure.append(f"“{self._text(run)}” is a part of several values.")
        self._add(chosen, frozenset(found[chosen]), self._text(run), run[0])
        self._todo -= set(run)

    def _take_bounds(self) -> bool:
        """Take bounds as conditions on a column each; say whether there is one for each."""
        for bound in self._asked.bounds:
            if not bound.dated and not self._measures(bound):
                return False
            column = self._bounded(bound)
            if column is None and bound.dated and not bound.month and self._is_of_year(bound):
                continue
            if column is None:
                return False
            rows = frozenset(self._inside(bound, column))
            first = next(at for at, one in enumerate(self._words) if one.start >= bound.start)
            self._match.conditions.append(
                Condition(
                    column=column, rows=rows, value=self._printed(bound), at=first, bounds=True
                )
            )
        return True

    def _measures(self, bound: Bound) -> bool:
        """Tell whether a number is not followed by the name of something else that there are so many of."""
        at = next((at for at, one in enumerate(self._words) if one.start >= bound.end), None)
        if at is None or at not in self._todo or self._names(at):
            return True
        unit = self._words[at].folded.removesuffix("s")
        if not any(unit == fold(one).removesuffix("s") for one in self._all_units()):
            return False
        self._todo.discard(at)
        return True

    def _printed(self, bound: Bound) -> str:
        start = next(at for at, one in enumerate(self._words) if one.start >= bound.start)
        stop = max(at for at, one in enumerate(self._words) if one.end <= bound.end)
        return " ".join(self._words[at].text for at in range(start, stop + 1))

    def _is_of_year(self, bound: Bound) -> bool:
        """Tell whether the whole table is of the year that is asked for."""
        year = str(int(bound.low // 10_000))
        return bound.low // 10_000 == bound.high // 10_000 and any(
            year in one for one in self._table.context
        )

    def _names(self, at: int) -> bool:
        return any(at in words for words in self._match.named.values())

    def _all_units(self) -> Iterator[str]:
        for at, name in enumerate(self._table.columns):
            yield from (one for one in _NAME.findall(name) if fold(one) in _UNITS)
            numbers = self._columns.numbers(at)
            if numbers and numbers.unit:
                yield numbers.unit

    def _bounded(self, bound: Bound) -> int | None:
        """Return the column that a bound is on: a named one, or the only one of its kind."""
        fits = self._columns.days if bound.dated else self._columns.numbers
        found = [at for at in range(len(self._table.columns)) if fits(at) is not None]
        named = [at for at in found if at in self._match.named]
        if len(named) == 1:
            return named[0]
        cash = re.search(
            r"[€$£¥]|\b(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?)\b", bound.printed
        )
        if cash and len(found) > 1:
            money = {stemmed(one) for one in MONEY}
            found = [at for at in found if self._columns.stems[at] & money]
        return found[0] if len(found) == 1 and not named else None

    def _inside(self, bound: Bound, column: int) -> Iterator[int]:
        days = self._columns.days(column) if bound.dated else None
        numbers = None if bound.dated else self._columns.numbers(column)
        for row in range(len(self._table.rows)):
            day = days[row] if days else None
            value = numbers.values[row] if numbers else None
            if (day is not None and bound.holds(*day)) or (
                value is not None and bound.holds(value, value)
            ):
                yield row

    def _take_rows(self) -> None:
        """Take the words that are names of the rows, of the table or of its document."""
        singles = {stemmed(one) for one in _ROWS}
        people = {stemmed(one) for one in _PEOPLE}
        for at in sorted(self._todo):
            stem = self._stem(at)
            senses = {stemmed(one) for one in _SENSES.get(stem, "").split()}
            is_inner = bool({stem, *senses} & self._inner)
            is_row = stem in singles or (stem in people and self._columns.are_people)
            is_key = stem in self._columns.stems[self._columns.key]
            if self._names(at) or is_inner or is_row or stem in self._outer:
                self._todo.discard(at)
                if at in self._asked.noun and (is_inner or is_row or is_key or stem in self._outer):
                    self._match.calls_rows.add(at)
                self._match.strong |= is_inner or is_key or (is_row and stem in people)

    def _take_flags(self) -> None:
        """Take columns that are only named as conditions: that they say yes, or anything at all."""
        if self._asked.operation in {"select", "max", "min"} or self._table.kind != "rows":
            return
        held = {
            at for one in self._match.conditions for at in self._match.named.get(one.column, ())
        }
        for column, words in self._match.named.items():
            at, cells = min(words), self._table.column(column)
            if words & (held | self._asked.used | {self._asked.group}):
                continue
            negated = at in self._asked.negated
            if self._columns.is_yes_or_no(column):
                rows = [row for row, cell in enumerate(cells) if cell and fold(cell) not in NO]
                self._flag(column, rows, at, "no" if negated else "yes")
            elif "" in cells and not words & self._asked.noun and not self._columns.numbers(column):
                rows = [row for row, cell in enumerate(cells) if cell]
                self._flag(column, rows, at, "empty" if negated else "filled in")
                self._match.unsure.append(
                    f"Rows were told by whether “{self._table.columns[column]}” is empty."
                )

    def _flag(self, column: int, rows: Sequence[int], at: int, value: str) -> None:
        self._add(column, frozenset(rows), "", at)
        self._match.conditions[-1] = replace(self._match.conditions[-1], value=value)

    def _take_quiet(self) -> None:
        """Take words that say nothing beside a table; of a look-up also verbs and words for attributes."""
        if not self._todo:
            return
        quiet = {stemmed(one) for one in _NEUTRAL}
        units = {fold(one).removesuffix("s") for one in self._all_units()}
        selects = self._asked.operation == "select" and bool(self._match.conditions)
        verbs = (
            {stemmed(one) for one in BASE_VERBS | MOTION | {"wear", "people"}}
            if selects and self._match.named
            else set()
        )
        if self._match.named:
            quiet |= {stemmed(one) for one in _ATTRIBUTES}
        for at in sorted(self._todo):
            word = self._words[at]
            plain = word.folded.removesuffix("s") in units or self._stem(at) in quiet
            if plain or (not word.capital and self._stem(at) in verbs):
                self._todo.discard(at)

    def _take_unknown_value(self) -> None:
        """Take a last word behind the name of a column of few values as a value that no row has."""
        if len(self._todo) != 1 or self._asked.operation != "count":
            return
        (at,) = self._todo
        for column, words in self._match.named.items():
            told = set(self._table.column(column))
            few = 1 < len(told) <= min(_FEW_VALUES, len(self._table.rows) - 1)
            if few and at - 1 in words - self._asked.noun and not self._columns.numbers(column):
                self._add(column, frozenset(), self._words[at].text, at)
                self._todo.clear()
                return

    def _negations_are_told(self) -> bool:
        """Tell whether what is negated, if anything is, is a condition."""
        return not self._asked.negated or any(
            one.at in self._asked.negated for one in self._match.conditions
        )


def words_at(words: Sequence[Word], places: Collection[int]) -> str:
    """Return the words at these indices as they are typed."""
    return " ".join(words[at].text for at in sorted(places))
