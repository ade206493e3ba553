"""Sentences as people write them, whatever breaks their lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.language import sentences as rooms
from rag.language.sentences import split_claims, split_sentences
from rag.schema import Span

NEWS = """\
Pyongyang tests a missile

On March 21, North Korea announced the test-firing of a new system, with Dr. Ahn Chan-il positing a
pretext. The drill, which the U.S. Army led, was called a “rehearsal of war of aggression.”
This information was released shortly after 5 p.m. Monday by the KCNA. J. K. Lee (no relation) agreed.

What follows:
- exports to Russia
- more drills
Original Source: www.straitstimes.com"""


BITS = [
    *"Dr. Lee said “ ” ( ) etc. end. Why? - 1. | J. 。 日本 x; é 😀".split(),
    *("\n", "\n\n", " ", "\r\n", "\xa0", "\u2009", "\u2028", "\u0301", "\ud800", "a" * 90),
]
TEXT_WITH_STRUCTURE = st.lists(st.sampled_from(BITS), max_size=60).map(" ".join)
ANY_TEXT = st.one_of(st.text(), TEXT_WITH_STRUCTURE, st.text("ab. \n“”()", max_size=400))


def texts(text: str) -> list[str]:
    """The sentences of a text."""
    return [text[span.start : span.end] for span in split_sentences(text)]


def uncovered(text: str, spans: list[Span]) -> str:
    """Non-blank characters of a text that are in no span."""
    covered = bytearray(len(text))
    for span in spans:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    return "".join(
        char for char, is_in in zip(text, covered, strict=True) if not is_in and not char.isspace()
    )


def test_sentences_of_news_are_whole() -> None:
    """Abbreviations do not end a sentence, headings and list items do, and a wrapped line does not."""
    expected = [
        "Pyongyang tests a missile",
        "On March 21, North Korea announced the test-firing of a new system, with Dr. Ahn Chan-il positing a\npretext.",
        "The drill, which the U.S. Army led, was called a “rehearsal of war of aggression.”",
        "This information was released shortly after 5 p.m. Monday by the KCNA.",
        "J. K. Lee (no relation) agreed.",
        "What follows:",
        "- exports to Russia",
        "- more drills",
        "Original Source: www.straitstimes.com",
    ]

    assert expected == texts(NEWS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. he returned.", ["He left.", "he returned."]),
        (
            "1. First item here.\n2. Second item here.",
            ["1. First item here.", "2. Second item here."],
        ),
        ("Growth was 3.5 percent. See Fig. 3.", ["Growth was 3.5 percent.", "See Fig. 3."]),
        ("これは文です。次の文。", ["これは文です。", "次の文。"]),
        ("Is it so?! Yes...  no", ["Is it so?!", "Yes...  no"]),
        ("Name | Age\nAnn | 34", ["Name | Age", "Ann | 34"]),
        ("It was written by\nJ. K. Lee.", ["It was written by\nJ. K. Lee."]),
        ("It opened in May\n12. It was rebuilt.", ["It opened in May\n12.", "It was rebuilt."]),
        (
            "One line\nAnother Line\nA line of some length",
            ["One line", "Another Line", "A line of some length"],
        ),
        (
            "Present: Ann Lee (chair), Ben Oduya and Cleo Marr\nApologies: none\nFrom: noon",
            ["Present: Ann Lee (chair), Ben Oduya and Cleo Marr", "Apologies: none", "From: noon"],
        ),
        (
            "They said it as follows: it was the first, the last and\nthe only one: Bob.",
            ["They said it as follows: it was the first, the last and\nthe only one: Bob."],
        ),
        ("He met J.\xa0Lee there. Then left.", ["He met J.\xa0Lee there.", "Then left."]),
        ("As Lee et al. The authors say.", ["As Lee et al. The authors say."]),
        ("   ", []),
        ("", []),
    ],
)
def test_sentences_by_example(text: str, expected: list[str]) -> None:
    """Each text has the sentences a reader would see in it."""
    assert expected == texts(text)


@pytest.mark.parametrize(
    "text",
    [
        "The desk opens at 9 a.m. Monday to Friday.",
        "It was 4 a.m. EST when he left, 5 p.m. Sundays.",
        "Add approx. 3 kg of sand. ",
        "It costs approx. EUR 30 a month.",
        "See Fig. 3 and Figs. 4 and 5.",
        "Call extension No. 5, Apt. 4, Ext. B, tel. 030 1234.",
        "See vol. 3, ch. 4, para. 2, sect. 4.2 and Tab. 2.",
        "The app. A and Annex B apply.",
        "Dr. Smith, Mr. and Mrs. Lee and Prof. Ode came.",
        "Use a tool, e.g. this one, or i.e. Excel.",
        "Acme Inc. was founded by Jones Bros. Ltd. in 1999.",
        "The max. load is 30 kg, the min. age 18, max. 65.",
        "Weigh 3 lbs. of flour and 2 oz. of salt.",
        "The 1st ed. was printed in 1900.",
        "Open Mon. to Fri. from 9 a.m. to 5 p.m.",
        "Open Mon.-Fri. 9-5.",
        "Attn. John Smith.",
        "Govt. rules apply; the mfr. Bosch made it.",
        "Das kostet ca. 30 Euro bzw. 40 Franken, siehe Abs. 3 und Nr. 5.",
        "Am 5. Mai kam er nicht mehr zu uns.",
        "M. Dupont et Mme. Lee sont là.",
        "Véase la pág. 5 y el art. 3.",
    ],
)
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    """Where what follows shows that the sentence goes on, it does: a number, a day, a small letter, or anything."""
    assert [text.strip()] == texts(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("He left at 5 p.m.", "The shop was closed."),
        ("Open from 9 a.m. to 5 p.m.", "Closed on Mondays."),
        ("He lives in the U.S.", "He works there."),
        ("We sell apples, pears etc.", "They are fresh."),
        ("It was made by Acme Inc.", "It broke."),
        ("The answer is no.", "Five people agreed."),
        ("This is the max.", "The min is 3."),
        ("It takes 5 min.", "Then press start."),
        ("Look at the fig.", "It is ripe."),
        ("Sit in the sun.", "It is warm."),
        ("He came on Sat.", "She came on Sun."),
        ("Er kam um 9 Uhr.", "Danach ging er."),
    ],
)
def test_an_abbreviation_may_end_a_sentence(first: str, second: str) -> None:
    """Where a new sentence plainly begins, an abbreviation is the end of the one before."""
    assert [first, second] == texts(f"{first} {second}")


def test_a_long_line_is_a_paragraph() -> None:
    """Where each paragraph is one long line, as in articles saved as text, every line break ends a sentence."""
    lines = [
        "word " * 60 + "and no full stop",
        "Word " * 50 + "at the end",
        "Source: www.example.org",
    ]

    assert lines == texts("\n".join(lines))


def test_a_long_quote_is_opened() -> None:
    """Sentences inside a short quote stay together, those inside a long one are sentences of their own."""
    inside = "We came to this town in May. It rained for a week. Nobody met us at the gate. "
    short, long = f"“{inside.strip()}”", f"“{(inside * 5).strip()}” Then she left."

    assert [short, "Then she left."] == texts(f"{short} Then she left.")
    assert texts(long)[:3] == [
        "“We came to this town in May.",
        "It rained for a week.",
        "Nobody met us at the gate.",
    ]
    assert texts(long)[-2:] == ["Nobody met us at the gate.”", "Then she left."]


@settings(deadline=None)
@given(text=ANY_TEXT)
@example(text="A.\xa0B. J.\u2009K.\u2028L")
@example(text="“\ud800”")
def test_sentences_hold_every_character_once(text: str) -> None:
    """For any text at all, sentences are trimmed, ascending and disjoint, and hold all that is not blank."""
    spans = list(split_sentences(text))

    assert uncovered(text, spans) == ""
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))
    assert all(span.start < span.end for span in spans)
    assert all(text[s.start : s.end] == text[s.start : s.end].strip() for s in spans)


def test_a_panic_in_rust_does_not_stop_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should sentencex panic (a BaseException), sentences are cut at full stops instead."""
    panic = type("PanicException", (BaseException,), {})

    def panics(_language: str, _text: str) -> list[str]:
        raise panic

    monkeypatch.setattr("sentencex.segment", panics)

    assert texts("One here. Two there! Three") == ["One here.", "Two there!", "Three"]


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a panic is survived: Ctrl-C ends the work."""

    def interrupted(_language: str, _text: str) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("sentencex.segment", interrupted)

    with pytest.raises(KeyboardInterrupt):
        split_sentences("One here.")


def test_windows_do_not_cut_sentences() -> None:
    """A paragraph longer than sentencex is given at once has the same sentences as its sentences have alone."""
    text = " ".join(["The cat sat on the mat near the door."] * 200)

    assert len(text) > 3 * rooms._WINDOW
    assert len(texts(text)) == 200


class TestClaims:
    @pytest.mark.parametrize(
        ("line", "sentences"),
        [
            (
                "Dr. Ahn left. He went to the U.S. Army.",
                ["Dr. Ahn left.", "He went to the U.S. Army."],
            ),
            ("Yes. He left. No.", ["Yes. He left.", "No."]),
            ("  He left.  ", ["He left."]),
            ("条约签了。他走了。", ["条约签了。", "他走了。"]),
            ("J.\xa0K. left", ["J.\xa0K. left"]),
            ("", []),
        ],
    )
    def test_sentences_of_a_line(self, line, sentences):
        """Abbreviations end nothing, and a bare yes or no belongs to what follows."""
        assert sentences == [line[span.start : span.end] for span in split_claims(line)]

    def test_a_long_line_is_cut_between_its_sentences(self):
        """However long a line, no sentence that is shorter than half a window comes in two."""
        sentences = [f"The tower of place {number} is tall." for number in range(200)]
        line = " ".join(sentences)
        assert sentences == [line[span.start : span.end] for span in split_claims(line)]

    @given(st.text(max_size=200) | st.text(alphabet='aB. "“?\xa0\u2028', max_size=3000))
    def test_any_line_is_split_without_loss(self, line):
        """Spans are in order, and everything outside them is white space."""
        at = 0
        for span in split_claims(line):
            assert not line[at : span.start].strip()
            assert span.start < span.end
            at = span.end
        assert not line[at:].strip()
