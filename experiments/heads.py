"""A head to begin with: a logistic regression on the encoder's states, where another would begin at random.

A random head pulls the encoder out of shape before it is any use (Kumar et al. 2022, *Fine-Tuning can Distort
Pretrained Features and Underperform Out-of-Distribution*).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from sentiment_kit.cleaning import clean_tweets

SPREAD = 0.3
"""Standard deviation of what goes into the pooler's tanh: there it is nearly straight."""


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
