"""Whether a question wants all of several things, or the one at some place among them. Pure.

By its form alone: "What must I bring?" and "How do I book?" want whatever there is, "Which form do I need?" one thing.
"""

from __future__ import annotations

import re

_MODAL = r"(?:(?:can|could|may|might|must|shall|should|will|would|do|does|did|am|are|were)(?:n['’]t|not)?|can['’]t)"
_SEVERAL = re.compile(
    rf"\W*(?:(?:and|so|then|please|exactly),? )*(?:list|enumerate|name (?:the|all|some)"
    rf"|(?:under|in|on|to) (?:what|which) \w+s {_MODAL}\b"
    rf"|(?:what|which|who)(?: all)? {_MODAL} (?!.*\b(?:cost|mean|weigh|measure|stand for)\W*$)"
    r"|what(?:['’]s| is| was)(?: not| never| also| usually| normally)? (?!(?:be|ha|ma|ca)\w* )\w+(?:ed|en)\b"
    r"|what(?:['’]s| is) (?:in|inside|part of|among) (?!\w+ \d)"
    r"|what (?:goes|belongs|has to|needs to|counts|comes (?:in|with))\b"
    r"|what (?!is\b|was\b)(?:\w+ ){0,2}(?!does\b)\w{3,}(?<![sui])s\b"
    rf"|which (?:\w+ ){{0,2}}\w+(?<![su])s (?:{_MODAL}|have|belong|apply|go|count)\b"
    rf"|how (?:{_MODAL}|to|is|was|has)\b"
    r"|was (?:muss|darf|soll|kann|brauche|gehört|ist (?:nicht )?\w+t\b)|welche \w+(?:n|e|er|s) \w+en\b"
    r"|wie (?:kann|muss|soll|wird|werden|funktioniert|\w+e ich)\b"
    r"|(?:que|qu['’]est-ce que|quels|quelles|comment|qué|cuáles|cómo) )",
    re.IGNORECASE,
)
_NTHS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PART = "(?:step|item|point|rule|stage|instruction|requirement|condition|reason|task|entry)"
_NTH = re.compile(
    rf"\b(?:the )(?P<nth>{'|'.join(_NTHS)}|last|final) {_PART}\b|\b{_PART} (?:no\.? ?|number )?(?P<number>\d\d?)\b",
    re.IGNORECASE,
)
_ONE = re.compile(
    rf"\b(?:{'|'.join(_NTHS)}|last|final|next|only) (?:of|thing|{_PART})\b|\b(?:most|least|example|one of)\b"
    r"|\bfirst(?: of all)?(?=\W*$| (?:if|when|before|after)\b)"
    r"|\bthe (?!(?:t|r|gu|requ|for|w|ch|inter)est\b)\w+est\b",
    re.IGNORECASE,
)
"""Says that one of them is meant."""


def wants_several(question: str) -> bool:
    """Tell whether the form of a question leaves open how many things answer it, and wants them all."""
    return bool(_SEVERAL.match(question)) and not _ONE.search(question) and not position(question)


def position(question: str) -> int:
    """Return at which place in a list what is asked for stands, from 1; -1 for the last; 0 where none is named."""
    found = _NTH.search(question)
    if found is None:
        return 0
    if found["number"]:
        return int(found["number"])
    nth = found["nth"].lower()
    return _NTHS.index(nth) + 1 if nth in _NTHS else -1
