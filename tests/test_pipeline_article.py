"""The whole way with the shipped models, on the article and all of its questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag import Rag, Settings
from rag.evaluation.dataset import load_dataset

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def rag(tmp_path_factory):
    """The article, indexed once."""
    folder = tmp_path_factory.mktemp("article")
    with Rag.open(Settings(seeds_dir=ROOT / "seeds", index_dir=folder / "index")) as opened:
        yield opened


def test_every_quote_of_every_answer_is_verbatim(rag):
    """Over all questions on the article, every citation is the source's own words at its offsets."""
    n_citations = 0
    for example in load_dataset(ROOT / "eval" / "data" / "article.jsonl"):
        answer = rag.ask(example.question, history=example.history)
        for citation in answer.citations:
            text = rag.source(citation.source_id).text
            assert citation.quote == text[citation.start : citation.end]
            n_citations += 1
        assert all(one.markers for one in answer.statements)
        assert ("unanswered" == answer.status) == (not answer.citations)

    assert n_citations > 50


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Who is Russia's security chief?", "Sergei Shoigu"),
        ("How many North Korean soldiers were deployed to Russia?", "over 10,000"),
        ("What is Freedom Shield?", "annual joint military exercise"),
    ],
)
def test_plain_questions_are_answered(rag, question, words):
    """What a person asks first is answered with the sentence that says it."""
    assert words in rag.ask(question).text


def test_what_has_nothing_to_do_with_the_article_is_not_answered(rag):
    """A question about something else is abstained from, with near misses."""
    answer = rag.ask("Who won the football world cup in 1998?")

    assert "unanswered" == answer.status
    assert answer.evidence


def test_reopening_embeds_nothing(rag):
    """A second sync of an unchanged folder costs hashes only."""
    assert 0 == rag.sync().n_embedded
