"""The models that settings name: which, where each is asked, with what, and what is sent along."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rag.chat import ChatLimits, chat_specs, complete, load_chat_model, load_chat_models
from rag.chat.adapter import MOST_RETRIES
from rag.chat.providers import EXTRAS
from rag.chat.wire import PER_BYTE
from rag.errors import ChatRefusedError, ChatSetupError, SettingsError
from rag.settings import Settings
from tests.llm_server import MODEL, llm_server, saying

PROTOCOLS = ("openai", "anthropic", "ollama")
ASKED = [{"role": "user", "content": "Who came?"}]
GOOD = saying("Shoigu came.")
URL = "http://127.0.0.1:8080/v1"


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    """Keys as a person would have set them, and no address of another kind."""
    for provider in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{provider}_API_KEY", f"key-of-{provider.lower()}")
    for name in ("OLLAMA_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def places(specs, base_url=""):
    """Where each model of a list is asked."""
    return {one.name: one.base_url for one in chat_specs(specs, base_url=base_url)}


class TestSeveral:
    def test_models_come_in_the_order_of_the_list(self):
        """The first answers unless another is chosen; spaces and empty places do not matter."""
        models = load_chat_models(" ollama:llama3.2 ,, openai:gpt-5,anthropic:m")
        assert ["ollama:llama3.2", "openai:gpt-5", "anthropic:m"] == [one.name for one in models]

    @pytest.mark.parametrize("specs", ["", "  ", ","])
    def test_no_name_is_no_model(self, specs):
        """Without an LLM the sources are quoted."""
        assert () == load_chat_models(specs)

    @pytest.mark.parametrize("again", ["openai:m", "OpenAI: m", f"openai:m@{URL}"])
    def test_a_model_that_is_named_twice_is_refused(self, again):
        """Nobody could choose between two of one name."""
        with pytest.raises(SettingsError, match="'openai:m' twice"):
            chat_specs(f"openai:m,{again}")

    def test_one_that_names_nothing_is_refused(self):
        """The message shows the one that is wrong."""
        with pytest.raises(SettingsError, match="'gpt-5', which names no model"):
            chat_specs("ollama:llama3.2,gpt-5")


class TestPlaces:
    def test_a_url_is_for_the_models_of_openai_s_protocol(self):
        """A local server beside a provider in the cloud: neither gets what is meant for the other."""
        assert {"openai:a": URL, "anthropic:b": "", "openai:c": URL} == places(
            "openai:a,anthropic:b,openai:c", URL
        )

    def test_a_url_is_for_the_only_provider(self):
        """Where there is no other, the URL is its."""
        assert {"ollama:a": URL, "ollama:b": URL} == places("ollama:a,ollama:b", URL)

    def test_a_url_that_could_be_of_several_is_refused(self):
        """Passages must not go to a server by guess."""
        with pytest.raises(SettingsError, match="anthropic or ollama"):
            places("ollama:a,anthropic:b", URL)

    def test_a_model_can_bring_its_own_url(self):
        """Two servers of one protocol, one of them on this machine."""
        assert {"openai:qwen": URL, "openai:gpt-5": ""} == places(f"openai:qwen@{URL},openai:gpt-5")
        other = "http://127.0.0.1:9"
        assert {"openai:a": URL, "openai:b": other} == places(f"openai:a@{URL},openai:b", other)

    def test_a_model_in_this_process_has_no_place(self):
        """A folder may have an @ in its name, and takes no URL from others."""
        assert {"huggingface:/models/a@b": "", "ollama:c": URL} == places(
            "huggingface:/models/a@b,ollama:c", URL
        )

    @pytest.mark.parametrize("spec", ["openai:m", "openai:m@http://me:sk-CANARY@host/v1"])
    def test_a_url_with_a_login_is_refused_unsaid(self, spec):
        """Keys come from the environment only: settings stand in runs and reports."""
        with pytest.raises(SettingsError, match="holds a login") as caught:
            load_chat_model(spec, base_url="http://me:sk-CANARY@host/v1")
        assert "CANARY" not in str(caught.value)


def sent(protocol, act=GOOD, **options):
    """What the server was asked, and the reply."""
    with llm_server(protocol, act) as server:
        model = load_chat_model(MODEL[protocol], base_url=server.url, **options)
        complete(model, ASKED)
    return server.asked[0]


class TestSent:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_the_likeliest_words_are_asked_for(self, protocol):
        """Temperature 0, so that the same question gets the same words where the provider can."""
        body = sent(protocol).body
        assert 0 == body.get("options", body)["temperature"]

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_model_that_refuses_our_temperature_is_asked_without(self, protocol):
        """Reasoning models take none; one refusal is enough to know it."""

        def act(wire):
            body = wire.asked.body
            if "temperature" not in body.get("options", body):
                return GOOD(wire)
            said = "`temperature` is deprecated for this model."
            error = {"error": said if protocol == "ollama" else {"type": "x", "message": said}}
            return wire.whole("400 Bad Request", "application/json", json.dumps(error).encode())

        with llm_server(protocol, act) as server:
            model = load_chat_model(MODEL[protocol], base_url=server.url)
            replies = [complete(model, ASKED).text for _ in range(2)]
        assert ["Shoigu came."] * 2 == [reply.strip() for reply in replies]
        assert 3 == len(server.asked)

    def test_another_refusal_is_not_taken_for_that(self):
        """A bad request that has nothing to do with the temperature is told, and not tried again."""
        with llm_server("openai", lambda wire: wire.error("400 Bad Request")) as server:
            model = load_chat_model("openai:m", base_url=server.url)
            with pytest.raises(ChatRefusedError):
                complete(model, ASKED)
        assert 1 == len(server.asked)

    def test_ollama_is_told_how_much_it_must_take_in(self):
        """By itself it cuts the rules off a long prompt, and says nothing."""
        assert 8192 == sent("ollama", context=8192).body["options"]["num_ctx"]
        assert "num_ctx" not in sent("ollama").body["options"]

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_a_proxy_of_the_environment_is_heeded(self, protocol, monkeypatch):
        """A model behind one is asked through it, as its library would by itself."""
        with llm_server(protocol, GOOD) as proxy:
            for name in ("HTTP_PROXY", "http_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            address = f"http://model-{protocol}.example/v1"
            limits = ChatLimits(max_bytes=12345)  # clients are shared by models of the same limit
            complete(load_chat_model(MODEL[protocol], base_url=address, limits=limits), ASKED)
        assert proxy.asked[0].head.startswith(f"POST {address}/")

    @pytest.mark.parametrize(("url", "asks"), [("", True), (URL, False)])
    def test_openai_is_asked_for_the_tokens_used(self, url, asks):
        """A server of one's own is not: not all know the question."""
        model = load_chat_model("openai:m", base_url=url)
        assert asks == model._model.stream_usage

    def test_the_client_has_no_limit_of_its_own_between_pieces(self):
        """Two minutes of langchain's own would end a first word for which `llm_first_token` waits longer."""
        assert load_chat_model("openai:m")._model.stream_chunk_timeout is None

    @pytest.mark.parametrize("protocol", ["openai", "anthropic"])
    def test_the_provider_s_own_key_goes_along(self, protocol):
        """From the environment, in a header, and nowhere in the body."""
        asked = sent(protocol)
        assert f"bearer key-of-{protocol}" in asked.head.lower()
        assert "key-of" not in json.dumps(asked.body)

    @pytest.mark.parametrize("provider", ["openai", "anthropic"])
    def test_a_server_of_one_s_own_needs_no_key(self, provider, monkeypatch):
        """llama.cpp, vLLM and LM Studio are asked with a word in the key's place."""
        monkeypatch.delenv(f"{provider.upper()}_API_KEY")
        assert "bearer none" in sent(provider).head.lower()

    @pytest.mark.parametrize("provider", ["openai", "anthropic"])
    def test_a_missing_key_is_named(self, provider, monkeypatch):
        """The message is the variable to set."""
        monkeypatch.delenv(f"{provider.upper()}_API_KEY")
        with pytest.raises(ChatSetupError, match=f"set {provider.upper()}_API_KEY"):
            load_chat_model(f"{provider}:m")


