"""What in a question points outside it, unless it is bound in it or stands for nothing; names in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.language.dates import MONTH_NAMES, WEEKDAYS
from rag.language.english import (
    AUXILIARIES,
    BASE_VERBS,
    BE,
    CLAUSES,
    DEMONSTRATIVES,
    DETERMINERS,
    DO,
    FUNCTION_WORDS,
    MOTION,
    NOT_NOUNS,
    ORDINALS,
    PEOPLE,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    TIMES,
    WH,
    Gender,
)
from rag.language.words import Word
from rag.queries.noun_phrases import Mention, with_article
from rag.queries.salience import Discourse, Entity, fits

_LEAST_FIT = 0.3
"""Of what a pronoun in the same question may stand for."""
_MOST_ELSE = 1
"""Content words of a question with "else"; one with more says beside what."""
_TELLING = frozenset(
    """say says said report reports reported decide decides decided propose proposes proposed announce announced
    suggest suggests suggested agree agreed claim claims claimed mention mentions mentioned state states stated confirm
    confirmed approve approved write wrote do did does done mean""".split()
)
"""Verbs whose object "that" is all that was said."""
_PARTICULAR = {"the", "a", "an", "my", "our", "your"}
_CIRCUMSTANCES = (
    frozenset(WEEKDAYS)
    | TIMES
    | frozenset("raining snowing dark late early cold hot windy urgent".split())
)
"""What "it" is said to be where it stands for the time or the weather."""
_WEATHER_AND_EFFORT = frozenset(
    "take takes took cost costs rain rains snow snows matter matters".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A pronoun whose antecedent is not in the question."""

    start: int
    end: int
    gender: Gender
    possessive: bool
    bare: bool
    """Whether it is a demonstrative, which may stand for anything."""


_FURTHER = frozenset("of for with between that which who whose".split())
"""Words after a phrase that say more about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A stretch of the question and what stands in its place."""

    start: int
    end: int
    text: str
    added: str
    """What of the text is from the history."""


def pronoun_edits(
    words: Sequence[Word], mentions: Sequence[Mention], discourse: Discourse
) -> list[Edit]:
    """Return an edit for the first pronoun of each class; a later one stands for the same."""
    stems = {word.stem for word in words}
    taken: set[str] = set()
    seen: set[str] = set()
    edits: list[Edit] = []
    for reference in find_references(words, mentions):
        if reference.gender in seen:
            continue
        seen.add(reference.gender)
        entity = _antecedent(reference, discourse, stems, taken)
        if entity is not None:
            taken.add(entity.mention.text)
            partner = discourse.partner(entity) if reference.gender == "they" else None
            named = sorted(filter(None, (entity, partner)), key=discourse.order)
            names = [with_article(one.mention) for one in named]
            discourse.settle(entity, reference.gender)
            edits.append(_in_place(reference, " and ".join(names)))
    return edits


def small_word_edits(
    words: Sequence[Word], discourse: Discourse, listed: Sequence[Mention]
) -> Iterator[Edit]:
    """Yield an edit each for the first "there", "then" and "one", and for "the second one".

    Args:
        words: of the question.
        discourse: of the history.
        listed: what the last answer mentioned, in order.
    """
    seen: set[str] = set()
    for i, word in enumerate(words):
        if word.folded in seen:
            continue
        before, after = words[i - 1].folded if i else "", words[i + 1 : i + 2]
        if word.folded == "there" and not _existential(before, after):
            seen.add(word.folded)
            place = discourse.most_present(lambda mention: mention.place)
            if place is not None:
                way = "to" if before in MOTION else "in"
                yield _edit(word.start, word, f"{way} {with_article(place.mention)}")
        elif word.folded == "then" and i and not after and _is_past(words):
            seen.add(word.folded)
            time = discourse.most_present(lambda mention: mention.kind == "time")
            if time is not None:
                yield _edit(word.start, word, _at_time(time.mention.text))
        elif word.folded in ORDINALS:
            yield from _ordinal_edit(words, i, listed)
        elif word.folded in {"one", "ones"} and before not in ORDINALS and _ends(after):
            seen.add(word.folded)
            yield from _one_edit(words, i, discourse)


def points_back(words: Sequence[Word]) -> bool:
    """Tell whether small words of a question, other than pronouns, mean something said before it."""
    for i, word in enumerate(words):
        before, after = words[i - 1].folded if i else "", words[i + 1 : i + 2]
        if word.folded == "there" and not _existential(before, after):
            return True
        if word.folded == "then" and i and not after:
            return True
        if word.folded == "else" and before in WH | {"anything", "anyone", "anybody", "something"}:
            return not _excepts(words[i + 1 :]) and sum(one.content for one in words) <= _MOST_ELSE
        if word.folded in {"one", "ones"} and before in {"the", "that", "this", "which", *ORDINALS}:
            return before == "which" or _ends(after)
        if word.folded in {"this", "that", "these", "those"} and _is_determiner(words, i):
            return True
    return False


