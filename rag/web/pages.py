"""The page of the web chat, in Gradio: what is on it and what happens when something is done.

Lays out and wires; what the events do is in `talking`, `carrying` and the modules of the tabs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import api

from rag.errors import ArgumentError, RagError
from rag.evaluation.feedback import record_feedback
from rag.web import evaluation_tab, menus, render, settings_tab, sources_tab
from rag.web.asking import N_AT_ONCE, N_WAITING, OUR_FAULT
from rag.web.carrying import Carrying
from rag.web.collections import OpenCollection, OpenCollections, Person
from rag.web.evaluating import feedback_file
from rag.web.events import Events, refused, visited
from rag.web.finding import MOST_CHARS
from rag.web.keeping import MOST_BYTES
from rag.web.logs import trail
from rag.web.mistakes import ENDPOINT
from rag.web.talking import ASK, Chat

if TYPE_CHECKING:
    from gradio.block_function import BlockFunction
    from gradio.state_holder import SessionState

    from rag.settings import Settings
    from rag.web.connecting import Connecting

log = logging.getLogger(__name__)

N_SESSIONS = 200
"""Pages whose conversations are remembered; the oldest is forgotten first."""

_UNFIT = "A value of this call is not of the kind that is wanted there."
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_AT_ONCE = _QUIET | {"queue": False}
_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Return the theme: fonts of the system; the colours are in `footnote.css`."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        font=_FONT,
        font_mono=_MONO,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """What nobody sees: the page's scripts write there what was done to something that `render` has made."""

    chosen: gr.Textbox
    """The link that was chosen."""
    sought: gr.Textbox
    """The words that are looked for in the document, and where."""
    said: gr.Textbox
    """What was said of an answer."""
    edited: gr.Textbox
    """The question that is to be edited."""
    wanted: gr.Textbox
    """What is to be saved, copied or kept."""
    taken: gr.Textbox
    """What was wanted; the scripts read it."""
    brought: gr.Textbox
    """A conversation that the browser kept."""
    carried: gr.Textbox
    """The conversation that is shown; it comes along with what is done, as the server may have forgotten it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The components that events read and write."""

    talk: gr.State
    picker: gr.Markdown
    """Which collections there are, and which of them the page belongs to."""
    halt: gr.State
    """Why the answer under way is to end; `talk` is that answer's to write until it has ended."""
    status: gr.Markdown
    tabs: gr.Tabs
    sources: gr.Tab
    model: gr.Dropdown
    scope: gr.Dropdown
    new: gr.Button
    messages: gr.Chatbot
    offered: gr.State
    """Which sources there were when questions were offered last."""
    meanwhile: gr.Markdown
    """What is being read, and how far it is."""
    box: gr.Textbox
    pane: gr.Markdown
    ways: gr.State
    fields: _Fields


class _Page(gr.Blocks):
    """A page whose endpoint for programs may be called with the question alone, and that prints no request.

    Gradio by itself wants every value of a call that gives them by their places, and prints what it cannot use.
    """

    offered: Collection[int] = ()
    """Numbers of the choices that are known only once the pipeline is open: whoever answers checks what is chosen."""

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Fill in what was left out, and refuse what is still too little."""
        if block_fn.api_name == ENDPOINT and inputs:
            inputs += [None] * (len(block_fn.inputs) - len(inputs))
        super().validate_inputs(block_fn, inputs)

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Read what a page sent, which only somebody else than the page gets wrong."""
        try:
            self._offer_again(block_fn, inputs, state)
            values: list[Any] = await super().preprocess_data(
                block_fn, inputs, state, explicit_call
            )
        except Exception as exc:  # noqa: BLE001  (each component has its own)
            log.info("A call was refused: %s", trail(exc))
            bad = HTTPStatus.BAD_REQUEST.phrase
            raise gr.Error(_UNFIT, title=bad, print_exception=False) from None
        return values

    def _offer_again(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None
    ) -> None:
        """Let a page choose what it was offered before the server forgot that it did."""
        for block, given in zip(block_fn.inputs, inputs, strict=False):
            if state is None or block._id not in self.offered or not given:
                continue
            chosen = given if isinstance(given, list) else [given]
            if all(isinstance(one, str) for one in chosen):
                again = copy(state[block._id])
                again.choices = [(one, one) for one in chosen]
                state[block._id] = again

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        """Do what is asked for, and say where it failed, not over what."""
        try:
            return await super().process_api(*args, **options)
        except gr.Error as exc:
            exc.print_exception = False
            raise
        except Exception as exc:  # noqa: BLE001  (whatever it was)
            log.error("Something on a page failed: %s", trail(exc))  # noqa: TRY400
            raise gr.Error(OUR_FAULT, print_exception=False) from None


