"""What happens when a person asks, stops or looks something up; the conversation comes in and goes out with each.

Holds no logic of answering and makes no HTML: the pipeline does the one, `render` the other.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import gradio as gr

from rag.errors import QuestionError, RagError, SourceNotFoundError
from rag.schema import Answer, Source, Turn
from rag.web import account, render
from rag.web.asking import BUSY, OUR_FAULT, ask, too_long
from rag.web.conversation import Conversation, Exchange, Ways, is_pending, turns, with_last
from rag.web.explaining import explain
from rag.web.finding import Looking
from rag.web.keeping import recalled, to_text
from rag.web.logs import trail
from rag.web.metrics import uncounted
from rag.web.mistakes import status_of
from rag.web.remarks import Saying
from rag.web.render import Ref
from rag.web.standing import rechecked, source_ids, withheld
from rag.web.streaming import in_thread, paced
from rag.web.suggesting import suggest

if TYPE_CHECKING:
    from rag.evaluation.feedback import FeedbackKind
    from rag.web.opening import Answering, Opening

log = logging.getLogger(__name__)

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

Note: TypeAlias = Callable[[str, str], None]
"""Notes a deed, by a word, and the question or source that it was about."""

ASK, STOP = "Ask", "Stop"
"""What the button beside the question says."""

_AS_USUAL = Ways()
_EDITED = re.compile(r"e-(\d{1,6})")
_FRAME = 0.05  # seconds between two pictures of an answer that is being written
_LOOK_AGAIN = 0.2  # seconds between two looks at an opening
_ECHO = 200  # characters shown of a question that is too long
_STOPPED = "Stopped. What was written so far has not been checked."
_AGAIN = "It is tried again in a while."
_NOT_THERE = "A source that was chosen has been removed. Choose again, and ask again."


class Keep(Protocol):
    """Keeps what a person says of an answer."""

    def __call__(self, answer: Answer, kind: FeedbackKind, /, *, history: Sequence[Turn]) -> None:
        """Keep it, with the turns before the question.

        Raises:
            RagError: it could not be kept.
        """


class Chat:
    """What the page's events do."""

    def __init__(
        self,
        opening: Opening,
        *,
        max_chars: int,
        keep: Keep | None = None,
        examples: Sequence[str] = (),
        uploads: bool = True,
        seeds: str = "seeds",
        collections: Sequence[str] = (),
        note: Note = lambda *_: None,
    ) -> None:
        self._opening = opening
        self._max_chars = max_chars
        self._keep = keep
        self._examples = examples
        self._uploads = uploads
        self._seeds = seeds
        self._collections = tuple(collections)
        self._note = note

    async def greet(self) -> AsyncIterator[tuple[Update, ...]]:
        """Say how far the opening is, until it is done; where it fails, until it has succeeded all the same."""
        self._opening.start()
        shown = None
        while (state := self._opening.state).status != "ready":
            if state != shown:
                again = f" {_AGAIN}" if state.status == "failed" else ""
                yield render.status(state.status, state.message + again), gr.skip()
                shown = state
            await asyncio.sleep(_LOOK_AGAIN)
        rag = self._opening.wait()
        sources = await asyncio.to_thread(rag.sources)
        models = list(rag.models)
        choice = gr.Dropdown(choices=models, value=models[0], visible=len(models) > 1)
        yield render.ready(len(sources)), choice

    async def offer(self, offered: str = "") -> tuple[Update, ...]:
        """Say how to begin: a few questions on the sources that are there now, or how to add some.

        Args:
            offered: what this returned last for the page.

        Returns:
            The empty conversation, and what is to be handed in next time; nothing new where the sources are the same.
        """
        while self._opening.state.status != "ready":
            await asyncio.sleep(_LOOK_AGAIN)
        rag = self._opening.wait()
        sources = await asyncio.to_thread(rag.sources)
        state = repr(hash(tuple((one.source_id, one.sha256) for one in sources)))
        if state == offered:
            return gr.skip(), gr.skip()
        questions = await asyncio.to_thread(suggest, uncounted(rag), examples=self._examples)
        begin = render.welcome(len(sources), uploads=self._uploads, seeds=self._seeds)
        examples: Any = [{"text": question} for question in questions] or None
        return gr.Chatbot(placeholder=begin, examples=examples), state

    def accept(
        self,
        question: str,
        talk: Conversation,
        model: str | None = None,
        sources: Sequence[str] | None = None,
        carried: str | None = None,
    ) -> tuple[Update, ...]:
        """Take a question, unless one is being answered or it cannot be asked.

        It takes the place of the one that is being edited, and of all that came after that.

        Args:
            question: what was typed.
            talk: the conversation.
            model: who is to answer; None for whoever does unless another is chosen.
            sources: ids of the only sources to ask; None or none for all.
            carried: the conversation as the page carries it.
        """
        talk = recalled(talk, carried)
        question = question.strip()
        if not question or is_pending(talk):
            return (gr.skip(),) * 4
        exchange = Exchange(
            question=question,
            model=model or "",
            sources=tuple(sources or ()),
            collections=self._collections,
        )
        if len(question) > self._max_chars:
            exchange = Exchange(
                question=question[:_ECHO] + "…",
                trouble=too_long(question, self._max_chars),
            )
        talk = (*_before_edited(talk), exchange)
        box = gr.Textbox(value="", submit_btn=False, stop_btn=STOP)
        return talk, "", render.messages(talk), box

    def accept_example(
        self,
        talk: Conversation,
        model: str | None,
        sources: Sequence[str] | None,
        event: gr.SelectData,
        carried: str | None = None,
    ) -> tuple[Update, ...]:
        """Take an example as the question."""
        return self.accept(str(event.value["text"]), talk, model, sources, carried)

    def retry(
        self,
        talk: Conversation,
        model: str | None,
        sources: Sequence[str] | None,
        event: gr.RetryData,
        carried: str | None = None,
    ) -> tuple[Update, ...]:
        """Ask a question again, of who and what is chosen now; what came after it is dropped."""
        talk = recalled(talk, carried)
        kept, again = _split(talk, event.index)
        if again is None or is_pending(talk):
            return (gr.skip(),) * 4
        return self.accept(again.question, _unedited(kept), model, sources)

    def undo(
        self, talk: Conversation, event: gr.UndoData, carried: str | None = None
    ) -> tuple[Update, ...]:
        """Take a question back into the box."""
        talk = recalled(talk, carried)
        kept, taken = _split(talk, event.index)
        if taken is None or is_pending(talk):
            return (gr.skip(),) * 4
        kept = _unedited(kept)
        return kept, render.messages(kept), self._pane(kept), _box(value=taken.question)

    def edit(
        self, chosen: str, talk: Conversation, carried: str | None = None
    ) -> tuple[Update, ...]:
        """Take a copy of a question into the box, to be asked in its place; or leave it as it was.

        Args:
            chosen: the value of a button, and a number that makes a second choice a change.
            talk: the conversation.
            carried: the same as the page carries it.
        """
        talk = recalled(talk, carried)
        if is_pending(talk):
            return (gr.skip(),) * 3
        talk = _unedited(talk)
        match = _EDITED.fullmatch(chosen.partition(" ")[0])
        if match is None or int(match[1]) >= len(talk):
            return talk, render.messages(talk), _box(value="")
        turn = int(match[1])
        talk = (*talk[:turn], replace(talk[turn], edited=True), *talk[turn + 1 :])
        return talk, render.messages(talk), _box(value=talk[turn].question)

    def clear(self) -> tuple[Update, ...]:
        """Begin a new conversation."""
        return "cleared", (), [], render.EMPTY_PANE, _box()

    def end(self, talk: Conversation, halt: str) -> tuple[Update, ...]:
        """Leave the last question as it is, and say why."""
        if halt == "cleared":
            return self.clear()[1:]
        if is_pending(talk):
            why = _STOPPED if halt else BUSY
            talk = with_last(talk, replace(talk[-1], trouble=why))
        return talk, render.messages(talk), gr.skip(), _box()

    async def answer(
        self, talk: Conversation, ways: Ways = _AS_USUAL
    ) -> AsyncIterator[tuple[Update, ...]]:
        """Answer the last question, showing how far it is; with the answer comes what the page carries of it.

        Args:
            talk: the conversation.
            ways: how it is to be answered.
        """
        if not is_pending(talk):
            yield gr.skip(), gr.skip(), gr.skip(), _box(), gr.skip()
            return
        talk = with_last(talk, replace(talk[-1], ways=ways))
        # Closed at once when this is: a stopped answer must not wait for the garbage collector.
        growing = self._follow(talk[-1], turns(talk[:-1]))
        async with aclosing(paced(growing, every=_FRAME)) as pictures:
            async for exchange in pictures:
                talk = with_last(talk, exchange)
                yield talk, render.messages(talk), gr.skip(), gr.skip(), gr.skip()
        if talk[-1].answer is not None:
            talk = await asyncio.to_thread(rechecked, talk, self._opening.wait().check)
        pane = await asyncio.to_thread(self._pane, talk)
        yield talk, render.messages(talk), pane, _box(), to_text(talk)

    def show(self, target: str, talk: Conversation, carried: str | None = None) -> str:
        """Open what a link in an answer points to in the source pane.

        Args:
            target: the link, and a number that makes a second choice of the same link a change.
            talk: the conversation.
            carried: the same as the page carries it.
        """
        talk = recalled(talk, carried)
        ref = Ref.parse(target.partition(" ")[0])
        if ref is not None and ref.kind == "explanation":
            return self._account(talk, ref.turn)
        return self._pane(talk, ref)

    def find(self, sought: str, talk: Conversation, carried: str | None = None) -> str:
        """Look for words in the document that is shown.

        Args:
            sought: the link that was chosen, the place to look at (or -), and the words.
            talk: the conversation.
            carried: the same as the page carries it.
        """
        talk = recalled(talk, carried)
        target, _, rest = sought.partition(" ")
        at, _, words = rest.partition(" ")
        looking = Looking(words=words, at=int(at) if at.isdecimal() else None)
        return self._pane(talk, Ref.parse(target), looking)

    def judge(
        self, said: str, talk: Conversation, carried: str | None = None
    ) -> tuple[Update, ...]:
        """Keep what a person says of an answer, and show that it is kept.

        Args:
            said: the value of a button, and a number that makes a second choice a change.
            talk: the conversation; while an answer is written it is that answer's to change.
            carried: the same as the page carries it.
        """
        talk = recalled(talk, carried)
        saying = Saying.parse(said.partition(" ")[0])
        if saying is None or saying.turn >= len(talk) or is_pending(talk) or self._keep is None:
            return gr.skip(), gr.skip()
        before, exchange, after = talk[: saying.turn], talk[saying.turn], talk[saying.turn + 1 :]
        if exchange.answer is None:
            return gr.skip(), gr.skip()
        try:
            self._keep(exchange.answer, saying.kind, history=turns(before))
        except RagError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc
        talk = (*before, replace(exchange, judged=saying.kind), *after)
        return talk, render.messages(talk)

    def ask(
        self,
        question: str,
        history: list[dict[str, str]] | None = None,
        model: str | None = None,
        sources: list[str] | None = None,
    ) -> dict[str, Any]:
        """Answer a question: the endpoint for programs.

        Args:
            question: the question.
            history: earlier turns, oldest first, each with `role` (user or assistant) and `text`.
            model: who is to answer, such as openai:gpt-5 or extractive; without one, the first that
                is configured.
            sources: ids of the only sources to search; without any, all.

        Returns:
            The answer in the form of `rag.Answer.to_dict`.
        """
        try:
            if not _text("question", question).strip():
                raise QuestionError("The question is empty: ask something about your sources.")
            self._note("asked", question)
            return ask(
                self._opening,
                question,
                _turns(history or []),
                sources=_names(sources),
                model=_text("model", model or ""),
                max_chars=self._max_chars,
            ).to_dict()
        except RagError as exc:
            raise gr.Error(str(exc), title=status_of(exc).phrase, print_exception=False) from exc

    async def _follow(
        self, exchange: Exchange, history: Sequence[Turn]
    ) -> AsyncGenerator[Exchange]:
        """Yield the exchange after each event, and last with what went wrong, if anything did."""
        while (state := self._opening.state).status == "starting":
            yield replace(exchange, notice=f"{state.message} Your question is next.")
            await asyncio.sleep(_LOOK_AGAIN)
        self._note("asked", exchange.question)
        events = in_thread(
            lambda: self._opening.wait().stream(
                exchange.question,
                history,
                sources=exchange.sources or None,
                model=exchange.model or None,
                top_k=exchange.ways.top_k,
                strictness=exchange.ways.strictness,
                verify=exchange.ways.verify,
                depth=exchange.ways.depth,
            )
        )
        try:
            async with aclosing(events):
                async for event in events:
                    exchange = exchange.after(event)
                    yield exchange
        except SourceNotFoundError:
            yield replace(exchange, trouble=_NOT_THERE)
        except RagError as exc:
            yield replace(exchange, trouble=str(exc))
        except Exception as exc:  # noqa: BLE001  (whatever it was)
            # The border to a person: no traceback reaches them, whatever it was; the log keeps where.
            log.error("A question could not be answered: %s", trail(exc))  # noqa: TRY400
            yield replace(exchange, trouble=OUR_FAULT)

    def _pane(
        self, talk: Conversation, ref: Ref | None = None, looking: Looking | None = None
    ) -> str:
        """Return the pane for a link, or for the first words the last answer rests on."""
        ref = ref or render.first_ref(talk)
        items = render.items_of(talk, ref)
        if ref is None or not items:
            return render.EMPTY_PANE
        documents = self._documents({item.source_id for item in items})
        shown = render.chosen_of(items, ref).source_id
        pictured = {shown} if self._can_picture(documents[shown]) else ()
        return render.pane(talk, ref, documents, looking, pictured)

    def _can_picture(self, source: Source | None) -> bool:
        """Tell whether pages of a source can be shown as pictures."""
        if source is None or not any(place.box for place in source.places):
            return False
        try:
            return self._opening.wait().can_picture(source.source_id)
        except SourceNotFoundError:
            return False

    def _account(self, talk: Conversation, turn: int) -> str:
        """Return the pane that tells how an answer came about."""
        answer = talk[turn].answer if turn < len(talk) else None
        if answer is None:
            return render.EMPTY_PANE
        documents = self._documents(source_ids(answer))
        gone = frozenset(name for name, source in documents.items() if source is None)
        titles = {name: source.title for name, source in documents.items() if source}
        try:
            explanation = explain(self._opening.wait(), withheld(talk[turn], gone), titles=titles)
        except RagError as exc:
            return account.trouble(str(exc))
        return account.account(explanation, turn)

    def _documents(self, ids: Collection[str]) -> dict[str, Source | None]:
        rag = self._opening.wait()
        return {source_id: find_source(rag, source_id) for source_id in ids}


