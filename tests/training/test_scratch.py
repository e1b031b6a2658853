import json

import pytest
import torch

from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError, ModelError
from sentiment_kit.hub import weights_hash
from sentiment_kit.model import load_model
from sentiment_kit.training.scratch import write_small_bert, write_vocabulary

TEXTS = load_demo("test")["text"].tolist()


def test_the_same_texts_give_the_same_vocabulary(tmp_path):
    """Many pairs of pieces are equally frequent; which of them becomes a piece must not depend on a hash table."""
    found = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        n_pieces = write_vocabulary(TEXTS, folder, size=800)
        found.append((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        assert len(found[-1]) == n_pieces == 800
    assert found[0] == found[1] == found[2]
    assert found[0][:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert (folder / "tokenizer_config.json").stat().st_size == 40


def test_a_small_bert_has_the_shape_that_was_asked_for(tmp_path):
    write_small_bert(TEXTS, tmp_path, hidden_size=32, layers=2, vocabulary=600, dropout=0.1)
    config = json.loads((tmp_path / "config.json").read_text())
    wanted = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    assert {name: config[name] for name in wanted} == wanted
    assert config["vocab_size"] == 600
    assert config["hidden_dropout_prob"] == config["attention_probs_dropout_prob"] == 0.1
    with pytest.raises(ModelError, match="LABEL_0"):
        load_model(tmp_path)  # it has learnt no labels yet


def test_words_that_keep_like_company_begin_alike(tmp_path):
    texts = [f"{animal} dorme sul divano" for animal in ("gatto", "cane")] * 30 + ["il treno parte alle nove"] * 30
    write_small_bert(texts, tmp_path, hidden_size=16, vocabulary=400)
    vocabulary = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    weights = _embeddings(tmp_path)
    cat, dog, train = (weights[vocabulary.index(word)] for word in ("gatto", "cane", "treno"))
    likeness = torch.nn.functional.cosine_similarity
    assert likeness(cat, dog, dim=0) > 0.9 > likeness(cat, train, dim=0)


def test_a_size_that_cannot_be_is_named(tmp_path):
    texts = ["aba ab", "ba"]  # 5 special pieces, ##a ##b a b aba? and so on: fewer than 16
    message = (
        "2 texts give 10 word pieces, too few for a hidden_size of 16; take a smaller one .--hidden-size., or more"
    )
    with pytest.raises(DataError, match=message):
        write_small_bert(texts, tmp_path, hidden_size=16)
    for size in (50, 0):
        with pytest.raises(DataError, match=f"hidden_size must be a multiple of 16, but {size} was passed"):
            write_small_bert(TEXTS, tmp_path, hidden_size=size)


def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        write_small_bert(TEXTS[:200], tmp_path / name, vocabulary=400, seed=seed)
    assert weights_hash(tmp_path / "a") == weights_hash(tmp_path / "b") != weights_hash(tmp_path / "c")


def _embeddings(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
