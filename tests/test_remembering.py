import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from sentiment_kit import remembering
from sentiment_kit.hub import ANSWERS_FOLDER
from sentiment_kit.inference import predict
from sentiment_kit.model import load_model

TEXTS = ["Che gol!", "Ritardo di 40 minuti", "", None, "Che gol!"]


@pytest.fixture
def answers(tmp_path, monkeypatch):
    monkeypatch.setenv(ANSWERS_FOLDER, str(tmp_path / "answers"))
    return tmp_path / "answers"


@pytest.fixture
def asked(monkeypatch):
    """The texts that the network was asked about, call by call, but for the probes of its fingerprint."""
    calls, real = [], remembering.score

    def score(model, texts, **options):
        if texts is not remembering._PROBES:
            calls.append(list(texts))
        return real(model, texts, **options)

    monkeypatch.setattr(remembering, "score", score)
    return calls


def test_what_was_asked_once_is_not_asked_again(tiny_model, answers, asked):
    first = predict(tiny_model, TEXTS)
    second = predict(tiny_model, [*reversed(TEXTS), "Nuovo"])
    assert asked == [["Che gol!", "Ritardo di 40 minuti", ""], ["Nuovo"]]
    pd.testing.assert_frame_equal(second.iloc[:5].iloc[::-1].reset_index(drop=True), first)


def test_the_table_is_the_one_without(tiny_model, answers, monkeypatch):
    tables = [predict(tiny_model, TEXTS), predict(tiny_model, TEXTS)]
    monkeypatch.delenv(ANSWERS_FOLDER)
    for table in tables:
        pd.testing.assert_frame_equal(table, predict(tiny_model, TEXTS))


def test_other_weights_and_other_labels_are_another_model(hub_copy, answers, asked):
    model = load_model(hub_copy, device="cpu")
    before = predict(model, TEXTS)
    with torch.no_grad():
        model.network.classifier.bias += torch.tensor([0.0, 0.0, 9.0])
    after = predict(model, TEXTS)
    assert len(asked) == 2
    assert (after["positive"] > before["positive"] + 0.1).any()
    other = dataclasses.replace(load_model(hub_copy, device="cpu"), labels=("positive", "neutral", "negative"))
    turned = predict(other, TEXTS)
    assert len(asked) == 3
    np.testing.assert_allclose(turned["positive"], before["negative"], atol=1e-6)


def test_a_chosen_batch_size_is_really_used(tiny_model, answers, asked):
    predict(tiny_model, TEXTS)
    predict(tiny_model, TEXTS, batch_size=1)
    assert len(asked) == 2
    assert len(list(answers.rglob("*.pickle"))) == 1


def test_without_the_folder_nothing_is_kept(tiny_model, asked, monkeypatch):
    monkeypatch.delenv(ANSWERS_FOLDER, raising=False)
    predict(tiny_model, TEXTS)
    predict(tiny_model, TEXTS)
    assert len(asked) == 2
