"""What an answer says where not all documents could be searched."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import rag as package
from rag.cli.layout import answer_lines
from rag.errors import IndexBusyError, IndexWriteError, SourceNotFoundError
from rag.pipeline import Rag
from rag.pipeline.completeness import Lag, gaps
from rag.pipeline.reading import as_text
from rag.queries.rewriting import telling
from rag.store import Absence, Coverage, KnownRoot, RootState
from rag.web import export, render
from rag.web.conversation import Exchange
from tests.fakes import open_rag

SCHEMA = json.loads((Path(package.__file__).parent / "data" / "answer.schema.json").read_text())
BRIDGE = "The harbour bridge opened in 1932."
FOUND, NOT_FOUND = "When was the harbour bridge opened?", "Which volcano erupted yesterday evening?"


@pytest.fixture
def folder(tmp_path):
    """A folder with a document about a bridge and eleven others."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(BRIDGE)
    for i in range(11):
        (seeds / f"sheep{i}.txt").write_text(f"Sheep number{i} grazes on the northern hills.")
    return seeds


@pytest.fixture
def rag(folder):
    """The documents, indexed."""
    with open_rag(folder) as opened:
        opened.sync()
        yield opened


def place(path: str = "/d", **changes: object) -> RootState:
    """A folder that was indexed whole."""
    whole = RootState(path=path, identity="folder:1:2", reached=True, pending=0, synced=100.0)
    return replace(whole, **changes)


def covered(*places: RootState, **absent: str) -> Coverage:
    """Return coverage of these roots."""
    return Coverage(
        roots=(KnownRoot(path="/d", prefix="d/"),),
        places={one.path: one for one in places},
        absent={name: Absence(origin="/d", why=why) for name, why in absent.items()},
    )


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        (covered(place()), ""),
        (covered(), ""),
        (covered(place(pending=2)), "is not finished: 2 documents are yet to be read"),
        (covered(place(reached=False)), "'d' cannot be reached"),
        (covered(place(), a="unreachable"), "'a' cannot be read at the moment."),
        (covered(place(), a="held", b="held"), "2 documents of the index are missing"),
        (covered(place("/elsewhere", pending=2)), ""),
        (covered(place("/elsewhere", reached=False)), ""),
    ],
)
def test_what_is_lacking_is_said_in_a_sentence(coverage, said):
    """Each way in which an index is not all of the documents; roots that are not looked at any more do not count."""
    sentences = gaps(coverage, {"/d"}, None)

    assert bool(said) == bool(sentences)
    assert said in " ".join(sentences)


def test_a_sync_that_could_not_be_made_matters_until_another_has_ended():
    """What another process has indexed since is not lacking any more, once all roots have been looked at."""
    lag = Lag(since=150.0, why="Behind.")

    assert ("Behind.",) == gaps(covered(place(synced=149.0)), {"/d"}, lag)
    assert ("Behind.",) == gaps(covered(place(synced=151.0)), {"/d", "/seeds"}, lag)
    assert () == gaps(covered(place(synced=151.0)), {"/d"}, lag)


def test_over_a_whole_index_an_answer_is_complete(rag):
    """Nothing is added to an answer, or to an abstention, where all documents were searched."""
    for question in (FOUND, NOT_FOUND):
        answer = rag.ask(question)

        assert (True, "") == (answer.complete, answer.caveat)
    assert "not_supported" == answer.reason.code
    assert () == rag.gaps()


def broken_off(rag: Rag, folder: Path) -> None:
    """Have a sync of a new document die while it embeds."""
    (folder / "volcano.txt").write_text("The volcano Hekla erupted yesterday evening.")
    encoder = rag._library._encoder
    rag._library._encoder = None
    with pytest.raises(AttributeError):
        rag.sync()
    rag._library._encoder = encoder


def test_while_an_index_is_built_nothing_is_called_absent(rag, folder):
    """From the first moment of a sync on, and after one that died, an answer says that the index is not finished."""
    broken_off(rag, folder)
    found, missing = rag.ask(FOUND), rag.ask(NOT_FOUND)
    rag.sync()
    after = rag.ask(NOT_FOUND)

    assert ("answered", False) == (found.status, found.complete)
    assert found.caveat.startswith("The index is not finished: 1 document")
    assert ("unanswered", "incomplete", False) == (
        missing.status,
        missing.reason.code,
        missing.complete,
    )
    assert missing.caveat in missing.reason.message
    assert "do not answer" not in missing.reason.message
    assert "" == telling(missing.text).strip()
    assert ("answered", True) == (after.status, after.complete)
    for answer in (found, missing, after):
        jsonschema.validate(json.loads(json.dumps(answer.to_dict())), SCHEMA)


