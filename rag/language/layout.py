"""The structure of a text: its headings, lists, tables, records and talks, and what hangs from what. Pure.

A loader that knows its markup gives its blocks to `nest`, which hangs each from its heading, question or lead-in. Text
without markup is looked at once, by `find_blocks`. Nobody else guesses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from rag.language.lines import Line, find_paragraphs, joined
from rag.schema import Block, BlockKind

TITLE, PLAIN, QUESTION, CUE, SPEAKER, TERM = 1, 6, 7, 8, 9, 10
"""Levels of what has none of its own: a title, a heading without a style, a question, a cue's time, who speaks, a term."""
LONGEST_HEADING = 100
"""Characters."""
_LONGEST_QUESTION = 160
_LONGEST_LINE = 60
_LONGEST_NAME = 40
_LONGEST_FIELD = 500
_MOST_CELLS = 64
_FEWEST_TURNS = 3
_MOST_OPEN = 50
"""Sections inside each other."""

_SECTIONS: tuple[BlockKind, ...] = ("title", "heading", "question", "speaker", "term")
"""What the blocks behind it hang from."""
_LISTED: tuple[BlockKind, ...] = ("list", "table", "code", "quote")
"""What a paragraph can announce."""

_BULLET = re.compile(r"(?:[-*+•‣▪●○◦■–—·]|\[[ xX]?\])\s+(?=\S)")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]\s+(?=\S)")
_DOTTED = re.compile(r"§?\s?\d{1,3}(?:\.\d{1,3})+\.?\s+(?=\S)")
_BAR = re.compile(r"(?:^|\s)\|(?:\s|$)")
_RULE = re.compile(r"[|\s]*:?---[-:|\s]*$|[=~*_+-]{3,}$")
_UNDERLINE = re.compile(r"([=\-~*_^])\1{2,}$")
_COLUMNS = re.compile(r"\t+| {2,}")
_LEADERS = re.compile(r"\s?(?:\. ?){4,}\s*|\s?…{2,}\s*|\s?_{4,}\s*")
_LABEL = re.compile(r"[^\W\d_][^\n.,;:!?|]{0,40}:(?=\s|$)")
_CLOSED = re.compile(r"""[.!?…,;:。！？।؟]["'”’»)\]]*$""")
_SAID = re.compile(r"""[.!?…。！？।؟]["'”’»)\]]*$""")
_ASKED = re.compile(r"""[?？؟]["'”’»)\]*_]*$""")
_MARK = re.compile(r"#{1,6}\s+")
_DIVISION = re.compile(
    r"(?:articles?|sections?|chapter|clause|part|annex|appendix|schedule|rule|title|book|artikel|abschnitt|kapitel|anhang"
    r"|teil|chapitre|annexe|partie|artículo|capítulo|sección|anexo|titre|§)\s*(?:\d+|[IVXLC]+|[A-Z])\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?:Q|Question|Frage|Pregunta|问)\s?\d{0,3}\s?[.:：]\s*", re.IGNORECASE)
_ANSWERS = re.compile(r"(?:A|Answer|Antwort|Réponse|Respuesta|R|答)\s?\d{0,3}\s?[.:：]\s*")
_STAMP = r"(?:\[?\(?\d[\d.:/, -]{3,22}(?:[AaPp][Mm])?\)?\]?\s*[-–]?\s*)"
_TURN = re.compile(
    rf"(?:<v\s+(?P<voice>[^>\n]{{1,40}})>|(?P<stamp>{_STAMP})?(?P<name>[^\W\d_][\w.'’-]*(?: [\w.'’()-]+){{0,3}}):)\s*(?=\S)"
)
_CUE = re.compile(r"(?:\d+\n)?\d{1,2}:\d\d(?::\d\d)?[.,]?\d{0,3}\s*-->\s*\d[\d:.,]*.*$")
_POINTS_ON = re.compile(r"\b(?:following|follows|these|below|as such)\b", re.IGNORECASE)


_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
_QUOTED = re.compile(r"(?:> ?)+")
_WROTE = re.compile(r"\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto)\s*:$")
_FROM = frozenset({"from:", "von:", "de:"})
_SUBJECT = frozenset({"subject:", "betreff:", "objet:", "asunto:"})
_HEADS_OF_MAIL = (
    _FROM
    | _SUBJECT
    | {"to:", "an:", "date:", "sent:", "cc:", "datum:", "gesendet:", "fecha:", "à:"}
)
_PARTS_OF_FAQ = frozenset({"q", "a", "question", "answer", "frage", "antwort"})


