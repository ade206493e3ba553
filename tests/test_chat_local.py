"""A small real model in this process: random weights, loaded as a person's would be, the whole path offline."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from rag.chat import ChatLimits, LangchainChatModel, complete, load_chat_model, window_of
from rag.chat.adapter import _loop
from rag.chat.local import LocalModel
from rag.citations import lexical_support
from rag.errors import ChatOutputError, ChatSetupError, ChatTimeoutError
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from tests.fakes import OverlapReader, open_rag

pytestmark = pytest.mark.slow(reason="loads torch and transformers")

MOST_WORDS = 64
ASKED = [{"role": "user", "content": "when did the bridge open"}]


def save(folder, *, positions=4096, template=True):
    """A Llama of two small layers, with a tokenizer of words."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = [
        "<s>",
        "</s>",
        "<unk>",
        *"the harbour bridge opened in 1932 1 [ ] . user assistant :".split(),
    ]
    words += [f"w{i}" for i in range(40)]
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    if template:
        tokenizer.chat_template = (
            "{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}"
        )
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=positions, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    torch.set_num_threads(1)  # so small a model only loses by more
    model = LlamaForCausalLM(config)
    model.generation_config.max_new_tokens = MOST_WORDS
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The model's folder."""
    return save(tmp_path_factory.mktemp("model"))


def loaded(folder):
    """The model of a folder, its tokenizer, and the chat model over both."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = (
        one.from_pretrained(folder) for one in (AutoModelForCausalLM, AutoTokenizer)
    )
    chat = LocalModel(model, tokenizer, name="x")
    return SimpleNamespace(model=model, tokenizer=tokenizer, chat=chat)


def test_the_same_question_gets_the_same_words(folder):
    """Greedy decoding: a real model, and the same reply twice, with its tokens counted."""
    model = load_chat_model(f"huggingface:{folder}")
    first, second = complete(model, ASKED), complete(model, ASKED)

    assert first.text.strip()
    assert first == second
    assert first.usage["completion"] > 0


def test_it_tells_how_much_it_takes_in(folder):
    """By its configuration, so that nothing need be set."""
    assert 4096 == window_of(load_chat_model(f"huggingface:{folder}"))


def test_a_tokenizer_without_a_template_does(tmp_path):
    """A base model is asked in plain words."""
    model = load_chat_model(f"huggingface:{save(tmp_path, template=False)}")

    assert complete(model, ASKED).text.strip()


def test_leaving_stops_the_model(folder):
    """Once nobody listens, the model writes no further word."""
    local = loaded(folder)
    local.model.generation_config.max_new_tokens = 1024
    local.model.register_forward_hook(lambda *_: time.sleep(0.01))
    stream = LangchainChatModel(local.chat, name="x").stream(ASKED)
    while not next(stream).text:
        pass
    stream.close()

    local.chat._turns.submit(lambda: None).result(
        timeout=60
    )  # the turn after the one that was left


def wait_for_giving_up(seconds=30):
    """Whoever gives a request up does not wait for its end, which comes in the thread of all requests."""
    due = time.monotonic() + seconds
    while asyncio.all_tasks(_loop()):
        assert time.monotonic() < due
        time.sleep(0.01)


def test_who_leaves_while_waiting_is_never_served(folder):
    """One reply at a time; a request that was given up before its turn costs nothing."""
    asked = []
    local = loaded(folder)
    local.model.register_forward_pre_hook(lambda *_: asked.append(1))
    go = threading.Event()
    local.chat._turns.submit(go.wait)
    with pytest.raises(ChatTimeoutError):
        complete(LangchainChatModel(local.chat, name="x", limits=ChatLimits(first=0.1)), ASKED)
    wait_for_giving_up()
    go.set()
    local.chat._turns.submit(lambda: None).result(timeout=60)

    assert [] == asked


def test_the_deadline_holds(folder):
    """A model in this process is given up like any other."""
    limits = ChatLimits(first=30, idle=30, total=0.001)
    with pytest.raises(ChatTimeoutError):
        complete(load_chat_model(f"huggingface:{folder}", limits=limits), ASKED)


def test_a_prompt_that_is_too_long_says_what_to_set(tmp_path):
    """A model that takes few tokens is refused with the setting that mends it."""
    model = load_chat_model(f"huggingface:{save(tmp_path, positions=8)}")

    with pytest.raises(ChatSetupError, match="RAG_LLM_TOKENS to 8"):
        complete(model, [{"role": "user", "content": "the bridge " * 20}])


def test_a_reply_that_fills_the_model_ends_with_length(tmp_path):
    """A model that never says it is done is told to stop where its room ends, and the end is named so."""
    save(tmp_path, positions=48)
    local = loaded(tmp_path)
    local.chat._ends = []
    reply = complete(LangchainChatModel(local.chat, name="x"), ASKED)

    assert "length" == reply.finish
    assert 48 == reply.usage["prompt"] + reply.usage["completion"]


def test_a_model_that_says_it_is_done_ends_with_stop(folder):
    """The first token that ends a reply does, and the end is named so."""
    local = loaded(folder)
    model = LangchainChatModel(local.chat, name="x")
    words = complete(model, ASKED).text.split()
    end = next(one for one in words if one != words[0])
    local.chat._ends = [local.tokenizer.convert_tokens_to_ids(end)]
    reply = complete(model, ASKED)

    assert words[: words.index(end) + 1] == reply.text.split()
    assert "stop" == reply.finish


def test_no_message_holds_a_token_of_the_model_s_own(folder):
    """What would end a message, or begin another, is taken out of what people and passages say."""
    chat = loaded(folder).chat
    told = [{"role": "user", "content": "the</s><s>bridge"}]

    assert "user : the bridge" == chat._tokenizer.decode(chat._prompt(told)["input_ids"][0])


def test_a_template_that_knows_no_system_gets_the_rules_from_the_user(folder):
    """Some models refuse a system's words; the user says them then."""
    chat = loaded(folder).chat
    chat._tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "{{ m.role }} : {{ m.content }}{% endfor %}"
    )
    told = [{"role": "system", "content": "the"}, {"role": "user", "content": "bridge"}]

    assert "user : the bridge" == chat._tokenizer.decode(chat._prompt(told)["input_ids"][0])


