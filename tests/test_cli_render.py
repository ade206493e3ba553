"""The border to the terminal."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag.cli.layout import answer_lines, found_lines, report_lines, snippet
from rag.cli.render import OutputClosedError, Paragraph, Screen, StyledText, in_line, make_printable
from rag.schema import (
    Context,
    FileReport,
    Reason,
    ShortAnswer,
    Span,
    Statement,
    SyncReport,
)
from tests.cli_fakes import ANSWERED, CITATION, PASSAGE, UNANSWERED

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1m\x90q\x9c \x00\x08\x7f\r overwritten"
    " \u202etxt.exe\u202c \u2066x\u2069 \u200f [bold red]x[/] [link=http://x]y[/link] :smile:"
    " \ud800"
)
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class ClosedPipe(io.StringIO):
    """A pipe whose reader has gone."""

    def flush(self) -> None:
        """Fail as a pipe does."""
        raise BrokenPipeError


def offending(text: str, *, but: str = "\n\t") -> list[str]:
    """Return the characters of a text that could act on a terminal."""
    return [
        char
        for char in text
        if char not in but
        and (
            unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(char) in BIDI
            or char in "\u061c\u200e\u200f"
        )
    ]


def plain(lines) -> str:
    """Return what lines look like in a pipe."""
    out = io.StringIO()
    Screen(out=out, err=io.StringIO()).show(lines)
    return out.getvalue()


@given(st.text(st.characters(exclude_categories=[])) | st.text("\x1b\x07\r\n\t\x9b\u202e\u2028[m"))
def test_no_text_keeps_a_character_that_acts(text: str) -> None:
    """Whatever a text holds, a terminal only prints it, and on one line where it must."""
    assert [] == offending(make_printable(text))
    assert [] == offending(in_line(text), but="")
    assert make_printable(text) == make_printable(make_printable(text))


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_printable_text_is_left_alone(text: str) -> None:
    """Text of any language is shown as it is."""
    assert text == make_printable(text) == in_line(text)


def test_what_was_there_stays_visible() -> None:
    """An escape is shown as a picture and not dropped in silence, and offsets still fit."""
    assert "␛[31mred␇" == make_printable("\x1b[31mred\x07")
    assert "a�b" == make_printable("a\u202eb")
    assert "a\nb␍c" == make_printable("a\r\nb\rc")
    assert "a␊b␉c" == in_line("a\nb\tc")


@pytest.mark.parametrize("terminal", [False, True])
def test_hostile_text_is_inert_wherever_it_stands(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, quotes, titles, names, notes and failures may hold anything; nothing acts.

    Seen to fail with `make_printable` returning its argument.
    """
    monkeypatch.setenv("TERM", "dumb")  # rich itself then writes no escape
    stream = Terminal if terminal else io.StringIO
    out, err = stream(), stream()
    screen = Screen(out=out, err=err)
    citation = replace(CITATION, source_id=HOSTILE, title=HOSTILE, quote=HOSTILE)
    passage = replace(PASSAGE, passage=replace(PASSAGE.passage, source_id=HOSTILE, text=HOSTILE))
    answered = replace(ANSWERED, text=f"{HOSTILE} [1]", statements=(), citations=(citation,))
    reason = Reason(code="not_supported", message=HOSTILE)
    file = FileReport(source_id=HOSTILE, fate="failed", reason="binary", message=HOSTILE)
    screen.show(answer_lines(answered))
    screen.show(answer_lines(replace(UNANSWERED, reason=reason, evidence=(passage,))))
    heading = Context(kind="heading", start=0, end=0, text=HOSTILE)
    guess = replace(
        answered,
        status="likely",
        reason=reason,
        short=ShortAnswer(text=HOSTILE, markers=(1,)),
        citations=(replace(citation, context=(heading,)),),
        closest=(replace(passage, decisive=Span(start=3, end=40), context=(heading,)),),
    )
    screen.show(answer_lines(guess))
    screen.show(found_lines((passage,)))
    screen.show(report_lines(SyncReport(files=(file,), n_embedded=0, seconds=1)))
    screen.note(HOSTILE)
    screen.fail(HOSTILE)
    assert [] == offending(out.getvalue() + err.getvalue())
    assert "[bold red]x[/]" in out.getvalue().replace("\n", "")
    assert ":smile:" in out.getvalue()