class Outline:
    """Blocks as they are found, in order."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    def __len__(self) -> int:
        return len(self._blocks)

    def add(
        self,
        kind: BlockKind,
        start: int,
        end: int,
        *,
        level: int = 0,
        parent: int | None = None,
        header: tuple[int, ...] = (),
    ) -> int:
        """Add a block; return its index."""
        self._blocks.append(
            Block(kind=kind, start=start, end=end, level=level, parent=parent, header=header)
        )
        return len(self._blocks) - 1

    def update(self, index: int, **changes: object) -> None:
        """Replace fields of a block."""
        self._blocks[index] = replace(self._blocks[index], **changes)  # type: ignore[arg-type]  # fields of Block

    def blocks(self) -> tuple[Block, ...]:
        """Return what was found."""
        return tuple(self._blocks)


def is_said(text: str) -> bool:
    """Tell whether a sentence ends as one, or announces something; a heading, a subject or a name alone does not."""
    return bool(_CLOSED.search(text))


def is_item(text: str) -> bool:
    """Tell whether a line is written as an item of a list."""
    return bool(_BULLET.match(text) or _ENUMERATOR.match(text))


def find_blocks(text: str) -> tuple[Block, ...]:
    """Return the structure of a text without markup; every character that is not blank is in a block."""
    outline = Outline()
    stanzas = [part for lines in find_paragraphs(text) for part in _parted(text, lines)]
    records = _records(text, stanzas)
    speakers = _speakers(text, stanzas)
    for number, (stanza, following) in enumerate(zip(stanzas, [*stanzas[1:], None], strict=False)):
        if not any(make(text, stanza, outline) for make in _SHAPES):
            if number in records:
                _record(stanza, outline)
            else:
                heads = following is not None and not _QUOTED.match(text, following[0][0])
                _running(text, stanza, outline, speakers, heads=heads)
    blocks = [*outline.blocks()]
    if blocks and blocks[0].kind == "heading" and _is_title(text, blocks):
        blocks[0] = replace(blocks[0], level=TITLE)
    return nest(text, blocks)


def _parted(text: str, lines: list[Line]) -> Iterator[list[Line]]:
    """Part the lines of a paragraph where one that is quoted follows one that is not, and at the empty lines of a quote."""
    depths = [
        len(quoted[0].replace(" ", "")) if (quoted := _QUOTED.match(text, *line)) else 0
        for line in lines
    ]
    part: list[Line] = []
    for at, line in enumerate(lines):
        empty = depths[at] and not text[slice(*line)].strip("> ")
        if part and (depths[at] != depths[at - 1] or empty):
            yield part
            part = []
        if not empty:
            part.append(line)
    if part:
        yield part


def _is_title(text: str, blocks: Sequence[Block]) -> bool:
    """Tell whether the first heading names the whole: no other is written like it, or it is as plain as can be."""
    first = _said(text, (blocks[0].start, blocks[0].end))
    if _DIVISION.match(first) or first[:1].isdigit():
        return False
    return blocks[0].level >= PLAIN - 1 or not any(
        one.kind == "heading" and one.level == blocks[0].level for one in blocks[1:]
    )


def _quote(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take lines behind `>` for a quote; a line that says who wrote it heads the others."""
    if not _QUOTED.match(text, *stanza[0]):
        return False
    level = SPEAKER + min(text[slice(*stanza[0])].count(">", 0, 8), 4)
    begin = 0
    if _WROTE.search(_said(text, stanza[0])):
        outline.add("speaker", *stanza[0], level=level)
        begin = 1
    if stanza[begin:]:
        outline.add("quote", stanza[begin][0], stanza[-1][1])
    return True


