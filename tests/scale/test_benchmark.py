import json
import sys

import numpy as np
import pandas as pd
import pytest

from sentiment_kit import cli
from sentiment_kit.data import load_demo
from sentiment_kit.errors import ModelError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model
from sentiment_kit.scale import benchmark
from sentiment_kit.scale.benchmark import (
    CARD,
    PIPELINE,
    batch_plans,
    matmul_rate,
    random_base_checkpoint,
    rate_without_model,
    run_benchmark,
)
from sentiment_kit.scale.onnx import BACKENDS

TEXTS = load_demo("test")["text"].head(60).tolist()


@pytest.fixture(scope="module", autouse=True)
def _briefly():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "_OPERATIONS", 1e8)
        patch.setattr(benchmark, "_MANY", 200)
        yield


@pytest.fixture(scope="module")
def measured(hub_folder, _briefly):
    return run_benchmark(str(hub_folder), [*TEXTS, TEXTS[0], "@solo"], rounds=1, memory=False)


def test_all_ways_give_the_same_answers(measured):
    rates = measured.rates
    assert rates.index[0] == CARD
    assert {f"sentiment_kit, {name}" for name in ("float32", *BACKENDS[1:])} <= set(rates.index)
    exact = rates[~rates.index.str.contains("int8|bfloat16")]
    assert (exact["labels_changed"] == 0).all()
    assert (exact["largest_difference"] < 1e-5).all()
    assert rates.loc["sentiment_kit, onnx-int8", "largest_difference"] > 1e-5, "int8 is another computation"


def test_all_ways_read_as_much_of_a_long_text(hub_folder, tiny_model):
    texts = ["casa bella " * 400, "ciao"]
    assert predict(tiny_model, texts)["truncated"].tolist() == [True, False]
    expected = predict(tiny_model, texts)[list(LABELS)].to_numpy(dtype=float)
    loaded = benchmark._Loaded(str(hub_folder))
    for label, build in list(benchmark._builders("cpu").items())[:4]:
        assert "sentiment_kit" not in label
        np.testing.assert_allclose(build(loaded).run(texts), expected, atol=1e-5, err_msg=label)


def test_the_columns_follow_from_each_other(measured):
    rates, machine = measured.rates, measured.machine
    assert machine["tweets"] == len(TEXTS), "repeated and empty texts are left out"
    assert (rates["slowest"] <= rates["tweets_per_second"]).all()
    assert (rates["tweets_per_second"] <= rates["fastest"]).all()
    assert rates.loc[[CARD, PIPELINE], ["ratio_to_card", "ratio_to_pipeline"]].to_numpy().diagonal().tolist() == [1, 1]
    tokens = rates["tweets_per_second"] * machine["tokens_per_tweet"]
    np.testing.assert_allclose(rates["tokens_per_second"], tokens)
    useful = 2 * tokens * machine["encoder_weights"]
    np.testing.assert_allclose(rates["of_matmul"], useful / (1e9 * machine["matmul_gflops"]))
    assert rates.loc[[CARD, "transformers.pipeline, batch 1"], "padding"].tolist() == [0, 0]
    assert rates.loc["sorted by length, batches of 32", "padding"] < rates.loc[PIPELINE, "padding"]
    assert rates["memory_mb"].isna().all()


def test_plans_by_hand(tiny_model):
    texts = ["a", "a b c", "b", "c"]
    table = batch_plans(tiny_model, texts)
    one = table[table["plan"] == "one at a time"]
    assert one[["batch", "tokens", "width"]].to_numpy().tolist() == [[0, 3, 3], [1, 5, 5], [2, 3, 3], [3, 3, 3]]
    in_order = table[table["plan"] == "in order, 32"]
    assert in_order[["batch", "tokens", "width"]].to_numpy().tolist() == [[0, 3, 5], [0, 5, 5], [0, 3, 5], [0, 3, 5]]
    assert table.groupby("plan")["tokens"].sum().tolist() == [14] * 4
    assert table.loc[table["plan"] == "by length, 32", "tokens"].tolist() == [5, 3, 3, 3]


def test_memory_is_that_of_a_process_of_its_own(hub_folder):
    peak = benchmark._peak_memory(str(hub_folder), CARD, TEXTS[:2])
    assert np.isnan(peak) or 50 < peak < 4000


def test_rates_are_rates(tiny_model):
    assert matmul_rate(64) > 0
    assert matmul_rate(64, packed=True) > 0
    assert rate_without_model(tiny_model, TEXTS, rounds=1) > 0


def test_nothing_to_measure_with_is_named(hub_folder):
    with pytest.raises(ModelError, match="no text to measure with is left once cleaned"):
        run_benchmark(str(hub_folder), ["@solo", "http://t.co/abc"])


def test_the_random_checkpoint_is_of_bert_bases_size(tmp_path):
    random_base_checkpoint(tmp_path)
    model = load_model(tmp_path, device="cpu")
    assert sum(weights.numel() for weights in model.network.state_dict().values()) > 109e6
    assert "".join(model.tokenizer.tokenize("Perché")).replace("▁", "") == "Perché"


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command(monkeypatch, capsys, measured, as_json):
    asked = {}

    def run(name, texts):
        asked.update(name=name, texts=texts)
        return measured

    monkeypatch.setattr("sentiment_kit.scale.run_benchmark", run)
    arguments = ["--model", "demo", "--n", "5"] + ["--json"] * as_json
    monkeypatch.setattr(sys, "argv", ["sentiment-kit", "benchmark", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    printed = capsys.readouterr().out
    assert (asked["name"], len(asked["texts"])) == ("demo", 5)
    if as_json:
        found = json.loads(printed)
        assert [row["way"] for row in found["rates"]] == measured.rates.index.tolist()
        assert found["without_model"] == pytest.approx(measured.machine["without_model"])
        assert pd.DataFrame(found["rates"])["memory_mb"].isna().all()
    else:
        assert "everything but the model" in printed
        assert all(way in printed for way in measured.rates.index)
