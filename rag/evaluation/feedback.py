"""Feedback on answers, kept as a question set.

One line a judgement, as `rag.evaluation.dataset` reads it, with the answer that was judged beside it. Nothing
here decides what an answer is worth: the person who asked did.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from rag.errors import DatasetError
from rag.evaluation.dataset import FEEDBACK, Example, example_to_dict, load_dataset
from rag.privacy import make_folder
from rag.schema import Answer, Citation, Turn

FeedbackKind = Literal[
    "right", "wrong_citation", "should_have_answered", "should_not_have_answered"
]
"""What a person can say of an answer."""

MOST_BYTES = 64 * 2**20
"""A file of feedback grows no larger, whoever sends it."""
_MOST_LINE_BYTES = 256 * 2**10
_SHOWN_CHARS = 200
# No link is followed to another file, and no line end changed, where the system has a say in that.
_FLAGS = (
    os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)


def record_feedback(
    path: Path,
    answer: Answer,
    kind: FeedbackKind,
    *,
    history: Sequence[Turn] = (),
    marker: int | None = None,
) -> None:
    """Append a judgement as one line; it is on disk when this returns.

    Many threads and processes may append to the same file. What one person said of the same
    question later counts instead of what was said earlier.

    Args:
        path: of the file, made with its folder if missing, readable by its owner only.
        answer: what is judged.
        kind: the judgement.
        history: the turns before the question.
        marker: for `wrong_citation`, which one; None for all.

    Raises:
        DatasetError: the kind or the marker does not exist, the judgement is too large, or the file
            is full or cannot be written.
    """
    if kind not in get_args(FeedbackKind):
        raise DatasetError(
            f"There is no feedback {kind!r}; there are: {', '.join(get_args(FeedbackKind))}."
        )
    if marker is not None and not any(one.marker == marker for one in answer.citations):
        raise DatasetError(f"The answer has no citation {marker}, so nothing was recorded on it.")
    record = {
        **example_to_dict(_example(answer, kind, tuple(history), marker)),
        FEEDBACK: {
            "kind": kind,
            "marker": marker,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "status": answer.status,
            "text": answer.text,
            "citations": [_citation_to_dict(citation) for citation in answer.citations],
            "confidence": answer.confidence,
            "model": answer.model,
        },
    }
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    if len(line) > _MOST_LINE_BYTES:
        raise DatasetError(
            f"The question with its answer and the turns before it has {len(line)} bytes, and at"
            f" most {_MOST_LINE_BYTES} are recorded."
        )
    try:
        _append(path, line)
    except OSError as exc:
        raise DatasetError(f"{path} cannot be written: {exc.strerror or exc}.") from exc


def feedback_examples(path: Path) -> tuple[Example, ...]:
    """Return the feedback as examples, the latest on each question; () without feedback.

    - `right`: it can be answered, and the quotes that were cited are evidence.
    - `wrong_citation`: it can be answered; nothing is known of the evidence but that it is not what
      was cited, which stands in the note.
    - `should_have_answered`: it can be answered.
    - `should_not_have_answered`: it cannot.

    Raises:
        DatasetError: the file cannot be read; names file and line.
    """
    return load_dataset(path) if path.exists() and path.stat().st_size else ()


def _example(
    answer: Answer, kind: FeedbackKind, history: tuple[Turn, ...], marker: int | None
) -> Example:
    asked = json.dumps([answer.question, [[turn.role, turn.text] for turn in history]])
    example = Example(
        query_id=f"feedback-{hashlib.sha256(asked.encode()).hexdigest()[:16]}",
        question=answer.question,
        kind=FEEDBACK,
        history=history,
        answerable=kind != "should_not_have_answered",
        made_by=FEEDBACK,
        note=kind.replace("_", " "),
    )
    if kind == "right" and answer.status == "unanswered":
        return replace(example, answerable=False)  # rightly, nothing was said
    if kind == "right":
        quotes = dict.fromkeys(one.quote for one in answer.citations if one.quote.strip())
        return replace(example, quotes=tuple(quotes))
    if kind == "wrong_citation":
        wrong = [one for one in answer.citations if marker in {None, one.marker}]
        return replace(example, note=f"wrong citation: {'; '.join(map(_named, wrong))}")
    return example


def _named(citation: Citation) -> str:
    quote = citation.quote
    shown = quote if len(quote) <= _SHOWN_CHARS else f"{quote[:_SHOWN_CHARS]}…"
    return f"{citation.source_id} {citation.start} to {citation.end} “{shown}”"


def _citation_to_dict(citation: Citation) -> dict[str, object]:
    """Return where it points; its words are in the source of that hash."""
    return {
        "marker": citation.marker,
        "source_id": citation.source_id,
        "start": citation.start,
        "end": citation.end,
        "sha256": citation.sha256,
    }


def _append(path: Path, line: bytes) -> None:
    """Write a line to the end of a file in one call, and wait until it is on disk."""
    make_folder(path.parent)
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size + len(line) > MOST_BYTES:
            raise DatasetError(
                f"{path} is full ({size} bytes). Move it away to go on recording; it can still be"
                " evaluated with."
            )
        if size and _last_byte(descriptor, size) != b"\n":
            line = b"\n" + line  # a write that a full disk cut short must not spoil this one
        written = os.write(descriptor, line)
        if written < len(line):
            raise DatasetError(f"{path} took only a part of the line: the disk is full.")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
