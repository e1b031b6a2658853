import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers.modeling_outputs import SequenceClassifierOutput

from sentiment_kit.cleaning import clean_tweet
from sentiment_kit.data import load_demo
from sentiment_kit.errors import ModelError
from sentiment_kit.inference import PREDICTION_COLUMNS, predict, show_progress
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model

TWEETS = load_demo("test")["text"].tolist()[:80]


def card_way(model, text):
    """The model card's snippet, one text at a time, with `.logits` in place of its unpacking."""
    tensor = torch.tensor(model.tokenizer.encode(text, add_special_tokens=True)).long().unsqueeze(0)
    with torch.no_grad():
        logits = model.network(tensor).logits
    return torch.softmax(logits.squeeze(0), dim=0).numpy()


@pytest.fixture(scope="module")
def expected(tiny_model):
    return np.array([card_way(tiny_model, clean_tweet(text)) for text in TWEETS])


def test_the_random_model_tells_texts_apart(tiny_model):
    # Otherwise the comparisons below would hold for any shuffled answer.
    table = predict(tiny_model, TWEETS)
    assert set(table["label"]) == set(LABELS)
    assert table["positive"].std() > 0.1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TWEETS))), batch_size=st.integers(1, 100))
def test_equals_the_cards_way_for_any_order_and_batch_size(any_model, expected, order, batch_size):
    table = predict(any_model, [TWEETS[i] for i in order], batch_size=batch_size)
    apart = np.abs(table[list(LABELS)].to_numpy() - expected[order])
    if any_model.backend == "onnx-int8":  # it rounds each batch by its own largest value
        assert apart.mean() < 0.02
        assert np.quantile(apart, 0.99) < 0.1
    else:
        assert apart.max() < 1e-5
    assert table["text"].tolist() == [TWEETS[i] for i in order]


def test_equals_the_cards_way_on_the_demo_model(demo_model):
    table = predict(demo_model, TWEETS)
    one_by_one = np.array([card_way(demo_model, clean_tweet(text)) for text in TWEETS])
    np.testing.assert_allclose(table[list(LABELS)].to_numpy(), one_by_one, atol=1e-5)


def test_the_table(any_model):
    table = predict(any_model, ["Che bello!", "Che schifo"])
    assert tuple(table.columns) == PREDICTION_COLUMNS
    assert table["label"].dtype == label_dtype
    np.testing.assert_allclose(table[list(LABELS)].sum(axis=1), 1, atol=1e-6)
    best = table[list(LABELS)].astype("float64")
    assert table["label"].tolist() == best.idxmax(axis=1).tolist()
    np.testing.assert_array_equal(table["confidence"], table[list(LABELS)].max(axis=1))
    counts = [len(any_model.tokenizer(text)["input_ids"]) for text in table["text"]]
    assert table["n_tokens"].tolist() == counts


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b c", None],
        ("a", "b c", None),
        lambda: (text for text in ["a", "b c", None]),
        pd.Series(["a", "b c", None]),
        pd.Series(["a", "b c", pd.NA], dtype="string"),
        pd.Series(["a", "b c", None], dtype="category"),
        np.array(["a", "b c", np.nan], dtype=object),
        pa.array(["a", "b c", None]),
        pa.chunked_array([["a"], ["b c", None]]),
    ],
    ids=["list", "tuple", "generator", "series", "string", "category", "numpy", "arrow", "chunked"],
)
def test_every_container_gives_the_same(any_model, texts):
    table = predict(any_model, texts() if callable(texts) else texts)
    pd.testing.assert_frame_equal(table, predict(any_model, ["a", "b c", None]))
    assert table["label"].isna().tolist() == [False, False, True]


def test_one_string_is_one_row(any_model):
    assert predict(any_model, "ciao mondo")["text"].tolist() == ["ciao mondo"]


def test_missing_is_missing_of_any_type(tiny_model):
    for texts in (np.array([np.nan], dtype="float32"), [np.float32("nan")], np.array(["NaT"], dtype="datetime64[s]")):
        table = predict(tiny_model, texts)
        assert table["text"].isna().tolist() == [True]
        assert table["n_tokens"].tolist() == [0]


