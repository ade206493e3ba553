"""Collections over the page, HTTP and MCP: asked and changed apart, and of one that may not be seen no word."""

from __future__ import annotations

import base64
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rag.errors import IndexStateError
from rag.pipeline.collections import Collections
from rag.pipeline.users import Users, audit_path
from rag.settings import Settings
from tests.fakes import open_rag
from tests.web_fakes import make_app

BRIDGE = "The harbour bridge opened in 1932. Engineers from Paris praised the bridge.\n"
SHEEP = "Sheep graze on the northern hills. Wool is sold in autumn markets.\n"
SECRET = "Project Zwetschgenmus pays Hildegunde Obermoser 48113 crowns in Quakenbrueck.\n"
WORDS = ("zwetschgenmus", "obermoser", "48113", "quakenbrueck", "vaultroom")
"""Of the collection that may not be seen, its name the last."""
PASSWORD = "a password of words"
BASE = "http://127.0.0.1:7860"
N_PROBES = 200 if os.environ.get("TRIES") in {"full", "soak"} else 60


def opener(settings: Settings) -> Any:
    """Open one with fakes, brought up to date."""
    rag = open_rag(settings.seeds_dir, index_dir=settings.index_dir)
    rag.settings = settings
    rag.sync()
    return rag


def basic(name: str) -> dict[str, str]:
    """Say the password of somebody."""
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The default collection, and two beside it."""
    values = Settings(
        seeds_dir=tmp_path / "seeds",
        index_dir=tmp_path / "index",
        collections_dir=tmp_path / "collections",
        mcp=True,
        openai_api=True,
    )
    values.seeds_dir.mkdir()
    (values.seeds_dir / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    made = Collections(values, opener)
    for name, file, text in (
        ("farm", "sheep.txt", SHEEP),
        ("vaultroom", "zwetschgenmus.txt", SECRET),
    ):
        made.create(name)
        (made.folder(name) / file).write_text(text, encoding="utf-8")
    return values


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A server for one person."""
    app = make_app(lambda _: opener(settings), settings)
    with TestClient(app, base_url=BASE) as client:
        yield client


