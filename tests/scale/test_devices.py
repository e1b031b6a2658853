import dataclasses
import os
from functools import partial

import pandas as pd
import pytest
import torch

from sentiment_kit.data import load_demo
from sentiment_kit.errors import ModelError
from sentiment_kit.inference import predict
from sentiment_kit.model import load_model
from sentiment_kit.scale import devices as on_devices
from sentiment_kit.scale import predict_on_devices

TEXTS = load_demo("test")["text"].tolist()[:120]


@pytest.mark.long
def test_two_devices_give_the_same_in_order(tiny_model):
    texts = pd.Series([*TEXTS, None, TEXTS[0], "@solo"]).sample(frac=1, random_state=0)
    for options in ({}, {"clean": str.upper, "batch_size": 3}):
        table = predict_on_devices(tiny_model, texts, ["cpu", "cpu"], **options)
        pd.testing.assert_frame_equal(table, predict(tiny_model, texts, **options), atol=1e-5)
    pd.testing.assert_frame_equal(predict_on_devices(tiny_model, [], ["cpu"]), predict(tiny_model, []))


@pytest.mark.parametrize("devices", ["cuda:0", []])
def test_devices_are_a_list(tiny_model, devices):
    with pytest.raises(ValueError, match=r'devices must be a list such as \["cuda:0", "cuda:1"\]'):
        predict_on_devices(tiny_model, "ciao", devices)


def test_a_device_that_is_not_there_is_named_before_anything_starts(tiny_model, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(on_devices, "ProcessPoolExecutor", None)
    with pytest.raises(ModelError, match="among cpu, cuda, cuda:0, cuda:1, which are here, but 'cuda:2' was passed"):
        predict_on_devices(tiny_model, ["ciao"], ["cpu", "cuda:2"])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ModelError, match="devices must be among cpu, which are here, but 'cuda' was passed"):
        predict_on_devices(tiny_model, "ciao", ["cuda"])


def test_a_value_that_is_no_text_is_named_before_anything_starts(tiny_model, monkeypatch):
    monkeypatch.setattr(on_devices, "ProcessPoolExecutor", None)
    with pytest.raises(TypeError, match="row 1 .*got int: 3"):
        predict_on_devices(tiny_model, ["a", 3], ["cpu"])


@pytest.mark.long
def test_what_a_process_says_is_said(tiny_model, tmp_path):
    gone = dataclasses.replace(tiny_model, loader=partial(load_model, tmp_path / "gone"))
    with pytest.raises(ModelError, match="no such folder: .*gone"):
        predict_on_devices(gone, ["ciao", "bello"], ["cpu", "cpu"])


def _die(device):
    os._exit(1)


@pytest.mark.long
def test_a_process_that_dies_is_told_with_its_likely_cause(tiny_model):
    message = r"expected a process each on cpu, cpu to load .*model and score, but one died: memory may have run out"
    with pytest.raises(ModelError, match=message):
        predict_on_devices(dataclasses.replace(tiny_model, loader=_die), ["ciao", "bello"], ["cpu", "cpu"])
