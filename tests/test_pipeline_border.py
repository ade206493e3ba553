"""What a program hands over is checked: each error has the argument's name, what was wanted and what it got."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from rag import Rag
from rag.errors import ArgumentError, PathNotFoundError, QuestionError, RagError
from rag.schema import Turn
from tests.fakes import open_rag

QUESTION = "When was the harbour bridge opened?"


@pytest.fixture
def rag(tmp_path, monkeypatch):
    """A Rag over one document, run from the folder above it."""
    monkeypatch.chdir(tmp_path)
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The harbour bridge was opened in 1932.\n", encoding="utf-8")
    with open_rag(seeds) as opened:
        opened.sync()
        yield opened


MISUSES = {
    "ask None": (lambda rag: rag.ask(None), "question: wanted a text (str), got None"),
    "ask bytes": (lambda rag: rag.ask(b"abc"), "question: wanted a text (str), got b'abc'"),
    "history of dicts": (
        lambda rag: rag.ask(QUESTION, [{"role": "user", "text": "x"}]),
        "history: wanted Turns",
    ),
    "history a str": (lambda rag: rag.ask(QUESTION, "hello"), "history: wanted Turns"),
    "history None": (lambda rag: rag.ask(QUESTION, None), "history: wanted Turns"),
    "history a dict": (lambda rag: rag.ask(QUESTION, {"user": "x"}), "history: wanted Turns"),
    "turn of no text": (
        lambda rag: rag.ask(QUESTION, [Turn(role="user", text=None)]),
        "history: wanted Turns",
    ),
    "turn of no role": (
        lambda rag: rag.ask(QUESTION, [Turn(role="bogus", text="x")]),
        "role of a turn: wanted one of user, assistant, got 'bogus'",
    ),
    "turn of a list as role": (
        lambda rag: rag.ask(QUESTION, [Turn(role=[], text="x")]),
        "role of a turn: wanted",
    ),
    "sources a str": (lambda rag: rag.ask(QUESTION, sources="bridge.txt"), "sources: wanted"),
    "sources a number": (lambda rag: rag.ask(QUESTION, sources=3), "sources: wanted"),
    "sources of Paths": (
        lambda rag: rag.ask(QUESTION, sources=[Path("bridge.txt")]),
        "sources, each: wanted a text (str)",
    ),
    "model a list": (lambda rag: rag.ask(QUESTION, model=[]), "model: wanted a text (str), got []"),
    "top_k a text": (lambda rag: rag.ask(QUESTION, top_k="many"), "top_k"),
    "strictness nan": (lambda rag: rag.ask(QUESTION, strictness=float("nan")), "strictness"),
    "talk None": (lambda rag: rag.conversation().ask(None), "question: wanted"),
    "stream None": (lambda rag: list(rag.stream(None)), "question: wanted"),
    "search None": (lambda rag: rag.search(None), "question: wanted"),
    "k -1": (lambda rag: rag.search("x", -1), "k: wanted a whole number from 1, got -1"),
    "k 0": (lambda rag: rag.search("x", 0), "k: wanted"),
    "k a float": (lambda rag: rag.search("x", 1.5), "k: wanted a whole number from 1, got 1.5"),
    "k True": (lambda rag: rag.search("x", True), "k: wanted"),
    "k a text": (lambda rag: rag.search("x", "3"), "k: wanted"),
    "diversity nan": (
        lambda rag: rag.search("x", diversity=float("nan")),
        "diversity: wanted a number from 0 to 1, got nan",
    ),
    "diversity 2": (lambda rag: rag.search("x", diversity=2), "diversity: wanted"),
    "diversity a text": (lambda rag: rag.search("x", diversity="much"), "diversity: wanted"),
    "method bogus": (
        lambda rag: rag.retrieve("x", method="bogus"),
        "method: wanted one of dense, lexical, rrf, convex, fusion, got 'bogus'",
    ),
    "method a list": (lambda rag: rag.retrieve("x", method=[]), "method: wanted"),
    "retriever of 0": (lambda rag: rag.as_retriever(0), "k: wanted"),
    "sync None": (lambda rag: rag.sync(None), "paths: wanted"),
    "sync a number": (lambda rag: rag.sync(3), "paths: wanted"),
    "sync bytes": (lambda rag: rag.sync(b"seeds"), "paths: wanted"),
    "sync a list with a number": (lambda rag: rag.sync([3]), "paths, each: wanted a path"),
    "sync nothing": (lambda rag: rag.sync(""), "path: wanted a path (str or Path) that is not empty"),
    "sync a list with nothing": (lambda rag: rag.sync(["seeds", ""]), "that is not empty"),
    "sync a NUL": (lambda rag: rag.sync("a\0b"), "path: wanted"),
    "sync a whole disk": (lambda rag: rag.sync("/"), "a whole disk"),
    "sync a whole disk, written at length": (lambda rag: rag.sync(["seeds/../" + "../" * 40]), "disk"),
    "add a list": (lambda rag: rag.add(["seeds"]), "path: wanted a path (str or Path)"),
    "add nothing": (lambda rag: rag.add(""), "path: wanted"),
    "forget None": (lambda rag: rag.forget(None), "root: wanted a path"),
    "forget nothing": (lambda rag: rag.forget(""), "root: wanted a path"),
    "remove a Path": (lambda rag: rag.remove(Path("a.txt")), "source_id: wanted a text (str)"),
    "source None": (lambda rag: rag.source(None), "source_id: wanted a text (str), got None"),
    "check an id": (lambda rag: rag.check("bridge.txt"), "citation: wanted a Citation"),
    "check None": (lambda rag: rag.check(None), "citation: wanted a Citation, got None"),
    "add texts": (lambda rag: rag.add_sources(["text"]), "made, each: wanted a Source, got 'text'"),
    "add a text": (lambda rag: rag.add_sources("text"), "made: wanted Sources, got 'text'"),
    "add None": (lambda rag: rag.add_sources(None), "made: wanted Sources, got None"),
    "open a folder": (lambda _: Rag.open("seeds"), "settings: wanted a Settings, got 'seeds'"),
    "open a dict": (lambda _: Rag.open({}), "settings: wanted a Settings, got {}"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSES)
def test_a_wrong_argument_is_named(name, rag):
    """An error of the project's own tree, and nothing is indexed, remembered or removed."""
    call, said = MISUSES[name]
    before = rag.sources(), rag.roots()

    with pytest.raises(RagError) as caught:
        call(rag)

    assert said in str(caught.value)
    assert before == (rag.sources(), rag.roots())


