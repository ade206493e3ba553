"""The page of the web chat, in Gradio: what is on it and what happens when something is done.

Holds no logic of answering and makes no HTML: the pipeline does the one, `render` the other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr
from gradio.events import api

from rag.errors import QuestionError, RagError, SourceNotFoundError
from rag.schema import AnswerReady, Source, TextDelta, Turn
from rag.web import render
from rag.web.conversation import Conversation, Exchange, turns, with_last
from rag.web.render import Ref
from rag.web.streaming import in_thread

if TYPE_CHECKING:
    from rag.web.opening import Answering, Opening

log = logging.getLogger(__name__)

N_AT_ONCE = 8
"""Questions that are answered at the same time; others wait."""
N_WAITING = 64
"""Questions that may wait; more are refused."""
N_SESSIONS = 200
"""Pages whose conversations are remembered; the oldest is forgotten first."""

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

_FRAME = 0.05  # seconds between two pictures of an answer that is being written
_LOOK_AGAIN = 0.2  # seconds between two looks at an opening
_ASK, _STOP = "Ask", "Stop"
_ECHO = 200  # characters shown of a question that is too long
_STOPPED = "Stopped. What was written so far has not been checked."
_REFUSED = "Too many questions are being asked at the moment. Try again in a while."
_OUR_FAULT = "Something went wrong here. The program's log says what."
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
class _Parts:
    """The components that events read and write."""

    talk: gr.State
    halt: gr.State
    """Why the answer under way is to end; `talk` is that answer's to write until it has ended."""
    status: gr.Markdown
    messages: gr.Chatbot
    box: gr.Textbox
    pane: gr.Markdown
    chosen: gr.Textbox


def build(opening: Opening, *, max_chars: int, examples: Sequence[str] = ()) -> gr.Blocks:
    """Lay out the page and say what its parts do.

    Args:
        opening: hands out the pipeline once it is open.
        max_chars: longer questions are refused.
        examples: questions to offer while nothing has been asked.
    """
    chat = Chat(opening, max_chars=max_chars)
    blocks = gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True)
    with blocks:
        _wire(blocks, _lay_out(max_chars, examples), chat)
        api(chat.ask, api_name="ask", concurrency_id="ask")
    blocks.queue(default_concurrency_limit=N_AT_ONCE, max_size=N_WAITING)
    blocks.state_session_capacity = N_SESSIONS
    return blocks


def _lay_out(max_chars: int, examples: Sequence[str]) -> _Parts:
    talk, halt = gr.State(()), gr.State("")
    with gr.Row(elem_id="fn-top"):
        gr.Markdown(render.BRAND, elem_id="fn-brand")
        status = gr.Markdown(render.status("starting", ""), elem_id="fn-status")
    with gr.Row(elem_id="fn-main"):
        with gr.Column(elem_id="fn-chat"):
            messages = _chatbot(examples)
            box = gr.Textbox(
                label="Question",
                show_label=False,
                container=False,
                placeholder="Ask your documents",
                elem_id="fn-box",
                max_length=max_chars,
                lines=1,
                max_lines=6,
                submit_btn=_ASK,
                autofocus=True,
                html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
            )
        with gr.Column(elem_id="fn-side"):
            pane = gr.Markdown(render.EMPTY_PANE, elem_id="fn-pane")
    # `footnote.js` writes here which link was chosen.
    chosen = gr.Textbox(visible="hidden", elem_id="fn-chosen", label="Chosen", max_length=64)
    return _Parts(
        talk=talk, halt=halt, status=status, messages=messages, box=box, pane=pane, chosen=chosen
    )


def _chatbot(examples: Sequence[str]) -> gr.Chatbot:
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
        examples=[{"text": example} for example in examples] or None,
    )


