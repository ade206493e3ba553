"""A conversation as text that a browser can keep, and back again as nothing but data. Pure.

What comes back was in other hands: types, ranges and lengths are checked, and whatever it says is only
shown, never trusted to be what the sources say now.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from rag.schema import Answer, ScoredPassage
from rag.web.conversation import Conversation, Exchange

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_BYTES = 400_000
"""Of a conversation that is kept; the body of a request, in which it comes back, has a limit too."""
MOST_TURNS = 500
"""Questions of a conversation that is kept."""


def to_text(talk: Conversation) -> str:
    """Return the conversation as JSON; where it is too long, without its first questions."""
    kept = [_settled(exchange) for exchange in talk][-MOST_TURNS:]
    sizes = [len(_adapter().dump_json((exchange,))) for exchange in kept]
    while sum(sizes) > MOST_BYTES:
        del kept[0], sizes[0]
    return _adapter().dump_json(tuple(kept)).decode()


def from_text(text: str) -> Conversation:
    """Return the conversation that `to_text` wrote; nothing of one that it cannot have written."""
    from pydantic import ValidationError

    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        return ()
    try:
        talk = _adapter().validate_json(text)
    except ValidationError:
        return ()
    fit = len(talk) <= MOST_TURNS and all(
        exchange.answer is None or _is_fit(exchange.answer) for exchange in talk
    )
    return tuple(map(_settled, talk)) if fit else ()


def recalled(talk: Conversation, carried: str | None) -> Conversation:
    """Return the conversation; as the page carried it, where the server has forgotten it.

    Args:
        talk: what the server remembers: nothing, if it was started again, or many pages were opened since.
        carried: what `to_text` wrote.
    """
    return talk or (from_text(carried) if carried else ())


@cache
def _adapter() -> TypeAdapter[Conversation]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[Exchange, ...])


def _settled(exchange: Exchange) -> Exchange:
    """Return the exchange as it is once nobody works on it any more."""
    trouble = exchange.trouble or ("" if exchange.answer else "This question was not answered.")
    return replace(exchange, notice="", evidence=None, trouble=trouble)


def _is_fit(answer: Answer) -> bool:
    """Tell whether the numbers of an answer fit its text and each other."""
    n = len(answer.text)
    return (
        _markers(answer) == list(range(1, len(answer.citations) + 1))
        and all(0 <= one.start <= one.end <= n for one in answer.statements)
        and all(0 <= one.support <= 1 for one in answer.statements)
        and all(0 <= one.start <= one.end for one in answer.citations)
        and all(0 <= one.passage.start <= one.passage.end for one in answer.evidence)
        and all(map(_is_near, answer.closest))
        and (answer.short is None or set(answer.short.markers) <= set(_markers(answer)))
        and 0 <= answer.confidence <= 1
    )


def _markers(answer: Answer) -> list[int]:
    return [one.marker for one in answer.citations]


def _is_near(one: ScoredPassage) -> bool:
    """Tell whether the decisive words of a passage lie in it."""
    passage, words = one.passage, one.decisive
    return 0 <= passage.start <= passage.end and (
        words is None or passage.start <= words.start <= words.end <= passage.end
    )
