"""With a password nothing is served without it, it cannot be guessed, and it is told to nobody."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from rag.cli import doctor
from rag.errors import SettingsError
from rag.evaluation import settings_of
from rag.settings import Settings
from rag.web import build_app
from rag.web.access import FORGOTTEN, N_ADDRESSES, N_GUESSES, N_LOOKS, PAUSE, Password
from rag.web.hardening import HEALTH, OPEN_FOLDERS, OPEN_PATHS, READY, Hardened, Refused
from tests.web_fakes import ScriptedRag

CANARY = "canary-Pässwort:0123456789"
PATHS = sorted(
    (OPEN_PATHS | {f"{folder}x" for folder in OPEN_FOLDERS} | {"/mcp"}) - {HEALTH, READY}
)


async def anything(_: object) -> PlainTextResponse:
    """Answer every path."""
    return PlainTextResponse("served")


class Clock:
    """Goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of the guard."""
    return Clock()


@pytest.fixture
def client(clock: Clock) -> TestClient:
    """A client of a server that wants a password."""
    app = Starlette(routes=[Route("/{path:path}", anything, methods=["GET", "POST"])])
    guard = Password(SecretStr(CANARY), clock=clock)
    hardened = Hardened(app, hosts=None, guard=guard, paths=["/mcp"])
    return TestClient(hardened, base_url="http://10.0.0.7:7860")


def basic(password: str | bytes, user: str = "me") -> dict[str, str]:
    """Return the header that says a password."""
    said = password.encode() if isinstance(password, str) else password
    return {"authorization": "Basic " + base64.b64encode(user.encode() + b":" + said).decode()}


def asked(said: bytes, address: str = "10.0.0.1") -> Any:
    """Return a request of an address as the guard sees it."""
    header = b"Basic " + base64.b64encode(b"me:" + said)
    return {"headers": [(b"authorization", header)], "client": (address, 4321)}


def status(guard: Password, said: bytes, address: str = "10.0.0.1") -> int:
    """Return what becomes of a request."""
    try:
        guard(asked(said, address))
    except Refused as refusal:
        return refusal.status
    return 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_served_without_the_password(client: TestClient, path: str, method: str):
    """Page, scripts, questions, files, reports, assistants: each is asked for it and hears nothing else."""
    refused = client.request(method, path)
    assert 401 == refused.status_code
    assert 'Basic realm="Footnote", charset="UTF-8"' == refused.headers["www-authenticate"]
    assert "content-security-policy" in refused.headers
    assert "served" not in refused.text
    assert "served" == client.request(method, path, headers=basic(CANARY)).text


def test_what_is_closed_cannot_be_told_from_what_is_open(client: TestClient):
    """Without the password one does not learn what there is."""
    assert 401 == client.get("/gradio_api/upload").status_code
    assert 404 == client.get("/gradio_api/upload", headers=basic(CANARY)).status_code


def test_a_guess_of_another_site_is_asked_for_the_password_too(client: TestClient):
    """A browser adds the password by itself to what another site sends: it is refused none the less."""
    evil = {"origin": "http://evil.example"}
    assert 401 == client.post("/uploads", headers=evil).status_code
    assert 401 == client.options("/uploads", headers=evil).status_code
    assert 403 == client.post("/uploads", headers=evil | basic(CANARY)).status_code


def test_where_there_are_accounts_a_name_is_asked_for_too():
    """Who says only a password, or a token that is revoked, is told what to say."""
    guard = Password(recognise=lambda _name, _said: None)
    with pytest.raises(Refused, match="a name and a password, or a token"):
        guard({"headers": [], "client": ("10.0.0.1", 4321)})
    with pytest.raises(Refused, match="The name, the password or the token is wrong"):
        guard(asked(b"an old one"))


def test_health_is_open_to_everybody(client: TestClient):
    """Whoever watches the server needs no password."""
    assert "served" == client.get(HEALTH).text
    assert 401 == client.get(f"{HEALTH}/").status_code


@pytest.mark.parametrize("user", ["me", "", "ünï", "a" * 500])
def test_any_user_name_will_do(client: TestClient, user: str):
    """There is one password and nobody's name."""
    assert 200 == client.get("/", headers=basic(CANARY, user)).status_code


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic "])
def test_the_scheme_is_read_as_the_standard_says(client: TestClient, scheme: str):
    """In any case, and with spaces before what follows."""
    header = basic(CANARY)["authorization"].replace("Basic", scheme)
    assert 200 == client.get("/", headers={"authorization": header}).status_code


