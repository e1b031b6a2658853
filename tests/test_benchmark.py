import numpy as np

from sentiment_kit.benchmark import cleaning_rate, inference_rates, random_base_checkpoint
from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_demo
from sentiment_kit.model import load_model


def test_all_ways_give_the_same_answers(tiny_model):
    texts = clean_tweets(load_demo("test")["text"].head(40)).tolist()
    table = inference_rates(tiny_model, texts, rounds=1)
    assert table.index[0] == "one at a time, the card's way"
    assert len(table) == 3
    assert (table["labels_changed"] == 0).all()
    assert (table["largest_difference"] < 1e-5).all()
    assert (table["tweets_per_second"] > 0).all()
    np.testing.assert_allclose(table["ratio_to_card"].iloc[0], 1)


def test_cleaning_rate_is_a_rate():
    assert cleaning_rate(["@a ciao", "b"], rounds=2) > 0


def test_the_random_checkpoint_is_of_bert_bases_size(tmp_path):
    random_base_checkpoint(tmp_path, clean_tweets(load_demo("test")["text"]).tolist())
    model = load_model(tmp_path, device="cpu")
    assert sum(weights.numel() for weights in model.network.parameters()) > 109e6
    assert "".join(model.tokenizer.tokenize("Perché")).replace("##", "") == "Perché"
