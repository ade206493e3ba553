"""The tab of the sources: what is indexed, taking in, renaming, removing and reading again, in Gradio.

Holds no logic of indexing and makes no HTML: `taking_in` does the one, `shelf` the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.errors import ArgumentError, RagError
from rag.web import render, shelf
from rag.web.events import Events
from rag.web.taking_in import Entry
from rag.web.talking import Note

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag.web.collections import OpenCollections
    from rag.web.opening import Opening
    from rag.web.taking_in import TakingIn

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

MOST_CHARS = 200_000
"""Characters of a text that is pasted; a file may have more."""

_LOOK_AGAIN = 0.25  # seconds between two looks at what is done
_REST = 1.0  # seconds between two drawings of the list while it changes
_AT_ONCE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
_ALL, _TROUBLED = "all", "troubled"
_INTRO = '<div class="fn-intro"><h2>Your sources</h2></div>'
_DROP = (
    '<div class="fn-drop"><p><strong>Drop files or folders here</strong></p><p class="fn-note">PDF, Word,'
    " Excel, PowerPoint, mail, web pages, scans, text and more</p></div>"
)
_CLOSED = (
    '<p class="fn-note">Taking in files is turned off here. Start again without'
    " <code>RAG_UPLOADS=false</code> to turn it on.</p>"
)
_NO_ADDRESSES = (
    '<p class="fn-note">Reading web addresses is turned off. Start again with <code>RAG_URLS=true</code>,'
    " or <code>urls = true</code> in <code>rag.toml</code>, to turn it on. Until then, save a page and"
    " add the file.</p>"
)
_GONE = "That source is not there any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one page shows of the sources."""

    number: int = 0
    """0-based page of the list."""
    chosen: str = ""
    """Key of the source that is open; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components that events read and write."""

    view: gr.State
    built: gr.Markdown
    trouble: gr.Markdown
    words: gr.Textbox
    which: gr.Radio
    list: gr.Markdown
    place: gr.Markdown
    before: gr.Button
    after: gr.Button
    again: gr.Button
    about: gr.Column
    facts: gr.Markdown
    naming: gr.Row
    name: gr.Textbox
    rename: gr.Button
    only: gr.Button
    reread: gr.Button
    close: gr.Button
    remove: gr.Button
    sure: gr.Column
    warning: gr.Markdown
    yes: gr.Button
    no: gr.Button
    title: gr.Textbox
    text: gr.Textbox
    add: gr.Button
    url: gr.Textbox
    read: gr.Button
    doing: gr.Markdown
    stop: gr.Button
    outcomes: gr.Markdown
    dismiss: gr.Button
    act: gr.Textbox
    seen: gr.Textbox

    @property
    def found(self) -> Sequence[Any]:
        """What says which of the list is looked for."""
        return [self.words, self.which, self.view]

    @property
    def drawn(self) -> Sequence[Any]:
        """What shows a page of the list."""
        return [self.view, self.list, self.place, self.before, self.after]

    @property
    def opened(self) -> Sequence[Any]:
        """What shows one source."""
        facts = [self.about, self.facts, self.naming, self.name]
        return [*facts, self.only, self.reread, self.sure]


def scope() -> gr.Dropdown:
    """Return the choice of sources to ask, for the chat; none chosen asks all."""
    return gr.Dropdown(
        [],
        multiselect=True,
        label="Sources to ask",
        show_label=False,
        container=False,
        interactive=True,
        visible=False,  # until there is a choice
        elem_id="fn-scope",
    )


def marks() -> tuple[gr.Textbox, gr.Textbox]:
    """Return two fields that nobody sees, for a place that is always drawn, as a tab is not.

    `sources.js` writes into the first what was chosen; the second says that the list has changed.
    """
    return (
        gr.Textbox(visible="hidden", elem_id="fn-act", label="Chosen source", max_length=64),
        gr.Textbox(visible="hidden", elem_id="fn-seen", label="Seen", max_length=64),
    )


def lay_out(settings: Settings, act: gr.Textbox, seen: gr.Textbox) -> Parts:
    """Lay out the tab, with what `marks` has made."""
    parts: dict[str, Any] = {"view": gr.State(View()), "act": act, "seen": seen}
    with gr.Row(elem_id="fn-sources"):
        with gr.Column(elem_id="fn-add"):
            parts |= _lay_out_about()
            parts |= _lay_out_adding(settings)
        with gr.Column(elem_id="fn-held"):
            parts |= _lay_out_list()
    return Parts(**parts)


