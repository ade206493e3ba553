"""The nouns: frozen, and all of the program's data in one place. They hold data and know no behaviour.

Offsets are characters of `Source.text`, 0-based and half-open, unless a field says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    """float32; shape (n, dimension) or (dimension,); rows of unit length."""

Role = Literal["user", "assistant"]
Scorer = Literal["dense", "lexical", "fusion", "reader"]
Verdict = Literal["supported", "weak", "unsupported", "unchecked"]
"""Of a statement; `unchecked` where nothing could be held against it: a lead-in, a sentence in another language."""
StatementKind = Literal["stated", "derived", "absent", "connective"]
"""What a statement is: said by the sources, computed from what they say, said to be missing, or no claim at all."""
Verify = Literal["model", "builtin", "off"]
"""Who says whether an LLM's sentences are borne out: the model and the checks, the checks alone, nobody."""
Depth = Literal["quick", "thorough"]
"""How long a chat model looks: in one search, planned where that pays, or in up to five."""
Status = Literal["answered", "likely", "partial", "unanswered"]
ReasonCode = Literal[
    "no_sources",
    "nothing_retrieved",
    "not_supported",
    "partly_answered",
    "unsure",
    "subject_missing",
    "incomplete",
    "small_talk",  # nothing was asked of the sources
    "no_last_answer",  # something was to be done with the last answer, and there is none
    "needs_model",  # what was to be done with the last answer takes a chat model
]
Fate = Literal[
    "added", "updated", "unchanged", "removed", "failed", "excluded", "unreachable", "held"
]
FateReason = Literal[
    "",
    "empty",
    "no_text_layer",
    "poorly_read",  # a warning: a page is hard to read, or a part of it was left out
    "needs_reader",  # a program or package that reads it is not installed
    "encrypted",
    "binary",
    "too_large",
    "too_costly",
    "unreadable",
    "unsupported",
    "encoding",
    "duplicate",
    "gone",
    "by_hand",
    "unreachable",
    "many_missing",
]
AbsenceReason = Literal[
    "unreachable",  # it, or the folder that it lies in, cannot be read at the moment
    "held",  # so many are missing that somebody should say whether they were removed
]
BlockKind = Literal[
    "title",
    "heading",
    "paragraph",
    "list",
    "item",
    "table",
    "row",
    "cell",
    "term",
    "definition",
    "question",
    "answer",
    "code",
    "quote",
    "speaker",
    "field",
    "footnote",
    "caption",
]
StepCode = Literal[
    "marker_dropped",  # the model wrote a marker that names no evidence
    "repointed",  # a marker was moved to evidence that supports its sentence better
    "cited",  # a sentence without a marker was given one
    "asked_again",  # the model was asked once more, with what was wrong
    "not_asked_again",  # it would have been, but its prompt had no room for what was wrong
    "left_out",  # a sentence with a hard fault was left out
    "computed",  # a number was computed anew from numbers of the sources
    "cut_off",  # the model stopped at its length limit
    "neutralised",  # something in the passages that could steer a model was made harmless
    "fell_back",  # the extractive reader answered in the model's place
    "abstained",  # nothing could be shown to be supported
    "excerpted",  # a summary or survey of sentences of the sources, since no model wrote one
    "checked_again",  # a person doubted an answer: its sources were read once more
    "verified",  # the chat model was asked which words bear each sentence out; code checked the words
    "not_verified",  # it could not be asked, or what it said could not be used
    "searched",  # a chat model said what to search for
    "opened",  # a chat model said which sections to read whole
    "conflict",  # two sources give different numbers or dates for one thing; both are cited
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a source's text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Span):
    """A part of a document's structure, from a title down to a cell."""

    kind: BlockKind
    level: int = 0
    """Of a title, heading or question that heads a section: 1 is the outermost. Of an item: how deep it is nested."""
    parent: int | None = None
    """Index of the block that it hangs from; the chain of parents is its path."""
    header: tuple[int, ...] = ()
    """Of a cell: indices of the blocks that name its column."""
    key: int | None = None
    """Of a row: index of its first cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Span):
    """What a unit hangs from and is understood with: a title, a heading, what announces a list, a column's name."""

    kind: BlockKind
    text: str
    """On one line. `start == end` where it stands nowhere in the source's text, such as the name of its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Span):
    """A cell of a row, in offsets of the source."""

    name: str
    """Of its column, on one line; empty where it has none, or where the row itself says it before the cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Span):
    """A sentence, item, row or heading: what is encoded, read and quoted as one."""

    kind: BlockKind = "paragraph"
    path: tuple[Context, ...] = ()
    """What it hangs from, the outermost first."""
    cells: tuple[Cell, ...] = ()
    """Of a row."""


