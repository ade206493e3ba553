"""Who and what a text mentions: names, noun phrases, times. By shape and closed lists, without a tagger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from rag.language.dates import MONTH_NAMES, WEEKDAYS
from rag.language.english import (
    ARTICLES,
    AUXILIARIES,
    BASE_VERBS,
    BE,
    CARDINALS,
    CONTRACTED,
    COUNTRIES,
    DEMONYMS,
    DETERMINERS,
    DO,
    FEMALE,
    FUNCTION_WORDS,
    GROUP_NAMES,
    GROUPS,
    HAVE,
    MALE,
    MEN,
    MODALS,
    NOT_NOUNS,
    PEOPLE,
    PLACING,
    PRONOUNS,
    QUANTIFIERS,
    TITLES,
    WH,
    WOMEN,
)
from rag.language.names import is_acronym
from rag.language.words import Word, words_of

Kind = Literal["name", "phrase", "time"]
Nature = Literal["male", "female", "person", "group", "place", "many", "thing", "unknown"]

MOST_WORDS = 9
"""Of a mention; longer ones are cut at a word."""
MOST_CHARS = 90
"""Of a mention; longer ones are cut at a word too, and one word that is longer is no mention."""
_JOINING = frozenset("of the de la le van von der den di da du bin al el for".split())
_UNTITLED = AUXILIARIES | {"and"}
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{2,80})[\"”»]")
_STATES = frozenset(
    "open closed free valid full empty ready safe legal shut cheap expensive".split()
)
"""Adjectives that end a question about their noun: "When is the library open?"."""
_NO_ADVERBS = frozenset(
    """yearly monthly weekly daily hourly quarterly family assembly supply reply july ally anomaly belly bully italy
    friendly elderly early assemblies""".split()
)
_AFTER_NOUNS = ("-safe", "-proof", "-free", "-friendly", "-resistant")
"""Endings of adjectives that stand behind their noun in a question: "Is the ring dishwasher-safe?"."""
_TITLE_CASE_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A stretch of a text that names something; offsets are of that text."""

    text: str
    """Without a leading article or a trailing possessive."""
    start: int
    """With what stands before it as its determiner."""
    end: int
    kind: Kind
    nature: Nature
    words: frozenset[str]
    """Stems of its content words."""
    head: str
    """Stem of the word that says what it is."""
    article: str = ""
    """The determiner it was written with, in lower case."""
    place: bool = False
    """Whether a word such as "in" or "near" stands before it."""


def find_mentions(text: str, words: Sequence[Word]) -> tuple[Mention, ...]:
    """Return the mentions of a text in order; coordinated names also as one, before their parts."""
    if _is_heading(text, words):
        heading = _mention(text, words, 0, len(words), "name")
        return (heading,) if len(heading.text) <= MOST_CHARS else ()
    titled = _is_title(words)
    found: list[Mention] = list(_quoted(text))
    taken = [(mention.start, mention.end) for mention in found]
    i = 0
    while i < len(words):
        if any(start <= words[i].start < end for start, end in taken):
            i += 1
            continue
        if run := _time_run(words, i):
            found.append(_mention(text, words, i, run, "time"))
            i = run
        elif run := _name_run(words, i, titled=titled):
            longer = _qualified(words, i, run)
            if longer:
                found.append(_mention(text, words, i, longer, "phrase"))
            if not longer or words[run - 1].possessive:
                found.append(_mention(text, words, i, run, "name"))
            i = longer or run
        elif run := _phrase_run(words, i):
            found.append(_mention(text, words, i, run, "phrase"))
            found.extend(_names_within(text, words, i, run))
            i = run
        else:
            i += 1
    found = [mention for mention in found if len(mention.text) <= MOST_CHARS]
    found.sort(key=lambda mention: (mention.start, -mention.end))
    found.extend(list(_coordinated(text, found)))
    return tuple(sorted(found, key=lambda mention: (mention.start, -mention.end)))


