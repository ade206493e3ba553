"""What `make run` offers on its first page."""

from __future__ import annotations

from pathlib import Path

import pytest

import app
from rag import Rag, Settings

SEEDS = Path(app.__file__).parent / "seeds"


def test_questions_on_the_article_are_offered_while_it_is_all_there_is(tmp_path: Path):
    """A person's own documents get questions of their own."""
    assert app.QUESTIONS == app.examples(SEEDS)
    (tmp_path / app.ARTICLE).touch()
    assert app.QUESTIONS == app.examples(tmp_path)
    (tmp_path / "mine.txt").touch()
    assert () == app.examples(tmp_path)
    assert () == app.examples(tmp_path / "nowhere")


@pytest.mark.model
def test_what_the_first_page_offers_is_answered(tmp_path: Path):
    """Nobody's first question is in vain."""
    settings = Settings(seeds_dir=SEEDS, index_dir=tmp_path / "index")
    with Rag.open(settings) as rag:
        assert {"answered"} == {rag.ask(question).status for question in app.QUESTIONS}
