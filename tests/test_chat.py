"""What a chat model does in time, and what becomes of a provider's faults."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from rag.chat import (
    ChatDelta,
    ChatLimits,
    ChatModel,
    ChatReply,
    LangchainChatModel,
    complete,
    limits_for,
    load_chat_model,
    translated,
)
from rag.errors import (
    ChatConnectionError,
    ChatError,
    ChatOutputError,
    ChatRefusedError,
    ChatSetupError,
    ChatTimeoutError,
    SettingsError,
)
from tests.deferred import Deferred

fakes = Deferred("tests.langchain_fakes")
messages = Deferred("langchain_core.messages")

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who came?"}]
CANARY = "sk-CANARY-1234567890"


def end(finish="stop", key="finish_reason", **usage):
    """The chunk that ends a reply."""
    counted = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9} if usage else None
    return messages.AIMessageChunk("", response_metadata={key: finish}, usage_metadata=counted)


def chat(*script, limits=None, says_finish=True, **given):
    """The real adapter over a scripted model."""
    model = fakes.Scripted(script=list(script), **given)
    return LangchainChatModel(
        model, name="openai:fake", limits=limits or ChatLimits(), says_finish=says_finish
    )


class TestStream:
    def test_pieces_come_as_they_are_written(self):
        """Text, usage and the reason for the end come through."""
        deltas = list(chat("Shoigu ", "came.", end(usage=True)).stream(ASKED))
        assert [d.text for d in deltas if d.text] == ["Shoigu ", "came."]
        assert {"prompt": 7, "completion": 2} in [dict(d.usage) for d in deltas]
        assert "stop" in [d.finish for d in deltas]

    def test_usage_is_the_sum_of_what_the_pieces_tell(self):
        """Anthropic tells the prompt's tokens first and the answer's last."""
        first = messages.AIMessageChunk(
            "Yes.", usage_metadata={"input_tokens": 7, "output_tokens": 0, "total_tokens": 7}
        )
        last = end()
        last.usage_metadata = {"input_tokens": 0, "output_tokens": 2, "total_tokens": 2}
        assert complete(chat(first, last), ASKED).usage == {"prompt": 7, "completion": 2}

    def test_messages_reach_the_model_with_their_roles(self):
        """What is asked arrives as system and human messages."""
        seen = []
        model = fakes.Scripted(script=["yes", end()])
        model.seen = seen
        list(LangchainChatModel(model, name="openai:fake").stream(ASKED))
        assert [(m.type, m.content) for m in seen[0]] == [
            ("system", "Be brief."),
            ("human", "Who came?"),
        ]

    def test_whole_reply_is_its_pieces(self):
        """`complete` returns the text, the usage and why it ended."""
        reply = complete(chat("Shoigu ", "came.", end(usage=True)), ASKED)
        assert reply == ChatReply(
            text="Shoigu came.", usage={"prompt": 7, "completion": 2}, finish="stop"
        )

    @pytest.mark.parametrize("key", ["finish_reason", "stop_reason", "done_reason"])
    def test_every_provider_s_word_for_the_end_is_known(self, key):
        """OpenAI, Anthropic and Ollama each say in their way that a reply is whole."""
        assert complete(chat("Yes.", end("done", key)), ASKED).finish == "done"

    def test_langchain_s_own_fake_works(self):
        """Any model of langchain does, one that says nothing of its end if that is not asked for."""
        fake = fakes.GenericFakeChatModel(messages=iter([messages.AIMessage("Shoigu came.")]))
        model = LangchainChatModel(fake, name="other:fake", says_finish=False)
        assert complete(model, ASKED).text == "Shoigu came."

    def test_reasoning_is_no_part_of_the_text(self):
        """What a model thinks aloud is not its answer."""
        thought = messages.AIMessageChunk([{"type": "thinking", "thinking": "hm"}])
        said = messages.AIMessageChunk([{"type": "text", "text": "Yes."}])
        assert complete(chat(thought, said, end()), ASKED).text == "Yes."

    def test_reasoning_among_the_text_is_none_either(self):
        """Servers that do not tell it apart send it between tags."""
        assert complete(chat("<think>h", "m</think>\n", "Yes.", end()), ASKED).text == "Yes."

    def test_reasoning_whose_beginning_was_not_sent_is_taken_back(self):
        """Where the prompt began it; from then on the model's replies are held back until it is over."""
        model = chat("Hm.\n", "</think>\n", "Yes.", end())
        assert "Yes." == complete(model, ASKED).text
        later = [delta for delta in model.stream(ASKED) if delta.text or delta.anew]
        assert [("Yes.", False)] == [(delta.text, delta.anew) for delta in later]

    def test_a_reply_that_is_nothing_but_such_reasoning_is_refused(self):
        """Nobody takes it for an answer."""
        with pytest.raises(ChatOutputError, match="answered with nothing"):
            complete(chat("Hm.\n", "</think>\n", end()), ASKED)

    def test_anything_with_a_name_and_a_stream_is_a_chat_model(self):
        """The protocol is all that is asked of a model."""

        class Echo:
            name = "echo"
            cites = False

            def stream(self, messages, documents=()):
                yield ChatDelta(text=messages[-1]["content"] + "".join(documents))

        model: ChatModel = Echo()
        assert complete(model, ASKED).text == "Who came?"


