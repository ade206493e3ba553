"""From evidence to an answer in the words of the sources, each sentence cited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.citations import Draft, compose
from rag.citations.plain import harmless, visible
from rag.language.paths import context_of
from rag.pipeline.comparison import labelled, winner, without_heads
from rag.pipeline.holders import holders, holding, titles_of
from rag.pipeline.inquiry import Inquiry, abstain, listed
from rag.pipeline.lists import Quotation, chosen
from rag.pipeline.overview import Overview
from rag.pipeline.preference import has_versions, preferred
from rag.pipeline.reasons import MESSAGES
from rag.pipeline.short_words import whole_words
from rag.pipeline.subject import Judged, judge
from rag.pipeline.tally import SURE, UNSURE, tally
from rag.queries import Query, standalone
from rag.reader import Reader, Reading, Selection, StagedReader, reranked, select
from rag.reader.features import is_yes_no
from rag.reader.selection import LIKELY, asks_for_several, threshold_at
from rag.retrieval import scored
from rag.schema import (
    Answer,
    Candidate,
    Citation,
    Context,
    EvidenceReady,
    Reason,
    ReasonCode,
    ScoredPassage,
    ShortAnswer,
    Span,
    Status,
    TextDelta,
    Turn,
)

_MOST = 0.5
"""Share of a sentence."""
_BESIDE = 0.3
"""Of the border of what is likely: where what is said of one side is shown beside what is said of the other."""
FIRST_READ = 2
"""Passages that are read first; the others only where these do not answer surely."""
ENOUGH = 0.8
"""Probability from which the first passages' answer is taken without reading the others."""
MOST_CLOSEST = 3
"""Passages shown beside an answer that is not sure."""


