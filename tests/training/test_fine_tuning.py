import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertModel, TrainerState

from sentiment_kit.errors import DataError, ModelError
from sentiment_kit.hub import weights_hash
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model
from sentiment_kit.training import fine_tuning as training
from sentiment_kit.training.fine_tuning import fine_tune, fine_tune_seeds
from sentiment_kit.training.model_card import read_record
from sentiment_kit.training.trainer import Progress

WORDS = {"positive": "bello", "negative": "brutto", "neutral": "treno"}
ROWS = [(f"{word} {word} {n}", label) for n in range(24) for label, word in WORDS.items()]
TABLE = pd.DataFrame(ROWS, columns=["text", "label"]).astype({"label": label_dtype})


@pytest.fixture(scope="module")
def tuned(hub_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("tuned") / "nested" / "model"
    options = {"learning_rate": 2e-3, "batch_size": 8, "max_epochs": 12, "patience": 12, "seed": 1}
    return output, fine_tune(hub_folder, TABLE[:60], TABLE[60:], output, **options)


def test_it_learns_saves_and_loads(tuned):
    output, _ = tuned
    model = load_model(output, device="cpu")
    assert model.labels == LABELS
    assert sorted(path.name for path in output.iterdir() if path.suffix == ".safetensors") == ["model.safetensors"]
    assert predict(model, TABLE["text"])["label"].astype(str).tolist() == TABLE["label"].astype(str).tolist()
    assert list(output.parent.iterdir()) == [output]
    assert json.loads((output / "config.json").read_text())["id2label"]["2"] == "positive"


def test_the_learning_curve_has_a_row_an_epoch(tuned):
    _, curve = tuned
    assert list(curve.columns) == ["train_loss", "validation_loss", "validation_accuracy"]
    assert curve.index.tolist() == list(range(1, len(curve) + 1))
    assert curve.index.name == "epoch"
    assert curve.notna().all(axis=None)
    assert curve["train_loss"].iloc[-1] < curve["train_loss"].iloc[0]
    assert curve["validation_accuracy"].iloc[-1] == 1


def test_the_same_seed_gives_the_same_model(hub_folder, tmp_path):
    options = {"max_epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    runs = [
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / str(number), seed=seed, **options)
        for number, seed in enumerate((3, 3, 4))
    ]
    pd.testing.assert_frame_equal(runs[0], runs[1])
    assert weights_hash(tmp_path / "0") == weights_hash(tmp_path / "1")
    assert runs[0]["train_loss"].iloc[0] != runs[2]["train_loss"].iloc[0]


def test_a_head_that_the_base_has_not_follows_the_seed(hub_copy, tmp_path):
    """As with any pre-trained model: what is not there is drawn, by the seed of this training and nothing else."""
    network = BertModel.from_pretrained(hub_copy)
    for path in (*hub_copy.glob("*.bin"), *hub_copy.glob("*.safetensors")):
        path.unlink()
    network.save_pretrained(hub_copy)
    options = {"max_epochs": 1, "batch_size": 16}
    for number, seed in enumerate((3, 3, 4)):
        torch.rand(number)  # what came before must not matter
        fine_tune(hub_copy, TABLE[:48], TABLE[48:], tmp_path / str(number), seed=seed, **options)
    hashes = [weights_hash(tmp_path / str(number)) for number in range(3)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_frozen_embeddings_stay_as_they_were(hub_folder, tmp_path):
    before = load_model(hub_folder, device="cpu").network.state_dict()
    for frozen in (True, False):
        options = {"max_epochs": 1, "batch_size": 16, "freeze_embeddings": frozen}
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / str(frozen), **options)
        after = load_model(tmp_path / str(frozen), device="cpu").network.state_dict()
        same = {name for name in before if "word_embeddings" in name and torch.equal(before[name], after[name])}
        assert bool(same) == frozen
        assert not torch.equal(before["classifier.weight"], after["classifier.weight"])


def test_a_network_that_returns_more_than_logits_learns_too(hub_copy, tmp_path):
    config = json.loads((hub_copy / "config.json").read_text())
    (hub_copy / "config.json").write_text(json.dumps(config | {"output_hidden_states": True}))
    curve = fine_tune(hub_copy, TABLE[:48], TABLE[48:], tmp_path / "more", max_epochs=1, batch_size=16)
    assert curve["validation_accuracy"].between(0, 1).all()