def test_a_bearer_token_is_the_password(client: TestClient):
    """What clients of OpenAI's protocol send as their key, whatever the case of the scheme."""
    for scheme in ("Bearer", "bearer"):
        header = f"{scheme} {CANARY}".encode()
        assert 200 == client.get("/", headers={"authorization": header}).status_code


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic bWU6eA",  # padding is missing
        b"Basic bWU=",  # no colon
        b"Basic \xff\xfe",
        b"Basic " + base64.b64encode(b"\xff\xfe:\xff"),
        b"Basic " + base64.b64encode(b"me:" + CANARY.encode("latin-1")),
        b"Basic " + base64.b64encode(f"me:{CANARY} ".encode()),
        b"Basic " + base64.b64encode(b"me:"),
        b"Bearer " + base64.b64encode(f"me:{CANARY}".encode()),
        b"Basic:" + base64.b64encode(f"me:{CANARY}".encode()),
        CANARY.encode(),
    ],
)
def test_a_header_that_does_not_say_it_is_refused(client: TestClient, header: bytes):
    """Malformed or wrong: the same status, and never a fault of ours."""
    assert 401 == client.get("/", headers={"authorization": header}).status_code


def test_two_passwords_are_none(client: TestClient):
    """Servers before this one may read the first or the last."""
    headers = [("authorization", basic(word)["authorization"]) for word in (CANARY, "wrong")]
    assert 401 == client.get("/", headers=headers).status_code


@given(st.binary(max_size=40))
@example(CANARY.encode())
@example(CANARY.encode()[:-1])
@example(CANARY.encode() + b"\0")
def test_no_other_bytes_pass(said: bytes):
    """Whatever is said: the password and nothing else is let in."""
    expected = 200 if said == CANARY.encode() else 401
    assert expected == status(Password(SecretStr(CANARY)), said)


def test_a_password_of_any_bytes_can_be_said():
    """An environment that is not UTF-8 reaches us with its bytes kept."""
    said = b"caf\xe9-caf\xe9-caf\xe9"
    assert 200 == status(Password(SecretStr(os.fsdecode(said))), said)


def test_one_who_guesses_has_to_wait(
    clock: Clock, client: TestClient, caplog: pytest.LogCaptureFixture
):
    """After so many wrong ones it hears so, until the first of them is forgotten."""
    for number in range(N_GUESSES):
        assert 401 == client.get("/", headers=basic(f"guess {number}")).status_code
    clock.now += 20
    refused = client.get("/", headers=basic("guess 11"))
    assert (429, "40") == (refused.status_code, refused.headers["retry-after"])
    assert "Try again in 40 s." in refused.json()["error"]
    clock.now += FORGOTTEN - 20
    assert 401 == client.get("/", headers=basic("guess 12")).status_code
    assert 1 == caplog.text.count("10 wrong passwords came from testclient")
    assert "guess" not in caplog.text


def locked(clock: Clock, address: str = "10.0.0.1") -> Password:
    """Return a guard that has heard too many wrong passwords from an address."""
    guard = Password(SecretStr(CANARY), clock=clock)
    for number in range(N_GUESSES):
        assert 401 == status(guard, b"%d" % number, address)
    assert 429 == status(guard, b"wrong", address)
    return guard


def test_the_right_password_opens_a_locked_address(clock: Clock):
    """Behind a proxy all people are one address: who guesses there locks nobody out who knows it."""
    guard = locked(clock)
    assert 200 == status(guard, CANARY.encode())
    assert 429 == status(guard, b"still wrong")


def test_a_locked_address_guesses_slowly(clock: Clock):
    """A few more are looked at at once, then one in a while, whichever it is and however many ask."""
    guard = locked(clock)
    for number in range(N_LOOKS):
        status(guard, b"more %d" % number)
    with pytest.raises(Refused) as unheard:
        guard(asked(CANARY.encode()))
    assert 429 == unheard.value.status
    assert 0 < unheard.value.later <= PAUSE
    clock.now += unheard.value.later
    assert 200 == status(guard, CANARY.encode())
    n_looks = 0
    for _ in range(400):  # ten guesses a second
        clock.now += 0.1
        with pytest.raises(Refused) as refused:
            guard(asked(b"wrong"))
        n_looks += not refused.value.later
    assert 12 <= n_looks <= 15


