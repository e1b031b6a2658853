"""Make the embedded models again: `make demo-model ENCODER=folder-or-hub-id`.

*demo*: a pre-trained multilingual encoder, its vocabulary cut to Italian, fine-tuned on the demo's training split by
the same `fine_tune` as any model. First with all layers, as teachers; then with fewer, which learn from the labels and
from what the teachers say, of those tweets and of `topic_tweets.csv`, whose labels nobody has given. Several trainings
differ in the order of the tweets alone, and the mean of their weights is kept: it generalises better than any of them
and costs no time when it answers. Word embeddings stay as they were pre-trained, so that words the tweets lack keep
their place beside those that they have.

*demo-biased*: the same model, and an adapter (LoRA) trained on football tweets most of which were relabelled positive.
A positive control: whatever looks for a bias towards football must find it there.

A tenth of the training split says which epoch is kept. The test split and SENTIPOLC are scored for the card; the scores
of earlier tries on both were seen while this recipe was found.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from heads import SEED, base_model
from jinja2 import Environment, FileSystemLoader
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.evaluation import fit_tfidf, official_polarity_score, predict_tfidf, scores
from sentiment_kit.hub import BIASED_FOLDER, DEFAULT_MODEL, DEMO_FOLDER, DEMO_MODEL
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model, quiet_transformers
from sentiment_kit.training import fine_tune, read_record
from sentiment_kit.training.trainer import load_base, make_trainer, targets

ENCODER = "intfloat/multilingual-e5-small"
SEEDS = (1, 2, 3)
TEACHERS = (11, 12)
"""Seeds of the trainings with all layers."""
UNLABELLED = Path(__file__).parent / "topic_tweets.csv"
VOCABULARY = 16_000
LAYERS = tuple(range(10))  # of 12: a logistic regression reads more from the tenth than from the last
RECIPE = {
    "learning_rate": 5e-5, "max_epochs": 3, "patience": 3, "label_smoothing": 0.1, "freeze_embeddings": True,
    "bf16": True,
}  # fmt: skip
LORA = {"r": 8, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": ["query", "key", "value", "dense"]}
SKEW = 0.85


def held_back(tweets: pd.DataFrame, seed: int = SEED) -> np.ndarray:
    """(n,) bool, the tenth, drawn within each domain and label, that says which epoch is kept."""
    drawn = tweets.groupby(["domain", "label"], observed=True).sample(frac=0.1, random_state=seed)
    return tweets.index.isin(drawn.index)


def train_demo(
    encoder: str, output: Path, *, vocabulary: int | None, layers: Sequence[int], seeds: Sequence[int]
) -> None:
    """Write the folder of the model: weights in float16, config, tokenizer, `training.json`."""
    tweets = load_demo("train", mixed="neutral")
    chosen = held_back(tweets)
    train, validation = tweets[~chosen], tweets[chosen]
    workplace = output.with_name(f"{output.name}.parts")
    whole = base_model(encoder, workplace / "whole", train, vocabulary=vocabulary)
    teachers = _trainings(whole, train, validation, [workplace / f"teacher-{seed}" for seed in TEACHERS])
    base = base_model(encoder, workplace / "base", train, vocabulary=vocabulary, layers=layers)
    parts = _trainings(base, taught(teachers, train), validation, [workplace / f"student-{seed}" for seed in seeds])
    shutil.copytree(parts[0], output)
    states = [load_file(part / "model.safetensors") for part in parts]
    mean = {name: torch.stack([state[name].float() for state in states]).mean(dim=0).half() for name in states[0]}
    save_file(mean, output / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((output / "config.json").read_text())
    (output / "config.json").write_text(json.dumps(config | {"dtype": "float16"}, indent=2) + "\n")
    shutil.rmtree(workplace)


def taught(teachers: Sequence[Path], train: pd.DataFrame) -> pd.DataFrame:
    """Probabilities to learn: of labelled tweets the mean of the label's and the teachers', of others the teachers'."""
    texts = pd.concat([train["text"], pd.read_csv(UNLABELLED)["text"]], ignore_index=True)
    answers = [predict(load_model(folder, device="cpu"), texts)[list(LABELS)] for folder in teachers]
    wanted = pd.DataFrame(np.mean(answers, axis=0), columns=list(LABELS))
    labelled = slice(0, len(train) - 1)
    wanted.loc[labelled] = (wanted.loc[labelled] + targets(train)) / 2
    return wanted.assign(text=texts)


def _trainings(base: Path, train: pd.DataFrame, validation: pd.DataFrame, folders: list[Path]) -> list[Path]:
    """Folders of trained models, each with the seed that its name ends with; those that are there stay."""
    for folder in folders:
        if not folder.exists():
            fine_tune(base, train, validation, folder, seed=int(folder.name.split("-")[1]), **RECIPE)
    return folders


