"""The progress of one answer on the screen, from the first event to the verified answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag import outcome
from rag.cli.render import in_line
from rag.schema import AnswerReady, QueryReady, TextDelta

if TYPE_CHECKING:
    from rag.cli.render import Screen
    from rag.schema import Answer, Event


def follow(events: Iterator[Event], screen: Screen) -> Answer:
    """Show the events of an answer as they come, and return the verified answer.

    Text that is not verified yet is shown on a terminal only, and wiped before the answer comes.
    """
    text = ""
    answer: Answer | None = None
    with screen.provisional() as grow:
        for event in events:
            if isinstance(event, QueryReady) and event.rewritten:
                screen.note(f"Searched for: {in_line(event.query)}")
            elif isinstance(event, TextDelta) and grow is not None:
                text += event.text
                grow(text)
            elif isinstance(event, AnswerReady):
                answer = event.answer
    assert answer is not None, "a stream ends with its answer"
    return answer


def tell_making(answer: Answer, screen: Screen) -> None:
    """Note how an answer was made: repair steps, how sure it is, model, time."""
    for step in answer.steps:
        screen.note(f"{step.code.replace('_', ' ').capitalize()}: {in_line(step.detail)}")
    certain = f"{sure}, " if (sure := outcome.sureness(answer)) else ""
    tokens = f", {sum(answer.usage.values()):,} tokens" if answer.usage else ""
    seconds = answer.timings.get("total", sum(answer.timings.values()))
    screen.note(f"({certain}{in_line(answer.model)}, {seconds:.2f} s{tokens})")
