"""Files of the index that are missing, damaged, stale or not writable: rebuilt, or refused with what to do."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rag.errors import IndexCorruptError, IndexFormatError, IndexStateError, IndexWriteError
from rag.index import Index, discard
from rag.index.database import FORMAT
from tests.index_fakes import STAMP, bytes_of, fill, found, vector

TEXTS = {
    f"{i}.txt": f"passage number{i} of many.\nAnother line{i % 4}. And more." for i in range(40)
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A closed index, not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    with Index.open(folder, STAMP) as index:
        fill(index, TEXTS)
    return folder


@pytest.fixture
def folder(built, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(built, tmp_path / "index"))


def answers(folder):
    """Return what a handful of questions get from an index: everything a person could see."""
    with Index.open(folder, STAMP) as index, index.snapshot() as snapshot:
        seen = []
        for text in ("number7", "another line3", "passage of many more"):
            for pairs in (snapshot.dense(vector(text), 12), snapshot.lexical(text, 12)):
                stored = snapshot.fetch([key for key, _ in pairs])
                seen.append(
                    [
                        (one.passage, one.sentences, score)
                        for one, (_, score) in zip(stored, pairs, strict=True)
                    ]
                )
        return seen, [snapshot.source(info.source_id) for info in index.sources()], index.hashes()


def outcome(folder):
    """Return the answers, or why there are none."""
    try:
        return answers(folder), None
    except IndexStateError as exc:
        return None, exc


def search_files(folder):
    """Return the derived files."""
    return sorted(path for path in folder.iterdir() if path.suffix in {".faiss", ".tantivy"})


def flip(path, rng):
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    path.write_bytes(data)


def truncate(path, rng):
    """Cut the end off."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def zero(path, rng):
    """Blank a page."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(0, len(data), 4096)
    data[at : at + 4096] = bytes(len(data[at : at + 4096]))
    path.write_bytes(data)


def extend(path, rng):
    """Append something, which faiss would not notice."""
    path.write_bytes(path.read_bytes() + rng.randbytes(10))


def delete(path, _):
    """Remove the file."""
    path.unlink()


@pytest.mark.parametrize("which", [0, 1], ids=["vectors", "words"])
@pytest.mark.parametrize("harm", [flip, truncate, zero, extend, delete])
def test_a_harmed_search_file_is_built_anew(built, folder, which, harm):
    """Whatever happens to a search file, answers stay the same and the file is whole again."""
    path = search_files(folder)[which]

    harm(path, random.Random(1))

    assert answers(built) == answers(folder)
    with Index.open(folder, STAMP) as index:
        assert index.faults() == ()
    assert 2 == len(search_files(folder))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A closed index with a quantiser, whose vectors are read when they are compared."""
    folder = tmp_path_factory.mktemp("large")
    with Index.open(folder, STAMP, exact_up_to=100) as index:
        fill(index, {f"{i}.txt": f"word{i} and word{i // 3} and word{i // 7}" for i in range(400)})
    return folder


def nearest(folder):
    """Return what is near some words, in all sources and in most."""
    with Index.open(folder, STAMP, exact_up_to=100) as index, index.snapshot() as snapshot:
        most = frozenset(f"{i}.txt" for i in range(390))
        seen = []
        for text in ("word7", "word3 and word21"):
            seen.append(snapshot.dense(vector(text), 12))
            seen.append(snapshot.dense(vector(text), 12, sources=most))
            seen.append([bytes(s.vector) for s in snapshot.fetch([k for k, _ in seen[-1]])])
        return seen


