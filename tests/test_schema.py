"""The nouns."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

import rag
from rag.schema import (
    Answer,
    BlockKind,
    Citation,
    Context,
    FileReport,
    Passage,
    Reason,
    ReasonCode,
    ScoredPassage,
    Scorer,
    ShortAnswer,
    Span,
    Statement,
    Status,
    Step,
    SyncReport,
)

SCHEMA = json.loads(
    (Path(rag.__file__).parent / "data" / "answer.schema.json").read_text(encoding="utf-8")
)


def answer(**changes: object) -> Answer:
    """An answer with something in every field."""
    heading = Context(start=0, end=0, kind="title", text="Ice")
    passage = Passage(
        passage_id="a.txt#0-14",
        source_id="a.txt",
        start=0,
        end=14,
        text="Ice is frozen.",
        n_tokens=4,
        path=(heading,),
    )
    scored = ScoredPassage(
        passage=passage, score=0.9, rank=1, scorer="reader", decisive=Span(start=7, end=13)
    )
    values = {
        "question": "What is ice?",
        "query": "What is ice?",
        "status": "partial",
        "reason": Reason(code="partly_answered", message="Only a part."),
        "text": "Ice is frozen. [1]",
        "statements": (Statement(start=0, end=18, markers=(1,), verdict="supported", support=1.0),),
        "citations": (
            Citation(
                marker=1,
                source_id="a.txt",
                title="Ice",
                start=0,
                end=14,
                quote="Ice is frozen.",
                page=None,
                sha256="0" * 64,
                context=(heading,),
            ),
        ),
        "evidence": (scored,),
        "confidence": 0.8,
        "model": "extractive:test",
        "timings": {"search": 0.01},
        "usage": {"prompt": 12},
        "steps": (Step(code="cited", detail="..."),),
        "short": ShortAnswer(text="frozen", markers=(1,)),
        "closest": (scored,),
    }
    return Answer(**(values | changes))


def test_nouns_are_frozen():
    """An answer that was given cannot be altered."""
    with pytest.raises(FrozenInstanceError):
        answer().text = "other"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"reason": None, "status": "answered", "short": None, "closest": ()},
        {"reason": Reason(code="unsure", message="Probably."), "status": "likely"},
        {
            "reason": Reason(code="subject_missing", message="Snow is not named."),
            "status": "likely",
        },
        {"evidence": (), "statements": ()},
    ],
)
def test_to_dict_is_json_that_fits_the_schema(changes):
    """`to_dict` gives plain JSON, which validates against the schema that ships in the package."""
    found = json.loads(json.dumps(answer(**changes).to_dict()))

    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_schema_describes_exactly_the_fields_of_an_answer():
    """A new field of `Answer` cannot be forgotten in the JSON Schema."""
    expected = {field.name for field in fields(Answer)}

    assert expected == set(SCHEMA["properties"])
    assert expected == set(SCHEMA["required"])


def test_schema_names_every_value_that_a_field_can_have():
    """Degrees, reasons, scorers and kinds of blocks are those of the nouns, all of them."""
    reason = SCHEMA["properties"]["reason"]["oneOf"][1]["properties"]["code"]["enum"]
    scorer = SCHEMA["$defs"]["scored_passage"]["properties"]["scorer"]["enum"]
    kind = SCHEMA["$defs"]["contexts"]["items"]["properties"]["kind"]["enum"]

    assert list(get_args(Status)) == SCHEMA["properties"]["status"]["enum"]
    assert list(get_args(ReasonCode)) == reason
    assert list(get_args(Scorer)) == scorer
    assert list(get_args(BlockKind)) == kind


def test_schema_refuses_what_is_not_an_answer():
    """The schema is strict: a status of one's own making is no answer."""
    wrong = json.loads(json.dumps(answer().to_dict())) | {"status": "perhaps"}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


def test_sync_report_sorts_files_by_fate():
    """Each property of a report names the files of its fate and no others."""
    fates = ["added", "updated", "unchanged", "removed", "failed", "added"]
    files = tuple(FileReport(source_id=f"{i}.txt", fate=fate) for i, fate in enumerate(fates))
    report = SyncReport(files=files, n_embedded=3, seconds=0.1)

    assert (files[0], files[5]) == report.added
    assert (files[1],) == report.updated
    assert (files[2],) == report.unchanged
    assert (files[3],) == report.removed
    assert (files[4],) == report.failed
