"""What a question set promises beyond being readable: fixed halves, evidence that holds answers.

For sets that ship with a project. A person's own questions need none of this.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rag.errors import DatasetError
from rag.evaluation.dataset import Example, validate
from rag.evaluation.measures import containment
from rag.schema import Source

_WORD = re.compile(r"\w+")
# Words that every text has, so that sharing them says nothing.
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        "a about after all an and any are as at be been before by can could did do does each either"
        " few for from had has have he her his how i if in into is it its many may more most much"
        " no nor not of on once one or other s she so some such than that the their them then there"
        " these they this those to up was were what when where which who whom whose why will with"
        " would you your"
    )
)


def audit(examples: Sequence[Example], sources: Mapping[str, Source]) -> tuple[str, ...]:
    """Return every fault of a question set as a sentence; none means that it keeps its promises.

    Every question has a split, a kind, a word on how it was made, and says whether it can be
    answered. Every evidence holds an accepted wording of each part that it supports. A paraphrase
    shares no content word with its evidence. A question of the kind `unanswerable` has words of the
    sources. No kind is uneven between the halves.
    """
    try:
        validate(examples, sources)
    except DatasetError as exc:
        return (str(exc),)
    faults = [
        f"{example.query_id}: {fault}"
        for example in examples
        for fault in _example_faults(example, sources)
    ]
    return (*faults, *_split_faults(examples))


def _example_faults(example: Example, sources: Mapping[str, Source]) -> Iterator[str]:
    if example.split not in {"dev", "test"}:
        yield f"the split is {example.split!r}, not dev or test"
    if not example.kind or not example.made_by:
        yield "kind or made_by is missing"
    if example.answerable:
        yield from _answer_faults(example, sources)
    elif example.answerable is None:
        yield "answerable is missing"
    elif example.kind == "unanswerable":
        words = {word for source in sources.values() for word in _content_words(source.text)}
        if not _content_words(example.question) & words:
            yield "it has no word of the sources"


def _answer_faults(example: Example, sources: Mapping[str, Source]) -> Iterator[str]:
    if not example.answers:
        yield "it is answerable and has no answers"
    shown = Counter(part for evidence in example.evidence for part in evidence.parts)
    if set(shown) != set(range(1, len(example.parts) + 1)):
        yield f"its evidence supports parts {sorted(shown)}, its answer has {len(example.parts)}"
        return
    for evidence in example.evidence:
        text = sources[evidence.source_id].text[evidence.start : evidence.end]
        for part in evidence.parts:
            if not containment(text, example.parts[part - 1]):
                yield f"no answer of part {part} stands in {evidence.start} to {evidence.end}"
        shared = _content_words(example.question) & _content_words(text)
        if example.kind == "paraphrase" and shared:
            yield f"it shares {sorted(shared)} with its evidence"


def _split_faults(examples: Sequence[Example]) -> Iterator[str]:
    for kind in sorted({example.kind for example in examples}):
        halves = Counter(e.split for e in examples if e.kind == kind)
        if abs(halves["dev"] - halves["test"]) > 1:
            yield f"{kind}: {halves['dev']} questions in dev, {halves['test']} in test"


def _content_words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _FUNCTION_WORDS