class ExtractiveAnswerer:
    """Answers in the words of the sources.

    Args:
        reader: says which sentences answer.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        """`extractive:` and the reader's name."""
        return f"extractive:{self._reader.name}"

    def standalone(self, question: str, history: Sequence[Turn]) -> Query:
        """Return the question as one that needs no history, by the rules."""
        return standalone(question, history)

    def grade(self, query: str, candidates: Sequence[Candidate], *, strictness: float) -> int:
        """Return what of an answer the candidates hold: 2 for a sure one, 1 for a likely one, 0 for none."""
        likely, sure = self._borders(strictness)
        read = self._reader.read(query, candidates) if candidates else ()
        judged = judge(query, read, candidates, sure=sure)
        best = max((one.probability for one in judged.readings[:1]), default=0.0)
        return (best >= likely) + (best >= sure)

    def _borders(self, strictness: float) -> tuple[float, float]:
        """Return the probabilities from which an answer is shown as likely, and stated."""
        return threshold_at(LIKELY, strictness), threshold_at(self._reader.threshold, strictness)

    def _judged(self, inquiry: Inquiry, sure: float) -> list[Judged]:
        """Read each part of a question, and weigh what was read by the documents and the subject that it names."""
        if (held := inquiry.held) is not None:
            candidates = inquiry.candidates
            read = self._reader.read(held.asked, candidates)
            likely, _ = self._borders(inquiry.strictness)
            found = holding(held, read, candidates, sure=sure, likely=likely)
            return [judge(held.asked, found, candidates, sure=sure)]
        if (soon := self._judged_soon(inquiry, sure)) is not None:
            return [soon]
        return [
            self._weighed(inquiry, part, candidates, self._reader.read(part, candidates), sure)
            for part, candidates in inquiry.parts
        ]

    def _judged_soon(self, inquiry: Inquiry, sure: float) -> Judged | None:
        """Return what the passages that were found first say, where the others need not be read; None elsewhere."""
        part, candidates = inquiry.parts[0]
        if (
            len(inquiry.parts) > 1
            or len(candidates) <= FIRST_READ
            or not isinstance(self._reader, StagedReader)
            or inquiry.preference.is_of_one
            or asks_for_several(part)
        ):
            return None
        read = self._reader.read_first(part, candidates, FIRST_READ)
        judged = self._weighed(inquiry, part, candidates, read, sure)
        enough = max(sure, ENOUGH)
        if not judged.readings or judged.readings[0].probability < enough:
            return None
        lead = candidates[judged.readings[0].candidate]
        others = candidates[FIRST_READ:]
        return None if has_versions(lead, others, inquiry.preference) else judged

    def _weighed(
        self,
        inquiry: Inquiry,
        part: str,
        candidates: Sequence[Candidate],
        read: Sequence[Reading],
        sure: float,
    ) -> Judged:
        """Return what was read for a part, weighed by the documents and the subject that it names."""
        if inquiry.compared:
            read = without_heads(read, candidates)
        wanted, source = inquiry.preference, inquiry.source
        readings = preferred(read, candidates, wanted, source, sure=sure)
        return judge(part, readings, candidates, sure=sure)

    def answer(self, inquiry: Inquiry) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield the answer, its text first."""
        if inquiry.overview is not None:
            yield from self._excerpts(inquiry, inquiry.overview)
            return
        computed = self._computed(inquiry)
        if computed is not None:
            yield computed
            return
        likely, sure = self._borders(inquiry.strictness)
        judged = self._judged(inquiry, sure)
        evidence = _ranked(
            [
                (candidates, one.readings)
                for (_, candidates), one in zip(inquiry.parts, judged, strict=True)
            ],
            self._reader.threshold,
        )
        selection = select(
            [(part, one.readings) for (part, _), one in zip(inquiry.parts, judged, strict=True)],
            sure=sure,
            likely=_least(inquiry, judged, likely),
        )
        if not selection.picks:
            yield self._unanswered(inquiry, judged, selection, evidence)
            return
        selection, draft, held_by = _drafted(inquiry, judged, selection)
        yield EvidenceReady(evidence=_holding(draft.citations, held_by))
        yield TextDelta(text=draft.text)
        yield self._finish(inquiry, draft, judged, selection, evidence)

    def _computed(self, inquiry: Inquiry) -> Answer | None:
        """Return the answer to a question that is counted; None where it is not one, or has several parts."""
        if len(inquiry.parts) > 1 or inquiry.held is not None:
            return None
        question, found = inquiry.parts[0]
        result = tally(question, found, inquiry.source, inquiry.listed)
        if result is None:
            return None
        return Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="likely" if result.doubts else "answered",
            reason=Reason(code="unsure", message=" ".join(result.doubts))
            if result.doubts
            else None,
            text=result.draft.text,
            statements=result.draft.statements,
            citations=result.draft.citations,
            evidence=scored(inquiry.candidates),
            confidence=UNSURE if result.doubts else SURE,
            model=self.name,
            short=result.short,
        )

    def _unanswered(
        self,
        inquiry: Inquiry,
        judged: Sequence[Judged],
        selection: Selection,
        evidence: tuple[ScoredPassage, ...],
    ) -> Answer:
        """Return why there is no answer, with what comes closest to one."""
        absent = tuple(dict.fromkeys(name for one in judged for name in one.absent))
        closest = _closest(inquiry, judged, ())
        code: ReasonCode = "subject_missing" if absent else "not_supported"
        gone = abstain(
            inquiry,
            code,
            model=self.name,
            evidence=evidence,
            confidence=selection.confidence,
            missing=absent,
        )
        return replace(gone, closest=closest)

    def _excerpts(
        self, inquiry: Inquiry, overview: Overview
    ) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield the sources' own sentences in place of an overview that is written."""
        evidence = scored(inquiry.candidates)
        draft = overview.draft(inquiry.citable)
        if not draft.statements:
            gone = abstain(inquiry, "not_supported", model=self.name, evidence=evidence)
            reason = Reason(code="not_supported", message=overview.nothing)
            yield replace(gone, reason=reason, text=reason.message)
            return
        holders = [*(one for one, _ in overview.quoted), *inquiry.candidates]
        yield EvidenceReady(evidence=_holding(draft.citations, holders))
        yield TextDelta(text=draft.text)
        yield Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="answered",
            reason=None,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=evidence,
            confidence=0.0,  # nobody weighed how right a summary is
            model=self.name,
            steps=draft.steps,
        )

    def _finish(
        self,
        inquiry: Inquiry,
        draft: Draft,
        judged: Sequence[Judged],
        selection: Selection,
        evidence: tuple[ScoredPassage, ...],
    ) -> Answer:
        """Return the composed answer: sure, likely, or partial where a part of the question is left open."""
        reason, status = _reason(judged, selection)
        return Answer(
            question=inquiry.question,
            query=inquiry.query,
            status=status,
            reason=reason,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=evidence,
            confidence=selection.confidence,
            model=self.name,
            steps=draft.steps,
            short=_short(inquiry, draft, selection),
            closest=() if status == "answered" else _closest(inquiry, judged, selection.picks),
        )


