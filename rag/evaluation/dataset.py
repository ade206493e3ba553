"""Question sets: questions with expected answers and evidence, read from JSONL or CSV, checked against sources.

This room does not ask anything. What the shipped set promises beyond this is checked in `audit`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rag.errors import DatasetError
from rag.evaluation.measures import Region
from rag.evaluation.tables import read_rows, read_text
from rag.schema import Source, Turn

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SEPARATOR = "|"
_LOOSE = str.maketrans("’‘“”", "''\"\"")
_SHOWN_FAULTS = 5

FEEDBACK = "feedback"
"""`made_by` of an example that is what a person said of an answer; its line has the answer under the
same name, which is kept for reading and not read here. See `rag.evaluation.feedback`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Characters of a source that support the answer, or parts of it."""

    source_id: str
    start: int
    end: int
    parts: tuple[int, ...] = (1,)
    """1-based parts of the answer; evidences of the same part are alternatives."""

    @property
    def region(self) -> Region:
        """Where it stands."""
        return Region(self.source_id, self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A question with its expected answers and evidence. Only the question is required."""

    query_id: str
    question: str
    split: str = ""
    """`dev` or `test`; empty belongs to any."""
    kind: str = ""
    history: tuple[Turn, ...] = ()
    answerable: bool | None = None
    """Whether the sources answer it; None if nobody said."""
    answers: tuple[str, ...] = ()
    """Wordings of the whole answer, each acceptable."""
    answer_parts: tuple[tuple[str, ...], ...] = ()
    """Where the answer has several parts: of each its acceptable wordings."""
    evidence: tuple[Evidence, ...] = ()
    quotes: tuple[str, ...] = ()
    """Evidence given as words, not yet found in the sources; see `locate_quotes`."""
    made_by: str = ""
    note: str = ""

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """Return the accepted wordings of each part; one part unless `answer_parts` is set."""
        return self.answer_parts or ((self.answers,) if self.answers else ())


_FIELDS = frozenset(field.name for field in fields(Example)) - {"quotes"}
_SEVERAL = frozenset({"answers", "evidence"})


