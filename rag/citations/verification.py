"""Takes a judge's verdict only with words that stand in the passages; code's checks can only lower it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rag.citations.checks import SUPPORTED, WEAK
from rag.citations.distortion import ordered
from rag.citations.evidence import CitablePassage, Draft, quote
from rag.citations.faults import unknown_names, weighty
from rag.citations.judge import Ruling
from rag.citations.lexical import coverage
from rag.citations.polarity import negates, opposed
from rag.citations.writing import Pick
from rag.language.characters import without_unseen
from rag.language.paths import context_of
from rag.language.quantities import distinct, quantities
from rag.language.words import words_of
from rag.schema import Citation, Span, Statement, Unit, Verdict

JUDGED = 0.9
"""Support of a statement that a judge bears out with words and to which no check objects."""
MOST_CHARS = 600
"""Of one stretch of words: who copies whole passages has not looked for what bears a statement out."""

_NEAR = 0.75
"""Share of a claim's words from which it is the quote's own sentence, turned or not."""
_RANK: dict[Verdict, int] = {"unsupported": 0, "weak": 1, "unchecked": 2, "supported": 3}
_MARKERS = re.compile(r"(?:\s*\[\d+\])+(?=\s*\|?\s*$)")
_ANSWER = re.compile(r"^(?:yes|no)[,.:;]\s*", re.IGNORECASE)
_UNTIL = re.compile(r"\bnot\b[^.,;]*\b(?:until|before)\b", re.IGNORECASE)
_MARKER = re.compile(r"\[(\d+)\]")
_OWN_MARKERS = re.compile(r"\s*\[\d{1,4}\]")
_ELIDED = re.compile(r"\s*(?:\[?(?:\.{3}|…)\]?)\s*")
_QUOTES = "\"'“”„‘’«»`*_ "
_FOLDED = str.maketrans(
    dict.fromkeys("“”„«»", '"')
    | dict.fromkeys("‘’‚`´", "'")
    | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("[【［〔〖⟦", "(")
    | dict.fromkeys("]】］〕〗⟧", ")")
)


def claims_of(draft: Draft) -> tuple[str, ...]:
    """Return the statements of a draft without their markers."""
    return tuple(_MARKERS.sub("", draft.text[one.start : one.end]) for one in draft.statements)


def unchecked(draft: Draft) -> Draft:
    """Return the draft without verdicts, for who wants none."""
    statements = tuple(replace(one, verdict="unchecked", why="") for one in draft.statements)
    return replace(draft, statements=statements)


def weighed(
    draft: Draft,
    rulings: Mapping[int, Ruling],
    passages: Sequence[CitablePassage],
    asked: str = "",
) -> Draft:
    """Return the draft with the verdicts of a judge, where they can be taken.

    Args:
        draft: checked by code.
        rulings: by the place of the statement.
        passages: what the judge was shown.
        asked: the question, whose numbers and names a statement may have.

    Returns:
        The same sentences. One that is borne out, or contradicted, cites the sentences that the judge's words stand
        in; of the judge's words themselves nothing is shown.
    """
    sources = [_Folded.of(one) for one in passages]
    statements: list[Statement] = []
    picks: list[Sequence[Pick]] = []
    for place, (one, claim) in enumerate(zip(draft.statements, claims_of(draft), strict=True)):
        judged = rulings.get(place)
        found = [] if judged is None else _found(claim, judged.words, sources)
        statement, holds = (
            (one, False) if judged is None else _weigh(one, claim, judged, found, passages, asked)
        )
        statements.append(statement)
        picks.append(found if holds else ())
    return _recited(replace(draft, statements=tuple(statements)), picks)


def _weigh(
    statement: Statement,
    claim: str,
    judged: Ruling,
    found: Sequence[Pick],
    passages: Sequence[CitablePassage],
    asked: str,
) -> tuple[Statement, bool]:
    """Return the statement with the lower of what judge and checks say, and whether it cites the judge's words."""
    if judged.finding == "supported" and found:
        objection = _objection(claim, found, passages, asked)
        if not objection or statement.kind == "derived":
            support = max(statement.support, JUDGED)
            return replace(statement, verdict="supported", support=support, why=""), True
        return _lowered(statement, "weak", objection), False
    if judged.finding == "partly":
        why = "only a part of it stands in the sources"
        raised = replace(statement, verdict="weak", support=max(statement.support, WEAK))
        return _lowered(raised if found else statement, "weak", why), bool(found)
    if judged.finding == "contradicted" and found:
        return _lowered(statement, "unsupported", "the sources say otherwise"), True
    if judged.finding in ("contradicted", "not said") and not _is_certain(statement):
        disputed: Verdict = "weak" if statement.verdict == "supported" else "unsupported"
        return _lowered(statement, disputed, "no words of the sources bear it out"), False
    return statement, False


