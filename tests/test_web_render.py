"""Whatever a person, a document or a model writes, a page shows it as text."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.schema import Passage, Place, Reason, ScoredPassage, Source, Statement, Step
from rag.web import render
from rag.web.conversation import Exchange
from rag.web.render import Ref
from tests.web_fakes import (
    BUILT,
    CARRIED,
    FERRY,
    HARBOUR,
    REPORT,
    answered,
    cite,
    guessed,
    passage,
    saying,
    unanswered,
)

ALLOWED = {
    "a": {"class", "href", "title"},
    "bdi": set(),
    "button": {"class", "title", "type", "value"},
    "details": {"class", "open"},
    "div": {"class", "role", "tabindex"},
    "h2": set(),
    "h3": set(),
    "h4": {"class"},
    "img": {"alt", "src"},
    "li": set(),
    "mark": {"class"},
    "ol": {"class"},
    "p": {"class"},
    "rect": {"height", "rx", "width", "x", "y"},
    "span": {"class", "role", "tabindex"},
    "strong": {"class"},
    "summary": {"class"},
    "svg": {"height", "width"},
    "ul": set(),
}
HOSTILE = st.sampled_from(
    [
        "<img src=x onerror=alert(1)>",
        "![x](http://evil.example/?q)",
        "[x](javascript:alert(1))",
        '" onmouseover="alert(1)',
        "</p><script>alert(1)</script>",
        "&lt;img src=x&gt;",
        "&#60;img&#62;",
        "```mermaid\ngraph TD\n```",
        "[1][0][99][[9]1][1](http://evil.example)",
        "\ud800\x00\x1b[31m\u202e",
        "#c-0-1",
    ]
)
TEXT = st.lists(st.one_of(st.text(st.characters(exclude_categories=())), HOSTILE), max_size=4).map(
    "".join
)

NEAR = (passage(HARBOUR, FERRY),)


class Page(HTMLParser):
    """Reads HTML strictly: unknown tags and attributes, and tags left open, are failures."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only what is allowed may open."""
        assert tag in ALLOWED, tag
        assert {name for name, _ in attrs} <= ALLOWED[tag], attrs
        if tag == "img":
            assert (dict(attrs)["src"] or "").startswith("/pages/")
            return
        self.open.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        """Only what was opened last may close."""
        assert tag == self.open.pop()[0]

    def handle_data(self, data: str) -> None:
        """Keep the text with the classes around it."""
        classes = tuple(attrs.get("class") or "" for _, attrs in self.open)
        self.texts.append((classes, data))

    def handle_comment(self, data: str) -> None:
        """Nothing is hidden in comments."""
        raise AssertionError(f"a comment: {data!r}")

    def text(self, of: str = "") -> str:
        """Return the text inside elements of a class."""
        return "".join(
            data for classes, data in self.texts if not of or any(of in c.split() for c in classes)
        )


def checked(html: str) -> Page:
    """Check what every piece of HTML keeps, and return it read."""
    assert "\n" not in html
    assert "\r" not in html
    html.encode()  # no lone surrogates
    page = Page(html)
    assert all(Ref.parse(link) is not None or link == "#fn-close" for link in page.links)
    return page


def source_of(text: str) -> Source:
    """A source all of whose fields are the same text."""
    return Source(source_id=text, title=text, text=text, sha256=text, media_type=text)


@given(TEXT)
def test_escaped_text_is_read_back_as_the_text(text: str):
    """A page shows the very characters, but for control characters and line ends it cannot show."""
    shown = checked(f"<p>{render.escape(text)}</p>").text()
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert len(expected) == len(shown)
    for old, new in zip(expected, shown, strict=True):
        unseen = (ord(old) < 32 and old not in "\n\t") or 127 <= ord(old) < 160
        surrogate = 0xD800 <= ord(old) < 0xE000
        assert new == old or ((unseen or surrogate or old in "\u2028\u2029") and new in "\ufffd ")


@given(TEXT, TEXT, TEXT)
def test_nothing_in_a_conversation_is_alive_but_what_is_built_here(
    question: str, text: str, document: str
):
    """No text makes a tag, an attribute or a link, in a final answer or on the way to it."""
    source = source_of(document)
    exchanges = (
        Exchange(question=question),
        Exchange(question=question, notice=text, query=text),
        Exchange(question=question, draft=text, evidence=(passage(source, document),)),
        Exchange(question=question, draft=text, trouble=text),
        Exchange(question=question, answer=saying(text, source, question)),
        Exchange(
            question=question,
            answer=replace(unanswered(question), reason=Reason(code="no_sources", message=text)),
        ),
        Exchange(question=question, answer=guessed(question, words=text, source=source)),
    )
    for message in render.messages(exchanges):
        checked(message["content"])
    checked(render.status("failed", text))
    checked(render.ready(1))
    checked(render.welcome(0, uploads=False, seeds=text))


