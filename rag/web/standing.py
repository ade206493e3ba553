"""Whether what old answers cite is still there, and what may no longer be shown of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeAlias

from rag.schema import Answer, Citation
from rag.web.conversation import Conversation, Exchange, Standing

Check: TypeAlias = Callable[[Citation], Standing]


def rechecked(talk: Conversation, check: Check) -> Conversation:
    """Return the conversation with the standing of every citation as it is now."""
    return tuple(replace(exchange, standing=_standing(exchange, check)) for exchange in talk)


def source_ids(answer: Answer) -> frozenset[str]:
    """Return the ids of all sources whose words an answer carries."""
    return frozenset(
        [citation.source_id for citation in answer.citations]
        + [scored.passage.source_id for scored in (*answer.evidence, *answer.closest)]
    )


def withheld(exchange: Exchange, gone: Collection[str]) -> Exchange:
    """Return the exchange without quotes and passages of sources that are indexed no more.

    Args:
        exchange: a question and its answer.
        gone: ids of sources that were removed.
    """
    answer = exchange.answer
    if answer is None or not gone:
        return exchange
    citations = tuple(
        replace(citation, quote="", context=()) if citation.source_id in gone else citation
        for citation in answer.citations
    )
    evidence = tuple(one for one in answer.evidence if one.passage.source_id not in gone)
    closest = tuple(one for one in answer.closest if one.passage.source_id not in gone)
    kept = replace(answer, citations=citations, evidence=evidence, closest=closest)
    return replace(exchange, answer=kept)


def standing_of(exchange: Exchange, marker: int) -> Standing:
    """Return the standing of one citation when it was last looked at."""
    return exchange.standing[marker - 1] if marker <= len(exchange.standing) else "current"


def _standing(exchange: Exchange, check: Check) -> tuple[Standing, ...]:
    if exchange.answer is None:
        return ()
    found = tuple(check(citation) for citation in exchange.answer.citations)
    return found if set(found) - {"current"} else ()
