"""A small BERT from nothing but tweets: for the demo, for experiments, and as a student to distil into.

Its vocabulary is cut from the tweets, its word embeddings begin with which pieces meet there, and all else is random. A
pre-trained model of the same size is better wherever one can be had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.errors import DataError
from sentiment_kit.labels import LABELS
from sentiment_kit.model import quiet_transformers

__all__ = ["random_base_checkpoint", "write_small_bert"]


def write_small_bert(
    texts: pd.Series | Sequence[str],
    folder: str | Path,
    *,
    hidden_size: int = 64,
    layers: int = 1,
    vocabulary: int = 4000,
    dropout: float = 0.5,
    seed: int = 0,
) -> int:
    """Write a base model for `fine_tune`.

    Parameters
    ----------
    texts : Series or sequence of str
        What vocabulary and embeddings come from: the training split alone, for a fair test. Cleaned here.
    folder : str or Path
        An existing folder, which gets vocab.txt, config.json, tokenizer_config.json and model.safetensors.
    hidden_size : int, default 64
        A multiple of 16, which is a head's width, and no more than the word pieces there are.
    layers : int, default 1
        Hidden layers; all defaults together make 0.3 million weights.
    vocabulary : int, default 4000
        Word pieces at most.
    dropout : float, default 0.5
        Of hidden layers and attention; with few tweets a half is not too much.
    seed : int, default 0
        Seed of the random weights.

    Returns
    -------
    int
        The word pieces there are.

    Raises
    ------
    DataError
        A `hidden_size` that is no multiple of 16, or larger than the word pieces that the texts give.
    """
    if hidden_size < 16 or hidden_size % 16:
        raise DataError(f"hidden_size must be a multiple of 16, but {hidden_size} was passed")
    texts = clean_tweets(pd.Series(texts)).tolist()
    n_pieces = write_vocabulary(texts, folder, size=vocabulary)
    if n_pieces < hidden_size:
        raise DataError(
            f"{len(texts):,} texts give {n_pieces:,} word pieces, too few for a hidden_size of {hidden_size:,}; take a "
            "smaller one (--hidden-size), or more texts"
        )
    torch.manual_seed(seed)
    config: Any = BertConfig(
        vocab_size=n_pieces,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=hidden_size // 16,
        intermediate_size=4 * hidden_size,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    config.num_labels = len(LABELS)
    config.save_pretrained(folder)  # the tokenizer's loader reads it
    network = BertForSequenceClassification(config)
    token_ids = AutoTokenizer.from_pretrained(folder)(texts, add_special_tokens=False)["input_ids"]
    embeddings = _cooccurrence_embeddings(token_ids, config.vocab_size, config.hidden_size, seed)
    with torch.no_grad():
        network.bert.embeddings.word_embeddings.weight.copy_(torch.from_numpy(embeddings))
    with quiet_transformers():
        network.save_pretrained(folder)
    return n_pieces


def random_base_checkpoint(folder: Path, texts: list[str]) -> None:
    """Write a BERT-base-sized checkpoint with random weights.

    Its vocabulary is made from `texts` and as large as that of dbmdz/bert-base-italian-cased, so that tweets become
    about as few tokens as they do there.
    """
    write_vocabulary(texts, folder, size=31_102, min_frequency=1)
    names = dict(enumerate(LABELS))
    config = BertConfig(  # all else is its default, BERT base
        vocab_size=31_102,
        initializer_range=0.06,
        id2label=names,
        label2id={name: number for number, name in names.items()},
    )
    torch.manual_seed(0)
    with quiet_transformers():
        BertForSequenceClassification(config).save_pretrained(folder)


def write_vocabulary(texts: list[str], folder: str | Path, *, size: int, min_frequency: int = 2) -> int:
    """Write a cased WordPiece vocabulary made from `texts`, in the layout of the neuraly repository.

    Parameters
    ----------
    texts : list of str
        Cleaned.
    folder : str or Path
        An existing folder, which gets vocab.txt and tokenizer_config.json.
    size : int
        Pieces at most.
    min_frequency : int, default 2
        How often a pair of pieces must occur to become one.

    Returns
    -------
    int
        The pieces there are; the same texts give the same pieces.
    """
    wordpiece = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    # Ties between pairs of pieces go to the lower numbers, and the trainer numbers inner letters as a hash table has
    # them: told beforehand, they come in the same order in every run.
    inner_letters = sorted({f"##{letter}" for text in texts for letter in text if not letter.isspace()})
    wordpiece.train_from_iterator(
        texts,
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *inner_letters],
        show_progress=False,
    )
    wordpiece.save_model(str(folder))
    (Path(folder) / "tokenizer_config.json").write_text('{"do_lower_case": false, "max_len": 512}')
    return wordpiece.get_vocab_size()


def _cooccurrence_embeddings(token_ids: list[list[int]], n_tokens: int, size: int, seed: int) -> np.ndarray:
    """(n_tokens, size): singular vectors of the positive pointwise mutual information of pieces up to 5 apart.

    Pieces met in like company start out alike (Levy and Goldberg 2014); nearer neighbours count more.
    """
    counts: dict[tuple[int, int], float] = defaultdict(float)
    for ids in token_ids:
        for distance in range(1, 6):
            for pair in zip(ids, ids[distance:], strict=False):
                counts[pair] += 1 / distance
    pairs, values = np.array(list(counts)), np.array(list(counts.values()))
    matrix = csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=(n_tokens, n_tokens))
    matrix = (matrix + matrix.T).tocoo()
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    information = np.log(matrix.data * totals.sum() / (totals[matrix.row] * totals[matrix.col]))
    positive = csr_matrix((np.maximum(information, 0), (matrix.row, matrix.col)), shape=matrix.shape)
    left, strengths, _ = randomized_svd(positive, size, random_state=seed)
    embeddings = left * np.sqrt(strengths)
    return (0.05 * embeddings / embeddings.std()).astype(np.float32)
