"""Reads the markers out of a model's text, once, and leaves nothing behind that could be taken for one.

Knows how models write citations, not what is cited. A group of brackets is read as a whole: it
names passages, or it is text, or it goes; so dropping one marker never makes another out of what
stood around it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rag.citations.plain import (
    BRACKETS,
    CLOSERS,
    LOOKALIKE,
    OPENERS,
    decoded,
    harmless,
    unmarked,
    without_links,
)

MOST_IN_RANGE = 10
"""Passages that a range such as `[1-3]` may name; a longer one is no citation."""

_FIRST_MARK, _FIRST_CODE, _MOST = 0xF0000, 0x100000, 0xFFFD
"""Private characters, one for each marker and each stretch of code while a text is read; `decoded` leaves none
of them in a text."""
_MARK = f"[{chr(_FIRST_MARK)}-{chr(_FIRST_MARK + _MOST)}]"
_CODE = f"[{chr(_FIRST_CODE)}-{chr(_FIRST_CODE + _MOST)}]"
_STANDS_IN = re.compile(f"{_MARK}|{_CODE}")
_OPENER = re.compile(f"[{re.escape(OPENERS)}]")
_DEEPEST = 12
"""Levels of brackets that are read, and times that a text is read until nothing changes."""
_REACH = 64
"""Characters that streamed text holds back behind an opening bracket."""
_LEAD = "a"
"""Stands for the words before a piece of streamed text while it is read: inside a line, "sources" heads no list."""

_NAMED = re.compile(
    r"(?:sources?|passages?|documents?|docs?|refs?|references?|citations?|cite|evidence|notes?)\.?:?\s*",
    re.IGNORECASE,
)
_ITEM = re.compile(r"[\^#]?\s*(\d+)(?:\s*[-–—]\s*(\d+))?\s*(?:†.*)?", re.DOTALL)
_SEPARATOR = re.compile(r"\s*(?:[,;&]|\band\b)\s*(?:and\s+|&\s*)?", re.IGNORECASE)
_MARKERISH = re.compile(r"(?=\D*\d)(?:[\s\d,;&^#*_+\-–—−\\]+|[\s\d:^#]+†.*)", re.DOTALL)
_NUMBER = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_TARGET = re.compile(r"\((?:[^()\n]|\([^()\n]*\)){0,2000}\)?")
_REFERENCE = re.compile(r"\[[^\[\]\n]{0,200}\]")

_FENCED = re.compile(
    r"^[ \t]*(`{3,}+|~{3,}+)[^\n]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.M | re.S
)
_INLINE = re.compile(r"(`{1,2})([^`\n]+)\1")
_APART = re.compile(rf"(?<!\S){LOOKALIKE.pattern}")
"""What could be a marker in code, not an index."""
_EMPHASIS = re.compile(r"(?<!\w)(?:\*{2,3}|__)|(?:\*{2,3}|__)(?!\w)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HTML = re.compile(
    r"</?(?:a|abbr|audio|b|blockquote|body|br|button|cite|code|div|em|embed|form|h[1-6]|head|hr|html|i|iframe|img|input"
    r"|li|link|mark|math|meta|object|ol|p|picture|pre|q|s|script|small|source|span|strong|style|sub|sup|svg|table"
    r"|tbody|td|th|thead|title|tr|u|ul|video)(?:[\s/][^<>]{0,2000})?>",
    re.IGNORECASE,
)
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.\-]{1,30}:[^<>\s]{0,2000})>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"(?<=[.!?,;”\"])[¹²³⁰⁴-⁹]+")

_LIST_HEAD = re.compile(
    r"[\s#>*_\-]*(?:sources?|references?|citations?|footnotes?|bibliography|works cited|quellen|fuentes|références"
    r"|источники|来源|参考文献)(?:\s+(?:cited|used|list))?[\s*_]*(?P<colon>[:：])?[\s*_]*(?P<rest>.*)",
    re.IGNORECASE,
)
_LIST_ENTRY = re.compile(
    rf"\s*(?:[-*•+]\s|\d{{1,3}}[.)]\s|[{re.escape(OPENERS)}(]?\^?\d|https?://|[¹²³⁰⁴-⁹]|{_MARK})"
)
_DEFINITION = re.compile(
    r"^[ \t>]*\[(?:\^[^\[\]\n]{1,80}\]:|\d+\]:|[^\[\]\n]{1,80}\]:\s*<?\w+://).*\n?", re.MULTILINE
)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,500}\](?=\()")
_SPELLED = re.compile(
    r"\((?:see )?(?:source|passage|document|doc|ref|reference)s?\.? ?#?(\d[\d ,;&–-]{0,20})\)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\[([12]\d{3})\](?!\()")
_HEADING = re.compile(r"\s*(#{1,6})\s+(?=\S)")
_BULLET = re.compile(r"(?:[-*•+]|(\d{1,3})[.)])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a model's text without its markers."""

    bullet: str
    """`- ` or `1. ` where the line is an item of a list, `## ` where it is a heading."""
    text: str
    """Plain, one space between words."""
    markers: tuple[tuple[int, int], ...]
    """(offset in `text` that it stands behind, number of the passage), in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A model's text read."""

    lines: tuple[Line, ...]
    """An empty line parts paragraphs."""
    dropped: tuple[str, ...]
    """What named no evidence, a sentence each, in order."""


