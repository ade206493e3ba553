"""Answers leave the page as files, and a conversation goes to the browser that keeps it and comes back.

Nothing is written on the server: the page gets a text, and saves it or copies it itself.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.web import render
from rag.web.conversation import Conversation, is_pending
from rag.web.export import MEDIA_TYPES, FileForm, exported
from rag.web.keeping import from_text, recalled, to_text
from rag.web.standing import rechecked, source_ids, withheld
from rag.web.talking import find_source

if TYPE_CHECKING:
    from rag.web.opening import Opening

Update: TypeAlias = Any
"""What Gradio takes as a new state of a component."""

_WANTED = re.compile(r"x-(\d{1,6}|all)-(copy|md|html|json|keep)")


class Carrying:
    """What the page's events do when something is taken away or brought back."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    def carry(self, talk: Conversation) -> str:
        """Return what the page carries of the conversation, to say it where the server has forgotten it."""
        return to_text(talk) if talk else ""

    def take(self, wanted: str, talk: Conversation, carried: str | None = None) -> str:
        """Return what the page is to save, copy or keep, as JSON.

        Args:
            wanted: the value of a button, and a number that comes back with what was wanted.
            talk: the conversation.
            carried: the same as the page carries it.
        """
        talk = recalled(talk, carried)
        value, _, number = wanted.partition(" ")
        match = _WANTED.fullmatch(value)
        if match is None or self._opening.state.status != "ready":
            return json.dumps({"number": number})
        chosen = talk if match[1] == "all" else talk[int(match[1]) : int(match[1]) + 1]
        chosen = self._now(chosen)
        if match[2] == "keep":
            title = chosen[0].question if chosen else ""
            return json.dumps({"number": number, "name": title, "text": to_text(chosen)})
        forms: dict[str, FileForm] = {form: form for form in MEDIA_TYPES} | {"copy": "md"}
        saved_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        file = exported(chosen, forms[match[2]], saved_at=saved_at)
        made = {"name": file.name, "type": file.media_type, "text": file.text}
        return json.dumps({"number": number} | made)

    def bring(self, kept: str, talk: Conversation) -> tuple[Update, ...]:
        """Show a conversation that the browser kept, with what has become of its sources since.

        Args:
            kept: a number that makes a second choice a change, and what was kept; without, a new one.
            talk: the conversation that is shown; while an answer is written it stays.
        """
        if is_pending(talk) or self._opening.state.status != "ready":
            return (gr.skip(),) * 3
        brought = self._now(from_text(kept.partition(" ")[2]))
        return brought, render.messages(brought), render.EMPTY_PANE

    def _now(self, talk: Conversation) -> Conversation:
        """Return the conversation with what has become of its sources, without words of those removed."""
        rag = self._opening.wait()
        ids = {name for one in talk if one.answer for name in source_ids(one.answer)}
        gone = frozenset(name for name in ids if find_source(rag, name) is None)
        return tuple(withheld(one, gone) for one in rechecked(talk, rag.check))