def load_dataset(path: Path) -> tuple[Example, ...]:
    """Read the questions of a .jsonl, .csv or .tsv file, in their order.

    Of what was said of answers to the same question at different times, the latest counts.

    Raises:
        DatasetError: the file cannot be read or a line cannot be understood; names file and line.
    """
    readers: dict[str, Callable[[str, Path], Iterator[Example]]] = {
        ".jsonl": _read_jsonl,
        ".csv": _read_table,
        ".tsv": _read_table,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(
            f"{path}: questions are read from .jsonl or .csv, not {path.suffix!r}. Save the table"
            " as CSV, or write one JSON object a line."
        )
    examples = _latest(reader(read_text(path), path))
    if not examples:
        raise DatasetError(
            f"{path} holds no questions. A table wants a header with the column 'question' and a"
            " row a question; JSONL wants an object with 'question' a line."
        )
    _require_unique(examples, path)
    return examples


def select_examples(
    examples: Sequence[Example], *, split: str | None = None, limit: int | None = None
) -> tuple[Example, ...]:
    """Return the examples of a split, and of these `limit`, spread evenly over their order.

    An example without a split belongs to any.

    Raises:
        DatasetError: nothing is left.
    """
    chosen = [e for e in examples if split is None or e.split in {"", split}]
    if not chosen:
        known = ", ".join(sorted({e.split for e in examples}))
        raise DatasetError(f"No question belongs to the split {split!r}; there are: {known}.")
    if limit is not None and limit < len(chosen):
        chosen = [chosen[i * len(chosen) // limit] for i in range(limit)]
    return tuple(chosen)


def validate(examples: Iterable[Example], sources: Mapping[str, Source]) -> None:
    """Check that every evidence exists in the sources.

    Raises:
        DatasetError: some do not; lists the first few.
    """
    faults = [fault for example in examples for fault in _evidence_faults(example, sources)]
    if faults:
        shown = "\n  ".join(faults[:_SHOWN_FAULTS])
        raise DatasetError(f"{len(faults)} evidences do not fit the sources:\n  {shown}")


def locate_quotes(examples: Sequence[Example], sources: Iterable[Source]) -> tuple[Example, ...]:
    """Turn evidence given as words into spans, wherever in the sources the words stand.

    White space and typographic quotation marks need not agree; all else must. Feedback is as old as
    the answer it is about: what it quotes and no source has any more is left out.

    Raises:
        DatasetError: a quote of any other question is in no source; names the question.
    """
    wanted = {quote: _quote_pattern(quote) for e in examples for quote in e.quotes}
    found: dict[str, list[Evidence]] = {quote: [] for quote in wanted}
    for source in sources:
        text = source.text.translate(_LOOSE)
        for quote, pattern in wanted.items():
            found[quote] += [
                Evidence(source_id=source.source_id, start=match.start(), end=match.end())
                for match in pattern.finditer(text)
            ]
    return tuple(_located(example, found) for example in examples)


def example_to_dict(example: Example) -> dict[str, object]:
    """Return the JSON form that `load_dataset` reads, without empty fields."""
    plain: dict[str, object] = {
        field.name: getattr(example, field.name)
        for field in fields(Example)
        if getattr(example, field.name) not in ((), "", None)
    }
    if example.history:
        plain["history"] = [{"role": t.role, "text": t.text} for t in example.history]
    if example.evidence or example.quotes:
        spans = [_evidence_to_dict(evidence) for evidence in example.evidence]
        plain["evidence"] = [*spans, *example.quotes]
        plain.pop("quotes", None)
    return plain


def example_from_dict(record: Mapping[str, object], *, query_id: str) -> Example:
    """Read the JSON form of an example; `query_id` names it where it has no name of its own.

    Raises:
        DatasetError: a field is unknown, missing or of the wrong type.
    """
    if unknown := sorted(set(record) - _FIELDS - {FEEDBACK}):
        raise DatasetError(f"unknown field {unknown[0]!r}; there are: {', '.join(sorted(_FIELDS))}")
    evidence = _listed(record, "evidence")
    example = Example(
        query_id=_text(record, "query_id", query_id),
        question=_text(record, "question"),
        split=_text(record, "split", ""),
        kind=_text(record, "kind", ""),
        history=tuple(_turn(turn) for turn in _listed(record, "history")),
        answers=tuple(_string(answer, "answers") for answer in _listed(record, "answers")),
        answer_parts=tuple(_wordings(part) for part in _listed(record, "answer_parts")),
        evidence=tuple(_evidence(item) for item in evidence if isinstance(item, dict)),
        quotes=tuple(_string(item, "evidence") for item in evidence if not isinstance(item, dict)),
        made_by=_text(record, "made_by", ""),
        note=_text(record, "note", ""),
    )
    return replace(example, answerable=_answerable(record.get("answerable"), example))


def _read_jsonl(text: str, path: Path) -> Iterator[Example]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise DatasetError(f"a question is one JSON object a line, got {record!r}")
            yield example_from_dict(record, query_id=f"line-{number}")
        except json.JSONDecodeError as exc:
            raise DatasetError(
                f"{path}, line {number}: {exc}. Correct the line, or delete it."
            ) from exc
        except DatasetError as exc:
            raise DatasetError(f"{path}, line {number}: {exc}.") from exc


def _read_table(text: str, path: Path) -> Iterator[Example]:
    for line, cells in read_rows(text, path, columns=_FIELDS, required="question"):
        record: dict[str, object] = {
            name: [item.strip() for item in cell.split(_SEPARATOR) if item.strip()]
            if name in _SEVERAL
            else cell.strip()
            for name, cell in cells.items()
        }
        try:
            yield example_from_dict(record, query_id=f"line-{line}")
        except DatasetError as exc:
            raise DatasetError(f"{path}, line {line}: {exc}.") from exc


def _latest(examples: Iterable[Example]) -> tuple[Example, ...]:
    """Drop feedback that later feedback on the same answer replaces."""
    kept: list[Example] = []
    place: dict[str, int] = {}
    for example in examples:
        if example.made_by == FEEDBACK and example.query_id in place:
            kept[place[example.query_id]] = example
            continue
        place.setdefault(example.query_id, len(kept))
        kept.append(example)
    return tuple(kept)


def _require_unique(examples: Sequence[Example], path: Path) -> None:
    name, times = Counter(e.query_id for e in examples).most_common(1)[0]
    if times > 1:
        raise DatasetError(f"{path}: the query_id {name!r} occurs {times} times.")


def _evidence_faults(example: Example, sources: Mapping[str, Source]) -> Iterator[str]:
    for evidence in example.evidence:
        source = sources.get(evidence.source_id)
        if source is None:
            yield f"{example.query_id}: no source is called {evidence.source_id!r}"
        elif evidence.end > len(source.text):
            size = len(source.text)
            yield (
                f"{example.query_id}: {evidence.source_id!r} has {size} characters, and the"
                f" evidence ends at {evidence.end}"
            )
        elif not source.text[evidence.start : evidence.end].strip():
            yield f"{example.query_id}: {evidence.start} to {evidence.end} are only blanks"


def _quote_pattern(quote: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(re.escape, quote.translate(_LOOSE).split())))


def _located(example: Example, found: Mapping[str, Sequence[Evidence]]) -> Example:
    for quote in example.quotes:
        if not found[quote] and example.made_by != FEEDBACK:
            raise DatasetError(
                f"{example.query_id}: the evidence {quote!r} stands in no source. Copy it from"
                " the source word for word, or leave it out."
            )
    spans = tuple(span for quote in example.quotes for span in found[quote])
    return replace(example, evidence=example.evidence + spans, quotes=())


def _evidence_to_dict(evidence: Evidence) -> dict[str, object]:
    plain: dict[str, object] = {
        "source_id": evidence.source_id,
        "start": evidence.start,
        "end": evidence.end,
    }
    return plain if evidence.parts == (1,) else {**plain, "parts": evidence.parts}


def _text(record: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = record.get(name, default)
    if value is None:
        raise DatasetError(f"{name!r} is missing")
    text = _string(value, name)
    if default is None and not text.strip():
        raise DatasetError(f"{name!r} is empty")
    return text


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise DatasetError(f"{name!r} wants text, got {value!r}")
    return value


def _listed(record: Mapping[str, object], name: str) -> Sequence[object]:
    value = record.get(name, ())
    if not isinstance(value, list | tuple):
        raise DatasetError(f"{name!r} wants a list, got {value!r}")
    return value


def _wordings(part: object) -> tuple[str, ...]:
    if not isinstance(part, list | tuple) or not part:
        raise DatasetError(f"'answer_parts' wants lists of wordings, got {part!r}")
    return tuple(_string(wording, "answer_parts") for wording in part)


def _turn(value: object) -> Turn:
    match value:
        case {"role": "user" | "assistant" as role, "text": str(text)}:
            return Turn(role=role, text=text)
        case _:
            raise DatasetError(
                f"'history' wants turns with role (user or assistant) and text, got {value!r}"
            )


def _evidence(value: dict[str, object]) -> Evidence:
    match value:
        case {"source_id": str(source_id), "start": int(start), "end": int(end)}:
            evidence = Evidence(source_id=source_id, start=start, end=end)
        case _:
            raise DatasetError(
                f"'evidence' wants source_id, start and end, or words as they stand, got {value!r}"
            )
    if not 0 <= start < end:
        raise DatasetError(f"'evidence' wants 0 <= start < end, got {start} and {end}")
    parts = _listed(value, "parts") or (1,)
    if not all(isinstance(part, int) and part > 0 for part in parts):
        raise DatasetError(f"'parts' wants numbers from 1, got {parts!r}")
    return replace(evidence, parts=tuple(part for part in parts if isinstance(part, int)))


def _answerable(value: object, example: Example) -> bool | None:
    given = bool(example.answers or example.answer_parts or example.evidence or example.quotes)
    if isinstance(value, str):
        if value.strip().lower() not in _TRUTH:
            raise DatasetError(f"'answerable' wants true or false, got {value!r}")
        value = _TRUTH[value.strip().lower()]
    if value is None:
        return True if given else None
    if not isinstance(value, bool):
        raise DatasetError(f"'answerable' wants true or false, got {value!r}")
    if given and not value:
        raise DatasetError("'answerable' is false, and yet an answer or evidence is given")
    return value
