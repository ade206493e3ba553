"""The index as a whole: what goes in comes out, one state at a time."""

from __future__ import annotations

import errno
import os
import threading
import unicodedata
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import IndexMismatchError, IndexNotFoundError, SourceNotFoundError
from rag.index import Index
from rag.index import words as word_files
from rag.language.layout import find_blocks
from rag.passages import split
from rag.schema import Context
from rag.store import IndexEntry, KnownRoot
from tests.index_fakes import DIMENSION, STAMP, bytes_of, entries, fill, found, source, vector

TEXTS = {
    "cats.txt": "Cats purr. They sleep.\nA cat hunts mice.",
    "dogs.txt": "Dogs bark at the moon.\nA dog fetches sticks. It runs.",
    "tea.txt": "Green tea is steamed.",
}


@pytest.fixture
def index(stores):
    """An empty index, in each kind of store."""
    with stores.open() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    """An empty index in a folder."""
    with Index.open(tmp_path / "index", STAMP) as opened:
        yield opened


def passage_ids(index, pairs):
    """Return the passage_ids of (key, score) pairs."""
    with index.snapshot() as snapshot:
        return [one.passage.passage_id for one in snapshot.fetch([key for key, _ in pairs])]


def test_what_was_put_comes_back(index):
    """A passage comes back with its text, spans and vectors, these to half precision."""
    fill(index, TEXTS)
    made = source("cats.txt", TEXTS["cats.txt"])
    wanted = entries(made)

    with index.snapshot() as snapshot:
        pairs = snapshot.lexical("cats", 10)
        stored = {one.passage.passage_id: one for one in snapshot.fetch([key for key, _ in pairs])}
        again = snapshot.source("cats.txt")

    assert made == again == index.source("cats.txt")
    assert {entry.split.passage.passage_id for entry in wanted} == set(stored)
    for entry in wanted:
        got = stored[entry.split.passage.passage_id]
        assert entry.split.passage == got.passage
        assert entry.split.sentences == got.sentences
        np.testing.assert_array_equal(entry.vector.astype(np.float16), got.vector)
        np.testing.assert_array_equal(
            entry.sentence_vectors.astype(np.float16), got.sentence_vectors
        )


def test_structure_comes_back(index):
    """A source with its blocks, a passage with its path, a unit with its kind, path and cells."""
    text = "Rates\n\nIt is so.\n\nzone | price\nnorth | 4\nsouth | 5"
    made = replace(source("rates.txt", text), blocks=find_blocks(text))
    splits = split(
        made, max_tokens=9, overlap_sentences=0, count_tokens=lambda said: len(said.split()), fits=bool
    )  # fmt: skip
    with index.writer() as writer:
        vectors = [np.stack([vector("x")] * len(one.sentences)) for one in splits]
        writer.put(made, "folder", [
            IndexEntry(split=one, vector=vector("x"), sentence_vectors=own)
            for one, own in zip(splits, vectors, strict=True)
        ])  # fmt: skip

    with index.snapshot() as snapshot:
        stored = snapshot.fetch([key for key, _ in snapshot.dense(vector("x"), 10)])

    assert made == index.source("rates.txt")
    assert {one.passage: one.sentences for one in splits} == {
        one.passage: one.sentences for one in stored
    }
    cells = [cell for one in stored for unit in one.sentences for cell in unit.cells]
    assert {"", "zone", "price"} == {cell.name for cell in cells}


def test_what_a_passage_hangs_from_is_searched(index):
    """A word of the heading above finds a passage that does not hold it."""
    heading = Context(kind="heading", start=0, end=0, text="Reimbursement")
    made = source("a.txt", "We pay trains.")
    (entry,) = entries(made)
    led = replace(entry.split, passage=replace(entry.split.passage, path=(heading,)))
    with index.writer() as writer:
        writer.put(made, "folder", [replace(entry, split=led)])

    assert ["We pay trains."] == found(index, "reimbursement")


def test_sources_are_listed_with_what_is_known_of_them(index):
    """The list of sources is in order and counts characters and passages."""
    fill(index, TEXTS)

    listed = [(one.source_id, one.n_chars, one.n_passages, one.origin) for one in index.sources()]

    assert [
        ("cats.txt", 40, 2, "folder"),
        ("dogs.txt", 53, 2, "folder"),
        ("tea.txt", 21, 1, "folder"),
    ] == listed
    assert {name: source(name, text).sha256 for name, text in TEXTS.items()} == index.hashes()
    assert index.sources()[0].indexed_at.endswith("+00:00")


