"""Mails say who wrote to whom, when and on what; what is attached is a source of its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.errors import SourceError
from rag.sources import FoundFile, Loaded, load
from rag.sources.worker import Worker
from tests.office_fakes import zipped
from tests.outlook_fakes import container, outlook_mail
from tests.structure_fakes import check_blocks

SAID = "The boiler is serviced on Friday."


def mail(text: str = SAID, **head: str) -> EmailMessage:
    """A mail of a plain text."""
    message = EmailMessage()
    message["From"] = "Ada Byron <ada@example.org>"
    message["To"] = "Tom <tom@example.org>"
    message["Date"] = "Tue, 06 May 2025 20:15:00 +0200"
    message["Subject"] = "Boiler"
    for name, value in head.items():
        message.replace_header(name, value)
    message.set_content(text)
    return message


def read(folder: Path, name: str, data: bytes, **options: int) -> Loaded:
    """Load bytes as a file of this name."""
    (folder / name).write_bytes(data)
    return load(FoundFile(name, folder / name), **({"max_bytes": 10**7} | options))


def kinds(loaded: Loaded) -> list[tuple[str, str]]:
    """Return kind and words of each block that is no paragraph."""
    source = loaded.source
    check_blocks(source.text, source.blocks)
    return [
        (one.kind, source.text[one.start : one.end])
        for one in source.blocks
        if one.kind != "paragraph"
    ]


def test_the_head_of_a_mail_is_fields_and_its_text_hangs_from_the_subject(tmp_path: Path) -> None:
    """Names as they were written, the date as its sender's clock showed it."""
    loaded = read(tmp_path, "a.eml", mail(**{"from": "Zoë Ö <z@example.org>"}).as_bytes())

    assert "Boiler" == loaded.source.title
    assert [
        ("field", "From: Zoë Ö <z@example.org>"),
        ("field", "To: Tom <tom@example.org>"),
        ("field", "Date: 6 May 2025, 20:15"),
        ("field", "Subject: Boiler"),
    ] == kinds(loaded)
    blocks = loaded.source.blocks
    assert "field" == blocks[blocks[-1].parent or 0].kind
    assert loaded.source.text.endswith(SAID)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_letters_of_a_head_that_were_not_encoded_are_read(tmp_path: Path, encoding: str) -> None:
    """Programs send them as they are; seen to fail: a dash of the subject became three marks."""
    data = "From: Zoë Mäder <z@x.example>\nSubject: Worktop – revised offer\n\nIn oak.".encode(
        encoding
    )
    text = read(tmp_path, "offer.eml", data).source.text

    assert "Worktop – revised offer" in text
    assert "Zoë Mäder" in text


def test_what_is_quoted_is_apart_from_what_is_new(tmp_path: Path) -> None:
    """Lines behind `>` are a quote, also where a page has it."""
    plain = mail("Yes, gladly.\n\nOn Monday Tom wrote:\n> Will you come?\n> It is late.\n")
    page = mail("x")
    page.add_alternative(
        "<p>Yes, gladly.</p><blockquote>Will you come?</blockquote>", subtype="html"
    )

    quoted = [kinds(read(tmp_path, "a.eml", one.as_bytes()))[-1] for one in (plain, page)]

    assert [("quote", "> Will you come?\n> It is late."), ("quote", "Will you come?")] == quoted


def test_a_table_in_a_mail_keeps_its_columns(tmp_path: Path) -> None:
    """The page of a mail is read where it says as much as the plain text."""
    message = mail("see the other part")
    message.add_alternative(
        "<table><tr><th>Unit</th><th>Price</th></tr><tr><td>Small</td><td>£9</td></tr></table>",
        subtype="html",
    )
    source = read(tmp_path, "a.eml", message.as_bytes()).source

    cell = source.blocks[-1]
    assert ("cell", "£9") == (cell.kind, source.text[cell.start : cell.end])
    assert ["Price"] == [
        source.text[source.blocks[at].start : source.blocks[at].end] for at in cell.header
    ]


def attached() -> EmailMessage:
    """A mail with a text, a forwarded mail, a program, and a picture in its text."""
    message = mail("See below.")
    message.add_attachment("Rent: 900 euros.", filename="../rent.txt")
    message.add_attachment("Rent: 950 euros.", filename="rent.txt")
    message.add_attachment(mail(subject="Old: boiler"))
    message.add_attachment(b"MZ", maintype="application", subtype="x", filename="a.exe")
    message.add_attachment(
        b"\x89PNG", maintype="image", subtype="png", filename="logo.png", disposition="inline"
    )
    return message


def test_what_is_attached_is_read_and_named_after_the_mail(tmp_path: Path) -> None:
    """Each has an id below the mail's and its own text; what cannot be read has a reason; pictures in text have none."""
    loaded = read(tmp_path, "a.eml", attached().as_bytes())

    assert [
        ("a.eml/rent.txt", "Boiler › rent"),
        ("a.eml/rent (2).txt", "Boiler › rent (2)"),
        ("a.eml/Old: boiler.eml", "Boiler › Old: boiler"),
    ] == [(one.source.source_id, one.source.title) for one in loaded.parts]
    assert "Rent: 900 euros." == loaded.parts[0].source.text.strip()
    assert [("a.eml/a.exe", "unsupported")] == [
        (one.source_id, one.reason) for one in loaded.faults
    ]
    assert 4 == len({one.source.sha256 for one in (loaded, *loaded.parts)})
    assert "Attachments: rent.txt, rent.txt, Old: boiler.eml, a.exe" in loaded.source.text


