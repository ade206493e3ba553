"""What is indexed, one source, and what is being taken in, as HTML in which every name is only text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rag.schema import SourceInfo
from rag.web.escaping import counted, escape
from rag.web.opening import STAGES, State
from rag.web.taking_in import Activity, Doing, Entry, Outcome

PER_PAGE = 50

_KINDS: Mapping[str, str] = {
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "text/html": "Web page",
    "application/xhtml+xml": "Web page",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/msword": "Word",
    "application/vnd.oasis.opendocument.text": "OpenDocument text",
    "application/rtf": "Rich text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument slides",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/vnd.ms-excel.sheet.macroEnabled.12": "Excel",
    "application/vnd.ms-excel": "Excel",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument sheets",
    "application/epub+zip": "EPUB",
    "text/csv": "CSV",
    "text/tab-separated-values": "TSV",
    "message/rfc822": "Mail",
    "application/vnd.ms-outlook": "Mail",
    "application/mbox": "Mailbox",
    "application/json": "JSON",
    "application/jsonl": "JSON lines",
    "application/yaml": "YAML",
    "application/toml": "TOML",
    "application/xml": "XML",
    "application/x-ipynb+json": "Notebook",
    "application/x-subrip": "Subtitles",
    "text/vtt": "Subtitles",
    "text/x-rst": "reStructuredText",
    "text/asciidoc": "AsciiDoc",
    "text/x-tex": "LaTeX",
    "text/org": "Org",
    "text/x-source": "Source code",
    "text/x-ini": "Configuration",
    "text/calendar": "Calendar",
    "text/vcard": "Contacts",
    "image/png": "Image",
    "image/jpeg": "Image",
    "image/tiff": "Image",
    "image/webp": "Image",
}
_NOTHING = (
    '<p class="fn-note fn-nothing">Nothing is indexed yet. Add files, and ask about them in the'
    " chat.</p>"
)
_COMING = "About to be indexed"
_NO_MATCH = '<p class="fn-note fn-nothing">No source matches.</p>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The part of the sources that is shown."""

    entries: tuple[Entry, ...]
    number: int
    """0-based."""
    n_pages: int
    """At least 1."""
    n_found: int
    """On all pages."""


