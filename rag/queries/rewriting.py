"""The history is read once, oldest first; then the question gets what it leaves to the history."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from copy import copy
from dataclasses import dataclass, replace

from rag.language.english import (
    AUXILIARIES,
    BRIDGES,
    DEMONSTRATIVES,
    OPENERS,
    PRONOUNS,
    TIMES,
    WH,
)
from rag.language.languages import language_of
from rag.language.sentences import split_sentences
from rag.language.words import Word, stemmed, tokens_of
from rag.queries.ellipsis import Before, complete, continued, corrected, find_fragment
from rag.queries.noun_phrases import Mention, Nature, find_mentions, with_article
from rag.queries.requests import exchanges, is_about_sources
from rag.queries.salience import Discourse, Tuning
from rag.queries.substitution import (
    Edit,
    applied,
    description_edits,
    find_references,
    points_at_case,
    points_back,
    pronoun_edits,
    small_word_edits,
)
from rag.schema import Turn

MOST_TURNS = 16
"""Of the history that are read, the latest."""
MOST_CHARS = 800
"""Of a turn that are read, the first."""
MOST_MENTIONS = 12
"""Of a turn."""
MOST_QUESTION_CHARS = 1000
"""A longer question says for itself what it is about."""
MOST_ROUNDS = 3
"""In which a rewritten question must come to stand alone by these very rules, or it is not rewritten."""
MOST_BEFORE = 160
"""Characters of a question that a later one may take up."""


_MOST_WORDS = 6
"""Content words of a question that may lack something; a longer one says what it is about."""
_MOST_REPLYING = 3
"""Words that answer a question of the assistant's."""
_MOST_LACKING = 2
"""Content words of a question that has no noun."""
_ANOTHER = frozenset("else other others same another next".split())
_BRIDGES = frozenset(stemmed(word) for word in BRIDGES)
_MARKER = re.compile(r"\[\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,20}\]")
_LINK = re.compile(r"https?://\S*[^\s.,;:!?)]")
_SENTENCE_END = re.compile(r"((?<=[.!?])\s+|\n+)")
_NOT = r"(?: not|n['’]t)"
_SOURCES = r"(?:sources?|documents?|passages?|context|texts?|articles?|data)"
_ABSTAINING = re.compile(
    rf"\b{_SOURCES}\b.{{0,20}}\b(?:do|does|did){_NOT}\b"
    rf"|\bnot (?:\w+ (?:in|by) |in )(?:the|your|these) {_SOURCES}\b"
    r"|\bno sources yet\b|\bno (?:answer|such point)\b|\bnot mentioned where\b|\bmay not answer\b|\bsay no more\b"
    rf"|\bnothing (?:was found|in the {_SOURCES}|has been indexed)\b"
    rf"|\b(?:i|we)(?: am| are| was| were|['’]m)?(?: \w+){{0,3}} (?:do|can|could){_NOT} (?:\w+ )?"
    r"(?:have|know|find|answer|provide|tell)\b"
    rf"|\b(?:i|we) (?:do|can|could){_NOT} (?:\w+ )?(?:have|know|find|answer|provide|tell)\b"
    r"|\b(?:i|we) (?:cannot|can not) (?:\w+ )?(?:find|answer|provide|tell)\b"
    r"|\bno (?:\w+ )?information\b|\bunable to (?:\w+ )?(?:answer|find)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for a question."""

    text: str
    """Equals the question when nothing was added."""
    rewritten: bool
    added: tuple[str, ...]
    """What was taken from the history."""


def standalone(question: str, history: Sequence[Turn], *, tuning: Tuning | None = None) -> Query:
    """Return the question so that it can be understood without the history.

    Pronouns and descriptions get their names, and a question that leaves something out gets it
    from the one before. One that stands alone stays as it is, to the letter; so does one in another
    language than English. Time is linear in the question; of the history at most `MOST_TURNS` turns
    of `MOST_CHARS` characters are read.

    Args:
        question: any text.
        history: earlier turns, oldest first.
        tuning: other weights, for measuring them.
    """
    conversation = _Conversation(tuning or Tuning())
    for turn in history[-MOST_TURNS:]:
        conversation.hear(turn)
    text = question
    added: tuple[str, ...] = ()
    for _ in range(MOST_ROUNDS):
        query = copy(conversation).rewrite(text)
        exchanged = text != question and query.text.startswith(text)
        if query.text == text or exchanged:
            return Query(text=text, rewritten=text != question, added=added)
        text, added = query.text, (*added, *query.added)
    return Query(text=question, rewritten=False, added=())


def is_follow_up(question: str, answer: str = "") -> bool:
    """Tell whether a question says by its own form that it needs what came before it.

    It has no verb, a pronoun that it does not explain, or goes on: "And in winter?", "How many?", "Who else?". One that
    only might, such as "Who is the captain?", is none; so is one in another language than English.

    Args:
        question: any text.
        answer: what was said before it; a word or two may answer what that asks back.
    """
    words = tokens_of(question) if len(question) <= MOST_QUESTION_CHARS else ()
    if not words or language_of(question) not in {"", "en"}:
        return False
    if answer.rstrip().endswith("?") and len(words) <= _MOST_REPLYING:
        return True
    if continued(question, words, "it") or corrected(question):
        return True
    fragment = find_fragment(question)
    if fragment is not None:
        return fragment.led or sum(word.content for word in fragment.words) <= _MOST_LACKING
    mentions = find_mentions(question, words)
    return any(find_references(words, mentions)) or points_back(words) or points_at_case(words)


def recent(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return what a follow-up can mean: the last question of the sources and its answer.

    Where that question was a follow-up too, also those before it that it is understood by. Small talk and requests are
    left out.
    """
    asked = [one for one in exchanges(history) if is_about_sources(one[0].text)]
    start = len(asked) - 1
    while start > 0 and is_follow_up(asked[start][0].text):
        start -= 1
    return tuple(turn for one in asked[max(start, 0) :] for turn in one)


class _Conversation:
    """What is known when the next question is asked."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._discourse = Discourse(tuning)
        self._heard: set[str] = set()
        self._question = ""
        self._answered: tuple[Mention, ...] = ()
        self._asked_back = False

    def __copy__(self) -> _Conversation:
        """Return one that may learn from a question without this one knowing."""
        other = _Conversation(self._tuning)
        other._discourse = self._discourse.copy()
        other._heard = self._heard
        other._question, other._answered = self._question, self._answered
        other._asked_back = self._asked_back
        return other

    def hear(self, turn: Turn) -> None:
        """Take in a turn of the history."""
        text = turn.text[:MOST_CHARS]
        if turn.role == "user":
            self._hear_question(text)
        else:
            self._hear_answer(telling(text))

    def rewrite(self, question: str) -> Query:
        """Return what the question is in full."""
        words = tokens_of(question) if len(question) <= MOST_QUESTION_CHARS else ()
        query = None
        if words and self._discourse and language_of(question) in {"", "en"}:
            query = (
                self._continued(question, words)
                or self._completed(question)
                or self._in_case(question, words)
                or self._resolved(question, words)
            )
        return query or Query(text=question, rewritten=False, added=())

    def _hear_question(self, text: str) -> None:
        query = self.rewrite(text)
        words = tokens_of(query.text)
        self._heard |= {word.stem for word in words}
        self._discourse.fade()
        self._discourse.hear(find_mentions(query.text, words)[:MOST_MENTIONS], "user")
        self._question = _last_question(query.text)
        self._answered = ()

    def _hear_answer(self, text: str) -> None:
        words = tokens_of(text)
        self._asked_back = text.rstrip().endswith("?")
        self._heard |= {word.stem for word in words}
        for gender in dict.fromkeys(PRONOUNS[w.folded] for w in words if w.folded in PRONOUNS):
            self._discourse.hear_pronoun(gender)
        mentions = find_mentions(text, words)[:MOST_MENTIONS]
        mentions, answering = _answering(mentions, self._question)
        self._discourse.hear(mentions, "assistant", answering=answering)
        listing = text.rfind(":")
        listed = tuple(one for one in mentions if one.start > listing)
        self._answered = listed if len(listed) > 1 else mentions
        if answering is not None and answering.kind == "name":
            self._answered = (answering, *(one for one in self._answered if one is not answering))

    def _continued(self, question: str, words: Sequence[Word]) -> Query | None:
        """Return "tell me more" with what about."""
        topic = self._discourse.topic()
        if topic is None:
            return None
        name = with_article(topic.mention)
        text = continued(question, words, name)
        return Query(text=text, rewritten=True, added=(name,)) if text else None

    def _completed(self, question: str) -> Query | None:
        """Return a question that leaves something out with what the one before says."""
        fragment = find_fragment(corrected(question) or question)
        if fragment is None and self._is_reply(question):
            fragment = find_fragment(f"{question.rstrip(' .!')}?")
        if fragment is None or not 0 < len(self._question) <= MOST_BEFORE:
            return None
        edits = self._edits(fragment.text, fragment.words)
        named = applied(fragment.text, edits)
        text, added = complete(
            fragment.renamed(named), Before(text=self._question, answered=self._answered)
        )
        return Query(text=text, rewritten=True, added=(*(one.added for one in edits), *added))

    def _is_reply(self, question: str) -> bool:
        """Tell whether it is a word or two that answer what the assistant asked back."""
        return self._asked_back and len(tokens_of(question)) <= _MOST_REPLYING

    def _in_case(self, question: str, words: Sequence[Word]) -> Query | None:
        """Return "What happens then?" and "Who said that?" with the question that "then" and "that" are the case of."""
        core = self._question.strip().rstrip("?!. ")
        if not points_at_case(words) or not 0 < len(core) <= MOST_BEFORE or "(" in question:
            return None
        if words[-1].folded == "then" and any(
            find_references(words, find_mentions(question, words))
        ):
            return None
        tail = [core, *(one.text for one in self._answered[:1])]
        return Query(
            text=f"{question.strip()} ({': '.join(tail)})", rewritten=True, added=tuple(tail)
        )

    def _resolved(self, question: str, words: Sequence[Word]) -> Query | None:
        """Return a question with names in place of what points to them."""
        edits = self._edits(question, words)
        text = applied(question, edits)
        topic = self._lacking(question, words, text, replaced=bool(edits))
        if edits:
            text = _without_opener(text, words, min(edit.start for edit in edits))
        if topic:
            text = f"{text.rstrip()} ({topic})"
        if not edits and not topic:
            return None
        added = (*(edit.added for edit in edits), *([topic] if topic else []))
        return Query(text=text, rewritten=True, added=added)

    def _edits(self, text: str, words: Sequence[Word]) -> list[Edit]:
        mentions = [self._discourse.known(one) for one in find_mentions(text, words)]
        found = [
            *pronoun_edits(words, mentions, self._discourse),
            *small_word_edits(words, self._discourse, self._answered),
            *description_edits(words, mentions, self._discourse),
        ]
        edits: list[Edit] = []
        for edit in sorted(found, key=lambda edit: (edit.start, -edit.end)):
            if not edits or edit.start >= edits[-1].end:
                edits.append(edit)
        return edits

    def _lacking(
        self, question: str, words: Sequence[Word], text: str, *, replaced: bool
    ) -> str | None:
        """Return the topic where the question, now `text`, has no name and lacks one."""
        now = tokens_of(text)
        shape = Shape(
            words=words,
            mentions=find_mentions(question, words),
            replaced=replaced,
            named=any(one.kind == "name" for one in find_mentions(text, now)),
        )
        if text.rstrip().endswith(")"):
            return None
        if not lacks_topic(shape, self._heard, self._tuning):
            return None
        topic = self._discourse.topic(
            people=not any(one.nature == "group" for one in shape.mentions)
        )
        if topic is None or topic.mention.words <= {word.stem for word in now}:
            return None
        return with_article(topic.mention)


def _answering(
    mentions: tuple[Mention, ...], question: str
) -> tuple[tuple[Mention, ...], Mention | None]:
    """Return an answer's mentions and which of them was asked for; a "who" makes it a person."""
    lower = question.lower()
    if lower.startswith(("who ", "whom ")):
        names = (one for one in mentions if one.kind == "name" and one.nature != "place")
        found = next(names, None)
        if found is None or found.nature not in {"unknown", "male", "female", "person", "many"}:
            return mentions, None
        nature: Nature = "person" if found.nature == "unknown" else found.nature
        person = replace(found, nature=nature)
        return tuple(person if one is found else one for one in mentions), person
    if lower.startswith(("what ", "which ")):
        asked = {word.stem for word in tokens_of(question)}
        news = (one for one in mentions if one.kind != "time" and not one.words & asked)
        return mentions, next(news, None)
    return mentions, None


def _last_question(text: str) -> str:
    """Return the last question of a text, or its last sentence where it asks none."""
    sentences = [text[span.start : span.end] for span in split_sentences(text)]
    return next(
        (one for one in reversed(sentences) if "?" in one), sentences[-1] if sentences else ""
    )


def _without_opener(text: str, words: Sequence[Word], first_edit: int) -> str:
    """Return a rewritten question without the "and" that tied it to the one before."""
    if words[0].folded not in OPENERS or len(words) < 2 or first_edit < words[1].start:
        return text
    text = text[words[1].start :]
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A question as far as it is known what its words stand for."""

    words: Sequence[Word]
    mentions: Sequence[Mention]
    replaced: bool
    """Whether pronouns in it were replaced."""
    named: bool
    """Whether it contains a name, its own or one that was put in."""


def lacks_topic(shape: Shape, heard: Set[str], tuning: Tuning) -> bool:
    """Tell whether the topic of the conversation is to be added.

    Args:
        shape: the question.
        heard: stems of the words of the history.
        tuning: what to look at.
    """
    content = [word for word in shape.words if word.content and not word.number]
    if shape.named or len(content) > _MOST_WORDS:
        return False
    if shape.replaced:
        return tuning.beside
    if tuning.describing and (
        any(word.folded in _ANOTHER for word in shape.words)
        or any(_points(mention, heard) for mention in shape.mentions)
    ):
        return True
    own = any(_new(mention, heard) for mention in shape.mentions)
    asks = any(word.folded in WH | AUXILIARIES for word in shape.words)
    return tuning.lacking and asks and not own and len(content) <= _MOST_LACKING


def _points(mention: Mention, heard: Set[str]) -> bool:
    """Tell whether a phrase means a particular thing that the question does not tell apart."""
    if mention.kind != "phrase" or mention.head in TIMES:
        return False
    if mention.article in DEMONSTRATIVES:
        return True
    return mention.article == "the" and (bool(mention.words & heard) or mention.head in _BRIDGES)


def _new(mention: Mention, heard: Set[str]) -> bool:
    unspecific = mention.article in {"", "a", "an", "the"}
    return mention.kind == "phrase" and unspecific and mention.head not in heard


def telling(answer: str) -> str:
    """Return the answer without markers and links, and without sentences that only say that there is none."""
    parts = _SENTENCE_END.split(_LINK.sub(" ", _MARKER.sub("", answer)))
    return "".join(part for part in parts if not _ABSTAINING.search(part))