def build(
    collections: OpenCollections,
    settings: Settings,
    *,
    examples: Sequence[str] = (),
    connecting: Connecting | None = None,
) -> gr.Blocks:
    """Lay out the page and say what its parts do.

    Args:
        collections: what can be asked, and changed.
        settings: limits.
        examples: questions to offer as long as the sources answer them.
        connecting: connects chat models; None where whoever sits before the page may not.
    """
    chat = Events(collections, partial(_chat, collections, settings, examples))
    carrying = Events(collections, lambda one, _: Carrying(one.opening))
    blocks = _Page(title="Footnote", analytics_enabled=False, fill_width=True)
    with blocks:
        parts, evaluation, sources, ways = _lay_out(settings, connects=connecting is not None)
        _leave_dollars(blocks)
        _wire(blocks, parts, chat, carrying)
        _wire_fields(parts, chat, carrying)
        blocks.offered = {parts.model._id, parts.scope._id, ways.model._id}
        _wire_offers(blocks, parts, chat, sources)
        sources_tab.wire(
            blocks,
            sources,
            collections,
            settings=settings,
            scope=parts.scope,
            status=parts.status,
            meanwhile=parts.meanwhile,
            tabs=parts.tabs,
            tab=parts.sources,
        )
        settings_tab.wire(blocks, ways, parts.model, settings, collections, connecting)
        evaluation_tab.wire(blocks, evaluation, parts.model, collections)
        blocks.load(_picker(collections), None, parts.picker, **_AT_ONCE)
        api(_endpoint(collections, settings), api_name=ENDPOINT, concurrency_id="ask")
    blocks.queue(default_concurrency_limit=N_AT_ONCE, max_size=N_WAITING)
    _rest(blocks)
    blocks.state_session_capacity = N_SESSIONS
    return blocks


def _rest(blocks: gr.Blocks) -> None:
    """Have Gradio's queue look for work twenty times a second, as on Windows; elsewhere it does a thousand times."""
    queue = blocks._queue
    queue.sleep_when_free, queue.progress_update_sleep_when_free = 0.05, 0.5


def _chat(
    collections: OpenCollections,
    settings: Settings,
    examples: Sequence[str],
    one: OpenCollection,
    person: Person,
) -> Chat:
    """Return what the events of the chat do, for somebody who asks a collection."""
    is_home = one is collections.home
    return Chat(
        one.opening,
        max_chars=settings.max_question_chars,
        keep=partial(record_feedback, feedback_file(one.settings)) if one.is_one else _keep_none,
        examples=examples if is_home else (),
        uploads=settings.uploads and not collections.refusal(one, person),
        seeds=str(one.settings.seeds_dir if not is_home else one.settings.seeds_dir.name),
        collections=one.names if collections.choices(person) else (),
        note=lambda did, what: collections.note(person, did, one, what),
    )


def _keep_none(*_: object, **__: object) -> None:
    """Refuse to keep what is said of an answer from several: no place is seen only by who may ask them all."""
    raise ArgumentError(
        "What is said of an answer is kept with its collection. Ask one, not several."
    )


def _picker(collections: OpenCollections) -> Callable[..., str]:
    """Return what shows the collections that whoever sits before the page can choose among."""

    def pick(request: gr.Request) -> str:
        try:
            one, person = visited(collections, request)
        except RagError as exc:
            raise refused(exc) from exc
        return menus.picker(
            collections.choices(person), one.names, fixed=bool(collections.refusal(one, person))
        )

    pick.__annotations__["request"] = gr.Request
    return pick


def _endpoint(collections: OpenCollections, settings: Settings) -> Callable[..., dict[str, Any]]:
    """Return the endpoint for programs."""

    def ask(
        request: gr.Request,
        question: str,
        history: list[dict[str, str]] | None = None,
        model: str | None = None,
        sources: list[str] | None = None,
        collection: str | list[str] | None = None,
    ) -> dict[str, Any]:
        """Answer a question: the endpoint for programs.

        Args:
            request: what Gradio hands in.
            question: the question.
            history: earlier turns, oldest first, each with `role` (user or assistant) and `text`.
            model: who is to answer, such as openai:gpt-5 or extractive; without one, the first that
                is configured.
            sources: ids of the only sources to search; without any, all.
            collection: the name of the collection to ask, or several; without one, that of the server.

        Returns:
            The answer in the form of `rag.Answer.to_dict`.
        """
        try:
            one, person = visited(collections, request, collection)
        except RagError as exc:
            raise refused(exc) from exc
        return _chat(collections, settings, (), one, person).ask(question, history, model, sources)

    ask.__annotations__["request"] = gr.Request
    return ask