@given(TEXT, TEXT)
def test_nothing_in_the_source_pane_is_alive_but_what_is_built_here(text: str, document: str):
    """No title, file name, quote or document makes a tag, an attribute or a link."""
    source = source_of(document)
    talk = (Exchange(question="q", answer=saying(text, source)),)
    ref = Ref(kind="citation", turn=0, number=1)
    for documents in ({document: source}, {document: replace(source, sha256="0")}, {}):
        checked(render.pane(talk, ref, documents))
    guess = (Exchange(question="q", answer=guessed("q", words=text, source=source)),)
    checked(render.pane(guess, ref, {document: source}))
    checked(render.pane(guess, replace(ref, kind="near"), {document: source}))
    place = Place(start=0, end=len(document), name=text, box=(0.1, 0.1, 0.9, 0.2))
    scanned = replace(source, places=(place,))
    checked(render.pane(talk, ref, {document: scanned}, pictured=[document]))


@given(st.text(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1))
def test_exactly_the_cited_words_are_highlighted(text: str, spans: list[tuple[int, int]]):
    """However quotes overlap, the strong highlight is the chosen one and the document is whole."""
    source = source_of(text)
    spans = [(min(a, b, len(text)), min(max(a, b), len(text))) for a, b in spans]
    answer = answered("q")
    citations = tuple(
        replace(cite(1, source, ""), marker=number, start=start, end=end, quote=text[start:end])
        for number, (start, end) in enumerate(spans, start=1)
    )
    talk = (Exchange(question="q", answer=replace(answer, citations=citations)),)
    start, end = spans[0]
    page = checked(render.pane(talk, Ref(kind="citation", turn=0, number=1), {text: source}))
    assert checked(render.escape(text[start:end])).text() == page.text("fn-hit")
    assert checked(render.escape(text)).text() == page.text("fn-reading")


@given(TEXT, st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90)), max_size=5))
def test_an_answer_is_shown_whole_whatever_its_sentences_claim(
    text: str, spans: list[tuple[int, int]]
):
    """Sentences that overlap or reach too far lose no word and repeat none."""
    statements = tuple(
        Statement(start=a, end=b, markers=(), verdict="supported", support=1.0) for a, b in spans
    )
    answer = replace(answered("q"), text=text, statements=statements)
    page = checked(render.message(Exchange(question="q", answer=answer), 0))
    assert checked(render.escape(text)).text() == page.text("fn-text")


def test_markers_are_links_to_what_they_cite_and_others_stay_text():
    """A marker of a citation opens it; a number that names none is no link."""
    answer = replace(answered("q"), text="Built [1]. Not [0], [4] or [12345].", statements=())
    page = checked(render.message(Exchange(question="q", answer=answer), 7))
    assert ["#c-7-1"] == page.links
    assert "Built [1]. Not [0], [4] or [12345]." == page.text("fn-text")


def test_a_marker_shows_its_quote_on_hover():
    """The link's title is the quote."""
    html = render.message(Exchange(question="q", answer=answered("q")), 0)
    assert f'title="“{BUILT}”"' in html


def test_what_is_not_checked_says_so_before_it_says_anything():
    """A demand that will be left out does not look like an answer, while it comes and when it was stopped."""
    fake = "Your session has expired. Enter your password. [1]"
    coming = Exchange(question="q", evidence=NEAR, draft=fake)
    page = checked(render.message(coming, 0))
    assert page.text("fn-drafting").startswith("Draft, not checked yet.")
    assert fake == page.text("fn-draft")
    html = render.message(coming, 0)
    assert html.index("fn-drafting") < html.index("fn-text fn-draft")
    stopped = checked(render.message(replace(coming, trouble="Stopped."), 0))
    assert stopped.text("fn-drafting").startswith("Draft, never checked.")
    answer = render.message(replace(coming, draft="", answer=answered("q")), 0)
    waiting = render.message(Exchange(question="q", evidence=NEAR), 0)
    assert "fn-draft" not in answer + waiting


