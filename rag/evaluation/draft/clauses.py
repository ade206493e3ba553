"""The plain clause that a sentence begins with: subject, verb and the rest, or nothing.

No grammar is tried: a subject is words up to the first known finite verb, and any doubt ends in nothing. So
few sentences are understood, and these rightly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.evaluation.draft.verbs import AUXILIARIES, FORMS, Tense, VerbForm, singular
from rag.language.dates import MONTH, WEEKDAY

YEAR = r"(?:1[0-9]\d\d|20\d\d)"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
TIME = (
    rf"(?:{WEEKDAY}(?:, | ))?(?:(?:early |late |mid-)?{MONTH}(?: {_DAY})?(?:,? {YEAR})?"
    rf"|{_DAY} {MONTH}(?: {YEAR})?|(?:the )?(?:early |late |mid-)?{YEAR}s?"
    rf"|the (?:early |late |mid-)?(?:\d{{1,2}}(?:st|nd|rd|th)|[a-z]+th) century)(?: (?:BC|AD|BCE|CE))?"
)
"""A date, month, year, decade or century, as a pattern."""

_LEAD_TIME = re.compile(rf"(?:On|In|During|At|As of) (?P<time>{TIME}),? (?=\w)")
_DISCOURSE = re.compile(
    "(?:However|Moreover|Furthermore|Additionally|In addition|Also|Finally|In summary|Thus"
    "|Therefore|Consequently|As a result|Meanwhile|For example|For instance|Similarly|Indeed"
    "|Nevertheless|Nonetheless|In particular|In general|In fact|Overall), "
)
_LEAD = re.compile(
    r"(?:With|Following|Amid|Amidst|Despite|Although|While|After|Before|As|Since|Because of|Due to|According to)"
    r" [^,;:]{5,120}, (?=[A-Z]|the |an? )"
)
"""What a sentence begins with that leaves the rest true when it is left out."""
_APPOSITION = re.compile(
    r"(?P<name>(?:The )?[A-Z][\w'’.-]*(?: (?:of |the |de |von )*[A-Z][\w'’.-]*){0,5}),"
    r" (?P<apposition>(?:the|an?|one of|[A-Z][\w'’-]*[’']s) [^,;:()]{3,80}), (?=[a-z]+ )"
)
_INSERTED = re.compile(rf", [^,;]{{2,40}}, (?=(?:on|in) {TIME})")
_PARENTHESIS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_WORD = re.compile(r"\S+")
_PARTICIPLE = re.compile(
    r"\w{2,}ed$|(?:be|become|born|begun|broken|brought|built|bought|caught|chosen|come|done|drawn|driven"
    r"|fallen|forgotten|found|fought|given|gone|got|gotten|grown|heard|held|hidden|kept|known|laid|led|left|lost|made"
    r"|meant|met|overseen|paid|put|read|run|said|seen|sent|set|shown|sold|spent|spoken|spread|stolen|struck"
    r"|sung|sunk|taken|taught|thought|thrown|told|understood|used|withdrawn|won|written|been|had)$"
)
_NO_SUBJECT = frozenset(
    """i you he she it we they me him us them this these those that there here such fewer less more who whom which
    what when where why how if although though while because since as unless until whereas after
    before during following despite unlike like with without by from to into on in at under over
    between among through about according due based given one some many most several few others
    another other both each either neither none nothing anyone everyone someone all any every no
    not so yet but and or nor then thus also even only just perhaps once today later instead
    rather examples example his her its their our my your both former latter same following sometimes often""".split()
)
"""Words that a subject does not begin with: without its sentence nobody knows what they mean."""
_NEVER_IN_SUBJECT = frozenset(
    """i you he she it we they this these those that who whom which what when where why how if
    because although while his her its their our my your not never latter former following
    respectively such there""".split()
)
_CONNECTING = frozenset(
    "that which who whom whose and but or as when while where because if although than whether".split()
)
_ARTICLES = frozenset({"the", "a", "an"})
_UNPLAIN = re.compile(r"[?:\[\]()|“”\"«»]")
_ENDS = re.compile(
    rf",(?! {YEAR}\b)(?=\s)|;| [–—-] |"
    r" and (?=(?:this|it|they|he|she|these|there|thus|therefore|so)\b)"
    r"| (?=(?:while|although|though|but|whereas|unless|if|so that|when|where|which|who|as well as|as)\b)"
)
_AFTER_COMMA = _CONNECTING | frozenset("with including while although making".split())
_COUNT = re.compile(
    "(?:About|Around|Over|More than|Less than|Fewer than|Up to|At least|Some) [0-9]"
)
_CAPITAL = re.compile(r"[A-Z][A-Z]|[A-Z]\w+(?:ish|ese|[^d]ian|rican)\b|German\b|French\b|Dutch\b")
_ADVERB = re.compile(
    r"\s+(?:\w+ly|also|often|then|still|now|thus|therefore|sometimes|alone|soon|later|even|just|ever|all|both)$"
)
_AND_VERB = re.compile(r" and (?=(?P<verb>[a-z]+)\b)")
_DIRECTIONS = frozenset({"north", "south", "east", "west"})
_OF_ONE = {"are": "is", "were": "was", "have": "has"}
_MANY = frozenset("people children men women police".split())
_PREPOSITIONS = frozenset(
    "of in on at for from to with between by about among during near within".split()
)
_WANTS_OBJECT = frozenset(
    """publish use describe report call name establish produce develop design introduce release present
    propose grant find form build create award appoint sign hold make send bring discover invent elect
    approve adopt announce""".split()
)
_LONGEST_SUBJECT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """The main clause of a sentence. All texts are the sentence's own but for the subject's capital."""

    subject: str
    verb: str
    """The finite verb as it stands."""
    form: VerbForm | None
    """What it is; None for an auxiliary."""
    rest: str
    """All that follows the verb, without the last punctuation mark."""
    core: str
    """The beginning of `rest` that makes sense by itself."""
    time: str
    """When, if the sentence begins with it; empty else."""
    named: bool
    """Whether the subject is a name."""

    @property
    def is_whole(self) -> bool:
        """Whether `core` ends where the thing it names does, and not inside an enumeration."""
        if not self.rest.startswith(self.core):
            return False
        left = self.rest[len(self.core) :]
        return not left.startswith(",") or left.strip(" ,").split(" ")[0] in _AFTER_COMMA

    def asking(self, word: str, rest: str) -> str:
        """Return the question that begins with `word` and goes on with the clause and another rest."""
        if self.form is None:
            return _joined(word, self.verb, self.subject, rest)
        helper = {"past": "did", "singular": "does", "plural": "do"}[self.form.tense]
        return _joined(word, helper, self.subject, self.form.base, rest)

    def asking_subject(self, word: str, rest: str) -> str:
        """Return the question for the subject; after `Who` and `What` the verb is that of one."""
        verb = self.verb
        if word in {"Who", "What"}:
            plural = self.form is not None and self.form.tense == "plural"
            verb = singular(verb) if plural else _OF_ONE.get(verb, verb)
        return _joined(word, verb, rest)


def parse_clause(
    sentence: str, *, names: Collection[str], common: Collection[str] = ()
) -> Clause | None:
    """Return the clause that a sentence begins with, or None where there is any doubt.

    Args:
        sentence: without line breaks.
        names: words that have a capital inside sentences too.
        common: words that are written small elsewhere.
    """
    text = _DISCOURSE.sub("", _PARENTHESIS.sub("", sentence).strip().rstrip(".!"), count=1)
    if _UNPLAIN.search(text):
        return None
    lead = _LEAD_TIME.match(text)
    text = text[lead.end() :] if lead else _LEAD.sub("", text, count=1)
    apposition = _APPOSITION.match(text)
    words = list(_WORD.finditer(text))
    found = _find_verb(words, apposition.end() if apposition else 0)
    if found is None or (_begins_elsewhere(words) and not _COUNT.match(text)):
        return None
    at, form = found
    subject = text[: apposition.end("name") if apposition else words[at].start()]
    subject = _ADVERB.sub("", subject.strip())
    if not subject or not _is_one_phrase(subject.split(), common):
        return None
    named = _is_named(subject.split(), names)
    rest = text[words[at].end() :].strip()
    return Clause(
        subject=subject if named or _CAPITAL.match(subject) else subject[0].lower() + subject[1:],
        verb=words[at].group(),
        form=form,
        rest=rest,
        core=trimmed(rest),
        time=lead["time"] if lead else "",
        named=named,
    )


def trimmed(rest: str) -> str:
    """Return the longest beginning of a predicate that makes sense by itself."""
    rest = _INSERTED.sub(" ", rest)
    ends = [match.start() for match in _ENDS.finditer(rest)]
    ends += [match.start() for match in _AND_VERB.finditer(rest) if _is_finite(match["verb"])]
    return rest[: min(ends, default=len(rest))].strip()


def is_participle(word: str) -> bool:
    """Whether a word may be a past participle."""
    return bool(_PARTICIPLE.match(word))


def _begins_elsewhere(words: Sequence[re.Match[str]]) -> bool:
    """Say whether a sentence begins with anything but a known subject."""
    first, second = (word.group().lower().rstrip(",") for word in words[:2])
    if first in _DIRECTIONS:
        return second in {"of", "is", "are"}
    return first in _NO_SUBJECT or first.endswith(("ly", "ing"))


def _find_verb(words: Sequence[re.Match[str]], after: int) -> tuple[int, VerbForm | None] | None:
    """Return the index and the form of the clause's finite verb."""
    first = 0 if not after else next(i for i, word in enumerate(words) if word.start() >= after)
    plain = [word.group().lower() for word in words]
    for at in range(first, min(first + _LONGEST_SUBJECT, len(words))):
        word = plain[at]
        if (at or after) and (_is_finite(word) and words[at].group() == word):
            return _checked(plain, at, after)
        if word in _NEVER_IN_SUBJECT or word[-1] in ",;" or is_participle(word):
            return None
    return None


