"""What a query wants: one answer, a summary, what each source says, two things side by side, or where they disagree.

By rules on English words, and rather too few than too many: a query that no rule knows is an
ordinary question, which the whole way from search to answer is made for. Pure; knows no sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

IntentKind = Literal["question", "summary", "contents", "survey", "comparison", "disagreement"]

MOST_CHARS = 300
"""A longer query is a text with a question in it, not an order of this kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a query wants, and of what."""

    kind: IntentKind
    topic: str = ""
    """What it is about, in the query's words; empty for everything."""
    source_hint: str = ""
    """Words that name one document or several; empty where none is named."""
    sides: tuple[str, ...] = ()
    """Of a comparison: what is set side by side, in the query's words; of "which lease has ..." the noun alone."""
    asked: str = ""
    """Of a comparison on one point: the question for each side, `{}` in the side's place; empty for all points. Of a
    summary: the question that it is where the hint names no document."""
    more: str = ""
    """Of a comparison: what the side has or is more than the other, that is asked for: "cheaper", "higher"."""
    every: Literal["", "two", "all"] = ""
    """Of a comparison of things that are not named one by one: how many there are."""


# The grammar: pieces are named in <>, `<X>` is what is asked about. Queries are matched whole, in any case, with
# single spaces.
_PIECES = {
    "doc": "documents?|docs?|articles?|texts?|reports?|papers?|files?|pdfs?|sources?|pages?|materials?|collection"
    "|corpus|library|index|folder|seeds|contents?|uploads?",
    "named": "(?:document|article|report|paper|file|pdf|book|chapter|contract|agreement|policy|manual|guide|letter"
    "|memo|transcript|study|thesis|essay|handbook|leaflet|spreadsheet|presentation)s?|minutes",
    "docs": "documents|docs|articles|texts|reports|papers|files|pdfs|sources|materials|authors|uploads",
    "which": "this|the|these|those|that|my|our|your|all|each|every|both|whole|entire|full|two|three|several|different"
    "|various|other|many|any|uploaded|attached|above|given|provided|indexed|available|current|of|source",
    "refers": "(?:<which> )*<doc>",
    "sources": "(?:<which> )*<docs>",
    "give": "(?:give|show|write|provide|make|create|prepare|produce|draft|get|share|tell|list)(?: me| us)?",
    "find": "(?:find|list|show|identify|spot|point out|tell|explain)(?: me)?",
    "about": "about|on|regarding|concerning|over|as to|with (?:regard|respect) to|when it comes to",
    "of": "of|from|in|about|on|for|regarding|concerning",
    "within": "(?:in|from|across|throughout|within|among|amongst|between|according to) <refers>",
    "say": "(?:say|report|state|write|mention|claim|think|know|conclude|suggest|tell us|tell me)s?",
    "size": r"short|brief|quick|concise|detailed|comprehensive|general|high[- ]level|one[- ]\w+|executive|overall"
    r"|simple|full|complete|\w+[- ](?:word|sentence|point|paragraph)",
    "main": "main|key|most important|central|major|principal|essential|core|crucial",
    "digest": "summar(?:y|ies)|overviews?|recap|synopsis|gist|run-?down|highlights?|(?:<main> )?take-?aways?|tl;?dr"
    "|<main> (?:points?|ideas?|messages?|facts|findings|arguments?|themes?|topics?|conclusions?|subjects?)",
    "summary": "(?:an?|the|some)? ?(?:<size> ){0,3}<digest>",
    "differ": "(?:disagree|contradict|conflict|differ|diverge|clash)s?|not agree",
    "mutually": "(?: with)? (?:each other|one another|themselves)",
    "clashes": "contradictions?|inconsistenc(?:y|ies)|discrepanc(?:y|ies)"
    "|(?:conflicting|contradictory|contradicting|inconsistent|differing)"
    " (?:numbers?|figures?|dates?|information|statements?|claims?|facts|accounts?|data|values?|answers?)",
    "splits": "conflicts?|disagreements?|differences?|points of disagreement",
    "any": "any |some |all |the |an? ",
    "with": "(?:,? (?:and|with|to|against|versus|vs\\.?) )",
    "A": "(?P<A>.+?)",
    "B": "(?P<B>.+?)",
    "T": "(?P<T>.+?)",
    "TT": "(?P<TT>.+?)",
    "has": "(?:has|have|had|offers?|gives?|allows?|requires?|asks? for|charges?)",
    "verb": "(?P<verb>is|are|was|were|costs?|lasts?|takes?|weighs?|runs?|pays?|earns?|opens?|closes?|holds?|seats?)",
    "tail": "(?P<tail>(?!than\\b).+?)",
    "kind": "(?P<kind>\\w+(?: \\w+)?)",
    "plural": "(?!<which> |(?:<doc>)(?: |$))(?P<kind>\\w+(?: \\w+)?s)",
    "more": "(?:higher|lower|longer|shorter|larger|bigger|smaller|greater|more|fewer|less|better|worse|cheaper|earlier"
    "|later|stricter|highest|lowest|longest|shortest|largest|biggest|smallest|most|fewest|least|best)",
    "adjective": "(?P<adjective>more \\w+|less \\w+|(?!(?:und|ov|oth|aft|eith|ev|nev|wat)er\\b)\\w+er|more|less|most"
    "|least)",
    "both": "(?:both|either)(?: of)?(?: the| my| our| these| those)?(?: two)?|(?:the|my|our|these|those) two",
    "asking": "is|are|was|were|do|does|did|can|could|may|must|should|will|has|have|had|what|how|when|where|who|why",
    "on X": "(?: <about> (?P<X>.+))?",
    "X": "(?P<X>.+)",
}


