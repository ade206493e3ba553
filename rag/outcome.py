"""How an answer is told, the same in every interface: what it comes to, how sure it is, and what stands above a quote.

Says it in words and spans; what they look like is the interfaces' affair. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.language.paths import BETWEEN, outside, spelled
from rag.schema import Answer, Citation, Context, ReasonCode, ScoredPassage

GUESS = "Best guess"
"""Stands before an answer that is likely and not sure."""
IN_PART = "Answered in part"
"""Stands before what a partial answer leaves open."""
CLOSEST = "Closest passages"
"""Stands above passages that are shown beside an answer, or in the place of one."""
MOST_CLOSEST = 3
"""Passages that are shown where nobody has chosen them."""

_NONE: dict[ReasonCode, str] = {
    "no_sources": "No sources yet",
    "nothing_retrieved": "Not in your sources",
    "incomplete": "Not found so far",
    "small_talk": "",
    "no_last_answer": "",
}
_UNFOUND = "No answer found"
_AROUND = 160
"""Characters on either side of the decisive words that are shown at most."""
_START = re.compile(r"\n|(?<=[.!?])\s+(?=\S)")
_MARKERS = re.compile(r"\s*\[\d{1,4}\]")
_DASH = re.compile(r"^[-*•]\s*(?=\S|$)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of an answer's text, and the path of what it quotes."""

    path: str
    """On one line; empty where it need not be said."""
    start: int
    end: int
    """Of `Answer.text`; between pieces there is white space, and the dashes of a list belong to its items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Decisive words, with what stands around them; each on one line."""

    before: str
    words: str
    after: str


def where(citation: Citation) -> str:
    """Say in which place of its source a quote stands, or on which page; empty where neither is known."""
    return " ".join(citation.place.split()) or (f"page {citation.page}" if citation.page else "")


def headline(answer: Answer) -> str:
    """Return in a word or a few what an answer comes to; nothing where it is whole and sure, or nothing was asked."""
    if answer.status == "likely":
        return GUESS
    if answer.status == "partial":
        return IN_PART
    if answer.status == "unanswered":
        return _NONE.get(answer.reason.code, _UNFOUND) if answer.reason else _UNFOUND
    return ""


def sureness(answer: Answer) -> str:
    """Return in words how sure an answer is; nothing where there is none, or where nobody weighed it."""
    if answer.status == "unanswered" or not is_weighed(answer):
        return ""
    if answer.status == "likely":
        return "likely, not sure"
    if is_quoted(answer):
        return "sure" if answer.status == "answered" else ""
    claims = [one for one in answer.statements if one.kind != "connective"]
    held = sum(one.verdict == "supported" for one in claims)
    return f"{held} of {len(claims)} sentences supported" if claims else ""


def is_weighed(answer: Answer) -> bool:
    """Tell whether anybody said how right an answer is: nobody does of a summary, or of what is said once more."""
    again = is_quoted(answer) and answer.status == "answered" and not answer.confidence
    return not is_excerpts(answer) and not again


def is_quoted(answer: Answer) -> bool:
    """Tell whether every sentence is a source's own."""
    return answer.model.startswith("extractive")


def is_excerpts(answer: Answer) -> bool:
    """Tell whether an answer is a summary or survey of the sources' own sentences."""
    return any(step.code == "excerpted" for step in answer.steps)


def says_more(answer: Answer) -> bool:
    """Tell whether the text says more than the short answer, or has something to be said of it."""
    if answer.short is None or any(one.verdict != "supported" for one in answer.statements):
        return True
    text = _MARKERS.sub("", answer.text)
    return _WORD.findall(text.casefold()) != _WORD.findall(answer.short.text.casefold())


