"""Reading a web address: from public addresses only, within limits, and never twice resolved."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.sources.remote import Address, Fetched, check_address, fetch, is_public

PAGE = b"<html><title>Boats</title><p>The ferry leaves at eight.</p></html>"


class Site(BaseHTTPRequestHandler):
    """Answers by the path: what a server can do to a reader."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        if path.startswith("/to/"):
            self.reply(b"", status=302, location=unquote(self.path).removeprefix("/to/"))
        elif path == "/endless":
            self.drip(b"x" * 65536)
        elif path == "/slow":
            self.drip(b"x", pause=0.05)
        elif path == "/short":
            self.reply(PAGE, length=len(PAGE) + 10)
            self.close_connection = True
        elif path == "/missing":
            self.reply(b"", status=404)
        elif path == "/zip":
            self.reply(b"\x1f\x8b", encoding="gzip")
        else:
            kinds = {
                "/notes.md": "text/plain",
                "/report": "application/pdf",
                "/file.csv": "application/octet-stream",
                "/latin": "text/html; charset=iso-8859-1",
                "/movie": "video/mp4",
                "/unsaid": "",
            }
            body = "Fähre".encode("latin-1") if path == "/latin" else PAGE
            self.reply(body, kind=kinds.get(path, "text/html; charset=utf-8"))

    def reply(
        self,
        body: bytes,
        *,
        status: int = 200,
        kind: str = "text/html",
        location: str = "",
        encoding: str = "",
        length: int | None = None,
    ) -> None:
        """Send a whole response."""
        self.send_response(status)
        fields = {"Content-Type": kind, "Location": location, "Content-Encoding": encoding}
        for name, value in fields.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def drip(self, piece: bytes, *, pause: float = 0.0) -> None:
        """Send one piece after another until nobody reads."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(2000):
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A site on loopback, and what was asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Site)
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_error(self, *_: object) -> None:
        """A reader that leaves is no fault."""


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    """One site for all tests."""
    server = Server()
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def get(site: Server) -> Callable[..., Fetched]:
    """Read a path of the site as if `site.example` were public, and nothing else of loopback were."""

    def resolve(host: str, _: int) -> Sequence[str]:
        named = {"site.example": "127.0.0.1", "other.example": "127.0.0.2"}
        return [named.get(host, host)]

    def allows(address: Address) -> bool:
        return str(address) == "127.0.0.1" or is_public(address)

    def read(path: str, *, max_bytes: int = 100_000, seconds: float = 5.0) -> Fetched:
        url = f"http://site.example:{site.server_port}{path}"
        return fetch(url, max_bytes=max_bytes, seconds=seconds, resolve=resolve, allows=allows)

    return read


def test_a_page_is_read_with_a_name_that_says_where_it_stood(get: Callable[..., Fetched]):
    """Host, path and query make the file's name; its type makes the extension."""
    page = get("/town/boats.php?line=1/2#top")
    assert PAGE == page.data
    assert "site.example/town/boats line=1 2.html" == page.name
    assert page.url.endswith("/town/boats.php?line=1/2")
    assert "site.example/index.html" == get("").name
    assert "site.example/a/index.html" == get("/a/").name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/report", "site.example/report.pdf"),
        ("/notes.md", "site.example/notes.md"),
        ("/file.csv", "site.example/file.csv"),
    ],
)
def test_the_type_decides_and_where_it_says_nothing_the_name(
    get: Callable[..., Fetched], path: str, name: str
):
    """Servers call Markdown plain text, and tables octets."""
    assert name == get(path).name


@pytest.mark.parametrize("path", ["/movie", "/unsaid"])
def test_what_cannot_be_read_is_not_fetched(get: Callable[..., Fetched], path: str):
    """A film is no document, and neither is what nobody names."""
    with pytest.raises(SourceError, match="no supported format") as caught:
        get(path)
    assert "unsupported" == caught.value.reason


def test_text_in_another_encoding_becomes_utf_8(get: Callable[..., Fetched]):
    """A file has no headers that could say what it is written in."""
    assert "\ufeffFähre" == get("/latin").data.decode("utf-8")


