"""Holds a model's text to the evidence: every sentence cites the words that support it, or says that none do.

It knows texts, passages and a support score; not who wrote the text, nor what is done with a bad
one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.citations.checks import Support, verdict
from rag.citations.evidence import CitablePassage, Draft
from rag.citations.joining import may_fill
from rag.citations.lexical import lexical_support
from rag.citations.markers import Line, read_markers
from rag.citations.polarity import polarity
from rag.citations.writing import Pick, Writer
from rag.language.quantities import quantities
from rag.language.sentences import split_claims
from rag.language.words import stemmed, word_set, words_of
from rag.schema import Span, Step, Verdict

RELATED = 0.05
"""Support by words alone from which a sentence that does not support a claim is still shown beside it: below, it is
about something else."""
BETTER = 0.2
"""Support that other words must have more of before a weak citation is moved to them."""

_MOST_TRIED = 5
"""Sentences that are read closely for one claim, those with most of its words first."""
_MOST_QUOTES = 3
"""Sentences that support one claim together."""
_RANK: dict[Verdict, int] = {"unsupported": 0, "weak": 1, "supported": 2}
_TALK = frozenset(
    stemmed(word)
    for word in word_set("""sure certainly course question good great here answer source passage
    text document article context provide information following follow summary summarize overview
    conclusion short brief base accord state mention find found below above key point note hope
    help let know ask feel free happy thank details response""")
)
"""What models say about answering; a sentence of nothing else claims nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One sentence of a model's text, and the passages that its markers name."""

    text: str
    cited: tuple[int, ...]
    """0-based, in order, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What supports a claim best."""

    sentences: tuple[int, ...]
    verdict: Verdict
    support: float

    @property
    def rank(self) -> tuple[int, float]:
        """Orders findings; higher is better."""
        return _RANK[self.verdict], self.support


_NOTHING = _Finding(sentences=(), verdict="unsupported", support=0.0)


def ground(
    text: str,
    passages: Sequence[CitablePassage],
    support: Support,
    *,
    keep_uncited: bool = True,
) -> Draft:
    """Check a model's text against its evidence and write it anew with markers that hold.

    A marker that names no evidence goes. A sentence keeps the passages it cites where they support
    it, narrowed to the sentences that do; else it is given the sentence among all the evidence
    that does; else it is left with what it cites, and flagged. What only speaks about answering
    ("Here is the answer:") goes.

    Args:
        text: whatever the model wrote; marker k names `passages[k - 1]`.
        passages: what the model was shown, in that order.
        support: scores source sentences, see `rag.citations.Support`.
        keep_uncited: whether a sentence that no words of the evidence bear on stays, flagged.

    Returns:
        Plain text in which every sentence is a statement. Steps say what was dropped, moved, added
        and left out.
    """
    known = "\n".join(passage.text for passage in passages)
    marked = read_markers(text, len(passages), known=known)
    evidence = _Evidence(passages, support)
    writer = Writer()
    steps = [Step(code="marker_dropped", detail=detail) for detail in marked.dropped]
    number, gap = 0, ""
    for line, claims in _with_claims(marked.lines):
        stated: list[tuple[_Claim, _Finding]] = []
        for claim in claims:
            number += 1
            finding, found_steps = evidence.cite(claim, number)
            steps.extend(found_steps)
            if finding.sentences or keep_uncited:
                stated.append((claim, finding))
            else:
                steps.append(_left_out_step(number))
        if not stated:
            gap = "\n\n" if gap else gap
            continue
        writer.say(gap + line.bullet)
        for claim, finding in stated:
            writer.state(
                claim.text, evidence.picks(finding.sentences), finding.verdict, finding.support
            )
        gap = "\n"
    return writer.draft(steps)


