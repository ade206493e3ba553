"""Answers as files: complete, exact and inert."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.schema import Source
from rag.web.conversation import Exchange
from rag.web.export import exported
from tests.web_fakes import BUILT, CARRIED, HARBOUR, REPORT, answered, guessed, saying, unanswered

AT = "2026-01-02 03:04 UTC"
HOSTILE = (
    "<img src=http://canary.example/a onerror=alert(1)>",
    "![x](http://canary.example/b) [click](javascript:alert(2))",
    "[1](http://canary.example/d) [99] [[1]1]",
    "</p></style><script>alert(3)</script>",
    "# heading\n- item\n1. one\n| a | b |\n---",
    "http://canary.example/o <http://canary.example/p> www.canary.example me@canary.example",
    '" onmouseover="alert(8)',
    "*bold* _soft_ `code` $x$ ~~gone~~ &lt;b&gt; [^1]: note",
)


def asked(question: str = "When?") -> Exchange:
    """A question with three quotes of two sources."""
    return Exchange(question=question, answer=answered(question))


class Tags(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_json_of_one_answer_is_the_one_of_the_program():
    """The same as `Answer.to_dict`, so that programs need to know one form."""
    exchange = asked()
    file = exported([exchange], "json", saved_at=AT)
    assert ("when.json", "application/json") == (file.name, file.media_type)
    assert json.loads(json.dumps(exchange.answer.to_dict())) == json.loads(file.text)
    schema = json.loads((files("rag") / "data/answer.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == set(json.loads(file.text))


def test_json_of_a_conversation_has_every_answer_in_order():
    """Questions without an answer are left out: there is nothing to keep of them."""
    talk = [asked("one"), Exchange(question="stopped", trouble="Stopped."), asked("two")]
    whole = json.loads(exported(talk, "json", saved_at=AT).text)
    assert AT == whole["saved_at"]
    assert ["one", "two"] == [turn["question"] for turn in whole["turns"]]


@pytest.mark.parametrize("form", ["md", "html"])
def test_every_quote_has_its_words_and_its_place(form: str):
    """Source id, title, page, characters and hash: enough to look it up and see that it is the same."""
    text = exported([asked()], form, saved_at=AT).text
    plain = re.sub(r"\\(.)", r"\1", text) if form == "md" else Tags(text).text
    for words in (BUILT, CARRIED, HARBOUR.title, HARBOUR.source_id, "page 2", AT):
        assert words in plain
    start = REPORT.text.index(CARRIED)
    assert f"characters {start}–{start + len(CARRIED)}, sha256 {REPORT.sha256}" in plain
    assert "weakly supported" in plain
    assert "not supported" in plain
    assert "extractive:fake, sure" in plain


def test_markers_of_markdown_are_footnotes_of_their_own_answer():
    """In a conversation the first quote of the second answer is not that of the first."""
    text = exported([asked("one"), asked("two")], "md", saved_at=AT).text
    assert {"1-1", "1-2", "1-3", "2-1", "2-2", "2-3"} == set(re.findall(r"\[\^([\d-]+)\]", text))
    assert 6 == len(re.findall(r"^\[\^[\d-]+\]: ", text, re.MULTILINE))
    single = exported([asked("one")], "md", saved_at=AT).text
    assert "The harbour was built in 1871 [^1]" in single


def test_markers_of_html_lead_to_their_quotes():
    """Each link is an anchor of the page itself that is there."""
    tags = Tags(exported([asked("one"), asked("two")], "html", saved_at=AT).text).found
    links = {found["href"] for tag, found in tags if tag == "a"}
    assert {f"#c-{turn}-{n}" for turn in (1, 2) for n in (1, 2, 3)} == links
    assert links == {f"#{found['id']}" for tag, found in tags if tag == "li"}


def test_a_question_that_is_not_answered_says_so():
    """With the reason, and nothing that looks like an answer."""
    exchange = Exchange(question="The moon?", answer=unanswered("The moon?"))
    for form in ("md", "html"):
        text = exported([exchange], form, saved_at=AT).text
        assert "No answer found" in text
        assert "Closest passages" in text
        assert "Nothing is said about the moon" in text


def test_what_has_become_of_a_source_is_said():
    """And nothing is said of those that are as they were."""
    exchange = replace(asked(), standing=("current", "changed", "removed"))
    text = exported([exchange], "html", saved_at=AT).text
    assert 1 == text.count("the source has changed since")
    assert 1 == text.count("no longer in the sources")


def test_a_guess_is_kept_as_one():
    """Its words first, the path above the sentence, the reason, and what else comes close with its decisive words."""
    exchange = Exchange(question="When?", answer=guessed("When?"))
    made = exported([exchange], "md", saved_at=AT).text
    lines = re.sub(r"\\(.)", r"\1", made).split("\n\n")
    assert [
        "**Best guess: 1871** [^1]",
        "*The harbour of Ostby › Not yet built*",
        f"{BUILT} [^1]",
        "This may not answer the question.",
        "**Closest passages**",
    ] == lines[1:6]
    assert "- “The **ferry** to Lund leaves at eight every morning.”: Not yet built" in lines[6]
    shown = Tags(exported([exchange], "html", saved_at=AT).text).text
    assert re.search(r"Best guess\s*1871 \[1\]\s*The harbour of Ostby › Not yet built", shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_text_in_html(text: str):
    """No script, no request, no tag or link that is not ours, and the file's own policy forbids them."""
    source = Source(source_id=text, title=text, text=text, sha256="c" * 64, media_type="text/plain")
    exchange = Exchange(question=text, answer=saying(text, source, text))
    guess = Exchange(question=text, answer=guessed(text, words=text, source=source))
    tags = Tags(exported([exchange, guess], "html", saved_at=AT).text)
    allowed = {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ol", "li", "a", "bdi",
        "blockquote", "div", "span", "strong", "mark", "ul", "h3",
    }  # fmt: skip
    assert {tag for tag, _ in tags.found} <= allowed
    assert all(
        found["href"].startswith(("#c-1-", "#c-2-")) for tag, found in tags.found if tag == "a"
    )
    assert {"src", "onerror", "onmouseover"}.isdisjoint(
        {name for _, found in tags.found for name in found}
    )
    policy = next(found for tag, found in tags.found if "http-equiv" in found)
    assert policy["content"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy["content"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_only_text_in_markdown(text: str):
    """Whoever draws the file draws the same words: no image and no link comes of them."""
    source = Source(source_id=text, title=text, text=text, sha256="c" * 64, media_type="text/plain")
    exchange = Exchange(question=text, answer=saying(text, source, text))
    guess = Exchange(question=text, answer=guessed(text, words=text, source=source))
    made = exported([exchange, guess], "md", saved_at=AT).text
    kinds = {token.type for token in drawn(made)}
    ours = {
        "bullet_list",
        "ordered_list",
        "list_item",
    }  # the answer's own, and the closest passages
    assert kinds <= {"heading", "paragraph", "inline", "text", "softbreak", "em", "strong"} | ours
    assert [] == re.findall(r"(?<!\\)://|www\.|(?<!\\)@", made)  # what GitHub makes links of


@given(st.text(max_size=80))
@example("#")
def test_any_text_survives_markdown(text: str):
    """Whoever draws the heading draws the words of the question."""
    heading = drawn(exported([asked(f"q {text}")], "md", saved_at=AT).text.split("\n\n")[0])
    seen = re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", " ".join(f"q {text}".split())
    )
    assert seen == "".join(token.content for token in heading if token.type == "text")


def drawn(markdown: str) -> list[Token]:
    """Return what a program that draws Markdown makes of a text, each thing by its kind."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    whole = [*tokens, *(child for token in tokens for child in token.children or ())]
    for token in whole:
        token.type = token.type.removesuffix("_open").removesuffix("_close")
    return whole


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Who is it?", "who-is-it.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("何？", "conversation.md"),
    ],
)
def test_a_file_has_a_harmless_name(question: str, name: str):
    """Letters and digits of the first question."""
    assert name == exported([asked(question)], "md", saved_at=AT).name
