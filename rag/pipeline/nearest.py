"""The sentence of a passage that comes nearest to a question, for who looks at a near miss. Pure."""

from __future__ import annotations

from collections.abc import Collection

from rag.citations import lexical_support
from rag.language.sentences import split_sentences


def nearest_sentence(passage: str, question: str, *, shown: Collection[str] = ()) -> str:
    """Return the sentence that has most of the question's words, on one line; of equals the first.

    Args:
        passage: whole sentences.
        question: what was searched.
        shown: sentences that are said already, since passages overlap; another is found where there is one.
    """
    spans = split_sentences(passage)
    sentences = [" ".join(passage[span.start : span.end].split()) for span in spans]
    fresh = [sentence for sentence in sentences if sentence not in shown] or sentences
    if not fresh:
        return " ".join(passage.split())
    shares = lexical_support(question, fresh)
    return fresh[max(range(len(fresh)), key=lambda at: shares[at])]