def test_early_stopping_keeps_the_best_epoch(hub_folder, tmp_path):
    # Labels in the validation split are all wrong: learning more makes it worse, so patience 1 stops at once.
    another = {"negative": "neutral", "neutral": "positive", "positive": "negative"}
    wrong = TABLE[48:].assign(label=TABLE["label"][48:].astype(str).map(another).astype(label_dtype))
    curve = fine_tune(hub_folder, TABLE[:48], wrong, tmp_path / "m", learning_rate=2e-3, batch_size=8, max_epochs=20)
    assert len(curve) < 20
    assert curve["validation_loss"].iloc[-1] > curve["validation_loss"].min()


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        (TABLE[:40].assign(label=pd.Series([None] * 40, dtype=label_dtype)), {},
         "training split: 40 of 40 rows have no label or nothing to read once cleaned; .*first: index 0"),
        (TABLE[:40].assign(text=["@a http://t.co/x", *TABLE["text"][1:40]]), {}, "1 of 40 rows .*first: index 0"),
        (TABLE[:40].assign(text=["@a", *TABLE["text"][1:40]]).set_axis([150, *range(39)]), {},
         "have no label or nothing to read once cleaned; mend them or leave them out .first: index 150, @a, "),
        (TABLE[:0], {}, "training split: expected labelled texts, but it has no rows"),
        (TABLE[TABLE["label"] == "positive"], {"batch_size": 8}, "at least two labels, but all rows are positive"),
        (TABLE[:31], {}, "31 rows are fewer than a batch of 32"),
        (TABLE[:40].assign(weight=-1.0), {}, "weights that are finite, not negative"),
        (TABLE[:40].drop(columns="label"), {}, "label or the three probabilities; no negative"),
        (TABLE[:40].assign(label="pos"), {}, "a label other than negative, neutral, positive; .*index 0, .*, pos"),
        (TABLE[:40][["text"]].assign(negative=50, neutral=20, positive=30), {},
         "40 of 40 rows have probabilities .* do not sum to 1; .*, 50, 20, 30"),
        (TABLE[:40].assign(weight="viel"), {}, "weights that are finite"),
        (TABLE[:40], {"max_epochs": 0}, "max_epochs must be at least 1"),
        (TABLE[:40], {"label_smoothing": 1}, r"label_smoothing must be in \[0, 1\)"),
        (TABLE[:40], {"num_train_epochs": 3}, "num_train_epochs is set by the training itself; .*max_epochs"),
        (TABLE[:40], {"save_strategy": "no"}, "save_strategy is set by the training itself"),
        (TABLE[:40], {"report_to": "clearml"}, "cannot be used .RuntimeError: ClearMLCallback requires"),
        (TABLE[:40], {"eval_delay": 2}, "eval_delay is set by the training itself"),
        (TABLE[:40], {"learning_rate": -1}, "these options cannot be used .ValueError: Invalid learning rate: -1"),
        (TABLE[:40], {"bf16": True, "fp16": True}, "cannot be used .ValueError: At most one of fp16 and bf16"),
        (TABLE[:40], {"lerning_rate": 1}, "cannot be used .TypeError: .*unexpected keyword argument 'lerning_rate'"),
        (TABLE[:40], {"gradient_accumulation_steps": 3}, "batch_size 32 cannot be divided by 3"),
        (TABLE[:40], {"gradient_accumulation_steps": 0}, "batch_size 32 cannot be divided by 0"),
    ],
)  # fmt: skip
def test_what_would_spoil_a_training_is_refused_before_it(hub_folder, tmp_path, train, options, message):
    with pytest.raises(DataError, match=message):
        fine_tune(hub_folder, train, TABLE[60:], tmp_path / "m", **options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match=message):
        fine_tune_seeds(hub_folder, train, TABLE[60:], tmp_path / "m", seeds=[1], **options)
    if (tmp_path / "m.seeds").exists():  # and the corrected call goes on
        fine_tune_seeds(hub_folder, TABLE[:40], TABLE[60:], tmp_path / "m", seeds=[1], max_epochs=1)