def points_at_case(words: Sequence[Word]) -> bool:
    """Tell whether a question is about what was just said as a whole: "What happens then?", "Who reported that?"."""
    last = words[-1].folded if len(words) > 1 else ""
    if last == "then":
        return not _is_past(words)
    if last == "it":
        return words[-2].folded in DO | {"done"}
    return last in {"that", "this"} and words[-2].folded in _TELLING


def _is_determiner(words: Sequence[Word], i: int) -> bool:
    """Tell whether a demonstrative points at a thing said before: "that fee", not "the fee that tenants pay"."""
    before, after = words[i - 1] if i else None, words[i + 1 : i + 2]
    if before is None or not after or after[0].apart or not after[0].content:
        return False
    opens = before.folded in AUXILIARIES | PREPOSITIONS | BASE_VERBS
    return opens and not after[0].folded.endswith("ed") and after[0].folded not in TIMES


def _excepts(after: Sequence[Word]) -> bool:
    """Tell whether it is said what else is set beside: "what else than rent"."""
    return any(word.folded in {"than", "but", "besides", "except"} for word in after)


def description_edits(
    words: Sequence[Word], mentions: Sequence[Mention], discourse: Discourse
) -> Iterator[Edit]:
    """Yield edits that make "the agreement" the military agreement that was spoken of."""
    for one in mentions:
        if one.kind != "phrase" or one.article not in {"the", *DEMONSTRATIVES}:
            continue
        known = None if _modified(words, one) else _fuller(one, discourse)
        if known is not None:
            determiner = next(word for word in reversed(words) if word.folded == one.article)
            start = one.start if one.article == "the" else determiner.start
            name = with_article(known.mention)
            yield Edit(start=start, end=one.end, text=name, added=name)


def applied(question: str, edits: Sequence[Edit]) -> str:
    """Return the question with its edits made; they do not overlap."""
    text = question
    for edit in sorted(edits, key=lambda edit: -edit.start):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text[:1].upper() + text[1:] if question[:1].isupper() else text


def _antecedent(
    reference: Reference, discourse: Discourse, stems: set[str], taken: set[str]
) -> Entity | None:
    def free(mention: Mention) -> bool:
        return mention.text not in taken and not mention.words <= stems

    found = discourse.antecedent(reference.gender, where=free)
    if found is None and reference.bare:
        return discourse.most_present(lambda mention: mention.kind != "time" and free(mention))
    return found


def _in_place(reference: Reference, name: str) -> Edit:
    text = name
    if reference.possessive:
        text = f"{name}'" if name.endswith("s") else f"{name}'s"
    return Edit(start=reference.start, end=reference.end, text=text, added=name)


def _edit(start: int, last: Word, text: str) -> Edit:
    return Edit(start=start, end=last.end, text=text, added=text)


def _ends(after: Sequence[Word]) -> bool:
    return not after or after[0].apart


def _is_past(words: Sequence[Word]) -> bool:
    """Tell whether a question is about the past, where "then" is a time; elsewhere it is a case."""
    past = {"did", "was", "were", "had", "didn't", "came", "went", "took"}
    return any(word.folded in past or word.folded.endswith("ed") for word in words)


def _existential(before: str, after: Sequence[Word]) -> bool:
    """Tell whether "there" only says that something exists: "is there", "there are"."""
    around = {before, *(word.folded for word in after)}
    return bool(around & (AUXILIARIES | {"be", "been", "seem", "exist", "remain", "there's"}))


def _at_time(time: str) -> str:
    words = time.lower().split()
    dated = len(words) > 1 and words[0] in MONTH_NAMES and len(words[1].rstrip(",")) < 4
    return f"{'on' if dated or (words[0].isdecimal() and len(words) > 1) else 'in'} {time}"


def _ordinal_edit(words: Sequence[Word], i: int, listed: Sequence[Mention]) -> Iterator[Edit]:
    """Yield the edit for "the second one", and for "the second" where no noun follows."""
    at = ORDINALS[words[i].folded]
    single = [one for one in listed if " and " not in one.text]
    after = words[i + 1 : i + 2]
    if after and after[0].folded in PEOPLE and i and words[i - 1].folded == "the":
        people = sorted(
            (one for one in single if one.kind == "name" and " " in one.text),
            key=lambda one: one.start,
        )
        if len(people) > max(at, 1):
            yield _edit(words[i - 1].start, after[0], people[at].text)
        return
    one = bool(after) and after[0].folded in {"one", "ones"}
    alone = _ends(after) or after[0].folded in AUXILIARIES | BASE_VERBS | NOT_NOUNS
    if i and words[i - 1].folded == "the" and (one or alone) and len(single) > max(at, 1):
        yield _edit(words[i - 1].start, after[0] if one else words[i], with_article(single[at]))


