"""A question that is answered by counting, adding up or comparing rows, and what it wants computed. Pure.

"How many orders over 500 were cancelled?" counts, under a bound, what the rest of its words name. Which of these words
are columns, values or the name of the whole is known only beside a table; nothing here sees one. English, and the words
that ask for a number in German, French and Spanish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rag.language.cells import DATE, NUMERAL, Days, days_of, number_of
from rag.language.english import FUNCTION_WORDS
from rag.language.languages import small_words
from rag.language.words import Word, fold, tokens_of, word_set

Operation = Literal["count", "share", "list", "sum", "mean", "median", "max", "min", "select"]

MOST_CHARS = 200
"""A longer question has more in it than is understood here."""
MONEY = word_set(
    "price cost amount fee rent rate total value premium charge sum salary budget"
    " preis betrag gebuhr kosten prix montant precio importe"
)
"""Stems by which columns of money are called."""

_PATTERNS: tuple[tuple[Operation, str], ...] = (
    ("mean", r"\b(?:on average|average|mean|durchschnitt\w*|moyenne|promedio)\b"),
    ("median", r"\bmedian\b"),
    ("share", r"\b(?:what|which) (?:percentage|per cent|percent|share|proportion|fraction) of(?: all)?\b"),
    (
        "count",
        r"\b(?:how many|(?:what(?:'s| is) )?(?:the )?(?:total |overall )?(?:number|count) of|^count"
        r"|wie ?viele|combien d(?:e\b|')|cuant[oa]s)(?: (?:different|distinct|unique))?\b",
    ),
    ("sum", r"\b(?:in total|in all|grand total|sum total|total|sum|altogether|combined|summe|gesamt\w*|somme|suma)\b"),
    (
        "list",
        r"^(?:(?:list|name|enumerate)(?: me)?|(?:show|give|tell)(?: me)?(?= all| every| the names))"
        r"(?: all| every)?\b|^what are\b(?: all)?|^who are all\b",
    ),
    ("list", r"^(?:which|who|whose|welche\w?|wer|quels?|quelles?|qui|que|quien(?:es)?|cuales)\b"),
    ("select", r"^(?:what|when|where|how much|(?:(?:on|in|at|for|to|from|by) )?(?:which|what))\b"),
)  # fmt: skip
_OPERATIONS = tuple((operation, re.compile(pattern)) for operation, pattern in _PATTERNS)
_NOT_HERE = re.compile(
    r"\b(?:why|how (?:do|does|did|can|could|should|would|is|are|to|long|often|far|come)|difference|compared?|versus|vs"
    r"|second|third|next|previous|per (?:person|day|week|month|year|hour)|times|often"
    r"|should|must|can|could|would|will|(?<!in )(?<!of )(?<!before )(?<!after )(?<!since )may(?! \d)"
    r"|allowed|need|ago|today|yesterday|tomorrow|(?:last|this|next|past) (?:week|month|year|quarter|night|time)"
    r"|how many more|first (?:aid|time|step)|if|when (?:i|you|we|the)\b(?! last| first| latest| earliest))\b"
)
"""What is asked of rules and reasons, of a time that is not written, or of two things at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superlative:
    """What is the most of its kind, and how its column may be called."""

    operation: Literal["max", "min"]
    dated: bool = False
    hints: frozenset[str] = frozenset()
    """Words of names of columns; empty where any will do."""


def _most(hints: str = "") -> Superlative:
    return Superlative(operation="max", hints=word_set(hints))


def _least(hints: str = "") -> Superlative:
    return Superlative(operation="min", hints=word_set(hints))