class TestGuide:
    """`docs/llm.md` is true."""

    text = (Path(__file__).parent.parent / "docs" / "llm.md").read_text(encoding="utf-8")

    def test_every_setting_in_it_can_be_used(self):
        """What is to be typed names models, of providers that are installed by what is typed before."""
        typed = re.findall(r"export RAG_LLM=(\S+)(?: RAG_LLM_BASE_URL=(\S+))?", self.text)
        assert 8 <= len(typed)
        for specs, base_url in typed:
            for one in chat_specs(specs, base_url=base_url):
                installs = (f"footnote-rag[{one.provider}]", f"langchain-{one.provider}")
                assert one.provider == "huggingface" or any(name in self.text for name in installs)

    def test_it_names_every_limit(self):
        """Deadlines, size, retries and the tokens are those of the program."""
        limits = ChatLimits()
        for words, seconds in (
            ("until the server takes the connection", limits.connect),
            ("until the first word, retries included", limits.first),
            ("between two pieces", limits.idle),
            ("for the whole reply", limits.total),
        ):
            assert f"| {words} | {seconds:g} |" in self.text
        assert f"more than {limits.max_bytes // 1024} KB" in self.text
        assert f"no more than {limits.max_bytes * PER_BYTE // 2**20} MB" in self.text
        assert 2 == MOST_RETRIES
        assert "twice at most" in self.text
        assert f"({Settings.model_fields['llm_tokens'].default} unless set)" in self.text

    def test_every_extra_is_in_it(self):
        """Each provider that this package has an extra for is told how to install."""
        assert {*EXTRAS, "keyring"} == set(re.findall(r"footnote-rag\[(\w+)\]", self.text))