def test_nothing_is_told_of_the_person_who_reads(site: Server, get: Callable[..., Fetched]):
    """No cookies, no referrer, and a name that is everybody's."""
    get("/quiet")
    _, headers = site.seen[-1]
    assert {"Host", "Accept-Encoding", "User-Agent", "Accept"} == set(headers)
    assert ("identity", "Footnote") == (headers["Accept-Encoding"], headers["User-Agent"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "boats",
        "file:///etc/passwd",
        "ftp://site.example/",
        "javascript:alert(1)",
        "gopher://127.0.0.1:25/",
        "http://",
        "http://[::1",
        "http://site.example:99999/",
        "http://site.example:0/",
        "http://me:secret@site.example/",
        "//site.example/",
    ],
)
def test_what_is_no_plain_web_address_is_refused_before_anything_is_looked_up(url: str):
    """Only http and https, without passwords."""

    def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError((host, port))

    with pytest.raises(SourceError):
        fetch(url, max_bytes=1, resolve=resolve)
    with pytest.raises(SourceError):
        check_address(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1",
        "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2001:0:7f00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_not_public(address: str):
    """This machine, its network, its cloud's metadata, and tunnels to any of them."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str):
    """Also one of IPv4 that is written as one of IPv6."""
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_written_as_ipv6_is_as_public_as_itself(address: Address):
    """What is refused in one form is refused in the other."""
    assert is_public(address) == is_public(ip_address(f"::ffff:{address}"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f.1", "0", "127.1", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_refused_however_it_is_written(site: Server, scheme: str, host: str):
    """The system's own reading of a name is what is checked."""
    n_seen = len(site.seen)
    with pytest.raises(SourceError, match="of this machine or its network"):
        fetch(f"{scheme}://{host}:{site.server_port}/", max_bytes=1)
    assert n_seen == len(site.seen)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/",
        "http://other.example/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "//10.0.0.1/",
    ],
)
def test_a_redirect_inside_is_refused(get: Callable[..., Fetched], target: str):
    """A public page may send on, but not to where nobody else could go."""
    with pytest.raises(SourceError, match="of this machine or its network"):
        get(f"/to/{target}")


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://site.example/", "data:text/html,x"]
)
def test_a_redirect_to_another_protocol_is_refused(get: Callable[..., Fetched], target: str):
    """No file of this machine is read because a page says so."""
    with pytest.raises(SourceError, match="no web address"):
        get(f"/to/{target}")


def test_redirects_are_followed_a_few_times(site: Server, get: Callable[..., Fetched]):
    """Three, also relative ones; a fourth is one too many."""
    assert get("/to//to//to//end").url.endswith(f":{site.server_port}/end")
    with pytest.raises(SourceError, match="more than 3 times"):
        get("/to//to//to//to//end")


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(site: Server):
    """A name that changes its mind after the check (DNS rebinding) leads nowhere else."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]])
    page = fetch(
        f"http://site.example:{site.server_port}/once",
        max_bytes=1000,
        resolve=lambda *_: next(answers),
        allows=lambda address: str(address) == "127.0.0.1",
    )
    assert PAGE == page.data
    assert ["127.0.0.2"] == next(answers)


def test_one_private_address_among_public_ones_is_refused():
    """Which of them would be connected to is not left to chance."""
    with pytest.raises(SourceError, match="of this machine"):
        fetch("http://site.example/", max_bytes=1, resolve=lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_a_body_without_end_is_cut_off(get: Callable[..., Fetched]):
    """By its bytes as they arrive, not by what a header says."""
    with pytest.raises(SourceError, match=r"larger than 0\.2 MB") as caught:
        get("/endless", max_bytes=200_000)
    assert "too_large" == caught.value.reason


def test_a_body_that_drips_is_cut_off_at_the_deadline(get: Callable[..., Fetched]):
    """However often it sends a little."""
    began = time.monotonic()
    with pytest.raises(SourceError, match="in time"):
        get("/slow", seconds=0.4)
    assert time.monotonic() - began < 20


def test_a_server_that_never_speaks_is_left_at_the_deadline():
    """A connection is not an answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(SourceError, match="in time"):
            fetch(
                f"http://site.example:{silent.getsockname()[1]}/",
                max_bytes=1,
                seconds=0.3,
                resolve=lambda *_: ["127.0.0.1"],
                allows=lambda _: True,
            )
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("path", "words"),
    [("/missing", "404 Not Found"), ("/zip", "compressed"), ("/short", "cannot be read")],
)
def test_what_is_not_a_whole_page_is_a_sentence(get: Callable[..., Fetched], path: str, words: str):
    """A refusal, a form that could hide a bomb, half a page."""
    with pytest.raises(SourceError, match=words) as caught:
        get(path)
    assert "unreadable" == caught.value.reason


def test_a_name_that_is_not_known_is_a_sentence():
    """With what to do."""

    def resolve(*_: object) -> Sequence[str]:
        raise socket.gaierror("unknown")

    with pytest.raises(SourceError, match="check the address"):
        fetch("https://nowhere.example/", max_bytes=1, resolve=resolve)


def test_a_server_that_cannot_prove_its_name_is_not_read(site: Server):
    """Over https, with something that does not even speak it."""
    with pytest.raises(SourceError, match="cannot prove who it is"):
        fetch(
            f"https://site.example:{site.server_port}/",
            max_bytes=1,
            seconds=3,
            resolve=lambda *_: ["127.0.0.1"],
            allows=lambda _: True,
        )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path):
    """Who stands between could have made it too."""
    made, key = tmp_path / "made.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2"),
            *("-subj", "/CN=site.example", "-addext", "subjectAltName=DNS:site.example"),
            *("-out", str(made), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01))
    thread.start()
    try:
        with pytest.raises(SourceError, match="cannot prove who it is"):
            fetch(
                f"https://site.example:{server.server_port}/",
                max_bytes=1,
                seconds=5,
                resolve=lambda *_: ["127.0.0.1"],
                allows=lambda _: True,
            )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [] == server.seen
