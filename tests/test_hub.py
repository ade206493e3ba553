"""Models by folder or hub name: what is taken, and from where."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest

from rag.errors import ModelError
from rag.hub import first_line, model_folder

REMEDY = "Check RAG_X."


def whole(folder: Path) -> Path:
    """A folder that looks like a model's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").touch()
    (folder / "model.safetensors").touch()
    return folder


class Hub:
    """A hub whose cache and shelves hold what the test puts there; remembers whether it was asked offline."""

    def __init__(self, *, cached: Path | None = None, there: Path | None = None) -> None:
        self.cached, self.there = cached, there
        self.asked: list[bool] = []
        self.patterns: list[str] = []

    def download(self, _: str, *, allow_patterns: list[str], local_files_only: bool) -> str:
        """Stand in for the hub's own function."""
        self.asked.append(local_files_only)
        self.patterns = allow_patterns
        folder = self.cached if local_files_only else self.there
        if folder is None:
            raise OSError("Nobody knows it.\nRead our guide.")
        return str(folder)


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch):
    """Put a hub in the place of the real one."""

    def place(**folders: Path) -> Hub:
        hub = Hub(**folders)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.download)
        return hub

    return place


def found(name: object) -> Path:
    """Where the model of that name is."""
    return model_folder(str(name), what="thing", remedy=REMEDY)


def test_a_folder_is_taken_as_it_is(tmp_path, put):
    """Nobody is asked for what is on this machine."""
    hub = put()
    assert whole(tmp_path / "m").resolve() == found(tmp_path / "m")
    assert [] == hub.asked


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_safe_weights_is_refused(tmp_path, missing):
    """Configuration and safetensors must be there; a pickle does not do."""
    folder = whole(tmp_path / "m")
    (folder / missing).unlink()
    (folder / "pytorch_model.bin").touch()
    with pytest.raises(ModelError, match=r"safetensors.*Check RAG_X\."):
        found(folder)


@pytest.mark.parametrize("name", ["./none", "~/none", "/none", "a/b/c"])
def test_a_path_is_never_looked_up_on_the_hub(name, put):
    """A mistyped path is a missing folder, not a name to ask strangers for."""
    hub = put()
    with pytest.raises(ModelError, match="no model in"):
        found(name)
    assert [] == hub.asked


def test_what_is_cached_needs_no_network(tmp_path, put):
    """A whole model in the cache is used, and the hub is not asked."""
    hub = put(cached=whole(tmp_path))
    assert tmp_path == found("owner/model")
    assert [True] == hub.asked


def test_what_is_cached_in_part_is_fetched(tmp_path, put):
    """A cache that holds the configuration only is no model yet."""
    (tmp_path / "part").mkdir()
    hub = put(cached=tmp_path / "part", there=whole(tmp_path / "whole"))
    assert tmp_path / "whole" == found("owner/model")
    assert [True, False] == hub.asked
    assert not [one for one in hub.patterns if one.endswith((".bin", ".py", ".pkl", "*"))]


def test_what_nobody_has_is_told(put):
    """The message names the model, the cause in a line, and what to do."""
    put()
    with pytest.raises(ModelError) as caught:
        found("owner/model")
    assert (
        "The thing 'owner/model' is no folder, and cannot be fetched from the Hugging Face hub"
        " (Nobody knows it). Check RAG_X." == str(caught.value)
    )


def test_a_cause_is_its_first_line():
    """Advice that libraries append is left out; an error without words is told by its kind."""
    assert "It broke" == first_line(ValueError("It broke.\nTry this: ..."))
    assert "KeyError" == first_line(KeyError())
