"""An answer is told alike in every interface: what it comes to, how sure it is, and what its quotes hang from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import outcome
from rag.schema import Answer, Citation, Context, Reason, Span, Statement, Step
from tests.web_fakes import FERRY, HARBOUR, answered, guessed, passage, unanswered


def context(text: str, start: int = 0, end: int = 0, *, kind: str = "heading") -> Context:
    """What a quote hangs from; stands nowhere unless it is said where."""
    return Context(kind=kind, text=text, start=start, end=end)


def quoting(*quoted: tuple[str, int, tuple[Context, ...]]) -> Answer:
    """Answer in the words of one source, each a sentence of its own with where it starts and what it hangs from."""
    text, statements, citations = "", [], []
    for marker, (words, start, path) in enumerate(quoted, start=1):
        text += "\n- " if text else "- "
        begin = len(text)
        text += f"{words} [{marker}]"
        statements.append(
            Statement(
                start=begin, end=len(text), markers=(marker,), verdict="supported", support=1.0
            )
        )
        citations.append(
            Citation(
                marker=marker,
                source_id="a.md",
                title="Rules",
                start=start,
                end=start + len(words),
                quote=words,
                page=None,
                sha256="0" * 64,
                context=path,
            )
        )
    return replace(
        answered("q"), text=text, statements=tuple(statements), citations=tuple(citations)
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("not_supported", "No answer found"),
        ("subject_missing", "No answer found"),
        ("nothing_retrieved", "Not in your sources"),
        ("incomplete", "Not found so far"),
        ("no_sources", "No sources yet"),
    ],
)
def test_no_more_is_claimed_than_is_known(code: str, said: str):
    """That something is not in the sources is said only where nothing resembles it."""
    answer = replace(unanswered("q"), reason=Reason(code=code, message="Why."))
    assert said == outcome.headline(answer)


def test_sureness_is_said_in_words():
    """Of a model's answer how much is supported; of a summary, which nobody weighed, nothing."""
    assert ("", "sure") == (outcome.headline(answered("q")), outcome.sureness(answered("q")))
    assert ("Best guess", "likely, not sure") == (
        outcome.headline(guessed("q")),
        outcome.sureness(guessed("q")),
    )
    written = replace(answered("q"), model="openai:gpt-5")
    assert "1 of 3 sentences supported" == outcome.sureness(written)
    assert "" == outcome.sureness(replace(answered("q"), confidence=0.0))
    summary = replace(answered("q"), steps=(Step(code="excerpted", detail=""),))
    assert "" == outcome.sureness(summary) == outcome.sureness(unanswered("q"))


def test_a_path_begins_with_the_title_and_says_nothing_twice():
    """Neither the name of the file above its title, nor what the answer quotes itself."""
    lead = context("Forbidden:", 30, 40, kind="paragraph")
    path = (context("rules", kind="title"), context("Rules", 0, 5, kind="title"), lead)
    answer = quoting(("Forbidden:", 30, ()), ("Dogs", 43, path))
    first, second = answer.citations
    assert "Rules › Forbidden:" == outcome.path_of(second)
    assert "Forbidden:" == outcome.path_of(second, titled=False)
    assert "Rules" == outcome.path_of(second, answer.citations)
    assert "Rules" == outcome.path_of(first, answer.citations)
    assert "" == outcome.path_of(first)


def test_the_text_of_an_answer_is_parted_by_path():
    """An item stands under its own heading with its dash; what hangs from the same stands together."""
    allowed, forbidden = (context("Allowed", 10, 17),), (context("Forbidden", 50, 59),)
    answer = quoting(("Cats", 20, allowed), ("Birds", 30, allowed), ("Dogs", 60, forbidden))
    parts = outcome.pieces(answer)
    assert ["Rules › Allowed", "Rules › Forbidden"] == [one.path for one in parts]
    assert ["- Cats [1]\n- Birds [2]", "- Dogs [3]"] == [
        answer.text[one.start : one.end] for one in parts
    ]
    assert 1 == len(outcome.pieces(replace(answer, model="openai:gpt-5")))


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70))))
def test_pieces_hold_the_whole_text(text: str, spans: list[tuple[int, int]]):
    """Whatever its sentences claim, all but white space and in order."""
    citations = tuple(
        replace(one, context=(context(f"Part {one.marker}"),)) for one in answered("q").citations
    )
    statements = tuple(
        Statement(start=a, end=b, markers=(n % 3 + 1,), verdict="supported", support=1.0)
        for n, (a, b) in enumerate(spans)
    )
    answer = replace(answered("q"), text=text, statements=statements, citations=citations)
    held = "".join(text[one.start : one.end] for one in outcome.pieces(answer))
    assert "".join(text.split()) == "".join(held.split())


def test_decisive_words_stand_in_their_sentence():
    """Without a dash, on one line, and not too long; the beginning of a passage where none are known."""
    found = passage(HARBOUR, FERRY)
    begin = found.passage.start
    near = outcome.excerpt(replace(found, decisive=Span(start=begin + 4, end=begin + 9)))
    assert ("The ", "ferry", " to Lund leaves at eight every morning.") == (
        near.before,
        near.words,
        near.after,
    )
    assert ("", FERRY) == (outcome.excerpt(found).words, outcome.excerpt(found).after)
    text = "Not covered:\n- Storm damage\nto fences " + "and gates " * 60
    found = replace(found, passage=replace(found.passage, start=0, end=len(text), text=text))
    near = outcome.excerpt(replace(found, decisive=Span(start=13, end=27)))
    assert ("", "Storm damage") == (near.before, near.words)
    near = outcome.excerpt(replace(found, decisive=Span(start=28, end=37)))
    assert len(near.after) < 200


def test_closest_passages_are_the_readers_or_the_first_that_were_read():
    """Where nobody has chosen them; beside an answer there are none but those that were chosen."""
    assert guessed("q").closest == outcome.closest(guessed("q"))
    many = replace(unanswered("q"), evidence=unanswered("q").evidence * 5)
    assert 3 == len(outcome.closest(many))
    assert () == outcome.closest(answered("q"))


def test_a_text_that_is_its_own_short_answer_is_said_once():
    """Unless something is to be said of it."""
    answer = replace(guessed("q", words="Dogs"), text="Dogs. [1]")
    assert not outcome.says_more(answer)
    weak = replace(answer.statements[0], verdict="weak")
    assert outcome.says_more(replace(answer, statements=(weak,)))
    assert outcome.says_more(guessed("q"))
    assert outcome.says_more(answered("q"))


@pytest.mark.parametrize(
    ("page", "place", "said"),
    [(None, "", ""), (3, "", "page 3"), (3, "slide\n3", "slide 3"), (None, "00:12:05", "00:12:05")],
)
def test_where_a_quote_stands_is_said_as_people_say_it(page, place, said):
    """By the name of its place where it has one, else by its page, on one line."""
    citation = quoting(("Two lines.", 0, ())).citations[0]

    assert said == outcome.where(replace(citation, page=page, place=place))