def with_article(mention: Mention) -> str:
    """Return the mention as it is named again: `an agreement` as `the agreement`."""
    if mention.kind == "name":
        return f"the {mention.text}" if mention.article == "the" else mention.text
    owned = any(sign in mention.text for sign in ("'s ", "’s ", "s' ", "s’ "))
    bare = mention.kind == "time" or not mention.article
    return mention.text if owned or bare else f"the {mention.text}"


def _is_title(words: Sequence[Word]) -> bool:
    """Tell whether capitals say nothing, because nearly every content word has one."""
    content = [word for word in words if word.content and not word.number]
    capitals = sum(word.capital for word in content)
    lower = sum(1 for word in words if not word.content and not word.capital)
    return len(content) > 3 and capitals == len(content) and lower <= len(words) // 3


def _is_heading(text: str, words: Sequence[Word]) -> bool:
    """Tell whether a turn is nothing but one name: "Hound Dog", "Shakespeare in Love"."""
    if not words or len(words) > MOST_WORDS or "?" in text or _time_run(words, 0) == len(words):
        return False
    if any(word.apart or word.folded in _UNTITLED or word.possessive for word in words[1:]):
        return False
    content = [word for word in words if word.content]
    return bool(content) and words[0].content and all(word.capital for word in content)


def _quoted(text: str) -> Iterator[Mention]:
    for match in _QUOTED.finditer(text):
        content = match.group(1).strip(" ,.;:!?")
        stems = frozenset(word.stem for word in words_of(content))
        if content[:1].isupper() and stems and content.count(" ") < MOST_WORDS:
            yield Mention(
                text=content,
                start=match.start(),
                end=match.end(),
                kind="name",
                nature="thing",
                words=stems,
                head=words_of(content)[-1].stem,
            )


def _time_run(words: Sequence[Word], i: int) -> int:
    """Return where the date that begins at word i ends, or 0."""
    j = i
    while j < len(words) and (j == i or not words[j].apart or words[j].year):
        word = words[j]
        month = word.folded in MONTH_NAMES and (word.capital or word.folded not in {"may", "march"})
        if not (month or word.year or _day_number(words, j) or word.folded in WEEKDAYS):
            break
        j += 1
    if j == i or (j == i + 1 and words[i].number and not words[i].year):
        return 0
    return j


def _day_number(words: Sequence[Word], i: int) -> bool:
    if not re.fullmatch(r"\d{1,2}(?:st|nd|rd|th)?", words[i].folded):
        return False
    beside = [words[k].folded for k in (i - 1, i + 1) if 0 <= k < len(words)]
    return any(word in MONTH_NAMES for word in beside)


def _name_run(words: Sequence[Word], i: int, *, titled: bool) -> int:
    """Return where the name that begins at word i ends, or 0."""
    if not _may_begin_name(words, i):
        return 0
    j = i + 1
    while j < len(words) and j - i < MOST_WORDS and not words[j].apart:
        if words[j - 1].possessive:
            break
        if not (words[j].capital or words[j].number) or words[j].opens:
            step = _joined(words, j)
            if not step:
                break
            j = step
            continue
        if words[j].folded in AUXILIARIES:
            break
        j += 1
    return 0 if j == i + 1 and titled else j


def _qualified(words: Sequence[Word], i: int, j: int) -> int:
    """Return where the phrase ends that the name of words i to j owns or qualifies, or 0."""
    last = words[j - 1]
    owning = last.possessive or last.folded in DEMONYMS
    if j >= len(words) or words[j].apart or not (owning or _names_kind(words, i, j)):
        return 0
    verbs = NOT_NOUNS if last.possessive else NOT_NOUNS | BASE_VERBS
    if not _nominal(words[j]) or words[j].opens or words[j].folded in verbs:
        return 0
    end = _chunk(words, j)
    if not owning and _subject_place(words, i) and any(w.folded in DO | MODALS for w in words[:i]):
        end = _before_verb(words, i, end)
        if end <= j:
            return 0
    return _extended(words, end)