def _rules(*lines: str) -> tuple[re.Pattern[str], ...]:
    """Compile lines of the grammar."""
    return tuple(re.compile(_spelled(line), re.IGNORECASE) for line in lines)


def _spelled(line: str) -> str:
    """Return a line with every piece in place of its name."""
    return re.sub(r"(?<!P)<([a-zA-Z ]+)>", lambda match: f"(?:{_spelled(_PIECES[match[1]])})", line)


_DISAGREEMENT = _rules(
    "(?:where|how|when|(?:on|in|about) (?:what|which)(?: points?| ways?)?) (?:do|does|did) <sources>"
    " <differ><mutually>?(?: (?:<about>|in) <X>)?",
    "(?:where|how|on what|about what) do they (?:disagree|contradict|not agree)<mutually>?<on X>",
    "(?:what|which points?) (?:do|does|did) <sources> <differ>(?: on| about)?",
    "(?:do|does|did) <sources>(?: all)? (?:agree|<differ>)<mutually>?<on X>",
    "(?:which|what)(?: of)? <sources>(?: do)? <differ><mutually>?<on X>",
    "<find> (?:where|how) <sources> <differ><mutually>?<on X>",
    "(?:(?:are|is) there|<find>|what are|where are)? ?<any>*<clashes>(?: <within>)?<on X>",
    "(?:(?:are|is) there|<find>|what are|where are)? ?<any>*<clashes> <about> (?P<X>.+) <within>",
    "(?:(?:are|is) there|<find>|what are|where are)? ?<any>*<splits> <within><on X>",
    "compare(?: the)? (?:numbers|figures|dates|facts) <within><on X>",
)
_SURVEY = _rules(
    "what(?: all)? (?:do|did) <sources>(?: all)? <say> <about> <X>",
    "what (?:have|had) <sources> (?:said|reported|written) <about> <X>",
    "what (?:is|was|has been) (?:said|written|reported|known|mentioned|stated) <about> (?P<X>.+?),? <within>",
    "(?:tell (?:me|us)|<give>|collect|gather|find) (?:everything|all)(?: that)?"
    "(?: (?:<refers>|you) <say>| have| has| there is(?: to (?:know|say))?)? <about> <X>",
)
_DIFFERENCE = _rules(
    "compare <T> (?:<of>|at|under|with|between) <A><with><B>",
    "compare <A><with><B>(?: (?:by|in terms of|with (?:regard|respect) to|<about>|as regards) <T>)?",
    "(?:what(?:['’]s| is| are)|tell me|explain|show(?: me)?|find)? ?(?:the )?(?:main |key )?differences?"
    "(?: (?:in|of|as to) <T>)? between <A> and <B>(?: (?:in terms of|with (?:regard|respect) to|<about>|as to) <TT>)?",
    "how (?:do|does|did) <A> (?:and|differ from|compare (?:with|to)|compare against) <B>"
    "(?: (?:differ|compare))?(?: (?:in terms of|with (?:regard|respect) to|in|<about>) <T>)?",
)
_SUPERIOR = _rules(
    "(?:which|what)(?: one)?(?: of (?:them|the two|these))? <has> "
    "(?:the |an? )?(?P<adjective><more>) <T>[,:] (?:of )?<A>,? or <B>",
    "(?:which|what)(?: one)?(?: of (?:them|the two|these))? <has> "
    "(?:the |an? )?(?P<adjective><more>) <T> (?:of )?<A>,? or <B>",
    "(?:which|what|who)(?: one)?(?: of (?:them|the two|these))? <verb> "
    "(?:the )?<adjective>(?: <tail>)?[,:]? <A>,? or <B>",
    "(?P<verb>is|are|was|were) <A> or <B> (?:the )?<adjective>(?: <tail>)?",
    "<A> or <B>[,:;]? which(?: one)? (?:has|have|offers?) (?:the |an? )?(?P<adjective><more>) <T>",
    "<A> or <B>[,:;]? which(?: one)? (?P<verb>is|are|was|were|costs?|lasts?|takes?|weighs?) (?:the )?"
    "<adjective>(?: <tail>)?",
)
_OF_KIND = _rules(
    "compare (?:(?:the|both|two|my|our|these|all) )*<plural>(?: with each other)?",
    "(?:what(?:['’]s| is| are) )?(?:the )?(?:main |key )?differences? between "
    "(?:(?:the|both|two|my|our|these) )*<plural>",
    "how do (?:(?:the|both|two|my|our|these) )*<plural> differ",
)
_AMONG = _rules(
    "(?:which|what)(?: one)?(?P<both> of <both>)(?P<kind>) <has> (?:the |an? )?(?P<adjective><more>) <T>",
    "(?:which|what)(?: one)?(?P<both> of <both>)(?P<kind>) <verb> (?:the )?<adjective>(?: <tail>)?",
    "(?:which|what)(?P<both> of <both>)? <kind> <has> (?:the |an? )?(?P<adjective><more>) <T>",
    "(?:which|what)(?P<both> of <both>)? <kind> <verb> (?:the )?<adjective>(?: <tail>)?",
)
"""`kind` is empty where what is compared is not named."""
_BOTH = _rules(
    "(?P<head>(?:<asking> )(?:.+ )?)(?P<every><both>|each(?: of the)?|every|all(?: of)? (?:the|my|our|these|those))"
    " (?P<kind>(?!of\\b|and\\b)\\w+\\b)(?P<rest>(?! and | or ).*)",
)
"""The same is asked of several things at once."""
_COMPARISON = _rules(
    "compare (?:what|how) (?P<who>.+?) (?:<say>|describes?|treats?|covers?|puts?)(?: <about>)? <X>",
    "compare <X>",
)
_ORDER = _rules(
    "(?:summari[sz]e|sum up|tl;?dr)(?::? (?:of )?<X>)?",
    "(?:<give> )?<summary>(?: <of> <X>)?",
)
"""Whatever the object is, a summary is wanted."""
_OF_DOCUMENT = _rules(
    "(?:recap|outline|condense|describe|go (?:over|through)|walk me through|explain) <X>",
    "what(?:['’]s| is| are) <summary>(?: <of> <X>)?",
)
"""A summary is wanted where the object is a document, and something else otherwise."""
_DECISIONS = _rules(
    "(?:what|which decisions|which resolutions) (?:was|were|has been|have been) "
    "(?:decided|agreed(?: on| upon)?|discussed|resolved|approved|concluded|made|taken|voted on)"
    "(?: (?:in|at|during|by|according to) <X>)",
    "what (?:decisions|resolutions) (?:were|have been|are) (?:made|taken|passed|adopted|recorded|in)"
    "(?: (?:in|at|during|by))? <X>",
    "what (?:are|were) the (?:decisions|outcomes?|results?|resolutions|action items|actions) (?:<of>|at) <X>",
)
_ABOUT = _rules(
    "what(?:['’]s| is| are) (?P<X>.+?)(?: all)? about",
    "what (?:(?:topic|subject|theme|issue)s? )?(?:do|does) (?P<X>.+?) (?:cover|discuss|deal with|contain|talk about"
    "|tell (?:us|me)|say|address)",
    "what (?:topics|subjects|themes|issues) are (?:there|covered|discussed) in <X>",
    "what(?:['’]s| is) in <X>",
)
"""What a document is about, or each of all."""
_CONTENTS = _rules(
    "(?:what|which)(?: kinds? of)? <docs> (?:do (?:you|we|I) have(?! to)"
    "|are (?:there|here|available|loaded|indexed|included))(?: .{0,30})?",
    "(?:list|describe|show(?: me)?) (?:(?:all|the|my|our|these|your) )*<docs>",
)