@dataclass(slots=True)
class _Reading:
    """What is found while a text is read."""

    n_passages: int
    groups: list[tuple[int, ...]] = field(default_factory=list)
    """The passages that each mark names."""
    code: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def mark(self, numbers: tuple[int, ...] = ()) -> str:
        """Note a marker and return what stands for it."""
        self.groups.append(numbers)
        return chr(_FIRST_MARK + min(len(self.groups) - 1, _MOST))

    def numbers(self, mark: str) -> tuple[int, ...]:
        """Return the passages that a mark names."""
        return self.groups[ord(mark) - _FIRST_MARK]

    def keep(self, code: str) -> str:
        """Set a stretch of code aside and return what stands for it."""
        self.code.append(code)
        return chr(_FIRST_CODE + min(len(self.code) - 1, _MOST))


def read_markers(text: str, n_passages: int, *, known: str = "") -> Marked:
    """Read a model's text.

    Args:
        text: whatever it wrote.
        n_passages: marker k names a passage where 1 <= k <= n_passages; any other names nothing
        and goes.
        known: the evidence; web addresses that are not in it are broken.
    """
    reading = _Reading(n_passages=n_passages)
    marked = _restore(_read(text, reading), reading)
    lines = [_line(line, reading, known) for line in marked.split("\n")]
    return Marked(lines=tuple(_trimmed(lines)), dropped=tuple(reading.dropped))


def neutralise(text: str, n_passages: int = 0) -> str:
    """Return a model's text, whole or cut off, with nothing alive in it; doing it twice changes nothing.

    Args:
        text: whatever it wrote so far.
        n_passages: markers up to this number stay, as `[1]`; all others go.
    """
    for _ in range(_DEEPEST):
        reading = _Reading(n_passages=n_passages)
        shown = _shown(_restore(_read(text, reading), reading), reading)
        calm = harmless(shown, markers=True, urls=False)
        if calm == text:
            return calm
        text = calm
    return harmless(re.sub(rf"[{re.escape(BRACKETS)}`*_<&\\]", " ", text), urls=False)


def neutralised(deltas: Iterable[str], n_passages: int = 0) -> Iterator[str]:
    """Yield a model's text as it comes, neutralised; holds back what may yet become something else.

    An empty piece, by which a model that is silent is known to live, is passed on.
    """
    shown = ""
    for piece in _pieces(deltas, n_passages):
        calm = _behind(shown, piece)
        shown = (shown + calm)[-_REACH:]
        yield calm


def _pieces(deltas: Iterable[str], n_passages: int) -> Iterator[str]:
    """Yield a text in pieces, each neutralised by itself."""
    held = lead = ""
    for delta in deltas:
        if not delta:
            yield ""
            continue
        held += delta
        cut = _safe_cut(held)
        if cut:
            yield neutralise(lead + held[:cut], n_passages).removeprefix(lead)
            held, lead = held[cut:], _LEAD
    if held:
        yield neutralise(lead + held, n_passages).removeprefix(lead)


def _behind(shown: str, piece: str) -> str:
    """Return a piece so that nothing comes alive where it meets what is shown before it.

    A bracket can be closed on a later line than it was opened, and by a piece whose start went: no cut foresees that.
    """
    for match in LOOKALIKE.finditer(shown + piece):
        if match.start() < len(shown) < match.end():
            closer = match.end() - 1 - len(shown)
            piece = f"{piece[:closer]}){piece[closer + 1 :]}"
    before, met = (harmless(text, markers=True, urls=False) for text in (shown, shown + piece))
    return piece if met == before + piece else f" {piece}"


def _safe_cut(text: str) -> int:
    """Return the offset of the last white space in front of which nothing is left open."""
    at = len(text) - 1
    while at > 0:
        if text[at].isspace() and not text[at - 1].isspace():
            line = text[text.rfind("\n", 0, at) + 1 : at]
            tail = line[-_REACH:]
            settled = (
                sum(tail.count(char) for char in OPENERS)
                <= sum(tail.count(char) for char in CLOSERS)
                and tail.rfind("<") <= tail.rfind(">")
                and line.count("`") % 2 == 0
                and tail.count("(") <= tail.count(")")
            )
            if settled or len(text) - at > 4 * _REACH:
                return at
        at -= 1
    return 0


