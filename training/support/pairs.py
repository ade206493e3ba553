"""Claims and evidence made of reading data, each with whether the evidence supports the claim.

A question and its answer make a claim; so does a sentence in other words. What makes a claim false is made in the
evidence of another claim too, so that a claim or an evidence by itself tells nothing (as Schuster et al. 2019 ask,
"Towards debiasing fact verification models"). From claim c, evidence e and a change come

    c, e    supported           c changed, e            not
    c, e changed    not         c changed, e changed    supported
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.language.sentences import split_sentences
from training.reader.squad import Article, Paragraph, Question
from training.support.claims import Declarer, Template
from training.support.crossed import Pair, crossed
from training.support.dialogues import SPEAKERS, Fact, Line, first_person, talk, talked
from training.support.edits import Change, Editor, names_of
from training.support.verbs import Verbs
from training.support.words import TABLES, Words

LONGEST_ANSWER = 12
"""Words of an answer that a claim is made with."""
SIZES = ((1, 0.52), (2, 0.18), (3, 0.15), (8, 0.15))
"""Sentences of an evidence at most, and how often so many."""
REWORDED = 3
"""Sentences of a paragraph that are said in other words."""
TOLD = 0.4
"""How often what a sentence no longer says is claimed."""
TALKED = 0.8
"""How often the claims of a paragraph become a talk."""

_FIGURE = re.compile(r"(?<![\w.,])\d[\d,.]*\d?(?![\w%])")
_CONTENT = re.compile(r"[a-z0-9]{4,}|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A question that was turned into a statement."""

    template: Template
    answer: str
    at: int
    """Sentence of the paragraph that the answer stands in."""
    led_by: str
    """Word before the answer."""

    def text(self, answer: str | None = None) -> str:
        """Return the statement with its own or another answer."""
        return self.template.fill(answer or self.answer, led_by=self.led_by)


class PairMaker:
    """Makes pairs of paragraphs.

    Args:
        verbs: of the texts at hand.
        words: what their words are changed into.
    """

    def __init__(self, verbs: Verbs, words: Words = TABLES) -> None:
        self._verbs = verbs
        self._declarer = Declarer(verbs)
        self._editor = Editor(verbs, words)

    def groups(self, article: Article, *, seed: int) -> Iterator[list[Pair]]:
        """Yield the pairs of an article, those that differ by a change together."""
        read = [_Read(one, self._declarer) for one in article.paragraphs]
        read = [one for one in read if one.sentences]
        for number, one in enumerate(read):
            rng = random.Random(f"{seed} {article.title} {number}")
            beside = [read[at] for at in (number - 1, number + 1) if 0 <= at < len(read)]
            yield from (group for group in self._of_paragraph(one, beside, rng) if group)

    def _of_paragraph(
        self, read: _Read, beside: Sequence[_Read], rng: random.Random
    ) -> Iterator[list[Pair]]:
        claims = rng.sample(read.claims, len(read.claims))
        for claim in claims[:3]:
            yield _answer_swapped(read, claim, rng)
        for claim in claims[-1:]:
            yield _beside(read, claim, [read, *beside], rng)
            yield self._edited(claim.text(), read.window(claim.at, rng), read, rng)
        for template in rng.sample(read.unanswered, min(4, len(read.unanswered))):
            yield _plausible(read, template, rng)
        telling = [at for at, one in enumerate(read.sentences) if 6 <= len(one.split()) <= 60]
        for at in rng.sample(telling, min(REWORDED, len(telling))):
            sentence = read.sentences[at]
            reworded = self._editor.rewordings(sentence, rng)
            yield self._edited(reworded, read.window(at, rng), read, rng)
            yield self._contrasted(reworded, read.window(at, rng), rng)
            if len(reworded.split()) < len(sentence.split()) - 2 and rng.random() < TOLD:
                yield _told_more(read, at, reworded, rng)
        if len(claims) >= 2 and rng.random() < 0.7:
            yield _joined(read, claims[0], claims[1], rng)
        if len(claims) >= 2 and rng.random() < 0.3:
            yield _spoken(read, claims[: rng.randint(2, 4)], rng)
        if claims and rng.random() < TALKED:
            yield _talked(read, claims[: rng.randint(1, 3)], rng)
        yield from self._in_first_person(read, rng)

    def _in_first_person(self, read: _Read, rng: random.Random) -> Iterator[list[Pair]]:
        """Let a speaker say what a paragraph says of him or her."""
        for at, sentence in enumerate(read.sentences):
            if not (own := first_person(sentence, self._verbs)):
                continue
            said, rest = own
            names = rng.sample(SPEAKERS, 2)
            around = [Line(rng.randrange(2), one) for one in read.sentences[max(at - 1, 0) : at]]
            made = talk([*around, Line(0, said)], rng, speakers=2)
            mine, other = (f"{name} {rest}" for name in names)
            change = Change(kind="speaker", words={})
            yield crossed(mine, other, made.text(names), made.text(names[::-1]), change, rng)
            yield self._edited(mine, made.text(names), read, rng)

    def _edited(self, claim: str, evidence: str, read: _Read, rng: random.Random) -> list[Pair]:
        """Change a claim and its evidence alike."""
        changes = self._editor.changes(claim, read.text, rng)
        for change in rng.sample(changes, len(changes)):
            other_claim, other = change.apply(claim), change.apply(evidence)
            if other_claim and other:
                return crossed(claim, other_claim, evidence, other, change, rng)
        return []

    def _contrasted(self, claim: str, evidence: str, rng: random.Random) -> list[Pair]:
        """Change one word of a claim, or of its evidence, into one that means the same and into one that does not."""
        if (found := self._editor.contrast(claim, rng)) is None:
            return []
        same, other = found
        said, denied = same.apply(claim), other.apply(claim)
        bears, lacks = same.apply(evidence), other.apply(evidence)
        if not (said and denied and bears and lacks):
            return []
        if rng.choice((True, False)):
            pairs = [(said, evidence), (denied, evidence)]
        else:
            pairs = [(claim, bears), (claim, lacks)]
        return [Pair(*pairs[0], True, same.kind), Pair(*pairs[1], False, other.kind)]