def _with_claims(lines: Sequence[Line]) -> Iterator[tuple[Line, list[_Claim]]]:
    """Yield each line with its claims; markers on a line of their own go to the sentence before."""
    read = [(line, *_sentences_of(line)) for line in lines]
    last: tuple[int, int] | None = None
    cited: dict[tuple[int, int], list[int]] = {}
    for i, (line, spans, owners) in enumerate(read):
        for (_, number), owner in zip(line.markers, owners, strict=True):
            place = (i, owner) if spans else last
            if place is not None:
                cited.setdefault(place, []).append(number - 1)
        last = (i, len(spans) - 1) if spans else last
    for i, (line, spans, _) in enumerate(read):
        yield (
            line,
            [
                _Claim(
                    text=line.text[span.start : span.end],
                    cited=tuple(dict.fromkeys(cited.get((i, k), ()))),
                )
                for k, span in enumerate(spans)
                if not _only_talks(line.text[span.start : span.end])
            ],
        )


def _sentences_of(line: Line) -> tuple[tuple[Span, ...], list[int]]:
    """Return the line's sentences, and for each of its markers the sentence that it belongs to.

    A marker belongs to the sentence it stands in or behind. Where markers stand before their
    sentences, as the first of the line then does and the last does not end it, to the sentence it
    stands before.
    """
    spans = split_claims(line.text)
    ends = [span.end for span in spans]
    leads = (
        bool(spans and line.markers)
        and line.markers[0][0] == 0
        and line.markers[-1][0] < ends[-1] - 1
    )
    owners = []
    for at, _ in line.markers:
        owner = sum(end < at for end in ends)
        if leads and owner < len(spans) - 1 and at >= ends[owner]:
            owner += 1
        owners.append(min(owner, max(len(spans) - 1, 0)))
    return spans, owners


def _only_talks(sentence: str) -> bool:
    """Tell whether a sentence speaks about answering only, or says nothing at all."""
    words = list(words_of(sentence))
    if not words:
        return True
    if quantities(sentence) or polarity(sentence).negated:
        return False
    told = [word.stem for word in words if word.content]
    return bool(told) and set(told) <= _TALK