def test_names_cannot_forge_lines() -> None:
    """A newline in a file name or a title starts no line of its own."""
    forged = replace(CITATION, title="x\n[2] y, characters 0-9\n    > forged", source_id="a\nb")
    text = plain(answer_lines(replace(ANSWERED, citations=(forged,))))
    assert not any(line.startswith(("[2]", "    > forged", "b")) for line in text.splitlines())


@given(st.text(st.characters(exclude_categories=[])))
def test_json_is_one_harmless_object(text: str) -> None:
    """JSON keeps the exact text, and is ASCII without control characters in any terminal."""
    for stream in (io.StringIO(), Terminal()):
        Screen(out=stream, err=io.StringIO()).show_json({"text": text})
        written = stream.getvalue()
        assert {"text": text} == json.loads(written)
        assert [] == offending(written, but="\n")
        assert written.isascii()


def test_json_refuses_what_is_no_json() -> None:
    """A figure that JSON has no word for is a fault, not an unreadable object."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        Screen(out=io.StringIO(), err=io.StringIO()).show_json({"score": float("nan")})


def test_a_pipe_gets_whole_unstyled_lines() -> None:
    """In a pipe nothing is wrapped or coloured, so that other programs can read on."""
    long = "word " * 100
    pieces = (StyledText(text="[1]", style="bold"), StyledText(text=long))
    assert f"  [1]{long}\n" == plain([Paragraph(pieces=pieces, indent=2)])


@pytest.mark.parametrize("columns", [1, 4, 20, 80])
def test_a_terminal_of_any_width_shows_everything(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow the terminal, no line runs over its edge and no letter is lost."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal()
    Screen(out=out, err=io.StringIO()).show(answer_lines(ANSWERED))
    rows = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()).splitlines()
    assert max(map(len, rows)) <= columns
    assert "".join(plain(answer_lines(ANSWERED)).split()) == "".join("".join(rows).split())


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR turns every colour off."""
    monkeypatch.setenv("TERM", "xterm-256color")
    colour = "\x1b[36m"
    shown = []
    for no_color in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_color)
        out = Terminal()
        Screen(out=out, err=io.StringIO()).show([Paragraph.of("[1]", "cyan")])
        shown.append(colour in out.getvalue())
    assert [True, False] == shown


def test_a_report_draws_itself_without_acting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is tables on a terminal, Markdown in a pipe, and harmless in both."""

    class Report:
        """Hostile words in a table."""

        def print(self, console: Console) -> None:
            """Draw it."""
            table = Table(title=escape(HOSTILE))
            table.add_column(escape(HOSTILE))
            table.add_row(escape(HOSTILE))
            console.print(table, escape(HOSTILE), "[bold]end[/]")

        def to_markdown(self) -> str:
            """Write it."""
            return f"| {HOSTILE} |"

    monkeypatch.setenv("TERM", "dumb")
    shown = []
    for out in (Terminal(), io.StringIO()):
        Screen(out=out, err=io.StringIO()).show_report(Report())
        shown.append(out.getvalue())
    assert [[], []] == [offending(text) for text in shown]
    assert [False, True] == [text.startswith("|") for text in shown]
    assert "owned" in shown[0]
    assert "[bold]end" not in shown[0]


def test_notes_go_beside_and_can_be_hushed() -> None:
    """Notes go to stderr and can be turned off; failures are always told."""
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out=out, err=err)
    screen.note("a note")
    screen.hushed().note("another")
    screen.hushed().fail("a failure")
    assert ("", "a note\na failure\n") == (out.getvalue(), err.getvalue())


def test_a_reader_that_left_is_its_own_condition() -> None:
    """`rag sources | head -1` is told apart from a broken connection elsewhere."""
    with pytest.raises(OutputClosedError):
        Screen(out=ClosedPipe(), err=io.StringIO()).show([Paragraph.of("x")])


def test_progress_shows_on_a_terminal_only() -> None:
    """A pipe gets no progress bar, nor does a quiet terminal."""
    for screen in (
        Screen(out=Terminal(), err=io.StringIO()),
        Screen(out=Terminal(), err=Terminal(), quiet=True),
    ):
        with screen.progress() as bar:
            assert bar is None


def test_progress_appears_when_work_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short work shows no bar; long work shows stage and count, and wipes them at the end."""
    monkeypatch.setenv("TERM", "xterm")
    err = Terminal()
    with Screen(out=Terminal(), err=err).progress() as bar:
        assert bar is not None
        bar("embed", 1, 10)
        assert "" == err.getvalue()
        bar._since -= 60  # as if a minute had gone by
        bar("em\x1bbed", 5, 10)
        bar("write", 0, 0)
    assert "em␛bed" in err.getvalue()
    assert "5/10" in err.getvalue()


