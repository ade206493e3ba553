"""The picture of a page is shown to whoever may ask, of what is indexed alone; the pane marks the words on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rag.settings import Settings
from rag.web.conversation import Conversation, Exchange
from rag.web.opening import Opening
from rag.web.taking_in import key_of
from rag.web.talking import Chat
from tests.scan_fakes import LINES, scan
from tests.web_fakes import HARBOUR, ScriptedRag, make_app, saying
from tests.web_fakes import cite as cited

BASE = "http://127.0.0.1:7860"
SCAN = scan("letters/../scan.pdf", b"scan")
HERE = f"/pages/{key_of(SCAN.source_id)}/{SCAN.sha256}"
JPEG = b"\xff\xd8 a picture"


def holding() -> ScriptedRag:
    """A pipeline with a scan of which the first page can be shown."""
    rag = ScriptedRag()
    rag.known[SCAN.source_id] = SCAN
    rag.pictures[SCAN.source_id, 1] = JPEG
    return rag


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A started server."""
    folder = tmp_path_factory.mktemp("showing")
    settings = Settings(seeds_dir=folder / "seeds", index_dir=folder / "index")
    app = make_app(lambda _: holding(), settings)
    with TestClient(app, base_url=BASE) as client:
        while client.get("/health").status_code != 200:
            pass
        yield client


def test_a_page_is_shown_and_kept_nowhere(client: TestClient):
    """As an image and nothing else, with every header that pages have."""
    shown = client.get(f"{HERE}/1")

    assert (200, JPEG, "image/jpeg") == (
        shown.status_code,
        shown.content,
        shown.headers["content-type"],
    )
    assert "private, no-store" == shown.headers["cache-control"]
    assert "nosniff" == shown.headers["x-content-type-options"]
    assert "img-src 'self' data: blob:;" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        f"{HERE}/2",
        f"{HERE}/0",
        f"{HERE}/01",
        f"{HERE}/-1",
        f"{HERE}/1.0",
        f"{HERE}/١",
        f"{HERE}/1/../2",
        f"{HERE}/999999",
        f"{HERE}/",
        f"/pages/{key_of('other.pdf')}/{SCAN.sha256}/1",
        f"/pages/{key_of(SCAN.source_id)}/{'0' * 64}/1",
        f"/pages/{key_of(HARBOUR.source_id)}/{HARBOUR.sha256}/1",
        f"/pages/scan.pdf/{SCAN.sha256}/1",
        f"/pages/letters%2f..%2fscan.pdf/{SCAN.sha256}/1",
        f"/pages/..%2f..%2fetc%2fpasswd/{SCAN.sha256}/1",
        "/pages/../../../etc/passwd",
        "/pages/%00/%00/1",
    ],
)
def test_nothing_else_is_shown(client: TestClient, path: str):
    """Another page, another document, what was not read from an image, a document as it was, a path."""
    assert 404 == client.get(path).status_code


def test_another_site_a_wrong_name_and_another_method_are_refused(client: TestClient):
    """The checks of every other path."""
    assert 400 == client.get(f"{HERE}/1", headers={"host": "evil.example"}).status_code
    assert 403 == client.post(f"{HERE}/1", headers={"origin": "http://evil.example"}).status_code
    assert 404 == client.post(f"{HERE}/1").status_code


def test_without_the_password_no_page_is_shown(tmp_path: Path):
    """Where there is one."""
    settings = Settings(
        seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index", password="a long password"
    )
    with TestClient(make_app(lambda _: holding(), settings), base_url=BASE) as client:
        assert 401 == client.get(f"{HERE}/1").status_code
        while client.get("/health").status_code != 200:
            pass
        assert 200 == client.get(f"{HERE}/1", auth=("me", "a long password")).status_code


def talk_of(words: str) -> Conversation:
    """A conversation whose answer cites words of the scan."""
    answer = replace(saying("So it is.", SCAN), citations=(cited(1, SCAN, words),))
    return (Exchange(question="q", answer=answer),)


def chat(rag: ScriptedRag) -> Chat:
    """What the page does."""
    opening = Opening(lambda _: rag)
    opening.start()
    opening.wait()
    return Chat(opening, max_chars=200)


def test_the_pane_shows_the_page_with_the_words_marked():
    """Before the text; with its number, and a name that says page and title to who sees no picture."""
    html = chat(holding()).show("#c-0-1", talk_of(LINES[1][0]))

    assert (
        f'<img src="{HERE}/1" alt="Page 1 of Boats &amp; &lt;b&gt;ferries&lt;/b&gt;, with the words marked">'
        in html
    )
    (mark,) = re.findall(
        r'<rect x="([\d.]+)%" y="([\d.]+)%" width="([\d.]+)%" height="([\d.]+)%"', html
    )
    x, y, width, height = map(float, mark)
    assert x <= 10 < 70 <= x + width
    assert y <= 23.6 < 26.6 <= y + height
    assert html.index("<img") < html.index("fn-hit")
    assert "style" not in html
    assert "hard to read, and" not in html


def test_a_poor_page_is_said_to_be_poor():
    """Before the person relies on the text."""
    html = chat(holding()).show("#c-0-1", talk_of(LINES[2][0]))

    assert f'src="{HERE}/2"' in html
    assert "hard to read, and its text may be wrong" in html


def test_words_over_two_pages_are_marked_on_both():
    """In their order."""
    html = chat(holding()).show("#c-0-1", talk_of(SCAN.text[40:-1]))

    assert [f"{HERE}/1", f"{HERE}/2"] == re.findall(r'<img src="([^"]+)"', html)


def test_the_text_alone_is_shown_where_the_file_is_gone_or_changed():
    """The pipeline says so; no picture is asked for."""
    rag = holding()
    rag.pictures.clear()

    html = chat(rag).show("#c-0-1", talk_of(LINES[1][0]))

    assert "fn-sheet" not in html
    assert LINES[1][0] in html


def test_text_that_was_not_read_from_an_image_has_no_picture():
    """Also in a document of which other pages are scans."""
    rag = holding()
    rag.known[SCAN.source_id] = replace(SCAN, places=SCAN.places[:1])

    assert "fn-sheet" not in chat(rag).show("#c-0-1", talk_of(LINES[1][0]))


def test_who_looks_for_words_sees_the_text_first():
    """They are found there."""
    html = chat(holding()).find("#c-0-1 - ferry", talk_of(LINES[1][0]))

    assert '<details class="fn-sheet"><summary>' in html
