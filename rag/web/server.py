"""The server of the web chat: the page is there at once, and the pipeline is opened behind it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from functools import partial
from importlib.resources import files
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rag.collections import DEFAULT
from rag.errors import RagError, SettingsError
from rag.settings import PASSWORD_CHARS
from rag.sources.remote import fetch
from rag.web import logs, metrics
from rag.web.access import Password
from rag.web.asking import N_AT_ONCE, N_WAITING
from rag.web.collections import OpenCollection, OpenCollections, PageCheck, named_in, person_of
from rag.web.hardening import HEALTH, MAX_BODY, Hardened
from rag.web.mistakes import Border
from rag.web.opening import Factory, OnProgress, Opening
from rag.web.taking_in import TakingIn
from rag.web.uploads import Uploads

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from gradio import Blocks

    from rag.settings import Settings
    from rag.web.assistants import Assistants
    from rag.web.collections import Audit
    from rag.web.completions import Completions
    from rag.web.connecting import Connecting
    from rag.web.opening import Answering

_RUN = re.compile(r"[\w-]{1,80}", re.ASCII)

_SCRIPTS = ("/footnote.js", "/keys.js", "/kept.js", "/peek.js", "/sources.js")

ASSISTANTS = "/mcp"

_NO_PASSWORD = (
    "There is no password, so the web chat is served to this machine only; got host {host!r}. Set RAG_PASSWORD to"
    f" at least {PASSWORD_CHARS} characters, or use 127.0.0.1, and from elsewhere a tunnel"
    " (ssh -L 7860:127.0.0.1:7860)."
)
_OVERHEARD = (
    "Warning: other machines can reach this server, and whoever is between can read along, the password"
    " included. Put a proxy that speaks TLS before it (docs/programs.md)."
)

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
        host: where to listen; not only for this machine with a password.
        port: 0 takes any that is free.
        open_browser: show the page, where this machine has a screen.
        examples: questions to offer on the empty page, as long as the sources answer them.

    Raises:
        SettingsError: others could reach the server and there is no password, the port cannot be had, or
            what a setting needs is not installed.
    """
    import uvicorn

    from rag.web import connections

    reaches_out = not _is_loopback(host)
    if reaches_out and not _is_guarded(settings):
        raise SettingsError(_NO_PASSWORD.format(host=host))
    with _listen(host, port) as listener:
        logs.to_stderr(settings)
        address = _address(listener)

        def make() -> FastAPI:
            app = build_app(_opener(settings), settings, examples=examples)
            _tell(f"Footnote is at {address} (Ctrl+C stops it)")
            if reaches_out:
                _tell(_OVERHEARD)
            if open_browser and _has_screen():
                webbrowser.open(address)
            return app

        config = uvicorn.Config(
            make,
            factory=True,  # in the running event loop: outside one, Gradio makes some of its own
            **connections.options(connections.limits_here()),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,  # a page keeps a connection open while it is shown
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def build_app(factory: Factory, settings: Settings, *, examples: Sequence[str] = ()) -> FastAPI:
    """Return the ASGI application; the pipeline is opened when it starts and closed when it stops.

    Args:
        factory: opens the pipeline; called in a thread of its own.
        settings: limits that the pages keep, the password, and who else may ask.
        examples: questions to offer on the empty page, as long as the sources answer them.

    Raises:
        SettingsError: assistants may ask, and what that needs is not installed.
    """
    figures = metrics.Metrics() if settings.metrics else None
    opening = Opening(figures.observed(factory) if figures else factory, on_failure=_tell)
    collections = _collections(opening, settings)
    assistants = _assistants(collections, settings) if settings.mcp else None
    scratch = TemporaryDirectory(prefix="footnote-")  # readable by its owner only
    _tame_gradio(scratch.name)
    from fastapi import FastAPI

    from rag.web import pages, receiving, showing
    from rag.web.completions import ROOT, error

    completions = _completions(collections, settings) if settings.openai_api else None
    connecting = _connecting(opening, settings)
    page = pages.build(collections, settings, examples=examples, connecting=connecting)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        collections.start()
        async with assistants.sessions.run() if assistants else contextlib.nullcontext():
            yield
        readiness.close()
        collections.close()
        scratch.cleanup()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Border, functions=pages.functions(page))
    app.add_middleware(PageCheck, collections=collections)
    app.add_middleware(
        Hardened,
        hosts=None if _is_guarded(settings) else LOOPBACK_NAMES,
        guard=_guard(settings),
        paths=(ASSISTANTS,) * bool(assistants)
        + (metrics.METRICS,) * bool(figures)
        + (completions.paths if completions else ()),
        wordings={ROOT: error} if completions else None,
        # The route has a sentence for a file that is too large, and says it first.
        bodies={receiving.PATH: collections.home.taking_in.uploads.max_file + MAX_BODY},
    )
    readiness = metrics.add_figures(
        app,
        opening,
        figures,
        may_see=lambda request: all(map(person_of(request.scope).may_read, collections.home.names)),
    )
    _add_routes(app, collections, settings)
    _add_programs(app, assistants, completions)
    showing.add_page_routes(
        app, lambda request: [one.opening for one in collections.opened(person_of(request.scope))]
    )
    receiving.add_routes(
        app,
        partial(_receiver, collections),
        open_=settings.uploads,
        note=partial(_note_upload, collections),
    )
    _mount(app, page, settings)
    return app


