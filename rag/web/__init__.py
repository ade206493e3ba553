"""The web chat: Gradio pages behind a hardened server. It holds no logic of answering.

`serve` runs it, `build_app` makes the ASGI application; each loads gradio when it is called.
"""

from __future__ import annotations

from rag.web.server import build_app, serve

__all__ = ["build_app", "serve"]
