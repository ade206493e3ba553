"""Why an answer is not whole, as a person is told."""

from __future__ import annotations

from rag.schema import ReasonCode

MESSAGES: dict[ReasonCode, str] = {
    "no_sources": "There are no sources yet: put documents into the seeds folder, or name them to `rag sync`.",
    "nothing_retrieved": "Nothing in the sources resembles the question.",
    "not_supported": "The passages that were read do not seem to answer this.",
    "subject_missing": "{missing} is not mentioned where an answer was looked for.",
    "unsure": "This is the best that was found, and it may not answer the question.",
    "partly_answered": "The sources answer only a part of this. Nothing was found on: {missing}",
    "incomplete": "Nothing was found in what is indexed, but that is not all of the documents.",
    "small_talk": "Ask something about your documents.",
    "no_last_answer": "There is no answer before this to do that with: ask something about your documents first.",
    "needs_model": "That takes a chat model, which does not answer here. This is the answer in your documents' words.",
}
"""What a person is told for each reason; interfaces say before it in a word what it comes to, unless `NOT_SEARCHED`."""
NOT_SEARCHED: frozenset[ReasonCode] = frozenset({"small_talk", "no_last_answer"})
"""Reasons of an answer that says nothing of what the sources hold."""
