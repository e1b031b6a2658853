import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import RobertaConfig, RobertaForSequenceClassification

from sentiment_kit.analysis import explain
from sentiment_kit.analysis.explain import ATTRIBUTION_COLUMNS, attribute_words, deletion, highlighted_text
from sentiment_kit.data import load_demo
from sentiment_kit.errors import ModelError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import load_model

TEXTS = pd.Series(
    ["Che bella giornata, GRAZIE!! #felice ❤️", None, "l'Inter perde ancora, che schifo", "@solo http://t.co/abc"],
    index=["a", "b", "c", "d"],
)


@pytest.fixture(scope="module")
def words(tiny_model):
    return attribute_words(tiny_model, TEXTS)


def test_pieces_become_words(words):
    assert words.columns.tolist() == list(ATTRIBUTION_COLUMNS)
    assert words.loc["a", "word"].tolist() == ["Che", "bella", "giornata", ",", "GRAZIE", "!!", "#felice", "❤️"]
    assert words.loc["c", "word"].tolist() == ["l", "'", "Inter", "perde", "ancora", ",", "che", "schifo"]
    assert set(words.index) == {"a", "c"}, "no rows for what cannot be read"
    assert [words["text"].iloc[0][start:end] for start, end in words.loc["a", ["start", "end"]].to_numpy()] == (
        words.loc["a", "word"].tolist()
    )


def test_the_parts_sum_to_the_change_of_the_logit(tiny_model, words):
    predicted = predict(tiny_model, TEXTS)["label"]
    for name, part in words.groupby(level=0):
        assert part["attribution"].sum() == pytest.approx(part["logit_change"].iloc[0], rel=0.05)
        assert part["target"].tolist() == [predicted[name]] * len(part)


def test_the_change_is_that_of_transformers_own_forward(tiny_model, words):
    """The logit of the text less that of as many [PAD], special tokens apart."""
    part = words.loc["c"]
    ids = tiny_model.tokenizer(part["text"].iloc[0], return_tensors="pt")["input_ids"]
    empty = ids.clone()
    empty[0, 1:-1] = tiny_model.tokenizer.pad_token_id
    with torch.inference_mode():
        change = (tiny_model.network(ids).logits - tiny_model.network(empty).logits)[0]
    target = tiny_model.labels.index(part["target"].iloc[0])
    assert part["logit_change"].iloc[0] == pytest.approx(float(change[target]), rel=1e-4)


def test_a_linear_model_is_explained_exactly(tiny_model, monkeypatch):
    """Where the logit is a sum over pieces, each piece's part is its own term."""
    weights = torch.linspace(-1, 1, tiny_model.network.get_input_embeddings().embedding_dim)

    def forward(input_ids=None, attention_mask=None, inputs_embeds=None):
        if inputs_embeds is None:
            inputs_embeds = tiny_model.network.get_input_embeddings()(input_ids)
        terms = inputs_embeds @ weights  # (n, width)
        score = (terms if attention_mask is None else terms * attention_mask).sum(dim=1)
        return type("Output", (), {"logits": torch.stack([score, -score, 0 * score], dim=1)})

    monkeypatch.setattr(tiny_model.network, "forward", forward)
    text = "mare mare, vento"
    table = attribute_words(tiny_model, [text], target="negative")
    ids = tiny_model.tokenizer(text, return_offsets_mapping=True)
    embedded = tiny_model.network.get_input_embeddings().weight.detach()
    terms = (embedded[ids["input_ids"]] - embedded[tiny_model.tokenizer.pad_token_id]) @ weights
    first = [float(term) for term, (start, end) in zip(terms, ids["offset_mapping"], strict=True) if 0 < end <= 4]
    assert table["attribution"].iloc[0] == pytest.approx(sum(first), rel=1e-4)
    assert table["attribution"].iloc[0] == pytest.approx(table["attribution"].iloc[1], rel=1e-4)
    opposite = attribute_words(tiny_model, [text], target="neutral")
    np.testing.assert_allclose(opposite["attribution"], -table["attribution"], rtol=1e-4)


def test_roberta_starts_from_the_same_positions(hub_folder, tmp_path):
    """It counts positions over what is no [PAD], so an empty text made of these would have none."""
    shutil.copy(hub_folder / "vocab.txt", tmp_path / "vocab.txt")
    config = RobertaConfig(
        vocab_size=1500, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, initializer_range=0.3, pad_token_id=0, num_labels=3,
        id2label=dict(enumerate(LABELS)), tokenizer_class="BertTokenizer",
    )  # fmt: skip
    torch.manual_seed(0)
    RobertaForSequenceClassification(config).save_pretrained(tmp_path)
    table = attribute_words(load_model(tmp_path, device="cpu"), load_demo("test")["text"].iloc[:10])
    assert (table["error"].abs() <= explain.TOLERANCE).all()