class TestLimits:
    def test_reply_that_ends_without_saying_so_is_cut_off(self):
        """A clean end without a finish marker is no success: the libraries take a cut stream for one."""
        with pytest.raises(ChatOutputError, match="cut off"):
            complete(chat("Shoigu ca"), ASKED)

    @pytest.mark.parametrize("text", ["", "  \n"])
    def test_empty_reply_is_refused(self, text):
        """Nothing is no answer."""
        with pytest.raises(ChatOutputError, match="nothing"):
            complete(chat(text, end()), ASKED)

    def test_withheld_reply_is_refused(self):
        """What a provider's filter held back is no answer."""
        with pytest.raises(ChatOutputError, match="withheld"):
            complete(chat("I", end("content_filter")), ASKED)

    def test_endless_reply_is_stopped_by_size(self):
        """A reply that does not end is stopped, and the model with it."""
        closed = threading.Event()
        limits = ChatLimits(max_bytes=1000)
        with pytest.raises(ChatOutputError, match="more than"):
            complete(chat(*["x" * 100] * 100_000, limits=limits, closed=closed), ASKED)
        assert closed.wait(60)

    def test_slow_but_steady_reply_is_stopped_by_the_total_deadline(self):
        """A piece now and then for ever does not outlast the deadline."""
        limits = ChatLimits(total=0.3)
        begun = time.monotonic()
        with pytest.raises(ChatTimeoutError):
            complete(chat(*["x", 0.05] * 1000, limits=limits), ASKED)
        assert time.monotonic() - begun < 20

    def test_silence_before_the_first_piece_is_bounded(self):
        """A model that says nothing is given up on."""
        with pytest.raises(ChatTimeoutError, match="in time"):
            complete(chat(1.0, "late", end(), limits=ChatLimits(first=0.1)), ASKED)

    def test_a_piece_without_a_word_is_not_the_first(self):
        """Servers that say at once who speaks, and then read a long prompt, have until the first word for it."""
        limits = ChatLimits(first=30, idle=0.1)
        assert complete(chat("", 0.5, "Yes.", end(), limits=limits), ASKED).text == "Yes."

    def test_whoever_may_think_longer_has_as_long_for_the_rest(self):
        """The whole reply is given two minutes more than its first word, and never less than usual."""
        assert ChatLimits() == limits_for(60)
        assert (600, 720) == (limits_for(600).first, limits_for(600).total)
        assert (5, 180) == (limits_for(5).first, limits_for(5).total)

    def test_silence_between_pieces_is_bounded(self):
        """A model that falls silent is given up on, after what it said was shown."""
        stream = chat("x", 1.0, "late", limits=ChatLimits(idle=0.1)).stream(ASKED)
        assert next(stream).text == "x"
        with pytest.raises(ChatTimeoutError):
            list(stream)

    def test_closing_stops_the_model(self):
        """Whoever stops listening stops the provider's stream."""
        closed = threading.Event()
        stream = chat("a", 0.05, *["b", 0.05] * 1000, closed=closed).stream(ASKED)
        assert next(stream).text == "a"
        stream.close()
        assert closed.wait(60)


