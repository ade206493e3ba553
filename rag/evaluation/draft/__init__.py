"""Questions drafted from a person's own documents, for them to correct. No model is asked.

verbs ─▶ clauses ─▶ rules ─▶ choosing (here) ─▶ a table
                    alteration: questions that the sources do not answer

Few sentences are understood, and these well: a draft that must be rewritten saves nobody time. The same
documents give the same drafts.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rag.errors import DatasetError
from rag.evaluation.dataset import Example
from rag.evaluation.draft.alteration import Altered, alter
from rag.evaluation.draft.clauses import parse_clause
from rag.evaluation.draft.rules import DraftQuestion, PlainSentence, drafts
from rag.language.sentences import split_sentences
from rag.schema import Source

__all__ = ["draft_questions", "write_questions"]

COLUMNS = ("question", "answers", "evidence", "answerable", "note")

_UNANSWERABLE_SHARE = 4
"""One of so many drafts is made to have no answer."""
_REPEATED = 0.02
"""What a draft loses for each one of its rule or source that was chosen before it."""
_SHORTEST, _LONGEST = 20, 400
_CAPITALISED = re.compile(r"(?<=[a-z,] )[A-Z][\w-]*")
_LOWER = re.compile(r"\b[a-z][\w-]*")


def draft_questions(sources: Iterable[Source], *, n: int = 50) -> tuple[Example, ...]:
    """Draft at most n questions on the sources, in the order of their sentences.

    A quarter of them are made to have no answer, as far as there is anything to make them of. Each says in its
    note how it was made.

    Args:
        sources: read one after another.
        n: at least 1.

    Raises:
        DatasetError: nothing could be drafted.
    """
    statements = [one for source in sources for one in _statements(source)]
    found = [draft for one in statements for draft in drafts(one)]
    if not found:
        raise DatasetError(
            "No question could be drafted: the documents hold no plain English sentences that define,"
            " date, count or report something. Write some by hand; a table with the column 'question'"
            " is enough."
        )
    ranked = sorted(found, key=lambda draft: -draft.worth)
    altered = alter(ranked, statements, n // _UNANSWERABLE_SHARE)
    chosen = _choose(ranked, n - len(altered))
    made = [(_place(one), _answerable(one)) for one in chosen]
    made += [(_place(one.draft), _unanswerable(one)) for one in altered]
    return tuple(example for _, example in sorted(made, key=lambda pair: pair[0]))


def write_questions(examples: Sequence[Example], path: Path) -> None:
    """Write questions as a table that spreadsheets open and `load_dataset` reads.

    Raises:
        DatasetError: the file exists, since somebody may have corrected it, or cannot be written.
    """
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for one in examples:
        answerable = {True: "yes", False: "no", None: ""}[one.answerable]
        row = (" | ".join(one.answers), " | ".join(one.quotes), answerable, one.note)
        writer.writerow((one.question, *row))
    try:
        with path.open(
            "x", encoding="utf-8-sig", newline=""
        ) as file:  # the mark is for spreadsheets
            file.write(table.getvalue())
    except FileExistsError as exc:
        raise DatasetError(
            f"{path} is there already, and may hold corrections; name another file with --out."
        ) from exc
    except OSError as exc:
        raise DatasetError(f"{path} cannot be written: {exc.strerror or exc}.") from exc


def _statements(source: Source) -> Iterator[PlainSentence]:
    """Yield the sentences of a source that may be asked about."""
    sentences = [
        (span.start, " ".join(source.text[span.start : span.end].split()))
        for span in split_sentences(source.text)
    ]
    capitals = Counter(word for _, text in sentences for word in _CAPITALISED.findall(text))
    small = Counter(word for _, text in sentences for word in _LOWER.findall(text))
    names = frozenset(word for word, n in capitals.items() if n > small[word.lower()])
    for start, text in sentences:
        # A bar would end the cell's wording, and what is no letter may make the cell a formula.
        whole = (
            (text[0].isalnum() or text[0] in "“‘")
            and text.endswith((".", "!", "”", '"'))
            and "|" not in text
        )
        if whole and _SHORTEST <= len(text) <= _LONGEST:
            yield PlainSentence(
                source_id=source.source_id,
                start=start,
                text=text,
                clause=parse_clause(text, names=names, common=small),
            )


def _choose(ranked: Sequence[DraftQuestion], n: int) -> list[DraftQuestion]:
    """Choose the best drafts, spread over rules and sources, at first one a sentence."""
    chosen: list[DraftQuestion] = []
    used: Counter[str] = Counter()
    left = list(dict.fromkeys(ranked))
    while left and len(chosen) < n:
        best = max(left, key=lambda draft: draft.worth - _lost(draft, used))
        chosen.append(best)
        used.update(_counted(best))
        left = [
            one for one in left if one.question != best.question and one.answers != best.answers
        ]
    return chosen


def _lost(draft: DraftQuestion, used: Counter[str]) -> float:
    rule, source, sentence = _counted(draft)
    return _REPEATED * (used[rule] + used[source]) + used[sentence]


def _counted(draft: DraftQuestion) -> tuple[str, str, str]:
    source = draft.statement.source_id
    return f"rule {draft.rule}", f"source {source}", f"sentence {source} {draft.statement.start}"


def _place(draft: DraftQuestion) -> tuple[str, int, str]:
    return draft.statement.source_id, draft.statement.start, draft.question


def _answerable(draft: DraftQuestion) -> Example:
    return Example(
        query_id="",
        question=draft.question,
        answerable=True,
        answers=draft.answers,
        quotes=(draft.statement.text,),
        note=f"drafted from {draft.statement.source_id}: {draft.rule}",
    )


def _unanswerable(altered: Altered) -> Example:
    return Example(
        query_id="",
        question=altered.question,
        answerable=False,
        note=f"drafted with “{altered.new}” in place of “{altered.old}”: check that no document answers"
        " it",
    )