def _is_certain(statement: Statement) -> bool:
    """Tell whether code knows better than a judge that finds nothing: words for word, recomputed, searched for."""
    return statement.verdict == "supported" and (
        statement.support == 1.0 or statement.kind in ("derived", "absent")
    )


def _lowered(statement: Statement, most: Verdict, why: str) -> Statement:
    """Return the statement with at most that verdict, and why."""
    if _RANK[statement.verdict] < _RANK[most]:
        return statement if statement.why else replace(statement, why=why)
    below = SUPPORTED if most == "weak" else WEAK
    support = min(statement.support, below - 0.01)
    return replace(statement, verdict=most, support=support, why=why)


def _objection(
    claim: str, found: Sequence[Pick], passages: Sequence[CitablePassage], asked: str
) -> str:
    """Return what speaks against a claim that a judge finds borne out by these words; "" where nothing does."""
    quotes = [_in_context(passage, span) for passage, span in found]
    known = distinct(one for text in (*quotes, asked) for one in quantities(text))
    missing = [
        one.printed
        for one in distinct(quantities(claim))
        if not one.vague and weighty(one) and not any(other.says(one) for other in known)
    ]
    if missing:
        return f"the words that should bear it out do not say {', '.join(missing[:3])}"
    shown = [text for one in passages for text in (one.title, one.text)]
    if unknown := unknown_names(claim, [*shown, *quotes, asked]):
        return f"no document names {', '.join(unknown[:3])}"
    if _turned(_ANSWER.sub("", claim), "\n".join(quotes)):
        return "the words that should bear it out say the opposite"
    return ordered(claim, quotes)


def _turned(claim: str, quoted: str) -> bool:
    """Tell whether a claim has the words of a quote and says the opposite: in words of its own it may well say not."""
    both = negates(claim) and negates(quoted)
    ours = coverage(claim, quoted) >= _NEAR and not both and not _UNTIL.search(claim)
    return ours and opposed(claim, [quoted])