def _wire(blocks: gr.Blocks, parts: _Parts, chat: Chat) -> None:
    """Say what happens when something is done; nothing of it is a public endpoint."""
    talk, halt, messages, box, pane = (
        parts.talk,
        parts.halt,
        parts.messages,
        parts.box,
        parts.pane,
    )
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    at_once = quiet | {"queue": False}
    asked = (talk, halt, messages, box)
    answered = (talk, messages, pane, box)
    blocks.load(chat.greet, None, parts.status, concurrency_limit=None, **quiet)
    starts = (
        box.submit(chat.accept, [box, talk], asked, **at_once),
        messages.example_select(chat.accept_example, [talk], asked, **at_once),
        messages.retry(chat.retry, [talk], asked, **at_once),
    )
    runs = [
        start.success(chat.answer, [talk], answered, concurrency_id="ask", **quiet)
        for start in starts
    ]
    for run in runs:
        # What is cancelled fails, and so does what the queue does not take.
        run.failure(chat.end, [talk, halt], answered, **at_once)
    box.stop(lambda: "stopped", None, halt, cancels=runs, **at_once)
    messages.clear(chat.clear, None, (halt, *answered), cancels=runs, **at_once)
    messages.undo(chat.undo, [talk], answered, **at_once)
    parts.chosen.change(chat.show, [parts.chosen, talk], pane, **at_once)