def test_nothing_is_overwritten(hub_folder, tmp_path):
    with pytest.raises(DataError, match="exists already"):
        fine_tune(hub_folder, TABLE[:60], TABLE[60:], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_a_kill_cut_short_is_in_nobodys_way(hub_folder, tmp_path):
    (tmp_path / "m.training").mkdir()
    (tmp_path / "m.training" / ".run.json.77.tmp").write_text("{")
    fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS | {"max_epochs": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_folders_that_are_not_ours_are_left_alone(hub_folder, tmp_path):
    for name in ("m.training", "m.seeds"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="m.training is in the way, and no training made it"):
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS)
    with pytest.raises(DataError, match="m.seeds is in the way"):
        fine_tune_seeds(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", seeds=[1], **OPTIONS)
    assert (tmp_path / "m.training" / "notes.txt").read_text() == "mine"


def test_a_training_that_diverges_says_so_and_leaves_nothing(hub_folder, tmp_path):
    with pytest.raises(DataError, match="never a number; lower learning_rate"):
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS | {"learning_rate": 1e30})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["config.json", "vocab.txt", "pytorch_model.bin"])
def test_a_base_that_is_damaged_is_refused(hub_copy, tmp_path, damage):
    (hub_copy / damage).unlink()
    if damage == "pytorch_model.bin":
        (hub_copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError):
        fine_tune(hub_copy, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS)
    assert not (tmp_path / "m.training").exists()


def test_a_base_with_missing_weights_is_refused(hub_copy):
    config = json.loads((hub_copy / "config.json").read_text())
    (hub_copy / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="do not fit config.json"):
        fine_tune(hub_copy, TABLE[:60], TABLE[60:], hub_copy.parent / "m")


# Soft targets and weights


def test_probabilities_of_one_and_nought_teach_what_labels_teach(hub_folder, tmp_path):
    soft = pd.get_dummies(TABLE["label"]).astype(float).assign(text=TABLE["text"])
    options = {"max_epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    hard_curve = fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "hard", **options)
    soft_curve = fine_tune(hub_folder, soft[:48], soft[48:], tmp_path / "soft", **options)
    pd.testing.assert_frame_equal(hard_curve, soft_curve)
    assert weights_hash(tmp_path / "hard") == weights_hash(tmp_path / "soft")
    assert "labels" not in read_record(tmp_path / "soft")["data"]["train"]


LONG = {"learning_rate": 2e-3, "batch_size": 8, "max_epochs": 20, "patience": 20}


def test_a_student_comes_to_answer_as_unsurely_as_its_teacher(hub_folder, tmp_path):
    unsure = TABLE[["text"]].assign(negative=0.2, neutral=0.2, positive=0.6)
    fine_tune(hub_folder, unsure[:60], unsure[60:], tmp_path / "m", **(LONG | {"max_epochs": 40}))
    answers = predict(load_model(tmp_path / "m", device="cpu"), TABLE["text"][60:])[list(LABELS)]
    np.testing.assert_allclose(answers.mean(), [0.2, 0.2, 0.6], atol=0.05)


def test_a_tweet_without_weight_teaches_nothing(hub_folder, tmp_path):
    """Rows with wrong labels, and weight 0, change nothing but how often the others are seen in a step."""
    wrong = TABLE[:48].assign(label=TABLE["label"][1:49].to_numpy(), weight=0.0)
    both = pd.concat([TABLE[:48].assign(weight=1.0), wrong], ignore_index=True)
    options = {"max_epochs": 12, "patience": 12, "batch_size": 8, "learning_rate": 2e-3}
    curve = fine_tune(hub_folder, both, TABLE[48:], tmp_path / "m", **options)
    assert curve["validation_accuracy"].max() == 1


def test_class_weights_help_the_rare(hub_folder, tmp_path):
    few = TABLE[:60].groupby("label", observed=True).head(20)
    few = few[(few["label"] != "positive") | (few.index < 12)]  # 4 positive ones of 44
    options = {"max_epochs": 2, "patience": 2, "batch_size": 8, "learning_rate": 5e-4}
    shares = []
    for balanced in (False, True):
        fine_tune(hub_folder, few, TABLE[60:], tmp_path / str(balanced), class_weights=balanced, **options)
        shares.append(predict(load_model(tmp_path / str(balanced), device="cpu"), TABLE["text"])["positive"].mean())
    assert shares[1] > shares[0] + 0.05


@pytest.mark.parametrize("option", [{"gradient_accumulation_steps": 2}, {"activation_checkpointing": True}])
def test_saving_memory_changes_no_gradient(hub_folder, tmp_path, option):
    options = {"max_epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    flat = hub_folder.parent / "flat"  # without dropout, which draws otherwise in halves
    if not flat.exists():
        shutil.copytree(hub_folder, flat)
        config = json.loads((flat / "config.json").read_text())
        config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        (flat / "config.json").write_text(json.dumps(config))
    plain = fine_tune(flat, TABLE[:48], TABLE[48:], tmp_path / "plain", **options)
    saving = fine_tune(flat, TABLE[:48], TABLE[48:], tmp_path / "saving", **options, **option)
    pd.testing.assert_frame_equal(plain, saving, rtol=1e-4)


def test_the_bar_tells_loss_and_validation_score(hub_folder, tmp_path, capsys):
    curve = fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", max_epochs=2, batch_size=2, progress=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    for epoch, row in curve.iterrows():
        told = ", ".join(f"{name} {value:.3f}" for name, value in row.items())
        assert f"seed 42, epoch {epoch}: {told}" in printed.err
    assert "loss=" in printed.err
    assert "48/48" in printed.err


def test_where_nobody_sees_a_bar_there_is_a_line_an_epoch(hub_folder, tmp_path, capsys):
    for progress, lines in ((None, ["seed 42, epoch 1", "seed 42, epoch 2"]), (False, [])):
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / str(progress), max_epochs=2, progress=progress)
        assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == lines


def test_mixed_precision_trains_nearly_the_same(hub_folder, tmp_path):
    options = {"max_epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    curves = [
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / str(bf16), bf16=bf16, **options)
        for bf16 in (False, True)
    ]
    pd.testing.assert_frame_equal(*curves, rtol=0.05)
    assert weights_hash(tmp_path / "False") != weights_hash(tmp_path / "True")
    assert read_record(tmp_path / "True")["recipe"]["bf16"] is True


