"""A chat model chosen in the page: listed, tried, used, kept; and keys that go nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rag.config import own_folder
from rag.errors import ChatSetupError, IndexBusyError
from rag.keys import Keyring
from rag.settings import Settings
from rag.web.connecting import Connecting, Told, Wanted
from rag.web.opening import Opening
from tests.keyring_fakes import Drawer, Stuck
from tests.llm_server import LlmServer, Wire, llm_server, saying
from tests.test_chat_trial import answering, models, refusing
from tests.web_fakes import ScriptedRag

KEY = "sk-typed-canary-1"
ENVIRONMENT = "sk-environment-canary-2"
LISTED = {"/v1/models": models("qwen3", "llama3")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and a place for settings of the test's own, and keys in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    for name in ("OPENAI", "ANTHROPIC", "OLLAMA"):
        monkeypatch.setenv(f"{name}_API_KEY", ENVIRONMENT)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    """A server of OpenAI's protocol with two models, which replies."""
    with llm_server("openai", answering(LISTED, saying("ready"))) as served:
        yield served


@pytest.fixture
def rag() -> ScriptedRag:
    """What the server answers with."""
    return ScriptedRag()


def connecting(
    rag: ScriptedRag | Exception,
    settings: Settings | None = None,
    *,
    keyring: Keyring | None = None,
    without: Any = None,
) -> Connecting:
    """Return what is tested; by default no keyring is installed."""

    def open_rag(_: object) -> Any:
        if isinstance(rag, Exception):
            raise rag
        return rag

    return Connecting(
        Opening(open_rag, on_failure=lambda _: None, pauses=(60.0,)),
        settings or Settings(),
        without=lambda _: without,
        environ=os.environ,
        keyring=lambda: keyring or Keyring(None, "the package keyring is not installed"),
    )


def at(server: LlmServer, **more: str) -> Wanted:
    """Return a model of a server as a person fills it in."""
    return Wanted(**{"provider": "openai", "address": server.url, "model": "qwen3"} | more)


def written() -> str:
    """Return what stands in the person's own settings file."""
    path = own_folder() / "rag.toml"
    return path.read_text("utf-8") if path.exists() else ""


def nothing_told(*said: object) -> None:
    """Hold that no key stands in what was said, nor in any file."""
    files = [path.read_text("latin-1") for path in Path().rglob("*") if path.is_file()]
    for text in (*map(repr, said), *files):
        assert "canary" not in text


# --- what is filled in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"model": " "}, "Write the model's name first."),
        ({"provider": "huggingface", "model": ""}, "Write the folder first."),
        ({"provider": "huggingface", "model": "Qwen/Qwen3"}, "There is no folder 'Qwen/Qwen3'"),
        ({"provider": "nobody"}, "There is no provider 'nobody'."),
        ({"model": "a,openai:b"}, "cannot be the name of a model"),
        ({"model": "a@http://evil.example"}, "cannot be the name of a model"),
        ({"model": "a\x1b[2J"}, "cannot be the name of a model"),
        ({"model": "a\ud800"}, "cannot be the name of a model"),
        ({"address": "127.0.0.1:8080"}, "The address is none"),
        ({"address": "file:///etc/passwd"}, "The address is none"),
        ({"address": "http://me:secret@host/v1"}, "The address is none"),
        ({"address": "http://host/v1?key=1"}, "The address is none"),
        ({"address": "http://host,other/v1"}, "The address is none"),
        ({"address": "http://host:port/v1"}, "The address is none"),
        ({"address": "http://"}, "The address is none"),
        ({"address": "http://[::1/v1"}, "The address is none"),
    ],
)
def test_what_cannot_be_asked_is_told_and_not_asked(
    wanted: Mapping[str, str], said: str, rag: ScriptedRag
):
    """Nothing is tried, used or written."""
    does = connecting(rag)
    filled = Wanted(**{"provider": "openai", "model": "m", "address": "http://h/v1"} | wanted)
    found = [does.test(filled), does.use(filled)]
    if "model" not in wanted or "provider" in wanted:
        found.append(does.models(filled)[1])
    assert {"fail"} == {one.state for one in found}
    assert [] == [one.message for one in found if said not in one.message]
    assert ([], "") == (rag.used, written())


