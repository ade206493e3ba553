"""Reading data and a BERT small enough to train in a test."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from rag.embedding.onnx import SHIPPED

PEOPLE = "Ada Ben Cleo Dora Emil Fay Gus Hana Ivan Jo Kai Lena".split()
PLACES = "Berlin Lima Oslo Paris Quito Rome Tunis Vienna".split()
DEEDS = ("built a bridge", "opened a school", "planted a forest", "wrote a long book")


def reading_data(name: str, *, articles: int, seed: int) -> dict[str, object]:
    """Make articles in the layout of SQuAD 2.0; a third of the questions have no answer."""
    rng = random.Random(seed)
    return {"data": [_article(f"{name} {i}", rng) for i in range(articles)]}


def save_reading_data(folder: Path) -> Path:
    """Save a set to train on and squad2_dev.json beside it; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, articles, seed in (("train", 16, 1), ("squad2_dev", 2, 2)):
        made = reading_data(name, articles=articles, seed=seed)
        (folder / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")
    return folder / "train.json"


def documents(n: int) -> dict[str, object]:
    """Make documents with a table and a list, three questions each, one of which has no answer."""
    text = (
        "Prices\n\nZone | Price\nNorth | 4.20\nSouth | 2.10\n\nWhat to bring:\n\n- a pen\n- a cap"
    )
    made = []
    for i in range(n):
        asked = []
        for question, answer in (
            (f"What does zone north cost on tour {i}?", "4.20"),
            (f"What do I need on tour {i}?", "a pen\n- a cap"),
            (f"Who leads tour {i}?", None),
        ):
            answers = [{"text": answer, "answer_start": text.index(answer)}] if answer else []
            asked.append(
                {"id": f"{i}-{len(asked)}", "question": question, "answers": answers, "is_impossible": not answers}
            )  # fmt: skip
        made.append({"title": f"tour {i}", "paragraphs": [{"context": text, "qas": asked}]})
    return {"data": made}


def save_documents(folder: Path) -> Path:
    """Save two documents, of which one is kept back; return the file."""
    path = folder / "documents.json"
    path.write_text(json.dumps(documents(2)), encoding="utf-8")
    return path


def save_tiny_bert(folder: Path) -> Path:
    """Save a random BERT of one layer as safetensors, with the shipped tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    shutil.copyfile(SHIPPED / "tokenizer.json", folder / "tokenizer.json")
    return folder


def _article(title: str, rng: random.Random) -> dict[str, object]:
    return {"title": title, "paragraphs": [_paragraph(f"{title}-{i}", rng) for i in range(3)]}


def _paragraph(name: str, rng: random.Random) -> dict[str, object]:
    """Make sentences of who did what where and when, and questions about them and about what is not there."""
    people, text, asked = rng.sample(PEOPLE, 4), "", []
    for number, person in enumerate(people):
        place, deed, year = rng.choice(PLACES), rng.choice(DEEDS), rng.randint(1800, 1999)
        answers = [{"text": place, "answer_start": len(text) + len(f"{person} {deed} in ")}]
        text += f"{person} {deed} in {place} in {year}, in the project of {name}. "
        question = f"Where was {person} of {name} at work?"
        if number == 3:
            answers, question = [], f"Why did {person} of {name} leave?"
        record = {"id": f"{name}-{number}", "question": question, "answers": answers}
        asked.append(record | {"is_impossible": not answers})
    return {"context": text.strip(), "qas": asked}