def test_an_empty_index_finds_nothing(index):
    """Nothing is found where nothing is, and nothing fails."""
    with index.snapshot() as snapshot:
        assert [] == snapshot.dense(vector("cat"), 5)
        assert [] == snapshot.lexical("cat", 5)
        assert [] == snapshot.fetch([])
        assert 0 == snapshot.statistics()["passages"]
        assert {"cat"} == set(snapshot.weights(["cat"]))
    assert () == index.sources()


def test_the_nearest_passage_comes_first(index):
    """Dense search ranks by cosine; more than there is gives all there is, and never a passage twice."""
    fill(index, TEXTS)

    with index.snapshot() as snapshot:
        pairs = snapshot.dense(vector("Green tea is steamed."), 100)

    assert 5 == len(pairs) == len({key for key, _ in pairs})
    assert "tea.txt#0-21" == passage_ids(index, pairs)[0]
    assert sorted((score for _, score in pairs), reverse=True) == [score for _, score in pairs]


def test_words_are_found_in_any_form(index):
    """Lexical search knows plurals, cases and accents."""
    fill(index, TEXTS | {"café.txt": "Le café de la gare."})

    assert ["A cat hunts mice.", "Cats purr. They sleep."] == sorted(found(index, "CAT"))
    assert ["Le café de la gare."] == found(index, "cafes")
    assert ["Le café de la gare."] == found(index, unicodedata.normalize("NFD", "café"))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("러시아 국가안보회의 서기가 평양을 방문했다", "국가안보회의"),
        ("러시아 국가안보회의 서기가 평양을 방문했다", "평양에서"),
        ("東京都は日本の首都である", "首都"),
        ("สภาความมั่นคงแห่งชาติ", "มั่นคง"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("Совет безопасности России", "СОВЕТ"),
    ],
)
def test_words_of_other_scripts_are_found(index, text, query):
    """Scripts without spaces, Korean with its particles, and words with inner marks can be searched."""
    fill(index, {"other.txt": text, **TEXTS})

    assert [text] == found(index, query)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "!?", '"', "q AND (z", "cat:dog^4 +[* TO }", "\x00", "\ud800 cat", "‮cat", "*", "cat\\", "/[/",
        "cat " * 20_000, "x" * 100_000,
    ],
    ids=range(14),
)  # fmt: skip
def test_any_text_is_a_query(index, text):
    """Nothing in a question is read as a command, and no question breaks the search."""
    fill(index, TEXTS)

    with index.snapshot() as snapshot:
        pairs = snapshot.lexical(text, 3)

    assert ("cat" in text and "x" not in text) == bool(pairs)


def test_the_passages_of_a_source_are_listed_in_order(index):
    """All of them, in the order of the text, and none of a source that is not there."""
    fill(index, TEXTS)

    with index.snapshot() as snapshot:
        texts = [one.passage.text for one in snapshot.fetch(snapshot.keys("dogs.txt"))]
        assert [] == snapshot.keys("cows.txt")

    assert TEXTS["dogs.txt"].split("\n") == texts


def test_a_search_can_be_kept_to_some_sources(index):
    """With sources named, both searches give their passages only, and all of them that match."""
    fill(index, {f"s{i}.txt": f"common words number{i}" for i in range(30)})
    some = frozenset({"s3.txt", "s29.txt", "nowhere.txt"})

    with index.snapshot() as snapshot:
        dense = snapshot.dense(vector("number7"), 10, sources=some)
        lexical = snapshot.lexical("common words", 10, sources=some)
        nothing = snapshot.dense(vector("number7"), 10, sources=frozenset())
        no_words = snapshot.lexical("common", 10, sources=frozenset({"nowhere.txt"}))

    assert {"s3.txt#0-20", "s29.txt#0-21"} == set(passage_ids(index, dense))
    assert {"s3.txt#0-20", "s29.txt#0-21"} == set(passage_ids(index, lexical))
    assert [] == nothing == no_words


def test_ties_are_broken_by_name(index):
    """Equal scores come in order of passage_id, also where a tie reaches over the end of the list."""
    names = [f"{n:03}.txt" for n in np.random.default_rng(0).permutation(60)]
    fill(index, dict.fromkeys(names, "the very same words"))
    first = sorted(names)[:7]

    with index.snapshot() as snapshot:
        dense = snapshot.dense(vector("words"), 7)
        lexical = snapshot.lexical("words", 7)

    assert [f"{name}#0-19" for name in first] == passage_ids(index, dense)
    assert [f"{name}#0-19" for name in first] == passage_ids(index, lexical)


def test_the_quantiser_finds_what_exact_search_finds(tmp_path):
    """The other kind of vector index gives the same scores, in the same order."""
    texts = {f"{i}.txt": f"word{i} and word{i // 3} and word{i // 7}" for i in range(700)}
    results = []
    for exact_up_to in (10_000, 100):
        folder = tmp_path / str(exact_up_to)
        with Index.open(folder, STAMP, exact_up_to=exact_up_to) as index:
            fill(index, texts)
            with index.snapshot() as snapshot:
                kind = snapshot.statistics()["vectors"]
                some = frozenset(f"{i}.txt" for i in range(0, 700, 2))
                everything = snapshot.dense(vector("word5"), 1000)
                assert 700 == len({key for key, _ in everything})
                results.append(
                    (
                        snapshot.dense(vector("word5 word9"), 5),
                        snapshot.dense(vector("word8"), 9, sources=some),
                    )
                )
        assert ("PQ16x4fs,Refine(SQfp16)" if exact_up_to == 100 else "SQfp16") == kind

    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (np.ones(DIMENSION + 1), r"shape \(32,\), got \(33,\)"),
        (np.ones((1, DIMENSION)), r"shape \(32,\), got \(1, 32\)"),
        (np.full(DIMENSION, np.nan), "finite"),
        (np.full(DIMENSION, np.inf), "finite"),
    ],
)
def test_a_query_that_is_no_vector_is_refused(index, query, message):
    """A wrong shape, NaN or infinity is refused with what was wanted."""
    with index.snapshot() as snapshot, pytest.raises(ValueError, match=message):
        snapshot.dense(query, 3)


def test_no_results_are_no_results(index):
    """Asking for no results gives none; for fewer is refused."""
    fill(index, TEXTS)

    with index.snapshot() as snapshot:
        assert [] == snapshot.dense(vector("cat"), 0) == snapshot.lexical("cat", 0)
        with pytest.raises(ValueError, match="got -1"):
            snapshot.lexical("cat", -1)
        with pytest.raises(ValueError, match="got -1"):
            snapshot.dense(vector("cat"), -1)


def test_weights_are_those_of_bm25(index):
    """The weight of a term is BM25's idf: less for what is common, most for what nobody wrote."""
    fill(index, {f"{i}.txt": "common" + (" rare" if i == 0 else "") for i in range(10)})

    with index.snapshot() as snapshot:
        weights = snapshot.weights(snapshot.analyze("common rare absent"))

    assert {"common", "rare", "absent"} == set(weights)
    assert pytest.approx(np.log(1 + 0.5 / 10.5)) == weights["common"]
    assert pytest.approx(np.log(1 + 9.5 / 1.5)) == weights["rare"]
    assert pytest.approx(np.log(1 + 10.5 / 0.5)) == weights["absent"]


def test_a_source_that_is_not_there_is_named(index):
    """Asking for an unknown source says which."""
    with pytest.raises(SourceNotFoundError, match=r"'no\.txt'"):
        index.source("no.txt")
    with index.snapshot() as snapshot, pytest.raises(SourceNotFoundError, match=r"'no\.txt'"):
        snapshot.source("no.txt")
    with index.writer() as writer, pytest.raises(SourceNotFoundError, match=r"'no\.txt'"):
        writer.remove("no.txt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "other/2"}, r"encoder 'words/1' \(now 'other/2'\).*rag sync --rebuild"),
        ({"dimension": 64, "passage_tokens": 99}, r"dimension 32 \(now 64\), passage_tokens 50 \(now 99\)"),
    ],
)  # fmt: skip
def test_another_encoder_is_refused(stores, change, message):
    """What was built with another encoder or other settings is refused, with what differs and what to do."""
    stores.open().close()

    with pytest.raises(IndexMismatchError, match=message):
        stores.open(stamp=type(STAMP)(**{**_fields(STAMP), **change}))


def _fields(stamp):
    return {name: getattr(stamp, name) for name in stamp.__dataclass_fields__}


def test_an_index_is_made_only_when_wanted(stores, tmp_path):
    """Without leave to make one, a place without an index is said to have none, and stays as it is."""
    for _ in range(2):
        with pytest.raises(IndexNotFoundError, match="rag sync"):
            stores.open(create=False)

    assert [] == list(tmp_path.iterdir())


def test_a_snapshot_is_of_one_state(index):
    """What is written while a snapshot is open is not in it, and is in the next."""
    fill(index, {"a.txt": "apple"})

    with index.snapshot() as before:
        fill(index, {"a.txt": "apple pear", "b.txt": "pear"})
        assert "apple" == before.source("a.txt").text
        assert [] == before.lexical("pear", 5)
        assert ["apple"] == [
            one.passage.text
            for one in before.fetch([k for k, _ in before.dense(vector("pear"), 9)])
        ]
    assert ["apple pear", "pear"] == sorted(found(index, "pear"))


def test_readers_see_whole_states_while_a_writer_writes(index):
    """Four threads that ask during a dozen commits each see one commit, whole, every time."""
    fill(index, {f"{i}.txt": "version0 text" for i in range(5)})
    done, seen, faults = threading.Event(), set(), []

    def ask() -> None:
        try:
            while not done.is_set():
                with index.snapshot() as snapshot:
                    stored = snapshot.fetch([k for k, _ in snapshot.dense(vector("text"), 50)])
                    texts = {one.passage.text for one in stored}
                    words = snapshot.lexical("text", 50)
                    sources = {snapshot.source(f"{i}.txt").text for i in range(5)}
                    if not (
                        len(texts) == 1 and len(words) == 5 == len(stored) and texts == sources
                    ):
                        faults.append((texts, len(words)))
                    seen.update(texts)
        except Exception as exc:
            faults.append(exc)
            raise

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(1, 13):
        fill(index, {f"{i}.txt": f"version{version} text" for i in range(5)})
    done.set()
    for thread in threads:
        thread.join()

    assert [] == faults
    assert len(seen) > 1


def test_another_process_sees_what_was_committed(index, stores):
    """A commit of one process is in the next snapshot of another."""
    fill(index, {"a.txt": "apple"})
    assert ["apple"] == found(index, "apple")

    with stores.child("fill(index, {'a.txt': 'pear'})\nindex.close()") as other:
        assert 0 == other.wait()

    assert ["pear"] == found(index, "pear")
    assert [] == found(index, "apple")


def test_what_is_removed_leaves_no_byte(folder):
    """After a removal no word of the source is anywhere in the folder, and neither is its vector."""
    fill(folder, {f"{i}.txt": f"ordinary text number {i}\nmore of it" for i in range(50)})
    secret = "\n".join(f"The xylomorphic zebrafinch {i}.\nIts quetzalword." for i in range(100))
    fill(folder, {"secret.txt": secret})
    hidden = entries(source("secret.txt", secret))[0]
    marks = [b"xylomorph", b"zebrafinch", b"quetzalword", hidden.vector.astype("<f2").tobytes()]
    assert found(folder, "zebrafinch")
    assert all(mark in bytes_of(folder.layout.folder) for mark in marks)

    with folder.writer() as writer:
        writer.remove("secret.txt")

    left = bytes_of(folder.layout.folder)
    assert [False] * 4 == [mark in left for mark in marks]
    assert [] == found(folder, "zebrafinch")
    assert 50 == len(folder.sources())


def test_a_removal_during_a_long_question_is_complete_when_that_ends(folder):
    """A reader of an older state keeps it; its log of changes goes when it is done."""
    fill(folder, {"a.txt": "ordinary", "b.txt": "zebrafinch"})

    with folder.snapshot() as snapshot:
        with folder.writer() as writer:
            writer.remove("b.txt")
        assert "zebrafinch" == snapshot.source("b.txt").text

    assert b"zebrafinch" not in bytes_of(folder.layout.folder)


def test_a_closed_index_refuses(index):
    """Using a closed index is an error, not a new connection."""
    index.close()

    with pytest.raises(ValueError, match="closed"), index.snapshot():
        pass


def test_a_closed_index_is_a_few_files(tmp_path):
    """No log, no unfinished file and no temporary folder stays behind."""
    with Index.open(tmp_path, STAMP) as index:
        for text in ("one", "two", "three"):
            fill(index, {"a.txt": text})

    names = sorted(path.name for path in tmp_path.iterdir())
    assert ["index.lock", "index.sqlite"] == names[:2]
    assert [".faiss", ".tantivy"] == [Path(name).suffix for name in names[2:]]


def test_an_emptied_index_keeps_what_a_person_said(stores):
    """Emptying takes every source, but what was added or removed by hand is remembered, and any encoder may come."""
    with stores.open() as index:
        fill(index, {"a.txt": "zebrafinch"})
        index.remember_root("/documents", "documents/")
        with index.writer() as writer:
            writer.exclude("b.txt", "abc")

    stores.discard()

    assert b"zebrafinch" not in stores.held()
    other = type(STAMP)(**{**_fields(STAMP), "encoder": "other/2"})
    with stores.open(stamp=other) as index:
        assert () == index.sources()
        assert (KnownRoot(path="/documents", prefix="documents/"),) == index.roots()
        assert {"b.txt": "abc"} == index.excluded()
        assert [] == found(index, "zebrafinch")


def test_an_open_index_notices_that_it_was_emptied(index, stores):
    """Whoever has the index open learns that it was built anew with something else."""
    fill(index, {"a.txt": "apple"})
    assert ["apple"] == found(index, "apple")

    stores.discard()

    with pytest.raises(IndexMismatchError, match="emptied"), index.snapshot():
        pass


words = st.sampled_from("red green blue car bus train fast slow old new".split())
lines = st.lists(words, min_size=1, max_size=6).map(" ".join)
names = st.sampled_from([f"{letter}.txt" for letter in "abcdef"])


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(names, st.lists(lines, max_size=4)), min_size=1, max_size=5),
    query=lines,
    k=st.integers(1, 8),
)
def test_any_history_leaves_what_a_plain_model_holds(stores, steps, query, k):
    """After any puts and removals, dense search is brute force over the model, and word search finds whom it should."""
    model: dict[str, list[str]] = {}
    with stores.open(uuid.uuid4().hex) as index:
        for name, texts in steps:
            with index.writer() as writer:
                made = source(name, "\n".join(texts))
                if texts:
                    writer.put(made, "folder", entries(made))
                    model[name] = texts
                elif model.pop(name, None):
                    writer.remove(name)

        held = [entry for n, t in model.items() for entry in entries(source(n, "\n".join(t)))]
        with index.snapshot() as snapshot:
            dense, lexical = snapshot.dense(vector(query), k), snapshot.lexical(query, k)
            assert len(held) == snapshot.statistics()["passages"]
            assert sum(len(e.split.sentences) for e in held) == snapshot.statistics()["sentences"]
        got = list(zip(passage_ids(index, dense), [score for _, score in dense], strict=True))
        brute = [
            (
                e.split.passage.passage_id,
                float(e.vector.astype(np.float16).astype(np.float64) @ vector(query)),
            )
            for e in held
        ]
        wanted = sorted(
            ((name, round(score, 7)) for name, score in brute), key=lambda one: (-one[1], one[0])
        )
        assert wanted[:k] == got

        sharing = [e for e in held if set(e.split.passage.text.split()) & set(query.split())]
        assert min(k, len(sharing)) == len(lexical)
        assert {e.split.passage.passage_id for e in sharing} >= set(passage_ids(index, lexical))
        assert () == index.faults()


def test_a_folder_that_fills_again_while_it_goes_is_removed(tmp_path, monkeypatch):
    """A thread of tantivy that puts its lock file there last neither fails the caller nor leaves the folder."""
    late = iter([True, True, False])
    rmdir = os.rmdir

    def racing(path, **where):
        if next(late, False):
            raise OSError(errno.ENOTEMPTY, "Directory not empty", path)
        rmdir(path, **where)

    with word_files._passing(str(tmp_path)) as name:
        (Path(name) / ".tantivy-meta.lock").touch()
        monkeypatch.setattr(os, "rmdir", racing)

    assert [] == list(tmp_path.iterdir())