def test_a_model_that_breaks_is_an_error_of_ours(folder):
    """Too little memory, a damaged layer: a sentence of ours, at once, and the next request is served."""
    local = loaded(folder)

    def fail(*_):
        raise RuntimeError("DefaultCPUAllocator: not enough memory, sk-CANARY")

    hook = local.model.register_forward_pre_hook(fail)
    model = LangchainChatModel(local.chat, name="x")
    with pytest.raises(ChatOutputError, match=r"x failed while it wrote \(RuntimeError\)"):
        complete(model, ASKED)
    hook.remove()

    assert complete(model, ASKED).text


@pytest.mark.parametrize("name", ["nothing", "pickled"])
def test_what_is_no_model_is_refused(tmp_path, name):
    """A folder without a model, or with weights that are pickled, is refused and never unpickled."""
    import torch

    if name == "pickled":
        save(tmp_path)
        (tmp_path / "model.safetensors").unlink()
        torch.save({}, tmp_path / "pytorch_model.bin")

    with pytest.raises(ChatSetupError, match="safetensors"):
        load_chat_model(f"huggingface:{tmp_path}")


def test_the_whole_path_runs_offline(folder, tmp_path):
    """Sources in, a real model asked, its reply held to them: what it babbles is never passed off as theirs."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The harbour bridge opened in 1932.", encoding="utf-8")
    extractive = ExtractiveAnswerer(OverlapReader())
    chat = ChatAnswerer(
        load_chat_model(f"huggingface:{folder}"),
        support=lexical_support,
        fallback=extractive,
        context=2048,
        count_tokens=lambda text: len(text.split()),
    )
    with open_rag(seeds, answerers=[chat, extractive]) as rag:
        rag.sync()
        first, second = (rag.ask("When did the harbour bridge open?").to_dict() for _ in range(2))

    assert first | {"timings": {}} == second | {"timings": {}}
    for citation in first["citations"]:
        assert citation["quote"] in "The harbour bridge opened in 1932."
    assert all(
        one["markers"] or one["verdict"] in {"unsupported", "unchecked"}
        for one in first["statements"]
    )
