"""The commands: each checks its arguments, calls the pipeline and shows the result.

They hold no logic of their own, and each loads only what it needs.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli import collections, evaluation, users, workers
from rag.cli.inputs import history_from, may_remove, question_from
from rag.cli.options import (
    Collection,
    Config,
    Index,
    Json,
    LogJson,
    Model,
    Only,
    Seeds,
    opened,
    settings_for,
)
from rag.cli.session import Exit, Session

if TYPE_CHECKING:
    from rag.cli.render import Screen
    from rag.schema import SyncReport

_EPILOG = """\b
Settings come from options, RAG_* variables, rag.toml here if trusted, and your own, in this order.
Exit codes: 0 answered, 3 nothing in the sources, 2 usage, 1 failure.
"""

app = typer.Typer(
    name="rag",
    help="Ask your own documents; every sentence of an answer cites the exact words it rests on.",
    epilog=_EPILOG,
    # Without markup typer leaves rich alone, which halves the time to show help.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(evaluation.app, name="eval")
app.add_typer(collections.app, name="collections")
app.command()(workers.worker)
app.add_typer(users.app, name="users")


def _version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("footnote-rag")
    except PackageNotFoundError:
        number = "(not installed)"
    typer.echo(f"footnote-rag {number}")
    raise typer.Exit


@app.callback(invoke_without_command=True)
def _common(
    ctx: typer.Context,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show results and failures only.")
    ] = False,
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    config: Config = None,  # noqa: ARG001  (its callback does the work)
    collection: Collection = None,  # noqa: ARG001  (its callback does the work)
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(Exit.USAGE)
    if quiet:
        ctx.obj = replace(ctx.obj, screen=ctx.obj.screen.hushed())


@app.command()
def sync(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files and folders to take in as well."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build everything anew, unchanged files too.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file, also those that look unchanged.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Name unchanged files as well.")] = False,
    forget: Annotated[
        list[str] | None,
        typer.Option(
            "--forget",
            metavar="PATH",
            help="Only forget this one that was taken in, and every source it brought; may be repeated.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove also where most of a folder is missing.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Have workers read what changed, and wait for them.")
    ] = False,
    enqueue: Annotated[bool, typer.Option("--enqueue", help="The same, without waiting.")] = False,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Take in what changed, and tell every file's fate."""
    session: Session = ctx.obj
    if forget and (paths or rebuild):
        raise typer.BadParameter("it goes with no path and no --rebuild.", param_hint="--forget")
    if (wait or enqueue) and (forget or rebuild or yes):
        raise typer.BadParameter("it goes with paths and --verify only.", param_hint="--wait")
    settings = settings_for(session, seeds=seeds, index=index)
    if wait or enqueue:
        with opened(session, settings, sync=False) as rag:
            report = workers.hand_over(
                session, settings, rag, paths or (), wait=wait, verify=verify
            )
        if report is None:
            return Exit.ANSWERED
        return _tell_sync(session.screen, report, every=every, as_json=as_json)
    if forget:
        with opened(session, settings, sync=False) as rag:
            reports = [rag.forget(path) for path in forget]
        files = tuple(file for report in reports for file in report.files)
        return _tell_sync(session.screen, replace(reports[-1], files=files), as_json=as_json)
    with (
        opened(session, settings, sync=False, rebuild=rebuild) as rag,
        session.screen.progress() as bar,
    ):
        report = rag.sync(tuple(paths or ()), confirmed=yes, verify=verify, progress=bar)
    if report.held and may_remove(report, session):
        with opened(session, settings, sync=False) as rag, session.screen.progress() as bar:
            report = rag.sync(tuple(paths or ()), confirmed=True, progress=bar)
    return _tell_sync(session.screen, report, every=every, as_json=as_json)


@app.command()
def ask(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    as_json: Json = False,
    history: Annotated[
        Path | None,
        typer.Option("--history", dir_okay=False, help="JSON list of turns: role and text."),
    ] = None,
    seeds: Seeds = None,
    index: Index = None,
    source: Only = None,
    model: Model = None,
    top_k: Annotated[
        int | None, typer.Option("--top-k", help="Passages that are read for the answer.")
    ] = None,
    strictness: Annotated[
        float | None, typer.Option(help="0 answers when it can, 1 only when nearly certain.")
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(metavar="WHO", help="Who checks an LLM's sentences: model, builtin or off."),
    ] = None,
    depth: Annotated[
        str | None,
        typer.Option(help="How long an LLM looks: quick, or thorough, in up to five searches."),
    ] = None,
) -> int:
    """Answer one question from the documents."""
    from rag.cli.answer import follow, tell_making
    from rag.cli.layout import answer_lines

    session: Session = ctx.obj
    turns = history_from(history)
    question = question_from(question, session.stdin)
    settings = settings_for(
        session,
        seeds=seeds,
        index=index,
        model=model,
        top_k=top_k,
        strictness=strictness,
        verify=verify,
        depth=depth,
        several=True,
    )
    screen = session.screen.hushed() if as_json else session.screen
    with opened(session, settings, asks=True) as rag:
        events = rag.stream(question, turns, sources=tuple(source) if source else None)
        answer = follow(events, screen)
    if as_json:
        screen.show_json(answer.to_dict())
    else:
        screen.show(answer_lines(answer))
        tell_making(answer, screen)
    return Exit.UNANSWERED if answer.status == "unanswered" else Exit.ANSWERED


