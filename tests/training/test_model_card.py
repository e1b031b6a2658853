import json

import pytest
import yaml

from sentiment_kit import __version__
from sentiment_kit.training.model_card import read_record, write_record

PART = {"rows": 30, "sha256": "ab" * 32, "labels": {"negative": 10, "neutral": 12, "positive": 8}}
RECORD = {
    "base": {"name": "dbmdz/bert-base-italian-cased", "revision": "abc123", "weights": "1", "tokenizer": "2"},
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


WHOLE = f"""---
base_model: dbmdz/bert-base-italian-cased
language: it
library_name: transformers
pipeline_tag: text-classification
tags:
- sentiment-analysis
model-index:
- name: sentiment
  results:
  - task:
      type: text-classification
    dataset:
      name: test split, 1200 tweets
      type: private
    metrics:
    - type: accuracy
      value: 0.7
    - type: macro_f1
      value: 0.65
---

# An Italian tweet-sentiment model

Fine-tuned from `dbmdz/bert-base-italian-cased` (commit abc123) by sentiment-kit {__version__}. Labels, in this order: negative, neutral, positive.
Texts were cleaned of mentions, links and e-mail addresses, and must be before they are scored.

## Data

| split | tweets | negative | neutral | positive | SHA-256 |
|---|---|---|---|---|---|
| train | 30 | from a teacher | from a teacher | from a teacher | abababababababab |
| validation | 30 | 10 | 12 | 8 | abababababababab |
| test | 1,200 | 10 | 12 | 8 | abababababababab |

It learnt from the teacher `big`.

## Recipe

- learning_rate: 2e-05
- batch_size: 32
- class_weights: False
- seed: 7
- optimizer: AdamW, the learning rate falling to 0 in a line; the epoch with the lowest validation loss

## Learning curve

| epoch | train_loss | validation_loss | validation_accuracy |
| --- | --- | --- | --- |
| 1 | 1.0000 | 0.9000 | 0.5000 |
| 2 | 0.9000 | nan | 0.2500 |

## Seeds

| seed | accuracy | accuracy_low | accuracy_high | macro_f1 | kept |
| --- | --- | --- | --- | --- | --- |
| 7 | 0.7000 | 0.6000 | 0.8000 | 0.6500 | True |
| 8 | 0.6000 | 0.5000 | 0.7000 | 0.5500 | False |

Mean and standard deviation over 2 seeds: accuracy 0.6500 ± 0.0707, macro_f1 0.6000 ± 0.0707.

## Limitations

A model knows the tweets it was trained on: other years, subjects and platforms are other domains. Before you
rely on it, measure it on tweets of your own (`sentiment-kit evaluate`, `sentiment-kit probe`).
"""  # noqa: E501


def test_the_whole_card(tmp_path):
    soft = {name: value for name, value in PART.items() if name != "labels"}
    record = RECORD | {"data": {"train": soft, "validation": PART}, "test": PART | {"rows": 1200}, "seeds": SEEDS}
    record |= {"teacher": "big", "test_is_gold": True, "recipe": RECORD["recipe"] | {"class_weights": False}}
    second = {"epoch": 2, "train_loss": 0.9, "validation_loss": float("nan"), "validation_accuracy": 0.25}
    write_record(tmp_path, record | {"learning_curve": [*RECORD["learning_curve"], second]})
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == WHOLE


def test_a_training_with_one_seed_of_a_local_base(tmp_path):
    write_record(tmp_path, RECORD | {"base": {"name": "scratch-64x1", "revision": None}})
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Fine-tuned from `scratch-64x1` by sentiment-kit" in card
    assert "Seeds" not in card
    assert "base_model" not in _front_matter(card)
    assert "model-index" not in _front_matter(card)


def test_the_card_names_another_optimizer_and_schedule(tmp_path):
    record = RECORD | {"recipe": RECORD["recipe"] | {"optim": "sgd", "lr_scheduler_type": "cosine"}}
    write_record(tmp_path, record)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "- optimizer: sgd, the learning rate by the schedule cosine; the epoch" in card


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