def functions(page: gr.Blocks) -> dict[int, str]:
    """Return the API's name of each function of the page by its number; "" where programs have none."""
    return {
        number: str(fn.api_name) if fn.api_visibility == "public" else ""
        for number, fn in page.fns.items()
    }


def _lay_out(
    settings: Settings, *, connects: bool
) -> tuple[_Parts, evaluation_tab.Parts, sources_tab.Parts, settings_tab.Parts]:
    talk, halt = gr.State(()), gr.State("")
    act, seen = sources_tab.marks()
    with gr.Row(elem_id="fn-top"):
        gr.Markdown(render.BRAND, elem_id="fn-brand")
        picker = gr.Markdown("", elem_id="fn-picker")
        status = gr.Markdown(render.status("starting", ""), elem_id="fn-status")
        model = _who_answers()
    with gr.Tabs(elem_id="fn-tabs") as tabs:
        with gr.Tab("Chat", id="chat"), gr.Row(elem_id="fn-main"):
            with gr.Column(elem_id="fn-chat"):
                with gr.Row(elem_id="fn-bar"):
                    gr.Markdown(menus.BAR, elem_id="fn-menus")
                    new = gr.Button("New", size="sm", elem_id="fn-new")
                messages = _chatbot()
                meanwhile = gr.Markdown("", elem_id="fn-meanwhile")
                scope = sources_tab.scope()
                box = _question_box(settings.max_question_chars)
            with gr.Column(elem_id="fn-side"):
                pane = gr.Markdown(render.EMPTY_PANE, elem_id="fn-pane")
                _finder()
        with gr.Tab("Sources", id="sources") as sources:
            held = sources_tab.lay_out(settings, act, seen)
        with gr.Tab("Evaluate"):
            evaluation = evaluation_tab.lay_out()
        with gr.Tab("Settings", id="settings"):
            ways = settings_tab.lay_out(settings, connects=connects)
    parts = _Parts(
        talk=talk,
        picker=picker,
        halt=halt,
        status=status,
        tabs=tabs,
        sources=sources,
        model=model,
        scope=scope,
        new=new,
        messages=messages,
        offered=gr.State(""),
        meanwhile=meanwhile,
        box=box,
        pane=pane,
        ways=ways.ways,
        fields=_hidden_fields(),
    )
    return parts, evaluation, held, ways


def _who_answers() -> gr.Dropdown:
    """Lay out the choice of who answers, hidden until there is one."""
    return gr.Dropdown(
        [],
        label="Who answers",
        show_label=False,
        container=False,
        filterable=False,
        interactive=True,
        visible=False,
        elem_id="fn-model",
    )


def _leave_dollars(blocks: gr.Blocks) -> None:
    """Show what documents write between dollar signs as it is: Gradio makes formulas of it."""
    for part in blocks.blocks.values():
        if isinstance(part, gr.Markdown):
            part.latex_delimiters = []


def _finder() -> None:
    """Lay out what looks for words in the document; `reading.js` does the rest."""
    with gr.Row(elem_id="fn-seek"):
        gr.Textbox(
            "",
            label="Find in this document",
            show_label=False,
            container=False,
            placeholder="Find in this document",
            max_length=MOST_CHARS,
            elem_id="fn-seek-words",
            html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
        )
        gr.Button("Previous place", size="sm", elem_id="fn-seek-back")
        gr.Button("Next place", size="sm", elem_id="fn-seek-on")


def _hidden_fields() -> _Fields:
    def field(name: str, max_length: int | None = 64) -> gr.Textbox:
        return gr.Textbox(
            visible="hidden", elem_id=f"fn-{name}", label=name.title(), max_length=max_length
        )

    return _Fields(
        chosen=field("chosen"),
        sought=field("sought", MOST_CHARS + 64),
        said=field("said"),
        edited=field("edited"),
        wanted=field("wanted"),
        taken=field("taken", None),
        brought=field("brought", MOST_BYTES + 64),
        carried=field("carried", None),
    )


