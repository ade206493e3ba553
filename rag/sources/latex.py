"""LaTeX (.tex), as it reads once set, by its commands alone: no macro is run and no file included."""

from __future__ import annotations

import re
from unicodedata import normalize

from rag.sources.characters import clean, decode
from rag.sources.document import Document
from rag.sources.rendering import Markup
from rag.sources.signatures import check_text

_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]{0,400}\}){0,400}\}){0,800})\}"
"""What stands between braces, three deep."""
_TOKEN = re.compile(
    rf"\\(?P<section>part|chapter|section|subsection|subsubsection|paragraph)\*?\s*(?:\[[^\]]{{0,200}}\])?{_GROUP}"
    r"|\\begin\s*\{(?P<begin>[\w*]+)\}(?:\s*\[[^\]]{0,200}\])?|\\end\s*\{(?P<end>[\w*]+)\}"
    r"|\\item\b\s*(?:\[(?P<term>[^\]]{0,200})\])?|(?P<gap>\n\s*\n)|\\\[(?P<math>.{0,800}?)\\\]",
    re.DOTALL,
)
_LEVELS = {
    "part": 2,
    "chapter": 2,
    "section": 2,
    "subsection": 3,
    "subsubsection": 4,
    "paragraph": 5,
}
_HEADS = {
    name: re.compile(rf"\\{name}\s*(?:\[[^\]]{{0,200}}\])?{_GROUP}")
    for name in ("title", "author", "date")
}
_CODE = frozenset({"verbatim", "lstlisting", "minted", "Verbatim", "alltt"})
_TABLES = frozenset({"tabular", "tabular*", "tabularx", "longtable", "array"})
_LISTS = frozenset({"itemize", "enumerate", "description"})
_CAPTION = re.compile(rf"\\caption\*?\s*(?:\[[^\]]{{0,200}}\])?{_GROUP}")
_DEFINED = re.compile(rf"\\(?:re)?newcommand\*?\s*\{{?\\(\w+)\}}?\s*{_GROUP}")
_UNSEEN = re.compile(
    rf"~?\\(?:label|\w*ref|cite\w*|includegraphics|vspace|hspace|bibliography\w*|usepackage|documentclass|input|include|index"
    rf"|pagestyle|setlength|thispagestyle|centering|maketitle|tableofcontents|noindent|newpage|clearpage|small|large"
    rf"|bigskip|medskip|smallskip|hline|toprule|midrule|bottomrule|cmidrule|cline|par|raggedright)\*?"
    rf"(?![a-zA-Z])(?:\s*\([^)]*\))?(?:\s*\[[^\]]{{0,200}}\])*(?:\s*{_GROUP})*"
)
_FOOTNOTE = re.compile(rf"\\footnote\s*{_GROUP}")
_LINK = re.compile(rf"\\href\s*\{{[^{{}}]*\}}\s*{_GROUP}")
_COMMAND = re.compile(rf"\\(?:[a-zA-Z]+)\*?\s*(?:\[[^\]]{{0,200}}\])?{_GROUP}")
_BARE = re.compile(r"\\([a-zA-Z]+)\*?(?:\{\})?")
_SPANNING = re.compile(rf"\\multicolumn\s*\{{(\d{{1,2}})\}}\s*{_GROUP}\s*{_GROUP}")
_SECOND = re.compile(
    rf"\\(?:textcolor|colorbox|multirow|raisebox|parbox|resizebox)\*?\s*{_GROUP}(?:\s*{_GROUP})?\s*{_GROUP}"
)
_PAIR = re.compile(rf"\\(SI|qty|frac|tfrac|dfrac)\s*{_GROUP}\s*{_GROUP}")
_MACRO = re.compile(r"\\([a-zA-Z]{1,60})(?:\{\})?")
_ACCENT = re.compile(r"\\(?:([`'^\"~=.])\s*\{?|([cuvHk])(?:\s*\{|\s+))\\?([a-zA-Z])\}?")
_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    '"': "\u0308",
    "c": "\u0327",
    "v": "\u030c",
}
_SIGNS = {
    "ss": "ß", "ae": "æ", "oe": "œ", "o": "ø", "aa": "å", "AA": "Å", "O": "Ø", "ldots": "…", "dots": "…", "times": "×",
    "cdot": "·", "circ": "°", "degree": "°", "pm": "±", "leq": "≤", "geq": "≥", "le": "≤", "ge": "≥", "approx": "≈",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "mu": "µ", "pi": "π", "sigma": "σ", "euro": "€",
    "pounds": "£", "textbackslash": "\\", "infty": "∞", "to": "→", "rightarrow": "→", "S": "§", "quad": " ",
    "LaTeX": "LaTeX", "TeX": "TeX",
}  # fmt: skip
_ESCAPED = re.compile(r"\\([%&#$_{}])")
_MARKS = (
    ("---", "—"),
    ("--", "–"),
    ("``", "“"),
    ("''", "”"),
    ("~", " "),
    ("\\,", " "),
    ("\\;", " "),
    ("\\!", ""),
    ("\\ ", " "),
)


def read(data: bytes) -> Document:
    """Read a file: sections, lists, tables, footnotes and code; its title is the one it names."""
    check_text(data)
    text, guessed = decode(data)
    text = clean(text)
    page = Markup()
    bare = _COMMENT.sub("", text)
    macros = {name: said for name, said in _DEFINED.findall(bare) if "#" not in said}
    reader = _Reader(page, macros)
    reader.head(bare)
    body = bare.partition("\\begin{document}")[2].partition("\\end{document}")[0] or bare
    reader.read(body)
    return page.document(guessed)


