"""Anthropic's own citations, over its real client: what it cites is cited here, to the letter and no further."""

from __future__ import annotations

import pytest

from rag.chat import Document, complete, load_chat_model
from rag.chat.native import Marking, with_documents
from rag.citations import lexical_support
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from tests.deferred import Deferred
from tests.fakes import OverlapReader, open_rag
from tests.llm_server import llm_server

messages = Deferred("langchain_core.messages")

SENTENCES = (
    "The harbour bridge opened in 1932.",
    "Engineers from Paris praised the bridge.",
    "Sheep graze on the northern hills.",
)
DOCUMENTS = (
    Document(title="Hills", blocks=("Snow falls.", "Sheep graze.")),
    Document(title="Bridge", blocks=SENTENCES),
)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """A key as a person would have set it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")


def citing(*stretches):
    """An answer of stretches of text, each with the citations that come with it."""

    def act(wire):
        wire.begin()
        for index, (text, citations) in enumerate(stretches):
            if index:
                wire.event({"type": "content_block_stop", "index": index - 1})
                block = {"type": "text", "text": "", "citations": []}
                event = {"type": "content_block_start", "index": index, "content_block": block}
                wire.event(event)
            delta = {"type": "text_delta", "text": text}
            wire.event({"type": "content_block_delta", "index": index, "delta": delta})
            for citation in citations:
                delta = {"type": "citations_delta", "citation": citation}
                wire.event({"type": "content_block_delta", "index": index, "delta": delta})
        wire.finish()
        wire.end()

    return act


def location(document, start, end, **changes):
    """A citation as the provider sends it."""
    return {
        "type": "content_block_location", "cited_text": "x", "document_index": document,
        "document_title": None, "start_block_index": start, "end_block_index": end, **changes,
    }  # fmt: skip


def test_documents_are_sent_as_blocks_that_can_be_cited():
    """Each passage is a document of its sentences, with citations turned on, before the question."""
    with llm_server("anthropic", citing(("Yes.", []))) as server:
        model = load_chat_model("anthropic:m", base_url=server.url)
        assert model.cites
        complete(model, [{"role": "user", "content": "When?"}], DOCUMENTS)

    *documents, question = server.asked[0].body["messages"][-1]["content"]
    assert {"type": "text", "text": "When?"} == question
    assert ["Hills", "Bridge"] == [one["title"] for one in documents]
    assert [{"enabled": True}] * 2 == [one["citations"] for one in documents]
    sent = [block["text"] for block in documents[1]["source"]["content"]]
    assert list(SENTENCES) == sent


@pytest.mark.parametrize(("title", "sent"), [("x" * 600, "x" * 500), ("", None)])
def test_a_title_that_the_provider_refuses_is_not_sent(title, sent):
    """A long one is cut, and an empty one left out, since either would fail the whole request."""
    [message] = with_documents(
        [{"role": "user", "content": "When?"}], [Document(title=title, blocks=("x",))]
    )
    assert sent == message["content"][0]["title"]


def test_citations_become_markers_behind_the_words_that_they_are_for():
    """Marker k names the k-th sentence, counted through all documents."""
    act = citing(
        ("The bridge opened in 1932", [location(1, 0, 1)]),
        (". Sheep graze there.", [location(0, 1, 2), location(1, 2, 3)]),
    )
    with llm_server("anthropic", act) as server:
        model = load_chat_model("anthropic:m", base_url=server.url)
        reply = complete(model, [{"role": "user", "content": "When?"}], DOCUMENTS)

    assert "The bridge opened in 1932 [3]. Sheep graze there. [2][5]" == reply.text


def marked(*stretches):
    """The text of stretches, each split into its letters and followed by its citations."""
    marking = Marking(DOCUMENTS)
    text = ""
    for index, (words, citations) in enumerate(stretches):
        pieces = [{"text": letter} for letter in words] + [{"citations": citations}]
        for piece in pieces:
            block = {"type": "text", "index": index, **piece}
            text += marking.text(messages.AIMessageChunk(content=[block]))
    return text + marking.rest()


def test_a_marker_stands_at_the_words_it_is_for():
    """Space and new lines at the end of a stretch come behind its markers, not before."""
    stretches = ("It opened.\n\n", [location(1, 0, 1)]), ("Sheep graze. ", [location(0, 1, 2)])

    assert "It opened. [3]\n\nSheep graze. [2]" == marked(*stretches)


def test_a_stretch_that_is_cited_twice_has_one_marker():
    """Overlapping citations name each sentence once, in order."""
    stretches = [("It opened.", [location(1, 0, 3), location(1, 1, 2), location(0, 1, 2)])]

    assert "It opened. [2][3][4][5]" == marked(*stretches)


@pytest.mark.parametrize("forged", ["[2]", "【2】", "［2］", "[[2]]"])
def test_numbers_that_the_model_writes_are_no_markers(forged):
    """Only the provider's citations name sentences: the model was told no numbers."""
    text = marked((f"It opened {forged}.", [location(1, 0, 1)]))

    assert 1 == text.count("[")
    assert text.endswith(". [3]")


def test_what_is_thought_is_no_part_of_the_text():
    """Blocks of another kind leave nothing behind."""
    marking = Marking(DOCUMENTS)
    thought = {"type": "thinking", "thinking": "hm", "index": 0}

    assert not marking.text(messages.AIMessageChunk(content=[thought])) + marking.rest()


@pytest.mark.parametrize(
    "citation",
    [
        location(7, 0, 1),
        location(-1, 0, 1),
        location(0, 0, 9),
        location(0, 1, 1),
        location(0, "0", 1),
        location(0, 0, 1, type="char_location"),
        {"type": "content_block_location"},
        "nothing",
        None,
    ],
)
def test_what_names_no_sentence_is_ignored(citation):
    """A citation outside the documents, or of another kind, leaves no marker."""
    marking = Marking(DOCUMENTS)
    block = {"type": "text", "text": "Yes.", "index": 0, "citations": [citation]}

    assert "Yes." == marking.text(messages.AIMessageChunk(content=[block])) + marking.rest()


def test_an_answer_rests_on_the_sentences_that_were_cited(tmp_path):
    """Through the whole pipeline: each statement cites the exact sentence, checked like any other."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(" ".join(SENTENCES), encoding="utf-8")
    act = citing(
        ("The harbour bridge opened in 1932.", [location(0, 0, 1)]),
        (" Engineers from London praised it.", [location(0, 1, 2)]),
    )
    with llm_server("anthropic", act) as server:
        extractive = ExtractiveAnswerer(OverlapReader())
        chat = ChatAnswerer(
            load_chat_model("anthropic:m", base_url=server.url),
            support=lexical_support,
            fallback=extractive,
            context=8192,
            count_tokens=lambda text: len(text.split()),
        )
        with open_rag(seeds, answerers=[chat, extractive]) as rag:
            rag.sync()
            answer = rag.ask("When did the harbour bridge open?")

    assert "anthropic:m" == answer.model
    assert SENTENCES[0] == answer.citations[0].quote
    assert "supported" == answer.statements[0].verdict
    assert "supported" != answer.statements[1].verdict
