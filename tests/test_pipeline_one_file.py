"""One file is brought up to date by itself, and the index is locked only to put it in."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag.pipeline import Rag
from rag.settings import Settings
from tests.fakes import HashEncoder, open_rag


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two documents that are not indexed."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "harbour.txt").write_text("The harbour of Ostby was built in 1871.", encoding="utf-8")
    (seeds / "ferry.txt").write_text("The ferry to Lund leaves at eight.", encoding="utf-8")
    return Settings(seeds_dir=seeds, index_dir=tmp_path / "index")


@pytest.fixture
def rag(settings: Settings):
    """An index with nothing in it."""
    with open_rag(settings.seeds_dir) as opened:
        yield opened


def sync_file(rag: Rag, name: str) -> list[tuple[str, str, str]]:
    """Sync one file; return what became of it."""
    origin = str(rag.settings.seeds_dir.resolve())
    report = rag.sync_file(origin, name)
    return [(file.source_id, file.fate, file.reason) for file in report.files]


def known(rag: Rag) -> list[str]:
    """Return what is indexed."""
    return [info.source_id for info in rag.sources()]


def test_it_is_added_changed_and_removed_as_its_file_is(rag, settings):
    """And nothing else is touched."""
    file = settings.seeds_dir / "harbour.txt"
    assert [("harbour.txt", "added", "")] == sync_file(rag, "harbour.txt")
    assert ["harbour.txt"] == known(rag)
    assert [("harbour.txt", "unchanged", "")] == sync_file(rag, "harbour.txt")
    file.write_text("The harbour of Ostby was widened in 1902.", encoding="utf-8")
    assert [("harbour.txt", "updated", "")] == sync_file(rag, "harbour.txt")
    assert "1902" in rag.search("harbour Ostby widened")[0].passage.text
    file.unlink()
    assert [("harbour.txt", "removed", "gone")] == sync_file(rag, "harbour.txt")
    assert [] == known(rag)


def test_what_makes_no_source_says_why(rag, settings):
    """As in any other sync; the same bytes are not tried again."""
    (settings.seeds_dir / "empty.txt").write_text("", encoding="utf-8")
    assert [("empty.txt", "failed", "empty")] == sync_file(rag, "empty.txt")
    assert [("empty.txt", "failed", "empty")] == [
        (one.source_id, one.fate, one.reason) for one in rag.sync().failed
    ]


def test_a_duplicate_is_told_from_its_first(rag, settings):
    """The same content is indexed once, whoever comes first."""
    shutil.copy(settings.seeds_dir / "ferry.txt", settings.seeds_dir / "copy.txt")
    sync_file(rag, "ferry.txt")
    assert [("copy.txt", "unchanged", "duplicate")] == sync_file(rag, "copy.txt")
    assert ["ferry.txt"] == known(rag)


def test_a_folder_that_is_away_takes_nothing_with_it(rag, settings):
    """Its files are out of reach, not gone."""
    rag.sync()
    settings.seeds_dir.rename(settings.seeds_dir.with_name("away"))
    assert [("harbour.txt", "unreachable", "unreachable")] == sync_file(rag, "harbour.txt")
    assert ["ferry.txt", "harbour.txt"] == known(rag)


def test_a_root_that_was_forgotten_is_left_alone(rag, tmp_path):
    """A job may come late."""
    assert () == rag.sync_file(str(tmp_path / "elsewhere"), "harbour.txt").files


def test_the_index_is_free_while_a_file_is_read_and_embedded(rag, monkeypatch):
    """Others write meanwhile; that is what lets several machines index at the same time."""
    free = []
    real = HashEncoder.encode_passages

    def encode(self, *args, **options):
        with rag._index.writer():
            free.append(True)
        return real(self, *args, **options)

    monkeypatch.setattr(HashEncoder, "encode_passages", encode)
    assert [("harbour.txt", "added", "")] == sync_file(rag, "harbour.txt")
    assert [True] == free


def test_several_at_once_are_all_there(rag, settings):
    """Each waits for the moment in which another puts its file in."""
    names = [f"note-{n}.txt" for n in range(12)]
    for name in names:
        (settings.seeds_dir / name).write_text(f"Note {name} on cranes.", encoding="utf-8")
    with ThreadPoolExecutor(4) as pool:
        fates = [fate for [(_, fate, _)] in pool.map(lambda name: sync_file(rag, name), names)]
    assert ["added"] * 12 == fates
    assert sorted(names) == known(rag)
    assert () == rag.faults()


def test_answers_say_how_much_is_yet_to_be_read(rag, settings):
    """From when it waits until nothing does."""
    found = rag.unread()
    origin = str(settings.seeds_dir.resolve())
    assert ((origin, "ferry.txt"), (origin, "harbour.txt")) == found.files
    rag.note_waiting({origin: 2}, found.places)
    assert "2 documents are yet to be read" in " ".join(rag.gaps())
    rag.note_waiting({origin: 1})
    assert "1 document " in " ".join(rag.gaps())
    rag.sync()
    assert () == rag.gaps()
    assert not rag.unread().is_changed
