"""Files are taken in whole or not at all, under harmless names, within limits, and from the page alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from rag.errors import SourceError
from rag.sources import Root, find_files
from rag.web import receiving
from rag.web.hardening import MAX_BODY, Hardened, Pace
from rag.web.opening import Opening
from rag.web.taking_in import TakingIn
from rag.web.uploads import Uploads, safe_path
from tests.web_fakes import HARBOUR, ScriptedRag

BASE = "http://127.0.0.1:7860"
LIMIT = 3 * 2**20


@dataclass
class Door:
    """An upload route behind the server's own protection, and the folder it fills."""

    client: TestClient
    uploads: Uploads
    taking_in: TakingIn

    def put(self, content: Any, name: str = "a.txt", **headers: str) -> Any:
        """Send a file."""
        return self.client.post(
            receiving.PATH, params={"name": name}, content=content, headers=headers
        )

    def files(self) -> list[str]:
        """Return every file there is, also half written ones."""
        return sorted(
            path.relative_to(self.uploads.folder).as_posix()
            for path in self.uploads.folder.rglob("*")
            if path.is_file()
        )


def make_door(folder: Path, rag: ScriptedRag | None = None, **limits: int) -> Iterator[Door]:
    """Open a route into a folder; what arrives waits."""
    uploads = Uploads(folder / "uploads", max_file=LIMIT, **limits)
    opening = Opening(lambda _: rag or ScriptedRag())
    opening.wait(60)
    taking_in = TakingIn(opening, uploads, seeds=folder / "seeds")
    app = FastAPI()
    receiving.add_routes(app, lambda _: taking_in, open_=True, silence=0.3)
    hardened = Hardened(app, hosts=["127.0.0.1"], bodies={receiving.PATH: LIMIT + MAX_BODY})
    with TestClient(hardened, base_url=BASE) as client:
        yield Door(client, uploads, taking_in)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A route with a limit of 3 MB a file."""
    yield from make_door(tmp_path)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("reports/2024/may.PDF", "reports/2024/may.PDF"),
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/etc/cron.d/x.txt", "etc/cron.d/x.txt"),
        ("C:\\Users\\me\\notes.md", "C_/Users/me/notes.md"),
        ("....//....//x.txt", "x.txt"),
        (".hidden/.secret.txt", "hidden/secret.txt"),
        ("~$report.docx", "report.docx"),
        ("~$.~$ .a\\0.txt", "a/0.txt"),
        ("~$.0\\0.TXT", "0/0.TXT"),
        ("__pycache__/x.txt", "pycache/x.txt"),
        ("a\x00b\nc\u202etxt.exe.txt", "ab ctxt.exe.txt"),
        ("cafe\u0301.txt", "café.txt"),
        ("\udcff\ud800bad.txt", "bad.txt"),
        ("<img src=x onerror=alert(1)>.txt", "_img src=x onerror=alert(1)_.txt"),
        ("a/b/c/d/e/f/g/h/i/j.txt", "c/d/e/f/g/h/i/j.txt"),
        ("x" * 300 + ".txt", "x" * 116 + ".txt"),
        ("日" * 100 + ".txt", "日" * 38 + ".txt"),
        ("  spaced   out .txt", "spaced out.txt"),
        ("a.txt/", "a.txt"),
        ("x.txt. ", "x.txt"),
    ],
)
def test_names_become_harmless_and_stay_recognisable(given_name: str, name: str):
    """No way out of the folder, nothing hidden, nothing that does not print."""
    assert PurePosixPath(name) == safe_path(given_name)


@pytest.mark.parametrize("name", ["", ".", "..", "/", ".txt", "movie.mp4", "txt"])
def test_what_cannot_be_read_is_refused_by_its_name(name: str):
    """With the formats that can be read."""
    with pytest.raises(SourceError, match=r"\.pdf") as caught:
        safe_path(name)
    assert "unsupported" == caught.value.reason


@given(st.text() | st.text(alphabet="./\\~$ \x00\n\u202eab:").map(lambda text: f"{text}.txt"))
def test_no_name_leads_out_of_the_folder_or_hides(name: str):
    """Whatever it is, what is left is a path of plain names that the sources' own search finds."""
    try:
        path = safe_path(name)
    except SourceError:
        return
    assert not path.is_absolute()
    for piece in path.parts:
        assert piece not in {"", ".", ".."}
        assert piece.isprintable()
        assert not piece.startswith((".", "~$"))
        assert "\\" not in piece
        assert len(piece.encode()) <= 120


def test_a_file_arrives_and_is_found_by_a_sync(door: Door):
    """In its own folder, readable by its owner alone, with the bytes that were sent."""
    data = os.urandom(2_500_000)
    response = door.put(data, "reports/May 2024.pdf")
    assert (200, "reports/May 2024.pdf") == (response.status_code, response.json()["name"])
    path = door.uploads.folder / "reports" / "May 2024.pdf"
    assert data == path.read_bytes()
    assert 0o600 == path.stat().st_mode & 0o777
    found, _ = find_files(Root(door.uploads.folder, "uploads/"))
    assert ["uploads/reports/May 2024.pdf"] == [file.source_id for file in found]
    assert ("Index reports/May 2024.pdf",) == door.taking_in.activity.waiting


