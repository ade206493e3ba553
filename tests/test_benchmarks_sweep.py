"""Sweeps: every cell once, resumed after a stop, and only what is real called so."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from eval.benchmarks.significance import holm, randomization_p
from eval.benchmarks.sweep import Cell, SweepReport, cells_of, run_sweep, weights_of
from rag.errors import DatasetError, SettingsError
from rag.evaluation.dataset import example_to_dict
from rag.pipeline import Rag
from rag.retrieval import Weights
from rag.schema import Answer
from rag.settings import Settings
from tests.evaluation_fakes import ScriptedPipeline, abstaining, repeated, right

QUESTIONS = repeated(8)
PRESENT = Settings()
GRID = {"top_k": ("5", "8"), "strictness": ("0.5", "1")}


class Cells:
    """Opens a scripted pipeline for each cell, and remembers which."""

    def __init__(self, answer: Callable[[Cell], Callable[[str], Answer]] = lambda _: right) -> None:
        self._answer = answer
        self.opened: list[str] = []

    @contextmanager
    def __call__(self, cell: Cell, _: object) -> Iterator[ScriptedPipeline]:
        self.opened.append(cell.name)
        yield ScriptedPipeline(answer=self._answer(cell))


@pytest.fixture(name="questions")
def _questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    lines = [json.dumps(example_to_dict(example)) for example in QUESTIONS]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _sweep(questions: Path, cells: Cells, out: Path | None = None, **options) -> SweepReport:
    return run_sweep(
        ScriptedPipeline(),
        PRESENT,
        options.pop("grid", GRID),
        dataset_path=questions,
        out=out or questions.parent / "sweep",
        open_cell=cells,
        **options,
    )


def test_the_grid_is_every_combination_and_the_present():
    """The present settings come first, and a combination that is them is not made twice."""
    cells = cells_of(PRESENT, GRID)
    assert [
        "present", "top_k=5,strictness=0.5", "top_k=5,strictness=1", "top_k=8,strictness=1",
    ] == [cell.name for cell in cells]  # fmt: skip
    assert [(8, 0.5), (5, 0.5), (5, 1.0), (8, 1.0)] == [
        (cell.settings.top_k, cell.settings.strictness) for cell in cells
    ]


def test_a_grid_can_be_tried_one_value_at_a_time():
    """Each value changes the present settings alone, so that cells are as many as values."""
    cells = cells_of(PRESENT, GRID, combined=False)
    assert ["present", "top_k=5", "strictness=1"] == [cell.name for cell in cells]


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({"seeds_dir": ("x",)}, DatasetError, "'seeds_dir' cannot be varied; there are: passage_"),
        ({"top_k": ()}, DatasetError, "'top_k' has no values"),
        ({"top_k": ("0",)}, SettingsError, "top_k"),
        ({"method": ("best",)}, DatasetError, "wants one of dense, lexical"),
        ({"lexical_weight": ("2",)}, DatasetError, "from 0 to 1, got '2'"),
        ({"lexical_weight": ("much",)}, DatasetError, "from 0 to 1, got 'much'"),
        ({}, DatasetError, "wants 1 to 200 cells"),
        ({"top_k": tuple(map(str, range(1, 51))), "strictness": tuple("0 .1 .2 .3 .4".split())},
         DatasetError, "this grid has 250"),
        ({"top_k": ("8",)}, DatasetError, "nothing but the present"),
    ],
)  # fmt: skip
def test_a_grid_that_cannot_be_meant_is_refused(grid, error, message):
    """Unknown names, impossible values and grids of no or too many cells are told in a sentence."""
    with pytest.raises(error, match=message):
        cells_of(PRESENT, grid)


def test_cells_that_do_not_differ_are_called_the_same(questions):
    """Where every cell answers alike nothing is real, and nothing is said to be."""
    report = _sweep(questions, Cells())
    assert {"present", "same"} == {one.verdict for one in report.results}
    assert "None is really better" in report.summary


def test_real_differences_are_told_from_chance(questions):
    """A cell that wins or loses much is better or worse, and one that differs a little is neither."""
    present = lambda q: right(q) if "engines" in q else abstaining(q)  # noqa: E731
    answers = {"5": abstaining, "6": _right_once(), "7": right}
    answer = lambda cell: answers.get(cell.choice.get("top_k", ""), present)  # noqa: E731
    report = _sweep(questions, Cells(answer), grid={"top_k": ("5", "6", "7")})
    assert {"top_k=5": "worse", "top_k=6": "", "top_k=7": "better", "present": "present"} == {
        one.cell.name: one.verdict for one in report.results
    }
    assert "top_k=7" == report.results[0].cell.name
    assert "Really better than the present settings: top_k=7. Really worse: 1" in report.summary


def _right_once() -> Callable[[str], Answer]:
    """Be right on engines, and once more."""
    asked: list[str] = []

    def answer(question: str) -> Answer:
        asked.append(question)
        known = "engines" in question or len(asked) == 1
        return right(question) if known else abstaining(question)

    return answer


def test_p_is_corrected_for_the_number_of_cells(questions):
    """The p-values are the randomization test's on the same questions, after Holm."""
    report = _sweep(
        questions,
        Cells(lambda cell: abstaining if cell.choice.get("top_k") == "5" else right),
        grid={"top_k": ("5", "6", "7")},
    )
    # Sixteen of forty questions are to be abstained from; the other 24 are lost.
    lost = randomization_p([-1.0] * 24 + [0.0] * 16)
    wanted = dict(zip(("top_k=5", "top_k=6", "top_k=7"), holm([lost, 1.0, 1.0]), strict=True))
    assert wanted | {"present": 1.0} == {one.cell.name: one.p for one in report.results}
    worst = report.results[-1]
    assert ("top_k=5", "worse", -0.6) == (
        worst.cell.name,
        worst.verdict,
        pytest.approx(worst.difference.value),
    )


