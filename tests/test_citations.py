"""What `compose`, `ground` and `quote` promise for any text and any evidence."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citations import (
    CitablePassage,
    Draft,
    compose,
    ground,
    lexical_support,
    quote,
    verdict,
)
from rag.language.sentences import split_sentences
from rag.schema import Cell, Context, Place, Span, Unit

MARKER = re.compile(r"\[(\d+)\]")


def passage(source_id: str, *sentences: str, start: int = 0, pages: tuple[int, ...] = ()):
    """A passage of these sentences, one space between them, that begins at `start` of its source."""
    text, spans, at = " ".join(sentences), [], start
    for sentence in sentences:
        spans.append(Span(start=at, end=at + len(sentence)))
        at += len(sentence) + 1
    return CitablePassage(
        source_id=source_id,
        title=source_id.title(),
        sha256="ab" * 32,
        pages=pages,
        start=start,
        text=text,
        sentences=tuple(spans),
    )


VISIT = passage(
    "visit.txt",
    "Sergei Shoigu arrived in Pyongyang on March 21.",
    "He met Kim Jong Un for two hours.",
)
TREATY = passage(
    "treaty.txt",
    "The two countries signed a defense treaty in 2024.",
    "The treaty includes mutual defense.",
    start=100,
    pages=(0, 40, 150),
)
EVIDENCE = (VISIT, TREATY)


def holds(draft: Draft, passages: tuple[CitablePassage, ...]) -> None:
    """Assert everything that is true of every draft."""
    assert tuple(range(1, len(draft.citations) + 1)) == tuple(c.marker for c in draft.citations)
    printed = [int(number) for number in MARKER.findall(draft.text)]
    assert all(1 <= number <= len(draft.citations) for number in printed)
    assert list(dict.fromkeys(printed)) == [c.marker for c in draft.citations]
    for citation in draft.citations:
        assert any(
            one.source_id == citation.source_id
            and one.start <= citation.start
            and citation.quote == one.text[citation.start - one.start : citation.end - one.start]
            for one in passages
        )
    at = 0
    for statement in draft.statements:
        assert at <= statement.start < statement.end <= len(draft.text)
        at = statement.end
        said = draft.text[statement.start : statement.end]
        assert statement.markers == tuple(int(number) for number in MARKER.findall(said))
        assert said == said.strip()
        assert (
            statement.markers
            or statement.verdict in {"unsupported", "unchecked"}
            or statement.kind == "absent"
        )
        assert 0.0 <= statement.support <= 1.0
    assert MARKER.findall(draft.text) == [
        str(number) for statement in draft.statements for number in statement.markers
    ]


class TestQuote:
    def test_words_are_read_back_from_the_source(self):
        """A quote is the source's text at its span, whatever offset the passage begins at."""
        citation = quote(TREATY, TREATY.sentences[1], 7)
        assert citation.quote == "The treaty includes mutual defense."
        assert (citation.start, citation.end, citation.marker) == (151, 186, 7)
        assert (citation.source_id, citation.sha256) == ("treaty.txt", "ab" * 32)

    @pytest.mark.parametrize(("index", "page"), [(0, 2), (1, 3)])
    def test_page_is_the_one_where_the_quote_begins(self, index, page):
        """Pages count from 1, and a quote is on the page where it begins."""
        assert quote(TREATY, TREATY.sentences[index], 1).page == page

    def test_source_without_pages_has_none(self):
        """A source that has no pages gives none."""
        assert quote(VISIT, VISIT.sentences[0], 1).page is None

    @pytest.mark.parametrize(("end", "place"), [(150, ""), (160, "slide 2")])
    def test_place_is_the_one_where_the_quote_begins(self, end, place):
        """A quote stands in the place that holds its first character, or in none."""
        places = (
            Place(start=0, end=100, name="slide 1"),
            Place(start=110, end=end, name="slide 2"),
        )
        assert place == quote(replace(TREATY, places=places), TREATY.sentences[1], 1).place

    @pytest.mark.parametrize("span", [(99, 110), (150, 187), (120, 120), (130, 120)])
    def test_span_outside_the_passage_is_refused(self, span):
        """What is not in the passage cannot be quoted."""
        with pytest.raises(ValueError, match="offsets of the source"):
            quote(TREATY, Span(start=span[0], end=span[1]), 1)