def path_of(citation: Citation, others: Sequence[Citation] = (), *, titled: bool = True) -> str:
    """Return what a quote hangs from, on one line, without what the others quote themselves.

    Args:
        citation: of an answer.
        others: the answer's citations.
        titled: begin with the title of the source.
    """
    near = [one for one in others if one.source_id == citation.source_id]
    path = whole = citation.context or _before(citation, near)
    for one in near:
        path = outside(path, one.start, one.end)
    quoted = [" ".join(one.quote.split()) for one in near]
    path = tuple(one for one in path if one.kind != "row" or one.text not in quoted)
    return _written(citation.title if titled and whole else "", citation.title, path)


def path_to(found: ScoredPassage) -> str:
    """Return what the decisive words of a passage hang from, on one line."""
    return _written("", "", found.context or found.passage.path)


def pieces(answer: Answer) -> tuple[Stretch, ...]:
    """Return the text of an answer in stretches of one path each; in one, where a model's words stand under none."""
    whole = Stretch(path="", start=0, end=len(answer.text))
    if not is_quoted(answer) or answer.status == "unanswered":
        return (whole,)
    begun: list[tuple[str, int]] = []
    for statement in sorted(answer.statements, key=lambda one: one.start):
        cited = [one for one in answer.citations if one.marker in statement.markers]
        path = path_of(cited[0], answer.citations) if cited else ""
        if begun and path == begun[-1][0]:
            continue
        start = min(max(statement.start, 0), len(answer.text))
        # The dash of an item belongs to it.
        begun.append((path, len(answer.text[:start].removesuffix("- ")) if begun else 0))
    if not begun:
        return (whole,)
    *others, (path, last) = begun
    ends = [start for _, start in begun[1:]]
    return (
        *(
            Stretch(path=above, start=start, end=start + len(answer.text[start:end].rstrip()))
            for (above, start), end in zip(others, ends, strict=True)
        ),
        Stretch(path=path, start=last, end=len(answer.text)),
    )


def closest(answer: Answer) -> tuple[ScoredPassage, ...]:
    """Return the passages to show beside an answer, or in its place."""
    if answer.closest or answer.status != "unanswered":
        return answer.closest
    return answer.evidence[:MOST_CLOSEST]


def excerpt(found: ScoredPassage) -> Excerpt:
    """Return the sentence or line of a passage that has its decisive words; its beginning where none are known."""
    passage = found.passage
    if found.decisive is None:
        return Excerpt(before="", words="", after=_shortened(passage.text, 2 * _AROUND))
    words = passage.text[found.decisive.start - passage.start : found.decisive.end - passage.start]
    low = found.decisive.start - passage.start + len(words) - len(words.lstrip())
    high = low + len(words.strip())
    before = passage.text[:low]
    begun = max((one.end() for one in _START.finditer(before)), default=0)
    behind = _START.search(passage.text, high)
    after = passage.text[high : behind.start() if behind else len(passage.text)]
    lead = _DASH.sub("", " ".join(before[begun:].split()))
    if len(lead) > _AROUND:
        lead = "… " + lead[-_AROUND:].partition(" ")[2]
    return Excerpt(
        before=lead + " " * (bool(lead) and before[-1:].isspace()),
        words=_DASH.sub("", " ".join(words.split())) if not lead else " ".join(words.split()),
        after=" " * (after[:1].isspace() and bool(after.strip())) + _shortened(after, _AROUND),
    )


def _before(citation: Citation, near: Sequence[Citation]) -> tuple[Context, ...]:
    """Return what a quote hangs from that announces another one: what stands before it in that one's path."""
    for one in near:
        for at, context in enumerate(one.context):
            if (context.start, context.end) == (citation.start, citation.end):
                return one.context[:at]
    return ()


def _written(first: str, title: str, path: Sequence[Context]) -> str:
    """Return a path behind a title, which is not said twice, nor under the name of its file."""
    said = [
        one
        for one in path
        if one.text != title and not (one.kind == "title" and one.start == one.end)
    ]
    return BETWEEN.join(filter(None, (" ".join(first.split()), spelled(said))))


def _shortened(text: str, most: int) -> str:
    """Return a text on one line, cut between words where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0] + " …"
