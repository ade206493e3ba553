"""The passage room: sentences as people write them, packed whole, with every character kept."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SettingsError, SourceError
from rag.language.outline import Outline
from rag.passages import split, units_of
from rag.passages.units import find_pieces
from rag.schema import Source, Span, SplitPassage
from rag.tokens import TokenCounter

BITS = [
    *"Dr. Lee said “ ” ( ) etc. end. Why? - 1. | J. 。 日本 x; é 😀".split(),
    *("\n", "\n\n", " ", "\r\n", "\xa0", "\u2009", "\u2028", "\u0301", "\ud800", "a" * 90),
]
TEXT_WITH_STRUCTURE = st.lists(st.sampled_from(BITS), max_size=60).map(" ".join)
ANY_TEXT = st.one_of(st.text(), TEXT_WITH_STRUCTURE, st.text("ab. \n“”()", max_size=400))


def words(text: str) -> int:
    """A count that is quick and additive: words, and one for each eight characters of a long one."""
    return sum(1 + len(word) // 8 for word in text.split())


def source_of(text: str) -> Source:
    """A source with this text."""
    return Source(source_id="a.txt", title="A", text=text, sha256="0", media_type="text/plain")


def packed(
    text: str,
    *,
    max_tokens: int = 40,
    overlap: int = 1,
    count: Callable[[str], int] = words,
    fits: Callable[[str], bool] = lambda _text: True,
) -> tuple[SplitPassage, ...]:
    """Split with defaults."""
    return split(
        source_of(text),
        max_tokens=max_tokens,
        overlap_sentences=overlap,
        count_tokens=count,
        fits=fits,
    )


def uncovered(text: str, spans: list[Span]) -> str:
    """Non-blank characters of a text that are in no span."""
    covered = bytearray(len(text))
    for span in spans:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    return "".join(
        char for char, is_in in zip(text, covered, strict=True) if not is_in and not char.isspace()
    )


@settings(deadline=None)
@given(
    text=ANY_TEXT,
    max_tokens=st.integers(8, 60),
    overlap=st.integers(0, 3),
    limit=st.integers(8, 400),
)
def test_passages_keep_their_promises(text: str, max_tokens: int, overlap: int, limit: int) -> None:
    """For any text and limits: text identity, cover, both limits, sentences inside, order, and the same again."""

    def fits(passage: str) -> bool:
        return len(passage) <= limit

    made = packed(text, max_tokens=max_tokens, overlap=overlap, fits=fits)

    assert made == packed(text, max_tokens=max_tokens, overlap=overlap, fits=fits)
    assert uncovered(text, [Span(start=p.passage.start, end=p.passage.end) for p in made]) == ""
    assert uncovered(text, [span for p in made for span in p.sentences]) == ""
    for split_passage in made:
        passage, sentences = split_passage.passage, split_passage.sentences
        assert text[passage.start : passage.end] == passage.text
        assert f"a.txt#{passage.start}-{passage.end}" == passage.passage_id
        assert words(passage.text) == passage.n_tokens <= max_tokens
        assert fits(passage.text)
        assert (passage.start, passage.end) == (sentences[0].start, sentences[-1].end)
        assert all(a.end <= b.start for a, b in itertools.pairwise(sentences))
    ends = [p.passage.end for p in made]
    assert sorted(set(ends)) == ends
    assert len({p.passage.passage_id for p in made}) == len(made)


@settings(max_examples=25, deadline=None)
@given(text=ANY_TEXT)
def test_the_budget_holds_for_real_tokens(text: str) -> None:
    """With tiktoken's counts, which do not add up exactly, no passage exceeds the budget."""
    counter = TokenCounter()
    made = packed(text, max_tokens=32, count=counter.count)

    assert all(p.passage.n_tokens <= 32 for p in made)


def prose(n_sentences: int, *, n_words: int = 9) -> str:
    """Sentences of ten words each, all different."""
    return " ".join(f"Sentence {k} {'word ' * (n_words - 1)}ends." for k in range(n_sentences))


