import json

import pytest
import yaml

from sentiment_kit.training.model_card import read_record, write_record

PART = {"rows": 30, "sha256": "ab" * 32, "labels": {"negative": 10, "neutral": 12, "positive": 8}}
RECORD = {
    "base": "dbmdz/bert-base-italian-cased",
    "base_revision": "abc123",
    "base_sha256": ["1", "2"],
    "recipe": {"learning_rate": 2e-5, "batch_size": 32},
    "seed": 7,
    "data": {"train": PART, "validation": PART},
    "learning_curve": [{"epoch": 1, "train_loss": 1.0, "validation_loss": 0.9, "validation_accuracy": 0.5}],
}
SEEDS = [
    {"seed": 7, "accuracy": 0.7, "accuracy_low": 0.6, "accuracy_high": 0.8, "macro_f1": 0.65, "kept": True},
    {"seed": 8, "accuracy": 0.6, "accuracy_low": 0.5, "accuracy_high": 0.7, "macro_f1": 0.55, "kept": False},
]


def _front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_what_is_written_is_read(tmp_path):
    write_record(tmp_path, RECORD)
    found = read_record(tmp_path)
    assert {name: found[name] for name in RECORD} == RECORD
    assert "sentiment_kit" in found


def test_the_card_tells_recipe_data_seed_and_curve(tmp_path):
    write_record(tmp_path, RECORD)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    for told in (
        "`dbmdz/bert-base-italian-cased` (commit abc123)", "negative, neutral, positive", "- learning_rate: 2e-05",
        "- seed: 7", "| train | 30 | 10 | 12 | 8 | abababababababab |", "| 1 | 1.0000 | 0.9000 | 0.5000 |",
    ):  # fmt: skip
        assert told in card
    assert "Seeds" not in card
    front = _front_matter(card)
    assert front["base_model"] == RECORD["base"]
    assert front["language"] == "it"
    assert "model-index" not in front


def test_scores_of_the_kept_seed_reach_the_hub(tmp_path):
    write_record(tmp_path, RECORD | {"seeds": SEEDS, "test": PART})
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Mean and standard deviation over 2 seeds: accuracy 0.6500 ± 0.0707, macro_f1 0.6000 ± 0.0707." in card
    assert "| test | 30 | 10 | 12 | 8 |" in card
    metrics = _front_matter(card)["model-index"][0]["results"][0]["metrics"]
    assert {metric["type"]: metric["value"] for metric in metrics} == {"accuracy": 0.7, "macro_f1": 0.65}


def test_agreement_with_a_teacher_is_not_called_a_score(tmp_path):
    soft = {"rows": 30, "sha256": "ab" * 32}
    record = RECORD | {"data": {"train": soft, "validation": soft}, "seeds": SEEDS, "test": PART, "teacher": "big"}
    record["test_is_gold"] = False
    write_record(tmp_path, record)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| train | 30 | from a teacher | from a teacher | from a teacher |" in card
    assert "It learnt from the teacher `big`." in card
    assert "agreement with it is not correctness" in card
    assert "model-index" not in _front_matter(card)
    write_record(tmp_path, record | {"test_is_gold": True})
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "agreement" not in card
    assert "model-index" in _front_matter(card)


def test_a_model_made_by_other_means_has_no_record(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"training\.json"):
        read_record(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps({"a": 1}))
    assert read_record(tmp_path) == {"a": 1}
