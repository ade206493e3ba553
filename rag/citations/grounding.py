"""Holds a model's text to the evidence: every sentence cites the words that support it, or says that none do.

It knows texts, passages and a support score; not who wrote the text, nor what is done with a bad
one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rag.citations.checks import (
    NOTHING_FOUND,
    SUPPORTED,
    WEAK,
    Judgement,
    Support,
    contains,
    judge_claim,
)
from rag.citations.computing import Text, derived
from rag.citations.evidence import CitablePassage, Draft
from rag.citations.faults import HardFault, Known, hard_fault, unknown_names
from rag.citations.joining import may_fill
from rag.citations.kinds import Silence, connects, silence, talks
from rag.citations.lexical import coverage, lexical_support
from rag.citations.markers import Line, read_markers
from rag.citations.polarity import opposed, polarity
from rag.citations.writing import Pick, Writer
from rag.language.paths import HEADS, context_of, spelled
from rag.language.quantities import distinct, missing_numbers, quantities
from rag.language.sentences import split_claims
from rag.language.words import words_of
from rag.schema import Span, StatementKind, Step, Unit, Verdict

RELATED = 0.05
"""Support by words alone from which a sentence that does not support a claim is still shown beside it: below, it is
about something else."""
BETTER = 0.2
"""Support that other words must have more of before a weak citation is moved to them."""

_MOST_TRIED = 5
"""Sentences that are read closely for one claim, those with most of its words first."""
_MOST_QUOTES = 3
"""Sentences that support one claim together."""
_MOST_RECKONED = 8
"""Sentences whose numbers one claim may be computed from."""
_LEAST_TOLD = 0.4
"""Share of the words of a computed or tabled claim that stand in what it is held to."""
_LED = 0.9
"""Of the support that a sentence has with what it hangs from, as against its own words."""
_LEAST_CLAUSE = 3
"""Content words of a part of a claim that can be judged by itself."""
_SAID = 0.75
"""Share of what is said to be missing that a sentence has which may say it."""
_MOST_HEADING = 6
"""Words of a line without a full stop that heads what follows."""
_RANK: dict[Verdict, int] = {"unsupported": 0, "unchecked": 0, "weak": 1, "supported": 2}
_CLAUSES = re.compile(
    r";\s+|,\s+(?:and|but|so|while|whereas|which|because|since|although|though|as|or)\s+"
    r"|\s+(?:and|but|because|while|whereas|so that)\s+|:\s+"
)
_RULE = re.compile(r"[|:\-\s]*-{2,}[|:\-\s]*")
"""The line under the head of a table."""
FOREIGN = "in another language than the documents: only its numbers and names were checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """One sentence of a model's text, and the passages that its markers name."""

    text: str
    cited: tuple[int, ...]
    """0-based, in order, each once."""
    connects: bool = False
    """Whether it claims nothing."""
    heads: bool = False
    """Whether it is a heading, or the head of a table."""
    columns: tuple[str, ...] = ()
    """Of a row of a table: the names of its columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What supports a claim best."""

    sentences: tuple[int, ...]
    verdict: Verdict
    support: float
    why: str = NOTHING_FOUND
    kind: StatementKind = "stated"
    picks: tuple[Pick, ...] = ()
    """The sentences as spans to cite."""
    computed: tuple[str, ...] = ()
    """Numbers that were computed anew."""
    fault: HardFault | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Orders findings; higher is better."""
        return _RANK[self.verdict], self.support


_NOTHING = _Finding(sentences=(), verdict="unsupported", support=0.0)
_LEAD_IN = _Finding(sentences=(), verdict="unchecked", support=0.0, why="", kind="connective")


def ground(
    text: str,
    passages: Sequence[CitablePassage],
    support: Support,
    *,
    question: str = "",
    said: Sequence[str] = (),
    instructions: str = "",
    leave_out: bool = False,
) -> Draft:
    """Check a model's text against its evidence and write it anew with markers that hold.

    A marker that names no evidence goes. A sentence keeps the passages it cites where they support
    it, narrowed to the sentences that do; else it is given the sentence among all the evidence
    that does; else it is left with what it cites, and flagged with a phrase why. Lead-ins, headings and
    what only speaks about answering stay as they are, without a citation.

    Args:
        text: whatever the model wrote; marker k names `passages[k - 1]`.
        passages: what the model was shown, in that order.
        support: scores source sentences, see `rag.citations.Support`.
        question: what was asked, where it is known.
        said: earlier turns, whose names and numbers a sentence may take up.
        instructions: what the model was told besides; a sentence that tells them has a hard fault.
        leave_out: whether a sentence goes that has a hard fault and on which no words of the evidence bear.

    Returns:
        Plain text in which every sentence is a statement. Steps say what was dropped, moved, added, computed
        and left out.
    """
    known = "\n".join(passage.text for passage in passages)
    marked = read_markers(text, len(passages), known=known)
    evidence = _Evidence(passages, support, question, said=said, told=instructions)
    steps = [Step(code="marker_dropped", detail=detail) for detail in marked.dropped]
    read: list[tuple[Line, list[tuple[_Claim, _Finding, list[Step]]]]] = []
    number = 0
    for line, claims in _with_claims(marked.lines):
        found = [
            (claim, *evidence.cite(claim, number + k)) for k, claim in enumerate(claims, start=1)
        ]
        number += len(claims)
        read.append((line, found))
    faults = [(claim.text, one.fault) for _, found in read for claim, one, _ in found if one.fault]
    obeys = any(fault.kind == "order" for _, fault in faults)
    lines: list[_Judged] = []
    number = 0
    for line, found in read:
        stated: list[tuple[_Claim, _Finding, int]] = []
        for claim, finding, found_steps in found:
            number += 1
            if leave_out and _goes(finding, obeys=obeys):
                steps.append(_left_out_step(number, finding))
                continue
            steps.extend(found_steps)
            stated.append((claim, finding, number))
        lines.append((line, stated, len(found)))
    writer = _written(lines, steps)
    return replace(writer.draft(steps), faults=tuple(faults))


_Judged = tuple[Line, list[tuple[_Claim, _Finding, int]], int]
"""A line, what stays of it with the numbers of its sentences, and how many sentences it had."""


def _goes(finding: _Finding, *, obeys: bool) -> bool:
    """Tell whether a sentence is left out: one with a hard fault that no words of the evidence bear on.

    Without a fault, too, where the text obeys an order somewhere: what rests on nothing there is the order's.
    """
    fault = finding.fault
    if fault is None:
        idle = finding.kind == "stated" and finding.verdict == "unsupported"
        return obeys and idle and not finding.sentences
    return fault.kind in {"link", "order"} or not finding.sentences


def _written(lines: Sequence[_Judged], steps: list[Step]) -> Writer:
    """Write what stays, line by line, and note what was computed."""
    writer, gap = Writer(), ""
    for at, (line, stated, _) in enumerate(lines):
        if not stated and not (_is_rule(line) and gap):
            gap = "\n\n" if gap else gap
            continue
        if stated and _leads_nowhere(lines, at):
            continue
        writer.say(gap + line.bullet + ("" if stated else line.text))
        for claim, finding, number in stated:
            markers = writer.state(
                claim.text,
                finding.picks,
                finding.verdict,
                finding.support,
                kind=finding.kind,
                why=finding.why,
            )
            if finding.computed:
                steps.append(_computed_step(number, finding.computed, markers))
        gap = "\n"
    return writer


def _leads_nowhere(lines: Sequence[_Judged], at: int) -> bool:
    """Tell whether a line only leads to what was left out."""
    following = next((one for one in lines[at + 1 :] if one[2]), None)
    connects_only = all(finding.kind == "connective" for _, finding, _ in lines[at][1])
    return connects_only and following is not None and not following[1]


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
    columns: tuple[str, ...] = ()
    for i, (line, spans, _) in enumerate(read):
        heads = i + 1 < len(lines) and _is_row(line) and _is_rule(lines[i + 1])
        columns = _cells(line.text) if heads else columns if _is_row(line) else ()
        claims = []
        for k, span in enumerate(spans):
            sentence = line.text[span.start : span.end]
            if not words_of(sentence):
                continue
            own = tuple(dict.fromkeys(cited.get((i, k), ())))
            idle = heads or (not own and _connects(sentence, lines, i, last=k == len(spans) - 1))
            headed = heads or (idle and line.bullet.startswith("#"))
            claims.append(
                _Claim(text=sentence, cited=own, connects=idle, heads=headed, columns=columns)
            )
        yield line, [] if _is_rule(line) else claims


def _connects(sentence: str, lines: Sequence[Line], at: int, *, last: bool) -> bool:
    """Tell whether a sentence without a marker claims nothing: a heading, a lead-in, talk about answering."""
    if connects(sentence):
        return True
    line = lines[at]
    heads = line.bullet.startswith("#")
    short = len(sentence.split()) <= _MOST_HEADING and not re.search(r"[.!?。！？]$", sentence)
    short = short and not quantities(sentence) and not polarity(sentence).negated
    follows = any(one.text for one in lines[at + 1 :])
    return last and (heads or (short and not line.bullet and follows and sentence == line.text))


def _is_row(line: Line) -> bool:
    return line.text.startswith("|") and line.text.endswith("|") and not _is_rule(line)


def _is_rule(line: Line) -> bool:
    return "|" in line.text and bool(_RULE.fullmatch(line.text))


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("| ").split("|"))


def _sentences_of(line: Line) -> tuple[tuple[Span, ...], list[int]]:
    """Return the line's sentences, and for each of its markers the sentence that it belongs to.

    A marker belongs to the sentence it stands in or behind. Where markers stand before their
    sentences, as the first of the line then does and the last does not end it, to the sentence it
    stands before.
    """
    row = _is_row(line)
    spans = (Span(start=0, end=len(line.text)),) if row else split_claims(line.text)
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


class _Evidence:
    """The sentences of all passages, each once, and how they support claims."""

    def __init__(
        self,
        passages: Sequence[CitablePassage],
        support: Support,
        question: str,
        *,
        said: Sequence[str],
        told: str,
    ) -> None:
        self._support = support
        self._question = question
        self._where: list[Pick] = []
        self._texts: list[str] = []
        self._leads: list[str] = []
        self._of_passage: list[tuple[int, ...]] = []
        self._before: list[Text] = []
        places: dict[tuple[str, int, int], int] = {}
        for passage in passages:
            members = []
            for span in _spans_of(passage):
                place = (passage.source_id, span.start, span.end)
                if place not in places:
                    places[place] = len(self._where)
                    self._where.append((passage, span))
                    self._texts.append(" ".join(passage.words(span).split()))
                    self._leads.append(_lead(passage, span))
                members.append(places[place])
            self._of_passage.append(tuple(members))
        names = {passage.title for passage in passages}
        self._known = Known(
            (*self._texts, *names, *dict.fromkeys(self._leads)), (question, *said), told
        )
        self._titles = {word.folded for name in names for word in words_of(name) if word.content}

    def cite(self, claim: _Claim, number: int) -> tuple[_Finding, list[Step]]:
        """Return what a claim, the sentence of that number, is to cite, and what was done to get there."""
        missing = silence(claim.text, self._titles)
        foreign = self._known.is_foreign(claim.text)
        steps: list[Step] = []
        if claim.heads or (claim.connects and not self._quotes(claim.text)):
            finding = _LEAD_IN
        elif missing is not None:
            finding = self._absent(claim, missing)
        elif foreign:
            finding = self._foreign(claim)
        else:
            finding, steps = self._stated(claim, number)
        fault = hard_fault(
            claim.text,
            self._known,
            computed=finding.computed,
            borne=bool(finding.sentences) or finding.verdict == "supported",
            foreign=foreign,
            talk=talks(claim.text),
        )
        if fault is not None:
            verdict: Verdict = "unsupported" if fault.kind != "name" else "weak"
            worse = min(verdict, finding.verdict, key=lambda one: _RANK[one])
            low = min(finding.support, WEAK / 2)
            finding = replace(finding, verdict=worse, support=low, why=fault.why, fault=fault)
        picks = tuple(self._picks(finding.sentences))
        return replace(finding, picks=picks), steps

    def _quotes(self, sentence: str) -> bool:
        """Tell whether a lead-in says something that stands in the evidence as it is: then it is cited."""
        if sentence.rstrip().endswith(":") and _told(sentence) < _LEAST_CLAUSE:
            return False
        return any(contains(text, sentence.rstrip(" :")) for text in self._texts)

    def _stated(self, claim: _Claim, number: int) -> tuple[_Finding, list[Step]]:
        """Return what supports a claim best: what it cites, else other words, else both together or a computation."""
        # By words alone: a support model would take its time over every sentence.
        scores = self._scores(claim.text)
        theirs, idle = self._cited(claim, scores)
        finding, steps = theirs, []
        if theirs.verdict != "supported":
            best = self._best(claim.text, scores, range(len(self._texts)))
            wider = self._wider(claim, scores)
            if wider is not None and wider.rank >= best.rank:
                finding, idle = wider, []
            elif _improves(best, theirs):
                finding, idle = best, []
                steps.append(_found_step(number, moved=bool(claim.cited)))
            elif theirs.verdict == "unsupported":
                kept = tuple(i for i in theirs.sentences if scores[i] >= RELATED)
                idle = idle if kept else list(claim.cited)
                finding = replace(theirs, sentences=kept)
        if finding.kind == "derived" or finding.verdict == "supported":
            self._before.append(Text(text=claim.text, place=-1))
        steps.extend(_idle_step(number, passage + 1) for passage in idle)
        return finding, steps

    def _scores(self, claim: str) -> list[float]:
        """Return the support of each sentence by words alone, with a part of what it hangs from."""
        led = [f"{lead} {text}" for lead, text in zip(self._leads, self._texts, strict=True)]
        both = zip(lexical_support(claim, self._texts), lexical_support(claim, led), strict=True)
        return [max(alone, _LED * with_lead) for alone, with_lead in both]

    def _wider(self, claim: _Claim, scores: Sequence[float]) -> _Finding | None:
        """Return what supports a claim as a row of a table, part by part, or by a computation."""
        among = sorted({i for k in claim.cited for i in self._of_passage[k]})
        among = among or list(range(len(self._texts)))
        if claim.text.startswith("|"):
            return self._row(claim)
        return (
            self._derived(claim, scores, among)
            or self._by_clauses(claim, among)
            or self._together(claim, scores)
        )

    def _together(self, claim: _Claim, scores: Sequence[float]) -> _Finding | None:
        """Return what the nearest sentences of all cited passages say together, where they are about one thing."""
        if len(claim.cited) < 2:
            return None
        best = [
            max(self._of_passage[k], key=scores.__getitem__)
            for k in claim.cited
            if self._of_passage[k]
        ]
        sentences = tuple(dict.fromkeys(best))
        texts = [self._texts[i] for i in sentences]
        if any(
            not _share_a_thing(text, [*texts[:at], *texts[at + 1 :]])
            for at, text in enumerate(texts)
        ):
            return None
        return self._judge(claim.text, sentences)

    def _row(self, claim: _Claim) -> _Finding | None:
        """Return the rows that say the cells of a row, each under a like name; None where one is not said."""
        label, *cells = _cells(claim.text)
        used: list[int] = []
        for at, cell in enumerate(cells, start=1):
            if not re.search(r"\w", cell):
                continue
            column = claim.columns[at] if at < len(claim.columns) else ""
            found = [i for i in range(len(self._texts)) if self._says_cell(i, label, cell, column)]
            if not found:
                return None
            used.append(found[0])
        if not used:
            return None
        sentences = tuple(dict.fromkeys(used))
        return _Finding(sentences=sentences, verdict="supported", support=1.0, why="")

    def _says_cell(self, i: int, label: str, cell: str, column: str) -> bool:
        """Tell whether a sentence says a cell of the thing that the row is about, under a like name."""
        text, lead = self._texts[i], self._leads[i]
        if not contains(text, cell) or coverage(label, f"{lead} {text}") < 1:
            return False
        passage, span = self._where[i]
        named = [
            one.name
            for one in (span.cells if isinstance(span, Unit) else ())
            if contains(passage.words(one), cell)
        ]
        return not column or any(
            coverage(column, f"{lead if not named else ''} {name}") >= SUPPORTED
            for name in (named or [text])
        )

    def _derived(
        self, claim: _Claim, scores: Sequence[float], among: Sequence[int]
    ) -> _Finding | None:
        """Return what a claim was computed from; None where some number of it follows from nothing."""
        near = sorted(among, key=lambda i: (-scores[i], i))[:_MOST_RECKONED]
        far = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:_MOST_RECKONED]
        chosen = list(dict.fromkeys([*near, *(i for i in far if scores[i] >= RELATED)]))
        texts = [self._texts[i] for i in chosen]
        context = [*dict.fromkeys(self._leads[i] for i in chosen), self._question]
        lacking = set(missing_numbers(claim.text, [*texts, *context]))
        wanted = [one for one in distinct(quantities(claim.text)) if one.printed in lacking]
        if not wanted:
            return None
        own = frozenset(one.printed for one in quantities(claim.text)) - lacking
        found = derived(
            claim.text,
            wanted,
            (
                *(Text(text=text, place=i) for i, text in zip(chosen, texts, strict=True)),
                *self._before,
                Text(text=self._question, place=-1),
                Text(text=claim.text, place=-1, only=own),
            ),
        )
        if len(found) < len({one.printed for one in wanted}):
            return None
        return self._reckoned(claim, tuple(found), frozenset().union(*found.values()), chosen)

    def _reckoned(
        self, claim: _Claim, printed: tuple[str, ...], used: frozenset[int], chosen: Sequence[int]
    ) -> _Finding | None:
        """Return a computed claim as supported where its other words stand, too, and nothing says the opposite."""
        rest = [one.printed for one in quantities(claim.text) if one.printed not in printed]
        holding = {i for i in chosen if any(contains(self._texts[i], one) for one in rest)}
        named = self._naming(claim.text, chosen)
        sentences = tuple(
            sorted(used | named | set(sorted(holding)[:_MOST_QUOTES]) or set(chosen[:1]))
        )
        quotes = [self._texts[i] for i in sentences]
        held = [*quotes, *(self._leads[i] for i in sentences), self._question]
        names = unknown_names(claim.text, [*held, *(one.text for one in self._before)])
        told = coverage(
            _without(claim.text, printed), " ".join([*held, *(t.text for t in self._before)])
        )
        if names or told < _LEAST_TOLD:
            return None
        sure = not opposed(claim.text, quotes) or not self._question
        return _Finding(
            sentences=sentences,
            verdict="supported" if sure else "weak",
            support=SUPPORTED + told * (1 - SUPPORTED) if sure else SUPPORTED - 0.01,
            kind="derived",
            computed=printed,
        )

    def _naming(self, claim: str, chosen: Sequence[int]) -> set[int]:
        """Return the sentences that together have the names of a claim, as few as may be."""
        found: set[int] = set()
        while len(found) < _MOST_QUOTES:
            lacking = unknown_names(claim, [*(self._texts[i] for i in found), self._question])
            gains = {i: sum(contains(self._texts[i], name) for name in lacking) for i in chosen}
            best = max(gains, key=gains.__getitem__, default=-1)
            if best < 0 or not gains[best]:
                return found
            found.add(best)
        return found

    def _by_clauses(self, claim: _Claim, among: Sequence[int]) -> _Finding | None:
        """Return what supports each part of a claim by itself; None where some part is not supported."""
        clauses = _clauses(claim.text)
        if len(clauses) < 2:
            return None
        found = []
        for clause in clauses:
            scores = self._scores(clause)
            found.append(self._best(clause, scores, among))
            if found[-1].verdict != "supported":
                return None
        sentences = tuple(sorted(set(chain.from_iterable(one.sentences for one in found))))
        least = min(one.support for one in found)
        finding = self._judge(claim.text, sentences, lambda _, texts: [least] * len(texts))
        return finding if finding.verdict == "supported" else None

    def _absent(self, claim: _Claim, missing: Silence) -> _Finding:
        """Return whether what is said to be missing is missing from what was read, and what else the claim says."""
        said = _NOTHING
        if missing.said:
            said, _ = self._stated(replace(claim, text=missing.said), 0)
            if said.verdict != "supported":
                return replace(said, kind="absent")
        told = [word for word in words_of(missing.missing) if word.content]
        shares = [coverage(missing.missing, text) for text in self._texts]
        best = max(range(len(shares)), key=shares.__getitem__, default=-1)
        if len(told) > 1 and shares and shares[best] >= _SAID:
            why = "the words it cites may say what it calls missing"
            return _Finding(sentences=(best,), verdict="weak", support=WEAK, why=why, kind="absent")
        support = max(SUPPORTED, min(said.support, 1.0)) if missing.said else SUPPORTED
        why = "nothing that was read says otherwise"
        return replace(said, verdict="supported", support=support, why=why, kind="absent")

    def _foreign(self, claim: _Claim) -> _Finding:
        """Return a claim in another language with what it cites, its numbers and names checked and nothing else."""
        among = sorted({i for k in claim.cited for i in self._of_passage[k]})
        if not among:
            return replace(_NOTHING, verdict="unchecked", support=0.5, why=FOREIGN)
        numbers = quantities(claim.text)
        shares = {
            i: coverage(claim.text, self._texts[i])
            + sum(any(one.says(wanted) for one in quantities(self._texts[i])) for wanted in numbers)
            for i in among
        }
        best = max(shares.values())
        sentences = tuple(i for i in among if shares[i] == best)
        lacking = missing_numbers(claim.text, [self._texts[i] for i in among])
        if lacking:
            why = f"what it cites does not say {', '.join(lacking[:3])}"
            return _Finding(sentences=sentences, verdict="weak", support=WEAK, why=why)
        return _Finding(sentences=sentences, verdict="unchecked", support=0.5, why=FOREIGN)

    def _picks(self, sentences: Iterable[int]) -> list[Pick]:
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
        finding = replace(best, sentences=tuple(sentences))
        return finding, [] if best.verdict == "unsupported" else [k for k in each if k not in alike]

    def _best(self, claim: str, scores: Sequence[float], among: Iterable[int]) -> _Finding:
        """Return the sentence among these, or the few together, that support the claim best."""
        found = list(among)
        found = [i for i in found if not self._heads(i)] or found
        tried = sorted(found, key=lambda i: (-scores[i], i))[:_MOST_TRIED]
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
        unit = self._where[other][1]
        if isinstance(unit, Unit) and unit.cells and not self._keyed(claim, other):
            return False
        quotes = [self._texts[i] for i in sentences]
        theirs = {self._where[i][0].source_id for i in sentences}
        if self._where[other][0].source_id not in theirs and not _share_a_thing(
            self._texts[other], quotes
        ):
            return False
        return may_fill(claim, quotes, self._texts[other], self._support)

    def _heads(self, i: int) -> bool:
        """Tell whether a sentence only heads others, with which it is read anyway."""
        unit = self._where[i][1]
        return isinstance(unit, Unit) and unit.kind in HEADS

    def _keyed(self, claim: str, row: int) -> bool:
        """Tell whether a claim names what a row of a table is about."""
        passage, span = self._where[row]
        cells = span.cells if isinstance(span, Unit) else ()
        return bool(cells) and contains(claim, passage.words(cells[0]))

    def _tabled(self, claim: str, sentences: tuple[int, ...]) -> float:
        """Return how well a row of a table says a claim that names its key and has no number but its own."""
        if len(sentences) != 1 or not self._keyed(claim, sentences[0]):
            return 0.0
        text = self._texts[sentences[0]]
        if not quantities(claim) or missing_numbers(claim, [text]):
            return 0.0
        told = coverage(claim, f"{self._leads[sentences[0]]} {text} {self._question}")
        return told if told >= SUPPORTED else 0.0

    def _judge(
        self, claim: str, sentences: tuple[int, ...], support: Support | None = None
    ) -> _Finding:
        found: Judgement = judge_claim(
            claim,
            [self._texts[i] for i in sentences],
            support or self._support,
            context=tuple(dict.fromkeys(self._leads[i] for i in sentences)),
            question=self._question,
        )
        tabled = 0.0 if found.verdict == "supported" else self._tabled(claim, sentences)
        if tabled:
            found = Judgement(verdict="supported", support=tabled, why="")
        return _Finding(
            sentences=sentences, verdict=found.verdict, support=found.support, why=found.why
        )


def _lead(passage: CitablePassage, span: Span) -> str:
    """Return what a sentence hangs from: title, path, the names of its columns."""
    path = context_of(span, span.start, span.end) if isinstance(span, Unit) else ()
    return " › ".join(filter(None, (passage.title, spelled(path))))


def _share_a_thing(text: str, quotes: Sequence[str]) -> bool:
    """Tell whether a sentence is about something that the quotes are about."""
    ours, theirs = (
        {word.stem for one in texts for word in words_of(one) if word.content}
        for texts in ([text], quotes)
    )
    return bool(ours & theirs)


def _clauses(claim: str) -> list[str]:
    """Return the parts of a claim that can be judged by themselves; what is too short stays with the part before."""
    parts: list[str] = []
    at = 0
    for match in [*_CLAUSES.finditer(claim), None]:
        part = claim[at : match.start() if match else len(claim)]
        if parts and min(_told(part), _told(parts[-1])) < _LEAST_CLAUSE:
            parts[-1] = f"{parts[-1]}, {part}"
        elif part.strip():
            parts.append(part)
        at = match.end() if match else at
    return parts


def _told(text: str) -> int:
    return sum(word.content for word in words_of(text))


def _without(claim: str, printed: Sequence[str]) -> str:
    for one in printed:
        claim = claim.replace(one, " ")
    return claim


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


def _computed_step(number: int, printed: Sequence[str], markers: Sequence[int]) -> Step:
    origin = ", ".join(f"[{marker}]" for marker in markers) or "the question"
    detail = f"Sentence {number}: {', '.join(printed)} was computed from {origin}."
    return Step(code="computed", detail=detail)


def _left_out_step(number: int, finding: _Finding) -> Step:
    kind = finding.fault.kind if finding.fault else ""
    why = _LEFT_OUT.get(kind, "nothing bears on it, in a text that obeys an order")
    detail = f"Sentence {number} was left out: {why}."
    return Step(code="left_out", detail=detail)


def _idle_step(number: int, marker: int) -> Step:
    detail = f"Sentence {number}: its marker {marker} has nothing to do with it and was dropped."
    return Step(code="marker_dropped", detail=detail)


_LEFT_OUT: dict[str, str] = {
    "number": "a number in it stands nowhere, and nothing in the sources bears on it",
    "name": "a name in it stands nowhere, and nothing in the sources bears on it",
    "link": "it holds an address that no document has",
    "order": "it answers nothing from the sources",
}
