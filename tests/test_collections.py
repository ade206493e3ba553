"""Names of collections: one for all spellings, and none that leads elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.collections import check_visible, collection_name, folders, visible_collections
from rag.errors import CollectionNotFoundError, SettingsError
from rag.settings import Settings


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Legal", "legal"),
        (" legal ", "legal"),
        ("Cafe\u0301", "caf\u00e9"),
        ("ＬＥＧＡＬ", "legal"),
    ],
)
def test_a_name_is_the_same_however_it_is_spelt(text, name):
    """Case, surrounding space, width and the way an accent is encoded make no other collection."""
    assert name == collection_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        ".hidden",
        "-x",
        "a\0b",
        "a\nb",
        "CON",
        "nul.txt",
        "x.",
        "x" * 49,
        "a b",
    ],
)
def test_what_could_lead_elsewhere_is_no_name(text):
    """No path, hidden folder, device, control character, or what could be read as an option."""
    with pytest.raises(ValueError, match="letters, digits"):
        collection_name(text)


def test_only_folders_of_collections_are_seen(tmp_path):
    """A half-made one, a file, a link and a folder without documents' folder are none; the default always is there."""
    for name in ("legal", ".half"):
        folders(tmp_path, name)[0].mkdir(parents=True)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "legal")

    assert ("default", "legal") == visible_collections(tmp_path)
    with pytest.raises(CollectionNotFoundError, match="no collection 'link'"):
        check_visible(tmp_path, "link")


def test_settings_of_a_collection_name_its_folders():
    """The name stands for both folders, and the default one's come back."""
    settings = Settings(collection="Legal", seeds_dir="mine")

    assert "legal" == settings.collection
    assert (Path("collections/legal/seeds"), Path("collections/legal/index")) == (
        settings.seeds_dir,
        settings.index_dir,
    )
    assert Path("mine") == settings.of_collection("default").seeds_dir
    with pytest.raises(SettingsError, match="letters, digits"):
        Settings(collection="../x")
