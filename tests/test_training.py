import json

import pandas as pd
import pytest

from sentiment_kit.data import load_demo
from sentiment_kit.demo.build_model import noisy_copies
from sentiment_kit.hub import ModelError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model
from sentiment_kit.training import fine_tune, write_vocabulary

WORDS = {"positive": "bello", "negative": "brutto", "neutral": "treno"}
ROWS = [(f"{word} {word} {n}", label) for n in range(24) for label, word in WORDS.items()]
TABLE = pd.DataFrame(ROWS, columns=["text", "label"]).astype({"label": label_dtype})


@pytest.fixture(scope="module")
def tuned(hub_folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("tuned") / "nested" / "model"
    options = {"learning_rate": 2e-3, "batch_size": 8, "max_epochs": 6, "patience": 6, "seed": 1}
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
    assert runs[0]["train_loss"].iloc[0] != runs[2]["train_loss"].iloc[0]


def test_early_stopping_keeps_the_best_epoch(hub_folder, tmp_path):
    # Labels in the validation part are all wrong: learning more makes it worse, so patience 1 stops at once.
    another = {"negative": "neutral", "neutral": "positive", "positive": "negative"}
    wrong = TABLE[48:].assign(label=TABLE["label"][48:].astype(str).map(another).astype(label_dtype))
    curve = fine_tune(hub_folder, TABLE[:48], wrong, tmp_path / "m", learning_rate=2e-3, batch_size=8, max_epochs=20)
    assert len(curve) < 20
    assert curve["validation_loss"].iloc[-1] > curve["validation_loss"].min()


def test_bad_rows_and_existing_folders_are_refused(hub_folder, tmp_path):
    lacking = TABLE[:9].assign(label=pd.Series([None] * 9, dtype=label_dtype))
    with pytest.raises(ValueError, match="9 of 9 rows lack a text or a label .first: index 0"):
        fine_tune(hub_folder, lacking, TABLE[60:], tmp_path / "m")
    with pytest.raises(ValueError, match="0 of 0 rows"):
        fine_tune(hub_folder, TABLE[:0], TABLE[60:], tmp_path / "m")
    with pytest.raises(FileExistsError, match="exists already"):
        fine_tune(hub_folder, TABLE[:60], TABLE[60:], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_base_with_missing_weights_is_refused(hub_copy):
    config = json.loads((hub_copy / "config.json").read_text())
    (hub_copy / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelError, match="do not fit config.json"):
        fine_tune(hub_copy, TABLE[:60], TABLE[60:], hub_copy.parent / "m")


def test_noisy_copies_keep_labels_and_change_some_words():
    train = pd.DataFrame({"text": ["@a Che bella partita #forza", "no"], "label": ["positive", "negative"]})
    copies = noisy_copies(train, 20, seed=0)
    assert len(copies) == 42
    assert copies["text"][0] == "Che bella partita #forza"
    assert copies["label"].tolist() == ["positive", "negative"] * 21
    noisy = copies["text"][2::2]
    assert noisy.nunique() > 10
    assert noisy.str.contains("#forza").mean() > 0.7
    pd.testing.assert_frame_equal(copies, noisy_copies(train, 20, seed=0))
    assert not copies["text"].eq("").any()


def test_the_same_texts_give_the_same_vocabulary(tmp_path):
    """Many pairs of pieces are equally frequent; which of them becomes a piece must not depend on a hash table."""
    texts = load_demo("test")["text"].tolist()
    found = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        n_pieces = write_vocabulary(texts, folder, size=800)
        found.append((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        assert len(found[-1]) == n_pieces == 800
    assert found[0] == found[1] == found[2]
    assert found[0][:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert (folder / "tokenizer_config.json").stat().st_size == 40
