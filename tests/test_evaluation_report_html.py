"""The page of a run: whole, inert whatever it shows, and readable without anything else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import DatasetError
from rag.evaluation import html_report, plots, remake_reports
from rag.evaluation.dataset import Example
from rag.evaluation.intervals import Interval
from rag.evaluation.markup import escape
from rag.evaluation.report_html import MOST_FAILURES
from rag.evaluation.run import Run, evaluate
from rag.schema import Answer, Turn
from tests.evaluation_fakes import (
    EXAMPLES,
    SENTENCES,
    ScriptedPipeline,
    abstaining,
    citing,
    right,
    shifted,
)

CHROMIUM = shutil.which("chromium")
HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(1)></style>&lt;\u202e' {x} `"""
VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: tags, what is open at the end, ids and all text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def _run(
    folder: Path, answer: Callable[[str], Answer] = right, examples: tuple[Example, ...] = EXAMPLES
) -> Run:
    return evaluate(ScriptedPipeline(answer=answer), examples, out_dir=folder)


def _hostile(folder: Path) -> Run:
    """Make a run in which everything that comes from outside is hostile."""
    odd = replace(
        EXAMPLES[0],
        query_id=HOSTILE,
        question=HOSTILE,
        kind=HOSTILE,
        answers=(HOSTILE,),
        note=HOSTILE,
        history=(Turn(role="user", text=HOSTILE),),
    )

    def answer(_: str) -> Answer:
        told = citing(HOSTILE, 2)
        (citation,) = told.citations
        return replace(
            told,
            query=HOSTILE + "?",
            text=HOSTILE,
            model=HOSTILE,
            citations=(replace(citation, quote=HOSTILE),),
            timings={HOSTILE: 0.1},
        )

    return evaluate(
        ScriptedPipeline(answer=answer), [odd], out_dir=folder, settings={HOSTILE: HOSTILE}
    )