class Chat:
    """What the page's events do; the person's conversation comes in and goes out with each."""

    def __init__(self, opening: Opening, *, max_chars: int) -> None:
        self._opening = opening
        self._max_chars = max_chars

    async def greet(self) -> AsyncIterator[str]:
        """Say how far the opening is, until it is done; a page loaded after a failure retries."""
        self._opening.start()
        shown = None
        while (state := self._opening.state).status == "starting":
            if state != shown:
                yield render.status(state.status, state.message)
                shown = state
            await asyncio.sleep(_LOOK_AGAIN)
        if state.status == "failed":
            yield render.status("failed", f"{state.message} Reload the page to try again.")
        else:
            n_sources = len(await asyncio.to_thread(self._opening.wait().sources))
            yield render.status("ready", f"{n_sources} source{'' if n_sources == 1 else 's'}")

    def accept(self, question: str, talk: Conversation) -> tuple[Update, ...]:
        """Take a question, unless one is being answered or it cannot be asked."""
        question = question.strip()
        if not question or _is_pending(talk):
            return (gr.skip(),) * 4
        exchange = Exchange(question=question)
        if len(question) > self._max_chars:
            exchange = Exchange(
                question=question[:_ECHO] + "…",
                trouble=self._too_long(question),
            )
        talk = (*talk, exchange)
        box = gr.Textbox(value="", submit_btn=False, stop_btn=_STOP)
        return talk, "", render.messages(talk), box

    def accept_example(self, talk: Conversation, event: gr.SelectData) -> tuple[Update, ...]:
        """Take an example as the question."""
        return self.accept(str(event.value["text"]), talk)

    def retry(self, talk: Conversation, event: gr.RetryData) -> tuple[Update, ...]:
        """Ask a question again; what came after it is dropped."""
        kept, again = _split(talk, event.index)
        if again is None or _is_pending(talk):
            return (gr.skip(),) * 4
        return self.accept(again.question, kept)

    def undo(self, talk: Conversation, event: gr.UndoData) -> tuple[Update, ...]:
        """Take a question back into the box."""
        kept, taken = _split(talk, event.index)
        if taken is None or _is_pending(talk):
            return (gr.skip(),) * 4
        return kept, render.messages(kept), self._pane(kept), _box(value=taken.question)

    def clear(self) -> tuple[Update, ...]:
        """Begin a new conversation."""
        return "cleared", (), [], render.EMPTY_PANE, _box()

    def end(self, talk: Conversation, halt: str) -> tuple[Update, ...]:
        """Leave the last question as it is, and say why."""
        if halt == "cleared":
            return self.clear()[1:]
        if _is_pending(talk):
            why = _STOPPED if halt else _REFUSED
            talk = with_last(talk, replace(talk[-1], trouble=why))
        return talk, render.messages(talk), gr.skip(), _box()

    async def answer(self, talk: Conversation) -> AsyncIterator[tuple[Update, ...]]:
        """Answer the last question, showing how far it is."""
        if not _is_pending(talk):
            yield gr.skip(), gr.skip(), gr.skip(), _box()
            return
        async for exchange in self._follow(talk[-1], turns(talk[:-1])):
            talk = with_last(talk, exchange)
            yield talk, render.messages(talk), gr.skip(), gr.skip()
        pane = await asyncio.to_thread(self._pane, talk)
        yield talk, render.messages(talk), pane, _box()

    def show(self, target: str, talk: Conversation) -> str:
        """Open what a link in an answer points to in the source pane.

        Args:
            target: the link, and a number that makes a second choice of the same link a change.
            talk: the conversation.
        """
        return self._pane(talk, Ref.parse(target.partition(" ")[0]))

    def ask(self, question: str, history: list[dict[str, str]] | None = None) -> dict[str, Any]:
        """Answer a question: the endpoint for programs.

        Args:
            question: the question.
            history: earlier turns, oldest first, each with `role` (user or assistant) and `text`.

        Returns:
            The answer in the form of `rag.Answer.to_dict`.
        """
        try:
            if len(question) > self._max_chars:
                raise QuestionError(self._too_long(question))
            events = self._opening.wait().stream(question, _turns(history or []))
            return next(
                event.answer.to_dict() for event in events if isinstance(event, AnswerReady)
            )
        except RagError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

    def _too_long(self, question: str) -> str:
        return (
            f"A question may have at most {self._max_chars:,} characters; this one has"
            f" {len(question):,}. Please shorten it."
        )

    async def _follow(self, exchange: Exchange, history: Sequence[Turn]) -> AsyncIterator[Exchange]:
        """Yield the exchange as it grows, new words at most once a frame."""
        while (state := self._opening.state).status == "starting":
            yield replace(exchange, notice=f"{state.message} Your question is next.")
            await asyncio.sleep(_LOOK_AGAIN)
        due = 0.0
        events = in_thread(lambda: self._opening.wait().stream(exchange.question, history))
        try:
            async for event in events:
                exchange = exchange.after(event)
                if not isinstance(event, TextDelta):
                    yield exchange
                elif time.monotonic() >= due:
                    yield exchange
                    due = time.monotonic() + _FRAME
        except RagError as exc:
            yield replace(exchange, trouble=str(exc))
        except Exception:
            # The border to a person: no traceback reaches them, whatever it was; the log keeps it.
            log.exception("A question could not be answered")
            yield replace(exchange, trouble=_OUR_FAULT)

    def _pane(self, talk: Conversation, ref: Ref | None = None) -> str:
        """Return the pane for a link, or for the first words the last answer rests on."""
        ref = ref or render.first_ref(talk)
        source_ids = {item.source_id for item in render.items_of(talk, ref)}
        if not source_ids:
            return render.EMPTY_PANE
        rag = self._opening.wait()
        documents = {source_id: _find(rag, source_id) for source_id in source_ids}
        return render.pane(talk, ref, documents)


def _find(rag: Answering, source_id: str) -> Source | None:
    try:
        return rag.source(source_id)
    except SourceNotFoundError:
        return None


def _box(**changes: Any) -> Update:  # noqa: ANN401  (Gradio's own options)
    return gr.Textbox(submit_btn=_ASK, stop_btn=False, **changes)


def _is_pending(talk: Conversation) -> bool:
    return bool(talk) and talk[-1].answer is None and not talk[-1].trouble


def _split(talk: Conversation, index: int | Sequence[int]) -> tuple[Conversation, Exchange | None]:
    """Split at the exchange of a message of the chat, which Gradio names by its place or places."""
    turn = (index if isinstance(index, int) else index[0]) // 2
    return talk[:turn], (talk[turn] if turn < len(talk) else None)


def _turns(history: Sequence[Mapping[str, str]]) -> tuple[Turn, ...]:
    said = []
    for turn in history:
        match turn:
            case {"role": "user" | "assistant" as role, "text": str(text)}:
                said.append(Turn(role=role, text=text))
            case _:
                raise QuestionError(
                    "A turn of the history has 'role' (user or assistant) and 'text',"
                    f" both strings; got {turn!r}."
                )
    return tuple(said)
