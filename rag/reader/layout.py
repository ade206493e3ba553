"""How a passage is read out: which units belong together, and what each hangs from. Pure.

A list is read together with what announces it, since neither answers alone: "The box contains:" says nothing without
"- the kettle", nor that without it. A table's cell is read with the name of its column, an item or paragraph with the
headings above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.language.dates import in_words
from rag.language.paths import HEADS, outside, spelled
from rag.schema import BlockKind, Candidate, Context, ScoredSentence

MOST_ITEMS = 30
"""Sentences of one list, at most."""
_TOLD = 3
"""Parts of a path that are read out at most; each is read once a passage."""
_ANNOUNCED: frozenset[BlockKind] = frozenset({"item", "row", "code", "quote"})
"""Kinds that are said together with what announces them."""
_LEADS: frozenset[BlockKind] = frozenset({"paragraph", "field", "answer", "item", "heading"})
"""Kinds that announce."""


def units(candidate: Candidate) -> tuple[tuple[ScoredSentence, ...], ...]:
    """Return what is read as one: each sentence, and with one that announces a list the list's.

    An item of a list is a unit of its own too.
    """
    sentences = candidate.sentences
    return tuple(
        (one, *_announced(one, sentences[at + 1 : at + 1 + MOST_ITEMS]))
        for at, one in enumerate(sentences)
    )


def _announced(lead: ScoredSentence, following: Sequence[ScoredSentence]) -> list[ScoredSentence]:
    """Return the sentences that a sentence announces: the items of its list, and what else these say."""
    if lead.kind not in _LEADS:
        return []
    found: list[ScoredSentence] = []
    for one in following:
        if not any(_is(context, lead) for context in one.path):
            break
        if one.kind not in _ANNOUNCED and not (found and lead.kind != "heading"):
            break
        found.append(one)
    return found


def _is(context: Context, sentence: ScoredSentence) -> bool:
    """Tell whether a part of a path is a sentence."""
    return (context.start, context.end) == (sentence.start, sentence.end)


def whole(unit: Sequence[ScoredSentence], candidate: Candidate) -> ScoredSentence:
    """Return a unit of a candidate as one sentence, scored as the best of them."""
    if len(unit) == 1:
        return unit[0]
    start, end = unit[0].start, unit[-1].end
    begin = candidate.passage.start
    return replace(
        unit[0],
        kind="list",
        end=end,
        text=candidate.passage.text[start - begin : end - begin],
        dense=max(one.dense for one in unit),
        lexical=max(one.lexical for one in unit),
    )


def announcing(sentence: ScoredSentence) -> Context | None:
    """Return what a unit is said with: an item's lead, a row's column names or heading, the term of a meaning."""
    path = [one for one in sentence.path if one.start < one.end]
    terms = [one for one in path if one.kind == "term"]
    if terms and path[-1] in terms:
        return replace(terms[-1], start=terms[0].start)
    if sentence.kind not in _ANNOUNCED or not path:
        return None
    # A row whose columns are named within it stands right below the title of its document, which announces nothing.
    return None if (sentence.kind, path[-1].kind) == ("row", "title") else path[-1]


def spoken(candidate: Candidate, *, dated: bool = False) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return a passage's text as it is read out, and what was put in for it: (character of the passage, words).

    What a unit hangs from stands before it where the passage has not said it yet; before each cell of a table stands
    the name of its column: "wool | 45 min" is read "Programme: wool | Time: 45 min".

    Args:
        candidate: holds the passage.
        dated: a month is asked for by its name: before a date in figures, alone in its cell, it is read in words too.
    """
    text, begin = candidate.passage.text, candidate.passage.start
    put_in: list[tuple[int, str]] = []
    told: set[Context] = set()
    for one in candidate.sentences:
        heads = one.kind in HEADS and one is not candidate.sentences[0]
        path = [] if heads else [part for part in _told(one, begin) if part not in told]
        if path:
            put_in.append((one.start - begin, f"{spelled(path).rstrip(':')}: "))
            told.update(path)
        for cell in one.cells:
            at = cell.start - begin
            name = f"{cell.name}: " if cell.name else ""
            words = in_words(text[at : cell.end - begin]) if dated else ""
            if (name or words) and cell.start < cell.end:
                put_in.append((at, f"{name}{words}"))
    pieces, done = [], 0
    for at, words in put_in:
        pieces += [text[done:at], words]
        done = at
    return "".join([*pieces, text[done:]]), tuple(put_in)


def _told(sentence: ScoredSentence, begin: int) -> tuple[Context, ...]:
    """Return the innermost parts of a path that no text of the passage before the sentence says.

    A row's column names stand before its cells.
    """
    path = tuple(one for one in sentence.path if one.kind != "row")
    return outside(path, begin, sentence.end)[-_TOLD:]
