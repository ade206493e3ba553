"""Talks: who said what when, as lines `[time] name: words`; the time is the place. Chats of WhatsApp, Slack, Teams."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from itertools import groupby
from typing import TYPE_CHECKING

from rag.language.nesting import SPEAKER, nest
from rag.language.outline import shifted
from rag.schema import Block, Place
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.html import parse, to_text

if TYPE_CHECKING:
    from rag.sources.records import Value

_LEAST_SPOKEN = 0.6
"""Share of records that must be messages for all to be a talk."""
_FEWEST = 2
_LONGEST_MESSAGE = 10_000
_WHO = (
    "user_profile",
    "from",
    "author",
    "sender",
    "username",
    "user",
    "sender_name",
    "name",
    "speaker",
)
_WHEN = ("createdDateTime", "ts", "date", "timestamp", "time", "datetime", "timestamp_ms", "sent")
_WHAT = ("body", "text", "message", "content")
_SAID_NAME = ("displayName", "real_name", "display_name", "name", "username")
_MENTION = re.compile(r"<@(\w+)(?:\|([^>]*))?>")
_LINK = re.compile(
    r"<(?:[a-z]{3,8}:[^|>\s]*)\|([^>]*)>|<([a-z]{3,8}:[^|>\s]*)>|<[!#][\w^]*\|?([^>]*)>"
)
_EMPHASIS = re.compile(r"(?<!\w)([*_~])(?=\S)([^*_~\n]+?)(?<=\S)\1(?!\w)")
_EPOCH = re.compile(r"\d{10}(?:\.\d+)?|\d{13}")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)")
_CHAT_LINE = re.compile(
    r"^\u200e?(?P<open>\[)?(?P<when>\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?[ \u202f]\d{1,2}[:.]\d\d(?:[:.]\d\d)?"
    r"(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?)"
    r"(?(open)\]|[ \u202f]?[-–])[ ]?(?:(?P<who>[^:\n]{1,60}): ?)?",
    re.MULTILINE,
)
"""The start of a message of WhatsApp or Telegram, as they export it; without a name it tells what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What somebody said at a time."""

    when: str
    who: str
    text: str
    blocks: tuple[Block, ...] = ()
    """Of the text, where it has a structure."""


def written(turns: Sequence[Utterance], title: str = "") -> Document:
    """Return turns as a document.

    Raises:
        SourceError: `too_large`.
    """
    pieces: list[str] = []
    blocks: list[Block] = []
    places: list[Place] = []
    at = 0
    for turn in turns:
        stamp = f"[{turn.when}] " if turn.when and turn.who else ""
        lead = f"{stamp}{turn.who}: " if turn.who else ""
        text = f"{lead}{turn.text}"
        end = at + len(text)
        if turn.who:
            blocks.append(
                Block(kind="speaker", start=at + len(stamp), end=at + len(lead) - 2, level=SPEAKER)
            )
        blocks += _body(turn, at, len(lead), len(blocks))
        places += [Place(start=at, end=end, name=turn.when)] if turn.when else []
        pieces.append(text)
        at = end + 1
        if at > MAX_CHARS:
            raise too_long()
    text = "\n".join(pieces)
    return Document(title=title, parts=(text,), blocks=nest(text, blocks), places=tuple(places))


def _body(turn: Utterance, at: int, lead: int, first: int) -> tuple[Block, ...]:
    """Return the blocks of what is said; the first paragraph begins with who says it."""
    whole = Block(kind="paragraph", start=at, end=at + lead + len(turn.text))
    if not turn.blocks:
        return (whole,)
    opening, *rest = shifted(turn.blocks, at + lead, first)
    if opening.kind != "paragraph":
        return (opening, *rest)
    return (Block(kind="paragraph", start=at, end=opening.end), *rest)


def chat_blocks(text: str) -> tuple[tuple[Block, ...], tuple[Place, ...]]:
    """Return the turns of a chat that was exported as text, and their times as places; nothing where it is none."""
    begins = [*_CHAT_LINE.finditer(text)]
    named = [one for one in begins if one["who"]]
    if len(named) < _FEWEST or text[: begins[0].start()].strip():
        return (), ()
    ends = [*(one.start() for one in begins[1:]), len(text)]
    if max(stop - one.start() for one, stop in zip(begins, ends, strict=True)) > _LONGEST_MESSAGE:
        return (), ()  # an article below some dated lines
    blocks: list[Block] = []
    places: list[Place] = []
    for _, day in groupby(zip(begins, ends, strict=True), key=lambda one: _day(one[0])):
        spoken, at = _messages(text, [*day])
        blocks += shifted(nest(text, spoken), 0, len(blocks))
        places += at
    return tuple(blocks), tuple(places)


def _day(begin: re.Match[str]) -> str:
    """Return the day of a message: what is asked on one is not what is answered on another."""
    return re.split(r",|\s", begin["when"])[0]


def _messages(
    text: str, spans: Sequence[tuple[re.Match[str], int]]
) -> tuple[list[Block], list[Place]]:
    """Return the blocks and the times of messages, each with its end."""
    blocks: list[Block] = []
    places: list[Place] = []
    for begin, stop in spans:
        start, end = begin.start(), begin.start() + len(text[begin.start() : stop].rstrip())
        if begin["who"]:
            blocks.append(
                Block(kind="speaker", start=begin.start("who"), end=begin.end("who"), level=SPEAKER)
            )
        blocks.append(Block(kind="paragraph", start=start, end=end))
        places.append(Place(start=start, end=end, name=begin["when"]))
    return blocks, places


def talk_of(value: Value) -> Document | None:
    """Return the messages that a chat program exported as a talk; None where the values are none."""
    title = ""
    if isinstance(value, dict):
        title = next(
            (one for name in ("name", "title", "topic") if isinstance(one := value.get(name), str)),
            "",
        )
        value = next((value[name] for name in ("messages", "value", "chat") if name in value), "")
    if not isinstance(value, list) or len(value) < _FEWEST:
        return None
    names = dict(_ids(value))
    turns = [turn for one in value if isinstance(one, dict) and (turn := _turn(one, names))]
    events = sum(isinstance(one, dict) and _is_event(one) for one in value)
    if len(turns) < max(_FEWEST, _LEAST_SPOKEN * (len(value) - events)):
        return None
    return written(turns, title)


def _ids(records: Sequence[Value]) -> Iterator[tuple[str, str]]:
    """Yield by which number Slack names somebody, and the name."""
    for one in records:
        if isinstance(one, dict) and isinstance(one.get("user"), str) and "user_profile" in one:
            yield str(one["user"]), _name(one)


def _is_event(record: Mapping[str, Value]) -> bool:
    kind = str(record.get("subtype") or record.get("messageType") or record.get("type") or "")
    return kind not in {"", "message", "text", "thread_broadcast", "me_message", "file_share"}


def _turn(record: Mapping[str, Value], names: Mapping[str, str]) -> Utterance | None:
    when = next((said for name in _WHEN if isinstance(said := record.get(name), str) and said), "")
    who = _name(record)
    who = names.get(who, who)
    said = next((record[name] for name in _WHAT if record.get(name)), "")
    if _is_event(record) or not (who and when and said):
        return None
    if isinstance(said, dict):
        kind, content = str(said.get("contentType", "")), said.get("content", "")
        if kind == "html" and isinstance(content, str):
            text, blocks = to_text(parse(content).body)
            return Utterance(when=_time(when), who=who, text=text, blocks=blocks) if text else None
        said = content
    text = _spoken(said, names).strip()
    return Utterance(when=_time(when), who=who, text=text) if text else None


def _name(record: Mapping[str, Value]) -> str:
    """Return who a message is from, however deep the record says it."""
    found: Value = next((record[name] for name in _WHO if record.get(name)), "")
    for _ in range(3):
        if isinstance(found, dict):
            inner = next(
                (found[one] for one in (*_SAID_NAME, "user", "application") if found.get(one)), ""
            )
            found = inner
    return " ".join(found.split()) if isinstance(found, str) else ""


def _spoken(said: Value, names: Mapping[str, str]) -> str:
    """Return the words of a message without marks: mentions by name, links by what they are called."""
    if isinstance(said, list):  # Telegram writes words and links one after the other
        return "".join(
            one
            if isinstance(one, str)
            else str(one.get("text", ""))
            if isinstance(one, dict)
            else ""
            for one in said
        )
    text = said if isinstance(said, str) else ""
    text = _MENTION.sub(lambda one: f"@{one[2] or names.get(one[1], one[1])}", text)
    text = _LINK.sub(lambda one: one[1] or one[2] or one[3] or "", text)
    return unescape(_EMPHASIS.sub(r"\2", text))


def _time(when: str) -> str:
    """Return a time as a person reads it, in UTC where it is a number of seconds: `2025-03-10 10:02`."""
    if _EPOCH.fullmatch(when):
        seconds = float(when) / (1000 if len(when) == 13 else 1)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    iso = _ISO.match(when)
    return f"{iso[1]} {iso[2]}" if iso else when
