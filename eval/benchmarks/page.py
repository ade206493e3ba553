"""How soon the web chat can be used, and what it transfers: a real Chromium on the real server over seeds/.

    python -m eval.benchmarks.page [--runs 3]

A run starts a server (the first one also makes the index) and opens its page twice: cold, in a browser that has
stored nothing, as soon as the server answers, and warm, once more in the same browser. Usable is when the question
box takes text; ready, when the page says that questions are answered. Of the cold page both count from the moment
that the server answers its first request, which comes `up` seconds after its start; of the warm page, from its
opening. Bytes are those on the wire, headers included, of everything until the page is ready.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from eval.benchmarks.crowd import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

BOX = "#fn-box textarea"
# Chromium by itself asks its maker for updates.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
KINDS = ("Document", "Script", "Stylesheet", "Font", "Image", "Fetch", "EventSource", "Other")
"""Of a request, in the browser's words."""


@dataclass
class Traffic:
    """What a page asked for and got."""

    server: str
    kinds: dict[str, str] = field(default_factory=dict)
    """Kind of each request, by the browser's id of it."""
    elsewhere: list[str] = field(default_factory=list)
    transferred: Counter[str] = field(default_factory=Counter)
    """Bytes by kind."""

    def asked(self, event: Mapping[str, Any]) -> None:
        """Note a request; what is written into the page itself is none."""
        url = event["request"]["url"]
        if url.startswith(("data:", "blob:")):
            return
        kind = event.get("type", "Other")
        self.kinds[event["requestId"]] = kind if kind in KINDS else "Other"
        if not url.startswith(f"{self.server}/"):
            self.elsewhere.append(url)

    def arrived(self, event: Mapping[str, Any]) -> None:
        """Count the bytes of a response that is whole."""
        kind = self.kinds.get(event["requestId"])
        if kind is not None:
            self.transferred[kind] += int(event["encodedDataLength"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """How one page was opened."""

    usable: float
    """Seconds."""
    ready: float
    """Seconds."""
    traffic: Traffic


def main() -> None:
    """Open the pages and print a line for each."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium. On Debian: apt-get install chromium")
    kinds = " | ".join(f"{kind.lower()} kB" for kind in KINDS)
    print(f"| run | up s | page | usable s | ready s | requests | elsewhere | kB | {kinds} |")
    print("|" + "---|" * (8 + len(KINDS)))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for number in range(1, args.runs + 1):
            run(browser, folder, number)
        browser.close()


def run(browser: Browser, folder: str, number: int) -> None:
    """Start a server, open its page cold and warm, and print both."""
    started = time.perf_counter()
    server = Server(folder)
    context = browser.new_context()
    try:
        wait(server)
        up = time.perf_counter()
        for name, begun in (("cold", up), ("warm", None)):
            print(
                f"| {number} | {up - started:.2f} | {name} | {cells(opened(context, server, begun))} |"
            )
    finally:
        context.close()
        server.stop()


def wait(server: Server) -> None:
    """Wait until the server answers anything, be it that it is not ready yet."""
    while True:
        with suppress(httpx.TransportError):
            httpx.get(f"{server.address}/health")
            return
        time.sleep(0.01)


def opened(context: BrowserContext, server: Server, begun: float | None) -> Opened:
    """Open the page in a tab of its own.

    Args:
        context: the browser.
        server: serves the page.
        begun: when the seconds are counted from; None for now.
    """
    page = context.new_page()
    traffic = Traffic(server.address)
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.on("Network.requestWillBeSent", traffic.asked)
    tools.on("Network.loadingFinished", traffic.arrived)
    begun = time.perf_counter() if begun is None else begun
    page.goto(server.address, wait_until="commit")
    page.fill(BOX, "x", timeout=120_000)
    usable = time.perf_counter() - begun
    page.locator("p.fn-ready").wait_for(timeout=120_000)
    ready = time.perf_counter() - begun
    page.close()
    return Opened(usable=usable, ready=ready, traffic=traffic)


def cells(page: Opened) -> str:
    """Return what is said of a page as cells of a table."""
    traffic = page.traffic
    sizes = [sum(traffic.transferred.values()), *(traffic.transferred[kind] for kind in KINDS)]
    return " | ".join(
        [
            f"{page.usable:.2f}",
            f"{page.ready:.2f}",
            f"{len(traffic.kinds)}",
            f"{len(traffic.elsewhere)}",
            *(f"{size / 1000:,.0f}" for size in sizes),
        ]
    )


if __name__ == "__main__":
    main()
