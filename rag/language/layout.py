"""The structure of a text without markup: its headings, lists, tables, records and talks. Pure.

Text is looked at once, by `find_blocks`; what a loader knows from markup it gives to `refine`, which looks only at
what has none. Nobody else guesses. How a line is written `marks` knows, who speaks `talks`, what hangs from what
`nesting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.language.lines import Line, unwrapped
from rag.language.marks import (
    ASKED,
    CLOSED,
    LEADERS,
    LONGEST_HEADING,
    OWN_QUESTION,
    RULE,
    SAID,
    SHORT,
    Mark,
    division_of,
    has_gap,
    indent_of,
    is_counted,
    is_field,
    is_headline,
    is_item,
    is_loud,
    is_numbered_question,
    is_question,
    is_said,
    is_sentence,
    label_of,
    mark_of,
)
from rag.language.nesting import (
    CUE,
    LOUD,
    MAIL,
    PLAIN,
    QUESTION,
    SPEAKER,
    SUBJECT,
    TERM,
    TITLE,
    level_of,
    nest,
    rank_of,
)
from rag.language.outline import Outline, add_table, names_columns, shifted
from rag.language.stanzas import Stanza, Stanzas, depth_of, marked_lines
from rag.language.tables import Table, barred, columned
from rag.language.talks import FROM, cue_of, mail_labels, says_who_wrote
from rag.language.talks import SUBJECT as SUBJECTS
from rag.schema import Block, BlockKind

__all__ = [
    "LONGEST_HEADING",
    "PLAIN",
    "TERM",
    "TITLE",
    "Outline",
    "add_table",
    "find_blocks",
    "is_item",
    "is_said",
    "names_columns",
    "nest",
    "refine",
]

_NEAR = 8
"""Lines before and behind an item in which another shows that it is one."""
_MOST_LINES = 64
_MOST_OF_TERM = 5
"""Words."""
_MOST_OF_LABEL = 3
"""Words."""
_MOST_OF_TITLE = 4
"""Lines."""
_FEWEST = 2
_DEEPER = 2
"""Columns by which a line is indented to belong to another."""
_MOSTLY = 0.6
_UNDERLINES = "=-~^\"'*+#_"


def find_blocks(text: str) -> tuple[Block, ...]:
    """Return the structure of a text without markup; every character that is not blank is in a block."""
    return nest(text, _Reader(text, headings=True).read())


def refine(
    text: str, blocks: Sequence[Block], *, headings: bool | None = None
) -> tuple[Block, ...]:
    """Look at the paragraphs that a loader's markup says nothing of, and nest all.

    Lists, labels, questions and turns that were only typed are found there.

    Args:
        text: the whole text.
        blocks: what the markup says.
        headings: whether headings are looked for too; None where the markup has none.
    """
    if headings is None:
        headings = not any(one.kind in {"title", "heading"} for one in blocks)
    refined: list[Block] = []
    moved: dict[int, int] = {}
    asked = _asked_items(text, blocks)
    for first, last in _stretches(blocks):
        start, end = blocks[first].start, blocks[last - 1].end
        is_loose = blocks[first].kind == "paragraph" and blocks[first].parent is None
        found = _Reader(text[start:end], headings=headings).read() if is_loose else ()
        if any(one.kind != "paragraph" for one in found):
            refined += shifted(found, start, len(refined))
            continue
        for at in range(first, last):
            moved[at] = len(refined)
            refined.append(_renumbered(blocks[at], at, moved))
            if at in asked:
                refined[-1:] = _question_and_answer(refined[-1], asked[at], len(refined) - 1)
    return nest(text, refined)


def _asked_items(text: str, blocks: Sequence[Block]) -> dict[int, int]:
    """Return the items that hold a question and its answer, and where the question ends; one alone is rhetoric."""
    holds = {one.parent for one in blocks}
    found = {
        at: one.start + question.end()
        for at, one in enumerate(blocks)
        if one.kind == "item"
        and at not in holds
        and (question := OWN_QUESTION.match(text[one.start : one.end]))
    }
    return found if len(found) >= _FEWEST else {}


def _question_and_answer(item: Block, ends: int, at: int) -> tuple[Block, Block]:
    """Part an item that stands at `at` in two."""
    question = replace(item, kind="question", level=QUESTION, end=ends)
    return question, replace(item, kind="answer", start=ends, level=0, parent=at)


def _stretches(blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of the loose paragraphs between which no markup stands, and of each other block alone."""
    holds = {one.parent for one in blocks}
    loose = [
        one.kind == "paragraph" and one.parent is None and at not in holds
        for at, one in enumerate(blocks)
    ]
    first = 0
    for at in range(1, len(blocks) + 1):
        if at == len(blocks) or not (loose[at - 1] and loose[at]):
            yield first, at
            first = at