HARD_TO_READ = "hard to read"
"""Ends the name of a place on the image of a page that was read with little certainty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Span):
    """Where a stretch of a source stands, as a person calls it."""

    name: str
    """On one line: `slide 3`, `sheet Costs, row 12`, `00:12:05`."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom on the image of its page, each a share 0..1 of the page from its top left corner;
    None where there is no image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document as text."""

    source_id: str
    """Relative posix path (below its folder) or URL; unique in an index."""
    title: str
    text: str
    sha256: str
    """Hex digest of the original bytes, so that an unchanged file costs a hash, not a parse."""
    media_type: str
    pages: tuple[int, ...] = ()
    """Start offset of each page in `text`, ascending, first is 0; empty where there are no pages."""
    places: tuple[Place, ...] = ()
    """Ascending and disjoint; empty where pages, or nothing, tell a place better than a count of characters."""
    blocks: tuple[Block, ...] = ()
    """In order of `start`, a block before those that hang from it (a speaker's name may stand inside the first);
    empty where nothing has looked yet."""
    collection: str = ""
    """Name of the collection that it was read from; empty for the default one asked by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Several whole sentences of a source: the unit of retrieval."""

    passage_id: str
    """`{source_id}#{start}-{end}`."""
    source_id: str
    start: int
    end: int
    text: str
    """`== source.text[start:end]`, always."""
    n_tokens: int
    """tiktoken tokens."""
    path: tuple[Context, ...] = ()
    """What its first unit hangs from: titles from document to section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPassage:
    """A passage and the units it holds, as the splitter made them."""

    passage: Passage
    sentences: tuple[Unit, ...]
    """Ascending, disjoint, inside the passage; offsets of the source, not of the passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPassage:
    """A passage as an answer to one query."""

    passage: Passage
    score: float
    """Higher is better; comparable within one scorer and query only."""
    rank: int
    """1 is best."""
    scorer: Scorer
    decisive: Span | None = None
    """The words that come nearest to the answer, in the source's text; None where nobody looked."""
    context: tuple[Context, ...] = ()
    """What is needed to understand the decisive words: headings, what announces them, columns' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredSentence:
    """A sentence of a candidate passage, scored against the query."""

    start: int
    end: int
    text: str
    dense: float
    """Cosine with the query, -1..1."""
    lexical: float
    """Share of the query's word weight (idf) that the sentence covers, 0..1."""
    kind: BlockKind = "paragraph"
    path: tuple[Context, ...] = ()
    """What it hangs from, the outermost first."""
    cells: tuple[Cell, ...] = ()
    """Of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A retrieved passage with every score that ranked it, and its sentences."""

    passage: Passage
    dense: float
    """Cosine of passage and query, -1..1."""
    lexical: float
    """BM25; 0 where no word matched."""
    fused: float
    """Convex combination of the normalised scores, 0..1; the ranking."""
    sentences: tuple[ScoredSentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The exact words that a sentence of an answer rests on."""

    marker: int
    """1-based, as printed: `[1]`."""
    source_id: str
    title: str
    start: int
    end: int
    quote: str
    """`== source.text[start:end]`, read from the store, never from a model."""
    page: int | None
    """1-based page of `start`; None where the source has no pages."""
    sha256: str
    """Of the source as it was when cited."""
    context: tuple[Context, ...] = ()
    """What is needed to understand the quote: headings, what announces it, its column's name."""
    place: str = ""
    """Of `start`, as a person calls it: `slide 3`; empty where the source has no places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence of an answer, with what it cites and whether that supports it."""

    start: int
    """Offset in `Answer.text`."""
    end: int
    markers: tuple[int, ...]
    verdict: Verdict
    support: float
    """0..1: how well the cited words support the sentence."""
    kind: StatementKind = "stated"
    why: str = ""
    """A phrase: what speaks against it, where it is not supported; what it was computed from, where it is derived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAnswer:
    """The words that answer, without the sentence around them."""

    text: str
    markers: tuple[int, ...]
    """Of the citations that hold them, or that they were computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str
    citations: tuple[Citation, ...] = ()
    """Of an assistant's turn, what its answer cited; `[k]` in the text names `citations[k - 1]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an answer is partial or missing."""

    code: ReasonCode
    message: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something the program did about a bad citation, recorded in the answer."""

    code: StepCode
    detail: str


EmphasisKind = Literal["strong", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """Words of an answer that its model set apart."""

    kind: EmphasisKind
    start: int
    """In `Answer.text`."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked, what was searched, and an answer whose every sentence is cited and checked."""

    question: str
    query: str
    """What was searched: the question, its misspelt words put right, or a follow-up rewritten to stand alone. Of a
    request to do something with the last answer, the question which that answered."""
    status: Status
    reason: Reason | None
    """Set unless the status is `answered`."""
    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    """In order of marker; marker k is `citations[k - 1]`."""
    evidence: tuple[ScoredPassage, ...]
    """What was read, best first."""
    confidence: float
    """0..1, calibrated: the share of answers at this confidence that are right."""
    model: str
    """`extractive:<reader>` or the chat model's name."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds by stage."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens: `prompt`, `completion`, also of a model whose answer was not used; empty where none was asked."""
    steps: tuple[Step, ...] = ()
    """What was done about bad citations, in order."""
    short: ShortAnswer | None = None
    """The words that answer; None where there are none."""
    emphases: tuple[Emphasis, ...] = ()
    """What a chat model set in bold or as code, in order; none overlap."""
    closest: tuple[ScoredPassage, ...] = ()
    """Up to three passages that come closest beside what is said, by the reader; never in `text`."""
    complete: bool = True
    """False while the index is being built, could not be brought up to date, or lacks what cannot be reached."""
    caveat: str = ""
    """Why it is not complete, and what cannot be reached of what is cited: sentences for people, or empty."""
    collections: tuple[str, ...] = ()
    """The collections that were asked; none for the default one alone."""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, the one of the command line, the web API and `eval/`.

        Its JSON Schema is `rag/data/answer.schema.json`.
        """
        return {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOptions:
    """How one question is answered where that is not as the settings say."""

    sources: tuple[str, ...] | None = None
    """Ids of the only sources to search; None for all."""
    model: str | None = None
    """Who answers; None for the first."""
    top_k: int | None = None
    """Passages that are read, 1 to 50; None for the settings'."""
    strictness: float | None = None
    """0..1, how sure the reader must be; None for the settings'."""
    verify: Verify | None = None
    """Who says whether a chat model's sentences are borne out; None for the settings'."""
    depth: Depth | None = None
    """How long a chat model looks; None for the settings'."""
    collection: tuple[str, ...] = ()
    """Names of the collections that are asked; none for that of the pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryReady:
    """Event: what will be searched."""

    query: str
    rewritten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReady:
    """Event: what was found, best first."""

    evidence: tuple[ScoredPassage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """Event: more text of a provisional answer; `AnswerReady` replaces all of it."""

    text: str
    """Empty while a model is silent, so that whoever follows can leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReady:
    """Event: the final, verified answer. Always the last, exactly once."""

    answer: Answer


Event: TypeAlias = QueryReady | EvidenceReady | TextDelta | AnswerReady


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What the index knows of a source, without its text."""

    source_id: str
    title: str
    sha256: str
    media_type: str
    n_chars: int
    n_pages: int
    n_passages: int
    indexed_at: str
    """ISO 8601, UTC."""
    origin: str
    """The file, or the folder it was found below."""
    absence: AbsenceReason | None = None
    """Why it is not where it was found; None where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file in a sync."""

    source_id: str
    fate: Fate
    reason: FateReason = ""
    """Why it failed, or a warning on one that did not (`encoding`, `duplicate`)."""
    message: str = ""
    """The reason as a sentence, with what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """Every file's fate in one sync, in order of source_id."""

    files: tuple[FileReport, ...]
    n_embedded: int
    """Passages that were embedded."""
    seconds: float

    def of(self, fate: Fate) -> tuple[FileReport, ...]:
        """Return the files that met this fate."""
        return tuple(file for file in self.files if file.fate == fate)

    @property
    def added(self) -> tuple[FileReport, ...]:
        """Files indexed for the first time."""
        return self.of("added")

    @property
    def updated(self) -> tuple[FileReport, ...]:
        """Files whose content changed."""
        return self.of("updated")

    @property
    def removed(self) -> tuple[FileReport, ...]:
        """Files that are gone, and with them every word of theirs."""
        return self.of("removed")

    @property
    def unchanged(self) -> tuple[FileReport, ...]:
        """Files that cost a hash and nothing more."""
        return self.of("unchanged")

    @property
    def unreachable(self) -> tuple[FileReport, ...]:
        """Files that cannot be reached at the moment; what was indexed of them before stays, and says so."""
        return self.of("unreachable")

    @property
    def held(self) -> tuple[FileReport, ...]:
        """Files that are missing, too many to take it for meant: not cited until a sync is told that it is."""
        return self.of("held")

    @property
    def failed(self) -> tuple[FileReport, ...]:
        """Files that could not be read, each with its reason."""
        return self.of("failed")