def test_what_is_sent_in_pieces_arrives_whole(door: Door):
    """Without a length said beforehand."""
    pieces = [os.urandom(70_000) for _ in range(30)]
    assert 200 == door.put(iter(pieces)).status_code
    assert b"".join(pieces) == (door.uploads.folder / "a.txt").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("movie.mp4", b"x", 415, "no format that can be read"),
        ("", b"x", 415, "without a name"),
        ("a.txt", b"", 400, "is empty"),
        ("a.txt", b"x" * (LIMIT + 1), 413, "larger than 3 MB"),
        ("a.txt", b"x" * (LIMIT + MAX_BODY + 1), 413, "limited to"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(
    door: Door, name: str, content: bytes, status: int, words: str
):
    """Also in the folder of what is on its way."""
    response = door.put(content, name)
    assert status == response.status_code
    assert words in response.json()["error"]
    assert [] == door.files()
    assert not door.taking_in.busy


def test_the_limit_counts_what_arrives_not_what_is_said(door: Door):
    """A body without a length is refused once it is too long, long before its end."""
    assert 413 == door.put(b"x" * 100_000 for _ in range(200)).status_code
    assert [] == door.files()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 400),
        ({"origin": BASE, "sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_only_this_page_can_send_files(door: Door, headers: dict[str, str], status: int):
    """No other site fills the disk of who visits it."""
    assert status == door.put(b"text", **headers).status_code
    assert ([] if status != 200 else ["a.txt"]) == door.files()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_there_is_no_other_way_in(door: Door, method: str):
    """Nothing is changed or deleted here by its name."""
    assert 405 == door.client.request(method, receiving.PATH).status_code


def test_all_files_together_have_a_limit(tmp_path: Path):
    """Also those still on their way; once some are removed there is room again."""
    for door in make_door(tmp_path, most_bytes=1000):
        assert 200 == door.put(b"x" * 600, "a.txt").status_code
        refused = door.put(b"y" * 600, "b.txt")
        assert (413, True) == (refused.status_code, "together" in refused.json()["error"])
        assert ["a.txt"] == door.files()
        door.uploads.delete("a.txt")
        assert 200 == door.put(b"y" * 600, "b.txt").status_code


def test_files_that_arrive_together_share_what_is_left(tmp_path: Path):
    """Two of them cannot both have the last of it."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT, most_bytes=1000)
    with uploads.arriving("a.txt") as one, uploads.arriving("b.txt") as other:
        one.write(b"x" * 600)
        with pytest.raises(SourceError, match="together"):
            other.write(b"x" * 600)


def test_the_disk_is_never_filled(tmp_path: Path):
    """Something is left for everything else on it."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT, left_free=2**60)
    with pytest.raises(SourceError, match="nearly full"):
        uploads.add("a.txt", b"text")
    assert [] == uploads.names()


def test_who_breaks_off_leaves_nothing(door: Door):
    """A connection that ends in the middle of a file."""

    async def broken() -> None:
        sent = [{"type": "http.request", "body": b"half of it", "more_body": True}]

        async def receive() -> dict[str, Any]:
            return sent.pop() if sent else {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            """Nobody listens."""

        await asyncio.wait_for(door.client.app(scope(), receive, send), 60)

    asyncio.run(broken())
    assert [] == door.files()
    assert not door.taking_in.busy


def test_who_falls_silent_is_left(door: Door):
    """A sender that holds a connection and sends nothing costs nothing after a while."""
    replies: list[Any] = []

    async def silent() -> None:
        sent = [{"type": "http.request", "body": b"half of it", "more_body": True}]

        async def receive() -> dict[str, Any]:
            if sent:
                return sent.pop()
            await asyncio.sleep(20)
            raise AssertionError("nobody waited so long")

        async def send(message: Any) -> None:
            replies.append(message)

        await asyncio.wait_for(door.client.app(scope(), receive, send), 60)

    asyncio.run(silent())
    assert 408 == replies[0]["status"]
    assert [] == door.files()


def test_who_sends_drop_by_drop_keeps_nobody_else_out(door: Door):
    """Eight that send a byte now and then take all places for a while, not for ever; nothing is left of them."""
    app = Hardened(door.client.app, hosts=["127.0.0.1"], pace=Pace(grace=0.3, rate=1000))

    async def dripping() -> int:
        replies: list[Any] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def send(message: Any) -> None:
            replies.append(message)

        await asyncio.wait_for(app(scope(), receive, send), 60)
        return replies[0]["status"]

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(dripping() for _ in range(receiving.N_AT_ONCE)))

    assert [408] * receiving.N_AT_ONCE == asyncio.run(all_at_once())
    assert 200 == door.put(b"text", "a.txt").status_code
    assert ["a.txt"] == door.files()


def scope() -> dict[str, Any]:
    """Return the head of an upload as a server tells it."""
    return {
        "type": "http",
        "method": "POST",
        "path": receiving.PATH,
        "raw_path": receiving.PATH.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"name=a.txt",
        "headers": [(b"host", b"127.0.0.1:7860")],
        "server": ("127.0.0.1", 7860),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }


def test_what_an_ended_program_left_is_swept_away(tmp_path: Path):
    """Half a file of long ago goes; one of a moment ago may still be written."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT)
    uploads.add("a.txt", b"text")
    old, new = (uploads.folder / ".arriving" / name for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    uploads.add("b.txt", b"text")
    assert (False, True) == (old.exists(), new.exists())


def test_the_same_name_again_takes_the_place(door: Door):
    """A new version of a file is one file, and its sender is told."""
    door.put(b"first", "a.txt")
    response = door.put(b"second", "a.txt")
    assert "takes the place" in response.json()["message"]
    assert b"second" == (door.uploads.folder / "a.txt").read_bytes()


def test_content_that_is_indexed_already_is_named_and_not_kept(tmp_path: Path):
    """A duplicate costs nothing, whatever its name."""
    same = replace(HARBOUR, sha256=hashlib.sha256(b"the same").hexdigest())
    rag = ScriptedRag()
    rag.known[same.source_id] = same
    for door in make_door(tmp_path, rag):
        told = door.put(b"the same", "other.txt").json()
        assert (False, same.source_id) == (told["added"], told["name"])
        assert "as 'town/harbour.txt'. Nothing was added." in told["message"]
        assert [] == door.files()


def test_a_folder_where_a_file_is_is_a_sentence(door: Door):
    """Nothing is overwritten that is not a file."""
    door.put(b"text", "a.txt")
    response = door.put(b"text", "a.txt/b.txt")
    assert (500, True) == (response.status_code, "cannot be written" in response.json()["error"])
    assert ["a.txt"] == door.files()


def test_uploads_can_be_turned_off(tmp_path: Path):
    """Then nothing is taken in, and the page is told."""
    app = FastAPI()
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT)
    taking_in = TakingIn(Opening(lambda _: ScriptedRag()), uploads, seeds=tmp_path)
    receiving.add_routes(app, lambda _: taking_in, open_=False)
    with TestClient(app, base_url=BASE) as client:
        response = client.post(receiving.PATH, params={"name": "a.txt"}, content=b"text")
        assert (403, False) == (response.status_code, client.get(receiving.PATH).json()["open"])
    assert not uploads.folder.exists()


def test_pasted_text_becomes_a_file_with_its_title_first(tmp_path: Path):
    """Markdown where it is that; beside another of its title, never in its place."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT)
    assert "Ferry times.txt" == uploads.add_text(" Ferry\n times ", "At eight.").name
    assert "Ferry times (2).txt" == uploads.add_text("Ferry times", "At nine.").name
    assert "Boats.md" == uploads.add_text("Boats", "# Small\n\nRed.").name
    assert (
        "The ferry leaves at eight.txt" == uploads.add_text("", "The ferry leaves at eight.").name
    )
    assert "a b_c.txt" == uploads.add_text("../a/b:c", "x").name
    assert "Ferry times\n\nAt nine." == (uploads.folder / "Ferry times (2).txt").read_text("utf-8")
    assert (uploads.folder / "Boats.md").read_text("utf-8").startswith("# Boats\n\n# Small")
    with pytest.raises(SourceError, match="no text"):
        uploads.add_text("Title", " \n ")


def test_a_file_is_renamed_in_its_folder_and_keeps_its_kind(tmp_path: Path):
    """Nothing moves elsewhere, and nothing is overwritten."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT)
    uploads.add("reports/may.pdf", b"x")
    uploads.note_address("reports/may.pdf", "https://site.example/may.pdf")
    assert "reports/June.pdf" == uploads.rename("reports/may.pdf", "June")
    assert {"reports/June.pdf": "https://site.example/may.pdf"} == uploads.addresses()
    assert "reports/July.PDF" == uploads.rename("reports/June.pdf", "../../July.PDF")
    uploads.add("reports/taken.pdf", b"y")
    with pytest.raises(SourceError, match="already"):
        uploads.rename("reports/taken.pdf", "July.PDF")


def test_a_deleted_file_takes_its_empty_folders_along(tmp_path: Path):
    """But no folder that holds something, and not the folder of all."""
    uploads = Uploads(tmp_path / "uploads", max_file=LIMIT)
    uploads.add("a/b/c.txt", b"x")
    uploads.add("a/d.txt", b"x")
    uploads.delete("a/b/c.txt")
    assert ["a/d.txt"] == uploads.names()
    assert not (uploads.folder / "a" / "b").exists()
    uploads.delete("a/d.txt")
    assert uploads.folder.is_dir()
