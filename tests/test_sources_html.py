"""HTML to text and structure, as a person reads it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.language.layout import refine
from rag.sources import markdown, web_page
from rag.sources.html import MAX_DEPTH, parse, title_of, to_text
from tests.structure_fakes import ANY_TEXT, check_blocks, check_units, paths, source_of, told

TAGS = (
    "p h1 h2 ul ol li dl dt dd table tr td th b strong blockquote pre details summary div br span caption a section"
).split()
WORDS = ["one", "Two words.", "Why?", "It has:", " ", "\n", "- a", "A: yes", "&lt;x&gt;", "a | b", ": def"]  # fmt: skip


def _element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, inside, more: f"<{tag}{more}>{''.join(inside)}</{tag}>",
        st.sampled_from(TAGS),
        st.lists(children, max_size=4),
        st.sampled_from(["", "", " colspan=2", " rowspan=2", " class=question", " hidden"]),
    )


PAGES = st.lists(st.recursive(st.sampled_from(WORDS), _element, max_leaves=20), max_size=5).map(
    "".join
)


def read(html: str) -> tuple[str, list[tuple[str, str, str | None]]]:
    """The text of a part of a page, and its blocks as the markup has them."""
    text, blocks = to_text(parse(html).body)
    return text, told(text, blocks)


def hung(html: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """The units of a part of a page with what each hangs from."""
    text, blocks = to_text(parse(html).body)
    return paths(source_of(text, refine(text, blocks)))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>One</h1><p>Two <b>three</b>\n four.</p>Five", "One\n\nTwo three four.\n\nFive"),
        ("<ul><li>a<ul><li>b</ul></ul><p>c", "- a\n- b\n\nc"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a | b\nc | d"),
        ("a<br>b", "a\nb"),
        ("<pre>x = 1\n  y</pre>", "x = 1\n  y"),
        ("<p hidden>no</p><script>no</script><p style='display:none'>no</p>yes", "yes"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\nb"),
        ("", ""),
    ],
)
def test_text_is_laid_out_as_it_is_read(html, expected):
    """A line for each list item and row, an empty one between paragraphs; what is hidden is not there."""
    assert expected == read(html)[0]


def test_no_node_is_no_text():
    """A page without a body has neither text nor structure."""
    assert ("", ()) == to_text(None)


def test_each_element_is_the_block_that_it_stands_for():
    """Headings, lists, quotes, code and captions; emphasis is none."""
    html = (
        "<h2>Head</h2><p>Some <b>bold</b> words.</p><ul><li>item</ul><blockquote><p>said</p></blockquote>"
        "<pre>x = 1</pre><figure><figcaption>seen</figcaption></figure>"
    )

    assert read(html)[1] == [
        ("heading", "Head", None),
        ("paragraph", "Some bold words.", None),
        ("list", "- item", None),
        ("item", "- item", "- item"),
        ("quote", "said", None),
        ("paragraph", "said", "said"),
        ("code", "x = 1", None),
        ("caption", "seen", None),
    ]


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("<p><b>Costs</b></p><p>They are high.</p>", "heading"),
        ("<p><b>Costs</b><br>They are high.</p>", "heading"),
        ("<p><b>Note</b> that it is so.</p>", "paragraph"),
        ("<p><b>It is over.</b></p>", "paragraph"),
        (f"<p><b>{'long ' * 30}</b></p>", "paragraph"),
        ("<p>Then <b>costs</b></p>", "paragraph"),
    ],
)
def test_bold_words_alone_on_their_line_are_a_heading(html, kind):
    """Where they stand in a sentence, end one or are long, they are not."""
    assert kind == read(html)[1][0][0]


def test_an_item_hangs_from_what_it_stands_in():
    """Items of items, and words behind an inner list, hang from the outer item; the list from what announces it."""
    html = "<h1>T</h1><p>It has:</p><ul><li>one<ul><li>deep</li></ul>tail</li><li>two</li></ul>"

    assert hung(html) == [
        ("title", "T", ()),
        ("paragraph", "It has:", ("T",)),
        ("item", "- one", ("T", "It has:")),
        ("item", "- deep", ("T", "It has:", "one")),
        ("paragraph", "tail", ("T", "It has:", "one")),
        ("item", "- two", ("T", "It has:")),
    ]


def test_a_row_hangs_from_its_caption_and_the_names_of_its_columns():
    """A cell knows what names it."""
    html = (
        "<table><caption>Rates</caption><tr><th>Zone<th>Price</tr><tr><td>North<td>4</tr>"
        "<tr><td>South<td>5</tr></table>"
    )
    text, blocks = to_text(parse(html).body)

    assert [("row", "South | 5", ("Rates", "Zone | Price"))] == hung(html)[-1:]
    assert {"North": "Zone", "4": "Price", "South": "Zone", "5": "Price"} == {
        text[one.start : one.end]: text[blocks[one.header[0]].start : blocks[one.header[0]].end]
        for one in blocks
        if one.kind == "cell" and one.header
    }


def test_a_table_that_lays_out_a_page_is_no_table_to_a_reader():
    """Its cells with headings or other tables in them are read one after the other."""
    html = "<table><tr><td><h2>Left</h2>a<td><h2>Right</h2>b</table>"

    text, blocks = read(html)

    assert "Left\n\na\n\nRight\n\nb" == text
    assert "row" not in {kind for kind, _, _ in blocks}


def test_an_unfolded_answer_hangs_from_its_question():
    """So does a definition from its term."""
    assert [("question", "Who pays?", ()), ("paragraph", "We do.", ("Who pays?",))] == hung(
        "<details><summary>Who pays?</summary>We do.</details>"
    )
    assert [("term", "a", ()), ("term", "b", ("a",)), ("paragraph", "Both.", ("a", "b"))] == hung(
        "<dl><dt>a</dt><dt>b</dt><dd>Both.</dd></dl>"
    )


def test_a_page_says_what_it_is_called():
    """By its title, else by its first heading."""
    assert ["One", "Two", ""] == [
        title_of(html) for html in ("<title> One </title><h1>Two", "<h1>Two</h1>", "<p>Three")
    ]


def test_a_page_nested_too_deep_is_refused():
    """The parser's time would grow with the square of the depth."""
    with pytest.raises(SourceError, match="nested more than") as caught:
        parse("<div>" * (MAX_DEPTH + 1))

    assert "unreadable" == caught.value.reason


