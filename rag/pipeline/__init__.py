"""From sources to answers: the wiring of all rooms.

`rag` is the face; behind it `library` keeps the documents, `ask` takes one question to its answer, and `extractive` and
`generative` give it; `build` makes the parts from settings.
"""

from rag.pipeline.conversation import Conversation
from rag.pipeline.rag import Rag
from rag.store import Progress

__all__ = ["Conversation", "Progress", "Rag"]