def test_an_address_is_for_providers_that_may_have_one(server: LlmServer):
    """Other providers' libraries send what the environment holds to any address."""
    spec = Wanted(provider="anthropic", address=server.url, model="claude").spec()
    assert "" == spec.base_url


# --- the server's own list, and its own words ----------------------------------------------------


def test_the_servers_models_are_listed(server: LlmServer, rag: ScriptedRag):
    """Before one is chosen."""
    names, said = connecting(rag).models(at(server, model=""))
    assert (("qwen3", "llama3"), "ok") == (names, said.state)


def test_a_server_that_does_not_list_says_why(server: LlmServer, rag: ScriptedRag):
    """Where `/v1` is missing, it is to be written."""
    url = server.url.removesuffix("/v1")
    names, said = connecting(rag).models(at(server, address=url))
    assert ((), "fail", f"The URL lacks /v1: write {url}/v1") == (names, said.state, said.message)


def test_a_server_without_models_says_what_to_fetch(rag: ScriptedRag):
    """Ollama has none at first."""
    with llm_server("ollama", answering({"/api/tags": {"models": []}}, saying("x"))) as served:
        names, said = connecting(rag).models(Wanted(provider="ollama", address=served.url))
    assert ((), "warn") == (names, said.state)
    assert "ollama pull" in said.remedy


def test_a_folder_has_no_list(rag: ScriptedRag, tmp_path: Path):
    """It is a model itself; what is wrong with it is told."""
    names, said = connecting(rag).models(Wanted(provider="huggingface", model=str(tmp_path)))
    assert ((), "fail") == (names, said.state)


@pytest.mark.parametrize(
    ("protocol", "said", "advice"),
    [
        ("openai", "This model's maximum context length is 4096 tokens.", "RAG_LLM_TOKENS"),
        ("ollama", "model 'qwen3' not found, try pulling it first", "ollama pull qwen3"),
    ],
)
def test_a_test_says_what_is_wrong_in_the_servers_words(
    protocol: str, said: str, advice: str, rag: ScriptedRag
):
    """And what to do; nothing is used."""
    status = "404 Not Found" if protocol == "ollama" else "400 Bad Request"
    pages = {"/api/tags": {"models": [{"name": "llama3.2"}]}}
    with llm_server(protocol, answering(pages, refusing(status, said))) as served:  # type: ignore[arg-type]
        trial = connecting(rag).test(at(served, provider=protocol))
    assert "fail" == trial.state
    assert said in trial.message
    assert advice in trial.remedy
    assert [] == rag.used


def test_a_model_that_replies_is_well(server: LlmServer, rag: ScriptedRag):
    """Testing changes nothing."""
    trial = connecting(rag).test(at(server))
    assert ("ok", "") == (trial.state, trial.remedy)
    assert ([], "") == (rag.used, written())


# --- using it ------------------------------------------------------------------------------------


def test_a_model_that_is_used_answers_now_and_after_a_restart(server: LlmServer, rag: ScriptedRag):
    """Provider, model and address stand in the person's own settings file, and no key does."""
    own_folder().mkdir(parents=True)
    (own_folder() / "rag.toml").write_text("top_k = 3  # mine\n", encoding="utf-8")
    drawer = Drawer()
    does = connecting(rag, keyring=Keyring(drawer))

    said = does.use(at(server, key=KEY))

    assert ["openai:qwen3"] == [model.name for model in rag.used]
    assert ("openai:qwen3", "extractive:fake") == rag.models
    assert "openai:qwen3 answers from now on, also after a restart" in said.message
    assert {f"openai@{server.url}": KEY} == drawer.kept
    later = Settings()
    assert (f"openai:qwen3@{server.url}", "kept", 3) == (later.llm, later.llm_key, later.top_k)
    assert "top_k = 3  # mine" in written()
    assert does.current is not None
    assert ("qwen3", server.url) == (does.current.model, does.current.base_url)
    nothing_told(said)


