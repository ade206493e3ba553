"""R8: 60 bad files beside 5 good ones: the good ones are indexed, and each bad one has its reason."""

from __future__ import annotations

import io
import os
import resource
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest
from docx import Document
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from rag.schema import Answer, FateReason, SyncReport
from rag.sources.files import printable
from rag.sources.ocr import installed_languages
from tests.fakes import open_rag
from tests.reliability.world import LONGEST
from tests.test_sources_containers import zipped
from tests.test_sources_hostile import HOSTILE
from tests.test_sources_scans import HOSTILE_IMAGES, png

GOOD = ("bridge.txt", "sheep.md", "wool.html", "mill.pdf", "ferry.docx")
MOST_SECONDS, MOST_MB = 120, 1536

pytestmark = [
    pytest.mark.slow(reason="bombs that take their time until they are stopped"),
    pytest.mark.timeout(LONGEST),
]


def pdf(text: str, **options: object) -> bytes:
    """A PDF of one line."""
    data = io.BytesIO()
    canvas = Canvas(data, **options)
    canvas.drawString(72, 760, text)
    canvas.save()
    return data.getvalue()


def docx(text: str) -> bytes:
    """A Word file of one paragraph."""
    data = io.BytesIO()
    document = Document()
    document.add_paragraph(text)
    document.save(data)
    return data.getvalue()


def deflated(data: Iterator[bytes] | bytes) -> bytes:
    """Compress, without ever holding all of it."""
    packer = zlib.compressobj(9)
    pieces = [data] if isinstance(data, bytes) else data
    return b"".join(packer.compress(piece) for piece in pieces) + packer.flush()


def pdf_bomb() -> bytes:
    """A PDF of a few KB whose page asks for a gigabyte: its content is compressed twice."""
    content = deflated(deflated(b" " * 2**20 for _ in range(1024)))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream"
        % (len(content), content),
    ]
    return pdf_of(parts)


def pdf_of(parts: list[bytes]) -> bytes:
    """A PDF of these objects, the catalogue first."""
    body = b"%PDF-1.7\n"
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(parts) + 1
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def image_bomb() -> bytes:
    """A PDF of a few KB whose page is an image of 60,000 by 60,000 pixels."""
    content = b"q 500 0 0 500 0 0 cm /I Do Q"
    body = deflated(b"\xff" * 2**20 for _ in range(43))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceGray/BitsPerComponent 1"
        b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(body), body),
    ]
    return pdf_of(parts)


def zip_bomb() -> bytes:
    """An archive of archives, each of which expands to a hundred times its size."""
    inner = zipped({"big.txt": b"word " * 4_000_000})
    return zipped({f"{n}.zip": inner for n in range(9)})


def put_good(folder: Path) -> None:
    """Five documents, one of each kind; one is UTF-16 and one Latin-1."""
    (folder / "bridge.txt").write_text("The harbour bridge opened in 1932.", encoding="utf-16")
    (folder / "sheep.md").write_text("# Sheep\n\nSheep graze in Jämtland.", encoding="latin-1")
    (folder / "wool.html").write_text("<h1>Wool</h1><p>Wool is sold in autumn.</p>", "utf-8")
    (folder / "mill.pdf").write_bytes(pdf("The mill was built of stone in 1871."))
    (folder / "ferry.docx").write_bytes(docx("The ferry leaves at noon."))


def put_bad(folder: Path) -> dict[str, FateReason]:
    """Everything that was thought of; return the names as they are shown, and the reasons they should get."""
    more: dict[str, tuple[bytes, FateReason]] = {
        "bomb.pdf": (pdf_bomb(), "unreadable"),
        "scan.pdf": (pdf(""), "no_text_layer"),
        **HOSTILE_IMAGES,
        "bomb.png": (png(60_000, 60_000, n_lines=2_000), "too_large"),
        "image.pdf": (image_bomb(), "no_text_layer"),
        "cut.zip": (zipped({"a.txt": b"word " * 100})[:60], "unreadable"),
        "out.zip": (zipped({"../../a.txt": b"out"}), "unreadable"),
        "secret.pdf": (pdf("Nobody may read it.", encrypt=StandardEncryption("x")), "encrypted"),
        "cut.pdf": (pdf("The end is missing.")[:300], "unreadable"),
        "attributes.html": (
            b"<p " + b" ".join(b'a%d="%d"' % (n, n) for n in range(60_000)) + b">x</p>",
            "unreadable",
        ),
        "rtl\u202etxt.exe": (b"MZ\x90", "unsupported"),
        "two\nlines.exe": (b"MZ\x90", "unsupported"),
        "up\\..\\climb.exe": (b"MZ\x90", "unsupported"),
        'it\'s "quoted".bin': (b"\x00\x01", "unsupported"),
        "line.txt": (b"word " * 2_000_000, "too_large"),
        "dots.txt": (b"." * 500_000, "empty"),
        "marks.txt": (("\u0301\u0302" * 100_000).encode(), "empty"),
    }
    files = {name: (data, reason) for name, (data, reason) in (HOSTILE | more).items()}
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    reasons = {printable(name): reason for name, (_, reason) in files.items()}
    if not installed_languages():
        reasons["blank.png"] = "no_text_layer"
    (folder / "bomb.zip").write_bytes(zip_bomb())
    reasons |= {f"bomb.zip/{n}.zip": "too_large" for n in range(9)}
    (folder / os.fsdecode(b"caf\xe9.exe")).write_bytes(b"MZ\x90")
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder.parent / "outside.txt").write_text("Not below the folder.", encoding="utf-8")
    (folder / "out.txt").symlink_to(folder.parent / "outside.txt")
    return reasons | {
        r"caf\xe9.exe": "unsupported",
        "pipe.txt": "unsupported",
        "loop.txt": "unreadable",
        "out.txt": "unsupported",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What came of a sync, and what it cost."""

    report: SyncReport
    answer: Answer
    seconds: float
    megabytes: float
    """The most that the process or its worker ever held."""


def sync(seeds: Path) -> Synced:
    """Index a folder and ask; in a process of its own, since what the tests before have held counts as theirs."""
    started = sum(os.times()[:4])  # of CPU, of this process and its workers
    with open_rag(seeds, max_file_mb=1.9) as rag:
        report = rag.sync()
        answer = rag.ask("When did the harbour bridge open?")
    seconds = sum(os.times()[:4]) - started
    # Of this process the peak since its program began: the other figure begins with its parent's memory.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Synced(report=report, answer=answer, seconds=seconds, megabytes=max(own, worker) / 1024)


def test_bad_files_cost_themselves_alone(tmp_path, figure):
    """R8: whatever lies in the folder, a sync ends in time and memory, and says of every file what became of it.

    Seen to fail with the files parsed in this process: the PDF of a few KB alone takes more memory than all may.
    """
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    put_good(seeds)
    reasons = put_bad(seeds)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        synced = apart.submit(sync, seeds).result()
    report, seconds, most = synced.report, synced.seconds, synced.megabytes
    figure(
        f"R8: {len(report.added)} indexed, {len(report.failed)} reasons,"
        f" {seconds:.0f} s, {most:.0f} MB"
    )
    assert sorted(GOOD) == sorted(file.source_id for file in report.added)
    failed = {file.source_id: file for file in report.failed}
    assert reasons == {name: file.reason for name, file in failed.items()}
    assert len(failed) >= 45
    for file in failed.values():
        assert file.source_id.isprintable()
        assert file.message.endswith(".")
    assert "1932" in synced.answer.text
    assert seconds < MOST_SECONDS
    assert most < MOST_MB
