"""Pages of scans are drawn from the file that was indexed, in the sandbox, and from no other."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from rag.errors import SourceError, SourceNotFoundError
from rag.pipeline.pictures import Pictures
from rag.schema import Source
from rag.sources import FoundFile, Root, Worker, find_file, picture
from rag.sources.page_image import HIGHEST, WIDEST, Frames
from tests.scan_fakes import scan, written


class Held:
    """A store that holds some sources of one folder."""

    def __init__(self, folder: Path, *held: Source) -> None:
        self._held = {one.source_id: one for one in held}
        self._origin = str(folder)

    def source(self, source_id: str) -> Source:
        """Return a source."""
        if source_id not in self._held:
            raise SourceNotFoundError(source_id)
        return self._held[source_id]

    def sources(self) -> list[Any]:
        """Return what is held."""
        return [SimpleNamespace(source_id=name, origin=self._origin) for name in self._held]


def pictures(folder: Path, *held: Source) -> Pictures:
    """What draws the pages of these sources of a folder."""
    root = Root(path=folder, prefix="")
    return Pictures(cast("Any", Held(folder, *held)), lambda: [root], max_bytes=10**7)


def opened(data: bytes) -> Image.Image:
    """The image that was drawn."""
    return Image.open(io.BytesIO(data), formats=["JPEG"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the scan."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "scan.pdf").write_bytes(written())
    return tmp_path / "docs"


@pytest.mark.parametrize("page", [1, 2])
def test_a_page_is_drawn_in_its_colours(folder, page):
    """As wide as is shown, with its red stamp."""
    drawing = pictures(folder, scan(data=written()))

    shown = opened(drawing.draw("scan.pdf", page))

    assert drawing.can_draw("scan.pdf")
    assert (WIDEST, 1650) == shown.size
    red, green, _ = shown.getpixel((945, 1455))
    assert red > 200 > 60 > green


def test_a_page_in_an_archive_is_drawn(tmp_path):
    """The bytes come from the archive; nothing is unpacked."""
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("2031/scan.tiff", written("TIFF"))
    name = "letters.zip/2031/scan.tiff"

    drawing = pictures(tmp_path, scan(name, written("TIFF")))

    assert drawing.can_draw(name)
    assert (800, 1100) == opened(drawing.draw(name, 2)).size


def test_what_is_not_indexed_is_not_drawn(folder):
    """Neither another source nor a page that was not read from an image."""
    drawing = pictures(folder, scan(data=written()))

    for name, page in (("other.pdf", 1), ("scan.pdf", 3), ("../docs/scan.pdf", 1)):
        with pytest.raises(SourceNotFoundError):
            drawing.draw(name, page)


def test_a_file_that_changed_is_not_drawn(folder):
    """Marks on another picture would be false."""
    drawing = pictures(folder, scan(data=written()))
    (folder / "scan.pdf").write_bytes(written(first=1))

    assert not drawing.can_draw("scan.pdf")
    with pytest.raises(SourceError, match="has changed"):
        drawing.draw("scan.pdf", 1)


def test_a_file_that_is_gone_is_not_drawn(folder):
    """Nor one that another user may not see, or that is a folder by now."""
    drawing = pictures(folder, scan(data=written()))
    (folder / "scan.pdf").unlink()

    assert not drawing.can_draw("scan.pdf")
    with pytest.raises(SourceError, match="not there any more"):
        drawing.draw("scan.pdf", 1)


def test_a_file_that_breaks_its_parser_costs_itself_alone(folder):
    """It is said that it cannot be drawn."""
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7\n" + b"\x00" * 900)
    drawing = pictures(folder, scan(data=(folder / "scan.pdf").read_bytes()))

    with pytest.raises(SourceError):
        drawing.draw("scan.pdf", 1)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.pdf",
        "a/../../secret.pdf",
        "/etc/passwd",
        "link.pdf",
        "",
        "scan.pdf/x",
        "a\\b.pdf",
        "x\0.pdf",
    ],
)
def test_no_name_leads_out_of_its_folder(folder, name):
    """Not by dots, not by a link, not by an absolute path."""
    secret = folder.parent / "secret.pdf"
    secret.write_bytes(written())
    (folder / "link.pdf").symlink_to(secret)

    assert find_file(Root(path=folder, prefix=""), name) is None


def test_the_file_of_a_source_is_found_below_its_root(folder):
    """Of a folder that was added by its name, of a file that was added by its own."""
    found = FoundFile("docs/scan.pdf", folder / "scan.pdf")

    assert found == find_file(Root(path=folder, prefix="docs/"), "docs/scan.pdf")
    assert folder / "scan.pdf" == find_file(Root(folder / "scan.pdf", ""), "scan.pdf").path
    assert find_file(Root(path=folder, prefix="docs/"), "scan.pdf") is None
    assert find_file(Root(folder / "scan.pdf", ""), "other.pdf") is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_each_kind_of_image_is_shown_small(mode):
    """Whatever its colours are made of, it is shown within bounds, on white."""
    data = io.BytesIO()
    Image.new(mode, (2600, 1300), 0).save(data, "TIFF")

    shown = Frames(data.getvalue()).show(0)

    assert ("RGB", (1200, 600)) == (shown.mode, shown.size)
    assert WIDEST <= HIGHEST


def test_a_picture_lies_as_the_camera_was_held(tmp_path):
    """As it was read, so that the marks lie where the words are."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3000, 1000), "navy").save(tmp_path / "photo.jpg", exif=exif)

    shown = Frames((tmp_path / "photo.jpg").read_bytes())
    assert (1000, 3000) == shown.show(0).size


def test_the_largest_image_that_is_read_can_be_shown(tmp_path):
    """Within the memory that a file may take."""
    Image.new("RGBA", (7700, 7700), (0, 0, 255, 128)).save(tmp_path / "large.png")

    with Worker() as worker:
        file = FoundFile("large.png", tmp_path / "large.png")
        drawn: picture.Picture = worker.draw(file, 0, max_bytes=10**8)

    assert (1200, 1200) == opened(drawn.data).size
