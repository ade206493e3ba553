"""Rules that turn a sentence into questions, each with the worth of its questions.

A rule is a function from a statement to drafts; it gives none where it does not fit. What comes of the rules
is sieved: a question must say by itself what it is about, and its answer must stand in the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.evaluation.draft.clauses import TIME, YEAR, Clause, is_participle
from rag.evaluation.draft.verbs import AUXILIARIES, DOING, FORMS, SPEAKING
from rag.language.dates import MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSentence:
    """A sentence that may be asked about."""

    source_id: str
    start: int
    text: str
    """Without line breaks."""
    clause: Clause | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftQuestion:
    """A question made of a sentence, for a person to correct."""

    question: str
    answers: tuple[str, ...]
    """Wordings, all of which stand in the sentence."""
    rule: str
    worth: float
    """0..1; how often such questions read as a person's."""
    statement: PlainSentence


QuestionAndAnswers = tuple[str, tuple[str, ...]]
"""A question and the wordings of its answer."""

NAME = r"[A-Z][\w'’.-]*(?: (?:of (?:the )?|the |de |von |van )?[A-Z][\w'’.-]*)*"
_WHEN = re.compile(
    rf"\b(?P<preposition>in|on|during|at) (?P<time>{TIME})(?![\w-]| [A-Z]| and (?:the )?\d)"
)
_WHERE = re.compile(
    rf"\b(?:in|at|near|on) (?P<place>(?:the )?(?!{MONTH})(?:[a-z]+ of )?{NAME}(?:, {NAME})?)$"
)
_NUMBER_WORDS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_NUMBER = (
    r"(?:(?:about|around|over|approximately|nearly|more than|at least|up to|some|almost|roughly|less than"
    r"|fewer than|as many as|an estimated|exactly) )?"
    rf"(?!{YEAR}\b)(?:\d[\d,.]*\d|\d|{'|'.join(_NUMBER_WORDS.split())})(?: (?:hundred|thousand|million|billion))?"
)
_AMOUNT = rf"(?:(?:about|around|over|approximately|nearly|at least|up to|some) )?[$€£]?{_NUMBER}"
_COUNTED = re.compile(
    rf"(?P<before>(?:[a-z]+ ){{0,3}}?)(?P<number>{_NUMBER}) "
    r"(?P<noun>(?:(?!(?:at|of|in|to|on|by|and|or) )[\w-]+ ){0,3}?"
    r"(?:[a-z]+[^s\W]s|people|men|women|children)"
    r"(?: of (?:[a-z-]+ ){0,2}[a-z-]+$)?)(?P<after>\b.*)"
)
_AFTER_COUNTED = re.compile(
    r"$| (?:in|on|at|for|from|to|with|between|during|since|by|per|after|before)\b"
)
_SHARE = re.compile(rf"(?P<number>(?:{_NUMBER})(?:%| percent| per cent)) of (?P<whole>.+)")
_THERE = re.compile(rf"There (?P<verb>are|were) (?P<number>{_NUMBER}) (?P<noun>[^,;.()]+)")
_REASON = re.compile(r" (?P<reason>(?:because|due to|owing to|in order to) .+)")
_MEANS = re.compile(r" (?P<means>by [a-z]+ing .+)")
_AGENT = re.compile(rf" by (?P<agent>(?:the )?{NAME})(?= in | on |$)")
_MAKER = re.compile(r" by (?P<agent>(?:the|an?) [^,;]{5,80})$")
_ITEM = r"(?!(?:which|who|with|where|while|but|including|and|so) )[^,;.]{2,60}"
_LIST = re.compile(rf"^{_ITEM}(?:, {_ITEM})+,? and {_ITEM}$")
_ACRONYM = re.compile(
    r"\b(?P<long>(?:[A-Z][\w'’-]+ (?:(?:of|for|and|the|in) )*){1,6}[A-Z][\w'’-]+) \((?P<short>[A-Z]{2,7})\)"
)
_ROLE = (
    "president|chief|leader|analyst|minister|professor|director|chairman|chairwoman|secretary|king|queen"
    "|emperor|general|physicist|chemist|biologist|engineer|architect|author|writer|poet|composer|painter"
    "|philosopher|historian|mathematician|economist|lawyer|judge|governor|senator|mayor|ambassador|editor"
    "|founder|coach|captain|officer|spokesman|spokeswoman|spokesperson|scientist|researcher|inventor"
    "|astronomer|theologian|politician|actor|actress|singer|journalist|student|manager|expert"
)
_PERSON = r"(?:(?:Dr|Mr|Mrs|Ms)\. )?[A-Z][\w'’-]+(?: (?:[A-Z]\. )?[A-Z][\w'’-]+){1,3}"
_ROLE_THEN_NAME = re.compile(
    rf"(?P<role>[A-Z][\w]+[’']s (?:[a-z]+ ){{0,3}}(?:{_ROLE})), (?P<name>{_PERSON})(?=[,.])"
)
_NAME_THEN_ROLE = re.compile(
    rf"(?P<name>{_PERSON}), (?P<role>(?:the|an?) (?:[\w’'-]+ ){{0,4}}?(?:{_ROLE})"
    r"(?: (?:of|at|for|in|from|and) [^,.;()]*)?)(?=[,.])"
)
_PERSON_NOUN = re.compile(
    rf"\b(?:{_ROLE}|man|woman|person|son|daughter|soldier|monk|missionary|explorer|activist)\b"
)
_UNIQUE = re.compile(
    r"the (?:first|last|only|largest|smallest|oldest|youngest|longest|highest|most|second|main)\b"
)
_QUOTED = re.compile(
    rf"[“\"](?P<said>[^“”\"]{{15,140}}),[”\"] (?:said|says|wrote|added|explained) (?P<who>{_PERSON})"
)
_ACCORDING = re.compile(rf"^According to (?P<who>(?:the )?{NAME}), (?P<said>[^“”\"?]+?)\.?$")
_PLACED = frozenset(
    """born located held founded built buried based situated established raised educated launched
    published killed signed discovered headquartered""".split()
)
_STAYING = frozenset("live die take lie stand study work settle occur happen exist".split())
_PRODUCING = frozenset(
    "provide produce require offer receive contain include cover cause prevent represent need involve govern".split()
)
_WITH_PREPOSITION = frozenset(
    {("consist", "of"), ("lead", "to"), ("depend", "on"), ("rely", "on"), ("result", "in"), ("refer", "to"),
     ("contribute", "to"), ("belong", "to"), ("specialize", "in"), ("apply", "to"), ("suffer", "from")}
)  # fmt: skip
_SHORTEST_OBJECT = 3
_LISTING = frozenset("include comprise contain consist cover offer require".split())
_COUNTING = frozenset("of in on at for from to with by into".split())