def _names_kind(words: Sequence[Word], i: int, j: int) -> bool:
    """Tell whether a name seems to qualify a noun: "the Christmas concert", not "the Beatles split"."""
    determined = i > 0 and not words[i].apart and words[i - 1].folded in DETERMINERS - WH
    asked = words[0].folded in WH | AUXILIARIES
    return (
        determined and (asked or not _is_plural(words[j - 1].folded)) and not _participle(words, j)
    )


def _joined(words: Sequence[Word], j: int) -> int:
    """Return the index after a capitalised word that follows joining words at j, or 0."""
    k = j
    while k < len(words) and k - j < 2 and words[k].folded in _JOINING and not words[k].apart:
        k += 1
    if k == j or k >= len(words) or words[k].apart or words[k - 1].apart or not words[k].capital:
        return 0
    return 0 if words[k].folded in FUNCTION_WORDS or words[k].opens else k + 1


def _may_begin_name(words: Sequence[Word], i: int) -> bool:
    word = words[i]
    if word.folded.split("-")[0] in DEMONYMS and "-" in word.folded:
        return False
    if word.number and word.opens and i + 1 < len(words) and not word.year:
        return words[i + 1].capital and not words[i + 1].apart
    if not word.capital or (word.folded in FUNCTION_WORDS and not is_acronym(word.text)):
        return False
    if not word.opens:
        return True
    following = words[i + 1] if i + 1 < len(words) and not words[i + 1].apart else None
    if following and not following.opens and following.content and _continues_name(following):
        return True
    if is_acronym(word.text) or word.possessive or word.folded in COUNTRIES | MEN | WOMEN | TITLES:
        return True
    if any(other.text == word.text for other in words[:i] if not other.opens):
        return True
    verbal = following and (following.folded in AUXILIARIES or following.folded in NOT_NOUNS)
    plural = word.folded.endswith("s") and not word.folded.endswith(("ss", "us", "is", "os"))
    return bool(verbal) and not plural and not word.folded.endswith(("ing", "ion", "ment", "ity"))


def _continues_name(word: Word) -> bool:
    return word.capital or (word.number and not word.year)


def _phrase_run(words: Sequence[Word], i: int) -> int:
    """Return where the noun phrase that begins at word i ends, or 0."""
    before = words[i - 1] if i and not words[i].apart else None
    determined = before is not None and _determines(words, i - 1)
    if before is not None and before.folded == "how":
        return 0
    weakly = before is not None and (before.folded == "what" or before.number)
    if weakly and _verb_by_place(words, i):
        return 0
    if not _nominal(words[i]) or (not determined and _verb_by_place(words, i)):
        return 0
    inverted = any(word.folded in DO | MODALS | CONTRACTED for word in words[:i])
    if inverted and not determined and words[i].folded in BASE_VERBS:
        return 0
    j = _chunk(words, i)
    if inverted and _subject_place(words, i):
        j = _before_verb(words, i, j)
    if j == i:
        return 0
    return min(_extended(words, j), i + MOST_WORDS)


def _extended(words: Sequence[Word], j: int) -> int:
    """Return where a phrase that ends at j ends with what "of" adds to it."""
    for _ in range(2):
        j = _of_part(words, j) or j
    return j


def _nominal(word: Word) -> bool:
    counting = word.number or word.folded in CARDINALS
    return word.content and not counting and not _is_adverb(word) and len(word.folded) > 1


def _is_adverb(word: Word) -> bool:
    return word.folded.endswith("ly") and word.folded not in _NO_ADVERBS


def _determines(words: Sequence[Word], i: int) -> bool:
    word = words[i].folded
    return (
        word in DETERMINERS
        or word in QUANTIFIERS
        or word in CARDINALS
        or words[i].number
        or words[i].possessive
    )