def page_of(entries: Sequence[Entry], words: str, *, troubled: bool, number: int) -> Page:
    """Return one page of the entries that match.

    Args:
        entries: all there are.
        words: each stands in a match's title, id or kind, whatever the case.
        troubled: only those that are not indexed, or with a warning.
        number: 0-based; the last page where there are fewer.
    """
    wanted = words.casefold().split()
    found = [
        entry
        for entry in entries
        if (entry.note or not troubled) and all(word in _searched(entry) for word in wanted)
    ]
    n_pages = max(1, -(-len(found) // PER_PAGE))
    number = min(max(number, 0), n_pages - 1)
    return Page(
        entries=tuple(found[number * PER_PAGE : (number + 1) * PER_PAGE]),
        number=number,
        n_pages=n_pages,
        n_found=len(found),
    )


def shelf(page: Page, *, n_all: int, chosen: str) -> str:
    """Return the list of a page's sources.

    Args:
        page: what to show.
        n_all: how many there are, found or not.
        chosen: key of the one that is open.
    """
    if not page.entries:
        return _NO_MATCH if n_all else _NOTHING
    rows = "".join(_row(entry, entry.key == chosen) for entry in page.entries)
    return f'<ol class="fn-shelf">{rows}</ol>'


def place(page: Page) -> str:
    """Return which part of the sources is shown."""
    if page.n_pages == 1:
        return f'<p class="fn-note">{counted(page.n_found, "source")}</p>'
    first = page.number * PER_PAGE + 1
    last = first + len(page.entries) - 1
    return f'<p class="fn-note">{first:,} to {last:,} of {counted(page.n_found, "source")}</p>'


def built_with(statistics: Mapping[str, object]) -> str:
    """Return what is indexed, in numbers, and with what settings."""
    if not statistics:
        return '<p class="fn-note">Getting ready…</p>'
    if "sources" not in statistics:  # of several collections, each its own
        return ""
    n_sources, n_passages = statistics.get("sources"), statistics.get("passages")
    counts = " · ".join(
        counted(n, noun)
        for n, noun in ((n_sources, "source"), (n_passages, "passage"))
        if isinstance(n, int)
    )
    settings = (
        f"passages of at most {statistics.get('passage_tokens')} tokens"
        f" ({statistics.get('tokenizer')}), sentences that overlap: {statistics.get('overlap_sentences')},"
        f" encoder {statistics.get('encoder')}"
    )
    return f'<p class="fn-note">{counts}<br><span>{escape(settings)}</span></p>'


def about(entry: Entry) -> str:
    """Return all that is known of a source."""
    facts = "".join(
        f"<tr><th>{name}</th><td><bdi>{escape(value)}</bdi></td></tr>"
        for name, value in _facts(entry)
        if value
    )
    state = "" if not entry.note else f'<p class="fn-state fn-gone">{escape(entry.note)}</p>'
    return (
        f'<div class="fn-about"><h2><bdi>{escape(entry.title)}</bdi></h2>{state}'
        f'<table class="fn-facts">{facts}</table></div>'
    )


def warning(entry: Entry) -> str:
    """Return what removing a source means."""
    then = (
        "The file that was taken in here is deleted."
        if entry.upload is not None
        else "The file itself stays where it is, and is left out from then on."
    )
    return (
        f'<p class="fn-state fn-trouble">Remove <bdi>{escape(entry.title)}</bdi>? No answer, search or'
        f" page shows its text any more. {then}</p>"
    )


def doing(now: Activity) -> str:
    """Return what is done and what waits; nothing where nothing is."""
    parts = [_doing(now.doing)] if now.doing is not None else []
    parts += [f'<p class="fn-queued">Next: <bdi>{escape(label)}</bdi></p>' for label in now.waiting]
    return f'<div class="fn-doings">{"".join(parts)}</div>' if parts else ""


def beside(now: Activity, state: State) -> str:
    """Return what the chat says of what is being read, and how far it is; nothing where nothing is."""
    if state.status == "starting":
        return (
            f'<p class="fn-meanwhile">{escape(state.message)} Answers come when that is done.</p>'
        )
    if now.doing is None:
        return ""
    more = f", and {len(now.waiting):,} more to do" if now.waiting else ""
    return (
        f'<p class="fn-meanwhile"><bdi>{escape(now.doing.label)}</bdi>: {_how_far(now.doing)}{more}.'
        " Until it is done, answers come from what was there before.</p>"
    )


def outcomes(now: Activity) -> str:
    """Return what became of what was done, latest first; nothing where nothing was."""
    rows = "".join(map(_outcome, now.outcomes))
    return f'<ul class="fn-outcomes">{rows}</ul>' if rows else ""


def trouble(message: str) -> str:
    """Return a sentence on why something was not done; nothing for none."""
    return f'<p class="fn-state fn-trouble">{escape(message)}</p>' if message else ""


def choices(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return label and id of each source that can be asked, told apart where titles are the same."""
    indexed = [entry for entry in entries if entry.info is not None]
    titles = [entry.title for entry in indexed]
    return [
        (
            entry.title if titles.count(entry.title) == 1 else f"{entry.title} ({entry.source_id})",
            entry.source_id,
        )
        for entry in indexed
    ]


def _searched(entry: Entry) -> str:
    kind = _kind(entry.info) if entry.info is not None else ""
    return f"{entry.title} {entry.source_id} {kind} {entry.url}".casefold()


def _row(entry: Entry, chosen: bool) -> str:
    classes = (
        "fn-entry" + " fn-open" * chosen + " fn-bad" * (entry.info is None and bool(entry.note))
    )
    path = "" if entry.title == entry.source_id else f"<bdi>{escape(entry.source_id)}</bdi>"
    if entry.info is not None:
        facts = " · ".join(map(escape, _brief(entry.info)))
    else:
        facts = f"<strong>Not indexed.</strong> {escape(entry.note)}" if entry.note else _COMING
    return (
        f'<li><button type="button" class="{classes}" value="{entry.key}">'
        f'<span class="fn-name"><bdi>{escape(entry.title)}</bdi></span>'
        f'<span class="fn-path">{path}</span><span class="fn-brief">{facts}</span></button></li>'
    )


def _brief(info: SourceInfo) -> list[str]:
    pages = (
        [counted(info.n_pages, "slide" if "presentation" in info.media_type else "page")]
        if info.n_pages
        else []
    )
    return [_kind(info), *pages, counted(info.n_passages, "passage")]


def _facts(entry: Entry) -> list[tuple[str, str]]:
    info = entry.info
    facts = [("Id", entry.source_id), ("Address", entry.url)]
    if info is None:
        return facts
    return [
        *facts,
        ("Type", f"{_kind(info)} ({info.media_type})"),
        ("Pages", f"{info.n_pages:,}" if info.n_pages else ""),
        ("Characters", f"{info.n_chars:,}"),
        ("Passages", f"{info.n_passages:,}"),
        ("Indexed", _moment(info.indexed_at)),
        ("From", "Taken in on this page" if entry.upload is not None else info.origin),
    ]


def _kind(info: SourceInfo) -> str:
    return _KINDS.get(info.media_type, info.media_type)


def _moment(stamp: str) -> str:
    """Write an ISO 8601 time of UTC for people."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _doing(doing: Doing) -> str:
    told = _how_far(doing)
    share = f' value="{doing.done}" max="{max(doing.total, 1)}"' if doing.stage else ""
    return (
        f'<div class="fn-doing"><p><bdi>{escape(doing.label)}</bdi></p>'
        f'<p class="fn-run"><progress{share}></progress><span>{told}</span></p></div>'
    )


def _how_far(doing: Doing) -> str:
    if doing.stopping:
        return "Stopping…"
    if not doing.stage:
        return "Beginning…"
    unit = STAGES.get(doing.stage, doing.stage)
    return f"{doing.done:,} of {doing.total:,} {escape(unit)}"


def _outcome(outcome: Outcome) -> str:
    message = f" {escape(outcome.message)}" if outcome.message else ""
    return (
        f'<li class="fn-{outcome.kind}"><bdi>{escape(outcome.name)}</bdi>'
        f" <strong>{escape(outcome.said)}.</strong>{message}</li>"
    )
