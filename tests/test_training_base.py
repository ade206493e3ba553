"""The multilingual base: four-bit blocks, and a vocabulary cut to what is used."""

from __future__ import annotations

import numpy as np
import pytest

from tests.deferred import Deferred

e5 = Deferred("training.base.e5")


def pieces():
    """Some four hundred pieces, the commonest first but for the special ones."""
    words = [f"{e5.SPACE}w{i:03}" for i in range(200)] + [chr(97 + i) for i in range(26)]
    words += [f"{e5.SPACE}слово{i}" for i in range(20)] + ["ㅎ", e5.SPACE, "ⴰⴱ"]
    texts = ["<s>", "<pad>", "</s>", "<unk>", *words]
    scores = np.array([0, 0, 0, 0, *(-0.01 * i for i in range(len(words)))], dtype=np.float32)
    return e5.Pieces(texts, scores, bos=0, eos=2, pad=1, unk=3)


def test_a_block_of_four_bits_is_a_step_and_its_multiples():
    """The low nibbles are the first half of a block, the high ones the other, each less 8."""
    low, high = np.arange(16, dtype=np.uint8), np.full(16, 9, dtype=np.uint8)
    block = np.float16(0.5).tobytes() + (low | high << 4).tobytes()

    found = e5.dequantised(block + block)

    half = [*(0.5 * (n - 8) for n in range(16)), *[0.5] * 16]
    assert half * 2 == found.tolist()


def test_special_pieces_have_the_numbers_of_bert():
    """What frames texts for BERT frames them for this one; every text is cut into pieces that are kept."""
    order = e5.kept(pieces(), iter(["w001 w002", "слово3"]))
    made = e5.tokenizer(pieces(), order)

    assert e5.SPECIAL == {number: made.id_to_token(number) for number in e5.SPECIAL}
    cut = made.encode("w001  слово3\nab", add_special_tokens=False)
    assert [f"{e5.SPACE}w001", f"{e5.SPACE}слово3"] == cut.tokens[:2]
    assert "[UNK]" not in cut.tokens


def test_what_no_text_uses_and_no_script_wants_is_left_out():
    """Pieces of other scripts stay where the texts use them."""
    unused = e5.kept(pieces(), iter(()))
    used = e5.kept(pieces(), iter(["ⴰⴱ"] * e5.LEAST))

    kept = {pieces().texts[old] for old in used} - {pieces().texts[old] for old in unused}
    assert {"ⴰⴱ"} == kept


def test_another_file_is_refused():
    """A file that is laid out otherwise is none of these."""
    with pytest.raises(SystemExit, match="four-bit"):
        e5.read(b"GGUF")