def _verb_by_place(words: Sequence[Word], i: int) -> bool:
    """Tell whether an undetermined word is likelier a verb than a noun where it stands."""
    word = words[i].folded
    before = words[i - 1] if i else None
    if word in NOT_NOUNS or (word.endswith("ed") and not word.startswith("un")):
        return True
    if before is None or words[i].apart:
        return False
    if word in BASE_VERBS and _is_plural(before.folded):
        return True
    if before.folded in {"who", "what", "to", "not", "n't"} | PRONOUNS.keys() | {"i", "you", "we"}:
        return before.folded != "to" or word in BASE_VERBS
    return before.capital and before.content and not words[i].capital and not before.possessive


def _chunk(words: Sequence[Word], i: int) -> int:
    """Return where the run of nouns and their adjectives from word i ends.

    What looks like a plural behind "a" is a verb: "if a hose leaks".
    """
    single = i > 0 and words[i - 1].folded in {"a", "an"}
    j = i + 1
    while j < len(words) and j - i < MOST_WORDS and not words[j].apart:
        word = words[j]
        if not word.content or word.opens or word.folded in NOT_NOUNS or _is_adverb(word):
            break
        if word.folded in BASE_VERBS and _is_plural(words[j - 1].folded):
            break
        following = words[j + 1] if j + 1 < len(words) and not words[j + 1].apart else None
        if word.folded in _STATES and not (following and following.content):
            break
        if single and _is_plural(word.folded) and not (following and following.content):
            break
        if (
            word.folded.endswith(_AFTER_NOUNS)
            or word.year
            or _participle(words, j)
            or (word.capital and not words[j - 1].capital)
        ):
            break
        if following and following.folded in ARTICLES | {"his", "her", "its", "their"}:
            break
        j += 1
    return j


def _participle(words: Sequence[Word], j: int) -> bool:
    word, before = words[j].folded, words[j - 1].folded
    if words[j].capital or not word.endswith("ed") or word.startswith("un") or len(word) < 5:
        return False
    return not before.endswith(("al", "ive", "ous", "ic", "ly")) and before not in QUANTIFIERS


def _subject_place(words: Sequence[Word], i: int) -> bool:
    """Tell whether word i begins what an auxiliary before it has as its subject."""
    k = i - 1
    while k >= 0 and _determines(words, k) and words[k].folded not in WH:
        k -= 1
    return k >= 0 and words[k].folded in DO | MODALS | CONTRACTED


def _before_verb(words: Sequence[Word], i: int, j: int) -> int:
    """Return where a subject ends that runs into its verb."""
    for k in range(j - 1, i, -1):
        if words[k].folded in BASE_VERBS:
            return k
    following = HAVE | BE | NOT_NOUNS | {"be"}
    verb_follows = j < len(words) and not words[j].apart and words[j].folded in following
    return j - 1 if j - i > 1 and not words[j - 1].capital and not verb_follows else j


def _of_part(words: Sequence[Word], j: int) -> int:
    """Return where "of ..." after a phrase ends, or 0."""
    if j >= len(words) or words[j].folded != "of" or words[j].apart:
        return 0
    k = j + 1
    if k < len(words) and words[k].folded in ARTICLES and not words[k].apart:
        k += 1
    if k >= len(words) or words[k].apart or not _nominal(words[k]):
        return 0
    return _name_run(words, k, titled=False) or _chunk(words, k)


def _names_within(text: str, words: Sequence[Word], i: int, j: int) -> Iterator[Mention]:
    """Yield the names that a phrase contains after its first word."""
    k = i + 1
    while k < j:
        end = _name_run(words[:j], k, titled=False)
        if end:
            yield _mention(text, words, k, end, "name")
        k = end or k + 1