def test_a_model_that_fails_is_not_used(rag: ScriptedRag):
    """What answered before still does."""
    with llm_server("openai", refusing("401 Unauthorized", f"Wrong: {KEY}")) as served:
        said = connecting(rag, keyring=Keyring(Drawer())).use(at(served, key=KEY))
    assert "fail" == said.state
    assert said.message.startswith("Nothing was changed. ")
    assert ([], "") == (rag.used, written())
    nothing_told(said)


def test_a_key_that_no_keyring_keeps_is_held_for_this_run(server: LlmServer, rag: ScriptedRag):
    """The page says so, names the variable, and shows what to write; nothing is written."""
    does = connecting(rag)

    said = does.use(at(server, key=KEY))

    assert ["openai:qwen3"] == [model.name for model in rag.used]
    assert "until this server stops" in said.message
    assert "held in memory and written nowhere: the package keyring is not installed" in said.remedy
    assert "set OPENAI_API_KEY in the environment" in said.remedy
    assert f'llm = "openai:qwen3@{server.url}"\n' == said.lines
    assert "" == written()
    assert "typed in before" in does.key_at("openai", server.url)
    does.test(at(server))
    assert [] == [one.head for one in server.asked if f"Bearer {KEY}" not in one.head]
    nothing_told(said, does.key_at("openai", server.url))


def test_a_keyring_that_does_not_take_a_key_is_none(server: LlmServer, rag: ScriptedRag):
    """It may be locked."""
    said = connecting(rag, keyring=Keyring(Stuck())).use(at(server, key=KEY))
    assert "the system’s keyring did not take it" in said.remedy
    assert "" == written()


def test_a_server_that_wants_no_key_is_written_down_without_one(
    server: LlmServer, rag: ScriptedRag
):
    """Also where there is no keyring."""
    said = connecting(rag).use(at(server))
    assert "also after a restart" in said.message
    assert f'llm = "openai:qwen3@{server.url}"\nllm_key = "kept"\n' == written()


@pytest.mark.parametrize("origin", ["argument", "variable", "named"])
def test_settings_that_win_over_the_persons_own_file_are_named(
    origin: str, server: LlmServer, rag: ScriptedRag, monkeypatch: pytest.MonkeyPatch
):
    """What is written there would not hold: it is held for this run, and shown."""
    if origin == "variable":
        monkeypatch.setenv("RAG_LLM", "ollama:a")
    Path("named.toml").touch()
    changes = {"argument": {"llm": "ollama:a"}, "variable": {}, "named": {"config": "named.toml"}}
    settings = Settings(**changes[origin])

    said = connecting(rag, settings).use(at(server))

    name = {"argument": "an argument", "variable": "RAG_LLM", "named": "named.toml"}[origin]
    assert f"{name} wins over your own settings file." in said.remedy
    others = "" if origin == "named" else ",ollama:a"
    assert f'llm = "openai:qwen3@{server.url}{others}"' in said.lines
    assert "" == written()


def test_the_models_that_there_were_stay(server: LlmServer, rag: ScriptedRag):
    """Each at its own address, behind the one that was chosen; one of the same name goes."""
    own_folder().mkdir(parents=True)
    (own_folder() / "rag.toml").write_text(
        'llm = "openai:a,ollama:b,openai:qwen3"\nllm_base_url = "http://127.0.0.1:9/v1"\n', "utf-8"
    )
    connecting(rag, Settings()).use(at(server))
    llm = f"openai:qwen3@{server.url},openai:a@http://127.0.0.1:9/v1,ollama:b"
    assert (llm, "") == (Settings().llm, Settings().llm_base_url)


