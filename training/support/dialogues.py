"""Talks made of sentences: who says what, in chats, calls and interviews, and how it is told afterwards.

    Ann: Hi! When did Shoigu meet Kim?      Ann wants to know when did Shoigu meet Kim.
    Ben: In July.                           Ben says that Shoigu met Kim in July.
    Ann: I moved to Oslo in 1831.           Ann moved to Oslo in 1831.

Sources are transcripts as often as they are prose, and what they say is said in the first person, in turns, and amid
words that say nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from training.support.crossed import Pair, crossed
from training.support.edits import Change
from training.support.verbs import Verbs

SPEAKERS = """Ann Ben Carla David Emma Frank Grace Henry Irene Jack Karen Leo Maria Noah Olivia Peter Quinn Rosa Sam
Tina Ursula Victor Wendy Yusuf Zoe Amir Bella Chen Dana Elif Fatima George Hannah Ivan Julia Kofi Lena Mike Nadia Omar
Paula Agent Client Manager Host Guest Chair Caller Editor Doctor Teacher Analyst Operator Interviewer
Designer""".split()


def _phrases(table: str) -> tuple[str, ...]:
    """Return what stands between bars; a line's end is none, and a space before it is part of the phrase."""
    return tuple(table.replace("\n", "").split("|"))


CHATTER = _phrases("""Hi!|Hello.|Hey|Good morning.|How are you?|Fine, thanks.|Right.|Okay.|ok|Oh, really?|I see.|
Interesting.|Wow|haha|lol|Great.|Sounds good.|Thanks!|Thank you.|You're welcome.|Hmm.|Let me see.|Sure.|Of course.|
No problem.|Cool|Well, what do you think?|I don't know.|That's good to know.|Are you there?|Sorry, I was away.|Nice|
Perfect.|Bye!|See you.|Talk to you later.|Any questions?|Go on.|Tell me more.|Let's move on.|
Could you say that again?""")
"""What people say that tells nothing."""
OPENINGS = _phrases("""Well, |You know, |Actually, |So, |I think |I heard that |As far as I know, |Um, |Listen, |Oh, |
Look, |I mean, |I read that |Right, |And |But |Okay, so |Just so you know, """)
YES = _phrases("""Yes.|Yes, it is so.|Exactly.|That's right.|Yep|Correct.|Yes, of course.|True.|I agree.|
Absolutely""")
NO = _phrases("No, |No. |Not really, |I don't think so, |That's wrong. |Actually no, ")
TELLS = _phrases("""says that|tells {other} that|mentions that|explains that|points out that|adds that|thinks that|
informs {other} that|reports that|says to {other} that|lets {other} know that|believes that""")
ASKS = _phrases("asks|wants to know|would like to know|asks {other}")
WAYS = ("told", "told", "asked", "agreed", "denied")
"""How something is said: by itself, as an answer, or by saying yes or no to another who says it."""

_PERSON = {"his": "my", "her": "my", "him": "me", "himself": "myself", "herself": "myself"}
_FORMS = {"was": "was", "is": "am", "has": "have", "had": "had", "does": "do", "did": "did"}
_OPENERS = frozenset(
    """the a an in on at by for from its it this that these those some many most all both there other one two three
    first his her their he she they after before during while when since until because as with under""".split()
)
_MODALS = frozenset("would could can will may might must should".split())


class Fact(NamedTuple):
    """Something that a text says, and what it might say instead."""

    sentence: str
    question: str
    answer: str
    wrong: str
    """What might stand in the answer's place."""
    right: str
    """The statement with the answer."""
    false: str
    """The statement with the wrong one."""


class Line(NamedTuple):
    """What one of the speakers says."""

    speaker: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Lines in their order, and the way in which they are set down."""

    lines: tuple[Line, ...]
    between: str
    careless: bool

    def text(self, names: Sequence[str], instead: Mapping[str, str] | None = None) -> str:
        """Return the talk with these speakers, and with some lines' texts replaced."""
        said = [
            f"{names[one.speaker]}: {self._written((instead or {}).get(one.text, one.text))}"
            for one in self.lines
        ]
        return self.between.join(said)

    def _written(self, text: str) -> str:
        return text.lower().rstrip(".") if self.careless else text


def talk(lines: Sequence[Line], rng: random.Random, *, speakers: int) -> Talk:
    """Put words that say nothing between the lines, and draw how all is set down."""
    chatty = rng.random()
    found: list[Line] = []
    for line in lines:
        while rng.random() < chatty * 0.6:
            found.append(Line(rng.randrange(speakers), rng.choice(CHATTER)))
        found.append(line)
    while rng.random() < chatty * 0.6:
        found.append(Line(rng.randrange(speakers), rng.choice(CHATTER)))
    return Talk(
        lines=tuple(found),
        between=rng.choice(("\n", "\n\n", " . ", " ")),
        careless=rng.random() < 0.25,
    )


