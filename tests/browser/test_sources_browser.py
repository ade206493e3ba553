"""Sources as a person meets them: dropped, listed, chosen, renamed and removed in a real headless Chromium."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.people import IN_CHROMIUM, Served, Visit
from tests.web_fakes import HARBOUR, REPORT, ScriptedRag

if TYPE_CHECKING:
    pass

pytestmark = IN_CHROMIUM
HOSTILE_NAME = '"><img src=x onerror=alert(1)>\u202e<b>`${x}`.txt'


def pdf(*sentences: str) -> bytes:
    """Make a PDF, a page for each sentence."""
    from reportlab.pdfgen.canvas import Canvas

    made = BytesIO()
    canvas = Canvas(made)
    for sentence in sentences:
        canvas.drawString(72, 720, sentence)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


@pytest.mark.model
@pytest.mark.slow  # the shipped encoder and reader are loaded and asked
def test_a_pdf_is_dropped_asked_about_and_removed(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """Its words are cited on their page; after its removal the old citation says so and shows none."""
    served = serve(None)
    person = arrive(served.address)
    person.to("Sources")
    words = "The lighthouse of Vardal was built by Signe Holm in 1893."
    person.add(("vardal.pdf", pdf("An island in the north.", words)))
    person.told("uploads/vardal.pdf Added.")
    person.open("vardal")
    facts = person.page.locator("#fn-one-facts").inner_text()
    assert "PDF (application/pdf)" in facts
    assert "Taken in on this page" in facts
    person.to("Chat")
    answer = person.answer("Who built the lighthouse of Vardal?")
    assert "Signe Holm" in answer.inner_text()
    person.hit(words)
    assert "page 2" in person.page.locator(".fn-card").first.inner_text()
    person.to("Sources")
    person.page.get_by_role("button", name="Remove…").click()
    person.page.get_by_role("button", name="Remove", exact=True).click()
    person.told("uploads/vardal.pdf Removed.")
    assert not (served.settings.index_dir / "uploads" / "vardal.pdf").exists()
    person.to("Chat")
    answer.locator(".fn-ref").first.click()
    person.page.locator(".fn-gone").wait_for()
    assert words not in person.page.locator("#fn-pane").inner_text()
    person.ask("Who built the lighthouse of Vardal?")
    person.page.locator(".fn-none").wait_for()


def test_a_question_is_answered_while_a_sync_runs(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """Progress is shown, what arrives meanwhile waits, and it can be stopped."""
    rag = ScriptedRag()
    served = serve(rag)
    person = arrive(served.address)
    person.to("Sources")
    rag.may_sync.clear()
    person.add(("a.txt", b"one"))
    person.page.get_by_text("0 of 1 files looked at", exact=True).wait_for()
    person.add(("b.txt", b"two"), ("c.txt", b"three"))
    person.page.get_by_text("Next: Index b.txt").wait_for()
    person.to("Chat")
    meanwhile = person.page.locator("p.fn-meanwhile")
    assert "Index a.txt: 0 of 1 files looked at, and 1 more to do." in meanwhile.inner_text()
    person.answer()
    person.to("Sources")
    person.page.get_by_role("button", name="Stop", exact=True).click()
    person.page.get_by_text(
        "Stopping…", exact=True
    ).wait_for()  # a sync that goes on before that would end
    rag.may_sync.set()
    person.told("Index a.txt Stopped.")
    person.told("uploads/c.txt Added.")
    person.page.get_by_role("button", name="Clear list").click()
    person.page.locator("#fn-outcomes li").first.wait_for(state="detached")


def test_each_file_says_what_became_of_it(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """Formats that cannot be read, sizes, scans and duplicates, each with its reason."""
    served = serve(ScriptedRag(), max_file_mb=1)
    person = arrive(served.address)
    person.to("Sources")
    person.add(
        ("movie.mp4", b"x"),
        ("big.txt", b"x" * (2**20 + 1)),
        ("scan.pdf", b"scanned"),
        ("one.txt", b"the same"),
    )
    person.told("movie.mp4 Not added. Formats that can be read: .txt")
    person.told("big.txt Not added. It is larger than 1 MB.")
    person.told("uploads/scan.pdf Not added. 'uploads/scan.pdf' holds no text; run OCR on it.")
    person.told("uploads/one.txt Added.")
    person.add(("two.txt", b"the same"))
    person.told("two.txt A duplicate. Its content is there already, as 'uploads/one.txt'.")
    person.page.get_by_text("With a note").click()
    person.page.wait_for_function("() => document.querySelectorAll('.fn-entry').length === 1")
    assert "Not indexed." in person.page.locator(".fn-entry").inner_text()


def test_dropped_files_and_folders_are_taken_in_from_anywhere_on_the_page(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """A drop on the chat does not leave it for the file."""
    person = arrive(serve(ScriptedRag()).address)
    person.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(['dropped words'], 'dropped.txt'));
            data.items.add(new File(['x'], '.hidden.txt'));
            document.body.dispatchEvent(
                new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    person.told("uploads/dropped.txt Added.")
    assert "true" == person.page.get_by_role("tab", name="Sources").get_attribute("aria-selected")
    assert 0 == person.page.locator("#fn-add li").filter(has_text="hidden").count()


def test_text_is_pasted_renamed_and_asked_alone(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """The answer says what alone was asked; the choice is one click to undo."""
    rag = ScriptedRag()
    person = arrive(serve(rag).address)
    person.to("Sources")
    person.page.get_by_role("button", name="Paste text").click()
    person.page.get_by_label("Title").fill("Ferry")
    person.page.get_by_label("Text", exact=True).fill("It sails at eight.")
    person.page.get_by_role("button", name="Add text").click()
    person.told("uploads/Ferry.txt Added.")
    person.open("Ferry")
    person.page.get_by_label("File name").fill("Boats")
    person.page.get_by_role("button", name="Rename").click()
    person.told("uploads/Boats.txt Added.")
    person.open("Boats")
    person.page.get_by_role("button", name="Ask only this").click()
    person.page.locator("#fn-scope .token").wait_for()
    message = person.answer()
    assert "Asked only of uploads/Boats.txt" in message.inner_text()
    assert ("uploads/Boats.txt",) == rag.chosen[-1][1]
    person.page.locator("#fn-scope").get_by_title("Clear").click()
    message = person.answer("And of all?")
    assert "Asked only" not in message.inner_text()
    assert None is rag.chosen[-1][1]


def test_the_list_is_used_by_keyboard(serve: Callable[..., Served], arrive: Callable[..., Visit]):
    """Enter opens a source and goes there; Close comes back to it, also after it was drawn anew."""
    person = arrive(serve(ScriptedRag()).address)
    person.to("Sources")
    row = person.page.locator(".fn-entry").filter(has_text=REPORT.title)
    row.focus()
    person.page.keyboard.press("Enter")
    person.page.wait_for_function("() => document.activeElement.id === 'fn-one-close'")
    assert "true" == row.get_attribute("aria-current")
    person.page.keyboard.press("Enter")
    person.page.locator("#fn-one").wait_for(state="hidden")
    person.page.wait_for_function("() => document.activeElement.matches('.fn-entry')")
    assert REPORT.title in person.page.evaluate("document.activeElement.textContent")
    person.page.get_by_label("Filter").fill("harbour")
    person.page.wait_for_function("() => document.querySelectorAll('.fn-entry').length === 1")
    assert HARBOUR.title in person.page.locator(".fn-entry").inner_text()


def test_hostile_file_names_are_only_text(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """No dialog, no request elsewhere, no markup, and no writing turned around."""
    rag = ScriptedRag()
    person = arrive(serve(rag).address)
    person.to("Sources")
    person.add((HOSTILE_NAME, b"words"), ('<img src="http://canary.example/x">.exe', b"x"))
    person.told("Added.")
    person.told(".exe Not added.")
    person.open("img src")
    person.page.get_by_role("button", name="Remove…").click()
    person.page.locator("#fn-sure").wait_for()
    living = person.page.evaluate(
        """() => [...document.querySelectorAll('.fn-shelf *, .fn-outcomes *, .fn-about *, #fn-sure p *')]
            .filter(e => !/^(BDI|BUTTON|H2|H3|LI|P|PROGRESS|SPAN|STRONG|TABLE|TBODY|TD|TH|TR)$/.test(e.tagName)
                || [...e.attributes].some(a => !/^(aria-.*|class|max|type|value)$/.test(a.name)))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert [] == living
    (name,) = [path.name for path in person_files(rag)]
    assert "\u202e" not in name