def test_finished_cells_are_not_asked_again(questions):
    """A second call opens nothing and reports the same."""
    first = _sweep(questions, Cells())
    again = Cells()
    assert first == _sweep(questions, again)
    assert [] == again.opened


def test_a_stopped_sweep_goes_on(questions):
    """Cells before the stop are kept, half a cell is completed, and the rest is asked."""
    asked = []

    def stopping(_: Cell) -> Callable[[str], Answer]:
        def answer(question: str) -> Answer:
            asked.append(question)
            if len(asked) == len(QUESTIONS) + 7:
                raise KeyboardInterrupt
            return right(question)

        return answer

    with pytest.raises(KeyboardInterrupt):
        _sweep(questions, Cells(stopping))
    told = []
    rest = Cells()
    report = _sweep(questions, rest, progress=lambda *heard: told.append(heard))
    assert ["top_k=5,strictness=0.5", "top_k=5,strictness=1", "top_k=8,strictness=1"] == rest.opened
    assert 4 == len(report.results)
    assert ("questions of all choices", 160, 160) == told[-1]
    assert ("questions of all choices", 40, 160) == told[0]


def test_the_usual_folder_is_found_again_and_is_of_this_sweep_only(
    questions, monkeypatch, tmp_path
):
    """Without --out the same call goes on in the same folder, and another grid in another."""
    monkeypatch.chdir(tmp_path)

    def folder(grid: dict[str, tuple[str, ...]]) -> str:
        return run_sweep(
            ScriptedPipeline(), PRESENT, grid, dataset_path=questions, open_cell=Cells()
        ).folder

    assert folder(GRID) == folder(GRID)
    assert folder(GRID) != folder({"top_k": ("5",)})
    assert folder(GRID).startswith(f"eval/runs/sweep-{tmp_path.name}-")


