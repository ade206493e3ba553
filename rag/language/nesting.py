"""What hangs from what: each block from its section, its question or what announces it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rag.language.marks import (
    ANSWERS,
    ASKED,
    ASKS,
    CLOSED,
    LONGEST_QUESTION,
    SAID,
    SHORT,
    is_question,
    mark_of,
)
from rag.schema import Block, BlockKind

TITLE, MAIL, SUBJECT, LOUD, _NUMBERED = 1, 2, 3, 4, 5
PLAIN, QUESTION, CUE, SPEAKER, TERM = 10, 11, 12, 13, 20
"""Levels of what has none of its own: a title, a mail, its subject, a line in capitals, a heading
with one number, one without a style, a question, a cue's time, who speaks, a term. Marked headings have 1 to 6."""

_SECTIONS: tuple[BlockKind, ...] = ("title", "heading", "question", "speaker", "term")
"""What the blocks behind it hang from."""
_LISTED: tuple[BlockKind, ...] = ("list", "table", "code", "quote")
"""What a paragraph can announce."""
_LEADS: tuple[BlockKind, ...] = ("paragraph", "field", "answer")
_ANSWERING: tuple[BlockKind, ...] = ("paragraph", "list", "table")
_RANKS = (
    ("book", "part", "teil", "title", "titre", "annex", "anhang", "anexo", "appendix", "schedule"),
    ("chap", "kapitel", "cap"),
    ("sect", "secc", "abschnitt"),
)
"""How the words for divisions begin, the outermost first; articles, clauses and the like are deeper."""
_MOST_OPEN = 50
"""Sections inside each other."""
_POINTS_ON = re.compile(r"\b(?:following|follows|these|below|as such)\b", re.IGNORECASE)


