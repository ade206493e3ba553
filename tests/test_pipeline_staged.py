"""The passages that were found first are read first; the others only where these do not answer surely."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.pipeline.extractive import FIRST_READ, ExtractiveAnswerer
from tests.fakes import OverlapReader, open_rag

NOTES = {
    "harbour.md": "# Harbour\n\nThe harbour master keeps the spare lantern in the boathouse.",
    "market.md": "# Market\n\nThe spare tables of the market are kept behind the town hall.",
    "school.md": "# School\n\nThe caretaker keeps spare keys of every room.",
    "theatre.md": "# Theatre\n\nThe lantern of the theatre was repaired in spring.",
    "garden.md": "# Garden\n\nWatering cans are kept beside the gate.",
}


class LoggingReader(OverlapReader):
    """Remembers how many candidates it was given each time."""

    def __init__(self) -> None:
        self.read_at_once: list[int] = []

    def read(self, query, candidates):
        """Read all."""
        self.read_at_once.append(len(candidates))
        return super().read(query, candidates)

    def read_first(self, query, candidates, n):
        """Read the first n."""
        self.read_at_once.append(n)
        return super().read(query, candidates[:n])


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("harbour master keeps spare lantern boathouse", [FIRST_READ]),
        ("Where does the harbour master keep a whistle?", [FIRST_READ, len(NOTES)]),
        ("Which things are kept spare?", [len(NOTES)]),
    ],
)
def test_the_others_are_read_where_the_first_do_not_answer(folder, question, expected):
    """A sure answer ends the reading; a guess, and a question that several sentences may answer, do not."""
    reader = LoggingReader()

    with open_rag(folder, answerers=[ExtractiveAnswerer(reader)]) as rag:
        rag.sync()
        rag.ask(question)

    assert expected == reader.read_at_once


def test_what_was_not_read_is_evidence_behind_what_was(folder):
    """Every passage that was found is told, those that were read first."""
    with open_rag(folder, answerers=[ExtractiveAnswerer(LoggingReader())]) as rag:
        rag.sync()
        found = rag.ask("harbour master keeps spare lantern boathouse")

    assert "answered" == found.status
    assert len(NOTES) == len(found.evidence)
    assert "boathouse" in found.evidence[0].passage.text
    assert [0.0] * (len(NOTES) - FIRST_READ) == [one.score for one in found.evidence[FIRST_READ:]]


def test_a_newer_version_of_the_document_is_read(tmp_path):
    """Where another passage is of a version of the document that answers, all are read, and the newer one answers."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for year, fee in ((2021, 10), (2022, 11), (2023, 12), (2024, 13)):
        (folder / f"rules-{year}.md").write_text(
            f"# Rules {year}\n\nThe yearly membership fee is {fee} euros.", encoding="utf-8"
        )
    reader = LoggingReader()

    with open_rag(folder, answerers=[ExtractiveAnswerer(reader)]) as rag:
        rag.sync()
        found = rag.ask("yearly membership fee euros")

    assert 4 == reader.read_at_once[-1]
    assert "13 euros" in found.text