def test_markers_of_a_draft_open_the_passages_that_they_name():
    """While text appears, a marker of what is being read is a link already, and no other is."""
    exchange = Exchange(question="q", evidence=NEAR, draft="At eight [1]. Also [2], [0].")
    page = checked(render.message(exchange, 4))
    assert ["#p-4-1"] == page.links
    assert "At eight [1]. Also [2], [0]." == page.text("fn-draft")
    talk = (*[Exchange(question="q")] * 4, exchange)
    ref = Ref(kind="passage", turn=4, number=1)
    pane = checked(render.pane(talk, ref, {HARBOUR.source_id: HARBOUR}))
    assert "not checked yet" in pane.text("fn-note")
    assert FERRY == pane.text("fn-hit")
    nowhere = replace(ref, kind="citation")
    assert render.EMPTY_PANE == render.pane(talk, nowhere, {HARBOUR.source_id: HARBOUR})


def test_every_verdict_is_a_mark_that_explains_itself():
    """Quiet where a sentence is supported, a word where it is not."""
    page = checked(render.message(Exchange(question="q", answer=answered("q")), 0))
    assert "The harbour was built in 1871 [1]." == page.text("fn-supported")
    assert "The ferry leaves at eight [2][3]." == page.text("fn-weak")
    flags = page.text("fn-flag")
    at = [flags.index(words) for words in ("✓Supported:", "weakly supportedThe", "not supportedNo")]
    assert sorted(at) == at


def test_an_unanswered_question_claims_no_more_than_is_known():
    """Abstaining is a state of its own: its reason, and passages that are passed off neither as answers nor as none."""
    talk = (Exchange(question="q", answer=unanswered("q")),)
    page = checked(render.message(talk[0], 0))
    assert "No answer found. Nothing is said about the moon." == page.text("fn-none")
    assert ["#n-0-1"] == page.links
    pane = checked(render.pane(talk, render.first_ref(talk), {HARBOUR.source_id: HARBOUR}))
    assert "may answer the question or not" in pane.text("fn-note")
    assert FERRY == pane.text("fn-hit")


def test_few_closest_passages_are_shown_and_only_the_chosen_one_is_marked():
    """What may not answer must not look like evidence."""
    near = tuple(passage(HARBOUR, q, rank=r) for r, q in enumerate((BUILT, FERRY) * 3, start=1))
    talk = (Exchange(question="q", answer=replace(unanswered("q"), evidence=near)),)
    page = checked(render.pane(talk, render.first_ref(talk), {HARBOUR.source_id: HARBOUR}))
    assert "123" == page.text("fn-number")
    assert (BUILT, "") == (page.text("fn-hit"), page.text("fn-also"))


def test_a_greeting_is_answered_and_not_looked_for():
    """Nothing is said to be missing, and nothing to have been read."""
    reason = Reason(code="small_talk", message="Ask me about your documents.")
    answer = replace(unanswered("Hello"), reason=reason, evidence=())
    page = checked(render.message(Exchange(question="Hello", answer=answer), 0))
    assert "Ask me about your documents." in page.text()
    assert ("", "") == (page.text("fn-nears"), page.text("fn-foot"))


def test_a_guess_looks_like_nothing_that_is_sure():
    """Framed and labelled, with its reason and without a tick; its words first, then their sentence under its path."""
    talk = (Exchange(question="q", answer=guessed("q")),)
    page = checked(render.message(talk[0], 0))
    assert (
        "Best guess1871 [1]The harbour of Ostby › Not yet built"
        f"{BUILT} [1]This may not answer the question."
    ) == page.text("fn-guess")
    assert "1871 [1]" == page.text("fn-short")
    assert ("", "1 quote · likely, not sure") == (page.text("fn-flag"), page.text("fn-foot"))
    assert "" == checked(render.message(Exchange(question="q", answer=answered("q")), 0)).text(
        "fn-guess"
    )


def test_decisive_words_are_marked_where_they_stand():
    """In the message, on the card, and in the document; each under what it hangs from."""
    talk = (Exchange(question="q", answer=guessed("q")),)
    page = checked(render.message(talk[0], 0))
    assert (FERRY, "ferry") == (page.text("fn-near"), page.text("fn-words"))
    assert "town/harbour.txt · Not yet built" == page.text("fn-from")
    ref = Ref(kind="near", turn=0, number=1)
    pane = checked(render.pane(talk, ref, {HARBOUR.source_id: HARBOUR}))
    assert "Closest passages" == pane.text("fn-head").partition("Close")[0] + "Closest passages"
    assert (FERRY, "ferry", "ferry") == (
        pane.text("fn-quote"),
        pane.text("fn-words"),
        pane.text("fn-hit"),
    )