def _mention(text: str, words: Sequence[Word], i: int, j: int, kind: Kind) -> Mention:
    """Make the mention of words i to j."""
    j = _within_limit(words, i, j)
    run = words[i:j]
    tail = run[-1]
    before = words[i - 1] if i and not words[i].apart else None
    article = ""
    if (
        before is not None
        and kind != "time"
        and not before.possessive
        and _determines(words, i - 1)
    ):
        article = before.folded
    lead = words[i - 2] if article and i > 1 else before
    head = next((run[k - 1] for k in range(1, len(run)) if run[k].folded == "of"), tail)
    named = text[run[0].start : tail.start + len(tail.text)]
    if kind == "phrase" and run[0].opens and not is_acronym(run[0].text) and not run[0].possessive:
        named = named if run[0].folded in DEMONYMS else named[0].lower() + named[1:]
    mention = Mention(
        text=named,
        start=before.start if article in ARTICLES and before else run[0].start,
        end=tail.end,
        kind=kind,
        nature="unknown",
        words=_stems(run),
        head=head.stem,
        article=article,
        place=bool(lead) and lead is not None and lead.folded in PLACING,
    )
    return replace(mention, nature=_nature(mention, run, head))


def _stems(run: Sequence[Word]) -> frozenset[str]:
    content = [word for word in run if word.content]
    plain = [word for word in content if word.folded not in TITLES]
    return frozenset(word.stem for word in plain or content or run)


def _within_limit(words: Sequence[Word], i: int, j: int) -> int:
    while j > i + 1 and words[j - 1].end - words[i].start > MOST_CHARS:
        j -= 1
    return j


def _nature(mention: Mention, run: Sequence[Word], head: Word) -> Nature:
    """Say which pronouns would stand for it."""
    lowers = [word.folded for word in run]
    if mention.kind == "time":
        return "thing"
    if mention.kind == "name":
        return _nature_of_name(mention, run, lowers)
    noun = head.folded
    if noun in MALE | FEMALE:
        return "male" if noun in MALE else "female"
    if noun in PEOPLE:
        return "person"
    if noun in GROUPS:
        return "group"
    return "many" if _is_plural(noun) else "thing"


def _is_plural(noun: str) -> bool:
    if noun in {"people", "children", "men", "women"}:
        return True
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is", "news", "physics"))


def _nature_of_name(mention: Mention, run: Sequence[Word], lowers: Sequence[str]) -> Nature:
    nation = lowers[-1] in COUNTRIES
    if nation and (len(lowers[-1]) > 3 or is_acronym(run[-1].text) or "." in lowers[-1]):
        return "place"
    if "&" in mention.text or any(lower in GROUP_NAMES for lower in lowers):
        return "group"
    if len(run) > 1 and any(_unlike_person(word) for word in run[1:]):
        return "thing"
    return _gender(mention, lowers) or _nature_of_other(mention, run, lowers)


def _gender(mention: Mention, lowers: Sequence[str]) -> Nature | None:
    """Say what a title or a first name tells."""
    first = lowers[0] if lowers[0] not in TITLES or len(lowers) == 1 else lowers[1]
    if lowers[0] in MALE or (first in MEN and (len(lowers) > 1 or mention.article == "")):
        return "male"
    if lowers[0] in FEMALE or first in WOMEN:
        return "female"
    return "person" if lowers[0] in TITLES else None


def _nature_of_other(mention: Mention, run: Sequence[Word], lowers: Sequence[str]) -> Nature:
    if mention.place:
        return "place"
    if mention.article == "the" and _is_plural(lowers[-1]):
        return "group"
    if any(word.number for word in run) or (len(run) == 1 and is_acronym(run[0].text)):
        return "group"
    return "unknown"


def _unlike_person(word: Word) -> bool:
    small = not word.content and word.folded not in _JOINING
    return small or word.folded in NOT_NOUNS or "/" in word.text


def _coordinated(text: str, mentions: Sequence[Mention]) -> Iterator[Mention]:
    """Yield "A and B" where two names or two people stand so."""
    for left, right in pairwise(mentions):
        between = text[left.end : right.start].strip().lower()
        if {left.kind, right.kind} == {"name"} and between in {"and", "&", ", and"}:
            yield Mention(
                text=f"{with_article(left)} and {with_article(right)}",
                start=left.start,
                end=right.end,
                kind="name",
                nature="many",
                words=left.words | right.words,
                head=right.head,
            )
