"""An index of an older format: upgraded in place, its documents read again, nothing of it lost."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from rag import Rag, Settings
from rag.errors import IndexCorruptError
from rag.index import Index
from rag.index.database import LATER_TABLES, checksum, put_fact
from tests.index_fakes import STAMP, fill, vector


def aged(database: Path) -> None:
    """Make a database what format 1 had."""
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        for table in LATER_TABLES:
            db.execute(f"DROP TABLE {table}")
        for row, source_id, pages, text in db.execute(
            "SELECT id, source_id, pages, text FROM sources"
        ).fetchall():
            crc = checksum(source_id, pages, text)
            db.execute("UPDATE sources SET body_crc = ? WHERE id = ?", [crc, row])
        for *facts, spans, text in db.execute(
            "SELECT key, source, start, stop, n_tokens, sentences, text FROM passages"
        ).fetchall():
            crc = zlib.crc32(text.encode(), zlib.crc32(spans, zlib.crc32(repr(facts).encode())))
            db.execute("UPDATE passages SET crc = ? WHERE key = ?", [crc, facts[0]])
        db.execute("ALTER TABLE sources DROP COLUMN blocks")
        db.execute("ALTER TABLE passages DROP COLUMN units")
        db.execute("PRAGMA user_version = 1")


@pytest.fixture
def old(tmp_path: Path) -> Settings:
    """Settings whose index is of the last format, over seeds and a folder that was added."""
    for name, text in (
        ("seeds/a.md", "# Ferry\n\n- It leaves at 8."),
        ("far/b.md", "# Mill\n\nIt burnt."),
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    settings = Settings(seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index")
    with Rag.open(settings) as rag:
        rag.sync([tmp_path / "far"])
    aged(tmp_path / "index" / "index.sqlite")
    return settings


@pytest.mark.model
def test_its_documents_are_read_again(old: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """The next sync reads every document again, says so in a line, and once is enough."""
    with Rag.open(old) as rag:
        assert rag.last_sync is not None
        assert ["a.md", "far/b.md"] == [one.source_id for one in rag.last_sync.updated]
        assert ["title", "list", "item"] == [one.kind for one in rag.source("a.md").blocks]
        assert () == rag.faults()
    with Rag.open(old) as rag:
        assert rag.last_sync is not None
        assert () == rag.last_sync.updated
    assert 1 == sum("older version; its 2 documents" in one.message for one in caplog.records)


@pytest.mark.model
def test_what_cannot_be_reached_is_carried_over(old: Settings, tmp_path: Path) -> None:
    """A source of a folder that is not there keeps its text, with the blocks that the text alone shows."""
    (tmp_path / "far").rename(tmp_path / "away")

    with Rag.open(old) as rag:
        assert "Mill\n\nIt burnt." == rag.source("far/b.md").text
        assert ["title", "paragraph"] == [one.kind for one in rag.source("far/b.md").blocks]
        assert "far/b.md" in [one.passage.source_id for one in rag.search("burnt")]


@pytest.mark.model
def test_a_damaged_one_is_left_as_it_is(old: Settings, tmp_path: Path) -> None:
    """A text that does not fit its checksum is an IndexCorruptError, and the database is not changed."""
    database = tmp_path / "index" / "index.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("UPDATE sources SET text = 'other' WHERE source_id = 'a.md'")

    with pytest.raises(IndexCorruptError):
        Rag.open(old)

    with closing(sqlite3.connect(database)) as db:
        assert (1,) == db.execute("PRAGMA user_version").fetchone()


@pytest.mark.parametrize("version", [2, 3])
def test_vectors_of_an_older_format_are_written_anew(tmp_path: Path, version: int) -> None:
    """An index whose vectors lie in other files answers as before, of what its database holds."""
    folder = tmp_path / "index"
    with Index.open(folder, STAMP) as index:
        fill(index, {"a.txt": "one\ntwo", "b.txt": "three"})
        with index.snapshot() as snapshot:
            expected = snapshot.dense(vector("two"), 3)
    with closing(sqlite3.connect(folder / "index.sqlite", isolation_level=None)) as db:
        state = json.loads(db.execute("SELECT value FROM facts WHERE name = 'state'").fetchone()[0])
        (segment,) = state["vectors"]
        del segment["tail"]
        if version == 2:
            state["vectors"] = {name: segment[name] for name in ("file", "kind", "passages")}
        put_fact(db, "state", json.dumps(state))
        db.execute(f"PRAGMA user_version = {version}")
    before = sorted(folder.glob("*.faiss"))

    with Index.open(folder, STAMP) as index:
        with index.snapshot() as snapshot:
            assert expected == snapshot.dense(vector("two"), 3)
        assert before != sorted(folder.glob("*.faiss"))
        assert 1 == len(list(folder.glob("*.faiss")))
        fill(index, {"c.txt": "four"})
        with index.snapshot() as snapshot:
            assert expected == [one for one in snapshot.dense(vector("two"), 4) if one[0] <= 3]
        assert () == index.faults()