def test_a_measure_that_does_not_apply_is_refused(questions, tmp_path):
    """An unknown measure, or one that no question has, is told instead of a table of nothing."""
    with pytest.raises(DatasetError, match="There is no measure 'best'; there are: good"):
        _sweep(questions, Cells(), measure="best")
    bare = tmp_path / "bare.csv"
    bare.write_text("question\nWho wrote notes?\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="applies to none of these questions"):
        _sweep(bare, Cells())


def test_every_form_shows_every_cell(questions):
    """Terminal, Markdown and JSON name each cell with its figures."""
    answer = lambda cell: abstaining if cell.choice.get("top_k") == "5" else right  # noqa: E731
    report = _sweep(questions, Cells(answer))
    out = io.StringIO()
    report.print(Console(file=out, width=250))
    plain = json.loads((questions.parent / "sweep/sweep.json").read_text(encoding="utf-8"))
    assert plain == json.loads(json.dumps(report.to_dict(), allow_nan=False))
    markdown = (questions.parent / "sweep/sweep.md").read_text(encoding="utf-8")
    assert markdown == report.to_markdown()
    for text in (out.getvalue(), markdown):
        for one in report.results:
            assert one.cell.name.replace(",", ", ") in text
        assert "-60.0 [" in text
        assert "worse" in text


def test_weights_keep_their_proportions():
    """The usual part of words gives the usual weights, and every part weights that add up to 1."""
    usual = Weights()
    words = usual.sentence_lexical + usual.passage_lexical
    assert pytest.approx(_parts(usual)) == _parts(weights_of(words))
    for lexical in (0.0, 0.3, 1.0):
        weights = _parts(weights_of(lexical))
        assert pytest.approx(1.0) == sum(weights)
        assert pytest.approx(lexical) == weights[1] + weights[3]


def _parts(weights: Weights) -> list[float]:
    """Return sentence and passage weights, vectors before words."""
    return [
        weights.sentence_dense,
        weights.sentence_lexical,
        weights.passage_dense,
        weights.passage_lexical,
    ]


@pytest.mark.model
def test_real_cells_have_indexes_of_their_own(tmp_path):
    """Other passages and rankings are tried on the same sources, and the person's index stays as it is."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    text = "The harbour was built in 1871. Its owner is the city of Oslo. Ships pay by weight. " * 4
    (seeds / "harbour.txt").write_text(text, encoding="utf-8")
    (tmp_path / "q.csv").write_text(
        "question,answers,evidence,answerable\n"
        "When was the harbour built?,1871,The harbour was built in 1871.,\n"
        "Quo vadis?,,,no\n",
        encoding="utf-8",
    )
    settings = Settings(seeds_dir=seeds, index_dir=tmp_path / "index")
    with Rag.open(settings) as rag:
        before = _files(tmp_path / "index")
        report = run_sweep(
            rag,
            settings,
            {"passage_tokens": ("48", "160"), "method": ("lexical", "fusion"), "lexical_weight": ("0.9",)},
            dataset_path=tmp_path / "q.csv",
            out=tmp_path / "sweep",
            measure="RR@10",
        )  # fmt: skip
        assert before == _files(tmp_path / "index")
    assert 5 == len(report.results)
    assert 2 == len(list((tmp_path / "sweep/indexes").iterdir()))
    answered = {one.cell.name: _records(one.folder) for one in report.results}
    for name, (_, foreign) in answered.items():
        # Words alone find nothing that shares none.
        assert ("method=lexical" in name) == (foreign["retrieved"] == []), name
    found = {name: records[0] for name, records in answered.items()}
    shortest = {
        name: min(p["end"] - p["start"] for p in record["retrieved"])
        for name, record in found.items()
    }
    small, usual = (f"passage_tokens={n},method=fusion,lexical_weight=0.9" for n in (48, 160))
    assert shortest[small] < shortest[usual]
    scores = {name: [p["score"] for p in record["retrieved"]] for name, record in found.items()}
    assert scores[usual] != scores["present"]


def _records(run: Path) -> list[dict]:
    lines = (run / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }
