"""Data files (.json, .jsonl, .yaml, .toml, .xml): records as rows below the names of their fields, the rest by name.

Values are written as they stand in the file; names of fields as words: `freezes_for` is `freezes for`. Messages of a
chat are read as a talk.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape, unescape
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias
from xml.etree import ElementTree

from rag.errors import SourceError
from rag.language.nesting import nest
from rag.schema import Block, Place
from rag.sources import talk
from rag.sources.archive import check_xml
from rag.sources.characters import decode
from rag.sources.comments import NAME as COMMENT
from rag.sources.comments import by_field, in_gap
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_text

if TYPE_CHECKING:
    from yaml.events import Event

Value: TypeAlias = "str | list[Value] | dict[str, Value]"
"""Numbers and dates as they are written; null is the empty string."""

_DEEPEST = 100
"""A file nested deeper is refused."""
_MOST_VALUES = 2_000_000
_LONGEST_CELL = 160
_MOST_COLUMNS = 40
_LONGEST_LISTED = 60
_FEWEST_KEYED = 3
_NAMES = ("name", "title", "label", "summary", "id")
"""Fields that name a record, the best first."""
_HUMP = re.compile(r"(?<=[a-z\d])[A-Z](?=[a-z])")
_LABELLED = re.compile(r"[^:\n]{1,80}: ")
_BODIES = re.compile(r"p|para|paragraph|text|body|content|value", re.IGNORECASE)
_TAGS = re.compile(r"<[a-zA-Z/][^<>]{0,200}>")


def read_json(data: bytes) -> Document:
    """Read a JSON file."""
    text, guessed = _text(data)
    return document_of_values(_of_json(text), guessed)


def read_json_lines(data: bytes) -> Document:
    """Read a file of one JSON value a line; rows are called by their lines."""
    text, guessed = _text(data)
    lines = [(at, line) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]
    found = [_of_json(line, at) for at, line in lines]
    return document_of_values([*found], guessed, lines=[at for at, _ in lines])


def read_yaml(data: bytes) -> Document:
    """Read a YAML file; several documents in one are records."""
    import yaml

    text, guessed = _text(data)
    tree = _YamlTree(text)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            tree.add(event)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        raise _damaged("YAML", f"line {mark.line + 1:,}" if mark else str(exc)[:80]) from exc
    found = tree.values
    return document_of_values(found[0] if len(found) == 1 else found, guessed)


def read_toml(data: bytes) -> Document:
    """Read a TOML file."""
    text, guessed = _text(data)
    try:
        found = tomllib.loads(text.replace("\r\n", "\n"), parse_float=str)
    except tomllib.TOMLDecodeError as exc:
        raise _damaged("TOML", str(exc)[:80]) from exc
    value = _plain(found)
    for path, name, said in by_field(text, "#"):
        put_comment(value, path, name, said)
    return document_of_values(value, guessed)


def put_comment(value: Value, path: Sequence[str], name: str, said: str) -> None:
    """Put what a comment says beside its field, below the names of its sections, of several of a name the last."""
    for one in path:
        inner = value.get(one) if isinstance(value, dict) else None
        if isinstance(inner, list) and inner:
            inner = inner[-1]
        if not isinstance(inner, dict):
            break
        value = inner
    if isinstance(value, dict):
        _put_words(value, name, said)


def _put_words(mapping: dict[str, Value], name: str, said: str) -> None:
    about = mapping.get(name)
    if isinstance(about, dict):
        _put_words(about, "", said)
        return
    field = COMMENT if about is None else f"{name} {COMMENT}"
    before = mapping.get(field)
    mapping[field] = f"{before}; {said}" if isinstance(before, str) and before else said


def read_xml(data: bytes) -> Document:
    """Read an XML file: elements of one name beside each other are records; a page is read as one."""
    check_text(data)
    check_xml(data)
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  (entities are refused above)
    except ElementTree.ParseError as exc:
        raise _damaged("XML", f"line {exc.position[0]:,}") from exc
    if _local(root) == "html":
        from rag.sources.web_page import read

        return read(data)
    return document_of_values(_of_element(root, 0), "")


# From files to values


def _text(data: bytes) -> tuple[str, str]:
    check_text(data)
    text, guessed = decode(data)
    return text.removeprefix("\ufeff"), guessed


def _of_json(text: str, line: int = 0) -> Value:
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, strict=False)
    except json.JSONDecodeError as exc:
        raise _damaged("JSON", f"line {line or exc.lineno:,}") from exc
    return _plain(found)


def _plain(value: object, depth: int = 0) -> Value:
    """Return parsed data as values."""
    _check_depth(depth)
    if isinstance(value, Mapping):
        return {str(name): _plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class _YamlTree:
    """Values built of events, one by one: a loader would follow nesting and aliases as deep as they go."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        """Of the last event."""
        self._comments: list[tuple[str, str]] = []
        """Field and words, of the mapping that is open or the next that ends around them."""
        self.values: list[Value] = []
        """Of the documents."""
        self._open: list[tuple[list[Value], bool, str, int]] = []
        """What is open: its values, whether it is a mapping, its anchor, and how many values came before."""
        self._named: dict[str, tuple[Value, int]] = {}
        """By anchor: a value, and how many it holds."""
        self._count = 0

    def add(self, event: Event) -> None:
        """Take the next event; an alias counts as all that it stands for."""
        from yaml import events

        self._count += 1
        self._listen(event)
        if isinstance(event, events.CollectionStartEvent):
            _check_depth(len(self._open))
            is_mapping = isinstance(event, events.MappingStartEvent)
            self._open.append(([], is_mapping, event.anchor or "", self._count))
        elif isinstance(event, events.CollectionEndEvent):
            held, is_mapping, anchor, before = self._open.pop()
            pairs = zip(map(_line, held[::2]), held[1::2], strict=False)
            mapping = dict(pairs)
            if is_mapping:
                self._put_comments(mapping)
            self._put(mapping if is_mapping else held, anchor, self._count - before)
        elif isinstance(event, events.ScalarEvent):
            plain = event.implicit[0] and event.value.lower() in {"~", "null"}
            self._put("" if plain else event.value, event.anchor or "", 1)
        elif isinstance(event, events.AliasEvent):
            value, size = self._named.get(event.anchor, ("", 0))
            self._count += size
            if self._count > _MOST_VALUES:
                raise too_long()
            self._put(value, "", 0)

    def _listen(self, event: Event) -> None:
        """Keep the comments between the last event and this one: behind a value, or above a field."""
        gap = self._text[self._end : event.start_mark.index]
        self._end = max(self._end, event.end_mark.index)
        if "#" not in gap:
            return
        held = next((held for held, is_mapping, *_ in reversed(self._open) if is_mapping), [])
        last = held[-1:] if len(held) % 2 else held[-2:-1]
        for is_end, is_apart, said in in_gap(gap):
            name = _line(last[0]) if is_end and last else str(getattr(event, "value", ""))
            self._comments.append(("" if is_apart and not is_end else name, said))

    def _put_comments(self, mapping: dict[str, Value]) -> None:
        """Put the comments on fields of a mapping that ends; at the outermost also the others."""
        outer = not any(is_mapping for _, is_mapping, *_ in self._open)
        for name, said in self._comments:
            if outer or name in mapping:
                _put_words(mapping, name, said)
        self._comments = [one for one in self._comments if not outer and one[0] not in mapping]

    def _put(self, value: Value, anchor: str, size: int) -> None:
        (self._open[-1][0] if self._open else self.values).append(value)
        if anchor:
            self._named[anchor] = value, size


def _of_element(element: ElementTree.Element, depth: int) -> Value:
    """Return an element: its attributes and elements by name, or its text, where it has text between elements too."""
    _check_depth(depth)
    own = {_local_name(name): value for name, value in element.attrib.items() if ":" not in value}
    loose = "".join([element.text or "", *(one.tail or "" for one in element)])
    if loose.strip() or not len(element):
        said = " ".join("".join(element.itertext()).split())
        return {**own, "text": said} if said and own else (said or {**own})
    found: dict[str, Value] = {**own}
    groups: dict[str, list[Value]] = {}
    for one in element:
        groups.setdefault(_local(one), []).append(_of_element(one, depth + 1))
    found |= {name: one[0] if len(one) == 1 else one for name, one in groups.items()}
    only = next(iter(found.values()))
    return only if len(found) == 1 and isinstance(only, list) else found


def _local(element: ElementTree.Element) -> str:
    return _local_name(str(element.tag))


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise SourceError(
            "unreadable", "is nested too deeply or expands too far to be read; simplify it"
        )


def _damaged(kind: str, where: str) -> SourceError:
    return SourceError(
        "unreadable", f"is no {kind}, or damaged ({where}); mend it, or save it anew"
    )


# From values to a document


def document_of_values(value: Value, guessed: str, *, lines: list[int] | None = None) -> Document:
    """Return values as a document; `lines` are those of the records of a file of lines."""
    if spoken := talk.talk_of(value):
        return replace(spoken, guessed_encoding=guessed)
    title = next((said for name in _NAMES[:2] if (said := _scalar_of(value, name))), "")
    page = _Page(lines or [])
    if title:
        page.write(f"<h1>{escape(title)}</h1>")
    page.add(value, "", 2 if title else 1, skip=title)
    text, blocks = to_text(parse(page.html()).body)
    rows = [one for one in blocks if one.kind == "row"]
    places = [
        Place(start=row.start, end=row.end, name=label)
        for row, label in zip(rows, page.rows, strict=False)
        if label
    ]
    return Document(
        title=title,
        parts=(text,),
        blocks=nest(text, _with_fields(text, blocks)),
        places=tuple(places) if len(rows) == len(page.rows) else (),
        guessed_encoding=guessed,
    )


def _with_fields(text: str, blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks with a field for each line of a paragraph whose lines all have labels."""
    parted: list[list[Block]] = []
    for one in blocks:
        lines = text[one.start : one.end].split("\n") if one.kind == "paragraph" else []
        parted.append([one])
        if lines and one.parent is None and all(map(_LABELLED.match, lines)):
            starts = accumulate((len(line) + 1 for line in lines[:-1]), initial=one.start)
            parted[-1] = [
                Block(kind="field", start=start, end=start + len(line))
                for start, line in zip(starts, lines, strict=True)
            ]
    moved = [*accumulate(map(len, parted), initial=0)]
    return [
        replace(
            one,
            parent=None if one.parent is None else moved[one.parent],
            header=tuple(moved[at] for at in one.header),
            key=None if one.key is None else moved[one.key],
        )
        for part in parted
        for one in part
    ]