def _in_context(passage: CitablePassage, span: Span) -> str:
    """Return a sentence behind what it hangs from."""
    units = [one for one in passage.sentences if one.start < span.end and span.start < one.end]
    led = [
        part.text
        for unit in units
        if isinstance(unit, Unit)
        for part in context_of(unit, unit.start, unit.end)
    ]
    return "\n".join((*dict.fromkeys(led), passage.words(span)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folded:
    """A passage's characters but white space and what never shows, with where they stand."""

    passage: CitablePassage
    text: str
    places: tuple[int, ...]
    """In the source."""

    @classmethod
    def of(cls, passage: CitablePassage) -> _Folded:
        """Fold a passage."""
        kept = [(char, i) for i, char in enumerate(passage.text) if _shows(char)]
        return cls(
            passage=passage,
            text="".join(char for char, _ in kept).translate(_FOLDED),
            places=tuple(passage.start + i for _, i in kept),
        )

    def spans(self, words: str) -> Iterator[Span]:
        """Yield where the words stand, white space aside, not inside other words."""
        at = self.text.find(words)
        while at >= 0:
            span = Span(start=self.places[at], end=self.places[at + len(words) - 1] + 1)
            if self._is_whole(span):
                yield span
            at = self.text.find(words, at + 1)

    def _is_whole(self, span: Span) -> bool:
        text, start, end = (
            self.passage.text,
            span.start - self.passage.start,
            span.end - self.passage.start,
        )
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        cuts = (before + text[start]).isalnum() and before and text[start].isascii()
        return not cuts and not (after and (text[end - 1] + after).isalnum() and after.isascii())


def _shows(char: str) -> bool:
    return not char.isspace() and bool(without_unseen(char).strip())


def _folded(words: str) -> str:
    return "".join(filter(_shows, words)).translate(_FOLDED)


def _found(claim: str, words: Sequence[str], sources: Sequence[_Folded]) -> list[Pick]:
    """Return the sentences that a judge's words stand in; none where any of the words stands nowhere."""
    parts = [part for one in words for part in _ELIDED.split(one) if part.strip(_QUOTES)]
    found: list[Pick] = []
    for part in parts:
        places = [] if len(part) > MOST_CHARS else list(_places(part, sources))
        if not places:
            return []
        found.append(max(places, key=lambda pick: coverage(claim, _in_context(*pick))))
    said = any(word.content or word.text[0].isdigit() for part in parts for word in words_of(part))
    return _apart(found) if said else []


def _places(words: str, sources: Sequence[_Folded]) -> Iterator[Pick]:
    """Yield the sentences in which the words stand, their own quotes or markers aside where need be."""
    for said in dict.fromkeys(
        (words, words.strip(_QUOTES), _OWN_MARKERS.sub("", words).strip(_QUOTES))
    ):
        folded, any_there = _folded(said), False
        for source in sources:
            for span in source.spans(folded) if folded else ():
                any_there = True
                yield source.passage, _sentence(source.passage, span)
        if any_there:
            return


def _sentence(passage: CitablePassage, span: Span) -> Span:
    """Return the sentences that a stretch of a passage begins and ends in."""
    held = [one for one in passage.sentences if one.start < span.end and span.start < one.end]
    starts, ends = [one.start for one in held], [one.end for one in held]
    return Span(start=min([span.start, *starts]), end=max([span.end, *ends]))


def _apart(picks: Sequence[Pick]) -> list[Pick]:
    """Return the picks, those that overlap in one passage as one."""
    apart: list[Pick] = []
    for passage, span in sorted(picks, key=lambda pick: (pick[0].source_id, pick[1].start)):
        if apart and apart[-1][0] is passage and span.start < apart[-1][1].end:
            last = apart[-1][1]
            span = Span(start=last.start, end=max(last.end, span.end))
            apart.pop()
        apart.append((passage, span))
    return apart


def _recited(draft: Draft, picks: Sequence[Sequence[Pick]]) -> Draft:
    """Return the draft with new citations for the statements that have picks, all numbered anew as they come."""
    text, end = "", 0
    cited: dict[tuple[str, int, int], Citation] = {}
    statements: list[Statement] = []
    for statement, own in zip(draft.statements, picks, strict=True):
        said = draft.text[statement.start : statement.end]
        text += draft.text[end : statement.start]
        start, end = len(text), statement.end
        if own and (_MARKERS.search(said) or not statement.markers):
            numbers = [_marker(quote(passage, span, 1), cited) for passage, span in own]
            marks = " " + "".join(f"[{number}]" for number in sorted({*numbers}))
            text += _MARKERS.sub(marks, said) if statement.markers else said + marks
        else:
            renumbered = {k: _marker(draft.citations[k - 1], cited) for k in statement.markers}
            numbers = [*renumbered.values()]
            text += _MARKER.sub(lambda mark: f"[{renumbered[int(mark[1])]}]", said)  # noqa: B023
        markers = tuple(sorted({*numbers}))
        statements.append(replace(statement, start=start, end=len(text), markers=markers))
    return replace(
        draft,
        text=text + draft.text[end:],
        statements=tuple(statements),
        citations=tuple(cited.values()),
    )


def _marker(citation: Citation, cited: dict[tuple[str, int, int], Citation]) -> int:
    place = (citation.source_id, citation.start, citation.end)
    known = cited.setdefault(place, replace(citation, marker=len(cited) + 1))
    return known.marker
