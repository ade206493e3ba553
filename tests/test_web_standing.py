"""Old answers stay honest: what has changed is said, what is gone is not shown."""

from __future__ import annotations

from rag.web import render
from rag.web.conversation import Exchange
from rag.web.standing import rechecked, source_ids, standing_of, withheld
from tests.web_fakes import BUILT, CARRIED, FERRY, HARBOUR, REPORT, answered

ASKED = Exchange(question="q", answer=answered("q"))


def test_nothing_is_noted_while_all_is_as_it_was():
    """The conversation is the same."""
    assert (ASKED,) == rechecked((ASKED,), lambda _: "current")
    assert "current" == standing_of(ASKED, 3)


def test_each_citation_has_its_own_standing():
    """And the message says which are not what was cited."""
    (now,) = rechecked(
        (ASKED,), lambda one: "changed" if one.source_id == REPORT.source_id else "current"
    )
    assert ["current", "current", "changed"] == [standing_of(now, n) for n in (1, 2, 3)]
    shown = render.message(now, 0)
    assert "[3] The source has changed since" in shown
    assert 1 == shown.count("fn-stale")


def test_words_of_a_removed_source_are_withheld():
    """From quotes, passages and the tooltips of markers."""
    (now,) = rechecked((ASKED,), lambda _: "removed")
    kept = withheld(now, {HARBOUR.source_id})
    assert ["", "", CARRIED] == [citation.quote for citation in kept.answer.citations]
    assert () == kept.answer.evidence
    shown = render.message(now, 0)
    assert BUILT not in shown
    assert FERRY not in shown
    assert "No longer in your sources" in shown


def test_nothing_is_withheld_where_nothing_is_gone():
    """Also of a question without an answer."""
    assert ASKED == withheld(ASKED, ())
    assert Exchange(question="q") == withheld(Exchange(question="q"), {"a"})
    assert {HARBOUR.source_id, REPORT.source_id} == source_ids(ASKED.answer)