def _lay_out_adding(settings: Settings) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    gr.Markdown(_DROP if settings.uploads else _CLOSED, elem_id="fn-drop")
    with gr.Row(elem_id="fn-choose", visible=settings.uploads):
        # `sources.js` opens what chooses them, and sends them one by one.
        gr.Button("Choose files…", size="sm", elem_id="fn-files")
        gr.Button("Choose a folder…", size="sm", elem_id="fn-folder")
    # `sources.js` lists here what is on its way.
    gr.Markdown('<ul class="fn-outcomes fn-arriving"></ul>', elem_id="fn-arriving")
    with gr.Accordion("Paste text", open=False, visible=settings.uploads, elem_id="fn-paste"):
        parts["title"] = gr.Textbox(
            "", label="Title", max_lines=1, max_length=200, elem_id="fn-title"
        )
        parts["text"] = gr.Textbox(
            "", label="Text", lines=4, max_lines=10, max_length=MOST_CHARS, elem_id="fn-text"
        )
        parts["add"] = gr.Button("Add text", size="sm", elem_id="fn-add-text")
    with gr.Accordion("Add a web address", open=False, elem_id="fn-web"):
        if not settings.urls:
            gr.Markdown(_NO_ADDRESSES)
        parts["url"] = gr.Textbox(
            "",
            label="Address",
            info="Or several, or that of a site map.",
            placeholder="https://",
            max_lines=6,
            max_length=20_000,
            visible=settings.urls,
            elem_id="fn-url",
        )
        parts["read"] = gr.Button("Read it", size="sm", visible=settings.urls, elem_id="fn-read")
    parts["trouble"] = gr.Markdown("", elem_id="fn-refused")
    parts["doing"] = gr.Markdown("", elem_id="fn-doing")
    parts["stop"] = gr.Button("Stop", size="sm", visible=False, elem_id="fn-stop")
    parts["outcomes"] = gr.Markdown("", elem_id="fn-outcomes")
    parts["dismiss"] = gr.Button("Clear list", size="sm", visible=False, elem_id="fn-dismiss")
    return parts


def _lay_out_list() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    gr.Markdown(_INTRO)
    parts["built"] = gr.Markdown(shelf.built_with({}), elem_id="fn-built")
    with gr.Row(elem_id="fn-find"):
        parts["words"] = gr.Textbox(
            "",
            label="Filter",
            show_label=False,
            container=False,
            placeholder="Filter",
            max_lines=1,
            max_length=200,
            elem_id="fn-words",
        )
        parts["again"] = gr.Button("Read all again", size="sm", elem_id="fn-again")
    parts["which"] = gr.Radio(
        [("All", _ALL), ("With a note", _TROUBLED)],
        value=_ALL,
        label="Show",
        show_label=False,
        container=False,
        elem_id="fn-which",
    )
    parts["list"] = gr.Markdown("", elem_id="fn-shelf")
    with gr.Row(elem_id="fn-turn"):
        parts["before"] = gr.Button("Previous", size="sm", visible=False, elem_id="fn-before")
        parts["place"] = gr.Markdown("", elem_id="fn-place")
        parts["after"] = gr.Button("Next", size="sm", visible=False, elem_id="fn-after")
    return parts


def _lay_out_about() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    with gr.Column(visible=False, elem_id="fn-one") as parts["about"]:
        parts["close"] = gr.Button("Close", size="sm", elem_id="fn-one-close")
        parts["facts"] = gr.Markdown("", elem_id="fn-one-facts")
        with gr.Row(visible=False, elem_id="fn-naming") as parts["naming"]:
            parts["name"] = gr.Textbox(
                "", label="File name", max_lines=1, max_length=120, elem_id="fn-one-name"
            )
            parts["rename"] = gr.Button("Rename", size="sm", elem_id="fn-rename")
        with gr.Row(elem_id="fn-deeds"):
            parts["only"] = gr.Button("Ask only this", size="sm", elem_id="fn-only")
            parts["reread"] = gr.Button("Read again", size="sm", elem_id="fn-reread")
            parts["remove"] = gr.Button("Remove…", size="sm", elem_id="fn-remove")
        with gr.Column(visible=False, elem_id="fn-sure") as parts["sure"]:
            parts["warning"] = gr.Markdown("")
            with gr.Row():
                parts["yes"] = gr.Button("Remove", size="sm", variant="stop", elem_id="fn-yes")
                parts["no"] = gr.Button("Keep", size="sm", elem_id="fn-no")
    return parts


