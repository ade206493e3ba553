"""Many people at once: conversations in the web chat, each of a session of its own, over the protocol of the page.

    python -m eval.benchmarks.crowd [--people 50] [--turns 3] [--pause 10] [--rounds 4]

Serves `seeds/` with an index of its own. A person comes within the first pause, asks, reads for as long as an
exponentially distributed pause of that mean takes, and asks on; who is refused leaves. The questions are those of the
article's development half. `--pause 0` is everybody at the same moment. Seconds are from sending a question to its last
event; answers a second are of the whole round, pauses included. Who comes alone asks what nobody asked before; what a
reader remembers of it helps the rounds behind it. Mixed is an answer that is not, letter for letter, the one that a
person alone gets to the same question after the same turns, or a page that lacks a question of this person's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "eval" / "data" / "article.jsonl"
N_DRAWN = 4
"""Outputs of an answer that are drawn; behind them stands what the page carries, with the time that it took."""


class Event(NamedTuple):
    """What the page does on a question, by Gradio's numbers."""

    accept: int
    answer: int
    n_inputs: int


@dataclass
class Seen:
    """What came of a round."""

    seconds: list[float] = field(default_factory=list)
    mixed: int = 0
    refusals: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)
    cpu: float = 0.0
    """What the server had taken by then, CPU seconds."""


class Server:
    """The web chat in a process of its own."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(  # noqa: S603  (a command of this file)
            [sys.executable, "-m", "rag", "serve", "--port", str(port)],
            cwd=ROOT,
            env=os.environ | {"RAG_INDEX_DIR": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until questions are answered."""
        while True:
            try:
                if httpx.get(f"{self.address}/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)

    def memory(self) -> float:
        """Return what the process holds, in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024

    def cpu(self) -> float:
        """Return the CPU seconds that it has taken, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        ticks = map(int, fields.rpartition(")")[2].split()[11:13])
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def idle(self, seconds: float = 20.0) -> float:
        """Return the share of a core that it takes while nobody asks."""
        time.sleep(2)
        before = self.cpu()
        time.sleep(seconds)
        return (self.cpu() - before) / seconds

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def main() -> None:
    """Let rounds of people ask, and print what came of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--pause", type=float, default=10.0, help="mean seconds between two turns")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    asked = conversations(args.people, args.turns)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            server.wait()
            print(f"idle     {server.idle():.2%} of a core")
            asyncio.run(measure(server, asked, args.pause, args.rounds))
        finally:
            server.stop()


def conversations(n: int, turns: int) -> list[tuple[str, ...]]:
    """Return the questions of each person, drawn from those on the article; no two people ask alike."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    examples = [json.loads(line) for line in lines]
    pool = [one["question"] for one in examples if one["split"] == "dev" and not one.get("history")]
    draw = random.Random(0)
    return [tuple(draw.sample(pool, turns)) for _ in range(n)]


async def measure(
    server: Server, asked: Sequence[tuple[str, ...]], pause: float, rounds: int
) -> None:
    """Ask alone, for what is right and how long it takes; then together."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=300, limits=limits) as client:
        event = await events(client)
        alone, right = Seen(cpu=server.cpu()), {}
        for person, questions in enumerate(asked):
            right[questions] = await talk(client, event, questions, f"alone{person}", alone)
        print(f"alone    {figures(alone, server)}")
        for number in range(1, rounds + 1):
            seen = Seen(cpu=server.cpu())
            await asyncio.gather(
                *(
                    visit(client, event, questions, f"{number}x{person}", seen, right, pause)
                    for person, questions in enumerate(asked)
                )
            )
            print(f"round {number}  {figures(seen, server)}")
            for words in sorted(set(seen.refusals)):
                print(f"         {seen.refusals.count(words)} refused: {words}")


def figures(seen: Seen, server: Server) -> str:
    """Return a round as a line."""
    cpu = (server.cpu() - seen.cpu) / max(len(seen.seconds), 1)
    rate = len(seen.seconds) / (time.perf_counter() - seen.begun)
    p50, p95 = np.percentile(seen.seconds, [50, 95]) if seen.seconds else (np.nan, np.nan)
    return (
        f"answers {len(seen.seconds):4} ({rate:.1f}/s)  mixed {seen.mixed}  refused {len(seen.refusals):3}"
        f"  p50 {p50:6.3f} s  p95 {p95:6.3f} s"
        f"  CPU {cpu:.3f} s an answer  memory {server.memory():.0f} MB"
    )


async def events(client: httpx.AsyncClient) -> Event:
    """Read from the page's plan what a question sets off."""
    plan = (await client.get("/config")).json()
    box = next(one["id"] for one in plan["components"] if one["props"].get("elem_id") == "fn-box")
    accept = next(one for one in plan["dependencies"] if [box, "submit"] in one["targets"])
    answer = next(one for one in plan["dependencies"] if one["trigger_after"] == accept["id"])
    return Event(accept["id"], answer["id"], len(accept["inputs"]))


async def visit(
    client: httpx.AsyncClient,
    event: Event,
    questions: tuple[str, ...],
    session: str,
    seen: Seen,
    right: Mapping[tuple[str, ...], Sequence[str]],
    pause: float,
) -> None:
    """Come some time, ask one question after the other, and compare the page with what one alone is shown."""
    draw = random.Random(session)
    await asyncio.sleep(draw.uniform(0, pause))
    pages = await talk(
        client,
        event,
        questions,
        session,
        seen,
        lambda: draw.expovariate(1 / pause) if pause else 0.0,
    )
    seen.mixed += sum(page != one for page, one in zip(pages, right[questions], strict=False))


async def talk(
    client: httpx.AsyncClient,
    event: Event,
    questions: Sequence[str],
    session: str,
    seen: Seen,
    reads: Callable[[], float] = lambda: 0.0,
) -> list[str]:
    """Ask a session's questions one after the other until one is refused; return the page after each."""
    pages = []
    for number, question in enumerate(questions):
        if number:
            await asyncio.sleep(reads())
        begun = time.perf_counter()
        page = await turn(client, event, question, session, seen)
        if page is None:
            break
        seen.seconds.append(time.perf_counter() - begun)
        seen.mixed += any(one not in unescape(page) for one in questions[: number + 1])
        pages.append(page)
    return pages


async def turn(
    client: httpx.AsyncClient, event: Event, question: str, session: str, seen: Seen
) -> str | None:
    """Ask as the page does: have the question accepted, then wait for the last picture of the answer.

    None where the queue is full.
    """
    accepted = [question, *[None] * (event.n_inputs - 1)]
    if await _through_queue(client, event.accept, accepted, session, seen) is None:
        return None
    return await _through_queue(client, event.answer, [None, None], session, seen)


async def _through_queue(
    client: httpx.AsyncClient, number: int, data: Sequence[object], session: str, seen: Seen
) -> str | None:
    """Return what the page draws last when something is set off; None where the queue is full."""
    joined = await client.post(
        "/gradio_api/queue/join",
        json={"data": data, "fn_index": number, "session_hash": session},
    )
    if joined.status_code != 200:
        seen.refusals.append(str(joined.json().get("detail", joined.text)))
        return None
    drawn = ""
    async with client.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}
    ) as told:
        async for line in told.aiter_lines():
            said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if said.get("msg") == "process_completed":
                shown = (said["output"].get("data") or [])[:N_DRAWN]
                drawn = json.dumps(shown, ensure_ascii=False)
                break
    return drawn


if __name__ == "__main__":
    main()