@pytest.mark.parametrize("harm", [flip, truncate, zero, extend, delete])
@pytest.mark.parametrize("seed", range(8))
def test_a_harmed_vector_changes_no_answer(large, tmp_path, harm, seed):
    """A vector that is found to be damaged when it is compared is taken from the database, and its file is mended."""
    folder = Path(shutil.copytree(large, tmp_path / "index"))
    harm(search_files(folder)[0], random.Random(seed))

    assert nearest(large) == nearest(folder)
    with Index.open(folder, STAMP) as index:
        assert index.faults() == ()
    assert 2 == len(search_files(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_harmed_vector_is_replaced_in_memory_where_nothing_may_be_written(large, tmp_path):
    """Answers stay the same over a damaged file that cannot be mended."""
    folder = Path(shutil.copytree(large, tmp_path / "index"))
    flip(search_files(folder)[0], random.Random(3))
    folder.chmod(0o500)

    assert nearest(large) == nearest(folder)


def test_search_files_of_another_state_are_not_used(built, folder):
    """Files of another index, under the names of ours, are seen through by their hash."""
    with Index.open(folder.parent / "other", STAMP) as index:
        fill(index, {f"{i}.txt": "something else" for i in range(40)})
    for ours, other in zip(
        search_files(folder), search_files(folder.parent / "other"), strict=True
    ):
        shutil.copy(other, ours)

    assert answers(built) == answers(folder)


@pytest.mark.parametrize("seed", range(40))
def test_a_harmed_database_never_gives_another_answer(built, folder, seed):
    """A damaged database is refused by name and with the remedy, or the damage hit nothing that was asked for."""
    rng = random.Random(seed)
    rng.choice([flip, truncate, zero])(folder / "index.sqlite", rng)

    got, error = outcome(folder)

    if error is None:
        assert answers(built) == got
    else:
        assert isinstance(error, IndexCorruptError | IndexFormatError)
        assert "index.sqlite" in str(error)
        assert "rag sync --rebuild" in str(error)


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"\0" * 5000])
def test_a_file_that_is_no_database_is_refused(folder, content):
    """An empty or foreign file is never taken for a new index; discarding it lets a new one be made."""
    (folder / "index.sqlite").write_bytes(content)

    with pytest.raises(IndexStateError, match=r"index\.sqlite.*rag sync --rebuild") as caught:
        Index.open(folder, STAMP)
    assert isinstance(caught.value, IndexCorruptError | IndexFormatError)

    discard(folder)
    with Index.open(folder, STAMP) as index:
        fill(index, {"a.txt": "fresh"})
        assert ["fresh"] == found(index, "fresh")
    assert 2 == len(search_files(folder))


@pytest.mark.parametrize("number", [0, FORMAT + 1, 99])
def test_another_format_is_refused(folder, number, figure):
    """R12: what an older or a newer version wrote is refused with what to do, which works; nothing is guessed at.

    Seen to fail with the number not looked at.
    """
    with sqlite3.connect(folder / "index.sqlite") as db:
        db.execute(f"PRAGMA user_version = {number}")
    db.close()
    before = bytes_of(folder)

    with pytest.raises(IndexFormatError, match="rag sync --rebuild") as caught:
        Index.open(folder, STAMP)
    assert f"(format {number}, this one reads {FORMAT})" in str(caught.value)
    assert before == bytes_of(folder)
    figure(f"R12: format {number} of {FORMAT} refused with what to do")

    discard(folder)
    with Index.open(folder, STAMP) as index:
        fill(index, {"a.txt": "fresh"})
        assert ["fresh"] == found(index, "fresh")


def test_harm_is_found_on_request(folder):
    """A full check names damage that no question has met yet."""
    with sqlite3.connect(folder / "index.sqlite") as db:
        db.execute("UPDATE passages SET text = 'forged' WHERE key = 7")
    db.close()
    search_files(folder)[0].write_bytes(b"")

    with Index.open(folder, STAMP) as index:
        faults = index.faults()

    assert ["passage 7 is not what was written" in fault for fault in faults] == [True, False]
    assert "vectors-" in faults[1]


def test_a_forged_passage_is_not_quoted(folder):
    """Text that was changed behind the index's back is refused, not shown."""
    with sqlite3.connect(folder / "index.sqlite") as db:
        db.execute("UPDATE passages SET text = replace(text, 'many', 'some')")
        db.execute("UPDATE sources SET text = replace(text, 'many', 'some')")
    db.close()

    with Index.open(folder, STAMP) as index, index.snapshot() as snapshot:
        with pytest.raises(IndexCorruptError, match="passage 7"):
            snapshot.fetch([7])
        with pytest.raises(IndexCorruptError, match=r"7\.txt"):
            snapshot.source("7.txt")