_PLAIN = {
    "cheaper": "expensive",
    "better": "good",
    "worse": "bad",
    "larger": "large",
    "safer": "safe",
    "later": "late",
    "wider": "wide",
    "closer": "close",
    "more": "much",
    "less": "much",
}
"""Comparatives whose plain form is not got by taking an ending off, or is not what is asked."""

_UP = frozenset(
    "higher longer larger bigger greater more most later expensive dearer heavier taller deeper wider warmer hotter"
    " stronger brighter louder thicker farther further highest longest largest biggest".split()
)
_DOWN = frozenset(
    "lower shorter smaller fewer less least cheaper earlier closer nearer lighter colder cooler weaker thinner quieter"
    " narrower lowest shortest smallest fewest".split()
)

_PLACED = re.compile(r" (?:in|on|at|under|by|of|for|with|from|to|inside|within) $", re.IGNORECASE)

_EVERYTHING = _rules(
    "(?:<refers>|everything|it|them|this|these|all|all of (?:it|them|this|these))"
    "(?: (?:here|above|below|there is|together|(?:that )?(?:you|I) (?:have|uploaded|added|gave you)"
    "|in (?:the|this|my|your) (?:index|folder|library|collection)))?"
    "(?:,? (?:and|then) .+)?",
)
_POINTING = _rules("it|them|this|these|all")
_FILE = _rules(
    r"(?:(?:the|this|my|our) )?(?:<doc> )?[\"'“‘`]?(?P<X>[\w(][^\"'”’`?!]*\.(?:pdf|txt|md|markdown|rst|docx?|html?|csv"
    r"|tsv|json|xls[xm]?|ods|pptx?|odp|epub|odt|rtf|eml|tex|log))[\"'”’`]?",
)
_BY_NAME = _rules(
    r"(?:the )?<doc> (?:called|named|titled|entitled) [\"'“‘`]?(?P<X>.+?)[\"'”’`]?",
    r"(?:(?:the|this|that|these|those|my|our|your|both|all) )*(?P<X>(?:[\w'’&.\-]+ ){0,5}<named>)",
)
_PART_ON = _rules("(?P<who>.+?) (?:<about>|covering|focus(?:sing|ing|ed) on) <X>")
_SAYING = _rules(
    "(?:(?:what|everything|all)(?: that)? )?(?P<who>.+?)(?:['’]s?)?"
    " (?:<say>|views?|positions?|opinions?|accounts?|statements?) <about> <X>",
)
_NESTED = _rules("<summary> <of> <X>")
_OPENING = re.compile(
    r"(?:(?:hi|hello|hey|okay|ok|so|now|and|then|well|thanks|great|next|also|please|kindly|just|briefly|quickly"
    r"|(?:can|could|would|will) you|I(?: would|['’]d) like(?: you)?(?: to)?|I (?:want|need)(?: you)?(?: to)?"
    r"|help me(?: to)?|let['’]?s|in (?:short|brief)|in a few (?:words|sentences))(?=[ ,:!]))[ ,:!]*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"[ ,]+(?:please|thanks|thank you|for (?:me|us)|to me|briefly|quickly|in (?:short|brief|detail|full)"
    r"|in (?:simple|plain|your own|a few|one|two|three|four|five|six|ten|\d+) (?:\w+ )?"
    r"(?:words?|sentences?|paragraphs?|bullets?|bullet points?|points?|lines?|terms|english)"
    r"|as (?:a )?(?:list|bullets?|bullet points?))$",
    re.IGNORECASE,
)
_DETERMINER = re.compile(r"^(?:the|this|that|these|those|my|our|your|an?) ", re.IGNORECASE)
_INSIDE = re.compile(rf",? {_spelled('<within>')}$", re.IGNORECASE)
_QUOTES = " ,\"'“”‘’`"


def intent_of(query: str, *, sides: bool = True) -> Intent:
    """Return what a query wants.

    Args:
        sides: whether it may be a comparison of two things; without, it is taken for what it is else.
        query: one that stands alone. "Where do they disagree?" is read as speaking of the sources.
    """
    ordinary = Intent(kind="question")
    if len(query) > MOST_CHARS:
        return ordinary
    found = (one for one in _readings(_bare(query)) if sides or one.kind != "comparison")
    return next(found, ordinary)


def _readings(text: str) -> Iterator[Intent]:
    """Yield what a query may want besides one answer, likeliest first."""
    if match := _match(_DISAGREEMENT, text):
        yield Intent(kind="disagreement", topic=_topic(_thing(match)))
    if match := _match(_SURVEY, text):
        yield Intent(kind="survey", topic=_topic(_thing(match)))
    yield from _side_by_side(text)
    if match := _match(_COMPARISON, text):
        yield _compared(match)
    if match := _match(_ORDER, text):
        yield _about(_thing(match))
    for rules in (_OF_DOCUMENT, _ABOUT):
        match = _match(rules, text)
        if match is None:
            continue
        found = _about(_thing(match))
        names_one = not found.source_hint or _match(_FILE, found.source_hint)
        # "What is this about?" may point at anything.
        if names_one and not found.topic and not _match(_POINTING, _thing(match)):
            all_of_it = rules is _ABOUT and found.kind == "summary" and not found.source_hint
            yield replace(found, kind="contents") if all_of_it else found
    if match := _match(_DECISIONS, text):
        yield Intent(kind="summary", source_hint=_thing(match).strip(_QUOTES), asked=text)
    if _match(_CONTENTS, text):
        yield Intent(kind="contents")


def _bare(query: str) -> str:
    """Return a query without courtesies and closing signs."""
    text, before = " ".join(query.split()), ""
    while text != before:
        before = text
        opening = _OPENING.match(text)
        text = _CLOSING.sub("", text[opening.end() :] if opening else text).strip(" ,?.!…:")
    return text


def _side_by_side(text: str) -> Iterator[Intent]:
    """Yield a comparison of two things, or of the documents of one kind, on one point or on all."""
    if match := _match(_OF_KIND, text):
        yield Intent(kind="comparison", sides=(match["kind"],))
    if (match := _match(_DIFFERENCE, text)) and _are_sides(match["A"], match["B"]):
        sides = _sides(match["A"], match["B"])
        topic = _topic(match["T"] or match.groupdict().get("T2") or "")
        yield Intent(kind="comparison", sides=sides, topic=topic, asked=_asked(topic))
    for rules in (_SUPERIOR, _AMONG):
        if match := _match(rules, text):
            yield _superior(match.groupdict())
    if match := _match(_BOTH, text):
        every: Literal["two", "all"] = (
            "two" if re.match(r"both|either|.* two$", match["every"], re.IGNORECASE) else "all"
        )
        head = of_one(match["head"])
        whole = f"{head}the {_singular(match['kind'])}"
        # Where the thing is a place, each side is asked without it: it is searched alone.
        asked = f"{_PLACED.sub('', head) if _PLACED.search(head) else whole}{match['rest']}?"
        yield Intent(kind="comparison", sides=(match["kind"],), asked=asked, every=every)


def _superior(groups: dict[str, str | None]) -> Intent:
    """Return what is asked of each side where one is more than the other."""
    said = {name: group or "" for name, group in groups.items()}
    topic = _topic(said.get("T", ""))
    asked = _asked(topic) or _how(said["verb"], said["adjective"], said["tail"])
    sides = _sides(said["A"], said["B"]) if "A" in said else (said["kind"],)
    more = said["adjective"].lower()
    every: Literal["", "two"] = "two" if said.get("both") else ""
    return Intent(kind="comparison", sides=sides, topic=topic, asked=asked, more=more, every=every)


def direction(more: str) -> int:
    """Return 1 where more of something is wanted, -1 where less of it is, 0 where that depends on the thing."""
    first, _, last = more.partition(" ")
    if first == "less" and last:
        return -1
    word = last or first
    return (word in _UP) - (word in _DOWN) or int(first == "more" and last in ("costly", "distant"))


def _singular(noun: str) -> str:
    """Return a plural noun as one of its things is called."""
    if re.search(r"(?:ch|sh|x|ss)es$", noun):
        return noun[:-2]
    return f"{noun[:-3]}y" if noun.endswith("ies") else re.sub(r"(?<=[^s])s$", "", noun)


def of_one(head: str) -> str:
    """Return the beginning of a question about several things as it is asked of one."""
    for several, one in (("do", "does"), ("are", "is"), ("have", "has"), ("were", "was")):
        head = re.sub(rf"\b{several} $", f"{one} ", head, flags=re.IGNORECASE)
    return head[:1].upper() + head[1:]


def _are_sides(one: str, other: str) -> bool:
    """Tell whether two phrases are two things to compare, and neither is a pronoun or all there is."""
    return not any(
        _match(_EVERYTHING, side) or re.search(r" and |^(?:what|how|where|when|who) ", side)
        for side in (one, other)
    )


def _sides(one: str, other: str) -> tuple[str, str]:
    """Return two sides in the words that name them; "the rent of A and of B" names B."""
    return _topic(one), _topic(re.sub(r"^(?:(?:that|those) )?(?:of|in|for|at|under) ", "", other))


def _asked(topic: str) -> str:
    """Return what a side is asked on a topic."""
    return f"What is the {topic} of {{}}?" if topic else ""


def _how(verb: str, adjective: str, tail: str) -> str:
    """Return what a side is asked where one is more than the other: "costs more" asks how much it costs."""
    word = adjective.lower().removeprefix("more ").removeprefix("less ")
    tail = f" {tail}" if tail else ""
    verb = verb.lower()
    if word in ("cheaper", "expensive", "dearer") and not tail:
        return "How much does {} cost?"
    if word in ("heavier", "lighter"):
        return f"What is the weight of {{}}{tail}?"
    if word in ("closer", "nearer"):
        return f"How far {verb} {{}}{re.sub('^ (?:to|by) ', ' from ', tail)}?"
    if verb in ("is", "are", "was", "were"):
        return f"How {_PLAIN.get(word) or _positive(word)} {verb} {{}}{tail}?"
    much = (
        "much" if word in ("more", "less", "most", "least") else _PLAIN.get(word) or _positive(word)
    )
    return f"How {much} does {{}} {verb.removesuffix('s')}{tail}?"


def _positive(word: str) -> str:
    """Return an adjective without the ending of its comparative."""
    bare = re.sub(r"(?<=[aeiou])([bdgmnprt])\1er$", r"\1", word)
    return (
        bare
        if bare != word
        else re.sub(r"ier$", "y", word)
        if word.endswith("ier")
        else word.removesuffix("er")
    )


def _compared(match: re.Match[str]) -> Intent:
    """Return a comparison as a survey: of what sources are named, or of two things."""
    who = match.groupdict().get("who")
    if who:
        hint = "" if _match(_EVERYTHING, who) else who
        return Intent(kind="survey", topic=_topic(match["X"]), source_hint=hint)
    found = _about(match["X"])
    return Intent(kind="survey", topic=found.topic, source_hint=found.source_hint)


def _about(thing: str) -> Intent:
    """Return what an overview of a thing is: of everything, of a document by its name, or on a topic."""
    thing = thing.strip(_QUOTES)
    if not thing or _match(_EVERYTHING, thing):
        return Intent(kind="summary")
    if match := _match(_NESTED, thing):
        return _about(match["X"])
    if match := _match(_FILE, thing):
        return Intent(kind="summary", source_hint=match["X"])
    for rules in (_SAYING, _PART_ON):
        match = _match(rules, thing)
        if match and _match(_EVERYTHING, match["who"]):
            return Intent(kind="survey", topic=_topic(match["X"]))
    if match := _match(_BY_NAME, thing):
        return Intent(kind="summary", source_hint=match["X"])
    return Intent(kind="survey", topic=_topic(thing))


def _match(rules: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    """Return how the first of the rules that does fits the whole text."""
    return next((match for rule in rules if (match := rule.fullmatch(text))), None)


def _thing(match: re.Match[str]) -> str:
    """Return what a rule's `<X>` stands for; empty where it has none or it is left out."""
    return match.groupdict().get("X") or ""


def _topic(text: str) -> str:
    """Return a topic without an article before it and without "in the sources" behind it."""
    return _DETERMINER.sub("", _INSIDE.sub("", text.strip(_QUOTES)), count=1)
