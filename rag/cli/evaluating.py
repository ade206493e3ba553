"""`rag eval` and what is below it: questions with known answers asked, measured, compared and kept.

Without a sub-command it asks a set of questions. What figures mean is decided in `rag.evaluation`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from rag.cli.options import Index, Json, Seeds, opened, settings_for
from rag.cli.render import Report
from rag.cli.session import Exit, Session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rag.cli.render import Screen
    from rag.evaluation import EvaluationReport

_BASELINE = Path("eval/baseline.json")
_USUAL_GRID = (
    "passage_tokens=96,160,256",
    "overlap_sentences=0,1",
    "top_k=5,8",
    "lexical_weight=0.2,0.4,0.6",
    "method=convex,fusion",
)

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


class Showable(Report, Protocol):
    """A report that is also JSON."""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""


Dataset = Annotated[
    Path | None,
    typer.Option(
        "--dataset",
        dir_okay=False,
        exists=True,
        help="Questions and answers, .csv or .jsonl; by default those on the article.",
    ),
]
OfSplit = Annotated[
    Literal["dev", "test", "all"] | None,
    typer.Option(
        "--split", help="Which half; by default dev of the article's questions, all of your own."
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Ask only so many, spread over them.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", file_okay=False, help="Folder for what comes back and the report."),
]


@app.callback()
def evaluate(
    ctx: typer.Context,
    dataset: Dataset = None,
    split: OfSplit = None,
    limit: Limit = None,
    out: Out = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="RUN",
            exists=True,
            file_okay=False,
            help="Make the reports of this run again; nothing is asked.",
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Show what run B has that run A has not."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Fail if anything is lost against the baseline.")
    ] = False,
    baseline: Annotated[
        Path, typer.Option("--baseline", dir_okay=False, help="What the gate compares with.")
    ] = _BASELINE,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Make this run the baseline.")
    ] = False,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Ask a set of questions with known answers, and measure.

    A run is a folder with every answer and its reports: report.html, report.md, report.json.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx, ctx.invoked_subcommand)
        return Exit.ANSWERED
    session: Session = ctx.obj
    if compare is not None:
        _refuse_beside(ctx, "compare", allowed={"as_json"})
        return _compare(session.screen, *compare, as_json=as_json)
    if report is not None:
        allowed = {"as_json", "gate", "baseline", "update_baseline"}
        _refuse_beside(ctx, "report", allowed=allowed)
        from rag.evaluation import remake_reports

        made = remake_reports(report)
    else:
        settings = settings_for(session, seeds=seeds, index=index)
        with opened(session, settings) as rag, session.screen.progress() as bar:
            made = session.doors.evaluate(
                rag, dataset, split=split, out=out, limit=limit, progress=bar
            )
    if update_baseline:
        return _update(session.screen, made, baseline)
    if gate:
        return _gate(session.screen, made, baseline, as_json=as_json)
    _show(session.screen, made, as_json=as_json)
    return Exit.ANSWERED


@app.command()
def sweep(
    ctx: typer.Context,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="NAME=VALUE,...",
            help="What to vary, such as top_k=5,8; repeated, every combination is asked.",
        ),
    ] = None,
    measure: Annotated[str, typer.Option(help="The measure that decides.")] = "good",
    dataset: Dataset = None,
    split: OfSplit = None,
    limit: Limit = None,
    out: Out = None,
    as_json: Json = False,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Ask the same questions with other settings, and say which differences are real.

    Varied by default, one at a time: passage_tokens=96,160,256 overlap_sentences=0,1 top_k=5,8
    lexical_weight=0.2,0.4,0.6 method=convex,fusion. Can be varied: passage_tokens,
    overlap_sentences, top_k, strictness, encoder, reader, method (dense, lexical, rrf, convex, or
    fusion, which is convex and reranked sentence by sentence), lexical_weight.
    Stopped, it goes on where it was when it is called again.
    """
    session: Session = ctx.obj
    varied = _grid(grid or _USUAL_GRID)
    settings = settings_for(session, seeds=seeds, index=index)
    with opened(session, settings) as rag, session.screen.progress() as bar:
        made = session.doors.sweep(
            rag,
            settings,
            varied,
            dataset_path=dataset,
            split=split,
            limit=limit,
            out=out,
            measure=measure,
            combined=bool(grid),
            progress=bar,
        )
    _show(session.screen, made, as_json=as_json)
    return Exit.ANSWERED