def nest(text: str, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Hang each block that hangs from none yet from its section, its question or what announces it.

    What stands inside another block stays inside: a heading in a quote heads nothing behind the quote. What is
    written as a question or as an answer becomes one; a list of one short item that more text follows is a heading
    with a number.

    Args:
        text: the whole text.
        blocks: in order of start; those inside another, such as items, rows and cells, have their parent already.
    """
    nested = [*blocks]
    inside: dict[int | None, list[int]] = {}
    for at, one in enumerate(blocks):
        inside.setdefault(one.parent, []).append(at)
    for members in inside.values():
        if all(blocks[at].kind == "cell" for at in members):
            continue  # a row, of which nothing hangs from anything else
        _Level(text, nested, members, inside).nest()
    return tuple(nested)


class _Level:
    """Blocks beside each other, walked with a stack of the sections that are open."""

    def __init__(
        self,
        text: str,
        blocks: list[Block],
        members: Sequence[int],
        inside: dict[int | None, list[int]],
    ) -> None:
        self._text = text
        self._blocks = blocks
        self._members = members
        self._inside = inside
        self._open: list[int] = []
        self._speaking = ""
        self._asking = False
        self._leads = False
        self._askers: dict[int, str] = {}
        self._answered: set[int] = set()
        self._defined: set[int] = set()

    def nest(self) -> None:
        """Give the blocks their parents and kinds, in place."""
        self._number_headings()
        asked = self._questions()
        before: int | None = None
        for number, at in enumerate(self._members):
            following = self._members[number + 1 : number + 2]
            block = self._blocks[at] = self._typed(at, number, asked)
            self._asking = block.kind == "speaker" and not asked.isdisjoint(following)
            self._leads = any(self._blocks[one].kind in _LISTED for one in following)
            if self._is_section(block):
                self._open_section(at)
            elif before is not None and self._announces(before, at):
                self._hang(at, before)
            else:
                self._hang_below(at)
            if block.kind not in _LISTED:
                before = at

    def _hang_below(self, at: int) -> None:
        """Hang a block from the section that is open; a term that a colon defines ends where no colon follows."""
        if self._open and self._open[-1] in self._defined and not self._is_definition(at):
            self._open.pop()
        if self._open:
            self._hang(at, self._open[-1])

    def _is_definition(self, at: int) -> bool:
        """Tell whether a paragraph is a definition, as Markdown writes it: behind a colon on a line of its own."""
        return self._said(self._blocks[at]).startswith(": ")

    def _is_section(self, block: Block) -> bool:
        """Tell whether others hang from a block: from the caption of a table only its rows."""
        if block.kind == "caption":
            return block.parent is not None and self._blocks[block.parent].kind == "table"
        return block.kind in _SECTIONS or (block.kind == "field" and block.level > 0)

    def _hang(self, at: int, parent: int) -> None:
        self._blocks[at] = replace(self._blocks[at], parent=parent)

    def _typed(self, at: int, number: int, asked: frozenset[int]) -> Block:
        """Return a block as what its words show it to be."""
        block = self._blocks[at]
        if block.kind == "heading":
            if ASKED.search(self._said(block)):
                return replace(block, kind="question")
            if at == 0 and block.level <= TITLE and self._is_alone(number):
                return replace(block, kind="title")
            following = self._members[number + 1 : number + 2]
            if block.level >= PLAIN and any(map(self._is_definition, following)):
                self._defined.add(at)
                return replace(block, kind="term", level=TERM)
        if block.kind == "paragraph":
            said = self._said(block)
            if at in asked or (ASKS.match(said) and len(said) <= LONGEST_QUESTION):
                return replace(block, kind="question", level=QUESTION)
            if ANSWERS.match(said) and self._in_question():
                return replace(block, kind="answer")
        return block

    def _is_alone(self, number: int) -> bool:
        """Tell whether no other heading is of the level of a title: else each heads a part."""
        others = (self._blocks[at] for at in self._members[number + 1 :])
        return not any(one.kind == "heading" and one.level <= TITLE for one in others)

    def _questions(self) -> frozenset[int]:
        """Return which paragraphs are questions that the next one answers.

        In a talk it is what somebody asks and another answers. Else one alone is rhetoric; two or more are an FAQ.
        """
        found = []
        talk = any(self._blocks[at].kind == "speaker" for at in self._members)
        outer = [at for at in self._members if self._blocks[at].kind != "speaker"]
        for at, following in pairwise(outer):
            block, after = self._blocks[at], self._blocks[following]
            if block.kind != "paragraph" or after.kind not in _ANSWERING:
                continue
            said, answer = self._said(block), self._said(after)
            asks = (
                ASKED.search(said) and len(said) <= LONGEST_QUESTION if talk else is_question(said)
            )
            if asks and not ASKED.search(answer):
                found.append(at)
        return frozenset(found if len(found) > 1 or talk else ())

    def _number_headings(self) -> None:
        """Make a heading of each list of one short item that ends no sentence and that no item follows."""
        for at, following in pairwise(self._members):
            items = self._inside.get(at, ())
            if self._blocks[at].kind != "list" or len(items) != 1 or items[0] in self._inside:
                continue
            said = self._said(self._blocks[at])
            mark = mark_of(said)
            if mark is None or mark.is_bullet or len(said) > SHORT or CLOSED.search(said):
                continue
            if self._blocks[following].kind in _ANSWERING:
                self._blocks[at] = replace(
                    self._blocks[at], kind="heading", level=level_of(mark.dots)
                )
                self._blocks[items[0]] = replace(
                    self._blocks[items[0]], kind="heading", level=level_of(mark.dots), parent=at
                )

    def _open_section(self, at: int) -> None:
        """Open a section, and end those that it does not lie in; one whose text stands inside it opens none."""
        block = self._blocks[at]
        while self._open and self._ends(self._open[-1], block):
            self._open.pop()
        if self._open:
            self._hang(at, self._open[-1])
        is_lead = self._said(block).endswith(":") and self._leads
        is_whole = is_lead or (
            at in self._inside and block.kind != "speaker" and not self._is_numbered(at)
        )
        if not is_whole and len(self._open) < _MOST_OPEN:
            self._open.append(at)
        self._note_turn(at)

    def _is_numbered(self, at: int) -> bool:
        """Tell whether a heading was a list of one item."""
        return all(self._blocks[one].kind == "heading" for one in self._inside.get(at, ()))

    def _ends(self, opened: int, block: Block) -> bool:
        """Tell whether a section ends where another block begins one."""
        section = self._blocks[opened]
        if section.kind == "title":
            return block.kind == "title"
        if block.kind == "speaker" and section.kind == "question" and opened in self._askers:
            back = opened in self._answered and self._askers[opened] == self._name(block)
            return back or self._asking
        if block.kind == "question" and section.kind == "speaker" and section.end <= block.start:
            return opened != self._open[-1]
        return section.level >= block.level

    def _note_turn(self, at: int) -> None:
        """Note who speaks: who asked a question ends it by speaking again, once another has answered."""
        block = self._blocks[at]
        if block.kind == "speaker":
            self._speaking = self._name(block)
            self._answered.update(
                one for one, asker in self._askers.items() if asker != self._speaking
            )
        elif block.kind == "question" and self._speaking:
            self._askers = {at: self._speaking}

    def _name(self, block: Block) -> str:
        """Return the letters of who speaks, without the time."""
        return "".join(filter(str.isalpha, self._said(block)))

    def _in_question(self) -> bool:
        return any(self._blocks[one].kind == "question" for one in self._open)

    def _announces(self, before: int, at: int) -> bool:
        """Tell whether a paragraph announces the list, table or code behind it."""
        lead, block = self._blocks[before], self._blocks[at]
        if block.kind not in _LISTED or lead.kind not in {*_LEADS, "heading"}:
            return False
        said = self._said(lead)
        if said.endswith((":", "：")):
            return True
        if lead.kind == "heading":
            return False
        if block.kind == "code":
            return not SAID.search(said)
        return block.kind == "list" and (not SAID.search(said) or bool(_POINTS_ON.search(said)))

    def _said(self, block: Block) -> str:
        return " ".join(self._text[block.start : block.end].split())


def level_of(dots: int) -> int:
    """Return the level of a heading with a number of so many parts."""
    return min(_NUMBERED + max(dots - 1, 0), PLAIN - 1)


def rank_of(division: str) -> int:
    """Return the level of what names a division of a text, such as `Chapter 3`; an article lies in a chapter."""
    word = division.casefold()
    return next(
        (_NUMBERED + at for at, one in enumerate(_RANKS) if word.startswith(one)), PLAIN - 1
    )