def _checked(plain: Sequence[str], at: int, after: int) -> tuple[int, VerbForm | None] | None:
    """Return place and form of a finite verb if subject and rest agree with it."""
    subject, rest = plain[:at], plain[at + 1 :]
    if not rest or rest[0] in {"not", "never", "no", "to"}:
        return None
    word = plain[at]
    form = FORMS.get(word) if word not in AUXILIARIES else _main_have(word, rest)
    if form is None:
        return at, None
    # "The system used by everyone is old": what looks like the verb describes the subject.
    if rest[0] == "by" or _has_second_verb(rest):
        return None
    if rest[0] in _PREPOSITIONS and form.base in _WANTS_OBJECT:
        return None
    head = subject[next((i for i, w in enumerate(subject) if w in _PREPOSITIONS), len(subject)) - 1]
    many = (head.endswith("s") and not head.endswith(("ss", "'s", "’s", "us"))) or head in _MANY
    if not after and form.tense != "past" and many != (form.tense == "plural"):
        return None
    return at, form


def _main_have(word: str, rest: Sequence[str]) -> VerbForm | None:
    """Return the form of `have` as a main verb, None if a participle follows soon."""
    tense: Tense | None = {"has": "singular", "have": "plural", "had": "past"}.get(word)  # type: ignore[assignment]
    if tense is None or any(is_participle(one.strip(",")) for one in rest[:2]):
        return None
    return VerbForm("have", tense)


def _has_second_verb(rest: Sequence[str]) -> bool:
    for word in rest:
        if word in _CONNECTING or word[-1] in ",;":
            return False
        if word in AUXILIARIES:
            return True
    return False


def _joined(*parts: str) -> str:
    return " ".join(" ".join(parts).split()) + "?"


def _is_finite(word: str) -> bool:
    return word in AUXILIARIES or word in FORMS


def _is_named(words: Sequence[str], names: Collection[str]) -> bool:
    first = words[0]
    if not first[0].isupper() or first.lower() in _ARTICLES:
        return False
    bare = re.sub(r"['’]s$", "", first)
    return bare in names or (len(words) > 1 and words[1][0].isupper())


def _is_one_phrase(words: Sequence[str], common: Collection[str]) -> bool:
    """Whether a subject has an article only where a phrase begins, no infinitive, and a sure capital."""
    first = words[0].lower()
    if first in common and first not in _ARTICLES and any(w[0].isupper() for w in words[1:2]):
        return False
    return not any(
        (word in _ARTICLES and before not in _PREPOSITIONS | {"and", "or", "as", "than"})
        or (before == "to" and word.islower() and word not in _ARTICLES)
        for before, word in pairwise(words)
    )
