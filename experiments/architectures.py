"""Which architectures work, and with what: the table of docs/how-to/your-own-model.md.

Each gets a tiny random checkpoint as people have it, its vocabulary in the files of its kind (without tokenizer.json),
and is tried: loads; gives a text the same answer alone and in a batch; is trained; its words are credited; runs
through ONNX Runtime. Random weights answer nothing of sense: what counts is that they answer.

    python experiments/architectures.py            writes the table into the page
    python experiments/architectures.py --only xlnet
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sentencepiece import SentencePieceTrainer
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer, CharBPETokenizer
from tokenizers.processors import BertProcessing
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast

from sentiment_kit.analysis.explain import attribute_words
from sentiment_kit.cleaning import clean_tweet
from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError, ModelError
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.model import SentimentModel, load_model, quiet_transformers
from sentiment_kit.scale.onnx import load_backend
from sentiment_kit.training import fine_tune

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "your-own-model.md"
BEGIN, END = "<!-- made by experiments/architectures.py -->", "<!-- end -->"
TRIED = ("loads", "batches", "trains", "words", "ONNX")
"""The columns of the table."""


class Kind(NamedTuple):
    """An architecture and how its folders look."""

    name: str
    vocabulary: str
    """word pieces, bytes, or the name of the file of a sentencepiece model"""
    sizes: dict[str, Any] = {}
    whole: bool = False
    """Whether all sizes are said, for the usual names are not understood."""


_SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 132, "initializer_range": 0.3,
}  # fmt: skip
_PAIRED = {"d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
           "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 132,
           "init_std": 0.3}  # fmt: skip
_T5 = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 4,
    "initializer_factor": 20.0,
    "decoder_start_token_id": 0,
}
_PIECES = "sentencepiece.bpe.model"

KINDS = {
    "bert": Kind("BERT", "word pieces"),
    "distilbert": Kind("DistilBERT", "word pieces", {"dim": 32, "hidden_dim": 64, "n_heads": 4, "n_layers": 2}),
    "electra": Kind("ELECTRA", "word pieces", {"embedding_size": 32}),
    "roberta": Kind("RoBERTa", "bytes"),
    "xlm-roberta": Kind("XLM-RoBERTa", _PIECES),
    "camembert": Kind("CamemBERT, UmBERTo", _PIECES),
    "albert": Kind("ALBERT", "spiece.model", {"embedding_size": 16}),
    "deberta": Kind("DeBERTa", "bytes"),
    "deberta-v2": Kind("DeBERTa-v2, v3", "spm.model"),
    "xlnet": Kind(
        "XLNet",
        "spiece.model",
        {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64, "initializer_range": 0.3},
        True,
    ),
    "bart": Kind("BART", "bytes", _PAIRED),
    "t5": Kind("T5", "spiece.model", _T5),
    "mt5": Kind("mT5", "spiece.model", _T5),
    "gpt2": Kind("GPT-2", "bytes", {"n_embd": 32, "n_layer": 2, "n_head": 4}),
    "gpt_neo": Kind(
        "GPT-Neo", "bytes", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}
    ),
    "gpt_neox": Kind("GPT-NeoX", "json"),
    "opt": Kind("OPT", "bytes", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom": Kind("BLOOM", "json", {"n_layer": 2, "n_head": 4}),
    "llama": Kind("Llama", "tokenizer.model", {"num_key_value_heads": 2}),
    "gemma": Kind("Gemma", "tokenizer.model", {"num_key_value_heads": 2, "head_dim": 8}),
    "qwen2": Kind("Qwen2", "bytes", {"num_key_value_heads": 2}),
    "qwen3": Kind("Qwen3", "bytes", {"num_key_value_heads": 2, "head_dim": 8}),
    "modernbert": Kind("ModernBERT", "json", {}),
    "mpnet": Kind("MPNet", "word pieces"),
    "mobilebert": Kind("MobileBERT", "word pieces", {"embedding_size": 16, "intra_bottleneck_size": 16}),
    "squeezebert": Kind("SqueezeBERT", "word pieces", {"embedding_size": 32, "q_groups": 1, "k_groups": 1}),
    "convbert": Kind("ConvBERT", "word pieces", {"embedding_size": 32, "head_ratio": 2}),
    "fnet": Kind("FNet", "spiece.model"),
    "big_bird": Kind("BigBird", "spiece.model", {"attention_type": "original_full"}),
    "longformer": Kind("Longformer", "bytes", {"attention_window": 8}),
    "nystromformer": Kind("Nyströmformer", "json"),
    "rembert": Kind("RemBERT", "sentencepiece.model", {"input_embedding_size": 16, "output_embedding_size": 16}),
    "ibert": Kind("I-BERT", "bytes"),
    "xmod": Kind("X-MOD", _PIECES, {"languages": ["it_IT"], "default_language": "it_IT"}),
    "ctrl": Kind("CTRL", "pairs", {"n_embd": 32, "n_layer": 2, "n_head": 4, "dff": 64}),
    "canine": Kind("CANINE", "characters", {"local_transformer_stride": 8, "downsampling_rate": 2}),
    "layoutlm": Kind("LayoutLM", "word pieces"),
    "ernie": Kind("ERNIE", "word pieces"),
    "megatron-bert": Kind("Megatron-BERT", "word pieces"),
}


def write_checkpoint(kind: str, folder: Path) -> Path:
    """A tiny random classifier, its weights so wide that answers differ from text to text."""
    texts = load_demo("train")["text"].head(1000).map(clean_tweet).tolist()
    special = _write_tokenizer(KINDS[kind].vocabulary, texts, folder)
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {label: number for number, label in enumerate(LABELS)}}
    sizes = KINDS[kind].sizes if KINDS[kind].whole else {**_SMALL, **KINDS[kind].sizes}
    config = AutoConfig.for_model(kind, **{**sizes, **special, **names})
    torch.manual_seed(0)
    with quiet_transformers():
        AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    return folder


def try_to_read(folder: Path) -> dict[str, str]:
    """The columns `loads`, `batches` and `words` of a checkpoint."""
    with warnings.catch_warnings(action="ignore"):
        model = load_model(folder, device="cpu")
    texts = load_demo("test")["text"].head(24).tolist()
    alone = predict(model, texts, batch_size=1, progress=False)
    together = predict(model, texts, progress=False)
    same = alone["label"].equals(together["label"])
    close = np.allclose(alone[list(LABELS)], together[list(LABELS)], atol=1e-3)
    batches = "of one length" if model.pad_id is None else "any"
    return {
        "loads": "yes",
        "batches": batches if same and close else "labels change",
        "words": _words(model, texts[:2]),
    }


def _words(model: SentimentModel, texts: list[str]) -> str:
    """Whether every word is credited, by the network's own logits."""
    try:
        words = attribute_words(model, texts)
    except ModelError:
        return "no"
    return "yes" if words["attribution"].notna().all() and (words["attribution"] != 0).mean() > 0.9 else "some missing"


