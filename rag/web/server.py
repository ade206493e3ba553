"""The server of the web chat: the page is there at once, and the pipeline is opened behind it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from importlib.resources import files
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rag.errors import SettingsError
from rag.web.hardening import Hardened
from rag.web.opening import Factory, OnProgress, Opening

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.settings import Settings
    from rag.web.opening import Answering

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What a browser on this machine may call the server."""


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = False,
    examples: Sequence[str] = (),
) -> None:
    """Serve the web chat until it is interrupted.

    Args:
        settings: what the pipeline is opened with.
        host: a loopback address or name.
        port: 0 takes any that is free.
        open_browser: show the page, where this machine has a screen.
        examples: questions to offer on the empty page.

    Raises:
        SettingsError: the host is not a loopback address, or the port cannot be had.
    """
    import uvicorn

    _check_loopback(host)
    with _listen(host, port) as listener:
        address = _address(listener)

        def make() -> FastAPI:
            app = build_app(_opener(settings), settings, examples=examples)
            _tell(f"Footnote is at {address} (Ctrl+C stops it)")
            if open_browser and _has_screen():
                webbrowser.open(address)
            return app

        config = uvicorn.Config(
            make,
            factory=True,  # in the running event loop: outside one, Gradio makes some of its own
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,  # a page keeps a connection open while it is shown
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def build_app(
    factory: Factory,
    settings: Settings,
    *,
    hosts: Sequence[str] = LOOPBACK_NAMES,
    examples: Sequence[str] = (),
) -> FastAPI:
    """Return the ASGI application; the pipeline is opened when it starts and closed when it stops.

    Args:
        factory: opens the pipeline; called in a thread of its own.
        settings: limits that the pages keep.
        hosts: names by which the server may be addressed.
        examples: questions to offer on the empty page.
    """
    scratch = TemporaryDirectory(prefix="footnote-")  # readable by its owner only
    _tame_gradio(scratch.name)
    import gradio
    from fastapi import FastAPI, Response
    from fastapi.responses import JSONResponse

    from rag.web import pages

    opening = Opening(factory, on_failure=_tell)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening.start()
        yield
        opening.close()
        scratch.cleanup()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Hardened, hosts=hosts)

    @app.get("/health")
    def health() -> JSONResponse:
        state = opening.state
        return JSONResponse(
            {"status": state.status, "message": state.message},
            status_code=200 if state.status == "ready" else 503,
        )

    @app.get("/footnote.js")
    def script() -> Response:
        return Response(_data("footnote.js"), media_type="text/javascript")

    gradio.mount_gradio_app(
        app,
        pages.build(opening, max_chars=settings.max_question_chars, examples=examples),
        path="/",
        theme=pages.theme(),
        css=_data("footnote.css"),
        head='<script src="/footnote.js" defer></script>',
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        allowed_paths=[],
        blocked_paths=[str(settings.seeds_dir.resolve()), str(settings.index_dir.resolve())],
        max_file_size="1kb",  # uploads are closed
    )
    return app


def _opener(settings: Settings) -> Factory:
    def open_rag(progress: OnProgress) -> Answering:
        from rag.pipeline import Rag

        return Rag.open(settings, progress=progress)

    return open_rag


def _tame_gradio(scratch: str) -> None:
    """Take from the environment what would widen access; Gradio reads it at import and later."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = scratch
    # After every event Gradio would tabulate the last 10,000 for a page that is closed here.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)


def _check_loopback(host: str) -> None:
    if host == "localhost":
        return
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    raise SettingsError(
        "The web chat has no password yet, so it is served to this machine only;"
        f" got host {host!r}. Use 127.0.0.1, and from elsewhere a tunnel"
        " (ssh -L 7860:127.0.0.1:7860)."
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as exc:
        listener.close()
        raise SettingsError(
            f"Port {port} on {host} cannot be used: {exc}. Stop the program that uses it, or choose"
            f" another with `rag serve --port {port + 1}`."
        ) from exc
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _has_screen() -> bool:
    """Tell whether a browser has somewhere to appear; elsewhere one could take the terminal."""
    return (
        sys.platform in {"win32", "darwin"}
        or bool(os.environ.get("DISPLAY"))
        or bool(os.environ.get("WAYLAND_DISPLAY"))
    )


def _data(name: str) -> str:
    return (files("rag.web") / name).read_text(encoding="utf-8")


def _tell(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