class _Evidence:
    """The sentences of all passages, each once, and how they support claims."""

    def __init__(self, passages: Sequence[CitablePassage], support: Support) -> None:
        self._support = support
        self._where: list[Pick] = []
        self._texts: list[str] = []
        self._of_passage: list[tuple[int, ...]] = []
        places: dict[tuple[str, int, int], int] = {}
        for passage in passages:
            members = []
            for span in _spans_of(passage):
                place = (passage.source_id, span.start, span.end)
                if place not in places:
                    places[place] = len(self._where)
                    self._where.append((passage, span))
                    self._texts.append(" ".join(passage.words(span).split()))
                members.append(places[place])
            self._of_passage.append(tuple(members))

    def cite(self, claim: _Claim, number: int) -> tuple[_Finding, list[Step]]:
        """Return what a claim, the sentence of that number, is to cite, and what was done to get there."""
        # By words alone: a support model would take its time over every sentence.
        scores = lexical_support(claim.text, self._texts)
        theirs, idle = self._cited(claim, scores)
        finding, steps = theirs, []
        if theirs.verdict != "supported":
            best = self._best(claim.text, scores, range(len(self._texts)))
            if _improves(best, theirs):
                finding, idle = best, []
                steps.append(_found_step(number, moved=bool(claim.cited)))
            elif theirs.verdict == "unsupported":
                kept = tuple(i for i in theirs.sentences if scores[i] >= RELATED)
                idle = idle if kept else list(claim.cited)
                finding = _Finding(sentences=kept, verdict=theirs.verdict, support=theirs.support)
        steps.extend(_idle_step(number, passage + 1) for passage in idle)
        return finding, steps

    def picks(self, sentences: Iterable[int]) -> list[Pick]:
        """Return the sentences as spans to cite, neighbours in one passage as one."""
        picks: list[Pick] = []
        for passage, span in (self._where[i] for i in sorted(sentences)):
            if picks:
                before, last = picks[-1]
                between = passage.words(Span(start=last.end, end=span.start))
                if before is passage and last.end <= span.start and not between.strip():
                    picks[-1] = (passage, Span(start=last.start, end=span.end))
                    continue
            picks.append((passage, span))
        return picks

    def _cited(self, claim: _Claim, scores: Sequence[float]) -> tuple[_Finding, list[int]]:
        """Return the best of what the claim cites, and the passages it cites that do not bear on it."""
        each = {k: self._best(claim.text, scores, self._of_passage[k]) for k in claim.cited}
        if not each:
            return _NOTHING, []
        best = max(each.values(), key=lambda finding: finding.rank)
        together = best
        if best.verdict != "supported" and len(each) > 1:
            among = sorted({i for k in each for i in self._of_passage[k]})
            together = self._best(claim.text, scores, among)
        if _RANK[together.verdict] > _RANK[best.verdict]:
            used = set(together.sentences)
            return together, [k for k in each if not used & set(self._of_passage[k])]
        alike = {k: one for k, one in each.items() if one.verdict == best.verdict}
        sentences = dict.fromkeys(i for one in alike.values() for i in one.sentences)
        finding = _Finding(sentences=tuple(sentences), verdict=best.verdict, support=best.support)
        return finding, [] if best.verdict == "unsupported" else [k for k in each if k not in alike]

    def _best(self, claim: str, scores: Sequence[float], among: Iterable[int]) -> _Finding:
        """Return the sentence among these, or the few together, that support the claim best."""
        tried = sorted(among, key=lambda i: (-scores[i], i))[:_MOST_TRIED]
        if not tried:
            return _NOTHING
        best = max((self._judge(claim, (i,)) for i in tried), key=lambda finding: finding.rank)
        while best.verdict != "supported" and len(best.sentences) < _MOST_QUOTES:
            more = [
                self._judge(claim, (*best.sentences, i))
                for i in tried
                if i not in best.sentences and self._fills(claim, best.sentences, i)
            ]
            wider = max(more, key=lambda finding: finding.rank, default=best)
            if wider.rank <= best.rank:
                break
            best = wider
        return best

    def _fills(self, claim: str, sentences: Sequence[int], other: int) -> bool:
        quotes = [self._texts[i] for i in sentences]
        return may_fill(claim, quotes, self._texts[other], self._support)

    def _judge(self, claim: str, sentences: tuple[int, ...]) -> _Finding:
        found, support = verdict(claim, [self._texts[i] for i in sentences], self._support)
        return _Finding(sentences=sentences, verdict=found, support=support)


def _spans_of(passage: CitablePassage) -> Sequence[Span]:
    """Return the passage's sentences that say something, or all of it where it has none."""
    spans = [span for span in passage.sentences if passage.words(span).strip()]
    if not spans and passage.text.strip():
        return [Span(start=passage.start, end=passage.end)]
    return spans


def _improves(best: _Finding, theirs: _Finding) -> bool:
    """Tell whether other words support a claim so much better that they are cited instead."""
    if best.verdict == theirs.verdict:
        return best.verdict == "weak" and best.support >= theirs.support + BETTER
    return _RANK[best.verdict] > _RANK[theirs.verdict]


def _found_step(number: int, *, moved: bool) -> Step:
    if moved:
        detail = f"Sentence {number}: its marker was moved to words that support it better."
        return Step(code="repointed", detail=detail)
    detail = f"Sentence {number} had no marker and was given one."
    return Step(code="cited", detail=detail)


def _left_out_step(number: int) -> Step:
    detail = f"Sentence {number} was left out: nothing in the sources bears on it."
    return Step(code="left_out", detail=detail)


def _idle_step(number: int, marker: int) -> Step:
    detail = f"Sentence {number}: its marker {marker} has nothing to do with it and was dropped."
    return Step(code="marker_dropped", detail=detail)