def person_files(rag: ScriptedRag) -> list[Path]:
    """Return the files that were taken in."""
    return list(Path(next(iter(rag.origins.values()))).glob("*.txt"))


def test_two_thousand_sources_are_listed_and_searched(
    serve: Callable[..., Served], arrive: Callable[..., Visit]
):
    """Page by page, without a sideways scroll from a phone to a desk, legible in the dark."""
    rag = ScriptedRag()
    for number in range(2000):
        name = f"library/{number:04d} {'long name ' * 12}.txt"
        rag.known[name] = type(HARBOUR)(
            source_id=name, title=f"Book {number} {'of boats ' * 20}", text="x",
            sha256=f"{number:064d}", media_type="text/plain",
        )  # fmt: skip
    contrast = Path(__file__).with_name("contrast.js").read_text("utf-8")
    person = arrive(serve(rag).address, scheme="dark")
    person.to("Sources")
    person.page.get_by_text("1 to 50 of 2,002 sources").wait_for()
    person.page.get_by_role("button", name="Next").click()
    person.page.get_by_text("51 to 100 of 2,002 sources").wait_for()
    person.page.get_by_label("Filter").fill("book 1999")
    person.page.wait_for_function("() => document.querySelectorAll('.fn-entry').length === 1")
    person.open("Book 1999")
    person.page.get_by_role("button", name="Remove…").click()
    person.page.locator("#fn-sure").wait_for()
    assert [] == person.page.evaluate(contrast)
    sizes = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    for width in (320, 390, 768, 1280):
        person.page.set_viewport_size({"width": width, "height": 800})
        assert [width, 800] == person.page.evaluate(sizes)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_empty_tab_says_what_to_do(
    serve: Callable[..., Served], arrive: Callable[..., Visit], width: int
):
    """And how to turn on what is off; every control has a name, every text enough contrast."""
    rag = ScriptedRag()
    rag.known.clear()
    contrast = Path(__file__).with_name("contrast.js").read_text("utf-8")
    person = arrive(serve(rag, uploads=False).address, width=width)
    person.to("Sources")
    person.page.get_by_text("Nothing is indexed yet.").wait_for()
    person.page.get_by_text("Taking in files is turned off here.").wait_for()
    person.page.get_by_role("button", name="Add a web address").click()
    person.page.get_by_text("Reading web addresses is turned off.").wait_for()
    assert not person.page.get_by_role("button", name="Choose files…").is_visible()
    assert [] == person.page.evaluate(contrast)
    nameless = person.page.evaluate(
        """() => [...document.querySelectorAll('#fn-sources :is(button, input, textarea)')]
            .filter(e => e.checkVisibility())
            .filter(e => !(e.getAttribute('aria-label') || e.title || e.textContent.trim()
                || [...(e.labels || [])].some(label => label.textContent.trim())))
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert [] == nameless
