"""Names in the place of the words that point to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.language.dates import MONTH_NAMES
from rag.language.english import (
    AUXILIARIES,
    BASE_VERBS,
    DEMONSTRATIVES,
    DETERMINERS,
    MOTION,
    NOT_NOUNS,
    ORDINALS,
    PREPOSITIONS,
    Gender,
)
from rag.language.words import Word
from rag.queries.discourse import Discourse, Entity
from rag.queries.mentions import Mention, with_article
from rag.queries.references import Reference, find_references

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
        elif word.folded == "then" and i and not after:
            seen.add(word.folded)
            time = discourse.most_present(lambda mention: mention.kind == "time")
            if time is not None:
                yield _edit(word.start, word, _at_time(time.mention.text))
        elif word.folded in ORDINALS:
            yield from _ordinal_edit(words, i, listed)
        elif word.folded in {"one", "ones"} and before not in ORDINALS and _ends(after):
            seen.add(word.folded)
            yield from _one_edit(words, i, discourse)


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
