"""Leaves out what a model thinks aloud before its answer, where its server passes that on as text.

Knows the tags that open models put around it, and no provider: those that tell it apart send no text for it.
"""

from __future__ import annotations

_BEGINS, _ENDS = "<think>", "</think>"
_MOST_HELD = 64
"""Characters that may yet become the first tag, white space before it included."""


class Thinking:
    """Passes a reply on as it comes, without the thinking at its start."""

    def __init__(self) -> None:
        self._held = ""
        self._over = False

    def text(self, piece: str) -> str:
        """Return what of the reply so far is answer and has not been returned."""
        if self._over:
            return piece
        self._held += piece
        said = self._held.lstrip()
        if not said.startswith(_BEGINS):
            waits = _BEGINS.startswith(said) and len(self._held) < _MOST_HELD
            return "" if waits else self.rest()
        thought, end, answer = said.removeprefix(_BEGINS).partition(_ENDS)
        self._over = bool(answer.strip())
        self._held = _BEGINS + (end or thought[1 - len(_ENDS) :])  # a long thought is not kept
        return answer.lstrip()

    def rest(self) -> str:
        """Return what was held back at the end of the reply; nothing of a thought that never ends."""
        answer = "" if self._held.lstrip().startswith(_BEGINS) else self._held
        self._held, self._over = "", True
        return answer