class _Page:
    """A page that shows values: fields as lines, records as rows of tables, the rest below headings."""

    def __init__(self, lines: list[int]) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._lines = lines
        self.rows: list[str] = []
        """What a person calls each row of the tables, in order; empty for one that names the columns."""

    def html(self) -> str:
        """Return what was written."""
        return "".join(self._pieces)

    def write(self, html: str) -> None:
        """Write a piece.

        Raises:
            SourceError: `too_large`.
        """
        self._length += len(html)
        if self._length > 4 * MAX_CHARS:
            raise too_long()
        self._pieces.append(html)

    def add(self, value: Value, name: str, level: int, *, skip: str = "") -> None:
        """Write a value below the heading that is open; `name` is what it is called there."""
        if isinstance(value, dict) and (keyed := _keyed(value)):
            self._add_records(keyed, name, level)
        elif isinstance(value, dict):
            self._add_fields(value, name, level, skip)
        elif isinstance(value, str):
            self.write(f"<p>{_shown(value)}</p>")
        elif grid := _grid(value):
            self._add_grid(grid, name)
        elif records := [one for one in value if isinstance(one, dict)]:
            self._add_records(records, name, level)
            self._add_list([one for one in value if not isinstance(one, dict)], name, level)
        else:
            self._add_list(value, name, level)

    def _add_fields(self, value: Mapping[str, Value], name: str, level: int, skip: str) -> None:
        """Write what has one value as lines, and what has several below its name."""
        flat = {
            one: said for one, said in value.items() if said and said != skip and _is_short(said)
        }
        fields = [f"{_words(one)}: {escape(_in_line(said))}" for one, said in flat.items()]
        if fields:
            self.write(f"<p>{'<br>'.join(fields)}</p>")
        for one, inner in value.items():
            if not inner or one in flat or inner == skip:
                continue
            if not (isinstance(inner, str) and _BODIES.fullmatch(one)):
                self._head(_words(one), level)
            self.add(inner, one if not name else f"{name} {one}", level + 1)

    def _add_records(self, records: list[dict[str, Value]], name: str, level: int) -> None:
        """Write what records have one value of as a table, and what else each has below its name."""
        records = [_flat(one) for one in records]
        found = dict.fromkeys(
            one for record in records for one, said in record.items() if said and _is_short(said)
        )
        long = {
            one
            for record in records
            for one, said in record.items()
            if said and not _is_short(said)
        }
        columns = [one for one in found if one not in long]
        columns.sort(key=lambda one: one.lower() not in _NAMES[:3])
        tabled = len(records) > 1 and 1 <= len(columns) <= _MOST_COLUMNS
        if tabled:
            self._table(records, columns, name, level)
        shown = frozenset(columns if tabled else ())
        for number, record in enumerate(records, start=1):
            rest = {one: said for one, said in record.items() if one not in shown}
            if any(rest.values()):
                called = next((said for one in _NAMES if (said := _scalar_of(record, one))), "")
                self._head(called or f"{_words(name) or 'record'} {number}", level)
                self.add(rest, called or name, level + 1, skip=called)

    def _table(
        self, records: list[dict[str, Value]], columns: list[str], name: str, level: int
    ) -> None:
        head = "".join(f"<th>{escape(_words(one))}</th>" for one in columns)
        self.write(f"<table><tr>{head}</tr>")
        self.rows.append("")
        is_whole = level == 1 and len(self._lines) == len(records)
        for number, record in enumerate(records, start=1):
            cells = "".join(f"<td>{escape(_in_line(record.get(one, '')))}</td>" for one in columns)
            if any(record.get(one) for one in columns):
                self.write(f"<tr>{cells}</tr>")
                called = f"line {self._lines[number - 1]}" if is_whole else ""
                self.rows.append(called or f"{_words(name) or 'record'} {number}")
        self.write("</table>")

    def _add_grid(self, rows: list[list[Value]], name: str) -> None:
        """Write lists in a list as a table; whether the first names the columns, its words show."""
        self.write("<table>")
        for number, row in enumerate(rows):
            cells = "".join(f"<td>{escape(_in_line(one))}</td>" for one in row)
            self.write(f"<tr>{cells}</tr>")
            self.rows.append(f"{_words(name) or 'row'} {number + 1}")
        self.write("</table>")

    def _add_list(self, values: Iterable[Value], name: str, level: int) -> None:
        values = [one for one in values if one]
        if values and all(isinstance(one, str) for one in values):
            is_text = bool(_BODIES.fullmatch(name.rpartition(" ")[2]))
            tag, around = ("p", "{}") if is_text else ("li", "<ul>{}</ul>")
            self.write(
                around.format("".join(f"<{tag}>{_shown(str(one))}</{tag}>" for one in values))
            )
        else:
            for one in values:
                self.add(one, name, level)

    def _head(self, said: str, level: int) -> None:
        self.write(f"<h{min(level, 6)}>{escape(said)}</h{min(level, 6)}>")