def test_a_browser_that_has_been_in_does_not_wait(clock: Clock):
    """Somebody else's guesses from the same address do not close an open page; the cookie alone opens nothing."""
    guard = Password(SecretStr(CANARY), clock=clock)
    ((name, value),) = guard(asked(CANARY.encode()))
    assert (b"set-cookie", True) == (name, value.endswith(b"; Path=/; HttpOnly; SameSite=Strict"))
    assert CANARY.encode() not in value
    cookie = (b"cookie", b"other=1; " + value.partition(b";")[0])
    for number in range(N_GUESSES + 2 * N_LOOKS):
        status(guard, b"%d" % number)
    assert 429 == status(guard, CANARY.encode())
    page = asked(CANARY.encode())
    page["headers"].append(cookie)
    assert () == guard(page)
    for said in (b"wrong", b""):
        thief = asked(said)
        thief["headers"].append(cookie)
        with pytest.raises(Refused) as refused:
            guard(thief)
        assert 401 == refused.value.status


def test_one_who_comes_a_little_too_early_is_let_in_a_little_later():
    """A person with the right password sees the page, not that somebody guesses."""
    waited: list[float] = []

    def guard(_: object) -> tuple[tuple[bytes, bytes], ...]:
        waited.append(time.monotonic())
        if len(waited) == 1:
            raise Refused(429, "Too early.", later=0.05)
        return ((b"set-cookie", b"a=b"),)

    app = Starlette(routes=[Route("/", anything)])
    hardened = Hardened(app, hosts=None, guard=guard)
    response = TestClient(hardened, base_url="http://nas").get("/")
    assert (200, "a=b") == (response.status_code, response.headers["set-cookie"])
    assert waited[1] - waited[0] >= 0.05


def test_the_same_wrong_password_is_one_guess(clock: Clock):
    """A page that was open when the password changed repeats the old one, and locks nobody out."""
    guard = Password(SecretStr(CANARY), clock=clock)
    assert {401} == {status(guard, b"the old one") for _ in range(100)}
    assert 200 == status(guard, CANARY.encode())


