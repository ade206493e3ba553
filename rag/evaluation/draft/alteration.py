"""Unanswerable questions: a name or year of a good question replaced by another of the same source.

Nobody can be sure of that without reading, so each is marked for a person to check.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.evaluation.draft.clauses import YEAR, Clause
from rag.evaluation.draft.rules import NAME, DraftQuestion, PlainSentence, content_words
from rag.evaluation.draft.verbs import DOING, FORMS
from rag.language.dates import MONTH

_PLACE = re.compile(
    rf"\b(?P<before>in|at|from|near) (?P<name>(?!{MONTH}){NAME})"
    r"(?=[?,;.]| (?:and|in|on|at|to|from|for|by|with|after|before)\b)"
)
_YEAR = re.compile(rf"(?<![–-])(?<!between )\b{YEAR}\b(?![–-]| and \d)")
_UNALTERED = frozenset({"abbreviation", "who somebody is", "definition"})
"""Rules whose questions ask about nothing but the name."""
_LONGEST_DOER = 4
_SHARED = 0.7
"""A sentence with the new name and at least this share of the question's other words may answer it."""


_Key: TypeAlias = tuple[str, str]
"""(source_id, sort): a doer, a year, or a place after one of the prepositions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A question that was made of another."""

    question: str
    old: str
    new: str
    draft: DraftQuestion


def alter(
    drafts: Sequence[DraftQuestion], statements: Sequence[PlainSentence], n: int
) -> tuple[Altered, ...]:
    """Return at most n altered questions, each of another sentence, in the order of the drafts.

    What is put in is of the same source, so that only reading it tells that it does not answer.

    Args:
        drafts: the best first.
        statements: all sentences of all sources.
        n: how many are wanted.
    """
    words = [_bases(one.text) for one in statements]
    pools = _pools(statements)
    found: dict[PlainSentence, Altered] = {}
    used: Counter[str] = Counter()
    for draft in drafts:
        if len(found) == n:
            break
        if draft.rule in _UNALTERED or draft.statement in found:
            continue
        one = _altered(draft, pools, used)
        if one is not None and not _is_answered(one, words):
            found[draft.statement] = one
            used[one.new] += 1
    return tuple(found.values())


def _altered(
    draft: DraftQuestion, pools: Mapping[_Key, Sequence[str]], used: Counter[str]
) -> Altered | None:
    """Put another doer, another year or another place of the same source into the question."""
    clause, source = draft.statement.clause, draft.statement.source_id
    places = [
        *([("doer", clause.subject)] if clause and _is_doing(clause) else []),
        *(("year", year) for year in _YEAR.findall(draft.question)),
        *((found["before"], found["name"]) for found in _PLACE.finditer(draft.question)),
    ]
    for sort, old in places:
        others = _fitting(pools.get((source, sort), ()), old, draft)
        if others and f" {old}" in draft.question:
            return _replaced(draft, old, min(others, key=lambda other: used[other]))
    return None


def _replaced(draft: DraftQuestion, old: str, new: str) -> Altered:
    question = re.sub(rf" {re.escape(old)}(?!\w)", lambda _: f" {new}", draft.question, count=1)
    return Altered(question=question, old=old, new=new, draft=draft)


def _fitting(others: Iterable[str], old: str, draft: DraftQuestion) -> list[str]:
    """Return the others that the draft's sentence does not have and that agree in number."""
    said = content_words(draft.statement.text)
    return [
        other
        for other in others
        if not content_words(other) & said
        and other.endswith(("s", "s.")) == old.endswith(("s", "s."))
        and (" and " in other) == (" and " in old)
    ]


def _is_answered(altered: Altered, sentences: Sequence[frozenset[str]]) -> bool:
    """Whether some sentence has the new name and much of the rest of the question."""
    new = _bases(altered.new)
    rest = _bases(altered.question) - new
    return any(new <= words and len(rest & words) >= _SHARED * len(rest) for words in sentences)


def _is_doing(clause: Clause) -> bool:
    """Whether somebody with a name does something."""
    return clause.named and clause.form is not None and clause.form.base in DOING


def _bases(text: str) -> frozenset[str]:
    """Return the words that say something, verbs in their base form: a question has another than a sentence."""
    return frozenset(FORMS[word].base if word in FORMS else word for word in content_words(text))


def _pools(statements: Iterable[PlainSentence]) -> dict[_Key, list[str]]:
    """Return the replacements by source and sort, in order of appearance, without duplicates."""
    pools: dict[_Key, dict[str, None]] = {}
    for one in statements:
        clause = one.clause
        if clause and _is_doing(clause) and len(clause.subject.split()) <= _LONGEST_DOER:
            pools.setdefault((one.source_id, "doer"), {})[clause.subject] = None
        for year in _YEAR.findall(one.text):
            pools.setdefault((one.source_id, "year"), {})[year] = None
        for found in _PLACE.finditer(one.text):
            pools.setdefault((one.source_id, found["before"]), {})[found["name"]] = None
    return {key: list(pool) for key, pool in pools.items()}