def _keyed(value: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Return values of one form that stand below their names as records with these; nothing where they are none."""
    records = [one for one in value.values() if isinstance(one, dict)]
    if len(records) < max(_FEWEST_KEYED, len(value)):
        return []
    names = [frozenset(name for name in one if not name.endswith(COMMENT)) for one in records]
    shared, known = frozenset.intersection(*names), frozenset.union(*names)
    if 2 * len(shared) < len(known) or "name" in known:
        return []
    return [{"name": name, **one} for name, one in zip(value, records, strict=True)]


def _grid(value: Sequence[Value]) -> list[list[Value]]:
    """Return rows of as many short cells each; nothing where a list holds something else."""
    rows = [one for one in value if isinstance(one, list)]
    whole = 1 < len(rows) == len(value) and len({len(one) for one in rows}) == 1
    is_grid = whole and 1 < len(rows[0]) <= _MOST_COLUMNS
    short = is_grid and all(isinstance(one, str) and _is_short(one) for row in rows for one in row)
    return rows if short else []


def _flat(record: Mapping[str, Value]) -> dict[str, Value]:
    """Return a record with the fields of its only-fields as its own: `address`, `city` become `address city`."""
    found: dict[str, Value] = {}
    for name, value in record.items():
        if isinstance(value, dict) and value and all(map(_is_short, value.values())):
            found |= {
                name if inner == "text" else f"{name} {inner}": said
                for inner, said in value.items()
            }
        else:
            found[name] = value
    return found


def _is_short(value: Value) -> bool:
    """Tell whether a value fits a cell: a short text, or a list of few words each."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_CELL and "\n" not in value.strip()
    if isinstance(value, list):
        texts = all(isinstance(one, str) and _is_listed(one) for one in value)
        return texts and sum(map(len, value)) <= _LONGEST_CELL
    return False


def _is_listed(said: str) -> bool:
    return len(said) <= _LONGEST_LISTED and "\n" not in said and not said.endswith((".", "!", "?"))


def _in_line(value: Value) -> str:
    """Return a value on one line."""
    if isinstance(value, str):
        return _line(_bare(value))
    return _line(", ".join(map(_in_line, value if isinstance(value, list) else value.values())))


def _line(value: Value) -> str:
    return " ".join(value.split()) if isinstance(value, str) else _in_line(value)


def _shown(value: str) -> str:
    """Return a text as a part of a page, its line breaks kept."""
    return escape(_bare(value).strip()).replace("\n", "<br>")


def _bare(value: str) -> str:
    """Return a value without the tags of a page, as feeds have them."""
    return unescape(_TAGS.sub(" ", value)) if _TAGS.search(value) else value


def _scalar_of(value: Value, name: str) -> str:
    """Return a short text that a record has under a name, in whatever case."""
    if not isinstance(value, dict):
        return ""
    found = next((said for one, said in value.items() if one.lower() == name), "")
    return _line(found) if isinstance(found, str) and len(found) <= _LONGEST_CELL else ""


def _words(name: str) -> str:
    """Return the name of a field as words: `lastUpdated` is `last updated`."""
    return " ".join(_HUMP.sub(lambda one: f" {one[0].lower()}", name.replace("_", " ")).split())