def wire(
    blocks: gr.Blocks,
    parts: Parts,
    collections: OpenCollections,
    *,
    settings: Settings,
    scope: gr.Dropdown,
    status: gr.Markdown,
    meanwhile: gr.Markdown,
    tabs: gr.Tabs,
    tab: gr.Tab,
) -> None:
    """Say what happens when something is done; nothing of it is a public endpoint.

    Args:
        blocks: the page.
        parts: of the tab.
        collections: whose sources are shown and changed.
        settings: whether anything is taken in here.
        scope: the choice of sources in the chat.
        status: the line that says how many sources there are.
        meanwhile: what the chat says while something is read.
        tabs: all tabs; the chat's id is "chat".
        tab: this one.
    """
    does = Events(
        collections,
        lambda one, person: Tab(
            one.taking_in,
            one.opening,
            refusal=collections.refusal(one, person),
            note=lambda did, what: collections.note(person, did, one, what),
        ),
    )
    follow: dict[str, Any] = {
        "fn": does(Tab.follow),
        "inputs": None,
        "outputs": [parts.doing, parts.stop, parts.outcomes, parts.dismiss, parts.seen, meanwhile],
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": None,
        # What happens while one follows must be followed too, also at its very end.
        "trigger_mode": "always_last",
    }
    blocks.load(**follow)
    tab.select(**follow)
    parts.seen.change(
        does(Tab.refresh),
        [*parts.found, scope],
        [*parts.drawn, *parts.opened, parts.built, scope, status],
        **_AT_ONCE,
    )
    _wire_looking(parts, does, follow)
    parts.only.click(does(Tab.only), parts.view, [scope, tabs], **_AT_ONCE)
    _wire_doing(parts, does, follow, uploads=settings.uploads)


def _wire_looking(parts: Parts, does: Events[Tab], follow: dict[str, Any]) -> None:
    """Wire what looks at the list or at one source and changes nothing."""
    found, drawn, opened = parts.found, parts.drawn, parts.opened
    parts.act.change(does(Tab.act), [parts.act, *found], [*drawn, *opened], **_AT_ONCE).then(
        **follow
    )
    parts.words.change(does(Tab.find), found, drawn, **_AT_ONCE)
    parts.which.change(does(Tab.find), found, drawn, **_AT_ONCE)
    parts.before.click(does(Tab.back), found, drawn, **_AT_ONCE)
    parts.after.click(does(Tab.onward), found, drawn, **_AT_ONCE)
    parts.close.click(does(Tab.close), found, [*drawn, *opened], **_AT_ONCE)
    parts.remove.click(does(Tab.ask_whether), parts.view, [parts.sure, parts.warning], **_AT_ONCE)
    parts.no.click(lambda: gr.Column(visible=False), None, parts.sure, **_AT_ONCE)


def _wire_doing(parts: Parts, does: Events[Tab], follow: dict[str, Any], *, uploads: bool) -> None:
    """Wire what changes the sources, each of it followed."""

    def do(button: gr.Button, fn: Callable[..., Any], inputs: Any, outputs: Any) -> None:  # noqa: ANN401
        button.click(fn, inputs, outputs, **_AT_ONCE).then(**follow)

    told = [parts.trouble]
    do(parts.yes, does(Tab.remove), parts.view, [*told, parts.sure])
    do(parts.rename, does(Tab.rename), [parts.view, parts.name], told)
    do(parts.reread, does(Tab.reread), parts.view, told)
    do(parts.again, does(Tab.reread_all), None, told)
    if uploads:
        do(
            parts.add,
            does(Tab.add_text),
            [parts.title, parts.text],
            [*told, parts.title, parts.text],
        )
    do(parts.read, does(Tab.add_address), parts.url, [*told, parts.url])
    do(parts.stop, does(Tab.stop), None, None)
    do(parts.dismiss, does(Tab.dismiss), None, None)