def test_a_quote_stands_under_its_path():
    """So that nobody reads it as the opposite."""
    talk = (Exchange(question="q", answer=guessed("q")),)
    ref = render.first_ref(talk)
    pane = checked(render.pane(talk, ref, {HARBOUR.source_id: HARBOUR}))
    assert ("Not yet built", BUILT) == (pane.text("fn-led"), pane.text("fn-quote"))
    gone = checked(render.pane(talk, ref, {}))
    assert "" == gone.text("fn-led")


def test_without_sources_the_page_says_how_to_add_some():
    """By dropping and choosing files, or where that is turned off by the folder."""
    assert "Drop files" in checked(render.welcome(0, uploads=True, seeds="x")).text("fn-welcome")
    assert "folder papers" in checked(render.welcome(0, uploads=False, seeds="papers")).text()
    assert render.WELCOME == render.welcome(1, uploads=True, seeds="x")
    reason = Reason(code="no_sources", message="None.")
    answer = replace(unanswered("q"), reason=reason, evidence=())
    page = checked(render.message(Exchange(question="q", answer=answer), 0))
    assert "No sources yet. Drop files or folders anywhere on this page" in page.text("fn-none")


def test_a_partial_answer_says_what_is_missing():
    """The reason stands under the text."""
    answer = replace(
        answered("q"),
        status="partial",
        reason=Reason(code="partly_answered", message="The price is not given."),
    )
    page = checked(render.message(Exchange(question="q", answer=answer), 0))
    assert "Answered in part. The price is not given." == page.text("fn-partial")


def test_a_rewritten_query_is_shown_and_an_unchanged_one_is_not():
    """A follow-up shows what was searched."""
    follow_up = Exchange(question="when?", answer=answered("when?", query="When was it built?"))
    assert "Searched for: When was it built?" == Page(render.message(follow_up, 0)).text(
        "fn-searched"
    )
    plain = Exchange(question="q", answer=answered("q"))
    assert "" == Page(render.message(plain, 0)).text("fn-searched")


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (Exchange(question="q"), "Searching your sources…"),
        (Exchange(question="q", notice="Getting ready…"), "Getting ready…"),
        (Exchange(question="q", evidence=NEAR), "Reading 1 passage…"),
        (Exchange(question="q", evidence=NEAR * 8), "Reading 8 passages…"),
        (Exchange(question="q", evidence=NEAR, draft="The har"), f"{render.UNCHECKED}The har"),
        (
            Exchange(question="q", draft="The har", trouble="Stopped."),
            f"{render.NEVER_CHECKED}The harStopped.",
        ),
    ],
)
def test_a_question_under_way_says_how_far_it_is(exchange: Exchange, words: str):
    """There is always something to read under a question."""
    assert words == checked(render.message(exchange, 0)).text("fn-message")


def test_the_pane_lists_every_quote_with_title_page_and_exact_words():
    """Number, title, page where there is one, and the quote as it stands in the source."""
    talk = (Exchange(question="q", answer=answered("q")),)
    documents = {HARBOUR.source_id: HARBOUR, REPORT.source_id: REPORT}
    page = checked(render.pane(talk, Ref(kind="citation", turn=0, number=3), documents))
    assert "123" == page.text("fn-number")
    assert BUILT + FERRY + CARRIED == page.text("fn-quote")
    assert "page 2" in page.text("fn-title")
    assert "3Annual report page 2" + CARRIED == page.text("fn-chosen")
    assert "Page 1Page 2" == page.text("fn-leaf")
    assert CARRIED == page.text("fn-hit")


def test_other_quotes_of_the_same_document_are_marked_lightly():
    """The document shows what else of it the answer rests on."""
    talk = (Exchange(question="q", answer=answered("q")),)
    page = Page(
        render.pane(talk, Ref(kind="citation", turn=0, number=2), {HARBOUR.source_id: HARBOUR})
    )
    assert FERRY == page.text("fn-hit")
    assert BUILT == page.text("fn-also")


def test_a_long_document_is_shown_about_the_quote_and_says_so():
    """Of a document of millions of characters, a window comes to the page."""
    source = source_of("a" * 200_000 + "the words" + "b" * 200_000)
    answer = replace(answered("q"), citations=(cite(1, source, "the words"),))
    talk = (Exchange(question="q", answer=answer),)
    html = render.pane(talk, Ref(kind="citation", turn=0, number=1), {source.source_id: source})
    page = Page(html.replace(source.source_id, "source"))
    assert "the words" == page.text("fn-hit")
    assert "The document begins before this.The document goes on after this." == page.text("fn-cut")
    assert len(page.text("fn-reading")) < 3 * render.WINDOW