def _mail(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take the head of a mail for fields; what follows hangs from who wrote it and on what."""
    labels = [match[0].lower() if (match := _LABEL.match(text, *line)) else "" for line in stanza]
    if sum(label in _HEADS_OF_MAIL for label in labels) < 2 or not _FROM & set(labels):
        return False
    for line, label in zip(stanza, labels, strict=True):
        level = SPEAKER if label in _FROM else TERM if label in _SUBJECT else 0
        outline.add("field", *line, level=level)
    return True


def _cue(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take the time of a subtitle for a heading of what is said; its text is joined to one paragraph."""
    head = next((at for at in range(min(2, len(stanza))) if "-->" in _said(text, stanza[at])), None)
    if head is None or not _CUE.match(_said(text, stanza[head])):
        return False
    outline.add("heading", stanza[0][0], stanza[head][1], level=CUE)
    if stanza[head + 1 :]:
        start, end = stanza[head + 1][0], stanza[-1][1]
        turn = _TURN.match(text, start, end)
        if turn:
            _speaks(turn, outline)
        outline.add("paragraph", start, end)
    return True


def _ruled(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take lines with bars between their cells for the rows of a table."""
    if len(stanza) < 2:
        return False
    barred = [bool(_BAR.search(_said(text, line))) for line in stanza]
    rows = [line for line, bar in zip(stanza, barred, strict=True) if bar]
    rows = [line for line in rows if not _RULE.match(_said(text, line))]
    if sum(barred) < len(stanza) - 1 or not barred[-1] or not rows:
        return False
    if not barred[0]:
        outline.add("caption", *stanza[0])
    cells = [_cells(text, row, _BAR) for row in rows]
    add_table(outline, cells, rows, named=names_columns(text, cells[0]))
    return True


def _columns(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take lines that wide gaps part alike for the rows of a table."""
    if len(stanza) < 2:
        return False
    rows = [_cells(text, line, _COLUMNS) for line in stanza]
    widths = Counter(len(row) for row in rows)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < 2 or count < 0.8 * len(rows) or min(widths) < 2:
        return False
    add_table(outline, rows, stanza, named=names_columns(text, rows[0]))
    return True


def _leaders(text: str, stanza: list[Line], outline: Outline) -> bool:
    """Take lines with dots between label and value for fields."""
    dotted = [bool(_LEADERS.search(text, start, min(end, start + _LONGEST_FIELD))) for start, end in stanza]
    if sum(dotted) < 0.6 * len(stanza):
        return False
    for line in stanza:
        outline.add("field", *line)
    return True


def add_table(
    outline: Outline, rows: Sequence[Sequence[Line]], places: Sequence[Line], *, named: bool
) -> None:
    """Add a table, its rows and their cells.

    Args:
        outline: receives them.
        rows: start and end of each row's cells.
        places: start and end of each row.
        named: whether the first row names the columns.
    """
    table = outline.add("table", places[0][0], places[-1][1])
    names: list[tuple[int, ...]] = []
    for number, (cells, place) in enumerate(zip(rows, places, strict=True)):
        row = outline.add("row", *place, parent=table)
        made = [
            outline.add("cell", *cell, parent=row, header=names[at] if at < len(names) else ())
            for at, cell in enumerate(cells[:_MOST_CELLS])
        ]
        if made:
            outline.update(row, key=made[0])
        if named and not number and len(rows) > 1:
            names = [(index,) for index in made]


def names_columns(text: str, cells: Sequence[Line]) -> bool:
    """Tell whether a row's cells are names: short, and without figures other than years."""
    names = [_said(text, cell) for cell in cells]
    return all(len(name) <= _LONGEST_NAME and not _FIGURE.search(name) for name in names)


def _cells(text: str, line: Line, gap: re.Pattern[str]) -> list[Line]:
    """Return the cells of a row that a pattern parts; one may be empty."""
    cells, at = [], line[0]
    for match in gap.finditer(text, *line):
        cells.append((at, match.start()))
        at = match.end()
    return [*cells, (at, line[1])]


def _records(text: str, stanzas: Sequence[list[Line]]) -> frozenset[int]:
    """Return which stanzas are records: short lines that end no sentence, as in a list of addresses; one alone is none."""
    found = [at for at, stanza in enumerate(stanzas) if _is_record(text, stanza)]
    return frozenset(found if len(found) > 1 else ())


def _is_record(text: str, stanza: list[Line]) -> bool:
    lines = [_said(text, line) for line in stanza]
    return (
        2 < len(lines) <= _MOST_CELLS
        and not _DIVISION.match(lines[0])
        and not any(
            len(line) > _LONGEST_LINE or _SAID.search(line) or _ASKED.search(line) or is_item(line) or _DOTTED.match(line)
            or _TURN.match(line)
            for line in lines
        )
        and any(any(map(str.isdigit, line)) for line in lines)
    )  # fmt: skip


def _record(stanza: list[Line], outline: Outline) -> None:
    """Add a record: a row whose cells are its lines, the first its key."""
    row = outline.add("row", stanza[0][0], stanza[-1][1])
    cells = [outline.add("cell", *line, parent=row) for line in stanza]
    outline.update(row, key=cells[0])


def _speakers(text: str, stanzas: Sequence[list[Line]]) -> frozenset[str]:
    """Return who speaks in a talk: names before a colon, two or more, that begin most lines and come back."""
    turns = [_TURN.match(text, *line) for stanza in stanzas for line in stanza]
    names = Counter(turn["name"] or turn["voice"] for turn in turns if turn)
    for part in [name for name in names if name.lower() in _PARTS_OF_FAQ]:
        del names[part]
    stamped = any(turn and (turn["stamp"] or turn["voice"]) for turn in turns)
    many = sum(names.values()) >= max(_FEWEST_TURNS, 0.4 * len(turns))
    back = len(names) > 1 and max(names.values(), default=0) > 1
    return frozenset(names) if many and (back or (stamped and names)) else frozenset()


def _speaks(turn: re.Match[str], outline: Outline) -> None:
    """Add who speaks."""
    outline.add("speaker", *turn.span("voice" if turn["voice"] else "name"), level=SPEAKER)


def _running(
    text: str, stanza: list[Line], outline: Outline, speakers: frozenset[str], *, heads: bool
) -> None:
    """Add what running text, a list, a heading or labelled lines say."""
    lines = [line for part in _broken(text, stanza, speakers) for line in joined(text, part)]
    if _heads(text, stanza, lines, followed=heads):
        asked = bool(_ASKED.search(_said(text, stanza[-1])))
        level = QUESTION if asked else _level(text[slice(*stanza[0])])
        outline.add("heading", stanza[0][0], stanza[-1][1], level=level)
        return
    for listing, group in groupby(enumerate(lines), key=lambda one: _is_listed(text, one[1])):
        members = [line for _, line in group]
        if listing:
            holder = outline.add("list", members[0][0], members[-1][1])
            for line in members:
                depth = _indent(text, line[0])
                outline.add("item", *line, parent=holder, level=depth)
            continue
        for at, line in enumerate(members):
            _line(text, line, outline, speakers, opens=at == 0, alone=len(members) == 1)


def _broken(text: str, stanza: list[Line], speakers: frozenset[str]) -> Iterator[list[Line]]:
    """Break a stanza before each turn of a talk, and behind a question that opens it or has a number."""
    part: list[Line] = []
    for line in stanza:
        turn = _TURN.match(text, *line)
        if part and turn and (turn["name"] or turn["voice"]) in speakers:
            yield part
            part = []
        part.append(line)
        said = _said(text, line)
        opens = line == stanza[0] or _ENUMERATOR.match(said) or _ASKS.match(said)
        if len(part) == 1 and opens and _ASKED.search(said) and line != stanza[-1]:
            yield part
            part = []
    if part:
        yield part


def _line(
    text: str, line: Line, outline: Outline, speakers: frozenset[str], *, opens: bool, alone: bool
) -> None:
    """Add one line, or several that an editor wrapped."""
    said = _said(text, line)
    turn = _TURN.match(text, *line)
    if turn and (turn["name"] or turn["voice"]) in speakers:
        _speaks(turn, outline)
        outline.add("paragraph", *line)
    elif mark := _MARK.match(said):
        outline.add("heading", *line, level=mark[0].count("#"))
    elif _ASKED.search(said) and opens and not alone and len(said) <= _LONGEST_QUESTION:
        outline.add("question", *line, level=QUESTION)
    elif opens and not alone and _is_loud(said):
        outline.add("heading", *line, level=_level(said))
    elif _LABEL.match(said) and not _ASKS.match(said) and not _ANSWERS.match(said):
        outline.add("field" if not said.endswith(":") else "paragraph", *line)
    else:
        outline.add("paragraph", *line)


def _heads(text: str, stanza: list[Line], lines: Sequence[Line], *, followed: bool) -> bool:
    """Tell whether a stanza is a heading: a short line that stands apart and ends no sentence, or one underlined."""
    first = _said(text, stanza[0])
    if len(stanza) > 1 and _UNDERLINE.match(_said(text, stanza[1])):
        return len(stanza) == 2
    if not followed or len(first) > LONGEST_HEADING or not any(map(str.isalpha, first)):
        return False
    if len(stanza) <= 2 and _DIVISION.match(first):
        return all(len(_said(text, line)) <= _LONGEST_LINE for line in stanza)
    if len(lines) > 1 or len(stanza) > 2 or _BULLET.match(first):
        return False
    whole = " ".join(text[slice(*lines[0])].split())
    if _ASKED.search(whole):
        return len(whole) <= _LONGEST_QUESTION
    return len(whole) <= LONGEST_HEADING and not _CLOSED.search(whole) and not _TURN.match(whole)


def _is_listed(text: str, line: Line) -> bool:
    """Tell whether a line is an item; a numbered question is none, since its answer follows."""
    said = _said(text, line)
    if _DOTTED.match(said) or _BULLET.match(said):
        return True
    return bool(_ENUMERATOR.match(said)) and not _ASKED.search(said)


def _is_loud(said: str) -> bool:
    """Tell whether a line is written in capitals, or names a division."""
    letters = [char for char in said if char.isalpha()]
    capitals = len(letters) > 3 and all(char.isupper() for char in letters)
    return (
        len(said) <= _LONGEST_LINE
        and not _CLOSED.search(said)
        and (capitals or bool(_DIVISION.fullmatch(said)))
    )


def _level(said: str) -> int:
    """Return the level that the writing of a heading shows."""
    said = " ".join(said.split())
    if mark := _MARK.match(said):
        return mark[0].count("#")
    if number := re.match(r"\d{1,3}((?:\.\d{1,3})*)\.?\s", said):
        return min(2 + number[1].count("."), PLAIN)
    letters = [char for char in said if char.isalpha()]
    if letters and all(char.isupper() for char in letters):
        return 2
    return 3 if _DIVISION.match(said) else PLAIN - 1


def _indent(text: str, start: int) -> int:
    """Return how deep a line is indented, two blanks a level."""
    before = text[max(0, start - 24) : start].rpartition("\n")[2]
    return len(before.expandtabs(4)) // 2


def _said(text: str, line: Line) -> str:
    return text[line[0] : line[1]]


_SHAPES = (_quote, _mail, _cue, _ruled, _columns, _leaders)
"""What a stanza may be, the most telling first; each adds it and says whether it was that."""


def nest(text: str, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Hang each block that hangs from none yet from its section, its question or what announces it.

    What is written as a question or as an answer becomes one; a list of one short item that more text follows is a
    heading with a number.

    Args:
        text: the whole text.
        blocks: in order of start; those inside another, such as items, rows and cells, have their parent already.
    """
    return _Nest(text, blocks).nested()


class _Nest:
    """The stack of sections that are open while the blocks are walked."""

    def __init__(self, text: str, blocks: Sequence[Block]) -> None:
        self._text = text
        self._blocks = [*blocks]
        self._open: list[int] = []
        self._outer = [at for at, one in enumerate(blocks) if one.parent is None]
        self._asked = self._questions()

    def nested(self) -> tuple[Block, ...]:
        """Return the blocks with their parents."""
        self._number_headings()
        before: int | None = None
        for at in self._outer:
            block = self._blocks[at] = self._typed(at)
            if block.kind in _SECTIONS or (block.kind == "field" and block.level):
                self._push(at)
            else:
                lead = before is not None and self._announces(before, at)
                parent = before if lead else self._open[-1] if self._open else None
                self._blocks[at] = replace(block, parent=parent)
            if block.kind not in _LISTED:
                before = at
        return tuple(self._blocks)

    def _typed(self, at: int) -> Block:
        """Return a block as what its words show it to be."""
        block = self._blocks[at]
        said = self._said(block)
        if block.kind == "heading" and _ASKED.search(said):
            return replace(block, kind="question")
        if block.kind == "heading" and at == self._outer[0] and block.level <= TITLE:
            return replace(block, kind="title")
        if block.kind == "heading" and block.level >= PLAIN and self._is_defined(at):
            return replace(block, kind="term", level=TERM)
        if block.kind == "paragraph":
            if _ASKS.match(said) and len(said) <= _LONGEST_QUESTION:
                return replace(block, kind="question", level=QUESTION)
            if at in self._asked:
                return replace(block, kind="question", level=QUESTION)
            if _ANSWERS.match(said) and self._in_question():
                return replace(block, kind="answer")
        return block

    def _is_defined(self, at: int) -> bool:
        """Tell whether a definition follows, as Markdown writes it: behind a colon on a line of its own."""
        return at + 1 < len(self._blocks) and self._said(self._blocks[at + 1]).startswith(": ")

    def _questions(self) -> frozenset[int]:
        """Return which paragraphs are questions that the next one answers.

        In a talk it is what somebody asks and another answers. Else one alone is rhetoric; two or more are an FAQ.
        """
        found = []
        talk = any(one.kind == "speaker" for one in self._blocks)
        outer = [at for at in self._outer if self._blocks[at].kind != "speaker"]
        for at, following in zip(outer, outer[1:], strict=False):
            block, after = self._blocks[at], self._blocks[following]
            if block.kind != "paragraph" or after.kind not in {"paragraph", "list", "table"}:
                continue
            said, answer = self._said(block), self._said(after)
            if len(said) <= _LONGEST_QUESTION and _ASKED.search(said) and not _ASKED.search(answer):
                found.append(at)
        return frozenset(found if len(found) > 1 or talk else ())

    def _number_headings(self) -> None:
        """Make a heading of each list of one short item that ends no sentence and that no item follows."""
        for at, following in zip(self._outer, self._outer[1:], strict=False):
            block = self._blocks[at]
            items = [one for one in self._blocks[at + 1 : following] if one.parent == at]
            said = self._said(block)
            if (
                block.kind == "list"
                and len(items) == 1
                and not _BULLET.match(said)
                and len(said) <= _LONGEST_LINE
                and not _CLOSED.search(said)
                and self._blocks[following].kind in {"paragraph", "list", "table", "item"}
            ):
                self._blocks[at] = replace(block, kind="heading", level=_level(said))
                for inner in range(at + 1, following):
                    self._blocks[inner] = replace(
                        self._blocks[inner], kind="heading", level=_level(said), parent=at
                    )

    def _push(self, at: int) -> None:
        """Open a section, and end those that it does not lie in."""
        block = self._blocks[at]
        before = self._open[-1] if self._open else None
        # Two terms share a definition: the second hangs from the first.
        shared = (
            block.kind == "term"
            and before == at - 1
            and self._blocks[at - 1].kind == "term"
            and len(self._open) < _MOST_OPEN
        )
        turn = block.kind == "speaker" and before is not None and self._is_turn(before)
        while (
            self._open
            and not shared
            and not turn
            and self._level(self._open[-1]) >= self._level(at)
        ):
            self._open.pop()
            turn = block.kind == "speaker" and bool(self._open) and self._is_turn(self._open[-1])
        self._blocks[at] = replace(block, parent=self._open[-1] if self._open else None)
        self._open.append(at)

    def _level(self, at: int) -> int:
        block = self._blocks[at]
        return block.level or {"term": TERM, "speaker": SPEAKER}.get(block.kind, 0)

    def _is_turn(self, at: int) -> bool:
        """Tell whether a question was asked by somebody who speaks, so that the next speaker answers it."""
        block = self._blocks[at]
        parent = block.parent
        return (
            block.kind == "question"
            and parent is not None
            and self._blocks[parent].kind == "speaker"
            and not any(
                self._blocks[one].kind == "speaker"
                for one in self._open[self._open.index(at) + 1 :]
            )
        )

    def _in_question(self) -> bool:
        return any(self._blocks[one].kind == "question" for one in self._open)

    def _announces(self, before: int, at: int) -> bool:
        """Tell whether a paragraph announces the list, table or code behind it."""
        lead, block = self._blocks[before], self._blocks[at]
        if (
            block.kind not in _LISTED
            or lead.kind not in {"paragraph", "field", "answer"}
            or before > at
        ):
            return False
        said = self._said(lead)
        if said.endswith((":", "：")):
            return True
        if block.kind != "list":
            return False
        return not _SAID.search(said) or bool(_POINTS_ON.search(said))

    def _said(self, block: Block) -> str:
        return " ".join(self._text[block.start : block.end].split())