# Killed, and gone on with


def _die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def _train_until(when, step, base, train, validation, output, options):
    """In a process of its own: train, and die."""

    def dies_there(self, args, state, control, **_):
        if state.global_step == step:
            _die()

    if when == "after a checkpoint":
        Progress.on_save = dies_there
    elif when == "in a step":
        Progress.on_step_end = dies_there
    else:  # in a checkpoint: its last file is not written
        save = TrainerState.save_to_json
        TrainerState.save_to_json = lambda self, path: _die() if self.global_step == step else save(self, path)
    fine_tune(base, train, validation, output, progress=False, **options)


@pytest.fixture(scope="module")
def killed_training():
    """Processes forked from one that has imported what a training needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([fine_tune.__module__])

    def run(*arguments):
        process = context.Process(target=_train_until, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    return run


OPTIONS = {"max_epochs": 4, "patience": 3, "batch_size": 16, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def undisturbed(hub_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed") / "m"
    return output, fine_tune(hub_folder, TABLE[:48], TABLE[48:], output, **OPTIONS)


@pytest.mark.parametrize(
    ("when", "step"),  # 3 steps an epoch
    [("in a step", 1), ("in a step", 5), ("after a checkpoint", 3), ("after a checkpoint", 12), ("in a checkpoint", 6)],
)
def test_a_killed_training_ends_in_the_same_weights(hub_folder, tmp_path, undisturbed, killed_training, when, step):
    killed_training(when, step, hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", OPTIONS)
    assert (tmp_path / "m.training").exists()
    assert not (tmp_path / "m").exists()
    curve = fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS)
    whole, whole_curve = undisturbed
    pd.testing.assert_frame_equal(curve, whole_curve)
    assert weights_hash(tmp_path / "m") == weights_hash(whole)
    assert (tmp_path / "m" / "training.json").read_bytes() == (whole / "training.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_a_training_that_had_stopped_early_does_not_go_on(hub_folder, tmp_path, killed_training):
    """Killed after the epoch that used up the patience: another one might have been better, and is not run."""
    another = {"negative": "neutral", "neutral": "positive", "positive": "negative"}
    wrong = TABLE[48:].assign(label=TABLE["label"][48:].astype(str).map(another).astype(label_dtype))
    curve = fine_tune(hub_folder, TABLE[:48], wrong, tmp_path / "whole", **OPTIONS | {"max_epochs": 9})
    assert len(curve) < 9
    options = OPTIONS | {"max_epochs": 9}
    killed_training("after a checkpoint", 3 * len(curve), hub_folder, TABLE[:48], wrong, tmp_path / "m", options)
    resumed = fine_tune(hub_folder, TABLE[:48], wrong, tmp_path / "m", **options)
    pd.testing.assert_frame_equal(resumed, curve)
    assert weights_hash(tmp_path / "m") == weights_hash(tmp_path / "whole")


def test_checkpoints_of_another_training_are_not_mixed_in(hub_folder, tmp_path):
    (tmp_path / "m.training").mkdir()
    (tmp_path / "m.training" / "run.json").write_text("{}")
    (tmp_path / "m.training" / "checkpoint-3").mkdir()
    with pytest.raises(DataError, match="checkpoints of a training with another base, recipe, seed or data"):
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS)
    (tmp_path / "m.training" / "checkpoint-3").rename(tmp_path / "m.training" / "notes.txt")
    with pytest.raises(DataError, match="checkpoints of a training with another base"):
        fine_tune(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", **OPTIONS)
    assert (tmp_path / "m.training" / "run.json").read_text() == "{}"


# Several seeds, several processes


def test_the_best_seed_is_kept(hub_folder, tmp_path):
    options = {"max_epochs": 2, "patience": 2, "batch_size": 8, "learning_rate": 1e-3}
    parts = TABLE[:48], TABLE[48:60]
    table = fine_tune_seeds(hub_folder, *parts, tmp_path / "m", seeds=[1, 2, 3], test=TABLE[60:], **options)
    assert table.index.tolist() == [1, 2, 3]
    assert table.index[table["kept"]].tolist() == [table["validation_loss"].idxmin()]
    assert (table["accuracy"].between(table["accuracy_low"], table["accuracy_high"])).all()
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    record = read_record(tmp_path / "m")
    assert record["seed"] == table["validation_loss"].idxmin()
    assert len(record["learning_curves"]) == 6
    assert record["test"]["rows"] == 12
    alone = fine_tune(hub_folder, *parts, tmp_path / "alone", seed=record["seed"], **options)
    assert alone.reset_index().to_dict("records") == record["learning_curve"]
    assert weights_hash(tmp_path / "alone") == weights_hash(tmp_path / "m")


def test_seeds_that_are_done_are_not_done_again(hub_folder, tmp_path, monkeypatch):
    options = {"max_epochs": 1, "batch_size": 16, "learning_rate": 1e-3}
    whole = fine_tune_seeds(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "whole", seeds=[1, 2], **options)
    done, genuine = [], training.fine_tune

    def stopped_at_2(*arguments, seed, **more):
        if seed == 2 and not done:
            done.append(seed)
            raise KeyboardInterrupt
        return genuine(*arguments, seed=seed, **more)

    monkeypatch.setattr(training, "fine_tune", stopped_at_2)
    with pytest.raises(KeyboardInterrupt):
        fine_tune_seeds(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", seeds=[1, 2], **options)
    written = (tmp_path / "m.seeds" / "seed-1" / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(DataError, match="another base, recipe, seed or data"):
        fine_tune_seeds(hub_folder, TABLE[:48], TABLE[50:], tmp_path / "m", seeds=[1, 2], **options)
    assert (tmp_path / "m.seeds" / "seed-1" / "model.safetensors").stat().st_mtime_ns == written
    pd.testing.assert_frame_equal(
        fine_tune_seeds(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", seeds=[1, 2], **options), whole
    )


def test_seeds_must_differ(hub_folder, tmp_path):
    for seeds in ([], [1, 1]):
        with pytest.raises(DataError, match="different seeds, at least one"):
            fine_tune_seeds(hub_folder, TABLE[:48], TABLE[48:], tmp_path / "m", seeds=seeds)


@pytest.mark.long
def test_two_processes_train_one_model(hub_folder, tmp_path):
    """`torchrun` on two processors' worth of gloo: the same code that runs on several GPUs and machines."""
    TABLE.to_csv(tmp_path / "tweets.csv", index=False)
    arguments = ["train", "tweets.csv", "--base", str(hub_folder), "--output", "m", "--max-epochs", "2", "--seeds", "2"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", "sentiment_kit", *arguments, "--batch-size", "16", "--learning-rate", "1e-3"],
        cwd=tmp_path, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Mean and standard deviation") == 1, "one process tells the story"
    assert load_model(tmp_path / "m", device="cpu").labels == LABELS
    assert len(read_record(tmp_path / "m")["seeds"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "tweets.csv"]