class _Read:
    """A paragraph, its sentences, and the claims made of its questions."""

    def __init__(self, paragraph: Paragraph, declarer: Declarer) -> None:
        self.text = paragraph.text
        spans = split_sentences(paragraph.text)
        self.sentences = [" ".join(self.text[one.start : one.end].split()) for one in spans]
        self._ends = [one.end for one in spans]
        self.claims: list[_Claim] = []
        self.asked: list[str] = []
        self.unanswered: list[Template] = []
        for question in paragraph.questions:
            template = declarer.declare(question.text)
            if template is None:
                continue
            if not question.answers:
                self.unanswered.append(template)
            elif claim := self._claim(question, template):
                self.claims.append(claim)
                self.asked.append(question.text)

    def window(self, at: int, rng: random.Random) -> str:
        """Return a sentence, alone or among those around it."""
        size = rng.choices([n for n, _ in SIZES], [share for _, share in SIZES])[0]
        first = max(0, min(at - rng.randrange(size), len(self.sentences) - size))
        return " ".join(self.sentences[first : first + size])

    def other_answers(self, template: Template, answer: str) -> list[_Claim]:
        """Return the claims whose answers are of the kind of this one, and share no word with it."""
        shape = _shape(answer)
        return [
            one
            for one in self.claims
            if _shape(one.answer) == shape
            and (one.template.asks == template.asks or shape != "phrase")
            and not _content(one.answer) & _content(answer)
            and one.answer.lower() not in template.fill("").lower()
        ]

    def _claim(self, question: Question, template: Template) -> _Claim | None:
        start, answer = question.answers[0]
        if len(answer.split()) > LONGEST_ANSWER or not answer.strip():
            return None
        before = self.text[:start].split()
        at = sum(end <= start for end in self._ends)
        if at >= len(self.sentences):
            return None
        return _Claim(template=template, answer=answer, at=at, led_by=before[-1] if before else "")


def _answer_swapped(read: _Read, claim: _Claim, rng: random.Random) -> list[Pair]:
    """Put another answer of the same kind in the place of the right one."""
    others = read.other_answers(claim.template, claim.answer)
    evidence = read.window(claim.at, rng)
    if not others:
        return [Pair(claim.text(), evidence, True, "answer")] if rng.random() < 0.6 else []
    near = [one for one in others if one.answer in evidence]
    apart = [one for one in others if one.answer not in evidence]
    other = rng.choice(near if near and (not apart or rng.random() < 0.6) else others).answer
    change = Change(kind="answer", words={claim.answer: other})
    if other in evidence:
        change = Change(kind="answers", words={claim.answer: other, other: claim.answer})
    changed = change.apply(evidence)
    if changed is None:
        return []
    return crossed(claim.text(), claim.text(other), evidence, changed, change, rng)


def _beside(read: _Read, claim: _Claim, places: Sequence[_Read], rng: random.Random) -> list[Pair]:
    """Read a claim with sentences of its paragraph, or of one beside it, that do not say it."""
    words, answer = _content(claim.text()), claim.answer.lower()
    found = []
    for place in places:
        windows = [place.window(at, rng) for at in range(len(place.sentences))]
        found += [
            one
            for one in windows
            if answer not in one.lower() and read.sentences[claim.at] not in one
        ]
    if not found:
        return []
    closest = sorted(found, key=lambda one: -len(words & _content(one)) / (9 + len(one.split())))
    return [
        Pair(claim.text(), rng.choice(closest[:2]), False, "beside"),
        Pair(claim.text(), read.window(claim.at, rng), True, "beside"),
    ]