def try_to_train(folder: Path, output: Path) -> str:
    """Whether an epoch of training runs, and what it saves is read again."""
    tweets = load_demo("train").head(48)
    try:
        fine_tune(folder, tweets.head(32), tweets.tail(16), output, max_epochs=1, batch_size=8, progress=False)
        with warnings.catch_warnings(action="ignore"):
            load_model(output, device="cpu")
    except (ModelError, DataError):
        return "no"
    return "yes"


def try_onnx(folder: Path) -> str:
    """Whether the network is exported and answers the same."""
    try:
        with warnings.catch_warnings(action="ignore"):
            model = load_backend(folder, backend="onnx")
    except ModelError:
        return "no"
    return "yes" if model.agreement and model.agreement["largest_difference"] < 1e-2 else "answers differ"


def table(kinds: list[str], *, onnx: bool = True) -> pd.DataFrame:
    """What was found of each kind, a row each; takes minutes for all, most of them for `onnx`."""
    rows = {}
    for kind in kinds:
        with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as new:
            folder = write_checkpoint(kind, Path(name))
            row = try_to_read(folder) | {"trains": try_to_train(folder, Path(new) / "trained")}
            row["ONNX"] = try_onnx(folder) if onnx else "not tried"
        rows[KINDS[kind].name] = {column: row[column] for column in TRIED}
        print(kind, *rows[KINDS[kind].name].values(), sep=", ", file=sys.stderr)
    return pd.DataFrame.from_dict(rows, orient="index")