def _renumbered(block: Block, at: int, moved: dict[int, int]) -> Block:
    """Return a block that stood at `at` with the new numbers of the blocks that it names."""
    by = moved[at] - at
    return replace(
        block,
        parent=None if block.parent is None else moved[block.parent],
        header=tuple(moved.get(one, one + by) for one in block.header),
        key=None if block.key is None else block.key + by,
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """An item that others may lie in."""

    mark: Mark
    indent: int
    index: int


class _Reader:
    """The stanzas of one text, read in order: each is what the first shape that fits takes it for."""

    def __init__(self, text: str, *, headings: bool) -> None:
        self._text = text
        self._headings = headings
        self._outline = Outline()
        stanzas = Stanzas(text)
        self._stanzas = stanzas.found
        self._talk, self._faq = stanzas.talk, stanzas.is_faq
        self._letters = {self._said(line)[:2] for line in stanzas.lines}
        self._records = self._find_records()
        self._terms = sum(self._is_term(one) for one in self._stanzas)
        self._at = 0
        self._items: list[_Item] = []
        self._list: int | None = None

    def read(self) -> tuple[Block, ...]:
        """Return the blocks; what hangs from what is known only where it stands in one stanza."""
        for at, stanza in enumerate(self._stanzas):
            self._at = at
            self._read(stanza, None)
        if len(self._outline) and self._headings and self._is_title():
            self._outline.update(0, level=TITLE)
        return self._outline.blocks()

    def _is_title(self) -> bool:
        """Tell whether the first heading names the whole: no other is written like it, or it is as plain as can be."""
        first = self._outline[0]
        said = self._text[first.start : first.end]
        if first.kind != "heading" or division_of(said) or said[:1].isdigit() or ASKED.search(said):
            return False
        others = (self._outline[at] for at in range(1, len(self._outline)))
        return first.level == PLAIN or not any(
            one.kind == "heading" and one.level == first.level for one in others
        )

    def _said(self, line: Line) -> str:
        return self._text[line[0] : line[1]]

    def _next(self) -> Stanza | None:
        """Return the stanza behind the one that is read."""
        return self._stanzas[self._at + 1] if self._at + 1 < len(self._stanzas) else None

    # What a stanza is

    def _read(self, stanza: Stanza, parent: int | None) -> None:
        """Add what a stanza is; `parent` is what stands above it in its paragraph."""
        if not stanza.lines:
            return
        shapes = (
            self._quote, self._mail, self._cue, self._spoken, self._headed, self._ruled, self._columns, self._leaders,
            self._record, self._fields, self._definition, self._code, self._figures,
        )  # fmt: skip
        if not any(shape(stanza, parent) for shape in shapes):
            self._running(stanza, parent)

    def _add(
        self, kind: BlockKind, place: Line, *, level: int = 0, parent: int | None = None
    ) -> int:
        """Add a block that is in no list."""
        self._items, self._list = [], None
        return self._outline.add(kind, *place, level=level, parent=parent)

    def _rest(self, stanza: Stanza, count: int, parent: int | None) -> None:
        """Read the lines of a stanza behind the first ones."""
        self._read(replace(stanza, lines=stanza.lines[count:], apart=False), parent)

    def _quote(self, stanza: Stanza, parent: int | None) -> bool:
        """Take lines behind `>` for a quote; a question in it heads the reply, who wrote it the rest."""
        lines = stanza.lines
        depth = depth_of(self._said(lines[0]))
        if not depth:
            return False
        if says_who_wrote(self._said(lines[0])):
            self._add("speaker", lines[0], level=min(SPEAKER + depth, TERM - 1))
            lines = lines[1:]
        following = self._next()
        replied = following is not None and not depth_of(self._said(following.lines[0]))
        if lines and replied and ASKED.search(self._said(lines[-1])):
            self._add("question", (lines[0][0], lines[-1][1]), level=QUESTION, parent=parent)
        elif lines:
            self._add("quote", (lines[0][0], lines[-1][1]), parent=parent)
        return True

    def _mail(self, stanza: Stanza, parent: int | None) -> bool:
        """Take the head of a mail for fields; what follows hangs from who wrote it and on what."""
        labels = mail_labels(self._text, stanza.lines)
        for line, label in zip(stanza.lines, labels, strict=False):
            level = MAIL if label in FROM else SUBJECT if label in SUBJECTS else 0
            self._add("field", line, level=level, parent=parent)
        return bool(labels)

    def _cue(self, stanza: Stanza, parent: int | None) -> bool:
        """Take the time of a subtitle for a heading of what is said; its text is joined to one paragraph."""
        count = cue_of(self._text, stanza.lines)
        if count:
            self._add("heading", (stanza.lines[0][0], stanza.lines[count - 1][1]), level=CUE)
            said = stanza.lines[count:]
            if said:
                self._speaks(said[0])
                self._add("paragraph", (said[0][0], said[-1][1]), parent=parent)
        return bool(count)

    def _speaks(self, line: Line) -> bool:
        """Add who speaks, where a line says so."""
        name = self._talk.turn(line)
        if name:
            self._add("speaker", name, level=SPEAKER)
        return name is not None

    def _spoken(self, stanza: Stanza, parent: int | None) -> bool:
        """Take a turn of a talk for who speaks and what is said."""
        first = stanza.lines[0]
        if self._talk.head(first):
            self._add("speaker", first, level=SPEAKER)
            if stanza.lines[1:]:
                self._running(replace(stanza, lines=stanza.lines[1:]), parent, spoken=True)
            return True
        if self._speaks(first):
            self._running(stanza, parent, spoken=True)
            return True
        return False

    # Headings

    def _headed(self, stanza: Stanza, parent: int | None) -> bool:
        """Take the first lines of a stanza, or all, for a heading."""
        for find in (self._ruled_heading, self._division, self._question, self._plain_heading):
            count, level = find(stanza)
            if count:
                place = stanza.lines[0][0], stanza.lines[count - 1][1]
                self._add("heading", place, level=level, parent=parent)
                self._rest(stanza, count, parent)
                return True
        return False

    def _is_followed(self, stanza: Stanza, count: int) -> bool:
        """Tell whether text follows the first lines of a stanza that may belong to them."""
        if len(stanza.lines) > count:
            first, line = stanza.lines[0], stanza.lines[count]
            deeper = indent_of(self._text, line) > indent_of(self._text, first)
            return deeper or not self._said(line)[0].islower()
        following = self._next()
        if following is None:
            return False
        said = self._said(following.lines[0])
        return (
            not depth_of(said)
            and not said.startswith("--")
            and not mail_labels(self._text, following.lines)
        )

    def _ruled_heading(self, stanza: Stanza) -> tuple[int, int]:
        """Return how many lines a heading with a mark or a rule has, and its level."""
        count = marked_lines(self._text, stanza.lines, 0)
        first = self._said(stanza.lines[0])
        if count == 1:
            return 1, first.partition(" ")[0].count("#")
        if count:
            return count, count == 3 or 2 + _UNDERLINES.find(self._said(stanza.lines[1])[0])
        return 0, 0

    def _division(self, stanza: Stanza) -> tuple[int, int]:
        """Return how many lines name an article, a chapter or the like, and their level."""
        lines = stanza.lines
        first = self._said(lines[0])
        division = division_of(first)
        if not division:
            return 0, 0
        count = 1
        if len(division) == len(first) and len(lines) > 1:
            second = self._said(lines[1])
            count += is_headline(second) and len(second) <= SHORT and not is_item(second)
        return (count, rank_of(division)) if self._is_followed(stanza, count) else (0, 0)

    def _question(self, stanza: Stanza) -> tuple[int, int]:
        """Return how many lines a question has that heads its answer."""
        said = " ".join(self._said(line) for line in stanza.lines)
        if self._talk or not is_question(said) or not self._is_followed(stanza, len(stanza.lines)):
            return 0, 0
        known = (
            self._faq
            or is_numbered_question(said)
            or (self._headings and stanza.apart and stanza.ends)
        )
        return (len(stanza.lines), QUESTION) if known else (0, 0)

    def _plain_heading(self, stanza: Stanza) -> tuple[int, int]:
        """Return whether the first line is a heading by its number, its capitals, or since it stands apart."""
        first = self._said(stanza.lines[0])
        mark = mark_of(first)
        if not self._headings or not is_headline(first) or self._is_data(first):
            return 0, 0
        if not self._is_followed(stanza, 1) or (mark and mark.is_bullet):
            return 0, 0
        alone = (
            len(stanza.lines) == 1
            and stanza.apart
            and (stanza.ends or (self._faq and not self._at))
        )
        if mark:
            fits = alone and len(first) <= SHORT and not self._is_listed(mark)
            return (1, level_of(mark.dots)) if fits else (0, 0)
        if is_counted(first):
            return 1, level_of(1)
        if is_loud(first):
            return (1, LOUD) if not self._are_loud(stanza.lines[1:]) else (0, 0)
        if alone:
            return 1, _numbered_level(first)
        opens = not self._at and self._opens(stanza)
        return (1, PLAIN) if opens else (0, 0)

    def _is_data(self, said: str) -> bool:
        """Tell whether a line holds a value, so that it heads nothing."""
        return is_field(said) or bool(LEADERS.search(said)) or has_gap(said)

    def _are_loud(self, lines: Sequence[Line]) -> bool:
        return len(lines) > 1 and all(is_loud(self._said(line)) for line in lines)

    def _is_listed(self, mark: Mark) -> bool:
        """Tell whether the stanza before or behind is an item that counts in the same way."""
        near = self._stanzas[max(0, self._at - 1) : self._at + 2]
        others = [
            mark_of(self._said(one.lines[0])) for one in near if one is not self._stanzas[self._at]
        ]
        return any(one and (one.style, one.dots) == (mark.style, mark.dots) for one in others)

    def _opens(self, stanza: Stanza) -> bool:
        """Tell whether the first lines of a text are its title and what belongs to it, such as name and address."""
        said = [self._said(line) for line in stanza.lines]
        return (
            1 < len(said) <= _MOST_OF_TITLE
            and stanza not in self._records
            and all(
                len(one) <= SHORT and not CLOSED.search(one) and not is_item(one) for one in said
            )
            and not any(one[0].islower() or self._is_data(one) for one in said[:2])
        )

    # Rows, records and labels

    def _head(
        self, stanza: Stanza, fits: Sequence[bool], parent: int | None
    ) -> tuple[Stanza, int | None]:
        """Take the first line for a heading of the others, where it alone is not of their kind."""
        first = self._said(stanza.lines[0])
        if fits[0] or len(fits) < _FEWEST or not fits[1] or len(first) > LONGEST_HEADING:
            return stanza, parent
        if SAID.search(first):
            return stanza, parent
        head = self._add("heading", stanza.lines[0], level=PLAIN, parent=parent)
        return replace(stanza, lines=stanza.lines[1:], apart=False), head

    def _ruled(self, stanza: Stanza, parent: int | None) -> bool:
        """Take lines with bars between their cells for the rows of a table."""
        return self._table(stanza, parent, barred)

    def _columns(self, stanza: Stanza, parent: int | None) -> bool:
        """Take lines that wide gaps part alike for the rows of a table."""
        return self._table(stanza, parent, columned)

    def _table(
        self,
        stanza: Stanza,
        parent: int | None,
        find: Callable[[str, Sequence[Line]], Table | None],
    ) -> bool:
        """Add the table that all lines are, or all but the first, which names it."""
        table = find(self._text, stanza.lines)
        if table is None:
            table = (
                find(self._text, stanza.lines[1:])
                if is_headline(self._said(stanza.lines[0]))
                else None
            )
            if table is None:
                return False
            parent = self._add("caption", stanza.lines[0], parent=parent)
        named = table.named
        if named is None:
            named = names_columns(self._text, table.rows[0], table.rows[1:])
        self._items, self._list = [], None
        add_table(self._outline, table.rows, table.places, named=named, parent=parent)
        return True

    def _leaders(self, stanza: Stanza, parent: int | None) -> bool:
        """Take lines with dots between label and value for fields; one without heads those behind it."""
        led = [bool(LEADERS.search(self._said(line))) for line in stanza.lines]
        if sum(led) < _MOSTLY * len(led):
            return False
        head = parent
        for line, fits in zip(stanza.lines, led, strict=True):
            if not fits and is_headline(self._said(line)):
                head = self._add("heading", line, level=PLAIN, parent=parent)
            else:
                self._add("field" if fits else "paragraph", line, parent=head)
        return True

    def _find_records(self) -> frozenset[Stanza]:
        """Return the stanzas that are records, as in a list of addresses; one alone is none.

        Where each line has a label, the records begin with the same.
        """
        found = [one for one in self._stanzas if self._is_record(one)]
        labels = Counter(label_of(self._said(one.lines[0])) for one in found)
        found = [
            one
            for one in found
            if not all(is_field(self._said(line)) for line in one.lines)
            or labels[label_of(self._said(one.lines[0]))] > 1
        ]
        return frozenset(found if len(found) > 1 else ())

    def _is_record(self, stanza: Stanza) -> bool:
        """Tell whether all lines are short, none ends a sentence or is an item, and one has a figure."""
        lines = [self._said(line) for line in stanza.lines]
        return (
            _FEWEST < len(lines) <= _MOST_LINES
            and not self._talk
            and not division_of(lines[0])
            and not any(
                len(line) > SHORT or SAID.search(line) or is_item(line) or depth_of(line)
                or LEADERS.search(line) or RULE.match(line)
                for line in lines
            )
            and any(any(map(str.isdigit, line)) for line in lines)
        )  # fmt: skip

    def _record(self, stanza: Stanza, parent: int | None) -> bool:
        """Take a record for a row whose cells are its lines, the first its key."""
        if stanza not in self._records:
            return False
        row = self._add("row", (stanza.lines[0][0], stanza.lines[-1][1]), parent=parent)
        cells = [self._outline.add("cell", *line, parent=row) for line in stanza.lines]
        self._outline.update(row, key=cells[0])
        return True

    def _fields(self, stanza: Stanza, parent: int | None) -> bool:
        """Take lines with a label and a value, or a term and its meaning, for fields."""
        fits = [is_field(self._said(line)) for line in stanza.lines]
        if sum(fits) < max(_FEWEST, _MOSTLY * len(fits)):
            return False
        stanza, parent = self._head(stanza, fits, parent)
        places: list[Line] = []
        for line in stanza.lines:
            said = self._said(line)
            if places and not is_field(said) and not is_item(said) and not label_of(said):
                places[-1] = places[-1][0], line[1]
            else:
                places.append(line)
        for place in places:
            said = self._said(place)
            if is_item(said):
                self._running(Stanza((place,)), parent)
            else:
                self._add("field" if is_field(said) else "paragraph", place, parent=parent)
        return True

    def _figures(self, stanza: Stanza, parent: int | None) -> bool:
        """Take short lines that begin or end with a figure for a list, as of ingredients."""
        said = [self._said(line) for line in stanza.lines]
        fits = [one[0].isdigit() or one.rstrip(" €$£%")[-1:].isdigit() for one in said]
        short = all(
            len(one) <= SHORT and not CLOSED.search(one) and not is_item(one) for one in said
        )
        if len(said) <= _FEWEST or not short or sum(fits) < _MOSTLY * len(fits):
            return False
        stanza, parent = self._head(stanza, fits, parent)
        place = stanza.lines[0][0], stanza.lines[-1][1]
        holder = self._add("list", place, parent=parent)
        for line in stanza.lines:
            self._outline.add("item", *line, parent=holder)
        return True

    # Terms, code and running text

    def _is_term(self, stanza: Stanza) -> bool:
        """Tell whether the first line is a term that the deeper lines below it define."""
        first, rest = stanza.lines[0], stanza.lines[1:]
        said = self._said(first)
        if (
            not rest
            or len(said.split()) > _MOST_OF_TERM
            or CLOSED.search(said.rstrip(":"))
            or is_item(said)
        ):
            return False
        if any(is_item(self._said(line)) for line in rest):
            return False
        if self._said(rest[0]).startswith(": "):
            return True
        indent = indent_of(self._text, first) + _DEEPER
        return all(indent_of(self._text, line) >= indent for line in rest)

    def _definition(self, stanza: Stanza, parent: int | None) -> bool:
        """Take a line and the deeper ones below it for a term and its meaning; one alone is none."""
        if not self._is_term(stanza):
            return False
        colon = self._said(stanza.lines[1]).startswith(": ")
        if not colon and self._terms < _FEWEST:
            return False
        term = self._add("term", stanza.lines[0], level=TERM, parent=parent)
        rest = replace(stanza, lines=stanza.lines[1:], apart=False)
        holder = self._add("definition", (rest.lines[0][0], rest.lines[-1][1]), parent=term)
        self._running(rest, holder, spoken=True)
        return True

    def _code(self, stanza: Stanza, parent: int | None) -> bool:
        """Take deeper lines behind a colon for code, unless they end as a sentence does."""
        if not self._at or not stanza.apart or is_item(self._said(stanza.lines[0])):
            return False
        before = self._stanzas[self._at - 1].lines
        deeper = indent_of(self._text, before[0]) + _DEEPER
        if not self._said(before[-1]).endswith(":") or SAID.search(self._said(stanza.lines[-1])):
            return False
        if any(indent_of(self._text, line) < deeper for line in stanza.lines):
            return False
        self._add("code", (stanza.lines[0][0], stanza.lines[-1][1]), parent=parent)
        return True

    def _running(self, stanza: Stanza, parent: int | None, *, spoken: bool = False) -> None:
        """Add running text, items and single labelled lines."""
        for number, (mark, place) in enumerate(self._runs(stanza)):
            said = self._said(place)
            deeper = self._items and indent_of(self._text, place) > self._items[-1].indent
            if mark:
                self._item(mark, place, parent, apart=stanza.apart and not number)
            elif deeper and stanza.apart and not number and parent is None:
                self._outline.add("paragraph", *place, parent=self._items[-1].index)
            elif not spoken and self._is_labelled(said):
                self._add("field", place, parent=parent)
            else:
                self._add("paragraph", place, parent=parent)

    @staticmethod
    def _is_labelled(said: str) -> bool:
        """Tell whether a line by itself is a label with its value, and no sentence with a colon in it."""
        label = label_of(said)
        short = len(label.split()) <= _MOST_OF_LABEL
        return bool(label) and is_field(said) and short and is_sentence(said)

    def _runs(self, stanza: Stanza) -> Iterator[tuple[Mark | None, Line]]:
        """Yield each item with its mark, and each stretch of text that an editor only wrapped."""
        first = 0
        lines = stanza.lines
        for at in range(1, len(lines) + 1):
            if at == len(lines) or self._breaks(lines, at):
                mark = self._mark(lines, first)
                yield from self._wrapped(mark, lines[first:at])
                first = at

    def _wrapped(
        self, mark: Mark | None, lines: Sequence[Line]
    ) -> Iterator[tuple[Mark | None, Line]]:
        """Yield the lines of one item, or of text; what is deeper than an item's mark belongs to the item."""
        held: Line | None = None
        for run in unwrapped(self._text, [*lines]):
            if held and indent_of(self._text, run) > indent_of(self._text, lines[0]):
                held = held[0], run[1]
                continue
            if held:
                yield mark, held
                mark = held = None
            if mark:
                held = run
            else:
                yield None, run
        if held:
            yield mark, held

    def _breaks(self, lines: Sequence[Line], at: int) -> bool:
        """Tell whether a line begins an item or a label, so that the line before it ends."""
        said, before = self._said(lines[at]), self._said(lines[at - 1])
        return self._mark(lines, at) is not None or (
            bool(label_of(said)) and bool(SAID.search(before))
        )

    def _mark(self, lines: Sequence[Line], at: int) -> Mark | None:
        """Return the mark of an item that a line begins, if it is one: a wrapped line may begin with a number too."""
        said = self._said(lines[at])
        mark = mark_of(said)
        if mark is None or not self._is_counted(mark):
            return None
        if mark.is_bullet and mark.label not in {"–", "—"}:
            return mark
        near = [mark_of(self._said(one)) for one in lines[max(0, at - _NEAR) : at + _NEAR]]
        many = sum(one is not None and one.style == mark.style for one in near) > 1
        if mark.label in {"–", "—"}:  # what somebody says, in a novel
            return mark if many or not SAID.search(said) else None
        if not at or many:
            return mark
        before = self._said(lines[at - 1])
        goes_on = is_said(before) or mark_of(before) is not None
        deeper = indent_of(self._text, lines[at]) > indent_of(self._text, lines[0])
        return mark if goes_on or deeper else None

    def _is_counted(self, mark: Mark) -> bool:
        """Tell whether a letter counts: in `A. Berg` it does only where the text has lines with `A.` and `B.`."""
        if len(mark.label) > 1 or not mark.label.isalpha() or "(" in mark.style:
            return True
        close = mark.style[-1]
        first, second, two = ("a", "b", "ii") if mark.label.islower() else ("A", "B", "II")
        known = {f"{first}{close}", f"{second}{close}"} <= self._letters
        return known or (mark.label in "iIvVxX" and two in self._letters)

    def _item(self, mark: Mark, place: Line, parent: int | None, *, apart: bool) -> None:
        """Add an item to the list that is open, inside the item that it is deeper than, or to a new one."""
        indent = indent_of(self._text, place)
        while self._items and self._is_beside(self._items[-1], mark, indent, apart=apart):
            self._items.pop()
        if self._list is None or self._outline[self._list].parent != parent:
            self._list = self._outline.add("list", *place, parent=parent)
            self._items = []
        above = self._items[-1].index if self._items else self._list
        self._outline.update(self._list, end=place[1])
        index = self._outline.add("item", *place, level=len(self._items), parent=above)
        self._items.append(_Item(mark, indent, index))

    def _is_beside(self, item: _Item, mark: Mark, indent: int, *, apart: bool) -> bool:
        """Tell whether an item that is open ends where another begins."""
        if any(
            (one.mark.style, one.mark.dots) == (mark.style, mark.dots) and one.indent >= indent
            for one in self._items
        ):
            return True
        if mark.dots and item.mark.dots:
            return item.mark.dots >= mark.dots
        if indent != item.indent:
            return indent < item.indent
        if item.mark.is_bullet:
            return True
        place = self._outline[item.index]
        return mark.is_bullet and apart and not self._text[place.start : place.end].endswith(":")


def _numbered_level(said: str) -> int:
    """Return the level of a heading that stands apart: by its number, if it has one."""
    number = said.split(maxsplit=1)[0].rstrip(".")
    if number.replace(".", "").isdigit() and len(number) < 12:
        return level_of(number.count(".") + 1)
    return PLAIN
