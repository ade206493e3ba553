"""What a passage's layout says: which sentences announce a list, which are its items, which are headings. Pure.

A list is read together with the sentence that announces it, since neither answers alone: "The box contains:" says
nothing without "- the kettle", nor that without it. A table's cell is read with the name of its column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from rag.schema import Candidate, ScoredSentence

MOST_ITEMS = 30
"""Sentences of one list, at most."""
_LONGEST_HEADING = 100
"""Characters."""
_LONGEST_NAME = 40
"""Characters of a column's name."""

_ITEM = re.compile(r"(?:[-*+•‣▪●○◦–—·]|\(?(?:(?:\d{1,3}|[a-z])[.)]|[A-Z]\)))\s+\S")
_BAR = re.compile(r"(?:^|\s)\|(?:\s|$)")
_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
_BLANK = re.compile(r"\n\s*\n")
_COMPLETE = re.compile(r"[.!?…,;:]['\"”’)\]]*$")
_ENDS = re.compile(r"[.!?…]['\"”’)\]]*$")
_LABELLED = re.compile(r"[^\W\d_][^\n.,;:!?]{0,30}:\s+\S")
_POINTS_ON = re.compile(r"\b(?:following|follows|these|below)\b", re.IGNORECASE)


def units(candidate: Candidate) -> tuple[tuple[ScoredSentence, ...], ...]:
    """Return what is read as one: each sentence, and with a sentence that announces a list the list's.

    An item of a list is a unit of its own too. A colon before anything else than a list announces the next sentence.
    """
    sentences = candidate.sentences
    joints = [_joint(candidate, one, other) for one, other in pairwise(sentences)]
    return tuple(
        sentences[at : at + 1 + _announced(sentences, joints, at)] for at in range(len(sentences))
    )


def whole(unit: Sequence[ScoredSentence], candidate: Candidate) -> ScoredSentence:
    """Return a unit of a candidate as one sentence, scored as the best of them."""
    start, end = unit[0].start, unit[-1].end
    begin = candidate.passage.start
    return ScoredSentence(
        start=start,
        end=end,
        text=candidate.passage.text[start - begin : end - begin],
        dense=max(one.dense for one in unit),
        lexical=max(one.lexical for one in unit),
    )


def announcing(candidate: Candidate, start: int) -> ScoredSentence | None:
    """Return what an item of a list needs beside it: the sentence with a colon that announces it; of a row, the first.

    Args:
        candidate: holds both.
        start: of the item, in the source's text; of what is none, nothing is returned.
    """
    for names, *rows in tables(candidate):
        if any(row.start == start for row in rows):
            return names
    for lead, *listed in units(candidate):
        if lead.text.endswith(":") and any(
            one.start == start and is_item(one.text) for one in listed
        ):
            return lead
    return None


def tables(candidate: Candidate) -> Iterator[tuple[ScoredSentence, ...]]:
    """Yield the rows of each table whose first row names its columns."""
    for is_table, group in groupby(
        candidate.sentences, key=lambda one: bool(_BAR.search(one.text))
    ):
        rows = tuple(group)
        # Where the passage begins within a table, its first row is lost.
        cut = rows[0].start == candidate.passage.start > 0
        if is_table and not cut and len(rows) > 1 and _names_columns(rows[0].text):
            yield rows


def spoken(candidate: Candidate) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return a passage's text as it is read out, and what was put in for it: (character of the passage, words).

    Before each cell of a table stands the name of its column: "wool | 45 min" is read "Programme: wool | Time: 45 min".
    """
    text, begin = candidate.passage.text, candidate.passage.start
    put_in: list[tuple[int, str]] = []
    for first, *rows in tables(candidate):
        names = [name for _, name in _cells(first.text)]
        for row in rows:
            for name, (at, cell) in zip(names, _cells(row.text), strict=False):
                if name and cell:
                    put_in.append((row.start - begin + at, f"{name}: "))
    pieces, done = [], 0
    for at, words in put_in:
        pieces += [text[done:at], words]
        done = at
    return "".join([*pieces, text[done:]]), tuple(put_in)


def _names_columns(row: str) -> bool:
    """Tell whether the cells of a row are names: short, and without figures other than years."""
    return all(len(cell) <= _LONGEST_NAME and not _FIGURE.search(cell) for _, cell in _cells(row))


def _cells(row: str) -> list[tuple[int, str]]:
    """Return the cells of a row, each with where it starts; the first or the last may be empty."""
    bounds = [0, *(match.end() for match in _BAR.finditer(row))]
    ends = [*(match.start() for match in _BAR.finditer(row)), len(row)]
    return [(start, row[start:end]) for start, end in zip(bounds, ends, strict=True)]


def headings(candidate: Candidate) -> frozenset[int]:
    """Return where the candidate's headings start, in the source's text: short lines, set apart, that end no sentence.

    A heading names what follows it, often in the question's own words, and hardly ever answers.
    """
    text, begin = candidate.passage.text, candidate.passage.start
    bounds = [begin, *(one.end for one in candidate.sentences)]
    afterwards = [*(one.start for one in candidate.sentences[1:]), None]
    return frozenset(
        one.start
        for one, before, after in zip(candidate.sentences, bounds, afterwards, strict=False)
        if len(one.text) <= _LONGEST_HEADING
        and not is_said(one.text)
        and not is_item(one.text)
        and (before == begin or _BLANK.search(text[before - begin : one.start - begin]))
        and after is not None
        and _BLANK.search(text[one.end - begin : after - begin])
    )


def is_said(text: str) -> bool:
    """Tell whether a sentence ends as one, or announces something; a heading, a subject or a name alone does not."""
    return bool(_COMPLETE.search(text))


def is_item(text: str) -> bool:
    """Tell whether a sentence is written as an item of a list, or as a row of a table."""
    return bool(_ITEM.match(text) or _BAR.search(text))


def _announced(sentences: Sequence[ScoredSentence], joints: Sequence[str], at: int) -> int:
    """Return how many of the sentences behind one it announces."""
    lead = sentences[at].text
    if is_item(lead) or at + 1 == len(sentences) or "\n" not in joints[at]:
        return 0
    if not is_item(sentences[at + 1].text):
        return int(lead.endswith(":"))
    # "Apologies: none" stands before the items by chance.
    complete = _ENDS.search(lead) or (_LABELLED.match(lead) and not lead.endswith(":"))
    if complete and not _POINTS_ON.search(lead):
        return 0
    return sum(1 for _ in _items(sentences, joints, at + 1))


def _items(
    sentences: Sequence[ScoredSentence], joints: Sequence[str], first: int
) -> Iterator[ScoredSentence]:
    """Yield the sentences of a list's items: those that begin one, and what else an item says."""
    for at in range(first, min(len(sentences), first + MOST_ITEMS)):
        if not is_item(sentences[at].text) and "\n" in joints[at - 1]:
            return
        yield sentences[at]


def _joint(candidate: Candidate, one: ScoredSentence, other: ScoredSentence) -> str:
    """Return what stands between two sentences."""
    begin = candidate.passage.start
    return candidate.passage.text[one.end - begin : other.start - begin]