def as_markdown(found: pd.DataFrame) -> str:
    """The table as the page has it."""
    lines = ["| architecture | " + " | ".join(found.columns) + " |", "|---" * (len(found.columns) + 1) + "|"]
    return (
        "\n".join(
            lines
            + [f"| {name} | " + " | ".join(row) + " |" for name, row in zip(found.index, found.to_numpy(), strict=True)]
        )
        + "\n"
    )


def page_table() -> pd.DataFrame:
    """The table that stands on the page."""
    lines = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip().splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return pd.DataFrame([row[1:] for row in rows], index=[row[0] for row in rows], columns=head[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=KINDS, metavar="KIND", help="print these, and write nothing")
    parser.add_argument("--no-onnx", dest="onnx", action="store_false", help="leave out what takes longest")
    options = parser.parse_args()
    kinds = options.only
    os.environ.setdefault("SENTIMENT_KIT_CACHE", tempfile.mkdtemp())
    found = as_markdown(table(kinds or list(KINDS), onnx=options.onnx))
    if kinds:
        print(found)
        return
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{found}{END}{rest.split(END)[1]}", encoding="utf-8")


def _write_tokenizer(vocabulary: str, texts: list[str], folder: Path) -> dict[str, Any]:
    """The files of a vocabulary, and what a config says of it: `size` and the ids of special tokens."""
    if vocabulary == "word pieces":
        return _write_word_pieces(texts, folder)
    if vocabulary == "characters":
        return {"vocab_size": 0x110000, "pad_token_id": 0}
    if vocabulary in ("bytes", "json"):
        return _write_byte_pairs(texts, folder, as_json=vocabulary == "json")
    if vocabulary == "pairs":
        return _write_word_pairs(texts, folder)
    return _write_sentencepiece(texts, folder / vocabulary)


def _write_word_pieces(texts: list[str], folder: Path) -> dict[str, Any]:
    """A cased vocabulary in the layout of the neuraly repository; the same texts give the same pieces."""
    tokenizer = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    # Ties between pairs of pieces go to the lower numbers, and the trainer numbers inner letters as a hash table has
    # them: told beforehand, they come in the same order in every run.
    letters = sorted({f"##{letter}" for text in texts for letter in text if not letter.isspace()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    tokenizer.train_from_iterator(texts, vocab_size=600, special_tokens=special, show_progress=False)
    tokenizer.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "max_len": 512}')
    return {"vocab_size": tokenizer.get_vocab_size() + 8, "pad_token_id": 0}


def _write_byte_pairs(texts: list[str], folder: Path, *, as_json: bool) -> dict[str, Any]:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]", "<|endoftext|>"]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size=600, special_tokens=special, show_progress=False)
    if as_json:
        names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer._tokenizer, **names)
        fast.backend_tokenizer.post_processor = BertProcessing(("[SEP]", 7), ("[CLS]", 5))
        fast.save_pretrained(folder)
        return {"vocab_size": len(fast), "pad_token_id": 6, "cls_token_id": 5, "sep_token_id": 7}
    tokenizer.save_model(str(folder))
    return {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}


def _write_word_pairs(texts: list[str], folder: Path) -> dict[str, Any]:
    """Pairs of characters as XLM, FlauBERT and CTRL have them, whose tokenizers are written in Python."""
    tokenizer = CharBPETokenizer(lowercase=False)
    special = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{number}>" for number in range(10))]
    tokenizer.train_from_iterator(texts, vocab_size=600, special_tokens=special, show_progress=False)
    tokenizer.save_model(str(folder))
    return {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": 2, "pad_index": 2, "bos_index": 0, "eos_index": 1}


def _write_sentencepiece(texts: list[str], path: Path) -> dict[str, Any]:
    symbols = "[CLS],[SEP],[MASK],<cls>,<sep>,<mask>,<s_>"
    with path.open("wb") as file:
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=file, vocab_size=600, pad_id=0, unk_id=1, bos_id=2, eos_id=3,
            user_defined_symbols=symbols, minloglevel=2, hard_vocab_limit=False, num_threads=1,
        )  # fmt: skip
    if path.name == _PIECES:  # whose numbers are fairseq's
        return {"vocab_size": 720, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    return {"vocab_size": 720, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}


if __name__ == "__main__":
    main()
