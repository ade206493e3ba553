"""What developers measure: `python -m eval.benchmarks run`, `sweep`, and `all`, which `make bench` calls.

Commands that need arguments of their own are modules: `python -m eval.benchmarks.search --help`. They run in the
repository's root and end with the exit codes of `rag`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from eval.benchmarks.runner import WAYS, run_benchmark
from eval.benchmarks.sweep import run_sweep
from rag.cli import main
from rag.cli.evaluation import Dataset, Limit, OfSplit, Out, show
from rag.cli.options import Config, Index, Json, Seeds, opened, settings_for
from rag.cli.render import Paragraph
from rag.cli.session import Doors, Exit, Session

NAME = "python -m eval.benchmarks"
USUAL_GRID = (
    "passage_tokens=96,160,256",
    "overlap_sentences=0,1",
    "top_k=5,8",
    "lexical_weight=0.2,0.4,0.6",
    "method=convex,fusion",
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkDoors(Doors):
    """What these commands call beside what `rag` calls."""

    sweep: Callable[..., Any] = run_sweep


@app.callback()
def _common(config: Config = None) -> None:
    """Measure on public collections, over settings, and speed."""


@app.command()
def run(
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
    ways: Annotated[
        str, typer.Option(help="What is compared on a corpus; rrf can be added.")
    ] = ",".join(WAYS),
    as_json: Json = False,
) -> int:
    """Measure on a public collection: SQuAD, BEIR, support pairs, CANARD, mtRAG.

    Nothing is downloaded; what the path holds is recognised.
    """
    session: Session = ctx.obj
    with session.screen.progress() as bar:
        made = run_benchmark(
            path,
            mode=mode,
            sample=sample,
            seed=seed,
            ways=ways.split(","),
            settings=settings_for(session),
            progress=bar,
        )
    if as_json:
        session.screen.show_json(made.to_dict())
    else:
        session.screen.show([Paragraph.of(made.to_markdown())])
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
    varied = read_grid(grid or USUAL_GRID)
    settings = settings_for(session, seeds=seeds, index=index)
    with opened(session, settings) as rag, session.screen.progress() as bar:
        made = session.doors.sweep(  # type: ignore[attr-defined]
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
    show(session.screen, made, as_json=as_json)
    return Exit.ANSWERED


@app.command("all")
def run_all(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Laid out as below.")],
    questions: Annotated[int, typer.Option(help="Of SQuAD, for retrieval and reading.")] = 2000,
) -> int:
    """Run each benchmark as a process of its own.

    The data folder holds reading/squad2_dev.json.gz, retrieval/time, retrieval/cranfield,
    conversation/canard_dev.json.gz, support/, security/. What is missing in it is left out, and said.
    """
    for title, needed, (module, *rest) in _steps(data, questions):
        print(f"\n## {title}\n", flush=True)
        if needed is not None and not needed.exists():
            print(f"Left out: {needed} is not there.")
            continue
        of_module = ["eval.benchmarks", "run"] if module == "run" else [f"eval.benchmarks.{module}"]
        subprocess.run([sys.executable, "-m", *of_module, *rest], check=True)  # noqa: S603
    return Exit.ANSWERED


def _steps(data: Path, questions: int) -> list[tuple[str, Path | None, list[str]]]:
    """Return title, needed file and command of each step."""
    squad = data / "reading" / "squad2_dev.json.gz"
    canard = data / "conversation" / "canard_dev.json.gz"
    support, security = data / "support", data / "security"
    corpus = ["--mode", "corpus", "--ways", ",".join((*WAYS, "rrf"))]
    sample = ["--sample", str(questions)]
    return [
        ("Whole processes, and files that did not change", None, ["process"]),
        ("Encoding 2,000 passages", squad, ["encode", str(squad)]),
        ("Changing 1,000 and 100,000 passages", None, ["growth"]),
        ("Searching 100,000 passages", squad, ["search", "--data", str(squad)]),
        ("A question at 100,000 passages", squad, ["question", "--data", str(squad)]),
        ("Retrieval", squad, ["run", str(squad), *corpus, *sample]),
        *(
            (f"Retrieval, {name}", data / "retrieval" / name,
             ["run", str(data / "retrieval" / name), *corpus])
            for name in ("time", "cranfield")
        ),
        ("Reading", squad, ["run", str(squad), "--mode", "reading", *sample]),
        ("The time of reading", squad, ["reading_time", str(squad)]),
        ("Typed in haste", squad, ["spelling", str(squad)]),
        ("Opening the page", None, ["page"]),
        ("An idle server, and fifty people", None, ["crowd"]),
        ("Eight people at the same moment", None, ["crowd", "--people", "8", "--pause", "0"]),
        ("Follow-ups", canard, ["followups", str(canard)]),
        ("Verdicts by rules", support, ["verdicts", str(support)]),
        ("An obedient model", security, ["obedience", str(security)]),
    ]  # fmt: skip


def read_grid(axes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read `name=value,value` options.

    Raises:
        typer.BadParameter: a name has no values, or is given twice.
    """
    grid: dict[str, tuple[str, ...]] = {}
    for axis in axes:
        name, equals, values = axis.partition("=")
        if not equals or name in grid:
            raise typer.BadParameter(
                f"Wanted each name once, as in top_k=5,8, got {axis!r}.", param_hint="--grid"
            )
        grid[name.strip()] = tuple(filter(None, (value.strip() for value in values.split(","))))
    return grid


if __name__ == "__main__":
    sys.exit(main(doors=BenchmarkDoors(), command=app, name=NAME))
