"""The training of the support model: what it learns from, and that a run can be stopped and shipped."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks.collection import SupportPair
from rag.embedding.onnx import SHIPPED
from rag.reader.support import open_support
from tests.deferred import Deferred
from tests.training_fakes import save_reading_data, save_tiny_bert
from training.reader.batches import CLS, SEP
from training.reader.data import load_tokenizer
from training.reader.squad import Article, Judged, Paragraph, Question, read_articles
from training.support.crossed import Pair
from training.support.data import (
    STRANGERS,
    Pairs,
    batches,
    encode,
    held_out_groups,
    judged_articles,
    made_groups,
    training_articles,
    without_judged,
)
from training.support.evaluation import best_threshold, judging, read_pairs, scores
from training.support.marks import BORNE_OUT, UNKNOWN, WRONG

pytestmark = [
    pytest.mark.slow,  # torch and transformers take seconds to import
    pytest.mark.skipif(
        find_spec("sklearn") is None, reason="comes with `make .venv/.ready-training`"
    ),
]

torch = Deferred("torch")
reader_export = Deferred("training.reader.export")
reader_model = Deferred("training.reader.model")
reader_train = Deferred("training.reader.train")
average = Deferred("training.support.average")
export = Deferred("training.support.export")
support_model = Deferred("training.support.model")
train = Deferred("training.support.train")

TOKENIZER = SHIPPED / "tokenizer.json"
TOLD = [Pair("Ada left.", "She is in Rome.", True, "x"), Pair("Ada left.", "Lima.", False, "x")]
"""Pairs that one word of the evidence tells apart."""


@cache
def tokenizer():
    """The tokenizer of the data and the model."""
    return load_tokenizer(TOKENIZER)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A set to train on."""
    return save_reading_data(tmp_path_factory.mktemp("reading"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    """A BERT that a test can train."""
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def groups(data) -> list[list[Pair]]:
    """All pairs that are made of the set."""
    return list(made_groups(read_articles(data), seed=0))


@pytest.fixture(scope="module")
def pairs(groups) -> Pairs:
    """The same as word pieces."""
    return encode(groups, tokenizer(), {})


def claims_file(path: Path, *rows: tuple[str, str, str]) -> Path:
    """Save claims with evidence and label."""
    lines = (
        json.dumps(dict(zip(("claim", "evidence", "label"), row, strict=True))) for row in rows
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_what_is_judged_is_not_trained_on(data, tmp_path):
    """Neither a paragraph that a judged evidence or claim was copied from, nor a judged claim is left."""
    articles = read_articles(data)
    evidence, claim = (articles[i].paragraphs[0].text for i in (0, 1))
    judged = claims_file(
        tmp_path / "judged.jsonl",
        ("Nobody was there.", f"As was said: {evidence}", "not_supported"),
        (claim, "Nothing is known.", "not_supported"),
    )
    judge = Judged(judged_articles(judged))

    found, shared = training_articles([data], judge, seed=0)

    assert 2 == judge.overlap(articles).paragraphs
    assert not judge.overlap(found)
    assert {data.name} == shared.keys()
    assert found


def test_a_claim_that_happens_to_be_judged_is_not_trained_on(groups, tmp_path):
    """A made claim with the words of a judged one is left out, with all that was made beside it."""
    stolen = groups[0][0].claim
    judged = claims_file(tmp_path / "judged.jsonl", (stolen.upper(), "Nothing.", "supported"))

    left = list(without_judged(groups, Judged(judged_articles(judged))))

    assert 0 < len(left) < len(groups)
    assert stolen not in {pair.claim for group in left for pair in group}


def test_held_out_articles_are_not_trained_on(data):
    """What calibrates and what trains are made of different articles."""
    held = {pair.evidence for group in held_out_groups([data], seed=0) for pair in group}
    articles, _ = training_articles([data], Judged(()), seed=0)
    trained = {pair.evidence for group in made_groups(articles, seed=0) for pair in group}

    assert held
    assert trained
    assert not held & trained


def test_the_same_seed_makes_the_same_pairs(data, groups):
    """What is made is a function of the data and the seed, whatever else was made before."""
    again = list(made_groups(read_articles(data), seed=0))
    alone = list(made_groups(read_articles(data), seed=1))

    assert groups == again
    assert groups != alone


def test_a_changed_claim_tells_nothing_by_itself(groups):
    """In a whole group of a change, each claim and each evidence is once supported and once not.

    Of a talk it is claimed too what its other speaker did not say.
    """
    whole = [one for one in groups if len(one) == 4 and len({pair.evidence for pair in one}) == 2]
    whole = [one for one in whole if one[0].kind != "talk"]

    assert whole
    for group in whole:
        for side in ("claim", "evidence"):
            told = Counter((getattr(pair, side), pair.supported) for pair in group)
            assert {1} == set(told.values())
            assert 4 == len(told)


def test_about_half_of_what_is_made_is_supported(groups):
    """Neither class is rare."""
    share = np.mean([pair.supported for group in groups for pair in group])

    assert 0.35 < share < 0.7


@given(first=st.integers(0, 60), pieces=st.sampled_from([300, 700]), seed=st.integers(0, 3))
def test_any_step_can_be_the_first(pairs, first, pieces, seed):
    """The batches from a step on are those that come there anyway, whatever the epoch."""
    whole = list(islice(batches(pairs, seed=seed, pieces=pieces), first + 2))
    resumed = list(islice(batches(pairs, seed=seed, pieces=pieces, first=first), 2))

    for one, other in zip(whole[first:], resumed, strict=True):
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.start, other.start)


def test_an_epoch_has_every_pair_once(pairs):
    """No pair is left out of an epoch, none comes twice, and each has its own label; beside them come strangers."""
    wanted, found = Counter(), Counter()
    for claim, evidence, supported, _ in pairs.rows.tolist():
        wanted[(*pairs.texts[claim], SEP, *pairs.texts[evidence], bool(supported))] += 1
    for batch in batches(pairs, seed=0, pieces=900):
        for row, mask, start in zip(batch.ids, batch.mask, batch.start, strict=True):
            assert CLS == row[0]
            found[(*row[1 : mask.sum() - 1].tolist(), bool(start))] += 1
        if (found & wanted).total() == len(pairs.rows):
            break

    strangers = found - wanted
    assert wanted == found - strangers
    assert 0 < strangers.total() <= STRANGERS * len(pairs.rows)
    assert not any(key[-1] for key in strangers)


def test_what_is_wrong_is_marked_where_it_stands(pairs):
    """Every claim's marks lie on the claim, and a supported one has nothing wrong."""
    for batch in islice(batches(pairs, seed=0, pieces=900), 20):
        claims = (batch.types == 0) & (batch.mask == 1) & (batch.ids != CLS) & (batch.ids != SEP)
        assert not (batch.wrong != UNKNOWN)[~claims].any()
        assert not (batch.wrong == WRONG)[batch.start > 0].any()
        assert (batch.wrong == BORNE_OUT)[(batch.start > 0)[:, None] & claims].all()


def test_a_pair_too_long_to_be_read_whole_is_left_out():
    """Of an evidence that is cut off nobody knows whether it supports."""
    group = [
        Pair("Ada was in Rome.", "Rain fell. " * 200 + "Ada was in Rome.", True, "x"),
        Pair("Ada was in Rome.", "Ada was in Rome.", True, "x"),
    ]

    assert 1 == len(encode([group], tokenizer(), {}).rows)


def knows_rome(batch):
    """A model to which Rome in the evidence is worth 2, and Oslo in the claim costs 4."""
    rome, oslo = (tokenizer().token_to_id(name) for name in ("rome", "oslo"))
    said = 2.0 * ((batch.ids == rome) & (batch.types == 1)).any(axis=1)
    said -= 4.0 * ((batch.ids == oslo) & (batch.types == 0)).any(axis=1)
    return said.astype(np.float32)


def test_a_claim_is_as_good_as_its_worst_sentence_and_its_evidence_as_its_best_part():
    """Sentences of a claim are judged one by one, an evidence by windows that reach its end."""
    rain = "Rain fell on the hills. " * 120
    judged = judging(
        [
            SupportPair(claim="She left.", evidence=f"{rain} Ada was in Rome.", label="supported"),
            SupportPair(claim="She left.", evidence=rain, label="partial"),
            SupportPair(claim="She left. He was in Oslo.", evidence="Rome.", label="supported"),
        ],
        tokenizer(),
    )

    assert (True, False, True) == judged.true
    assert [2.0, 0.0, -2.0] == scores(knows_rome, judged).tolist()


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=2, max_size=30))
def test_the_best_threshold_is_no_worse_than_saying_the_same_of_all(rows):
    """Wherever both classes are there, the threshold parts them at least as well as chance."""
    said, true = np.array([float(a) for a, _ in rows]), [b for _, b in rows]
    if len(set(true)) == 2:
        at = best_threshold(said, true)
        hits = np.mean([a >= at for a, b in zip(said, true, strict=True) if b])
        alarms = np.mean([a >= at for a, b in zip(said, true, strict=True) if not b])
        assert (hits + 1 - alarms) / 2 >= 0.5