def test_a_file_that_cannot_be_written_is_said_with_the_lines(
    server: LlmServer, rag: ScriptedRag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The model answers all the same."""
    (tmp_path / "file").touch()
    does = connecting(rag)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    said = does.use(at(server))
    assert 1 == len(rag.used)
    assert "cannot be written" in said.remedy
    assert "llm = " in said.lines


def test_a_program_that_its_model_keeps_from_opening_is_opened_without(
    server: LlmServer,
):
    """A key that is missing can be typed in where it is said to be missing."""
    without = ScriptedRag()
    does = connecting(ChatSetupError("openai:gpt-5 needs a key"), without=without)
    assert "ok" == does.use(at(server)).state
    assert ["openai:qwen3"] == [model.name for model in without.used]


def test_a_program_that_does_not_open_for_another_reason_says_it(server: LlmServer):
    """Nothing is put in its place."""
    without = ScriptedRag()
    said = connecting(IndexBusyError("Another is writing."), without=without).use(at(server))
    assert ("fail", "Another is writing.", []) == (said.state, said.message, without.used)


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_no_key_of_the_environment_goes_to_an_address_of_the_page(provider: Any, rag: ScriptedRag):
    """Whoever fills in an address must not be sent what others have set."""
    with llm_server(provider, answering(LISTED, saying("ready"))) as served:
        does = connecting(rag)
        wanted = at(served, provider=provider)
        does.models(wanted)
        assert "ok" == does.test(wanted).state
        assert "ok" == does.use(wanted).state
        heads = [one.head for one in served.asked]
    assert len(heads) >= 3
    assert [] == [head for head in heads if "canary" in head]
    assert "" == does.key_at(provider, served.url)


def test_the_key_of_the_environment_goes_where_settings_say(server: LlmServer, rag: ScriptedRag):
    """Unless they say that only kept keys do."""
    for key_from, is_sent in (("environment", True), ("kept", False)):
        settings = Settings(llm="openai:a", llm_base_url=server.url, llm_key=key_from)
        does = connecting(rag, settings)
        does.test(at(server))
        assert is_sent == (ENVIRONMENT in server.asked[-1].head)
        said = "OPENAI_API_KEY of the environment is used." if is_sent else ""
        assert said == does.key_at("openai", server.url)


def test_a_kept_key_is_sent_to_its_own_address_alone(server: LlmServer, rag: ScriptedRag):
    """An address that is changed gets none."""
    drawer = Drawer({"openai": "sk-own-canary-3", f"openai@{server.url}": "sk-kept-canary-4"})
    does = connecting(rag, keyring=Keyring(drawer))
    does.test(at(server))
    assert "sk-kept-canary-4" in server.asked[-1].head
    assert "The key in the system’s keyring (Drawer) is used." == does.key_at("openai", server.url)
    with llm_server("openai", saying("ready")) as other:
        does.test(at(other))
        assert "canary" not in other.asked[-1].head


def test_a_key_that_was_typed_for_another_provider_is_not_sent(rag: ScriptedRag):
    """Ollama gets none that is left in the page."""
    with llm_server("ollama", saying("ready")) as served:
        drawer = Drawer()
        connecting(rag, keyring=Keyring(drawer)).use(at(served, provider="ollama", key=KEY))
        assert [] == [one.head for one in served.asked if "canary" in one.head]
    assert {} == drawer.kept


def test_a_server_that_says_the_key_is_not_repeated(rag: ScriptedRag):
    """Neither the one that was typed, nor a kept one, nor that of the environment."""

    def echo(wire: Wire) -> None:
        body = {"error": {"message": f"No: {wire.asked.head} {ENVIRONMENT}"}}
        wire.whole("401 Unauthorized", "application/json", json.dumps(body).encode())

    with llm_server("openai", echo) as served:
        drawer = Drawer({f"openai@{served.url}": "sk-kept-canary-4"})
        does = connecting(rag, keyring=Keyring(drawer))
        told: list[Told] = []
        for key in (KEY, ""):
            wanted = at(served, key=key)
            told += [does.models(wanted)[1], does.test(wanted), does.use(wanted)]
        heads = " ".join(one.head for one in served.asked)
    assert KEY in heads
    assert "sk-kept-canary-4" in heads
    nothing_told(*told, wanted, does)
