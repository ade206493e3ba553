"""The whole way from files to cited answers, with a fake encoder and a fake reader plugged in by protocol."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest

from rag.errors import IndexWriteError, QuestionError, SourceNotFoundError
from rag.pipeline import Rag
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.reasons import MESSAGES
from rag.queries.rewriting import telling
from rag.schema import AnswerReady, EvidenceReady, QueryReady, TextDelta, Turn
from rag.settings import Settings
from rag.tokens import TokenCounter
from tests.fakes import HashEncoder, OverlapReader, open_rag

BRIDGE = "The harbour bridge opened in 1932. Engineers from Paris praised the bridge.\n"
SHEEP = "Sheep graze on the northern hills. Wool is sold in autumn markets.\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with two documents."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (seeds / "sheep.txt").write_text(SHEEP, encoding="utf-8")
    return seeds


@pytest.fixture
def rag(folder):
    """The two documents, indexed."""
    with open_rag(folder) as opened:
        opened.sync()
        yield opened


def test_an_answer_quotes_its_source_exactly(rag):
    """Each citation's quote is the source's text at its offsets, and each statement cites."""
    answer = rag.ask("When was the harbour bridge opened?")

    assert answer.status == "answered"
    assert answer.text == "The harbour bridge opened in 1932. [1]"
    for citation in answer.citations:
        assert citation.quote == rag.source(citation.source_id).text[citation.start : citation.end]
    assert all(statement.markers for statement in answer.statements)


def test_what_is_not_in_the_sources_is_not_answered(rag):
    """No answer, a reason, and the nearest passages as near misses."""
    answer = rag.ask("Which volcano erupted yesterday evening?")

    assert answer.status == "unanswered"
    assert answer.reason.code == "not_supported"
    assert answer.reason.message == answer.text
    assert answer.citations == ()
    assert answer.evidence


def test_without_sources_it_says_so(tmp_path):
    """An empty folder is answered with what to do about it."""
    (tmp_path / "seeds").mkdir()
    with open_rag(tmp_path / "seeds") as rag:
        rag.sync()
        answer = rag.ask("Anything?")

    assert answer.reason.code == "no_sources"


@pytest.mark.parametrize(
    "code",
    [
        "no_sources",
        "nothing_retrieved",
        "not_supported",
        "subject_missing",
        "unsure",
        "incomplete",
        "no_last_answer",
    ],
)
def test_what_says_that_there_is_no_answer_is_no_subject(code):
    """A follow-up to an abstention takes none of its words for what the conversation is about."""
    assert "" == telling(MESSAGES[code]).strip()


def test_half_an_answer_is_called_partial(rag):
    """A question of two parts, of which the sources answer one, is partial and names the other."""
    answer = rag.ask("When was the harbour bridge opened and who painted volcanoes yesterday?")

    assert answer.status == "partial"
    assert answer.reason.code == "partly_answered"
    assert "volcanoes" in answer.reason.message


def test_events_come_in_order_and_end_with_the_answer(rag):
    """Query, what was found, what markers name, text, answer; and `ask` returns what the stream ends with."""
    events = list(rag.stream("When was the harbour bridge opened?"))

    wanted = [QueryReady, EvidenceReady, EvidenceReady, TextDelta, AnswerReady]
    assert wanted == [type(event) for event in events]
    [named] = events[2].evidence
    assert events[-1].answer.citations[0].quote in named.passage.text
    again = rag.ask("When was the harbour bridge opened?")
    assert events[-1].answer.text == again.text
    assert events[-1].answer.citations == again.citations


def test_asking_twice_gives_the_same_answer(rag):
    """Same sources, settings and question, same answer, but for the time it took."""
    first, second = (rag.ask("Who praised the bridge?").to_dict() for _ in range(2))

    assert first | {"timings": None} == second | {"timings": None}


def test_a_follow_up_is_rewritten_and_shown(rag):
    """A pronoun takes its meaning from the history, and the answer shows what was searched."""
    history = [
        Turn(role="user", text="When was the harbour bridge opened?"),
        Turn(role="assistant", text="The harbour bridge opened in 1932. [1]"),
    ]

    answer = rag.ask("Who praised it?", history=history)

    assert answer.question == "Who praised it?"
    assert "bridge" in answer.query


class _PieceEncoder(HashEncoder):
    """One that reads a word that it does not know in two pieces."""

    def count_tokens(self, text):
        """Two more than the words, and one more for each unknown one."""
        known = {"a", "when", "was", "the", "is", "where", "were"}
        strange = [word for word in text.split() if word.lower() not in known]
        return len(text.split()) + len(strange) + 2


def test_a_misspelt_word_is_searched_as_the_sources_spell_it(folder):
    """The answer shows what was searched, and what was typed stays the question."""
    with open_rag(folder, encoder=_PieceEncoder()) as rag:
        rag.sync()
        events = list(rag.stream("When was the habour brigde opened?"))
        unknown = rag.ask("Where is the volcnao?")
        elsewhere = rag.ask("When was the brigde opened?", sources=["sheep.txt"])

    answer = events[-1].answer
    assert QueryReady(query="When was the harbour bridge opened?", rewritten=True) == events[0]
    assert "When was the habour brigde opened?" == answer.question
    assert "The harbour bridge opened in 1932. [1]" == answer.text
    assert "Where is the volcnao?" == unknown.query
    assert "When was the brigde opened?" == elsewhere.query


def test_a_conversation_remembers(rag):
    """The second question of a conversation is understood with the first."""
    talk = rag.conversation()
    talk.ask("When was the harbour bridge opened?")
    answer = talk.ask("Who praised it?")

    assert "bridge" in answer.query
    assert len(talk.history) == 4


def test_async_ask(rag):
    """`aask` gives what `ask` gives."""
    answer = asyncio.run(rag.aask("Who praised the bridge?"))

    assert answer.text == rag.ask("Who praised the bridge?").text


def test_search_and_filter(rag):
    """Search ranks passages; a filter keeps to the chosen sources."""
    assert rag.search("harbour bridge")[0].passage.source_id == "bridge.txt"
    only = rag.search("harbour bridge", sources=["sheep.txt"])
    assert {"sheep.txt"} == {found.passage.source_id for found in only}
    assert [found.rank for found in rag.search("harbour bridge", 1)] == [1]


def test_an_unknown_source_is_named(rag):
    """A filter by a source that is not there is an error that names it."""
    with pytest.raises(SourceNotFoundError, match=r"nowhere\.txt"):
        rag.search("bridge", sources=["nowhere.txt"])


@pytest.mark.parametrize("question", ["", "   \n", "x" * 5000])
def test_questions_that_cannot_be_asked(rag, question):
    """An empty or endless question is refused before anything is searched."""
    with pytest.raises(QuestionError):
        rag.ask(question)


@pytest.mark.parametrize("question", ["???", "\x00\x01", "\ud800 lone", "‮gnp.exe", "🌋🌋🌋"])
def test_odd_questions_get_an_answer(rag, question):
    """Punctuation, control characters, lone surrogates: no exception, an abstention at most."""
    assert rag.ask(question).status in ("answered", "unanswered", "partial")


def test_sync_tells_every_files_fate(folder):
    """Added, unchanged, updated and removed files are told apart, and only changes are embedded."""
    encoder = HashEncoder()
    with open_rag(folder, encoder) as rag:
        assert [f.source_id for f in rag.sync().added] == ["bridge.txt", "sheep.txt"]
        embedded = encoder.n_passages
        report = rag.sync()
        assert len(report.unchanged) == 2
        assert embedded == encoder.n_passages

        (folder / "bridge.txt").write_text(BRIDGE + "It was painted grey.\n", encoding="utf-8")
        (folder / "sheep.txt").unlink()
        report = rag.sync()

        assert [f.source_id for f in report.updated] == ["bridge.txt"]
        assert [f.source_id for f in report.removed] == ["sheep.txt"]
        assert rag.ask("Where do northern sheep graze?").status == "unanswered"


def test_an_overview_is_of_one_state(rag, folder):
    """Sources that come while a summary is made are not in it, nor counted."""

    class Growing:
        """An index to which a source is added as soon as a state to read from is taken."""

        hashes = rag._index.hashes
        sources = rag._index.sources

        @contextmanager
        def snapshot(self):
            with rag._index.snapshot() as state:
                (folder / "wool.txt").write_text("Wool is warm in winter.\n", encoding="utf-8")
                rag.sync()
                yield state

    asked = Rag(
        rag.settings,
        index=Growing(),
        encoder=HashEncoder(),
        answerers=[ExtractiveAnswerer(OverlapReader())],
        tokens=TokenCounter(),
    )
    answer = asked.ask("Summarise everything")

    assert "2 sources" in answer.steps[0].detail
    assert {"bridge.txt", "sheep.txt"} == {one.source_id for one in answer.citations}
    assert 3 == len(rag.sources())


@pytest.fixture
def unwritable(folder):
    """Settings of an index of those documents that nothing can be written to any more, and one of none."""

    def make(*, indexed):
        settings = Settings(seeds_dir=folder, index_dir=folder.parent / "index")
        with Rag.open(settings, sync=indexed, answerers=[ExtractiveAnswerer(OverlapReader())]):
            pass
        for lock in settings.index_dir.glob("*lock*"):
            lock.unlink()
            lock.mkdir()
        return settings

    return make


@pytest.mark.model
def test_an_index_that_cannot_be_written_is_asked_as_it_is(unwritable, folder, caplog):
    """Changed documents and a full disk: the old words answer, and the log says why, with what to do."""
    settings = unwritable(indexed=True)
    (folder / "sheep.txt").write_text("Sheep moved south.\n", encoding="utf-8")

    with Rag.open(settings, answerers=[ExtractiveAnswerer(OverlapReader())]) as rag:
        assert "1932" in rag.ask("When was the harbour bridge opened?").text
        assert rag.last_sync is None
        with pytest.raises(IndexWriteError):
            rag.sync()
    assert "Answers come from what was indexed before. Cannot write" in caplog.text


@pytest.mark.model
def test_an_empty_index_that_cannot_be_written_is_an_error(unwritable):
    """There is nothing to ask, so that is told at once."""
    with pytest.raises(IndexWriteError):
        Rag.open(unwritable(indexed=False), answerers=[ExtractiveAnswerer(OverlapReader())])


def test_add_and_remove(folder, tmp_path):
    """A file from elsewhere can be added, and a source removed for good until it is added again."""
    note = tmp_path / "note.md"
    note.write_text("# Note\n\nThe lighthouse keeper was called Ada.\n", encoding="utf-8")
    with open_rag(folder) as rag:
        rag.sync()
        assert [f.source_id for f in rag.add(note).added] == ["note.md"]
        assert "Ada" in rag.ask("What was the lighthouse keeper called?").text

        rag.remove("sheep.txt")
        assert [f.fate for f in rag.sync().files if f.source_id == "sheep.txt"] == ["excluded"]
        assert [s.source_id for s in rag.sources()] == ["bridge.txt", "note.md"]

        rag.add(folder / "sheep.txt")
        assert "sheep.txt" in [s.source_id for s in rag.sources()]


def test_a_renamed_file_that_was_removed_can_be_added(rag, folder):
    """What was removed by hand stays out under another name too, until it is added by that name."""
    rag.remove("sheep.txt")
    (folder / "sheep.txt").rename(folder / "flock.txt")
    rag.sync()
    assert ["bridge.txt"] == [info.source_id for info in rag.sources()]

    rag.add(folder / "flock.txt")

    assert ["bridge.txt", "flock.txt"] == [info.source_id for info in rag.sources()]


def test_removing_what_is_not_there(rag):
    """Removing an unknown source is an error that names it."""
    with pytest.raises(SourceNotFoundError, match=r"nowhere\.txt"):
        rag.remove("nowhere.txt")


def test_an_old_citation_knows_that_its_source_changed(rag, folder):
    """After an edit or a removal an old citation says so instead of misquoting."""
    citation = rag.ask("When was the harbour bridge opened?").citations[0]
    assert rag.check(citation) == "current"

    (folder / "bridge.txt").write_text("Nothing here now.\n", encoding="utf-8")
    rag.sync()
    assert rag.check(citation) == "changed"

    (folder / "bridge.txt").unlink()
    rag.sync()
    assert rag.check(citation) == "removed"


def test_as_retriever_fits_langchain(rag):
    """Other chains get our passages with their places in the source."""
    found = rag.as_retriever(k=1).invoke("harbour bridge")

    assert [document.metadata["source_id"] for document in found] == ["bridge.txt"]
    start, end = found[0].metadata["start"], found[0].metadata["end"]
    assert found[0].page_content == rag.source("bridge.txt").text[start:end]


def test_models_offer_the_extractive_reader(rag):
    """Without an LLM there is one model, and asking for another is an error that lists it."""
    assert rag.models == ("extractive:overlap/1",)
    with pytest.raises(QuestionError, match="extractive:overlap/1"):
        rag.ask("Who?", model="gpt-99")
