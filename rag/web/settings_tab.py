"""The tab of the settings of one page: who answers, how much is read, how sure an answer must be, the look.

They hold for this page only, until it is reloaded; those of the program are environment and `rag.toml`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.web.conversation import Ways

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag.web.opening import Opening

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

MOST_PASSAGES = 30
"""Passages that can be chosen to be read."""

_LOOK_AGAIN = 0.2  # seconds between two looks at an opening
_INTRO = (
    '<div class="fn-intro"><h2>Settings</h2><p class="fn-note">They hold for this page, until it is'
    " reloaded, and for questions asked from now on. Nobody else’s page changes.</p></div>"
)
_READ = (
    "How many passages are looked at for each question. More finds what is far down, takes longer, and"
    " gives a model more to be confused by."
)
_STRICT = (
    "How sure an answer must be. At 0 you get an answer whenever there is one to be had, right or not;"
    " at 1 only when it is nearly certain, and “Not in your sources” otherwise. 0.5 is balanced."
)
_ALONE = (
    '<p class="fn-note">To have a language model answer, start again with one configured, such as'
    " <code>RAG_LLM=ollama:llama3.2</code>. Answers are then checked just the same.</p>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components that events read and write."""

    ways: gr.State
    """What was chosen, as `Ways`."""
    model: gr.Radio
    alone: gr.Markdown
    top_k: gr.Slider
    strictness: gr.Slider
    usual: gr.Button


def lay_out(settings: Settings) -> Parts:
    """Lay out the tab.

    Args:
        settings: what holds as long as nothing else is chosen.
    """
    ways = gr.State(Ways())
    with gr.Column(elem_id="fn-settings"):
        gr.Markdown(_INTRO)
        model = gr.Radio([], label="Who answers", elem_id="fn-set-model")
        alone = gr.Markdown(_ALONE, visible=False)
        top_k = gr.Slider(
            1,
            max(MOST_PASSAGES, settings.top_k),
            value=settings.top_k,
            step=1,
            label="Passages to read",
            info=_READ,
            buttons=[],
            elem_id="fn-set-top-k",
        )
        strictness = gr.Slider(
            0,
            1,
            value=settings.strictness,
            step=0.05,
            label="Strictness",
            info=_STRICT,
            buttons=[],
            elem_id="fn-set-strictness",
        )
        usual = gr.Button("As usual", size="sm", elem_id="fn-set-usual")
        # `keys.js` does what these say; the server need not know.
        gr.Radio(
            [("As the system", "system"), ("Light", "light"), ("Dark", "dark")],
            value="system",
            label="Look",
            interactive=True,
            elem_id="fn-set-look",
        )
        gr.Checkbox(
            value=True,
            label="Single keys are shortcuts (/, n, p, f, e, ?)",
            interactive=True,
            container=False,
            elem_id="fn-set-keys",
        )
    return Parts(
        ways=ways, model=model, alone=alone, top_k=top_k, strictness=strictness, usual=usual
    )


def wire(
    blocks: gr.Blocks, parts: Parts, model: gr.Dropdown, settings: Settings, opening: Opening
) -> None:
    """Say what happens when something is chosen; nothing of it is a public endpoint.

    Args:
        blocks: the page.
        parts: of the tab.
        model: the choice above the chat, which goes along with the one here.
        settings: what holds as long as nothing else is chosen.
        opening: tells when it is known who can answer.
    """
    does = Choosing(settings, opening)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once = quiet | {"queue": False}
    numbers = [parts.top_k, parts.strictness]
    blocks.load(does.who, None, [parts.model, parts.alone], concurrency_limit=None, **quiet)
    model.input(_same, model, parts.model, **at_once)
    parts.model.input(_same, parts.model, model, **at_once)
    for number in numbers:
        number.change(does.choose, numbers, parts.ways, trigger_mode="always_last", **at_once)
    parts.usual.click(does.as_usual, None, numbers, **at_once)


class Choosing:
    """What the tab's events do."""

    def __init__(self, settings: Settings, opening: Opening) -> None:
        self._usual = (settings.top_k, settings.strictness)
        self._opening = opening

    async def who(self) -> AsyncIterator[tuple[Update, ...]]:
        """Offer who can answer, as soon as that is known."""
        while self._opening.state.status != "ready":
            await asyncio.sleep(_LOOK_AGAIN)
        models = self._opening.wait().models
        yield gr.Radio(list(models), value=models[0]), gr.Markdown(visible=len(models) == 1)

    def choose(self, top_k: float, strictness: float) -> Ways:
        """Return how questions are to be answered from now on.

        Args:
            top_k: passages to read.
            strictness: 0..1.
        """
        usual_top_k, usual_strictness = self._usual
        return Ways(
            top_k=None if top_k == usual_top_k else int(top_k),
            strictness=None if strictness == usual_strictness else float(strictness),
        )

    def as_usual(self) -> tuple[float, float]:
        """Return the numbers that hold unless others are chosen."""
        return self._usual


def _same(model: str | None) -> str | None:
    return model
