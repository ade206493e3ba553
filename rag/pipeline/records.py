"""The tables of sources: rows under columns, items of a list, names after a label, documents of one form. Pure.

A table is what can be counted, because something says what belongs to it: its rows were parsed as its rows. Running
text is no table, except where several short documents say the same sentences of different things.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property
from typing import Literal

from rag.language.layout import find_blocks
from rag.language.words import fold
from rag.passages import units_of
from rag.schema import Block, Source, Span

MOST_CHARS = 6_000
"""Of a document that may be one of many of a form."""
_MOST_SENTENCES = 40
_TOTALS = re.compile(
    r"(?:grand |sub-?)?(?:total|sum|average|mean)s?\b[^a-z]*(?:\w+)?:?|summe\b.*|gesamt\w*|insgesamt|moyenne",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\W*(?:…|\.\.\.|etc\.?|and (?:many )?(?:more|others)|usw\.?)\W*", re.IGNORECASE
)
_EXAMPLES = re.compile(
    r"\b(?:such as|includ(?:e|es|ing)|for example|e\.g\.|among (?:them|others)|some of)\b",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"(?:(?<=[.;\n])|^)[ \t]*[*_]{0,2}(?P<label>[^\W\d_][\w /-]{1,40}?)[*_]{0,2}:[*_]{0,2}[ \t]+(?P<rest>[^\n]+)",
    re.MULTILINE,
)
_LABEL_ENDS = re.compile(
    r"[.;](?=\s+[^\W\d_][\w /-]{1,30}:\s)|(?<![A-Z])(?<!\b[DdMJS]r)(?<!\bMrs)\.(?=\s|$)|;\s"
)
_AMONG = re.compile(r",\s*(?:and\s+|und\s+|et\s+|y\s+)?|\s+(?:and|und|et|y)\s+")
_LONGEST_NAME = 6
_FIELD = re.compile(
    r"[\s*_>-]*(?P<label>[^\n:|]{1,60}?)[*_]{0,2}\s*:[*_]{0,2}[ \t]+(?P<value>[^\n]+?)[*_\s]*$"
)
_WORD = re.compile(r"\w+(?:[.,'’-]\w+)*|[€$£%]")
_AMOUNT = re.compile(r"\d.*|[€$£%]|eur|euros?|usd|dollars?|gbp|pounds?|chf|francs?", re.IGNORECASE)
"""Words that always differ from document to document, or belong to what does."""
_ALIKE = 0.6
"""Least share of words in their order that sentences of one form have in common."""
_LEAST_SHARED = 2
"""Labels or sentences that documents or sections of one form have in common."""
_BULLET = re.compile(r"\s*(?:[-*+•‣▪●○◦–—·]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?:\[[ xX]\]\s+)?")

TableKind = Literal["rows", "items", "names", "sections", "documents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow(Span):
    """A row, item, name, section or document, with the words of its columns."""

    source: Source
    cells: tuple[Span | None, ...]
    """In order of the columns; None where it says nothing."""

    def text(self, column: int) -> str:
        """Return the words of a column on one line; empty where there are none."""
        span = self.cells[column] if column < len(self.cells) else None
        return "" if span is None else " ".join(self.source.text[span.start : span.end].split())


@dataclass(frozen=True, kw_only=True)
class RecordTable:
    """Rows that belong together."""

    kind: TableKind
    columns: tuple[str, ...]
    """Names; empty for a column that has none."""
    rows: tuple[TableRow, ...]
    context: tuple[str, ...]
    """What says what the rows are: titles, headings, a label, the name of the file."""
    has_totals: bool = False
    """Whether it has a row that adds up others, which is no row of its own."""
    goes_on: bool = False
    """Whether it says itself that it is not whole."""
    cells: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def column(self, at: int) -> tuple[str, ...]:
        """Return the words of a column, row by row."""
        if at not in self.cells:
            self.cells[at] = tuple(row.text(at) for row in self.rows)
        return self.cells[at]

    @cached_property
    def source_ids(self) -> frozenset[str]:
        """Ids of the sources that the rows are of."""
        return frozenset(row.source.source_id for row in self.rows)


def tables_of(source: Source) -> list[RecordTable]:
    """Return the tables of one source; those that a page break or a heading of the same words parts are one."""
    blocks = source.blocks or find_blocks(source.text)
    structure = _Structure(source, blocks)
    found = [*structure.tables(), *structure.lists(), *structure.labelled(), *structure.sections()]
    joined: dict[object, RecordTable] = {}
    for number, one in enumerate(found):
        named = one.kind == "rows" and any(one.columns)
        key: object = (one.columns, one.context) if named else number
        before = joined.get(key)
        joined[key] = (
            one if before is None else replace(before, rows=(*before.rows, *one.rows), cells={})
        )
    return [*joined.values()]


class _Structure:
    """The blocks of a source, walked once for each kind of table."""

    def __init__(self, source: Source, blocks: Sequence[Block]) -> None:
        self._source = source
        self._text = source.text
        self._blocks = blocks
        stem = re.sub(r"\.[^.]*$", "", source.source_id.rpartition("/")[2])
        self._named = (source.title, re.sub(r"[_\-\s]+", " ", stem))

    def _words(self, span: Span) -> str:
        return " ".join(self._text[span.start : span.end].split())

    def _context(self, at: int | None) -> tuple[str, ...]:
        """Return what a block hangs from, with the document's names."""
        found: list[str] = []
        while at is not None:
            block = self._blocks[at]
            if block.kind not in {"table", "list", "row", "cell"}:
                found.append(self._lead(at))
            at = block.parent
        return tuple(dict.fromkeys((*self._named, *reversed(found))))

    def _lead(self, at: int) -> str:
        """Return the last line of a block before what is inside it."""
        block = self._blocks[at]
        inner = next(
            (
                one.start
                for one in self._blocks[at + 1 : at + 50]
                if block.start < one.start < block.end
            ),
            block.end,
        )
        return " ".join(self._text[block.start : inner].strip().rpartition("\n")[2].split())

    def tables(self) -> Iterator[RecordTable]:
        """Yield what has rows and cells."""
        rows: dict[int | None, list[int]] = defaultdict(list)
        cells: dict[int, list[Block]] = defaultdict(list)
        names: set[int] = set()
        for at, block in enumerate(self._blocks):
            if block.kind == "row":
                rows[block.parent].append(at)
            elif block.kind == "cell" and block.parent is not None:
                cells[block.parent].append(block)
                if block.header and block.header[0] > block.parent:
                    continue
                names.update(
                    one for head in block.header if (one := self._blocks[head].parent) is not None
                )
        for table, held in rows.items():
            yield from self._table(table, [at for at in held if at not in names], cells)

    def _table(
        self, table: int | None, held: Sequence[int], cells: dict[int, list[Block]]
    ) -> Iterator[RecordTable]:
        columns: dict[str | int, int] = {}
        rows: list[TableRow] = []
        for at in held:
            placed: dict[int, Span] = {}
            for place, cell in enumerate(cells[at]):
                name = " ".join(filter(None, map(self._head, cell.header)))
                column = columns.setdefault(name or place, len(columns))
                placed.setdefault(column, cell)
            block = self._blocks[at]
            for reaching in (self._blocks[one] for one in block.header):
                name = " ".join(filter(None, map(self._head, reaching.header)))
                if reaching.kind == "cell" and name in columns:
                    placed.setdefault(columns[name], reaching)
            made = tuple(placed.get(column) for column in range(max(placed, default=-1) + 1))
            rows.append(TableRow(start=block.start, end=block.end, source=self._source, cells=made))
        kept = [row for row in rows if not self._is_total(row)]
        parts = [
            row for row in kept if len(columns) < 3 or sum(one is not None for one in row.cells) > 1
        ]
        going_on = bool(parts) and bool(_GOES_ON.fullmatch(self._words(parts[-1])))
        if len(parts) > 1:
            yield RecordTable(
                kind="rows",
                columns=tuple(one if isinstance(one, str) else "" for one in columns),
                rows=tuple(parts[:-1] if going_on else parts),
                context=(*self._context(table), *self._captions(table)),
                has_totals=len(kept) < len(rows),
                goes_on=going_on,
            )

    def _head(self, at: int) -> str:
        return self._words(self._blocks[at]).rstrip(": ")

    def _is_total(self, row: TableRow) -> bool:
        filled = next((at for at, one in enumerate(row.cells) if one is not None), None)
        return filled is not None and bool(_TOTALS.fullmatch(row.text(filled).strip("*_ ")))

    def _captions(self, table: int | None) -> Iterator[str]:
        if table is not None:
            for block in self._blocks[table + 1 : table + 3]:
                if block.kind == "caption" and block.parent == table:
                    yield self._words(block)

    def lists(self) -> Iterator[RecordTable]:
        """Yield lists, each by its outermost items."""
        items: dict[int, list[int]] = defaultdict(list)
        for at, block in enumerate(self._blocks):
            if (
                block.kind == "item"
                and block.parent is not None
                and self._blocks[block.parent].kind == "list"
            ):
                items[block.parent].append(at)
        for held, found in items.items():
            rows = [self._item(at) for at in found]
            context = self._context(held)
            on = bool(_GOES_ON.fullmatch(rows[-1].text(0))) or bool(_EXAMPLES.search(context[-1]))
            yield RecordTable(
                kind="items", columns=("",), rows=tuple(rows), context=context, goes_on=on
            )

    def _item(self, at: int) -> TableRow:
        block = self._blocks[at]
        inner = next(
            (
                one.start
                for one in self._blocks[at + 1 : at + 20]
                if one.kind == "list" and block.start < one.start < block.end
            ),
            block.end,
        )
        bullet = _BULLET.match(self._text, block.start, inner)
        start = bullet.end() if bullet else block.start
        end = start + len(self._text[start:inner].rstrip())
        return TableRow(
            start=start, end=end, source=self._source, cells=(Span(start=start, end=end),)
        )

    def labelled(self) -> Iterator[RecordTable]:
        """Yield the names that stand in one line after a label: "Present: Ann Lee, Bob Ray"."""
        for block_at, block in enumerate(self._blocks):
            if block.kind not in {"paragraph", "field"}:
                continue
            text = self._text[block.start : block.end]
            at = 0
            while found := _LABELLED.search(text, at):
                stop = _LABEL_ENDS.search(text, found.start("rest"), found.end("rest"))
                end = stop.start() if stop else found.end("rest")
                at = max(end, found.end("label"))
                spans = [*_parts(text, found.start("rest"), end)]
                if len(spans) > 1 and all(_is_name(text[a:b]) for a, b in spans):
                    rows = [
                        TableRow(start=block.start + a, end=block.start + b, source=self._source,
                            cells=(Span(start=block.start + a, end=block.start + b),))
                        for a, b in spans
                    ]  # fmt: skip
                    context = (
                        *self._context(block.parent if block.kind == "paragraph" else block_at),
                        found["label"],
                    )
                    yield RecordTable(
                        kind="names", columns=("",), rows=tuple(rows), context=context
                    )

    def sections(self) -> Iterator[RecordTable]:
        """Yield sections of one form: headings with the same fields below."""
        fields: dict[int, dict[str, Span]] = defaultdict(dict)
        for block in self._blocks:
            if (
                block.kind == "field"
                and block.parent is not None
                and self._blocks[block.parent].kind == "heading"
            ):
                told = _field(self._text, block)
                if told is not None:
                    fields[block.parent].setdefault(told[0], told[1])
        by_holder: dict[int | None, list[int]] = defaultdict(list)
        for heading in fields:
            by_holder[self._blocks[heading].parent].append(heading)
        for holder, headings in by_holder.items():
            forms = [
                (
                    self._source,
                    Span(start=self._blocks[at].start, end=self._blocks[at].end),
                    fields[at],
                )
                for at in headings
            ]
            yield from _of_one_form("sections", forms, self._context(holder))


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of what commas and "and" part."""
    at = start
    for found in [*_AMONG.finditer(text, start, end), None]:
        stop = end if found is None else found.start()
        words = text[at:stop]
        lead = len(words) - len(words.lstrip(" *_"))
        if words.strip(" *_."):
            yield at + lead, at + len(words.rstrip(" *_."))
        at = stop if found is None else found.end()


def _is_name(text: str) -> bool:
    words = re.sub(r"\([^)]*\)", "", text).split()
    return 0 < len(words) <= _LONGEST_NAME and text[:1].isupper()


def _field(text: str, block: Block) -> tuple[str, Span] | None:
    """Return the label and the value of a field."""
    found = _FIELD.match(text[block.start : block.end])
    if found is None:
        return None
    return found["label"].strip(" *_"), Span(
        start=block.start + found.start("value"), end=block.start + found.end("value")
    )


_Form = tuple[Source, Span, dict[str, Span]]
"""A section or document: its source, where it is named, and the words of its fields."""


def _of_one_form(
    kind: TableKind, forms: Sequence[_Form], context: tuple[str, ...]
) -> Iterator[RecordTable]:
    """Yield the table of forms that have labels in common; its first column is what each is called."""
    counts = Counter(label for _, _, fields in forms for label in fields)
    told = {
        label: {
            source.text[one.start : one.end]
            for source, _, fields in forms
            if (one := fields.get(label))
        }
        for label in counts
    }
    labels = [
        label for label, times in counts.items() if times > len(forms) / 2 and len(told[label]) > 1
    ]
    alike = [
        one for one in forms if len(set(labels) & set(one[2])) >= min(_LEAST_SHARED, len(labels))
    ]
    if len(alike) > 1 and labels:
        rows = tuple(
            TableRow(
                start=name.start,
                end=name.end,
                source=source,
                cells=(name, *(fields.get(label) for label in labels)),
            )
            for source, name, fields in alike
        )
        yield RecordTable(kind=kind, columns=("", *labels), rows=rows, context=context)


def documents_of(sources: Iterable[Source]) -> list[RecordTable]:
    """Return short documents of one form as a table: what they say in the same words names its columns."""
    short = [one for one in sources if len(one.text) <= MOST_CHARS and one.text.strip()]
    groups: list[list[tuple[Source, list[Span]]]] = []
    for source in short:
        told = source, [*sentences_in(source)][:_MOST_SENTENCES]
        for group in groups:
            if _are_alike(group[0], told):
                group.append(told)
                break
        else:
            groups.append([told])
    return [table for group in groups if len(group) > 1 for table in _documents(group)]


def sentences_in(source: Source) -> Iterator[Span]:
    """Yield the sentences of a source, lines by themselves where each begins with a label."""
    for unit in units_of(source):
        lines = [*re.finditer(r"[^\n]*\S", source.text[unit.start : unit.end])]
        if len(lines) > 1 and all(_FIELD.match(line[0]) for line in lines):
            for line in lines:
                yield Span(start=unit.start + line.start(), end=unit.start + line.end())
        else:
            yield Span(start=unit.start, end=unit.end)


def _masked(text: str) -> list[str]:
    """Return the folded words of a sentence, names and numbers as signs of their own."""
    words = _WORD.findall(text)
    return [
        "#" if word[0].isdigit() else "@" if word[0].isupper() and at else fold(word)
        for at, word in enumerate(words)
    ]


def _likeness(one: str, other: str) -> float:
    a, b = _masked(one), _masked(other)
    if not a or not b or min(len(a), len(b)) < _ALIKE * max(len(a), len(b)) / 2:
        return 0.0
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _are_alike(one: tuple[Source, list[Span]], other: tuple[Source, list[Span]]) -> bool:
    """Tell whether most sentences of one document have one of the same form in the other."""
    (source, ours), (second, theirs) = one, other
    if not ours or not theirs or max(len(ours), len(theirs)) > 2 * min(len(ours), len(theirs)):
        return False
    alike = sum(
        any(
            _likeness(source.text[a.start : a.end], second.text[b.start : b.end]) >= _ALIKE
            for b in theirs
        )
        for a in ours
    )
    return alike >= max(_LEAST_SHARED, len(ours) / 2)


def _documents(group: Sequence[tuple[Source, list[Span]]]) -> Iterator[RecordTable]:
    """Yield the table of documents of one form."""
    forms: list[_Form] = [(source, _title(source), {}) for source, _ in group]
    first, sentences = group[0]
    for sentence in sentences:
        text = first.text[sentence.start : sentence.end]
        found = [(sentence, text)]
        for source, theirs in group[1:]:
            told = [(_likeness(text, source.text[b.start : b.end]), -b.start, b) for b in theirs]
            best = max(told, key=lambda one: one[:2])
            found.append(
                (best[2], source.text[best[2].start : best[2].end])
                if best[0] >= _ALIKE
                else (best[2], "")
            )
        if sum(bool(words) for _, words in found) > len(found) / 2:
            _fill(forms, found)
    context = tuple(
        dict.fromkeys(name for source, _ in group for name in (source.title, *_folders(source)))
    )
    yield from _of_one_form("documents", forms, context)


def _folders(source: Source) -> list[str]:
    """Return the folders of a source and the name of its file as words."""
    return [re.sub(r"[_\-.]+", " ", part) for part in source.source_id.split("/")]


def _title(source: Source) -> Span:
    """Return where a document is named: its first line."""
    start = len(source.text) - len(source.text.lstrip())
    line = source.text[start:].partition("\n")[0].rstrip()
    lead = re.match(r"#{1,6}\s+", line)
    return Span(start=start + (lead.end() if lead else 0), end=start + len(line))


def _fill(forms: Sequence[_Form], sentences: Sequence[tuple[Span, str]]) -> None:
    """Add to each form what its sentence says between the words that all sentences share."""
    told = [[*_WORD.finditer(text)] for _, text in sentences]
    shared = [fold(one[0]) for one in told[0] if not _AMOUNT.fullmatch(one[0])]
    for words in told[1:]:
        if words:
            theirs = [fold(one[0]) for one in words]
            matcher = SequenceMatcher(None, shared, theirs, autojunk=False)
            shared = [
                shared[i]
                for a, _, size in matcher.get_matching_blocks()
                for i in range(a, a + size)
            ]
    for form, (span, _), words in zip(forms, sentences, told, strict=True):
        at = 0
        label: list[str] = []
        slot: list[re.Match[str]] = []
        for word in [*words, None]:
            if word is not None and not (at < len(shared) and fold(word[0]) == shared[at]):
                slot.append(word)
                continue
            if slot:
                start, end = span.start + slot[0].start(), span.start + slot[-1].end()
                after = shared[at] if word is not None else ""
                name = " ".join((*label, "…", after)).strip()
                form[2].setdefault(name, Span(start=start, end=end))
                label, slot = [], []
            if word is not None:
                label.append(shared[at])
                at += 1
