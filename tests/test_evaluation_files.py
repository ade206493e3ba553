"""The questions on everyday files: what they quote stands in what is read of the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.evaluation.dataset import load_dataset, locate_quotes
from rag.sources import Root, find_files, load

FILES = Path(__file__).parents[1] / "eval/data/files"


@pytest.mark.parametrize("group", ["mail", "records", "talks", "markup"])
def test_what_a_question_quotes_is_read_of_its_file(group):
    """Every file is read whole, every quote is found, and every file is asked about."""
    found, reports = find_files(Root(FILES / group / "sources", ""))
    loaded = [load(one, max_bytes=10**6) for one in found]
    sources = [part.source for one in loaded for part in (one, *one.parts)]
    assert ([], []) == (reports, [fault for one in loaded for fault in one.faults])

    located = locate_quotes(load_dataset(FILES / group / "questions.jsonl"), sources)

    asked = {one.source_id.split("/")[0] for example in located for one in example.evidence}
    assert {one.source_id for one in found} == asked