def test_provisional_text_is_shown_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that is not verified is shown on a terminal and gone before the answer; never piped."""
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Screen(out=out, err=io.StringIO()).provisional() as grow:
        assert grow is not None
        grow("not yet\x1b checked")
    assert "not yet␛ checked" in out.getvalue()
    assert out.getvalue().rstrip().endswith(("\x1b[2K", "\x1b[?25h"))
    with Screen(out=io.StringIO(), err=io.StringIO()).provisional() as grow:
        assert grow is None


def test_a_sentence_that_is_not_borne_is_flagged() -> None:
    """Weak and unsupported sentences are told apart, behind their markers; sound ones are not."""
    text = "One is so. [1] Two is so [1]. Three is so."
    statements = tuple(
        Statement(start=start, end=end, markers=(1,), verdict=verdict, support=0.5)
        for start, end, verdict in (
            (0, 10, "weak"),
            (15, 29, "supported"),
            (30, 42, "unsupported"),
        )
    )
    shown = plain(answer_lines(replace(ANSWERED, text=text, statements=statements)))
    first = shown.splitlines()[0]
    assert "One is so. [1] (weakly supported) Two is so [1]. Three is so. (not supported)" == first


def test_an_answer_shows_the_words_it_rests_on() -> None:
    """Below the text stand source, place and the exact quote, each of its lines marked."""
    citation = replace(CITATION, quote="Two\nlines.", page=3, title="article")
    assert (
        "Sergei Shoigu came. [1]\n"
        "\n"
        "[1] news/article.txt, page 3, characters 10-45\n"
        "    > Two\n"
        "    > lines.\n"
    ) == plain(answer_lines(replace(ANSWERED, citations=(citation,))))


@pytest.mark.parametrize(
    ("source_id", "title", "name"),
    [
        ("a/my_report-1.pdf", "My report 1", "a/my_report-1.pdf"),
        ("a.txt", "", "a.txt"),
        ("https://x/y", "https://x/y", "https://x/y"),
        ("a.txt", "A visit", "A visit (a.txt)"),
    ],
)
def test_a_source_is_named_once(source_id: str, title: str, name: str) -> None:
    """A title that only repeats the file's name is left out."""
    citation = replace(CITATION, source_id=source_id, title=title)
    text = plain(answer_lines(replace(ANSWERED, citations=(citation,))))
    assert f"[1] {name}, characters 10-45" == text.splitlines()[2]


def test_a_partial_answer_says_what_is_missing() -> None:
    """The reason stands below the text."""
    reason = Reason(code="partly_answered", message="The second question is not answered.")
    text = plain(answer_lines(replace(ANSWERED, status="partial", reason=reason)))
    assert "The second question is not answered." == text.splitlines()[2]


