"""Turns that ask nothing of the sources: small talk, and requests to do something with the last answer.

By rules on whole English turns, rather too few than too many: a turn that no rule knows is a question. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from rag.language.english import ORDINALS
from rag.schema import Turn

SmallTalk = Literal["abilities", "thanks", "greeting", "farewell", "assent"]
"""What is meant by a turn that asks nothing; of several things in one turn the first of these."""
RequestKind = Literal[
    "shorter", "point", "table", "list", "sure", "more", "where", "again", "rewording"
]

MOST_CHARS = 120
"""Of such a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be done with the last answer."""

    kind: RequestKind
    number: int = 0
    """Of the point that is meant, from 1, or -1 for the last; 0 where none is."""


_MUCH = r"(?: (?:very|so|really|a) (?:much|lot|bunch)| a lot| so much| very much| again)?"
_GOOD = (
    r"(?:very |really |so |quite |just |absolutely )?(?:helpful|useful|great|good|nice|perfect|fine|interesting"
    r"|clear|wonderful"
    r"|excellent|awesome|amazing|brilliant|cool|kind|all|enough|it)"
)
_TALK: dict[SmallTalk, str] = {
    "abilities": r"what (?:else )?(?:can|could|do) you (?:do|answer|help with|help me with|know"
    r"|offer)(?: for me| here)?"
    r"|what can i (?:ask|do here|do with (?:you|this (?:tool|app|program)))(?: you)?(?: here)?|what (?:are"
    r"|is) you(?:r (?:name|purpose|job))?(?: for)?"
    r"|what['’]s your (?:name|purpose|job)|who are you|who (?:made|built|wrote) you"
    r"|how (?:do you|does this (?:tool|app|program|chat|thing)) work|how (?:can|do) i use (?:you|this(?: tool"
    r"| app| program| chat)?)"
    r"|how (?:can|could) you help(?: me)?|(?:can|could) you help(?: me)?|help(?: me)?|what is this (?:tool|app"
    r"|program|chat)"
    r"|are you (?:an? )?(?:human|(?:chat ?)?bot|robot|ai|machine|person|real|there|chatgpt)(?: person)?"
    r"|is (?:anyone|anybody|somebody) there",
    "thanks": rf"(?:many |ok |big )?(?:thanks|thank you|thankyou|thx|ty|cheers|merci|danke|gracias|grazie){_MUCH}"
    r"(?: for (?:your|the|that|this|all|everything|helping)(?: \w+){0,3})?"
    rf"|much appreciated|i (?:really )?appreciate (?:it|that|this|your help)",
    "greeting": r"(?:hi|hiya|hello|hey|howdy|hallo|bonjour|hola|moin|servus|guten (?:tag|morgen|abend)|greetings"
    r"|good (?:morning|afternoon|evening|day))(?: (?:there|again|all|everyone|everybody|footnote|bot|assistant|you))?"
    r"|how are you(?: doing)?(?: today)?|how['’]?s it going|how do you do|what['’]?s up|nice to meet you"
    r"|test(?:ing)?",
    "farewell": r"(?:good ?)?bye(?: bye| for now)?|see you(?: later| soon| tomorrow| around)?|good night"
    r"|take care|ciao|tsch(?:ü|ue)ss"
    r"|have a (?:nice|good|great|lovely) (?:day|one|evening|weekend|time)|until (?:next time|tomorrow)"
    r"|that['’]?s all(?: for (?:now|today))?",
    "assent": r"(?:good|great|nice|well|perfect) (?:job|work|done|answer|one|stuff)"
    r"|ok(?:ay)?(?: then)?|k|kk|fine|great|good|cool|nice(?: one)?|perfect|awesome|excellent|wonderful"
    r"|brilliant|amazing|lovely|super"
    r"|all ?right|right|sure|yes|yep|yeah|yup|no|nope|not now|aha|ah|oh|hm+|mm+|lol|ha(?:ha)+|wow|well|so|sorry"
    r"|oops|please"
    r"|(?:i )?got (?:it|you)|i (?:see|understand|know)|understood|noted|makes sense|that makes sense"
    r"|good to know|never ?mind|forget it|no problem|no worries"
    r"|you['’]?re (?:welcome|great|the best|right)|(?:good|great|nice|well|perfect) (?:job|work|done|answer|one"
    r"|stuff)|sounds (?:good|great|fine)|agreed|exactly|indeed"
    r"|(?:that|this)(?:['’]?s| is| was) (?:exactly |just )?what i (?:needed|wanted|was looking for|meant)"
    rf"|(?:that|this|it)(?:['’]?s| is| was| has been) {_GOOD}|(?:very |really |how )?(?:helpful|useful|interesting)"
    r"|(?:that|this|it) (?:really )?helps?(?: me)?(?: a lot)?|that['’]?ll do|that will do|i['’]m (?:good|fine"
    r"|done)|no more questions|will do|let me (?:see|think)",
}
_TALKING = {kind: re.compile(rf"(?:{phrases})(?=$|[ ,;])") for kind, phrases in _TALK.items()}
_ASKING_BACK = frozenset("right sure ok okay sorry well so oh no yes please".split())
"""Words that, with a question mark behind them, doubt an answer or ask for it again."""

_PIECES = {
    "it": r"(?:it|this|that|them|these|those|(?:the|your|this|that|my) (?:(?:last|previous|above) )?(?:answer"
    r"|reply|response"
    r"|text|result|results|information))",
    "to": r"(?:(?:make|put|keep|give|show|write|say|format|present|do|have|get|convert|turn|lay|list|display"
    r"|arrange|answer|repeat"
    r"|want|need|change|bring)(?: me| us)?(?: <it>)?(?: out)? |<it> )?",
    "much": r"(?:(?:much|even|a (?:bit|little)|a lot|way|slightly|far) )?",
    "point": r"(?:point|one|item|bullet(?: point)?|sentence|statement|entry|line)",
    "part": r"(?:point|one|item|bullet(?: point)?|sentence|statement|entry|line|reason|step|part|option|thing"
    r"|example|row|answer)",
    "nth": rf"(?P<nth>{'|'.join(ORDINALS)})",
    "lang": r"(?:english|german|french|spanish|italian|dutch|polish|turkish|russian|ukrainian|arabic|chinese"
    r"|mandarin|japanese|korean|hindi"
    r"|portuguese|swedish|danish|norwegian|finnish|greek|czech|hungarian|romanian|hebrew|deutsch|my language"
    r"|another language)",
    "page": r"(?:page|document|source|file|section|chapter|paragraph|clause|passage|place|line|text|heading)s?",
    "says": r"(?:says?|stands?|stated?|states|written|said|mentions?|mentioned|comes?|from|in|on|taken|found)",
}


def _rules(*lines: str) -> tuple[re.Pattern[str], ...]:
    """Compile lines of the grammar; `<piece>` stands for a piece."""

    def spelled(line: str) -> str:
        return re.sub(r"(?<!P)<([a-z]+)>", lambda match: spelled(_PIECES[match[1]]), line)

    return tuple(re.compile(spelled(line)) for line in lines)


_REQUESTS: dict[RequestKind, tuple[re.Pattern[str], ...]] = {
    "shorter": _rules(
        r"<to>(?:an? )?<much>(?:shorter|briefer|short|brief|more (?:briefly|concise|concisely|compact)"
        r"|less (?:text|words)|fewer words)"
        r"(?: version| answer| form)?(?: of <it>)?",
        r"(?:shorten|condense|abbreviate|cut|trim|compress)(?: <it>)?(?: down| short)?",
        r"(?:that(?:['’]s| is|['’]s way| was) )?(?:much |way |far )?too (?:long|much text|much|wordy|verbose)"
        r"|tl;?dr|in short|be (?:brief|briefer|concise)"
        r"|in a nutshell|briefly|(?:give me )?the (?:short|brief) version|(?:one|a single) (?:sentence|word"
        r"|line)|short version|keep <it> (?:short|brief)",
        r"<to>in (?:one|a|a single|two|a few|fewer|less) (?:sentences?|words?|lines?)|just the (?:answer|number"
        r"|figure|gist|essence|facts?)",
        r"(?:summari[sz]e|sum up) (?:the|your|that|this) (?:(?:last|previous) )?(?:answer|reply|response)|the gist",
    ),
    "point": _rules(
        r"(?:(?:what|how) about |(?:tell|give|show) (?:me|us) |(?:tell me )?more (?:on|about) "
        r"|tell me (?:more )?about |details (?:on|of|about) "
        r"|explain |expand(?: on)? |elaborate on |repeat |show |only |just |on )?(?:the )?<nth>(?: <part>)?",
        r"(?:what(?:['’]s| is| was| does) |say )(?:the )?<nth> <point>(?: mean| again)?",
        r"(?:(?:what|how) about |more (?:on|about) |tell me (?:more )?about |explain |expand(?: on)? |repeat |show )?"
        r"(?:point|item|number|no\.?|bullet|sentence) ?#?(?P<number>\d{1,2}|one|two|three|four|five|six)",
    ),
    "table": _rules(
        r"<to>(?:in(?:to)?|as|in the form of) (?:an? )?(?:small |simple )?(?:table|tabular form|spreadsheet"
        r"|grid)(?: form(?:at)?)?(?: of <it>)?",
        r"(?:make|give|show|draw|create|build|want)(?: me| us)? a (?:small |simple )?table(?: (?:of|from|out of"
        r"|with|for) <it>)?|tabulate(?: <it>)?|an? table",
    ),
    "list": _rules(
        r"<to>(?:in(?:to)?|as|in the form of) (?:an? )?(?:simple |short )?(?:(?:bullet(?:ed)?"
        r"|numbered)(?:[ -](?:points?|list|form))?|bullets|bullet points?|list|points)"
        r"(?: of <it>)?",
        r"(?:make|give|show|create|want)(?: me| us)? a (?:bullet(?:ed)? |numbered )?list(?: (?:of|from"
        r"|out of) <it>)?|bullet points?|bullets",
    ),
    "sure": _rules(
        r"(?:are|r) (?:you|u) (?:really |quite |absolutely |very |completely |100 ?% |so )?(?:sure|certain"
        r"|positive|confident)(?: (?:about|of) <it>| that <it> is \w+)?(?: now)?",
        r"(?:is|was) <it> (?:really |actually |definitely |still )?(?:right|correct|true|certain|accurate|so"
        r"|reliable|sure|a fact)",
        r"really|sure|seriously|honestly|for (?:sure|real)|is that so|no way",
        r"how (?:sure|certain|confident|reliable|accurate) (?:are you|is <it>)(?: (?:about|of|that) <it>)?",
        r"<it>(?:['’]s| is| can(?:not|['’]t| not) be| seems| sounds| looks)(?: be)? (?:wrong|not (?:right|true"
        r"|correct)|incorrect|false|odd|strange|unlikely|right|a mistake)",
        r"i (?:do not|don['’]t|can['’]t|cannot) (?:really )?(?:believe|think|trust)(?: so| you"
        r"| <it>(?: is (?:right|true|correct))?)?|i (?:doubt|question) <it>",
        r"(?:double[- ]?)?(?:check|verify|confirm)(?: <it>)?(?: again| once more)?|can i (?:trust|rely on"
        r"|believe) <it>|you(?:['’]re| are) (?:wrong|mistaken)",
    ),
    "more": _rules(
        r"(?:(?:tell|show|give)(?: me| us)? |i want |say |any )?(?:some |a (?:bit|little) )?more(?: (?:details?"
        r"|information|info))?(?: (?:about|on) <it>| of <it>)?",
        r"go on|continue|carry on|keep going|read on|elaborate|expand|explain|(?:explain|expand"
        r"|elaborate)(?: on)? <it>(?: further| more| in (?:more )?detail)?",
        r"(?:is there )?(?:any(?:thing)?|something) (?:else|more|further)(?: (?:about|on) <it>)?"
        r"|what else(?: (?:does|do) (?:it|they) say(?: (?:about|on) <it>)?)?",
        r"<to><much>(?:in (?:more |greater |full )?detail|longer|more (?:detailed|fully|precisely)"
        r"|further details)|and (?:then|further)",
    ),
    "where": _rules(
        r"where (?:exactly |precisely )?(?:does|do|did|have|can|is|are) (?:it|they|that|this|those|you|one|i"
        r"|(?:the|your|my) (?:documents?|texts?|sources?)) (?:exactly )?"
        r"(?:says?|stands?|stated?|stating|written(?: down)?|mentioned|come from|coming from|taken from|from"
        r"|got|get|take|read|see)"
        r"(?: (?:it|that|this|so))?(?: (?:from|exactly|in (?:the|my|your) (?:documents?|texts?|sources?)))?",
        r"(?:(?:in|on|from|under) )?(?:which|what) <page>(?: exactly)?(?: (?:is|was|does|do|did|has"
        r"|are) <it>(?: (?:<says>|come from))?(?: (?:that|it|this|so|on|in|from))?)?",
        r"(?:which|what) <page> (?:says?|states?|mentions?) (?:it|that|this|so)|(?:who|what) says (?:that|so"
        r"|this|it)|says who",
        r"(?:what(?:['’]s| is| are|['’]re) )?(?:the |your )?(?:sources?|evidence|references?|proof|citations?"
        r"|quotes?)(?: (?:for|of) <it>)?",
        r"(?:show|give|tell|name|quote|cite|open)(?: me| us)? (?:<it>|the|your|its) ?(?:exact "
        r"|original )?(?:<page>|sources?|quotes?|originals?|evidence|references?|wording|words|citations?)"
        r"(?: (?:for|of|behind) <it>)?|(?:can you )?(?:quote|cite|prove) <it>",
        r"how do you know(?: <it>)?|what is <it> based on|where(?:['’]s| is| are) (?:that|this|it"
        r"|those) (?:from|written|stated|said|mentioned)|where from",
    ),
    "again": _rules(
        r"(?:say|tell me|repeat|show(?: me)?|give me)(?: <it>)? (?:again|once more|one more time)"
        r"|repeat(?: <it>)?|come again|pardon(?: me)?|once more|again"
        r"|one more time|what did you (?:just )?say|what was <it>(?: again)?|huh|what|i (?:do not|don['’]t"
        r"|did not|didn['’]t) (?:get|understand|follow)(?: <it>)?",
    ),
    "rewording": _rules(
        r"translate(?: <it>)?(?: (?:in(?:to)?|to) (?:\w+ )?\w+)?|<to>in(?:to)? <lang>|auf deutsch|en fran(?:ç"
        r"|c)ais|en espa(?:ñ|n)ol",
        r"(?:rephrase|reword|paraphrase|rewrite|simplify|polish)(?: <it>)?(?: (?:for|in|as) .{1,40})?"
        r"|<much>simpler|<to><much>simpler",
        r"(?:explain|say|put|tell|write|give)(?: me| us)?(?: <it>)?(?: to me)? (?:simply|differently"
        r"|another way|more simply|in (?:very )?(?:simple|plain|easy|your own|other|everyday|different)"
        r" (?:words|terms|language|english)|like i(?:['’]m| am) (?:five|5|a child|ten))",
        r"in (?:very )?(?:simple|plain|easy|other|everyday|your own) (?:words|terms|language|english)",
        r"(?:make|write|draft|turn|create|compose)(?: me)?(?: <it>)?(?: (?:in)?to| as)? ?an? (?:short "
        r"|polite )?(?:e-?mail|letter|poem|tweet|message|memo|post|story|song|joke)"
        r"(?: (?:about|of|from|out of|with) <it>)?",
    ),
}
_NUMBERS = {word: n for n, word in enumerate("one two three four five six".split(), start=1)}
_LEADING = re.compile(
    r"(?:(?:ok(?:ay)?|and|but|so|hm+|well|please|pls|now|then|thanks|thank you|great|good|sorry|just|kindly"
    r"|actually|yes|no|wait|oh|ah|hey|hi|also|alternatively"
    r"|(?:can|could|would|will) (?:you|i|we)(?: please)?(?: (?:have|get|see))?|i(?:['’]d| would) (?:like"
    r"|prefer)(?: to have| to see)?(?: <it>)?|may i have|let me (?:see|have)"
    r"|i (?:want|need)(?: to (?:see|have|know))?)(?=[ ,!.:]|$)[ ,!.:]*)+"
)
_TRAILING = re.compile(
    r"[ ,.!]+(?:please|pls|thanks|thank you|for me|now|then|again please|instead|this time|though|ok(?:ay)?)$"
)


def small_talk_of(turn: str) -> SmallTalk | None:
    """Return what a turn means that asks nothing of the sources; None for any other."""
    text = _plain(turn)
    found: set[SmallTalk] = set()
    rest = text
    while rest:
        kind, end = _phrase(rest)
        if kind is None:
            return None
        found.add(kind)
        rest = rest[end:].lstrip(" ,;")
    if turn.rstrip().endswith("?") and text.split(" ")[-1] in _ASKING_BACK:
        return None
    return next((kind for kind in get_args(SmallTalk) if kind in found), None)


def _phrase(text: str) -> tuple[SmallTalk | None, int]:
    """Return the longest phrase of small talk that a text begins with, and where it ends."""
    ends = [(match.end(), kind) for kind, rule in _TALKING.items() if (match := rule.match(text))]
    end, kind = max(ends, key=lambda one: one[0], default=(0, None))
    return kind, end


def request_of(turn: str) -> Request | None:
    """Return what a turn wants done with the last answer; None where it wants something else.

    Whether there is an answer, and whether it has so many points, the caller knows.
    """
    for text in _readings(_plain(turn)):
        for kind, rules in _REQUESTS.items():
            match = next((found for rule in rules if (found := rule.fullmatch(text))), None)
            if match:
                number = _number(match.groupdict()) if kind == "point" else 0
                return Request(kind=kind, number=number)
    return None


def _readings(text: str) -> Iterator[str]:
    """Yield a turn as it is, and without courtesies around it."""
    yield text
    while match := _TRAILING.search(text):
        text = text[: match.start()]
        yield text
    if (match := _LEADING.match(text)) and match.end() < len(text):
        yield text[match.end() :]


def _number(found: dict[str, str | None]) -> int:
    """Return which point is named."""
    if nth := found.get("nth"):
        return ORDINALS[nth] + 1 if ORDINALS[nth] >= 0 else -1
    number = found.get("number") or "0"
    return _NUMBERS.get(number) or int(number)


def _plain(turn: str) -> str:
    """Return a turn in lower case, its sentences joined by commas; empty where it is long."""
    if len(turn) > MOST_CHARS:
        return ""
    text = re.sub(r"[.!?…\n]+(?=\s|$)", ",", " ".join(turn.lower().split()))
    text = re.sub(r"[^\w\s,;:'’%#.-]+", " ", text)
    return re.sub(r"\s*,[\s,]*", ", ", " ".join(text.split())).strip(" ,:-")


def is_about_sources(turn: str) -> bool:
    """Tell whether a turn asks something of the sources: neither small talk nor a request."""
    return small_talk_of(turn) is None and request_of(turn) is None


def exchanges(history: Sequence[Turn]) -> list[tuple[Turn, ...]]:
    """Return a history cut before every question of the user's."""
    cut: list[tuple[Turn, ...]] = []
    for turn in history:
        if turn.role == "user" or not cut:
            cut.append((turn,))
        else:
            cut[-1] = (*cut[-1], turn)
    return cut
