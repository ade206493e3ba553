"""Spans of OpenTelemetry, by OpenInference's names."""

from __future__ import annotations

import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rag.pipeline.tracing import traced
from rag.schema import EvidenceReady, QueryReady
from tests.fakes import open_rag


@pytest.fixture
def exporter(monkeypatch):
    """Keep the spans that are made."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return kept


def test_a_question_is_a_chain_with_a_retriever(tmp_path, exporter):
    """What was asked, searched and found is there, the children inside the parent."""
    (tmp_path / "bridge.txt").write_text("The harbour bridge opened in 1932.", encoding="utf-8")
    with open_rag(tmp_path) as rag:
        rag.sync()
        answer = rag.ask("When did the harbour bridge open?")
    search, asked = exporter.get_finished_spans()
    assert ("RETRIEVER", "CHAIN") == tuple(
        one.attributes["openinference.span.kind"] for one in (search, asked)
    )
    assert asked.context.span_id == search.parent.span_id
    assert asked.start_time <= search.start_time <= search.end_time <= asked.end_time
    assert (
        "The harbour bridge opened in 1932."
        == search.attributes["retrieval.documents.0.document.content"]
    )
    assert answer.text == asked.attributes["output.value"]
    assert answer.status == asked.attributes["rag.status"]


def test_a_fault_and_who_stops_early_end_the_span(exporter):
    """The fault is noted by its type; a stream that nobody takes to its end is ended too."""

    def failing():
        yield QueryReady(query="q", rewritten=False)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(traced("q", failing()))
    events = traced("q", iter([EvidenceReady(evidence=()), EvidenceReady(evidence=())]))
    next(events)
    events.close()
    failed, search, stopped = exporter.get_finished_spans()
    assert "OSError" == failed.status.description
    assert (stopped.context.span_id, "rag.search") == (search.parent.span_id, search.name)


def test_nothing_is_loaded_where_nobody_traces(monkeypatch):
    """Without an SDK in the process the events pass as they are."""
    monkeypatch.delitem(sys.modules, "opentelemetry.sdk.trace")
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    one = QueryReady(query="q", rewritten=False)
    assert [one] == list(traced("q", iter([one])))
