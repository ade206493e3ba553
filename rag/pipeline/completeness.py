"""Whether all documents could be searched, and what an answer says where they could not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from rag.pipeline.reasons import MESSAGES
from rag.schema import Answer, Reason, SourceInfo
from rag.store import Coverage

_NAMED = 3
"""Sources that are named; of more, how many there are is told."""
_PARTLY = "Not all of the documents could be searched."


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Why the index may be behind the documents: a sync that could not be made."""

    since: float
    """In seconds since 1970."""
    why: str
    """A sentence."""


def gaps(coverage: Coverage, roots: Collection[str], lag: Lag | None) -> tuple[str, ...]:
    """Return what an index lacks, as sentences; none where it is complete.

    Args:
        coverage: of the state that is searched.
        roots: paths of the files and folders that are looked at in every sync.
        lag: a sync that could not be made; it matters until another process has made it.
    """
    return tuple(_gaps(coverage, roots, lag))


def _gaps(coverage: Coverage, roots: Collection[str], lag: Lag | None) -> Iterator[str]:
    places = [place for path, place in coverage.places.items() if path in roots]
    n_pending = sum(place.pending for place in places)
    if n_pending:
        yield (
            f"The index is not finished: {_documents(n_pending)} are yet to be read into it."
            " Ask again when `rag sync` has ended."
        )
    elif lag is not None and not _caught_up(coverage, roots, lag):
        yield lag.why
    for place in places:
        if not place.reached:
            # Its name only: answers leave this machine, and where it keeps its files is nobody's business.
            name = PurePath(place.path).name or place.path
            yield f"{name!r} cannot be reached; of what lies there the index has what it had before."
    away = sorted(name for name, one in coverage.absent.items() if one.why == "unreachable")
    if away:
        yield f"{_named(away)} cannot be read at the moment."
    if held := coverage.held():
        yield (
            f"{_documents(len(held))} of the index are missing from their folder and are left out, until they are"
            " back or `rag sync --yes` says that they were removed."
        )


def _caught_up(coverage: Coverage, roots: Collection[str], lag: Lag) -> bool:
    """Whether a sync of every root has ended since one could not be made."""
    ended = [coverage.places[path].synced if path in coverage.places else 0.0 for path in roots]
    return min(ended, default=0.0) > lag.since


def qualified(answer: Answer, lacking: Sequence[str], sources: Collection[SourceInfo]) -> Answer:
    """Return an answer that says what could not be searched, and claims no absence where that is something.

    Args:
        answer: as the state that was searched gives it.
        lacking: what the index lacks, as sentences.
        sources: those of which the answer may cite words.
    """
    cited = {citation.source_id for citation in answer.citations}
    away = sorted(one.source_id for one in sources if one.absence and one.source_id in cited)
    said = [*lacking]
    if away:
        said.append(
            f"What is quoted of {_named(away)} is as it was indexed before it was out of reach."
        )
    if not said:
        return answer
    answer = replace(answer, complete=False, caveat=" ".join(said))
    if answer.status == "unanswered":
        # The text is what was said in a conversation: why something is missing is no subject of it.
        text = MESSAGES["incomplete"]
        reason = Reason(code="incomplete", message=f"{text} {answer.caveat}")
        return replace(answer, reason=reason, text=text)
    if answer.reason is not None:
        reason = replace(answer.reason, message=f"{answer.reason.message} {_PARTLY}")
        return replace(answer, reason=reason)
    return answer


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMED]))
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"


def _documents(n: int) -> str:
    return f"{n:,} document{'' if n == 1 else 's'}"
