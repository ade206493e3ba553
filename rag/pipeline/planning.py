"""Lets the chat model say what is searched: before, where that pays, and again once it has read. Never believed.

What a plan names is searched and shown; what is found decides. One that cannot be read leaves the search as typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from rag import prompts
from rag.chat import ChatModel, asked_at_once
from rag.errors import ChatError
from rag.language.languages import language_of
from rag.queries import intent_of, is_follow_up
from rag.queries.enumeration import wants_several
from rag.reader.parts import split_parts
from rag.schema import SourceInfo, Step, TextDelta, Turn

MOST_QUERIES = 5
MOST_QUERY_CHARS = 200
MOST_OPENED = 3
"""Sections that are read whole a round."""
MOST_REPLY_CHARS = 8_000
"""Of a plan that are read."""

_ASKS = re.compile(r"\b(?:who|whom|whose|what|which|when|where|why|how)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:which|what)\s+(?:\w+\s+){0,2}?(?:\w{2,}[^\Wsui]s|people|men|women|children)\b"
    r"|\b(?:all|every|each|both|list|differ\w*|respectively)\b",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:that|this|these|those|it|its|they|them|their)\b", re.IGNORECASE)
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_LINE = re.compile(
    r'^[\s>*#"-]*(question|intent|documents?|queries|missing|open|compute)\W*:\s*(.*)$', re.I
)
_DIGITS = re.compile(r"\d{1,4}")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+(.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a model would search for."""

    question: str = ""
    """Standing alone; "" where the model did not say."""
    intent: str = ""
    documents: tuple[str, ...] = ()
    """Ids of the sources that it is about; none where it names none."""
    queries: tuple[str, ...] = ()
    opened: tuple[int, ...] = ()
    """Numbers of the passages whose sections it would read whole."""
    sums: tuple[str, ...] = ()
    """What it would have reckoned."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens that the plan took."""

    @property
    def step(self) -> Step:
        """What people are told of its searches."""
        listed = "; ".join(f"“{one}”" for one in self.queries)
        return Step(code="searched", detail=f"Searched: {listed}.")


def is_on_answer(question: str) -> bool:
    """Tell whether a turn is an order rather than a question, or points at something: in a talk, at what was said."""
    return "?" not in question or bool(_POINTS.search(question))


def pays(question: str, history: Sequence[Turn], found: Sequence[str]) -> bool:
    """Tell whether a plan is worth a call: where one search by the words as typed rarely finds all.

    So it is with a follow-up, a comparison, several questions in one, a list, and a question in another language than
    the sources.

    Args:
        question: as typed.
        history: earlier turns.
        found: texts of the sources that come nearest, to tell their language by.
    """
    answers = [turn.text for turn in history if turn.role == "assistant"]
    if history and (is_on_answer(question) or is_follow_up(question, (answers or [""])[-1])):
        return True
    if len(split_parts(question)) > 1 or wants_several(question) or _SEVERAL.search(question):
        return True
    if len(_ASKS.findall(question)) > 1 or intent_of(question).kind == "comparison":
        return True
    return bool(found) and language_of(question) not in {language_of(text) for text in found}


def planned(
    model: ChatModel,
    question: str,
    history: Sequence[Turn],
    sources: Sequence[SourceInfo],
    found: Sequence[str],
) -> Generator[TextDelta, None, Plan | None]:
    """Yield signs of life; return what the model would search for, None where it says nothing that can be read."""
    languages = sorted({language_of(text) for text in found})
    messages = prompts.plan_messages(
        question,
        history,
        documents=[f"{one.source_id}: {one.title}" for one in sources],
        languages=languages,
    )
    return (yield from asked(model, messages, sources))


def asked(
    model: ChatModel, messages: Sequence[Mapping[str, str]], sources: Sequence[SourceInfo] = ()
) -> Generator[TextDelta, None, Plan | None]:
    """Yield signs of life; return the plan that a model replies with, None where there is none."""
    reply, usage = "", dict[str, int]()
    try:
        with closing(asked_at_once(model, messages)) as deltas:
            for delta in deltas:
                reply = delta.text if delta.anew else reply + delta.text
                usage.update(delta.usage)
                yield TextDelta(text="")
    except ChatError:
        return None
    return read_plan(reply, sources, usage)


def read_plan(
    reply: str, sources: Sequence[SourceInfo] = (), usage: Mapping[str, int] | None = None
) -> Plan:
    """Return a plan from whatever a model wrote: JSON with or without words around it, or labelled lines.

    Args:
        reply: what it wrote.
        sources: those that it may name.
        usage: tokens that it took.
    """
    said = _object(reply[:MOST_REPLY_CHARS]) or _labelled(reply[:MOST_REPLY_CHARS])
    queries = dict.fromkeys(map(_query, _texts(said.get("queries"))))
    named = [one.lower() for one in _texts(said.get("documents"))]
    return Plan(
        question=_query(" ".join(_texts(said.get("question"))), most=prompts.MOST_REWRITE_CHARS),
        intent=" ".join(_texts(said.get("intent"))).lower(),
        documents=tuple(one.source_id for one in sources if _is_named(one, named)),
        queries=tuple(one for one in queries if one)[:MOST_QUERIES],
        opened=tuple(_numbers(said.get("open")))[:MOST_OPENED],
        sums=tuple(one[:MOST_QUERY_CHARS] for one in _texts(said.get("compute")))[:MOST_QUERIES],
        usage=usage or {},
    )


def _object(reply: str) -> dict[str, object]:
    """Return the JSON object in a reply; an empty one where there is none."""
    found = _OBJECT.search(reply)
    try:
        said = json.loads(found[0]) if found else {}
    except (ValueError, RecursionError):
        return {}
    return (
        {str(key).lower(): value for key, value in said.items()} if isinstance(said, dict) else {}
    )


def _labelled(reply: str) -> dict[str, object]:
    """Return what stands behind labels at the beginning of lines, bullets below one among it."""
    said: dict[str, list[str]] = {}
    at = ""
    for line in reply.splitlines():
        label, bullet = _LINE.match(line), _BULLET.match(line)
        if label:
            at = (
                label[1].lower().replace("document", "documents").replace("documentss", "documents")
            )
            said[at] = [part for part in label[2].strip(' ,[]"').split(";") if part.strip()]
        elif bullet and at:
            said[at].append(bullet[1])
    return dict(said)


def _texts(value: object) -> list[str]:
    """Return the texts in a value of any kind."""
    rows = value if isinstance(value, list) else [value]
    return [one for one in rows if isinstance(one, str)]


def _numbers(value: object) -> Iterator[int]:
    """Yield the numbers of passages in a value of any kind."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, int | str) and (digits := _DIGITS.search(str(one))):
            yield int(digits[0])


def _query(text: str, most: int = MOST_QUERY_CHARS) -> str:
    """Return a text as what can be searched for and shown: one line, harmless, not long."""
    return prompts.neutralise_passage(" ".join(text.split()))[0].strip("\"'“”‘’ ")[:most]


def _is_named(source: SourceInfo, named: Sequence[str]) -> bool:
    """Tell whether one of some names, in lower case, is a source's."""
    own = {
        source.source_id.lower(),
        source.title.lower(),
        source.source_id.lower().rpartition("/")[2],
    }
    return any(one in own or one.partition(": ")[0] in own for one in named)