class TestCompose:
    def test_each_pick_is_a_sentence_with_its_marker(self):
        """The answer says the picked sentences word for word, in order, each with a marker."""
        draft = compose([(TREATY, TREATY.sentences[1]), (VISIT, VISIT.sentences[0])])
        assert draft.text == (
            "The treaty includes mutual defense. [1] Sergei Shoigu arrived in Pyongyang on March 21. [2]"
        )
        assert [(s.verdict, s.support) for s in draft.statements] == [("supported", 1.0)] * 2
        holds(draft, EVIDENCE)

    def test_list_has_a_line_a_pick(self):
        """As a list, each sentence stands behind a dash on a line of its own."""
        draft = compose([(VISIT, VISIT.sentences[0]), (VISIT, VISIT.sentences[1])], as_list=True)
        assert draft.text == (
            "- Sergei Shoigu arrived in Pyongyang on March 21. [1]\n- He met Kim Jong Un for two hours. [2]"
        )
        holds(draft, EVIDENCE)

    def test_items_stand_on_lines_of_their_own(self):
        """A dash is not quoted; a number is; what follows a list is a paragraph of its own."""
        text = "It has:\n- one part\n- two. And more.\n1. A number.\n\nrow | cell\n\nThe end."
        one = replace(passage("a.txt", text), sentences=split_sentences(text))
        draft = compose([(one, span) for span in one.sentences])
        assert draft.text == (
            "It has: [1]\n- one part [2]\n- two. [3] And more. [4]\n1. A number. [5]\n- row | cell [6]"
            "\n\nThe end. [7]"
        )
        assert "one part" == draft.citations[1].quote
        holds(draft, (one,))

    def test_same_words_are_said_once(self):
        """A span picked twice, or from two passages that share it, is said once."""
        again = replace(VISIT, title="Other")
        draft = compose([(VISIT, VISIT.sentences[0]), (again, again.sentences[0])])
        assert draft.text == "Sergei Shoigu arrived in Pyongyang on March 21. [1]"

    def test_span_inside_another_is_said_with_it(self):
        """A part of another pick is not said apart."""
        whole = Span(start=0, end=len(VISIT.text))
        draft = compose([(VISIT, VISIT.sentences[1]), (VISIT, whole)])
        assert draft.text == f"{VISIT.text} [1]"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("Smith [3] disagrees.", "Smith (3) disagrees."),
            ("Smith 【3】 disagrees.", "Smith (3) disagrees."),
            ("Smith [^1] disagrees [1, 2].", "Smith (1) disagrees (1, 2)."),
            ("He\n left \t at once.", "He left at once."),
            ("See ![x](http://evil.example/?q).", "See ! [x] (http://evil.example/?q)."),
            ("Run <script>x</script>.", "Run < script>x< /script>."),
            ("A\u200b [\u202e2] b\x1b[31m.", "A (2) b[31m."),
        ],
    )
    def test_nothing_in_a_quote_is_alive_in_the_text(self, words, said):
        """What looks like a marker, link or HTML in a source is harmless in the text, exact in the quote."""
        one = passage("a.txt", words)
        draft = compose([(one, one.sentences[0])])
        assert (draft.text, draft.citations[0].quote) == (f"{said} [1]", words)

    def test_no_picks_make_an_empty_draft(self):
        """Nothing picked, nothing said."""
        assert compose([]) == Draft(text="", statements=(), citations=(), steps=())


