"""Subtitles (.srt, .vtt): what is said, joined to turns, each with its time as its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape

from rag.errors import SourceError
from rag.sources.characters import clean, decode
from rag.sources.document import Document
from rag.sources.signatures import check_text
from rag.sources.talk import Utterance, written

_CUE = re.compile(
    r"^(?P<start>(?:\d{1,3}:)?\d{1,2}:\d\d)[.,]?\d{0,3}[ \t]*-->[ \t]*(?P<end>(?:\d{1,3}:)?\d{1,2}:\d\d)[^\n]*$",
    re.MULTILINE,
)
_VOICE = re.compile(r"<v(?:\.[\w.]+)?\s+([^>\n]{1,80})>")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,100}>|<\d[\d:.]*>|\{\\[^{}\n]{1,40}\}")
_NAMED = re.compile(r"^(?:-\s*)?(?P<name>[^\W\d_][\w.'’ -]{0,38}[\w.]):\s+(?=\S)")
_SAID = re.compile(r"""[.!?…]["'”’)\]]*$""")
_MOST_SECONDS = 60
"""From the first word of a turn on; what is said later begins another."""
_SILENCE = 8
"""Seconds after which somebody who goes on begins a new turn."""
_FEW = 3
"""Subtitles among which a single name may be that of who speaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cue:
    start: int
    """Seconds."""
    end: int
    who: str
    text: str


def read(data: bytes) -> Document:
    """Read subtitles: a turn for each that speaks, or a paragraph where nobody is named."""
    check_text(data)
    text, guessed = decode(data)
    text = clean(text)
    cues = _without_false_name([*_cues(text)])
    if not cues:
        raise SourceError("unreadable", "holds no subtitles, or is damaged; save it anew")
    title = text.partition("\n")[0].removeprefix("\ufeff").removeprefix("WEBVTT").strip(" -")
    title = title if text.lstrip("\ufeff").startswith("WEBVTT") else ""
    document = written([*_turns(cues)], title)
    return Document(
        title=document.title,
        parts=document.parts,
        blocks=document.blocks,
        places=document.places,
        guessed_encoding=guessed,
    )


def _cues(text: str) -> Iterator[_Cue]:
    """Yield what each subtitle says; one with several voices is several."""
    begins = [*_CUE.finditer(text)]
    if not begins:
        return
    ends = [*(one.start() for one in begins[1:]), len(text)]
    for begin, stop in zip(begins, ends, strict=True):
        body = text[begin.end() : stop].strip("\n").partition("\n\n")[0]
        if body.rpartition("\n")[2].strip().isdecimal() and stop < len(text):
            body = body.rpartition("\n")[0]  # the number of the next one
        for who, said in _voices(body):
            words = " ".join(unescape(_TAG.sub("", said)).split())
            if words:
                yield _Cue(
                    start=_seconds(begin["start"]), end=_seconds(begin["end"]), who=who, text=words
                )


def _without_false_name(cues: list[_Cue]) -> list[_Cue]:
    """Return the cues without a name that stands once in all of them: "Water: two cups" says nobody's name."""
    named = [at for at, cue in enumerate(cues) if cue.who]
    if len(named) != 1 or len(cues) < _FEW:
        return cues
    (at,) = named
    one = cues[at]
    said = replace(one, who="", text=f"{one.who}: {one.text}")
    return [*cues[:at], said, *cues[at + 1 :]]


def _voices(body: str) -> Iterator[tuple[str, str]]:
    """Yield who speaks, where it is said, and the words."""
    parts = _VOICE.split(body)
    if len(parts) > 1:
        yield "", parts[0]
        yield from zip(parts[1::2], parts[2::2], strict=True)
    elif named := _NAMED.match(_TAG.sub("", body)):
        yield named["name"], _TAG.sub("", body)[named.end() :]
    else:
        yield "", body


def _turns(cues: list[_Cue]) -> Iterator[Utterance]:
    """Join the subtitles of one turn: of one voice without a silence, or until a sentence ends."""
    held: list[_Cue] = []
    for cue in cues:
        if held and not _goes_on(held, cue):
            yield _turn(held)
            held = []
        held.append(cue)
    yield _turn(held)


def _goes_on(held: list[_Cue], cue: _Cue) -> bool:
    last = held[-1]
    if cue.who and cue.who != held[0].who:
        return False
    if cue.start - last.end > _SILENCE:
        return False
    if cue.start - held[0].start > _MOST_SECONDS:
        return False
    return bool(held[0].who) or not _SAID.search(last.text)


def _turn(held: list[_Cue]) -> Utterance:
    said = " ".join(one.text for one in held)
    return Utterance(when=_clock(held[0].start), who=held[0].who, text=said)


def _seconds(time: str) -> int:
    total = 0
    for part in time.split(":"):
        total = 60 * total + int(part)
    return total


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