def _one_edit(words: Sequence[Word], i: int, discourse: Discourse) -> Iterator[Edit]:
    gender: Gender = "they" if words[i].folded == "ones" else "it"
    thing = discourse.antecedent(gender, where=lambda mention: mention.kind == "phrase")
    if thing is None:
        return
    name = thing.mention.text
    before = words[i - 1].folded if i else ""
    free = before in AUXILIARIES | BASE_VERBS | NOT_NOUNS | PREPOSITIONS
    if words[i].folded == "one" and free and before not in DETERMINERS:
        name = f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
    yield _edit(words[i].start, words[i], name)


def _fuller(one: Mention, discourse: Discourse) -> Entity | None:
    return discourse.most_present(
        lambda mention: (
            mention.kind == "phrase"
            and mention.head == one.head
            and mention.words > one.words
            and (mention.nature == "many") == (one.nature == "many")
        )
    )


def _modified(words: Sequence[Word], one: Mention) -> bool:
    """Tell whether what follows a phrase says more about it."""
    after = next((word for word in words if word.start >= one.end), None)
    if after is None or after.apart:
        return False
    return after.folded in _FURTHER or after.folded.endswith(("ble", "ing"))


def find_references(words: Sequence[Word], mentions: Sequence[Mention]) -> Iterator[Reference]:
    """Yield the pronouns of a question that stand for something said before it, in order."""
    for i, word in enumerate(words):
        bare = word.folded in DEMONSTRATIVES
        gender = PRONOUNS.get(word.folded) or DEMONSTRATIVES.get(word.folded)
        if gender is None or (bare and not _stands_alone(words, i)):
            continue
        if word.folded == "it" and _expletive(words, i):
            continue
        possessive = not bare and _owns(words, i)
        if not bare and _bound(words, i, gender, mentions, possessive=possessive):
            continue
        yield Reference(
            start=word.start, end=word.end, gender=gender, possessive=possessive, bare=bare
        )


def _stands_alone(words: Sequence[Word], i: int) -> bool:
    """Tell whether a demonstrative is a pronoun in a question, not a determiner or conjunction."""
    before, after = _beside(words, i)
    if any(word.opens for word in words[: i + 1] if word is not words[0]) or i == 0:
        return False
    if words[i].folded == "that" and before not in AUXILIARIES | PREPOSITIONS | BASE_VERBS:
        return False
    if after == "" or after in AUXILIARIES | PREPOSITIONS | CLAUSES:
        return True
    return before in AUXILIARIES and after in BASE_VERBS


def _expletive(words: Sequence[Word], i: int) -> bool:
    """Tell whether "it" stands for nothing: "is it possible to", "how long does it take to"."""
    before, _ = _beside(words, i)
    after = [word.folded for word in words[i + 1 : i + 8]]
    if after[:1] and after[0] in BE and set(after[1:3]) & _CIRCUMSTANCES:
        return True
    if after[:1] in (["make"], ["makes"]) and after[1:2] == ["sense"]:
        return True
    clause = next((k for k, word in enumerate(after) if word in {"to", "that", "if", "for"}), None)
    if clause is None:
        return False
    if after[clause] == "for" and "to" not in after[clause:]:
        return False
    if before in BE | {"isn't", "wasn't"} or after[0] in BE | {"be"}:
        between = [word for word in after[:clause] if word not in BE | {"be", "not"}]
        return 0 < len(between) <= 2 and not between[0].endswith("ed")
    return after[0] in _WEATHER_AND_EFFORT


def _owns(words: Sequence[Word], i: int) -> bool:
    if words[i].folded != "her":
        return words[i].folded in POSSESSIVES
    _, after = _beside(words, i)
    return after != "" and after not in FUNCTION_WORDS


def _bound(
    words: Sequence[Word],
    i: int,
    gender: Gender,
    mentions: Sequence[Mention],
    *,
    possessive: bool,
) -> bool:
    """Tell whether the question itself says what the pronoun at i stands for.

    A possessive may stand for anything before it; another pronoun only for what another clause
    names: in "What did Seoul say about it?" it is not Seoul.
    """
    for mention in mentions:
        if mention.end > words[i].start or fits(mention.nature, gender) < _LEAST_FIT:
            continue
        between = [word for word in words[: i + 1] if word.start >= mention.end]
        if possessive or any(word.opens for word in between):
            return True
        named = mention.kind == "name" or mention.article in _PARTICULAR or gender in {"he", "she"}
        if named and any(word.folded in CLAUSES or word.apart for word in between[:-1]):
            return True
    return False


def _beside(words: Sequence[Word], i: int) -> tuple[str, str]:
    """Return the words before and after i, in lower case, "" where there is none beside it."""
    after = words[i + 1] if i + 1 < len(words) and not words[i + 1].apart else None
    return words[i - 1].folded if i else "", after.folded if after else ""