@pytest.mark.parametrize(
    ("guesser", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_who_guesses_is_told_from_others(guesser: str, other: str, same: bool):
    """An address, or in IPv6 a network: within one, anybody has as many addresses as they like."""
    guard = Password(SecretStr(CANARY))
    for number in range(N_GUESSES):
        status(guard, b"%d" % number, guesser)
    assert (429 if same else 401) == status(guard, b"wrong", other)


def test_guesses_from_other_addresses_push_nobody_out(clock: Clock):
    """A lock is kept for its time however many others guess, and what is remembered has an end."""
    guard = locked(clock)
    for number in range(N_ADDRESSES + 200):
        status(guard, b"wrong", f"10.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}")
    assert 429 == status(guard, b"wrong again")
    assert len(guard._known) <= N_ADDRESSES + 1
    assert 200 == status(guard, CANARY.encode(), "10.9.9.9")
    clock.now += FORGOTTEN
    assert 401 == status(guard, b"wrong")
    assert 1 == len(guard._known)


def test_where_too_many_guess_those_that_come_later_count_as_one(clock: Clock):
    """Their number gives nobody more guesses; the right password opens there too."""
    guard = Password(SecretStr(CANARY), clock=clock)
    for number in range(N_ADDRESSES):
        status(guard, b"wrong", f"10.0.{number >> 8}.{number & 255}")
    said = [status(guard, b"%d" % number, f"10.1.0.{number}") for number in range(N_GUESSES + 1)]
    assert [*[401] * N_GUESSES, 429] == said
    assert 200 == status(guard, CANARY.encode(), "10.1.1.1")


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No rag.toml and no password but what a test sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAG_PASSWORD", raising=False)
    return tmp_path


def test_a_short_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch):
    """The sentence says how long, and not what it was; nor does what caused it."""
    monkeypatch.setenv("RAG_PASSWORD", "canary")
    with pytest.raises(SettingsError, match=r"RAG_PASSWORD.*at least 12 characters") as caught:
        Settings(top_k=0)
    assert "canary" not in f"{caught.value} {caught.value.__cause__!r}"


def test_an_empty_password_is_none(monkeypatch: pytest.MonkeyPatch):
    """As with other settings; then only this machine is served."""
    monkeypatch.setenv("RAG_PASSWORD", "")
    assert not Settings().password


def test_a_password_in_a_file_is_refused(no_settings: Path):
    """A file of settings is copied and shared."""
    file = no_settings / "rag.toml"
    file.write_text('password = "canary-0123456789"', encoding="utf-8")
    with pytest.raises(SettingsError, match="RAG_PASSWORD") as caught:
        Settings(config=file)
    assert "canary" not in str(caught.value)


def test_settings_that_are_kept_or_shown_hold_no_password(
    no_settings: Path, monkeypatch: pytest.MonkeyPatch
):
    """Runs of evaluations, the doctor's findings, and whatever prints them."""
    monkeypatch.setenv("RAG_PASSWORD", CANARY)
    settings = Settings(index_dir=no_settings / CANARY)
    assert CANARY == settings.password.get_secret_value()
    kept = settings_of(type("Made", (), {"settings": settings})())
    assert "password" not in kept
    changed = settings.model_copy(update={"top_k": 3})
    plain = settings.model_copy(update={"index_dir": no_settings})
    assert "anary" not in f"{plain!r} {plain} {plain.model_dump()} {plain.model_dump_json()}"
    assert CANARY == changed.password.get_secret_value()
    findings = list(doctor.examine(settings, environ=dict(os.environ)))
    assert findings
    assert CANARY not in repr(findings)


@contextmanager
def serving(settings: Settings, host: str) -> Iterator[int]:
    """Run a real server in a thread, and return its port."""

    def make() -> Any:
        return build_app(lambda _: ScriptedRag(), settings)

    config = uvicorn.Config(
        make, factory=True, host=host, port=0, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def fetch(port: int, path: str, *, body: object = None, **headers: str) -> tuple[int, str]:
    """Ask a server on this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    data = None if body is None else json.dumps(body)
    sent = {"Content-Type": "application/json", **headers} if data else headers
    connection.request("GET" if data is None else "POST", path, data, sent)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_a_server_for_other_machines_tells_the_password_to_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    """Every library at its most talkative: asked rightly, wrongly and badly, none says it."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    settings = Settings(
        seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index", mcp=True, password=CANARY
    )
    right = basic(CANARY)
    with serving(settings, "0.0.0.0") as port:
        assert 401 == fetch(port, "/")[0]
        while fetch(port, "/health")[0] != 200:
            time.sleep(0.02)
        assert '{"status":"ready"}' == fetch(port, "/health")[1]
        assert 200 == fetch(port, "/", **right)[0]
        assert 401 == fetch(port, "/", **basic("wrong" + CANARY))[0]
        assert (
            401 == fetch(port, "/", authorization=f"Basic {CANARY}".encode().decode("latin-1"))[0]
        )
        for path, body in (
            ("/gradio_api/call/ask", {"data": ["break"]}),
            ("/gradio_api/call/ask", {"data": "broken"}),
            ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        ):
            assert 401 == fetch(port, path, body=body)[0]
            assert fetch(port, path, body=body, accept="application/json", **right)[0] != 401
        assert "anary" not in fetch(port, "/config", **right)[1]
    encoded = right["authorization"].removeprefix("Basic ")
    told = " ".join((caplog.text, *capfd.readouterr()))
    told += " ".join(f"{record.args} {record.exc_info}" for record in caplog.records)
    assert caplog.records, "the libraries said nothing, so that this proves nothing"
    assert "anary" not in told
    assert encoded not in told
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"anary" not in path.read_bytes()


@pytest.mark.slow  # a process of its own, with the shipped models
@pytest.mark.model
@pytest.mark.skipif(os.name != "posix", reason="it is interrupted by a signal")
def test_rag_serve_for_other_machines_warns_and_wants_the_password(tmp_path: Path):
    """The command itself: refused without a password; with one, said to be overheard, 401, then 200."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.txt").write_text("The harbour was built in 1871.", encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAG_")}
    words = [sys.executable, "-m", "rag", "serve", "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(words, cwd=tmp_path, env=clean, capture_output=True, check=False)
    assert refused.returncode != 0
    assert b"RAG_PASSWORD" in refused.stderr
    server = subprocess.Popen(
        words,
        cwd=tmp_path,
        env={**clean, "RAG_PASSWORD": CANARY},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = [server.stderr.readline(), server.stderr.readline()]
        port = int(re.search(r"http://0\.0\.0\.0:(\d+)", said[0])[1])
        assert said[1].startswith("Warning: other machines can reach this server")
        while fetch(port, "/health")[0] != 200:
            time.sleep(0.05)
        assert 401 == fetch(port, "/")[0]
        assert 200 == fetch(port, "/", **basic(CANARY))[0]
    finally:
        server.send_signal(signal.SIGINT)
        _, rest = server.communicate(timeout=60)
    assert "anary" not in "".join(said) + rest