def test_the_worker_gives_what_loading_gives(tmp_path: Path) -> None:
    """Parts, faults and places come over the pipe as they were."""
    path = tmp_path / "a.eml"
    path.write_bytes(attached().as_bytes())
    file = FoundFile("a.eml", path)

    with Worker() as worker:
        assert load(file, max_bytes=10**6) == worker.load(file, max_bytes=10**6)


def test_what_is_attached_too_deep_has_a_reason(tmp_path: Path) -> None:
    """Files inside each other are read to the third."""
    inner = mail()
    for _ in range(5):
        outer = mail("See below.")
        outer.add_attachment(inner)
        inner = outer
    deep = read(tmp_path, "a.eml", inner.as_bytes())
    assert (3, ["too_large"]) == (len(deep.parts), [one.reason for one in deep.faults])


def test_an_archive_that_is_attached_is_opened(tmp_path: Path) -> None:
    """What lies in it is read like any file; what cannot be costs itself alone, a bomb the archive."""
    message = mail("See below.")
    for name, data in {
        "old.zip": zipped({"a/rent.txt": "Rent: 900 euros.", "b.exe": "MZ"}),
        "bomb.zip": zipped({"a.txt": b"a" * 50_000_000}),
    }.items():
        message.add_attachment(data, maintype="application", subtype="zip", filename=name)
    loaded = read(tmp_path, "a.eml", message.as_bytes())

    assert ["a.eml/old.zip/a/rent.txt"] == [one.source.source_id for one in loaded.parts]
    assert [("a.eml/old.zip/b.exe", "unsupported"), ("a.eml/bomb.zip", "too_large")] == [
        (one.source_id, one.reason) for one in loaded.faults
    ]
    assert all(one.message.startswith(repr(one.source_id)) for one in loaded.faults)


def test_a_mailbox_is_its_mails_in_order(tmp_path: Path) -> None:
    """Each mail is a place; what is attached is named after its mail; an escaped line is as it was written."""
    letters = [mail(subject=name) for name in ("One", "Two")]
    letters[1].set_content("From here on, all is well.")
    letters[1].add_attachment("Rent: 900 euros.", filename="rent.txt")
    data = b"".join(
        b"From ada Tue May  6 20:15:00 2025\n"
        + one.as_bytes().replace(b"\nFrom here", b"\n>From here")
        + b"\n"
        for one in letters
    )
    loaded = read(tmp_path, "box.mbox", data)

    places = [(one.name, loaded.source.text[one.start : one.end]) for one in loaded.source.places]
    assert ["mail 1", "mail 2"] == [name for name, _ in places]
    assert "\nSubject: One\n\n" in places[0][1]
    assert places[1][1].endswith("\n\nFrom here on, all is well.")
    part = loaded.parts[0].source
    assert ("box.mbox/2/rent.txt", "Two › rent") == (part.source_id, part.title)


@pytest.mark.parametrize(
    "data",
    [
        b"From: =?utf-8?q?broken <a@\nDate: yesterday\nSubject: Hi\n\ntext",
        b"From: a@b\nSubject: Hi\nContent-Type: text/plain; charset=klingon\n\ntext",
        b"From: <<>>,,;@\nTo: (((\nSubject: Hi\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n--x--",
        b"Subject: Hi\nContent-Transfer-Encoding: base64\n\ndGV4dA",
    ],
)
def test_a_malformed_mail_is_read_as_far_as_it_goes(tmp_path: Path, data: bytes) -> None:
    """A bad name, date, charset or part costs nothing else."""
    source = read(tmp_path, "a.eml", data).source

    assert "Hi" == source.title
    assert source.text.endswith("text")


def test_a_mail_that_outlook_saved_says_the_same(tmp_path: Path) -> None:
    """Names, date in UTC, text, files and mails that lie in it."""
    sent = datetime(2025, 5, 6, 18, 15, tzinfo=UTC)
    head = {"sender": "Zoë Ö", "address": "z@example.org", "to": "Tom", "sent": sent}
    inner = outlook_mail(**head, subject="Old", text=SAID)  # type: ignore[arg-type]
    data = container(
        outlook_mail(
            **head,  # type: ignore[arg-type]
            subject="Boiler",
            text=SAID,
            attached={"rent.txt": b"Rent: 900 euros." * 400, "Old": inner},
        )
    )
    loaded = read(tmp_path, "a.msg", data)

    assert (
        "From: Zoë Ö <z@example.org>\nTo: Tom\nDate: 6 May 2025, 18:15\nAttachments: rent.txt, Old.eml\n"
        f"Subject: Boiler\n\n{SAID}"
    ) == loaded.source.text
    assert ["a.msg/rent.txt", "a.msg/Old.eml"] == [one.source.source_id for one in loaded.parts]
    assert SAID in loaded.parts[1].source.text


def test_a_mail_of_outlook_that_is_cut_off_has_a_reason(tmp_path: Path) -> None:
    """However much of it is left, it is read or refused."""
    sent = datetime(2025, 5, 6, 18, 15, tzinfo=UTC)
    data = container(
        outlook_mail(sender="Z", address="z@e.org", to="T", subject="B", text=SAID, sent=sent)
    )
    for end in range(8, len(data), 400):
        with suppress(SourceError):
            read(tmp_path, "a.msg", data[:end])