def _read(text: str, reading: _Reading) -> str:
    """Return the text in plain words, with one private character a marker and a stretch of code."""
    text = _without_lists(decoded(text), reading)
    text = _FENCED.sub(lambda match: _keep_code(match[2], reading), text)
    text = _INLINE.sub(lambda match: _keep_code(match[2], reading), text)
    text = _AUTOLINK.sub(r"\1", _HTML.sub("", _COMMENT.sub("", text)))
    text = _YEAR.sub(r"(\1)", _SPELLED.sub(r"[\1]", _IMAGE.sub("[]", text)))
    text = _EMPHASIS.sub("", text.replace("`", ""))
    text = _SUPERSCRIPT.sub(lambda _: _drop("A superscript number", reading), text)
    return "".join(_groups(text, _pairs(text), (0, len(text)), reading, depth=0))


def _restore(text: str, reading: _Reading) -> str:
    """Put the code back, and round brackets where brackets of text look like a marker."""
    return re.sub(
        _CODE, lambda match: reading.code[ord(match.group()) - _FIRST_CODE], unmarked(text)
    )


def _shown(marked: str, reading: _Reading) -> str:
    """Put the markers that name passages back, and take away the white space before those that went."""
    pieces = re.split(rf"([ \t]*{_MARK})", marked)
    for at in range(1, len(pieces), 2):
        numbers = reading.numbers(pieces[at][-1])
        space = pieces[at][:-1] if numbers else ""
        pieces[at] = space + "".join(f"[{number}]" for number in numbers)
    return "".join(pieces)


def _drop(what: str, reading: _Reading) -> str:
    """Note that something names no evidence."""
    reading.dropped.append(f"{what} names no passage and was dropped.")
    return reading.mark()


def _keep_code(code: str, reading: _Reading) -> str:
    """Set a stretch of code aside, its brackets made harmless; code that is only a marker is dropped."""
    if LOOKALIKE.fullmatch(code.strip()):
        return _drop("A marker in code", reading)
    if LOOKALIKE.search(code):
        reading.dropped.append("A marker in code names no passage and was dropped.")
    return reading.keep(unmarked(_APART.sub("", code.replace("`", ""))))


def _without_lists(text: str, reading: _Reading) -> str:
    """Remove what a model writes as its own list of sources: definitions, and a list at the end."""
    kept = _DEFINITION.sub("", text)
    found = kept != text
    lines = kept.split("\n")
    last = len(lines)
    while last > 0 and (not lines[last - 1].strip() or _LIST_ENTRY.match(lines[last - 1])):
        last -= 1
    head = _LIST_HEAD.fullmatch(lines[last - 1]) if last else None
    if head is None:
        last = next((i for i in range(len(lines)) if _is_bare_head(lines, i)), len(lines))
    elif head["colon"] or not head["rest"].strip():
        last -= 1
    else:
        last = len(lines)
    if found or last < len(lines):
        reading.dropped.append("A list of sources written by the model was dropped.")
    return "\n".join(lines[:last])


def _is_bare_head(lines: Sequence[str], at: int) -> bool:
    """Tell whether a heading such as `Sources:` stands here with an entry under it."""
    head = _LIST_HEAD.fullmatch(lines[at])
    below = next((line for line in lines[at + 1 :] if line.strip()), "")
    return head is not None and not head["rest"].strip() and bool(_LIST_ENTRY.match(below))


def _pairs(text: str) -> dict[int, int]:
    """Return where each opening bracket that is closed on its line is closed."""
    closed: dict[int, int] = {}
    open_at: list[int] = []
    for at, char in enumerate(text):
        if char == "\n":
            open_at.clear()
        elif char in OPENERS:
            open_at.append(at)
        elif char in CLOSERS and open_at:
            closed[open_at.pop()] = at
    return closed


def _groups(
    text: str, pairs: dict[int, int], span: tuple[int, int], reading: _Reading, *, depth: int
) -> Iterator[str]:
    """Yield a stretch of text with each group of brackets read."""
    at, stop = span
    while at < stop:
        close = pairs.get(at, -1)
        if close < 0 or close >= stop:
            following = min(_next(text, at + 1), stop)
            yield text[at:following]
            at = following
            continue
        after = _after(text, close + 1)
        yield from _group(text, pairs, (at, close), reading, linked=after > close + 1, depth=depth)
        at = after


def _next(text: str, start: int) -> int:
    """Return the next opening bracket, or the end."""
    found = _OPENER.search(text, start)
    return found.start() if found else len(text)


def _after(text: str, at: int) -> int:
    """Return the offset behind the target of a link that begins here, or this offset where none does."""
    match = _TARGET.match(text, at)
    return match.end() if match else at


