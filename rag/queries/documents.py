"""Which documents a question names, by title, file name, date or description, and whether it wants the newest. Pure.

"What was decided in the April minutes?" is about one document of several. A word tells documents apart if some of
their names have it and others have not; what all of them have, or none, says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.language.dates import MONTH_NAMES, MONTHS, Date, agree, dates_in
from rag.language.english import FUNCTION_WORDS
from rag.language.languages import stem_of

_NOUN = (
    "document|article|report|paper|file|book|booklet|brochure|chapter|contract|agreement|lease|policy|policies|manual"
    "|guide|guideline|letter|memo|transcript|study|studies|thesis|essay|handbook|leaflet|spreadsheet|presentation"
    "|minutes|faq|statute|bylaw|constitution|rules|regulation|invoice|receipt|quote|offer|order|form|log|diary|journal"
    "|notes?|plan|budget|list|newsletter|review|survey|protocol|schedule|timetable|catalogue|specification|spec"
    "|datasheet|readme|changelog|release notes|terms|circular|recipe|warranty|certificate|will|summary|account"
    "|statement"
    "|interview|speech|press release|proposal|application|cv|resume|menu|programme|syllabus|tariff|price list"
)
_CALLED = re.compile(rf"\b(?:{_NOUN})s?\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\d)(?=[A-Za-z])")
_WITHIN = re.compile(
    r"\b(?:in|from|by|under|per|of|within|throughout|at|for|according to|based on|does|do|did|says?|the|our"
    r"|my|this)\W+$",
    re.IGNORECASE,
)
_DATE_BEFORE = re.compile(rf"(?:\b(?:{'|'.join(MONTH_NAMES)}|\d+)\W+)+$", re.IGNORECASE)
_BEHIND = re.compile(
    r"\W+(?:of|for|from|on|about|with|at|by|in|between)\s+(?P<of>[^?.!;,]{2,60})", re.IGNORECASE
)
_STOPS = FUNCTION_WORDS | frozenset(
    "say says said state states mention mentions mentioned tell tells give gives allow allows require requires cover"
    " covers conclude concludes find finds decided agreed written document file latest newest current recent"
    " last new old".split()
)
_HOLDER = rf"(?:{_NOUN}|meeting|session|conference|sitting|assembly|e-?mails?|mail|message|text|source|page|entry)"
_HELD = re.compile(
    rf"\W*(?:(?:in|at|on|during|from) (?:which|what)(?: of (?:the|my|our|these))? (?:\w+ )?{_HOLDER}s?"
    r" (?P<aux>was|were|is|are|did|does|do|has|have|had|can) (?P<rest>.+?)"
    rf"|(?:which|what)(?: of (?:the|my|our|these))? (?:\w+ )?(?P<noun>{_HOLDER})(?P<s>s?)"
    r" (?:(?:mention|sa(?:y|id)|speak|talk|describe|contain|discuss|deal|cover|refer|name|explain|tell|report|note"
    r"|state)(?:s|es|ed)?|(?:is|are)(?= about))"
    r"(?: (?:something |anything )?(?:about|of|on|to|with|that))* (?P<told>.+?))"
    r"\W*$",
    re.IGNORECASE,
)
_MOST_BESIDE = 5
"""Words before or behind the noun of a document that may describe it."""
_STATUS = re.compile(
    rf"\b(?:still|valid|in force|replace[sd]?|supersede[sd]?)\b|^\W*(?:which|what|how many)\W+(?:{_NOUN})s?\b",
    re.IGNORECASE,
)
"""Questions about documents, which another one may answer."""
_NEWEST = re.compile(
    r"\b(?:now|nowadays|latest|newest|current(?:ly)?|most recent(?:ly)?|at (?:the moment|present)|presently|today"
    r"|up[- ]to[- ]date"
    r"|as of now|last (?:time|meeting|entry|version|report|update|minutes|letter|review|visit|inspection|reading))\b",
    re.IGNORECASE,
)
_OLDEST = re.compile(
    r"\b(?:oldest|earliest|original(?:ly)?|at first|initially|first (?:version|meeting|entry|report|edition|plan))\b",
    re.IGNORECASE,
)
_OUTDATED = re.compile(
    r"\b(?:no longer (?:valid|in force)|not valid any ?more|superseded|obsolete|outdated|withdrawn|expired"
    r"|archived?|old|former"
    r"|previous|deprecated|draft)\b",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:v|ver|version|rev|revision|edition|draft|final|old|new|copy|archived?|current|latest|print)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The documents that a question names."""

    sources: frozenset[str] = frozenset()
    """Empty where it names none, or names all alike."""
    surely: bool = False
    """Whether it is by a name or a whole description, and not by a part of one or a date alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a document is called."""

    source_id: str
    title: str

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        name = self.source_id.rpartition("/")[2]
        return name.rpartition(".")[0] or name

    @property
    def words(self) -> frozenset[str]:
        """Stems of the words of its names, and of those that `SmithReport` is made of."""
        called = f"{self.title} {self.stem}"
        return frozenset(_stems(f"{called} {_SPLIT.sub(' ', called)}"))

    @property
    def dates(self) -> tuple[Date, ...]:
        """That its names give; a month as the whole or a part of the file's name is one."""
        found = dates_in(self.stem) or dates_in(self.title)
        months = [MONTHS[one] for one in _words(self.stem) if one in MONTH_NAMES]
        return found or tuple((0, month, 0) for month in months[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for where a question asks which document holds it."""

    asked: str
    """A question for what it is."""
    words: str
    """Of what it is."""
    several: bool
    """Whether it is asked of more than one document."""


def held(question: str) -> Sought | None:
    """Return what a question looks for that asks in which document, or at which meeting, it is; None for another."""
    found = _HELD.match(question)
    if found is None:
        return None
    if found["rest"]:
        rest = found["rest"]
        return Sought(asked=f"{found['aux'].capitalize()} {rest}?", words=rest, several=False)
    told = found["told"]
    is_question = re.match(r"(?:who|what|when|where|why|how)\b", told, re.IGNORECASE)
    asked = f"{told[0].upper()}{told[1:]}?" if is_question else f"What is said about {told}?"
    return Sought(asked=asked, words=told, several=bool(found["s"]))


def named(question: str, documents: Sequence[Document]) -> Named:
    """Return which of several documents a question names."""
    if len(documents) < 2:
        return Named()
    found = frozenset(one.source_id for one in documents if _is_spelled(question, one))
    if 0 < len(found) < len(documents):
        return Named(sources=found, surely=True)
    if _STATUS.search(question):
        return Named()
    described, surely = _described(question, documents)
    dated = _dated(question, described or documents)
    chosen = dated or described
    if not chosen or len(chosen) == len(documents):
        return Named()
    return Named(
        sources=frozenset(one.source_id for one in chosen), surely=bool(described) and surely
    )


def resolved(phrase: str, documents: Sequence[Document]) -> tuple[Document, ...]:
    """Return the documents that a phrase by itself names: those whose names have most of its words, and its date."""
    spelled = [one for one in documents if _is_spelled(phrase, one)]
    if spelled:
        return tuple(spelled)
    dates = dates_in(phrase)
    wanted = frozenset(_stems(phrase)) - _date_stems(phrase)
    nouns = frozenset(_stems(" ".join(match[0] for match in _CALLED.finditer(phrase))))
    held = [one for one in documents if wanted <= one.words]
    if not held and wanted - nouns:
        held = [one for one in documents if wanted - nouns <= one.words]
    if dates:
        held = [
            one for one in held if any(agree(mine, date) for mine in one.dates for date in dates)
        ]
    return tuple(held) if wanted or dates else ()


def of_kind(noun: str, documents: Sequence[Document]) -> tuple[Document, ...]:
    """Return the documents that a noun, singular or plural, is in the name of."""
    stems = frozenset(_stems(noun))
    return tuple(one for one in documents if stems and stems <= one.words)


def order_wanted(question: str) -> int:
    """Return 1 where a question wants what is newest, -1 for what is oldest, 0 where it says nothing of time."""
    return bool(_NEWEST.search(question)) - bool(_OLDEST.search(question))


def is_outdated(document: Document) -> bool:
    """Tell whether the names of a document say that it holds no more."""
    return bool(_OUTDATED.search(f"{document.title} {_spaced(document.stem)}"))


def are_versions(one: Document, other: Document) -> bool:
    """Tell whether two documents are called the same, dates and words of versions aside."""
    return _undated(one.title) == _undated(other.title) or _undated(one.stem) == _undated(
        other.stem
    )


def _is_spelled(question: str, document: Document) -> bool:
    """Tell whether a question has the name of a file, or a title of several words, as it is written."""
    asked = f" {' '.join(_words(question))} "
    name = document.source_id.rpartition("/")[2]
    if (
        name != document.stem
        and f" {' '.join(_words(name))} " in asked
        and name.lower() in question.lower()
    ):
        return True
    if _is_key(document.stem) and f" {document.stem.lower()} " in asked:
        return True
    return any(
        len(words) > 2 - bool(dates_in(text)) and f" {' '.join(words)} " in asked
        for text in (document.title, document.stem)
        for words in [_words(text)]
    )


def _is_key(stem: str) -> bool:
    """Tell whether a file's name is one word that is no word of the language: Smith2021."""
    return stem.isalnum() and any(map(str.isdigit, stem)) and any(map(str.isalpha, stem))


def _described(question: str, documents: Sequence[Document]) -> tuple[list[Document], bool]:
    """Return the documents that fit a description best, and whether they fit all of it."""
    of_all: tuple[list[Document], bool] | None = None
    for match in _CALLED.finditer(question):
        before = _DATE_BEFORE.sub("", question[: match.start()])
        if not _WITHIN.search(before) and not _before(before):
            continue
        noun = frozenset(_stems(match[0]))
        called = [one for one in documents if noun <= one.words]
        beside = _before(before)
        if behind := _BEHIND.match(question[match.end() :]):
            beside += _leading(_words(behind["of"]))
        after = _WORD.match(question, match.end() + 1)
        beside += (
            [after[0]] if after and any(stem_of(after[0]) in one.words for one in called) else []
        )
        wanted = frozenset(_stems(" ".join(beside))) - noun
        chosen = called or list(documents)
        best = max((len(wanted & one.words) for one in chosen), default=0)
        fitting = [one for one in chosen if len(wanted & one.words) == best]
        front = frozenset(_stems(" ".join(_before(before)))) - noun
        found = fitting, bool(called) and front <= fitting[0].words
        if (best or called) and len(fitting) < len(documents):
            return found
        if best or called:
            of_all = of_all or found
    return of_all or ([], False)


def _before(text: str) -> list[str]:
    """Return the describing words that end a text, as far back as a small word."""
    kept: list[str] = []
    for word in reversed(_words(text)[-_MOST_BESIDE:]):
        if word in FUNCTION_WORDS:
            break
        if word not in _STOPS and word not in MONTHS and not word.isdigit():
            kept.append(word)
    return kept


def _leading(words: Iterable[str]) -> list[str]:
    """Return the describing words that a text begins with, articles aside."""
    kept: list[str] = []
    for word in words:
        if word in ("the", "a", "an", "of", "our", "my"):
            continue
        if word in _STOPS:
            break
        kept.append(word)
    return [one for one in kept[:_MOST_BESIDE] if one not in MONTHS and not one.isdigit()]


def _dated(question: str, documents: Sequence[Document]) -> list[Document]:
    """Return the documents whose names give a date of the question, where others' names give another."""
    asked = dates_in(question)
    dated = [one for one in documents if one.dates]
    if not asked or len(dated) < 2:
        return []
    found = [one for one in dated if any(agree(mine, date) for mine in one.dates for date in asked)]
    return found if len(found) < len(dated) else []


def _words(text: str) -> list[str]:
    return [one.lower() for one in _WORD.findall(text)]


def _stems(text: str) -> list[str]:
    """Return the stems of a text's words that are no small ones."""
    return [stem_of(one) for one in _words(text) if one not in FUNCTION_WORDS]


def _date_stems(text: str) -> frozenset[str]:
    """Return what of a text's words says a date."""
    words = _words(text) if dates_in(text) else []
    return frozenset(stem_of(one) for one in words if one in MONTHS or one.isdigit())


def _spaced(stem: str) -> str:
    return " ".join(_WORD.findall(stem))


def _undated(name: str) -> tuple[str, ...]:
    """Return the words of a name without its date and the words of versions."""
    bare = _VERSION.sub(" ", re.sub(r"\([^)]*\)", " ", " ".join(_words(name))))
    return tuple(
        one
        for one in _words(bare)
        if one not in MONTHS and not re.fullmatch(r"v?[\d.]+(?:st|nd|rd|th)?", one)
    )