def test_the_page_needs_nothing_else(tmp_path):
    """It has no script, loads nothing, names no address, and forbids itself to load anything."""
    text = html_report(_run(tmp_path, shifted))
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form"}
    for _, attributes in page.tags:
        assert not {"src", "style", "action", "data"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?:|url\(|@import", text)
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv")]
    assert ["default-src 'none'; style-src 'unsafe-inline'"] == policies


def test_the_page_is_whole(tmp_path):
    """Every tag is closed, every link leads to a part of the page, and no id is there twice."""
    page = Page(html_report(_run(tmp_path, shifted)))
    assert [] == page.open
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = {attributes["href"] for _, attributes in page.tags if "href" in attributes}
    assert links <= {f"#{name}" for name in ids}


def test_everything_hostile_is_text(tmp_path):
    """Questions, answers, quotes, kinds, names and settings appear as they are and do nothing."""
    text = html_report(_hostile(tmp_path))
    page = Page(text)
    assert [] == page.open
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    shown = HOSTILE.replace("\u202e", "\ufffd")
    # Question, history, kind twice, query, answer, model, quote, expected, note, id, stage, setting.
    assert page.text.count(shown) >= 12
    assert not [name for _, attributes in page.tags for name in attributes if name == "onerror"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_escaped_text_is_only_text(text):
    """Any text at all, put between tags or into an attribute, stays there and can be written."""
    page = Page(f'<b title="{escape(text)}">{escape(text)}</b>')
    assert [("b", {"title": page.text or ""})] == [
        (tag, {"title": attributes["title"] or ""}) for tag, attributes in page.tags
    ]
    escape(text).encode()


def test_the_same_run_gives_the_same_page(tmp_path):
    """A page is a function of its run, as often as it is made."""
    run = _run(tmp_path, shifted)
    assert html_report(run) == html_report(run)


def test_reports_are_remade_from_the_run_alone(tmp_path):
    """Markdown, JSON and page are made again, byte for byte, without sources or questions."""
    run = _run(tmp_path, shifted)
    remake_reports(tmp_path)
    names = ("report.html", "report.md", "report.json")
    first = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names:
        (tmp_path / name).unlink()
    remake_reports(tmp_path)
    assert first == {name: (tmp_path / name).read_bytes() for name in names}
    assert html_report(run).encode() == first["report.html"]
    with pytest.raises(DatasetError, match="holds no run"):
        remake_reports(tmp_path / "none")


def test_head_figures_have_intervals(tmp_path):
    """Each head figure has its interval and the number of questions it rests on."""
    page = Page(html_report(_run(tmp_path)))
    for label in (
        "Good100.0 %",
        "Right answers100.0 %",
        "Right and stated100.0 %",
        "Not stated as sure100.0 %",
        "Abstained when due100.0 %",
        "Effective reliability60.0 %",
        "Found",
    ):
        assert label in page.text
    assert 9 == page.text.count("[100.0, 100.0]", 0, page.text.index("Good by kind"))
    assert "None is at fault" in page.text


def test_a_failure_shows_all_there_is_to_know(tmp_path):
    """Question, answer, citation, expectation and what was retrieved stand beside each other."""
    history = (Turn(role="user", text="Tell me of notes."),)
    examples = (replace(EXAMPLES[0], history=history, note="not the cook"),)
    text = html_report(_run(tmp_path, shifted, examples))
    start, end = text.index('<section class="kind"'), text.index('<section id="tables"')
    body = Page(text[start:end].removesuffix("</section>")).text
    for wanted in (
        "evidence not shown", EXAMPLES[0].question, "Tell me of notes.", SENTENCES[2], "not evidence",
        "Ada", SENTENCES[0], "not the cook", "people.txt, 0–16", "score 1.000 evidence", "confidence 90 %",
    ):  # fmt: skip
        assert wanted in body, wanted


def test_what_should_not_be_answered_is_told(tmp_path):
    """Where the sources do not answer, the page says that abstaining was expected."""
    page = Page(html_report(_run(tmp_path, lambda q: citing(q, 0), EXAMPLES[3:])))
    assert 2 == page.text.count("To abstain: the sources do not answer this.")


def test_failures_can_be_chosen_by_fault_and_kind(tmp_path):
    """Each fault has a choice with its number and a rule that hides the others; each kind a link."""
    answers = {"Who wrote notes?": abstaining, "Who sold engines?": lambda q: citing(q, 0)}
    text = html_report(_run(tmp_path, lambda q: answers.get(q, right)(q)))
    page = Page(text)
    choices = [a["id"] for tag, a in page.tags if tag == "input"]
    assert 3 == len(choices)
    assert ["checked" in a for tag, a in page.tags if tag == "input"] == [True, False, False]
    for choice in choices[1:]:
        place = choice.removeprefix("show-")
        assert f"#show-{place}:checked) .failure:not(.fault-{place})" in text
        assert 1 == text.count(f'class="failure fault-{place}"')
    assert "all 2not answered 1should not be answered 1" in page.text
    assert "fact 1unanswerable 1" in page.text


def test_a_page_stays_readable_when_all_fails(tmp_path):
    """Only so many failures are written out, and the page says how many more there are."""
    many = tuple(replace(EXAMPLES[0], query_id=str(n)) for n in range(MOST_FAILURES + 20))
    text = html_report(_run(tmp_path, abstaining, many))
    assert MOST_FAILURES == text.count('class="failure ')
    assert "20 more stand in the run" in text


def test_bare_questions_have_a_page(tmp_path):
    """Without anything expected there is latency, and no figure that nobody could know."""
    page = Page(html_report(_run(tmp_path, right, (Example(query_id="q", question="Who?"),))))
    assert "Latency by stage" in page.text
    assert "Good by kind" not in page.text


def test_failures_of_a_chat_model_are_shown(tmp_path):
    """A question that could not be asked is told with its fault."""
    from rag.errors import ChatTimeoutError

    def failing(_: str) -> Answer:
        raise ChatTimeoutError("no answer within 60 s")

    page = Page(html_report(_run(tmp_path, failing, EXAMPLES[:1])))
    assert "could not be asked" in page.text
    assert "ChatTimeoutError: no answer within 60 s" in page.text


# --- Plots ---------------------------------------------------------------------------------------


def _drawn(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    tree = ET.fromstring(svg)
    return [dict(one.attrib) for one in tree.iter(tag) if one.get("class") == kind]


def test_an_interval_is_drawn_where_it_is():
    """The dot stands at its share of the axis, the line from end to end; 0 and 1 are the axis' ends."""
    rows = [
        ("low", Interval(value=0.0, low=0.0, high=0.5, n=4)),
        ("high", Interval(value=1.0, low=0.5, high=1.0, n=4)),
    ]
    svg = plots.intervals("Shares", rows)
    low, high = (float(dot["cx"]) for dot in _drawn(svg, "circle", "dot"))
    first, second = _drawn(svg, "line", "interval")
    assert (low, high) == (float(first["x1"]), float(second["x2"]))
    assert float(first["x2"]) == pytest.approx((low + high) / 2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=30), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=8)
)  # fmt: skip
def test_nothing_is_drawn_outside(rows):
    """Whatever the values, a plot is well-formed and stays within its frame."""
    svg = plots.spans("Times", [(label, min(a, b), max(a, b)) for label, a, b in rows], unit="ms")
    tree = ET.fromstring(svg)
    _, _, width, height = map(float, tree.attrib["viewBox"].split())
    for one in tree.iter():
        for name, most in (
            ("x1", width),
            ("x2", width),
            ("x", width),
            ("y1", height),
            ("y", height),
        ):
            assert 0 <= float(one.get(name, 0)) <= most
        assert (
            float(one.get("x", 0)) + float(one.get("width", 0) if one.tag != "svg" else 0) <= width
        )


def test_a_curve_goes_from_end_to_end():
    """Points are joined in their order; higher is up, and one alone is still seen."""
    svg = plots.curve("Risk", [(0.5, 0.0), (1.0, 1.0)], x="given", y="wrong")
    (line,) = _drawn(svg, "polyline", "curve")
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in line["points"].split())
    assert x1 < x2
    assert y1 > y2
    assert 1 == len(_drawn(plots.curve("Risk", [(1.0, 0.2)], x="a", y="b"), "circle", "dot"))


def test_a_plot_says_its_figures_in_words():
    """Who does not see a plot is told what it shows."""
    points = [plots.Point(x=0.9, y=0.5, n=12)]
    svg = plots.agreement("Calibration", points, x="confidence", y="right")
    assert "90 %: 50 % of 12" in svg
    assert 'aria-label="Calibration"' in svg


# --- In a browser --------------------------------------------------------------------------------


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1200])
def test_a_browser_shows_it_whole_and_quietly(tmp_path, browser, width, scheme):
    """On a telephone and on a desk nothing runs over the edge, nothing is loaded, nothing runs."""
    run = _hostile(tmp_path)
    (tmp_path / "report.html").write_text(html_report(run), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("request", lambda request: heard.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert [(tmp_path / "report.html").as_uri()] == heard
    assert width == page.evaluate("document.documentElement.scrollWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert {"light": "rgb(246, 245, 241)", "dark": "rgb(20, 23, 26)"}[scheme] == paper
    page.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_choosing_a_fault_hides_the_others(tmp_path, browser):
    """Without a script, one choice leaves the failures of that fault; paper shows what is folded."""
    answers = {"Who wrote notes?": abstaining, "Who sold engines?": lambda q: citing(q, 0)}
    run = _run(tmp_path, lambda q: answers.get(q, right)(q))
    (tmp_path / "report.html").write_text(html_report(run), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    shown = page.locator(".failure:visible")
    assert 2 == shown.count()
    page.get_by_text("not answered 1", exact=True).click()
    assert ["Who wrote notes?"] == shown.locator(".question").all_inner_texts()
    assert 1 == page.locator(".kind:visible").count()
    answer = page.locator(".failure:visible >> text=The sources do not say.")
    assert not answer.is_visible()
    page.emulate_media(media="print")
    assert answer.is_visible()
    context.close()


def test_the_manifest_is_shown(tmp_path):
    """What made the run stands on the page: settings, versions and hashes."""
    run = _run(tmp_path)
    text = Page(html_report(run)).text
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["program"] in text
    assert f"versions: python{manifest['versions']['python']}" in text