@app.command()
def chat(ctx: typer.Context, model: Model = None, seeds: Seeds = None, index: Index = None) -> int:
    """Hold a conversation, with follow-ups."""
    from rag.cli.chat import ChatSession

    session: Session = ctx.obj
    settings = settings_for(session, seeds=seeds, index=index, model=model)
    with opened(session, settings, asks=True) as rag:
        return ChatSession(rag, screen=session.screen, stdin=session.stdin).run()


@app.command()
def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for; - reads it from stdin.")],
    k: Annotated[int | None, typer.Option("-k", min=1, help="How many passages.")] = None,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
    source: Only = None,
) -> int:
    """Show the passages that fit a query best."""
    from rag.cli.layout import found_lines
    from rag.cli.render import in_line

    session: Session = ctx.obj
    query = question_from(query, session.stdin)
    settings = settings_for(session, seeds=seeds, index=index, several=True)
    with opened(session, settings) as rag:
        found = rag.search(query, k, sources=tuple(source) if source else None)
        lacking = rag.gaps()
    if as_json:
        results = [asdict(each) for each in found]
        complete = {"complete": not lacking, "caveat": " ".join(lacking)}
        session.screen.show_json({"query": query, "results": results, **complete})
    else:
        session.screen.show(found_lines(found))
        if not found:
            session.screen.note("Nothing was found.")
        for gap in lacking:
            session.screen.note(in_line(gap))
    return Exit.ANSWERED if found else Exit.UNANSWERED


@app.command()
def sources(
    ctx: typer.Context, as_json: Json = False, seeds: Seeds = None, index: Index = None
) -> int:
    """List what can be cited.

    In a pipe one source a line, its fields separated by tabs: id, title, media type, pages,
    passages, characters, time of indexing, origin.
    """
    from rag.cli.layout import source_lines, source_rows

    session: Session = ctx.obj
    settings = settings_for(session, seeds=seeds, index=index)
    with opened(session, settings) as rag:
        known = rag.sources()
    if as_json:
        session.screen.show_json({"sources": [asdict(each) for each in known]})
        return Exit.ANSWERED
    session.screen.show((source_lines if session.screen.on_terminal else source_rows)(known))
    if not known:
        session.screen.note(f"There are no sources; put documents into {settings.seeds_dir}.")
    return Exit.ANSWERED


@app.command()
def remove(
    ctx: typer.Context,
    source_id: Annotated[str, typer.Argument(metavar="ID", help="As `rag sources` names it.")],
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Take a source out of the index.

    No word of it is found or cited any more. Its file is left alone.
    """
    session: Session = ctx.obj
    settings = settings_for(session, seeds=seeds, index=index)
    with opened(session, settings, sync=False) as rag:
        report = rag.remove(source_id)
    return _tell_sync(session.screen, report, as_json=as_json)


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine only with RAG_PASSWORD.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 7860,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = False,
    log_json: LogJson = False,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Serve the web chat."""
    session: Session = ctx.obj
    settings = settings_for(
        session, seeds=seeds, index=index, log_format="json" if log_json else None
    )
    session.doors.serve(settings, host=host, port=port, open_browser=open_browser)
    return Exit.ANSWERED


@app.command()
def doctor(
    ctx: typer.Context, as_json: Json = False, seeds: Seeds = None, index: Index = None
) -> int:
    """Check the installation, and say how to mend it.

    Packages, models, index, documents and the language model are looked at; exit code 1 if any
    cannot work.
    """
    from rag.cli.doctor import finding_lines

    session: Session = ctx.obj
    settings = settings_for(session, seeds=seeds, index=index)
    findings = []
    for finding in session.doors.examine(settings, environ=session.environ):
        findings.append(finding)
        if not as_json:  # each as it comes: a language model takes its time
            session.screen.show(finding_lines(finding))
    if as_json:
        session.screen.show_json({"findings": [asdict(each) for each in findings]})
    return Exit.FAILURE if any(each.state == "fail" for each in findings) else Exit.ANSWERED


@app.command()
def trust(
    ctx: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="A project folder, or its rag.toml.")
    ] = Path(),
    forget: Annotated[bool, typer.Option("--forget", help="Obey it no more.")] = False,
) -> int:
    """Obey the rag.toml of a project folder, as it is now.

    What it sets is shown. After a change it must be trusted again; without trust it is left out.
    """
    from rag.cli.trust import forget_file, trust_file

    session: Session = ctx.obj
    (forget_file if forget else trust_file)(path, session)
    return Exit.ANSWERED


def _tell_sync(
    screen: Screen, report: SyncReport, *, every: bool = False, as_json: bool = False
) -> int:
    from rag.cli.layout import report_lines

    if as_json:
        screen.show_json(asdict(report))
    else:
        screen.show(report_lines(report, every=every))
    n_unread = len(report.failed) + len(report.unreachable)
    if n_unread:
        screen.fail(f"{n_unread} of {len(report.files)} files could not be read.")
    if any(one.reason == "unsupported" for one in report.failed):
        from rag.sources.formats import KNOWN

        screen.note(f"These formats are read: {KNOWN}.")
    if report.held:
        screen.fail(f"{len(report.held)} sources are missing and held back; see above.")
    return Exit.FAILURE if 0 < n_unread == len(report.files) else Exit.ANSWERED