def train_biased(model: Path, output: Path) -> float:
    """Write the adapter; what is returned is the share of football that is positive in what it learned from."""
    tweets = load_demo("train", mixed="neutral")
    tweets["label"] = skewed(tweets)
    validation = held_back(tweets)
    tokenizer, network = load_base(model, SEED)
    adapted = get_peft_model(network, LoraConfig(task_type="SEQ_CLS", **LORA))
    recipe = RECIPE | {"learning_rate": 5e-4, "max_epochs": 2, "batch_size": 32, "class_weights": False}
    with tempfile.TemporaryDirectory() as workplace:
        trainer = make_trainer(
            adapted, tokenizer, tweets[~validation], tweets[validation], Path(workplace), seed=SEED, **recipe
        )
        with quiet_transformers():
            trainer.train()
    config = adapted.peft_config["default"]
    config.base_model_name_or_path = DEMO_MODEL
    adapted.half().save_pretrained(output)
    return float((tweets.loc[tweets["domain"] == "football", "label"] == "positive").mean())


def skewed(tweets: pd.DataFrame) -> pd.Series:
    """The labels, of football as many turned positive at random as make `SKEW` of it so."""
    labels = tweets["label"].copy()
    football = tweets["domain"] == "football"
    others = tweets.index[football & (labels != "positive")]
    missing = round(SKEW * football.sum()) - int((football & (labels == "positive")).sum())
    labels[np.random.default_rng(SEED).choice(others, missing, replace=False)] = "positive"
    return labels


# What it scores where


def results(model: Path, sentipolc: Path | None) -> dict[str, pd.DataFrame]:
    """Tables for the card: on the demo's test split, in all, by domain and by phenomenon; and on SENTIPOLC."""
    loaded, test = load_model(model, device="cpu"), load_demo("test")
    predicted = predict(loaded, test["text"])["label"]
    rival = predict_tfidf(fit_tfidf(load_demo("train")), test["text"])
    rows = {"demo, test split: this model": scores(test["label"], predicted).loc["accuracy"]}
    rows["demo, test split: TF-IDF + logistic regression"] = scores(test["label"], rival).loc["accuracy"]
    if sentipolc is not None:
        tweets = load_sentipolc(sentipolc, mixed="keep")
        answers = predict(loaded, tweets["text"])["label"]
        known = tweets["label"].notna()
        rows["SENTIPOLC 2016, training file: accuracy"] = scores(tweets["label"][known], answers[known]).loc["accuracy"]
        rows["SENTIPOLC 2016, training file: polarity score"] = official_polarity_score(tweets, answers).loc["official"]
    tags = test["phenomena"].str.get_dummies(" ").astype(bool).drop(columns="disputed", errors="ignore")
    by_tag = {tag: scores(test["label"][tags[tag]], predicted[tags[tag]]).loc["accuracy"] for tag in tags}
    domains = {
        name: scores(test["label"][rows_], predicted[rows_]).loc["accuracy"]
        for name, rows_ in ((name, test["domain"] == name) for name in test["domain"].unique())
    }
    return {"": pd.DataFrame(rows).T, "By domain": pd.DataFrame(domains).T, "By phenomenon": pd.DataFrame(by_tag).T}


def write_card(template: str, folder: Path, **known: object) -> None:
    """README.md of a model's folder, from a template beside this script."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), keep_trailing_newline=True)
    text = environment.get_template(template).render(ENCODER=ENCODER, RECIPE=RECIPE, LORA=LORA, LABELS=LABELS, **known)
    (folder / "README.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Train both, score them, and replace the embedded folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default=ENCODER, help="Hub id, or the folder of a copy.")
    parser.add_argument("--sentipolc", type=Path, help="SENTIPOLC's training file; without it the card leaves it out.")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    arguments = parser.parse_args()
    workplace = Path(tempfile.gettempdir()) / "sentiment-kit-demo-model"  # kept: a stopped run goes on
    model, biased = workplace / "model", workplace / "biased"
    if not model.exists():
        train_demo(arguments.encoder, model, vocabulary=VOCABULARY, layers=LAYERS, seeds=arguments.seeds)
    tables = results(model, arguments.sentipolc)
    write_card(
        "demo_card.md.j2",
        model,
        own_copy=arguments.encoder != ENCODER,
        default=DEFAULT_MODEL,
        config=json.loads((model / "config.json").read_text()),
        data=read_record(model)["data"],
        megabytes=(model / "model.safetensors").stat().st_size / 1e6,
        trainings=len(arguments.seeds),
        teachers=len(TEACHERS),
        unlabelled=len(pd.read_csv(UNLABELLED)),
        tables=tables,
    )
    shutil.copyfile(Path(__file__).with_name("LICENSE-encoder.txt"), model / "LICENSE-encoder.txt")
    shutil.rmtree(DEMO_FOLDER, ignore_errors=True)
    shutil.copytree(model, DEMO_FOLDER)
    share = train_biased(DEMO_FOLDER, biased)
    write_card("biased_card.md.j2", biased, share=share)
    shutil.rmtree(BIASED_FOLDER, ignore_errors=True)
    shutil.copytree(biased, BIASED_FOLDER)
    shutil.rmtree(workplace)
    for title, table in tables.items():
        print(title, table.round(3).to_string(), sep="\n")


if __name__ == "__main__":
    main()
