"""A head to begin with: a logistic regression on the encoder's states, where another would begin at random.

A random head pulls the encoder out of shape before it is any use (Kumar et al. 2022, *Fine-Tuning can Distort
Pretrained Features and Underperform Out-of-Distribution*).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from encoder import write_encoder
from sklearn.linear_model import LogisticRegression
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_demo
from sentiment_kit.model import quiet_transformers
from sentiment_kit.training.trainer import load_base

SEED = 2018

SPREAD = 0.3
"""Standard deviation of what goes into the pooler's tanh: there it is nearly straight."""


def base_model(
    encoder: str,
    folder: Path,
    train: pd.DataFrame | None,
    *,
    vocabulary: int | None = None,
    layers: Sequence[int] | None = None,
) -> Path:
    """A folder for `fine_tune` to begin with, unless it is there: the encoder, cut, and a head fitted to `train`.

    Without `train` there is no head, and each training draws its own. The mean of several trainings means something
    only if all began from the same one.
    """
    if not folder.exists():
        raw = folder.with_name(f"{folder.name}-raw") if train is not None else folder
        shutil.rmtree(raw, ignore_errors=True)
        write_encoder(
            encoder, raw, load_demo("train", mixed="keep")["text"].tolist(), vocabulary=vocabulary, layers=layers
        )
        if train is not None:
            tokenizer, network = load_base(raw, SEED)
            fit_head(network, tokenizer, train["text"], train["label"].cat.codes.to_numpy())
            with quiet_transformers():
                tokenizer.save_pretrained(folder)
                network.save_pretrained(folder)
            shutil.rmtree(raw)
    return folder


def fit_head(
    network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: pd.Series, labels: np.ndarray
) -> None:
    """Set pooler and classifier of a BERT for sequence classification; `labels` are the numbers of its outputs."""
    states = _first_states(network.eval(), tokenizer, clean_tweets(texts).tolist())
    scale, centre = SPREAD / states.std(axis=0).mean(), states.mean(axis=0)
    head = LogisticRegression(C=0.1, max_iter=2000).fit(np.tanh(scale * (states - centre)), labels)
    pooler, classifier = network.bert.pooler.dense, network.classifier
    with torch.no_grad():
        pooler.weight.copy_(scale * torch.eye(states.shape[1]))
        pooler.bias.copy_(torch.tensor(-scale * centre))
        classifier.weight.copy_(torch.tensor(head.coef_))
        classifier.bias.copy_(torch.tensor(head.intercept_))


def _first_states(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> np.ndarray:
    """(n_texts, hidden) the last layer's state of the first token, which the head reads."""
    states = np.zeros((len(texts), network.config.hidden_size), dtype=np.float32)
    order = np.argsort([len(text) for text in texts])
    with torch.inference_mode():
        for rows in np.array_split(order, len(order) // 64 + 1):
            batch = tokenizer([texts[row] for row in rows], padding=True, truncation=True, return_tensors="pt")
            states[rows] = network.bert(**batch).last_hidden_state[:, 0].numpy()
    return states