def _group(
    text: str,
    pairs: dict[int, int],
    span: tuple[int, int],
    reading: _Reading,
    *,
    linked: bool,
    depth: int,
) -> Iterator[str]:
    """Yield what one group of brackets becomes: marks, or its text, or nothing."""
    start, close = span
    inner = text[start + 1 : close]
    flat = inner.translate({ord(char): " " for char in BRACKETS}).strip()
    bare = _STANDS_IN.sub("", flat)
    is_marker = _MARKERISH.fullmatch(bare) or _numbers(bare) or (bare != flat and not bare.strip())
    if is_marker and linked:
        yield _drop("A marker with a link", reading)
    elif is_marker and bare != flat:
        yield _drop("A marker made of other things", reading)
    elif is_marker:
        yield from _cite(inner, reading)
    elif depth >= _DEEPEST:
        yield _drop("A nest of brackets", reading)
    else:
        content = "".join(_groups(text, pairs, (start + 1, close), reading, depth=depth + 1))
        yield content if linked else f"{text[start]}{content}{text[close]}"


def _cite(inner: str, reading: _Reading) -> Iterator[str]:
    """Yield the mark of a group that holds nothing but numbers."""
    nested = [match[1] for match in re.finditer(r"\[([^\[\]]*)\]", inner)]
    around = re.sub(r"\[[^\[\]]*\]", "", inner)
    if nested and re.search(rf"[^\s,;]|[{re.escape(BRACKETS)}]", around):
        yield _drop("A marker inside a marker", reading)
        return
    for group in nested or [inner]:
        numbers = []
        for number in _numbers(group.strip(" *_\\")) or (0,):
            if 1 <= number <= reading.n_passages:
                numbers.append(number)
            else:
                reading.dropped.append(_unknown(number))
        yield reading.mark(tuple(numbers))


def _unknown(number: int) -> str:
    if number > 0:
        return f"Marker {number} names no passage and was dropped."
    return "Something like a marker names no passage and was dropped."


def _numbers(content: str) -> tuple[int, ...]:
    """Return what a marker names, in order; 0 for an item that is no number, () where it is no marker."""
    named = _NAMED.match(content)
    items = _SEPARATOR.split(content[named.end() :] if named else content)
    matches = [_ITEM.fullmatch(item.strip()) for item in items]
    if not all(matches):
        return ()
    found: list[int] = []
    for match in matches:
        if match is not None:
            found.extend(_expanded(match[1], match[2]))
    return tuple(dict.fromkeys(found))


def _expanded(first: str, last: str | None) -> Iterable[int]:
    """Return the numbers of one item: plain decimal numbers, or a short range of them."""
    if not all(_NUMBER.fullmatch(end) for end in (first, last or first)):
        return (0,)
    low, high = int(first), int(last or first)
    return range(low, high + 1) if 0 <= high - low < MOST_IN_RANGE else (0,)


def _line(marked: str, reading: _Reading, known: str) -> Line:
    """Take the markers out of a line, and the white space that they leave."""
    heading = _HEADING.match(marked)
    line = re.sub(r"^[#>\s]+", "", marked)
    bullet = _BULLET.match(line)
    parts = re.split(f"({_MARK})", line[bullet.end() if bullet else 0 :])
    text = re.sub(r"\s+", " ", parts[0]).lstrip()
    markers: list[tuple[int, int]] = []
    for mark, part in zip(parts[1::2], parts[2::2], strict=True):
        text = text.rstrip()
        markers.extend((len(text), number) for number in reading.numbers(mark))
        text += _joined(text, re.sub(r"\s+", " ", part))
    text = text.rstrip()
    calm = without_links(harmless(text), known=known)
    if calm != text:
        markers = [(len(without_links(harmless(text[:at]), known=known)), k) for at, k in markers]
    printed = f"{bullet[1]}. " if bullet and bullet[1] else "- " if bullet else ""
    printed = f"{heading[1]} " if heading and not bullet else printed
    return Line(
        bullet=printed if calm else "",
        text=calm,
        markers=tuple((min(at, len(calm)), k) for at, k in markers),
    )


def _joined(before: str, after: str) -> str:
    """Return what follows a marker as it reads without the marker."""
    if not before or re.match(r" ?[.,;:!?)\]…。，；：！？]", after):
        return after.lstrip()
    return f" {after}" if after[:1].isascii() and after[:1].isalnum() else after


def _trimmed(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines, with one empty line at most between two that say something."""
    blank, said = False, False
    for line in lines:
        if line.text or line.markers:
            if blank and said:
                yield Line(bullet="", text="", markers=())
            blank, said = False, True
            yield line
        else:
            blank = True
