"""Nothing is let in that does not belong, and no response leaves without its headers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from rag.web.hardening import MAX_BODY, Hardened, Pace, page_policy

PAGE = "<html><script src=a.js></script><script>let a = 1;</script><p>text</p></html>"
SECRET = {"access-control-allow-origin": "*", "server": "secret/1"}


async def page(_: Request) -> Response:
    """A page with a script, and headers that say too much."""
    return HTMLResponse(PAGE, headers=SECRET)


async def echo(request: Request) -> Response:
    """Tell how long the body was."""
    return PlainTextResponse(str(len(await request.body())))


async def swallow(request: Request) -> Response:
    """Like frameworks that turn any trouble with a body into an answer of their own."""
    try:
        await request.body()
    except Exception:  # noqa: BLE001  (that is what they do)
        return PlainTextResponse("bad request", status_code=400)
    return PlainTextResponse("fine")


async def ticking(_: Request) -> Response:
    """Send three events."""

    async def ticks() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"

    return StreamingResponse(ticks(), media_type="text/event-stream")


async def headers(request: Request) -> Response:
    """Tell which headers arrived."""
    return PlainTextResponse(" ".join(sorted(request.headers)))


APP = Starlette(
    routes=[
        Route("/", page),
        Route("/gradio_api/queue/join", echo, methods=["POST"]),
        Route("/gradio_api/call/ask", swallow, methods=["POST"]),
        Route("/gradio_api/queue/data", ticking),
        Route("/gradio_api/upload", echo, methods=["POST"]),
        Route("/assets/headers", headers),
        Route("/mcp", echo, methods=["POST"]),
    ]
)
ASK = "/gradio_api/queue/join"


@pytest.fixture
def client() -> TestClient:
    """A client of the hardened application."""
    return TestClient(
        Hardened(APP, hosts=["127.0.0.1", "localhost", "[::1]"]), base_url="http://127.0.0.1:7860"
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860"]
)
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str):
    """A loopback address or name, with or without port."""
    assert 200 == client.get("/", headers={"host": host}).status_code


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:7860",
        "me@127.0.0.1",
        "127.0.0.1:7860/x",
        "localhost.",
        "[::1",
        "",
    ],
)
def test_another_name_is_refused(client: TestClient, host: str):
    """A page that has its own name point here (DNS rebinding) reads nothing."""
    response = client.get("/", headers={"host": host})
    assert 400 == response.status_code
    assert {"error": "This server does not go by that name."} == response.json()


@given(st.lists(st.sampled_from(["localhost", "x", ":", "80", "@", ".", "[", "/", " "])))
def test_no_name_but_ours_is_answered_however_it_is_written(pieces: list[str]):
    """What surrounds a name of ours does not make another one pass."""
    host = "".join(pieces).strip()
    client = TestClient(Hardened(APP, hosts=["localhost"]), base_url="http://localhost")
    ours = {"localhost", "localhost:80", "localhost:8080"}
    expected = 200 if host in ours else 400
    assert expected == client.get("/", headers={"host": host}).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://[127.0.0.1:7860"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:7860"},
    ],
)
def test_a_post_from_another_site_is_refused(client: TestClient, headers: dict[str, str]):
    """No page of another site, and no other server on this machine, can ask questions here."""
    response = client.post(ASK, headers=headers, content="{}")
    assert 403 == response.status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_post_of_the_page_or_of_a_program_is_answered(
    client: TestClient, headers: dict[str, str]
):
    """The page itself says the same origin; programs say nothing."""
    assert "2" == client.post(ASK, headers=headers, content="{}").text


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://evil.example",
        "/gradio_api/mcp/sse",
        "/gradio_api/runs",
        "/gradio_api/vibe-edit",
        "/gradio_api/component_server",
        "/monitoring/summary",
        "/docs",
        "/openapi.json",
        "/mcp",
    ],
)
def test_what_the_page_does_not_use_is_not_served(client: TestClient, path: str):
    """Uploads, files, proxies and the like are closed whatever Gradio makes of them."""
    assert 404 == client.get(path).status_code
    assert 404 == client.post(path).status_code


def allow_everybody(_: object) -> None:
    """A guard that knows everybody."""


def test_a_path_can_be_open_beside_those_of_the_pages():
    """That one, and none below or beside it."""
    hardened = Hardened(APP, hosts=["localhost"], paths=["/mcp"])
    client = TestClient(hardened, base_url="http://localhost")
    assert "2" == client.post("/mcp", content="{}").text
    for path in ("/mcp/", "/mcp/sse", "/mcpx", "/MCP"):
        assert 404 == client.post(path).status_code


def test_without_a_guard_a_server_goes_by_names_that_it_is_told():
    """Any name and no password is what a page that has its name point here waits for."""
    with pytest.raises(ValueError, match="wants a guard"):
        Hardened(APP, hosts=None)


@pytest.mark.parametrize("host", ["docs.example.com", "10.0.0.7:7860", "[fe80::1]:8080", "nas"])
def test_behind_a_guard_any_name_will_do(host: str):
    """Only the form is looked at; what other sites send is refused as ever."""
    hardened = Hardened(APP, hosts=None, guard=allow_everybody)
    client = TestClient(hardened, base_url=f"http://{host}")
    assert 200 == client.get("/").status_code
    assert "2" == client.post(ASK, headers={"origin": f"https://{host}"}, content="{}").text
    for other in ("https://evil.example", f"https://{host}.evil.example", f"https://me@{host}"):
        assert 403 == client.post(ASK, headers={"origin": other}, content="{}").status_code
    for name in ("me@nas", "nas/x", "nas:port", "a b", ""):
        assert 400 == client.get("/", headers={"host": name}).status_code


def test_the_application_never_sees_the_password(client: TestClient):
    """What it is not given, it cannot keep or log."""
    response = client.get("/assets/headers", headers={"authorization": "Basic bWU6c2VjcmV0"})
    assert "accept accept-encoding connection host user-agent" == response.text


@pytest.mark.parametrize("path", [ASK, "/gradio_api/call/ask"])
def test_a_long_body_is_refused_by_its_length(client: TestClient, path: str):
    """A body that says it is too long is not read."""
    response = client.post(path, content=b"x" * (MAX_BODY + 1))
    assert 413 == response.status_code


@pytest.mark.parametrize("path", [ASK, "/gradio_api/call/ask"])
def test_a_long_body_in_pieces_is_refused_once_it_is_too_long(client: TestClient, path: str):
    """A body without a length is counted, and what the application makes of it does not matter."""
    response = client.post(path, content=(b"x" * 100_000 for _ in range(12)))
    assert 413 == response.status_code
    assert "content-security-policy" in response.headers


def test_a_body_at_the_limit_is_answered(client: TestClient):
    """The limit itself is allowed."""
    assert str(MAX_BODY) == client.post(ASK, content=b"x" * MAX_BODY).text


def test_a_path_can_have_a_limit_of_its_own():
    """Files are longer than questions; every other path keeps its limit, and so does that one."""
    bodies = {ASK: 2 * MAX_BODY}
    client = TestClient(
        Hardened(APP, hosts=["localhost"], bodies=bodies), base_url="http://localhost"
    )
    assert str(2 * MAX_BODY) == client.post(ASK, content=b"x" * 2 * MAX_BODY).text
    for path, size in ((ASK, 2 * MAX_BODY + 1), ("/gradio_api/call/ask", MAX_BODY + 1)):
        assert 413 == client.post(path, content=b"x" * size).status_code
        pieces = (b"x" * 100_000 for _ in range(size // 100_000 + 1))
        assert 413 == client.post(path, content=pieces).status_code


@pytest.mark.parametrize("length", ["-1", "1e9", "", "0x10"])
def test_a_length_that_is_no_number_is_refused(client: TestClient, length: str):
    """Nothing is guessed about a body."""
    response = client.post(ASK, headers={"content-length": length}, content=b"")
    assert 413 == response.status_code


@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/data", "/nowhere"])
def test_every_response_tells_the_browser_to_stay_here(client: TestClient, path: str):
    """Also streams and refusals carry the headers; what opens the server up is taken out."""
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    for rule in ("default-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "http" not in policy
    assert "unsafe-eval" not in policy
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_only_the_scripts_a_page_came_with_may_run(client: TestClient):
    """The policy names each inline script by its hash, and no others are allowed."""
    response = client.get("/", headers={"accept-encoding": "br"})
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert PAGE == response.text
    assert f"script-src 'self' 'sha256-{digest}';" in response.headers["content-security-policy"]


def test_an_inline_handler_or_other_script_is_in_no_policy():
    """Hashes are of whole scripts: markup that an attacker adds later is not among them."""
    assert page_policy(b"<p>none</p>") == page_policy(b"<script src='x'></script>")
    assert page_policy(b"<script>a()</script>") != page_policy(b"<script>b()</script>")


def test_a_stream_is_passed_on_piece_by_piece(client: TestClient):
    """Only pages are held back; events go out as they come."""
    response = client.get("/gradio_api/queue/data")
    assert "data: 0\n\ndata: 1\n\ndata: 2\n\n" == response.text


async def sent_slowly(
    pieces: list[bytes], pause: float, *, path: str = ASK
) -> list[dict[str, Any]]:
    """Send a body piece by piece and then nothing; return what is answered."""
    told: list[dict[str, Any]] = []
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "",
        "scheme": "http", "query_string": b"", "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
    }  # fmt: skip
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    pace = Pace(grace=0.2, rate=1000, longest=1.0)
    await asyncio.wait_for(Hardened(APP, hosts=["localhost"], pace=pace)(scope, receive, send), 60)
    return told


@pytest.mark.parametrize("path", [ASK, "/gradio_api/call/ask"])
@pytest.mark.parametrize(
    ("pieces", "pause"), [([], 0), ([b"x"] * 9999, 0.01), ([b"x" * 50] * 9999, 0.02)]
)
def test_a_body_that_does_not_come_is_not_waited_for(path: str, pieces: list[bytes], pause: float):
    """Silent, a byte now and then, or fast enough but without an end: it is told, and the connection ends."""
    head, body = asyncio.run(sent_slowly(pieces, pause, path=path))
    assert 408 == head["status"]
    assert (b"connection", b"close") in head["headers"]
    assert "too slowly" in json.loads(body["body"])["error"]


def test_who_has_sent_all_may_wait_for_the_answer():
    """Only a body has a time: what listens for the end of a connection afterwards listens on."""

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        assert not (await receive())["more_body"]
        assert "http.disconnect" == (await receive())["type"]
        await PlainTextResponse("done")(scope, receive, send)

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    messages = [{"type": "http.request", "body": b"", "more_body": False}]
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
    hurried = Hardened(listening, hosts=["localhost"], pace=Pace(grace=0.0, longest=0.0))
    asyncio.run(hurried(scope, receive, send))
    assert b"done" == told[-1]["body"]


def test_how_long_a_body_may_take_grows_with_it_and_has_an_end():
    """A large file over a thin line arrives; one byte at a time does not."""
    pace = Pace()
    assert 30 == pace.due(0)
    assert pace.due(1000) < 31
    assert 90 < pace.due(1_000_000) < 92
    assert 900 == pace.due(10**12)


def test_two_names_are_none():
    """A server before this one may read the other."""
    app = Hardened(APP, hosts=["localhost"])
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    headers = [(b"host", b"evil.example"), (b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(app(scope, send, send))
    assert 400 == told[0]["status"]