def test_passages_overlap_by_whole_sentences() -> None:
    """Each passage begins with the last sentence of the one before."""
    made = packed(prose(20), max_tokens=50, overlap=1)

    assert len(made) > 3
    for before, after in itertools.pairwise(made):
        assert before.sentences[-1] == after.sentences[0]
        assert after.sentences[1].start > before.passage.end


def test_no_overlap_when_none_is_wanted() -> None:
    """With no overlap every sentence is in one passage."""
    made = packed(prose(20), max_tokens=50, overlap=0)

    assert list(units_of(source_of(prose(20)))) == [unit for p in made for unit in p.sentences]


def test_overlap_gives_way_where_it_does_not_fit() -> None:
    """An overlap that would take too much room is dropped, not the new sentence."""
    made = packed(prose(4, n_words=30), max_tokens=45, overlap=1)

    assert [len(p.sentences) for p in made] == [1, 1, 1, 1]


def test_overlap_gives_way_to_a_sentence_that_needs_the_room() -> None:
    """A sentence that fits alone, but not beside the overlap, stays whole."""
    text = " ".join([prose(2, n_words=8), prose(1, n_words=25)] * 4)

    made = packed(text, max_tokens=33, overlap=1)

    assert set(units_of(source_of(text))) == {unit for p in made for unit in p.sentences}


def test_the_joined_text_is_counted() -> None:
    """Where a joined text has more tokens than its sentences have alone, the budget holds nevertheless."""

    def count(text: str) -> int:
        return words(text) + 5 * text.count(". ")

    made = packed(prose(12), max_tokens=40, overlap=0, count=count)

    assert all(p.passage.n_tokens <= 40 for p in made)


def test_a_passage_ends_with_its_paragraph_when_nearly_full() -> None:
    """The next paragraph is not begun for one more sentence."""
    first, second = prose(4), prose(6)

    made = packed(f"{first}\n\n{second}", max_tokens=60, overlap=0)

    assert first == made[0].passage.text


def test_a_heading_begins_a_passage() -> None:
    """A heading stands with what follows it, without overlap from the section before."""
    text = f"First part\n\n{prose(4)}\n\nSecond part\n\n{prose(4)}"

    made = packed(text, max_tokens=60, overlap=1)

    assert [p.passage.text.split("\n")[0] for p in made] == ["First part", "Second part"]


def test_a_short_rest_is_not_left_alone() -> None:
    """What would be a passage of a few words takes sentences from the one before."""
    made = packed(f"{prose(10)} The end.", max_tokens=60, overlap=0)

    assert [5, 4, 2] == [len(p.sentences) for p in made]


def test_a_sentence_above_the_budget_is_cut_at_clauses() -> None:
    """An endless sentence is cut behind commas, not inside words."""
    clause = "and then the clerk wrote another line into the book of the town"
    text = ", ".join([clause] * 30) + "."

    made = packed(text, max_tokens=33, overlap=0)

    assert all(p.passage.text.endswith((",", ".")) for p in made)
    assert all(p.passage.text.startswith("and then") for p in made)


def test_what_the_encoder_does_not_take_is_split_further() -> None:
    """`fits` decides, even where the token budget would allow more."""
    made = packed("x" * 5000 + " " + prose(20), max_tokens=2000, fits=lambda text: len(text) <= 100)

    assert all(len(p.passage.text) <= 100 for p in made)


def test_an_encoder_that_takes_nothing_ends_with_single_characters() -> None:
    """Splitting ends even when nothing ever fits."""
    made = packed("Never fits.", fits=lambda _text: False)

    assert list("Neverfits.") == [p.passage.text for p in made]


@pytest.mark.parametrize("unit", ["a", "a ", "a. ", "“", ".", "あ", "a,", "😀", "J. ", "\n", "(“ "])
def test_time_grows_with_length_not_its_square(unit: str) -> None:
    """100,000 characters of anything, on one line, take seconds at most: ten times more would take ten times longer."""
    text = "b" + (unit * 100_000)[:100_000]
    counter = TokenCounter()
    counter.count("load")

    start = time.process_time()
    packed(text, max_tokens=160, count=counter.count)

    assert time.process_time() - start < 6


