"""The tab of the settings of one page: who answers, how much is read, how sure an answer must be, the look.

They hold for this page only, until it is reloaded; those of the program are environment and `rag.toml`. A chat model
that is connected here (`model_form`) answers for everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.schema import Depth, Verify
from rag.web.conversation import Ways
from rag.web.events import Events
from rag.web.model_form import NO_CONNECTING, ModelForm, lay_out_form, wire_form

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag.web.collections import OpenCollections
    from rag.web.connecting import Connecting
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
_ALONE = '<p class="fn-note">A language model that writes answers can be connected below.</p>'
_CHECKED = (
    "Whether its sentences are borne out: by the model itself, asked once more, and the checks; by the checks"
    " alone, in half the time; or by nobody."
)
_VERIFY: tuple[tuple[str, Verify], ...] = (
    ("Model and checks", "model"),
    ("Checks", "builtin"),
    ("Nobody", "off"),
)
_LOOKS = "Thorough searches up to five times for what it misses, and reads more of your documents."
_DEPTH: tuple[tuple[str, Depth], ...] = (("Quick", "quick"), ("Thorough", "thorough"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components that events read and write."""

    ways: gr.State
    """What was chosen, as `Ways`."""
    model: gr.Radio
    alone: gr.Markdown
    """Shown where nobody but the reader can answer."""
    verify: gr.Radio
    depth: gr.Radio
    top_k: gr.Slider
    strictness: gr.Slider
    usual: gr.Button
    form: ModelForm | None
    """Where a chat model is connected; None where it may not be."""


def lay_out(settings: Settings, *, connects: bool = False) -> Parts:
    """Lay out the tab.

    Args:
        settings: what holds as long as nothing else is chosen.
        connects: whether chat models may be connected.
    """
    ways = gr.State(Ways())
    with gr.Column(elem_id="fn-settings"):
        gr.Markdown(_INTRO)
        model = gr.Radio([], label="Who answers", elem_id="fn-set-model")
        alone = gr.Markdown(_ALONE if connects else NO_CONNECTING, visible=False)
        verify, depth = _of_a_model(settings)
        top_k, strictness = _numbers(settings)
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
        form = lay_out_form() if connects else None
    return Parts(
        ways=ways,
        model=model,
        alone=alone,
        verify=verify,
        depth=depth,
        top_k=top_k,
        strictness=strictness,
        usual=usual,
        form=form,
    )


def _of_a_model(settings: Settings) -> tuple[gr.Radio, gr.Radio]:
    """Lay out what is chosen of a chat model, hidden until there is one."""
    verify = gr.Radio(
        list(_VERIFY),
        value=settings.verify,
        label="Who checks what a language model writes",
        info=_CHECKED,
        visible=False,
        elem_id="fn-set-verify",
    )
    depth = gr.Radio(
        list(_DEPTH),
        value=settings.depth,
        label="How long a language model looks",
        info=_LOOKS,
        visible=False,
        elem_id="fn-set-depth",
    )
    return verify, depth


def _numbers(settings: Settings) -> tuple[gr.Slider, gr.Slider]:
    """Lay out how much is read and how sure an answer must be."""
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
    return top_k, strictness


def wire(
    blocks: gr.Blocks,
    parts: Parts,
    model: gr.Dropdown,
    settings: Settings,
    collections: OpenCollections,
    connecting: Connecting | None = None,
) -> None:
    """Say what happens when something is chosen; nothing of it is a public endpoint.

    Args:
        blocks: the page.
        parts: of the tab.
        model: the choice above the chat, which goes along with the one here.
        settings: what holds as long as nothing else is chosen.
        collections: tell when it is known who can answer.
        connecting: connects a chat model, where `lay_out` was told that it may.
    """
    does = Events(collections, lambda one, _: Choosing(settings, one.opening))
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once = quiet | {"queue": False}
    chosen: list[Any] = [parts.top_k, parts.strictness, parts.verify, parts.depth]
    offered = [parts.model, parts.alone, parts.verify, parts.depth]
    blocks.load(does(Choosing.who), None, offered, concurrency_limit=None, **quiet)
    model.input(_same, model, parts.model, **at_once)
    parts.model.input(_same, parts.model, model, **at_once)
    for one in chosen:
        one.change(does(Choosing.choose), chosen, parts.ways, trigger_mode="always_last", **at_once)
    parts.usual.click(does(Choosing.as_usual), None, chosen, **at_once)
    if parts.form is not None and connecting is not None:
        wire_form(blocks, parts.form, connecting)
        parts.form.used.change(
            does(Choosing.who_now), parts.form.used, [model, *offered], **at_once
        )


class Choosing:
    """What the tab's events do."""

    def __init__(self, settings: Settings, opening: Opening) -> None:
        self._usual = (settings.top_k, settings.strictness, settings.verify, settings.depth)
        self._opening = opening

    async def who(self) -> AsyncIterator[tuple[Update, ...]]:
        """Offer who can answer, as soon as that is known."""
        while self._opening.state.status != "ready":
            await asyncio.sleep(_LOOK_AGAIN)
        models = self._opening.wait().models
        yield gr.Radio(list(models), value=models[0]), *_for_a_model(models)

    def who_now(self, connected: str) -> tuple[Update, ...]:
        """Offer who can answer now that there is one more, and choose that one.

        Args:
            connected: its name.
        """
        models = list(self._opening.wait().models)
        choices: dict[str, Any] = {"choices": models, "value": connected}
        above = gr.Dropdown(**choices, visible=len(models) > 1)
        return above, gr.Radio(**choices), *_for_a_model(models)

    def choose(self, top_k: float, strictness: float, verify: Verify, depth: Depth) -> Ways:
        """Return how questions are to be answered from now on.

        Args:
            top_k: passages to read.
            strictness: 0..1.
            verify: who checks a chat model's sentences.
            depth: how long it looks.
        """
        usual_top_k, usual_strictness, usual_verify, usual_depth = self._usual
        return Ways(
            top_k=None if top_k == usual_top_k else int(top_k),
            strictness=None if strictness == usual_strictness else float(strictness),
            verify=None if verify == usual_verify else verify,
            depth=None if depth == usual_depth else depth,
        )

    def as_usual(self) -> tuple[float, float, Verify, Depth]:
        """Return what holds unless something else is chosen."""
        return self._usual


def _for_a_model(models: Sequence[str]) -> tuple[Update, Update, Update]:
    """Show what is chosen of a chat model where there is one beside the reader, else how there would be."""
    is_alone = len(models) == 1
    return (
        gr.Markdown(visible=is_alone),
        gr.Radio(visible=not is_alone),
        gr.Radio(visible=not is_alone),
    )


def _same(model: str | None) -> str | None:
    return model