def foreign(name, *bases, status=None, message=CANARY):
    """An error as a provider's library would raise it."""
    error = type(name, bases or (Exception,), {})(message)
    if status is not None:
        error.status_code = status
    return error


class TestFaults:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (foreign("AuthenticationError", status=401), ChatRefusedError),
            (foreign("PermissionDeniedError", status=403), ChatRefusedError),
            (foreign("NotFoundError", status=404), ChatSetupError),
            (foreign("BadRequestError", status=400), ChatRefusedError),
            (foreign("RateLimitError", status=429), ChatRefusedError),
            (foreign("InternalServerError", status=500), ChatConnectionError),
            (foreign("APITimeoutError"), ChatTimeoutError),
            (foreign("ReadTimeout"), ChatTimeoutError),
            (TimeoutError(CANARY), ChatTimeoutError),
            (foreign("APIConnectionError"), ChatConnectionError),
            (foreign("RemoteProtocolError"), ChatConnectionError),
            (ConnectionResetError(CANARY), ChatConnectionError),
            (OSError(CANARY), ChatConnectionError),
            (foreign("JSONDecodeError", ValueError), ChatOutputError),
            (AssertionError(CANARY), ChatOutputError),
            (foreign("OpenAIError", message=f"Missing credentials {CANARY}"), ChatSetupError),
        ],
        ids=lambda value: getattr(value, "__name__", type(value).__name__),
    )
    def test_foreign_errors_become_ours_without_their_words(self, error, expected):
        """Each fault is told in a sentence of ours that holds no key and no foreign text."""
        with pytest.raises(expected) as caught:
            complete(chat("x", error), ASKED)
        told = caught.value
        assert "openai:fake" in str(told)
        while told is not None:
            assert CANARY not in str(told)
            told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)

    def test_a_request_that_is_too_long_says_what_to_set(self):
        """What servers refuse most is a prompt longer than they were started for."""
        error = translated(foreign("BadRequestError", status=400), "openai:fake")
        assert "lower RAG_LLM_TOKENS" in str(error)

    def test_error_of_ours_passes(self):
        """What is already ours is not translated again."""
        error = ChatTimeoutError("late")
        assert translated(error, "x") is error

    def test_fault_after_text_is_still_a_fault(self):
        """A stream that breaks in the middle raises after what it said."""
        stream = chat("Shoigu ", foreign("RemoteProtocolError")).stream(ASKED)
        assert next(stream).text == "Shoigu "
        with pytest.raises(ChatError):
            list(stream)


class TestLoad:
    @pytest.mark.parametrize("spec", ["gpt-5", "", ":x", "openai:", "openai: ", "9:x"])
    def test_spec_that_names_no_model_is_refused_with_an_example(self, spec):
        """The message shows what a spec looks like."""
        with pytest.raises(SettingsError, match="openai:gpt-5"):
            load_chat_model(spec)

    def test_unknown_provider_is_refused(self):
        """A provider that langchain does not know is a setting that cannot work."""
        with pytest.raises(SettingsError, match="not known"):
            load_chat_model("nobody:model")

    @pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama"])
    def test_missing_package_names_the_command_that_mends_it(self, provider):
        """Without the provider's package, the message is what to type."""
        code = (
            f"import sys; sys.modules['langchain_{provider}'] = None\n"
            "from rag.chat import load_chat_model\n"
            f"load_chat_model('{provider}:model')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "ChatSetupError" in done.stderr
        assert f"pip install 'footnote-rag[{provider}]'" in done.stderr

    def test_missing_package_of_another_provider_is_named(self, monkeypatch):
        """A provider without an extra of ours is named by langchain's package."""
        monkeypatch.setitem(sys.modules, "langchain_groq", None)
        with pytest.raises(ChatSetupError, match="pip install langchain-groq"):
            load_chat_model("groq:model")

    def test_import_alone_loads_no_langchain(self):
        """The library is loaded when a model is, not before."""
        code = "import sys, rag.chat; sys.exit(any(m.startswith('langchain') for m in sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
        assert done.returncode == 0
