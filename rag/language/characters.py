"""What never shows: characters that a person cannot see, and that could hide words or carry orders to a model.

One definition for sources, prompts and answers; how much of what shapes other characters stays differs between them.
Unicode's Default_Ignorable_Code_Point, the controls, and what has a form without any ink.
"""

from __future__ import annotations

import re

BLANK = "\u2800\u3164\uffa0"
"""Take room and show nothing (the empty Braille pattern, Hangul fillers): to a person they are spaces."""

_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f"
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\xad\u034f"  # soft hyphen, grapheme joiner
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls
    "\u115f\u1160\u17b4\u17b5"  # letters that are only thought
    "\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff"  # zero width
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # no characters, interlinear annotation
    "\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"  # of scripts and music, without ink
    "\U000e0000-\U000e0fff"  # tags, further selectors, and what else never shows
    "]"
)
_BLANKS = re.compile(f"[{BLANK}]")
_ALL_JOINERS = re.compile(f"[{_JOINERS}]")
_ALL_SELECTORS = re.compile(f"[{_SELECTORS}]")
_SHAPED = "[\u0300-\u200b\u200e-\U0001ffff]"
_STRAY_JOINERS = re.compile(
    f"(?<!{_SHAPED})[{_JOINERS}]+|[{_JOINERS}]+(?!{_SHAPED}|[{_JOINERS}])|(?<=[{_JOINERS}])[{_JOINERS}]+"
)
_PICTURED = "\xa9\xae\u2010-\u33ff\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U0001f000-\U0001faff"
_STRAY_SELECTORS = re.compile(
    f"(?<![{_PICTURED}#*0-9\u1000-\u109f\u1820-\u18aa\ua840-\ua87f])[{_SELECTORS}]+"
    f"|(?<=[{_SELECTORS}])[{_SELECTORS}]+"
)


def without_unseen(text: str, *, joiners: bool = False, selectors: bool = False) -> str:
    """Return the text without what never shows; what shows as room alone is a space.

    Args:
        text: anything.
        joiners: whether one joiner stays where it shapes a script or an emoji.
        selectors: whether one variation selector stays behind a character that has variations.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _BLANKS.sub(" ", _UNSEEN.sub("", text))
    text = (_STRAY_SELECTORS if selectors else _ALL_SELECTORS).sub("", text)
    return (_STRAY_JOINERS if joiners else _ALL_JOINERS).sub("", text)