@pytest.mark.parametrize(("max_tokens", "overlap"), [(0, 1), (-5, 0), (100, -1)])
def test_impossible_limits_are_refused(max_tokens: int, overlap: int) -> None:
    """A budget below 1 or a negative overlap is a SettingsError with what was given."""
    with pytest.raises(SettingsError, match=f"{max_tokens} and {overlap}"):
        packed("text", max_tokens=max_tokens, overlap=overlap)


@pytest.mark.parametrize(
    "text",
    [
        "." * 5_000,
        "- " * 2_500,
        "\u0301\u0302" * 2_500,
        "(" * 5_000,
        "…\n" * 2_500,
        "\U0001f600" * 5_000,
    ],
    ids=["dots", "dashes", "marks", "parentheses", "lines of dots", "pictures"],
)
def test_a_long_row_of_signs_is_left_out(text: str) -> None:
    """What holds no letter or digit for 200 characters makes no passage; the text around it is whole."""
    around = (
        f"The first sentence stands before it.\n\n{text}\n\nThe last one, after it, ends so ..."
    )

    made = packed(around, count=TokenCounter().count, max_tokens=160)

    assert () == packed(text, count=TokenCounter().count, max_tokens=160)
    assert [
        "The first sentence stands before it.",
        "The last one, after it, ends so ...",
    ] == [around[span.start : span.end] for one in made for span in one.sentences]


def test_a_letter_under_a_heap_of_marks_costs_no_more_than_others() -> None:
    """Marks that belong to no character are not cut one by one."""
    counted = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    packed("Z" + "\u0301" * 50_000, count=count, max_tokens=160)

    assert 1_000 > len(counted)


def test_a_row_of_dots_is_not_shown_to_the_encoder_whole() -> None:
    """A passage has at most twelve characters a token, however many dots a token holds."""
    shown = []

    def fits(text: str) -> bool:
        shown.append(len(text))
        return len(text) <= 250

    packed(("a" + "." * 150 + "\n") * 100, count=TokenCounter().count, max_tokens=160, fits=fits)

    assert 12 * 160 >= max(shown)


def test_splitting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that takes too long, or makes too many passages, is refused with what to do."""
    text = "A sentence of words. " * 500
    monkeypatch.setattr("rag.passages.packing.MAX_PASSAGES", 5)
    with pytest.raises(SourceError, match=r"'a\.txt' .* more than 5 passages; split") as many:
        packed(text)
    monkeypatch.setattr("rag.passages.packing.SECONDS", 0.0)
    monkeypatch.setattr("rag.passages.packing.SECONDS_PER_MILLION", 0.0)
    with pytest.raises(SourceError, match="takes more than 0 s to split") as slow:
        packed(text)

    assert ["too_costly"] * 2 == [one.value.reason for one in (many, slow)]


def test_a_long_row_is_cut_behind_a_cell() -> None:
    """No part of a wide row has a name without its value, and each but the first knows the row's key."""
    outline = Outline()
    text = "; ".join(f"column{at}: value {at}" for at in range(40)) + "."
    row = outline.add("row", 0, len(text))
    at = 0
    for pair in text.removesuffix(".").split("; "):
        name, value = pair.split(": ")
        begin = at + len(name) + 2
        outline.add("cell", begin, begin + len(value), parent=row)
        at = begin + len(value) + 2
    source = Source(
        source_id="a.csv",
        title="",
        text=text,
        sha256="",
        media_type="text/csv",
        blocks=outline.blocks(),
    )

    pieces = [*find_pieces(source, 30, lambda words: len(words.split()))]

    assert len(pieces) > 1
    assert [] == [one for one in pieces if not text[one.start : one.end].rstrip(";.")[-1].isdigit()]
    assert [] == [one for one in pieces[1:] if "column0: value 0" not in one.unit.path[-1].text]