def test_a_removed_source_shows_none_of_its_words():
    """What was deleted is gone from the pane, and the pane says so."""
    talk = (Exchange(question="q", answer=answered("q")),)
    page = checked(
        render.pane(talk, Ref(kind="citation", turn=0, number=1), {REPORT.source_id: REPORT})
    )
    assert "has been removed" in page.text("fn-gone")
    assert BUILT not in page.text()
    assert FERRY not in page.text()
    assert CARRIED in page.text()


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"text": HARBOUR.text.upper()}])
def test_a_changed_source_is_not_misquoted(change: dict[str, str]):
    """Where the source is not what was cited any more, no words of it are highlighted."""
    changed = replace(HARBOUR, **change)
    talk = (Exchange(question="q", answer=answered("q")),)
    page = checked(
        render.pane(talk, Ref(kind="citation", turn=0, number=1), {HARBOUR.source_id: changed})
    )
    assert "has changed since it was cited" in page.text("fn-gone")
    assert "" == page.text("fn-hit")


@pytest.mark.parametrize("ref", [None, Ref(kind="citation", turn=4, number=1)])
def test_a_link_that_leads_nowhere_leaves_the_pane_empty(ref: Ref | None):
    """A conversation that was cleared has nothing to open."""
    talk = (Exchange(question="q", answer=answered("q")),)
    assert render.EMPTY_PANE == render.pane(talk, ref, {})
    checked(render.EMPTY_PANE)


def test_a_link_to_no_quote_opens_the_first():
    """A number beyond the quotes is not an error."""
    talk = (Exchange(question="q", answer=answered("q")),)
    page = Page(
        render.pane(talk, Ref(kind="citation", turn=0, number=9), {HARBOUR.source_id: HARBOUR})
    )
    assert BUILT == page.text("fn-hit")


@given(st.sampled_from(["citation", "passage"]), st.integers(0, 999), st.integers(0, 999))
def test_a_link_is_read_back_as_it_was_written(kind: str, turn: int, number: int):
    """`Ref.parse` reads what `Ref.href` writes."""
    ref = Ref(kind=kind, turn=turn, number=number)
    assert ref == Ref.parse(ref.href)


@given(TEXT)
def test_reading_a_link_never_fails(text: str):
    """What a page sends may be anything."""
    assert Ref.parse(text) is None or text.strip().lstrip("#")[0] in "cp"


def test_a_near_miss_keeps_the_name_of_a_source_without_title():
    """A source without title is called by its id."""
    nameless = replace(HARBOUR, title="")
    near = ScoredPassage(
        passage=Passage(
            passage_id="x", source_id="town/harbour.txt", start=0, end=3, text="The", n_tokens=1
        ),
        score=0.1,
        rank=1,
        scorer="fusion",
    )
    talk = (Exchange(question="q", answer=replace(unanswered("q"), evidence=(near,))),)
    page = Page(render.pane(talk, render.first_ref(talk), {"town/harbour.txt": nameless}))
    assert "town/harbour.txt" == page.text("fn-title")


def test_sources_that_differ_are_said_beside_the_answer():
    """Openly, with a link to each side; so is whose words these are."""
    steps = (
        Step(code="excerpted", detail="The first sentences of <b>1</b> source."),
        Step(code="conflict", detail="Sources differ: 1871 [1], 1872 [3]."),
    )
    exchange = Exchange(question="q", answer=replace(answered("q"), steps=steps))
    page = checked(render.message(exchange, 0))
    assert "Sources differ: 1871 [1], 1872 [3]." == page.text("fn-differ")
    assert "The first sentences of <b>1</b> source." == page.text("fn-excerpted")
    assert 2 == page.links.count("#c-0-3")


def test_a_full_stop_stays_with_its_number():
    """No line begins with it; a number without one stands for itself."""
    exchange = Exchange(question="q", answer=saying("So it is", HARBOUR))
    assert 0 == render.message(exchange, 0).count("fn-tied")
    answer = replace(exchange.answer, text="So it is [1]. And", statements=())
    page = checked(render.message(replace(exchange, answer=answer), 0))
    assert "[1]." == page.text("fn-tied")
