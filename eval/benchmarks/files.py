"""Lines and JSON of a file that may be gzipped; what is wrong is told with file and line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rag.errors import DatasetError


def existing(path: Path) -> Path:
    """Return the path, or that of the gzipped file where only this is there."""
    zipped = path.with_name(path.name + ".gz")
    return path if path.exists() or not zipped.exists() else zipped


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig") as file:
            yield from file
    except (OSError, EOFError, UnicodeDecodeError) as exc:
        raise DatasetError(f"{path} cannot be read: {exc}.") from exc


def whole(path: Path) -> str:
    """Return the text of a file; errors as of `lines`."""
    return "".join(lines(path))


def json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the number and the object of each line that is not empty.

    Raises:
        DatasetError: the file cannot be read, or a line is no JSON object.
    """
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as exc:
            raise DatasetError(f"{path}, line {number}: {exc}.") from exc
        if not isinstance(record, dict):
            raise DatasetError(f"{path}, line {number}: wanted a JSON object, got {record!r}.")
        yield number, record


def field(record: Mapping[str, Any], name: str, path: Path, line: int) -> str:
    """Return a field that must be text.

    Raises:
        DatasetError: it is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, str):
        raise DatasetError(f"{path}, line {line}: {name!r} wants text, got {value!r}.")
    return value
