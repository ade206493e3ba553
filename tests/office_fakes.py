"""Office files that want harm, and the reasons for which they are refused."""

from __future__ import annotations

import io
import struct
import zipfile

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    "]><document>&b;</document>"
)
EXTERNAL = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><document>&a;</document>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def zipped(entries: dict[str, bytes | str]) -> bytes:
    """A zip archive with these entries."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def related(**targets: str) -> str:
    """The relations of a part, by their names."""
    return RELATIONS.format(
        "".join(
            f'<Relationship Id="{name}" Target="{target}"/>' for name, target in targets.items()
        )
    )


def workbook(sheet: bytes | str, **entries: bytes | str) -> bytes:
    """A workbook of one sheet with this XML; entries are of the folder `xl`."""
    return zipped({
        "xl/workbook.xml": f'<workbook {_R}><sheets><sheet name="One" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related(a="worksheets/one.xml", s="sharedStrings.xml", t="styles.xml"),
        "xl/worksheets/one.xml": sheet,
        **{f"xl/{name}.xml": content for name, content in entries.items()},
    })  # fmt: skip


def slides(slide: bytes | str, **entries: bytes | str) -> bytes:
    """A presentation of one slide with this XML."""
    return zipped(
        {
            "ppt/presentation.xml": f'<p {_R}><sldId r:id="a"/></p>',
            "ppt/_rels/presentation.xml.rels": related(a="slides/one.xml"),
            "ppt/slides/one.xml": slide,
            **{f"ppt/{name}.xml": content for name, content in entries.items()},
        }
    )


def open_document(content: bytes | str, **entries: bytes | str) -> bytes:
    """An OpenDocument file with this content."""
    return zipped({"content.xml": content, **entries})


def cells(count: int) -> str:
    """A sheet whose one row of one cell each ends with merged cells, `count` times over all."""
    rows = "".join(f'<row r="{at}"><c r="A{at}"><v>1</v></c></row>' for at in range(1, 3_001))
    merged = '<mergeCell ref="A1:A3000"/>' * count
    return f"<worksheet><sheetData>{rows}</sheetData><mergeCells>{merged}</mergeCells></worksheet>"


def deep(count: int) -> str:
    """A text in spans inside each other."""
    return f"<content><body><text><p>{'<span>' * count}x{'</span>' * count}</p></text></body></content>"


REPEATED = (
    "<content><body><spreadsheet><table>"
    + '<table-row number-rows-repeated="1000"><table-cell number-columns-repeated="1000"><p>x</p></table-cell></table-row>'
    * 3
    + "</table></spreadsheet></body></content>"
)
HOSTILE_OFFICE = {
    "cut.xlsx": (b"PK\x03\x04", "unreadable"),
    "old.xlsx": (OLE, "unreadable"),
    "password.xlsx": (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    "no_book.xlsx": (zipped({"a.txt": "text"}), "unreadable"),
    "laughs.xlsx": (workbook(LAUGHS), "unreadable"),
    "laughing_strings.xlsx": (workbook("<worksheet/>", sharedStrings=LAUGHS), "unreadable"),
    "external.xlsx": (workbook(EXTERNAL), "unreadable"),
    "bomb.xlsx": (workbook(b"<worksheet>" + b"a" * 50_000_000), "too_large"),
    "merged.xlsx": (workbook(cells(1_000)), "too_large"),
    "many.xlsx": (zipped({f"{k}": "" for k in range(5_001)}), "too_large"),
    "climbing.xlsx": (workbook("<worksheet/>", **{"../../x": "<x/>"}), "unreadable"),
    "broken.xlsx": (workbook("<worksheet><sheetData><row>"), "unreadable"),
    "laughs.pptx": (slides(LAUGHS), "unreadable"),
    "bomb.pptx": (slides(b"<sld>" + b"a" * 50_000_000), "too_large"),
    "tags.pptx": (slides(f"<sld>{'<a/>' * 400_000}</sld>", **{f"x{k}": f"<x>{'<a/>' * 400_000}{k}</x>" for k in range(5)}), "too_large"),
    "no_slides.pptx": (zipped({"a.txt": "text"}), "unreadable"),
    "laughs.odt": (open_document(LAUGHS), "unreadable"),
    "bomb.odt": (open_document(b"<body>" + b"a" * 50_000_000), "too_large"),
    "deep.odt": (open_document(deep(20_000)), "unreadable"),
    "locked.odt": (open_document("<body/>", **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}), "encrypted"),
    "text.odp": (b"only text", "unreadable"),
    "laughs.odp": (open_document(LAUGHS), "unreadable"),
    "repeated.ods": (open_document(REPEATED), "too_large"),
    "laughs.ods": (open_document(LAUGHS), "unreadable"),
    "text.xls": (b"only text", "unreadable"),
    "new.xls": (workbook("<worksheet/>"), "unreadable"),
    "cut.xls": (OLE, "unreadable"),
    "text.doc": (b"only text", "unreadable"),
    "cut.doc": (OLE, "unreadable"),
    "new.doc": (zipped({"word/document.xml": "<document/>"}), "unreadable"),
    "text.rtf": (b"only text", "unreadable"),
    "deep.rtf": (b"{\\rtf1 " + b"{" * 100_000, "unreadable"),
    "empty.rtf": (b"{\\rtf1 {\\info {\\author x}}}", "empty"),
    "skipping.rtf": (b"{\\rtf1 \\bin9999999999 text}", "empty"),
}  # fmt: skip


def lying_pieces(data: bytes) -> bytes:
    """The same .doc, whose head says that its text is two billion characters long."""
    at = data.index(b"\xec\xa5")
    return data[: at + 76] + struct.pack("<i", 2_000_000_000) + data[at + 80 :]