class _Reader:
    """Reads the body command by command."""

    def __init__(self, page: Markup, macros: dict[str, str]) -> None:
        self._page = page
        self._macros = macros
        self._lists: list[list[int]] = []
        """For each list that is open its last number, or nothing where it has none."""
        self._caption = ""

    def head(self, text: str) -> None:
        """Write title, author and date."""
        found = {
            name: self._plain(said[1]) for name, one in _HEADS.items() if (said := one.search(text))
        }
        if title := found.pop("title", ""):
            self._page.head(1, title)
        if found:
            self._page.fields([(name.capitalize(), said) for name, said in found.items()])

    def read(self, text: str) -> None:
        """Read a stretch of the body."""
        at = 0
        while token := _TOKEN.search(text, at):
            self._text(text[at : token.start()])
            at = token.end()
            if token["section"]:
                self._page.head(_LEVELS[token["section"]], self._plain(token[2]))
            elif token["begin"]:
                at = self._begin(text, at, token["begin"])
            elif token["end"] in _LISTS:
                self._end_list()
            elif token["gap"] is not None:
                self._page.end_paragraph()
            elif token["math"]:
                self._page.line(self._plain(token["math"]))
            elif token[0].startswith("\\item"):
                self._item(self._plain(token["term"] or ""))
        self._text(text[at:])
        self._page.end_list()

    def _begin(self, text: str, at: int, name: str) -> int:
        """Begin an environment; of one that is read whole return where it ends."""
        if name in _LISTS:
            self._page.end_paragraph()
            self._lists.append([0] if name == "enumerate" else [])
            return at
        if name in {"table", "table*", "longtable"}:
            inside = text[at : self._end(text, at, name)]
            caption = _CAPTION.search(inside)
            self._caption = self._plain(caption[1]) if caption else ""
        if name == "abstract":
            self._page.head(2, "Abstract")
        if name in _CODE or name in _TABLES:
            end = self._end(text, at, name)
            body = text[at:end]
            if name in _CODE:
                self._page.code(body.strip("\n"))
            else:
                self._table(body)
            return end
        return at

    def _end(self, text: str, at: int, name: str) -> int:
        end = text.find(f"\\end{{{name}}}", at)
        return len(text) if end < 0 else end

    def _table(self, body: str) -> None:
        """Read the rows of a table; those above its second rule name the columns."""
        body = re.sub(
            rf"^\s*(?:\[[^\]]{{0,200}}\])?(?:\s*{_GROUP}){{1,2}}",
            "",
            _CAPTION.sub("", body),
            count=1,
        )
        rows: list[list[str]] = []
        heads = 0
        body = _SPANNING.sub(lambda one: one[3] + " &" * (int(one[1]) - 1), body)
        for row in re.split(r"\\\\(?:\[[^\]]{0,200}\])?|\\tabularnewline", body):
            ruled = re.match(r"\s*(?:\\(?:hline|midrule|endhead|toprule|cmidrule\S*))", row)
            if ruled and rows and not heads:
                heads = len(rows)
            cells = [self._plain(cell) for cell in re.split(r"(?<!\\)&", row)]
            if any(cells):
                rows.append(cells)
        self._page.table(rows, heads=heads if heads < len(rows) else 0, caption=self._caption)
        self._caption = ""

    def _item(self, term: str) -> None:
        if not self._lists:
            self._lists.append([])
        counted = self._lists[-1]
        if counted:
            counted[0] += 1
        number = str(counted[0]) if counted else ""
        self._page.item(len(self._lists), f"{term}:" if term else "", number=number)

    def _end_list(self) -> None:
        if self._lists:
            self._lists.pop()
        if self._lists:
            self._page.end_paragraph()
        else:
            self._page.end_list()

    def _text(self, text: str) -> None:
        self._page.line(self._plain(_CAPTION.sub("", text)))

    def _plain(self, text: str) -> str:
        """Return a text without commands, on one line; a footnote stands behind it in brackets."""
        text = _MACRO.sub(lambda one: self._macros.get(one[1], one[0]), text)
        text = _UNSEEN.sub("", text)
        text = _SECOND.sub(lambda one: one[3], text)
        text = _PAIR.sub(lambda one: f"{one[2]}{'/' if 'frac' in one[1] else ' '}{one[3]}", text)
        text = _ACCENT.sub(lambda one: one[3] + _ACCENTS.get(one[1] or one[2], ""), text)
        text = normalize("NFC", text)
        text = _FOOTNOTE.sub(r" (\1)", _LINK.sub(r"\1", text))
        for _ in range(3):
            text = _COMMAND.sub(r"\1", text)
        text = _ESCAPED.sub(lambda one: chr(0xE000 + ord(one[1])), text)
        text = _BARE.sub(lambda one: _SIGNS.get(one[1], " "), text)
        text = re.sub(r"\^\s*°", "°", re.sub(r"\$|\\[()]", "", text))
        for mark, said in _MARKS:
            text = text.replace(mark, said)
        text = re.sub(r"[{}]", "", text)
        text = re.sub("[\ue000-\ue0ff]", lambda one: chr(ord(one[0]) - 0xE000), text)
        return " ".join(text.replace("\\\\", " ").split())