def test_no_answer_claims_no_more_than_is_known_and_shows_what_comes_closest() -> None:
    """What was found is shown, three at most, and neither as an answer nor as none."""
    text = plain(answer_lines(replace(UNANSWERED, evidence=(PASSAGE,) * 5)))
    assert text.startswith(
        "No answer found. The documents do not say who paid.\n\nClosest passages:\n\n1. "
    )
    assert 3 == text.count("characters 0-80")
    nothing = plain(answer_lines(replace(UNANSWERED, evidence=())))
    assert "No answer found. The documents do not say who paid.\n" == nothing


def test_a_closest_passage_is_shown_by_its_decisive_words() -> None:
    """In their sentence, marked, under what they hang from; a passage may begin far from them."""
    text = "Boats leave at dawn. The ferry to Lund leaves at eight. It is red."
    heading = Context(kind="heading", start=0, end=0, text="Not in\x1b winter")
    near = replace(
        PASSAGE,
        passage=replace(PASSAGE.passage, text=text),
        decisive=Span(start=46, end=54),
        context=(heading,),
    )
    shown = plain(answer_lines(replace(UNANSWERED, closest=(near,)))).splitlines()
    assert [
        "    Not in␛ winter",
        "    > The ferry to Lund leaves »at eight«.",
    ] == shown[-2:]


def test_the_words_that_answer_stand_first_then_their_sentence_under_its_path() -> None:
    """Nothing is read before them; the path that stands there is not said again with the quote."""
    path = (
        Context(kind="title", start=0, end=5, text="A visit"),
        Context(kind="heading", start=6, end=10, text="Not yet held"),
    )
    answer = replace(
        ANSWERED,
        short=ShortAnswer(text="Sergei Shoigu", markers=(1,)),
        citations=(replace(CITATION, context=path),),
    )
    assert [
        "Sergei Shoigu [1]",
        "",
        "A visit › Not yet held",
        "Sergei Shoigu came. [1]",
        "",
        "[1] A visit (news/article.txt), characters 10-45",
        "    > Sergei Shoigu arrived in Pyongyang.",
    ] == plain(answer_lines(answer)).splitlines()


def test_a_guess_is_said_to_be_one_before_anything_else() -> None:
    """With the reason why it is one, and what else comes close."""
    reason = Reason(code="unsure", message="It may not answer the question.")
    guess = replace(
        ANSWERED,
        status="likely",
        reason=reason,
        short=ShortAnswer(text="Sergei Shoigu", markers=(1,)),
        closest=(PASSAGE,),
    )
    shown = plain(answer_lines(guess)).splitlines()
    assert "Best guess: Sergei Shoigu [1]" == shown[0]
    assert "It may not answer the question." == shown[4]
    assert "Closest passages:" in shown
    assert plain(answer_lines(replace(guess, short=None))).startswith("Best guess: Sergei Shoigu ")


def test_a_snippet_is_cut_between_words() -> None:
    """A long passage is shortened without halving a word, a short one is left alone."""
    assert "a b" == snippet("a\n b")
    assert ["abcd"] * 60 == snippet("abcd " * 100).removesuffix(" ...").split()


def test_a_report_names_what_happened() -> None:
    """Each file's fate has its reason; unchanged ones are counted, and named when asked for."""
    report = SyncReport(
        files=(
            FileReport(source_id="a.md", fate="added"),
            FileReport(source_id="b.md", fate="unchanged"),
            FileReport(source_id="c.pdf", fate="failed", reason="no_text_layer"),
            FileReport(source_id="d.md", fate="unchanged", reason="duplicate", message="As a.md."),
        ),
        n_embedded=1200,
        seconds=2.5,
    )
    shown = plain(report_lines(report))
    assert (
        "added     a.md\n"
        "failed    c.pdf: no text layer\n"
        "unchanged d.md: As a.md.\n"
        "4 files: 1 added, 2 unchanged, 1 failed; 1,200 passages embedded in 2.5 s.\n"
    ) == shown
    assert "unchanged b.md\n" in plain(report_lines(report, every=True))