_LENGTHS = "length duration distance long time days hours minutes km miles"
_TIMES = "time duration seconds minutes hours"
_SPEEDS = "speed velocity pace kmh mph"
_SIZES = "size area surface floor space capacity volume"
_PIECES = "piece quantity qty stock count unit copy number pcs"
_BIRTH = "birth born birthday"
_BEGUN = "since start started begin begun joined hired entry"
_EARLY = Superlative(operation="min", dated=True)
_LATE = Superlative(operation="max", dated=True)
_SUPERLATIVES: tuple[tuple[str, tuple[Superlative, ...]], ...] = (
    ("least expensive|cheapest|cheaper|billigste[rns]?|gunstigste[rns]?", (_least(" ".join(MONEY)),)),
    ("most expensive|more expensive|dearest|dearer|costliest|priciest|teuerste[rns]?", (_most(" ".join(MONEY)),)),
    ("most recently|most recent|latest|newest|newer|last|letzte[rns]?", (_LATE,)),
    ("earliest|first|erste[rns]?", (_EARLY,)),
    ("longest|longer", (_most(_LENGTHS), replace(_EARLY, hints=word_set(_BEGUN)))),
    ("shortest|shorter", (_least(f"{_LENGTHS} height"),)),
    ("heaviest|heavier", (_most("weight mass kg"),)),
    ("lightest|lighter", (_least("weight mass kg"),)),
    ("tallest|taller", (_most("height tall"),)),
    ("oldest|older", (_most("age"), replace(_EARLY, hints=word_set(f"{_BIRTH} founded built")), _EARLY)),
    ("youngest|younger", (_least("age"), replace(_LATE, hints=word_set(_BIRTH)))),
    ("fastest|quickest|faster|quicker", (_most(_SPEEDS), _least(_TIMES))),
    ("slowest|slower", (_least(_SPEEDS), _most(_TIMES))),
    ("furthest|farthest|remotest", (_most("distance km miles away"),)),
    ("nearest|closest", (_least("distance km miles away"),)),
    ("deepest|deeper", (_most("depth"),)),
    ("widest|broadest|wider", (_most("width breadth"),)),
    ("narrowest|narrower", (_least("width breadth"),)),
    ("warmest|hottest|warmer|hotter", (_most("temperature"),)),
    ("coldest|coolest|colder|cooler", (_least("temperature"),)),
    ("(?:most|more) of(?= *[?.!]*$)", (_most(_PIECES), _most())),
    ("(?:fewest|least) of(?= *[?.!]*$)", (_least(_PIECES), _least())),
    ("largest|biggest|roomiest|larger|bigger|grosste[rns]?", (_most(_SIZES), _most())),
    ("smallest|smaller|tiniest|kleinste[rns]?", (_least(_SIZES), _least())),
    ("highest|greatest|maximum|max|higher|greater|most|hochste[rns]?", (_most(),)),
    ("lowest|least|fewest|minimum|min|lower|fewer|niedrigste[rns]?", (_least(),)),
)  # fmt: skip
_LIMITS = {
    name: at for at, name in enumerate("two three four five six seven eight nine ten".split(), 2)
}
_LIMIT = rf"\d\d?|{'|'.join(_LIMITS)}"
_EXTREME = tuple(
    (
        re.compile(
            rf"\b(?:(?:top )?(?P<limit>{_LIMIT}) )?(?:{words})\b(?! names?\b)(?: (?P<after>{_LIMIT})\b)?"
        ),
        kinds,
    )
    for words, kinds in _SUPERLATIVES
)
_MORE = (
    r"(?:more|higher|greater|larger|bigger|longer|older|heavier) than|over|above|exceed(?:s|ing)?"
    r"|mehr als|uber|plus de|mas de"
)
_LESS = (
    r"(?:less|fewer|lower|smaller|cheaper|shorter|younger|lighter) than|under|below"
    r"|weniger als|unter|moins de|menos de"
)
_AMOUNT = (
    rf"(?:[€$£¥]|(?:eur|usd|gbp|chf) )?(?P<{{}}>{NUMERAL})(?: ?(?P<{{}}_scale>k|m|million|thousand|hundred)\b)?"
    r"(?: ?(?:%|[€$£¥]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?|percent)\b))?"
)
_LOW, _HIGH = _AMOUNT.format("low", "low"), _AMOUNT.format("high", "high")
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "hundred": 1e2}
_BOUNDS = tuple(
    (sense, re.compile(pattern))
    for sense, pattern in (
        ("days between", rf"\b(?:between|from|zwischen) (?P<low>{DATE}) (?:and|to|until|till|und) (?P<high>{DATE})"),
        ("between", rf"\b(?:between|zwischen) {_LOW} (?:and|und|et|y) {_HIGH}"),
        ("before", rf"\b(?:before|earlier than|prior to|vor) (?P<low>{DATE})"),
        ("until", rf"\b(?:until|till|by|up to|bis) (?P<low>{DATE})"),
        ("after", rf"\b(?:after|later than|nach) (?P<low>{DATE})"),
        ("since", rf"\b(?:since|from|seit|ab) (?P<low>{DATE})(?: on(?:wards?)?)?"),
        ("within", rf"\b(?:in|on|during|of|for|im|am|en) (?:the (?:year|month of) |jahr )?(?P<low>{DATE})(?! ?[-/]\d)"),
        ("least", rf"\b(?:at least|no less than|no fewer than|minimum of|mindestens) {_LOW}"),
        ("most", rf"\b(?:at most|no more than|not more than|up to|maximum of|hochstens) {_LOW}"),
        ("least", rf"{_LOW} or more\b"),
        ("most", rf"{_LOW} or (?:less|fewer)\b"),
        ("over", rf"\b(?:{_MORE}) {_LOW}"),
        ("under", rf"\b(?:{_LESS}) {_LOW}"),
    )
)  # fmt: skip
_PREPOSITION = re.compile(
    r"\b(?:over|under|above|below|than|least|most|between|before|after|since|until|exceed\w*)$"
)
_NEGATIONS = word_set(
    "not without except excluding never n't neither nor nicht ohne kein keine sans sin"
)
_TELLING = word_set("done yet still already again together besides")
"""Function words that tell which rows are meant."""
_GROUP = re.compile(r"\b(?:per|by|for each|in each|for every|je|pro|par|por) (?P<name>\w+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A stretch in which a number or a date has to lie, its ends among it."""

    dated: bool
    low: float
    high: float
    month: int = 0
    """Of every year, where no year is named; then the ends say nothing."""
    printed: str
    start: int
    end: int

    def holds(self, low: float, high: float) -> bool:
        """Tell whether a number, or the days from one to another, lie inside."""
        if self.month:
            return self.month == low // 100 % 100 == high // 100 % 100
        return self.low <= low and high <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a question wants computed."""

    operation: Operation
    words: tuple[Word, ...]
    """All of the question."""
    used: frozenset[int]
    """Words by index that say what is computed, and under which bounds."""
    noun: frozenset[int] = frozenset()
    """Words by index right behind what is asked: how many *orders*, which *customer*."""
    superlatives: tuple[Superlative, ...] = ()
    """What the extreme may be of, the likeliest first."""
    limit: int = 1
    """How many extremes are asked for."""
    bounds: tuple[Bound, ...] = ()
    negated: frozenset[int] = frozenset()
    """Words by index that a negation stands before."""
    summed: bool = False
    """Whether it is the extreme of sums."""
    distinct: bool = False
    group: int | None = None
    """The word by index that names what there is a result for each of."""
    person: bool = False
    """Whether it asks who."""
    silent: frozenset[str] = frozenset()
    """Small words of its language, folded, besides those of English."""

    @property
    def open(self) -> tuple[int, ...]:
        """Words by index that a table must know: they name columns, values, or the whole."""
        return tuple(
            at for at, word in enumerate(self.words) if at not in self.used and self._says(word)
        )

    def _says(self, word: Word) -> bool:
        return (
            word.number
            or word.folded in _TELLING
            or word.folded not in FUNCTION_WORDS | self.silent
        )


def aggregate_of(question: str) -> Aggregate | None:
    """Return what a question wants computed; None where it is no question of that kind."""
    text = fold(question).replace("’", "'")
    if len(question) > MOST_CHARS or len(text) != len(question) or _NOT_HERE.search(text):
        return None
    bounds = tuple(_bounds(text))
    bare = _without(text, [(one.start, one.end) for one in bounds])
    matched = [(kind, found) for kind, pattern in _OPERATIONS if (found := pattern.search(bare))]
    if not matched:
        return None
    operation, asked = matched[0]
    spans = [(one.start, one.end) for one in bounds] + [asked.span()]
    extreme = next(
        ((kinds, found) for form, kinds in _EXTREME if (found := form.search(bare))), None
    )
    summed = any(kind == "sum" for kind, _ in matched)
    if extreme and operation in {"count", "share", "mean", "median"}:
        return None
    if extreme:
        operation = extreme[0][0].operation
        asked = min((found for _, found in matched), key=re.Match.start)
        spans += [
            extreme[1].span(),
            *(found.span() for kind, found in matched if kind in {"sum", "list", "select"}),
        ]
    elif _PREPOSITION.search(bare.rstrip(" ?.!")):
        return None
    spans += [
        found.span()
        for kind, found in matched
        if kind == "select" or (kind == "list" and operation != "count")
    ]
    words = tokens_of(question)
    used = frozenset(
        at for at, one in enumerate(words) if any(a <= one.start and one.end <= b for a, b in spans)
    )
    return Aggregate(
        operation=operation,
        words=words,
        used=used,
        noun=_noun(words, used, asked.end(), bare),
        superlatives=extreme[0] if extreme else (),
        limit=_limit(extreme[1]) if extreme else 1,
        bounds=bounds,
        negated=_negated(words),
        summed=summed,
        distinct=bool(re.search(r"different|distinct|unique", asked[0])),
        group=_group(words, bare) if operation in {"count", "sum", "mean"} else None,
        person=bool(re.match(r"who\b|wer\b|qui\b|quien", text)),
        silent=frozenset(fold(one) for one in small_words(question)),
    )


def _group(words: tuple[Word, ...], bare: str) -> int | None:
    """Return which word names that by which is counted, as "by country" does; None where none does."""
    found = _GROUP.search(bare.rstrip(" ?.!"))
    if found is None:
        return None
    return next((at for at, one in enumerate(words) if one.start == found.start("name")), None)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a text with blanks of a sort that no pattern takes in place of stretches of it."""
    for start, end in spans:
        text = text[:start] + "\0" * (end - start) + text[end:]
    return text


def _noun(words: tuple[Word, ...], used: frozenset[int], start: int, bare: str) -> frozenset[int]:
    """Return the words that follow what is asked, up to the first that says nothing by itself."""
    found: list[int] = []
    for at, word in enumerate(words):
        if word.start < start or (not found and (at in used or word.folded in FUNCTION_WORDS)):
            continue
        if at in used or word.folded in FUNCTION_WORDS or bare[word.start - 1] == "\0":
            break
        found.append(at)
    return frozenset(found)


def _limit(found: re.Match[str]) -> int:
    told = found["limit"] or found["after"] or "1"
    return int(told) if told.isdecimal() else _LIMITS[told]


def _negated(words: tuple[Word, ...]) -> frozenset[int]:
    """Return the words that a negation stands before, itself among them."""
    return frozenset(
        at
        for at, word in enumerate(words)
        if any(
            one.folded in _NEGATIONS or one.folded.endswith("n't") or one.folded == "no"
            for one in words[max(0, at - 3) : at + 1]
        )
    )


def _bounds(text: str) -> Iterator[Bound]:
    """Yield the bounds that a folded text sets, each stretch once."""
    taken: list[tuple[int, int]] = []
    for sense, pattern in _BOUNDS:
        for found in pattern.finditer(text):
            if any(start < found.end() and found.start() < end for start, end in taken):
                continue
            bound = (
                _dated(sense, found)
                if "_scale" not in "".join(found.groupdict())
                else _measured(sense, found)
            )
            if bound is not None:
                taken.append(found.span())
                yield bound


def _measured(sense: str, found: re.Match[str]) -> Bound | None:
    low = _amount(found, "low")
    high = _amount(found, "high") if sense == "between" else low
    if low is None or high is None:
        return None
    ends = {
        "between": (low, high),
        "least": (low, float("inf")),
        "most": (float("-inf"), low),
        "over": (_next(low, up=True), float("inf")),
        "under": (float("-inf"), _next(low, up=False)),
    }[sense]
    return Bound(
        dated=False,
        low=ends[0],
        high=ends[1],
        printed=found[0],
        start=found.start(),
        end=found.end(),
    )


def _next(value: float, *, up: bool) -> float:
    """Return the next value above or below, by far less than any that is written."""
    step = max(abs(value), 1.0) * 1e-12
    return value + step if up else value - step


def _amount(found: re.Match[str], end: str) -> float | None:
    value = number_of(found[end])
    return None if value is None else value * _SCALES.get(found[f"{end}_scale"] or "", 1.0)


def _dated(sense: str, found: re.Match[str]) -> Bound | None:
    first = days_of(found["low"])
    last = days_of(found["high"]) if sense == "days between" else first
    if first is None or last is None:
        return None
    if first[0] < 10_000 or last[0] < 10_000:
        return _in_any_year(sense, first, found)
    low, high = {
        "before": (0, first[0] - 1),
        "until": (0, first[1]),
        "after": (first[1] + 1, 99_999_999),
        "since": (first[0], 99_999_999),
    }.get(sense, (first[0], last[1]))
    return Bound(
        dated=True, low=low, high=high, printed=found[0], start=found.start(), end=found.end()
    )


def _in_any_year(sense: str, days: Days, found: re.Match[str]) -> Bound | None:
    """Return the bound of a month without a year; None for anything else that has none."""
    month = days[0] // 100
    if sense != "within" or days != (month * 100 + 1, month * 100 + 31):
        return None
    return Bound(
        dated=True,
        low=0,
        high=0,
        month=month,
        printed=found[0],
        start=found.start(),
        end=found.end(),
    )
