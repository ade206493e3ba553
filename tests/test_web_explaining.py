"""How an answer came about: what was searched again is set beside what was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.errors import SourceNotFoundError
from rag.queries import standalone
from rag.schema import Turn
from rag.web.account import account, trouble
from rag.web.conversation import Exchange, Ways
from rag.web.explaining import explain, parts_of
from tests.web_fakes import (
    BUILT,
    FERRY,
    HARBOUR,
    ScriptedRag,
    answered,
    mended,
    passage,
    unanswered,
)

HOSTILE = "<img src=x onerror=alert(1)> [1](http://canary.example)"


def test_every_candidate_has_its_scores_and_its_fate():
    """Cited, read, or only found."""
    rag = ScriptedRag()
    answer = replace(
        answered("When?"), evidence=(replace(passage(HARBOUR, BUILT), scorer="reader"),)
    )
    made = explain(rag, Exchange(question="When?", answer=answer), titles={})
    (part,) = made.parts
    assert [(1, (1,)), (None, (2,)), (None, ())] == [(row.place, row.markers) for row in part.rows]
    assert [0.81, 0.42, 0.11] == [row.candidate.dense for row in part.rows]
    assert [("When?", ())] == rag.retrieved
    page = account(made, 4)
    assert '<a href="#p-4-1">' in page
    assert "<td>0.81</td><td>8.10</td><td>0.81</td><td>0.50</td>" in page
    assert "<td>0.11</td><td>1.10</td><td>0.11</td><td>–</td>" in page
    assert ["Cited [1]", "Cited [2]", "Not read"] == [
        words for words in ("Cited [1]", "Cited [2]", "Not read") if words in page
    ]


def test_what_was_read_but_is_not_found_today_is_shown_too():
    """As after a summary, or once the sources have changed."""
    old = passage(HARBOUR, "In winter it does not sail on Sundays.")
    answer = replace(answered("When?"), evidence=(old,))
    made = explain(ScriptedRag(), Exchange(question="When?", answer=answer), titles={})
    assert [old.passage] == [row.passage for row in made.others]
    assert "Also read:" in account(made, 0)


def test_only_the_sources_that_were_asked_are_searched():
    """The rewritten query, in each of its parts."""
    rag = ScriptedRag()
    answer = answered("And?", query="Who built the harbour and when was it built?")
    explain(rag, Exchange(question="And?", answer=answer, sources=("a.txt",)), titles={})
    assert ["Who built the harbour?", "when was the harbour built?"] == [
        query.replace("When", "when") for query, _ in rag.retrieved
    ]
    assert {("a.txt",)} == {sources for _, sources in rag.retrieved}


def test_parts_are_those_that_the_pipeline_searches():
    """Said by the pipeline's own function."""
    from rag.pipeline.ask import _standalone_parts

    for query in (
        "Who visited Pyongyang, and when?",
        "What is it?",
        "Who came and what was tested?",
    ):
        assert _standalone_parts(query) == parts_of(query)
    said = [Turn(role="user", text="Who built the harbour?")]
    assert standalone("when was it built?", said).text in parts_of(
        "Who built the harbour and when was it built?"
    )


def test_a_source_that_is_gone_is_a_sentence():
    """What cannot be searched any more cannot be explained."""

    class Gone(ScriptedRag):
        def retrieve(self, *_, **__):
            raise SourceNotFoundError("No source is called 'a.txt'.")

    with pytest.raises(SourceNotFoundError):
        explain(Gone(), Exchange(question="q", answer=answered("q")), titles={})
    assert "No source is called &#x27;a.txt&#x27;." in trouble("No source is called 'a.txt'.")


def test_the_account_tells_all_there_is():
    """Verdicts with support, steps, settings, reason, timings and tokens."""
    answer = replace(mended("q"), usage={"prompt": 1200, "completion": 34}, query="q more")
    exchange = Exchange(
        question="q", answer=answer, ways=Ways(top_k=3, strictness=0.9), sources=("a",)
    )
    page = account(explain(ScriptedRag(), exchange, titles={}), 0)
    for words in (
        "Searched for", "Only in", "0.97", "weakly supported", "did not answer in time", "Strictness",
        "0.90", "10 ms", "1,200", "34", "Passages read",
    ):  # fmt: skip
        assert words in page
    none = Exchange(question="moon", answer=unanswered("moon"))
    page = account(explain(ScriptedRag(), none, titles={}), 0)
    assert "Nothing is said about the moon." in page
    assert "What the answer says" not in page


def test_the_account_leads_back_to_the_words():
    """To the quotes, or to the near misses where there are none."""
    for answer, link in ((answered("q"), "#c-2-1"), (unanswered("q"), "#p-2-1")):
        made = explain(ScriptedRag(), Exchange(question="q", answer=answer), titles={})
        assert f'<a class="fn-back" href="{link}">' in account(made, 2)
    bare = replace(unanswered("q"), evidence=())
    made = explain(ScriptedRag(), Exchange(question="q", answer=bare), titles={})
    assert "fn-back" not in account(made, 2)


def test_hostile_texts_are_only_text():
    """Titles, queries, models and sentences."""
    answer = replace(
        answered(HOSTILE), model=HOSTILE, text=HOSTILE, statements=answered("q").statements[:1]
    )
    made = explain(
        ScriptedRag(),
        Exchange(question=HOSTILE, answer=answer),
        titles={HARBOUR.source_id: HOSTILE},
    )
    page = account(made, 0)
    assert "<img" not in page
    assert 'href="http' not in page
    assert FERRY in page