def drafts(statement: PlainSentence) -> Iterator[DraftQuestion]:
    """Yield every question that the rules make of a sentence and the sieve lets through."""
    for rule, (worth, ask) in RULES.items():
        for question, answers in ask(statement):
            fitted = _as_written(answers, statement.text)
            if _is_fit(question, fitted, rule):
                yield DraftQuestion(
                    question=question,
                    answers=fitted,
                    rule=rule,
                    worth=worth
                    - _LONG_LOSS * (len(question.split()) > _LONG)
                    - _VAGUE_LOSS * (not _SPECIFIC.search(question)),
                    statement=statement,
                )


# --- Rules on the clause -------------------------------------------------------------------------


def _when(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or _is_present(clause) or _breaks_off(clause):
        return
    if clause.time:
        if not _WHEN.search(clause.core):
            yield clause.asking("When", clause.core), (clause.time,)
        return
    for found in list(_WHEN.finditer(clause.core))[-1:]:
        before = clause.core[: found.start()].strip()
        if _attaches_to_verb(before, clause):
            rest = f"{before} {clause.core[found.end() :].strip()}"
            yield clause.asking("When", rest), (found["time"],)


def _where(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None:
        return
    words = clause.core.split()
    staying = clause.form is not None and clause.form.base in _STAYING
    placed = clause.form is None and words and words[0] in _PLACED
    found = _WHERE.search(clause.core)
    if found and (staying or placed) and len(clause.core[: found.start()].split()) <= 2:
        yield clause.asking("Where", clause.core[: found.start()].strip()), (found["place"],)


def _how_many(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    if there := _THERE.match(statement.text):
        noun, _, place = there["noun"].partition(" in ")
        rest = f"{noun} {there['verb']} there in {place}" if place else ""
        if rest:
            yield f"How many {rest}?", (f"{there['number']} {noun}", there["number"])
    clause = statement.clause
    if clause is None:
        return
    if counted := _COUNTED.fullmatch(clause.subject):
        if not counted["before"] and not counted["after"]:
            question = clause.asking_subject(f"How many {counted['noun']}", clause.core)
            yield question, (clause.subject, counted["number"])
    elif counted := _COUNTED.fullmatch(clause.core):
        before = counted["before"].split()
        if _counts_object(before, clause) and _AFTER_COUNTED.match(counted["after"]):
            rest = f"{' '.join(before)} {counted['after']}"
            question = clause.asking(f"How many {counted['noun']}", rest)
            yield question, (f"{counted['number']} {counted['noun']}", counted["number"])


def _what_share(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause and (share := _SHARE.fullmatch(clause.subject)):
        question = clause.asking_subject(f"What percentage of {share['whole']}", clause.core)
        yield question, (share["number"],)


def _why(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or (clause.form is not None and clause.form.base in SPEAKING):
        return
    found = _REASON.search(clause.rest)
    if found and clause.core.startswith(clause.rest[: found.start()]):
        yield clause.asking("Why", clause.rest[: found.start()]), (found["reason"],)


def _how(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause and (found := _MEANS.search(clause.core)):
        yield clause.asking("How", clause.core[: found.start()]), (found["means"],)


def _by_whom(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or not _is_passive(clause):
        return
    for pattern, word in ((_AGENT, "By whom"), (_MAKER, "By what")):
        found = pattern.search(clause.core)
        before = clause.core[: found.start()] if found else ""
        if found and " by " not in before and _attaches_to_verb(before, clause):
            rest = f"{before} {clause.core[found.end() :].strip()}"
            yield clause.asking(word, rest), (found["agent"],)
            return


def _who(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or clause.form is None or clause.form.base not in DOING:
        return
    if _breaks_off(clause) or clause.core.startswith("that "):
        return
    if clause.named and len(clause.core.split()) >= 4 and not _POSSESSED.search(clause.subject):
        tail = f"on {clause.time}" if _is_day(clause.time) else ""
        yield clause.asking_subject("Who", f"{clause.core} {tail}"), (clause.subject,)


def _who_said(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    for found in _QUOTED.finditer(statement.text):
        yield f"Who said “{found['said']}”?", (found["who"],)
    for found in _ACCORDING.finditer(statement.text):
        yield f"Who says that {_lowered(found['said'])}?", (found["who"],)
    clause = statement.clause
    speaks = clause and clause.form and clause.form.base in SPEAKING
    if clause and speaks and clause.core.startswith("that ") and _has_verb(clause.core):
        person = clause.named or not clause.subject.startswith(("the ", "a ", "an "))
        word = "Who" if person or _PERSON_NOUN.search(clause.subject) else "What"
        yield clause.asking_subject(word, clause.core), (clause.subject,)


def _what_is(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or clause.verb not in {"is", "are", "was", "were"} or clause.time:
        return
    if not clause.is_whole:
        return
    if len(clause.subject.split()) > _LONGEST_DEFINED or len(clause.core.split()) < 3:
        return
    if _UNIQUE.match(clause.core):
        word = "Who" if clause.named and _PERSON_NOUN.search(clause.core) else "What"
        yield clause.asking_subject(word, clause.core), (clause.subject,)
    elif re.fullmatch(rf"{_AMOUNT}.{{0,40}}", clause.core):
        if clause.subject.startswith("the ") and len(clause.subject.split()) >= 3:
            yield clause.asking("What", ""), (clause.core,)
    elif re.match(r"(?:an?|one of|the) ", clause.core):
        kind = re.split(r" (?:of|in|for|that|who|which|from|with|on|at|to) ", clause.core)[0]
        person = clause.named and bool(_PERSON_NOUN.search(kind))
        yield clause.asking("Who" if person else "What", ""), (clause.core,)


def _lists(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None:
        return
    if clause.form and clause.form.base in _LISTING:
        of = "of" if clause.form.base == "consist" else ""
        items = clause.rest.removeprefix("of ")
        if _LIST.match(items):
            yield clause.asking("What", of), (items,)
    elif clause.verb in {"are", "were"} and _LIST.match(clause.rest):
        first = clause.rest.split()[0]
        if first not in _COUNTING | _ADVERBS and not is_participle(first):
            yield clause.asking("What", ""), (clause.rest,)


def _what(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    clause = statement.clause
    if clause is None or clause.form is None or not clause.is_whole:
        return
    if len(clause.core.split()) < _SHORTEST_OBJECT or clause.form.base == "become":
        return
    if _has_verb(clause.core) and not _RELATIVE.search(clause.core):
        return
    base, tail = clause.form.base, ""
    if clause.named and base in DOING and _is_day(clause.time):
        tail = f"on {clause.time}"
    if (clause.named and base in DOING) or base in _PRODUCING:
        if re.match(r"(?:the|an?|its|their|his|her) ", clause.core):
            yield clause.asking("What", tail), (clause.core,)
        elif base in _PRODUCING and not re.match(
            r"(?:that|to|for|in|by|as|with|over) ", clause.core
        ):
            yield clause.asking("What", ""), (clause.core,)
    if (base, clause.core.split()[0]) in _WITH_PREPOSITION:
        preposition, _, rest = clause.core.partition(" ")
        yield clause.asking("What", preposition), (rest,)


# --- Rules on the sentence -----------------------------------------------------------------------


def _stands_for(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    for found in _ACRONYM.finditer(statement.text):
        capitals = "".join(
            word[0] for word in re.split(r"[ -]", found["long"]) if word[0].isupper()
        )
        at = capitals.rfind(found["short"])
        if at >= 0:
            words = [w for w in re.finditer(r"[^ -]+", found["long"]) if w.group()[0].isupper()]
            yield f"What does {found['short']} stand for?", (found["long"][words[at].start() :],)


def _who_is(statement: PlainSentence) -> Iterator[QuestionAndAnswers]:
    for found in _ROLE_THEN_NAME.finditer(statement.text):
        yield f"Who is {found['role']}?", (found["name"],)
    for found in _NAME_THEN_ROLE.finditer(statement.text):
        yield f"Who is {found['name']}?", (found["role"],)


DraftRule = Callable[[PlainSentence], Iterator[QuestionAndAnswers]]
RULES: dict[str, tuple[float, DraftRule]] = {
    "abbreviation": (0.95, _stands_for),
    "number": (0.95, _how_many),
    "date": (0.95, _when),
    "share": (0.9, _what_share),
    "who said it": (0.9, _who_said),
    "who somebody is": (0.9, _who_is),
    "reason": (0.9, _why),
    "list": (0.9, _lists),
    "definition": (0.85, _what_is),
    "place": (0.85, _where),
    "by whom": (0.8, _by_whom),
    "means": (0.75, _how),
    "who did it": (0.7, _who),
    "what was done": (0.6, _what),
}
"""By what is asked for: worth and rule."""


# --- The sieve -----------------------------------------------------------------------------------

_LONG_LOSS, _VAGUE_LOSS = 0.1, 0.15
_SPECIFIC = re.compile(r" [A-Z]|\d")
"""A name or a number: without them a question may fit several documents."""
_LONG, _LONGEST, _SHORTEST = 16, 22, 4
_LONGEST_ANSWER = 30
_LONGEST_DEFINED = 6
_UNCLEAR = re.compile(
    r"\b(?:he|she|it|they|we|you|I|him|them|us|me|this|these|those|such|former|latter|above|below|here"
    r"|there(?! in)|not (?:just|only)|that (?:city|year|time|day|period|area|region|country)"
    r"|itself|himself|herself|themselves|respectively|also|however|another|others?)\b"
)
_RELATIVE = re.compile(r"\b(?:that|which|who)\b")
_POSSESSED = re.compile(r"['’]s?\b ")
_POSSESSIVE = re.compile(r"\b(?:his|her|its|their|our|my|your)\b")
_ASKING_SUBJECT = re.compile(
    r"(?:Who|What) (?!is|are|was|were|did|does|do|has|have|had|will|can|would|could)\w+"
)
_ADVERBS = frozenset("now also not either both as still often usually between among about".split())
_DANGLING = _COUNTING | frozenset("that which who as and or the a an than about between".split())
_MAY_DANGLE = frozenset({"abbreviation", "what was done", "list", "number", "by whom"})
_EMPTY = frozenset(
    """the a an of in on at to for by with from and or is are was were did does do has have had who whom what when
    where why how many percentage that be been not as""".split()
)


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say something, in lower case."""
    return frozenset(re.findall(r"\w+", text.lower())) - _EMPTY


def _as_written(answers: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the answers as spelled in the sentence; none if one is missing from it."""
    bare = [answer.strip(" ,;") for answer in answers]
    places = [text.lower().find(one.lower()) for one in bare]
    if -1 in places or not all(bare):
        return ()
    found = (text[at : at + len(one)] for at, one in zip(places, bare, strict=True))
    return tuple(dict.fromkeys(found))


def _is_fit(question: str, answers: tuple[str, ...], rule: str) -> bool:
    words = question.rstrip("?").split()
    return (
        _SHORTEST <= len(words) <= _LONGEST
        and bool(answers)
        and len(answers[0].split()) <= _LONGEST_ANSWER
        and answers[0].split()[-1].lower() not in _DANGLING
        and (len(content_words(question)) >= 2 or any(word[0].isupper() for word in words[2:]))
        and not _UNCLEAR.search(question)
        and not (_ASKING_SUBJECT.match(question) and _POSSESSIVE.search(question))
        and not any(one.lower() in question.lower() for one in answers)
        and (words[-1].lower() not in _DANGLING or rule in _MAY_DANGLE)
    )


def _has_verb(text: str) -> bool:
    return any(word in FORMS or word in AUXILIARIES for word in text.split()[2:])


def _breaks_off(clause: Clause) -> bool:
    """Whether a clause inside the clause was cut in two."""
    return not clause.is_whole and bool(_RELATIVE.search(clause.core))


def _is_present(clause: Clause) -> bool:
    if clause.form is None:
        return clause.verb in {"is", "are"}
    return clause.form.tense != "past"


def _is_passive(clause: Clause) -> bool:
    words = clause.core.split()
    return (
        clause.form is None
        and clause.verb in {"was", "were", "is", "are"}
        and bool(words)
        and is_participle(words[0])
    )


def _attaches_to_verb(before: str, clause: Clause) -> bool:
    """Say whether the phrase behind `before` modifies the clause rather than a noun in it."""
    words = before.split()
    if any(word in {"that", "which", "who", "where", "when"} for word in words):
        return False
    if clause.form is None:
        words = [word for word in words if not word.endswith("ly") and word != "been"]
    inner = words if clause.form is not None else words[1:]
    if any(is_participle(word) or word.endswith("ing") for word in inner):
        return False
    return bool(words) or clause.form is not None


def _counts_object(before: list[str], clause: Clause) -> bool:
    """Say whether the number counts the verb's object, with at most a preposition between."""
    if clause.form is not None:
        return not before or (len(before) == 1 and before[0] in {"of", "for", "to", "with"})
    if not before:
        return False
    return is_participle(before[0]) and all(one in _COUNTING for one in before[1:])


def _is_day(time: str) -> bool:
    return bool(re.search(rf"{MONTH} \d{{1,2}}\b|\d {MONTH}", time))


def _lowered(text: str) -> str:
    """Return a clause as it stands inside a sentence."""
    return text[0].lower() + text[1:] if text.split()[0] in _STARTERS else text


_STARTERS = frozenset("The A An In On Many Most Some".split())