def _is_guarded(settings: Settings) -> bool:
    """Tell whether people say who they are, so that others than the one at this machine may come."""
    return bool(settings.password) or settings.users_file is not None


def _guard(settings: Settings) -> Password | None:
    """Return what asks for a password.

    Raises:
        SettingsError: there are accounts, and what hashes their passwords is not installed.
    """
    if settings.users_file is not None:
        from rag.pipeline.users import Users, check_installed

        check_installed()
        return Password(recognise=Users(settings.users_file).recognised)
    return Password(settings.password) if settings.password else None


def _connecting(opening: Opening, settings: Settings) -> Connecting | None:
    """Return what connects chat models; None with a password, by which others may come."""
    if _is_guarded(settings):
        return None
    from rag.keys import system_keyring
    from rag.web.connecting import Connecting

    without = _opener(settings.changed("the page", llm="", llm_base_url=""))
    return Connecting(
        opening, settings, without=without, environ=os.environ, keyring=system_keyring
    )


def _completions(collections: OpenCollections, settings: Settings) -> Completions:
    """Return what answers clients of OpenAI's protocol."""
    from rag.web.completions import Completions

    return Completions(collections, max_chars=settings.max_question_chars)


def _add_programs(
    app: FastAPI, assistants: Assistants | None, completions: Completions | None
) -> None:
    """Serve the programs that may ask."""
    from starlette.routing import Route

    if assistants:
        app.router.routes.append(Route(ASSISTANTS, endpoint=assistants))
    if completions:
        app.router.routes.extend(completions.routes())


def _mount(app: FastAPI, page: Blocks, settings: Settings) -> None:
    """Serve the page, and nothing of Gradio's own that it does not use."""
    import gradio

    from rag.web import pages

    gradio.mount_gradio_app(
        app,
        page,
        path="/",
        theme=pages.theme(),
        css=_data("footnote.css"),
        head="".join(f'<script src="{path}" defer></script>' for path in _SCRIPTS),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        allowed_paths=[],
        blocked_paths=[str(settings.seeds_dir.resolve()), str(settings.index_dir.resolve())],
        max_file_size="1kb",  # its own uploads are closed: `receiving` takes files in
    )