def talked(
    facts: Sequence[Fact],
    about: int,
    names: Sequence[str],
    questions: Sequence[str],
    rng: random.Random,
) -> list[Pair]:
    """Let two people say all facts, and claim one of them: as it is, as what one of them says, or otherwise.

    Args:
        facts: what is said, in this order.
        about: number of the fact that is claimed.
        names: of the two.
        questions: that might be asked; none is claimed to have been asked that was.
        rng: draws everything else.

    Returns:
        Nothing where the fact cannot be said otherwise.
    """
    lines: list[Line] = []
    speaker, way, instead = 0, "", dict[str, str]()
    for number, fact in enumerate(facts):
        first, drawn = rng.randrange(2), rng.choice(WAYS)
        added, changed = _said(fact, drawn, first, rng)
        lines += added
        if number == about:
            speaker, way, instead = first, drawn, changed
    if not instead:
        return []
    made = talk(lines, rng, speakers=2)
    report = _Report.drawn(names[speaker], names[1 - speaker], rng.random())
    true = made.text(names)
    pairs = _claimed(facts[about], report, true, made.text(names, instead), way, rng)
    if way == "asked" and rng.random() < 0.5:
        unasked = [one for one in questions if one not in true]
        pairs += _asked(facts[about], report, true, unasked, rng)
    if len(facts) > 1 and rng.random() < 0.5:
        second = rng.choice([one for i, one in enumerate(facts) if i != about]).right
        for own, supported in ((facts[about].right, True), (facts[about].false, False)):
            both = f"{report.says(own).rstrip('.')}, and {second}"
            pairs.append(Pair(both, true, supported, "talk"))
    return pairs


@dataclass(frozen=True, slots=True)
class _Report:
    """How it is told who said what: for claims that differ by a name or a word, in the same words."""

    speaker: str
    other: str
    tells: str
    asks: str

    @classmethod
    def drawn(cls, speaker: str, other: str, seed: float) -> _Report:
        return cls(
            speaker, other, random.Random(seed).choice(TELLS), random.Random(seed).choice(ASKS)
        )

    def exchanged(self) -> _Report:
        """Return the report of who did not say it."""
        return _Report(self.other, self.speaker, self.tells, self.asks)

    def says(self, statement: str) -> str:
        return f"{self.speaker} {self.tells.format(other=self.other)} {lowered(statement)}"

    def is_asked(self, question: str) -> str:
        """Return that the other asks the speaker something."""
        asked = f"{question[:1].lower()}{question[1:].strip().rstrip('?').strip()}"
        return f"{self.other} {self.asks.format(other=self.speaker)} {asked}."


def _said(
    fact: Fact, way: str, first: int, rng: random.Random
) -> tuple[list[Line], dict[str, str]]:
    """Return lines in which the first says a fact, and which of them are to be replaced for it to be false."""
    if way == "told":
        text = opened(fact.sentence, rng)
        changed = Change(kind="", words={fact.answer: fact.wrong}).apply(text)
        return [Line(first, text)], {text: changed} if changed else {}
    if way == "asked":
        answer = rng.choice((f"{fact.answer}.", fact.right))
        changed = fact.false if answer == fact.right else f"{fact.wrong}."
        return [Line(1 - first, fact.question), Line(first, answer)], {answer: changed}
    yes, no = rng.choice(YES), rng.choice(NO)
    right, false = (f"{one.rstrip('.')}, right?" for one in (fact.right, fact.false))
    if way == "agreed":
        return [Line(1 - first, right), Line(first, yes)], {right: false}
    lines = [Line(1 - first, false), Line(first, no + fact.right)]
    return lines, {false: right, no + fact.right: no + fact.false}


def _claimed(
    fact: Fact, report: _Report, true: str, false: str, way: str, rng: random.Random
) -> list[Pair]:
    """Claim a fact of the talk that has it and of the one that has it otherwise."""
    change = Change(kind="talk", words={})
    if rng.random() < 0.4:
        return crossed(fact.right, fact.false, true, false, change, rng)
    mine = report.says(fact.right)
    pairs = crossed(mine, report.says(fact.false), true, false, change, rng)
    if way in {"told", "asked"}:
        pairs.append(Pair(report.exchanged().says(fact.right), true, False, "talk"))
        if Pair(mine, true, True, "talk") not in pairs:
            pairs.append(Pair(mine, true, True, "talk"))
    return pairs


def _asked(
    fact: Fact, report: _Report, talk: str, unasked: Sequence[str], rng: random.Random
) -> list[Pair]:
    """Claim that a question was asked, by who did and by who did not, and one that was not."""
    pairs = [
        Pair(report.is_asked(fact.question), talk, True, "asked"),
        Pair(report.exchanged().is_asked(fact.question), talk, False, "asked"),
    ]
    if unasked:
        pairs.append(Pair(report.is_asked(rng.choice(unasked)), talk, False, "asked"))
    return pairs


def opened(sentence: str, rng: random.Random) -> str:
    """Return a sentence as people begin one when they speak."""
    if rng.random() < 0.5:
        return sentence
    return rng.choice(OPENINGS) + lowered(sentence)


def lowered(sentence: str) -> str:
    """Return a sentence as it stands after `that`: what is no name loses its capital."""
    first = sentence.split(" ", 1)[0]
    if first.lower() in _OPENERS:
        return sentence[:1].lower() + sentence[1:]
    return sentence


def first_person(sentence: str, verbs: Verbs) -> tuple[str, str] | None:
    """Return a sentence on him or her as he or she would say it, and what follows the subject in it.

    None where the sentence is on something else, or its verb is not known.
    """
    match = re.match(r"(?:He|She) (\w+) (.{10,})", sentence)
    if not match or re.search(r"\b(?:[Hh]e|[Ss]he)\b", match.group(2)):
        return None
    verb, rest = match.groups()
    if verb in _FORMS:
        own = _FORMS[verb]
    elif verb in _MODALS or (verbs.is_finite(verb) and not verb.endswith("s")):
        own = verb
    else:
        return None
    mine = re.sub(r"\b(?:his|her|him|himself|herself)\b", lambda m: _PERSON[m.group()], rest)
    return f"I {own} {mine}", f"{verb} {rest}"