def test_news_are_a_set_of_their_own_and_brackets_are_plain(tmp_path):
    """What a file calls news is read apart; `-LRB-` is a bracket."""
    path = tmp_path / "some.jsonl"
    rows = [("news", "a -LRB- b -RRB-"), ("email", "c")]
    path.write_text(
        "\n".join(
            json.dumps({"claim": text, "evidence": "e", "label": "supported", "domain": domain})
            for domain, text in rows
        ),
        encoding="utf-8",
    )

    found = read_pairs(path)

    assert {"some_news": ["a ( b )"], "some": ["c"]} == {
        name: [one.claim for one in pairs] for name, pairs in found.items()
    }


def run(data, bert, out, *more) -> None:
    """Train as the command line does."""
    train.main(
        [
            *("--data", str(data), "--judged", str(data.with_name("squad2_dev.json"))),
            *("--weights", str(bert), "--out", str(out), "--threads", "1", "--pieces", "400"),
            *("--sample", "8", "--evaluate-every", "1000", "--device", "cpu", *more),
        ]
    )


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(data, bert, tmp_path):
    """Stopped after 2 steps and taken up again, 5 steps give bit for bit what 5 in one go give."""
    run(data, bert, tmp_path / "whole", "--steps", "5", "--dropout", "0.1")
    run(data, bert, tmp_path / "parts", "--steps", "2", "--dropout", "0.1")
    run(data, bert, tmp_path / "parts", "--steps", "5", "--dropout", "0.1")

    whole, parts = (tmp_path / name / reader_train.CHECKPOINT for name in ("whole", "parts"))
    one, other = reader_model.read_tensors(whole), reader_model.read_tensors(parts)
    assert reader_model.about(whole) == reader_model.about(parts)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_is_not_taken_up_with_another_recipe(data, bert, tmp_path):
    """Other options than the run began with are refused, and what to do is said."""
    run(data, bert, tmp_path, "--steps", "1")

    with pytest.raises(SystemExit, match="another --out"):
        run(data, bert, tmp_path, "--steps", "2", "--rate", "1e-5")


def test_a_run_can_begin_with_another_s_weights(data, bert, tmp_path):
    """A network that begins with a checkpoint has its weights, and not those of another seed."""
    run(data, bert, tmp_path, "--steps", "2")
    recipe = reader_model.recipe_of(tmp_path / reader_train.CHECKPOINT)

    begun = support_model.new_network(
        bert, recipe, begin=tmp_path / reader_train.CHECKPOINT
    ).answer.weight

    assert torch.equal(
        reader_model.read_tensors(tmp_path / reader_train.CHECKPOINT)["weight/answer.weight"], begun
    )
    assert not torch.equal(support_model.new_network(bert, recipe).answer.weight, begun)


def test_an_evidence_is_read_closely():
    """Beside the whole, each sentence with most of the claim's words alone and amid its neighbours, none twice."""
    pair = SupportPair(claim="Kim slept.", evidence="It rained. Kim slept.", label="supported")
    pieces = load_tokenizer(TOKENIZER)

    def read(*, closely):
        windows = judging([pair], pieces, closely=closely).windows
        return [pieces.decode([int(one) for one in window.evidence]) for window in windows]

    assert ["it rained. kim slept."] == read(closely=False)
    assert ["it rained. kim slept.", "kim slept.", "it rained."] == read(closely=True)


