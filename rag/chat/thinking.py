"""Leaves out what a model thinks aloud before its answer, where its server passes that on as text.

Knows the tags that open models put around it, and no provider: those that tell it apart send no text for it.
"""

from __future__ import annotations

import re

_NAMES = r"(?:think|thinking|thought|reasoning)"
_OPEN = re.compile(rf"<({_NAMES})>", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|(?:channel|start)\|>")
"""How a reply in channels (harmony) begins."""
_FINAL = re.compile(r"<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_OVER = re.compile(r"<\|(?:end|return|call|start)\|>")
_CLOSE = re.compile(rf"</{_NAMES}>", re.IGNORECASE)
_LONE = re.compile(rf"(?:\A|\n)[ \t]*</{_NAMES}>", re.IGNORECASE)
"""The end of a thought that its prompt began; elsewhere in a line it is a word of the answer."""
_STARTS = ("<think>", "<thinking>", "<thought>", "<reasoning>", "<|channel|>", "<|start|>")
_PART = re.compile(r"(?:\A|\n)[ \t]*(</?[a-z]{0,9})\Z", re.IGNORECASE)
_TOKEN = re.compile(r"<(?:\|[a-z]{0,7}\|?)?\Z")
_MOST_HELD = 64
"""Characters that may yet become the first tag, white space before it included; more than any tag has."""


class Thinking:
    """Passes a reply on as it comes, without the thinking before it.

    Args:
        unmarked: whether the model is known to end thoughts whose beginning it does not send: then all is held back
            until one ends.
    """

    def __init__(self, *, unmarked: bool = False) -> None:
        self.unmarked = unmarked
        """Whether a thought has ended whose beginning was not sent."""
        self._anew = False
        self._held = ""
        self._close = _CLOSE if unmarked else None
        """What ends the thought; None where there is none at the moment."""
        self._kept = unmarked
        """Whether the thought may be the answer yet."""
        self._thought = False
        self._over = False
        """Whether the answer has begun."""
        self._channels = False
        self._line = ""
        """White space of the line so far, or something else where it has words."""

    def text(self, piece: str) -> str:
        """Return what of the reply so far is answer and has not been returned."""
        seen, self._held = len(self._held), self._held + piece
        while True:
            if self._close is not None and not self._ended(seen):
                return ""
            if not self._over and not self._begun():
                return ""
            if self._close is None:
                said = self._said()
                if said is not None:
                    return said
            seen = 0

    def rest(self) -> str:
        """Return what was held back at the end of the reply; nothing of a thought that never ends."""
        in_thought = self._close is not None and not self._kept
        answer = "" if in_thought else self._held
        if self._thought and not self._over:
            answer = answer.lstrip()
        self._held, self._over, self._close = "", True, None
        return answer

    def anew(self) -> bool:
        """Tell, once, whether all that was returned before the last piece was a thought."""
        anew, self._anew = self._anew, False
        return anew

    def _ended(self, seen: int) -> bool:
        """Leave a thought that ends in what is held, of which so much was looked at before."""
        assert self._close is not None
        end = self._close.search(self._held, max(0, seen - _MOST_HELD))
        if end is None:
            self._held = self._held if self._kept else self._held[-_MOST_HELD:]
            return False
        self._held = self._held[end.end() :]
        self._close, self._kept, self._thought = None, False, True
        return True

    def _begun(self) -> bool:
        """Tell whether it is known what the reply begins with: an answer or a thought."""
        said = self._held.lstrip()
        if tag := _OPEN.match(said):
            self._held, self._close = said[tag.end() :], re.compile(f"</{tag[1]}>", re.IGNORECASE)
        elif _CHANNEL.match(said):
            self._held, self._close, self._channels = said, _FINAL, True
        elif len(self._held) < _MOST_HELD and any(
            start.startswith(said.lower()) for start in _STARTS
        ):
            return False
        else:
            self._over = True
            self._held = said if self._thought else self._held
        return True

    def _said(self) -> str | None:
        """Return what of the answer is known to be no tag; None where it was a thought up to now."""
        if self._channels:
            return self._in_channel()
        whole = self._line + self._held
        if not self._thought and (end := _LONE.search(whole)):
            self._anew = self.unmarked = self._thought = True
            self._held, self._over, self._line = whole[end.end() :], False, ""
            return None
        part = None if self._thought else _PART.search(whole)
        at = len(self._held) - (len(part[1]) if part else 0)
        said, self._held = self._held[:at], self._held[at:]
        self._thought = self._thought or bool(
            _OPEN.search(said)
        )  # what opens in an answer may close there
        line = (self._line + said).rpartition("\n")[2]
        self._line = "." if line.strip() else line
        return said

    def _in_channel(self) -> str:
        """Return what of the last channel is known to be text."""
        end = _OVER.search(self._held)
        if end is not None:
            said, self._held = self._held[: end.start()], ""
            self._close, self._kept = re.compile(r"(?!)"), False  # nothing comes after it
            return said
        part = _TOKEN.search(self._held)
        at = part.start() if part else len(self._held)
        said, self._held = self._held[:at], self._held[at:]
        return said