def _question_box(max_chars: int) -> gr.Textbox:
    return gr.Textbox(
        label="Question",
        show_label=False,
        container=False,
        placeholder="Ask your documents",
        elem_id="fn-box",
        max_length=max_chars,
        lines=1,
        max_lines=6,
        submit_btn=ASK,
        autofocus=True,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
    )


def _chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        label="Conversation",
        show_label=False,
        container=False,
        elem_id="fn-messages",
        # The messages are HTML made by `render`: no Markdown, no formulas, no tags of anybody else.
        render_markdown=False,
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        buttons=[],
        feedback_options=None,
        group_consecutive_messages=False,
        layout="bubble",
        height="100%",
        placeholder=render.WELCOME,
        autoscroll=False,  # `footnote.js` goes to the question, and stays there
    )


def _wire(blocks: gr.Blocks, parts: _Parts, chat: Events[Chat], carrying: Events[Carrying]) -> None:
    """Say what happens when something is done; nothing of it is a public endpoint."""
    talk, halt, messages, box, pane = (
        parts.talk,
        parts.halt,
        parts.messages,
        parts.box,
        parts.pane,
    )
    quiet, at_once = _QUIET, _AT_ONCE
    carried = parts.fields.carried
    asked = (talk, halt, messages, box)
    choice = (parts.model, parts.scope, carried)
    answered = (talk, messages, pane, box)
    welcome = (parts.status, parts.model)
    carry: dict[str, Any] = {
        "fn": carrying(Carrying.carry),
        "inputs": talk,
        "outputs": carried,
    } | at_once
    blocks.load(chat(Chat.greet), None, welcome, concurrency_limit=None, **quiet)
    starts = (
        box.submit(chat(Chat.accept), [box, talk, *choice], asked, **at_once),
        messages.example_select(chat(Chat.accept_example), [talk, *choice], asked, **at_once),
        messages.retry(chat(Chat.retry), [talk, *choice], asked, **at_once),
    )
    runs = [
        start.success(
            chat(Chat.answer),
            [talk, parts.ways],
            (*answered, carried),
            concurrency_id="ask",
            **quiet,
        )
        for start in starts
    ]
    for run in runs:
        # What is cancelled fails, and so does what the queue does not take.
        run.failure(chat(Chat.end), [talk, halt], answered, **at_once).then(**carry)
    box.stop(lambda: "stopped", None, halt, cancels=runs, **at_once)
    parts.new.click(chat(Chat.clear), None, (halt, *answered), cancels=runs, **at_once).then(
        **carry
    )
    messages.undo(chat(Chat.undo), [talk, carried], answered, **at_once).then(**carry)


def _wire_offers(
    blocks: gr.Blocks, parts: _Parts, chat: Events[Chat], sources: sources_tab.Parts
) -> None:
    """Offer questions at first, and when the sources have changed."""
    offer: dict[str, Any] = {
        "fn": chat(Chat.offer),
        "inputs": parts.offered,
        "outputs": [parts.messages, parts.offered],
        "concurrency_limit": None,
    }
    blocks.load(**offer, **_QUIET)
    sources.seen.change(**offer, **_QUIET)


def _wire_fields(parts: _Parts, chat: Events[Chat], carrying: Events[Carrying]) -> None:
    """Say what happens when a script has written into a field."""
    fields, talk, messages = parts.fields, parts.talk, parts.messages
    at_once = _AT_ONCE
    known = [talk, fields.carried]
    fields.chosen.change(chat(Chat.show), [fields.chosen, *known], parts.pane, **at_once)
    fields.sought.change(
        chat(Chat.find), [fields.sought, *known], parts.pane, trigger_mode="always_last", **at_once
    )
    fields.said.change(chat(Chat.judge), [fields.said, *known], [talk, messages], **at_once)
    fields.edited.change(
        chat(Chat.edit), [fields.edited, *known], [talk, messages, parts.box], **at_once
    )
    fields.wanted.change(
        carrying(Carrying.take),
        [fields.wanted, *known],
        fields.taken,
        trigger_mode="multiple",
        **at_once,
    )
    fields.brought.change(
        carrying(Carrying.bring), [fields.brought, talk], [talk, messages, parts.pane], **at_once
    ).then(carrying(Carrying.carry), talk, fields.carried, **at_once)