class Tab:
    """What the tab's events do.

    Args:
        taking_in: does what is asked for.
        opening: tells when there is something to show.
        refusal: why nothing may be changed here; '' where it may.
        note: notes what was done.
    """

    def __init__(
        self,
        taking_in: TakingIn,
        opening: Opening,
        *,
        refusal: str = "",
        note: Note = lambda *_: None,
    ) -> None:
        self._taking_in = taking_in
        self._opening = opening
        self._refusal = refusal
        self._note = note

    async def follow(self) -> AsyncIterator[tuple[Update, ...]]:
        """Show what is done until nothing is, and tell when the list has changed."""
        shown, drawn = None, -_REST
        while True:
            busy = self._taking_in.busy or self._opening.state.status != "ready"
            state = self._opening.state
            version = (self._taking_in.version, state.status, state.message)
            if version != shown:
                now = self._taking_in.activity
                can_stop = now.doing is not None and now.doing.can_stop and not now.doing.stopping
                late = not busy or time.monotonic() - drawn >= _REST
                drawn = time.monotonic() if late else drawn
                yield (
                    shelf.doing(now),
                    gr.Button(visible=can_stop),
                    shelf.outcomes(now),
                    gr.Button(visible=bool(now.outcomes) and not busy),
                    f"{version[0]} {version[1]}" if late else gr.skip(),
                    shelf.beside(now, state),
                )
                shown = version
            if not busy:
                return
            await asyncio.sleep(_LOOK_AGAIN)

    def refresh(
        self, words: str, which: str, view: View, asked: list[str] | None
    ) -> tuple[Update, ...]:
        """Show everything anew, as it is now.

        Args:
            words: of the filter.
            which: all, or those with a note.
            view: what is shown.
            asked: ids of the sources that are to be asked.
        """
        entries = self._taking_in.entries()
        indexed = shelf.choices(entries)
        ids = {source_id for _, source_id in indexed}
        one = _entry(entries, view.chosen)
        # What is open stays as it is, with what is typed into it, as long as it is there.
        opened = (gr.skip(),) * 7 if one or not view.chosen else self._opened(None)
        facts = shelf.about(one) if one else gr.skip()
        ready = self._opening.state.status == "ready"
        return (
            *self._drawn(entries, words, which, view),
            opened[0],
            facts if one else opened[1],
            *opened[2:],
            shelf.built_with(self._taking_in.statistics()),
            gr.Dropdown(
                choices=indexed,
                multiselect=True,
                value=[source_id for source_id in asked or [] if source_id in ids],
                visible=len(indexed) > 1,
            ),
            render.ready(len(indexed)) if ready else gr.skip(),
        )

    def act(self, act: str, words: str, which: str, view: View) -> tuple[Update, ...]:
        """Open a source of the list.

        Args:
            act: its key, and a number that makes a second choice a change; another key opens none.
            words: of the filter.
            which: all, or those with a note.
            view: what is shown.
        """
        key = act.partition(" ")[0]
        entries = self._taking_in.entries()
        one = _entry(entries, key)
        if one is None:
            return (gr.skip(),) * 12
        view = replace(view, chosen=key)
        return (*self._drawn(entries, words, which, view), *self._opened(one))

    def close(self, words: str, which: str, view: View) -> tuple[Update, ...]:
        """Open no source any more."""
        entries = self._taking_in.entries()
        drawn = self._drawn(entries, words, which, replace(view, chosen=""))
        return (*drawn, *self._opened(None))

    def find(self, words: str, which: str, view: View) -> tuple[Update, ...]:
        """Show the first page of what matches."""
        return self._drawn(self._taking_in.entries(), words, which, replace(view, number=0))

    def back(self, words: str, which: str, view: View) -> tuple[Update, ...]:
        """Show the page before."""
        view = replace(view, number=view.number - 1)
        return self._drawn(self._taking_in.entries(), words, which, view)

    def onward(self, words: str, which: str, view: View) -> tuple[Update, ...]:
        """Show the next page."""
        view = replace(view, number=view.number + 1)
        return self._drawn(self._taking_in.entries(), words, which, view)

    def ask_whether(self, view: View) -> tuple[Update, ...]:
        """Ask whether the source is to be removed."""
        one = _entry(self._taking_in.entries(), view.chosen)
        if one is None:
            return gr.skip(), gr.skip()
        return gr.Column(visible=True), shelf.warning(one)

    def remove(self, view: View) -> tuple[Update, ...]:
        """Remove the source that is open."""
        return self._told(view, self._taking_in.remove, "removed"), gr.Column(visible=False)

    def rename(self, view: View, name: str) -> str:
        """Rename the file of the source that is open."""
        return self._told(view, lambda one: self._taking_in.rename(one, name), "renamed")

    def reread(self, view: View) -> str:
        """Read the source that is open again."""
        return self._told(view, self._taking_in.read_again, "read")

    def reread_all(self) -> str:
        """Look at all files again."""
        if self._refusal:
            return shelf.trouble(self._refusal)
        self._note("read", "")
        self._taking_in.read_again()
        return ""

    def stop(self) -> None:
        """Stop what is under way."""
        if not self._refusal:
            self._taking_in.stop()

    def dismiss(self) -> None:
        """Forget what became of what was done."""
        if not self._refusal:
            self._taking_in.dismiss()

    def only(self, view: View) -> tuple[Update, ...]:
        """Have the chat ask only the source that is open."""
        one = _entry(self._taking_in.entries(), view.chosen)
        if one is None or one.info is None:
            return gr.skip(), gr.skip()
        return [one.source_id], gr.Tabs(selected="chat")

    def add_text(self, title: str, text: str) -> tuple[Update, ...]:
        """Take in a text, and empty the boxes."""
        try:
            self._check()
            if len(text) > MOST_CHARS:
                raise RagError(
                    f"At most {MOST_CHARS:,} characters can be pasted; add a longer text as a file."
                )
            kept = self._taking_in.uploads.add_text(title, text)
        except RagError as exc:
            return shelf.trouble(str(exc)), gr.skip(), gr.skip()
        self._note("added", kept.name)
        self._taking_in.take(kept.name)
        return "", "", ""

    def add_address(self, url: str) -> tuple[Update, ...]:
        """Read the web addresses of the box, and empty it."""
        try:
            self._check()
            for one in url.split():
                self._taking_in.take_address(one)
                self._note("added", one)
        except RagError as exc:
            return shelf.trouble(str(exc)), gr.skip()
        return "", ""

    def _check(self) -> None:
        """Refuse to change anything where that may not be.

        Raises:
            ArgumentError: it may not; the message says why.
        """
        if self._refusal:
            raise ArgumentError(self._refusal)

    def _told(self, view: View, do: Callable[[Entry], None], did: str) -> str:
        """Do something with the source that is open; returns why it was not done, if it was not."""
        one = _entry(self._taking_in.entries(), view.chosen)
        if one is None:
            return shelf.trouble(_GONE)
        try:
            self._check()
            do(one)
            self._note(did, one.source_id)
        except RagError as exc:
            return shelf.trouble(str(exc))
        return ""

    def _drawn(
        self, entries: Sequence[Entry], words: str, which: str, view: View
    ) -> tuple[Update, ...]:
        page = shelf.page_of(entries, words, troubled=which == _TROUBLED, number=view.number)
        return (
            replace(view, number=page.number),
            shelf.shelf(page, n_all=len(entries), chosen=view.chosen),
            shelf.place(page),
            gr.Button(visible=page.number > 0),
            gr.Button(visible=page.number + 1 < page.n_pages),
        )

    def _opened(self, one: Entry | None) -> tuple[Update, ...]:
        if one is None:
            return gr.Column(visible=False), "", *(gr.skip(),) * 4, gr.Column(visible=False)
        return (
            gr.Column(visible=True),
            shelf.about(one),
            gr.Row(visible=one.upload is not None),
            (one.upload or "").rpartition("/")[2],
            gr.Button(visible=one.info is not None),
            gr.Button("Take back" if one.left_out else "Read again"),
            gr.Column(visible=False),
        )


def _entry(entries: Sequence[Entry], key: str) -> Entry | None:
    return next((entry for entry in entries if entry.key == key), None)