@pytest.mark.parametrize("texts", [[], pd.Series([], dtype=str), np.array([], dtype=object), pa.array([], pa.string())])
def test_no_texts_give_the_same_table_without_rows(any_model, texts):
    table = predict(any_model, texts)
    pd.testing.assert_series_equal(table.dtypes, predict(any_model, "ciao").dtypes)
    assert len(table) == 0


def test_index_and_order_of_a_series_are_kept(any_model):
    series = pd.Series(TWEETS[:5], index=[30, 10, 10, "x", None])
    table = predict(any_model, series)
    assert table.index.equals(series.index)
    np.testing.assert_array_equal(table["positive"], predict(any_model, TWEETS[:5])["positive"])


UNREADABLE = [None, float("nan"), "", "   \n", "@solo", "http://t.co/Ab12Cd34Ef", "\x00", "\ufffd"]
STRANGE = [
    "\ud800",
    "a\ud800b",
    "a\ud83d\ude02b",
    "x\x00y",
    "😂",
    "👩‍👩‍👧🇮🇹",
    "مرحبا بالعالم",
    "a" * 100_000,
    "ciao " * 25_000,
]


def test_strange_texts_have_a_row_each(any_model):
    texts = [text for pair in zip([*UNREADABLE, "fine"], STRANGE + ["fine"], strict=False) for text in pair]
    table = predict(any_model, texts, batch_size=3)
    assert len(table) == len(texts)
    for text, (_, row) in zip(texts, table.iterrows(), strict=True):
        if text == "\ud800":
            continue  # a lone surrogate alone: unknown to this vocabulary, read or not, a row all the same
        readable = isinstance(text, str) and text in [*STRANGE, "fine"]
        assert pd.notna(row["label"]) == readable, repr(text)[:40]
        assert (row["n_tokens"] > 2) == readable
        assert np.isnan(row["positive"]) != readable
    assert table["text"][1] == "\ud800"


def test_what_cleaning_empties_is_read_without_cleaning(any_model):
    assert predict(any_model, ["@solo"])["label"].isna().all()
    assert predict(any_model, ["@solo"], clean=None)["label"].notna().all()
    shouted = predict(any_model, ["ciao"], clean=str.upper)
    assert shouted["positive"].item() == predict(any_model, ["CIAO"])["positive"].item()


def test_truncation_is_recorded_per_row(any_model):
    table = predict(any_model, ["a " * 600, "a", "a " * 510, "a " * 511])
    assert table["truncated"].tolist() == [True, False, False, True]
    assert table["n_tokens"].tolist() == [512, 3, 512, 512]


class _Wrapped(torch.nn.Module):
    """A network whose forward pass can be watched or made to fail."""

    def __init__(self, network, before):
        super().__init__()
        self.network, self.before = network, before

    def forward(self, input_ids, attention_mask=None):
        self.before(input_ids)
        return self.network(input_ids=input_ids, attention_mask=attention_mask)


def _with(model, before):
    return dataclasses.replace(model, network=_Wrapped(model.network, before))


def test_repeated_texts_are_computed_once(tiny_model):
    rows = []
    model = _with(tiny_model, lambda input_ids: rows.append(len(input_ids)))
    table = predict(model, ["a b", "c", "a b", "@x a b", None] * 3)
    assert sum(rows) == 2
    assert table["positive"].dropna().nunique() == 2


def test_batches_hold_texts_of_like_length(tiny_model):
    shapes = []
    predict(_with(tiny_model, lambda input_ids: shapes.append(tuple(input_ids.shape))), TWEETS, batch_size=8)
    widths = [width for _, width in shapes]
    assert all(rows <= 8 for rows, _ in shapes)
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("message", [None, "MPS backend out of memory (MPS allocated: 3 GB)", "can't allocate memory"])
def test_out_of_memory_halves_only_the_failing_batch(tiny_model, message):
    sizes = []

    def refuse_large(input_ids):
        sizes.append(len(input_ids))
        if len(input_ids) > 5 and sizes[0] == len(input_ids) and len(sizes) < 3:
            raise torch.OutOfMemoryError("CUDA out of memory") if message is None else RuntimeError(message)

    texts = [f"{first} {second}" for first in "abcdeghi" for second in "lmnop"]  # 40 texts of one length
    table = predict(_with(tiny_model, refuse_large), texts, batch_size=20)
    assert sizes == [20, 10, 10, 20]
    np.testing.assert_allclose(table["positive"], predict(tiny_model, texts)["positive"], atol=1e-5)


