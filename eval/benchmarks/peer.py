"""The plainest langchain script there is, to be measured beside us: splitter, HuggingFaceEmbeddings, FAISS.

    python eval/benchmarks/peer.py --model DIR --index DIR [--build FOLDER] [QUESTION]

With --build it indexes the .txt files of a folder; with a question it prints the four nearest chunks. It runs in an
environment of its own (`make bench` makes it), because langchain-huggingface wants an older huggingface-hub than
gradio does. It loads its index the way langchain does, by pickle: never do that with a stranger's file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--index", required=True)
parser.add_argument("--build", type=Path)
parser.add_argument("question", nargs="?")
args = parser.parse_args()

embeddings = HuggingFaceEmbeddings(model_name=args.model)
if args.build:
    splitter = RecursiveCharacterTextSplitter(chunk_size=600, chunk_overlap=100)
    documents = [
        Document(page_content=path.read_text(encoding="utf-8"), metadata={"source": path.name})
        for path in sorted(args.build.rglob("*.txt"))
    ]
    FAISS.from_documents(splitter.split_documents(documents), embeddings).save_local(args.index)
if args.question:
    store = FAISS.load_local(args.index, embeddings, allow_dangerous_deserialization=True)
    for document in store.similarity_search(args.question, k=4):
        print(document.page_content)