class TestGround:
    def test_supported_sentences_keep_their_order_and_get_markers_by_appearance(self):
        """Markers count from 1 in the order in which they are read, whatever the model numbered."""
        draft = ground(
            "The treaty includes mutual defense [2]. Shoigu arrived in Pyongyang on March 21 [1].",
            EVIDENCE,
            lexical_support,
        )
        assert draft.text == (
            "The treaty includes mutual defense. [1] Shoigu arrived in Pyongyang on March 21. [2]"
        )
        assert [c.source_id for c in draft.citations] == ["treaty.txt", "visit.txt"]

    def test_citation_is_narrowed_to_the_sentence(self):
        """The quote is the sentence that supports, not the whole passage."""
        draft = ground("The treaty includes mutual defense [2].", EVIDENCE, lexical_support)
        assert [c.quote for c in draft.citations] == ["The treaty includes mutual defense."]

    def test_neighbours_that_support_together_are_one_quote(self):
        """Two sentences in a row that are needed together make one citation over both."""
        draft = ground(
            "The two countries signed a defense treaty in 2024, and the treaty includes mutual defense [2].",
            EVIDENCE,
            lexical_support,
        )
        assert [c.quote for c in draft.citations] == [TREATY.text]
        assert draft.statements[0].verdict == "supported"

    def test_exchanged_passages_leave_supported(self):
        """The right marker on the wrong passage is never supported by that passage (the swap test)."""
        claims = ["Shoigu arrived in Pyongyang on March 21.", "The treaty includes mutual defense."]
        for claim, right, wrong in zip(claims, EVIDENCE, EVIDENCE[::-1], strict=True):
            text = f"{claim} [1]"
            assert ground(text, [right], lexical_support).statements[0].verdict == "supported"
            assert ground(text, [wrong], lexical_support).statements[0].verdict == "unsupported"
            assert verdict(claim, [wrong.text], lexical_support)[0] == "unsupported"

    def test_exchanged_markers_are_mended_and_told(self):
        """Where the right words are among the evidence, a wrong marker is moved to them, as a step says."""
        draft = ground("The treaty includes mutual defense [1].", EVIDENCE, lexical_support)
        assert [c.source_id for c in draft.citations] == ["treaty.txt"]
        assert [step.code for step in draft.steps] == ["repointed"]

    def test_reader_decides_where_the_rules_do_not_object(self):
        """The support passed in moves the verdict between weak and supported, never past a changed number."""

        def sure(_claim, sentences):
            return [1.0] * len(sentences)

        free = ground("Both nations pledged to help each other [2].", EVIDENCE, sure)
        changed = ground("The treaty was signed in 2023 [2].", EVIDENCE, sure)
        assert free.statements[0].verdict == "supported"
        assert changed.statements[0].verdict == "unsupported"

    def test_support_is_asked_for_each_sentence_once_where_passages_overlap(self):
        """Passages that share a sentence share its citation."""
        overlap = CitablePassage(
            source_id="visit.txt",
            title="Visit",
            sha256="ab" * 32,
            pages=(),
            start=48,
            text=VISIT.text[48:],
            sentences=VISIT.sentences[1:],
        )
        draft = ground(
            "He met Kim Jong Un for two hours [1][2].", [VISIT, overlap], lexical_support
        )
        assert draft.statements[0].markers == (1,)

    def test_without_passages_nothing_is_supported(self):
        """With no evidence every sentence is unsupported and no marker stays."""
        draft = ground("Paris is in France [1]. Rome is in Italy.", [], lexical_support)
        assert [(s.verdict, s.markers) for s in draft.statements] == [("unsupported", ())] * 2
        assert MARKER.findall(draft.text) == []

    def test_passage_without_sentences_is_cited_whole(self):
        """A passage whose sentences are not known is one span."""
        bare = replace(VISIT, sentences=())
        draft = ground("Shoigu arrived in Pyongyang on March 21 [1].", [bare], lexical_support)
        assert draft.citations[0].quote == VISIT.text


@given(st.sampled_from([2, 21, 2024, 10, 1000, 9_999, 100_000]) | st.integers(0, 10**6))
def test_number_of_the_evidence_or_any_other_is_never_put_to_other_things(number):
    """A number that is not the one that was counted is never supported, wherever else it stands."""
    count = passage("count.txt", "Over 10,000 North Korean soldiers were sent to Russia.")
    text = f"Over {number:,} North Korean soldiers were sent to Russia. [1]"
    draft = ground(text, [count, *EVIDENCE], lexical_support)
    assert (draft.statements[0].verdict == "supported") == (number == 10_000)


