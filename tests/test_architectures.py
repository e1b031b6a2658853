"""Many architectures, each as a tiny random checkpoint: what is read here and what the table of the page says agree."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import KINDS, TRIED, page_table, try_to_read, write_checkpoint

from sentiment_kit.analysis.explain import _find_pieces, _logits_of_embeddings, attribute_words
from sentiment_kit.errors import ModelError
from sentiment_kit.model import load_model


@pytest.fixture(scope="module")
def on_the_page():
    return page_table()


def test_the_page_has_enough_architectures(on_the_page):
    assert list(on_the_page.columns) == list(TRIED)
    assert set(on_the_page.index) <= {kind.name for kind in KINDS.values()}
    assert len(on_the_page) >= 20
    assert (on_the_page["loads"] == "yes").all()
    assert set(on_the_page["batches"]) <= {"any", "of one length"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].name in page_table().index])
def test_it_is_read_and_answers_alone_as_in_a_batch(kind, on_the_page, tmp_path):
    folder = write_checkpoint(kind, tmp_path)
    assert not (folder / "tokenizer.json").exists() or KINDS[kind].vocabulary == "json"
    found = try_to_read(folder)
    assert found == on_the_page.loc[KINDS[kind].name, list(found)].to_dict()


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "xlnet", "bart", "t5", "gpt2", "longformer", "ctrl"])
def test_embeddings_in_the_place_of_words_give_the_networks_own_logits(kind, tmp_path):
    with warnings.catch_warnings(action="ignore"):
        model = load_model(write_checkpoint(kind, tmp_path), device="cpu")
    ids = torch.tensor([model.tokenizer("Che bella giornata, davvero!")["input_ids"]] * 2)
    mask = torch.ones_like(ids)
    embed, logits = _logits_of_embeddings(model)
    with torch.inference_mode():
        own = model.network(input_ids=ids, attention_mask=mask).logits
        embedded = embed(ids)
        torch.testing.assert_close(logits(embedded, ids, mask), own)
        embedded[:, 2] = embed(ids[:, 3])
        assert (logits(embedded, ids, mask) - own).abs().max() > 1e-4


def test_no_table_of_words_is_said_in_a_line(tmp_path):
    with warnings.catch_warnings(action="ignore"):
        model = load_model(write_checkpoint("canine", tmp_path), device="cpu")
    with pytest.raises(ModelError, match="cannot be credited, for it has no table of word embeddings"):
        attribute_words(model, "ciao")


def test_the_parts_of_a_python_written_tokenizer_sum_to_the_change(tmp_path):
    model = load_model(write_checkpoint("ctrl", tmp_path), device="cpu")
    words = attribute_words(model, ["Perché è così bello? Davvero!"])
    assert words["word"].tolist() == ["Perché", "è", "così", "bello", "?", "Davvero", "!"]
    assert np.isclose(words["attribution"].sum(), words["logit_change"].iloc[0], rtol=0.06)


@pytest.mark.parametrize(
    ("text", "pieces", "expected"),
    [
        ("Che bello", ["che", "bel", "lo"], [(0, 3), (4, 7), (7, 9)]),
        ("Perché no", ["", "perche", "no", ""], [(0, 0), (0, 6), (7, 9), (0, 0)]),
        ("a 🍕 b", ["a", None, "b"], [(0, 1), (2, 3), (4, 5)]),
        ("a", ["a", None], [(0, 1), (0, 0)]),
        ("", [], []),
    ],
)
def test_pieces_are_found_in_the_text(text, pieces, expected):
    assert _find_pieces(text, pieces) == expected


def test_the_table_is_read_as_it_is_written(on_the_page):
    from architectures import as_markdown

    assert "| BERT | yes | any | yes | yes | yes |" in as_markdown(on_the_page)
    assert isinstance(on_the_page, pd.DataFrame)
