"""What stands below an answer as HTML: how sure it is, what was done about its citations, and what a person says of it.

Every text that comes from a person, a document or a model goes through `escape`. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from rag import outcome
from rag.evaluation.feedback import FeedbackKind
from rag.schema import Answer, Step, StepCode
from rag.web.conversation import Exchange, Standing
from rag.web.escaping import counted, escape

_SAID = re.compile(r"f-(\d{1,6})-([a-z_]{1,40})")

# What was done, in a word for the list and in words for the summary; {n} is how often.
_STEPS: Mapping[StepCode, tuple[str, str]] = {
    "marker_dropped": ("Dropped", "{n} false marker{s} dropped"),
    "repointed": ("Moved", "{n} citation{s} moved"),
    "cited": ("Added", "{n} citation{s} added"),
    "asked_again": ("Asked again", "the model asked once more"),
    "searched": ("Searched", "searches that the model asked for"),
    "opened": ("Opened", "{n} section{s} that the model asked for"),
    "not_asked_again": ("Not asked again", "no room to ask once more"),
    "left_out": ("Left out", "{n} sentence{s} left out"),
    "computed": ("Computed", "{n} number{s} computed anew"),
    "cut_off": ("Cut off", "cut off"),
    "neutralised": ("Made harmless", "passages made harmless"),
    "fell_back": ("Fell back", "the model replaced"),
    "abstained": ("Abstained", "withheld"),
    "checked_again": ("Read again", "the sources, since it was doubted"),
    "excerpted": ("Quoted", "the sources’ own sentences"),
    "verified": ("Judged", "its sentences judged by the model"),
    "not_verified": ("Not judged", "its sentences checked without the model"),
    "conflict": ("Conflict", "{n} conflict{s} between sources"),
}

_OUTDATED: Mapping[Standing, str] = {
    "changed": "The source has changed since; ask again to cite it as it is.",
    "removed": "The source has been removed since, and its words are no longer shown.",
}

_SAYINGS: Mapping[FeedbackKind, tuple[str, str]] = {
    "right": ("Right", "The answer is right, and so is what it cites"),
    "wrong_citation": ("Wrong citation", "A quote does not support what it is cited for"),
    "should_have_answered": ("Should have answered", "The sources do answer this"),
    "should_not_have_answered": (
        "Should not have answered",
        "The sources do not answer this, or not so",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What a person says of an answer."""

    turn: int
    """0-based place of the exchange in the conversation."""
    kind: FeedbackKind

    @classmethod
    def parse(cls, text: str) -> Saying | None:
        """Read a button's value such as `f-0-right`; None where it is none of ours."""
        match = _SAID.fullmatch(text.strip())
        kind = next((kind for kind in get_args(FeedbackKind) if match and kind == match[2]), None)
        return None if match is None or kind is None else cls(turn=int(match[1]), kind=kind)

    @property
    def value(self) -> str:
        """The value of the button that says it."""
        return f"f-{self.turn}-{self.kind}"


def replaced(answer: Answer) -> str:
    """Return why the chosen model did not write the answer; nothing where it did."""
    step = next((step for step in answer.steps if step.code == "fell_back"), None)
    if step is None:
        return ""
    instead = (
        "The sources were read without it."
        if answer.status == "unanswered"
        else "These are the sources’ own words."
    )
    return (
        '<p class="fn-state fn-fell"><strong>The model could not be used.</strong>'
        f" {escape(_sentence(step.detail))} {instead}</p>"
    )


def footer(answer: Answer) -> str:
    """Return what the answer rests on, and in words how sure it is."""
    if answer.status == "unanswered" and not outcome.headline(answer):
        return '<p class="fn-foot"></p>'
    read = f"{counted(len(answer.evidence), 'passage')} read" if answer.evidence else "nothing read"
    rests = counted(len(answer.citations), "quote") if answer.citations else read
    facts = filter(None, (rests, outcome.sureness(answer)))
    return f'<p class="fn-foot">{" · ".join(facts)}</p>'


def outdated(exchange: Exchange) -> str:
    """Return which quotes are no longer what was cited; nothing where all are."""
    said = [
        f"{_listed(exchange, standing)} {words}"
        for standing, words in _OUTDATED.items()
        if standing in exchange.standing
    ]
    return f'<p class="fn-state fn-gone">{" ".join(said)}</p>' if said else ""


def _listed(exchange: Exchange, standing: Standing) -> str:
    markers = [n for n, one in enumerate(exchange.standing, start=1) if one == standing]
    return ", ".join(f"[{marker}]" for marker in markers)


def steps(answer: Answer) -> str:
    """Return what the program did about the answer's citations, to be unfolded; nothing if nothing."""
    if not answer.steps:
        return ""
    items = "".join(map(_step, answer.steps))
    return (
        f'<details class="fn-steps"><summary>Checked: {_summary(answer)}</summary>'
        f"<ul>{items}</ul></details>"
    )


def feedback(exchange: Exchange, turn: int) -> str:
    """Return the buttons by which a person judges an answer; what was said is marked."""
    if exchange.answer is None:
        return ""
    buttons = "".join(
        _button(Saying(turn=turn, kind=kind), given=kind == exchange.judged)
        for kind in _offered(exchange.answer)
    )
    note = "Noted on this machine only." if exchange.judged else "Is this right?"
    return (
        f'<div class="fn-feedback" role="group"><span class="fn-asked">{note}</span>{buttons}</div>'
    )


def _summary(answer: Answer) -> str:
    times = Counter(step.code for step in answer.steps)
    said = (_STEPS[code][1].format(n=n, s="" if n == 1 else "s") for code, n in times.items())
    return ", ".join(said)


def _step(step: Step) -> str:
    return f"<li><strong>{_STEPS[step.code][0]}.</strong> {escape(_sentence(step.detail))}</li>"


def _sentence(text: str) -> str:
    """Return a phrase with a full stop."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _offered(answer: Answer) -> Iterator[FeedbackKind]:
    """Yield what can be said of such an answer."""
    yield "right"
    if answer.citations:
        yield "wrong_citation"
    if answer.status != "answered":
        yield "should_have_answered"
    if answer.status != "unanswered":
        yield "should_not_have_answered"


def _button(saying: Saying, *, given: bool) -> str:
    label, why = _SAYINGS[saying.kind]
    classes, tick = ("fn-say fn-given", "✓ ") if given else ("fn-say", "")
    return (
        f'<button type="button" class="{classes}" value="{saying.value}" title="{why}">'
        f"{tick}{label}</button>"
    )