def test_company_and_order_make_no_difference(tiny_model, monkeypatch):
    texts = load_demo("test")["text"].iloc[:24]
    together = attribute_words(tiny_model, texts)
    monkeypatch.setattr(explain, "_TOKEN_STEPS", 1)  # one text at a time
    alone = attribute_words(tiny_model, texts.iloc[::-1])
    pd.testing.assert_frame_equal(together, alone.loc[texts.index], rtol=1e-3, atol=1e-4)


def test_what_does_not_converge_says_so(tiny_model, monkeypatch):
    monkeypatch.setattr(explain, "_STEPS", (1,))
    rough = attribute_words(tiny_model, load_demo("test")["text"].iloc[:40])
    assert (rough["error"].abs() > explain.TOLERANCE).any()
    texts = rough.groupby(level=0)
    np.testing.assert_allclose(
        texts["attribution"].sum() / texts["logit_change"].first() - 1,
        texts["error"].first() * np.sign(texts["logit_change"].first()),
        atol=1e-6,
    )
    monkeypatch.setattr(explain, "_STEPS", (1, 64))
    fine = attribute_words(tiny_model, load_demo("test")["text"].iloc[:40])
    assert (fine["error"].abs() <= explain.TOLERANCE).all()


def test_words_that_were_cut_off_have_no_part(hub_folder):
    model = load_model(hub_folder, device="cpu")
    model.tokenizer.model_max_length = 8
    short = type(model)(**{**model.__dict__, "max_tokens": 8})
    table = attribute_words(short, ["casa " * 20])
    assert (table["attribution"].iloc[7:] == 0).all()
    assert (table["attribution"].iloc[:2] != 0).all()


def test_nothing_and_mistakes(tiny_model, monkeypatch):
    assert attribute_words(tiny_model, []).columns.tolist() == list(ATTRIBUTION_COLUMNS)
    with pytest.raises(ModelError, match="target must be one of negative, neutral, positive, but 'happy' was passed"):
        attribute_words(tiny_model, ["ciao"], target="happy")
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(ModelError, match=r'pip install "sentiment-kit\[explain\]"'):
        attribute_words(tiny_model, ["ciao"])


def test_half_precision_is_explained_through_a_copy_in_float32(tiny_model, hub_folder):
    half = load_model(hub_folder, device="cpu", dtype="bfloat16")
    texts = ["che bella giornata", "che schifo di treno"]
    exact, copied = (
        attribute_words(tiny_model, texts, target="positive"),
        attribute_words(half, texts, target="positive"),
    )
    assert copied["word"].tolist() == exact["word"].tolist()
    np.testing.assert_allclose(copied["attribution"].astype(float), exact["attribution"].astype(float), atol=0.05)
    assert half.network.dtype == torch.bfloat16


def test_the_view_is_escaped_and_whole(tiny_model):
    table = attribute_words(tiny_model, ["<b>che</b> schifo & basta"], target="negative")
    page = highlighted_text(table)
    assert "<b>" not in page
    assert "&lt;" in page
    assert "&amp;" in page
    strongest = table["word"].iloc[int(table["attribution"].abs().argmax())]
    assert re.findall(r"0\.65\).*?>(\w+)<", page) == [strongest], "full colour for the strongest word alone"
    assert highlighted_text(table.iloc[:0]) == "<p><em>nothing to read</em></p>"


def test_deletion_by_hand(tiny_model):
    text = "che schifo di treno"
    table = attribute_words(tiny_model, [text])
    target, best = table["target"].iloc[0], int(np.argmax(table["attribution"]))
    without = " ".join(word for number, word in enumerate(table["word"]) if number != best)
    before, after = predict(tiny_model, [text, without])[target]
    row = deletion(tiny_model, table, removed=[1], draws=1).loc[1]
    assert row["top"] == pytest.approx(before - after, abs=1e-6)
    assert row["n"] == 1
    assert np.isnan(row["low"])


def test_deletion_finds_that_the_words_count(demo_model):
    """On short tweets, in which a word counts for much, and which are explained soon."""
    texts = load_demo("test")["text"]
    table = attribute_words(demo_model, texts[texts.str.len() < 50].iloc[:24])
    found = deletion(demo_model, table, draws=4)
    assert (found["low"] > 0).all()
    assert found["top"].is_monotonic_increasing
    np.testing.assert_allclose(found["gap"], found["top"] - found["random"])
    shuffled = table.assign(attribution=np.random.default_rng(0).permutation(table["attribution"]))
    assert deletion(demo_model, shuffled, removed=[1], draws=4).loc[1, "low"] < 0.02, (
        "attributions at random are no better than chance"
    )