@pytest.mark.parametrize("precision", ["--bf16", "--no-bf16"])
def test_layers_can_stay_as_they_are(data, bert, tmp_path, precision):
    """What is frozen is what the run began with, to the last bit, and its checkpoint has it all the same."""
    run(data, bert, tmp_path, "--steps", "2", "--freeze-layers", "1", precision)
    kept = reader_model.weights_of(tmp_path / reader_train.CHECKPOINT)

    before = support_model.new_network(
        bert, reader_model.recipe_of(tmp_path / reader_train.CHECKPOINT)
    ).state_dict()

    layers = [name for name in kept if name.startswith("encoder.encoder.layer.0.")]
    assert layers
    assert all(torch.equal(before[name], kept[name]) for name in layers)
    assert not torch.equal(before["answer.weight"], kept["answer.weight"])


@pytest.mark.parametrize("of_reader", [True, False])
@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_a_shipped_network_can_be_trained_on(bert, tmp_path, of_reader, form):
    """Its ONNX file gives its weights back: those in int8 to within half of a column's largest step."""
    network = support_model.new_network(bert, reader_model.Recipe(seed=3))
    torch.manual_seed(3)
    for name, parameter in network.named_parameters():
        if (
            "_embeddings." not in name
        ):  # of equal ones, such as a new network's biases, one is written
            torch.nn.init.normal_(parameter, std=0.1)
    own = {name: one.clone() for name, one in network.state_dict().items()}
    export_forms = (reader_export if of_reader else export).export_forms
    exported = export_forms(network, tmp_path)[form]

    found = support_model.new_network(
        bert, reader_model.Recipe(seed=4), begin=exported
    ).state_dict()

    spans = {name for name in own if name.startswith("span.")}
    assert own.keys() == found.keys()
    for name in own.keys() - (set() if of_reader else spans):
        step = own[name].abs().amax(dim=-1, keepdim=True) / 127
        exact = form == "fp32" or name.endswith("bias") or ".embeddings." in name
        assert torch.all((own[name] - found[name]).abs() <= (1e-7 if exact else step)), name


def test_the_network_can_learn(bert):
    """What is told by one word of the evidence is soon known: what is learned from is what is asked for."""
    recipe = reader_model.Recipe(rate=3e-3, answerability=1.0, freeze_embeddings=False, warmup=10)
    trainer = support_model.SupportTrainer(
        support_model.new_network(bert, recipe), recipe, torch.device("cpu")
    )
    drawn = batches(encode([TOLD] * 4, tokenizer(), {}), seed=0, pieces=200)

    losses = [float(trainer.learn(batch, rate=3e-3).answerable) for batch in islice(drawn, 40)]

    assert losses[-1] < 0.3 * losses[0]


def test_the_log_has_the_loss_and_what_was_judged(data, bert, tmp_path):
    """Every run leaves its losses, and AUROC and balanced accuracy of each set that it judges by."""
    claims = claims_file(
        tmp_path / "own.jsonl",
        ("Ada was in Rome.", "Ada was in Rome.", "supported"),
        ("Ada was in Rome.", "Ada was in Lima.", "partial"),
    )
    run(data, bert, tmp_path / "run", "--steps", "2", "--dev", str(claims))

    log = (tmp_path / "run" / reader_train.LOG).read_text(encoding="utf-8").splitlines()
    losses, figures = map(json.loads, log)
    assert {"step", "examples", "loss", "word_loss", "examples_per_second", "rate"} <= losses.keys()
    assert {
        f"{name}_{figure}" for name in ("made", "own") for figure in ("auroc", "best_balanced")
    } <= figures.keys()


@pytest.fixture(scope="module")
def knowing(bert, tmp_path_factory) -> Path:
    """The checkpoint's folder of a network that has learnt that Rome supports and Lima does not."""
    folder = tmp_path_factory.mktemp("knowing")
    recipe = reader_model.Recipe(rate=3e-3, answerability=1.0, freeze_embeddings=False, warmup=10)
    trainer = support_model.SupportTrainer(
        support_model.new_network(bert, recipe), recipe, torch.device("cpu")
    )
    drawn = batches(encode([TOLD] * 4, tokenizer(), {}), seed=0, pieces=200)
    for batch in islice(drawn, 40):
        trainer.learn(batch, rate=3e-3)
    trainer.save(folder / reader_train.CHECKPOINT)
    return folder