PIECES = st.sampled_from(
    [
        "Shoigu arrived in Pyongyang on March 21", "The treaty includes mutual defense", "He met Kim",
        "10,000 soldiers", ". ", " ", "\n", "\n\n", "- ", "1. ", "[", "]", "[1]", "[2]", "[3]", "[0]", "[01]",
        "[[", "]]", "[9]", "1", "2", "【1】", "［2］", "[^1]", "[^1]: x", "(http://e.x)", "](", "![", "`", "```",
        "```\n", "**", "__", "<b>", "<", ">", "<img src=x>", "&#91;", "&#93;", "&amp;", "\\[", "\\]", "\u200b",
        "\u202e", "\x1b", "\ue000", "\U000f0000", "\U00100000", "¹", "³", ".³", "-", ",", "†", ":", "Sources:\n",
        "not ", "http://e.x", "www.e.x", "No. ", "Yes. ", "条约。", "\xa0", "\ud800", "\r", "~~~", "#", "|", "é",
    ]
)  # fmt: skip
OUTPUTS = st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join)
SENTENCES = st.lists(
    st.lists(PIECES | st.text(max_size=4), min_size=1, max_size=6)
    .map("".join)
    .filter(lambda text: text.strip()),
    min_size=1,
    max_size=3,
)
PASSAGES = st.lists(
    st.builds(
        lambda name, sentences, start: passage(name, *sentences, start=start),
        st.sampled_from(["a.txt", "b.txt"]),
        SENTENCES,
        st.integers(0, 5),
    ),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(OUTPUTS, PASSAGES)
def test_any_text_is_grounded_whole(text, passages):
    """For any text and any passages: markers resolve, quotes are exact, statements are in order."""
    draft = ground(text, passages, lexical_support)
    holds(draft, tuple(passages))
    assert draft == ground(text, passages, lexical_support)


@settings(max_examples=100, deadline=None)
@given(OUTPUTS, st.permutations([VISIT, TREATY]))
def test_grounding_an_answer_again_moves_no_marker(text, passages):
    """What was grounded stays as it is when its own citations are the evidence."""
    first = ground(text, passages, lexical_support)
    cited = [passage(c.source_id, c.quote, start=c.start) for c in first.citations]
    second = ground(first.text, cited, lexical_support)
    supported = [s for s in first.statements if s.verdict == "supported"]
    again = [s for s in second.statements if s.verdict == "supported"]
    assert len(supported) <= len(again)
    holds(second, tuple(cited))


@settings(max_examples=100, deadline=None)
@given(PASSAGES.filter(bool), st.data())
def test_any_picks_are_composed_whole(passages, data):
    """For any picks: markers resolve, quotes are exact, every sentence is supported."""
    picks = [
        (one, data.draw(st.sampled_from(one.sentences)))
        for one in data.draw(st.lists(st.sampled_from(passages), max_size=4))
    ]
    draft = compose(picks, as_list=data.draw(st.booleans()))
    holds(draft, tuple(passages))
    assert all(s.verdict == "supported" and s.support == 1.0 for s in draft.statements)


def test_a_quote_brings_what_its_unit_hangs_from():
    """Headings that it does not hold itself, and the names of a row's columns; nothing where nobody knows."""
    heading = Context(kind="heading", start=0, end=11, text="Not covered")
    inside = Context(kind="term", start=12, end=16, text="Frost")
    unit = Unit(start=12, end=30, kind="row", path=(heading, inside), cells=(
        Cell(start=12, end=16, name=""), Cell(start=19, end=30, name="Limit"),
    ))  # fmt: skip
    row = replace(passage("a.md", "Frost | 1,000 euros", start=12), sentences=(unit,))
    assert ["Not covered", "Limit"] == [
        one.text for one in quote(row, Span(start=12, end=30), 1).context
    ]
    assert ["Not covered", "Frost", "Limit"] == [
        one.text for one in quote(row, Span(start=20, end=30), 1).context
    ]
    bare = replace(row, sentences=(Span(start=12, end=30),))
    assert () == quote(bare, Span(start=12, end=30), 1).context