@app.command()
def draft(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="As `rag sources` names them; by default all."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", dir_okay=False, help="The table; must not exist.")
    ] = Path("questions.csv"),
    n: Annotated[int, typer.Option("-n", "--n", min=1, help="At most so many questions.")] = 50,
    seeds: Seeds = None,
    index: Index = None,
) -> int:
    """Draft questions on your own documents, for you to correct and then ask.

    By rules, without a language model. Some are made to have no answer; look at these first.
    """
    from rag.evaluation.draft import draft_questions, write_questions

    session: Session = ctx.obj
    with opened(session, settings_for(session, seeds=seeds, index=index)) as rag:
        names = sources or [info.source_id for info in rag.sources()]
        examples = draft_questions(map(rag.source, names), n=n)
    write_questions(examples, out)
    session.screen.note(
        f"{len(examples)} questions are in {out}. Correct them, then: rag eval --dataset {out}"
    )
    return Exit.ANSWERED


@app.command()
def benchmark(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(exists=True, help="A file or a BEIR folder.")],
    mode: Annotated[
        Literal["reading", "corpus", "answers"] | None,
        typer.Option(
            help="SQuAD: read each question's passage, search all as one corpus, or ask it all."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Only so many, evenly over their sorts.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    as_json: Json = False,
) -> int:
    """Measure on a public collection: SQuAD, BEIR, support pairs, CANARD, mtRAG.

    Nothing is downloaded; what the path holds is recognised.
    """
    from rag.cli.render import Line
    from rag.evaluation.benchmarks import run_benchmark

    session: Session = ctx.obj
    with session.screen.progress() as bar:
        made = run_benchmark(
            path,
            mode=mode,
            sample=sample,
            seed=seed,
            settings=settings_for(session),
            progress=bar,
        )
    if as_json:
        session.screen.show_json(made.to_dict())
    else:
        session.screen.show([Line.of(made.to_markdown())])
    return Exit.ANSWERED


def _refuse_options_before(ctx: typer.Context, command: str) -> None:
    """Options before a sub-command would be lost without a word."""
    if given := _given(ctx):
        raise typer.BadParameter(
            f"{' and '.join(given)} must stand behind {command}: rag eval {command} {given[0]} ..."
        )


def _refuse_beside(ctx: typer.Context, name: str, *, allowed: Collection[str]) -> None:
    if others := _given(ctx, except_for={name, *allowed}):
        raise typer.BadParameter(
            f"--{name} asks nothing, so {' and '.join(others)} has no meaning."
        )


def _given(ctx: typer.Context, *, except_for: Collection[str] = ()) -> list[str]:
    """Return the options that were given on the command line, as they are typed."""
    return [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name not in except_for
        and getattr(ctx.get_parameter_source(parameter.name), "name", "") == "COMMANDLINE"
    ]


def _show(screen: Screen, made: Showable, *, as_json: bool) -> None:
    if as_json:
        screen.show_json(made.to_dict())
    else:
        screen.show_report(made)


def _compare(screen: Screen, before: Path, after: Path, *, as_json: bool) -> int:
    from rag.evaluation.compare import compare_runs
    from rag.evaluation.run import load_run

    _show(screen, compare_runs(load_run(before), load_run(after)), as_json=as_json)
    return Exit.ANSWERED


def _gate(screen: Screen, made: EvaluationReport, baseline: Path, *, as_json: bool) -> int:
    from rag.evaluation.gate import check, load_baseline

    decision = check(made, load_baseline(baseline), name=baseline.as_posix())
    _show(screen, decision, as_json=as_json)
    return Exit.FAILURE if decision.lost else Exit.ANSWERED


def _update(screen: Screen, made: EvaluationReport, baseline: Path) -> int:
    from rag.evaluation.gate import baseline_of

    baseline_of(made).write(baseline)
    screen.note(f"{made.run} is the baseline now: {baseline}, {made.n} questions.")
    return Exit.ANSWERED


def _grid(axes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read `name=value,value` options."""
    grid: dict[str, tuple[str, ...]] = {}
    for axis in axes:
        name, equals, values = axis.partition("=")
        if not equals or name in grid:
            raise typer.BadParameter(
                f"Wanted each name once, as in top_k=5,8, got {axis!r}.", param_hint="--grid"
            )
        grid[name.strip()] = tuple(filter(None, (value.strip() for value in values.split(","))))
    return grid