@settings(max_examples=200, deadline=None)
@given(PAGES)
def test_any_page_has_a_structure(html):
    """Blocks lie in the text, in order and without circles; all that is not blank is in exactly one unit."""
    text, blocks = to_text(parse(html).body)
    refined = refine(text, blocks)

    check_blocks(text, blocks)
    check_blocks(text, refined)
    check_units(source_of(text, refined))


@settings(max_examples=60, deadline=None)
@given(PAGES.filter(str.strip), ANY_TEXT.filter(str.strip))
def test_any_document_has_a_structure(html, text):
    """So do whole pages and Markdown, read by their loaders."""
    for load, data in ((web_page.read, html), (markdown.read, text.replace("\ud800", "-"))):
        try:
            document = load(data.encode())
        except SourceError:
            continue
        whole = "".join(document.parts)
        check_blocks(whole, document.blocks)
        check_units(source_of(whole, document.blocks))


HOSTILE = {
    "terms": "<dl>" + "<dt>a" * 10_000,
    "definitions": "<dl>" + "<dt>a<dd>b" * 5_000,
    "heads": "<table>" + "<tr><th>a" * 3_000 + "<tr><td>b" * 3_000,
    "wide heads": "<table>" + "<tr><th colspan=100>a" * 1_200 + "<tr><td colspan=100>b" * 1_200,
    "long cells": "<table>" + ("<tr>" + "<td rowspan=100 colspan=100>a" * 100) * 20,
    "bold in bold": "<p>" + "<b>" * 16_000 + "x",
    "bold beside bold": "<p><b>x</b>" * 5_000,
    "tables in tables": "<table><tr><td>" * 300 + "x" * 10_000,
    "lists in lists": "<ul><li>a" * 400 + "<p>b" * 10_000,
    "items": "<ul>" + "<li>a" * 10_000,
    "lists with leads": "<p>It has:<ul><li>a</ul>" * 2_000,
    "cells": "<table><tr>" + "<td>a" * 10_000,
    "quotes": "<blockquote>" * 500 + "<p>a" * 10_000,
    "questions": "<h2>Why?</h2><p>a" * 3_000,
    "details": "<details><summary>a</summary>b</details>" * 1_200,
}


@pytest.mark.parametrize("html", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_with_length_not_its_square(html):
    """50,000 characters of any markup take seconds at most."""
    start = time.process_time()
    text, blocks = to_text(parse(html).body)
    check_units(source_of(text, refine(text, blocks)))

    assert time.process_time() - start < 6