def _add_routes(app: FastAPI, collections: OpenCollections, settings: Settings) -> None:
    """Serve what is beside the page: whether questions can be asked, its script, reports."""
    from fastapi import Response
    from fastapi.responses import FileResponse, JSONResponse
    from starlette.routing import Route

    from rag.web.evaluating import REPORTS, runs_folder

    @app.get(HEALTH)
    def health() -> JSONResponse:
        state = collections.home.opening.state
        said: dict[str, str] = {"status": state.status}
        if not _is_guarded(
            settings
        ):  # what has failed may be a path or an address: not for everybody
            said["message"] = state.message
        return JSONResponse(said, status_code=200 if state.status == "ready" else 503)

    @app.get("/{name}.js")
    def script(name: str) -> Response:
        if f"/{name}.js" not in _SCRIPTS:
            return Response("There is no such script.", status_code=404)
        return Response(_data(f"{name}.js"), media_type="text/javascript")

    def report(request: Request) -> Response:
        run, name = request.path_params["run"], request.path_params["name"]
        known = collections.opened(person_of(request.scope))
        paths = (runs_folder(one.settings) / run / name for one in known if one.is_one)
        path = next((path for path in paths if path.is_file()), None)
        if name not in REPORTS or not _RUN.fullmatch(run) or path is None:
            return Response("There is no such report.", status_code=404)
        shown = "inline" if name.endswith(".html") else "attachment"
        return FileResponse(
            path, media_type=REPORTS[name], filename=name, content_disposition_type=shown
        )

    # Not by its decorator: that one would look for `Request` among the names of this module.
    app.router.routes.append(Route("/reports/{run}/{name}", endpoint=report))


def _collections(opening: Opening, settings: Settings) -> OpenCollections:
    """Return the collections, the one of the settings being opened by `opening`."""

    def make(names: tuple[str, ...]) -> OpenCollection:
        def open_rag(progress: OnProgress) -> Answering:
            try:
                home = opening.wait()
            except RagError as exc:
                if settings.users_file is None:
                    raise
                # Its words may be about a collection that whoever reads them may not see.
                raise RagError("The server could not begin; its log says why.") from exc
            return home.in_collection(names, progress=progress)

        return _open_collection(names, Opening(open_rag, on_failure=_tell), settings)

    home = _open_collection((settings.collection or DEFAULT,), opening, settings)
    return OpenCollections(home, make, audit=_audit(settings))


def _audit(settings: Settings) -> Audit | None:
    """Return what notes who did what; None where nobody is told from others."""
    if settings.users_file is None:
        return None
    from rag.pipeline.users import AuditLog, audit_path

    return AuditLog(audit_path(settings.users_file)).note


def _open_collection(
    names: tuple[str, ...], opening: Opening, settings: Settings
) -> OpenCollection:
    """Return one, or several that take nothing in."""
    most = int(settings.max_file_mb * 2**20)
    own = settings.of_collection(names[0])
    folder = own.index_dir if len(names) == 1 else own.collections_dir / ".several"
    uploads = Uploads(folder / "uploads", max_file=most)
    read = partial(fetch, max_bytes=most) if settings.urls else None
    taking_in = TakingIn(opening, uploads, seeds=own.seeds_dir, read=read)
    return OpenCollection(names=names, settings=own, opening=opening, taking_in=taking_in)


def _receiver(collections: OpenCollections, request: Request) -> TakingIn:
    """Return what takes in the file that a request brings.

    Raises:
        RagError: whoever sends it may not.
    """
    person = person_of(request.scope)
    one = collections.chosen(named_in(request.scope), person)
    collections.check_changeable(one, person)
    return one.taking_in


def _note_upload(collections: OpenCollections, request: Request, name: str) -> None:
    person = person_of(request.scope)
    one = collections.chosen(named_in(request.scope), person)
    collections.note(person, "added", one, name)


def _assistants(collections: OpenCollections, settings: Settings) -> Assistants:
    try:
        from rag.web.assistants import Assistants
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise SettingsError(
            "mcp (RAG_MCP) wants a package that is not installed: pip install 'footnote-rag[mcp]'."
        ) from exc
    return Assistants(
        collections,
        max_chars=settings.max_question_chars,
        at_once=N_AT_ONCE,
        waiting=N_WAITING,
    )


def _opener(settings: Settings) -> Factory:
    def open_rag(progress: OnProgress) -> Answering:
        from rag.pipeline import Rag

        return Rag.open(settings, sync=settings.sync_on_start, progress=progress)

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


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    logs.tell(message)
