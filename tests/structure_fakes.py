"""Texts of every shape, and what holds of the structure of any text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import strategies as st

from rag.passages import units_of
from rag.schema import Block, Source

LINES = [
    "# Heading", "A heading", "LOUD HEADING", "2. Scope", "2.1 Details", "Article 3", "=====", "-----", "",
    "A sentence that says something.", "It goes on with more words, and", "It has:", "Why is it so?", "Q: Who pays?",
    "A: We do.", "- one", "  - deeper", "* two. And more.", "1. first", "2) second", "(a) third", "• dot", "a | b",
    "| c | d |", "| --- | --- |", "one\ttwo", "three    four", "Rent ..... 80", "Ann: I think so.", "Ben: Do you?",
    "[12:30] Ann: Yes.", "From: Ann", "To: Ben", "Subject: Tea", "> quoted", ">> deeper", "Ann wrote:",
    "1", "00:00:01,000 --> 00:00:02,000", "Name: Ann Lee", "Street 5", "term", ": its meaning", "    code()", "|", ">",
    "...", "Dr. Lee came at 9 a.m. Monday.", "J. Ek wrote.", "日本語です。質問ですか？", "\u00a0", "\u2028",
    "x" * 130, "“", "\ud800",
]  # fmt: skip
TYPED = st.lists(st.sampled_from(LINES), max_size=24).map("\n".join)
ANY_TEXT = st.one_of(TYPED, st.text(), st.text("ab1. \n-|>:?\t#=“", max_size=200))


def source_of(text: str, blocks: Sequence[Block] = (), *, title: str = "") -> Source:
    """A source with this text, of no name."""
    return Source(
        source_id="",
        title=title,
        text=text,
        sha256="0",
        media_type="text/plain",
        blocks=tuple(blocks),
    )


def told(text: str, blocks: Sequence[Block]) -> list[tuple[str, str, str | None]]:
    """The kind of each block, its words, and those of the block that it hangs from."""

    def words(one: Block) -> str:
        return " ".join(text[one.start : one.end].split())

    return [
        (one.kind, words(one), None if one.parent is None else words(blocks[one.parent]))
        for one in blocks
    ]


def paths(source: Source) -> list[tuple[str, str, tuple[str, ...]]]:
    """The kind of each unit, its words, and those that it hangs from."""
    return [
        (
            one.kind,
            " ".join(source.text[one.start : one.end].split()),
            tuple(context.text for context in one.path),
        )
        for one in units_of(source)
    ]


def check_blocks(text: str, blocks: Sequence[Block]) -> None:
    """Blocks lie in the text, in order of start, each behind what it hangs from, so that none hangs from itself.

    Who speaks may be named inside what is said.
    """
    for at, one in enumerate(blocks):
        assert 0 <= one.start <= one.end <= len(text)
        assert one.parent is None or 0 <= one.parent < at
        assert all(0 <= head < len(blocks) for head in one.header)
        assert one.key is None or blocks[one.key].parent == at
    ordered = [one.start for one in blocks if one.kind != "speaker"]
    assert sorted(ordered) == ordered


def check_units(source: Source) -> None:
    """Units are ascending and disjoint, and every character that is not blank is in exactly one of them."""
    text, units = source.text, [*units_of(source)]
    assert all(one.end <= other.start for one, other in itertools.pairwise(units))
    assert all(
        text[one.start : one.end].strip() == text[one.start : one.end] != "" for one in units
    )
    bounds = [0, *itertools.chain.from_iterable((one.start, one.end) for one in units), len(text)]
    assert not "".join(
        text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)
    ).strip()
    for one in units:
        assert all(one.start <= cell.start <= cell.end <= one.end for cell in one.cells)
        assert all(0 <= context.start <= context.end <= len(text) for context in one.path)
        assert all("\n" not in context.text for context in one.path)