def find_source(rag: Answering, source_id: str) -> Source | None:
    """Return a source, or None where it is indexed no more."""
    try:
        return rag.source(source_id)
    except SourceNotFoundError:
        return None


def _unedited(talk: Conversation) -> Conversation:
    return tuple(replace(exchange, edited=False) for exchange in talk)


def _before_edited(talk: Conversation) -> Conversation:
    edited = (turn for turn, exchange in enumerate(talk) if exchange.edited)
    return talk[: next(edited, len(talk))]


def _box(**changes: Any) -> Update:  # noqa: ANN401  (Gradio's own options)
    return gr.Textbox(submit_btn=ASK, stop_btn=False, **changes)


def _split(talk: Conversation, index: int | Sequence[int]) -> tuple[Conversation, Exchange | None]:
    """Split at the exchange of a message of the chat, which Gradio names by its place or places."""
    turn = (index if isinstance(index, int) else index[0]) // 2
    return talk[:turn], (talk[turn] if turn < len(talk) else None)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{name!r} wants a text; got {value!r}.")
    return value


def _turns(history: object) -> tuple[Turn, ...]:
    if not isinstance(history, list):
        raise QuestionError(f"'history' wants a list of turns; got {history!r}.")
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


def _names(sources: Sequence[str] | None) -> tuple[str, ...] | None:
    if sources is None:
        return None
    if not isinstance(sources, list) or not all(isinstance(name, str) for name in sources):
        raise QuestionError(f"'sources' wants a list of ids of sources; got {sources!r}.")
    return tuple(sources)