def test_the_mean_of_two_runs_is_a_checkpoint(data, bert, tmp_path):
    """Each weight is the mean of both; how much both learnt is added up."""
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, steps in zip(folders, ("1", "2"), strict=True):
        run(data, bert, folder, "--steps", steps)
    each = ["--checkpoints", *map(str, folders)]

    average.main([*each, "--out", str(tmp_path / "mean")])

    one, other = (reader_model.weights_of(folder / reader_train.CHECKPOINT) for folder in folders)
    mean = reader_model.weights_of(tmp_path / "mean" / reader_train.CHECKPOINT)
    assert one.keys() == mean.keys()
    assert all(torch.allclose((one[name] + other[name]) / 2, mean[name]) for name in mean)
    assert reader_model.about(tmp_path / "mean" / reader_train.CHECKPOINT)["step"] == 3


def test_runs_of_different_recipes_have_no_mean(data, bert, tmp_path):
    """Their weights may mean different things."""
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, rate in zip(folders, ("1e-4", "1e-5"), strict=True):
        run(data, bert, folder, "--steps", "1", "--rate", rate)

    with pytest.raises(SystemExit, match="same recipe"):
        average.average(
            [one / reader_train.CHECKPOINT for one in folders],
            tmp_path / "mean" / reader_train.CHECKPOINT,
        )


def export_support(knowing, data, bert, claims, out) -> None:
    """Export as the command line does."""
    pytest.importorskip("onnx", reason="comes with `make .venv/.ready-training`")
    export.main(
        [
            *("--checkpoint", str(knowing), "--data", str(data), "--weights", str(bert)),
            *("--dev", str(claims), "--judge", str(claims), "--out", str(out)),
        ]
    )


def test_the_exported_file_says_what_the_network_says(knowing, bert, tmp_path):
    """In fp32 the file's logits are the network's."""
    pytest.importorskip("onnx", reason="comes with `make .venv/.ready-training`")
    checkpoint = knowing / reader_train.CHECKPOINT
    network = support_model.new_network(
        bert, reader_model.recipe_of(checkpoint), begin=checkpoint
    ).eval()
    batch = next(batches(encode([TOLD], tokenizer(), {}), seed=0, pieces=400))
    with torch.inference_mode():
        meant = network(*map(torch.from_numpy, (batch.ids, batch.mask, batch.types))).answer

    forms = export.export_forms(network, tmp_path)

    said = export.onnx_model(forms["fp32"], 1)(batch)
    assert np.allclose(meant.numpy(), said, atol=1e-4)


def test_what_is_exported_is_what_the_program_loads(knowing, data, bert, tmp_path):
    """The files written are loaded with their sums checked, and tell what the network learnt."""
    rows = [(one.claim, one.evidence, "supported" if one.supported else "x") for one in TOLD]

    export_support(
        knowing, data, bert, claims_file(tmp_path / "own.jsonl", *rows), tmp_path / "out"
    )

    model = open_support(tmp_path / "out", threads=1)
    right, wrong = model.support(TOLD[0].claim, [one.evidence for one in TOLD])
    assert right > 0.5 > wrong
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    figures, fitted = manifest["figures"], manifest["calibration"]
    assert {"made", "made_long", "own"} == figures.keys()
    assert 1.0 == figures["own"]["balanced_accuracy"]
    judged = judging([SupportPair(claim=a, evidence=b, label=c) for a, b, c in rows], tokenizer())
    logits = scores(export.onnx_model(tmp_path / "out" / "model.onnx", 1), judged)
    odds = np.clip(fitted["slope"] * logits + fitted["bias"], -50, 50)
    meant = 1 / (1 + np.exp(-odds))
    assert meant.tolist() == pytest.approx([right, wrong], abs=1e-6)


def test_a_model_that_tells_nothing_is_not_exported(knowing, data, bert, tmp_path):
    """Where a higher logit does not mean more support, nothing is written and what to do is said."""
    rows = [(one.claim, one.evidence, "x" if one.supported else "supported") for one in TOLD]

    with pytest.raises(SystemExit, match="Train it longer"):
        export_support(
            knowing, data, bert, claims_file(tmp_path / "own.jsonl", *rows), tmp_path / "out"
        )

    assert not (tmp_path / "out").exists()


def test_groups_with_a_question_that_cannot_be_a_claim_are_no_fault():
    """A paragraph without a sentence or with a strange question makes no pairs, and no error."""
    strange = (
        Paragraph(text="", questions=()),
        Paragraph(text="Why?", questions=(Question(question_id="1", text="?", answers=()),)),
    )

    assert not list(made_groups([Article(title="x", paragraphs=strange)], seed=0))