def test_leftovers_are_collected(folder):
    """Files that a crash left behind go with the next commit."""
    (folder / "vectors-9.faiss").write_bytes(b"x")
    (folder / "words-1234.tantivy.part").write_bytes(b"x")

    with Index.open(folder, STAMP) as index:
        fill(index, {"a.txt": "fresh"})

    assert not (folder / "vectors-9.faiss").exists()
    assert not (folder / "words-1234.tantivy.part").exists()


class Planted:
    """Leaves a file when it is unpickled, in whatever process."""

    def __reduce__(self):
        return Path.touch, (Path("canary"),)


def test_a_planted_pickle_is_never_read(built, folder, monkeypatch, figure):
    """R13: under any name, in place of each file of ours too, a pickle is never unpickled; others stay untouched.

    Seen to fail with search files unpickled before they are looked at.
    """
    monkeypatch.chdir(folder.parent)
    planted = pickle.dumps(Planted())
    strange = ("index.pkl", "index.faiss", "docstore.joblib", "vectors.npy", "index.sqlite.pkl")
    for name in strange:
        (folder / name).write_bytes(planted)
    ours = [path for path in folder.iterdir() if path.name not in strange]

    assert answers(built) == answers(folder)
    for path in ours:
        whole = path.read_bytes()
        path.write_bytes(planted)
        got, error = outcome(folder)
        assert (answers(built) == got) if error is None else isinstance(error, IndexCorruptError)
        path.write_bytes(whole)

    figure(f"R13: a pickle under {len(strange) + len(ours)} names, never unpickled")
    assert not Path("canary").exists()
    assert [planted] * len(strange) == [(folder / name).read_bytes() for name in strange]
    pickle.loads(planted)
    assert Path("canary").exists()  # had it been, this would have been seen


@pytest.fixture
def public():
    """A folder that everyone can reach, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


READ_ONLY = """
import os, sys
from pathlib import Path
sys.path.insert(0, os.getcwd())
import faiss, tantivy  # nobody may not be able to reach the libraries
from rag.index import Index
from tests.index_fakes import STAMP, fill, found
os.setuid(65534)
with Index.open(Path(sys.argv[1]), STAMP) as index:
    print(len(found(index, "number7")), len(index.sources()))
    try:
        fill(index, {"a.txt": "fresh"})
    except Exception as exc:
        print(type(exc).__name__)
"""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize("harmed", [False, True])
def test_a_folder_that_may_only_be_read_answers(folder, public, harmed):
    """Without permission to write, questions are answered, even if a search file is damaged; writing is refused."""
    if harmed:
        search_files(folder)[0].write_bytes(b"")
    before = bytes_of(folder)
    shutil.copytree(folder, public, dirs_exist_ok=True)
    public.chmod(0o755)
    for path in public.iterdir():
        path.chmod(0o644)

    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(public)], capture_output=True, text=True, check=False
    )

    assert "1 40\nIndexWriteError\n" == done.stdout, done.stderr
    assert before == bytes_of(public)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    """An index below a file cannot be made, and the message says where."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(IndexWriteError, match="file/index"):
        Index.open(tmp_path / "file" / "index", STAMP)


def test_a_damaged_name_of_a_source_is_no_other_source(folder):
    """Wherever the database holds a source's name, another name there is refused or seen through.

    Seen to fail with a passage's source named by SQLite's index of names alone: it was then not found.
    """
    whole, database = answers(folder), folder / "index.sqlite"
    content = database.read_bytes()
    places = [at for at in range(len(content)) if content.startswith(b"17.txt", at)]
    assert len(places) > 1

    for at in places:
        database.write_bytes(content[:at] + b"17.t!t" + content[at + 6 :])
        found, refusal = outcome(folder)
        assert found == whole or isinstance(refusal, IndexCorruptError)
