import json
import shutil
import sys

import numpy as np
import pytest
import torch

from sentiment_kit.analysis.explain import attribute_words
from sentiment_kit.data import load_demo
from sentiment_kit.errors import ModelError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model
from sentiment_kit.scale import onnx
from sentiment_kit.scale.onnx import cache_folder, load_backend

TWEETS = load_demo("test")["text"].iloc[:100]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_KIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def exported(hub_folder, tmp_path_factory):
    """A cache that holds an export."""
    folder = tmp_path_factory.mktemp("exported") / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIMENT_KIT_CACHE", str(folder))
        load_backend(hub_folder, backend="onnx")
    return folder


def _exports(cache):
    return sorted(path for path in (cache / "onnx").iterdir())


def test_float32_agrees_with_torch(hub_folder, cache):
    model = load_backend(hub_folder, backend="onnx")
    assert (model.backend, model.network, str(model.device)) == ("onnx", None, "cpu")
    assert model.agreement["n"] == 128
    assert model.agreement["labels_changed"] == 0
    assert model.agreement["largest_difference"] < 1e-4
    own = predict(load_model(hub_folder, device="cpu"), TWEETS)
    np.testing.assert_allclose(predict(model, TWEETS)[list(LABELS)], own[list(LABELS)], atol=1e-5)


@pytest.fixture(scope="module")
def agreeing():
    """Of every fourth tweet of the demo's test split, whether int8 gives the demo model's label; and its own record."""
    tweets = load_demo("test")["text"].iloc[::4]
    model = load_backend("demo", backend="onnx-int8")
    own, other = (predict(loaded, tweets)["label"] for loaded in (load_model("demo", device="cpu"), model))
    return (own == other).mean(), model.agreement


def test_int8_says_how_far_it_agrees_on_the_demo_model(agreeing):
    """Of all 943 tweets it changes 8, of this quarter 4: its rounding depends on who shares a batch (docs/speed.md)."""
    share, record = agreeing
    assert share >= 0.98
    assert 0 < record["largest_difference"] < 0.25


@pytest.mark.xfail(strict=True, reason="the aim: 99% of the labels of any sample, and no probability moved by .1")
def test_int8_agrees_as_far_as_it_should(agreeing):
    share, record = agreeing
    assert share >= 0.99
    assert record["largest_difference"] < 0.1


def test_an_export_is_kept_and_found_again(hub_folder, cache, exported, monkeypatch):
    shutil.copytree(exported, cache)
    (export,) = _exports(cache)
    assert sorted(path.name for path in export.iterdir()) == ["agreement.json", "model.onnx"]
    monkeypatch.setattr(onnx, "_export", None)
    assert predict(load_backend(hub_folder, backend="onnx"), "ciao")["label"].notna().all()


def test_other_weights_are_another_export(hub_copy, cache, exported):
    shutil.copytree(exported, cache)
    weights = torch.load(hub_copy / "pytorch_model.bin", weights_only=True)
    weights["classifier.bias"] += 5 * torch.eye(3)[1]
    torch.save(weights, hub_copy / "pytorch_model.bin")
    assert (predict(load_backend(hub_copy, backend="onnx"), TWEETS)["label"] == "neutral").mean() > 0.9
    assert len(_exports(cache)) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "no record", "broken record", "no model"])
def test_a_damaged_export_is_made_again(hub_folder, cache, damage, exported, monkeypatch):
    shutil.copytree(exported, cache)
    (export,) = _exports(cache)
    whole = {path.name: path.read_bytes() for path in export.iterdir()}
    model, record = export / "model.onnx", export / "agreement.json"
    data = bytearray(model.read_bytes())
    if damage == "cut":
        model.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[len(data) // 2] ^= 255
        model.write_bytes(data)
    elif damage == "no record":
        record.unlink()
    elif damage == "broken record":
        record.write_text("{")
    else:
        model.unlink()

    def made_again(network, backend, folder, sample):
        assert folder == export
        for name, content in whole.items():
            (folder / name).write_bytes(content)

    monkeypatch.setattr(onnx, "_export", made_again)
    assert predict(load_backend(hub_folder, backend="onnx"), TWEETS)["label"].notna().all()
    assert {path.name: path.read_bytes() for path in export.iterdir()} == whole


def test_a_failed_export_leaves_nothing(hub_folder, cache, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx, "_export_float32", full)
    with pytest.raises(ModelError, match="could not be written .No space left on device"):
        load_backend(hub_folder, backend="onnx")
    assert _exports(cache) == []


def test_a_cache_that_cannot_be_written_is_named(hub_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENTIMENT_KIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set SENTIMENT_KIT_CACHE to a folder that can be written"):
        load_backend(hub_folder, backend="onnx")


def test_the_cache_is_the_users(monkeypatch):
    monkeypatch.delenv("SENTIMENT_KIT_CACHE")
    assert cache_folder().name == "sentiment-kit"


def test_mistakes_are_named(hub_folder, cache, monkeypatch):
    with pytest.raises(ModelError, match="backend must be one of torch, onnx, onnx-int8, but 'tensorrt' was passed"):
        load_backend(hub_folder, backend="tensorrt")
    with pytest.raises(ModelError, match=r"the back end onnx runs on cpu from float32, but auto and float16"):
        load_backend(hub_folder, backend="onnx", dtype="float16")
    with pytest.raises(ModelError, match=r'gradients need the back end "torch"'):
        attribute_words(load_backend(hub_folder, backend="onnx"), ["ciao"])


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx", "onnxscript"])
def test_what_is_not_installed_is_named(hub_folder, cache, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModelError, match=rf'needs {missing}, .*pip install "sentiment-kit\[onnx\]"'):
        load_backend(hub_folder, backend="onnx")


def test_a_network_that_cannot_be_exported_is_named(hub_folder, cache, monkeypatch):
    def refuse(*arguments, **options):
        raise torch.onnx.OnnxExporterError("no such operator\nand much more")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(
        ModelError, match=r'cannot be exported to ONNX \(.*no such operator\); use the back end "torch"'
    ):
        load_backend(hub_folder, backend="onnx")
    assert _exports(cache) == []


def test_the_record_holds_numbers(hub_folder, cache):
    load_backend(hub_folder, backend="onnx-int8")
    (export,) = _exports(cache)
    record = json.loads((export / "agreement.json").read_text())
    assert set(record) == {"n", "labels_changed", "largest_difference", "sha256"}