def _plausible(read: _Read, template: Template, rng: random.Random) -> list[Pair]:
    """Answer a question that has no answer by what stands where it might be sought."""
    asked = template.fill("")
    words = _content(asked)
    at = max(range(len(read.sentences)), key=lambda one: len(words & _content(read.sentences[one])))
    evidence = read.window(at, rng)
    kin = [one for one in read.claims if one.template.asks == template.asks and one.at == at]
    answers = [one.answer for one in kin] or _answers_in(read.sentences[at], template.asks)
    answers = [one for one in answers if one.lower() not in asked.lower()]
    if not answers:
        return []
    pairs = [Pair(template.fill(rng.choice(answers)), evidence, False, "plausible")]
    true = [one.text() for one in read.claims if one.at == at]
    if true:
        twin = max(true, key=lambda one: len(words & _content(one)))
        pairs.append(Pair(twin, evidence, True, "plausible"))
    return pairs


def _answers_in(sentence: str, asks: str) -> list[str]:
    """Return the words of a sentence that might answer such a question."""
    if asks in {"when", "many"}:
        return _FIGURE.findall(sentence)
    return names_of(sentence)


def _told_more(read: _Read, at: int, shorter: str, rng: random.Random) -> list[Pair]:
    """Claim what only the longer form of a sentence says."""
    sentence = read.sentences[at]
    more = _content(sentence) - _content(shorter)
    context = [one for i, one in enumerate(read.sentences) if i != at and not more & _content(one)]
    beside = f" {rng.choice(context)}" if context and rng.random() < 0.4 else ""
    return [
        Pair(sentence, shorter + beside, False, "more"),
        Pair(sentence, sentence + beside, True, "more"),
        Pair(shorter, shorter + beside, True, "more"),
        *([Pair(shorter, sentence, True, "more")] if rng.random() < 0.5 else []),
    ][: rng.choice((2, 4))]


def _joined(read: _Read, one: _Claim, other: _Claim, rng: random.Random) -> list[Pair]:
    """Claim two things at once, of which the evidence may have both, or one may be wrong."""
    if other.at < one.at:
        one, other = other, one
    together = " ".join(read.sentences[one.at : other.at + 1])
    glue = rng.choice(("{} {}", "{}, and {}", "{}; {}"))
    first, second = one.text(), other.text()

    def both(a: str, b: str) -> str:
        if glue == "{} {}":
            return f"{a} {b}"
        return glue.format(a.rstrip("."), b)

    pairs = [Pair(both(first, second), together, True, "joined")]
    wrong = [c for c in read.other_answers(other.template, other.answer) if c is not other]
    if one.at != other.at and rng.random() < 0.5:
        part = rng.choice((read.sentences[one.at], read.sentences[other.at]))
        pairs.append(Pair(both(first, second), part, False, "joined"))
        pairs.append(
            Pair(first if part == read.sentences[one.at] else second, part, True, "joined")
        )
    elif wrong:
        false = other.text(rng.choice(wrong).answer)
        claims = both(first, false) if rng.random() < 0.5 else both(false, first)
        pairs.append(Pair(claims, together, False, "joined"))
    else:
        pairs = pairs[: rng.randint(0, 1)]
    return pairs


def _spoken(read: _Read, claims: Sequence[_Claim], rng: random.Random) -> list[Pair]:
    """Make questions and answers a talk, about one of whose answers something is claimed."""
    names = rng.sample(SPEAKERS, 2)
    asked = {id(claim): text for claim, text in zip(read.claims, read.asked, strict=True)}
    about = claims[0]
    others = read.other_answers(about.template, about.answer)
    wrong = others[0].answer if others else None
    if wrong is None:
        return []

    def talk(answer: str) -> str:
        told = {claim.answer: claim.answer for claim in claims} | {about.answer: answer}
        if answer in told and answer != about.answer:
            told[answer] = about.answer
        return "\n".join(
            f"{names[0]}: {asked[id(claim)]}\n{names[1]}: {told[claim.answer]}." for claim in claims
        )

    change = Change(kind="spoken", words={})
    return crossed(about.text(), about.text(wrong), talk(about.answer), talk(wrong), change, rng)


def _talked(read: _Read, claims: Sequence[_Claim], rng: random.Random) -> list[Pair]:
    """Make sentences and questions a talk, and claim what was said in it, and by whom."""
    names = rng.sample(SPEAKERS, 2)
    questions = {id(one): text for one, text in zip(read.claims, read.asked, strict=True)}
    claims = sorted({one.at: one for one in claims}.values(), key=lambda one: one.at)
    about = rng.choice(claims)
    others = read.other_answers(about.template, about.answer)
    if not others:
        return []
    wrong = rng.choice(others).answer
    facts = [
        Fact(
            sentence=read.sentences[one.at],
            question=questions[id(one)],
            answer=one.answer,
            wrong=wrong,
            right=one.text(),
            false=one.text(wrong),
        )
        for one in claims
    ]
    return talked(facts, claims.index(about), names, read.asked, rng)


def _shape(answer: str) -> str:
    """Return what kind of words an answer is of."""
    words = answer.split()
    if any(sign.isdigit() for sign in answer):
        return "year" if re.search(r"\b[12]\d{3}\b", answer) else "number"
    if sum(word[:1].isupper() for word in words) * 2 >= len(words):
        return "name"
    return "phrase"


def _content(text: str) -> set[str]:
    return set(_CONTENT.findall(text.lower()))