def test_no_question_is_a_question_error(rag):
    """Whoever catches what is wrong with questions catches this too; the rest are errors of arguments."""
    with pytest.raises(QuestionError):
        rag.ask(None)
    with pytest.raises(ArgumentError):
        rag.ask(QUESTION, "hello")


def test_a_long_argument_is_not_repeated(rag):
    """A message is a sentence, whatever was handed over."""
    with pytest.raises(ArgumentError) as caught:
        rag.ask(QUESTION, ["x" * 10_000])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "sources",
    [
        (name for name in ["bridge.txt"]),
        {"bridge.txt"},
        OrderedDict.fromkeys(["bridge.txt"]).keys(),
        np.array(["bridge.txt"]),
    ],
    ids=["generator", "set", "keys", "array"],
)
def test_whatever_can_be_gone_through_is_a_list_of_sources(sources, rag):
    """A generator used to find nothing, in silence."""
    assert "1932" in rag.ask(QUESTION, sources=sources).text


def test_a_generator_is_a_history(rag):
    """It is gone through once."""
    turns = (Turn(role="user", text=text) for text in ["Is there a harbour bridge?"])

    assert "1932" in rag.ask(QUESTION, turns).text


def test_numbers_of_other_libraries_are_numbers(rag):
    """Those of numpy, for one."""
    assert 1 == len(rag.search("bridge", np.int64(1), diversity=np.float32(0.5)))


def test_a_path_that_is_not_there_is_not_found_and_not_remembered(rag, tmp_path):
    """Nor is any other that was named with it."""
    (tmp_path / "notes").mkdir()
    for paths in ("no/such", ["notes", "no/such"], Path("seeds/bridge.txt/below"), ["x" * 5000]):
        with pytest.raises(PathNotFoundError):
            rag.sync(paths)
    assert () == rag.roots()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
def test_a_pipe_is_no_document(rag, tmp_path):
    """Nothing to read from now on at every sync."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match="a pipe, a socket or a device"):
        rag.add(tmp_path / "pipe")
    assert () == rag.roots()