def _drafted(
    inquiry: Inquiry, judged: Sequence[Judged], selection: Selection
) -> tuple[Selection, Draft, list[Candidate]]:
    """Return the selection as it is said, the answer's draft, and the candidates that hold what it quotes."""
    if inquiry.held is not None:
        every = tuple((0, one) for one in judged[0].readings)
        selection = replace(selection, picks=every)
    told = list(_told(inquiry, judged, selection))
    selection = replace(
        selection,
        picks=tuple((part, one.reading) for part, one in told),
        missing=_open_sides(inquiry, selection) or selection.missing,
    )
    spans = [one.spans for _, one in told]
    draft = compose(
        [(inquiry.citable(one.candidate), span) for _, one in told for span in one.spans],
        as_list=inquiry.compared
        or (len(told) > len(judged) and all(len(quoted) == 1 for quoted in spans)),
    )
    if inquiry.compared:
        draft = labelled(draft)
    elif inquiry.held is not None and inquiry.listed is not None:
        draft = labelled(draft, titles_of(inquiry.listed()))
    return selection, draft, [one.candidate for _, one in told]


def _least(inquiry: Inquiry, judged: Sequence[Judged], likely: float) -> float:
    """Return the probability from which a best guess is shown: less for a side where another one has an answer."""
    best = max((one.probability for each in judged for one in each.readings[:1]), default=0.0)
    return likely * _BESIDE if inquiry.compared and best >= likely else likely


def _told(
    inquiry: Inquiry, judged: Sequence[Judged], selection: Selection
) -> Iterator[tuple[int, Quotation]]:
    """Yield what is said of each pick, with the part of the question that it answers; of a list each item once."""
    lists: set[int] = set()
    done: list[Quotation] = []
    for part, one in selection.picks:
        question, candidates = inquiry.parts[part]
        source = inquiry.source(candidates[one.candidate].passage.source_id)
        told = chosen(question, one, judged[part].readings, candidates, source)
        if any(_is_said(told, before) for before in done) or (
            part in lists and len(told.spans) < 3
        ):
            continue
        if len(told.spans) > 2:
            lists.add(part)
        done.append(told)
        yield part, told


def _open_sides(inquiry: Inquiry, selection: Selection) -> tuple[str, ...]:
    """Return the sides of a comparison of which nothing is said."""
    said = {part for part, _ in selection.picks}
    return tuple(name for part, name in enumerate(inquiry.sides) if part not in said)


def _is_said(one: Quotation, before: Quotation) -> bool:
    """Tell whether all that is quoted was quoted before."""
    same = one.candidate.passage.source_id == before.candidate.passage.source_id
    return same and set(one.spans) <= set(before.spans)


def _reason(judged: Sequence[Judged], selection: Selection) -> tuple[Reason | None, Status]:
    """Return why an answer is not a sure and whole one, and what it is."""
    if selection.missing:
        message = MESSAGES["partly_answered"].format(missing="; ".join(selection.missing))
        if not selection.sure:
            message += (
                ". What is said of the rest is the best that was found, and may not answer it."
            )
        return Reason(code="partly_answered", message=message), "partial"
    if selection.sure:
        return None, "answered"
    unmatched = tuple(dict.fromkeys(name for one in judged for name in one.unmatched))
    if unmatched:
        message = MESSAGES["subject_missing"].format(missing=listed(unmatched))
        return Reason(code="subject_missing", message=message), "likely"
    return Reason(code="unsure", message=MESSAGES["unsure"]), "likely"