@pytest.fixture
def guarded(settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """A server with accounts: Anna reads the farm, Bert edits it, Cleo may see everything."""
    users = Users(tmp_path / "users.json")
    users.add("anna", PASSWORD, {"farm": "reader"})
    users.add("bert", PASSWORD, {"farm": "editor"})
    users.add("cleo", PASSWORD, {"*": "admin"})
    settings = settings.model_copy(update={"users_file": tmp_path / "users.json", "metrics": True})
    app = make_app(lambda _: opener(settings), settings)
    with TestClient(app, base_url=BASE) as client:
        yield client


def ask(client: TestClient, question: str, collection: Any = None, **options: Any) -> Any:
    """Ask over the endpoint for programs."""
    data = [question, None, None, None, collection]
    return client.post("/gradio_api/run/ask", json={"data": data}, **options)


def tool(client: TestClient, name: str, arguments: Any, **options: Any) -> Any:
    """Call a tool of an assistant."""
    call = {"name": name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"accept": "application/json, text/event-stream", **options.pop("headers", {})}
    return client.post("/mcp", json=body, headers=headers, **options)


def complete(client: TestClient, question: str, **options: Any) -> Any:
    """Ask as clients of OpenAI's protocol do."""
    headers = options.pop("headers", {})
    messages = [{"role": "user", "content": question}]
    body = {"model": "footnote", "messages": messages, **options}
    return client.post("/v1/chat/completions", json=body, headers=headers)


def functions(client: TestClient, **options: Any) -> dict[str, Any]:
    """Return what the page calls by itself, by name."""
    config = client.get("/config", **options).json()
    return {one["api_name"]: one for one in config["dependencies"]}


def happen(
    client: TestClient, name: str, *data: Any, query: str = "", session: str = "s1", **options: Any
) -> Any:
    """Let something happen on a page."""
    number = functions(client, **options)[name]["id"]
    body = {"fn_index": number, "data": [*data], "session_hash": session}
    return client.post(f"/gradio_api/run/predict{query}", json=body, **options)


def test_programs_name_the_collection_they_ask(client: TestClient):
    """Over each door, one or several; the answer says which. Names that are not there are told those that are."""
    question = "Where do sheep graze?"
    [answer] = ask(client, question, "Farm").json()["data"]
    assert (["farm"], "sheep.txt") == (answer["collections"], answer["citations"][0]["source_id"])
    [both] = ask(client, question, ["default", "farm"]).json()["data"]
    assert "farm/sheep.txt" == both["citations"][0]["source_id"]
    assert "unanswered" == ask(client, question).json()["data"][0]["status"]

    refused = ask(client, question, "nope")
    assert 404 == refused.status_code
    assert (
        "There is no collection 'nope'; there are: default, farm, vaultroom."
        == (refused.json()["error"])
    )
    assert 400 == ask(client, question, 7).status_code

    completed = complete(client, question, collection="farm").json()
    assert ["farm"] == completed["footnote"]["collections"]
    assert "*Asked in:* farm" in completed["choices"][0]["message"]["content"]
    assert 404 == complete(client, question, collection="nope").status_code

    told = tool(client, "ask", {"question": question, "collection": "farm"}).json()["result"]
    assert ["farm"] == told["structuredContent"]["collections"]
    found = tool(client, "search", {"query": "wool", "collection": ["farm"]}).json()["result"]
    assert "sheep.txt" == found["structuredContent"]["results"][0]["passage"]["source_id"]
    listed = tool(client, "sources", {}).json()["result"]["structuredContent"]
    assert ["default", "farm", "vaultroom"] == listed["collections"]
    wrong = tool(client, "sources", {"collection": "nope"}).json()["result"]
    assert wrong["isError"]
    assert "there are: default, farm" in wrong["content"][0]["text"]


def test_a_page_belongs_to_the_collection_of_its_address(client: TestClient, settings: Settings):
    """It offers the others, takes files into its own, and one that is not there has no page."""
    menu = happen(client, "pick", query="?collection=farm").json()["data"][0]
    assert 'href="/?collection=vaultroom"' in menu
    assert "<span>farm</span>" in menu
    assert "fn-fixed" not in menu
    asked = happen(client, "accept", "Where?", None, None, [], "", query="?collection=farm")
    assert "Asked in <bdi>farm</bdi>" in json.dumps(asked.json(), ensure_ascii=False)

    sent = client.post("/uploads?name=goat.txt&collection=farm", content=b"Goats climb.")
    assert sent.json()["added"]
    assert (settings.of_collection("farm").index_dir / "uploads" / "goat.txt").is_file()
    assert 403 == client.post("/uploads?name=a.txt&collection=farm&collection=default").status_code
    together = happen(client, "pick", query="?collection=farm&collection=default").json()["data"]
    assert "fn-fixed" in together[0]
    assert 404 == client.get("/?collection=nope").status_code


def test_where_there_is_only_the_default_collection_the_page_is_as_it_was(tmp_path: Path):
    """No menu, and no name in an answer."""
    values = Settings(
        seeds_dir=tmp_path / "seeds", index_dir=tmp_path / "index", collections_dir=tmp_path / "c"
    )
    values.seeds_dir.mkdir()
    (values.seeds_dir / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    with TestClient(make_app(lambda _: opener(values), values), base_url=BASE) as client:
        assert "details" not in happen(client, "pick").json()["data"][0]
        [answer] = ask(client, "When did the harbour bridge open?").json()["data"]
        assert ("answered", []) == (answer["status"], answer["collections"])
        assert "Asked in" not in happen(client, "accept", "Where?", None, None, [], "").text


def probes(n: int) -> list[tuple[str, Any]]:
    """Return questions that try for what may not be seen, misspelt too, and where they are asked."""
    chance = random.Random(22)
    forms = (
        "What is {}?",
        "How much does {} earn?",
        "Who is {}?",
        "Summarise {}.txt",
        "Search {} in all documents",
        "How many documents mention {}?",
        "What documents are there besides {}?",
        "Compare sheep with {}",
    )
    wanted = ("zwetchgenmus", "obermooser", "quakenbruck", "hildegunde", "48112", "the vault", "")
    where = (None, "farm", "vaultroom", ["farm", "vaultroom"], "VAULTROOM", "default", "../seeds")
    return [
        (chance.choice(forms).format(chance.choice(wanted)), chance.choice(where)) for _ in range(n)
    ]


def test_a_reader_gets_no_word_title_or_count_of_another_collection(guarded: TestClient):
    """By asking, searching, listing, exporting, guessing names and files, over page, HTTP and MCP: of 200 probes none."""
    anna = {"headers": basic("anna")}
    # The others are open: somebody else is asking them.
    seen = ask(guarded, "Who does Zwetschgenmus pay?", "vaultroom", headers=basic("cleo"))
    assert "Obermoser" in seen.text
    leaked: list[tuple[str, str]] = []

    def look(asked: object, response: Any) -> None:
        said = response.text.casefold()
        told = json.dumps(asked).casefold()
        leaked.extend(
            (told, word) for word in (*WORDS, "bridge") if word in said and word not in told
        )

    for number, (question, where) in enumerate(probes(N_PROBES)):
        named = {} if where is None else {"collection": where}
        match number % 4:
            case 0:
                look((question, where), ask(guarded, question, where, **anna))
            case 1:
                look((question, where), complete(guarded, question, **named, **anna))
            case 2:
                given = {"question": question, **named}
                look(given, tool(guarded, "ask", given, **anna))
            case _:
                given = {"query": question, **named}
                look(given, tool(guarded, "search", given, **anna))
    for where in (None, "farm", "vaultroom", ["vaultroom"], "default"):
        named = {} if where is None else {"collection": where}
        look(named, tool(guarded, "sources", named, **anna))
        query = f"?collection={where}" if isinstance(where, str) else ""
        for name, data in (
            ("pick", ()),
            ("refresh", ("", "all", None, [])),
            ("find_1", ("zwetschgen", "all", None)),
            ("accept", ("zwetschgenmus?", None, None, [], "")),
            ("show", ("#c-0-1 1", None, "")),
            ("take", ("x-all-json 1", None, "")),
            ("reread_all", ()),
        ):
            happened = happen(guarded, name, *data, query=query, session="anna", **anna)
            look((name, data, query), happened)
        for path in ("/", "/config", "/gradio_api/info", "/v1/models", "/uploads", "/health"):
            look((path, query), guarded.get(f"{path}{query}", **anna))
    for path in ("/reports/20260101-1/report.md", "/pages/0123456789abcdef/00/1"):
        look(path, guarded.get(path, **anna))
    assert [] == leaked


def test_what_a_person_may_not_see_is_refused_like_what_is_not_there(guarded: TestClient):
    """To the letter, but for the name itself."""
    anna = {"headers": basic("anna")}
    hidden = ask(guarded, "Who?", "vaultroom", **anna)
    nothing = ask(guarded, "Who?", "nonesuch9", **anna)
    assert 404 == hidden.status_code == nothing.status_code
    assert hidden.text.replace("vaultroom", "nonesuch9") == nothing.text
    assert 401 == guarded.get("/").status_code
    assert 401 == guarded.get("/", headers=basic("nobody")).status_code


def test_readers_ask_and_editors_change(guarded: TestClient, settings: Settings, tmp_path: Path):
    """Whoever may change nothing is told so; who asked and added what is written down."""
    url = "/uploads?name=goat.txt&collection=farm"
    refused = guarded.post(url, content=b"Goats climb.", headers=basic("anna"))
    assert 403 == refused.status_code
    assert "You may ask these documents, and not change them." == refused.json()["error"]
    assert "fn-fixed" in happen(guarded, "pick", headers=basic("anna")).text
    assert "not change" in happen(guarded, "add_text", "a", "Text.", headers=basic("anna")).text
    assert guarded.post(url, content=b"Goats climb.", headers=basic("bert")).json()["added"]
    ask(guarded, "Where do sheep graze?", headers=basic("anna"))

    log = audit_path(tmp_path / "users.json")
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [("bert", "added", "goat.txt"), ("anna", "asked", "Where do sheep graze?")] == [
        (one["who"], one["did"], one["what"]) for one in told
    ]
    assert [["farm"]] * 2 == [one["collections"] for one in told]
    assert 0o600 == log.stat().st_mode & 0o777
    assert not (settings.index_dir / "uploads").exists()


def test_a_page_of_one_person_is_nobody_elses(guarded: TestClient):
    """Neither by the name of its session."""
    assert happen(guarded, "pick", session="hers", headers=basic("anna")).is_success
    assert not happen(guarded, "pick", session="hers", headers=basic("bert")).is_success
    url = "/gradio_api/queue/data?session_hash=hers"
    assert 404 == guarded.get(url, headers=basic("bert")).status_code


def test_tokens_let_programs_in_until_they_are_revoked(guarded: TestClient, tmp_path: Path):
    """As a bearer token or in the place of a password."""
    users = Users(tmp_path / "users.json")
    token = users.make_token("anna")
    headers = {"authorization": f"Bearer {token}"}
    assert ask(guarded, "Where do sheep graze?", headers=headers).is_success
    users.revoke("anna", token.split("_")[1])
    assert 401 == ask(guarded, "Where do sheep graze?", headers=headers).status_code


def test_a_server_of_a_named_collection_has_no_other(settings: Settings):
    """Whatever is asked for; the names of others are not told."""
    own = settings.of_collection("farm")
    with TestClient(make_app(lambda _: opener(own), own), base_url=BASE) as client:
        assert "sheep.txt" in ask(client, "Where do sheep graze?").text
        refused = ask(client, "Who is paid?", "vaultroom")
        assert "There is no collection 'vaultroom'; there are: farm." == refused.json()["error"]
        assert 404 == client.get("/?collection=default").status_code
        listed = tool(client, "sources", {}).json()["result"]["structuredContent"]
        assert (["farm"], 1) == (listed["collections"], len(listed["sources"]))


def test_what_is_wrong_with_one_collection_is_told_to_nobody_else(
    settings: Settings, tmp_path: Path
):
    """A reader of another hears only that something is."""
    Users(tmp_path / "users.json").add("anna", PASSWORD, {"farm": "reader"})
    settings = settings.model_copy(update={"users_file": tmp_path / "users.json"})

    def fail(_: object) -> Any:
        raise IndexStateError("The index in 'vaultroom' is damaged.")

    with TestClient(make_app(fail, settings), base_url=BASE) as client:
        for response in (
            ask(client, "Where do sheep graze?", "farm", headers=basic("anna")),
            complete(client, "Where do sheep graze?", headers=basic("anna")),
            tool(client, "sources", {}, headers=basic("anna")),
            client.get("/health"),
        ):
            assert "vaultroom" not in response.text
        assert "its log says why" in ask(client, "Where?", headers=basic("anna")).text


def test_figures_are_for_those_who_may_see_how_much_there_is(guarded: TestClient):
    """They are of the collection that the server was started with."""
    assert 403 == guarded.get("/metrics", auth=("anna", PASSWORD)).status_code
    assert "footnote_" in guarded.get("/metrics", auth=("cleo", PASSWORD)).text
