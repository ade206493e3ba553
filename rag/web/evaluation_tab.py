"""The tab that asks a set of questions and shows how good the answers are, in Gradio.

Measures nothing and makes no HTML: `evaluating` does the one, `figures` the other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import gradio as gr

from rag.errors import RagError
from rag.evaluation.report import EvaluationReport
from rag.web import figures
from rag.web.collections import OpenCollection, OpenCollections, Person
from rag.web.evaluating import REPORTS, Evaluating, SetName
from rag.web.events import Events
from rag.web.logs import trail
from rag.web.streaming import paced

log = logging.getLogger(__name__)

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

QUICK = 20
"""Questions of a quick look."""
MOST_CHARS = 500_000
"""Characters of a person's own questions."""

_FRAME = 0.2  # seconds between two pictures of a run
_SETS: dict[SetName, str] = {
    "article": "About the article that came with Footnote",
    "own": "My own",
    "feedback": "What was said of answers here",
}
_INTRO = (
    '<div class="fn-intro"><h2>How good are the answers?</h2><p class="fn-note">A set of questions'
    " is asked over your sources as they are now, by whoever answers in the chat, and what comes"
    " back is measured on this machine.</p></div>"
)
_SAMPLE = "question,answers,answerable\nWhen was the harbour built?,1871,yes\nWho owns it?,,no"
_STOPPED = "Stopped. There is no report."
_SEVERAL = "A run is kept with the collection that it asks. Choose one, not several."
_OUR_FAULT = "Something went wrong here. The program's log says what."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components that events read and write."""

    name: gr.Radio
    own: gr.Column
    text: gr.Textbox
    limit: gr.Radio
    run: gr.Button
    stop: gr.Button
    progress: gr.Markdown
    report: gr.Markdown


def lay_out() -> Parts:
    """Lay out the tab."""
    with gr.Column(elem_id="fn-evaluate"):
        gr.Markdown(_INTRO)
        name = gr.Radio([(_SETS["own"], "own")], value="own", label="Questions", elem_id="fn-set")
        with gr.Column(elem_id="fn-own") as own:
            text = gr.Textbox(
                label="CSV with a column question and, where known, answers, evidence, answerable;"
                " or JSON lines",
                placeholder=_SAMPLE,
                lines=5,
                max_lines=12,
                max_length=MOST_CHARS,
                elem_id="fn-questions",
            )
            # `footnote.js` reads the file: nothing is uploaded but the text in the box.
            gr.Button("Open a file…", size="sm", elem_id="fn-file")
        limit = gr.Radio(
            [(f"A quick look: {QUICK}", QUICK), ("All of them", 0)],
            value=QUICK,
            label="How many",
            elem_id="fn-limit",
        )
        with gr.Row(elem_id="fn-go"):
            run = gr.Button("Run", variant="primary", elem_id="fn-run")
            stop = gr.Button("Stop", visible=False, elem_id="fn-halt")
        progress = gr.Markdown("", elem_id="fn-progress")
        report = gr.Markdown("", elem_id="fn-report")
    return Parts(
        name=name,
        own=own,
        text=text,
        limit=limit,
        run=run,
        stop=stop,
        progress=progress,
        report=report,
    )


def wire(blocks: gr.Blocks, parts: Parts, model: gr.Dropdown, collections: OpenCollections) -> None:
    """Say what happens when something is done; nothing of it is a public endpoint."""
    tab = Events(collections, _tab)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [parts.progress, parts.report, parts.run, parts.stop]
    blocks.load(tab(Tab.offer), None, [parts.name, parts.own], queue=False, **quiet)
    parts.name.change(
        lambda name: gr.Column(visible=name == "own"), parts.name, parts.own, queue=False, **quiet
    )
    running = parts.run.click(
        tab(Tab.run),
        [parts.name, parts.text, parts.limit, model],
        shown,
        concurrency_id="evaluate",
        concurrency_limit=1,
        **quiet,
    )
    parts.stop.click(tab(Tab.stop), None, shown, cancels=[running], queue=False, **quiet)


class Tab:
    """What the tab's events do."""

    def __init__(self, evaluating: Evaluating) -> None:
        self._evaluating = evaluating

    def offer(self) -> tuple[Update, ...]:
        """Show which question sets there are, and the box for one's own where no other is."""
        names = self._evaluating.sets()
        choices = [(_SETS[name], name) for name in names]
        return gr.Radio(choices=choices, value=names[0]), gr.Column(visible=names[0] == "own")

    async def run(
        self, name: SetName, text: str, limit: int, model: str | None
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Ask the questions, showing how far it is, and show the report.

        Args:
            name: of the question set.
            text: the questions, where they are the person's own.
            limit: at most so many; 0 for all.
            model: who answers; None for whoever does unless another is chosen.
        """
        began = time.monotonic()
        yield figures.progress(0, 0, 0), "", *_buttons(running=True)
        try:
            events = self._evaluating.run(name, text=text, limit=limit or None, model=model)
            async with aclosing(paced(events, every=_FRAME)) as pictures:
                async for event in pictures:
                    if isinstance(event, EvaluationReport):
                        yield "", figures.report(event, _links(event)), *_buttons(running=False)
                    else:
                        seconds = time.monotonic() - began
                        shown = figures.progress(event.done, event.total, seconds)
                        yield shown, *(gr.skip(),) * 3
        except RagError as exc:
            yield figures.trouble(str(exc)), "", *_buttons(running=False)
        except Exception as exc:  # noqa: BLE001  (whatever it was)
            # The border to a person: no traceback reaches them, whatever it was; the log keeps where.
            log.error("An evaluation failed: %s", trail(exc))  # noqa: TRY400
            yield figures.trouble(_OUR_FAULT), "", *_buttons(running=False)

    def stop(self) -> tuple[Update, ...]:
        """Say that the run was stopped."""
        return figures.trouble(_STOPPED), "", *_buttons(running=False)


def _tab(one: OpenCollection, _: Person) -> Tab:
    """Return what the tab's events do for a collection."""
    refusal = "" if one.is_one else _SEVERAL
    return Tab(Evaluating(one.opening, one.settings, refusal=refusal))


def _buttons(*, running: bool) -> tuple[Update, Update]:
    return gr.Button(visible=not running), gr.Button(visible=running)


def _links(report: EvaluationReport) -> list[tuple[str, str]]:
    """Return label and address of each file that holds all of a report."""
    folder = Path(report.run)
    return [
        (Path(name).suffix[1:].upper(), f"/reports/{folder.name}/{name}")
        for name in REPORTS
        if (folder / name).is_file()
    ]