def test_an_empty_index_that_is_built_has_sources_to_come(folder):
    """Before the first document is in it, it is not called one without sources."""
    with open_rag(folder) as rag:
        broken_off(rag, folder)
        answer = rag.ask(FOUND)

    assert "incomplete" == answer.reason.code
    assert "12 documents" not in answer.caveat
    assert "13 documents" in answer.caveat


def test_an_index_that_another_process_changes_is_said_to_be_behind(rag, folder):
    """Where a sync was refused, answers are not complete until one of all documents has ended."""
    (folder / "volcano.txt").write_text("The volcano Hekla erupted yesterday evening.")
    with rag._index.writer(), pytest.raises(IndexBusyError):
        rag.sync()
    behind = rag.ask(NOT_FOUND)
    time.sleep(0.01)
    with open_rag(folder) as other:
        other.sync()
    after = rag.ask(NOT_FOUND)

    assert (False, "incomplete") == (behind.complete, behind.reason.code)
    assert "Another process is changing the index" in behind.caveat
    assert ("answered", True) == (after.status, after.complete)


def test_an_index_that_cannot_be_written_is_said_to_be_behind(rag, folder, monkeypatch):
    """A full disk or a folder without permission is no reason to call something absent."""
    (folder / "volcano.txt").write_text("The volcano Hekla erupted yesterday evening.")

    def refuse(*_: object, **__: object) -> None:
        raise IndexWriteError("No space.")

    monkeypatch.setattr(rag._index, "writer", refuse)
    rag._library.sync_where_it_can(None)

    assert "incomplete" == rag.ask(NOT_FOUND).reason.code
    assert "could not be brought up to date" in rag.ask(FOUND).caveat


def test_a_root_that_is_away_is_cited_and_said_to_be(rag, folder, tmp_path):
    """What was indexed of it answers still, and the answer says that it cannot be reached."""
    folder.rename(tmp_path / "elsewhere")
    report = rag.sync()
    answer = rag.ask(FOUND)
    (tmp_path / "elsewhere").rename(folder)
    rag.sync()

    assert 12 == len(report.unreachable)
    assert ("answered", False) == (answer.status, answer.complete)
    assert "'seeds' cannot be reached" in answer.caveat
    assert str(tmp_path) not in answer.caveat
    assert "What is quoted of 'bridge.txt' is as it was indexed" in answer.caveat
    assert rag.ask(FOUND).complete


def test_what_is_held_is_never_cited(rag, folder):
    """Sources that may have been removed answer nothing, are found by no search and chosen by nobody."""
    old = rag.ask(FOUND)
    for path in folder.iterdir():
        if path.name != "sheep0.txt":
            path.unlink()
    report = rag.sync()
    answer = rag.ask(FOUND)

    assert 11 == len(report.held)
    assert ("unanswered", "incomplete") == (answer.status, answer.reason.code)
    assert "11 documents of the index are missing" in answer.caveat
    assert {"sheep0.txt"} == {one.passage.source_id for one in rag.search("bridge sheep", k=20)}
    assert "removed" == rag.check(old.citations[0])
    with pytest.raises(SourceNotFoundError, match="missing from its folder"):
        rag.ask(FOUND, sources=["bridge.txt"])
    assert 12 == len(rag.sources())

    assert 11 == len(rag.sync(confirmed=True).removed)
    assert "not_supported" == rag.ask(FOUND).reason.code


def test_a_partial_answer_does_not_say_that_the_rest_is_nowhere(rag, folder):
    """A part that was not found may be in what could not be searched."""
    broken_off(rag, folder)

    answer = rag.ask(f"{FOUND} And who designed the lighthouse tower?")

    assert "partial" == answer.status
    assert answer.reason.message.endswith("Not all of the documents could be searched.")


@pytest.mark.parametrize("question", [FOUND, NOT_FOUND])
def test_every_interface_says_so(rag, folder, question):
    """Command line, page, saved conversation and assistants say what is lacking, and nothing of absence."""
    broken_off(rag, folder)
    answer = rag.ask(question)
    exchange = Exchange(question=question, answer=answer)
    shown = [
        "\n".join(piece.text for line in answer_lines(answer) for piece in line.pieces),
        "".join(str(one["content"]) for one in render.messages((exchange,))),
        export.exported((exchange,), "html", saved_at="now").text,
        export.exported((exchange,), "md", saved_at="now").text,
        as_text(answer),
    ]

    for text in shown:
        assert "The index is not finished" in text
        assert "Not in your sources" not in text
        assert "Not in the sources" not in text