def _short(inquiry: Inquiry, draft: Draft, selection: Selection) -> ShortAnswer | None:
    """Return the words that answer, where the question has one part and one sentence answers it."""
    if inquiry.held is not None and inquiry.listed is not None:
        return holders(draft, titles_of(inquiry.listed()))
    if inquiry.more and len(selection.picks) == len(inquiry.sides):
        return winner(inquiry.more, inquiry.sides, [one for _, one in selection.picks], draft)
    if len(selection.picks) != 1:
        return None
    part, reading = selection.picks[0]
    words = reading.words
    if words is None or (is_yes_no(inquiry.parts[part][0]) and not _says_most(words, reading)):
        return None
    source = inquiry.source(inquiry.parts[part][1][reading.candidate].passage.source_id)
    sentence = Span(start=reading.start, end=reading.end)
    words = whole_words(words, source.text, source.blocks, sentence, inquiry.parts[part][0])
    if words is None:
        return None
    text = harmless(" ".join(visible(source.text[words.start : words.end]).split()))
    markers = tuple(
        one.marker
        for one in draft.citations
        if one.source_id == source.source_id and one.start <= words.start and words.end <= one.end
    )
    return ShortAnswer(text=text, markers=markers) if text and markers else None


def _says_most(words: Span, reading: Reading) -> bool:
    """Tell whether words are most of their sentence: of what was asked yes or no, a name alone says neither."""
    return words.end - words.start >= _MOST * (reading.end - reading.start)


def _closest(
    inquiry: Inquiry, judged: Sequence[Judged], picks: Sequence[tuple[int, Reading]]
) -> tuple[ScoredPassage, ...]:
    """Return the passages that come closest beside what is said, by the reader, each with its decisive words."""
    said_of = [
        (inquiry.parts[part][1][one.candidate].passage.source_id, one) for part, one in picks
    ]
    found: dict[str, tuple[float, Reading, Candidate]] = {}
    for (_, candidates), one in zip(inquiry.parts, judged, strict=True):
        for reading in one.readings:
            candidate = candidates[reading.candidate]
            passage = candidate.passage
            told = any(
                source_id == passage.source_id
                and other.start < reading.end
                and reading.start < other.end
                for source_id, other in said_of
            )
            if not told and passage.passage_id not in found:
                found[passage.passage_id] = (reading.probability, reading, candidate)
    best = sorted(found.values(), key=lambda one: -one[0])[:MOST_CLOSEST]
    return tuple(
        ScoredPassage(
            passage=candidate.passage,
            score=score,
            rank=rank,
            scorer="reader",
            decisive=_decisive(reading),
            context=_context(candidate, reading),
        )
        for rank, (score, reading, candidate) in enumerate(best, start=1)
    )


def _decisive(reading: Reading) -> Span:
    """Return the words that answer; all of a reading whose answer stands in what it hangs from."""
    words = reading.words
    return (
        words if words and words.start < words.end else Span(start=reading.start, end=reading.end)
    )


def _context(candidate: Candidate, reading: Reading) -> tuple[Context, ...]:
    """Return what the words that answer are understood with."""
    words = _decisive(reading)
    for sentence in candidate.sentences:
        if sentence.start <= words.start < sentence.end:
            return context_of(sentence, words.start, words.end)
    return ()


def _holding(
    citations: Sequence[Citation], candidates: Sequence[Candidate]
) -> tuple[ScoredPassage, ...]:
    """Return the passage that holds each citation, in order of marker."""
    holders = [
        next(
            one
            for one in candidates
            if one.passage.source_id == citation.source_id
            and one.passage.start <= citation.start
            and citation.end <= one.passage.end
        )
        for citation in citations
    ]
    return scored(holders)


def _ranked(
    parts: Sequence[tuple[Sequence[Candidate], Sequence[Reading]]], threshold: float
) -> tuple[ScoredPassage, ...]:
    """Return every passage once, those that answer first, each with the probability of its leading sentence."""
    best: dict[str, tuple[int, float, Candidate]] = {}
    for candidates, readings in parts:
        leading = {one.candidate: one.probability for one in reversed(readings)}
        order = reranked(readings, threshold=threshold)
        unread = [index for index in range(len(candidates)) if index not in leading]
        for place, index in enumerate((*order, *unread)):
            candidate = candidates[index]
            held = best.get(candidate.passage.passage_id)
            if held is None or place < held[0]:
                best[candidate.passage.passage_id] = (place, leading.get(index, 0.0), candidate)
    ranked = sorted(best.values(), key=lambda found: (found[0], found[2].passage.passage_id))
    return tuple(
        ScoredPassage(passage=candidate.passage, score=score, rank=rank, scorer="reader")
        for rank, (_, score, candidate) in enumerate(ranked, start=1)
    )
