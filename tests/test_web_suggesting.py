"""Questions to begin with come from the person's own documents."""

from __future__ import annotations

import pytest

from rag.errors import SourceNotFoundError
from rag.schema import Answer, Source, SourceInfo
from rag.web.suggesting import FIRST_CHARS, N_READ, suggest
from tests.web_fakes import answered, unanswered

BRIDGE = "The harbour bridge was built by Marit Dahl in 1932. The bridge is 503 metres long."
FERRY = "Lund is the capital of Ostland. The ferry company was founded by Arne Berg in 1950."


class Shelf:
    """Some texts as sources; remembers which were read and what was asked."""

    def __init__(self, *texts: str, gone: tuple[str, ...] = (), unknown: str = "") -> None:
        self.texts = {f"{n}.txt": text for n, text in enumerate(texts)}
        self.gone = gone
        self.unknown = unknown
        self.asked: list[str] = []
        self.read: list[str] = []

    def sources(self) -> tuple[SourceInfo, ...]:
        return tuple(
            SourceInfo(
                source_id=name, title=name, sha256="", media_type="text/plain", n_chars=len(text),
                n_pages=0, n_passages=1, indexed_at="", origin="",
            )
            for name, text in self.texts.items()
        )  # fmt: skip

    def source(self, source_id: str) -> Source:
        self.read.append(source_id)
        if source_id in self.gone:
            raise SourceNotFoundError(source_id)
        text = self.texts[source_id]
        return Source(source_id=source_id, title="", text=text, sha256="", media_type="text/plain")

    def ask(self, question: str, *, model: str | None = None) -> Answer:
        assert "extractive" == model
        self.asked.append(question)
        if self.unknown and self.unknown in question:
            return unanswered(question)
        return answered(question)


def test_only_what_is_answered_is_offered():
    """Nobody's first question is in vain."""
    shelf = Shelf(BRIDGE, FERRY, unknown="bridge")
    questions = suggest(shelf)
    assert questions
    assert not any("bridge" in question for question in questions)
    assert any("bridge" in question for question in shelf.asked)


def test_questions_are_short_and_of_several_sources():
    """The same sources give the same questions."""
    questions = suggest(Shelf(BRIDGE, FERRY))
    assert 2 <= len(questions) <= 4
    assert all(question.endswith("?") and len(question) <= 90 for question in questions)
    assert any("bridge" in question for question in questions)
    assert any("Lund" in question or "ferry" in question for question in questions)
    assert questions == suggest(Shelf(BRIDGE, FERRY))


@pytest.mark.parametrize("texts", [(), ("",), ("a b c 1 2 3",), ("何もない。",)])
def test_where_nothing_reads_well_nothing_is_offered(texts: tuple[str, ...]):
    """No question is better than a bad one."""
    assert () == suggest(Shelf(*texts))


def test_of_many_long_sources_a_few_beginnings_are_read():
    """However large the index is."""
    shelf = Shelf(*["x " * FIRST_CHARS + BRIDGE] * 1000)
    assert () == suggest(shelf)
    assert len(shelf.read) <= N_READ
    assert "999.txt" > max(shelf.read) > "8"


def test_a_source_that_is_removed_meanwhile_is_passed_over():
    """The others still give questions."""
    assert suggest(Shelf(BRIDGE, FERRY, gone=("0.txt",)))


def test_examples_are_offered_only_while_the_sources_answer_them():
    """They are of the sources of yesterday otherwise; what is new is asked about beside them."""
    shelf = Shelf(BRIDGE, FERRY, unknown="lighthouse")
    questions = suggest(shelf, examples=("How high is the lighthouse?", "When was it built?"))
    assert "When was it built?" == questions[0]
    assert "How high is the lighthouse?" not in questions
    assert len(questions) > 1
    assert not suggest(Shelf(unknown="?"), examples=("Who?",))