def test_out_of_memory_for_one_text_is_a_clear_error(tiny_model):
    def refuse(input_ids):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match=r"out of memory on cpu for a single text of \d+ tokens"):
        predict(_with(tiny_model, refuse), TWEETS[:7])


def test_no_other_error_is_caught(tiny_model):
    def fail(input_ids):
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        predict(_with(tiny_model, fail), "ciao")


def test_a_batch_that_overflows_float16_is_done_again_in_float32(hub_copy):
    weights = torch.load(hub_copy / "pytorch_model.bin", weights_only=True)
    # Weights that float16 holds, and sums of them that it does not; the layer norm behind brings them down again.
    inner = weights["bert.encoder.layer.1.intermediate.dense.weight"]
    inner *= 6e4 / inner.abs().max()
    torch.save(weights, hub_copy / "pytorch_model.bin")
    full = predict(load_model(hub_copy, device="cpu"), TWEETS)
    half = load_model(hub_copy, device="cpu", dtype="float16")
    sums = half.network(**half.tokenizer(TWEETS, padding=True, return_tensors="pt")).logits
    assert not torch.isfinite(sums).all()
    table = predict(half, TWEETS)
    assert table["label"].notna().all()
    np.testing.assert_allclose(table["positive"], full["positive"], atol=0.05)
    assert half.network.dtype == torch.float16


def test_damaged_weights_are_named(tiny_model):
    class NotFinite(torch.nn.Module):
        def forward(self, input_ids, attention_mask=None):
            return SequenceClassifierOutput(logits=torch.full((len(input_ids), 3), torch.nan))

    with pytest.raises(ModelError, match="not finite even in float32"):
        predict(dataclasses.replace(tiny_model, network=NotFinite()), "ciao")


def test_a_two_class_model_gives_no_neutral(tiny_model):
    class TwoOutputs(torch.nn.Module):
        def forward(self, input_ids, attention_mask=None):
            return SequenceClassifierOutput(logits=torch.tensor([[0.0, np.log(3.0)]]).repeat(len(input_ids), 1))

    model = dataclasses.replace(tiny_model, network=TwoOutputs(), labels=("positive", "negative"))
    row = predict(model, "ciao").iloc[0]
    np.testing.assert_allclose([row["negative"], row["neutral"], row["positive"]], [0.75, 0, 0.25], atol=1e-6)
    assert row["label"] == "negative"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 3], "row 1 .*got int: 3"),
        (["a", {"text": "b"}], "row 1 .*got dict"),
        ([b"a"], "row 0 .*got bytes: b'a'"),
        (pd.Series(["a", 1.5]), "row 1 .*got float: 1.5"),
        ({"a": "b"}, "got dict"),
        ({"a", "b"}, "got set"),
        (3, "got int"),
        (pd.DataFrame({"text": ["a"]}), "got DataFrame; pass one column"),
        (np.array([["a"]]), r"shape \(1, 1\)"),
    ],
)
def test_wrong_types_raise_and_name_the_position(any_model, texts, message):
    with pytest.raises(TypeError, match=message):
        predict(any_model, texts)


def test_batch_size_must_be_positive(any_model):
    with pytest.raises(ValueError, match="batch_size must be at least 1, but 0"):
        predict(any_model, "a", batch_size=0)


def test_progress_shows_when_asked_and_not_in_a_pipe(tiny_model, capsys):
    predict(tiny_model, TWEETS)
    assert capsys.readouterr().err == ""
    assert [show_progress(wanted) for wanted in (True, False, None)] == [True, False, False]
