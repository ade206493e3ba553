"""`rag eval` and its sub-commands: question sets asked, measured, compared and gated.

Without a sub-command it asks a set of questions. What figures mean is decided in `rag.evaluation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import typer

from rag.cli.options import Index, Json, Seeds, opened, settings_for
from rag.cli.render import Report
from rag.cli.session import Exit, Session

if TYPE_CHECKING:
    from collections.abc import Collection

    from rag.cli.render import Screen
    from rag.evaluation import EvaluationReport
    from rag.settings import Settings

_BASELINE = Path("eval/baseline.json")
_MOVED = {
    "sweep": "python -m eval.benchmarks sweep",
    "benchmark": "python -m eval.benchmarks run",
}

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
        help="Questions and answers, .csv or .jsonl; by default the project's own sets.",
    ),
]
OfSplit = Annotated[
    Literal["dev", "test", "all"] | None,
    typer.Option(
        "--split", help="Which half; by default dev of the project's questions, all of your own."
    ),
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Ask only so many of a set, spread over it.")
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
        asked = _Asked(session=session, split=split, limit=limit)
        settings = settings_for(session, seeds=seeds, index=index)
        made = asked.of(settings, dataset, out) if dataset else asked.of_shipped(settings, out)
    if update_baseline:
        return _update(session.screen, made, baseline)
    if gate:
        return _gate(session.screen, made, baseline, as_json=as_json)
    show(session.screen, made, as_json=as_json)
    return Exit.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """How many questions are asked, and of which half."""

    session: Session
    split: str | None
    limit: int | None

    def of(
        self,
        settings: Settings,
        dataset: Path | None,
        out: Path | None,
        *,
        split: str | None = None,
        rebuild: bool = False,
    ) -> EvaluationReport:
        """Ask one set of questions on the documents of the settings."""
        with (
            opened(self.session, settings, rebuild=rebuild, asks=True) as rag,
            self.session.screen.progress() as bar,
        ):
            made: EvaluationReport = self.session.doors.evaluate(
                rag, dataset, split=self.split or split, out=out, limit=self.limit, progress=bar
            )
        return made

    def of_shipped(self, settings: Settings, out: Path | None) -> EvaluationReport:
        """Ask the project's own sets: the article on the documents of the settings, the others on theirs."""
        from rag.evaluation import RUNS, SHIPPED, joined

        others = [one for one in SHIPPED if one.questions.exists() and one.sources.is_dir()]
        if settings.collection:
            own_set = settings.collections_dir / settings.collection / "questions.csv"
            return self.of(settings, own_set, out)
        if not others:
            return self.of(settings, None, out)
        reports = {"article": self.of(settings, None, out / "article" if out else None)}
        for one in others:
            index = RUNS / "indexes" / one.name
            own = settings_for(self.session, seeds=one.sources, index=index)
            folder = out / one.name if out else None
            # An index that an earlier program left there would be that program's, in part.
            reports[one.name] = self.of(own, one.questions, folder, split="dev", rebuild=True)
        return joined(reports)


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


def _refuse_moved(ctx: typer.Context) -> None:
    """Say where a developers' command has gone."""
    raise typer.BadParameter(
        f"This is a command for developers, in a checkout of the program: {_MOVED[ctx.info_name or '']}"
    )


for _name in _MOVED:
    app.command(
        _name,
        hidden=True,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )(_refuse_moved)


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


def show(screen: Screen, made: Showable, *, as_json: bool) -> None:
    """Print a report as JSON, or for people."""
    if as_json:
        screen.show_json(made.to_dict())
    else:
        screen.show_report(made)


def _compare(screen: Screen, before: Path, after: Path, *, as_json: bool) -> int:
    from rag.evaluation.comparison import compare_runs
    from rag.evaluation.run import load_run

    show(screen, compare_runs(load_run(before), load_run(after)), as_json=as_json)
    return Exit.ANSWERED


def _gate(screen: Screen, made: EvaluationReport, baseline: Path, *, as_json: bool) -> int:
    from rag.evaluation.gate import check_gate, load_baseline

    decision = check_gate(made, load_baseline(baseline), name=baseline.as_posix())
    show(screen, decision, as_json=as_json)
    return Exit.FAILURE if decision.lost else Exit.ANSWERED


def _update(screen: Screen, made: EvaluationReport, baseline: Path) -> int:
    from rag.evaluation.gate import baseline_of

    baseline_of(made).write(baseline)
    screen.note(f"{made.run} is the baseline now: {baseline}, {made.n} questions.")
    return Exit.ANSWERED
