"""What reading markers leaves of a model's text, whole or as it comes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citations import neutralise, neutralised
from rag.citations.markers import read_markers
from rag.citations.plain import LOOKALIKE

PIECES = st.sampled_from(
    [
        "[", "]", "[1]", "[2]", "[9]", "[0]", "[[", "]]", "1", "2", "9", "【", "】", "［1］", "(", ")", "](", "![",
        "]:", "`", "``", "```", "\n", " ", "**", "__", "*", "<", ">", "<b>", "</b>", "<!--", "-->", "<img src=x>",
        "&#91;", "&", "amp;", "#93;", "\\", "\u200b", "\u200d", "\u202e", "\ue000", "\U000f0000", "\U00100000",
        "¹", "²", ".", ",", "-", "–", "†", "^", ":", "Source ", "Sources:\n", "http://", "www.", "e.x", "a", "b ",
        "~~~", "mermaid", "\x1b[31m", "\r", "\u2028", "\ud800", "\xa0", "(passage 1)", "[2024]",
    ]
)  # fmt: skip
OUTPUTS = st.lists(PIECES | st.characters(), max_size=40).map("".join)
ALIVE = re.compile(
    r"\]\(|!\[|\]:|<[a-zA-Z/!?]|&#\d|&[a-z]+;|`{3}|~{3}|://\S|www\.\S|[\x00-\x08\x1b\u202e\u200b]"
)


def markers(text):
    """The digits of everything in a text that could be taken for a marker."""
    return [match[1] for match in LOOKALIKE.finditer(text)]


class TestReadMarkers:
    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("He left [1].", [("", "He left.", ((7, 1),))]),
            ("He left. [1][2]", [("", "He left.", ((8, 1), (8, 2)))]),
            ("He left[1]and", [("", "He left and", ((7, 1),))]),
            ("- **He** left [1]", [("- ", "He left", ((7, 1),))]),
            ("3) He left", [("3. ", "He left", ())]),
            ("# He left\n\n\n\nto go", [("# ", "He left", ()), ("", "", ()), ("", "to go", ())]),
            ("a [see [1]] b", [("", "a [see] b", ((6, 1),))]),
            ("a [1-2] b", [("", "a b", ((1, 1), (1, 2)))]),
        ],
    )
    def test_markers_are_taken_out_with_their_place(self, text, lines):
        """A line is its bullet, its plain text, and where each marker stood."""
        found = read_markers(text, 2).lines
        assert [(line.bullet, line.text, line.markers) for line in found] == lines

    @pytest.mark.parametrize(
        ("text", "detail"),
        [
            ("[3]", "Marker 3 names no passage and was dropped."),
            ("[0]", "Something like a marker names no passage and was dropped."),
            ("[1](http://e.x)", "A marker with a link names no passage and was dropped."),
            ("[[3]1]", "A marker inside a marker names no passage and was dropped."),
            ("`[1]`", "A marker in code names no passage and was dropped."),
            ("Yes.\n\nSources:\n[1] a.txt", "A list of sources written by the model was dropped."),
        ],
    )
    def test_what_was_dropped_is_told_without_the_marker(self, text, detail):
        """Each thing dropped is a sentence that does not itself hold the marker."""
        assert read_markers(text, 2).dropped == (detail,)

    def test_address_of_the_evidence_stays_whole(self):
        """A web address stays as it is if the evidence has it, and is broken if not."""
        text = "See http://good.example/a and http://evil.example/b."
        found = read_markers(text, 0, known="It is at http://good.example/a today.")
        assert found.lines[0].text == ("See http://good.example/a and http:// evil.example/b.")

    @settings(max_examples=300, deadline=None)
    @given(OUTPUTS, st.integers(0, 3))
    def test_nothing_like_a_marker_is_left(self, text, n_passages):
        """For any text, what remains has no marker, and every marker found names a passage."""
        for line in read_markers(text, n_passages).lines:
            assert markers(line.text) == []
            assert not ALIVE.search(line.text)
            assert all(1 <= number <= n_passages for _, number in line.markers)
            assert all(0 <= at <= len(line.text) for at, _ in line.markers)


class TestNeutralise:
    @pytest.mark.parametrize(
        ("text", "calm"),
        [
            ("He left [1]. She [9] too [2].", "He left [1]. She too [2]."),
            ("[[9]1] x", " x"),
            ("![a](http://e.x/?s) b", " b"),
            ("![a", "! [a"),
            ("<img src=http://e.x", "< img src=http:// e.x"),
            ("[a](javascript:alert(1))", "a"),
            ("```mermaid\ngraph", "graph"),
            ("a &lt;b&gt; c", "a  c"),
            ("x < 3 & y > 2", "x < 3 & y > 2"),
            ("Plain text, as it is.", "Plain text, as it is."),
        ],
    )
    def test_known_texts(self, text, calm):
        """What is alive is gone or broken, what is not stays."""
        assert neutralise(text, 2) == calm

    def test_without_passages_no_marker_stays(self):
        """By default no number names anything."""
        assert neutralise("He left [1][2].") == "He left."

    @settings(max_examples=500, deadline=None)
    @given(OUTPUTS, st.integers(0, 3))
    def test_any_text_becomes_harmless_for_good(self, text, n_passages):
        """For any text: nothing is alive, every marker resolves, and doing it again changes nothing."""
        calm = neutralise(text, n_passages)
        assert not ALIVE.search(calm)
        assert all(1 <= int(number) <= n_passages for number in markers(calm))
        assert neutralise(calm, n_passages) == calm

    @settings(max_examples=300, deadline=None)
    @given(st.lists(OUTPUTS, max_size=6), st.integers(0, 3))
    def test_any_stream_is_harmless_at_every_moment(self, deltas, n_passages):
        """However a text is cut up, what has been shown so far is harmless."""
        shown = ""
        for piece in neutralised(deltas, n_passages):
            shown += piece
            assert not ALIVE.search(shown)
            assert all(1 <= int(number) <= n_passages for number in markers(shown))

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("[129\n9 】", "[129\n9 )"),
            ("[\n3\r】", "[\n3\n)"),
            ("a] [1 2]", "a] [1 2)"),
            ("&#91; 1］", "[ 1)"),
            ("[<!--］-->[1]3\n]", "[3\n)"),
            ("w (passage1)ww.【", "w ww.【"),
            (":// [4]~", ":// ~"),
        ],
    )
    def test_pieces_make_nothing_alive_where_they_meet(self, text, shown):
        """What each piece alone is not, two of them are not either: a marker over two lines, an address."""
        assert shown == "".join(neutralised([text]))

    @pytest.mark.parametrize("size", [1, 3, 7])
    @pytest.mark.parametrize(
        "text",
        [
            "The sources do not say who, nor does what it\ncalls references and notes. [1]",
            "He names the references [1] : three of them.",
        ],
    )
    def test_words_inside_a_line_are_no_list_of_sources(self, text, size):
        """However it is cut into pieces, a sentence that speaks of sources keeps all its words."""
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert text == "".join(neutralised(pieces, 1))

    def test_stream_of_plain_words_flows(self):
        """Plain words come word by word, not at the end."""
        deltas = ["He ", "left ", "for ", "good [", "1", "]. ", "She ", "stayed."]
        pieces = list(neutralised(deltas, 1))
        assert "".join(pieces) == "He left for good [1]. She stayed."
        assert len(pieces) >= 6

    @pytest.mark.parametrize(
        "unit",
        ["[", "]", "[1]", "`", "<", "**", "&amp;", "![x](", "\\", "1,", '"a. ', "Kim ", "(1"],
    )
    def test_hostile_length_takes_linear_time(self, unit):
        """Twenty thousand characters of anything are read in well under two seconds."""
        assert len(neutralise(unit * (20_000 // len(unit)), 3)) <= 60_000
